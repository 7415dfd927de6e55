//! What the log says was forgotten: only that may be blank, and all of it must be.

use std::collections::{HashMap, HashSet};

use crate::domain::erasure::{common, pruned, spans};
use crate::domain::event::{Event, LoggedEvent};
use crate::domain::id::{BatchId, EntryId, EventSeq, RequestId};
use crate::domain::merkle::{Hash, NodeId, Tree};
use crate::domain::ranges::EntryRanges;
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::items::{Part, Worker, all_gone, gone_in};
use crate::store::Result;
use crate::store::audit::{Audit, PrunedTree};

/// What is told of a value that was to be gone.
pub(super) const STILL_THERE: &str = "an event says that it was forgotten, and it is still there";
/// What is told of a blank that no event explains.
pub(super) const BLANK: &str = "it is blank, and no event says that it was forgotten";

/// Everything that was forgotten, by the whole log.
#[derive(Debug, Default)]
pub(super) struct Erased {
    pub(super) entries: EntryRanges,
    /// Requests of which nothing is left.
    pub(super) requests: HashSet<RequestId>,
    /// Rows that had been left out, counted from 1.
    pub(super) rows: HashMap<RequestId, EntryRanges>,
    /// Answers of which all that stands around the items is gone.
    pub(super) envelopes: HashSet<BatchId>,
    /// Events by which full snapshots were shredded, with the entries.
    shredded: Vec<(EventSeq, EntryRanges)>,
}

impl Erased {
    /// By the events that the file lists. That it lists all of them, and no others, the fold tells.
    pub(super) fn load(audit: Audit<'_>) -> Result<Self> {
        let mut erased = Self::default();
        for body in audit.erasures()? {
            let Ok(LoggedEvent { event: Event::Forgotten(data), .. }) = LoggedEvent::decode(&body)
            else {
                continue;
            };
            erased.entries.join(&data.entries);
            erased.requests.extend(data.requests);
            erased.envelopes.extend(data.envelopes);
            for one in data.left_out {
                erased.rows.entry(one.request).or_default().join(&one.rows);
            }
        }
        for (seq, logged) in audit.shreddings()? {
            if let Event::FullSnapshotsShredded(data) = logged.event {
                erased.shredded.push((seq, data.entries));
            }
        }
        Ok(erased)
    }

    /// Those of some entries whose full snapshots an event after this one says were shredded.
    pub(super) fn shredded_after(&self, seq: EventSeq, entries: &EntryRanges) -> EntryRanges {
        let mut gone = EntryRanges::default();
        for (_, shredded) in self.shredded.iter().filter(|(later, _)| *later > seq) {
            gone.join(&common(entries, shredded));
        }
        gone
    }

    /// The rows of a request that are gone, by their positions from 0.
    pub(super) fn rows_of(&self, request: RequestId) -> Vec<(u64, u64)> {
        self.rows.get(&request).map(|rows| spans(rows, EntryId::new(1))).unwrap_or_default()
    }
}

/// Whether a position is gone.
pub(super) fn is_gone(gone: &[(u64, u64)], position: u64) -> bool {
    let next = gone.partition_point(|(_, last)| *last < position);
    gone.get(next).is_some_and(|(first, _)| *first <= position)
}

/// A tree over items, in order, some of which only their hashes are left of.
pub(super) struct Leaves {
    tree: Tree,
    pruned: std::iter::Peekable<std::vec::IntoIter<(NodeId, Hash)>>,
    first: u64,
    position: u64,
    /// Whether nothing is left of the whole tree: then nobody can compute it.
    nothing: bool,
}

impl Leaves {
    /// Adds the leaf of the next item.
    pub(super) fn push(&mut self, leaf: Hash) {
        self.tree.append(leaf, |_, _| ());
        self.position += 1;
    }

    /// Passes over the next item, which was forgotten.
    pub(super) fn pass(&mut self) {
        let at = self.first + self.position;
        if let Some((id, hash)) = self.pruned.next_if(|(id, _)| id.index << id.level == at) {
            self.tree.append_subtree(id.level, hash);
        }
        self.position += 1;
    }

    /// Whether this is the tree that the log holds the root of, as far as anybody can tell.
    pub(super) fn give(&self, root: &Hash) -> bool {
        self.nothing || (self.tree.size() == self.position && self.tree.root() == *root)
    }

    /// The root of what came so far.
    pub(super) fn root(&self) -> Hash {
        self.tree.root()
    }
}

impl Worker<'_> {
    /// The tree over all items of an event that concerns these entries.
    pub(super) fn leaves_of(
        &mut self,
        seq: EventSeq,
        parts: &[Part],
        found: &mut Findings,
    ) -> Result<Leaves> {
        let count = parts.iter().map(|part| part.first.get().abs_diff(part.last.get()) + 1).sum();
        let (gone, nothing) = (gone_in(parts), all_gone(parts));
        self.leaves(seq, PrunedTree::Items, (0, count), &gone, nothing, found)
    }

    /// The tree over the items of an event from one position on, of which `gone` are forgotten: the hashes in
    /// their place must be exactly the ones that there have to be. `nothing` when nothing is left of the whole
    /// tree.
    pub(super) fn leaves(
        &mut self,
        seq: EventSeq,
        tree: PrunedTree,
        (first, count): (u64, u64),
        gone: &[(u64, u64)],
        nothing: bool,
        found: &mut Findings,
    ) -> Result<Leaves> {
        let expected = if nothing { Vec::new() } else { pruned(gone) };
        let mut nodes: Vec<(NodeId, Hash)> = Vec::new();
        if !expected.is_empty() {
            let range = (first, first.saturating_add(count).saturating_sub(1));
            let rows = self.audit().pruned(seq.get(), tree, range)?;
            let there = rows.len();
            nodes.extend(rows.into_iter().flatten().map(|(id, hash)| (id, Hash::new(hash))));
            self.results.pruned += u64::try_from(there).unwrap_or(u64::MAX);
            if !nodes.iter().map(|(id, _)| *id).eq(expected) || nodes.len() != there {
                let place = format!("hashes of event {seq}");
                let what = "those in the place of what was forgotten are not the ones that there \
                            must be";
                found.add(Kind::Items, place, what, Some(seq));
            }
        }
        let pruned = nodes.into_iter().peekable();
        Ok(Leaves { tree: Tree::default(), pruned, first, position: 0, nothing })
    }
}
