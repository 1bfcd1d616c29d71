//! Calls that begin together: one for each choice of a request.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::inference::Refused;

/// A call that has not been answered yet.
pub(super) type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Refused>> + Send>>;

/// A call, pending or answered.
pub(super) enum Beginning<T> {
    /// There is no answer yet.
    Pending(Pending<T>),
    /// There is one.
    Answered(T),
}

/// Waits until all calls are answered. The first that fails ends the wait; once the others are dropped, they end
/// at Bedrock as well.
///
/// # Errors
/// Why there is no answer to one of them.
pub(super) async fn all_answered<T>(calls: &mut [Beginning<T>]) -> Result<(), Refused> {
    poll_fn(|cx| {
        let mut pending = false;
        for call in calls.iter_mut() {
            pending |= call.poll(cx)?.is_pending();
        }
        if pending {
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    })
    .await
}

impl<T> Beginning<T> {
    /// A call that begins when it is waited for.
    pub(super) fn of(call: impl Future<Output = Result<T, Refused>> + Send + 'static) -> Self {
        Self::Pending(Box::pin(call))
    }

    /// The answer, if it is there.
    pub(super) fn answer(&self) -> Option<&T> {
        match self {
            Self::Pending(_) => None,
            Self::Answered(answer) => Some(answer),
        }
    }

    /// The same, by value.
    pub(super) fn into_answer(self) -> Option<T> {
        match self {
            Self::Pending(_) => None,
            Self::Answered(answer) => Some(answer),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        let Self::Pending(call) = self else {
            return Poll::Ready(Ok(()));
        };
        let answered = call.as_mut().poll(cx);
        answered.map_ok(|answer| *self = Self::Answered(answer))
    }
}
