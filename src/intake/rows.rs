//! The rows of an input, one after the other, each with the line on which it begins.
//!
//! A plain list is read as a table of one column without a header, so there is one way through.

use std::io::Read;

use csv::ByteRecord;

use crate::intake::checked::{CheckedReader, END, Flaw, newlines};
use crate::intake::error::{IntakeError, Malformed};
use crate::intake::limits::{CHUNK_BYTES, LINE_BYTES_MAX};

/// "Separates" the columns of a plain list: a character that no id holds.
pub(super) const NO_DELIMITER: u8 = 0x1f;

/// The rows that are not blank.
pub(super) struct Rows<'a, R> {
    csv: csv::Reader<CheckedReader<R>>,
    record: ByteRecord,
    file: &'a str,
    /// The line at which the reader stands.
    line: u64,
}

impl<'a, R: Read> Rows<'a, R> {
    pub(super) fn new(reader: CheckedReader<R>, delimiter: u8, file: &'a str) -> Self {
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            // Only LF ends a row, and CR is trimmed with the blanks: the reader's line numbers are off
            // by one after CRLF otherwise.
            .terminator(csv::Terminator::Any(b'\n'))
            .buffer_capacity(CHUNK_BYTES)
            .from_reader(reader);
        Self { csv, record: ByteRecord::new(), file, line: 1 }
    }

    /// Reads the next row and gives its line, counted from 1; `None` at the end of the input.
    pub(super) fn advance(&mut self) -> Result<Option<u64>, IntakeError> {
        loop {
            let more = match self.csv.read_byte_record(&mut self.record) {
                Ok(more) => more,
                Err(error) => return Err(self.refuse(error)),
            };
            let all = self.record.as_slice();
            if !more || (self.record.len() == 1 && all == b"\0") {
                return Ok(None);
            }
            let begun = std::mem::replace(&mut self.line, self.csv.position().line());
            if all.ends_with(END) {
                let line = self.line.saturating_sub(newlines(all));
                return Err(self.malformed(line, Malformed::OpenQuote));
            }
            // The reader stands behind the LF that ended the row. Unless that is the next line, cells
            // hold line ends, or empty lines went before.
            let line = if self.line == begun + 1 {
                begun
            } else {
                self.line.saturating_sub(newlines(all) + 1)
            };
            if all.len() > LINE_BYTES_MAX {
                return Err(self.malformed(line, Malformed::LineTooLong));
            }
            self.csv.get_mut().row_done();
            if !is_blank_line(&self.record) {
                return Ok(Some(line));
            }
        }
    }

    /// How many cells the row has.
    pub(super) fn width(&self) -> usize {
        self.record.len()
    }

    /// One cell of the row, without the CR of a line end; empty where the row has no such cell.
    pub(super) fn cell(&self, position: usize) -> &str {
        // The whole input is UTF-8 and is only ever cut at ASCII characters, so nothing is lost here.
        let text = self
            .record
            .get(position)
            .and_then(|cell| std::str::from_utf8(cell).ok())
            .unwrap_or_default();
        if position + 1 == self.record.len() {
            text.strip_suffix('\r').unwrap_or(text)
        } else {
            text
        }
    }

    /// Length and SHA-256 of the input.
    pub(super) fn finish(self) -> (u64, [u8; 32]) {
        self.csv.into_inner().finish()
    }

    fn refuse(&mut self, error: csv::Error) -> IntakeError {
        let flaw = self.csv.get_mut().take_flaw();
        let flaw = flaw.unwrap_or_else(|| Flaw::Io(error.into()));
        // The row that grew without end began where the last one stopped.
        let begun = self.record.position().map_or(1, csv::Position::line);
        refusal(self.file, flaw, begun)
    }

    fn malformed(&self, line: u64, problem: Malformed) -> IntakeError {
        IntakeError::Malformed { file: self.file.to_owned(), line, problem }
    }
}

/// Says what a flaw of the bytes means for the file; `row_line` is where the row under way begins.
pub(super) fn refusal(file: &str, flaw: Flaw, row_line: u64) -> IntakeError {
    let file = file.to_owned();
    match flaw {
        Flaw::Io(source) => IntakeError::Unreadable { file, source },
        Flaw::Encoding { line, encoding } => IntakeError::Encoding { file, line, encoding },
        Flaw::RowTooLong { line } => IntakeError::Malformed {
            file,
            line: line.unwrap_or(row_line),
            problem: Malformed::LineTooLong,
        },
    }
}

/// A line of blanks only. A row of empty cells (`,,`) is a row, and an invalid one.
fn is_blank_line(record: &ByteRecord) -> bool {
    let all = record.as_slice();
    record.len() == 1
        && !all.is_empty()
        && all.first().is_some_and(|byte| !byte.is_ascii_graphic())
        && std::str::from_utf8(all).is_ok_and(|text| text.trim().is_empty())
}
