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

    /// Whatever the answers take, the offset lies within what each tells, and no answer makes it wider.
    #[test]
    fn the_truth_is_never_ruled_out() {
        for ahead in [-31_536_000_000_i64, -3_600_000, -1, 0, 1, 999, 86_400_000] {
            let mut known: Option<ClockOffset> = None;
            // When each call left, how long it took there and back.
            for (left, there, back) in [
                (0, 40, 9_000),
                (20_300, 700, 10),
                (30_999, 1, 1),
                (41_500, 5_000, 0),
                (50_001, 3, 250),
            ] {
                // Zoho's date is cut to whole seconds.
                let date = (left + there + ahead).div_euclid(SECOND) * SECOND;
                let seen = ClockOffset::of(at(date), at(left), at(left + there + back));
                let both = known.map_or(seen, |known| known.and(seen));
                assert!(both.least <= ahead && ahead <= both.most, "{ahead}: {both:?}");
                let width = |one: ClockOffset| one.most - one.least;
                assert!(width(both) <= width(seen), "{ahead}: {both:?}");
                assert!(known.is_none_or(|known| width(both) <= width(known)), "{ahead}: {both:?}");
                known = Some(both);
            }
            let error = known.map_or(i64::MAX, |known| (known.millis() - ahead).abs());
            assert!(error * 2 <= SECOND + 2, "{ahead}: off by {error} ms");
        }
    }

    #[test]
    fn a_date_out_of_all_bounds_is_taken_as_it_is() {
        let most = ClockOffset::of(at(i64::MAX), at(i64::MIN), at(i64::MIN));
        assert_eq!((most.least, most.most), (i64::MAX, i64::MAX));
        let least = ClockOffset::of(at(i64::MIN), at(i64::MAX), at(i64::MAX));
        assert_eq!(least.least, i64::MIN);
    }

    #[test]
    fn of_two_clocks_the_first_one_counts() {
        let one = ClockOffset::of(at(5_000), at(0), at(100));
        let other = ClockOffset::of(at(90_000), at(0), at(100));
        assert_eq!(one.and(other), one);
    }
}
