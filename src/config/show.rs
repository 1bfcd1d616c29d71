//! How an option's value gets into its place, and how it is written as TOML.

use std::time::Duration;

/// Puts what was read in its place.
pub(super) fn put<T>(place: &mut T, reading: Result<T, String>) -> Result<(), String> {
    *place = reading?;
    Ok(())
}

/// A text as TOML writes it.
#[expect(clippy::unnecessary_wraps, reason = "the shape of Setting::show")]
pub(super) fn text(value: &(impl ToString + ?Sized)) -> Option<String> {
    Some(toml::Value::from(value.to_string()).to_string())
}

/// A list of texts.
#[expect(clippy::unnecessary_wraps, reason = "the shape of Setting::show")]
pub(super) fn texts(values: &[String]) -> Option<String> {
    Some(toml::Value::from(values.to_vec()).to_string())
}

/// A time in seconds.
#[expect(clippy::unnecessary_wraps, reason = "the shape of Setting::show")]
pub(super) fn seconds(time: Duration) -> Option<String> {
    Some(time.as_secs_f64().to_string())
}
