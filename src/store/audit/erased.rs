//! What was forgotten, as it stands in the file: the events that say so, and the hashes in its place.

use rusqlite::{OptionalExtension, named_params};

use crate::domain::merkle::NodeId;
use crate::store::audit::{Audit, DOING};
use crate::store::code::count;
use crate::store::error::{Doing, Result};

/// Which tree over which items a hash stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrunedTree {
    /// The items of an event.
    Items,
    /// A request's rows that were left out.
    Rejected,
}

impl PrunedTree {
    /// As the file names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Rejected => "rejected",
        }
    }
}

/// A scope as far as nothing of it can be erased, and whether something of it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeKind {
    /// Operation, product, module and related list, as they stand there.
    pub names: [Option<String>; 4],
    /// Whether it has neither parent nor tags.
    pub is_blank: bool,
}

/// A hash and where it stands; `None` for a row that can be none.
pub type PrunedRow = Option<(NodeId, [u8; 32])>;

impl Audit<'_> {
    /// The bytes of every event that the file lists as one that forgets.
    pub fn erasures(&self) -> Result<Vec<Vec<u8>>> {
        let mut statement = self
            .conn
            .prepare(
                "-- audit_erasures\nSELECT v.body FROM erasure e JOIN event v ON v.seq = e.seq
                 ORDER BY e.id",
            )
            .doing(DOING)?;
        let rows = statement.query_map([], |row| row.get(0)).doing(DOING)?;
        rows.collect::<rusqlite::Result<_>>().doing(DOING)
    }

    /// The hashes in the place of what was forgotten from one position of a tree to another, in order.
    pub fn pruned(
        &self,
        seq: i64,
        tree: PrunedTree,
        (first, last): (u64, u64),
    ) -> Result<Vec<PrunedRow>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_pruned\nSELECT level, idx, hash FROM pruned
                 WHERE seq = :seq AND tree = :tree AND (idx << level) BETWEEN :first AND :last
                 ORDER BY idx << level, level",
            )
            .doing(DOING)?;
        let params = named_params! {
            ":seq": seq, ":tree": tree.name(), ":first": count(first), ":last": count(last),
        };
        let rows = statement
            .query_map(params, |row| {
                let level = u32::try_from(row.get::<_, i64>(0)?).ok();
                let index = u64::try_from(row.get::<_, i64>(1)?).ok();
                let hash = <[u8; 32]>::try_from(row.get::<_, Vec<u8>>(2)?).ok();
                let id = level.zip(index).map(|(level, index)| NodeId { level, index });
                Ok(id.zip(hash))
            })
            .doing(DOING)?;
        rows.collect::<rusqlite::Result<_>>().doing(DOING)
    }

    /// How many hashes stand in the place of what was forgotten.
    pub fn pruned_count(&self) -> Result<u64> {
        self.conn
            .query_row("-- audit_pruned_count\nSELECT count(*) FROM pruned", [], |row| {
                row.get::<_, i64>(0)
            })
            .map(|rows| u64::try_from(rows).unwrap_or(0))
            .doing(DOING)
    }

    /// What of a scope cannot be erased.
    pub fn scope_kind(&self, id: i64) -> Result<Option<ScopeKind>> {
        self.conn
            .prepare_cached(
                "-- audit_scope_kind\nSELECT operation, product, module, related_list,
                     parent IS NULL AND tags IS NULL FROM scope WHERE id = :id",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":id": id}, |row| {
                        let names = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
                        Ok(ScopeKind { names, is_blank: row.get(4)? })
                    })
                    .optional()
            })
            .doing(DOING)
    }
}
