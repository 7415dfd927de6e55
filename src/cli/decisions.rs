//! What people decided, as the log and `show` tell it.

use std::collections::BTreeMap;

use crate::cli::output::words::counted;
use crate::domain::event::{Event, HoldPlaced, HoldReleased, NeedCause, RequestApproved};
use crate::domain::ranges::EntryRanges;
use crate::domain::sshsig::SshSignature;
use crate::store::approval::ApprovalView;

/// What is said where the OS account behind two names is one: nobody can know whether two people sat at it.
pub(crate) const SAME_ACCOUNT: &str =
    "the same OS account recorded the request: names are an honour system";

/// `approved by Bert (recorded by anna) on …`
pub(crate) fn approval_in_words(approval: &ApprovalView) -> String {
    let by = approval.by.as_deref().unwrap_or("(erased)");
    let account = approval.account.as_deref().unwrap_or("(erased)");
    let whose = match (approval.second, approval.same_account) {
        (false, _) => ", who asked for it: no second person".to_owned(),
        // Whoever types a signed approval is nobody in particular: the key tells who approved.
        (true, true) if approval.key.is_some() => "; the same OS account recorded both".to_owned(),
        (true, true) => format!("; {SAME_ACCOUNT}"),
        (true, false) => String::new(),
    };
    let signed = approval.key.as_ref().map(|key| format!(", signed with {key}"));
    let signed = signed.unwrap_or_default();
    format!("approved by {by}{signed}, recorded by {account}, at {}{whose}", approval.at)
}

/// Events of decisions on one line. `opened` are their sealed fields, as far as they were not erased.
pub(crate) fn in_words(event: &Event, opened: &BTreeMap<String, String>) -> String {
    let seal = |field: &str| opened.get(field).map_or("(erased)", String::as_str);
    let account = seal("recorded_by");
    let why = seal("reason");
    if let Event::RequestApproved(event) = event {
        let signed = signed_in_words(event.signature.is_some(), opened);
        approved(event, &format!("{}{signed}", seal("approved_by")), account)
    } else if let Event::RequestRejected(event) = event {
        let (who, entries) = (seal("rejected_by"), event.entries.named());
        let request = event.request;
        format!("{request} rejected by {who} (recorded by {account}), {entries} cancelled: {why}")
    } else if let Event::ApprovalNeeded(event) = event {
        let cause = match event.cause {
            NeedCause::Expired => "too old without a fresh approval".to_owned(),
            NeedCause::Policy => format!("the policy {} asks for a second person", event.policy),
        };
        format!("{}: {} {cause}", event.request, waits(&event.entries))
    } else if let Event::EntriesCancelled(event) = event {
        let (who, entries) = (seal("cancelled_by"), event.entries.named());
        format!("{entries} withdrawn by {who} (recorded by {account}): {why}")
    } else if let Event::Paused(_) = event {
        format!("by {} (recorded by {account}): {why}", seal("paused_by"))
    } else if let Event::Resumed(_) = event {
        let why = opened.get("reason").map(|why| format!(": {why}")).unwrap_or_default();
        format!("by {} (recorded by {account}){why}", seal("resumed_by"))
    } else if let Event::HoldPlaced(event) = event {
        placed(event, seal("held_by"), why)
    } else if let Event::EntriesHeld(event) = event {
        format!("{} came back to pending and are held", event.entries.named())
    } else if let Event::HoldReleased(event) = event {
        released(event, seal("released_by"), why)
    } else if let Event::PolicySet(event) = event {
        let verb = if event.in_force { "set" } else { "proposed" };
        let (policy, who) = (&event.require_approval, seal("set_by"));
        let approver = event.approver.map(|one| format!(", approver {one}")).unwrap_or_default();
        let rules = event.rules.appended();
        let pinned = if event.signers.is_some() { ", signers pinned" } else { "" };
        format!(
            "{} {verb} by {who}: require approval {policy}{rules}{approver}{pinned}: {why}",
            event.policy
        )
    } else if let Event::PolicyApproved(event) = event {
        let same = if event.same_account { "; one OS account recorded both" } else { "" };
        let signed = signed_in_words(event.signature.is_some(), opened);
        format!("{} approved by {}{signed}{same}", event.policy, seal("approved_by"))
    } else if let Event::PolicyRejected(event) = event {
        format!("{} rejected by {}: {why}", event.policy, seal("rejected_by"))
    } else {
        event.kind().to_owned()
    }
}

/// `, signed with SHA256:…`; nothing for an approval that is not signed.
fn signed_in_words(signed: bool, opened: &BTreeMap<String, String>) -> String {
    if !signed {
        return String::new();
    }
    let key = opened.get("signature").and_then(|armoured| SshSignature::parse(armoured).ok());
    let key = key.map_or_else(|| "a key that was erased".to_owned(), |key| key.fingerprint());
    format!(", signed with {key}")
}

fn waits(entries: &EntryRanges) -> String {
    let verb = if entries.len() == 1 { "waits" } else { "wait" };
    format!("{} {verb}:", entries.named())
}

fn approved(event: &RequestApproved, who: &str, account: &str) -> String {
    let sent = event.entries.as_ref().map(|entries| format!("{} may be sent", entries.named()));
    let unread = event.unread.as_ref();
    let unread = unread.map(|entries| format!("{} to be read first", entries.named()));
    let entries: Vec<String> = sent.into_iter().chain(unread).collect();
    let entries =
        if entries.is_empty() { "no entry waited for it".to_owned() } else { entries.join(", ") };
    let whose = match (event.second, event.same_account) {
        (false, _) => ", who asked for it",
        (true, true) => ", on the OS account that recorded the request",
        (true, false) => "",
    };
    let until = event.valid_until;
    format!(
        "{} approved by {who}{whose} (recorded by {account}): {entries} until {until}",
        event.request
    )
}

fn placed(event: &HoldPlaced, who: &str, why: &str) -> String {
    let what = if event.whole {
        format!("all of {}", event.module)
    } else {
        format!("{} of {}", counted(event.ids, "record", "records"), event.module)
    };
    let entries = event.entries.as_ref();
    let entries = entries.map(|entries| format!("; {} held", entries.named())).unwrap_or_default();
    format!("{}: {what} held by {who}: {why}{entries}", event.hold)
}

fn released(event: &HoldReleased, who: &str, why: &str) -> String {
    let part = |part: &crate::domain::event::ReleasedPart| match &part.places {
        None => format!("all of {}", part.hold),
        Some(places) => {
            format!("{} of {}", counted(places.len(), "record", "records"), part.hold)
        }
    };
    let parts: Vec<String> = event.parts.iter().map(part).collect();
    let moved = [
        (&event.pending, "may be sent"),
        (&event.unread, "to be read first"),
        (&event.awaiting_approval, "wait for approval"),
    ];
    let moved = moved.into_iter().filter_map(|(entries, what)| {
        entries.as_ref().map(|entries| format!("; {} {what}", entries.named()))
    });
    format!("{} released by {who}: {why}{}", parts.join(", "), moved.collect::<String>())
}
