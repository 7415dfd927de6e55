//! Entries: insertion in one go, and the one way by which they change their state.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::event::Event;
use crate::domain::id::{EntryId, RecordId, RequestId};
use crate::domain::state::{Change, EntryState, IllegalTransition};
use crate::store::code::{Sql, count, uncount};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::scope::ScopeId;

/// Entries that one statement inserts. More gains nothing.
const ROWS_AT_ONCE: usize = 100;

/// An item as it is recorded: the record, and the row of the source that named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewItem {
    /// The parent record, of an unlink.
    pub parent: Option<RecordId>,
    /// The record, or the tag.
    pub target: RecordId,
    /// The row of the source: line of a file, position among arguments.
    pub row: i64,
}

/// The number of the next entry.
pub(crate) fn next_id(conn: &Connection) -> Result<EntryId> {
    conn.query_row("-- next_entry\nSELECT coalesce(max(id), 0) + 1 FROM entry", [], |row| {
        row.get::<_, Sql<EntryId>>(0)
    })
    .map(|Sql(id)| id)
    .doing("numbering entries")
}

/// Inserts entries, numbered from `first` on.
pub(crate) fn insert(
    conn: &Connection,
    first: EntryId,
    scope: ScopeId,
    state: EntryState,
    items: &[NewItem],
) -> Result<()> {
    let doing = "recording entries";
    let rows = vec!["(?,?,?,?,?)"; ROWS_AT_ONCE].join(",");
    let insert = "-- insert_entries\nINSERT INTO entry (id, scope, target, row, state) VALUES ";
    let mut many = conn.prepare(&format!("{insert}{rows}")).doing(doing)?;
    let mut one = conn.prepare(&format!("{insert}(?,?,?,?,?)")).doing(doing)?;
    let state = Sql(state).code();
    let mut next = first.get();
    for chunk in items.chunks(ROWS_AT_ONCE) {
        let statement = if chunk.len() == ROWS_AT_ONCE { &mut many } else { &mut one };
        let mut column = 0;
        for item in chunk {
            for value in [next, scope.0, item.target.get(), item.row, state] {
                column += 1;
                statement.raw_bind_parameter(column, value).doing(doing)?;
            }
            next += 1;
            if chunk.len() < ROWS_AT_ONCE {
                statement.raw_execute().doing(doing)?;
                column = 0;
            }
        }
        if chunk.len() == ROWS_AT_ONCE {
            statement.raw_execute().doing(doing)?;
        }
    }
    Ok(())
}

/// The first open entry of the same scope that covers the record, if any.
pub(crate) fn open_duplicate(
    conn: &Connection,
    scope: ScopeId,
    target: RecordId,
) -> Result<Option<EntryId>> {
    conn.prepare_cached(
        "-- open_duplicate\nSELECT id FROM entry
         WHERE target = :target AND scope = :scope AND state IN (2, 3, 4, 5, 6, 10)
         ORDER BY id LIMIT 1",
    )
    .and_then(|mut statement| {
        statement
            .query_row(named_params! {":target": Sql(target), ":scope": scope.0}, |row| {
                row.get::<_, Sql<EntryId>>(0)
            })
            .optional()
    })
    .map(|found| found.map(|Sql(id)| id))
    .doing("looking for open entries")
}

/// Moves the entries that an event moves, and keeps the counts. Every range must stand wholly in states
/// that the change allows; if one entry does not, nothing is written at all.
pub(crate) fn apply(conn: &Connection, event: &Event) -> Result<()> {
    for step in event.steps() {
        for (first, last) in step.entries.ranges() {
            move_range(conn, first, last, step.change, event.kind())?;
        }
    }
    Ok(())
}

fn move_range(
    conn: &Connection,
    first: EntryId,
    last: EntryId,
    change: Change,
    doing: &'static str,
) -> Result<()> {
    let mut moved = 0;
    for (request, from_entry, to_entry) in requests_of(conn, first, last)? {
        // A state that the change leaves as it is comes first, else entries that the change brings into it
        // would be counted twice.
        let stays = |from: &&EntryState| from.next(change) == Ok(**from);
        let leaves = |from: &&EntryState| !stays(from);
        for from in
            EntryState::ALL.iter().filter(stays).chain(EntryState::ALL.iter().filter(leaves))
        {
            let Ok(to) = from.next(change) else { continue };
            let entries = conn
                .prepare_cached(
                    "-- move_range\nUPDATE entry SET state = :to
                     WHERE id BETWEEN :first AND :last AND state = :from",
                )
                .and_then(|mut statement| {
                    statement.execute(named_params! {
                        ":to": Sql(to), ":from": Sql(*from),
                        ":first": Sql(from_entry), ":last": Sql(to_entry),
                    })
                })
                .doing(doing)?;
            let entries = u64::try_from(entries).unwrap_or(0);
            moved += entries;
            if entries > 0 && *from != to {
                tally(conn, request, *from, -count(entries))?;
                tally(conn, request, to, count(entries))?;
            }
        }
    }
    if moved != last.get().abs_diff(first.get()) + 1 {
        return Err(refused(conn, first, last, change, doing));
    }
    Ok(())
}

/// Names the entry that stood in the way.
fn refused(
    conn: &Connection,
    first: EntryId,
    last: EntryId,
    change: Change,
    doing: &'static str,
) -> StoreError {
    let mut number = first;
    while number <= last {
        match state_of(conn, number) {
            Ok(Some(from)) => {
                // Those that were moved already stand in the state after the change.
                let after = EntryState::ALL.iter().any(|state| state.next(change) == Ok(from));
                if from.next(change).is_err() && !after {
                    return IllegalTransition { from, change }.into();
                }
            }
            Ok(None) => return StoreError::NotFound(number.to_string()),
            Err(error) => return error,
        }
        number = number.next();
    }
    StoreError::Conflict { entry: first, doing }
}

/// The state of one entry.
pub(crate) fn state_of(conn: &Connection, entry: EntryId) -> Result<Option<EntryState>> {
    conn.prepare_cached("-- state_of\nSELECT state FROM entry WHERE id = :id")
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":id": Sql(entry)}, |row| {
                    row.get::<_, Sql<EntryState>>(0)
                })
                .optional()
        })
        .map(|state| state.map(|Sql(state)| state))
        .doing("reading an entry")
}

/// The requests that own a range of entries, each with its part of the range.
pub(crate) fn requests_of(
    conn: &Connection,
    first: EntryId,
    last: EntryId,
) -> Result<Vec<(RequestId, EntryId, EntryId)>> {
    let doing = "finding the request of an entry";
    let mut statement = conn
        .prepare_cached(
            "-- requests_of\nSELECT id, max(first_entry, :first), min(last_entry, :last) FROM request
             WHERE first_entry <= :last AND last_entry >= :first ORDER BY first_entry",
        )
        .doing(doing)?;
    let rows = statement
        .query_map(named_params! {":first": Sql(first), ":last": Sql(last)}, |row| {
            let (Sql(request), Sql(from), Sql(to)) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((request, from, to))
        })
        .doing(doing)?;
    rows.collect::<rusqlite::Result<_>>().doing(doing)
}

/// Adds to the count of a request's entries in a state.
pub(crate) fn tally(
    conn: &Connection,
    request: RequestId,
    state: EntryState,
    by: i64,
) -> Result<()> {
    // The row is there before it is added to: a CHECK refuses a negative insert even where the
    // conflict clause would have made the sum positive.
    conn.prepare_cached(
        "-- tally_row\nINSERT OR IGNORE INTO tally (request, state, entries)
         VALUES (:request, :state, 0)",
    )
    .and_then(|mut statement| {
        statement.execute(named_params! {":request": Sql(request), ":state": Sql(state)})
    })
    .doing("counting entries")?;
    conn.prepare_cached(
        "-- tally\nUPDATE tally SET entries = entries + :by
         WHERE request = :request AND state = :state",
    )
    .and_then(|mut statement| {
        statement.execute(named_params! {":request": Sql(request), ":state": Sql(state), ":by": by})
    })
    .map(|_| ())
    .doing("counting entries")
}

/// How many entries of all requests stand in each state.
pub(crate) fn totals(conn: &Connection) -> Result<Vec<(EntryState, u64)>> {
    let doing = "counting entries";
    let mut statement = conn
        .prepare_cached("-- totals\nSELECT state, sum(entries) FROM tally GROUP BY state")
        .doing(doing)?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, Sql<EntryState>>(0)?.0, uncount(row.get(1)?))))
        .doing(doing)?;
    rows.collect::<rusqlite::Result<_>>().doing(doing)
}
