use super::{from_file, mistake, mistakes};
use crate::config::{Account, AutoProfile, Cost, Guardrail, LongPrompt, Model, Target};

const EVERYTHING: &str = r#"
[bedrock]
auto_profile = "global"

[[accounts]]
name = "research"
role_arn = "arn:aws:iam::123456789012:role/outcrop"
external_id = "ticket-7"
region = "eu-west-1"

[[models]]
id = "gpt-4o"
targets = [
  "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  "eu-west-1/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
  "research/amazon.nova-pro-v1:0",
  "research/eu-central-1/arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/ab12",
]
base_model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
context_window = 200000
max_tokens = 64000
cost = { input = 3, output = 15.0, cache_read = 0.3, cache_write = 3.75, cache_write_1h = 6, long_prompt = { above = 200000, input = 2, output = 1.5 } }
prompt_cache = true
guardrail = { id = "gr0example12", version = 3, trace = "enabled" }

[[models]]
id = "split"
targets = [{ target = "a.b", weight = 3 }, { target = "c.d", weight = 1 }]
"#;

fn target(account: Option<&str>, region: Option<&str>, model: &str) -> Target {
    Target {
        account: account.map(str::to_owned),
        region: region.map(str::to_owned),
        model: model.to_owned(),
        weight: None,
    }
}

#[test]
fn models_and_accounts_are_read_whole() {
    let config = from_file(EVERYTHING).unwrap().config;
    assert_eq!(config.bedrock.auto_profile, AutoProfile::Global);
    let account = Account {
        name: "research".to_owned(),
        role_arn: Some("arn:aws:iam::123456789012:role/outcrop".to_owned()),
        external_id: Some("ticket-7".to_owned()),
        region: Some("eu-west-1".to_owned()),
    };
    assert_eq!(config.accounts, [account]);
    let research = Some("research");
    let arn = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/ab12";
    let model = Model {
        id: "gpt-4o".to_owned(),
        targets: vec![
            target(None, None, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            target(
                None,
                Some("eu-west-1"),
                "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ),
            target(research, None, "amazon.nova-pro-v1:0"),
            target(research, Some("eu-central-1"), arn),
        ],
        base_model: Some("anthropic.claude-sonnet-4-5-20250929-v1:0".to_owned()),
        context_window: Some(200_000),
        max_tokens: Some(64_000),
        cost: Some(Cost {
            input: 3.0,
            output: 15.0,
            cache_read: Some(0.3),
            cache_write: Some(3.75),
            cache_write_1h: Some(6.0),
            long_prompt: Some(LongPrompt {
                above: 200_000,
                input: 2.0,
                output: 1.5,
            }),
        }),
        prompt_cache: Some(true),
        guardrail: Some(Guardrail {
            id: Some("gr0example12".to_owned()),
            version: Some("3".to_owned()),
            trace: Some("enabled".to_owned()),
            only_new_input: false,
        }),
    };
    assert_eq!(config.models[0], model);
    let weights = config.models[1].targets.iter().map(|target| target.weight);
    assert_eq!(weights.collect::<Vec<_>>(), [Some(3), Some(1)]);
}

#[test]
fn what_is_printed_of_models_and_accounts_reads_back() {
    let loaded = from_file(EVERYTHING).unwrap();
    let again = from_file(&loaded.to_string()).unwrap().config;
    assert_eq!(again.models, loaded.config.models);
    assert_eq!(again.accounts, loaded.config.accounts);
}

#[test]
fn every_mistake_of_a_model_is_told_with_its_line() {
    let lines = mistakes(
        r#"
[[models]]
targets = []
max_tokens = 0

[[models]]
id = "a"
target = "us.x"
cost = { input = -1 }

[[models]]
id = "b"
targets = [{ target = "us.x", weight = 2 }, "us.y"]

[[models]]
id = "c"
targets = [7, "one/two/three/us.x", "eu-west-1/arn:aws:bedrock:us-east-1:1:inference-profile/us.x"]
"#,
    );
    assert_eq!(
        lines,
        [
            "outcrop.toml:2:1: id is missing in [[models]]",
            "outcrop.toml:3:11: targets must not be empty; leave it out instead",
            "outcrop.toml:4:14: max_tokens must be a whole number from 1 to 100000000, not 0",
            "outcrop.toml:8:1: unknown key \"target\" in [[models]]; did you mean \"targets\"?",
            "outcrop.toml:9:8: output is missing in cost",
            "outcrop.toml:9:18: input must be USD per million tokens, a number from 0 to 1000000, not -1",
            "outcrop.toml:13:11: targets must have a weight each, or none at all",
            "outcrop.toml:17:12: each of targets must be a target such as \"us.amazon.nova-lite-v1:0\", \"eu-west-1/…\" \
             or \"account/eu-west-1/…\", not 7",
            "outcrop.toml:17:15: each of targets must be a target such as \"us.amazon.nova-lite-v1:0\", \"eu-west-1/…\" \
             or \"account/eu-west-1/…\", not \"one/two/three/us.x\"",
            "outcrop.toml:17:37: each of targets must not name a region, because the ARN belongs to us-east-1",
        ]
    );
}

#[test]
fn names_are_there_once_and_accounts_exist() {
    let lines = mistakes(
        r#"
[[accounts]]
name = "a"
[[accounts]]
name = "a"
[[models]]
id = "m"
[[models]]
id = "m"
"#,
    );
    assert_eq!(
        lines,
        [
            "outcrop.toml:4:1: the account \"a\" is there twice",
            "outcrop.toml:8:1: the model \"m\" is there twice",
        ]
    );
    let lines = mistakes("[[models]]\nid = \"m\"\ntargets = [\"other/us.x\"]\n");
    assert_eq!(
        lines,
        ["outcrop.toml:3:12: a target names the account \"other\", which no [[accounts]] has"]
    );
    // Beside other mistakes too, but not where one of them may be the account.
    let lines = mistakes("grace = -1\n[[models]]\nid = \"m\"\ntargets = [\"other/us.x\"]\n");
    assert_eq!(lines.len(), 2, "{lines:?}");
    for accounts in [
        "[[accounts]]\nname = \"o k\"",
        "[[accounts]]\nname = o",
        "[accounts]",
    ] {
        let lines = mistakes(&format!(
            "{accounts}\n[[models]]\nid = \"m\"\ntargets = [\"other/us.x\"]\n"
        ));
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
}

#[test]
fn one_mistake_is_told_once() {
    for (text, expected) in [
        (
            "[[models]]\nid = \n[[models]]\nid = \n",
            vec!["2:6: this is not TOML", "4:6: this is not TOML"],
        ),
        (
            "[[models]]\nid = \"a\"\ntargets = [{ target = \"a.b\", weight = 0 }, { target = \"c.d\", weight = 3 }]\n",
            vec!["3:39: weight must be a whole number from 1 to 1000, not 0"],
        ),
        (
            "[[models]]\nid = \"a b\"\ntargets = [{ target = 7, weight = 0 }]\n",
            vec![
                "2:6: id must be the id of a model, without blanks, not \"a b\"",
                "3:23: target must be a target such as",
                "3:35: weight must be a whole number from 1 to 1000, not 0",
            ],
        ),
    ] {
        let lines = mistakes(text);
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(
                line.starts_with(&format!("outcrop.toml:{expected}")),
                "{line}"
            );
        }
    }
}

#[test]
fn odd_texts_are_printed_so_that_they_read_back() {
    let loaded = from_file(
        r#"
[[accounts]]
name = "_-1"
[[models]]
id = 'bedrock/a"\é#[1m]'
targets = ["_-1/arn:aws:bedrock:eu-west-1:1:inference-profile/a/b", "yarn:c", "_-1/us-east-1/y:arn:z", "eu-west-1/x'\"z"]
cost = { input = 1e-7, output = 1_0.5, cache_read = -0.0 }
"#,
    )
    .unwrap();
    assert_eq!(loaded.config.models[0].targets.len(), 4);
    let again = from_file(&loaded.to_string()).unwrap().config;
    assert_eq!(again.models, loaded.config.models);
}

#[test]
fn an_account_has_a_name_that_is_no_region_and_a_role_that_is_one() {
    let lines = mistakes(
        r#"
[[accounts]]
name = "eu-west-1"
role_arn = "arn:aws:iam::1:role/x"
external_id = "x"
[[accounts]]
name = "b"
external_id = "xyz"
"#,
    );
    assert_eq!(
        lines,
        [
            "outcrop.toml:3:8: name must be a name of letters, digits, \"-\" and \"_\" that is no region's, not \
             \"eu-west-1\"",
            "outcrop.toml:4:12: role_arn must be the ARN of a role such as \"arn:aws:iam::123456789012:role/bedrock\", \
             not \"arn:aws:iam::1:role/x\"",
            "outcrop.toml:5:15: external_id must be an external id: 2 to 1224 of letters, digits and _+=,.@:/-, not \"x\"",
            "outcrop.toml:8:15: external_id needs a role_arn beside it",
        ]
    );
}

#[test]
fn a_name_with_a_hyphen_is_an_account_unless_it_is_a_regions() {
    let accounts = "[[accounts]]\nname = \"team-a\"\n[[accounts]]\nname = \"prod-2\"\n";
    let targets =
        r#"["team-a/a.b", "prod-2/a.b", "eusc-de-east-1/a.b", "team-a/us-gov-west-1/a.b"]"#;
    let loaded = from_file(&format!(
        "{accounts}[[models]]\nid = \"m\"\ntargets = {targets}\n"
    ));
    assert_eq!(
        loaded.unwrap().config.models[0].targets,
        [
            target(Some("team-a"), None, "a.b"),
            target(Some("prod-2"), None, "a.b"),
            target(None, Some("eusc-de-east-1"), "a.b"),
            target(Some("team-a"), Some("us-gov-west-1"), "a.b"),
        ]
    );
}

#[test]
fn a_base_model_is_an_id_that_names_its_family() {
    for wrong in [
        "claude-sonnet-4-5",
        "arn:aws:bedrock:us-east-1:1:application-inference-profile/ab",
    ] {
        let lines = mistakes(&format!(
            "[[models]]\nid = \"m\"\nbase_model = \"{wrong}\"\n"
        ));
        let problem = "outcrop.toml:3:14: base_model must be the id of a foundation model such as";
        assert!(lines[0].starts_with(problem), "{lines:?}");
    }
}

#[test]
fn a_list_is_no_section_and_no_value() {
    let problem = "models is a list of tables; write [[models]]";
    assert_eq!(
        mistakes("[models]\nid = \"a\"\n"),
        [format!("outcrop.toml:1:1: {problem}")]
    );
    assert_eq!(mistake("models", "[1]"), problem);
    assert_eq!(
        mistake("model", "1"),
        "unknown key \"model\"; did you mean \"models\"?"
    );
}

#[test]
fn lists_of_names_may_be_one_name() {
    let config = from_file("[discovery]\nregion = \"eu-west-1\"\nprovider_filter = []\n");
    let discovery = config.unwrap().config.discovery;
    assert_eq!(discovery.regions, ["eu-west-1"]);
    assert!(discovery.provider_filter.is_empty());
    assert_eq!(
        mistake("discovery.region", "[\"us-east-1\", \"Mars\"]"),
        "discovery.region must be the name of an AWS region such as \"us-east-1\", or a list of them, not \"Mars\""
    );
    assert_eq!(
        mistake("bedrock.auto_profile", "\"local\""),
        "bedrock.auto_profile must be true, false or \"global\", not \"local\""
    );
}
