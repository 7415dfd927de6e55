//! The events of the append-only log. The log is the truth; every other table follows from it.
//!
//! An event's bytes are UTF-8 JSON with fixed key order, the version first:
//! `{"v":"zoho-journal/event@1","at":"…","kind":"batch_begun","data":{…}}`. Exactly these bytes are a
//! leaf of the Merkle tree; they are written once and never encoded again. Ids, people, free text and
//! file names stand in them as [seals](crate::domain::seal) only.

mod data;
mod forgetting;
mod full_snapshot;
mod governance;
mod moving;
mod recheck;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::ranges::EntryRanges;
use crate::domain::state::{Change, Outcome};
use crate::domain::time::Timestamp;
use crate::planted::Mistake;

pub use self::data::{
    AnsweredGroup, BatchAnswered, BatchBegun, BatchReturned, BatchUnanswered, Bound,
    EntriesReopened, EntriesSettled, EvidenceGroup, EvidenceRead, Forgotten, ForgottenRows,
    JobEnded, JobEnding, JournalCreated, KeyReplaced, ModuleSeen, NothingRecorded, RequestParked,
    RequestPinned, RequestRecorded, RequestUnparked, Returned, RunEnded, RunStarted,
    SchemaUpgraded, SnapshotTaken, SourceKind, Unanswered, UserSeen,
};
pub use self::full_snapshot::{FullSnapshotTaken, FullSnapshotsShredded};
pub use self::governance::{
    ApprovalNeeded, EntriesCancelled, EntriesHeld, HoldPlaced, HoldReleased, NeedCause, Paused,
    PolicyApproved, PolicyRejected, PolicySet, ReleasedPart, RequestApproved, RequestRejected,
    Resumed,
};

pub use self::moving::{Adopted, AdoptionCause, Arrived, Moved};
pub use self::recheck::{EntriesRechecked, RecheckGroup};

/// The version tag that every event of this form begins with.
pub const EVENT_VERSION: &str = "zoho-journal/event@1";

/// An event and when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// When, by this machine's clock. Order comes from the position in the log, never from this.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// The bytes of a stored event cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A newer program wrote it. This one may read the rest, and must not write.
    #[error("written by a newer program ({0})")]
    UnknownVersion(String),
    /// A kind of event that this program does not know.
    #[error("an event of unknown kind \"{0}\"")]
    UnknownKind(String),
    /// Not what any program of ours writes.
    #[error("not an event: {0}")]
    Malformed(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame<'a> {
    v: &'a str,
    at: Timestamp,
    kind: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Declares the events: the enum, the wire name of each kind, encoding and decoding.
macro_rules! events {
    ($($(#[$doc:meta])* $kind:ident = $wire:literal,)+) => {
        /// One event.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(clippy::large_enum_variant, reason = "one event at a time is in memory")]
        pub enum Event {
            $($(#[$doc])* $kind($kind),)+
        }

        impl Event {
            /// Every kind's wire name.
            pub const KINDS: &'static [&'static str] = &[$($wire,)+];

            /// The kind as the log writes it.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => $wire,)+ }
            }

            fn data(&self) -> Result<Box<RawValue>, serde_json::Error> {
                match self { $(Self::$kind(data) => serde_json::value::to_raw_value(data),)+ }
            }

            fn from_data(kind: &str, data: &RawValue) -> Result<Self, EventError> {
                let malformed = |error: serde_json::Error| {
                    EventError::Malformed(format!("{kind}: {error}"))
                };
                match kind {
                    $($wire => serde_json::from_str(data.get()).map(Self::$kind).map_err(malformed),)+
                    _ => Err(EventError::UnknownKind(kind.to_owned())),
                }
            }
        }

        $(impl From<$kind> for Event {
            fn from(data: $kind) -> Self {
                Self::$kind(data)
            }
        })+
    };
}

events! {
    /// The journal was made.
    JournalCreated = "journal_created",
    /// The signing key was lost or rotated, and replaced.
    KeyReplaced = "key_replaced",
    /// A newer program changed the tables; no row said anything else before than after.
    SchemaUpgraded = "schema_upgraded",
    /// A request was recorded.
    RequestRecorded = "request_recorded",
    /// A request held nothing that was not already covered; it was not recorded.
    NothingRecorded = "nothing_recorded",
    /// The reconciler began a run.
    RunStarted = "run_started",
    /// The journal met its org and belongs to it from now on.
    Bound = "bound",
    /// A run learned whose token it uses and how Zoho's clock stands.
    UserSeen = "user_seen",
    /// A run read a module's metadata.
    ModuleSeen = "module_seen",
    /// A run read the id of a request's module; the request keeps it.
    RequestPinned = "request_pinned",
    /// What is there was read before a call.
    SnapshotTaken = "snapshot_taken",
    /// Whole records were read before a call, and kept, encrypted.
    FullSnapshotTaken = "full_snapshot_taken",
    /// Full snapshots were shredded; what they were of stays as it is.
    FullSnapshotsShredded = "full_snapshots_shredded",
    /// A batch was recorded; its call may leave from now on.
    BatchBegun = "batch_begun",
    /// A batch's call was answered.
    BatchAnswered = "batch_answered",
    /// A batch's call may have left, and no answer came.
    BatchUnanswered = "batch_unanswered",
    /// A batch's call surely did not leave.
    BatchReturned = "batch_returned",
    /// An asynchronous job is over.
    JobEnded = "job_ended",
    /// Evidence was read.
    EvidenceRead = "evidence_read",
    /// What settled entries took away was looked at again.
    EntriesRechecked = "entries_rechecked",
    /// A person decided what reads cannot.
    EntriesSettled = "entries_settled",
    /// A replay took up refused entries again.
    EntriesReopened = "entries_reopened",
    /// A request was set aside after too many refusals in a row.
    RequestParked = "request_parked",
    /// A parked request was named and goes on.
    RequestUnparked = "request_unparked",
    /// Personal data of settled entries was erased from the journal.
    Forgotten = "forgotten",
    /// The reconciler ended a run.
    RunEnded = "run_ended",
    /// Somebody approved a request.
    RequestApproved = "request_approved",
    /// Somebody rejected a request.
    RequestRejected = "request_rejected",
    /// Entries that were pending need an approval: they are too old, or policy asks for a second person.
    ApprovalNeeded = "approval_needed",
    /// Somebody withdrew entries before they were sent.
    EntriesCancelled = "entries_cancelled",
    /// No run claims anything from here on.
    Paused = "paused",
    /// Runs claim again.
    Resumed = "resumed",
    /// Records must not be touched from here on.
    HoldPlaced = "hold_placed",
    /// Entries that came back to pending under a hold are held.
    EntriesHeld = "entries_held",
    /// Records may be touched again.
    HoldReleased = "hold_released",
    /// The approval policy of the journal was set, or another one was proposed.
    PolicySet = "policy_set",
    /// A proposed policy is in force.
    PolicyApproved = "policy_approved",
    /// A proposed policy was rejected.
    PolicyRejected = "policy_rejected",
    /// The journal goes on under a name of its own, after a part of its log may have been lost.
    Adopted = "adopted",
    /// The journal is closed here and goes on elsewhere.
    Moved = "moved",
    /// A moved journal goes on here.
    Arrived = "arrived",
}

impl LoggedEvent {
    /// The exact bytes of the leaf.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let data = self.event.data()?;
        let frame = Frame { v: EVENT_VERSION, at: self.at, kind: self.event.kind(), data: &data };
        serde_json::to_vec(&frame)
    }

    /// Reads stored bytes back.
    pub fn decode(body: &[u8]) -> Result<Self, EventError> {
        #[derive(Deserialize)]
        struct Tag<'a> {
            v: &'a str,
        }
        let malformed = |error: serde_json::Error| EventError::Malformed(error.to_string());
        let frame: Frame<'_> = match serde_json::from_slice(body) {
            Ok(frame) => frame,
            // A newer form may have other keys: its version tells.
            Err(error) => match serde_json::from_slice::<Tag<'_>>(body) {
                Ok(tag) if tag.v != EVENT_VERSION => {
                    return Err(EventError::UnknownVersion(tag.v.to_owned()));
                }
                _ => return Err(malformed(error)),
            },
        };
        if frame.v != EVENT_VERSION {
            return Err(EventError::UnknownVersion(frame.v.to_owned()));
        }
        let event = Event::from_data(frame.kind, frame.data)?;
        Ok(Self { at: frame.at, event })
    }
}

/// A set of entries and what moves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'a> {
    /// The entries.
    pub entries: &'a EntryRanges,
    /// What moves them.
    pub change: Change,
}

impl Event {
    /// Which entries the event moves, and how. Recording creates entries instead of moving them.
    pub fn steps(&self) -> Vec<Step<'_>> {
        let one = |entries, change| vec![Step { entries, change }];
        let some = |entries: Option<_>, change| -> Vec<Step<'_>> {
            entries.into_iter().map(|entries| Step { entries, change }).collect()
        };
        match self {
            Self::BatchBegun(data) => one(&data.entries, Change::Claimed),
            Self::BatchAnswered(data) => data
                .groups
                .iter()
                .map(|group| Step {
                    entries: &group.entries,
                    change: Change::Answered(group.outcome),
                })
                .collect(),
            Self::BatchUnanswered(data) => one(&data.entries, Change::Answered(unanswered())),
            Self::BatchReturned(data) => one(&data.entries, Change::Answered(Outcome::Returned)),
            Self::EvidenceRead(data) => data
                .groups
                .iter()
                .map(|group| Step {
                    entries: &group.entries,
                    change: Change::Evidence(group.verdict),
                })
                .collect(),
            Self::EntriesSettled(data) => one(&data.entries, Change::SettledByPerson(data.verdict)),
            Self::EntriesReopened(data) => {
                let_go(data.entries.as_ref(), Change::Reopened, data.unread.as_ref())
            }
            Self::Adopted(data) => some(data.entries.as_ref(), Change::Adopted),
            Self::SnapshotTaken(data) => some(data.absent.as_ref(), Change::NeverThere),
            Self::RequestRecorded(data) => some(data.held.as_ref(), Change::Held),
            Self::RequestApproved(data) => {
                let_go(data.entries.as_ref(), Change::Approved, data.unread.as_ref())
            }
            Self::RequestRejected(data) => one(&data.entries, Change::Cancelled),
            Self::ApprovalNeeded(data) => one(&data.entries, Change::Expired),
            Self::EntriesCancelled(data) => one(&data.entries, Change::Cancelled),
            Self::HoldPlaced(data) => some(data.entries.as_ref(), Change::Held),
            Self::EntriesHeld(data) => one(&data.entries, Change::Held),
            Self::HoldReleased(data) => {
                let mut steps =
                    let_go(data.pending.as_ref(), Change::Released, data.unread.as_ref());
                steps.extend(some(data.awaiting_approval.as_ref(), Change::ReleasedUnapproved));
                steps
            }
            Self::JournalCreated(_)
            | Self::Paused(_)
            | Self::Resumed(_)
            | Self::PolicySet(_)
            | Self::PolicyApproved(_)
            | Self::PolicyRejected(_)
            | Self::Moved(_)
            | Self::Arrived(_)
            | Self::KeyReplaced(_)
            | Self::SchemaUpgraded(_)
            | Self::NothingRecorded(_)
            | Self::RunStarted(_)
            | Self::Bound(_)
            | Self::UserSeen(_)
            | Self::ModuleSeen(_)
            | Self::RequestPinned(_)
            | Self::JobEnded(_)
            | Self::EntriesRechecked(_)
            | Self::FullSnapshotTaken(_)
            | Self::FullSnapshotsShredded(_)
            | Self::RequestParked(_)
            | Self::RequestUnparked(_)
            | Self::Forgotten(_)
            | Self::RunEnded(_) => Vec::new(),
        }
    }
}

/// Entries that are let go, and those of them that a lost part of the log may have sent.
fn let_go<'a>(
    free: Option<&'a EntryRanges>,
    change: Change,
    unread: Option<&'a EntryRanges>,
) -> Vec<Step<'a>> {
    let unread = unread.map(|entries| Step { entries, change: Change::Adopted });
    free.map(|entries| Step { entries, change }).into_iter().chain(unread).collect()
}

/// What a call without an answer means for its entries.
fn unanswered() -> Outcome {
    if Mistake::ResendsBlindly.is_made() {
        Outcome::Returned
    } else if Mistake::TakesSilenceForRefusal.is_made() {
        Outcome::Failed
    } else {
        Outcome::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{BatchId, RunId};
    use crate::domain::target::ApiVersion;

    #[test]
    fn the_bytes_of_an_event_are_pinned() {
        let event = LoggedEvent {
            at: "2026-08-22T10:00:00.123Z".parse().unwrap(),
            event: BatchBegun {
                run: RunId::new(2),
                batch: BatchId::new(7),
                entries: "1-100".parse().unwrap(),
                api_version: ApiVersion::V8,
                template: "DELETE /crm/v8/Leads?ids={ids}&wf_trigger=true".to_owned(),
                send_by: "2026-08-22T10:00:10.123Z".parse().unwrap(),
                seen_before: None,
            }
            .into(),
        };
        let bytes = event.encode().unwrap();
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            r#"{"v":"zoho-journal/event@1","at":"2026-08-22T10:00:00.123Z","kind":"batch_begun","data":{"run":2,"batch":7,"entries":"1-100","api_version":"v8","template":"DELETE /crm/v8/Leads?ids={ids}&wf_trigger=true","send_by":"2026-08-22T10:00:10.123Z","seen_before":null}}"#
        );
        assert_eq!(LoggedEvent::decode(&bytes), Ok(event));
    }

    #[test]
    fn what_another_program_wrote_is_told_apart_from_damage() {
        let decode = |text: &str| LoggedEvent::decode(text.as_bytes()).unwrap_err();
        assert_eq!(
            decode(r#"{"v":"zoho-journal/event@2","when":1}"#),
            EventError::UnknownVersion("zoho-journal/event@2".to_owned())
        );
        let unknown =
            r#"{"v":"zoho-journal/event@1","at":"2026-08-22T10:00:00.123Z","kind":"x","data":{}}"#;
        assert_eq!(decode(unknown), EventError::UnknownKind("x".to_owned()));
        assert!(matches!(decode("{}"), EventError::Malformed(_)));
        let extra = r#"{"v":"zoho-journal/event@1","at":"2026-08-22T10:00:00.123Z","kind":"request_unparked","data":{"run":1,"request":1,"x":1}}"#;
        assert!(matches!(decode(extra), EventError::Malformed(_)));
    }
}
