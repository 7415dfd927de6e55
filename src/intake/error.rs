//! Why an input is refused as a whole. A single invalid row is none of these: it is reported beside the ids.

use std::fmt;
use std::io;

use crate::export::cell::visible_short;
use crate::intake::limits::{KEPT_BYTES_MAX, LINE_BYTES_MAX, ROWS_MAX};

/// The flag that names the column with the ids.
pub(super) const ID_COLUMN: &str = "--id-column";
/// The flag that names the column with the parents.
pub(super) const PARENT_COLUMN: &str = "--parent-column";

/// Why nothing can be taken from the input. Nothing was recorded.
///
/// The variants differ in what the caller, or the person behind it, can do; [`IntakeError::hint`] says it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// Neither ids nor a file were given.
    #[error("no ids were given")]
    NoIds,
    /// Ids were given beside a file of pairs; they would have no parent.
    #[error("ids given as arguments have no parent: here the file names parents and ids")]
    NoParent,
    /// The file cannot be opened or read to its end.
    #[error("cannot read {file}: {source}")]
    Unreadable {
        /// The file's name.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// Not one line with anything on it: more often a broken pipe than an export without records,
    /// which has a header.
    #[error("{file} is empty")]
    Empty {
        /// The file's name.
        file: String,
    },
    /// The bytes are not UTF-8 text; saving the file again helps.
    #[error("{file}, line {line}: not UTF-8 but {encoding}")]
    Encoding {
        /// The file's name.
        file: String,
        /// The line of the first wrong byte.
        line: u64,
        /// What it is instead.
        encoding: Encoding,
    },
    /// A row goes on without an end, or a quote is never closed; what follows it would be swallowed.
    #[error("{file}, line {line}: {problem}")]
    Malformed {
        /// The file's name.
        file: String,
        /// The line on which the row begins.
        line: u64,
        /// What is wrong with it.
        problem: Malformed,
    },
    /// Which column holds the ids is not clear; naming another helps.
    #[error("{file}: {problem}{}", Listed(.columns))]
    Column {
        /// The file's name.
        file: String,
        /// What stands in the way.
        problem: ColumnProblem,
        /// The header's cells, in their order; empty for a list without a header.
        columns: Vec<String>,
        /// The flag that names the column.
        flag: &'static str,
    },
    /// A spreadsheet rounded the ids to fifteen digits. They name other records, or none; no flag lets them pass.
    #[error(
        "{file} was rounded by a spreadsheet: every long {} ends in zeros after its 15th digit ({})",
        if *.are_parents { "parent id" } else { "id" },
        Places(.examples)
    )]
    Rounded {
        /// The file's name.
        file: String,
        /// Whether these are the ids of the parents.
        are_parents: bool,
        /// The first three such rows: line and id.
        examples: Vec<(u64, String)>,
    },
    /// More than one request may hold; splitting the input helps.
    #[error("{file}: more than {limit}")]
    TooMany {
        /// The file's name.
        file: String,
        /// The limit that was passed.
        limit: TooMany,
    },
}

/// What an input is encoded in, when it is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-16, low byte first (Excel's "Unicode Text").
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// NUL bytes: not text at all.
    Binary,
    /// A byte that UTF-8 does not allow there, most often an umlaut or accent in an older encoding.
    Legacy,
}

impl Encoding {
    /// The name by which `iconv` knows it.
    fn iconv_name(self) -> Option<&'static str> {
        match self {
            Self::Utf16Le => Some("UTF-16LE"),
            Self::Utf16Be => Some("UTF-16BE"),
            Self::Legacy => Some("WINDOWS-1252"),
            Self::Binary => None,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16Le => "UTF-16 (little endian)",
            Self::Utf16Be => "UTF-16 (big endian)",
            Self::Binary => "binary data (a NUL byte)",
            Self::Legacy => "an older encoding, such as Windows-1252 or Latin-1",
        })
    }
}

/// What is wrong with the form of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// The row is longer than any row of an export.
    LineTooLong,
    /// The input ends inside of a quoted cell.
    OpenQuote,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong => write!(f, "a row of more than {LINE_BYTES_MAX} bytes"),
            Self::OpenQuote => f.write_str("a quote is opened here and never closed"),
        }
    }
}

/// Why no column can be taken for the one with the ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnProblem {
    /// A column was named, but the input is a plain list.
    NoHeader {
        /// The name that was asked for.
        wanted: String,
    },
    /// No column has the name that was asked for.
    NotFound {
        /// The name that was asked for.
        wanted: String,
        /// A column whose name differs in upper and lower case only.
        similar: Option<String>,
    },
    /// The name stands in the header more than once.
    Twice {
        /// The name.
        name: String,
    },
    /// No column has a name that Zoho gives to record ids.
    NoCandidate {
        /// The names that were looked for.
        expected: Vec<String>,
        /// Whether the first line looks like data rather than a header.
        headless: bool,
    },
    /// Parents and ids were to be read from one and the same column.
    Same {
        /// Its name.
        name: String,
    },
    /// More than one column has such a name.
    Ambiguous {
        /// Those columns.
        candidates: Vec<String>,
    },
}

impl fmt::Display for ColumnProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHeader { wanted } => write!(
                f,
                "a plain list of ids without a header, so there is no column {}",
                Quoted(wanted)
            ),
            Self::NotFound { wanted, .. } => write!(f, "no column is named {}", Quoted(wanted)),
            Self::Twice { name } => {
                write!(f, "more than one column is named {}", Quoted(name))
            }
            Self::Same { name } => {
                write!(f, "{} is named for the parents and for the ids", Quoted(name))
            }
            Self::NoCandidate { headless: true, .. } => {
                f.write_str("the first line holds an id where a header should name the columns")
            }
            Self::NoCandidate { .. } => f.write_str("no column has a name that Zoho gives to ids"),
            Self::Ambiguous { candidates } => {
                f.write_str("more than one column may hold the ids (")?;
                join(f, candidates, 10)?;
                f.write_str(")")
            }
        }
    }
}

/// A limit of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMany {
    /// Rows, or lines.
    Rows,
    /// Invalid rows, all of which are kept for the record.
    Invalid,
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows => write!(f, "{ROWS_MAX} rows"),
            Self::Invalid => write!(
                f,
                "{} MB of invalid rows: this is hardly a list of record ids",
                KEPT_BYTES_MAX / 1_000_000
            ),
        }
    }
}

impl IntakeError {
    /// What to do about it, as one sentence without a full stop.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoIds => "give ids, or --from FILE, or --from - for standard input".to_owned(),
            Self::NoParent => {
                "give them in a request of their own: journal unlink MODULE RECORD_ID RELATED_LIST ID…"
                    .to_owned()
            }
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "check the path; --from - reads standard input".to_owned()
            }
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::IsADirectory => {
                "give a file in it".to_owned()
            }
            Self::Unreadable { .. } => return None,
            Self::Empty { .. } => "check the program or export that should have filled it".to_owned(),
            Self::Encoding { encoding, .. } => encoding_hint(*encoding),
            Self::Malformed { problem: Malformed::LineTooLong, .. } => {
                "look for a quote that is not closed, or for line ends that are missing".to_owned()
            }
            Self::Malformed { problem: Malformed::OpenQuote, .. } => {
                "close the quote, or write it twice (\"\") inside a quoted cell".to_owned()
            }
            Self::Column { problem, flag, .. } => column_hint(problem, flag),
            Self::Rounded { are_parents: true, .. } => {
                "export from Zoho again and pass that file on without opening it in a spreadsheet; if all rows have one parent whose id ends so, give that id as RECORD_ID instead of -"
                    .to_owned()
            }
            Self::Rounded { .. } => {
                "export from Zoho again and pass that file on without opening it in a spreadsheet, or import its id column there as text"
                    .to_owned()
            }
            Self::TooMany { limit: TooMany::Rows, .. } => "split it into several requests".to_owned(),
            Self::TooMany { limit: TooMany::Invalid, .. } => {
                "check the file, or name another column with --id-column".to_owned()
            }
        })
    }
}

fn encoding_hint(encoding: Encoding) -> String {
    let Some(from) = encoding.iconv_name() else {
        return "give a CSV file or a plain list; a workbook (.xlsx) or an archive (.zip) must be exported as CSV first".to_owned();
    };
    format!(
        "save it as UTF-8 (Excel: file type \"CSV UTF-8\"; LibreOffice: character set \"Unicode (UTF-8)\"), or run: iconv -f {from} -t UTF-8 IN > OUT"
    )
}

fn column_hint(problem: &ColumnProblem, flag: &str) -> String {
    match problem {
        ColumnProblem::NoHeader { .. } if flag == ID_COLUMN => format!("leave {flag} out"),
        ColumnProblem::NoHeader { .. } => {
            "give a CSV file with a header and two columns".to_owned()
        }
        ColumnProblem::NotFound { similar: Some(similar), .. } => {
            format!("did you mean {flag} {}", Quoted(similar))
        }
        ColumnProblem::Same { .. } => {
            format!("name another column with {PARENT_COLUMN} NAME or {ID_COLUMN} NAME")
        }
        ColumnProblem::Twice { .. } => {
            "rename one of the two, so that it is certain which one is meant".to_owned()
        }
        ColumnProblem::NoCandidate { headless: true, .. } => {
            "add a header line, or give a plain list with one id a line".to_owned()
        }
        ColumnProblem::NoCandidate { expected, .. } => {
            format!("name the column with {flag} NAME; known names are {}", expected.join(", "))
        }
        ColumnProblem::NotFound { .. } | ColumnProblem::Ambiguous { .. } => {
            format!("name the column with {flag} NAME")
        }
    }
}

/// Outside text between quotes, cut and made visible.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", visible_short(self.0, 60))
    }
}

/// The columns there are.
struct Listed<'a>(&'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        f.write_str("; its columns are ")?;
        join(f, self.0, 40)
    }
}

/// Rows as examples.
struct Places<'a>(&'a [(u64, String)]);

impl fmt::Display for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (line, id)) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}line {line}: {id}")?;
        }
        Ok(())
    }
}

fn join(f: &mut fmt::Formatter<'_>, names: &[String], max: usize) -> fmt::Result {
    for (position, name) in names.iter().take(max).enumerate() {
        let comma = if position == 0 { "" } else { ", " };
        write!(f, "{comma}{}", Quoted(name))?;
    }
    match names.len().saturating_sub(max) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}
