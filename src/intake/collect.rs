//! Cells in, ids out: validates each one, keeps what is invalid, notices rounding, finds duplicates.

use crate::domain::id::RecordId;
use crate::intake::error::{IntakeError, TooMany};
use crate::intake::limits::{CELL_BYTES_MAX, KEPT_BYTES_MAX, KEPT_ROW_BYTES, ROWS_MAX};
use crate::intake::{DuplicateRow, Place, RejectedRow, SourcedId};

/// Everything taken so far.
#[derive(Debug, Default)]
pub(super) struct Collector {
    /// What errors call the source.
    name: String,
    items: Vec<SourcedId>,
    rejected: Vec<RejectedRow>,
    kept_bytes: usize,
    /// How many arguments there were; the rows of a file are numbered after them.
    arguments: u32,
    /// Of the ids, and of the parents where each row names one.
    rounding: [Rounding; 2],
}

impl Collector {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Takes the arguments. They come before any file.
    pub(super) fn arguments(&mut self, ids: &[String]) -> Result<(), IntakeError> {
        for id in ids {
            let position = self.arguments.checked_add(1);
            self.arguments = position.ok_or_else(|| self.too_many(TooMany::Rows))?;
            let place = Place::Argument(self.arguments);
            match id.parse() {
                Ok(target) => {
                    self.accept(SourcedId { parent: None, target, row: self.arguments })?;
                }
                Err(error) => self.reject(place, id, error.to_string())?,
            }
        }
        Ok(())
    }

    /// Takes the id of a row of the file, with its parent where the row names a pair.
    pub(super) fn accept_line(
        &mut self,
        line: u64,
        parent: Option<RecordId>,
        target: RecordId,
    ) -> Result<(), IntakeError> {
        let line = self.line(line)?;
        let [ids, parents] = &mut self.rounding;
        ids.see(line, target);
        if let Some(parent) = parent {
            parents.see(line, parent);
        }
        let row = self.arguments.checked_add(line);
        let row = row.ok_or_else(|| self.too_many(TooMany::Rows))?;
        self.accept(SourcedId { parent, target, row })
    }

    /// Takes an invalid row of the file.
    pub(super) fn reject_line(
        &mut self,
        line: u64,
        cell: &str,
        reason: String,
    ) -> Result<(), IntakeError> {
        let line = self.line(line)?;
        self.reject(Place::Line(line), cell, reason)
    }

    /// Sorts, finds duplicates, and refuses a file that was rounded.
    pub(super) fn finish(self) -> Result<Collected, IntakeError> {
        let [ids, parents] = &self.rounding;
        for (rounding, are_parents) in [(ids, false), (parents, true)] {
            if let Some(examples) = rounding.verdict() {
                return Err(IntakeError::Rounded { file: self.name, are_parents, examples });
            }
        }
        let (mut items, arguments) = (self.items, self.arguments);
        // In place, and by the row at last, so that the first of equal ids comes first.
        items.sort_unstable();
        let mut duplicates = Vec::new();
        items.dedup_by(|later, first| {
            let same = (later.parent, later.target) == (first.parent, first.target);
            if same {
                duplicates.push(DuplicateRow {
                    place: Place::of_row(later.row, arguments),
                    parent: later.parent,
                    value: later.target,
                    first: Place::of_row(first.row, arguments),
                });
            }
            same
        });
        duplicates.sort_unstable_by_key(|duplicate| duplicate.place);
        Ok(Collected { items, rejected: self.rejected, duplicates, arguments })
    }

    fn accept(&mut self, item: SourcedId) -> Result<(), IntakeError> {
        self.items.push(item);
        self.check_rows()
    }

    fn reject(&mut self, place: Place, value: &str, reason: String) -> Result<(), IntakeError> {
        let kept = value.get(..value.floor_char_boundary(CELL_BYTES_MAX)).unwrap_or_default();
        self.kept_bytes += kept.len() + reason.len() + KEPT_ROW_BYTES;
        if self.kept_bytes > KEPT_BYTES_MAX {
            return Err(self.too_many(TooMany::Invalid));
        }
        self.rejected.push(RejectedRow { place, value: kept.to_owned(), reason });
        self.check_rows()
    }

    fn check_rows(&self) -> Result<(), IntakeError> {
        let rows = self.items.len() + self.rejected.len();
        if u32::try_from(rows).is_ok_and(|rows| rows <= ROWS_MAX) {
            Ok(())
        } else {
            Err(self.too_many(TooMany::Rows))
        }
    }

    fn line(&self, line: u64) -> Result<u32, IntakeError> {
        u32::try_from(line).map_err(|_| self.too_many(TooMany::Rows))
    }

    fn too_many(&self, limit: TooMany) -> IntakeError {
        IntakeError::TooMany { file: self.name.clone(), limit }
    }
}

/// What a [`Collector`] ends with.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) items: Vec<SourcedId>,
    pub(super) rejected: Vec<RejectedRow>,
    pub(super) duplicates: Vec<DuplicateRow>,
    pub(super) arguments: u32,
}

/// Notices a file whose ids went through a double: a spreadsheet keeps fifteen significant digits
/// and fills up with zeros.
#[derive(Debug, Default)]
struct Rounding {
    /// The first three long ids.
    examples: Vec<(u64, String)>,
    /// Whether one long id has a digit other than zero after its fifteenth.
    is_exact: bool,
}

impl Rounding {
    fn see(&mut self, line: u32, id: RecordId) {
        if self.is_exact {
            return;
        }
        // What stands after the fifteenth digit, of 16, 17, 18, 19 digits.
        let tail = match id.get() {
            ..1_000_000_000_000_000 => return,
            1_000_000_000_000_000..10_000_000_000_000_000 => 10,
            10_000_000_000_000_000..100_000_000_000_000_000 => 100,
            100_000_000_000_000_000..1_000_000_000_000_000_000 => 1_000,
            1_000_000_000_000_000_000.. => 10_000,
        };
        self.is_exact = id.get() % tail != 0;
        if self.examples.len() < 3 {
            self.examples.push((u64::from(line), id.to_string()));
        }
    }

    /// The first rounded rows, if the file was rounded: it takes at least two, since one such id may
    /// well be what it says.
    fn verdict(&self) -> Option<Vec<(u64, String)>> {
        (!self.is_exact && self.examples.len() >= 2).then(|| self.examples.clone())
    }
}
