//! `fixtures/listings`: what two regions list, the oddest rows of live answers included, and what is made of it.

use std::fs;
use std::path::{Path, PathBuf};

use outcrop::bedrock::catalog::{InvocableModel, Listing, merge};
use outcrop::bedrock::listing::{FoundationModelSummary, InferenceProfilesPage};

use crate::golden::assert_golden;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/listings");

/// One answer of a region.
pub(crate) fn answer(region: &str, name: &str) -> Vec<u8> {
    fs::read(path(region, name)).unwrap()
}

fn path(region: &str, name: &str) -> PathBuf {
    Path::new(FOLDER).join(region).join(format!("{name}.json"))
}

/// All that a region lists.
pub(crate) fn listing(region: &str) -> Listing {
    let pages = [
        "system-profiles-1",
        "system-profiles-2",
        "application-profiles",
    ];
    let pages = pages.into_iter().filter(|page| path(region, page).exists());
    let page = |name| InferenceProfilesPage::read(&answer(region, name)).unwrap();
    Listing {
        region: region.to_owned(),
        foundation_models: FoundationModelSummary::list(&answer(region, "foundation-models"))
            .unwrap(),
        inference_profiles: pages
            .flat_map(|name| page(name).inference_profile_summaries)
            .collect(),
    }
}

fn merged(filter: &[&str]) -> Vec<InvocableModel> {
    let listings = ["us-east-1", "eu-central-1"].map(listing);
    let filter: Vec<_> = filter.iter().map(|&name| name.to_owned()).collect();
    merge(&listings, &filter)
}

#[test]
fn what_can_be_called_is_as_in_the_golden_file() {
    let lines: Vec<_> = merged(&[])
        .iter()
        .map(|model| serde_json::to_string(model).unwrap())
        .collect();
    assert_golden(&Path::new(FOLDER).join("merged.json"), &lines.join("\n"));
}
