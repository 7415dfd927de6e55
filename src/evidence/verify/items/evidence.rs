//! Evidence: what was read of each entry, against the log.

use crate::domain::event::EvidenceRead;
use crate::domain::id::EventSeq;
use crate::domain::seal::{LeafPurpose, item_leaf};
use crate::evidence::verify::erased::{BLANK, STILL_THERE};
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::items::{Part, Worker, identity, owners};
use crate::store::Result;
use crate::store::audit::EvidenceRow;

impl Worker<'_> {
    /// Checks one reading: verdicts and codes by the log, facts by their leaves.
    pub(super) fn evidence(
        &mut self,
        seq: EventSeq,
        data: &EvidenceRead,
        parts: &[Part],
        found: &mut Findings,
    ) -> Result<()> {
        let mut rows: Vec<EvidenceRow> = Vec::new();
        for part in parts {
            self.audit.evidence(data.evidence, (part.first, part.last), &mut rows)?;
        }
        let mut whole = self.items_of(parts, found)?;
        let mut groups: Vec<_> = data
            .groups
            .iter()
            .flat_map(|group| group.entries.iter().map(move |entry| (entry, group)))
            .collect();
        groups.sort_unstable_by_key(|(entry, _)| *entry);
        let mut rows = rows.iter().peekable();
        let mut leaves = self.leaves_of(seq, parts, found)?;
        let items = std::mem::take(&mut self.items);
        let owners = owners(parts);
        for ((request, (entry, group)), item) in owners.zip(groups).zip(&items) {
            let mut tell = |what: &str| {
                let place = format!("evidence {} of {entry}", data.evidence);
                found.add(Kind::Evidence, place, what, Some(seq));
                whole = false;
            };
            let Some(row) = rows.next_if(|row| row.entry == entry.get()) else {
                tell("the row is missing");
                continue;
            };
            if row.verdict != Some(group.verdict) || row.code != group.code {
                tell("its verdict or code is not the one in the log");
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
            let purpose = LeafPurpose::Evidence(data.evidence);
            if let Some((salt, maker)) = self.salt(request, item, purpose)? {
                let verdict = group.verdict.wire_name();
                let facts = facts.as_bytes();
                let opened = maker.evidence(&identity, data.evidence, verdict, &group.code, facts);
                leaves.push(item_leaf(&salt, opened));
            }
        }
        self.items = items;
        if whole && !leaves.give(&data.items_root) {
            let what =
                "what was read is not what the log sealed: facts, ids or a secret were edited";
            found.add(Kind::Evidence, format!("reading {}", data.evidence), what, Some(seq));
        }
        Ok(())
    }
}
