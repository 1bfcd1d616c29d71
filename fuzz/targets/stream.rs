//! Event streams become chat completion chunks.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/stream.rs"]
mod stream;

fuzz_target!(|script: &[u8]| stream::check(script));
