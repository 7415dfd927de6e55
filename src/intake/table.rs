//! A file as a table: list or CSV, which column, and each row's cells handed to the collector.

use std::io::Read;

use crate::domain::id::{IdError, RecordId};
use crate::export::cell::visible_short;
use crate::intake::checked::CheckedReader;
use crate::intake::collect::Collector;
use crate::intake::column::{ColumnRule, delimiter, is_id_like};
use crate::intake::digits::plain_id;
use crate::intake::error::{ColumnProblem, ID_COLUMN, IntakeError, PARENT_COLUMN};
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
    let layout = match table.id.name {
        Some(column) => Layout::Csv {
            column,
            parent_column: table.parent.and_then(|parent| parent.name),
            delimiter: char::from(delimiter),
        },
        None => Layout::PlainList,
    };
    let file = SourceFile { name, bytes, sha256, layout };
    Ok((file, first_rows))
}

/// Where in a row the ids stand.
struct Table {
    width: usize,
    id: Column,
    /// The parent's id, where each row names a pair.
    parent: Option<Column>,
}

struct Column {
    position: usize,
    /// Its name; a plain list has none.
    name: Option<String>,
}

/// A row that holds no id.
struct Wrong<'a> {
    cell: &'a str,
    reason: String,
}

impl Table {
    fn of_list(file: &str, rule: &ColumnRule<'_>) -> Result<Self, IntakeError> {
        let parent = rule.parent_column.map(|wanted| (wanted, PARENT_COLUMN));
        match parent.or(rule.id_column.map(|wanted| (wanted, ID_COLUMN))) {
            Some((wanted, flag)) => Err(IntakeError::Column {
                file: file.to_owned(),
                problem: ColumnProblem::NoHeader { wanted: wanted.to_owned() },
                columns: Vec::new(),
                flag,
            }),
            None => Ok(Self { width: 1, id: Column { position: 0, name: None }, parent: None }),
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
        let columns: Vec<String> =
            (0..width).map(|position| rows.cell(position).trim().to_owned()).collect();
        let chosen = rule.choose(&columns).map_err(|problem| (problem, ID_COLUMN));
        let chosen = chosen.and_then(|id| match rule.choose_parent(&columns, id) {
            Ok(parent) => Ok((id, parent)),
            Err(problem) => Err((problem, PARENT_COLUMN)),
        });
        let (id, parent) = match chosen {
            Ok(chosen) => chosen,
            Err((problem, flag)) => {
                return Err(IntakeError::Column { file: file.to_owned(), problem, columns, flag });
            }
        };
        let column = |position| Column { position, name: columns.get(position).cloned() };
        Ok(Self { width, id: column(id), parent: parent.map(column) })
    }

    fn read<R: Read>(
        &self,
        rows: &mut Rows<'_, R>,
        collector: &mut Collector,
    ) -> Result<Vec<FirstRow>, IntakeError> {
        let mut first_rows = Vec::new();
        while let Some(line) = rows.advance()? {
            let cell = rows.cell(self.id.position);
            let parent = self.parent.as_ref().map(|parent| rows.cell(parent.position));
            if first_rows.len() < FIRST_ROWS {
                let place = Place::Line(u32::try_from(line).unwrap_or(u32::MAX));
                first_rows.push(FirstRow::new(place, parent, cell));
            }
            match self.judge(rows.width(), parent, cell) {
                Ok((parent, id)) => collector.accept_line(line, parent, id)?,
                Err(wrong) => collector.reject_line(line, wrong.cell, wrong.reason)?,
            }
        }
        Ok(first_rows)
    }

    /// Parent and id of a row, or what is wrong with the row. Another number of cells than the header
    /// has means that the cells have shifted; the header itself means that files were joined.
    fn judge<'a>(
        &self,
        width: usize,
        parent: Option<&'a str>,
        cell: &'a str,
    ) -> Result<(Option<RecordId>, RecordId), Wrong<'a>> {
        if width != self.width {
            let cells = if width == 1 { "cell" } else { "cells" };
            return Err(Wrong {
                cell,
                reason: format!("{width} {cells}, expected {}", self.width),
            });
        }
        let parent = match (&self.parent, parent) {
            (Some(column), Some(cell)) => Some(
                column
                    .judge(cell)
                    .map_err(|reason| Wrong { cell, reason: column.blamed(reason) })?,
            ),
            _ => None,
        };
        let id = self.id.judge(cell).map_err(|reason| {
            // Where there are two columns, it is said which one is meant.
            let reason = if parent.is_some() { self.id.blamed(reason) } else { reason };
            Wrong { cell, reason }
        })?;
        Ok((parent, id))
    }
}

impl Column {
    fn judge(&self, cell: &str) -> Result<RecordId, String> {
        plain_id(cell)
            .map_or_else(|| cell.parse(), Ok)
            .map_err(|error: IdError| self.reason(cell, &error))
    }

    fn reason(&self, cell: &str, error: &IdError) -> String {
        // The second of two joined files may bring its byte order mark along.
        let name = cell.trim_start_matches('\u{feff}').trim();
        if self.name.as_deref() == Some(name) {
            "the header once more, in the middle of the file".to_owned()
        } else if cell.len() > CELL_BYTES_MAX {
            format!("not a record id: more than {CELL_BYTES_MAX} bytes")
        } else {
            error.to_string()
        }
    }

    fn blamed(&self, reason: String) -> String {
        match &self.name {
            Some(name) => format!("column \"{}\": {reason}", visible_short(name, 60)),
            None => reason,
        }
    }
}
