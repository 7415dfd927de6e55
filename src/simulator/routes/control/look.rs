//! Looking: the state, the log of calls, and what happened to whom.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::simulator::answer::Answer;
use crate::simulator::fault::Fault;
use crate::simulator::shared::Shared;
use crate::simulator::state::{Actor, Effect, EffectKind, Gone, Snapshot, World};

/// `GET state`: everything there is.
pub(super) fn state(shared: &Shared) -> Answer {
    let snapshot = shared.snapshot();
    let token_calls = shared.lock().accounts.token_calls();
    let bin = bin(&shared.lock().world);
    let config = &shared.config;
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
            "tags": tags(&snapshot),
            "tag_colors": snapshot.tag_colors,
            "record_tags": snapshot.record_tags,
            "links": links(&snapshot),
            "link_fields": link_fields(&snapshot),
            "parents": parents(&snapshot),
            "marks": snapshot.marks,
            "bin": bin,
            "jobs": jobs(&snapshot),
            "scheduled_restores": snapshot.scheduled_restores,
            "requests": snapshot.requests,
            "writes": snapshot.writes,
            "late": snapshot.late,
            "token_calls": token_calls,
            "credits_used": snapshot.credits_used,
            "daily_credits": config.credits(),
            "concurrency_limit": config.calls_at_once(),
            "most_at_once": snapshot.most_at_once,
            "throttled": snapshot.throttled,
            "edition": config.edition.name(),
            "users": config.users,
        }),
    )
}

fn texts(ids: &[u64]) -> Vec<String> {
    ids.iter().map(u64::to_string).collect()
}

fn tags(snapshot: &Snapshot) -> Value {
    let of_module = |tags: &BTreeMap<String, u64>| -> BTreeMap<String, String> {
        tags.iter().map(|(name, id)| (name.clone(), id.to_string())).collect()
    };
    let modules = snapshot.tags.iter().map(|(module, tags)| (module, of_module(tags)));
    json!(modules.collect::<BTreeMap<_, _>>())
}

fn links(snapshot: &Snapshot) -> Value {
    type Lists = BTreeMap<String, Vec<u64>>;
    let of_parent = |lists: &Lists| -> BTreeMap<String, Vec<String>> {
        lists.iter().map(|(list, ids)| (list.clone(), texts(ids))).collect()
    };
    let of_module = |parents: &BTreeMap<u64, Lists>| -> BTreeMap<u64, _> {
        parents.iter().map(|(parent, lists)| (*parent, of_parent(lists))).collect()
    };
    let modules = snapshot.links.iter().map(|(module, parents)| (module, of_module(parents)));
    json!(modules.collect::<BTreeMap<_, _>>())
}

/// What links carry: record, list, record on it.
fn link_fields(snapshot: &Snapshot) -> Value {
    let mut all: BTreeMap<u64, BTreeMap<&str, BTreeMap<u64, &Value>>> = BTreeMap::new();
    for ((parent, list, id), carried) in &snapshot.link_fields {
        all.entry(*parent).or_default().entry(list).or_default().insert(*id, carried);
    }
    json!(all)
}

fn parents(snapshot: &Snapshot) -> BTreeMap<u64, String> {
    snapshot.parents.iter().map(|(child, parent)| (*child, parent.to_string())).collect()
}

/// What lies in the bin: since when, by whom, and with which parent it went.
fn bin(world: &World) -> Value {
    let entry = |(id, gone): (u64, Gone)| {
        let told = json!({
            "deleted_ms": gone.at_ms,
            "by": actor(gone.by),
            "with": gone.with.map(|parent| parent.to_string()),
        });
        (id, told)
    };
    let modules = world.modules().map(|module| {
        let binned: BTreeMap<u64, Value> = module.binned().map(entry).collect();
        (module.api_name.as_str(), binned)
    });
    json!(modules.filter(|(_, binned)| !binned.is_empty()).collect::<BTreeMap<_, _>>())
}

fn jobs(snapshot: &Snapshot) -> Vec<Value> {
    snapshot
        .jobs
        .iter()
        .map(|job| {
            json!({
                "job_id": job.id.to_string(),
                "request": job.request,
                "module": job.module,
                "status": job.status,
                "tags": texts(&job.tags),
                "deleted": texts(&job.deleted),
                "failed": texts(&job.failed),
                "submitted_ms": job.submitted_ms,
            })
        })
        .collect()
}

/// `GET effects`: what happened to each record, tag and note, in order.
pub(super) fn effects(shared: &Shared) -> Answer {
    let snapshot = shared.snapshot();
    let effects: Map<String, Value> = snapshot
        .history
        .iter()
        .map(|(id, effects)| (id.to_string(), effects.iter().map(effect).collect()))
        .collect();
    Answer::json(200, json!({"effects": effects}))
}

fn effect(effect: &Effect) -> Value {
    let (kind, other) = match effect.kind {
        EffectKind::Deleted => ("deleted", None),
        EffectKind::Restored => ("restored", None),
        EffectKind::Purged => ("purged", None),
        EffectKind::Tagged(tag) => ("tagged", Some(tag)),
        EffectKind::Untagged(tag) => ("untagged", Some(tag)),
        EffectKind::Linked(other) => ("linked", Some(other)),
        EffectKind::Unlinked(other) => ("unlinked", Some(other)),
    };
    json!({
        "kind": kind,
        "other": other.map(|id| id.to_string()),
        "by": actor(effect.by),
        "at_ms": effect.at_ms,
        "request": effect.request,
        "workflows": effect.workflows,
    })
}

const fn actor(actor: Actor) -> &'static str {
    match actor {
        Actor::TokenUser => "token_user",
        Actor::OtherUser => "other_user",
        Actor::Retention => "retention",
    }
}

/// `GET requests`: the log of calls.
pub(super) fn requests(shared: &Shared) -> Answer {
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
                "body": seen.body,
                "ids": seen.ids,
                "status": seen.status,
                "fault": seen.fault.map(Fault::name),
                "applied": seen.applied,
            })
        })
        .collect();
    Answer::json(200, json!({"requests": requests}))
}
