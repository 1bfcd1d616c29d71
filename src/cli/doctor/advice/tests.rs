use std::sync::OnceLock;
use std::time::Duration;

use super::*;
use crate::bedrock::Exception;
use crate::cli::doctor::question::{Operation, Subject};
use crate::upstream::{
    CredentialSource, CredentialsError, Host, ProfileCredentials, Region, RegionSource, Timeout,
};

const PROFILE: &str = "us.amazon.nova-lite-v1:0";

/// Operation, AWS's name, status and text; then words that the advice must hold, and `!` before those that it must not.
const TABLE: &str = "
Converse | AccessDeniedException | 403 | User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x because no identity-based policy allows the bedrock:InvokeModel action | Allow bedrock:InvokeModel. ; bedrock:InvokeModelWithResponseStream ; every region ; \"Resource\"
ConverseStream | AccessDeniedException | 403 | User: u is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: r | Allow bedrock:InvokeModelWithResponseStream. ; \"Resource\"
ConverseStream | | 403 | | Allow bedrock:InvokeModelWithResponseStream. ; \"Resource\"
Converse | AccessDeniedException | 403 | User: u is not authorized to perform: bedrock:InvokeModel on resource: r with an explicit deny in a service control policy | service control policy ; organization ; !\"Resource\"
Converse | AccessDeniedException | 403 | u is not authorized to perform: bedrock:InvokeModel on resource: r with an explicit deny in a VPC endpoint policy | policy of the VPC endpoint
Converse | AccessDeniedException | 403 | u is not authorized to perform: bedrock:CallWithBearerToken on resource: r | bedrock:CallWithBearerToken ; API key belongs
ListFoundationModels | AccessDeniedException | 403 | User: u is not authorized to perform: bedrock:ListFoundationModels on resource: r | Allow bedrock:ListFoundationModels. ; bedrock:ListInferenceProfiles ; \"Resource\":\"*\" ; !InvokeModel
Converse | AccessDeniedException | 403 | You don't have access to the model with the specified model ID. | Request access to us.amazon.nova-lite-v1:0 ; us-east-1 ; !\"Resource\"
Converse | AccessDeniedException | 403 | Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access to this model. | aws-marketplace:Subscribe ; \"Action\" ; call it once
Converse | AccessDeniedException | 403 | Model access is denied due to INVALID_PAYMENT_INSTRUMENT:A valid payment instrument must be provided. | payment method
Converse | MPAgreementBeingCreated | 403 | | agreement ; Marketplace
Converse | ResourceNotFoundException | 404 | Model use case details have not been submitted for this account. Fill out the Anthropic use case details form before using the model. | use-case form ; 15 minutes
Converse | FTUFormNotFilled | 404 | | use-case form
Converse | ValidationException | 400 | Operation not allowed | AWS Support
Converse | ValidationException | 400 | data retention mode 'default' is not available for this model | data retention mode
Converse | ValidationException | 400 | Invocation of model ID x with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model. | Ask for us.amazon.nova-lite-v1:0 or global.amazon.nova-lite-v1:0 instead
Converse | ValidationException | 400 | The provided model identifier is invalid. | us-east-1 has no model us.amazon.nova-lite-v1:0 ; outcrop models
Converse | ValidationException | 400 | This action doesn't support the model that you provided. Try again with a supported text or chat model. | no chat model
Converse | ValidationException | 400 | This action doesn’t support the model that you provided. | no chat model
ConverseStream | ValidationException | 400 | The model is unsupported for streaming. | does not stream ; without stream
ConverseStream | ValidationException | 400 | This model doesn't support streaming. | does not stream
Converse | ValidationException | 400 | Malformed input request | another model
ListFoundationModels | ValidationException | 400 | no | control plane
Converse | ResourceNotFoundException | 404 | This model version has reached the end of its life. | no longer served
Converse | ResourceNotFoundException | 404 | Model not found. | not there in us-east-1
ListInferenceProfiles | UnknownOperationException | 404 | | does not know ListInferenceProfiles ; endpoint URL
Converse | ThrottlingException | 429 | Too many requests, please wait before trying again. | Try again in a minute ; Service Quotas
Converse | | 429 | Rate exceeded | Try again in a minute
Converse | ThrottlingException | 429 | Too many tokens per day, please wait before trying again. | until tomorrow ; Service Quotas
ListFoundationModels | ThrottlingException | 429 | Rate exceeded | too often ; !quota
GetCallerIdentity | InvalidClientTokenId | 403 | The security token included in the request is invalid. | does not know these credentials ; environment ; us-east-1
Converse | UnrecognizedClientException | 403 | The security token included in the request is invalid. | does not know these credentials
Converse | ExpiredTokenException | 403 | The security token included in the request is expired | AWS_SESSION_TOKEN has expired
GetCallerIdentity | ExpiredToken | 403 | The security token included in the request is expired | AWS_SESSION_TOKEN has expired
Converse | InvalidSignatureException | 403 | Signature expired: 20260115T123045Z is now earlier than 20260115T124045Z (20260115T124545Z - 5 min.) | clock ; NTP
Converse | InvalidSignatureException | 403 | Signature not yet current: 20260115T123045Z is still later than 20260115T122045Z | clock
GetCallerIdentity | SignatureDoesNotMatch | 403 | Signature expired: 20260115T123045Z is now earlier than 20260115T124045Z | clock
Converse | InvalidSignatureException | 403 | The request signature we calculated does not match the signature you provided. | secret access key does not belong
Converse | RequestExpired | 400 | | clock
Converse | MissingAuthenticationTokenException | 403 | Missing Authentication Token | authorization header out
Converse | ServiceUnavailableException | 503 | Service capacity limit has been reached. | try again
Converse | InternalServerException | 500 | | try again
Converse | ModelNotReadyException | 429 | | being loaded
Converse | ModelTimeoutException | 408 | | try again
Converse | ModelErrorException | 424 | | try again
Converse | | 413 | | small requests
Converse | NewException | 418 | | try again
";

fn subject() -> Subject {
    Subject {
        id: PROFILE.to_owned(),
        profile_arn: None,
        behind: Vec::new(),
        profiles: vec![
            PROFILE.to_owned(),
            "global.amazon.nova-lite-v1:0".to_owned(),
        ],
        chosen: None,
    }
}

fn region(name: &str) -> Region {
    Region::new(name, RegionSource::Fallback).unwrap()
}

/// One for all questions, which borrow it.
fn home() -> &'static Region {
    static HOME: OnceLock<Region> = OnceLock::new();
    HOME.get_or_init(|| region("us-east-1"))
}

fn question<'a>(
    operation: Operation,
    source: &'a CredentialSource,
    model: &'a Subject,
) -> Question<'a> {
    Question {
        operation,
        region: home(),
        source,
        account: Some("123456789012"),
        model: Some(model),
    }
}

fn exception(status: u16, name: &str, text: &str) -> Error {
    Error::Exception {
        exception: Exception::from_answer(status, Some(name), Some(text), b""),
        request_id: None,
        retry_after: None,
    }
}

#[test]
fn every_refusal_has_its_advice() {
    let operations = [
        Operation::Converse,
        Operation::ConverseStream,
        Operation::GetCallerIdentity,
        Operation::ListFoundationModels,
        Operation::ListInferenceProfiles,
    ];
    let model = subject();
    for row in TABLE.trim().lines() {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [operation, name, status, text, expected] = cells[..] else {
            panic!("{row}");
        };
        let operation = operations
            .into_iter()
            .find(|known| known.name() == operation);
        let question = question(operation.unwrap(), &CredentialSource::Environment, &model);
        let advice = failed(&exception(status.parse().unwrap(), name, text), &question);
        for words in expected.split(" ; ") {
            match words.strip_prefix('!') {
                Some(words) => assert!(!advice.contains(words), "{row}\n{advice}"),
                None => assert!(advice.contains(words), "{row}\n{advice}"),
            }
        }
    }
}

/// The statement in an advice, as JSON.
fn statement(advice: &str) -> serde_json::Value {
    serde_json::from_str(advice.lines().last().unwrap()).unwrap()
}

fn resources(model: &Subject, name: &str, account: Option<&str>) -> Vec<String> {
    let region = &region(name);
    let source = CredentialSource::Environment;
    let question = Question {
        region,
        account,
        ..question(Operation::Converse, &source, model)
    };
    let advice = failed(&exception(403, "AccessDeniedException", ""), &question);
    serde_json::from_value(statement(&advice)["Resource"].clone()).unwrap()
}

#[test]
fn a_statement_names_the_profile_and_the_models_behind_it() {
    let mut model = subject();
    assert_eq!(
        resources(&model, "us-east-1", Some("123456789012")),
        [
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
            "arn:aws:bedrock:*::foundation-model/amazon.nova-lite-v1:0",
        ]
    );
    assert_eq!(
        resources(&model, "us-gov-west-1", None)[0],
        "arn:aws-us-gov:bedrock:us-gov-west-1:*:inference-profile/us.amazon.nova-lite-v1:0"
    );
    // Where the lists say more, they are taken at their word.
    let arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/x";
    let regions = ["us-east-1", "us-east-2", ""];
    let behind = regions.map(|region| format!("arn:aws:bedrock:{region}::foundation-model/m.n"));
    arn.clone_into(&mut model.id);
    model.profile_arn = Some(arn.to_owned());
    model.behind = behind.to_vec();
    let mut expected = vec![arn.to_owned()];
    expected.extend(behind);
    assert_eq!(resources(&model, "us-east-1", None), expected);
    // A bare id is called in one region only.
    let bare = Subject {
        id: "amazon.nova-lite-v1:0".to_owned(),
        ..Subject::default()
    };
    let expected = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0";
    assert_eq!(resources(&bare, "eu-west-1", Some("1")), [expected]);
    // So is its ARN.
    let arn = Subject {
        id: expected.to_owned(),
        ..Subject::default()
    };
    assert_eq!(resources(&arn, "eu-west-1", Some("1")), [expected]);
}

#[test]
fn a_statement_can_be_put_into_a_policy_as_it_is() {
    let source = CredentialSource::Environment;
    let model = subject();
    for operation in [Operation::Converse, Operation::ListInferenceProfiles] {
        let question = question(operation, &source, &model);
        let advice = failed(&exception(403, "AccessDeniedException", ""), &question);
        let statement = statement(&advice);
        assert_eq!(statement["Effect"], "Allow");
        let actions = statement["Action"].as_array().unwrap();
        assert!(actions.iter().any(|action| action == operation.action()));
    }
}

#[test]
fn without_profiles_the_form_of_their_ids_is_told() {
    let model = Subject::default();
    let source = CredentialSource::Environment;
    let question = question(Operation::Converse, &source, &model);
    let text = "Invocation of model ID x with on-demand throughput isn’t supported.";
    let advice = failed(&exception(400, "ValidationException", text), &question);
    assert!(
        advice.contains("us.") && advice.contains("global."),
        "{advice}"
    );
}

fn profile(credentials: ProfileCredentials) -> CredentialSource {
    CredentialSource::Profile {
        name: "work".to_owned(),
        credentials,
    }
}

#[test]
fn each_source_that_gives_no_credentials_is_mended_in_its_way() {
    use ProfileCredentials as Kind;
    for (source, words) in [
        (profile(Kind::SingleSignOn), "aws sso login --profile work"),
        (
            profile(Kind::LoginSession),
            "export-credentials --profile work",
        ),
        (profile(Kind::Process), "credential_process"),
        (profile(Kind::Role), "sts:AssumeRole"),
        (profile(Kind::WebIdentity), "token file"),
        (profile(Kind::Keys), "both keys"),
        (CredentialSource::WebIdentity, "AWS_WEB_IDENTITY_TOKEN_FILE"),
        (CredentialSource::Container, "task or pod"),
    ] {
        let advice = no_credentials(&CredentialsError::TimedOut(source.to_string()), &source);
        assert!(advice.contains(words), "{source}: {advice}");
        let advice = no_credentials(&CredentialsError::Missing, &source);
        assert!(advice.contains("AWS_ACCESS_KEY_ID"), "{advice}");
    }
}

#[test]
fn credentials_are_renewed_where_they_come_from() {
    let model = subject();
    for (source, words) in [
        (CredentialSource::BearerToken, "API key has expired"),
        (
            profile(ProfileCredentials::SingleSignOn),
            "aws sso login --profile work",
        ),
        (profile(ProfileCredentials::Keys), "the profile work"),
        (CredentialSource::InstanceMetadata, "instance metadata"),
    ] {
        let question = question(Operation::Converse, &source, &model);
        let expired = exception(403, "ExpiredTokenException", "is expired");
        let advice = failed(&expired, &question);
        assert!(advice.contains(words), "{advice}");
    }
}

#[test]
fn what_keeps_connections_from_being_made_is_told_apart() {
    let mut way = Way {
        host: Host {
            name: "bedrock.internal".to_owned(),
            port: 443,
        },
        is_encrypted: true,
        proxy: None,
    };
    for (text, words) in [
        ("invalid peer certificate: UnknownIssuer", "AWS_CA_BUNDLE"),
        ("dns error: failed to lookup address information", "spelled"),
        (
            "tcp connect error: Connection refused (os error 111)",
            "Nothing listens",
        ),
        ("no connection within 5s", "firewall"),
        ("the proxy wants other credentials (407)", "HTTPS_PROXY"),
    ] {
        let advice = unreachable(text, &way);
        assert!(advice.contains(words), "{text}: {advice}");
    }
    way.proxy = Some(Host {
        name: "proxy.internal".to_owned(),
        port: 3128,
    });
    let advice = unreachable("tunnel error: unsuccessful", &way);
    for words in ["proxy.internal:3128", "bedrock.internal:443", "NO_PROXY"] {
        assert!(advice.contains(words), "{advice}");
    }
    let advice = unreachable("invalid peer certificate: UnknownIssuer", &way);
    assert!(advice.contains("AWS_CA_BUNDLE"), "{advice}");
}

#[test]
fn only_calls_of_models_have_a_limit_that_can_be_set() {
    let model = subject();
    let source = CredentialSource::Environment;
    let late = Error::Timeout(Timeout::Total(Duration::from_secs(5)));
    for (operation, is_told) in [
        (Operation::Converse, true),
        (Operation::ListFoundationModels, false),
        (Operation::GetCallerIdentity, false),
    ] {
        let advice = failed(&late, &question(operation, &source, &model));
        assert_eq!(advice.contains("head_timeout"), is_told, "{advice}");
    }
}

#[test]
fn a_role_needs_trust_and_a_statement() {
    let mut account = config::Account {
        name: "research".to_owned(),
        role_arn: Some("arn:aws:iam::123456789012:role/outcrop".to_owned()),
        external_id: Some("ticket-7".to_owned()),
        region: None,
    };
    let advice = role_not_assumed(&account, Some("arn:aws:iam::1:user/me"));
    assert!(advice.contains("trust policy") && advice.contains("with the external id"));
    assert!(!advice.contains("ticket-7"), "{advice}");
    let statement = statement(&advice);
    assert_eq!(statement["Action"][0], "sts:AssumeRole");
    assert_eq!(
        statement["Resource"],
        "arn:aws:iam::123456789012:role/outcrop"
    );
    account.external_id = None;
    assert!(role_not_assumed(&account, None).contains("without an external id"));
}

#[test]
fn everything_that_can_go_wrong_has_advice() {
    let model = subject();
    let source = CredentialSource::WebIdentity;
    let question = question(Operation::Converse, &source, &model);
    let text = String::new;
    for error in [
        Error::Unreachable(text()),
        Error::Interrupted(text()),
        Error::ModelId,
        Error::Request(text()),
        Error::Credentials(CredentialsError::TimedOut(String::new())),
        Error::Credentials(CredentialsError::Missing),
    ] {
        let advice = failed(&error, &question);
        assert!(advice.ends_with('.'), "{error:?}: {advice}");
    }
}
