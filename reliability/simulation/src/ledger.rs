//! What was promised, what was sent and what came of it, kept outside the program: by this its journal is
//! judged.

use std::collections::BTreeMap;
use std::time::Duration;

use zoho_journal::clock::Clock;
use zoho_journal::domain::call::{CallItem, PreparedBatch};
use zoho_journal::domain::id::{BatchId, RecordId, RequestId};
use zoho_journal::domain::scope::{Operation, Scope};

use crate::orders::Orders;

/// What is sent for at most once at a time: a record, a relation from whichever side, a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// A record, whatever is done to it.
    Record(RecordId),
    /// Two records on a related list.
    Relation(RecordId, RecordId),
    /// A tag.
    Tag(RecordId),
}

impl Thing {
    fn of(scope: &Scope, target: RecordId) -> Self {
        match (scope.operation(), scope.parent()) {
            (Operation::DeleteTags, _) => Self::Tag(target),
            (_, Some(parent)) => Self::Relation(parent.min(target), parent.max(target)),
            (_, None) => Self::Record(target),
        }
    }
}

/// A batch as the program meant to send it.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The batch.
    pub batch: BatchId,
    /// Its entries.
    pub items: Vec<CallItem>,
    /// What they are about.
    pub things: Vec<Thing>,
    /// Where they stand.
    pub scope: Scope,
    /// Whether it deletes records, of which Zoho says when and by whom they were deleted.
    pub deletes_records: bool,
    /// Until when it may leave, by the clock that nobody sets.
    pub leaves_by: Duration,
}

impl Intent {
    /// That of a batch, by the clock of its run.
    pub fn of(batch: &PreparedBatch, clock: &impl Clock) -> Self {
        let scope = &batch.kind().scope;
        let things = batch.items().iter().map(|item| Thing::of(scope, item.target)).collect();
        let items = batch.items().to_vec();
        let left = batch.send_by().since(clock.now());
        let leaves_by = if left.is_zero() { left } else { clock.elapsed() + left };
        let deletes_records = scope.operation() == Operation::Delete;
        let scope = scope.clone();
        Self { batch: batch.batch(), items, things, scope, deletes_records, leaves_by }
    }
}

/// Which of the calls that left it was, in order.
pub type SendNumber = usize;

/// A request that was acknowledged to somebody.
#[derive(Debug, Clone)]
pub struct Promise {
    /// The request.
    pub request: RequestId,
    /// How many entries it was said to have.
    pub entries: u64,
}

/// How often something happened, for the report.
#[derive(Debug, Clone, Default)]
pub struct Counters(BTreeMap<&'static str, u64>);

impl Counters {
    /// Counts one more.
    pub fn one(&mut self, what: &'static str) {
        self.many(what, 1);
    }

    /// Counts so many more.
    pub fn many(&mut self, what: &'static str, times: u64) {
        *self.0.entry(what).or_default() += times;
    }

    /// Adds those of another schedule.
    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            self.many(what, *times);
        }
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(what, times)| (*what, *times))
    }

    /// One of them.
    pub fn get(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }
}

/// The books of one schedule.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The calls that left and have not arrived.
    under_way: BTreeMap<SendNumber, Intent>,
    /// Which call of ours each request was that reached Zoho, by Zoho's number.
    reached: BTreeMap<u64, SendNumber>,
    /// Every call that left, in order.
    sends: Vec<Intent>,
    /// What was acknowledged.
    pub promises: Vec<Promise>,
    /// What people decided about it.
    pub orders: Orders,
    /// Runs that are on, with the processes that may be on beside another one.
    pub runs_on: usize,
    /// Whether somebody took the lock file away.
    pub lock_taken_away: bool,
    /// What must not have happened.
    pub violations: Vec<String>,
    /// How often things happened.
    pub counters: Counters,
}

impl Ledger {
    /// Notes what must not have happened.
    pub fn violation(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    /// A call leaves.
    pub fn leaves(&mut self, intent: &Intent) -> SendNumber {
        let number = self.sends.len();
        self.sends.push(intent.clone());
        let alive = self.under_way.values().find_map(|other| {
            other
                .things
                .iter()
                .find(|thing| intent.things.contains(thing))
                .map(|thing| (other.batch, *thing))
        });
        if let Some((batch, thing)) = alive {
            let ours = intent.batch;
            self.violation(format!(
                "{ours} was sent for {thing:?} while {batch} was still on its way"
            ));
        }
        self.counters.one("calls that left");
        self.under_way.insert(number, intent.clone());
        number
    }

    /// Whether a call has left and not arrived.
    pub fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// A call arrived, or a copy of it, as this request of Zoho's; or it is lost for good.
    pub fn is_over(&mut self, send: SendNumber, request: Option<u64>) {
        if let Some(request) = request {
            self.reached.insert(request, send);
        }
        self.under_way.remove(&send);
    }

    /// The call of ours that a request of Zoho's was.
    pub fn sent_as(&self, request: u64) -> Option<(SendNumber, &Intent)> {
        let number = self.reached.get(&request)?;
        Some((*number, self.sends.get(*number)?))
    }
}
