//! From arguments, standard input, plain lists and CSV files to validated ids.
//!
//! Everything is read and judged before anything is recorded, so a request is recorded whole or not
//! at all. The input is streamed: what is held is 32 bytes an id, and what was invalid. A file
//! that could be misread (which column, which encoding, rounded, an open quote) is refused as a
//! whole; a row that is invalid is reported and left to the caller, who knows of `--skip-invalid`.

mod checked;
mod collect;
mod column;
mod digits;
mod error;
mod limits;
mod rows;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Serialize, Serializer};

use crate::domain::id::RecordId;
use crate::export::cell::visible_short;
use crate::intake::collect::Collector;
pub use crate::intake::column::{ColumnRule, Things};
pub use crate::intake::error::{ColumnProblem, Encoding, IntakeError, Malformed, TooMany};
pub use crate::intake::limits::{CELL_BYTES_MAX, KEPT_BYTES_MAX, LINE_BYTES_MAX, ROWS_MAX};

/// How many characters of an outside value are shown to people.
const SHOWN_CHARS: usize = 120;

/// How many rows are echoed, so that a wrong column is noticed before anything is sent.
const FIRST_ROWS: usize = 3;

/// What an input held.
///
/// `items`, `rejected` and `duplicates` together are exactly `source.rows`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// The ids, each once (of a list of pairs, each pair once), ascending by parent and id.
    pub items: Vec<SourcedId>,
    /// The invalid rows, in the order of the input.
    pub rejected: Vec<RejectedRow>,
    /// The rows whose id (or pair) had come before, in the order of the input.
    pub duplicates: Vec<DuplicateRow>,
    /// Where all this came from.
    pub source: Source,
}

/// An id and where it stood first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourcedId {
    /// The parent that the row names; `None` unless [`ColumnRule::parent_column`] asks for one.
    pub parent: Option<RecordId>,
    /// The record (or tag).
    pub target: RecordId,
    /// The line in the file, counted from 1, header and blank lines included; for arguments the
    /// position, from 1. Where arguments and a file are combined, the file's lines are counted on
    /// from the last argument: [`Source::place`] tells which is which.
    pub row: u32,
}

/// Where something stood, counted from 1. Arguments come before lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The position among the arguments.
    Argument(u32),
    /// The line in the file on which the row begins.
    Line(u32),
}

impl Place {
    /// The bare number, as JSON and CSV give it.
    pub fn number(self) -> u64 {
        let (Self::Argument(number) | Self::Line(number)) = self;
        u64::from(number)
    }

    fn of_row(row: u32, arguments: u32) -> Self {
        match row.checked_sub(arguments) {
            None | Some(0) => Self::Argument(row),
            Some(line) => Self::Line(line),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(number) => write!(f, "argument {number}"),
            Self::Line(number) => write!(f, "line {number}"),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.number())
    }
}

/// A row that holds no id. Serialises as `{"line":N,"value":"…","reason":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedRow {
    /// Where it stood.
    #[serde(rename = "line")]
    pub place: Place,
    /// The cell as given, hostile text, cut to [`CELL_BYTES_MAX`] bytes.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

impl RejectedRow {
    /// The value fit for a terminal, in at most 120 characters.
    pub fn shown(&self) -> String {
        visible_short(&self.value, SHOWN_CHARS).into_owned()
    }
}

/// A row whose id had come before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateRow {
    /// Where it stood.
    pub place: Place,
    /// The parent that it names, of a pair.
    pub parent: Option<RecordId>,
    /// Its id.
    pub value: RecordId,
    /// Where the id (or pair) stood first; that row counts.
    pub first: Place,
}

/// Where ids came from. `first_rows` is for the screen only and is never recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's name without its folder, `standard input`, or `command line`; both joined by "and"
    /// where ids were given as well. Outside text.
    pub name: String,
    /// How many ids were given as arguments.
    pub arguments: u32,
    /// How many rows were read: arguments, and lines of the file that are neither header nor blank.
    pub rows: u64,
    /// The file; `None` for arguments alone.
    pub file: Option<SourceFile>,
    /// The first three rows of the file, or of the arguments where there is no file.
    pub first_rows: Vec<FirstRow>,
}

impl Source {
    /// Says where a [`SourcedId::row`] stood.
    pub fn place(&self, row: u32) -> Place {
        Place::of_row(row, self.arguments)
    }
}

/// A file that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name without its folder, or `standard input`. Outside text.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes exactly as they were read, byte order mark included.
    pub sha256: [u8; 32],
    /// What it is.
    pub layout: Layout,
}

/// How a file holds its ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// One id a line, no header.
    PlainList,
    /// A CSV file with a header.
    Csv {
        /// The column that was taken. Outside text.
        column: String,
        /// The column with the parents, of a list of pairs. Outside text.
        parent_column: Option<String>,
        /// `,` `;` or tab.
        delimiter: char,
    },
}

/// A row as it is echoed to whoever records the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstRow {
    /// Where it stands.
    pub place: Place,
    /// The parent's cell, of a pair; as `value`.
    pub parent: Option<String>,
    /// Its id cell, fit for a terminal, in at most 120 characters.
    pub value: String,
}

impl FirstRow {
    fn new(place: Place, parent: Option<&str>, cell: &str) -> Self {
        let shown = |cell| visible_short(cell, SHOWN_CHARS).into_owned();
        Self { place, parent: parent.map(shown), value: shown(cell) }
    }
}

/// A stream of bytes and the name under which errors and records speak of it.
pub struct Input<'a> {
    name: String,
    reader: Box<dyn Read + 'a>,
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> Input<'a> {
    /// Any stream.
    pub fn new(name: impl Into<String>, reader: impl Read + 'a) -> Self {
        Self { name: name.into(), reader: Box::new(reader) }
    }

    /// Opens what `--from` names: a file, or standard input for `-`. Only the file's name is kept,
    /// since its folder may tell about the person.
    ///
    /// # Errors
    ///
    /// [`IntakeError::Unreadable`].
    pub fn open(path: &Path) -> Result<Self, IntakeError> {
        if path.as_os_str() == "-" {
            return Ok(Self::new("standard input", io::stdin()));
        }
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy().into_owned();
        match File::open(path) {
            Ok(file) => Ok(Self::new(name, file)),
            Err(source) => Err(IntakeError::Unreadable { file: name, source }),
        }
    }
}

/// Reads ids from arguments, from a file, or from both, arguments first.
///
/// # Errors
///
/// Any [`IntakeError`]; then nothing may be recorded. Invalid rows are none: the caller decides by
/// [`Intake::rejected`].
pub fn read(
    ids: &[String],
    from: Option<Input<'_>>,
    rule: &ColumnRule<'_>,
) -> Result<Intake, IntakeError> {
    if ids.is_empty() && from.is_none() {
        return Err(IntakeError::NoIds);
    }
    if rule.parent_column.is_some() && !ids.is_empty() {
        return Err(IntakeError::NoParent);
    }
    let file_name = from.as_ref().map_or("command line", |input| &input.name);
    let mut collector = Collector::new(file_name);
    let name = match (ids.is_empty(), &from) {
        (false, Some(input)) => format!("command line and {}", input.name),
        _ => file_name.to_owned(),
    };
    collector.arguments(ids)?;
    let (file, first_rows) = match from {
        Some(input) => {
            let (file, first_rows) = table::read(input, rule, &mut collector)?;
            (Some(file), first_rows)
        }
        None => (None, first_arguments(ids)),
    };
    let collected = collector.finish()?;
    let rows = collected.items.len() + collected.rejected.len() + collected.duplicates.len();
    Ok(Intake {
        source: Source {
            name,
            arguments: collected.arguments,
            rows: u64::try_from(rows).unwrap_or(u64::MAX),
            file,
            first_rows,
        },
        items: collected.items,
        rejected: collected.rejected,
        duplicates: collected.duplicates,
    })
}

fn first_arguments(ids: &[String]) -> Vec<FirstRow> {
    (1..)
        .zip(ids.iter().take(FIRST_ROWS))
        .map(|(position, id)| FirstRow::new(Place::Argument(position), None, id))
        .collect()
}
