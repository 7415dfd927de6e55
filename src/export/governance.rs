//! What keeps an entry from being sent, or kept it for good: holds, approvals that are missing, withdrawals. As a
//! message, and as parts of a sentence.

use crate::domain::state::EntryState;
use crate::export::words::day;
use crate::store::approval::ApprovalView;
use crate::store::cancelling::CancellationView;
use crate::store::holding::HoldView;
use crate::store::query::{EntryView, Step};

const ERASED: &str = "(erased)";

fn who(name: Option<&String>) -> &str {
    name.map_or("somebody", String::as_str)
}

/// Why, with the ticket; without the full stop that a sentence ends with itself.
fn why(reason: Option<&String>, ticket: Option<&String>) -> String {
    let reason = reason.map_or(ERASED, String::as_str).trim();
    let reason = reason.strip_suffix('.').unwrap_or(reason);
    match ticket {
        Some(ticket) => format!("{reason} ({ticket})"),
        None => reason.to_owned(),
    }
}

/// `held by Anna since 2026-11-22 (H1): legal case (LEG-9); to be reviewed by 2026-12-31`
pub fn hold_in_brief(hold: &HoldView) -> String {
    let review = hold.review_by.map(|at| format!("; to be reviewed by {}", day(at)));
    format!(
        "held by {} since {} ({}): {}{}",
        who(hold.held_by.as_ref()),
        day(hold.at),
        hold.hold,
        why(hold.reason.as_ref(), hold.ticket.as_ref()),
        review.unwrap_or_else(|| "; until it is released".to_owned())
    )
}

/// `Bert`, or `bert@example.com (signed with SHA256:…)`
pub(super) fn approver_in_brief(approval: &ApprovalView) -> Option<String> {
    let by = approval.by.as_ref();
    let Some(key) = &approval.key else { return by.cloned() };
    Some(format!("{} (signed with {key})", by.map_or(ERASED, String::as_str)))
}

/// `withdrawn by Anna: asked twice`
pub(super) fn cancellation_in_brief(cancellation: &CancellationView) -> String {
    let verb = if cancellation.rejected { "rejected" } else { "withdrawn" };
    let why = why(cancellation.reason.as_ref(), None);
    format!("{verb} by {}: {why}", who(cancellation.by.as_ref()))
}

/// What keeps an entry from being sent; nothing for one that nothing keeps.
pub(super) fn kept_in_brief(entry: &EntryView) -> Option<String> {
    match entry.state {
        EntryState::Held => Some(
            entry
                .hold
                .as_deref()
                .map_or_else(|| "held; its hold is not there any more".to_owned(), hold_in_brief),
        ),
        EntryState::AwaitingApproval if entry.has_expired() => Some(format!(
            "older than it may be sent: it was valid until {}; a fresh approval makes it valid anew",
            entry.request.valid_until
        )),
        EntryState::AwaitingApproval
        | EntryState::Pending
        | EntryState::InFlight
        | EntryState::Queued
        | EntryState::Unknown
        | EntryState::Done
        | EntryState::Absent
        | EntryState::Failed
        | EntryState::Cancelled => None,
    }
}

pub(super) fn held_sentence(entry: &EntryView, asked: &str) -> String {
    let hold = kept_in_brief(entry).unwrap_or_default();
    format!("On hold: asked for {asked}, but nothing is sent while the hold lasts ({hold}).")
}

pub(super) fn awaiting_sentence(entry: &EntryView, asked: &str) -> String {
    let since = day(entry.request.at);
    match entry.request.expired.filter(|_| entry.has_expired()) {
        Some(at) => format!(
            "Waiting for a fresh approval since {}: asked for {asked}, and valid until {}; nothing of it is sent \
             before.",
            day(at),
            day(entry.request.valid_until)
        ),
        None => format!("Waiting for approval since {since} {asked}; nothing has been sent."),
    }
}

pub(super) fn cancelled_sentence(entry: &EntryView, asked: &str) -> String {
    let Some(Step::Cancelled { cancellation }) = entry.last_word() else {
        return format!("Withdrawn before it was sent: asked for {asked}; nothing was changed.");
    };
    let verb = if cancellation.rejected { "Rejected" } else { "Withdrawn" };
    let (by, on) = (who(cancellation.by.as_ref()), day(cancellation.at));
    let why = why(cancellation.reason.as_ref(), None);
    let tried = if entry.attempts() > 0 {
        "what was tried before changed nothing"
    } else {
        "nothing was sent"
    };
    format!("{verb} by {by} on {on}: {why}; asked for {asked}; {tried}.")
}
