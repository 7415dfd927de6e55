//! `journal jobs`: Zoho's asynchronous jobs, the open ones or all.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped, in_words};
use crate::cli::output::{Align, Table, Tone};
use crate::domain::event::JobEnding;
use crate::domain::id::RequestId;
use crate::domain::time::Timestamp;
use crate::store::Reader;
use crate::store::job::{Job, JobEnd};
use crate::store::query::{BatchView, JobView};

/// Show Zoho's asynchronous jobs that are not over
#[derive(Debug, clap::Args)]
pub(crate) struct JobsArgs {
    /// Those that are over too
    #[arg(long)]
    all: bool,
}

/// A job as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct JobRow {
    job_id: Option<String>,
    batch_id: String,
    accepted_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    ending: Option<&'static str>,
    total: Option<u64>,
    deleted: Option<u64>,
    failed: Option<u64>,
}

impl JobRow {
    /// The job of a batch.
    pub(crate) fn of(job: &JobView, batch: &BatchView) -> Self {
        let accepted_at = batch.end.as_ref().map(|end| end.at);
        let end = job.over.map(|over| over.end);
        Self::new(job.id.clone(), batch.batch.to_string(), accepted_at, end)
    }

    fn new(
        job_id: Option<String>,
        batch_id: String,
        accepted_at: Option<Timestamp>,
        end: Option<JobEnd>,
    ) -> Self {
        Self {
            job_id,
            batch_id,
            accepted_at,
            ended_at: end.map(|end| end.at),
            ending: end.map(|end| end.ending.wire_name()),
            total: end.and_then(|end| end.total),
            deleted: end.and_then(|end| end.deleted),
            failed: end.and_then(|end| end.failed),
        }
    }
}

/// A job with what it is for.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    job: JobRow,
    operation: &'static str,
    product: &'static str,
    module: String,
    request_ids: Vec<String>,
    entries: String,
    size: u64,
    api_version: &'static str,
    /// How long it has been open, or was.
    seconds: u64,
}

impl Row {
    fn of(job: &Job, owners: &[RequestId], now: Timestamp) -> Self {
        let until = job.end.map_or(now, |end| end.at);
        let (batch, accepted) = (job.batch.to_string(), Some(job.accepted_at));
        Self {
            job: JobRow::new(job.id.clone(), batch, accepted, job.end),
            operation: job.operation.wire_name(),
            product: job.product.wire_name(),
            module: job.module.to_string(),
            request_ids: owners.iter().map(ToString::to_string).collect(),
            entries: job.entries.named().to_string(),
            size: job.entries.len(),
            api_version: job.api_version.wire_name(),
            seconds: until.since(job.accepted_at).as_secs(),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    jobs: Vec<Row>,
    open: u64,
    next: &'a str,
}

impl JobsArgs {
    /// Runs the command.
    pub(crate) fn run(&self, context: &mut Context) -> Result<Exit, CliError> {
        let reader = context.reader()?;
        let jobs = reader.jobs(!self.all)?;
        let open = reader.open_jobs()?;
        let next = context.command(if open > 0 { SYNC_ON } else { "status" });
        let now = context.now();
        if context.out.is_json() {
            let rows = jobs.iter().map(|job| Ok(Row::of(job, &owners(&reader, job)?, now)));
            let jobs = rows.collect::<Result<_, CliError>>()?;
            context.out.json_line(&Document { jobs, open, next: &next })?;
            return Ok(Exit::Done);
        }
        let out = &mut context.out;
        if jobs.is_empty() {
            out.data_row(if self.all { "no jobs" } else { "no open jobs" })?;
        } else {
            out.table(&table(&reader, &jobs, now)?)?;
        }
        out.flush()?;
        if open > 0 {
            let jobs = counted(open, "job is", "jobs are");
            out.say(format!("{jobs} not over; {next} asks Zoho how they go"));
        }
        Ok(Exit::Done)
    }
}

/// What to type while jobs are open.
pub(crate) const SYNC_ON: &str = "sync --wait 10m";

fn owners(reader: &Reader, job: &Job) -> Result<Vec<RequestId>, CliError> {
    Ok(reader.owners(&job.entries)?)
}

fn table(reader: &Reader, jobs: &[Job], now: Timestamp) -> Result<Table, CliError> {
    let mut table = Table::new([
        ("job", Align::Right),
        ("operation", Align::Left),
        ("module", Align::Left),
        ("request", Align::Left),
        ("batch", Align::Right),
        ("entries", Align::Right),
        ("state", Align::Left),
    ]);
    for job in jobs {
        let requests = owners(reader, job)?.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (tone, state) = match &job.end {
            None => (Tone::Warn, since(job.accepted_at, now)),
            Some(end) => (Tone::Plain, format!("{} at {}", ended_in_words(end), end.at)),
        };
        table.toned_row([
            (Tone::Strong, job.id.clone().unwrap_or_else(|| "(erased)".to_owned())),
            (Tone::Plain, job.operation.to_string()),
            (Tone::Plain, job.module.to_string()),
            (Tone::Plain, requests.join(" ")),
            (Tone::Plain, job.batch.to_string()),
            (Tone::Plain, grouped(job.entries.len())),
            (tone, state),
        ]);
    }
    Ok(table)
}

/// `open since 2026-11-22T10:00:00.000Z, for 2 h 4 min`
fn since(accepted_at: Timestamp, now: Timestamp) -> String {
    format!("open since {accepted_at}, for {}", in_words(now.since(accepted_at)))
}

/// How a job ended: `completed: 7 of 8 deleted, 1 not deleted`.
pub(crate) fn ended_in_words(end: &JobEnd) -> String {
    ending_in_words(end.ending, [end.total, end.deleted, end.failed])
}

/// The same, from the ending and what Zoho counts in all, as deleted and as not deleted.
pub(crate) fn ending_in_words(ending: JobEnding, counts: [Option<u64>; 3]) -> String {
    let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), grouped);
    match (ending, counts) {
        (JobEnding::Forgotten, _) => "is not known to Zoho any more".to_owned(),
        (ending, [None, None, None]) => ending.to_string(),
        (ending, [total, deleted, failed]) => format!(
            "{ending}: {} of {} deleted, {} not deleted",
            number(deleted),
            number(total),
            number(failed)
        ),
    }
}

/// A job of a batch: `4876876000005871001: open since …`.
pub(crate) fn job_in_words(job: &JobView, batch: &BatchView, now: Timestamp) -> String {
    let name = job.id.as_deref().unwrap_or("(erased)");
    match (job.over, batch.end.as_ref()) {
        (Some(over), _) => format!("{name}: {} at {}", ended_in_words(&over.end), over.end.at),
        (None, Some(end)) => format!("{name}: {}", since(end.at, now)),
        (None, None) => name.to_owned(),
    }
}
