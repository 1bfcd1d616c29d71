use std::fs;
use std::sync::Barrier;

use tempfile::{TempDir, tempdir};

use super::*;

const ID: i32 = 77;
const FIRST: &str = "CREATE TABLE words (word TEXT NOT NULL) STRICT";
const SECOND: &str = "ALTER TABLE words ADD COLUMN language TEXT";

const OLD: Kind = Kind {
    application_id: ID,
    migrations: &[FIRST],
};
const NEW: Kind = Kind {
    application_id: ID,
    migrations: &[FIRST, SECOND],
};

fn folder() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let file = folder.path().join("words.db");
    (folder, file)
}

fn open(file: &Path, kind: Kind) -> Result<Connection, OpenError> {
    Database::find(file, kind)?.connect(Durability::Process)
}

#[test]
fn a_file_is_made_once_and_found_afterwards() {
    let (_folder, file) = folder();
    assert!(matches!(open(&file, OLD), Err(OpenError::Missing)));
    Database::create(&file).unwrap();
    let add = "INSERT INTO words VALUES ('schist')";
    open(&file, OLD).unwrap().execute(add, []).unwrap();
    Database::create(&file).unwrap();
    let word = open(&file, OLD)
        .unwrap()
        .query_row("SELECT word FROM words", [], |row| row.get::<_, String>(0));
    assert_eq!(word.unwrap(), "schist");
    assert!(Database::create(&file.join("below/it.db")).is_err());
}

#[test]
fn what_is_no_file_is_refused() {
    let (folder, _file) = folder();
    assert!(matches!(open(folder.path(), OLD), Err(OpenError::NoFile)));
    #[cfg(unix)]
    assert!(matches!(
        open(Path::new("/dev/null"), OLD),
        Err(OpenError::NoFile)
    ));
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it_nor_what_lies_beside_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let (folder, file) = folder();
    Database::create(&file).unwrap();
    let database = Database::find(&file, OLD).unwrap();
    let _lock = database.lock().unwrap();
    let _connection = database.connect(Durability::Process).unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort_unstable();
    let expected = ["words.db", "words.db-lock", "words.db-shm", "words.db-wal"];
    assert_eq!(names, expected);
}

#[test]
fn an_older_file_is_led_to_the_newest_schema_and_a_newer_one_is_left_alone() {
    let (_folder, file) = folder();
    Database::create(&file).unwrap();
    let add = "INSERT INTO words VALUES ('gneiss')";
    open(&file, OLD).unwrap().execute(add, []).unwrap();
    let row = "SELECT word, language FROM words";
    let row = open(&file, NEW).unwrap().query_row(row, [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
    });
    assert_eq!(row.unwrap(), ("gneiss".to_owned(), None));
    let refused = open(&file, OLD).unwrap_err();
    assert!(
        matches!(refused, OpenError::Newer { found: 2, known: 1 }),
        "{refused}"
    );
}

#[test]
fn a_file_of_another_program_is_refused_and_not_touched() {
    let (_folder, file) = folder();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE songs (name)").unwrap();
    drop(other);
    let before = fs::read(&file).unwrap();
    assert!(matches!(open(&file, OLD), Err(OpenError::Foreign)));
    fs::write(&file, "no database at all, but a text of some length").unwrap();
    assert!(matches!(open(&file, OLD), Err(OpenError::Sqlite(_))));
    fs::write(&file, &before).unwrap();
    assert!(matches!(open(&file, OLD), Err(OpenError::Foreign)));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn one_process_at_a_time_has_the_lock_whatever_it_calls_the_file() {
    let (folder, file) = folder();
    Database::create(&file).unwrap();
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let lock = Database::find(&file, OLD).unwrap().lock().unwrap();
    let other = Database::find(&link, OLD).unwrap();
    assert!(matches!(other.lock(), Err(OpenError::InUse)));
    drop(lock);
    assert!(other.lock().is_ok());
}

#[test]
fn a_lock_is_free_at_once_although_a_child_may_have_a_copy() {
    let (_folder, file) = folder();
    Database::create(&file).unwrap();
    let database = Database::find(&file, OLD).unwrap();
    let lock = database.lock().unwrap();
    // What a child has that is being started.
    let _copy = lock.file.try_clone().unwrap();
    drop(lock);
    assert!(database.lock().is_ok());
}

#[test]
fn many_may_open_a_new_file_at_the_same_time() {
    // It takes some attempts to look just while another makes the tables.
    for _ in 0..20 {
        let (_folder, file) = folder();
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    Database::create(&file).unwrap();
                    let add = "INSERT INTO words (word) VALUES ('marl')";
                    open(&file, NEW).unwrap().execute(add, []).unwrap();
                });
            }
        });
        let count = "SELECT count(*) FROM words";
        let connection = open(&file, NEW).unwrap();
        let words: u32 = connection.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(words, 8);
    }
}
