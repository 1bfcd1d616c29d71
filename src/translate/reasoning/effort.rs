//! Efforts: OpenAI has more words than most models.

use crate::openai::reasoning::ReasoningEffort;

/// The word that comes closest to `effort` among `values`, which stand in their order: the same, else the next
/// below, so that nobody pays for more thoughts than were asked for; else the least. Without thinking there is no
/// word, unless the model has one for it.
pub(super) fn nearest(effort: ReasoningEffort, values: &[&'static str]) -> Option<&'static str> {
    let ranked = |word: &&'static str| Some((ReasoningEffort::named(word)?, *word));
    let mut values = values.iter().filter_map(ranked);
    if effort == ReasoningEffort::None {
        return values
            .find(|(value, _)| *value == effort)
            .map(|(_, word)| word);
    }
    let mut nearest = None;
    for (value, word) in values.filter(|(value, _)| *value != ReasoningEffort::None) {
        if nearest.is_none() || value <= effort {
            nearest = Some(word);
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_never_asks_for_more_where_less_exists() {
        use ReasoningEffort::{High, Low, Max, Medium, Minimal, None, Xhigh};
        let cases: [(&[&str], [&str; 6]); 5] = [
            (
                &["low", "medium", "high"],
                ["low", "low", "medium", "high", "high", "high"],
            ),
            (
                &["low", "medium", "high", "max"],
                ["low", "low", "medium", "high", "high", "max"],
            ),
            (
                &["low", "high", "max"],
                ["low", "low", "low", "high", "high", "max"],
            ),
            (&["high"], ["high"; 6]),
            (
                &["none", "low", "high", "xhigh"],
                ["low", "low", "low", "high", "xhigh", "xhigh"],
            ),
        ];
        for (values, expected) in cases {
            let words = [Minimal, Low, Medium, High, Xhigh, Max].map(|e| nearest(e, values));
            assert_eq!(words, expected.map(Some), "{values:?}");
        }
        assert_eq!(nearest(None, &["low"]), Option::None);
        assert_eq!(nearest(None, &["none", "low"]), Some("none"));
        assert_eq!(nearest(High, &[]), Option::None);
    }
}
