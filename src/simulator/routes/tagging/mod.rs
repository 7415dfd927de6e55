//! `POST …/actions/remove_tags` and `…/actions/add_tags`, of many records or of one.
//!
//! CRM Remove Tags pages (v2 and v2.1: query; from v3 on: JSON), Bigin v2 Remove Tags page (query,
//! and tags as plain texts in the answer), Add Tags pages, OAS tags.json. What the pages leave
//! open: an unknown record fails alone, a tag that a record does not carry is removed with
//! success, and so is a name that no tag has.

mod asked;

use serde_json::{Value, json};

use super::operation::{Doing, Operation, Shape};
use super::tags::{no_room, tag_json};
use super::{Api, body, find_module, items, read_id};
use crate::simulator::answer::{Answer, Content};
use crate::simulator::call::Call;
use crate::simulator::refusal::not_authorized;
use crate::simulator::state::{MOST_ON_RECORD, MOST_TAGS, Mark, World};
use asked::{Asked, Plan, Wanted};

/// What is done with the tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Remove,
}

impl Change {
    /// The one of this action.
    pub(crate) fn find(action: &str) -> Option<Self> {
        match action {
            "add_tags" => Some(Self::Add),
            "remove_tags" => Some(Self::Remove),
            _ => None,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Add => "add tags",
            Self::Remove => "remove tags",
        }
    }
}

/// A call that changes the tags of records.
#[derive(Debug)]
pub(crate) struct Retag {
    api: Api,
    change: Change,
    module: String,
    /// The record named by path.
    single: Option<String>,
    asked: Asked,
}

/// What becomes of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Good(u64),
    Unknown,
    Locked,
    Unapproved,
    Full,
}

impl Retag {
    /// `None` where the API has no tags.
    pub(crate) fn new(
        api: Api,
        change: Change,
        (module, single): (String, Option<String>),
        call: &Call,
    ) -> Option<Self> {
        let asked = Asked::new(api, call)?;
        Some(Self { api, change, module, single, asked })
    }

    fn plan(&self, world: &World, doing: &Doing) -> Result<Plan, Answer> {
        let module = find_module(world, self.api, &self.module)?;
        if !module.deletable {
            return Err(not_authorized(self.change.words()));
        }
        self.asked.plan(self.single.as_deref(), doing.rules.tags_per_call_limit)
    }

    /// The tags that the call means, by id; `None` for those that there are not.
    fn resolve(&self, world: &World, wanted: &[Wanted]) -> Result<Vec<Option<u64>>, Answer> {
        let find = |(index, wanted): (usize, &Wanted)| {
            let by_id = wanted.id.and_then(|id| world.tag(id));
            let by_id = by_id.filter(|tag| tag.module == self.module);
            let name = wanted.name.as_deref();
            let tag = by_id.or_else(|| world.tag_named(&self.module, name?));
            if tag.is_none() && name.is_none() {
                return Err(body::invalid(&format!("$.tags[{index}].id"), "invalid data"));
            }
            let mismatch = tag.is_some_and(|tag| {
                self.change == Change::Add && wanted.color.is_some() && wanted.color != tag.color
            });
            if mismatch {
                // The Add Tags page: the tag exists with another colour.
                let path = format!("$.tags[{index}].color_code");
                let details = json!({"api_name": "color_code", "json_path": path});
                let message = "the name and the color code belong to different tags";
                return Err(Answer::error(400, "MAPPING_MISMATCH", message, details));
            }
            Ok(tag.map(|tag| tag.id))
        };
        wanted.iter().enumerate().map(find).collect()
    }

    fn fate(&self, world: &World, id: &str, tags: &[Option<u64>], over_write: bool) -> Fate {
        let found = read_id(id).and_then(|id| Some((id, world.module(&self.module)?.live(id)?)));
        let Some((id, record)) = found else {
            return Fate::Unknown;
        };
        let new = tags.iter().filter(|tag| tag.is_none_or(|tag| !record.tags.contains(&tag)));
        let after = if over_write { tags.len() } else { record.tags.len() + new.count() };
        if record.has(Mark::Locked) {
            Fate::Locked
        } else if record.has(Mark::Unapproved) {
            Fate::Unapproved
        } else if self.change == Change::Add && after > MOST_ON_RECORD {
            Fate::Full
        } else {
            Fate::Good(id)
        }
    }

    /// Makes the tags that there are not yet, and gives all ids.
    fn make_missing(
        &self,
        world: &mut World,
        plan: &Plan,
        found: &[Option<u64>],
        doing: &Doing,
    ) -> Vec<u64> {
        let mut all = Vec::with_capacity(found.len());
        for (wanted, found) in plan.wanted.iter().zip(found) {
            let name = wanted.name.as_deref().unwrap_or_default();
            // A name may stand in the call twice.
            let known = found.or_else(|| world.tag_named(&self.module, name).map(|tag| tag.id));
            all.push(
                known.unwrap_or_else(|| {
                    world.make_tag(&self.module, name, wanted.color, doing.hand())
                }),
            );
        }
        all
    }

    /// Changes one record; whether that was a change.
    fn change(&self, world: &mut World, id: u64, tags: &[u64], over: bool, doing: &Doing) -> bool {
        let (module, hand) = (self.module.as_str(), doing.hand());
        if self.change == Change::Remove {
            return world.take_tags(module, id, tags, hand);
        }
        let others: Vec<u64> = world
            .module(module)
            .and_then(|module| module.live(id))
            .map(|record| record.tags.iter().copied().filter(|tag| !tags.contains(tag)).collect())
            .unwrap_or_default();
        let taken = over && world.take_tags(module, id, &others, hand);
        world.put_tags(module, id, tags, hand) || taken
    }

    fn item(&self, world: &World, id: &str, fate: Fate) -> Value {
        match fate {
            Fate::Good(number) => {
                let record = world.module(&self.module).and_then(|module| module.live(number));
                let tags = record.map(|record| record.tags.as_slice()).unwrap_or_default();
                let tags: Vec<Value> =
                    tags.iter().filter_map(|tag| tag_json(world, self.api, *tag)).collect();
                items::success("tags updated successfully", json!({"id": id, "tags": tags}))
            }
            Fate::Unknown => {
                let message = "the id given seems to be invalid";
                items::error("INVALID_DATA", message, json!({"id": id}))
            }
            Fate::Locked => items::error("RECORD_LOCKED", items::LOCKED, items::lock_details(id)),
            // As with delete: in bulk Zoho does not say which record it means.
            Fate::Unapproved => {
                let details = if self.single.is_some() { json!({"id": id}) } else { json!({}) };
                let message = "cannot update record that is not approved yet";
                items::error("NOT_APPROVED", message, details)
            }
            Fate::Full => {
                let message = format!("only {MOST_ON_RECORD} tags are allowed on a record");
                let details = json!({"id": id, "limit": MOST_ON_RECORD.to_string()});
                items::error("LIMIT_EXCEEDED", &message, details)
            }
        }
    }

    /// What stands beside the items: counts, as texts. Bigin's sample has none.
    fn beside(&self, good: usize, locked: usize) -> Vec<(&'static str, Value)> {
        if self.api.is_bigin() {
            return Vec::new();
        }
        let locked = ("locked_count", json!(locked.to_string()));
        match self.change {
            Change::Remove => vec![locked],
            Change::Add => vec![("success_count", json!(good.to_string())), locked],
        }
    }
}

impl Operation for Retag {
    fn module(&self) -> &str {
        &self.module
    }

    fn ids(&self) -> Vec<String> {
        self.single.as_ref().map_or_else(|| self.asked.ids(), |id| vec![id.clone()])
    }

    fn shape(&self) -> Shape {
        if self.single.is_some() { Shape::Single } else { Shape::Many }
    }

    /// One for each 50 records (API Limits page).
    fn credits(&self) -> u64 {
        u64::try_from(self.ids().len().div_ceil(50)).unwrap_or(u64::MAX).max(1)
    }

    fn permissions(&self) -> (&'static str, Vec<String>) {
        let message = match self.change {
            Change::Add => "Permission denied to add tags",
            Change::Remove => "Permission denied to remove tags",
        };
        let of = |what: &str| format!("Crm_Implied_{what}_{}", self.module);
        (message, vec![of("Edit"), of("Tags")])
    }

    fn carry_out(&self, world: &mut World, doing: Doing) -> (Answer, usize) {
        let planned = self.plan(world, &doing);
        let planned = planned.and_then(|plan| {
            let found = self.resolve(world, &plan.wanted)?;
            let missing = found.iter().filter(|found| found.is_none()).count();
            let there = world.tags_of_module(&self.module).count();
            if self.change == Change::Add && there + missing > MOST_TAGS {
                return Err(no_room());
            }
            Ok((plan, found))
        });
        let (plan, found) = match planned {
            Ok(planned) => planned,
            Err(error) => return (error, 0),
        };
        let refused = items::refused(&doing, plan.ids.len());
        let fates: Vec<Fate> = plan
            .ids
            .iter()
            .enumerate()
            .map(|(index, id)| match refused {
                Some(refused) if refused == index => Fate::Locked,
                _ => self.fate(world, id, &found, plan.over_write),
            })
            .collect();
        let good: Vec<u64> = fates
            .iter()
            .filter_map(|fate| if let Fate::Good(id) = fate { Some(*id) } else { None })
            .collect();
        let tags = if self.change == Change::Add && !good.is_empty() {
            self.make_missing(world, &plan, &found, &doing)
        } else {
            found.into_iter().flatten().collect()
        };
        let mut changed = 0;
        for id in &good {
            changed += usize::from(self.change(world, *id, &tags, plan.over_write, &doing));
        }
        let items: Vec<Value> =
            plan.ids.iter().zip(&fates).map(|(id, fate)| self.item(world, id, *fate)).collect();
        let locked = fates.iter().filter(|fate| **fate == Fate::Locked).count();
        let content =
            Content::Items { key: "data", items, beside: self.beside(good.len(), locked) };
        let status = items::status(good.len(), fates.len(), &doing);
        (Answer::new(status, content), changed)
    }
}
