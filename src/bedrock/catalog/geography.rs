//! The geographies that inference profiles are named after, and the regions that each may be called from.

/// The geographies, the narrowest first, with the beginnings of their regions' names.
///
/// From AWS's list of cross-region inference profiles. Canada has profiles of its own and may call those of the US.
const GEOGRAPHIES: [(&str, &[&str]); 11] = [
    ("jp", &["ap-northeast-1", "ap-northeast-3"]),
    (
        "au",
        &["ap-southeast-2", "ap-southeast-4", "ap-southeast-6"],
    ),
    ("in", &["ap-south-1", "ap-south-2"]),
    ("uk", &["eu-west-2"]),
    ("ca", &["ca-"]),
    ("us-gov", &["us-gov-"]),
    ("us", &["us-east-", "us-west-", "ca-"]),
    ("eu", &["eu-central-", "eu-north-", "eu-south-", "eu-west-"]),
    ("apac", &["ap-"]),
    ("sa", &["sa-"]),
    ("amer", &["us-east-", "us-west-", "ca-", "mx-", "sa-"]),
];

/// The geography of profiles that may be called from, and run in, every commercial region.
const GLOBAL: &str = "global";

/// The partitions without such profiles.
const NOT_COMMERCIAL: [&str; 5] = ["us-gov-", "cn-", "us-iso", "eu-iso", "eusc-"];

/// How a profile's geography looks from a region; the lesser, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// The geography contains the region; the number is lower for a narrower one.
    Within(usize),
    /// Nobody knows: the geography is new, or no geography claims the region.
    Unknown,
    /// The profile may run anywhere.
    Global,
    /// The region is outside.
    Elsewhere,
}

impl Reach {
    /// How the geography that `profile` is named after looks from `region`.
    pub(super) fn of(profile: &str, region: &str) -> Self {
        let name = profile.split('.').next().unwrap_or_default();
        if name == GLOBAL {
            let commercial = !begins(region, &NOT_COMMERCIAL);
            return if commercial {
                Self::Global
            } else {
                Self::Elsewhere
            };
        }
        let contains = |(_, regions): &(&str, &[&str])| begins(region, regions);
        let geography = GEOGRAPHIES.iter().position(|(known, _)| *known == name);
        match geography.and_then(|rank| Some((rank, GEOGRAPHIES.get(rank)?))) {
            Some((rank, geography)) if contains(geography) => Self::Within(rank),
            Some(_) if GEOGRAPHIES.iter().any(contains) => Self::Elsewhere,
            _ => Self::Unknown,
        }
    }
}

fn begins(region: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| region.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_geography_contains_its_regions() {
        for (profile, region, within) in [
            ("us.a.b", "us-east-1", true),
            ("us.a.b", "ca-central-1", true),
            ("us.a.b", "us-gov-west-1", false),
            ("us-gov.a.b", "us-gov-west-1", true),
            ("us-gov.a.b", "us-east-1", false),
            ("eu.a.b", "eu-central-1", true),
            ("eu.a.b", "us-west-2", false),
            ("eu.a.b", "ap-northeast-1", false),
            ("apac.a.b", "ap-southeast-2", true),
            ("jp.a.b", "ap-northeast-1", true),
            ("jp.a.b", "ap-northeast-2", false),
            ("au.a.b", "ap-southeast-2", true),
            ("in.a.b", "ap-south-1", true),
            ("uk.a.b", "eu-west-2", true),
            ("uk.a.b", "eu-west-1", false),
            ("ca.a.b", "ca-central-1", true),
            ("sa.a.b", "sa-east-1", true),
            ("amer.a.b", "mx-central-1", true),
        ] {
            let reach = Reach::of(profile, region);
            assert_eq!(
                matches!(reach, Reach::Within(_)),
                within,
                "{profile} {region}"
            );
            assert_eq!(reach == Reach::Elsewhere, !within, "{profile} {region}");
        }
    }

    #[test]
    fn what_nobody_knows_is_left_to_aws() {
        for (profile, region) in [
            ("mars.a.b", "us-east-1"),
            ("replay.short-text", "us-east-1"),
            ("apac.a.b", "me-central-1"),
            ("eu.a.b", "il-central-1"),
        ] {
            assert_eq!(
                Reach::of(profile, region),
                Reach::Unknown,
                "{profile} {region}"
            );
        }
    }

    #[test]
    fn global_is_for_commercial_regions_and_comes_last() {
        assert_eq!(Reach::of("global.a.b", "af-south-1"), Reach::Global);
        assert_eq!(Reach::of("global.a.b", "us-gov-east-1"), Reach::Elsewhere);
        assert_eq!(Reach::of("global.a.b", "cn-north-1"), Reach::Elsewhere);
        let of = |profile| Reach::of(profile, "ap-northeast-1");
        assert!(
            of("jp.a") < of("apac.a") && of("apac.a") < of("new.a") && of("new.a") < of("global.a")
        );
    }
}
