//! Whether what an entry took away can be brought back, and by which request: the rule of [`crate::domain::undo`],
//! asked with what the journal knows of an entry.

mod check;
mod report;
mod texts;

use std::collections::HashMap;

use crate::domain::evidence::Look;
use crate::domain::evidence::deletion::Facts;
use crate::domain::evidence::presence::{Before, DefinitionFacts, TagFacts, ThingFacts};
use crate::domain::id::ModuleName;
use crate::domain::recheck::Found;
use crate::domain::scope::{Action, Operation, RelatedList, Scope, TagName, TagSet, Task};
use crate::domain::target::Product;
use crate::domain::time::Timestamp;
use crate::domain::undo::{Bin, Case, Kept};
use crate::store::Reader;
use crate::store::error::Result;
use crate::store::query::{EntryView, ScopeView, Step};

pub use crate::domain::undo::{Undo, UndoState, Why};
pub use check::{Correction, Corrections, ToCheck};
pub use report::{Group, GroupKey, Report, Soonest, UndoRows};

/// Which modules have a recycle bin, as far as runs have read it.
#[derive(Debug, Clone, Default)]
pub struct Bins(HashMap<(Product, ModuleName), Option<bool>>);

impl Bins {
    /// As the journal knows them.
    pub fn of(reader: &Reader) -> Result<Self> {
        let bins = reader.recycle_bins()?.into_iter();
        Ok(Self(bins.map(|(product, module, bin)| ((product, module), bin)).collect()))
    }

    /// What a module says; `None` where it could not be read.
    pub fn of_module(&self, scope: &ScopeView) -> Option<bool> {
        self.0.get(&(scope.product, scope.module.clone())).copied().flatten()
    }
}

/// What the rule says of an entry, and what would bring its thing back.
#[derive(Debug, Clone)]
pub struct Remedy {
    /// What the rule says.
    pub undo: Undo,
    /// What would be asked of Zoho, wherever what must be known of it is.
    pub task: Option<Task>,
    /// What was there before its call.
    pub(super) before: Option<ThingFacts>,
    /// Whether a full copy is kept, encrypted, of what cannot be brought back by a call.
    pub(super) kept_whole: bool,
}

impl Remedy {
    /// Of a settled entry; `None` while it is open.
    pub fn of(entry: &EntryView, bins: &Bins, now: Timestamp) -> Option<Self> {
        if !entry.state.is_settled() {
            return None;
        }
        let before =
            if entry.scope.operation == Operation::Delete { None } else { entry.snapshot() };
        let task = task_of(entry, before.as_ref());
        let case = Case {
            operation: entry.scope.operation,
            product: entry.scope.product,
            state: entry.state,
            by: entry.undone_by.map(|by| (by.entry, by.state)),
            kept: kept(entry, before.as_ref(), task.is_some()),
            bin: bin(entry, bins),
            seen: entry.rechecks.last().map(|last| last.found),
        };
        Some(Self { undo: Undo::rule(&case, now)?, task, before, kept_whole: false })
    }

    /// Looks for a full copy of what cannot be brought back.
    pub fn with_copy(mut self, reader: &Reader, entry: &EntryView) -> Result<Self> {
        if self.undo.is_lost() && entry.request.full_retention_ms.is_some() {
            let views = reader.full_snapshots(entry.entry)?;
            self.kept_whole = views.iter().any(|view| view.size.is_some());
        }
        Ok(self)
    }

    /// The records that carried a deleted tag, where they are known, and what puts it back on them.
    pub fn carriers(&self, entry: &EntryView) -> Option<(Scope, u64)> {
        let Some(ThingFacts::Definition(DefinitionFacts {
            tag: Look::Seen(tag),
            records: Some(records),
        })) = self.before.as_ref().filter(|_| self.undo.can_come_back())
        else {
            return None;
        };
        let tags = TagSet::new([tag.name.parse::<TagName>().ok()?]).ok()?;
        let (product, module) = (entry.scope.product, entry.scope.module.clone());
        let scope = Scope { product, module, action: Action::Retag(tags) };
        u64::try_from(records.len()).ok().filter(|many| *many > 0).map(|many| (scope, many))
    }

    /// What the call that brings it back is about; `None` where there is none.
    pub fn scope(&self, entry: &EntryView) -> Option<Scope> {
        let task = self.task.as_ref().filter(|_| self.undo.can_come_back())?;
        let (product, module) = (entry.scope.product, entry.scope.module.clone());
        Some(Scope { product, module, action: task.action(entry.scope.parent)? })
    }
}

impl Undo {
    /// For an entry at some time; `None` while it is open.
    pub fn of(entry: &EntryView, bins: &Bins, now: Timestamp) -> Option<Self> {
        Remedy::of(entry, bins, now).map(|remedy| remedy.undo)
    }
}

/// What brings an entry's thing back; `None` when what must be known of it is not.
fn task_of(entry: &EntryView, before: Option<&ThingFacts>) -> Option<Task> {
    let scope = &entry.scope;
    entry.target?;
    Some(match scope.operation {
        Operation::Delete => Task::Restore,
        Operation::Untag => Task::Retag(carried(before?)?),
        Operation::Unlink => {
            scope.parent?;
            let list: RelatedList = scope.related_list.as_ref()?.parse().ok()?;
            Task::Relink(list)
        }
        Operation::DeleteTags => Task::RecreateTags,
        Operation::Restore | Operation::Retag | Operation::Relink | Operation::RecreateTags => {
            return None;
        }
    })
}

/// The tags that the record carried before they were removed, as Zoho spelt them.
fn carried(before: &ThingFacts) -> Option<TagSet> {
    let ThingFacts::Tags(TagFacts { record: Look::Seen(carried), .. }) = before else {
        return None;
    };
    let names = if carried.tags.is_empty() { &carried.similar } else { &carried.tags };
    let names: Option<Vec<TagName>> = names.iter().map(|name| name.parse().ok()).collect();
    TagSet::new(names?).ok()
}

fn kept(entry: &EntryView, before: Option<&ThingFacts>, can_be_asked: bool) -> Kept {
    let is_there = before.is_some_and(|facts| matches!(facts.before(), Before::There { .. }));
    let deleted = entry.scope.operation == Operation::Delete;
    match entry.newest_snapshot() {
        _ if (deleted || is_there) && can_be_asked => Kept::Known,
        _ if deleted || is_there || entry.target.is_none() => Kept::Erased,
        Some(Step::Snapshot { facts: None, .. }) => Kept::Erased,
        None if !entry.request.snapshot => Kept::NotAsked,
        _ => Kept::Unreadable,
    }
}

fn bin(entry: &EntryView, bins: &Bins) -> Bin {
    if entry.scope.operation != Operation::Delete {
        return Bin::default();
    }
    let facts = entry.facts();
    let deleted = seen_in_bin(entry).or_else(|| facts.as_ref().and_then(deleted_at));
    let sent = || entry.last_batch().and_then(|batch| batch.submitted_at());
    Bin {
        exists: bins.of_module(&entry.scope),
        beyond: facts.as_ref().is_some_and(is_beyond_the_bin),
        deleted_at: deleted.or_else(sent),
    }
}

/// When Zoho deleted it, by the newest look after its end.
fn seen_in_bin(entry: &EntryView) -> Option<Timestamp> {
    let last = entry.rechecks.last().filter(|last| last.found == Found::InBin)?;
    deleted_at(&serde_json::from_str(last.facts.as_ref()?).ok()?)
}

/// When Zoho deleted it, by what was read.
pub(super) fn deleted_at(facts: &Facts) -> Option<Timestamp> {
    match (&facts.bin, &facts.deleted) {
        (Look::Seen(deletion), _) | (_, Look::Seen(deletion)) => deletion.at,
        _ => None,
    }
}

fn is_beyond_the_bin(facts: &Facts) -> bool {
    match (&facts.bin, &facts.deleted) {
        (Look::Seen(deletion), _) | (_, Look::Seen(deletion)) => deletion.permanent,
        _ => false,
    }
}
