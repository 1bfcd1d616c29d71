//! A request's body: read within bounds, or thrown away within bounds.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, EXPECT};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::Error;
use crate::openai::InvalidRequest;

/// The longest wait for the next piece of a body.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// The longest time that a whole body may take.
const TOTAL_TIME: Duration = Duration::from_mins(5);
/// How much of an unread body is thrown away so that the connection can go on.
const DISCARDED_BYTES: usize = 1024 * 1024;
/// How long that may take.
const DISCARD_TIME: Duration = Duration::from_secs(1);
/// The most bytes that are set aside on the word of a `content-length` alone.
const MAX_TRUSTED_LENGTH: usize = 1024 * 1024;

/// Bodies up to this length count for nothing.
const SMALL_BODY: usize = 1024 * 1024;
/// The bytes of large bodies that may be in memory at once.
const MAX_BODY_BYTES: usize = 512 * 1024 * 1024;
/// What one permit of a budget stands for.
const SHARE_BYTES: usize = 64 * 1024;

/// The memory that large bodies share, all requests together: those of requests, or those of answers.
#[derive(Debug)]
pub(super) struct BodyBudget {
    permits: Arc<Semaphore>,
    most: u32,
}

/// What a large body took of the budget; a small one takes nothing.
pub(super) type Share = Option<OwnedSemaphorePermit>;

impl BodyBudget {
    /// A budget for bodies of up to `limit` bytes: at least one of them fits.
    pub(super) fn new(limit: usize) -> Self {
        let most = u32::try_from(MAX_BODY_BYTES.max(limit) / SHARE_BYTES + 1).unwrap_or(u32::MAX);
        let permits = usize::try_from(most).map_or(Semaphore::MAX_PERMITS, |most| {
            most.min(Semaphore::MAX_PERMITS)
        });
        Self {
            permits: Arc::new(Semaphore::new(permits)),
            most,
        }
    }

    /// The share of an answer of about `length` bytes that is put together before any of it is sent. It is to be held
    /// until the client has the answer.
    ///
    /// # Errors
    /// When other answers leave no room for half a minute.
    pub(super) async fn share_of_answer(&self, length: usize) -> Result<Share, Error> {
        if length <= SMALL_BODY {
            return Ok(None);
        }
        let busy = || Error::Unavailable("too many large answers are being put together");
        let share = self.share(length, Instant::now() + IDLE_TIME).await;
        share.map_err(|_| busy())
    }

    async fn share(&self, length: usize, deadline: Instant) -> Result<Share, Error> {
        let permits = u32::try_from(length / SHARE_BYTES + 1)
            .unwrap_or(u32::MAX)
            .min(self.most);
        match timeout_at(
            deadline,
            timeout(
                IDLE_TIME,
                Arc::clone(&self.permits).acquire_many_owned(permits),
            ),
        )
        .await
        {
            // The semaphore is never closed.
            Ok(Ok(permit)) => Ok(permit.ok()),
            _ => Err(Error::Unavailable("too many large requests are being read")),
        }
    }
}

/// A body and how far it was read.
pub(super) struct RequestBody {
    incoming: Incoming,
    /// Whether the client waits to be asked for the body.
    expects_continue: bool,
    ended: bool,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, headers: &HeaderMap) -> Self {
        let ended = incoming.is_end_stream();
        Self {
            incoming,
            expects_continue: headers.contains_key(EXPECT),
            ended,
        }
    }

    /// Reads the whole body. A body that arrives in one piece is not copied. One that turns out large waits for
    /// its share of `budget`, which the caller keeps as long as it keeps the body.
    ///
    /// # Errors
    /// When it is longer than `limit` bytes, compressed, too slow, or breaks off.
    pub(super) async fn read(
        &mut self,
        headers: &HeaderMap,
        limit: usize,
        budget: &BodyBudget,
    ) -> Result<(Bytes, Share), Error> {
        if headers
            .get(CONTENT_ENCODING)
            .is_some_and(|encoding| encoding != "identity")
        {
            let message =
                "Compressed request bodies are not accepted: send it without content-encoding.";
            return Err(InvalidRequest {
                message: message.to_owned(),
                param: None,
                code: None,
            }
            .into());
        }
        let declared = usize::try_from(self.incoming.size_hint().lower()).unwrap_or(usize::MAX);
        if declared > limit {
            return Err(Error::TooLarge { limit });
        }
        let deadline = Instant::now() + TOTAL_TIME;
        let first = self.next(deadline).await?;
        let Some(second) = self.next(deadline).await? else {
            let first = first.unwrap_or_default();
            return if first.len() > limit {
                Err(Error::TooLarge { limit })
            } else {
                Ok((first, None))
            };
        };
        let mut whole = BytesMut::with_capacity(declared.min(MAX_TRUSTED_LENGTH));
        whole.extend_from_slice(&first.unwrap_or_default());
        let mut next = Some(second);
        let mut share = None;
        while let Some(piece) = next {
            if share.is_none() && whole.len() > SMALL_BODY {
                let length = if declared > 0 { declared } else { limit };
                share = budget.share(length, deadline).await?;
            }
            if whole.len().saturating_add(piece.len()) > limit {
                return Err(Error::TooLarge { limit });
            }
            whole.extend_from_slice(&piece);
            next = self.next(deadline).await?;
        }
        Ok((whole.freeze(), share))
    }

    /// Throws away what was not read, within bounds, and tells whether the connection can go on.
    pub(super) async fn discard(&mut self) -> bool {
        if self.ended {
            return true;
        }
        // Reading would ask the client to send what nobody wants.
        if self.expects_continue {
            return false;
        }
        let mut left = DISCARDED_BYTES;
        let deadline = Instant::now() + DISCARD_TIME;
        while let Ok(Some(piece)) = self.next(deadline).await {
            match left.checked_sub(piece.len()) {
                Some(rest) => left = rest,
                None => return false,
            }
        }
        self.ended
    }

    async fn next(&mut self, deadline: Instant) -> Result<Option<Bytes>, Error> {
        while !self.ended {
            let frame = timeout_at(deadline, timeout(IDLE_TIME, self.incoming.frame()));
            let Ok(Ok(frame)) = frame.await else {
                return Err(Error::BodyTimeout);
            };
            match frame {
                None => self.ended = true,
                Some(Err(_)) => return Err(Error::BodyInterrupted),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        // Without this a body of known length would need one more poll to be known as read.
                        self.ended = self.incoming.is_end_stream();
                        return Ok(Some(data));
                    }
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn large_bodies_share_a_budget_and_wait_for_it() {
        let budget = BodyBudget::new(1024);
        let deadline = Instant::now() + TOTAL_TIME;
        let half = budget.share(MAX_BODY_BYTES / 2, deadline).await.unwrap();
        let refused = budget.share(MAX_BODY_BYTES, deadline).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))));
        drop(half);
        assert!(budget.share(MAX_BODY_BYTES, deadline).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn large_answers_wait_for_room_and_small_ones_do_not() {
        let budget = BodyBudget::new(1024);
        let most = budget.share_of_answer(MAX_BODY_BYTES).await.unwrap();
        assert!(budget.share_of_answer(SMALL_BODY).await.unwrap().is_none());
        let refused = budget.share_of_answer(SMALL_BODY + 1).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))));
        drop(most);
        assert!(
            budget
                .share_of_answer(SMALL_BODY + 1)
                .await
                .unwrap()
                .is_some()
        );
    }

    #[tokio::test]
    async fn the_largest_body_that_is_allowed_fits_an_empty_budget() {
        let limit = 2 * MAX_BODY_BYTES;
        let budget = BodyBudget::new(limit);
        let deadline = Instant::now() + TOTAL_TIME;
        assert!(budget.share(limit, deadline).await.is_ok());
    }
}
