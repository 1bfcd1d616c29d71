//! The cache points of one request: chosen, put into the order of their lifetimes, and written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::notes::Notes;
use super::place::Place;
use crate::bedrock::request::{
    CachePointBlock, CacheTtl, ContentBlock, ConverseRequest, SystemContentBlock, Tool,
};

/// The most points of one request: "A maximum of 4 blocks with `cache_control` may be provided."
const MOST: usize = 4;

/// Stands between a document or video and the client's point after it, because Bedrock refuses a point right
/// there.
const END_OF_FILE: &str = "(end of the file)";

/// The cache points of one request, in the order of the prefix.
#[derive(Debug, Default)]
pub(super) struct Points(BTreeMap<Place, Point>);

/// One cache point.
#[derive(Debug)]
struct Point {
    ttl: CacheTtl,
    /// The client's members that asked for it; an automatic one has none.
    asked: Vec<Asked>,
}

/// A member of the client's that asked for a point.
#[derive(Debug)]
struct Asked {
    path: String,
    /// Whether it said for how long.
    has_ttl: bool,
}

impl Points {
    /// Adds a point that the client asked for with the member at `path`.
    pub(super) fn ask(&mut self, place: Place, ttl: CacheTtl, path: String, has_ttl: bool) {
        let point = self.0.entry(place).or_insert(Point {
            ttl,
            asked: Vec::new(),
        });
        point.ttl = point.ttl.max(ttl);
        point.asked.push(Asked { path, has_ttl });
    }

    /// Leaves out what is more than Bedrock takes: the earliest points of messages, but not the last one, and
    /// then the earliest of all. What they would have held is in the prefix of those after them.
    pub(super) fn limit(&mut self, notes: &mut Notes) {
        let excess = self.0.len().saturating_sub(MOST);
        let in_messages = self.0.keys().filter(|place| place.is_in_message()).count();
        let from_messages = excess.min(in_messages.saturating_sub(1));
        let early = self.0.keys().filter(|place| place.is_in_message());
        let mut dropped: Vec<Place> = early.copied().take(from_messages).collect();
        let early = self.0.keys().filter(|place| !place.is_in_message());
        dropped.extend(early.copied().take(excess - from_messages));
        for place in dropped {
            let asked = self.0.remove(&place).map(|point| point.asked);
            for Asked { path, .. } in asked.into_iter().flatten() {
                notes.ignore(path);
            }
        }
    }

    /// Adds automatic points, the most valuable first, as far as there is room.
    pub(super) fn fill(&mut self, places: impl IntoIterator<Item = Place>, ttl: CacheTtl) {
        for place in places {
            if self.0.len() < MOST {
                self.0.entry(place).or_insert(Point {
                    ttl,
                    asked: Vec::new(),
                });
            }
        }
    }

    /// A longer lifetime must stand before a shorter one. What is cached for an hour holds all that stands before
    /// it, so the points there live as long.
    pub(super) fn order(&mut self, notes: &mut Notes) {
        let mut least = CacheTtl::FiveMinutes;
        for point in self.0.values_mut().rev() {
            if point.ttl < least {
                point.ttl = least;
                for asked in point.asked.iter().filter(|asked| asked.has_ttl) {
                    notes.adjust(&format!("{}.ttl", asked.path), &"1h");
                }
            }
            least = point.ttl;
        }
    }

    /// Writes the points into the request, the last first, so that the places before it stay what they are.
    pub(super) fn write(self, request: &mut ConverseRequest<'_>) {
        for (place, point) in self.0.into_iter().rev() {
            let ttl = Some(point.ttl).filter(|ttl| *ttl == CacheTtl::OneHour);
            write(request, place, CachePointBlock::new(ttl));
        }
    }
}

fn write(request: &mut ConverseRequest<'_>, place: Place, point: CachePointBlock) {
    match place {
        Place::Tool(index) => {
            if let Some(config) = &mut request.tool_config {
                config.tools.insert(index + 1, Tool::CachePoint(point));
            }
        }
        Place::System(index) => {
            let point = SystemContentBlock::CachePoint(point);
            request.system.insert(index + 1, point);
        }
        Place::Block { turn, block } => {
            if let Some(turn) = request.messages.get_mut(turn) {
                let file = matches!(
                    turn.content.get(block),
                    Some(ContentBlock::Document(_) | ContentBlock::Video(_))
                );
                turn.content
                    .insert(block + 1, ContentBlock::CachePoint(point));
                if file {
                    let end = ContentBlock::Text(Cow::Borrowed(END_OF_FILE));
                    turn.content.insert(block + 1, end);
                }
            }
        }
    }
}
