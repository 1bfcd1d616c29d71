//! One tiny Converse and one tiny ConverseStream: the only proof that a model answers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;

use super::advice;
use super::check::{Check, Finding, within};
use super::question::{Operation, Question};
use crate::bedrock::Exception;
use crate::bedrock::event::Event;
use crate::bedrock::event_stream::{Decoder, FrameError, Kind};
use crate::bedrock::response::{ConverseResponse, TokenUsage};
use crate::upstream::{Attempts, Bedrock, Error, EventStreamBody};

/// How long each call may take, repeats included.
const LIMIT: Duration = Duration::from_secs(30);
/// What is asked. So few tokens cost next to nothing, and a model that thinks just stops early.
const BODY: &str = r#"{"messages":[{"role":"user","content":[{"text":"Say OK"}]}],"inferenceConfig":{"maxTokens":16}}"#;
/// How much of the answer is shown, in characters.
const SHOWN: usize = 40;
const MISSING_END: &str = "Try again; if it stays, something between here and AWS cuts streams: a proxy or a load balancer that buffers.";

/// Asks the model of `question` both ways, side by side.
pub(super) async fn examine(bedrock: &Bedrock, question: Question<'_>) -> [Check; 2] {
    let of = |operation| Question {
        operation,
        ..question
    };
    let (whole, streamed) = tokio::join!(
        converse(bedrock, of(Operation::Converse)),
        converse_stream(bedrock, of(Operation::ConverseStream))
    );
    [whole, streamed]
}

async fn converse(bedrock: &Bedrock, question: Question<'_>) -> Check {
    let begun = Instant::now();
    let attempts = Attempts::default();
    let call = call(question, async |id| {
        bedrock.converse(id, body(), &attempts).await
    });
    let finding = match within(LIMIT, call).await {
        Ok((model, _, Ok(answer))) => answered(&model, &answer.body),
        Ok((model, question, Err(error))) => failed(&model, &error, &question),
        Err(finding) => finding,
    };
    Check::since(begun, question.operation.name(), finding)
}

async fn converse_stream(bedrock: &Bedrock, question: Question<'_>) -> Check {
    let begun = Instant::now();
    let attempts = Attempts::default();
    let call = call(question, async |id| {
        let stream = bedrock.converse_stream(id, body(), &attempts).await?;
        let first = begun.elapsed();
        Ok((first, read(stream.body).await?))
    });
    let finding = match within(LIMIT, call).await {
        Ok((model, _, Ok((first, read)))) => streamed(&model, first, &read),
        Ok((model, question, Err(error))) => failed(&model, &error, &question),
        Err(finding) => finding,
    };
    Check::since(begun, question.operation.name(), finding)
}

/// Calls the model and, where AWS wants an inference profile and the gateway would choose one, that. Tells what was called,
/// and what was asked last.
async fn call<'q, T>(
    question: Question<'q>,
    call: impl AsyncFn(&str) -> Result<T, Error>,
) -> (String, Question<'q>, Result<T, Error>) {
    let Some(model) = question.model else {
        return (String::new(), question, Err(Error::ModelId));
    };
    let answer = call(&model.id).await;
    let wants_profile = matches!(
        &answer,
        Err(Error::Exception { exception, .. }) if exception.needs_inference_profile()
    );
    match &model.chosen {
        Some(profile) if wants_profile => {
            let called = format!("{} through {}", model.id, profile.id);
            let question = Question {
                model: Some(&**profile),
                ..question
            };
            (called, question, call(&profile.id).await)
        }
        _ => (model.id.clone(), question, answer),
    }
}

fn body() -> Bytes {
    Bytes::from_static(BODY.as_bytes())
}

fn failed(model: &str, error: &Error, question: &Question<'_>) -> Finding {
    let advice = advice::failed(error, question);
    Finding::bad(format!("{model}: {error}"), advice)
}

/// What a whole answer says.
fn answered(model: &str, body: &[u8]) -> Finding {
    let Ok(ConverseResponse {
        output: Some(output),
        usage,
        ..
    }) = serde_json::from_slice(body)
    else {
        let detail = format!("{model}: the answer is not Converse's");
        return Finding::bad(
            detail,
            "Correct the endpoint URL: what answers there is not Bedrock.",
        );
    };
    let content = output
        .message
        .into_iter()
        .flat_map(|message| message.content);
    let text: String = content
        .filter_map(|block| serde_json::from_str::<String>(block.text?.token()).ok())
        .collect();
    Finding::good(format!(
        "{model} says {:?}{}",
        text.trim().chars().take(SHOWN).collect::<String>(),
        tokens(usage.as_ref())
    ))
}

/// What came of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    events: usize,
    stop_reason: Option<String>,
    usage: Option<TokenUsage>,
}

/// Reads a stream to its end. It is not kept, so that its length does not matter.
async fn read(mut body: EventStreamBody) -> Result<Read, Error> {
    let mut read = Read::default();
    let mut decoder = Decoder::default();
    while let Some(frame) = body.frame().await {
        let chunk = frame?.into_data().unwrap_or_default();
        decoder.push(&chunk, |message| {
            let name = match message.kind()? {
                Kind::Event(name) if !Exception::is_exception_name(name) => name,
                Kind::Event(name) | Kind::Exception(name) => {
                    return Err(exception(Exception::from_message(name, "", &message)));
                }
                Kind::Error {
                    code,
                    message: text,
                } => {
                    return Err(exception(Exception::from_message(code, text, &message)));
                }
            };
            read.events += 1;
            match Event::parse(name, message.payload()) {
                Ok(Event::MessageStop(stop)) => {
                    read.stop_reason = Some(stop.stop_reason.into_owned());
                }
                Ok(Event::Metadata(metadata)) => read.usage = metadata.usage,
                _ => {}
            }
            Ok(())
        })?;
    }
    decoder
        .finish()
        .map_err(|error: FrameError| Error::from(error))?;
    Ok(read)
}

fn exception(exception: Exception) -> Error {
    Error::Exception {
        exception,
        request_id: None,
        retry_after: None,
    }
}

fn streamed(model: &str, first: Duration, read: &Read) -> Finding {
    let events = read.events;
    let Some(reason) = &read.stop_reason else {
        let detail = format!("{model}: the stream ended after {events} events without messageStop");
        return Finding::bad(detail, MISSING_END);
    };
    Finding::good(format!(
        "{model} sent {events} events, the first after {} ms, and stopped with {reason}{}",
        first.as_millis(),
        tokens(read.usage.as_ref())
    ))
}

fn tokens(usage: Option<&TokenUsage>) -> String {
    let tokens = usage.map(|usage| {
        let (read, written) = (usage.input_tokens, usage.output_tokens);
        format!(", {read} tokens in, {written} out")
    });
    tokens.unwrap_or_default()
}
