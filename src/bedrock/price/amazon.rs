//! Nova and Titan. No price is published for what Nova writes to its cache.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    Row::new("amazon.nova-micro", 0.035, 0.14).read(0.008_75),
    Row::new("amazon.nova-lite", 0.06, 0.24).read(0.015),
    Row::new("amazon.nova-pro", 0.80, 3.20).read(0.20),
    Row::new("amazon.nova-premier", 2.50, 12.50).read(0.625),
    Row::new("amazon.nova-2-lite", 0.30, 2.50)
        .read(0.075)
        .through_global(),
    Row::new("amazon.titan-text-lite", 0.15, 0.20),
    Row::new("amazon.titan-text-express", 0.20, 0.60),
    Row::new("amazon.titan-text-premier", 0.50, 1.50),
    // Text alone; Nova's images, sounds and films have prices of their own.
    Row::embeddings("amazon.nova-2-multimodal-embeddings", 0.135),
    Row::embeddings("amazon.titan-embed-g1-text-02", 0.10),
    Row::embeddings("amazon.titan-embed-text-v1", 0.10),
    Row::embeddings("amazon.titan-embed-text-v2", 0.02),
];
