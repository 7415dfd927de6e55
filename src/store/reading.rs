//! Readings: what evidence says about unknown entries, as it is recorded.

use rusqlite::{Connection, named_params};

use crate::domain::event::{Event, EvidenceGroup, EvidenceRead};
use crate::domain::id::{EntryId, EventSeq, ModuleName, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::seal::LeafPurpose;
use crate::domain::state::{EntryState, Verdict};
use crate::store::WriteTx;
use crate::store::code::Sql;
use crate::store::entry;
use crate::store::error::{Doing, Result};
use crate::store::items::{items_of, root_over};
use crate::store::log::Seals;
use crate::store::settling::is_settled_by_person;

/// What evidence says about one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The entry.
    pub entry: EntryId,
    /// What evidence says.
    pub verdict: Verdict,
    /// Zoho's code, or ours; empty where there is none.
    pub code: String,
    /// What of the reads decides, as JSON: ids and times only.
    pub facts: String,
}

impl WriteTx<'_> {
    /// Records what was read of one module, and moves the entries accordingly. `findings` ascend by entry.
    /// Those that a person settled while they were read stay as they are: they are left out, and returned.
    pub(crate) fn record_evidence(
        &mut self,
        run: RunId,
        module: &ModuleName,
        findings: &[Finding],
    ) -> Result<Vec<EntryId>> {
        self.check_run(run)?;
        let (findings, settled) = without_settled(&self.tx, findings)?;
        if findings.is_empty() {
            return Ok(settled);
        }
        let number = next_reading(&self.tx)?;
        let entries: EntryRanges = findings.iter().map(|finding| finding.entry).collect();
        let items = items_of(&self.tx, &entries)?;
        let purpose = LeafPurpose::Evidence(number);
        let items_root =
            root_over(&self.tx, &items, &findings, purpose, |maker, item, finding| {
                let Finding { verdict, code, facts, .. } = finding;
                maker.evidence(item, number, verdict.wire_name(), code, facts.as_bytes())
            })?;
        let event = Event::from(EvidenceRead {
            run,
            evidence: number,
            module: module.clone(),
            groups: groups(&findings),
            items_root,
        });
        entry::apply(&self.tx, &event)?;
        let seq = self.append(event, Seals::default())?;
        insert_reading(&self.tx, number, seq, run)?;
        for Finding { entry, verdict, code, facts } in findings {
            insert_evidence(&self.tx, number, *entry, (*verdict, code, Some(facts)))?;
        }
        Ok(settled)
    }
}

/// Findings apart from the entries that a person settled meanwhile.
fn without_settled<'f>(
    conn: &Connection,
    findings: &'f [Finding],
) -> Result<(Vec<&'f Finding>, Vec<EntryId>)> {
    let (mut open, mut settled) = (Vec::with_capacity(findings.len()), Vec::new());
    for finding in findings {
        let state = entry::state_of(conn, finding.entry)?;
        if state.is_some_and(EntryState::is_settled) && is_settled_by_person(conn, finding.entry)? {
            settled.push(finding.entry);
        } else {
            open.push(finding);
        }
    }
    Ok((open, settled))
}

/// What a reading, or a person in its place, says about one entry: verdict, code, facts.
pub(crate) fn insert_evidence(
    conn: &Connection,
    reading: i64,
    entry: EntryId,
    (verdict, code, facts): (Verdict, &str, Option<&str>),
) -> Result<()> {
    conn.prepare_cached(
        "-- insert_evidence\nINSERT INTO evidence (entry, reading, verdict, code, facts)
         VALUES (:entry, :reading, :verdict, :code, :facts)",
    )
    .and_then(|mut statement| {
        statement.execute(named_params! {
            ":entry": Sql(entry), ":reading": reading, ":verdict": Sql(verdict),
            ":code": code, ":facts": facts,
        })
    })
    .map(|_| ())
    .doing("recording evidence")
}

/// The number of the next reading, of evidence, of a snapshot or of a person's decision.
pub(crate) fn next_reading(conn: &Connection) -> Result<i64> {
    conn.query_row("-- next_reading\nSELECT coalesce(max(id), 0) + 1 FROM reading", [], |row| {
        row.get(0)
    })
    .doing("numbering a reading")
}

pub(crate) fn insert_reading(
    conn: &Connection,
    number: i64,
    seq: EventSeq,
    run: RunId,
) -> Result<()> {
    conn.execute(
        "-- insert_reading\nINSERT INTO reading (id, seq, run) VALUES (:id, :seq, :run)",
        named_params! {":id": number, ":seq": Sql(seq), ":run": Sql(run)},
    )
    .map(|_| ())
    .doing("recording a reading")
}

fn groups(findings: &[&Finding]) -> Vec<EvidenceGroup> {
    let mut groups: Vec<EvidenceGroup> = Vec::new();
    for finding in findings {
        let same = |group: &&mut EvidenceGroup| {
            (group.verdict, &group.code) == (finding.verdict, &finding.code)
        };
        if let Some(group) = groups.iter_mut().find(same) {
            group.entries.push(finding.entry);
        } else {
            groups.push(EvidenceGroup {
                verdict: finding.verdict,
                code: finding.code.clone(),
                entries: EntryRanges::span(finding.entry, finding.entry),
            });
        }
    }
    groups
}
