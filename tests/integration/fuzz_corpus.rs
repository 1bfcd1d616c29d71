//! What fuzzing found worth keeping, and our own golden files, against what must hold for every input. The
//! targets in `fuzz/` check the same for inputs that they make up.

use std::fs;
use std::path::{Path, PathBuf};

#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a check stops where something is not as it should be"
)]
#[path = "../../fuzz/checks/request.rs"]
mod request;
#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a check stops where something is not as it should be"
)]
#[path = "../../fuzz/checks/stream.rs"]
mod stream;

#[test]
fn requests_of_the_corpus_hold() {
    check("fuzz/corpus/request", request::check);
    check("fixtures/requests", request::check);
}

#[test]
fn streams_of_the_corpus_hold() {
    check("fuzz/corpus/stream", stream::check);
}

fn check(folder: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        check(&fs::read(file).unwrap());
    }
}
