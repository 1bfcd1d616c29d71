//! What leaves the gateway, against the shapes of AWS's own service model, read from the file itself: nothing in
//! here knows what a Converse request looks like.

use std::fs;
use std::path::Path;

use regex_lite::Regex;
use serde_json::{Value, json};

use super::{client_requests, conversations};
use crate::requests::translate;

/// AWS's service model, when it is there.
struct ServiceModel(Value);

impl ServiceModel {
    fn load() -> Option<Self> {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/bedrock-shapes.json");
        let Ok(text) = fs::read(&file) else {
            println!("skipped: there is no {}", file.display());
            return None;
        };
        let mut model: Value = serde_json::from_slice(&text).unwrap();
        Some(Self(model["bedrock-runtime"].take()))
    }

    /// What is wrong with the body of an operation's request.
    fn check(&self, operation: &str, body: &Value) -> Result<(), String> {
        let mut body = body.clone();
        body["modelId"] = json!("anthropic.claude-3-haiku-20240307-v1:0");
        let shape = self.0["operations"][operation]["input"].as_str().unwrap();
        self.shape(shape, &body, "")
    }

    fn shape(&self, name: &str, value: &Value, path: &str) -> Result<(), String> {
        let shape = &self.0["shapes"][name];
        let wrong = |what: &str| Err(format!("{path}: {what} ({name})"));
        if shape["document"] == true {
            return Ok(());
        }
        match shape["type"].as_str().unwrap() {
            "structure" => self.structure(shape, value, path),
            "list" => {
                let Some(list) = value.as_array() else {
                    return wrong("no list");
                };
                in_range(shape, list.len(), path)?;
                let member = shape["member"]["shape"].as_str().unwrap();
                let mut elements = list.iter().enumerate();
                elements.try_for_each(|(index, element)| {
                    self.shape(member, element, &format!("{path}[{index}]"))
                })
            }
            "map" => {
                let Some(map) = value.as_object() else {
                    return wrong("no map");
                };
                in_range(shape, map.len(), path)?;
                map.iter().try_for_each(|(key, value)| {
                    let path = format!("{path}.{key}");
                    self.shape(shape["key"]["shape"].as_str().unwrap(), &json!(key), &path)?;
                    self.shape(shape["value"]["shape"].as_str().unwrap(), value, &path)
                })
            }
            "string" => {
                let Some(text) = value.as_str() else {
                    return wrong("no string");
                };
                in_range(shape, text.chars().count(), path)?;
                if let Some(values) = shape["enum"].as_array()
                    && !values.contains(value)
                {
                    return wrong("no value of the enum");
                }
                match shape["pattern"].as_str() {
                    Some(pattern) if name != "ConversationalModelId" => {
                        let pattern = Regex::new(&format!("^(?:{pattern})$")).unwrap();
                        if pattern.is_match(text) {
                            Ok(())
                        } else {
                            wrong("not in the pattern")
                        }
                    }
                    _ => Ok(()),
                }
            }
            "blob" => match value.as_str() {
                Some(text) if text.len().is_multiple_of(4) => Ok(()),
                _ => wrong("no base64"),
            },
            "boolean" if value.is_boolean() => Ok(()),
            "integer" | "long" if value.is_i64() || value.is_u64() => bounds(shape, value, path),
            "float" | "double" if value.is_number() => bounds(shape, value, path),
            _ => wrong("another type"),
        }
    }

    fn structure(&self, shape: &Value, value: &Value, path: &str) -> Result<(), String> {
        let Some(object) = value.as_object() else {
            return Err(format!("{path}: no object"));
        };
        for required in shape["required"].as_array().into_iter().flatten() {
            if !object.contains_key(required.as_str().unwrap()) {
                return Err(format!("{path}: {required} is missing"));
            }
        }
        if shape["union"] == true && object.len() != 1 {
            return Err(format!("{path}: a union of {} members", object.len()));
        }
        object.iter().try_for_each(|(name, value)| {
            let path = format!("{path}.{name}");
            match shape["members"][name]["shape"].as_str() {
                Some(shape) => self.shape(shape, value, &path),
                None => Err(format!("{path}: unknown")),
            }
        })
    }
}

fn in_range(shape: &Value, length: usize, path: &str) -> Result<(), String> {
    bounds(shape, &json!(length), path)
}

fn bounds(shape: &Value, value: &Value, path: &str) -> Result<(), String> {
    let value = value.as_f64().unwrap();
    let (min, max) = (shape["min"].as_f64(), shape["max"].as_f64());
    if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) {
        return Err(format!("{path}: {value} is out of range"));
    }
    Ok(())
}

#[test]
fn every_body_is_what_the_service_model_declares() {
    let Some(model) = ServiceModel::load() else {
        return;
    };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/requests");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let golden = files
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()));
    let recorded = client_requests().into_iter().chain(conversations());
    let recorded = recorded.map(|(case, request)| (case, request.to_string().into_bytes()));
    let (mut passed, mut wrong) = (0, Vec::new());
    for (case, request) in golden.chain(recorded) {
        let Ok(translation) = translate(&request) else {
            continue;
        };
        let body = serde_json::from_slice(&translation.body).unwrap();
        let operation = if translation.streamable {
            "ConverseStream"
        } else {
            "Converse"
        };
        match model.check(operation, &body) {
            Ok(()) => passed += 1,
            Err(what) => wrong.push(format!("{case}: {what}")),
        }
    }
    println!("{passed} bodies are what the service model declares");
    assert!(passed > 100);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_service_model_does_not_declare_is_seen() {
    let Some(model) = ServiceModel::load() else {
        return;
    };
    let tool = json!({"toolSpec": {"name": "f", "inputSchema": {"json": {}}}});
    let message = json!([{"role": "user", "content": [{"text": "Hi"}]}]);
    let good =
        json!({"messages": message, "toolConfig": {"tools": [tool], "toolChoice": {"any": {}}}});
    assert_eq!(model.check("Converse", &good), Ok(()));
    for (pointer, value) in [
        ("/toolConfig/toolChoice", json!("any")),
        ("/toolConfig/toolChoice", json!({"any": {}, "auto": {}})),
        ("/toolConfig/tools", json!([])),
        (
            "/toolConfig",
            json!({"tools": [], "tool_choice": {"any": {}}}),
        ),
        ("/toolConfig/tools/0/toolSpec/name", json!("a.b")),
        ("/messages/0/role", json!("tool")),
        (
            "/messages/0/content/0",
            json!({"image": {"format": "jpg", "source": {"bytes": ""}}}),
        ),
        (
            "/messages/0/content/0",
            json!({"cachePoint": {"type": "ephemeral"}}),
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(model.check("Converse", &bad).is_err(), "{bad}");
    }
}
