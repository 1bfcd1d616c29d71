//! Where a model is called: `[account/][region/]model`.

use toml::Spanned;
use toml::de::DeValue;

use super::entry::Entry;
use super::file::{Walk, typed};
use super::model::model_id;
use super::value::{Value, is_region};

/// The largest weight; shares finer than a thousandth say nothing.
const MAX_WEIGHT: u32 = 1000;
const FORM: &str =
    "a target such as \"us.amazon.nova-lite-v1:0\", \"eu-west-1/…\" or \"account/eu-west-1/…\"";

/// Where a model is called.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Target {
    /// The account of `[[accounts]]`; absent means the gateway's own.
    pub account: Option<String>,
    /// The region; absent means that of the ARN, of the account, else the gateway's.
    pub region: Option<String>,
    /// The id or ARN that Bedrock is called with.
    pub model: String,
    /// Its share of the conversations, in relation to the other targets'; absent for all or for none.
    pub weight: Option<u32>,
}

/// Reads one target: a text, or a table with the text and a weight.
pub(super) fn read<'a>(value: &'a Spanned<DeValue<'a>>, walk: &mut Walk<'_>) -> Option<Target> {
    let target = if let DeValue::Table(table) = value.get_ref() {
        let keys = &["target", "weight"];
        let mut entry = Entry::new("targets", (value.span(), table), keys, walk);
        let target = entry.required("target", target);
        let weight = entry.optional("weight", |value| value.whole(&(1..=MAX_WEIGHT)));
        target.map(|target| Target { weight, ..target })
    } else {
        target(&typed(value.get_ref()))
            .map_err(|problem| walk.mistake(value.span(), format!("each of targets {problem}")))
            .ok()
    }?;
    if let Some(account) = &target.account {
        walk.name_account(account.clone(), value.span());
    }
    Some(target)
}

fn target(value: &Value<'_>) -> Result<Target, String> {
    let mismatch = || value.mismatch(FORM);
    let text = value.text().ok_or_else(mismatch)?;
    // The ids of an ARN's resources hold slashes of their own.
    let (places, model) = match text.find("arn:") {
        Some(0) => ("", text),
        Some(start) if text.as_bytes().get(start - 1) == Some(&b'/') => (
            text.get(..start - 1).unwrap_or_default(),
            text.get(start..).unwrap_or_default(),
        ),
        _ => text.rsplit_once('/').unwrap_or(("", text)),
    };
    let model = model_id(&Value::Text(model)).map_err(|_| mismatch())?;
    let (account, region) = match places.split_once('/') {
        None if places.is_empty() => (None, None),
        None if is_region(places) => (None, Some(places)),
        None => (Some(places), None),
        Some((account, region)) if is_region(region) => (Some(account), Some(region)),
        Some(_) => return Err(mismatch()),
    };
    if account.is_some_and(|account| !is_account_name(account)) {
        return Err(mismatch());
    }
    if let (Some(region), Some(of_arn)) = (region, arn_region(&model))
        && region != of_arn
    {
        return Err(format!(
            "must not name a region, because the ARN belongs to {of_arn}"
        ));
    }
    Ok(Target {
        account: account.map(str::to_owned),
        region: region.map(str::to_owned),
        model,
        weight: None,
    })
}

/// Whether `text` can name an account of the configuration: letters, digits, `-` and `_`, and no region's name, or
/// targets could not be read.
pub(super) fn is_account_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed) && !is_region(text)
}

/// The region that an ARN names, where it names one.
fn arn_region(id: &str) -> Option<&str> {
    let region = id.strip_prefix("arn:")?.split(':').nth(2)?;
    (!region.is_empty()).then_some(region)
}
