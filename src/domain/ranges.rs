//! Sets of entry numbers, kept as ranges: a batch of a hundred is mostly `1-100`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::id::EntryId;

/// A set of entries: ascending, disjoint, inclusive ranges. Written `1-100,105`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct EntryRanges(Vec<(i64, i64)>);

/// The text is no set of entries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected ascending entry numbers and ranges, as in 1-100,105")]
pub struct RangesError;

impl EntryRanges {
    /// All entries from the first to the last; empty when the last lies before the first.
    pub fn span(first: EntryId, last: EntryId) -> Self {
        let mut ranges = Self::default();
        if first <= last {
            ranges.0.push((first.get(), last.get()));
        }
        ranges
    }

    /// Adds an entry above all that are in the set; anything else is ignored and reported as `false`.
    pub fn push(&mut self, entry: EntryId) -> bool {
        let number = entry.get();
        match self.0.last_mut() {
            Some((_, last)) if number == *last + 1 => *last = number,
            Some((_, last)) if number <= *last => return false,
            _ => self.0.push((number, number)),
        }
        true
    }

    /// Adds all entries from the first to the last, above all that are in the set; anything else is ignored and
    /// reported as `false`.
    pub fn push_span(&mut self, first: EntryId, last: EntryId) -> bool {
        let (first, last) = (first.get(), last.get());
        match self.0.last_mut() {
            _ if last < first => return false,
            Some((_, above)) if first <= *above => return false,
            Some((_, above)) if first == *above + 1 => *above = last,
            _ => self.0.push((first, last)),
        }
        true
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = (EntryId, EntryId)> {
        self.0.iter().map(|(first, last)| (EntryId::new(*first), EntryId::new(*last)))
    }

    /// Every entry, ascending.
    pub fn iter(&self) -> impl Iterator<Item = EntryId> {
        self.0.iter().flat_map(|(first, last)| *first..=*last).map(EntryId::new)
    }

    /// The set for people: every number with its letter, as in `E1-E100,E105`.
    pub fn named(&self) -> impl fmt::Display {
        let range = |&(first, last): &(i64, i64)| match (EntryId::new(first), EntryId::new(last)) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        };
        self.0.iter().map(range).collect::<Vec<_>>().join(",")
    }

    /// How many entries.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|(first, last)| first.abs_diff(*last) + 1).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The smallest entry.
    pub fn first(&self) -> Option<EntryId> {
        self.0.first().map(|(first, _)| EntryId::new(*first))
    }

    /// The largest entry.
    pub fn last(&self) -> Option<EntryId> {
        self.0.last().map(|(_, last)| EntryId::new(*last))
    }

    /// Whether all entries from the first to the last are in the set. Only of a set in which ranges that touch
    /// are one, as all are that were collected or [joined](Self::join).
    pub fn holds(&self, first: EntryId, last: EntryId) -> bool {
        let after = self.0.partition_point(|(from, _)| *from <= first.get());
        let range = after.checked_sub(1).and_then(|at| self.0.get(at));
        first > last || range.is_some_and(|(_, to)| last.get() <= *to)
    }

    /// Whether any entry from the first to the last is in the set.
    pub fn touches(&self, first: EntryId, last: EntryId) -> bool {
        let at = self.0.partition_point(|(_, to)| *to < first.get());
        first <= last && self.0.get(at).is_some_and(|(from, _)| *from <= last.get())
    }

    /// The entries of the set from the first to the last.
    #[must_use]
    pub fn part(&self, first: EntryId, last: EntryId) -> Self {
        let at = self.0.partition_point(|(_, to)| *to < first.get());
        let inside = self.0.iter().skip(at).take_while(|(from, _)| *from <= last.get());
        Self(inside.map(|(from, to)| (*from.max(&first.get()), *to.min(&last.get()))).collect())
    }

    /// How many entries of the set come before this one of it; `None` for one that is not in it.
    pub fn position(&self, entry: EntryId) -> Option<u64> {
        let mut before = 0;
        for (first, last) in self.ranges().take_while(|(first, _)| *first <= entry) {
            if entry <= last {
                return Some(before + entry.get().abs_diff(first.get()));
            }
            before += last.get().abs_diff(first.get()) + 1;
        }
        None
    }

    /// Adds all entries of another set.
    pub fn join(&mut self, other: &Self) {
        let mut ranges: Vec<(i64, i64)> = self.0.iter().chain(&other.0).copied().collect();
        ranges.sort_unstable();
        self.0.clear();
        for (first, last) in ranges {
            match self.0.last_mut() {
                Some((_, above)) if first <= above.saturating_add(1) => *above = last.max(*above),
                _ => self.0.push((first, last)),
            }
        }
    }

    /// Whether the entry is in the set.
    pub fn contains(&self, entry: EntryId) -> bool {
        let number = entry.get();
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, last)| number <= *last)
    }
}

impl FromIterator<EntryId> for EntryRanges {
    /// Collects ascending entries. Those out of order are left out.
    fn from_iter<I: IntoIterator<Item = EntryId>>(entries: I) -> Self {
        let mut ranges = Self::default();
        for entry in entries {
            ranges.push(entry);
        }
        ranges
    }
}

impl fmt::Display for EntryRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (first, last)) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            if first == last {
                write!(f, "{first}")?;
            } else {
                write!(f, "{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for EntryRanges {
    type Err = RangesError;

    fn from_str(text: &str) -> Result<Self, RangesError> {
        let mut ranges = Self::default();
        let mut above = 0;
        for part in text.split(',').filter(|_| !text.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |digits: &str| digits.parse::<i64>().map_err(|_| RangesError);
            let (first, last) = (number(first)?, number(last)?);
            if first <= above || last < first {
                return Err(RangesError);
            }
            above = last;
            ranges.0.push((first, last));
        }
        Ok(ranges)
    }
}

impl Serialize for EntryRanges {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryRanges {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let entries = [1, 2, 3, 7, 9, 10].map(EntryId::new);
        let ranges: EntryRanges = entries.into_iter().collect();
        assert_eq!(ranges.to_string(), "1-3,7,9-10");
        assert_eq!(ranges.named().to_string(), "E1-E3,E7,E9-E10");
        assert_eq!("1-3,7,9-10".parse(), Ok(ranges.clone()));
        assert_eq!(ranges.iter().collect::<Vec<_>>(), entries);
        assert_eq!(ranges.len(), 6);
        assert!(ranges.contains(EntryId::new(7)) && !ranges.contains(EntryId::new(8)));
        assert!(!ranges.contains(EntryId::new(0)) && !ranges.contains(EntryId::new(11)));
        assert_eq!("".parse(), Ok(EntryRanges::default()));
        assert!(ranges.holds(EntryId::new(9), EntryId::new(10)));
        assert!(!ranges.holds(EntryId::new(7), EntryId::new(9)));
        assert!(ranges.touches(EntryId::new(4), EntryId::new(7)));
        assert!(!ranges.touches(EntryId::new(4), EntryId::new(6)));
        assert_eq!(ranges.part(EntryId::new(2), EntryId::new(9)).to_string(), "2-3,7,9");
        for (position, entry) in (0..).zip(entries) {
            assert_eq!(ranges.position(entry), Some(position), "{entry}");
        }
        for missing in [0, 4, 8, 11] {
            assert_eq!(ranges.position(EntryId::new(missing)), None, "{missing}");
        }
        let mut joined = ranges.clone();
        joined.join(&"4-6,8,20".parse().unwrap());
        assert_eq!(joined.to_string(), "1-10,20");
        for wrong in ["3-1", "1,1", "2,1", "0", "-1", "a", "1-", "1--2", ","] {
            assert_eq!(wrong.parse::<EntryRanges>(), Err(RangesError), "{wrong}");
        }
    }
}
