//! Towards Bedrock: where it is, how requests are signed, sent and repeated. What the bytes mean is not known here.

mod account;
mod accounts;
mod assumed_role;
mod attempts;
mod authentication;
mod aws_sdk;
mod bedrock;
mod caller_identity;
mod calls;
mod client;
mod clock;
mod connector;
mod credential_source;
mod credentials;
mod credentials_error;
mod default_chain;
mod discovery;
mod endpoint;
mod error;
mod event_stream_body;
mod inference_profile;
mod lists;
mod profile;
mod proxy;
mod reach;
mod region;
mod retry;
mod signer;
mod tls;

use std::fmt;

use bytes::Bytes;

pub use self::accounts::Accounts;
pub use self::attempts::Attempts;
pub use self::bedrock::{Bedrock, Description};
pub use self::caller_identity::CallerIdentity;
pub use self::clock::Clock;
pub use self::credential_source::CredentialSource;
pub use self::credentials_error::CredentialsError;
pub use self::discovery::{Discovery, ListFailure, Refreshed};
pub use self::endpoint::{Endpoint, Service, Variant};
pub use self::error::{Error, SetupError, Timeout};
pub use self::event_stream_body::EventStreamBody;
pub use self::profile::ProfileCredentials;
pub use self::reach::{Host, Reached, Way};
pub use self::region::{Region, RegionSource};
pub use self::signer::Signer;
pub use self::tls::public_tls;

/// How every request names us.
const AGENT: &str = concat!("outcrop/", env!("CARGO_PKG_VERSION"));

/// The whole answer of a Converse call, of a model's own call or of a look-up.
pub struct Answer {
    /// `x-amzn-requestid`.
    pub request_id: Option<String>,
    /// `x-amzn-bedrock-input-token-count`, which InvokeModel's answers have.
    pub input_tokens: Option<u64>,
    /// The JSON as Bedrock sent it, at most 64 MiB.
    pub body: Bytes,
}

/// A ConverseStream answer whose first message is there and is no exception.
#[derive(Debug)]
pub struct EventStream {
    /// `x-amzn-requestid`.
    pub request_id: Option<String>,
    /// The event stream from its first byte on.
    pub body: EventStreamBody,
}

impl fmt::Debug for Answer {
    /// Leaves out the body: it is somebody's conversation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("request_id", &self.request_id)
            .field("input_tokens", &self.input_tokens)
            .finish_non_exhaustive()
    }
}
