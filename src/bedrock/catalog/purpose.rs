//! What a foundation model is for, as far as a route of ours serves it.

use super::Purpose;
use crate::bedrock::listing::FoundationModelSummary;

/// The embedding models whose requests can be written, by the beginnings of their ids.
const EMBEDDINGS: [&str; 6] = [
    "amazon.nova-2-multimodal-embeddings-v1",
    "amazon.titan-embed-text-v1",
    "amazon.titan-embed-text-v2",
    "cohere.embed-english-v3",
    "cohere.embed-multilingual-v3",
    "cohere.embed-v4",
];

/// Parts of the ids of models that do not converse, though some of them answer with text: rerankers, video
/// understanding, speech, a model without Converse, other embeddings, and makers of images and videos.
const NEVER_CHAT: [&str; 12] = [
    "rerank",
    "pegasus",
    "sonic",
    "titan-tg1",
    "embed",
    "titan-image",
    "nova-canvas",
    "nova-reel",
    "stability.",
    "luma.",
    "twelvelabs.",
    "stable-",
];

/// What the model of `id` is for, by its id and by its row where it has one; `None` when no route serves it.
pub(super) fn of(id: &str, row: &FoundationModelSummary) -> Option<Purpose> {
    let outputs = &row.output_modalities;
    let yields = |modality: &str| outputs.is_empty() || outputs.iter().any(|one| one == modality);
    if EMBEDDINGS.iter().any(|start| id.starts_with(start)) {
        return yields("EMBEDDING").then_some(Purpose::Embeddings);
    }
    let speaks = outputs.iter().any(|one| one == "SPEECH" || one == "AUDIO");
    let converses = yields("TEXT")
        && !speaks
        && row.response_streaming_supported != Some(false)
        && !NEVER_CHAT.iter().any(|part| id.contains(part));
    converses.then_some(Purpose::Chat)
}
