//! What can be done from outside, by the handle and by the control routes.

use serde_json::{Value, json};

use super::state::{Actor, Beside, ChildList, Hand, Link, List, Mark, Restoring, World, find_list};

/// One kind of interference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    Lock,
    Unlock,
    Unapprove,
    EnterBlueprint,
    Convert,
    DeleteAsOther,
    DeleteAsOurs,
    Purge,
    Restore,
    Touch,
}

impl Control {
    /// The one with this name in a control URL.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "lock" => Self::Lock,
            "unlock" => Self::Unlock,
            "unapprove" => Self::Unapprove,
            "enter-blueprint" => Self::EnterBlueprint,
            "convert" => Self::Convert,
            "delete-as-other" => Self::DeleteAsOther,
            "delete-as-ours" => Self::DeleteAsOurs,
            "purge" => Self::Purge,
            "restore" => Self::Restore,
            "touch" => Self::Touch,
            _ => return None,
        })
    }

    /// Does it to a record; `false` when the record is not where that is possible.
    pub(crate) fn apply(self, world: &mut World, id: u64, now: i64) -> bool {
        match self {
            Self::Lock => world.mark(id, Mark::Locked),
            Self::Unlock => world.unmark(id, Mark::Locked),
            Self::Unapprove => world.mark(id, Mark::Unapproved),
            Self::EnterBlueprint => world.mark(id, Mark::InBlueprint),
            Self::Convert => world.mark(id, Mark::Converted),
            Self::DeleteAsOther => world.delete_by_hand(id, Actor::OtherUser, now),
            Self::DeleteAsOurs => world.delete_by_hand(id, Actor::TokenUser, now),
            Self::Purge => world.purge(id, Actor::OtherUser, now),
            Self::Restore => world.restore(id, Hand::other(now)) == Restoring::Done,
            Self::Touch => world.touch(id, now),
        }
    }
}

/// Another user puts tags on records, and makes those that there are not yet; their ids.
pub(crate) fn tag(
    world: &mut World,
    module: &str,
    names: &[&str],
    records: &[u64],
    now: i64,
) -> Vec<u64> {
    let hand = Hand::other(now);
    let mut tags = Vec::with_capacity(names.len());
    for name in names {
        let known = world.tag_named(module, name).map(|tag| tag.id);
        tags.push(known.unwrap_or_else(|| world.make_tag(module, name, None, hand)));
    }
    for record in records {
        world.put_tags(module, *record, &tags, hand);
    }
    tags
}

/// Another user takes tags off records; how many records carried one.
pub(crate) fn untag(
    world: &mut World,
    module: &str,
    names: &[&str],
    records: &[u64],
    now: i64,
) -> usize {
    let tags = named(world, module, names);
    let hand = Hand::other(now);
    records.iter().filter(|record| world.take_tags(module, **record, &tags, hand)).count()
}

/// Another user deletes the definitions of tags; how many there were.
pub(crate) fn drop_tags(world: &mut World, module: &str, names: &[&str], now: i64) -> usize {
    let tags = named(world, module, names);
    tags.into_iter().filter(|tag| world.drop_tag(*tag, Hand::other(now))).count()
}

/// Lets a workflow rule use tags; how many there are.
pub(crate) fn use_tags(world: &mut World, module: &str, names: &[&str]) -> usize {
    let tags = named(world, module, names);
    tags.into_iter().filter(|tag| world.use_tag(*tag)).count()
}

fn named(world: &World, module: &str, names: &[&str]) -> Vec<u64> {
    names.iter().filter_map(|name| Some(world.tag_named(module, name)?.id)).collect()
}

/// The list of this name, if live records of the module have it and this is one of them.
pub(crate) fn list_on(world: &World, module: &str, parent: u64, list: &str) -> Option<List> {
    world.module(module)?.live(parent)?;
    find_list(module, list, None)
}

/// Another user links records; how many were apart before.
pub(crate) fn link(world: &mut World, list: List, parent: u64, ids: &[u64], now: i64) -> usize {
    link_with(world, (list, parent), ids, None, now)
}

/// The same, with what the links are to carry; links that are there carry it from now on. Without
/// it, new links carry what most do.
pub(crate) fn link_with(
    world: &mut World,
    (list, parent): (List, u64),
    ids: &[u64],
    carried: Option<&Value>,
    now: i64,
) -> usize {
    let beside = match list.beside() {
        Beside::Nothing => Value::Null,
        Beside::MemberStatus => carried.cloned().unwrap_or_else(|| json!(MEMBER_STATUS)),
        Beside::ListPrice => carried.cloned().unwrap_or_else(|| json!(9.5)),
    };
    let is_live = |world: &World, id: u64| {
        let module = list.shows().and_then(|module| world.module(module));
        module.is_some_and(|module| module.live(id).is_some())
    };
    let mut linked = 0;
    for id in ids {
        if carried.is_none() && world.link_of(list, parent, *id).is_some() {
            continue;
        }
        let link = Link { beside: beside.clone() };
        let new = is_live(world, *id) && world.link(list, (parent, *id), link, Hand::other(now));
        linked += usize::from(new);
    }
    linked
}

/// What a member of a campaign is unless somebody says otherwise.
pub(crate) const MEMBER_STATUS: &str = "Planned";

/// Another user unlinks records, or deletes children; how many were on the list.
pub(crate) fn unlink(world: &mut World, list: List, parent: u64, ids: &[u64], now: i64) -> usize {
    ids.iter().filter(|id| world.unlink(list, parent, **id, Hand::other(now))).count()
}

/// Another user hangs notes or attachments from a record; their ids, ascending. No other list takes
/// any.
pub(crate) fn children(world: &mut World, list: List, parent: u64, count: usize) -> Vec<u64> {
    match list {
        List::Children(kind) => world.add_children(kind, parent, count),
        List::Related { .. } => Vec::new(),
    }
}

/// Another user writes notes; their ids, ascending.
pub(crate) fn notes(world: &mut World, parent: u64, count: usize) -> Vec<u64> {
    children(world, List::Children(ChildList::Notes), parent, count)
}
