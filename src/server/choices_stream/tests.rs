use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderMap;
use http_body_util::BodyExt as _;
use tokio::sync::watch;

use super::*;
use crate::metrics::Metrics;
use crate::server::connection::ConnectionState;
use crate::server::request_id::RequestId;
use crate::server::scripted::{Scripted, Step, metadata, scripted, start, stop, text, whole};
use crate::server::stream::{Silences, Source};
use crate::translate::{Answer, ChunkHead};

const SECOND: Duration = Duration::from_secs(1);

/// A stream of several choices, and what can be seen of their upstreams.
struct Rig {
    stream: ChoicesStream<Scripted>,
    dropped: Vec<Arc<AtomicBool>>,
}

impl Rig {
    fn new(choices: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let mut dropped = Vec::new();
        let choices: Vec<_> = (0..)
            .zip(choices)
            .map(|(choice, steps)| {
                let (body, gone) = scripted(steps);
                dropped.push(gone);
                stream(choice, body)
            })
            .collect();
        Self {
            stream: ChoicesStream::new(choices),
            dropped,
        }
    }

    async fn frame(&mut self) -> Option<String> {
        let frame = self.stream.frame().await?.unwrap().into_data().unwrap();
        Some(String::from_utf8(frame.to_vec()).unwrap())
    }

    async fn frames(&mut self) -> Vec<String> {
        let mut frames = Vec::new();
        while let Some(frame) = self.frame().await {
            frames.push(frame);
        }
        assert!(self.stream.is_end_stream());
        frames
    }

    fn dropped(&self) -> Vec<bool> {
        self.dropped
            .iter()
            .map(|gone| gone.load(Ordering::Relaxed))
            .collect()
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

fn stream(choice: u32, body: Scripted) -> ChatCompletionStream<Scripted> {
    let head = ChunkHead {
        id: "chatcmpl-1",
        created: 1,
        model: "m",
    };
    let answer = Answer {
        choices: 2,
        include_usage: true,
        ..Answer::default()
    };
    let translator = StreamTranslator::new(head, answer).for_choice(choice);
    let silences = Silences {
        idle: 100 * SECOND,
        keep_alive: Duration::ZERO,
    };
    ChatCompletionStream::new(
        Source::Reading(body),
        translator,
        BytesMut::new(),
        silences,
        None,
    )
}

fn index_of(frame: &str) -> &str {
    let (_, rest) = frame.split_once(r#""choices":[{"index":"#).unwrap();
    &rest[..1]
}

#[tokio::test(start_paused = true)]
async fn choices_take_turns_and_end_together() {
    let steps = || {
        let mut steps = vec![Step::Bytes(start())];
        steps.extend((0..3).map(|_| Step::Bytes(text())));
        steps.push(Step::Bytes([stop(), metadata()].concat()));
        steps
    };
    let mut rig = Rig::new([steps(), steps(), steps()]);
    let mut frames = rig.frames().await;
    let end = frames.pop().unwrap();
    let indexes: Vec<&str> = frames.iter().map(|frame| index_of(frame)).collect();
    assert_eq!(indexes, ["0", "1", "2"].repeat(4));
    assert!(frames.iter().all(|frame| !frame.contains("[DONE]")));
    let (usage, done) = end.split_once("\n\n").unwrap();
    assert!(
        usage.contains(
            r#""choices":[],"usage":{"prompt_tokens":3,"completion_tokens":6,"total_tokens":9"#
        ),
        "{usage}"
    );
    assert_eq!(done, "data: [DONE]\n\n");
    let reported = rig.reported();
    assert_eq!((reported.complete, reported.error), (true, None));
    assert_eq!(reported.usage.map(|usage| usage.output_tokens), Some(6));
    assert!(reported.first_token.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_silent_choice_delays_nothing_but_the_end() {
    let silent = vec![Step::Silence(20 * SECOND), Step::Bytes(whole())];
    let mut rig = Rig::new([silent, vec![Step::Bytes(whole())]]);
    assert_eq!(index_of(&rig.frame().await.unwrap()), "1");
    assert_eq!(index_of(&rig.frame().await.unwrap()), "0");
    assert_eq!(rig.dropped(), [false, true], "it was read to its end");
    assert!(rig.frame().await.unwrap().ends_with("data: [DONE]\n\n"));
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_ends_all_choices() {
    let lost = upstream::Error::Interrupted("reset".to_owned());
    let begun = || Step::Bytes([start(), text()].concat());
    let mut rig = Rig::new([
        vec![begun(), Step::Silence(5 * SECOND), Step::Bytes(whole())],
        vec![begun(), Step::Silence(SECOND), Step::Failure(lost)],
        vec![Step::Bytes(whole())],
    ]);
    let frames = rig.frames().await;
    assert_eq!(frames.len(), 4, "{frames:?}");
    assert!(frames[3].starts_with(r#"data: {"error":{"#), "{frames:?}");
    assert!(frames.iter().all(|frame| !frame.contains("[DONE]")));
    assert_eq!(rig.dropped(), [true; 3]);
    let reported = rig.reported();
    assert_eq!(
        (reported.complete, reported.error),
        (true, Some("upstream_stream_error"))
    );
    // The choice that was done before was paid for.
    assert_eq!(reported.usage.map(|usage| usage.output_tokens), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_usage_that_is_lost_is_not_made_up() {
    let without_usage = vec![Step::Bytes([start(), text(), stop()].concat())];
    let mut rig = Rig::new([vec![Step::Bytes(whole())], without_usage]);
    let frames = rig.frames().await;
    assert_eq!(frames.last().unwrap(), "data: [DONE]\n\n");
    // What is known was paid for all the same.
    assert_eq!(
        rig.reported().usage.map(|usage| usage.output_tokens),
        Some(2)
    );
}

#[tokio::test(start_paused = true)]
async fn the_end_is_sent_before_the_upstreams_have_ended() {
    let hangs = || vec![Step::Bytes(whole()), Step::Silence(1000 * SECOND)];
    let mut rig = Rig::new([hangs(), hangs()]);
    for _ in 0..2 {
        rig.frame().await.unwrap();
    }
    assert!(rig.frame().await.unwrap().ends_with("data: [DONE]\n\n"));
    assert_eq!(rig.dropped(), [false, false]);
    assert_eq!(rig.frame().await, None);
    assert_eq!(rig.dropped(), [true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_drops_all_upstreams_and_is_not_complete() {
    let begun = || {
        let bytes = Step::Bytes([start(), text()].concat());
        vec![bytes, Step::Silence(100 * SECOND)]
    };
    let mut rig = Rig::new([begun(), begun()]);
    rig.frame().await.unwrap();
    assert!(!rig.reported().complete);
    let Rig { stream, dropped } = rig;
    drop(stream);
    assert!(dropped.iter().all(|gone| gone.load(Ordering::Relaxed)));
}
