//! Full snapshots as they stand in the file, and the events that say that some were shredded.

use rusqlite::named_params;
use rusqlite::types::ValueRef;

use crate::domain::event::LoggedEvent;
use crate::domain::id::{EntryId, EventSeq};
use crate::domain::merkle::Hash;
use crate::store::audit::{Audit, DOING};
use crate::store::code::Sql;
use crate::store::error::{Doing, Result};

/// A full snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullSnapshotRow {
    /// The entry.
    pub entry: i64,
    /// Until when it is kept; `None` for what is no number.
    pub until_ms: Option<i64>,
    /// What stands there as the hash of the file; `None` when erased.
    pub sha256: Option<Vec<u8>>,
    /// The hash that the file has, where that was asked for; `None` when shredded.
    pub file: Option<Hash>,
}

impl Audit<'_> {
    /// Adds the full snapshots of a range of entries in one reading to `found`, in order; each file's own hash only
    /// where it is asked for.
    pub fn full_snapshots(
        &self,
        reading: i64,
        (first, last): (EntryId, EntryId),
        hashed: bool,
        found: &mut Vec<FullSnapshotRow>,
    ) -> Result<()> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_full_snapshots\nSELECT entry, until_ms, sha256,
                     CASE WHEN :hashed THEN file END
                 FROM full_snapshot
                 WHERE entry BETWEEN :first AND :last AND reading = :reading ORDER BY entry",
            )
            .doing(DOING)?;
        let mut rows = statement
            .query(named_params! {
                ":first": Sql(first), ":last": Sql(last), ":reading": reading, ":hashed": hashed,
            })
            .doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let read = || -> rusqlite::Result<FullSnapshotRow> {
                let bytes = |column| {
                    Ok::<_, rusqlite::Error>(match row.get_ref(column)? {
                        ValueRef::Null => None,
                        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Some(bytes),
                        ValueRef::Integer(_) | ValueRef::Real(_) => Some(&b""[..]),
                    })
                };
                Ok(FullSnapshotRow {
                    entry: row.get(0)?,
                    until_ms: row.get(1).ok(),
                    sha256: bytes(2)?.map(<[u8]>::to_vec),
                    file: bytes(3)?.map(Hash::of),
                })
            };
            found.push(read().doing(DOING)?);
        }
        Ok(())
    }

    /// Every event that the file lists as one that shreds full snapshots; one that cannot be read is told by the
    /// log itself.
    pub fn shreddings(&self) -> Result<Vec<(EventSeq, LoggedEvent)>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_shreddings\nSELECT s.seq, v.body FROM shredding s JOIN event v ON v.seq = s.seq
                 ORDER BY s.id",
            )
            .doing(DOING)?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, Sql<EventSeq>>(0)?.0, row.get::<_, Vec<u8>>(1)?)))
            .doing(DOING)?
            .collect::<rusqlite::Result<Vec<_>>>()
            .doing(DOING)?;
        let decoded = rows.into_iter();
        Ok(decoded
            .filter_map(|(seq, body)| Some((seq, LoggedEvent::decode(&body).ok()?)))
            .collect())
    }
}
