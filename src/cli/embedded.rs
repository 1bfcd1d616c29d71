//! The stand-in of `--replay`, beside the command that was asked for.

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use http::Uri;
use tokio::net::TcpListener;

use super::Failure;
use crate::config::{self, Environment};
use crate::fixture::{Options, StandIn};
use crate::metrics::Metrics;
use crate::upstream::Accounts;

/// A stand-in on a loopback port of its own, with credentials that mean nothing elsewhere.
pub(super) struct Embedded {
    address: SocketAddr,
    credentials: Credentials,
}

impl Embedded {
    /// Plays the recordings below `folder`, `speed` times as fast as they were recorded; 0 waits for nothing.
    ///
    /// # Errors
    ///
    /// A recording that is wrong, or no free port.
    pub(super) async fn start(folder: &Path, speed: f64) -> Result<Self, Failure> {
        let secret = || format!("{:032x}", fastrand::u128(..));
        let credentials =
            Credentials::new(format!("AKIA{}", secret()), secret(), None, None, "replay");
        let options = Options {
            speed,
            access_key_id: credentials.access_key_id().to_owned(),
            secret_access_key: credentials.secret_access_key().to_owned(),
            bearer_token: None,
            authenticate: true,
            refuse_unknown_members: true,
        };
        let stand_in = StandIn::load(folder, options)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(stand_in.serve(listener, pending()));
        Ok(Self {
            address,
            credentials,
        })
    }

    /// Bedrock as the stand-in plays it, the same for every account. No variable and no profile of AWS's counts.
    ///
    /// # Errors
    ///
    /// Settings of the connection that do not work.
    pub(super) async fn accounts(
        &self,
        settings: &mut config::Bedrock,
        accounts: &[config::Account],
        metrics: &Metrics,
    ) -> Result<Accounts, Failure> {
        let endpoint: Uri = format!("http://{}", self.address).parse()?;
        settings
            .region
            .get_or_insert_with(|| "us-east-1".to_owned());
        settings.endpoint_url = Some(endpoint.clone());
        settings.control_endpoint_url = Some(endpoint);
        let provider = SharedCredentialsProvider::new(self.credentials.clone());
        let environment = Environment::from_pairs([("AWS_EC2_METADATA_DISABLED", "true")]);
        let clock = Arc::new(SystemTime::now);
        let provider = Some(provider);
        Ok(
            Accounts::with_provider(settings, accounts, &environment, metrics, provider, clock)
                .await?,
        )
    }
}
