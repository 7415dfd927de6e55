//! What each kind of event holds. Key order is part of the format: the bytes are hashed as they stand.

use serde::{Deserialize, Serialize};

use crate::domain::id::{BatchId, EntryId, ModuleName, RequestId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::{Operation, RelatedList};
use crate::domain::state::{Outcome, Verdict};
use crate::domain::target::{ApiVersion, Product, Target, named_set};
use crate::domain::time::Timestamp;

/// See [`super::Event::JournalCreated`]. Always the first event.
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

/// See [`super::Event::KeyReplaced`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyReplaced {
    /// The public key from now on.
    pub key: String,
    /// Name and version of the program.
    pub program: String,
    /// Seal of the account and host.
    pub replaced_by: Hash,
    /// Seal: why, of a rotation. A key that was lost is replaced without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Hash>,
    /// A signed note by which the old key hands over to the new one; a lost key could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<String>,
}

/// See [`super::Event::SchemaUpgraded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaUpgraded {
    /// The number of the schema until now.
    pub from: u32,
    /// The number of the schema from now on.
    pub to: u32,
    /// Name and version of the program.
    pub program: String,
    /// Seal of the account and host.
    pub upgraded_by: Hash,
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
        /// Entries of this journal, which the request undoes. The row of each of its items is the number of the
        /// entry that it undoes.
        Journal = "journal",
    }
);

/// See [`super::Event::RequestRecorded`].
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
    /// The related list of an unlink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_list: Option<RelatedList>,
    /// Seal: the tags of an untag, as a JSON array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Hash>,
    /// `false` when nothing is to be read before a call; left out where a read is made, or where
    /// the operation has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<bool>,
    /// Seal: Zoho's id of the module, where a read while recording resolved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_id: Option<Hash>,
    /// `true` when the records that carry the tags are read before these are deleted; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_records: Option<bool>,
    /// Nothing is sent before every entry of this earlier request is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RequestId>,
    /// Entries that a hold covers: they are held from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<EntryRanges>,
    /// Where a full snapshot of each record is wanted before it is deleted: how long it is kept, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_retention_ms: Option<u64>,
    /// Seal: the age recipient to whom full snapshots are encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_recipient: Option<Hash>,
}

/// See [`super::Event::RequestPinned`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestPinned {
    /// The run that read it.
    pub run: RunId,
    /// The request.
    pub request: RequestId,
    /// Seal: Zoho's id of the module.
    pub module_id: Hash,
}

/// See [`super::Event::NothingRecorded`].
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

/// See [`super::Event::RunStarted`].
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

/// See [`super::Event::Bound`].
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

/// See [`super::Event::UserSeen`].
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

/// See [`super::Event::ModuleSeen`].
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

/// See [`super::Event::BatchBegun`].
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

/// See [`super::Event::BatchAnswered`].
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
    /// Seal: the id of the asynchronous job that Zoho accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Hash>,
}

named_set!(
    /// How an asynchronous job ended.
    JobEnding, "job's end", {
        /// Zoho says that it is completed. It may have left items out.
        Completed = "completed",
        /// Zoho says that it failed.
        Failed = "failed",
        /// Zoho does not know it any more.
        Forgotten = "forgotten",
    }
);

/// See [`super::Event::JobEnded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobEnded {
    /// The run that asked.
    pub run: RunId,
    /// The batch that made it.
    pub batch: BatchId,
    /// How it ended.
    pub ending: JobEnding,
    /// How many items Zoho counts, where it says so.
    pub total: Option<u64>,
    /// How many of them it deleted.
    pub deleted: Option<u64>,
    /// How many it could not delete.
    pub failed: Option<u64>,
}

/// See [`super::Event::SnapshotTaken`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotTaken {
    /// The run.
    pub run: RunId,
    /// The reading's number; snapshots and evidence are counted together.
    pub reading: i64,
    /// The module that was read; of an unlink, the parent's.
    pub module: ModuleName,
    /// The entries.
    pub entries: EntryRanges,
    /// Those of them that turned out never to have been there: they are settled.
    pub absent: Option<EntryRanges>,
    /// RFC 6962 root over the items' leaves, in entry order.
    pub items_root: Hash,
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

/// See [`super::Event::BatchUnanswered`].
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

/// See [`super::Event::BatchReturned`].
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

/// See [`super::Event::EvidenceRead`].
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

/// See [`super::Event::EntriesSettled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntriesSettled {
    /// The decision's number; it is counted together with readings, in whose place it stands.
    pub reading: i64,
    /// What the person says happened: `done`, `absent` or `failed`.
    pub verdict: Verdict,
    /// The entries.
    pub entries: EntryRanges,
    /// RFC 6962 root over the items' leaves, in entry order.
    pub items_root: Hash,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who decided.
    pub settled_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why.
    pub reason: Hash,
    /// Seal: the ticket.
    pub ticket: Option<Hash>,
}

/// See [`super::Event::EntriesReopened`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntriesReopened {
    /// The run.
    pub run: RunId,
    /// The entries that may be sent again.
    pub entries: Option<EntryRanges>,
    /// Those that the lost part of the log may have sent again: they are read first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<EntryRanges>,
}

/// See [`super::Event::RequestParked`].
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

/// See [`super::Event::RequestUnparked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestUnparked {
    /// The run.
    pub run: RunId,
    /// The request.
    pub request: RequestId,
}

/// Rows that were left out of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgottenRows {
    /// The request.
    pub request: RequestId,
    /// Which of them, counted from 1 in the order in which they were recorded.
    pub rows: EntryRanges,
}

/// See [`super::Event::Forgotten`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    /// The entries; all of them settled, and none forgotten before.
    pub entries: EntryRanges,
    /// The requests of which no entry is left now: what was typed about them is forgotten, too.
    pub requests: Vec<RequestId>,
    /// Rows that had been left out, because they named one of the entries' records or belong to one of the
    /// requests.
    pub left_out: Vec<ForgottenRows>,
    /// Answers that named one of the entries' records outside of its own bytes, and to whose other entries
    /// something is kept: all that stands around the items is forgotten.
    pub envelopes: Vec<BatchId>,
    /// Whether entries were among them that could still have been brought back.
    pub even_restorable: bool,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who decided.
    pub forgotten_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why.
    pub reason: Hash,
    /// Seal: the ticket.
    pub ticket: Option<Hash>,
}

/// See [`super::Event::RunEnded`].
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
