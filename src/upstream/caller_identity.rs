//! Who AWS takes us for: STS's `GetCallerIdentity`, which needs no permission. STS speaks the older query protocol, and
//! answers in JSON when it is asked to.

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http_body_util::Full;
use serde::Deserialize;

use super::AGENT;
use super::authentication::{Authentication, Cure, Signed};
use super::calls::Calls;
use super::endpoint::Endpoint;
use super::error::Error;

const SERVICE: &str = "sts";
const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// The account and the user or role whose credentials are in force.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CallerIdentity {
    /// The account's twelve digits.
    pub account: String,
    /// `arn:aws:sts::123456789012:assumed-role/gateway/session`.
    pub arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    get_caller_identity_response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    get_caller_identity_result: CallerIdentity,
}

impl Calls {
    /// Asks `endpoint`, and once more where other credentials or another date may help, as with calls of Bedrock; `None` when
    /// there is nothing to ask with but a Bedrock API key.
    pub(super) async fn caller_identity(
        &self,
        endpoint: &Endpoint,
    ) -> Result<Option<CallerIdentity>, Error> {
        let Some(authentication) = self.authentication.of_service(SERVICE) else {
            return Ok(None);
        };
        let (signed, answer) = self.ask(&authentication, endpoint).await?;
        let error = match answer {
            Ok(identity) => return Ok(Some(identity)),
            Err(error) => error,
        };
        let cured = match (Cure::of(&error), &signed) {
            (Some(cure), Some(signed)) => authentication.apply(cure, signed).await,
            _ => false,
        };
        if !cured {
            return Err(error);
        }
        let (_, answer) = self.ask(&authentication, endpoint).await?;
        answer.map(Some)
    }

    /// One attempt: what it was signed with, and what came of it.
    async fn ask(
        &self,
        authentication: &Authentication,
        endpoint: &Endpoint,
    ) -> Result<(Option<Signed>, Result<CallerIdentity, Error>), Error> {
        let mut request = Request::post(format!("{endpoint}/"))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(USER_AGENT, AGENT)
            .body(Full::from(Bytes::from_static(BODY.as_bytes())))
            .map_err(|error| Error::Request(error.to_string()))?;
        let signed = authentication
            .authorize(&mut request, BODY.as_bytes())
            .await?;
        Ok((signed, self.answered(request).await))
    }

    async fn answered(&self, request: Request<Full<Bytes>>) -> Result<CallerIdentity, Error> {
        let deadline = self.client.deadline();
        let response = self.client.send(request, deadline).await?;
        let answer = self.client.answer(response, deadline).await?;
        let document = serde_json::from_slice::<Document>(&answer.body);
        let document = document.map_err(|_| Error::Protocol {
            reason: "its answer to GetCallerIdentity does not say who we are".to_owned(),
            request_id: answer.request_id,
        })?;
        Ok(document
            .get_caller_identity_response
            .get_caller_identity_result)
    }
}
