//! The images of a request, fetched side by side.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::connection::{Answer, get};
use super::error::Error;
use super::location::Location;
use super::network::Network;
use crate::config;

/// The most images of one request. Bedrock takes 20 in one message, and a conversation has several. An address that
/// stands there again counts again, because its image is sent again: a few words would otherwise become gigabytes.
const MOST_IMAGES: usize = 50;
/// The most fetches at once, all requests together.
const MOST_FETCHES: usize = 64;
/// The memory that fetched images share, all requests together, in bytes.
const MOST_BYTES: usize = 512 * 1024 * 1024;
/// What one permit of that memory stands for.
const SHARE_BYTES: usize = 64 * 1024;

/// Fetches images by address.
#[derive(Clone, Debug)]
pub struct ImageFetcher {
    limits: Limits,
    network: Network,
    fetches: Arc<Semaphore>,
    memory: Arc<Semaphore>,
}

/// The bounds of one fetch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The largest image, in bytes.
    pub(super) most_bytes: usize,
    /// How long it may take altogether.
    pub(super) time: Duration,
    /// How many redirects are followed.
    redirects: u32,
}

/// The images of one request. They count against the memory for images until they are dropped.
#[derive(Debug)]
pub struct Fetched {
    images: HashMap<String, String>,
    _share: Option<OwnedSemaphorePermit>,
}

impl Fetched {
    /// Standard base64 of each image by its address as the client wrote it.
    pub fn images(&self) -> &HashMap<String, String> {
        &self.images
    }

    /// The length of all images together, in bytes of base64.
    pub fn length(&self) -> usize {
        self.images.values().map(String::len).sum()
    }
}

/// The address that was not fetched, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The address as the client wrote it.
    pub address: String,
    /// Why not.
    pub error: Error,
}

impl ImageFetcher {
    /// A fetcher within the bounds of `settings`.
    pub fn new(settings: &config::Fetch, network: Network) -> Self {
        Self {
            limits: Limits {
                most_bytes: settings.max_bytes,
                time: settings.timeout,
                redirects: settings.redirects,
            },
            network,
            fetches: Arc::new(Semaphore::new(MOST_FETCHES)),
            memory: Arc::new(Semaphore::new(MOST_BYTES / SHARE_BYTES)),
        }
    }

    /// Fetches all of `addresses` side by side; one that stands there twice is fetched once.
    ///
    /// # Errors
    /// The first failure; the other fetches are given up.
    pub async fn fetch_all(&self, addresses: &[&str]) -> Result<Fetched, Failed> {
        let mut seen = HashSet::new();
        let distinct: Vec<&str> = addresses
            .iter()
            .copied()
            .filter(|address| seen.insert(*address))
            .collect();
        let failed = |address: &&str, error| Failed {
            address: (*address).to_owned(),
            error,
        };
        if let Some(address) = addresses.get(MOST_IMAGES) {
            return Err(failed(address, Error::TooMany(MOST_IMAGES)));
        }
        let Some(first) = distinct.first() else {
            return Ok(Fetched {
                images: HashMap::new(),
                _share: None,
            });
        };
        let mut share = self
            .share(addresses.len())
            .await
            .map_err(|error| failed(first, error))?;
        let mut running = JoinSet::new();
        for address in distinct {
            let (fetcher, address) = (self.clone(), address.to_owned());
            running.spawn(async move {
                let image = fetcher.fetch(&address).await;
                (address, image)
            });
        }
        let mut images = HashMap::new();
        while let Some(done) = running.join_next().await {
            // A fetch is never cancelled while it is waited for, and does not panic.
            let Ok((address, image)) = done else { continue };
            match image {
                Ok(image) => images.insert(address, image),
                Err(error) => return Err(Failed { address, error }),
            };
        }
        // What was set aside for the largest images, and not needed for these, is for other requests.
        let sent = addresses.iter().filter_map(|address| images.get(*address));
        let length: usize = sent.map(String::len).sum();
        let needed = length / SHARE_BYTES + 1;
        drop(share.split(share.num_permits().saturating_sub(needed)));
        Ok(Fetched {
            images,
            _share: Some(share),
        })
    }

    /// The memory for `count` images, all of it at once: requests that waited for more while they hold some
    /// could wait for each other for ever.
    async fn share(&self, count: usize) -> Result<OwnedSemaphorePermit, Error> {
        let all = MOST_BYTES / SHARE_BYTES;
        // Base64 takes four bytes for three.
        let most = count.saturating_mul(self.limits.most_bytes) / 3 * 4;
        let wanted = (most / SHARE_BYTES + 1).min(all);
        let wanted = u32::try_from(wanted).map_err(|_| Error::Busy)?;
        let acquired = Arc::clone(&self.memory).acquire_many_owned(wanted);
        match timeout(self.limits.time, acquired).await {
            Ok(Ok(share)) => Ok(share),
            _ => Err(Error::Busy),
        }
    }

    /// Fetches one image, within the time for one.
    async fn fetch(&self, address: &str) -> Result<String, Error> {
        let location = Location::parse(address)?;
        // Whoever has to wait for others has not taken any of his own time. The semaphore is never closed.
        let Ok(Ok(_slot)) = timeout(self.limits.time, self.fetches.acquire()).await else {
            return Err(Error::Busy);
        };
        let fetched = timeout(self.limits.time, self.follow(location)).await;
        let image = fetched.unwrap_or(Err(Error::TimedOut))?;
        if is_image(&image) {
            Ok(STANDARD.encode(&image))
        } else {
            Err(Error::NotAnImage)
        }
    }

    async fn follow(&self, mut location: Location) -> Result<Bytes, Error> {
        for _ in 0..=self.limits.redirects {
            match get(&self.network, &location, &self.limits).await? {
                Answer::Body(body) => return Ok(body),
                Answer::Redirect(target) => location = target,
            }
        }
        Err(Error::Redirects)
    }
}

/// Whether the first bytes are those of a format that Bedrock takes. What a host says of the type counts for nothing.
fn is_image(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n")
        || bytes.starts_with(b"\xff\xd8\xff")
        || bytes.starts_with(b"GIF8")
        || (bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"))
}
