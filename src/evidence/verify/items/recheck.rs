//! Later looks: what was seen of each entry, against the log.

use crate::domain::event::EntriesRechecked;
use crate::domain::id::EventSeq;
use crate::domain::seal::{LeafPurpose, item_leaf};
use crate::evidence::verify::erased::{BLANK, STILL_THERE};
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::items::{Part, Worker, identity, owners};
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
        let mut whole = self.items_of(parts, found)?;
        let mut groups: Vec<_> = data
            .groups
            .iter()
            .flat_map(|group| group.entries.iter().map(move |entry| (entry, group.found)))
            .collect();
        groups.sort_unstable_by_key(|(entry, _)| *entry);
        let mut rows = rows.iter().peekable();
        let mut leaves = self.leaves_of(seq, parts, found)?;
        let items = std::mem::take(&mut self.items);
        let owners = owners(parts);
        for ((request, (entry, logged)), item) in owners.zip(groups).zip(&items) {
            let mut tell = |what: &str| {
                let place = format!("recheck {} of {entry}", data.reading);
                found.add(Kind::Evidence, place, what, Some(seq));
                whole = false;
            };
            let Some(row) = rows.next_if(|row| row.entry == entry.get()) else {
                tell("the row is missing");
                continue;
            };
            if row.found != Some(logged) {
                tell("what was found is not what the log says");
            }
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
            let purpose = LeafPurpose::Recheck(data.reading);
            if let Some((salt, maker)) = self.salt(request, item, purpose)? {
                let name = logged.wire_name();
                let opened = maker.rechecked(&identity, data.reading, name, facts.as_bytes());
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
