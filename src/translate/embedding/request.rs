//! From the texts of a request to the calls that embed them.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::bedrock::{Dimensions, EmbeddingForm, EmbeddingModel};
use crate::openai::embedding::{InputType, Truncate};
use crate::openai::{BedrockObject, EmbeddingRequest, InvalidRequest};
use crate::translate::Notes;
use crate::translate::passing::merge;

/// The calls that embed the texts of one request, in the texts' order. Their bodies are made one at a time.
#[derive(Debug)]
pub struct EmbeddingCalls<'r> {
    model: EmbeddingModel,
    texts: &'r [Cow<'r, str>],
    /// What is the same in all calls.
    common: Map<String, Value>,
    /// What the client says in the model's own words.
    bedrock: Map<String, Value>,
}

/// One InvokeModel call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingCall {
    /// The model's own request, JSON.
    pub body: Vec<u8>,
    /// How many texts it embeds.
    pub texts: usize,
}

impl<'r> EmbeddingCalls<'r> {
    /// Translates a request for a model, and notes what has no effect there.
    ///
    /// # Errors
    /// For dimensions that the model does not have, and for a `bedrock` object that would replace the texts or the form of
    /// the answer.
    pub fn new(
        request: &'r EmbeddingRequest<'r>,
        model: EmbeddingModel,
    ) -> Result<(Self, Notes), InvalidRequest> {
        let bedrock = request
            .bedrock
            .as_ref()
            .map(BedrockObject::members)
            .cloned()
            .unwrap_or_default();
        check_members(model.form, &bedrock)?;
        let mut notes = Notes::default();
        for extra in &request.extras {
            notes.ignore(extra.as_ref());
        }
        if matches!(
            model.form,
            EmbeddingForm::Titan | EmbeddingForm::TitanMultimodal
        ) {
            for (name, is_set) in [
                ("input_type", request.input_type.is_some()),
                ("truncate", request.truncate.is_some()),
            ] {
                if is_set {
                    notes.ignore(name);
                }
            }
        }
        notes.sort(&request.members);
        let calls = Self {
            model,
            texts: &request.input,
            common: common(request, model.form, dimensions(request, model.dimensions)?),
            bedrock,
        };
        Ok((calls, notes))
    }

    /// The calls, each made when it is asked for.
    pub fn calls(&self) -> impl Iterator<Item = EmbeddingCall> {
        let batches = self.texts.chunks(self.model.texts_per_call.max(1));
        batches.map(|texts| EmbeddingCall {
            body: self.body(texts),
            texts: texts.len(),
        })
    }

    fn body(&self, texts: &[Cow<'_, str>]) -> Vec<u8> {
        let mut body = self.common.clone();
        let first = || Value::from(texts.first().map_or("", AsRef::as_ref));
        let own = match self.model.form {
            EmbeddingForm::Titan | EmbeddingForm::TitanMultimodal => json!({"inputText": first()}),
            EmbeddingForm::Cohere => json!({ "texts": texts }),
            EmbeddingForm::Nova => json!({"singleEmbeddingParams": {"text": {"value": first()}}}),
        };
        if let Value::Object(own) = own {
            merge(&mut body, own);
        }
        merge(&mut body, self.bedrock.clone());
        Value::Object(body).to_string().into_bytes()
    }
}

/// The members of a call that do not depend on its texts.
fn common(
    request: &EmbeddingRequest<'_>,
    form: EmbeddingForm,
    dimensions: Option<u64>,
) -> Map<String, Value> {
    let truncate = request.truncate.map(|truncate| match truncate {
        Truncate::None => "NONE",
        Truncate::Start => "START",
        Truncate::End => "END",
    });
    let body = match form {
        EmbeddingForm::Titan => json!({"inputText": "", "dimensions": dimensions}),
        EmbeddingForm::TitanMultimodal => {
            let config = dimensions.map(|length| json!({"outputEmbeddingLength": length}));
            json!({"inputText": "", "embeddingConfig": config})
        }
        EmbeddingForm::Cohere => json!({
            "texts": [],
            "input_type": cohere_input_type(request.input_type),
            "truncate": truncate,
            "output_dimension": dimensions,
        }),
        EmbeddingForm::Nova => json!({
            "taskType": "SINGLE_EMBEDDING",
            "singleEmbeddingParams": {
                "embeddingPurpose": nova_purpose(request.input_type),
                "embeddingDimension": dimensions,
                // Nova wants to be told; a text that is too long is an error at OpenAI as well.
                "text": {"truncationMode": truncate.unwrap_or("NONE"), "value": ""},
            },
        }),
    };
    let mut members = Map::new();
    if let Value::Object(body) = body {
        // Members without a value are left out.
        merge(&mut members, body);
    }
    members
}

/// Cohere wants to be told what embeddings are for; what is stored is embedded more often than what is asked.
fn cohere_input_type(input_type: Option<InputType>) -> &'static str {
    match input_type.unwrap_or(InputType::SearchDocument) {
        InputType::SearchDocument => "search_document",
        InputType::SearchQuery => "search_query",
        InputType::Classification => "classification",
        InputType::Clustering => "clustering",
    }
}

/// The same in Nova's words.
fn nova_purpose(input_type: Option<InputType>) -> &'static str {
    match input_type.unwrap_or(InputType::SearchDocument) {
        InputType::SearchDocument => "GENERIC_INDEX",
        InputType::SearchQuery => "GENERIC_RETRIEVAL",
        InputType::Classification => "CLASSIFICATION",
        InputType::Clustering => "CLUSTERING",
    }
}

/// The dimensions to ask the model for.
fn dimensions(
    request: &EmbeddingRequest<'_>,
    known: Dimensions,
) -> Result<Option<u64>, InvalidRequest> {
    let Some(asked) = request.dimensions else {
        return Ok(None);
    };
    let allowed = match known {
        Dimensions::Unknown => return Ok(Some(asked)),
        Dimensions::OneOf(allowed) if allowed.contains(&asked) => return Ok(Some(asked)),
        // Not asked for: the model has no member for it.
        Dimensions::Fixed(only) if only == asked => return Ok(None),
        Dimensions::Fixed(only) => only.to_string(),
        Dimensions::OneOf(allowed) => {
            let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            allowed.join(", ")
        }
    };
    let message =
        format!("'dimensions' is {asked}; the embeddings of this model can have: {allowed}.");
    Err(InvalidRequest::value("dimensions", message))
}

/// Members of `bedrock` that would replace the texts, or make an answer of another form.
fn check_members(form: EmbeddingForm, members: &Map<String, Value>) -> Result<(), InvalidRequest> {
    let refused: &[&[&str]] = match form {
        EmbeddingForm::Titan | EmbeddingForm::TitanMultimodal => {
            &[&["inputText"], &["inputImage"], &["embeddingTypes"]]
        }
        EmbeddingForm::Cohere => &[&["texts"], &["images"], &["inputs"], &["embedding_types"]],
        EmbeddingForm::Nova => &[
            &["taskType"],
            &["segmentedEmbeddingParams"],
            &["singleEmbeddingParams", "text", "value"],
            &["singleEmbeddingParams", "text", "source"],
            &["singleEmbeddingParams", "image"],
            &["singleEmbeddingParams", "audio"],
            &["singleEmbeddingParams", "video"],
        ],
    };
    for path in refused {
        if holds(members, path) {
            let path = path.join(".");
            let message = format!(
                "'{path}' decides which embeddings come back, and cannot be set through 'bedrock'."
            );
            return Err(InvalidRequest::unsupported(
                format!("bedrock.{path}"),
                message,
            ));
        }
    }
    Ok(())
}

fn holds(members: &Map<String, Value>, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    match members.get(*first) {
        None => false,
        Some(_) if rest.is_empty() => true,
        Some(Value::Object(members)) => holds(members, rest),
        // Whatever replaces the object takes the text with it.
        Some(_) => true,
    }
}
