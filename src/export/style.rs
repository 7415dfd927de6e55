//! Rows as bytes: CSV after RFC 4180, or one JSON object a line.

use std::borrow::Cow;
use std::io::{self, Write};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::id::{BatchId, EntryId, RecordId, RequestId};
use crate::domain::merkle::Hash;
use crate::domain::target::named_set;
use crate::domain::time::Timestamp;
use crate::export::cell::{harmless, push_field, visible};

named_set!(
    /// How rows are written.
    Format, "format", {
        /// RFC 4180: a header, CRLF at the end of each line, quotes where needed.
        Csv = "csv",
        /// One JSON object a line, with the columns' names as keys.
        Jsonl = "jsonl",
    }
);

/// What stands between the cells of a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(u8);

/// The text is no delimiter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("choose one of , ; | or tab")]
pub struct DelimiterError;

impl Delimiter {
    /// A comma, as RFC 4180 has it.
    pub const COMMA: Self = Self(b',');
}

impl FromStr for Delimiter {
    type Err = DelimiterError;

    fn from_str(text: &str) -> Result<Self, DelimiterError> {
        match text {
            "," => Ok(Self(b',')),
            ";" => Ok(Self(b';')),
            "|" => Ok(Self(b'|')),
            "\t" | "\\t" | "tab" => Ok(Self(b'\t')),
            _ => Err(DelimiterError),
        }
    }
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// CSV or JSON.
    pub format: Format,
    /// What stands between cells.
    pub delimiter: Delimiter,
    /// Whether a byte order mark comes first, by which Excel knows UTF-8.
    pub bom: bool,
    /// Whether Zoho's ids are bare digits in CSV. Spreadsheets round those.
    pub bare_ids: bool,
    /// Whether texts stay as they are, formulas and control characters included.
    pub raw: bool,
    /// The value of a key `type` that each JSON object begins with.
    pub row_type: Option<&'static str>,
}

impl Style {
    /// CSV as it is unless somebody asks for something else.
    pub const fn csv() -> Self {
        Self {
            format: Format::Csv,
            delimiter: Delimiter::COMMA,
            bom: false,
            bare_ids: false,
            raw: false,
            row_type: None,
        }
    }

    /// One JSON object a line.
    pub const fn jsonl() -> Self {
        Self { format: Format::Jsonl, ..Self::csv() }
    }
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// Nothing there: an empty cell, or null.
    Empty,
    /// What somebody else wrote.
    Text(Cow<'a, str>),
    /// A word of our own, such as a state.
    Word(&'static str),
    /// A number of our own with its letter, such as `E1`.
    Own(u8, i64),
    /// Zoho's id of something.
    Zoho(RecordId),
    /// A count.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// A time.
    Time(Timestamp),
    /// A hash.
    Hash(Hash),
    /// Several texts: an array, or joined by `;`.
    List(&'a [String]),
    /// A JSON document of our own.
    Json(&'a str),
}

impl<'a> Cell<'a> {
    /// A text of somebody else; an empty one is nothing.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// A text that may be missing.
    pub(super) fn some_text(text: Option<&'a String>) -> Self {
        text.map_or(Self::Empty, |text| Self::text(text.as_str()))
    }

    /// An entry's number.
    pub(super) fn entry(id: EntryId) -> Self {
        Self::Own(b'E', id.get())
    }

    /// A request's number.
    pub(super) fn request(id: RequestId) -> Self {
        Self::Own(b'R', id.get())
    }

    /// A batch's number.
    pub(super) fn batch(id: BatchId) -> Self {
        Self::Own(b'B', id.get())
    }

    /// A value that may be missing.
    pub(super) fn some<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Empty, cell)
    }
}

/// Rows on their way out.
pub(super) struct Rows<'w> {
    out: &'w mut dyn Write,
    style: Style,
    columns: &'static [&'static str],
    /// Bytes that were not handed on yet.
    pub(super) buffer: Vec<u8>,
}

/// Handed on when it holds this much.
const BUFFER: usize = 64 * 1024;

impl<'w> Rows<'w> {
    /// Begins with the header, where the format has one.
    pub(super) fn begin(
        out: &'w mut dyn Write,
        style: Style,
        columns: &'static [&'static str],
    ) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER * 2);
        if style.format == Format::Csv {
            if style.bom {
                buffer.extend_from_slice("\u{feff}".as_bytes());
            }
            for (position, column) in columns.iter().enumerate() {
                if position > 0 {
                    buffer.push(style.delimiter.0);
                }
                buffer.extend_from_slice(column.as_bytes());
            }
            buffer.extend_from_slice(b"\r\n");
        }
        Self { out, style, columns, buffer }
    }

    /// A whole row.
    pub(super) fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        self.push_cells(&mut buffer, 0, cells);
        self.push_end(&mut buffer);
        self.buffer = buffer;
        self.spill()
    }

    /// Appends cells that stand from a column on, each with what joins it to the one before.
    pub(super) fn push_cells(&self, bytes: &mut Vec<u8>, from: usize, cells: &[Cell<'_>]) {
        for (column, cell) in (from..).zip(cells) {
            match self.style.format {
                Format::Csv => {
                    if column > 0 {
                        bytes.push(self.style.delimiter.0);
                    }
                    self.push_csv(bytes, cell);
                }
                Format::Jsonl => {
                    bytes.push(if column > 0 { b',' } else { b'{' });
                    if let (0, Some(kind)) = (column, self.style.row_type) {
                        bytes.extend_from_slice(br#""type":""#);
                        bytes.extend_from_slice(kind.as_bytes());
                        bytes.extend_from_slice(br#"","#);
                    }
                    bytes.push(b'"');
                    let name = self.columns.get(column).copied().unwrap_or_default();
                    bytes.extend_from_slice(name.as_bytes());
                    bytes.extend_from_slice(br#"":"#);
                    push_json(bytes, cell);
                }
            }
        }
    }

    /// Appends the end of a row.
    pub(super) fn push_end(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(match self.style.format {
            Format::Csv => b"\r\n",
            Format::Jsonl => b"}\n",
        });
    }

    /// Hands on what has gathered, once it is worth it.
    pub(super) fn spill(&mut self) -> io::Result<()> {
        if self.buffer.len() < BUFFER {
            return Ok(());
        }
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Hands on the rest.
    pub(super) fn end(self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.out.flush()
    }

    fn push_csv(&self, bytes: &mut Vec<u8>, cell: &Cell<'_>) {
        match cell {
            Cell::Empty => {}
            Cell::Text(text) => self.push_csv_text(bytes, text),
            Cell::Json(text) => push_field(bytes, text, self.style.delimiter.0),
            Cell::List(texts) => self.push_csv_text(bytes, &texts.join(";")),
            Cell::Word(word) => bytes.extend_from_slice(word.as_bytes()),
            Cell::Own(letter, number) => push_own(bytes, *letter, *number),
            Cell::Zoho(id) => {
                if !self.style.bare_ids {
                    bytes.extend_from_slice(b"zcrm_");
                }
                push_digits(bytes, id.get().unsigned_abs());
            }
            Cell::Number(number) => push_digits(bytes, *number),
            Cell::Flag(flag) => bytes.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Cell::Time(time) => bytes.extend_from_slice(time.to_string().as_bytes()),
            Cell::Hash(hash) => bytes.extend_from_slice(hash.to_string().as_bytes()),
        }
    }

    /// A spreadsheet would run some texts, and a terminal that shows the file would obey others.
    fn push_csv_text(&self, bytes: &mut Vec<u8>, text: &str) {
        let delimiter = self.style.delimiter.0;
        if self.style.raw {
            return push_field(bytes, text, delimiter);
        }
        let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        let text = harmless(text);
        if !text.contains(acts) {
            return push_field(bytes, &text, delimiter);
        }
        let mut clean = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            if acts(c) {
                clean.extend(c.escape_unicode());
            } else {
                clean.push(c);
            }
        }
        push_field(bytes, &clean, delimiter);
    }
}

fn push_json(bytes: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Empty => bytes.extend_from_slice(b"null"),
        Cell::Text(text) => push_json_text(bytes, text),
        Cell::Word(word) => push_json_text(bytes, word),
        Cell::Own(letter, number) => {
            bytes.push(b'"');
            push_own(bytes, *letter, *number);
            bytes.push(b'"');
        }
        Cell::Zoho(id) => {
            bytes.push(b'"');
            push_digits(bytes, id.get().unsigned_abs());
            bytes.push(b'"');
        }
        Cell::Number(number) => push_digits(bytes, *number),
        Cell::Flag(flag) => bytes.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Cell::Time(time) => push_json_text(bytes, &time.to_string()),
        Cell::Hash(hash) => push_json_text(bytes, &hash.to_string()),
        Cell::List(texts) => {
            bytes.push(b'[');
            for (position, text) in texts.iter().enumerate() {
                if position > 0 {
                    bytes.push(b',');
                }
                push_json_text(bytes, text);
            }
            bytes.push(b']');
        }
        Cell::Json(text) => bytes.extend_from_slice(text.as_bytes()),
    }
}

/// A JSON string. What a terminal would obey, or nobody would see, is escaped: nothing is lost by it.
fn push_json_text(bytes: &mut Vec<u8>, text: &str) {
    let hidden = |text: &str| matches!(visible(text), Cow::Owned(_));
    let some_hidden = hidden(text);
    bytes.push(b'"');
    for c in text.chars() {
        let mut utf8 = [0; 4];
        let one: &str = c.encode_utf8(&mut utf8);
        match c {
            '"' => bytes.extend_from_slice(br#"\""#),
            '\\' => bytes.extend_from_slice(br"\\"),
            '\n' => bytes.extend_from_slice(br"\n"),
            '\r' => bytes.extend_from_slice(br"\r"),
            '\t' => bytes.extend_from_slice(br"\t"),
            _ if some_hidden && hidden(one) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    bytes.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
            _ => bytes.extend_from_slice(one.as_bytes()),
        }
    }
    bytes.push(b'"');
}

/// `E1337`
fn push_own(bytes: &mut Vec<u8>, letter: u8, number: i64) {
    bytes.push(letter);
    push_digits(bytes, number.unsigned_abs());
}

/// A number in decimal; formatting a million ids the usual way would cost more than reading them.
fn push_digits(bytes: &mut Vec<u8>, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    bytes.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}
