//! What a run may still spend: `--max-calls`, `--max-credits`, the daily budget, and what Zoho says is left.

use crate::domain::time::Timestamp;
use crate::domain::usage::{Used, Window};
use crate::reconcile::options::Limit;

/// A batch of 500 records: five reads and a call of ten credits.
const CALLS_A_SLOT: u64 = 6;
const CREDITS_A_SLOT: u64 = 15;

/// The budgets of a run, and what was spent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budget {
    /// What this run spent.
    spent: Used,
    max_calls: Option<u64>,
    max_credits: Option<u64>,
    /// Credits in any 24 hours.
    daily: Option<u64>,
    /// What this journal spent in the last 24 hours.
    window: Window,
    /// What Zoho said is left of the org's credits, less what was spent since.
    left: Option<u64>,
}

impl Budget {
    pub(crate) fn new(max_calls: Option<u64>, max_credits: Option<u64>, window: Window) -> Self {
        Self { max_calls, max_credits, window, ..Self::default() }
    }

    /// Keeps a daily budget from now on.
    pub(crate) fn keep_daily(&mut self, credits: u64) {
        self.daily = Some(credits);
    }

    /// What this run spent.
    pub(crate) const fn spent(&self) -> Used {
        self.spent
    }

    /// Takes up what Zoho says is left.
    pub(crate) fn see_left(&mut self, credits: u64) {
        self.left = Some(credits);
    }

    /// Takes a call out of the budgets, or says which of them has no room for it.
    pub(crate) fn spend(&mut self, now: Timestamp, credits: u64) -> Result<(), Limit> {
        let over = |used: u64, more: u64, limit: u64| used.saturating_add(more) > limit;
        if let Some(limit) = self.max_calls.filter(|limit| over(self.spent.calls, 1, *limit)) {
            return Err(Limit::Calls(limit));
        }
        let credits_over = |limit: &u64| over(self.spent.credits, credits, *limit);
        if let Some(limit) = self.max_credits.filter(credits_over) {
            return Err(Limit::Credits(limit));
        }
        let today = self.window.total(now).credits;
        if let Some(limit) = self.daily.filter(|limit| over(today, credits, *limit)) {
            return Err(Limit::Daily { limit, again: self.window.room_at(credits, limit) });
        }
        if let Some(left) = self.left.filter(|left| credits > *left) {
            return Err(Limit::Org { left });
        }
        let call = Used::call(credits);
        self.spent.calls += call.calls;
        self.spent.credits += call.credits;
        self.window.add(now, call);
        self.left = self.left.map(|left| left - credits);
        Ok(())
    }

    /// Gives back what a call would have cost that never left.
    pub(crate) fn refund(&mut self, credits: u64) {
        let call = Used::call(credits);
        self.spent.calls = self.spent.calls.saturating_sub(call.calls);
        self.spent.credits = self.spent.credits.saturating_sub(call.credits);
        self.window.refund(call);
        self.left = self.left.map(|left| left.saturating_add(credits));
    }

    /// Calls and credits that may still be spent; `None` where nothing bounds them.
    fn room(&mut self, now: Timestamp) -> (Option<u64>, Option<u64>) {
        let calls = self.max_calls.map(|limit| limit.saturating_sub(self.spent.calls));
        let run = self.max_credits.map(|limit| limit.saturating_sub(self.spent.credits));
        let today = self.window.total(now).credits;
        let daily = self.daily.map(|limit| limit.saturating_sub(today));
        (calls, [run, daily, self.left].into_iter().flatten().min())
    }

    /// Whether so many slots side by side would each spend some of the rest on reads, and leave nothing for a
    /// call.
    pub(crate) fn is_scarce(&mut self, now: Timestamp, slots: usize) -> bool {
        let slots = u64::try_from(slots).unwrap_or(u64::MAX);
        let (calls, credits) = self.room(now);
        let scarce = |room: Option<u64>, a_slot: u64| {
            room.is_some_and(|room| room < slots.saturating_mul(a_slot))
        };
        scarce(calls, CALLS_A_SLOT) || scarce(credits, CREDITS_A_SLOT)
    }

    /// How many entries the next claim may have, so that what is read for it and its call fit: a read for each
    /// hundred records, and a call, which costs a credit for each fifty of them at most.
    pub(crate) fn entries_at_most(&mut self, now: Timestamp) -> usize {
        let (calls, credits) = self.room(now);
        let by_calls =
            calls.filter(|calls| *calls > 1).map(|calls| (calls - 1).saturating_mul(100));
        let by_credits =
            credits.filter(|credits| *credits > 2).map(|credits| credits.saturating_mul(100) / 3);
        let entries = by_calls.into_iter().chain(by_credits).min();
        entries.and_then(|entries| usize::try_from(entries).ok()).unwrap_or(usize::MAX)
    }

    /// How many whole records one of so many slots may read for its next call: each costs a call and a credit, and
    /// its own call has to fit, too, which costs two credits at most.
    pub(crate) fn whole_records_at_most(&mut self, now: Timestamp, slots: usize) -> usize {
        let slots = u64::try_from(slots).unwrap_or(u64::MAX).max(1);
        let (calls, credits) = self.room(now);
        let calls = calls.map(|calls| (calls / slots).saturating_sub(1));
        let credits = credits.map(|credits| (credits / slots).saturating_sub(2));
        let records = calls.into_iter().chain(credits).min();
        records.and_then(|records| usize::try_from(records).ok()).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::usage::DAY;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn the_first_budget_without_room_says_so_and_nothing_is_taken() {
        let mut budget = Budget::new(Some(3), Some(5), Window::default());
        budget.spend(NOW, 1).unwrap();
        budget.spend(NOW, 3).unwrap();
        assert_eq!(budget.spend(NOW, 2), Err(Limit::Credits(5)));
        budget.spend(NOW, 1).unwrap();
        assert_eq!(budget.spend(NOW, 0), Err(Limit::Calls(3)));
        assert_eq!(budget.spent(), Used { calls: 3, credits: 5 });
        budget.refund(1);
        budget.spend(NOW, 1).unwrap();
    }

    #[test]
    fn the_day_counts_what_earlier_runs_spent_and_rolls() {
        let minute = crate::domain::usage::minute_of(NOW);
        let mut budget =
            Budget::new(None, None, Window::new([(minute - 10, Used { calls: 9, credits: 90 })]));
        budget.keep_daily(100);
        budget.spend(NOW, 10).unwrap();
        let Err(Limit::Daily { limit: 100, again: Some(again) }) = budget.spend(NOW, 1) else {
            panic!("there is no room")
        };
        assert!(again.plus(Duration::from_mins(11)) > NOW.plus(DAY) && again < NOW.plus(DAY));
        budget.spend(again, 1).unwrap();
    }

    #[test]
    fn whole_records_leave_room_for_the_call_of_every_slot() {
        let mut budget = Budget::new(Some(100), Some(60), Window::default());
        assert_eq!(budget.whole_records_at_most(NOW, 5), 10);
        assert_eq!(budget.whole_records_at_most(NOW, 1), 58);
        for _ in 0..59 {
            budget.spend(NOW, 1).unwrap();
        }
        assert_eq!(budget.whole_records_at_most(NOW, 5), 0);
        assert_eq!(Budget::default().whole_records_at_most(NOW, 5), usize::MAX);
    }

    #[test]
    fn what_zoho_says_is_left_is_heeded() {
        let mut budget = Budget::default();
        budget.spend(NOW, 1_000).unwrap();
        budget.see_left(12);
        budget.spend(NOW, 10).unwrap();
        assert_eq!(budget.spend(NOW, 3), Err(Limit::Org { left: 2 }));
        assert!(budget.is_scarce(NOW, 1));
        budget.see_left(50_000);
        budget.spend(NOW, 3).unwrap();
        assert!(!budget.is_scarce(NOW, 20));
    }
}
