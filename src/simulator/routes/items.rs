//! Answers item by item: what they have in common.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::dice;
use super::super::refusal::{bad_parameter, too_many};
use super::Doing;
use super::operation::Shape;

/// What a call of the form `…?ids=` or `…/{id}` names.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// `ids`, where it was given.
    Bulk(Option<String>),
    Single(String),
}

impl Target {
    pub(crate) fn bulk(call: &Call) -> Self {
        Self::Bulk(call.parameter("ids").map(str::to_owned))
    }

    /// The ids, as sent.
    pub(crate) fn ids(&self) -> Vec<String> {
        match self {
            Self::Bulk(ids) => split(ids.as_deref()),
            Self::Single(id) => vec![id.clone()],
        }
    }

    pub(crate) const fn shape(&self) -> Shape {
        match self {
            Self::Bulk(_) => Shape::Many,
            Self::Single(_) => Shape::Single,
        }
    }
}

/// The status of an answer in which so many of all items are good.
pub(crate) fn status(good: usize, all: usize, doing: &Doing) -> u16 {
    match good {
        0 => 400,
        _ if good == all => 200,
        _ => doing.rules.mixed_status,
    }
}

/// An item that went well.
#[expect(clippy::needless_pass_by_value, reason = "callers write the details in place")]
pub(crate) fn success(message: &str, details: Value) -> Value {
    json!({"code": "SUCCESS", "details": details, "message": message, "status": "success"})
}

/// An item that did not.
#[expect(clippy::needless_pass_by_value, reason = "callers write the details in place")]
pub(crate) fn error(code: &str, message: &str, details: Value) -> Value {
    json!({"code": code, "details": details, "message": message, "status": "error"})
}

/// The details of a locked record (Zoho's newer `OpenAPI` files).
pub(crate) fn lock_details(id: &str) -> Value {
    json!({"action": "record_locking", "id": id})
}

/// What is said of a locked record by all calls but delete (the same files).
pub(crate) const LOCKED: &str = "Sorry, you cannot perform this operation as the record is locked.";

/// The ids of a comma list, as sent. The page prints its example with a space after the comma.
pub(crate) fn split(list: Option<&str>) -> Vec<String> {
    match list {
        Some(list) if !list.trim().is_empty() => {
            list.split(',').map(|id| id.trim().to_owned()).collect()
        }
        Some(_) | None => Vec::new(),
    }
}

/// Refuses a list of ids that is too long, or that names one twice: the later texts call the items
/// unique; what Zoho does otherwise is not said, so the strictest reading is simulated.
pub(crate) fn check(ids: &[String], limit: usize) -> Result<(), Answer> {
    if ids.len() > limit {
        return Err(too_many("ids", limit));
    }
    if !unique(ids) {
        return Err(bad_parameter("ids", "an id is given more than once"));
    }
    Ok(())
}

/// Whether none is given twice.
pub(crate) fn unique(ids: &[String]) -> bool {
    let mut seen = HashSet::new();
    ids.iter().all(|id| seen.insert(id.as_str()))
}

/// The position of the item that a fault refuses.
pub(crate) fn refused(doing: &Doing, count: usize) -> Option<usize> {
    doing.refuse.map(|bits| dice::position(bits, count))
}
