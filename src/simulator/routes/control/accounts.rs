//! The accounts server: its calls, its faults, its codes and tokens.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{read, refused};
use crate::simulator::accounts::{AccountsCallSeen, AccountsFault};
use crate::simulator::answer::Answer;
use crate::simulator::call::Call;
use crate::simulator::scopes::{Granted, is_scope};
use crate::simulator::shared::Shared;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Changes {
    fault: Option<String>,
    next: Vec<String>,
    answer: Map<String, Value>,
    clear: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NewCode {
    scopes: Option<Vec<String>>,
    seconds: Option<u32>,
}

/// `GET accounts`: the calls so far, and how the next ones fare.
pub(super) fn look(shared: &Shared) -> Answer {
    let accounts = &shared.lock().accounts;
    let calls: Vec<Value> = accounts.calls.iter().map(call).collect();
    let next: Vec<&str> = accounts.next.iter().map(|fault| fault.name()).collect();
    Answer::json(
        200,
        json!({
            "calls": calls,
            "fault": accounts.fault.map(AccountsFault::name),
            "next": next,
            "answer": accounts.answer,
        }),
    )
}

fn call(seen: &AccountsCallSeen) -> Value {
    json!({
        "number": seen.number,
        "at_ms": seen.at_ms,
        "method": seen.method,
        "path": seen.path,
        "grant_type": seen.grant_type,
        "status": seen.status,
        "error": seen.error,
        "fault": seen.fault.map(AccountsFault::name),
    })
}

/// `POST accounts`: sets faults, and what token answers say.
pub(super) fn change(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    let asked: Changes = read(call)?;
    let fault = |name: &String| name.parse::<AccountsFault>().map_err(refused);
    let standing = asked.fault.as_ref().map(fault).transpose()?;
    let next = asked.next.iter().map(fault).collect::<Result<Vec<_>, _>>()?;
    let accounts = &mut shared.lock().accounts;
    if asked.clear {
        accounts.clear();
    }
    accounts.fault = standing.or(accounts.fault);
    accounts.next.extend(next);
    accounts.answer.extend(asked.answer);
    Ok(Answer::json(200, json!({"ok": true})))
}

/// `POST grant-code`: another code.
pub(super) fn grant_code(shared: &Shared, call: &Call) -> Result<Answer, Answer> {
    let asked: NewCode = if call.body.is_empty() { NewCode::default() } else { read(call)? };
    if let Some(bad) = asked.scopes.iter().flatten().find(|scope| !is_scope(scope)) {
        return Err(refused(format!("\"{bad}\" is not a scope")));
    }
    let until = asked.seconds.map(|life| shared.now().saturating_add(i64::from(life) * 1000));
    let granted = asked.scopes.map(|scopes| Granted(Some(scopes)));
    let code = shared.lock().tokens.new_code(granted, until);
    Ok(Answer::json(200, json!({"grant_code": code})))
}

/// `POST expire-tokens`: ends all access tokens.
pub(super) fn expire_tokens(shared: &Shared) -> Answer {
    let now = shared.now();
    let ended = shared.lock().tokens.expire_all(now);
    Answer::json(200, json!({"changed": ended}))
}
