//! `/_simulator/…`: looking at the simulator and changing it from outside. Zoho has none of this.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::control::Control;
use super::super::fault::{Fault, is_rate};
use super::super::shared::Shared;
use super::read_id;

/// The path of [`Shared::api_url`] under which the state is shown.
pub(crate) const STATE_PATH: &str = "/_simulator/state";

/// The most records that one call adds.
const MOST_ADDED: usize = 1_000_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    module: String,
    ids: Vec<String>,
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
        ("GET", ["state"]) => Ok(state(shared)),
        ("GET", ["requests"]) => Ok(requests(shared)),
        ("POST", ["faults"]) => faults(shared, call),
        ("POST", ["add"]) => add(shared, call),
        ("POST", [name]) => match Control::find(name) {
            Some(control) => change(shared, call, control),
            None => Err(Answer::json(404, json!({"error": "no such control"}))),
        },
        _ => Err(Answer::json(404, json!({"error": "no such control"}))),
    };
    answer.unwrap_or_else(|error| error)
}

fn state(shared: &Shared) -> Answer {
    let (snapshot, token_calls) = {
        let inner = shared.lock();
        (inner.snapshot(), inner.tokens.calls())
    };
    let texts = |ids: &[u64]| -> Vec<String> { ids.iter().map(u64::to_string).collect() };
    let modules: Map<String, Value> = snapshot
        .modules
        .iter()
        .map(|(name, module)| {
            let places = json!({
                "live": texts(&module.live),
                "binned": texts(&module.binned),
                "purged": texts(&module.purged),
            });
            (name.clone(), places)
        })
        .collect();
    Answer::json(
        200,
        json!({
            "modules": modules,
            "requests": snapshot.requests,
            "writes": snapshot.writes,
            "late": snapshot.late,
            "token_calls": token_calls,
            "credits_used": snapshot.credits_used,
        }),
    )
}

fn requests(shared: &Shared) -> Answer {
    let inner = shared.lock();
    let requests: Vec<Value> = inner
        .log
        .all()
        .iter()
        .map(|seen| {
            json!({
                "number": seen.number,
                "at_ms": seen.at_ms,
                "method": seen.method,
                "url": seen.url,
                "status": seen.status,
                "fault": seen.fault.map(Fault::name),
                "applied": seen.applied,
            })
        })
        .collect();
    Answer::json(200, json!({"requests": requests}))
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
    let ids = named
        .ids
        .iter()
        .map(|text| {
            read_id(text)
                .filter(|id| {
                    let module = inner.world.module(&named.module);
                    module.is_some_and(|module| module.record(*id).is_some())
                })
                .ok_or_else(|| refused(format!("{} has no record {text}", named.module)))
        })
        .collect::<Result<Vec<u64>, _>>()?;
    let now = shared.now();
    let changed = ids.into_iter().filter(|id| control.apply(&mut inner.world, *id, now)).count();
    Ok(Answer::json(200, json!({"changed": changed})))
}

fn read<T: serde::de::DeserializeOwned>(call: &Call) -> Result<T, Answer> {
    serde_json::from_slice(&call.body).map_err(refused)
}

#[expect(clippy::needless_pass_by_value, reason = "errors come by value from map_err")]
fn refused(why: impl ToString) -> Answer {
    Answer::json(400, json!({"error": why.to_string()}))
}
