//! `journal checkpoint`: a signed statement of what the log holds now, for somebody to keep.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::export::check_target;
use crate::cli::output::words::grouped;
use crate::evidence::checkpoint::{SignedCheckpoint, published};
use crate::evidence::keeper::check_reader;
use crate::platform::{Sharing, shell_quoted, write_atomically};
use crate::store::Reader;

/// Print a signed checkpoint of the log, for an auditor to keep
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A checkpoint is a signed note (c2sp.org/tlog-checkpoint): the journal's origin, the number of its events, the
root of the tree over them, and the signature. Whoever keeps one can show later whether the journal still holds
what it held then: journal verify --checkpoint FILE. It names nobody and no record.

Examples:
  journal checkpoint -o 2026-11-22.checkpoint
  journal verify --checkpoint 2026-11-22.checkpoint")]
pub(super) struct CheckpointArgs {
    /// Write it to a file; - is stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What `--json` says. Its keys are a contract.
#[derive(Serialize)]
struct Document<'a> {
    checkpoint: String,
    origin: &'a str,
    events: u64,
    root: String,
    key: String,
    file: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: CheckpointArgs, context: &mut Context) -> Result<Exit, CliError> {
    let (_, given) = obtain(context, None)?;
    let SignedCheckpoint { note, checkpoint, signed_by } = &given;
    let note = note.to_string();
    let file = args.output.filter(|path| path.as_os_str() != "-");
    if let Some(path) = &file {
        save(context, path, note.as_bytes())?;
    }
    if context.out.is_json() {
        let document = Document {
            checkpoint: note,
            origin: &checkpoint.origin,
            events: checkpoint.head.size,
            root: checkpoint.head.root.to_string(),
            key: signed_by.to_string(),
            file: file.map(|path| path.display().to_string()),
        };
        context.out.json_line(&document)?;
        return Ok(Exit::Done);
    }
    if let Some(path) = file {
        let (events, shown) = (grouped(checkpoint.head.size), shell_quoted(&path));
        context.out.say(format!("The checkpoint of {events} events is in {shown}."));
        let check = context.command(&format!("verify --checkpoint {shown}"));
        context.out.say(format!("Keep it where the journal is not. To check it later: {check}"));
    } else {
        context.out.data_bytes(note.as_bytes())?;
        context.out.flush()?;
    }
    Ok(Exit::Done)
}

/// The checkpoint to give away, and a look at the journal from which it does not lag behind: the published one,
/// where it says enough, else a new one. `enough` is how many events it must cover; `None` all that there are.
pub(super) fn obtain(
    context: &mut Context,
    enough: Option<u64>,
) -> Result<(Reader, SignedCheckpoint), CliError> {
    let db = context.db();
    check_reader(&db)?;
    let (reader, at_hand) = published(&db)?;
    let wanted = match enough {
        Some(wanted) => wanted,
        None => reader.head()?.size,
    };
    if let Some(given) = at_hand.filter(|given| given.checkpoint.head.size >= wanted) {
        return Ok((reader, given));
    }
    // Not the look from before: what is signed now may be longer than that.
    drop(reader);
    let given = context.keeper()?.checkpoint()?;
    if given.checkpoint.head.size < wanted {
        context.out.warn(&format!(
            "others use the journal now: this is the checkpoint that was published last, of {} events",
            grouped(given.checkpoint.head.size)
        ));
    }
    Ok((Reader::open(&db)?, given))
}

/// Writes a file whole or not at all, and never over a journal, what belongs to one, or a key.
pub(super) fn save(context: &Context, path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    check_target(path, &context.db())?;
    write_atomically(path, bytes, Sharing::OwnerOnly).map_err(|error| {
        CliError::new(Exit::Error, format!("{} was not written: {error}", path.display()))
    })
}
