//! Where Bedrock is: the region's own host, or an address that somebody configured instead.

use std::fmt;

use http::Uri;
use http::uri::Authority;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tracing::warn;

use super::error::{Error, SetupError};
use super::profile::Profile;
use super::region::Region;
use crate::bedrock::listing::InferenceProfileType;
use crate::config::{self, Environment};

/// All bytes but the unreserved `A-Z a-z 0-9 - . _ ~`, as AWS SDKs encode one label of a path.
const LABEL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The longest model id that Bedrock's own model allows, in bytes.
const MAX_LABEL_LENGTH: usize = 2048;

/// The two hosts of Bedrock, and the one that says who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `bedrock-runtime`: Converse and ConverseStream.
    Runtime,
    /// `bedrock`, the control plane: models and inference profiles.
    Control,
    /// `sts`: `GetCallerIdentity`.
    SecurityToken,
}

/// Which of a region's hosts is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// The host whose TLS is FIPS 140 validated.
    pub fips: bool,
    /// The host that has IPv6 addresses too.
    pub dual_stack: bool,
}

/// A base address to which the paths of the operations are appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Scheme, host and path without a slash at the end.
    base: String,
}

/// Where every region is called: at its own hosts, or all at an address that was configured instead.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    runtime: Option<Endpoint>,
    control: Option<Endpoint>,
    security_token: Option<Endpoint>,
    variant: Variant,
}

impl Service {
    /// The first label of the service's host, which is also its name in AWS profiles.
    fn prefix(self) -> &'static str {
        match self {
            Self::Runtime => "bedrock-runtime",
            Self::Control => "bedrock",
            Self::SecurityToken => "sts",
        }
    }

    fn endpoint_variable(self) -> &'static str {
        match self {
            Self::Runtime => "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            Self::Control => "AWS_ENDPOINT_URL_BEDROCK",
            Self::SecurityToken => "AWS_ENDPOINT_URL_STS",
        }
    }
}

impl Variant {
    /// What `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT` and the profile ask for.
    pub(super) fn resolve(environment: &Environment, profile: &Profile) -> Self {
        let flag = |variable, key| flag(environment, profile, variable, key);
        Self {
            fips: flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
            dual_stack: flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
        }
    }
}

impl Endpoint {
    /// The host that AWS's endpoint rules give to a region.
    pub fn of_region(service: Service, region: &Region, variant: Variant) -> Self {
        let prefix = service.prefix();
        // All of STS's hosts in GovCloud are validated.
        let is_validated = service == Service::SecurityToken && region.is_gov_cloud();
        let fips = if variant.fips && !is_validated {
            "-fips"
        } else {
            ""
        };
        let suffix = dns_suffix(region, variant.dual_stack);
        Self {
            base: format!("https://{prefix}{fips}.{region}.{suffix}"),
        }
    }

    /// An address that was configured; `source` names the setting.
    ///
    /// # Errors
    /// [`SetupError::Endpoint`] unless it is `http` or `https` with a host, and without user, query and fragment.
    pub fn of_url(url: &str, source: &str) -> Result<Self, SetupError> {
        let refused = |reason| SetupError::Endpoint {
            origin: source.to_owned(),
            reason,
        };
        let uri: Uri = url.trim().parse().map_err(|_| refused("it is not a URL"))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        if scheme != "http" && scheme != "https" {
            return Err(refused("it must begin with http:// or https://"));
        }
        let authority = uri.authority().map_or("", Authority::as_str);
        if uri.host().unwrap_or_default().is_empty() {
            return Err(refused("it has no host"));
        }
        if authority.contains('@') {
            return Err(refused("it must not hold a user or password"));
        }
        if uri.query().is_some() || url.contains('#') {
            return Err(refused("it must not hold a query or fragment"));
        }
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            base: format!("{scheme}://{authority}{path}"),
        })
    }

    /// The address of an operation on a model: `/model/{model}/{operation}`.
    ///
    /// # Errors
    /// [`Error::ModelId`] when `model` cannot be a label of a path.
    pub fn model(&self, model: &str, operation: &str) -> Result<Uri, Error> {
        self.uri(&format!("/model/{}/{operation}", label(model)?))
    }

    /// The address of one inference profile: `/inference-profiles/{profile}`.
    ///
    /// # Errors
    /// [`Error::ModelId`] when `profile` cannot be a label of a path.
    pub fn inference_profile(&self, profile: &str) -> Result<Uri, Error> {
        self.uri(&format!("/inference-profiles/{}", label(profile)?))
    }

    /// The address of ListFoundationModels.
    ///
    /// # Errors
    /// [`Error::Request`], which no endpoint should achieve.
    pub fn foundation_models(&self) -> Result<Uri, Error> {
        self.list("/foundation-models")
    }

    /// The address of a page of ListInferenceProfiles, of the longest that AWS allows.
    ///
    /// # Errors
    /// [`Error::Request`] for a token that is too long for an address.
    pub fn inference_profiles(
        &self,
        kind: InferenceProfileType,
        next_token: Option<&str>,
    ) -> Result<Uri, Error> {
        let kind = kind.as_str();
        let mut path = format!("/inference-profiles?maxResults=1000&type={kind}");
        if let Some(token) = next_token {
            path.push_str("&nextToken=");
            path.extend(utf8_percent_encode(token, LABEL));
        }
        self.list(&path)
    }

    fn list(&self, path: &str) -> Result<Uri, Error> {
        let address = format!("{}{path}", self.base).parse();
        address.map_err(|_| Error::Request("the address of the list is too long".to_owned()))
    }

    fn uri(&self, path: &str) -> Result<Uri, Error> {
        format!("{}{path}", self.base)
            .parse()
            .map_err(|_| Error::ModelId)
    }
}

impl Endpoints {
    /// Finds the overrides of the configuration, the environment and the profile. One drops FIPS and dual-stack with a
    /// warning, as botocore does.
    pub(super) fn resolve(
        settings: &config::Bedrock,
        environment: &Environment,
        profile: &Profile,
    ) -> Result<Self, SetupError> {
        let variant = Variant::resolve(environment, profile);
        let overriding = |service: Service| {
            let Some((url, source)) = configured(service, settings, environment, profile) else {
                return Ok(None);
            };
            if variant != Variant::default() {
                let service = service.prefix();
                warn!("{service} has no FIPS or dual-stack endpoint, because {source} sets it");
            }
            Endpoint::of_url(&url, source).map(Some)
        };
        Ok(Self {
            runtime: overriding(Service::Runtime)?,
            control: overriding(Service::Control)?,
            security_token: overriding(Service::SecurityToken)?,
            variant,
        })
    }

    /// Where `service` is for calls to `region`.
    pub(super) fn of(&self, service: Service, region: &Region) -> Endpoint {
        let overriding = match service {
            Service::Runtime => &self.runtime,
            Service::Control => &self.control,
            Service::SecurityToken => &self.security_token,
        };
        overriding
            .clone()
            .unwrap_or_else(|| Endpoint::of_region(service, region, self.variant))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

/// The override of the highest rank, and the name of the setting that it comes from. `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`
/// ignores what AWS tools share, not the gateway's own setting.
fn configured(
    service: Service,
    settings: &config::Bedrock,
    environment: &Environment,
    profile: &Profile,
) -> Option<(String, &'static str)> {
    let (ours, name) = match service {
        Service::Runtime => (settings.endpoint_url.as_ref(), "endpoint_url"),
        Service::Control => (
            settings.control_endpoint_url.as_ref(),
            "control_endpoint_url",
        ),
        Service::SecurityToken => (None, ""),
    };
    if let Some(url) = ours {
        return Some((url.to_string(), name));
    }
    let ignored = flag(
        environment,
        profile,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "ignore_configured_endpoint_urls",
    );
    if ignored {
        return None;
    }
    let variable = service.endpoint_variable();
    let shared = [
        (environment.get(variable), variable),
        (environment.get("AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL"),
        (
            profile.service_value(service.prefix(), "endpoint_url"),
            "endpoint_url in the services section of the AWS profile",
        ),
        (
            profile.get("endpoint_url"),
            "endpoint_url of the AWS profile",
        ),
    ];
    shared
        .into_iter()
        .find_map(|(url, source)| Some((url?.to_owned(), source)))
}

/// A flag that is `true` or `false` in any case, from the environment, else the profile. As in the SDKs another value
/// counts as unset, with a warning.
fn flag(environment: &Environment, profile: &Profile, variable: &str, key: &str) -> bool {
    let values = [
        (environment.get(variable), variable),
        (profile.get(key), key),
    ];
    for (value, name) in values {
        match value
            .map(|value| value.trim().to_ascii_lowercase())
            .as_deref()
        {
            Some("true") => return true,
            Some("false") => return false,
            Some(_) => warn!("{name} is neither true nor false, so it is not used"),
            None => {}
        }
    }
    false
}

/// The domain of a region's partition, from botocore's partitions.json.
fn dns_suffix(region: &Region, dual_stack: bool) -> &'static str {
    let (plain, dual) = match region.partition() {
        "aws-cn" => ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        "aws-eusc" => ("amazonaws.eu", "api.amazonwebservices.eu"),
        "aws-iso" => ("c2s.ic.gov", "api.aws.ic.gov"),
        "aws-iso-b" => ("sc2s.sgov.gov", "api.aws.scloud"),
        "aws-iso-e" => ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        "aws-iso-f" => ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        _ => ("amazonaws.com", "api.aws"),
    };
    if dual_stack { dual } else { plain }
}

/// One percent-encoded label. `.` and `..` cannot be one: path normalization would make another path of it, and what
/// is signed would no longer be what is sent.
fn label(id: &str) -> Result<String, Error> {
    if id.is_empty() || id == "." || id == ".." || id.len() > MAX_LABEL_LENGTH {
        return Err(Error::ModelId);
    }
    Ok(utf8_percent_encode(id, LABEL).to_string())
}

#[cfg(test)]
mod tests;
