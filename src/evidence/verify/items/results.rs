//! What the jobs found, put together.

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::id::RequestId;
use crate::domain::merkle::{Hash, root_of};
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::items::{CHUNK, Request};
use crate::store::Result;
use crate::store::audit::Audit;

/// A set of row numbers: a bit each for the numbers that a table really has.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    low: Vec<u64>,
    high: HashSet<i64>,
}

impl Numbers {
    /// Numbers from here on are forged; bits for them would take all memory.
    const LOW: i64 = 1 << 26;

    fn place(number: i64) -> Option<(usize, u64)> {
        let low = (0..Self::LOW).contains(&number);
        let place = usize::try_from(number / 64).ok().filter(|_| low)?;
        Some((place, 1 << (number % 64)))
    }

    pub(super) fn insert(&mut self, number: i64) {
        let Some((place, bit)) = Self::place(number) else {
            self.high.insert(number);
            return;
        };
        if self.low.len() <= place {
            self.low.resize(place + 1, 0);
        }
        if let Some(word) = self.low.get_mut(place) {
            *word |= bit;
        }
    }

    fn contains(&self, number: i64) -> bool {
        match Self::place(number) {
            Some((place, bit)) => self.low.get(place).is_some_and(|word| word & bit != 0),
            None => self.high.contains(&number),
        }
    }

    fn merge(&mut self, other: Self) {
        self.high.extend(other.high);
        if self.low.len() < other.low.len() {
            self.low.resize(other.low.len(), 0);
        }
        for (word, more) in self.low.iter_mut().zip(other.low) {
            *word |= more;
        }
    }
}

/// What the jobs found.
#[derive(Default)]
pub(in crate::evidence::verify) struct Results {
    pub(in crate::evidence::verify) found: Findings,
    /// What Zoho said somewhere: rows of `said` that stand for something.
    pub(super) said: Numbers,
    /// Hashes in the place of what was forgotten, as many as were looked up.
    pub(in crate::evidence::verify) pruned: u64,
    /// Roots over the chunks of large requests.
    pub(super) roots: Vec<(RequestId, u64, Hash)>,
}

impl Results {
    pub(in crate::evidence::verify) fn merge(&mut self, other: Self) {
        self.found.merge(other.found);
        self.said.merge(other.said);
        self.pruned = self.pruned.saturating_add(other.pruned);
        self.roots.extend(other.roots);
    }

    /// Compares what no single job can see.
    pub(in crate::evidence::verify) fn conclude(
        mut self,
        audit: Audit<'_>,
        requests: &[Arc<Request>],
        found: &mut Findings,
    ) -> Result<()> {
        found.merge(self.found);
        let said = self.said;
        audit.each_said(|id| {
            if !said.contains(id) {
                let what = "words that no answer says";
                found.add(Kind::Attempts, format!("said {id}"), what, None);
            }
        })?;
        if audit.pruned_count()? != self.pruned {
            let what = "hashes stand in the place of what was never forgotten";
            found.add(Kind::Items, "table pruned", what, None);
        }
        self.roots.sort_unstable_by_key(|(request, chunk, _)| (*request, *chunk));
        let large = |request: &&Arc<Request>| request.entries > CHUNK && !request.is_gone();
        for request in requests.iter().filter(large) {
            let after = self.roots.partition_point(|(id, ..)| *id < request.id);
            let own = self.roots.iter().skip(after).take_while(|(id, ..)| *id == request.id);
            // Complete subtrees combine as leaves do; RFC 6962 splits at a power of two.
            if root_of(own.map(|(.., root)| *root)) != request.items_root {
                items_changed(request, found);
            }
        }
        Ok(())
    }
}

pub(super) fn items_changed(request: &Request, found: &mut Findings) {
    let what = "its items are not those that were recorded: an id or a row number was edited, or the \
                request's secret";
    found.add(Kind::Items, request.id.to_string(), what, Some(request.seq));
}
