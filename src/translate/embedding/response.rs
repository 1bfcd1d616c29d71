//! From the answer to one call to the embeddings of its texts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bedrock::embedding::EmbeddingResponse;
use crate::openai::embedding::EncodingFormat;
use crate::translate::AnswerError;

/// The longest JSON text of one embedding, in bytes: 3,072 numbers have a fifth of it.
const MAX_LENGTH: usize = 256 * 1024;

/// The embeddings of one call's texts.
#[derive(Debug, PartialEq, Eq)]
pub struct Embeddings {
    /// Each as JSON text, in the order of the texts.
    pub embeddings: Vec<String>,
    /// The tokens of the input, where the answer's body counts them.
    pub input_tokens: Option<u64>,
}

/// Reads the answer to a call with so many `texts`. Numbers are passed on as they stand; for base64 each becomes the
/// nearest 32-bit float.
///
/// # Errors
/// When the answer is no embeddings model's, or holds more or fewer embeddings than there were texts.
pub fn embeddings(
    json: &[u8],
    texts: usize,
    format: EncodingFormat,
) -> Result<Embeddings, AnswerError> {
    let response = EmbeddingResponse::parse(json)?;
    let found = response.embeddings.len();
    if found != texts {
        return Err(AnswerError::EmbeddingCount { texts, found });
    }
    let embeddings = response
        .embeddings
        .into_iter()
        .map(|embedding| written(embedding.get(), format).ok_or(AnswerError::Json));
    Ok(Embeddings {
        embeddings: embeddings.collect::<Result<_, _>>()?,
        input_tokens: response.input_text_token_count,
    })
}

/// The embedding in the format that was asked for, if it is a list of numbers. `json` is valid JSON.
fn written(json: &str, format: EncodingFormat) -> Option<String> {
    if json.len() > MAX_LENGTH {
        return None;
    }
    let numbers = json.strip_prefix('[')?.strip_suffix(']')?;
    let mut numbers = numbers.split(',').map(number);
    match format {
        EncodingFormat::Float => numbers
            .all(|number| number.is_some())
            .then(|| json.to_owned()),
        EncodingFormat::Base64 => {
            let mut bytes = Vec::with_capacity(json.len() / 2);
            for number in numbers {
                bytes.extend_from_slice(&number?.to_le_bytes());
            }
            Some(format!("\"{}\"", STANDARD.encode(bytes)))
        }
    }
}

/// A number, if a 32-bit float can hold it: a client would read infinity from a greater one. In valid JSON whatever
/// is read as a number between two commas is one.
fn number(text: &str) -> Option<f32> {
    // Straight from its digits: by way of 64 bits it would be rounded twice.
    let number: f32 = text.trim_ascii().parse().ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(embedding: &str, format: EncodingFormat) -> Result<String, AnswerError> {
        let json = format!(r#"{{"embedding":{embedding}}}"#);
        let mut read = embeddings(json.as_bytes(), 1, format)?;
        Ok(read.embeddings.remove(0))
    }

    #[test]
    fn numbers_stay_as_they_are_written() {
        for embedding in ["[1,-2.50,1e-7, 0.1\n]", "[0.0538589172065258]"] {
            assert_eq!(
                one(embedding, EncodingFormat::Float).as_deref(),
                Ok(embedding)
            );
        }
    }

    #[test]
    fn base64_holds_the_nearest_floats_in_little_endian() {
        assert_eq!(
            one("[0.5, -1e0 ,0]", EncodingFormat::Base64).as_deref(),
            Ok(r#""AAAAPwAAgL8AAAAA""#)
        );
        // Rounded to 64 bits first, this would lie in the middle of two floats and go to the even one.
        let between = "1.000000059604644775390625000000000000000000001";
        let encoded = one(&format!("[{between}]"), EncodingFormat::Base64).unwrap();
        let bytes = STANDARD.decode(encoded.trim_matches('"')).unwrap();
        assert_eq!(bytes, 1.000_000_1_f32.to_le_bytes());
    }

    #[test]
    fn what_is_no_list_of_numbers_is_an_error() {
        let long = format!("[{}1]", "1,".repeat(MAX_LENGTH));
        for embedding in [
            "[]",
            "[[1]]",
            r#"["1"]"#,
            "[null]",
            "[true]",
            "{}",
            "1",
            r#""AAAA""#,
            "[{}]",
            r#"[1,"a,2"]"#,
            r#"["nan"]"#,
            "[1e39]",
            "[0,-1e400]",
            &long,
        ] {
            for format in [EncodingFormat::Float, EncodingFormat::Base64] {
                assert!(one(embedding, format).is_err(), "{embedding:.40}");
            }
        }
    }

    #[test]
    fn an_answer_has_as_many_embeddings_as_there_were_texts() {
        let json = br#"{"embeddings":[[1],[2]]}"#;
        for texts in [1, 3] {
            let wrong = AnswerError::EmbeddingCount { texts, found: 2 };
            assert_eq!(embeddings(json, texts, EncodingFormat::Float), Err(wrong));
        }
        assert!(embeddings(json, 2, EncodingFormat::Float).is_ok());
        assert!(embeddings(b"{}", 1, EncodingFormat::Float).is_err());
    }
}
