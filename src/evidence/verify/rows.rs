//! Rows that the fold gives whole, compared with those in the file.

use crate::domain::fold::{Cell, Expected, Rows, Table};
use crate::evidence::verify::findings::{Findings, Kind};
use crate::store::Result;
use crate::store::audit::Audit;

/// A row as a person knows it.
fn place(table: Table, key: &[Cell]) -> String {
    let key: Vec<String> = key
        .iter()
        .map(|cell| match cell {
            Cell::Text(text) => text.escape_debug().to_string(),
            Cell::Null | Cell::Integer(_) | Cell::Bytes(_) => cell.to_string(),
        })
        .collect();
    let key = key.join(" ");
    match table {
        Table::Binding => "binding".to_owned(),
        Table::Request => format!("request R{key}"),
        Table::Entry => format!("entry E{key}"),
        Table::Batch => format!("batch B{key}"),
        Table::Share => format!("share of E{key}"),
        Table::Hold => format!("hold H{key}"),
        Table::Policy => format!("policy P{key}"),
        Table::Cancellation => format!("cancellation from E{key}"),
        Table::Run
        | Table::Module
        | Table::Secret
        | Table::Rejected
        | Table::Template
        | Table::Answer
        | Table::Attempt
        | Table::Reading
        | Table::Snapshot
        | Table::Recheck
        | Table::Job
        | Table::Pause
        | Table::HoldId
        | Table::HoldSecret
        | Table::Erasure
        | Table::Adoption
        | Table::FullSnapshot
        | Table::Shredding
        | Table::Evidence => format!("{table} {key}"),
    }
}

/// Compares one row.
pub(super) fn compare(audit: Audit<'_>, expected: &Expected, found: &mut Findings) -> Result<()> {
    let where_ = || place(expected.table, &expected.key);
    let since = Some(expected.since);
    let Some(row) = audit.row(expected.table, &expected.key)? else {
        found.add(Kind::Rows, where_(), "the row is missing", since);
        return Ok(());
    };
    for (column, should) in &expected.cells {
        let is = row.iter().find(|(name, _)| name == column).map(|(_, cell)| cell);
        if is != Some(should) {
            let is = is.map_or_else(|| "no such column".to_owned(), ToString::to_string);
            let what = format!("{column} is {is}, and by the log it is {should}");
            found.add(Kind::Rows, where_(), what, since);
        }
    }
    Ok(())
}

/// Compares how many rows there are. Every expected row was looked up, so more rows are rows too many.
pub(super) fn counts(audit: Audit<'_>, rows: &Rows, found: &mut Findings) -> Result<()> {
    for table in Table::ALL {
        let (is, should) = (audit.count(*table)?, rows.count(*table));
        if is != should {
            let what = format!("{is} rows, and by the log {should}");
            found.add(Kind::Rows, format!("table {table}"), what, None);
        }
        let last = i64::try_from(should).unwrap_or(i64::MAX);
        for number in audit.outside(*table, last)? {
            let what = "no event made this row";
            found.add(Kind::Rows, place(*table, &[number.into()]), what, None);
        }
    }
    Ok(())
}
