//! What many entries share, looked up once and kept while it is of use.

use std::collections::HashMap;
use std::hash::Hash as Key;
use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::domain::event::{Event, JobEnding};
use crate::domain::id::{BatchId, EntryId, EventSeq, HoldId, RecordId, RequestId, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::time::Timestamp;
use crate::store::adopting::{self, AdoptionView};
use crate::store::approval;
use crate::store::cancelling::{self, CancellationView};
use crate::store::code::{Name, Sql, uncount};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::holding::{self, HoldView};
use crate::store::job::JobEnd;
use crate::store::log::{self, event_at};
use crate::store::query::view::{
    BatchEnd, BatchView, Ending, JobOver, JobView, PersonView, ReadingView, RequestView, Said,
    ScopeView,
};

/// So many values of a kind are kept. A run has fewer batches under way than this, and entries come in the
/// order of their batches, so a full cache has done its work.
const KEPT: usize = 2048;

/// Values by their number, at most [`KEPT`].
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    known: HashMap<K, Rc<V>>,
    last: Option<(K, Rc<V>)>,
}

impl<K: Copy + Eq + Key, V> Cache<K, V> {
    fn new() -> Self {
        Self { known: HashMap::new(), last: None }
    }

    /// The value, loaded when it is not at hand. The one that was wanted last is found without hashing.
    fn get(&mut self, key: K, load: impl FnOnce() -> Result<V>) -> Result<Rc<V>> {
        if let Some((last, value)) = &self.last
            && *last == key
        {
            return Ok(Rc::clone(value));
        }
        let value = if let Some(value) = self.known.get(&key) {
            Rc::clone(value)
        } else {
            if self.known.len() >= KEPT {
                self.known.clear();
            }
            let value = Rc::new(load()?);
            self.known.insert(key, Rc::clone(&value));
            value
        };
        self.last = Some((key, Rc::clone(&value)));
        Ok(value)
    }
}

/// Everything that is looked up by number.
#[derive(Debug)]
pub(super) struct Lookups<'c> {
    pub(super) conn: &'c Connection,
    batches: Cache<BatchId, BatchView>,
    readings: Cache<i64, ReadingView>,
    scopes: Cache<i64, ScopeView>,
    said: Cache<i64, Said>,
    users: Cache<RunId, Option<RecordId>>,
    cancellations: Cache<EventSeq, CancellationView>,
    holds: Cache<HoldId, HoldView>,
    adoptions: Option<Vec<Rc<AdoptionView>>>,
    request: Option<Rc<RequestView>>,
}

impl<'c> Lookups<'c> {
    pub(super) fn new(conn: &'c Connection) -> Self {
        Self {
            conn,
            batches: Cache::new(),
            readings: Cache::new(),
            scopes: Cache::new(),
            said: Cache::new(),
            users: Cache::new(),
            cancellations: Cache::new(),
            holds: Cache::new(),
            adoptions: None,
            request: None,
        }
    }

    /// The request that owns an entry. Entries come in order, so one is kept.
    pub(super) fn request_of(&mut self, entry: EntryId) -> Result<Rc<RequestView>> {
        if let Some(request) = &self.request
            && request.first <= entry
            && entry <= request.last
        {
            return Ok(Rc::clone(request));
        }
        let id = self
            .conn
            .prepare_cached(
                "-- request_of\nSELECT id FROM request WHERE first_entry <= :entry
                 ORDER BY first_entry DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":entry": Sql(entry)}, |row| {
                        row.get::<_, Sql<RequestId>>(0)
                    })
                    .optional()
            })
            .doing("finding the request of an entry")?
            .ok_or_else(|| StoreError::corrupt("entry", format!("{entry} has no request")))?;
        let request = Rc::new(request(self.conn, id.0)?);
        self.request = Some(Rc::clone(&request));
        Ok(request)
    }

    pub(super) fn batch(&mut self, batch: BatchId) -> Result<Rc<BatchView>> {
        let Self { conn, batches, users, .. } = self;
        batches.get(batch, || load_batch(conn, users, batch))
    }

    pub(super) fn reading(&mut self, number: i64) -> Result<Rc<ReadingView>> {
        self.readings.get(number, || load_reading(self.conn, number))
    }

    /// The hold that covers this; `None` where none does.
    pub(super) fn hold_on(
        &mut self,
        scope: &ScopeView,
        target: Option<RecordId>,
    ) -> Result<Option<Rc<HoldView>>> {
        let names = (&scope.module, scope.related_list.as_deref());
        match holding::hold_on(self.conn, names, (target, scope.parent))? {
            Some(hold) => self.holds.get(hold, || holding::hold(self.conn, hold)).map(Some),
            None => Ok(None),
        }
    }

    /// Who cancelled an entry; `None` where nobody did.
    pub(super) fn cancellation(&mut self, entry: EntryId) -> Result<Option<Rc<CancellationView>>> {
        let Some(seq) = cancelling::cancellation_of(self.conn, entry)? else { return Ok(None) };
        self.cancellations.get(seq, || cancelling::cancellation(self.conn, seq)).map(Some)
    }

    /// The adoptions before which an entry was there.
    pub(super) fn adoptions(&mut self, entry: EntryId) -> Result<Vec<Rc<AdoptionView>>> {
        let all = match self.adoptions.take() {
            Some(all) => all,
            None => adopting::views(self.conn)?.into_iter().map(Rc::new).collect(),
        };
        let own = all.iter().filter(|one| one.last_entry >= entry).map(Rc::clone).collect();
        self.adoptions = Some(all);
        Ok(own)
    }

    pub(super) fn scope(&mut self, number: i64) -> Result<Rc<ScopeView>> {
        self.scopes.get(number, || load_scope(self.conn, number))
    }

    pub(super) fn said(&mut self, number: i64) -> Result<Rc<Said>> {
        self.said.get(number, || {
            self.conn
                .prepare_cached("-- said\nSELECT code, message FROM said WHERE id = :id")
                .and_then(|mut statement| {
                    statement.query_row(named_params! {":id": number}, |row| {
                        Ok(Said { code: row.get(0)?, message: row.get(1)? })
                    })
                })
                .doing("reading Zoho's words")
        })
    }
}

fn load_batch(
    conn: &Connection,
    users: &mut Cache<RunId, Option<RecordId>>,
    batch: BatchId,
) -> Result<BatchView> {
    let row = |row: &Row<'_>| -> rusqlite::Result<_> {
        let view = BatchView {
            batch,
            run: row.get::<_, Sql<_>>(0)?.0,
            user: None,
            api_version: row.get::<_, Name<_>>(1)?.0,
            template: row.get(2)?,
            entries: row.get::<_, Name<_>>(3)?.0,
            size: uncount(row.get(4)?),
            begun_seq: row.get::<_, Sql<_>>(5)?.0,
            send_by: row.get::<_, Sql<_>>(6)?.0,
            end: None,
            job: None,
        };
        let ended = row.get::<_, Option<Sql<EventSeq>>>(7)?.map(|Sql(seq)| seq);
        let at = |column| row.get::<_, Option<Sql<Timestamp>>>(column).map(|at| at.map(|at| at.0));
        let ending = match row.get::<_, Option<String>>(8)?.as_deref() {
            Some("answered") => Some(Ending::Answered {
                sent_at: row.get::<_, Sql<_>>(9)?.0,
                http_status: row.get(11)?,
                complete: row.get(12)?,
            }),
            Some("unanswered") => {
                Some(Ending::Unanswered { sent_at: at(9)?, sent_before: at(10)? })
            }
            Some(_) => Some(Ending::Returned),
            None => None,
        };
        Ok((view, ended.zip(ending)))
    };
    let found = conn
        .prepare_cached(
            "-- load_batch\nSELECT b.run, b.api_version, t.text, b.entries, b.size, b.begun_seq,
                    b.send_by_ms, b.ended_seq, b.ending, b.sent_at_ms, b.sent_before_ms,
                    b.http_status, b.complete
             FROM batch b JOIN template t ON t.id = b.template WHERE b.id = :id",
        )
        .and_then(|mut statement| {
            statement.query_row(named_params! {":id": Sql(batch)}, row).optional()
        })
        .doing("reading a batch")?;
    let (mut view, end) = found.ok_or_else(|| StoreError::NotFound(batch.to_string()))?;
    if let Some((seq, ending)) = end {
        let (at, leaf) = event_at(conn, seq)?;
        view.end = Some(BatchEnd { seq, at, leaf, ending });
        view.job = load_job(conn, batch, seq)?;
    }
    view.user = *users.get(view.run, || user_of(conn, view.run))?;
    Ok(view)
}

/// The job that a batch made, if it made one. `answered` is the event whose seal holds Zoho's id of it.
fn load_job(conn: &Connection, batch: BatchId, answered: EventSeq) -> Result<Option<JobView>> {
    let doing = "reading a job";
    let found = conn
        .prepare_cached(
            "-- load_job\nSELECT ended_seq, ending, total, deleted, failed FROM job
             WHERE batch = :batch",
        )
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":batch": Sql(batch)}, |row| {
                    let ended = row.get::<_, Option<Sql<EventSeq>>>(0)?.map(|Sql(seq)| seq);
                    let ending = row.get::<_, Option<Name<JobEnding>>>(1)?.map(|Name(one)| one);
                    let number = |column: usize| -> rusqlite::Result<Option<u64>> {
                        Ok(row.get::<_, Option<i64>>(column)?.map(uncount))
                    };
                    Ok((ended.zip(ending), [number(2)?, number(3)?, number(4)?]))
                })
                .optional()
        })
        .doing(doing)?;
    let Some((ended, [total, deleted, failed])) = found else { return Ok(None) };
    let over = match ended {
        Some((seq, ending)) => {
            let (at, _) = event_at(conn, seq)?;
            Some(JobOver { seq, end: JobEnd { at, ending, total, deleted, failed } })
        }
        None => None,
    };
    Ok(Some(JobView { id: log::opened(conn, answered, "job")?, over }))
}

/// Zoho's id of the token's user of a run.
fn user_of(conn: &Connection, run: RunId) -> Result<Option<RecordId>> {
    let seq: Option<Sql<EventSeq>> = conn
        .prepare_cached("-- user_of\nSELECT user_seq FROM run WHERE id = :run")
        .and_then(|mut statement| {
            statement.query_row(named_params! {":run": Sql(run)}, |row| row.get(0))
        })
        .doing("reading a run")?;
    match seq {
        Some(Sql(seq)) => Ok(log::opened(conn, seq, "user")?.and_then(|text| text.parse().ok())),
        None => Ok(None),
    }
}

fn load_reading(conn: &Connection, number: i64) -> Result<ReadingView> {
    let (Sql(seq), Sql(run)) = conn
        .prepare_cached("-- load_reading\nSELECT seq, run FROM reading WHERE id = :id")
        .and_then(|mut statement| {
            statement.query_row(named_params! {":id": number}, |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .doing("reading evidence")?;
    let event = log::event(conn, seq)?;
    let logged = event.decode()?;
    let mut view = ReadingView {
        number,
        run,
        seq,
        at: logged.at,
        leaf: event.leaf,
        absent: EntryRanges::default(),
        person: None,
    };
    if let Event::SnapshotTaken(snapshot) = logged.event {
        view.absent = snapshot.absent.unwrap_or_default();
    } else if let Event::EntriesSettled(_) = logged.event {
        let mut typed = sealed(conn, seq)?;
        view.person = Some(Rc::new(PersonView {
            settled_by: typed.remove("settled_by"),
            recorded_by: typed.remove("recorded_by"),
            reason: typed.remove("reason"),
            ticket: typed.remove("ticket"),
        }));
    }
    Ok(view)
}

fn load_scope(conn: &Connection, number: i64) -> Result<ScopeView> {
    let (mut scope, tags) = conn
        .prepare_cached(
            "-- load_scope\nSELECT operation, product, module, parent, related_list, tags
             FROM scope WHERE id = :id",
        )
        .and_then(|mut statement| {
            statement.query_row(named_params! {":id": number}, |row| {
                let scope = ScopeView {
                    operation: row.get::<_, Name<_>>(0)?.0,
                    product: row.get::<_, Name<_>>(1)?.0,
                    module: row.get::<_, Name<_>>(2)?.0,
                    parent: row.get::<_, Option<Sql<_>>>(3)?.map(|Sql(id)| id),
                    related_list: row.get(4)?,
                    tags: Vec::new(),
                };
                Ok((scope, row.get::<_, Option<String>>(5)?))
            })
        })
        .doing("reading a scope")?;
    if let Some(tags) = tags {
        scope.tags = serde_json::from_str(&tags)
            .map_err(|error| StoreError::corrupt("scope", format!("{number}: {error}")))?;
    }
    Ok(scope)
}

/// One request with its event and what was typed about it.
pub(super) fn request(conn: &Connection, id: RequestId) -> Result<RequestView> {
    let seq_at = |row: &Row<'_>, column| {
        row.get::<_, Option<Sql<EventSeq>>>(column).map(|seq| seq.map(|Sql(seq)| seq))
    };
    let read = |row: &Row<'_>| -> rusqlite::Result<_> {
        let (Sql(seq), Sql(first), Sql(last)) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (Sql(until), awaits): (Sql<Timestamp>, bool) = (row.get(4)?, row.get(5)?);
        let seqs = (seq_at(row, 6)?, seq_at(row, 7)?, seq_at(row, 8)?);
        Ok((seq, first, last, row.get::<_, bool>(3)?, (until, awaits), seqs))
    };
    let found: Option<(EventSeq, EntryId, EntryId, _, _, _)> = conn
        .prepare_cached(
            "-- request\nSELECT seq, first_entry, last_entry, parked_seq IS NOT NULL,
                 valid_until_ms, awaits, asked_seq, approved_seq, expired_seq
             FROM request WHERE id = :id",
        )
        .and_then(|mut statement| {
            statement.query_row(named_params! {":id": Sql(id)}, read).optional()
        })
        .doing("reading a request")?;
    let (seq, first, last, parked, (valid_until, awaits), (asked, approved, expired)) =
        found.ok_or_else(|| StoreError::NotFound(id.to_string()))?;
    let approval = approved.map(|seq| approval::approval(conn, seq)).transpose()?;
    let expired = expired.map(|seq| event_at(conn, seq)).transpose()?.map(|(at, _)| at);
    let stored = log::event(conn, seq)?;
    let logged = stored.decode()?;
    let Event::RequestRecorded(event) = logged.event else {
        return Err(StoreError::corrupt("request", format!("{id} has another event")));
    };
    let mut typed = sealed(conn, seq)?;
    Ok(RequestView {
        request: id,
        seq,
        leaf: stored.leaf,
        at: logged.at,
        operation: event.operation,
        product: event.product,
        module: event.module,
        list: event.related_list,
        workflows: event.workflows,
        snapshot: event.snapshot.unwrap_or(true),
        snapshot_records: event.snapshot_records.unwrap_or(false),
        full_retention_ms: event.full_retention_ms,
        after: event.after,
        first,
        last,
        not_before: event.not_before,
        valid_until,
        source_rows: event.source_rows,
        duplicates: event.duplicates,
        rejected: event.rejected,
        parked,
        awaits,
        asked,
        approval,
        expired,
        policy: event.policy,
        source: event.source,
        requested_by: typed.remove("requested_by"),
        recorded_by: typed.remove("recorded_by"),
        reason: typed.remove("reason"),
        ticket: typed.remove("ticket"),
        source_name: typed.remove("source_name"),
        source_sha256: typed.remove("source_sha256"),
        source_column: typed.remove("source_column"),
        tags: typed
            .remove("tags")
            .and_then(|tags| serde_json::from_str(&tags).ok())
            .unwrap_or_default(),
    })
}

/// The opened seals of an event that were not erased.
pub(super) fn sealed(conn: &Connection, seq: EventSeq) -> Result<HashMap<String, String>> {
    let doing = "reading sealed fields";
    let mut statement = conn
        .prepare_cached(
            "-- sealed\nSELECT field, value FROM sealed WHERE seq = :seq AND value IS NOT NULL",
        )
        .doing(doing)?;
    let rows = statement
        .query_map(named_params! {":seq": Sql(seq)}, |row| Ok((row.get(0)?, row.get(1)?)))
        .doing(doing)?;
    rows.collect::<rusqlite::Result<_>>().doing(doing)
}
