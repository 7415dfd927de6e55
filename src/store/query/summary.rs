//! The journal at a glance, without a scan.

use rusqlite::{OptionalExtension, named_params};

use crate::domain::evidence::UNDECIDED;
use crate::domain::id::{BatchId, EventSeq, RequestId, RunId};
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::store::code::{Sql, uncount};
use crate::store::error::{Doing, Result};
use crate::store::log::event_at;
use crate::store::{Reader, entry};

/// So much evidence is looked through to count what is undecided.
const LOOKED_THROUGH: i64 = 5_000;

/// The journal at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How many entries stand in each state; states without any are left out.
    pub entries: Vec<(EntryState, u64)>,
    /// How many requests there are.
    pub requests: u64,
    /// How many batches there are.
    pub batches: u64,
    /// Batches whose end is not recorded: under way, or left by a run that died.
    pub open_batches: Vec<BatchId>,
    /// Requests set aside after too many refusals in a row.
    pub parked: Vec<RequestId>,
    /// Pending entries of requests that are not set aside.
    pub pending_unparked: u64,
    /// Requests that wait for approval.
    pub awaiting_approval: Vec<RequestId>,
    /// Unknown entries that reads cannot decide; `None` when there is too much evidence to count at a glance.
    pub undecided: Option<u64>,
    /// Whether Zoho's workflows run for any deletion that is not sent yet; `None` when there is none.
    pub workflows: Option<bool>,
    /// The newest run.
    pub last_run: Option<LastRun>,
    /// When the newest run last wrote, if its end is not recorded. What others wrote meanwhile does not count.
    pub last_written_at: Option<Timestamp>,
}

impl Summary {
    /// How many entries stand in a state.
    pub fn count(&self, state: EntryState) -> u64 {
        self.entries.iter().find(|(one, _)| *one == state).map_or(0, |(_, entries)| *entries)
    }
}

/// The newest run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// The run.
    pub run: RunId,
    /// `sync` or `replay`.
    pub command: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When and with which exit code it ended; `None` while it is on, and for a run that died.
    pub ended: Option<(Timestamp, u8)>,
}

impl Reader {
    /// The journal at a glance. Costs the same whatever the number of entries.
    pub fn summary(&self) -> Result<Summary> {
        let doing = "looking at the journal";
        let last_run = self.last_run()?;
        let last_written_at = match &last_run {
            Some(LastRun { run, ended: None, .. }) => self.last_written_at(*run)?,
            _ => None,
        };
        let workflows: Option<bool> = self
            .conn
            .query_row(
                "-- pending_workflows\nSELECT max(r.workflows) FROM tally t
                 JOIN request r ON r.id = t.request
                 WHERE t.state IN (2, 3, 10) AND t.entries > 0 AND r.operation = 'delete'",
                [],
                |row| row.get(0),
            )
            .doing(doing)?;
        let pending_unparked = self
            .conn
            .query_row(
                "-- pending_unparked\nSELECT coalesce(sum(t.entries), 0) FROM tally t
                 JOIN request r ON r.id = t.request
                 WHERE t.state = 3 AND r.parked_seq IS NULL",
                [],
                |row| row.get(0),
            )
            .doing(doing)?;
        let requests = self
            .conn
            .query_row("-- requests\nSELECT coalesce(max(id), 0) FROM request", [], |row| {
                row.get(0)
            })
            .doing(doing)?;
        Ok(Summary {
            entries: entry::totals(&self.conn)?,
            requests: uncount(requests),
            batches: self.batches()?,
            open_batches: self.numbers(
                "-- open\nSELECT id FROM batch WHERE ended_seq IS NULL ORDER BY id",
                BatchId::new,
            )?,
            parked: self.numbers(
                "-- parked\nSELECT id FROM request WHERE parked_seq IS NOT NULL ORDER BY id",
                RequestId::new,
            )?,
            pending_unparked: uncount(pending_unparked),
            awaiting_approval: self.numbers(
                "-- awaiting\nSELECT request FROM tally WHERE state = 2 AND entries > 0
                 ORDER BY request",
                RequestId::new,
            )?,
            undecided: self.undecided_at_a_glance()?,
            workflows,
            last_run,
            last_written_at,
        })
    }

    /// The newest event of a run. Only what others wrote since is passed over.
    fn last_written_at(&self, run: RunId) -> Result<Option<Timestamp>> {
        let doing = "looking for what a run wrote last";
        let seq: Option<EventSeq> = self
            .conn
            .query_row(
                "-- last_written\nSELECT seq FROM event
                 WHERE seq >= (SELECT started_seq FROM run WHERE id = :run)
                   AND json_extract(body, '$.data.run') = :run
                   -- A run does not say of itself that it died: that is an adoption's word.
                   AND NOT (json_extract(body, '$.kind') = 'batch_unanswered'
                            AND json_extract(body, '$.data.reason') = 'run_died'
                            AND json_extract(body, '$.data.batch')
                                IN (SELECT id FROM batch WHERE run = :run))
                 ORDER BY seq DESC LIMIT 1",
                named_params! { ":run": Sql(run) },
                |row| row.get(0).map(|Sql(seq)| seq),
            )
            .optional()
            .doing(doing)?;
        Ok(seq.map(|seq| event_at(&self.conn, seq)).transpose()?.map(|(at, _)| at))
    }

    fn numbers<T>(&self, sql: &'static str, wrap: impl Fn(i64) -> T) -> Result<Vec<T>> {
        let doing = "looking at the journal";
        let mut statement = self.conn.prepare(sql).doing(doing)?;
        let rows = statement.query_map([], |row| row.get(0).map(&wrap)).doing(doing)?;
        rows.collect::<rusqlite::Result<_>>().doing(doing)
    }

    /// Evidence is looked through for requests that hold unknown entries only, and only so far.
    fn undecided_at_a_glance(&self) -> Result<Option<u64>> {
        let doing = "counting undecided entries";
        let mut requests = self
            .conn
            .prepare(
                "-- requests_with_unknown\nSELECT r.first_entry, r.last_entry FROM tally t
                 JOIN request r ON r.id = t.request WHERE t.state = 6 AND t.entries > 0",
            )
            .doing(doing)?;
        let mut evidence = self
            .conn
            .prepare(
                "-- undecided\nSELECT e.entry, e.code, n.state FROM evidence e
                 JOIN entry n ON n.id = e.entry
                 WHERE e.entry BETWEEN :first AND :last ORDER BY e.entry, e.reading",
            )
            .doing(doing)?;
        let mut ranges = requests.query([]).doing(doing)?;
        let (mut undecided, mut seen) = (0, 0);
        while let Some(range) = ranges.next().doing(doing)? {
            let (first, last): (i64, i64) =
                (range.get(0).doing(doing)?, range.get(1).doing(doing)?);
            let mut rows =
                evidence.query(named_params! {":first": first, ":last": last}).doing(doing)?;
            let mut before: Option<(i64, bool)> = None;
            while let Some(row) = rows.next().doing(doing)? {
                seen += 1;
                if seen > LOOKED_THROUGH {
                    return Ok(None);
                }
                let read = || -> rusqlite::Result<(i64, String, EntryState)> {
                    Ok((row.get(0)?, row.get(1)?, row.get::<_, Sql<_>>(2)?.0))
                };
                let (entry, code, state) = read().doing(doing)?;
                // The last evidence of an entry counts.
                if before.is_some_and(|(other, open)| other != entry && open) {
                    undecided += 1;
                }
                before = Some((entry, state == EntryState::Unknown && code == UNDECIDED));
            }
            undecided += u64::from(before.is_some_and(|(_, open)| open));
        }
        Ok(Some(undecided))
    }

    fn last_run(&self) -> Result<Option<LastRun>> {
        let row = self
            .conn
            .query_row(
                "-- last_run\nSELECT id, command, started_seq, ended_seq, exit_code FROM run
                 ORDER BY id DESC LIMIT 1",
                [],
                |row| {
                    let (Sql(run), command, Sql(started)) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    let ended = row.get::<_, Option<Sql<_>>>(3)?.map(|Sql(seq)| seq);
                    Ok((run, command, started, ended.zip(row.get::<_, Option<u8>>(4)?)))
                },
            )
            .optional()
            .doing("reading the newest run")?;
        let Some((run, command, started, ended)) = row else {
            return Ok(None);
        };
        let (started_at, _) = event_at(&self.conn, started)?;
        let ended = match ended {
            Some((seq, exit)) => Some((event_at(&self.conn, seq)?.0, exit)),
            None => None,
        };
        Ok(Some(LastRun { run, command, started_at, ended }))
    }
}
