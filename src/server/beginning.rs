//! Calls of one request that are made at the same time: one for each choice, or for each part of the texts to embed.

use std::collections::VecDeque;
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

/// How many calls may be begun before the first of them is over. A slow one must not let all others pile up.
const MAX_AHEAD: usize = 64;

/// Makes calls, at most `at_once` at the same time, and hands their answers over in the order of the calls. The first
/// that fails ends it: calls that were not made never are, and the others end at Bedrock when they are dropped.
///
/// # Errors
/// Why there is no answer to one of them.
pub(super) async fn in_order<T>(
    calls: impl Iterator<Item = Pending<T>>,
    at_once: usize,
    mut take: impl FnMut(T),
) -> Result<(), Refused> {
    let mut calls = calls.map(Beginning::Pending).fuse();
    let mut begun: VecDeque<Beginning<T>> = VecDeque::new();
    poll_fn(|cx| {
        loop {
            let mut pending = begun.iter().filter(|call| call.is_pending()).count();
            while pending < at_once && begun.len() < MAX_AHEAD {
                let Some(call) = calls.next() else { break };
                begun.push_back(call);
                pending += 1;
            }
            if begun.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let mut still_pending = 0;
            for call in &mut begun {
                still_pending += usize::from(call.poll(cx)?.is_pending());
            }
            while begun.front().is_some_and(|call| !call.is_pending()) {
                begun
                    .pop_front()
                    .and_then(Beginning::into_answer)
                    .map(&mut take);
            }
            if still_pending == pending {
                return Poll::Pending;
            }
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

    fn is_pending(&self) -> bool {
        matches!(self, Self::Pending(_))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        let Self::Pending(call) = self else {
            return Poll::Ready(Ok(()));
        };
        let answered = call.as_mut().poll(cx);
        answered.map_ok(|answer| *self = Self::Answered(answer))
    }
}

#[cfg(test)]
mod tests;
