//! How a run is shown while it goes, and how it is summed up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, in_words};
use crate::cli::plan;
use crate::clock::{Clock, SystemClock};
use crate::domain::id::RequestId;
use crate::domain::state::EntryState;
use crate::evidence::keeper::{KeeperError, Publisher};
use crate::reconcile::options::{Progress, Stop, Summary};
use crate::store::Head;
use crate::store::writer::OnCommit;

/// While a run goes on, the anchor follows so often; at its end it always does.
const PUBLISH_EVERY: Duration = Duration::from_secs(2);

/// The end of a throttled publisher: what is left to publish when the run has ended.
pub(crate) struct Published(Arc<Mutex<Throttle>>);

struct Throttle {
    publisher: Publisher,
    last: Option<Duration>,
    pending: Option<Head>,
    failed: Option<KeeperError>,
}

/// Publishes heads as they are committed, but not more often than the disk deserves.
pub(crate) fn throttled(publisher: Publisher, clock: SystemClock) -> (OnCommit, Published) {
    let throttle = Throttle { publisher, last: None, pending: None, failed: None };
    let shared = Arc::new(Mutex::new(throttle));
    let inner = Arc::clone(&shared);
    let on_commit = move |head| {
        let mut throttle = inner.lock().unwrap_or_else(PoisonError::into_inner);
        throttle.pending = Some(head);
        let now = clock.elapsed();
        if throttle.last.is_none_or(|last| now.saturating_sub(last) >= PUBLISH_EVERY) {
            throttle.last = Some(now);
            throttle.publish();
        }
    };
    (Box::new(on_commit), Published(shared))
}

impl Throttle {
    fn publish(&mut self) {
        if let Some(head) = self.pending.take()
            && let Err(error) = self.publisher.publish(head)
        {
            self.failed.get_or_insert(error);
        }
    }
}

impl Published {
    /// Publishes the last head.
    pub(crate) fn finish(&self) -> Result<(), CliError> {
        let mut throttle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        throttle.publish();
        throttle.failed.take().map_or(Ok(()), |error| Err(error.into()))
    }
}

/// How a run ended, as an exit code. Where several apply, the first of 130, 5, 7, 6, 4, 3 counts.
pub(crate) fn exit_of(summary: &Summary) -> Exit {
    let awaiting = summary.totals.get(&EntryState::AwaitingApproval).copied().unwrap_or(0);
    match &summary.stop {
        Some(Stop::Interrupted) => Exit::Interrupted,
        Some(Stop::NotAllowed { .. }) => Exit::NotAllowed,
        Some(Stop::OtherOrg(_)) => Exit::Refused,
        Some(Stop::Budget | Stop::Throttled) => Exit::Stopped,
        Some(Stop::Unreachable(_)) => Exit::Unfinished,
        None if !summary.parked.is_empty() => Exit::Stopped,
        None if summary.unfinished > 0 => Exit::Unfinished,
        None if summary.failed > 0 => Exit::SomeFailed,
        None if summary.sent == 0 && awaiting > 0 => Exit::NotConfirmed,
        None => Exit::Done,
    }
}

/// Shows a run.
pub(crate) struct Running<'a> {
    context: &'a mut Context,
    wanted: Option<Vec<RequestId>>,
    bar: Option<crate::cli::output::Progress>,
    settled: u64,
}

impl<'a> Running<'a> {
    pub(crate) fn new(context: &'a mut Context, wanted: Option<Vec<RequestId>>) -> Self {
        Self { context, wanted, bar: None, settled: 0 }
    }

    /// Shows one step.
    pub(crate) fn show(&mut self, step: &Progress) -> Result<(), CliError> {
        if self.context.out.is_json() {
            return Ok(self.context.out.json_line(&as_json(step))?);
        }
        match step {
            Progress::Started { run, entries, left_open, reopened } => {
                self.started(&run.to_string(), *entries, *left_open, *reopened);
            }
            Progress::Contact { org } => self.context.out.detail(format!("org {org}")),
            Progress::Batch { batch, done, failed, unknown, returned, problem, .. } => {
                self.settled += done + failed;
                if let Some(bar) = &self.bar {
                    bar.reached(self.settled);
                }
                let line = format!(
                    "{batch}: {done} done, {failed} refused, {unknown} unknown, {returned} back in the queue"
                );
                self.context.out.detail(line);
                if let Some(problem) = problem {
                    self.context.out.detail(format!("{batch}: {problem}"));
                }
            }
            Progress::Evidence { module, done, absent, failed, pending, undecided } => {
                self.settled += done + absent + failed;
                self.context.out.detail(format!(
                    "read {module}: {done} done, {absent} gone before, {failed} refused, {pending} \
                     untouched, {undecided} undecided"
                ));
            }
            Progress::Waiting { duration, why } => {
                self.context.out.say(format!("waiting {}: {why}", in_words(*duration)));
            }
            Progress::Parked { request } => self.context.out.warn(&format!(
                "{request} was set aside after too many refusals in a row: is it the right module and \
                 column? journal show {request} tells; journal sync {request} takes it up again"
            )),
            Progress::Warning(warning) => self.context.out.warn(warning),
        }
        Ok(())
    }

    fn started(&mut self, run: &str, entries: u64, left_open: u64, reopened: u64) {
        self.context.out.detail(format!("{run} starts"));
        if left_open > 0 {
            let batches = counted(left_open, "batch", "batches");
            self.context.out.say(format!(
                "An earlier run ended with {batches} under way: what became of them is read first."
            ));
        }
        if reopened > 0 {
            let entries = counted(reopened, "refused entry is", "refused entries are");
            self.context.out.say(format!("{entries} taken up again."));
        }
        if entries > 0 {
            self.bar = Some(self.context.out.progress("sent", Some(entries)));
        }
    }

    /// The last word: what it came to, what that means, what to type next.
    pub(crate) fn sum_up(self, summary: &Summary) -> Result<Exit, CliError> {
        let exit = exit_of(summary);
        if let Some(bar) = self.bar {
            bar.finish();
        }
        let next = next_command(summary, exit, self.wanted.as_deref());
        let out = &mut self.context.out;
        if out.is_json() {
            out.json_line(&summary_document(summary, exit, &next))?;
            return Ok(exit);
        }
        for (state, entries) in &summary.totals {
            if *entries > 0 {
                out.data_line(format!("{:<18} {entries}", state.wire_name()))?;
            }
        }
        out.say(format!(
            "{} sent in this run, {}, {}",
            counted(summary.sent, "entry", "entries"),
            counted(summary.calls, "API call", "API calls"),
            counted(summary.credits, "credit", "credits"),
        ));
        if summary.undecided > 0 {
            let entries = counted(summary.undecided, "entry", "entries");
            out.warn(&format!(
                "{entries} UNDECIDED: no read can tell what happened; a person must look"
            ));
        }
        if let Some(stop) = &summary.stop {
            out.warn(&stop_in_words(stop));
        }
        out.say(format!("Exit code {}: {}. Next: {next}", exit.code(), exit.meaning()));
        Ok(exit)
    }
}

fn stop_in_words(stop: &Stop) -> String {
    match stop {
        Stop::Interrupted => "interrupted: calls under way were recorded".to_owned(),
        Stop::NotAllowed { what, code, message } => {
            format!("not allowed: {what}: {code}: {message}; entries stay as they are")
        }
        Stop::Budget => "the budget of this run is used up".to_owned(),
        Stop::Throttled => "Zoho asks for fewer calls, for longer than --wait".to_owned(),
        Stop::Unreachable(why) => format!("Zoho cannot be reached: {why}"),
        Stop::OtherOrg(why) => format!("the token belongs to another org: {why}; nothing was sent"),
    }
}

fn next_command(summary: &Summary, exit: Exit, wanted: Option<&[RequestId]>) -> String {
    let names = plan::names(wanted);
    match exit {
        Exit::Done => "journal export -o audit.csv".to_owned(),
        Exit::SomeFailed => format!("journal list --state failed, then journal replay{names}"),
        Exit::NotAllowed => format!("sign in with what is missing, then journal sync{names} --yes"),
        Exit::NotConfirmed => "journal status shows what awaits approval".to_owned(),
        Exit::Refused => "use the token of the journal's own org".to_owned(),
        Exit::Unfinished if summary.undecided == summary.unfinished => {
            "journal list --state unknown --code UNDECIDED".to_owned()
        }
        Exit::Unfinished
        | Exit::Stopped
        | Exit::Interrupted
        | Exit::Error
        | Exit::Usage
        | Exit::NoJournal
        | Exit::AlreadyRunning
        | Exit::NotVerified => format!("journal replay{names} --yes"),
    }
}

#[derive(Serialize)]
struct SummaryDocument<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    exit_code: u8,
    meaning: &'static str,
    next: &'a str,
    entries: BTreeMap<&'static str, u64>,
    calls: u64,
    credits: u64,
    sent: u64,
    reopened: u64,
    failed: u64,
    unfinished: u64,
    undecided: u64,
    parked: Vec<String>,
    stopped_by: Option<String>,
    warnings: &'a [String],
    run: Option<i64>,
}

fn summary_document<'a>(summary: &'a Summary, exit: Exit, next: &'a str) -> SummaryDocument<'a> {
    SummaryDocument {
        kind: "summary",
        exit_code: exit.code(),
        meaning: exit.meaning(),
        next,
        entries: by_state(&summary.totals),
        calls: summary.calls,
        credits: summary.credits,
        sent: summary.sent,
        reopened: summary.reopened,
        failed: summary.failed,
        unfinished: summary.unfinished,
        undecided: summary.undecided,
        parked: summary.parked.iter().map(RequestId::to_string).collect(),
        stopped_by: summary.stop.as_ref().map(stop_in_words),
        warnings: &summary.warnings,
        run: summary.run.map(crate::domain::id::RunId::get),
    }
}

/// Every state with its count, those without any entries too.
pub(crate) fn by_state(totals: &BTreeMap<EntryState, u64>) -> BTreeMap<&'static str, u64> {
    EntryState::ALL
        .iter()
        .map(|state| (state.wire_name(), totals.get(state).copied().unwrap_or(0)))
        .collect()
}

fn as_json(step: &Progress) -> Value {
    match step {
        Progress::Started { run, entries, left_open, reopened } => json!({
            "type": "started", "run": run.get(), "entries": entries, "left_open": left_open,
            "reopened": reopened,
        }),
        Progress::Contact { org } => json!({"type": "contact", "org": org}),
        Progress::Batch {
            batch,
            module,
            http_status,
            done,
            failed,
            unknown,
            returned,
            problem,
        } => {
            json!({
                "type": "batch", "batch_id": batch.to_string(), "module": module.as_str(),
                "http_status": http_status, "done": done, "failed": failed, "unknown": unknown,
                "returned": returned, "problem": problem,
            })
        }
        Progress::Evidence { module, done, absent, failed, pending, undecided } => json!({
            "type": "evidence", "module": module.as_str(), "done": done, "absent": absent,
            "failed": failed, "pending": pending, "undecided": undecided,
        }),
        Progress::Waiting { duration, why } => json!({
            "type": "waiting", "seconds": duration.as_secs_f64(), "why": why,
        }),
        Progress::Parked { request } => {
            json!({"type": "parked", "request_id": request.to_string()})
        }
        Progress::Warning(warning) => json!({"type": "warning", "message": warning}),
    }
}
