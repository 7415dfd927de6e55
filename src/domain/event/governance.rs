//! What events of approvals, withdrawals, pauses, holds and policies hold. Key order is part of the format.

use serde::{Deserialize, Serialize};

use crate::domain::approval_rules::ApprovalRules;
use crate::domain::id::{EventSeq, HoldId, ModuleName, PolicyId, RequestId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::policy::Approver;
use crate::domain::ranges::EntryRanges;
use crate::domain::target::named_set;
use crate::domain::time::Timestamp;

/// See [`super::Event::RequestApproved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestApproved {
    /// The request.
    pub request: RequestId,
    /// The leaf of the event that recorded it: this and nothing else is approved.
    pub content: Hash,
    /// Its entries that waited for it.
    pub entries: Option<EntryRanges>,
    /// Nothing is sent later without another approval.
    pub valid_until: Timestamp,
    /// Whether who approves has another name than who asked.
    pub second: bool,
    /// Whether the same OS account recorded both.
    pub same_account: bool,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who approves.
    pub approved_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: the SSH signature of a signed approval, in its armour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Hash>,
    /// Seal: SHA-256 in hex of the list of allowed signers that it was held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_signers: Option<Hash>,
    /// The request's approval before this one, which a signed text names, so that it counts once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<EventSeq>,
    /// Seal: the list that was signed, where one signature is for several requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_list: Option<Hash>,
    /// Entries that waited for it, and that the lost part of the log may have sent: they are read first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<EntryRanges>,
}

/// See [`super::Event::RequestRejected`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRejected {
    /// The request.
    pub request: RequestId,
    /// The leaf of the event that recorded it.
    pub content: Hash,
    /// Its entries that were not sent.
    pub entries: EntryRanges,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who rejects it.
    pub rejected_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why.
    pub reason: Hash,
}

named_set!(
    /// Why entries that were pending need an approval.
    NeedCause, "cause", {
        /// They are older than they may be sent without a fresh one.
        Expired = "expired",
        /// The policy now asks for a second person.
        Policy = "policy",
    }
);

/// See [`super::Event::ApprovalNeeded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalNeeded {
    /// The run that looked.
    pub run: RunId,
    /// The request.
    pub request: RequestId,
    /// Why.
    pub cause: NeedCause,
    /// The policy that was met.
    pub policy: String,
    /// Its entries that were pending.
    pub entries: EntryRanges,
}

/// See [`super::Event::EntriesCancelled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntriesCancelled {
    /// The entries.
    pub entries: EntryRanges,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who withdraws them.
    pub cancelled_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why.
    pub reason: Hash,
}

/// See [`super::Event::Paused`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paused {
    /// Name and version of the program.
    pub program: String,
    /// Seal: who pauses.
    pub paused_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why.
    pub reason: Hash,
}

/// See [`super::Event::Resumed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resumed {
    /// Name and version of the program.
    pub program: String,
    /// Seal: who resumes.
    pub resumed_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Hash>,
}

/// See [`super::Event::HoldPlaced`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldPlaced {
    /// The hold.
    pub hold: HoldId,
    /// The module that was named.
    pub module: ModuleName,
    /// Whether all of the module is held.
    pub whole: bool,
    /// How many ids are held.
    pub ids: u64,
    /// RFC 6962 root over the ids' leaves, in the order of their places.
    pub ids_root: Option<Hash>,
    /// When somebody should look whether it is still needed. It never ends by itself.
    pub review_by: Option<Timestamp>,
    /// Open entries that it covers; they are held from now on.
    pub entries: Option<EntryRanges>,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who holds.
    pub held_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why.
    pub reason: Hash,
    /// Seal: the ticket.
    pub ticket: Option<Hash>,
}

/// See [`super::Event::EntriesHeld`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntriesHeld {
    /// The run that was about to claim them.
    pub run: RunId,
    /// The entries.
    pub entries: EntryRanges,
}

/// What of a hold is released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasedPart {
    /// The hold.
    pub hold: HoldId,
    /// The places of its ids, written as sets of entries are; `None` for a whole module.
    pub places: Option<EntryRanges>,
}

/// See [`super::Event::HoldReleased`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldReleased {
    /// What is released, by hold.
    pub parts: Vec<ReleasedPart>,
    /// Entries that may be sent again.
    pub pending: Option<EntryRanges>,
    /// Entries whose request is not approved.
    pub awaiting_approval: Option<EntryRanges>,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who releases.
    pub released_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why.
    pub reason: Hash,
    /// Seal: the ticket.
    pub ticket: Option<Hash>,
    /// Entries that nothing holds any more, and that the lost part of the log may have sent: they are read first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<EntryRanges>,
}

/// See [`super::Event::PolicySet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySet {
    /// The policy.
    pub policy: PolicyId,
    /// Which requests wait for a second person: `never`, `always`, or a number of entries.
    pub require_approval: String,
    /// `signed` where approvals must be; left out where a name is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Approver>,
    /// Whether it is in force at once; else it is a proposal.
    pub in_force: bool,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who sets it.
    pub set_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why.
    pub reason: Hash,
    /// Which more requests wait, by operation and module.
    #[serde(default, skip_serializing_if = "ApprovalRules::is_empty")]
    pub rules: ApprovalRules,
    /// Seal: who may sign approvals with which key, where the policy pins that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signers: Option<Hash>,
}

/// See [`super::Event::PolicyApproved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyApproved {
    /// The policy.
    pub policy: PolicyId,
    /// The leaf of the event that proposed it.
    pub content: Hash,
    /// Whether the same OS account recorded both.
    pub same_account: bool,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who approves.
    pub approved_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: the SSH signature of a signed approval, in its armour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Hash>,
    /// Seal: SHA-256 in hex of the list of allowed signers that it was held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_signers: Option<Hash>,
}

/// See [`super::Event::PolicyRejected`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRejected {
    /// The policy.
    pub policy: PolicyId,
    /// The leaf of the event that proposed it.
    pub content: Hash,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who rejects it.
    pub rejected_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why.
    pub reason: Hash,
}
