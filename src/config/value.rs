//! One value as it was typed, and the kinds of value an option can ask for.

use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;

use super::mistake::quoted;
use super::{
    AutoProfile, FetchImages, OnDisconnect, OnStoreFailure, PromptCacheMode, StoreLocation,
    Unsupported,
};

/// One value as it was typed, before anything is known about the option it belongs to.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// From a variable or a flag: the option decides what it should be.
    Untyped(&'a str),
    /// A string in TOML.
    Text(&'a str),
    /// An integer or a float in TOML, as decimal text.
    Number(String),
    /// A boolean in TOML.
    Boolean(bool),
    /// An array of strings in TOML.
    Texts(Vec<&'a str>),
    /// What no option takes; holds what it is called, with its article.
    Other(&'static str),
}

/// What a reading gives: the value, or the end of a sentence that says what would be right.
type Reading<T> = Result<T, String>;

impl Value<'_> {
    /// Reads true or false; variables and flags may also say 1 or 0.
    pub(super) fn boolean(&self) -> Reading<bool> {
        match self {
            Self::Boolean(value) => Ok(*value),
            Self::Untyped("true" | "1") => Ok(true),
            Self::Untyped("false" | "0") => Ok(false),
            _ => Err(self.mismatch("true or false")),
        }
    }

    /// Reads a whole number within `range`.
    pub(super) fn whole<T>(&self, range: &RangeInclusive<T>) -> Reading<T>
    where
        T: Copy + PartialOrd + std::fmt::Display + std::str::FromStr,
    {
        let number = self.number().and_then(|text| text.parse().ok());
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                self.mismatch(&format!(
                    "a whole number from {} to {}",
                    range.start(),
                    range.end()
                ))
            })
    }

    /// Reads a time in seconds within `range`, fractions allowed.
    pub(super) fn seconds(&self, range: &RangeInclusive<f64>) -> Reading<Duration> {
        self.duration(range).ok_or_else(|| {
            let (start, end) = (range.start(), range.end());
            self.mismatch(&format!("a number of seconds from {start} to {end}"))
        })
    }

    /// Reads a time in seconds within `range`, or a zero that switches something off.
    pub(super) fn seconds_or_zero(
        &self,
        range: &RangeInclusive<f64>,
        zero: &str,
    ) -> Reading<Duration> {
        let off = self.duration(&(0.0..=0.0));
        off.or_else(|| self.duration(range)).ok_or_else(|| {
            let (start, end) = (range.start(), range.end());
            self.mismatch(&format!(
                "a number of seconds from {start} to {end}, or 0 ({zero})"
            ))
        })
    }

    /// Reads what happens to a field that cannot be honoured.
    pub(super) fn unsupported(&self) -> Reading<Unsupported> {
        match self.text() {
            Some("ignore") => Ok(Unsupported::Ignore),
            Some("reject") => Ok(Unsupported::Reject),
            _ => Err(self.mismatch("\"ignore\" or \"reject\"")),
        }
    }

    /// Reads who decides what is cached.
    pub(super) fn prompt_cache_mode(&self) -> Reading<PromptCacheMode> {
        match self.text() {
            Some("auto") => Ok(PromptCacheMode::Auto),
            Some("client") => Ok(PromptCacheMode::Client),
            Some("off") => Ok(PromptCacheMode::Off),
            _ => Err(self.mismatch("\"auto\", \"client\" or \"off\"")),
        }
    }

    /// Reads which images are fetched.
    pub(super) fn fetch_images(&self) -> Reading<FetchImages> {
        match self.text() {
            Some("off") => Ok(FetchImages::Off),
            Some("public") => Ok(FetchImages::Public),
            _ => Err(self.mismatch("\"off\" or \"public\"")),
        }
    }

    /// Reads what becomes of a stream whose client left.
    pub(super) fn on_disconnect(&self) -> Reading<OnDisconnect> {
        match self.text() {
            Some("cancel") => Ok(OnDisconnect::Cancel),
            Some("drain") => Ok(OnDisconnect::Drain),
            _ => Err(self.mismatch("\"cancel\" or \"drain\"")),
        }
    }

    /// Reads what becomes of requests while the key store does not answer.
    pub(super) fn on_store_failure(&self) -> Reading<OnStoreFailure> {
        match self.text() {
            Some("deny") => Ok(OnStoreFailure::Deny),
            Some("allow_known") => Ok(OnStoreFailure::AllowKnown),
            _ => Err(self.mismatch("\"deny\" or \"allow_known\"")),
        }
    }

    /// Reads where keys are kept. The value is never repeated: it may hold a password.
    pub(super) fn store(&self) -> Reading<StoreLocation> {
        let expected = "must be \"sqlite:FILE\", \"redis://HOST\" or \"rediss://HOST\"";
        let text = self.text().ok_or_else(|| expected.to_owned())?;
        StoreLocation::parse(text).map_err(|fault| format!("{expected}: {fault}"))
    }

    /// Reads the path of a file.
    pub(super) fn path(&self) -> Reading<PathBuf> {
        match self.text() {
            Some(text) if !text.is_empty() => Ok(text.into()),
            _ => Err(self.mismatch("the path of a file")),
        }
    }

    /// Reads the name of an AWS region, which becomes part of a host name.
    pub(super) fn region(&self) -> Reading<String> {
        match self.text() {
            Some(text) if is_region(text) => Ok(text.to_owned()),
            _ => Err(self.mismatch("the name of an AWS region such as \"us-east-1\"")),
        }
    }

    /// Reads the names of AWS regions: one, or a list.
    pub(super) fn regions(&self) -> Reading<Vec<String>> {
        let expected = "the name of an AWS region such as \"us-east-1\", or a list of them";
        let regions = self.texts().ok_or_else(|| self.mismatch(expected))?;
        match regions.iter().find(|text| !is_region(text)) {
            None => Ok(regions),
            Some(text) => Err(format!("must be {expected}, not {}", quoted(text))),
        }
    }

    /// Reads a list of names, which may be empty.
    pub(super) fn names(&self) -> Reading<Vec<String>> {
        let names = self.texts();
        names.ok_or_else(|| self.mismatch("a list such as [\"anthropic\", \"amazon\"]"))
    }

    /// Reads whether a model is called through an inference profile where that is the only way, and through which.
    pub(super) fn auto_profile(&self) -> Reading<AutoProfile> {
        match (self.boolean(), self.text()) {
            (Ok(true), _) => Ok(AutoProfile::Geography),
            (Ok(false), _) => Ok(AutoProfile::Off),
            (_, Some("global")) => Ok(AutoProfile::Global),
            _ => Err(self.mismatch("true, false or \"global\"")),
        }
    }

    /// Reads an address to listen on; a name is looked up, and its IPv4 address preferred.
    pub(super) fn address(&self) -> Reading<SocketAddr> {
        let expected = "an address and a port such as \"127.0.0.1:4000\"";
        let text = self.text().ok_or_else(|| self.mismatch(expected))?;
        if let Ok(address) = text.parse() {
            return Ok(address);
        }
        let named = text.rsplit_once(':').filter(|(host, _)| is_host_name(host));
        let port = named.and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let Some((host, port)) = port else {
            return Err(format!(
                "{}{}",
                self.mismatch(expected),
                address_advice(text)
            ));
        };
        let found = (host, port).to_socket_addrs();
        let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
        let ipv4 = found.iter().find(|address| address.is_ipv4());
        let address = ipv4.or_else(|| found.first()).copied();
        address.ok_or_else(|| format!("must be {expected}; the name {} is unknown", quoted(host)))
    }

    /// Reads the base of an endpoint. The value is never repeated: it may hold a password.
    pub(super) fn url(&self) -> Reading<Uri> {
        let expected = "must be a URL such as \"https://bedrock.example.com\"";
        let text = self.text().ok_or_else(|| expected.to_owned())?;
        let uri: Uri = text
            .parse()
            .map_err(|error| format!("{expected}: {error}"))?;
        let fault = match uri.scheme_str() {
            Some("http" | "https") => url_fault(text, &uri),
            _ => Some("it starts with neither http:// nor https://"),
        };
        fault.map_or(Ok(uri), |fault| Err(format!("{expected}: {fault}")))
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Untyped(text) | Self::Text(text) => Some(text),
            Self::Number(_) | Self::Boolean(_) | Self::Texts(_) | Self::Other(_) => None,
        }
    }

    pub(super) fn number(&self) -> Option<&str> {
        match self {
            Self::Untyped(text) => Some(text),
            Self::Number(text) => Some(text),
            Self::Text(_) | Self::Boolean(_) | Self::Texts(_) | Self::Other(_) => None,
        }
    }

    /// A list: of strings in TOML, one of them alone, or separated by commas in a variable.
    fn texts(&self) -> Option<Vec<String>> {
        match self {
            Self::Untyped(text) => {
                let texts = text.split(',').map(str::trim);
                Some(
                    texts
                        .filter(|text| !text.is_empty())
                        .map(str::to_owned)
                        .collect(),
                )
            }
            Self::Text(text) => Some(vec![(*text).to_owned()]),
            Self::Texts(texts) => Some(texts.iter().map(|text| (*text).to_owned()).collect()),
            Self::Number(_) | Self::Boolean(_) | Self::Other(_) => None,
        }
    }

    fn duration(&self, range: &RangeInclusive<f64>) -> Option<Duration> {
        let seconds: f64 = self.number()?.parse().ok()?;
        let within = range.contains(&seconds);
        within.then(|| Duration::try_from_secs_f64(seconds).ok())?
    }

    pub(super) fn mismatch(&self, expected: &str) -> String {
        match self {
            Self::Untyped(text) | Self::Text(text) => {
                format!("must be {expected}, not {}", quoted(text))
            }
            Self::Number(text) => format!("must be {expected}, not {text}"),
            Self::Boolean(value) => format!("must be {expected}, not {value}"),
            Self::Texts(_) => format!("must be {expected}, not an array"),
            Self::Other(name) => format!("must be {expected}, not {name}"),
        }
    }
}

/// Whether `text` can name an AWS region: words and a number, as in `us-east-1`. Anything less would take the names of
/// accounts for regions.
pub(crate) fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else {
        return false;
    };
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    text.len() <= 32
        && words.contains('-')
        && words.split('-').all(is_word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_host_name(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !host.is_empty() && host.len() <= 253 && host.bytes().all(allowed)
}

/// Says what the commonest wrong addresses lack.
fn address_advice(text: &str) -> String {
    let host = text.rsplit_once(':').map(|(host, _)| host);
    if host.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok()) {
        return "; an IPv6 address stands in brackets: \"[::1]:4000\"".to_owned();
    }
    match text.rsplit_once(':') {
        Some(("" | "*", _)) => "; every address of this host is \"0.0.0.0:4000\"".to_owned(),
        None if is_host_name(text) && !text.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("; with a port it is {}", quoted(&format!("{text}:4000")))
        }
        Some(_) | None => String::new(),
    }
}

fn url_fault(text: &str, uri: &Uri) -> Option<&'static str> {
    let authority = uri.authority()?;
    let port = authority
        .as_str()
        .rsplit_once(']')
        .map_or(authority.as_str(), |(_, port)| port);
    if authority.as_str().contains('@') {
        Some("it holds credentials")
    } else if authority.host().is_empty() {
        Some("it names no host")
    } else if port.contains(':') && authority.port_u16().is_none() {
        Some("its port is not a number from 0 to 65535")
    } else if uri.query().is_some() {
        Some("it holds a query")
    } else if text.contains('#') {
        Some("it holds a fragment")
    } else {
        None
    }
}
