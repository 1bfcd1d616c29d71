//! Where images may come from.

use outcrop::config;
use outcrop::fetch::Error;
use rustls::RootCertStore;

use super::world::{CAT, GIF, World, gif, one, private, redirect};
use crate::support::soon;
use crate::upstream::server::Reply;

/// The addresses of metadata services and of private networks, in every disguise.
const PRIVATE: [&str; 8] = [
    "169.254.169.254",
    "127.0.0.2",
    "10.0.0.1",
    "100.64.0.1",
    "::1",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
];

#[tokio::test]
async fn an_image_is_fetched_without_telling_who_asks() {
    let world = World::with([gif()]).await;
    assert_eq!(world.fetch(CAT).await.unwrap(), GIF);
    let received = world.server.received();
    let [request] = received.as_slice() else {
        panic!("one request: {received:?}")
    };
    assert_eq!(request.line, "GET /cat.gif?size=1 HTTP/1.1");
    assert_eq!(request.header("host"), Some("images.test"));
    let agent = request.header("user-agent").unwrap();
    assert!(agent.starts_with("outcrop/"), "{agent}");
    for name in [
        "cookie",
        "authorization",
        "referer",
        "x-forwarded-for",
        "content-length",
    ] {
        assert_eq!(request.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn an_address_that_stands_twice_is_fetched_once() {
    let world = World::with([gif(), gif()]).await;
    let fetcher = world.fetcher(&config::Fetch::default());
    let other = "https://cdn.test/cat.gif";
    let both = fetcher.fetch_all(&[CAT, other, CAT]).await.unwrap();
    assert_eq!(both.images().len(), 2);
    assert!(both.images().values().all(|image| image == GIF));
    assert_eq!(world.server.received().len(), 2);
}

#[tokio::test]
async fn images_are_fetched_side_by_side() {
    let world = World::with([Reply::Stall(Vec::new())]).await;
    let fetcher = world.fetcher(&config::Fetch::default());
    let refused = fetcher.fetch_all(&[CAT, "https://nowhere.test/"]);
    let refused = soon(refused).await.unwrap_err();
    assert_eq!(refused.error, Error::NotPublic);
    assert_eq!(refused.address, "https://nowhere.test/");
}

#[tokio::test]
async fn what_is_no_plain_https_address_is_not_even_looked_up() {
    let world = World::with([]).await;
    for (address, error) in [
        ("http://images.test/cat.gif", Error::NotHttps),
        ("https://user:secret@images.test/", Error::Credentials),
        ("https://images.test:8443/", Error::Port),
        ("https://images.test:22/", Error::Port),
        ("https://", Error::Malformed),
    ] {
        assert_eq!(world.fetch(address).await, Err(error), "{address}");
    }
    assert_eq!(world.names.asked(), [""; 0]);
    assert_eq!(world.server.connections(), 0);
}

#[tokio::test]
async fn a_host_inside_sounds_like_one_that_does_not_exist() {
    let world = World::with([]).await;
    assert_eq!(
        world.fetch("https://nowhere.test/").await,
        Err(Error::NotPublic)
    );
    for address in PRIVATE {
        world.names.lead("inside.test", [vec![private(address)]]);
        assert_eq!(
            world.fetch("https://inside.test/").await,
            Err(Error::NotPublic),
            "{address}"
        );
    }
    for literal in [
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:7f00:2]/",
        "https://2852039166/",
        "https://0x7f.0.0.2/",
    ] {
        assert_eq!(
            world.fetch(literal).await,
            Err(Error::NotPublic),
            "{literal}"
        );
    }
}

#[tokio::test]
async fn of_several_addresses_only_public_ones_are_connected_to() {
    let world = World::with([gif()]).await;
    let server = world.server.address;
    let list = vec![private("10.0.0.1"), server, private("::1")];
    world.names.lead("images.test", [list]);
    assert_eq!(world.fetch(CAT).await.unwrap(), GIF);
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_passed_over() {
    let world = World::with([gif()]).await;
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = dead.local_addr().unwrap();
    world
        .names
        .lead("images.test", [vec![dead, world.server.address]]);
    assert_eq!(world.fetch(CAT).await.unwrap(), GIF);
}

/// A name that leads outside when it is checked and inside when it is connected to gains nothing: it is looked up
/// once for each request, and that very address is connected to.
#[tokio::test]
async fn a_name_is_looked_up_once() {
    let world = World::with([gif()]).await;
    let lists = [vec![world.server.address], vec![private("169.254.169.254")]];
    world.names.lead("images.test", lists);
    assert_eq!(world.fetch(CAT).await.unwrap(), GIF);
    assert_eq!(world.names.asked(), ["images.test"]);
    assert_eq!(world.fetch(CAT).await, Err(Error::NotPublic));
    assert_eq!(world.server.connections(), 1);
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_is_allowed() {
    let chain = || {
        [
            redirect("/b"),
            redirect("https://cdn.test/c"),
            redirect("../d"),
            gif(),
        ]
    };
    let world = World::with(chain()).await;
    assert_eq!(world.fetch(CAT).await.unwrap(), GIF);
    let received = world.server.received();
    let lines: Vec<_> = received
        .iter()
        .map(|request| (request.header("host").unwrap(), request.line.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            ("images.test", "GET /cat.gif?size=1 HTTP/1.1"),
            ("images.test", "GET /b HTTP/1.1"),
            ("cdn.test", "GET /c HTTP/1.1"),
            ("cdn.test", "GET /d HTTP/1.1"),
        ]
    );
    let world = World::with(chain()).await;
    let settings = config::Fetch {
        redirects: 2,
        ..config::Fetch::default()
    };
    let fetched = one(&world.fetcher(&settings), CAT).await;
    assert_eq!(fetched, Err(Error::Redirects));
    assert_eq!(world.server.received().len(), 3);
}

#[tokio::test]
async fn a_redirect_leads_nowhere_that_a_client_could_not_name() {
    for (target, error) in [
        ("http://images.test/cat.gif", Error::NotHttps),
        ("https://169.254.169.254/latest/", Error::NotPublic),
        ("https://inside.test/", Error::NotPublic),
        ("https://images.test:8443/", Error::Port),
        ("https://u:p@images.test/", Error::Credentials),
        ("file:///etc/passwd", Error::NotHttps),
        ("https://[", Error::Malformed),
    ] {
        let world = World::with([redirect(target)]).await;
        world.names.lead("inside.test", [vec![private("10.0.0.1")]]);
        assert_eq!(world.fetch(CAT).await, Err(error), "{target}");
        assert_eq!(world.server.connections(), 1, "{target}");
    }
    // The same host, which has moved inside in between.
    let world = World::with([redirect("/again")]).await;
    let lists = [vec![world.server.address], vec![private("10.0.0.1")]];
    world.names.lead("images.test", lists);
    assert_eq!(world.fetch(CAT).await, Err(Error::NotPublic));
}

#[tokio::test]
async fn a_host_has_to_prove_its_name() {
    let world = World::with([gif()]).await;
    let other = "https://other.test/cat.gif";
    world.names.lead("other.test", [vec![world.server.address]]);
    assert_eq!(world.fetch(other).await, Err(Error::Connection));
    let strict = world.fetcher_trusting(&config::Fetch::default(), RootCertStore::empty());
    assert_eq!(one(&strict, CAT).await, Err(Error::Connection));
    assert!(world.server.received().is_empty());
}
