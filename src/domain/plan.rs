//! The forecast: which calls a run would make, what they cost, and what stands in the way.
//!
//! The same numbers rule the run: entries that may share a call are grouped by the same key and cut at the
//! same limits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::call::Operation;
use crate::domain::id::{EntryId, ModuleName, RequestId};
use crate::domain::limits::{items_in_next_call, items_per_call};
use crate::domain::state::EntryState;
use crate::domain::target::Product;
use crate::domain::time::Timestamp;

/// What a forecast takes a call to last, whatever it is. Zoho states no figure.
pub const ASSUMED_CALL: Duration = Duration::from_millis(500);

/// A request, as planning sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestOverview {
    /// The request.
    pub request: RequestId,
    /// The operation.
    pub operation: Operation,
    /// The product.
    pub product: Product,
    /// The module.
    pub module: ModuleName,
    /// Whether Zoho's workflows run.
    pub workflows: bool,
    /// Its first entry.
    pub first: EntryId,
    /// Its last entry.
    pub last: EntryId,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Who asked; `None` once erased.
    pub requested_by: Option<String>,
    /// Why; `None` once erased.
    pub reason: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// Nothing is sent earlier.
    pub not_before: Option<Timestamp>,
    /// Nothing is sent later without a fresh approval.
    pub valid_until: Timestamp,
    /// Whether it was set aside after too many refusals.
    pub parked: bool,
    /// How many of its entries stand in each state.
    pub tally: BTreeMap<EntryState, u64>,
    /// Pending entries that may share their next call with so many at most: limit and how many.
    pub splits: BTreeMap<u32, u64>,
    /// Whether the module has a recycle bin, as far as a run has read it.
    pub recycle_bin: Option<bool>,
}

impl RequestOverview {
    /// How many of its entries stand in a state.
    pub fn count(&self, state: EntryState) -> u64 {
        self.tally.get(&state).copied().unwrap_or(0)
    }

    /// How many entries it has.
    pub fn entries(&self) -> u64 {
        self.last.get().abs_diff(self.first.get()) + 1
    }

    /// How many of its entries are not settled.
    pub fn unsettled(&self) -> u64 {
        self.tally.iter().filter(|(state, _)| !state.is_settled()).map(|(_, entries)| entries).sum()
    }

    /// Why its pending entries are not sent now, if they are not.
    pub fn waits(&self, now: Timestamp, named: bool) -> Option<Waiting> {
        if self.parked && !named {
            Some(Waiting::Parked)
        } else if self.not_before.is_some_and(|earliest| earliest > now) {
            Some(Waiting::NotDue)
        } else if self.valid_until <= now {
            Some(Waiting::Expired)
        } else {
            None
        }
    }
}

/// Why pending entries are not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Their time has not come.
    NotDue,
    /// They are older than they may be sent without a fresh approval.
    Expired,
    /// Their request was set aside after too many refusals.
    Parked,
}

/// Entries that may share calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// The product.
    pub product: Product,
    /// The operation.
    pub operation: Operation,
    /// The module.
    pub module: ModuleName,
    /// Whether Zoho's workflows run.
    pub workflows: bool,
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Entries it would send.
    pub entries: u64,
    /// Write calls.
    pub batches: u64,
    /// All calls: writes, and the reads that are known beforehand.
    pub calls: u64,
    /// API credits of all calls, by Zoho's documents.
    pub credits: u64,
    /// How long it would take, in seconds.
    pub seconds: u64,
    /// Entries under a hold.
    pub held: u64,
    /// Entries that wait for a second person.
    pub awaiting_approval: u64,
    /// Entries that must be read before anything else.
    pub unknown: u64,
    /// Pending entries whose time has not come.
    pub not_due: u64,
    /// Pending entries that are too old.
    pub expired: u64,
    /// Pending entries of requests that were set aside.
    pub parked: u64,
    /// Entries and write calls by what may share a call.
    pub groups: BTreeMap<GroupKey, (u64, u64)>,
    /// Entries that cannot be brought back, by module: it has no recycle bin, or the product cannot restore.
    pub not_restorable: BTreeMap<ModuleName, u64>,
    /// Modules of which no run has read yet whether they have a recycle bin.
    pub bin_unknown: BTreeSet<ModuleName>,
}

/// Credits of the calls that a run makes before its first write: org, user, and one read a module.
const CREDITS_PER_READ: u64 = 1;

/// Plans a run over the given requests. `named` are those that were named on the command line.
pub fn plan(
    requests: &[RequestOverview],
    named: impl Fn(RequestId) -> bool,
    now: Timestamp,
    concurrency: u64,
) -> Plan {
    let mut plan = Plan::default();
    let mut splits: BTreeMap<GroupKey, u64> = BTreeMap::new();
    let mut modules = BTreeSet::new();
    let mut snapshots = BTreeSet::new();
    for request in requests {
        plan.held += request.count(EntryState::Held);
        plan.awaiting_approval += request.count(EntryState::AwaitingApproval);
        let unknown = request.count(EntryState::Unknown) + request.count(EntryState::InFlight);
        plan.unknown += unknown;
        let pending = request.count(EntryState::Pending);
        match request.waits(now, named(request.request)) {
            Some(Waiting::NotDue) => plan.not_due += pending,
            Some(Waiting::Expired) => plan.expired += pending,
            Some(Waiting::Parked) => plan.parked += pending,
            None if pending > 0 => {
                plan.add(request, pending, &mut splits);
                if request.recycle_bin == Some(false) {
                    snapshots.insert(GroupKey::of(request));
                }
                modules.insert((request.product, request.module.clone()));
            }
            None => {}
        }
        if unknown > 0 {
            modules.insert((request.product, request.module.clone()));
        }
    }
    plan.finish(&splits, &snapshots, modules.len(), concurrency);
    plan
}

impl GroupKey {
    fn of(request: &RequestOverview) -> Self {
        Self {
            product: request.product,
            operation: request.operation,
            module: request.module.clone(),
            workflows: request.workflows,
        }
    }
}

impl Plan {
    fn add(
        &mut self,
        request: &RequestOverview,
        pending: u64,
        splits: &mut BTreeMap<GroupKey, u64>,
    ) {
        let key = GroupKey::of(request);
        self.entries += pending;
        let mut whole = pending;
        for (share, entries) in &request.splits {
            let limit = items_in_next_call(request.operation, Some(*share));
            *splits.entry(key.clone()).or_default() += calls_for(*entries, limit);
            whole = whole.saturating_sub(*entries);
        }
        self.groups.entry(key).or_default().0 += whole;
        let module = request.module.clone();
        match (request.product, request.recycle_bin) {
            (Product::Bigin, _) | (_, Some(false)) => {
                *self.not_restorable.entry(module).or_default() += pending;
            }
            (Product::Crm, None) => {
                self.bin_unknown.insert(module);
            }
            (Product::Crm, Some(true)) => {}
        }
    }

    fn finish(
        &mut self,
        splits: &BTreeMap<GroupKey, u64>,
        snapshots: &BTreeSet<GroupKey>,
        modules: usize,
        concurrency: u64,
    ) {
        let mut reads = 0;
        for (key, (entries, batches)) in &mut self.groups {
            let split = splits.get(key).copied().unwrap_or(0);
            *batches = calls_for(*entries, items_per_call(key.operation)) + split;
            self.batches += *batches;
            if snapshots.contains(key) {
                reads += *batches;
            }
        }
        if self.entries > 0 || self.unknown > 0 {
            reads += 2 + u64::try_from(modules).unwrap_or(0);
        }
        self.calls = self.batches + reads;
        // A delete call costs 1 credit, as does every read that is known beforehand.
        self.credits = self.batches + reads * CREDITS_PER_READ;
        let rounds = self.calls.div_ceil(concurrency.max(1));
        let millis = u64::try_from(ASSUMED_CALL.as_millis()).unwrap_or(0);
        self.seconds = (rounds * millis).div_ceil(1000);
    }
}

fn calls_for(entries: u64, limit: usize) -> u64 {
    entries.div_ceil(u64::try_from(limit).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: i64, module: &str, pending: u64) -> RequestOverview {
        RequestOverview {
            request: RequestId::new(number),
            operation: Operation::Delete,
            product: Product::Crm,
            module: module.parse().unwrap(),
            workflows: true,
            first: EntryId::new(1),
            last: EntryId::new(1),
            recorded_at: Timestamp::from_millis(0),
            requested_by: None,
            reason: None,
            ticket: None,
            not_before: None,
            valid_until: Timestamp::from_millis(1000),
            parked: false,
            tally: BTreeMap::from([(EntryState::Pending, pending)]),
            splits: BTreeMap::new(),
            recycle_bin: Some(true),
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn requests_that_may_share_a_call_are_planned_together() {
        let requests = [request(1, "Leads", 150), request(2, "Leads", 50), request(3, "Deals", 1)];
        let plan = plan(&requests, |_| false, at(0), 5);
        // 200 leads in two calls, one deal in a third; org, user and two modules are read.
        assert_eq!((plan.entries, plan.batches, plan.calls, plan.credits), (201, 3, 7, 7));
        assert_eq!(plan.seconds, 1);
    }

    #[test]
    fn without_workflows_is_another_call() {
        let quiet = RequestOverview { workflows: false, ..request(2, "Leads", 50) };
        let plan = plan(&[request(1, "Leads", 50), quiet], |_| false, at(0), 5);
        assert_eq!(plan.batches, 2);
    }

    #[test]
    fn limit_minus_one_limit_and_limit_plus_one() {
        for (pending, batches) in [(99, 1), (100, 1), (101, 2)] {
            assert_eq!(plan(&[request(1, "Leads", pending)], |_| false, at(0), 5).batches, batches);
        }
    }

    #[test]
    fn what_is_parked_early_or_late_is_counted_and_not_sent() {
        let parked = RequestOverview { parked: true, ..request(1, "Leads", 10) };
        let early = RequestOverview { not_before: Some(at(500)), ..request(2, "Leads", 20) };
        let late = RequestOverview { valid_until: at(0), ..request(3, "Leads", 30) };
        let requests = [parked, early, late];
        let unnamed = plan(&requests, |_| false, at(0), 5);
        assert_eq!((unnamed.parked, unnamed.not_due, unnamed.expired), (10, 20, 30));
        assert_eq!((unnamed.entries, unnamed.calls), (0, 0));
        assert_eq!(plan(&requests, |_| true, at(0), 5).entries, 10);
    }

    #[test]
    fn split_entries_are_planned_in_calls_of_their_own() {
        let split =
            RequestOverview { splits: BTreeMap::from([(1, 3)]), ..request(1, "Leads", 103) };
        assert_eq!(plan(&[split], |_| false, at(0), 5).batches, 4);
    }
}
