use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;

use super::*;
use crate::error::Error;

/// Calls that are answered when the test says so.
struct Calls {
    answers: Vec<Option<oneshot::Sender<Result<usize, &'static str>>>>,
    begun: Arc<AtomicUsize>,
}

impl Calls {
    fn new(count: usize) -> (Self, Vec<Pending<usize>>) {
        let begun = Arc::new(AtomicUsize::new(0));
        let (answers, calls) = (0..count)
            .map(|_| {
                let (answer, answered) = oneshot::channel::<Result<usize, &'static str>>();
                let begun = Arc::clone(&begun);
                let call: Pending<usize> = Box::pin(async move {
                    begun.fetch_add(1, Ordering::Relaxed);
                    answered.await.unwrap().map_err(|reason| Refused {
                        error: Error::Unavailable(reason),
                        target: String::new(),
                        request_id: None,
                    })
                });
                (Some(answer), call)
            })
            .unzip();
        (Self { answers, begun }, calls)
    }

    fn answer(&mut self, call: usize) {
        self.answers[call].take().unwrap().send(Ok(call)).unwrap();
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }
}

/// Lets the other future of a `join!` go on until it waits.
async fn settle() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn answers_come_in_order_and_only_so_many_calls_are_open() {
    let (mut calls, pending) = Calls::new(5);
    let taken = RefCell::new(Vec::new());
    let all = in_order(pending.into_iter(), 2, |answer| {
        taken.borrow_mut().push(answer);
    });
    let script = async {
        settle().await;
        assert_eq!(calls.begun(), 2);
        calls.answer(1);
        settle().await;
        // The second is over, so the third may begin; nothing is handed over before the first.
        assert_eq!((calls.begun(), taken.borrow().len()), (3, 0));
        calls.answer(0);
        settle().await;
        assert_eq!((calls.begun(), taken.borrow().as_slice()), (4, &[0, 1][..]));
        for call in [3, 2, 4] {
            calls.answer(call);
            settle().await;
        }
        assert_eq!(calls.begun(), 5);
    };
    let (ended, ()) = tokio::join!(all, script);
    assert!(ended.is_ok());
    assert_eq!(taken.into_inner(), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn answers_pile_up_only_so_far_behind_a_slow_call() {
    let (mut calls, pending) = Calls::new(MAX_AHEAD + 5);
    let all = in_order(pending.into_iter(), 3, |_| {});
    let script = async {
        settle().await;
        for call in 1..MAX_AHEAD {
            calls.answer(call);
            settle().await;
        }
        assert_eq!(calls.begun(), MAX_AHEAD);
        calls.answer(0);
        settle().await;
        assert_eq!(calls.begun(), MAX_AHEAD + 3);
        for call in MAX_AHEAD..MAX_AHEAD + 5 {
            calls.answer(call);
            settle().await;
        }
    };
    let (ended, ()) = tokio::join!(all, script);
    assert!(ended.is_ok());
}

#[tokio::test]
async fn a_failure_ends_the_rest() {
    let (mut calls, pending) = Calls::new(9);
    let failed = calls.answers[1].take().unwrap();
    let script = async {
        settle().await;
        failed.send(Err("the second failed")).unwrap();
    };
    let (ended, ()) = tokio::join!(in_order(pending.into_iter(), 3, |_| {}), script);
    assert_eq!(
        ended.unwrap_err().error,
        Error::Unavailable("the second failed")
    );
    assert_eq!(calls.begun(), 3);
    assert!(calls.answers[0].as_ref().unwrap().is_closed());
}

#[tokio::test]
async fn nothing_to_do_is_done() {
    let taken = in_order(std::iter::empty::<Pending<usize>>(), 3, |_| {}).await;
    assert!(taken.is_ok());
}
