//! The log on standard error: text for people or JSON for machines, filtered by `RUST_LOG`.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;

use tracing::{Metadata, Subscriber, info, warn};
use tracing_subscriber::filter::{EnvFilter, FilterExt, FilterFn, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::config::{Environment, LogFormat};

/// What servers log when `RUST_LOG` says nothing. What aws-config warns of it also returns, and its warnings
/// hold what a credential process wrote to its standard error.
pub const OF_SERVERS: &str = "warn,aws_config=error,outcrop=info";

/// What commands that ask once log: what comes of it they tell themselves.
pub const OF_QUESTIONS: &str =
    "error,outcrop=warn,outcrop::upstream::calls=error,outcrop::upstream::discovery=error";

/// What `doctor` logs: nothing that is not an error, because it tells all by itself.
pub const OF_CHECKS: &str = "error,aws_config=off";

/// The target of the line that says where the server listens; no filter drops it, because scripts
/// and tests wait for it.
const LISTENING: &str = "outcrop::listening";

/// Starts logging to standard error, in colour if that is a terminal and `NO_COLOR` is not set; by the filter
/// `otherwise` unless `RUST_LOG` names one.
///
/// A second start in one process changes nothing.
pub fn start(format: LogFormat, otherwise: &str, environment: &Environment) {
    let colour = io::stderr().is_terminal() && environment.get("NO_COLOR").is_none();
    let (filter, fault) = filter(environment.get("RUST_LOG"), otherwise);
    let started = subscriber(format, filter, colour, io::stderr).try_init();
    if let (Ok(()), Some(fault)) = (started, fault) {
        warn!("RUST_LOG is not a filter ({fault}); {otherwise} is used");
    }
}

/// Says where the server listens, whatever the filter: in text logs this is the whole line.
pub fn listening(address: SocketAddr) {
    info!(target: LISTENING, "listening on http://{address}");
}

/// Reads a filter; one that is wrong must not keep a gateway from starting.
fn filter(typed: Option<&str>, otherwise: &str) -> (EnvFilter, Option<String>) {
    match typed.map(|typed| EnvFilter::builder().parse(typed)) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(fault)) => (EnvFilter::new(otherwise), Some(fault.to_string())),
        None => (EnvFilter::new(otherwise), None),
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
    let lines = fmt::layer::<Registry>().log_internal_errors(false);
    let layer = match format {
        LogFormat::Json => {
            let lines = lines.with_writer(writer).json().flatten_event(true);
            let lines = lines.with_span_list(false);
            lines.with_filter(filter.or(is_listening())).boxed()
        }
        LogFormat::Text => {
            let writer = OneLine { writer, colour };
            let lines = lines
                .with_writer(writer.clone())
                .compact()
                .with_ansi(colour);
            let bare = fmt::layer().log_internal_errors(false).with_writer(writer);
            let bare = bare
                .with_ansi(false)
                .without_time()
                .with_level(false)
                .with_target(false);
            lines
                .with_filter(filter.and(is_listening().not()))
                .and_then(bare.with_filter(is_listening()))
                .boxed()
        }
    };
    tracing_subscriber::registry().with(layer)
}

/// Keeps an event one line and its text from driving the terminal: what comes from outside could
/// forge the next line else. JSON needs no such care.
#[derive(Clone, Debug)]
struct OneLine<Writer> {
    writer: Writer,
    colour: bool,
}

impl<'a, Writer: MakeWriter<'a>> MakeWriter<'a> for OneLine<Writer> {
    type Writer = OneLine<Writer::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        OneLine {
            writer: self.writer.make_writer(),
            colour: self.colour,
        }
    }
}

impl<Writer: Write> Write for OneLine<Writer> {
    /// Takes one event with the newline behind it, as the layer writes it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(event.strip_suffix(b"\n").unwrap_or(event));
        if line.contains(char::is_control) {
            self.writer
                .write_all(escaped(&line, self.colour).as_bytes())?;
        } else {
            self.writer.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Returns `line` with a newline and without other control characters, but for colours if allowed.
fn escaped(line: &str, colour: bool) -> String {
    let mut escaped = String::with_capacity(line.len() + 1);
    for (position, character) in line.char_indices() {
        let is_kept = || colour && is_colour(line.get(position..).unwrap_or_default());
        if !character.is_control() || is_kept() {
            escaped.push(character);
        } else {
            escaped.extend(character.escape_default());
        }
    }
    escaped.push('\n');
    escaped
}

/// Tells whether `text` begins with a sequence that does nothing but choose a colour or weight.
fn is_colour(text: &str) -> bool {
    let codes = text.strip_prefix("\u{1b}[").unwrap_or_default();
    codes
        .trim_start_matches(|code: char| code.is_ascii_digit() || code == ';')
        .starts_with('m')
}

/// Without a hint of its level: it would hide everything below that level from the other layer too.
fn is_listening() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata| metadata.target() == LISTENING)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::subscriber::with_default;
    use tracing::{info, info_span, warn};

    use super::{LogFormat, OF_SERVERS, escaped, filter, listening, subscriber};

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
        let (filter, _) = filter(typed, OF_SERVERS);
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
        let (filter, fault) = filter(Some("outcrop=loud"), OF_SERVERS);
        assert_eq!(filter.to_string(), "aws_config=error,outcrop=info,warn");
        assert!(fault.is_some());
    }

    #[test]
    fn text_from_outside_cannot_forge_a_line() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let lines = logged(format, None, || {
                let foreign = "a\r\nlistening on http://evil\u{1b}[31m";
                warn!(target: "outcrop", field = foreign, shown = %foreign, "said {foreign}");
            });
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].contains("said a\\r\\nlistening"), "{lines:?}");
            assert!(!lines[0].contains('\u{1b}'), "{lines:?}");
        }
    }

    #[test]
    fn colours_are_kept_on_a_terminal_and_nothing_else() {
        let line = "\u{1b}[1;32mINFO\u{1b}[0m \u{1b}[2J \u{9b}2J\t\u{1b}";
        let kept = "\u{1b}[1;32mINFO\u{1b}[0m \\u{1b}[2J \\u{9b}2J\\t\\u{1b}\n";
        assert_eq!(escaped(line, true), kept);
        assert!(!escaped(line, false).contains('\u{1b}'));
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
