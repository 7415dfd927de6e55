//! `GET /crm/{v6…v8}/settings/recycle_bin` (Get Recycle Bin page, OAS `recycle_bin.json`).

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::refusal::bad_parameter;
use super::super::state::{Actor, Gone, Module, World};
use super::super::time::zoho_time;
use super::deleted::user;
use super::page::PageAsked;
use super::read_id;
use super::records::ids_asked;

/// What lies in the bin, all of it or of these ids; 204 when nothing does.
pub(crate) fn list(world: &World, call: &Call) -> Result<Answer, Answer> {
    let page = PageAsked::read(call)?;
    let row = |(module, id, gone): (&Module, u64, Gone)| as_json(world, module, id, gone);
    if let Some(ids) = call.parameter("ids") {
        let entries = ids_asked(ids)?.into_iter().filter_map(|id| entry(world, id));
        return Ok(page.answer(entries, "recycle_bin", row));
    }
    if call.parameter("filters").is_some() {
        // Ignoring a filter would show what was not asked for.
        return Err(bad_parameter("filters", "filters are not simulated"));
    }
    let entries = world
        .modules()
        .flat_map(|module| module.binned().map(move |(id, gone)| (module, id, gone)));
    Ok(page.answer(entries, "recycle_bin", row))
}

/// One entry; 204 when the record is not in the bin.
pub(crate) fn one(world: &World, id: &str) -> Answer {
    match read_id(id).and_then(|id| entry(world, id)) {
        None => Answer::nothing(),
        Some((module, id, gone)) => {
            let entry = as_json(world, module, id, gone);
            Answer::json(200, json!({"recycle_bin": [entry]}))
        }
    }
}

fn entry(world: &World, id: u64) -> Option<(&Module, u64, Gone)> {
    world.modules().find_map(|module| {
        let gone = module.record(id)?.in_bin()?;
        Some((module, id, gone))
    })
}

fn as_json(world: &World, module: &Module, id: u64, gone: Gone) -> Value {
    json!({
        "display_name": world.name_of(id),
        "deleted_time": zoho_time(gone.at_ms),
        "owner": user(world, Actor::TokenUser),
        "module": {"api_name": module.api_name, "id": module.id.to_string()},
        "deleted_by": user(world, gone.by),
        "id": id.to_string(),
    })
}
