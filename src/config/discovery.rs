//! `[discovery]`: what `/v1/models` shows beside what is configured. The names are those of OpenClaw's
//! `bedrockDiscovery`.

use std::time::Duration;

/// What the account is asked for its models.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Discovery {
    /// Whether it is asked at all.
    pub enabled: bool,
    /// The regions that are asked; none means the gateway's own.
    pub regions: Vec<String>,
    /// The providers whose models are listed; none means all.
    pub provider_filter: Vec<String>,
    /// How long a list is good; zero asks AWS each time.
    pub refresh_interval: Duration,
    /// The context window, in tokens, that is shown for a model of which nobody knows it. Never part of a request.
    pub default_context_window: u32,
    /// The most tokens of an answer that are shown for a model of which nobody knows it. Never part of a request.
    pub default_max_tokens: u32,
}

impl Default for Discovery {
    fn default() -> Self {
        Self {
            enabled: true,
            regions: Vec::new(),
            provider_filter: Vec::new(),
            refresh_interval: Duration::from_hours(1),
            default_context_window: 32_000,
            default_max_tokens: 4096,
        }
    }
}

/// Whether a model that cannot be called by its own id is called through an inference profile.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AutoProfile {
    /// No: the answer names the profiles.
    Off,
    /// Through one of the calling region's geography.
    #[default]
    Geography,
    /// Through one of the region's geography, else through one that may be answered anywhere in the world.
    Global,
}
