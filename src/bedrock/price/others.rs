//! The providers whose models have few prices each.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    Row::new("ai21.jamba-instruct", 0.50, 0.70),
    Row::new("ai21.jamba-1-5-mini", 0.20, 0.40),
    Row::new("ai21.jamba-1-5-large", 2.00, 8.00),
    Row::new("cohere.command-light-text-v14", 0.30, 0.60),
    Row::new("cohere.command-text-v14", 1.50, 2.00),
    Row::new("cohere.command-r", 0.50, 1.50),
    Row::new("cohere.command-r-plus", 3.00, 15.00),
    Row::embeddings("cohere.embed-english-v3", 0.10),
    Row::embeddings("cohere.embed-multilingual-v3", 0.10),
    Row::embeddings("cohere.embed-v4", 0.12),
    Row::new("deepseek.r1", 1.35, 5.40),
    Row::new("deepseek.v3", 0.58, 1.68),
    Row::new("deepseek.v3.2", 0.62, 1.85),
    Row::new("google.gemma-3-4b-it", 0.04, 0.08),
    Row::new("google.gemma-3-12b-it", 0.09, 0.29),
    Row::new("google.gemma-3-27b-it", 0.23, 0.38),
    Row::new("meta.llama3-8b-instruct", 0.30, 0.60),
    Row::new("meta.llama3-70b-instruct", 2.65, 3.50),
    Row::new("meta.llama3-1-8b-instruct", 0.22, 0.22),
    Row::new("meta.llama3-1-70b-instruct", 0.72, 0.72),
    Row::new("meta.llama3-1-405b-instruct", 2.40, 2.40),
    Row::new("meta.llama3-2-1b-instruct", 0.10, 0.10),
    Row::new("meta.llama3-2-3b-instruct", 0.15, 0.15),
    Row::new("meta.llama3-2-11b-instruct", 0.16, 0.16),
    Row::new("meta.llama3-2-90b-instruct", 0.72, 0.72),
    Row::new("meta.llama3-3-70b-instruct", 0.72, 0.72),
    Row::new("meta.llama4-scout-17b-instruct", 0.17, 0.66),
    Row::new("meta.llama4-maverick-17b-instruct", 0.24, 0.97),
    Row::new("minimax.minimax-m2", 0.30, 1.20),
    Row::new("minimax.minimax-m2.1", 0.30, 1.20),
    Row::new("minimax.minimax-m2.5", 0.30, 1.20),
    Row::new("mistral.mistral-7b-instruct", 0.15, 0.20),
    Row::new("mistral.mixtral-8x7b-instruct", 0.45, 0.70),
    Row::new("mistral.mistral-small-2402", 1.00, 3.00),
    Row::new("mistral.mistral-large-2402", 4.00, 12.00),
    Row::new("mistral.mistral-large-2407", 2.00, 6.00),
    Row::new("mistral.pixtral-large-2502", 2.00, 6.00),
    Row::new("mistral.mistral-large-3-675b-instruct", 0.50, 1.50),
    Row::new("mistral.ministral-3-3b-instruct", 0.10, 0.10),
    Row::new("mistral.ministral-3-8b-instruct", 0.15, 0.15),
    Row::new("mistral.ministral-3-14b-instruct", 0.20, 0.20),
    Row::new("mistral.magistral-small-2509", 0.50, 1.50),
    Row::new("mistral.devstral-2-123b", 0.40, 2.00),
    Row::new("mistral.voxtral-mini-3b-2507", 0.04, 0.04),
    Row::new("mistral.voxtral-small-24b-2507", 0.10, 0.30),
    Row::new("moonshot.kimi-k2-thinking", 0.60, 2.50),
    Row::new("moonshotai.kimi-k2.5", 0.60, 3.00),
    cached("moonshotai.kimi-k3", 3.00, 15.00, 0.30).written(3.75),
    Row::new("nvidia.nemotron-nano-9b-v2", 0.06, 0.23),
    Row::new("nvidia.nemotron-nano-12b-v2", 0.20, 0.60),
    Row::new("nvidia.nemotron-nano-3-30b", 0.06, 0.24),
    Row::new("nvidia.nemotron-super-3-120b", 0.15, 0.65),
    Row::new("openai.gpt-oss-20b-1", 0.07, 0.30),
    Row::new("openai.gpt-oss-120b-1", 0.15, 0.60),
    Row::new("openai.gpt-oss-safeguard-20b", 0.07, 0.20),
    Row::new("openai.gpt-oss-safeguard-120b", 0.15, 0.60),
    cached("openai.gpt-5.6-luna", 0.20, 1.20, 0.02)
        .written(0.25)
        .long_above(272_000, 2.0, 1.5),
    cached("openai.gpt-5.6-terra", 2.00, 12.00, 0.20)
        .written(2.50)
        .long_above(272_000, 2.0, 1.5),
    cached("openai.gpt-5.6-sol", 4.00, 20.00, 0.40)
        .written(5.00)
        .long_above(272_000, 2.0, 1.5),
    Row::new("qwen.qwen3-32b", 0.15, 0.60),
    Row::new("qwen.qwen3-235b-a22b-2507", 0.22, 0.88),
    Row::new("qwen.qwen3-coder-30b-a3b", 0.15, 0.60),
    Row::new("qwen.qwen3-coder-next", 0.50, 1.20),
    Row::new("qwen.qwen3-next-80b-a3b", 0.15, 1.20),
    Row::new("qwen.qwen3-vl-235b-a22b", 0.53, 2.66),
    Row::new("writer.palmyra-x4", 2.50, 10.00),
    Row::new("writer.palmyra-x5", 0.60, 6.00),
    cached("xai.grok-4.6", 2.00, 6.00, 0.50),
    Row::new("zai.glm-4.7", 0.60, 2.20),
    Row::new("zai.glm-4.7-flash", 0.07, 0.40),
    Row::new("zai.glm-5", 1.00, 3.20),
    cached("zai.glm-5.3", 1.68, 5.28, 0.312).written(2.10),
];

/// One of the newest models: its input, its output and what is read from the cache, through `global.`.
const fn cached(model: &'static str, input: f64, output: f64, read: f64) -> Row {
    Row::new(model, input, output).read(read).through_global()
}
