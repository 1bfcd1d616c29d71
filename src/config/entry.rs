//! One table of the file that is no section: an entry of a list such as `[[models]]`, or a table in one.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{Walk, typed};
use super::mistake::{nearest, quoted};
use super::value::Value;

/// One table, and where what is wrong with it is noted.
pub(super) struct Entry<'a, 'w, 's> {
    /// What messages call it: `[[models]]`, `cost`.
    name: &'static str,
    table: &'a DeTable<'a>,
    span: Range<usize>,
    walk: &'w mut Walk<'s>,
    mistakes_before: usize,
}

impl<'a, 'w, 's> Entry<'a, 'w, 's> {
    /// A table that stands at `span`. Keys other than `keys` are mistakes.
    pub(super) fn new(
        name: &'static str,
        (span, table): (Range<usize>, &'a DeTable<'a>),
        keys: &[&'static str],
        walk: &'w mut Walk<'s>,
    ) -> Self {
        let mut entry = Self {
            name,
            table,
            span,
            mistakes_before: walk.mistakes(),
            walk,
        };
        entry.refuse_all_but(keys);
        entry
    }

    /// Whether nothing was wrong with it so far.
    pub(super) fn is_right(&self) -> bool {
        self.walk.mistakes() == self.mistakes_before
    }

    /// Reads the value of a key that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &str,
        read: impl Fn(&Value<'a>) -> Result<T, String>,
    ) -> Option<T> {
        if self.find(key).is_none() {
            let problem = format!("{key} is missing in {}", self.name);
            self.walk.mistake(self.span.clone(), problem);
        }
        self.optional(key, read)
    }

    /// Reads the value of a key that may be there.
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        read: impl Fn(&Value<'a>) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.find(key)?;
        match read(&typed(value.get_ref())) {
            Ok(read) => Some(read),
            Err(problem) => {
                self.walk.mistake(value.span(), format!("{key} {problem}"));
                None
            }
        }
    }

    /// Reads the table that a key may hold.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        keys: &[&'static str],
        read: impl Fn(Entry<'a, '_, 's>) -> Option<T>,
    ) -> Option<T> {
        let value = self.find(key)?;
        match value.get_ref() {
            DeValue::Table(table) => read(Entry::new(key, (value.span(), table), keys, self.walk)),
            other => {
                let problem = typed(other).mismatch(&format!("a table: {key} = {{ … }}"));
                self.walk.mistake(value.span(), format!("{key} {problem}"));
                None
            }
        }
    }

    /// Reads the values of the list that a key may hold. One that is wrong is left out, and noted.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&'a Spanned<DeValue<'a>>, &mut Walk<'s>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.find(key) else {
            return Vec::new();
        };
        match value.get_ref() {
            DeValue::Array(values) if !values.is_empty() => values
                .iter()
                .filter_map(|value| read(value, self.walk))
                .collect(),
            other => {
                let problem = match other {
                    DeValue::Array(_) => "must not be empty; leave it out instead".to_owned(),
                    other => typed(other).mismatch(&format!("a list: {key} = [ … ]")),
                };
                self.walk.mistake(value.span(), format!("{key} {problem}"));
                Vec::new()
            }
        }
    }

    /// Notes what is wrong with a key's value, or with the whole where the key is absent.
    pub(super) fn mistake(&mut self, key: &str, problem: &str) {
        let span = self
            .find(key)
            .map_or_else(|| self.span.clone(), Spanned::span);
        self.walk.mistake(span, format!("{key} {problem}"));
    }

    fn find(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let mut entries = self.table.iter();
        entries.find_map(|(name, value)| (name.get_ref() == key).then_some(value))
    }

    fn refuse_all_but(&mut self, keys: &[&'static str]) {
        for (key, _) in self.table {
            if keys.contains(&key.get_ref().as_ref()) {
                continue;
            }
            let known = match nearest(key.get_ref(), keys.iter().copied()) {
                Some(name) => format!("; did you mean {}?", quoted(name)),
                None => format!(", which has {}", keys.join(", ")),
            };
            let name = self.name;
            let problem = format!("unknown key {} in {name}{known}", quoted(key.get_ref()));
            self.walk.mistake(key.span(), problem);
        }
    }
}
