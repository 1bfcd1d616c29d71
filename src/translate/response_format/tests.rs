use serde_json::value::RawValue;

use super::*;
use crate::bedrock::request::{CitationsConfiguration, DocumentBlock, MediaSource};

const SCHEMA_TEXT: &str = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#;

fn json_schema(schema: &str) -> ResponseFormat<'_> {
    let schema: &RawValue = serde_json::from_str(schema).unwrap();
    ResponseFormat::JsonSchema(JsonSchema {
        name: Some(Cow::Borrowed(" ")),
        description: None,
        schema,
    })
}

fn conversation(role: ConversationRole, block: ContentBlock<'static>) -> Conversation<'static> {
    Conversation {
        messages: vec![Message {
            role,
            content: vec![block],
        }],
        ..Conversation::default()
    }
}

/// The form of an answer to this conversation, without tools of the client's.
fn decide<'a>(
    format: ResponseFormat<'a>,
    model: &str,
    conversation: &mut Conversation<'a>,
) -> (Form<'a>, String) {
    let mut notes = Notes::default();
    let tools = ToolRequest {
        tools: Vec::new(),
        choice: None,
        member: "tools",
    };
    let circumstances = Circumstances {
        family: &Family::of(Some(model)),
        tools: &tools,
        names: &ToolNames::default(),
        conversation,
    };
    let form = form(format, circumstances, &mut notes).unwrap();
    (form, notes.adjusted().unwrap_or_default())
}

const HAIKU: &str = "anthropic.claude-haiku-4-5-20251001-v1:0";

fn text(text: &'static str) -> ContentBlock<'static> {
    ContentBlock::Text(Cow::Borrowed(text))
}

#[test]
fn a_grammar_has_no_blank_name_and_its_answer_is_passed_on() {
    let mut asked = conversation(ConversationRole::User, text("Hi"));
    let (form, adjusted) = decide(json_schema(SCHEMA_TEXT), HAIKU, &mut asked);
    let output = form
        .output_config
        .unwrap()
        .text_format
        .structure
        .json_schema;
    assert_eq!((output.name, output.description), (None, None));
    assert_eq!(
        output.schema,
        r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#
    );
    assert_eq!((form.json, adjusted.as_str()), (None, ""));
    assert!(form.tool.is_none() && asked.system.is_empty());
}

#[test]
fn a_model_that_cites_answers_by_the_tool() {
    let document = |citations| {
        ContentBlock::Document(DocumentBlock {
            format: "txt",
            name: Cow::Borrowed("a"),
            source: MediaSource::Bytes(Cow::Borrowed("YQ==")),
            citations,
        })
    };
    let cited = Some(CitationsConfiguration { enabled: true });
    let mut asked = conversation(ConversationRole::User, document(cited));
    let (form, adjusted) = decide(json_schema(SCHEMA_TEXT), HAIKU, &mut asked);
    assert!(form.output_config.is_none() && form.tool.is_some());
    assert_eq!(adjusted, "response_format=tool");
    let mut asked = conversation(ConversationRole::User, document(None));
    let (form, _) = decide(json_schema(SCHEMA_TEXT), HAIKU, &mut asked);
    assert!(form.output_config.is_some());
}

#[test]
fn what_continues_a_turn_is_not_read_as_json() {
    for format in [json_schema(SCHEMA_TEXT), ResponseFormat::JsonObject] {
        let mut asked = conversation(ConversationRole::Assistant, text("{\"a\":"));
        let (form, adjusted) = decide(format, HAIKU, &mut asked);
        assert_eq!(
            (form.json, adjusted.as_str()),
            (None, "response_format=instruction")
        );
        assert_eq!(asked.system.len(), 1);
    }
}

#[test]
fn copies_of_the_schema_are_told_by_a_member_that_no_answer_has() {
    for (schema, expected) in [
        (SCHEMA_TEXT, true),
        (r#"{"type":"object","properties":{"properties":{}}}"#, false),
        (r#"{"type":"object"}"#, false),
        (
            r#"{"type":"object","properties":{"a":{}},"additionalProperties":false}"#,
            true,
        ),
        (
            r#"{"type":"object","properties":{"a":{}},"additionalProperties":{"type":"object"}}"#,
            false,
        ),
        (
            r#"{"properties":{"a":{}},"allOf":[{"properties":{"properties":{}}}]}"#,
            false,
        ),
        (
            r##"{"$ref":"#/$defs/A","$defs":{"A":{"type":"object"}}}"##,
            false,
        ),
    ] {
        let mut asked = conversation(ConversationRole::User, text("Hi"));
        let (form, _) = decide(json_schema(schema), "amazon.nova-lite-v1:0", &mut asked);
        let tool = form.json.unwrap().tool.unwrap();
        assert_eq!(
            (tool.name.as_str(), tool.unwraps),
            (TOOL, expected),
            "{schema}"
        );
    }
}

#[test]
fn a_schema_that_cannot_be_read_is_refused() {
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    for (schema, param) in [
        (deep.as_str(), SCHEMA),
        (
            r#"{"type":"string"}"#,
            "response_format.json_schema.schema.type",
        ),
    ] {
        let raw: &RawValue = serde_json::from_str(schema).unwrap();
        let refused = form(
            ResponseFormat::JsonSchema(JsonSchema {
                name: None,
                description: None,
                schema: raw,
            }),
            Circumstances {
                family: &Family::of(Some(HAIKU)),
                tools: &ToolRequest {
                    tools: Vec::new(),
                    choice: None,
                    member: "tools",
                },
                names: &ToolNames::default(),
                conversation: &mut conversation(ConversationRole::User, text("Hi")),
            },
            &mut Notes::default(),
        );
        assert_eq!(refused.unwrap_err().param.as_deref(), Some(param));
    }
}

#[test]
fn an_effort_stands_beside_the_grammar_and_nowhere_else() {
    let mut asked = conversation(ConversationRole::User, text("Hi"));
    let (mut form, _) = decide(json_schema(SCHEMA_TEXT), HAIKU, &mut asked);
    let fields =
        serde_json::json!({"output_config": {"effort": "low", "task_budget": 7}, "top_k": 1});
    let Value::Object(mut fields) = fields else {
        unreachable!("it is an object");
    };
    form.take_effort(&mut fields);
    assert_eq!(form.output_config.unwrap().effort.as_deref(), Some("low"));
    let left = serde_json::json!({"output_config": {"task_budget": 7}, "top_k": 1});
    assert_eq!(Value::Object(fields.clone()), left);
    Form::default().take_effort(&mut fields);
    assert_eq!(Value::Object(fields), left);
}
