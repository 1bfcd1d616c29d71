//! AWS cannot be reached, or its clock is another.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use tokio::net::TcpSocket;

use super::aws::{ARN, Aws, Reply};
use super::{Outcome, doctor, examine, run};

/// A port that is taken, so that nobody else listens there, and on which nobody listens.
fn dead_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[tokio::test]
async fn a_dead_port_spares_all_calls() {
    let (_port, address) = dead_port();
    let outcome = run(doctor(&format!("http://{address}"), &[])).await;
    assert_eq!(outcome.failed(), ["connection"], "{}", outcome.output);
    assert_eq!(outcome.signs(), "✓✓✓✓✗–✓–––––");
    assert!(
        outcome.output.contains("Nothing listens there"),
        "{}",
        outcome.output
    );
}

#[tokio::test]
async fn a_name_without_an_address_is_told() {
    // Longer than a label may be: no name server is asked.
    let name = "a".repeat(64);
    let outcome = run(doctor(&format!("https://{name}.internal"), &[])).await;
    assert_eq!(outcome.failed(), ["DNS"], "{}", outcome.output);
    assert!(outcome.line("DNS").contains(&name));
    assert_eq!(outcome.signs(), "✓✓✓✗––✓–––––");
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_told_and_can_be_trusted() {
    let (aws, bundle) = Aws::start_encrypted().await;
    let url = format!("https://localhost:{}", aws.address.port());
    let outcome = run(doctor(&url, &[])).await;
    assert_eq!(outcome.failed(), ["connection"], "{}", outcome.output);
    assert!(outcome.line("connection").contains("certificate"));
    assert!(
        outcome.output.contains("AWS_CA_BUNDLE"),
        "{}",
        outcome.output
    );

    let mut command = doctor(&url, &[]);
    command.env("AWS_CA_BUNDLE", bundle.path());
    let outcome = run(command).await;
    assert!(outcome.failed().is_empty());
    assert!(
        outcome.line("connection").contains("TLS to localhost"),
        "{}",
        outcome.output
    );
}

#[tokio::test]
async fn a_dead_proxy_is_named_without_its_password() {
    let (_port, proxy) = dead_port();
    let mut command = doctor("https://bedrock.invalid", &[]);
    command.env("HTTPS_PROXY", format!("http://user:hunter2@{proxy}"));
    let outcome = run(command).await;
    // The name is the proxy's to resolve.
    assert_eq!(outcome.failed(), ["connection"], "{}", outcome.output);
    for words in [format!("the proxy {proxy}"), "HTTPS_PROXY".to_owned()] {
        assert!(
            outcome.output.contains(&words),
            "{words}\n{}",
            outcome.output
        );
    }
    assert!(!outcome.output.contains("hunter2"), "{}", outcome.output);
}

async fn with_clock_ahead_by(skew: Duration) -> Outcome {
    let aws = Aws::start().await;
    let date = DateTime::from(SystemTime::now() + skew);
    aws.date(date.fmt(Format::HttpDate).unwrap());
    examine(&aws, &[]).await
}

#[tokio::test]
async fn a_clock_that_is_minutes_off_is_worth_a_word_and_more_are_a_failure() {
    let outcome = with_clock_ahead_by(Duration::from_mins(2)).await;
    assert!(outcome.failed().is_empty());
    assert!(
        outcome.line("clock").contains("behind AWS's"),
        "{}",
        outcome.output
    );
    assert!(outcome.output.contains("NTP"), "{}", outcome.output);

    let outcome = with_clock_ahead_by(Duration::from_mins(20)).await;
    assert_eq!(outcome.failed(), ["clock"], "{}", outcome.output);
    assert!(outcome.output.contains("NTP"), "{}", outcome.output);
}

#[tokio::test]
async fn sts_is_asked_again_with_its_own_time() {
    let aws = Aws::start().await;
    let date = DateTime::from(SystemTime::now() + Duration::from_mins(20));
    aws.date(date.fmt(Format::HttpDate).unwrap());
    let text = "Signature expired: 20260115T123045Z is now earlier than 20260115T124045Z (20260115T124545Z - 5 min.)";
    aws.answer_once(
        "GetCallerIdentity",
        Reply::error(403, "SignatureDoesNotMatch", text),
    );
    let outcome = examine(&aws, &[]).await;
    assert_eq!(outcome.failed(), ["clock"], "{}", outcome.output);
    assert!(outcome.line("identity").contains(ARN), "{}", outcome.output);
}
