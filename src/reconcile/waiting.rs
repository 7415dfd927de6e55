//! Waiting: for Zoho to take calls again, for a job of its own, and never longer than `--wait` allows.

use std::time::Duration;

use crate::clock::Clock;
use crate::domain::pace::Left;
use crate::domain::scope::Operation;
use crate::domain::time::Timestamp;
use crate::reconcile::options::Progress;
use crate::reconcile::shared::Shared;
use crate::reconcile::state::Setback;

impl<Z, C: Clock> Shared<Z, C> {
    /// Waits out a setback. `false` when that would last longer than `--wait` allows.
    pub(crate) async fn wait_for_turn(&self) -> bool {
        while let Some((until, setback)) = self.not_yet() {
            let new = self.state().told.replace(until) != Some(until);
            let wait = until.since(self.clock.now());
            if !self.wait(wait, new.then(|| setback.why())).await {
                // Whoever interrupted the pause is why the run stops.
                if !self.is_stopping() {
                    self.stop(setback.stop(until));
                }
                return false;
            }
        }
        true
    }

    /// Whether a call may be made now.
    pub(crate) fn may_call(&self) -> bool {
        !self.is_stopping() && self.not_yet().is_none()
    }

    /// Until when no call may be made, and why, if that moment has not come.
    fn not_yet(&self) -> Option<(Timestamp, Setback)> {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        let mut state = self.state();
        if let Some(until) = state.pace.not_before().filter(|until| now < *until) {
            return Some((until, state.setback.clone()));
        }
        let wait = state.pace.must_wait(elapsed)?;
        Some((now.plus(wait), Setback::Repeats))
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
        let interrupted = async {
            // When the sender is gone nobody can interrupt any more.
            if interrupt.wait_for(|signals| *signals > 0).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = self.clock.sleep(duration) => true,
            () = interrupted => false,
        }
    }

    /// Backs off after a setback: as long as Zoho asks for, else full jitter.
    pub(crate) fn back_off(&self, retry_after: Option<Duration>, setback: Setback) {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        let mut state = self.state();
        let kept = state.pace.set_back(now, elapsed, retry_after, setback.trouble());
        state.setback = setback;
        if kept.is_some() {
            // A restart must not begin before its time either. Told under the lock, so that of two tellings the
            // later one is the one that stays.
            self.writer.keep_breaker(kept);
        }
        self.gate.let_through(state.pace.at_once());
    }

    /// Zoho gives no access token before this moment.
    pub(crate) fn no_tokens(&self, until: Timestamp) {
        let mut state = self.state();
        state.pace.pause(until);
        state.setback = Setback::NoTokens;
    }

    /// A write brought no answer of Zoho's own: fewer calls go side by side from now on.
    pub(crate) fn slow_down(&self, retry_after: Option<Duration>) {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        let mut state = self.state();
        state.pace.slow_down(now, elapsed, retry_after);
        if state.pace.not_before().is_some_and(|until| now < until) {
            state.setback =
                Setback::Unreachable("calls that change something get no answer".to_owned());
        }
        self.gate.let_through(state.pace.at_once());
    }

    /// A call went well: the next setback starts small again, and one more may go side by side.
    pub(crate) fn went_well(&self, left: Left) {
        let mut state = self.state();
        state.not_sent = 0;
        if state.pace.went_well(left) {
            self.writer.keep_breaker(None);
        }
        self.gate.let_through(state.pace.at_once());
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
}
