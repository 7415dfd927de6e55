//! Asynchronous jobs: recorded with the answer that accepts them, ended by what Zoho says of them later.

use rusqlite::{Connection, named_params};

use crate::domain::event::{JobEnded, JobEnding};
use crate::domain::id::{BatchId, EventSeq, ModuleName, RequestId, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::Operation;
use crate::domain::target::{ApiVersion, Product};
use crate::domain::time::Timestamp;
use crate::store::code::{Name, Sql, count, uncount};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::{self, Seals};
use crate::store::{Reader, WriteTx};

/// A job, as the journal knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The batch that made it.
    pub batch: BatchId,
    /// Zoho's id of it; `None` once erased.
    pub id: Option<String>,
    /// What it does.
    pub operation: Operation,
    /// The product.
    pub product: Product,
    /// The module.
    pub module: ModuleName,
    /// The API version that it was made with.
    pub api_version: ApiVersion,
    /// Its entries.
    pub entries: EntryRanges,
    /// The request of its first entry.
    pub request: RequestId,
    /// When Zoho accepted it.
    pub accepted_at: Timestamp,
    /// How it ended; `None` while it is open.
    pub end: Option<JobEnd>,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobEnd {
    /// When that was read.
    pub at: Timestamp,
    /// How.
    pub ending: JobEnding,
    /// How many items Zoho counts.
    pub total: Option<u64>,
    /// How many of them it deleted.
    pub deleted: Option<u64>,
    /// How many it could not delete.
    pub failed: Option<u64>,
}

impl Reader {
    /// All jobs, or only the open ones, in the order in which they were made.
    pub fn jobs(&self, open_only: bool) -> Result<Vec<Job>> {
        jobs(&self.conn, open_only)
    }

    /// How many jobs are open.
    pub fn open_jobs(&self) -> Result<u64> {
        self.conn
            .query_row(
                "-- open_jobs\nSELECT count(*) FROM job WHERE ended_seq IS NULL",
                [],
                |row| row.get(0).map(uncount),
            )
            .doing("counting jobs")
    }
}

fn jobs(conn: &Connection, open_only: bool) -> Result<Vec<Job>> {
    let doing = "reading jobs";
    let mut statement = conn
        .prepare_cached(
            "-- jobs\nSELECT j.batch, b.ended_seq, b.api_version, b.entries, s.operation, s.product,
                    s.module, r.id, j.ended_seq, j.ending, j.total, j.deleted, j.failed
             FROM job j
             JOIN batch b ON b.id = j.batch
             JOIN entry e ON e.id = (SELECT min(a.entry) FROM attempt a WHERE a.batch = b.id)
             JOIN scope s ON s.id = e.scope
             JOIN request r ON r.first_entry =
                  (SELECT max(first_entry) FROM request WHERE first_entry <= e.id)
             WHERE NOT :open OR j.ended_seq IS NULL ORDER BY j.batch",
        )
        .doing(doing)?;
    let mut rows = statement.query(named_params! {":open": open_only}).doing(doing)?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        let read = || -> rusqlite::Result<_> {
            let (Sql(batch), Sql(answered)) = (row.get(0)?, row.get::<_, Sql<EventSeq>>(1)?);
            let job = Job {
                batch,
                id: None,
                operation: row.get::<_, Name<_>>(4)?.0,
                product: row.get::<_, Name<_>>(5)?.0,
                module: row.get::<_, Name<_>>(6)?.0,
                api_version: row.get::<_, Name<_>>(2)?.0,
                entries: row.get::<_, Name<_>>(3)?.0,
                request: row.get::<_, Sql<_>>(7)?.0,
                accepted_at: Timestamp::from_millis(0),
                end: None,
            };
            let ended = row.get::<_, Option<Sql<EventSeq>>>(8)?.map(|Sql(seq)| seq);
            let ending = row.get::<_, Option<Name<JobEnding>>>(9)?.map(|Name(ending)| ending);
            let number = |column: usize| -> rusqlite::Result<Option<u64>> {
                Ok(row.get::<_, Option<i64>>(column)?.map(uncount))
            };
            Ok((job, answered, ended.zip(ending), [number(10)?, number(11)?, number(12)?]))
        };
        let (mut job, answered, ended, [total, deleted, failed]) = read().doing(doing)?;
        job.id = log::opened(conn, answered, "job")?;
        job.accepted_at = log::event(conn, answered)?.decode()?.at;
        if let Some((seq, ending)) = ended {
            let at = log::event(conn, seq)?.decode()?.at;
            job.end = Some(JobEnd { at, ending, total, deleted, failed });
        }
        jobs.push(job);
    }
    Ok(jobs)
}

impl WriteTx<'_> {
    /// The row of a job that the answer to a batch has just accepted.
    pub(crate) fn insert_job(&self, batch: BatchId) -> Result<()> {
        self.tx
            .execute(
                "-- insert_job\nINSERT INTO job (batch) VALUES (:batch)",
                named_params! {":batch": Sql(batch)},
            )
            .map(|_| ())
            .doing("recording a job")
    }

    /// Records that a job is over. What became of its entries is read afterwards.
    pub(crate) fn end_job(
        &mut self,
        run: RunId,
        batch: BatchId,
        ending: JobEnding,
        [total, deleted, failed]: [Option<u64>; 3],
    ) -> Result<()> {
        self.check_run(run)?;
        let event = JobEnded { run, batch, ending, total, deleted, failed };
        let seq = self.append(event, Seals::default())?;
        let rows = self
            .tx
            .execute(
                "-- end_job\nUPDATE job SET ended_seq = :seq, ending = :ending, total = :total,
                     deleted = :deleted, failed = :failed
                 WHERE batch = :batch AND ended_seq IS NULL",
                named_params! {
                    ":seq": Sql(seq), ":ending": ending.wire_name(), ":total": total.map(count),
                    ":deleted": deleted.map(count), ":failed": failed.map(count),
                    ":batch": Sql(batch),
                },
            )
            .doing("ending a job")?;
        if rows == 1 {
            Ok(())
        } else {
            Err(StoreError::corrupt("job", format!("the job of {batch} is over already")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::query::stories::things;

    #[test]
    fn a_damaged_batch_is_an_error_and_not_a_job_without_entries() {
        let journal = things();
        assert_eq!(journal.reader().jobs(false).unwrap()[0].entries.to_string(), "9-10");
        let damage = "UPDATE batch SET entries = 'all' WHERE id = 6";
        assert_eq!(journal.store.conn.execute(damage, []).unwrap(), 1);
        let refused = journal.reader().jobs(false).unwrap_err();
        assert!(matches!(refused, StoreError::Sqlite { .. }), "{refused}");
    }
}
