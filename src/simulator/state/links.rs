//! Links between records, and the children (notes, attachments) that hang from them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::relation::{ChildList, List};
use super::{EffectKind, Hand, World};

/// One link, from the relation's first side to its second.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    /// `Member_Status` or `list_price`; null where the relation has neither.
    pub(crate) beside: Value,
}

/// A note or an attachment, by its parent.
type Child = (u64, ChildList, u64);

/// All links and children of the org.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// By relation, first record, second record.
    forward: BTreeMap<(usize, u64, u64), Link>,
    /// The same turned round, to be found from the second record.
    back: BTreeSet<(usize, u64, u64)>,
    children: BTreeSet<Child>,
}

/// Both ends of a link in the order of its relation.
const fn ends(turned: bool, parent: u64, child: u64) -> (u64, u64) {
    if turned { (child, parent) } else { (parent, child) }
}

impl World {
    /// What a record's list shows, ascending: what is linked and can be read.
    pub(crate) fn listed(&self, list: List, parent: u64) -> Vec<u64> {
        let all = |index: usize| (index, parent, 0)..=(index, parent, u64::MAX);
        let is_live = |id: &u64| {
            let module = list.shows().and_then(|module| self.modules.get(module));
            module.is_some_and(|module| module.live(*id).is_some())
        };
        match list {
            List::Related { index, turned: false } => {
                let links = self.links.forward.range(all(index));
                links.map(|((_, _, child), _)| *child).filter(is_live).collect()
            }
            List::Related { index, turned: true } => {
                let links = self.links.back.range(all(index));
                links.map(|(_, _, child)| *child).filter(is_live).collect()
            }
            List::Children(kind) => {
                let all = (parent, kind, 0)..=(parent, kind, u64::MAX);
                self.links.children.range(all).map(|(_, _, child)| *child).collect()
            }
        }
    }

    /// The link between a record and one that its list shows.
    pub(crate) fn link_of(&self, list: List, parent: u64, child: u64) -> Option<&Link> {
        let List::Related { index, turned } = list else {
            return None;
        };
        let (first, second) = ends(turned, parent, child);
        self.links.forward.get(&(index, first, second))
    }

    /// Links two records, or changes what their link carries; whether they were apart before.
    pub(crate) fn link(
        &mut self,
        list: List,
        (parent, child): (u64, u64),
        link: Link,
        hand: Hand,
    ) -> bool {
        let List::Related { index, turned } = list else {
            return false;
        };
        let (first, second) = ends(turned, parent, child);
        let new = self.links.forward.insert((index, first, second), link).is_none();
        if new {
            self.links.back.insert((index, second, first));
            self.note(child, EffectKind::Linked(parent), hand);
            self.note(parent, EffectKind::Linked(child), hand);
        }
        new
    }

    /// Takes a record off another one's list: unlinks it, or deletes it where it is a child.
    /// `false` when the list does not show it.
    pub(crate) fn unlink(&mut self, list: List, parent: u64, child: u64, hand: Hand) -> bool {
        let List::Related { index, turned } = list else {
            return self.delete_child(list, parent, child, hand);
        };
        if !self.listed_one(list, parent, child) {
            return false;
        }
        let (first, second) = ends(turned, parent, child);
        self.links.forward.remove(&(index, first, second));
        self.links.back.remove(&(index, second, first));
        self.note(child, EffectKind::Unlinked(parent), hand);
        self.note(parent, EffectKind::Unlinked(child), hand);
        true
    }

    /// Whether a record's list shows this one.
    pub(crate) fn listed_one(&self, list: List, parent: u64, child: u64) -> bool {
        let module = list.shows().and_then(|module| self.modules.get(module));
        self.link_of(list, parent, child).is_some()
            && module.is_some_and(|module| module.live(child).is_some())
    }

    fn delete_child(&mut self, list: List, parent: u64, child: u64, hand: Hand) -> bool {
        let List::Children(kind) = list else {
            return false;
        };
        let done = self.links.children.remove(&(parent, kind, child));
        if done {
            self.note(child, EffectKind::Deleted, hand);
        }
        done
    }

    /// How many notes and attachments a record has.
    pub(super) fn count_children(&self, parent: u64) -> usize {
        let all = (parent, ChildList::Notes, 0)..=(parent, ChildList::Attachments, u64::MAX);
        self.links.children.range(all).count()
    }

    /// Hangs new children from a record and gives their ids, ascending.
    pub(crate) fn add_children(&mut self, kind: ChildList, parent: u64, count: usize) -> Vec<u64> {
        let ids: Vec<u64> = (0..count).map(|_| self.mint()).collect();
        self.links.children.extend(ids.iter().map(|id| (parent, kind, *id)));
        ids
    }

    /// What the links between live records carry, from both sides.
    pub(super) fn link_fields(&self) -> BTreeMap<(u64, String, u64), Value> {
        let carrying = self.links.forward.iter().filter(|(_, link)| !link.beside.is_null());
        let mut all = BTreeMap::new();
        for ((index, first, second), link) in carrying {
            for (turned, parent, child) in [(false, *first, *second), (true, *second, *first)] {
                let list = List::Related { index: *index, turned };
                let owner = List::Related { index: *index, turned: !turned }.shows();
                let owner = owner.and_then(|module| self.modules.get(module));
                let is_live = owner.is_some_and(|module| module.live(parent).is_some());
                if is_live && self.listed_one(list, parent, child) {
                    all.insert((parent, list.name().to_owned(), child), link.beside.clone());
                }
            }
        }
        all
    }

    /// Everything that is listed anywhere: module, parent, list, ids.
    pub(super) fn all_links(&self) -> BTreeMap<String, BTreeMap<u64, BTreeMap<String, Vec<u64>>>> {
        let mut shown: BTreeSet<(List, String, u64)> = BTreeSet::new();
        for (index, first, second) in self.links.forward.keys().copied() {
            for (turned, parent) in [(false, first), (true, second)] {
                // The module that owns the list is the one that its other side shows.
                let owner = List::Related { index, turned: !turned }.shows().unwrap_or_default();
                shown.insert((List::Related { index, turned }, owner.to_owned(), parent));
            }
        }
        for (parent, kind, _) in self.links.children.iter().copied() {
            let owner = self.modules.values().find(|module| module.record(parent).is_some());
            let owner = owner.map(|module| module.api_name.clone()).unwrap_or_default();
            shown.insert((List::Children(kind), owner, parent));
        }
        let mut all: BTreeMap<String, BTreeMap<u64, BTreeMap<String, Vec<u64>>>> = BTreeMap::new();
        for (list, owner, parent) in shown {
            let is_live = self.modules.get(&owner).is_some_and(|m| m.live(parent).is_some());
            let ids = self.listed(list, parent);
            if is_live && !ids.is_empty() {
                let parents = all.entry(owner).or_default();
                parents.entry(parent).or_default().insert(list.name().to_owned(), ids);
            }
        }
        all
    }
}
