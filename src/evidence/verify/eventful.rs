//! A journal in which everything happened that can happen, for tests.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use tempfile::TempDir;

use crate::domain::answer::RawAnswer;
use crate::domain::call::{CallItem, CallKind, PreparedBatch};
use crate::domain::entropy::SeededEntropy;
use crate::domain::event::{Returned, SourceKind, Unanswered};
use crate::domain::evidence::presence::ThingFacts;
use crate::domain::id::{BatchId, EntryId, ModuleName, RecordId, RequestId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::outcome::{ItemResult, Judgement};
use crate::domain::policy::ApprovalPolicy;
use crate::domain::ranges::EntryRanges;
use crate::domain::recheck::Found;
use crate::domain::scope::{Action, Scope, Task};
use crate::domain::state::{Outcome, Verdict};
use crate::domain::target::{ApiOrigin, ApiVersion, DataCenter, Environment, Product, Target};
use crate::domain::time::Timestamp;
use crate::evidence::handover;
use crate::evidence::key::JournalKey;
use crate::evidence::verify::adoptions::of_adoption;
use crate::evidence::verify::governed::of_decisions;
use crate::evidence::verify::other_operations::of_other_operations;
use crate::store::creation::{JournalId, NewJournal, NextKey};
use crate::store::entry::NewItem;
use crate::store::forgetting::NewErasure;
use crate::store::full_snapshot::FullWanted;
use crate::store::queue::Picked;
use crate::store::reading::Finding as Read;
use crate::store::recheck::Seen;
use crate::store::recording::{InvalidRow, NewRequest, RepeatedRow, RequestSource};
use crate::store::run::NewRun;
use crate::store::settling::NewDecision;
use crate::store::snapshot::Snapshot;
use crate::store::upgrade::Older;
use crate::store::{Reader, Result, Store, WriteTx};

pub(super) const RECORD: i64 = 410_405_000_002_264_000;

pub(super) fn record(number: i64) -> RecordId {
    RecordId::from_stored(RECORD + number).unwrap()
}

pub(super) fn leads() -> ModuleName {
    "Leads".parse().unwrap()
}

pub(super) fn target() -> Target {
    Target {
        data_center: DataCenter::Eu,
        environment: Environment::Production,
        api_origin: ApiOrigin::loopback(),
    }
}

/// A journal that the store itself writes, step by step.
pub(in crate::evidence) struct Journal {
    dir: TempDir,
    pub(super) store: Store,
    pub(super) millis: i64,
}

/// What is asked for, apart from what is always the same.
pub(super) struct Ask<'a> {
    pub(super) module: &'a str,
    pub(super) items: Vec<i64>,
    pub(super) repeated: &'a [RepeatedRow],
    pub(super) invalid: &'a [InvalidRow],
    pub(super) policy: ApprovalPolicy,
    pub(super) not_before: Option<Timestamp>,
    pub(super) full: Option<&'a FullWanted>,
}

pub(super) fn ask(module: &str, items: impl IntoIterator<Item = i64>) -> Ask<'_> {
    Ask {
        module,
        items: items.into_iter().collect(),
        repeated: &[],
        invalid: &[],
        policy: ApprovalPolicy::Never,
        not_before: None,
        full: None,
    }
}

impl Journal {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        std::fs::File::create_new(&path).unwrap();
        let store = Store::create(&path, Box::new(SeededEntropy::new(1))).unwrap();
        let mut journal = Self { dir, store, millis: 1_760_000_000_000 };
        let new = NewJournal {
            journal: JournalId::new([7; 16]),
            key: &signing_key(3).verifier().to_string(),
            program: "test/1",
            created_by: "ops on host",
        };
        journal.write(|tx| tx.create_journal(&new));
        journal
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("journal.db")
    }

    pub(in crate::evidence) fn reader(&self) -> Reader {
        Reader::open(&self.path()).unwrap()
    }

    pub(super) fn write<T>(&mut self, work: impl FnOnce(&mut WriteTx<'_>) -> Result<T>) -> T {
        self.millis += 1000;
        let now = Timestamp::from_millis(self.millis);
        self.store.write("testing", now, work).unwrap().0
    }

    pub(super) fn record(&mut self, ask: &Ask<'_>) -> Option<RequestId> {
        let module: ModuleName = ask.module.parse().unwrap();
        let items: Vec<NewItem> = (2..)
            .zip(&ask.items)
            .map(|(row, number)| NewItem { parent: None, target: record(*number), row })
            .collect();
        let source = RequestSource {
            kind: SourceKind::File,
            name: "leads.csv".to_owned(),
            sha256: Hash::of(b"file"),
            column: Some("Record Id".to_owned()),
            rows: 99,
        };
        let new = NewRequest {
            snapshot_records: false,
            full: ask.full,
            after: None,
            task: &Task::Delete,
            snapshot: true,
            module_id: None,
            product: Product::Crm,
            module: &module,
            workflows: ask.not_before.is_none(),
            target: &target(),
            items: &items,
            repeated: ask.repeated,
            invalid: ask.invalid,
            again: false,
            policy: ask.policy.into(),
            not_before: ask.not_before,
            valid_for: Duration::from_hours(24),
            source: &source,
            requested_by: "ann",
            recorded_by: "ann (uid 1000)",
            reason: "asked by the person",
            ticket: Some("T-1"),
            program: "test/1",
        };
        self.write(|tx| tx.record(&new)).request
    }

    /// Records items, each with its parent, and without any flags.
    pub(super) fn record_task(
        &mut self,
        task: &Task,
        items: &[(Option<i64>, i64)],
        module_id: Option<RecordId>,
    ) -> RequestId {
        let items: Vec<NewItem> = (2..)
            .zip(items)
            .map(|(row, (parent, number))| NewItem {
                parent: parent.map(record),
                target: record(*number),
                row,
            })
            .collect();
        let source = RequestSource {
            kind: SourceKind::Arguments,
            name: "arguments".to_owned(),
            sha256: Hash::of(b"ids"),
            column: Some("Record Id".to_owned()),
            rows: 9,
        };
        let new = NewRequest {
            snapshot_records: false,
            full: None,
            after: None,
            task,
            product: Product::Crm,
            module: &leads(),
            workflows: true,
            snapshot: module_id.is_none() || task.tags().is_some(),
            module_id,
            target: &target(),
            items: &items,
            repeated: &[],
            invalid: &[],
            again: false,
            policy: ApprovalPolicy::Never.into(),
            not_before: None,
            valid_for: Duration::from_hours(24),
            source: &source,
            requested_by: "ann",
            recorded_by: "ann (uid 1000)",
            reason: "asked by the person",
            ticket: Some("T-2"),
            program: "test/1",
        };
        self.write(|tx| tx.record(&new)).request.unwrap()
    }

    pub(super) fn snapshot(&mut self, run: RunId, read: &[(i64, ThingFacts)]) {
        let snapshots: Vec<Snapshot> = read
            .iter()
            .map(|(entry, facts)| Snapshot {
                entry: EntryId::new(*entry),
                facts: facts.clone(),
                settles: facts.never_there(true),
            })
            .collect();
        self.write(|tx| tx.take_snapshot(run, &leads(), &snapshots));
    }

    /// The answer that accepts a job.
    pub(super) fn accept(&mut self, run: RunId, batch: &PreparedBatch, job: &str) {
        let sent_at = Timestamp::from_millis(self.millis + 5);
        let body = format!(
            r#"{{"code":"SCHEDULED","details":{{"job_id":"{job}"}},"message":"tags scheduled successfully","status":"success"}}"#
        );
        let raw = RawAnswer {
            http_status: 202,
            body: body.into_bytes(),
            cut: false,
            date: None,
            retry_after: None,
            credits_remaining: None,
            sent_at,
            answered_at: sent_at,
        };
        let queued = flat(Outcome::Queued, "SCHEDULED", "tags scheduled successfully");
        let judgement = Judgement {
            results: vec![queued; batch.items().len()],
            share: None,
            complete: true,
            strangers: 0,
            repeated: 0,
            job: Some(job.to_owned()),
            halt: None,
        };
        self.write(|tx| tx.settle_batch(run, batch, &raw, &judgement));
    }

    pub(super) fn start_run(&mut self, user: Option<i64>) -> RunId {
        let new = NewRun {
            command: "sync",
            program: "test/1",
            policy: "never",
            target: &target(),
            quarantine_ms: 120_000,
            operator: "ann on host",
            arguments: "[\"--yes\"]",
        };
        let run = self.write(|tx| tx.start_run(&new));
        let org = record(900);
        self.write(|tx| tx.bind(run, &target(), org));
        self.write(|tx| tx.see_user(run, user.map(record), -250));
        self.write(|tx| tx.see_module(run, Product::Crm, &leads(), Some(true)));
        run
    }

    pub(super) fn begin(
        &mut self,
        run: RunId,
        entries: impl IntoIterator<Item = i64>,
        seen: Option<&str>,
    ) -> PreparedBatch {
        let entries: EntryRanges = entries.into_iter().map(EntryId::new).collect();
        let reader = self.reader();
        let items = entries
            .iter()
            .map(|entry| {
                let mut target = None;
                reader.audit().each_item((entry, entry), |row| target = row.target).unwrap();
                let target = RecordId::from_stored(target.unwrap()).unwrap();
                CallItem { entry, target }
            })
            .collect();
        let seen = seen.map(|seen| seen.parse().unwrap());
        let picked = Picked { kind: kind(Action::Delete), items, alone: false };
        self.write(|tx| tx.begin_batch(run, picked, seen)).committed()
    }

    pub(super) fn begin_as(
        &mut self,
        run: RunId,
        action: Action,
        entries: std::ops::RangeInclusive<i64>,
    ) -> PreparedBatch {
        let reader = self.reader();
        let items = entries
            .map(|entry| {
                let entry = EntryId::new(entry);
                let mut target = None;
                reader.audit().each_item((entry, entry), |row| target = row.target).unwrap();
                CallItem { entry, target: RecordId::from_stored(target.unwrap()).unwrap() }
            })
            .collect();
        let picked = Picked { kind: kind(action), items, alone: false };
        self.write(|tx| tx.begin_batch(run, picked, None)).committed()
    }

    /// Settles a batch with an answer of items: outcome, code and message of each; `None` leaves it out.
    pub(super) fn settle(&mut self, run: RunId, batch: &PreparedBatch, said: &[Said<'_>]) {
        let mut body = "{\"data\":[".to_owned();
        let mut results = Vec::new();
        for (item, (outcome, words)) in batch.items().iter().zip(said) {
            let mut result = ItemResult {
                outcome: *outcome,
                code: String::new(),
                message: String::new(),
                slice: None,
            };
            if let Some((code, message)) = words {
                if !body.ends_with('[') {
                    body.push(',');
                }
                let slice = serde_json::json!({
                    "code": code, "details": {"id": item.target.to_string()}, "message": message,
                });
                let start = body.len();
                body.push_str(&slice.to_string());
                result.slice = Some(Range { start, end: body.len() });
                (result.code, result.message) = ((*code).to_owned(), (*message).to_owned());
            }
            results.push(result);
        }
        body.push_str("]}");
        self.settle_raw(run, batch, (207, true), body, results, None);
    }

    pub(super) fn settle_raw(
        &mut self,
        run: RunId,
        batch: &PreparedBatch,
        (http_status, complete): (u16, bool),
        body: String,
        results: Vec<ItemResult>,
        share: Option<u32>,
    ) {
        let sent_at = Timestamp::from_millis(self.millis + 5);
        let raw = RawAnswer {
            http_status,
            body: body.into_bytes(),
            cut: false,
            date: None,
            retry_after: None,
            credits_remaining: None,
            sent_at,
            answered_at: sent_at,
        };
        let judgement = Judgement {
            results,
            share,
            complete,
            strangers: 0,
            repeated: 0,
            job: None,
            halt: None,
        };
        self.write(|tx| tx.settle_batch(run, batch, &raw, &judgement));
    }

    /// A person settles what reads left undecided.
    pub(super) fn decide(
        &mut self,
        entries: impl IntoIterator<Item = i64>,
        verdict: Verdict,
        ticket: Option<&str>,
    ) {
        let entries = entries.into_iter().map(EntryId::new).collect();
        let decision = NewDecision {
            entries: &entries,
            verdict,
            settled_by: "bert",
            recorded_by: "ann (uid 1000)",
            reason: "seen in the audit log",
            ticket,
            program: "test/1",
        };
        assert_eq!(self.write(|tx| tx.settle(&decision)), Ok(()));
    }

    /// Entries are forgotten, of some events all and of some a part.
    pub(super) fn forget(&mut self, entries: &str) {
        let entries = entries.parse().unwrap();
        let new = NewErasure {
            entries: &entries,
            even_restorable: true,
            forgotten_by: "zoe",
            recorded_by: "zoe (uid 1002)",
            reason: "asked for by the person",
            ticket: Some("DSR-7"),
            program: "test/1",
        };
        assert_eq!(self.write(|tx| tx.forget(&new, None)).unwrap().entries, entries);
    }

    pub(super) fn read(&mut self, run: RunId, found: &[(i64, Verdict, &str)]) {
        let findings: Vec<Read> = found
            .iter()
            .map(|(entry, verdict, code)| Read {
                entry: EntryId::new(*entry),
                verdict: *verdict,
                code: (*code).to_owned(),
                facts: format!("{{\"bin\":\"not_there\",\"record\":\"{entry}\"}}"),
            })
            .collect();
        self.write(|tx| tx.record_evidence(run, &leads(), &findings));
    }
}

pub(super) type Said<'a> = (Outcome, Option<(&'a str, &'a str)>);

pub(super) const DONE: Said<'_> = (Outcome::Done, Some(("SUCCESS", "record deleted")));
pub(super) const LOCKED: Said<'_> =
    (Outcome::Failed, Some(("RECORD_LOCKED", "the record is locked")));
pub(super) const LEFT_OUT: Said<'_> = (Outcome::Unknown, None);

pub(super) fn flat(outcome: Outcome, code: &str, message: &str) -> ItemResult {
    let (code, message) = (code.to_owned(), message.to_owned());
    ItemResult { outcome, code, message, slice: None }
}

pub(super) fn kind(action: Action) -> CallKind {
    let scope = Scope { product: Product::Crm, module: leads(), action };
    let module_id = Some(record(902));
    CallKind { scope, api_version: ApiVersion::V8, workflows: true, snapshot: true, module_id }
}

/// The keys that the journal has had: number 3, which was lost, then 1, then 2.
pub(in crate::evidence) fn signing_key(number: u8) -> JournalKey {
    JournalKey::from_seed(JournalId::new([7; 16]), &Zeroizing::new([number; 32])).unwrap()
}

/// A lost key is replaced, and that one rotated.
fn rotate(journal: &mut Journal) {
    let (old, new) = (signing_key(1), signing_key(2));
    let handover = handover::sign(&old, &new).unwrap().to_string();
    let (old, new) = (old.verifier().to_string(), new.verifier().to_string());
    journal.write(|tx| tx.replace_key(&old, "test/1", "ops"));
    journal.write(|tx| {
        tx.rotate_key(&NextKey {
            old: &old,
            new: &new,
            handover: &handover,
            reason: "the laptop is old",
            program: "test/1",
            replaced_by: "ops",
        })
    });
}

fn look_again(journal: &mut Journal, run: RunId) {
    let seen = [(1, Found::InBin), (2, Found::Back), (15, Found::Erased), (18, Found::NotSeen)];
    let seen = seen.map(|(entry, found)| Seen {
        entry: EntryId::new(entry),
        found,
        facts: format!("{{\"record\":\"{found}\"}}"),
    });
    journal.write(|tx| tx.record_recheck(run, &leads(), &seen));
}

/// A journal in which everything happened that can happen.
pub(in crate::evidence) fn eventful() -> Journal {
    let mut journal = forgotten();
    of_adoption(&mut journal);
    journal
}

/// The same before it was adopted and moved.
pub(in crate::evidence) fn forgotten() -> Journal {
    let mut journal = unforgotten();
    journal.forget(FORGOTTEN);
    journal
}

/// The entries that [`eventful`] has forgotten.
pub(in crate::evidence) const FORGOTTEN: &str = "1,3,16,21,27";

/// The same while nothing was forgotten.
pub(in crate::evidence) fn unforgotten() -> Journal {
    let mut journal = Journal::new();
    let repeated = [RepeatedRow { parent: None, line: 30, target: record(3) }];
    let invalid = [InvalidRow { line: 31, value: "12".to_owned(), reason: "2 digits".to_owned() }];
    journal.record(&Ask { repeated: &repeated, invalid: &invalid, ..ask("Leads", 1..=9) });
    let later = Some(Timestamp::from_millis(1_770_000_000_000));
    let waits =
        Ask { policy: ApprovalPolicy::Always, not_before: later, ..ask("Contacts", 20..=22) };
    journal.record(&waits);
    assert_eq!(journal.record(&ask("Leads", 1..=2)), None);
    // Entries 13 to 20; record 9 is open in the first request.
    let second = journal.record(&ask("Leads", 9..=17)).unwrap();
    rotate(&mut journal);
    let to = journal.reader().audit().schema().unwrap();
    journal.write(|tx| tx.note_upgrade(Older { from: to - 1, to }, "test/1", "ops"));

    let run = journal.start_run(Some(901));
    journal.write(|tx| tx.see_module(run, Product::Crm, &"Contacts".parse().unwrap(), None));
    let mixed = journal.begin(run, 1..=4, None);
    journal.settle(run, &mixed, &[DONE, LOCKED, LEFT_OUT, DONE]);
    // The call as a whole is refused over one item: it is named, and the others go back.
    let refused = journal.begin(run, 5..=7, Some("5-7"));
    let body = r#"{"code":"NOT_APPROVED","details":{},"message":"not approved","status":"error"}"#;
    let culprit = flat(Outcome::Failed, "NOT_APPROVED", "not approved");
    let returned = flat(Outcome::Returned, "", "");
    let some = vec![returned.clone(), culprit, returned.clone()];
    journal.settle_raw(run, &refused, (400, true), body.to_owned(), some, None);
    // Over an item that is not named: the batch is halved.
    let halved = journal.begin(run, [5, 7, 8, 9], None);
    journal.settle_raw(run, &halved, (400, true), body.to_owned(), vec![returned; 4], Some(2));
    let small = journal.begin(run, [5], None);
    journal.settle(run, &small, &[DONE]);

    let lost = journal.begin(run, 13..=16, None);
    let before = Timestamp::from_millis(journal.millis + 900);
    journal.write(|tx| {
        tx.leave_unanswered(run, lost.batch(), None, before, Unanswered::NoAnswer, "timed out")
    });
    let gateway = journal.begin(run, 17..=18, None);
    let unknown = flat(Outcome::Unknown, "", "");
    let page = "<html>bad gateway</html>".to_owned();
    journal.settle_raw(run, &gateway, (502, false), page, vec![unknown; 2], None);
    let unsent = journal.begin(run, 19..=20, None);
    journal.write(|tx| tx.give_back(run, &unsent, Returned::NotSent, "no connection"));
    journal.read(
        run,
        &[
            (3, Verdict::Done, ""),
            (13, Verdict::Absent, ""),
            (14, Verdict::Pending, ""),
            (15, Verdict::Undecided, "UNDECIDED"),
            (17, Verdict::Failed, "INTERNAL_ERROR"),
        ],
    );
    journal.write(|tx| tx.reopen(run, None, &|code| code == "RECORD_LOCKED"));
    journal.write(|tx| tx.park(run, second, 100));
    journal.write(|tx| tx.end_run(run, 4, 31, 62));

    let run = journal.start_run(None);
    journal.write(|tx| tx.unpark(run, second));
    journal.read(run, &[(16, Verdict::Done, "")]);
    journal.write(|tx| tx.park(run, second, 101));
    // The process dies over this one.
    drop(journal.begin(run, [2, 6 + 1], None));
    let run = journal.start_run(Some(901));
    let before = Timestamp::from_millis(journal.millis);
    let died = Unanswered::RunDied;
    let batch = BatchId::new(8);
    journal.write(|tx| tx.leave_unanswered(run, batch, Some(before), before, died, "died"));
    of_other_operations(&mut journal, run);
    // No read could decide, and a person does: with a ticket, and for two requests' entries without one.
    journal.decide([15], Verdict::Done, Some("T-9"));
    let open = Verdict::Undecided;
    journal.read(run, &[(7, open, "UNDECIDED"), (18, open, "UNDECIDED")]);
    journal.decide([7, 18], Verdict::Failed, None);
    look_again(&mut journal, run);
    drop(journal.begin(run, [14], None));
    of_decisions(&mut journal);
    journal
}
