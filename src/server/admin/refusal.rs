//! Why an operator's request was refused, told as OpenAI tells errors.

use std::borrow::Cow;

use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};

use crate::error::Error;
use crate::keys::{AdministrationError, KeyMistakes, StoreError, Unauthenticated};
use crate::openai::ErrorObject;
use crate::openai::error::ErrorBody;

/// A request that has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// What any request can suffer from: its path, its method, its body.
    Request(Error),
    /// It holds no key that may do this.
    Key(StatusCode, String),
    /// It asks for what cannot be.
    Work(AdministrationError),
    /// The gateway cannot do it now.
    Unavailable(&'static str),
}

impl Refusal {
    /// There is no key.
    pub(super) fn no_key() -> Self {
        let message = "You didn't provide an API key. Send an admin key, which outcrop keys create --admin makes, in an \
                       Authorization header: 'Authorization: Bearer KEY'.";
        Self::Key(StatusCode::UNAUTHORIZED, message.to_owned())
    }

    /// There is a key that does not count.
    pub(super) fn of_key(reason: Unauthenticated) -> Self {
        let message = match reason {
            Unauthenticated::Unknown => "Incorrect API key provided.".to_owned(),
            Unauthenticated::Expired(end) => format!("This API key expired at {end}."),
            Unauthenticated::Revoked => "This API key was revoked.".to_owned(),
        };
        Self::Key(StatusCode::UNAUTHORIZED, message)
    }

    /// The key is for asking models.
    pub(super) fn no_admin() -> Self {
        let message = "This key is no admin key. Keys that may manage others are made with outcrop keys create --admin.";
        Self::Key(StatusCode::FORBIDDEN, message.to_owned())
    }

    /// There is no store that could be managed.
    pub(super) fn no_store() -> Self {
        Self::Unavailable("there is no key store")
    }

    /// The answer could not be written.
    pub(super) fn unwritable() -> Self {
        Self::Unavailable("the answer could not be written")
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Request(error) => error.status(),
            Self::Key(status, _) => *status,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Work(error) => work(error).0,
        }
    }

    /// A short name for logs: the error's code.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Request(error) => error.label(),
            Self::Key(status, _) if *status == StatusCode::FORBIDDEN => "insufficient_permissions",
            Self::Key(..) => "invalid_api_key",
            Self::Unavailable(_) => "unavailable",
            Self::Work(error) => work(error).1,
        }
    }

    /// The body of the answer.
    pub(super) fn body(&self) -> Vec<u8> {
        let object = self.object();
        // An error object always has JSON text.
        serde_json::to_vec(&ErrorBody { error: &object }).unwrap_or_default()
    }

    /// Adds the headers that go with the status.
    pub(super) fn write_headers(&self, headers: &mut HeaderMap) {
        if let Self::Request(error) = self {
            return error.write_headers(headers);
        }
        match self.status() {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
    }

    fn object(&self) -> ErrorObject {
        let object = |message: String, kind: &'static str, param: Option<String>| ErrorObject {
            message,
            r#type: Cow::Borrowed(kind),
            param,
            code: Some(Cow::Borrowed(self.label())),
        };
        match self {
            // Its text speaks of the routes of clients.
            Self::Request(Error::NotFound { .. }) => {
                let message = "Unknown request URL. The interface for operators serves GET and POST /admin/keys, GET and \
                               PATCH /admin/keys/{key}, POST /admin/keys/{key}/rotate, POST /admin/keys/{key}/revoke \
                               and GET /admin/usage.";
                object(message.to_owned(), "invalid_request_error", None)
            }
            Self::Request(error) => error.object(),
            Self::Key(status, message) if *status == StatusCode::FORBIDDEN => {
                object(message.clone(), "permission_error", None)
            }
            Self::Key(_, message) => object(message.clone(), "authentication_error", None),
            Self::Unavailable(reason) => {
                let message = format!("Service unavailable: {reason}.");
                object(message, "server_error", None)
            }
            Self::Work(error) => {
                let (status, ..) = work(error);
                let kind = if status == StatusCode::SERVICE_UNAVAILABLE {
                    "server_error"
                } else {
                    "invalid_request_error"
                };
                object(message(error), kind, param(error))
            }
        }
    }
}

/// The status and the code of what could not be done.
fn work(error: &AdministrationError) -> (StatusCode, &'static str) {
    match error {
        AdministrationError::Mistakes(_) => (StatusCode::BAD_REQUEST, "invalid_value"),
        AdministrationError::Revoked(_) => (StatusCode::CONFLICT, "key_revoked"),
        AdministrationError::Expired(_) => (StatusCode::CONFLICT, "key_expired"),
        AdministrationError::TooManySecrets(..) => (StatusCode::CONFLICT, "too_many_secrets"),
        AdministrationError::Store(StoreError::UnknownKey(_)) => {
            (StatusCode::NOT_FOUND, "key_not_found")
        }
        AdministrationError::Store(StoreError::NameTaken(_)) => {
            (StatusCode::CONFLICT, "name_taken")
        }
        AdministrationError::Store(StoreError::Changed(_)) => (StatusCode::CONFLICT, "key_changed"),
        AdministrationError::Store(_) | AdministrationError::NoRandomness => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    }
}

/// The member that is at fault; the first of several.
fn param(error: &AdministrationError) -> Option<String> {
    match error {
        AdministrationError::Mistakes(mistakes) => {
            mistakes.iter().next().map(|mistake| mistake.member.clone())
        }
        AdministrationError::Store(StoreError::NameTaken(_)) => Some("name".to_owned()),
        _ => None,
    }
}

/// What a line of a log says in lower case, as a sentence; members of the request keep their names.
fn message(error: &AdministrationError) -> String {
    let text = error.to_string();
    if matches!(error, AdministrationError::Mistakes(_)) {
        return format!("{text}.");
    }
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}

impl From<AdministrationError> for Refusal {
    fn from(error: AdministrationError) -> Self {
        Self::Work(error)
    }
}

impl From<KeyMistakes> for Refusal {
    fn from(mistakes: KeyMistakes) -> Self {
        Self::Work(mistakes.into())
    }
}
