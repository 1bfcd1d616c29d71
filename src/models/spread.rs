//! Targets with weights: which of them a conversation goes to.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::config::Target;

/// Puts `targets` in the order in which `conversation` tries them: each is first for its share of all conversations,
/// and one conversation always has the same order, so that what is cached of its prompt is where it goes. Without a
/// target the order of the others stays as it is (weighted rendezvous hashing).
pub(super) fn order(targets: &mut [&Target], conversation: u64) {
    targets.sort_by(|one, other| {
        let (one, other) = (score(one, conversation), score(other, conversation));
        other.partial_cmp(&one).unwrap_or(Ordering::Equal)
    });
}

/// A number from 0 up that is the greatest among all as often as the target's weight is among theirs.
fn score(target: &Target, conversation: u64) -> f64 {
    let mut hasher = DefaultHasher::new();
    (conversation, &target.account, &target.region, &target.model).hash(&mut hasher);
    let upper = u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX);
    // Above 0 and below 1.
    let uniform = (f64::from(upper) + 0.5) / (f64::from(u32::MAX) + 1.0);
    f64::from(target.weight.unwrap_or(1)) / -uniform.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(model: &str, weight: u32) -> Target {
        Target {
            model: model.to_owned(),
            weight: Some(weight),
            ..Target::default()
        }
    }

    #[test]
    fn each_target_gets_its_share_and_a_conversation_its_order() {
        let targets = [target("a", 1), target("b", 3), target("c", 6)];
        let mut first = [0; 3];
        for conversation in 0..10_000 {
            let mut ordered: Vec<&Target> = targets.iter().collect();
            order(&mut ordered, conversation);
            let mut again: Vec<&Target> = targets.iter().rev().collect();
            order(&mut again, conversation);
            assert_eq!(ordered, again);
            let winner = targets.iter().position(|target| target == ordered[0]);
            first[winner.unwrap()] += 1;
        }
        for (count, share) in first.into_iter().zip([1000, 3000, 6000]) {
            assert!((share - 200..share + 200).contains(&count), "{first:?}");
        }
    }

    #[test]
    fn a_target_that_goes_leaves_the_order_of_the_others() {
        let targets = [target("a", 1), target("b", 3), target("c", 6)];
        for conversation in 0..100 {
            let mut all: Vec<&Target> = targets.iter().collect();
            order(&mut all, conversation);
            let mut fewer: Vec<&Target> = targets.iter().filter(|t| t.model != "b").collect();
            order(&mut fewer, conversation);
            all.retain(|target| target.model != "b");
            assert_eq!(all, fewer);
        }
    }
}
