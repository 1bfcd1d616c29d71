//! Model ids: from what a client names to the foundation model behind it.

use std::fmt;

/// The most bytes that a model id may have, as Bedrock's service model declares for `modelId`.
pub const MAX_LENGTH: usize = 2048;

/// The providers that Bedrock's foundation model ids begin with.
const PROVIDERS: [&str; 20] = [
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "moonshotai",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "twelvelabs",
    "writer",
    "xai",
    "zai",
];

/// Why a text cannot be a model id at all. No id is refused for being absent from a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidModelId;

/// The foundation model that an id names, without its geography: `anthropic.claude-sonnet-4-5-20250929-v1:0`.
///
/// Ids of foundation models and of system-defined inference profiles, bare or as ARNs, name it
/// themselves. Application inference profiles, provisioned throughput, custom and imported models and
/// prompt routers are opaque: only `GetInferenceProfile` or the operator can say what is behind them.
///
/// # Errors
/// [`InvalidModelId`] for an empty id, one above [`MAX_LENGTH`], or one with control characters.
pub fn foundation_model(id: &str) -> Result<Option<&str>, InvalidModelId> {
    if id.trim().is_empty() || id.len() > MAX_LENGTH || id.chars().any(char::is_control) {
        return Err(InvalidModelId);
    }
    let name = match id.strip_prefix("arn:") {
        None => id,
        Some(arn) => match arn.rsplit_once('/') {
            Some((resource, name))
                if resource.ends_with(":foundation-model")
                    || resource.ends_with(":inference-profile") =>
            {
                name
            }
            _ => return Ok(None),
        },
    };
    Ok(strip_geography(name))
}

/// An id without what clients write after it for themselves: a context window, as `[1m]` or `:51k`. A version,
/// `-v1:0`, is part of the id.
pub fn without_client_suffix(id: &str) -> &str {
    let stem = id
        .strip_suffix(']')
        .and_then(|id| id.rsplit_once('['))
        .map_or(id, |(stem, _)| stem);
    let is_window = |text: &str| {
        let digits = text.strip_suffix(['k', 'm', 'K', 'M']);
        digits.is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let stem = match stem.rsplit_once(':') {
        Some((stem, last)) if is_window(last) => stem,
        _ => stem,
    };
    if stem.is_empty() { id } else { stem }
}

/// Whether an id belongs to AWS GovCloud, by its geography or the partition of its ARN.
pub fn is_gov_cloud(id: &str) -> bool {
    id.starts_with("us-gov.") || id.starts_with("arn:aws-us-gov:")
}

/// Strips `us.`, `eu.`, `global.` or any other geography, known or not: whatever stands before a provider.
fn strip_geography(name: &str) -> Option<&str> {
    let provider = |name: &str| {
        let (head, rest) = name.split_once('.')?;
        (!rest.is_empty() && PROVIDERS.contains(&head)).then_some(())
    };
    if provider(name).is_some() {
        return Some(name);
    }
    let (_, rest) = name.split_once('.')?;
    provider(rest).map(|()| rest)
}

impl fmt::Display for InvalidModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a model id has 1 to {MAX_LENGTH} characters, none of them a control character"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_their_foundation_model_with_or_without_a_geography() {
        let sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        for id in [
            sonnet.to_owned(),
            format!("us.{sonnet}"),
            format!("us-gov.{sonnet}"),
            format!("mars.{sonnet}"),
            format!("arn:aws:bedrock:us-east-1::foundation-model/{sonnet}"),
            format!("arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.{sonnet}"),
        ] {
            assert_eq!(foundation_model(&id), Ok(Some(sonnet)), "{id}");
        }
        assert_eq!(foundation_model("deepseek.v3.2"), Ok(Some("deepseek.v3.2")));
    }

    #[test]
    fn what_clients_write_after_an_id_is_no_part_of_it() {
        let haiku = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
        for suffix in ["", "[1m]", ":51k", ":200K", ":51k[1m]", "[]"] {
            assert_eq!(without_client_suffix(&format!("{haiku}{suffix}")), haiku);
        }
        for id in ["", "[1m]", ":1k", "k", "a:k", "a]", "anthropic.claude-v2:1"] {
            assert_eq!(without_client_suffix(id), id);
        }
    }

    #[test]
    fn gov_cloud_is_a_geography_and_a_partition() {
        let haiku = "anthropic.claude-haiku-4-5-20251001-v1:0";
        for (id, gov_cloud) in [
            (format!("us-gov.{haiku}"), true),
            (
                format!("arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/{haiku}"),
                true,
            ),
            (format!("us.{haiku}"), false),
            (haiku.to_owned(), false),
        ] {
            assert_eq!(is_gov_cloud(&id), gov_cloud, "{id}");
        }
    }

    #[test]
    fn opaque_ids_name_nothing_and_are_still_ids() {
        for id in [
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12cd34ef56",
            "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc",
            "replay.short-text",
            "gpt-4o",
            "anthropic.",
        ] {
            assert_eq!(foundation_model(id), Ok(None), "{id}");
        }
    }

    #[test]
    fn blank_oversize_and_control_characters_are_no_ids() {
        for id in ["", "  ", "a\nb", &"x".repeat(MAX_LENGTH + 1)] {
            assert_eq!(foundation_model(id), Err(InvalidModelId), "{id:?}");
        }
    }
}
