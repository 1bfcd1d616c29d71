use std::io::Write as _;

use tempfile::NamedTempFile;

use super::*;
use crate::upstream::region::RegionSource;

fn region(name: &str) -> Region {
    Region::new(name, RegionSource::Configuration).unwrap()
}

fn runtime(name: &str, fips: bool, dual_stack: bool) -> String {
    Endpoint::of_region(
        Service::Runtime,
        &region(name),
        Variant { fips, dual_stack },
    )
    .to_string()
}

#[test]
fn each_partition_has_its_hosts() {
    let cases = [
        ("us-east-1", "amazonaws.com", "api.aws"),
        ("eu-central-2", "amazonaws.com", "api.aws"),
        ("mx-central-1", "amazonaws.com", "api.aws"),
        (
            "cn-north-1",
            "amazonaws.com.cn",
            "api.amazonwebservices.com.cn",
        ),
        ("us-gov-west-1", "amazonaws.com", "api.aws"),
        ("eusc-de-east-1", "amazonaws.eu", "api.amazonwebservices.eu"),
        ("us-iso-east-1", "c2s.ic.gov", "api.aws.ic.gov"),
        ("us-isob-east-1", "sc2s.sgov.gov", "api.aws.scloud"),
        ("eu-isoe-west-1", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        ("us-isof-south-1", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        ("zz-new-9", "amazonaws.com", "api.aws"),
    ];
    for (name, plain, dual) in cases {
        assert_eq!(
            runtime(name, false, false),
            format!("https://bedrock-runtime.{name}.{plain}")
        );
        assert_eq!(
            runtime(name, true, false),
            format!("https://bedrock-runtime-fips.{name}.{plain}")
        );
        assert_eq!(
            runtime(name, false, true),
            format!("https://bedrock-runtime.{name}.{dual}")
        );
        assert_eq!(
            runtime(name, true, true),
            format!("https://bedrock-runtime-fips.{name}.{dual}")
        );
    }
}

#[test]
fn the_control_plane_has_a_host_of_its_own() {
    let control = |fips| {
        let variant = Variant {
            fips,
            dual_stack: false,
        };
        Endpoint::of_region(Service::Control, &region("us-west-2"), variant).to_string()
    };
    assert_eq!(control(false), "https://bedrock.us-west-2.amazonaws.com");
    assert_eq!(
        control(true),
        "https://bedrock-fips.us-west-2.amazonaws.com"
    );
}

#[test]
fn a_model_id_is_one_encoded_label_behind_the_base_path() {
    let cases = [
        (
            "http://localhost:8099",
            "us.anthropic.claude-opus-4-6-v1:0",
            "http://localhost:8099/model/us.anthropic.claude-opus-4-6-v1%3A0/converse",
        ),
        (
            "https://gateway.example/aws/bedrock/",
            "a/b c~_é",
            "https://gateway.example/aws/bedrock/model/a%2Fb%20c~_%C3%A9/converse",
        ),
        (
            "https://[::1]:1/",
            "x?y#z",
            "https://[::1]:1/model/x%3Fy%23z/converse",
        ),
    ];
    for (base, model, expected) in cases {
        let endpoint = Endpoint::of_url(base, "test").unwrap();
        assert_eq!(
            endpoint.model(model, "converse").unwrap().to_string(),
            expected
        );
    }
}

#[test]
fn an_id_that_cannot_be_a_label_is_refused() {
    let endpoint = Endpoint::of_url("http://localhost", "test").unwrap();
    for id in ["", ".", "..", &"a".repeat(2049)] {
        assert!(
            matches!(endpoint.model(id, "converse"), Err(Error::ModelId)),
            "{id:?}"
        );
    }
    assert!(endpoint.model(&":".repeat(2048), "converse-stream").is_ok());
}

#[test]
fn a_wrong_override_is_refused_with_the_setting_named() {
    for url in [
        "",
        "localhost:8000",
        "ftp://host",
        "/path",
        "http://user:secret@host",
        "http://host?x=1",
        "http://host/#a",
    ] {
        let error = Endpoint::of_url(url, "AWS_ENDPOINT_URL")
            .unwrap_err()
            .to_string();
        assert!(error.contains("AWS_ENDPOINT_URL"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn overrides_rank_as_in_the_sdks() {
    let mut file = NamedTempFile::new().unwrap();
    write!(
        file,
        "[default]\nservices = local\nendpoint_url = http://profile\n\
         [services local]\nbedrock_runtime =\n  endpoint_url = http://profile-runtime\n\
         bedrock =\n  endpoint_url = http://profile-control\n",
    )
    .unwrap();
    let path = file.path().to_str().unwrap();
    let ours = ("OURS", "");
    let everything = [
        ours,
        (
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            "http://variable-runtime",
        ),
        ("AWS_ENDPOINT_URL_BEDROCK", "http://variable-control"),
        ("AWS_ENDPOINT_URL", "http://variable"),
        ("AWS_CONFIG_FILE", path),
    ];
    let ignore = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True");
    let cases = [
        (&everything[..], "http://ours", "http://ours-control"),
        (
            &everything[1..],
            "http://variable-runtime",
            "http://variable-control",
        ),
        (&everything[3..], "http://variable", "http://variable"),
        (
            &everything[4..],
            "http://profile-runtime",
            "http://profile-control",
        ),
        (
            &[],
            "https://bedrock-runtime-fips.eu-west-1.api.aws",
            "https://bedrock-fips.eu-west-1.api.aws",
        ),
    ];
    for (pairs, runtime, control) in cases {
        let configured = pairs.contains(&ours);
        assert_eq!(
            resolve(pairs, configured).await,
            (runtime.to_owned(), control.to_owned())
        );
    }
    let ignoring: Vec<_> = everything.into_iter().chain([ignore]).collect();
    assert_eq!(resolve(&ignoring, true).await.0, "http://ours");
    assert_eq!(
        resolve(&ignoring[1..], false).await.0,
        "https://bedrock-runtime-fips.eu-west-1.api.aws"
    );
}

/// The runtime and the control endpoint with FIPS and dual-stack switched on, which overrides drop.
async fn resolve(pairs: &[(&str, &str)], configured: bool) -> (String, String) {
    let variants = [
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE"),
    ];
    let environment = Environment::from_pairs(pairs.iter().copied().chain(variants));
    let profile = Profile::load(&environment).await.unwrap();
    let url = |url| configured.then(|| Uri::from_static(url));
    let settings = config::Bedrock {
        endpoint_url: url("http://ours"),
        control_endpoint_url: url("http://ours-control"),
        ..config::Bedrock::default()
    };
    let endpoints = Endpoints::resolve(&settings, &environment, &profile).unwrap();
    let [runtime, control] = [Service::Runtime, Service::Control]
        .map(|service| endpoints.of(service, &region("eu-west-1")).to_string());
    (runtime, control)
}

#[tokio::test]
async fn a_flag_that_is_neither_true_nor_false_counts_as_unset() {
    let environment = Environment::from_pairs([
        ("AWS_USE_FIPS_ENDPOINT", "yes"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "false"),
    ]);
    let profile = Profile::load(&environment).await.unwrap();
    assert_eq!(Variant::resolve(&environment, &profile), Variant::default());
}

#[tokio::test]
async fn sts_has_hosts_and_a_setting_of_its_own() {
    let of = |name, fips| {
        let variant = Variant {
            fips,
            dual_stack: false,
        };
        Endpoint::of_region(Service::SecurityToken, &region(name), variant).to_string()
    };
    assert_eq!(
        of("eu-west-1", false),
        "https://sts.eu-west-1.amazonaws.com"
    );
    assert_eq!(
        of("us-east-1", true),
        "https://sts-fips.us-east-1.amazonaws.com"
    );
    let gov_cloud = "https://sts.us-gov-west-1.amazonaws.com";
    assert_eq!(of("us-gov-west-1", true), gov_cloud);

    let pairs = [
        ("AWS_ENDPOINT_URL", "http://all"),
        ("AWS_ENDPOINT_URL_STS", "http://sts"),
    ];
    for (pairs, url) in [(&pairs[..], "http://sts"), (&pairs[..1], "http://all")] {
        let environment = Environment::from_pairs(pairs.iter().copied());
        let profile = Profile::load(&environment).await.unwrap();
        let settings = config::Bedrock::default();
        let endpoints = Endpoints::resolve(&settings, &environment, &profile).unwrap();
        let endpoint = endpoints.of(Service::SecurityToken, &region("eu-west-1"));
        assert_eq!(endpoint.to_string(), url);
    }
}
