//! What was read of each entry, against the log: what evidence and later looks have in common.

use crate::domain::id::{EntryId, EventSeq};
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::seal::{ItemIdentity, LeafMaker, LeafPurpose, item_leaf};
use crate::evidence::verify::erased::{BLANK, STILL_THERE};
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::items::{Part, Worker, identity, owners};
use crate::store::Result;
use crate::store::audit::{EvidenceRow, RecheckRow};

/// The row of one entry in a reading.
pub(super) trait Row {
    /// The entry.
    fn entry(&self) -> i64;
    /// What was read; `None` when erased.
    fn facts(&self) -> Option<&str>;
}

impl Row for EvidenceRow {
    fn entry(&self) -> i64 {
        self.entry
    }

    fn facts(&self) -> Option<&str> {
        self.facts.as_deref()
    }
}

impl Row for RecheckRow {
    fn entry(&self) -> i64 {
        self.entry
    }

    fn facts(&self) -> Option<&str> {
        self.facts.as_deref()
    }
}

/// A reading as the log tells it, and how its rows are held against that.
pub(super) struct Reading<'d, R, G> {
    pub(super) seq: EventSeq,
    pub(super) number: i64,
    /// What a finding calls it.
    pub(super) name: &'static str,
    pub(super) purpose: LeafPurpose,
    pub(super) items_root: &'d Hash,
    /// Each entry with the group that speaks of it, in order.
    pub(super) groups: Vec<(EntryId, &'d G)>,
    /// What contradicts the log in a row.
    pub(super) contradicts: fn(&R, &G) -> Option<&'static str>,
    /// The opened form of an item with these facts.
    pub(super) open: Open<G>,
}

/// How the opened form of an item is made of its reading, group and facts.
pub(super) type Open<G> = for<'m> fn(&'m mut LeafMaker, &ItemIdentity, i64, &G, &[u8]) -> &'m [u8];

/// Each entry with the group that speaks of it, in order.
pub(super) fn by_entry<'d, G>(
    groups: &'d [G],
    entries: fn(&G) -> &EntryRanges,
) -> Vec<(EntryId, &'d G)> {
    let each = |group: &'d G| entries(group).iter().map(move |entry| (entry, group));
    let mut each: Vec<_> = groups.iter().flat_map(each).collect();
    each.sort_unstable_by_key(|(entry, _)| *entry);
    each
}

impl Worker<'_> {
    /// Checks one reading: what it came to by the log, facts by their leaves.
    pub(super) fn reading<R: Row, G>(
        &mut self,
        reading: &Reading<'_, R, G>,
        rows: &[R],
        parts: &[Part],
        found: &mut Findings,
    ) -> Result<()> {
        let (seq, number) = (reading.seq, reading.number);
        let mut whole = self.items_of(parts, found)?;
        let mut rows = rows.iter().peekable();
        let mut leaves = self.leaves_of(seq, parts, found)?;
        let items = std::mem::take(&mut self.items);
        for ((request, (entry, group)), item) in owners(parts).zip(&reading.groups).zip(&items) {
            let mut tell = |what: &str| {
                let place = format!("{} {number} of {entry}", reading.name);
                found.add(Kind::Evidence, place, what, Some(seq));
                whole = false;
            };
            let Some(row) = rows.next_if(|row| row.entry() == entry.get()) else {
                tell("the row is missing");
                continue;
            };
            if let Some(what) = (reading.contradicts)(row, group) {
                tell(what);
            }
            if request.has_forgotten(*entry) {
                if row.facts().is_some() {
                    tell(STILL_THERE);
                }
                leaves.pass();
                continue;
            }
            let (Some(facts), Some(identity)) = (row.facts(), identity(item)) else {
                tell(BLANK);
                continue;
            };
            if let Some((salt, maker)) = self.salt(request, item, reading.purpose)? {
                let opened = (reading.open)(maker, &identity, number, group, facts.as_bytes());
                leaves.push(item_leaf(&salt, opened));
            }
        }
        self.items = items;
        if whole && !leaves.give(reading.items_root) {
            let what =
                "what was read is not what the log sealed: facts, ids or a secret were edited";
            found.add(Kind::Evidence, format!("reading {number}"), what, Some(seq));
        }
        Ok(())
    }
}
