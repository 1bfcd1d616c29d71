use super::{from_variables, variable_mistakes};
use crate::config::{Secret, StateKey};

#[test]
fn keys_are_separated_by_commas_and_never_shown() {
    let loaded = from_variables(&[("OUTCROP_API_KEY", " sk-one , sk-two")]).unwrap();
    let keys: Vec<&str> = loaded.config.api_keys.iter().map(Secret::expose).collect();
    assert_eq!(keys, ["sk-one", "sk-two"]);
    assert!(!format!("{loaded:?}{loaded}").contains("sk-"), "{loaded}");
    assert!(
        loaded
            .to_string()
            .contains("# 2 keys, hidden: OUTCROP_API_KEY.\n"),
        "{loaded}"
    );

    let lines = variable_mistakes(&[("OUTCROP_API_KEY", "sk-one,,sk two,")]);
    let expected = [
        "OUTCROP_API_KEY: key 2 is empty; keys are separated by single commas",
        "OUTCROP_API_KEY: key 3 holds a character that no Authorization header carries; keys are of visible ASCII characters",
        "OUTCROP_API_KEY: key 4 is empty; keys are separated by single commas",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_key_that_was_not_filled_in_is_a_mistake() {
    for value in ["", " "] {
        assert_eq!(
            variable_mistakes(&[("OUTCROP_API_KEY", value)]),
            [
                "OUTCROP_API_KEY: it is set and holds no key; give a key, or unset it to serve without keys"
            ]
        );
    }
}

#[test]
fn the_state_key_is_32_bytes_and_never_shown() {
    let key = format!("{}=", "k".repeat(43));
    let loaded = from_variables(&[("OUTCROP_STATE_KEY", &format!(" {key} "))]).unwrap();
    let bytes = loaded.config.state_key.as_ref().map(StateKey::expose);
    assert!(bytes.is_some_and(|bytes| bytes.starts_with(&[0x92, 0x49, 0x24])));
    assert!(!format!("{loaded:?}{loaded}").contains("kkk"), "{loaded}");
    assert!(
        loaded
            .to_string()
            .contains("# 1 state key, hidden: OUTCROP_STATE_KEY.\n"),
        "{loaded}"
    );
    let none = from_variables(&[("OUTCROP_STATE_KEY", " ")]).unwrap();
    assert!(none.config.state_key.is_none());

    for wrong in ["kkkk", &key[1..], &format!("{key}{key}"), "not base64"] {
        let lines = variable_mistakes(&[("OUTCROP_STATE_KEY", wrong)]);
        assert_eq!(
            lines,
            [
                "OUTCROP_STATE_KEY: must be 32 bytes in base64, as `openssl rand -base64 32` prints them"
            ]
        );
    }
}

#[test]
fn variables_of_other_parts_and_of_service_links_are_no_mistakes() {
    let loaded = from_variables(&[
        ("OUTCROP_CLIENT_KEY", "x"),
        ("OUTCROP_ADMIN_KEY", "x"),
        ("OUTCROP_LOG_FORMAT", "json"),
        ("OUTCROP_UNKNOWN", " "),
        ("OUTCROPPING", "x"),
        ("OUTCROP_SERVICE_HOST", "10.0.0.11"),
        ("OUTCROP_SERVICE_PORT", "4000"),
        ("OUTCROP_SERVICE_PORT_HTTP", "4000"),
        ("OUTCROP_PORT", "tcp://10.0.0.11:4000"),
        ("OUTCROP_PORT_4000_TCP", "tcp://10.0.0.11:4000"),
        ("OUTCROP_PORT_4000_TCP_ADDR", "10.0.0.11"),
        ("OUTCROP_REPLAY_PORT_4001_TCP_PROTO", "tcp"),
    ]);
    assert!(loaded.is_ok(), "{loaded:?}");
}

#[test]
fn a_variable_that_is_no_option_is_a_mistake_whose_value_is_not_repeated() {
    let lines = variable_mistakes(&[
        ("OUTCROP_API_KEYS", "sk-secret"),
        ("OUTCROP_BEDROCK_REGIN", "x"),
        ("OUTCROP_PORT", "4000"),
        ("OUTCROP_PORT_X_TCP", "1"),
        ("OUTCROP_SOMETHING_ELSE", "sk-secret"),
    ]);
    let unknown = "unknown variable; outcrop serve --help lists those there are";
    let expected = [
        "OUTCROP_API_KEYS: unknown variable; did you mean OUTCROP_API_KEY?".to_owned(),
        "OUTCROP_BEDROCK_REGIN: unknown variable; did you mean OUTCROP_BEDROCK_REGION?".to_owned(),
        format!("OUTCROP_PORT: {unknown}"),
        format!("OUTCROP_PORT_X_TCP: {unknown}"),
        format!("OUTCROP_SOMETHING_ELSE: {unknown}"),
    ];
    assert_eq!(lines, expected);
}
