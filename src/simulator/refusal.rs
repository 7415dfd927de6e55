//! The errors that concern a call as a whole.

use serde_json::{Value, json};

use super::answer::{Answer, Content};
use super::config::{BadTokenCode, ThrottleBody};

/// What is said of values that cannot be read (CRM v2 Delete Records and Delink pages).
pub(crate) const WRONG_FORMAT: &str = "either the request body or parameters is in wrong format";

const GATEWAY_PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>ZGS</center>\r\n</body>\r\n</html>\r\n";

const LONG_URL_PAGE: &str = "<html>\r\n<head><title>414 Request-URI Too Large</title></head>\r\n\
    <body>\r\n<center><h1>414 Request-URI Too Large</h1></center>\r\n</body>\r\n</html>\r\n";

/// 404 (CRM v2 Delete Records page).
pub(crate) fn invalid_url() -> Answer {
    let message = "Please check if the URL trying to access is a correct one";
    Answer::error(404, "INVALID_URL_PATTERN", message, json!({}))
}

/// 400 (CRM v2 Delete Records page).
pub(crate) fn invalid_method() -> Answer {
    let message = "The http request method type is not a valid one";
    Answer::error(400, "INVALID_REQUEST_METHOD", message, json!({}))
}

/// 400 (CRM v2 Delete Records page).
pub(crate) fn missing_parameter(name: &str) -> Answer {
    let message = "One of the expected parameter is missing";
    let details = json!({"param_name": name});
    Answer::error(400, "REQUIRED_PARAM_MISSING", message, details)
}

/// 400, for a parameter whose value is of no use.
pub(crate) fn bad_parameter(name: &str, message: &str) -> Answer {
    Answer::error(400, "INVALID_DATA", message, json!({"param_name": name}))
}

/// 400 (documented for Delink; assumed wherever a list of ids is too long).
pub(crate) fn too_many(name: &str, limit: usize) -> Answer {
    let message = format!("only {limit} values are allowed in a call");
    let details = json!({"limit": limit.to_string(), "param_name": name});
    Answer::error(400, "LIMIT_EXCEEDED", &message, details)
}

/// 400, for a module in the path (CRM v2 Delete Records page).
pub(crate) fn invalid_module() -> Answer {
    unknown_module(json!({"resource_path_index": 0}))
}

/// 400, with the details that each file of OAS has of its own for calls about metadata.
pub(crate) fn unknown_module(details: Value) -> Answer {
    let message = "The module name given seems to be invalid";
    Answer::error(400, "INVALID_MODULE", message, details)
}

/// 400 (CRM v2 Delete Records page).
pub(crate) fn unsupported_module() -> Answer {
    let message = "The given module is not supported in API";
    let details = json!({"resource_path_index": 0});
    Answer::error(400, "INVALID_MODULE", message, details)
}

/// 401, no token or one of another scheme.
pub(crate) fn authentication_failure() -> Answer {
    let message = "Authentication failed";
    Answer::error(401, "AUTHENTICATION_FAILURE", message, json!({}))
}

/// 401, a token that is unknown, expired or revoked.
pub(crate) fn bad_token(code: BadTokenCode) -> Answer {
    let flat = |code: &str| Answer::error(401, code, "invalid oauth token", json!({}));
    match code {
        BadTokenCode::InvalidToken => flat("INVALID_TOKEN"),
        BadTokenCode::InvalidOauthToken => flat("INVALID_OAUTHTOKEN"),
        BadTokenCode::AuthenticationFailure => authentication_failure(),
    }
}

/// 401 (CRM v2 Delete Records page).
pub(crate) fn scope_mismatch() -> Answer {
    scope_mismatch_of(json!({}))
}

/// 401, with what the later `OpenAPI` texts say of mass deletions of tags.
pub(crate) fn scope_mismatch_of(details: Value) -> Answer {
    Answer::error(401, "OAUTH_SCOPE_MISMATCH", "Unauthorized", details)
}

/// 403, with the permissions that are missing.
pub(crate) fn no_permission(message: &str, permissions: &[String]) -> Answer {
    Answer::error(403, "NO_PERMISSION", message, json!({"permissions": permissions}))
}

/// 400: the user may not do it. What the pages print ends with what it is.
pub(crate) fn not_authorized(what: &str) -> Answer {
    let message = format!("User does not have sufficient privilege to {what}");
    Answer::error(400, "AUTHORIZATION_FAILED", &message, json!({}))
}

/// 400 (Delink page).
pub(crate) fn wrong_format() -> Answer {
    Answer::error(400, "UNABLE_TO_PARSE_DATA_TYPE", WRONG_FORMAT, json!({}))
}

/// 400, for an id in the path that is none.
pub(crate) fn invalid_path_id(message: &str, index: u8) -> Answer {
    Answer::error(400, "INVALID_DATA", message, json!({"resource_path_index": index}))
}

/// 500: flat for bulk calls, inside `data` for single ones (later `OpenAPI` texts).
pub(crate) fn internal_error(single: bool) -> Answer {
    let flat = Answer::error(500, "INTERNAL_ERROR", "Internal Server Error", json!({}));
    match (single, flat.content) {
        (true, Content::Json(item)) => Answer::items(500, "data", vec![item]),
        (_, content) => Answer::new(500, content),
    }
}

/// 429 for too many calls at once.
pub(crate) fn too_many_calls(body: ThrottleBody) -> Answer {
    let message = "too many requests: the concurrency limit has been reached";
    throttled(body == ThrottleBody::Older, message)
}

/// 429 for a day's credits used up.
pub(crate) fn credits_used_up(body: ThrottleBody) -> Answer {
    let message = "Many requests fired than the allowed limit for the past 24 hours.";
    throttled(body != ThrottleBody::Flat, message)
}

/// The older form has a number for its `code`.
fn throttled(is_older: bool, message: &str) -> Answer {
    if !is_older {
        return Answer::error(429, "TOO_MANY_REQUESTS", message, json!({}));
    }
    Answer::json(
        429,
        json!({
            "code": 429,
            "error": "TOO_MANY_REQUESTS",
            "error_info": message,
            "details": [],
        }),
    )
}

/// 502 from a gateway that knows no JSON.
pub(crate) fn bad_gateway() -> Answer {
    Answer::new(502, Content::Page(GATEWAY_PAGE))
}

/// 414 from a gateway that knows no JSON.
pub(crate) fn url_too_long() -> Answer {
    Answer::new(414, Content::Page(LONG_URL_PAGE))
}
