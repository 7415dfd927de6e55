//! Drawing entries so that nobody can choose which: whoever names the seed decides, and anybody can draw again.
//!
//! An entry's rank is `SHA-256(seed ‖ 0x00 ‖ its number in decimal digits)`. The entries with the smallest ranks
//! are drawn, in the order of their ranks.

use std::collections::BinaryHeap;

use sha2::{Digest, Sha256};

use crate::domain::id::EntryId;
use crate::domain::merkle::Hash;

/// The rank of an entry under a seed.
pub fn rank(seed: &str, entry: EntryId) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(seed.as_bytes());
    hasher.update([0x00]);
    hasher.update(entry.get().to_string().as_bytes());
    Hash::new(hasher.finalize().into())
}

/// A draw under way. Keeps no more than are drawn.
#[derive(Debug)]
pub struct Draw<'s> {
    seed: &'s str,
    wanted: usize,
    population: u64,
    /// The largest rank on top.
    drawn: BinaryHeap<(Hash, EntryId)>,
}

impl<'s> Draw<'s> {
    /// Draws so many.
    pub fn new(seed: &'s str, wanted: usize) -> Self {
        Self { seed, wanted, population: 0, drawn: BinaryHeap::new() }
    }

    /// The next entry of the population. The order does not matter.
    pub fn push(&mut self, entry: EntryId) {
        self.population += 1;
        self.drawn.push((rank(self.seed, entry), entry));
        if self.drawn.len() > self.wanted {
            self.drawn.pop();
        }
    }

    /// How many there were, and those drawn by rank.
    pub fn finish(self) -> (u64, Vec<(Hash, EntryId)>) {
        (self.population, self.drawn.into_sorted_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: &str, wanted: usize, entries: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let mut draw = Draw::new(seed, wanted);
        for entry in entries {
            draw.push(EntryId::new(entry));
        }
        draw.finish().1.into_iter().map(|(_, entry)| entry.get()).collect()
    }

    /// Computed with `printf 'audit 2026\0007' | sha256sum`.
    #[test]
    fn the_rank_is_pinned() {
        assert_eq!(
            rank("audit 2026", EntryId::new(7)).to_string(),
            "95ac3a19a2962a7978055cb8e60847544a0d337542b89841819abce7119aab94"
        );
    }

    #[test]
    fn the_same_seed_draws_the_same_in_any_order_and_more_draws_more_of_the_same() {
        let few = draw("x", 5, 1..=1000);
        assert_eq!(draw("x", 5, (1..=1000).rev()), few);
        assert_eq!(draw("x", 9, 1..=1000)[..5], few);
        assert_ne!(draw("y", 5, 1..=1000), few);
        let mut all = draw("x", 99, 1..=7);
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3, 4, 5, 6, 7]);
        assert!(draw("x", 0, 1..=7).is_empty());
    }
}
