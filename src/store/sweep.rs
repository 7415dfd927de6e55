//! Sweeping: the bytes of what was forgotten leave the file and its write-ahead log.
//!
//! A mark says that this is to be done. It goes when all is done, so that a crash at any step leaves it to the
//! next one.

use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::id::EventSeq;
use crate::store::Store;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result, StoreError};

const SWEEPING: &str = "sweeping the file";

/// Above so many bytes the copy that SQLite makes goes through the directory for temporary files, which nobody
/// else can read there, and not through memory.
const IN_MEMORY_MAX: i64 = 32 * 1024 * 1024;

/// What became of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// There was nothing to do.
    Clean,
    /// The bytes are gone.
    Done,
    /// Somebody reads or writes the journal: the mark stays.
    InUse,
}

/// The newest erasure whose bytes may still be there.
pub(crate) fn since(conn: &Connection) -> Result<Option<EventSeq>> {
    conn.query_row("-- unswept\nSELECT since_seq FROM sweep", [], |row| {
        row.get::<_, Sql<EventSeq>>(0)
    })
    .optional()
    .map(|since| since.map(|Sql(seq)| seq))
    .doing(SWEEPING)
}

impl Store {
    /// Whether bytes of what was forgotten may still lie in the file.
    pub fn is_unswept(&self) -> Result<bool> {
        since(&self.conn).map(|since| since.is_some())
    }

    /// Writes the file anew without what was forgotten, and empties its write-ahead log. Waits so long for others.
    pub fn sweep(&mut self, patience: Duration) -> Result<Swept> {
        let Some(since) = since(&self.conn)? else { return Ok(Swept::Clean) };
        self.conn.busy_timeout(patience).doing(SWEEPING)?;
        let swept = self.sweep_since(since);
        self.conn.busy_timeout(super::BUSY).doing(SWEEPING)?;
        swept
    }

    fn sweep_since(&mut self, since: EventSeq) -> Result<Swept> {
        // A reader would keep the old bytes in the write-ahead log: then nothing need be written twice.
        if !self.empty_log()? || !self.write_anew()? || !self.empty_log()? {
            return Ok(Swept::InUse);
        }
        // What was forgotten meanwhile by somebody else keeps its mark.
        let cleared = self.conn.execute(
            "-- swept\nDELETE FROM sweep WHERE since_seq = :since",
            named_params! {":since": Sql(since)},
        );
        match cleared {
            Ok(_) => Ok(Swept::Done),
            Err(error) if is_busy(&error) => Ok(Swept::InUse),
            Err(error) => Err(StoreError::sqlite(SWEEPING)(error)),
        }
    }

    /// Rebuilds the file. `false` when somebody else is writing.
    fn write_anew(&self) -> Result<bool> {
        let number =
            |pragma| self.conn.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let bytes = number("page_count").doing(SWEEPING)? * number("page_size").doing(SWEEPING)?;
        let store = if bytes > IN_MEMORY_MAX { "FILE" } else { "MEMORY" };
        self.conn.pragma_update(None, "temp_store", store).doing(SWEEPING)?;
        // VACUUM attaches the copy that it makes.
        self.conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1).doing(SWEEPING)?;
        let written = self.conn.execute_batch("-- write_anew\nVACUUM");
        self.conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0).doing(SWEEPING)?;
        self.conn.pragma_update(None, "temp_store", "MEMORY").doing(SWEEPING)?;
        match written {
            Ok(()) => Ok(true),
            Err(error) if is_busy(&error) => Ok(false),
            Err(error) => Err(StoreError::sqlite(SWEEPING)(error)),
        }
    }

    /// Moves the whole write-ahead log into the file and cuts it to nothing. `false` while others look or write.
    fn empty_log(&self) -> Result<bool> {
        let sql = "-- empty_log\nPRAGMA wal_checkpoint(TRUNCATE)";
        match self.conn.query_row(sql, [], |row| row.get::<_, i64>(0)) {
            Ok(busy) => Ok(busy == 0),
            Err(error) if is_busy(&error) => Ok(false),
            Err(error) => Err(StoreError::sqlite(SWEEPING)(error)),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}
