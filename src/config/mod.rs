//! What was typed → what is in force: flags, `OUTCROP_…` variables and one TOML file become a `Config`.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::Uri;

pub use account::Account;
pub use cost::{Cost, LongPrompt};
pub use discovery::{AutoProfile, Discovery};
pub use environment::Environment;
pub use keys::{Admin, Keys, OnStoreFailure, Prices, StoreLocation};
pub use load::{Flags, load};
pub use log_format::LogFormat;
pub use mistake::{Mistake, Mistakes};
pub use model::Model;
pub use price::Price;
pub use print::{Loaded, Reference};
pub use secret::Secret;
pub use state_key::StateKey;
pub use target::Target;
pub(crate) use value::is_region;

mod account;
mod cost;
mod discovery;
mod entry;
mod environment;
mod file;
mod guardrail;
mod keys;
mod load;
mod log_format;
mod mistake;
mod model;
mod price;
mod print;
mod secret;
mod setting;
mod show;
mod state_key;
mod tables;
mod target;
mod value;
mod variables;

#[cfg(test)]
mod tests;

/// Everything in force, parsed: a value that is here is valid.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// How long open streams may go on once the process was told to stop.
    pub grace: Duration,
    /// The longest request body that is read, in bytes.
    pub max_body_bytes: usize,
    /// What happens to a field that would merely tune the answer and cannot be honoured.
    pub unsupported: Unsupported,
    /// Whether to serve without keys on an address that is not loopback.
    pub allow_anonymous: bool,
    /// The time between two signs of life while Bedrock is silent; zero sends none.
    pub keep_alive: Duration,
    /// How long the status waits for Bedrock's first message; `None` waits for ever.
    pub commit_after: Option<Duration>,
    /// How Bedrock is reached.
    pub bedrock: Bedrock,
    /// What the account is asked for its models.
    pub discovery: Discovery,
    /// What Bedrock is asked to cache.
    pub prompt_cache: PromptCache,
    /// How models are made to think.
    pub reasoning: Reasoning,
    /// How much reasoning is remembered for clients that do not send it back.
    pub recall: Recall,
    /// What becomes of media that are not in the request itself.
    pub fetch: Fetch,
    /// What every conversation has to pass.
    pub guardrail: Guardrail,
    /// How managed keys are kept and enforced.
    pub keys: Keys,
    /// Where the operator's interface is.
    pub admin: Admin,
    /// Where prices come from beside the built-in table.
    pub prices: Prices,
    /// Who may read `/metrics`.
    pub metrics: Metrics,
    /// What authenticates the state that clients keep for the gateway; none means a random one.
    pub state_key: Option<StateKey>,
    /// The keys clients may present; none means that nobody needs one.
    pub api_keys: Vec<Secret>,
    /// Other AWS accounts that targets name; names are there once.
    pub accounts: Vec<Account>,
    /// Models that clients may ask for; ids are there once, and the accounts of their targets exist.
    pub models: Vec<Model>,
}

/// What happens to a field that would merely tune the answer and cannot be honoured.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Unsupported {
    /// The field is named in `x-outcrop-ignored`.
    #[default]
    Ignore,
    /// The request is refused with 400.
    Reject,
}

/// How Bedrock is reached; what is absent here comes from the AWS variables and the AWS profile.
#[derive(Clone, Debug)]
pub struct Bedrock {
    /// The region that is called.
    pub region: Option<String>,
    /// Where Converse calls go instead of the region's own endpoint.
    pub endpoint_url: Option<Uri>,
    /// Where listings and look-ups go instead of the region's own endpoint.
    pub control_endpoint_url: Option<Uri>,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for a response head; thinking models take minutes.
    pub head_timeout: Duration,
    /// The longest silence between two parts of a response.
    pub idle_timeout: Duration,
    /// The longest time of one call, the whole response included.
    pub total_timeout: Duration,
    /// How many calls are made at most for one request.
    pub max_attempts: u32,
    /// Whether a model that needs an inference profile is called through one.
    pub auto_profile: AutoProfile,
    /// What becomes of a stream whose client left.
    pub on_disconnect: OnDisconnect,
}

/// What becomes of a stream whose client left.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnDisconnect {
    /// It is ended at once; what was not told is estimated.
    #[default]
    Cancel,
    /// It is read to its end, within bounds, for the exact usage.
    Drain,
}

/// What Bedrock is asked to cache.
#[derive(Clone, Copy, Debug, Default)]
pub struct PromptCache {
    /// Who decides.
    pub mode: PromptCacheMode,
}

/// Who decides what of a prompt is cached.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PromptCacheMode {
    /// The client where it says something, else the gateway.
    #[default]
    Auto,
    /// Only the client.
    Client,
    /// Nothing is cached.
    Off,
}

/// How models are made to think.
#[derive(Clone, Copy, Debug)]
pub struct Reasoning {
    /// Whether the tokens to think with come on top of the limit that a client names.
    pub add_budget: bool,
}

/// How much reasoning is remembered for clients that do not send it back.
#[derive(Clone, Copy, Debug)]
pub struct Recall {
    /// The most bytes; zero remembers nothing.
    pub max_bytes: usize,
    /// How long a turn is remembered after its last use; zero remembers nothing.
    pub ttl: Duration,
}

/// What becomes of media that are not in the request itself.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Which images are fetched.
    pub images: FetchImages,
    /// The largest image that is fetched, in bytes.
    pub max_bytes: usize,
    /// How long the fetch of one image may take, redirects included.
    pub timeout: Duration,
    /// How many redirects are followed for one image.
    pub redirects: u32,
    /// Whether media may be named by their place in S3, which Bedrock reads with the gateway's credentials.
    pub s3: bool,
}

/// Which images are fetched.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum FetchImages {
    /// None: a request that names one by address is refused.
    #[default]
    Off,
    /// Those on https servers of the public internet.
    Public,
}

/// The guardrail that every call to Bedrock has to pass; id and version are there together or not at all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Guardrail {
    /// Its id or ARN.
    pub id: Option<String>,
    /// Its version, a number or `DRAFT`.
    pub version: Option<String>,
    /// `enabled`, `disabled` or `enabled_full`; what it did then stands in the answer's `bedrock` object.
    pub trace: Option<String>,
    /// Whether it checks the last user turn alone instead of the whole conversation.
    pub only_new_input: bool,
}

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metrics {
    /// Whether `/metrics` needs no key off loopback either.
    pub open: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)),
            grace: Duration::from_secs(30),
            max_body_bytes: 32 * 1024 * 1024,
            unsupported: Unsupported::default(),
            allow_anonymous: false,
            keep_alive: Duration::from_secs(15),
            commit_after: Some(Duration::from_mins(1)),
            bedrock: Bedrock::default(),
            discovery: Discovery::default(),
            prompt_cache: PromptCache::default(),
            reasoning: Reasoning::default(),
            recall: Recall::default(),
            fetch: Fetch::default(),
            guardrail: Guardrail::default(),
            keys: Keys::default(),
            admin: Admin::default(),
            prices: Prices::default(),
            metrics: Metrics::default(),
            state_key: None,
            api_keys: Vec::new(),
            accounts: Vec::new(),
            models: Vec::new(),
        }
    }
}

impl Default for Bedrock {
    fn default() -> Self {
        Self {
            region: None,
            endpoint_url: None,
            control_endpoint_url: None,
            connect_timeout: Duration::from_secs(5),
            head_timeout: Duration::from_mins(15),
            idle_timeout: Duration::from_mins(5),
            total_timeout: Duration::from_hours(1),
            max_attempts: 3,
            auto_profile: AutoProfile::default(),
            on_disconnect: OnDisconnect::default(),
        }
    }
}

impl Default for Reasoning {
    fn default() -> Self {
        Self { add_budget: true }
    }
}

impl Default for Recall {
    fn default() -> Self {
        Self {
            max_bytes: 64 * 1024 * 1024,
            ttl: Duration::from_hours(24),
        }
    }
}

impl Default for Fetch {
    fn default() -> Self {
        Self {
            images: FetchImages::default(),
            // What Bedrock takes: 3.75 MB.
            max_bytes: 3_932_160,
            timeout: Duration::from_secs(10),
            redirects: 3,
            s3: false,
        }
    }
}
