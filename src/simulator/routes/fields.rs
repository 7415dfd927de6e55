//! `GET …/settings/fields` (Fields Metadata page, OAS fields.json). Zoho's SDKs ask for it before
//! they read the first record of a module.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::refusal::bad_parameter;
use super::super::state::{Module, World};
use super::{Api, asked_module};

/// The fields that all records have: API name, data type, JSON type. What begins with `$` is no
/// field of the metadata.
const FIELDS: [(&str, &str, &str); 7] = [
    ("Created_Time", "datetime", "string"),
    ("Modified_Time", "datetime", "string"),
    ("Owner", "ownerlookup", "jsonobject"),
    ("Tag", "text", "jsonarray"),
    ("Locked__s", "boolean", "boolean"),
    ("Record_Status__s", "picklist", "string"),
    ("id", "bigint", "string"),
];

/// The field that holds a record's name.
pub(crate) fn name_field(module: &Module) -> &'static str {
    match module.api_name.as_str() {
        "Leads" | "Contacts" => "Full_Name",
        "Accounts" => "Account_Name",
        "Deals" | "Pipelines" => "Deal_Name",
        "Products" => "Product_Name",
        "Campaigns" => "Campaign_Name",
        "Vendors" => "Vendor_Name",
        "Tasks" | "Cases" | "Quotes" | "Invoices" => "Subject",
        _ => "Name",
    }
}

/// The fields of a module, or 204 when those are asked for that nothing uses.
pub(crate) fn list(world: &World, call: &Call, api: Api) -> Result<Answer, Answer> {
    let module = asked_module(world, call, api, "api_name")?;
    match call.parameter("type").unwrap_or("all") {
        "all" | "used" => {}
        "unused" => return Ok(Answer::nothing()),
        _ => return Err(bad_parameter("type", "invalid data")),
    }
    let all = std::iter::once((name_field(module), "text", "string")).chain(FIELDS);
    let fields: Vec<Value> = (1_u64..).zip(all).map(|row| as_json(module, row)).collect();
    Ok(Answer::json(200, json!({"fields": fields})))
}

fn as_json(
    module: &Module,
    (number, (name, data_type, json_type)): (u64, (&str, &str, &str)),
) -> Value {
    let label = name.trim_end_matches("__s").replace('_', " ");
    json!({
        "id": module.part_id(number).to_string(),
        "api_name": name,
        "display_label": label,
        "field_label": label,
        "data_type": data_type,
        "json_type": json_type,
        "system_mandatory": false,
        "custom_field": false,
        "read_only": !matches!(name, "Owner" | "Tag"),
        "visible": true,
        "virtual_field": false,
        "type": "used",
    })
}
