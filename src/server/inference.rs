//! One request on its way through Bedrock: its call, and the call again without what Bedrock refused of it, through a
//! profile, or at the next target.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::warn;

use super::bill::{Charge, Order};
use super::client_request::ClientRequest;
use super::exchange::Exchange;
use super::recording::Tap;
use super::translation::{Call, Translator};
use super::upstream_failure::from_upstream;
use crate::bedrock::Refusal;
use crate::error::Error;
use crate::fixture::Recorder;
use crate::metrics::Metrics;
use crate::models::{Models, Target};
use crate::upstream::{self, Answer, Attempts, Bedrock, EventStream, EventStreamBody};

/// No other target is called later than this after the first one was: a client does not wait for a fourth minute of
/// failures.
pub(super) const MAX_ELAPSED: Duration = Duration::from_secs(30);
/// How long a target rests that failed while another was there, unless Bedrock says how long. Long enough that not
/// every request finds out anew, short enough that nobody misses it.
const REST: Duration = Duration::from_secs(5);
/// The longest that Bedrock may ask for, and how long it is where a day's quota is used up.
const MAX_REST: Duration = Duration::from_mins(1);

/// One request on its way through Bedrock. It owns all it needs, because it may outlive the request's handler.
/// A clone is another call for the same request.
#[derive(Clone)]
pub(super) struct Inference {
    pub(super) models: Models,
    pub(super) translator: Arc<Translator>,
    pub(super) recorder: Option<Recorder>,
    pub(super) metrics: Metrics,
    pub(super) attempts: Arc<Attempts>,
    /// When the first target was called.
    pub(super) begun: Instant,
    pub(super) request: ClientRequest,
    pub(super) call: Call,
    /// What it costs.
    pub(super) charge: Charge,
}

/// What Bedrock took, and its answer.
pub(super) struct Asked<T> {
    /// The call that Bedrock answered, not always the first.
    pub(super) call: Call,
    /// Where that was: `account/region/model`.
    pub(super) target: String,
    /// What it costs, once the answer is over.
    pub(super) charge: Charge,
    /// What records the answer.
    pub(super) tap: Option<Tap>,
    /// The answer.
    pub(super) answer: T,
}

/// An answer that has begun.
pub(super) type Opened<B = EventStreamBody> = Asked<Answered<B>>;

/// Bedrock's answer, once it has begun.
pub(super) enum Answered<B = EventStreamBody> {
    /// An event stream.
    Events {
        /// `x-amzn-requestid`.
        request_id: Option<String>,
        /// The event stream from its first byte on.
        body: B,
    },
    /// A whole answer, from a model that cannot stream it.
    Whole(Answer),
}

impl<B> Answered<B> {
    /// `x-amzn-requestid`.
    pub(super) fn request_id(&self) -> Option<&str> {
        match self {
            Self::Events { request_id, .. } => request_id.as_deref(),
            Self::Whole(answer) => answer.request_id.as_deref(),
        }
    }
}

/// Why there is no answer.
pub(super) struct Refused {
    /// What the client is told.
    pub(super) error: Error,
    /// Where it was called last: `account/region/model`.
    pub(super) target: String,
    /// `x-amzn-requestid`.
    pub(super) request_id: Option<String>,
}

impl Refused {
    /// The error, once the account of the request knows where it was made, and Bedrock's id for it.
    pub(super) fn told_to(self, exchange: &mut Exchange) -> Error {
        exchange.refused(&self.target);
        exchange.upstream_request_id = self.request_id;
        self.error
    }
}

impl Inference {
    /// Calls ConverseStream, or Converse when the model cannot stream this, until there is an answer.
    ///
    /// # Errors
    /// With what went wrong last.
    pub(super) async fn open(self) -> Result<Opened, Refused> {
        self.ask(true, async |asking: &Self| {
            if !asking.call.streamable {
                return asking.converse().await.map(Answered::Whole);
            }
            let (model, body) = (&asking.request.target.model_id, asking.call.body.clone());
            let bedrock = asking.bedrock();
            let answer = bedrock.converse_stream(model, body, &asking.attempts);
            let EventStream { request_id, body } = answer.await?;
            Ok(Answered::Events { request_id, body })
        })
        .await
    }

    /// Calls Converse until there is an answer.
    ///
    /// # Errors
    /// With what went wrong last.
    pub(super) async fn whole(self) -> Result<Asked<Answer>, Refused> {
        self.ask(false, Self::converse).await
    }

    async fn ask<T>(
        mut self,
        stream: bool,
        attempt: impl AsyncFn(&Self) -> Result<T, upstream::Error>,
    ) -> Result<Asked<T>, Refused> {
        let mut passing = None;
        loop {
            let tap = self.tap(stream);
            self.charge.ask();
            let error = match attempt(&self).await {
                Ok(answer) => return Ok(self.answered(tap, answer)),
                Err(error) => error,
            };
            self.charge.refused();
            let refused = self.refused(&error, tap);
            match self.other_call(&error).await {
                Ok(Some(call)) => self.make(call),
                // That a model cannot be had at one target is not the whole truth while it can be had at another, later.
                Ok(None) if error.is_of_the_place() => return Err(passing.unwrap_or(refused)),
                Ok(None) => return Err(refused),
                Err(error) => return Err(Refused { error, ..refused }),
            }
            if error.may_not_be_elsewhere() {
                passing = Some(refused);
            }
        }
    }

    /// Makes this call from now on.
    fn make(&mut self, call: Call) {
        let model = &self.request.target.model_id;
        self.charge.change(Order::of(model, &call));
        self.call = call;
    }

    /// The call to make instead of one that failed, if there is one.
    async fn other_call(&mut self, error: &upstream::Error) -> Result<Option<Call>, Error> {
        if let Some(refusal) = refusal_of(error) {
            let other = self
                .translator
                .without(refusal, &mut self.request, &self.call);
            return other.await;
        }
        if wants_profile(error) {
            return self.through_profile().await;
        }
        if error.may_not_be_elsewhere() || self.only_resting_are_left(error) {
            return Ok(self.elsewhere(error).await);
        }
        Ok(None)
    }

    /// Whether a target that cannot be called was called first only because better ones rest.
    fn only_resting_are_left(&self, error: &upstream::Error) -> bool {
        let others = &self.request.others;
        error.is_of_the_place() && !others.is_empty() && others.iter().all(Target::rests)
    }

    /// The same call through an inference profile, once.
    async fn through_profile(&mut self) -> Result<Option<Call>, Error> {
        let target = &self.request.target;
        if target.instead_of().is_some() {
            return Ok(None);
        }
        match self.models.through_profile(target, self.model()) {
            Some(target) => {
                let call = self.translator.aim(&mut self.request, target).await;
                call.map(Some)
            }
            None => Ok(None),
        }
    }

    /// The foundation model that is called; the id itself, where that is of a provider whom nobody here knows.
    fn model(&self) -> &str {
        let ClientRequest {
            subject, target, ..
        } = &self.request;
        let known = subject.foundation_model.as_deref();
        known.unwrap_or(&target.model_id)
    }

    /// The same request at the next target that can take it, or where it failed if none can.
    async fn elsewhere(&mut self, error: &upstream::Error) -> Option<Call> {
        let is_last = self.request.others.is_empty();
        while let Some(target) = self.request.others.pop_front() {
            if self.begun.elapsed() > MAX_ELAPSED {
                return None;
            }
            let failed = self.request.target.clone();
            let aimed = self.translator.aim(&mut self.request, target).await;
            match aimed {
                Ok(call) => {
                    self.models.rest(&failed, rest_after(error));
                    self.metrics.failover(error.name());
                    warn!(%error, %failed, next = %self.request.target, "the next target is called");
                    self.request.left_behind += 1;
                    return Some(call);
                }
                Err(error) => {
                    warn!(
                        error = error.label(),
                        "the next target cannot take this request"
                    );
                }
            }
        }
        if is_last {
            None
        } else {
            self.again(error).await
        }
    }

    /// The same call once more, after a pause: the target turned out to be the last, which has what is left of the
    /// attempts.
    async fn again(&mut self, error: &upstream::Error) -> Option<Call> {
        self.request.left_behind += 1;
        let (bedrock, made) = (&self.request.target.bedrock, self.request.left_behind);
        let pause = bedrock.pause_after(error, made, self.begun.elapsed())?;
        self.metrics.upstream_retry(error.name());
        warn!(%error, ?pause, "Bedrock is called again");
        sleep(pause).await;
        Some(self.call.clone())
    }

    /// Where the request is called. While there are other targets each is called once; the last has what is left of
    /// the attempts.
    fn bedrock(&self) -> Bedrock {
        let bedrock = &self.request.target.bedrock;
        let left = bedrock
            .max_attempts()
            .saturating_sub(self.request.left_behind);
        let attempts = if self.request.others.is_empty() {
            left.max(1)
        } else {
            1
        };
        bedrock.with_max_attempts(attempts)
    }

    async fn converse(&self) -> Result<Answer, upstream::Error> {
        let (model, body) = (&self.request.target.model_id, self.call.body.clone());
        self.bedrock().converse(model, body, &self.attempts).await
    }

    fn answered<T>(self, tap: Option<Tap>, answer: T) -> Asked<T> {
        self.translator.learn(&self.request);
        self.models.learn(&self.request.target);
        Asked {
            call: self.call,
            target: self.request.target.key(),
            charge: self.charge,
            tap,
            answer,
        }
    }

    fn refused(&self, error: &upstream::Error, tap: Option<Tap>) -> Refused {
        if let Some(tap) = tap {
            tap.failure(error);
        }
        let mut told = from_upstream(error, self.call.context_window);
        if wants_profile(error) {
            told = self.naming_profiles(told);
        }
        Refused {
            error: told,
            target: self.request.target.key(),
            request_id: error.request_id().map(str::to_owned),
        }
    }

    /// The error with the profiles that can be called instead, where they are known.
    fn naming_profiles(&self, error: Error) -> Error {
        naming(
            error,
            &self.models.profiles_of(&self.request.target, self.model()),
        )
    }

    fn tap(&self, stream: bool) -> Option<Tap> {
        let stream = stream && self.call.streamable;
        let recorder = self.recorder.as_ref()?;
        Some(Tap::begin(
            recorder,
            &self.request.target.model_id,
            stream,
            &self.call.body,
        ))
    }
}

fn refusal_of(error: &upstream::Error) -> Option<Refusal> {
    match error {
        upstream::Error::Exception { exception, .. } => Refusal::of(exception),
        _ => None,
    }
}

/// The error with the inference profiles that can be called instead.
pub(super) fn naming(error: Error, profiles: &[String]) -> Error {
    match error {
        Error::Upstream(mut failure) if !profiles.is_empty() => {
            let known = profiles.join(", ");
            let told = &mut failure.object.message;
            told.push_str(" Profiles that this gateway can call: ");
            told.push_str(&known);
            told.push('.');
            Error::Upstream(failure)
        }
        error => error,
    }
}

/// How long a target rests after it failed with `error`.
pub(super) fn rest_after(error: &upstream::Error) -> Duration {
    let used_up =
        matches!(error, upstream::Error::Exception { exception, .. } if exception.is_daily_quota());
    let rest = if used_up { MAX_REST } else { REST };
    error.retry_after().unwrap_or(rest).min(MAX_REST)
}

/// Whether Bedrock takes the model through an inference profile alone.
pub(super) fn wants_profile(error: &upstream::Error) -> bool {
    matches!(error, upstream::Error::Exception { exception, .. } if exception.needs_inference_profile())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bedrock::Exception;

    #[test]
    fn a_target_rests_as_long_as_it_is_of_no_use() {
        let day = "Too many tokens per day, please wait before trying again.";
        for (text, asked, seconds) in [
            ("Too many requests", None, 5),
            ("Too many requests", Some(20), 20),
            ("Too many requests", Some(3600), 60),
            (day, None, 60),
        ] {
            let name = Some("ThrottlingException");
            let error = upstream::Error::Exception {
                exception: Exception::from_answer(429, name, Some(text), b""),
                request_id: None,
                retry_after: asked.map(Duration::from_secs),
            };
            assert_eq!(
                rest_after(&error),
                Duration::from_secs(seconds),
                "{text} {asked:?}"
            );
        }
    }
}
