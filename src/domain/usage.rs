//! What calls cost: credits over a rolling day, and the budgets that hold them back.
//!
//! Zoho counts credits over the last 24 hours, not by the calendar (CRM API Limits page), and so does this.
//! What calls cost is one table: [`PRICES`].

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::time::Timestamp;

/// The time over which Zoho counts credits.
pub const DAY: Duration = Duration::from_hours(24);

const MINUTE_MS: i64 = 60_000;

/// What a call costs, and where that is written. The one table of prices: [`PRICES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// The calls that cost so much.
    pub calls: &'static str,
    /// Credits.
    pub credits: u64,
    /// For each so many items or part of them; `None`: for the call.
    pub per_items: Option<usize>,
    /// Where it is written.
    pub source: &'static str,
}

/// Removing tags from many records at once.
pub const TAGS_OF_MANY: Price = Price {
    calls: "removing tags from records",
    credits: 1,
    per_items: Some(50),
    source: "CRM API Limits page: one credit for each 50 records",
};

/// A page of the list of deletions.
pub const DELETED_PAGE: Price = Price {
    calls: "a page of the list of deletions",
    credits: 2,
    per_items: None,
    source: "Vertical Solutions API Limits page",
};

/// Everything else: deleting records, unlinking, deleting tags, and all other reads.
pub const ANY_OTHER: Price = Price {
    calls: "any other call",
    credits: 1,
    per_items: None,
    source: "CRM and Bigin API Limits pages: \"all other APIs\"; none of these calls is listed there",
};

/// Every price.
pub const PRICES: &[Price] = &[TAGS_OF_MANY, DELETED_PAGE, ANY_OTHER];

impl Price {
    /// What a call about so many items costs, in API credits.
    pub fn of(self, items: usize) -> u64 {
        let times = self.per_items.map_or(1, |each| items.div_ceil(each).max(1));
        u64::try_from(times).unwrap_or(u64::MAX).saturating_mul(self.credits)
    }
}

/// Calls and what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// API calls.
    pub calls: u64,
    /// API credits.
    pub credits: u64,
}

impl Used {
    /// One call at that price.
    pub const fn call(credits: u64) -> Self {
        Self { calls: 1, credits }
    }

    fn add(&mut self, more: Self) {
        self.calls = self.calls.saturating_add(more.calls);
        self.credits = self.credits.saturating_add(more.credits);
    }

    fn take(&mut self, less: Self) {
        self.calls = self.calls.saturating_sub(less.calls);
        self.credits = self.credits.saturating_sub(less.credits);
    }
}

/// The minute a moment falls into, counted from 1970.
pub const fn minute_of(at: Timestamp) -> i64 {
    at.millis().div_euclid(MINUTE_MS)
}

/// What was used over the last day, by the minute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    minutes: VecDeque<(i64, Used)>,
    total: Used,
}

impl Window {
    /// Takes up what was used before. `minutes` ascend.
    pub fn new(minutes: impl IntoIterator<Item = (i64, Used)>) -> Self {
        let minutes: VecDeque<_> = minutes.into_iter().collect();
        let mut total = Used::default();
        for (_, used) in &minutes {
            total.add(*used);
        }
        Self { minutes, total }
    }

    /// Counts more.
    pub fn add(&mut self, now: Timestamp, used: Used) {
        self.forget(now);
        let minute = minute_of(now);
        match self.minutes.back_mut() {
            // A clock that was set back counts into the newest minute: too long rather than not at all.
            Some((newest, sum)) if *newest >= minute => sum.add(used),
            _ => self.minutes.push_back((minute, used)),
        }
        self.total.add(used);
    }

    /// Takes back what was counted just now.
    pub fn refund(&mut self, used: Used) {
        if let Some((_, newest)) = self.minutes.back_mut() {
            newest.take(used);
            self.total.take(used);
        }
    }

    /// What the last day comes to.
    pub fn total(&mut self, now: Timestamp) -> Used {
        self.forget(now);
        self.total
    }

    /// When so many credits fit under the limit again, if nothing else is used; `None` when they never do.
    pub fn room_at(&self, credits: u64, limit: u64) -> Option<Timestamp> {
        let too_much = self.total.credits.saturating_add(credits).checked_sub(limit)?;
        let mut freed: u64 = 0;
        for (minute, used) in &self.minutes {
            freed = freed.saturating_add(used.credits);
            if freed >= too_much {
                let end = minute.saturating_add(1).saturating_mul(MINUTE_MS);
                return Some(Timestamp::from_millis(end).plus(DAY));
            }
        }
        None
    }

    fn forget(&mut self, now: Timestamp) {
        let oldest = minute_of(now).saturating_sub(minutes_a_day());
        while let Some((minute, used)) = self.minutes.front().copied()
            && minute < oldest
        {
            self.total.take(used);
            self.minutes.pop_front();
        }
    }
}

/// How many whole minutes are looked back over. The one that is not over yet comes on top, so that a budget is
/// kept for a little more than a day rather than a little less.
pub const fn minutes_a_day() -> i64 {
    24 * 60
}

/// How many credits this journal may use in any 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DailyBudget {
    /// So many.
    Credits(u64),
    /// So many hundredths of what the org's edition gives.
    Share(u8),
}

impl DailyBudget {
    /// The budget in credits. Where the org's day is not known, a share is one of the smallest day there is:
    /// an edition that nobody knows must not be spent as if it were without end.
    pub fn credits(self, day: Option<u64>) -> u64 {
        match self {
            Self::Credits(credits) => credits,
            Self::Share(percent) => {
                let day = day.unwrap_or(SMALLEST_DAY);
                day.saturating_mul(u64::from(percent)) / 100
            }
        }
    }
}

/// What the Free edition gives a day (CRM API Limits page; Bigin's is the same).
pub const SMALLEST_DAY: u64 = 5_000;

impl fmt::Display for DailyBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credits(credits) => write!(f, "{credits}"),
            Self::Share(percent) => write!(f, "{percent}%"),
        }
    }
}

/// The text is no budget.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no daily budget: write a number of credits, or a share of the org's day such as 20%"
)]
pub struct DailyBudgetError(String);

impl FromStr for DailyBudget {
    type Err = DailyBudgetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || DailyBudgetError(text.escape_debug().take(40).collect());
        match text.strip_suffix('%') {
            Some(percent) => match percent.trim_end().parse() {
                Ok(percent @ 1..=100) => Ok(Self::Share(percent)),
                Ok(_) | Err(_) => Err(error()),
            },
            None => text.parse().map(Self::Credits).map_err(|_| error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * MINUTE_MS + 1)
    }

    /// CRM API Limits page: 500 records come to ten credits.
    #[test]
    fn tags_cost_a_credit_for_fifty_records_and_most_calls_one() {
        assert_eq!([1, 49, 50, 51, 500].map(|items| TAGS_OF_MANY.of(items)), [1, 1, 1, 2, 10]);
        assert_eq!((DELETED_PAGE.of(200), ANY_OTHER.of(100)), (2, 1));
        assert!(PRICES.iter().all(|price| !price.source.is_empty() && !price.calls.is_empty()));
    }

    #[test]
    fn the_window_rolls() {
        let mut window = Window::default();
        window.add(at(0), Used::call(2));
        window.add(at(0), Used::call(3));
        window.add(at(100), Used::call(5));
        assert_eq!(window.total(at(1_440)), Used { calls: 3, credits: 10 });
        assert_eq!(window.total(at(1_441)), Used { calls: 1, credits: 5 });
        window.refund(Used::call(5));
        assert_eq!(window.total(at(1_441)), Used::default());
    }

    #[test]
    fn it_says_when_there_is_room() {
        let window = Window::new([(0, Used::call(4)), (10, Used::call(4))]);
        assert_eq!(window.room_at(1, 100), None, "there is room now");
        assert_eq!(window.room_at(1, 8), Some(Timestamp::from_millis(MINUTE_MS).plus(DAY)));
        assert_eq!(window.room_at(5, 8), Some(Timestamp::from_millis(11 * MINUTE_MS).plus(DAY)));
        assert_eq!(window.room_at(9, 8), None, "never");
    }

    #[test]
    fn a_clock_that_is_set_back_frees_nothing() {
        let mut window = Window::default();
        window.add(at(5_000), Used::call(7));
        window.add(at(10), Used::call(1));
        assert_eq!(window.total(at(10)), Used { calls: 2, credits: 8 });
        assert_eq!(window.total(at(5_001)).credits, 8);
    }

    #[test]
    fn a_budget_is_a_number_or_a_share() {
        let read = |text: &str| text.parse::<DailyBudget>();
        assert_eq!(read("20000").unwrap().credits(None), 20_000);
        assert_eq!(read("20%").unwrap().credits(Some(52_000)), 10_400);
        assert_eq!(read("20%").unwrap().credits(None), 1_000);
        for wrong in ["", "%", "0%", "101%", "-1", "1.5", "20 credits", "1e3"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for text in ["20000", "20%"] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
    }
}
