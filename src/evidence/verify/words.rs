//! What an answer says, read once more by a reader of its own: code and message of an item, or of a call.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::codes::is_code;

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
        // What is no code is not recorded as one.
        let given = if is_code(&self.code) { self.code.as_ref() } else { "" };
        given == code && is_cut(&self.message, MESSAGE_MAX, message)
    }
}

fn is_cut(whole: &str, characters: usize, recorded: &str) -> bool {
    if whole.len() <= characters {
        return whole == recorded;
    }
    whole.chars().take(characters).eq(recorded.chars())
}

/// The item that was read last. Most items of an answer differ by their ids alone, and need not be parsed
/// one by one.
#[derive(Debug, Default)]
pub(super) struct LastItem {
    slice: Vec<u8>,
    /// The digits of its id: a string or a number of their own, and no part of the words.
    id: Range<usize>,
    words: Words<'static>,
}

/// Ids have as many digits at least.
const ID_DIGITS: usize = 10;

impl LastItem {
    /// What an item's own bytes say; `None` when they are no JSON object.
    pub(super) fn read(&mut self, slice: &[u8]) -> Option<&Words<'static>> {
        if !self.is_like(slice) {
            let words = of_item(slice)?;
            self.words = Words {
                code: Cow::Owned(words.code.into_owned()),
                message: Cow::Owned(words.message.into_owned()),
            };
            self.id = id_in(slice, &self.words).unwrap_or(0..0);
            self.slice.clear();
            self.slice.extend_from_slice(slice);
        }
        Some(&self.words)
    }

    /// Whether an item differs from the last one in the digits of its id only.
    fn is_like(&self, slice: &[u8]) -> bool {
        let Range { start, end } = self.id;
        end > start
            && slice.len() == self.slice.len()
            && slice.get(..start) == self.slice.get(..start)
            && slice.get(end..) == self.slice.get(end..)
            && slice.get(start..end).is_some_and(|id| id.iter().all(u8::is_ascii_digit))
    }
}

/// The first run of digits that can be an id.
fn id_in(slice: &[u8], words: &Words<'_>) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(start) = slice.get(from..)?.iter().position(u8::is_ascii_digit) {
        let start = from + start;
        let digits = slice.get(start..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        from = start + digits;
        let alone = matches!(slice.get(start.checked_sub(1)?), Some(b'"' | b':'))
            && matches!(slice.get(from), Some(b'"' | b',' | b'}'));
        let id = str::from_utf8(slice.get(start..from)?).ok()?;
        if alone && digits >= ID_DIGITS && !words.code.contains(id) && !words.message.contains(id) {
            return Some(start..from);
        }
    }
    None
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
    fn items_that_differ_by_their_id_alone_say_the_same_and_no_others_do() {
        let item = |id: &str, message: &str| {
            format!(r#"{{"code":"SUCCESS","details":{{"id":"{id}"}},"message":"{message}"}}"#)
        };
        let mut last = LastItem::default();
        for (id, message) in [
            ("410405000002264040", "record deleted"),
            ("410405000002264041", "record deleted"),
            ("410405000002264041", "record deleteD"),
            ("41040500000226404", "record deleted!"),
            ("410405000002264041", "410405000002264041"),
            ("410405000002264042", "410405000002264042"),
            ("410405000002264043", "410405000002264042"),
        ] {
            let slice = item(id, message);
            let words = last.read(slice.as_bytes()).unwrap();
            assert!(words.are("SUCCESS", message), "{slice}: {words:?}");
        }
        // Digits of an escape are no id.
        let escaped = |digits: &str| format!(r#"{{"code":"\u{digits}","message":"m"}}"#);
        for digits in ["0041000000", "0042000000"] {
            let slice = escaped(digits);
            let direct = of_item(slice.as_bytes()).unwrap();
            assert_eq!(last.read(slice.as_bytes()).unwrap(), &direct);
        }
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
