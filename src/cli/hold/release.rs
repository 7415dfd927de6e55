//! `journal hold release`: records may be touched again.

use serde::Serialize;

use crate::cli::approve::{check_reason, shown_reason, who};
use crate::cli::context::{Context, PROGRAM, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::hold::{SHOWN, WhichArgs, named};
use crate::cli::output::words::counted;
use crate::cli::status;
use crate::export::cell::visible_short;
use crate::store::approval::By;
use crate::store::releasing::{Release, Released};

/// Release records, or all that is held of a module
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every hold of the module that names the record is released for it. --all ends every hold of the module, of the
whole of it and of single records; journal hold list MODULE shows them first. What a hold of another module names
stays held. Entries go back to where they were: pending, or waiting for approval.

Examples:
  journal hold release Leads 410405000002264040 --reason \"case 7 is closed\"
  journal hold release Deals --all --reason \"the audit is over\"")]
pub(super) struct ReleaseArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The ticket it belongs to
    #[arg(long, value_name = "REF")]
    ticket: Option<String>,
    /// Who releases [default: the OS user]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
}

/// The outcome with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct Document<'a> {
    holds: Vec<String>,
    released: u64,
    all: bool,
    pending: u64,
    /// Entries that a lost part of the log may have sent: they are unknown now, and read first.
    unknown: u64,
    awaiting_approval: u64,
    still_held: u64,
    entries: String,
    released_by: &'a str,
    recorded_by: &'a str,
    reason: &'a str,
    ticket: Option<&'a str>,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

/// Runs the command.
pub(super) fn run(args: &ReleaseArgs, context: &mut Context) -> Result<Exit, CliError> {
    check_reason(&args.reason)?;
    let account = context.account()?.name;
    let name = who(args.who.as_deref(), &account)?;
    let by = By { who: &name, account: &account, reason: &args.reason, program: PROGRAM };
    drop(context.reader()?);
    let ids = args.which.read(context)?;
    let (module, ticket) = (&args.which.module, args.ticket.as_deref());
    let release = Release { module, ids: ids.as_deref(), ticket, by };
    let now = context.now();
    let mut keeper = context.keeper()?;
    let released = keeper.write("releasing a hold", now, |tx| tx.release(&release))?;
    drop(keeper);
    let released = released.map_err(|not_held| {
        let what = match not_held {
            None => format!("no hold names {module}; nothing was recorded"),
            Some(ids) => {
                format!("no hold of {module} names {}; nothing was recorded", named(&ids))
            }
        };
        let list = context.command("hold list");
        CliError::new(Exit::Error, what).hint(format!("{list} shows the holds and their modules"))
    })?;
    tell(context, &release, &released)?;
    Ok(Exit::Done)
}

fn tell(context: &mut Context, release: &Release<'_>, released: &Released) -> Result<(), CliError> {
    let next = status::next_command(context)?;
    let place = context.whereabouts()?;
    let (by, all) = (release.by, release.ids.is_none());
    let holds: Vec<String> = released.holds.iter().map(ToString::to_string).collect();
    let (pending, awaiting) = (released.pending.len(), released.awaiting_approval.len());
    let unread = released.unread.len();
    if context.out.is_json() {
        let sets = [&released.pending, &released.unread, &released.awaiting_approval];
        let mut moved: Vec<_> =
            sets.into_iter().flat_map(crate::domain::ranges::EntryRanges::iter).collect();
        moved.sort_unstable();
        let moved: crate::domain::ranges::EntryRanges = moved.into_iter().collect();
        return Ok(context.out.json_line(&Document {
            holds,
            released: released.ids,
            all,
            pending,
            unknown: unread,
            awaiting_approval: awaiting,
            still_held: released.still_held,
            entries: moved.named().to_string(),
            released_by: by.who,
            recorded_by: by.account,
            reason: by.reason,
            ticket: release.ticket,
            next,
            place,
        })?);
    }
    let records = counted(released.ids, "record", "records");
    let what = match (released.whole, released.ids) {
        (true, 0) => format!("all of {}", release.module),
        (true, _) => format!("all of {}, and {records} held by themselves", release.module),
        (false, _) => format!("{records} of {}", release.module),
    };
    context.out.data_line(format!(
        "Released {what} in {place} ({}), by {}: {}.",
        holds.join(", "),
        visible_short(by.who, SHOWN),
        shown_reason(by.reason)
    ))?;
    for (entries, what) in [
        (pending, "may be sent again"),
        (unread, "unknown, and read at Zoho first: what was lost of the log may have sent it"),
        (awaiting, "waiting for approval"),
        (released.still_held, "under another hold still"),
    ] {
        if entries > 0 {
            let entries = counted(entries, "entry", "entries");
            context.out.data_line(format!("{entries} {what}"))?;
        }
    }
    context.out.say(format!("Nothing was sent to Zoho. Next: {next}"));
    Ok(())
}
