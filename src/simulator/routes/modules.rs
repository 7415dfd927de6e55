//! `GET …/settings/modules` (Modules Metadata page, OAS modules.json).

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::refusal::unknown_module;
use super::super::state::{Module, World};
use super::Api;

/// All modules.
pub(crate) fn list(world: &World, api: Api) -> Answer {
    let served = world.modules().filter(|module| api.serves(&module.api_name));
    let modules: Vec<Value> = served.map(as_json).collect();
    Answer::json(200, json!({"modules": modules}))
}

/// One module by API name; those that the API does not serve have metadata all the same.
pub(crate) fn one(world: &World, api: Api, name: &str) -> Result<Answer, Answer> {
    let module =
        world.module(name).filter(|_| api.serves(name)).ok_or_else(|| unknown_module(json!({})))?;
    Ok(Answer::json(200, json!({"modules": [as_json(module)]})))
}

fn as_json(module: &Module) -> Value {
    let label = module.api_name.trim_end_matches("__c").replace('_', " ");
    json!({
        "id": module.id.to_string(),
        "api_name": module.api_name,
        "module_name": module.api_name,
        "singular_label": label.trim_end_matches('s'),
        "plural_label": label,
        "api_supported": module.api_supported,
        "deletable": module.deletable,
        "creatable": true,
        "editable": true,
        "viewable": true,
        "visible": true,
        "recycle_bin_on_delete": module.bin,
        "generated_type": if module.custom { "custom" } else { "default" },
        "status": "visible",
    })
}
