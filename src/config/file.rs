//! The TOML file: found, read within bounds, and gone through with the place of every key.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::entry::Entry;
use super::load::Loading;
use super::mistake::{Origin, nearest, quoted};
use super::setting::{self, SETTINGS};
use super::value::Value;
use super::{account, model, price, variables};

/// The file that is read from the working directory when none is named.
const NAME: &str = "outcrop.toml";

/// The longest file that is read, in bytes; `--config /dev/zero` ends here.
const LIMIT: u64 = 1024 * 1024;

/// Reads the file that was named, else `outcrop.toml` in `directory` if it is there.
pub(super) fn read(named: Option<(PathBuf, Origin)>, directory: &Path, loading: &mut Loading) {
    let optional = named.is_none();
    let (path, origin) = named.unwrap_or_else(|| {
        let path = directory.join(NAME);
        (path.clone(), Origin::File { path })
    });
    match contents(&path) {
        Ok(bytes) => parse(&path, &bytes, loading, top),
        Err(error) if optional && error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => loading.mistake(origin, unreadable(&path, &error)),
    }
}

/// Reads the file of prices, if the configuration names one.
pub(super) fn read_prices(directory: &Path, loading: &mut Loading) {
    let Some(file) = &loading.config.prices.file else {
        return;
    };
    let path = directory.join(file);
    match contents(&path) {
        Ok(bytes) => parse(&path, &bytes, loading, prices),
        Err(error) => {
            let origin = loading.origins.get("prices.file").cloned();
            loading.mistake(origin.unwrap_or_default(), unreadable(&path, &error));
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    let path = quoted(&path.to_string_lossy());
    format!("the file {path} cannot be read: {error}")
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LIMIT) {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is longer than 1 MiB",
        ));
    }
    Ok(bytes)
}

/// Reads TOML, and has `walk` go through it.
fn parse(
    path: &Path,
    bytes: &[u8],
    loading: &mut Loading,
    walk: impl FnOnce(&mut Walk<'_>, &DeTable<'_>),
) {
    let source = match str::from_utf8(bytes) {
        Ok(text) => Source { path, text },
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let text = str::from_utf8(valid).unwrap_or_default();
            let origin = Source { path, text }.origin(text.len()..text.len());
            loading.mistake(
                origin,
                "this is not UTF-8, which TOML is written in".to_owned(),
            );
            return;
        }
    };
    let (table, errors) = DeTable::parse_recoverable(source.text);
    let mut broken = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or_default();
        let line = source.line(span.start);
        // A second error in one line follows from the first.
        if broken.contains(&line) {
            continue;
        }
        broken.push(line);
        loading.mistake(
            source.origin(span),
            format!("this is not TOML: {}", error.message()),
        );
    }
    if !broken.is_empty() {
        loading.doubt_accounts();
    }
    let mut file = Walk {
        source,
        broken,
        left_out: 0,
        loading,
    };
    walk(&mut file, table.get_ref());
}

/// The text of a file and the name it goes by in messages.
#[derive(Clone, Copy)]
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn before(&self, offset: usize) -> &str {
        self.text.get(..offset).unwrap_or(self.text)
    }

    fn line(&self, offset: usize) -> usize {
        self.before(offset).matches('\n').count() + 1
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        let before = self.before(span.start);
        let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
        Origin::Line {
            path: self.path.to_owned(),
            line: self.line(span.start),
            column: line.chars().count() + 1,
        }
    }
}

/// The lists of tables that a file may have beside its sections.
const LISTS: [&str; 2] = ["accounts", "models"];

/// Goes through the tables of one file.
pub(super) struct Walk<'a> {
    source: Source<'a>,
    /// Lines that are no TOML: what the parser made of them would only be a second mistake.
    broken: Vec<usize>,
    /// How many mistakes stand in such lines.
    left_out: usize,
    loading: &'a mut Loading,
}

impl Walk<'_> {
    /// Reads a list of tables, each for itself.
    fn list<'v>(&mut self, name: &str, value: &'v Spanned<DeValue<'v>>) {
        let tables = match value.get_ref() {
            DeValue::Array(values) => values
                .iter()
                .map(|value| match value.get_ref() {
                    DeValue::Table(table) => Some((value.span(), table)),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let Some(tables) = tables else {
            let problem = format!("{name} is a list of tables; write [[{name}]]");
            self.loading.doubt_accounts();
            return self.mistake(value.span(), problem);
        };
        for table in tables {
            self.table(name, table);
        }
    }

    /// Reads a table of a list.
    fn table<'v>(&mut self, list: &str, table: (Range<usize>, &'v DeTable<'v>)) {
        let origin = self.source.origin(table.0.clone());
        match list {
            "accounts" => {
                let entry = Entry::new("[[accounts]]", table, account::KEYS, self);
                match account::read(entry) {
                    Some(account) => self.loading.add_account(account, origin),
                    None => self.loading.doubt_accounts(),
                }
            }
            "models" => {
                let entry = Entry::new("[[models]]", table, model::KEYS, self);
                if let Some(model) = model::read(entry) {
                    self.loading.add_model(model, origin);
                }
            }
            _ => {
                let entry = Entry::new("[[prices]]", table, price::KEYS, self);
                if let Some(price) = price::read(entry) {
                    self.loading.add_price(price, origin);
                }
            }
        }
    }

    fn section(&mut self, section: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            self.entry(section, key, value);
        }
    }

    fn entry(
        &mut self,
        section: &str,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let Some(setting) = setting::find(section, key.get_ref()) else {
            self.mistake(key.span(), unknown_key(section, key.get_ref()));
            return;
        };
        if !self.broken.contains(&self.source.line(value.span().start)) {
            let origin = self.source.origin(value.span());
            self.loading.set(setting, &typed(value.get_ref()), origin);
        }
    }

    /// How many mistakes there were so far, those in broken lines included.
    pub(super) fn mistakes(&self) -> usize {
        self.loading.mistakes() + self.left_out
    }

    /// Notes a mistake in the file, unless its line is broken anyway.
    pub(super) fn mistake(&mut self, span: Range<usize>, problem: String) {
        if self.broken.contains(&self.source.line(span.start)) {
            self.left_out += 1;
        } else {
            self.loading.mistake(self.source.origin(span), problem);
        }
    }

    /// Notes that a target names an account.
    pub(super) fn name_account(&mut self, name: String, span: Range<usize>) {
        self.loading.name_account(name, self.source.origin(span));
    }
}

/// Goes through a configuration.
fn top(walk: &mut Walk<'_>, table: &DeTable<'_>) {
    for (key, value) in table {
        let is_section = setting::sections().any(|section| section == key.get_ref());
        match value.get_ref() {
            _ if LISTS.contains(&key.get_ref().as_ref()) => walk.list(key.get_ref(), value),
            DeValue::Table(table) if is_section => walk.section(key.get_ref(), table),
            _ if is_section => {
                let problem = format!("{0} is a table; write [{0}]", key.get_ref());
                walk.mistake(value.span(), problem);
            }
            _ => walk.entry("", key, value),
        }
    }
}

/// Goes through a file of prices.
fn prices(walk: &mut Walk<'_>, table: &DeTable<'_>) {
    for (key, value) in table {
        if key.get_ref() == "prices" {
            walk.list(key.get_ref(), value);
        } else {
            let problem = format!("unknown key {}; write [[prices]]", quoted(key.get_ref()));
            walk.mistake(key.span(), problem);
        }
    }
}

/// A value of the file as options read it.
pub(super) fn typed<'a>(value: &'a DeValue<'_>) -> Value<'a> {
    match value {
        DeValue::String(text) => Value::Text(text),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Value::Number(number.to_string()),
            Err(_) => Value::Other("an integer that is too large"),
        },
        DeValue::Float(float) => Value::Number(float.as_str().to_owned()),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(values) => {
            let texts = values.iter().map(|value| match value.get_ref() {
                DeValue::String(text) => Some(text.as_ref()),
                _ => None,
            });
            texts
                .collect::<Option<Vec<&str>>>()
                .map_or(Value::Other("an array"), Value::Texts)
        }
        DeValue::Table(_) => Value::Other("a table"),
    }
}

/// Says what an unknown key should have been: a key of another section, or one spelt alike.
fn unknown_key(section: &str, key: &str) -> String {
    if let Some(home) = SETTINGS.iter().find(|setting| setting.key == key) {
        return match home.section {
            "" => format!("{key} stands at the top, before the first [section]"),
            home => format!("{key} stands in the section [{home}]"),
        };
    }
    if let Some(variable) = variables::secret(key) {
        return format!(
            "{key} cannot stand in a file: it is a secret, and comes from the variable {variable} alone"
        );
    }
    let here = SETTINGS.iter().filter(|setting| setting.section == section);
    let here = here.map(|setting| setting.key);
    let sections = setting::sections()
        .chain(LISTS)
        .filter(|_| section.is_empty());
    let found = nearest(key, here.chain(sections)).map(quoted);
    match (section, found) {
        ("", Some(name)) => format!("unknown key {}; did you mean {name}?", quoted(key)),
        ("", None) => format!("unknown key {}", quoted(key)),
        (_, Some(name)) => {
            format!(
                "unknown key {} in [{section}]; did you mean {name}?",
                quoted(key)
            )
        }
        (_, None) => {
            let keys = SETTINGS.iter().filter(|setting| setting.section == section);
            let keys: Vec<&str> = keys.map(|setting| setting.key).collect();
            format!(
                "unknown key {} in [{section}], which has {}",
                quoted(key),
                keys.join(", ")
            )
        }
    }
}
