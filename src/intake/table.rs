//! A file as a table: list or CSV, which column, and each row's cell handed to the collector.

use std::io::Read;

use crate::domain::id::{IdError, RecordId};
use crate::intake::checked::CheckedReader;
use crate::intake::collect::Collector;
use crate::intake::column::{ColumnRule, delimiter, is_id_like};
use crate::intake::digits::plain_id;
use crate::intake::error::{ColumnProblem, IntakeError};
use crate::intake::limits::CELL_BYTES_MAX;
use crate::intake::rows::{NO_DELIMITER, Rows, refusal};
use crate::intake::{FIRST_ROWS, FirstRow, Input, Layout, Place, SourceFile};

/// Reads a file into the collector.
pub(super) fn read(
    input: Input<'_>,
    rule: &ColumnRule<'_>,
    collector: &mut Collector,
) -> Result<(SourceFile, Vec<FirstRow>), IntakeError> {
    let Input { name, reader } = input;
    let mut reader = CheckedReader::new(reader);
    let first_line = reader.first_line().map_err(|flaw| refusal(&name, flaw, 1))?;
    let Some(first_line) = first_line else {
        return Err(IntakeError::Empty { file: name });
    };
    let is_list = is_id_like(&first_line);
    let delimiter = if is_list { NO_DELIMITER } else { delimiter(&first_line) };
    let mut rows = Rows::new(reader, delimiter, &name);
    let table = if is_list {
        Table::of_list(&name, rule)?
    } else {
        Table::of_header(&mut rows, &name, rule)?
    };
    let first_rows = table.read(&mut rows, collector)?;
    let (bytes, sha256) = rows.finish();
    let layout = match table.column {
        Some(column) => Layout::Csv { column, delimiter: char::from(delimiter) },
        None => Layout::PlainList,
    };
    let file = SourceFile { name, bytes, sha256, layout };
    Ok((file, first_rows))
}

/// Where in a row the id stands.
struct Table {
    position: usize,
    width: usize,
    /// The column's name; a plain list has none.
    column: Option<String>,
}

impl Table {
    fn of_list(file: &str, rule: &ColumnRule<'_>) -> Result<Self, IntakeError> {
        match rule.id_column {
            Some(wanted) => Err(IntakeError::Column {
                file: file.to_owned(),
                problem: ColumnProblem::NoHeader { wanted: wanted.to_owned() },
                columns: Vec::new(),
            }),
            None => Ok(Self { position: 0, width: 1, column: None }),
        }
    }

    fn of_header<R: Read>(
        rows: &mut Rows<'_, R>,
        file: &str,
        rule: &ColumnRule<'_>,
    ) -> Result<Self, IntakeError> {
        if rows.advance()?.is_none() {
            return Err(IntakeError::Empty { file: file.to_owned() });
        }
        let width = rows.width();
        let mut columns: Vec<String> =
            (0..width).map(|position| rows.cell(position).trim().to_owned()).collect();
        match rule.choose(&columns) {
            Ok(position) => {
                Ok(Self { position, width, column: Some(columns.swap_remove(position)) })
            }
            Err(problem) => Err(IntakeError::Column { file: file.to_owned(), problem, columns }),
        }
    }

    fn read<R: Read>(
        &self,
        rows: &mut Rows<'_, R>,
        collector: &mut Collector,
    ) -> Result<Vec<FirstRow>, IntakeError> {
        let mut first_rows = Vec::new();
        while let Some(line) = rows.advance()? {
            let cell = rows.cell(self.position);
            if first_rows.len() < FIRST_ROWS {
                let place = Place::Line(u32::try_from(line).unwrap_or(u32::MAX));
                first_rows.push(FirstRow::new(place, cell));
            }
            match self.judge(rows.width(), cell) {
                Ok(id) => collector.accept_line(line, id)?,
                Err(reason) => collector.reject_line(line, cell, reason)?,
            }
        }
        Ok(first_rows)
    }

    /// The id of a row, or what is wrong with the row. Another number of cells than the header has
    /// means that the cells have shifted; the header itself means that files were joined.
    fn judge(&self, width: usize, cell: &str) -> Result<RecordId, String> {
        if width != self.width {
            let cells = if width == 1 { "cell" } else { "cells" };
            return Err(format!("{width} {cells}, expected {}", self.width));
        }
        plain_id(cell)
            .map_or_else(|| cell.parse(), Ok)
            .map_err(|error: IdError| self.reason(cell, &error))
    }

    fn reason(&self, cell: &str, error: &IdError) -> String {
        // The second of two joined files may bring its byte order mark along.
        let name = cell.trim_start_matches('\u{feff}').trim();
        if self.column.as_deref() == Some(name) {
            "the header once more, in the middle of the file".to_owned()
        } else if cell.len() > CELL_BYTES_MAX {
            format!("not a record id: more than {CELL_BYTES_MAX} bytes")
        } else {
            error.to_string()
        }
    }
}
