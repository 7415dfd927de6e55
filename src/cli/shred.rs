//! `journal forget --snapshots…`: shreds full snapshots, and nothing else.

use std::io::BufReader;
use std::time::Duration;

use serde::Serialize;

use crate::cli::context::{Context, PROGRAM, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::forget::Bytes;
use crate::cli::output::words::{counted, grouped};
use crate::cli::reason;
use crate::cli::wanted::{self, Wanted};
use crate::domain::id::EntryId;
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::evidence::sweeping::Unswept;
use crate::export::cell::visible_short;
use crate::store::shredding::{Decided, Kept, NewShredding, Shredding, Which, WhyKept};

/// Entries that are named in an error; the rest is counted.
const NAMED: usize = 20;
/// As much of a list as is shown, in characters.
const SHOWN: usize = 200;
/// How long others that read or write the journal are waited for, before the file is left to be swept later.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be shredded.
pub(super) struct Wish<'a> {
    /// What was named; empty for those whose time is over.
    pub(super) things: &'a [Wanted],
    pub(super) reason: Option<&'a str>,
    pub(super) ticket: Option<&'a str>,
    pub(super) who: Option<&'a str>,
    pub(super) dry_run: bool,
    pub(super) yes: bool,
}

impl Wish<'_> {
    fn is_due(&self) -> bool {
        self.things.is_empty()
    }
}

/// The outcome with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct Document {
    shredded: u64,
    entries: String,
    /// Named entries that have none, or none any more.
    without: u64,
    /// Those whose time is over and that stay for now, each with the reason.
    kept: Vec<KeptRow>,
    dry_run: bool,
    /// Whether the bytes are gone from the file; `null` where nothing was to be removed.
    swept: Option<bool>,
    left: Option<String>,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

#[derive(Serialize)]
struct KeptRow {
    entry: String,
    reason: String,
}

/// Shreds.
pub(super) fn run(wish: &Wish<'_>, context: &mut Context) -> Result<Exit, CliError> {
    let reader = context.reader()?;
    let entries = named(wish, &reader)?;
    let which = entries.as_ref().map_or(Which::Due, Which::Of);
    let now = context.now();
    let would = check(reader.would_shred(which, now)?)?;
    drop(reader);
    if wish.dry_run || would.entries.is_empty() {
        return tell(context, wish, &would, &Bytes::None);
    }
    confirm(context, wish, &would)?;
    let account = context.account()?.name;
    if let Some(reason) = wish.reason {
        reason::warn_of_addresses_for_good(context, reason);
    }
    let new = NewShredding {
        which,
        shredded_by: wish.who.unwrap_or(&account),
        recorded_by: &account,
        reason: wish.reason,
        ticket: wish.ticket,
        program: PROGRAM,
    };
    let mut keeper = context.keeper()?;
    let decided = keeper.write("shredding full snapshots", now, |tx| tx.shred(&new))?;
    // A run may have come first meanwhile.
    let shredding = check(decided)?;
    let swept = keeper.sweep(now, PATIENCE);
    drop(keeper);
    let bytes = Bytes::of(match swept {
        Ok(left) => left.as_ref().map(Unswept::to_string),
        // The rows are blank all the same, and the mark says what is to be done still.
        Err(error) => Some(error.to_string()),
    });
    tell(context, wish, &shredding, &bytes)
}

/// The entries that are named; `None` for those whose time is over.
fn named(wish: &Wish<'_>, reader: &crate::store::Reader) -> Result<Option<EntryRanges>, CliError> {
    if wish.is_due() {
        return Ok(None);
    }
    let mut found: Vec<EntryId> = Vec::new();
    let seen = wanted::each(reader, wish.things, |view| {
        found.push(view.entry);
        Ok::<_, CliError>(())
    })?;
    if seen == 0 {
        let error = "nothing in this journal is about what was named; nothing was shredded";
        return Err(CliError::new(Exit::Error, error).hint("journal list shows entries"));
    }
    found.sort_unstable();
    Ok(Some(found.into_iter().collect()))
}

/// Refuses the whole command over entries that are still needed.
fn check(decided: Decided) -> Result<Shredding, CliError> {
    let kept = match decided {
        Ok(shredding) => return Ok(shredding),
        Err(kept) => kept,
    };
    let told: Vec<String> = kept.iter().take(NAMED).map(in_words).collect();
    let more = u64::try_from(kept.len().saturating_sub(NAMED)).unwrap_or(0);
    let more = if more > 0 { format!("; and {} more", grouped(more)) } else { String::new() };
    let what = format!("nothing was shredded: {}{more}", told.join("; "));
    let missing = kept.iter().all(|one| one.why == WhyKept::NotThere);
    let exit = if missing { Exit::Error } else { Exit::Refused };
    Err(CliError::new(exit, what).hint("name only what is settled and under no hold"))
}

/// `E7 is pending, and not settled`
fn in_words(kept: &Kept) -> String {
    let entry = kept.entry;
    match kept.why {
        WhyKept::NotThere => format!("{entry} is not in this journal"),
        WhyKept::Open(EntryState::Held) => format!("{entry} is under a hold"),
        WhyKept::Open(state) => format!("{entry} is {state}, and not settled"),
        WhyKept::Held => format!("what {entry} is about is under a hold"),
    }
}

/// Asks on a terminal; without one, `--yes` is needed.
fn confirm(context: &mut Context, wish: &Wish<'_>, would: &Shredding) -> Result<(), CliError> {
    if wish.yes {
        return Ok(());
    }
    let not_confirmed = |why: &str| {
        CliError::new(Exit::NotConfirmed, why)
            .hint("look at it with --dry-run, then add --yes: what is shredded never comes back")
    };
    if !context.input_allowed {
        return Err(not_confirmed("confirmation is missing; nothing was shredded"));
    }
    let place = context.whereabouts()?;
    context.out.say(format!("This shreds for good, in {place}: {}.", what(would)));
    let expected = would.entries.len().to_string();
    let prompt = format!("Type the number of full snapshots ({expected}) to go on: ");
    let mut input = BufReader::new(std::io::stdin());
    if context.out.confirm(&mut input, &prompt, &expected) {
        Ok(())
    } else {
        Err(not_confirmed("not confirmed; nothing was shredded"))
    }
}

/// `the full snapshots of 3 entries (E1-E3)`
fn what(shredding: &Shredding) -> String {
    let entries = shredding.entries.named().to_string();
    let many = counted(shredding.entries.len(), "entry", "entries");
    format!("the full snapshots of {many} ({})", visible_short(&entries, SHOWN))
}

fn tell(
    context: &mut Context,
    wish: &Wish<'_>,
    shredding: &Shredding,
    bytes: &Bytes,
) -> Result<Exit, CliError> {
    let (swept, left) = bytes.swept();
    let exit = bytes.exit();
    let next = if left.is_some() {
        context.command("forget --finish")
    } else if wish.dry_run && !shredding.entries.is_empty() {
        "the same command without --dry-run".to_owned()
    } else {
        context.command("verify")
    };
    let place = context.whereabouts()?;
    if context.out.is_json() {
        let row = |kept: &Kept| KeptRow { entry: kept.entry.to_string(), reason: in_words(kept) };
        context.out.json_line(&Document {
            shredded: shredding.entries.len(),
            entries: shredding.entries.named().to_string(),
            without: shredding.without,
            kept: shredding.kept.iter().map(row).collect(),
            dry_run: wish.dry_run,
            swept,
            left,
            next,
            place,
        })?;
        return Ok(exit);
    }
    let verb = if wish.dry_run { "Would shred" } else { "Shredded" };
    let line = match (shredding.entries.is_empty(), wish.is_due()) {
        (false, _) => {
            format!("{verb} in {place}: {}. The entries stay as they are.", what(shredding))
        }
        (true, true) => format!("No full snapshot in {place} is to be shredded now."),
        (true, false) => format!("Nothing that was named has a full snapshot in {place}."),
    };
    context.out.data_line(line)?;
    for kept in shredding.kept.iter().take(NAMED) {
        context.out.warn(&format!("its time is over, and it stays for now: {}", in_words(kept)));
    }
    if let Some(why) = &left {
        context.out.warn(&format!(
            "the rows are blank, but their old bytes may still lie in the file: {why}"
        ));
    } else if swept == Some(true) {
        context.out.say("The bytes are gone from the file.");
    }
    context.out.say(format!("Nothing was sent to Zoho. Next: {next}"));
    Ok(exit)
}
