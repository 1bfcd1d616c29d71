//! Which of the models that can be called is meant.

use std::cmp::Reverse;

use super::geography::Reach;
use super::{InvocableKind, InvocableModel, start};

/// The ids of the system-defined profiles that lead to `foundation_model` from `region`, the best first: the narrowest
/// geography, then wider ones, and with `allow_global` the one that may run anywhere.
///
/// Profiles of applications are left out: they exist so that somebody's costs can be told apart.
pub fn profiles_for<'a>(
    models: &'a [InvocableModel],
    foundation_model: &str,
    region: &str,
    allow_global: bool,
) -> Vec<&'a str> {
    let mut profiles: Vec<_> = models
        .iter()
        .filter(|model| model.kind == InvocableKind::SystemProfile)
        .filter(|model| model.foundation_model.as_deref() == Some(foundation_model))
        .filter_map(|model| Some((reach(model, region, allow_global)?, model.id.as_str())))
        .collect();
    profiles.sort_unstable();
    profiles.into_iter().map(|(_, id)| id).collect()
}

/// The best model for a name such as `claude-sonnet-4-5`: a foundation model's id without its provider, with or without
/// its version and its date.
///
/// Of several models of that name the one is meant whose id says least besides, then the newest. It is called by its own
/// id where it can be, else through the profile that [`profiles_for`] puts first; `region` is preferred to others.
pub fn by_name<'a>(
    models: &'a [InvocableModel],
    name: &str,
    region: &str,
    allow_global: bool,
) -> Option<&'a InvocableModel> {
    let candidates = models.iter().filter_map(|model| {
        let behind = model.foundation_model.as_deref()?;
        let cut = names(behind).iter().position(|known| *known == name)?;
        let reach = match model.kind {
            InvocableKind::FoundationModel => None,
            InvocableKind::SystemProfile => Some(reach(model, &model.region, allow_global)?),
            InvocableKind::ApplicationProfile => return None,
        };
        let which = (cut, Reverse(model.created), Reverse(behind));
        let how = (model.region != region, reach, model.id.as_str());
        Some(((which, how), model))
    });
    candidates
        .min_by(|(one, _), (other, _)| one.cmp(other))
        .map(|(_, model)| model)
}

/// How a profile looks from `region`; `None` when it cannot be called from there, or must not.
fn reach(model: &InvocableModel, region: &str, allow_global: bool) -> Option<Reach> {
    let listed_there = model.region == region;
    match Reach::of(&model.id, region) {
        Reach::Global => allow_global.then_some(Reach::Global),
        Reach::Unknown | Reach::Elsewhere => listed_there.then_some(Reach::Unknown),
        within @ Reach::Within(_) => Some(within),
    }
}

/// The names that a foundation model's id goes by, the fullest first: `claude-sonnet-4-5-20250929-v1:0`, without
/// `:0`, without `-v1`, without the date.
fn names(foundation_model: &str) -> [&str; 4] {
    let full = foundation_model
        .strip_prefix(start(foundation_model))
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(foundation_model);
    let (versioned, is_version): (&str, fn(&str) -> bool) = match full.split_once(':') {
        Some((versioned, _)) => (versioned, is_version_or_number),
        None => (full, is_version),
    };
    let plain = without_last(versioned, is_version);
    let undated = without_last(plain, is_date);
    [full, versioned, plain, undated]
}

/// `name` without its last part, if that is as `wanted` says and something is left.
fn without_last(name: &str, wanted: fn(&str) -> bool) -> &str {
    match name.rsplit_once('-') {
        Some((rest, last)) if wanted(last) && !rest.is_empty() => rest,
        _ => name,
    }
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(is_number)
}

/// `1` of `gpt-oss-20b-1:0` is a version as well, while `5` of `claude-sonnet-5` is part of the name.
fn is_version_or_number(part: &str) -> bool {
    is_version(part) || is_number(part)
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_date(part: &str) -> bool {
    part.len() == 8 && is_number(part)
}
