//! Writes that fail: nothing of them stays, and what was there before goes on as if they had never been.

mod append_only;
mod cases;
mod disk_full;
mod every_row;
mod full_cases;
mod governed_cases;
mod moving_cases;
mod plans;
mod scoped;
mod upgrade;
mod writing_thread;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::evidence::verify::check_journal;
use crate::store::open::{Mode, connect};
use crate::store::testing::Journal;
use crate::store::{Head, Reader, Result, WriteTx};

/// A write that can be tried again.
type Write = Box<dyn Fn(&mut WriteTx<'_>) -> Result<()>>;

/// The names of all tables of the file.
fn tables(conn: &Connection) -> Vec<String> {
    conn.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap()
}

/// Every row of every table by its name, as somebody else sees them.
#[derive(PartialEq)]
struct Dump(BTreeMap<String, Vec<Vec<Value>>>);

impl Dump {
    fn of(path: &Path) -> Self {
        let conn = connect(path, Mode::Read, Duration::ZERO).unwrap();
        let rows = |table: &String| {
            let mut statement = conn.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = statement.column_count();
            statement
                .query_map([], |row| (0..columns).map(|column| row.get(column)).collect())
                .unwrap()
                .collect::<rusqlite::Result<_>>()
                .unwrap()
        };
        Self(tables(&conn).into_iter().map(|table| (table.clone(), rows(&table))).collect())
    }

    /// Tables that hold something else now.
    fn changed(&self, path: &Path) -> Vec<String> {
        let now = Self::of(path);
        assert_eq!(self.0.len(), now.0.len());
        self.0
            .iter()
            .filter(|(name, rows)| now.0[*name] != **rows)
            .map(|(n, _)| n.clone())
            .collect()
    }
}

/// What a journal holds before a write that is to fail.
struct Before {
    dump: Dump,
    head: Head,
}

impl Before {
    fn of(journal: &Journal) -> Self {
        Self { dump: Dump::of(&journal.path()), head: journal.store.head().unwrap() }
    }

    /// The write left nothing, neither in the file nor in a transaction that is still open.
    fn stands(&self, journal: &Journal, what: &str) {
        assert!(journal.store.conn.is_autocommit(), "{what}: a transaction is still open");
        assert_eq!(self.dump.changed(&journal.path()), [""; 0], "{what}");
        assert_eq!(journal.store.head().unwrap(), self.head, "{what}");
    }
}

/// Leaves, tree, head, and every row that follows from the log: all computed anew and compared.
fn assert_whole(path: &Path, what: &str) {
    assert_eq!(check_journal(&Reader::open(path).unwrap()), Ok(()), "{what}");
}
