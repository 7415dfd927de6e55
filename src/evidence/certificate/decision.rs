//! What people, policies and holds decided about an entry, in plain words. Who and why stand in opened fields.

use crate::domain::event::{
    Adopted, AdoptionCause, ApprovalNeeded, HoldPlaced, HoldReleased, NeedCause, RequestApproved,
};
use crate::domain::id::EntryId;
use crate::domain::ranges::EntryRanges;
use crate::evidence::certificate::story::{About, Says};

/// An approval, which may have found the entry not waiting for one.
pub(super) fn approved(data: &RequestApproved, about: &About<'_>, says: &mut Says) -> String {
    let who = match (data.second, data.same_account) {
        (true, true) if data.signature.is_some() => {
            "by somebody of another name than who asked, with a signature; the same OS account recorded both"
        }
        (true, false) => {
            "by a second person, as the names say; another OS account recorded it than the request"
        }
        (true, true) => {
            "by somebody of another name than who asked; the same OS account recorded both, so that nothing \
             but the names tells them apart"
        }
        (false, false) => {
            "by who asked for it, as the names say, and by no second person; another OS account recorded it than \
             the request"
        }
        (false, true) => {
            "by who asked for it, as the names say, and by no second person; the same OS account recorded both"
        }
    };
    says.push(("valid until", data.valid_until.to_string()));
    says.extend(about.signature.clone().map(|signature| ("signature", signature)));
    let moved = if about.moved {
        "The entry had waited for that."
    } else {
        "The entry was not moved by that: it was held, or waited for nothing."
    };
    let told = format!("{} was approved {who}. {moved}", data.request);
    read_first(&told, data.unread.as_ref(), about.entry)
}

/// What was pending has to wait for an approval.
pub(super) fn needed(data: &ApprovalNeeded) -> String {
    match data.cause {
        NeedCause::Expired => format!(
            "{} had become older than it may be sent: it needs a fresh approval from then on.",
            data.request
        ),
        NeedCause::Policy => format!(
            "The policy of that moment ({}) asked for a second person: {} needs an approval from then on.",
            data.policy, data.request
        ),
    }
}

/// A hold that covered it from then on.
pub(super) fn held(data: &HoldPlaced, says: &mut Says) -> String {
    let what = if data.whole {
        format!("all of {}", data.module)
    } else if data.ids == 1 {
        "1 id".to_owned()
    } else {
        format!("{} ids", data.ids)
    };
    says.extend(data.review_by.map(|at| ("to be looked at again by", at.to_string())));
    format!(
        "Hold {} of {what} was placed. It covers the entry, which was held from then on.",
        data.hold
    )
}

/// The end of what held it.
pub(super) fn released(data: &HoldReleased, entry: EntryId) -> String {
    let waits = data.awaiting_approval.as_ref().is_some_and(|waiting| waiting.contains(entry));
    let unread = data.unread.as_ref();
    let next = match (waits, unread.is_some_and(|unread| unread.contains(entry))) {
        (true, _) => "it still needed an approval",
        (false, true) => "what a lost part of the log had done to it was to be read first",
        (false, false) => "it could be sent from then on",
    };
    let holds: Vec<String> = data.parts.iter().map(|part| part.hold.to_string()).collect();
    format!("What held it was released ({}): {next}.", holds.join(", "))
}

/// What let an entry go, and whether it had to be read before anything was sent.
pub(super) fn read_first(told: &str, unread: Option<&EntryRanges>, entry: EntryId) -> String {
    if unread.is_some_and(|unread| unread.contains(entry)) {
        format!("{told} A lost part of the log may have sent it, so that it had to be read first.")
    } else {
        told.to_owned()
    }
}

/// A part of the log was lost, or goes on elsewhere.
pub(super) fn adopted(data: &Adopted) -> String {
    let why = match data.cause {
        AdoptionCause::Behind => "an older copy of the journal had been put back",
        AdoptionCause::Missing => "nothing showed that the journal was not an older copy",
        AdoptionCause::Copy => "a copy of the journal was taken into use",
        AdoptionCause::Moved => "the journal that it had been moved to was lost",
    };
    format!(
        "The journal was adopted at {} events, since {why}: from then on it has another name and key. What came \
         after these events elsewhere is not in it and may have sent the entry, which had to be read first.",
        data.events
    )
}
