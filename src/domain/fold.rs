//! The fold: from the events of the log to what every other table must hold.
//!
//! It knows nothing of the code that writes those tables: `verify` compares the two. [`Rows`] gives whole
//! rows, one event at a time; [`States`] gives the states of the entries in a window of numbers, at one
//! byte an entry, so that ten million entries fit into little memory.

mod adoptions;
mod forgotten;
mod full_snapshot;
mod governance;
mod merged;
mod row;
mod rows;
mod states;

pub use governance::HoldRow;
pub use row::Expected;
pub use rows::{Note, Rows};
pub use states::{IllegalMove, States, Tally, WINDOW};

use serde::{Deserialize, Serialize};

use crate::domain::id::{BatchId, EntryId, EventSeq, RequestId, RunId};
use crate::domain::target::named_set;
use crate::domain::time::Timestamp;

/// One value of a row, as SQLite stores it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// NULL.
    Null,
    /// A number.
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("empty"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "\"{}\"", text.escape_debug()),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

/// Conversions that lose nothing: a count above 2^63 stays at the end of the range, as the store does it.
macro_rules! integer_cells {
    ($($kind:ty => $convert:expr,)+) => {$(
        impl From<$kind> for Cell {
            fn from(value: $kind) -> Self {
                let convert: fn($kind) -> i64 = $convert;
                Self::Integer(convert(value))
            }
        }
    )+};
}
integer_cells! {
    i64 => |number| number,
    u64 => |number| i64::try_from(number).unwrap_or(i64::MAX),
    u32 => i64::from,
    u16 => i64::from,
    u8 => i64::from,
    bool => i64::from,
    EventSeq => EventSeq::get,
    EntryId => EntryId::get,
    RequestId => RequestId::get,
    BatchId => BatchId::get,
    RunId => RunId::get,
    Timestamp => Timestamp::millis,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

named_set!(
    /// Tables that follow from the log, each row of them from some event.
    Table, "table", {
        /// Whom the journal belongs to.
        Binding = "binding",
        /// Runs of the reconciler.
        Run = "run",
        /// What runs read of modules.
        Module = "module",
        /// Requests.
        Request = "request",
        /// Entries.
        Entry = "entry",
        /// Entries that share their next call with few others.
        Share = "share",
        /// Secrets of requests.
        Secret = "secret",
        /// Rows that did not become entries.
        Rejected = "rejected",
        /// Calls as they were sent.
        Template = "template",
        /// Batches.
        Batch = "batch",
        /// Answers.
        Answer = "answer",
        /// One entry in one batch.
        Attempt = "attempt",
        /// Asynchronous jobs.
        Job = "job",
        /// Readings, of evidence and of snapshots.
        Reading = "reading",
        /// What was there before a call.
        Snapshot = "snapshot",
        /// What evidence says about one entry.
        Evidence = "evidence",
        /// What a later look showed of one entry.
        Recheck = "recheck",
        /// Entries that were withdrawn or rejected.
        Cancellation = "cancellation",
        /// The pause, while there is one.
        Pause = "pause",
        /// Holds.
        Hold = "hold",
        /// Ids under holds.
        HoldId = "hold_id",
        /// Secrets of holds.
        HoldSecret = "hold_secret",
        /// Approval policies.
        Policy = "policy",
        /// What was forgotten.
        Erasure = "erasure",
        /// Where the journal was adopted.
        Adoption = "adoption",
        /// Whole records, encrypted.
        FullSnapshot = "full_snapshot",
        /// Full snapshots that were shredded.
        Shredding = "shredding",
    }
);

#[cfg(test)]
mod tests;
