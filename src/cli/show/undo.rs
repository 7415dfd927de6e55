//! What of a request can be brought back, where it is small enough to be counted at once.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::words::grouped;
use crate::domain::time::Timestamp;
use crate::export::undo::{Bins, Remedy, Report, UndoState};
use crate::store::Reader;
use crate::store::query::{EntryFilter, RequestView};

/// Requests of more entries are left to `undo-report`.
const COUNTED: u64 = 20_000;

/// What of a request can be brought back.
#[derive(Debug, Serialize)]
pub(super) struct Counts {
    possible: u64,
    partial: u64,
    impossible: u64,
    expired: u64,
    undone: u64,
    being_undone: u64,
    nothing_to_undo: u64,
    soonest_deadline: Option<Timestamp>,
}

/// Counts; `None` where there is too much to count, and of an undo.
pub(super) fn counts(
    context: &Context,
    reader: &Reader,
    view: &RequestView,
) -> Result<Option<Counts>, CliError> {
    if view.operation.is_undo() || view.entries() > COUNTED {
        return Ok(None);
    }
    let (bins, now, versions) = (Bins::of(reader)?, context.now(), context.settings.versions());
    let mut report = Report::default();
    let filter = EntryFilter { requests: vec![view.request], ..EntryFilter::default() };
    reader.entries(&filter, |entry| {
        if let Some(remedy) = Remedy::of(entry, &bins, now) {
            report.add(entry, &remedy, versions);
        }
        Ok::<_, CliError>(())
    })?;
    Ok(Some(Counts {
        possible: report.count(UndoState::Possible),
        partial: report.count(UndoState::Partial),
        impossible: report.count(UndoState::Impossible),
        expired: report.count(UndoState::Expired),
        undone: report.count(UndoState::Undone),
        being_undone: report.being_undone,
        nothing_to_undo: report.count(UndoState::NothingToUndo),
        soonest_deadline: report.soonest.map(|soonest| soonest.at),
    }))
}

impl Counts {
    /// `3 possible until 2027-01-21T…, 1 undone`; empty while nothing is settled.
    pub(super) fn in_words(&self) -> String {
        let until = self.soonest_deadline.map(|at| format!(" (the first until {at})"));
        let counts = [
            (self.possible, "possible", until.unwrap_or_default()),
            (self.partial, "in part", String::new()),
            (self.being_undone, "under way", String::new()),
            (self.undone, "done", String::new()),
            (self.impossible, "IMPOSSIBLE", String::new()),
            (self.expired, "EXPIRED", String::new()),
            (self.nothing_to_undo, "not needed", String::new()),
        ];
        let told = counts.iter().filter(|(number, ..)| *number > 0);
        let told = told.map(|(number, word, more)| format!("{} {word}{more}", grouped(*number)));
        told.collect::<Vec<_>>().join(", ")
    }
}
