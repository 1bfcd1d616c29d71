//! Each list, all pages of it, within bounds.

use outcrop::bedrock::listing::InferenceProfileType::{Application, SystemDefined};
use outcrop::upstream::Error;
use serde_json::{Value, json};

use super::bedrock;
use super::control_plane::{Answer, ControlPlane, List};

/// Pages `from..to` of one profile each, with tokens from one to the next.
fn pages(number: usize) -> Vec<Value> {
    let page = |page: usize| {
        json!({
            "inferenceProfileSummaries": [{"inferenceProfileId": format!("us.a.b{page}")}],
            "nextToken": format!("token {page}"),
        })
    };
    (0..number).map(page).collect()
}

#[tokio::test]
async fn every_page_of_profiles_is_fetched() {
    let control = ControlPlane::start().await;
    let bedrock = bedrock(&control).await;
    let system = bedrock
        .list_inference_profiles(SystemDefined)
        .await
        .unwrap();
    let application = bedrock.list_inference_profiles(Application).await.unwrap();
    assert_eq!((system.len(), application.len()), (23, 6));
    assert_eq!(
        system[0].inference_profile_id,
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    );
    assert_eq!(system[22].inference_profile_id, "us.amazon.nova-pro-v1:0");
    assert_eq!(
        control.received(),
        [
            "/inference-profiles?maxResults=1000&type=SYSTEM_DEFINED",
            "/inference-profiles?maxResults=1000&type=SYSTEM_DEFINED&nextToken=cGFnZSAy%2B%2F%3D%26x",
            "/inference-profiles?maxResults=1000&type=APPLICATION",
        ]
    );
}

#[tokio::test]
async fn foundation_models_are_one_page() {
    let control = ControlPlane::start().await;
    let models = bedrock(&control)
        .await
        .list_foundation_models()
        .await
        .unwrap();
    assert_eq!(models.len(), 43);
    assert_eq!(control.received(), ["/foundation-models"]);
}

#[tokio::test]
async fn a_profile_of_the_other_kind_is_not_taken_for_one_of_this() {
    let control = ControlPlane::start().await;
    let bedrock = bedrock(&control).await;
    // Something between here and AWS that lists all kinds, whatever it is asked.
    let page = json!({"inferenceProfileSummaries": [
        {"inferenceProfileId": "us.a.b", "type": "SYSTEM_DEFINED"},
        {"inferenceProfileId": "ab12", "inferenceProfileArn": "arn:ab12", "type": "APPLICATION"},
        {"inferenceProfileId": "nobody.says"},
    ]});
    for (list, kind, expected) in [
        (
            List::SystemProfiles,
            SystemDefined,
            ["us.a.b", "nobody.says"],
        ),
        (
            List::ApplicationProfiles,
            Application,
            ["ab12", "nobody.says"],
        ),
    ] {
        control.set_pages(list, std::slice::from_ref(&page));
        let rows = bedrock.list_inference_profiles(kind).await.unwrap();
        let ids = rows.iter().map(|row| row.inference_profile_id.as_str());
        assert_eq!(ids.collect::<Vec<_>>(), expected);
        assert!(rows.iter().all(|row| row.kind == kind.as_str()));
    }
}

#[tokio::test]
async fn a_token_that_comes_again_ends_the_list() {
    let control = ControlPlane::start().await;
    let mut pages = pages(3);
    pages[1]["nextToken"] = pages[0]["nextToken"].clone();
    control.set_pages(List::SystemProfiles, &pages);
    let rows = bedrock(&control)
        .await
        .list_inference_profiles(SystemDefined)
        .await;
    assert_eq!(rows.unwrap().len(), 2);
    assert_eq!(control.received().len(), 2);
}

#[tokio::test]
async fn a_list_without_end_is_cut() {
    let control = ControlPlane::start().await;
    control.set_pages(List::SystemProfiles, &pages(60));
    let rows = bedrock(&control)
        .await
        .list_inference_profiles(SystemDefined)
        .await;
    assert_eq!(rows.unwrap().len(), 50);
    assert_eq!(control.received().len(), 50);
}

#[tokio::test]
async fn a_page_that_is_missing_is_an_error() {
    let control = ControlPlane::start().await;
    let bedrock = bedrock(&control).await;
    for broken in ["", "[]", "{", "null", r#""models""#] {
        let mut pages: Vec<_> = pages(1)
            .iter()
            .map(|page| page.to_string().into_bytes())
            .collect();
        pages.push(broken.as_bytes().to_vec());
        control.set(List::SystemProfiles, Answer::Pages(pages));
        control.set(
            List::FoundationModels,
            Answer::Pages(vec![broken.as_bytes().to_vec()]),
        );
        let profiles = bedrock.list_inference_profiles(SystemDefined).await;
        assert!(matches!(profiles, Err(Error::Protocol { .. })), "{broken}");
        let models = bedrock.list_foundation_models().await;
        assert!(matches!(models, Err(Error::Protocol { .. })), "{broken}");
    }
}

#[tokio::test]
async fn an_exception_is_an_error_in_aws_words() {
    let control = ControlPlane::start().await;
    let denied = Answer::Exception(403, "AccessDeniedException", "User is not authorized");
    control.set(List::FoundationModels, denied);
    let error = bedrock(&control)
        .await
        .list_foundation_models()
        .await
        .unwrap_err();
    assert_eq!(error.name(), "AccessDeniedException");
    assert!(
        error.to_string().contains("User is not authorized"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_is_waited_for_five_seconds() {
    let control = ControlPlane::start().await;
    control.hold();
    let bedrock = bedrock(&control).await;
    let models = bedrock.list_foundation_models().await.unwrap_err();
    assert_eq!(
        models.to_string(),
        "Bedrock did not answer in time: not complete within 5s"
    );
    let profiles = bedrock
        .list_inference_profiles(Application)
        .await
        .unwrap_err();
    assert_eq!(profiles.name(), "Timeout");
}
