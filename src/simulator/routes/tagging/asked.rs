//! What a tagging call asks for: read from its query or its body, and checked.

use serde_json::{Map, Value};

use crate::simulator::answer::Answer;
use crate::simulator::call::Call;
use crate::simulator::dialect::Tagging;
use crate::simulator::refusal::{bad_parameter, missing_parameter};
use crate::simulator::routes::tags::{color, wrong_name};
use crate::simulator::routes::{Api, body, items, read_id};

/// The most records in a call (CRM v8 Remove Tags page).
const LIMIT: usize = 500;

/// Records and tags as the call names them.
#[derive(Debug)]
pub(super) enum Asked {
    Query {
        ids: Vec<String>,
        names: Vec<String>,
        over_write: Option<String>,
    },
    /// The body, and `over_write`, which may stand in the query as well (OAS tags.json).
    Body {
        body: Result<Map<String, Value>, Answer>,
        over_write: bool,
    },
}

/// A tag as the call names it; the id wins (Add Tags page).
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) id: Option<u64>,
    pub(super) name: Option<String>,
    pub(super) color: Option<&'static str>,
}

/// What the call wants, read and checked.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) ids: Vec<String>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) over_write: bool,
}

impl Asked {
    /// `None` where the API has no tags.
    pub(super) fn new(api: Api, call: &Call) -> Option<Self> {
        Some(match api.tagging? {
            Tagging::Body => Self::Body {
                body: body::object(call),
                over_write: call.parameter("over_write") == Some("true"),
            },
            Tagging::Query => Self::Query {
                ids: items::split(call.parameter("ids")),
                names: items::split(call.parameter("tag_names")),
                over_write: call.parameter("over_write").map(str::to_owned),
            },
        })
    }

    /// The ids of a call for many records, as sent.
    pub(super) fn ids(&self) -> Vec<String> {
        match self {
            Self::Query { ids, .. } => ids.clone(),
            Self::Body { body: Ok(body), .. } => body::ids(body.get("ids")),
            Self::Body { body: Err(_), .. } => Vec::new(),
        }
    }

    /// What is wanted of how many tags at most, or the error for the call as a whole. A record
    /// named by path takes the place of `ids`.
    pub(super) fn plan(&self, single: Option<&str>, most: usize) -> Result<Plan, Answer> {
        match self {
            Self::Body { body, over_write } => {
                let body = body.as_ref().map_err(Clone::clone)?;
                let plan = Self::plan_of_body(body, single, most)?;
                Ok(Plan { over_write: plan.over_write || *over_write, ..plan })
            }
            Self::Query { ids, names, over_write } => {
                let ids = single.map_or_else(|| ids.clone(), |id| vec![id.to_owned()]);
                Self::plan_of_query((ids, names), over_write.as_deref(), most)
            }
        }
    }

    fn plan_of_query(
        (ids, names): (Vec<String>, &[String]),
        over_write: Option<&str>,
        most: usize,
    ) -> Result<Plan, Answer> {
        if ids.is_empty() {
            return Err(missing_parameter("ids"));
        }
        items::check(&ids, LIMIT)?;
        if names.is_empty() {
            return Err(missing_parameter("tag_names"));
        }
        let wrong = names.iter().any(|name| wrong_name(name, "").is_some());
        if wrong || names.len() > most || !items::unique(names) {
            return Err(bad_parameter("tag_names", "invalid data"));
        }
        let wanted = names
            .iter()
            .map(|name| Wanted { id: None, name: Some(name.clone()), color: None })
            .collect();
        Ok(Plan { ids, wanted, over_write: over_write == Some("true") })
    }

    fn plan_of_body(
        body: &Map<String, Value>,
        single: Option<&str>,
        most: usize,
    ) -> Result<Plan, Answer> {
        let tags = body::list(body, "$.tags")?;
        if tags.is_empty() {
            return Err(body::missing("$.tags"));
        }
        if tags.len() > most {
            return Err(body::too_long("$.tags", most));
        }
        let wanted = tags.iter().enumerate().map(read_tag).collect::<Result<Vec<_>, _>>()?;
        let over_write = match body.get("over_write") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(over_write)) => *over_write,
            Some(_) => return Err(body::wrong_type("$.over_write", "boolean")),
        };
        if let Some(id) = single {
            return Ok(Plan { ids: vec![id.to_owned()], wanted, over_write });
        }
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
        let ids = body::ids(body.get("ids"));
        if !items::unique(&ids) {
            return Err(body::invalid("$.ids", "an id is given more than once"));
        }
        Ok(Plan { ids, wanted, over_write })
    }
}

fn read_tag((index, tag): (usize, &Value)) -> Result<Wanted, Answer> {
    let path = format!("$.tags[{index}]");
    let tag = body::as_object(tag, &path)?;
    let given = |key: &str, read: fn(&Value) -> Option<String>| match tag.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(value)
            .map(Some)
            .ok_or_else(|| body::wrong_type(&format!("{path}.{key}"), "string")),
    };
    let id = given("id", body::as_id)?;
    let name = given("name", |name| name.as_str().map(str::to_owned))?;
    if id.is_none() && name.is_none() {
        return Err(body::one_of(&[format!("{path}.id"), format!("{path}.name")]));
    }
    if let Some(details) = name.as_deref().and_then(|name| wrong_name(name, "$.tags[*].name")) {
        let item = items::error("INVALID_DATA", "invalid data", details);
        return Err(Answer::items(400, "tags", vec![item]));
    }
    let id = match id {
        None => None,
        Some(text) => Some(
            read_id(&text).ok_or_else(|| body::invalid(&format!("{path}.id"), "invalid data"))?,
        ),
    };
    Ok(Wanted { id, name, color: color(tag, &path)? })
}
