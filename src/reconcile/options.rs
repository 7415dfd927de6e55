//! What a run is told, and what it tells.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::calls::{Limits, Versions};
use crate::domain::codes;
use crate::domain::event::JobEnding;
use crate::domain::id::{BatchId, EntryId, ModuleName, RequestId, RunId};
use crate::domain::policy::Conditions;
use crate::domain::ranges::EntryRanges;
use crate::domain::recheck::Found;
use crate::domain::state::EntryState;
use crate::domain::target::Target;
use crate::domain::time::Timestamp;
use crate::domain::usage::DailyBudget;
use crate::store::StoreError;
use crate::store::pausing::PauseView;
use crate::store::query::Blocked;
use crate::store::sending::NotAsRecorded;

/// Which command runs the engine. Live run and replay are the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// Settle, submit, poll.
    Sync,
    /// As sync, and refused entries whose code may pass now go back to pending first.
    Replay,
    /// Look again at what settled entries took away; nothing is sent.
    Recheck,
}

impl RunKind {
    /// The command's name.
    pub const fn command(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Replay => "replay",
            Self::Recheck => "recheck",
        }
    }
}

/// What a run is told.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Which command.
    pub kind: RunKind,
    /// The journal's file; reads go through connections of their own.
    pub db: PathBuf,
    /// Data centre, environment and origin.
    pub target: Target,
    /// Which API version each product uses.
    pub versions: Versions,
    /// What the user set where Zoho's sources differ.
    pub limits: Limits,
    /// Named requests only; all when `None`.
    pub wanted: Option<Vec<RequestId>>,
    /// For a replay: only entries with one of these codes are taken up again. All that may pass when empty.
    pub codes: Vec<String>,
    /// For a recheck: the entries that are looked at. Nothing else is done then.
    pub recheck: Option<EntryRanges>,
    /// More entries than this are refused before anything is sent.
    pub max_entries: u64,
    /// API calls, reads included.
    pub max_calls: Option<u64>,
    /// API credits, reads included.
    pub max_credits: Option<u64>,
    /// API credits of this journal in any 24 hours.
    pub daily_credits: Option<DailyBudget>,
    /// Calls under way at once.
    pub concurrency: usize,
    /// How long to wait for quarantines, throttling and jobs.
    pub wait: Duration,
    /// How long a call without an answer may still take effect.
    pub quarantine: Duration,
    /// Refusals in a row after which a request is set aside.
    pub max_failures: u64,
    /// What flags and settings ask for before something is sent; the journal's own policy may ask for more.
    pub policy: Conditions,
    /// Name and version of the program.
    pub program: String,
    /// OS account, host and process, as JSON.
    pub operator: String,
    /// The command's arguments, as JSON.
    pub arguments: String,
}

/// Whether a replay puts a refused entry with this code back to pending: it may pass now, and it is one of
/// the codes that were asked for, if any were.
pub fn takes_up(codes: &[String], code: &str) -> bool {
    codes::may_pass(code) && (codes.is_empty() || codes.iter().any(|one| one == code))
}

/// Why a run stopped before its work was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The user asked for it.
    Interrupted,
    /// There is no access token that Zoho takes.
    NotSignedIn {
        /// Zoho's code, or the accounts server's word.
        code: String,
        /// What it means.
        message: String,
    },
    /// A scope or permission is missing without which nothing can be done.
    NotAllowed(NotAllowed),
    /// A budget is used up.
    Budget(Limit),
    /// Zoho says that there are too many calls, for longer than `--wait`.
    Throttled {
        /// No run makes a call before then.
        until: Timestamp,
    },
    /// Zoho gives no access token, for longer than `--wait`.
    NoTokens {
        /// No run asks for one before then.
        until: Timestamp,
    },
    /// Zoho could not be reached.
    Unreachable(String),
    /// The token belongs to another org than the journal.
    OtherOrg(String),
    /// Somebody paused.
    Paused(Box<PauseView>),
    /// What is next is not what the log says was recorded.
    NotAsRecorded(Box<NotAsRecorded>),
}

/// A budget that has no room for the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `--max-calls`: so many.
    Calls(u64),
    /// `--max-credits`: so many.
    Credits(u64),
    /// The daily budget.
    Daily {
        /// So many credits in 24 hours.
        limit: u64,
        /// When enough of them are free again.
        again: Option<Timestamp>,
    },
    /// The org's own credits.
    Org {
        /// So many are left, Zoho says.
        left: u64,
    },
}

/// Calls that Zoho does not allow: the run left them out and went on with the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAllowed {
    /// What was refused, with the scope or permission that is missing.
    pub what: String,
    /// Zoho's code.
    pub code: String,
    /// Zoho's message.
    pub message: String,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The run.
    pub run: Option<RunId>,
    /// Why it stopped early.
    pub stop: Option<Stop>,
    /// What Zoho does not allow, where the rest of the run went on.
    pub not_allowed: Vec<NotAllowed>,
    /// Entries in each state, now, of the whole journal.
    pub totals: BTreeMap<EntryState, u64>,
    /// Entries that this run settled as failed, or that are failed in the requests that were named.
    pub failed: u64,
    /// Entries of the wanted requests that wait for an approval, or for a fresh one.
    pub awaiting_approval: u64,
    /// Entries left unknown, queued or pending that were the business of this run.
    pub unfinished: u64,
    /// Of these, entries that reads cannot decide.
    pub undecided: u64,
    /// Of these, pending entries that wait for another one for the same thing, of this run's business or not.
    pub blocked: Blocked,
    /// Zoho's ids of the jobs that are still open.
    pub jobs: Vec<String>,
    /// Requests that this run set aside.
    pub parked: Vec<RequestId>,
    /// Entries that a replay took up again.
    pub reopened: u64,
    /// Of a recheck: how many things were found where.
    pub rechecked: Option<BTreeMap<Found, u64>>,
    /// Entries that were sent.
    pub sent: u64,
    /// API calls made.
    pub calls: u64,
    /// API credits they cost.
    pub credits: u64,
    /// Things a person should know.
    pub warnings: Vec<String>,
}

/// Something that happened in a run, for showing.
#[derive(Debug, Clone)]
pub enum Progress {
    /// The run began.
    Started {
        /// The run.
        run: RunId,
        /// Entries that it will send.
        entries: u64,
        /// Batches that an earlier run left open.
        left_open: u64,
        /// Entries that a replay took up again.
        reopened: u64,
    },
    /// Zoho was met.
    Contact {
        /// Zoho's id of the org.
        org: String,
    },
    /// A batch was answered, or not.
    Batch {
        /// The batch.
        batch: BatchId,
        /// The module.
        module: ModuleName,
        /// The HTTP status, if there was an answer.
        http_status: Option<u16>,
        /// Entries by outcome: done, failed, unknown, returned.
        done: u64,
        /// Refused.
        failed: u64,
        /// Accepted as a job.
        queued: u64,
        /// Zoho's id of that job.
        job: Option<String>,
        /// To be read.
        unknown: u64,
        /// Back in the queue.
        returned: u64,
        /// What went wrong with the call, if anything did.
        problem: Option<String>,
    },
    /// Evidence was read.
    Evidence {
        /// The module.
        module: ModuleName,
        /// Our calls took effect.
        done: u64,
        /// Gone before, or by somebody else.
        absent: u64,
        /// Refused.
        failed: u64,
        /// May be sent again.
        pending: u64,
        /// Cannot be decided.
        undecided: u64,
    },
    /// What entries took away was looked at again.
    Rechecked {
        /// The module.
        module: ModuleName,
        /// When, by our clock.
        at: Timestamp,
        /// Where each entry's thing is.
        seen: Vec<(EntryId, Found)>,
    },
    /// An asynchronous job is over.
    JobOver {
        /// Zoho's id of it.
        job: String,
        /// How it ended.
        ending: JobEnding,
        /// How many items Zoho counts, where it says so.
        total: Option<u64>,
        /// How many of them it deleted.
        deleted: Option<u64>,
        /// How many it could not delete.
        failed: Option<u64>,
    },
    /// The run waits.
    Waiting {
        /// How long.
        duration: Duration,
        /// For what.
        why: &'static str,
    },
    /// The user asked the run to stop.
    Interrupted,
    /// A request was set aside.
    Parked {
        /// The request.
        request: RequestId,
        /// After so many refusals in a row; 0 where Zoho does not know its module.
        refusals: u64,
    },
    /// Zoho does not allow some of the calls; the run goes on with the others.
    NotAllowed(NotAllowed),
    /// Something a person should know.
    Warning(String),
}

/// Who is told how a run goes.
pub trait Reporter: Send + Sync + 'static {
    /// Something happened.
    fn tell(&self, progress: &Progress);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn tell(&self, _: &Progress) {}
}

/// After these nobody knows what is on disk, or nothing was done at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal failed. What was in flight is found by the next run.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A part of the program broke.
    #[error("the run broke off: {0}")]
    Broken(String),
}
