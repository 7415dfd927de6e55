//! `journal adopt`: going on with a journal of which a part may be lost.

use std::io::BufReader;

use serde::Serialize;

use crate::cli::context::{Context, PROGRAM, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped};
use crate::cli::reason;
use crate::domain::entropy::SystemEntropy;
use crate::domain::event::AdoptionCause;
use crate::evidence::adoption::{Adopted, Orphan};
use crate::evidence::keeper::{Operator, backup_path};
use crate::platform::shell_quoted;
use crate::store::upgrade::Older;

/// Go on with a restored backup, a copy, or a journal whose anchor is lost: what may have been sent is read first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A journal that is older than what was published beside it lacks events, and with them perhaps calls that were sent. Adopting
it writes an event that says so. From then on it has another name and another key, every entry that was pending is
unknown until it was read at Zoho, and so is what was held, refused or waiting for approval as soon as it is let go.
First make sure that no other copy goes on: two journals that send the same entries know nothing of one another.

Exit codes: 0 adopted; 7 there is nothing to adopt; 8 not confirmed; 11 a run is on; 12 more is wrong with the journal than
that something is missing.

Examples:
  journal adopt --reason \"disk lost, backup of 2026-11-21 put back\"
  journal --db /backup/2026-11-21.db adopt --reason \"the server is gone\" --yes")]
pub(super) struct AdoptArgs {
    /// Why; it stays, so name nobody
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// What `--json` says. Its keys are a contract.
#[derive(Serialize)]
struct Document {
    /// The journal's id from now on.
    journal: String,
    /// Its public key from now on.
    key: String,
    cause: &'static str,
    /// Events that it held.
    events: u64,
    /// Events that the checkpoint beside it was signed for.
    published: Option<u64>,
    /// Events that are known to be missing; `null` where nothing tells how many.
    missing: Option<u64>,
    /// Entries that are unknown now.
    unknown: u64,
    /// Entries that are read first once they are let go.
    kept_back: u64,
    /// Whether an earlier adoption, which died, was only published.
    finished: bool,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

/// Runs the command.
pub(super) fn run(args: &AdoptArgs, context: &mut Context) -> Result<Exit, CliError> {
    reason::check(&args.reason)?;
    let (db, now, place) = (context.db(), context.now(), context.whereabouts()?);
    let orphan = Orphan::take(&db, Box::new(SystemEntropy), now)?;
    let mut document = Document {
        journal: String::new(),
        key: String::new(),
        cause: orphan.cause.wire_name(),
        events: orphan.unfinished.as_ref().map_or(orphan.stood.size, |one| one.event.events),
        published: orphan.published.map(|head| head.size),
        missing: orphan.missing(),
        unknown: orphan.doubtful.pending + orphan.doubtful.in_flight,
        kept_back: orphan.doubtful.kept_back,
        finished: orphan.unfinished.is_some(),
        next: context.command("replay"),
        place,
    };
    if orphan.unfinished.is_none() {
        if !context.out.is_json() {
            for line in in_words(&orphan, &document) {
                context.out.say(line);
            }
        }
        confirm(context, args)?;
        reason::warn_of_addresses_for_good(context, &args.reason);
    }
    let account = context.operator()?;
    let by = Operator { account: &account, program: PROGRAM };
    let (in_flight, older) = (orphan.doubtful.in_flight, orphan.older()?);
    let Adopted { journal, key, unknown, .. } = orphan.adopt(&args.reason, by, now)?;
    if let Some(Older { from, to }) = older {
        context.tell_upgrade(from, to, &backup_path(&db, from));
    }
    document.journal = journal.to_string();
    document.key = key.to_string();
    document.unknown = unknown.len().saturating_add(if document.finished { 0 } else { in_flight });
    tell(context, &document)
}

/// What is known to be lost, and what follows from that.
fn in_words(orphan: &Orphan, document: &Document) -> Vec<String> {
    let path = shell_quoted(orphan.path());
    let events = counted(orphan.stood.size, "event", "events");
    let last = orphan.last_at.map(|at| format!(", the last one of {at}")).unwrap_or_default();
    let why = match orphan.cause {
        AdoptionCause::Behind => "is an older copy, or its end was cut off",
        AdoptionCause::Missing => "has no anchor, so that it may be an older copy",
        AdoptionCause::Copy => "is a copy of a journal",
        AdoptionCause::Moved => "was closed when the journal was moved to another place",
    };
    let mut lines = vec![
        format!("{path} {why}. It holds {events}{last}."),
        format!("  its root: {}", orphan.stood.root),
    ];
    match (orphan.published, document.missing) {
        (Some(head), Some(missing)) => lines.push(format!(
            "  published beside it: {} events, root {}: up to {} missing",
            grouped(head.size),
            head.root,
            counted(missing, "event is", "events are")
        )),
        (Some(head), None) => lines.push(format!(
            "  published beside it: {} events; what came after them elsewhere, nothing here tells",
            grouped(head.size)
        )),
        (None, _) => {
            lines.push("  nothing tells how many events came after these, if any did".to_owned());
        }
    }
    if document.unknown > 0 {
        lines.push(format!(
            "  to be read at Zoho before anything is sent: {}",
            counted(document.unknown, "entry", "entries")
        ));
    }
    if document.kept_back > 0 {
        lines.push(format!(
            "  the same once they are approved, released or taken up again: {}",
            counted(document.kept_back, "entry", "entries")
        ));
    }
    lines.push(
        "It gets another name and another signing key. Make sure that no other copy of it goes on."
            .to_owned(),
    );
    lines
}

/// Asks on a terminal; without one, `--yes` is needed.
fn confirm(context: &mut Context, args: &AdoptArgs) -> Result<(), CliError> {
    if args.yes {
        return Ok(());
    }
    let not_confirmed = |why: &str| {
        CliError::new(Exit::NotConfirmed, why)
            .hint("if a newer copy may be found, put that one back instead; else add --yes")
    };
    if !context.input_allowed {
        return Err(not_confirmed("confirmation is missing; nothing was changed"));
    }
    let mut input = BufReader::new(std::io::stdin());
    if context.out.confirm(&mut input, "Type adopt to go on: ", "adopt") {
        Ok(())
    } else {
        Err(not_confirmed("not confirmed; nothing was changed"))
    }
}

fn tell(context: &mut Context, document: &Document) -> Result<Exit, CliError> {
    if context.out.is_json() {
        context.out.json_line(document)?;
        return Ok(Exit::Done);
    }
    let Document { journal, key, unknown, next, place, .. } = document;
    let line = if document.finished {
        format!("It was adopted before, as journal {journal}, in {place}; now that is published.")
    } else {
        format!("Adopted as journal {journal}, in {place}.")
    };
    context.out.data_line(line)?;
    if *unknown > 0 {
        let unknown = counted(*unknown, "entry is", "entries are");
        context.out.say(format!("{unknown} unknown until read at Zoho; nothing was sent."));
    } else {
        context.out.say("Nothing was sent.");
    }
    context.out.say(
        "Holds, pauses, policies and erasures of a part that is missing are missing, too: make them anew first.",
    );
    context.out.say(format!("Give auditors its new public key: {key}"));
    context.out.say(format!("Next: {next}"));
    Ok(Exit::Done)
}
