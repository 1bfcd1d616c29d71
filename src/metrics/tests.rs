use std::thread;
use std::time::Duration;

use super::{CONTENT_TYPE, Metrics, RequestOutcome, Tokens};

const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn outcome(model: &str) -> RequestOutcome<'_> {
    RequestOutcome {
        route: "/v1/chat/completions",
        model: Some(model),
        status: 200,
        stream: true,
        error: None,
        duration: Duration::from_millis(1500),
    }
}

/// Whether the page has the line; the labels of a line stand in the order of their declaration.
fn has(metrics: &Metrics, line: &str) {
    let page = metrics.encode();
    assert!(
        page.lines().any(|found| found == line),
        "{line} is missing in\n{page}"
    );
}

#[test]
fn a_finished_request_is_counted_and_timed() {
    let metrics = Metrics::new();
    metrics.clone().request_finished(&outcome(MODEL));
    metrics.request_finished(&outcome(MODEL));
    has(
        &metrics,
        &format!(
            r#"outcrop_requests_total{{route="/v1/chat/completions",model="{MODEL}",status="200",stream="true"}} 2"#
        ),
    );
    let answer = r#"{route="/v1/chat/completions",stream="true"}"#;
    has(
        &metrics,
        &format!("outcrop_request_duration_seconds_count{answer} 2"),
    );
    has(
        &metrics,
        &format!("outcrop_request_duration_seconds_sum{answer} 3.0"),
    );
    assert!(
        !metrics.encode().contains("outcrop_errors_total{"),
        "no error, no count"
    );
}

#[test]
fn an_error_is_counted_by_its_code_also_in_a_stream_that_began_with_200() {
    let metrics = Metrics::new();
    let error = Some("rate_limit_exceeded");
    metrics.request_finished(&RequestOutcome {
        status: 429,
        model: None,
        error,
        ..outcome("")
    });
    metrics.request_finished(&RequestOutcome {
        error,
        ..outcome(MODEL)
    });
    has(
        &metrics,
        r#"outcrop_errors_total{code="rate_limit_exceeded"} 2"#,
    );
    has(
        &metrics,
        r#"outcrop_requests_total{route="/v1/chat/completions",model="",status="429",stream="true"} 1"#,
    );
}

#[test]
fn tokens_are_counted_by_kind() {
    let metrics = Metrics::new();
    let tokens = Tokens {
        input: 10,
        output: 20,
        cache_read: 30,
        cache_write: 40,
    };
    metrics.tokens(MODEL, &tokens);
    metrics.tokens(MODEL, &tokens);
    for (kind, count) in [
        ("input", 20),
        ("output", 40),
        ("cache_read", 60),
        ("cache_write", 80),
    ] {
        has(
            &metrics,
            &format!(r#"outcrop_tokens_total{{model="{MODEL}",kind="{kind}"}} {count}"#),
        );
    }
}

/// Buckets that start at 5 ms would show nothing of a proxy that takes 30 µs.
#[test]
fn overhead_is_told_apart_in_microseconds() {
    let metrics = Metrics::new();
    metrics.overhead("/v1/chat/completions", false, Duration::from_micros(30));
    let bucket = |edge: &str, count: u32| {
        has(
            &metrics,
            &format!(
                r#"outcrop_overhead_seconds_bucket{{le="{edge}",route="/v1/chat/completions",stream="false"}} {count}"#
            ),
        );
    };
    bucket("0.000025", 0);
    bucket("0.00005", 1);
    bucket("+Inf", 1);
}

#[test]
fn the_first_token_is_timed_by_model() {
    let metrics = Metrics::new();
    metrics.first_token(MODEL, Duration::from_millis(250));
    has(
        &metrics,
        &format!(r#"outcrop_time_to_first_token_seconds_sum{{model="{MODEL}"}} 0.25"#),
    );
    has(
        &metrics,
        &format!(r#"outcrop_time_to_first_token_seconds_bucket{{le="0.3",model="{MODEL}"}} 1"#),
    );
}

#[test]
fn a_stream_is_open_as_long_as_its_guard_lives() {
    let metrics = Metrics::new();
    let (first, second) = (metrics.stream_opened(), metrics.stream_opened());
    has(&metrics, "outcrop_open_streams 2");
    drop(first);
    has(&metrics, "outcrop_open_streams 1");
    drop(second);
    has(&metrics, "outcrop_open_streams 0");
}

#[test]
fn calls_to_bedrock_are_counted() {
    let metrics = Metrics::new();
    metrics.upstream_attempt("ConverseStream");
    metrics.upstream_retry("throttled");
    metrics.upstream_error("ThrottlingException");
    has(
        &metrics,
        r#"outcrop_upstream_attempts_total{operation="ConverseStream"} 1"#,
    );
    has(
        &metrics,
        r#"outcrop_upstream_retries_total{reason="throttled"} 1"#,
    );
    has(
        &metrics,
        r#"outcrop_upstream_errors_total{exception="ThrottlingException"} 1"#,
    );
}

#[test]
fn at_most_two_hundred_models_become_labels() {
    let metrics = Metrics::new();
    for number in 0..1000 {
        metrics.first_token(&format!("model-{number}"), Duration::ZERO);
    }
    metrics.first_token("model-7", Duration::ZERO);
    let page = metrics.encode();
    let models = page
        .lines()
        .filter(|line| line.starts_with("outcrop_time_to_first_token_seconds_count"));
    assert_eq!(models.count(), 201);
    has(
        &metrics,
        r#"outcrop_time_to_first_token_seconds_count{model="other"} 800"#,
    );
    has(
        &metrics,
        r#"outcrop_time_to_first_token_seconds_count{model="model-7"} 2"#,
    );
}

#[test]
fn a_model_name_cannot_break_the_page() {
    let metrics = Metrics::new();
    metrics.first_token("a\"} 1\noutcrop_evil{x=\"é", Duration::ZERO);
    metrics.first_token(&"x".repeat(1_000_000), Duration::ZERO);
    has(
        &metrics,
        r#"outcrop_time_to_first_token_seconds_count{model="a___1_outcrop_evil_x___"} 1"#,
    );
    has(
        &metrics,
        &format!(
            r#"outcrop_time_to_first_token_seconds_count{{model="{}"}} 1"#,
            "x".repeat(128)
        ),
    );
}

#[test]
fn threads_that_see_a_model_for_the_first_time_share_one_label() {
    let metrics = Metrics::new();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| metrics.request_finished(&outcome(MODEL)));
        }
    });
    has(
        &metrics,
        &format!(
            r#"outcrop_requests_total{{route="/v1/chat/completions",model="{MODEL}",status="200",stream="true"}} 8"#
        ),
    );
}

#[test]
fn the_page_is_open_metrics_text_with_help_for_everything() {
    let metrics = Metrics::new();
    let page = metrics.encode();
    has(
        &metrics,
        &format!(
            r#"outcrop_build_info{{version="{}"}} 1"#,
            env!("CARGO_PKG_VERSION")
        ),
    );
    assert!(page.ends_with("# EOF\n"));
    assert!(CONTENT_TYPE.starts_with("application/openmetrics-text"));
    let types = page
        .lines()
        .filter(|line| line.starts_with("# TYPE outcrop_"));
    let helps = page
        .lines()
        .filter(|line| line.starts_with("# HELP outcrop_"));
    assert_eq!(types.count(), helps.count());
}

/// Tools that read Prometheus' own older text format refuse a page with a type they do not know.
#[test]
fn the_page_holds_only_types_that_both_text_formats_know() {
    let page = Metrics::new().encode();
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    for line in types {
        let (_, kind) = line.split_once(' ').unwrap();
        assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
    }
}
