//! Prompt caching: where Bedrock is told that a prefix is worth keeping.
//!
//! A cached prefix is read when a request has a point where an earlier one had it, with the same bytes before it.
//! So the points are set last, into a request that is finished, and nothing else may depend on them.

use std::borrow::Cow;

use boundary::{has_history, places};
use lifetime::{granted, usual};
use mark::Finder;
use place::Rules;
use points::Points;

use super::context::Context;
use super::notes::Notes;
use crate::bedrock::request::ConverseRequest;
use crate::openai::cache_control::{CacheControl, PromptCacheOptions};

pub(super) use mark::{Anchor, Mark, Marks};
pub use prefix::CachedPrefix;
pub(super) use prefix::cached_prefix;

mod boundary;
mod length;
mod lifetime;
mod mark;
mod place;
mod points;
mod prefix;

#[cfg(test)]
mod tests;

/// Who decides what is cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PromptCaching {
    /// The client where it says something, else the gateway.
    #[default]
    Auto,
    /// Only the client.
    Client,
    /// Nothing is cached.
    Off,
}

/// What a request says about caching its prompt.
#[derive(Debug, Default)]
pub(super) struct Wishes<'a> {
    /// Whether the client has tools, whose results it will send in a next request.
    has_tools: bool,
    /// The client's own points.
    pub(super) marks: Vec<(Anchor<'a>, Mark<'a>)>,
    /// What is said of the prompt as a whole.
    pub(super) options: PromptCacheOptions<'a>,
    /// How many of the messages the next request repeats: not one that only asks the model to go on.
    pub(super) repeated: usize,
}

/// Sets the cache points of a request that is complete.
///
/// Where the client has set points of its own, automatic ones stand only in front of its last one: what they hold
/// is written there anyway, so they cost nothing, and are read when the client's point has moved on.
pub(super) fn set_points(
    request: &mut ConverseRequest<'_>,
    wishes: Wishes<'_>,
    context: &Context<'_>,
    notes: &mut Notes,
) {
    let off = context.prompt_caching == PromptCaching::Off;
    let Some(cache) = context.family.prompt_cache.filter(|_| !off) else {
        wishes.ignore(notes);
        return;
    };
    let Wishes {
        has_tools,
        marks,
        options,
        repeated,
    } = wishes;
    let rules = Rules::new(cache, request);
    let finder = Finder::new(request);
    let ttl = usual(&options, cache, notes);
    let mut last = None;
    let mut points = Points::default();
    for (anchor, mark) in marks {
        let place = finder.place(&anchor);
        last = last.max(place);
        let Some(place) = place.filter(|place| place.is_allowed(request, &rules)) else {
            notes.ignore(mark.path);
            continue;
        };
        let own = mark.ttl.as_deref();
        let ttl = own.map_or(ttl, |own| {
            granted(own, &format!("{}.ttl", mark.path), cache, notes)
        });
        points.ask(place, ttl, mark.path, mark.ttl.is_some());
    }
    points.limit(notes);
    let auto = context.prompt_caching == PromptCaching::Auto && !options.explicit;
    if auto && (has_tools || has_history(request)) {
        let turns = request.messages.get(..repeated).unwrap_or_default();
        let automatic = places(request, turns, &rules).into_iter();
        points.fill(
            automatic.filter(|place| last.is_none_or(|last| *place < last)),
            ttl,
        );
    }
    points.order(notes);
    points.write(request);
}

impl<'a> Wishes<'a> {
    /// Adds a tool of the client's, with the point after it, if it has one; `name` is the tool's at Bedrock.
    pub(super) fn add_tool(
        &mut self,
        control: Option<CacheControl<'a>>,
        path: &str,
        name: Cow<'a, str>,
    ) {
        self.has_tools = true;
        let mark = control.map(|control| (Anchor::Tool(name), Mark::new(control, path)));
        self.marks.extend(mark);
    }

    /// Notes all that was asked for, where nothing is cached.
    fn ignore(self, notes: &mut Notes) {
        for (_, mark) in self.marks {
            notes.ignore(mark.path);
        }
        if self.options.retention.is_some() {
            notes.ignore("prompt_cache_retention");
        }
        if self.options.ttl.is_some() {
            notes.ignore("prompt_cache_options.ttl");
        }
    }
}
