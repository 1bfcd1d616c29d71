use super::*;

/// What a model does, with escaped texts.
enum Done<'t> {
    Says(&'t str),
    Calls(&'t str, &'t str),
}
use Done::{Calls, Says};

fn in_text() -> JsonAnswer {
    JsonAnswer { tool: None }
}

fn by_tool() -> JsonAnswer {
    JsonAnswer {
        tool: Some(AnswerTool {
            name: "answer".to_owned(),
            unwraps: true,
        }),
    }
}

#[derive(Debug, Default, PartialEq)]
struct Read {
    content: String,
    reasoning: String,
    /// The arguments of ordinary calls.
    calls: Vec<String>,
}

/// Reads what was done, decoded, in pieces of about `size` bytes.
fn read(answer: &JsonAnswer, done: &[Done<'_>], size: usize) -> Read {
    let mut reader = JsonReader::new(answer);
    let mut read = Read::default();
    let mut content = String::new();
    let mut reasoning = String::new();
    let mut sink = |piece: Piece<'_>| match piece {
        Piece::Content(escaped) => content.push_str(escaped),
        Piece::Reasoning(escaped) => reasoning.push_str(escaped),
    };
    for (block, done) in (0..).zip(done) {
        match done {
            Says(text) => {
                for piece in pieces(text, size) {
                    reader.text(&escape(piece), &mut sink);
                }
            }
            Calls(name, input) => {
                let answers = reader.call(block, name, &mut sink);
                for piece in pieces(input, size) {
                    assert_eq!(reader.arguments(block, &escape(piece), &mut sink), answers);
                }
                if !answers {
                    read.calls.push((*input).to_owned());
                }
            }
        }
        reader.stop(block, &mut sink);
    }
    reader.finish(&mut sink);
    Read {
        content: unescape(&content),
        reasoning: unescape(&reasoning),
        ..read
    }
}

fn pieces(text: &str, size: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest
            .char_indices()
            .map(|(at, _)| at)
            .find(|at| *at >= size)
            .unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn escape(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn unescape(escaped: &str) -> String {
    serde_json::from_str(&format!("\"{escaped}\"")).unwrap()
}

/// What is read is the same in every split.
fn assert_read(answer: &JsonAnswer, done: &[Done<'_>], content: &str, reasoning: &str) {
    for size in [1, 2, 3, 7, usize::MAX] {
        let read = read(answer, done, size);
        assert_eq!(
            (read.content.as_str(), read.reasoning.as_str()),
            (content, reasoning),
            "in pieces of {size}"
        );
    }
}

#[test]
fn json_in_a_text_is_the_content() {
    let json = "{\"a\": \"}```\\\"{\",\n \"b\": [{}]}";
    let says = |text: &str| assert_read(&in_text(), &[Says(text)], json, "");
    says(json);
    says(&format!("\n  {json}\n"));
    says(&format!("```json\n{json}\n```"));
    says(&format!("```\n{json}\n```\n"));
    says(&format!("``` {json}```"));
}

#[test]
fn what_is_said_around_json_is_reasoning() {
    let told = |text: &str, content: &str, reasoning: &str| {
        assert_read(&in_text(), &[Says(text)], content, reasoning);
    };
    told(
        "Here is `it`:\n```json\n{\"a\":1}\n```\nEnjoy.",
        "{\"a\":1}",
        "Here is `it`:\nEnjoy.",
    );
    told("Sure:\n{\"a\":1}", "{\"a\":1}", "Sure:\n");
    told("{\"a\":1}\n{\"b\":2}", "{\"a\":1}", "{\"b\":2}");
}

#[test]
fn a_text_without_json_is_the_content() {
    for text in [
        "I cannot help with that.",
        "Use {braces}, or ```{x}```.",
        "```rust\nfn main() {}\n```",
        "````{}````",
        "```abcdefghijklmnopq {}",
        "``{}",
        "```json",
        "[1]",
        "  \n",
        "",
    ] {
        assert_read(&in_text(), &[Says(text)], text, "");
    }
}

#[test]
fn json_that_is_cut_off_is_passed_on_as_far_as_it_came() {
    assert_read(
        &in_text(),
        &[Says("```json\n{\"a\": [1, ")],
        "{\"a\": [1, ",
        "",
    );
    assert_read(
        &by_tool(),
        &[Calls("answer", "{\"a\": \"x")],
        "{\"a\": \"x",
        "",
    );
    assert_read(&by_tool(), &[Calls("answer", "{\"prop")], "{\"prop", "");
}

#[test]
fn a_text_too_long_to_be_held_back_is_the_content() {
    let prose = "word ".repeat(MAX_HELD_LENGTH / 5 + 1);
    let text = format!("{prose}\n{{\"a\":1}}");
    assert_read(&in_text(), &[Says(&text)], &text, "");
    assert_read(&by_tool(), &[Says(&text)], &text, "");
    let then_call = [Says(&text), Calls("answer", "{}")];
    assert_read(&by_tool(), &then_call, &text, "");
    let shorter = format!("{}\n{{\"a\":1}}", &prose[..MAX_HELD_LENGTH - 8]);
    let said = &shorter[..MAX_HELD_LENGTH - 7];
    assert_read(&in_text(), &[Says(&shorter)], "{\"a\":1}", said);
}

#[test]
fn the_input_of_the_answers_tool_is_the_content() {
    for input in [
        "{\"a\": \"\u{e9}\\n\"}",
        "{}",
        "{ \"properties\": 1 }",
        "{\"type\":\"object\",\"property\":{}}",
        "{\"type\":\"objects\"}",
        "{\" properties\":{\"a\":1}}",
        "{\"PROPERTIES\":{\"a\":1}}",
    ] {
        assert_read(&by_tool(), &[Calls("answer", input)], input, "");
    }
    assert_read(&by_tool(), &[Calls("answer", "")], "{}", "");
}

#[test]
fn an_input_that_copies_the_schema_is_unwrapped() {
    let json = "{\"a\": {\"properties\": \"}\"}}";
    for input in [
        format!("{{\"properties\": {json}}}"),
        format!("{{\n  \"properties\":{json}, \"required\": [\"a\"]}}"),
        format!("{{\"type\": \"object\", \"properties\": {json}}}"),
    ] {
        assert_read(&by_tool(), &[Calls("answer", &input)], json, "");
        let mut answer = by_tool();
        answer.tool.as_mut().unwrap().unwraps = false;
        assert_read(&answer, &[Calls("answer", &input)], &input, "");
    }
    let far = format!("{{{}\"properties\":{{}}}}", " ".repeat(300));
    assert_read(&by_tool(), &[Calls("answer", &far)], &far, "");
}

#[test]
fn text_beside_the_answers_tool_is_reasoning() {
    let done = [
        Says("Let me answer.\n{\"draft\":1}"),
        Calls("answer", "{\"a\":1}"),
        Says(" Done."),
    ];
    let reasoning = "Let me answer.\n{\"draft\":1} Done.";
    assert_read(&by_tool(), &done, "{\"a\":1}", reasoning);
    let blank = [Says("\n\n"), Calls("answer", "{\"a\":1}")];
    assert_read(&by_tool(), &blank, "{\"a\":1}", "");
}

#[test]
fn a_text_instead_of_the_call_is_read_as_text() {
    let done = [Says("Here:\n```json\n{\"a\":1}\n```")];
    assert_read(&by_tool(), &done, "{\"a\":1}", "Here:\n");
    assert_read(&by_tool(), &[Says("No.")], "No.", "");
}

#[test]
fn the_first_answer_counts() {
    let twice = [Calls("answer", "{\"a\":1}"), Calls("answer", "{\"a\":2}")];
    assert_read(&by_tool(), &twice, "{\"a\":1}", "");
}

#[test]
fn ordinary_calls_stay_and_prose_beside_them_is_no_json() {
    let done = [
        Says("I look it up."),
        Calls("look_up", "{\"q\":1}"),
        Calls("answer", "{\"a\":1}"),
        Calls("look_up", "{}"),
    ];
    assert_read(&by_tool(), &done, "{\"a\":1}", "I look it up.");
    assert_eq!(read(&by_tool(), &done, 1).calls, ["{\"q\":1}", "{}"]);
    assert_read(&in_text(), &done[..2], "", "I look it up.");
    // A tool of that name is the client's own when there is no answer's tool.
    assert_eq!(read(&in_text(), &done, 1).calls.len(), 3);
    let answered = [Says("{\"a\":1}"), Calls("look_up", "{}"), Says("{\"b\":2}")];
    assert_read(&in_text(), &answered, "{\"a\":1}", "{\"b\":2}");
}
