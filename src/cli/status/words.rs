//! What `journal status` says, line by line.

use crate::cli::error::CliError;
use crate::cli::output::Tone;
use crate::cli::output::words::{counted, grouped, in_words};
use crate::cli::standing::Closed;
use crate::cli::status::{Activity, Document};
use crate::cli::things::quarantine_in_words;
use crate::domain::id::RequestId;
use crate::domain::state::EntryState;
use crate::domain::target::ApiOrigin;
use crate::domain::time::Timestamp;
use crate::platform::Holder;
use crate::store::Reader;
use crate::store::holding::HoldView;
use crate::store::query::{LastRun, Summary};
use crate::store::shredding::FullSnapshotCounts;
use crate::store::upgrade::Older;

/// What is to be done about the file itself.
pub(super) fn of_the_file(
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

/// A line: its label, how it is shown, and what it says.
pub(super) type Told = (&'static str, Tone, String);

pub(super) fn lines(
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
pub(in crate::cli) fn holds_to_review(holds: &[HoldView], now: Timestamp) -> Vec<String> {
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

pub(super) fn run_in_words(
    activity: &Activity,
    summary: &Summary,
    now: Timestamp,
) -> (Tone, String) {
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
