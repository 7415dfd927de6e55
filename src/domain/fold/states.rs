//! From events to the states of entries, window by window.

use std::ops::RangeInclusive;

use crate::domain::event::Event;
use crate::domain::id::{EntryId, RequestId};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::{Change, EntryState};

/// Entries of one window: 16 MiB of states. Journals beyond it are replayed once more for each further
/// window.
pub const WINDOW: u64 = 1 << 24;

/// A byte that is no state: the entry is not recorded yet.
const NOT_RECORDED: u8 = u8::MAX;

/// A move that the state machine forbids: no program of ours writes such a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IllegalMove {
    /// The first entry that was moved so.
    pub entry: EntryId,
    /// Where it stood; `None` when it was not recorded yet.
    pub from: Option<EntryState>,
    /// What was to move it.
    pub change: Change,
}

/// How many entries of a request stand in each state, and in which any ever stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    counts: [u64; EntryState::ALL.len()],
    visited: [bool; EntryState::ALL.len()],
}

impl Tally {
    /// Entries in a state; `None` for a state in which none ever stood.
    pub fn get(&self, state: EntryState) -> Option<u64> {
        let position = usize::from(code(state));
        let visited = self.visited.get(position).copied().unwrap_or(false);
        self.counts.get(position).copied().filter(|_| visited)
    }
}

/// The states of the entries in one window of numbers.
#[derive(Debug)]
pub struct States {
    first: i64,
    width: i64,
    codes: Vec<u8>,
    /// First and last entry of each request, with its counts over all windows so far.
    requests: Vec<(i64, i64, Tally)>,
    /// Requests that this window's replay has come to.
    recorded: usize,
}

fn code(state: EntryState) -> u8 {
    EntryState::ALL
        .iter()
        .position(|one| *one == state)
        .and_then(|position| u8::try_from(position).ok())
        .unwrap_or(NOT_RECORDED)
}

fn state(code: u8) -> Option<EntryState> {
    EntryState::ALL.get(usize::from(code)).copied()
}

impl States {
    /// The first window, of so many entries.
    pub fn new(width: u64) -> Self {
        let width = i64::try_from(width).unwrap_or(i64::MAX).max(1);
        Self { first: 1, width, codes: Vec::new(), requests: Vec::new(), recorded: 0 }
    }

    /// Goes to the next window. The log must be replayed from its start.
    pub fn next_window(&mut self) {
        self.first = self.first.saturating_add(self.width);
        self.codes.clear();
        self.recorded = 0;
    }

    /// The entries of the window as far as they were recorded, with their states.
    pub fn entries(&self) -> impl Iterator<Item = (EntryId, EntryState)> {
        let numbered = (self.first..).zip(&self.codes);
        numbered.filter_map(|(entry, code)| Some((EntryId::new(entry), state(*code)?)))
    }

    /// The numbers that the window covers.
    pub fn window(&self) -> RangeInclusive<i64> {
        self.first..=self.first.saturating_add(self.width - 1)
    }

    /// First and last entry of every request, in order.
    pub fn requests(&self) -> impl Iterator<Item = (RequestId, EntryId, EntryId)> {
        (1..).zip(&self.requests).map(|(number, (first, last, _))| {
            (RequestId::new(number), EntryId::new(*first), EntryId::new(*last))
        })
    }

    /// The counts of every request. Complete once every window was [counted](Self::count_window).
    pub fn tallies(&self) -> impl Iterator<Item = (RequestId, &Tally)> {
        (1..).zip(&self.requests).map(|(number, (.., tally))| (RequestId::new(number), tally))
    }

    /// Folds the next event. `Err` names the first entry that the event must not move; such entries stay
    /// where they are.
    pub fn apply(&mut self, event: &Event) -> Result<(), IllegalMove> {
        if let Event::RequestRecorded(data) = event {
            let initial = if data.awaiting_approval {
                EntryState::AwaitingApproval
            } else {
                EntryState::Pending
            };
            self.record(data.entries, initial);
        }
        let mut outcome = Ok(());
        for step in event.steps() {
            for (first, last) in step.entries.ranges() {
                let moved = self.step(first.get(), last.get(), step.change);
                outcome = outcome.and(moved);
            }
        }
        outcome
    }

    /// The first of these entries that is not settled, as far as they lie in the window.
    pub fn first_open(&self, entries: &EntryRanges) -> Option<EntryId> {
        let end = self.window().end().to_owned();
        entries.ranges().find_map(|(first, last)| {
            let from = usize::try_from(first.get().max(self.first) - self.first).ok()?;
            let to = usize::try_from(last.get().min(end).checked_sub(self.first)?).ok()?;
            let codes = self.codes.get(from..=to.min(self.codes.len().checked_sub(1)?))?;
            let open = |code: &u8| !state(*code).is_some_and(EntryState::is_settled);
            let at = i64::try_from(from + codes.iter().position(open)?).ok()?;
            Some(EntryId::new(self.first + at))
        })
    }

    fn record(&mut self, entries: u64, initial: EntryState) {
        if self.recorded == self.requests.len() {
            let first = self.requests.last().map_or(1, |(_, last, _)| last.saturating_add(1));
            let entries = i64::try_from(entries).unwrap_or(i64::MAX);
            let last = first.saturating_add(entries).saturating_sub(1);
            self.requests.push((first, last, Tally::default()));
        }
        let window = self.window();
        if let Some((_, last, tally)) = self.requests.get_mut(self.recorded) {
            visit(tally, code(initial));
            let end = (*last).min(*window.end()).saturating_sub(self.first).saturating_add(1);
            let end = usize::try_from(end).unwrap_or(0);
            // Requests follow one another without a gap, and so do their states.
            if end > self.codes.len() {
                self.codes.resize(end, code(initial));
            }
        }
        self.recorded += 1;
    }

    fn step(&mut self, first: i64, last: i64, change: Change) -> Result<(), IllegalMove> {
        let next: Vec<u8> = EntryState::ALL
            .iter()
            .map(|from| from.next(change).map_or(NOT_RECORDED, code))
            .collect();
        let mut outcome = Ok(());
        let from = first.max(self.first);
        let until = last.min(*self.window().end());
        let owner = self.requests.partition_point(|(_, end, _)| *end < from);
        for (begin, end, tally) in self.requests.iter_mut().skip(owner) {
            if *begin > until {
                break;
            }
            let (from, until) = (from.max(*begin), until.min(*end));
            let place = |entry: i64| usize::try_from(entry.saturating_sub(self.first)).ok();
            let part = place(from)
                .zip(place(until))
                .and_then(|(from, until)| self.codes.get_mut(from..=until));
            for (entry, stands) in (from..).zip(part.into_iter().flatten()) {
                match next.get(usize::from(*stands)) {
                    Some(to) if *to != NOT_RECORDED => {
                        *stands = *to;
                        visit(tally, *to);
                    }
                    _ => {
                        let entry = EntryId::new(entry);
                        let illegal = IllegalMove { entry, from: state(*stands), change };
                        outcome = outcome.and(Err(illegal));
                    }
                }
            }
        }
        outcome
    }

    /// Adds the states of this window to the counts of the requests. To be called once a window.
    pub fn count_window(&mut self) {
        for (first, last, tally) in &mut self.requests {
            let place = |entry: i64| usize::try_from(entry.saturating_sub(self.first)).unwrap_or(0);
            if *last < self.first {
                continue;
            }
            let (from, until) = (place(*first), place(*last).saturating_add(1));
            let until = until.min(self.codes.len());
            for stands in self.codes.get(from..until).into_iter().flatten() {
                if let Some(count) = tally.counts.get_mut(usize::from(*stands)) {
                    *count += 1;
                }
            }
        }
    }
}

fn visit(tally: &mut Tally, code: u8) {
    if let Some(visited) = tally.visited.get_mut(usize::from(code)) {
        *visited = true;
    }
}
