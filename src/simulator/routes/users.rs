//! `GET …/users` (Users page, OAS users.json).

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::refusal::bad_parameter;
use super::super::state::{Actor, World};

/// The current user, or both users.
pub(crate) fn list(world: &World, call: &Call) -> Result<Answer, Answer> {
    let actors: &[Actor] = match call.parameter("type").unwrap_or("AllUsers") {
        "CurrentUser" => &[Actor::TokenUser],
        "AllUsers" | "ActiveUsers" | "ActiveConfirmedUsers" | "ConfirmedUsers" => {
            &[Actor::TokenUser, Actor::OtherUser]
        }
        "DeactiveUsers" | "NotConfirmedUsers" => return Ok(Answer::nothing()),
        _ => return Err(bad_parameter("type", "invalid data")),
    };
    let users: Vec<Value> = actors
        .iter()
        .filter_map(|actor| world.user(*actor))
        .map(|(id, name)| {
            json!({
                "id": id.to_string(),
                "full_name": name,
                "email": format!("user{}@example.com", id % 1000),
                "status": "active",
                "confirm": true,
                "role": {"name": "CEO", "id": (id + 1000).to_string()},
                "profile": {"name": "Administrator", "id": (id + 2000).to_string()},
            })
        })
        .collect();
    Ok(Answer::json(200, json!({"users": users})))
}
