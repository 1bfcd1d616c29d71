//! What a translation needs to know beside the request itself.

use std::collections::HashMap;

use super::consumption::Pricing;
use super::key_rules::KeyRules;
use super::prompt_cache::PromptCaching;
use super::replay::{Recalled, StateKey};
use crate::bedrock::Family;
use crate::bedrock::request::GuardrailConfiguration;

/// What a translation needs to know beside the request itself. The same request in the same context always
/// becomes the same bytes.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    /// What the model takes.
    pub family: &'c Family,
    /// The foundation model's id without geography, where it is known.
    pub foundation_model: Option<&'c str>,
    /// Whether reasoning is sent back to the model: not when Bedrock has just refused that of this request.
    pub replay: bool,
    /// Whether the tokens to think with come on top of the limit that the client names for its answer. OpenAI
    /// counts both into one limit, but clients set it for the answer alone.
    pub add_budget_to_max_tokens: bool,
    /// Whether AWS GovCloud is called, which refuses `thinking.display`.
    pub gov_cloud: bool,
    /// Who decides what is cached.
    pub prompt_caching: PromptCaching,
    /// Authenticates the reasoning that clients keep; without it they are given none to keep.
    pub state_key: Option<&'c StateKey>,
    /// The reasoning that was remembered for the client, of the turns that it replays.
    pub recalled: &'c Recalled,
    /// Media that the request names and does not hold.
    pub elsewhere: Elsewhere<'c>,
    /// What has to pass a guardrail.
    pub guarding: Guarding<'c>,
    /// What the caller's key lays down.
    pub key_rules: KeyRules<'c>,
    /// What the model's tokens cost.
    pub pricing: Pricing,
}

/// Media that a request names and does not hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Elsewhere<'c> {
    /// Standard base64 of the images that were fetched, by their addresses; `None` where none are fetched.
    pub images: Option<&'c HashMap<String, String>>,
    /// Whether Bedrock may be sent to S3, where it reads with the gateway's credentials.
    pub s3: bool,
}

/// What has to pass a guardrail.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guarding<'c> {
    /// The operator's guardrail, which no request can change.
    pub guardrail: Option<&'c GuardrailConfiguration<'c>>,
    /// Whether a guardrail, the operator's or a client's, checks the last user turn alone.
    pub only_new_input: bool,
}

impl<'c> Context<'c> {
    /// A context in which everything but the model's family is as if nobody had configured it.
    pub fn new(family: &'c Family) -> Self {
        Self {
            family,
            foundation_model: None,
            replay: true,
            add_budget_to_max_tokens: true,
            gov_cloud: false,
            prompt_caching: PromptCaching::default(),
            state_key: None,
            recalled: const { &Recalled::none() },
            elsewhere: Elsewhere::default(),
            guarding: Guarding::default(),
            key_rules: KeyRules::default(),
            pricing: Pricing::default(),
        }
    }
}
