//! Reading records: by path, by ids, page by page, and counting them (Get Records page, OAS
//! record.json and `record_count.json`).

use serde_json::{Map, Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::refusal::{bad_parameter, invalid_path_id, missing_parameter, too_many};
use super::super::state::{Actor, Mark, Module, Record, World};
use super::super::time::zoho_time;
use super::fields::name_field;
use super::page::PageAsked;
use super::page_token::Begin;
use super::tags::tag_json;
use super::{Api, find_module, read_id};

/// The most field names in a call (Get Records page).
const FIELDS: usize = 50;
/// Zoho states no most for `ids` on a read; the usual figure is simulated.
const IDS: usize = 100;

/// `GET {module}`.
pub(crate) fn list(
    world: &World,
    call: &Call,
    api: Api,
    module: &str,
    now: i64,
) -> Result<Answer, Answer> {
    let module = find_module(world, api, module)?;
    let fields = fields(call, api)?;
    let begin = Begin::read(call, api.page_tokens, now)?;
    let converted = call.parameter("converted").unwrap_or("false");
    if !["true", "false", "both"].contains(&converted.to_ascii_lowercase().as_str()) {
        return Err(bad_parameter("converted", "invalid data"));
    }
    let wanted = |record: &Record| {
        record.is_live()
            && (converted.eq_ignore_ascii_case("both")
                || record.has(Mark::Converted) == converted.eq_ignore_ascii_case("true"))
    };
    let row = |id: u64| as_json(world, api, module, id, fields.as_deref());
    if let Some(ids) = call.parameter("ids") {
        let records = ids_asked(ids)?
            .into_iter()
            .filter_map(|id| Some((id, module.record(id)?)))
            .filter(|(_, record)| wanted(record));
        return Ok(PageAsked::read(call)?.answer(records, "data", |(id, _)| row(id)));
    }
    if !api.page_tokens {
        let records = module.newest_first().filter(|(_, record)| wanted(record));
        return Ok(PageAsked::read(call)?.answer(records, "data", |(id, _)| row(id)));
    }
    Ok(begin.answer((module, call, now), wanted, row))
}

/// `GET {module}/{id}`: all fields; 204 for what cannot be read (Status Codes page).
pub(crate) fn one(world: &World, api: Api, module: &str, id: &str) -> Result<Answer, Answer> {
    let module = find_module(world, api, module)?;
    let Some(id) = read_id(id) else {
        return Err(invalid_path_id("the id given seems to be invalid", 1));
    };
    if module.live(id).is_none() {
        return Ok(Answer::nothing());
    }
    let record = as_json(world, api, module, id, None);
    Ok(Answer::json(200, json!({"data": [record]})))
}

/// `GET {module}/actions/count`.
pub(crate) fn count(world: &World, api: Api, module: &str) -> Result<Answer, Answer> {
    let live = find_module(world, api, module)?
        .newest_first()
        .filter(|(_, record)| record.is_live())
        .count();
    Ok(Answer::json(200, json!({"count": live})))
}

/// The ids of a read.
pub(crate) fn ids_asked(ids: &str) -> Result<Vec<u64>, Answer> {
    let ids: Vec<&str> = ids.split(',').map(str::trim).collect();
    if ids.len() > IDS {
        return Err(too_many("ids", IDS));
    }
    ids.into_iter()
        .map(|id| read_id(id).ok_or_else(|| bad_parameter("ids", "invalid data")))
        .collect()
}

/// The fields asked for; from v3 on they must be named (Get Records page).
pub(crate) fn fields(call: &Call, api: Api) -> Result<Option<Vec<String>>, Answer> {
    let asked = call.parameter("fields").filter(|text| !text.is_empty());
    let Some(asked) = asked else {
        return if api.fields_wanted { Err(missing_parameter("fields")) } else { Ok(None) };
    };
    let names: Vec<String> = asked.split(',').map(|name| name.trim().to_owned()).collect();
    if names.len() > FIELDS {
        return Err(too_many("fields", FIELDS));
    }
    Ok(Some(names))
}

/// A record with the fields asked for, its id always among them; unknown names are left out.
pub(crate) fn as_json(
    world: &World,
    api: Api,
    module: &Module,
    id: u64,
    fields: Option<&[String]>,
) -> Value {
    let Some(record) = module.record(id) else {
        return Value::Null;
    };
    let tags: Vec<Value> =
        record.tags.iter().filter_map(|tag| tag_json(world, api, *tag)).collect();
    let owner = world
        .user(Actor::TokenUser)
        .map_or(Value::Null, |(id, name)| json!({"name": name, "id": id.to_string()}));
    let approved = !record.has(Mark::Unapproved);
    let all = [
        ("Created_Time", json!(zoho_time(record.created_ms))),
        ("Modified_Time", json!(zoho_time(record.modified_ms))),
        ("Owner", owner),
        ("Tag", json!(tags)),
        (name_field(module), json!(world.name_of(id))),
        ("Locked__s", json!(record.has(Mark::Locked))),
        ("Record_Status__s", json!("Available")),
        ("$approval_state", json!(if approved { "approved" } else { "pending" })),
        ("$converted", json!(record.has(Mark::Converted))),
    ];
    let mut shown = Map::from_iter([("id".to_owned(), json!(id.to_string()))]);
    for (name, value) in all {
        if fields.is_none_or(|fields| fields.iter().any(|field| field == name)) {
            shown.insert(name.to_owned(), value);
        }
    }
    Value::Object(shown)
}
