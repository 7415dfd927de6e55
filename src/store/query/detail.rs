//! One request or batch in full, every request or batch in order, and the log as it is read.

use std::rc::Rc;

use rusqlite::{OptionalExtension, named_params};

use crate::domain::call::Brought;
use crate::domain::event::Event;
use crate::domain::id::{BatchId, EntryId, EventSeq, ModuleName, RecordId, RequestId};
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::Scope;
use crate::domain::state::EntryState;
use crate::domain::target::Product;
use crate::domain::time::Timestamp;
use crate::store::Reader;
use crate::store::batch::{StoredAnswer, answer_of, targets_of};
use crate::store::code::{Name, Sql, uncount};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::event_at;
use crate::store::log::{self, StoredEvent};
use crate::store::overview::module_id;
use crate::store::query::filter::EntryFilter;
use crate::store::query::lookup::{self, Lookups, sealed};
use crate::store::query::view::{BatchView, RequestView, ScopeView};
use crate::store::scope;
use crate::store::undo;

/// A request with where its entries stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestDetail {
    /// The request.
    pub view: RequestView,
    /// How many of its entries stand in each state; states without any are left out.
    pub tally: Vec<(EntryState, u64)>,
}

impl RequestDetail {
    /// How many of its entries stand in a state.
    pub fn count(&self, state: EntryState) -> u64 {
        self.tally.iter().find(|(one, _)| *one == state).map_or(0, |(_, entries)| *entries)
    }
}

/// A batch with its request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchDetail {
    /// The batch.
    pub view: BatchView,
    /// When it was recorded.
    pub begun_at: Timestamp,
    /// The records, in the order in which they were sent; `None` for one that was erased.
    pub targets: Vec<Option<RecordId>>,
    /// What its entries have in common; `None` once erased.
    pub scope: Option<Scope>,
    /// Zoho's id of the module, where the call names it.
    pub module_id: Option<RecordId>,
    /// What each record brings back, of an undo, where its call says more than ids.
    pub brought: Vec<Brought>,
    /// The answer; `None` without one, or once erased.
    pub answer: Option<StoredAnswer>,
    /// Why there is no answer, or why it was not sent: a word of ours, and the error where it is kept.
    pub reason: Option<(&'static str, String)>,
}

/// A row of a source that did not become an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOutRow {
    /// The request.
    pub request: RequestId,
    /// Its line; `None` once erased.
    pub line: Option<u64>,
    /// What stood there; `None` once erased.
    pub value: Option<String>,
    /// Why it was left out; `None` once erased.
    pub reason: Option<String>,
}

impl Reader {
    /// One request.
    pub fn request(&self, request: RequestId) -> Result<RequestDetail> {
        let view = lookup::request(&self.conn, request)?;
        let doing = "counting a request's entries";
        let mut statement = self
            .conn
            .prepare_cached(
                "-- tally_of_request\nSELECT state, entries FROM tally
                 WHERE request = :id AND entries > 0 ORDER BY state",
            )
            .doing(doing)?;
        let tally = statement
            .query_map(named_params! {":id": Sql(request)}, |row| {
                Ok((row.get::<_, Sql<EntryState>>(0)?.0, uncount(row.get(1)?)))
            })
            .doing(doing)?
            .collect::<rusqlite::Result<_>>()
            .doing(doing)?;
        Ok(RequestDetail { view, tally })
    }

    /// How many parents a request's entries have; 0 unless it is an unlink.
    pub fn parents_of(&self, request: &RequestView) -> Result<u64> {
        self.conn
            .prepare_cached(
                "-- parents_of\nSELECT count(DISTINCT s.parent) FROM entry e
                 JOIN scope s ON s.id = e.scope WHERE e.id BETWEEN :first AND :last",
            )
            .and_then(|mut statement| {
                let range =
                    named_params! {":first": Sql(request.first), ":last": Sql(request.last)};
                statement.query_row(range, |row| row.get(0).map(uncount))
            })
            .doing("counting the parents of a request")
    }

    /// Zoho's id of the module that a request is pinned to, where its calls name it and it is known.
    pub fn pinned_module(&self, request: &RequestView) -> Result<Option<RecordId>> {
        self.module_id_of(&EntryRanges::span(request.first, request.first))
    }

    /// The requests that own these entries.
    pub fn owners(&self, entries: &EntryRanges) -> Result<Vec<RequestId>> {
        let doing = "looking for the requests of a batch";
        let mut statement = self
            .conn
            .prepare_cached(
                "-- owners\nSELECT id FROM request
                 WHERE first_entry <= :last AND last_entry >= :first ORDER BY first_entry",
            )
            .doing(doing)?;
        let mut owners: Vec<RequestId> = Vec::new();
        for (first, last) in entries.ranges() {
            let rows = statement
                .query_map(named_params! {":first": Sql(first), ":last": Sql(last)}, |row| {
                    row.get::<_, Sql<RequestId>>(0).map(|Sql(id)| id)
                })
                .doing(doing)?;
            for owner in rows {
                owners.push(owner.doing(doing)?);
            }
        }
        owners.dedup();
        Ok(owners)
    }

    /// Hands every request to `visit` that the filter does not rule out, in order. States, codes and times
    /// of entries are not looked at.
    pub fn requests<E: From<StoreError>>(
        &self,
        filter: &EntryFilter,
        mut visit: impl FnMut(&RequestDetail) -> std::result::Result<(), E>,
    ) -> std::result::Result<u64, E> {
        let mut visited = 0;
        for number in 1..=self.last_request()? {
            let detail = match self.request(RequestId::new(number)) {
                Err(StoreError::NotFound(_)) => continue,
                other => other?,
            };
            if filter.wants_request(&detail.view) {
                visit(&detail)?;
                visited += 1;
            }
        }
        Ok(visited)
    }

    fn last_request(&self) -> Result<i64> {
        self.conn
            .query_row("-- last_request\nSELECT coalesce(max(id), 0) FROM request", [], |row| {
                row.get(0)
            })
            .doing("looking for requests")
    }

    /// One batch in full.
    pub fn batch(&self, batch: BatchId) -> Result<BatchDetail> {
        let view = BatchView::clone(&*Lookups::new(&self.conn).batch(batch)?);
        let scope = self.scope_of(&view.entries)?;
        let brought = match &scope {
            Some(scope) => undo::brought(&self.conn, scope.operation(), view.entries.iter())?,
            None => Vec::new(),
        };
        Ok(BatchDetail {
            begun_at: self.event_at(view.begun_seq)?,
            targets: targets_of(&self.conn, &view.entries)?,
            scope,
            module_id: self.module_id_of(&view.entries)?,
            brought,
            answer: answer_of(&self.conn, batch)?,
            reason: self.reason(&view)?,
            view,
        })
    }

    /// Hands every batch to `visit`, in order, with what its entries have in common (`None` once erased) and
    /// the time at which it was recorded.
    pub fn each_batch<E: From<StoreError>>(
        &self,
        mut visit: impl FnMut(&BatchView, Option<&ScopeView>, Timestamp) -> std::result::Result<(), E>,
    ) -> std::result::Result<u64, E> {
        let mut lookups = Lookups::new(&self.conn);
        let last = i64::try_from(self.batches()?).unwrap_or(i64::MAX);
        let mut visited = 0;
        for number in 1..=last {
            let view = match lookups.batch(BatchId::new(number)) {
                Err(StoreError::NotFound(_)) => continue,
                other => other?,
            };
            let scope = self.scope_view_of(&view, &mut lookups)?;
            visit(&view, scope.as_deref(), self.event_at(view.begun_seq)?)?;
            visited += 1;
        }
        Ok(visited)
    }

    /// When an event was written.
    pub fn event_at(&self, seq: EventSeq) -> Result<Timestamp> {
        event_at(&self.conn, seq).map(|(at, _)| at)
    }

    /// What a batch's entries have in common.
    fn scope_of(&self, entries: &EntryRanges) -> Result<Option<Scope>> {
        let first = entries.first().unwrap_or(EntryId::new(0));
        self.conn
            .prepare_cached(
                "-- scope_of\nSELECT s.operation, s.product, s.module, s.parent, s.related_list, s.tags
                 FROM entry e JOIN scope s ON s.id = e.scope WHERE e.id = :entry",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":entry": Sql(first)}, |row| scope::read(row, 0))
                    .optional()
            })
            .map(Option::flatten)
            .doing("reading a batch")
    }

    /// The same for showing, which an erasure leaves.
    fn scope_view_of(
        &self,
        batch: &BatchView,
        lookups: &mut Lookups<'_>,
    ) -> Result<Option<Rc<ScopeView>>> {
        let scope: Option<i64> = self
            .conn
            .prepare_cached("-- scope_number\nSELECT scope FROM entry WHERE id = :entry")
            .and_then(|mut statement| {
                let first = batch.entries.first().unwrap_or(EntryId::new(0));
                statement
                    .query_row(named_params! {":entry": Sql(first)}, |row| row.get(0))
                    .optional()
            })
            .doing("reading a batch")?;
        scope.map(|scope| lookups.scope(scope)).transpose()
    }

    /// Zoho's id of the module that a batch's requests are pinned to.
    fn module_id_of(&self, entries: &EntryRanges) -> Result<Option<RecordId>> {
        let first = entries.first().unwrap_or(EntryId::new(0));
        let pinned: Option<Option<Sql<EventSeq>>> = self
            .conn
            .prepare_cached(
                "-- module_seq_of\nSELECT module_seq FROM request WHERE first_entry <= :entry
                 ORDER BY first_entry DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":entry": Sql(first)}, |row| row.get(0))
                    .optional()
            })
            .doing("reading a batch")?;
        match pinned.flatten() {
            Some(Sql(seq)) => module_id(&self.conn, seq),
            None => Ok(None),
        }
    }

    fn reason(&self, view: &BatchView) -> Result<Option<(&'static str, String)>> {
        let Some(end) = &view.end else {
            return Ok(None);
        };
        let event = log::event(&self.conn, end.seq)?.decode()?.event;
        let reason = if let Event::BatchUnanswered(event) = &event {
            event.reason.wire_name()
        } else if let Event::BatchReturned(event) = &event {
            event.reason.wire_name()
        } else {
            return Ok(None);
        };
        let detail = sealed(&self.conn, end.seq)?.remove("detail").unwrap_or_default();
        Ok(Some((reason, detail)))
    }

    /// Hands every row that did not become an entry to `visit`, by request and line.
    pub fn left_out<E: From<StoreError>>(
        &self,
        request: RequestId,
        mut visit: impl FnMut(&LeftOutRow) -> std::result::Result<(), E>,
    ) -> std::result::Result<u64, E> {
        let failed = StoreError::sqlite("reading the rows left out");
        let mut statement = self
            .conn
            .prepare_cached(
                "-- left_out\nSELECT line, value, reason FROM rejected
                 WHERE request = :request ORDER BY ordinal",
            )
            .map_err(&failed)?;
        let mut rows =
            statement.query(named_params! {":request": Sql(request)}).map_err(&failed)?;
        let mut visited = 0;
        while let Some(row) = rows.next().map_err(&failed)? {
            let read = || -> rusqlite::Result<LeftOutRow> {
                Ok(LeftOutRow {
                    request,
                    line: row.get::<_, Option<i64>>(0)?.map(uncount),
                    value: row.get(1)?,
                    reason: row.get(2)?,
                })
            };
            visit(&read().map_err(&failed)?)?;
            visited += 1;
        }
        Ok(visited)
    }

    /// Modules whose records' way to the recycle bin a run has read; `None` where it could not be read.
    pub fn recycle_bins(&self) -> Result<Vec<(Product, ModuleName, Option<bool>)>> {
        let doing = "reading the modules";
        let mut statement = self
            .conn
            .prepare_cached("-- recycle_bins\nSELECT product, module, recycle_bin FROM module")
            .doing(doing)?;
        let rows = statement
            .query_map([], |row| {
                let (Name(product), Name(module)) = (row.get(0)?, row.get(1)?);
                Ok((product, module, row.get(2)?))
            })
            .doing(doing)?;
        rows.collect::<rusqlite::Result<_>>().doing(doing)
    }

    /// Hands every event from a position on to `visit`, in order, one at a time.
    pub fn events_from<E: From<StoreError>>(
        &self,
        from: EventSeq,
        visit: impl FnMut(StoredEvent) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        log::each_event(&self.conn, from, visit)
    }

    /// The opened seals of an event that were not erased, by field.
    pub fn opened_seals(
        &self,
        seq: EventSeq,
    ) -> Result<std::collections::BTreeMap<String, String>> {
        Ok(sealed(&self.conn, seq)?.into_iter().collect())
    }
}
