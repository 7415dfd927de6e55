//! The append-only log: events, the tree over them, and the opened form of their seals.

use rusqlite::{Connection, OptionalExtension, named_params};
use serde::Deserialize;

use crate::domain::entropy::Entropy;
use crate::domain::event::{Event, LoggedEvent};
use crate::domain::id::EventSeq;
use crate::domain::merkle::{Hash, NodeId, Tree, frontier_of, leaf_hash, root_of_frontier};
use crate::domain::seal::{Salt, seal};
use crate::domain::time::Timestamp;
use crate::store::code::{Sql, count, uncount};
use crate::store::error::{Doing, Result, StoreError};

/// Size and root of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of events.
    pub size: u64,
    /// The RFC 6962 root over them.
    pub root: Hash,
}

/// The seals of one event while it is being made.
#[derive(Debug, Default)]
pub(crate) struct Seals(Vec<(&'static str, Salt, String)>);

impl Seals {
    /// Seals a field under a fresh salt. The hash goes into the event.
    pub(crate) fn add(
        &mut self,
        entropy: &mut dyn Entropy,
        field: &'static str,
        value: &str,
    ) -> Result<Hash> {
        let salt = Salt::new(entropy.bytes()?);
        let hash = seal(&salt, field, value);
        self.0.push((field, salt, value.to_owned()));
        Ok(hash)
    }

    /// The same for a field that may be missing.
    pub(crate) fn add_some(
        &mut self,
        entropy: &mut dyn Entropy,
        field: &'static str,
        value: Option<&str>,
    ) -> Result<Option<Hash>> {
        value.map(|value| self.add(entropy, field, value)).transpose()
    }
}

/// A stored event with its position.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its position.
    pub seq: EventSeq,
    /// Its exact bytes.
    pub body: Vec<u8>,
    /// Its stored leaf hash.
    pub leaf: Hash,
}

impl StoredEvent {
    /// Reads the bytes.
    pub fn decode(&self) -> Result<LoggedEvent> {
        LoggedEvent::decode(&self.body)
            .map_err(|source| StoreError::Event { seq: self.seq.get(), source })
    }
}

/// The head as it is stored; an empty log for a file without one.
pub(crate) fn head(conn: &Connection) -> Result<Head> {
    conn.prepare_cached("-- head\nSELECT size, root FROM head")
        .and_then(|mut statement| {
            statement
                .query_row([], |row| {
                    Ok(Head { size: uncount(row.get(0)?), root: row.get::<_, Sql<Hash>>(1)?.0 })
                })
                .optional()
        })
        .doing("reading the head of the log")?
        .map_or_else(|| Ok(Head { size: 0, root: crate::domain::merkle::empty_root() }), Ok)
}

/// The stored hash of a complete subtree.
pub(crate) fn node(conn: &Connection, id: NodeId) -> Result<Hash> {
    let hash = if id.level == 0 {
        conn.prepare_cached("-- node (leaf)\nSELECT leaf FROM event WHERE seq = :seq").and_then(
            |mut statement| {
                statement
                    .query_row(named_params! {":seq": count(id.index)}, |row| row.get(0))
                    .optional()
            },
        )
    } else {
        conn.prepare_cached("-- node\nSELECT hash FROM node WHERE level = :level AND idx = :idx")
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":level": id.level, ":idx": count(id.index)}, |row| {
                        row.get(0)
                    })
                    .optional()
            })
    };
    hash.doing("reading the tree")?
        .map(|Sql(hash)| hash)
        .ok_or_else(|| StoreError::corrupt("node", format!("{id:?} is missing")))
}

/// The root that the log had when it held `size` events, from the stored nodes.
pub(crate) fn root_at(conn: &Connection, size: u64) -> Result<Hash> {
    let roots: Vec<Hash> =
        frontier_of(size).into_iter().map(|id| node(conn, id)).collect::<Result<_>>()?;
    Ok(root_of_frontier(&roots))
}

/// The tree as it stands, ready to grow.
pub(crate) fn resume(conn: &Connection) -> Result<Tree> {
    let head = head(conn)?;
    let roots: Vec<Hash> =
        frontier_of(head.size).into_iter().map(|id| node(conn, id)).collect::<Result<_>>()?;
    Tree::resume(head.size, &roots)
        .filter(|tree| tree.root() == head.root)
        .ok_or_else(|| StoreError::corrupt("head", "it does not agree with the tree"))
}

/// Appends an event: its bytes, its leaf, the nodes it completes, the opened seals.
pub(crate) fn append(
    conn: &Connection,
    tree: &mut Tree,
    at: Timestamp,
    event: Event,
    seals: Seals,
) -> Result<EventSeq> {
    let seq = EventSeq::new(count(tree.size()));
    let body = LoggedEvent { at, event }
        .encode()
        .map_err(|error| StoreError::corrupt("event", error.to_string()))?;
    let leaf = leaf_hash(&body);
    conn.prepare_cached(
        "-- append_event\nINSERT INTO event (seq, body, leaf) VALUES (:seq, :body, :leaf)",
    )
    .and_then(|mut statement| {
        statement.execute(named_params! {":seq": Sql(seq), ":body": body, ":leaf": Sql(leaf)})
    })
    .doing("writing to the log")?;
    let mut completed = Vec::new();
    tree.append(leaf, |id, hash| completed.push((id, hash)));
    for (id, hash) in completed {
        conn.prepare_cached(
            "-- append_node\nINSERT INTO node (level, idx, hash) VALUES (:level, :idx, :hash)",
        )
        .and_then(|mut statement| {
            statement.execute(
                named_params! {":level": id.level, ":idx": count(id.index), ":hash": Sql(hash)},
            )
        })
        .doing("writing to the log")?;
    }
    for (field, salt, value) in seals.0 {
        conn.prepare_cached(
            "-- append_seal\nINSERT INTO sealed (seq, field, salt, value)
             VALUES (:seq, :field, :salt, :value)",
        )
        .and_then(|mut statement| {
            statement.execute(named_params! {
                ":seq": Sql(seq), ":field": field, ":salt": salt.bytes(), ":value": value,
            })
        })
        .doing("writing to the log")?;
    }
    Ok(seq)
}

/// Writes the head, last thing in a transaction that appended.
pub(crate) fn write_head(conn: &Connection, tree: &Tree) -> Result<Head> {
    let head = Head { size: tree.size(), root: tree.root() };
    conn.prepare_cached(
        "-- write_head\nINSERT INTO head (one, size, root) VALUES (1, :size, :root)
         ON CONFLICT (one) DO UPDATE SET size = excluded.size, root = excluded.root",
    )
    .and_then(|mut statement| {
        statement.execute(named_params! {":size": count(head.size), ":root": Sql(head.root)})
    })
    .doing("writing to the log")?;
    Ok(head)
}

/// One event.
pub(crate) fn event(conn: &Connection, seq: EventSeq) -> Result<StoredEvent> {
    conn.prepare_cached("-- event\nSELECT body, leaf FROM event WHERE seq = :seq")
        .and_then(|mut statement| {
            statement.query_row(named_params! {":seq": Sql(seq)}, |row| {
                Ok(StoredEvent { seq, body: row.get(0)?, leaf: row.get::<_, Sql<Hash>>(1)?.0 })
            })
        })
        .optional()
        .doing("reading the log")?
        .ok_or_else(|| StoreError::NotFound(format!("event {seq}")))
}

/// When an event was written. Only that is read of its body, so that newer events do no harm.
pub(crate) fn event_at(conn: &Connection, seq: EventSeq) -> Result<(Timestamp, Hash)> {
    #[derive(Deserialize)]
    struct When {
        at: Timestamp,
    }
    let event = event(conn, seq)?;
    let when: When = serde_json::from_slice(&event.body)
        .map_err(|error| StoreError::corrupt("event", format!("event {seq}: {error}")))?;
    Ok((when.at, event.leaf))
}

/// Hands every event from a position on to `visit`, in order, one at a time.
pub(crate) fn each_event<E: From<StoreError>>(
    conn: &Connection,
    from: EventSeq,
    mut visit: impl FnMut(StoredEvent) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let failed = StoreError::sqlite("reading the log");
    let mut statement = conn
        .prepare_cached(
            "-- each_event\nSELECT seq, body, leaf FROM event WHERE seq >= :from ORDER BY seq",
        )
        .map_err(&failed)?;
    let mut rows = statement.query(named_params! {":from": Sql(from)}).map_err(&failed)?;
    while let Some(row) = rows.next().map_err(&failed)? {
        let read = || -> rusqlite::Result<StoredEvent> {
            Ok(StoredEvent {
                seq: row.get::<_, Sql<EventSeq>>(0)?.0,
                body: row.get(1)?,
                leaf: row.get::<_, Sql<Hash>>(2)?.0,
            })
        };
        visit(read().map_err(&failed)?)?;
    }
    Ok(())
}

/// The opened value of a sealed field; `None` when there is no such field or it was erased.
pub(crate) fn opened(conn: &Connection, seq: EventSeq, field: &str) -> Result<Option<String>> {
    conn.prepare_cached("-- opened\nSELECT value FROM sealed WHERE seq = :seq AND field = :field")
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":seq": Sql(seq), ":field": field}, |row| row.get(0))
                .optional()
        })
        .map(Option::flatten)
        .doing("reading a sealed field")
}
