//! `journal verify --certificate FILE…`: whether certificates hold. Needs no journal.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::grouped;
use crate::cli::output::{Line, Tone};
use crate::evidence::bundle::check_bundle;
use crate::evidence::certificate::CERTIFICATE_LIMIT;
use crate::evidence::certificate::check::{Checked, Trust, check, check_tlog_proof};
use crate::evidence::certificate::story::conclusion;
use crate::evidence::note::{Checkpoint, VerifierKey};

/// What `--json` says. Its keys are a contract; the first five are those of a journal that is verified.
#[derive(Serialize)]
struct Document {
    ok: bool,
    /// Whether every file was checked against a key that was given.
    anchored: bool,
    /// Of the longest log that was signed.
    events: u64,
    root: Option<String>,
    findings: Vec<Finding>,
    certificates: Vec<FileDocument>,
}

#[derive(Serialize)]
struct Finding {
    what: String,
    #[serde(rename = "where")]
    where_: String,
    since: Option<String>,
}

#[derive(Serialize)]
struct FileDocument {
    file: String,
    ok: bool,
    entry: Option<String>,
    state: Option<String>,
    signed_by: Option<String>,
    key_authenticated: bool,
    events: Vec<EventDocument>,
}

#[derive(Serialize)]
struct EventDocument {
    index: u64,
    at: String,
    kind: &'static str,
    what: String,
    /// What was opened and what else is known, in full.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    says: Vec<Said>,
}

/// A name, and a text that may come from anybody.
#[derive(Serialize)]
struct Said {
    name: &'static str,
    text: String,
}

impl Said {
    fn of((name, text): &(&'static str, String)) -> Self {
        Self { name, text: text.clone() }
    }
}

/// What a file holds.
enum Held {
    Certificate(Box<Checked>),
    Event { checkpoint: Checkpoint, told: EventDocument },
}

/// Checks files.
pub(super) fn run(
    files: &[PathBuf],
    key: Option<&VerifierKey>,
    context: &mut Context,
) -> Result<Exit, CliError> {
    let mut all = Vec::new();
    for path in files {
        let bytes = read(path)?;
        all.push((path.display().to_string(), examine(path, &bytes, key)));
    }
    let ok = all.iter().all(|(_, held)| held.is_ok());
    if context.out.is_json() {
        context.out.json_line(&document(&all, key))?;
    } else {
        for (name, held) in &all {
            tell(context, name, held, key)?;
        }
        context.out.flush()?;
        if ok && key.is_none() {
            context.out.warn(NOT_AUTHENTICATED);
        }
    }
    Ok(if ok { Exit::Done } else { Exit::NotVerified })
}

const NOT_AUTHENTICATED: &str = "the key itself was not authenticated: anybody can make a key, and a certificate \
                                 under it; give the journal's public key, from elsewhere, with --key";

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let limit = u64::try_from(CERTIFICATE_LIMIT).unwrap_or(u64::MAX) + 1;
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(
        |error| CliError::new(Exit::Error, format!("{} cannot be read: {error}", path.display())),
    )?;
    Ok(bytes)
}

fn examine(path: &Path, bytes: &[u8], key: Option<&VerifierKey>) -> Result<Held, String> {
    if path.extension().is_some_and(|end| end == "tlog-proof") {
        let key = key.ok_or("a proof of a single event names no key: give one with --key")?;
        let event = check_tlog_proof(bytes, key)?;
        let told = EventDocument {
            index: event.index,
            at: event.at.to_string(),
            kind: event.kind,
            what: "it stands in the log that was signed".to_owned(),
            says: Vec::new(),
        };
        return Ok(Held::Event { checkpoint: event.checkpoint, told });
    }
    check(bytes, key).map(Box::new).map(Held::Certificate)
}

fn document(all: &[(String, Result<Held, String>)], key: Option<&VerifierKey>) -> Document {
    let heads = all.iter().filter_map(|(_, held)| match held {
        Ok(Held::Certificate(checked)) => Some(checked.checkpoint.head),
        Ok(Held::Event { checkpoint, .. }) => Some(checkpoint.head),
        Err(_) => None,
    });
    let longest = heads.max_by_key(|head| head.size);
    let ok = all.iter().all(|(_, held)| held.is_ok());
    let finding = |(name, held): &(String, Result<Held, String>)| {
        let what = held.as_ref().err()?.clone();
        Some(Finding { what, where_: name.clone(), since: None })
    };
    Document {
        ok,
        anchored: ok && key.is_some(),
        events: longest.map_or(0, |head| head.size),
        root: longest.map(|head| head.root.to_string()),
        findings: all.iter().filter_map(finding).collect(),
        certificates: all.iter().map(|(name, held)| file_document(name, held, key)).collect(),
    }
}

fn file_document(
    name: &str,
    held: &Result<Held, String>,
    key: Option<&VerifierKey>,
) -> FileDocument {
    let mut document = FileDocument {
        file: name.to_owned(),
        ok: held.is_ok(),
        entry: None,
        state: None,
        signed_by: None,
        key_authenticated: false,
        events: Vec::new(),
    };
    match held {
        Ok(Held::Certificate(checked)) => {
            document.entry = Some(checked.entry.to_string());
            document.state = Some(checked.state.to_string());
            document.signed_by = Some(checked.signed_by.to_string());
            document.key_authenticated = checked.trust != Trust::NotAuthenticated;
            document.events = checked
                .story
                .iter()
                .map(|chapter| EventDocument {
                    index: chapter.index,
                    at: chapter.at.to_string(),
                    kind: chapter.kind,
                    what: chapter.what.clone(),
                    says: chapter.says.iter().map(Said::of).collect(),
                })
                .collect();
        }
        Ok(Held::Event { told, .. }) => {
            document.signed_by = key.map(ToString::to_string);
            document.key_authenticated = true;
            document.events.push(EventDocument {
                index: told.index,
                at: told.at.clone(),
                kind: told.kind,
                what: told.what.clone(),
                says: Vec::new(),
            });
        }
        Err(_) => {}
    }
    document
}

/// Checks a bundle.
pub(super) fn run_bundle(
    path: &Path,
    key: Option<&VerifierKey>,
    context: &mut Context,
) -> Result<Exit, CliError> {
    let name = path.display().to_string();
    let file = File::open(path)
        .map_err(|error| CliError::new(Exit::Error, format!("{name} cannot be read: {error}")))?;
    let checked = match check_bundle(std::io::BufReader::new(file), key) {
        Ok(checked) => checked,
        Err(why) => {
            let all = [(name.clone(), Err(why))];
            if context.out.is_json() {
                context.out.json_line(&document(&all, key))?;
            } else {
                for (name, held) in &all {
                    tell(context, name, held, key)?;
                }
                context.out.flush()?;
            }
            return Ok(Exit::NotVerified);
        }
    };
    let head = checked.checkpoint.checkpoint.head;
    let signed_by = checked.checkpoint.signed_by.to_string();
    let number = u64::try_from(checked.certificates.len()).unwrap_or(u64::MAX);
    let all: Vec<_> = checked
        .certificates
        .into_iter()
        .map(|(name, checked)| (name, Ok(Held::Certificate(Box::new(checked)))))
        .collect();
    if context.out.is_json() {
        let mut document = document(&all, key);
        document.anchored = checked.authenticated;
        document.events = head.size;
        document.root = Some(head.root.to_string());
        for one in &mut document.certificates {
            one.key_authenticated = checked.authenticated;
        }
        context.out.json_line(&document)?;
        return Ok(Exit::Done);
    }
    let out = &mut context.out;
    out.data_row(Line::new().toned(Tone::Good, "verified").text(format!(": {name}")))?;
    out.data_row(format!("  {} files, each as the manifest names it", checked.files))?;
    out.data_row(format!(
        "  log.jsonl: its {} events make the root that was signed, {}",
        grouped(head.size),
        head.root
    ))?;
    out.data_row(format!("  certificates: {} hold", grouped(number)))?;
    out.data_row(
        "  the cells of the CSV files are not proved by this; certificates prove single entries",
    )?;
    let trust = if checked.authenticated {
        "which is the key that was given, or followed from it"
    } else {
        "whose key that is was not checked"
    };
    out.data_row(format!("  signed by {signed_by}, {trust}"))?;
    out.flush()?;
    if key.is_none() {
        out.warn(NOT_AUTHENTICATED);
    }
    Ok(Exit::Done)
}

fn tell(
    context: &mut Context,
    name: &str,
    held: &Result<Held, String>,
    key: Option<&VerifierKey>,
) -> Result<(), CliError> {
    let out = &mut context.out;
    let checked = match held {
        Err(why) => {
            let line =
                Line::new().toned(Tone::Bad, "NOT verified").text(format!(": {name}: {why}"));
            return Ok(out.data_row(line)?);
        }
        Ok(Held::Event { checkpoint, told }) => {
            let line = Line::new().toned(Tone::Good, "verified").text(format!(": {name}"));
            out.data_row(line)?;
            let size = grouped(checkpoint.head.size);
            let by = key.map(ToString::to_string).unwrap_or_default();
            out.data_row(format!(
                "  event {} ({}) of {}, in the log of {size} events",
                told.index, told.kind, told.at
            ))?;
            return Ok(out.data_row(format!("  signed by {by}"))?);
        }
        Ok(Held::Certificate(checked)) => checked,
    };
    out.data_row(Line::new().toned(Tone::Good, "verified").text(format!(": {name}")))?;
    out.data_row(format!(
        "  {}: {}",
        checked.entry,
        conclusion(checked.operation, checked.state, &checked.story)
    ))?;
    for chapter in &checked.story {
        out.data_row(format!("  {:>7}  {}  {}", chapter.index, chapter.at, chapter.what))?;
        for (label, text) in chapter.in_brief() {
            out.data_row(format!("           {label}: {text}"))?;
        }
    }
    let events = grouped(checked.checkpoint.head.size);
    out.data_row(format!(
        "  every event, item and opened field above is in the log of {events} events"
    ))?;
    let trust = match checked.trust {
        Trust::NotAuthenticated => "whose key that is was not checked",
        Trust::Given => "which is the key that was given",
        Trust::HandedOver => "to which the key that was given handed over",
    };
    Ok(out.data_row(format!("  signed by {}, {trust}", checked.signed_by))?)
}
