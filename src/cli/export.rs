//! `journal export`: rows for auditors and machines.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::bundle;
use crate::cli::certificate::Subject;
use crate::cli::checkpoint::{obtain, save};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::list::FilterArgs;
use crate::cli::manifest::{Counting, Exported, Manifest};
use crate::cli::output::words::counted;
use crate::export::{AsOf, Delimiter, Format, Style, View, export};
use crate::platform::{PendingFile, Sharing};
use crate::store::query::EntryFilter;

/// Write rows for auditors and machines, as CSV or JSON Lines
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub(crate) struct ExportArgs {
    /// What the rows are: entries, attempts, batches, requests, rejected, events, undo
    #[arg(long, value_name = "VIEW", default_value = "entries")]
    view: View,
    /// csv or jsonl [default: what the name of the file ends with; else csv, with --json jsonl]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// What stands between the cells of a CSV: , ; | or tab
    #[arg(long, value_name = "CHARACTER", default_value = ",")]
    delimiter: Delimiter,
    /// Begin a CSV with a byte order mark, by which Excel knows UTF-8
    #[arg(long)]
    bom: bool,
    /// Write ids as bare digits, without zcrm_; spreadsheets round those
    #[arg(long)]
    bare_ids: bool,
    /// Leave texts as they are, also those that a spreadsheet would run as formulas
    #[arg(long)]
    raw: bool,
    /// Write to a file, whole or not at all; - is stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also write FILE.manifest.json: SHA-256, rows, filters, and the checkpoint of the log
    #[arg(long, requires = "output")]
    manifest: bool,
    /// Write everything for an auditor into one archive instead: every view, the log, checkpoint, public key
    #[arg(long, value_name = "FILE.zip", conflicts_with_all = ["output", "view", "format"])]
    bundle: Option<PathBuf>,
    /// Put certificates of these entries (E7), requests (R12) or records into the archive; may be repeated
    #[arg(long = "certificate", value_name = "E|R|RECORD", requires = "bundle")]
    certificates: Vec<Subject>,
    #[command(flatten)]
    filter: FilterArgs,
}

#[derive(Serialize)]
struct Document<'a> {
    view: &'static str,
    format: &'static str,
    rows: u64,
    file: &'a str,
    /// Left out where none was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<String>,
}

impl ExportArgs {
    fn style(&self, json: bool) -> Style {
        let named = self.output.as_deref().and_then(format_of);
        let otherwise = if json { Format::Jsonl } else { Format::Csv };
        let format = self.format.or(named).unwrap_or(otherwise);
        Style {
            format,
            delimiter: self.delimiter,
            bom: self.bom,
            bare_ids: self.bare_ids,
            raw: self.raw,
            row_type: None,
        }
    }

    /// Runs the command.
    pub(crate) fn run(self, context: &mut Context) -> Result<Exit, CliError> {
        let style = self.style(context.out.is_json());
        let filter = EntryFilter::from(self.filter);
        let view = self.view;
        if let Some(path) = self.bundle {
            if !filter.is_empty() {
                return Err(CliError::new(Exit::Usage, "a bundle always holds everything")
                    .hint("leave the filters out; --certificate E7 adds certificates"));
            }
            let style = Style { format: Format::Csv, ..style };
            return bundle::run(&path, &self.certificates, style, context);
        }
        if !view.takes(&filter) {
            return Err(takes_no_such_filter(view));
        }
        let (reader, given) = if self.manifest {
            let (reader, given) = obtain(context, None)?;
            (reader, Some(given))
        } else {
            (context.reader()?, None)
        };
        let as_of = AsOf { now: context.now(), versions: context.settings.versions() };
        let file = self.output.filter(|path| path.as_os_str() != "-");
        let Some(path) = file else {
            let rows =
                export(&reader, view, &filter, style, as_of, &mut context.out.data_writer())?;
            context.out.flush()?;
            context.out.say(counted(rows, "row", "rows"));
            return Ok(Exit::Done);
        };
        let failed = |error: io::Error| {
            CliError::new(Exit::Error, format!("{} was not written: {error}", path.display()))
        };
        check_target(&path, &context.db())?;
        let pending = PendingFile::beside(&path, Sharing::OwnerOnly).map_err(failed)?;
        let mut counting = Counting::new(pending, given.is_some());
        let rows = export(&reader, view, &filter, style, as_of, &mut counting)?;
        let (pending, counted_bytes) = counting.finish();
        pending.commit().map_err(failed)?;
        let shown = path.display().to_string();
        let mut manifest_file = None;
        if let Some(given) = &given {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let exported = Exported {
                file: name.as_deref().unwrap_or_default(),
                rows,
                view: view.wire_name(),
                row_format: style.format.wire_name(),
                filter: &filter,
                at: as_of.now.to_string(),
            };
            let manifest = Manifest::new(&exported, &counted_bytes, reader.head()?, given);
            let mut beside = path.clone().into_os_string();
            beside.push(".manifest.json");
            let text = serde_json::to_string_pretty(&manifest)?;
            let beside = PathBuf::from(beside);
            save(context, &beside, format!("{text}\n").as_bytes())?;
            manifest_file = Some(beside.display().to_string());
        }
        if context.out.is_json() {
            let format = style.format.wire_name();
            let (view, manifest) = (view.wire_name(), manifest_file.clone());
            let document = Document { view, format, rows, file: &shown, manifest };
            context.out.json_line(&document)?;
        }
        let rows = counted(rows, "row", "rows");
        let beside = manifest_file.map(|file| format!(", its manifest to {file}"));
        context
            .out
            .say(format!("{rows} of {view} written to {shown}{}", beside.unwrap_or_default()));
        Ok(Exit::Done)
    }
}

fn takes_no_such_filter(view: View) -> CliError {
    let error = format!("the view {view} cannot be filtered this way");
    CliError::new(Exit::Usage, error).hint(match view {
        View::Batches | View::Events => "it always holds everything: leave the filters out",
        View::Entries | View::Attempts | View::Undo | View::Requests | View::Rejected => {
            "it takes --request, --operation, --module and --ticket"
        }
    })
}

/// What the name of a file promises: an `audit.csv` holds CSV, with `--json` too.
pub(crate) fn format_of(path: &Path) -> Option<Format> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "csv" => Some(Format::Csv),
        "jsonl" => Some(Format::Jsonl),
        _ => None,
    }
}

/// A slip of the hand must not replace the evidence: neither this journal, nor what lies beside it, nor
/// any other database.
pub(crate) fn check_target(path: &Path, db: &Path) -> Result<(), CliError> {
    let refuse = |what: &str| {
        Err(CliError::new(Exit::Usage, format!("{} is {what}", path.display()))
            .hint("choose another name for the file"))
    };
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let place = |path: &Path| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        std::fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()
    };
    if let (Some(given), Some(journal)) = (name(path), name(db))
        && place(path) == place(db)
        && (given == journal
            || ["-wal", "-shm", "-journal", ".lock", ".anchor", ".anchor.lock"]
                .iter()
                .any(|end| given == format!("{journal}{end}")))
    {
        return refuse("the journal itself, or belongs to it");
    }
    let mut magic = [0; 15];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    if read.is_ok() && magic == *b"SQLite format 3" {
        return refuse("a database");
    }
    if read.is_ok() && magic.starts_with(b"PRIVATE+KEY+") {
        return refuse("a signing key");
    }
    Ok(())
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
