//! `journal backup`: a verified copy of the journal, to keep elsewhere.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::context::{Context, PROGRAM};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::export::check_target;
use crate::cli::output::words::grouped;
use crate::domain::entropy::{Entropy, SystemEntropy};
use crate::evidence::keeper::Operator;
use crate::evidence::moving::move_journal;
use crate::platform::shell_quoted;

/// Copy the journal into one verified file, also while a run is on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The copy is marked as one: every command that looks works on it, and none writes to it, so that no record is ever
deleted twice from two journals. It holds everything the journal holds, so keep it as safe. The signing key is not
in it. What is forgotten later stays in it. Where the journal is lost, journal adopt makes a journal of the copy.

With --move the file is the journal itself from then on, with its anchor and its key beside it, and the one here is closed
for good. A move that was interrupted is finished by the same command.

Examples:
  journal backup /backup/2026-11-22.db
  journal --db /backup/2026-11-22.db verify
  journal backup /media/stick/default.db --move")]
pub(super) struct BackupArgs {
    /// The file to make; nothing may lie there
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Move the journal there for good: this one is closed, and that one goes on
    #[arg(long = "move")]
    move_it: bool,
}

/// What `--json` says of a move. Its keys are a contract.
#[derive(Serialize)]
struct MovedDocument {
    moved: bool,
    file: String,
    anchor: String,
    key: String,
    journal: String,
    events: u64,
    root: String,
    /// Whether this finished an earlier move.
    finished: bool,
    next: String,
}

/// What `--json` says. Its keys are a contract.
#[derive(Serialize)]
struct Document {
    file: String,
    journal: String,
    schema: u32,
    events: u64,
    root: String,
    bytes: u64,
    checkpoint: String,
}

/// Runs the command.
pub(super) fn run(args: &BackupArgs, context: &mut Context) -> Result<Exit, CliError> {
    if args.move_it {
        return move_it(args, context);
    }
    check_target(&args.file, &context.db())?;
    let made = context.keeper()?.back_up(&args.file)?;
    let copied = made.copied;
    let bytes = std::fs::metadata(&args.file).map_or(0, |file| file.len());
    if context.out.is_json() {
        let document = Document {
            file: args.file.display().to_string(),
            journal: copied.journal.to_string(),
            schema: copied.schema,
            events: copied.head.size,
            root: copied.head.root.to_string(),
            bytes,
            checkpoint: made.given.note.to_string(),
        };
        context.out.json_line(&document)?;
        return Ok(Exit::Done);
    }
    let (events, shown) = (grouped(copied.head.size), shell_quoted(&args.file));
    context.out.say(format!(
        "{shown} is a verified copy of the journal, with {events} events, in {} bytes.",
        grouped(bytes)
    ));
    context.out.say(format!("To look at it: journal --db {shown} status. Nothing writes to it."));
    Ok(Exit::Done)
}

/// Moves the journal, or finishes that.
fn move_it(args: &BackupArgs, context: &mut Context) -> Result<Exit, CliError> {
    let db = context.db();
    // As any command that writes: upgraded first, and told, also where the move is refused then.
    let reader = context.reader()?;
    if reader.older()?.is_some() && reader.departed()?.is_none() {
        drop(context.keeper()?);
    }
    drop(reader);
    let account = context.operator()?;
    let (by, now) = (Operator { account: &account, program: PROGRAM }, context.now());
    let entropy = || -> Box<dyn Entropy> { Box::new(SystemEntropy) };
    let moved = move_journal(&db, &args.file, &entropy, by, now)?;
    let next = format!("journal --db {} status", shell_quoted(&moved.file));
    if context.out.is_json() {
        let document = MovedDocument {
            moved: true,
            file: moved.file.display().to_string(),
            anchor: moved.anchor.display().to_string(),
            key: moved.key.display().to_string(),
            journal: moved.journal.to_string(),
            events: moved.head.size,
            root: moved.head.root.to_string(),
            finished: moved.again,
            next,
        };
        context.out.json_line(&document)?;
        return Ok(Exit::Done);
    }
    let out = &mut context.out;
    let shown = shell_quoted(&moved.file);
    out.say(format!(
        "{shown} is the journal from now on, verified, with {} events; {} is closed for good.",
        grouped(moved.head.size),
        shell_quoted(&db)
    ));
    out.say("Carry these to the other host as they are, the key in a directory `keys` beside the journal:");
    for file in [&moved.file, &moved.anchor, &moved.key] {
        out.data_line(file.display().to_string())?;
    }
    out.say(
        "All are for you alone (0600). Sign in there anew: no token and no settings go with them.",
    );
    out.say(format!("Next, there: {next}"));
    Ok(Exit::Done)
}
