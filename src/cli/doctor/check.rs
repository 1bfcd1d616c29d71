//! One check and what it found.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::timeout;

/// A check that is done, or was left out.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    name: String,
    #[serde(flatten)]
    finding: Finding,
    milliseconds: u64,
    /// Whether there was anything to wait for, so that the time says something.
    #[serde(skip)]
    timed: bool,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// Whether it is as it must be; `None` when that was not examined.
    pub(super) ok: Option<bool>,
    /// What was seen, in one line.
    pub(super) detail: String,
    /// What to do, in lines; what is as it must be may still have advice.
    pub(super) advice: Option<String>,
}

impl Finding {
    /// It is as it must be.
    pub(super) fn good(detail: impl Into<String>) -> Self {
        Self {
            ok: Some(true),
            detail: detail.into(),
            advice: None,
        }
    }

    /// Something is missing, and `advice` says what to do.
    pub(super) fn bad(detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            ok: Some(false),
            detail: detail.into(),
            advice: Some(advice.into()),
        }
    }

    /// It was not examined, because of `detail`.
    pub(super) fn skipped(detail: impl Into<String>) -> Self {
        Self {
            ok: None,
            detail: detail.into(),
            advice: None,
        }
    }

    /// The same with something that is worth knowing.
    pub(super) fn advising(self, advice: impl Into<String>) -> Self {
        Self {
            advice: Some(advice.into()),
            ..self
        }
    }

    /// Whether it is as it must be.
    pub(super) fn is_good(&self) -> bool {
        self.ok == Some(true)
    }
}

impl Check {
    /// A check that took no time.
    pub(super) fn instant(name: impl Into<String>, finding: Finding) -> Self {
        Self {
            name: name.into(),
            finding,
            milliseconds: 0,
            timed: false,
        }
    }

    /// A check that `begun` then and ends now.
    pub(super) fn since(begun: Instant, name: impl Into<String>, finding: Finding) -> Self {
        let milliseconds = begun.elapsed().as_millis();
        Self {
            name: name.into(),
            timed: finding.ok.is_some(),
            finding,
            milliseconds: u64::try_from(milliseconds).unwrap_or(u64::MAX),
        }
    }

    /// The same with every text as `word` has it.
    pub(super) fn reworded(mut self, word: impl Fn(&str) -> String) -> Self {
        self.finding.detail = word(&self.finding.detail);
        self.finding.advice = self.finding.advice.as_deref().map(word);
        self
    }

    /// The same, as found at `place`.
    pub(super) fn at(mut self, place: &str) -> Self {
        self.finding.detail = format!("{place}: {}", self.finding.detail);
        self
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What it found.
    pub(super) fn finding(&self) -> &Finding {
        &self.finding
    }

    /// How long it took, if it waited for anything.
    pub(super) fn time(&self) -> Option<Duration> {
        self.timed.then(|| Duration::from_millis(self.milliseconds))
    }
}

/// What `work` found, or that it took longer than `limit`. Calls are large, so that they are put on the heap.
pub(super) fn within<T>(
    limit: Duration,
    work: impl Future<Output = T>,
) -> impl Future<Output = Result<T, Finding>> {
    let work = Box::pin(work);
    async move {
        timeout(limit, work).await.map_err(|_| {
            let advice = "Something on the way swallows what is sent: a firewall, a proxy, a VPC endpoint without a route.";
            Finding::bad(format!("no answer within {limit:?}"), advice)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use serde_json::json;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_check_takes_longer_than_its_limit() {
        let limit = Duration::from_secs(10);
        let finding = within(limit, pending::<()>()).await.unwrap_err();
        assert_eq!(finding.ok, Some(false));
        assert_eq!(finding.detail, "no answer within 10s");
        assert_eq!(within(limit, async { 7 }).await, Ok(7));
    }

    #[test]
    fn as_json_a_check_is_five_members() {
        let check = Check::instant("clock", Finding::bad("6 min late", "Set it."));
        let expected = json!({
            "name": "clock", "ok": false, "detail": "6 min late", "advice": "Set it.", "milliseconds": 0,
        });
        assert_eq!(serde_json::to_value(&check).unwrap(), expected);
        let skipped = Check::instant("clock", Finding::skipped("no connection"));
        let skipped = serde_json::to_value(&skipped).unwrap();
        assert!(skipped["ok"].is_null() && skipped["advice"].is_null());
    }
}
