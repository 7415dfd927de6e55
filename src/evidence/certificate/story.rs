//! What the events of a certificate say, in plain words. Only what was opened is told, and never more than
//! was seen.

use serde_json::Value;

use crate::domain::event::{Event, LoggedEvent, RequestRecorded, Returned, Unanswered};
use crate::domain::id::EntryId;
use crate::domain::state::{EntryState, Outcome, Verdict};
use crate::domain::target::ApiOrigin;
use crate::domain::time::Timestamp;
use crate::evidence::certificate::EntryEvent;

/// What one event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// Its position in the log.
    pub index: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The kind of event.
    pub kind: &'static str,
    /// What happened, in a sentence.
    pub what: String,
    /// What else is known: name and text.
    pub says: Vec<(&'static str, String)>,
}

/// Tells one event of an entry. `opened` is the entry's item.
pub(super) fn chapter(
    event: &EntryEvent,
    logged: &LoggedEvent,
    entry: EntryId,
    opened: Option<&[Value]>,
) -> Chapter {
    let mut says = Vec::new();
    let what = told(&logged.event, entry, opened, &mut says);
    for seal in &event.seals {
        if let Some(label) = label(&seal.field) {
            says.push((label, seal.value.clone()));
        }
    }
    let bytes = event.item.as_ref().and_then(|item| item.bytes.clone());
    if let Some(bytes) = bytes {
        let label = if matches!(logged.event, Event::BatchAnswered(_)) {
            "Zoho's own words for it"
        } else {
            "what of it was kept"
        };
        says.push((label, bytes));
    }
    Chapter { index: event.index, at: logged.at, kind: logged.event.kind(), what, says }
}

/// How an opened field is called; `None` for one that tells a person nothing.
fn label(field: &str) -> Option<&'static str> {
    Some(match field {
        "requested_by" => "asked by",
        "recorded_by" => "recorded by the OS account",
        "reason" => "reason",
        "ticket" => "ticket",
        "source_name" => "source of the ids",
        "source_sha256" => "SHA-256 of the source",
        "source_column" => "column of the ids",
        "org" => "Zoho's id of the org",
        "user" => "Zoho's id of the token's user",
        "module_id" => "Zoho's id of the module",
        "job" => "Zoho's id of the job",
        "detail" => "error",
        "settled_by" => "decided by",
        "approved_by" => "approved by",
        "rejected_by" => "rejected by",
        "cancelled_by" => "withdrawn by",
        "held_by" => "put on hold by",
        "released_by" => "hold released by",
        "tags" => "tags",
        _ => return None,
    })
}

/// `1 entry`, `7 entries`.
fn counted(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

type Says = Vec<(&'static str, String)>;

fn told(event: &Event, entry: EntryId, opened: Option<&[Value]>, says: &mut Says) -> String {
    if let Event::RequestRecorded(data) = event {
        recorded(data, opened, says)
    } else if let Event::Bound(data) = event {
        format!("The journal met its Zoho org ({}).", data.target.environment)
    } else if let Event::UserSeen(_) = event {
        "A run learned whose token it uses.".to_owned()
    } else if let Event::RequestPinned(_) = event {
        "A run read Zoho's id of the module.".to_owned()
    } else if let Event::SnapshotTaken(data) = event {
        if data.absent.as_ref().is_some_and(|absent| absent.contains(entry)) {
            "Read before a call: it was not there, so nothing was sent.".to_owned()
        } else {
            "Read before a call: what was there was kept.".to_owned()
        }
    } else if let Event::BatchBegun(data) = event {
        says.push(("call", data.template.replace('\n', " ")));
        says.push(("not sent later than", data.send_by.to_string()));
        format!(
            "Batch {} with {} was recorded, to be sent from then on.",
            data.batch,
            counted(data.entries.len())
        )
    } else if let Event::BatchUnanswered(data) = event {
        match data.reason {
            Unanswered::NoAnswer => format!("The call of batch {} got no answer.", data.batch),
            Unanswered::RunDied => {
                format!("The process that may have sent batch {} died.", data.batch)
            }
        }
    } else if let Event::BatchReturned(data) = event {
        let why = match data.reason {
            Returned::NotSent => "no connection came about",
            Returned::TooLate => "its time had passed",
            Returned::Stopped => "the run stopped before",
            Returned::Forbidden => "something forbade it at the last check",
        };
        format!("Batch {} was not sent: {why}.", data.batch)
    } else if let Event::JobEnded(data) = event {
        format!("Zoho's job of batch {} ended: {}.", data.batch, data.ending)
    } else if let Event::EntriesReopened(_) = event {
        "A replay took it up again.".to_owned()
    } else {
        settling(event, entry, says)
    }
}

/// `Asked for: delete record 4876876000000624001 of Leads.`
fn recorded(data: &RequestRecorded, opened: Option<&[Value]>, says: &mut Says) -> String {
    let text = |at: usize| {
        let value = opened.and_then(|opened| opened.get(at)).filter(|value| !value.is_null());
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let (id, parent, list) = (text(4).unwrap_or_default(), text(5), text(6));
    says.push(("request", format!("{}, {}", data.request, counted(data.entries))));
    says.extend(text(8).map(|row| ("row of the source", row)));
    let (environment, center) = (data.target.environment, data.target.data_center);
    says.push((
        "Zoho",
        if data.target.api_origin == ApiOrigin::loopback() {
            "none: this was a rehearsal against a simulator on the same machine".to_owned()
        } else {
            format!("{environment} ({center}), {}", data.target.api_origin)
        },
    ));
    let asked = if data.awaiting_approval {
        "it waited for a second person's approval"
    } else if data.policy == "never" {
        "no second person was asked: the policy in force wanted none"
    } else {
        "no second person was asked: the policy in force did not ask for one here"
    };
    says.push(("approval", format!("{asked} (policy {})", data.policy)));
    let workflows = if data.workflows { "run" } else { "do not run" };
    match (data.operation.wire_name(), parent, list) {
        ("delete", ..) => {
            says.push(("workflows", workflows.to_owned()));
            format!("Asked for: delete record {id} of {}.", data.module)
        }
        ("untag", ..) => {
            let tags = text(7).unwrap_or_default();
            format!("Asked for: remove the tags {tags} from record {id} of {}.", data.module)
        }
        ("unlink", Some(parent), Some(list)) => format!(
            "Asked for: take record {id} out of the list {list} of record {parent} of {}.",
            data.module
        ),
        ("delete-tags", ..) => format!("Asked for: delete tag {id} of {}.", data.module),
        (other, ..) => format!("Asked for: {other} {id} of {}.", data.module),
    }
}

/// Events that say what became of it.
fn settling(event: &Event, entry: EntryId, says: &mut Says) -> String {
    if let Event::BatchAnswered(data) = event {
        let group = data.groups.iter().find(|group| group.entries.contains(entry));
        let (outcome, code) =
            group.map_or((Outcome::Unknown, ""), |group| (group.outcome, &group.code));
        says.push(("sent at", data.sent_at.to_string()));
        says.push(("HTTP status", data.http_status.to_string()));
        if !code.is_empty() {
            says.push(("Zoho's code for it", code.to_owned()));
        }
        let what = match outcome {
            Outcome::Done => "Zoho answered that it was done",
            Outcome::Failed => "Zoho refused it",
            Outcome::Queued => "Zoho took it on as a job of its own",
            Outcome::Unknown => "The answer does not say what happened to it",
            Outcome::Returned => "The answer shows that the call did nothing to it",
        };
        format!("{what} (batch {}).", data.batch)
    } else if let Event::EvidenceRead(data) = event {
        let group = data.groups.iter().find(|group| group.entries.contains(entry));
        let (verdict, code) =
            group.map_or((Verdict::Undecided, ""), |group| (group.verdict, &group.code));
        if !code.is_empty() {
            says.push(("code", code.to_owned()));
        }
        let what = match verdict {
            Verdict::Done => "what was seen shows that the call took effect",
            Verdict::Absent => "it is gone, and not by this call",
            Verdict::Failed => "the calls changed nothing",
            Verdict::Pending => "the calls changed nothing, and it may be sent again",
            Verdict::Undecided => "what was seen does not tell",
        };
        format!("Read at Zoho afterwards: {what}.")
    } else if let Event::EntriesSettled(data) = event {
        format!("No read could tell. A person decided: {}.", data.verdict)
    } else {
        format!("An event of kind {}.", event.kind())
    }
}

/// What the events together say, and what not.
pub fn conclusion(state: EntryState, last: Option<&Chapter>) -> String {
    let at = last.map(|last| last.at.to_string()).unwrap_or_default();
    match state {
        EntryState::Done => {
            format!("Done: that is how it stood at {at}, by the answer or the reads above.")
        }
        EntryState::Absent => {
            format!("Already gone, and not by this journal's calls, as seen by {at}.")
        }
        EntryState::Failed => format!("Not done: refused, or without effect, as it stood at {at}."),
        EntryState::Cancelled => format!("Withdrawn before it was sent, at {at}."),
        EntryState::AwaitingApproval
        | EntryState::Pending
        | EntryState::InFlight
        | EntryState::Queued
        | EntryState::Unknown
        | EntryState::Held => {
            format!("Not settled: {state} at {at}. What became of it is not known here.")
        }
    }
}

/// What no certificate says, for people.
pub const NOT_SAID: &[&str] = &[
    "It does not say that the data no longer exists. It says what was asked, what Zoho answered, and what was \
     read at the times given. Zoho keeps deleted records in a recycle bin, and backups, exports and other \
     systems are not known here.",
    "It does not say that what was typed (who asked, and why) is true; only that it was recorded then and not \
     changed since.",
    "Whoever holds the private key could have made another log. Against that helps only a checkpoint that \
     somebody else kept: the journal must extend it.",
    "What happened after the last event above is not in it.",
];
