//! `CreateChatCompletionStreamResponse`: chunks, written as server-sent events.

use bytes::{BufMut as _, BytesMut};
use serde::Serialize;
use serde_json::value::RawValue;

use super::completion::{FinishReason, ReasoningDetail, Usage};
use super::error::{ErrorBody, ErrorObject};

/// Writes the chunks of one answer.
///
/// What never changes within an answer (id, time, model) is rendered once and copied into each chunk. JSON
/// strings come in as tokens, quotes and escapes included, and are copied as they stand: a token cannot hold
/// a raw line break, so each event is one `data:` line.
#[derive(Debug)]
pub struct ChunkWriter {
    /// `data: {"id":…,"choices":[`
    head: Vec<u8>,
    /// `{"index":0,"delta":{`
    choice: Vec<u8>,
    /// What follows the choices of every chunk but the one with usage.
    tail: &'static [u8],
    role_sent: bool,
}

/// A call's first chunk.
#[derive(Clone, Copy, Debug)]
pub struct ToolCallStart<'a> {
    /// The call's number among the calls of the answer, from 0.
    pub index: u32,
    /// The call's id.
    pub id: &'a str,
    /// The function's name.
    pub name: &'a str,
}

impl ChunkWriter {
    /// A writer for the answer `id` to a request for `model`, `created` in Unix seconds. With
    /// `include_usage` every chunk but the last has `"usage":null`, as OpenAI's do.
    pub fn new(id: &str, created: u64, model: &str, include_usage: bool) -> Self {
        #[derive(Serialize)]
        struct Head<'a> {
            id: &'a str,
            object: &'static str,
            created: u64,
            model: &'a str,
        }
        let mut head = b"data: ".to_vec();
        head.extend(json(&Head {
            id,
            object: "chat.completion.chunk",
            created,
            model,
        }));
        // The object stays open: the choices follow in each chunk.
        head.pop();
        head.extend_from_slice(br#","choices":["#);
        let tail: &[u8] = if include_usage {
            b"],\"usage\":null}\n\n"
        } else {
            b"]}\n\n"
        };
        Self {
            head,
            choice: br#"{"index":0,"delta":{"#.to_vec(),
            tail,
            role_sent: false,
        }
    }

    /// The same for the choice with this number.
    #[must_use]
    pub fn for_choice(self, index: u32) -> Self {
        Self {
            choice: format!(r#"{{"index":{index},"delta":{{"#).into_bytes(),
            ..self
        }
    }

    /// A piece of text; `token` is a JSON string.
    pub fn content(&mut self, token: &str, out: &mut BytesMut) {
        self.delta(&[br#""content":"#, token.as_bytes()], out);
    }

    /// A piece of reasoning; `token` is a JSON string.
    pub fn reasoning_content(&mut self, token: &str, out: &mut BytesMut) {
        self.delta(&[br#""reasoning_content":"#, token.as_bytes()], out);
    }

    /// The first chunk of a call, with everything but its arguments.
    pub fn tool_call(&mut self, call: ToolCallStart<'_>, out: &mut BytesMut) {
        #[derive(Serialize)]
        struct Call<'a> {
            index: u32,
            id: &'a str,
            r#type: &'static str,
            function: Function<'a>,
        }
        #[derive(Serialize)]
        struct Function<'a> {
            name: &'a str,
            arguments: &'static str,
        }
        let function = Function {
            name: call.name,
            arguments: "",
        };
        let call = json(&Call {
            index: call.index,
            id: call.id,
            r#type: "function",
            function,
        });
        let content: &[u8] = if self.role_sent {
            b""
        } else {
            br#""content":null,"#
        };
        self.delta(&[content, br#""tool_calls":["#, &call, b"]"], out);
    }

    /// A piece of a call's arguments; `token` is a JSON string.
    pub fn tool_call_arguments(&mut self, index: u32, token: &str, out: &mut BytesMut) {
        let mut digits = [0; 10];
        let index = decimal(index, &mut digits);
        let token = token.as_bytes();
        self.delta(
            &[
                br#""tool_calls":[{"index":"#,
                index,
                br#","function":{"arguments":"#,
                token,
                b"}}]",
            ],
            out,
        );
    }

    /// The first chunk of a call in an answer to a request with the deprecated `functions`.
    pub fn function_call(&mut self, name: &str, out: &mut BytesMut) {
        let name = json(&name);
        let content: &[u8] = if self.role_sent {
            b""
        } else {
            br#""content":null,"#
        };
        self.delta(
            &[
                content,
                br#""function_call":{"name":"#,
                &name,
                br#","arguments":""}"#,
            ],
            out,
        );
    }

    /// A piece of that call's arguments; `token` is a JSON string.
    pub fn function_call_arguments(&mut self, token: &str, out: &mut BytesMut) {
        self.delta(
            &[br#""function_call":{"arguments":"#, token.as_bytes(), b"}"],
            out,
        );
    }

    /// A citation of a web page; `url` and `title` are JSON strings, the range is in characters of the content.
    ///
    /// The item carries an `index`, because openai-python's stream accumulator fails on list items without one.
    pub fn annotation(
        &mut self,
        index: u32,
        range: (usize, usize),
        url: &str,
        title: &str,
        out: &mut BytesMut,
    ) {
        let item = format!(
            r#""annotations":[{{"index":{index},"type":"url_citation","url_citation":{{"start_index":{},"end_index":{},"url":{url},"title":{title}}}}}]"#,
            range.0, range.1
        );
        self.delta(&[item.as_bytes()], out);
    }

    /// Reasoning to be sent back with the results of the calls before it.
    pub fn reasoning_details(&mut self, details: &[ReasoningDetail<'_>], out: &mut BytesMut) {
        self.delta(&[br#""reasoning_details":"#, &json(&details)], out);
    }

    /// A chunk that says nothing and resets the idle timers of clients, which comments do not.
    pub fn keep_alive(&mut self, out: &mut BytesMut) {
        let content: &[u8] = if self.role_sent {
            b""
        } else {
            br#""content":"""#
        };
        self.delta(&[content], out);
    }

    /// The last chunk of the choice.
    pub fn finish(&mut self, reason: FinishReason, service_tier: Option<&str>, out: &mut BytesMut) {
        let role: &[u8] = if self.role_sent {
            b""
        } else {
            br#""role":"assistant","content":"""#
        };
        self.role_sent = true;
        write(
            &[&self.head, &self.choice, role, br#"},"finish_reason":""#],
            out,
        );
        write(&[reason.as_str().as_bytes(), br#""}"#], out);
        Self::close(service_tier, self.tail, out);
    }

    /// The chunk that ends an answer, which has no choices: the usage, where it is asked for and known, and what
    /// Bedrock said beside it, a JSON object on one line.
    pub fn end(
        &self,
        usage: Option<&Usage>,
        service_tier: Option<&str>,
        bedrock: Option<&RawValue>,
        out: &mut BytesMut,
    ) {
        write(&[&self.head], out);
        let mut rest = match usage {
            Some(usage) => [br#"],"usage":"#.as_slice(), &json(usage)].concat(),
            None => self
                .tail
                .strip_suffix(b"}\n\n")
                .unwrap_or_default()
                .to_vec(),
        };
        if let Some(bedrock) = bedrock {
            rest.extend_from_slice(br#","bedrock":"#);
            rest.extend_from_slice(bedrock.get().as_bytes());
        }
        rest.extend_from_slice(b"}\n\n");
        Self::close(service_tier, &rest, out);
    }

    /// What proves to clients that the answer is whole.
    pub fn done(out: &mut BytesMut) {
        out.put_slice(b"data: [DONE]\n\n");
    }

    /// A failure inside the answer; the OpenAI SDKs raise on it. Nothing may follow.
    pub fn error(error: &ErrorObject, out: &mut BytesMut) {
        write(&[b"data: ", &json(&ErrorBody { error }), b"\n\n"], out);
    }

    fn close(service_tier: Option<&str>, tail: &[u8], out: &mut BytesMut) {
        match service_tier {
            None => write(&[tail], out),
            Some(tier) => {
                let rest = tail.strip_prefix(b"]").unwrap_or(tail);
                write(&[br#"],"service_tier":"#, &json(&tier), rest], out);
            }
        }
    }

    fn delta(&mut self, parts: &[&[u8]], out: &mut BytesMut) {
        let empty = parts.iter().all(|part| part.is_empty());
        let role: &[u8] = match (self.role_sent, empty) {
            (true, _) => b"",
            (false, true) => br#""role":"assistant""#,
            (false, false) => br#""role":"assistant","#,
        };
        self.role_sent = true;
        write(&[&self.head, &self.choice, role], out);
        write(parts, out);
        write(&[br#"},"finish_reason":null}"#, self.tail], out);
    }
}

fn write(parts: &[&[u8]], out: &mut BytesMut) {
    for part in parts {
        out.put_slice(part);
    }
}

/// The JSON text of plain strings and numbers, which cannot fail to have one.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// The decimal digits of `number`, without allocating.
fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut start = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        start = place;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
