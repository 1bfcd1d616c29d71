//! `[[accounts]]`: other AWS accounts, and other regions by a name of their own.

use super::entry::Entry;
use super::target::is_account_name;
use super::value::Value;

/// The keys of one table.
pub(super) const KEYS: &[&str] = &["name", "role_arn", "external_id", "region"];

/// An AWS account that targets can name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// What targets call it.
    pub name: String,
    /// The role that is assumed in it; absent means the gateway's own credentials.
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// The region of its targets that name none; absent means the gateway's.
    pub region: Option<String>,
}

/// Reads one table. What is wrong in it is noted, and then there is no account.
pub(super) fn read(mut entry: Entry<'_, '_, '_>) -> Option<Account> {
    let account = Account {
        name: entry.required("name", name).unwrap_or_default(),
        role_arn: entry.optional("role_arn", role_arn),
        external_id: entry.optional("external_id", external_id),
        region: entry.optional("region", Value::region),
    };
    if account.external_id.is_some() && account.role_arn.is_none() {
        entry.mistake("external_id", "needs a role_arn beside it");
    }
    entry.is_right().then_some(account)
}

fn name(value: &Value<'_>) -> Result<String, String> {
    let name = value.text().filter(|text| is_account_name(text));
    name.map(str::to_owned).ok_or_else(|| {
        value.mismatch("a name of letters, digits, \"-\" and \"_\" that is no region's")
    })
}

/// Reads `arn:PARTITION:iam::ACCOUNT:role/NAME`.
fn role_arn(value: &Value<'_>) -> Result<String, String> {
    let is_role = |text: &&str| {
        let mut parts = text.splitn(6, ':');
        parts.next() == Some("arn")
            && parts
                .next()
                .is_some_and(|partition| partition.starts_with("aws"))
            && parts.next() == Some("iam")
            && parts.next() == Some("")
            && parts.next().is_some_and(|account| {
                account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
            })
            && parts
                .next()
                .and_then(|resource| resource.strip_prefix("role/"))
                .is_some_and(|role| !role.is_empty() && !role.contains(char::is_whitespace))
    };
    let arn = value.text().filter(is_role);
    arn.map(str::to_owned).ok_or_else(|| {
        value.mismatch("the ARN of a role such as \"arn:aws:iam::123456789012:role/bedrock\"")
    })
}

/// Reads an external id, by the rules of STS.
fn external_id(value: &Value<'_>) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
    let id = value
        .text()
        .filter(|text| (2..=1224).contains(&text.len()) && text.bytes().all(allowed));
    id.map(str::to_owned)
        .ok_or_else(|| value.mismatch("an external id: 2 to 1224 of letters, digits and _+=,.@:/-"))
}
