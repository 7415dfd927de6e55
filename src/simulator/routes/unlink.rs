//! `DELETE …/{module}/{id}/{related_list}?ids=` and `DELETE …/{related_list}/{related_id}`.
//!
//! Shapes and codes: CRM v7 Delink page, Bigin Delink pages, OAS `related_records.json`, and Zoho's
//! newer `OpenAPI` files for the statuses 207 and 400 and for most errors. On a list of children
//! (notes, attachments) the same call deletes the child.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::refusal::{invalid_path_id, not_authorized, wrong_format};
use super::super::state::{List, World};
use super::items::Target;
use super::operation::{Doing, Operation, Shape};
use super::related::Place;
use super::{items, read_id};

/// The most ids in a call (Delink page).
const LIMIT: usize = 100;
/// The most characters of `ids` (Zoho's newer `OpenAPI` files).
const LENGTH: usize = 2000;

/// A call that takes records off a related list.
#[derive(Debug)]
pub(crate) struct Unlink {
    place: Place,
    target: Target,
}

/// What became of one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    NotFound,
    Locked,
}

impl Unlink {
    pub(crate) fn bulk(place: Place, call: &Call) -> Self {
        Self { place, target: Target::bulk(call) }
    }

    pub(crate) fn single(place: Place, id: String) -> Self {
        Self { place, target: Target::Single(id) }
    }

    /// The record, its list and the ids, or the error for the call as a whole.
    fn check(&self, world: &World) -> Result<(u64, List, Vec<u64>), Answer> {
        let (parent, list) = self.place.find(world)?;
        if world.module(&self.place.module).is_some_and(|module| !module.deletable) {
            return Err(not_authorized("delete related records data"));
        }
        let ids = self.ids();
        if ids.is_empty() {
            let message = "One of the expected parameter is missing";
            let details = json!({"param_name": "ids"});
            return Err(Answer::error(400, "MANDATORY_NOT_FOUND", message, details));
        }
        items::check(&ids, LIMIT)?;
        if let Target::Bulk(Some(text)) = &self.target
            && text.len() > LENGTH
        {
            let details = json!({"maximum_length": LENGTH, "param_name": "ids"});
            return Err(Answer::error(400, "INVALID_DATA", "invalid data", details));
        }
        let ids: Option<Vec<u64>> = ids.iter().map(|id| read_id(id)).collect();
        let ids = ids.ok_or_else(wrong_format)?;
        if let (Target::Single(_), [id], Some(shown)) = (&self.target, ids.as_slice(), list.shows())
            && world.module(shown).is_none_or(|module| module.live(*id).is_none())
        {
            return Err(invalid_path_id("the related id given seems to be invalid", 1));
        }
        Ok((parent, list, ids))
    }
}

fn item(list: List, id: u64, fate: Fate) -> Value {
    let id = id.to_string();
    let child = matches!(list, List::Children(_));
    match fate {
        Fate::Done if child => items::success("record deleted", json!({"id": id})),
        Fate::Done => items::success("relation removed", json!({"id": id})),
        // OAS related_records.json, for children.
        Fate::NotFound if child => {
            items::error("INVALID_DATA", "record not deleted", json!({"id": id}))
        }
        Fate::NotFound => items::error("INVALID_DATA", "relation not found", json!({"id": id})),
        Fate::Locked => items::error("RECORD_LOCKED", items::LOCKED, items::lock_details(&id)),
    }
}

impl Operation for Unlink {
    fn module(&self) -> &str {
        &self.place.module
    }

    fn ids(&self) -> Vec<String> {
        self.target.ids()
    }

    fn shape(&self) -> Shape {
        self.target.shape()
    }

    fn permissions(&self) -> (&'static str, Vec<String>) {
        let permission = format!("Crm_Implied_Edit_{}", self.place.module);
        ("Permission denied to delete records", vec![permission])
    }

    fn carry_out(&self, world: &mut World, doing: Doing) -> (Answer, usize) {
        let (parent, list, ids) = match self.check(world) {
            Ok(checked) => checked,
            Err(error) => return (error, 0),
        };
        let refused = items::refused(&doing, ids.len());
        let mut done = 0;
        let mut results = Vec::with_capacity(ids.len());
        for (index, id) in ids.iter().enumerate() {
            let fate = if refused == Some(index) {
                Fate::Locked
            } else if world.unlink(list, parent, *id, doing.hand()) {
                Fate::Done
            } else {
                Fate::NotFound
            };
            done += usize::from(fate == Fate::Done);
            results.push(item(list, *id, fate));
        }
        (Answer::items(items::status(done, ids.len(), &doing), "data", results), done)
    }
}
