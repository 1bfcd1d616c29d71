//! Which AWS region is called, and who said so.

use std::fmt;
use std::time::Duration;

use aws_config::imds::region::ImdsRegionProvider;
use tokio::time::timeout;
use tracing::warn;

use super::error::SetupError;
use super::profile::Profile;
use crate::config::{self, Environment};

/// How long instance metadata may take to answer: off EC2 nothing answers at all, and a start must not wait for it.
const INSTANCE_METADATA_TIMEOUT: Duration = Duration::from_secs(1);
/// The region when nothing names one; all models come here first.
const FALLBACK: &str = "us-east-1";
/// The longest name of a region that is taken.
const MAX_LENGTH: usize = 32;

/// A region's name that is safe inside a host name: 1 to 32 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Region(String);

/// Who named the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionSource {
    /// The gateway's own configuration.
    Configuration,
    /// `AWS_REGION`.
    AwsRegion,
    /// `AWS_DEFAULT_REGION`.
    AwsDefaultRegion,
    /// `region` of the AWS profile.
    Profile,
    /// The metadata service of the EC2 instance.
    InstanceMetadata,
    /// Nobody: it is us-east-1.
    Fallback,
    /// The account that is called.
    Account,
    /// Whoever asks for the call: a target, or the ARN of a model.
    Target,
}

impl Region {
    /// Takes `name` if it can be a region's name.
    ///
    /// # Errors
    /// [`SetupError::Region`], with `origin` as the one to blame.
    pub fn new(name: &str, origin: RegionSource) -> Result<Self, SetupError> {
        let name = name.trim();
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=MAX_LENGTH).contains(&name.len()) && name.bytes().all(is_allowed) {
            Ok(Self(name.to_owned()))
        } else {
            let name = name.chars().take(MAX_LENGTH).collect();
            Err(SetupError::Region { name, origin })
        }
    }

    /// The name as AWS writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition that it belongs to, as ARNs name it, from botocore's partitions.json; a region that is not
    /// known is of partition `aws`.
    pub fn partition(&self) -> &'static str {
        let is_in = |prefix| self.0.starts_with(prefix);
        let partitions = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("eusc-de-", "aws-eusc"),
            ("us-iso-", "aws-iso"),
            ("us-isob-", "aws-iso-b"),
            ("eu-isoe-", "aws-iso-e"),
            ("us-isof-", "aws-iso-f"),
        ];
        let known = partitions.into_iter().find(|(prefix, _)| is_in(*prefix));
        known.map_or("aws", |(_, name)| name)
    }

    /// Whether it is one of AWS GovCloud.
    pub fn is_gov_cloud(&self) -> bool {
        self.0.starts_with("us-gov-")
    }

    /// The region in force: the configuration, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, instance metadata, else
    /// us-east-1 with a warning. Metadata that nobody answers is the usual case and no error.
    pub(super) async fn resolve(
        settings: &config::Bedrock,
        environment: &Environment,
        profile: &Profile,
    ) -> Result<(Self, RegionSource), SetupError> {
        let named = [
            (settings.region.as_deref(), RegionSource::Configuration),
            (environment.get("AWS_REGION"), RegionSource::AwsRegion),
            (
                environment.get("AWS_DEFAULT_REGION"),
                RegionSource::AwsDefaultRegion,
            ),
            (profile.get("region"), RegionSource::Profile),
        ];
        for (name, source) in named {
            if let Some(name) = name {
                return Ok((Self::new(name, source)?, source));
            }
        }
        if let Some(name) = instance_metadata(environment).await {
            let source = RegionSource::InstanceMetadata;
            return Ok((Self::new(&name, source)?, source));
        }
        warn!(
            "no AWS region is configured, {FALLBACK} is used; set AWS_REGION or [bedrock] region"
        );
        let source = RegionSource::Fallback;
        Ok((Self::new(FALLBACK, source)?, source))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RegionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configuration => "the configuration",
            Self::AwsRegion => "AWS_REGION",
            Self::AwsDefaultRegion => "AWS_DEFAULT_REGION",
            Self::Profile => "the AWS profile",
            Self::InstanceMetadata => "instance metadata",
            Self::Fallback => "the fallback",
            Self::Account => "the account's settings",
            Self::Target => "the target",
        })
    }
}

async fn instance_metadata(environment: &Environment) -> Option<String> {
    let disabled = environment.get("AWS_EC2_METADATA_DISABLED");
    if disabled.is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
        return None;
    }
    let provider = ImdsRegionProvider::builder().build();
    let region = timeout(INSTANCE_METADATA_TIMEOUT, provider.region()).await;
    Some(region.ok()??.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolve(
        configured: Option<&str>,
        pairs: &[(&str, &str)],
    ) -> Result<(Region, RegionSource), SetupError> {
        let settings = config::Bedrock {
            region: configured.map(str::to_owned),
            ..config::Bedrock::default()
        };
        let environment = Environment::from_pairs(pairs.iter().copied());
        let profile = Profile::load(&environment).await.unwrap();
        Region::resolve(&settings, &environment, &profile).await
    }

    #[tokio::test]
    async fn the_first_that_names_a_region_wins() {
        let both = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_DEFAULT_REGION", "eu-west-2"),
        ];
        let no_metadata = ("AWS_EC2_METADATA_DISABLED", "TRUE");
        let cases = [
            (
                Some("sa-east-1"),
                &both[..],
                "sa-east-1",
                RegionSource::Configuration,
            ),
            (None, &both[..], "eu-west-1", RegionSource::AwsRegion),
            (
                None,
                &both[1..],
                "eu-west-2",
                RegionSource::AwsDefaultRegion,
            ),
            (
                None,
                &[no_metadata][..],
                "us-east-1",
                RegionSource::Fallback,
            ),
        ];
        for (configured, pairs, name, source) in cases {
            let (region, found) = resolve(configured, pairs).await.unwrap();
            assert_eq!((region.as_str(), found), (name, source));
        }
    }

    #[tokio::test]
    async fn a_region_that_could_change_the_host_is_refused() {
        for name in [
            "evil.example/",
            "US-EAST-1",
            "a b",
            "x@y",
            "us-east-1.attacker",
            &"a".repeat(33),
        ] {
            let error = resolve(None, &[("AWS_REGION", name)]).await.unwrap_err();
            assert!(error.to_string().contains("AWS_REGION"), "{error}");
        }
    }
}
