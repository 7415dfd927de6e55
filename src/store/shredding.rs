//! Shredding: full snapshots go when their time is over, or earlier on purpose, and everything else stays and
//! verifies: the log holds the hash of each file, and the files are nowhere but in one column.
//!
//! The rows go in one transaction with the event; the bytes go when the file is [swept](crate::store::sweep).

use rusqlite::{Connection, named_params};

use crate::domain::event::{Event, FullSnapshotsShredded, LoggedEvent};
use crate::domain::id::{EntryId, EventSeq};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::store::code::{Sql, uncount};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::holding::hold_on;
use crate::store::log::Seals;
use crate::store::{Reader, WriteTx, query};

const SHREDDING: &str = "shredding full snapshots";

/// Which full snapshots are to go.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// Those whose time is over, of whatever is settled and not under a hold.
    Due,
    /// Those of these entries, whether their time is over or not.
    Of(&'a EntryRanges),
}

/// What is to be shredded.
#[derive(Debug, Clone, Copy)]
pub struct NewShredding<'a> {
    /// Which.
    pub which: Which<'a>,
    /// Who decided.
    pub shredded_by: &'a str,
    /// The OS account.
    pub recorded_by: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
    /// The ticket.
    pub ticket: Option<&'a str>,
    /// Name and version of the program.
    pub program: &'a str,
}

/// An entry whose full snapshot cannot be shredded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The entry.
    pub entry: EntryId,
    /// Why.
    pub why: WhyKept,
}

/// Why a full snapshot cannot be shredded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyKept {
    /// There is no such entry.
    NotThere,
    /// It is not settled.
    Open(EntryState),
    /// A hold covers what it is about.
    Held,
}

/// What was shredded, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shredding {
    /// The entries, all of which had one.
    pub entries: EntryRanges,
    /// Entries that have none, or none any more.
    pub without: u64,
    /// Of those whose time is over: what stays for now, since it is not settled or a hold covers it.
    pub kept: Vec<Kept>,
}

/// What became of it: made, or every entry that stood in its way.
pub type Decided = std::result::Result<Shredding, Vec<Kept>>;

/// Full snapshots that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FullSnapshotCounts {
    /// Entries that have one.
    pub kept: u64,
    /// Those of them whose time is over.
    pub due: u64,
}

impl Reader {
    /// What shredding would do, without doing it.
    pub fn would_shred(&self, which: Which<'_>, now: Timestamp) -> Result<Decided> {
        plan(&self.conn, which, now)
    }

    /// How many entries have a full snapshot, and of how many its time is over.
    pub fn full_snapshot_counts(&self, now: Timestamp) -> Result<FullSnapshotCounts> {
        self.conn
            .query_row(
                "-- count_full_snapshots\nSELECT count(*), coalesce(sum(until <= :now), 0) FROM (
                     SELECT max(until_ms) AS until FROM full_snapshot WHERE file IS NOT NULL
                     GROUP BY entry)",
                named_params! {":now": Sql(now)},
                |row| {
                    Ok(FullSnapshotCounts { kept: uncount(row.get(0)?), due: uncount(row.get(1)?) })
                },
            )
            .doing("counting full snapshots")
    }

    /// The events by which full snapshots of an entry were shredded, oldest first.
    pub(crate) fn shreddings_of(&self, entry: EntryId) -> Result<Vec<(EventSeq, Timestamp)>> {
        let events = self.audit().shreddings()?;
        let about = |(seq, logged): (EventSeq, LoggedEvent)| {
            let Event::FullSnapshotsShredded(data) = logged.event else { return None };
            data.entries.contains(entry).then_some((seq, logged.at))
        };
        Ok(events.into_iter().filter_map(about).collect())
    }

    /// The events that tell of full snapshots of an entry, in order: kept, and shredded.
    pub fn full_snapshot_events(&self, entry: EntryId) -> Result<Vec<EventSeq>> {
        let views = self.full_snapshots(entry)?;
        let mut events: Vec<EventSeq> = views.iter().map(|view| view.seq).collect();
        events.extend(views.iter().filter_map(|view| Some(view.shredded?.0)));
        events.sort_unstable();
        events.dedup();
        Ok(events)
    }
}

impl WriteTx<'_> {
    /// Shreds full snapshots: all that are meant, or none. Nothing is appended when none is there.
    pub fn shred(&mut self, new: &NewShredding<'_>) -> Result<Decided> {
        let plan = match plan(&self.tx, new.which, self.now)? {
            Ok(plan) if plan.entries.is_empty() => return Ok(Ok(plan)),
            Ok(plan) => plan,
            Err(kept) => return Ok(Err(kept)),
        };
        let mut blank = self
            .tx
            .prepare(
                "-- shred\nUPDATE full_snapshot SET file = NULL
                 WHERE entry BETWEEN :first AND :last AND file IS NOT NULL",
            )
            .doing(SHREDDING)?;
        for (first, last) in plan.entries.ranges() {
            blank
                .execute(named_params! {":first": Sql(first), ":last": Sql(last)})
                .doing(SHREDDING)?;
        }
        drop(blank);
        let mut seals = Seals::default();
        let entropy = &mut *self.entropy;
        let event = Event::from(FullSnapshotsShredded {
            entries: plan.entries.clone(),
            due: matches!(new.which, Which::Due),
            program: new.program.to_owned(),
            shredded_by: seals.add(entropy, "shredded_by", new.shredded_by)?,
            recorded_by: seals.add(entropy, "recorded_by", new.recorded_by)?,
            reason: seals.add_some(entropy, "reason", new.reason)?,
            ticket: seals.add_some(entropy, "ticket", new.ticket)?,
        });
        let seq = self.append(event, seals)?;
        self.tx
            .execute(
                "-- insert_shredding\nINSERT INTO shredding (id, seq)
                 SELECT coalesce(max(id), 0) + 1, :seq FROM shredding",
                named_params! {":seq": Sql(seq)},
            )
            .doing(SHREDDING)?;
        self.mark_unswept(seq)?;
        Ok(Ok(plan))
    }
}

fn plan(conn: &Connection, which: Which<'_>, now: Timestamp) -> Result<Decided> {
    let there = with_files(conn, matches!(which, Which::Due).then_some(now))?;
    let wanted = match which {
        Which::Due => &there,
        Which::Of(entries) => entries,
    };
    let mut told = Shredding::default();
    let mut expected = wanted.iter();
    let missing = |entry| Kept { entry, why: WhyKept::NotThere };
    query::each_of(conn, wanted, |view| {
        told.kept.extend(expected.by_ref().take_while(|entry| *entry != view.entry).map(missing));
        let names = (&view.scope.module, view.scope.related_list.as_deref());
        if !there.contains(view.entry) {
            told.without += 1;
        } else if !view.state.is_settled() {
            told.kept.push(Kept { entry: view.entry, why: WhyKept::Open(view.state) });
        } else if hold_on(conn, names, (view.target, view.scope.parent))?.is_some() {
            told.kept.push(Kept { entry: view.entry, why: WhyKept::Held });
        } else {
            told.entries.push(view.entry);
        }
        Ok::<_, StoreError>(())
    })?;
    told.kept.extend(expected.map(missing));
    if matches!(which, Which::Of(_)) && !told.kept.is_empty() {
        return Ok(Err(told.kept));
    }
    Ok(Ok(told))
}

/// Entries that have a full snapshot; only those whose time is over by then, where that is asked.
fn with_files(conn: &Connection, over: Option<Timestamp>) -> Result<EntryRanges> {
    let mut statement = conn
        .prepare_cached(
            "-- with_full_snapshots\nSELECT entry FROM full_snapshot WHERE file IS NOT NULL
             GROUP BY entry HAVING :over IS NULL OR max(until_ms) <= :over ORDER BY entry",
        )
        .doing(SHREDDING)?;
    let rows = statement
        .query_map(named_params! {":over": over.map(Sql)}, |row| row.get::<_, Sql<EntryId>>(0))
        .doing(SHREDDING)?;
    let mut entries = EntryRanges::default();
    for row in rows {
        entries.push(row.doing(SHREDDING)?.0);
    }
    Ok(entries)
}
