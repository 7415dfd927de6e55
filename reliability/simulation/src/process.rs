//! Processes of the program: a run, a request being recorded. Each can die at any operation of its disk.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use journal_disk::ProcessId;
use secrecy::SecretString;
use tokio::sync::futures::OwnedNotified;
use tokio::sync::watch;
use zoho_journal::clock::{Clock, Steady};
use zoho_journal::domain::calls::{Limits, Versions};
use zoho_journal::domain::entropy::SeededEntropy;
use zoho_journal::domain::event::SourceKind;
use zoho_journal::domain::id::EntryId;
use zoho_journal::domain::merkle::Hash;
use zoho_journal::domain::policy::ApprovalPolicy;
use zoho_journal::domain::ranges::EntryRanges;
use zoho_journal::domain::scope::Task;
use zoho_journal::domain::state::Verdict;
use zoho_journal::domain::target::{ApiVersion, Product};
use zoho_journal::evidence::keeper::{Keeper, KeeperError, Operator, Publisher, lock_path};
use zoho_journal::platform::{Holder, OsLock, Sharing};
use zoho_journal::reconcile::Parts;
use zoho_journal::reconcile::options::{Progress, Reporter, RunKind, RunOptions, Summary};
use zoho_journal::store::Head;
use zoho_journal::store::entry::NewItem;
use zoho_journal::store::recording::{NewRequest, Recorded, RequestSource};
use zoho_journal::store::settling::NewDecision;
use zoho_journal::store::writer::Place;
use zoho_journal::zoho::ZohoClient;
use zoho_journal::zoho::token::FixedToken;

use crate::connection::Connection;
use crate::ledger::Promise;
use crate::network::Line;
use crate::world::World;

/// How long a call without an answer may take effect, as the program is told.
pub const QUARANTINE: Duration = Duration::from_mins(2);

/// How a process ended.
#[derive(Debug)]
pub enum Ended<T> {
    /// By itself.
    With(T),
    /// It died.
    Died,
}

/// A process while it lives. Whatever it does between two looks at the world is done as that process.
#[expect(missing_debug_implementations, reason = "a future has nothing to show")]
pub struct Living<F> {
    world: Arc<World>,
    process: ProcessId,
    silenced: Pin<Box<OwnedNotified>>,
    // Dropped as soon as the process is dead: a dead process holds nothing.
    doing: Option<Pin<Box<F>>>,
}

impl<F: Future> Living<F> {
    /// Begins a process that does this.
    pub fn new(world: &Arc<World>, process: ProcessId, doing: F) -> Self {
        let silenced = Box::pin(Arc::clone(&world.silenced).notified_owned());
        Self { world: Arc::clone(world), process, silenced, doing: Some(Box::pin(doing)) }
    }
}

impl<F: Future> Future for Living<F> {
    type Output = Ended<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(doing) = &mut this.doing else { return Poll::Ready(Ended::Died) };
        let polled = if this.world.disk.is_alive(this.process) {
            let _inside = this.world.disk.enter(this.process);
            doing.as_mut().poll(context)
        } else {
            Poll::Pending
        };
        if !this.world.disk.is_alive(this.process) {
            this.doing = None;
            return Poll::Ready(Ended::Died);
        }
        // It may die in a task of its own, all of whose others wait for that one.
        while this.silenced.as_mut().poll(context).is_ready() {
            this.silenced.set(Arc::clone(&this.world.silenced).notified_owned());
        }
        polled.map(Ended::With)
    }
}

/// A request that somebody asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The module.
    pub module: &'static str,
    /// What is to be done.
    pub task: Task,
    /// Parents, of an unlink, and ids.
    pub items: Vec<(Option<u64>, u64)>,
    /// Whether what is there is read first.
    pub snapshot: bool,
    /// Whether what an open entry covers is recorded all the same.
    pub again: bool,
    /// Whether somebody else has to approve.
    pub policy: ApprovalPolicy,
}

/// Who uses the program.
pub(crate) fn by() -> Operator<'static> {
    Operator { account: "ops", program: "simulation" }
}

/// `journal delete` and its like.
pub async fn record(world: &Arc<World>, seed: u64, ask: &Ask) -> Result<Recorded, KeeperError> {
    let now = world.clock.now();
    let mut keeper = Keeper::open(world.db(), Box::new(SeededEntropy::new(seed)), by(), now)?;
    // Two short transactions of two processes may meet here.
    tokio::task::yield_now().await;
    let record = |id: u64| {
        let id = i64::try_from(id).ok().and_then(zoho_journal::domain::id::RecordId::from_stored);
        id.expect("the simulator makes ids that there can be")
    };
    let mut items: Vec<NewItem> = (1..)
        .zip(&ask.items)
        .map(|(row, (parent, id))| NewItem { parent: parent.map(record), target: record(*id), row })
        .collect();
    items.sort_by_key(|item| (item.parent, item.target));
    items.dedup_by_key(|item| (item.parent, item.target));
    let module = ask.module.parse().expect("a module's name");
    let source = RequestSource {
        kind: SourceKind::Arguments,
        name: "command line".to_owned(),
        sha256: Hash::of(b""),
        column: None,
        rows: u64::try_from(items.len()).unwrap_or(0),
    };
    let target = world.target();
    let new = NewRequest {
        snapshot_records: false,
        full: None,
        after: None,
        task: &ask.task,
        snapshot: ask.snapshot,
        module_id: None,
        product: Product::Crm,
        module: &module,
        workflows: true,
        target: &target,
        items: &items,
        repeated: &[],
        invalid: &[],
        again: ask.again,
        policy: ask.policy.into(),
        not_before: None,
        valid_for: Duration::from_hours(24 * 365 * 50),
        source: &source,
        requested_by: "anna",
        recorded_by: "ops",
        reason: "simulated",
        ticket: None,
        program: "simulation",
    };
    let now = world.clock.now();
    keeper.write("recording the request", now, |tx| tx.record(&new))
}

/// Acknowledges what was recorded.
pub fn acknowledge(world: &World, recorded: &Recorded) {
    if let Some(request) = recorded.request {
        let entries = recorded.entries;
        if recorded.awaiting_approval {
            world.ledger().orders.awaits(request);
            world.count("requests that wait for approval");
        }
        world.ledger().promises.push(Promise { request, entries });
        world.count("requests acknowledged");
    }
}

/// `journal settle`, by somebody who knows.
pub fn settle(world: &World, seed: u64, entry: EntryId, verdict: Verdict) -> Result<(), String> {
    let now = world.clock.now();
    let keeper = Keeper::open(world.db(), Box::new(SeededEntropy::new(seed)), by(), now);
    let mut keeper = keeper.map_err(|error| error.to_string())?;
    let entries: EntryRanges = std::iter::once(entry).collect();
    let decision = NewDecision {
        entries: &entries,
        verdict,
        settled_by: "anna",
        recorded_by: "ops",
        reason: "seen in Zoho's audit log",
        ticket: None,
        program: "simulation",
    };
    let settled = keeper.write("settling entries", now, |tx| tx.settle(&decision));
    match settled.map_err(|error| error.to_string())? {
        Ok(()) => Ok(()),
        Err(unfit) => Err(format!("{unfit:?}")),
    }
}

/// How a run is to go.
#[derive(Debug, Clone)]
pub struct Run {
    /// `sync` or `replay`.
    pub kind: RunKind,
    /// How many calls go side by side.
    pub concurrency: usize,
    /// How long it waits in all.
    pub wait: Duration,
    /// How many items a call carries at most.
    pub items_per_call: usize,
    /// The version of the CRM's API.
    pub version: ApiVersion,
    /// Where its random bytes come from.
    pub seed: u64,
}

/// How often the anchor follows in the program.
const PUBLISH_EVERY: Duration = Duration::from_secs(2);

/// What came of a run.
#[derive(Debug)]
pub enum Ran {
    /// Another run is on.
    Locked,
    /// It ended.
    Ended(Box<Summary>),
}

struct Nobody;

impl Reporter for Nobody {
    fn tell(&self, _: &Progress) {}
}

/// Counts runs that are on, also where they die.
struct On<'a>(&'a World);

impl Drop for On<'_> {
    fn drop(&mut self) {
        self.0.ledger().runs_on -= 1;
    }
}

/// `journal sync` and `journal replay`.
pub async fn run(world: &Arc<World>, process: ProcessId, run: &Run) -> Result<Ran, String> {
    let now = world.clock.now();
    let note = Holder::this_process(run.kind.command(), now);
    let lock = OsLock::try_acquire(&lock_path(world.db()), Sharing::OwnerOnly, &note);
    let Some(lock) = lock.map_err(|error| error.to_string())? else {
        world.count("runs that found another one on");
        return Ok(Ran::Locked);
    };
    {
        let mut ledger = world.ledger();
        if ledger.runs_on > 0 && !ledger.lock_taken_away {
            ledger.violation("two runs were on at once");
        }
        ledger.runs_on += 1;
    }
    let _on = On(world);
    world.count("runs");
    let entropy = Box::new(SeededEntropy::new(run.seed));
    let keeper = Keeper::open_for_run(world.db(), &lock, entropy, by(), now)
        .map_err(|error| error.to_string())?;
    let (store, publisher) = keeper.into_run();
    // As the program does it, or with each commit: then nothing at all may be lost of what was committed.
    let every = if run.seed.is_multiple_of(2) { Duration::ZERO } else { PUBLISH_EVERY };
    let publisher =
        Arc::new(Mutex::new(Publishing { publisher, failed: None, left: None, last: None }));
    let publishing = Arc::clone(&publisher);
    let passing = world.clock.clone();
    let clock = Arc::new(Steady::start(world.clock.clone()));
    let line = Line { world: Arc::clone(world), process };
    let token = FixedToken::new(&SecretString::from(world.zoho.access_token()))
        .map_err(|error| error.to_string())?;
    let client = ZohoClient::over(line, world.endpoint(), Arc::new(token), Arc::clone(&clock));
    let (_keep, interrupt) = watch::channel(0);
    let parts = Parts {
        store,
        on_commit: Box::new(move |head| {
            let mut publishing = publishing.lock().unwrap_or_else(PoisonError::into_inner);
            publishing.left = Some(head);
            let now = passing.elapsed();
            if publishing.last.is_none_or(|last| now.saturating_sub(last) >= every) {
                publishing.last = Some(now);
                publishing.publish();
            }
        }),
        writing: Place::Task,
        zoho: Arc::new(Connection::new(client, Arc::clone(&clock))),
        clock,
        reporter: Arc::new(Nobody),
        interrupt,
    };
    let ended = zoho_journal::reconcile::run(parts, options(world, run), |_| 0).await;
    let unpublished = {
        let mut publisher = publisher.lock().unwrap_or_else(PoisonError::into_inner);
        publisher.publish();
        publisher.failed.take()
    };
    drop(lock);
    if let Some(error) = unpublished {
        return Err(error.to_string());
    }
    ended.map(|summary| Ran::Ended(Box::new(summary))).map_err(|error| error.to_string())
}

/// The anchor follows the commits: nothing that it says may be lost.
struct Publishing {
    publisher: Publisher,
    failed: Option<KeeperError>,
    /// What is still to be published.
    left: Option<Head>,
    last: Option<Duration>,
}

impl Publishing {
    fn publish(&mut self) {
        if let Some(head) = self.left.take()
            && let Err(error) = self.publisher.publish(head)
        {
            self.failed.get_or_insert(error);
        }
    }
}

fn options(world: &World, run: &Run) -> RunOptions {
    RunOptions {
        limits: Limits { items_per_call: run.items_per_call, ..Limits::default() },
        kind: run.kind,
        db: world.db.clone(),
        target: world.target(),
        versions: Versions { crm: run.version, bigin: ApiVersion::V2 },
        wanted: None,
        codes: Vec::new(),
        recheck: None,
        max_entries: 100_000,
        max_calls: None,
        max_credits: None,
        daily_credits: None,
        concurrency: run.concurrency,
        wait: run.wait,
        quarantine: QUARANTINE,
        max_failures: 1000,
        policy: ApprovalPolicy::Never.into(),
        program: "simulation".to_owned(),
        operator: "{}".to_owned(),
        arguments: "[]".to_owned(),
    }
}
