use serde_json::{Value, json};

use super::PromptCaching;
use crate::bedrock::Family;
use crate::openai::ChatCompletionRequest;
use crate::translate::{Context, converse_request};

mod asked;
mod automatic;
mod lifetimes;
mod neighbours;
mod prefixes;
mod switches;

const CLAUDE: &str = "anthropic.claude-haiku-5-5";
const NOVA: &str = "amazon.nova-pro-v1:0";
const FLOATING: &str =
    "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nNoon.\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>";

/// Where the points of the translated request are, and what the notes say.
struct Seen {
    points: Vec<String>,
    ignored: Option<String>,
    adjusted: Option<String>,
}

fn seen_by(family: &Family, caching: PromptCaching, request: &Value) -> Seen {
    let json = request.to_string();
    let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
    let context = Context {
        prompt_caching: caching,
        ..Context::new(family)
    };
    let translation = converse_request(request, &context).unwrap();
    let body: Value = serde_json::from_slice(&translation.body).unwrap();
    let mut points = Vec::new();
    collect("tools", &body["toolConfig"]["tools"], &mut points);
    collect("system", &body["system"], &mut points);
    for (index, message) in body["messages"].as_array().unwrap().iter().enumerate() {
        collect(&index.to_string(), &message["content"], &mut points);
    }
    Seen {
        points,
        ignored: translation.notes.ignored(),
        adjusted: translation.notes.adjusted(),
    }
}

fn seen(model: &str, request: &Value) -> Seen {
    seen_by(&Family::of(Some(model)), PromptCaching::Auto, request)
}

fn points(model: &str, request: &Value) -> Vec<String> {
    seen(model, request).points
}

/// Names each point by the place it has in a list: `1/2` stands after two blocks of the second message.
fn collect(name: &str, blocks: &Value, points: &mut Vec<String>) {
    let mut before = 0;
    for block in blocks.as_array().into_iter().flatten() {
        match block.get("cachePoint") {
            Some(point) => {
                let ttl = point["ttl"].as_str().map(|ttl| format!("={ttl}"));
                points.push(format!("{name}/{before}{}", ttl.unwrap_or_default()));
            }
            None => before += 1,
        }
    }
}

/// So long that every model caches it.
fn long(text: &str) -> String {
    format!("{text} {}", "and so on ".repeat(2000))
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "description": long(name)}})
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn assistant(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

fn system(text: &str) -> Value {
    json!({"role": "system", "content": text})
}

fn call(id: &str) -> Value {
    json!({"role": "assistant", "content": null,
        "tool_calls": [{"id": id, "type": "function", "function": {"name": "read", "arguments": "{}"}}]})
}

fn result(id: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": format!("Result {id}")})
}

/// Sets `cache_control` on a message, a part or a tool.
fn marked(mut value: Value, ttl: Option<&str>) -> Value {
    value["cache_control"] = match ttl {
        Some(ttl) => json!({"type": "ephemeral", "ttl": ttl}),
        None => json!({"type": "ephemeral"}),
    };
    value
}

fn request(messages: Vec<Value>) -> Value {
    let mut request = json!({"model": "m"});
    request["messages"] = Value::from(messages);
    request
}

fn with_tools(messages: Vec<Value>) -> Value {
    let mut request = request(messages);
    request["tools"] = json!([tool("list"), tool("read")]);
    request
}
