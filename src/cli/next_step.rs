//! What to type after a run.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::blocked;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::status::{LIST_UNDECIDED, SETTLE};
use crate::cli::{plan, signing};
use crate::config::{Key, Origin, Row};
use crate::domain::id::RequestId;
use crate::domain::state::EntryState;
use crate::platform::shell_quoted;
use crate::reconcile::options::{Limit, Stop, Summary};

/// The command to type after a run, as it must be typed to reach the same journal.
pub(crate) fn after_a_run(
    context: &Context,
    summary: &Summary,
    exit: Exit,
    wanted: Option<&[RequestId]>,
) -> String {
    let names = plan::names(wanted);
    let command = |words: &str| context.command(words);
    let token = matches!(&summary.stop, Some(Stop::NotSignedIn { .. }));
    if let Some(parked) = set_aside(context, summary, exit, wanted) {
        let show = command(&format!("show {parked}"));
        return format!("{show}, then {}", command(&format!("sync {parked} --yes")));
    }
    if summary.rechecked.is_some() && matches!(exit, Exit::Done | Exit::SomeFailed) {
        return command("export -o audit.csv");
    }
    match exit {
        Exit::Done if wanted.is_some() && others_are_unknown(context) => command("replay --yes"),
        Exit::Done => command("export -o audit.csv"),
        Exit::SomeFailed => {
            let list = command("list --state failed");
            format!("{list}, then {}", command(&format!("replay{names} --yes")))
        }
        Exit::NotAllowed if token => {
            let sync = command(&format!("sync{names} --yes"));
            format!("{}, then {sync}", signing::how_to_sign_in(context))
        }
        Exit::NotAllowed => {
            let sync = command(&format!("sync{names} --yes"));
            format!("give the token or its user what is missing, then {sync}")
        }
        Exit::NotConfirmed => {
            let list = command("list --state awaiting_approval");
            format!(
                "{list}, then {} by a second person where policy asks for one",
                command("approve R…")
            )
        }
        Exit::Refused if matches!(summary.stop, Some(Stop::Paused(_))) => {
            format!("{}, then {}", command("resume"), command(&format!("sync{names} --yes")))
        }
        Exit::Refused => "use the token of the journal's own org".to_owned(),
        Exit::NotVerified => format!(
            "{}, which lists all that differs; then {} withdraws what must not be sent",
            command("verify"),
            command("cancel R…|E… --reason TEXT")
        ),
        Exit::Unfinished if summary.undecided > 0 && summary.undecided == summary.unfinished => {
            format!("{}, then {}", command(LIST_UNDECIDED), command(SETTLE))
        }
        // No run comes further before a person has decided.
        Exit::Unfinished if waits_for_a_person(summary) => {
            let settle = blocked::settles(context, &summary.blocked);
            format!("{settle}, then {}", command(&format!("sync{names} --yes")))
        }
        // Nothing but waiting helps; a replay would take up refused entries as well.
        Exit::Unfinished if !summary.jobs.is_empty() && summary.stop.is_none() => {
            command(&format!("sync{names} --wait 10m --yes"))
        }
        Exit::Unfinished
        | Exit::Stopped
        | Exit::Interrupted
        | Exit::Error
        | Exit::Usage
        | Exit::NoJournal
        | Exit::AlreadyRunning => {
            let beside = blocking_requests(summary, wanted);
            command(&format!("replay{names}{beside}{} --yes", run_flags(context, summary)))
        }
    }
}

/// Whether reading can still tell about entries that the named requests do not hold.
fn others_are_unknown(context: &Context) -> bool {
    let summary = context.reader().and_then(|reader| Ok(reader.summary()?));
    summary.is_ok_and(|summary| {
        let open = summary.count(EntryState::Unknown) + summary.count(EntryState::InFlight);
        summary.undecided.is_some_and(|undecided| open > undecided)
    })
}

/// Whether all that is left is what no read can decide, and what waits for that.
fn waits_for_a_person(summary: &Summary) -> bool {
    let Summary { stop, blocked, undecided, unfinished, .. } = summary;
    stop.is_none() && blocked.by_undecided > 0 && undecided + blocked.by_undecided == *unfinished
}

/// Requests beside the named ones that must be read before these come further.
fn blocking_requests(summary: &Summary, wanted: Option<&[RequestId]>) -> String {
    let Some(wanted) = wanted else { return String::new() };
    let others = summary.blocked.first.iter().filter(|one| !one.by.undecided);
    let others: BTreeSet<RequestId> = others.map(|one| one.by.request).collect();
    let others: Vec<RequestId> = others.into_iter().filter(|one| !wanted.contains(one)).collect();
    plan::names(Some(&others))
}

/// What was given as flags: a run goes on as it was meant, and with as much budget again. But for a budget that
/// is too small for anything: with it no run would ever come further.
fn run_flags(context: &Context, summary: &Summary) -> String {
    const KEYS: [Key; 9] = [
        Key::MaxEntries,
        Key::MaxCalls,
        Key::MaxCredits,
        Key::DailyCredits,
        Key::Concurrency,
        Key::Quarantine,
        Key::MaxFailures,
        Key::TagsPerJob,
        Key::Timeout,
    ];
    let too_small = match &summary.stop {
        Some(Stop::Budget(Limit::Calls(_))) if summary.sent == 0 => Some(Key::MaxCalls),
        Some(Stop::Budget(Limit::Credits(_))) if summary.sent == 0 => Some(Key::MaxCredits),
        Some(_) | None => None,
    };
    let kept =
        |row: &Row| KEYS.iter().any(|key| key.wire_name() == row.key && too_small != Some(*key));
    let flags = context.settings.rows().into_iter().filter(kept);
    let flags = flags.filter_map(|Row { value, origin, .. }| match origin {
        Origin::Flag(flag) => Some(format!(" {flag} {}", shell_quoted(Path::new(&value)))),
        Origin::Environment(_) | Origin::File { .. } | Origin::Default => None,
    });
    flags.collect::<Vec<_>>().concat()
}

/// A request that was set aside, when nothing else is left to do: no run takes it up until it is named.
fn set_aside(
    context: &Context,
    summary: &Summary,
    exit: Exit,
    wanted: Option<&[RequestId]>,
) -> Option<RequestId> {
    match exit {
        Exit::Stopped if summary.stop.is_none() => summary.parked.first().copied(),
        Exit::Unfinished if summary.stop.is_none() => {
            let open = context.reader().ok()?.overview(wanted, true).ok()?;
            let parked = open.iter().filter(|one| one.parked);
            let waiting = parked.clone().map(|one| one.count(EntryState::Pending)).sum::<u64>();
            let rest = summary.unfinished.saturating_sub(summary.undecided);
            let mut parked = parked.filter(|one| one.count(EntryState::Pending) > 0);
            if rest <= waiting { parked.next().map(|one| one.request) } else { None }
        }
        Exit::Stopped
        | Exit::Unfinished
        | Exit::Done
        | Exit::Error
        | Exit::Usage
        | Exit::SomeFailed
        | Exit::NotAllowed
        | Exit::Refused
        | Exit::NotConfirmed
        | Exit::NoJournal
        | Exit::AlreadyRunning
        | Exit::NotVerified
        | Exit::Interrupted => None,
    }
}
