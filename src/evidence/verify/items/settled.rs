//! What a person decided about each entry, against the log.

use crate::domain::event::EntriesSettled;
use crate::domain::id::{EntryId, EventSeq};
use crate::domain::seal::{LeafPurpose, item_leaf};
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::items::{Part, Worker, identity, owners};
use crate::store::Result;
use crate::store::audit::EvidenceRow;

impl Worker<'_> {
    /// Checks one decision: its verdict by the log, the items by their leaves. Nothing was read, so no facts
    /// and no code may stand there.
    pub(super) fn settled(
        &mut self,
        seq: EventSeq,
        data: &EntriesSettled,
        parts: &[Part],
        found: &mut Findings,
    ) -> Result<()> {
        let mut rows: Vec<EvidenceRow> = Vec::new();
        for part in parts {
            self.audit.evidence(data.reading, (part.first, part.last), &mut rows)?;
        }
        let mut whole = self.items_of(parts, found)?;
        let mut rows = rows.iter().peekable();
        let mut leaves = self.leaves_of(seq, parts, found)?;
        let items = std::mem::take(&mut self.items);
        for (request, item) in owners(parts).zip(&items) {
            let mut tell = |what: &str| {
                let place = format!("decision about {}", EntryId::new(item.entry));
                found.add(Kind::Evidence, place, what, Some(seq));
                whole = false;
            };
            let Some(row) = rows.next_if(|row| row.entry == item.entry) else {
                tell("the row is missing");
                continue;
            };
            if row.verdict != Some(data.verdict) || !row.code.is_empty() {
                tell("its verdict or code is not the one in the log");
            }
            if row.facts.is_some() {
                tell("it holds what was read, and a person decided");
            }
            if request.has_forgotten(EntryId::new(item.entry)) {
                leaves.pass();
                continue;
            }
            let Some(identity) = identity(item) else { continue };
            let purpose = LeafPurpose::Settled(data.reading);
            if let Some((salt, maker)) = self.salt(request, item, purpose)? {
                let opened = maker.settled(&identity, data.reading, data.verdict.wire_name());
                leaves.push(item_leaf(&salt, opened));
            }
        }
        self.items = items;
        if whole && !leaves.give(&data.items_root) {
            let what = "the items are not those that the log sealed: ids or a secret were edited";
            found.add(Kind::Evidence, format!("reading {}", data.reading), what, Some(seq));
        }
        Ok(())
    }
}
