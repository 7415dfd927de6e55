//! `journal recheck`: looks again at what settled entries took away, and records where it is.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::counted;
use crate::cli::signing;
use crate::cli::sync::{self, execute, take_lock};
use crate::cli::wanted::{self, Wanted};
use crate::config::Flags;
use crate::domain::id::{EntryId, RequestId};
use crate::domain::ranges::EntryRanges;
use crate::domain::recheck::Found;
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::export::undo::{Bins, Undo, UndoState, Why};
use crate::reconcile::options::{RunKind, RunOptions};
use crate::store::query::{EntryFilter, EntryView, UndoneBy};

/// Look again at what was deleted, untagged or unlinked, and record where it is; nothing is sent
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each entry gets one of: in_bin (in the recycle bin), erased (neither there nor listed as restorable any more), back
(restored, put back or imported anew by somebody), not_seen (not there, as far as we may look). It is kept with its
time, shown by journal show and in the columns rechecked and rechecked_at. Entries that were undone are left out.

Exit codes: 0 nothing is back; 3 something is back; 4 something could not be read.

Examples:
  journal recheck
  journal recheck R12 E1337
  journal recheck --due --json")]
pub(crate) struct RecheckArgs {
    /// Requests (R12), entries (E7, E1-E20) or record ids [default: every entry that took something away]
    #[arg(value_name = "R|E|RECORD")]
    things: Vec<Wanted>,
    /// Only deletions whose time in the recycle bin is over, and that were not found erased since
    #[arg(long)]
    due: bool,
    /// Stop before more API calls than this [env: JOURNAL_MAX_CALLS]
    #[arg(long, value_name = "N")]
    max_calls: Option<String>,
    /// Stop before more API credits than this [env: JOURNAL_MAX_CREDITS]
    #[arg(long, value_name = "N")]
    max_credits: Option<String>,
    /// How long to wait for throttling; 0s never waits
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = humantime::parse_duration)]
    wait: Duration,
}

impl RecheckArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        Flags { max_calls: self.max_calls.clone(), max_credits: self.max_credits.clone(), ..flags }
    }
}

/// What is looked at.
#[derive(Default)]
struct Chosen {
    entries: EntryRanges,
    requests: BTreeSet<RequestId>,
    /// Entries that were named and took nothing away.
    nothing: u64,
    undone: u64,
    /// Entries that were named and are not due.
    not_due: u64,
}

/// Runs the command.
pub(crate) fn run(args: &RecheckArgs, context: &mut Context) -> Result<Exit, CliError> {
    context.check_target()?;
    let lock = take_lock(RunKind::Recheck, context)?;
    let chosen = choose(args, context)?;
    say_what_is_left_out(context, args.due, &chosen);
    if !chosen.entries.is_empty() {
        signing::check_possible(context, "nothing was looked at")?;
    }
    let zoho = signing::client(context)?;
    let keeper = context.keeper_of_run(&lock)?;
    let requests: Vec<RequestId> = chosen.requests.into_iter().collect();
    let options = RunOptions {
        recheck: Some(chosen.entries),
        wanted: Some(requests),
        ..sync::options_of(RunKind::Recheck, args.wait, context)?
    };
    execute(context, keeper, zoho, options, false)
}

fn choose(args: &RecheckArgs, context: &Context) -> Result<Chosen, CliError> {
    let reader = context.reader()?;
    let bins = Bins::of(&reader)?;
    let now = context.now();
    let mut chosen = Chosen::default();
    let mut found: BTreeSet<EntryId> = BTreeSet::new();
    let mut look = |entry: &EntryView| {
        let took = matches!(entry.state, EntryState::Done | EntryState::Absent);
        if !took || entry.scope.operation.is_undo() {
            chosen.nothing += 1;
        } else if Undo::of(entry, &bins, now).is_some_and(|undo| undo.why == Why::BroughtBack)
            || entry.undone_by.is_some_and(UndoneBy::is_back) && entry.put_back.is_empty()
        {
            chosen.undone += 1;
        } else if args.due && !is_due(entry, &bins, now) {
            chosen.not_due += 1;
        } else {
            chosen.requests.insert(entry.request.request);
            found.insert(entry.entry);
        }
    };
    if args.things.is_empty() {
        reader.entries(&EntryFilter::default(), |entry| {
            look(entry);
            Ok::<_, CliError>(())
        })?;
    } else {
        let named = wanted::each(&reader, &args.things, |entry| {
            look(entry);
            Ok::<_, CliError>(())
        })?;
        if named == 0 {
            let error = "nothing in this journal is about what was named";
            return Err(CliError::new(Exit::Error, error).hint("journal list shows entries"));
        }
    }
    chosen.entries = found.into_iter().collect();
    Ok(chosen)
}

/// Whether the recycle bin has let go of it, by the clock, and nobody has found it erased since.
fn is_due(entry: &EntryView, bins: &Bins, now: crate::domain::time::Timestamp) -> bool {
    // What earlier looks showed counts below only.
    let unseen = EntryView { rechecks: Vec::new(), ..entry.clone() };
    let undo = Undo::of(&unseen, bins, now);
    let over = undo.is_some_and(|undo| undo.state == UndoState::Expired);
    let erased = entry.rechecks.last().is_some_and(|last| last.found == Found::Erased);
    entry.scope.operation == Operation::Delete && over && !erased
}

fn say_what_is_left_out(context: &mut Context, due: bool, chosen: &Chosen) {
    let entries = |number: u64| counted(number, "entry", "entries");
    if chosen.undone > 0 {
        context.out.say(format!("{} left out: undone by us.", entries(chosen.undone)));
    }
    if chosen.entries.is_empty() {
        let why = if due {
            "no entry took anything away that is due"
        } else if chosen.undone > 0 {
            "nothing else was taken away"
        } else {
            "no entry took anything away"
        };
        context.out.say(format!("There is nothing to look at: {why}."));
    }
}
