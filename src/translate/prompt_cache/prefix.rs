//! What a request lets Bedrock cache, in short: a digest of the bytes before its first cache point.

use std::io::{self, Write};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::bedrock::request::{
    CachePointBlock, CacheTtl, ContentBlock, ConverseRequest, SystemContentBlock, Tool,
};

/// The shortest prefix that Bedrock is to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedPrefix {
    /// The first eight bytes of the SHA-256 digest of the tools, the system prompt and the messages before the
    /// point.
    pub digest: u64,
    /// How long Bedrock keeps it after its last use.
    pub ttl: CacheTtl,
}

/// The prefix of a finished request that ends at its first cache point. Whatever Bedrock keeps of the request, it keeps
/// this as well, so the longer ones would tell nothing more, and need not be read.
pub(in crate::translate) fn cached_prefix(request: &ConverseRequest<'_>) -> Option<CachedPrefix> {
    if !has_points(request) {
        return None;
    }
    let mut hasher = Hasher::default();
    for tool in request.tool_config.iter().flat_map(|config| &config.tools) {
        match tool {
            Tool::CachePoint(point) => return Some(hasher.end(*point)),
            tool @ Tool::ToolSpec(_) => hasher.add(tool),
        }
    }
    for block in &request.system {
        match block {
            SystemContentBlock::CachePoint(point) => return Some(hasher.end(*point)),
            block @ SystemContentBlock::Text(_) => hasher.add(block),
        }
    }
    for message in &request.messages {
        hasher.add(&message.role);
        for block in &message.content {
            match block {
                ContentBlock::CachePoint(point) => return Some(hasher.end(*point)),
                block => hasher.add(block),
            }
        }
    }
    None
}

fn has_points(request: &ConverseRequest<'_>) -> bool {
    let mut tools = request.tool_config.iter().flat_map(|config| &config.tools);
    let mut blocks = request.messages.iter().flat_map(|turn| &turn.content);
    tools.any(|tool| matches!(tool, Tool::CachePoint(_)))
        || (request.system.iter()).any(|block| matches!(block, SystemContentBlock::CachePoint(_)))
        || blocks.any(|block| matches!(block, ContentBlock::CachePoint(_)))
}

/// A digest that is written to.
#[derive(Default)]
struct Hasher(Sha256);

impl Hasher {
    fn add(&mut self, part: &impl Serialize) {
        // Parts of a request always have JSON text, and a digest takes all that is written.
        let _ = serde_json::to_writer(self, part);
    }

    fn end(self, point: CachePointBlock) -> CachedPrefix {
        let digest = self.0.finalize();
        let first = digest.first_chunk().copied().unwrap_or_default();
        CachedPrefix {
            digest: u64::from_be_bytes(first),
            ttl: point.ttl.unwrap_or(CacheTtl::FiveMinutes),
        }
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
