//! `PUT …/{module}/{id}/{related_list}` and `PUT …/{related_list}/{related_id}` (Update Related
//! Records page, OAS `related_records.json`).

use serde_json::{Map, Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::control::MEMBER_STATUS;
use super::super::refusal::not_authorized;
use super::super::state::{Beside, Link, List, World};
use super::operation::{Doing, Operation, Shape};
use super::related::Place;
use super::{body, items, read_id};

/// The most records in a call (Update Related Records page).
const LIMIT: usize = 100;

/// A call that puts records on a related list, or changes what their links carry.
#[derive(Debug)]
pub(crate) struct PutLinks {
    place: Place,
    /// The related record named by path.
    single: Option<String>,
    body: Result<Map<String, Value>, Answer>,
}

impl PutLinks {
    pub(crate) fn new(place: Place, single: Option<String>, call: &Call) -> Self {
        let nothing_needed = single.is_some() && call.body.is_empty();
        let body = if nothing_needed { Ok(Map::new()) } else { body::object(call) };
        Self { place, single, body }
    }

    /// The record, its list and what is to be linked, or the error for the call as a whole.
    fn check(&self, world: &World) -> Result<(u64, List, Vec<Value>), Answer> {
        let (parent, list) = self.place.find(world)?;
        if matches!(list, List::Children(_)) {
            let message = "the relation does not support linking";
            return Err(Answer::error(400, "NOT_SUPPORTED", message, json!({})));
        }
        if world.module(&self.place.module).is_some_and(|module| !module.deletable) {
            return Err(not_authorized("update related records data"));
        }
        let body = self.body.as_ref().map_err(Clone::clone)?;
        if let Some(id) = &self.single {
            let mut row = match body.get("data").and_then(|data| data.get(0)) {
                Some(Value::Object(row)) => row.clone(),
                Some(_) | None => Map::new(),
            };
            row.insert("id".to_owned(), json!(id));
            return Ok((parent, list, vec![Value::Object(row)]));
        }
        let rows = body::list(body, "$.data")?;
        if rows.is_empty() {
            return Err(body::missing("$.data"));
        }
        if rows.len() > LIMIT {
            return Err(body::too_long("$.data", LIMIT));
        }
        Ok((parent, list, rows.clone()))
    }
}

/// What one row asks for; an error points to the row and may not name its id.
fn read_row(
    world: &World,
    (parent, list): (u64, List),
    (index, row): (usize, &Value),
) -> Result<(u64, Link), Value> {
    let at = |key: &str| format!("$.data[{index}].{key}");
    let details = |key: &str| json!({"api_name": key, "json_path": at(key)});
    let Some(given) = row.get("id").filter(|id| !id.is_null()) else {
        return Err(items::error("MANDATORY_NOT_FOUND", body::MISSING, details("id")));
    };
    let id = body::as_id(given).unwrap_or_default();
    let module = list.shows().and_then(|module| world.module(module));
    let id = read_id(&id).filter(|id| module.is_some_and(|module| module.live(*id).is_some()));
    let Some(id) = id else {
        let message = "the related id given seems to be invalid";
        return Err(items::error("INVALID_DATA", message, details("id")));
    };
    let beside = match list.beside() {
        Beside::Nothing => Value::Null,
        Beside::MemberStatus => match row.get("Member_Status") {
            Some(status) if status.is_string() => status.clone(),
            Some(_) => {
                let details = json!({
                    "api_name": "Member_Status",
                    "expected_data_type": "string",
                    "json_path": at("Member_Status"),
                });
                return Err(items::error("INVALID_DATA", "invalid data", details));
            }
            // A link that is there keeps what it carries; a new one begins as every other.
            None => world
                .link_of(list, parent, id)
                .map_or_else(|| json!(MEMBER_STATUS), |link| link.beside.clone()),
        },
        Beside::ListPrice => {
            let price = row.get("list_price").filter(|price| price.is_number());
            price.cloned().ok_or_else(|| {
                items::error("MANDATORY_NOT_FOUND", body::MISSING, details("list_price"))
            })?
        }
    };
    Ok((id, Link { beside }))
}

impl Operation for PutLinks {
    fn module(&self) -> &str {
        &self.place.module
    }

    fn ids(&self) -> Vec<String> {
        if let Some(id) = &self.single {
            return vec![id.clone()];
        }
        body::ids_of_objects(self.body.as_ref().ok().and_then(|body| body.get("data")))
    }

    fn shape(&self) -> Shape {
        if self.single.is_some() { Shape::Single } else { Shape::Many }
    }

    fn permissions(&self) -> (&'static str, Vec<String>) {
        let permission = format!("Crm_Implied_Edit_{}", self.place.module);
        ("Permission denied to update records", vec![permission])
    }

    fn carry_out(&self, world: &mut World, doing: Doing) -> (Answer, usize) {
        let (parent, list, rows) = match self.check(world) {
            Ok(checked) => checked,
            Err(error) => return (error, 0),
        };
        let refused = items::refused(&doing, rows.len());
        let (mut good, mut new) = (0, 0);
        let mut results = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let item = match read_row(world, (parent, list), (index, row)) {
                Ok((id, _)) if refused == Some(index) => {
                    let details = items::lock_details(&id.to_string());
                    items::error("RECORD_LOCKED", items::LOCKED, details)
                }
                Ok((id, link)) => {
                    good += 1;
                    new += usize::from(world.link(list, (parent, id), link, doing.hand()));
                    items::success("relation added", json!({"id": id.to_string()}))
                }
                Err(item) => item,
            };
            results.push(item);
        }
        (Answer::items(items::status(good, rows.len(), &doing), "data", results), new)
    }
}
