//! What a foundation model is for, as far as a route of ours serves it.

use super::Purpose;
use crate::bedrock::EmbeddingModel;
use crate::bedrock::listing::FoundationModelSummary;

/// Parts of the ids of models that do not converse, though some of them answer with text: rerankers, video
/// understanding, speech, a model without Converse, other embeddings, and makers of images and videos.
const NEVER_CHAT: [&str; 11] = [
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
];

/// What the model of `id` is for, by its id and by its row where it has one; `None` when no route serves it.
pub(super) fn of(id: &str, row: &FoundationModelSummary) -> Option<Purpose> {
    let outputs = &row.output_modalities;
    let yields = |modality: &str| outputs.is_empty() || outputs.iter().any(|one| one == modality);
    if EmbeddingModel::of(id).is_some() {
        return yields("EMBEDDING").then_some(Purpose::Embeddings);
    }
    let speaks = outputs.iter().any(|one| one == "SPEECH" || one == "AUDIO");
    let converses = yields("TEXT")
        && !speaks
        && row.response_streaming_supported != Some(false)
        && !NEVER_CHAT.iter().any(|part| id.contains(part));
    converses.then_some(Purpose::Chat)
}
