//! Reads the answer to a write call: any HTTP status, any of the envelopes, any bytes.
//!
//! The HTTP status decides nothing: the OAS JSON declares 200 for answers with refused items, the OAS
//! YAML 207, or 400 when all are refused, with the same items inside. Nor does an item's `status`: OAS
//! `recycle_bin.json` has `success` beside the code `CANNOT_DELETE`.
//!
//! Where two readers could disagree (a field twice, two envelopes, a list for an object) the answer
//! counts as unreadable as a whole, and its items are looked up instead.

use std::ops::Range;

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::domain::answer::{AnswerItem, ParsedAnswer, RawAnswer, Unreadable, Verdict};
use crate::domain::codes::is_code;
use crate::zoho::wire::{
    Elements, capped, is_list, is_object, number, object, record_id, tag_names, text,
};

/// How much of a permission's name is kept, in characters. The whole stays in the recorded body.
const PERMISSION_MAX: usize = 100;
/// How much of a message or another detail is kept, in characters.
const MESSAGE_MAX: usize = 500;
/// How many permissions are kept.
const PERMISSIONS_MAX: usize = 20;

/// The top of every known shape.
#[derive(Debug, Deserialize)]
struct Top<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    tags: Option<&'a RawValue>,
    #[serde(borrow)]
    mass_delete: Option<&'a RawValue>,
    #[serde(borrow)]
    recycle_bin: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    details: Option<&'a RawValue>,
    /// OAuth's errors, and API errors of an older form.
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    /// What the older form says beside it.
    #[serde(borrow)]
    error_info: Option<&'a RawValue>,
    #[serde(borrow)]
    error_description: Option<&'a RawValue>,
}

/// One item of an envelope.
#[derive(Debug, Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    details: Option<&'a RawValue>,
}

/// What is kept of `details`.
#[derive(Debug, Default, Deserialize)]
struct Details<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    json_path: Option<&'a RawValue>,
    #[serde(borrow)]
    api_name: Option<&'a RawValue>,
    /// What an untag leaves on the record.
    #[serde(borrow)]
    tags: Option<&'a RawValue>,
    /// `param` in the OAS JSON, `param_name` on the pages.
    #[serde(borrow)]
    param_name: Option<&'a RawValue>,
    #[serde(borrow)]
    param: Option<&'a RawValue>,
    #[serde(borrow)]
    resource_path_index: Option<&'a RawValue>,
    #[serde(borrow)]
    permissions: Option<&'a RawValue>,
    #[serde(borrow)]
    job_id: Option<&'a RawValue>,
}

/// Reads an answer. Never fails: what cannot be read is said to be unreadable, and why.
///
/// A cut body proves nothing, even where its JSON is complete by luck. A code that is missing reads as
/// the empty text, which is no code of Zoho's.
pub fn parse(answer: &RawAnswer) -> ParsedAnswer {
    if answer.cut { ParsedAnswer::Unreadable(Unreadable::Cut) } else { parse_body(&answer.body) }
}

/// Reads a body that came complete.
pub(super) fn parse_body(body: &[u8]) -> ParsedAnswer {
    read_body(body).unwrap_or_else(ParsedAnswer::Unreadable)
}

fn read_body(body: &[u8]) -> Result<ParsedAnswer, Unreadable> {
    let (body, top) = read_top(body)?;
    let mut envelopes =
        [top.data, top.tags, top.mass_delete, top.recycle_bin].into_iter().flatten();
    match (envelopes.next(), envelopes.next()) {
        (Some(envelope), None) => read_envelope(body, envelope).map(ParsedAnswer::Items),
        (None, _) => read_call(&top).map(ParsedAnswer::Call),
        (Some(_), Some(_)) => Err(Unreadable::Strange),
    }
}

/// The verdict of an answer that speaks of the call as a whole; `None` where it holds rows of any kind.
pub(super) fn call_verdict(body: &[u8]) -> Option<Verdict> {
    match read_body(body) {
        Ok(ParsedAnswer::Call(verdict)) => Some(verdict),
        Ok(ParsedAnswer::Items(_) | ParsedAnswer::Unreadable(_)) | Err(_) => None,
    }
}

fn read_top(body: &[u8]) -> Result<(&str, Top<'_>), Unreadable> {
    let body = str::from_utf8(body).map_err(|_| Unreadable::NotJson)?;
    let first = body.trim_ascii_start();
    if first.is_empty() {
        return Err(Unreadable::Empty);
    }
    let why = |error: serde_json::Error| match error.classify() {
        Category::Eof => Unreadable::Cut,
        Category::Syntax | Category::Io => Unreadable::NotJson,
        Category::Data => Unreadable::Strange,
    };
    if first.starts_with('{') {
        serde_json::from_str(body).map(|top| (body, top)).map_err(why)
    } else {
        let other: Result<&RawValue, _> = serde_json::from_str(body);
        Err(other.map_or_else(why, |_| Unreadable::Strange))
    }
}

/// An envelope holds a list of items, one item without a list (CRM v7 Delete Tag page), or a list in a
/// list (OAS JSON, status of the `mass_delete` of tags).
fn read_envelope(body: &str, envelope: &RawValue) -> Result<Vec<AnswerItem>, Unreadable> {
    let mut items = Vec::new();
    for element in elements(envelope)? {
        if is_list(element) {
            for inner in elements(element)? {
                items.push(read_item(body, inner)?);
            }
        } else {
            items.push(read_item(body, element)?);
        }
        if items.len() > crate::zoho::wire::MAX_ELEMENTS {
            return Err(Unreadable::Strange);
        }
    }
    Ok(items)
}

fn elements(raw: &RawValue) -> Result<Vec<&RawValue>, Unreadable> {
    if is_object(raw) {
        return Ok(vec![raw]);
    }
    serde_json::from_str::<Elements<'_>>(raw.get())
        .map(|list| list.0)
        .map_err(|_| Unreadable::Strange)
}

fn read_item(body: &str, raw: &RawValue) -> Result<AnswerItem, Unreadable> {
    let item: Item<'_> = object(raw).ok_or(Unreadable::Strange)?;
    let details = read_details(item.details)?;
    Ok(AnswerItem {
        id: details.id.and_then(record_id),
        verdict: verdict(item.code, item.message, &details)?,
        tags: details.tags.and_then(tag_names),
        slice: place(body, raw.get()).ok_or(Unreadable::Strange)?,
    })
}

fn read_call(top: &Top<'_>) -> Result<Verdict, Unreadable> {
    let details = read_details(top.details)?;
    if top.code.is_none() && top.error.is_none() {
        return Err(Unreadable::Strange);
    }
    let mut verdict = verdict(top.code.or(top.error), top.message, &details)?;
    if verdict.message.is_empty() {
        // The older form has its word in `error` beside a number in `code`.
        let said = [top.code.and(top.error), top.error_info, top.error_description];
        let said: Vec<_> = said.into_iter().flatten().filter_map(text).collect();
        verdict.message = capped(&said.join(": "), MESSAGE_MAX);
    }
    Ok(verdict)
}

/// `details` of another kind than an object (`[]` in the older form) says nothing.
fn read_details(raw: Option<&RawValue>) -> Result<Details<'_>, Unreadable> {
    match raw {
        Some(raw) if is_object(raw) => object(raw).ok_or(Unreadable::Strange),
        Some(_) | None => Ok(Details::default()),
    }
}

fn verdict(
    code: Option<&RawValue>,
    message: Option<&RawValue>,
    details: &Details<'_>,
) -> Result<Verdict, Unreadable> {
    let short = |raw: Option<&RawValue>| raw.and_then(text).map(|text| capped(&text, MESSAGE_MAX));
    let code = match code {
        Some(raw) => {
            let code = text(raw).ok_or(Unreadable::Strange)?;
            if is_code(&code) { code.into_owned() } else { String::new() }
        }
        None => String::new(),
    };
    Ok(Verdict {
        code,
        message: short(message).unwrap_or_default(),
        json_path: short(details.json_path),
        api_name: short(details.api_name),
        param: short(details.param_name.or(details.param)),
        id: short(details.id),
        resource_path_index: details.resource_path_index.and_then(number),
        permissions: details.permissions.map(permissions).unwrap_or_default(),
        job_id: short(details.job_id),
    })
}

fn permissions(raw: &RawValue) -> Vec<String> {
    serde_json::from_str::<Elements<'_>>(raw.get())
        .map(|list| list.0)
        .unwrap_or_default()
        .into_iter()
        .filter_map(text)
        .take(PERMISSIONS_MAX)
        .map(|permission| capped(&permission, PERMISSION_MAX))
        .collect()
}

/// Where a part that was borrowed from the body stands in it.
fn place(body: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= body.len()).then_some(start..end)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
