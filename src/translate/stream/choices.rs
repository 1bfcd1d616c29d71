//! The end of a stream of several choices.

use std::ops::Add;

use bytes::BytesMut;
use serde_json::value::to_raw_value;

use super::super::passed::Passed;
use super::super::stop;
use super::StreamTranslator;
use crate::openai::chunk::ChunkWriter;

impl StreamTranslator {
    /// Ends a stream of several choices that are all done: with one chunk for the usage of all together and what
    /// Bedrock said of each, as far as the request asked for them, and with `[DONE]`. A sum is not told when the
    /// usage of one is lost.
    pub fn end_choices<'t>(choices: impl IntoIterator<Item = &'t mut Self>, out: &mut BytesMut) {
        let mut choices: Vec<&mut Self> = choices.into_iter().collect();
        let passed: Option<Vec<Passed>> = choices
            .iter_mut()
            .map(|choice| choice.progress.take_passed())
            .collect();
        let passed = passed.and_then(|passed| to_raw_value(&passed).ok());
        let Some(first) = choices.first() else {
            return;
        };
        let usages = choices.iter().map(|choice| choice.usage().copied());
        let usage = usages.reduce(|sum, usage| Some(sum? + usage?)).flatten();
        let usage = usage.filter(|_| first.progress.includes_usage());
        if usage.is_some() || passed.is_some() {
            let tier = choices
                .iter()
                .find_map(|choice| choice.progress.service_tier());
            let consumption = choices.iter().map(|choice| choice.consumption());
            let cost = consumption
                .reduce(Add::add)
                .and_then(|all| first.progress.shown(&all));
            let usage = usage.as_ref().map(|usage| stop::usage(usage, cost));
            let writer = first.progress.writer();
            writer.end(usage.as_ref(), tier, passed.as_deref(), out);
        }
        ChunkWriter::done(out);
    }
}
