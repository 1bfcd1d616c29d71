//! Requests that real clients and real applications sent: what leaves the gateway passes the stand-in's checks. The corpus
//! lies beside a checkout of this project where it is developed; elsewhere these tests say that they skip it.
#![expect(
    clippy::print_stdout,
    reason = "what was counted and what was skipped is for whoever reads the tests' output"
)]

mod converse;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::converse::chat_completion_request;
use crate::support::gateway::{Running, StandInServer, with};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");

/// The fixtures that stand for the families.
const CLAUDE: &str = "replay.short-text";
const NOVA: &str = "replay.nova-text";
const LLAMA: &str = "replay.llama-tool-call";
const MISTRAL: &str = "replay.mistral-text";

/// A folder of the corpus; `None`, with a message, where there is none.
fn folder(name: &str) -> Option<PathBuf> {
    let folder = Path::new(CORPUS).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no {}", folder.display());
    None
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// How often requests ended in which way.
#[derive(Default)]
struct Tally {
    answered: usize,
    refused: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Tally {
    /// Sends a request; `is_documented` tells whether a refusal of a member is one that the documentation names.
    async fn send(
        &mut self,
        gateway: &Running,
        case: &str,
        request: &Value,
        is_documented: impl Fn(&str) -> bool,
    ) {
        let answer = gateway.chat(request).await;
        if answer.status == 200 {
            self.answered += 1;
            return;
        }
        let param = answer.json()["error"]["param"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if answer.status == 400 && is_documented(&param) {
            *self.refused.entry(param).or_default() += 1;
        } else {
            self.wrong.push(format!(
                "{case} on {}: {} {}",
                request["model"],
                answer.status,
                answer.text()
            ));
        }
    }

    fn report(&self, what: &str) {
        println!(
            "{what}: {} answered, refused for {:?}, {} wrong",
            self.answered,
            self.refused,
            self.wrong.len()
        );
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert!(self.answered > 0);
    }
}

#[tokio::test]
async fn what_real_clients_send_passes_bedrocks_checks() {
    let Some(folder) = folder("client-requests") else {
        return;
    };
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let mut tally = Tally::default();
    let mut left_out = 0;
    for path in entries(&folder) {
        let file = read(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        for request in file["requests"].as_array().unwrap() {
            let body = &request["body"];
            let has_images = body.to_string().contains("image_url");
            for model in [CLAUDE, NOVA, LLAMA, MISTRAL] {
                if has_images && [LLAMA, MISTRAL].contains(&model) {
                    left_out += 1;
                    continue;
                }
                let request = with(body.clone(), json!({"model": model}));
                tally.send(&gateway, &name, &request, |_| false).await;
            }
        }
    }
    println!("{left_out} left out: images, for a model that takes none");
    tally.report("bodies of real clients");
}

/// The fixture of the family that a case was recorded with.
fn fixture(case: &Path) -> &'static str {
    let meta = fs::read_to_string(case.join("meta.json"))
        .unwrap_or_default()
        .to_lowercase();
    let families = [("nova", NOVA), ("llama", LLAMA), ("mistral", MISTRAL)];
    families
        .iter()
        .find(|(name, _)| meta.contains(name))
        .map_or(CLAUDE, |(_, fixture)| fixture)
}

#[tokio::test]
async fn what_real_applications_ask_of_bedrock_can_be_asked_through_the_gateway() {
    let mut tally = Tally::default();
    let mut without_equivalent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut without_request = 0;
    let gateway = Running::before(&StandInServer::start().await.url).await;
    for name in ["converse", "converse-stream"] {
        let Some(folder) = folder(name) else { return };
        for case in entries(&folder) {
            let Some(converse) = read(&case.join("request.json")).filter(Value::is_object) else {
                without_request += 1;
                continue;
            };
            let name = case.file_name().unwrap().to_string_lossy().into_owned();
            let request = match chat_completion_request(&converse) {
                Ok(request) => request,
                Err(missing) => {
                    without_equivalent.entry(missing).or_default().push(name);
                    continue;
                }
            };
            // Mistral Large and Llama 3.3 take no images; the recorded Pixtral and Llama 4 do. One case has an image
            // that Bedrock refused, and one a video that is an image.
            let is_documented = |param: &str| {
                let sees_nothing = [MISTRAL, LLAMA].contains(&fixture(&case));
                let is_none = name.contains("validation_exception") || param.contains("video_url");
                param.starts_with("messages") && (sees_nothing || is_none)
            };
            let request = with(request, json!({"model": fixture(&case)}));
            tally.send(&gateway, &name, &request, is_documented).await;
            let request = with(request, json!({"stream": true}));
            tally.send(&gateway, &name, &request, is_documented).await;
        }
    }
    println!("{without_request} cases without a request");
    for (missing, cases) in &without_equivalent {
        println!(
            "{} without an equivalent, for {missing}: {}",
            cases.len(),
            cases.join(", ")
        );
    }
    tally.report("Converse requests, whole and streamed");
}
