//! Answers: the envelopes of Zoho, and their way onto the wire.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, DATE, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::ordered;
use super::time::http_date;

const JSON: &str = "application/json;charset=UTF-8";

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
        /// What stands beside them.
        beside: Vec<(&'static str, Value)>,
    },
    /// One result under a key, without an array around it.
    One {
        /// The envelope's key.
        key: &'static str,
        /// The result.
        item: Value,
    },
    /// A gateway's page.
    Page(&'static str),
    /// JSON, compressed by gzip.
    Packed(Vec<u8>),
}

impl Answer {
    pub(crate) fn new(status: u16, content: Content) -> Self {
        Self { status, content, headers: Vec::new() }
    }

    pub(crate) fn json(status: u16, value: Value) -> Self {
        Self::new(status, Content::Json(value))
    }

    /// Results under a key.
    pub(crate) fn items(status: u16, key: &'static str, items: Vec<Value>) -> Self {
        Self::new(status, Content::Items { key, items, beside: Vec::new() })
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
    pub(crate) fn body(&self) -> Option<(&'static str, Vec<u8>)> {
        let as_json = |value: &Value| (JSON, ordered::write(value).into_bytes());
        match &self.content {
            Content::Empty => None,
            Content::Json(value) => Some(as_json(value)),
            Content::Items { key, items, beside } => {
                let mut body = json!({ *key: items });
                if let Some(body) = body.as_object_mut() {
                    body.extend(
                        beside.iter().map(|(key, value)| ((*key).to_owned(), value.clone())),
                    );
                }
                Some(as_json(&body))
            }
            Content::One { key, item } => Some(as_json(&json!({ *key: item }))),
            Content::Page(page) => Some(("text/html", page.as_bytes().to_vec())),
            Content::Packed(body) => Some((JSON, body.clone())),
        }
    }

    /// How long the body is, in bytes.
    pub(crate) fn body_length(&self) -> usize {
        self.body().map_or(0, |(_, bytes)| bytes.len())
    }

    /// The answer for hyper, with the simulator's own `Date`.
    pub(crate) fn into_response(self, now: i64) -> Response<Body> {
        let body = self.body();
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
