//! Chat completion requests become Converse requests.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/request.rs"]
mod request;

fuzz_target!(|json: &[u8]| request::check(json));
