//! Outside text on its way to a terminal or a log (CWE-150, "Improper Neutralization of Escape,
//! Meta, or Control Sequences").

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character acts instead of being seen: control characters (a terminal obeys them, a
/// line break forges a line), directions (they reorder what is read) and invisible ones (they
/// make two different names look the same).
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The text with every character that acts written out as `\u{…}`. Tabs and line breaks too: what
/// comes out is one line.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            clean.extend(c.escape_unicode());
        } else {
            clean.push(c);
        }
    }
    Cow::Owned(clean)
}

/// Compact JSON with the same characters as JSON's own escapes, so that nothing is lost: outside
/// of strings there are none, and the serializer has already escaped those below U+0020.
pub fn harmless_json(json: &str) -> Cow<'_, str> {
    if !json.contains(acts) {
        return Cow::Borrowed(json);
    }
    let mut clean = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into a string cannot fail.
                write!(clean, "\\u{unit:04x}").ok();
            }
        } else {
            clean.push(c);
        }
    }
    Cow::Owned(clean)
}

/// How many columns a text takes on a terminal: two for East Asian wide characters and most
/// pictures, none for accents that combine. An estimate; terminals themselves differ.
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{fe20}'..='\u{fe2f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// The text cut to so many columns, with `…` where something is missing.
pub fn shortened(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut left = columns.saturating_sub(1);
    let mut short = String::new();
    for c in text.chars() {
        let Some(rest) = left.checked_sub(char_width(c)) else {
            break;
        };
        left = rest;
        short.push(c);
    }
    short.push('…');
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_out_and_the_rest_stays() {
        for (given, shown) in [
            ("Müller & Söhne 東京 👩", "Müller & Söhne 東京 👩"),
            ("\u{1b}[2J\u{1b}]0;x\u{7}", "\\u{1b}[2J\\u{1b}]0;x\\u{7}"),
            ("a\nerror: b\r\t", "a\\u{a}error: b\\u{d}\\u{9}"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
            ("pay\u{200b}pal\u{2066}\u{feff}", "pay\\u{200b}pal\\u{2066}\\u{feff}"),
            ("\u{2028}\u{2029}\u{e0041}", "\\u{2028}\\u{2029}\\u{e0041}"),
            ("\0", "\\u{0}"),
        ] {
            assert_eq!(harmless(given), shown);
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        let hostile = "\u{1b}\u{9b}\u{7f}\u{202e}\u{e0041}\"\\é";
        let json = serde_json::to_string(hostile).unwrap();
        let clean = harmless_json(&json);
        assert!(!clean.contains(acts));
        assert!(clean.contains("\\udb40\\udc41"));
        assert_eq!(serde_json::from_str::<String>(&clean).unwrap(), hostile);
    }

    #[test]
    fn columns_are_counted_as_terminals_do() {
        assert_eq!(width("abc"), 3);
        assert_eq!(width("東京"), 4);
        assert_eq!(width("e\u{301}"), 1);
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdef", 4), "abc…");
        assert_eq!(shortened("東京都", 4), "東…");
        assert_eq!(shortened("abc", 0), "…");
    }

    proptest::proptest! {
        #[test]
        fn no_text_comes_through_with_a_character_that_acts(text in proptest::prelude::any::<String>()) {
            let clean = harmless(&text);
            proptest::prop_assert!(!clean.contains(acts));
            proptest::prop_assert!(!clean.chars().any(char::is_control));
            let json = serde_json::to_string(&text).unwrap();
            let clean = harmless_json(&json);
            proptest::prop_assert!(!clean.contains(acts));
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&clean).unwrap(), text);
        }
    }
}
