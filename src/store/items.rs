//! Items as their leaves name them, and the salts of those leaves.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, named_params};

use crate::domain::erasure::{SecretNode, Secrets};
use crate::domain::id::{EntryId, RecordId, RequestId};
use crate::domain::merkle::{Hash, root_of};
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::Scope;
use crate::domain::seal::{ItemIdentity, LeafMaker, LeafPurpose, Salt, Secret, item_leaf};
use crate::store::code::{Sql, uncount};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::scope::{self, ScopeId};

/// One item with all that its leaves say about it.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) identity: ItemIdentity,
    pub(crate) scope: ScopeId,
    pub(crate) what: Arc<Scope>,
}

/// The items of a set of entries, ascending. An erased item is an error: nothing is done to those any more.
pub(crate) fn items_of(conn: &Connection, entries: &EntryRanges) -> Result<Vec<Item>> {
    let doing = "reading items";
    let mut known: Option<(ScopeId, Arc<Scope>)> = None;
    let mut items = Vec::with_capacity(usize::try_from(entries.len()).unwrap_or(0));
    let mut statement = conn
        .prepare_cached(
            "-- items_of\nSELECT id, target, row, scope FROM entry
             WHERE id BETWEEN :first AND :last ORDER BY id",
        )
        .doing(doing)?;
    for (first, last) in entries.ranges() {
        let mut rows = statement
            .query(named_params! {":first": Sql(first), ":last": Sql(last)})
            .doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            let read = || -> rusqlite::Result<_> {
                let (Sql(entry), target) = (row.get(0)?, row.get::<_, Option<Sql<RecordId>>>(1)?);
                let (row, scope) = (row.get::<_, Option<i64>>(2)?, ScopeId(row.get(3)?));
                Ok((entry, target, row, scope))
            };
            let (entry, target, row, scope) = read().doing(doing)?;
            let (Some(Sql(target)), Some(row)) = (target, row) else {
                return Err(StoreError::corrupt("entry", format!("{entry} was erased")));
            };
            // A batch has one scope, a reading few, each in one stretch.
            let what = match &known {
                Some((id, what)) if *id == scope => Arc::clone(what),
                _ => Arc::new(scope::get(conn, scope)?),
            };
            known = Some((scope, Arc::clone(&what)));
            items.push(Item { identity: ItemIdentity { entry, target, row }, scope, what });
        }
    }
    if u64::try_from(items.len()).ok() == Some(entries.len()) {
        Ok(items)
    } else {
        Err(StoreError::NotFound(format!("one of the entries {entries}")))
    }
}

/// The root of the tree over items' leaves in one event. `each` is what the event says of each item, in their
/// order, and `open` gives the opened form of its leaf.
pub(crate) fn root_over<T>(
    conn: &Connection,
    items: &[Item],
    each: &[T],
    purpose: LeafPurpose,
    open: impl for<'m> Fn(&'m mut LeafMaker, &ItemIdentity, &T) -> &'m [u8],
) -> Result<Hash> {
    Ok(root_of(leaves_over(conn, items, each, purpose, open)?))
}

/// The leaves of items in one event, in their order.
pub(crate) fn leaves_over<T>(
    conn: &Connection,
    items: &[Item],
    each: &[T],
    purpose: LeafPurpose,
    open: impl for<'m> Fn(&'m mut LeafMaker, &ItemIdentity, &T) -> &'m [u8],
) -> Result<Vec<Hash>> {
    let salts = salts(conn, items, purpose)?;
    let mut makers: HashMap<i64, LeafMaker> = HashMap::new();
    let leaves = items.iter().zip(each).zip(&salts).map(|((item, one), salt)| {
        let maker = makers.entry(item.scope.0).or_insert_with(|| LeafMaker::new(&item.what));
        item_leaf(salt, open(maker, &item.identity, one))
    });
    Ok(leaves.collect())
}

/// The salts of items' leaves in one event, in the order of the items.
fn salts(conn: &Connection, items: &[Item], purpose: LeafPurpose) -> Result<Vec<Salt>> {
    let mut salts = Vec::with_capacity(items.len());
    let mut owner: Option<(EntryId, EntryId, Secrets)> = None;
    for item in items {
        let entry = item.identity.entry;
        let inside =
            owner.as_ref().is_some_and(|(first, last, _)| *first <= entry && entry <= *last);
        if !inside {
            owner = Some(secrets_of(conn, entry)?);
        }
        let salt = owner.as_mut().and_then(|(first, _, secrets)| {
            secrets.salt(entry.get().abs_diff(first.get()), purpose)
        });
        salts.push(salt.ok_or_else(|| {
            StoreError::corrupt("secret", format!("the one of {entry} is not there"))
        })?);
    }
    Ok(salts)
}

/// The request that owns an entry, with the range of its entries.
pub(crate) fn owner_of(conn: &Connection, entry: EntryId) -> Result<(RequestId, EntryId, EntryId)> {
    conn.prepare_cached(
        "-- owner\nSELECT id, first_entry, last_entry FROM request
         WHERE first_entry <= :entry ORDER BY first_entry DESC LIMIT 1",
    )
    .and_then(|mut statement| {
        statement.query_row(named_params! {":entry": Sql(entry)}, |row| {
            let (Sql(request), Sql(first), Sql(last)) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((request, first, last))
        })
    })
    .doing("finding the request of an entry")
}

/// The range of entries of the request that owns an entry, and the secrets of its items.
pub(crate) fn secrets_of(conn: &Connection, entry: EntryId) -> Result<(EntryId, EntryId, Secrets)> {
    let (request, first, last) = owner_of(conn, entry)?;
    let entries = uncount(last.get() - first.get() + 1);
    let nodes = secret_nodes(conn, request, "items")?;
    Ok((first, last, Secrets::new(entries, nodes)))
}

/// The secrets that are there of a request's items (`items`) or of its rows that were left out (`rejected`):
/// the root of their tree, or the nodes that are left of it.
pub(crate) fn secret_nodes(
    conn: &Connection,
    request: RequestId,
    purpose: &str,
) -> Result<Vec<(SecretNode, Secret)>> {
    let doing = "reading a request's secrets";
    let mut statement = conn
        .prepare_cached(
            "-- secret_nodes\nSELECT level, idx, key FROM secret
             WHERE request = :request AND purpose = :purpose",
        )
        .doing(doing)?;
    let rows = statement
        .query_map(named_params! {":request": Sql(request), ":purpose": purpose}, |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?))
        })
        .doing(doing)?;
    let mut nodes = Vec::new();
    for row in rows {
        let (level, idx, key) = row.doing(doing)?;
        let place = u32::try_from(level).ok().zip(u64::try_from(idx).ok());
        let node = place.zip(<[u8; 32]>::try_from(key).ok().map(Secret::new));
        nodes.push(node.ok_or_else(|| StoreError::corrupt("secret", request.to_string()))?);
    }
    Ok(nodes)
}
