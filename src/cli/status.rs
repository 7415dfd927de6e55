//! `journal status`: where everything stands, whether a run is on, and what to type next.

use std::path::Path;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::cli::blocked::{self, WaitRow};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::jobs::SYNC_ON;
use crate::cli::output::words::{counted, grouped, in_words};
use crate::cli::output::{Line, Tone};
use crate::cli::spending::Spending;
use crate::cli::standing::{self, Closed};
use crate::cli::things::quarantine_in_words;
use crate::domain::id::RequestId;
use crate::domain::state::EntryState;
use crate::domain::target::ApiOrigin;
use crate::domain::time::Timestamp;
use crate::evidence::keeper::lock_path;
use crate::platform::{self, Holder};
use crate::store::Reader;
use crate::store::holding::HoldView;
use crate::store::pausing::PauseView;
use crate::store::query::{Blocked, LastRun, Summary, UndoGlance};
use crate::store::shredding::FullSnapshotCounts;
use crate::store::upgrade::Older;

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

/// What is to be done about the file itself.
fn of_the_file(
    reader: &Reader,
    closed: Option<Closed>,
    unswept: bool,
    full: FullSnapshotCounts,
) -> Result<Vec<Told>, CliError> {
    let mut told: Vec<Told> =
        closed.map(|closed| ("closed", Tone::Bad, closed.told)).into_iter().collect();
    if unswept {
        let bytes = "bytes of it may still lie in the file: journal forget --finish removes them";
        told.push(("forgotten", Tone::Warn, bytes.to_owned()));
    }
    if full.kept > 0 {
        let kept = counted(full.kept, "full snapshot is", "full snapshots are");
        let (tone, due) = match full.due {
            0 => (Tone::Plain, "none of them past its time".to_owned()),
            due => {
                let due = counted(due, "is past its time", "are past their time");
                (Tone::Warn, format!("{due}: journal forget --snapshots-due shreds what may go"))
            }
        };
        told.push(("snapshots", tone, format!("{kept} kept, {due}")));
    }
    if let Some(Older { from, to }) = reader.older()? {
        let older = format!(
            "schema {from}, of an older program; the next command that writes upgrades it to {to}"
        );
        told.push(("", Tone::Warn, older));
    }
    Ok(told)
}

type Told = (&'static str, Tone, String);

fn lines(
    document: &Document<'_>,
    run: (Tone, String),
    summary: &Summary,
    waits: Vec<String>,
) -> Vec<Told> {
    let mut lines = vec![
        (
            "journal",
            Tone::Plain,
            format!("{}, {}", document.journal, counted(document.events, "event", "events")),
        ),
        ("org", Tone::Plain, target_in_words(document)),
        ("requests", Tone::Plain, grouped(document.requests)),
        ("batches", Tone::Plain, grouped(document.batches)),
        ("entries", Tone::Plain, document.entries.in_words()),
        ("run", run.0, run.1),
        ("used", Tone::Plain, document.spending.in_words()),
    ];
    if let Some(held_back) = document.spending.held_back() {
        lines.push(("throttled", Tone::Warn, held_back));
    }
    if document.jobs_open > 0 {
        let open = counted(document.jobs_open, "job", "jobs");
        let told = format!("{open} that Zoho has not finished; journal jobs tells since when");
        lines.push(("jobs", Tone::Warn, told));
    }
    if !summary.parked.is_empty() {
        lines.push((
            "parked",
            Tone::Warn,
            format!(
                "{}: set aside after refusals; naming it in sync takes it up again",
                names(&summary.parked)
            ),
        ));
    }
    lines.extend(decisions(document));
    match summary.undecided {
        Some(0) => {}
        Some(number) => lines.push((
            "undecided",
            Tone::Warn,
            format!(
                "{}: reading cannot tell what happened; journal settle records what a person decides",
                counted(number, "entry", "entries")
            ),
        )),
        None => lines.push(("undecided", Tone::Plain, "too many reads to count here".to_owned())),
    }
    lines.extend(waits.into_iter().map(|line| ("waiting", Tone::Warn, line)));
    if summary.count(EntryState::Unknown) + summary.count(EntryState::InFlight) > 0 {
        let quarantine = std::time::Duration::from_secs_f64(document.quarantine);
        lines.push(("unknown", Tone::Plain, quarantine_in_words(quarantine)));
    }
    lines.extend(document.undo.in_words().map(|told| ("undo", Tone::Plain, told)));
    match summary.workflows {
        Some(true) => {
            lines.push(("at Zoho", Tone::Warn, "workflows WILL run".to_owned()));
        }
        Some(false) => lines.push(("at Zoho", Tone::Plain, "no workflows".to_owned())),
        None => {}
    }
    lines.push(("next", Tone::Strong, document.next.to_owned()));
    lines
}

/// What people decided, or are to decide.
fn decisions(document: &Document<'_>) -> Vec<Told> {
    let mut lines = Vec::new();
    if let Some(pause) = &document.pause {
        lines.push(("pause", Tone::Warn, format!("{pause}; no run sends anything")));
    }
    if let Some(first) = document.awaiting_approval.first() {
        let told = format!(
            "{}: journal show {first}, then journal approve {first}",
            few(&document.awaiting_approval)
        );
        lines.push(("approval", Tone::Warn, told));
    }
    if let Some(first) = document.proposals.first() {
        let told = format!("{first} waits for a second person: journal policy show");
        lines.push(("policy", Tone::Warn, told));
    }
    if document.holds > 0 {
        let holds = counted(u64::try_from(document.holds).unwrap_or(u64::MAX), "hold", "holds");
        lines.push(("holds", Tone::Plain, format!("{holds}; journal hold list shows them")));
    }
    if !document.holds_to_review.is_empty() {
        let due = few(&document.holds_to_review);
        lines.push(("review", Tone::Warn, format!("{due}: is it still needed? journal hold list")));
    }
    lines
}

/// Holds whose review is due.
pub(super) fn holds_to_review(holds: &[HoldView], now: Timestamp) -> Vec<String> {
    let due = holds.iter().filter(|hold| hold.review_by.is_some_and(|at| at <= now));
    due.map(|hold| hold.hold.to_string()).collect()
}

fn target_in_words(document: &Document<'_>) -> String {
    let org = document.org.as_deref().unwrap_or("not bound yet");
    let origin = document.api_origin.as_deref().map(|origin| {
        let simulated = origin == ApiOrigin::loopback().as_str();
        format!(", {}", if simulated { "a simulator on this machine" } else { origin })
    });
    format!(
        "{org} ({}, data centre {}{})",
        document.environment,
        document.data_center,
        origin.unwrap_or_default()
    )
}

/// The first few of many requests.
fn names(requests: &[RequestId]) -> String {
    few(&requests.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// The first few of many names.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = names.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(" "))
}

fn run_in_words(activity: &Activity, summary: &Summary, now: Timestamp) -> (Tone, String) {
    let who = |note: &Holder| {
        format!("{} (process {} on {}, since {})", note.command, note.pid, note.host, note.since)
    };
    match activity {
        Activity::On(Some(note)) => {
            let span = in_words(now.since(note.since));
            (Tone::Good, format!("{} is on, for {span}{}", who(note), last_written(summary)))
        }
        Activity::On(None) => (Tone::Good, "one is on".to_owned()),
        Activity::Hidden => {
            (Tone::Plain, "unknown: this account may not look at the lock".to_owned())
        }
        Activity::Died(note) => (Tone::Bad, died(note.as_ref().map(who), summary)),
        Activity::Idle => (Tone::Plain, last_in_words(summary.last_run.as_ref())),
    }
}

fn died(who: Option<String>, summary: &Summary) -> String {
    let last = summary.last_run.as_ref();
    let who = who.or_else(|| last.map(|run| format!("{} since {}", run.command, run.started_at)));
    let who = who.unwrap_or_else(|| "a run".to_owned());
    let open = u64::try_from(summary.open_batches.len()).unwrap_or(u64::MAX);
    let left = if open > 0 {
        format!(" and left {} open", counted(open, "batch", "batches"))
    } else {
        String::new()
    };
    format!("{who} died without ending{}{left}", last_written(summary))
}

/// What others write meanwhile is no sign of life.
fn last_written(summary: &Summary) -> String {
    summary.last_written_at.map_or_else(String::new, |at| format!("; it last wrote at {at}"))
}

fn last_in_words(last: Option<&LastRun>) -> String {
    match last {
        Some(LastRun { command, ended: Some((at, exit)), .. }) => {
            format!("none is on; the last one ({command}) ended at {at} with exit code {exit}")
        }
        Some(LastRun { command, started_at, ended: None, .. }) => {
            format!("none is on; the last one ({command}) began at {started_at}")
        }
        None => "none so far".to_owned(),
    }
}

/// What to type next, as `status` says it.
pub(crate) fn next_command(context: &Context) -> Result<String, CliError> {
    let (reader, summary, activity) = look(context)?;
    let blocked = blocked_at_a_glance(&reader, &summary)?;
    Ok(typed(context, &next(&summary, reader.open_jobs()?, blocked.as_ref(), &activity)))
}

/// Pending entries that wait for others, where few enough are open to look at all of them.
fn blocked_at_a_glance(reader: &Reader, summary: &Summary) -> Result<Option<Blocked>, CliError> {
    const LOOKED_AT: u64 = 5_000;
    let open = [EntryState::InFlight, EntryState::Queued, EntryState::Unknown];
    let open: u64 = open.into_iter().map(|state| summary.count(state)).sum();
    if summary.count(EntryState::Pending) == 0 || open == 0 {
        return Ok(Some(Blocked::default()));
    }
    if open > LOOKED_AT {
        return Ok(None);
    }
    Ok(Some(reader.blocked(|request| !summary.parked.contains(&request))?))
}

/// As it must be typed to reach this journal. What a list shows to a person is for the person to settle.
fn typed(context: &Context, words: &str) -> String {
    let command = context.command(words);
    if words == LIST_UNDECIDED {
        return format!("{command}, then {}", context.command(SETTLE));
    }
    command
}

/// Shows what no read can decide.
pub(crate) const LIST_UNDECIDED: &str = "list --state unknown --code UNDECIDED";

/// Records what a person decided.
pub(crate) const SETTLE: &str = "settle E… --state done|absent|failed --reason TEXT";

/// The same for entries that are named.
pub(crate) const DECISIONS: &str = "--state done|absent|failed --reason TEXT";

/// What to type next, without the program's name. What is broken comes first, then what can be sent, then what needs a person.
fn next(
    summary: &Summary,
    jobs_open: u64,
    blocked: Option<&Blocked>,
    activity: &Activity,
) -> String {
    let count = |state| summary.count(state);
    let undecided = summary.undecided.unwrap_or(0);
    let unknown = count(EntryState::Unknown).saturating_sub(undecided);
    if matches!(activity, Activity::On(_)) {
        return "status".to_owned();
    }
    if summary.requests == 0 {
        return "delete MODULE --from FILE --id-column NAME --reason TEXT --dry-run".to_owned();
    }
    // While Zoho works on a job, waiting is all that helps.
    let waits = if jobs_open > 0 { count(EntryState::Queued) } else { 0 };
    let queued = count(EntryState::Queued).saturating_sub(waits);
    if count(EntryState::InFlight) + queued + unknown > 0 {
        return "replay".to_owned();
    }
    if waits > 0 {
        return SYNC_ON.to_owned();
    }
    // What waits for a person's decision is not sent before that.
    if summary.pending_unparked > blocked.map_or(0, |blocked| blocked.by_undecided) {
        return "sync".to_owned();
    }
    // What made Zoho refuse so often must be looked at before it is sent again.
    if let (true, Some(parked)) = (count(EntryState::Pending) > 0, summary.parked.first()) {
        return format!("show {parked}");
    }
    if undecided > 0 {
        return LIST_UNDECIDED.to_owned();
    }
    if let Some(request) = summary.awaiting_approval.first() {
        return format!("show {request}");
    }
    if count(EntryState::Failed) > 0 {
        return "list --state failed".to_owned();
    }
    "export -o FILE".to_owned()
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
