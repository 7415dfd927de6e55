//! Looking: what lists, exports and `show` present, read on the reader's one snapshot.
//!
//! Entries are read in key order, a chunk at a time, and their attempts and evidence are merged to them
//! in memory. What many entries share (request, batch, scope, words) is looked up once and kept for a
//! while, so memory does not grow with the journal.

mod adopted;
mod blocked;
mod detail;
mod filter;
mod glance;
mod later;
mod lookup;
mod scan;
mod summary;
mod view;

pub use blocked::{Blocked, Blocker, Waits};
pub use detail::{BatchDetail, LeftOutRow, RequestDetail};
pub use filter::EntryFilter;
pub(crate) use filter::entries_for;
pub use glance::UndoGlance;
pub use later::{PutBack, RecheckView, UndoneBy};
pub(crate) use scan::each_of;
pub use summary::{LastRun, Summary};
pub use view::{
    AttemptResult, BatchEnd, BatchView, Ending, EntryView, JobOver, JobView, PersonView,
    ReadingView, RequestView, Said, ScopeView, Settled, SettledBy, Step,
};

#[cfg(test)]
pub(crate) mod stories;
#[cfg(test)]
mod tests;
