//! `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or small letters, as curl reads them.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::error::SetupError;
use crate::config::Environment;

const HTTP: [&str; 2] = ["HTTP_PROXY", "http_proxy"];
const HTTPS: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const ALL: [&str; 2] = ["ALL_PROXY", "all_proxy"];

/// The rule that says which addresses are reached through which proxy. It is built from `environment` and not from the
/// process, so that an embedded stand-in is always reached directly.
pub(super) fn matcher(environment: &Environment) -> Result<Matcher, SetupError> {
    for variable in [HTTP, HTTPS, ALL].concat() {
        if environment
            .get(variable)
            .is_some_and(|url| !is_proxy(url.trim()))
        {
            return Err(SetupError::Proxy { variable });
        }
    }
    let value = |names| first(environment, names).unwrap_or_default().to_owned();
    Ok(Matcher::builder()
        .all(value(ALL))
        .http(value(HTTP))
        .https(value(HTTPS))
        .no(no_proxy(environment).unwrap_or_default().to_owned())
        .build())
}

/// The proxy for `https` addresses, as a URL with a scheme. It may hold a password.
pub(super) fn https_proxy(environment: &Environment) -> Option<String> {
    let url = first(environment, HTTPS).or_else(|| first(environment, ALL))?;
    let scheme = if url.contains("://") { "" } else { "http://" };
    Some(format!("{scheme}{url}"))
}

/// The hosts that are reached directly.
pub(super) fn no_proxy(environment: &Environment) -> Option<&str> {
    first(environment, ["NO_PROXY", "no_proxy"])
}

fn first<'a>(environment: &'a Environment, names: [&str; 2]) -> Option<&'a str> {
    names
        .iter()
        .find_map(|name| environment.get(name))
        .map(str::trim)
}

/// Whether the matcher understands `url`; it would drop another in silence, and requests would go direct.
fn is_proxy(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    matches!(uri.scheme_str(), None | Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy_of(url: &'static str, pairs: &[(&str, &str)]) -> Option<String> {
        let matcher = matcher(&Environment::from_pairs(pairs.iter().copied())).unwrap();
        Some(matcher.intercept(&Uri::from_static(url))?.uri().to_string())
    }

    #[test]
    fn each_variable_is_honoured_in_either_case() {
        let https = "https://bedrock-runtime.us-east-1.amazonaws.com";
        let http = "http://vpce.internal";
        assert_eq!(
            proxy_of(https, &[("HTTPS_PROXY", "http://a:1")]).unwrap(),
            "http://a:1/"
        );
        assert_eq!(
            proxy_of(https, &[("https_proxy", "a:1")]).unwrap(),
            "http://a:1/"
        );
        assert_eq!(
            proxy_of(https, &[("all_proxy", "https://a")]).unwrap(),
            "https://a/"
        );
        assert_eq!(
            proxy_of(http, &[("http_proxy", "http://b")]).unwrap(),
            "http://b/"
        );
        assert_eq!(proxy_of(http, &[("HTTPS_PROXY", "http://a:1")]), None);
        assert_eq!(proxy_of(https, &[("HTTPS_PROXY", " ")]), None);
    }

    #[test]
    fn no_proxy_sends_hosts_domains_and_networks_direct() {
        let pairs = [
            ("ALL_PROXY", "http://a:1"),
            ("no_proxy", "127.0.0.1, .amazonaws.com,10.0.0.0/8"),
        ];
        assert_eq!(proxy_of("http://127.0.0.1:4001", &pairs), None);
        assert_eq!(
            proxy_of("https://bedrock.us-east-1.amazonaws.com", &pairs),
            None
        );
        assert_eq!(proxy_of("http://10.1.2.3", &pairs), None);
        assert!(proxy_of("https://bedrock.eusc-de-east-1.amazonaws.eu", &pairs).is_some());
    }

    #[test]
    fn a_proxy_that_is_not_understood_stops_the_start_without_its_password() {
        for url in [
            "socks5://user:hunter2@host",
            "http://",
            "http://user:hunter2@ho st",
        ] {
            let error = matcher(&Environment::from_pairs([("https_proxy", url)]))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("https_proxy") && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
