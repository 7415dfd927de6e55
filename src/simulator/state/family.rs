//! Parents and their children: records that go to the bin together, and come back together.
//!
//! Get Recycle Bin and Restore pages of CRM v8, Zoho's newer `OpenAPI` files, Bigin's help on its
//! recycle bin: a parent takes its children along, into the bin, back and out of it for good.

use std::collections::{BTreeMap, BTreeSet};

use super::{Actor, EffectKind, Gone, Hand, World};

/// Which record is whose child.
#[derive(Debug, Default)]
pub(super) struct Family {
    parents: BTreeMap<u64, u64>,
    children: BTreeMap<u64, BTreeSet<u64>>,
    scheduled: Vec<ScheduledRestore>,
}

/// A restore that Zoho does later.
#[derive(Debug)]
struct ScheduledRestore {
    request: u64,
    due_ms: i64,
    ids: Vec<u64>,
    /// How many of them came back, once it was done.
    done: Option<usize>,
}

/// What became of a wish to bring a record back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restoring {
    Done,
    /// Not in the bin: live, erased, or never known.
    NotInBin,
    /// Its parent is gone, and must come back first.
    WithoutParent,
}

impl Family {
    fn children_of(&self, parent: u64) -> Vec<u64> {
        self.children.get(&parent).into_iter().flatten().copied().collect()
    }

    pub(super) fn parents(&self) -> impl Iterator<Item = (u64, u64)> {
        self.parents.iter().map(|(child, parent)| (*child, *parent))
    }

    /// How many restores have yet to be done.
    pub(super) fn waiting(&self) -> usize {
        self.scheduled.iter().filter(|restore| restore.done.is_none()).count()
    }
}

impl World {
    /// Makes a live record the child of another one, or nobody's; `false` when one of them is not
    /// live, or when it would be its own ancestor.
    pub(crate) fn set_parent(&mut self, child: u64, parent: Option<u64>) -> bool {
        let good = |parent: u64| self.is_live(parent) && !self.has_ancestor(parent, child);
        if !self.is_live(child) || !parent.is_none_or(good) {
            return false;
        }
        if let Some(before) = self.family.parents.remove(&child)
            && let Some(children) = self.family.children.get_mut(&before)
        {
            children.remove(&child);
        }
        if let Some(parent) = parent {
            self.family.parents.insert(child, parent);
            self.family.children.entry(parent).or_default().insert(child);
        }
        true
    }

    /// The record that this one is a child of.
    pub(crate) fn parent_of(&self, id: u64) -> Option<u64> {
        self.family.parents.get(&id).copied()
    }

    /// Whether a record is another one, or descends from it.
    fn has_ancestor(&self, id: u64, ancestor: u64) -> bool {
        let mut above = Some(id);
        while let Some(id) = above {
            if id == ancestor {
                return true;
            }
            above = self.parent_of(id);
        }
        false
    }

    fn is_live(&self, id: u64) -> bool {
        self.modules.values().any(|module| module.live(id).is_some())
    }

    /// The deletion of a record that is in the bin.
    pub(crate) fn in_bin(&self, id: u64) -> Option<Gone> {
        self.modules.values().find_map(|module| module.record(id))?.in_bin()
    }

    /// Whether a record's parent is gone.
    pub(crate) fn lacks_parent(&self, id: u64) -> bool {
        self.parent_of(id).is_some_and(|parent| !self.is_live(parent))
    }

    /// Lets the live children of a record that was just deleted go as well, and theirs. No page says
    /// that a lock of theirs would keep them.
    pub(super) fn take_along(&mut self, id: u64, gone: Gone, hand: Hand) {
        let mut taken = vec![id];
        while let Some(parent) = taken.pop() {
            let with = Gone { with: Some(parent), ..gone };
            for child in self.family.children_of(parent) {
                if self.module_of(child).is_some_and(|module| module.remove(child, with)) {
                    self.note(child, EffectKind::Deleted, hand);
                    taken.push(child);
                }
            }
        }
    }

    /// What comes back from the bin with a record, parents before their children: it and those that
    /// went with it, but not those that had been deleted before.
    pub(crate) fn comes_back(&self, id: u64) -> Vec<u64> {
        let mut all = vec![id];
        let mut next = 0;
        while let Some(parent) = all.get(next).copied() {
            let went_along =
                |child: &u64| self.in_bin(*child).is_some_and(|gone| gone.with == Some(parent));
            all.extend(self.family.children_of(parent).into_iter().filter(went_along));
            next += 1;
        }
        all
    }

    /// How many records, notes and attachments come back with those that are in the bin.
    pub(crate) fn weight(&self, ids: impl Iterator<Item = u64>) -> usize {
        let binned = ids.filter(|id| self.in_bin(*id).is_some());
        let all: BTreeSet<u64> = binned.flat_map(|id| self.comes_back(id)).collect();
        all.into_iter().map(|id| 1 + self.count_children(id)).sum()
    }

    /// Brings a record back from the bin, with those that went with it. Tags, links and notes are as
    /// they were. No page says whether that is a change of the record: whoever lost a call must hope
    /// so, and whoever compares times must not.
    pub(crate) fn restore(&mut self, id: u64, hand: Hand) -> Restoring {
        if self.in_bin(id).is_none() {
            return Restoring::NotInBin;
        }
        if self.lacks_parent(id) {
            return Restoring::WithoutParent;
        }
        for id in self.comes_back(id) {
            if self.module_of(id).is_some_and(|module| module.restore(id)) {
                self.change(id, |record| record.modified_ms = hand.at_ms);
                self.note(id, EffectKind::Restored, Hand { workflows: false, ..hand });
            }
        }
        Restoring::Done
    }

    /// Takes a record out of the bin for good, and its children with it.
    pub(crate) fn purge(&mut self, id: u64, by: Actor, now: i64) -> bool {
        let done = self.module_of(id).is_some_and(|module| module.purge(id));
        if done {
            for child in self.family.children_of(id) {
                self.purge(child, by, now);
            }
        }
        self.note_if(done, id, EffectKind::Purged, by, now)
    }

    /// Lets the deletion of a record in the bin, and of those that went with it, lie back further.
    pub(crate) fn age(&mut self, id: u64, by_ms: i64) -> bool {
        if self.in_bin(id).is_none() {
            return false;
        }
        for id in self.comes_back(id) {
            if let Some(module) = self.module_of(id) {
                module.age(id, by_ms);
            }
        }
        true
    }

    /// Lets records be brought back at a time.
    pub(crate) fn schedule_restore(&mut self, ids: Vec<u64>, request: u64, due_ms: i64) {
        self.family.scheduled.push(ScheduledRestore { request, due_ms, ids, done: None });
    }

    /// Brings back what falls due by then.
    pub(super) fn run_restores(&mut self, now: i64) {
        if self.family.waiting() == 0 {
            return;
        }
        let mut scheduled = std::mem::take(&mut self.family.scheduled);
        let due = |restore: &&mut ScheduledRestore| restore.done.is_none() && restore.due_ms <= now;
        for restore in scheduled.iter_mut().filter(due) {
            let hand = Hand::call(restore.request, restore.due_ms);
            let came = restore.ids.iter().filter(|id| self.restore(**id, hand) == Restoring::Done);
            restore.done = Some(came.count());
        }
        self.family.scheduled = scheduled;
    }

    /// Lets the scheduled restores be done at once.
    pub(super) fn finish_restores(&mut self, now: i64) {
        for restore in &mut self.family.scheduled {
            restore.due_ms = restore.due_ms.min(now);
        }
        self.run_restores(now);
    }

    /// How many records the scheduled restores brought back, with the number of each call.
    pub(super) fn restore_progress(&self) -> impl Iterator<Item = (u64, usize)> {
        let scheduled = self.family.scheduled.iter();
        scheduled.filter_map(|restore| Some((restore.request, restore.done?)))
    }
}
