//! `DELETE …/{module}?ids=` and `DELETE …/{module}/{id}`.
//!
//! Shapes and codes: CRM v2 Delete Records page, its successors up to v8, OAS record.json, and
//! Zoho's later `OpenAPI` texts for the statuses 207 and 400.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::mangle::deleted_item;
use super::super::refusal::{
    WRONG_FORMAT, bad_parameter, invalid_path_id, missing_parameter, not_authorized,
};
use super::super::state::{Deleting, Hand, Mark, World};
use super::items::Target;
use super::operation::{Doing, Operation, Shape};
use super::{Api, find_module, items, read_id};

/// The most ids in a call (CRM v2 Delete Records page).
const LIMIT: usize = 100;

/// A delete call.
#[derive(Debug, Clone)]
pub(crate) struct Delete {
    api: Api,
    module: String,
    target: Target,
    wf_trigger: Option<String>,
}

/// What became of one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Deleted,
    NotDeleted,
    WrongFormat,
    Kept(Mark),
}

impl Delete {
    pub(crate) fn bulk(api: Api, module: String, call: &Call) -> Self {
        Self::new(api, module, Target::bulk(call), call)
    }

    pub(crate) fn single(api: Api, module: String, id: String, call: &Call) -> Self {
        Self::new(api, module, Target::Single(id), call)
    }

    fn new(api: Api, module: String, target: Target, call: &Call) -> Self {
        Self { api, module, target, wf_trigger: call.parameter("wf_trigger").map(str::to_owned) }
    }

    /// The ids and whether workflows run, or the error for the call as a whole.
    fn check(&self, world: &World) -> Result<(Vec<String>, bool), Answer> {
        let module = find_module(world, self.api, &self.module)?;
        if !module.deletable {
            return Err(not_authorized("delete records"));
        }
        let asked = self.wf_trigger.as_deref().filter(|_| self.api.wf_trigger);
        let workflows = match asked {
            None => true,
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(_) => return Err(bad_parameter("wf_trigger", "invalid data")),
        };
        let ids = self.ids();
        if ids.is_empty() {
            return Err(missing_parameter("ids"));
        }
        items::check(&ids, LIMIT)?;
        Ok((ids, workflows))
    }

    fn delete(&self, world: &mut World, id: u64, workflows: bool, doing: Doing) -> Fate {
        let hand = Hand { workflows, ..doing.hand() };
        match world.delete(&self.module, id, hand) {
            Deleting::Done => Fate::Deleted,
            Deleting::NotThere => Fate::NotDeleted,
            Deleting::Kept(mark) => Fate::Kept(mark),
        }
    }

    fn bulk_answer(&self, ids: &[String], fates: &[Fate], done: usize, doing: &Doing) -> Answer {
        let items = ids.iter().zip(fates).map(|(id, fate)| self.item(id, *fate, false)).collect();
        Answer::items(items::status(done, fates.len(), doing), "data", items)
    }

    fn single_answer(&self, id: &str, fate: Fate) -> Answer {
        match fate {
            Fate::NotDeleted => invalid_path_id("record not deleted", 1),
            Fate::WrongFormat if id.bytes().all(|byte| byte.is_ascii_digit()) => {
                invalid_path_id("invalid record id", 0)
            }
            Fate::WrongFormat => {
                let details = json!({"resource_path_index": 1});
                Answer::error(400, self.wrong_format_code(), WRONG_FORMAT, details)
            }
            Fate::Deleted | Fate::Kept(_) => Answer::items(
                if fate == Fate::Deleted { 200 } else { 400 },
                "data",
                vec![self.item(id, fate, true)],
            ),
        }
    }

    fn item(&self, id: &str, fate: Fate, single: bool) -> Value {
        let v2 = self.api.early_words;
        let (code, message, details) = match fate {
            Fate::Deleted => return read_id(id).map_or(Value::Null, deleted_item),
            Fate::NotDeleted => ("INVALID_DATA", "record not deleted", json!({"id": id})),
            Fate::WrongFormat => (self.wrong_format_code(), WRONG_FORMAT, json!({"id": id})),
            // The v2 page prints the message of NOT_APPROVED for a locked record, too.
            Fate::Kept(Mark::Locked) if v2 => ("RECORD_LOCKED", NOT_APPROVED, json!({"id": id})),
            Fate::Kept(Mark::Locked) => (
                "RECORD_LOCKED",
                "You cannot perform this operation as the record is locked.",
                items::lock_details(id),
            ),
            // In bulk Zoho does not say which record it means.
            Fate::Kept(Mark::Unapproved) if single => {
                ("NOT_APPROVED", NOT_APPROVED, json!({"id": id}))
            }
            Fate::Kept(Mark::Unapproved) => ("NOT_APPROVED", NOT_APPROVED, json!({})),
            Fate::Kept(Mark::InBlueprint | Mark::Converted) => {
                ("RECORD_IN_BLUEPRINT", "The record is in blue print", json!({"id": id}))
            }
        };
        items::error(code, message, details)
    }

    /// The v2 page has a code of its own; later texts have not.
    fn wrong_format_code(&self) -> &'static str {
        if self.api.early_words { "UNABLE_TO_PARSE_DATA_TYPE" } else { "INVALID_DATA" }
    }
}

impl Operation for Delete {
    fn module(&self) -> &str {
        &self.module
    }

    fn ids(&self) -> Vec<String> {
        self.target.ids()
    }

    fn shape(&self) -> Shape {
        self.target.shape()
    }

    fn permissions(&self) -> (&'static str, Vec<String>) {
        ("Permission denied to delete", vec![format!("Crm_Implied_Delete_{}", self.module)])
    }

    /// Checks the call as a whole, then deletes item by item: a bad item fails alone.
    fn carry_out(&self, world: &mut World, doing: Doing) -> (Answer, usize) {
        let checked = self.check(world);
        let (ids, workflows) = match checked {
            Ok(checked) => checked,
            Err(error) => return (error, 0),
        };
        let refused = items::refused(&doing, ids.len());
        let fates: Vec<Fate> = ids
            .iter()
            .enumerate()
            .map(|(index, id)| match read_id(id) {
                None => Fate::WrongFormat,
                Some(_) if refused == Some(index) => Fate::Kept(Mark::Locked),
                Some(id) => self.delete(world, id, workflows, doing),
            })
            .collect();
        let done = fates.iter().filter(|fate| **fate == Fate::Deleted).count();
        let answer = match (&self.target, fates.as_slice()) {
            (Target::Single(id), [fate]) => self.single_answer(id, *fate),
            _ => self.bulk_answer(&ids, &fates, done, &doing),
        };
        (answer, done)
    }
}

const NOT_APPROVED: &str = "cannot delete record that is not approved yet";
