//! Credits, calls under way, and the log of requests.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::fault::Fault;
use super::time::DAY_MS;

/// One API call as the simulator saw it. Token and control calls are not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSeen {
    /// Its number, from 1.
    pub number: u64,
    /// When it arrived, in milliseconds of the simulator's clock.
    pub at_ms: i64,
    /// The HTTP method.
    pub method: String,
    /// Path and query, exactly as sent.
    pub url: String,
    /// The body of a write, as text; empty for reads.
    pub body: String,
    /// The ids that a write names, as sent; empty for reads.
    pub ids: Vec<String>,
    /// Whether it asked for a change.
    pub is_write: bool,
    /// The status of the answer; `None` while there is none, and for ever when it was lost.
    pub status: Option<u16>,
    /// The fault that struck it.
    pub fault: Option<Fault>,
    /// How many records, links, tags or notes it changed; of a job, what it deleted so far.
    pub applied: usize,
}

/// The API calls of a simulator's life, in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    requests: Vec<RequestSeen>,
    writes: u64,
    throttled: u64,
}

impl RequestLog {
    /// Logs a call that arrived, and numbers it.
    pub(crate) fn begin(
        &mut self,
        at_ms: i64,
        (method, url, body): (&str, &str, &[u8]),
        ids: Option<Vec<String>>,
    ) -> u64 {
        let number = u64::try_from(self.requests.len()).unwrap_or(u64::MAX) + 1;
        let is_write = ids.is_some();
        self.writes += u64::from(is_write);
        self.requests.push(RequestSeen {
            number,
            at_ms,
            method: method.to_owned(),
            url: url.to_owned(),
            body: if is_write { text(body) } else { String::new() },
            ids: ids.unwrap_or_default(),
            is_write,
            status: None,
            fault: None,
            applied: 0,
        });
        number
    }

    /// Notes the status of the answer that the call of this number gets.
    pub(crate) fn answered(&mut self, number: u64, status: u16) {
        self.throttled += u64::from(status == 429);
        if let Some(entry) = self.entry(number) {
            entry.status = Some(status);
        }
    }

    /// The entry with this number.
    pub(crate) fn entry(&mut self, number: u64) -> Option<&mut RequestSeen> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.requests.get_mut(index)
    }

    pub(crate) fn all(&self) -> &[RequestSeen] {
        &self.requests
    }

    pub(crate) fn count(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn writes(&self) -> u64 {
        self.writes
    }

    /// How many calls were answered with 429.
    pub(crate) fn throttled(&self) -> u64 {
        self.throttled
    }
}

/// A body for people to read.
pub(crate) fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

/// API credits over a rolling day (API Limits page).
#[derive(Debug)]
pub(crate) struct Credits {
    daily: u64,
    spent: VecDeque<(i64, u64)>,
    used: u64,
}

impl Credits {
    pub(crate) fn new(daily: u64) -> Self {
        Self { daily, spent: VecDeque::new(), used: 0 }
    }

    /// Takes what a call costs; `false` when the day's credits do not suffice, and then nothing is
    /// taken.
    pub(crate) fn take(&mut self, now: i64, cost: u64) -> bool {
        self.forget_before(now.saturating_sub(DAY_MS));
        if self.used.saturating_add(cost) > self.daily {
            return false;
        }
        self.used += cost;
        self.spent.push_back((now, cost));
        true
    }

    /// What is left, once half is used; the header is sent only then (API Limits page).
    pub(crate) fn announced(&self) -> Option<u64> {
        (self.used.saturating_mul(2) >= self.daily).then(|| self.daily.saturating_sub(self.used))
    }

    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    fn forget_before(&mut self, oldest: i64) {
        while let Some((at, cost)) = self.spent.front().copied()
            && at <= oldest
        {
            self.used = self.used.saturating_sub(cost);
            self.spent.pop_front();
        }
    }
}

/// How many calls are under way, and how many were at most.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Slots {
    /// Takes a place, if one of `limit` is free.
    pub(crate) fn take(&self, limit: usize) -> Option<Slot<'_>> {
        let before = self
            .under_way
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| (n < limit).then_some(n + 1))
            .ok()?;
        self.most.fetch_max(before + 1, Ordering::SeqCst);
        Some(Slot(self))
    }

    /// How many places were taken at once, at most.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

/// A call's place among those under way; given back when dropped, also when the client went away.
#[derive(Debug)]
pub(crate) struct Slot<'a>(&'a Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_are_announced_from_half_on_and_come_back_after_a_day() {
        let mut credits = Credits::new(4);
        assert!(credits.take(0, 1));
        assert_eq!(credits.announced(), None);
        assert!(credits.take(0, 1));
        assert_eq!(credits.announced(), Some(2));
        assert!(credits.take(1, 1));
        assert_eq!(credits.announced(), Some(1));
        assert!(!credits.take(2, 2));
        assert!(credits.take(3, 1));
        assert!(!credits.take(DAY_MS - 1, 1));
        assert!(credits.take(DAY_MS, 2));
        assert_eq!(credits.used(), 4);
    }

    #[test]
    fn a_place_is_free_again_when_its_call_ends() {
        let slots = Slots::default();
        let (first, second) = (slots.take(2), slots.take(2));
        assert!(first.is_some() && second.is_some());
        assert!(slots.take(2).is_none());
        drop(first);
        assert!(slots.take(2).is_some());
        assert_eq!(slots.most(), 2);
    }
}
