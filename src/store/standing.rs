//! How a request stands before those who approve and those who send: who approved it, how, and until when it counts.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::event::Event;
use crate::domain::id::{EntryId, EventSeq, ModuleName, RequestId};
use crate::domain::policy::{Approver, Counting};
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::Operation;
use crate::domain::signers::Signers;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::store::code::{Name, Sql};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::{Reader, log, signing};

const DOING: &str = "looking for what waits for approval";

/// The lists of allowed signers that an approval is held against.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lists<'a> {
    /// The one that the journal pins, if it does.
    pub(crate) pinned: Option<&'a Signers>,
    /// What counts by the one that is set, where that was looked at.
    pub(crate) counting: Option<&'a Counting>,
}

/// A request as approving sees it.
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub(crate) struct Standing {
    pub(crate) request: RequestId,
    pub(crate) seq: EventSeq,
    pub(crate) operation: Operation,
    pub(crate) module: ModuleName,
    pub(crate) first: EntryId,
    pub(crate) last: EntryId,
    pub(crate) valid_until: Timestamp,
    pub(crate) awaits: bool,
    pub(crate) asked: bool,
    pub(crate) approved: Option<EventSeq>,
    pub(crate) second: bool,
    pub(crate) expired: bool,
}

impl Standing {
    pub(crate) fn entries(&self) -> u64 {
        self.first.get().abs_diff(self.last.get()) + 1
    }

    /// Whether a second person approved in the way that is asked for: by a signature, it is of a key that the lists
    /// still allow.
    pub(crate) fn is_approved(
        &self,
        conn: &Connection,
        approver: Approver,
        Lists { pinned, counting }: Lists<'_>,
    ) -> Result<bool> {
        Ok(match (approver, self.approved) {
            (Approver::Signed, Some(seq)) => {
                self.second
                    && counting.is_none_or(|counting| counting.counts(seq))
                    && signing::is_signed(conn, self.seq, seq, pinned)?
            }
            (Approver::Signed, None) => false,
            (Approver::Named, _) => self.second,
        })
    }

    pub(crate) fn has(&self, conn: &Connection, state: EntryState) -> Result<u64> {
        Ok(in_states(conn, self.first, self.last, &[state])?.len())
    }
}

pub(crate) fn standing(conn: &Connection, request: RequestId) -> Result<Standing> {
    conn.prepare_cached(
        "-- standing\nSELECT seq, first_entry, last_entry, valid_until_ms, awaits,
             asked_seq IS NOT NULL, approved_seq, second, expired_seq IS NOT NULL, operation, module
         FROM request WHERE id = :id",
    )
    .and_then(|mut statement| {
        statement
            .query_row(named_params! {":id": Sql(request)}, |row| {
                Ok(Standing {
                    request,
                    seq: row.get::<_, Sql<_>>(0)?.0,
                    first: row.get::<_, Sql<_>>(1)?.0,
                    last: row.get::<_, Sql<_>>(2)?.0,
                    valid_until: row.get::<_, Sql<_>>(3)?.0,
                    awaits: row.get(4)?,
                    asked: row.get(5)?,
                    approved: row.get::<_, Option<Sql<_>>>(6)?.map(|Sql(seq)| seq),
                    second: row.get(7)?,
                    expired: row.get(8)?,
                    operation: row.get::<_, Name<_>>(9)?.0,
                    module: row.get::<_, Name<_>>(10)?.0,
                })
            })
            .optional()
    })
    .doing("reading a request")?
    .ok_or_else(|| StoreError::NotFound(request.to_string()))
}

impl Reader {
    /// The policy by which a request needs a second person, as it was met then; `None` where none asked.
    pub fn asked_by(&self, request: RequestId) -> Result<Option<String>> {
        let asked: Option<Sql<EventSeq>> = self
            .conn
            .prepare_cached("-- asked_by\nSELECT asked_seq FROM request WHERE id = :id")
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":id": Sql(request)}, |row| row.get(0))
                    .optional()
            })
            .doing("reading a request")?
            .flatten();
        let Some(Sql(asked)) = asked else { return Ok(None) };
        let event = log::event(&self.conn, asked)?.decode()?.event;
        Ok(if let Event::RequestRecorded(event) = event {
            Some(event.policy)
        } else if let Event::ApprovalNeeded(event) = event {
            Some(event.policy)
        } else {
            None
        })
    }
}

/// The entries of a range that stand in one of these states.
pub(crate) fn in_states(
    conn: &Connection,
    first: EntryId,
    last: EntryId,
    states: &[EntryState],
) -> Result<EntryRanges> {
    let mut found = EntryRanges::default();
    each_state(conn, first, last, |entry, state| {
        if states.contains(&state) {
            found.push(entry);
        }
    })?;
    Ok(found)
}

/// Hands the entries of a range on, in order, with their states.
pub(crate) fn each_state(
    conn: &Connection,
    first: EntryId,
    last: EntryId,
    mut visit: impl FnMut(EntryId, EntryState),
) -> Result<()> {
    let mut statement = conn
        .prepare_cached(
            "-- each_state\nSELECT id, state FROM entry WHERE id BETWEEN :first AND :last ORDER BY id",
        )
        .doing(DOING)?;
    let mut rows =
        statement.query(named_params! {":first": Sql(first), ":last": Sql(last)}).doing(DOING)?;
    while let Some(row) = rows.next().doing(DOING)? {
        let (Sql(entry), Sql(state)) =
            row.get(0).and_then(|entry| Ok((entry, row.get(1)?))).doing(DOING)?;
        visit(entry, state);
    }
    Ok(())
}
