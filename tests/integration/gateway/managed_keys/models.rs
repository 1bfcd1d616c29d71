//! Which models a key reaches.

use serde_json::{Value, json};

use crate::support::bedrock::ScriptedBedrock;
use crate::support::client::Answer;
use crate::support::gateway::{
    MODEL, Running, StandInServer, alias, config, question, whole_question, with,
};
use crate::support::keys::KeyFile;
use crate::support::messages::WHOLE_ANSWER;

const NOVA: &str = "us.amazon.nova-lite-v1:0";

fn is_hidden(answer: &Answer) {
    let (status, kind, code) = answer.error();
    assert_eq!(
        (status, kind.as_str(), code.as_deref()),
        (404, "invalid_request_error", Some("model_not_found"))
    );
    assert_eq!(answer.json()["error"]["param"], "model");
}

#[tokio::test]
async fn a_model_that_a_key_may_not_use_is_as_if_it_were_not_there() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "search", "models": ["replay.short-*", "gpt-4o"]}))
        .await;
    let none = keys.issue(json!({"name": "none", "models": []})).await;
    let bedrock = StandInServer::start().await;
    let mut config = keys.config(config(&bedrock.url));
    config.models = vec![
        alias("gpt-4o", &["replay.long-text"]),
        alias("mine", &["replay.short-text"]),
        alias("other", &["replay.long-text"]),
    ];
    let gateway = Running::with(config).await;
    for model in ["replay.short-text", "gpt-4o", "mine"] {
        let answer = gateway.chat_as(&key, &whole_question(model)).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        is_hidden(&gateway.chat_as(&none, &whole_question(model)).await);
    }
    let called = bedrock.received.requests().len();
    for model in ["replay.long-text", "other", "gpt-4o-mini", "gpt-4"] {
        is_hidden(&gateway.chat_as(&key, &question(model)).await);
        let embeddings = json!({"model": model, "input": "a"});
        let request = gateway.begin_post_as(&key, "/v1/embeddings", &embeddings);
        is_hidden(&request.await.answer().await);
    }
    assert_eq!(bedrock.received.requests().len(), called);
}

#[tokio::test]
async fn the_list_shows_what_a_key_may_use() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "search", "models": ["replay.short-*", "mine"]}))
        .await;
    let all = keys.issue(json!({"name": "all"})).await;
    let bedrock = StandInServer::start().await;
    let mut config = keys.config(config(&bedrock.url));
    config.models = vec![
        alias("mine", &["replay.long-text"]),
        alias("other", &["replay.long-text"]),
    ];
    let gateway = Running::discovering(config).await;
    let ids = |answer: Answer| -> Vec<String> {
        let list = answer.json();
        let models = list["data"].as_array().unwrap().iter();
        models
            .map(|model| model["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let listed = ids(gateway.get_as(&key, "/v1/models").await);
    assert!(listed.len() > 1 && listed[0] == "mine", "{listed:?}");
    assert!(
        listed[1..].iter().all(|id| id.starts_with("replay.short-")),
        "{listed:?}"
    );
    assert!(ids(gateway.get_as(&all, "/v1/models").await).len() > listed.len());
    assert_eq!(gateway.get_as(&key, "/v1/models/mine").await.status, 200);
    is_hidden(&gateway.get_as(&key, "/v1/models/other").await);
    assert_eq!(gateway.get_as(&all, "/v1/models/other").await.status, 200);
}

#[tokio::test]
async fn a_failed_request_goes_on_only_where_the_key_may_go() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "search", "models": ["*.claude-*"]}))
        .await;
    let free = keys.issue(json!({"name": "free"})).await;
    let bedrock = ScriptedBedrock::start().await;
    let mut config = keys.config(config(&bedrock.url()));
    config.models = vec![alias("best", &[MODEL, NOVA])];
    config.bedrock.max_attempts = 2;
    let gateway = Running::with(config).await;
    let unavailable = "x-amzn-errortype: ServiceUnavailableException\r\n";

    let mut waiting = gateway.begin_chat_as(&free, &whole_question("best")).await;
    let mut call = bedrock.call().await;
    call.answer(503, unavailable, "{}").await;
    let mut call = bedrock.call_or(call).await;
    assert!(call.head.contains("nova-lite"), "{}", call.head);
    call.answer(200, "", WHOLE_ANSWER).await;
    assert_eq!(waiting.answer().await.status, 200);

    // The model of the first target rests now, and is called all the same.
    let mut waiting = gateway.begin_chat_as(&key, &whole_question("best")).await;
    let mut call = bedrock.call_or(call).await;
    assert!(call.head.contains("claude-sonnet"), "{}", call.head);
    call.answer(503, unavailable, "{}").await;
    let mut call = bedrock.call_or(call).await;
    assert!(call.head.contains("claude-sonnet"), "{}", call.head);
    call.answer(200, "", WHOLE_ANSWER).await;
    assert_eq!(waiting.answer().await.status, 200);
}

#[tokio::test]
async fn what_a_key_lays_down_is_sent_whatever_the_request_says() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({
            "name": "search",
            "max_tokens": 100,
            "guardrail": "gr1:2",
            "tags": {"team": "search"},
        }))
        .await;
    let plain = keys
        .issue(json!({"name": "plain", "no_bedrock": true}))
        .await;
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url()))).await;
    let request = with(
        whole_question(MODEL),
        json!({
            "max_tokens": 1000,
            "metadata": {"team": "other", "user": "ann"},
            "bedrock": {"inferenceConfig": {"maxTokens": 5000}, "guardrailConfig": null},
        }),
    );
    let mut waiting = gateway.begin_chat_as(&key, &request).await;
    let mut call = bedrock.call().await;
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(sent["inferenceConfig"]["maxTokens"], 100);
    assert_eq!(sent["guardrailConfig"]["guardrailIdentifier"], "gr1");
    assert_eq!(sent["guardrailConfig"]["guardrailVersion"], "2");
    assert_eq!(
        sent["requestMetadata"],
        json!({"team": "search", "user": "ann"})
    );
    call.answer(200, "", WHOLE_ANSWER).await;
    let answer = waiting.answer().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(
        answer
            .header("x-outcrop-adjusted")
            .contains("max_tokens=100"),
        "{}",
        answer.header("x-outcrop-adjusted")
    );
    let texts = json!({"model": "amazon.titan-embed-text-v2:0", "input": "a", "bedrock": {}});
    let embeddings = gateway.begin_post_as(&plain, "/v1/embeddings", &texts);
    for refused in [
        gateway.chat_as(&plain, &request).await,
        embeddings.await.answer().await,
    ] {
        assert_eq!(refused.error().0, 400);
        assert_eq!(refused.json()["error"]["param"], "bedrock");
    }
}

#[tokio::test]
async fn a_key_without_bedrocks_words_has_none_on_any_route() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "search", "no_bedrock": true}))
        .await;
    let bedrock = StandInServer::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url))).await;
    let chat = with(whole_question("replay.short-text"), json!({"bedrock": {}}));
    let embeddings = json!({"model": "amazon.titan-embed-text-v2:0", "input": "a", "bedrock": {"normalize": false}});
    for (path, request) in [
        ("/v1/chat/completions", chat),
        ("/v1/embeddings", embeddings),
    ] {
        let mut asked = gateway.begin_post_as(&key, path, &request).await;
        let answer = asked.answer().await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert_eq!(answer.json()["error"]["param"], "bedrock");
    }
}
