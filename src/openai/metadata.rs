//! `metadata`: pairs that the client attaches to a request.

use std::borrow::Cow;

use super::error::InvalidRequest;
use super::json::{Field, Path};

/// The pairs of `metadata` in the client's order.
pub type Metadata<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Reads the pairs; members that hold no string, as some frameworks send them, go to `extras`.
pub(super) fn read_metadata<'a>(
    field: Field<'a, '_>,
    extras: &mut Vec<Cow<'a, str>>,
) -> Result<Metadata<'a>, InvalidRequest> {
    let mut pairs = Vec::new();
    if !field.is_object() {
        extras.push(Cow::Owned(field.path().to_string()));
        return Ok(pairs);
    }
    for (name, raw) in field.object()?.0 {
        let path = Path::Member(field.path(), &name);
        let member = Field::new(raw, &path);
        if member.is_string() {
            pairs.push((name.clone(), member.string()?));
        } else if !member.is_empty() {
            extras.push(Cow::Owned(path.to_string()));
        }
    }
    Ok(pairs)
}
