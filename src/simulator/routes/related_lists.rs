//! `GET …/settings/related_lists` (Related Lists Metadata page, OAS `related_lists.json`).

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::state::{List, Module, World, lists_of};
use super::{Api, asked_module};

/// The numbers of a module's related lists begin behind those of its fields.
const BEHIND_FIELDS: u64 = 1000;

/// The related lists of a module.
pub(crate) fn list(world: &World, call: &Call, api: Api) -> Result<Answer, Answer> {
    let module = asked_module(world, call, api, "param")?;
    let rows: Vec<Value> = (1_u64..)
        .zip(lists_of(&module.api_name, Some(api)))
        .map(|(number, list)| as_json(world, module, number, list))
        .collect();
    Ok(Answer::json(200, json!({"related_lists": rows})))
}

fn as_json(world: &World, module: &Module, number: u64, list: List) -> Value {
    let other = list.shows().and_then(|module| world.module(module));
    let named =
        other.map(|module| json!({"api_name": module.api_name, "id": module.id.to_string()}));
    let label = list.name().trim_end_matches("__c").trim_end_matches("__s");
    json!({
        "id": module.part_id(BEHIND_FIELDS + number).to_string(),
        "sequence_number": number.to_string(),
        "display_label": label.replace('_', " "),
        "api_name": list.name(),
        "module": named,
        "name": label,
        "action": null,
        "href": format!("{}/{{ENTITYID}}/{}", module.api_name, list.name()),
        "type": "default",
        "connectedmodule": other.map(|module| module.api_name.clone()),
        "linkingmodule": null,
        "customize_sort": false,
        "customize_fields": false,
        "customize_display_label": true,
        "status": "visible",
    })
}
