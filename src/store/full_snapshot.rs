//! Full snapshots: whole records as they were right before the call, each an age file that this program cannot
//! read. What was read never comes here in clear.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::call::CallItem;
use crate::domain::event::{Event, FullSnapshotTaken};
use crate::domain::id::{EntryId, EventSeq, ModuleName, RequestId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::recipient::Recipient;
use crate::domain::seal::LeafPurpose;
use crate::domain::time::Timestamp;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::items::{items_of, root_over};
use crate::store::log::{self, Seals};
use crate::store::{Reader, WriteTx, reading};

const KEEPING: &str = "keeping full snapshots";
const LOOKING: &str = "reading full snapshots";

/// What a request wants kept of each of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullWanted {
    /// To whom they are encrypted.
    pub recipient: Recipient,
    /// How long they are kept.
    pub retention: std::time::Duration,
}

/// The age file of one record.
#[derive(Clone, PartialEq, Eq)]
pub struct FullSnapshot {
    /// The entry.
    pub entry: EntryId,
    /// The file.
    pub file: Vec<u8>,
}

impl std::fmt::Debug for FullSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FullSnapshot({}, {} bytes)", self.entry, self.file.len())
    }
}

/// What is known of a full snapshot, apart from the file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullSnapshotView {
    /// The event that says that it was kept.
    pub seq: EventSeq,
    /// When it was.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// SHA-256 of the file; `None` once the entry was forgotten.
    pub sha256: Option<Hash>,
    /// How long the file is, in bytes; `None` once it was shredded.
    pub size: Option<u64>,
    /// The event that says that it was shredded, and when.
    pub shredded: Option<(EventSeq, Timestamp)>,
}

/// Those of some pending items whose request wants a full snapshot and that have none of this run. One of an
/// earlier run is no good: the record may have changed since.
pub(crate) fn lacking(conn: &Connection, run: RunId, items: &[CallItem]) -> Result<Vec<EntryId>> {
    let mut statement = conn
        .prepare_cached(
            "-- lacks_full_snapshot\nSELECT 1 FROM request r
             WHERE r.first_entry = (SELECT max(first_entry) FROM request WHERE first_entry <= :entry)
               AND r.full_retention_ms IS NOT NULL
               AND NOT EXISTS (
                   SELECT 1 FROM full_snapshot f JOIN reading g ON g.id = f.reading
                   WHERE f.entry = :entry AND g.run = :run AND f.file IS NOT NULL)",
        )
        .doing(LOOKING)?;
    let mut lacking = Vec::new();
    // Entries of one batch are all of requests that want them, or none is: most journals have none at all.
    let wants = items.first().map(|item| wants(conn, item.entry)).transpose()?;
    for item in items.iter().filter(|_| wants == Some(true)) {
        let params = named_params! {":entry": Sql(item.entry), ":run": Sql(run)};
        if statement.exists(params).doing(LOOKING)? {
            lacking.push(item.entry);
        }
    }
    Ok(lacking)
}

/// Whether the request of an entry wants full snapshots.
fn wants(conn: &Connection, entry: EntryId) -> Result<bool> {
    conn.prepare_cached(
        "-- wants_full_snapshot\nSELECT full_retention_ms IS NOT NULL FROM request
         WHERE first_entry <= :entry ORDER BY first_entry DESC LIMIT 1",
    )
    .and_then(|mut statement| {
        statement.query_row(named_params! {":entry": Sql(entry)}, |row| row.get(0))
    })
    .doing(LOOKING)
}

/// To whom a request's full snapshots are encrypted; `None` where it wants none, or once it was forgotten.
fn recipient_of(conn: &Connection, request: RequestId) -> Result<Option<Recipient>> {
    let seq = conn
        .prepare_cached(
            "-- full_wanted\nSELECT seq FROM request
             WHERE id = :request AND full_retention_ms IS NOT NULL",
        )
        .and_then(|mut statement| {
            let request = named_params! {":request": Sql(request)};
            statement.query_row(request, |row| row.get::<_, Sql<EventSeq>>(0)).optional()
        })
        .doing(LOOKING)?;
    let Some(Sql(seq)) = seq else { return Ok(None) };
    let Some(text) = log::opened(conn, seq, "full_recipient")? else { return Ok(None) };
    let bad = |_| StoreError::corrupt("sealed", format!("the recipient of {request}"));
    text.parse().map(Some).map_err(bad)
}

impl Reader {
    /// To whom a request's full snapshots are encrypted; `None` where it wants none, or once it was forgotten.
    pub fn full_recipient(&self, request: RequestId) -> Result<Option<Recipient>> {
        recipient_of(&self.conn, request)
    }

    /// Full snapshots of an entry, oldest first.
    pub fn full_snapshots(&self, entry: EntryId) -> Result<Vec<FullSnapshotView>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- full_snapshots_of\nSELECT g.seq, f.until_ms, f.sha256, length(f.file)
                 FROM full_snapshot f JOIN reading g ON g.id = f.reading
                 WHERE f.entry = :entry ORDER BY f.reading",
            )
            .doing(LOOKING)?;
        let rows = statement
            .query_map(named_params! {":entry": Sql(entry)}, |row| {
                let (Sql(seq), Sql(until)) = (row.get(0)?, row.get(1)?);
                let sha256 = row.get::<_, Option<Sql<Hash>>>(2)?.map(|Sql(hash)| hash);
                let size = row.get::<_, Option<i64>>(3)?.map(crate::store::code::uncount);
                Ok((seq, until, sha256, size))
            })
            .doing(LOOKING)?
            .collect::<rusqlite::Result<Vec<(EventSeq, Timestamp, Option<Hash>, Option<u64>)>>>()
            .doing(LOOKING)?;
        let shreddings = if rows.is_empty() { Vec::new() } else { self.shreddings_of(entry)? };
        let view = |(seq, until, sha256, size): (EventSeq, _, _, _)| {
            let at = log::event(&self.conn, seq)?.decode()?.at;
            let shredded = shreddings.iter().copied().find(|(later, _)| *later > seq);
            Ok(FullSnapshotView { seq, at, until, sha256, size, shredded })
        };
        rows.into_iter().map(view).collect()
    }

    /// The newest full snapshot of an entry that is there still: its age file.
    pub fn full_snapshot_file(&self, entry: EntryId) -> Result<Option<Vec<u8>>> {
        self.conn
            .prepare_cached(
                "-- full_snapshot_file\nSELECT file FROM full_snapshot
                 WHERE entry = :entry AND file IS NOT NULL ORDER BY reading DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                let entry = named_params! {":entry": Sql(entry)};
                statement.query_row(entry, |row| row.get(0)).optional()
            })
            .doing(LOOKING)
    }
}

impl WriteTx<'_> {
    /// Keeps full snapshots of entries of one request, which are pending. `snapshots` ascend by entry.
    pub(crate) fn keep_full_snapshots(
        &mut self,
        run: RunId,
        (request, module): (RequestId, &ModuleName),
        snapshots: &[FullSnapshot],
    ) -> Result<()> {
        self.check_run(run)?;
        let number = reading::next_reading(&self.tx)?;
        let entries: EntryRanges = snapshots.iter().map(|one| one.entry).collect();
        let hashes: Vec<Hash> = snapshots.iter().map(|one| Hash::of(&one.file)).collect();
        let items = items_of(&self.tx, &entries)?;
        let purpose = LeafPurpose::Full(number);
        let items_root = root_over(&self.tx, &items, &hashes, purpose, |maker, item, hash| {
            maker.full(item, number, hash)
        })?;
        let retention: i64 = self
            .tx
            .query_row(
                "-- full_retention\nSELECT full_retention_ms FROM request
                 WHERE id = :request AND full_retention_ms IS NOT NULL",
                named_params! {":request": Sql(request)},
                |row| row.get(0),
            )
            .doing(KEEPING)?;
        let until = Timestamp::from_millis(self.now.millis().saturating_add(retention));
        let module = module.clone();
        let event =
            FullSnapshotTaken { run, reading: number, request, module, entries, until, items_root };
        let seq = self.append(Event::from(event), Seals::default())?;
        reading::insert_reading(&self.tx, number, seq, run)?;
        let mut insert = self
            .tx
            .prepare_cached(
                "-- insert_full_snapshot\nINSERT INTO full_snapshot
                     (entry, reading, until_ms, sha256, file)
                 VALUES (:entry, :reading, :until, :sha256, :file)",
            )
            .doing(KEEPING)?;
        for (snapshot, hash) in snapshots.iter().zip(hashes) {
            insert
                .execute(named_params! {
                    ":entry": Sql(snapshot.entry), ":reading": number, ":until": Sql(until),
                    ":sha256": Sql(hash), ":file": snapshot.file,
                })
                .doing(KEEPING)?;
        }
        Ok(())
    }
}
