//! Which models can be called, asked of a control plane over sockets: pages, failures, waiting, and the list that is kept.
#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

pub(crate) mod control_plane;
mod kept;
mod lists;
mod refreshes;
mod signatures;
mod waiting;

use std::path::PathBuf;
use std::time::Duration;

use outcrop::bedrock::catalog::InvocableModel;
use outcrop::config::{self, Environment};
use outcrop::metrics::Metrics;
use outcrop::upstream::{Bedrock, Discovery};

use self::control_plane::ControlPlane;

/// What the answers of `fixtures/listings` for one region come to.
fn all_of(region: &str) -> Vec<InvocableModel> {
    outcrop::bedrock::catalog::merge(&[crate::listings::listing(region)], &[])
}

async fn bedrock_at(url: &str, region: &str) -> Bedrock {
    let url = url.parse().unwrap();
    let settings = config::Bedrock {
        region: Some(region.to_owned()),
        control_endpoint_url: Some(url),
        max_attempts: 1,
        ..config::Bedrock::default()
    };
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
    ];
    Bedrock::new(&settings, &Environment::from_pairs(keys), &Metrics::new())
        .await
        .unwrap()
}

async fn bedrock(control: &ControlPlane) -> Bedrock {
    bedrock_at(&control.url(), "us-east-1").await
}

fn every(interval: Duration) -> config::Discovery {
    config::Discovery {
        refresh_interval: interval,
        ..config::Discovery::default()
    }
}

fn hourly() -> config::Discovery {
    every(Duration::from_hours(1))
}

/// A discovery in one region, without a file unless there is one.
async fn begin(
    control: &ControlPlane,
    settings: &config::Discovery,
    file: Option<PathBuf>,
) -> Discovery {
    Discovery::begin(
        vec![bedrock(control).await],
        settings,
        file,
        &Metrics::new(),
    )
}

fn ids(models: &[InvocableModel]) -> Vec<&str> {
    models.iter().map(|model| model.id.as_str()).collect()
}
