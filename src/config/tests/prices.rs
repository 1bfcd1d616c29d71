use std::fs;

use super::directory;
use crate::config::{Cost, Environment, Flags, Loaded, LongPrompt, Mistakes, Price, load};

/// Loads a configuration that names `prices.toml` with this text.
fn with_prices(text: &str) -> Result<Loaded, Mistakes> {
    let directory = directory("[prices]\nfile = \"prices.toml\"\n");
    fs::write(directory.path().join("prices.toml"), text).unwrap();
    let loaded = load(&Flags::default(), &Environment::default(), directory.path());
    let prefix = format!("{}/", directory.path().display());
    if let Err(mistakes) = &loaded {
        assert!(
            mistakes.lines().all(|line| line.starts_with(&prefix)),
            "{mistakes}"
        );
    }
    loaded
}

/// What is wrong with the file, without the directory.
fn mistakes(text: &str) -> Vec<String> {
    let mistakes = with_prices(text).unwrap_err();
    let name = |line: String| line.rsplit_once("/prices.toml:").unwrap().1.to_owned();
    mistakes.lines().map(name).collect()
}

#[test]
fn a_file_of_prices_is_read_whole() {
    let config = with_prices(
        r#"
        [[prices]]
        model = "anthropic.claude-sonnet-4-5"
        input = 2.4
        output = 12
        cache_read = 0.24
        cache_write = 3
        cache_write_1h = 4.8
        long_prompt = { above = 200_000, input = 2, output = 1.5 }

        [[prices]]
        model = "anthropic.claude-sonnet-4-5"
        region = "eu-west-1"
        input = 0
        output = 0
        "#,
    );
    let prices = config.unwrap().config.prices.list;
    let whole = Price {
        model: "anthropic.claude-sonnet-4-5".to_owned(),
        region: None,
        cost: Cost {
            input: 2.4,
            output: 12.0,
            cache_read: Some(0.24),
            cache_write: Some(3.0),
            cache_write_1h: Some(4.8),
            long_prompt: Some(LongPrompt {
                above: 200_000,
                input: 2.0,
                output: 1.5,
            }),
        },
    };
    assert_eq!(prices[0], whole);
    assert_eq!(prices[1].region.as_deref(), Some("eu-west-1"));
    assert_eq!(prices[1].cost, Cost::default());
    assert_eq!(prices.len(), 2);
}

#[test]
fn an_empty_file_has_no_prices() {
    assert_eq!(with_prices("").unwrap().config.prices.list, []);
}

#[test]
fn every_mistake_in_it_is_told_with_its_line() {
    assert_eq!(
        mistakes(
            r#"models = []
[[prices]]
model = "a b"
input = -1
long_prompt = { above = 0, input = 2 }
[[prices]]
model = "a"
region = "nowhere!"
input = 1
output = 1
outputs = 2
[[prices]]
model = "b"
input = 1
output = 1
[[prices]]
model = "b"
input = 2
output = 2
"#
        ),
        [
            "1:1: unknown key \"models\"; write [[prices]]",
            "2:1: output is missing in [[prices]]",
            "3:9: model must be the id of a model, without blanks, not \"a b\"",
            "4:9: input must be USD per million tokens, a number from 0 to 1000000, not -1",
            "5:15: output is missing in long_prompt",
            "5:25: above must be a whole number from 1 to 100000000, not 0",
            "8:10: region must be a region such as \"eu-west-1\", not \"nowhere!\"",
            "11:1: unknown key \"outputs\" in [[prices]]; did you mean \"output\"?",
            "16:1: the price of \"b\" is there twice",
        ]
    );
    assert_eq!(
        mistakes("prices = 3\n"),
        ["1:10: prices is a list of tables; write [[prices]]"]
    );
    let broken = mistakes("[[prices]]\nmodel =\n");
    assert!(
        broken
            .iter()
            .any(|line| line.starts_with("2:8: this is not TOML")),
        "{broken:?}"
    );
}

#[test]
fn a_file_that_is_not_there_is_a_mistake_of_whoever_named_it() {
    let directory = directory("\n[prices]\nfile = \"gone.toml\"\n");
    let result = load(&Flags::default(), &Environment::default(), directory.path());
    let lines: Vec<_> = result.unwrap_err().lines().collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("outcrop.toml:3:8: the file "),
        "{lines:?}"
    );
    assert!(lines[0].contains("gone.toml\" cannot be read"), "{lines:?}");
}

#[test]
fn the_file_that_the_readme_shows_is_read() {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once("# prices.toml").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let (_, text) = text.split_once('\n').unwrap();
    let prices = with_prices(text).unwrap().config.prices.list;
    let regions = prices.iter().map(|price| price.region.as_deref());
    assert_eq!(regions.collect::<Vec<_>>(), [None, Some("eu-west-3")]);
    assert!(prices[0].cost.long_prompt.is_some());
}
