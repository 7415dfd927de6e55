//! Rows while the log is folded, and as they must stand in the file.

use crate::domain::event::BatchBegun;
use crate::domain::fold::{Cell, Table};
use crate::domain::id::{EventSeq, RunId};
use crate::domain::target::Target;

/// What the log says about one row. Columns that are not named are checked elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The table.
    pub table: Table,
    /// The row's key, in the order of the key's columns.
    pub key: Vec<Cell>,
    /// Columns and what they must hold.
    pub cells: Vec<(&'static str, Cell)>,
    /// The last event that says so.
    pub since: EventSeq,
}

/// A run as far as the log has come.
#[derive(Debug, Clone)]
pub(super) struct RunRow {
    pub(super) id: RunId,
    pub(super) started: EventSeq,
    pub(super) command: String,
    pub(super) quarantine_ms: u64,
    pub(super) user: Option<(EventSeq, i64)>,
    pub(super) ended: Option<(EventSeq, u8, u64, u64)>,
}

/// A batch whose end has not come yet.
#[derive(Debug, Clone)]
pub(super) struct OpenBatch {
    pub(super) begun: EventSeq,
    pub(super) data: BatchBegun,
    pub(super) template: i64,
}

/// How a batch ended, as its row says it.
pub(super) struct Ending {
    pub(super) seq: EventSeq,
    pub(super) name: &'static str,
    pub(super) sent_at: Cell,
    pub(super) sent_before: Cell,
    pub(super) http_status: Cell,
    pub(super) complete: Cell,
}

#[derive(Debug, Clone)]
pub(super) struct BindingRow {
    pub(super) target: Target,
    pub(super) pinned: EventSeq,
    pub(super) bound: Option<EventSeq>,
}

impl RunRow {
    pub(super) fn expected(&self) -> Expected {
        let ended = self.ended;
        Expected {
            table: Table::Run,
            key: vec![self.id.into()],
            cells: vec![
                ("started_seq", self.started.into()),
                ("command", self.command.as_str().into()),
                ("quarantine_ms", self.quarantine_ms.into()),
                ("user_seq", self.user.map(|(seq, _)| seq).into()),
                ("clock_offset_ms", self.user.map_or(0, |(_, offset)| offset).into()),
                ("ended_seq", ended.map(|(seq, ..)| seq).into()),
                ("exit_code", ended.map(|(_, code, ..)| code).into()),
                ("calls", ended.map(|(_, _, calls, _)| calls).into()),
                ("credits", ended.map(|(.., credits)| credits).into()),
            ],
            since: ended.map_or(self.started, |(seq, ..)| seq),
        }
    }
}

impl OpenBatch {
    /// The row of a batch, open still or ended so.
    pub(super) fn expected(&self, ending: Option<Ending>) -> Expected {
        let data = &self.data;
        let seen = data.seen_before.as_ref().map(ToString::to_string);
        let since = ending.as_ref().map_or(self.begun, |ending| ending.seq);
        let (ended_seq, ending) = (ending.as_ref().map(|ending| ending.seq), ending);
        let [name, sent_at, sent_before, http_status, complete] = ending
            .map_or([const { Cell::Null }; 5], |end| {
                [end.name.into(), end.sent_at, end.sent_before, end.http_status, end.complete]
            });
        Expected {
            table: Table::Batch,
            key: vec![data.batch.into()],
            cells: vec![
                ("begun_seq", self.begun.into()),
                ("run", data.run.into()),
                ("api_version", data.api_version.wire_name().into()),
                ("template", self.template.into()),
                ("entries", data.entries.to_string().into()),
                ("size", data.entries.len().into()),
                ("send_by_ms", data.send_by.into()),
                ("seen_before", seen.into()),
                ("ended_seq", ended_seq.into()),
                ("ending", name),
                ("sent_at_ms", sent_at),
                ("sent_before_ms", sent_before),
                ("http_status", http_status),
                ("complete", complete),
            ],
            since,
        }
    }
}

impl BindingRow {
    pub(super) fn expected(&self) -> Expected {
        Expected {
            table: Table::Binding,
            key: vec![1_i64.into()],
            cells: vec![
                ("data_center", self.target.data_center.wire_name().into()),
                ("environment", self.target.environment.wire_name().into()),
                ("api_origin", self.target.api_origin.as_str().into()),
                ("pinned_seq", self.pinned.into()),
                ("bound_seq", self.bound.into()),
            ],
            since: self.bound.unwrap_or(self.pinned),
        }
    }
}
