//! A journal that goes to another place: closed where it was by the last event of its log, open where it arrives by
//! the next one. So the log itself says which of two files is the journal.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use crate::domain::entropy::Entropy;
use crate::domain::event::{Arrived, Event, Moved};
use crate::domain::id::EventSeq;
use crate::domain::merkle::Hash;
use crate::domain::time::Timestamp;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::{self, Seals, StoredEvent};
use crate::store::open::{self, APPLICATION_ID, COPY_ID, MOVED_ID, Mode};
use crate::store::{BUSY, Head, Reader, Store, WriteTx, schema};

const DOING: &str = "moving the journal";

/// Where a journal went that is closed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// The closed file.
    pub path: PathBuf,
    /// When.
    pub at: Timestamp,
    /// The file that it went to; `None` where the seal was erased.
    pub to: Option<String>,
    /// The leaf of the event.
    pub leaf: Hash,
}

/// What the mark of a file says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A journal.
    Journal,
    /// A copy that is never written to.
    Copy,
    /// A closed journal whose copy is whole, and may be in use.
    HandedOver,
}

impl WriteTx<'_> {
    /// Closes the journal for good: it goes on in another file.
    pub(crate) fn depart(&mut self, to: &str, program: &str, account: &str) -> Result<()> {
        let mut seals = Seals::default();
        let event = Moved {
            program: program.to_owned(),
            moved_by: seals.add(self.entropy, "moved_by", account)?,
            destination: seals.add(self.entropy, "destination", to)?,
        };
        self.append(event, seals).map(|_| ())
    }

    /// Opens a journal again that was closed where it was, and takes the mark of a copy off it.
    pub(crate) fn arrive(&mut self, left: Hash, program: &str, account: &str) -> Result<()> {
        let mut seals = Seals::default();
        let event = Arrived {
            content: left,
            program: program.to_owned(),
            arrived_by: seals.add(self.entropy, "arrived_by", account)?,
        };
        self.append(event, seals)?;
        self.tx.pragma_update(None, "application_id", APPLICATION_ID).doing(DOING)
    }
}

impl Store {
    /// Opens a file for writing that others refuse to write to: a copy, or a closed journal. For adopting it, and
    /// for making a moved journal out of its copy.
    pub(crate) fn open_refused(path: &Path, entropy: Box<dyn Entropy>) -> Result<Self> {
        let conn = open::connect(path, Mode::Revive, BUSY)?;
        Ok(Self { conn, path: path.to_owned(), entropy })
    }

    /// Records the arrival in a copy of a closed journal.
    pub(crate) fn arrive(
        &mut self,
        left: Hash,
        program: &str,
        account: &str,
        now: Timestamp,
    ) -> Result<Head> {
        let arrived = self
            .transact(DOING, now, schema::older::refuse, |tx| tx.arrive(left, program, account));
        arrived.map(|((), head)| head)
    }

    /// Marks a closed journal: its copy is whole from here on, and may be in use.
    pub(crate) fn hand_over(&self) -> Result<()> {
        self.conn.pragma_update(None, "application_id", MOVED_ID).doing(DOING)
    }

    /// What the file's mark says.
    pub(crate) fn mark(&self) -> Result<Mark> {
        mark(&self.conn)
    }

    /// Where the journal went, if it is closed here.
    pub fn departed(&self) -> Result<Option<Departure>> {
        departed(&self.conn, &self.path)
    }

    /// The last event.
    pub(crate) fn last_event(&self) -> Result<Option<StoredEvent>> {
        last_event(&self.conn)
    }

    /// Whether a run left batches open, of which nothing tells what became.
    pub(crate) fn has_open_batches(&self) -> Result<bool> {
        let sql =
            "-- has_open_batches\nSELECT EXISTS (SELECT 1 FROM batch WHERE ended_seq IS NULL)";
        self.conn.query_row(sql, [], |row| row.get(0)).doing(DOING)
    }
}

impl Reader {
    /// Where the journal went, if it is closed here.
    pub fn departed(&self) -> Result<Option<Departure>> {
        departed(&self.conn, &self.path)
    }

    /// Whether the file is marked as a copy.
    pub fn is_copy(&self) -> Result<bool> {
        Ok(mark(&self.conn)? == Mark::Copy)
    }

    /// The leaf of the departure that the last event of the log answers; `None` for any other log.
    pub(crate) fn arrived(&self) -> Result<Option<Hash>> {
        let Some(last) = last_event(&self.conn)? else { return Ok(None) };
        let Event::Arrived(data) = last.decode()?.event else { return Ok(None) };
        Ok(Some(data.content))
    }
}

fn mark(conn: &Connection) -> Result<Mark> {
    let id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0)).doing(DOING)?;
    Ok(match id {
        COPY_ID => Mark::Copy,
        MOVED_ID => Mark::HandedOver,
        _ => Mark::Journal,
    })
}

fn last_event(conn: &Connection) -> Result<Option<StoredEvent>> {
    conn.prepare_cached(
        "-- last_event\nSELECT seq, body, leaf FROM event ORDER BY seq DESC LIMIT 1",
    )
    .and_then(|mut statement| {
        statement
            .query_row([], |row| {
                let (Sql(seq), Sql(leaf)): (Sql<EventSeq>, Sql<Hash>) = (row.get(0)?, row.get(2)?);
                Ok(StoredEvent { seq, body: row.get(1)?, leaf })
            })
            .optional()
    })
    .doing("reading the log")
}

/// Version, time and kind of an event have fewer bytes.
const FRONT: usize = 160;

/// Where the journal went, if its log ends with that.
pub(crate) fn departed(conn: &Connection, path: &Path) -> Result<Option<Departure>> {
    let Some(last) = last_event(conn)? else { return Ok(None) };
    let front = last.body.get(..FRONT.min(last.body.len())).unwrap_or_default();
    // Asked before every write: most events need not be read any further.
    if !String::from_utf8_lossy(front).contains("\"kind\":\"moved\"") {
        return Ok(None);
    }
    let logged = last.decode()?;
    let Event::Moved(_) = logged.event else { return Ok(None) };
    let to = log::opened(conn, last.seq, "destination")?;
    Ok(Some(Departure { path: path.to_owned(), at: logged.at, to, leaf: last.leaf }))
}

/// Refuses to write to what this program cannot, or must not, write to any more.
pub(crate) fn refuse(conn: &Connection, path: &Path) -> Result<()> {
    schema::older::refuse(conn, path)?;
    match departed(conn, path)? {
        Some(departure) => Err(StoreError::Departed(Box::new(departure))),
        None => Ok(()),
    }
}
