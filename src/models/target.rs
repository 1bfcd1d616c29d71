//! One place where a model is called.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::bedrock::catalog::InvocableModel;
use crate::config;
use crate::upstream::Bedrock;

/// One place where a model is called: an account, a region, and the id that is known there.
#[derive(Clone, Debug)]
pub struct Target {
    /// The account and the region.
    pub bedrock: Bedrock,
    /// The id or ARN that is called.
    pub model_id: String,
    /// The id that was meant, where a profile is called instead of it.
    instead_of: Option<String>,
    /// Whether it failed a moment ago.
    rests: bool,
    /// The foundation model, as far as AWS's lists say.
    listed_model: Option<String>,
    configured: Option<Arc<config::Model>>,
}

/// The places where one model is called, best first.
#[derive(Clone, Debug)]
pub struct Targets {
    /// What the model is called in logs and metrics: what clients ask for, without what they write around it.
    pub label: String,
    /// Where it is called first.
    pub first: Target,
    /// Where it is called when that fails.
    pub others: VecDeque<Target>,
}

impl Targets {
    /// All of them, best first.
    pub fn iter(&self) -> impl Iterator<Item = &Target> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl Target {
    pub(super) fn new(bedrock: Bedrock, model_id: &str) -> Self {
        Self {
            bedrock,
            model_id: model_id.to_owned(),
            instead_of: None,
            rests: false,
            listed_model: None,
            configured: None,
        }
    }

    pub(super) fn listed(self, row: Option<&InvocableModel>) -> Self {
        Self {
            listed_model: row.and_then(|row| row.foundation_model.clone()),
            ..self
        }
    }

    pub(super) fn configured(self, model: &Arc<config::Model>) -> Self {
        Self {
            configured: Some(Arc::clone(model)),
            ..self
        }
    }

    pub(super) fn through(self, profile: String) -> Self {
        Self {
            instead_of: Some(self.model_id),
            model_id: profile,
            ..self
        }
    }

    pub(super) fn resting(self, rests: bool) -> Self {
        Self { rests, ..self }
    }

    /// Whether it failed a moment ago, so that others are called first.
    pub fn rests(&self) -> bool {
        self.rests
    }

    /// The id that was meant, where an inference profile is called instead of it.
    pub fn instead_of(&self) -> Option<&str> {
        self.instead_of.as_deref()
    }

    /// The foundation model behind an id that does not say, as far as AWS's lists do.
    pub fn listed_model(&self) -> Option<&str> {
        self.listed_model.as_deref()
    }

    /// What the configuration says of the model, if anything.
    pub fn settings(&self) -> Option<&config::Model> {
        self.configured.as_deref()
    }

    /// What tells it from all others, as the configuration writes it: `[account/]region/model`.
    pub fn key(&self) -> String {
        self.key_of(&self.model_id)
    }

    pub(super) fn key_of(&self, model_id: &str) -> String {
        let in_force = self.bedrock.describe();
        let region = &in_force.region;
        match &in_force.account {
            Some(account) => format!("{account}/{region}/{model_id}"),
            None => format!("{region}/{model_id}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())
    }
}
