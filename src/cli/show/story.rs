//! What happened to an entry, step by step, in the order of the log.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::decisions::approval_in_words;
use crate::cli::jobs::ended_in_words;
use crate::cli::output::words::counted;
use crate::cli::show::named::{Named, Said};
use crate::domain::id::{EntryId, EventSeq};
use crate::domain::state::{Outcome, Verdict};
use crate::domain::time::Timestamp;
use crate::export::{message_of, reading_in_brief, reading_sentence};
use crate::store::adopting::AdoptionView;
use crate::store::cancelling::CancellationView;
use crate::store::query::{
    AttemptResult, BatchDetail, BatchView, Ending, EntryView, JobView, PersonView, ReadingView,
    RecheckView, Step,
};
use crate::store::{Reader, StoreError};

/// One step of the story.
#[derive(Debug, Default, Serialize)]
pub(super) struct Told {
    pub(super) at: Option<Timestamp>,
    pub(super) log_index: i64,
    kind: &'static str,
    pub(super) text: String,
    batch_id: Option<String>,
    outcome: Option<&'static str>,
    code: Option<String>,
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    /// The item's own bytes of the answer, or all of it where it speaks of the call as a whole.
    pub(super) answer: Option<String>,
    /// Whether the item's own bytes of the answer were erased.
    #[serde(skip)]
    pub(super) answer_erased: bool,
    /// What the answer names beside code and message.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub(super) named: Named,
    /// What was read.
    facts: Option<Box<RawValue>>,
}

impl Told {
    /// A step that is told in one sentence.
    pub(super) fn plain(
        kind: &'static str,
        (seq, at): (EventSeq, Timestamp),
        text: String,
    ) -> Self {
        Self { at: Some(at), log_index: seq.get(), kind, text, ..Self::default() }
    }
}

/// The story, and what the last answer says in full.
pub(super) fn story(
    reader: &Reader,
    entry: &EntryView,
) -> Result<(Vec<Told>, Option<Said>), StoreError> {
    let mut story = vec![recorded(entry)];
    story.extend(approved(entry));
    let mut last = None;
    for step in &entry.steps {
        match step {
            Step::Attempt { batch, result } => {
                let detail = reader.batch(batch.batch)?;
                let said = Said::of(entry.entry, &detail);
                story.push(begun(&detail));
                story.extend(ended(entry.entry, batch, &detail, result.as_ref(), said.as_ref()));
                story.extend(batch.job.as_ref().and_then(|job| job_ended(batch, job)));
                last = said.or(last);
            }
            Step::Snapshot { .. } | Step::Evidence { .. } => story.extend(read(entry, step)),
            Step::Person { person, reading, verdict } => {
                story.push(decided(entry, person, reading, *verdict));
            }
            Step::Cancelled { cancellation } => story.push(cancelled(entry, cancellation)),
        }
    }
    story.extend(entry.adoptions.iter().map(|adoption| adopted(adoption)));
    story.extend(entry.rechecks.iter().map(looked_again));
    // The end of a job lies between the call that made it and what was read after it.
    story.sort_by_key(|told| told.log_index);
    Ok((story, last))
}

fn recorded(entry: &EntryView) -> Told {
    let request = &entry.request;
    let erased = |text: &Option<String>| text.clone().unwrap_or_else(|| "(erased)".to_owned());
    let ticket = request.ticket.as_ref().map(|ticket| format!(" ({ticket})"));
    let row = match entry.row {
        Some(undone) if entry.scope.operation.is_undo() => format!(", to undo E{undone}"),
        Some(row) => format!(", row {row}"),
        None => String::new(),
    };
    Told {
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
    }
}

fn adopted(adoption: &AdoptionView) -> Told {
    let erased = |text: &Option<String>| text.clone().unwrap_or_else(|| "(erased)".to_owned());
    Told {
        at: Some(adoption.at),
        log_index: adoption.seq.get(),
        kind: "adopted",
        text: format!(
            "the journal was adopted at {} ({}) by {}: {}; what was lost may have sent it",
            counted(adoption.events, "event", "events"),
            adoption.cause,
            erased(&adoption.by),
            erased(&adoption.reason)
        ),
        ..Told::default()
    }
}

fn begun(detail: &BatchDetail) -> Told {
    let view = &detail.view;
    // The first line is the call; a body follows it, and is the same for every entry but for the ids.
    let line = view.template.lines().next().unwrap_or_default();
    Told {
        at: Some(detail.begun_at),
        log_index: view.begun_seq.get(),
        kind: "batch_begun",
        text: format!(
            "in {} of {}, a call for {}: {line}",
            view.batch,
            view.run,
            counted(view.size, "entry", "entries"),
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
    full: Option<&Said>,
) -> Option<Told> {
    let (end, result) = (batch.end.as_ref()?, result?);
    let said = &result.said;
    let why = detail
        .reason
        .as_ref()
        .map(|(reason, why)| if why.is_empty() { reason.replace('_', " ") } else { why.clone() });
    let why = why.unwrap_or_default();
    let job = batch.job_id().filter(|_| result.outcome == Outcome::Queued).cloned();
    let text = match end.ending {
        Ending::Answered { http_status, .. } => {
            let words = [result.outcome.wire_name(), &said.code, &said.message];
            let words = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
            let job = job.as_ref().map(|job| format!("; Zoho's job {job}")).unwrap_or_default();
            format!("{} answered with HTTP {http_status}: {}{job}", batch.batch, words.join(", "))
        }
        Ending::Unanswered { .. } => format!("{} got no answer: {why}", batch.batch),
        Ending::Returned => format!("{} was not sent: {why}", batch.batch),
    };
    // An answer that speaks of the whole call may have refused it for another item: then it says nothing
    // about this one.
    let full = full.filter(|full| full.verdict.code == said.code);
    let own = own_bytes(entry, detail);
    let answer_erased = own.as_ref().is_some_and(|(erased, _)| *erased);
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
        job_id: job,
        answer: match own {
            Some((erased, bytes)) => (!erased).then_some(bytes),
            None => full.map(|full| full.bytes.clone()),
        },
        answer_erased,
        named: full.map(|full| full.named.clone()).unwrap_or_default(),
        facts: None,
    })
}

/// The entry's own bytes of the answer, as they stand there, and whether what they were was erased.
fn own_bytes(entry: EntryId, detail: &BatchDetail) -> Option<(bool, String)> {
    let answer = detail.answer.as_ref()?;
    let position = detail.view.entries.iter().position(|one| one == entry)?;
    let cut = answer.cuts.get(position)?.clone()?;
    let erased = detail.targets.get(position)?.is_none();
    answer.body.get(cut).map(|bytes| (erased, String::from_utf8_lossy(bytes).into_owned()))
}

fn job_ended(batch: &BatchView, job: &JobView) -> Option<Told> {
    let over = job.over?;
    let name = job.id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    Some(Told {
        at: Some(over.end.at),
        log_index: over.seq.get(),
        kind: "job_ended",
        text: format!("Zoho's job{name} {}", ended_in_words(&over.end)),
        batch_id: Some(batch.batch.to_string()),
        job_id: job.id.clone(),
        ..Told::default()
    })
}

/// What was read, before a call or to find out.
fn read(entry: &EntryView, step: &Step) -> Option<Told> {
    let brief = match reading_in_brief(entry, step) {
        brief if brief == "erased" => "what was read was erased".to_owned(),
        brief => brief,
    };
    let sentence = reading_sentence(entry, step);
    let told = match step {
        Step::Attempt { .. } | Step::Person { .. } | Step::Cancelled { .. } => return None,
        Step::Snapshot { reading, facts, never_there } => {
            let brief = brief.strip_prefix("snapshot: ").unwrap_or(&brief);
            let nothing = if *never_there { "; so nothing was sent" } else { "" };
            Told {
                at: Some(reading.at),
                log_index: reading.seq.get(),
                kind: "snapshot_taken",
                text: format!("read before the call: {brief}{nothing}"),
                outcome: never_there.then_some("absent"),
                message: never_there.then_some(sentence),
                facts: raw(facts.as_ref()),
                ..Told::default()
            }
        }
        Step::Evidence { reading, verdict, code, facts } => {
            let brief = if facts.is_some() { format!("read: {brief}") } else { brief };
            Told {
                at: Some(reading.at),
                log_index: reading.seq.get(),
                kind: "evidence_read",
                text: format!("{brief}; so {verdict}: {sentence}"),
                outcome: Some(verdict.wire_name()),
                code: Some(code.clone()),
                message: Some(sentence),
                facts: raw(facts.as_ref()),
                ..Told::default()
            }
        }
    };
    Some(told)
}

/// What a later look showed.
fn looked_again(seen: &RecheckView) -> Told {
    Told {
        at: Some(seen.reading.at),
        log_index: seen.reading.seq.get(),
        kind: "entries_rechecked",
        text: format!("looked at again: {}", seen.found),
        outcome: Some(seen.found.wire_name()),
        facts: raw(seen.facts.as_ref()),
        ..Told::default()
    }
}

/// What a person decided, since no read could.
fn decided(
    entry: &EntryView,
    person: &PersonView,
    reading: &ReadingView,
    verdict: Verdict,
) -> Told {
    let erased = |text: &Option<String>| text.clone().unwrap_or_else(|| "(erased)".to_owned());
    let ticket = person.ticket.as_ref().map(|ticket| format!(" ({ticket})"));
    Told {
        at: Some(reading.at),
        log_index: reading.seq.get(),
        kind: "entries_settled",
        text: format!(
            "settled as {verdict} by {}, recorded by {}: {}{}",
            erased(&person.settled_by),
            erased(&person.recorded_by),
            erased(&person.reason),
            ticket.unwrap_or_default(),
        ),
        outcome: Some(verdict.wire_name()),
        message: Some(message_of(entry)),
        ..Told::default()
    }
}

/// That a person withdrew it, or rejected its request.
fn cancelled(entry: &EntryView, cancellation: &CancellationView) -> Told {
    let account = cancellation.account.as_deref().unwrap_or("(erased)");
    Told {
        at: Some(cancellation.at),
        log_index: cancellation.seq.get(),
        kind: if cancellation.rejected { "request_rejected" } else { "entries_cancelled" },
        text: format!("{}; recorded by {account}", message_of(entry)),
        outcome: Some("cancelled"),
        code: Some(cancellation.code().to_owned()),
        message: Some(message_of(entry)),
        ..Told::default()
    }
}

/// The newest approval of its request, and whether it needs another one.
fn approved(entry: &EntryView) -> Option<Told> {
    let approval = entry.request.approval.as_ref()?;
    Some(Told {
        at: Some(approval.at),
        log_index: approval.seq.get(),
        kind: "request_approved",
        text: format!("{} {}", entry.request.request, approval_in_words(approval)),
        ..Told::default()
    })
}

fn raw(facts: Option<&String>) -> Option<Box<RawValue>> {
    facts.and_then(|text| RawValue::from_string(text.clone()).ok())
}
