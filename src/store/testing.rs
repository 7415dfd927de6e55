//! Journals for tests, made through the store's own functions: every row has its event.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::answer::RawAnswer;
use crate::domain::call::{CallItem, CallKind, PreparedBatch};
use crate::domain::entropy::SeededEntropy;
use crate::domain::event::{Returned, SourceKind, Unanswered};
use crate::domain::evidence::deletion::{Facts, SeenDeleted, SeenRecord};
use crate::domain::evidence::{Look, UNDECIDED};
use crate::domain::id::{EntryId, ModuleName, RecordId, RequestId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::outcome::{ItemResult, Judgement};
use crate::domain::policy::ApprovalPolicy;
use crate::domain::scope::{Action, Scope, Task};
use crate::domain::state::{Outcome, Verdict};
use crate::domain::target::{ApiOrigin, ApiVersion, DataCenter, Environment, Product, Target};
use crate::domain::time::Timestamp;
use crate::store::entry::NewItem;
use crate::store::full_snapshot::FullWanted;
use crate::store::queue::Picked;
use crate::store::reading::Finding;
use crate::store::recording::{InvalidRow, NewRequest, Recorded, RepeatedRow, RequestSource};
use crate::store::run::NewRun;
use crate::store::{Reader, Result, Store, WriteTx};

/// Zoho's id of the org of test journals.
pub(crate) const ORG: i64 = 410_405_000_000_000_099;
/// Zoho's id of the token's user of test journals.
pub(crate) const USER: i64 = 410_405_000_000_000_001;
/// Zoho's id of somebody else.
pub(crate) const OTHER: i64 = 410_405_000_000_000_002;

/// The `number`-th record of a test journal.
pub(crate) fn record(number: i64) -> RecordId {
    RecordId::from_stored(410_405_000_002_264_000 + number).unwrap()
}

/// A journal in a directory of its own, with a clock that only the test moves.
pub(crate) struct Journal {
    _place: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) now: Timestamp,
    pub(crate) run: Option<RunId>,
}

/// Files that a program of schema 1 made: the journal, its anchor, and the key under the journal's id.
pub(crate) fn schema_1(directory: &std::path::Path) -> PathBuf {
    use std::io::Read;
    const FILE: &[u8] = include_bytes!("../../tests/fixtures/schema1/journal.db.gz");
    const ANCHOR: &[u8] = include_bytes!("../../tests/fixtures/schema1/journal.db.anchor");
    const KEY: &[u8] = include_bytes!("../../tests/fixtures/schema1/journal.key");
    let mut file = Vec::new();
    flate2::read::GzDecoder::new(FILE).read_to_end(&mut file).unwrap();
    let keys = directory.join("keys");
    crate::platform::create_directory_private(&keys).unwrap();
    let files = [
        (directory.join("journal.db"), &*file),
        (directory.join("journal.db.anchor"), ANCHOR),
        (keys.join("1268744f11348efa0f28999fa9e5d38e"), KEY),
    ];
    for (path, bytes) in files {
        crate::platform::create_exclusive(&path, bytes, crate::platform::Sharing::OwnerOnly)
            .unwrap();
    }
    directory.join("journal.db")
}

impl Store {
    /// Writes an event as a program of an older schema does that has the journal open, too.
    pub(crate) fn write_as_older(&mut self, now: Timestamp) {
        self.transact(
            "an older program",
            now,
            |_, _| Ok(()),
            |tx| {
                let mut seals = crate::store::log::Seals::default();
                let recorded_by = seals.add(tx.entropy, "recorded_by", "ben")?;
                let event = crate::domain::event::NothingRecorded {
                    operation: crate::domain::scope::Operation::Delete,
                    module: "Leads".parse().unwrap(),
                    duplicates: 1,
                    recorded_by,
                };
                tx.append(event, seals)
            },
        )
        .unwrap();
    }
}

/// What a test asks for. Change what matters.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) product: Product,
    pub(crate) module: &'static str,
    pub(crate) workflows: bool,
    pub(crate) records: Vec<RecordId>,
    pub(crate) repeated: Vec<RepeatedRow>,
    pub(crate) invalid: Vec<InvalidRow>,
    pub(crate) again: bool,
    pub(crate) policy: ApprovalPolicy,
    pub(crate) requested_by: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) ticket: Option<&'static str>,
    pub(crate) full: Option<FullWanted>,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            product: Product::Crm,
            module: "Leads",
            workflows: true,
            records: Vec::new(),
            repeated: Vec::new(),
            invalid: Vec::new(),
            again: false,
            policy: ApprovalPolicy::Never,
            requested_by: "Anna",
            reason: "erasure request",
            ticket: Some("GDPR-17"),
            full: None,
        }
    }
}

impl Journal {
    /// An empty journal; it is 2026-11-22T10:00:00Z.
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("acme.db");
        std::fs::File::create(&path).unwrap();
        let store = Store::create(&path, Box::new(SeededEntropy::new(7))).unwrap();
        Self { _place: place, store, now: "2026-11-22T10:00:00Z".parse().unwrap(), run: None }
    }

    /// The file.
    pub(crate) fn path(&self) -> PathBuf {
        self.store.path().to_owned()
    }

    /// Opens it for looking.
    pub(crate) fn reader(&self) -> Reader {
        Reader::open(&self.path()).unwrap()
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    /// One write transaction.
    pub(crate) fn write<T>(&mut self, work: impl FnOnce(&mut WriteTx<'_>) -> Result<T>) -> T {
        self.store.write("a test", self.now, work).unwrap().0
    }

    /// Data centre, environment and origin.
    pub(crate) fn target() -> Target {
        Target {
            data_center: DataCenter::Eu,
            environment: Environment::Production,
            api_origin: ApiOrigin::loopback(),
        }
    }

    /// Records a deletion.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Recorded {
        let module: ModuleName = ask.module.parse().unwrap();
        let items: Vec<NewItem> = (2..)
            .zip(&ask.records)
            .map(|(row, target)| NewItem { parent: None, target: *target, row })
            .collect();
        let rows = ask.records.len() + ask.repeated.len() + ask.invalid.len();
        let source = RequestSource {
            kind: SourceKind::File,
            name: "leads.csv".to_owned(),
            sha256: Hash::of(b"leads"),
            column: Some("Record Id".to_owned()),
            rows: u64::try_from(rows).unwrap(),
        };
        let target = Self::target();
        self.write(|tx| {
            tx.record(&NewRequest {
                snapshot_records: false,
                full: ask.full.as_ref(),
                after: None,
                task: &Task::Delete,
                snapshot: true,
                module_id: None,
                product: ask.product,
                module: &module,
                workflows: ask.workflows,
                target: &target,
                items: &items,
                repeated: &ask.repeated,
                invalid: &ask.invalid,
                again: ask.again,
                policy: ask.policy.into(),
                not_before: None,
                valid_for: Duration::from_hours(30 * 24),
                source: &source,
                requested_by: ask.requested_by,
                recorded_by: "anna (uid 1000)",
                reason: ask.reason,
                ticket: ask.ticket,
                program: "zoho-journal/0.1.0",
            })
        })
    }

    /// Records the deletion of the records `first` to `last` of Leads.
    pub(crate) fn delete(&mut self, first: i64, last: i64) -> RequestId {
        let records = (first..=last).map(record).collect();
        self.ask(&Ask { records, ..Ask::default() }).request.unwrap()
    }

    /// Starts a run that knows org, user and the bin of Leads.
    pub(crate) fn start(&mut self, command: &str) -> RunId {
        let target = Self::target();
        let run = self.write(|tx| {
            let run = tx.start_run(&NewRun {
                command,
                program: "zoho-journal/0.1.0",
                policy: "never",
                target: &target,
                quarantine_ms: 120_000,
                operator: "anna (uid 1000) on desk, process 4711",
                arguments: "[]",
            })?;
            tx.bind(run, &target, RecordId::from_stored(ORG).unwrap())?;
            tx.see_user(run, RecordId::from_stored(USER), 0)?;
            tx.see_module(run, Product::Crm, &"Leads".parse().unwrap(), Some(true))?;
            Ok(run)
        });
        self.run = Some(run);
        run
    }

    /// Ends the run.
    pub(crate) fn end(&mut self, exit_code: u8) {
        let run = self.run.take().unwrap();
        self.write(|tx| tx.end_run(run, exit_code, 3, 3));
    }

    /// Records a batch of Leads that carries these entries.
    pub(crate) fn begin(&mut self, entries: &[i64]) -> PreparedBatch {
        self.begin_in(Product::Crm, "Leads", entries)
    }

    /// Records a batch of any module.
    pub(crate) fn begin_in(
        &mut self,
        product: Product,
        module: &str,
        entries: &[i64],
    ) -> PreparedBatch {
        let reader = self.reader();
        let items = entries
            .iter()
            .map(|entry| {
                let entry = EntryId::new(*entry);
                CallItem { entry, target: reader.entry(entry).unwrap().target.unwrap() }
            })
            .collect();
        drop(reader);
        let api_version = if product == Product::Crm { ApiVersion::V8 } else { ApiVersion::V2 };
        let kind = CallKind {
            scope: Scope { product, module: module.parse().unwrap(), action: Action::Delete },
            api_version,
            workflows: true,
            snapshot: true,
            module_id: None,
        };
        let run = self.run.unwrap();
        self.write(|tx| tx.begin_batch(run, Picked { kind, items, alone: false }, None)).committed()
    }

    /// Settles a batch with an answer of one item an entry: outcome, code, message.
    pub(crate) fn answer(&mut self, prepared: &PreparedBatch, results: &[(Outcome, &str, &str)]) {
        let (mut body, mut judged) = (br#"{"data":["#.to_vec(), Vec::new());
        for (position, (item, (outcome, code, message))) in
            prepared.items().iter().zip(results).enumerate()
        {
            if position > 0 {
                body.push(b',');
            }
            let start = body.len();
            let said = serde_json::json!({
                "code": code, "details": {"id": item.target}, "message": message,
            });
            body.extend(said.to_string().into_bytes());
            judged.push(ItemResult {
                outcome: *outcome,
                code: (*code).to_owned(),
                message: (*message).to_owned(),
                slice: Some(start..body.len()),
            });
        }
        body.extend(b"]}");
        let sent_at = self.now;
        self.pass(1);
        let raw = RawAnswer {
            http_status: 200,
            body,
            cut: false,
            date: None,
            retry_after: None,
            credits_remaining: None,
            sent_at,
            answered_at: self.now,
        };
        let judgement = Judgement {
            results: judged,
            share: None,
            complete: true,
            strangers: 0,
            repeated: 0,
            job: None,
            halt: None,
        };
        let run = self.run.unwrap();
        self.write(|tx| tx.settle_batch(run, prepared, &raw, &judgement));
    }

    /// Settles a batch with success for every item.
    pub(crate) fn succeed(&mut self, prepared: &PreparedBatch) {
        let results = vec![(Outcome::Done, "SUCCESS", "record deleted"); prepared.items().len()];
        self.answer(prepared, &results);
    }

    /// Lets a batch's call go without an answer.
    pub(crate) fn lose(&mut self, prepared: &PreparedBatch) {
        let (run, sent_at, batch) = (self.run.unwrap(), self.now, prepared.batch());
        self.pass(30);
        let why = Unanswered::NoAnswer;
        self.write(|tx| {
            tx.leave_unanswered(run, batch, Some(sent_at), sent_at, why, "the call timed out")
        });
    }

    /// Gives a batch back unsent.
    pub(crate) fn give_back(&mut self, prepared: &PreparedBatch) {
        let run = self.run.unwrap();
        self.write(|tx| tx.give_back(run, prepared, Returned::NotSent, "connection refused"));
    }

    /// Records evidence for entries of Leads.
    pub(crate) fn find(&mut self, findings: &[(i64, Verdict, &str, Facts)]) {
        let run = self.run.unwrap();
        let findings: Vec<Finding> = findings
            .iter()
            .map(|(entry, verdict, code, facts)| Finding {
                entry: EntryId::new(*entry),
                verdict: *verdict,
                code: (*code).to_owned(),
                facts: serde_json::to_string(facts).unwrap(),
            })
            .collect();
        self.write(|tx| tx.record_evidence(run, &"Leads".parse().unwrap(), &findings));
    }
}

/// The recycle bin shows the record as deleted by a user.
pub(crate) fn in_bin(by: i64, at: Timestamp) -> Facts {
    let seen = SeenDeleted { by: RecordId::from_stored(by), at: Some(at), permanent: false };
    Facts { bin: Look::Seen(seen), ..Facts::default() }
}

/// Neither bin nor list of deletions knows the record, and it can be read.
pub(crate) fn still_there() -> Facts {
    Facts {
        bin: Look::NotThere,
        deleted: Look::NotThere,
        record: Look::Seen(SeenRecord { modified: None }),
    }
}

/// R1: E1 done, E2 refused, E3 lost and found deleted by us, E4 deleted by somebody else, E5 undecided,
/// E6 in flight, E7 given back.
pub(crate) fn story() -> Journal {
    let mut journal = Journal::new();
    journal.delete(1, 7);
    journal.start("sync");
    let first = journal.begin(&[1, 2]);
    let locked = (Outcome::Failed, "RECORD_LOCKED", "the record is locked");
    journal.answer(&first, &[(Outcome::Done, "SUCCESS", "record deleted"), locked]);
    let sent = journal.now;
    let lost = journal.begin(&[3, 4, 5]);
    journal.lose(&lost);
    journal.pass(120);
    journal.find(&[
        (3, Verdict::Done, "", in_bin(USER, sent)),
        (4, Verdict::Absent, "", in_bin(OTHER, sent)),
        (5, Verdict::Undecided, UNDECIDED, still_there()),
    ]);
    let back = journal.begin(&[7]);
    journal.give_back(&back);
    drop(journal.begin(&[6]));
    journal
}
