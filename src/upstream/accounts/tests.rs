use aws_credential_types::Credentials;

use super::*;
use crate::upstream::CredentialSource;

fn account(name: &str, role_arn: Option<&str>, region: Option<&str>) -> config::Account {
    config::Account {
        name: name.to_owned(),
        role_arn: role_arn.map(str::to_owned),
        external_id: None,
        region: region.map(str::to_owned),
    }
}

fn region(name: &str) -> Region {
    Region::new(name, RegionSource::Target).unwrap()
}

/// Three accounts: the gateway's own, its own under another name in Frankfurt, and a role.
async fn accounts(pairs: &[(&str, &str)]) -> Result<Accounts, SetupError> {
    let settings = [
        account("frankfurt", None, Some("eu-central-1")),
        account("prod", Some("arn:aws:iam::123456789012:role/bedrock"), None),
    ];
    let region = [("AWS_REGION", "us-west-2")];
    let environment = Environment::from_pairs(pairs.iter().copied().chain(region));
    let clock = Arc::new(SystemTime::now);
    let provider = SharedCredentialsProvider::new(Credentials::for_tests());
    let (bedrock, metrics) = (config::Bedrock::default(), Metrics::new());
    Accounts::with_provider(
        &bedrock,
        &settings,
        &environment,
        &metrics,
        Some(provider),
        clock,
    )
    .await
}

fn is_same(one: &Bedrock, other: &Bedrock) -> bool {
    std::ptr::eq(one.describe(), other.describe())
}

#[tokio::test]
async fn a_region_is_the_targets_else_the_accounts_else_the_gateways() {
    let accounts = accounts(&[]).await.unwrap();
    let elsewhere = region("sa-east-1");
    let cases = [
        (None, None, "us-west-2", RegionSource::AwsRegion),
        (None, Some(&elsewhere), "sa-east-1", RegionSource::Target),
        (
            Some("frankfurt"),
            None,
            "eu-central-1",
            RegionSource::Account,
        ),
        (
            Some("frankfurt"),
            Some(&elsewhere),
            "sa-east-1",
            RegionSource::Target,
        ),
        (Some("prod"), None, "us-west-2", RegionSource::AwsRegion),
    ];
    for (name, asked, expected, source) in cases {
        let bedrock = accounts.bedrock(name, asked).unwrap();
        let description = bedrock.describe();
        assert_eq!(description.account.as_deref(), name);
        assert_eq!(description.region.as_str(), expected);
        assert_eq!(description.region_source, source);
        assert_eq!(
            description.endpoint.to_string(),
            format!("https://bedrock-runtime.{expected}.amazonaws.com")
        );
    }
}

#[tokio::test]
async fn an_account_that_is_not_configured_is_an_error_that_names_it() {
    let accounts = accounts(&[]).await.unwrap();
    let error = accounts.bedrock(Some("dev"), None).unwrap_err().to_string();
    assert!(
        error.contains("\"dev\"") && error.contains("[[accounts]]"),
        "{error}"
    );
}

#[tokio::test]
async fn the_same_place_is_the_same_bedrock() {
    let accounts = accounts(&[]).await.unwrap();
    let own = accounts.bedrock(None, Some(&region("us-west-2"))).unwrap();
    assert!(is_same(&own, accounts.own()));
    let place = |name, region: &Region| accounts.bedrock(name, Some(region)).unwrap();
    let tokyo = region("ap-northeast-1");
    let first = place(None, &tokyo);
    assert!(is_same(&first, &place(None, &tokyo)));
    assert!(!is_same(&first, &place(Some("prod"), &tokyo)));
    assert!(is_same(
        &first,
        &accounts.clone().bedrock(None, Some(&tokyo)).unwrap()
    ));
}

#[tokio::test]
async fn places_that_clients_make_up_drive_out_only_each_other() {
    let accounts = accounts(&[]).await.unwrap();
    let used = region("eu-west-1");
    let kept = accounts.bedrock(None, Some(&used)).unwrap();
    for number in 0..3 * MAX_PLACES {
        let made_up = region(&format!("zz-{number}"));
        accounts.bedrock(None, Some(&made_up)).unwrap();
        assert!(is_same(
            &kept,
            &accounts.bedrock(None, Some(&used)).unwrap()
        ));
    }
    let places = accounts.shared.places.lock().unwrap();
    assert_eq!(places.len(), MAX_PLACES);
}

#[tokio::test]
async fn an_api_key_is_for_the_own_account_and_roles_are_assumed_beside_it() {
    let accounts = accounts(&[("AWS_BEARER_TOKEN_BEDROCK", "key")])
        .await
        .unwrap();
    let source = |name| {
        let bedrock = accounts.bedrock(name, None).unwrap();
        bedrock.describe().credential_source.clone()
    };
    assert_eq!(source(None), CredentialSource::BearerToken);
    assert_eq!(source(Some("frankfurt")), CredentialSource::BearerToken);
    assert_eq!(
        source(Some("prod")).to_string(),
        "role arn:aws:iam::123456789012:role/bedrock, assumed with those from instance metadata"
    );
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_a_mistake_where_its_credentials_are_needed() {
    let absent = ("AWS_PROFILE", "absent");
    let keys = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let error = accounts(&[absent]).await.unwrap_err().to_string();
    assert!(
        error.contains("\"absent\"") && error.contains("AWS_PROFILE"),
        "{error}"
    );
    accounts(&[absent, keys[0], keys[1]]).await.unwrap();
    let region = ("AWS_REGION", "us-west-2");
    let bearer = Environment::from_pairs([absent, region, ("AWS_BEARER_TOKEN_BEDROCK", "key")]);
    Bedrock::new(&config::Bedrock::default(), &bearer, &Metrics::new())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_region_of_an_account_that_could_change_the_host_is_refused() {
    let settings = [account("x", None, Some("evil.example/"))];
    let environment = Environment::from_pairs([("AWS_REGION", "us-west-2")]);
    let bedrock = config::Bedrock::default();
    let error = Accounts::new(&bedrock, &settings, &environment, &Metrics::new())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("evil.example/"), "{error}");
}

#[tokio::test]
async fn an_override_is_where_all_regions_are_called() {
    let environment = Environment::from_pairs([
        ("AWS_REGION", "us-west-2"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ]);
    let bedrock = config::Bedrock::default();
    let accounts = Accounts::new(&bedrock, &[], &environment, &Metrics::new())
        .await
        .unwrap();
    let place = accounts.bedrock(None, Some(&region("eu-west-1"))).unwrap();
    let description = place.describe();
    assert_eq!(description.endpoint.to_string(), "http://127.0.0.1:1");
    assert_eq!(
        description.control_endpoint.to_string(),
        "http://127.0.0.1:1"
    );
    assert_eq!(description.region.as_str(), "eu-west-1");
}
