//! Pending entries that wait for another entry for the same thing: which for which, and what ends that.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::output::words::counted;
use crate::cli::status::DECISIONS;
use crate::domain::id::EntryId;
use crate::domain::state::EntryState;
use crate::store::query::{Blocked, Blocker, Waits};

/// So many entries are told with those that wait for them.
const SHOWN: usize = 5;

/// A pending entry and what it waits for, with `--json`. Its keys are a contract.
#[derive(Serialize)]
pub(crate) struct WaitRow {
    entry_id: String,
    waits_for: String,
    state: &'static str,
    undecided: bool,
    next: String,
}

impl WaitRow {
    pub(crate) fn of(context: &Context, entry: EntryId, by: &Blocker) -> Self {
        Self {
            entry_id: entry.to_string(),
            waits_for: by.entry.to_string(),
            state: by.state.wire_name(),
            undecided: by.undecided,
            next: what_ends_it(context, by),
        }
    }

    /// Those that are named.
    pub(crate) fn all(context: &Context, blocked: &Blocked) -> Vec<Self> {
        let row = |one: &Waits| Self::of(context, one.entry, &one.by);
        blocked.first.iter().map(row).collect()
    }
}

/// The command that ends the waiting, or finds out.
fn what_ends_it(context: &Context, by: &Blocker) -> String {
    let Blocker { entry, request, .. } = by;
    match by.state {
        _ if by.undecided => context.command(&format!("settle {entry} {DECISIONS}")),
        EntryState::Queued => context.command(&format!("sync {request}")),
        EntryState::Unknown
        | EntryState::InFlight
        | EntryState::AwaitingApproval
        | EntryState::Pending
        | EntryState::Done
        | EntryState::Absent
        | EntryState::Failed
        | EntryState::Held
        | EntryState::Cancelled => context.command(&format!("replay {request}")),
    }
}

/// `E7, which no read can decide: journal settle E7 …`
pub(crate) fn waits_for(context: &Context, by: &Blocker) -> String {
    let why = match by.state {
        _ if by.undecided => "which no read can decide",
        EntryState::Queued => "whose job Zoho has not finished",
        EntryState::InFlight => "whose call is under way, or was when a run died",
        EntryState::Unknown
        | EntryState::AwaitingApproval
        | EntryState::Pending
        | EntryState::Done
        | EntryState::Absent
        | EntryState::Failed
        | EntryState::Held
        | EntryState::Cancelled => "whose call may have been carried out",
    };
    format!("{}, {why}: {}", by.entry, what_ends_it(context, by))
}

/// `E9 and E12 wait for E7, which no read can decide: journal settle E7 …`, a line each.
pub(crate) fn in_words(context: &Context, blocked: &Blocked) -> Vec<String> {
    let same = blocked.first.chunk_by(|one, other| one.by == other.by);
    let mut told = 0;
    let line = |waits: &[Waits]| {
        let first = waits.first()?;
        told += waits.len();
        let names: Vec<String> = waits.iter().map(|one| one.entry.to_string()).collect();
        let verb = if waits.len() == 1 { "waits" } else { "wait" };
        Some(format!("{} {verb} for {}", names.join(", "), waits_for(context, &first.by)))
    };
    let mut lines: Vec<String> = same.take(SHOWN).filter_map(line).collect();
    let rest = blocked.entries.saturating_sub(u64::try_from(told).unwrap_or(u64::MAX));
    if rest > 0 {
        let rest = counted(rest, "more pending entry waits", "more pending entries wait");
        lines.push(format!("{rest} for another one in the same way"));
    }
    lines
}

/// `settle E7 E8 --state …`: what a person can do for all of them that wait for what no read can decide.
pub(crate) fn settles(context: &Context, blocked: &Blocked) -> String {
    let mut names: Vec<String> = Vec::new();
    for one in blocked.first.iter().filter(|one| one.by.undecided) {
        let name = one.by.entry.to_string();
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    names.truncate(SHOWN);
    context.command(&format!("settle {} {DECISIONS}", names.join(" ")))
}
