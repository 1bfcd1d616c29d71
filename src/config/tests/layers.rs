use std::time::Duration;

use super::{directory, from_file, from_variables};
use crate::config::setting::{SETTINGS, find, sections};
use crate::config::{Config, Environment, Flags, Reference, load};

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
        "OUTCROP_KEEP_ALIVE: keep_alive must be a number of seconds from 0.01 to 3600, or 0 (none is sent), not \"often\"",
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
fn every_option_is_read_from_its_variable_and_printed_so_that_it_reads_back() {
    let typed = |key: &str| match key {
        "listen" => "0.0.0.0:8080",
        "unsupported" => "reject",
        "mode" => "client",
        "images" => "public",
        "allow_anonymous" | "open" | "s3" | "only_new_input" | "expose_cost" => "true",
        "add_budget" | "enabled" => "false",
        "auto_profile" => "global",
        "trace" => "enabled",
        "on_disconnect" => "drain",
        "store" => "rediss://cache.example/1",
        "on_store_failure" => "allow_known",
        "file" => "/dev/null",
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
    for setting in SETTINGS.iter() {
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
fn the_table_of_options_is_sound() {
    assert_eq!(
        sections().collect::<Vec<_>>(),
        [
            "bedrock",
            "discovery",
            "prompt_cache",
            "reasoning",
            "recall",
            "fetch",
            "guardrail",
            "keys",
            "admin",
            "prices",
            "metrics"
        ]
    );
    for setting in SETTINGS.iter() {
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
    for setting in SETTINGS.iter() {
        assert!(text.contains(&format!("  {} / {}\n", setting.name(), setting.variable())));
    }
    assert!(text.contains("[default: 33554432]") && text.contains("[default: \"127.0.0.1:4000\"]"));
}
