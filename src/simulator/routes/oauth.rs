//! `POST /oauth/v2/token` and `…/revoke` (OAuth pages: Self Client, Refresh, Revoke).

use serde_json::{Map, Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::shared::Shared;
use super::super::token::{Issued, TokenRefusal};

/// The right answer of the accounts server. Zoho says what is wrong in the body and 200 above it.
pub(crate) fn answer(shared: &Shared, call: &Call, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("POST", ["token"]) => token(shared, call),
        ("POST", ["token", "revoke"]) => revoke(shared, call),
        _ => Answer::json(404, json!({"error": "invalid_url"})),
    }
}

fn token(shared: &Shared, call: &Call) -> Answer {
    let issued = shared.lock().tokens.issue(&call.form(), shared.now());
    match issued {
        Ok(issued) => Answer::json(200, good(shared, issued)),
        Err(TokenRefusal::Throttled) => throttled(shared),
        Err(TokenRefusal::Client) => refused("invalid_client"),
        Err(TokenRefusal::Secret) => refused("invalid_client_secret"),
        Err(TokenRefusal::Code) => refused("invalid_code"),
        Err(TokenRefusal::GrantType) => refused("unsupported_grant_type"),
    }
}

/// Too many token calls (Zoho's Kaizen 43).
pub(crate) fn throttled(shared: &Shared) -> Answer {
    let description =
        "You have made too many requests continuously. Please try again after some time.";
    Answer::json(
        shared.config.token_throttle_status,
        json!({
            "error_description": description,
            "error": "Access Denied",
            "status": "failure",
        }),
    )
}

/// The answer with a token (Generate Access Token and Refresh Access Token pages).
fn good(shared: &Shared, issued: Issued) -> Value {
    let mut body = Map::new();
    let mut tell = |key: &str, value: Value| body.insert(key.to_owned(), value);
    tell("access_token", json!(issued.access_token));
    let config = &shared.config;
    tell("api_domain", json!(config.api_domain.as_ref().unwrap_or(&shared.api_url)));
    tell("token_type", json!("Bearer"));
    let seconds = config.token_seconds;
    if config.legacy_expiry {
        tell("expires_in_sec", json!(seconds));
        tell("expires_in", json!(u64::from(seconds) * 1000));
    } else {
        tell("expires_in", json!(seconds));
    }
    if let Some(refresh) = issued.refresh_token {
        tell("refresh_token", json!(refresh));
    }
    if config.scope_in_answer {
        tell("scope", json!(issued.granted.told()));
    }
    for (key, value) in &shared.lock().accounts.answer {
        if value.is_null() {
            body.remove(key);
        } else {
            body.insert(key.clone(), value.clone());
        }
    }
    Value::Object(body)
}

fn revoke(shared: &Shared, call: &Call) -> Answer {
    let form = call.form();
    let token = form.iter().find(|(key, _)| key == "token");
    let revoked = token.is_some_and(|(_, token)| shared.lock().tokens.revoke(token));
    if revoked { Answer::json(200, json!({"status": "success"})) } else { refused("invalid_code") }
}

fn refused(error: &str) -> Answer {
    Answer::json(200, json!({"error": error}))
}
