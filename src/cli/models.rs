//! `outcrop models`: what this account can invoke.

use std::io::{self, IsTerminal as _};

use clap::Args;

use super::listing::Source;
use super::{Failure, print};
use crate::config::{self, Environment};
use crate::models::ListedModel;
use crate::openai::model::{Model, ModelList};

mod table;

pub use table::{Layout, table};

/// List the models that clients can ask for.
///
/// Asks Bedrock for the foundation models and inference profiles that can be called from here, and shows them as
/// /v1/models does, after the models of the configuration. A model that is not listed can be called all the same.
///
/// Windows and limits are in tokens, costs in USD per million tokens of input and output. What nobody knows is
/// shown as -; limits that nobody knows are those of the discovery section.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = NEEDS)]
pub struct Arguments {
    /// Print what /v1/models answers, with everything that is known
    #[arg(long)]
    pub json: bool,

    /// Where they are looked up.
    #[command(flatten)]
    pub source: Source,
}

pub(super) const NEEDS: &str = "\
Needs bedrock:ListFoundationModels and bedrock:ListInferenceProfiles. Credentials and region are found as for serve.";

/// Prints the models.
///
/// # Errors
///
/// What could not be asked; what could is printed all the same. No model at all.
pub async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let found = arguments.source.list(environment).await?;
    let models: Vec<Model> = found.models.iter().map(model_of).collect();
    if arguments.json {
        let json = serde_json::to_string_pretty(&ModelList::of(&models))?;
        print(&format!("{json}\n"))?;
    } else if !models.is_empty() {
        let layout = Layout::of(io::stdout().is_terminal());
        print(&table(&models, layout))?;
    }
    let nothing = models.is_empty().then(|| nothing(&found.config.discovery));
    found.complete()?;
    nothing.map_or(Ok(()), |reason| Err(Failure::new(reason)))
}

/// Why there is nothing to print, though nothing failed.
fn nothing(settings: &config::Discovery) -> String {
    if !settings.enabled {
        "there are no models: discovery is switched off, and the configuration has none".to_owned()
    } else if settings.provider_filter.is_empty() {
        "there are no models: AWS lists none that can be called from here".to_owned()
    } else {
        let wanted = settings.provider_filter.join(", ");
        format!("there are no models that discovery.provider_filter lets through: {wanted}")
    }
}

fn model_of(listed: &ListedModel) -> Model {
    listed.model.clone()
}
