//! How a run is shown while it goes, and how it is summed up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::cli::blocked::{self, WaitRow};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::jobs::ending_in_words;
use crate::cli::next_step;
use crate::cli::output::OutputError;
use crate::cli::output::words::{counted, in_words};
use crate::cli::run_json;
use crate::cli::things::set_aside_in_words;
use crate::clock::{Clock, CommandClock};
use crate::domain::id::{EntryId, RequestId};
use crate::domain::recheck::Found;
use crate::evidence::keeper::{KeeperError, Publisher};
use crate::reconcile::options::{Limit, NotAllowed, Progress, Stop, Summary};
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
pub(crate) fn throttled(publisher: Publisher, clock: CommandClock) -> (OnCommit, Published) {
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

/// How a run ended, as an exit code. Where several apply, the first of 130, 5, 7, 12, 6, 4, 3 counts.
pub(crate) fn exit_of(summary: &Summary) -> Exit {
    match &summary.stop {
        Some(Stop::Interrupted) => Exit::Interrupted,
        Some(Stop::NotAllowed(_) | Stop::NotSignedIn { .. }) => Exit::NotAllowed,
        Some(Stop::OtherOrg(_) | Stop::Paused(_)) => Exit::Refused,
        Some(Stop::NotAsRecorded(_)) => Exit::NotVerified,
        // Not allowed comes before whatever else came of the run.
        Some(_) | None if !summary.not_allowed.is_empty() => Exit::NotAllowed,
        Some(Stop::Budget(_) | Stop::Throttled { .. } | Stop::NoTokens { .. }) => Exit::Stopped,
        Some(Stop::Unreachable(_)) if summary.parked.is_empty() => Exit::Unfinished,
        Some(Stop::Unreachable(_)) => Exit::Stopped,
        None if !summary.parked.is_empty() => Exit::Stopped,
        None if summary.unfinished > 0 => Exit::Unfinished,
        None if summary.failed > 0 => Exit::SomeFailed,
        None if summary.sent == 0 && summary.awaiting_approval > 0 => Exit::NotConfirmed,
        None => Exit::Done,
    }
}

/// What an exit code means after this run.
pub(crate) fn meaning_of(summary: &Summary, exit: Exit) -> &'static str {
    let looked = summary.rechecked.is_some();
    if looked && exit == Exit::SomeFailed {
        "something that was taken away is there again"
    } else if looked && exit == Exit::Unfinished {
        "something could not be looked at"
    } else {
        exit.meaning()
    }
}

/// Shows a run.
pub(crate) struct Running<'a> {
    context: &'a mut Context,
    wanted: Option<Vec<RequestId>>,
    workflows: bool,
    bar: Option<crate::cli::output::Progress>,
    settled: u64,
    /// How many entries the run set out to send.
    planned: u64,
    /// For what it waits, and until when.
    waits: Option<(&'static str, Duration)>,
    /// The first error of the output. The run goes on without it: it is worth more than its report.
    deaf: Option<OutputError>,
}

impl<'a> Running<'a> {
    pub(crate) fn new(
        context: &'a mut Context,
        wanted: Option<Vec<RequestId>>,
        workflows: bool,
    ) -> Self {
        Self {
            context,
            wanted,
            workflows,
            bar: None,
            settled: 0,
            planned: 0,
            waits: None,
            deaf: None,
        }
    }

    /// Shows one step.
    pub(crate) fn show(&mut self, step: &Progress) {
        if self.context.out.is_json() {
            let begins = matches!(step, Progress::Started { .. });
            let place = if begins { self.context.whereabouts().ok() } else { None };
            for line in run_json::steps(step, place.as_ref(), self.workflows) {
                let written = self.context.out.json_line(&line);
                self.heard(written);
            }
            return;
        }
        let out = &mut self.context.out;
        match step {
            Progress::Started { run, entries, left_open, reopened } => {
                self.started(&run.to_string(), *entries, *left_open, *reopened);
            }
            Progress::Contact { org } => out.say(format!("Zoho answers as org {org}.")),
            Progress::Batch {
                batch, http_status, done, failed, queued, job, unknown, returned, problem, ..
            } => {
                let answer = http_status
                    .map_or_else(|| "no answer".to_owned(), |status| format!("HTTP {status}"));
                out.detail(format!(
                    "{batch}: {answer}: {done} done, {failed} refused, {unknown} unknown, {returned} back in the queue"
                ));
                if let Some(job) = job {
                    let entries = counted(*queued, "entry", "entries");
                    out.say(format!("{batch}: Zoho accepted job {job} for {entries}."));
                }
                if let Some(problem) = problem {
                    out.detail(format!("{batch}: {problem}"));
                }
                self.settled(done + failed);
            }
            Progress::Evidence { module, done, absent, failed, pending, undecided } => {
                out.detail(format!(
                    "read {module}: {done} done, {absent} gone before, {failed} refused, {pending} \
                     untouched, {undecided} undecided"
                ));
                self.settled(done + absent + failed);
            }
            Progress::Rechecked { module, seen, .. } => {
                out.detail(format!("looked at {module} again: {}", found_in_words(seen)));
                self.settled(u64::try_from(seen.len()).unwrap_or(0));
            }
            Progress::JobOver { job, ending, total, deleted, failed } => {
                let counts = [*total, *deleted, *failed];
                out.say(format!("Zoho's job {job} {}.", ending_in_words(*ending, counts)));
            }
            Progress::Waiting { duration, why } => self.waiting(*duration, why),
            Progress::Interrupted => out.say(
                "Stopping: calls under way come home first. Ctrl-C once more leaves them to the next run.",
            ),
            Progress::Parked { request, refusals } => out.warn(&format!(
                "{request} was {}: is it the right module and column? journal show {request} tells; \
                 journal sync {request} takes it up again",
                set_aside_in_words(*refusals)
            )),
            Progress::NotAllowed(not_allowed) => out.warn(&not_allowed_in_words(not_allowed)),
            Progress::Warning(warning) => out.warn(warning),
        }
    }

    /// Several slots wait for the same thing, and short waits are nobody's business.
    fn waiting(&mut self, duration: Duration, why: &'static str) {
        let now = self.context.clock.elapsed();
        let told = self.waits.is_some_and(|(last, until)| last == why && now < until);
        if told || duration < Duration::from_secs(1) {
            return;
        }
        self.waits = Some((why, now + duration));
        self.context.out.say(format!("waiting {}: {why}", in_words(duration)));
    }

    fn heard(&mut self, written: Result<(), OutputError>) {
        if let Err(error) = written {
            self.deaf.get_or_insert(error);
        }
    }

    fn settled(&mut self, entries: u64) {
        self.settled += entries;
        if let Some(bar) = &self.bar {
            bar.reached(self.settled);
        }
    }

    fn started(&mut self, run: &str, entries: u64, left_open: u64, reopened: u64) {
        self.context.out.detail(format!("{run} starts"));
        if left_open > 0 {
            let batches = counted(left_open, "batch", "batches");
            self.context.out.say(format!(
                "An earlier run ended with {batches} under way: nothing of it is sent again before it was read."
            ));
        }
        if reopened > 0 {
            let entries = counted(reopened, "refused entry is", "refused entries are");
            self.context.out.say(format!("{entries} taken up again."));
        }
        self.planned = entries;
        if entries > 0 {
            self.bar = Some(self.context.out.progress("settled", Some(entries)));
        }
    }

    /// The last word: what it came to, what that means, what to type next.
    pub(crate) fn sum_up(mut self, summary: &Summary) -> Result<Exit, CliError> {
        let exit = exit_of(summary);
        if let Some(bar) = &self.bar {
            bar.finish();
        }
        let next = next_step::after_a_run(self.context, summary, exit, self.wanted.as_deref());
        let written = if self.context.out.is_json() {
            let place = self.context.whereabouts()?;
            let waits_for = WaitRow::all(self.context, &summary.blocked);
            let line = run_json::summary(summary, exit, &next, waits_for, place, self.workflows);
            self.context.out.json_line(&line)
        } else {
            self.tell(summary, exit, &next)
        };
        self.heard(written);
        match self.deaf {
            // Nobody reads any more; how the run ended still counts.
            None | Some(OutputError::Closed) => Ok(exit),
            Some(error @ OutputError::Failed(_)) => Err(error.into()),
        }
    }

    /// The same of a run that only looked again.
    fn tell_of_a_look(
        &mut self,
        summary: &Summary,
        found: &BTreeMap<Found, u64>,
        exit: Exit,
        next: &str,
    ) -> Result<(), OutputError> {
        let out = &mut self.context.out;
        for one in Found::ALL {
            let entries = found.get(one).copied().unwrap_or(0);
            if entries > 0 {
                out.data_row(format!(
                    "{:<9} {entries:>7}  {}",
                    one.wire_name(),
                    place_in_words(*one)
                ))?;
            }
        }
        out.flush()?;
        if summary.unfinished > 0 {
            let entries = counted(summary.unfinished, "entry", "entries");
            out.warn(&format!("{entries} could not be looked at: nothing was recorded of them"));
        }
        out.say(format!(
            "{}, {}",
            counted(summary.calls, "API call", "API calls"),
            counted(summary.credits, "credit", "credits"),
        ));
        if let Some(stop) = &summary.stop {
            out.warn(&stop_in_words(stop));
        }
        out.say(format!("Exit code {}: {}. Next: {next}", exit.code(), meaning_of(summary, exit)));
        Ok(())
    }

    fn tell(&mut self, summary: &Summary, exit: Exit, next: &str) -> Result<(), OutputError> {
        if let Some(found) = &summary.rechecked {
            return self.tell_of_a_look(summary, found, exit, next);
        }
        let blocked = blocked::in_words(self.context, &summary.blocked);
        let repeats = if summary.sent > self.planned { " (repeats included)" } else { "" };
        let out = &mut self.context.out;
        for (state, entries) in &summary.totals {
            if *entries > 0 {
                out.data_row(format!("{:<18} {entries}", state.wire_name()))?;
            }
        }
        out.flush()?;
        out.say(format!(
            "{} sent in this run{repeats}, {}, {}",
            counted(summary.sent, "entry", "entries"),
            counted(summary.calls, "API call", "API calls"),
            counted(summary.credits, "credit", "credits"),
        ));
        if summary.undecided > 0 {
            let entries = counted(summary.undecided, "entry", "entries");
            out.warn(&format!(
                "{entries} UNDECIDED: no read can tell what happened; journal settle records what a person \
                 decides"
            ));
        }
        for line in blocked {
            out.warn(&line);
        }
        if !summary.jobs.is_empty() {
            out.say(jobs_in_words(&summary.jobs));
        }
        if let Some(stop) = &summary.stop {
            out.warn(&stop_in_words(stop));
        }
        out.say(format!("Exit code {}: {}. Next: {next}", exit.code(), exit.meaning()));
        Ok(())
    }
}

const fn place_in_words(found: Found) -> &'static str {
    match found {
        Found::InBin => "in the recycle bin: deleted, not yet erased",
        Found::Erased => "neither in the recycle bin nor listed as restorable any more",
        Found::Back => "there again: restored, put back or imported anew by somebody",
        Found::NotSeen => "not there, as far as we may look",
    }
}

/// `2 in_bin, 1 back`
fn found_in_words(seen: &[(EntryId, Found)]) -> String {
    let count = |found: &Found| seen.iter().filter(|(_, one)| one == found).count();
    let told = Found::ALL.iter().map(|found| (found, count(found))).filter(|(_, count)| *count > 0);
    told.map(|(found, count)| format!("{count} {found}")).collect::<Vec<_>>().join(", ")
}

/// `2 jobs of Zoho's are not over: 4876876000005871001, 4876876000005871002`
fn jobs_in_words(jobs: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = jobs.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    let open = counted(u64::try_from(jobs.len()).unwrap_or(u64::MAX), "job", "jobs");
    let rest = if jobs.len() > SHOWN { " …" } else { "" };
    let verb = if jobs.len() == 1 { "is" } else { "are" };
    format!("{open} of Zoho's {verb} not over: {shown}{rest}; journal jobs tells since when")
}

pub(crate) fn stop_in_words(stop: &Stop) -> String {
    match stop {
        Stop::Interrupted => {
            "interrupted: what was under way is recorded; nothing is lost".to_owned()
        }
        Stop::NotSignedIn { code, message } => {
            format!("not signed in: {code}: {message}; entries stay as they are")
        }
        Stop::NotAllowed(not_allowed) => not_allowed_in_words(not_allowed),
        Stop::Budget(limit) => limit_in_words(*limit),
        Stop::Throttled { until } => {
            format!(
                "Zoho asks for fewer calls, for longer than --wait; no run makes one before {until}"
            )
        }
        Stop::NoTokens { until } => format!(
            "Zoho gives no access token before {until}, for longer than --wait: it gives ten in ten minutes"
        ),
        Stop::Unreachable(why) => format!("Zoho gave no usable answer: {why}"),
        Stop::Paused(pause) => {
            format!("{pause}; nothing more is sent, and what was sent before is recorded")
        }
        Stop::NotAsRecorded(refusal) => format!(
            "{refusal}: somebody changed the file; nothing more is sent, and what was sent before is recorded"
        ),
        Stop::OtherOrg(why) => format!("the token belongs to another org: {why}; nothing was sent"),
    }
}

pub(crate) fn not_allowed_in_words(not_allowed: &NotAllowed) -> String {
    let NotAllowed { what, code, message } = not_allowed;
    format!("not allowed: {what}: {code}: {message}; entries stay as they are")
}

pub(crate) fn limit_in_words(limit: Limit) -> String {
    match limit {
        Limit::Calls(limit) => format!("the budget of this run is used up: --max-calls {limit}"),
        Limit::Credits(limit) => {
            format!("the budget of this run has no room for the next call: --max-credits {limit}")
        }
        Limit::Daily { limit, again } => {
            let again =
                again.map(|at| format!("; there is room again at {at}")).unwrap_or_default();
            format!("the daily budget of {limit} credits has no room for the next call{again}")
        }
        Limit::Org { left } => format!(
            "the org has {left} API credits left, Zoho says, and the next call costs more: they come \
             back over 24 hours"
        ),
    }
}
