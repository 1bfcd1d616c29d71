//! Why an image was not fetched.

use thiserror::Error;

/// Why an image was not fetched, in words for the client. They say nothing of the gateway's own network: whether a
/// name is unknown or leads inside sounds the same.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// The text is no address.
    #[error("the address is malformed")]
    Malformed,
    /// Another scheme, in the address itself or in one that it redirects to.
    #[error("only https addresses are fetched")]
    NotHttps,
    /// `https://user:password@host`
    #[error("addresses with credentials are not fetched")]
    Credentials,
    /// A port is named, which need not be one of a web server.
    #[error("only port 443 is fetched from")]
    Port,
    /// The host has no address, or none that is public.
    #[error("its host is not found on the public internet")]
    NotPublic,
    /// No connection, or none with a trusted certificate for the host.
    #[error("no connection to its host could be made")]
    Connection,
    /// The connection broke, or what came is not HTTP.
    #[error("its host broke the answer off")]
    Interrupted,
    /// An answer other than 200 and a redirect.
    #[error("its host answered with status {0}")]
    Status(u16),
    /// More redirects than are followed.
    #[error("it redirects too often")]
    Redirects,
    /// More bytes than are taken.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    /// Not in time.
    #[error("it took too long")]
    TimedOut,
    /// None of the formats that Bedrock takes.
    #[error("what it leads to is none of png, jpeg, gif and webp")]
    NotAnImage,
    /// More addresses in one request than are fetched.
    #[error("at most {0} images are fetched for one request")]
    TooMany(usize),
    /// Other requests take all the memory that there is for images.
    #[error("too many images are being fetched")]
    Busy,
}
