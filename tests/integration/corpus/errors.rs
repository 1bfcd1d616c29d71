//! Recorded failures, before a stream and inside one.

use std::collections::BTreeMap;
use std::fs;

use outcrop::bedrock::Exception;
use outcrop::translate::Failure;

use super::frames::{failure, frames};
use super::{cases, name, read_json};

#[test]
fn recorded_errors_have_the_status_that_clients_understand() {
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for case in cases("errors") {
        let meta = read_json(&case.join("meta.json"));
        let header = |wanted: &str| {
            let headers = meta["response_headers"].as_object().unwrap();
            headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.as_str().unwrap())
        };
        let status = u16::try_from(meta["status"].as_u64().unwrap()).unwrap();
        let body = fs::read(case.join("response.json")).unwrap();
        let exception = Exception::from_answer(status, header("x-amzn-errortype"), None, &body);
        let failure = Failure::from_exception(&exception, Some(200_000));
        let text = String::from_utf8_lossy(&body).into_owned();
        let expected = expected_failure(status, header("x-amzn-errortype").unwrap_or(""), &text);
        let code = failure.object.code.as_deref();
        assert_eq!((failure.status, code), expected, "{}: {text}", name(&case));
        *statuses.entry(failure.status).or_default() += 1;
    }
    println!("errors by the client's status: {statuses:?}");
}

/// The client's status and code for AWS's status, type and text.
fn expected_failure(status: u16, kind: &str, text: &str) -> (u16, Option<&'static str>) {
    let overflow = [
        "Input is too long",
        "Input Tokens Exceeded",
        "total text bytes",
    ];
    let unknown = [
        "model identifier is invalid",
        "on-demand throughput isn’t supported",
    ];
    match status {
        403 if kind.starts_with("AccessDenied") => (404, Some("model_not_found")),
        403 => (502, Some("upstream_auth")),
        400 if overflow.iter().any(|words| text.contains(words)) => {
            (400, Some("context_length_exceeded"))
        }
        400 if unknown.iter().any(|words| text.contains(words)) => (404, Some("model_not_found")),
        429 => (429, Some("rate_limit_exceeded")),
        503 => (503, Some("overloaded")),
        other => (other, None),
    }
}

/// Failures that were recorded inside streams of `InvokeModel`'s, whose exceptions are the same.
#[test]
fn recorded_exceptions_inside_streams_have_their_status() {
    let mut seen = BTreeMap::new();
    for case in cases("eventstream-vectors/positive") {
        let bytes = fs::read(case.join("encoded.bin")).unwrap();
        let frames = frames(&bytes);
        let exception = frames.iter().find(|frame| frame.is_exception());
        if let Some(frame) = exception.filter(|_| name(&case).starts_with("recorded__")) {
            seen.insert(
                frame.headers[":exception-type"].clone(),
                failure(&bytes).status,
            );
        }
    }
    println!("exceptions inside recorded streams: {seen:?}");
    for (exception, status) in [
        ("validationException", 400),
        ("modelStreamErrorException", 502),
    ] {
        assert!(seen.is_empty() || seen[exception] == status, "{exception}");
    }
}
