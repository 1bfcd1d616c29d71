//! How long the prefix in front of a cache point is.

use super::place::Place;
use crate::bedrock::request::ConverseRequest;
use crate::translate::token_estimate::Scale;

/// Estimates the tokens in front of a point at `place`.
pub(super) fn tokens_before(request: &ConverseRequest<'_>, place: Place) -> u64 {
    let (tools, system, turns, blocks) = match place {
        Place::Tool(index) => (index + 1, 0, 0, 0),
        Place::System(index) => (usize::MAX, index + 1, 0, 0),
        Place::Block { turn, block } => (usize::MAX, usize::MAX, turn, block + 1),
    };
    let scale = Scale::LOW;
    let tool_config = request.tool_config.iter();
    let tools = tool_config.flat_map(|config| config.tools.iter().take(tools));
    let system = request.system.iter().take(system);
    let whole = request.messages.iter().take(turns);
    let whole = whole.flat_map(|turn| turn.content.iter());
    let last = request.messages.iter().skip(turns).take(1);
    let last = last.flat_map(|turn| turn.content.iter().take(blocks));
    let tokens = tools.map(|tool| scale.tool(tool)).sum::<usize>()
        + system.map(|block| scale.system_block(block)).sum::<usize>()
        + whole
            .chain(last)
            .map(|block| scale.block(block))
            .sum::<usize>();
    u64::try_from(tokens).unwrap_or(u64::MAX)
}
