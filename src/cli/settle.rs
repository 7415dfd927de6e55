//! `journal settle`: a person decides what evidence cannot.

use std::str::FromStr;

use clap::ValueEnum;
use serde::Serialize;

use crate::cli::context::{Context, PROGRAM, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped};
use crate::cli::reason;
use crate::cli::status;
use crate::domain::id::EntryId;
use crate::domain::ranges::EntryRanges;
use crate::domain::state::{EntryState, Verdict};
use crate::export::cell::visible_short;
use crate::store::query::SettledBy;
use crate::store::settling::{NewDecision, Unfit};

/// Entries that one decision settles at most: no other write waits long for it.
const ENTRIES_MAX: u64 = 10_000;

/// Entries that are named in an error; the rest is counted.
const NAMED: usize = 20;

/// As much of a reason as is shown again, in characters.
const SHOWN: usize = 200;

/// Settle entries that no read can decide (UNDECIDED): your decision, recorded as yours
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing is sent to Zoho. Only entries that are unknown with the code UNDECIDED are taken, all of those that
are named or none. A decision is final: what is settled never moves again, and replay leaves it alone.

Examples:
  journal list --state unknown --code UNDECIDED
  journal show E7
  journal settle E7 --state done --reason \"Zoho's audit log: deleted by our user at 10:02\" --ticket OPS-9
  journal settle E1-E20 E25 --state failed --reason \"all are still there\" --dry-run")]
pub(crate) struct SettleArgs {
    /// Entries, as E7, or ranges of them, as E1-E20
    #[arg(required = true, value_name = "E")]
    entries: Vec<Named>,
    /// What happened
    #[arg(long, value_enum, value_name = "STATE")]
    state: Decision,
    /// How you know, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The ticket it belongs to
    #[arg(long, value_name = "REF")]
    ticket: Option<String>,
    /// Who decides [default: the OS user]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
    /// Show what would be settled, and record nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a person can decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Decision {
    /// Our call did it
    Done,
    /// It is gone, and not because of us
    Absent,
    /// Our calls changed nothing
    Failed,
}

impl Decision {
    const fn verdict(self) -> Verdict {
        match self {
            Self::Done => Verdict::Done,
            Self::Absent => Verdict::Absent,
            Self::Failed => Verdict::Failed,
        }
    }
}

/// Entries as one argument names them: `E7`, `E1-E20`, or what other commands print, `E1-E20,E25`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named(Vec<(EntryId, EntryId)>);

impl Named {
    /// From the first to the last entry of each part.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (EntryId, EntryId)> {
        self.0.iter().copied()
    }
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected entries as E7 or E1-E20".to_owned();
        let part = |part: &str| -> Result<(EntryId, EntryId), String> {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let entry = |text: &str| text.parse::<EntryId>().map_err(|_| wrong());
            let (first, last) = (entry(first)?, entry(last)?);
            if last < first { Err(wrong()) } else { Ok((first, last)) }
        };
        text.split(',').map(part).collect::<Result<_, _>>().map(Self)
    }
}

/// The outcome with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct Document {
    settled: u64,
    entries: String,
    state: &'static str,
    settled_by: String,
    dry_run: bool,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

/// Runs the command.
pub(crate) fn run(args: &SettleArgs, context: &mut Context) -> Result<Exit, CliError> {
    if args.reason.trim().is_empty() {
        let hint = "say how you know, for the audit";
        return Err(CliError::new(Exit::Usage, "--reason is empty").hint(hint));
    }
    reason::warn_of_addresses(context, &args.reason);
    let entries = together(&args.entries)?;
    let account = context.account()?.name;
    let decision = NewDecision {
        entries: &entries,
        verdict: args.state.verdict(),
        settled_by: args.who.as_deref().unwrap_or(&account),
        recorded_by: &account,
        reason: &args.reason,
        ticket: args.ticket.as_deref(),
        program: PROGRAM,
    };
    // Before anything is opened for writing: most refusals are seen here already.
    check(context, &context.reader()?.unfit_to_settle(&entries)?)?;
    if !args.dry_run {
        let now = context.now();
        let mut keeper = context.keeper()?;
        let settled = keeper.write("settling entries", now, |tx| tx.settle(&decision))?;
        drop(keeper);
        // A run may have come first meanwhile.
        settled.or_else(|unfit| check(context, &unfit))?;
    }
    tell(context, args, &decision)?;
    Ok(Exit::Done)
}

/// All that was named, each entry once.
fn together(named: &[Named]) -> Result<EntryRanges, CliError> {
    let mut parts: Vec<(EntryId, EntryId)> = named.iter().flat_map(|one| one.0.clone()).collect();
    parts.sort_unstable();
    let (mut entries, mut next) = (EntryRanges::default(), EntryId::new(1));
    for (first, last) in parts {
        let first = first.max(next);
        let many = last.get().saturating_sub(first.get()).unsigned_abs();
        if last >= first && entries.len().saturating_add(many) >= ENTRIES_MAX {
            let most = grouped(ENTRIES_MAX);
            let what = format!("more than {most} entries are named; nothing was settled");
            let hint = format!("name {most} at most, and the others in a command of their own");
            return Err(CliError::new(Exit::Usage, what).hint(hint));
        }
        for entry in (first.get()..=last.get()).map(EntryId::new) {
            entries.push(entry);
            next = entry.next();
        }
    }
    Ok(entries)
}

/// Refuses the whole command over the entries that a person cannot settle.
fn check(context: &Context, unfit: &[Unfit]) -> Result<(), CliError> {
    if unfit.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = unfit.iter().take(NAMED).map(in_words).collect();
    let more = u64::try_from(unfit.len().saturating_sub(NAMED)).unwrap_or(0);
    let more = if more > 0 { format!("; and {} more", grouped(more)) } else { String::new() };
    let what = format!("nothing was settled: {}{more}", told.join("; "));
    // What is not there is an error in what was typed; what a person must not touch is refused.
    let missing = unfit.iter().all(|one| one.state.is_none());
    let exit = if missing { Exit::Error } else { Exit::Refused };
    let list = context.command(status::LIST_UNDECIDED);
    Err(CliError::new(exit, what).hint(format!("{list} shows what a person can settle")))
}

/// `E7 is done: Zoho's answer settled it at …`
fn in_words(unfit: &Unfit) -> String {
    let Unfit { entry, state, settled } = unfit;
    let Some(state) = state else { return format!("{entry} is not in this journal") };
    let settled_by = settled.map(|settled| {
        let what = match settled.by {
            SettledBy::Answer => "Zoho's answer",
            SettledBy::Evidence => "what was read",
            SettledBy::Job => "a job of Zoho's",
            SettledBy::Person => "a person",
        };
        format!("{what} settled it at {}", settled.at)
    });
    let why = match state {
        EntryState::Unknown => {
            "it is not UNDECIDED: reading can still tell, journal replay does it"
        }
        EntryState::Pending | EntryState::AwaitingApproval | EntryState::Held => {
            "it waits to be sent, so there is nothing to decide"
        }
        EntryState::InFlight | EntryState::Queued => "its call is not over",
        EntryState::Done | EntryState::Absent | EntryState::Failed | EntryState::Cancelled => {
            "it is settled"
        }
    };
    format!("{entry} is {state}: {}", settled_by.as_deref().unwrap_or(why))
}

fn tell(
    context: &mut Context,
    args: &SettleArgs,
    decision: &NewDecision<'_>,
) -> Result<(), CliError> {
    let next = if args.dry_run {
        "the same command without --dry-run".to_owned()
    } else {
        status::next_command(context)?
    };
    let (entries, state) = (decision.entries.named().to_string(), decision.verdict.wire_name());
    if context.out.is_json() {
        let document = Document {
            settled: decision.entries.len(),
            entries,
            state,
            settled_by: decision.settled_by.to_owned(),
            dry_run: args.dry_run,
            next,
            place: context.whereabouts()?,
        };
        return Ok(context.out.json_line(&document)?);
    }
    let verb = if args.dry_run { "Would settle" } else { "Settled" };
    let many = counted(decision.entries.len(), "entry", "entries");
    let (who, why) =
        (visible_short(decision.settled_by, SHOWN), visible_short(decision.reason, SHOWN));
    let place = context.whereabouts()?;
    context.out.data_line(format!(
        "{verb} {many} as {state} in {place}: {entries}; decided by {who}: {why}."
    ))?;
    context.out.say(format!("Nothing was sent to Zoho. Next: {next}"));
    Ok(())
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
