//! `GET …/{module}/{id}/{related_list}` and `GET …/{related_list}/{related_id}` (Get Related Records
//! page, OAS `related_records.json`).

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::refusal::{invalid_path_id, wrong_format};
use super::super::state::{Beside, List, World, find_list};
use super::page::PageAsked;
use super::records::{self, ids_asked};
use super::{Api, find_module, read_id};

/// A related list of one record, as a path names it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) api: Api,
    pub(crate) module: String,
    pub(crate) parent: String,
    pub(crate) list: String,
}

impl Place {
    /// The record and its list, or the error for the call as a whole.
    pub(crate) fn find(&self, world: &World) -> Result<(u64, List), Answer> {
        let module = find_module(world, self.api, &self.module)?;
        let parent = read_id(&self.parent).ok_or_else(wrong_format)?;
        let list = find_list(&self.module, &self.list, Some(self.api))
            .ok_or_else(|| invalid_path_id("The relation name given seems to be invalid", 2))?;
        if module.live(parent).is_none() {
            // Zoho's newer `OpenAPI` files.
            let message = "The record does not exist";
            return Err(Answer::error(404, "INVALID_DATA", message, json!({})));
        }
        Ok((parent, list))
    }
}

/// What a list shows, all of it or of these ids; 204 when that is nothing.
pub(crate) fn list(
    world: &World,
    call: &Call,
    place: &Place,
    only: Option<&str>,
) -> Result<Answer, Answer> {
    let (parent, list) = place.find(world)?;
    let fields = records::fields(call, place.api)?;
    let page = PageAsked::read(call)?;
    let only = match only {
        Some(id) => Some(vec![read_id(id).ok_or_else(wrong_format)?]),
        None => call.parameter("ids").map(ids_asked).transpose()?,
    };
    let mut shown = world.listed(list, parent);
    shown.retain(|id| only.as_ref().is_none_or(|only| only.contains(id)));
    let row = |id: u64| row(world, place.api, (list, parent), id, fields.as_deref());
    Ok(page.answer(shown.into_iter(), "data", row))
}

/// A related record, with what its link carries.
fn row(
    world: &World,
    api: Api,
    (list, parent): (List, u64),
    id: u64,
    fields: Option<&[String]>,
) -> Value {
    let Some(module) = list.shows().and_then(|module| world.module(module)) else {
        return json!({"id": id.to_string()});
    };
    let mut row = records::as_json(world, api, module, id, fields);
    let beside = match list.beside() {
        Beside::Nothing => None,
        Beside::MemberStatus => Some("Member_Status"),
        Beside::ListPrice => Some("list_price"),
    };
    let asked = |name: &str| fields.is_none_or(|fields| fields.iter().any(|field| field == name));
    let link = world.link_of(list, parent, id);
    if let (Some(name), Some(link), Some(row)) =
        (beside.filter(|name| asked(name)), link, row.as_object_mut())
    {
        row.insert(name.to_owned(), link.beside.clone());
    }
    row
}
