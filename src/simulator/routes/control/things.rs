//! Tags, links and notes, by another user's hand.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Id, known, read, refused};
use crate::simulator::answer::Answer;
use crate::simulator::call::Call;
use crate::simulator::control;
use crate::simulator::shared::{Inner, Shared};
use crate::simulator::state::{COLORS, List, World};

/// The most notes that one call makes.
const MOST_NOTES: usize = 100_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tags {
    module: String,
    names: Vec<String>,
    #[serde(default)]
    records: Vec<Id>,
    /// The colour that the tags have from now on; one of those that Zoho has.
    #[serde(default)]
    color_code: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Links {
    module: String,
    parent: Id,
    list: String,
    ids: Vec<Id>,
    /// What the links are to carry: a text as `Member_Status`, a number as `list_price`.
    #[serde(default)]
    carried: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    module: String,
    parent: Id,
    count: usize,
}

/// `POST tags`: makes tags and puts them on records.
pub(super) fn tags(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    let color = color(&read::<Tags>(call)?)?;
    with_tags(shared, call, |world, asked, records, now| {
        let ids = control::tag(world, &asked.module, &asked.names(), records, now);
        if color.is_some() {
            for id in &ids {
                world.color_tag(*id, color);
            }
        }
        let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
        Answer::json(200, json!({"ids": ids}))
    })
}

/// `POST untag`: takes tags off records.
pub(super) fn untag(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    with_tags(shared, call, |world, asked, records, now| {
        changed(control::untag(world, &asked.module, &asked.names(), records, now))
    })
}

/// `POST drop_tags`: deletes the definitions of tags.
pub(super) fn drop_tags(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    with_tags(shared, call, |world, asked, _, now| {
        changed(control::drop_tags(world, &asked.module, &asked.names(), now))
    })
}

/// `POST use_tags`: lets a workflow rule use tags.
pub(super) fn use_tags(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    with_tags(shared, call, |world, asked, _, _| {
        changed(control::use_tags(world, &asked.module, &asked.names()))
    })
}

/// `POST link`: links records.
pub(super) fn link(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    let carried = read::<Links>(call)?.carried;
    with_links(shared, call, |world, list, parent, ids, now| {
        control::link_with(world, (list, parent), ids, carried.as_ref(), now)
    })
}

/// `POST unlink`: unlinks records, or deletes children.
pub(super) fn unlink(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    with_links(shared, call, control::unlink)
}

/// `POST notes`: hangs notes from a record.
pub(super) fn notes(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    let asked: Notes = read(call)?;
    if asked.count > MOST_NOTES {
        return Err(refused("at most 100000 notes at a time"));
    }
    let mut inner = shared.lock();
    let Inner { world, .. } = &mut *inner;
    let (parent, _) = find(world, &asked.module, &asked.parent, "Notes")?;
    let ids = control::notes(world, parent, asked.count);
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    Ok(Answer::json(200, json!({"ids": ids})))
}

impl Tags {
    fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }
}

/// The colour that is asked for, if it is one.
fn color(asked: &Tags) -> Result<Option<&'static str>, Answer> {
    let find = |code: &String| {
        let known = COLORS.into_iter().find(|color| color == code);
        known.ok_or_else(|| refused(format!("{code} is no colour of a tag: {}", COLORS.join(", "))))
    };
    asked.color_code.as_ref().map(find).transpose()
}

fn changed(count: usize) -> Answer {
    Answer::json(200, json!({"changed": count}))
}

/// Unknown modules and records are refused before anything is changed.
fn with_tags(
    shared: &Shared,
    call: &Call,
    act: impl FnOnce(&mut World, &Tags, &[u64], i64) -> Answer,
) -> Result<Answer, Answer> {
    let asked: Tags = read(call)?;
    let now = shared.now();
    let mut inner = shared.lock();
    if inner.world.module(&asked.module).is_none() {
        return Err(refused(format!("there is no module {}", asked.module)));
    }
    let records = known(&inner.world, &asked.module, &asked.records)?;
    Ok(act(&mut inner.world, &asked, &records, now))
}

fn with_links(
    shared: &Shared,
    call: &Call,
    act: impl FnOnce(&mut World, List, u64, &[u64], i64) -> usize,
) -> Result<Answer, Answer> {
    let asked: Links = read(call)?;
    let now = shared.now();
    let mut inner = shared.lock();
    let (parent, list) = find(&inner.world, &asked.module, &asked.parent, &asked.list)?;
    let ids = match list.shows() {
        Some(module) => known(&inner.world, module, &asked.ids)?,
        None => asked.ids.iter().filter_map(Id::read).collect(),
    };
    Ok(changed(act(&mut inner.world, list, parent, &ids, now)))
}

fn find(world: &World, module: &str, parent: &Id, list: &str) -> Result<(u64, List), Answer> {
    let found = parent
        .read()
        .and_then(|parent| Some((parent, control::list_on(world, module, parent, list)?)));
    found.ok_or_else(|| refused(format!("{module} has no record {parent} with a list {list}")))
}
