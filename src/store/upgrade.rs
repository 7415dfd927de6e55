//! Upgrading a journal that an older program made: a copy, and the migrations with their event.
//!
//! Where the copy lies and when both happen is decided by the [keeper](crate::evidence::keeper).

use std::path::Path;
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, MAIN_DB, OpenFlags, ToSql};

use crate::domain::event::SchemaUpgraded;
use crate::domain::id::EventSeq;
use crate::domain::merkle::{Tree, leaf_hash};
use crate::domain::time::Timestamp;
use crate::store::audit::Audit;
use crate::store::creation::JournalId;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::{self, Head, Seals};
use crate::store::open::{self, COPY_ID, Mode};
use crate::store::{Reader, Store, WriteTx, schema};

const COPYING: &str = "copying the journal";
const UPGRADING: &str = "upgrading the journal";

/// The schema of a file, and the one of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Older {
    /// The file's.
    pub from: u32,
    /// This program's.
    pub to: u32,
}

/// What was found in a copy that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Whose copy it is.
    pub journal: JournalId,
    /// Its schema.
    pub schema: u32,
    /// Size and root of its log, computed anew.
    pub head: Head,
}

fn older(conn: &Connection) -> Result<Option<Older>> {
    let (from, to) = (schema::version(conn)?, schema::newest());
    Ok((from < to).then_some(Older { from, to }))
}

impl Reader {
    /// Whether an older program made the journal, and it was not upgraded yet.
    pub fn older(&self) -> Result<Option<Older>> {
        older(&self.conn)
    }
}

impl Store {
    /// Whether an older program made the journal, and it was not upgraded yet.
    pub fn older(&self) -> Result<Option<Older>> {
        older(&self.conn)
    }

    /// Fails unless the file can be written and its tables are those that its migrations make: nothing else
    /// can be upgraded.
    pub fn check_upgradable(&self) -> Result<()> {
        if self.conn.is_readonly(MAIN_DB).doing(UPGRADING)? {
            return Err(StoreError::Unsafe(format!(
                "{} may only be read here, and must be upgraded before it is used: check its rights \
                 and those of the files beside it",
                self.path.display()
            )));
        }
        match Audit::of(&self.conn).schema_differences()?.into_iter().next() {
            None => Ok(()),
            Some(one) => {
                Err(StoreError::corrupt("migration", format!("{} {}", one.place, one.what)))
            }
        }
    }

    /// Copies the journal as it stands into an empty file, which the caller has just created exclusively,
    /// and marks it as a copy. Nothing is synced here.
    pub fn copy_into(&self, path: &Path) -> Result<()> {
        // VACUUM attaches the file that it writes to.
        self.conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1).doing(COPYING)?;
        let name = PathText(path);
        let copied = self.conn.execute("-- copy_into\nVACUUM main INTO :path", [name]);
        self.conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0).doing(COPYING)?;
        copied.doing(COPYING)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let copy = Connection::open_with_flags(path, flags).doing(COPYING)?;
        open::harden(&copy)?;
        // Nothing but the copy itself is to be left by a crash; half a copy is thrown away anyway.
        copy.pragma_update(None, "journal_mode", "MEMORY").doing(COPYING)?;
        copy.pragma_update(None, "application_id", COPY_ID).doing(COPYING)
    }

    /// Applies what the journal lacks and appends the event that says so, in one transaction. `None` when
    /// the journal is not the one any more that was copied: then nothing was written.
    pub fn upgrade(
        &mut self,
        copied: &Copied,
        program: &str,
        account: &str,
        now: Timestamp,
    ) -> Result<Option<Head>> {
        let copied = *copied;
        let (upgraded, head) = self.transact(
            UPGRADING,
            now,
            |_, _| Ok(()),
            |tx| {
                let standing = Head { size: tx.tree.size(), root: tx.tree.root() };
                let Some(Older { from, to }) = older(&tx.tx)? else { return Ok(false) };
                if (from, standing) != (copied.schema, copied.head) {
                    return Ok(false);
                }
                schema::apply_pending(&tx.tx, now)?;
                tx.note_upgrade(Older { from, to }, program, account)?;
                Ok(true)
            },
        )?;
        Ok(upgraded.then_some(head))
    }
}

impl WriteTx<'_> {
    /// Appends the event of an upgrade.
    pub(crate) fn note_upgrade(
        &mut self,
        schemas: Older,
        program: &str,
        account: &str,
    ) -> Result<()> {
        let mut seals = Seals::default();
        let event = SchemaUpgraded {
            from: schemas.from,
            to: schemas.to,
            program: program.to_owned(),
            upgraded_by: seals.add(self.entropy, "upgraded_by", account)?,
        };
        self.append(event, seals).map(|_| ())
    }
}

/// A path as SQLite takes it: its own bytes, also where they are no UTF-8.
struct PathText<'a>(&'a Path);

impl ToSql for PathText<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0.as_os_str().as_encoded_bytes())))
    }
}

/// Verifies a copy by itself: SQLite's own check of all structures, and every event against its leaf, the
/// tree and the head.
pub fn examine_copy(path: &Path) -> Result<Copied> {
    let conn = open::connect(path, Mode::Read, Duration::ZERO)?;
    let bad = |what: String| StoreError::BadCopy { path: path.to_owned(), what };
    let reader = Reader { conn, path: path.to_owned() };
    let id: i32 =
        reader.conn.pragma_query_value(None, "application_id", |row| row.get(0)).doing(COPYING)?;
    if id != COPY_ID {
        return Err(bad("it is a journal, and no copy".to_owned()));
    }
    if let Some(found) = reader.audit().integrity()?.into_iter().next() {
        return Err(bad(found));
    }
    let mut tree = Tree::default();
    log::each_event(&reader.conn, EventSeq::new(0), |event| {
        if leaf_hash(&event.body) != event.leaf {
            return Err(bad(format!("event {} does not give its leaf", event.seq)));
        }
        tree.append(event.leaf, |_, _| {});
        Ok(())
    })?;
    let (head, computed) = (reader.head()?, Head { size: tree.size(), root: tree.root() });
    if head != computed {
        return Err(bad(format!("it holds {} events of {}", computed.size, head.size)));
    }
    let (journal, _) = reader.created()?.ok_or_else(|| bad("it holds no event".to_owned()))?;
    Ok(Copied { journal, schema: schema::version(&reader.conn)?, head })
}
