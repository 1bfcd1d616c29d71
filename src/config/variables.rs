//! The `OUTCROP_…` variables: options, keys, and what looks like either and is not.

use super::load::Loading;
use super::log_format::LogFormat;
use super::mistake::{Origin, nearest};
use super::setting::{SETTINGS, Setting};
use super::value::Value;
use super::{Environment, Secret, StateKey};

/// Names the configuration file.
pub(super) const CONFIG: &str = "OUTCROP_CONFIG";

/// Holds the static keys of clients, separated by commas.
pub(super) const API_KEY: &str = "OUTCROP_API_KEY";

/// Holds the key that authenticates what clients keep for the gateway.
pub(super) const STATE_KEY: &str = "OUTCROP_STATE_KEY";

/// Chooses the format of the logs.
pub(super) const LOG_FORMAT: &str = "OUTCROP_LOG_FORMAT";

/// Variables of the project that are not options of the gateway.
const OTHERS: &[&str] = &[
    CONFIG,
    API_KEY,
    LOG_FORMAT,
    "OUTCROP_ADMIN_KEY",
    "OUTCROP_CLIENT_KEY",
    STATE_KEY,
];

/// Returns the variable of a secret that is looked for as the key `key` of a file.
pub(super) fn secret(key: &str) -> Option<&'static str> {
    [("api_key", API_KEY), ("state_key", STATE_KEY)]
        .into_iter()
        .find(|(name, _)| key.trim_end_matches('s') == *name)
        .map(|(_, variable)| variable)
}

/// Reads all `OUTCROP_…` variables.
pub(super) fn read(environment: &Environment, loading: &mut Loading) {
    for (name, value) in environment
        .iter()
        .filter(|(name, _)| name.starts_with("OUTCROP_"))
    {
        let origin = Origin::Variable(name.to_owned());
        if let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == name) {
            loading.set(setting, &Value::Untyped(value.trim()), origin);
        } else if !OTHERS.contains(&name) && !is_service_link(name, value) {
            loading.mistake(origin, unknown_variable(name));
        }
    }
    match environment.get(API_KEY) {
        Some(value) => read_keys(value, loading),
        // Most often a secret that was not filled in: it must not open the gateway to everybody.
        None if environment.is_set(API_KEY) => loading.mistake(
            Origin::Variable(API_KEY.to_owned()),
            "it is set and holds no key; give a key, or unset it to serve without keys".to_owned(),
        ),
        None => {}
    }
    if let Some(value) = environment.get(STATE_KEY) {
        read_state_key(value.trim(), loading);
    }
    if let Err(mistake) = LogFormat::from_environment(environment) {
        loading.mistake(mistake.origin, mistake.problem);
    }
}

/// Reads the static keys. Their values are never repeated in a message.
fn read_keys(value: &str, loading: &mut Loading) {
    let origin = Origin::Variable(API_KEY.to_owned());
    for (index, key) in value.split(',').map(str::trim).enumerate() {
        let number = index + 1;
        if key.is_empty() {
            let problem = format!("key {number} is empty; keys are separated by single commas");
            loading.mistake(origin.clone(), problem);
        } else if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = format!(
                "key {number} holds a character that no Authorization header carries; \
                 keys are of visible ASCII characters"
            );
            loading.mistake(origin.clone(), problem);
        } else {
            loading.config.api_keys.push(Secret::new(key));
        }
    }
}

/// Reads the state key. Its value is never repeated in a message, and a wrong one is not replaced by a random one.
fn read_state_key(value: &str, loading: &mut Loading) {
    loading.config.state_key = StateKey::parse(value);
    if loading.config.state_key.is_none() {
        let problem = "must be 32 bytes in base64, as `openssl rand -base64 32` prints them";
        let origin = Origin::Variable(STATE_KEY.to_owned());
        loading.mistake(origin, problem.to_owned());
    }
}

/// Tells whether a variable is one that Kubernetes and Docker links make for a service called
/// `outcrop` or `outcrop-…`: `OUTCROP_SERVICE_HOST`, `OUTCROP_PORT=tcp://…`, `OUTCROP_PORT_4000_TCP_ADDR`.
/// Nobody typed those, and refusing them would keep such a pod from starting.
/// Source: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>.
fn is_service_link(name: &str, value: &str) -> bool {
    let is_port = |(_, rest): (&str, &str)| {
        let mut parts = rest.split('_');
        let number = parts.next().unwrap_or_default();
        let number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        number && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
    };
    let is_link = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| value.starts_with(scheme));
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT") && is_link
        || name.split_once("_PORT_").is_some_and(is_port)
}

fn unknown_variable(name: &str) -> String {
    let options: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    let names = options
        .iter()
        .map(String::as_str)
        .chain(OTHERS.iter().copied());
    // The common beginning would make every name near to every other.
    let typed = name.trim_start_matches("OUTCROP_");
    let names = names.map(|name| name.trim_start_matches("OUTCROP_"));
    match nearest(typed, names) {
        Some(name) => format!("unknown variable; did you mean OUTCROP_{name}?"),
        None => "unknown variable; outcrop serve --help lists those there are".to_owned(),
    }
}
