//! `journal certificate`: what the log holds about single entries, for somebody who has no journal.

mod page;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;

use crate::cli::checkpoint::{obtain, save};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::counted;
use crate::domain::event::Event;
use crate::domain::id::{EntryId, EventSeq, IdError, RecordId, RequestId};
use crate::domain::state::EntryState;
use crate::evidence::certificate::Certificate;
use crate::evidence::certificate::check::{Checked, check};
use crate::evidence::certificate::issue::{Issuer, events_of};
use crate::evidence::checkpoint::SignedCheckpoint;
use crate::platform::{create_directory_private, shell_quoted};
use crate::store::query::EntryFilter;
use crate::store::{Reader, StoreError};

/// Certificates that one command makes. Each goes through all items of its request.
const ENTRIES_MAX: usize = 1000;

/// Write down what the log proves about entries, for somebody without this program
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Beside each certificate, which programs check, lie the same as a page for people (.md, .html), and each event's
proof as other programs read it (.tlog-proof). Without -o one certificate is printed.

Examples:
  journal certificate E7 -o evidence
  journal certificate 4876876000000624001 --receipt -o for-the-person
  journal verify --certificate evidence/E7.certificate.json --key acme.vkey")]
pub(super) struct CertificateArgs {
    /// Entries (E7), a request (R12), or records by Zoho's id
    #[arg(required = true, value_name = "E|R|RECORD")]
    subjects: Vec<Subject>,
    /// The directory for the files; it is made where it is missing
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Leave out who asked and why: for the person whose data it was
    #[arg(long)]
    receipt: bool,
}

/// Whose certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Entry(EntryId),
    Request(RequestId),
    Record(RecordId),
}

impl FromStr for Subject {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.bytes().next() {
            Some(b'E' | b'e') => text.parse().map(Self::Entry),
            Some(b'R' | b'r') => text.parse().map(Self::Request),
            _ => text.parse().map(Self::Record),
        }
    }
}

/// What `--json` says. Its keys are a contract.
#[derive(Serialize)]
struct Document {
    directory: String,
    receipt: bool,
    checkpoint: String,
    events: u64,
    key: String,
    certificates: Vec<Written>,
}

/// The files of one entry.
#[derive(Serialize)]
struct Written {
    entry: String,
    state: String,
    files: Vec<String>,
}

/// A certificate that was checked.
pub(super) struct Made {
    pub(super) certificate: Certificate,
    pub(super) checked: Checked,
    /// What the journal's tables say beside it, which nothing here proves.
    beside: Vec<String>,
}

/// Runs the command.
pub(super) fn run(args: &CertificateArgs, context: &mut Context) -> Result<Exit, CliError> {
    let entries = entries(&context.reader()?, &args.subjects)?;
    if args.output.is_none() && entries.len() != 1 {
        let what =
            format!("{} have a certificate each", counted(count(&entries), "entry", "entries"));
        return Err(CliError::new(Exit::Usage, what).hint("give a directory for them: -o DIR"));
    }
    let (reader, given, plans) = under_a_checkpoint(context, &entries, args.receipt)?;
    let mut issuer = Issuer::new(&reader, &given)?;
    let Some(directory) = &args.output else {
        for (entry, events) in plans {
            let made = make(&mut issuer, entry, &events, args.receipt)?;
            context.out.data_bytes(made.certificate.to_json().as_bytes())?;
        }
        context.out.flush()?;
        return Ok(Exit::Done);
    };
    // One that is there is the user's own business; the files are for their owner only.
    if !directory.is_dir() {
        create_directory_private(directory)?;
    }
    let mut written = Vec::new();
    for (entry, events) in plans {
        let made = make(&mut issuer, entry, &events, args.receipt)?;
        written.push(write(context, directory, &made, args.receipt)?);
    }
    tell(context, directory, &given, args.receipt, written)?;
    Ok(Exit::Done)
}

fn count(entries: &[EntryId]) -> u64 {
    u64::try_from(entries.len()).unwrap_or(u64::MAX)
}

/// The entries that are named, each once.
pub(super) fn entries(reader: &Reader, subjects: &[Subject]) -> Result<Vec<EntryId>, CliError> {
    let mut entries = Vec::new();
    for subject in subjects {
        let filter = match *subject {
            Subject::Entry(entry) => {
                if reader.entry(entry)?.target.is_none() {
                    return Err(forgotten(&entry.to_string()));
                }
                entries.push(entry);
                continue;
            }
            Subject::Request(request) => {
                EntryFilter { requests: vec![request], ..EntryFilter::default() }
            }
            Subject::Record(record) => {
                EntryFilter { records: vec![record], ..EntryFilter::default() }
            }
        };
        let (before, mut gone) = (entries.len(), false);
        reader.entries(&filter, |entry| {
            if entry.target.is_none() {
                gone = true;
            } else if entries.len() <= ENTRIES_MAX {
                entries.push(entry.entry);
            }
            Ok::<_, StoreError>(())
        })?;
        if let (Subject::Record(record), true) = (subject, entries.len() == before) {
            return Err(StoreError::NotFound(format!("an entry for record {record}")).into());
        }
        if let (Subject::Request(request), true, true) = (subject, gone, entries.len() == before) {
            return Err(forgotten(&format!("every entry of {request}")));
        }
    }
    entries.sort_unstable();
    entries.dedup();
    if entries.len() > ENTRIES_MAX {
        let what =
            format!("more than {ENTRIES_MAX} entries: that many certificates are not made at once");
        return Err(CliError::new(Exit::Usage, what)
            .hint("journal export --bundle FILE.zip holds the whole log; or name fewer entries"));
    }
    Ok(entries)
}

fn forgotten(what: &str) -> CliError {
    let what = format!("{what} was forgotten: nothing is left that a certificate could open");
    CliError::new(Exit::Error, what)
        .hint("certificates that were given before stay valid; journal log --kind forgotten says who forgot it")
}

/// What is certified of each entry.
type Plans = Vec<(EntryId, Vec<EventSeq>)>;

/// The events of each entry, and a checkpoint that covers all of them.
pub(super) fn under_a_checkpoint(
    context: &mut Context,
    entries: &[EntryId],
    receipt: bool,
) -> Result<(Reader, SignedCheckpoint, Plans), CliError> {
    // Where a run is on, entries move between the two looks; then the second checkpoint covers them.
    let mut enough = 0;
    loop {
        let (reader, given) = obtain(context, Some(enough))?;
        let decisions = reader.decisions()?;
        let mut plans = Plans::new();
        let mut needed = 0;
        for entry in entries {
            let events = self::events(&reader, &decisions, *entry, receipt)?;
            let last = events.last().map_or(0, |seq| seq.get().unsigned_abs() + 1);
            needed = needed.max(last);
            plans.push((*entry, events));
        }
        if given.checkpoint.head.size >= needed {
            return Ok((reader, given, plans));
        }
        if enough >= needed {
            let what = "no checkpoint covers these entries yet: others use the journal now";
            return Err(CliError::new(Exit::Error, what).hint("run it again when they are done"));
        }
        enough = needed;
    }
}

/// The events that a certificate of an entry shows.
pub(super) fn events(
    reader: &Reader,
    decisions: &[(EventSeq, Event)],
    entry: EntryId,
    receipt: bool,
) -> Result<Vec<EventSeq>, CliError> {
    Ok(events_of(reader, &reader.entry(entry)?, decisions, receipt)?)
}

/// Makes a certificate, and checks it as anybody would before it is given away.
pub(super) fn make(
    issuer: &mut Issuer<'_>,
    entry: EntryId,
    events: &[EventSeq],
    receipt: bool,
) -> Result<Made, CliError> {
    let certificate = issuer.issue(entry, events, receipt)?;
    let (reader, given) = (issuer.reader(), issuer.given());
    let checked = check(certificate.to_json().as_bytes(), Some(&given.signed_by));
    match checked {
        Ok(checked) => {
            let view = reader.entry(entry)?;
            let absent = view.state == EntryState::Absent;
            let earlier = if absent { reader.done_before(&view)? } else { None };
            let beside = page::beside(&view, earlier, receipt);
            Ok(Made { certificate, checked, beside })
        }
        Err(why) => Err(CliError::new(
            Exit::NotVerified,
            format!("no certificate of {entry} was written, since it would not hold: {why}"),
        )
        .hint("journal verify says what is damaged")),
    }
}

/// The files of a certificate: name and contents.
pub(super) fn files(made: &Made, receipt: bool) -> Vec<(String, String)> {
    let (entry, certificate) = (made.checked.entry, &made.certificate);
    let stem = if receipt { format!("{entry}.receipt") } else { format!("{entry}.certificate") };
    let mut files = vec![
        (format!("{stem}.json"), certificate.to_json()),
        (format!("{stem}.md"), page::markdown(made, receipt)),
        (format!("{stem}.html"), page::html(made, receipt)),
    ];
    for event in &certificate.events {
        let name = format!("{entry}.event-{}.tlog-proof", event.index);
        files.push((name, certificate.tlog_proof(&event.proven())));
    }
    files
}

fn write(
    context: &Context,
    directory: &Path,
    made: &Made,
    receipt: bool,
) -> Result<Written, CliError> {
    let mut names = Vec::new();
    for (name, contents) in files(made, receipt) {
        let path = directory.join(name);
        save(context, &path, contents.as_bytes())?;
        names.push(path.display().to_string());
    }
    let Checked { entry, state, .. } = &made.checked;
    Ok(Written { entry: entry.to_string(), state: state.to_string(), files: names })
}

fn tell(
    context: &mut Context,
    directory: &Path,
    given: &SignedCheckpoint,
    receipt: bool,
    certificates: Vec<Written>,
) -> Result<(), CliError> {
    let number = u64::try_from(certificates.len()).unwrap_or(u64::MAX);
    if context.out.is_json() {
        context.out.json_line(&Document {
            directory: directory.display().to_string(),
            receipt,
            checkpoint: given.note.to_string(),
            events: given.checkpoint.head.size,
            key: given.signed_by.to_string(),
            certificates,
        })?;
        return Ok(());
    }
    for written in &certificates {
        let first = written.files.first().map_or("", String::as_str);
        context.out.data_row(format!("{:<10} {:<10} {first}", written.entry, written.state))?;
    }
    context.out.flush()?;
    let what = counted(number, "certificate", "certificates");
    let shown = shell_quoted(directory);
    context.out.say(format!("{what} written to {shown}, each with a page for people beside it."));
    context
        .out
        .say(format!("To check them: journal verify --certificate {shown}/*.json --key KEY"));
    context
        .out
        .say(format!("The key, which the reader must have from elsewhere: {}", given.signed_by));
    Ok(())
}
