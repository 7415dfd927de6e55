//! Asynchronous jobs: asking how they go, with back-off. Their status holds counts only; what became of each
//! item is read once a job is over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::answer::JobSeen;
use crate::domain::event::JobEnding;
use crate::domain::id::BatchId;
use crate::domain::scopes::{self, Access};
use crate::domain::time::Timestamp;
use crate::domain::usage::ANY_OTHER;
use crate::reconcile::concerns;
use crate::reconcile::contact::Unread;
use crate::reconcile::options::{Progress, RunError};
use crate::reconcile::shared::Shared;
use crate::store::job::Job;
use crate::zoho::Zoho;

/// How long after its acceptance a job is asked for first, and how the pauses grow.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often a job must be unknown to Zoho before that counts, and after how long it counts at once.
const FORGOTTEN_TIMES: u32 = 3;
const KNOWN_BY_THEN: Duration = Duration::from_mins(10);

/// When each open job is asked for next.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    known: HashMap<BatchId, (Timestamp, Duration)>,
    /// How often Zoho did not know a job.
    forgotten: HashMap<BatchId, u32>,
    /// Jobs of earlier runs are asked for at once.
    begun: bool,
}

/// What asking came to.
#[derive(Debug, Default)]
pub(crate) struct Polled {
    /// Jobs that turned out to be over.
    pub(crate) ended: u64,
    /// When the next job is to be asked for.
    pub(crate) next: Option<Timestamp>,
}

/// The open jobs of this run's business.
fn open_jobs<Z, C: Clock>(shared: &Shared<Z, C>) -> Result<Vec<Job>, RunError> {
    shared.journal(|reader| {
        if reader.open_jobs()? == 0 {
            return Ok(Vec::new());
        }
        let mut jobs = Vec::new();
        for job in reader.jobs(true)? {
            if concerns(reader, shared.options.wanted.as_deref(), &job)? {
                jobs.push(job);
            }
        }
        Ok(jobs)
    })
}

impl Polls {
    /// Asks for every open job whose time has come.
    pub(crate) async fn poll<Z: Zoho, C: Clock>(
        &mut self,
        shared: &Arc<Shared<Z, C>>,
    ) -> Result<Polled, RunError> {
        let jobs = open_jobs(shared)?;
        let mut polled = Polled::default();
        for job in jobs {
            let now = shared.clock.now();
            let first = if self.begun { now.plus(FIRST_PAUSE) } else { now };
            let (at, pause) = *self.known.entry(job.batch).or_insert((first, FIRST_PAUSE));
            let next = if now < at || shared.is_stopping() {
                Some(at)
            } else if self.ask(shared, &job).await? {
                polled.ended += 1;
                self.known.remove(&job.batch);
                None
            } else {
                let next = shared.clock.now().plus(pause);
                self.known.insert(job.batch, (next, (pause * 2).min(LONGEST_PAUSE)));
                Some(next)
            };
            polled.next = match (polled.next, next) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        self.begun = true;
        if polled.ended > 0 {
            shared.not_busy();
            shared.state().tag_lists.forget();
        }
        Ok(polled)
    }

    /// Whether a job that Zoho does not know will not be known any more: asked for three times, or accepted long
    /// ago.
    fn is_forgotten<Z, C: Clock>(&mut self, shared: &Arc<Shared<Z, C>>, job: &Job) -> bool {
        let times = self.forgotten.entry(job.batch).or_default();
        *times += 1;
        let (now, at) = (shared.clock.now(), job.accepted_at);
        let enough = *times >= FORGOTTEN_TIMES || now >= at.plus(KNOWN_BY_THEN);
        enough && now >= at.plus(shared.options.quarantine)
    }

    /// Asks how one job goes, and records its end. Whether it is over.
    async fn ask<Z: Zoho, C: Clock>(
        &mut self,
        shared: &Arc<Shared<Z, C>>,
        job: &Job,
    ) -> Result<bool, RunError> {
        let id = job.id.as_deref().unwrap_or_default();
        let (product, version) = (job.product, job.api_version);
        let (ending, counts) = match shared
            .read(ANY_OTHER, || shared.zoho.read_job(product, version, id))
            .await
            .map(|read| read.value)
        {
            Ok(JobSeen::Known(status)) => {
                let ending = match status.status.as_str() {
                    "COMPLETED" => JobEnding::Completed,
                    "FAILED" => JobEnding::Failed,
                    // SCHEDULED, QUEUED, RUNNING, and whatever else there may be: an open set. Counts that
                    // leave nothing over say that it is over all the same.
                    _ if status.is_whole() => JobEnding::Completed,
                    _ => return Ok(false),
                };
                (ending, [status.total, status.deleted, status.failed])
            }
            // What was accepted just now may not be known everywhere yet, and may still begin.
            Ok(JobSeen::Forgotten { .. }) if !self.is_forgotten(shared, job) => return Ok(false),
            Ok(JobSeen::Forgotten { .. }) => (JobEnding::Forgotten, [None; 3]),
            Err(Unread::NotThere { code, .. } | Unread::Forbidden { code, .. }) => {
                shared.warn(format!(
                    "how job {id} goes cannot be read ({code}, scope {}): its entries stay queued",
                    scopes::least(product, Access::Tags, None)
                ));
                return Ok(false);
            }
            Err(Unread::Silent(_)) => return Ok(false),
        };
        shared.writer.end_job(job.batch, ending, counts).await?;
        let [total, deleted, failed] = counts;
        let job = id.to_owned();
        shared.tell(&Progress::JobOver { job, ending, total, deleted, failed });
        Ok(true)
    }
}
