//! The log on standard error: text for people or JSON for machines, filtered by `RUST_LOG`.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;

use tracing::{Metadata, Subscriber, info, warn};
use tracing_subscriber::filter::{EnvFilter, FilterExt, FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::config::{Environment, LogFormat};

/// What is logged when `RUST_LOG` says nothing.
const DEFAULT_FILTER: &str = "warn,outcrop=info";

/// The target of the line that says where the server listens; no filter drops it, because scripts
/// and tests wait for it.
const LISTENING: &str = "outcrop::listening";

/// Starts logging to standard error, in colour if that is a terminal and `NO_COLOR` is not set.
///
/// A second start in one process changes nothing.
pub fn start(format: LogFormat, environment: &Environment) {
    let colour = io::stderr().is_terminal() && environment.get("NO_COLOR").is_none();
    let (filter, fault) = filter(environment.get("RUST_LOG"));
    let started = subscriber(format, filter, colour, io::stderr).try_init();
    if let (Ok(()), Some(fault)) = (started, fault) {
        warn!("RUST_LOG is not a filter ({fault}); {DEFAULT_FILTER} is used");
    }
}

/// Says where the server listens, whatever the filter: in text logs this is the whole line.
pub fn listening(address: SocketAddr) {
    info!(target: LISTENING, "listening on http://{address}");
}

/// Reads a filter; one that is wrong must not keep a gateway from starting.
fn filter(typed: Option<&str>) -> (EnvFilter, Option<String>) {
    match typed.map(|typed| EnvFilter::builder().parse(typed)) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(fault)) => (EnvFilter::new(DEFAULT_FILTER), Some(fault.to_string())),
        None => (EnvFilter::new(DEFAULT_FILTER), None),
    }
}

fn subscriber<Writer>(
    format: LogFormat,
    filter: EnvFilter,
    colour: bool,
    writer: Writer,
) -> impl Subscriber + Send + Sync
where
    Writer: for<'a> MakeWriter<'a> + Clone + Send + Sync + 'static,
{
    // An error on standard error cannot be told on standard error: the default would panic.
    let lines = fmt::layer::<Registry>()
        .log_internal_errors(false)
        .with_writer(writer.clone());
    let layer = match format {
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            lines.with_filter(filter.or(is_listening())).boxed()
        }
        LogFormat::Text => {
            let lines = lines
                .compact()
                .with_ansi(colour)
                .with_filter(filter.and(is_listening().not()));
            let bare = fmt::layer()
                .log_internal_errors(false)
                .with_writer(writer)
                .with_ansi(false);
            let bare = bare.without_time().with_level(false).with_target(false);
            lines.and_then(bare.with_filter(is_listening())).boxed()
        }
    };
    tracing_subscriber::registry().with(layer)
}

fn is_listening() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata| metadata.target() == LISTENING).with_max_level_hint(LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::subscriber::with_default;
    use tracing::{info, info_span, warn};

    use super::{LogFormat, filter, listening, subscriber};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `work` logs under the filter `typed`.
    fn logged(format: LogFormat, typed: Option<&str>, work: impl FnOnce()) -> Vec<String> {
        let lines = Lines::default();
        let writer = lines.clone();
        let (filter, _) = filter(typed);
        with_default(
            subscriber(format, filter, false, move || writer.clone()),
            work,
        );
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn listen() {
        listening("127.0.0.1:4000".parse().unwrap());
    }

    #[test]
    fn the_listening_line_appears_whatever_the_filter_says() {
        for typed in [
            None,
            Some("off"),
            Some("error"),
            Some("outcrop=off"),
            Some("outcrop::listening=off"),
        ] {
            let lines = logged(LogFormat::Text, typed, listen);
            assert_eq!(lines, ["listening on http://127.0.0.1:4000"], "{typed:?}");
            let lines = logged(LogFormat::Json, typed, listen);
            assert_eq!(lines.len(), 1, "{typed:?} {lines:?}");
            let line: Value = serde_json::from_str(&lines[0]).unwrap();
            assert_eq!(line["message"], "listening on http://127.0.0.1:4000");
            assert_eq!(line["level"], "INFO");
        }
    }

    #[test]
    fn without_a_filter_others_are_heard_from_warnings_on() {
        let lines = logged(LogFormat::Text, None, || {
            info!(target: "hyper", "quiet");
            warn!(target: "hyper", "loud");
            info!(target: "outcrop::server", "ours");
        });
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            lines[0].contains("WARN") && lines[0].ends_with("hyper: loud"),
            "{lines:?}"
        );
        assert!(
            lines[1].contains("INFO") && lines[1].ends_with("outcrop::server: ours"),
            "{lines:?}"
        );
        assert!(!lines.concat().contains('\u{1b}'), "no colour: {lines:?}");
    }

    #[test]
    fn a_filter_replaces_the_default() {
        let lines = logged(LogFormat::Text, Some("hyper=info"), || {
            info!(target: "hyper", "heard");
            info!(target: "outcrop", "dropped");
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
    }

    #[test]
    fn a_wrong_filter_is_told_and_the_default_used() {
        let (filter, fault) = filter(Some("outcrop=loud"));
        assert_eq!(filter.to_string(), "outcrop=info,warn");
        assert!(fault.is_some());
    }

    #[test]
    fn json_has_fields_and_the_span_of_the_request() {
        let lines = logged(LogFormat::Json, None, || {
            let span = info_span!(target: "outcrop", "request", id = "r-1");
            let _entered = span.enter();
            info!(target: "outcrop", status = 200, "answered");
        });
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["message"], "answered");
        assert_eq!(line["status"], 200);
        assert_eq!(line["span"]["id"], "r-1");
    }
}
