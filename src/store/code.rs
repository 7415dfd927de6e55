//! Columns to types and back: the only place where a state is a number.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::domain::id::{BatchId, EntryId, EventSeq, HoldId, PolicyId, RecordId, RequestId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::recheck::Found;
use crate::domain::state::{EntryState, Outcome, Verdict};
use crate::domain::time::Timestamp;

/// A column value of a domain type; `Sql(x)` binds it, `row.get::<_, Sql<X>>()` reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sql<T>(pub(crate) T);

/// States are stored from 2 on: 0 and 1 take no byte in SQLite's record format, so a row would grow when
/// its state changes, and pages would split.
const FIRST_CODE: i64 = 2;

macro_rules! coded {
    ($($name:ident),+) => {$(
        impl Sql<$name> {
            /// The number that is stored.
            pub(crate) fn code(self) -> i64 {
                let position = $name::ALL.iter().position(|one| *one == self.0).unwrap_or(0);
                i64::try_from(position).unwrap_or(0) + FIRST_CODE
            }
        }

        impl ToSql for Sql<$name> {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.code()))
            }
        }

        impl FromSql for Sql<$name> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let code = value.as_i64()?;
                usize::try_from(code - FIRST_CODE)
                    .ok()
                    .and_then(|position| $name::ALL.get(position).copied())
                    .map(Self)
                    .ok_or(FromSqlError::OutOfRange(code))
            }
        }
    )+};
}
coded!(EntryState, Outcome, Verdict, Found);

macro_rules! numbered {
    ($($name:ident),+) => {$(
        impl ToSql for Sql<$name> {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.0.get()))
            }
        }

        impl FromSql for Sql<$name> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_i64().map(|number| Self($name::new(number)))
            }
        }
    )+};
}
numbered!(EntryId, RequestId, BatchId, RunId, EventSeq, HoldId, PolicyId);

impl ToSql for Sql<RecordId> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.get()))
    }
}

impl FromSql for Sql<RecordId> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        RecordId::from_stored(number).map(Self).ok_or(FromSqlError::OutOfRange(number))
    }
}

impl ToSql for Sql<Timestamp> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.millis()))
    }
}

impl FromSql for Sql<Timestamp> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(|millis| Self(Timestamp::from_millis(millis)))
    }
}

impl ToSql for Sql<Hash> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.bytes())))
    }
}

impl FromSql for Sql<Hash> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?;
        let array = <[u8; 32]>::try_from(bytes).map_err(|_| FromSqlError::InvalidBlobSize {
            expected_size: 32,
            blob_size: bytes.len(),
        })?;
        Ok(Self(Hash::new(array)))
    }
}

/// A column that holds a name of a closed set, such as an operation.
pub(crate) struct Name<T>(pub(crate) T);

impl<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>> FromSql for Name<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

/// A count as SQLite stores it. Counts of rows never reach 2^63.
pub(crate) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A stored count. A negative one, which no program of ours writes, reads as 0 and is found by `verify`.
pub(crate) fn uncount(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The migration's `word` table and these numbers must never drift apart.
    #[test]
    fn the_stored_numbers_are_those_of_the_migration() {
        let sql = include_str!("../../migrations/V1__create_journal.sql");
        for state in EntryState::ALL {
            let row = format!("('state', {}, '{state}')", Sql(*state).code());
            assert!(sql.contains(&row), "{row}");
        }
        for outcome in Outcome::ALL {
            let row = format!("('outcome', {}, '{outcome}')", Sql(*outcome).code());
            assert!(sql.contains(&row), "{row}");
        }
        let sql = format!("{sql}{}", include_str!("../../migrations/V4__undo_and_recheck.sql"));
        for found in Found::ALL {
            let row = format!("('found', {}, '{found}')", Sql(*found).code());
            assert!(sql.contains(&row), "{row}");
        }
        for verdict in Verdict::ALL {
            let row = format!("('verdict', {}, '{verdict}')", Sql(*verdict).code());
            assert!(sql.contains(&row), "{row}");
        }
    }
}
