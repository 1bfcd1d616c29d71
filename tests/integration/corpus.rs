//! Recorded traffic beside the checkout, when it is there: what the service really sent, translated, must equal
//! what this folder reads from the same bytes in its own, simpler way.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]
#![expect(clippy::print_stdout, reason = "the counts are the result")]

use std::fs;
use std::path::{Path, PathBuf};

use outcrop::translate::Answer;
use serde_json::Value;

mod answers;
mod carried;
mod checks;
mod clients;
mod conversations;
mod embeddings;
mod errors;
mod frames;
mod listings;
mod said;
mod shapes;
mod vectors;

pub(crate) use clients::client_requests;
pub(crate) use conversations::conversations;

/// A model that takes most of what clients send.
const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// The cases of one kind, sorted; none, with a message, when the recordings are not there.
fn cases(kind: &str) -> Vec<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus"));
    let Ok(entries) = fs::read_dir(root.join(kind)) else {
        println!("skipped: there are no recordings in {}", root.display());
        return Vec::new();
    };
    let mut cases: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn name(case: &Path) -> &str {
    case.file_name().unwrap().to_str().unwrap()
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn is_recorded(case: &Path) -> bool {
    read_json(&case.join("meta.json"))["provenance"] == "recorded"
}

fn with_usage() -> Answer {
    Answer {
        include_usage: true,
        ..Answer::default()
    }
}
