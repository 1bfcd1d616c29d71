use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use http_body_util::BodyExt as _;
use tokio::sync::watch;
use tokio::time::sleep;

use super::*;
use crate::metrics::Metrics;
use crate::server::bill::{Bill, Order};
use crate::server::connection::ConnectionState;
use crate::server::request_id::RequestId;
use crate::server::scripted::{Scripted, Step, metadata, scripted, start, stop, text, whole};
use crate::server::translation::Call;
use crate::translate::{Answer as Shape, ChunkHead};

const SECOND: Duration = Duration::from_secs(1);

/// A stream under test, and what can be seen of its upstream.
struct Rig {
    stream: Pin<Box<ChatCompletionStream<Scripted>>>,
    dropped: Arc<AtomicBool>,
    begun: Instant,
}

impl Rig {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::with(steps, 10 * SECOND, Duration::ZERO)
    }

    fn with(steps: impl IntoIterator<Item = Step>, idle: Duration, keep_alive: Duration) -> Self {
        let (body, dropped) = scripted(steps);
        Self::of(
            Source::Reading(body),
            dropped,
            Silences { idle, keep_alive },
        )
    }

    fn of(source: Source<Scripted>, dropped: Arc<AtomicBool>, silences: Silences) -> Self {
        let head = ChunkHead {
            id: "chatcmpl-1",
            created: 1,
            model: "m",
        };
        let translator = StreamTranslator::new(head, Shape::default());
        let stream = ChatCompletionStream::new(source, translator, BytesMut::new(), silences, None);
        Self {
            stream: Box::pin(stream),
            dropped,
            begun: Instant::now(),
        }
    }

    /// The next frame's text and the seconds since the beginning; `None` at the end.
    async fn frame(&mut self) -> Option<(String, u64)> {
        let frame = self.stream.frame().await?.unwrap().into_data().unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        Some((text, self.begun.elapsed().as_secs()))
    }

    async fn frames(&mut self) -> Vec<(String, u64)> {
        let mut frames = Vec::new();
        while let Some(frame) = self.frame().await {
            frames.push(frame);
        }
        assert!(self.stream.is_end_stream());
        frames
    }

    async fn text(&mut self) -> String {
        self.frames()
            .await
            .into_iter()
            .map(|(text, _)| text)
            .collect()
    }

    fn is_upstream_dropped(&self) -> bool {
        self.dropped.load(Ordering::Relaxed)
    }

    fn reported(&self) -> Exchange {
        let id = RequestId::of(&HeaderMap::new(), 1);
        let in_flight = ConnectionState::default().request();
        let (_, draining) = watch::channel(false);
        let mut exchange = Exchange::begin(Metrics::new(), id, in_flight, draining, Arc::default());
        self.stream.report(&mut exchange);
        exchange
    }
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

fn is_whole(text: &str) -> bool {
    count(text, "data: [DONE]\n\n") == 1
        && count(text, r#""finish_reason":"stop""#) == 1
        && !text.contains(r#"{"error""#)
}

fn is_failed(text: &str, code: &str) -> bool {
    count(text, r#"data: {"error""#) == 1
        && text.contains(&format!(r#""code":"{code}""#))
        && text.ends_with("\n\n")
        && !text.contains("[DONE]")
        && !text.contains(r#""finish_reason":""#)
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_one_read_leaves_in_one_frame() {
    let mut rig = Rig::new([Step::Bytes(whole())]);
    let (text, _) = rig.frame().await.unwrap();
    assert!(is_whole(&text), "{text}");
    assert_eq!(rig.frame().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_silent_upstream_fails_when_the_idle_time_is_over_and_is_dropped_then() {
    let bytes = Step::Bytes([start(), text()].concat());
    let mut rig = Rig::new([bytes, Step::Silence(100 * SECOND)]);
    assert!(!rig.is_upstream_dropped());
    let frames = rig.frames().await;
    let [(_, 0), (error, 10)] = frames.as_slice() else {
        panic!("{frames:?}");
    };
    assert!(is_failed(error, "upstream_timeout"), "{error}");
    assert!(rig.is_upstream_dropped());
}

#[tokio::test(start_paused = true)]
async fn each_read_begins_the_idle_time_anew() {
    let mut steps = vec![Step::Bytes(start())];
    for _ in 0..5 {
        steps.extend([Step::Silence(9 * SECOND), Step::Bytes(text())]);
    }
    steps.push(Step::Bytes([stop(), metadata()].concat()));
    let mut rig = Rig::new(steps);
    let text = rig.text().await;
    assert!(is_whole(&text), "{text}");
    assert_eq!(rig.begun.elapsed(), 45 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_go_out_while_the_upstream_is_silent_and_do_not_count_as_its_own() {
    let steps = [Step::Bytes(start()), Step::Silence(100 * SECOND)];
    let mut rig = Rig::with(steps, 10 * SECOND, 3 * SECOND);
    let frames = rig.frames().await;
    let times: Vec<u64> = frames.iter().map(|(_, at)| *at).collect();
    assert_eq!(times, [3, 6, 9, 10]);
    let texts: Vec<&str> = frames.iter().map(|(text, _)| text.as_str()).collect();
    assert!(
        texts[..3]
            .iter()
            .all(|text| text.contains("chat.completion.chunk"))
    );
    assert!(is_failed(texts[3], "upstream_timeout"), "{texts:?}");
    // None of them was a piece of the answer.
    assert_eq!(rig.reported().first_token, None);
}

#[tokio::test(start_paused = true)]
async fn a_token_delays_the_next_sign_of_life() {
    let steps = [
        Step::Silence(2 * SECOND),
        Step::Bytes([start(), text()].concat()),
        Step::Silence(4 * SECOND),
        Step::Bytes([stop(), metadata()].concat()),
    ];
    let mut rig = Rig::with(steps, 100 * SECOND, 3 * SECOND);
    let times: Vec<u64> = rig.frames().await.iter().map(|(_, at)| *at).collect();
    assert_eq!(times, [2, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn without_signs_of_life_a_silence_is_silent() {
    let steps = [Step::Silence(9 * SECOND), Step::Bytes(whole())];
    let frames = Rig::new(steps).frames().await;
    assert_eq!(frames.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_hangs_after_the_last_event_is_left_by_and_by() {
    let steps = [Step::Bytes(whole()), Step::Silence(1000 * SECOND)];
    let mut rig = Rig::with(steps, 100 * SECOND, SECOND);
    let (text, at) = rig.frame().await.unwrap();
    assert!(is_whole(&text) && at == 0, "{at} {text}");
    assert!(!rig.is_upstream_dropped());
    assert_eq!(rig.frame().await, None);
    assert_eq!(rig.begun.elapsed(), DRAIN_TIME);
    assert!(rig.is_upstream_dropped());
}

#[tokio::test(start_paused = true)]
async fn metadata_that_never_comes_is_not_waited_for_as_long_as_a_token() {
    let bytes = [start(), text(), stop()].concat();
    let steps = [Step::Bytes(bytes), Step::Silence(1000 * SECOND)];
    let mut rig = Rig::with(steps, 100 * SECOND, SECOND);
    let text = rig.text().await;
    assert!(is_whole(&text), "{text}");
    assert_eq!(rig.begun.elapsed(), DRAIN_TIME);
    let reported = rig.reported();
    assert_eq!((reported.complete, reported.error), (true, None));
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_one_error_event() {
    let lost = upstream::Error::Interrupted("reset".to_owned());
    let bytes = Step::Bytes([start(), text()].concat());
    let mut rig = Rig::new([bytes, Step::Failure(lost)]);
    let text = rig.text().await;
    assert!(is_failed(&text, "upstream_stream_error"), "{text}");
    let reported = rig.reported();
    assert_eq!(reported.error, Some("upstream_stream_error"));
    assert!(reported.first_token.is_some() && reported.usage.is_none());
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_message_end_the_upstream_before_the_client_hears_of_it() {
    let steps = [
        Step::Bytes(start()),
        Step::Bytes(vec![0; 16]),
        Step::Bytes(text()),
    ];
    let mut rig = Rig::new(steps);
    let (text, _) = rig.frame().await.unwrap();
    assert!(is_failed(&text, "upstream_stream_error"), "{text}");
    assert!(rig.is_upstream_dropped());
    assert_eq!(rig.frame().await, None);
}

#[tokio::test(start_paused = true)]
async fn what_follows_the_last_event_is_read_and_ignored() {
    let lost = upstream::Error::Interrupted("reset".to_owned());
    for after in [
        Step::Bytes(text()),
        Step::Bytes(vec![0; 64]),
        Step::Failure(lost),
    ] {
        let mut rig = Rig::new([Step::Bytes(whole()), after]);
        let text = rig.text().await;
        assert!(
            is_whole(&text) && count(&text, r#""content":"Hi""#) == 1,
            "{text}"
        );
        assert_eq!(rig.reported().error, None);
    }
}

/// An answer to the call that was made first.
fn opened(answer: Answered<Scripted>) -> Opened<Scripted> {
    Opened {
        call: Call::default(),
        target: "us-east-1/m".to_owned(),
        charge: Bill::new(None, Arc::default()).charge(Order::default()),
        tap: None,
        answer,
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_still_pending_is_not_idle() {
    let (body, dropped) = scripted([Step::Bytes(whole())]);
    let opening: Opening<Scripted> = Box::pin(async {
        sleep(100 * SECOND).await;
        Ok(opened(Answered::Events {
            request_id: Some("aws-1".to_owned()),
            body,
        }))
    });
    let silences = Silences {
        idle: SECOND,
        keep_alive: 40 * SECOND,
    };
    let mut rig = Rig::of(Source::Opening(opening), dropped, silences);
    let frames = rig.frames().await;
    let times: Vec<u64> = frames.iter().map(|(_, at)| *at).collect();
    assert_eq!(times, [40, 80, 100]);
    let text: String = frames.into_iter().map(|(text, _)| text).collect();
    assert!(is_whole(&text), "{text}");
    assert_eq!(rig.reported().upstream_request_id.as_deref(), Some("aws-1"));
}

#[tokio::test(start_paused = true)]
async fn a_silence_after_a_late_answer_is_timed_without_signs_of_life_too() {
    let silent = [
        Step::Bytes([start(), text()].concat()),
        Step::Silence(1000 * SECOND),
    ];
    let (body, dropped) = scripted(silent);
    let opening: Opening<Scripted> = Box::pin(async {
        sleep(100 * SECOND).await;
        let request_id = None;
        Ok(opened(Answered::Events { request_id, body }))
    });
    let silences = Silences {
        idle: 10 * SECOND,
        keep_alive: Duration::ZERO,
    };
    let mut rig = Rig::of(Source::Opening(opening), dropped, silences);
    let text = rig.text().await;
    assert!(is_failed(&text, "upstream_timeout"), "{text}");
    assert_eq!(rig.begun.elapsed(), 110 * SECOND);
    assert!(rig.reported().is_answered);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_goes_on_after_the_answer_is_left_all_the_same() {
    let mut steps = vec![Step::Bytes(whole())];
    for _ in 0..10 {
        steps.extend([Step::Silence(2 * SECOND), Step::Bytes(text())]);
    }
    let mut rig = Rig::new(steps);
    let text = rig.text().await;
    assert!(is_whole(&text), "{text}");
    assert_eq!(rig.begun.elapsed(), DRAIN_TIME);
    assert!(rig.is_upstream_dropped());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_late_is_an_error_event() {
    let error = upstream::Error::Unreachable("refused".to_owned());
    let refused = Refused {
        error: from_upstream(&error, None),
        target: "us-east-1/m".to_owned(),
        request_id: Some("aws-1".to_owned()),
    };
    let opening: Opening<Scripted> = Box::pin(async { Err(refused) });
    let silences = Silences {
        idle: SECOND,
        keep_alive: SECOND,
    };
    let mut rig = Rig::of(Source::Opening(opening), Arc::default(), silences);
    let text = rig.text().await;
    assert!(is_failed(&text, "upstream_unreachable"), "{text}");
    assert_eq!(rig.reported().upstream_request_id.as_deref(), Some("aws-1"));
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_that_comes_late_is_streamed() {
    let answer = upstream::Answer {
        request_id: None,
        input_tokens: None,
        body: Bytes::from_static(
            br#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn"}"#,
        ),
    };
    let opening: Opening<Scripted> = Box::pin(async { Ok(opened(Answered::Whole(answer))) });
    let silences = Silences {
        idle: SECOND,
        keep_alive: SECOND,
    };
    let text = Rig::of(Source::Opening(opening), Arc::default(), silences)
        .text()
        .await;
    assert!(
        is_whole(&text) && text.contains(r#""content":"Hi""#),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_drops_its_upstream_and_is_not_complete() {
    let bytes = Step::Bytes([start(), text()].concat());
    let mut rig = Rig::new([bytes, Step::Silence(100 * SECOND)]);
    rig.frame().await.unwrap();
    assert!(!rig.reported().complete);
    let Rig {
        stream, dropped, ..
    } = rig;
    drop(stream);
    assert!(dropped.load(Ordering::Relaxed));
}
