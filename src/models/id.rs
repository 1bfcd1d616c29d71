//! What clients write for a model's id, and what of it is meant for others.

use crate::bedrock::model_id::without_client_suffix;
use crate::config::is_region;
use crate::upstream::{Region, RegionSource};

/// What clients of other gateways write before an id to say that it is Bedrock's: LiteLLM's `bedrock/`, OpenClaw's
/// `amazon-bedrock/`.
const PREFIXES: [&str; 2] = ["amazon-bedrock/", "bedrock/"];

/// The spellings under which what was asked for may be known: as it came, then without what clients write around ids.
pub fn names(asked: &str) -> [&str; 4] {
    let bare = without_prefix(asked);
    [
        asked,
        bare,
        without_client_suffix(asked),
        without_client_suffix(bare),
    ]
}

/// The id as Bedrock may know it: without a prefix, and without a context window after it.
pub(super) fn plain(asked: &str) -> &str {
    without_client_suffix(without_prefix(asked))
}

fn without_prefix(asked: &str) -> &str {
    PREFIXES
        .iter()
        .find_map(|prefix| asked.strip_prefix(prefix))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(asked)
}

/// The region that an ARN belongs to, if it is of the same partition as `own`: clients write ARNs, and another
/// partition has other credentials, whatever the ARN says of itself.
pub(super) fn arn_region(id: &str, own: &Region) -> Option<Region> {
    let mut parts = id.strip_prefix("arn:")?.split(':');
    let partition = parts.next()?;
    // Other names lead to hosts of other services, such as `s3-us-west-2`, where anybody can have a bucket named
    // `bedrock-runtime`.
    let name = parts.nth(1).filter(|name| is_region(name))?;
    let region = Region::new(name, RegionSource::Target).ok()?;
    let same = [partition, region.partition()].map(|partition| partition == own.partition());
    (same == [true, true]).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_bedrocks_is_left_out_of_an_id() {
        for (asked, id) in [
            ("us.amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0"),
            (
                "bedrock/us.amazon.nova-lite-v1:0",
                "us.amazon.nova-lite-v1:0",
            ),
            (
                "amazon-bedrock/us.amazon.nova-lite-v1:0[1m]",
                "us.amazon.nova-lite-v1:0",
            ),
            ("bedrock/", "bedrock/"),
            ("gpt-4o", "gpt-4o"),
            ("bedrock/bedrock/x", "bedrock/x"),
        ] {
            assert_eq!(plain(asked), id);
        }
    }

    #[test]
    fn an_arn_of_this_partition_chooses_its_region() {
        let own = Region::new("us-east-1", RegionSource::Fallback).unwrap();
        let region = |id: &str| arn_region(id, &own).map(|region| region.to_string());
        let profile = |place: &str| format!("arn:{place}:123456789012:inference-profile/x");
        assert_eq!(
            region(&profile("aws:bedrock:eu-west-1")).as_deref(),
            Some("eu-west-1")
        );
        for other in [
            "us-west-2",
            "ap-southeast-5",
            "mx-central-1",
            "il-central-1",
        ] {
            let of = region(&profile(&format!("aws:bedrock:{other}")));
            assert_eq!(of.as_deref(), Some(other));
        }
        for id in [
            profile("aws:bedrock:"),
            profile("aws-cn:bedrock:cn-north-1"),
            profile("aws:bedrock:evil.example.com/"),
            // Each would be sent to another partition, or to another service's host.
            profile("aws:bedrock:cn-north-1"),
            profile("aws:bedrock:us-gov-west-1"),
            profile("aws:bedrock:eusc-de-east-1"),
            profile("aws:bedrock:s3"),
            profile("aws:bedrock:s3-us-west-2"),
            profile("aws:bedrock:us-east-"),
            profile("aws:bedrock:us--1"),
            profile("aws:bedrock:-"),
            "arn:aws".to_owned(),
            "gpt-4o".to_owned(),
        ] {
            assert_eq!(region(&id), None, "{id}");
        }
    }
}
