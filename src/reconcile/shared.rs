//! What the parallel parts of a run share: budget, counters, streaks of refusals, and whether to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use crate::clock::Clock;
use crate::domain::id::{EntryId, RequestId};
use crate::domain::scope::Operation;
use crate::domain::time::Timestamp;
use crate::reconcile::look::TagLists;
use crate::reconcile::options::{Progress, Reporter, RunError, RunOptions, Stop};
use crate::store::writer::Writer;
use crate::zoho::token::TokenNumber;

/// How the user can stop a run: 1 asks it to finish what is under way, 2 to leave at once.
pub type Interrupt = watch::Receiver<u8>;

/// Counters and switches, behind one lock that is never held across an await.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) calls: u64,
    pub(crate) credits: u64,
    pub(crate) sent: u64,
    pub(crate) failed: u64,
    pub(crate) stop: Option<Stop>,
    /// No call before this moment, and why.
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) setback: Setback,
    /// The last such moment that was told: once, however many calls wait for it.
    told: Option<Timestamp>,
    /// The newest token that Zoho refused, while no call has gone well since.
    pub(crate) refused_token: Option<TokenNumber>,
    /// Code and message of the last such refusal.
    pub(crate) refusal: (String, String),
    /// Throttled or failed calls in a row, for the back-off.
    pub(crate) setbacks: u32,
    /// Refusals in a row by request.
    pub(crate) streaks: BTreeMap<RequestId, u64>,
    pub(crate) parked: Vec<RequestId>,
    pub(crate) warnings: BTreeSet<String>,
    /// The measured offset of Zoho's clock, in milliseconds.
    pub(crate) clock_offset_ms: Option<i64>,
    /// How long this run has waited so far, and until when, on the clock that counts suspend.
    waited: Duration,
    waiting_until: Duration,
    /// Seeds the jitter of waiting times.
    pub(crate) jitter: u64,
    /// Tags of modules, as they were read last.
    pub(crate) tag_lists: TagLists,
    /// How many entries are read for one claim at most, once reading more took too long.
    pub(crate) read_at_most: Option<usize>,
    /// No job is asked for before this moment: Zoho takes one at a time, and one is under way.
    pub(crate) busy_until: Option<Timestamp>,
    busy_times: u32,
}

/// Why no call is made for a while.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Setback {
    /// Zoho says that there are too many calls.
    #[default]
    Throttled,
    /// Zoho gives no access tokens for a while.
    NoTokens,
    /// Zoho could not be reached, or what it answered was no use: in words.
    Unreachable(String),
}

impl Setback {
    fn why(&self) -> &'static str {
        match self {
            Self::Throttled => "Zoho asks for fewer calls",
            Self::NoTokens => "Zoho gives no access token",
            Self::Unreachable(_) => "Zoho gives no usable answer",
        }
    }

    fn stop(self) -> Stop {
        match self {
            Self::Throttled => Stop::Throttled,
            Self::NoTokens => Stop::NoTokens,
            Self::Unreachable(why) => Stop::Unreachable(why),
        }
    }
}

/// Everything the parts of a run share.
pub(crate) struct Shared<Z, C> {
    pub(crate) zoho: Arc<Z>,
    pub(crate) clock: Arc<C>,
    pub(crate) writer: Writer,
    pub(crate) options: RunOptions,
    pub(crate) reporter: Arc<dyn Reporter>,
    pub(crate) interrupt: Interrupt,
    /// Which request owns which entries.
    pub(crate) owners: Vec<(EntryId, EntryId, RequestId)>,
    /// One permit a call under way, reads included.
    pub(crate) calls: Semaphore,
    state: Mutex<State>,
}

impl<Z, C: Clock> Shared<Z, C> {
    pub(crate) fn new(
        zoho: Arc<Z>,
        clock: Arc<C>,
        writer: Writer,
        options: RunOptions,
        reporter: Arc<dyn Reporter>,
        interrupt: Interrupt,
        owners: Vec<(EntryId, EntryId, RequestId)>,
    ) -> Self {
        let jitter = u64::try_from(clock.now().millis()).unwrap_or(1) | 1;
        let state = Mutex::new(State { jitter, ..State::default() });
        let calls = Semaphore::new(options.concurrency.max(1));
        Self { zoho, clock, writer, options, reporter, interrupt, owners, calls, state }
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

    /// Takes a call out of the budget. `false` when it does not fit: then the run stops.
    pub(crate) fn spend(&self, credits: u64) -> bool {
        let mut state = self.state();
        let fits = |used: u64, more: u64, limit: Option<u64>| {
            limit.is_none_or(|limit| used.saturating_add(more) <= limit)
        };
        if fits(state.calls, 1, self.options.max_calls)
            && fits(state.credits, credits, self.options.max_credits)
        {
            state.calls += 1;
            state.credits += credits;
            return true;
        }
        state.stop.get_or_insert(Stop::Budget);
        false
    }

    /// Gives back what a call would have cost that never left.
    pub(crate) fn refund(&self, credits: u64) {
        let mut state = self.state();
        state.calls = state.calls.saturating_sub(1);
        state.credits = state.credits.saturating_sub(credits);
    }

    /// Waits out a setback. `false` when that would last longer than `--wait` allows.
    pub(crate) async fn wait_for_turn(&self) -> bool {
        loop {
            let (until, setback) = {
                let state = self.state();
                let Some(until) = state.not_before else { return true };
                (until, state.setback.clone())
            };
            let now = self.clock.now();
            if now >= until {
                return true;
            }
            let new = self.state().told.replace(until) != Some(until);
            if !self.wait(until.since(now), new.then(|| setback.why())).await {
                // Whoever interrupted the pause is why the run stops.
                if !self.is_stopping() {
                    self.stop(setback.stop());
                }
                return false;
            }
        }
    }

    /// Sleeps so long, if `--wait` allows it and nobody interrupts. `false` otherwise.
    pub(crate) async fn pause(&self, duration: Duration, why: &'static str) -> bool {
        self.wait(duration, Some(why)).await
    }

    /// Takes a wait out of what `--wait` allows. Calls that wait side by side wait once.
    fn may_wait(&self, duration: Duration) -> bool {
        let now = self.clock.elapsed();
        let mut state = self.state();
        let end = now.saturating_add(duration);
        let more = end.saturating_sub(now.max(state.waiting_until));
        let waited = state.waited.saturating_add(more);
        if waited > self.options.wait {
            return false;
        }
        state.waited = waited;
        state.waiting_until = state.waiting_until.max(end);
        true
    }

    async fn wait(&self, duration: Duration, told: Option<&'static str>) -> bool {
        if !self.may_wait(duration) {
            return false;
        }
        if let Some(why) = told {
            self.tell(&Progress::Waiting { duration, why });
        }
        let mut interrupt = self.interrupt.clone();
        if *interrupt.borrow() > 0 {
            return false;
        }
        tokio::select! {
            () = self.clock.sleep(duration) => true,
            _ = interrupt.wait_for(|signals| *signals > 0) => false,
        }
    }

    /// Backs off after a setback: as long as Zoho asks for, else full jitter.
    pub(crate) fn back_off(&self, retry_after: Option<Duration>, setback: Setback) {
        let now = self.clock.now();
        let mut state = self.state();
        // Calls that fail side by side are one setback, not five.
        if state.not_before.is_none_or(|until| now >= until) {
            state.setbacks = state.setbacks.saturating_add(1);
        }
        let jittered = full_jitter(state.setbacks, &mut state.jitter);
        // Zoho's own word counts; one that says "at once", again and again, does not.
        let wait = match retry_after {
            Some(asked) if state.setbacks <= 1 => asked,
            Some(asked) => asked.max(jittered),
            None => jittered,
        };
        let wait = wait.max(Duration::from_millis(1));
        let until = now.plus(wait);
        state.not_before = Some(state.not_before.map_or(until, |old| old.max(until)));
        state.setback = setback;
    }

    /// How many slots work side by side. Near the end of a budget one alone: else each would spend some of it on
    /// reads, and nothing would be left for a call.
    pub(crate) fn slots(&self) -> usize {
        /// A batch of 500 records: five reads and a call of ten credits.
        const CALLS_A_SLOT: u64 = 6;
        const CREDITS_A_SLOT: u64 = 15;
        let slots = self.options.concurrency.max(1);
        let all = u64::try_from(slots).unwrap_or(u64::MAX);
        let state = self.state();
        let scarce = |used: u64, limit: Option<u64>, a_slot: u64| {
            limit.is_some_and(|limit| limit.saturating_sub(used) < all.saturating_mul(a_slot))
        };
        let scarce = scarce(state.calls, self.options.max_calls, CALLS_A_SLOT)
            || scarce(state.credits, self.options.max_credits, CREDITS_A_SLOT);
        if scarce { 1 } else { slots }
    }

    /// How many entries the next claim may have, so that what is read for it and its call fit into the budget:
    /// a read for each hundred records, and a call, which costs a credit for each fifty of them at most.
    pub(crate) fn entries_at_most(&self) -> usize {
        let state = self.state();
        let left = |used: u64, limit: Option<u64>| limit.map(|limit| limit.saturating_sub(used));
        let by_calls = left(state.calls, self.options.max_calls)
            .filter(|calls| *calls > 1)
            .map(|calls| (calls - 1).saturating_mul(100));
        let by_credits = left(state.credits, self.options.max_credits)
            .filter(|credits| *credits > 2)
            .map(|credits| credits.saturating_mul(100) / 3);
        let budget = by_calls.into_iter().chain(by_credits).min();
        let budget = budget.and_then(|entries| usize::try_from(entries).ok()).unwrap_or(usize::MAX);
        state.read_at_most.unwrap_or(usize::MAX).min(budget)
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

    /// Zoho has another job under way: none is asked for, for a while.
    pub(crate) fn busy(&self) {
        let now = self.clock.now();
        let mut state = self.state();
        state.busy_times = state.busy_times.saturating_add(1);
        let wait = Duration::from_secs(1 << state.busy_times.min(5));
        state.busy_until = Some(now.plus(wait));
    }

    /// The operation that must wait because of that.
    pub(crate) fn must_wait(&self) -> Option<Operation> {
        self.busy_until().map(|_| Operation::DeleteTags)
    }

    /// Until when, while that time has not come.
    pub(crate) fn busy_until(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let mut state = self.state();
        state.busy_until = state.busy_until.filter(|until| now < *until);
        state.busy_until
    }

    /// A job of ours is over: another one may begin.
    pub(crate) fn not_busy(&self) {
        let mut state = self.state();
        state.busy_until = None;
        state.busy_times = 0;
    }

    /// A call went well: the next setback starts small again.
    pub(crate) fn went_well(&self) {
        let mut state = self.state();
        state.setbacks = 0;
        state.refused_token = None;
    }

    /// Takes Zoho's clock from an answer's date.
    pub(crate) fn see_date(&self, date: Option<Timestamp>) {
        if let Some(date) = date {
            let offset = date.millis().saturating_sub(self.clock.now().millis());
            self.state().clock_offset_ms.get_or_insert(offset);
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

/// Full jitter: a random time between nothing and a doubling bound, 1 s at first, 60 s at most.
fn full_jitter(setbacks: u32, seed: &mut u64) -> Duration {
    // xorshift: jitter needs to differ between processes, not to be unpredictable.
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    let bound = 1000_u64.saturating_mul(1 << setbacks.saturating_sub(1).min(6)).min(60_000);
    Duration::from_millis(*seed % bound + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_times_stay_within_their_bound() {
        let mut seed = 42;
        for setbacks in 1..40 {
            let bound = Duration::from_secs(1 << (setbacks - 1).min(6)).min(Duration::from_mins(1));
            let wait = full_jitter(setbacks, &mut seed);
            assert!(wait > Duration::ZERO && wait <= bound, "{setbacks}: {wait:?}");
        }
    }
}
