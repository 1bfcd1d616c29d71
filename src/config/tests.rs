use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::setting::{SETTINGS, find, sections};
use super::{Config, Environment, Flags, Loaded, Mistakes, Reference, Unsupported, load};

/// A working directory with `text` as its `outcrop.toml`.
fn directory(text: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("outcrop.toml"), text).unwrap();
    directory
}

fn from_file(text: &str) -> Result<Loaded, Mistakes> {
    let directory = directory(text);
    load(&Flags::default(), &Environment::default(), directory.path())
}

fn from_variables(pairs: &[(&str, &str)]) -> Result<Loaded, Mistakes> {
    let directory = tempfile::tempdir().unwrap();
    let environment = Environment::from_pairs(pairs.iter().copied());
    load(&Flags::default(), &environment, directory.path())
}

/// The mistakes of a file, without the directory it stands in.
fn mistakes(text: &str) -> Vec<String> {
    let directory = directory(text);
    let result = load(&Flags::default(), &Environment::default(), directory.path());
    let prefix = format!("{}/", directory.path().display());
    result
        .unwrap_err()
        .lines()
        .map(|line| line.replace(&prefix, ""))
        .collect()
}

fn variable_mistakes(pairs: &[(&str, &str)]) -> Vec<String> {
    from_variables(pairs).unwrap_err().lines().collect()
}

/// The one mistake that `value` makes of the option `key`, without its place.
fn mistake(key: &str, value: &str) -> String {
    let (section, key) = key.split_once('.').unwrap_or(("", key));
    let header = if section.is_empty() {
        String::new()
    } else {
        format!("[{section}]\n")
    };
    let lines = mistakes(&format!("{header}{key} = {value}\n"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    let (_, problem) = lines[0].split_once(": ").unwrap();
    problem.to_owned()
}

#[test]
fn nothing_is_required() {
    let config = from_variables(&[]).unwrap().config;
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    assert_eq!(config.listen.to_string(), "127.0.0.1:4000");
    assert_eq!(config.max_body_bytes, 33_554_432);
    assert_eq!(config.commit_after, Some(Duration::from_mins(1)));
    assert_eq!(config.bedrock.head_timeout, Duration::from_mins(15));
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let directory = directory("grace = 1\nkeep_alive = 2\ncommit_after = 3\n");
    let environment =
        Environment::from_pairs([("OUTCROP_GRACE", "10"), ("OUTCROP_KEEP_ALIVE", " 20 ")]);
    let values = vec![("grace", Some("100".to_owned())), ("listen", None)];
    let flags = Flags {
        config: None,
        values,
    };
    let loaded = load(&flags, &environment, directory.path()).unwrap();
    assert_eq!(loaded.config.grace, Duration::from_secs(100));
    assert_eq!(loaded.config.keep_alive, Duration::from_secs(20));
    assert_eq!(loaded.config.commit_after, Some(Duration::from_secs(3)));
    assert_eq!(loaded.config.bedrock.max_attempts, 3);

    let printed = loaded.to_string();
    assert!(printed.contains("\ngrace = 100 # --grace\n"), "{printed}");
    assert!(
        printed.contains("\nkeep_alive = 20 # OUTCROP_KEEP_ALIVE\n"),
        "{printed}"
    );
    assert!(printed.contains("outcrop.toml:3:16\n"), "{printed}");
    assert!(
        printed.contains("\nmax_attempts = 3 # default\n"),
        "{printed}"
    );
    assert!(printed.contains("\n# region is not set\n"), "{printed}");
}

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
    assert!(config.metrics.open);
}

#[test]
fn every_option_is_read_from_its_variable_and_printed_so_that_it_reads_back() {
    let typed = |key: &str| match key {
        "listen" => "0.0.0.0:8080",
        "unsupported" => "reject",
        "allow_anonymous" | "open" => "true",
        "max_body_bytes" => "4096",
        "region" => "eu-west-1",
        "endpoint_url" | "control_endpoint_url" => "http://localhost:9/a",
        _ => "7",
    };
    let pairs = SETTINGS
        .iter()
        .map(|setting| (setting.variable(), typed(setting.key)));
    let environment = Environment::from_pairs(pairs);
    let nowhere = tempfile::tempdir().unwrap();
    let loaded = load(&Flags::default(), &environment, nowhere.path()).unwrap();
    let printed = loaded.to_string();
    for setting in SETTINGS {
        let default = (setting.show)(&Config::default());
        assert_ne!(
            (setting.show)(&loaded.config),
            default,
            "{}",
            setting.name()
        );
        let line = printed
            .lines()
            .find(|line| line.ends_with(&format!("# {}", setting.variable())));
        let value = (setting.show)(&loaded.config).unwrap();
        assert!(
            line.unwrap()
                .starts_with(&format!("{} = {value} ", setting.key)),
            "{printed}"
        );
    }
    let again = from_file(&printed).unwrap();
    assert_eq!(
        format!("{:?}", again.config),
        format!("{:?}", loaded.config)
    );
}

#[test]
fn all_mistakes_of_all_layers_are_reported_in_one_run() {
    let directory = directory("grase = 3\n\n[bedrock]\nmax_attempts = 11\n");
    let environment = Environment::from_pairs([
        ("OUTCROP_KEEP_ALIVE", "often"),
        ("OUTCROP_LISTN", "127.0.0.1:1"),
        ("OUTCROP_LOG_FORMAT", "xml"),
    ]);
    let values = vec![("grace", Some("-1".to_owned()))];
    let error = load(
        &Flags {
            config: None,
            values,
        },
        &environment,
        directory.path(),
    )
    .unwrap_err();
    let text = error
        .to_string()
        .replace(&format!("{}/", directory.path().display()), "");
    let expected = [
        "outcrop.toml:1:1: unknown key \"grase\"; did you mean \"grace\"?",
        "outcrop.toml:4:16: bedrock.max_attempts must be a whole number from 1 to 10, not 11",
        "OUTCROP_KEEP_ALIVE: keep_alive must be a number of seconds from 0.01 to 3600, or 0 (never), not \"often\"",
        "OUTCROP_LISTN: unknown variable; did you mean OUTCROP_LISTEN?",
        "OUTCROP_LOG_FORMAT: the log format must be \"text\" or \"json\", not \"xml\"",
        "--grace: grace must be a number of seconds from 0 to 86400, not \"-1\"",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_value_that_another_layer_replaces_is_checked_all_the_same() {
    let directory = directory("grace = \"soon\"\n");
    let environment = Environment::from_pairs([("OUTCROP_GRACE", "5")]);
    let error = load(&Flags::default(), &environment, directory.path()).unwrap_err();
    assert_eq!(error.lines().count(), 1, "{error}");
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
fn an_address_is_an_ip_address_or_a_name_with_a_port() {
    let listen = |value: &str| {
        from_variables(&[("OUTCROP_LISTEN", value)]).map(|loaded| loaded.config.listen)
    };
    assert_eq!(listen("127.0.0.1:0").unwrap().to_string(), "127.0.0.1:0");
    assert_eq!(listen("[::1]:4000").unwrap().to_string(), "[::1]:4000");
    let local = listen("localhost:4000").unwrap();
    assert!(local.ip().is_loopback() && local.port() == 4000);

    let problem = |value: &str| listen(value).unwrap_err().to_string();
    let start = |value: &str| {
        format!(
            "OUTCROP_LISTEN: listen must be an address and a port such as \"127.0.0.1:4000\", not \"{value}\""
        )
    };
    let everywhere = "; every address of this host is \"0.0.0.0:4000\"";
    assert_eq!(problem(":4000"), start(":4000") + everywhere);
    assert_eq!(problem("*:4000"), start("*:4000") + everywhere);
    assert_eq!(
        problem("::1:4000"),
        start("::1:4000") + "; an IPv6 address stands in brackets: \"[::1]:4000\""
    );
    assert_eq!(
        problem("localhost"),
        start("localhost") + "; with a port it is \"localhost:4000\""
    );
    assert_eq!(problem("4000"), start("4000"));
    assert_eq!(problem("localhost:65536"), start("localhost:65536"));
    assert_eq!(problem("http://localhost:1"), start("http://localhost:1"));
    assert_eq!(
        mistake("listen", "4000"),
        "listen must be an address and a port such as \"127.0.0.1:4000\", not 4000"
    );
}

#[test]
fn an_endpoint_is_a_plain_url_and_a_wrong_one_is_not_repeated() {
    for (value, fault) in [
        (
            "\"ftp://host\"",
            ": it starts with neither http:// nor https://",
        ),
        (
            "\"localhost:4001\"",
            ": it starts with neither http:// nor https://",
        ),
        ("\"/path\"", ": it starts with neither http:// nor https://"),
        ("\"https://name:hunter2@host\"", ": it holds credentials"),
        ("\"https://host?hunter2\"", ": it holds a query"),
        ("\"https://host#hunter2\"", ": it holds a fragment"),
        (
            "\"https://host:99999\"",
            ": its port is not a number from 0 to 65535",
        ),
        ("\"https://:80\"", ": it names no host"),
        ("\"https://hunter2 host\"", ": invalid uri character"),
        ("true", ""),
    ] {
        let problem = mistake("bedrock.endpoint_url", value);
        let start = "bedrock.endpoint_url must be a URL such as \"https://bedrock.example.com\"";
        assert_eq!(problem, format!("{start}{fault}"), "{value}");
    }
    let url = |value: &str| from_variables(&[("OUTCROP_BEDROCK_ENDPOINT_URL", value)]);
    assert!(url("http://[::1]:4001").is_ok());
    assert!(url("http://[::1]").is_ok());
    assert!(url("http://[::1]:x").is_err());
}

#[test]
fn ranges_are_checked() {
    let timeout = "must be a number of seconds from 0.001 to 86400, not";
    for value in ["0", "-1", "86401", "inf", "nan", "1e400"] {
        let problem = mistake("bedrock.idle_timeout", value);
        assert!(
            problem.contains(timeout) || problem.starts_with("this is not TOML"),
            "{problem}"
        );
    }
    assert_eq!(
        mistake("bedrock.idle_timeout", "\"5\""),
        format!("bedrock.idle_timeout {timeout} \"5\"")
    );
    assert_eq!(
        mistake("bedrock.idle_timeout", "[]"),
        format!("bedrock.idle_timeout {timeout} an array")
    );
    assert_eq!(
        mistake("bedrock.idle_timeout", "1979-05-27"),
        format!("bedrock.idle_timeout {timeout} a date")
    );
    assert!(mistake("bedrock.idle_timeout", "9223372036854775808").contains("not "));
    assert!(mistake("bedrock.max_attempts", "0").contains("from 1 to 10, not 0"));
    assert!(mistake("bedrock.max_attempts", "2.0").contains("whole number from 1 to 10, not 2.0"));
    assert!(mistake("max_body_bytes", "1023").contains("from 1024 to 1073741824, not 1023"));
    assert!(mistake("max_body_bytes", "1073741825").contains("not 1073741825"));
    assert!(mistake("keep_alive", "0.001").contains("from 0.01 to 3600, or 0 (never)"));
    assert!(mistake("commit_after", "0.0001").contains("or 0 (for ever)"));
    assert_eq!(
        mistake("allow_anonymous", "1"),
        "allow_anonymous must be true or false, not 1"
    );
    assert_eq!(
        mistake("unsupported", "\"drop\""),
        "unsupported must be \"ignore\" or \"reject\", not \"drop\""
    );
}

#[test]
fn a_region_is_fit_to_be_part_of_a_host_name() {
    let long = format!("\"us-{}\"", "a".repeat(30));
    for value in [
        "\"US-EAST-1\"",
        "\"us-east-1.evil.example/\"",
        "\"\"",
        "\"-us\"",
        "\"us-\"",
        "\"useast1\"",
        "\"1-us\"",
        "7",
        &long,
    ] {
        assert!(
            mistake("bedrock.region", value).contains("such as \"us-east-1\""),
            "{value}"
        );
    }
    for value in [
        "us-east-1",
        "us-iso-east-1",
        "eusc-de-east-1",
        "ap-southeast-7",
    ] {
        let loaded = from_variables(&[("OUTCROP_BEDROCK_REGION", value)]).unwrap();
        assert_eq!(loaded.config.bedrock.region.as_deref(), Some(value));
    }
}

#[test]
fn keys_are_separated_by_commas_and_never_shown() {
    let loaded = from_variables(&[("OUTCROP_API_KEY", " sk-one , sk-two")]).unwrap();
    let keys: Vec<&str> = loaded
        .config
        .api_keys
        .iter()
        .map(super::Secret::expose)
        .collect();
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
    assert!(
        from_variables(&[("OUTCROP_API_KEY", " ")])
            .unwrap()
            .config
            .api_keys
            .is_empty()
    );
}

#[test]
fn variables_of_other_parts_and_of_service_links_are_no_mistakes() {
    let loaded = from_variables(&[
        ("OUTCROP_CLIENT_KEY", "x"),
        ("OUTCROP_ADMIN_KEY", "x"),
        ("OUTCROP_STATE_KEY", "x"),
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

#[test]
fn the_table_of_options_is_sound() {
    assert_eq!(sections().collect::<Vec<_>>(), ["bedrock", "metrics"]);
    for setting in SETTINGS {
        assert_eq!(
            find(setting.section, setting.key).unwrap().name(),
            setting.name()
        );
        let homes = SETTINGS
            .iter()
            .filter(|other| other.variable() == setting.variable());
        assert_eq!(homes.count(), 1, "{} must be unique", setting.variable());
        assert!(!setting.about.ends_with('.'), "{}", setting.about);
    }
}

#[test]
fn the_help_names_every_option_with_its_variable_and_default() {
    let text = Reference.to_string();
    for setting in SETTINGS {
        assert!(text.contains(&format!("  {} / {}\n", setting.name(), setting.variable())));
    }
    assert!(text.contains("[default: 33554432]") && text.contains("[default: \"127.0.0.1:4000\"]"));
}

#[test]
fn the_file_in_the_working_directory_is_optional() {
    let nowhere = Path::new("/nowhere/at/all");
    assert!(load(&Flags::default(), &Environment::default(), nowhere).is_ok());
}
