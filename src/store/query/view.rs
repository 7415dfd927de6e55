//! Entries, batches and requests as they are shown, with all that the journal knows of them.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::domain::event::SourceKind;
use crate::domain::evidence::deletion::Facts;
use crate::domain::evidence::presence::ThingFacts;
use crate::domain::id::{BatchId, EntryId, EventSeq, ModuleName, RecordId, RequestId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::{Operation, RelatedList};
use crate::domain::state::{Change, EntryState, Outcome, Verdict};
use crate::domain::target::{ApiVersion, Product, named_set};
use crate::domain::time::Timestamp;
use crate::store::adopting::AdoptionView;
use crate::store::approval::ApprovalView;
use crate::store::cancelling::CancellationView;
use crate::store::holding::HoldView;
use crate::store::job::JobEnd;
use crate::store::query::later::{PutBack, RecheckView, UndoneBy};
use crate::store::snapshot;

/// A request with what was typed about it. Texts are `None` where none was given, or once erased.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub struct RequestView {
    /// The request.
    pub request: RequestId,
    /// The event that recorded it.
    pub seq: EventSeq,
    /// That event's leaf hash.
    pub leaf: Hash,
    /// When it was recorded.
    pub at: Timestamp,
    /// What is to be done.
    pub operation: Operation,
    /// The product.
    pub product: Product,
    /// The module.
    pub module: ModuleName,
    /// The related list of an unlink.
    pub list: Option<RelatedList>,
    /// Whether Zoho's workflows run.
    pub workflows: bool,
    /// Whether what is there is read before a call.
    pub snapshot: bool,
    /// Whether the records that carry the tags are read before these are deleted.
    pub snapshot_records: bool,
    /// How long a full snapshot of each record is kept, in milliseconds, where one is wanted.
    pub full_retention_ms: Option<u64>,
    /// The request that must be settled first.
    pub after: Option<RequestId>,
    /// Its first entry.
    pub first: EntryId,
    /// Its last entry.
    pub last: EntryId,
    /// Nothing is sent earlier.
    pub not_before: Option<Timestamp>,
    /// Nothing is sent later without a fresh approval.
    pub valid_until: Timestamp,
    /// Rows read from the source.
    pub source_rows: u64,
    /// Rows that named what another row or an open entry covers.
    pub duplicates: u64,
    /// Rows that were invalid and skipped.
    pub rejected: u64,
    /// Whether it was set aside after too many refusals in a row.
    pub parked: bool,
    /// Whether it waits for an approval.
    pub awaits: bool,
    /// Where policy asked for a second person.
    pub asked: Option<EventSeq>,
    /// The newest approval.
    pub approval: Option<ApprovalView>,
    /// Since when it is older than it may be sent without a fresh approval.
    pub expired: Option<Timestamp>,
    /// The approval policy that it met.
    pub policy: String,
    /// Where the ids came from.
    pub source: SourceKind,
    /// Who asked.
    pub requested_by: Option<String>,
    /// The OS account that recorded it.
    pub recorded_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// The source's name.
    pub source_name: Option<String>,
    /// SHA-256 of the source's bytes.
    pub source_sha256: Option<String>,
    /// The column that held the ids.
    pub source_column: Option<String>,
    /// The tags of an untag.
    pub tags: Vec<String>,
}

impl RequestView {
    /// How many entries it has.
    pub fn entries(&self) -> u64 {
        self.first.get().abs_diff(self.last.get()) + 1
    }

    /// Whether what is there is read and kept before a call; `None` for a deletion, of which the
    /// recycle bin keeps all.
    pub fn reads_first(&self) -> Option<bool> {
        (self.operation != Operation::Delete).then_some(self.snapshot)
    }
}

/// What many entries have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeView {
    /// The operation.
    pub operation: Operation,
    /// The product.
    pub product: Product,
    /// The module; of an unlink the parent's.
    pub module: ModuleName,
    /// The parent record of an unlink.
    pub parent: Option<RecordId>,
    /// The related list of an unlink.
    pub related_list: Option<String>,
    /// The tags of an untag.
    pub tags: Vec<String>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchView {
    /// The batch.
    pub batch: BatchId,
    /// The run that recorded it.
    pub run: RunId,
    /// Zoho's id of the token's user of that run; `None` when it could not be read.
    pub user: Option<RecordId>,
    /// The API version.
    pub api_version: ApiVersion,
    /// Method, path and parameters; `{ids}` stands for the ids.
    pub template: String,
    /// Its entries.
    pub entries: EntryRanges,
    /// How many entries.
    pub size: u64,
    /// The event that recorded it.
    pub begun_seq: EventSeq,
    /// The last moment at which its bytes were allowed to leave.
    pub send_by: Timestamp,
    /// How it ended; `None` while it is open.
    pub end: Option<BatchEnd>,
    /// The asynchronous job that it made.
    pub job: Option<JobView>,
}

/// An asynchronous job, as the batch that made it knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// Zoho's id of it; `None` once erased.
    pub id: Option<String>,
    /// How it ended; `None` while it is open.
    pub over: Option<JobOver>,
}

/// The end of a job, with the event that recorded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobOver {
    /// The event.
    pub seq: EventSeq,
    /// How it ended.
    pub end: JobEnd,
}

impl BatchView {
    /// Zoho's id of the job that it made, where it made one that was not erased.
    pub fn job_id(&self) -> Option<&String> {
        self.job.as_ref()?.id.as_ref()
    }

    /// When the call left, or can have left at the latest; `None` when it surely did not, or while
    /// nobody knows.
    pub fn submitted_at(&self) -> Option<Timestamp> {
        match self.end.as_ref()?.ending {
            Ending::Answered { sent_at, .. } => Some(sent_at),
            Ending::Unanswered { sent_at, sent_before } => sent_at.or(sent_before),
            Ending::Returned => None,
        }
    }

    /// The HTTP status of its answer.
    pub fn http_status(&self) -> Option<u16> {
        match self.end.as_ref()?.ending {
            Ending::Answered { http_status, .. } => Some(http_status),
            Ending::Unanswered { .. } | Ending::Returned => None,
        }
    }
}

/// How and when a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchEnd {
    /// The event.
    pub seq: EventSeq,
    /// When it was written.
    pub at: Timestamp,
    /// Its leaf hash.
    pub leaf: Hash,
    /// What came of the call.
    pub ending: Ending,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was answered.
    Answered {
        /// When its bytes were handed to the network.
        sent_at: Timestamp,
        /// The HTTP status.
        http_status: u16,
        /// Whether Zoho itself answered in full.
        complete: bool,
    },
    /// It may have left, and no answer came.
    Unanswered {
        /// When its bytes were handed to the network, where known.
        sent_at: Option<Timestamp>,
        /// The last moment at which they can have been.
        sent_before: Option<Timestamp>,
    },
    /// It surely did not leave.
    Returned,
}

impl Ending {
    /// In one word.
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Answered { .. } => "answered",
            Self::Unanswered { .. } => "unanswered",
            Self::Returned => "returned",
        }
    }
}

/// A reading, of evidence or of snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingView {
    /// Its number.
    pub number: i64,
    /// The run that read.
    pub run: RunId,
    /// The event.
    pub seq: EventSeq,
    /// When it was written.
    pub at: Timestamp,
    /// Its leaf hash.
    pub leaf: Hash,
    /// Of a snapshot: the entries that turned out never to have been there.
    pub absent: EntryRanges,
    /// Who decided, where nothing was read and a person's decision stands in its place.
    pub person: Option<Rc<PersonView>>,
}

/// Who decided what reads could not, and why. Texts are `None` where none was given, or once erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonView {
    /// Who decided.
    pub settled_by: Option<String>,
    /// The OS account that recorded it.
    pub recorded_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
}

/// Zoho's words; each is empty where there were none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// The code.
    pub code: String,
    /// The message.
    pub message: String,
}

/// What came of one entry in one ended batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptResult {
    /// The outcome.
    pub outcome: Outcome,
    /// Zoho's words.
    pub said: Rc<Said>,
}

/// One step in an entry's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A batch carried it.
    Attempt {
        /// The batch.
        batch: Rc<BatchView>,
        /// What came of it; `None` while the batch is open.
        result: Option<AttemptResult>,
    },
    /// What was there before a call was read.
    Snapshot {
        /// The reading.
        reading: Rc<ReadingView>,
        /// What was read, as JSON; `None` once erased.
        facts: Option<String>,
        /// Whether it showed that there was nothing to do: that settled it.
        never_there: bool,
    },
    /// Evidence was read for it.
    Evidence {
        /// The reading.
        reading: Rc<ReadingView>,
        /// What it says.
        verdict: Verdict,
        /// Zoho's code, or ours; empty where there is none.
        code: String,
        /// What of the reads decides, as JSON; `None` once erased.
        facts: Option<String>,
    },
    /// A person decided what reads could not.
    Person {
        /// Who and why.
        person: Rc<PersonView>,
        /// In the place of a reading.
        reading: Rc<ReadingView>,
        /// What the person says.
        verdict: Verdict,
    },
    /// A person withdrew it, or rejected its request.
    Cancelled {
        /// Who and why.
        cancellation: Rc<CancellationView>,
    },
}

impl Step {
    /// The event that ended it; `None` for an open batch.
    pub fn seq(&self) -> Option<EventSeq> {
        match self {
            Self::Attempt { batch, .. } => batch.end.as_ref().map(|end| end.seq),
            Self::Evidence { reading, .. }
            | Self::Snapshot { reading, .. }
            | Self::Person { reading, .. } => Some(reading.seq),
            Self::Cancelled { cancellation } => Some(cancellation.seq),
        }
    }

    /// Whether it says anything about the entry. What was given back says nothing, unless with a code.
    fn speaks(&self) -> bool {
        match self {
            Self::Attempt { result: Some(result), .. } => {
                result.outcome != Outcome::Returned || !result.said.code.is_empty()
            }
            Self::Attempt { result: None, .. } => false,
            Self::Snapshot { never_there, .. } => *never_there,
            Self::Evidence { .. } | Self::Person { .. } | Self::Cancelled { .. } => true,
        }
    }

    /// The state that an entry has after it.
    fn leads_to(&self) -> Option<EntryState> {
        let (from, change) = match self {
            Self::Attempt { result, .. } => {
                (EntryState::InFlight, Change::Answered(result.as_ref()?.outcome))
            }
            Self::Snapshot { .. } => (EntryState::Pending, Change::NeverThere),
            Self::Evidence { verdict, .. } => (EntryState::Unknown, Change::Evidence(*verdict)),
            Self::Person { verdict, .. } => {
                (EntryState::Unknown, Change::SettledByPerson(*verdict))
            }
            Self::Cancelled { .. } => (EntryState::Pending, Change::Cancelled),
        };
        from.next(change).ok()
    }
}

named_set!(
    /// What settled an entry.
    SettledBy, "settlement", {
        /// Zoho's answer.
        Answer = "answer",
        /// What was read afterwards.
        Evidence = "evidence",
        /// An asynchronous job, and what was read once it was over.
        Job = "job",
        /// A person, where no read could decide.
        Person = "person",
    }
);

/// The event that settled an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// What settled it.
    pub by: SettledBy,
    /// The event.
    pub seq: EventSeq,
    /// When it was written.
    pub at: Timestamp,
    /// Its leaf hash.
    pub leaf: Hash,
}

/// An entry with its story.
#[derive(Debug, Clone)]
pub struct EntryView {
    /// The entry.
    pub entry: EntryId,
    /// Its request.
    pub request: Rc<RequestView>,
    /// What it has in common with others.
    pub scope: Rc<ScopeView>,
    /// The record; `None` once erased.
    pub target: Option<RecordId>,
    /// The row of the source that named it; `None` once erased.
    pub row: Option<i64>,
    /// Where it stands.
    pub state: EntryState,
    /// The entry that brings it back, if one was recorded.
    pub undone_by: Option<UndoneBy>,
    /// Of a deleted tag: the entries that put it back on records.
    pub put_back: Vec<PutBack>,
    /// What later looks showed, in the order of the log.
    pub rechecks: Vec<RecheckView>,
    /// The hold that keeps it, while it is held.
    pub hold: Option<Rc<HoldView>>,
    /// Adoptions while it was open: what a lost part of the log did to it, nobody knew then.
    pub adoptions: Vec<Rc<AdoptionView>>,
    /// Everything that happened to it, in the order of the log; a batch that is still open comes last.
    pub steps: Vec<Step>,
}

impl EntryView {
    /// How many batches carried it.
    pub fn attempts(&self) -> u64 {
        let attempts = self.steps.iter().filter(|step| matches!(step, Step::Attempt { .. }));
        u64::try_from(attempts.count()).unwrap_or(u64::MAX)
    }

    /// The batch that carried it last.
    pub fn last_batch(&self) -> Option<&Rc<BatchView>> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Attempt { batch, .. } => Some(batch),
            Step::Snapshot { .. }
            | Step::Evidence { .. }
            | Step::Person { .. }
            | Step::Cancelled { .. } => None,
        })
    }

    /// What spoke about it last: an answer, or evidence that came after it.
    pub fn last_word(&self) -> Option<&Step> {
        self.steps.iter().rev().find(|step| step.speaks())
    }

    /// Whether it waits since its request is older than it may be sent without a fresh approval.
    pub fn has_expired(&self) -> bool {
        self.state == EntryState::AwaitingApproval && self.request.expired.is_some()
    }

    /// The code of the last word, or ours for what keeps it from being sent; empty where there is none.
    pub fn code(&self) -> &str {
        if self.state == EntryState::Held {
            return "HELD";
        }
        if self.has_expired() {
            return "EXPIRED";
        }
        match self.last_word() {
            Some(Step::Cancelled { cancellation }) => cancellation.code(),
            Some(Step::Attempt { result: Some(result), .. }) => &result.said.code,
            Some(Step::Evidence { code, .. }) => code,
            Some(
                Step::Attempt { result: None, .. } | Step::Snapshot { .. } | Step::Person { .. },
            )
            | None => "",
        }
    }

    /// The reading that counts: the one that had the last word, or that a person decided upon.
    pub fn last_read(&self) -> Option<&Step> {
        let mut words = self.steps.iter().rev().filter(|step| step.speaks());
        words.find(|step| !matches!(step, Step::Person { .. } | Step::Cancelled { .. }))
    }

    /// The person who settled it, if one did.
    pub fn person(&self) -> Option<(&PersonView, &ReadingView, Verdict)> {
        match self.last_word() {
            Some(Step::Person { person, reading, verdict }) => Some((person, reading, *verdict)),
            _ => None,
        }
    }

    /// What the evidence says of a deletion, when it is what counts and was not erased.
    pub fn facts(&self) -> Option<Facts> {
        match self.last_read() {
            Some(Step::Evidence { facts: Some(facts), .. })
                if self.scope.operation == Operation::Delete =>
            {
                serde_json::from_str(facts).ok()
            }
            _ => None,
        }
    }

    /// What the evidence says of a tag or a relation, when it is what counts and was not erased.
    pub fn thing_facts(&self) -> Option<ThingFacts> {
        match self.last_read() {
            Some(
                Step::Evidence { facts: Some(facts), .. }
                | Step::Snapshot { facts: Some(facts), .. },
            ) => snapshot::parse(self.scope.operation, facts),
            _ => None,
        }
    }

    /// The newest snapshot. Until a call may have acted one is made anew before each call, and an older one says
    /// nothing about the call that came after.
    pub fn newest_snapshot(&self) -> Option<&Step> {
        self.steps.iter().rev().find(|step| matches!(step, Step::Snapshot { .. }))
    }

    /// What was there before its call, if that was read and not erased.
    pub fn snapshot(&self) -> Option<ThingFacts> {
        match self.newest_snapshot()? {
            Step::Snapshot { facts: Some(facts), .. } => {
                snapshot::parse(self.scope.operation, facts)
            }
            Step::Snapshot { facts: None, .. }
            | Step::Attempt { .. }
            | Step::Evidence { .. }
            | Step::Cancelled { .. }
            | Step::Person { .. } => None,
        }
    }

    /// The asynchronous job that Zoho accepted with the last call, if it did.
    pub fn job(&self) -> Option<&JobView> {
        let (batch, result) = self.steps.iter().rev().find_map(|step| match step {
            Step::Attempt { batch, result } => result.as_ref().map(|result| (batch, result)),
            Step::Snapshot { .. }
            | Step::Evidence { .. }
            | Step::Person { .. }
            | Step::Cancelled { .. } => None,
        })?;
        batch.job.as_ref().filter(|_| result.outcome == Outcome::Queued)
    }

    /// The event that settled it; `None` while it is open.
    pub fn settled(&self) -> Option<Settled> {
        if !self.state.is_settled() {
            return None;
        }
        // The last word is what settled it only if it leads to the state: a withdrawal, for one, does not
        // come from Zoho.
        let word = self.last_word().filter(|word| word.leads_to() == Some(self.state))?;
        match word {
            Step::Attempt { batch, .. } => batch.end.as_ref().map(|end| Settled {
                by: SettledBy::Answer,
                seq: end.seq,
                at: end.at,
                leaf: end.leaf,
            }),
            Step::Snapshot { reading, .. } | Step::Evidence { reading, .. } => Some(Settled {
                by: if self.job().is_some() { SettledBy::Job } else { SettledBy::Evidence },
                seq: reading.seq,
                at: reading.at,
                leaf: reading.leaf,
            }),
            Step::Person { reading, .. } => Some(Settled {
                by: SettledBy::Person,
                seq: reading.seq,
                at: reading.at,
                leaf: reading.leaf,
            }),
            Step::Cancelled { cancellation } => Some(Settled {
                by: SettledBy::Person,
                seq: cancellation.seq,
                at: cancellation.at,
                leaf: cancellation.leaf,
            }),
        }
    }
}
