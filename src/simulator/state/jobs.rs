//! Mass deletions of tags: jobs that take their time.

use super::{Hand, JobSnapshot, World};

/// How a job goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Course {
    #[default]
    Well,
    /// It runs for ever and does nothing.
    Stuck,
    /// It ends as `FAILED` and has done nothing.
    Fails,
    /// It leaves its last tag.
    Partial,
    /// Once it has ended, nobody knows it.
    Forgotten,
    /// It takes ten times as long.
    Slow,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobStatus {
    Scheduled,
    Running,
    Completed,
    Failed,
}

impl JobStatus {
    /// As the Mass Delete Tags Status page writes it; `RUNNING` is in OAS `mass_delete_tags.json`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }

    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Scheduled | Self::Running)
    }
}

/// How long a job waits, how long it runs, and how it goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobPlan {
    pub(crate) scheduled_ms: i64,
    pub(crate) running_ms: i64,
    pub(crate) course: Course,
}

/// A mass deletion of tags.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: u64,
    module: String,
    tags: Vec<u64>,
    plan: JobPlan,
    request: u64,
    submitted_ms: i64,
    pub(crate) status: JobStatus,
    deleted: Vec<u64>,
    failed: Vec<u64>,
}

impl Job {
    /// Total, failed and deleted, as the status call counts them.
    pub(crate) const fn counts(&self) -> [usize; 3] {
        [self.tags.len(), self.failed.len(), self.deleted.len()]
    }

    /// Whether its status can be asked for.
    pub(crate) fn is_known(&self) -> bool {
        self.plan.course != Course::Forgotten || self.status.is_open()
    }

    pub(crate) fn snapshot(&self) -> JobSnapshot {
        JobSnapshot {
            id: self.id,
            request: self.request,
            module: self.module.clone(),
            status: self.status.word(),
            tags: self.tags.clone(),
            deleted: self.deleted.clone(),
            failed: self.failed.clone(),
            submitted_ms: self.submitted_ms,
        }
    }

    /// When it begins to run, and how long it then runs.
    fn times(&self) -> (i64, i64) {
        let factor = if self.plan.course == Course::Slow { 10 } else { 1 };
        let start = self.submitted_ms.saturating_add(self.plan.scheduled_ms.saturating_mul(factor));
        (start, self.plan.running_ms.saturating_mul(factor))
    }

    /// The next tag that falls due by then, and when. The tags go one after the other while the
    /// job runs, the last one when it ends.
    fn due(&self, now: i64) -> Option<(u64, i64)> {
        if matches!(self.plan.course, Course::Stuck | Course::Fails) {
            return None;
        }
        let index = self.deleted.len() + self.failed.len();
        let tag = *self.tags.get(index)?;
        let (start, running) = self.times();
        let part = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let share = running.saturating_mul(part(index + 1)) / part(self.tags.len()).max(1);
        let at = start.saturating_add(share);
        (at <= now).then_some((tag, at))
    }

    fn status_at(&self, now: i64) -> JobStatus {
        let (start, running) = self.times();
        if now < start {
            JobStatus::Scheduled
        } else if now < start.saturating_add(running) || self.plan.course == Course::Stuck {
            JobStatus::Running
        } else if self.plan.course == Course::Fails {
            JobStatus::Failed
        } else {
            JobStatus::Completed
        }
    }
}

impl World {
    /// Schedules a job and gives its id.
    pub(crate) fn submit_job(
        &mut self,
        module: &str,
        tags: Vec<u64>,
        plan: JobPlan,
        (request, submitted_ms): (u64, i64),
    ) -> u64 {
        let id = self.mint();
        self.jobs.push(Job {
            id,
            module: module.to_owned(),
            tags,
            plan,
            request,
            submitted_ms,
            status: JobStatus::Scheduled,
            deleted: Vec::new(),
            failed: Vec::new(),
        });
        id
    }

    /// The job of this id, unless it is forgotten.
    pub(crate) fn job(&self, id: u64) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == id && job.is_known())
    }

    /// Whether a job waits or runs.
    pub(crate) fn has_open_job(&self) -> bool {
        self.jobs.iter().any(|job| job.status.is_open())
    }

    /// Lets the jobs do what falls due by then.
    pub(crate) fn run_jobs(&mut self, now: i64) {
        self.run_restores(now);
        if !self.has_open_job() {
            return;
        }
        let mut jobs = std::mem::take(&mut self.jobs);
        for job in jobs.iter_mut().filter(|job| job.status.is_open()) {
            while let Some((tag, at_ms)) = job.due(now) {
                let spared = job.plan.course == Course::Partial && job.tags.last() == Some(&tag);
                // A tag that meanwhile went another way, or is used by now, is none of its own.
                let used = self.tag(tag).is_some_and(|tag| tag.used);
                let hand = Hand::call(job.request, at_ms);
                if !spared && !used && self.drop_tag(tag, hand) {
                    job.deleted.push(tag);
                } else {
                    job.failed.push(tag);
                }
            }
            job.status = job.status_at(now);
            if job.status == JobStatus::Failed {
                job.failed.clone_from(&job.tags);
            }
        }
        self.jobs = jobs;
    }

    /// Lets the open jobs run to their end at once.
    pub(crate) fn finish_jobs(&mut self, now: i64) {
        for job in self.jobs.iter_mut().filter(|job| job.status.is_open()) {
            (job.plan.scheduled_ms, job.plan.running_ms) = (0, 0);
        }
        self.finish_restores(now);
        self.run_jobs(now);
    }

    /// How many tags each job has deleted, and how many records each restore that was done later
    /// brought back, with the number of the call that asked for it.
    pub(crate) fn job_progress(&self) -> impl Iterator<Item = (u64, usize)> {
        let tags = self.jobs.iter().map(|job| (job.request, job.deleted.len()));
        tags.chain(self.restore_progress())
    }
}
