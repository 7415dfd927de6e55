//! Seals: which fields of which events are commitments, and whether their opened form still fits.

use crate::domain::event::Event;
use crate::domain::id::EventSeq;
use crate::domain::merkle::Hash;
use crate::domain::seal::{Salt, seal};
use crate::evidence::verify::erased::{Erased, STILL_THERE};
use crate::evidence::verify::findings::{Findings, Kind};
use crate::store::Result;
use crate::store::audit::{SealedRow, Stream};

/// The fields of an event that hold a seal, with its commitment where there is one. Every other hash in an
/// event is the root of a tree. A test compares this list with the events' own JSON.
pub(in crate::evidence) fn seals_of(event: &Event) -> Vec<(&'static str, Option<Hash>)> {
    match event {
        Event::JournalCreated(data) => vec![("created_by", Some(data.created_by))],
        Event::KeyReplaced(data) => {
            vec![("replaced_by", Some(data.replaced_by)), ("reason", data.reason)]
        }
        Event::SchemaUpgraded(data) => vec![("upgraded_by", Some(data.upgraded_by))],
        Event::RequestRecorded(data) => vec![
            ("requested_by", Some(data.requested_by)),
            ("recorded_by", Some(data.recorded_by)),
            ("reason", Some(data.reason)),
            ("ticket", data.ticket),
            ("source_name", Some(data.source_name)),
            ("source_sha256", Some(data.source_sha256)),
            ("source_column", data.source_column),
            ("tags", data.tags),
            ("module_id", data.module_id),
            ("full_recipient", data.full_recipient),
        ],
        Event::RequestPinned(data) => vec![("module_id", Some(data.module_id))],
        Event::NothingRecorded(data) => vec![("recorded_by", Some(data.recorded_by))],
        Event::RunStarted(data) => {
            vec![("operator", Some(data.operator)), ("arguments", Some(data.arguments))]
        }
        Event::Bound(data) => vec![("org", Some(data.org))],
        Event::UserSeen(data) => vec![("user", data.user)],
        Event::BatchAnswered(data) => {
            vec![("envelope", Some(data.envelope)), ("job", data.job)]
        }
        Event::EntriesSettled(data) => vec![
            ("settled_by", Some(data.settled_by)),
            ("recorded_by", Some(data.recorded_by)),
            ("reason", Some(data.reason)),
            ("ticket", data.ticket),
        ],
        Event::RequestApproved(_)
        | Event::RequestRejected(_)
        | Event::EntriesCancelled(_)
        | Event::Paused(_)
        | Event::Resumed(_)
        | Event::HoldPlaced(_)
        | Event::HoldReleased(_)
        | Event::PolicySet(_)
        | Event::PolicyApproved(_)
        | Event::PolicyRejected(_)
        | Event::FullSnapshotsShredded(_) => of_governance(event),
        Event::Forgotten(data) => vec![
            ("forgotten_by", Some(data.forgotten_by)),
            ("recorded_by", Some(data.recorded_by)),
            ("reason", Some(data.reason)),
            ("ticket", data.ticket),
        ],
        Event::Adopted(_) | Event::Moved(_) | Event::Arrived(_) => of_place(event),
        Event::BatchUnanswered(data) => vec![("detail", Some(data.detail))],
        Event::BatchReturned(data) => vec![("detail", Some(data.detail))],
        Event::ModuleSeen(_)
        | Event::SnapshotTaken(_)
        | Event::FullSnapshotTaken(_)
        | Event::EntriesRechecked(_)
        | Event::JobEnded(_)
        | Event::BatchBegun(_)
        | Event::EvidenceRead(_)
        | Event::EntriesReopened(_)
        | Event::RequestParked(_)
        | Event::RequestUnparked(_)
        | Event::ApprovalNeeded(_)
        | Event::EntriesHeld(_)
        | Event::RunEnded(_) => Vec::new(),
    }
}

/// The same for a journal that becomes another one, or goes to another place.
fn of_place(event: &Event) -> Vec<(&'static str, Option<Hash>)> {
    if let Event::Adopted(data) = event {
        vec![("adopted_by", Some(data.adopted_by)), ("reason", Some(data.reason))]
    } else if let Event::Moved(data) = event {
        vec![("moved_by", Some(data.moved_by)), ("destination", Some(data.destination))]
    } else if let Event::Arrived(data) = event {
        vec![("arrived_by", Some(data.arrived_by))]
    } else {
        Vec::new()
    }
}

/// The same for what people decide.
fn of_governance(event: &Event) -> Vec<(&'static str, Option<Hash>)> {
    let by = |field, who: Hash, recorded_by: Hash| {
        vec![(field, Some(who)), ("recorded_by", Some(recorded_by))]
    };
    let why = |mut seals: Vec<(&'static str, Option<Hash>)>, reason: Option<Hash>| {
        seals.push(("reason", reason));
        seals
    };
    let with_ticket = |mut seals: Vec<(&'static str, Option<Hash>)>, ticket: Option<Hash>| {
        seals.push(("ticket", ticket));
        seals
    };
    if let Event::RequestApproved(data) = event {
        let seals = by("approved_by", data.approved_by, data.recorded_by);
        let mut seals = signed(seals, data.signature, data.allowed_signers);
        seals.push(("signed_list", data.signed_list));
        seals
    } else if let Event::PolicyApproved(data) = event {
        let seals = by("approved_by", data.approved_by, data.recorded_by);
        signed(seals, data.signature, data.allowed_signers)
    } else if let Event::RequestRejected(data) = event {
        why(by("rejected_by", data.rejected_by, data.recorded_by), Some(data.reason))
    } else if let Event::PolicyRejected(data) = event {
        why(by("rejected_by", data.rejected_by, data.recorded_by), Some(data.reason))
    } else if let Event::EntriesCancelled(data) = event {
        why(by("cancelled_by", data.cancelled_by, data.recorded_by), Some(data.reason))
    } else if let Event::Paused(data) = event {
        why(by("paused_by", data.paused_by, data.recorded_by), Some(data.reason))
    } else if let Event::Resumed(data) = event {
        why(by("resumed_by", data.resumed_by, data.recorded_by), data.reason)
    } else if let Event::HoldPlaced(data) = event {
        let seals = why(by("held_by", data.held_by, data.recorded_by), Some(data.reason));
        with_ticket(seals, data.ticket)
    } else if let Event::HoldReleased(data) = event {
        let seals = why(by("released_by", data.released_by, data.recorded_by), Some(data.reason));
        with_ticket(seals, data.ticket)
    } else if let Event::FullSnapshotsShredded(data) = event {
        let seals = why(by("shredded_by", data.shredded_by, data.recorded_by), data.reason);
        with_ticket(seals, data.ticket)
    } else if let Event::PolicySet(data) = event {
        let mut seals = why(by("set_by", data.set_by, data.recorded_by), Some(data.reason));
        seals.push(("signers", data.signers));
        seals
    } else {
        Vec::new()
    }
}

/// What a signed approval has more.
fn signed(
    mut seals: Vec<(&'static str, Option<Hash>)>,
    signature: Option<Hash>,
    allowed_signers: Option<Hash>,
) -> Vec<(&'static str, Option<Hash>)> {
    seals.extend([("signature", signature), ("allowed_signers", allowed_signers)]);
    seals
}

/// The rows of `sealed`, read along with the log.
pub(super) type SealRows<'a> = Stream<'a, (i64, String), SealedRow>;

/// Compares the seals of one event with their opened form. `None` for an event that cannot be read: its
/// rows are passed over.
pub(super) fn compare(
    rows: &mut SealRows<'_>,
    seq: i64,
    event: Option<&Event>,
    erased: &Erased,
    found: &mut Findings,
) -> Result<()> {
    strays(rows, Some(seq), found)?;
    let mut stored: Vec<(String, SealedRow)> = Vec::new();
    while rows.peek()?.is_some_and(|(of, _)| *of == seq) {
        stored.extend(rows.take()?.map(|((_, field), row)| (field, row)));
    }
    let Some(event) = event else { return Ok(()) };
    let since = Some(EventSeq::new(seq));
    let mut tell = |field: &str, what: &str| {
        found.add(Kind::Seals, format!("seal \"{field}\" of event {seq}"), what, since);
    };
    let gone = event.goes_with(&erased.entries, &erased.requests);
    let blanked =
        matches!(event, Event::BatchAnswered(data) if erased.envelopes.contains(&data.batch));
    for (field, commitment) in seals_of(event) {
        let gone = gone || (blanked && field == "envelope");
        let position = stored.iter().position(|(stored, _)| stored == field);
        let row = position.map(|position| stored.swap_remove(position).1);
        match (commitment, row) {
            (None, None) => {}
            (None, Some(_)) => tell(field, "the event holds no such seal"),
            (Some(_), None) => tell(field, "its opened form is missing"),
            (Some(_), Some(SealedRow { salt: None, value: None })) if gone => {}
            (Some(_), Some(SealedRow { salt: Some(_), .. } | SealedRow { value: Some(_), .. }))
                if gone =>
            {
                tell(field, STILL_THERE);
            }
            (Some(commitment), Some(SealedRow { salt: Some(salt), value: Some(value) })) => {
                let salt = <[u8; 32]>::try_from(salt).map(Salt::new);
                if salt.map(|salt| seal(&salt, field, &value)) != Ok(commitment) {
                    tell(field, "the text is not the one that the event sealed");
                }
            }
            (Some(_), Some(_)) => tell(field, "it is blank, and no event says that it was erased"),
        }
    }
    for (field, _) in stored {
        tell(&field, "the event holds no such seal");
    }
    Ok(())
}

/// Tells rows before an event (`None`: all that are left), which belong to no event at all.
pub(super) fn strays(
    rows: &mut SealRows<'_>,
    before: Option<i64>,
    found: &mut Findings,
) -> Result<()> {
    while rows.peek()?.is_some_and(|(of, _)| before.is_none_or(|seq| *of < seq)) {
        if let Some(((of, field), _)) = rows.take()? {
            let place = format!("seal \"{}\" of event {of}", field.escape_debug());
            found.add(Kind::Seals, place, "there is no such event", None);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::evidence::verify::tests::every_event;

    /// Hashes in events that are no seals: roots of trees, and leaves of other events.
    const ROOTS: &[&str] = &["items_root", "rejected_root", "ids_root", "root", "content"];

    #[test]
    fn every_hash_of_every_event_is_a_seal_or_a_root() {
        let (mut kinds, mut filled) = (BTreeSet::new(), BTreeSet::new());
        let mut declared = BTreeSet::new();
        for event in every_event() {
            let kind = event.kind();
            kinds.insert(kind);
            let logged = crate::domain::event::LoggedEvent {
                at: crate::domain::time::Timestamp::from_millis(0),
                event: event.clone(),
            };
            let json: serde_json::Value =
                serde_json::from_slice(&logged.encode().unwrap()).unwrap();
            let hashes: BTreeSet<(String, Hash)> = json["data"]
                .as_object()
                .unwrap()
                .iter()
                .filter(|(field, _)| !ROOTS.contains(&field.as_str()))
                .filter_map(|(field, value)| Some((field.clone(), value.as_str()?.parse().ok()?)))
                .collect();
            let seals = seals_of(&event).into_iter();
            let (names, some): (Vec<_>, Vec<_>) = seals
                .map(|(field, hash)| ((kind, field), hash.map(|hash| (field.to_owned(), hash))))
                .unzip();
            let some: BTreeSet<(String, Hash)> = some.into_iter().flatten().collect();
            filled.extend(names.iter().filter(|(_, field)| json["data"][*field].is_string()));
            declared.extend(names);
            assert_eq!(some, hashes, "{kind}");
        }
        assert_eq!(filled, declared, "no event of the kind has this seal");
        assert_eq!(kinds, Event::KINDS.iter().copied().collect(), "a kind has no sample");
    }
}
