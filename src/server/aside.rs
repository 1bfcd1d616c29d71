//! Work that takes long, off the threads that serve sockets.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::task::block_in_place;

/// From how many bytes on a request is translated aside. Below, it takes less than a millisecond.
const LARGE_LENGTH: usize = 512 * 1024;

/// Runs what takes long, a few at once. Done in place, it would keep a thread from all other connections: a
/// handful of the largest requests would stop every stream, the health check and the signals.
#[derive(Debug)]
pub(super) struct Aside {
    turns: Semaphore,
}

impl Default for Aside {
    fn default() -> Self {
        let threads = available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            turns: Semaphore::new(threads),
        }
    }
}

impl Aside {
    /// Runs `work` on a request of `length` bytes; only a large one waits for its turn.
    pub(super) async fn run<T>(&self, length: usize, work: impl FnOnce() -> T) -> T {
        if length < LARGE_LENGTH {
            return work();
        }
        let _turn = self.turns.acquire().await;
        // A runtime of one thread has nobody to hand its other work to.
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::CurrentThread => work(),
            _ => block_in_place(work),
        }
    }
}
