//! Hashes in the place of leaves that nobody will be able to open.

use std::collections::HashMap;

use rusqlite::named_params;

use crate::domain::erasure::{self, HIGHEST, Spans, pruned, spans};
use crate::domain::event::{BatchAnswered, EntriesRechecked, Event, EvidenceRead, ForgottenRows};
use crate::domain::id::{EntryId, EventSeq};
use crate::domain::merkle::{Hash, NodeId, node_hash};
use crate::domain::ranges::EntryRanges;
use crate::domain::seal::{LeafPurpose, item_leaf, rejected_row};
use crate::store::WriteTx;
use crate::store::audit::{FullSnapshotRow, PrunedTree};
use crate::store::batch::answer_of;
use crate::store::code::{Sql, count};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::forgetting::{FORGETTING, Plan, rows};
use crate::store::items::{items_of, leaves_over, secret_nodes};
use crate::store::log;

/// So many items are hashed at a time: one subtree that a single hash may stand for.
const CHUNK: u64 = 1 << HIGHEST;

impl WriteTx<'_> {
    /// Keeps the hashes of what goes of an event's items; none once nothing of them is left.
    pub(super) fn keep_hashes(&self, seq: EventSeq, plan: &Plan) -> Result<()> {
        let event = log::event(&self.tx, seq)?.decode()?.event;
        let Some(entries) = event.items() else { return Ok(()) };
        let tree = (seq, PrunedTree::Items);
        if entries.ranges().all(|(first, last)| plan.after.holds(first, last)) {
            return self.drop_hashes(tree, (0, u64::MAX >> 1));
        }
        let (mut from, mut position) = (0, 0);
        let mut chunk = EntryRanges::default();
        for (first, last) in entries.ranges() {
            let mut first = first;
            while first <= last {
                let room = i64::try_from(from + CHUNK - position).unwrap_or(i64::MAX);
                let until = EntryId::new(first.get().saturating_add(room - 1)).min(last);
                chunk.push_span(first, until);
                position += first.get().abs_diff(until.get()) + 1;
                first = until.next();
                if position == from + CHUNK {
                    self.keep_hashes_of(tree, &event, (from, &chunk), plan)?;
                    (from, chunk) = (position, EntryRanges::default());
                }
            }
        }
        self.keep_hashes_of(tree, &event, (from, &chunk), plan)
    }

    /// The same for the entries from one position of the tree on.
    fn keep_hashes_of(
        &self,
        tree: (EventSeq, PrunedTree),
        event: &Event,
        (from, entries): (u64, &EntryRanges),
        plan: &Plan,
    ) -> Result<()> {
        let fresh = erasure::common(entries, &plan.fresh);
        if fresh.is_empty() {
            return Ok(());
        }
        let gone = shifted(&erasure::positions(entries, &plan.after), from);
        let places = shifted(&erasure::positions(entries, &plan.fresh), from);
        let leaves = self.leaves_of(event, &fresh)?;
        self.prune(tree, (from, from + CHUNK - 1), &gone, &places, leaves)
    }

    /// Keeps the hashes of what goes of a request's rows that had been left out.
    pub(super) fn keep_hashes_of_rows(&self, one: &ForgottenRows) -> Result<()> {
        let seq = rows::event_of(&self.tx, one.request)?;
        let tree = (seq, PrunedTree::Rejected);
        let rows = rows::left_out_of(&self.tx, one.request)?;
        let mut gone = rows::blank_rows_of(&self.tx, one.request)?;
        gone.join(&one.rows);
        if gone.len() == rows {
            return self.drop_hashes(tree, (0, u64::MAX >> 1));
        }
        let nodes = secret_nodes(&self.tx, one.request, "rejected")?;
        let mut secrets = erasure::Secrets::new(rows, nodes);
        let mut statement = self
            .tx
            .prepare_cached(
                "-- row_left_out\nSELECT line, value, reason FROM rejected
                 WHERE request = :request AND ordinal = :ordinal",
            )
            .doing(FORGETTING)?;
        let mut leaves = Vec::new();
        for row in one.rows.iter() {
            let ordinal = row.get().unsigned_abs() - 1;
            let params = named_params! {":request": Sql(one.request), ":ordinal": count(ordinal)};
            let (line, value, reason): (i64, String, String) = statement
                .query_row(params, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .doing(FORGETTING)?;
            let opened = rejected_row(ordinal, line.unsigned_abs(), &value, &reason);
            let salt = secrets.salt(ordinal, LeafPurpose::Rejected).ok_or_else(|| {
                StoreError::corrupt("secret", format!("{}: of its rows", one.request))
            })?;
            leaves.push(item_leaf(&salt, &opened));
        }
        let first = EntryId::new(1);
        let (gone, places) = (spans(&gone, first), spans(&one.rows, first));
        self.prune(tree, (0, u64::MAX >> 1), &gone, &places, leaves)
    }

    /// Puts the hashes of new leaves to those that are there, and keeps the largest subtrees only.
    fn prune(
        &self,
        tree: (EventSeq, PrunedTree),
        range: (u64, u64),
        gone: &Spans,
        places: &Spans,
        leaves: Vec<Hash>,
    ) -> Result<()> {
        let mut known = self.hashes(tree, range)?;
        let places = places.iter().flat_map(|(first, last)| *first..=*last);
        known.extend(places.zip(leaves).map(|(index, leaf)| (NodeId { level: 0, index }, leaf)));
        self.drop_hashes(tree, range)?;
        let mut insert = self
            .tx
            .prepare_cached(
                "-- keep_hash\nINSERT INTO pruned (seq, tree, level, idx, hash)
                 VALUES (:seq, :tree, :level, :idx, :hash)",
            )
            .doing(FORGETTING)?;
        let (seq, tree) = tree;
        for id in pruned(gone) {
            let hash = combined(&known, id).ok_or_else(|| {
                StoreError::corrupt("pruned", format!("event {seq}: a hash is missing"))
            })?;
            insert
                .execute(named_params! {
                    ":seq": Sql(seq), ":tree": tree.name(), ":level": id.level,
                    ":idx": count(id.index), ":hash": Sql(hash),
                })
                .doing(FORGETTING)?;
        }
        Ok(())
    }

    fn hashes(
        &self,
        (seq, tree): (EventSeq, PrunedTree),
        range: (u64, u64),
    ) -> Result<HashMap<NodeId, Hash>> {
        let rows = crate::store::audit::Audit::of(&self.tx).pruned(seq.get(), tree, range)?;
        Ok(rows.into_iter().flatten().map(|(id, hash)| (id, Hash::new(hash))).collect())
    }

    fn drop_hashes(
        &self,
        (seq, tree): (EventSeq, PrunedTree),
        (first, last): (u64, u64),
    ) -> Result<()> {
        self.tx
            .prepare_cached(
                "-- drop_hashes\nDELETE FROM pruned
                 WHERE seq = :seq AND tree = :tree AND (idx << level) BETWEEN :first AND :last",
            )
            .and_then(|mut statement| {
                statement.execute(named_params! {
                    ":seq": Sql(seq), ":tree": tree.name(),
                    ":first": count(first), ":last": count(last),
                })
            })
            .map(|_| ())
            .doing(FORGETTING)
    }

    /// The leaves of some entries in one event, in order.
    fn leaves_of(&self, event: &Event, entries: &EntryRanges) -> Result<Vec<Hash>> {
        if let Event::BatchAnswered(data) = event {
            return self.leaves_of_answer(data, entries);
        }
        if let Event::EvidenceRead(data) = event {
            return self.leaves_of_evidence(data, entries);
        }
        let items = items_of(&self.tx, entries)?;
        let plain = vec![(); items.len()];
        let over = &self.tx;
        if let Event::RequestRecorded(_) = event {
            let purpose = LeafPurpose::Recorded;
            leaves_over(over, &items, &plain, purpose, |maker, item, ()| maker.recorded(item))
        } else if let Event::SnapshotTaken(data) = event {
            let facts = self.facts(SNAPSHOT, data.reading, entries)?;
            let purpose = LeafPurpose::Snapshot(data.reading);
            leaves_over(over, &items, &facts, purpose, |maker, item, facts| {
                maker.snapshot(item, data.reading, facts.as_bytes())
            })
        } else if let Event::FullSnapshotTaken(data) = event {
            let files = self.file_hashes(data.reading, entries)?;
            let purpose = LeafPurpose::Full(data.reading);
            leaves_over(over, &items, &files, purpose, |maker, item, file| {
                maker.full(item, data.reading, file)
            })
        } else if let Event::EntriesRechecked(data) = event {
            self.leaves_of_recheck(data, entries)
        } else if let Event::EntriesSettled(data) = event {
            let (number, verdict) = (data.reading, data.verdict.wire_name());
            let purpose = LeafPurpose::Settled(number);
            leaves_over(over, &items, &plain, purpose, |maker, item, ()| {
                maker.settled(item, number, verdict)
            })
        } else {
            let what = format!("the items of {} are not known", event.kind());
            Err(StoreError::corrupt("event", what))
        }
    }

    fn leaves_of_answer(&self, data: &BatchAnswered, entries: &EntryRanges) -> Result<Vec<Hash>> {
        let items = items_of(&self.tx, entries)?;
        let mut all = EntryRanges::default();
        data.groups.iter().for_each(|group| all.join(&group.entries));
        let answer = answer_of(&self.tx, data.batch)?
            .ok_or_else(|| StoreError::corrupt("answer", data.batch.to_string()))?;
        let places = erasure::positions(&all, entries);
        let mut each = Vec::with_capacity(items.len());
        let places = places.iter().flat_map(|(first, last)| *first..=*last);
        for (place, entry) in places.zip(entries.iter()) {
            let group = data.groups.iter().find(|group| group.entries.contains(entry));
            let group = group.ok_or_else(|| StoreError::NotFound(entry.to_string()))?;
            let cut = usize::try_from(place).ok().and_then(|place| answer.cuts.get(place));
            let slice = cut.cloned().flatten().and_then(|cut| answer.body.get(cut));
            each.push((group.outcome.wire_name(), group.code.as_str(), slice));
        }
        let (batch, purpose) = (data.batch, LeafPurpose::Answered(data.batch));
        leaves_over(&self.tx, &items, &each, purpose, |maker, item, (outcome, code, slice)| {
            maker.answered(item, batch, outcome, code, *slice)
        })
    }

    fn leaves_of_evidence(&self, data: &EvidenceRead, entries: &EntryRanges) -> Result<Vec<Hash>> {
        let items = items_of(&self.tx, entries)?;
        let facts = self.facts(EVIDENCE, data.evidence, entries)?;
        let mut each = Vec::with_capacity(items.len());
        for (entry, facts) in entries.iter().zip(&facts) {
            let group = data.groups.iter().find(|group| group.entries.contains(entry));
            let group = group.ok_or_else(|| StoreError::NotFound(entry.to_string()))?;
            each.push((group.verdict.wire_name(), group.code.as_str(), facts.as_bytes()));
        }
        let (number, purpose) = (data.evidence, LeafPurpose::Evidence(data.evidence));
        leaves_over(&self.tx, &items, &each, purpose, |maker, item, (verdict, code, facts)| {
            maker.evidence(item, number, verdict, code, facts)
        })
    }

    fn leaves_of_recheck(
        &self,
        data: &EntriesRechecked,
        entries: &EntryRanges,
    ) -> Result<Vec<Hash>> {
        let items = items_of(&self.tx, entries)?;
        let facts = self.facts(RECHECK, data.reading, entries)?;
        let mut each = Vec::with_capacity(items.len());
        for (entry, facts) in entries.iter().zip(&facts) {
            let group = data.groups.iter().find(|group| group.entries.contains(entry));
            let group = group.ok_or_else(|| StoreError::NotFound(entry.to_string()))?;
            each.push((group.found.wire_name(), facts.as_bytes()));
        }
        let (number, purpose) = (data.reading, LeafPurpose::Recheck(data.reading));
        leaves_over(&self.tx, &items, &each, purpose, |maker, item, (found, facts)| {
            maker.rechecked(item, number, found, facts)
        })
    }

    /// The hash of each entry's full snapshot.
    fn file_hashes(&self, reading: i64, entries: &EntryRanges) -> Result<Vec<Hash>> {
        let mut rows: Vec<FullSnapshotRow> = Vec::new();
        let audit = crate::store::audit::Audit::of(&self.tx);
        for range in entries.ranges() {
            audit.full_snapshots(reading, range, false, &mut rows)?;
        }
        let hash = |row: FullSnapshotRow| {
            let sha256 = row.sha256.and_then(|hash| <[u8; 32]>::try_from(hash).ok());
            sha256.map(Hash::new).ok_or_else(|| {
                StoreError::corrupt(
                    "full_snapshot",
                    format!("{}: its hash", EntryId::new(row.entry)),
                )
            })
        };
        rows.into_iter().map(hash).collect()
    }

    /// What was read of each entry.
    fn facts(&self, sql: &str, reading: i64, entries: &EntryRanges) -> Result<Vec<String>> {
        let mut statement = self.tx.prepare_cached(sql).doing(FORGETTING)?;
        let mut facts = Vec::new();
        for (first, last) in entries.ranges() {
            let range =
                named_params! {":first": Sql(first), ":last": Sql(last), ":reading": reading};
            let rows = statement.query_map(range, |row| row.get(0)).doing(FORGETTING)?;
            for row in rows {
                facts.push(row.doing(FORGETTING)?);
            }
        }
        Ok(facts)
    }
}

const SNAPSHOT: &str = "-- facts_of_snapshot\nSELECT facts FROM snapshot
     WHERE entry BETWEEN :first AND :last AND reading = :reading ORDER BY entry";
const RECHECK: &str = "-- facts_of_recheck\nSELECT facts FROM recheck
     WHERE entry BETWEEN :first AND :last AND reading = :reading ORDER BY entry";
const EVIDENCE: &str = "-- facts_of_evidence\nSELECT facts FROM evidence
     WHERE entry BETWEEN :first AND :last AND reading = :reading ORDER BY entry";

/// The hash of a subtree from those at it or below it.
fn combined(known: &HashMap<NodeId, Hash>, id: NodeId) -> Option<Hash> {
    if let Some(hash) = known.get(&id) {
        return Some(*hash);
    }
    let level = id.level.checked_sub(1)?;
    let child = |index| combined(known, NodeId { level, index });
    Some(node_hash(&child(id.index << 1)?, &child(id.index << 1 | 1)?))
}

fn shifted(spans: &Spans, by: u64) -> Spans {
    spans.iter().map(|(first, last)| (first + by, last + by)).collect()
}
