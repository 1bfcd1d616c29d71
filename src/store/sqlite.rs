//! A SQLite file: made for its owner alone, opened with its schema brought up to date, and locked by the one process
//! that may count in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, Row, TransactionBehavior};
use thiserror::Error;
use tracing::warn;

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two attempts where SQLite does not wait by itself.
const PAUSE: Duration = Duration::from_millis(10);

/// A file that is there.
#[derive(Clone, Debug)]
pub struct Database {
    /// Without links, so that one file has one lock whatever it was called by.
    file: PathBuf,
    kind: Kind,
    inode: Option<Inode>,
}

/// What tells a file from another that has its name later: device and number.
type Inode = (u64, u64);

/// What a file holds.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What stands in the file's header and tells it from other programs' files.
    pub application_id: i32,
    /// The statements that lead from each version of the schema to the next, from an empty file on.
    pub migrations: &'static [&'static str],
}

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The operating system: it survives the end of this process, and not always a power failure.
    Process,
    /// The disk.
    Power,
}

/// The right of one process to count in a file, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it is not enough: a child that is being started has a copy until it runs its own program. Where this
        // fails, closing is what is left.
        let _ = self.file.unlock();
    }
}

/// Why a file cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is none.
    #[error("it does not exist")]
    Missing,
    /// It is a folder, or a device.
    #[error("it is no file")]
    NoFile,
    /// Another process holds its lock.
    #[error("another process uses it")]
    InUse,
    /// A later version wrote it.
    #[error("its schema is {found}, and the newest that is known is {known}")]
    Newer {
        /// Its schema.
        found: u32,
        /// The newest schema that this version knows.
        known: u32,
    },
    /// Another program wrote it.
    #[error("another program wrote it")]
    Foreign,
    /// It lies where a log of its changes cannot be kept in memory that processes share.
    #[error("its file system cannot do write-ahead logging; a local one can")]
    NoWriteAheadLog,
    /// The file cannot be made, found or locked.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// SQLite refuses.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Database {
    /// Makes an empty file that only its owner may read, unless there is one.
    ///
    /// # Errors
    /// When there is none and it cannot be made.
    pub fn create(file: &Path) -> Result<(), OpenError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        match only_for_its_owner(&mut options).open(file) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Finds a file.
    ///
    /// # Errors
    /// When it does not exist or cannot be looked at.
    pub fn find(file: &Path, kind: Kind) -> Result<Self, OpenError> {
        let file = file.canonicalize().map_err(|error| match error.kind() {
            ErrorKind::NotFound => OpenError::Missing,
            _ => error.into(),
        })?;
        if !file.metadata()?.is_file() {
            return Err(OpenError::NoFile);
        }
        warn_of_readers(&file);
        let inode = inode(&file);
        Ok(Self { file, kind, inode })
    }

    /// Whether the file is still where it was found. One that was moved or replaced is still written to by those who
    /// have it open, and nobody else would see that.
    pub fn is_in_place(&self) -> bool {
        inode(&self.file) == self.inode
    }

    /// Takes the file's lock, which is a file beside it. The CLI reads and writes without.
    ///
    /// # Errors
    /// When another process holds it, or when it cannot be made.
    pub fn lock(&self) -> Result<Lock, OpenError> {
        let mut name = self.file.clone().into_os_string();
        name.push("-lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        // It stays when it is let go: were it removed, two processes could hold one of the same name.
        let file = only_for_its_owner(&mut options).open(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Opens the file, and brings its schema up to date.
    ///
    /// # Errors
    /// When it is no SQLite file, when another program or a later version wrote it, or when SQLite fails.
    pub fn connect(&self, durability: Durability) -> Result<Connection, OpenError> {
        // Neither does SQLite create it, because that has other rights, nor does it read the name as a URI.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.file, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Another program's file is left as it is.
        self.kind.version_of(&connection)?;
        write_ahead(&connection)?;
        let synchronous = match durability {
            Durability::Process => "NORMAL",
            Durability::Power => "FULL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        self.kind.migrate(&mut connection)?;
        Ok(connection)
    }
}

impl Kind {
    /// The version of a file's schema; 0 for one without tables.
    fn version_of(&self, connection: &Connection) -> Result<usize, OpenError> {
        // One statement sees all of it at one moment, also while another process makes the first tables.
        let all = "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) \
                   FROM pragma_user_version, pragma_application_id";
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (version, id, tables): (u32, i32, u32) = connection.query_row(all, [], read)?;
        let is_empty = (version, id, tables) == (0, 0, 0);
        if id != self.application_id && !is_empty {
            return Err(OpenError::Foreign);
        }
        let known = self.migrations.len();
        let found = usize::try_from(version).unwrap_or(usize::MAX);
        if found > known {
            return Err(OpenError::Newer {
                found: version,
                known: u32::try_from(known).unwrap_or(u32::MAX),
            });
        }
        Ok(found)
    }

    /// Leads a file from its schema to the newest, in one step.
    fn migrate(&self, connection: &mut Connection) -> Result<(), OpenError> {
        if self.version_of(connection)? == self.migrations.len() {
            return Ok(());
        }
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been quicker.
        let version = self.version_of(&step)?;
        for migration in self.migrations.iter().skip(version) {
            step.execute_batch(migration)?;
        }
        let version = u32::try_from(self.migrations.len()).unwrap_or(u32::MAX);
        step.pragma_update(None, "user_version", version)?;
        step.pragma_update(None, "application_id", self.application_id)?;
        Ok(step.commit()?)
    }
}

/// Has changes go to a log first, so that who reads never waits for who writes.
fn write_ahead(connection: &Connection) -> Result<(), OpenError> {
    let given_up = Instant::now() + BUSY_TIMEOUT;
    loop {
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(_) => return Err(OpenError::NoWriteAheadLog),
            // SQLite does not wait here for others that open a new file at the same time.
            Err(error) if is_busy(&error) && Instant::now() < given_up => thread::sleep(PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// Gives a file that is made mode 0600. SQLite makes the log beside it with the same.
fn only_for_its_owner(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// `None` where there is no file, or where files have no numbers.
#[cfg(unix)]
fn inode(file: &Path) -> Option<Inode> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = file.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn inode(_file: &Path) -> Option<Inode> {
    None
}

/// Says so when a file that somebody put there can be read by others.
fn warn_of_readers(file: &Path) {
    #[cfg(unix)]
    if let Ok(metadata) = file.metadata() {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        if mode & 0o077 != 0 {
            let file = file.display();
            warn!("others than its owner may use {file}: chmod 600 {file}");
        }
    }
}

#[cfg(test)]
mod tests;
