//! The forecast: which calls a run would make, what they cost, and what stands in the way.
//!
//! The same numbers rule the run: entries that may share a call are grouped by the same key and cut at the
//! same limits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::call::CallKind;
use crate::domain::calls::{self, Limits, Looks, Versions, WriteCall};
use crate::domain::id::{EntryId, ModuleName, RecordId, RequestId};
use crate::domain::limits::IDS_PER_READ;
use crate::domain::policy::Met;
use crate::domain::scope::{Operation, RelatedList, Scope, TagSet};
use crate::domain::state::EntryState;
use crate::domain::target::Product;
use crate::domain::time::Timestamp;

/// What a forecast takes a call to last, whatever it is. Zoho states no figure.
pub const ASSUMED_CALL: Duration = Duration::from_millis(500);

/// A request, as planning sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub struct RequestOverview {
    /// The request.
    pub request: RequestId,
    /// The operation.
    pub operation: Operation,
    /// The product.
    pub product: Product,
    /// The module.
    pub module: ModuleName,
    /// The related list of an unlink.
    pub list: Option<RelatedList>,
    /// The tags of an untag; `None` for other operations, or once erased.
    pub tags: Option<TagSet>,
    /// Whether Zoho's workflows run.
    pub workflows: bool,
    /// Whether what is there is read before a call.
    pub snapshot: bool,
    /// Whether the records that carry the tags are read before these are deleted.
    pub snapshot_records: bool,
    /// Whether a full snapshot of each record is kept before it is deleted.
    pub full: bool,
    /// The earlier request that must be settled first.
    pub after: Option<RequestId>,
    /// Zoho's id of the module, once it is pinned.
    pub module_id: Option<RecordId>,
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
    /// Whether it lacks an approval: it waits for one, or the policy that is met asks for one.
    pub unapproved: bool,
    /// The policy, or its rule, by which it needs the approval that it lacks.
    pub waits_by: Option<String>,
    /// Why its signed approval counts no more.
    pub lapsed: Option<String>,
    /// Whether a second person approved it.
    pub second: bool,
    /// How many of its entries stand in each state.
    pub tally: BTreeMap<EntryState, u64>,
    /// Its pending entries, by what they have in common; empty when none is pending.
    pub pending: Vec<PendingPart>,
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

    /// Takes a policy into account: whatever met a looser one has nobody's approval.
    pub fn meet(&mut self, met: &Met) {
        if met.wants.wants_approval(self.entries()) && !self.second {
            self.unapproved = true;
            self.waits_by = Some(met.to_string());
        }
    }

    /// Why its pending entries are not sent now, if they are not.
    pub fn waits(&self, now: Timestamp, named: bool) -> Option<Waiting> {
        if self.parked && !named {
            Some(Waiting::Parked)
        } else if self.unapproved {
            Some(Waiting::Unapproved)
        } else if self.not_before.is_some_and(|earliest| earliest > now) {
            Some(Waiting::NotDue)
        } else if self.valid_until <= now {
            Some(Waiting::Expired)
        } else {
            None
        }
    }
}

/// Pending entries of one request that have all but their ids in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingPart {
    /// What they have in common.
    pub scope: Scope,
    /// How many there are.
    pub entries: u64,
    /// Those of them that may share their next call with so many at most: limit and how many.
    pub splits: BTreeMap<u32, u64>,
    /// How many of them have no snapshot that may stand: none at all, or no call that may have acted since.
    pub unread: u64,
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
    /// Nobody has approved them.
    Unapproved,
}

/// Entries that a person thinks of together: one operation on one module. An unlink's parents are many.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// The product.
    pub product: Product,
    /// The operation.
    pub operation: Operation,
    /// The module.
    pub module: ModuleName,
    /// The related list of an unlink.
    pub list: Option<RelatedList>,
    /// The tags of an untag.
    pub tags: Option<TagSet>,
    /// Whether Zoho's workflows run.
    pub workflows: bool,
}

/// Entries that may share calls, and what of them is read before.
#[derive(Debug, Default)]
struct Calls {
    whole: u64,
    split: BTreeMap<u32, u64>,
    unread: u64,
    bin: Option<bool>,
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
    /// Requests whose operation the API version that is set does not offer.
    pub not_offered: BTreeSet<RequestId>,
    /// Records that are read whole and kept, encrypted: a call each.
    pub full_snapshots: u64,
}

/// What rules a forecast beside the requests.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Which API version each product uses.
    pub versions: Versions,
    /// What the user set.
    pub limits: Limits,
    /// Calls under way at once.
    pub concurrency: u64,
}

/// Plans a run over the given requests. `named` are those that were named on the command line.
pub fn plan(
    requests: &[RequestOverview],
    named: impl Fn(RequestId) -> bool,
    now: Timestamp,
    rules: Rules,
) -> Plan {
    let mut plan = Plan::default();
    let mut calls: BTreeMap<CallKind, Calls> = BTreeMap::new();
    let mut modules = BTreeSet::new();
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
            Some(Waiting::Unapproved) => plan.awaiting_approval += pending,
            None if pending > 0 && request.call(rules.versions).is_none() => {
                plan.not_offered.insert(request.request);
            }
            None if pending > 0 => {
                plan.add(request, rules.versions, &mut calls);
                modules.insert((request.product, request.module.clone()));
            }
            None => {}
        }
        if unknown > 0 || request.count(EntryState::Queued) > 0 {
            modules.insert((request.product, request.module.clone()));
        }
    }
    plan.finish(calls, modules.len(), rules);
    plan
}

impl RequestOverview {
    /// How its calls are written; `None` where the API version does not offer its operation.
    pub fn call(&self, versions: Versions) -> Option<&'static WriteCall> {
        calls::find(self.operation, self.product, versions.of(self.operation, self.product))
    }

    /// What a person sees of it.
    pub fn group(&self) -> GroupKey {
        GroupKey {
            product: self.product,
            operation: self.operation,
            module: self.module.clone(),
            list: self.list.clone(),
            tags: self.tags.clone(),
            workflows: self.workflows,
        }
    }
}

impl Plan {
    fn add(
        &mut self,
        request: &RequestOverview,
        versions: Versions,
        calls: &mut BTreeMap<CallKind, Calls>,
    ) {
        let group = self.groups.entry(request.group()).or_default();
        for part in &request.pending {
            self.entries += part.entries;
            self.full_snapshots += if request.full { part.entries } else { 0 };
            group.0 += part.entries;
            let kind = CallKind {
                scope: part.scope.clone(),
                api_version: versions.of(request.operation, request.product),
                workflows: request.workflows,
                snapshot: request.snapshot,
                module_id: None,
            };
            let unread = if kind.reads_first() { part.unread } else { 0 };
            let these = calls.entry(kind).or_default();
            let split: u64 = part.splits.values().sum();
            these.whole += part.entries.saturating_sub(split);
            these.bin = request.recycle_bin;
            these.unread += unread;
            for (share, entries) in &part.splits {
                *these.split.entry(*share).or_default() += entries;
            }
        }
        if request.operation == Operation::Delete {
            self.add_undo(request);
        }
    }

    fn add_undo(&mut self, request: &RequestOverview) {
        let module = request.module.clone();
        match (request.product, request.recycle_bin) {
            (Product::Bigin, _) | (_, Some(false)) => {
                let pending = request.count(EntryState::Pending);
                *self.not_restorable.entry(module).or_default() += pending;
            }
            (Product::Crm, None) => {
                self.bin_unknown.insert(module);
            }
            (Product::Crm, Some(true)) => {}
        }
    }

    fn finish(&mut self, calls: BTreeMap<CallKind, Calls>, modules: usize, rules: Rules) {
        let mut reads = self.full_snapshots;
        for (kind, these) in calls {
            let (operation, product) = (kind.scope.operation(), kind.scope.product);
            let Some(call) = calls::find(operation, product, kind.api_version) else { continue };
            let batches = these.batches(call, &kind, rules.limits);
            let count = batches.iter().map(|batches| batches.count).sum::<u64>();
            self.batches += count;
            self.credits += batches.iter().map(|batches| batches.credits(call)).sum::<u64>();
            for (group, (_, writes)) in &mut self.groups {
                if group.covers(&kind) {
                    *writes += count;
                }
            }
            reads += these.reads(call, &batches);
        }
        if self.entries > 0 || self.unknown > 0 {
            reads += 2 + u64::try_from(modules).unwrap_or(0);
        }
        self.calls = self.batches + reads;
        // Every read that is known beforehand costs one credit.
        self.credits += reads;
        let rounds = self.calls.div_ceil(rules.concurrency.max(1));
        let millis = u64::try_from(ASSUMED_CALL.as_millis()).unwrap_or(0);
        self.seconds = (rounds * millis).div_ceil(1000);
    }
}

impl GroupKey {
    fn covers(&self, kind: &CallKind) -> bool {
        let scope = &kind.scope;
        (self.product, self.operation) == (scope.product, scope.operation())
            && self.module == scope.module
            && self.workflows == kind.workflows
            && self.list.as_ref() == scope.list()
            && (scope.tags().is_none() || self.tags.as_ref() == scope.tags())
    }
}

/// Batches of one size.
struct Batches {
    count: u64,
    size: u64,
    alone: bool,
}

impl Calls {
    fn batches(&self, call: &WriteCall, kind: &CallKind, limits: Limits) -> Vec<Batches> {
        let mut batches = Vec::new();
        let mut add = |entries: u64, limit: usize, alone: bool| {
            let size = u64::try_from(limit).unwrap_or(1).max(1);
            let (count, rest) = (entries / size, entries % size);
            batches.push(Batches { count, size, alone });
            batches.push(Batches { count: u64::from(rest > 0), size: rest, alone });
        };
        for (share, entries) in &self.split {
            add(*entries, call.limit_shared(kind, limits, Some(*share)), *share == 1);
        }
        add(self.whole, call.limit(kind, limits), false);
        batches.retain(|batches| batches.count > 0);
        batches
    }

    /// Reads before the calls, as far as they are known beforehand.
    fn reads(&self, call: &WriteCall, batches: &[Batches]) -> u64 {
        let count = batches.iter().map(|batches| batches.count).sum::<u64>();
        match call.looks {
            Looks::Deletions if self.bin == Some(false) => count,
            Looks::RecordTags => self.reads_of_records(batches),
            // What cannot be read is looked for in the bin.
            Looks::Bin => 2 * self.reads_of_records(batches),
            // A call of ours makes a list of tags stale; only calls that are under way together share one.
            Looks::RelatedList | Looks::ModuleTags => count.min(self.unread),
            Looks::Deletions => 0,
        }
    }

    /// Each batch reads its own records. Where only some of them are read, these are taken to go first.
    fn reads_of_records(&self, batches: &[Batches]) -> u64 {
        let (mut reads, mut unread) = (0, self.unread);
        for Batches { count, size, .. } in batches {
            let here = unread.min(count * size);
            reads += here / size * calls_for(*size, IDS_PER_READ);
            reads += calls_for(here % size, IDS_PER_READ);
            unread -= here;
        }
        reads
    }
}

impl Batches {
    fn credits(&self, call: &WriteCall) -> u64 {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        self.count * call.credits(size, call.form(size, self.alone))
    }
}

fn calls_for(entries: u64, limit: usize) -> u64 {
    entries.div_ceil(u64::try_from(limit).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scope::Action;
    use crate::domain::target::ApiVersion;

    fn request(number: i64, module: &str, pending: u64) -> RequestOverview {
        RequestOverview {
            request: RequestId::new(number),
            operation: Operation::Delete,
            product: Product::Crm,
            module: module.parse().unwrap(),
            list: None,
            tags: None,
            workflows: true,
            snapshot: true,
            snapshot_records: false,
            full: false,
            after: None,
            module_id: None,
            first: EntryId::new(1),
            last: EntryId::new(1),
            recorded_at: Timestamp::from_millis(0),
            requested_by: None,
            reason: None,
            ticket: None,
            not_before: None,
            valid_until: Timestamp::from_millis(1000),
            parked: false,
            unapproved: false,
            waits_by: None,
            lapsed: None,
            second: false,
            tally: BTreeMap::from([(EntryState::Pending, pending)]),
            pending: vec![PendingPart {
                scope: Scope {
                    product: Product::Crm,
                    module: module.parse().unwrap(),
                    action: Action::Delete,
                },
                entries: pending,
                splits: BTreeMap::new(),
                unread: pending,
            }],
            recycle_bin: Some(true),
        }
    }

    fn rules() -> Rules {
        Rules { versions: Versions::default(), limits: Limits::default(), concurrency: 5 }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn requests_that_may_share_a_call_are_planned_together() {
        let requests = [request(1, "Leads", 150), request(2, "Leads", 50), request(3, "Deals", 1)];
        let plan = plan(&requests, |_| false, at(0), rules());
        // 200 leads in two calls, one deal in a third; org, user and two modules are read.
        assert_eq!((plan.entries, plan.batches, plan.calls, plan.credits), (201, 3, 7, 7));
        assert_eq!(plan.seconds, 1);
    }

    #[test]
    fn without_workflows_is_another_call() {
        let quiet = RequestOverview { workflows: false, ..request(2, "Leads", 50) };
        let plan = plan(&[request(1, "Leads", 50), quiet], |_| false, at(0), rules());
        assert_eq!(plan.batches, 2);
    }

    #[test]
    fn limit_minus_one_limit_and_limit_plus_one() {
        for (pending, batches) in [(99, 1), (100, 1), (101, 2)] {
            assert_eq!(
                plan(&[request(1, "Leads", pending)], |_| false, at(0), rules()).batches,
                batches
            );
        }
    }

    #[test]
    fn what_is_parked_early_or_late_is_counted_and_not_sent() {
        let parked = RequestOverview { parked: true, ..request(1, "Leads", 10) };
        let early = RequestOverview { not_before: Some(at(500)), ..request(2, "Leads", 20) };
        let late = RequestOverview { valid_until: at(0), ..request(3, "Leads", 30) };
        let requests = [parked, early, late];
        let unnamed = plan(&requests, |_| false, at(0), rules());
        assert_eq!((unnamed.parked, unnamed.not_due, unnamed.expired), (10, 20, 30));
        assert_eq!((unnamed.entries, unnamed.calls), (0, 0));
        assert_eq!(plan(&requests, |_| true, at(0), rules()).entries, 10);
    }

    #[test]
    fn split_entries_are_planned_in_calls_of_their_own() {
        let mut split = request(1, "Leads", 103);
        split.pending[0].splits = BTreeMap::from([(1, 3)]);
        assert_eq!(plan(&[split], |_| false, at(0), rules()).batches, 4);
    }

    /// A request of another operation: so many parts, each with so many pending entries.
    fn of(version: ApiVersion, actions: Vec<(Action, u64)>) -> (RequestOverview, Rules) {
        let mut request = request(1, "Leads", actions.iter().map(|(_, pending)| pending).sum());
        let part = request.pending[0].clone();
        request.pending = actions
            .into_iter()
            .map(|(action, entries)| PendingPart {
                scope: Scope { action, ..part.scope.clone() },
                entries,
                unread: entries,
                ..part.clone()
            })
            .collect();
        let scope = &request.pending[0].scope;
        request.operation = scope.operation();
        request.list = scope.list().cloned();
        request.tags = scope.tags().cloned();
        let versions = Versions { crm: version, ..Versions::default() };
        (request, Rules { versions, ..rules() })
    }

    fn prime() -> Action {
        Action::Untag(TagSet::new(["Prime".parse().unwrap()]).unwrap())
    }

    #[test]
    fn tags_are_removed_by_five_hundred_after_their_records_were_read() {
        for (pending, batches, reads, credits) in
            [(499, 1, 5, 10), (500, 1, 5, 10), (501, 2, 6, 11)]
        {
            let (request, rules) = of(ApiVersion::V8, vec![(prime(), pending)]);
            let plan = plan(&[request], |_| false, at(0), rules);
            // Beside them org, user and module are read.
            let expected = (batches, batches + reads + 3, credits + reads + 3);
            assert_eq!((plan.batches, plan.calls, plan.credits), expected, "{pending}");
        }
    }

    #[test]
    fn each_parent_is_a_call_of_its_own() {
        let unlink = |parent: i64| Action::Unlink {
            parent: RecordId::from_stored(410_405_000_000_000_000 + parent).unwrap(),
            list: "Contacts".parse().unwrap(),
        };
        let (request, rules) = of(ApiVersion::V7, vec![(unlink(1), 101), (unlink(2), 1)]);
        let plan = plan(&[request], |_| false, at(0), rules);
        assert_eq!((plan.entries, plan.batches, plan.calls), (102, 3, 9));
        assert_eq!(plan.groups.values().copied().collect::<Vec<_>>(), [(102, 3)]);
    }

    #[test]
    fn tags_are_deleted_by_jobs_where_there_are_any() {
        for (version, batches) in [(ApiVersion::V8, 2), (ApiVersion::V6, 101)] {
            let (request, rules) = of(version, vec![(Action::DeleteTags, 101)]);
            assert_eq!(plan(&[request], |_| false, at(0), rules).batches, batches);
        }
    }

    #[test]
    fn what_a_version_does_not_offer_is_told_and_not_planned() {
        let (mut request, mut rules) = of(ApiVersion::V8, vec![(prime(), 3)]);
        request.product = Product::Bigin;
        rules.versions.bigin = ApiVersion::V1;
        let plan = plan(&[request], |_| false, at(0), rules);
        assert_eq!((plan.entries, plan.calls), (0, 0));
        assert_eq!(plan.not_offered, BTreeSet::from([RequestId::new(1)]));
    }

    proptest::proptest! {
        /// Nothing is lost and nothing planned twice, and no call carries more than it may.
        #[test]
        fn every_pending_entry_is_planned_once_in_the_fewest_calls(
            parts in proptest::collection::vec((1..700_u64, 0..3_usize, 0..4_u8), 0..12),
        ) {
            let modules = ["Leads", "Deals", "Contacts"];
            let (mut requests, mut due) = (Vec::new(), BTreeMap::<&str, u64>::new());
            let (mut parked, mut expired, mut later) = (0, 0, 0);
            for (number, (pending, module, why)) in (1..).zip(parts) {
                let module = modules[module];
                let mut one = request(number, module, pending);
                match why {
                    0 => { one.parked = true; parked += pending; }
                    1 => { one.valid_until = at(0); expired += pending; }
                    2 => { one.not_before = Some(at(1)); later += pending; }
                    _ => *due.entry(module).or_default() += pending,
                }
                requests.push(one);
            }
            let plan = plan(&requests, |_| false, at(0), rules());
            proptest::prop_assert_eq!(plan.entries, due.values().sum::<u64>());
            proptest::prop_assert_eq!((plan.parked, plan.expired, plan.not_due), (parked, expired, later));
            let batches = due.values().map(|entries| entries.div_ceil(100)).sum::<u64>();
            proptest::prop_assert_eq!(plan.batches, batches);
            let by_group = |at: fn(&(u64, u64)) -> u64| plan.groups.values().map(at).sum::<u64>();
            proptest::prop_assert_eq!(by_group(|group| group.0), plan.entries);
            proptest::prop_assert_eq!(by_group(|group| group.1), plan.batches);
            proptest::prop_assert!(plan.calls >= plan.batches && plan.credits >= plan.calls);
        }
    }
}
