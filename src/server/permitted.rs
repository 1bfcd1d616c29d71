//! Where a caller's request may be called.

use std::collections::VecDeque;
use std::iter;

use super::caller::Caller;
use super::client_request::foundation_model_of;
use super::limits::refused;
use super::translation::not_an_id;
use crate::bedrock::{Price, Rate, Terms};
use crate::error::Error;
use crate::keys::{Key, Refusal};
use crate::models::{Models, Target, Targets};

/// The targets of the model that a client asks for, as far as the caller may use them; each is checked alike. A key with a
/// budget may use those whose price is known, unless it was told otherwise.
///
/// # Errors
/// For what cannot be an id, and when the caller may use none of them.
pub(super) async fn permitted(
    models: &Models,
    caller: &Caller,
    asked: &str,
    conversation: impl FnOnce() -> u64,
) -> Result<Targets, Error> {
    let targets = models.targets(asked, conversation).map_err(not_an_id)?;
    let Some(key) = caller.key() else {
        return Ok(targets);
    };
    let Targets {
        label,
        first,
        others,
    } = targets;
    let mut targets: VecDeque<_> = iter::once(first).chain(others).collect();
    targets.retain(|target| caller.may_use(&label, target));
    if targets.is_empty() {
        return Err(Error::ModelNotAllowed {
            id: label,
            reason: "GET /v1/models tells which it has.",
        });
    }
    if has_to_be_priced(key) {
        targets = priced(models, targets).await;
    }
    let first = targets.pop_front();
    let first = first.ok_or_else(|| refused(&Refusal::Unpriced, &label))?;
    Ok(Targets {
        label,
        first,
        others: targets,
    })
}

/// Whether a model is listed for the caller: whether it may be called at one of its targets.
pub(super) fn is_listed(models: &Models, caller: &Caller, id: &str) -> bool {
    let Some(key) = caller.key() else { return true };
    if key.limits.models.is_none() {
        return true;
    }
    // No conversation goes on here, so any number will do.
    models.targets(id, || 0).is_ok_and(|targets| {
        let label = &targets.label;
        targets.iter().any(|target| caller.may_use(label, target))
    })
}

/// What a token of a prompt of this length costs at most at any of the targets whose price is known, and one of the
/// answer: which of them will answer is not known before. `None` where no price is known.
pub(super) async fn dearest(
    models: &Models,
    targets: impl Iterator<Item = &Target>,
    prompt_tokens: u64,
    terms: Terms,
) -> Option<(Rate, Rate)> {
    let mut dearest: Option<(Rate, Rate)> = None;
    for target in targets {
        let price = price(models, target).await;
        let rates = price.and_then(|price| price.highest(prompt_tokens, terms));
        dearest = match (dearest, rates) {
            (Some(one), Some(other)) => Some((one.0.max(other.0), one.1.max(other.1))),
            (one, other) => one.or(other),
        };
    }
    dearest
}

fn has_to_be_priced(key: &Key) -> bool {
    key.limits.budget.is_some() && !key.limits.allow_unpriced
}

async fn priced(models: &Models, targets: VecDeque<Target>) -> VecDeque<Target> {
    let mut priced = VecDeque::with_capacity(targets.len());
    for target in targets {
        if price(models, &target).await.is_some() {
            priced.push_back(target);
        }
    }
    priced
}

async fn price(models: &Models, target: &Target) -> Option<Price> {
    let foundation_model = foundation_model_of(target).await;
    models.price(target, foundation_model.as_deref())
}
