use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::any;
use proptest::proptest;

use super::{from_file, mistakes};
use crate::config::setting::SETTINGS;
use crate::config::{Environment, Flags, Unsupported, load};

#[test]
fn every_option_is_read_from_the_file() {
    let config = from_file(
        r#"
        listen = "[::1]:0"
        grace = 0
        max_body_bytes = 0x400
        unsupported = "reject"
        allow_anonymous = true
        keep_alive = 0
        commit_after = 0
        [bedrock]
        region = "us-gov-west-1"
        endpoint_url = "http://127.0.0.1:4001"
        control_endpoint_url = "https://proxy.example.com/bedrock"
        connect_timeout = 0.25
        head_timeout = 1
        idle_timeout = 2.5
        total_timeout = 86_400
        max_attempts = 10
        [reasoning]
        add_budget = false
        [guardrail]
        id = "gr0example12"
        version = 3
        trace = "enabled_full"
        only_new_input = true
        [metrics]
        open = true
        "#,
    )
    .unwrap()
    .config;
    assert_eq!(config.listen.to_string(), "[::1]:0");
    assert_eq!(config.grace, Duration::ZERO);
    assert_eq!(config.max_body_bytes, 1024);
    assert_eq!(config.unsupported, Unsupported::Reject);
    assert!(config.allow_anonymous);
    assert_eq!(config.keep_alive, Duration::ZERO);
    assert_eq!(config.commit_after, None);
    assert_eq!(config.bedrock.region.as_deref(), Some("us-gov-west-1"));
    assert_eq!(
        config.bedrock.endpoint_url.unwrap(),
        "http://127.0.0.1:4001"
    );
    assert_eq!(
        config.bedrock.control_endpoint_url.unwrap(),
        "https://proxy.example.com/bedrock"
    );
    assert_eq!(config.bedrock.connect_timeout, Duration::from_millis(250));
    assert_eq!(config.bedrock.head_timeout, Duration::from_secs(1));
    assert_eq!(config.bedrock.idle_timeout, Duration::from_millis(2500));
    assert_eq!(config.bedrock.total_timeout, Duration::from_hours(24));
    assert_eq!(config.bedrock.max_attempts, 10);
    assert!(!config.reasoning.add_budget);
    assert_eq!(config.guardrail.id.as_deref(), Some("gr0example12"));
    assert_eq!(config.guardrail.version.as_deref(), Some("3"));
    assert_eq!(config.guardrail.trace.as_deref(), Some("enabled_full"));
    assert!(config.guardrail.only_new_input);
    assert!(config.metrics.open);
}

#[test]
fn a_wrong_key_is_told_its_right_place_or_name() {
    let region = mistakes("region = \"us-east-1\"\n[bedrock]\nlisten = \"x\"\n");
    assert_eq!(
        region,
        [
            "outcrop.toml:1:1: region stands in the section [bedrock]",
            "outcrop.toml:3:1: listen stands at the top, before the first [section]",
        ]
    );
    assert_eq!(
        mistakes("metric = 1"),
        ["outcrop.toml:1:1: unknown key \"metric\"; did you mean \"metrics\"?"]
    );
    assert_eq!(
        mistakes("[bedrok]\n"),
        ["outcrop.toml:1:2: unknown key \"bedrok\"; did you mean \"bedrock\"?"]
    );
    assert_eq!(
        mistakes("colour = 1"),
        ["outcrop.toml:1:1: unknown key \"colour\""]
    );
    assert_eq!(
        mistakes("api_keys = ['sk-secret']\n[recall]\nstate_key = 'c2VjcmV0'"),
        [
            "outcrop.toml:1:1: api_keys cannot stand in a file: it is a secret, and comes from the variable \
             OUTCROP_API_KEY alone",
            "outcrop.toml:3:1: state_key cannot stand in a file: it is a secret, and comes from the variable \
             OUTCROP_STATE_KEY alone",
        ]
    );
    assert_eq!(
        mistakes("[metrics]\nport = 1"),
        ["outcrop.toml:2:1: unknown key \"port\" in [metrics], which has open"]
    );
    assert_eq!(
        mistakes("bedrock = 1"),
        ["outcrop.toml:1:11: bedrock is a table; write [bedrock]"]
    );
    assert_eq!(
        mistakes("listen.port = 1"),
        [
            "outcrop.toml:1:1: listen must be an address and a port such as \"127.0.0.1:4000\", not a table"
        ]
    );
}

#[test]
fn syntax_errors_are_mistakes_like_others_and_do_not_hide_them() {
    let lines = mistakes("grace = \nkeep_alive = true\nlisten = \"127.0.0.1:1\n");
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(
        lines[0].starts_with("outcrop.toml:1:9: this is not TOML: "),
        "{lines:#?}"
    );
    assert!(
        lines[1].starts_with("outcrop.toml:2:14: keep_alive must be a number of seconds"),
        "{lines:#?}"
    );
    assert!(lines[2].starts_with("outcrop.toml:3:"), "{lines:#?}");
    let twice = mistakes("grace = 1\ngrace = 2\n");
    assert_eq!(twice, ["outcrop.toml:2:1: this is not TOML: duplicate key"]);
}

#[test]
fn columns_count_characters() {
    let lines = mistakes("\"é€\" = 1; x");
    assert!(
        lines[0].starts_with("outcrop.toml:1:8: this is not TOML: "),
        "{lines:?}"
    );
    let lines = mistakes("metrics = { \"ü\" = 1 }");
    assert!(
        lines[0].starts_with("outcrop.toml:1:13: unknown key \"ü\""),
        "{lines:?}"
    );
}

#[test]
fn a_file_that_is_not_text_is_one_line() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("outcrop.toml"),
        b"grace = 1\n# \xff\n",
    )
    .unwrap();
    let error = load(&Flags::default(), &Environment::default(), directory.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("outcrop.toml:2:3: this is not UTF-8, which TOML is written in")
    );
}

#[test]
fn a_named_file_must_be_there_and_be_a_file_of_bounded_length() {
    let directory = tempfile::tempdir().unwrap();
    let missing = Environment::from_pairs([("OUTCROP_CONFIG", "/nowhere/outcrop.toml")]);
    let error = load(&Flags::default(), &missing, directory.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("OUTCROP_CONFIG: the file \"/nowhere/outcrop.toml\" cannot be read: "),
        "{error}"
    );

    let flags = Flags {
        config: Some(directory.path().to_owned()),
        values: Vec::new(),
    };
    let error = load(&flags, &missing, directory.path())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("--config: the file "), "{error}");
    assert_eq!(
        error.lines().count(),
        1,
        "the flag wins over the variable: {error}"
    );

    let long = directory.path().join("long.toml");
    fs::write(&long, "#".repeat(1024 * 1024 + 1)).unwrap();
    let flags = Flags {
        config: Some(long),
        values: Vec::new(),
    };
    let error = load(&flags, &Environment::default(), directory.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("cannot be read: it is longer than 1 MiB"),
        "{error}"
    );
}

#[test]
fn the_file_in_the_working_directory_is_optional() {
    let nowhere = Path::new("/nowhere/at/all");
    assert!(load(&Flags::default(), &Environment::default(), nowhere).is_ok());
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_no_mistakes() {
    let config = from_file("\u{feff}grace = 1\r\n[metrics]\r\nopen = true\r\n")
        .unwrap()
        .config;
    assert_eq!(config.grace, Duration::from_secs(1));
    assert!(config.metrics.open);
}

proptest! {
    /// Whatever a file holds, each mistake in it is one line that stands at a place in the file.
    #[test]
    fn any_bytes_make_a_configuration_or_lines(bytes: Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("outcrop.toml"), bytes).unwrap();
        if let Err(mistakes) = load(&Flags::default(), &Environment::default(), directory.path()) {
            for line in mistakes.lines() {
                assert!(line.contains("outcrop.toml:") && !line.contains('\n'), "{line}");
            }
        }
    }

    /// Values without colons, or a name of a host among them would be looked up.
    #[test]
    fn any_value_of_any_option_is_taken_or_told(
        setting in any::<proptest::sample::Index>(),
        value in r#"-?[0-9]{0,4}(\.[0-9]{1,3})?(e[0-9]{1,3})?|"[a-z0-9./@#?\[\]-]{0,30}"|true|\[1\]"#,
    ) {
        let setting = setting.get(&SETTINGS);
        let text = match setting.section {
            "" => format!("{} = {value}", setting.key),
            section => format!("[{section}]\n{} = {value}", setting.key),
        };
        match from_file(&text) {
            Ok(loaded) => assert!((setting.show)(&loaded.config).is_some()),
            Err(mistakes) => assert_eq!(mistakes.lines().count(), 1, "{mistakes}"),
        }
    }
}
