//! How long a prefix is, in tokens. An estimate, because no tokenizer is public: four bytes of text are a token,
//! which is rather too few tokens than too many. A point that the model would ignore is so rarely set, and one
//! that it would take is at worst set some messages later.

use super::place::Place;
use crate::bedrock::request::{
    ContentBlock, ConverseRequest, DocumentBlock, GuardContentBlock, MediaSource,
    SystemContentBlock, Tool, ToolResultContentBlock,
};

/// The bytes of text that are taken for a token.
const TEXT: usize = 4;
/// The base64 characters of a picture, video or sound that are taken for a token: pictures are counted by their
/// size in pixels, and one of a megabyte has some 1500.
const MEDIA: usize = 1000;
/// The base64 characters of a document that are taken for a token; pages and tables are mostly not text.
const DOCUMENT: usize = 100;
/// The same of a document that is nothing but text: three bytes of it are four characters.
const TEXT_DOCUMENT: usize = 6;
/// The most tokens that one picture is taken for.
const MOST_OF_A_PICTURE: usize = 1500;

/// Estimates the tokens in front of a point at `place`.
pub(super) fn tokens_before(request: &ConverseRequest<'_>, place: Place) -> u64 {
    let (tools, system, turns, blocks) = match place {
        Place::Tool(index) => (index + 1, 0, 0, 0),
        Place::System(index) => (usize::MAX, index + 1, 0, 0),
        Place::Block { turn, block } => (usize::MAX, usize::MAX, turn, block + 1),
    };
    let tool_config = request.tool_config.iter();
    let tools = tool_config.flat_map(|config| config.tools.iter().take(tools));
    let system = request.system.iter().take(system);
    let whole = request.messages.iter().take(turns);
    let whole = whole.flat_map(|turn| turn.content.iter());
    let last = request.messages.iter().skip(turns).take(1);
    let last = last.flat_map(|turn| turn.content.iter().take(blocks));
    let tokens = tools.map(tool).sum::<usize>()
        + system.map(system_block).sum::<usize>()
        + whole.chain(last).map(block).sum::<usize>();
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

fn text(text: &str) -> usize {
    text.len() / TEXT
}

fn tool(tool: &Tool<'_>) -> usize {
    match tool {
        Tool::ToolSpec(tool) => {
            let description = tool.description.as_deref().unwrap_or_default();
            text(&tool.name) + text(description) + text(tool.input_schema.json.get())
        }
        Tool::CachePoint(_) => 0,
    }
}

fn system_block(block: &SystemContentBlock<'_>) -> usize {
    match block {
        SystemContentBlock::Text(said) => text(said),
        SystemContentBlock::CachePoint(_) => 0,
    }
}

fn block(block: &ContentBlock<'_>) -> usize {
    match block {
        ContentBlock::Text(said) => text(said),
        ContentBlock::Image(image)
        | ContentBlock::GuardContent(GuardContentBlock::Image(image)) => picture(&image.source),
        ContentBlock::ToolUse(call) => text(&call.name) + text(call.input.get()),
        ContentBlock::ToolResult(result) => result.content.iter().map(result_block).sum(),
        ContentBlock::Document(document) => self::document(document),
        ContentBlock::Video(video) => data(&video.source) / MEDIA,
        ContentBlock::Audio(audio) => data(&audio.source) / MEDIA,
        ContentBlock::GuardContent(GuardContentBlock::Text(said)) => text(&said.text),
        // Claude forgets the reasoning of earlier turns.
        ContentBlock::ReasoningContent(_) | ContentBlock::CachePoint(_) => 0,
    }
}

fn result_block(block: &ToolResultContentBlock<'_>) -> usize {
    match block {
        ToolResultContentBlock::Text(said) => text(said),
        ToolResultContentBlock::Image(image) => picture(&image.source),
        ToolResultContentBlock::Document(document) => self::document(document),
        ToolResultContentBlock::Video(video) => data(&video.source) / MEDIA,
    }
}

fn document(document: &DocumentBlock<'_>) -> usize {
    let per_token = match document.format {
        "txt" | "md" | "csv" => TEXT_DOCUMENT,
        _ => DOCUMENT,
    };
    data(&document.source) / per_token
}

fn picture(source: &MediaSource<'_>) -> usize {
    (data(source) / MEDIA).min(MOST_OF_A_PICTURE)
}

/// The base64 characters; nothing is known of what is elsewhere.
fn data(source: &MediaSource<'_>) -> usize {
    match source {
        MediaSource::Bytes(base64) => base64.len(),
        MediaSource::S3Location(_) => 0,
    }
}
