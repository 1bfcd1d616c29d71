//! Credentials that expire, on a clock that the tests turn, from a server that plays instance metadata.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::imds::Client;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_credential_types::provider::error::CredentialsError as ProviderError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use outcrop::config::Environment;
use outcrop::metrics::Metrics;
use outcrop::upstream::{Accounts, Attempts, Bedrock, Clock, Error};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};

use super::aws::{bedrock, credentials, keys, metadata, path, text};
use crate::support::gateway::{MODEL, config};
use crate::support::soon;
use crate::upstream::server::{Received, Reply, Server};

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const PATIENCE: Duration = Duration::from_mins(1);

/// Instance metadata whose credentials hold for an hour, a Bedrock, and a gateway's way to both.
struct World {
    turned: Arc<AtomicU64>,
    /// Held answers go out only when there are permits.
    gate: Arc<Semaphore>,
    /// How many more fetches find no role.
    failures: Arc<AtomicUsize>,
    metadata: Server,
    bedrock: Server,
    client: Bedrock,
}

impl World {
    async fn start() -> Self {
        let turned = Arc::new(AtomicU64::new(0));
        let gate = Arc::new(Semaphore::new(1));
        let failures = Arc::new(AtomicUsize::new(0));
        let clock = clock(Arc::clone(&turned));
        let metadata = metadata_server(&clock, &gate, &failures).await;
        let bedrock = bedrock().await;
        let settings = config(&bedrock.url()).bedrock;
        let environment = Environment::from_pairs([("AWS_EC2_METADATA_DISABLED", "true")]);
        let provider = Some(provider(metadata.url()));
        let metrics = Metrics::new();
        let accounts =
            Accounts::with_provider(&settings, &[], &environment, &metrics, provider, clock);
        let client = accounts.await.unwrap().own().clone();
        Self {
            turned,
            gate,
            failures,
            metadata,
            bedrock,
            client,
        }
    }

    /// Turns the clock.
    fn turn(&self, seconds: u64) {
        self.turned.fetch_add(seconds, Ordering::SeqCst);
    }

    async fn call(&self) -> Result<(), Error> {
        let attempts = Attempts::default();
        let body = r#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#;
        let answer = self.client.converse(MODEL, body.into(), &attempts);
        soon(answer).await.map(drop)
    }

    /// How often credentials were fetched, or were asked for in vain.
    fn fetches(&self) -> usize {
        fetches(&self.metadata.received())
    }

    /// Waits until credentials were fetched `count` times.
    async fn fetched(&self, count: usize) {
        let metadata = &self.metadata;
        soon(metadata.asked_until(|received| fetches(received) >= count)).await;
    }

    /// Calls until a call is signed with `key`: what a refresh in the background brought is not there at once.
    async fn call_until(&self, key: &str) {
        let turned = async {
            loop {
                self.call().await.unwrap();
                if keys(&self.bedrock).last().is_some_and(|last| last == key) {
                    return;
                }
                yield_now().await;
            }
        };
        soon(turned).await;
    }
}

fn fetches(received: &[Received]) -> usize {
    let roles = received.iter().filter(|request| path(request) == ROLES);
    roles.count()
}

/// The time of this machine, turned on by the test.
fn clock(turned: Arc<AtomicU64>) -> Clock {
    Arc::new(move || SystemTime::now() + Duration::from_secs(turned.load(Ordering::SeqCst)))
}

async fn metadata_server(
    clock: &Clock,
    gate: &Arc<Semaphore>,
    failures: &Arc<AtomicUsize>,
) -> Server {
    let (clock, gate, failures) = (Clock::clone(clock), Arc::clone(gate), Arc::clone(failures));
    let given = AtomicUsize::new(0);
    let one_less = |left: usize| left.checked_sub(1);
    Server::answering(move |request| {
        let fails = path(request) == ROLES
            && failures
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                .is_ok();
        let answer = if fails {
            text(404, "no role")
        } else {
            metadata(request, || {
                let number = given.fetch_add(1, Ordering::SeqCst);
                let expiry = DateTime::from(clock() + Duration::from_secs(HOUR));
                credentials(
                    &format!("IMDS{number}"),
                    &expiry.fmt(Format::DateTime).unwrap(),
                )
            })
        };
        Reply::Held(Arc::clone(&gate), answer)
    })
    .await
}

/// A provider that asks anew each time, as the gateway's own chain does.
fn provider(metadata: String) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(provide_credentials_fn(move || {
        let metadata = metadata.clone();
        async move {
            let client = Client::builder()
                .endpoint(metadata)
                .map_err(ProviderError::invalid_configuration)?
                // The gateway's own limit is to count, and not a second of a busy machine.
                .read_timeout(PATIENCE)
                .operation_attempt_timeout(PATIENCE)
                .operation_timeout(PATIENCE)
                .build();
            let provider = ImdsCredentialsProvider::builder().imds_client(client);
            provider.build().provide_credentials().await
        }
    }))
}

#[tokio::test]
async fn a_thousand_requests_at_expiry_wait_for_one_fetch() {
    let world = World::start().await;
    world.call().await.unwrap();
    world.turn(HOUR + MINUTE);
    world.gate.forget_permits(1);
    let mut requests = JoinSet::new();
    for _ in 0..1000 {
        let client = world.client.clone();
        requests.spawn(async move { client.credentials_resolve().await });
    }
    soon(world.metadata.asked_until(|received| received.len() > 3)).await;
    assert_eq!(requests.len(), 1000);
    world.gate.add_permits(1);
    let resolved = soon(requests.join_all()).await;
    assert!(resolved.iter().all(Result::is_ok));
    world.call().await.unwrap();
    assert_eq!(world.fetches(), 2);
    assert_eq!(keys(&world.bedrock), ["IMDS0", "IMDS1"]);
}

#[tokio::test]
async fn no_request_waits_for_a_refresh_ahead_of_time() {
    let world = World::start().await;
    world.call().await.unwrap();
    world.gate.forget_permits(1);
    world.turn(HOUR - 4 * MINUTE);
    // Were they to wait, they would wait for ever: the gate is shut.
    for _ in 0..10 {
        world.call().await.unwrap();
    }
    soon(world.metadata.asked_until(|received| received.len() > 3)).await;
    assert!(keys(&world.bedrock).iter().all(|key| key == "IMDS0"));
    world.gate.add_permits(1);
    world.call_until("IMDS1").await;
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn a_failed_refresh_keeps_the_old_ones_until_they_expire() {
    let world = World::start().await;
    world.call().await.unwrap();
    world.failures.store(2, Ordering::SeqCst);
    world.turn(HOUR - 4 * MINUTE);
    world.call().await.unwrap();
    world.fetched(2).await;
    world.call().await.unwrap();
    assert_eq!(keys(&world.bedrock), ["IMDS0"; 3]);

    world.turn(5 * MINUTE);
    let error = world.call().await.unwrap_err();
    assert!(matches!(error, Error::Credentials(_)), "{error}");
    assert_eq!(world.fetches(), 3);

    world.call().await.unwrap();
    assert_eq!(keys(&world.bedrock).last().unwrap(), "IMDS1");
}
