//! The events of the append-only log. The log is the truth; every other table follows from it.
//!
//! An event's bytes are UTF-8 JSON with fixed key order, the version first:
//! `{"v":"zoho-journal/event@1","at":"…","kind":"batch_begun","data":{…}}`. Exactly these bytes are a
//! leaf of the Merkle tree; they are written once and never encoded again. Ids, people, free text and
//! file names stand in them as [seals](crate::domain::seal) only.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::call::Operation;
use crate::domain::id::{BatchId, EntryId, ModuleName, RequestId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::state::{Change, Outcome, Verdict};
use crate::domain::target::{ApiVersion, Product, Target, named_set};
use crate::domain::time::Timestamp;

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
    /// The signing key was lost and replaced.
    KeyReplaced = "key_replaced",
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
    /// A batch was recorded; its call may leave from now on.
    BatchBegun = "batch_begun",
    /// A batch's call was answered.
    BatchAnswered = "batch_answered",
    /// A batch's call may have left, and no answer came.
    BatchUnanswered = "batch_unanswered",
    /// A batch's call surely did not leave.
    BatchReturned = "batch_returned",
    /// Evidence was read.
    EvidenceRead = "evidence_read",
    /// A replay took up refused entries again.
    EntriesReopened = "entries_reopened",
    /// A request was set aside after too many refusals in a row.
    RequestParked = "request_parked",
    /// A parked request was named and goes on.
    RequestUnparked = "request_unparked",
    /// The reconciler ended a run.
    RunEnded = "run_ended",
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

/// See [`Event::JournalCreated`]. Always the first event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalCreated {
    /// 16 random bytes in hex: the journal's id, part of the origin line of its checkpoints.
    pub journal: String,
    /// The public key of its checkpoints, in the C2SP verifier form `name+id+key`.
    pub key: String,
    /// Name and version of the program.
    pub program: String,
    /// Seal of the account and host that made it.
    pub created_by: Hash,
}

/// See [`Event::KeyReplaced`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyReplaced {
    /// The public key from now on.
    pub key: String,
    /// Name and version of the program.
    pub program: String,
    /// Seal of the account and host.
    pub replaced_by: Hash,
}

named_set!(
    /// Where a request's ids came from.
    SourceKind, "source", {
        /// Arguments on the command line.
        Arguments = "arguments",
        /// A file.
        File = "file",
        /// Standard input.
        Stdin = "stdin",
        /// A file and arguments together.
        FileAndArguments = "file_and_arguments",
    }
);

/// See [`Event::RequestRecorded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRecorded {
    /// The request.
    pub request: RequestId,
    /// What is to be done.
    pub operation: Operation,
    /// The product.
    pub product: Product,
    /// The module.
    pub module: ModuleName,
    /// Whether Zoho's workflows run.
    pub workflows: bool,
    /// Data centre, environment and origin, which pin the journal if it is the first.
    pub target: Target,
    /// The first of the request's entries.
    pub first_entry: EntryId,
    /// How many entries; they are numbered without a gap.
    pub entries: u64,
    /// RFC 6962 root over the items' leaves, in entry order.
    pub items_root: Hash,
    /// Whether the entries wait for a second person.
    pub awaiting_approval: bool,
    /// The approval policy that was met: `never`, `always`, or a number of entries.
    pub policy: String,
    /// Nothing is sent earlier.
    pub not_before: Option<Timestamp>,
    /// Nothing is sent later without a fresh approval.
    pub valid_until: Timestamp,
    /// Where the ids came from.
    pub source: SourceKind,
    /// Rows read from the source.
    pub source_rows: u64,
    /// Rows that named an item which the request or an open entry already had.
    pub duplicates: u64,
    /// Rows that were invalid and skipped.
    pub rejected: u64,
    /// RFC 6962 root over the leaves of duplicate and rejected rows, in the order of their numbers.
    pub rejected_root: Option<Hash>,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who asked.
    pub requested_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why.
    pub reason: Hash,
    /// Seal: the ticket.
    pub ticket: Option<Hash>,
    /// Seal: the source's name.
    pub source_name: Hash,
    /// Seal: SHA-256 of the source's bytes.
    pub source_sha256: Hash,
    /// Seal: the column that held the ids.
    pub source_column: Option<Hash>,
}

/// See [`Event::NothingRecorded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NothingRecorded {
    /// What was asked for.
    pub operation: Operation,
    /// The module.
    pub module: ModuleName,
    /// How many rows, all of them duplicates.
    pub duplicates: u64,
    /// Seal: the OS account.
    pub recorded_by: Hash,
}

/// See [`Event::RunStarted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStarted {
    /// The run, which is also the epoch of its writes.
    pub run: RunId,
    /// `sync`, `replay`, `recheck`.
    pub command: String,
    /// Name and version of the program.
    pub program: String,
    /// The approval policy in force.
    pub policy: String,
    /// Data centre, environment and origin of the run.
    pub target: Target,
    /// How long a call without an answer may still take effect, in milliseconds.
    pub quarantine_ms: u64,
    /// Seal: OS account, host and process id.
    pub operator: Hash,
    /// Seal: the arguments.
    pub arguments: Hash,
}

/// See [`Event::Bound`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// The run that made the first contact.
    pub run: RunId,
    /// Data centre, environment and origin.
    pub target: Target,
    /// Seal: Zoho's id of the org.
    pub org: Hash,
}

/// See [`Event::UserSeen`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSeen {
    /// The run.
    pub run: RunId,
    /// Seal: Zoho's id of the token's user; `None` when the scope to read it is missing.
    pub user: Option<Hash>,
    /// Zoho's clock minus ours, in milliseconds; 0 when no answer carried a date.
    pub clock_offset_ms: i64,
}

/// See [`Event::ModuleSeen`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleSeen {
    /// The run.
    pub run: RunId,
    /// The product.
    pub product: Product,
    /// The module.
    pub module: ModuleName,
    /// Whether its records go to the recycle bin; `None` when it could not be read (a bin is assumed).
    pub recycle_bin: Option<bool>,
}

/// See [`Event::BatchBegun`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchBegun {
    /// The run.
    pub run: RunId,
    /// The batch.
    pub batch: BatchId,
    /// Its entries, in the order in which they are sent.
    pub entries: EntryRanges,
    /// The API version.
    pub api_version: ApiVersion,
    /// Method, path and parameters, `{ids}` standing for the ids joined by commas.
    pub template: String,
    /// The last moment at which the bytes may leave.
    pub send_by: Timestamp,
    /// Those of its entries that a read shortly before showed to be there; `None` when none was made.
    pub seen_before: Option<EntryRanges>,
}

/// Entries of a batch that share a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnsweredGroup {
    /// What the answer says.
    pub outcome: Outcome,
    /// Zoho's code; empty where it gave none.
    pub code: String,
    /// The entries.
    pub entries: EntryRanges,
}

/// See [`Event::BatchAnswered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchAnswered {
    /// The run.
    pub run: RunId,
    /// The batch.
    pub batch: BatchId,
    /// When its bytes were handed to the network.
    pub sent_at: Timestamp,
    /// The HTTP status.
    pub http_status: u16,
    /// Whether Zoho itself answered in full; else the call may still take effect for a while.
    pub complete: bool,
    /// The results; every entry of the batch stands in exactly one group.
    pub groups: Vec<AnsweredGroup>,
    /// Entries that go back and may share their next call with so many at most.
    pub share: Option<u32>,
    /// RFC 6962 root over the items' leaves, in entry order.
    pub items_root: Hash,
    /// Items that name an id nobody asked about.
    pub strangers: u32,
    /// Items that name an id for the second time.
    pub repeated: u32,
    /// Seal: SHA-256 of the answer without the items' own bytes.
    pub envelope: Hash,
}

named_set!(
    /// Why a batch's call has no answer.
    Unanswered, "reason", {
        /// Time-out, reset, or closed without an answer.
        NoAnswer = "no_answer",
        /// The process that sent it died; a later run found it.
        RunDied = "run_died",
    }
);

/// See [`Event::BatchUnanswered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchUnanswered {
    /// The run that writes this.
    pub run: RunId,
    /// The batch.
    pub batch: BatchId,
    /// When its bytes were handed to the network, where known.
    pub sent_at: Option<Timestamp>,
    /// The last moment at which the call can have been sent.
    pub sent_before: Timestamp,
    /// Why.
    pub reason: Unanswered,
    /// Seal: the error, in words.
    pub detail: Hash,
    /// Its entries.
    pub entries: EntryRanges,
}

named_set!(
    /// Why a batch went back without its call having left.
    Returned, "reason", {
        /// No connection came about.
        NotSent = "not_sent",
        /// `send_by` had passed.
        TooLate = "too_late",
        /// The run stopped before it was sent.
        Stopped = "stopped",
        /// At the last check something forbade it: a pause, a hold, a withdrawn approval.
        Forbidden = "forbidden",
    }
);

/// See [`Event::BatchReturned`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchReturned {
    /// The run.
    pub run: RunId,
    /// The batch.
    pub batch: BatchId,
    /// Why.
    pub reason: Returned,
    /// Seal: the error, in words.
    pub detail: Hash,
    /// Its entries.
    pub entries: EntryRanges,
}

/// Entries for which evidence says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceGroup {
    /// What evidence says.
    pub verdict: Verdict,
    /// Zoho's code, or ours (`UNDECIDED`); empty where there is none.
    pub code: String,
    /// The entries.
    pub entries: EntryRanges,
}

/// See [`Event::EvidenceRead`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRead {
    /// The run.
    pub run: RunId,
    /// The reading's number.
    pub evidence: i64,
    /// The module that was read.
    pub module: ModuleName,
    /// What it says.
    pub groups: Vec<EvidenceGroup>,
    /// RFC 6962 root over the items' leaves, in entry order.
    pub items_root: Hash,
}

/// See [`Event::EntriesReopened`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntriesReopened {
    /// The run.
    pub run: RunId,
    /// The entries.
    pub entries: EntryRanges,
}

/// See [`Event::RequestParked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestParked {
    /// The run.
    pub run: RunId,
    /// The request.
    pub request: RequestId,
    /// Refusals in a row.
    pub refusals: u64,
}

/// See [`Event::RequestUnparked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestUnparked {
    /// The run.
    pub run: RunId,
    /// The request.
    pub request: RequestId,
}

/// See [`Event::RunEnded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEnded {
    /// The run.
    pub run: RunId,
    /// The exit code it ended with.
    pub exit_code: u8,
    /// API calls it made, reads included.
    pub calls: u64,
    /// Credits they cost by Zoho's documents.
    pub credits: u64,
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
            Self::BatchUnanswered(data) => one(&data.entries, Change::Answered(Outcome::Unknown)),
            Self::BatchReturned(data) => one(&data.entries, Change::Answered(Outcome::Returned)),
            Self::EvidenceRead(data) => data
                .groups
                .iter()
                .map(|group| Step {
                    entries: &group.entries,
                    change: Change::Evidence(group.verdict),
                })
                .collect(),
            Self::EntriesReopened(data) => one(&data.entries, Change::Reopened),
            Self::JournalCreated(_)
            | Self::KeyReplaced(_)
            | Self::RequestRecorded(_)
            | Self::NothingRecorded(_)
            | Self::RunStarted(_)
            | Self::Bound(_)
            | Self::UserSeen(_)
            | Self::ModuleSeen(_)
            | Self::RequestParked(_)
            | Self::RequestUnparked(_)
            | Self::RunEnded(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
