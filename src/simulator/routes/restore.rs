//! `POST settings/recycle_bin/actions/restore` and `…/recycle_bin/{id}/actions/restore` (CRM v8).
//!
//! Restore pages of CRM v8, OAS `recycle_bin.yaml`; `CANNOT_RESTORE_WITHOUT_PARENT` is in OAS
//! `recycle_bin.json`. What they leave open: ids are taken one after the other, so a parent counts
//! for the children that are named after it, and a child that came back with its parent is no
//! longer in the bin when its own turn comes.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::refusal::bad_parameter;
use super::super::state::{Restoring, World};
use super::operation::{Doing, Operation, Shape};
use super::{body, items, read_id};

/// The most ids in a call (OAS `recycle_bin.yaml`).
const LIMIT: usize = 200;

/// What may say which records are meant; exactly one of them does.
const WAYS: [&str; 3] = ["ids", "filters", "restore_all_records"];

/// A call that brings records back from the recycle bin.
#[derive(Debug)]
pub(crate) enum Restore {
    /// The record named by path, which wins over any body.
    One(String),
    Many(Result<Map<String, Value>, Answer>),
}

/// Which records are meant.
enum Meant {
    Ids(Vec<String>),
    All,
}

/// What becomes of one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Restored,
    Scheduled,
    NotInBin,
    WithoutParent,
    Locked,
}

impl Fate {
    const fn is_good(self) -> bool {
        matches!(self, Self::Restored | Self::Scheduled)
    }
}

impl Restore {
    pub(crate) fn one(id: &str) -> Self {
        Self::One(id.to_owned())
    }

    pub(crate) fn many(call: &Call) -> Self {
        Self::Many(body::object(call))
    }

    /// Which records are meant, or the error for the call as a whole.
    fn meant(&self) -> Result<Meant, Answer> {
        let body = match self {
            Self::One(id) => return Ok(Meant::Ids(vec![id.clone()])),
            Self::Many(body) => body.as_ref().map_err(Clone::clone)?,
        };
        let given: Vec<&str> = WAYS
            .into_iter()
            .filter(|way| body.get(*way).is_some_and(|value| !value.is_null()))
            .collect();
        match given.as_slice() {
            [] => Err(nothing_named()),
            ["ids"] => ids_of(body).map(Meant::Ids),
            // Ignoring a filter would bring back what was not asked for.
            ["filters"] => Err(bad_parameter("filters", "filters are not simulated")),
            [only] => match body.get(*only) {
                Some(Value::Bool(true)) => Ok(Meant::All),
                Some(Value::Bool(false)) => Err(nothing_named()),
                Some(_) | None => Err(body::wrong_type("$.restore_all_records", "boolean")),
            },
            several => Err(ambiguous(several)),
        }
    }

    fn item(&self, id: &str, fate: Fate) -> Value {
        let details = json!({"id": id});
        match fate {
            // OAS `recycle_bin.yaml` has other words for one record.
            Fate::Restored if matches!(self, Self::One(_)) => items::success("Restored", details),
            Fate::Restored => items::success("record restored", details),
            Fate::Scheduled => scheduled("record has been scheduled for restoration", details),
            Fate::NotInBin => {
                items::error("INVALID_DATA", "the id given seems to be invalid", details)
            }
            Fate::WithoutParent => {
                let message = "the record cannot be restored without its parent record";
                items::error("CANNOT_RESTORE_WITHOUT_PARENT", message, details)
            }
            Fate::Locked => items::error("RECORD_LOCKED", items::LOCKED, items::lock_details(id)),
        }
    }
}

/// `SCHEDULED`, whose `status` is a success. No job's id is told.
#[expect(clippy::needless_pass_by_value, reason = "callers write the details in place")]
fn scheduled(message: &str, details: Value) -> Value {
    json!({"code": "SCHEDULED", "details": details, "message": message, "status": "success"})
}

/// 400: none of the ways was taken.
fn nothing_named() -> Answer {
    body::one_of(&WAYS.map(|way| format!("$.{way}")))
}

/// 400: more than one of them was.
fn ambiguous(given: &[&str]) -> Answer {
    let due_to: Vec<Value> =
        given.iter().map(|way| json!({"api_name": way, "json_path": format!("$.{way}")})).collect();
    let details = json!({"ambiguity_due_to": due_to});
    Answer::error(400, "AMBIGUITY_DURING_PROCESSING", "Ambiguity during processing", details)
}

fn ids_of(body: &Map<String, Value>) -> Result<Vec<String>, Answer> {
    let listed = body::list(body, "$.ids")?;
    if listed.is_empty() {
        return Err(body::missing("$.ids"));
    }
    if listed.len() > LIMIT {
        return Err(body::too_long("$.ids", LIMIT));
    }
    if let Some(index) = listed.iter().position(|id| body::as_id(id).is_none()) {
        return Err(body::wrong_type(&format!("$.ids[{index}]"), "string"));
    }
    let ids = body::ids(Some(&Value::Array(listed.clone())));
    if !items::unique(&ids) {
        return Err(body::invalid("$.ids", "an id is given more than once"));
    }
    Ok(ids)
}

/// Brings everything back, later.
fn restore_all(world: &mut World, doing: &Doing) -> Answer {
    let ids = world.modules().flat_map(|module| module.binned().map(|(id, _)| id)).collect();
    let ids = parents_first(world, ids);
    let due_ms = doing.at_ms.saturating_add(doing.rules.restore_scheduled_ms);
    world.schedule_restore(ids, doing.request, due_ms);
    // The same words as for filters (OAS `recycle_bin.yaml`).
    let message = "Bulk restoration of records based on filters has been scheduled";
    Answer::items(202, "recycle_bin", vec![scheduled(message, json!({}))])
}

/// Children need their parents; how deep they lie tells who is first.
fn parents_first(world: &World, mut ids: Vec<u64>) -> Vec<u64> {
    ids.sort_by_cached_key(|id| {
        std::iter::successors(Some(*id), |id| world.parent_of(*id)).count()
    });
    ids
}

/// What becomes of one id when all are restored at once.
fn at_once(world: &mut World, id: Option<u64>, doing: &Doing) -> Fate {
    match id.map(|id| world.restore(id, doing.hand())) {
        Some(Restoring::Done) => Fate::Restored,
        Some(Restoring::WithoutParent) => Fate::WithoutParent,
        Some(Restoring::NotInBin) | None => Fate::NotInBin,
    }
}

/// What becomes of one id when those that can be restored are restored later; `coming` are those
/// that are scheduled by then.
fn later(world: &World, id: Option<u64>, coming: &mut HashSet<u64>) -> Fate {
    let Some(id) = id.filter(|id| world.in_bin(*id).is_some()) else {
        return Fate::NotInBin;
    };
    let parent = world.parent_of(id).filter(|_| world.lacks_parent(id));
    if parent.is_some_and(|parent| !coming.contains(&parent)) {
        return Fate::WithoutParent;
    }
    coming.extend(world.comes_back(id));
    Fate::Scheduled
}

impl Operation for Restore {
    fn module(&self) -> &'static str {
        ""
    }

    fn ids(&self) -> Vec<String> {
        match self {
            Self::One(id) => vec![id.clone()],
            Self::Many(body) => body::ids(body.as_ref().ok().and_then(|body| body.get("ids"))),
        }
    }

    /// Zoho's texts show no 500 within the envelope, not even for one record.
    fn shape(&self) -> Shape {
        Shape::Many
    }

    /// No text names the permission: it is called as the others are.
    fn permissions(&self) -> (&'static str, Vec<String>) {
        ("Permission denied to restore records", vec!["Crm_Implied_Restore_Records".to_owned()])
    }

    fn carry_out(&self, world: &mut World, doing: Doing) -> (Answer, usize) {
        let ids = match self.meant() {
            Ok(Meant::Ids(ids)) => ids,
            Ok(Meant::All) => return (restore_all(world, &doing), 0),
            Err(error) => return (error, 0),
        };
        let weight = world.weight(ids.iter().filter_map(|id| read_id(id)));
        let is_later = weight > doing.rules.restore_at_once;
        let refused = items::refused(&doing, ids.len());
        let mut coming = HashSet::new();
        let mut fates = Vec::with_capacity(ids.len());
        for (index, id) in ids.iter().enumerate() {
            fates.push(if refused == Some(index) {
                Fate::Locked
            } else if is_later {
                later(world, read_id(id), &mut coming)
            } else {
                at_once(world, read_id(id), &doing)
            });
        }
        let good = fates.iter().filter(|fate| fate.is_good()).count();
        if is_later && good > 0 {
            let scheduled = ids.iter().zip(&fates).filter(|(_, fate)| fate.is_good());
            let scheduled = scheduled.filter_map(|(id, _)| read_id(id)).collect();
            let due_ms = doing.at_ms.saturating_add(doing.rules.restore_scheduled_ms);
            world.schedule_restore(scheduled, doing.request, due_ms);
        }
        let status = match items::status(good, fates.len(), &doing) {
            200 if is_later && good == fates.len() => 202,
            other => other,
        };
        let items = ids.iter().zip(&fates).map(|(id, fate)| self.item(id, *fate)).collect();
        let answer = Answer::items(status, "recycle_bin", items);
        (answer, if is_later { 0 } else { good })
    }
}
