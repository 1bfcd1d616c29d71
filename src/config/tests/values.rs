use super::{from_file, from_variables, mistake, mistakes};

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
    assert!(mistake("keep_alive", "0.001").contains("from 0.01 to 3600, or 0 (none is sent)"));
    assert!(mistake("commit_after", "0.0001").contains("or 0 (for ever)"));
    assert_eq!(
        mistake("allow_anonymous", "1"),
        "allow_anonymous must be true or false, not 1"
    );
    assert_eq!(
        mistake("unsupported", "\"drop\""),
        "unsupported must be \"ignore\" or \"reject\", not \"drop\""
    );
    assert_eq!(
        mistake("prompt_cache.mode", "false"),
        "prompt_cache.mode must be \"auto\", \"client\" or \"off\", not false"
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
fn a_guardrail_is_an_id_with_a_version() {
    let arn = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:guardrail/gr0example12";
    for id in ["gr0example12", arn] {
        for version in ["1", "99999999", "DRAFT"] {
            let text = format!("[guardrail]\nid = \"{id}\"\nversion = \"{version}\"\n");
            let guardrail = from_file(&text).unwrap().config.guardrail;
            assert_eq!(guardrail.id.as_deref(), Some(id));
            assert_eq!(guardrail.version.as_deref(), Some(version));
        }
    }
    for id in [
        "",
        "GR0",
        "arn:aws:bedrock:us-east-1:123456789012:guardrail/",
        "arn:aws:bedrock:us-east-1:12345678901:guardrail/gr0",
        "arn:aws:s3:us-east-1:123456789012:guardrail/gr0",
        "arn:aws:bedrock::123456789012:guardrail/gr0",
    ] {
        let text = format!("[guardrail]\nid = \"{id}\"\nversion = 1\n");
        let lines = mistakes(&text);
        assert!(
            lines[0].contains("guardrail.id must be the id or the ARN"),
            "{lines:?}"
        );
    }
    for version in ["0", "\"01\"", "\"draft\"", "100000000", "1.5", "true"] {
        let lines = mistakes(&format!("[guardrail]\nid = \"gr0\"\nversion = {version}\n"));
        assert!(
            lines[0].contains("guardrail.version must be the number"),
            "{lines:?}"
        );
    }
    assert!(mistake("guardrail.only_new_input", "1").contains("true or false"));
    let trace = "[guardrail]\nid = \"gr0\"\nversion = 1\ntrace = \"on\"\n";
    assert!(mistakes(trace)[0].contains("guardrail.trace must be \"enabled\""));
}

#[test]
fn half_a_guardrail_is_a_mistake() {
    let problem = |key: &str, other: &str| {
        format!(
            "outcrop.toml:2:{}: guardrail.{key} needs guardrail.{other} beside it: Bedrock wants a guardrail's id and its version",
            key.len() + 4
        )
    };
    assert_eq!(
        mistakes("[guardrail]\nid = \"gr0\"\n"),
        [problem("id", "version")]
    );
    assert_eq!(
        mistakes("[guardrail]\nversion = 1\n"),
        [problem("version", "id")]
    );
    assert_eq!(
        mistakes("[guardrail]\ntrace = \"enabled\"\n"),
        [problem("trace", "id")]
    );
    assert!(from_file("[guardrail]\nonly_new_input = true\n").is_ok());
}
