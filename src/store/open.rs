//! Opening the journal file: who may, how, and with which settings.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::planted::Mistake;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::schema;

/// `ZJnl`: what `PRAGMA application_id` says of a journal, and `file` shows.
pub(crate) const APPLICATION_ID: i32 = 0x5A4A_6E6C;

/// `ZJnC`: the same of a copy, as a backup or from before an upgrade. It can be looked at like a journal, and is never
/// written to, also where it was put in the journal's place.
pub(crate) const COPY_ID: i32 = 0x5A4A_6E43;

/// `ZJnM`: the same of a journal that was moved elsewhere, once its copy there is whole. Its log says so as well.
pub(crate) const MOVED_ID: i32 = 0x5A4A_6E4D;

/// SQLite before 3.51.3 can corrupt a database in WAL mode when two connections write and checkpoint at
/// the same time (fixed 2026-03-13).
const OLDEST_SQLITE: i32 = 3_051_003;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Looks only, and never writes, not even a checkpoint.
    Read,
    /// Writes.
    Write,
    /// Writes to a copy or a closed journal, to make it one that is written to.
    Revive,
    /// Makes the tables in an empty file that `init` has just created.
    Create,
}

/// Opens the file. Never creates it, never follows a link, and never reads the path as a URI, so that
/// `file:…?vfs=…` is just an odd file name.
pub(crate) fn connect(path: &Path, mode: Mode, busy: Duration) -> Result<Connection> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::Unsafe(format!(
            "this program was built with SQLite {}, which can damage a journal",
            rusqlite::version()
        )));
    }
    look_at(path, mode)?;
    let access = match mode {
        Mode::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Mode::Write | Mode::Revive | Mode::Create => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = access
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut conn = Connection::open_with_flags(path, flags).doing("opening the journal")?;
    conn.busy_timeout(busy).doing("opening the journal")?;
    // The first statement that reads the file.
    harden(&conn).map_err(|error| not_a_database(path, error))?;
    match mode {
        Mode::Create => {
            set_up(&conn)?;
            // First, so that what a crash leaves is known as ours and not as another program's.
            conn.pragma_update(None, "application_id", APPLICATION_ID).doing("creating tables")?;
            schema::migrate(&mut conn)?;
        }
        Mode::Read => check_identity(&conn, path, mode)?,
        Mode::Write | Mode::Revive => {
            check_identity(&conn, path, mode)?;
            set_up(&conn)?;
        }
    }
    rusqlite::vtab::array::load_module(&conn).doing("opening the journal")?;
    Ok(conn)
}

/// Looks at the path without opening it: closing a second handle to a database drops SQLite's own locks.
fn look_at(path: &Path, mode: Mode) -> Result<()> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreError::NoJournal(path.to_owned()));
        }
        Err(source) => {
            return Err(StoreError::Io { path: path.to_owned(), source });
        }
    };
    let not = |why: &str| StoreError::NotAJournal { path: path.to_owned(), why: why.to_owned() };
    if meta.file_type().is_symlink() {
        return Err(not("it is a symbolic link; give the path of the file itself"));
    }
    if !meta.is_file() {
        return Err(not("it is not a file"));
    }
    if meta.len() == 0 && mode != Mode::Create {
        return Err(not("it is empty"));
    }
    Ok(())
}

/// Settings that hold for every connection. The file may have been edited by somebody hostile.
pub(crate) fn harden(conn: &Connection) -> Result<()> {
    let doing = "hardening the connection";
    for (option, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        // One plan a statement, whatever is bound. Without it the bundled STAT4 prepares most statements anew
        // at each binding: two fifths of a run's CPU.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        let now = conn.set_db_config(option, value).doing(doing)?;
        if now != value {
            return Err(StoreError::Unsafe(format!("SQLite did not accept {option:?}")));
        }
    }
    conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0).doing(doing)?;
    conn.set_prepared_statement_cache_capacity(128);
    conn.execute_batch(
        "-- harden
         PRAGMA foreign_keys = ON;
         PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0;
         PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16384;",
    )
    .doing(doing)
}

/// Settings of a connection that writes. Each is read back: SQLite ignores what it cannot do.
fn set_up(conn: &Connection) -> Result<()> {
    let doing = "preparing the journal for writing";
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).doing(doing)?;
    if mode != "wal" {
        return Err(StoreError::Unsafe(format!(
            "the journal cannot use a write-ahead log here (SQLite answers \"{mode}\"): put it on a \
             local disk"
        )));
    }
    // NORMAL would lose the last commits in a power cut: exactly those that were reported.
    let level = if Mistake::SyncsTooLittle.is_made() { 1 } else { 2 };
    conn.pragma_update(None, "synchronous", level).doing(doing)?;
    if cfg!(target_os = "macos") {
        conn.execute_batch(
            "-- set_up (macOS)\nPRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;",
        )
        .doing(doing)?;
    }
    for (pragma, expected) in [("synchronous", level), ("foreign_keys", 1), ("trusted_schema", 0)] {
        let value: i64 = conn.pragma_query_value(None, pragma, |row| row.get(0)).doing(doing)?;
        if value != expected {
            return Err(StoreError::Unsafe(format!(
                "SQLite answers {value} for {pragma}, not {expected}"
            )));
        }
    }
    Ok(())
}

/// Tells a file that is nothing of SQLite's from other failures.
fn not_a_database(path: &Path, error: StoreError) -> StoreError {
    if let StoreError::Sqlite { source, .. } = &error
        && source.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase)
    {
        let why = "it is not an SQLite file".to_owned();
        return StoreError::NotAJournal { path: path.to_owned(), why };
    }
    error
}

/// Whether this is a journal, of a schema that this program knows.
fn check_identity(conn: &Connection, path: &Path, mode: Mode) -> Result<()> {
    let read = |pragma: &str| conn.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let application_id = read("application_id")
        .doing("opening the journal")
        .map_err(|error| not_a_database(path, error))?;
    if application_id == i64::from(COPY_ID) {
        if mode == Mode::Write {
            return Err(StoreError::Copy(path.to_owned()));
        }
    } else if application_id == 0 && has_nothing(conn)? {
        return Err(StoreError::HalfMade(path.to_owned()));
    } else if ![APPLICATION_ID, MOVED_ID].map(i64::from).contains(&application_id) {
        return Err(StoreError::NotAJournal {
            path: path.to_owned(),
            why: "it is an SQLite file of another program".to_owned(),
        });
    }
    if schema::known_version(conn, path)? == 0 {
        return Err(StoreError::HalfMade(path.to_owned()));
    }
    Ok(())
}

/// Whether an SQLite file holds nothing at all, as `init` leaves it when it is killed early.
fn has_nothing(conn: &Connection) -> Result<bool> {
    let sql = "-- has_nothing\nSELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";
    conn.query_row(sql, [], |row| row.get(0)).doing("opening the journal")
}
