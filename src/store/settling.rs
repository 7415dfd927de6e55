//! A person's decision about entries that no read could decide: recorded in the place of a reading, by the same
//! transition function, and only for what is undecided within this very transaction.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::event::{EntriesSettled, Event};
use crate::domain::evidence::UNDECIDED;
use crate::domain::id::{EntryId, EventSeq, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::seal::LeafPurpose;
use crate::domain::state::{EntryState, Verdict};
use crate::store::code::Sql;
use crate::store::entry;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::items::{items_of, root_over};
use crate::store::log::{self, Seals};
use crate::store::query::{self, EntryView, Settled};
use crate::store::reading::{insert_evidence, insert_reading, next_reading};
use crate::store::{Reader, WriteTx};

/// A decision to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct NewDecision<'a> {
    /// The entries that it speaks of.
    pub entries: &'a EntryRanges,
    /// What happened: `done`, `absent` or `failed`. The state machine refuses any other.
    pub verdict: Verdict,
    /// Who decided.
    pub settled_by: &'a str,
    /// The OS account.
    pub recorded_by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The ticket.
    pub ticket: Option<&'a str>,
    /// Name and version of the program.
    pub program: &'a str,
}

/// An entry that a person cannot settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit {
    /// The entry.
    pub entry: EntryId,
    /// Where it stands; `None` when there is no such entry.
    pub state: Option<EntryState>,
    /// What settled it, if anything has.
    pub settled: Option<Settled>,
}

/// What became of a decision: recorded, or every entry that stood in its way.
pub type Decided = std::result::Result<(), Vec<Unfit>>;

impl Reader {
    /// Which of these entries a person cannot settle as they stand now, in key order.
    pub fn unfit_to_settle(&self, entries: &EntryRanges) -> Result<Vec<Unfit>> {
        unfit(&self.conn, entries)
    }
}

impl WriteTx<'_> {
    /// Records what a person decided, for all of the entries or for none. Whoever committed first has won:
    /// what evidence settled meanwhile is unfit here, and a run leaves out what was settled here.
    pub fn settle(&mut self, new: &NewDecision<'_>) -> Result<Decided> {
        let unfit = unfit(&self.tx, new.entries)?;
        if !unfit.is_empty() {
            return Ok(Err(unfit));
        }
        let run = last_run(&self.tx)?;
        let number = next_reading(&self.tx)?;
        let items = items_of(&self.tx, new.entries)?;
        let (purpose, verdict) = (LeafPurpose::Settled(number), new.verdict.wire_name());
        let each = vec![(); items.len()];
        let items_root = root_over(&self.tx, &items, &each, purpose, |maker, item, ()| {
            maker.settled(item, number, verdict)
        })?;
        let mut seals = Seals::default();
        let entropy = &mut *self.entropy;
        let event = Event::from(EntriesSettled {
            reading: number,
            verdict: new.verdict,
            entries: new.entries.clone(),
            items_root,
            program: new.program.to_owned(),
            settled_by: seals.add(entropy, "settled_by", new.settled_by)?,
            recorded_by: seals.add(entropy, "recorded_by", new.recorded_by)?,
            reason: seals.add(entropy, "reason", new.reason)?,
            ticket: seals.add_some(entropy, "ticket", new.ticket)?,
        });
        entry::apply(&self.tx, &event)?;
        let seq = self.append(event, seals)?;
        insert_reading(&self.tx, number, seq, run)?;
        for entry in new.entries.iter() {
            insert_evidence(&self.tx, number, entry, (new.verdict, "", None))?;
        }
        Ok(Ok(()))
    }
}

/// What has the last word about an entry decides, so that a call made since would count.
fn is_undecided(entry: &EntryView) -> bool {
    entry.state == EntryState::Unknown && entry.code() == UNDECIDED
}

fn unfit(conn: &Connection, entries: &EntryRanges) -> Result<Vec<Unfit>> {
    let mut found: Vec<Unfit> = Vec::new();
    let mut expected = entries.iter();
    let missing = |entry| Unfit { entry, state: None, settled: None };
    query::each_of(conn, entries, |view| {
        found.extend(expected.by_ref().take_while(|entry| *entry != view.entry).map(missing));
        if !is_undecided(view) {
            let (state, settled) = (Some(view.state), view.settled());
            found.push(Unfit { entry: view.entry, state, settled });
        }
        Ok::<_, StoreError>(())
    })?;
    found.extend(expected.map(missing));
    Ok(found)
}

/// The newest run. What is undecided was read by one.
fn last_run(conn: &Connection) -> Result<RunId> {
    conn.query_row("-- newest_run\nSELECT max(id) FROM run", [], |row| row.get::<_, Sql<RunId>>(0))
        .map(|Sql(run)| run)
        .doing("settling entries")
}

/// Whether a person had the last word about an entry.
pub(crate) fn is_settled_by_person(conn: &Connection, entry: EntryId) -> Result<bool> {
    let seq = conn
        .prepare_cached(
            "-- last_reading_of\nSELECT g.seq FROM evidence v JOIN reading g ON g.id = v.reading
             WHERE v.entry = :entry ORDER BY v.reading DESC LIMIT 1",
        )
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":entry": Sql(entry)}, |row| {
                    row.get::<_, Sql<EventSeq>>(0)
                })
                .optional()
        })
        .doing("reading an entry's evidence")?;
    let Some(Sql(seq)) = seq else { return Ok(false) };
    Ok(matches!(log::event(conn, seq)?.decode()?.event, Event::EntriesSettled(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::verify::check_journal;
    use crate::store::query::SettledBy;
    use crate::store::reading::Finding;
    use crate::store::testing::{Journal, still_there, story};

    fn ranges(text: &str) -> EntryRanges {
        text.parse().unwrap()
    }

    fn decide(journal: &mut Journal, entries: &str, verdict: Verdict) -> Decided {
        let entries = &ranges(entries);
        let (settled_by, recorded_by) = ("Bert", "anna (uid 1000)");
        let (reason, ticket, program) = ("seen in the audit log", Some("OPS-9"), "test/1");
        journal.write(|tx| {
            tx.settle(&NewDecision {
                entries,
                verdict,
                settled_by,
                recorded_by,
                reason,
                ticket,
                program,
            })
        })
    }

    /// But for the first event, which the store does not write by itself.
    fn assert_whole(journal: &Journal) {
        let found = check_journal(&journal.reader()).unwrap_err();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].what.contains("begins with its creation"), "{found:?}");
    }

    fn finding(entry: i64, verdict: Verdict) -> Finding {
        let facts = serde_json::to_string(&still_there()).unwrap();
        Finding { entry: EntryId::new(entry), verdict, code: String::new(), facts }
    }

    #[test]
    fn every_entry_that_is_not_undecided_is_told_and_nothing_is_recorded() {
        let mut journal = story();
        let size = journal.store.head().unwrap().size;
        let unfit = decide(&mut journal, "1-9", Verdict::Done).unwrap_err();
        let states: Vec<_> = unfit.iter().map(|one| (one.entry.get(), one.state)).collect();
        assert_eq!(
            states,
            [
                (1, Some(EntryState::Done)),
                (2, Some(EntryState::Failed)),
                (3, Some(EntryState::Done)),
                (4, Some(EntryState::Absent)),
                (6, Some(EntryState::InFlight)),
                (7, Some(EntryState::Pending)),
                (8, None),
                (9, None),
            ]
        );
        assert_eq!(unfit[0].settled.unwrap().by, SettledBy::Answer);
        assert_eq!(journal.store.head().unwrap().size, size);
        assert_eq!(journal.reader().unfit_to_settle(&ranges("5")).unwrap(), []);
    }

    #[test]
    fn what_a_person_settled_is_settled_for_good_and_no_replay_takes_it_up() {
        for verdict in [Verdict::Done, Verdict::Absent, Verdict::Failed] {
            let mut journal = story();
            assert_eq!(decide(&mut journal, "5", verdict), Ok(()));
            let entry = journal.reader().entry(EntryId::new(5)).unwrap();
            let settled = entry.settled().unwrap();
            assert_eq!(
                (entry.state.wire_name(), settled.by),
                (verdict.wire_name(), SettledBy::Person)
            );
            assert_eq!(
                i64::try_from(journal.store.head().unwrap().size).unwrap(),
                settled.seq.get() + 1
            );
            let again = decide(&mut journal, "5", Verdict::Done).unwrap_err();
            assert_eq!(again[0].settled, Some(settled));
            let run = journal.run.unwrap();
            // Whatever its code may be taken for.
            let reopened = journal.write(|tx| tx.reopen(run, None, &|_| true));
            assert_eq!(reopened, ranges("2"));
            assert_whole(&journal);
        }
    }

    #[test]
    fn pending_and_undecided_are_no_decisions() {
        for verdict in [Verdict::Pending, Verdict::Undecided] {
            let mut journal = story();
            let (entries, now) = (ranges("5"), journal.now);
            let decision = NewDecision {
                entries: &entries,
                verdict,
                settled_by: "Bert",
                recorded_by: "anna",
                reason: "x",
                ticket: None,
                program: "test/1",
            };
            let refused = journal.store.write("settling", now, |tx| tx.settle(&decision));
            assert!(matches!(refused, Err(StoreError::Transition(_))), "{refused:?}");
        }
    }

    /// The run has read the entry, and a person is faster: the run's other findings are recorded.
    #[test]
    fn a_run_leaves_out_what_a_person_settled_while_it_read() {
        let mut journal = story();
        journal.delete(11, 12);
        let lost = journal.begin(&[8, 9]);
        journal.lose(&lost);
        assert_eq!(decide(&mut journal, "5", Verdict::Failed), Ok(()));
        let (run, module) = (journal.run.unwrap(), "Leads".parse().unwrap());
        let findings = [finding(5, Verdict::Done), finding(8, Verdict::Absent)];
        let left_out = journal.write(|tx| tx.record_evidence(run, &module, &findings));
        assert_eq!(left_out, [EntryId::new(5)]);
        let size = journal.store.head().unwrap().size;
        let left_out = journal.write(|tx| tx.record_evidence(run, &module, &findings[..1]));
        assert_eq!((left_out.len(), journal.store.head().unwrap().size), (1, size));
        let state = |entry| journal.reader().entry(EntryId::new(entry)).unwrap().state;
        assert_eq!((state(5), state(8)), (EntryState::Failed, EntryState::Absent));
        assert_whole(&journal);
        // What evidence settled is no business of a person's, nor of evidence again.
        let twice = journal
            .store
            .write("again", journal.now, |tx| tx.record_evidence(run, &module, &findings[1..]));
        assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
    }

    #[test]
    fn a_person_comes_too_late_for_what_a_run_settled() {
        let mut journal = story();
        let (run, module) = (journal.run.unwrap(), "Leads".parse().unwrap());
        journal.write(|tx| tx.record_evidence(run, &module, &[finding(5, Verdict::Done)]));
        let unfit = decide(&mut journal, "5", Verdict::Failed).unwrap_err();
        assert_eq!(unfit[0].settled.unwrap().by, SettledBy::Evidence);
        // Read as untouched, it may be sent again: then nothing is left to decide either.
        let mut journal = story();
        let run = journal.run.unwrap();
        journal.write(|tx| tx.record_evidence(run, &module, &[finding(5, Verdict::Pending)]));
        let unfit = decide(&mut journal, "5", Verdict::Failed).unwrap_err();
        assert_eq!(unfit[0].state, Some(EntryState::Pending));
        let lost = journal.begin(&[5]);
        journal.lose(&lost);
        let unfit = decide(&mut journal, "5", Verdict::Failed).unwrap_err();
        assert_eq!((unfit[0].state, unfit[0].settled), (Some(EntryState::Unknown), None));
    }
}
