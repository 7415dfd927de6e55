//! Answers: the envelopes and flat errors of Zoho, and their way onto the wire.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, DATE, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::time::http_date;

/// What is sent back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content: Content,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// No body at all.
    Empty,
    /// One JSON value.
    Json(Value),
    /// One result per item under a key (`data`), open to faults that meddle with items.
    Items {
        /// The envelope's key.
        key: &'static str,
        /// The results.
        items: Vec<Value>,
    },
    /// A gateway's page.
    Page(&'static str),
}

const GATEWAY_PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>ZGS</center>\r\n</body>\r\n</html>\r\n";

const LONG_URL_PAGE: &str = "<html>\r\n<head><title>414 Request-URI Too Large</title></head>\r\n\
    <body>\r\n<center><h1>414 Request-URI Too Large</h1></center>\r\n</body>\r\n</html>\r\n";

impl Answer {
    pub(crate) fn new(status: u16, content: Content) -> Self {
        Self { status, content, headers: Vec::new() }
    }

    pub(crate) fn json(status: u16, value: Value) -> Self {
        Self::new(status, Content::Json(value))
    }

    /// 204: nothing there.
    pub(crate) fn nothing() -> Self {
        Self::new(204, Content::Empty)
    }

    /// A flat error for the call as a whole.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the details in place")]
    pub(crate) fn error(status: u16, code: &str, message: &str, details: Value) -> Self {
        Self::json(
            status,
            json!({"code": code, "details": details, "message": message, "status": "error"}),
        )
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The body as sent; `None` for an answer without one.
    fn bytes(&self) -> Option<(&'static str, Vec<u8>)> {
        let as_json = |value: &Value| {
            let kind = "application/json;charset=UTF-8";
            (kind, value.to_string().into_bytes())
        };
        match &self.content {
            Content::Empty => None,
            Content::Json(value) => Some(as_json(value)),
            Content::Items { key, items } => Some(as_json(&json!({ *key: items }))),
            Content::Page(page) => Some(("text/html", page.as_bytes().to_vec())),
        }
    }

    /// How long the body is, in bytes.
    pub(crate) fn body_length(&self) -> usize {
        self.bytes().map_or(0, |(_, bytes)| bytes.len())
    }

    /// The answer for hyper, with the simulator's own `Date`.
    pub(crate) fn into_response(self, now: i64) -> Response<Body> {
        let body = self.bytes();
        let kind = body.as_ref().map(|(kind, _)| *kind);
        let mut response =
            Response::new(Body::from(body.map(|(_, bytes)| bytes).unwrap_or_default()));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if let Ok(date) = HeaderValue::from_str(&http_date(now)) {
            headers.insert(DATE, date);
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

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

/// 400 (CRM v2 Delete Records page).
pub(crate) fn invalid_module() -> Answer {
    let message = "The module name given seems to be invalid";
    let details = json!({"resource_path_index": 0});
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
pub(crate) fn invalid_token() -> Answer {
    Answer::error(401, "INVALID_TOKEN", "invalid oauth token", json!({}))
}

/// 401 (CRM v2 Delete Records page).
pub(crate) fn scope_mismatch() -> Answer {
    Answer::error(401, "OAUTH_SCOPE_MISMATCH", "Unauthorized", json!({}))
}

/// 403 (CRM v2 Delete Records page), with the permission that is missing.
pub(crate) fn no_permission(message: &str, permission: &str) -> Answer {
    let details = json!({"permissions": [permission]});
    Answer::error(403, "NO_PERMISSION", message, details)
}

/// 500: flat for bulk calls, inside `data` for single ones (later `OpenAPI` texts).
pub(crate) fn internal_error(single: bool) -> Answer {
    let flat = Answer::error(500, "INTERNAL_ERROR", "Internal Server Error", json!({}));
    match (single, flat.content) {
        (true, Content::Json(item)) => {
            Answer::new(500, Content::Items { key: "data", items: vec![item] })
        }
        (_, content) => Answer::new(500, content),
    }
}

/// 429 for too many calls at once.
pub(crate) fn too_many_calls() -> Answer {
    let message = "too many requests: the concurrency limit has been reached";
    Answer::error(429, "TOO_MANY_REQUESTS", message, json!({}))
}

/// 429 for a day's credits used up, in the older form, whose `code` is a number.
pub(crate) fn credits_used_up() -> Answer {
    Answer::json(
        429,
        json!({
            "code": 429,
            "error": "TOO_MANY_REQUESTS",
            "error_info": "Many requests fired than the allowed limit for the past 24 hours.",
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
