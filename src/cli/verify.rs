//! `journal verify`: whether a journal is what its log says.

use std::path::Path;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped};
use crate::cli::output::{Line, Tone};
use crate::domain::merkle::empty_root;
use crate::evidence::anchor::{Anchor, AnchorState};
use crate::evidence::keeper::check_reader;
use crate::evidence::verify::{Finding, Options, Report, speaks_of_the_journal, verify};
use crate::platform::{Access, FileProblem, Sharing, shell_quoted};
use crate::store::{Reader, StoreError};

/// Check the whole journal: its log, every row and every answer, against what was sealed
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {}

/// What `--json` says. Its keys are a contract.
#[derive(Serialize)]
struct VerifyDocument<'a> {
    ok: bool,
    anchored: bool,
    events: u64,
    /// Entries of which only hashes are left.
    forgotten: u64,
    /// `null` when no event could be read.
    root: Option<String>,
    findings: Vec<FoundDocument<'a>>,
}

#[derive(Serialize)]
struct FoundDocument<'a> {
    what: &'a str,
    #[serde(rename = "where")]
    where_: &'a str,
    since: Option<String>,
}

/// Verifies the journal.
pub(super) fn run(_: &VerifyArgs, context: &mut Context) -> Result<Exit, CliError> {
    let db = context.db();
    check_reader(&db)?;
    let (report, anchor) = match examine(&db) {
        Ok(examined) => examined,
        Err(error) if speaks_of_the_journal(&error) => (unreadable(&error), None),
        Err(error) => return Err(error.into()),
    };
    if context.out.is_json() {
        context.out.json_line(&document(&report))?;
    } else {
        tell(context, &db, &report, anchor.as_ref())?;
    }
    Ok(if report.ok { Exit::Done } else { Exit::NotVerified })
}

fn examine(db: &Path) -> Result<(Report, Option<AnchorState>), StoreError> {
    // The anchor first: a writer in between would else make the journal look older than its anchor.
    let sharing = Sharing::seen_at(db).map_err(|problem: FileProblem| StoreError::Io {
        path: db.to_owned(),
        source: std::io::Error::other(problem),
    })?;
    let published = Anchor::of(db, sharing).read(Access::Read);
    let reader = Reader::open(db)?;
    let anchor = match published.check(&reader, None) {
        Ok(state) => Some(state),
        // Then the log says so itself.
        Err(error) if speaks_of_the_journal(&error) => None,
        Err(error) => return Err(error),
    };
    let options = Options { anchor: anchor.clone(), ..Options::default() };
    Ok((verify(&reader, &options)?, anchor))
}

/// The report on a file that is no journal, or too damaged to be read as one.
fn unreadable(error: &StoreError) -> Report {
    let findings = vec![Finding::unreadable(error)];
    Report { ok: false, anchored: false, events: 0, forgotten: 0, root: empty_root(), findings }
}

fn document(report: &Report) -> VerifyDocument<'_> {
    VerifyDocument {
        ok: report.ok,
        anchored: report.anchored,
        events: report.events,
        forgotten: report.forgotten,
        root: (report.events > 0).then(|| report.root.to_string()),
        findings: report
            .findings
            .iter()
            .map(|finding| FoundDocument {
                what: &finding.what,
                where_: &finding.where_,
                since: finding.since.map(|seq| seq.to_string()),
            })
            .collect(),
    }
}

fn tell(
    context: &mut Context,
    db: &Path,
    report: &Report,
    anchor: Option<&AnchorState>,
) -> Result<(), CliError> {
    let out = &mut context.out;
    let path = shell_quoted(db);
    for finding in &report.findings {
        let since = finding.since.map(|seq| format!(" (event {seq})")).unwrap_or_default();
        let line = Line::new().toned(Tone::Bad, &finding.where_).text(": ");
        out.data_row(line.text(format!("{}{since}", finding.what)))?;
    }
    if report.ok {
        out.data_row(Line::new().toned(Tone::Good, "verified").text(format!(": {path}")))?;
        let events = grouped(report.events);
        out.data_row(format!("  {events} events, root {}", report.root))?;
        for line in CHECKED {
            out.data_row(*line)?;
        }
        if report.forgotten > 0 {
            let entries = counted(report.forgotten, "entry", "entries");
            out.data_row(format!(
                "  forgotten: {entries}, as the log says; hashes stand in their place"
            ))?;
        }
        out.data_line(anchored_in_words(anchor))?;
        return Ok(());
    }
    let line = Line::new().toned(Tone::Bad, "NOT verified").text(format!(": {path}"));
    out.data_line(line)?;
    out.say(
        "Do not run sync or replay on it, and change nothing: copy the journal, its -wal and its",
    );
    out.say(".anchor file as they are, and compare them with the last backup that verifies.");
    Ok(())
}

/// What a verified journal has passed, in words.
const CHECKED: &[&str] = &[
    "  log: every event hashes to its leaf, the tree to its root; no event is missing or added",
    "  rows: every request, batch, attempt and state follows from the events, and nothing else is there",
    "  answers: every stored answer and every read is, byte for byte, what the log sealed",
    "  people and ids: every name, reason and record id is the one that was sealed when it was recorded",
    "  database: structures, references and schema are whole",
];

fn anchored_in_words(anchor: Option<&AnchorState>) -> String {
    match anchor {
        Some(AnchorState::Extends { anchor, .. }) => format!(
            "  anchor: it extends the checkpoint of {} events beside it",
            grouped(anchor.size)
        ),
        _ => "  anchor: none was at hand, so an older copy of this journal would look the same"
            .to_owned(),
    }
}
