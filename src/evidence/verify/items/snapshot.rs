//! Snapshots: what was there before an entry's call, against the log.

use crate::domain::event::SnapshotTaken;
use crate::domain::id::{EntryId, EventSeq};
use crate::domain::seal::{LeafPurpose, item_leaf};
use crate::evidence::verify::erased::{BLANK, STILL_THERE};
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::items::{Part, Worker, identity, owners};
use crate::store::Result;
use crate::store::audit::SnapshotRow;
use crate::store::snapshot;

impl Worker<'_> {
    /// Checks one reading: facts by their leaves, and that what was settled follows from them.
    pub(super) fn snapshot(
        &mut self,
        seq: EventSeq,
        data: &SnapshotTaken,
        parts: &[Part],
        found: &mut Findings,
    ) -> Result<()> {
        let mut rows: Vec<SnapshotRow> = Vec::new();
        for part in parts {
            self.audit.snapshots(data.reading, (part.first, part.last), &mut rows)?;
        }
        let mut whole = self.items_of(parts, found)?;
        let mut rows = rows.iter().peekable();
        let mut leaves = self.leaves_of(seq, parts, found)?;
        let items = std::mem::take(&mut self.items);
        let owners = owners(parts);
        for (request, item) in owners.zip(&items) {
            let entry = EntryId::new(item.entry);
            let mut tell = |what: &str| {
                let place = format!("snapshot of {entry}");
                found.add(Kind::Evidence, place, what, Some(seq));
                whole = false;
            };
            let Some(row) = rows.next_if(|row| row.entry == item.entry) else {
                tell("the row is missing");
                continue;
            };
            if request.has_forgotten(entry) {
                if row.facts.is_some() {
                    tell(STILL_THERE);
                }
                leaves.pass();
                continue;
            }
            let (Some(facts), Some(identity)) = (&row.facts, identity(item)) else {
                tell(BLANK);
                continue;
            };
            let absent = data.absent.as_ref().is_some_and(|absent| absent.contains(entry));
            let read = snapshot::parse(request.operation, facts);
            // A tag's definition that was not there may have been sent, where the call names the module.
            let follows = read.is_some_and(|facts| {
                if absent { facts.never_there(false) } else { !facts.never_there(true) }
            });
            if !follows {
                tell("what the log says was never there does not follow from it");
            }
            let purpose = LeafPurpose::Snapshot(data.reading);
            if let Some((salt, maker)) = self.salt(request, item, purpose)? {
                let opened = maker.snapshot(&identity, data.reading, facts.as_bytes());
                leaves.push(item_leaf(&salt, opened));
            }
        }
        self.items = items;
        if whole && !leaves.give(&data.items_root) {
            let what =
                "what was read is not what the log sealed: facts, ids or a secret were edited";
            found.add(Kind::Evidence, format!("reading {}", data.reading), what, Some(seq));
        }
        Ok(())
    }
}
