//! The other views: attempts, batches, requests, rows left out, and the log itself.

use serde::Deserialize;

use crate::domain::id::{EventSeq, RecordId};
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::export::ExportError;
use crate::export::entries::zoho_text;
use crate::export::style::{Cell, Rows};
use crate::store::query::{BatchView, Ending, EntryFilter, EntryView, RequestDetail, Step};
use crate::store::run::Binding;
use crate::store::{Reader, StoreError};

type Written = Result<u64, ExportError>;

fn index(seq: EventSeq) -> Cell<'static> {
    u64::try_from(seq.get()).map_or(Cell::Empty, Cell::Number)
}

/// One row an entry and batch that carried it.
pub(super) fn attempts(reader: &Reader, filter: &EntryFilter, rows: &mut Rows<'_>) -> Written {
    let mut written = 0;
    reader.entries(filter, |entry| {
        let mut number = 0;
        for step in &entry.steps {
            if let Step::Attempt { batch, result } = step {
                number += 1;
                let (outcome, said) = match result {
                    Some(result) => (Some(result.outcome), Some(&result.said)),
                    None => (None, None),
                };
                let ending = batch.end.as_ref().map_or("open", |end| end.ending.wire_name());
                let mut cells = attempt_head(entry, number);
                cells.extend([
                    Cell::batch(batch.batch),
                    Cell::Word(ending),
                    Cell::some(outcome, |outcome| Cell::Word(outcome.wire_name())),
                    Cell::some(said, |said| Cell::text(said.code.as_str())),
                    Cell::some(said, |said| Cell::text(said.message.as_str())),
                ]);
                cells.extend(attempt_tail(batch));
                rows.row(&cells)?;
                written += 1;
            }
        }
        Ok::<_, ExportError>(())
    })?;
    Ok(written)
}

fn attempt_head(entry: &EntryView, number: u64) -> Vec<Cell<'_>> {
    vec![
        Cell::entry(entry.entry),
        Cell::request(entry.request.request),
        Cell::Word(entry.scope.operation.wire_name()),
        Cell::Word(entry.scope.product.wire_name()),
        Cell::text(entry.scope.module.as_str()),
        Cell::some(entry.target, Cell::Zoho),
        Cell::Number(number),
    ]
}

fn attempt_tail(batch: &BatchView) -> Vec<Cell<'_>> {
    let end = batch.end.as_ref();
    vec![
        Cell::some(batch.http_status(), |status| Cell::Number(status.into())),
        Cell::some(batch.submitted_at(), Cell::Time),
        Cell::some(end, |end| Cell::Time(end.at)),
        Cell::some(batch.user, Cell::Zoho),
        Cell::some(end, |end| index(end.seq)),
        Cell::some(end, |end| Cell::Hash(end.leaf)),
        zoho_text(batch.job_id()),
    ]
}

/// One row a batch.
pub(super) fn batches(reader: &Reader, rows: &mut Rows<'_>) -> Written {
    reader.each_batch(|batch, scope, begun_at| {
        let end = batch.end.as_ref();
        let complete = end.and_then(|end| match end.ending {
            Ending::Answered { complete, .. } => Some(complete),
            Ending::Unanswered { .. } | Ending::Returned => None,
        });
        let run = u64::try_from(batch.run.get()).unwrap_or(0);
        rows.row(&[
            Cell::batch(batch.batch),
            Cell::Number(run),
            Cell::Word(batch.api_version.wire_name()),
            Cell::text(batch.template.as_str()),
            Cell::text(batch.entries.named().to_string()),
            Cell::Number(batch.size),
            Cell::Time(begun_at),
            Cell::Time(batch.send_by),
            Cell::some(batch.submitted_at(), Cell::Time),
            Cell::some(end, |end| Cell::Time(end.at)),
            Cell::Word(end.map_or("open", |end| end.ending.wire_name())),
            Cell::some(batch.http_status(), |status| Cell::Number(status.into())),
            Cell::some(complete, Cell::Flag),
            Cell::some(batch.user, Cell::Zoho),
            index(batch.begun_seq),
            Cell::some(end, |end| index(end.seq)),
            Cell::some(end, |end| Cell::Hash(end.leaf)),
            Cell::some(scope, |scope| Cell::Word(scope.operation.wire_name())),
            Cell::some(scope, |scope| Cell::Word(scope.product.wire_name())),
            Cell::some(scope, |scope| Cell::text(scope.module.as_str())),
            zoho_text(batch.job_id()),
        ])
        .map_err(ExportError::from)
    })
}

/// One row a request.
pub(super) fn requests(reader: &Reader, filter: &EntryFilter, rows: &mut Rows<'_>) -> Written {
    let binding = reader.binding()?;
    reader.requests(filter, |request| {
        let mut cells = request_cells(request, binding.as_ref());
        cells.extend(EntryState::ALL.iter().map(|state| Cell::Number(request.count(*state))));
        let tags = &request.view.tags;
        cells.extend([
            index(request.view.seq),
            Cell::Hash(request.view.leaf),
            Cell::some(request.view.list.as_ref(), |list| Cell::text(list.as_str())),
            if tags.is_empty() { Cell::Empty } else { Cell::List(tags) },
            Cell::some(request.view.reads_first(), Cell::Flag),
        ]);
        rows.row(&cells).map_err(ExportError::from)
    })
}

fn request_cells<'a>(request: &'a RequestDetail, binding: Option<&'a Binding>) -> Vec<Cell<'a>> {
    let view = &request.view;
    vec![
        Cell::request(view.request),
        Cell::Word(view.operation.wire_name()),
        Cell::Word(view.product.wire_name()),
        zoho_text(binding.and_then(|binding| binding.org.as_ref())),
        Cell::some(binding, |binding| Cell::text(binding.environment.as_str())),
        Cell::text(view.module.as_str()),
        // Other calls start what they start; nothing about it was chosen.
        if view.operation == Operation::Delete { Cell::Flag(view.workflows) } else { Cell::Empty },
        Cell::some_text(view.requested_by.as_ref()),
        Cell::Time(view.at),
        Cell::some_text(view.recorded_by.as_ref()),
        Cell::some_text(view.reason.as_ref()),
        Cell::some_text(view.ticket.as_ref()),
        Cell::some_text(view.source_name.as_ref()),
        Cell::Word(view.source.wire_name()),
        Cell::some_text(view.source_sha256.as_ref()),
        Cell::some_text(view.source_column.as_ref()),
        Cell::Number(view.source_rows),
        Cell::Number(view.entries()),
        Cell::Number(view.duplicates),
        Cell::Number(view.rejected),
        Cell::text(view.policy.as_str()),
        Cell::some(view.not_before, Cell::Time),
        Cell::Time(view.valid_until),
        Cell::Flag(view.parked),
    ]
}

/// One row a line of a source that did not become an entry.
pub(super) fn rejected(reader: &Reader, filter: &EntryFilter, rows: &mut Rows<'_>) -> Written {
    let mut written = 0;
    reader.requests(filter, |request| {
        written += reader.left_out(request.view.request, |row| {
            rows.row(&[
                Cell::request(row.request),
                Cell::some(row.line, Cell::Number),
                Cell::some(row.value.as_deref(), left_out_value),
                Cell::some_text(row.reason.as_ref()),
            ])
            .map_err(ExportError::from)
        })?;
        Ok::<_, ExportError>(())
    })?;
    Ok(written)
}

/// What stood in a row. A record's id is written as one: a spreadsheet would round its digits.
fn left_out_value(value: &str) -> Cell<'_> {
    match value.parse::<RecordId>() {
        Ok(id) if value.bytes().all(|byte| byte.is_ascii_digit()) => Cell::Zoho(id),
        _ => Cell::text(value),
    }
}

/// What every event begins with, whatever its version.
#[derive(Deserialize)]
struct Frame {
    at: Option<Timestamp>,
    kind: Option<String>,
}

/// One row an event. Its bytes are those of the leaf, also of one that a newer program wrote.
pub(super) fn events(reader: &Reader, rows: &mut Rows<'_>) -> Written {
    let mut written = 0;
    reader.events_from(EventSeq::new(0), |event| {
        let damaged = |why: String| StoreError::corrupt("event", format!("{}: {why}", event.seq));
        let body = std::str::from_utf8(&event.body).map_err(|error| damaged(error.to_string()))?;
        let frame: Frame =
            serde_json::from_str(body).map_err(|error| damaged(error.to_string()))?;
        written += 1;
        rows.row(&[
            index(event.seq),
            Cell::some(frame.at, Cell::Time),
            Cell::some_text(frame.kind.as_ref()),
            Cell::Hash(event.leaf),
            Cell::Json(body),
        ])
        .map_err(ExportError::from)
    })?;
    Ok(written)
}
