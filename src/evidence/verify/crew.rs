//! Who checks the items: this thread, or a few more, each with its own connection.
//!
//! Their snapshots may be newer than the one of the log. That does no harm: they are sent the events of the
//! older one, and what those events say of items never changes again, unless it is forgotten meanwhile.

use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use crate::evidence::verify::findings::Kind;
use crate::evidence::verify::items::{Job, Results, Worker};
use crate::store::{Reader, Result, StoreError};

/// Jobs that wait at most; the log is read no further ahead than that.
const WAITING: usize = 64;

/// Where jobs go.
pub(super) enum Jobs<'a> {
    /// Done at once, on this thread.
    Here(Box<Worker<'a>>),
    /// To the other threads.
    There(mpsc::SyncSender<Job>),
}

impl Jobs<'_> {
    pub(super) fn send(&mut self, job: Job) {
        match self {
            Self::Here(worker) => worker.handle(job),
            // A crew that is gone reports why when it is asked for its results.
            Self::There(jobs) => drop(jobs.send(job)),
        }
    }
}

pub(super) struct Crew;

impl Crew {
    /// Runs `work`, and checks the jobs that it sends. Returns what `work` did, and what the jobs found.
    pub(super) fn run<T>(
        reader: &Reader,
        threads: usize,
        work: impl FnOnce(&mut Jobs<'_>) -> Result<T>,
    ) -> Result<(T, Results)> {
        if threads == 0 {
            let mut jobs = Jobs::Here(Box::new(Worker::new(reader.audit())));
            let value = work(&mut jobs)?;
            let Jobs::Here(worker) = jobs else { return Err(StoreError::WriterGone) };
            return Ok((value, worker.finish()?));
        }
        let (sender, inbox) = mpsc::sync_channel(WAITING);
        let inbox = Mutex::new(inbox);
        let path = reader.path();
        thread::scope(|scope| {
            let crew: Vec<_> =
                (0..threads).map(|_| scope.spawn(|| work_off(path, &inbox))).collect();
            let mut jobs = Jobs::There(sender);
            let value = work(&mut jobs);
            // The crew ends when nobody can send any more.
            drop(jobs);
            let mut results = Results::default();
            for member in crew {
                let result = member.join().unwrap_or(Err(StoreError::WriterGone))?;
                results.merge(result);
            }
            Ok((value?, results))
        })
    }
}

fn work_off(path: &Path, inbox: &Mutex<mpsc::Receiver<Job>>) -> Result<Results> {
    let next = || inbox.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    let outcome = Reader::open(path).and_then(|reader| {
        let audit = reader.audit();
        audit.save_memory()?;
        let mut worker = Worker::new(audit);
        while let Some(job) = next() {
            worker.handle(job);
        }
        worker.finish()
    });
    // Whoever sends must not wait for a member that failed.
    while next().is_some() {}
    outcome
}

impl Worker<'_> {
    fn finish(self) -> Result<Results> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.results),
        }
    }

    /// Does one job. What cannot be read is a finding; after an error that is none, nothing more is done.
    pub(super) fn handle(&mut self, job: Job) {
        if self.failed.is_some() {
            return;
        }
        let mut found = std::mem::take(&mut self.results.found);
        let outcome = found.check(Kind::Items, |found| self.check(job, found));
        self.results.found = found;
        self.failed = outcome.err();
    }
}
