//! The writes: each with what must be there for it, and what it writes.

use std::time::Duration;

use secrecy::zeroize::Zeroizing;

use super::Write;
use crate::domain::answer::RawAnswer;
use crate::domain::call::{CallItem, CallKind, PreparedBatch};
use crate::domain::event::{JobEnding, Returned, SourceKind, Unanswered};
use crate::domain::id::{BatchId, EntryId, ModuleName, RecordId, RequestId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::outcome::{ItemResult, Judgement};
use crate::domain::policy::ApprovalPolicy;
use crate::domain::ranges::EntryRanges;
use crate::domain::recheck::Found;
use crate::domain::scope::{Action, Scope, Task};
use crate::domain::state::{Outcome, Verdict};
use crate::domain::target::{ApiVersion, Product};
use crate::domain::time::Timestamp;
use crate::evidence::handover;
use crate::evidence::key::JournalKey;
use crate::store::creation::{JournalId, NewJournal, NextKey};
use crate::store::entry::NewItem;
use crate::store::forgetting::NewErasure;
use crate::store::query::stories;
use crate::store::queue::Picked;
use crate::store::reading::Finding;
use crate::store::recheck::Seen;
use crate::store::recording::{InvalidRow, NewRequest, RepeatedRow, RequestSource};
use crate::store::run::NewRun;
use crate::store::settling::NewDecision;
use crate::store::testing::{Ask, Journal, ORG, USER, record, still_there};
use crate::store::{Result, WriteTx};

/// When calls are sent.
const SENT: &str = "2026-11-22T10:00:00Z";

/// A write of several rows.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// Brings a journal to where the write can be made.
    pub(super) prepare: fn(&mut Journal) -> Write,
    /// What it writes besides the event and the head.
    pub(super) writes: &'static str,
}

impl Case {
    /// A journal where the write can be made, and the write.
    pub(super) fn ready(&self) -> (Journal, Write) {
        // The first event of all is a case of its own.
        let mut journal = if self.name == FIRST { Journal::new() } else { created() };
        let write = (self.prepare)(&mut journal);
        (journal, write)
    }
}

const FIRST: &str = "create_journal";

/// Writes of whoever has the journal open.
pub(super) const ANYBODY: &[Case] = &[
    Case { name: FIRST, prepare: create_journal, writes: "sealed insert" },
    Case { name: "replace_key", prepare: replace_key, writes: "node insert, sealed insert" },
    Case { name: "rotate_key", prepare: rotate_key, writes: "node insert, sealed insert" },
    Case {
        name: "record, the first one",
        prepare: record_first,
        writes: "binding insert, entry insert, node insert, rejected insert, request insert, \
                 scope insert, sealed insert, secret insert, tally insert, tally update",
    },
    Case {
        name: "record, some of it covered",
        prepare: record_covered,
        writes: "entry insert, node insert, rejected insert, request insert, sealed insert, \
                 secret insert, tally insert, tally update",
    },
    Case { name: "record_nothing", prepare: record_nothing, writes: "node insert, sealed insert" },
    Case {
        name: "settle",
        prepare: settle,
        writes: "entry update, evidence insert, node insert, reading insert, sealed insert, \
                 tally insert, tally update",
    },
    Case {
        name: "forget",
        prepare: forget,
        writes: "answer update, attempt update, entry update, erasure insert, evidence update, \
                 node insert, pruned insert, rejected update, said insert, sealed insert, \
                 sealed update, secret delete, secret insert, sweep insert",
    },
    Case {
        name: "start_run",
        prepare: start_run,
        writes: "node insert, run insert, sealed insert",
    },
];

/// Writes of a run.
pub(super) const OF_A_RUN: &[Case] = &[
    Case { name: "bind", prepare: bind, writes: "binding update, node insert, sealed insert" },
    Case { name: "see_user", prepare: see_user, writes: "node insert, run update, sealed insert" },
    Case { name: "see_module", prepare: see_module, writes: "module insert, node insert" },
    Case {
        name: "see_module, again",
        prepare: see_module_again,
        writes: "module update, node insert",
    },
    Case {
        name: "begin_batch",
        prepare: begin_batch,
        writes: "batch insert, entry update, node insert, share delete, tally update, \
                 template insert",
    },
    Case {
        name: "settle_batch",
        prepare: settle_batch,
        writes: "answer insert, attempt insert, batch update, entry update, node insert, \
                 said insert, sealed insert, share insert, tally insert, tally update",
    },
    Case {
        name: "settle_batch, a job",
        prepare: settle_batch_job,
        writes: "answer insert, attempt insert, batch update, entry update, job insert, \
                 node insert, said insert, sealed insert, tally insert, tally update",
    },
    Case { name: "end_job", prepare: end_job, writes: "job update, node insert" },
    Case {
        name: "leave_unanswered",
        prepare: leave_unanswered,
        writes: "attempt insert, batch update, entry update, node insert, said insert, \
                 sealed insert, tally insert, tally update",
    },
    Case {
        name: "give_back",
        prepare: give_back,
        writes: "attempt insert, batch update, entry update, node insert, said insert, \
                 sealed insert, tally update",
    },
    Case {
        name: "record_evidence",
        prepare: record_evidence,
        writes: "entry update, evidence insert, node insert, reading insert, tally insert, \
                 tally update",
    },
    Case {
        name: "record_recheck",
        prepare: record_recheck,
        writes: "node insert, reading insert, recheck insert",
    },
    Case {
        name: "take_snapshot",
        prepare: take_snapshot,
        writes: "entry update, node insert, reading insert, snapshot insert, tally insert, \
                 tally update",
    },
    Case {
        name: "pin_module",
        prepare: pin_module,
        writes: "node insert, request update, sealed insert",
    },
    Case { name: "reopen", prepare: reopen, writes: "entry update, node insert, tally update" },
    Case { name: "park", prepare: park, writes: "node insert, request update" },
    Case { name: "unpark", prepare: unpark, writes: "node insert, request update" },
    Case { name: "end_run", prepare: end_run, writes: "node insert, run update" },
];

fn leads() -> ModuleName {
    "Leads".parse().unwrap()
}

fn org() -> RecordId {
    RecordId::from_stored(ORG).unwrap()
}

/// A journal that has its first event.
pub(super) fn created() -> Journal {
    let mut journal = Journal::new();
    let create = create_journal(&mut journal);
    journal.write(|tx| create(tx));
    journal
}

/// Makes the number of events odd, by one that changes nothing else: the next one completes a node.
pub(super) fn pad(journal: &mut Journal) {
    if journal.store.head().unwrap().size.is_multiple_of(2) {
        journal.ask(&Ask::default());
    }
}

fn create_journal(_journal: &mut Journal) -> Write {
    Box::new(|tx| {
        let (key, program) = ("journal+0123abcd+key", "zoho-journal/0.1.0");
        let journal = JournalId::new([7; 16]);
        tx.create_journal(&NewJournal { journal, key, program, created_by: "anna" })
    })
}

fn replace_key(journal: &mut Journal) -> Write {
    pad(journal);
    Box::new(|tx| tx.replace_key("journal+4567abcd+key", "zoho-journal/0.1.0", "anna").map(drop))
}

fn rotate_key(journal: &mut Journal) -> Write {
    let key =
        |seed| JournalKey::from_seed(JournalId::new([7; 16]), &Zeroizing::new([seed; 32])).unwrap();
    let (old, new) = (key(1), key(2));
    let handover = handover::sign(&old, &new).unwrap().to_string();
    let (old, new) = (old.verifier().to_string(), new.verifier().to_string());
    journal.write(|tx| tx.replace_key(&old, "zoho-journal/0.1.0", "anna").map(drop));
    pad(journal);
    Box::new(move |tx| {
        tx.rotate_key(&NextKey {
            old: &old,
            new: &new,
            handover: &handover,
            reason: "old",
            program: "zoho-journal/0.1.0",
            replaced_by: "anna",
        })
    })
}

/// Records the deletion of Leads, with a row that repeats the first and one that is not an id.
pub(super) fn recording(first: i64, last: i64) -> Write {
    let (module, target) = (leads(), Journal::target());
    let items: Vec<NewItem> = (first..=last)
        .map(|number| NewItem { parent: None, target: record(number), row: number + 1 })
        .collect();
    let repeated = [RepeatedRow { parent: None, line: 900_000, target: record(first) }];
    let invalid = [InvalidRow {
        line: 900_001,
        value: "=HYPERLINK(\"http://x\")".to_owned(),
        reason: "not an id".to_owned(),
    }];
    let source = RequestSource {
        kind: SourceKind::File,
        name: "leads.csv".to_owned(),
        sha256: Hash::of(b"leads"),
        column: Some("Record Id".to_owned()),
        rows: u64::try_from(items.len()).unwrap() + 2,
    };
    Box::new(move |tx| {
        tx.record(&NewRequest {
            snapshot_records: false,
            full: None,
            after: None,
            task: &Task::Delete,
            snapshot: true,
            module_id: None,
            product: Product::Crm,
            module: &module,
            workflows: true,
            target: &target,
            items: &items,
            repeated: &repeated,
            invalid: &invalid,
            again: false,
            policy: ApprovalPolicy::Never.into(),
            not_before: None,
            valid_for: Duration::from_hours(30 * 24),
            source: &source,
            requested_by: "Anna",
            recorded_by: "anna (uid 1000)",
            reason: "erasure request",
            ticket: Some("GDPR-17"),
            program: "zoho-journal/0.1.0",
        })
        .map(drop)
    })
}

fn record_first(journal: &mut Journal) -> Write {
    pad(journal);
    recording(1, 3)
}

fn record_covered(journal: &mut Journal) -> Write {
    journal.delete(2, 3);
    pad(journal);
    recording(1, 5)
}

fn record_nothing(journal: &mut Journal) -> Write {
    journal.delete(1, 3);
    pad(journal);
    recording(1, 3)
}

/// Starts a run that knows nothing of Zoho yet.
pub(super) fn start(tx: &mut WriteTx<'_>) -> Result<RunId> {
    tx.start_run(&NewRun {
        command: "sync",
        program: "zoho-journal/0.1.0",
        policy: "never",
        target: &Journal::target(),
        quarantine_ms: 120_000,
        operator: "anna (uid 1000) on desk, process 4711",
        arguments: "[]",
    })
}

fn start_run(journal: &mut Journal) -> Write {
    journal.delete(1, 3);
    pad(journal);
    Box::new(|tx| start(tx).map(drop))
}

/// Four Leads to delete, and a run that has not met Zoho yet.
fn started(journal: &mut Journal) -> RunId {
    journal.delete(1, 4);
    let run = journal.write(start);
    pad(journal);
    run
}

fn bind(journal: &mut Journal) -> Write {
    let run = started(journal);
    Box::new(move |tx| tx.bind(run, &Journal::target(), org()))
}

fn see_user(journal: &mut Journal) -> Write {
    let run = started(journal);
    Box::new(move |tx| tx.see_user(run, RecordId::from_stored(USER), -250))
}

fn see_module(journal: &mut Journal) -> Write {
    let run = started(journal);
    Box::new(move |tx| tx.see_module(run, Product::Crm, &leads(), Some(true)))
}

fn see_module_again(journal: &mut Journal) -> Write {
    let run = started(journal);
    journal.write(|tx| tx.see_module(run, Product::Crm, &leads(), None));
    pad(journal);
    Box::new(move |tx| tx.see_module(run, Product::Crm, &leads(), Some(false)))
}

/// Four Leads under way in the first batch of a run.
pub(super) fn under_way(journal: &mut Journal) -> (RunId, PreparedBatch) {
    journal.delete(1, 4);
    let run = journal.start("sync");
    (run, journal.begin(&[1, 2, 3, 4]))
}

/// The entries, picked for a call of their own.
pub(super) fn picked(entries: &[i64]) -> Picked {
    let item = |entry: &i64| CallItem { entry: EntryId::new(*entry), target: record(*entry) };
    Picked {
        kind: CallKind {
            scope: Scope { product: Product::Crm, module: leads(), action: Action::Delete },
            api_version: ApiVersion::V8,
            workflows: false,
            snapshot: true,
            module_id: None,
        },
        items: entries.iter().map(item).collect(),
        alone: false,
    }
}

fn begin_batch(journal: &mut Journal) -> Write {
    let (run, prepared) = under_way(journal);
    let refused = settling(run, prepared, [Outcome::Returned; 4], Some(2), "");
    journal.write(|tx| refused(tx));
    // The counts are there already, of states that entries were in before.
    pad(journal);
    Box::new(move |tx| {
        let seen = EntryRanges::span(EntryId::new(1), EntryId::new(1));
        tx.begin_batch(run, picked(&[1, 2]), Some(seen)).map(drop)
    })
}

/// An answer to a batch that came at once, as it came and as it is judged. `more` stands beside its items.
pub(super) fn answer(
    prepared: &PreparedBatch,
    outcomes: [Outcome; 4],
    share: Option<u32>,
    more: &str,
) -> (RawAnswer, Judgement) {
    let (mut body, mut results) = (format!(r#"{{"info":"{more}","data":["#), Vec::new());
    for (item, outcome) in prepared.items().iter().zip(outcomes) {
        let (code, message) = (format!("{outcome:?}").to_uppercase(), "what Zoho says".to_owned());
        let start = body.len() + usize::from(!results.is_empty());
        let said = serde_json::json!({
            "code": code, "details": {"id": item.target}, "message": message,
        });
        body.push_str(if results.is_empty() { "" } else { "," });
        body.push_str(&said.to_string());
        results.push(ItemResult { outcome, code, message, slice: Some(start..body.len()) });
    }
    body.push_str("]}");
    let raw = RawAnswer {
        http_status: 200,
        body: body.into_bytes(),
        cut: false,
        date: None,
        retry_after: None,
        credits_remaining: None,
        sent_at: SENT.parse().unwrap(),
        answered_at: SENT.parse().unwrap(),
    };
    let judgement = Judgement {
        results,
        share,
        complete: true,
        strangers: 0,
        repeated: 0,
        job: None,
        halt: None,
    };
    (raw, judgement)
}

/// Settles a batch of four.
pub(super) fn settling(
    run: RunId,
    prepared: PreparedBatch,
    outcomes: [Outcome; 4],
    share: Option<u32>,
    more: &str,
) -> Write {
    let (raw, judgement) = answer(&prepared, outcomes, share, more);
    Box::new(move |tx| tx.settle_batch(run, &prepared, &raw, &judgement))
}

fn settle_batch(journal: &mut Journal) -> Write {
    let (run, prepared) = under_way(journal);
    pad(journal);
    let outcomes = [Outcome::Done, Outcome::Failed, Outcome::Unknown, Outcome::Returned];
    settling(run, prepared, outcomes, Some(1), "")
}

/// Three tags of Leads to delete, with the module's id pinned and the first two in a call.
fn job_under_way(journal: &mut Journal) -> (RunId, PreparedBatch) {
    let request = journal.wish(&stories::delete_tags(&[201, 202, 203]));
    let run = journal.start("sync");
    journal.pin(request, record(900));
    (run, journal.carry(&[1, 2], Some(record(900))))
}

fn settle_batch_job(journal: &mut Journal) -> Write {
    let (run, prepared) = job_under_way(journal);
    pad(journal);
    let (outcome, body) = ((Outcome::Queued, Some(stories::JOB)), stories::scheduled(stories::JOB));
    let (raw, judgement) = stories::whole(&prepared, 202, &body, outcome, journal.now);
    Box::new(move |tx| tx.settle_batch(run, &prepared, &raw, &judgement))
}

fn end_job(journal: &mut Journal) -> Write {
    let (run, prepared) = job_under_way(journal);
    journal.accept(&prepared, stories::JOB);
    pad(journal);
    let counts = [Some(2), Some(1), Some(1)];
    Box::new(move |tx| tx.end_job(run, prepared.batch(), JobEnding::Completed, counts))
}

/// Of two records one carries the tag; the other one never did, which settles its entry.
fn take_snapshot(journal: &mut Journal) -> Write {
    journal.wish(&stories::untag(&["Prime"], &[1, 2]));
    let run = journal.start("sync");
    pad(journal);
    let facts = [(1, stories::carries(&["Prime"], None)), (2, stories::carries(&[], None))];
    let snapshots = stories::snapshots(&facts);
    assert_eq!(snapshots.iter().map(|one| one.settles).collect::<Vec<_>>(), [false, true]);
    Box::new(move |tx| tx.take_snapshot(run, &leads(), &snapshots))
}

fn pin_module(journal: &mut Journal) -> Write {
    let request = journal.wish(&stories::delete_tags(&[201, 202]));
    let run = journal.start("sync");
    pad(journal);
    Box::new(move |tx| tx.pin_module(run, request, record(900)))
}

fn losing(run: RunId, batch: BatchId) -> Write {
    let sent: Timestamp = SENT.parse().unwrap();
    Box::new(move |tx| {
        let why = Unanswered::NoAnswer;
        tx.leave_unanswered(run, batch, Some(sent), sent, why, "the call timed out")
    })
}

fn leave_unanswered(journal: &mut Journal) -> Write {
    let (run, prepared) = under_way(journal);
    pad(journal);
    losing(run, prepared.batch())
}

fn give_back(journal: &mut Journal) -> Write {
    let (run, prepared) = under_way(journal);
    pad(journal);
    Box::new(move |tx| tx.give_back(run, &prepared, Returned::NotSent, "connection refused"))
}

fn record_recheck(journal: &mut Journal) -> Write {
    journal.delete(1, 3);
    let run = journal.start("recheck");
    pad(journal);
    let seen: Vec<Seen> = (1..=3)
        .zip([Found::InBin, Found::Back, Found::Erased])
        .map(|(entry, found)| Seen { entry: EntryId::new(entry), found, facts: "{}".to_owned() })
        .collect();
    Box::new(move |tx| tx.record_recheck(run, &leads(), &seen))
}

fn record_evidence(journal: &mut Journal) -> Write {
    let (run, prepared) = under_way(journal);
    journal.lose(&prepared);
    pad(journal);
    let facts = serde_json::to_string(&still_there()).unwrap();
    let verdicts = [Verdict::Done, Verdict::Absent, Verdict::Pending, Verdict::Undecided];
    let findings: Vec<Finding> = (1..)
        .zip(verdicts)
        .map(|(entry, verdict)| Finding {
            entry: EntryId::new(entry),
            verdict,
            code: String::new(),
            facts: facts.clone(),
        })
        .collect();
    Box::new(move |tx| tx.record_evidence(run, &leads(), &findings).map(drop))
}

/// Of four entries two were left undecided, and a person decides.
fn settle(journal: &mut Journal) -> Write {
    let (_, prepared) = under_way(journal);
    journal.lose(&prepared);
    let undecided = |entry| (entry, Verdict::Undecided, "UNDECIDED", still_there());
    journal.find(&[undecided(2), undecided(4)]);
    pad(journal);
    let entries: EntryRanges = [2, 4].into_iter().map(EntryId::new).collect();
    Box::new(move |tx| {
        let decision = NewDecision {
            entries: &entries,
            verdict: Verdict::Done,
            settled_by: "Bert",
            recorded_by: "anna (uid 1000)",
            reason: "Zoho's audit log shows it",
            ticket: Some("OPS-9"),
            program: "zoho-journal/0.1.0",
        };
        tx.settle(&decision).map(|settled| assert_eq!(settled, Ok(())))
    })
}

fn reopen(journal: &mut Journal) -> Write {
    let (run, prepared) = under_way(journal);
    let refused = settling(run, prepared, [Outcome::Failed; 4], None, "");
    journal.write(|tx| refused(tx));
    pad(journal);
    Box::new(move |tx| tx.reopen(run, None, &|code| code == "FAILED").map(drop))
}

fn park(journal: &mut Journal) -> Write {
    let run = started(journal);
    Box::new(move |tx| tx.park(run, RequestId::new(1), 100))
}

fn unpark(journal: &mut Journal) -> Write {
    let run = started(journal);
    journal.write(|tx| tx.park(run, RequestId::new(1), 100));
    pad(journal);
    Box::new(move |tx| tx.unpark(run, RequestId::new(1)).map(drop))
}

fn end_run(journal: &mut Journal) -> Write {
    let run = started(journal);
    Box::new(move |tx| tx.end_run(run, 0, 3, 3))
}

/// Of two Leads the first is forgotten, of a request of one everything, and with it a row that names it.
fn forget(journal: &mut Journal) -> Write {
    journal.write(|tx| recording(1, 2)(tx));
    journal.ask(&Ask { records: vec![record(1)], again: true, ..Ask::default() });
    journal.start("sync");
    let done = journal.begin(&[1, 2]);
    journal.succeed(&done);
    let lost = journal.begin(&[3]);
    journal.lose(&lost);
    let sent = journal.now;
    journal.find(&[(3, Verdict::Done, "", crate::store::testing::in_bin(USER, sent))]);
    pad(journal);
    forgetting("1,3")
}

/// Forgets these entries.
pub(super) fn forgetting(entries: &'static str) -> Write {
    Box::new(move |tx| {
        let new = NewErasure {
            entries: &entries.parse().unwrap(),
            even_restorable: true,
            forgotten_by: "Zoe",
            recorded_by: "zoe (uid 1002)",
            reason: "erasure request",
            ticket: Some("DSR-7"),
            program: "zoho-journal/0.1.0",
        };
        tx.forget(&new, None).map(|decided| drop(decided.unwrap()))
    })
}
