//! Without keys, a web page in the user's browser could spend the user's AWS money: it can send requests to
//! loopback, and with a name of its own that resolves to loopback it could read the answers. Browsers say
//! where a request comes from, so such requests can be told.

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Uri};

use crate::error::Error;

/// Refuses what only a web page sends, or what came here under a name that is not this gateway's. The name
/// does not count with `any_host`, for an operator who let everybody in on purpose: in a cluster a gateway
/// has names that it does not know.
///
/// # Errors
/// When `Origin` is not loopback, when the browser says that the request crosses sites, and when `Host` is
/// neither loopback nor the address listened on.
pub(super) fn check_browser(
    headers: &HeaderMap,
    listen: SocketAddr,
    any_host: bool,
) -> Result<(), Error> {
    if headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "cross-site")
    {
        return Err(Error::Forbidden(
            "Without keys, requests from web pages of other sites are refused.",
        ));
    }
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    if text(ORIGIN).is_some_and(|origin| !is_loopback_origin(origin)) {
        return Err(Error::Forbidden(
            "Without keys, requests from web pages are refused.",
        ));
    }
    if !any_host && text(HOST).is_some_and(|host| !is_own_host(host, listen)) {
        return Err(Error::Forbidden(
            "Without keys, requests are refused whose Host is not this gateway's address.",
        ));
    }
    Ok(())
}

fn is_loopback_origin(origin: &str) -> bool {
    let uri = origin.parse::<Uri>().ok();
    uri.as_ref()
        .and_then(Uri::host)
        .is_some_and(|host| is_loopback(bare(host)))
}

fn is_own_host(host: &str, listen: SocketAddr) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        return false;
    };
    let name = bare(authority.host());
    if is_loopback(name) {
        return true;
    }
    let address = name.parse::<IpAddr>().ok();
    match address {
        Some(address) => address == listen.ip() || listen.ip().is_unspecified(),
        // Listening everywhere, the gateway may be called by a container's bare name; public names have dots.
        None => listen.ip().is_unspecified() && !name.contains('.'),
    }
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// An IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(listen: &str, pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        check_browser(&headers, listen.parse().unwrap(), false).is_ok()
    }

    #[test]
    fn programs_on_this_host_pass() {
        for host in [
            "127.0.0.1:4000",
            "localhost:4000",
            "LOCALHOST",
            "[::1]:4000",
            "app.localhost",
        ] {
            assert!(
                check(
                    "127.0.0.1:4000",
                    &[("host", host), ("sec-fetch-mode", "cors")]
                ),
                "{host}"
            );
        }
        assert!(check(
            "127.0.0.1:4000",
            &[("host", "localhost"), ("origin", "http://localhost:3000")]
        ));
        assert!(check("127.0.0.1:4000", &[]));
    }

    #[test]
    fn web_pages_do_not() {
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost.evil.example",
            "",
        ] {
            assert!(
                !check(
                    "127.0.0.1:4000",
                    &[("host", "localhost"), ("origin", origin)]
                ),
                "{origin}"
            );
        }
        assert!(!check(
            "127.0.0.1:4000",
            &[("host", "localhost"), ("sec-fetch-site", "cross-site")]
        ));
        for host in [
            "evil.example",
            "evil.example:4000",
            "10.0.0.1",
            "user@localhost.evil.example",
            "a b",
        ] {
            assert!(!check("127.0.0.1:4000", &[("host", host)]), "{host}");
        }
    }

    #[test]
    fn everywhere_means_addresses_and_bare_names() {
        for host in ["10.1.2.3:4000", "outcrop:4000", "localhost"] {
            assert!(check("0.0.0.0:4000", &[("host", host)]), "{host}");
        }
        assert!(!check("0.0.0.0:4000", &[("host", "evil.example:4000")]));
    }
}
