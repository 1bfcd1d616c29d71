//! Models that Bedrock takes through an inference profile alone, and models by the names that people use.

use outcrop::config::{AutoProfile, Config, Model, Target};
use serde_json::{Value, json};

use crate::discovery::control_plane::{ControlPlane, List};
use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::client::{Answer, Connection};
use crate::support::gateway::{Running, config, whole_question};
use crate::support::messages::WHOLE_ANSWER;

const SONNET: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

/// A gateway that has found the models of `fixtures/listings`, in front of a Bedrock that does what it is told.
struct Rig {
    bedrock: ScriptedBedrock,
    client: Connection,
    gateway: Running,
}

impl Rig {
    async fn begin(change: impl FnOnce(&mut Config)) -> Self {
        Self::before(&ControlPlane::start().await, change).await
    }

    /// The same with the models of `control`.
    async fn before(control: &ControlPlane, change: impl FnOnce(&mut Config)) -> Self {
        let bedrock = ScriptedBedrock::start().await;
        let mut settings = config(&bedrock.url());
        let control_url = format!("http://{}", control.address);
        settings.bedrock.control_endpoint_url = Some(control_url.parse().unwrap());
        change(&mut settings);
        let gateway = Running::discovering(settings).await;
        // The first list is there once it can be seen.
        assert_eq!(gateway.get("/v1/models").await.status, 200);
        Self {
            client: gateway.connect().await,
            bedrock,
            gateway,
        }
    }

    /// Asks `model`, and gives the id that Bedrock is called with.
    async fn ask(&mut self, model: &str) -> (Call, String) {
        self.client.chat(&whole_question(model)).await;
        self.called().await
    }

    async fn called(&mut self) -> (Call, String) {
        let call = self.bedrock.call().await;
        let path = call.head.split(' ').nth(1).unwrap();
        let model = path.split('/').nth(2).unwrap().replace("%3a", ":");
        (call, model)
    }

    async fn answered(&mut self, mut call: Call) -> Answer {
        let headers = "connection: close\r\ncontent-type: application/json\r\n";
        call.answer(200, headers, WHOLE_ANSWER).await;
        self.client.answer().await
    }
}

async fn refuse_on_demand(call: Call) {
    refuse_on_demand_of(SONNET, call).await;
}

async fn refuse_on_demand_of(model: &str, mut call: Call) {
    let text = format!(
        "Invocation of model ID {model} with on-demand throughput isn’t supported. Retry your request with the ID or ARN \
         of an inference profile that contains this model."
    );
    let headers = "connection: close\r\nx-amzn-errortype: ValidationException\r\n";
    call.answer(400, headers, &json!({"message": text}).to_string())
        .await;
}

#[tokio::test]
async fn a_model_without_on_demand_throughput_is_called_through_its_profile() {
    let mut rig = Rig::begin(|_| {}).await;
    let (call, model) = rig.ask(SONNET).await;
    assert_eq!(model, SONNET);
    refuse_on_demand(call).await;
    let (call, model) = rig.called().await;
    assert_eq!(model, format!("us.{SONNET}"));
    let answer = rig.answered(call).await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "2")
    );
    assert_eq!(
        answer.header("x-outcrop-adjusted"),
        "model=inference_profile"
    );
    assert_eq!(answer.json()["model"], SONNET);
    // From then on at once.
    let (call, model) = rig.ask(SONNET).await;
    assert_eq!(model, format!("us.{SONNET}"));
    let answer = rig.answered(call).await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "1")
    );
}

#[tokio::test]
async fn the_error_names_the_profiles_where_none_may_be_chosen() {
    let mut rig = Rig::begin(|config| config.bedrock.auto_profile = AutoProfile::Off).await;
    let (call, _) = rig.ask(SONNET).await;
    refuse_on_demand(call).await;
    let answer = rig.client.answer().await;
    let ((status, _, code), message) = (answer.error(), answer.message());
    assert_eq!((status, code.as_deref()), (404, Some("model_not_found")));
    assert!(
        message.contains(&format!(": us.{SONNET}, global.{SONNET}.")),
        "{message}"
    );
}

#[tokio::test]
async fn the_world_is_chosen_only_where_that_is_allowed() {
    const GROK: &str = "xai.grok-4.6";
    let mut rig = Rig::begin(|_| {}).await;
    let (call, _) = rig.ask(GROK).await;
    refuse_on_demand(call).await;
    assert_eq!(rig.client.answer().await.status, 404);
    let mut rig = Rig::begin(|config| config.bedrock.auto_profile = AutoProfile::Global).await;
    let (call, _) = rig.ask(GROK).await;
    refuse_on_demand(call).await;
    let (call, model) = rig.called().await;
    assert_eq!(model, format!("global.{GROK}"));
    assert_eq!(rig.answered(call).await.status, 200);
}

#[tokio::test]
async fn a_profile_that_is_refused_too_is_the_end() {
    let mut rig = Rig::begin(|_| {}).await;
    let (call, _) = rig.ask(SONNET).await;
    refuse_on_demand(call).await;
    let (call, _) = rig.called().await;
    refuse_on_demand(call).await;
    assert_eq!(rig.client.answer().await.status, 404);
    // Nothing was learned from it.
    let (call, model) = rig.ask(SONNET).await;
    assert_eq!(model, SONNET);
    assert_eq!(rig.answered(call).await.status, 200);
}

#[tokio::test]
async fn a_model_is_found_by_the_name_that_people_use() {
    let mut rig = Rig::begin(|_| {}).await;
    for (name, id) in [
        (
            "claude-sonnet-4-5",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "bedrock/claude-3-haiku",
            "anthropic.claude-3-haiku-20240307-v1:0",
        ),
        ("nova-lite", "us.amazon.nova-lite-v1:0"),
    ] {
        let (call, model) = rig.ask(name).await;
        assert_eq!(model, id);
        let answer = rig.answered(call).await;
        assert_eq!(
            (answer.status, answer.json()["model"].as_str()),
            (200, Some(name))
        );
        assert_eq!(answer.header("x-outcrop-adjusted"), "");
    }
}

#[tokio::test]
async fn what_the_lists_say_of_an_application_profile_is_not_asked_again() {
    const ARN: &str =
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/1arbu5hu2sjr";
    let mut rig = Rig::begin(|_| {}).await;
    let request = json!({"model": ARN, "messages": [
        {"role": "user", "content": "x".repeat(20_000)}, {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Go on."}
    ]});
    rig.client.chat(&request).await;
    let (call, _) = rig.called().await;
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    // A rule of Claude's.
    assert!(body.to_string().contains("cachePoint"), "{body}");
    assert_eq!(rig.answered(call).await.status, 200);
}

#[tokio::test]
async fn a_provider_whom_nobody_knows_yet_has_profiles_too() {
    const NEW: &str = "newco.brain-1";
    let control = ControlPlane::start().await;
    let profile = json!({"inferenceProfileSummaries": [{
        "inferenceProfileArn": format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{NEW}"),
        "inferenceProfileId": format!("us.{NEW}"), "inferenceProfileName": "Brain", "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
        "models": [{"modelArn": format!("arn:aws:bedrock:us-east-1::foundation-model/{NEW}")}]
    }]});
    control.set_pages(List::SystemProfiles, &[profile]);
    let mut rig = Rig::before(&control, |_| {}).await;
    let (call, _) = rig.ask(NEW).await;
    refuse_on_demand_of(NEW, call).await;
    let (call, model) = rig.called().await;
    assert_eq!(model, format!("us.{NEW}"));
    assert_eq!(rig.answered(call).await.status, 200);
}

#[tokio::test]
async fn what_is_configured_for_an_id_holds_for_the_names_that_people_use() {
    let mut rig = Rig::begin(|config| {
        config.models = vec![Model {
            id: format!("us.{SONNET}"),
            max_tokens: Some(7),
            ..Model::default()
        }];
    })
    .await;
    let mut request = whole_question("claude-sonnet-4-5");
    request["max_tokens"] = json!(50);
    rig.client.chat(&request).await;
    let (call, model) = rig.called().await;
    assert_eq!(model, format!("us.{SONNET}"));
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["inferenceConfig"]["maxTokens"], 7);
    let answer = rig.answered(call).await;
    assert_eq!(answer.json()["model"], "claude-sonnet-4-5");
}

#[tokio::test]
async fn what_several_regions_list_is_called_in_the_gateways_own() {
    let mut rig = Rig::begin(|config| {
        config.discovery.regions = ["us-west-2", "us-east-1"].map(str::to_owned).to_vec();
    })
    .await;
    let (call, _) = rig.ask(&format!("us.{SONNET}")).await;
    assert!(call.head.contains("/us-east-1/bedrock/"), "{}", call.head);
    assert_eq!(rig.answered(call).await.status, 200);
}

#[tokio::test]
async fn a_target_without_a_place_is_what_a_client_may_ask_for() {
    let target = Target {
        model: "claude-sonnet-4-5".to_owned(),
        ..Target::default()
    };
    let alias = Model {
        id: "gpt-4o".to_owned(),
        targets: vec![target],
        ..Model::default()
    };
    let mut rig = Rig::begin(|config| config.models = vec![alias]).await;
    let (call, model) = rig.ask("gpt-4o").await;
    assert_eq!(model, format!("us.{SONNET}"));
    let answer = rig.answered(call).await;
    assert_eq!(
        (answer.status, answer.json()["model"].as_str()),
        (200, Some("gpt-4o"))
    );
    let listed = rig.gateway.get("/v1/models/gpt-4o").await.json();
    assert_eq!(listed["owned_by"], "anthropic");
}

#[tokio::test]
async fn a_model_is_retrieved_by_what_completions_take_for_its_id() {
    let rig = Rig::begin(|_| {}).await;
    for asked in [
        "bedrock%2Fus.anthropic.claude-haiku-4-5-20251001-v1:0",
        "us.anthropic.claude-haiku-4-5-20251001-v1:0[1m]",
    ] {
        let answer = rig.gateway.get(&format!("/v1/models/{asked}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            answer.json()["id"],
            "us.anthropic.claude-haiku-4-5-20251001-v1:0"
        );
    }
}
