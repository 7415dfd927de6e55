//! An entry: its whole story, in order.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::list::tone_of;
use crate::cli::output::words::counted;
use crate::cli::output::{Line, Out, OutputError, Tone};
use crate::cli::show::{document, field, heading, readable};
use crate::domain::codes::advice;
use crate::domain::evidence::deletion::Facts;
use crate::domain::id::{EntryId, RecordId};
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::export::{entry_as_json, evidence_in_brief, evidence_sentence};
use crate::store::query::{
    AttemptResult, BatchDetail, BatchView, Ending, EntryFilter, EntryView, Step,
};
use crate::store::{Reader, StoreError};

/// One step of the story.
#[derive(Debug, Default, Serialize)]
struct Told {
    at: Option<Timestamp>,
    log_index: i64,
    kind: &'static str,
    text: String,
    batch_id: Option<String>,
    outcome: Option<&'static str>,
    code: Option<String>,
    message: Option<String>,
    /// The item's own bytes of the answer.
    answer: Option<String>,
    /// What of the reads decided.
    facts: Option<Facts>,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    entry: &'a RawValue,
    story: &'a [Told],
    advice: Option<&'static str>,
}

#[derive(Serialize)]
struct RecordDocument {
    r#type: &'static str,
    record: RecordId,
    entries: Vec<Box<RawValue>>,
}

/// Shows an entry.
pub(super) fn show(
    context: &mut Context,
    reader: &Reader,
    id: EntryId,
) -> Result<Option<Box<RawValue>>, CliError> {
    let entry = reader.entry(id)?;
    let story = story(reader, &entry)?;
    let row = RawValue::from_string(entry_as_json(reader, &entry, context.now())?)?;
    let advice = advice(entry.scope.operation, entry.code());
    if context.out.is_json() {
        return document(&Document { r#type: "entry", entry: &row, story: &story, advice });
    }
    let out = &mut context.out;
    tell(out, &entry, &story)?;
    field(out, "in words", in_words_of(&row)?)?;
    field(out, "advice", advice.filter(|_| needs_advice(&entry)).unwrap_or_default())?;
    out.flush()?;
    Ok(None)
}

/// Shows every entry for a record, newest last.
pub(super) fn show_record(
    context: &mut Context,
    reader: &Reader,
    id: RecordId,
) -> Result<Option<Box<RawValue>>, CliError> {
    let filter = EntryFilter { records: vec![id], ..EntryFilter::default() };
    let mut found = Vec::new();
    reader.entries(&filter, |entry| {
        found.push(entry.clone());
        Ok::<_, StoreError>(())
    })?;
    if found.is_empty() {
        let hint = "check the id; rows that were rejected are in journal export --view rejected";
        return Err(CliError::new(Exit::Error, StoreError::NotFound(id.to_string())).hint(hint));
    }
    let now = context.now();
    let mut rows = Vec::new();
    for entry in &found {
        rows.push(RawValue::from_string(entry_as_json(reader, entry, now)?)?);
    }
    if context.out.is_json() {
        return document(&RecordDocument { r#type: "record", record: id, entries: rows });
    }
    let out = &mut context.out;
    heading(out, "record", id.to_string())?;
    for (entry, row) in found.iter().zip(&rows) {
        let name =
            format!("  {:<8}{:<8}", entry.entry.to_string(), entry.request.request.to_string());
        let state = format!("{:<18}", entry.state.to_string());
        let line = Line::new().text(name).toned(tone_of(entry.state), state);
        out.data_row(line.text(in_words_of(row)?))?;
    }
    out.flush()?;
    Ok(None)
}

/// The sentence of a row, which `--json` and export show as well.
fn in_words_of(row: &RawValue) -> Result<String, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Words {
        in_words: String,
    }
    serde_json::from_str::<Words>(row.get()).map(|row| row.in_words)
}

/// What went well needs none, and what was refused is told with it in words.
fn needs_advice(entry: &EntryView) -> bool {
    matches!(entry.state, EntryState::Unknown | EntryState::Pending)
}

fn tell(out: &mut Out, entry: &EntryView, story: &[Told]) -> Result<(), OutputError> {
    let target = entry.target.map_or_else(|| "(erased)".to_owned(), |id| id.to_string());
    let scope = &entry.scope;
    let what =
        format!("{} {} {target} in {}: ", scope.operation, scope.module, entry.request.request);
    let line = Line::new().toned(Tone::Strong, entry.entry.to_string()).text(" ").text(what);
    out.data_row(line.toned(tone_of(entry.state), entry.state.to_string()))?;
    for step in story {
        let at = step.at.map(|at| at.to_string()).unwrap_or_default();
        let index = format!("  {at:<24}  #{:<6} ", step.log_index);
        out.data_row(Line::new().toned(Tone::Faint, index).text(&step.text))?;
        if let Some(answer) = &step.answer {
            for line in readable(answer.as_bytes()) {
                out.data_row(Line::new().toned(Tone::Faint, format!("{:37}{line}", "")))?;
            }
        }
    }
    Ok(())
}

fn story(reader: &Reader, entry: &EntryView) -> Result<Vec<Told>, StoreError> {
    let request = &entry.request;
    let erased = |text: &Option<String>| text.clone().unwrap_or_else(|| "(erased)".to_owned());
    let ticket = request.ticket.as_ref().map(|ticket| format!(" ({ticket})"));
    let row = entry.row.map(|row| format!(", row {row}")).unwrap_or_default();
    let mut story = vec![Told {
        at: Some(request.at),
        log_index: request.seq.get(),
        kind: "recorded",
        text: format!(
            "recorded by {} for {}: {}{}; from {}{row}",
            erased(&request.recorded_by),
            erased(&request.requested_by),
            erased(&request.reason),
            ticket.unwrap_or_default(),
            erased(&request.source_name),
        ),
        ..Told::default()
    }];
    for step in &entry.steps {
        match step {
            Step::Attempt { batch, result } => {
                let detail = reader.batch(batch.batch)?;
                story.push(begun(&detail));
                story.extend(ended(entry.entry, batch, &detail, result.as_ref()));
            }
            Step::Snapshot { reading, never_there, .. } => story.push(Told {
                at: Some(reading.at),
                log_index: reading.seq.get(),
                kind: "snapshot_taken",
                text: if *never_there {
                    "read before the first call: it was not there, so nothing was sent".to_owned()
                } else {
                    "read before the first call".to_owned()
                },
                ..Told::default()
            }),
            Step::Evidence { .. } => story.extend(evidence(entry, step)),
        }
    }
    Ok(story)
}

fn begun(detail: &BatchDetail) -> Told {
    let view = &detail.view;
    Told {
        at: Some(detail.begun_at),
        log_index: view.begun_seq.get(),
        kind: "batch_begun",
        text: format!(
            "in {} of {}, a call for {}: {}",
            view.batch,
            view.run,
            counted(view.size, "entry", "entries"),
            view.template
        ),
        batch_id: Some(view.batch.to_string()),
        ..Told::default()
    }
}

fn ended(
    entry: EntryId,
    batch: &BatchView,
    detail: &BatchDetail,
    result: Option<&AttemptResult>,
) -> Option<Told> {
    let (end, result) = (batch.end.as_ref()?, result?);
    let said = &result.said;
    let why = detail
        .reason
        .as_ref()
        .map(|(reason, why)| if why.is_empty() { reason.replace('_', " ") } else { why.clone() });
    let why = why.unwrap_or_default();
    let text = match end.ending {
        Ending::Answered { http_status, .. } => {
            let words = [result.outcome.wire_name(), &said.code, &said.message];
            let words = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
            format!("{} answered with HTTP {http_status}: {}", batch.batch, words.join(", "))
        }
        Ending::Unanswered { .. } => format!("{} got no answer: {why}", batch.batch),
        Ending::Returned => format!("{} was not sent: {why}", batch.batch),
    };
    Some(Told {
        at: Some(end.at),
        log_index: end.seq.get(),
        kind: match end.ending {
            Ending::Answered { .. } => "batch_answered",
            Ending::Unanswered { .. } => "batch_unanswered",
            Ending::Returned => "batch_returned",
        },
        text,
        batch_id: Some(batch.batch.to_string()),
        outcome: Some(result.outcome.wire_name()),
        code: Some(said.code.clone()),
        message: Some(said.message.clone()),
        answer: own_bytes(entry, detail),
        facts: None,
    })
}

/// The entry's own bytes of the answer, verbatim.
fn own_bytes(entry: EntryId, detail: &BatchDetail) -> Option<String> {
    let answer = detail.answer.as_ref()?;
    let position = detail.entries.iter().position(|one| one == entry)?;
    let cut = answer.cuts.get(position)?.clone()?;
    answer.body.get(cut).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn evidence(entry: &EntryView, step: &Step) -> Option<Told> {
    let Step::Evidence { reading, verdict, code, facts } = step else {
        return None;
    };
    let us = entry.last_batch().and_then(|batch| batch.user);
    let read = facts.as_ref().and_then(|facts| serde_json::from_str::<Facts>(facts).ok());
    let brief = read.as_ref().map_or_else(
        || "what was read was erased".to_owned(),
        |facts| format!("read: {}", evidence_in_brief(facts, us)),
    );
    let sentence = evidence_sentence(*verdict, code, read.as_ref(), us);
    Some(Told {
        at: Some(reading.at),
        log_index: reading.seq.get(),
        kind: "evidence_read",
        text: format!("{brief}; so {verdict}: {sentence}"),
        outcome: Some(verdict.wire_name()),
        code: Some(code.clone()),
        message: Some(sentence.to_owned()),
        facts: read,
        ..Told::default()
    })
}
