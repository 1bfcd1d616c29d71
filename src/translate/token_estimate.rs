//! How long a prompt or an answer is, in tokens. An estimate, because no tokenizer is public.

use serde_json::Value;

use crate::bedrock::Family;
use crate::bedrock::request::{
    ContentBlock, ConverseRequest, DocumentBlock, GuardContentBlock, MediaSource,
    ReasoningContentBlock, SystemContentBlock, Tool, ToolResultContentBlock,
};
use crate::openai::BedrockObject;

/// The bytes of an answer that are taken for a token.
const ANSWER: u64 = 3;
/// The tokens of what stands around a conversation: some 40 with Nova 2, some 65 with gpt-oss.
const FRAME: usize = 80;
/// The tokens of what a provider tells its model of the calling of tools: some 350 with Claude, up to 850 with Nova 2.
const TOOL_INSTRUCTIONS: usize = 900;

/// What is taken for a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// The bytes of text.
    text: usize,
    /// Whether bytes that are neither small letters nor spaces count twice: the words of other scripts, numbers and
    /// what is encoded are cut into smaller tokens than English is.
    dense: bool,
    /// The tokens that a piece of a turn has beside its text.
    piece: usize,
    /// The base64 characters of a picture or sound: pictures are counted by their size in pixels, and one of a
    /// megabyte has some 1500.
    media: usize,
    /// The same of a video, which is counted by the second.
    video: usize,
    /// The most tokens of a video.
    most_of_video: usize,
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
        dense: false,
        piece: 0,
        media: 1000,
        video: 1000,
        most_of_video: usize::MAX,
        picture: (0, 1500),
        document: 100,
        text_document: 6,
        elsewhere: 0,
        reasoning: false,
    };

    /// Rather too many tokens than too few, for what is reserved.
    ///
    /// A second of video is 288 tokens to Nova, up to a thousand seconds, and a screen that is filmed has some five
    /// kilobytes a second. The newest Claudes see pictures of 3.75 megapixels, 750 of which are a token. A page of a PDF
    /// that holds nothing but text has some four kilobytes and up to a thousand tokens.
    pub(super) const HIGH: Self = Self {
        text: 3,
        dense: true,
        piece: 4,
        media: 200,
        video: 25,
        most_of_video: 288_000,
        picture: (1600, 4800),
        document: 8,
        text_document: 2,
        elsewhere: 100_000,
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
            ContentBlock::Video(video) => self.video(&video.source),
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
            ToolResultContentBlock::Video(video) => self.video(&video.source),
        }
    }

    fn text(&self, text: &str) -> usize {
        let mut bytes = text.len();
        if self.dense {
            let light = |byte: u8| byte.is_ascii_lowercase() || byte == b' ' || byte == b'\n';
            bytes += text.bytes().filter(|byte| !light(*byte)).count();
        }
        bytes / self.text + self.piece
    }

    fn document(&self, document: &DocumentBlock<'_>) -> usize {
        let per_token = match document.format {
            "txt" | "md" | "csv" => self.text_document,
            // What of it is text differs.
            "html" if self.dense => self.text_document,
            _ => self.document,
        };
        self.data(&document.source, per_token)
    }

    fn picture(&self, source: &MediaSource<'_>) -> usize {
        let (least, most) = self.picture;
        self.data(source, self.media).clamp(least, most)
    }

    fn video(&self, source: &MediaSource<'_>) -> usize {
        match source {
            MediaSource::Bytes(_) => self.data(source, self.video).min(self.most_of_video),
            MediaSource::S3Location(_) if self.elsewhere > 0 => self.most_of_video,
            MediaSource::S3Location(_) => 0,
        }
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
        + FRAME
        + own;
    let window = family.context_window.filter(|_| !asks_for_more(object));
    let most = window.map_or(u64::MAX, u64::from);
    u64::try_from(tokens).unwrap_or(u64::MAX).min(most)
}

/// Whether a longer context window is asked for than the model has by itself: Claude Sonnet 4 and 4.5 have one in a beta.
fn asks_for_more(object: Option<&BedrockObject>) -> bool {
    const LONG_CONTEXT: &str = "context-";
    let fields = object.and_then(|object| object.members().get("additionalModelRequestFields"));
    let betas = fields.and_then(|fields| fields.get("anthropic_beta")?.as_array());
    let mut betas = betas.into_iter().flatten().filter_map(Value::as_str);
    betas.any(|beta| beta.starts_with(LONG_CONTEXT))
}

/// The tokens of an answer of which so many bytes were seen.
pub(super) const fn answer_tokens(bytes: u64) -> u64 {
    bytes.div_ceil(ANSWER)
}

#[cfg(test)]
mod tests;
