//! What stands behind the question mark of an operator's request.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::keys::{KeyMistakes, Moment, UsageGroup, UsageQuestion};

/// The pairs of a query.
pub(super) struct Pairs<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Pairs<'a> {
    pub(super) fn of(query: Option<&'a str>) -> Self {
        let query = query.unwrap_or_default();
        Self(form_urlencoded::parse(query.as_bytes()).collect())
    }

    /// Refuses whatever there is.
    pub(super) fn is_empty(&self) -> Result<(), KeyMistakes> {
        self.only(&[])
    }

    /// Whether revoked keys are asked for as well.
    pub(super) fn with_revoked(&self) -> Result<bool, KeyMistakes> {
        self.only(&["revoked"])?;
        match self.get("revoked") {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(KeyMistakes::one("revoked", "must be true or false")),
        }
    }

    /// Which usage is asked for.
    pub(super) fn usage(&self) -> Result<UsageQuestion, KeyMistakes> {
        self.only(&["key", "since", "by"])?;
        let since = self.get("since").map(Moment::parse).transpose();
        let groups = self.get("by").unwrap_or("key").split(',');
        let by: Option<Vec<UsageGroup>> = groups.map(UsageGroup::parse).collect();
        Ok(UsageQuestion {
            key: self.get("key").map(str::to_owned),
            since: since.map_err(|problem| KeyMistakes::one("since", problem))?,
            by: by.ok_or_else(|| {
                KeyMistakes::one(
                    "by",
                    "must be key, model or day, or several with commas between",
                )
            })?,
        })
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        pairs
            .find(|(other, _)| other == name)
            .map(|(_, value)| &**value)
    }

    /// Refuses what nobody would read, and what stands there twice.
    fn only(&self, known: &[&str]) -> Result<(), KeyMistakes> {
        for (index, (name, _)) in self.0.iter().enumerate() {
            let is_known = known.contains(&&**name);
            let is_again = self
                .0
                .iter()
                .take(index)
                .any(|(earlier, _)| earlier == name);
            if !is_known || is_again {
                let shown: String = name.chars().take(64).flat_map(char::escape_debug).collect();
                let problem = if is_known {
                    "is there twice"
                } else {
                    "is no parameter of this request"
                };
                return Err(KeyMistakes::one(shown, problem));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_asked_for_by_key_time_and_group() {
        let usage = |query| Pairs::of(Some(query)).usage();
        let question = usage("key=my+key%2F1&since=7d&by=day,model").unwrap();
        assert_eq!(question.key.as_deref(), Some("my key/1"));
        assert_eq!(question.since, Moment::parse("7d").ok());
        assert_eq!(question.by, [UsageGroup::Day, UsageGroup::Model]);
        assert_eq!(Pairs::of(None).usage().unwrap().by, [UsageGroup::Key]);
        for query in [
            "by=year",
            "by=",
            "since=soon",
            "kex=a",
            "key=a&key=b",
            "=",
            "a%0ab=1",
        ] {
            assert!(usage(query).is_err(), "{query}");
        }
        assert_eq!(
            usage("a%0ab=1").unwrap_err().to_string(),
            r"a\nb is no parameter of this request"
        );
    }

    #[test]
    fn revoked_keys_are_listed_when_they_are_asked_for() {
        let listed = |query| Pairs::of(query).with_revoked();
        assert_eq!(listed(None), Ok(false));
        assert_eq!(listed(Some("revoked=false")), Ok(false));
        assert_eq!(listed(Some("revoked=true")), Ok(true));
        assert!(listed(Some("revoked=yes")).is_err() && listed(Some("all=true")).is_err());
        assert!(Pairs::of(Some("a=b")).is_empty().is_err());
    }
}
