//! The dictionary of scopes: what many items have in common is stored once.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::call::Operation;
use crate::domain::id::ModuleName;
use crate::domain::target::Product;
use crate::store::code::Name;
use crate::store::error::{Doing, Result};

/// The number of a scope, within this file only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ScopeId(pub(crate) i64);

/// What many items have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The operation.
    pub operation: Operation,
    /// The product.
    pub product: Product,
    /// The module.
    pub module: ModuleName,
}

/// The scope's number, if it was used before.
pub(crate) fn find(conn: &Connection, scope: &Scope) -> Result<Option<ScopeId>> {
    conn.prepare_cached(
        "-- find_scope\nSELECT id FROM scope
         WHERE operation = :operation AND product = :product AND module = :module
           AND parent IS NULL AND related_list IS NULL AND tags IS NULL",
    )
    .and_then(|mut statement| {
        statement
            .query_row(
                named_params! {
                    ":operation": scope.operation.wire_name(),
                    ":product": scope.product.wire_name(),
                    ":module": scope.module.as_str(),
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
    conn.execute(
        "-- make_scope\nINSERT INTO scope (operation, product, module)
         VALUES (:operation, :product, :module)",
        named_params! {
            ":operation": scope.operation.wire_name(),
            ":product": scope.product.wire_name(),
            ":module": scope.module.as_str(),
        },
    )
    .doing("recording a scope")?;
    Ok(ScopeId(conn.last_insert_rowid()))
}

/// Every scope with its number.
pub(crate) fn all(conn: &Connection) -> Result<Vec<(ScopeId, Scope)>> {
    let doing = "reading the scopes";
    let mut statement = conn
        .prepare("-- all_scopes\nSELECT id, operation, product, module FROM scope ORDER BY id")
        .doing(doing)?;
    let rows = statement
        .query_map([], |row| {
            let scope = Scope {
                operation: row.get::<_, Name<_>>(1)?.0,
                product: row.get::<_, Name<_>>(2)?.0,
                module: row.get::<_, Name<_>>(3)?.0,
            };
            Ok((ScopeId(row.get(0)?), scope))
        })
        .doing(doing)?;
    rows.collect::<rusqlite::Result<_>>().doing(doing)
}
