//! What proves single events and single items to somebody who has no journal: hashes beside their paths, and
//! salts.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::erasure::Secrets;
use crate::domain::event::{AnsweredGroup, Event, EvidenceGroup, RecheckGroup};
use crate::domain::id::{EntryId, EventSeq, RunId};
use crate::domain::merkle::{Hash, NodeId, Tree, empty_root, root_of_frontier};
use crate::domain::proof::{WholeTree, siblings, subtrees_of};
use crate::domain::ranges::EntryRanges;
use crate::domain::seal::{ItemIdentity, LeafMaker, LeafPurpose, Salt, item_leaf};
use crate::store::audit::{
    Audit, EvidenceRow, FullSnapshotRow, PrunedTree, RecheckRow, SnapshotRow,
};
use crate::store::batch::{StoredAnswer, answer_of};
use crate::store::code::count;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::item_tree::ItemTrees;
use crate::store::items::secrets_of;
use crate::store::scope::{self, ScopeId};
use crate::store::{Reader, StoredEvent, creation, log};

/// A sealed field with its salt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedSeal {
    /// The field.
    pub field: String,
    /// The salt.
    pub salt: Salt,
    /// The value.
    pub value: String,
}

/// One item of one event: its leaf opened, and the way from it to the event's `items_root`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemProof {
    /// The salt.
    pub salt: Salt,
    /// The opened form.
    pub opened: String,
    /// The hashes beside the path, from the leaf's sibling upwards.
    pub path: Vec<Hash>,
    /// The item's own bytes of the answer, or what of a reading decides; `None` where there is nothing.
    pub bytes: Option<Vec<u8>>,
}

/// What an event with items says of each, beside who they are.
enum Items<'e> {
    Recorded(EntryRanges),
    Answered(i64, Vec<(EntryId, &'e AnsweredGroup)>, Option<StoredAnswer>),
    Evidence(i64, Vec<(EntryId, &'e EvidenceGroup)>, HashMap<i64, Option<String>>),
    Snapshot(i64, &'e EntryRanges, HashMap<i64, Option<String>>),
    Settled(i64, &'e EntryRanges, &'static str),
    Full(i64, &'e EntryRanges, HashMap<i64, Option<Hash>>),
    Rechecked(i64, Vec<(EntryId, &'e RecheckGroup)>, HashMap<i64, Option<String>>),
}

/// Kinds of events by which something else than a call or a read decides about entries.
const DECISIONS: [&str; 9] = [
    "adopted",
    "request_approved",
    "request_rejected",
    "approval_needed",
    "entries_cancelled",
    "hold_placed",
    "entries_held",
    "hold_released",
    "entries_reopened",
];

/// Version, time and kind of an event have fewer bytes.
const FRONT: usize = 160;

impl Reader {
    /// One event.
    pub fn stored_event(&self, seq: EventSeq) -> Result<StoredEvent> {
        log::event(&self.conn, seq)
    }

    /// The events that say whose journal it is, and as which of Zoho's users these runs came.
    pub fn context_events(&self, runs: &[RunId]) -> Result<Vec<EventSeq>> {
        let doing = "reading whose journal it is";
        let bound: Option<Option<i64>> = self
            .conn
            .prepare_cached("-- bound_seq\nSELECT bound_seq FROM binding")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
            .doing(doing)?;
        let mut found: Vec<i64> = bound.flatten().into_iter().collect();
        for run in runs {
            let user: Option<Option<i64>> = self
                .conn
                .prepare_cached("-- user_seq\nSELECT user_seq FROM run WHERE id = :id")
                .and_then(|mut statement| {
                    statement
                        .query_row(named_params! {":id": run.get()}, |row| row.get(0))
                        .optional()
                })
                .doing(doing)?;
            found.extend(user.flatten());
        }
        Ok(found.into_iter().map(EventSeq::new).collect())
    }

    /// The events by which people, policies and holds decide about entries, and replays take them up, in order.
    /// Looks through the whole log.
    pub fn decisions(&self) -> Result<Vec<(EventSeq, Event)>> {
        let mut decisions = Vec::new();
        log::each_event(&self.conn, EventSeq::new(0), |stored| {
            // The kind stands near the front of every event; most need not be read any further.
            let front = stored.body.get(..FRONT.min(stored.body.len())).unwrap_or_default();
            let front = String::from_utf8_lossy(front);
            let decides = |kind: &&str| front.contains(&format!("\"kind\":\"{kind}\""));
            if DECISIONS.iter().any(decides) {
                decisions.push((stored.seq, stored.decode()?.event));
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(decisions)
    }

    /// The events that name the journal's signing keys, each with its key. Looks through the whole log.
    pub fn key_events(&self) -> Result<Vec<(EventSeq, String)>> {
        creation::key_events(&self.conn)
    }

    /// The inclusion proof of an event in the log when it held `size` events, from the stored nodes.
    pub fn inclusion(&self, seq: EventSeq, size: u64) -> Result<Vec<Hash>> {
        inclusion(&self.conn, seq, size)
    }

    /// The opened seals of an event that were not erased, with their salts, by field.
    pub fn seals_with_salts(&self, seq: EventSeq) -> Result<Vec<OpenedSeal>> {
        let doing = "reading sealed fields";
        let mut statement = self
            .conn
            .prepare_cached(
                "-- seals_with_salts\nSELECT field, salt, value FROM sealed
                 WHERE seq = :seq AND value IS NOT NULL ORDER BY field",
            )
            .doing(doing)?;
        let rows = statement
            .query_map(named_params! {":seq": seq.get()}, |row| {
                Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?))
            })
            .doing(doing)?;
        let mut seals = Vec::new();
        for row in rows {
            let (field, salt, value) = row.doing(doing)?;
            let salt = <[u8; 32]>::try_from(salt)
                .map_err(|_| StoreError::corrupt("sealed", format!("{field} of event {seq}")))?;
            seals.push(OpenedSeal { field, salt: Salt::new(salt), value });
        }
        Ok(seals)
    }

    /// The proof of one entry's item in an event; `None` for an event that has no items. Goes through all items
    /// of the event where its tree is not among `trees` yet.
    pub fn item_proof(
        &self,
        entry: EntryId,
        seq: EventSeq,
        event: &Event,
        trees: &mut ItemTrees,
    ) -> Result<Option<ItemProof>> {
        // What was read of the others only the tree needs, which is made once.
        let Some(items) = Items::of(&self.conn, event, Some(entry))? else { return Ok(None) };
        let entries = items.entries();
        let position = entries.position(entry).ok_or_else(|| {
            StoreError::NotFound(format!("{entry} in an event of kind {}", event.kind()))
        })?;
        let at = usize::try_from(position).unwrap_or(usize::MAX);
        let tree = trees.of(seq, || match Items::of(&self.conn, event, None)? {
            Some(all) => item_tree(&self.conn, seq, &all, &entries),
            None => Ok(WholeTree::default()),
        })?;
        let path = tree.path(position, entries.len());
        let (mut own, mut tools) = (None, Tools::default());
        each_item(&self.conn, &EntryRanges::span(entry, entry), |_, identity, scope| {
            let Some(identity) = identity else { return Ok(()) };
            let (salt, opened) = opened(&self.conn, &mut tools, &items, at, &identity, scope)?;
            let opened = String::from_utf8_lossy(opened).into_owned();
            own = Some((salt, opened, items.bytes(at, entry)));
            Ok(())
        })?;
        let (Some((salt, opened, bytes)), Some(path)) = (own, path) else {
            return Err(StoreError::corrupt(
                "entry",
                format!("{entry}: items of its event are missing"),
            ));
        };
        Ok(Some(ItemProof { salt, opened, path, bytes }))
    }
}

/// The inclusion proof of an event in the log when it held `size` events, from the stored nodes.
pub(crate) fn inclusion(conn: &Connection, seq: EventSeq, size: u64) -> Result<Vec<Hash>> {
    let index = u64::try_from(seq.get()).unwrap_or(u64::MAX);
    if index >= size || size > log::head(conn)?.size {
        return Err(StoreError::NotFound(format!("event {seq} in a log of {size} events")));
    }
    let root = |range| -> Result<Hash> {
        let roots = subtrees_of(range).into_iter().map(|id| log::node(conn, id));
        Ok(root_of_frontier(&roots.collect::<Result<Vec<Hash>>>()?))
    };
    siblings(index, size).into_iter().map(root).collect()
}

/// The leaves of a request's items in the event that recorded it, made from the rows, and the root that they give. In
/// the place of a forgotten item's leaf stands one that no item has.
pub(crate) fn recorded_leaves(
    conn: &Connection,
    seq: EventSeq,
    (first, last): (EntryId, EntryId),
) -> Result<(Vec<Hash>, Hash)> {
    let entries = EntryRanges::span(first, last);
    let pruned = pruned_of(conn, seq, entries.len())?;
    let (mut tree, mut tools) = (Tree::default(), Tools::default());
    let mut leaves = Vec::new();
    each_item(conn, &entries, |at, identity, scope| {
        let mut leaf = empty_root();
        if let Some(identity) = identity {
            let (secrets, ordinal, maker) = tools.of(conn, &identity, scope)?;
            if let Some(salt) = secrets.salt(ordinal, LeafPurpose::Recorded) {
                leaf = item_leaf(&salt, maker.recorded(&identity));
            }
            tree.append(leaf, |_, _| ());
        } else if let Some((level, hash)) = u64::try_from(at).ok().and_then(|at| pruned.get(&at)) {
            tree.append_subtree(*level, *hash);
        }
        leaves.push(leaf);
        Ok(())
    })?;
    Ok((leaves, tree.root()))
}

/// The tree over all items of an event.
fn item_tree(
    conn: &Connection,
    seq: EventSeq,
    items: &Items<'_>,
    entries: &EntryRanges,
) -> Result<WholeTree> {
    let (mut tree, mut tools) = (WholeTree::default(), Tools::default());
    let pruned = pruned_of(conn, seq, entries.len())?;
    each_item(conn, entries, |at, identity, scope| {
        if let Some(identity) = identity {
            let (salt, opened) = opened(conn, &mut tools, items, at, &identity, scope)?;
            tree.push(0, item_leaf(&salt, opened));
        } else if let Some((level, hash)) = u64::try_from(at).ok().and_then(|at| pruned.get(&at)) {
            // Of what was forgotten a hash stands in the place of one leaf, or of many.
            tree.push(*level, *hash);
        }
        Ok(())
    })?;
    Ok(tree)
}

/// Salt and opened form of the item at a position.
fn opened<'t>(
    conn: &Connection,
    tools: &'t mut Tools,
    items: &Items<'_>,
    at: usize,
    identity: &ItemIdentity,
    scope: i64,
) -> Result<(Salt, &'t [u8])> {
    let (secrets, ordinal, leaves) = tools.of(conn, identity, scope)?;
    let (opened, purpose) = items.open(at, leaves, identity)?;
    let salt = secrets.salt(ordinal, purpose).ok_or_else(|| {
        StoreError::corrupt("secret", format!("{}: its secret is gone", identity.entry))
    })?;
    Ok((salt, opened))
}

/// Each entry with the group that speaks of it, in order.
fn by_entry<'g, G>(groups: &'g [G], entries: fn(&G) -> &EntryRanges) -> Vec<(EntryId, &'g G)> {
    let each = |group: &'g G| entries(group).iter().map(move |entry| (entry, group));
    let mut each: Vec<_> = groups.iter().flat_map(each).collect();
    each.sort_unstable_by_key(|(entry, _)| *entry);
    each
}

impl<'e> Items<'e> {
    /// With what was read of all entries, or of only one of them.
    fn of(conn: &Connection, event: &'e Event, only: Option<EntryId>) -> Result<Option<Self>> {
        let wanted = |entries: &EntryRanges| match only {
            Some(entry) => entries.part(entry, entry),
            None => entries.clone(),
        };
        let wanted_of = |each: &mut dyn Iterator<Item = EntryId>| wanted(&each.collect());
        Ok(Some(if let Event::RequestRecorded(data) = event {
            let last = data.first_entry.get().saturating_add(count(data.entries)).saturating_sub(1);
            Self::Recorded(EntryRanges::span(data.first_entry, EntryId::new(last)))
        } else if let Event::BatchAnswered(data) = event {
            let each = by_entry(&data.groups, |group| &group.entries);
            Self::Answered(data.batch.get(), each, answer_of(conn, data.batch)?)
        } else if let Event::EvidenceRead(data) = event {
            let each = by_entry(&data.groups, |group| &group.entries);
            let mut rows: Vec<EvidenceRow> = Vec::new();
            let audit = Audit { conn };
            let entries = wanted_of(&mut each.iter().map(|(entry, _)| *entry));
            for range in entries.ranges() {
                audit.evidence(data.evidence, range, &mut rows)?;
            }
            let facts = rows.into_iter().map(|row| (row.entry, row.facts)).collect();
            Self::Evidence(data.evidence, each, facts)
        } else if let Event::SnapshotTaken(data) = event {
            let mut rows: Vec<SnapshotRow> = Vec::new();
            let audit = Audit { conn };
            for range in wanted(&data.entries).ranges() {
                audit.snapshots(data.reading, range, &mut rows)?;
            }
            let facts = rows.into_iter().map(|row| (row.entry, row.facts)).collect();
            Self::Snapshot(data.reading, &data.entries, facts)
        } else if let Event::FullSnapshotTaken(data) = event {
            let mut rows: Vec<FullSnapshotRow> = Vec::new();
            let audit = Audit { conn };
            for range in wanted(&data.entries).ranges() {
                audit.full_snapshots(data.reading, range, false, &mut rows)?;
            }
            let hash = |hash: Vec<u8>| <[u8; 32]>::try_from(hash).ok().map(Hash::new);
            let hashes = rows.into_iter().map(|row| (row.entry, row.sha256.and_then(hash)));
            Self::Full(data.reading, &data.entries, hashes.collect())
        } else if let Event::EntriesSettled(data) = event {
            Self::Settled(data.reading, &data.entries, data.verdict.wire_name())
        } else if let Event::EntriesRechecked(data) = event {
            let each = by_entry(&data.groups, |group| &group.entries);
            let mut rows: Vec<RecheckRow> = Vec::new();
            let audit = Audit { conn };
            let entries = wanted_of(&mut each.iter().map(|(entry, _)| *entry));
            for range in entries.ranges() {
                audit.rechecks(data.reading, range, &mut rows)?;
            }
            let facts = rows.into_iter().map(|row| (row.entry, row.facts)).collect();
            Self::Rechecked(data.reading, each, facts)
        } else {
            return Ok(None);
        }))
    }

    fn entries(&self) -> EntryRanges {
        match self {
            Self::Recorded(entries) => entries.clone(),
            Self::Answered(_, each, _) => each.iter().map(|(entry, _)| *entry).collect(),
            Self::Evidence(_, each, _) => each.iter().map(|(entry, _)| *entry).collect(),
            Self::Rechecked(_, each, _) => each.iter().map(|(entry, _)| *entry).collect(),
            Self::Snapshot(_, entries, _)
            | Self::Settled(_, entries, _)
            | Self::Full(_, entries, _) => (*entries).clone(),
        }
    }

    /// The opened form of the item at a position, and what its salt is derived for.
    fn open<'m>(
        &self,
        at: usize,
        leaves: &'m mut LeafMaker,
        item: &ItemIdentity,
    ) -> Result<(&'m [u8], LeafPurpose)> {
        let entry = item.entry;
        let erased =
            || StoreError::corrupt("evidence", format!("{entry}: a read of it was erased"));
        Ok(match self {
            Self::Recorded(_) => (leaves.recorded(item), LeafPurpose::Recorded),
            Self::Answered(batch, each, answer) => {
                let (group, answer) = (each.get(at), answer.as_ref());
                let ((_, group), answer) = group.zip(answer).ok_or_else(erased)?;
                let batch = crate::domain::id::BatchId::new(*batch);
                let (outcome, slice) = (group.outcome.wire_name(), slice_of(answer, at));
                let opened = leaves.answered(item, batch, outcome, &group.code, slice);
                (opened, LeafPurpose::Answered(batch))
            }
            Self::Evidence(number, each, facts) => {
                let (_, group) = each.get(at).ok_or_else(erased)?;
                let facts = facts.get(&entry.get()).and_then(Option::as_ref).ok_or_else(erased)?;
                let verdict = group.verdict.wire_name();
                let opened = leaves.evidence(item, *number, verdict, &group.code, facts.as_bytes());
                (opened, LeafPurpose::Evidence(*number))
            }
            Self::Snapshot(number, _, facts) => {
                let facts = facts.get(&entry.get()).and_then(Option::as_ref).ok_or_else(erased)?;
                (leaves.snapshot(item, *number, facts.as_bytes()), LeafPurpose::Snapshot(*number))
            }
            Self::Full(number, _, hashes) => {
                let hash = hashes.get(&entry.get()).copied().flatten().ok_or_else(erased)?;
                (leaves.full(item, *number, &hash), LeafPurpose::Full(*number))
            }
            Self::Settled(number, _, verdict) => {
                (leaves.settled(item, *number, verdict), LeafPurpose::Settled(*number))
            }
            Self::Rechecked(number, each, facts) => {
                let (_, group) = each.get(at).ok_or_else(erased)?;
                let facts = facts.get(&entry.get()).and_then(Option::as_ref).ok_or_else(erased)?;
                let found = group.found.wire_name();
                let opened = leaves.rechecked(item, *number, found, facts.as_bytes());
                (opened, LeafPurpose::Recheck(*number))
            }
        })
    }

    fn bytes(&self, at: usize, entry: EntryId) -> Option<Vec<u8>> {
        match self {
            Self::Recorded(_) | Self::Settled(..) | Self::Full(..) => None,
            Self::Answered(_, _, answer) => {
                answer.as_ref().and_then(|answer| slice_of(answer, at)).map(<[u8]>::to_vec)
            }
            Self::Evidence(_, _, facts)
            | Self::Snapshot(_, _, facts)
            | Self::Rechecked(_, _, facts) => {
                facts.get(&entry.get()).cloned().flatten().map(String::into_bytes)
            }
        }
    }
}

fn slice_of(answer: &StoredAnswer, at: usize) -> Option<&[u8]> {
    answer.cuts.get(at).cloned().flatten().and_then(|cut| answer.body.get(cut))
}

/// Trees of salts and makers of leaves, each kept while items that share it come one after the other.
#[derive(Default)]
struct Tools {
    owner: Option<(EntryId, EntryId, Secrets)>,
    scope: Option<(i64, LeafMaker)>,
}

impl Tools {
    fn of(
        &mut self,
        conn: &Connection,
        item: &ItemIdentity,
        scope: i64,
    ) -> Result<(&mut Secrets, u64, &mut LeafMaker)> {
        let inside = |(first, last, _): &(EntryId, EntryId, Secrets)| {
            *first <= item.entry && item.entry <= *last
        };
        let owner = match self.owner.take().filter(inside) {
            Some(owner) => owner,
            None => secrets_of(conn, item.entry)?,
        };
        let maker = match self.scope.take().filter(|(number, _)| *number == scope) {
            Some(maker) => maker,
            None => (scope, LeafMaker::new(&scope::get(conn, ScopeId(scope))?)),
        };
        let (first, _, secrets) = self.owner.insert(owner);
        let ordinal = item.entry.get().abs_diff(first.get());
        Ok((secrets, ordinal, &mut self.scope.insert(maker).1))
    }
}

/// The hashes in the place of forgotten leaves of an event's items, by the position of their first leaf, each with its
/// level.
fn pruned_of(
    conn: &Connection,
    seq: EventSeq,
    items: u64,
) -> Result<std::collections::HashMap<u64, (u32, Hash)>> {
    let audit = Audit { conn };
    let rows = audit.pruned(seq.get(), PrunedTree::Items, (0, items.saturating_sub(1)))?;
    let place =
        |(id, hash): (NodeId, [u8; 32])| (id.index << id.level, (id.level, Hash::new(hash)));
    Ok(rows.into_iter().flatten().map(place).collect())
}

/// Hands the items of some entries on, in order, with their position and the number of their scope.
fn each_item(
    conn: &Connection,
    entries: &EntryRanges,
    mut visit: impl FnMut(usize, Option<ItemIdentity>, i64) -> Result<()>,
) -> Result<()> {
    let audit = Audit { conn };
    let (mut at, mut failed) = (0, Ok(()));
    for range in entries.ranges() {
        audit.each_item(range, |row| {
            let target = row.target.and_then(crate::domain::id::RecordId::from_stored);
            // An entry that was forgotten has none.
            let identity = target.zip(row.row).map(|(target, number)| ItemIdentity {
                entry: EntryId::new(row.entry),
                target,
                row: number,
            });
            if failed.is_ok() {
                failed = visit(at, identity, row.scope);
            }
            at += 1;
        })?;
    }
    failed
}
