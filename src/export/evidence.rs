//! What was read about an entry as text: in brief for a column, in a sentence for a person.

use crate::domain::codes::asks;
use crate::domain::evidence::Look;
use crate::domain::evidence::deletion::{Facts, SeenDeleted};
use crate::domain::id::RecordId;
use crate::domain::scope::Operation;
use crate::domain::state::{Outcome, Verdict};
use crate::export::governance::{cancellation_in_brief, kept_in_brief};
use crate::export::person::person_in_brief;
use crate::export::things::{
    Moment, ThingEvidence, never_there_sentence, thing_sentence, things_in_brief,
};
use crate::store::query::{AttemptResult, EntryView, Step};
use crate::store::snapshot;

/// What spoke last about an entry, as a message: Zoho's own, or what follows from what was read.
pub fn message_of(entry: &EntryView) -> String {
    if let Some(kept) = kept_in_brief(entry) {
        return kept;
    }
    match entry.last_word() {
        Some(Step::Cancelled { cancellation }) => cancellation_in_brief(cancellation),
        Some(Step::Attempt { result: Some(result), .. }) => result.said.message.clone(),
        Some(step @ (Step::Evidence { .. } | Step::Snapshot { .. })) => {
            reading_sentence(entry, step)
        }
        Some(Step::Person { person, .. }) => person_in_brief(person),
        Some(Step::Attempt { result: None, .. }) | None => String::new(),
    }
}

/// What follows from one reading of an entry, in words; nothing for a step that is none.
pub fn reading_sentence(entry: &EntryView, step: &Step) -> String {
    let operation = entry.scope.operation;
    match step {
        Step::Evidence { verdict, .. }
            if entry.may_be_lost_before(step) && tells_of_a_call(*verdict) =>
        {
            after_a_loss(operation, *verdict).to_owned()
        }
        Step::Attempt { .. }
        | Step::Snapshot { never_there: false, .. }
        | Step::Cancelled { .. }
        | Step::Person { .. } => String::new(),
        Step::Snapshot { never_there: true, .. } => never_there_sentence(operation, ""),
        Step::Evidence { verdict, code, facts, .. } if operation == Operation::Delete => {
            let facts = facts.as_ref().and_then(|text| serde_json::from_str(text).ok());
            let after_refusal = followed_a_refusal(entry, step);
            let us = our_user(entry);
            evidence_sentence(*verdict, code, facts.as_ref(), us, after_refusal).to_owned()
        }
        Step::Evidence { verdict, code, facts, .. } => {
            let facts = facts.as_ref().and_then(|text| snapshot::parse(operation, text));
            thing_sentence(ThingEvidence {
                operation,
                verdict: *verdict,
                code,
                snapshot: entry.snapshot().as_ref(),
                seen_since: was_seen(entry, step),
                facts: facts.as_ref(),
                job: followed_a_job(entry, step),
                refused: followed_a_refusal(entry, step),
            })
        }
    }
}

/// Whether what follows from a reading is said by telling what a call did.
const fn tells_of_a_call(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Done | Verdict::Pending | Verdict::Undecided)
}

/// The same where nobody knows whether there was a call: a part of the log was lost.
const fn after_a_loss(operation: Operation, verdict: Verdict) -> &'static str {
    match (operation, verdict) {
        (Operation::Delete, Verdict::Done) => {
            "the record was deleted by our user in the time of which the log was lost"
        }
        (_, Verdict::Done) => "Zoho's job for it, of which the log still tells, did it",
        (_, Verdict::Pending) => {
            "it is untouched: the part of the log that was lost changed nothing"
        }
        (_, Verdict::Undecided | Verdict::Absent | Verdict::Failed) => {
            "a part of the log was lost, and nothing that was read tells whether calls of it did this"
        }
    }
}

/// Whether a reading before this one ended with the thing there, and untouched by the calls until then.
fn was_seen(entry: &EntryView, reading: &Step) -> bool {
    let mut before = entry.steps.iter().take_while(|step| step.seq() != reading.seq());
    before.any(|step| match step {
        Step::Evidence {
            verdict: Verdict::Failed | Verdict::Pending, facts: Some(text), ..
        } => snapshot::parse(entry.scope.operation, text).is_some_and(|facts| facts.is_there()),
        Step::Evidence { .. }
        | Step::Attempt { .. }
        | Step::Snapshot { .. }
        | Step::Cancelled { .. }
        | Step::Person { .. } => false,
    })
}

/// Whether the call before a reading was a job that Zoho accepted.
fn followed_a_job(entry: &EntryView, reading: &Step) -> bool {
    result_before(entry, reading).is_some_and(|result| result.outcome == Outcome::Queued)
}

/// Whether Zoho refused the call before a reading without a word about the thing.
fn followed_a_refusal(entry: &EntryView, reading: &Step) -> bool {
    let operation = entry.scope.operation;
    result_before(entry, reading).is_some_and(|result| {
        result.outcome == Outcome::Unknown && asks(operation, &result.said.code)
    })
}

/// What came of the call before a reading.
fn result_before<'e>(entry: &'e EntryView, reading: &Step) -> Option<&'e AttemptResult> {
    let before = entry.steps.iter().take_while(|step| step.seq() != reading.seq());
    let last = before.filter_map(|step| match step {
        Step::Attempt { result, .. } => result.as_ref(),
        Step::Snapshot { .. }
        | Step::Evidence { .. }
        | Step::Cancelled { .. }
        | Step::Person { .. } => None,
    });
    last.last()
}

/// What one reading of an entry showed, in few words; nothing for a step that is none.
pub fn reading_in_brief(entry: &EntryView, step: &Step) -> String {
    const ERASED: &str = "erased";
    let operation = entry.scope.operation;
    let thing = |text: &str, moment| match snapshot::parse(operation, text) {
        Some(facts) => things_in_brief(&facts, moment),
        None => String::new(),
    };
    match step {
        Step::Attempt { .. } | Step::Cancelled { .. } | Step::Person { .. } => String::new(),
        Step::Evidence { facts: None, .. } => ERASED.to_owned(),
        Step::Snapshot { facts: None, .. } => format!("snapshot: {ERASED}"),
        Step::Snapshot { facts: Some(text), .. } => {
            format!("snapshot: {}", thing(text, Moment::Before))
        }
        Step::Evidence { facts: Some(text), .. } if operation == Operation::Delete => {
            let facts = serde_json::from_str(text).ok();
            let brief = |facts: Facts| evidence_in_brief(&facts, our_user(entry));
            facts.map(brief).unwrap_or_default()
        }
        Step::Evidence { facts: Some(text), .. } => thing(text, Moment::After),
    }
}

/// Everything that was read and counts, in brief: the newest snapshot, and evidence that had the last word, or
/// that a person decided upon.
pub(super) fn reads_in_brief(entry: &EntryView) -> String {
    let evidence = entry.last_read().filter(|step| matches!(step, Step::Evidence { .. }));
    let briefs = [entry.newest_snapshot(), evidence].into_iter().flatten();
    briefs.map(|step| reading_in_brief(entry, step)).collect::<Vec<_>>().join("; ")
}

/// The token's user of the last call.
pub(super) fn our_user(entry: &EntryView) -> Option<RecordId> {
    entry.last_batch().and_then(|batch| batch.user)
}

/// The deletion that was seen, if one was.
fn seen(facts: &Facts) -> Option<(&'static str, &SeenDeleted)> {
    match (&facts.bin, &facts.deleted) {
        (Look::Seen(deletion), _) => Some(("bin", deletion)),
        (_, Look::Seen(deletion)) => Some(("deleted list", deletion)),
        _ => None,
    }
}

/// What was read of a deletion, in few words: `bin 2026-11-22T10:00:00.000Z by us`.
fn evidence_in_brief(facts: &Facts, us: Option<RecordId>) -> String {
    if let Some((place, deletion)) = seen(facts) {
        let at = deletion.at.map(|at| format!(" {at}")).unwrap_or_default();
        let by = match deletion.by {
            Some(by) if Some(by) == us => " by us",
            Some(_) if us.is_some() => " by another user",
            Some(_) | None => "",
        };
        let permanent = if deletion.permanent { " permanently" } else { "" };
        return format!("{place}{at}{by}{permanent}");
    }
    if let Look::Seen(record) = &facts.record {
        let modified = record.modified.map(|at| format!(" modified {at}")).unwrap_or_default();
        return format!("record there{modified}");
    }
    let places = [
        ("bin", look(&facts.bin)),
        ("deleted list", look(&facts.deleted)),
        ("record", look(&facts.record)),
    ];
    let told = places.iter().filter_map(|(place, word)| word.map(|word| format!("{place} {word}")));
    told.collect::<Vec<_>>().join(", ")
}

fn look<T>(look: &Look<T>) -> Option<&'static str> {
    match look {
        Look::NotAsked => None,
        Look::NotThere => Some("without it"),
        Look::Seen(_) => Some("has it"),
        Look::Closed => Some("closed to us"),
        Look::Silent => Some("gave no answer"),
    }
}

/// What follows from evidence of a deletion, in words. `code` is the evidence's own, `us` the token's user;
/// `after_refusal` where Zoho refused the call before it without a word about the record.
fn evidence_sentence(
    verdict: Verdict,
    code: &str,
    facts: Option<&Facts>,
    us: Option<RecordId>,
    after_refusal: bool,
) -> &'static str {
    let deletion = facts.and_then(seen).map(|(_, deletion)| deletion);
    let readable = facts.is_some_and(|facts| matches!(facts.record, Look::Seen(_)));
    let refused = asks(Operation::Delete, code);
    let by_another = |by: RecordId| us.is_some_and(|us| us != by);
    match verdict {
        Verdict::Done if deletion.is_some_and(|one| one.by.is_none()) => {
            "the record was there right before our call and was deleted while our call was open"
        }
        Verdict::Done => "the record was deleted by our user while our call was open",
        Verdict::Absent if refused => "Zoho refused our call, and the record was deleted before it",
        Verdict::Absent if deletion.and_then(|one| one.by).is_some_and(by_another) => {
            "the record was deleted by somebody else"
        }
        Verdict::Absent => "the record was deleted before our call",
        Verdict::Failed if refused && readable => {
            "Zoho refused our call, and the record is still there"
        }
        Verdict::Failed if refused => "Zoho refused our call, and no source knows the record",
        Verdict::Failed | Verdict::Pending if readable => {
            "the record is still there: our call changed nothing"
        }
        Verdict::Failed | Verdict::Pending => {
            "nothing was deleted: Zoho does not list the record as deleted"
        }
        Verdict::Undecided if deletion.is_some() && after_refusal => {
            "Zoho refused our call, and the record was deleted in its time: perhaps by it, if it was \
             delivered twice"
        }
        Verdict::Undecided if deletion.is_some() => {
            "the record is deleted, but nothing tells whether by our call"
        }
        Verdict::Undecided if readable => {
            "the record is there, but was changed after our call: perhaps restored by somebody"
        }
        Verdict::Undecided => {
            "the record cannot be read, and the list of deletions is closed to us"
        }
    }
}
