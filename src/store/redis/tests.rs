use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;

use super::*;

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_mins(1);

async fn redis() -> (Redis, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = Secret::new(format!("redis://127.0.0.1:{port}/"));
    (Redis::new(&url).unwrap(), listener)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().await.unwrap().0
}

/// Answers whatever is asked, so many times.
async fn answer(stream: &mut TcpStream, times: usize) {
    for _ in 0..times {
        let read = stream.read(&mut [0; 1024]).await.unwrap();
        assert!(read > 0);
        stream.write_all(b"+PONG\r\n").await.unwrap();
    }
}

async fn ask(redis: &Redis) -> Result<String, RedisFailure> {
    redis.query(&redis::cmd("PING")).await
}

#[tokio::test]
async fn a_connection_that_ended_while_nobody_asked_is_replaced_before_somebody_does() {
    let (redis, listener) = redis().await;
    let work = async {
        for _ in 0..3 {
            let serve = async {
                let mut stream = accept(&listener).await;
                answer(&mut stream, 2).await;
            };
            let (answer, ()) = tokio::join!(ask(&redis), serve);
            assert_eq!(answer.unwrap(), "PONG");
            while !matches!(&*redis.shared.link(), Link::Unknown) {
                yield_now().await;
            }
        }
    };
    timeout(DEADLINE, work).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_connections_and_hangs_is_known_to_be_away() {
    let (redis, listener) = redis().await;
    let hang = async {
        let mut held = Vec::new();
        loop {
            held.push(accept(&listener).await);
        }
    };
    let work = async {
        let failure = ask(&redis).await.unwrap_err();
        assert!(failure.to_string().contains("no connection"), "{failure}");
        // Nobody waits from now on.
        for _ in 0..10 {
            let again = timeout(Duration::ZERO, ask(&redis)).await.unwrap();
            assert_eq!(again.unwrap_err(), failure);
        }
    };
    tokio::select! {
        () = hang => {}
        () = work => {}
    }
}
