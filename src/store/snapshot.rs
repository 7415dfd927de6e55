//! Snapshots: what was there before an entry's call. Once a call of it may have acted none is made any more, so
//! that a later attempt never takes our own success for something that was never there.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, named_params};
use serde::de::DeserializeOwned;

use crate::domain::call::CallItem;
use crate::domain::event::{Event, SnapshotTaken};
use crate::domain::evidence::comeback::ComebackFacts;
use crate::domain::evidence::presence::{DefinitionFacts, RelationFacts, TagFacts, ThingFacts};
use crate::domain::id::{EntryId, ModuleName, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::Operation;
use crate::domain::seal::LeafPurpose;
use crate::store::code::Sql;
use crate::store::entry;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::items::{items_of, root_over};
use crate::store::log::Seals;
use crate::store::queue::Picked;
use crate::store::{WriteTx, reading};

/// What was read of one entry before its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The entry.
    pub entry: EntryId,
    /// What was read.
    pub facts: ThingFacts,
    /// Whether it settles the entry: the thing was never there.
    pub settles: bool,
}

/// The newest snapshot of an entry, as its text; `None` when none was made, or once it was erased.
pub(crate) fn text_of(conn: &Connection, entry: EntryId) -> Result<Option<String>> {
    conn.prepare_cached("-- snapshot_of\nSELECT facts FROM snapshot WHERE entry = :entry ORDER BY reading DESC LIMIT 1")
        .and_then(|mut statement| {
            statement.query_row(named_params! {":entry": Sql(entry)}, |row| row.get(0)).optional()
        })
        .map(Option::flatten)
        .doing("reading a snapshot")
}

/// The newest snapshot of an entry.
pub(crate) fn facts_of(
    conn: &Connection,
    operation: Operation,
    entry: EntryId,
) -> Result<Option<ThingFacts>> {
    let Some(text) = text_of(conn, entry)? else { return Ok(None) };
    let bad = || StoreError::corrupt("snapshot", format!("{entry}: its facts"));
    parse(operation, &text).map(Some).ok_or_else(bad)
}

/// Facts from their text; `None` for what is none of this operation.
pub fn parse(operation: Operation, text: &str) -> Option<ThingFacts> {
    match operation {
        Operation::Delete => None,
        Operation::Untag => serde_json::from_str::<TagFacts>(text).ok().map(ThingFacts::Tags),
        Operation::Unlink => {
            serde_json::from_str::<RelationFacts>(text).ok().map(ThingFacts::Relation)
        }
        Operation::DeleteTags => {
            serde_json::from_str::<DefinitionFacts>(text).ok().map(ThingFacts::Definition)
        }
        Operation::Restore => comeback(text, ComebackFacts::Record),
        Operation::Retag => comeback(text, ComebackFacts::Tags),
        Operation::Relink => comeback(text, ComebackFacts::Relation),
        Operation::RecreateTags => comeback(text, ComebackFacts::Definition),
    }
}

fn comeback<T: DeserializeOwned>(text: &str, of: fn(T) -> ComebackFacts) -> Option<ThingFacts> {
    serde_json::from_str(text).ok().map(of).map(ThingFacts::Comeback)
}

/// Which of the items must be read before they are claimed, and the facts of the others. An old snapshot is
/// good enough only where a call may have acted since: then a newer one would show our own success.
pub(crate) fn split(
    conn: &Connection,
    operation: Operation,
    items: &[CallItem],
) -> Result<(Vec<EntryId>, HashMap<EntryId, ThingFacts>)> {
    let (mut unread, mut known) = (Vec::new(), HashMap::new());
    for item in items {
        match facts_of(conn, operation, item.entry)? {
            Some(facts) if may_have_acted(conn, item.entry)? => {
                known.insert(item.entry, facts);
            }
            Some(_) | None => unread.push(item.entry),
        }
    }
    Ok((unread, known))
}

/// Whether a call of the entry may have acted: done, accepted as a job, or without a clear answer.
fn may_have_acted(conn: &Connection, entry: EntryId) -> Result<bool> {
    conn.prepare_cached(
        "-- may_have_acted\nSELECT EXISTS (
             SELECT 1 FROM attempt WHERE entry = :entry AND outcome IN (2, 4, 5))",
    )
    .and_then(|mut statement| {
        statement.query_row(named_params! {":entry": Sql(entry)}, |row| row.get(0))
    })
    .doing("reading an entry's attempts")
}

/// One that would make Zoho refuse the whole call goes without others, before them; and only what was seen to be
/// there takes the form for one item.
pub(crate) fn apart(mut picked: Picked, known: &HashMap<EntryId, ThingFacts>) -> Picked {
    let culprit = |item: &&CallItem| known.get(&item.entry).is_some_and(ThingFacts::goes_alone);
    if let Some(item) = picked.items.iter().find(culprit).copied() {
        picked.items = vec![item];
    }
    let there = |item: &CallItem| known.get(&item.entry).is_some_and(ThingFacts::is_there);
    picked.alone &= picked.items.iter().all(there);
    picked
}

impl WriteTx<'_> {
    /// Records what was read before a call, and settles what was never there. `snapshots` ascend by entry; each
    /// entry is pending, and no call of it may have acted.
    pub(crate) fn take_snapshot(
        &mut self,
        run: RunId,
        module: &ModuleName,
        snapshots: &[Snapshot],
    ) -> Result<()> {
        self.check_run(run)?;
        let doing = "recording a snapshot";
        let number = reading::next_reading(&self.tx)?;
        let entries: EntryRanges = snapshots.iter().map(|one| one.entry).collect();
        let absent: EntryRanges =
            snapshots.iter().filter(|one| one.settles).map(|one| one.entry).collect();
        let texts = snapshots
            .iter()
            .map(|one| one.facts.json())
            .collect::<std::result::Result<Vec<String>, _>>()
            .map_err(|error| StoreError::corrupt("snapshot", error.to_string()))?;
        let items = items_of(&self.tx, &entries)?;
        let purpose = LeafPurpose::Snapshot(number);
        let items_root = root_over(&self.tx, &items, &texts, purpose, |maker, item, text| {
            maker.snapshot(item, number, text.as_bytes())
        })?;
        let event = Event::from(SnapshotTaken {
            run,
            reading: number,
            module: module.clone(),
            entries,
            absent: (!absent.is_empty()).then_some(absent),
            items_root,
        });
        entry::apply(&self.tx, &event)?;
        let seq = self.append(event, Seals::default())?;
        reading::insert_reading(&self.tx, number, seq, run)?;
        let mut insert = self
            .tx
            .prepare_cached(
                "-- insert_snapshot\nINSERT INTO snapshot (entry, reading, facts)
                 VALUES (:entry, :reading, :facts)",
            )
            .doing(doing)?;
        for (snapshot, text) in snapshots.iter().zip(texts) {
            insert
                .execute(named_params! {
                    ":entry": Sql(snapshot.entry), ":reading": number, ":facts": text,
                })
                .doing(doing)?;
        }
        Ok(())
    }
}
