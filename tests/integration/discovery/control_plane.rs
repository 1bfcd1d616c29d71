//! A control plane that lists what a test puts into it, fails when it is told to, and can be made to wait.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::listings::answer;

/// The lists, as the control plane tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum List {
    FoundationModels,
    SystemProfiles,
    ApplicationProfiles,
}

const LISTS: [List; 3] = [
    List::FoundationModels,
    List::SystemProfiles,
    List::ApplicationProfiles,
];

/// What is answered when a list is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The first of these, and after a token the one that follows the page with this token.
    Pages(Vec<Vec<u8>>),
    /// This status, exception and text.
    Exception(u16, &'static str, &'static str),
}

#[derive(Clone)]
pub(crate) struct ControlPlane {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    answers: Mutex<HashMap<List, Answer>>,
    received: watch::Sender<Vec<String>>,
    open: watch::Sender<bool>,
}

impl ControlPlane {
    /// One that lists what `fixtures/listings` says of us-east-1.
    pub(crate) async fn start() -> Self {
        let page = |name| answer("us-east-1", name);
        let answers = [
            (List::FoundationModels, vec![page("foundation-models")]),
            (
                List::SystemProfiles,
                vec![page("system-profiles-1"), page("system-profiles-2")],
            ),
            (
                List::ApplicationProfiles,
                vec![page("application-profiles")],
            ),
        ];
        let answers = answers.map(|(list, pages)| (list, Answer::Pages(pages)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let control = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(State {
                answers: Mutex::new(answers.into()),
                received: watch::Sender::new(Vec::new()),
                open: watch::Sender::new(true),
            }),
        };
        tokio::spawn(control.clone().serve(listener));
        control
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn set(&self, list: List, answer: Answer) {
        self.state.answers.lock().unwrap().insert(list, answer);
    }

    /// Answers with these pages, which are no more than JSON.
    pub(crate) fn set_pages(&self, list: List, pages: &[Value]) {
        let pages = pages.iter().map(|page| page.to_string().into_bytes());
        self.set(list, Answer::Pages(pages.collect()));
    }

    /// Fails whatever is asked for.
    pub(crate) fn break_down(&self) {
        for list in LISTS {
            self.set(
                list,
                Answer::Exception(500, "InternalServerException", "broken"),
            );
        }
    }

    /// Answers nothing until it is told to go on.
    pub(crate) fn hold(&self) {
        self.state.open.send_replace(false);
    }

    pub(crate) fn go_on(&self) {
        self.state.open.send_replace(true);
    }

    /// The paths and queries of all calls so far.
    pub(crate) fn received(&self) -> Vec<String> {
        self.state.received.borrow().clone()
    }

    /// Waits until so many calls have come.
    pub(crate) async fn calls(&self, number: usize) {
        let mut received = self.state.received.subscribe();
        received
            .wait_for(|calls| calls.len() >= number)
            .await
            .unwrap();
    }

    async fn serve(self, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let control = self.clone();
            let service = service_fn(move |request| control.clone().answer(request));
            // A client that leaves is no failure.
            tokio::spawn(async move {
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let asked = request.uri().to_string();
        self.state
            .received
            .send_modify(|calls| calls.push(asked.clone()));
        let mut open = self.state.open.subscribe();
        open.wait_for(|open| *open).await.unwrap();
        let list = if asked.starts_with("/foundation-models") {
            List::FoundationModels
        } else if asked.contains("type=SYSTEM_DEFINED") {
            List::SystemProfiles
        } else {
            List::ApplicationProfiles
        };
        let answer = self.state.answers.lock().unwrap()[&list].clone();
        let (status, name, body) = match answer {
            Answer::Pages(pages) => (200, "", page(&pages, &asked)),
            Answer::Exception(status, name, text) => (
                status,
                name,
                format!(r#"{{"message":"{text}"}}"#).into_bytes(),
            ),
        };
        let response = Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .header("x-amzn-errortype", name);
        Ok(response.body(Full::new(body.into())).unwrap())
    }
}

/// The page that follows the one with the token of `asked`.
fn page(pages: &[Vec<u8>], asked: &str) -> Vec<u8> {
    let uri = url::Url::parse(&format!("http://localhost{asked}")).unwrap();
    let token = uri.query_pairs().find(|(name, _)| name == "nextToken");
    let Some((_, token)) = token else {
        return pages[0].clone();
    };
    let is_of_token = |page: &&[Vec<u8>]| {
        let page: Value = serde_json::from_slice(&page[0]).unwrap();
        page["nextToken"] == *token
    };
    let found = pages
        .windows(2)
        .find(is_of_token)
        .unwrap_or_else(|| panic!("no page has the token {token:?}"));
    found[1].clone()
}
