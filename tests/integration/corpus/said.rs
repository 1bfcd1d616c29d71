//! The oracle: what an answer says, read from Bedrock's JSON in the simplest way.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::frames::Frame;
use crate::wire::Received;

/// What an answer says, read from Bedrock's JSON.
#[derive(Default)]
pub(super) struct Said {
    content: String,
    reasoning: String,
    calls: Vec<(String, String, String)>,
    stop_reason: String,
    usage: Option<Value>,
}

impl Said {
    pub(super) fn in_frames(frames: &[Frame]) -> Self {
        let mut said = Self::default();
        let mut call_of_block: BTreeMap<u64, usize> = BTreeMap::new();
        for frame in frames {
            let payload: Value = serde_json::from_slice(&frame.payload).unwrap();
            let block = payload["contentBlockIndex"].as_u64().unwrap_or_default();
            let delta = &payload["delta"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            match frame.headers[":event-type"].as_str() {
                "contentBlockStart" => {
                    let call = &payload["start"]["toolUse"];
                    if call.is_object() && call["type"] != "server_tool_use" {
                        call_of_block.insert(block, said.calls.len());
                        let call = (text(&call["toolUseId"]), text(&call["name"]), String::new());
                        said.calls.push(call);
                    }
                }
                "contentBlockDelta" => {
                    said.content += &text(&delta["text"]);
                    said.reasoning += &text(&delta["reasoningContent"]["text"]);
                    if let Some(call) = call_of_block.get(&block) {
                        said.calls[*call].2 += &text(&delta["toolUse"]["input"]);
                    }
                }
                "messageStop" => said.stop_reason = text(&payload["stopReason"]),
                "metadata" => said.usage = Some(payload["usage"].clone()),
                _ => {}
            }
        }
        for (_, _, arguments) in &mut said.calls {
            if arguments.is_empty() {
                arguments.push_str("{}");
            }
        }
        said
    }

    pub(super) fn in_answer(response: &Value) -> Self {
        let mut said = Self {
            stop_reason: response["stopReason"].as_str().unwrap().to_owned(),
            usage: Some(response["usage"].clone()),
            ..Self::default()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for block in response["output"]["message"]["content"].as_array().unwrap() {
            said.content += &text(&block["text"]);
            for cited in block["citationsContent"]["content"]
                .as_array()
                .into_iter()
                .flatten()
            {
                said.content += &text(&cited["text"]);
            }
            said.reasoning += &text(&block["reasoningContent"]["reasoningText"]["text"]);
            let call = &block["toolUse"];
            if call.is_object() && call["type"] != "server_tool_use" {
                let [id, name] = [&call["toolUseId"], &call["name"]].map(text);
                said.calls.push((id, name, call["input"].to_string()));
            }
        }
        said
    }

    /// What a client must have received, its calls' arguments as they are written here.
    pub(super) fn received(self) -> Received {
        let finish_reason = match self.stop_reason.as_str() {
            "max_tokens" | "model_context_window_exceeded" => "length",
            "guardrail_intervened" | "content_filtered" => "content_filter",
            _ if !self.calls.is_empty() => "tool_calls",
            _ => "stop",
        };
        Received {
            reasoning_details: Value::Null,
            content: self.content,
            reasoning: self.reasoning,
            calls: self.calls,
            finish_reason: Some(finish_reason.to_owned()),
            usage: self.usage.as_ref().map(usage),
            error: None,
            done: true,
        }
    }
}

/// OpenAI's usage for Bedrock's.
fn usage(usage: &Value) -> Value {
    let count = |member: &str| usage[member].as_u64().unwrap_or_default();
    let (read, write) = (
        count("cacheReadInputTokens"),
        count("cacheWriteInputTokens"),
    );
    let prompt = count("inputTokens") + read + write;
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": count("outputTokens"),
        "total_tokens": prompt + count("outputTokens"),
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": write},
    })
}
