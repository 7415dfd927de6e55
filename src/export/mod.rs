//! What leaves the program as text: rows for spreadsheets and machines, words for terminals and logs.
//!
//! An export streams: memory does not grow with the number of rows. The columns are a contract;
//! `docs/csv.md` says what each means.

pub mod cell;

mod advice;
mod columns;
mod entries;
mod evidence;
mod governance;
mod person;
mod phrases;
mod style;
mod things;
pub mod undo;
mod views;
mod words;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::domain::calls::Versions;
use crate::domain::target::named_set;
use crate::domain::time::Timestamp;
use crate::store::query::{EntryFilter, EntryView};
use crate::store::{Reader, StoreError};

pub use advice::advice_of;
pub use columns::ENTRY_COLUMNS;
pub use evidence::{message_of, reading_in_brief, reading_sentence};
pub use governance::hold_in_brief;
pub use style::{Delimiter, DelimiterError, Format, Style};
pub use undo::{Undo, UndoState, Why};
pub use words::in_words;

use entries::EntryRows;
use style::Rows;
use undo::{Bins, Remedy, UndoRows};

named_set!(
    /// What the rows of an export are.
    View, "view", {
        /// One row an entry.
        Entries = "entries",
        /// One row an entry and batch that carried it.
        Attempts = "attempts",
        /// One row a batch.
        Batches = "batches",
        /// One row a request.
        Requests = "requests",
        /// One row a line of a source that did not become an entry.
        Rejected = "rejected",
        /// One row an event of the log.
        Events = "events",
        /// One row a settled entry: whether, how and until when it can be brought back.
        Undo = "undo",
    }
);

impl View {
    /// Whether the view can be restricted by this filter. A filter that would do nothing must be refused:
    /// who names a request expects no other in the file.
    pub fn takes(self, filter: &EntryFilter) -> bool {
        match self {
            Self::Entries | Self::Attempts | Self::Undo => true,
            Self::Requests | Self::Rejected => filter.is_about_requests_only(),
            Self::Batches | Self::Events => filter.is_empty(),
        }
    }

    /// The names of its columns, in order.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Entries => &ENTRY_COLUMNS,
            Self::Attempts => columns::ATTEMPTS,
            Self::Batches => columns::BATCHES,
            Self::Requests => columns::REQUESTS,
            Self::Rejected => columns::REJECTED,
            Self::Events => columns::EVENTS,
            Self::Undo => columns::UNDO,
        }
    }
}

/// An export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rows could not be written; what was written is incomplete.
    #[error("the rows could not be written: {0}")]
    Write(#[from] io::Error),
}

/// What rows depend on beside the journal.
#[derive(Debug, Clone, Copy)]
pub struct AsOf {
    /// Decides what can still be brought back.
    pub now: Timestamp,
    /// By which API versions calls are made.
    pub versions: Versions,
}

/// Writes the rows of a view that the filter lets through, and returns how many.
pub fn export(
    reader: &Reader,
    view: View,
    filter: &EntryFilter,
    style: Style,
    as_of: AsOf,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let AsOf { now, versions } = as_of;
    let mut rows = Rows::begin(out, style, view.columns());
    let count = match view {
        View::Entries => {
            let mut entries = EntryRows::new(reader, now)?;
            reader.entries(filter, |entry| entries.write(&mut rows, entry))?
        }
        View::Attempts => views::attempts(reader, filter, &mut rows)?,
        View::Batches => views::batches(reader, &mut rows)?,
        View::Requests => views::requests(reader, filter, &mut rows)?,
        View::Rejected => views::rejected(reader, filter, &mut rows)?,
        View::Events => views::events(reader, &mut rows)?,
        View::Undo => {
            let mut undo = UndoRows::over(rows, versions, None);
            let bins = Bins::of(reader)?;
            reader.entries(filter, |entry| match Remedy::of(entry, &bins, now) {
                Some(remedy) => undo.write(entry, &remedy.with_copy(reader, entry)?, false),
                None => Ok(()),
            })?;
            return undo.end(true);
        }
    };
    rows.end()?;
    Ok(count)
}

/// One entry as the JSON object that a JSONL export has for it.
pub fn entry_as_json(
    reader: &Reader,
    entry: &EntryView,
    now: Timestamp,
) -> Result<String, ExportError> {
    let mut bytes = Vec::new();
    let mut rows = Rows::begin(&mut bytes, Style::jsonl(), &ENTRY_COLUMNS);
    EntryRows::new(reader, now)?.write(&mut rows, entry)?;
    rows.end()?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod things_tests;
