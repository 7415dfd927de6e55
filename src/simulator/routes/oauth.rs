//! `POST /oauth/v2/token` and `…/revoke` (OAuth pages: Self Client, Refresh, Revoke).

use serde_json::json;

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::shared::Shared;
use super::super::token::{TOKEN_SECONDS, TokenRefusal};

/// Answers a call to the accounts server. Zoho says what is wrong in the body and 200 above it.
pub(crate) fn serve(shared: &Shared, call: &Call, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("POST", ["token"]) => token(shared, call),
        ("POST", ["token", "revoke"]) => revoke(shared, call),
        _ => Answer::json(404, json!({"error": "invalid_url"})),
    }
}

fn token(shared: &Shared, call: &Call) -> Answer {
    let issued = shared.lock().tokens.issue(&call.form(), shared.now());
    match issued {
        Ok(issued) => {
            let mut body = json!({
                "access_token": issued.access_token,
                "api_domain": shared.api_url,
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
            });
            if let (Some(body), Some(refresh)) = (body.as_object_mut(), issued.refresh_token) {
                body.insert("refresh_token".to_owned(), json!(refresh));
            }
            Answer::json(200, body)
        }
        Err(TokenRefusal::Throttled) => Answer::json(
            200,
            json!({
                "error_description":
                    "You have made too many requests continuously. Please try again after some time.",
                "error": "Access Denied",
                "status": "failure",
            }),
        ),
        Err(TokenRefusal::Client) => refused("invalid_client"),
        Err(TokenRefusal::Secret) => refused("invalid_client_secret"),
        Err(TokenRefusal::Code) => refused("invalid_code"),
        Err(TokenRefusal::GrantType) => refused("unsupported_grant_type"),
    }
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
