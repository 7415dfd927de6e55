//! A journal, a simulated Zoho, and the engine between them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tempfile::TempDir;
use tokio::sync::watch;
use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::domain::calls::{Limits, Versions};
use zoho_journal::domain::entropy::SeededEntropy;
use zoho_journal::domain::event::SourceKind;
use zoho_journal::domain::id::{ModuleName, RecordId, RequestId};
use zoho_journal::domain::merkle::Hash;
use zoho_journal::domain::policy::ApprovalPolicy;
use zoho_journal::domain::scope::{Operation, TagSet, Task};
use zoho_journal::domain::state::EntryState;
use zoho_journal::domain::target::{ApiVersion, DataCenter, Environment, Product, Target};
use zoho_journal::evidence::keeper::{Keeper, Operator};
use zoho_journal::evidence::verify::check_journal;
use zoho_journal::reconcile::Parts;
use zoho_journal::reconcile::options::{
    Progress, Reporter, RunError, RunKind, RunOptions, Summary,
};
use zoho_journal::simulator::{Config, EffectKind, Fault, RequestSeen, Simulator, Snapshot};
use zoho_journal::store::entry::NewItem;
use zoho_journal::store::recording::{NewRequest, Recorded, RequestSource};
use zoho_journal::store::writer::Place;
use zoho_journal::store::{Reader, Store};
use zoho_journal::zoho::{Endpoint, Zoho, ZohoClient, install_crypto};

/// What a run told while it went.
#[derive(Default)]
pub struct Told {
    after_contact: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Reporter for Told {
    fn tell(&self, progress: &Progress) {
        if let Progress::Contact { .. } = progress
            && let Some(work) = self.after_contact.lock().unwrap().take()
        {
            work();
        }
    }
}

/// A Zoho that wastes no time: late effects and jobs are over at once.
pub fn config(records: &[(&str, usize)]) -> Config {
    let records = records.iter().map(|(module, count)| ((*module).to_owned(), *count)).collect();
    Config {
        records,
        delay_ms: 1,
        late_ms: 1,
        retry_after_s: 0,
        job_scheduled_ms: 0,
        job_running_ms: 0,
        max_url_bytes: 16_384,
        ..Config::default()
    }
}

/// Runs this for each fault at a time, each on its own thread: most of the time is spent waiting, for time-outs
/// and for what was asked to wait. Faults that stop a run have tests of their own.
pub fn for_each_fault<F: Future<Output = ()>>(meet: impl Fn(Fault) -> F + Send + Sync) {
    let stopping = [
        Fault::Scope,
        Fault::NoPermission,
        Fault::ExpiredToken,
        Fault::ReadForbidden,
        Fault::ReadExpiredToken,
        Fault::ReadScope,
    ];
    let meet = &meet;
    std::thread::scope(|threads| {
        for fault in Fault::ALL.into_iter().filter(|fault| !stopping.contains(fault)) {
            threads.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(meet(fault));
            });
        }
    });
}

pub struct World {
    /// Goes with the world.
    _dir: TempDir,
    pub db: PathBuf,
    pub zoho: Simulator,
    pub told: Arc<Told>,
    seed: u64,
}

impl World {
    /// A Zoho with so many leads, and an empty journal.
    pub fn new(leads: usize) -> Self {
        Self::with(Config { records: vec![("Leads".to_owned(), leads)], ..Config::default() })
    }

    pub fn with(config: Config) -> Self {
        install_crypto();
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("journal.db");
        let by = Operator { account: "ops", program: "test" };
        let entropy = Box::new(SeededEntropy::new(1));
        drop(Keeper::init(&db, None, entropy, by, SystemClock.now()).unwrap());
        let zoho = Simulator::start(config).unwrap();
        Self { _dir: dir, db, zoho, told: Arc::default(), seed: 1 }
    }

    pub fn leads(&self) -> Vec<u64> {
        self.live("Leads")
    }

    /// The records of a module that are there.
    pub fn live(&self, module: &str) -> Vec<u64> {
        self.zoho.snapshot().modules[module].live.clone()
    }

    pub fn target(&self) -> Target {
        Target {
            data_center: DataCenter::Us,
            environment: Environment::Production,
            api_origin: self.endpoint().origin().clone(),
        }
    }

    fn endpoint(&self) -> Endpoint {
        let url = self.zoho.api_url();
        Endpoint::new(DataCenter::Us, Environment::Production, Some(&url), None).unwrap()
    }

    pub fn store(&mut self) -> Store {
        self.seed += 1;
        Store::open(&self.db, Box::new(SeededEntropy::new(self.seed))).unwrap()
    }

    pub fn reader(&self) -> Reader {
        Reader::open(&self.db).unwrap()
    }

    pub fn record(&mut self, module: &str, ids: &[u64]) -> RequestId {
        self.try_record(module, ids, false).request.unwrap()
    }

    pub fn try_record(&mut self, module: &str, ids: &[u64], again: bool) -> Recorded {
        let ask = Ask::new(module, Task::Delete, ids);
        record_into(self.store(), &self.target(), &ask, again)
    }

    /// Records any request.
    pub fn ask(&mut self, ask: &Ask<'_>) -> RequestId {
        record_into(self.store(), &self.target(), ask, false).request.unwrap()
    }

    /// The same, also for what an open entry covers.
    pub fn ask_again(&mut self, ask: &Ask<'_>) -> RequestId {
        record_into(self.store(), &self.target(), ask, true).request.unwrap()
    }

    /// Has another process record a request as soon as the next run has met its org.
    pub fn record_after_contact(&mut self, module: &str, ids: &[u64]) {
        let (store, target) = (self.store(), self.target());
        let (module, ids) = (module.to_owned(), ids.to_vec());
        self.after_contact(move || {
            record_into(store, &target, &Ask::new(&module, Task::Delete, &ids), false);
        });
    }

    /// Does something as soon as the next run has met its org.
    pub fn after_contact(&self, work: impl FnOnce() + Send + 'static) {
        *self.told.after_contact.lock().unwrap() = Some(Box::new(work));
    }

    pub fn options(&self) -> RunOptions {
        RunOptions {
            limits: Limits::default(),
            kind: RunKind::Sync,
            db: self.db.clone(),
            target: self.target(),
            versions: Versions { crm: ApiVersion::V8, bigin: ApiVersion::V2 },
            wanted: None,
            codes: Vec::new(),
            recheck: None,
            max_entries: 100_000,
            max_calls: None,
            max_credits: None,
            daily_credits: None,
            concurrency: 4,
            wait: Duration::from_secs(20),
            quarantine: Duration::from_millis(1),
            max_failures: 100,
            policy: ApprovalPolicy::Never.into(),
            program: "test".to_owned(),
            operator: "{}".to_owned(),
            arguments: "[]".to_owned(),
        }
    }

    pub async fn sync(&mut self) -> Summary {
        let options = self.options();
        self.run(options).await.unwrap()
    }

    pub async fn replay(&mut self) -> Summary {
        let options = RunOptions { kind: RunKind::Replay, ..self.options() };
        self.run(options).await.unwrap()
    }

    pub async fn run(&mut self, options: RunOptions) -> Result<Summary, RunError> {
        let zoho = self.client();
        self.run_on(zoho, SystemClock, options).await
    }

    /// A client of this Zoho.
    pub fn client(&self) -> ZohoClient<SystemClock> {
        self.client_on(Arc::new(SystemClock))
    }

    /// The same on any clock.
    pub fn client_on<C: Clock>(&self, clock: Arc<C>) -> ZohoClient<C> {
        let token = SecretString::from(self.zoho.access_token());
        let timeout = Duration::from_secs(2);
        ZohoClient::new(self.endpoint(), &token, timeout, clock).unwrap()
    }

    /// A run through somebody in the middle, on any clock.
    pub async fn run_on<Z: Zoho, C: Clock>(
        &mut self,
        zoho: Z,
        clock: C,
        options: RunOptions,
    ) -> Result<Summary, RunError> {
        let (_keep, interrupt) = watch::channel(0);
        let store = self.store();
        let told: Arc<dyn Reporter> = Arc::clone(&self.told) as Arc<dyn Reporter>;
        let parts = Parts {
            store,
            on_commit: Box::new(|_| ()),
            writing: Place::Thread,
            zoho: Arc::new(zoho),
            clock: Arc::new(clock),
            reporter: told,
            interrupt,
        };
        zoho_journal::reconcile::run(parts, options, |_| 0).await
    }

    /// How many entries stand in each state, as `done 3, failed 1`.
    pub fn states(&self) -> String {
        let totals: BTreeMap<EntryState, u64> =
            self.reader().totals().unwrap().into_iter().filter(|(_, n)| *n > 0).collect();
        let words: Vec<String> =
            totals.iter().map(|(state, entries)| format!("{state} {entries}")).collect();
        words.join(", ")
    }
}

/// Every entry of a journal, through a plain SQLite client.
fn entries(db: &Path) -> Vec<Row> {
    use rusqlite::{Connection, OpenFlags};
    let conn = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = conn
        .prepare(
            "SELECT e.id, e.target, w.name, s.operation, s.parent, s.module, s.tags FROM entry e
                 JOIN word w ON w.kind = 'state' AND w.number = e.state
                 JOIN scope s ON s.id = e.scope ORDER BY e.id",
        )
        .unwrap();
    let rows = statement.query_map([], |row| {
        Ok(Row {
            entry: row.get(0)?,
            id: row.get::<_, i64>(1)?.cast_unsigned(),
            state: row.get::<_, String>(2)?.parse().unwrap(),
            operation: row.get::<_, String>(3)?.parse().unwrap(),
            parent: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
            module: row.get(5)?,
            tags: row
                .get::<_, Option<String>>(6)?
                .map(|tags| serde_json::from_str(&tags).unwrap())
                .unwrap_or_default(),
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// A journal tells the truth about Zoho, item by item.
#[track_caller]
pub fn agree(db: &Path, simulator: &Simulator) {
    // The log folds to the same states, and everything else follows from it.
    check_journal(&Reader::open(db).unwrap()).unwrap();
    let (zoho, calls) = (simulator.snapshot(), simulator.requests());
    let entries = entries(db);
    let mut done_by: BTreeMap<_, usize> = BTreeMap::new();
    for row in entries.iter().filter(|row| row.state == EntryState::Done) {
        *done_by.entry(row.thing()).or_default() += 1;
    }
    for row in entries {
        let (entry, id, state, operation) = (row.entry, row.id, row.state, row.operation);
        let by_us = calls_that_did(&zoho, &calls, &row);
        let done = done_by.get(&row.thing()).copied().unwrap_or(0);
        assert!(by_us <= 1, "{operation} E{entry} ({id}) was done {by_us} times by our calls");
        assert!(
            done <= by_us,
            "{operation} E{entry} ({id}) is {state}, and no call of ours did it"
        );
        match state {
            // Its call may have taken effect; nobody claims to know.
            EntryState::Unknown | EntryState::InFlight | EntryState::Queued => {}
            EntryState::Absent => {
                let live = operation == Operation::Delete && zoho.is_live(id);
                assert!(!live, "E{entry} ({id}) is absent, and Zoho has it");
                assert_eq!(by_us, done, "E{entry} ({id}) is absent, and our call did it");
            }
            EntryState::AwaitingApproval
            | EntryState::Pending
            | EntryState::Done
            | EntryState::Failed
            | EntryState::Held
            | EntryState::Cancelled => {
                assert_eq!(
                    by_us, done,
                    "{operation} E{entry} ({id}) is {state}, and our call did it"
                );
            }
        }
    }
}

/// How many of our calls did to an entry's thing what it asks for.
fn calls_that_did(zoho: &Snapshot, calls: &[RequestSeen], row: &Row) -> usize {
    let effects = zoho.effects_of(row.id).iter().filter(|effect| {
        effect.request.is_some_and(|number| {
            let call = calls.iter().find(|call| call.number == number).unwrap();
            match row.operation {
                Operation::Delete | Operation::DeleteTags => effect.kind == EffectKind::Deleted,
                Operation::Untag => {
                    // A tag that was deleted since has no name any more: it was one of these unless it is
                    // another one that is there.
                    let tags = zoho.tags.get(&row.module);
                    let other = |tag: u64| {
                        tags.is_some_and(|tags| {
                            tags.iter().any(|(name, id)| *id == tag && !row.tags.contains(name))
                        })
                    };
                    call.url.contains("remove_tags")
                        && matches!(effect.kind, EffectKind::Untagged(tag) if !other(tag))
                }
                Operation::Unlink => {
                    row.parent.is_some_and(|parent| effect.kind == EffectKind::Unlinked(parent))
                }
                // What comes back is compared as a whole, state by state.
                Operation::Restore
                | Operation::Retag
                | Operation::Relink
                | Operation::RecreateTags => false,
            }
        })
    });
    // One call may take several tags off a record.
    effects.filter_map(|effect| effect.request).collect::<BTreeSet<u64>>().len()
}

impl World {
    /// The journal tells the truth about Zoho, item by item.
    #[track_caller]
    pub fn agrees(&self) {
        agree(&self.db, &self.zoho);
    }

    /// How many entries no read could decide.
    pub fn undecided(&self) -> u64 {
        self.reader().undecided(None).unwrap()
    }

    /// How many write calls reached Zoho.
    pub fn writes(&self) -> usize {
        self.zoho.requests().iter().filter(|one| one.is_write).count()
    }
}

impl World {
    /// Runs with a quarantine that nobody waits for: what got no answer stays unknown.
    pub async fn sync_until_unknown(&mut self) {
        let options = RunOptions {
            quarantine: Duration::from_mins(1),
            wait: Duration::ZERO,
            ..self.options()
        };
        self.run(options).await.unwrap();
    }
}

/// An entry as it stands in the file.
pub struct Row {
    pub entry: i64,
    pub id: u64,
    pub state: EntryState,
    pub operation: Operation,
    pub parent: Option<u64>,
    pub module: String,
    pub tags: Vec<String>,
}

impl Row {
    fn thing(&self) -> (Operation, Option<u64>, Vec<String>, u64) {
        (self.operation, self.parent, self.tags.clone(), self.id)
    }
}

/// What is asked for.
pub struct Ask<'a> {
    pub product: Product,
    pub module: &'a str,
    pub task: Task,
    /// Parents, of an unlink, and ids.
    pub items: Vec<(Option<u64>, u64)>,
    pub snapshot: bool,
}

impl<'a> Ask<'a> {
    pub fn new(module: &'a str, task: Task, ids: &[u64]) -> Self {
        let items = ids.iter().map(|id| (None, *id)).collect();
        Self { product: Product::Crm, module, task, items, snapshot: true }
    }

    pub fn untag(module: &'a str, tags: &[&str], ids: &[u64]) -> Self {
        let tags = TagSet::new(tags.iter().map(|tag| tag.parse().unwrap())).unwrap();
        Self::new(module, Task::Untag(tags), ids)
    }

    pub fn unlink(module: &'a str, parent: u64, list: &str, ids: &[u64]) -> Self {
        let items = ids.iter().map(|id| (Some(parent), *id)).collect();
        Self { items, ..Self::new(module, Task::Unlink(list.parse().unwrap()), &[]) }
    }
}

fn record_id(id: u64) -> RecordId {
    RecordId::from_stored(i64::try_from(id).unwrap()).unwrap()
}

pub fn record_into(mut store: Store, target: &Target, ask: &Ask<'_>, again: bool) -> Recorded {
    let module: ModuleName = ask.module.parse().unwrap();
    let mut items: Vec<NewItem> = (1..)
        .zip(&ask.items)
        .map(|(row, (parent, id))| NewItem {
            parent: parent.map(record_id),
            target: record_id(*id),
            row,
        })
        .collect();
    items.sort_by_key(|item| (item.parent, item.target));
    let source = RequestSource {
        kind: SourceKind::Arguments,
        name: "command line".to_owned(),
        sha256: Hash::of(b""),
        column: None,
        rows: u64::try_from(items.len()).unwrap(),
    };
    let new = NewRequest {
        snapshot_records: false,
        full: None,
        after: None,
        task: &ask.task,
        snapshot: ask.snapshot,
        module_id: None,
        product: ask.product,
        module: &module,
        workflows: true,
        target,
        items: &items,
        repeated: &[],
        invalid: &[],
        again,
        policy: ApprovalPolicy::Never.into(),
        not_before: None,
        valid_for: Duration::from_hours(720),
        source: &source,
        requested_by: "anna",
        recorded_by: "ops",
        reason: "test",
        ticket: Some("T-1"),
        program: "test",
    };
    let now = SystemClock.now();
    store.write("recording", now, |tx| tx.record(&new)).unwrap().0
}
