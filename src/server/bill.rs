//! What a request costs its key: reserved before Bedrock is called, and settled before the client has the last of its
//! answer, so that one who may ask once at a time can ask again at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::translation::Call;
use crate::keys::{Reservation, Spent};
use crate::translate::{Billing, Consumption, StreamTranslator};
use crate::upstream::Attempts;

/// How many tokens a model is taken to write in a second while nobody sees them: about as many as a fast one does.
const TOKENS_PER_SECOND: u64 = 100;

/// What one request costs. It is open until each of its answers is over. A clone is the same bill.
#[derive(Clone, Debug)]
pub(super) struct Bill {
    shared: Arc<Mutex<Open>>,
}

#[derive(Debug)]
struct Open {
    /// What is reserved for it, where a managed key asks.
    reservation: Option<Reservation>,
    attempts: Arc<Attempts>,
    /// What was asked last; usage is told by its model.
    order: Order,
    /// How many answers are not over yet.
    answers: u32,
    consumption: Option<Consumption>,
    /// The tokens that may have been written in calls without an answer.
    unanswered: u64,
    /// Whether no more is added.
    is_settled: bool,
}

/// One answer's part of a bill. Dropped before the answer is over, it books what was seen of it, or an estimate where
/// nothing was. A clone is for another answer to the same request.
#[derive(Debug)]
pub(super) struct Charge {
    bill: Bill,
    /// What is asked of Bedrock.
    order: Order,
    progress: Progress,
}

/// What is asked of Bedrock for an answer, as far as it costs something.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// The id that is called.
    pub(super) model: String,
    /// What its tokens cost, and those of the prompt.
    pub(super) billing: Billing,
    /// The most tokens of the answer.
    pub(super) output_tokens: u32,
}

/// How far an answer is.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// No call is being made.
    Idle,
    /// Bedrock has been asked, at this moment, and may be at work.
    Asked(Instant),
    /// So much was seen of the answer.
    Seen(Consumption),
    /// It is booked.
    Over,
}

impl Bill {
    /// The bill of a request whose calls `attempts` counts. Without a reservation nobody pays, but what it took is known.
    pub(super) fn new(reservation: Option<Reservation>, attempts: Arc<Attempts>) -> Self {
        let shared = Open {
            reservation,
            attempts,
            order: Order::default(),
            answers: 0,
            consumption: None,
            unanswered: 0,
            is_settled: false,
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// The part of an answer that is to be asked for. All parts are begun before one of them is over.
    pub(super) fn charge(&self, order: Order) -> Charge {
        let mut open = self.open();
        open.answers += 1;
        open.order.clone_from(&order);
        Charge {
            bill: self.clone(),
            order,
            progress: Progress::Idle,
        }
    }

    /// What was spent so far; `None` when Bedrock was not called, or took nothing.
    pub(super) fn spent(&self) -> Option<Spent> {
        self.open().spent()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Books an answer that is over, and settles the bill after the last.
    fn book(&mut self, order: &Order, consumption: Option<Consumption>) {
        if self.is_settled {
            return;
        }
        if let Some(more) = consumption {
            self.order.clone_from(order);
            self.add(more);
        }
        self.answers = self.answers.saturating_sub(1);
        if self.answers == 0 {
            self.settle();
        }
    }

    fn add(&mut self, more: Consumption) {
        self.consumption = Some(self.consumption.map_or(more, |sum| sum + more));
    }

    fn settle(&mut self) {
        self.is_settled = true;
        // A call whose answer was lost has cost its prompt, and what was written until then.
        for _ in 0..self.attempts.lost() {
            let written = std::mem::take(&mut self.unanswered);
            self.add(self.order.billing.estimate(written));
        }
        let spent = self.spent();
        if let Some(reservation) = self.reservation.take() {
            reservation.settle(std::mem::take(&mut self.order.model), spent);
        }
    }

    fn spent(&self) -> Option<Spent> {
        let Consumption {
            usage,
            cost,
            estimated,
        } = self.consumption?;
        Some(Spent {
            calls: self.attempts.begun(),
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cache_read_tokens: usage.cache_read_input_tokens(),
            cache_write_tokens: usage.cache_write_input_tokens(),
            cost: cost.map(|cost| cost.amount),
            estimated: estimated || cost.is_some_and(|cost| cost.estimated),
        })
    }
}

impl Charge {
    /// Says that Bedrock is asked from now on.
    pub(super) fn ask(&mut self) {
        self.progress = Progress::Asked(Instant::now());
    }

    /// Says that the call ended without an answer. What Bedrock refused costs nothing; it may have been at work where the
    /// answer was lost.
    pub(super) fn refused(&mut self) {
        if let Progress::Asked(at) = self.progress {
            let written = self.written_since(at);
            let mut open = self.bill.open();
            open.unanswered = open.unanswered.saturating_add(written);
        }
        self.progress = Progress::Idle;
    }

    /// Says that something else is asked from now on.
    pub(super) fn change(&mut self, order: Order) {
        self.order = order;
    }

    /// Notes how far a streamed answer is. It is booked before the client has the last of it.
    pub(super) fn follow(&mut self, translator: &StreamTranslator) {
        if matches!(self.progress, Progress::Over) {
            return;
        }
        self.progress = Progress::Seen(translator.consumption());
        if translator.is_done() {
            self.end();
        }
    }

    /// Notes what an answer took of which nothing is still to come.
    pub(super) fn answered(&mut self, consumption: Consumption) {
        self.progress = Progress::Seen(consumption);
    }

    /// Settles the whole bill with what all answers took together, as used of this one's model.
    pub(super) fn settle(&self, consumption: Consumption) {
        let mut open = self.bill.open();
        open.order.clone_from(&self.order);
        open.consumption = Some(consumption);
        open.settle();
    }

    /// Books the part, once.
    fn end(&mut self) {
        let consumption = match self.progress {
            Progress::Over => return,
            Progress::Idle => None,
            Progress::Asked(at) => self.unseen(at),
            Progress::Seen(consumption) => Some(consumption),
        };
        self.progress = Progress::Over;
        self.bill.open().book(&self.order, consumption);
    }

    /// What a call took of whose answer nothing was seen, if it was made at all.
    fn unseen(&self, asked_at: Instant) -> Option<Consumption> {
        let is_made = self.bill.open().attempts.begun() > 0;
        is_made.then(|| {
            let written = self.written_since(asked_at);
            self.order.billing.estimate(written)
        })
    }

    /// How many tokens of an answer may have been written by now that nobody sees.
    fn written_since(&self, asked_at: Instant) -> u64 {
        let written = asked_at
            .elapsed()
            .as_secs()
            .saturating_mul(TOKENS_PER_SECOND);
        written.min(self.order.output_tokens.into())
    }
}

impl Clone for Charge {
    fn clone(&self) -> Self {
        self.bill.charge(self.order.clone())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.end();
    }
}

impl Order {
    /// What is asked with a call of `model`.
    pub(super) fn of(model: &str, call: &Call) -> Self {
        Self {
            model: model.to_owned(),
            billing: call.answer.billing,
            output_tokens: call.output_tokens,
        }
    }
}
