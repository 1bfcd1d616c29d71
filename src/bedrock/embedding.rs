//! The answers of embeddings models to InvokeModel, as they are read from the wire. Unknown members are no errors.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::null::or_default;

/// The most embeddings of one answer: more than any model makes in one call.
const MAX_EMBEDDINGS: usize = 1024;

/// The embeddings of one answer as JSON text, in the order of the texts.
#[derive(Debug)]
pub struct EmbeddingResponse<'a> {
    /// Each should be an array of numbers.
    pub embeddings: Vec<&'a RawValue>,
    /// The tokens of the input, which Titan counts in the body.
    pub input_text_token_count: Option<u64>,
}

/// The members of all models' answers.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Members<'a> {
    /// Titan's only embedding.
    #[serde(borrow)]
    embedding: Option<&'a RawValue>,
    /// Titan's, by type: for answers without `embedding`.
    #[serde(borrow, deserialize_with = "or_default")]
    embeddings_by_type: ByType<&'a RawValue>,
    /// Cohere's and Nova's.
    #[serde(borrow)]
    embeddings: Option<&'a RawValue>,
    input_text_token_count: Option<u64>,
}

/// Embeddings by the type of their numbers; only floats have a place in OpenAI's answer.
#[derive(Deserialize)]
struct ByType<T> {
    float: Option<T>,
}

impl<T> Default for ByType<T> {
    fn default() -> Self {
        Self { float: None }
    }
}

/// One of Nova's embeddings.
#[derive(Deserialize)]
struct TypedEmbedding<'a> {
    #[serde(borrow)]
    embedding: &'a RawValue,
}

impl<'a> EmbeddingResponse<'a> {
    /// Reads an answer of any model: `{"embedding": […]}` of Titan's; `{"embeddings": [[…]]}` or
    /// `{"embeddings": {"float": [[…]]}}` of Cohere's; `{"embeddings": [{"embedding": […]}]}` of Nova's.
    ///
    /// # Errors
    /// For text that is not JSON, or an answer of another form.
    pub fn parse(json: &'a [u8]) -> serde_json::Result<Self> {
        let members: Members<'a> = serde_json::from_slice(json)?;
        let embeddings = match members.embeddings {
            Some(embeddings) => several(embeddings)?,
            None => (members.embedding)
                .or(members.embeddings_by_type.float)
                .into_iter()
                .collect(),
        };
        Ok(Self {
            embeddings,
            input_text_token_count: members.input_text_token_count,
        })
    }
}

fn several(embeddings: &RawValue) -> serde_json::Result<Vec<&RawValue>> {
    let Embeddings(elements) = if embeddings.get().starts_with('{') {
        let by_type: ByType<Embeddings<'_>> = serde_json::from_str(embeddings.get())?;
        by_type.float.unwrap_or_default()
    } else {
        serde_json::from_str(embeddings.get())?
    };
    elements
        .into_iter()
        .map(|raw| {
            if raw.get().starts_with('{') {
                let typed: TypedEmbedding<'_> = serde_json::from_str(raw.get())?;
                Ok(typed.embedding)
            } else {
                Ok(raw)
            }
        })
        .collect()
}

/// A list of at most [`MAX_EMBEDDINGS`].
#[derive(Default)]
struct Embeddings<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Embeddings<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Embeddings<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of embeddings")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    if elements.len() == MAX_EMBEDDINGS {
                        return Err(A::Error::custom("there are too many embeddings"));
                    }
                    elements.push(element);
                }
                Ok(Embeddings(elements))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> (Vec<&str>, Option<u64>) {
        let response = EmbeddingResponse::parse(json.as_bytes()).unwrap();
        let embeddings = response.embeddings.into_iter().map(RawValue::get).collect();
        (embeddings, response.input_text_token_count)
    }

    #[test]
    fn every_models_form_is_read() {
        for (json, embeddings, tokens) in [
            (
                r#"{"embedding":[1,-2.50],"embeddingsByType":{"float":[1,2]},"inputTextTokenCount":3}"#,
                vec!["[1,-2.50]"],
                Some(3),
            ),
            (
                r#"{"embedding":null,"embeddingsByType":{"binary":[1],"float":[7]}}"#,
                vec!["[7]"],
                None,
            ),
            (
                r#"{"id":"x","embeddings":[[1],[2,3]],"texts":["a","b"],"response_type":"embeddings_floats"}"#,
                vec!["[1]", "[2,3]"],
                None,
            ),
            (
                r#"{"embeddings":{"int8":[[9]],"float":[[1],[2]]},"response_type":"embeddings_by_type"}"#,
                vec!["[1]", "[2]"],
                None,
            ),
            (
                r#"{"embeddings":[{"embeddingType":"TEXT","embedding":[0.5]}]}"#,
                vec!["[0.5]"],
                None,
            ),
            (r#"{"embeddings":{"int8":[[9]]}}"#, vec![], None),
            (
                r#"{"embeddings":null,"embeddingsByType":null}"#,
                vec![],
                None,
            ),
            ("{}", vec![], None),
        ] {
            assert_eq!(read(json), (embeddings, tokens), "{json}");
        }
    }

    #[test]
    fn other_forms_and_endless_lists_are_errors() {
        let endless = format!(r#"{{"embeddings":[{}[]]}}"#, "[],".repeat(MAX_EMBEDDINGS));
        for json in [
            "",
            "7",
            r#"{"embeddings":7}"#,
            r#"{"embeddings":[{"embeddingType":"TEXT"}]}"#,
            r#"{"embeddings":{"float":1}}"#,
            &endless,
        ] {
            assert!(EmbeddingResponse::parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
