//! Golden files: each input lies beside what becomes of it.

use std::path::Path;

/// Compares `output` with the snapshot beside `input`: `a.openai.json` has `a.snap`.
pub(crate) fn assert_golden(input: &Path, output: &str) {
    let name = input.file_name().unwrap().to_str().unwrap();
    let case = name.split('.').next().unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(input.parent().unwrap());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.remove_snapshot_suffix();
    settings.remove_input_file();
    settings.bind(|| insta::assert_snapshot!(case, output));
}

/// JSON laid out to be read, its members in their order.
pub(crate) fn pretty(json: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(json).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}
