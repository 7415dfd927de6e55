//! Later looks: what was seen of each entry, against the log.

use crate::domain::event::EntriesRechecked;
use crate::domain::id::EventSeq;
use crate::domain::seal::LeafPurpose;
use crate::evidence::verify::findings::Findings;
use crate::evidence::verify::items::reading::{Reading, by_entry};
use crate::evidence::verify::items::{Part, Worker};
use crate::store::Result;
use crate::store::audit::RecheckRow;

impl Worker<'_> {
    /// Checks one reading: what was found by the log, facts by their leaves.
    pub(super) fn recheck(
        &mut self,
        seq: EventSeq,
        data: &EntriesRechecked,
        parts: &[Part],
        found: &mut Findings,
    ) -> Result<()> {
        let mut rows: Vec<RecheckRow> = Vec::new();
        for part in parts {
            self.audit.rechecks(data.reading, (part.first, part.last), &mut rows)?;
        }
        let reading = Reading {
            seq,
            number: data.reading,
            name: "recheck",
            purpose: LeafPurpose::Recheck(data.reading),
            items_root: &data.items_root,
            groups: by_entry(&data.groups, |group| &group.entries),
            contradicts: |row: &RecheckRow, group| {
                let other = row.found != Some(group.found);
                other.then_some("what was found is not what the log says")
            },
            open: |maker, identity, number, group, facts| {
                maker.rechecked(identity, number, group.found.wire_name(), facts)
            },
        };
        self.reading(&reading, &rows, parts, found)
    }
}
