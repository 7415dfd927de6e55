//! THE SQLITE EDGE: the only place that names rusqlite, and the only place with SQL.
//!
//! A [`Reader`] looks, on one consistent snapshot per call. A [`Store`] writes: every change is an event
//! that is appended in the same transaction as the rows that follow from it. Nothing is acknowledged
//! before its COMMIT returned.

pub mod error;

pub mod adopting;
pub mod approval;
pub mod audit;
pub mod batch;
pub mod cancelling;
pub mod creation;
pub mod entry;
pub mod forgetting;
pub mod full_snapshot;
pub mod holding;
pub mod job;
pub mod manifest;
pub mod moving;
pub mod overview;
pub mod pausing;
pub mod policy;
pub mod proof;
pub mod query;
pub mod queue;
pub mod reading;
pub mod recheck;
pub mod recording;
pub mod releasing;
pub mod reopening;
pub mod run;
pub mod settling;
pub mod shredding;
pub mod signing;
pub mod snapshot;
pub mod sweep;
pub mod unknown;
pub mod upgrade;
pub mod usage;
pub mod writer;

mod claiming;
mod code;
mod earlier;
pub mod item_tree;
mod items;
mod log;
mod open;
#[cfg(test)]
mod rollback_tests;
mod schema;
mod scope;
pub mod sending;
mod standing;
#[cfg(test)]
pub(crate) mod tamper;
#[cfg(test)]
pub(crate) mod testing;
pub mod undo;
mod withholding;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::domain::entropy::Entropy;
use crate::domain::event::Event;
use crate::domain::id::EventSeq;
use crate::domain::merkle::Tree;
use crate::domain::time::Timestamp;
use crate::planted::Mistake;
pub use crate::store::error::{Result, StoreError};
pub use crate::store::log::{Head, StoredEvent};

use crate::store::error::Doing;
use crate::store::log::Seals;
use crate::store::open::Mode;

/// How long a writer waits for another writer's transaction.
const BUSY: Duration = Duration::from_secs(5);

/// How long a run waits, which has answers in hand that must not be lost.
const PATIENCE: Duration = Duration::from_mins(2);

/// A journal open for writing. Any number of processes may have one; transactions take turns.
pub struct Store {
    conn: Connection,
    path: PathBuf,
    entropy: Box<dyn Entropy>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Makes the tables in an empty file that the caller has just created exclusively.
    pub fn create(path: &Path, entropy: Box<dyn Entropy>) -> Result<Self> {
        let conn = open::connect(path, Mode::Create, BUSY)?;
        Ok(Self { conn, path: path.to_owned(), entropy })
    }

    /// Opens an existing journal for writing.
    pub fn open(path: &Path, entropy: Box<dyn Entropy>) -> Result<Self> {
        let conn = open::connect(path, Mode::Write, BUSY)?;
        Ok(Self { conn, path: path.to_owned(), entropy })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits longer for others' transactions from now on.
    pub(crate) fn be_patient(&self) -> Result<()> {
        self.conn.busy_timeout(PATIENCE).doing("preparing the journal for writing")
    }

    /// Size and root of the log.
    pub fn head(&self) -> Result<Head> {
        log::head(&self.conn)
    }

    /// Moves everything from the write-ahead log into the file and syncs it.
    ///
    /// A killed process can leave rows that the next one sees but that were never synced. Before any of
    /// them is trusted they are made durable here. While readers are active only a part can be moved;
    /// the commit of the caller's next event, which syncs the log, then covers the rest.
    pub fn checkpoint(&self) -> Result<()> {
        self.checkpoint_in("PASSIVE")?;
        self.checkpoint_in("TRUNCATE")
    }

    /// Moves as much of the write-ahead log into the file as nobody has to wait for, and syncs it.
    ///
    /// For whoever writes beside a run. After a sync that failed, later ones may leave out what that one was to
    /// write; a commit behind such a gap could not be read back after a power cut.
    pub fn checkpoint_at_once(&self) -> Result<()> {
        self.checkpoint_in("PASSIVE")
    }

    /// Moves everything into the file and syncs it, and says whether that came about: readers can be in the
    /// way, and nobody waits for them. Only then is every event durable that can be seen, also one of a
    /// process that was killed.
    pub fn make_durable(&self) -> Result<bool> {
        self.conn
            .query_row("-- make_durable\nPRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                let (busy, pages, moved): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(busy == 0 && pages == moved)
            })
            .or_else(|error| match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseBusy) => Ok(false),
                _ => Err(StoreError::sqlite("making the journal durable")(error)),
            })
    }

    fn checkpoint_in(&self, mode: &str) -> Result<()> {
        if Mistake::TrustsUnsyncedRows.is_made() {
            return Ok(());
        }
        let outcome = self.conn.query_row(
            &format!("-- checkpoint\nPRAGMA wal_checkpoint({mode})"),
            [],
            |row| row.get::<_, i64>(0),
        );
        match outcome {
            Ok(_) => Ok(()),
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                Ok(())
            }
            Err(error) => Err(StoreError::sqlite("making the journal durable")(error)),
        }
    }

    /// Runs one write transaction. `name` says in errors what was being done.
    ///
    /// `BEGIN IMMEDIATE` takes the write lock first, so that the tail of the log that is read inside is the
    /// tail that is written to. On an error nothing is written.
    pub fn write<T>(
        &mut self,
        name: &'static str,
        now: Timestamp,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T>,
    ) -> Result<(T, Head)> {
        self.transact(name, now, moving::refuse, work)
    }

    /// A write transaction that begins with looking at the file's schema: another process may have
    /// upgraded it since it was opened.
    fn transact<T>(
        &mut self,
        name: &'static str,
        now: Timestamp,
        look: fn(&Connection, &Path) -> Result<()>,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T>,
    ) -> Result<(T, Head)> {
        if let Some(level) = synchronous_by_mistake(name) {
            self.conn.pragma_update(None, "synchronous", level).doing(name)?;
        }
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).doing(name)?;
        look(&tx, &self.path)?;
        let tree = log::resume(&tx)?;
        let before = tree.size();
        let mut write = WriteTx { tx, tree, now, entropy: self.entropy.as_mut(), undone: None };
        let value = work(&mut write)?;
        let WriteTx { tx, tree, undone, .. } = write;
        // Without its transaction the head would be committed by itself.
        if undone.is_some() || tx.is_autocommit() {
            return Err(undone.unwrap_or(StoreError::WriterGone));
        }
        let head =
            if tree.size() == before { log::head(&tx)? } else { log::write_head(&tx, &tree)? };
        tx.commit().doing(name)?;
        Ok((value, head))
    }
}

/// How little a planted mistake syncs a transaction.
fn synchronous_by_mistake(name: &str) -> Option<&'static str> {
    let unsynced = match name {
        "recording the request" => Mistake::AcknowledgesBeforeSync.is_made(),
        "recording what happened" => Mistake::SendsBeforeSync.is_made(),
        _ => false,
    };
    let planted = Mistake::AcknowledgesBeforeSync.is_made() || Mistake::SendsBeforeSync.is_made();
    planted.then_some(if unsynced { "OFF" } else { "FULL" })
}

/// A write transaction: the only way to append to the log.
pub struct WriteTx<'a> {
    tx: Transaction<'a>,
    tree: Tree,
    now: Timestamp,
    entropy: &'a mut dyn Entropy,
    /// The error at which SQLite undid the whole transaction by itself.
    undone: Option<StoreError>,
}

impl std::fmt::Debug for WriteTx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteTx").field("now", &self.now).finish_non_exhaustive()
    }
}

impl WriteTx<'_> {
    /// When this transaction began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    fn append(&mut self, event: impl Into<Event>, seals: Seals) -> Result<EventSeq> {
        log::append(&self.tx, &mut self.tree, self.now, event.into(), seals)
    }

    /// Runs one job so that its failure undoes its own writes and no others of the transaction.
    ///
    /// A full disk, a failed write and a lack of memory can make SQLite undo the whole transaction by
    /// itself. What is written after that would be committed statement by statement, so every further job
    /// is refused with [`StoreError::WriterGone`], and [`Store::write`] fails with the error that did it.
    pub fn scoped<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.undone.is_some() || self.tx.is_autocommit() {
            return Err(StoreError::WriterGone);
        }
        let tree = self.tree.clone();
        self.tx.execute_batch("-- scoped\nSAVEPOINT job").doing("beginning a step")?;
        match work(self) {
            Ok(value) => {
                self.tx.execute_batch("-- scoped\nRELEASE job").doing("ending a step")?;
                Ok(value)
            }
            Err(error) if self.tx.is_autocommit() => {
                // A job within the job has kept the error that counts.
                self.undone.get_or_insert(error);
                Err(StoreError::WriterGone)
            }
            Err(error) => {
                self.tree = tree;
                self.tx
                    .execute_batch("-- scoped\nROLLBACK TO job; RELEASE job")
                    .doing("undoing a step")?;
                Err(error)
            }
        }
    }
}

/// A journal open for looking. Works beside a running sync, and never writes.
pub struct Reader {
    conn: Connection,
    path: PathBuf,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens an existing journal read-only.
    pub fn open(path: &Path) -> Result<Self> {
        let conn = open::connect(path, Mode::Read, BUSY)?;
        // One snapshot for everything that this reader shows.
        conn.execute_batch("-- reader\nBEGIN").doing("opening the journal")?;
        schema::older::lay_over(&conn, path)?;
        Ok(Self { conn, path: path.to_owned() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets go of what it showed: the write-ahead log can be moved into the file, however long nobody looks.
    pub(crate) fn rest(&self) -> Result<()> {
        self.conn.execute_batch("-- reader\nCOMMIT").doing("reading the journal")
    }

    /// Looks again, at the journal as it is now.
    pub(crate) fn look_again(&self) -> Result<()> {
        self.conn.execute_batch("-- reader\nBEGIN").doing("reading the journal")
    }

    /// Size and root of the log.
    pub fn head(&self) -> Result<Head> {
        log::head(&self.conn)
    }
}
