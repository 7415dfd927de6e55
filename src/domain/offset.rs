//! How far Zoho's clock is ahead of ours, as the dates of its answers tell.

use crate::domain::time::Timestamp;

/// An answer's date lies between the moments at which its call left and at which it came in: each narrows down what
/// the offset can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOffset {
    least: i64,
    most: i64,
}

/// Dates have whole seconds.
const SECOND: i64 = 1000;

impl ClockOffset {
    /// What one answer tells, by its date and by our clock, which nobody has set meanwhile.
    pub fn of(date: Timestamp, left: Timestamp, came: Timestamp) -> Self {
        let ahead_of = |ours: Timestamp| date.millis().saturating_sub(ours.millis());
        Self { least: ahead_of(came), most: ahead_of(left).saturating_add(SECOND) }
    }

    /// What two answers tell. Where they contradict each other, as two servers' clocks may, the first one counts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = Self { least: self.least.max(other.least), most: self.most.min(other.most) };
        if both.least <= both.most { both } else { self }
    }

    /// In milliseconds; off by half of the fastest answer's time at most, and half a second.
    pub fn millis(self) -> i64 {
        self.least.midpoint(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn fast_answers_narrow_down_what_slow_ones_leave_open() {
        // Zoho is 60 seconds ahead.
        let slow = ClockOffset::of(at(69_000), at(1_000), at(9_500));
        assert_eq!((slow.least, slow.most), (59_500, 69_000));
        let fast = ClockOffset::of(at(80_000), at(20_100), at(20_300));
        assert_eq!(fast.millis(), 60_300);
        assert_eq!(slow.and(fast), ClockOffset { least: 59_700, most: 60_900 });
        assert_eq!(slow.and(fast), fast.and(slow));
    }

    #[test]
    fn of_two_clocks_the_first_one_counts() {
        let one = ClockOffset::of(at(5_000), at(0), at(100));
        let other = ClockOffset::of(at(90_000), at(0), at(100));
        assert_eq!(one.and(other), one);
    }
}
