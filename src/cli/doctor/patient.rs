//! Who is examined, and in which order: what a later check needs comes first, and what fails spares the later ones.

use super::check::{Check, Finding};
use std::iter;

use super::choice::{cheapest, guessed};
use super::lists::{self, Lists};
use super::network::Network;
use super::question::{Operation, Question};
use super::report::Report;
use super::{identity, inference, network};
use crate::cli::Failure;
use crate::config::Config;
use crate::models::{Models, Targets};
use crate::upstream::{Accounts, Bedrock, CallerIdentity};

const NO_CONNECTION: &str = "there is no connection";
const NO_CREDENTIALS: &str = "there are no credentials that AWS takes";
const NONE_NEEDED: &str = "none is needed: the stand-in is a part of this process";

/// Settings that can be used, and what was made of them.
pub(super) struct Patient {
    /// The configuration in force.
    pub(super) config: Config,
    /// The accounts that are called.
    pub(super) accounts: Accounts,
    /// What clients may ask for.
    pub(super) models: Models,
    /// Whether AWS is played by recordings.
    pub(super) is_replay: bool,
}

/// What keeps later checks from being made.
struct Obstacles {
    /// Of signed requests to anybody.
    credentials: Option<&'static str>,
    /// Of calls.
    runtime: Option<&'static str>,
    /// Of look-ups.
    control: Option<&'static str>,
}

impl Patient {
    /// Makes every check beyond the settings. What is independent goes on side by side.
    ///
    /// # Errors
    ///
    /// When `model` cannot be one; when the report cannot be written.
    pub(super) async fn examine(
        &self,
        model: Option<&str>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let targets = model.map(|model| self.models.targets(model, || 0));
        let targets = targets.transpose();
        let targets = targets.map_err(|error| Failure::usage(error.to_string()))?;
        let mut obstacles = self.contact(report).await?;
        let caller = self.identify(&mut obstacles, report).await?;
        let lists = self.look_up(&obstacles, caller.as_ref(), report).await?;
        self.call(targets, &obstacles, caller.as_ref(), &lists, report)
            .await
    }

    fn own(&self) -> &Bedrock {
        self.accounts.own()
    }

    fn question(&self, operation: Operation) -> Question<'_> {
        Question::of(self.own(), operation)
    }

    /// DNS, connections, the clock and credentials.
    async fn contact(&self, report: &mut Report) -> Result<Obstacles, Failure> {
        if self.is_replay {
            for name in ["DNS", "connection", "clock", "credentials"] {
                report.add(Check::instant(name, Finding::skipped(NONE_NEEDED)))?;
            }
            return Ok(Obstacles {
                credentials: None,
                runtime: None,
                control: None,
            });
        }
        let (network, credentials) = tokio::join!(
            network::examine(self.own()),
            identity::credentials(self.own())
        );
        let Network {
            checks,
            runtime,
            control,
        } = network;
        let without = |reached: bool| (!reached).then_some(NO_CONNECTION);
        let obstacles = Obstacles {
            credentials: (!credentials.finding().is_good()).then_some(NO_CREDENTIALS),
            runtime: without(runtime),
            control: without(control),
        };
        for check in checks {
            report.add(check)?;
        }
        report.add(credentials)?;
        Ok(obstacles)
    }

    /// Whose the credentials are. What STS does not take, Bedrock will not take either.
    async fn identify(
        &self,
        obstacles: &mut Obstacles,
        report: &mut Report,
    ) -> Result<Option<CallerIdentity>, Failure> {
        let why = obstacles.credentials;
        if let Some(why) = self.is_replay.then_some(NONE_NEEDED).or(why) {
            report.add(Check::instant("identity", Finding::skipped(why)))?;
            return Ok(None);
        }
        let question = self.question(Operation::GetCallerIdentity);
        let (check, caller) = identity::identity(self.own(), question).await;
        if check.finding().ok == Some(false) {
            obstacles.credentials = Some(NO_CREDENTIALS);
        }
        report.add(check)?;
        Ok(caller)
    }

    /// The lists, and the roles of other accounts.
    async fn look_up(
        &self,
        obstacles: &Obstacles,
        caller: Option<&CallerIdentity>,
        report: &mut Report,
    ) -> Result<Lists, Failure> {
        let (lists, accounts) = tokio::join!(
            self.lists(obstacles),
            self.other_accounts(obstacles, caller)
        );
        let (checks, lists) = lists;
        for check in checks.into_iter().chain(accounts) {
            report.add(check)?;
        }
        Ok(lists)
    }

    async fn lists(&self, obstacles: &Obstacles) -> ([Check; 2], Lists) {
        let Some(why) = obstacles.credentials.or(obstacles.control) else {
            let question = self.question(Operation::ListFoundationModels);
            return lists::examine(self.own(), question).await;
        };
        let operations = [
            Operation::ListFoundationModels,
            Operation::ListInferenceProfiles,
        ];
        let checks = operations.map(|operation| skipped(operation, why));
        (checks, Lists::default())
    }

    async fn other_accounts(
        &self,
        obstacles: &Obstacles,
        caller: Option<&CallerIdentity>,
    ) -> Vec<Check> {
        let accounts = &self.config.accounts;
        let why = self.is_replay.then_some(NONE_NEEDED);
        let Some(why) = why.or(obstacles.credentials) else {
            return identity::accounts(&self.accounts, accounts, caller).await;
        };
        let names = accounts
            .iter()
            .map(|account| format!("account {}", account.name));
        names
            .map(|name| Check::instant(name, Finding::skipped(why)))
            .collect()
    }

    /// The two calls of a model.
    async fn call(
        &self,
        targets: Option<Targets>,
        obstacles: &Obstacles,
        caller: Option<&CallerIdentity>,
        lists: &Lists,
        report: &mut Report,
    ) -> Result<(), Failure> {
        if let Some(why) = obstacles.credentials.or(obstacles.runtime) {
            report.add(skipped(Operation::Converse, why))?;
            return report.add(skipped(Operation::ConverseStream, why));
        }
        for (bedrock, id) in self.called(targets, lists) {
            let (place, own) = (bedrock.describe(), self.own().describe());
            let is_own = place.account == own.account && place.region == own.region;
            let auto_profile = self.config.bedrock.auto_profile;
            let subject = if is_own {
                lists.subject(&id, auto_profile)
            } else {
                Lists::default().subject(&id, auto_profile)
            };
            let question = Question {
                account: caller
                    .map(|caller| caller.account.as_str())
                    .filter(|_| is_own),
                model: Some(&subject),
                ..Question::of(&bedrock, Operation::Converse)
            };
            let region = &place.region;
            let elsewhere = match &place.account {
                _ if is_own => None,
                Some(account) => Some(format!("{account}/{region}")),
                None => Some(region.to_string()),
            };
            for check in inference::examine(&bedrock, question).await {
                report.add(match &elsewhere {
                    Some(place) => check.at(place),
                    None => check,
                })?;
            }
        }
        Ok(())
    }

    /// What is called where: each of `targets`; without them, a cheap model of the account.
    fn called(&self, targets: Option<Targets>, lists: &Lists) -> Vec<(Bedrock, String)> {
        let own = self.own();
        let Some(targets) = targets else {
            let region = own.describe().region.as_str();
            let cheap = cheapest(lists.models()).map(str::to_owned);
            return vec![(own.clone(), cheap.unwrap_or_else(|| guessed(region)))];
        };
        let targets = iter::once(targets.first).chain(targets.others);
        let called = targets.map(|target| {
            let id = match target.settings() {
                Some(_) => target.model_id,
                None => lists.meant(&target.model_id, self.config.bedrock.auto_profile),
            };
            (target.bedrock, id)
        });
        called.collect()
    }
}

fn skipped(operation: Operation, why: &str) -> Check {
    Check::instant(operation.name(), Finding::skipped(why))
}
