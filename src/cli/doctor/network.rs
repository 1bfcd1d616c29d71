//! Names, connections and the clock: whether the endpoints can be reached at all.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

use tokio::net::lookup_host;
use tokio::task::JoinSet;

use super::advice;
use super::check::{Check, Finding, within};
use crate::upstream::{Bedrock, Error, Host, Reached, Service, Way};

/// How long each check here may take.
const LIMIT: Duration = Duration::from_secs(10);
/// From here on a difference between the clocks is worth a word.
const NOTABLE_SKEW: Duration = Duration::from_mins(1);
/// From here on AWS refuses signatures.
const GREATEST_SKEW: Duration = Duration::from_mins(5);
/// How many addresses of a name are shown.
const SHOWN_ADDRESSES: usize = 2;

/// What is known of the network.
pub(super) struct Network {
    /// Names, connections and the clock, in this order.
    pub(super) checks: [Check; 3],
    /// Whether Converse calls can be sent.
    pub(super) runtime: bool,
    /// Whether look-ups can be sent.
    pub(super) control: bool,
}

/// One host of Bedrock's: what became of its name, then of a connection.
struct Contact {
    service: Service,
    way: Way,
    /// Its addresses, or why there are none.
    name: Result<String, Finding>,
    /// `None` until it was tried.
    reached: Option<Result<Reached, Error>>,
}

/// Looks up names, opens a connection to each host, and reads the clock on one of them.
pub(super) async fn examine(bedrock: &Bedrock) -> Network {
    let contact = async |service| {
        let way = bedrock.way(service).ok()?;
        let name = within(LIMIT, resolved(&way)).await;
        Some(Contact {
            service,
            way,
            name: name.unwrap_or_else(Err),
            reached: None,
        })
    };
    let begun = Instant::now();
    let (runtime, control) = tokio::join!(contact(Service::Runtime), contact(Service::Control));
    let mut contacts: Vec<Contact> = runtime.into_iter().chain(control).collect();
    let names = Check::since(begun, "DNS", named(&contacts));

    let begun = Instant::now();
    let connection = match within(LIMIT, connect(bedrock, &mut contacts)).await {
        Ok(()) => connected(&contacts),
        Err(finding) => finding,
    };
    let connection = Check::since(begun, "connection", connection);
    let is_reached = |service| {
        let mut contacts = contacts.iter();
        contacts.any(|contact| contact.service == service && matches!(contact.reached, Some(Ok(_))))
    };
    let (runtime, control) = (is_reached(Service::Runtime), is_reached(Service::Control));

    let begun = Instant::now();
    let clock = within(LIMIT, clock(contacts)).await;
    let clock = clock.unwrap_or_else(|finding| finding);
    Network {
        checks: [names, connection, Check::since(begun, "clock", clock)],
        runtime,
        control,
    }
}

/// Resolves the name that is connected to: the proxy's where there is one.
async fn resolved(way: &Way) -> Result<String, Finding> {
    let Host { name, port } = way.proxy.as_ref().unwrap_or(&way.host);
    if name.parse::<IpAddr>().is_ok() {
        return Ok(format!("{name} is an address, none is needed"));
    }
    let addresses = lookup_host((name.as_str(), *port)).await;
    match addresses.and_then(not_empty) {
        Ok(addresses) => Ok(format!("{name} is {}", shown(&addresses))),
        Err(error) => Err(Finding::bad(
            format!("{name}: {error}"),
            advice::unresolved(name),
        )),
    }
}

fn named(contacts: &[Contact]) -> Finding {
    let mut found = BTreeSet::new();
    for contact in contacts {
        match &contact.name {
            Ok(name) => found.insert(name.as_str()),
            Err(finding) => return finding.clone(),
        };
    }
    Finding::good(found.into_iter().collect::<Vec<_>>().join("; "))
}

fn not_empty(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<BTreeSet<IpAddr>> {
    let addresses: BTreeSet<IpAddr> = addresses.map(|address| address.ip()).collect();
    if addresses.is_empty() {
        return Err(io::Error::other("the name has no address"));
    }
    Ok(addresses)
}

fn shown(addresses: &BTreeSet<IpAddr>) -> String {
    let some: Vec<String> = addresses
        .iter()
        .take(SHOWN_ADDRESSES)
        .map(IpAddr::to_string)
        .collect();
    match addresses.len().saturating_sub(SHOWN_ADDRESSES) {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

/// Opens a connection to each host whose name has an address, side by side.
async fn connect(bedrock: &Bedrock, contacts: &mut [Contact]) {
    let mut attempts = JoinSet::new();
    for contact in contacts.iter().filter(|contact| contact.name.is_ok()) {
        let (bedrock, service) = (bedrock.clone(), contact.service);
        attempts.spawn(async move { (service, bedrock.reach(service).await) });
    }
    while let Some(Ok((service, reached))) = attempts.join_next().await {
        let contact = contacts
            .iter_mut()
            .find(|contact| contact.service == service);
        if let Some(contact) = contact {
            contact.reached = Some(reached);
        }
    }
}

fn connected(contacts: &[Contact]) -> Finding {
    let mut ways = BTreeSet::new();
    for contact in contacts {
        match &contact.reached {
            Some(Ok(_)) => ways.insert(described(&contact.way)),
            Some(Err(error)) => {
                let detail = format!("{}: {error}", address(&contact.way.host));
                return Finding::bad(
                    detail,
                    advice::unreachable(&error.to_string(), &contact.way),
                );
            }
            None => continue,
        };
    }
    if ways.is_empty() {
        return Finding::skipped("no name has an address");
    }
    Finding::good(ways.into_iter().collect::<Vec<_>>().join("; "))
}

fn described(way: &Way) -> String {
    let protocol = if way.is_encrypted { "TLS" } else { "plain TCP" };
    let through = way.proxy.as_ref().map(address);
    let through = through.map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"));
    format!("{protocol} to {}{through}", address(&way.host))
}

fn address(host: &Host) -> String {
    let Host { name, port } = host;
    if name.contains(':') {
        format!("[{name}]:{port}")
    } else {
        format!("{name}:{port}")
    }
}

/// Compares our clock with that of the first host that was reached.
async fn clock(contacts: Vec<Contact>) -> Finding {
    let reached = contacts
        .into_iter()
        .find_map(|contact| contact.reached?.ok());
    let Some(reached) = reached else {
        return Finding::skipped("there is no connection");
    };
    let before = SystemTime::now();
    let theirs = match reached.date().await {
        Ok(Some(date)) => date,
        Ok(None) => return Finding::skipped("the endpoint tells no time"),
        Err(error) => return Finding::skipped(error.to_string()),
    };
    compared(before, theirs, SystemTime::now())
}

/// Judges `theirs`, which a server wrote down between `before` and `after`, to the second.
fn compared(before: SystemTime, theirs: SystemTime, after: SystemTime) -> Finding {
    let second = Duration::from_secs(1);
    let (skew, word) = if let Ok(ahead) = before.duration_since(theirs + second) {
        (ahead, "ahead of")
    } else if let Ok(behind) = theirs.duration_since(after) {
        (behind, "behind")
    } else {
        return Finding::good("the same as AWS's to the second");
    };
    let detail = format!("{} s {word} AWS's", skew.as_secs());
    if skew < NOTABLE_SKEW {
        return Finding::good(detail);
    }
    if skew < GREATEST_SKEW {
        return Finding::good(detail).advising(advice::CLOCK);
    }
    Finding::bad(detail, advice::CLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_from_five_minutes_on_and_worth_a_word_from_one() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let seconds = Duration::from_secs;
        let judged = |theirs| {
            let finding = compared(now, theirs, now + Duration::from_millis(40));
            (finding.ok, finding.advice.is_some())
        };
        assert_eq!(judged(now), (Some(true), false));
        assert_eq!(
            judged(now - Duration::from_millis(900)),
            (Some(true), false)
        );
        for (skew, expected) in [
            (59, (Some(true), false)),
            (62, (Some(true), true)),
            (299, (Some(true), true)),
            (302, (Some(false), true)),
            (86_400, (Some(false), true)),
        ] {
            assert_eq!(judged(now + seconds(skew)), expected, "behind by {skew}");
            assert_eq!(judged(now - seconds(skew)), expected, "ahead by {skew}");
        }
        assert_eq!(
            compared(now, now + seconds(400), now).detail,
            "400 s behind AWS's"
        );
        assert_eq!(
            compared(now, now - seconds(400), now).detail,
            "399 s ahead of AWS's"
        );
    }

    #[test]
    fn a_name_with_many_addresses_shows_two() {
        let of = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(shown(&of(&["10.0.0.1"])), "10.0.0.1");
        let three = of(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(shown(&three), "10.0.0.1, 10.0.0.2 and 1 more");
    }

    #[test]
    fn the_way_is_told_with_its_proxy() {
        let host = |name: &str, port| Host {
            name: name.to_owned(),
            port,
        };
        let mut way = Way {
            host: host("bedrock.us-east-1.amazonaws.com", 443),
            is_encrypted: true,
            proxy: None,
        };
        let direct = "TLS to bedrock.us-east-1.amazonaws.com:443";
        assert_eq!(described(&way), direct);
        way.proxy = Some(host("fd00::1", 3128));
        assert_eq!(
            described(&way),
            format!("{direct} through the proxy [fd00::1]:3128")
        );
    }
}
