//! Which URL means what. A new operation is an arm here and a file beside.
//!
//! | file | calls of it |
//! |---|---|
//! | `records`, `delete`, `deleted` | `GET` and `DELETE {module}`, `{module}/{id}`; `{module}/deleted` |
//! | `tagging` | `{module}/actions/add_tags`, `…/remove_tags`, of one record and of many |
//! | `related`, `link`, `unlink` | `GET`, `PUT` and `DELETE {module}/{id}/{related_list}` |
//! | `tags`, `mass_delete_tags` | `settings/tags`, `settings/tags/actions/mass_delete` |
//! | `modules`, `fields`, `related_lists`, `recycle_bin` | `settings/…` of that name |
//! | `restore` | `settings/recycle_bin/actions/restore`, `…/{id}/actions/restore` |
//! | `org`, `users`, `oauth` | the path of that name |
//! | `control` | `/_simulator/…` |
//!
//! What they share: `operation` (writes), `page` and `page_token` (lists), `items` (answers), `body` (JSON in).

mod body;
pub(crate) mod control;
mod delete;
mod deleted;
mod fields;
mod items;
mod link;
mod mass_delete_tags;
mod modules;
pub(crate) mod oauth;
mod operation;
mod org;
mod page;
mod page_token;
mod records;
mod recycle_bin;
mod related;
mod related_lists;
mod restore;
mod tagging;
mod tags;
mod unlink;
mod users;

use std::fmt;

pub(crate) use operation::{Doing, Looking, Shape, Write};

use serde_json::json;

use super::answer::Answer;
use super::call::Call;
use super::dialect::Dialect;
use super::refusal::{
    invalid_method, invalid_module, invalid_url, missing_parameter, unknown_module,
    unsupported_module,
};
use super::state::{Module, World};
use delete::Delete;
use link::PutLinks;
use mass_delete_tags::SubmitJob;
use related::Place;
use restore::Restore;
use tagging::{Change, Retag};
use tags::{DeleteTag, MakeTags};
use unlink::Unlink;

/// What a call asks for.
#[derive(Debug)]
pub(crate) enum Route {
    /// To see something.
    Read(Read),
    /// To change something.
    Write(Write),
}

/// An API of one version, and everything it differs in.
pub(crate) type Api = &'static Dialect;

type Reader = dyn Fn(&World, &Call, Looking) -> Result<Answer, Answer> + Send + Sync;

/// A read.
pub(crate) struct Read {
    /// What the call costs (API Limits page).
    pub(crate) credits: u64,
    reader: Box<Reader>,
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Read").field("credits", &self.credits).finish_non_exhaustive()
    }
}

impl Read {
    /// Answers it.
    pub(crate) fn answer(&self, world: &World, call: &Call, looking: Looking) -> Answer {
        (self.reader)(world, call, looking).unwrap_or_else(|error| error)
    }
}

fn read(
    reader: impl Fn(&World, &Call) -> Result<Answer, Answer> + Send + Sync + 'static,
) -> Option<Route> {
    read_for(1, move |world, call, _| reader(world, call))
}

/// A read that costs so many credits, and depends on the time or on the rules.
#[expect(clippy::unnecessary_wraps, reason = "an arm of the tables below")]
fn read_for(
    credits: u64,
    reader: impl Fn(&World, &Call, Looking) -> Result<Answer, Answer> + Send + Sync + 'static,
) -> Option<Route> {
    Some(Route::Read(Read { credits, reader: Box::new(reader) }))
}

#[expect(clippy::unnecessary_wraps, reason = "an arm of the tables below")]
fn write(operation: impl operation::Operation + 'static) -> Option<Route> {
    Some(Route::Write(Box::new(operation)))
}

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

/// Finds what a call asks for, or the error that says why it is nothing.
pub(crate) fn find(call: &Call) -> Result<Route, Answer> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let [product, version, path @ ..] = segments.as_slice() else {
        return Err(invalid_url());
    };
    let api = Dialect::find(product, version).ok_or_else(invalid_url)?;
    let asked = |method: &str| match path {
        ["settings" | "org" | "users", ..] => of_org(api, method, path, call),
        _ => of_module(api, method, path, call),
    };
    if let Some(route) = asked(&call.method) {
        return Ok(route);
    }
    let known = METHODS.iter().any(|method| asked(method).is_some());
    Err(if known { invalid_method() } else { invalid_url() })
}

/// What belongs to the org.
fn of_org(api: Api, method: &str, path: &[&str], call: &Call) -> Option<Route> {
    match (method, path) {
        ("GET", ["org"]) => read_for(1, |world, _, looking| Ok(org::one(world, looking.rules))),
        ("GET", ["users"]) => read(users::list),
        ("GET", ["settings", "modules"]) => read(move |world, _| Ok(modules::list(world, api))),
        ("GET", ["settings", "modules", name]) => {
            let name = (*name).to_owned();
            read(move |world, _| modules::one(world, api, &name))
        }
        ("GET", ["settings", "fields"]) => read(move |world, call| fields::list(world, call, api)),
        ("GET", ["settings", "related_lists"]) => {
            read(move |world, call| related_lists::list(world, call, api))
        }
        ("GET", ["settings", "recycle_bin"]) if api.bin => read(recycle_bin::list),
        ("GET", ["settings", "recycle_bin", id]) if api.bin => {
            let id = (*id).to_owned();
            read(move |world, _| Ok(recycle_bin::one(world, &id)))
        }
        ("POST", ["settings", "recycle_bin", "actions", "restore"]) if api.restore => {
            write(Restore::many(call))
        }
        ("POST", ["settings", "recycle_bin", id, "actions", "restore"]) if api.restore => {
            write(Restore::one(id))
        }
        (_, ["settings", "tags", rest @ ..]) if api.tagging.is_some() => {
            of_tags(api, method, rest, call)
        }
        _ => None,
    }
}

/// The definitions of tags.
fn of_tags(api: Api, method: &str, path: &[&str], call: &Call) -> Option<Route> {
    match (method, path) {
        ("GET", []) => read(move |world, call| tags::list(world, call, api)),
        ("POST", []) => write(MakeTags::new(api, call)),
        ("DELETE", [id]) => write(DeleteTag::new(api, id)),
        ("POST", ["actions", "mass_delete"]) => write(SubmitJob::new(api, call)?),
        ("GET", ["actions", "mass_delete"]) if api.tag_jobs.is_some() => {
            read_for(1, move |world, call, looking| {
                let nested = looking.rules.nested_unknown_job;
                mass_delete_tags::status(world, call, api, nested)
            })
        }
        ("GET", [id, "actions", "records_count"]) => {
            let id = (*id).to_owned();
            read(move |world, call| tags::records_count(world, call, api, &id))
        }
        _ => None,
    }
}

/// What belongs to a module and its records.
fn of_module(api: Api, method: &str, path: &[&str], call: &Call) -> Option<Route> {
    let [module, rest @ ..] = path else {
        return None;
    };
    if module.is_empty() {
        return None;
    }
    let module = (*module).to_owned();
    match (method, rest) {
        (_, [""]) => None,
        ("GET", []) => read_for(1, move |world, call, looking| {
            records::list(world, call, api, &module, looking.at_ms)
        }),
        ("DELETE", []) => write(Delete::bulk(api, module, call)),
        ("GET", ["deleted"]) => read_for(2, move |world, call, looking| {
            deleted::list(world, call, api, &module, looking.at_ms)
        }),
        (_, ["deleted"]) => None,
        ("GET", ["actions", "count"]) if api.count => {
            read(move |world, _| records::count(world, api, &module))
        }
        (_, ["actions" | "deleted", ..]) if rest.len() > 2 => None,
        ("POST", ["actions", action]) => {
            write(Retag::new(api, Change::find(action)?, (module, None), call)?)
        }
        (_, ["actions", _]) => None,
        ("GET", [id]) => {
            let id = (*id).to_owned();
            read(move |world, _| records::one(world, api, &module, &id))
        }
        ("DELETE", [id]) => write(Delete::single(api, module, (*id).to_owned(), call)),
        ("POST", [id, "actions", action]) => {
            let id = Some((*id).to_owned());
            write(Retag::new(api, Change::find(action)?, (module, id), call)?)
        }
        (_, [_, "actions", ..]) => None,
        (_, [id, list, related @ ..]) if !list.is_empty() => {
            let (parent, list) = ((*id).to_owned(), (*list).to_owned());
            of_list(Place { api, module, parent, list }, method, related, call)
        }
        _ => None,
    }
}

/// What belongs to a related list of a record.
fn of_list(place: Place, method: &str, path: &[&str], call: &Call) -> Option<Route> {
    let single = match path {
        [] => None,
        [id] if !id.is_empty() => Some((*id).to_owned()),
        _ => return None,
    };
    match (method, single) {
        ("GET", only) => {
            read(move |world, call| related::list(world, call, &place, only.as_deref()))
        }
        ("DELETE", None) => write(Unlink::bulk(place, call)),
        ("DELETE", Some(id)) => write(Unlink::single(place, id)),
        ("PUT", single) => write(PutLinks::new(place, single, call)),
        _ => None,
    }
}

/// A record id as Zoho takes it: 10 to 19 digits without a leading zero.
pub(crate) fn read_id(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let good = digits && (10..=19).contains(&text.len()) && !text.starts_with('0');
    good.then(|| text.parse().ok()).flatten()
}

/// The module that `module` names, or what metadata calls say without one.
pub(crate) fn asked_module<'a>(
    world: &'a World,
    call: &Call,
    api: Api,
    named_as: &str,
) -> Result<&'a Module, Answer> {
    let asked = call.parameter("module").filter(|name| !name.is_empty());
    let name = asked.ok_or_else(|| missing_parameter("module"))?;
    let known = world.module(name).filter(|_| api.serves(name));
    known.ok_or_else(|| unknown_module(json!({named_as: "module"})))
}

/// A module that the API serves, or the error that says why it does not.
pub(crate) fn find_module<'a>(
    world: &'a World,
    api: Api,
    name: &str,
) -> Result<&'a Module, Answer> {
    let module = world.module(name).filter(|_| api.serves(name)).ok_or_else(invalid_module)?;
    if module.api_supported { Ok(module) } else { Err(unsupported_module()) }
}
