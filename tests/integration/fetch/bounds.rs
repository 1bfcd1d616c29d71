//! How large, how long and how many.

use std::pin::pin;
use std::time::Duration;

use outcrop::config;
use outcrop::fetch::{Error, Failed};
use tokio::task::yield_now;
use tokio::time::{advance, pause, resume};
use tokio::{join, select};

use super::world::{CAT, GIF, GIF_BYTES, World, answer, gif, one};
use crate::support::soon;
use crate::upstream::server::{Reply, head};

fn settings(max_bytes: usize) -> config::Fetch {
    config::Fetch {
        max_bytes,
        ..config::Fetch::default()
    }
}

/// The head of a chunked answer and these chunks, without an end.
fn chunks(chunks: &[&[u8]]) -> Vec<u8> {
    let mut answer = head(200, &[("transfer-encoding", "chunked")]).into_bytes();
    answer.extend(b"\r\n");
    for chunk in chunks {
        answer.extend(format!("{:x}\r\n", chunk.len()).bytes());
        answer.extend_from_slice(chunk);
        answer.extend(b"\r\n");
    }
    answer
}

#[tokio::test]
async fn an_image_may_be_as_large_as_is_allowed() {
    let (start, end) = GIF_BYTES.split_at(9);
    let mut chunked = chunks(&[start, end]);
    chunked.extend(b"0\r\n\r\n");
    for reply in [gif(), Reply::Bytes(chunked)] {
        let world = World::with([reply]).await;
        let fetcher = world.fetcher(&settings(GIF_BYTES.len()));
        assert_eq!(one(&fetcher, CAT).await.as_deref(), Ok(GIF));
    }
}

/// The server stalls behind what it has sent: more of it is not waited for.
#[tokio::test]
async fn an_image_that_is_too_large_is_given_up() {
    let most = GIF_BYTES.len() - 1;
    let mut declared = head(200, &[]).into_bytes();
    declared.extend(format!("content-length: {}\r\n\r\n", GIF_BYTES.len()).bytes());
    let mut endless = head(200, &[]).into_bytes();
    endless.extend(b"content-length: 9223372036854775807\r\n\r\n");
    let undeclared = chunks(&[&GIF_BYTES[..9], &GIF_BYTES[9..]]);
    for bytes in [declared, endless, undeclared] {
        let world = World::with([Reply::Stall(bytes)]).await;
        let fetcher = world.fetcher(&settings(most));
        assert_eq!(one(&fetcher, CAT).await, Err(Error::TooLarge(most)));
        soon(world.server.client_gone()).await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let mut silent_body = head(200, &[]).into_bytes();
    silent_body.extend(b"content-length: 43\r\n\r\nGIF89a");
    for bytes in [Vec::new(), b"HTTP/1.1 200 OK\r\n".to_vec(), silent_body] {
        let world = World::with([Reply::Stall(bytes)]).await;
        let impatient = config::Fetch {
            timeout: Duration::from_millis(50),
            ..config::Fetch::default()
        };
        assert_eq!(
            one(&world.fetcher(&impatient), CAT).await,
            Err(Error::TimedOut)
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_no_image_is_told_apart() {
    let mut half = head(200, &[]).into_bytes();
    half.extend(b"content-length: 43\r\n\r\nGIF89a");
    // Without a length the connection's end is the image's, and this one ends without a word of TLS's.
    let mut closed = head(200, &[("connection", "close")]).into_bytes();
    closed.extend(b"\r\n");
    closed.extend_from_slice(GIF_BYTES);
    let mut head_without_end = head(200, &[]).into_bytes();
    head_without_end.extend(b"x-a: ".iter().chain(&vec![b'a'; 100_000]));
    let page = answer(200, &[("content-type", "image/png")], b"<!doctype html>");
    for (reply, error) in [
        (page, Error::NotAnImage),
        (answer(200, &[], b""), Error::NotAnImage),
        (answer(404, &[], GIF_BYTES), Error::Status(404)),
        (answer(206, &[], GIF_BYTES), Error::Status(206)),
        (answer(302, &[], b"nowhere"), Error::Interrupted),
        (Reply::Close(half), Error::Interrupted),
        (Reply::Close(closed), Error::Interrupted),
        (Reply::Close(Vec::new()), Error::Interrupted),
        (
            Reply::Close(b"no HTTP\r\n\r\n".to_vec()),
            Error::Interrupted,
        ),
        (Reply::Stall(head_without_end), Error::Interrupted),
        (Reply::Reset, Error::Interrupted),
    ] {
        let world = World::with([reply.clone()]).await;
        assert_eq!(world.fetch(CAT).await, Err(error), "{reply:?}");
    }
}

#[tokio::test]
async fn one_request_has_so_many_images_and_no_more() {
    let world = World::with(vec![gif(); 50]).await;
    let fetcher = world.fetcher(&config::Fetch::default());
    let addresses: Vec<_> = (0..51)
        .map(|number| format!("https://images.test/{number}"))
        .collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let refused = fetcher.fetch_all(&addresses).await.unwrap_err();
    let expected = Failed {
        address: addresses[50].to_owned(),
        error: Error::TooMany(50),
    };
    assert_eq!(refused, expected);
    // One that stands there again is sent again.
    let refused = fetcher.fetch_all(&[CAT; 51]).await.unwrap_err();
    assert_eq!(refused.error, Error::TooMany(50));
    assert_eq!(world.server.connections(), 0);
    let all = fetcher.fetch_all(&addresses[..50]).await.unwrap();
    assert_eq!(all.images().len(), 50);
    assert!(fetcher.fetch_all(&[]).await.unwrap().images().is_empty());
}

/// Images take memory until they are let go: 512 MiB for all requests together.
#[tokio::test]
async fn images_share_the_memory_that_there_is() {
    let world = World::with(vec![gif(); 2]).await;
    let settings = config::Fetch {
        // In base64 as large as all memory, so that one that was fetched leaves too little for another.
        max_bytes: 512 * 1024 * 1024,
        ..config::Fetch::default()
    };
    let fetcher = world.fetcher(&settings);
    let first = fetcher.fetch_all(&[CAT]).await.unwrap();
    // Nothing but the clock moves on while the second waits.
    pause();
    assert_eq!(one(&fetcher, CAT).await, Err(Error::Busy));
    resume();
    drop(first);
    assert_eq!(one(&fetcher, CAT).await.as_deref(), Ok(GIF));
}

/// How large an image is comes out when it is there; until then it may be the largest.
#[tokio::test]
async fn small_images_leave_the_memory_to_others() {
    let world = World::with(vec![gif(); 3]).await;
    let settings = config::Fetch {
        // In base64 as large as half of all memory.
        max_bytes: 190 * 1024 * 1024,
        ..config::Fetch::default()
    };
    let fetcher = world.fetcher(&settings);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(soon(fetcher.fetch_all(&[CAT])).await.unwrap());
    }
    assert!(held.iter().all(|fetched| fetched.images().len() == 1));
}

/// 64 images are fetched at once. Those of a server that says nothing take others' time, but none off it.
#[tokio::test]
async fn who_waits_for_others_has_all_of_his_time() {
    let mut replies = vec![Reply::Stall(Vec::new()); 64];
    replies.push(gif());
    let world = World::with(replies).await;
    let fetcher = world.fetcher(&config::Fetch::default());
    let silent: Vec<_> = (0..64)
        .map(|number| format!("https://images.test/{number}"))
        .collect();
    let silent: Vec<_> = silent.iter().map(String::as_str).collect();
    let (some, others) = silent.split_at(32);
    let mut all_silent = pin!(async { join!(fetcher.fetch_all(some), fetcher.fetch_all(others)) });
    // The clock stands still while somebody is busy, and goes to what is waited for when nobody is.
    pause();
    let all_connected = async {
        while world.server.received().len() < 64 {
            yield_now().await;
        }
    };
    select! {
        _ = &mut all_silent => panic!("they fail too early"),
        () = soon(all_connected) => {}
    }
    advance(Duration::from_millis(1)).await;
    let waiting = tokio::spawn({
        let fetcher = fetcher.clone();
        async move { one(&fetcher, CAT).await }
    });
    let (some, others) = all_silent.await;
    resume();
    assert_eq!(some.unwrap_err().error, Error::TimedOut);
    assert_eq!(others.unwrap_err().error, Error::TimedOut);
    assert_eq!(waiting.await.unwrap().as_deref(), Ok(GIF));
}
