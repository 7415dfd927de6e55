//! Edits of a journal behind the program's back, for tests of `verify`: what somebody with a plain SQLite
//! client does who knows how to get around triggers and constraints.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::store::Reader;
use crate::store::manifest::{Columns, Cover, MANIFEST};
use crate::store::open::{Mode, connect};

/// One edit.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    /// What it does, for a person.
    pub(crate) name: String,
    /// Table and columns that it changes.
    pub(crate) table: &'static str,
    /// The column; `None` for a whole row.
    pub(crate) column: Option<&'static str>,
    steps: Vec<(String, Vec<Value>)>,
}

/// A journal that is edited; every edit can be taken back.
pub(crate) struct Tampering {
    reader: Reader,
}

/// Rows of one table that are edited.
const ROWS: usize = 6;

/// A table as it stands.
struct Rows {
    table: &'static str,
    columns: Columns,
    /// Positions of the primary key's columns.
    key: Vec<usize>,
    types: Vec<String>,
    values: Vec<Vec<Value>>,
}

impl Tampering {
    pub(crate) fn of(path: &Path) -> Self {
        let conn = connect(path, Mode::Write, Duration::from_secs(5)).unwrap();
        for option in
            [DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY]
        {
            assert!(!conn.set_db_config(option, false).unwrap());
        }
        conn.execute_batch("PRAGMA ignore_check_constraints = ON; BEGIN").unwrap();
        Self { reader: Reader { conn, path: path.to_owned() } }
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Makes an edit. `false`, and nothing changed, when a uniqueness or type forbids it.
    pub(crate) fn make(&self, edit: &Edit) -> bool {
        let conn = &self.reader.conn;
        conn.execute_batch("SAVEPOINT edit").unwrap();
        let made = edit.steps.iter().all(|(sql, values)| {
            conn.execute(sql, params_from_iter(values)).is_ok_and(|rows| rows > 0)
        });
        if !made {
            self.take_back();
        }
        made
    }

    pub(crate) fn take_back(&self) {
        self.reader.conn.execute_batch("ROLLBACK TO edit; RELEASE edit").unwrap();
    }

    /// Every value of every row changed, one at a time; rows deleted, doubled, and their values swapped.
    pub(crate) fn every_edit(&self) -> Vec<Edit> {
        let covered = |(_, columns): &&(&str, Columns)| {
            columns.iter().any(|(_, cover)| *cover != Cover::Operational)
        };
        let tables = MANIFEST.iter().filter(covered);
        tables.flat_map(|(table, columns)| self.rows(table, columns).edits()).collect()
    }

    /// One column changed in the row at one position.
    pub(crate) fn edits_of(&self, table: &str, column: &str, position: usize) -> Vec<Edit> {
        let (table, columns) = MANIFEST.iter().find(|(name, _)| *name == table).unwrap();
        let rows = self.rows(table, columns);
        let at = columns.iter().position(|(name, _)| *name == column).unwrap();
        let row = &rows.values[position];
        let others = others(&row[at], &rows.types[at]);
        others.into_iter().map(|other| rows.set(row, at, other)).collect()
    }

    fn rows(&self, table: &'static str, columns: Columns) -> Rows {
        let conn: &Connection = &self.reader.conn;
        let mut key = Vec::new();
        let mut types = Vec::new();
        for (position, (column, _)) in columns.iter().enumerate() {
            let (kind, place): (String, i64) = conn
                .query_row(
                    "SELECT type, pk FROM pragma_table_info(?1) WHERE name = ?2",
                    [table, column],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .unwrap();
            types.push(kind);
            if place > 0 {
                key.push(position);
            }
        }
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let mut statement =
            conn.prepare(&format!("SELECT {} FROM {table}", quoted(&names).join(", "))).unwrap();
        let values = statement
            .query_map([], |row| (0..columns.len()).map(|column| row.get(column)).collect())
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        Rows { table, columns, key, types, values }
    }
}

fn quoted(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("\"{name}\"")).collect()
}

/// Other values than this one.
fn others(value: &Value, kind: &str) -> Vec<Value> {
    match value {
        Value::Null if kind == "INTEGER" => vec![Value::Integer(1)],
        Value::Null if kind == "BLOB" => vec![Value::Blob(vec![7; 32])],
        Value::Null => vec![Value::Text("x".to_owned())],
        Value::Integer(number) => {
            vec![Value::Integer(number + 1), Value::Integer(number - 1), Value::Null]
        }
        Value::Text(text) => {
            let upper = text.to_uppercase();
            let mut others = vec![Value::Text(format!("{text}x")), Value::Null];
            others.extend((upper != *text).then_some(Value::Text(upper)));
            others
        }
        Value::Blob(bytes) => {
            let flipped = |at: usize| {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1;
                Value::Blob(bytes)
            };
            let longer = bytes.iter().copied().chain([0]).collect();
            vec![
                flipped(0),
                flipped(bytes.len() - 1),
                Value::Blob(bytes[..bytes.len() - 1].to_vec()),
                Value::Blob(longer),
                Value::Null,
            ]
        }
        Value::Real(_) => panic!("no table holds reals"),
    }
}

impl Rows {
    fn edits(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        // The first, the last, and some between: rows of one table differ in what made them.
        let step = self.values.len().div_ceil(ROWS).max(1);
        for (position, row) in self.values.iter().enumerate() {
            if position % step != 0 && position + 1 < self.values.len() {
                continue;
            }
            for column in self.covered() {
                for other in others(&row[column], &self.types[column]) {
                    edits.push(self.set(row, column, other));
                }
                if let Some(next) = self.values.get(position + 1) {
                    edits.extend(self.swap(row, next, column));
                }
            }
            edits.push(self.edit(
                None,
                format!("{} deleted", self.told(row)),
                vec![self.delete(row)],
            ));
        }
        edits.extend(self.values.last().map(|row| self.double(row)));
        edits
    }

    fn covered(&self) -> impl Iterator<Item = usize> {
        (0..self.columns.len()).filter(|at| self.columns[*at].1 != Cover::Operational)
    }

    fn told(&self, row: &[Value]) -> String {
        let key: Vec<&Value> = self.key.iter().map(|at| &row[*at]).collect();
        format!("{} {key:?}", self.table)
    }

    fn edit(&self, column: Option<usize>, name: String, steps: Vec<(String, Vec<Value>)>) -> Edit {
        let column = column.map(|at| self.columns[at].0);
        Edit { name, table: self.table, column, steps }
    }

    /// A condition that names a row by its key, its values to be bound after `bound` others.
    fn of_row(&self, row: &[Value], bound: usize) -> (String, Vec<Value>) {
        let terms: Vec<String> = self
            .key
            .iter()
            .enumerate()
            .map(|(place, at)| format!("\"{}\" = ?{}", self.columns[*at].0, place + bound + 1))
            .collect();
        (terms.join(" AND "), self.key.iter().map(|at| row[*at].clone()).collect())
    }

    fn set(&self, row: &[Value], column: usize, value: Value) -> Edit {
        let (condition, mut values) = self.of_row(row, 1);
        let name = self.columns[column].0;
        let told = format!("{}: {name} set to {value:?}", self.told(row));
        values.insert(0, value);
        let sql = format!("UPDATE {} SET \"{name}\" = ?1 WHERE {condition}", self.table);
        self.edit(Some(column), told, vec![(sql, values)])
    }

    fn delete(&self, row: &[Value]) -> (String, Vec<Value>) {
        let (condition, values) = self.of_row(row, 0);
        (format!("DELETE FROM {} WHERE {condition}", self.table), values)
    }

    fn insert(&self, row: Vec<Value>) -> (String, Vec<Value>) {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let places: Vec<String> = (1..=row.len()).map(|place| format!("?{place}")).collect();
        let (names, places) = (quoted(&names).join(", "), places.join(", "));
        (format!("INSERT INTO {} ({names}) VALUES ({places})", self.table), row)
    }

    /// `None` when the table holds the same rows afterwards.
    fn swap(&self, one: &[Value], other: &[Value], column: usize) -> Option<Edit> {
        let (mut first, mut second) = (one.to_vec(), other.to_vec());
        std::mem::swap(&mut first[column], &mut second[column]);
        if first == one || (first == other && second == one) {
            return None;
        }
        let told = format!(
            "{} and {}: {} swapped",
            self.told(one),
            self.told(other),
            self.columns[column].0
        );
        let steps =
            vec![self.delete(one), self.delete(other), self.insert(first), self.insert(second)];
        Some(self.edit(Some(column), told, steps))
    }

    /// A row like another one, under a key that is free, and apart from it wherever values must be unique.
    fn double(&self, row: &[Value]) -> Edit {
        let unique = ["seq", "text", "message", "first_entry", "last_entry", "name"];
        let copy = row
            .iter()
            .enumerate()
            .map(|(at, value)| match value {
                _ if !self.key.contains(&at) && !unique.contains(&self.columns[at].0) => {
                    value.clone()
                }
                Value::Integer(number) => Value::Integer(number + 1000),
                Value::Text(text) => Value::Text(format!("{text}+")),
                Value::Null | Value::Real(_) | Value::Blob(_) => value.clone(),
            })
            .collect();
        self.edit(None, format!("{} doubled", self.told(row)), vec![self.insert(copy)])
    }
}
