//! Agents that call tools for twenty turns while the model thinks, each with its own way to keep a history. Bedrock
//! wants the model's reasoning back unchanged; the stand-in takes no other than what its recordings hold.

use serde_json::{Map, Value, json};

use crate::support::bedrock::ScriptedBedrock;
use crate::support::client::Answer;
use crate::support::events::Events;
use crate::support::gateway::{MODEL as SONNET, Running, StandInServer, config};
use crate::support::messages;

const MODEL: &str = "replay.reasoning-agent";
const TURNS: usize = 20;
/// How many blocks of reasoning these turns have: one each, but one of them has three.
const REASONING_BLOCKS: usize = TURNS + 2;

/// What of an assistant's message an agent sends back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Habit {
    /// All of it, as openai-python's users do.
    Everything,
    /// Calls and readable reasoning.
    ReasoningContent,
    /// Calls alone, their ids stripped to letters and digits, and a last message that is never kept: `OpenClaw`.
    Nothing,
    /// Calls alone, and every few turns half of the history is gone.
    HalfLost,
}

struct Agent<'g> {
    gateway: &'g Running,
    habit: Habit,
    stream: bool,
    messages: Vec<Value>,
}

/// What came of one turn.
struct Turn {
    answer: Answer,
    message: Value,
}

impl<'g> Agent<'g> {
    fn new(gateway: &'g Running, habit: Habit, stream: bool) -> Self {
        Self {
            gateway,
            habit,
            stream,
            messages: vec![user("Describe this outcrop layer by layer.")],
        }
    }

    /// Asks, and puts the answer and the results of its calls into the history.
    async fn turn(&mut self) -> Turn {
        let turn = self.ask().await;
        let message = self.kept(&turn.message);
        let results: Vec<_> = calls(&message).iter().map(result).collect();
        self.messages.push(message);
        self.messages.extend(results);
        turn
    }

    async fn ask(&self) -> Turn {
        let mut messages = self.messages.clone();
        if self.habit == Habit::Nothing {
            messages.push(user("<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>> It is noon."));
        }
        let request = request(&messages, self.stream);
        let answer = self.gateway.chat(&request).await;
        assert_eq!(answer.status, 200, "{:?}: {}", self.habit, answer.text());
        let message = if self.stream {
            streamed(&answer)
        } else {
            answer.json()["choices"][0]["message"].clone()
        };
        Turn { answer, message }
    }

    /// What the agent's history has of a message.
    fn kept(&self, message: &Value) -> Value {
        let members: &[&str] = match self.habit {
            Habit::Everything => return message.clone(),
            Habit::ReasoningContent => &["role", "content", "tool_calls", "reasoning_content"],
            Habit::Nothing | Habit::HalfLost => &["role", "content", "tool_calls"],
        };
        let kept = members
            .iter()
            .filter_map(|member| Some(((*member).to_owned(), message.get(member)?.clone())));
        let mut kept = Value::Object(kept.collect());
        if self.habit == Habit::Nothing {
            for call in kept["tool_calls"].as_array_mut().into_iter().flatten() {
                let id = call["id"].as_str().unwrap();
                call["id"] = id.replace(|c: char| !c.is_ascii_alphanumeric(), "").into();
            }
        }
        kept
    }

    /// Forgets every second message but the first.
    fn forget(&mut self) {
        let mut place = 0;
        self.messages.retain(|_| {
            place += 1;
            place == 1 || place % 2 == 0
        });
    }
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn result(call: &Value) -> Value {
    json!({"role": "tool", "tool_call_id": call["id"], "content": "Two metres."})
}

fn calls(message: &Value) -> &[Value] {
    let calls = message.get("tool_calls").and_then(Value::as_array);
    calls.map(Vec::as_slice).unwrap_or_default()
}

fn request(messages: &[Value], stream: bool) -> Value {
    let tool = |name: &str, argument: &str| {
        let parameters =
            json!({"type": "object", "properties": {argument: {}}, "required": [argument]});
        json!({"type": "function", "function": {"name": name, "parameters": parameters}})
    };
    json!({
        "model": MODEL,
        "messages": messages,
        "stream": stream,
        "reasoning_effort": "medium",
        "tools": [tool("measure_layer", "depth"), tool("name_rock", "sample")],
    })
}

/// The message of a streamed answer, put together as openai-python does it.
fn streamed(answer: &Answer) -> Value {
    let events = Events::parse(&answer.body);
    let calls = events.tool_calls();
    events.assert_whole(if calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    });
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    message.insert("content".to_owned(), events.content().into());
    let reasoning = events.reasoning();
    if !reasoning.is_empty() {
        message.insert("reasoning_content".to_owned(), reasoning.into());
    }
    let calls = calls.into_iter().map(|(id, name, arguments)| {
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
    });
    message.insert("tool_calls".to_owned(), calls.collect());
    let details: Vec<&Value> = events
        .chunks
        .iter()
        .filter_map(|chunk| {
            chunk
                .pointer("/choices/0/delta/reasoning_details")?
                .as_array()
        })
        .flatten()
        .collect();
    // All of it comes once, after the calls and before the end.
    assert!(details.len() <= 1, "{details:?}");
    if let [detail] = details[..] {
        assert_eq!(detail["index"], 0);
        let chunks = events.chunks.iter().rev();
        let place = chunks
            .filter_map(|chunk| chunk.pointer("/choices/0/delta"))
            .position(|delta| delta.get("reasoning_details").is_some());
        assert_eq!(place, Some(1), "only the finish chunk follows");
        message.insert("reasoning_details".to_owned(), json!([detail]));
    }
    if message["tool_calls"] == json!([]) {
        message.remove("tool_calls");
    }
    Value::Object(message)
}

/// The bodies of all Converse calls so far, cache points left out.
fn bodies(stand_in: &StandInServer) -> Vec<Value> {
    let requests = stand_in.received.requests().into_iter();
    let calls = requests.filter(|request| request.path.contains("/converse"));
    calls
        .map(|request| {
            let mut body: Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
            for message in body["messages"].as_array_mut().unwrap() {
                let content = message["content"].as_array_mut().unwrap();
                content.retain(|block| block.get("cachePoint").is_none());
            }
            body
        })
        .collect()
}

fn assistants(body: &Value) -> Vec<&Value> {
    let turns = body["messages"].as_array().unwrap().iter();
    turns.filter(|turn| turn["role"] == "assistant").collect()
}

fn thinks(body: &Value) -> bool {
    body.pointer("/additionalModelRequestFields/thinking/type") == Some(&json!("enabled"))
}

fn reasoning_blocks(body: &Value) -> usize {
    let blocks = assistants(body)
        .into_iter()
        .flat_map(|turn| turn["content"].as_array().unwrap());
    blocks
        .filter(|block| block.get("reasoningContent").is_some())
        .count()
}

/// Stops the test unless the model was asked to think, and every turn of its came with its reasoning first.
fn assert_reasoned(body: &Value) {
    assert!(thinks(body), "{body}");
    for turn in assistants(body) {
        assert!(
            turn["content"][0].get("reasoningContent").is_some(),
            "{turn}"
        );
    }
}

/// A gateway that remembers nothing for its clients.
async fn forgetful(url: &str) -> Running {
    let mut config = config(url);
    config.recall.max_bytes = 0;
    Running::with(config).await
}

fn adjusted(turn: &Turn) -> &str {
    turn.answer.header("x-outcrop-adjusted")
}

/// Twenty turns of calls and the answer; what the stand-in received.
async fn twenty_turns(
    gateway: &Running,
    stand_in: &StandInServer,
    habit: Habit,
    stream: bool,
) -> Vec<Value> {
    let before = bodies(stand_in).len();
    let mut agent = Agent::new(gateway, habit, stream);
    for number in 0..=TURNS {
        let turn = agent.turn().await;
        assert_eq!(adjusted(&turn), "", "{habit:?}, turn {number}");
        assert_eq!(turn.answer.header("x-outcrop-ignored"), "");
        assert_eq!(turn.answer.header("x-outcrop-attempts"), "1");
        if habit == Habit::HalfLost && number % 4 == 3 {
            agent.forget();
        }
    }
    let bodies = bodies(stand_in).split_off(before);
    assert_eq!(bodies.len(), TURNS + 1);
    bodies.iter().for_each(assert_reasoned);
    bodies
}

#[tokio::test]
async fn an_agent_thinks_through_twenty_turns_whatever_it_sends_back() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    for habit in [Habit::ReasoningContent, Habit::Nothing, Habit::HalfLost] {
        for stream in [false, true] {
            let bodies = twenty_turns(&gateway, &stand_in, habit, stream).await;
            if habit == Habit::HalfLost {
                continue;
            }
            assert_eq!(reasoning_blocks(&bodies[TURNS]), REASONING_BLOCKS);
            for (earlier, later) in bodies.iter().zip(&bodies[1..]) {
                assert!(
                    assistants(later).starts_with(&assistants(earlier)),
                    "the same turns are the same bytes in every request"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_agent_that_sends_everything_back_needs_no_memory() {
    let stand_in = StandInServer::start().await;
    let gateway = forgetful(&stand_in.url).await;
    for stream in [false, true] {
        let bodies = twenty_turns(&gateway, &stand_in, Habit::Everything, stream).await;
        assert_eq!(reasoning_blocks(&bodies[TURNS]), REASONING_BLOCKS);
    }
}

/// What one source restores is what the other restores, to the byte: the prompt cache outlives a change of client.
#[tokio::test]
async fn both_ways_bring_the_same_bytes_back() {
    let stand_in = StandInServer::start().await;
    let (kept, remembered) = (
        forgetful(&stand_in.url).await,
        Running::before(&stand_in.url).await,
    );
    let kept = twenty_turns(&kept, &stand_in, Habit::Everything, true).await;
    let remembered = twenty_turns(&remembered, &stand_in, Habit::ReasoningContent, true).await;
    assert_eq!(kept[TURNS].to_string(), remembered[TURNS].to_string());
}

#[tokio::test]
async fn lost_reasoning_ends_the_thinking_until_the_next_question() {
    let stand_in = StandInServer::start().await;
    let gateway = forgetful(&stand_in.url).await;
    for stream in [false, true] {
        let mut agent = Agent::new(&gateway, Habit::Nothing, stream);
        assert_eq!(adjusted(&agent.turn().await), "");
        let turn = agent.turn().await;
        assert_eq!(adjusted(&turn), "thinking=disabled");
        assert_eq!(turn.answer.header("x-outcrop-attempts"), "1");
        let body = bodies(&stand_in).pop().unwrap();
        assert!(!thinks(&body) && reasoning_blocks(&body) == 0, "{body}");

        agent
            .messages
            .push(json!({"role": "assistant", "content": "Done."}));
        agent.messages.push(user("And the next one?"));
        assert_eq!(adjusted(&agent.turn().await), "");
        assert!(thinks(&bodies(&stand_in).pop().unwrap()));
    }
}

#[tokio::test]
async fn half_of_a_turns_calls_are_not_the_turn() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    for habit in [Habit::Everything, Habit::Nothing] {
        let mut agent = Agent::new(&gateway, habit, false);
        agent.turn().await;
        agent.messages[1]["tool_calls"]
            .as_array_mut()
            .unwrap()
            .pop();
        agent.messages.pop();
        assert_eq!(adjusted(&agent.ask().await), "thinking=disabled");
    }
}

#[tokio::test]
async fn reasoning_that_the_model_did_not_sign_is_healed_by_one_more_call() {
    let stand_in = StandInServer::start().await;
    let before = Running::before(&stand_in.url).await;
    for stream in [false, true] {
        for forged in [
            json!({"thinking_blocks": [{"type": "thinking", "thinking": "I thought so.", "signature": "Z2FyYmFnZQ=="}]}),
            json!({"thinking_blocks": [{"type": "redacted_thinking", "data": "Z2FyYmFnZQ=="}]}),
            json!({"content": [{"type": "thinking", "thinking": "So.", "signature": "Z2FyYmFnZQ=="}]}),
            json!({"reasoning_content": "So.", "reasoning_signature": "Z2FyYmFnZQ=="}),
        ] {
            let mut agent = Agent::new(&before, Habit::Nothing, stream);
            agent.turn().await;
            let message = agent.messages[1].as_object_mut().unwrap();
            message.extend(forged.as_object().unwrap().clone());
            // Restarted: another state key, an empty memory.
            let after = Running::before(&stand_in.url).await;
            agent.gateway = &after;
            let sent = bodies(&stand_in).len();
            let turn = agent.turn().await;
            assert_eq!(turn.answer.header("x-outcrop-attempts"), "2", "{forged}");
            assert_eq!(adjusted(&turn), "thinking=disabled");
            let calls = bodies(&stand_in).split_off(sent);
            assert_eq!(calls.len(), 2);
            assert!(thinks(&calls[0]) && reasoning_blocks(&calls[0]) == 1);
            assert!(!thinks(&calls[1]) && reasoning_blocks(&calls[1]) == 0);
            // It is this conversation's fault, not the model's.
            let other = Agent::new(&after, Habit::Nothing, stream);
            assert_eq!(other.ask().await.answer.header("x-outcrop-attempts"), "1");
            assert!(thinks(&bodies(&stand_in).pop().unwrap()));
        }
    }
}

#[tokio::test]
async fn a_restart_is_survived_with_the_same_state_key_alone() {
    let stand_in = StandInServer::start().await;
    let keyed = |byte: u8| {
        let mut config = config(&stand_in.url);
        config.state_key = Some(outcrop::config::StateKey::new([byte; 32]));
        Running::with(config)
    };
    let before = keyed(1).await;
    for (key, expected) in [(1, ""), (2, "thinking=disabled")] {
        let mut agent = Agent::new(&before, Habit::Everything, true);
        agent.turn().await;
        let after = keyed(key).await;
        agent.gateway = &after;
        let turn = agent.ask().await;
        assert_eq!(adjusted(&turn), expected);
        assert_eq!(turn.answer.header("x-outcrop-ignored"), "");
        assert_eq!(turn.answer.header("x-outcrop-attempts"), "1");
    }
}

#[tokio::test]
async fn nobody_is_given_what_was_remembered_for_another_key() {
    let stand_in = StandInServer::start().await;
    let mut config = config(&stand_in.url);
    config.api_keys = ["sk-one", "sk-two"]
        .map(outcrop::config::Secret::new)
        .to_vec();
    let gateway = Running::with(config).await;
    let ask = async |key: &str, messages: &[Value]| {
        let mut connection = gateway.connect().await;
        let headers = [("authorization", key)];
        let body = request(messages, false).to_string();
        connection
            .send("POST", "/v1/chat/completions", &headers, body)
            .await;
        connection.answer().await
    };
    let mut messages = vec![user("Describe it.")];
    let first = ask("Bearer sk-one", &messages).await.json();
    let calls = first["choices"][0]["message"]["tool_calls"].clone();
    messages.push(json!({"role": "assistant", "tool_calls": calls}));
    messages.extend(calls.as_array().unwrap().iter().map(result));
    for (key, expected) in [
        ("Bearer sk-two", "thinking=disabled"),
        ("Bearer sk-one", ""),
    ] {
        let answer = ask(key, &messages).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("x-outcrop-adjusted"), expected, "{key}");
    }
}

/// The first events of an answer that thinks and calls.
fn thoughtful_call() -> Vec<Vec<u8>> {
    let delta = |index: u32, delta: Value| {
        let payload = json!({"contentBlockIndex": index, "delta": delta});
        messages::event("contentBlockDelta", &payload)
    };
    let call = json!({"toolUse": {"toolUseId": "tooluse_A-1", "name": "name_rock"}});
    vec![
        messages::message_start(),
        delta(0, json!({"reasoningContent": {"text": "A rock."}})),
        delta(0, json!({"reasoningContent": {"signature": "c2lnbmVk"}})),
        messages::event(
            "contentBlockStart",
            &json!({"contentBlockIndex": 1, "start": call}),
        ),
        delta(1, json!({"toolUse": {"input": "{}"}})),
    ]
}

#[tokio::test]
async fn only_a_whole_answer_is_remembered() {
    let stop = messages::event("messageStop", &json!({"stopReason": "tool_use"}));
    let exception = messages::exception("modelStreamErrorException", "It broke.");
    for (end, is_remembered, is_exception) in [
        (vec![stop, messages::metadata()], true, false),
        (vec![exception], false, true),
        (vec![], false, false),
    ] {
        let bedrock = ScriptedBedrock::start().await;
        let gateway = Running::before(&bedrock.url()).await;
        let mut client = gateway.connect().await;
        let mut request = request(&[user("What is it?")], true);
        request["model"] = SONNET.into();
        client.chat(&request).await;
        let mut call = bedrock.stream().await;
        call.send([thoughtful_call(), end].concat().concat()).await;
        if !is_exception {
            call.end().await;
        }
        let events = Events::parse(&client.answer().await.body);
        assert_eq!(events.done, is_remembered);
        let call_id = events.tool_calls().remove(0).0;
        let details = |chunk: &Value| chunk.to_string().contains("reasoning_details");
        assert_eq!(events.chunks.iter().any(details), is_remembered);

        let calls = json!([{"id": call_id, "function": {"name": "name_rock", "arguments": "{}"}}]);
        let history = request["messages"].as_array_mut().unwrap();
        history.push(json!({"role": "assistant", "tool_calls": calls}));
        history.push(result(&calls[0]));
        client.chat(&request).await;
        // A stream that ended as HTTP wants it leaves a connection that is used again.
        let next = if is_exception {
            bedrock.call().await
        } else {
            call.next().await
        };
        let body: Value = serde_json::from_slice(&next.body).unwrap();
        assert_eq!(thinks(&body), is_remembered, "{body}");
        assert_eq!(reasoning_blocks(&body), usize::from(is_remembered));
    }
}
