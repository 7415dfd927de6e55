//! `journal snapshot`: hands out full snapshots. This program cannot read them.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped};
use crate::cli::wanted::{self, Wanted};
use crate::domain::id::EntryId;
use crate::domain::merkle::Hash;
use crate::domain::time::Timestamp;
use crate::platform::{Sharing, create_directory_private, create_whole, shell_quoted};
use crate::store::Reader;
use crate::store::full_snapshot::FullSnapshotView;

/// Write full snapshots to files, as they are kept: encrypted, one age file a record
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Only whoever has the secret key of the recipient can read them, with age (https://age-encryption.org) or any other
program of that format. Nothing is sent, and nothing that is there is overwritten.

Exit codes: 0 all were written; 1 one that was named has none, or a file is there already; 12 one was edited.

Examples:
  journal snapshot E17 -o copies
  age -d -i key.txt copies/E17.json.age")]
pub(crate) struct SnapshotArgs {
    /// Requests (R12), entries (E7, E1-E20) or record ids
    #[arg(value_name = "R|E|RECORD", required = true)]
    things: Vec<Wanted>,
    /// The directory for the files; it is made where it is missing
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
}

/// What `--json` says. Its keys are a contract.
#[derive(Serialize)]
struct Document {
    directory: String,
    snapshots: Vec<Written>,
    /// Entries that have none, or none any more.
    without: Vec<String>,
    next: String,
}

#[derive(Serialize)]
struct Written {
    entry: String,
    file: String,
    bytes: usize,
    sha256: String,
    taken_at: Timestamp,
    keep_until: Timestamp,
    recipient: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: &SnapshotArgs, context: &mut Context) -> Result<Exit, CliError> {
    let reader = context.reader()?;
    let mut entries = Vec::new();
    wanted::each(&reader, &args.things, |view| {
        entries.push((view.entry, view.request.request));
        Ok::<_, CliError>(())
    })?;
    let (mut found, mut without) = (Vec::new(), Vec::new());
    for (entry, request) in entries {
        match newest(&reader, entry)? {
            Some(view) => found.push((entry, request, view)),
            None => without.push(entry),
        }
    }
    if found.is_empty() {
        return Err(none(context, &without));
    }
    // One that is there is the user's own business; the files are for their owner only.
    if !args.output.is_dir() {
        create_directory_private(&args.output)?;
    }
    let mut written = Vec::new();
    for (entry, request, view) in found {
        let recipient = reader.full_recipient(request)?.map(|recipient| recipient.to_string());
        let one = write(&reader, &args.output, entry, &view)?;
        written.push(Written { recipient, ..one });
    }
    tell(context, &args.output, written, &without)
}

/// The newest full snapshot of an entry that is there still.
pub(super) fn newest(
    reader: &Reader,
    entry: EntryId,
) -> Result<Option<FullSnapshotView>, CliError> {
    let mut views = reader.full_snapshots(entry)?;
    views.retain(|view| view.size.is_some());
    Ok(views.pop())
}

fn none(context: &Context, without: &[EntryId]) -> CliError {
    let what = match without {
        [] => "nothing in this journal is about what was named".to_owned(),
        [entry] => format!("{entry} has no full snapshot, or none any more"),
        _ => "none of what was named has a full snapshot, or none any more".to_owned(),
    };
    let show = context.command("show E…");
    CliError::new(Exit::Error, what)
        .hint(format!("{show} says whether there was one, and when it was shredded; journal delete --snapshot full \
                       makes one before a record is deleted"))
}

fn write(
    reader: &Reader,
    directory: &Path,
    entry: EntryId,
    view: &FullSnapshotView,
) -> Result<Written, CliError> {
    let file = reader.full_snapshot_file(entry)?.unwrap_or_default();
    let sha256 = Hash::of(&file);
    if view.sha256 != Some(sha256) {
        let what =
            format!("the full snapshot of {entry} is not the one that was kept: it was edited");
        return Err(CliError::new(Exit::NotVerified, what)
            .hint("it was not written; journal verify names everything that was edited"));
    }
    let path = directory.join(format!("{entry}.json.age"));
    create_whole(&path, &file, Sharing::OwnerOnly).map_err(|error| not_written(&path, &error))?;
    Ok(Written {
        entry: entry.to_string(),
        file: path.display().to_string(),
        bytes: file.len(),
        sha256: sha256.to_string(),
        taken_at: view.at,
        keep_until: view.until,
        recipient: None,
    })
}

fn not_written(path: &Path, error: &io::Error) -> CliError {
    let what = format!("{} was not written: {error}", path.display());
    let hint = if error.kind() == io::ErrorKind::AlreadyExists {
        "nothing is overwritten: name another directory with -o, or move the file away"
    } else {
        "files written before it stay; run it again with another directory"
    };
    CliError::new(Exit::Error, what).hint(hint)
}

fn tell(
    context: &mut Context,
    directory: &Path,
    written: Vec<Written>,
    without: &[EntryId],
) -> Result<Exit, CliError> {
    let exit = if without.is_empty() { Exit::Done } else { Exit::Error };
    let first = written.first().map(|one| shell_quoted(Path::new(&one.file))).unwrap_or_default();
    let next = format!("age -d -i key.txt {first}");
    if context.out.is_json() {
        context.out.json_line(&Document {
            directory: directory.display().to_string(),
            snapshots: written,
            without: without.iter().map(ToString::to_string).collect(),
            next,
        })?;
        return Ok(exit);
    }
    for one in &written {
        let to = one.recipient.as_deref().unwrap_or("(erased)");
        let bytes = u64::try_from(one.bytes).unwrap_or(u64::MAX);
        context.out.data_row(format!(
            "{}: {}, {} bytes, as it was at {}, encrypted to {to}",
            one.entry,
            shell_quoted(Path::new(&one.file)),
            grouped(bytes),
            one.taken_at
        ))?;
    }
    context.out.flush()?;
    if !without.is_empty() {
        let many =
            counted(u64::try_from(without.len()).unwrap_or(u64::MAX), "entry has", "entries have");
        context.out.warn(&format!("{many} no full snapshot, or none any more"));
    }
    context.out.say(format!("Next, with the secret key of the recipient: {next}"));
    Ok(exit)
}
