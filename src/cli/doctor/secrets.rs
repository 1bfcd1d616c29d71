//! What the report never repeats, whoever says it: a server may send back what it was sent.

use crate::config::Environment;

/// Variables whose values are secret.
const VARIABLES: [&str; 7] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "OUTCROP_API_KEY",
    "OUTCROP_CLIENT_KEY",
    "OUTCROP_STATE_KEY",
];
/// Variables whose URLs may hold a password.
const PROXIES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];
/// Shorter values would make holes in ordinary words.
const SHORTEST: usize = 6;

/// Secrets, and what is shown instead of each.
pub(super) struct Secrets(Vec<(String, String)>);

impl Secrets {
    /// The secrets among the variables.
    pub(super) fn of(environment: &Environment) -> Self {
        let mut values: Vec<&str> = Vec::new();
        for variable in VARIABLES {
            let value = environment.get(variable).unwrap_or_default();
            // Some are lists.
            values.extend(value.split(','));
            values.push(value);
        }
        values.extend(
            PROXIES
                .iter()
                .filter_map(|name| password(environment.get(name)?)),
        );
        let values = values.into_iter().map(str::trim);
        let hidden = values.map(|value| (value.to_owned(), "(hidden)".to_owned()));
        let id = environment.get("AWS_ACCESS_KEY_ID").map(str::trim);
        let id = id.map(|id| (id.to_owned(), format!("…{}", last_four(id))));
        let mut secrets: Vec<_> = hidden
            .chain(id)
            .filter(|(value, _)| value.len() >= SHORTEST)
            .collect();
        // A secret that holds another goes first, or its rest would be seen.
        secrets.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        Self(secrets)
    }

    /// `text` without them.
    pub(super) fn hide(&self, text: &str) -> String {
        let secrets = self.0.iter();
        secrets.fold(text.to_owned(), |text, (secret, shown)| {
            text.replace(secret.as_str(), shown)
        })
    }
}

/// The password in `http://user:password@host`.
fn password(url: &str) -> Option<&str> {
    let (authority, _) = url.rsplit_once('@')?;
    let (_, password) = authority.rsplit_once(':')?;
    Some(password)
}

fn last_four(id: &str) -> &str {
    let start = id.char_indices().rev().nth(3).map_or(0, |(start, _)| start);
    id.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_come_from() {
        let secrets = Secrets::of(&Environment::from_pairs([
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", " wJalrXUtnFEMI\n"),
            ("AWS_SESSION_TOKEN", "wJalrXUtnFEMIlonger"),
            ("OUTCROP_API_KEY", "sk-first,sk-second"),
            ("https_proxy", "http://user:hunter2@proxy:3128"),
        ]));
        let said = "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI wJalrXUtnFEMIlonger sk-first sk-second hunter2 proxy";
        assert_eq!(
            secrets.hide(said),
            "…MPLE (hidden) (hidden) (hidden) (hidden) (hidden) proxy"
        );
    }

    #[test]
    fn short_values_hide_nothing() {
        let secrets = Secrets::of(&Environment::from_pairs([("OUTCROP_API_KEY", "a,us")]));
        assert_eq!(secrets.hide("us-east-1 answers"), "us-east-1 answers");
    }
}
