//! Parents of records, how long records lie in the bin, and what comes back from it later.

use serde::Deserialize;
use serde_json::json;

use super::{Id, known, read, refused};
use crate::simulator::answer::Answer;
use crate::simulator::call::Call;
use crate::simulator::shared::Shared;
use crate::simulator::time::DAY_MS;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parents {
    module: String,
    ids: Vec<Id>,
    /// `null` makes them nobody's children.
    parent: Option<Id>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Aged {
    module: String,
    ids: Vec<Id>,
    days: u16,
}

/// `POST parent`: makes records the children of another one.
pub(super) fn parent(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    let asked: Parents = read(call)?;
    let mut inner = shared.lock();
    let ids = known(&inner.world, &asked.module, &asked.ids)?;
    let parent = match &asked.parent {
        None => None,
        Some(given) => {
            let there = |id: &u64| inner.world.modules().any(|module| module.record(*id).is_some());
            let found = given.read().filter(there);
            Some(found.ok_or_else(|| refused(format!("there is no record {given}")))?)
        }
    };
    let changed = ids.into_iter().filter(|id| inner.world.set_parent(*id, parent)).count();
    Ok(Answer::json(200, json!({"changed": changed})))
}

/// `POST finish-jobs`: lets jobs and restores that wait do now what they would have done in time.
pub(super) fn finish_jobs(shared: &Shared) -> Answer {
    let now = shared.now();
    shared.lock().world.finish_jobs(now);
    Answer::json(200, json!({"ok": true}))
}

/// `POST age`: lets the deletions of records in the bin lie back further by so many days.
pub(super) fn age(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    let asked: Aged = read(call)?;
    let mut inner = shared.lock();
    let ids = known(&inner.world, &asked.module, &asked.ids)?;
    let by_ms = i64::from(asked.days) * DAY_MS;
    let changed = ids.into_iter().filter(|id| inner.world.age(*id, by_ms)).count();
    Ok(Answer::json(200, json!({"changed": changed})))
}
