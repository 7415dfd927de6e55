//! How fast a run may go: back-off, circuit breaker, retry budget, and how many calls go side by side.
//!
//! Pure: the caller says what time it is and what happened. Two clocks come in. Moments that outlive a process
//! are wall-clock times; windows within one are measured on the clock that only moves forward.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::time::Timestamp;

/// Throttled calls in a row after which the breaker opens (advice in Zoho's community posts K93 and K203: back
/// off and call less; no figure is given).
pub const BREAKS_AFTER: u32 = 5;
/// For how long it opens first; each time in a row twice as long.
const OPENS_FOR: Duration = Duration::from_secs(30);
/// For how long at most. By then the day's credits are more likely used up than too many calls under way.
pub const OPENS_AT_MOST: Duration = Duration::from_hours(1);

/// For how long a `Retry-After` is heeded: credits come back within a day.
pub const ASKED_AT_MOST: Duration = Duration::from_hours(24);

/// Unanswered calls this close together are one sign of trouble, not several.
const SIDE_BY_SIDE: Duration = Duration::from_secs(1);

/// After so many unanswered writes in a row the next one waits.
const PAUSES_AFTER: u32 = 3;

/// The window of the retry budget.
const WINDOW: Duration = Duration::from_mins(2);
/// One in so many calls of the window may be a repeat.
const ONE_IN: usize = 10;
/// So many repeats are allowed in any case: a run of a few calls could repeat none otherwise.
const ALWAYS: usize = 20;

/// Why a call brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Too many calls, Zoho says to a read.
    ThrottledRead,
    /// Too many calls, Zoho says to a write.
    ThrottledWrite,
    /// No answer, or none that is any use.
    NoAnswer,
}

/// A call that left: when, on the clock that only moves forward, and whether it asked for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    at: Duration,
    write: bool,
}

/// What is kept of a breaker that is open, so that no later run begins before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// No call before then.
    pub not_before: Timestamp,
    /// Throttled calls in a row.
    pub setbacks: u32,
}

impl Breaker {
    /// The moment before which no call is made. What lies further ahead than anything that is ever kept was
    /// written by a clock that was wrong, and locks nobody out.
    pub fn holds(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.not_before).filter(|at| now < *at && *at <= now.plus(ASKED_AT_MOST))
    }
}

/// The pace of a run.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Calls that may be under way at once, now and at most.
    at_once: usize,
    most: usize,
    /// Calls that went well since that number last changed.
    good: usize,
    /// When a write last brought no answer, and how often in a row.
    slowed: Option<Timestamp>,
    unanswered: u32,
    /// The last setback, on the clock that only moves forward.
    set_back_at: Option<Duration>,
    /// Whether writes were throttled: then answers to reads prove nothing.
    writes_throttled: bool,
    /// No call before this moment.
    not_before: Option<Timestamp>,
    /// Calls in a row that brought nothing.
    setbacks: u32,
    /// Whether an earlier state of the breaker is kept somewhere.
    kept: bool,
    /// When each call of the window left, and whether it was a repeat.
    recent: VecDeque<(Duration, bool)>,
    repeats: usize,
    /// Calls that brought nothing and will be made again.
    owed: usize,
    seed: u64,
}

impl Pace {
    /// Begins with so many calls at once, which is also the most, and with a breaker that an earlier run left.
    pub fn new(most: usize, seed: u64, now: Timestamp, breaker: Option<Breaker>) -> Self {
        let not_before = breaker.and_then(|one| one.holds(now));
        Self {
            at_once: most.max(1),
            most: most.max(1),
            good: 0,
            slowed: None,
            unanswered: 0,
            set_back_at: None,
            writes_throttled: breaker.is_some(),
            not_before,
            setbacks: breaker.map_or(0, |one| one.setbacks),
            kept: breaker.is_some(),
            recent: VecDeque::new(),
            repeats: 0,
            owed: 0,
            seed: seed | 1,
        }
    }

    /// No more than so many calls at once from now on: what the org's edition allows.
    pub fn at_most(&mut self, most: usize) {
        self.most = self.most.min(most.max(1));
        self.at_once = self.at_once.min(self.most);
    }

    /// How many calls may be under way at once: one alone while it is being found out whether Zoho takes any.
    pub const fn at_once(&self) -> usize {
        if self.setbacks >= BREAKS_AFTER { 1 } else { self.at_once }
    }

    /// The moment before which no call is made.
    pub const fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// Calls in a row that brought nothing.
    pub const fn setbacks(&self) -> u32 {
        self.setbacks
    }

    /// How long the next call must wait for the retry budget: a repeat that is one too many waits until the
    /// window has room for it.
    pub fn must_wait(&mut self, elapsed: Duration) -> Option<Duration> {
        self.forget(elapsed);
        if self.owed == 0 || self.repeats < ALWAYS.max(self.recent.len() / ONE_IN) {
            return None;
        }
        let oldest = self.recent.iter().find(|(_, repeat)| *repeat)?;
        Some((oldest.0 + WINDOW).saturating_sub(elapsed).max(Duration::from_millis(1)))
    }

    /// A call leaves. Where calls brought nothing before, it is one of those again.
    pub fn leaves(&mut self, elapsed: Duration, write: bool) -> Left {
        self.forget(elapsed);
        let repeat = self.owed > 0;
        self.owed = self.owed.saturating_sub(1);
        self.repeats += usize::from(repeat);
        self.recent.push_back((elapsed, repeat));
        Left { at: elapsed, write }
    }

    /// A call was answered. `true` when a breaker is kept somewhere that no longer holds. What left before the
    /// last setback says nothing about what Zoho takes now, and a read says nothing about writes.
    pub fn went_well(&mut self, left: Left) -> bool {
        let stale = self.set_back_at.is_some_and(|at| left.at <= at);
        if stale || (self.writes_throttled && !left.write) {
            return false;
        }
        self.writes_throttled = false;
        self.unanswered = 0;
        self.setbacks = 0;
        self.good += 1;
        if self.good >= self.at_once && self.at_once < self.most {
            self.at_once += 1;
            self.good = 0;
        }
        std::mem::take(&mut self.kept)
    }

    /// No call before this moment, for a reason that says nothing about how many calls Zoho takes.
    pub fn pause(&mut self, until: Timestamp) {
        self.not_before = Some(self.not_before.map_or(until, |old| old.max(until)));
    }

    /// A write brought no answer of Zoho's own, which reading settles: fewer calls at once, and after several in
    /// a row a pause, or as long a one as was asked for. Those that fail side by side count once.
    pub fn slow_down(&mut self, now: Timestamp, elapsed: Duration, retry_after: Option<Duration>) {
        if self.slowed.is_none_or(|at| now >= at.plus(SIDE_BY_SIDE)) {
            self.slowed = Some(now);
            self.at_once = (self.at_once / 2).max(1);
            self.good = 0;
            self.unanswered = self.unanswered.saturating_add(1);
        }
        if retry_after.is_some() || self.unanswered >= PAUSES_AFTER {
            self.set_back(now, elapsed, retry_after, Trouble::NoAnswer);
        }
    }

    /// A call brought nothing. What is returned must be kept: later runs have to heed it.
    pub fn set_back(
        &mut self,
        now: Timestamp,
        elapsed: Duration,
        retry_after: Option<Duration>,
        trouble: Trouble,
    ) -> Option<Breaker> {
        self.owed += 1;
        self.set_back_at = Some(elapsed);
        // Calls that fail side by side are one setback, not five.
        if self.not_before.is_none_or(|until| now >= until) {
            self.setbacks = self.setbacks.saturating_add(1);
            self.at_once = (self.at_once / 2).max(1);
            self.good = 0;
        }
        let jittered = self.full_jitter();
        let opens = trouble != Trouble::NoAnswer && self.setbacks >= BREAKS_AFTER;
        let wait = match retry_after {
            // Zoho's own word counts; one that says "at once", again and again, does not.
            Some(asked) if self.setbacks <= 1 => asked,
            Some(asked) => asked.max(jittered),
            None if opens => self.opens_for(),
            None => jittered,
        };
        let wait = wait.clamp(Duration::from_millis(1), ASKED_AT_MOST);
        let until = now.plus(wait);
        let not_before = self.not_before.map_or(until, |old| old.max(until));
        self.not_before = Some(not_before);
        if trouble == Trouble::NoAnswer {
            return None;
        }
        // From the first one on: a program that is started again and again would never come to the fifth.
        self.writes_throttled |= trouble == Trouble::ThrottledWrite;
        self.kept = true;
        Some(Breaker { not_before, setbacks: self.setbacks })
    }

    fn opens_for(&self) -> Duration {
        let times = self.setbacks.saturating_sub(BREAKS_AFTER).min(10);
        OPENS_FOR.saturating_mul(1 << times).min(OPENS_AT_MOST)
    }

    /// Full jitter: a random time between nothing and a doubling bound, 1 s at first, 60 s at most.
    fn full_jitter(&mut self) -> Duration {
        // xorshift: jitter needs to differ between processes, not to be unpredictable.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let bound =
            1000_u64.saturating_mul(1 << self.setbacks.saturating_sub(1).min(6)).min(60_000);
        Duration::from_millis(self.seed % bound + 1)
    }

    fn forget(&mut self, elapsed: Duration) {
        while let Some((at, repeat)) = self.recent.front().copied()
            && at + WINDOW <= elapsed
        {
            self.repeats -= usize::from(repeat);
            self.recent.pop_front();
        }
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
