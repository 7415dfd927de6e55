//! `journal cancel`: what was not sent is withdrawn; what was sent stays what it is, and is told.

use std::str::FromStr;

use serde::Serialize;

use crate::cli::approve::{check_reason, shown_reason, who};
use crate::cli::context::{Context, PROGRAM, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::counted;
use crate::cli::settle::Named;
use crate::cli::status;
use crate::domain::id::{RecordId, RequestId};
use crate::domain::state::EntryState;
use crate::export::cell::visible_short;
use crate::store::approval::By;
use crate::store::cancelling::{Cancelled, Withdrawn};

/// As much of a name, a reason or a list as is shown again, in characters.
const SHOWN: usize = 200;

/// Withdraw what was not sent yet; what is sent already stays what it is
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Entries that are pending, held or wait for approval are cancelled for good: recorded again, they are new entries.
A record's id stands for every entry for that record, or for what is taken out of its lists.

Examples:
  journal cancel R12 --reason \"wrong list\"
  journal cancel E7 E20-E40 --reason \"still customers\"
  journal cancel 410405000002264040 --reason \"objection\"")]
pub(crate) struct CancelArgs {
    /// Requests (R12), entries (E7, E1-E20) or record ids
    #[arg(required = true, value_name = "R|E|RECORD")]
    subjects: Vec<Subject>,
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who withdraws [default: the OS user]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
    /// Show what would be withdrawn, and record nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    Request(RequestId),
    Entries(Named),
    Record(RecordId),
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.bytes().next() {
            Some(b'R' | b'r') => text.parse().map(Self::Request).map_err(|one| format!("{one}")),
            Some(b'E' | b'e') => text.parse().map(Self::Entries),
            _ => text.parse().map(Self::Record).map_err(|one| format!("{one}")),
        }
    }
}

#[derive(Serialize)]
struct Left {
    state: &'static str,
    entries: u64,
    named: String,
}

/// The outcome with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct Document<'a> {
    cancelled: u64,
    entries: String,
    left: Vec<Left>,
    cancelled_by: &'a str,
    recorded_by: &'a str,
    reason: &'a str,
    dry_run: bool,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

/// Runs the command.
pub(crate) fn run(args: &CancelArgs, context: &mut Context) -> Result<Exit, CliError> {
    check_reason(&args.reason)?;
    let account = context.account()?.name;
    let name = who(args.who.as_deref(), &account)?;
    let by = By { who: &name, account: &account, reason: &args.reason, program: PROGRAM };
    let mut wanted = Withdrawn::default();
    for subject in &args.subjects {
        match subject {
            Subject::Request(request) => wanted.requests.push(*request),
            Subject::Entries(named) => wanted.entries.extend(named.ranges()),
            Subject::Record(record) => wanted.records.push(*record),
        }
    }
    let mut cancelled = context.reader()?.would_cancel(&wanted)?;
    if !args.dry_run && !cancelled.entries.is_empty() {
        let now = context.now();
        let mut keeper = context.keeper()?;
        // A run may have claimed some of it meanwhile: what is told is what was recorded.
        cancelled = keeper.write("withdrawing entries", now, |tx| tx.cancel(&wanted, by))?;
    }
    if cancelled.entries.is_empty() {
        let what = format!("nothing was withdrawn: {}", left_in_words(&cancelled));
        let hint = "what was done is brought back by journal undo; what is settled stays so";
        return Err(CliError::new(Exit::Refused, what).hint(hint));
    }
    tell(context, args, &cancelled, by)?;
    Ok(Exit::Done)
}

/// `E6-E8 done; E9 in_flight`
fn left_in_words(cancelled: &Cancelled) -> String {
    let told = cancelled.left.iter().map(|(state, entries)| {
        let verb = if entries.len() == 1 { "is" } else { "are" };
        format!("{} {verb} {state}", visible_short(&entries.named().to_string(), SHOWN))
    });
    told.collect::<Vec<_>>().join("; ")
}

fn tell(
    context: &mut Context,
    args: &CancelArgs,
    cancelled: &Cancelled,
    by: By<'_>,
) -> Result<(), CliError> {
    let next = if args.dry_run {
        "the same command without --dry-run".to_owned()
    } else {
        status::next_command(context)?
    };
    let place = context.whereabouts()?;
    let entries = cancelled.entries.named().to_string();
    if context.out.is_json() {
        let left = cancelled.left.iter().map(|(state, entries)| Left {
            state: state.wire_name(),
            entries: entries.len(),
            named: entries.named().to_string(),
        });
        let document = Document {
            cancelled: cancelled.entries.len(),
            entries,
            left: left.collect(),
            cancelled_by: by.who,
            recorded_by: by.account,
            reason: by.reason,
            dry_run: args.dry_run,
            next,
            place,
        };
        return Ok(context.out.json_line(&document)?);
    }
    let verb = if args.dry_run { "Would withdraw" } else { "Withdrew" };
    let many = counted(cancelled.entries.len(), "entry", "entries");
    context.out.data_line(format!(
        "{verb} {many} in {place}: {}; by {}: {}.",
        visible_short(&entries, SHOWN),
        visible_short(by.who, SHOWN),
        shown_reason(by.reason)
    ))?;
    if !cancelled.left.is_empty() {
        let left = left_in_words(cancelled);
        context.out.data_line(format!("Stays what it is: {left}."))?;
    }
    let may_leave = [EntryState::InFlight, EntryState::Queued];
    if cancelled.left.iter().any(|(state, _)| may_leave.contains(state)) {
        context.out.warn("what is in_flight or queued was claimed already: its call may have left");
    }
    context.out.say(format!("Nothing was sent to Zoho. Next: {next}"));
    Ok(())
}
