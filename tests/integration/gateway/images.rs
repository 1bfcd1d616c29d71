//! Images that a request names by address.

use outcrop::config;
use serde_json::{Value, json};

use crate::fetch::world::{CAT, GIF, World, answer, gif, private};
use crate::support::gateway::{MODEL, Running, StandInServer, config as gateway_config};
use crate::upstream::server::Reply;

/// A question about the images at `addresses`.
fn question(addresses: &[&str]) -> Value {
    let images = addresses
        .iter()
        .map(|address| json!({"type": "image_url", "image_url": {"url": address}}));
    let mut content = vec![json!({"type": "text", "text": "What is this?"})];
    content.extend(images);
    json!({"model": MODEL, "messages": [{"role": "user", "content": content}]})
}

/// A gateway that fetches from `world`, and Bedrock behind it.
async fn gateway(world: &World) -> (StandInServer, Running) {
    let stand_in = StandInServer::start().await;
    let fetcher = world.fetcher(&config::Fetch::default());
    let gateway = Running::fetching(gateway_config(&stand_in.url), fetcher).await;
    (stand_in, gateway)
}

#[tokio::test]
async fn an_image_at_an_address_reaches_bedrock_as_bytes() {
    let world = World::with([gif(), gif()]).await;
    let (stand_in, gateway) = gateway(&world).await;
    let other = "https://cdn.test/cat.gif";
    let answer = gateway.chat(&question(&[CAT, other, CAT])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = stand_in.received.requests().pop().unwrap();
    let sent: Value = serde_json::from_slice(&sent.body.unwrap()).unwrap();
    let image = json!({"image": {"format": "gif", "source": {"bytes": GIF}}});
    let expected = json!([{"text": "What is this?"}, image, image, image]);
    assert_eq!(sent["messages"][0]["content"], expected);
}

#[tokio::test]
async fn an_image_that_cannot_be_had_is_named_without_what_is_inside() {
    let world = World::with([answer(404, &[], b"")]).await;
    world.names.lead("inside.test", [vec![private("10.1.2.3")]]);
    let (stand_in, gateway) = gateway(&world).await;
    for (address, reason) in [
        (CAT, "its host answered with status 404"),
        ("http://images.test/", "only https addresses are fetched"),
        (
            "https://nowhere.test/",
            "its host is not found on the public internet",
        ),
        (
            "https://inside.test/",
            "its host is not found on the public internet",
        ),
    ] {
        let answer = gateway.chat(&question(&[address])).await;
        assert_eq!(answer.error().0, 400, "{address}");
        let param = "messages[0].content[1].image_url.url";
        assert_eq!(answer.json()["error"]["param"], param);
        let expected = format!("The image in '{param}' cannot be fetched: {reason}.");
        assert_eq!(answer.message(), expected);
    }
    assert!(stand_in.received.requests().is_empty());
}

#[tokio::test]
async fn without_being_told_to_the_gateway_fetches_nothing() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    let answer = gateway.chat(&question(&[CAT])).await;
    assert_eq!(answer.error().0, 400);
    assert!(answer.message().contains("images = \"public\""));
    assert!(stand_in.received.requests().is_empty());
}

#[tokio::test]
async fn a_model_that_sees_nothing_has_nothing_fetched() {
    let world = World::with([gif()]).await;
    let (_stand_in, gateway) = gateway(&world).await;
    let mut question = question(&[CAT]);
    question["model"] = json!("us.amazon.nova-micro-v1:0");
    let answer = gateway.chat(&question).await;
    assert_eq!(answer.error().0, 400);
    assert!(answer.message().contains("does not take images"));
    assert_eq!(world.server.connections(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_fetch() {
    let world = World::with([Reply::Stall(Vec::new())]).await;
    let (_stand_in, gateway) = gateway(&world).await;
    let mut client = gateway.connect().await;
    client.chat(&question(&[CAT])).await;
    crate::support::soon(async {
        while world.server.received().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(client);
    crate::support::soon(world.server.client_gone()).await;
}
