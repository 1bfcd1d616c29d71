//! What Bedrock took, the stand-in must take.

use outcrop::fixture::{Operation, check_request};

use super::{cases, is_recorded, read_json};

#[test]
fn every_request_that_bedrock_answered_passes_the_checks() {
    let (mut passed, mut lenient) = (0, 0);
    let mut refused = Vec::new();
    for (folder, operation) in [
        ("converse", Operation::Converse),
        ("converse-stream", Operation::ConverseStream),
    ] {
        for case in cases(folder) {
            let meta = read_json(&case.join("meta.json"));
            let request = case.join("request.json");
            // The one recorded stream whose only message is an exception is no request that Bedrock took.
            let was_taken = meta["status"] == 200
                && meta["event_types"].get("validationException").is_none()
                && request.is_file();
            if !was_taken || !is_recorded(&case) {
                continue;
            }
            let (model, request) = (meta["model_id"].as_str(), read_json(&request));
            if request.is_null() {
                continue;
            }
            let check = |unknown_members| {
                check_request(
                    model.unwrap_or_default(),
                    operation,
                    &request,
                    unknown_members,
                )
            };
            match check(true) {
                Ok(()) => passed += 1,
                Err(text) => refused.push(format!("{} ({model:?}): {text}", case.display())),
            }
            lenient += u32::from(check(false).is_err());
        }
    }
    println!(
        "{passed} recorded requests pass, {lenient} of them only because unknown members are let pass"
    );
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
