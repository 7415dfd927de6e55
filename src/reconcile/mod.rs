//! THE ENGINE: the only place that joins store, zoho and clock. A live run and a replay are the same path.
//!
//! 1. In one transaction: the run starts, batches that a dead run left open become unknown, a replay takes
//!    refused entries up again, the cap is checked. 2. Org, user and modules are read and recorded.
//! 3. What is unknown is read. 4. What is pending is sent. Both again until nothing is left that can be
//!    settled now. 5. The run ends with an event.

mod before;
pub(crate) mod budget;
mod comeback;
mod contact;
mod full;
mod gate;
mod jobs;
mod look;
pub mod options;
mod recheck;
mod resolve;
mod shared;
mod sign_in;
mod state;
mod submit;
mod tagged;
mod waiting;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::event::{NeedCause, Unanswered};
use crate::domain::id::{ModuleName, RequestId, RunId};
use crate::domain::limits::SEND_WITHIN;
use crate::domain::pace::Pace;
use crate::domain::plan::{Plan, RequestOverview, Rules, Waiting, plan};
use crate::domain::ranges::EntryRanges;
use crate::domain::recheck::Found;
use crate::domain::state::EntryState;
use crate::domain::target::Product;
use crate::domain::time::Timestamp;
use crate::domain::usage::{DailyBudget, Window};
use crate::reconcile::budget::Budget;
use crate::reconcile::jobs::Polls;
use crate::reconcile::options::{
    Progress, Reporter, RunError, RunKind, RunOptions, Summary, takes_up,
};
use crate::reconcile::resolve::Resolved;
pub use crate::reconcile::shared::Interrupt;
use crate::reconcile::shared::{Seams, Shared};
use crate::reconcile::state::State;
use crate::store::job::Job;
use crate::store::query::Blocked;
use crate::store::run::NewRun;
use crate::store::writer::{ClaimRules, Meter, OnCommit, Place, Writer, Writing};
use crate::store::{Reader, Store, StoreError};
use crate::zoho::{CONNECT_TIMEOUT, Zoho};

/// How long to wait before a source is asked again that did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Rounds without any progress after which the run ends, whatever the clock says.
const MAX_IDLE_ROUNDS: u32 = 50;

/// What the first transaction of a run found.
struct Begun {
    run: RunId,
    requests: Vec<RequestOverview>,
    plan: Plan,
    left_open: u64,
    reopened: u64,
    /// The only requests whose entries this run sends: what was counted, capped and confirmed. Requests
    /// that are recorded or come due while it goes on are the next run's business.
    mine: HashSet<RequestId>,
    /// Their entries that are held or wait for approval: nobody has confirmed that this run sends them.
    not_mine: EntryRanges,
    /// Requests whose pending entries need an approval since this run looked.
    withheld: Vec<(RequestId, NeedCause)>,
}

/// What the engine joins.
pub struct Parts<Z, C> {
    /// The journal.
    pub store: Store,
    /// Told of each commit, so that the anchor can follow.
    pub on_commit: OnCommit,
    /// Where the writing to the journal is done.
    pub writing: Place,
    /// Zoho.
    pub zoho: Arc<Z>,
    /// The clock.
    pub clock: Arc<C>,
    /// Told how the run goes.
    pub reporter: Arc<dyn Reporter>,
    /// How the user stops the run.
    pub interrupt: Interrupt,
}

impl<Z, C> std::fmt::Debug for Parts<Z, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Runs the reconciler. The caller holds the lock that makes it the only one.
pub async fn run<Z: Zoho, C: Clock>(
    parts: Parts<Z, C>,
    options: RunOptions,
    exit_code: impl Fn(&Summary) -> u8,
) -> Result<Summary, RunError> {
    let Parts { mut store, on_commit, writing, zoho, clock, reporter, interrupt } = parts;
    // Rows that a killed process left behind may be seen and yet not be on the disk. Before any of them is
    // trusted, all of them are synced.
    store.checkpoint()?;
    let begun = begin(&mut store, clock.now(), &options)?;
    let state = State::new(budget(&store, clock.now(), &options)?, pace(&store, &clock, &options)?);
    reporter.tell(&Progress::Started {
        run: begun.run,
        entries: begun.plan.entries,
        left_open: begun.left_open,
        reopened: begun.reopened,
    });
    let meter = Meter::default();
    let (writer, writing) =
        start_writer(store, (writing, on_commit), Arc::clone(&meter), &clock, &options, &begun);
    let owners = begun.requests.iter().map(|one| (one.first, one.last, one.request)).collect();
    let seams = Seams { zoho, clock, reporter, interrupt };
    let shared = Arc::new(Shared::new(seams, (writer, meter), options, state, owners));
    let worked = work(&shared, &begun).await;
    let ended = match worked {
        Ok(()) => end(&shared, &begun, exit_code).await,
        Err(error) => Err(error),
    };
    // The last handle to the writer goes with this; then the writing ends and says how it went.
    drop(shared);
    join(writing.end().await, ended)
}

/// The writer's own error says more than the slots that found it gone.
fn join(
    written: Option<Result<Store, StoreError>>,
    ended: Result<Summary, RunError>,
) -> Result<Summary, RunError> {
    match (written, ended) {
        (Some(Ok(_)), ended) => ended,
        (Some(Err(error)), _) => Err(error.into()),
        (None, _) => Err(RunError::Broken("the writing panicked".to_owned())),
    }
}

fn begin(store: &mut Store, now: Timestamp, options: &RunOptions) -> Result<Begun, RunError> {
    let wanted = options.wanted.as_deref();
    let (begun, _) = store.write("starting a run", now, |tx| {
        let run = tx.start_run(&NewRun {
            command: options.kind.command(),
            program: &options.program,
            policy: &tx.policy_met(options.policy.demand.clone())?.to_string(),
            target: &options.target,
            quarantine_ms: u64::try_from(options.quarantine.as_millis()).unwrap_or(u64::MAX),
            operator: &options.operator,
            arguments: &options.arguments,
        })?;
        let open = tx.open_batches()?;
        for batch in &open {
            let sent_before = left_by(batch.send_by, now);
            let (reason, detail) = (Unanswered::RunDied, "the run that sent it ended early");
            tx.leave_unanswered(run, batch.batch, None, sent_before, reason, detail)?;
        }
        for request in wanted.into_iter().flatten() {
            tx.unpark(run, *request)?;
        }
        let reopened = match options.kind {
            RunKind::Sync | RunKind::Recheck => 0,
            RunKind::Replay => {
                tx.reopen(run, wanted, &|code| takes_up(&options.codes, code))?.len()
            }
        };
        let named = |request: RequestId| wanted.is_none_or(|wanted| wanted.contains(&request));
        let withheld = tx.withhold(run, named, options.policy.clone())?;
        let requests = tx.overview(wanted)?;
        let named = |request: RequestId| wanted.is_some_and(|wanted| wanted.contains(&request));
        let rules = Rules {
            versions: options.versions,
            limits: options.limits,
            concurrency: u64::try_from(options.concurrency).unwrap_or(1),
        };
        let plan = plan(&requests, named, now, rules);
        if plan.entries > options.max_entries && options.kind != RunKind::Recheck {
            return Err(StoreError::OverCap { entries: plan.entries, cap: options.max_entries });
        }
        let left_open = u64::try_from(open.len()).unwrap_or(0);
        let due = requests.iter().filter(|one| one.waits(now, wanted.is_some()).is_none());
        // A look sends nothing.
        let looks = options.kind == RunKind::Recheck;
        let mine: HashSet<RequestId> = due.filter(|_| !looks).map(|one| one.request).collect();
        let mut not_mine = EntryRanges::default();
        for request in requests.iter().filter(|one| mine.contains(&one.request)) {
            let kept = [EntryState::AwaitingApproval, EntryState::Held];
            if kept.iter().any(|state| request.count(*state) > 0) {
                let kept = tx.in_states(request.first, request.last, &kept)?;
                for entry in kept.iter() {
                    not_mine.push(entry);
                }
            }
        }
        Ok(Begun { run, requests, plan, left_open, reopened, mine, not_mine, withheld })
    })?;
    Ok(begun)
}

/// The last moment at which a call of a dead run can have left, by the clock of that run; `now` is this run's.
///
/// A call that passed its last check at `send_by` may still have had to connect. Nobody else was alive after this run
/// took the lock, so nothing left after now. But where now lies before the batch was recorded, our clock was set
/// back since, and tells nothing.
fn left_by(send_by: Timestamp, now: Timestamp) -> Timestamp {
    let last = send_by.plus(CONNECT_TIMEOUT);
    if now < send_by.minus(SEND_WITHIN) { last } else { last.min(now) }
}

/// What earlier runs of the last day spent counts as well.
fn budget(store: &Store, now: Timestamp, options: &RunOptions) -> Result<Budget, StoreError> {
    let window = Window::new(store.usage(now)?);
    let mut budget = Budget::new(options.max_calls, options.max_credits, window);
    // A share needs the org's edition, which the first contact reads.
    if let Some(daily @ DailyBudget::Credits(_)) = options.daily_credits {
        budget.keep_daily(daily.credits(None));
    }
    Ok(budget)
}

/// A breaker that an earlier run left open holds for this one.
fn pace<C: Clock>(store: &Store, clock: &Arc<C>, options: &RunOptions) -> Result<Pace, StoreError> {
    let now = clock.now();
    let seed = u64::try_from(now.millis()).unwrap_or(1);
    Ok(Pace::new(options.concurrency, seed, now, store.breaker()?))
}

fn start_writer<C: Clock>(
    store: Store,
    how: (Place, OnCommit),
    meter: Meter,
    clock: &Arc<C>,
    options: &RunOptions,
    begun: &Begun,
) -> (Writer, Writing) {
    let rules = ClaimRules {
        run: begun.run,
        versions: options.versions,
        limits: options.limits,
        requests: begun.mine.clone(),
        not_mine: begun.not_mine.clone(),
        policy: options.policy.clone(),
    };
    let without_bin = begun
        .requests
        .iter()
        .filter(|request| request.recycle_bin == Some(false))
        .map(|request| (request.product, request.module.clone()))
        .collect();
    let clock = Arc::clone(clock);
    Writer::start(store, rules, without_bin, meter, Box::new(move || clock.now()), how)
}

/// Contact, then evidence and submission in turns.
async fn work<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    begun: &Begun,
) -> Result<(), RunError> {
    let business: Vec<RequestOverview> = begun
        .requests
        .iter()
        .filter(|request| {
            let sends = request.count(EntryState::Pending) > 0;
            let sends = sends && begun.mine.contains(&request.request);
            let asks = request.count(EntryState::Unknown) + request.count(EntryState::Queued);
            sends || asks > 0
        })
        .cloned()
        .collect();
    if let Some(entries) = &shared.options.recheck {
        if !entries.is_empty() && shared.make_contact(&begun.requests).await? {
            recheck::look_again(shared, entries).await?;
        }
        return Ok(());
    }
    warn_of_skipped(shared, begun);
    // Nothing to send and nothing to find out: no call, and no token needed.
    if business.is_empty() || !shared.make_contact(&business).await? {
        return Ok(());
    }
    let sends: Vec<RequestOverview> =
        business.iter().filter(|request| begun.mine.contains(&request.request)).cloned().collect();
    shared.read_tagged(&sends).await;
    let bins = bins(shared)?;
    let mut undecided = HashSet::new();
    let mut polls = Polls::default();
    let mut idle = 0;
    loop {
        let polled = polls.poll(shared).await?;
        let resolved = resolve::resolve(shared, &bins, &mut undecided).await?;
        if shared.is_stopping() {
            return Ok(());
        }
        // Only once evidence has had its say: what turns out to be gone already is no wrong column.
        if resolved.later == 0 && resolved.wait_until.is_none() {
            park(shared).await?;
        }
        let submitted = submit::submit(shared).await?;
        if shared.is_stopping() {
            return Ok(());
        }
        if submitted.batches + submitted.settled > 0 || resolved.moved > 0 || polled.ended > 0 {
            idle = 0;
            continue;
        }
        // What was given back is claimed anew; it is tried only so often.
        if submitted.returned > 0 && idle < MAX_IDLE_ROUNDS {
            idle += 1;
            continue;
        }
        // Where nothing waits for its turn, somebody else's job is nobody's business.
        let busy_until = if submitted.waiting { shared.busy_until() } else { None };
        let job = [polled.next, busy_until].into_iter().flatten().min();
        // A job takes as long as it takes: only `--wait` bounds that.
        idle += u32::from(job.is_none());
        let quarantine = "a call without an answer may still take effect";
        let (wait, why) = match (resolved.wait_until, job) {
            (Some(until), None) => (until, quarantine),
            (Some(until), Some(job)) if until <= job => (until, quarantine),
            (_, Some(job)) => (job, "Zoho works on a job"),
            (None, None) if resolved.later > 0 => {
                (shared.clock.now().plus(ASK_AGAIN), "a source of evidence gave no answer")
            }
            (None, None) => return Ok(()),
        };
        let wait = wait.since(shared.clock.now()).max(Duration::from_millis(1));
        if idle > MAX_IDLE_ROUNDS || !shared.pause(wait, why).await {
            say_what_stays(shared, &resolved);
            return Ok(());
        }
    }
}

/// Why entries stay unknown is said, and from when on the next run can tell more.
fn say_what_stays<Z: Zoho, C: Clock>(shared: &Arc<Shared<Z, C>>, resolved: &Resolved) {
    if let Some(until) = resolved.wait_until {
        shared.warn(format!(
            "what is unknown stays so until {until} at least: before that a call without an answer may \
             still take effect; the run waits for it where --wait allows"
        ));
    }
    if resolved.later > 0 {
        shared.warn("a source of evidence gave no answer: what is unknown stays so".to_owned());
    }
}

/// What is skipped is said: requests that were set aside until somebody names them, and those that the
/// present policy does not let through.
fn warn_of_skipped<Z: Zoho, C: Clock>(shared: &Arc<Shared<Z, C>>, begun: &Begun) {
    for request in begun.requests.iter().filter(|one| one.count(EntryState::Pending) > 0) {
        let id = request.request;
        if request.parked {
            shared.warn(format!(
                "{id} is set aside after refusals and was skipped: journal show {id} says why, \
                 journal sync {id} takes it up again"
            ));
        } else if begun.plan.not_offered.contains(&id) {
            let version = shared.options.versions.of(request.operation, request.product);
            shared.warn(format!(
                "{id} was skipped: {} {version} has no call for {}; set another API version",
                request.product, request.operation
            ));
        }
    }
    for (id, cause) in &begun.withheld {
        let why = match cause {
            NeedCause::Expired => {
                "is older than --valid-for and needs a fresh approval: it was skipped"
            }
            NeedCause::Policy => "needs an approval under the present policy and was skipped",
        };
        shared.warn(format!("{id} {why}; journal show {id}, then journal approve {id}"));
    }
}

/// Which modules have a recycle bin, as the contact has just recorded it.
fn bins<Z, C: Clock>(
    shared: &Shared<Z, C>,
) -> Result<HashMap<(Product, ModuleName), bool>, RunError> {
    let wanted = shared.options.wanted.as_deref();
    let overview = shared.journal(|reader| reader.overview(wanted, true))?;
    Ok(overview
        .into_iter()
        .filter_map(|one| Some(((one.product, one.module), one.recycle_bin?)))
        .collect())
}

/// Sets aside what was refused too often in a row, after evidence had its say.
async fn park<Z: Zoho, C: Clock>(shared: &Arc<Shared<Z, C>>) -> Result<(), RunError> {
    for request in shared.over_the_limit() {
        let refusals = shared.state().streaks.remove(&request).unwrap_or(0);
        shared.park(request, refusals).await?;
    }
    Ok(())
}

/// Ends the run with an event and sums up.
async fn end<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    begun: &Begun,
    exit_code: impl Fn(&Summary) -> u8,
) -> Result<Summary, RunError> {
    shared.is_stopping();
    let summary = sum_up(shared, begun)?;
    shared.writer.end_run(exit_code(&summary), summary.calls, summary.credits).await?;
    Ok(summary)
}

/// Whether a job has entries of the wanted requests.
fn concerns(reader: &Reader, wanted: Option<&[RequestId]>, job: &Job) -> Result<bool, StoreError> {
    let Some(wanted) = wanted else { return Ok(true) };
    Ok(reader.owners(&job.entries)?.iter().any(|owner| wanted.contains(owner)))
}

fn sum_up<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    begun: &Begun,
) -> Result<Summary, RunError> {
    let summary = shared.journal(|reader| read_summary(shared, begun, reader))?;
    if shared.options.kind != RunKind::Recheck {
        return Ok(summary);
    }
    // A look answers for what it looked at, and for nothing else.
    let state = shared.state();
    let back = state.rechecked.get(&Found::Back).copied().unwrap_or(0);
    Ok(Summary {
        failed: back,
        unfinished: state.unread,
        awaiting_approval: 0,
        undecided: 0,
        blocked: Blocked::default(),
        jobs: Vec::new(),
        rechecked: Some(state.rechecked.clone()),
        ..summary
    })
}

fn read_summary<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    begun: &Begun,
    reader: &Reader,
) -> Result<Summary, RunError> {
    let wanted = shared.options.wanted.as_deref();
    let now = shared.clock.now();
    // What was recorded while the run went on is the next run's business.
    let newest = begun.requests.iter().map(|request| request.request).max();
    let mine = |request: &RequestOverview| newest.is_some_and(|newest| request.request <= newest);
    let mut unfinished = 0;
    let mut awaiting_approval = 0;
    let mut waiting = HashSet::new();
    for request in reader.overview(wanted, true)?.iter().filter(|one| mine(one)) {
        unfinished += request.count(EntryState::Unknown) + request.count(EntryState::Queued);
        unfinished += request.count(EntryState::InFlight);
        awaiting_approval += request.count(EntryState::AwaitingApproval);
        match request.waits(now, false) {
            None => {
                unfinished += request.count(EntryState::Pending);
                waiting.extend((request.count(EntryState::Pending) > 0).then_some(request.request));
            }
            Some(Waiting::Expired | Waiting::Unapproved) => {
                awaiting_approval += request.count(EntryState::Pending);
            }
            Some(Waiting::Parked) => unfinished += request.count(EntryState::Pending),
            Some(Waiting::NotDue) => {}
        }
    }
    let failed_in_named = |wanted: &[RequestId]| -> Result<u64, RunError> {
        let overview = reader.overview(Some(wanted), false)?;
        Ok(overview.iter().map(|one| one.count(EntryState::Failed)).sum())
    };
    let totals: BTreeMap<EntryState, u64> = reader.totals()?.into_iter().collect();
    let undecided = reader.undecided(wanted)?;
    let blocked = if waiting.is_empty() {
        Blocked::default()
    } else {
        reader.blocked(|request| waiting.contains(&request))?
    };
    let open = reader.jobs(true)?.into_iter();
    let mut jobs = Vec::new();
    for job in open {
        if concerns(reader, wanted, &job)? {
            jobs.extend(job.id);
        }
    }
    let state = shared.state();
    Ok(Summary {
        run: Some(begun.run),
        stop: state.stop.clone(),
        not_allowed: state.barred.values().cloned().collect(),
        totals,
        failed: match wanted {
            Some(wanted) => failed_in_named(wanted)?,
            None => state.failed,
        },
        awaiting_approval,
        unfinished,
        undecided,
        blocked,
        jobs,
        parked: state.parked.clone(),
        reopened: begun.reopened,
        rechecked: None,
        sent: state.sent,
        calls: state.budget.spent().calls,
        credits: state.budget.spent().credits,
        warnings: state.warnings.iter().cloned().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_run_s_call_has_left_by_now_or_by_its_last_moment() {
        let at = |second: i64| Timestamp::from_millis(second * 1000);
        // Recorded at second 1,000.
        let send_by = at(1_000).plus(SEND_WITHIN);
        let last = send_by.plus(CONNECT_TIMEOUT);
        let year = 365 * 24 * 3_600;
        for (now, expected) in [
            // The next run began while the call could still have been on its way, or right at once.
            (at(1_000), at(1_000)),
            (at(1_003), at(1_003)),
            (last, last),
            // It began long after, or our clock was set forward.
            (last.plus(Duration::from_millis(1)), last),
            (at(1_000 + year), last),
            // Our clock was set back: then nothing left after the last moment of the dead run's own clock.
            (at(1_000).minus(Duration::from_millis(1)), last),
            (at(1_000 - year), last),
        ] {
            assert_eq!(left_by(send_by, now), expected, "{now}");
        }
    }
}
