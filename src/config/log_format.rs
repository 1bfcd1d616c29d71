use std::str::FromStr;

use clap::ValueEnum;

use super::Environment;
use super::mistake::{Mistake, Origin, quoted};
use super::variables::LOG_FORMAT;

/// The format of the log on standard error.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object in each line.
    Json,
}

impl LogFormat {
    /// Reads `OUTCROP_LOG_FORMAT`; text when it is not set.
    ///
    /// # Errors
    ///
    /// The variable names no format.
    pub fn from_environment(environment: &Environment) -> Result<Self, Mistake> {
        let Some(value) = environment.get(LOG_FORMAT) else {
            return Ok(Self::default());
        };
        value.trim().parse().map_err(|problem| Mistake {
            origin: Origin::Variable(LOG_FORMAT.to_owned()),
            problem,
        })
    }
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!(
                "the log format must be \"text\" or \"json\", not {}",
                quoted(text)
            )),
        }
    }
}
