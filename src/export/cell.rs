//! Single cells and words: made harmless for spreadsheets, quoted for CSV, made visible for terminals.
//!
//! Pure functions over text that somebody else wrote: names in answers, cells of a file, reasons that
//! were typed. All of it is hostile until it has gone through here.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

/// Neutralises a cell that a spreadsheet would run as a formula (CWE-1236, OWASP "CSV Injection"):
/// a `'` is put before it, and the spreadsheet takes the cell as text.
///
/// Negative numbers and telephone numbers (`-5`, `+49 …`) are neutralised as well, since
/// `-5+cmd|' /C calc'!A0` begins like them. Ids, states and times never change. Applying it twice
/// changes nothing more.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if is_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn is_formula(text: &str) -> bool {
    if text.starts_with(['\t', '\r', '\n', '\0']) {
        return true;
    }
    // Importers trim blanks, quotes and invisible characters before they look for the sign.
    let skipped = |c: char| c == '"' || c.is_whitespace() || c.is_control() || is_hidden(c);
    text.trim_start_matches(skipped).starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// Appends one CSV field, quoted as RFC 4180 wants it where it must be: when it holds the delimiter,
/// a quote, CR or LF, or begins or ends with a blank (which importers would trim).
///
/// It does not neutralise formulas; [`harmless`] comes before it.
pub fn push_field(out: &mut Vec<u8>, field: &str, delimiter: u8) {
    if !needs_quotes(field, delimiter) {
        out.extend_from_slice(field.as_bytes());
        return;
    }
    out.reserve(field.len() + 2);
    out.push(b'"');
    for piece in field.split_inclusive('"') {
        out.extend_from_slice(piece.as_bytes());
        if piece.ends_with('"') {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

/// Writes one CSV field as [`push_field`] does.
///
/// # Errors
///
/// Those of the writer.
pub fn write_field<W: io::Write + ?Sized>(
    out: &mut W,
    field: &str,
    delimiter: u8,
) -> io::Result<()> {
    if !needs_quotes(field, delimiter) {
        return out.write_all(field.as_bytes());
    }
    let mut quoted = Vec::with_capacity(field.len() + 2);
    push_field(&mut quoted, field, delimiter);
    out.write_all(&quoted)
}

fn needs_quotes(field: &str, delimiter: u8) -> bool {
    // Without an early exit the compiler looks at many bytes at once, and most fields are plain.
    let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n');
    field.bytes().fold(false, |found, byte| found | special(byte))
        || field.starts_with(char::is_whitespace)
        || field.ends_with(char::is_whitespace)
}

/// Makes outside text fit for terminals and logs (CWE-150, CWE-117): what would move the cursor,
/// change colours, reverse the reading direction or stay invisible is written out as `\u{1b}`,
/// line ends and tabs as `\n`, `\r`, `\t`. The result is always one line.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unprintable) {
        let mut shown = String::with_capacity(text.len() + 16);
        text.chars().for_each(|c| push_visible(&mut shown, c));
        Cow::Owned(shown)
    } else {
        Cow::Borrowed(text)
    }
}

/// As [`visible`], in at most `max` characters; what does not fit gives way to a final `…`.
/// Only as much of the text is looked at as is shown.
pub fn visible_short(text: &str, max: usize) -> Cow<'_, str> {
    let fits = text.chars().take(max.saturating_add(1)).count() <= max;
    if fits && !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    let mut used = 0;
    // Where the text is to be cut if it turns out not to fit: one character is left for the ellipsis.
    let mut cut = 0;
    for c in text.chars() {
        let before = shown.len();
        push_visible(&mut shown, c);
        used += shown.get(before..).map_or(0, |piece| piece.chars().count());
        if used > max {
            shown.truncate(cut);
            if max > 0 {
                shown.push('…');
            }
            break;
        }
        if used < max {
            cut = shown.len();
        }
    }
    Cow::Owned(shown)
}

fn push_visible(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        _ if is_unprintable(c) => {
            // Writing to a String cannot fail; were it to, the character would merely be missing.
            write!(shown, "\\u{{{:x}}}", u32::from(c)).unwrap_or_default();
        }
        _ => shown.push(c),
    }
}

/// C0, DEL, C1 and everything hidden.
fn is_unprintable(c: char) -> bool {
    c.is_control() || is_hidden(c)
}

/// Characters without a picture of their own: bidirectional controls (CVE-2021-42574), zero-width
/// and filler characters, line and paragraph separators, tags.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests;
