//! A Redis or Valkey, spoken to over one connection that many share and that comes back by itself.
//!
//! No call waits for long. While the server is known to be away calls fail at once, and each may start the next
//! attempt to reach it, of which there is one at a time.

mod address;
mod failure;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, Pipeline, RedisResult, ScriptInvocation};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use address::Address;
pub use failure::RedisFailure;

use crate::config::Secret;

/// The longest that an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest that a connection may take, TLS and authentication included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The shortest time between an attempt that failed and the next.
const PAUSE: Duration = Duration::from_millis(100);

/// A Redis. A clone is the same one.
#[derive(Clone)]
pub struct Redis {
    shared: Arc<Shared>,
}

struct Shared {
    address: Address,
    link: Mutex<Link>,
    /// Held by whoever connects for the first time, or after a loss.
    connecting: tokio::sync::Mutex<()>,
}

/// What is known of the server.
enum Link {
    /// Nothing: nobody asked yet, or the connection was lost just now.
    Unknown,
    /// It answers.
    Up(Connection),
    /// It could not be reached.
    Down {
        failure: RedisFailure,
        tried: Instant,
        trying: bool,
    },
}

#[derive(Clone)]
struct Connection {
    to: MultiplexedConnection,
    /// Tells it from the one that comes after it.
    number: Arc<()>,
}

impl Redis {
    /// The Redis of a `redis://` or `rediss://` URL. TLS trusts the operating system's roots, else Mozilla's, and so
    /// those of `SSL_CERT_FILE` where that is set. It connects when it is first asked for something.
    ///
    /// # Errors
    /// When the URL cannot be used.
    pub fn new(url: &Secret) -> Result<Self, RedisFailure> {
        let shared = Shared {
            address: Address::of(url)?,
            link: Mutex::new(Link::Unknown),
            connecting: tokio::sync::Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Runs one command.
    ///
    /// # Errors
    /// When it is not answered in time, or with an error. It may have been run all the same.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisFailure> {
        let mut connection = self.connection().await?;
        let answer = timeout(ANSWER_TIMEOUT, command.query_async(&mut connection.to)).await;
        self.judge(&connection, answer.ok())
    }

    /// Runs several commands, sent together.
    ///
    /// # Errors
    /// When they are not answered in time, or one of them with an error. They may have been run all the same.
    pub async fn pipeline<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
    ) -> Result<T, RedisFailure> {
        let mut connection = self.connection().await?;
        let answer = timeout(ANSWER_TIMEOUT, commands.query_async(&mut connection.to)).await;
        self.judge(&connection, answer.ok())
    }

    /// Runs a script, which the server is sent when it does not have it.
    ///
    /// # Errors
    /// When it is not answered in time, or with an error. It may have been run all the same.
    pub async fn invoke<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, RedisFailure> {
        let mut connection = self.connection().await?;
        let answer = timeout(ANSWER_TIMEOUT, script.invoke_async(&mut connection.to)).await;
        self.judge(&connection, answer.ok())
    }

    /// The connection there is, or a new one.
    async fn connection(&self) -> Result<Connection, RedisFailure> {
        if let Some(known) = self.known() {
            return known;
        }
        // Whoever holds it is done within the time of one attempt, and then all know what came of it.
        let _turn = self.shared.connecting.lock().await;
        match self.known() {
            Some(known) => known,
            None => self.shared.connect().await,
        }
    }

    /// What is known of the server; `None` when that has to be found out.
    fn known(&self) -> Option<Result<Connection, RedisFailure>> {
        match &mut *self.shared.link() {
            Link::Unknown => None,
            Link::Up(connection) => Some(Ok(connection.clone())),
            Link::Down {
                failure,
                tried,
                trying,
            } => {
                if !*trying && tried.elapsed() >= PAUSE {
                    *trying = true;
                    let shared = Arc::clone(&self.shared);
                    tokio::spawn(async move { shared.connect().await.map(drop) });
                }
                Some(Err(failure.clone()))
            }
        }
    }

    /// Tells an answer from a failure, and leaves a connection that is of no use any more.
    fn judge<T>(
        &self,
        connection: &Connection,
        answer: Option<RedisResult<T>>,
    ) -> Result<T, RedisFailure> {
        let address = &self.shared.address;
        let failure = match answer {
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(error)) if !failure::is_final(&error) => {
                return Err(RedisFailure::of(address, &error));
            }
            Some(Err(error)) => RedisFailure::of(address, &error),
            None => RedisFailure::late(address, "it did not answer", ANSWER_TIMEOUT),
        };
        self.shared.leave(&connection.number);
        Err(failure)
    }
}

impl Shared {
    /// Tries once, and lets all know.
    async fn connect(self: &Arc<Self>) -> Result<Connection, RedisFailure> {
        let answer = timeout(CONNECT_TIMEOUT, self.address.connect()).await;
        let connected = answer.unwrap_or_else(|_| {
            let what = "no connection came about";
            Err(RedisFailure::late(&self.address, what, CONNECT_TIMEOUT))
        });
        let connected = connected.map(|(to, driver)| {
            let number = Arc::default();
            self.watch(driver, &number);
            Connection { to, number }
        });
        *self.link() = match &connected {
            Ok(connection) => Link::Up(connection.clone()),
            Err(failure) => Link::Down {
                failure: failure.clone(),
                tried: Instant::now(),
                trying: false,
            },
        };
        connected
    }

    /// Leaves a connection as soon as it has ended. A server may end one that was not used for a while, and whoever asks
    /// next is not to find that out.
    fn watch(self: &Arc<Self>, driver: JoinHandle<()>, number: &Arc<()>) {
        let (shared, number) = (Arc::downgrade(self), Arc::clone(number));
        tokio::spawn(async move {
            // However it ended, it is of no use any more.
            let _ = driver.await;
            if let Some(shared) = shared.upgrade() {
                shared.leave(&number);
            }
        });
    }

    /// Forgets a connection, unless there is another by now.
    fn leave(&self, number: &Arc<()>) {
        let mut link = self.link();
        if matches!(&*link, Link::Up(now) if Arc::ptr_eq(&now.number, number)) {
            *link = Link::Unknown;
        }
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        // Nothing that is done under the lock can panic half-way.
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Redis {
    /// Leaves user and password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis({})", self.shared.address)
    }
}

#[cfg(test)]
mod tests;
