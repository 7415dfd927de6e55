//! An entry in one plain sentence, for somebody who never heard of an API.

use crate::domain::codes::is_open;
use crate::domain::evidence::{Look, UNDECIDED};
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::export::advice::advice_without_answer;
use crate::export::evidence::message_of;
use crate::export::governance::{awaiting_sentence, cancelled_sentence, held_sentence};
use crate::export::person::person_sentence;
use crate::export::phrases::{back, past, seen};
use crate::export::things::never_there_sentence;
use crate::export::undo::{Undo, deleted_at};
use crate::store::query::{EntryView, SettledBy, Step};

/// The entry in one plain sentence. It never names the record, so that equal stories read the same.
pub fn in_words(entry: &EntryView, undo: Option<&Undo>) -> String {
    let asked = asked(entry);
    let since = day(entry.request.at);
    match entry.state {
        EntryState::Done => done(entry, &asked, undo),
        EntryState::Absent => absent(entry, &asked),
        EntryState::Failed => failed(entry, &asked),
        EntryState::Unknown => unknown(entry, &asked),
        EntryState::Pending if entry.attempts() == 0 => {
            format!("Waiting to be sent since {since} {asked}; nothing has been changed so far.")
        }
        EntryState::Pending => format!(
            "Waiting to be sent again {asked}; what was tried so far changed nothing at Zoho."
        ),
        EntryState::AwaitingApproval => awaiting_sentence(entry, &asked),
        EntryState::InFlight => {
            format!("Being sent to Zoho {asked}; what Zoho did is not known yet.")
        }
        EntryState::Queued => queued(entry, &asked),
        EntryState::Held => held_sentence(entry, &asked),
        EntryState::Cancelled => cancelled_sentence(entry, &asked),
    }
}

/// `at Anna's request (GDPR-17)`
fn asked(entry: &EntryView) -> String {
    let who = entry.request.requested_by.as_deref().unwrap_or("somebody");
    let ticket = entry.request.ticket.as_ref().map(|ticket| format!(" ({ticket})"));
    format!("at {who}'s request{}", ticket.unwrap_or_default())
}

/// `2026-11-22`
pub(super) fn day(time: Timestamp) -> String {
    let mut text = time.to_string();
    if let Some((day, _)) = text.split_once('T') {
        text.truncate(day.len());
    }
    text
}

/// ` on 2026-11-22`, by what Zoho shows, else by when the last call left.
fn on_day(entry: &EntryView) -> String {
    let deleted = entry.facts().as_ref().and_then(deleted_at);
    let sent = || entry.last_batch().and_then(|batch| batch.submitted_at());
    deleted.or_else(sent).map(|at| format!(" on {}", day(at))).unwrap_or_default()
}

fn done(entry: &EntryView, asked: &str, undo: Option<&Undo>) -> String {
    let operation = entry.scope.operation;
    let unclear = |shows: &str| format!("no clear answer came, but {shows}");
    let proof = match entry.settled().map(|settled| settled.by) {
        Some(SettledBy::Answer) => "Zoho confirmed it".to_owned(),
        Some(SettledBy::Job) => "Zoho's job for it is over, and it is gone".to_owned(),
        Some(SettledBy::Evidence)
            if entry.last_word().is_some_and(|word| entry.may_be_lost_before(word)) =>
        {
            format!("the journal's own record of the call was lost, but {}", message_of(entry))
        }
        Some(SettledBy::Evidence) => match entry.facts().map(|facts| facts.bin) {
            Some(Look::Seen(_)) => unclear("Zoho's recycle bin shows that this call did it"),
            Some(_) => unclear("Zoho's list of deletions shows that this call did it"),
            None => unclear(seen(operation)),
        },
        Some(SettledBy::Person) | None => {
            person_sentence(entry).unwrap_or_else(|| "it is recorded as done".to_owned())
        }
    };
    let until = undo.and_then(|undo| undo.until).map(day);
    let back = back(operation, undo, until.as_deref());
    format!("{}{} {asked}; {proof}; {back}.", past(entry), on_day(entry))
}

fn absent(entry: &EntryView, asked: &str) -> String {
    if let Some(Step::Snapshot { reading, .. }) = entry.last_word() {
        let on = format!(" on {},", day(reading.at));
        let found = never_there_sentence(entry.scope.operation, &on);
        return format!("Nothing to do: {found}; nothing was changed {asked}.");
    }
    if let Some(decided) = person_sentence(entry) {
        let already = already(entry);
        return format!("{already}: {decided}; nothing was changed {asked}.");
    }
    let found = match message_of(entry) {
        message if message.is_empty() => "it was gone before".to_owned(),
        message => message,
    };
    let on = entry.facts().as_ref().and_then(deleted_at).map(|at| format!(" on {}", day(at)));
    let already = already(entry);
    format!("{already}: {found}{}; nothing was changed {asked}.", on.unwrap_or_default())
}

/// What is to come back is not gone but there.
fn already(entry: &EntryView) -> &'static str {
    if entry.scope.operation.is_undo() { "Back already" } else { "Already gone" }
}

/// Zoho took it on and has not said what came of it.
fn queued(entry: &EntryView, asked: &str) -> String {
    let job = entry.job();
    let name = job.and_then(|job| job.id.as_ref()).map(|id| format!(" {id}"));
    let name = name.unwrap_or_default();
    let on = on_day(entry);
    match job.and_then(|job| job.over) {
        None => format!("Accepted by Zoho as job{name}{on} {asked}; Zoho has not finished it."),
        Some(over) => format!(
            "Accepted by Zoho as job{name}{on} {asked}; the job is over since {}, and the next run reads \
             what became of it.",
            day(over.end.at)
        ),
    }
}

fn failed(entry: &EntryView, asked: &str) -> String {
    let on = entry.last_batch().and_then(|batch| batch.submitted_at());
    let on = on.map(|at| format!(", tried on {}", day(at))).unwrap_or_default();
    if let Some(decided) = person_sentence(entry) {
        return format!("Not done{on} {asked}: {decided}.");
    }
    format!("Not done{on} {asked}{}.", why(entry))
}

/// `: Zoho refused it with RECORD_LOCKED, which means: …`
fn why(entry: &EntryView) -> String {
    let (code, message) = (entry.code(), message_of(entry));
    // That it may have been done was true of the answer; since then it was read.
    let means = advice_without_answer(entry).filter(|_| !is_open(entry.scope.operation, code));
    let unseen = advice_without_answer(entry).is_none() && code != UNDECIDED;
    let read = entry.settled().is_some_and(|settled| settled.by != SettledBy::Answer);
    match (code, means) {
        ("", _) if message.is_empty() => String::new(),
        ("", _) => format!(": {message}"),
        (code, Some(means)) if read => format!(": {message} ({code}: {means})"),
        (code, None) if read && unseen => format!(": {message} ({code}, a code not known so far)"),
        (code, None) if read => format!(": {message} ({code})"),
        (code, Some(means)) => format!(": Zoho refused it with {code}, which means: {means}"),
        (code, None) if message.is_empty() => format!(": Zoho refused it with {code}"),
        (code, None) => format!(": Zoho refused it with {code} ({message})"),
    }
}

fn unknown(entry: &EntryView, asked: &str) -> String {
    let sent = entry.last_batch().and_then(|batch| batch.submitted_at());
    let sent = sent.map(|at| format!(" on {}", day(at))).unwrap_or_default();
    if entry.is_adopted_unread() {
        format!(
            "Not known yet: to be done {asked}, but a part of this journal was lost that may have done it; what \
             happened is read at Zoho before anything is sent."
        )
    } else if entry.code() == UNDECIDED && entry.last_batch().is_none() {
        format!(
            "Not known: to be done {asked}, and reading at Zoho could not decide what happened ({}); a person must \
             settle it.",
            message_of(entry)
        )
    } else if entry.code() == UNDECIDED {
        format!(
            "Not known: sent{sent} {asked}, and reading at Zoho could not decide what happened ({}); a \
             person must settle it.",
            message_of(entry)
        )
    } else {
        format!(
            "Not known yet: sent{sent} {asked}, but Zoho gave no clear answer; what happened is read at \
             Zoho before anything is sent again."
        )
    }
}
