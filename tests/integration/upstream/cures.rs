//! Refusals of the signer that another attempt cures: with other credentials, or with another date.

use outcrop::upstream::{Attempts, Bedrock, Error};

use super::authentication::{Rotation, rotating_client};
use super::server::{Reply, Server, json};
use super::{KEYS, MODEL, body, client_of, connect, settings};

/// An hour after the time at which the ticking clock begins, and a month.
const HOUR_LATER: &str = "Thu, 15 Jan 2026 13:30:50 GMT";
const MONTH_LATER: &str = "Sun, 15 Feb 2026 12:30:50 GMT";
const PROFILE: &str =
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12cd34ef56";

fn refused(name: &str, message: &str, date: &str) -> Reply {
    let headers = [("x-amzn-errortype", name), ("date", date)];
    let body = format!(r#"{{"message":"{message}"}}"#);
    Reply::Bytes(json(403, &headers, &body))
}

fn signature_expired(date: &str) -> Reply {
    let message = "Signature expired: 20260115T123046Z is now earlier than 20260115T132550Z (20260115T133050Z - 5 min.)";
    refused("InvalidSignatureException", message, date)
}

fn unrecognized() -> Reply {
    let message = "The security token included in the request is invalid.";
    refused("UnrecognizedClientException", message, HOUR_LATER)
}

fn success() -> Reply {
    Reply::Bytes(json(200, &[], r#"{"models":[{"modelArn":"a/m"}]}"#))
}

/// Calls once, and tells how many attempts that took.
async fn call(client: &Bedrock) -> (Result<(), Error>, u32) {
    let attempts = Attempts::default();
    let answer = client.converse(MODEL, body(), &attempts).await;
    (answer.map(drop), attempts.begun())
}

/// `x-amz-date` of every request up to the minute, and the id of the key that signed it.
fn signed(server: &Server) -> Vec<(String, String)> {
    let received = server.received();
    let signed = received.iter().map(|request| {
        let authorization = request.header("authorization").unwrap();
        let (_, key) = authorization.split_once("Credential=").unwrap();
        let (key, _) = key.split_once('/').unwrap();
        let date = &request.header("x-amz-date").unwrap()[..13];
        (date.to_owned(), key.to_owned())
    });
    signed.collect()
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_once_and_for_all_calls() {
    let server = Server::start([
        signature_expired(HOUR_LATER),
        success(),
        success(),
        success(),
    ])
    .await;
    let client = rotating_client(&server, &Rotation::default()).await;
    assert_eq!(client.clock_difference(), None);
    let (answer, attempts) = call(&client).await;
    answer.unwrap();
    assert_eq!(attempts, 2);
    let (answer, attempts) = call(&client).await;
    answer.unwrap();
    assert_eq!(attempts, 1);
    client.inference_profile(PROFILE).await.unwrap();
    let dates: Vec<_> = signed(&server).into_iter().map(|(date, _)| date).collect();
    let later = "20260115T1330";
    assert_eq!(dates, ["20260115T1230", later, later, later]);
    assert!((3595..=3605).contains(&client.clock_difference().unwrap()));
}

#[tokio::test]
async fn every_name_that_aws_has_for_a_wrong_clock_is_known() {
    for name in [
        "RequestExpired",
        "RequestTimeTooSkewed",
        "RequestInTheFuture",
    ] {
        let server = Server::start([refused(name, "", HOUR_LATER), success()]).await;
        let (answer, attempts) = call(&rotating_client(&server, &Rotation::default()).await).await;
        answer.unwrap();
        assert_eq!(attempts, 2, "{name}");
    }
}

#[tokio::test]
async fn a_date_that_is_refused_again_is_an_error_after_one_repeat() {
    let server = Server::start([
        signature_expired(HOUR_LATER),
        signature_expired(MONTH_LATER),
    ])
    .await;
    let (answer, attempts) = call(&rotating_client(&server, &Rotation::default()).await).await;
    assert!(matches!(answer, Err(Error::Exception { exception, .. }) if exception.status == 403));
    assert_eq!(attempts, 2);
}

#[tokio::test]
async fn a_date_that_cannot_be_or_would_change_nothing_is_not_believed() {
    for date in [MONTH_LATER, "Thu, 15 Jan 2026 12:30:50 GMT", "soon"] {
        let server = Server::start([signature_expired(date), success()]).await;
        let client = rotating_client(&server, &Rotation::default()).await;
        let (answer, attempts) = call(&client).await;
        assert!(answer.is_err());
        assert_eq!(attempts, 1, "{date}");
        call(&client).await.0.unwrap();
        assert_eq!(signed(&server)[1].0, "20260115T1230", "{date}");
    }
}

#[tokio::test]
async fn a_rotated_key_is_replaced_once_and_signed_anew() {
    let server = Server::start([unrecognized(), success(), success()]).await;
    let client = rotating_client(&server, &Rotation::default()).await;
    assert_eq!(call(&client).await.1, 2);
    assert_eq!(call(&client).await.1, 1);
    let keys: Vec<_> = signed(&server).into_iter().map(|(_, key)| key).collect();
    assert_eq!(keys, ["KEY0", "KEY1", "KEY1"]);
}

#[tokio::test]
async fn keys_that_stay_refused_are_not_fetched_for_every_call() {
    let server = Server::start([
        unrecognized(),
        unrecognized(),
        unrecognized(),
        unrecognized(),
    ])
    .await;
    let rotation = Rotation::default();
    let client = rotating_client(&server, &rotation).await;
    for expected in [2, 1, 1] {
        let (answer, attempts) = call(&client).await;
        assert!(answer.is_err());
        assert_eq!(attempts, expected);
    }
    assert_eq!(rotation.handed_out(), 2);
}

#[tokio::test]
async fn keys_that_cannot_change_are_not_sent_twice() {
    let server = Server::start([unrecognized(), success()]).await;
    let (answer, attempts) = call(&client_of(&server).await).await;
    assert!(answer.is_err());
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn a_rotated_key_on_a_machine_with_a_wrong_clock_is_cured_of_both() {
    let server = Server::start([unrecognized(), signature_expired(HOUR_LATER), success()]).await;
    let client = rotating_client(&server, &Rotation::default()).await;
    let (answer, attempts) = call(&client).await;
    answer.unwrap();
    assert_eq!(attempts, 3);
    let last = ("20260115T1330".to_owned(), "KEY1".to_owned());
    assert_eq!(signed(&server)[2], last);
}

#[tokio::test]
async fn a_look_up_is_cured_and_otherwise_made_once() {
    let server = Server::start([unrecognized(), success()]).await;
    let client = rotating_client(&server, &Rotation::default()).await;
    let model = client.inference_profile(PROFILE).await;
    assert_eq!(model.as_deref(), Some("m"));

    let unavailable = refused("ServiceUnavailableException", "later", HOUR_LATER);
    let server = Server::start([unavailable, success()]).await;
    assert_eq!(
        client_of(&server).await.inference_profile(PROFILE).await,
        None
    );
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn an_api_key_has_no_date_and_no_successor() {
    for refusal in [signature_expired(HOUR_LATER), unrecognized()] {
        let server = Server::start([refusal, success()]).await;
        let pairs = [("AWS_BEARER_TOKEN_BEDROCK", KEYS[0].1)];
        let client = connect(&settings(&server.url()), &pairs).await.unwrap();
        let (answer, attempts) = call(&client).await;
        assert!(answer.is_err());
        assert_eq!(attempts, 1);
    }
}
