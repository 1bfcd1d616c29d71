//! `CreateEmbeddingResponse`, written piece by piece: a whole one can have a hundred megabytes.

use serde::Serialize;

/// A response that is being written.
#[derive(Debug)]
pub struct EmbeddingList {
    json: Vec<u8>,
    length: usize,
}

/// What stands behind the embeddings.
#[derive(Serialize)]
struct Tail<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<EmbeddingUsage>,
}

/// Tokens of an embeddings request.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EmbeddingUsage {
    /// All input.
    pub prompt_tokens: u64,
    /// The same: embeddings are no tokens.
    pub total_tokens: u64,
    /// What it cost in US dollars, where that is known and told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

impl EmbeddingUsage {
    /// The usage for so many tokens of input.
    pub fn of(tokens: u64) -> Self {
        Self {
            prompt_tokens: tokens,
            total_tokens: tokens,
            cost: None,
        }
    }

    /// The same with what it cost.
    #[must_use]
    pub fn at(self, cost: Option<f64>) -> Self {
        Self { cost, ..self }
    }
}

impl Default for EmbeddingList {
    fn default() -> Self {
        Self {
            json: br#"{"object":"list","data":["#.to_vec(),
            length: 0,
        }
    }
}

impl EmbeddingList {
    /// How many embeddings it holds.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Appends an embedding, given as JSON text: an array of numbers, or a string of base64.
    pub fn push(&mut self, embedding: &str) {
        if self.length > 0 {
            self.json.push(b',');
        }
        let index = self.length.to_string();
        for piece in [
            r#"{"object":"embedding","index":"#,
            &index,
            r#","embedding":"#,
            embedding,
            "}",
        ] {
            self.json.extend_from_slice(piece.as_bytes());
        }
        self.length += 1;
    }

    /// The whole JSON. `model` is what the client asked for; usage that nobody knows is left out.
    pub fn finish(self, model: &str, usage: Option<EmbeddingUsage>) -> Vec<u8> {
        let Self { mut json, .. } = self;
        // A name and two numbers always have JSON text, which begins with a brace.
        let tail = serde_json::to_string(&Tail { model, usage }).unwrap_or_default();
        json.extend_from_slice(b"],");
        json.extend_from_slice(tail.strip_prefix('{').unwrap_or("}").as_bytes());
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embeddings_stand_in_their_order_and_usage_behind_them() {
        let mut list = EmbeddingList::default();
        assert!(list.is_empty());
        list.push("[0.5,-1e-3]");
        list.push(r#""AAAAPw==""#);
        assert_eq!(list.len(), 2);
        let json = list.finish("a\"b", Some(EmbeddingUsage::of(7)));
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1e-3]},{"object":"embedding","index":1,"embedding":"AAAAPw=="}],"model":"a\"b","usage":{"prompt_tokens":7,"total_tokens":7}}"#
        );
    }

    #[test]
    fn usage_that_nobody_counted_is_left_out() {
        let json = EmbeddingList::default().finish("m", None);
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"object":"list","data":[],"model":"m"}"#
        );
    }
}
