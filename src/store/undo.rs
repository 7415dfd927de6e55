//! What an undo brings back: each of its entries names, in the place of a source's row, the entry that it undoes.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::call::Brought;
use crate::domain::evidence::Look;
use crate::domain::evidence::presence::{DefinitionFacts, RelationFacts, SeenTag, ThingFacts};
use crate::domain::id::{EntryId, ModuleName, RecordId};
use crate::domain::scope::Operation;
use crate::domain::target::Product;
use crate::store::Reader;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result};
use crate::store::query::UndoneBy;
use crate::store::snapshot;

const DOING: &str = "reading what an undo brings back";

/// What each of these entries brings back beside what id and scope tell; empty for operations whose calls need no
/// more.
pub(crate) fn brought(
    conn: &Connection,
    operation: Operation,
    entries: impl Iterator<Item = EntryId>,
) -> Result<Vec<Brought>> {
    let undone = if operation == Operation::Relink {
        Operation::Unlink
    } else if operation == Operation::RecreateTags {
        Operation::DeleteTags
    } else {
        return Ok(Vec::new());
    };
    let one = |entry| {
        let Some(source) = undone_by(conn, entry)? else { return Ok(Brought::default()) };
        Ok(snapshot::facts_of(conn, undone, source)?.map(known).unwrap_or_default())
    };
    entries.map(one).collect()
}

/// What facts from before a call tell of what it took away.
fn known(facts: ThingFacts) -> Brought {
    match facts {
        ThingFacts::Relation(RelationFacts { list: Look::Seen(one), .. }) => Brought {
            member_status: one.member_status,
            list_price: one.list_price,
            ..Brought::default()
        },
        ThingFacts::Definition(DefinitionFacts { tag: Look::Seen(tag), .. }) => {
            Brought { tag_name: Some(tag.name), tag_color: tag.color, ..Brought::default() }
        }
        ThingFacts::Tags(_)
        | ThingFacts::Relation(_)
        | ThingFacts::Definition(_)
        | ThingFacts::Comeback(_) => Brought::default(),
    }
}

/// The entry that an entry of an undo brings back.
pub(crate) fn undone_by(conn: &Connection, entry: EntryId) -> Result<Option<EntryId>> {
    conn.prepare_cached("-- undone_entry\nSELECT row FROM entry WHERE id = :entry")
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":entry": Sql(entry)}, |row| {
                    row.get::<_, Option<Sql<EntryId>>>(0)
                })
                .optional()
        })
        .map(|row| row.flatten().map(|Sql(undone)| undone))
        .doing(DOING)
}

/// Whether anything was ever undone.
pub(crate) fn is_any(conn: &Connection) -> Result<bool> {
    conn.prepare_cached(
        "-- is_any_undo\nSELECT EXISTS (
             SELECT 1 FROM scope WHERE operation IN ('restore', 'retag', 'relink', 'recreate-tags'))",
    )
    .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
    .doing(DOING)
}

/// The entry that brings back what an entry took away, found by what both are about.
pub(crate) fn of_entry(
    conn: &Connection,
    entry: EntryId,
    target: RecordId,
    opposite: Operation,
) -> Result<Option<UndoneBy>> {
    let mut statement = conn
        .prepare_cached(
            "-- undo_of\nSELECT u.id, u.state FROM entry u JOIN scope s ON s.id = u.scope
             WHERE u.target = :target AND u.row = :entry AND s.operation = :opposite ORDER BY u.id",
        )
        .doing(DOING)?;
    let rows = statement
        .query_map(
            named_params! {
                ":target": Sql(target), ":entry": Sql(entry), ":opposite": opposite.wire_name(),
            },
            |row| {
                let (Sql(entry), Sql(state)) = (row.get(0)?, row.get(1)?);
                Ok(UndoneBy { entry, state })
            },
        )
        .doing(DOING)?;
    let mut best: Option<UndoneBy> = None;
    for row in rows {
        let row = row.doing(DOING)?;
        let rank = |one: UndoneBy| (one.is_back(), one.is_under_way(), one.entry);
        best = best.filter(|best| rank(*best) > rank(row)).or(Some(row));
    }
    Ok(best)
}

impl Reader {
    /// What these tags were before they were deleted, as far as it was read: the newest reading of each.
    pub fn deleted_tags(
        &self,
        product: Product,
        module: &ModuleName,
        ids: &[RecordId],
    ) -> Result<HashMap<RecordId, SeenTag>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- deletions_of_a_tag\nSELECT e.id FROM entry e JOIN scope s ON s.id = e.scope
                 WHERE e.target = :tag AND s.operation = 'delete-tags' AND s.product = :product
                   AND s.module = :module ORDER BY e.id DESC",
            )
            .doing(DOING)?;
        let mut tags = HashMap::new();
        for id in ids {
            let params = named_params! {
                ":tag": Sql(*id), ":product": product.wire_name(), ":module": module.as_str(),
            };
            let entries = statement
                .query_map(params, |row| row.get::<_, Sql<EntryId>>(0))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
                .doing(DOING)?;
            for Sql(entry) in entries {
                let facts = snapshot::facts_of(&self.conn, Operation::DeleteTags, entry)?;
                if let Some(ThingFacts::Definition(DefinitionFacts {
                    tag: Look::Seen(tag), ..
                })) = facts
                {
                    tags.insert(*id, tag);
                    break;
                }
            }
        }
        Ok(tags)
    }
}
