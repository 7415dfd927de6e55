//! `DELETE /crm/{v}/{module}?ids=` and `DELETE /crm/{v}/{module}/{id}`.
//!
//! Shapes and codes: CRM v2 Delete Records page, its successors up to v8, OAS record.json, and
//! Zoho's later `OpenAPI` texts for the statuses 207 and 400.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::answer::{Answer, Content, bad_parameter, missing_parameter, too_many};
use super::super::call::Call;
use super::super::dice;
use super::super::mangle::deleted_item;
use super::super::state::{Actor, Deleter, Deleting, Mark, World};
use super::{Doing, Version, find_module, read_id};

/// The most ids in a call (CRM v2 Delete Records page).
const LIMIT: usize = 100;

/// A delete call.
#[derive(Debug, Clone)]
pub(crate) struct Delete {
    version: Version,
    module: String,
    target: Target,
    wf_trigger: Option<String>,
}

#[derive(Debug, Clone)]
enum Target {
    /// `ids`, where it was given.
    Bulk(Option<String>),
    Single(String),
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
    pub(crate) fn bulk(version: Version, module: String, call: &Call) -> Self {
        let ids = call.parameter("ids").map(str::to_owned);
        Self::new(version, module, Target::Bulk(ids), call)
    }

    pub(crate) fn single(version: Version, module: String, id: String, call: &Call) -> Self {
        Self::new(version, module, Target::Single(id), call)
    }

    fn new(version: Version, module: String, target: Target, call: &Call) -> Self {
        Self {
            version,
            module,
            target,
            wf_trigger: call.parameter("wf_trigger").map(str::to_owned),
        }
    }

    pub(crate) fn module(&self) -> &str {
        &self.module
    }

    /// The ids, as sent, in the order sent.
    pub(crate) fn ids(&self) -> Vec<String> {
        match &self.target {
            Target::Bulk(None) => Vec::new(),
            Target::Bulk(Some(ids)) if ids.trim().is_empty() => Vec::new(),
            // The page prints its example with a space after the comma.
            Target::Bulk(Some(ids)) => ids.split(',').map(|id| id.trim().to_owned()).collect(),
            Target::Single(id) => vec![id.clone()],
        }
    }

    pub(crate) const fn is_single(&self) -> bool {
        matches!(self.target, Target::Single(_))
    }

    /// Checks the call as a whole, then deletes item by item: a bad item fails alone.
    pub(crate) fn carry_out(&self, world: &mut World, doing: Doing) -> (Answer, usize) {
        let checked = self.check(world);
        let (ids, workflows) = match checked {
            Ok(checked) => checked,
            Err(error) => return (error, 0),
        };
        let refused = doing.refuse.map(|bits| dice::position(bits, ids.len()));
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
            _ => self.bulk_answer(&ids, &fates, done, doing.mixed_status),
        };
        (answer, done)
    }

    /// The ids and whether workflows run, or the error for the call as a whole.
    fn check(&self, world: &World) -> Result<(Vec<String>, bool), Answer> {
        let module = find_module(world, &self.module)?;
        if !module.deletable {
            let message = "User does not have sufficient privilege to delete records";
            return Err(Answer::error(400, "AUTHORIZATION_FAILED", message, json!({})));
        }
        let workflows = match self.wf_trigger.as_deref() {
            None => true,
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(_) => return Err(bad_parameter("wf_trigger", "invalid data")),
        };
        let ids = self.ids();
        if ids.is_empty() {
            return Err(missing_parameter("ids"));
        }
        if ids.len() > LIMIT {
            return Err(too_many("ids", LIMIT));
        }
        // The later texts call the items of `ids` unique; what Zoho does otherwise is not said,
        // so the strictest reading is simulated.
        let mut seen = HashSet::new();
        if !ids.iter().all(|id| seen.insert(id.as_str())) {
            return Err(bad_parameter("ids", "an id is given more than once"));
        }
        Ok((ids, workflows))
    }

    fn delete(&self, world: &mut World, id: u64, workflows: bool, doing: Doing) -> Fate {
        let deleter = Deleter {
            by: Actor::TokenUser,
            at_ms: doing.at_ms,
            request: Some(doing.request),
            workflows,
        };
        match world.delete(&self.module, id, deleter) {
            Deleting::Done => Fate::Deleted,
            Deleting::NotThere => Fate::NotDeleted,
            Deleting::Kept(mark) => Fate::Kept(mark),
        }
    }

    fn bulk_answer(&self, ids: &[String], fates: &[Fate], done: usize, mixed: u16) -> Answer {
        let items = ids.iter().zip(fates).map(|(id, fate)| self.item(id, *fate, false)).collect();
        let status = match done {
            0 => 400,
            all if all == fates.len() => 200,
            _ => mixed,
        };
        Answer::new(status, Content::Items { key: "data", items })
    }

    fn single_answer(&self, id: &str, fate: Fate) -> Answer {
        let flat = |code: &str, message: &str, index: u8| {
            Answer::error(400, code, message, json!({"resource_path_index": index}))
        };
        match fate {
            Fate::NotDeleted => flat("INVALID_DATA", "record not deleted", 1),
            Fate::WrongFormat if id.bytes().all(|byte| byte.is_ascii_digit()) => {
                flat("INVALID_DATA", "invalid record id", 0)
            }
            Fate::WrongFormat => flat(self.wrong_format_code(), WRONG_FORMAT, 1),
            Fate::Deleted | Fate::Kept(_) => Answer::new(
                if fate == Fate::Deleted { 200 } else { 400 },
                Content::Items { key: "data", items: vec![self.item(id, fate, true)] },
            ),
        }
    }

    fn item(&self, id: &str, fate: Fate, single: bool) -> Value {
        let v2 = self.version < Version::V3;
        let (code, message, details) = match fate {
            Fate::Deleted => return read_id(id).map_or(Value::Null, deleted_item),
            Fate::NotDeleted => ("INVALID_DATA", "record not deleted", json!({"id": id})),
            Fate::WrongFormat => (self.wrong_format_code(), WRONG_FORMAT, json!({"id": id})),
            // The v2 page prints the message of NOT_APPROVED for a locked record, too.
            Fate::Kept(Mark::Locked) if v2 => ("RECORD_LOCKED", NOT_APPROVED, json!({"id": id})),
            Fate::Kept(Mark::Locked) => (
                "RECORD_LOCKED",
                "You cannot perform this operation as the record is locked.",
                json!({"action": "record_locking", "id": id}),
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
        json!({"code": code, "details": details, "message": message, "status": "error"})
    }

    /// The v2 page has a code of its own; later texts have not.
    fn wrong_format_code(&self) -> &'static str {
        if self.version < Version::V3 { "UNABLE_TO_PARSE_DATA_TYPE" } else { "INVALID_DATA" }
    }
}

const WRONG_FORMAT: &str = "either the request body or parameters is in wrong format";
const NOT_APPROVED: &str = "cannot delete record that is not approved yet";
