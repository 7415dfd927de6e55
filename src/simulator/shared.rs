//! What handlers, controls and the handle share: the state behind one lock.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::accounts::Accounts;
use super::config::{Config, Rules};
use super::limits::{Credits, RequestLog, Slots};
use super::plan::FaultPlan;
use super::routes::{Doing, Write};
use super::state::{Course, Snapshot, World};
use super::token::Tokens;

/// One simulator.
pub(crate) struct Shared {
    pub(crate) config: Config,
    /// Scheme, host and port, without a slash at the end.
    pub(crate) api_url: String,
    pub(crate) slots: Slots,
    /// Becomes true when the simulator stops.
    pub(crate) stop: watch::Receiver<bool>,
    inner: Mutex<Inner>,
}

/// Everything that changes.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) world: World,
    pub(crate) log: RequestLog,
    pub(crate) faults: FaultPlan,
    pub(crate) credits: Credits,
    pub(crate) tokens: Tokens,
    pub(crate) accounts: Accounts,
    late: Vec<LateWrite>,
}

/// A write whose answer was lost and whose effect is still to come.
#[derive(Debug)]
pub(crate) struct LateWrite {
    pub(crate) due_ms: i64,
    pub(crate) request: u64,
    pub(crate) write: Write,
}

impl Shared {
    pub(crate) fn new(
        config: Config,
        world: World,
        api_url: String,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let inner = Inner {
            world,
            log: RequestLog::default(),
            faults: FaultPlan::new(config.seed, &config.faults),
            credits: Credits::new(config.credits()),
            tokens: Tokens::new(&config),
            accounts: Accounts { fault: config.accounts_fault, ..Accounts::default() },
            late: Vec::new(),
        };
        Self { config, api_url, slots: Slots::default(), stop, inner: Mutex::new(inner) }
    }

    /// The time by Zoho's clock.
    pub(crate) fn now(&self) -> i64 {
        self.config.time()
    }

    /// The time in `Date` headers.
    pub(crate) fn date(&self) -> i64 {
        self.now().saturating_add(self.config.date_skew_ms)
    }

    /// Everything at this moment.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { most_at_once: self.slots.most(), ..self.lock().snapshot() }
    }

    /// The state as it is now: whatever fell due since the last look has happened. All looks and
    /// changes come through here, so late effects need no timer.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        let now = self.now();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.settle(now, self.config.rules());
        inner
    }

    /// Waits, but not beyond the simulator's end.
    #[expect(
        clippy::disallowed_methods,
        reason = "the delay is one that a client really has to wait for"
    )]
    pub(crate) async fn pause(&self, ms: u64) {
        if ms > 0 {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(ms)) => {}
                () = self.stopped() => {}
            }
        }
    }

    /// Waits for the simulator's end.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // An error means that the handle is gone, which is a stop as well.
        drop(stop.wait_for(|stopped| *stopped).await);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

impl Inner {
    /// Keeps a write for later.
    pub(crate) fn postpone(&mut self, late: LateWrite) {
        self.late.push(late);
    }

    /// Everything at this moment, but for how many calls were under way.
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            requests: u64::try_from(self.log.count()).unwrap_or(u64::MAX),
            writes: self.log.writes(),
            throttled: self.log.throttled(),
            late: self.late.len(),
            credits_used: self.credits.used(),
            ..self.world.snapshot()
        }
    }

    fn settle(&mut self, now: i64, rules: Rules) {
        // `partition` keeps the order, so writes that fell due together act as they arrived.
        let (mut due, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.late).into_iter().partition(|late| late.due_ms <= now);
        self.late = waiting;
        due.sort_by_key(|late| late.due_ms);
        for late in due {
            self.world.run_jobs(late.due_ms);
            let doing = Doing {
                request: late.request,
                at_ms: late.due_ms,
                rules,
                refuse: None,
                course: Course::Well,
            };
            let (_, applied) = late.write.carry_out(&mut self.world, doing);
            if let Some(entry) = self.log.entry(late.request) {
                entry.applied = applied;
            }
        }
        self.world.run_jobs(now);
        for (request, deleted) in self.world.job_progress() {
            if let Some(entry) = self.log.entry(request) {
                entry.applied = deleted;
            }
        }
        self.world.expire(now);
    }
}
