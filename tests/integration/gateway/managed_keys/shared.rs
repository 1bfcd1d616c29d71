//! Several gateways that keep their keys in one Redis.

use std::sync::Arc;
use std::time::{Duration, Instant};

use outcrop::config::{Config, Secret, StoreLocation};
use outcrop::keys::{
    self, Access, Administration, IssuedKey, KeyDraft, KeyStore, Timestamp, UsageQuery,
};
use serde_json::{Value, json};
use tokio::join;

use crate::support::gateway::{Running, StandInServer, config, whole_question};
use crate::support::redis::RedisServer;
use crate::support::soon;

/// One Redis, and two gateways that share it.
struct Shared {
    redis: RedisServer,
    store: Arc<dyn KeyStore>,
    key: IssuedKey,
    bedrock: StandInServer,
    gateways: [Running; 2],
}

impl Shared {
    /// With a key of what `draft` says. `None` without a Redis.
    async fn start(draft: Value) -> Option<Self> {
        let redis = RedisServer::start().await?;
        let location = StoreLocation::Redis(Secret::new(redis.url()));
        let store = keys::open(&location, Access::Create).await.unwrap();
        let draft = KeyDraft::read(draft.to_string().as_bytes()).unwrap();
        let administration = Administration::new(Arc::clone(&store));
        let key = administration.create(&draft, Timestamp::now()).await;
        let bedrock = StandInServer::start().await;
        let start = async || {
            let mut config: Config = config(&bedrock.url);
            config.keys.store = location.clone();
            Running::with(config).await
        };
        let gateways = [start().await, start().await];
        Some(Self {
            redis,
            store,
            key: key.unwrap(),
            bedrock,
            gateways,
        })
    }

    /// The status of one answer.
    async fn ask(&self, gateway: usize) -> u16 {
        let question = whole_question("replay.short-text");
        let answer = self.gateways[gateway].chat_as(&self.key, &question).await;
        answer.status
    }

    /// Asks both until both answer with this.
    async fn until(&self, status: u16) {
        soon(async {
            for gateway in [0, 1] {
                while self.ask(gateway).await != status {}
            }
        })
        .await;
    }

    /// How often Bedrock was asked.
    fn served(&self) -> usize {
        let calls = self.bedrock.received.requests().into_iter();
        calls
            .filter(|call| call.path.ends_with("/converse"))
            .count()
    }

    /// Waits until as many requests are booked as Bedrock was asked, and says how many they are.
    async fn booked(&self) -> usize {
        let served = self.served();
        soon(async {
            loop {
                // It may just have come back.
                let Ok(rows) = self.store.usage(&UsageQuery::default()).await else {
                    continue;
                };
                let booked: u64 = rows.iter().map(|row| row.usage.requests).sum();
                let booked = usize::try_from(booked).unwrap();
                assert!(booked <= served, "{booked} of {served}");
                if booked == served {
                    return;
                }
            }
        })
        .await;
        served
    }
}

#[tokio::test]
async fn two_gateways_share_a_limit_and_admit_no_more_than_one_would() {
    let begun = Instant::now();
    let Some(shared) = Shared::start(json!({"name": "search", "rpm": 3})).await else {
        return;
    };
    let ask_often = async |gateway| {
        let mut admitted = 0_u64;
        for _ in 0..20 {
            let status = shared.ask(gateway).await;
            assert!([200, 429].contains(&status), "{status}");
            admitted += u64::from(status == 200);
        }
        admitted
    };
    let (first, second) = join!(ask_often(0), ask_often(1));
    // One comes back every twenty seconds, should the test take so long.
    let back = begun.elapsed().as_secs() / Duration::from_secs(20).as_secs();
    let admitted = first + second;
    assert!((3..=3 + back).contains(&admitted), "{first} and {second}");
    assert_eq!(shared.booked().await, usize::try_from(admitted).unwrap());
}

#[tokio::test]
async fn what_was_served_is_booked_once_though_the_redis_comes_and_goes() {
    let draft =
        json!({"name": "search", "budget": {"usd": 1000, "per": "month"}, "allow_unpriced": true});
    let Some(mut shared) = Shared::start(draft).await else {
        return;
    };
    for _ in 0..2 {
        for _ in 0..10 {
            shared.until(200).await;
        }
        shared.redis.stop();
        // A key with a budget has to wait for what counts it.
        shared.until(503).await;
        // What is no key at all need not be looked for.
        let mistyped = [("x-api-key", "sk-outcrop-mistyped")];
        let refused = shared.gateways[0].get_with("/v1/models", &mistyped).await;
        assert_eq!(refused.status, 401);
        shared.redis.restart().await;
        shared.until(200).await;
    }
    assert!(shared.booked().await >= 44);
}
