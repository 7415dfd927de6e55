//! What the parallel parts of a run share: how they end it, what they may spend, and what it is told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::clock::Clock;
use crate::domain::barred::{Barred, Without};
use crate::domain::evidence::Now;
use crate::domain::id::{EntryId, RequestId};
use crate::domain::offset::ClockOffset;
use crate::domain::pace::Left;
use crate::domain::time::Timestamp;
use crate::reconcile::gate::Gate;
use crate::reconcile::options::{NotAllowed, Progress, Reporter, RunError, RunOptions, Stop};
use crate::reconcile::state::State;
use crate::store::usage::CreditsLeft;
use crate::store::writer::{Meter, Writer};
use crate::store::{Reader, StoreError};

/// How the user can stop a run: 1 asks it to finish what is under way, 2 to leave at once.
pub type Interrupt = watch::Receiver<u8>;

/// What comes in from outside.
pub(crate) struct Seams<Z, C> {
    pub(crate) zoho: Arc<Z>,
    pub(crate) clock: Arc<C>,
    pub(crate) reporter: Arc<dyn Reporter>,
    pub(crate) interrupt: Interrupt,
}

/// Everything the parts of a run share.
pub(crate) struct Shared<Z, C> {
    pub(crate) zoho: Arc<Z>,
    pub(crate) clock: Arc<C>,
    pub(crate) writer: Writer,
    pub(crate) options: RunOptions,
    reporter: Arc<dyn Reporter>,
    pub(crate) interrupt: Interrupt,
    /// Which request owns which entries.
    owners: Vec<(EntryId, EntryId, RequestId)>,
    /// How many calls are under way at once, reads included.
    pub(crate) gate: Gate,
    meter: Meter,
    /// Between two looks at the journal; `None` before the first, and after one that failed.
    reader: Mutex<Option<Reader>>,
    state: Mutex<State>,
}

impl<Z, C: Clock> Shared<Z, C> {
    pub(crate) fn new(
        seams: Seams<Z, C>,
        (writer, meter): (Writer, Meter),
        options: RunOptions,
        state: State,
        owners: Vec<(EntryId, EntryId, RequestId)>,
    ) -> Self {
        let Seams { zoho, clock, reporter, interrupt } = seams;
        let gate = Gate::new(state.pace.at_once());
        let state = Mutex::new(state);
        let reader = Mutex::new(None);
        Self {
            zoho,
            clock,
            writer,
            options,
            reporter,
            interrupt,
            owners,
            gate,
            meter,
            reader,
            state,
        }
    }

    /// Looks at the journal as it is now. Opening it costs more than most looks, so one connection is kept.
    pub(crate) fn journal<T, E: From<StoreError>>(
        &self,
        look: impl FnOnce(&Reader) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut kept = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = match kept.take() {
            Some(reader) => {
                reader.look_again()?;
                reader
            }
            None => Reader::open(&self.options.db)?,
        };
        let seen = look(&reader)?;
        reader.rest()?;
        *kept = Some(reader);
        Ok(seen)
    }

    /// The shared state. A panic elsewhere leaves counters behind, nothing that could be half done.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, progress: &Progress) {
        self.reporter.tell(progress);
    }

    /// Sets a request aside, after so many refusals in a row; 0 where Zoho does not know its module.
    pub(crate) async fn park(&self, request: RequestId, refusals: u64) -> Result<(), RunError> {
        self.writer.park(request, refusals).await?;
        self.state().parked.push(request);
        self.tell(&Progress::Parked { request, refusals });
        Ok(())
    }

    /// Something a person should know; each thing is said once.
    pub(crate) fn warn(&self, warning: String) {
        let new = self.state().warnings.insert(warning.clone());
        if new {
            self.tell(&Progress::Warning(warning));
        }
    }

    /// Stops the run; the first reason counts.
    pub(crate) fn stop(&self, why: Stop) {
        self.state().stop.get_or_insert(why);
    }

    /// Whether nothing new may be begun.
    pub(crate) fn is_stopping(&self) -> bool {
        if *self.interrupt.borrow() > 0 {
            self.stop(Stop::Interrupted);
        }
        self.state().stop.is_some()
    }

    /// Zoho does not allow these calls, with what the token has: they are left out, and the rest goes on.
    pub(crate) fn bar(&self, calls: Barred, not_allowed: NotAllowed) {
        let new = self.state().barred.insert(calls, not_allowed.clone()).is_none();
        if new {
            self.tell(&Progress::NotAllowed(not_allowed));
        }
    }

    /// What the next claim leaves out.
    pub(crate) fn without(&self) -> Without {
        let busy = self.must_wait();
        Without { busy, barred: self.state().barred.keys().cloned().collect() }
    }

    /// Takes a call out of the budgets, right before it leaves. `None` when it does not fit: then the run stops.
    pub(crate) fn spend(&self, credits: u64, write: bool) -> Option<Left> {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        let mut state = self.state();
        if let Err(limit) = state.budget.spend(now, credits) {
            state.stop.get_or_insert(Stop::Budget(limit));
            return None;
        }
        let left = state.pace.leaves(elapsed, write);
        drop(state);
        let mut meter = self.meter();
        meter.used.calls += 1;
        meter.used.credits += credits;
        Some(left)
    }

    /// Gives back what a call would have cost that never left. What a commit has taken along already stays
    /// counted for the day: too much rather than too little.
    pub(crate) fn refund(&self, credits: u64) {
        self.state().budget.refund(credits);
        let mut meter = self.meter();
        meter.used.calls = meter.used.calls.saturating_sub(1);
        meter.used.credits = meter.used.credits.saturating_sub(credits);
    }

    fn meter(&self) -> MutexGuard<'_, crate::store::usage::Metered> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Heeds what an answer says is left of the org's credits.
    pub(crate) fn see_credits(&self, left: Option<u64>) {
        let Some(credits) = left else { return };
        self.state().budget.see_left(credits);
        self.meter().left = Some(CreditsLeft { credits, at: self.clock.now() });
    }

    /// How many slots work side by side: as many as calls may be under way, and near the end of a budget one.
    pub(crate) fn slots(&self) -> usize {
        let now = self.clock.now();
        let mut state = self.state();
        let slots = state.pace.at_once();
        if state.budget.is_scarce(now, slots) { 1 } else { slots }
    }

    /// How many entries the next claim may have.
    pub(crate) fn entries_at_most(&self) -> usize {
        let now = self.clock.now();
        let mut state = self.state();
        let budget = state.budget.entries_at_most(now);
        state.read_at_most.unwrap_or(usize::MAX).min(budget)
    }

    /// Of how many entries whole records may be read for one claim, so that what is read for it and its call fit, also
    /// where every slot does the same. One at least: then the budget itself says no.
    pub(crate) fn whole_records_at_most(&self) -> usize {
        let now = self.clock.now();
        let mut state = self.state();
        let slots = state.pace.at_once();
        state.budget.whole_records_at_most(now, slots).max(1)
    }

    /// So many entries took too long to read before a call: fewer are read from now on. Where even one takes too
    /// long, the run stops.
    pub(crate) fn read_fewer(&self, entries: usize) {
        if entries <= 1 {
            let why = "reading what is there takes longer than a call may wait for it";
            self.stop(Stop::Unreachable(why.to_owned()));
        }
        self.state().read_at_most = Some((entries / 2).max(1));
    }

    /// Takes Zoho's clock from the date of an answer to a call that left then.
    pub(crate) fn see_date(&self, date: Option<Timestamp>, left: Timestamp, came: Timestamp) {
        if let Some(date) = date {
            let seen = ClockOffset::of(date, left, came);
            let mut state = self.state();
            state.clock_offset = Some(state.clock_offset.map_or(seen, |known| known.and(seen)));
        }
    }

    /// The present moment, as evidence is weighed by it.
    pub(crate) fn present(&self) -> Now {
        Now {
            ours: self.clock.now(),
            offset_ms: self.state().clock_offset.map(ClockOffset::millis),
        }
    }

    /// The request that owns an entry.
    pub(crate) fn owner(&self, entry: EntryId) -> Option<RequestId> {
        let after = self.owners.partition_point(|(first, _, _)| *first <= entry);
        let (_, last, request) = self.owners.get(after.checked_sub(1)?)?;
        (entry <= *last).then_some(*request)
    }

    /// Requests with too many refusals in a row.
    pub(crate) fn over_the_limit(&self) -> Vec<RequestId> {
        let limit = self.options.max_failures;
        let state = self.state();
        state.streaks.iter().filter(|(_, streak)| **streak >= limit).map(|(id, _)| *id).collect()
    }
}
