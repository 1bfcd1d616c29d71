//! Claude. From version 4.5 on, a model costs less through `global.` than anywhere else.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    Row::new("anthropic.claude-instant", 0.80, 2.40),
    Row::new("anthropic.claude-v2", 8.00, 24.00),
    Row::new("anthropic.claude-3-haiku", 0.25, 1.25),
    Row::new("anthropic.claude-3-sonnet", 3.00, 15.00),
    Row::new("anthropic.claude-3-opus", 15.00, 75.00),
    // Claude 3.5 Sonnet has no row: it cost 3 and 15 dollars, and sources disagree on whether it is now twice that.
    row("anthropic.claude-3-5-haiku", 0.80, 4.00, 0.08, 1.00),
    row("anthropic.claude-3-7-sonnet", 3.00, 15.00, 0.30, 3.75),
    row("anthropic.claude-sonnet-4", 3.00, 15.00, 0.30, 3.75).long_above(200_000, 2.0, 1.5),
    row("anthropic.claude-opus-4", 15.00, 75.00, 1.50, 18.75),
    row("anthropic.claude-opus-4-1", 15.00, 75.00, 1.50, 18.75),
    newer("anthropic.claude-haiku-4-5", 1.00, 5.00, 0.10, 1.25),
    newer("anthropic.claude-sonnet-4-5", 3.00, 15.00, 0.30, 3.75).long_above(200_000, 2.0, 1.5),
    newer("anthropic.claude-opus-4-5", 5.00, 25.00, 0.50, 6.25),
    newer("anthropic.claude-sonnet-4-6", 3.00, 15.00, 0.30, 3.75),
    newer("anthropic.claude-opus-4-6", 5.00, 25.00, 0.50, 6.25),
    newer("anthropic.claude-opus-4-7", 5.00, 25.00, 0.50, 6.25),
    newer("anthropic.claude-opus-4-8", 5.00, 25.00, 0.50, 6.25),
    newer("anthropic.claude-sonnet-5", 2.00, 10.00, 0.20, 2.50),
    newer("anthropic.claude-opus-5", 5.00, 25.00, 0.50, 6.25),
    newer("anthropic.claude-fable-5", 10.00, 50.00, 1.00, 12.50),
    newer("anthropic.claude-mythos-5", 10.00, 50.00, 1.00, 12.50),
    newer("anthropic.claude-fable-5-1", 10.00, 50.00, 0.25, 12.50),
    newer("anthropic.claude-mythos-5-1", 10.00, 50.00, 0.25, 12.50),
    newer("anthropic.claude-haiku-5-5", 0.10, 0.50, 0.01, 0.125).long_above(100_000, 5.0, 5.0),
    newer("anthropic.claude-sonnet-5-5", 2.00, 10.00, 0.10, 2.50),
    newer("anthropic.claude-opus-5-5", 4.00, 20.00, 0.20, 5.00),
];

/// A model with a prompt cache: its input, its output, what is read from the cache, what is written for five minutes.
const fn row(model: &'static str, input: f64, output: f64, read: f64, written: f64) -> Row {
    Row::new(model, input, output).read(read).written(written)
}

/// The same of a model that costs less through `global.`, and whose cache keeps for an hour what is paid twice.
const fn newer(model: &'static str, input: f64, output: f64, read: f64, written: f64) -> Row {
    row(model, input, output, read, written)
        .written_1h(2.0 * input)
        .through_global()
}
