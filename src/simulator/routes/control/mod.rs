//! `/_simulator/…`: looking at the simulator and changing it from outside. Zoho has none of this.

mod accounts;
mod family;
mod look;
mod things;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::json;

use super::read_id;
use crate::simulator::answer::Answer;
use crate::simulator::call::Call;
use crate::simulator::control::Control;
use crate::simulator::fault::{Fault, is_rate};
use crate::simulator::shared::Shared;
use crate::simulator::state::World;

/// The path of [`Shared::api_url`] under which the state is shown.
pub(crate) const STATE_PATH: &str = "/_simulator/state";

/// The most records that one call adds.
const MOST_ADDED: usize = 1_000_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    module: String,
    ids: Vec<Id>,
}

/// An id in a body: a text, or a whole number as Zoho's Python SDK would write it.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "an id is a text or a whole number")]
enum Id {
    Number(u64),
    Text(String),
}

impl Id {
    fn read(&self) -> Option<u64> {
        read_id(&self.to_string())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(id) => write!(f, "{id}"),
            Self::Text(id) => f.write_str(id),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    module: String,
    count: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Faults {
    set: BTreeMap<String, f64>,
    next: Vec<String>,
    clear: bool,
}

/// Answers a control call.
pub(crate) fn serve(shared: &Shared, call: &Call, path: &[&str]) -> Answer {
    let answer = match (call.method.as_str(), path) {
        ("GET", ["state"]) => Ok(look::state(shared)),
        ("GET", ["requests"]) => Ok(look::requests(shared)),
        ("GET", ["effects"]) => Ok(look::effects(shared)),
        ("GET", ["accounts"]) => Ok(accounts::look(shared)),
        ("POST", ["accounts"]) => accounts::change(shared, call),
        ("POST", ["grant-code"]) => accounts::grant_code(shared, call),
        ("POST", ["expire-tokens"]) => Ok(accounts::expire_tokens(shared)),
        ("POST", ["faults"]) => faults(shared, call),
        ("POST", ["add"]) => add(shared, call),
        ("POST", ["finish-jobs"]) => Ok(family::finish_jobs(shared)),
        ("POST", ["parent"]) => family::parent(shared, call),
        ("POST", ["age"]) => family::age(shared, call),
        ("POST", ["tags"]) => things::tags(shared, call),
        ("POST", ["untag"]) => things::untag(shared, call),
        ("POST", ["drop_tags"]) => things::drop_tags(shared, call),
        ("POST", ["use_tags"]) => things::use_tags(shared, call),
        ("POST", ["link"]) => things::link(shared, call),
        ("POST", ["unlink"]) => things::unlink(shared, call),
        ("POST", ["notes"]) => things::notes(shared, call),
        ("POST", [name]) => match Control::find(name) {
            Some(control) => change(shared, call, control),
            None => Err(Answer::json(404, json!({"error": "no such control"}))),
        },
        _ => Err(Answer::json(404, json!({"error": "no such control"}))),
    };
    answer.unwrap_or_else(|error| error)
}

fn faults(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    let asked: Faults = read(call)?;
    let fault = |name: &String| name.parse::<Fault>().map_err(refused);
    let rates = asked
        .set
        .iter()
        .map(|(name, rate)| {
            if is_rate(*rate) {
                Ok((fault(name)?, *rate))
            } else {
                Err(refused("a rate is a number from 0 to 1"))
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    let next = asked.next.iter().map(fault).collect::<Result<Vec<_>, _>>()?;
    let mut inner = shared.lock();
    if asked.clear {
        inner.faults.clear();
    }
    for (fault, rate) in rates {
        inner.faults.set_rate(fault, rate);
    }
    inner.faults.plan(next);
    Ok(Answer::json(200, json!({"ok": true})))
}

fn add(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    let Added { module, count } = read(call)?;
    if count > MOST_ADDED {
        return Err(refused("at most 1000000 records at a time"));
    }
    let ids = shared.lock().world.add_records(&module, count, shared.now());
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    Ok(Answer::json(200, json!({"ids": ids})))
}

/// Changes records of one module. Unknown ids are refused before anything is changed.
fn change(shared: &Shared, call: &Call, control: Control) -> Result<Answer, Answer> {
    let named: Named = read(call)?;
    let mut inner = shared.lock();
    let ids = known(&inner.world, &named.module, &named.ids)?;
    let now = shared.now();
    let changed = ids.into_iter().filter(|id| control.apply(&mut inner.world, *id, now)).count();
    Ok(Answer::json(200, json!({"changed": changed})))
}

/// The ids of records that there are or were.
fn known(world: &World, module: &str, ids: &[Id]) -> Result<Vec<u64>, Answer> {
    let find = |given: &Id| {
        given
            .read()
            .filter(|id| world.module(module).is_some_and(|module| module.record(*id).is_some()))
            .ok_or_else(|| refused(format!("{module} has no record {given}")))
    };
    ids.iter().map(find).collect()
}

fn read<T: serde::de::DeserializeOwned>(call: &Call) -> Result<T, Answer> {
    serde_json::from_slice(&call.body).map_err(refused)
}

#[expect(clippy::needless_pass_by_value, reason = "errors come by value from map_err")]
fn refused(why: impl ToString) -> Answer {
    Answer::json(400, json!({"error": why.to_string()}))
}
