//! Where the model asks the product: how an entry moves, what an answer means, what reads prove.
//!
//! Nothing is copied, so the model cannot drift from the rules that the product runs by.

use std::time::Duration;

use zoho_journal::domain::answer::{AnswerItem, ParsedAnswer, RawAnswer, Verdict as Said};
use zoho_journal::domain::call::{CallItem, CallKind};
use zoho_journal::domain::evidence::deletion::{Facts, SeenDeleted, SeenRecord, decide};
use zoho_journal::domain::evidence::{AttemptRecord, Decision, History, Look, Now};
use zoho_journal::domain::id::{EntryId, RecordId, RunId};
use zoho_journal::domain::outcome::judge;
use zoho_journal::domain::scope::{Action, Operation, Scope};
use zoho_journal::domain::state::{Outcome, Verdict};
use zoho_journal::domain::target::{ApiVersion, Product};
use zoho_journal::domain::time::Timestamp;

use crate::setup::{QUARANTINE, SEND_WITHIN};
use crate::state::{Answer, Attempt, Code, Record};

/// How long a tick lasts: far more than the seconds that the product allows clocks to be off.
const TICK: Duration = Duration::from_hours(1);

const US: i64 = 410_405_000_000_000_001;
const SOMEBODY: i64 = 410_405_000_000_000_002;
const FIRST_RECORD: i64 = 410_405_000_000_001_000;

/// A moment of the model, as the product writes it.
fn at(tick: u8) -> Timestamp {
    Timestamp::from_millis(0).plus(TICK * u32::from(tick))
}

/// What one look at Zoho showed of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Seen {
    /// Recycle bin and list of deletions do not have it; the record itself is still to be read.
    NotDeleted,
    /// All three were read.
    All(Record),
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// Evidence says so.
    Settled(Verdict),
    /// It is read again later.
    Nothing,
    /// Another source is to be asked.
    Asks,
}

impl Attempt {
    fn record(&self) -> AttemptRecord {
        AttemptRecord {
            operation: Operation::Delete,
            outcome: Outcome::Unknown,
            code: self.code.text().to_owned(),
            complete: self.complete,
            begun_at: at(self.begun),
            sent_at: self.sent.map(at),
            sent_before: self.sent_before.map(at),
            send_by: at(self.begun + SEND_WITHIN),
            run: RunId::new(1),
            user: RecordId::from_stored(US),
            clock_offset_ms: 0,
            ended_at: self.sent.map(at),
            seen_before: false,
            closed: self.closed,
        }
    }
}

/// What the product's evidence rule makes of a look. `now` is when it began, `quarantine` in ticks.
pub fn follows(
    attempts: &[Attempt],
    tries: u8,
    done_earlier: Option<u8>,
    seen: Seen,
    (now, has_quarantine): (u8, bool),
) -> Follows {
    let attempts: Vec<AttemptRecord> = attempts.iter().map(Attempt::record).collect();
    let quarantine = if has_quarantine { TICK * u32::from(QUARANTINE) } else { Duration::ZERO };
    // Nobody sets a clock here.
    let now = Now { ours: at(now), offset_ms: Some(0) };
    let mut history =
        History::of(&attempts, u32::from(tries), quarantine, now).after(done_earlier.map(at));
    history.quarantine_over |= !has_quarantine;
    match decide(&history, &facts(seen)) {
        Decision::Settle { verdict, .. } => Follows::Settled(verdict),
        Decision::Ask(_) => Follows::Asks,
        Decision::Wait | Decision::Later => Follows::Nothing,
    }
}

fn facts(seen: Seen) -> Facts {
    match seen {
        Seen::NotDeleted => {
            Facts { bin: Look::NotThere, deleted: Look::NotThere, record: Look::NotAsked }
        }
        Seen::All(Record::Gone { at: tick }) => deleted(US, at(tick)),
        // When somebody else did it decides nothing.
        Seen::All(Record::GoneByOthers) => deleted(SOMEBODY, at(0)),
        Seen::All(Record::There { modified }) => {
            // What nobody changed during the search was changed long before it.
            let modified = modified.map_or(Timestamp::from_millis(-1_000_000_000_000), at);
            let record = Look::Seen(SeenRecord { modified: Some(modified) });
            Facts { bin: Look::NotThere, deleted: Look::NotThere, record }
        }
        Seen::All(Record::Unseen) => {
            Facts { bin: Look::NotThere, deleted: Look::NotThere, record: Look::NotThere }
        }
    }
}

fn deleted(by: i64, at: Timestamp) -> Facts {
    let (by, at) = (RecordId::from_stored(by), Some(at));
    let bin = Look::Seen(SeenDeleted { by, at, permanent: false });
    Facts { bin, deleted: Look::NotAsked, record: Look::NotAsked }
}

impl Code {
    /// As Zoho spells it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Success => "SUCCESS",
            Self::NoSuchRecord => "INVALID_DATA",
            Self::Locked => "RECORD_LOCKED",
            Self::OwnError => "INTERNAL_ERROR",
        }
    }
}

/// What the product makes of an answer to these entries, in their order, and whether it is Zoho's last word.
/// `by_position` is the planted mistake.
pub fn judged(
    batch: &[(u8, u8)],
    answer: &Answer,
    by_position: bool,
) -> (Vec<(Outcome, Code)>, bool) {
    let record = |target: u8| RecordId::from_stored(FIRST_RECORD + i64::from(target));
    let items: Vec<CallItem> = batch
        .iter()
        .filter_map(|(entry, target)| {
            Some(CallItem { entry: EntryId::new(i64::from(*entry) + 1), target: record(*target)? })
        })
        .collect();
    let said = |code: Code| Said { code: code.text().to_owned(), ..Said::default() };
    let (status, parsed) = match answer {
        Answer::Items(results) => {
            let named = results.iter().enumerate().map(|(position, (target, code))| AnswerItem {
                id: if by_position {
                    items.get(position).map(|item| item.target)
                } else {
                    record(*target)
                },
                verdict: said(*code),
                tags: None,
                slice: 0..0,
            });
            (200, ParsedAnswer::Items(named.collect()))
        }
        Answer::OwnError => (500, ParsedAnswer::Call(said(Code::OwnError))),
        Answer::Gateway => {
            (502, ParsedAnswer::Unreadable(zoho_journal::domain::answer::Unreadable::NotJson))
        }
    };
    let raw = RawAnswer {
        http_status: status,
        body: Vec::new(),
        cut: false,
        date: None,
        retry_after: None,
        credits_remaining: None,
        sent_at: at(0),
        answered_at: at(0),
    };
    let judgement = judge(&kind(), &items, &raw, &parsed);
    let of = |code: &str| {
        let known = [Code::Success, Code::NoSuchRecord, Code::Locked, Code::OwnError];
        known.into_iter().find(|one| one.text() == code).unwrap_or(Code::Nothing)
    };
    let results = judgement.results.iter().map(|one| (one.outcome, of(&one.code))).collect();
    (results, judgement.complete)
}

fn kind() -> CallKind {
    #[expect(clippy::expect_used, reason = "the name of a module that every CRM has")]
    let module = "Leads".parse().expect("a module");
    CallKind {
        scope: Scope { product: Product::Crm, module, action: Action::Delete },
        api_version: ApiVersion::V8,
        workflows: true,
        snapshot: false,
        module_id: None,
    }
}
