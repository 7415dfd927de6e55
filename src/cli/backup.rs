//! `journal backup`: a verified copy of the journal, to keep elsewhere.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::export::check_target;
use crate::cli::output::words::grouped;
use crate::platform::shell_quoted;

/// Copy the journal into one verified file, also while a run is on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The copy is marked as one: every command that looks works on it, and none writes to it, so that no record is ever
deleted twice from two journals. It holds everything the journal holds, so keep it as safe. The signing key is not
in it. What is forgotten later stays in it.

Examples:
  journal backup /backup/2026-11-22.db
  journal --db /backup/2026-11-22.db verify")]
pub(super) struct BackupArgs {
    /// The file to make; nothing may lie there
    #[arg(value_name = "FILE")]
    file: PathBuf,
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
