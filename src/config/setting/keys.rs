//! The options of who may ask, and of what the operator sees: `[keys]`, `[admin]`, `[prices]` and `[metrics]`.

use super::super::OnStoreFailure;
use super::super::show::{put, text};
use super::Setting;

pub(super) const OF_KEYS: &[Setting] = &[
    Setting {
        section: "keys",
        key: "store",
        about: "Where managed keys are kept: sqlite:FILE, or redis://… or rediss://… when several gateways share them",
        read: |config, value| put(&mut config.keys.store, value.store()),
        show: |config| text(&config.keys.store),
    },
    Setting {
        section: "keys",
        key: "on_store_failure",
        about: "What becomes of requests while a shared store does not answer: \"deny\" refuses them, \"allow_known\" lets \
                known keys pass; not set refuses keys with a budget and lets the rest pass",
        read: |config, value| {
            put(
                &mut config.keys.on_store_failure,
                value.on_store_failure().map(Some),
            )
        },
        show: |config| {
            config
                .keys
                .on_store_failure
                .and_then(|choice| match choice {
                    OnStoreFailure::Deny => text("deny"),
                    OnStoreFailure::AllowKnown => text("allow_known"),
                })
        },
    },
    Setting {
        section: "keys",
        key: "expose_cost",
        about: "Whether clients are told what an answer costs, in usage.cost and x-outcrop-cost, in USD",
        read: |config, value| put(&mut config.keys.expose_cost, value.boolean()),
        show: |config| Some(config.keys.expose_cost.to_string()),
    },
    Setting {
        section: "admin",
        key: "listen",
        about: "The address and port of the operator's interface, which needs an admin key; not set serves none",
        read: |config, value| put(&mut config.admin.listen, value.address().map(Some)),
        show: |config| config.admin.listen.as_ref().and_then(text),
    },
    Setting {
        section: "prices",
        key: "file",
        about: "A TOML file of prices that go over those of the built-in table",
        read: |config, value| put(&mut config.prices.file, value.path().map(Some)),
        show: |config| {
            let file = config.prices.file.as_ref()?;
            text(&file.display())
        },
    },
    Setting {
        section: "metrics",
        key: "open",
        about: "Whether /metrics needs no key off loopback either",
        read: |config, value| put(&mut config.metrics.open, value.boolean()),
        show: |config| Some(config.metrics.open.to_string()),
    },
];
