//! `…/settings/tags`: the definitions of tags (Get, Create and Delete Tags pages, OAS tags.json).

use serde_json::{Map, Value, json};

use super::super::answer::{Answer, Content};
use super::super::call::Call;
use super::super::dialect::Envelope;
use super::super::refusal::{invalid_path_id, not_authorized, unknown_module, unsupported_module};
use super::super::state::{Actor, COLORS, MOST_TAGS, Module, NAME, Tag, World, is_tag_name};
use super::super::time::zoho_time;
use super::deleted::user;
use super::operation::{Doing, Operation, Shape};
use super::{Api, body, items, read_id};

/// A tag as records show it: an object in CRM, its name in Bigin (Remove Tags pages).
pub(crate) fn tag_json(world: &World, api: Api, id: u64) -> Option<Value> {
    let tag = world.tag(id)?;
    Some(if api.is_bigin() {
        json!(tag.name)
    } else {
        json!({"name": tag.name, "id": tag.id.to_string(), "color_code": tag.color})
    })
}

/// `GET settings/tags?module=`.
pub(crate) fn list(world: &World, call: &Call, api: Api) -> Result<Answer, Answer> {
    let module = module_asked(world, call.parameter("module"), api)?;
    let mine = call.parameter("my_tags") == Some("true");
    let ours = |tag: &&Tag| !mine || tag.created_by == Actor::TokenUser;
    let tags: Vec<Value> = world
        .tags_of_module(module)
        .filter(ours)
        .map(|tag| {
            let mut row = facts(world, tag);
            row.insert("name".to_owned(), json!(tag.name));
            Value::Object(row)
        })
        .collect();
    let info = json!({"count": tags.len(), "allowed_count": MOST_TAGS});
    Ok(Answer::json(200, json!({"tags": tags, "info": info})))
}

/// `GET settings/tags/{id}/actions/records_count?module=`; the count is a text.
pub(crate) fn records_count(
    world: &World,
    call: &Call,
    api: Api,
    id: &str,
) -> Result<Answer, Answer> {
    let module = module_asked(world, call.parameter("module"), api)?;
    let tag = read_id(id)
        .and_then(|id| world.tag(id))
        .filter(|tag| tag.module == module)
        .ok_or_else(|| invalid_path_id(NOT_FOUND, 2))?;
    let records = world.module(module).into_iter().flat_map(Module::newest_first);
    let carriers =
        records.filter(|(_, record)| record.is_live() && record.tags.contains(&tag.id)).count();
    Ok(Answer::json(200, json!({"count": carriers.to_string()})))
}

const NOT_FOUND: &str = "tags not found";

/// The `module` of a call, checked.
fn module_asked<'a>(world: &World, module: Option<&'a str>, api: Api) -> Result<&'a str, Answer> {
    let Some(name) = module.filter(|name| !name.is_empty()) else {
        let message = "One of the expected parameter is missing";
        let details = json!({"param": "module"});
        return Err(Answer::error(400, "REQUIRED_PARAM_MISSING", message, details));
    };
    let Some(module) = world.module(name).filter(|_| api.serves(name)) else {
        return Err(unknown_module(json!({})));
    };
    if module.api_supported { Ok(name) } else { Err(unsupported_module()) }
}

/// What is told of a tag besides its name.
fn facts(world: &World, tag: &Tag) -> Map<String, Value> {
    let by = user(world, tag.created_by);
    let at = json!(zoho_time(tag.created_ms));
    [
        ("id", json!(tag.id.to_string())),
        ("color_code", json!(tag.color)),
        ("created_time", at.clone()),
        ("modified_time", at),
        ("created_by", by.clone()),
        ("modified_by", by),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// The details of what is wrong with a tag's name, if anything is.
pub(crate) fn wrong_name(name: &str, path: &str) -> Option<Value> {
    if name.chars().count() > NAME {
        return Some(json!({"api_name": "name", "maximum_length": NAME, "json_path": path}));
    }
    (!is_tag_name(name)).then(|| json!({"api_name": "name", "json_path": path}))
}

/// The colour that a tag is given, if it is one.
pub(crate) fn color(tag: &Map<String, Value>, path: &str) -> Result<Option<&'static str>, Answer> {
    let asked = tag.get("color_code").filter(|color| !color.is_null());
    let Some(asked) = asked else {
        return Ok(None);
    };
    let known = COLORS.into_iter().find(|color| asked.as_str() == Some(color));
    known.map(Some).ok_or_else(|| body::invalid(&format!("{path}.color_code"), "invalid data"))
}

/// 400: a module has no room for so many tags (Create Tags page).
pub(crate) fn no_room() -> Answer {
    let message = format!("only {MOST_TAGS} tags are allowed in a module");
    Answer::error(400, "LIMIT_EXCEEDED", &message, json!({"limit": MOST_TAGS.to_string()}))
}

/// `POST settings/tags?module=`.
#[derive(Debug)]
pub(crate) struct MakeTags {
    api: Api,
    module: String,
    body: Result<Map<String, Value>, Answer>,
}

impl MakeTags {
    pub(crate) fn new(api: Api, call: &Call) -> Self {
        let module = call.parameter("module").unwrap_or_default().to_owned();
        Self { api, module, body: body::object(call) }
    }

    /// The names and colours that are asked for, or the error for the call as a whole.
    fn asked(&self, world: &World) -> Result<Vec<(String, Option<&'static str>)>, Answer> {
        module_asked(world, Some(&self.module), self.api)?;
        let body = self.body.as_ref().map_err(Clone::clone)?;
        let tags = body::list(body, "$.tags")?;
        if tags.is_empty() {
            return Err(body::missing("$.tags"));
        }
        let read = |(index, tag): (usize, &Value)| {
            let path = format!("$.tags[{index}]");
            let tag = body::as_object(tag, &path)?;
            let name = body::text(tag, &format!("{path}.name"))?;
            Ok((name.to_owned(), color(tag, &path)?))
        };
        tags.iter().enumerate().map(read).collect()
    }

    fn make(
        &self,
        world: &mut World,
        (index, name): (usize, &str),
        color: Option<&'static str>,
        doing: &Doing,
    ) -> Result<Value, Value> {
        if let Some(details) = wrong_name(name, &format!("$.tags[{index}].name")) {
            return Err(items::error("INVALID_DATA", "invalid data", details));
        }
        if let Some(tag) = world.tag_named(&self.module, name) {
            let details = json!({"api_name": "name", "id": tag.id.to_string()});
            return Err(items::error("DUPLICATE_DATA", "duplicate data", details));
        }
        let id = world.make_tag(&self.module, name, color, doing.hand());
        let details = world.tag(id).map(|tag| facts(world, tag)).unwrap_or_default();
        Ok(items::success("tags created successfully", Value::Object(details)))
    }
}

impl Operation for MakeTags {
    fn module(&self) -> &str {
        &self.module
    }

    fn ids(&self) -> Vec<String> {
        Vec::new()
    }

    fn shape(&self) -> Shape {
        Shape::Many
    }

    fn permissions(&self) -> (&'static str, Vec<String>) {
        ("Permission denied to create tags", vec!["Crm_Implied_Edit_Tags".to_owned()])
    }

    fn carry_out(&self, world: &mut World, doing: Doing) -> (Answer, usize) {
        let asked = match self.asked(world) {
            Ok(asked) => asked,
            Err(error) => return (error, 0),
        };
        let new = asked.iter().filter(|(name, _)| world.tag_named(&self.module, name).is_none());
        if world.tags_of_module(&self.module).count() + new.count() > MOST_TAGS {
            return (no_room(), 0);
        }
        let refused = items::refused(&doing, asked.len());
        let results: Vec<Result<Value, Value>> = asked
            .iter()
            .enumerate()
            .map(|(index, (name, color))| {
                if refused == Some(index) {
                    let details = json!({"api_name": "name"});
                    return Err(items::error("RECORD_LOCKED", items::LOCKED, details));
                }
                self.make(world, (index, name), *color, &doing)
            })
            .collect();
        let made = results.iter().filter(|result| result.is_ok()).count();
        let status = match items::status(made, results.len(), &doing) {
            // All of them: 201 (OAS tags.json).
            200 if made == results.len() => 201,
            other => other,
        };
        let items = results.into_iter().map(|result| result.unwrap_or_else(|item| item)).collect();
        (Answer::items(status, "tags", items), made)
    }
}

/// `DELETE settings/tags/{id}`.
#[derive(Debug)]
pub(crate) struct DeleteTag {
    api: Api,
    id: String,
}

impl DeleteTag {
    pub(crate) fn new(api: Api, id: &str) -> Self {
        Self { api, id: id.to_owned() }
    }

    /// A result in the envelope of the version.
    fn wrap(&self, status: u16, item: Value) -> Answer {
        match self.api.tag_envelope {
            Envelope::Array => Answer::items(status, "tags", vec![item]),
            Envelope::Object => Answer::new(status, Content::One { key: "tags", item }),
        }
    }

    /// An error: in the envelope in v8 (OAS tags.json), flat before (no sample was found).
    fn refuse(&self, code: &str, message: &str, details: Value) -> Answer {
        match self.api.tag_envelope {
            Envelope::Array => self.wrap(400, items::error(code, message, details)),
            Envelope::Object => Answer::error(400, code, message, details),
        }
    }
}

impl Operation for DeleteTag {
    fn module(&self) -> &'static str {
        ""
    }

    fn ids(&self) -> Vec<String> {
        vec![self.id.clone()]
    }

    fn shape(&self) -> Shape {
        Shape::One
    }

    fn permissions(&self) -> (&'static str, Vec<String>) {
        ("Permission denied to delete tags", vec!["Crm_Implied_Edit_Tags".to_owned()])
    }

    fn carry_out(&self, world: &mut World, doing: Doing) -> (Answer, usize) {
        let served = |tag: &&Tag| self.api.serves(&tag.module);
        let Some(tag) = read_id(&self.id).and_then(|id| world.tag(id)).filter(served) else {
            // A tag that was deleted is not told from one that never was.
            let details = json!({"resource_path_index": 2});
            return (self.refuse("INVALID_DATA", NOT_FOUND, details), 0);
        };
        if world.module(&tag.module).is_some_and(|module| !module.deletable) {
            return (not_authorized("delete tags"), 0);
        }
        if tag.used {
            let places = json!([{"type": "Workflow Rule", "resources": ["Follow up"]}]);
            let details = json!({"associated_places": places});
            return (self.refuse("NOT_ALLOWED", IN_USE, details), 0);
        }
        let id = tag.id;
        world.drop_tag(id, doing.hand());
        let details = json!({"id": id.to_string()});
        (self.wrap(200, items::success("tags deleted successfully", details)), 1)
    }
}

/// What is said of a tag that some feature uses (Zoho's newer `OpenAPI` files).
pub(crate) const IN_USE: &str = "tags has been associated to features";
