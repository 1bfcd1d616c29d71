use super::*;

fn failure(name: &str, status: u16, text: &str) -> Failure {
    let body = serde_json::json!({"message": text}).to_string();
    Failure::from_exception(
        &Exception::from_answer(status, Some(name), None, body.as_bytes()),
        Some(200_000),
    )
}

/// Exception, AWS's status and text; then the client's status, type and code.
const TABLE: &str = "
ValidationException                 | 400 | Input is too long for requested model.     | 400 | invalid_request_error | context_length_exceeded
ValidationException                 | 400 | The provided model identifier is invalid.  | 404 | invalid_request_error | model_not_found
ValidationException                 | 400 | x with on-demand throughput isn’t supported | 404 | invalid_request_error | model_not_found
ValidationException                 | 400 | Malformed input request                    | 400 | invalid_request_error |
AccessDeniedException               | 403 | You don't have access                      | 404 | invalid_request_error | model_not_found
AccessDeniedException               | 403 | Authentication failed: Please make sure    | 502 | server_error          | upstream_auth
                                    | 403 | Bearer Token has expired                   | 502 | server_error          | upstream_auth
UnrecognizedClientException         | 403 | x                                          | 502 | server_error          | upstream_auth
InvalidSignatureException           | 403 | x                                          | 502 | server_error          | upstream_auth
ExpiredTokenException               | 403 | x                                          | 502 | server_error          | upstream_auth
MissingAuthenticationTokenException | 403 | x                                          | 502 | server_error          | upstream_auth
IncompleteSignature                 | 400 | x                                          | 502 | server_error          | upstream_auth
RequestExpired                      | 400 | x                                          | 502 | server_error          | upstream_auth
RequestTimeTooSkewed                | 403 | x                                          | 502 | server_error          | upstream_auth
RequestInTheFuture                  | 403 | x                                          | 502 | server_error          | upstream_auth
ResourceNotFoundException           | 404 | x                                          | 404 | invalid_request_error | model_not_found
ThrottlingException                 | 429 | Too many tokens, please wait               | 429 | rate_limit_error      | rate_limit_exceeded
                                    | 429 | Rate exceeded                              | 429 | rate_limit_error      | rate_limit_exceeded
ThrottlingException                 | 429 | Too many tokens per day, please wait       | 429 | insufficient_quota    | insufficient_quota
ServiceQuotaExceededException       | 400 | x                                          | 429 | insufficient_quota    | insufficient_quota
ModelNotReadyException              | 429 | x                                          | 503 | server_error          | model_not_ready
ModelTimeoutException               | 408 | x                                          | 504 | timeout               | model_timeout
ModelErrorException                 | 424 | x                                          | 502 | server_error          | model_error
modelStreamErrorException           | 424 | x                                          | 502 | server_error          | model_error
InternalServerException             | 500 | x                                          | 500 | server_error          |
ServiceUnavailableException         | 503 | x                                          | 503 | server_error          | overloaded
NewException                        | 418 | x                                          | 502 | server_error          |
NewException                        | 500 | x                                          | 500 | server_error          |
                                    | 413 | x                                          | 413 | invalid_request_error | request_too_large
";

#[test]
fn every_exception_has_its_status_type_and_code() {
    for row in TABLE.trim().lines() {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [name, aws, text, status, kind, code] = cells[..] else {
            panic!("{row}");
        };
        let failure = failure(name, aws.parse().unwrap(), text);
        assert_eq!(failure.status.to_string(), status, "{row}");
        assert_eq!(failure.object.r#type, kind, "{row}");
        assert_eq!(failure.object.code.as_deref().unwrap_or(""), code, "{row}");
        assert_eq!(failure.object.param, None, "{row}");
    }
}

#[test]
fn an_overflow_is_told_so_that_every_client_recognises_it() {
    for text in [
        "Input is too long for requested model.",
        "The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
        "too many total text bytes: 10000002 > 9000000",
        "input length and `max_tokens` exceed context limit: 199000 + 8000 > 200000",
    ] {
        let message = failure("ValidationException", 400, text).object.message;
        assert!(
            message.contains("maximum context length is 200000 tokens"),
            "{message}"
        );
        assert!(
            message.contains("prompt is too long") && message.contains(text),
            "{message}"
        );
        assert!(message.ends_with("(context_length_exceeded)"), "{message}");
    }
}

#[test]
fn nothing_but_an_overflow_reads_like_one() {
    for (name, status) in [
        ("ThrottlingException", 429),
        ("ServiceUnavailableException", 503),
        ("InternalServerException", 500),
        ("ModelErrorException", 424),
        ("ModelTimeoutException", 408),
        ("ModelNotReadyException", 429),
        ("AccessDeniedException", 403),
    ] {
        for text in [
            "Too many tokens, please wait before trying again.",
            "Too many tokens per day, please wait before trying again.",
            "token limit exceeded",
            "It exceeds the limit of 12 tokens",
        ] {
            let message = failure(name, status, text).object.message;
            assert!(!reads_as_overflow(&message), "{name}: {message}");
        }
    }
}

#[test]
fn what_can_be_repeated_says_a_word_that_clients_repeat_on() {
    for (name, status) in [
        ("ThrottlingException", 429),
        ("ServiceUnavailableException", 503),
        ("InternalServerException", 500),
        ("ModelErrorException", 424),
        ("ModelTimeoutException", 408),
        ("ModelNotReadyException", 429),
    ] {
        let message = failure(name, status, "x")
            .object
            .message
            .to_ascii_lowercase();
        let words = [
            "overloaded",
            "rate limit",
            "server error",
            "service unavailable",
            "timeout",
        ];
        assert!(words.iter().any(|word| message.contains(word)), "{message}");
        let never = [
            "insufficient_quota",
            "quota exceeded",
            "billing",
            "out of budget",
        ];
        assert!(
            !never.iter().any(|word| message.contains(word)),
            "{message}"
        );
    }
    let broken = Failure::from_answer_error(&AnswerError::Unfinished, None);
    assert!(broken.object.message.contains("server error"));
}

#[test]
fn throttles_say_when_to_come_back_and_dead_credentials_say_never() {
    assert_eq!(
        failure("ThrottlingException", 429, "x").retry_after,
        Some(RETRY_AFTER)
    );
    assert_eq!(
        failure("ServiceUnavailableException", 503, "x").retry_after,
        Some(RETRY_AFTER)
    );
    assert!(failure("ExpiredTokenException", 403, "x").permanent);
    let daily = failure("ThrottlingException", 429, "Too many tokens per day");
    assert!(daily.permanent && daily.retry_after.is_none());
}

/// Whether clients take a text for a context overflow, by the patterns of pi-ai and OpenClaw.
fn reads_as_overflow(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let before_digits = |words: &str| {
        text.match_indices(words).any(|(at, _)| {
            let rest = &text[at + words.len()..];
            rest.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    [
        "too many tokens",
        "token limit exceeded",
        "reduce the length of the messages",
        "prompt too long",
    ]
    .iter()
    .any(|words| text.contains(words))
        || before_digits("exceeds the limit of ")
        || before_digits("maximum context length is ")
}

#[test]
fn what_misleads_is_said_in_other_words() {
    let told = failure(
        "ValidationException",
        400,
        "The value of x EXCEEDS THE LIMIT OF 5 tokens.",
    );
    assert_eq!(
        told.object.message,
        "The value of x is above the limit, 5 tokens."
    );
}

#[test]
fn the_canonical_request_stays_with_the_gateway() {
    let explained = "The request signature we calculated does not match the signature you provided. \
                     Check your key.\n\nThe Canonical String for this request should have been\n\
                     'POST\nx-amz-security-token:SECRET'";
    for text in [explained, &explained.replace('\n', " ")] {
        for name in ["InvalidSignatureException", "invalidSignatureException"] {
            let told = failure(name, 403, text).object.message;
            assert!(
                told.contains("does not match") && !told.contains("SECRET"),
                "{told}"
            );
        }
    }
}
