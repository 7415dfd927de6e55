//! `GET …/{module}/deleted` (Get Deleted Records page, OAS record.json).

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::refusal::bad_parameter;
use super::super::state::{Actor, BIN_DAYS, Gone, LISTED_DAYS, Place, Record, World};
use super::super::time::{DAY_MS, parse_time, zoho_time};
use super::page::PageAsked;
use super::{Api, find_module};

/// The deletions since `If-Modified-Since`, newest first; 204 when there is none.
pub(crate) fn list(
    world: &World,
    call: &Call,
    api: Api,
    module: &str,
    now: i64,
) -> Result<Answer, Answer> {
    let module = find_module(world, api, module)?;
    let page = PageAsked::read(call)?;
    let kind = call.parameter("type").unwrap_or("all");
    let (recycled, permanent) = match kind {
        "all" => (true, true),
        "recycle" => (true, false),
        "permanent" => (false, true),
        _ => {
            let details = json!({"param_name": "type"});
            let message = "Please check whether the input values are correct";
            return Err(Answer::error(400, "PATTERN_NOT_MATCHED", message, details));
        }
    };
    let since = match call.header("if-modified-since").map(parse_time) {
        None => None,
        Some(Some(time)) => Some(time),
        Some(None) => return Err(bad_parameter("If-Modified-Since", "invalid data")),
    };
    let seen = |(id, record): (u64, &Record)| {
        let (gone, days, wanted, is_permanent) = match record.place {
            Place::Live => return None,
            Place::Binned(gone) => (gone, BIN_DAYS, recycled, false),
            Place::Purged(gone) => (gone, LISTED_DAYS, permanent, true),
        };
        let fresh = gone.at_ms > now.saturating_sub(days * DAY_MS);
        (wanted && fresh).then_some((id, gone, is_permanent))
    };
    let rows = module.gone_since(since).filter_map(seen);
    Ok(page.answer(rows, "data", |row| as_json(world, row)))
}

/// An entry; who and what it was is not said of erased records.
fn as_json(world: &World, (id, gone, permanent): (u64, Gone, bool)) -> Value {
    let (deleted_by, created_by, name, kind) = if permanent {
        (Value::Null, Value::Null, Value::Null, "permanent")
    } else {
        (user(world, gone.by), user(world, Actor::OtherUser), json!(world.name_of(id)), "recycle")
    };
    json!({
        "deleted_by": deleted_by,
        "id": id.to_string(),
        "display_name": name,
        "type": kind,
        "created_by": created_by,
        "deleted_time": zoho_time(gone.at_ms),
    })
}

/// A user as records name them.
pub(crate) fn user(world: &World, actor: Actor) -> Value {
    world.user(actor).map_or(Value::Null, |(id, name)| json!({"name": name, "id": id.to_string()}))
}
