//! `journal export --bundle FILE.zip`: everything that an auditor takes along, in one archive.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use crate::cli::certificate::{self, Subject};
use crate::cli::checkpoint::obtain;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::export::check_target;
use crate::cli::manifest::{Counted, Counting};
use crate::cli::output::words::{counted, grouped};
use crate::domain::id::EventSeq;
use crate::domain::time::Timestamp;
use crate::evidence::bundle::{
    BundleManifest, BundledFile, CHECKPOINT, FORMAT, KEY, LOG, MANIFEST,
};
use crate::evidence::certificate::issue::Issuer;
use crate::evidence::checkpoint::SignedCheckpoint;
use crate::export::{AsOf, Style, View, export};
use crate::platform::{PendingFile, Sharing, shell_quoted};
use crate::store::query::EntryFilter;
use crate::store::{Reader, StoreError};

/// Views as they lie in a bundle.
const VIEWS: [(View, &str); 7] = [
    (View::Entries, "entries.csv"),
    (View::Attempts, "attempts.csv"),
    (View::Batches, "batches.csv"),
    (View::Requests, "requests.csv"),
    (View::Rejected, "rejected.csv"),
    (View::Events, "events.csv"),
    (View::Undo, "undo.csv"),
];

/// What else a reader needs.
const AUDITOR: &str = include_str!("../../docs/auditor.md");
const PYTHON: &str = include_str!("../../contrib/verify_certificate.py");

/// What `--json` says. Its keys are a contract.
#[derive(Serialize)]
struct Document {
    file: String,
    files: usize,
    certificates: usize,
    events: u64,
    root: String,
    checkpoint: String,
    key: String,
}

/// Writes a bundle.
pub(super) fn run(
    path: &Path,
    certificates: &[Subject],
    style: Style,
    context: &mut Context,
) -> Result<Exit, CliError> {
    check_target(path, &context.db())?;
    let now = context.now();
    let as_of = AsOf { now, versions: context.settings.versions() };
    let (reader, given) = obtain(context, None)?;
    let head = given.checkpoint.head;
    if reader.head()? != head {
        let what = "the journal grows now, so no checkpoint covers all of it";
        return Err(CliError::new(Exit::Error, what).hint("run it again when the run is over"));
    }
    let entries = certificate::entries(&reader, certificates)?;
    let decisions = reader.decisions()?;
    let failed = |error: io::Error| {
        CliError::new(Exit::Error, format!("{} was not written: {error}", path.display()))
    };
    let pending = PendingFile::beside(path, Sharing::OwnerOnly).map_err(failed)?;
    let mut bundle = Bundle::begin(pending);
    bundle.text(KEY, &format!("{}\n", given.signed_by)).map_err(failed)?;
    bundle.text(CHECKPOINT, &given.note.to_string()).map_err(failed)?;
    bundle.text("auditor.md", AUDITOR).map_err(failed)?;
    bundle.text("verify_certificate.py", PYTHON).map_err(failed)?;
    bundle.text("README.txt", &read_me(&given, now)).map_err(failed)?;
    bundle.file(LOG, |out| log(&reader, out))?;
    for (view, name) in VIEWS {
        bundle.file(name, |out| {
            export(&reader, view, &EntryFilter::default(), style, as_of, out)?;
            Ok(())
        })?;
    }
    let mut issuer = Issuer::new(&reader, &given)?;
    for entry in &entries {
        let events = certificate::events(&reader, &decisions, *entry, false)?;
        let made = certificate::make(&mut issuer, *entry, &events, false)?;
        for (name, contents) in certificate::files(&made, false) {
            bundle.text(&format!("certificates/{name}"), &contents).map_err(failed)?;
        }
    }
    let files = bundle.end(head.size, now).map_err(failed)?;
    tell(context, path, files, entries.len(), &given)?;
    Ok(Exit::Done)
}

fn tell(
    context: &mut Context,
    path: &Path,
    files: usize,
    certificates: usize,
    given: &SignedCheckpoint,
) -> Result<(), CliError> {
    let head = given.checkpoint.head;
    if context.out.is_json() {
        context.out.json_line(&Document {
            file: path.display().to_string(),
            files,
            certificates,
            events: head.size,
            root: head.root.to_string(),
            checkpoint: given.note.to_string(),
            key: given.signed_by.to_string(),
        })?;
    }
    let shown = shell_quoted(path);
    let number = u64::try_from(certificates).unwrap_or(u64::MAX);
    context.out.say(format!(
        "{} events, every view and {} written to {shown}.",
        grouped(head.size),
        counted(number, "certificate", "certificates")
    ));
    context
        .out
        .say(format!("To check it, without a journal: journal verify --bundle {shown} --key KEY"));
    Ok(())
}

/// The exact bytes of each event, one a line: none holds a line break.
fn log(reader: &Reader, out: &mut dyn Write) -> Result<(), CliError> {
    reader.events_from(EventSeq::new(0), |event| {
        if event.body.contains(&b'\n') {
            let what = format!("event {} holds a line break", event.seq);
            return Err(StoreError::Corrupt { table: "event", what }.into());
        }
        out.write_all(&event.body).and_then(|()| out.write_all(b"\n"))?;
        Ok::<_, CliError>(())
    })
}

fn read_me(given: &SignedCheckpoint, now: Timestamp) -> String {
    let head = given.checkpoint.head;
    format!(
        "A bundle of the deletion journal {origin}, made at {now}.\n\n\
         checkpoint            a signed statement: {size} events, root {root}\n\
         key.vkey              the public key that signed it; take it from elsewhere, too, and compare\n\
         log.jsonl             the exact bytes of every event, one a line\n\
         *.csv                 everything that the journal knows, as its operator shows it\n\
         certificates/         single entries, each to be checked by itself\n\
         verify_certificate.py checks certificates, and this bundle, with Python\n\
         auditor.md            what each file proves, and what not\n\
         manifest.json         the SHA-256 of every other file\n\n\
         To check it: journal verify --bundle FILE.zip --key KEY\n\
         or, with Python: python3 verify_certificate.py --key KEY FILE.zip\n\n\
         What is checked: that every file is the one that the manifest names; that the events of log.jsonl make\n\
         the root that was signed; that every certificate holds. The cells of the CSV files are not proved by\n\
         that: their seals are opened only in certificates. Draw some entries and ask for theirs.\n",
        origin = given.checkpoint.origin,
        size = head.size,
        root = head.root,
    )
}

/// An archive under way.
struct Bundle {
    zip: ZipWriter<StreamWriter<BufWriter<PendingFile>>>,
    files: BTreeMap<String, BundledFile>,
}

impl Bundle {
    fn begin(file: PendingFile) -> Self {
        Self { zip: ZipWriter::new_stream(BufWriter::new(file)), files: BTreeMap::new() }
    }

    fn options() -> SimpleFileOptions {
        let method = zip::CompressionMethod::Deflated;
        SimpleFileOptions::default()
            .compression_method(method)
            .large_file(true)
            .unix_permissions(0o600)
    }

    /// Adds a file whose contents are written by `work`.
    fn file(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut dyn Write) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        self.zip.start_file(name, Self::options()).map_err(io::Error::from)?;
        let mut counting = Counting::new(BufWriter::with_capacity(64 * 1024, &mut self.zip), true);
        work(&mut counting)?;
        counting.flush()?;
        let (_, Counted { bytes, sha256 }) = counting.finish();
        self.files.insert(name.to_owned(), BundledFile { bytes, sha256 });
        Ok(())
    }

    fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.zip.start_file(name, Self::options())?;
        let mut counting = Counting::new(&mut self.zip, true);
        counting.write_all(text.as_bytes())?;
        let (_, Counted { bytes, sha256 }) = counting.finish();
        self.files.insert(name.to_owned(), BundledFile { bytes, sha256 });
        Ok(())
    }

    /// Writes the list of all files, and gives the archive its name. Says how many files the list names.
    fn end(mut self, events: u64, now: Timestamp) -> io::Result<usize> {
        let count = self.files.len();
        let manifest = BundleManifest {
            format: FORMAT.to_owned(),
            made_at: now.to_string(),
            events,
            files: self.files,
        };
        self.zip.start_file(MANIFEST, Self::options())?;
        self.zip.write_all(manifest.to_json().as_bytes())?;
        let stream = self.zip.finish()?;
        stream.into_inner().into_inner().map_err(io::Error::other)?.commit()?;
        Ok(count)
    }
}
