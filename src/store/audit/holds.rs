//! Raw reads of holds: their ids and secrets as they stand in the file.

use rusqlite::named_params;

use crate::domain::id::HoldId;
use crate::store::audit::{Audit, DOING};
use crate::store::code::Sql;
use crate::store::error::{Doing, Result};

/// An id under a hold, as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldIdRow {
    /// Its place.
    pub place: i64,
    /// The id; `None` once erased.
    pub target: Option<i64>,
    /// Which event released it.
    pub released: Option<i64>,
}

impl Audit<'_> {
    /// Hands the ids of one hold to `visit`, in the order of their places.
    pub fn each_held_id(&self, hold: HoldId, mut visit: impl FnMut(HeldIdRow)) -> Result<()> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_held_ids\nSELECT place, target, released_seq FROM hold_id
                 WHERE hold = :hold ORDER BY place",
            )
            .doing(DOING)?;
        let mut rows = statement.query(named_params! {":hold": Sql(hold)}).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let read = || -> rusqlite::Result<HeldIdRow> {
                Ok(HeldIdRow { place: row.get(0)?, target: row.get(1)?, released: row.get(2)? })
            };
            visit(read().doing(DOING)?);
        }
        Ok(())
    }

    /// The secrets of one hold: level, index and key.
    pub fn hold_secrets(&self, hold: HoldId) -> Result<Vec<(i64, i64, Vec<u8>)>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_hold_secrets\nSELECT level, idx, key FROM hold_secret
                 WHERE hold = :hold ORDER BY level, idx",
            )
            .doing(DOING)?;
        let rows = statement
            .query_map(named_params! {":hold": Sql(hold)}, |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .doing(DOING)?;
        rows.collect::<rusqlite::Result<_>>().doing(DOING)
    }
}
