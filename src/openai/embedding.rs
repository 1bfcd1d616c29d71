//! `CreateEmbeddingRequest`.

use std::borrow::Cow;

use super::bedrock_object::BedrockObject;
use super::error::{InvalidRequest, excerpt};
use super::json::{Field, Object, Path};
use super::request::not_json;

/// The most texts of one request, as at OpenAI.
pub const MAX_TEXTS: usize = 2048;
/// The longest `bedrock` object, in bytes: it goes into every call of a request, and there can be [`MAX_TEXTS`].
const MAX_BEDROCK_LENGTH: usize = 16 * 1024;

/// A request for embeddings, borrowed from its JSON text.
///
/// Members that are null are as if absent.
#[derive(Debug, Default)]
pub struct EmbeddingRequest<'a> {
    /// What the client calls the model.
    pub model: Cow<'a, str>,
    /// The texts, 1 to [`MAX_TEXTS`], none of them empty.
    pub input: Vec<Cow<'a, str>>,
    /// How many numbers an embedding is to have, at least 1.
    pub dimensions: Option<u64>,
    /// How an embedding is to be written.
    pub encoding_format: EncodingFormat,
    /// What the embeddings are for. OpenAI has no such member; Cohere, NVIDIA and OpenClaw call it so.
    pub input_type: Option<InputType>,
    /// What becomes of a text that is too long. OpenAI has no such member; Cohere and NVIDIA call it so.
    pub truncate: Option<Truncate>,
    /// Members of the model's own request, put over what is translated.
    pub bedrock: Option<BedrockObject>,
    /// Members that hold something and have no meaning here.
    pub extras: Vec<Cow<'a, str>>,
    /// The names of all members that hold something, in the order of the request.
    pub members: Vec<Cow<'a, str>>,
}

/// How an embedding is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncodingFormat {
    /// An array of numbers.
    #[default]
    Float,
    /// The numbers as little-endian 32-bit floats, in base64. The official SDKs ask for it unless told otherwise.
    Base64,
}

/// What embeddings are for. Models that tell texts from questions about them find more that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputType {
    /// Texts that are searched.
    SearchDocument,
    /// What is searched for.
    SearchQuery,
    /// Texts that are sorted into classes.
    Classification,
    /// Texts that are sorted by themselves.
    Clustering,
}

/// What becomes of a text that is too long for the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncate {
    /// It is an error.
    None,
    /// Its beginning is left out.
    Start,
    /// Its end is left out.
    End,
}

impl<'a> EmbeddingRequest<'a> {
    /// Reads a request from its JSON text.
    ///
    /// # Errors
    /// For text that is not JSON, with the position; for a member that cannot be taken, with its path; for a request
    /// without `model` or `input`.
    pub fn parse(json: &'a [u8]) -> Result<Self, InvalidRequest> {
        let Object(members) =
            serde_json::from_slice(json).map_err(|error| not_json(json, &error))?;
        let mut request = Self::default();
        for (name, raw) in members {
            let path = Path::Member(&Path::Root, &name);
            let field = Field::new(raw, &path);
            if field.is_null() {
                continue;
            }
            if !request.read(&name, field)? && !field.is_empty() {
                request.extras.push(name.clone());
            }
            request.members.push(name);
        }
        if request.model.is_empty() {
            return Err(InvalidRequest::missing("model"));
        }
        if request.input.is_empty() {
            return Err(InvalidRequest::missing("input"));
        }
        Ok(request)
    }

    /// Reads one member and tells whether it has a meaning here.
    fn read(&mut self, name: &str, field: Field<'a, '_>) -> Result<bool, InvalidRequest> {
        match name {
            "model" => self.model = field.string()?,
            "input" => self.input = read_input(field)?,
            "dimensions" => self.dimensions = Some(read_dimensions(field)?),
            "encoding_format" => self.encoding_format = EncodingFormat::read(field)?,
            "input_type" => self.input_type = Some(InputType::read(field)?),
            "truncate" => self.truncate = Some(Truncate::read(field)?),
            "bedrock" => self.bedrock = Some(read_bedrock(field)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl EncodingFormat {
    fn read(field: Field<'_, '_>) -> Result<Self, InvalidRequest> {
        match &*field.string()? {
            "float" => Ok(Self::Float),
            "base64" => Ok(Self::Base64),
            other => Err(unknown(field, other, "'float' and 'base64'")),
        }
    }
}

impl InputType {
    /// Cohere's words, and those that others use for the two sides of a search.
    fn read(field: Field<'_, '_>) -> Result<Self, InvalidRequest> {
        const KNOWN: &str = "'search_document' (or 'document', 'passage'), 'search_query' (or 'query'), 'classification' and \
                             'clustering'";
        let text = field.string()?;
        match text.to_ascii_lowercase().as_str() {
            "search_document" | "document" | "passage" => Ok(Self::SearchDocument),
            "search_query" | "query" => Ok(Self::SearchQuery),
            "classification" => Ok(Self::Classification),
            "clustering" => Ok(Self::Clustering),
            _ => Err(unknown(field, &text, KNOWN)),
        }
    }
}

impl Truncate {
    fn read(field: Field<'_, '_>) -> Result<Self, InvalidRequest> {
        let text = field.string()?;
        match text.to_ascii_uppercase().as_str() {
            "NONE" => Ok(Self::None),
            "START" => Ok(Self::Start),
            "END" => Ok(Self::End),
            _ => Err(unknown(field, &text, "'NONE', 'START' and 'END'")),
        }
    }
}

fn unknown(field: Field<'_, '_>, text: &str, known: &str) -> InvalidRequest {
    let message = format!(
        "'{}' is '{}'; it takes {known}.",
        field.path(),
        excerpt(text)
    );
    InvalidRequest::value(field.path(), message)
}

/// A text or a list of texts.
fn read_input<'a>(field: Field<'a, '_>) -> Result<Vec<Cow<'a, str>>, InvalidRequest> {
    if field.is_string() {
        return read_text(field).map(|text| vec![text]);
    }
    if !field.is_array() {
        return Err(field.wrong("a string or an array of strings"));
    }
    let elements = field.array()?;
    if elements.is_empty() {
        return Err(empty(field));
    }
    let holds_tokens = elements.iter().any(|raw| {
        matches!(
            raw.get().as_bytes().first(),
            Some(b'-' | b'0'..=b'9' | b'[')
        )
    });
    if holds_tokens {
        return Err(InvalidRequest::unsupported(field.path(), TOKENS));
    }
    if elements.len() > MAX_TEXTS {
        let message = format!("'{}' has more than {MAX_TEXTS} texts.", field.path());
        return Err(InvalidRequest::value(field.path(), message));
    }
    let texts = elements.into_iter().enumerate().map(|(index, raw)| {
        let path = Path::Element(field.path(), index);
        read_text(Field::new(raw, &path))
    });
    texts.collect()
}

/// The numbers of OpenAI's tokens mean nothing to Bedrock's models.
const TOKENS: &str = "'input' holds tokens, which only OpenAI's own models know; send the texts themselves. \
                      (LangChain's OpenAIEmbeddings does so with check_embedding_ctx_length=False.)";

fn read_text<'a>(field: Field<'a, '_>) -> Result<Cow<'a, str>, InvalidRequest> {
    let text = field.string()?;
    if text.is_empty() {
        return Err(empty(field));
    }
    Ok(text)
}

fn empty(field: Field<'_, '_>) -> InvalidRequest {
    InvalidRequest::value(
        field.path(),
        format!("'{}' must not be empty.", field.path()),
    )
}

fn read_dimensions(field: Field<'_, '_>) -> Result<u64, InvalidRequest> {
    match field.unsigned()? {
        0 => Err(InvalidRequest::value(
            field.path(),
            format!("'{}' must be at least 1.", field.path()),
        )),
        dimensions => Ok(dimensions),
    }
}

fn read_bedrock(field: Field<'_, '_>) -> Result<BedrockObject, InvalidRequest> {
    if field.raw().get().len() > MAX_BEDROCK_LENGTH {
        let message = format!(
            "'{}' has more than {MAX_BEDROCK_LENGTH} bytes.",
            field.path()
        );
        return Err(InvalidRequest::value(field.path(), message));
    }
    BedrockObject::read(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> (Option<String>, Option<&'static str>) {
        let error = EmbeddingRequest::parse(json.as_bytes()).unwrap_err();
        (error.param, error.code)
    }

    #[test]
    fn a_text_or_a_list_of_texts_is_read_and_null_is_as_if_absent() {
        let one = br#"{"model":"m","input":"a\u00e4","dimensions":null,"encoding_format":null,"user":null}"#;
        let one = EmbeddingRequest::parse(one).unwrap();
        assert_eq!(one.input, ["aä"]);
        assert_eq!(
            (one.dimensions, one.encoding_format),
            (None, EncodingFormat::Float)
        );
        assert!(one.extras.is_empty());

        let two = br#"{"model":"m","input":["a"," "],"user":"u","x":1,"y":[],"encoding_format":"base64","dimensions":256.0}"#;
        let two = EmbeddingRequest::parse(two).unwrap();
        assert_eq!(two.input, ["a", " "]);
        assert_eq!(
            (two.dimensions, two.encoding_format),
            (Some(256), EncodingFormat::Base64)
        );
        assert_eq!(two.extras, ["user", "x"]);
    }

    #[test]
    fn input_that_is_no_text_is_refused_with_its_path() {
        let input = |input: &str| refused(&format!(r#"{{"model":"m","input":{input}}}"#));
        for tokens in ["[1,2,3]", "[[1,2],[3]]", r#"["a",[1]]"#, "[-1]"] {
            assert_eq!(
                input(tokens),
                (Some("input".to_owned()), Some("unsupported_parameter")),
                "{tokens}"
            );
        }
        for (value, param, code) in [
            (r#""""#, "input", "invalid_value"),
            ("[]", "input", "invalid_value"),
            (r#"["a",""]"#, "input[1]", "invalid_value"),
            (r#"["a",null]"#, "input[1]", "invalid_type"),
            (r#"["a",{}]"#, "input[1]", "invalid_type"),
            ("{}", "input", "invalid_type"),
            ("7", "input", "invalid_type"),
            ("null", "input", "missing_required_parameter"),
        ] {
            assert_eq!(
                input(value),
                (Some(param.to_owned()), Some(code)),
                "{value}"
            );
        }
        let texts = |count: usize| format!("[{}]", vec![r#""a""#; count].join(","));
        let most = format!(r#"{{"model":"m","input":{}}}"#, texts(MAX_TEXTS));
        assert!(EmbeddingRequest::parse(most.as_bytes()).is_ok());
        assert_eq!(
            input(&texts(MAX_TEXTS + 1)),
            (Some("input".to_owned()), Some("invalid_value"))
        );
    }

    #[test]
    fn every_other_member_is_checked() {
        for (member, value) in [
            ("model", "1"),
            ("dimensions", "0"),
            ("dimensions", "-1"),
            ("dimensions", "1.5"),
            ("dimensions", r#""256""#),
            ("encoding_format", r#""int8""#),
            ("encoding_format", "1"),
            ("input_type", r#""image""#),
            ("truncate", r#""MIDDLE""#),
            ("bedrock", "[]"),
        ] {
            let json = format!(r#"{{"model":"m","input":"a","{member}":{value}}}"#);
            assert_eq!(refused(&json).0.as_deref(), Some(member), "{value}");
        }
        assert_eq!(refused(r#"{"input":"a"}"#).0.as_deref(), Some("model"));
        let long = format!(
            r#"{{"model":"m","input":"a","bedrock":{{"x":"{}"}}}}"#,
            "y".repeat(MAX_BEDROCK_LENGTH)
        );
        assert_eq!(refused(&long).0.as_deref(), Some("bedrock"));
    }

    #[test]
    fn the_two_sides_of_a_search_have_many_names() {
        for (text, expected) in [
            ("search_document", InputType::SearchDocument),
            ("passage", InputType::SearchDocument),
            ("document", InputType::SearchDocument),
            ("query", InputType::SearchQuery),
            ("SEARCH_QUERY", InputType::SearchQuery),
            ("classification", InputType::Classification),
            ("clustering", InputType::Clustering),
        ] {
            let json = format!(r#"{{"model":"m","input":"a","input_type":"{text}"}}"#);
            let request = EmbeddingRequest::parse(json.as_bytes()).unwrap();
            assert_eq!(request.input_type, Some(expected), "{text}");
        }
    }
}
