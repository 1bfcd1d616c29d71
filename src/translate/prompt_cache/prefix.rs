//! What a request lets Bedrock cache, in short: a digest of the bytes before each cache point.

use std::io::{self, Write};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::bedrock::request::{
    CachePointBlock, CacheTtl, ContentBlock, ConverseRequest, SystemContentBlock, Tool,
};

/// The prefix that ends at one cache point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedPrefix {
    /// The first eight bytes of the SHA-256 digest of the tools, the system prompt and the messages before the
    /// point, other points left out.
    pub digest: u64,
    /// How long Bedrock keeps it after its last use.
    pub ttl: CacheTtl,
}

/// The prefixes of a finished request, the shortest first. Without cache points nothing is read.
pub(in crate::translate) fn cached_prefixes(request: &ConverseRequest<'_>) -> Vec<CachedPrefix> {
    let mut prefixes = Prefixes::default();
    if !has_points(request) {
        return prefixes.found;
    }
    for tool in request.tool_config.iter().flat_map(|config| &config.tools) {
        match tool {
            Tool::CachePoint(point) => prefixes.end(*point),
            tool @ Tool::ToolSpec(_) => prefixes.add(tool),
        }
    }
    for block in &request.system {
        match block {
            SystemContentBlock::CachePoint(point) => prefixes.end(*point),
            block @ SystemContentBlock::Text(_) => prefixes.add(block),
        }
    }
    for message in &request.messages {
        prefixes.add(&message.role);
        for block in &message.content {
            match block {
                ContentBlock::CachePoint(point) => prefixes.end(*point),
                block => prefixes.add(block),
            }
        }
    }
    prefixes.found
}

fn has_points(request: &ConverseRequest<'_>) -> bool {
    let mut tools = request.tool_config.iter().flat_map(|config| &config.tools);
    let mut blocks = request.messages.iter().flat_map(|turn| &turn.content);
    tools.any(|tool| matches!(tool, Tool::CachePoint(_)))
        || (request.system.iter()).any(|block| matches!(block, SystemContentBlock::CachePoint(_)))
        || blocks.any(|block| matches!(block, ContentBlock::CachePoint(_)))
}

#[derive(Default)]
struct Prefixes {
    hasher: Hasher,
    found: Vec<CachedPrefix>,
}

/// A digest that is written to.
#[derive(Default)]
struct Hasher(Sha256);

impl Prefixes {
    fn add(&mut self, part: &impl Serialize) {
        // Parts of a request always have JSON text, and a digest takes all that is written.
        let _ = serde_json::to_writer(&mut self.hasher, part);
    }

    fn end(&mut self, point: CachePointBlock) {
        let digest = self.hasher.0.clone().finalize();
        let first = digest.first_chunk().copied().unwrap_or_default();
        self.found.push(CachedPrefix {
            digest: u64::from_be_bytes(first),
            ttl: point.ttl.unwrap_or(CacheTtl::FiveMinutes),
        });
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
