//! Which entries can be undone, by which requests: one for each thing that is asked of Zoho.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::error::CliError;
use crate::cli::wanted::{self, Wanted};
use crate::domain::id::{EntryId, ModuleName, RecordId, RequestId};
use crate::domain::scope::{Action, Scope, Task};
use crate::domain::target::Product;
use crate::domain::time::Timestamp;
use crate::export::undo::{Bins, Remedy, UndoState, Why};
use crate::store::Reader;
use crate::store::entry::NewItem;
use crate::store::query::{EntryView, UndoneBy};

/// What one request is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) product: Product,
    pub(super) module: ModuleName,
    pub(super) task: Task,
    /// Whether tags must be made again before they can be put back.
    pub(super) after_tags: bool,
}

/// The items of one request.
#[derive(Debug, Default)]
pub(super) struct Items {
    /// By parent and record: the newest entry that took it away counts.
    found: BTreeMap<(Option<RecordId>, RecordId), (EntryId, RequestId)>,
    /// An open entry that makes the tag again that these items put back.
    pub(super) after: Option<EntryId>,
}

impl Items {
    /// As the store takes them: in order, each with the entry that it undoes in the place of a row.
    pub(super) fn new_items(&self) -> Vec<NewItem> {
        let item = |((parent, target), (entry, _)): (
            &(Option<RecordId>, RecordId),
            &(EntryId, RequestId),
        )| NewItem { parent: *parent, target: *target, row: entry.get() };
        self.found.iter().map(item).collect()
    }

    /// The newest entry that is undone. What was taken away last comes back first: it may be what the others belong
    /// to.
    pub(super) fn newest(&self) -> Option<EntryId> {
        self.found.values().map(|(entry, _)| *entry).max()
    }

    /// The requests whose entries are undone.
    pub(super) fn requests(&self) -> BTreeSet<RequestId> {
        self.found.values().map(|(_, request)| *request).collect()
    }

    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.found.len()).unwrap_or(u64::MAX)
    }
}

/// Everything that was asked for.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// What each request would hold.
    pub(super) parts: BTreeMap<Part, Items>,
    /// Entries that are brought back by an open entry already.
    pub(super) under_way: u64,
    /// Entries that are open themselves: there is nothing to undo yet.
    pub(super) open: u64,
    /// Settled entries of which nothing can or need be brought back.
    pub(super) left_out: BTreeMap<&'static str, u64>,
    /// Entries of undo requests.
    pub(super) undos: u64,
    /// Entries whose record somebody else deleted after us, as a later look showed.
    pub(super) deleted_again: u64,
    /// Entries that were looked at.
    pub(super) seen: u64,
}

impl Collected {
    /// Looks at every entry that is named.
    pub(super) fn of(reader: &Reader, things: &[Wanted], now: Timestamp) -> Result<Self, CliError> {
        let bins = Bins::of(reader)?;
        let mut collected = Self::default();
        collected.seen = wanted::each(reader, things, |entry| {
            collected.add(entry, Remedy::of(entry, &bins, now));
            Ok::<_, CliError>(())
        })?;
        Ok(collected)
    }

    fn add(&mut self, entry: &EntryView, remedy: Option<Remedy>) {
        let Some(remedy) = remedy else {
            self.open += 1;
            return;
        };
        if entry.scope.operation.is_undo() {
            self.undos += 1;
            return;
        }
        let undo = &remedy.undo;
        let under_way = entry.undone_by.is_some_and(UndoneBy::is_under_way);
        if undo.why == Why::UnderWay || (under_way && undo.why != Why::PartLeft) {
            self.under_way += 1;
            return;
        }
        let (Some(task), Some(target), true) = (&remedy.task, entry.target, undo.can_come_back())
        else {
            *self.left_out.entry(undo.state.wire_name()).or_default() += 1;
            return;
        };
        self.deleted_again += u64::from(undo.why == Why::DeletedAgain);
        if remedy.lacks_itself {
            let (product, module) = (entry.scope.product, entry.scope.module.clone());
            let part = Part { product, module, task: task.clone(), after_tags: false };
            self.keep(part, (entry.scope.parent, target), entry);
        }
        self.put_back(entry, &remedy);
    }

    fn keep(&mut self, part: Part, key: (Option<RecordId>, RecordId), entry: &EntryView) {
        let items = self.parts.entry(part).or_default();
        let newest = items.found.entry(key).or_insert((entry.entry, entry.request.request));
        *newest = (*newest).max((entry.entry, entry.request.request));
    }

    /// Where the records that carried a deleted tag are known, it goes back on those that lack it, once it is made
    /// again.
    fn put_back(&mut self, entry: &EntryView, remedy: &Remedy) {
        let Some((Scope { product, module, action: Action::Retag(tags) }, _)) =
            remedy.carriers(entry)
        else {
            return;
        };
        let making = entry.undone_by.filter(|by| by.is_under_way()).map(|by| by.entry);
        let part = Part { product, module, task: Task::Retag(tags), after_tags: true };
        for record in remedy.records_left.iter().flatten() {
            self.keep(part.clone(), (None, *record), entry);
        }
        if let (Some(making), Some(items)) = (making, self.parts.get_mut(&part)) {
            items.after = items.after.max(Some(making));
        }
    }

    /// How many entries cannot be brought back although something was done.
    pub(super) fn impossible(&self) -> u64 {
        let states = [UndoState::Impossible, UndoState::Expired];
        states.iter().filter_map(|state| self.left_out.get(state.wire_name())).sum()
    }

    /// The parts, those first whose things were taken away last; what waits for tags that are made again, behind
    /// these.
    pub(super) fn in_order(&self) -> Vec<(&Part, &Items)> {
        let mut parts: Vec<_> = self.parts.iter().collect();
        parts.sort_by_key(|(part, items)| (part.after_tags, std::cmp::Reverse(items.newest())));
        parts
    }
}
