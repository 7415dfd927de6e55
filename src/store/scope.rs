//! The dictionary of scopes: what many items have in common is stored once.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::domain::id::RecordId;
use crate::domain::scope::{Action, Operation, RelatedList, Scope, TagSet};
use crate::store::code::{Name, Sql};
use crate::store::error::{Doing, Result, StoreError};

/// The number of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ScopeId(pub(crate) i64);

/// The scope's number, if it was used before.
pub(crate) fn find(conn: &Connection, scope: &Scope) -> Result<Option<ScopeId>> {
    conn.prepare_cached(
        "-- find_scope\nSELECT id FROM scope
         WHERE operation = :operation AND product = :product AND module = :module
           AND parent IS :parent AND related_list IS :list AND tags IS :tags",
    )
    .and_then(|mut statement| {
        statement
            .query_row(
                named_params! {
                    ":operation": scope.operation().wire_name(),
                    ":product": scope.product.wire_name(),
                    ":module": scope.module.as_str(),
                    ":parent": scope.parent().map(Sql),
                    ":list": scope.list().map(RelatedList::as_str),
                    ":tags": scope.tags().map(TagSet::json),
                },
                |row| row.get(0).map(ScopeId),
            )
            .optional()
    })
    .doing("looking up a scope")
}

/// The scope's number; made when it is new.
pub(crate) fn find_or_make(conn: &Connection, scope: &Scope) -> Result<ScopeId> {
    if let Some(found) = find(conn, scope)? {
        return Ok(found);
    }
    conn.prepare_cached(
        "-- make_scope\nINSERT INTO scope (operation, product, module, parent, related_list, tags)
         VALUES (:operation, :product, :module, :parent, :list, :tags)",
    )
    .and_then(|mut statement| {
        statement.execute(named_params! {
            ":operation": scope.operation().wire_name(),
            ":product": scope.product.wire_name(),
            ":module": scope.module.as_str(),
            ":parent": scope.parent().map(Sql),
            ":list": scope.list().map(RelatedList::as_str),
            ":tags": scope.tags().map(TagSet::json),
        })
    })
    .doing("recording a scope")?;
    Ok(ScopeId(conn.last_insert_rowid()))
}

/// The scope of a number. One whose parent or tags were erased is an error: nothing is done to its items any
/// more.
pub(crate) fn get(conn: &Connection, id: ScopeId) -> Result<Scope> {
    conn.prepare_cached(
        "-- get_scope\nSELECT operation, product, module, parent, related_list, tags FROM scope
         WHERE id = :id",
    )
    .and_then(|mut statement| statement.query_row(named_params! {":id": id.0}, |row| read(row, 0)))
    .doing("reading a scope")?
    .ok_or_else(|| StoreError::corrupt("scope", format!("{}: it is not whole", id.0)))
}

/// Reads operation, product, module, parent, related list and tags from six columns. `None` when what the
/// operation needs is not there.
pub(crate) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Scope>> {
    let Name(operation) = row.get::<_, Name<Operation>>(first)?;
    let (Name(product), Name(module)) = (row.get(first + 1)?, row.get(first + 2)?);
    let parent = row.get::<_, Option<Sql<RecordId>>>(first + 3)?.map(|Sql(parent)| parent);
    let list = row.get::<_, Option<Name<RelatedList>>>(first + 4)?.map(|Name(list)| list);
    let tags = row.get::<_, Option<String>>(first + 5)?;
    let tags = tags.map(|tags| TagSet::from_json(&tags));
    // What an operation does not need is not there.
    let action = match (operation, parent, list, tags) {
        (Operation::Delete, None, None, None) => Some(Action::Delete),
        (Operation::Untag, None, None, Some(Some(tags))) => Some(Action::Untag(tags)),
        (Operation::Unlink, Some(parent), Some(list), None) => {
            Some(Action::Unlink { parent, list })
        }
        (Operation::DeleteTags, None, None, None) => Some(Action::DeleteTags),
        (Operation::Restore, None, None, None) => Some(Action::Restore),
        (Operation::Retag, None, None, Some(Some(tags))) => Some(Action::Retag(tags)),
        (Operation::Relink, Some(parent), Some(list), None) => {
            Some(Action::Relink { parent, list })
        }
        (Operation::RecreateTags, None, None, None) => Some(Action::RecreateTags),
        _ => None,
    };
    Ok(action.map(|action| Scope { product, module, action }))
}
