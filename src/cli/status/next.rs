//! What to type next, as `journal status` and other commands say it.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::jobs::SYNC_ON;
use crate::cli::status::{Activity, look};
use crate::domain::state::EntryState;
use crate::store::Reader;
use crate::store::query::{Blocked, Summary};

/// What to type next, as `status` says it.
pub(crate) fn next_command(context: &Context) -> Result<String, CliError> {
    let (reader, summary, activity) = look(context)?;
    let blocked = blocked_at_a_glance(&reader, &summary)?;
    Ok(typed(context, &next(&summary, reader.open_jobs()?, blocked.as_ref(), &activity)))
}

/// Pending entries that wait for others, where few enough are open to look at all of them.
pub(super) fn blocked_at_a_glance(
    reader: &Reader,
    summary: &Summary,
) -> Result<Option<Blocked>, CliError> {
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
pub(super) fn typed(context: &Context, words: &str) -> String {
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
pub(super) fn next(
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
