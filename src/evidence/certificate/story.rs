//! What the events of a certificate say, in plain words. Only what was opened is told, and never more than
//! was seen.

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::approval_list::ApprovalList;
use crate::domain::event::{
    BatchAnswered, BatchReturned, BatchUnanswered, EntriesRechecked, Event, EvidenceRead,
    FullSnapshotTaken, LoggedEvent, RequestRecorded, Returned, SnapshotTaken, SourceKind,
    Unanswered,
};
use crate::domain::id::EntryId;
use crate::domain::recheck::Found;
use crate::domain::scope::Operation;
use crate::domain::state::{EntryState, Outcome, Verdict};
use crate::domain::target::ApiOrigin;
use crate::domain::time::Timestamp;
use crate::evidence::certificate::{EntryEvent, decision};

/// What one event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// Its position in the log.
    pub index: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The kind of event.
    pub kind: &'static str,
    /// Whether it recorded the entry, or moved it.
    pub moved: bool,
    /// Of a later look: what was seen.
    pub found: Option<Found>,
    /// What happened, in a sentence.
    pub what: String,
    /// What else is known: name and text.
    pub says: Vec<(&'static str, String)>,
}

/// What of an entry is known where one of its events is told.
pub(super) struct About<'a> {
    /// The entry.
    pub(super) entry: EntryId,
    /// What was asked for; `None` before the event that says so.
    pub(super) operation: Option<Operation>,
    /// Whether the event recorded the entry, or moves it.
    pub(super) moved: bool,
    /// The entry's item in the event.
    pub(super) opened: Option<&'a [Value]>,
    /// Of an approval: what its signature says.
    pub(super) signature: Option<String>,
}

/// Tells one event of an entry; `None` for a kind that tells of none.
pub(super) fn chapter(
    event: &EntryEvent,
    logged: &LoggedEvent,
    about: &About<'_>,
) -> Option<Chapter> {
    let mut says = Vec::new();
    let what = told(&logged.event, about, &mut says)?;
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
    let found = if let Event::EntriesRechecked(data) = &logged.event {
        seen_again(data, about.entry)
    } else {
        None
    };
    let kind = logged.event.kind();
    Some(Chapter { index: event.index, at: logged.at, kind, moved: about.moved, found, what, says })
}

/// The names of what is meant for programs: a signature in its armour, and the list that it is of.
const ARMOUR: &str = "SSH signature";
const LIST: &str = "list that was signed";

impl Chapter {
    /// What is said beside the sentence, as people read it: a signature stands there by its key, and a list by what it
    /// is a list of.
    pub fn in_brief(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        self.says.iter().filter(|(name, _)| *name != ARMOUR).map(|(name, text)| {
            let list = (*name == LIST).then(|| text.parse::<ApprovalList>().ok()).flatten();
            let brief = list.map(|list| match list.parts().len() {
                1 => "of 1 request".to_owned(),
                many => format!("of {many} requests"),
            });
            (*name, brief.map_or(Cow::Borrowed(text.as_str()), Cow::Owned))
        })
    }
}

/// How an opened field is called; `None` for one that tells a person nothing.
pub(super) fn label(field: &str) -> Option<&'static str> {
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
        "adopted_by" => "adopted by",
        "held_by" => "put on hold by",
        "released_by" => "hold released by",
        "tags" => "tags",
        "shredded_by" => "shredded by",
        "full_recipient" => "full copies are encrypted to",
        "signature" => ARMOUR,
        "allowed_signers" => "SHA-256 of the list of signers",
        "signed_list" => LIST,
        _ => return None,
    })
}

/// A day, in milliseconds.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// `1 entry`, `7 entries`.
pub(super) fn counted(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

/// What else an event says: name and text.
pub(super) type Says = Vec<(&'static str, String)>;

fn copied(data: &FullSnapshotTaken, about: &About<'_>, says: &mut Says) -> String {
    let file = about.opened.and_then(|opened| opened.last()).and_then(Value::as_str);
    says.extend(file.map(|hash| ("SHA-256 of the age file", hash.to_owned())));
    let until = data.until;
    format!("Read whole before a call: a full copy was kept, encrypted, to stay until {until}.")
}

/// One sentence for each kind of event that can tell of an entry; `None` for the others. A new kind of event does
/// not compile until it is one or the other.
fn told(event: &Event, about: &About<'_>, says: &mut Says) -> Option<String> {
    Some(match event {
        Event::RequestRecorded(data) => recorded(data, about, says),
        Event::Bound(data) => {
            format!("The journal met its Zoho org ({}).", data.target.environment)
        }
        Event::UserSeen(_) => "A run learned whose token it uses.".to_owned(),
        Event::RequestPinned(_) => "A run read Zoho's id of the module.".to_owned(),
        Event::SnapshotTaken(data) => read_before(data, about).to_owned(),
        Event::FullSnapshotTaken(data) => copied(data, about, says),
        Event::FullSnapshotsShredded(data) => {
            let why = if data.due { "its time was over" } else { "somebody decided so" };
            format!("The full copy that had been kept was shredded here: {why}.")
        }
        Event::BatchBegun(data) => {
            says.push(("call", data.template.replace('\n', " ")));
            says.push(("not sent later than", data.send_by.to_string()));
            let entries = counted(data.entries.len());
            format!("Batch {} with {entries} was recorded, to be sent from then on.", data.batch)
        }
        Event::BatchAnswered(data) => answered(data, about.entry, says),
        Event::BatchUnanswered(data) => unanswered(data),
        Event::BatchReturned(data) => returned(data),
        Event::JobEnded(data) => {
            format!("Zoho's job of batch {} ended: {}.", data.batch, data.ending)
        }
        Event::EvidenceRead(data) => read_afterwards(data, about, says),
        Event::EntriesRechecked(data) => {
            let found = seen_again(data, about.entry)?;
            format!("Looked at again: {}.", found_words(found))
        }
        Event::EntriesSettled(data) => {
            format!("No read could tell. A person decided: {}.", data.verdict)
        }
        Event::Adopted(data) => decision::adopted(data),
        Event::EntriesReopened(data) => {
            decision::read_first("A replay took it up again.", data.unread.as_ref(), about.entry)
        }
        Event::RequestApproved(data) => decision::approved(data, about, says),
        Event::RequestRejected(data) => {
            format!("{} was rejected: the entry was withdrawn before it was sent.", data.request)
        }
        Event::ApprovalNeeded(data) => decision::needed(data),
        Event::EntriesCancelled(_) => "It was withdrawn before it was sent.".to_owned(),
        Event::HoldPlaced(data) => decision::held(data, says),
        Event::EntriesHeld(_) => {
            "A hold that was in force covers it: a run held it instead of sending it.".to_owned()
        }
        Event::HoldReleased(data) => decision::released(data, about.entry),
        Event::JournalCreated(_)
        | Event::KeyReplaced(_)
        | Event::SchemaUpgraded(_)
        | Event::NothingRecorded(_)
        | Event::RunStarted(_)
        | Event::ModuleSeen(_)
        | Event::RequestParked(_)
        | Event::RequestUnparked(_)
        | Event::RunEnded(_)
        | Event::Paused(_)
        | Event::Resumed(_)
        | Event::PolicySet(_)
        | Event::PolicyApproved(_)
        | Event::PolicyRejected(_)
        | Event::Moved(_)
        | Event::Arrived(_)
        | Event::Forgotten(_) => return None,
    })
}

fn unanswered(data: &BatchUnanswered) -> String {
    match data.reason {
        Unanswered::NoAnswer => format!("The call of batch {} got no answer.", data.batch),
        Unanswered::RunDied => {
            format!("The process that may have sent batch {} died.", data.batch)
        }
    }
}

fn returned(data: &BatchReturned) -> String {
    let why = match data.reason {
        Returned::NotSent => "no connection came about",
        Returned::TooLate => "its time had passed",
        Returned::Stopped => "the run stopped before",
        Returned::Forbidden => "something forbade it at the last check",
    };
    format!("Batch {} was not sent: {why}.", data.batch)
}

fn read_before(data: &SnapshotTaken, about: &About<'_>) -> &'static str {
    if !data.absent.as_ref().is_some_and(|absent| absent.contains(about.entry)) {
        "Read before a call: what was there was kept."
    } else if about.operation.is_some_and(Operation::is_undo) {
        "Read before a call: it was there already, so nothing was sent."
    } else {
        "Read before a call: it was not there, so nothing was sent."
    }
}

/// What a later look saw of an entry.
fn seen_again(data: &EntriesRechecked, entry: EntryId) -> Option<Found> {
    data.groups.iter().find(|group| group.entries.contains(entry)).map(|group| group.found)
}

/// What was seen, and no more than that.
const fn found_words(found: Found) -> &'static str {
    match found {
        Found::InBin => {
            "it lay in the recycle bin, or was listed as something that can be restored"
        }
        Found::Erased => {
            "it was neither in the recycle bin nor listed as something that can be restored"
        }
        Found::Back => "it was there again",
        Found::NotSeen => "it was not seen, and nothing that was read says where it is",
    }
}

/// `Asked for: delete record 4876876000000624001 of Leads.`
fn recorded(data: &RequestRecorded, about: &About<'_>, says: &mut Says) -> String {
    let text = |at: usize| {
        let value = about.opened.and_then(|opened| opened.get(at)).filter(|value| !value.is_null());
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let [id, parent, list, tags] = [4, 5, 6, 7].map(|at| text(at).unwrap_or_default());
    let row = text(8);
    // The row of an undo's item is the number of the entry that it undoes.
    let undone = row.clone().filter(|_| data.source == SourceKind::Journal);
    says.push(("request", format!("{}, {}", data.request, counted(data.entries))));
    if undone.is_none() {
        says.extend(row.map(|row| ("row of the source", row)));
    }
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
        "it had to wait for a second person's approval"
    } else if data.policy == "never" {
        "no second person was asked then: the policy in force wanted none"
    } else {
        "no second person was asked then: the policy in force did not ask for one here"
    };
    says.push(("approval", format!("{asked} (policy {})", data.policy)));
    if data.held.as_ref().is_some_and(|held| held.contains(about.entry)) {
        says.push((
            "hold",
            "one covered it when it was recorded: it was held from then on".to_owned(),
        ));
    }
    if let Some(millis) = data.full_retention_ms {
        let days = millis / DAY_MS;
        let kept = if days > 0 { format!("{days} days") } else { format!("{} s", millis / 1000) };
        says.push(("full copy", format!("to be kept, encrypted, for {kept} from its reading on")));
    }
    let module = &data.module;
    let what = match data.operation {
        Operation::Delete => {
            let workflows = if data.workflows { "run" } else { "do not run" };
            says.push(("workflows", workflows.to_owned()));
            format!("delete record {id} of {module}")
        }
        Operation::Untag => format!("remove the tags {tags} from record {id} of {module}"),
        Operation::Unlink => {
            format!("take record {id} out of the list {list} of record {parent} of {module}")
        }
        Operation::DeleteTags => format!("delete tag {id} of {module}"),
        Operation::Restore => format!("bring record {id} of {module} back from the recycle bin"),
        Operation::Retag => format!("put the tags {tags} back on record {id} of {module}"),
        Operation::Relink => {
            format!("put record {id} back into the list {list} of record {parent} of {module}")
        }
        Operation::RecreateTags => {
            format!("define tag {id} of {module}, which was deleted, anew under a new id")
        }
    };
    let undoes = undone
        .map(|entry| format!(" It undoes entry E{entry}, which has a certificate of its own."));
    format!("Asked for: {what}.{}", undoes.unwrap_or_default())
}

/// Zoho's answer.
fn answered(data: &BatchAnswered, entry: EntryId, says: &mut Says) -> String {
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
}

/// What reads say happened.
fn read_afterwards(data: &EvidenceRead, about: &About<'_>, says: &mut Says) -> String {
    let group = data.groups.iter().find(|group| group.entries.contains(about.entry));
    let (verdict, code) =
        group.map_or((Verdict::Undecided, ""), |group| (group.verdict, &group.code));
    if !code.is_empty() {
        says.push(("code", code.to_owned()));
    }
    let what = match verdict {
        Verdict::Done => "what was seen shows that the call took effect",
        Verdict::Absent if about.operation.is_some_and(Operation::is_undo) => {
            "it is there again, and not by this call"
        }
        Verdict::Absent => "it is gone, and not by this call",
        Verdict::Failed => "the calls changed nothing",
        Verdict::Pending => "the calls changed nothing, and it may be sent again",
        Verdict::Undecided => "what was seen does not tell",
    };
    format!("Read at Zoho afterwards: {what}.")
}

/// What the events together say, and what not.
pub fn conclusion(operation: Operation, state: EntryState, story: &[Chapter]) -> String {
    let last = story.iter().rev().find(|chapter| chapter.moved);
    let at = last.map(|last| last.at.to_string()).unwrap_or_default();
    let mut text = match state {
        EntryState::Done => {
            format!("Done: that is how it stood at {at}, by the answer or the reads above.")
        }
        EntryState::Absent if operation.is_undo() => {
            format!("There already, and not by this entry's call, as seen by {at}.")
        }
        EntryState::Absent => {
            format!("Already gone, and not by this entry's call, as seen by {at}.")
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
    };
    let again = story.iter().rev().find_map(|chapter| Some((chapter.at, chapter.found?)));
    if let Some((at, found)) = again {
        text = format!("{text} Looked at again at {at}: {}.", found_words(found));
    }
    text
}

/// What no certificate says, for people.
pub const NOT_SAID: &[&str] = &[
    "It does not say that the data no longer exists. It says what was asked, what Zoho answered, and what was \
     read at the times given. Zoho keeps deleted records in a recycle bin, and backups, exports and other \
     systems are not known here.",
    "It does not say that what was typed (who asked, who approved or held it, and why) is true; only that it was \
     recorded then and not changed since. Names are taken at their word; the OS account is the machine's.",
    "Whoever holds the private key could have made another log. Against that helps only a checkpoint that \
     somebody else kept: the journal must extend it.",
    "What happened after the last event above is not in it. Nor need be what moved nothing (a later look), or moves \
     without which the rest fits as well (a hold together with its release).",
];
