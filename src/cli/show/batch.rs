//! A batch: the call as it was sent, and the answer as it came.

use std::io::IsTerminal;
use std::ops::Range;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::jobs::{JobRow, job_in_words};
use crate::cli::output::words::{counted, in_words};
use crate::cli::output::{Out, OutputError};
use crate::cli::show::{document, field, heading, readable};
use crate::domain::erasure::filler;
use crate::domain::id::{BatchId, RecordId};
use crate::domain::merkle::Hash;
use crate::domain::slices::envelope;
use crate::domain::template::{Filling, request};
use crate::domain::time::Timestamp;
use crate::store::batch::StoredAnswer;
use crate::store::query::{BatchDetail, BatchView, EntryFilter, Step};
use crate::store::{Reader, StoreError};

/// How many entries got the same result.
#[derive(Serialize)]
struct Count {
    outcome: &'static str,
    code: String,
    entries: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    batch_id: String,
    run: i64,
    api_version: &'static str,
    operation: Option<&'static str>,
    product: Option<&'static str>,
    module: Option<&'a str>,
    template: &'a str,
    request: Option<&'a str>,
    request_body: Option<&'a str>,
    entries: String,
    size: u64,
    begun_at: Timestamp,
    send_by: Timestamp,
    submitted_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    ending: &'static str,
    reason: Option<&'static str>,
    detail: Option<&'a str>,
    http_status: Option<u16>,
    outcomes: Vec<Count>,
    answer: Option<std::borrow::Cow<'a, str>>,
    answer_sha256: Option<Hash>,
    performed_by: Option<RecordId>,
    begun_log_index: i64,
    log_index: Option<i64>,
    leaf_hash: Option<Hash>,
    job: Option<JobRow>,
}

/// The call as it was sent.
struct Sent {
    line: String,
    body: Option<String>,
}

/// Shows a batch.
pub(super) fn show(
    context: &mut Context,
    reader: &Reader,
    id: BatchId,
) -> Result<Option<Box<RawValue>>, CliError> {
    let detail = reader.batch(id)?;
    let view = &detail.view;
    let sent = sent(&detail);
    let outcomes = outcomes(reader, &detail)?;
    let now = context.now();
    if !context.out.is_json() {
        tell(&mut context.out, &detail, sent.as_ref(), &outcomes, now)?;
        return Ok(None);
    }
    let scope = detail.scope.as_ref();
    let end = view.end.as_ref();
    let answer = detail.answer.as_ref();
    document(&Document {
        r#type: "batch",
        batch_id: id.to_string(),
        run: view.run.get(),
        api_version: view.api_version.wire_name(),
        operation: scope.map(|scope| scope.operation().wire_name()),
        product: scope.map(|scope| scope.product.wire_name()),
        module: scope.map(|scope| scope.module.as_str()),
        template: &view.template,
        request: sent.as_ref().map(|sent| sent.line.as_str()),
        request_body: sent.as_ref().and_then(|sent| sent.body.as_deref()),
        entries: view.entries.named().to_string(),
        size: view.size,
        begun_at: detail.begun_at,
        send_by: view.send_by,
        submitted_at: view.submitted_at(),
        ended_at: end.map(|end| end.at),
        ending: ending(view),
        reason: detail.reason.as_ref().map(|(reason, _)| *reason),
        detail: detail.reason.as_ref().map(|(_, detail)| detail.as_str()),
        http_status: view.http_status(),
        outcomes,
        answer: answer.map(|answer| String::from_utf8_lossy(&answer.body)),
        answer_sha256: answer.map(|answer| Hash::of(&answer.body)),
        performed_by: view.user,
        begun_log_index: view.begun_seq.get(),
        log_index: end.map(|end| end.seq.get()),
        leaf_hash: end.map(|end| end.leaf),
        job: view.job.as_ref().map(|job| JobRow::of(job, view)),
    })
}

/// The bytes of the answer. On a terminal they are made harmless.
pub(super) fn show_raw(
    context: &mut Context,
    reader: &Reader,
    id: BatchId,
) -> Result<Exit, CliError> {
    let detail = reader.batch(id)?;
    let answer = detail.answer.ok_or_else(|| {
        let why = match ending(&detail.view) {
            "answered" => "it was forgotten".to_owned(),
            other => format!("it is {other}"),
        };
        CliError::new(Exit::Error, format!("{id} has no answer: {why}"))
    })?;
    if std::io::stdout().is_terminal() {
        for line in String::from_utf8_lossy(&answer.body).lines() {
            context.out.data_row(line)?;
        }
    } else {
        context.out.data_bytes(&answer.body)?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}

fn ending(view: &BatchView) -> &'static str {
    view.end.as_ref().map_or("open", |end| end.ending.wire_name())
}

/// The call as it was sent; `None` once something that went into it was erased.
fn sent(detail: &BatchDetail) -> Option<Sent> {
    let ids: Option<Vec<RecordId>> = detail.targets.iter().copied().collect();
    let (ids, scope) = (ids?, detail.scope.as_ref()?);
    let brought = &detail.brought;
    let filling = Filling { ids: &ids, scope, module_id: detail.module_id, brought };
    let request = request(&detail.view.template, filling).ok()?;
    let body = request.body.as_deref().map(String::from_utf8_lossy);
    let line = format!("{} {}", request.method, request.path_and_query);
    Some(Sent { line, body: body.map(std::borrow::Cow::into_owned) })
}

fn outcomes(reader: &Reader, detail: &BatchDetail) -> Result<Vec<Count>, StoreError> {
    let entries = detail.view.entries.iter().collect();
    let filter = EntryFilter { entries, ..EntryFilter::default() };
    let mut outcomes: Vec<Count> = Vec::new();
    reader.entries(&filter, |entry| {
        let ours = entry.steps.iter().find_map(|step| match step {
            Step::Attempt { batch, result: Some(result) } if batch.batch == detail.view.batch => {
                Some(result)
            }
            Step::Attempt { .. }
            | Step::Snapshot { .. }
            | Step::Evidence { .. }
            | Step::Cancelled { .. }
            | Step::Person { .. } => None,
        });
        let Some(result) = ours else { return Ok(()) };
        let outcome = result.outcome.wire_name();
        let code = result.said.code.as_str();
        match outcomes.iter_mut().find(|one| one.outcome == outcome && one.code == code) {
            Some(same) => same.entries += 1,
            None => outcomes.push(Count { outcome, code: code.to_owned(), entries: 1 }),
        }
        Ok::<_, StoreError>(())
    })?;
    Ok(outcomes)
}

/// The answer as people read it. Stars stand in the place of what was erased, and Zoho's own stars are not told
/// from them there: what was erased says so.
fn answer_in_lines(detail: &BatchDetail, answer: &StoredAnswer) -> Vec<String> {
    let around = envelope(&answer.body, &answer.cuts);
    let erased = |place: usize| detail.targets.get(place).is_some_and(Option::is_none);
    if around.len() > 1 && around == filler(around.len()) {
        // All that stood around the items is gone; what is left of it are the others' own bytes.
        let cuts = answer.cuts.iter().enumerate().filter(|(place, _)| !erased(*place));
        let kept = cuts.filter_map(|(_, cut)| answer.body.get(cut.clone()?));
        return ["(erased)".to_owned()].into_iter().chain(kept.flat_map(readable)).collect();
    }
    let mut gone: Vec<&Range<usize>> = answer
        .cuts
        .iter()
        .enumerate()
        .filter_map(|(place, cut)| cut.as_ref().filter(|_| erased(place)))
        .collect();
    gone.sort_unstable_by_key(|cut| cut.start);
    let (mut shown, mut from) = (Vec::with_capacity(answer.body.len()), 0);
    for cut in gone {
        shown.extend(answer.body.get(from..cut.start).unwrap_or_default());
        shown.extend(b"\"(erased)\"");
        from = cut.end;
    }
    shown.extend(answer.body.get(from..).unwrap_or_default());
    readable(&shown)
}

fn tell(
    out: &mut Out,
    detail: &BatchDetail,
    call: Option<&Sent>,
    outcomes: &[Count],
    now: Timestamp,
) -> Result<(), OutputError> {
    let view = &detail.view;
    let size = counted(view.size, "entry", "entries");
    heading(out, view.batch.to_string(), format!("{size} in {}: {}", view.run, ending(view)))?;
    field(out, "entries", view.entries.named().to_string())?;
    let begun = format!("{}, event {}", detail.begun_at, view.begun_seq);
    field(out, "recorded", begun)?;
    field(out, "send by", view.send_by.to_string())?;
    let sent = view.submitted_at();
    field(out, "sent", sent.map(|at| at.to_string()).unwrap_or_default())?;
    if let Some(end) = &view.end {
        let took = sent.map(|sent| format!(", after {}", in_words(end.at.since(sent))));
        let took = took.unwrap_or_default();
        field(out, "ended", format!("{}{took}, event {}", end.at, end.seq))?;
    }
    if let Some((reason, why)) = &detail.reason {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        field(out, "because", format!("{reason}{why}"))?;
    }
    field(out, "user", view.user.map(|user| user.to_string()).unwrap_or_default())?;
    match call {
        Some(Sent { line, body }) => {
            field(out, "request", line)?;
            field(out, "body", body.as_deref().unwrap_or_default())?;
        }
        None => field(out, "request", format!("{} (an id was erased)", view.template))?,
    }
    if let Some(job) = &view.job {
        field(out, "job", job_in_words(job, view, now))?;
    }
    for one in outcomes {
        let told =
            format!("{} {} {}", counted(one.entries, "entry", "entries"), one.outcome, one.code);
        field(out, "result", told.trim_end())?;
    }
    let erased = if detail.answer.is_none() { " (erased)" } else { "" };
    let status = view.http_status().map(|status| format!("HTTP {status}{erased}"));
    field(out, "answer", status.unwrap_or_default())?;
    if let Some(answer) = &detail.answer {
        for line in answer_in_lines(detail, answer) {
            out.data_row(format!("    {line}"))?;
        }
    }
    out.flush()
}
