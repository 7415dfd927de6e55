//! JSON as Zoho writes it, which is not always as it documents it: numbers for strings, arrays for
//! objects. Values are kept as the text in which they stand, so that no digit of an id is lost.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::id::RecordId;
use crate::domain::time::Timestamp;

/// How many elements of a list are taken. No call asks about more than 500; a body of the greatest size
/// could otherwise hold millions of empty ones, each costing far more memory than it has bytes.
pub(super) const MAX_ELEMENTS: usize = 1_000;

/// A list's elements, unread.
#[derive(Debug)]
pub(super) struct Elements<'a>(pub(super) Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MAX_ELEMENTS} elements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    if elements.len() == MAX_ELEMENTS {
                        return Err(A::Error::custom("too many elements"));
                    }
                    elements.push(element);
                }
                Ok(elements)
            }
        }

        deserializer.deserialize_seq(List).map(Self)
    }
}

/// Reads an object's fields. Lists are refused, which derived code would take for an object's values in
/// order; so are objects that hold a field twice, since two readers may take either.
pub(super) fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    if is_object(raw) { serde_json::from_str(raw.get()).ok() } else { None }
}

/// A field that is there, whatever it holds: serde takes `null` for a field that is missing.
pub(super) fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Whether the value is an object.
pub(super) fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

/// Whether the value is a list.
pub(super) fn is_list(raw: &RawValue) -> bool {
    raw.get().starts_with('[')
}

/// The text of a string, or a number's digits as they stand; `None` for everything else.
pub(super) fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let json = raw.get();
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => Some(Cow::Borrowed(inner)),
        Some(_) => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
        None if json.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            Some(Cow::Borrowed(json))
        }
        None => None,
    }
}

/// An id, written as a string or as a number; bare digits only.
pub(super) fn record_id(raw: &RawValue) -> Option<RecordId> {
    let text = text(raw)?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A time; `None` where it is none.
pub(super) fn time(raw: &RawValue) -> Option<Timestamp> {
    text(raw)?.parse().ok()
}

/// A whole number, written as a number or as a string.
pub(super) fn number(raw: &RawValue) -> Option<u64> {
    text(raw)?.parse().ok()
}

/// `true` or `false`; `None` for everything else.
pub(super) fn boolean(raw: &RawValue) -> Option<bool> {
    match raw.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The names of tags: objects with a `name` (CRM), or strings (Bigin v2 Remove Tags page). `null` is none.
/// `None` where something else stands there, since a tag that is overlooked would look removed.
pub(super) fn tag_names(raw: &RawValue) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Tag<'a> {
        #[serde(borrow)]
        name: Option<&'a RawValue>,
    }
    if raw.get() == "null" {
        return Some(Vec::new());
    }
    let name = |raw: &&RawValue| {
        let name = if is_object(raw) { object::<Tag<'_>>(raw)?.name? } else { *raw };
        name.get().starts_with('"').then(|| text(name)).flatten().map(Cow::into_owned)
    };
    serde_json::from_str::<Elements<'_>>(raw.get()).ok()?.0.iter().map(name).collect()
}

/// The first so many characters.
pub(super) fn capped(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_id_keeps_every_digit_in_either_form() {
        let id: RecordId = "9007199254740993001".parse().unwrap();
        assert_eq!(record_id(raw("9007199254740993001")), Some(id));
        assert_eq!(record_id(raw("\"9007199254740993001\"")), Some(id));
        assert_eq!(record_id(raw("\"\\u0039007199254740993001\"")), Some(id));
        for not in [
            "9.007199254740993e18",
            "-9007199254740993001",
            "\"zcrm_9007199254740993001\"",
            "\" 9007199254740993001\"",
            "\"\"",
            "null",
            "true",
            "{}",
            "[\"9007199254740993001\"]",
        ] {
            assert_eq!(record_id(raw(not)), None, "{not}");
        }
    }

    #[test]
    fn a_lone_surrogate_is_no_text() {
        assert_eq!(text(raw("\"\\ud800\"")), None);
        assert_eq!(text(raw("\"a\\\"b\"")).unwrap(), "a\"b");
    }

    #[test]
    fn a_list_has_a_bound() {
        let list = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        let read = |json: &str| serde_json::from_str::<Elements<'_>>(json).map(|list| list.0.len());
        assert_eq!(read(&list(MAX_ELEMENTS)).unwrap(), MAX_ELEMENTS);
        assert!(read(&list(MAX_ELEMENTS + 1)).is_err());
    }
}
