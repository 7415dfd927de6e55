//! `journal forget`: erases personal data of settled entries from the journal itself.

use std::io::BufReader;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::cli::context::{Context, PROGRAM, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped};
use crate::cli::reason;
use crate::cli::shred;
use crate::cli::wanted::{self, Wanted};
use crate::domain::id::EntryId;
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::domain::undo::UndoState;
use crate::evidence::keeper::backup_path;
use crate::evidence::sweeping::Unswept;
use crate::export::cell::visible_short;
use crate::export::undo::{Bins, Undo};
use crate::platform::shell_quoted;
use crate::store::Reader;
use crate::store::forgetting::{Decided, Erasure, Needed, NewErasure, Restorable, Why};
use crate::store::query::{EntryFilter, EntryView};

/// Entries that are named in an error; the rest is counted.
const NAMED: usize = 20;

/// As much of a list or a reason as is shown again, in characters.
const SHOWN: usize = 200;

/// How long others that read or write the journal are waited for, before the file is left to be swept later.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of the bytes of what was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bytes {
    /// There were none to remove.
    None,
    /// They are gone from the file.
    Gone,
    /// They may still be there, and why.
    Left(String),
}

impl Bytes {
    pub(super) fn of(left: Option<String>) -> Self {
        left.map_or(Self::Gone, Self::Left)
    }

    /// Whether they are gone, `None` where there were none, and why not.
    pub(super) fn swept(&self) -> (Option<bool>, Option<String>) {
        match self {
            Self::None => (None, None),
            Self::Gone => (Some(true), None),
            Self::Left(why) => (Some(false), Some(why.clone())),
        }
    }

    pub(super) fn exit(&self) -> Exit {
        if matches!(self, Self::Left(_)) { Exit::Unfinished } else { Exit::Done }
    }
}

/// Erase ids, tags, reasons and names of settled entries from this journal; counts, times and hashes stay
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing is sent to Zoho. All that is named is forgotten, or nothing: what is not settled, is being brought back
or could still be brought back is needed, and is told. The log says that it was forgotten, by whom and why, and
journal verify still checks everything else. Backups and copies keep what they hold: see docs/erasure.md.

Exit codes: 0 the bytes are gone from the file; 4 they go when nobody else uses it (journal forget --finish);
7 something is still needed, and nothing was forgotten.

Examples:
  journal forget 410405000002264040 --reason \"erasure request\" --ticket DSR-7 --yes
  journal forget R12 E40-E52 --reason \"test records\" --dry-run
  journal forget --settled-before 2024-01-01 --even-restorable --reason \"kept for two years\" --yes
  journal forget --snapshots-due --yes
  journal forget E17 --snapshots --reason \"the person asked\" --yes
  journal forget --finish")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub(crate) struct ForgetArgs {
    /// Requests (R12), entries (E7, E1-E20) or record ids
    #[arg(value_name = "R|E|RECORD", required_unless_present_any = ["settled_before", "finish", "snapshots_due"], conflicts_with = "settled_before")]
    things: Vec<Wanted>,
    /// All entries that were settled before this time (2026-08-22 or 2026-08-22T10:00:00Z)
    #[arg(long, value_name = "DATE")]
    settled_before: Option<Timestamp>,
    /// Also what could still be brought back, and cannot any more then
    #[arg(long)]
    even_restorable: bool,
    /// Why it is forgotten; it stays, so name nobody
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["dry_run", "finish", "snapshots_due"])]
    reason: Option<String>,
    /// The ticket it belongs to
    #[arg(long, value_name = "REF")]
    ticket: Option<String>,
    /// Who decides [default: the OS user]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
    /// Show what would be forgotten, and forget nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Shred only the full snapshots of what is named, whether their time is over or not
    #[arg(long, requires = "things", conflicts_with_all = ["settled_before", "even_restorable", "finish", "snapshots_due"])]
    snapshots: bool,
    /// Shred only the full snapshots whose time is over
    #[arg(long, conflicts_with_all = ["things", "settled_before", "even_restorable", "finish"])]
    snapshots_due: bool,
    /// Only remove the bytes of what was forgotten before from the file
    #[arg(long, conflicts_with_all = ["things", "settled_before", "even_restorable", "reason", "ticket", "who", "dry_run"])]
    finish: bool,
}

/// The outcome with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct Document {
    forgotten: u64,
    entries: String,
    requests: Vec<String>,
    left_out: u64,
    before: u64,
    dry_run: bool,
    /// Whether the bytes are gone from the file; `null` where nothing was to be removed.
    swept: Option<bool>,
    left: Option<String>,
    copies: Vec<String>,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

/// Runs the command.
pub(crate) fn run(args: &ForgetArgs, context: &mut Context) -> Result<Exit, CliError> {
    if let Some(reason) = &args.reason {
        reason::check(reason)?;
    }
    if args.finish {
        return finish(context);
    }
    if args.snapshots || args.snapshots_due {
        let wish = shred::Wish {
            things: &args.things,
            reason: args.reason.as_deref(),
            ticket: args.ticket.as_deref(),
            who: args.who.as_deref(),
            dry_run: args.dry_run,
            yes: args.yes,
        };
        return shred::run(&wish, context);
    }
    let reader = context.reader()?;
    let entries = wanted(args, &reader)?;
    let bins = Bins::of(&reader)?;
    let now = context.now();
    let restorable = |view: &EntryView| is_restorable(view, &bins, now);
    let restorable: Option<Restorable<'_>> = (!args.even_restorable).then_some(&restorable);
    let would = check(context, reader.would_forget(&entries, restorable)?)?;
    drop(reader);
    if args.dry_run {
        return tell(context, args, &would, &Bytes::None);
    }
    if would.entries.is_empty() {
        let bytes = remove_bytes(context)?;
        return tell(context, args, &would, &bytes);
    }
    confirm(context, args, &would)?;
    let account = context.account()?.name;
    if let Some(reason) = &args.reason {
        reason::warn_of_addresses_for_good(context, reason);
    }
    let new = NewErasure {
        entries: &entries,
        even_restorable: args.even_restorable,
        forgotten_by: args.who.as_deref().unwrap_or(&account),
        recorded_by: &account,
        reason: args.reason.as_deref().unwrap_or_default(),
        ticket: args.ticket.as_deref(),
        program: PROGRAM,
    };
    let mut keeper = context.keeper()?;
    let decided = keeper.write("forgetting entries", now, |tx| tx.forget(&new, restorable))?;
    // A replay or an undo may have come first meanwhile.
    let erasure = check(context, decided)?;
    let swept = keeper.sweep(now, PATIENCE);
    drop(keeper);
    let bytes = Bytes::of(match swept {
        Ok(left) => left.as_ref().map(Unswept::to_string),
        // The rows are blank all the same, and the mark says what is to be done still.
        Err(error) => Some(error.to_string()),
    });
    tell(context, args, &erasure, &bytes)
}

/// Removes the bytes of what was forgotten before, if any may be left.
fn remove_bytes(context: &mut Context) -> Result<Bytes, CliError> {
    if !context.reader()?.is_unswept()? {
        return Ok(Bytes::None);
    }
    let now = context.now();
    let mut keeper = context.keeper()?;
    let left = keeper.sweep(now, PATIENCE)?;
    Ok(Bytes::of(left.as_ref().map(Unswept::to_string)))
}

/// Only removes what is left.
fn finish(context: &mut Context) -> Result<Exit, CliError> {
    let bytes = remove_bytes(context)?;
    let document = document(context, &Erasure::default(), false, &bytes)?;
    if context.out.is_json() {
        context.out.json_line(&document)?;
        return Ok(bytes.exit());
    }
    let told = match &bytes {
        Bytes::Left(why) => format!("Not yet: {why}. Next: {}", document.next),
        Bytes::Gone => "The bytes of what was forgotten are gone from the file.".to_owned(),
        Bytes::None => "Nothing is left to remove.".to_owned(),
    };
    context.out.data_line(told)?;
    tell_copies(context, &document);
    Ok(bytes.exit())
}

/// The entries that are meant.
fn wanted(args: &ForgetArgs, reader: &Reader) -> Result<EntryRanges, CliError> {
    let mut found: Vec<EntryId> = Vec::new();
    let seen = match args.settled_before {
        Some(before) => reader.entries(&EntryFilter::default(), |view| {
            let settled = view.state.is_settled().then(|| view.settled()).flatten();
            if view.target.is_some() && settled.is_some_and(|settled| settled.at < before) {
                found.push(view.entry);
            }
            Ok::<_, CliError>(())
        })?,
        None => wanted::each(reader, &args.things, |view| {
            found.push(view.entry);
            Ok::<_, CliError>(())
        })?,
    };
    if seen == 0 && args.settled_before.is_none() {
        let hint = "journal list shows entries; what was forgotten is found by its number only";
        let error = "nothing in this journal is about what was named; nothing was forgotten";
        return Err(CliError::new(Exit::Error, error).hint(hint));
    }
    found.sort_unstable();
    Ok(found.into_iter().collect())
}

/// Whether an undo could still bring it back.
fn is_restorable(view: &EntryView, bins: &Bins, now: Timestamp) -> bool {
    let undo = Undo::of(view, bins, now);
    undo.is_some_and(|undo| matches!(undo.state, UndoState::Possible | UndoState::Partial))
}

/// Refuses the whole command over entries that are still needed.
fn check(context: &Context, decided: Decided) -> Result<Erasure, CliError> {
    let needed = match decided {
        Ok(erasure) => return Ok(erasure),
        Err(needed) => needed,
    };
    let told: Vec<String> = needed.iter().take(NAMED).map(in_words).collect();
    let more = u64::try_from(needed.len().saturating_sub(NAMED)).unwrap_or(0);
    let more = if more > 0 { format!("; and {} more", grouped(more)) } else { String::new() };
    let what = format!("nothing was forgotten: {}{more}", told.join("; "));
    let any = |wanted: fn(&Why) -> bool| needed.iter().any(|one| wanted(&one.why));
    let hint = if any(|why| matches!(why, Why::Held | Why::Open(EntryState::Held))) {
        format!(
            "{} shows the hold, who placed it and why; {} ends it",
            context.command("hold list"),
            context.command("hold release MODULE ID --reason TEXT")
        )
    } else if any(|why| matches!(why, Why::Open(_) | Why::UndoIsOpen(_))) {
        format!("{} shows what is open; what is settled can be forgotten", context.command("list"))
    } else if any(|why| *why == Why::Restorable) {
        format!(
            "{} shows until when (columns undo, undo_until); --even-restorable forgets it all the same, \
             and nobody can bring it back from this journal then",
            context.command("export")
        )
    } else {
        format!("{} shows what there is", context.command("list"))
    };
    let missing = needed.iter().all(|one| one.why == Why::NotThere);
    let exit = if missing { Exit::Error } else { Exit::Refused };
    Err(CliError::new(exit, what).hint(hint))
}

/// `E7 is pending, and not settled`
fn in_words(needed: &Needed) -> String {
    let entry = needed.entry;
    match needed.why {
        Why::NotThere => format!("{entry} is not in this journal"),
        Why::Open(EntryState::Held) => format!("{entry} is under a hold"),
        Why::Open(state) => format!("{entry} is {state}, and not settled"),
        Why::UndoIsOpen(undo) => format!("{entry} is being brought back by {undo}"),
        Why::BroughtBack(one) => {
            format!("{entry} brought {one} back, which would seem gone without it: name both")
        }
        Why::Held => format!("what {entry} is about is under a hold"),
        Why::Restorable => format!("{entry} can still be brought back"),
    }
}

/// Asks on a terminal; without one, `--yes` is needed.
fn confirm(context: &mut Context, args: &ForgetArgs, would: &Erasure) -> Result<(), CliError> {
    if args.yes {
        return Ok(());
    }
    let not_confirmed = |why: &str| {
        CliError::new(Exit::NotConfirmed, why)
            .hint("look at it with --dry-run, then add --yes: what is forgotten never comes back")
    };
    if !context.input_allowed {
        return Err(not_confirmed("confirmation is missing; nothing was forgotten"));
    }
    let place = context.whereabouts()?;
    context.out.say(format!("This forgets for good, in {place}: {}.", what_in_words(would)));
    let expected = would.entries.len().to_string();
    let prompt = format!("Type the number of entries ({expected}) to go on: ");
    let mut input = BufReader::new(std::io::stdin());
    if context.out.confirm(&mut input, &prompt, &expected) {
        Ok(())
    } else {
        Err(not_confirmed("not confirmed; nothing was forgotten"))
    }
}

/// `3 entries (E1-E3), all of R1 and with it what was typed about it, 1 row that had been left out`
fn what_in_words(erasure: &Erasure) -> String {
    let entries = erasure.entries.named().to_string();
    let mut parts = vec![format!(
        "{} ({})",
        counted(erasure.entries.len(), "entry", "entries"),
        visible_short(&entries, SHOWN)
    )];
    if !erasure.requests.is_empty() {
        let names: Vec<String> = erasure.requests.iter().map(ToString::to_string).collect();
        let names = names.join(" ");
        parts.push(format!(
            "all of {} and with it who asked, why, ticket and source",
            visible_short(&names, SHOWN)
        ));
    }
    if erasure.left_out > 0 {
        let rows =
            counted(erasure.left_out, "row that had been left out", "rows that had been left out");
        parts.push(rows);
    }
    parts.join("; ")
}

/// Copies beside the journal that upgrades left: they hold what was there then.
fn copies(context: &Context) -> Vec<PathBuf> {
    /// No schema has a higher number for a long time.
    const SCHEMAS: u32 = 100;
    let db = context.db();
    (1..SCHEMAS).map(|schema| backup_path(&db, schema)).filter(|path| path.exists()).collect()
}

fn document(
    context: &Context,
    erasure: &Erasure,
    dry_run: bool,
    bytes: &Bytes,
) -> Result<Document, CliError> {
    let (swept, left) = bytes.swept();
    let next = if left.is_some() {
        context.command("forget --finish")
    } else if dry_run && !erasure.entries.is_empty() {
        "the same command without --dry-run".to_owned()
    } else {
        context.command("verify")
    };
    Ok(Document {
        forgotten: erasure.entries.len(),
        entries: erasure.entries.named().to_string(),
        requests: erasure.requests.iter().map(ToString::to_string).collect(),
        left_out: erasure.left_out,
        before: erasure.before,
        dry_run,
        swept,
        left,
        copies: copies(context).iter().map(|path| path.display().to_string()).collect(),
        next,
        place: context.whereabouts()?,
    })
}

fn tell(
    context: &mut Context,
    args: &ForgetArgs,
    erasure: &Erasure,
    bytes: &Bytes,
) -> Result<Exit, CliError> {
    let document = document(context, erasure, args.dry_run, bytes)?;
    let exit = bytes.exit();
    if context.out.is_json() {
        context.out.json_line(&document)?;
        return Ok(exit);
    }
    let verb = if args.dry_run { "Would forget" } else { "Forgot" };
    let place = &document.place;
    let line = match (erasure.entries.is_empty(), erasure.before) {
        (true, 0) => format!("Nothing is to be forgotten in {place}."),
        (true, before) => {
            let all = counted(before, "entry was", "entries were");
            format!("Nothing is to be forgotten in {place}: {all} forgotten before.")
        }
        (false, _) => format!("{verb} in {place}: {}.", what_in_words(erasure)),
    };
    context.out.data_line(line)?;
    match bytes {
        Bytes::Left(why) => context.out.warn(&format!(
            "the rows are blank, but their old bytes may still lie in the file: {why}"
        )),
        Bytes::Gone => context.out.say("The bytes are gone from the file."),
        Bytes::None => {}
    }
    tell_copies(context, &document);
    context.out.say(format!("Nothing was sent to Zoho. Next: {}", document.next));
    Ok(exit)
}

fn tell_copies(context: &mut Context, document: &Document) {
    for copy in &document.copies {
        let path = shell_quoted(std::path::Path::new(copy));
        context
            .out
            .warn(&format!("{path} is a copy of earlier and still holds what was in it then"));
    }
}
