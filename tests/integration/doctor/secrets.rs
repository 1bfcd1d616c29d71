//! No secret reaches the output, also where somebody sends it back.

use super::aws::{Aws, Reply};
use super::{SECRET, doctor, run};

const TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLETOKEN";
const BEARER: &str = "bedrock-api-key-EXAMPLE1234567890";
const CLIENT_KEY: &str = "sk-client-EXAMPLE123";

#[tokio::test]
async fn what_a_server_sends_back_is_not_repeated() {
    let said = format!("AKIAIOSFODNN7EXAMPLE, {SECRET}, {TOKEN}, {BEARER}, {CLIENT_KEY}: no");
    for bearer in [false, true] {
        for arguments in [&[][..], &["--json"]] {
            let aws = Aws::start().await;
            for operation in ["ListFoundationModels", "ListInferenceProfiles", "Converse"] {
                aws.answer(
                    operation,
                    Reply::exception(403, "AccessDeniedException", &said),
                );
            }
            aws.answer(
                "ConverseStream",
                Reply::exception(400, "ValidationException", &said),
            );
            let mut command = doctor(&aws.url(), arguments);
            command
                .env("AWS_SESSION_TOKEN", TOKEN)
                .env("OUTCROP_API_KEY", CLIENT_KEY);
            if bearer {
                command.env("AWS_BEARER_TOKEN_BEDROCK", BEARER);
            }
            let outcome = run(command).await;
            assert_eq!(outcome.code, 1);
            let shown = format!("{}{}", outcome.output, outcome.error);
            assert!(shown.contains("…MPLE, (hidden), (hidden)"), "{shown}");
            for secret in ["AKIAIOSFODNN7EXAMPLE", SECRET, TOKEN, CLIENT_KEY] {
                assert!(!shown.contains(secret), "{secret}\n{shown}");
            }
            assert!(!bearer || !shown.contains(BEARER), "{shown}");
            // The servers were sent what proves who calls, or nothing was tested.
            let received = aws.received();
            assert!(received.iter().any(|asked| asked.authorization.is_some()));
        }
    }
}
