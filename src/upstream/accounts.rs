//! Every account and region that is called: one pool of connections, one cache of credentials for each account, and one
//! [`Bedrock`] for each account in a region.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_credential_types::provider::SharedCredentialsProvider;

use super::account::{Account, Setup};
use super::bedrock::{Bedrock, Common};
use super::clock::{AwsClock, Clock};
use super::error::SetupError;
use super::region::{Region, RegionSource};
use crate::config::{self, Environment};
use crate::metrics::Metrics;

/// How many places are remembered beside the gateway's own. Clients choose regions, by the ARNs that they send.
const MAX_PLACES: usize = 64;

/// The gateway's own account and those of `[[accounts]]`, in every region; a clone is the same.
#[derive(Clone)]
pub struct Accounts {
    shared: Arc<Shared>,
}

struct Shared {
    common: Common,
    own: Bedrock,
    own_account: Account,
    named: HashMap<String, Account>,
    /// The last used stand last.
    places: Mutex<Vec<Bedrock>>,
}

impl Accounts {
    /// Finds out region, endpoints and credentials of all accounts and builds the connection pool. No call is made and no
    /// credentials are loaded; only instance metadata may be asked for the region, for at most a second.
    ///
    /// # Errors
    /// [`SetupError`] when a setting cannot be used.
    pub async fn new(
        settings: &config::Bedrock,
        accounts: &[config::Account],
        environment: &Environment,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        let clock = Arc::new(SystemTime::now);
        Self::with_provider(settings, accounts, environment, metrics, None, clock).await
    }

    /// The same with the credentials of `provider` for every account, if it is given, and with another clock.
    ///
    /// # Errors
    /// [`SetupError`] when a setting cannot be used.
    pub async fn with_provider(
        settings: &config::Bedrock,
        accounts: &[config::Account],
        environment: &Environment,
        metrics: &Metrics,
        provider: Option<SharedCredentialsProvider>,
        clock: Clock,
    ) -> Result<Self, SetupError> {
        let clock = AwsClock::new(clock);
        let setup = Setup::new(settings, environment, provider, clock).await?;
        let common = setup.common(settings, metrics)?;
        let own_account = setup.own()?;
        let named = accounts
            .iter()
            .map(|settings| {
                let account = setup.named(settings, &own_account)?;
                Ok((settings.name.clone(), account))
            })
            .collect::<Result<_, SetupError>>()?;
        let (region, source) = own_account.region.clone();
        Ok(Self {
            shared: Arc::new(Shared {
                own: Bedrock::in_region(&common, &own_account, region, source),
                common,
                own_account,
                named,
                places: Mutex::default(),
            }),
        })
    }

    /// The gateway's own account in its own region.
    pub fn own(&self) -> &Bedrock {
        &self.shared.own
    }

    /// `account`, else the gateway's own, in `region`, else in the account's. Asking again gives the same one, with the
    /// same memory, unless many others were asked for in between.
    ///
    /// # Errors
    /// [`SetupError::UnknownAccount`] when no account is called `account`.
    pub fn bedrock(
        &self,
        account: Option<&str>,
        region: Option<&Region>,
    ) -> Result<Bedrock, SetupError> {
        let shared = &*self.shared;
        let account = match account {
            None => &shared.own_account,
            Some(name) => shared
                .named
                .get(name)
                .ok_or_else(|| SetupError::UnknownAccount(name.to_owned()))?,
        };
        let (of_account, source) = &account.region;
        let (region, source) = match region {
            Some(region) if region != of_account => (region, RegionSource::Target),
            _ => (of_account, *source),
        };
        if shared.own.is(account.name.as_deref(), region) {
            return Ok(shared.own.clone());
        }
        Ok(shared.place(account, region, source))
    }
}

impl Shared {
    /// The place as it is remembered, else a new one instead of the one that was not used for the longest time.
    fn place(&self, account: &Account, region: &Region, source: RegionSource) -> Bedrock {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let known = places
            .iter()
            .position(|place| place.is(account.name.as_deref(), region));
        let place = match known {
            Some(index) => places.remove(index),
            None => Bedrock::in_region(&self.common, account, region.clone(), source),
        };
        if places.len() >= MAX_PLACES {
            places.remove(0);
        }
        places.push(place.clone());
        place
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("own", self.own())
            .field("named", &self.shared.named.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
