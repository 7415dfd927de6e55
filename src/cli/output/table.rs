//! Small tables.

use std::borrow::Cow;

use super::line::{Line, Tone};
use super::text::{harmless, shortened, width};

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text. Shortened when the terminal is too narrow.
    Left,
    /// Numbers and ids. Never shortened: half a number is a wrong one.
    Right,
}

/// Columns narrower than this say nothing.
const NARROWEST: usize = 8;
const GAP: &str = "  ";

/// A table with a heading. Cells are made harmless on their way in.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<(Tone, String)>>,
}

impl Table {
    /// A table with these columns.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align)>) -> Self {
        let columns =
            columns.into_iter().map(|(name, align)| (harmless(name).into_owned(), align)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row. Cells beyond the columns are dropped, missing ones are empty.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.toned_row(cells.into_iter().map(|cell| (Tone::Plain, cell)));
    }

    /// Adds a row whose cells have tones.
    pub fn toned_row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = (Tone, T)>) {
        let mut row: Vec<_> = cells
            .into_iter()
            .map(|(tone, cell)| (tone, harmless(cell.as_ref()).into_owned()))
            .collect();
        row.resize(self.columns.len(), (Tone::Plain, String::new()));
        self.rows.push(row);
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table's lines, fitted to so many columns of a terminal, or as wide as they are.
    pub(super) fn lines(&self, fit: Option<usize>) -> Vec<Line> {
        let widths = self.widths(fit);
        let heading = self.columns.iter().map(|(name, _)| (Tone::Strong, name.as_str()));
        let mut lines = vec![self.line(heading, &widths)];
        for row in &self.rows {
            let cells = row.iter().map(|(tone, text)| (*tone, text.as_str()));
            lines.push(self.line(cells, &widths));
        }
        lines
    }

    /// Each column's width; the widest text column gives way first.
    fn widths(&self, fit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(name, _)| width(name)).collect();
        for row in &self.rows {
            for (widest, (_, cell)) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(cell));
            }
        }
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        let room = fit.map_or(usize::MAX, |columns| columns.saturating_sub(gaps));
        while widths.iter().sum::<usize>() > room {
            let texts = widths.iter_mut().zip(&self.columns);
            let widest = texts
                .filter(|(width, (_, align))| *align == Align::Left && **width > NARROWEST)
                .map(|(width, _)| width)
                .max();
            match widest {
                Some(width) => *width -= 1,
                None => break,
            }
        }
        widths
    }

    fn line<'a>(&self, cells: impl Iterator<Item = (Tone, &'a str)>, widths: &[usize]) -> Line {
        let mut line = Line::new();
        for (index, ((tone, text), (room, (_, align)))) in
            cells.zip(widths.iter().zip(&self.columns)).enumerate()
        {
            let text = match align {
                Align::Left => shortened(text, *room),
                Align::Right => Cow::Borrowed(text),
            };
            let blanks = " ".repeat(room.saturating_sub(width(&text)));
            if index > 0 {
                line = line.text(GAP);
            }
            line = match align {
                Align::Right => line.text(blanks).toned(tone, text),
                Align::Left => line.toned(tone, text).text(blanks),
            };
        }
        line.trimmed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(table: &Table, fit: Option<usize>) -> Vec<String> {
        let lines = table.lines(fit);
        lines.iter().map(|line| line.render(false)).collect()
    }

    fn sample() -> Table {
        let mut table =
            Table::new([("id", Align::Left), ("entries", Align::Right), ("reason", Align::Left)]);
        table.row(["R1", "9", "GDPR request of 東京 branch, ticket 4711"]);
        table.row(["R12", "10,000", "clean up"]);
        table
    }

    #[test]
    fn numbers_stand_right_and_lines_end_without_blanks() {
        assert_eq!(
            rendered(&sample(), None),
            [
                "id   entries  reason",
                "R1         9  GDPR request of 東京 branch, ticket 4711",
                "R12   10,000  clean up",
            ]
        );
    }

    #[test]
    fn only_text_gives_way_on_a_narrow_terminal() {
        assert_eq!(
            rendered(&sample(), Some(40)),
            [
                "id   entries  reason",
                "R1         9  GDPR request of 東京 bran…",
                "R12   10,000  clean up",
            ]
        );
        let narrowest = rendered(&sample(), Some(1));
        assert_eq!(narrowest[2], "R12   10,000  clean up");
        assert!(narrowest[1].contains("GDPR re…"));
    }

    #[test]
    fn rows_of_another_length_and_hostile_cells_do_no_harm() {
        let mut table = Table::new([("a", Align::Left), ("b", Align::Left)]);
        assert!(table.is_empty());
        table.row(["1", "2", "3"]);
        table.row(["x\n\u{1b}[31m"]);
        table.row::<&str>([]);
        assert_eq!(
            rendered(&table, None),
            ["a                 b", "1                 2", "x\\u{a}\\u{1b}[31m", "",]
        );
        assert_eq!(rendered(&Table::new([]), Some(80)), [""]);
    }
}
