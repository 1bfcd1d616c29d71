//! Addresses that may be fetched, and where a redirect leads.

use url::{Host, Url};

use super::error::Error;

/// The longest address that is read, in bytes.
const MOST_BYTES: usize = 8192;
/// The one port that is fetched from: others are services that were never meant to be asked by strangers.
const PORT: u16 = 443;

/// An https address without credentials and on the usual port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location(Url);

impl Location {
    /// Reads an address.
    ///
    /// # Errors
    /// For anything but a plain https address.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MOST_BYTES {
            return Err(Error::Malformed);
        }
        Url::parse(text).map_err(|_| Error::Malformed)?.try_into()
    }

    /// The address that a redirect from here leads to; `target` may be relative.
    ///
    /// # Errors
    /// As for [`Location::parse`]: a redirect may lead nowhere that the client could not name itself.
    pub(super) fn redirected(&self, target: &str) -> Result<Self, Error> {
        if target.len() > MOST_BYTES {
            return Err(Error::Malformed);
        }
        let url = self.0.join(target).map_err(|_| Error::Malformed)?;
        url.try_into()
    }

    /// The host; names are in lower case and ASCII.
    pub(super) fn host(&self) -> Result<Host<&str>, Error> {
        self.0.host().ok_or(Error::Malformed)
    }

    /// The host as the `host` header names it.
    pub(super) fn authority(&self) -> &str {
        self.0.authority()
    }

    /// What is asked for: path and query. A fragment stays here.
    pub(super) fn path_and_query(&self) -> String {
        match self.0.query() {
            Some(query) => format!("{}?{query}", self.0.path()),
            None => self.0.path().to_owned(),
        }
    }

    /// The port to connect to.
    pub(super) const fn port() -> u16 {
        PORT
    }
}

impl TryFrom<Url> for Location {
    type Error = Error;

    fn try_from(url: Url) -> Result<Self, Error> {
        if url.scheme() != "https" {
            Err(Error::NotHttps)
        } else if !url.username().is_empty() || url.password().is_some() {
            Err(Error::Credentials)
        } else if url.port_or_known_default() != Some(PORT) {
            Err(Error::Port)
        } else if url.host_str().is_none_or(str::is_empty) {
            Err(Error::Malformed)
        } else {
            Ok(Self(url))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_https_addresses_are_read() {
        for (text, authority, path) in [
            ("https://Example.com", "example.com", "/"),
            (
                "HTTPS://example.com:443/a%20b?c=d#e",
                "example.com",
                "/a%20b?c=d",
            ),
            (
                "https://münchen.example/ü",
                "xn--mnchen-3ya.example",
                "/%C3%BC",
            ),
            ("https://[2606:2800::1]/", "[2606:2800::1]", "/"),
        ] {
            let location = Location::parse(text).unwrap();
            assert_eq!(location.authority(), authority);
            assert_eq!(location.path_and_query(), path);
        }
    }

    /// What looks like a name is read as the address that a resolver would take it for.
    #[test]
    fn disguised_addresses_are_seen_through() {
        for text in [
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
        ] {
            let location = Location::parse(text).unwrap();
            assert_eq!(location.authority(), "127.0.0.1", "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("https://example.com/{}", "a".repeat(MOST_BYTES));
        for (text, error) in [
            ("http://example.com/", Error::NotHttps),
            ("ftp://example.com/", Error::NotHttps),
            ("file:///etc/passwd", Error::NotHttps),
            ("https://user@example.com/", Error::Credentials),
            ("https://user:secret@example.com/", Error::Credentials),
            ("https://:secret@example.com/", Error::Credentials),
            ("https://example.com:80/", Error::Port),
            ("https://example.com:8443/", Error::Port),
            ("https://", Error::Malformed),
            ("https://exa mple.com/", Error::Malformed),
            ("https://example.com:99999/", Error::Malformed),
            ("/cat.png", Error::Malformed),
            ("", Error::Malformed),
            (&long, Error::Malformed),
        ] {
            assert_eq!(Location::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn redirects_are_followed_within_the_same_rules() {
        let from = Location::parse("https://example.com/a/b?c").unwrap();
        for (target, expected) in [
            ("d.png", "/a/d.png"),
            ("../d.png?e", "/d.png?e"),
            ("/f", "/f"),
            ("?g", "/a/b?g"),
        ] {
            let to = from.redirected(target).unwrap();
            assert_eq!(to.authority(), "example.com");
            assert_eq!(to.path_and_query(), expected);
        }
        let elsewhere = from.redirected("//cdn.example/x").unwrap();
        assert_eq!(elsewhere.authority(), "cdn.example");
        for (target, error) in [
            ("http://example.com/", Error::NotHttps),
            ("https://u:p@example.com/", Error::Credentials),
            ("https://example.com:22/", Error::Port),
            ("https://[", Error::Malformed),
        ] {
            assert_eq!(from.redirected(target), Err(error), "{target}");
        }
    }
}
