//! The last good list on the disk, so that a gateway that is started again, even without AWS, has one at once. What is
//! there is only believed as far as it can be read; nothing depends on it.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;
use tracing::debug;

use crate::bedrock::catalog::Listing;
use crate::config::Environment;
use crate::upstream::Bedrock;

/// The format of the file; another one is not read.
const VERSION: u32 = 1;
/// The most bytes that are read: a hundred times what one region lists.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What the access key ids of IAM users begin with, and those of sessions do not.
const USERS_KEY: &str = "AKIA";

/// The file that the list is kept in.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    path: Arc<Path>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    listings: Vec<Listing>,
}

/// `outcrop/models-<digest>.json` in the folder for what can be made anew, as the XDG specification has it: a relative
/// path in `XDG_CACHE_HOME` does not count.
pub(super) fn file(environment: &Environment, places: &[Bedrock]) -> Option<PathBuf> {
    let absolute = |name| {
        environment
            .get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let folder = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    let mut identity = String::new();
    // A user's keys stay, and say which account is meant; a session's say so too, but change with every session.
    if let Some(key) = environment.get("AWS_ACCESS_KEY_ID")
        && key.trim().starts_with(USERS_KEY)
    {
        let _ = writeln!(identity, "{}", key.trim());
    }
    for place in places {
        let place = place.describe();
        let (region, endpoint) = (&place.region, &place.control_endpoint);
        // Only a writer can fail, and a string does not.
        let _ = writeln!(identity, "{region} {endpoint} {}", place.credential_source);
    }
    let digest = Sha256::digest(identity);
    let digest = digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Some(folder.join("outcrop").join(format!("models-{digest}.json")))
}

impl Cache {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path: path.into() }
    }

    /// What the last process left, if it can be read and is of the same `regions`.
    pub(super) fn read(&self, regions: &[String]) -> Option<Vec<Listing>> {
        let path = self.path.display();
        match read(&self.path) {
            Ok(content) if content.version == VERSION => {
                let listings = content.listings;
                let same = listings.iter().map(|listing| &listing.region).eq(regions);
                same.then_some(listings)
            }
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                debug!("the list of models in {path} is not used: {error}");
                None
            }
        }
    }

    /// Replaces the file; where that is not possible, a line in the log is all that comes of it.
    pub(super) async fn write(&self, listings: Vec<Listing>) {
        let path = Arc::clone(&self.path);
        let writing = spawn_blocking(move || {
            let version = VERSION;
            let content = serde_json::to_vec(&Content { version, listings })?;
            replace(&path, &content)
        });
        if let Ok(Err(error)) = writing.await {
            let path = self.path.display();
            debug!("the list of models is not kept in {path}: {error}");
        }
    }
}

fn read(path: &Path) -> io::Result<Content> {
    // A pipe would keep the start waiting when it is opened.
    let attributes = fs::metadata(path)?;
    if !attributes.is_file() || attributes.len() > MAX_BYTES {
        return Err(io::Error::other("it is no file, or too large"));
    }
    let mut content = Vec::new();
    File::open(path)?
        .take(MAX_BYTES)
        .read_to_end(&mut content)?;
    Ok(serde_json::from_slice(&content)?)
}

/// Writes a new file beside the old one and renames it, so that nobody ever reads half of one.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let new = path.with_extension(format!("{:016x}.new", fastrand::u64(..)));
    let written = write_new(&new, content).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // It may not even be there.
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
