//! How long a prompt or an answer is, in tokens. An estimate, because no tokenizer is public.

use crate::bedrock::Family;
use crate::bedrock::request::{
    ContentBlock, ConverseRequest, DocumentBlock, GuardContentBlock, MediaSource,
    ReasoningContentBlock, SystemContentBlock, Tool, ToolResultContentBlock,
};
use crate::openai::BedrockObject;

/// The bytes of an answer that are taken for a token.
const ANSWER: u64 = 3;
/// The tokens of what a provider tells its model of the calling of tools: some 350 with Claude.
const TOOL_INSTRUCTIONS: usize = 500;

/// What is taken for a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// The bytes of text.
    text: usize,
    /// The tokens that a piece of a turn has beside its text.
    piece: usize,
    /// The base64 characters of a picture, video or sound: pictures are counted by their size in pixels, and one of
    /// a megabyte has some 1500.
    media: usize,
    /// The fewest tokens of a picture, and the most.
    picture: (usize, usize),
    /// The base64 characters of a document; pages and tables are mostly not text.
    document: usize,
    /// The same of a document that is nothing but text: three bytes of it are four characters.
    text_document: usize,
    /// The tokens of what is elsewhere, of which nothing is known.
    elsewhere: usize,
    /// Whether the reasoning of earlier turns counts, which Claude forgets.
    reasoning: bool,
}

impl Scale {
    /// Rather too few tokens than too many: where a cache point needs so many, one that the model would ignore is
    /// rarely set, and one that it would take is at worst set some messages later.
    pub(super) const LOW: Self = Self {
        text: 4,
        piece: 0,
        media: 1000,
        picture: (0, 1500),
        document: 100,
        text_document: 6,
        elsewhere: 0,
        reasoning: false,
    };

    /// Rather too many tokens than too few, for what is reserved.
    pub(super) const HIGH: Self = Self {
        text: 3,
        piece: 4,
        media: 300,
        picture: (1600, 1600),
        document: 40,
        text_document: 4,
        elsewhere: 10_000,
        reasoning: true,
    };

    /// The tokens of a tool.
    pub(super) fn tool(&self, tool: &Tool<'_>) -> usize {
        match tool {
            Tool::ToolSpec(tool) => {
                let description = tool.description.as_deref().unwrap_or_default();
                let schema = tool.input_schema.json.get();
                self.text(&tool.name) + self.text(description) + self.text(schema)
            }
            Tool::CachePoint(_) => 0,
        }
    }

    /// The tokens of a block of the system prompt.
    pub(super) fn system_block(&self, block: &SystemContentBlock<'_>) -> usize {
        match block {
            SystemContentBlock::Text(said) => self.text(said),
            SystemContentBlock::CachePoint(_) => 0,
        }
    }

    /// The tokens of a block of a turn.
    pub(super) fn block(&self, block: &ContentBlock<'_>) -> usize {
        match block {
            ContentBlock::Text(said) => self.text(said),
            ContentBlock::Image(image)
            | ContentBlock::GuardContent(GuardContentBlock::Image(image)) => {
                self.picture(&image.source)
            }
            ContentBlock::ToolUse(call) => self.text(&call.name) + self.text(call.input.get()),
            ContentBlock::ToolResult(result) => {
                let content = result.content.iter();
                content.map(|block| self.result_block(block)).sum()
            }
            ContentBlock::Document(document) => self.document(document),
            ContentBlock::Video(video) => self.data(&video.source, self.media),
            ContentBlock::Audio(audio) => self.data(&audio.source, self.media),
            ContentBlock::GuardContent(GuardContentBlock::Text(said)) => self.text(&said.text),
            ContentBlock::ReasoningContent(thought) if self.reasoning => match thought {
                ReasoningContentBlock::ReasoningText(thought) => self.text(&thought.text),
                ReasoningContentBlock::RedactedContent(data) => self.text(data),
            },
            ContentBlock::ReasoningContent(_) | ContentBlock::CachePoint(_) => 0,
        }
    }

    fn result_block(&self, block: &ToolResultContentBlock<'_>) -> usize {
        match block {
            ToolResultContentBlock::Text(said) => self.text(said),
            ToolResultContentBlock::Image(image) => self.picture(&image.source),
            ToolResultContentBlock::Document(document) => self.document(document),
            ToolResultContentBlock::Video(video) => self.data(&video.source, self.media),
        }
    }

    fn text(&self, text: &str) -> usize {
        text.len() / self.text + self.piece
    }

    fn document(&self, document: &DocumentBlock<'_>) -> usize {
        let per_token = match document.format {
            "txt" | "md" | "csv" => self.text_document,
            _ => self.document,
        };
        self.data(&document.source, per_token)
    }

    fn picture(&self, source: &MediaSource<'_>) -> usize {
        let (least, most) = self.picture;
        self.data(source, self.media).clamp(least, most)
    }

    fn data(&self, source: &MediaSource<'_>, per_token: usize) -> usize {
        match source {
            MediaSource::Bytes(base64) => base64.len() / per_token + self.piece,
            MediaSource::S3Location(_) => self.elsewhere,
        }
    }
}

/// The tokens of a prompt, rather too many than too few, but never more than the model can take. `object` is what the
/// client says in Bedrock's own words, as which a model can be given tools or prompts of its own.
pub(super) fn prompt_tokens(
    request: &ConverseRequest<'_>,
    object: Option<&BedrockObject>,
    family: &Family,
) -> u64 {
    let scale = Scale::HIGH;
    let tools = request.tool_config.iter();
    let tools = tools.flat_map(|config| &config.tools);
    let system = request.system.iter();
    let blocks = request.messages.iter().flat_map(|turn| &turn.content);
    let instructions = request
        .tool_config
        .as_ref()
        .map_or(0, |_| TOOL_INSTRUCTIONS);
    let format = request.output_config.as_ref();
    let schema = format.map(|config| &config.text_format.structure.json_schema.schema);
    let own = object.map_or(0, |object| {
        let members = object.members().values();
        members.map(|value| value.to_string().len()).sum::<usize>() / scale.text
    });
    let tokens = tools.map(|tool| scale.tool(tool)).sum::<usize>()
        + system.map(|block| scale.system_block(block)).sum::<usize>()
        + blocks.map(|block| scale.block(block)).sum::<usize>()
        + schema.map_or(0, |schema| scale.text(schema))
        + instructions
        + own;
    let most = family.context_window.map_or(u64::MAX, u64::from);
    u64::try_from(tokens).unwrap_or(u64::MAX).min(most)
}

/// The tokens of texts that are embedded, rather too many than too few.
pub(super) fn text_tokens<'t>(texts: impl Iterator<Item = &'t str>) -> u64 {
    let tokens = texts.map(|text| Scale::HIGH.text(text)).sum::<usize>();
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

/// The tokens of an answer of which so many bytes were seen.
pub(super) const fn answer_tokens(bytes: u64) -> u64 {
    bytes.div_ceil(ANSWER)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::openai::ChatCompletionRequest;
    use crate::translate::{Context, converse_request};

    const FAMILY: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

    fn tokens_of(request: &Value) -> u64 {
        let json = request.to_string();
        let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
        let family = Family::of(Some(FAMILY));
        let translation = converse_request(request, &Context::new(&family)).unwrap();
        assert_eq!(
            translation.answer.billing.input_tokens,
            translation.input_tokens
        );
        translation.input_tokens
    }

    fn tokens(content: &Value, more: &Value) -> u64 {
        let mut request = json!({"model": "m", "messages": [{"role": "user", "content": content}]});
        let members = request.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        tokens_of(&request)
    }

    #[test]
    fn everything_that_a_model_reads_is_estimated() {
        let none = json!({});
        let hi = tokens(&json!("Hi there"), &none);
        assert!((2..=8).contains(&hi), "{hi}");
        let text = "word ".repeat(3000);
        let long = tokens(&json!(text), &none);
        assert!((3000..=6000).contains(&long), "{long}");
        let pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
        let image = json!([{"type": "text", "text": "Hi there"}, {"type": "image_url", "image_url": {"url": pixel}}]);
        assert_eq!(tokens(&image, &none), hi + 1600);
        let tool = |description: &str| {
            let function = json!({"name": "f", "description": description});
            json!({"tools": [{"type": "function", "function": function}]})
        };
        let small = tokens(&json!("Hi there"), &tool("d"));
        assert!(small > hi + 350, "{small}");
        let large = tokens(&json!("Hi there"), &tool(&text));
        assert!(large > small + 4000, "{large}");
        let own = json!({"bedrock": {"additionalModelRequestFields": {"x": text}}});
        assert!(tokens(&json!("Hi there"), &own) > hi + 4000);
    }

    #[test]
    fn calls_their_results_and_the_system_prompt_are_a_part_of_the_prompt() {
        let text = "word ".repeat(3000);
        let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": json!({"a": text}).to_string()}});
        let request = json!({"model": "m", "messages": [
            {"role": "system", "content": text},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": text},
        ]});
        let all = tokens_of(&request);
        assert!((15_000..=17_000).contains(&all), "{all}");
    }

    #[test]
    fn no_prompt_is_longer_than_the_model_can_take() {
        let text = "x".repeat(3_000_000);
        assert_eq!(tokens(&json!(text), &json!({})), 200_000);
    }

    #[test]
    fn answers_and_texts_are_estimated_by_their_bytes() {
        assert_eq!([0, 1, 3, 4].map(answer_tokens), [0, 1, 1, 2]);
        assert_eq!(text_tokens([].into_iter()), 0);
        assert_eq!(text_tokens(["abcdef", "abc"].into_iter()), 2 + 4 + 1 + 4);
    }
}
