//! The undo report: one row a settled entry, and all of them summed up.

use std::collections::BTreeMap;

use crate::domain::call::CallKind;
use crate::domain::calls::{self, Limits, Versions};
use crate::domain::id::{EntryId, ModuleName, RequestId};
use crate::domain::plan::{PendingPart, Plan, RequestOverview, Rules, plan};
use crate::domain::scope::{Operation, Scope};
use crate::domain::state::EntryState;
use crate::domain::target::Product;
use crate::domain::time::Timestamp;
use crate::domain::undo::{UndoState, Why};
use crate::export::ExportError;
use crate::export::columns::UNDO;
use crate::export::style::{Cell, Rows, Style};
use crate::export::undo::{Remedy, texts};
use crate::store::query::EntryView;

/// What entries of one line of the summary have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// Their request.
    pub request: RequestId,
    /// What was done.
    pub operation: Operation,
    /// In which product.
    pub product: Product,
    /// In which module.
    pub module: ModuleName,
    /// Whether they can be brought back.
    pub state: UndoState,
    /// Why, or why not.
    pub why: Why,
    /// Of what lies in the recycle bin: whether the clock alone says so.
    pub by_the_clock: bool,
}

impl GroupKey {
    /// Why, or why not, in words.
    pub fn reason(&self) -> &'static str {
        if self.by_the_clock { texts::BY_THE_CLOCK } else { self.why.text() }
    }
}

/// One line of the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// How many entries.
    pub entries: u64,
    /// When the bin lets go of the first of them.
    pub until: Option<Timestamp>,
    /// When the bin lets go of the last of them.
    pub until_last: Option<Timestamp>,
    /// How they are brought back; empty where they are not.
    pub how: String,
}

/// The entry that the bin lets go of first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Soonest {
    /// When.
    pub at: Timestamp,
    /// The entry.
    pub entry: EntryId,
    /// Its request.
    pub request: RequestId,
    /// Whether an open entry is to bring it back.
    pub under_way: bool,
}

/// All rows, summed up.
#[derive(Debug, Default)]
pub struct Report {
    /// Settled entries.
    pub entries: u64,
    /// Entries that are open: nothing is known yet.
    pub open: u64,
    /// Entries that an open entry is to bring back; they are in no other count.
    pub being_undone: u64,
    counts: BTreeMap<UndoState, u64>,
    /// The lines of the summary.
    pub groups: BTreeMap<GroupKey, Group>,
    /// Entries that cannot be brought back by a call, and of which a full copy is kept, encrypted.
    pub kept_whole: u64,
    /// What the bin lets go of first.
    pub soonest: Option<Soonest>,
    /// What would be asked of Zoho, and for how many entries.
    scopes: BTreeMap<Scope, u64>,
}

impl Report {
    /// Takes a settled entry in.
    pub fn add(&mut self, entry: &EntryView, remedy: &Remedy, versions: Versions) {
        let undo = &remedy.undo;
        self.entries += 1;
        self.kept_whole += u64::from(remedy.kept_whole);
        if undo.why == Why::UnderWay {
            self.being_undone += 1;
        } else {
            *self.counts.entry(undo.state).or_default() += 1;
            if let Some(scope) = remedy.scope(entry) {
                *self.scopes.entry(scope).or_default() += 1;
            }
            if let Some((scope, records)) = remedy.carriers(entry) {
                *self.scopes.entry(scope).or_default() += records;
            }
        }
        let request = entry.request.request;
        let key = GroupKey {
            request,
            operation: entry.scope.operation,
            product: entry.scope.product,
            module: entry.scope.module.clone(),
            state: undo.state,
            why: undo.why,
            by_the_clock: texts::is_by_the_clock(entry, remedy),
        };
        let group = self.groups.entry(key).or_insert_with(|| Group {
            entries: 0,
            until: undo.until,
            until_last: undo.until,
            how: texts::how(entry, remedy, versions),
        });
        group.entries += 1;
        group.until = [group.until, undo.until].into_iter().flatten().min();
        group.until_last = group.until_last.max(undo.until);
        if let Some(at) = undo.until.filter(|_| undo.can_come_back())
            && let under_way = undo.why == Why::UnderWay
            && self.soonest.is_none_or(|soonest| (at, under_way) < (soonest.at, soonest.under_way))
        {
            self.soonest = Some(Soonest { at, entry: entry.entry, request, under_way });
        }
    }

    /// How many entries that nobody is bringing back stand so.
    pub fn count(&self, state: UndoState) -> u64 {
        self.counts.get(&state).copied().unwrap_or(0)
    }

    /// How many entries can be brought back, and are not being.
    pub fn can_come_back(&self) -> u64 {
        self.count(UndoState::Possible) + self.count(UndoState::Partial)
    }

    /// How many entries cannot be brought back although something was done.
    pub fn lost(&self) -> u64 {
        self.count(UndoState::Impossible) + self.count(UndoState::Expired)
    }

    /// What a run would do that brought back all that can come back and is not being brought back.
    pub fn cost(&self, rules: Rules) -> Plan {
        let requests: Vec<RequestOverview> = (1..)
            .zip(&self.scopes)
            .map(|(number, (scope, entries))| request(RequestId::new(number), scope, *entries))
            .collect();
        plan(&requests, |_| true, Timestamp::from_millis(0), rules)
    }
}

/// A request for all that one scope brings back, as planning sees it.
fn request(number: RequestId, scope: &Scope, entries: u64) -> RequestOverview {
    let part =
        PendingPart { scope: scope.clone(), entries, splits: BTreeMap::new(), unread: entries };
    RequestOverview {
        request: number,
        operation: scope.operation(),
        product: scope.product,
        module: scope.module.clone(),
        list: scope.list().cloned(),
        tags: scope.tags().cloned(),
        workflows: false,
        snapshot: true,
        snapshot_records: false,
        full: false,
        module_id: None,
        after: None,
        unapproved: false,
        waits_by: None,
        lapsed: None,
        second: false,
        first: EntryId::new(1),
        last: EntryId::new(i64::try_from(entries).unwrap_or(i64::MAX)),
        recorded_at: Timestamp::from_millis(0),
        requested_by: None,
        reason: None,
        ticket: None,
        not_before: None,
        valid_until: Timestamp::from_millis(i64::MAX),
        parked: false,
        tally: [(EntryState::Pending, entries)].into(),
        pending: vec![part],
        recycle_bin: Some(true),
    }
}

/// Writes the rows of the view `undo`. Nothing leaves it before the first row.
pub struct UndoRows<'w> {
    rows: Rows<'w>,
    versions: Versions,
    /// When Zoho was asked, where it was.
    checked_at: Option<Timestamp>,
    written: u64,
}

impl std::fmt::Debug for UndoRows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UndoRows").field("written", &self.written).finish_non_exhaustive()
    }
}

impl<'w> UndoRows<'w> {
    /// Begins with the header, where the format has one.
    pub fn begin(
        out: &'w mut dyn std::io::Write,
        style: Style,
        versions: Versions,
        checked_at: Option<Timestamp>,
    ) -> Self {
        Self::over(Rows::begin(out, style, UNDO), versions, checked_at)
    }

    /// After a header.
    pub(in crate::export) fn over(
        rows: Rows<'w>,
        versions: Versions,
        checked_at: Option<Timestamp>,
    ) -> Self {
        Self { rows, versions, checked_at, written: 0 }
    }

    /// The row of a settled entry; `checked` when a look at Zoho has a part in it.
    pub fn write(
        &mut self,
        entry: &EntryView,
        remedy: &Remedy,
        checked: bool,
    ) -> Result<(), ExportError> {
        let scope = &*entry.scope;
        let undo = &remedy.undo;
        let how = texts::how(entry, remedy, self.versions);
        let reason = texts::reason(entry, remedy);
        let back = texts::comes_back(entry, remedy);
        let tags = if scope.tags.is_empty() { Cell::Empty } else { Cell::List(&scope.tags) };
        let checked_at = self.checked_at.filter(|_| checked);
        self.rows.row(&[
            Cell::entry(entry.entry),
            Cell::request(entry.request.request),
            Cell::Word(scope.operation.wire_name()),
            Cell::Word(scope.product.wire_name()),
            Cell::text(scope.module.as_str()),
            Cell::some(entry.target, Cell::Zoho),
            Cell::some(scope.parent, Cell::Zoho),
            Cell::some_text(scope.related_list.as_ref()),
            tags,
            Cell::Word(entry.state.wire_name()),
            Cell::Word(undo.state.wire_name()),
            Cell::some(undo.until, Cell::Time),
            Cell::some(undo.undone_by(), Cell::entry),
            Cell::text(how),
            Cell::text(reason),
            Cell::text(back),
            Cell::text(texts::stays_lost(entry, remedy)),
            Cell::Word(undo.why.wire_name()),
            Cell::some(self.per_call(entry, remedy), Cell::Number),
            Cell::some(checked_at, Cell::Time),
        ])?;
        self.written += 1;
        Ok(())
    }

    /// Hands on the rest, and says how many rows there were. Without any, a header may be left out.
    pub fn end(self, header_alone: bool) -> Result<u64, ExportError> {
        if self.written > 0 || header_alone {
            self.rows.end()?;
        }
        Ok(self.written)
    }

    /// How many such items one call brings back at most.
    fn per_call(&self, entry: &EntryView, remedy: &Remedy) -> Option<u64> {
        let scope = remedy.scope(entry)?;
        let (operation, product) = (scope.operation(), scope.product);
        let version = self.versions.of(operation, product);
        let call = calls::find(operation, product, version)?;
        let kind = CallKind {
            scope,
            api_version: version,
            workflows: false,
            snapshot: true,
            module_id: None,
        };
        u64::try_from(call.limit(&kind, Limits::default())).ok()
    }
}
