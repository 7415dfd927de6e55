//! Calls as templates: what stands between braces is filled in when the bytes are made.
//!
//! The journal keeps template, ids, tags and parent apart, so that one of them can be forgotten; from all of
//! them together an auditor gets the exact request again.

use crate::domain::id::RecordId;
use crate::domain::scope::{Scope, TagSet};

/// One write call, without host and token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRequest {
    /// The HTTP method, in capitals.
    pub method: String,
    /// Path and query as they stand in the request line; ids are joined by bare commas.
    pub path_and_query: String,
    /// The body; `None` where the call has none.
    pub body: Option<Vec<u8>>,
}

/// The text is no template of a call, or does not suit what is to be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no template for these items")]
pub struct BadTemplate(String);

/// What is filled into a template beside the ids.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// The ids, in the order in which they are sent.
    pub ids: &'a [RecordId],
    /// What the items have in common.
    pub scope: &'a Scope,
    /// Zoho's id of the module, where the call names it.
    pub module_id: Option<RecordId>,
}

/// Replaces each `{name}` that `value` knows, in one pass: what is filled in is never looked at again, so
/// that a tag called `{ids}` stays one.
pub(crate) fn fill(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let name = after.split_once('}').map(|(name, _)| name).unwrap_or_default();
        let known = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        match value(name).filter(|_| known && !name.is_empty()) {
            Some(value) => {
                filled.push_str(&value);
                rest = after.get(name.len() + 1..).unwrap_or_default();
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// The names of tags as a query takes them: percent-encoded, joined by bare commas.
pub(crate) fn tag_names(tags: &TagSet) -> String {
    let names: Vec<String> =
        tags.names().iter().map(|name| percent_encoded(name.as_str())).collect();
    names.join(",")
}

/// RFC 3986: everything but unreserved characters.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    let hex =
        |digit: u8| char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    encoded
}

fn joined<T>(items: &[T], one: impl Fn(&T) -> String) -> String {
    items.iter().map(one).collect::<Vec<_>>().join(",")
}

/// The bytes of a call, from its template and what goes into it.
pub fn request(template: &str, filling: Filling<'_>) -> Result<WriteRequest, BadTemplate> {
    let bad = || BadTemplate(template.escape_debug().take(120).collect());
    let Filling { ids, scope, module_id } = filling;
    // Exactly one place for the ids: a list that is sent twice, or not at all, is another call.
    let lists = ["{ids}", "{quoted_ids}", "{tag_ids}"];
    let many: usize = lists.iter().map(|list| template.matches(list).count()).sum();
    let one = template.matches("{id}").count();
    if ids.is_empty() || many + one != 1 || (one == 1 && ids.len() != 1) {
        return Err(bad());
    }
    let mut missing = false;
    let mut need = |value: Option<String>| {
        missing |= value.is_none();
        value
    };
    let filled = fill(template, |name| match name {
        "ids" | "id" => Some(joined(ids, ToString::to_string)),
        "quoted_ids" => Some(joined(ids, |id| format!("\"{id}\""))),
        "tag_ids" => Some(joined(ids, |id| format!("{{\"id\":\"{id}\"}}"))),
        "parent" => need(scope.parent().map(|parent| parent.to_string())),
        "module_id" => need(module_id.map(|id| id.to_string())),
        "tag_names" => need(scope.tags().map(tag_names)),
        "tags" => need(scope.tags().map(|tags| {
            joined(tags.names(), |name| {
                // A string always serialises.
                let name = serde_json::to_string(name).unwrap_or_default();
                format!("{{\"name\":{name}}}")
            })
        })),
        _ => None,
    });
    if missing {
        return Err(bad());
    }
    let (line, body) = match filled.split_once('\n') {
        Some((line, body)) => (line, Some(body.as_bytes().to_vec())),
        None => (filled.as_str(), None),
    };
    let (method, path_and_query) = line.split_once(' ').ok_or_else(bad)?;
    let plain = !path_and_query.contains([' ', '#', '\r', '{', '}']);
    if method.is_empty() || !path_and_query.starts_with('/') || !plain {
        return Err(bad());
    }
    Ok(WriteRequest { method: method.to_owned(), path_and_query: path_and_query.to_owned(), body })
}
