//! `journal show`: everything about one request, entry, batch or record.

mod batch;
mod entry;
pub(crate) mod full;
mod named;
mod request;
mod story;
mod undo;

use std::str::FromStr;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::{Line, Out, OutputError, Tone};
use crate::domain::id::{BatchId, EntryId, IdError, RecordId, RequestId};

/// Show everything about requests, entries, batches or records
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// A request (R12), an entry (E1337), a batch (B7) or a record's id
    #[arg(required = true, value_name = "R|E|B|RECORD")]
    subjects: Vec<Subject>,
    /// Of one batch, only the bytes of the answer
    #[arg(long)]
    raw: bool,
}

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Request(RequestId),
    Entry(EntryId),
    Batch(BatchId),
    Record(RecordId),
}

impl FromStr for Subject {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.bytes().next() {
            Some(b'R' | b'r') => text.parse().map(Self::Request),
            Some(b'E' | b'e') => text.parse().map(Self::Entry),
            Some(b'B' | b'b') => text.parse().map(Self::Batch),
            _ => text.parse().map(Self::Record),
        }
    }
}

impl ShowArgs {
    /// Runs the command.
    pub(crate) fn run(self, context: &mut Context) -> Result<Exit, CliError> {
        let reader = context.reader()?;
        if self.raw {
            return match self.subjects.as_slice() {
                [Subject::Batch(batch)] => batch::show_raw(context, &reader, *batch),
                _ => Err(CliError::new(Exit::Usage, "--raw shows the answer of exactly one batch")
                    .hint("journal show B7 --raw")),
            };
        }
        let mut documents = Vec::new();
        for (position, subject) in self.subjects.iter().enumerate() {
            if position > 0 && !context.out.is_json() {
                context.out.data_row("")?;
            }
            documents.extend(match *subject {
                Subject::Request(id) => request::show(context, &reader, id)?,
                Subject::Entry(id) => entry::show(context, &reader, id)?,
                Subject::Batch(id) => batch::show(context, &reader, id)?,
                Subject::Record(id) => entry::show_record(context, &reader, id)?,
            });
        }
        match documents.as_slice() {
            [] => context.out.flush()?,
            [only] => context.out.json_line(only)?,
            several => context.out.json_line(&several)?,
        }
        Ok(Exit::Done)
    }
}

/// With `--json` the document, to be printed with those of the other subjects.
fn document(value: &impl Serialize) -> Result<Option<Box<RawValue>>, CliError> {
    Ok(Some(serde_json::value::to_raw_value(value)?))
}

/// A line `label  text`; nothing when there is no text.
fn field(out: &mut Out, label: &str, text: impl AsRef<str>) -> Result<(), OutputError> {
    if text.as_ref().is_empty() {
        return Ok(());
    }
    out.data_row(Line::new().toned(Tone::Faint, format!("  {label:<14}")).text(text))
}

/// The heading of a subject.
fn heading(out: &mut Out, name: impl AsRef<str>, text: impl AsRef<str>) -> Result<(), OutputError> {
    out.data_row(Line::new().toned(Tone::Strong, name).text(" ").text(text))
}

/// An answer as people read it: indented where it is JSON, else as it came.
fn readable(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let pretty = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    pretty.as_deref().unwrap_or(&text).lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod things_tests;
