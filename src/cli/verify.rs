//! `journal verify`: whether a journal is what its log says.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::listed;
use crate::cli::output::words::{counted, grouped};
use crate::cli::output::{Line, Tone};
use crate::cli::signature::check_rest;
use crate::cli::verify_files;
use crate::domain::merkle::empty_root;
use crate::evidence::anchor::{Anchor, AnchorState};
use crate::evidence::checkpoint::{Kept, held_against};
use crate::evidence::keeper::check_reader;
use crate::evidence::note::{NOTE_LIMIT, NoteError, VerifierKey};
use crate::evidence::verify::{Finding, Options, Report, speaks_of_the_journal, verify};
use crate::platform::{Access, FileProblem, Sharing, shell_quoted};
use crate::store::{Reader, StoreError};

/// Check the whole journal: its log, every row and every answer, against what was sealed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  journal verify
  journal verify --checkpoint 2026-11-22.checkpoint --key acme.vkey
  journal verify --certificate evidence/E7.certificate.json --key acme.vkey")]
pub(super) struct VerifyArgs {
    /// Also show that the journal extends a checkpoint that was kept; may be repeated
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// Check certificates instead, which needs no journal
    #[arg(long = "certificate", value_name = "FILE", num_args = 1.., conflicts_with = "checkpoints")]
    certificates: Vec<PathBuf>,
    /// Check an archive of `journal export --bundle` instead, which needs no journal
    #[arg(long, value_name = "ZIP", conflicts_with_all = ["checkpoints", "certificates"])]
    bundle: Option<PathBuf>,
    /// Also hold every signed approval of a request against this list of allowed signers
    #[arg(long, value_name = "FILE", conflicts_with_all = ["certificates", "bundle"])]
    allowed_signers: Option<PathBuf>,
    /// The only public key to believe, or a file that holds it [default: the keys that the log names; of a
    /// certificate, the one that it names, which shows nothing about who that is]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

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
    /// Signatures of approvals that are good.
    signed_approvals: u64,
    /// Those that nobody checked, and why.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unchecked_signatures: &'a [String],
    /// Left out where none was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checkpoints: Vec<KeptDocument>,
}

#[derive(Serialize)]
struct KeptDocument {
    file: String,
    ok: bool,
    events: Option<u64>,
    root: Option<String>,
    signed_by: Option<String>,
}

/// Checkpoints that were given, with the names of their files.
type AllKept = Vec<(String, Kept)>;

#[derive(Serialize)]
struct FoundDocument<'a> {
    what: &'a str,
    #[serde(rename = "where")]
    where_: &'a str,
    since: Option<String>,
}

/// Verifies the journal.
pub(super) fn run(args: &VerifyArgs, context: &mut Context) -> Result<Exit, CliError> {
    let db = context.db();
    let key = args.key.as_deref().map(trusted_key).transpose()?;
    if !args.certificates.is_empty() {
        return verify_files::run(&args.certificates, key.as_ref(), context);
    }
    if let Some(bundle) = &args.bundle {
        return verify_files::run_bundle(bundle, key.as_ref(), context);
    }
    if key.is_some() && args.checkpoints.is_empty() {
        return Err(CliError::new(
            Exit::Usage,
            "--key says whose signature counts, and nothing signed is given",
        )
        .hint("give --checkpoint, --certificate or --bundle as well"));
    }
    let given = args.checkpoints.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    check_reader(&db)?;
    let (mut report, anchor, kept) = match examine(&db, &given, key.as_ref()) {
        Ok(examined) => examined,
        Err(error) if speaks_of_the_journal(&error) => (unreadable(&error), None, Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let unchecked = check_rest(&mut report);
    if let (Some(list), true) = (&args.allowed_signers, report.events > 0) {
        listed::check(&mut report, &Reader::open(&db)?, list)?;
    }
    if context.out.is_json() {
        context.out.json_line(&document(&report, &kept, &unchecked))?;
    } else {
        tell(context, &db, &report, anchor.as_ref(), &kept)?;
        for one in &unchecked {
            context.out.warn(one);
        }
    }
    Ok(if report.ok { Exit::Done } else { Exit::NotVerified })
}

/// The key that is given with `--key`: as it is written, or in a file.
pub(super) fn trusted_key(text: &str) -> Result<VerifierKey, CliError> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let (name, bytes) = read(Path::new(text))?;
    let line = String::from_utf8_lossy(&bytes);
    line.strip_suffix('\n').unwrap_or(&line).parse().map_err(|error: NoteError| {
        CliError::new(Exit::NotVerified, format!("{name} holds no public key: {error}"))
            .hint("journal key export -o FILE writes one")
    })
}

/// A small file that somebody kept, with its name.
fn read(path: &Path) -> Result<(String, Vec<u8>), CliError> {
    let name = path.display().to_string();
    let limit = u64::try_from(NOTE_LIMIT).unwrap_or(u64::MAX) + 1;
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| CliError::new(Exit::Error, format!("{name} cannot be read: {error}")))?;
    Ok((name, bytes))
}

fn examine(
    db: &Path,
    given: &[(String, Vec<u8>)],
    key: Option<&VerifierKey>,
) -> Result<(Report, Option<AnchorState>, AllKept), StoreError> {
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
    let mut report = verify(&reader, &options)?;
    let mut all = AllKept::new();
    for (name, bytes) in given {
        let kept = match held_against(&reader, bytes, key) {
            Err(error) if speaks_of_the_journal(&error) => Kept::unknown(&error),
            other => other?,
        };
        all.push((name.clone(), kept));
    }
    for (name, kept) in &all {
        report.add_kept(name, kept);
    }
    Ok((report, anchor, all))
}

/// The report on a file that is no journal, or too damaged to be read as one.
fn unreadable(error: &StoreError) -> Report {
    let findings = vec![Finding::unreadable(error)];
    Report {
        ok: false,
        anchored: false,
        events: 0,
        forgotten: 0,
        root: empty_root(),
        findings,
        signatures: 0,
        unchecked: Vec::new(),
    }
}

fn document<'r>(report: &'r Report, kept: &AllKept, unchecked: &'r [String]) -> VerifyDocument<'r> {
    let kept_document = |(name, kept): &(String, Kept)| KeptDocument {
        file: name.clone(),
        ok: kept.problem.is_none(),
        events: kept.checkpoint.as_ref().map(|checkpoint| checkpoint.head.size),
        root: kept.checkpoint.as_ref().map(|checkpoint| checkpoint.head.root.to_string()),
        signed_by: kept.signed_by.as_ref().map(ToString::to_string),
    };
    VerifyDocument {
        checkpoints: kept.iter().map(kept_document).collect(),
        ok: report.ok,
        anchored: report.anchored,
        events: report.events,
        forgotten: report.forgotten,
        signed_approvals: report.signatures,
        unchecked_signatures: unchecked,
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
    kept: &AllKept,
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
        if report.signatures > 0 {
            let signed = counted(report.signatures, "signed approval", "signed approvals");
            out.data_row(format!("  {signed}: each signature is of what was approved"))?;
        }
        for line in CHECKED {
            out.data_row(*line)?;
        }
        if report.forgotten > 0 {
            let entries = counted(report.forgotten, "entry", "entries");
            out.data_row(format!(
                "  forgotten: {entries}, as the log says; hashes stand in their place"
            ))?;
        }
        for (name, kept) in kept {
            out.data_row(kept_in_words(name, kept))?;
        }
        out.data_line(anchored_in_words(anchor))?;
        return Ok(());
    }
    let line = Line::new().toned(Tone::Bad, "NOT verified").text(format!(": {path}"));
    out.data_line(line)?;
    let about_notes =
        kept.iter().filter(|(_, kept)| kept.problem.is_some() && kept.signed_by.is_none());
    if about_notes.count() == report.findings.len() {
        out.say("Nothing is wrong with the journal itself: what was given is no checkpoint of it.");
        return Ok(());
    }
    if kept.iter().filter(|(_, kept)| kept.parted).count() == report.findings.len() {
        out.say("Nothing else is wrong: the journal was adopted without these events (journal log --kind adopted");
        out.say(
            "says by whom and why). Ask for the journal, or the backup, that still holds them.",
        );
        return Ok(());
    }
    out.say(
        "Do not run sync or replay on it, and change nothing: copy the journal, its -wal and its",
    );
    out.say(".anchor file as they are, and compare them with the last backup that verifies.");
    if report.findings.len() == 1 && matches!(anchor, Some(AnchorState::Behind { .. })) {
        out.say("If it is a backup that was put back, and no newer one is left: journal adopt --reason TEXT");
    }
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

fn kept_in_words(name: &str, kept: &Kept) -> String {
    let events = kept.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.head.size);
    let by = kept.signed_by.as_ref().map(ToString::to_string).unwrap_or_default();
    format!(
        "  checkpoint {name}: its {} events are the first ones of this log; signed by {by}",
        grouped(events)
    )
}

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
