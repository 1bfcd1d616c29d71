//! The interface for operators beside a gateway: where it listens, and how it ends.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::Failure;
use crate::config::Config;
use crate::keys::Keys;
use crate::server::{Admin, Drained};

/// How long what operators asked for may take once the gateway has ended.
const LAST_TIME: Duration = Duration::from_secs(2);

/// An interface that is being served.
pub(super) struct Operators {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Drained>,
}

impl Operators {
    /// Listens where the configuration says, if it does.
    ///
    /// # Errors
    /// When nobody can listen there.
    pub(super) async fn begin(config: &Config, keys: &Keys) -> Result<Option<Self>, Failure> {
        let Some(address) = config.admin.listen else {
            return Ok(None);
        };
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::new(format!("admin.listen: cannot listen on {address}: {error}"))
        })?;
        let address = listener.local_addr()?;
        info!("operators are served at http://{address}/admin");
        if !address.ip().is_loopback() {
            warn!(
                "{address} is not a loopback address: put TLS in front of it, because answers to operators hold keys"
            );
        }
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let interface = Admin::new(keys.clone());
        let serving = tokio::spawn(interface.serve(listener, stopped, LAST_TIME));
        Ok(Some(Self { stop, serving }))
    }

    /// Stops it, once what operators asked for is answered.
    pub(super) async fn stop(self) {
        // It waits for this or has ended.
        let _ = self.stop.send(());
        let _ = self.serving.await;
    }
}
