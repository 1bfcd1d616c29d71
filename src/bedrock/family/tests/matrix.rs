//! One row for each model that AWS documents, in the words of its model cards.

use std::path::Path;

use super::super::*;

/// For each model: what it takes (`s`ystem, `i`mage, `d`ocument, `v`ideo, `a`udio, `t`ools, tools in a stream `T`,
/// a beginning of the answer `p`, a schema for the answer `o`), the choices among tools, how it is told to think, the
/// least prefix that is cached (with `h` for an hour, `m` for messages and system alone), which sampling parameters
/// it takes, the most output tokens and the context window.
const MODELS: &str = "
anthropic.claude-v2:1                         sdp          tool - -     free  4096 200000
anthropic.claude-3-haiku-20240307-v1:0        sidtTp       tool - -     free  4096 200000
anthropic.claude-3-sonnet-20240229-v1:0       sidtTp       tool - -     free  4096 200000
anthropic.claude-3-opus-20240229-v1:0         sidtTp       tool - -     free  4096 200000
anthropic.claude-3-5-sonnet-20240620-v1:0     sidtTp       tool - -     free  8192 200000
anthropic.claude-3-5-sonnet-20241022-v2:0     sidtTp       tool - 1024  free  8192 200000
anthropic.claude-3-5-haiku-20241022-v1:0      sdtTp        tool - 2048  free  8192 200000
anthropic.claude-3-7-sonnet-20250219-v1:0     sidtTp       tool budget 1024 free 64000 200000
anthropic.claude-sonnet-4-20250514-v1:0       sidtTp       tool budget+interleaved 1024 free 64000 200000
anthropic.claude-opus-4-20250514-v1:0         sidtTp       tool budget+interleaved 1024 free 32000 200000
anthropic.claude-opus-4-1-20250805-v1:0       sidtTp       tool budget+interleaved 1024 one 32000 200000
anthropic.claude-sonnet-4-5-20250929-v1:0     sidtTpo      tool budget+interleaved 1024h one 64000 200000
anthropic.claude-haiku-4-5-20251001-v1:0      sidtTpo      tool budget+interleaved 4096h one 64000 200000
anthropic.claude-opus-4-5-20251101-v1:0       sidtTpo      tool budget+interleaved+effort 4096h one 64000 200000
anthropic.claude-opus-4-6-v1                  sidtTo       tool adaptive+budget 4096h one 128000 1000000
anthropic.claude-sonnet-4-6                   sidtTo       tool adaptive+budget 1024h one 64000 1000000
anthropic.claude-opus-4-7                     sidtT        tool adaptive+xhigh+hidden 4096h none 128000 1000000
anthropic.claude-opus-4-8                     sidtT        tool adaptive+xhigh+hidden 1024h none 128000 1000000
anthropic.claude-sonnet-5                     sidtT        tool adaptive+default+xhigh+hidden 1024h none 128000 1000000
anthropic.claude-opus-5                       sidtT        tool adaptive+default+xhigh+hidden 512h none 128000 1000000
anthropic.claude-haiku-5-5                    sidtT        tool adaptive+default+xhigh+hidden 512h none 128000 1000000
anthropic.claude-sonnet-5-5                   sidtT        tool adaptive+default+xhigh+hidden 1024h none 128000 1000000
anthropic.claude-opus-5-5                     sidtT        tool adaptive+always+xhigh+hidden 512h none 128000 1000000
anthropic.claude-fable-5                      sidtT        auto adaptive+always+xhigh+hidden 512h none 128000 1000000
anthropic.claude-fable-5-1                    sidtT        auto adaptive+always+xhigh+hidden 512h none 128000 1000000
anthropic.claude-mythos-5                     sidtT        auto adaptive+always+xhigh+hidden 512h none 128000 1000000
anthropic.claude-mythos-5-1                   sidtT        auto adaptive+always+xhigh+hidden 512h none 128000 1000000
amazon.nova-micro-v1:0                        stTp         tool - 1000m free 10000 128000
amazon.nova-lite-v1:0                         sidvtTp      tool - 1000m free 10000 300000
amazon.nova-pro-v1:0                          sidvtTp      tool - 1000m free 10000 300000
amazon.nova-premier-v1:0                      sidvtTp      tool - 1000m free 10000 1000000
amazon.nova-2-lite-v1:0                       sidvtTp      tool nova 1000m free 65535 1000000
amazon.titan-text-express-v1                  d            tool - - free - -
amazon.titan-text-premier-v1:0                d            tool - - free - -
meta.llama3-8b-instruct-v1:0                  sd           auto - - free - -
meta.llama3-70b-instruct-v1:0                 sd           auto - - free - -
meta.llama3-1-8b-instruct-v1:0                sdt          auto - - free 4096 128000
meta.llama3-1-405b-instruct-v1:0              sdt          auto - - free 4096 128000
meta.llama3-2-1b-instruct-v1:0                sd           auto - - free - 128000
meta.llama3-2-3b-instruct-v1:0                sd           auto - - free - 128000
meta.llama3-2-11b-instruct-v1:0               sidt         auto - - free - 128000
meta.llama3-2-90b-instruct-v1:0               sidt         auto - - free - 128000
meta.llama3-3-70b-instruct-v1:0               sdt          auto - - free 4096 128000
meta.llama4-scout-17b-instruct-v1:0           sidt         auto - - free - -
meta.llama4-maverick-17b-instruct-v1:0        sidt         auto - - free - -
mistral.mistral-7b-instruct-v0:2              d            any - - free - -
mistral.mixtral-8x7b-instruct-v0:1            d            any - - free - -
mistral.mistral-large-2402-v1:0               sdt          any - - free - -
mistral.mistral-large-2407-v1:0               sdt          any - - free - -
mistral.mistral-small-2402-v1:0               st           any - - free - -
mistral.pixtral-large-2502-v1:0               sidtT        any - - free - -
mistral.mistral-large-3-675b-instruct         sitTo        any - - free 262144 262144
mistral.ministral-3-8b-instruct               sitTo        any - - free 262144 262144
mistral.magistral-small-2509                  sitTo        any embedded - free 131072 131072
mistral.voxtral-small-24b-2507                satTo        any - - free - 32768
mistral.devstral-2-123b                       stT          any - - free - -
cohere.command-r-v1:0                         sdtT         tool - - free - -
cohere.command-r-plus-v1:0                    sdtT         tool - - free - -
ai21.jamba-1-5-mini-v1:0                      sdtT         tool - - free - -
ai21.jamba-1-5-large-v1:0                     sdtT         tool - - free - -
ai21.jamba-instruct-v1:0                      sd           tool - - free - -
deepseek.r1-v1:0                              sd           tool embedded - free - -
deepseek.v3-v1:0                              stTo         any reasoning_effort:high - free 81920 163840
deepseek.v3.2                                 stTo         any reasoning_effort:high - free 81920 163840
qwen.qwen3-32b-v1:0                           stTo         tool reasoning_config:low,high - free 16384 32768
qwen.qwen3-235b-a22b-2507-v1:0                stTo         tool - - free 262144 262144
qwen.qwen3-coder-30b-a3b-v1:0                 stTo         tool - - free 262144 262144
qwen.qwen3-coder-480b-a35b-v1:0               stTo         tool - - free 131072 131072
qwen.qwen3-next-80b-a3b                       stTo         tool reasoning_config:low,high - free 262144 262144
qwen.qwen3-vl-235b-a22b                       sitTo        tool reasoning_config:low,high - free 262144 262144
openai.gpt-oss-20b-1:0                        stTo         tool reasoning_effort:low,medium,high - free 128000 128000
openai.gpt-oss-120b-1:0                       stTo         tool reasoning_effort:low,medium,high - free 128000 128000
openai.gpt-oss-safeguard-20b                  stT          tool embedded - free 128000 128000
openai.gpt-5.6-luna                           sidtTo       tool reasoning.effort:none,low,medium,high,xhigh - none - -
xai.grok-4.6                                  sidtT        tool reasoning_effort:low,medium,high,xhigh - none - -
moonshot.kimi-k2-thinking                     stTo         tool embedded - free 262144 262144
moonshotai.kimi-k2.5                          sitTo        tool reasoning_effort:low,high,max - free 262144 262144
moonshotai.kimi-k3                            sitTo        tool reasoning_effort:low,high,max - free 262144 262144
zai.glm-4.7                                   stTo         tool - - free 131072 202752
zai.glm-4.7-flash                             stTo         tool - - free 131072 202752
zai.glm-5                                     stTo         tool - - free 131072 202752
minimax.minimax-m2                            stTo         tool embedded - free 98304 196608
minimax.minimax-m2.1                          stTo         tool embedded - free 98304 196608
google.gemma-3-4b-it                          sitT         tool - - free 131072 131072
google.gemma-3-12b-it                         sitTo        tool - - free 131072 131072
google.gemma-3-27b-it                         sitTo        tool - - free 131072 131072
nvidia.nemotron-nano-9b-v2                    stTo         tool - - free 131072 131072
nvidia.nemotron-nano-12b-v2                   sitTo        tool - - free 131072 131072
nvidia.nemotron-nano-3-30b                    stTo         tool - - free 262144 262144
nvidia.nemotron-super-3-120b                  stT          tool - - free 131072 131072
writer.palmyra-x4-v1:0                        sdt          auto - - free 8192 -
writer.palmyra-x5-v1:0                        sdt          auto - - free 8192 -
";

#[test]
fn every_documented_model_has_its_row() {
    for row in MODELS.lines().filter(|row| !row.is_empty()) {
        let (id, expected) = row.split_once(' ').unwrap();
        let expected: Vec<_> = expected.split_whitespace().collect();
        let described = described(&Family::of(Some(id)));
        assert_eq!(described, expected.join(" "), "{id}");
    }
}

/// `fixtures/families` shows what each of them is sent.
#[test]
fn every_row_has_a_golden_request() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/families");
    let golden = |id: &str| {
        let name = id.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        Path::new(folder).join(name).with_extension("snap").exists()
    };
    let ids = || {
        MODELS
            .lines()
            .filter_map(|row| row.split_whitespace().next())
    };
    let shown: Vec<Family> = ids()
        .filter(|id| golden(id))
        .map(|id| Family::of(Some(id)))
        .collect();
    let missing: Vec<&str> = ids()
        .filter(|id| !shown.contains(&Family::of(Some(id))))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn described(family: &Family) -> String {
    let taken = [
        ('s', family.system),
        ('i', family.image),
        ('d', family.document),
        ('v', family.video),
        ('a', family.audio),
        ('t', family.tools),
        ('T', family.tools && family.streaming_tools),
        ('p', family.prefill),
        ('o', family.structured_output),
    ];
    let taken: String = taken
        .into_iter()
        .filter_map(|(letter, taken)| taken.then_some(letter))
        .collect();
    let choice = match family.tool_choice {
        ToolChoiceForms::Auto => "auto",
        ToolChoiceForms::AutoAny => "any",
        ToolChoiceForms::All => "tool",
    };
    let sampling = match family.sampling {
        Sampling::Free => "free",
        Sampling::EitherOne => "one",
        Sampling::Temperature => "temperature",
        Sampling::TopP => "top_p",
        Sampling::Refused => "none",
    };
    let none = || "-".to_owned();
    let cache = family.prompt_cache.map_or_else(none, |cache| {
        let hour = if cache.one_hour { "h" } else { "" };
        let messages = if cache.tools || cache.tool_turns {
            ""
        } else {
            "m"
        };
        format!("{}{hour}{messages}", cache.min_tokens)
    });
    let number = |number: Option<u32>| number.map_or_else(none, |number| number.to_string());
    [
        taken.as_str(),
        choice,
        &reasoning(family.reasoning),
        &cache,
        sampling,
        &number(family.max_output_tokens),
        &number(family.context_window),
    ]
    .join(" ")
}

fn reasoning(reasoning: Reasoning) -> String {
    let with = |name: &str, more: &[(bool, &str)]| {
        let more = more.iter().filter(|(is, _)| *is).map(|(_, more)| *more);
        [name].into_iter().chain(more).collect::<Vec<_>>().join("+")
    };
    match reasoning {
        Reasoning::None => "-".to_owned(),
        Reasoning::Embedded => "embedded".to_owned(),
        Reasoning::ReasoningConfig => "nova".to_owned(),
        Reasoning::Budget {
            interleaved_beta,
            effort_beta,
        } => with(
            "budget",
            &[(interleaved_beta, "interleaved"), (effort_beta, "effort")],
        ),
        Reasoning::Adaptive(adaptive) => {
            let always = adaptive.on_by_default && !adaptive.can_be_disabled;
            with(
                "adaptive",
                &[
                    (adaptive.on_by_default && !always, "default"),
                    (always, "always"),
                    (adaptive.budget, "budget"),
                    (adaptive.xhigh, "xhigh"),
                    (adaptive.hides_text, "hidden"),
                ],
            )
        }
        Reasoning::Effort { field, values, .. } => {
            let field = match field {
                EffortField::ReasoningEffort => "reasoning_effort",
                EffortField::Reasoning => "reasoning.effort",
                EffortField::ReasoningConfig => "reasoning_config",
            };
            format!("{field}:{}", values.join(","))
        }
    }
}
