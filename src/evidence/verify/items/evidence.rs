//! Evidence: what was read of each entry, against the log.

use crate::domain::event::EvidenceRead;
use crate::domain::id::EventSeq;
use crate::domain::seal::LeafPurpose;
use crate::evidence::verify::findings::Findings;
use crate::evidence::verify::items::reading::{Reading, by_entry};
use crate::evidence::verify::items::{Part, Worker};
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
        let reading = Reading {
            seq,
            number: data.evidence,
            name: "evidence",
            purpose: LeafPurpose::Evidence(data.evidence),
            items_root: &data.items_root,
            groups: by_entry(&data.groups, |group| &group.entries),
            contradicts: |row: &EvidenceRow, group| {
                let other = row.verdict != Some(group.verdict) || row.code != group.code;
                other.then_some("its verdict or code is not the one in the log")
            },
            open: |maker, identity, number, group, facts| {
                maker.evidence(identity, number, group.verdict.wire_name(), &group.code, facts)
            },
        };
        self.reading(&reading, &rows, parts, found)
    }
}
