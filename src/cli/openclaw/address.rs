//! Where OpenClaw finds the gateway, and its key.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::Url;

/// Reads the base URL of `--base-url`.
pub(super) fn base_url(text: &str) -> Result<String, &'static str> {
    const FORM: &str = "it must be an address such as \"https://outcrop.example/v1\"";
    let url = Url::parse(text).map_err(|_| FORM)?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !plain {
        return Err(FORM);
    }
    // As it was understood rather than as it was typed: what is between may not be seen, such as the end of a line. Clients
    // append "/chat/completions".
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Reads the variable of `--key-env`. OpenClaw puts in the values of names in capitals alone.
pub(super) fn variable(text: &str) -> Result<String, &'static str> {
    if is_variable(text) {
        Ok(text.to_owned())
    } else {
        Err("it must be the name of a variable in capitals, such as OUTCROP_CLIENT_KEY")
    }
}

/// Whether OpenClaw takes a name for a variable's.
pub(super) fn is_variable(name: &str) -> bool {
    let begins = name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_');
    let goes_on = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    begins && name.bytes().all(goes_on)
}

/// The base URL of a gateway on this host; none for port 0.
pub(super) fn of_listener(listen: SocketAddr) -> Option<String> {
    let address = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    let here = SocketAddr::new(address, listen.port());
    (listen.port() != 0).then(|| format!("http://{here}/v1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_plain_http_without_a_slash_at_its_end() {
        for (typed, read) in [
            ("http://127.0.0.1:4000/v1", "http://127.0.0.1:4000/v1"),
            ("https://outcrop.example/v1/", "https://outcrop.example/v1"),
            ("http://[::1]:4000", "http://[::1]:4000"),
            (
                " HTTPS://Outcrop.example\n/v1//",
                "https://outcrop.example/v1",
            ),
            ("http:127.0.0.1:4000/v1", "http://127.0.0.1:4000/v1"),
        ] {
            assert_eq!(base_url(typed), Ok(read.to_owned()));
        }
        for typed in [
            "",
            "127.0.0.1:4000",
            "ftp://outcrop.example",
            "https://user@outcrop.example/v1",
            "https://outcrop.example/v1?key=sk-1",
            "https://outcrop.example/v1#x",
        ] {
            assert!(base_url(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn a_variable_has_a_name_that_openclaw_puts_in() {
        for name in ["OUTCROP_CLIENT_KEY", "_K2"] {
            assert_eq!(variable(name), Ok(name.to_owned()));
        }
        for name in ["", "key", "2K", "A-B", "A}", "Ä"] {
            assert!(variable(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_gateway_on_all_addresses_is_reached_on_loopback() {
        for (listen, url) in [
            ("127.0.0.1:4000", Some("http://127.0.0.1:4000/v1")),
            ("0.0.0.0:80", Some("http://127.0.0.1:80/v1")),
            ("[::]:4000", Some("http://[::1]:4000/v1")),
            ("10.0.0.7:4000", Some("http://10.0.0.7:4000/v1")),
            ("127.0.0.1:0", None),
        ] {
            assert_eq!(of_listener(listen.parse().unwrap()).as_deref(), url);
        }
    }
}
