//! What an undo brings back: each of its entries names, in the place of a source's row, the entry that it undoes.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::call::Brought;
use crate::domain::evidence::Look;
use crate::domain::evidence::comeback::WITHOUT_PARENT;
use crate::domain::evidence::presence::{DefinitionFacts, RelationFacts, SeenTag, ThingFacts};
use crate::domain::id::{EntryId, ModuleName, RecordId};
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::domain::target::Product;
use crate::domain::undo::{Failed, Failure};
use crate::store::Reader;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result};
use crate::store::query::{PutBack, UndoneBy};
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
                Ok(UndoneBy { entry, state, failed: None })
            },
        )
        .doing(DOING)?;
    let mut best: Option<UndoneBy> = None;
    for row in rows {
        best = Some(better(best, row.doing(DOING)?));
    }
    best.map(|best| with_failure(conn, opposite, best)).transpose()
}

/// Of two entries that bring back the same thing the one that counts.
fn better(known: Option<UndoneBy>, other: UndoneBy) -> UndoneBy {
    let rank = |one: UndoneBy| (one.is_back(), one.is_under_way(), one.entry);
    known.filter(|known| rank(*known) > rank(other)).unwrap_or(other)
}

/// The entries that put a deleted tag back on records, by record: of several for one record the one that counts.
pub(crate) fn put_back(conn: &Connection, entry: EntryId) -> Result<Vec<PutBack>> {
    let mut statement = conn
        .prepare_cached(
            "-- put_back\nSELECT u.target, u.id, u.state FROM request r
             JOIN entry u ON u.id BETWEEN r.first_entry AND r.last_entry
             WHERE r.operation = 'retag' AND r.first_entry > :entry AND u.row = :entry
               AND u.target IS NOT NULL ORDER BY u.id",
        )
        .doing(DOING)?;
    let rows = statement
        .query_map(named_params! {":entry": Sql(entry)}, |row| {
            let (Sql(record), Sql(entry), Sql(state)) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((record, UndoneBy { entry, state, failed: None }))
        })
        .doing(DOING)?;
    let mut found: BTreeMap<RecordId, UndoneBy> = BTreeMap::new();
    for row in rows {
        let (record, by) = row.doing(DOING)?;
        let best = better(found.get(&record).copied(), by);
        found.insert(record, best);
    }
    let told = |(record, by)| Ok(PutBack { record, by: with_failure(conn, Operation::Retag, by)? });
    found.into_iter().map(told).collect()
}

/// Who brought back what was forgotten since, by the entry that took it away: the numbers of entries stay where what
/// brought it back was not forgotten itself.
pub(crate) fn of_forgotten(conn: &Connection) -> Result<HashMap<EntryId, UndoneBy>> {
    let mut statement = conn
        .prepare_cached(
            "-- undo_of_forgotten\nSELECT e.id, u.id, u.state FROM request r
             JOIN entry u ON u.id BETWEEN r.first_entry AND r.last_entry
             JOIN entry e ON e.id = u.row JOIN scope s ON s.id = e.scope
             WHERE e.target IS NULL AND (r.operation, s.operation) IN (VALUES
                 ('restore', 'delete'), ('retag', 'untag'), ('relink', 'unlink'),
                 ('recreate-tags', 'delete-tags'))
             ORDER BY u.id",
        )
        .doing(DOING)?;
    let rows = statement
        .query_map([], |row| {
            let (Sql(undone), Sql(entry), Sql(state)) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((undone, UndoneBy { entry, state, failed: None }))
        })
        .doing(DOING)?;
    let mut found = HashMap::new();
    for row in rows {
        let (undone, by) = row.doing(DOING)?;
        let best = better(found.get(&undone).copied(), by);
        found.insert(undone, best);
    }
    Ok(found)
}

/// Adds to an entry that failed why it did.
fn with_failure(conn: &Connection, operation: Operation, by: UndoneBy) -> Result<UndoneBy> {
    if by.state != EntryState::Failed {
        return Ok(by);
    }
    let read: Option<(i64, Option<String>)> = conn
        .prepare_cached(
            "-- last_read_of_undo\nSELECT reading, facts FROM (
                 SELECT reading, facts FROM evidence WHERE entry = :entry
                 UNION ALL SELECT reading, facts FROM snapshot WHERE entry = :entry)
             ORDER BY reading DESC LIMIT 1",
        )
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":entry": Sql(by.entry)}, |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .doing(DOING)?;
    let (reading, facts) = read.unwrap_or_default();
    let facts = facts.and_then(|text| snapshot::parse(operation, &text));
    let why = if facts.is_some_and(|facts| facts.lacks_holder()) {
        Failure::Gone
    } else if last_code(conn, by.entry)?.as_deref() == Some(WITHOUT_PARENT) {
        Failure::WithoutParent
    } else {
        Failure::Other
    };
    Ok(UndoneBy { failed: Some(Failed { why, reading }), ..by })
}

/// The code of the last answer.
fn last_code(conn: &Connection, entry: EntryId) -> Result<Option<String>> {
    conn.prepare_cached(
        "-- last_code\nSELECT s.code FROM attempt a JOIN said s ON s.id = a.said
         WHERE a.entry = :entry ORDER BY a.batch DESC LIMIT 1",
    )
    .and_then(|mut statement| {
        statement.query_row(named_params! {":entry": Sql(entry)}, |row| row.get(0)).optional()
    })
    .doing(DOING)
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
