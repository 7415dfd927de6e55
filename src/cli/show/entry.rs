//! An entry: its whole story, in order.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::blocked::{self, WaitRow};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::jobs::job_in_words;
use crate::cli::list::tone_of;
use crate::cli::output::{Line, Out, OutputError, Tone};
use crate::cli::show::full::{self, Full, FullDocument};
use crate::cli::show::story::{Told, story};
use crate::cli::show::{document, field, heading, readable};
use crate::domain::id::{EntryId, RecordId};
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::export::{advice_of, entry_as_json, reading_in_brief};
use crate::store::query::{EntryFilter, EntryView};
use crate::store::{Reader, StoreError};

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    entry: &'a RawValue,
    story: &'a [Told],
    advice: Option<String>,
    /// Another entry for the same thing that keeps a pending one from being sent.
    waits_for: Option<WaitRow>,
    /// The newest full snapshot, where the request wants them.
    #[serde(skip_serializing_if = "Option::is_none")]
    full_snapshot: Option<FullDocument>,
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
    let (mut story, said) = story(reader, &entry)?;
    story.extend(full::told(reader, &entry)?);
    story.sort_by_key(|told| told.log_index);
    let now = context.now();
    let row = RawValue::from_string(entry_as_json(reader, &entry, now)?)?;
    let said = said.as_ref().map(|said| (said.level, &said.verdict));
    let advice = advice_of(&entry, said);
    let blocker = reader.blocker_of(id)?;
    let kept = Full::of(context, reader, &entry)?;
    if context.out.is_json() {
        let waits_for = blocker.map(|by| WaitRow::of(context, id, &by));
        let r#type = "entry";
        let full_snapshot = kept.document();
        return document(&Document {
            r#type,
            entry: &row,
            story: &story,
            advice,
            waits_for,
            full_snapshot,
        });
    }
    let waits_for = blocker.map(|by| blocked::waits_for(context, &by));
    let out = &mut context.out;
    tell(out, &entry, &story)?;
    tell_scope(out, &entry, now)?;
    field(out, "full copy", kept.in_words(now))?;
    let in_words = in_words_of(&row)?;
    // What the sentence says already is not said again.
    let advice = advice.filter(|advice| needs_advice(&entry) && !in_words.contains(advice));
    field(out, "in words", &in_words)?;
    field(out, "advice", advice.unwrap_or_default())?;
    field(out, "waits for", waits_for.unwrap_or_default())?;
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
        // The record may be the one whose list it is.
        let other = entry.target.filter(|target| *target != id);
        let other = other.map(|target| format!("{target}: ")).unwrap_or_default();
        out.data_row(line.text(other).text(in_words_of(row)?))?;
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

/// What went well needs none.
fn needs_advice(entry: &EntryView) -> bool {
    matches!(entry.state, EntryState::Unknown | EntryState::Pending | EntryState::Failed)
}

/// What the operation is about beside the record, what was there before, and the job.
fn tell_scope(out: &mut Out, entry: &EntryView, now: Timestamp) -> Result<(), OutputError> {
    let scope = &entry.scope;
    let erased = || "(erased)".to_owned();
    match scope.operation {
        Operation::Delete => return Ok(()),
        Operation::Untag | Operation::Retag if scope.tags.is_empty() => {
            field(out, "tags", erased())?;
        }
        Operation::Untag | Operation::Retag => field(out, "tags", scope.tags.join(", "))?,
        Operation::Unlink | Operation::Relink => {
            let parent = scope.parent.map_or_else(erased, |parent| parent.to_string());
            let list = scope.related_list.as_deref().unwrap_or_default();
            field(out, "list", format!("{list} of {} {parent}", scope.module))?;
        }
        Operation::DeleteTags | Operation::Restore | Operation::RecreateTags => {}
    }
    let before = entry.newest_snapshot().map(|step| reading_in_brief(entry, step));
    let before = before.as_ref().map(|brief| brief.strip_prefix("snapshot: ").unwrap_or(brief));
    let unread = match (entry.request.snapshot, entry.state.is_settled()) {
        (false, _) => "not read (--no-snapshot)",
        (true, true) => "not read",
        (true, false) => "not read yet",
    };
    field(out, "before", before.unwrap_or(unread))?;
    if let (Some(job), Some(batch)) = (entry.job(), entry.last_batch()) {
        field(out, "job", job_in_words(job, batch, now))?;
    }
    Ok(())
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
        if step.answer_erased {
            out.data_row(Line::new().toned(Tone::Faint, format!("{:37}(erased)", "")))?;
        }
        if let Some(answer) = &step.answer {
            for line in readable(answer.as_bytes()) {
                out.data_row(Line::new().toned(Tone::Faint, format!("{:37}{line}", "")))?;
            }
        }
        for line in step.named.lines() {
            out.data_row(format!("{:37}{line}", ""))?;
        }
    }
    Ok(())
}
