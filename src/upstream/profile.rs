//! The AWS profile in force: `~/.aws/config` and `~/.aws/credentials`, read once at start.

use std::collections::HashMap;
use std::fmt;

use aws_config::profile::{self, ProfileSet};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_runtime::env_config::property::PropertiesKey;
use aws_types::os_shim_internal::{Env, Fs};

use super::error::{SetupError, chain};
use crate::config::Environment;

/// What the files and the choice of the profile depend on. The variables come from our [`Environment`] and
/// not from the process, so that an embedded stand-in or a test sees no profile of whoever runs it.
const VARIABLES: [&str; 7] = [
    "AWS_CONFIG_FILE",
    "AWS_PROFILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "HOME",
    "HOMEDRIVE",
    "HOMEPATH",
    "USERPROFILE",
];

/// The settings of one profile; empty when there are no files or the profile is not in them.
#[derive(Debug)]
pub(super) struct Profile {
    sections: ProfileSet,
}

/// How a profile comes to its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileCredentials {
    /// `aws_access_key_id` and `aws_secret_access_key`.
    Keys,
    /// `credential_process`.
    Process,
    /// `role_arn` with `source_profile` or `credential_source`.
    Role,
    /// `sso_session`, or the older settings of SSO.
    SingleSignOn,
    /// `login_session`.
    LoginSession,
    /// `role_arn` with `web_identity_token_file`.
    WebIdentity,
}

impl fmt::Display for ProfileCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keys => "keys",
            Self::Process => "credential_process",
            Self::Role => "role",
            Self::SingleSignOn => "SSO",
            Self::LoginSession => "login session",
            Self::WebIdentity => "web identity",
        })
    }
}

impl Profile {
    /// Reads the files that `environment` names, else those in the home directory.
    pub(super) async fn load(environment: &Environment) -> Result<Self, SetupError> {
        let variables = VARIABLES.iter().filter_map(|name| {
            let value = environment.get(name)?;
            Some(((*name).to_owned(), value.to_owned()))
        });
        let variables = Env::from(variables.collect::<HashMap<_, _>>());
        let sections = profile::load(&Fs::real(), &variables, &EnvConfigFiles::default(), None)
            .await
            .map_err(|error| SetupError::Profile(chain(&error)))?;
        Ok(Self { sections })
    }

    /// The name of the profile: `AWS_PROFILE`, else `default`.
    pub(super) fn name(&self) -> &str {
        self.sections.selected_profile()
    }

    /// Whether the files hold the profile at all.
    pub(super) fn exists(&self) -> bool {
        self.sections.get_profile(self.name()).is_some()
    }

    /// What the profile says about credentials, in the order in which aws-config goes through it; `None` if nothing.
    pub(super) fn credentials(&self) -> Option<ProfileCredentials> {
        use ProfileCredentials as Kind;
        let has = |key| self.get(key).is_some();
        Some(
            if has("role_arn") && (has("source_profile") || has("credential_source")) {
                Kind::Role
            } else if has("web_identity_token_file") {
                Kind::WebIdentity
            } else if has("sso_session") || has("sso_account_id") {
                Kind::SingleSignOn
            } else if has("login_session") {
                Kind::LoginSession
            } else if has("credential_process") {
                Kind::Process
            } else if has("aws_access_key_id") {
                Kind::Keys
            } else if has("role_arn") {
                Kind::Role
            } else {
                return None;
            },
        )
    }

    /// The value of `key`; blank counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.sections
            .get(key)
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// The value of `key` for one service, out of the `[services …]` section that the profile names. AWS's documentation
    /// and botocore write the service as `bedrock_runtime`, smithy-rs as `bedrock-runtime`; both are taken.
    pub(super) fn service_value(&self, service: &str, key: &str) -> Option<&str> {
        let section = self.get("services")?;
        [service.replace('-', "_"), service.to_owned()]
            .into_iter()
            .find_map(|service| {
                let key = PropertiesKey::builder()
                    .section_key("services")
                    .section_name(section)
                    .property_name(service)
                    .sub_property_name(key)
                    .build()
                    .ok()?;
                self.sections
                    .other_sections()
                    .get(&key)
                    .map(|value| value.trim())
                    .filter(|value| !value.is_empty())
            })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tempfile::NamedTempFile;

    use super::*;

    async fn profile(text: &str, name: &str) -> Profile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap();
        let pairs = [
            ("AWS_CONFIG_FILE", path),
            ("AWS_PROFILE", name),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ];
        Profile::load(&Environment::from_pairs(pairs))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn reads_the_profile_that_the_environment_names() {
        let text = "[default]\nregion = eu-west-1\n[profile work]\nregion = eu-central-1\nrole_arn = arn:aws:iam::1:role/a\n";
        let work = profile(text, "work").await;
        assert_eq!(
            (work.name(), work.get("region")),
            ("work", Some("eu-central-1"))
        );
        assert!(work.exists());
        assert_eq!(work.credentials(), Some(ProfileCredentials::Role));
        let default = profile(text, "default").await;
        assert_eq!(default.get("region"), Some("eu-west-1"));
        assert!(default.exists() && default.credentials().is_none());
        assert!(!profile(text, "absent").await.exists());
    }

    #[tokio::test]
    async fn finds_a_service_under_either_spelling_of_its_name() {
        for spelling in ["bedrock_runtime", "bedrock-runtime"] {
            let text = format!(
                "[profile work]\nservices = local\nendpoint_url = http://general\n\
                 [services local]\n{spelling} =\n  endpoint_url = http://special\n",
            );
            let profile = profile(&text, "work").await;
            assert_eq!(
                profile.service_value("bedrock-runtime", "endpoint_url"),
                Some("http://special")
            );
            assert_eq!(profile.service_value("bedrock", "endpoint_url"), None);
            assert_eq!(profile.get("endpoint_url"), Some("http://general"));
        }
    }

    #[tokio::test]
    async fn without_files_there_is_an_empty_profile() {
        let profile = Profile::load(&Environment::from_pairs::<&str, &str>([]))
            .await
            .unwrap();
        assert_eq!(
            (profile.name(), profile.exists(), profile.get("region")),
            ("default", false, None)
        );
    }
}
