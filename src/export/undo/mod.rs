//! Whether what an entry took away can be brought back, and by which request: the rule of [`crate::domain::undo`],
//! asked with what the journal knows of an entry.

mod check;
mod report;
mod seen;
mod texts;

use std::collections::HashMap;

use crate::domain::evidence::Look;
use crate::domain::evidence::deletion::{Facts, SeenDeleted};
use crate::domain::evidence::presence::{Before, DefinitionFacts, TagFacts, ThingFacts};
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::recheck::Found;
use crate::domain::scope::{Action, Operation, RelatedList, Scope, TagName, TagSet, Task};
use crate::domain::target::Product;
use crate::domain::time::Timestamp;
use crate::domain::undo::{Bin, Case, Itself, Kept};
use crate::store::Reader;
use crate::store::error::Result;
use crate::store::query::{EntryView, ScopeView, Step};

pub use crate::domain::undo::{Undo, UndoState, Why};
use seen::{Seen, failure};

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

/// Who deleted a record again after this journal had, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletedAgain {
    /// When.
    pub at: Timestamp,
    /// Zoho's id of the user; `None` where it does not say.
    pub by: Option<RecordId>,
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
    /// Whether the thing itself is to be brought back still: of a deleted tag, the definition.
    pub lacks_itself: bool,
    /// Of a deleted tag: the records that carried it and lack it still, where they are known, and nobody is to put it
    /// back on them.
    pub records_left: Option<Vec<RecordId>>,
    /// Whether a full copy is kept, encrypted, of what cannot be brought back by a call.
    pub(super) kept_whole: bool,
    /// Of a deleted record: whether a look showed it in the recycle bin, else the clock says so.
    pub(super) looked_at: bool,
    /// Of a deleted record that was there again: who deleted it after us.
    pub deleted_again: Option<DeletedAgain>,
}

impl Remedy {
    /// Of a settled entry; `None` while it is open.
    pub fn of(entry: &EntryView, bins: &Bins, now: Timestamp) -> Option<Self> {
        if !entry.state.is_settled() {
            return None;
        }
        let before =
            if entry.scope.operation == Operation::Delete { None } else { entry.snapshot() };
        let seen = Seen::of(entry, before.as_ref());
        let task = task_of(entry, before.as_ref(), seen.tags_left.as_deref());
        let case = Case {
            operation: entry.scope.operation,
            product: entry.scope.product,
            state: entry.state,
            by: entry.undone_by.map(|by| (by.entry, by.state)),
            kept: kept(entry, before.as_ref(), task.is_some()),
            bin: bin(entry, bins),
            failure: failure(entry),
            parts: seen.parts,
            seen: seen.found,
        };
        let undo = Undo::rule(&case, now)?;
        let lacks_itself = undo.can_come_back()
            && (seen.parts.is_none() || Undo::itself(&case) == Itself::Missing);
        let mut remedy = Self {
            undo,
            task,
            before,
            lacks_itself,
            records_left: seen.records_left,
            kept_whole: false,
            looked_at: false,
            deleted_again: None,
        };
        if let Some(deletion) = seen_in_bin(entry) {
            remedy.looked_at = true;
            remedy.deleted_again = check::later_deletion(entry, &deletion);
            if remedy.deleted_again.is_some() && remedy.undo.why == Why::InBin {
                remedy.undo.why = Why::DeletedAgain;
            }
        }
        Some(remedy)
    }

    /// Looks for a full copy of what cannot be brought back.
    pub fn with_copy(mut self, reader: &Reader, entry: &EntryView) -> Result<Self> {
        if self.undo.is_lost() && entry.request.full_retention_ms.is_some() {
            let views = reader.full_snapshots(entry.entry)?;
            self.kept_whole = views.iter().any(|view| view.size.is_some());
        }
        Ok(self)
    }

    /// How many records lack a deleted tag that they carried, where that is known, and what puts it back on them.
    pub fn carriers(&self, entry: &EntryView) -> Option<(Scope, u64)> {
        let records = self.records_left.as_ref().filter(|_| self.undo.can_come_back())?;
        let tags = TagSet::new([self.tag_name()?]).ok()?;
        let (product, module) = (entry.scope.product, entry.scope.module.clone());
        let scope = Scope { product, module, action: Action::Retag(tags) };
        u64::try_from(records.len()).ok().filter(|many| *many > 0).map(|many| (scope, many))
    }

    /// The name that a deleted tag had.
    pub fn tag_name(&self) -> Option<TagName> {
        if let ThingFacts::Definition(DefinitionFacts { tag: Look::Seen(tag), .. }) =
            self.before.as_ref()?
        {
            tag.name.parse().ok()
        } else {
            None
        }
    }

    /// What the call that brings it back is about; `None` where there is none.
    pub fn scope(&self, entry: &EntryView) -> Option<Scope> {
        let can = self.undo.can_come_back() && self.lacks_itself;
        let task = self.task.as_ref().filter(|_| can)?;
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
fn task_of(
    entry: &EntryView,
    before: Option<&ThingFacts>,
    tags_left: Option<&[String]>,
) -> Option<Task> {
    let scope = &entry.scope;
    entry.target?;
    Some(match scope.operation {
        Operation::Delete => Task::Restore,
        Operation::Untag => Task::Retag(match tags_left {
            Some(left) => tag_set(left)?,
            None => carried(before?)?,
        }),
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
    tag_set(carried.names())
}

fn tag_set(names: &[String]) -> Option<TagSet> {
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
    let deleted =
        seen_in_bin(entry).and_then(|seen| seen.at).or_else(|| facts.as_ref().and_then(deleted_at));
    let sent = || entry.last_batch().and_then(|batch| batch.submitted_at());
    Bin {
        exists: bins.of_module(&entry.scope),
        beyond: facts.as_ref().is_some_and(is_beyond_the_bin),
        deleted_at: deleted.or_else(sent),
    }
}

/// The deletion that the newest look after its end showed.
fn seen_in_bin(entry: &EntryView) -> Option<SeenDeleted> {
    let last = entry.rechecks.last().filter(|last| last.found == Found::InBin)?;
    let facts: Facts = serde_json::from_str(last.facts.as_ref()?).ok()?;
    match (facts.bin, facts.deleted) {
        (Look::Seen(deletion), _) | (_, Look::Seen(deletion)) => Some(deletion),
        _ => None,
    }
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
