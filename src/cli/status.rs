//! `journal status`: where everything stands, whether a run is on, and what to type next.

mod next;
mod words;

use std::path::Path;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::cli::blocked::{self, WaitRow};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped};
use crate::cli::output::{Line, Tone};
use crate::cli::spending::Spending;
use crate::cli::standing;
pub(crate) use crate::cli::status::next::{DECISIONS, LIST_UNDECIDED, SETTLE, next_command};
use crate::cli::status::next::{blocked_at_a_glance, next, typed};
pub(super) use crate::cli::status::words::holds_to_review;
use crate::cli::status::words::{Told, lines, of_the_file, run_in_words};
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::evidence::keeper::lock_path;
use crate::platform::{self, Holder};
use crate::store::Reader;
use crate::store::pausing::PauseView;
use crate::store::query::{LastRun, Summary, UndoGlance};

/// Show where everything stands, whether a run is on, and what to do next
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {}

/// How many entries stand in each state, all ten of them, in the order of their lives.
#[derive(Debug)]
pub(crate) struct EntriesByState(pub(crate) Vec<(EntryState, u64)>);

impl EntriesByState {
    fn count(&self, state: EntryState) -> u64 {
        self.0.iter().find(|(one, _)| *one == state).map_or(0, |(_, entries)| *entries)
    }

    /// `done 95, failed 5`
    pub(crate) fn in_words(&self) -> String {
        let some = EntryState::ALL.iter().filter(|state| self.count(**state) > 0);
        let told = some.map(|state| format!("{state} {}", grouped(self.count(*state))));
        let told = told.collect::<Vec<_>>().join(", ");
        if told.is_empty() { "none".to_owned() } else { told }
    }
}

impl Serialize for EntriesByState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(EntryState::ALL.len()))?;
        for state in EntryState::ALL {
            map.serialize_entry(state.wire_name(), &self.count(*state))?;
        }
        map.end()
    }
}

/// Whether a run is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Activity {
    /// A process holds the lock; its note says who, unless it is being written just now.
    On(Option<Holder>),
    /// A run ended without saying so; the note of the process that died, where it left one.
    Died(Option<Holder>),
    /// None is on.
    Idle,
    /// This account may not look at the lock.
    Hidden,
}

pub(super) fn activity(lock: &Path, last: Option<&LastRun>) -> Activity {
    let Ok(held) = platform::is_held(lock) else {
        return Activity::Hidden;
    };
    let note = platform::holder(lock).ok().flatten();
    if held {
        Activity::On(note)
    } else if note.is_some() || last.is_some_and(|run| run.ended.is_none()) {
        Activity::Died(note)
    } else {
        Activity::Idle
    }
}

/// Summary and activity that belong together: a run may have started or ended between the two looks.
fn look(context: &Context) -> Result<(Reader, Summary, Activity), CliError> {
    let lock = lock_path(&context.db());
    let mut tries = 0;
    loop {
        let reader = context.reader()?;
        let summary = reader.summary()?;
        let activity = activity(&lock, summary.last_run.as_ref());
        tries += 1;
        if tries > 1 || !matches!(activity, Activity::Died(_)) {
            return Ok((reader, summary, activity));
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    entries: EntriesByState,
    requests: u64,
    batches: u64,
    jobs_open: u64,
    org: Option<String>,
    environment: String,
    data_center: String,
    api_origin: Option<String>,
    workflows: Option<bool>,
    journal: String,
    events: u64,
    /// Why nothing is written to it; `null` for a journal that goes on.
    closed: Option<&'static str>,
    /// Whether bytes of what was forgotten may still lie in the file.
    unswept: bool,
    /// Entries with a full snapshot, and those of them whose time is over.
    full_snapshots: u64,
    full_snapshots_due: u64,
    open_batches: usize,
    parked: Vec<String>,
    /// The pause, while there is one.
    pause: Option<PauseView>,
    awaiting_approval: Vec<String>,
    holds: usize,
    /// Holds that somebody should look at by now.
    holds_to_review: Vec<String>,
    /// Proposed policies.
    proposals: Vec<String>,
    undecided: Option<u64>,
    /// `null` where so many entries are open that nobody looks here.
    blocked: Option<u64>,
    waits_for: Vec<WaitRow>,
    run: RunDocument,
    last_run: Option<LastRunDocument<'a>>,
    undo: UndoDocument,
    /// In seconds.
    quarantine: f64,
    #[serde(flatten)]
    spending: Spending,
    next: &'a str,
}

/// What can be brought back: so many entries at most, and the first deadline at the earliest.
#[derive(Serialize)]
struct UndoDocument {
    possible: u64,
    soonest: Option<Timestamp>,
}

impl UndoDocument {
    fn of(UndoGlance { possible, soonest }: UndoGlance) -> Self {
        Self { possible, soonest }
    }

    /// `2,000 entries at most, the first deadline from 2027-01-21 on`
    fn in_words(&self) -> Option<String> {
        if self.possible == 0 {
            return None;
        }
        let entries = counted(self.possible, "entry", "entries");
        let from = self.soonest.map(|at| format!(", the first deadline from {at} on"));
        let from = from.unwrap_or_default();
        Some(format!(
            "{entries} at most can be brought back{from}; journal undo-report counts them"
        ))
    }
}

#[derive(Serialize)]
struct RunDocument {
    /// `null` when this account may not know.
    on: Option<bool>,
    died: bool,
    command: Option<String>,
    since: Option<Timestamp>,
    pid: Option<u32>,
    host: Option<String>,
}

#[derive(Serialize)]
struct LastRunDocument<'a> {
    run: i64,
    command: &'a str,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    exit_code: Option<u8>,
}

impl RunDocument {
    fn of(activity: &Activity) -> Self {
        let (on, died, note) = match activity {
            Activity::On(note) => (Some(true), false, note.as_ref()),
            Activity::Died(note) => (Some(false), true, note.as_ref()),
            Activity::Idle => (Some(false), false, None),
            Activity::Hidden => (None, false, None),
        };
        Self {
            on,
            died,
            command: note.map(|note| note.command.clone()),
            since: note.map(|note| note.since),
            pid: note.map(|note| note.pid),
            host: note.map(|note| note.host.clone()),
        }
    }
}

impl StatusArgs {
    /// Runs the command.
    pub(crate) fn run(&self, context: &mut Context) -> Result<Exit, CliError> {
        let Self {} = self;
        let published = standing::published(context);
        let (reader, summary, activity) = look(context)?;
        let closed = standing::closed(context, &reader, published.as_ref())?;
        let binding = reader.binding()?;
        let (jobs_open, blocked) = (reader.open_jobs()?, blocked_at_a_glance(&reader, &summary)?);
        let (pause, holds, policies) = (reader.pause()?, reader.holds(false)?, reader.policies()?);
        let next = typed(context, &next(&summary, jobs_open, blocked.as_ref(), &activity));
        let next = match (&closed, &pause) {
            (Some(closed), _) => closed.next.clone(),
            (None, Some(_)) => format!("{} ends the pause", context.command("resume")),
            (None, None) => next,
        };
        let full = reader.full_snapshot_counts(context.now())?;
        let settings = &context.settings;
        let document = Document {
            entries: EntriesByState(summary.entries.clone()),
            requests: summary.requests,
            batches: summary.batches,
            jobs_open,
            org: binding.as_ref().and_then(|binding| binding.org.clone()),
            environment: binding.as_ref().map_or_else(
                || settings.environment.value.to_string(),
                |binding| binding.environment.clone(),
            ),
            data_center: binding.as_ref().map_or_else(
                || settings.data_center.value.to_string(),
                |binding| binding.data_center.clone(),
            ),
            api_origin: binding.map(|binding| binding.api_origin),
            workflows: summary.workflows,
            journal: context.db().display().to_string(),
            events: reader.head()?.size,
            closed: closed.as_ref().map(|closed| closed.standing),
            unswept: reader.is_unswept()?,
            full_snapshots: full.kept,
            full_snapshots_due: full.due,
            open_batches: summary.open_batches.len(),
            parked: summary.parked.iter().map(ToString::to_string).collect(),
            awaiting_approval: summary.awaiting_approval.iter().map(ToString::to_string).collect(),
            holds: holds.len(),
            holds_to_review: holds_to_review(&holds, context.now()),
            proposals: policies.proposed.iter().map(|one| one.policy.to_string()).collect(),
            pause,
            undecided: summary.undecided,
            blocked: blocked.as_ref().map(|blocked| blocked.entries),
            waits_for: blocked.iter().flat_map(|one| WaitRow::all(context, one)).collect(),
            run: RunDocument::of(&activity),
            last_run: summary.last_run.as_ref().map(|last| LastRunDocument {
                run: last.run.get(),
                command: &last.command,
                started_at: last.started_at,
                ended_at: last.ended.map(|(at, _)| at),
                exit_code: last.ended.map(|(_, exit)| exit),
            }),
            undo: UndoDocument::of(reader.undo_at_a_glance(context.now())?),
            quarantine: settings.quarantine.value.as_secs_f64(),
            spending: Spending::of(context, &reader)?,
            next: &next,
        };
        if context.out.is_json() {
            context.out.json_line(&document)?;
            return Ok(Exit::Done);
        }
        let run = run_in_words(&activity, &summary, context.now());
        let waits = blocked.map(|blocked| blocked::in_words(context, &blocked)).unwrap_or_default();
        let mut lines = lines(&document, run, &summary, waits);
        lines.splice(1..1, of_the_file(&reader, closed, document.unswept, full)?);
        show(context, lines)?;
        Ok(Exit::Done)
    }
}

fn show(context: &mut Context, lines: Vec<Told>) -> Result<(), CliError> {
    for (label, tone, text) in lines {
        let line = Line::new().toned(Tone::Strong, format!("{label:<10}"));
        context.out.data_row(line.toned(tone, text))?;
    }
    Ok(context.out.flush()?)
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
