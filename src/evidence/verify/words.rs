//! What an answer says, read once more by a reader of its own: code and message of an item, or of a call.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// As much of a code as is recorded, in characters.
const CODE_MAX: usize = 100;
/// As much of a message as is recorded, in characters.
const MESSAGE_MAX: usize = 500;

/// Code and message as an answer gives them, uncut.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Words<'a> {
    pub(super) code: Cow<'a, str>,
    pub(super) message: Cow<'a, str>,
}

impl Words<'_> {
    /// Whether these are the recorded words, but for what recording cuts off.
    pub(super) fn are(&self, code: &str, message: &str) -> bool {
        is_cut(&self.code, CODE_MAX, code) && is_cut(&self.message, MESSAGE_MAX, message)
    }
}

fn is_cut(whole: &str, characters: usize, recorded: &str) -> bool {
    if whole.len() <= characters {
        return whole == recorded;
    }
    whole.chars().take(characters).eq(recorded.chars())
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Call<'a> {
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
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    error_info: Option<&'a RawValue>,
    #[serde(borrow)]
    error_description: Option<&'a RawValue>,
}

/// What an item's own bytes say; `None` when they are no JSON object.
pub(super) fn of_item(slice: &[u8]) -> Option<Words<'_>> {
    if slice.first() != Some(&b'{') {
        return None;
    }
    let item: Item<'_> = serde_json::from_slice(slice).ok()?;
    Some(Words { code: text(item.code), message: text(item.message) })
}

/// What an answer says about the call as a whole; `None` when it speaks of items, or cannot be read.
pub(super) fn of_call(body: &[u8]) -> Option<Words<'_>> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let call: Call<'_> = serde_json::from_slice(body).ok()?;
    if [call.data, call.tags, call.mass_delete, call.recycle_bin].iter().any(Option::is_some) {
        return None;
    }
    let code = call.code.or(call.error)?;
    let mut message = text(call.message);
    if message.is_empty() {
        // The older form has its words in `error` beside a number in `code`.
        let parts = [call.code.and(call.error), call.error_info, call.error_description];
        let parts: Vec<Cow<'_, str>> = parts.into_iter().flatten().filter_map(plain).collect();
        message = Cow::Owned(parts.join(": "));
    }
    Some(Words { code: plain(code)?, message })
}

fn text(raw: Option<&RawValue>) -> Cow<'_, str> {
    raw.and_then(plain).unwrap_or_default()
}

/// A string's text, or a number's digits as they stand.
fn plain(raw: &RawValue) -> Option<Cow<'_, str>> {
    let json = raw.get();
    match json.as_bytes().first()? {
        b'"' => match json.get(1..json.len() - 1) {
            Some(inner) if !inner.contains('\\') => Some(Cow::Borrowed(inner)),
            _ => serde_json::from_str(json).ok().map(Cow::Owned),
        },
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(json)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_says_its_code_and_message() {
        let item = br#"{"code":"RECORD_LOCKED","details":{"id":"1"},"message":"a \u0041 b"}"#;
        let words = of_item(item).unwrap();
        assert!(words.are("RECORD_LOCKED", "a A b"));
        assert!(!words.are("RECORD_LOCKED", "a A"), "a message is cut at its limit only");
        assert!(!words.are("LOCKED", "a A b"));
        assert!(of_item(br#"{"code":4005}"#).unwrap().are("4005", ""));
        assert_eq!(of_item(b"[\"A\"]"), None);
    }

    #[test]
    fn long_words_are_recorded_up_to_their_limit() {
        let long = "ü".repeat(600);
        let item = format!(r#"{{"code":"X","message":"{long}"}}"#);
        let words = of_item(item.as_bytes()).unwrap();
        assert!(words.are("X", &"ü".repeat(500)));
        assert!(!words.are("X", &"ü".repeat(499)) && !words.are("X", &long));
    }

    #[test]
    fn a_flat_answer_speaks_of_the_call() {
        let call = of_call(br#"{"code":"INVALID_TOKEN","message":"no"}"#).unwrap();
        assert!(call.are("INVALID_TOKEN", "no"));
        let older = of_call(br#"{"code":4005,"error":"gone","error_info":"why"}"#).unwrap();
        assert!(older.are("4005", "gone: why"));
        let oauth = of_call(br#"{"error":"invalid_code","error_description":"d"}"#).unwrap();
        assert!(oauth.are("invalid_code", "d"));
        assert_eq!(of_call(br#"{"data":[{"code":"SUCCESS"}]}"#), None);
        assert_eq!(of_call(b"<html>"), None);
    }
}
