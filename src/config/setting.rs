//! Every option in one table, which drives the file, the variables, the suggestions, the help and
//! `--print-config`. The defaults are those of [`Config`] itself.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use super::show::{put, seconds, text, texts};
use super::value::Value;
use super::{AutoProfile, Config, FetchImages, OnDisconnect, PromptCacheMode, Unsupported};
use keys::OF_KEYS;

mod keys;

/// The longest time that an option can name: a day.
const DAY: f64 = 86_400.0;

/// What a time that must pass can be; the lower end keeps a timer from spinning.
const TIMEOUT: RangeInclusive<f64> = 0.001..=DAY;

/// One option: what it is called, what it does, and its place in a [`Config`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// The TOML table it stands in; empty at the top level.
    pub(super) section: &'static str,
    /// Its key in that table.
    pub(super) key: &'static str,
    /// What it does, for the help.
    pub(super) about: &'static str,
    /// Puts a value into a configuration, or says what would be right.
    pub(super) read: fn(&mut Config, &Value<'_>) -> Result<(), String>,
    /// Writes its value as TOML; `None` when it is not set.
    pub(super) show: fn(&Config) -> Option<String>,
}

impl Setting {
    /// Returns its name with the section, as messages and `--print-config` call it.
    pub(super) fn name(&self) -> String {
        if self.section.is_empty() {
            self.key.to_owned()
        } else {
            format!("{}.{}", self.section, self.key)
        }
    }

    /// Returns the name of its environment variable.
    pub(super) fn variable(&self) -> String {
        format!("OUTCROP_{}", self.name().replace('.', "_").to_uppercase())
    }
}

/// Finds the option `key` of `section`.
pub(super) fn find(section: &str, key: &str) -> Option<&'static Setting> {
    SETTINGS
        .iter()
        .find(|setting| setting.section == section && setting.key == key)
}

/// Returns the sections that options stand in, without the top level, in their order.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    let sections = SETTINGS.iter().map(|setting| setting.section);
    sections.filter(move |section| std::mem::replace(&mut last, section) != *section)
}

/// All options; those of one section stand together, the top level first.
pub(super) static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| [OF_CALLS, OF_KEYS].concat());

/// Those of a call, from the client to Bedrock and back.
const OF_CALLS: &[Setting] = &[
    Setting {
        section: "",
        key: "listen",
        about: "The address and port to listen on; port 0 takes a free one",
        read: |config, value| put(&mut config.listen, value.address()),
        show: |config| text(&config.listen),
    },
    Setting {
        section: "",
        key: "grace",
        about: "Seconds that open streams may go on after SIGTERM or SIGINT",
        read: |config, value| put(&mut config.grace, value.seconds(&(0.0..=DAY))),
        show: |config| seconds(config.grace),
    },
    Setting {
        section: "",
        key: "max_body_bytes",
        about: "The longest request body, in bytes",
        read: |config, value| {
            put(
                &mut config.max_body_bytes,
                value.whole(&(1024..=1024 * 1024 * 1024)),
            )
        },
        show: |config| Some(config.max_body_bytes.to_string()),
    },
    Setting {
        section: "",
        key: "unsupported",
        about: "\"ignore\" names fields that merely tune the answer in x-outcrop-ignored, \"reject\" refuses them",
        read: |config, value| put(&mut config.unsupported, value.unsupported()),
        show: |config| match config.unsupported {
            Unsupported::Ignore => text("ignore"),
            Unsupported::Reject => text("reject"),
        },
    },
    Setting {
        section: "",
        key: "allow_anonymous",
        about: "Serve without keys on an address that is not loopback",
        read: |config, value| put(&mut config.allow_anonymous, value.boolean()),
        show: |config| Some(config.allow_anonymous.to_string()),
    },
    Setting {
        section: "",
        key: "keep_alive",
        about: "Seconds between signs of life while Bedrock is silent; 0 sends none",
        read: |config, value| {
            let reading = value.seconds_or_zero(&(0.01..=3600.0), "none is sent");
            put(&mut config.keep_alive, reading)
        },
        show: |config| seconds(config.keep_alive),
    },
    Setting {
        section: "",
        key: "commit_after",
        about: "Seconds that the answer's status waits for Bedrock's first message; 0 waits for ever",
        read: |config, value| {
            let reading = value.seconds_or_zero(&TIMEOUT, "for ever");
            put(
                &mut config.commit_after,
                reading.map(|time| (!time.is_zero()).then_some(time)),
            )
        },
        show: |config| seconds(config.commit_after.unwrap_or_default()),
    },
    Setting {
        section: "bedrock",
        key: "region",
        about: "The AWS region; else AWS_REGION, AWS_DEFAULT_REGION, the profile, instance metadata, us-east-1",
        read: |config, value| put(&mut config.bedrock.region, value.region().map(Some)),
        show: |config| config.bedrock.region.as_ref().and_then(text),
    },
    Setting {
        section: "bedrock",
        key: "endpoint_url",
        about: "Where Converse calls go; else AWS_ENDPOINT_URL_BEDROCK_RUNTIME, AWS_ENDPOINT_URL, the region's endpoint",
        read: |config, value| put(&mut config.bedrock.endpoint_url, value.url().map(Some)),
        show: |config| config.bedrock.endpoint_url.as_ref().and_then(text),
    },
    Setting {
        section: "bedrock",
        key: "control_endpoint_url",
        about: "Where listings go; else AWS_ENDPOINT_URL_BEDROCK, AWS_ENDPOINT_URL, the region's endpoint",
        read: |config, value| {
            put(
                &mut config.bedrock.control_endpoint_url,
                value.url().map(Some),
            )
        },
        show: |config| config.bedrock.control_endpoint_url.as_ref().and_then(text),
    },
    Setting {
        section: "bedrock",
        key: "connect_timeout",
        about: "Seconds to wait for a connection",
        read: |config, value| put(&mut config.bedrock.connect_timeout, value.seconds(&TIMEOUT)),
        show: |config| seconds(config.bedrock.connect_timeout),
    },
    Setting {
        section: "bedrock",
        key: "head_timeout",
        about: "Seconds to wait for a response head; thinking models take minutes",
        read: |config, value| put(&mut config.bedrock.head_timeout, value.seconds(&TIMEOUT)),
        show: |config| seconds(config.bedrock.head_timeout),
    },
    Setting {
        section: "bedrock",
        key: "idle_timeout",
        about: "Seconds of silence allowed between two parts of a response",
        read: |config, value| put(&mut config.bedrock.idle_timeout, value.seconds(&TIMEOUT)),
        show: |config| seconds(config.bedrock.idle_timeout),
    },
    Setting {
        section: "bedrock",
        key: "total_timeout",
        about: "Seconds that one call may take, the whole response included",
        read: |config, value| put(&mut config.bedrock.total_timeout, value.seconds(&TIMEOUT)),
        show: |config| seconds(config.bedrock.total_timeout),
    },
    Setting {
        section: "bedrock",
        key: "max_attempts",
        about: "How many calls are made at most for one request, while it fails; each target of a model gets one all the same",
        read: |config, value| put(&mut config.bedrock.max_attempts, value.whole(&(1..=10))),
        show: |config| Some(config.bedrock.max_attempts.to_string()),
    },
    Setting {
        section: "bedrock",
        key: "auto_profile",
        about: "Whether a model that needs an inference profile is called through one: true takes one of the region's \
                geography, \"global\" also one of the whole world",
        read: |config, value| put(&mut config.bedrock.auto_profile, value.auto_profile()),
        show: |config| match config.bedrock.auto_profile {
            AutoProfile::Off => Some("false".to_owned()),
            AutoProfile::Geography => Some("true".to_owned()),
            AutoProfile::Global => text("global"),
        },
    },
    Setting {
        section: "bedrock",
        key: "on_disconnect",
        about: "What becomes of a stream whose client left: \"cancel\" ends it, \"drain\" reads it to its end for the exact usage",
        read: |config, value| put(&mut config.bedrock.on_disconnect, value.on_disconnect()),
        show: |config| match config.bedrock.on_disconnect {
            OnDisconnect::Cancel => text("cancel"),
            OnDisconnect::Drain => text("drain"),
        },
    },
    Setting {
        section: "discovery",
        key: "enabled",
        about: "Whether AWS is asked for the models that /v1/models lists",
        read: |config, value| put(&mut config.discovery.enabled, value.boolean()),
        show: |config| Some(config.discovery.enabled.to_string()),
    },
    Setting {
        section: "discovery",
        key: "region",
        about: "The region whose models are listed, or a list of them; else the gateway's",
        read: |config, value| put(&mut config.discovery.regions, value.regions()),
        show: |config| {
            texts(&config.discovery.regions).filter(|_| !config.discovery.regions.is_empty())
        },
    },
    Setting {
        section: "discovery",
        key: "provider_filter",
        about: "The providers whose models are listed, such as [\"anthropic\", \"amazon\"]; none lists all",
        read: |config, value| put(&mut config.discovery.provider_filter, value.names()),
        show: |config| texts(&config.discovery.provider_filter),
    },
    Setting {
        section: "discovery",
        key: "refresh_interval",
        about: "Seconds that a list of models is good; 0 asks AWS for each answer",
        read: |config, value| {
            let reading = value.seconds_or_zero(&(1.0..=30.0 * DAY), "AWS is asked each time");
            put(&mut config.discovery.refresh_interval, reading)
        },
        show: |config| seconds(config.discovery.refresh_interval),
    },
    Setting {
        section: "discovery",
        key: "default_context_window",
        about: "The context window, in tokens, that is listed for a model of which it is not known",
        read: |config, value| {
            put(
                &mut config.discovery.default_context_window,
                value.whole(&(1..=100_000_000)),
            )
        },
        show: |config| Some(config.discovery.default_context_window.to_string()),
    },
    Setting {
        section: "discovery",
        key: "default_max_tokens",
        about: "The most tokens of an answer that are listed for a model of which that is not known",
        read: |config, value| {
            put(
                &mut config.discovery.default_max_tokens,
                value.whole(&(1..=100_000_000)),
            )
        },
        show: |config| Some(config.discovery.default_max_tokens.to_string()),
    },
    Setting {
        section: "prompt_cache",
        key: "mode",
        about: "\"auto\" sets cache points where they pay, \"client\" sets only those that clients ask for, \"off\" none",
        read: |config, value| put(&mut config.prompt_cache.mode, value.prompt_cache_mode()),
        show: |config| match config.prompt_cache.mode {
            PromptCacheMode::Auto => text("auto"),
            PromptCacheMode::Client => text("client"),
            PromptCacheMode::Off => text("off"),
        },
    },
    Setting {
        section: "reasoning",
        key: "add_budget",
        about: "Whether Claude's thinking budget comes on top of max_completion_tokens, which OpenAI counts in",
        read: |config, value| put(&mut config.reasoning.add_budget, value.boolean()),
        show: |config| Some(config.reasoning.add_budget.to_string()),
    },
    Setting {
        section: "recall",
        key: "max_bytes",
        about: "How many bytes of reasoning are remembered for clients that do not send it back; 0 remembers none",
        read: |config, value| {
            put(
                &mut config.recall.max_bytes,
                value.whole(&(0..=64 * 1024 * 1024 * 1024)),
            )
        },
        show: |config| Some(config.recall.max_bytes.to_string()),
    },
    Setting {
        section: "recall",
        key: "ttl",
        about: "Seconds that a turn's reasoning is remembered after its last use; 0 remembers none",
        read: |config, value| {
            let reading = value.seconds_or_zero(&(1.0..=30.0 * DAY), "none is remembered");
            put(&mut config.recall.ttl, reading)
        },
        show: |config| seconds(config.recall.ttl),
    },
    Setting {
        section: "fetch",
        key: "images",
        about: "\"public\" fetches images from https servers of the public internet, \"off\" refuses their addresses",
        read: |config, value| put(&mut config.fetch.images, value.fetch_images()),
        show: |config| match config.fetch.images {
            FetchImages::Off => text("off"),
            FetchImages::Public => text("public"),
        },
    },
    Setting {
        section: "fetch",
        key: "max_bytes",
        about: "The largest image that is fetched, in bytes; Bedrock takes no larger one than the default",
        read: |config, value| put(&mut config.fetch.max_bytes, value.whole(&(1..=3_932_160))),
        show: |config| Some(config.fetch.max_bytes.to_string()),
    },
    Setting {
        section: "fetch",
        key: "timeout",
        about: "Seconds that the fetch of one image may take, redirects included",
        read: |config, value| put(&mut config.fetch.timeout, value.seconds(&(0.001..=300.0))),
        show: |config| seconds(config.fetch.timeout),
    },
    Setting {
        section: "fetch",
        key: "redirects",
        about: "How many redirects are followed for one image",
        read: |config, value| put(&mut config.fetch.redirects, value.whole(&(0..=10))),
        show: |config| Some(config.fetch.redirects.to_string()),
    },
    Setting {
        section: "fetch",
        key: "s3",
        about: "Whether clients may name media in S3, which Bedrock reads with the gateway's credentials",
        read: |config, value| put(&mut config.fetch.s3, value.boolean()),
        show: |config| Some(config.fetch.s3.to_string()),
    },
    Setting {
        section: "guardrail",
        key: "id",
        about: "The guardrail that every call has to pass; no request can change or remove it",
        read: |config, value| put(&mut config.guardrail.id, value.guardrail_id().map(Some)),
        show: |config| config.guardrail.id.as_ref().and_then(text),
    },
    Setting {
        section: "guardrail",
        key: "version",
        about: "Its version, a number or \"DRAFT\"",
        read: |config, value| {
            put(
                &mut config.guardrail.version,
                value.guardrail_version().map(Some),
            )
        },
        show: |config| config.guardrail.version.as_ref().and_then(text),
    },
    Setting {
        section: "guardrail",
        key: "trace",
        about: "\"enabled\", \"disabled\" or \"enabled_full\": what answers with a bedrock object tell of its work",
        read: |config, value| {
            put(
                &mut config.guardrail.trace,
                value.guardrail_trace().map(Some),
            )
        },
        show: |config| config.guardrail.trace.as_ref().and_then(text),
    },
    Setting {
        section: "guardrail",
        key: "only_new_input",
        about: "Whether a guardrail checks the last user turn alone; what a client calls history then passes unchecked",
        read: |config, value| put(&mut config.guardrail.only_new_input, value.boolean()),
        show: |config| Some(config.guardrail.only_new_input.to_string()),
    },
];
