//! Taking back what nobody may send as it stands: it is too old, or the policy of now asks for an approval it lacks.

use rusqlite::{Connection, named_params};

use crate::domain::event::{ApprovalNeeded, Event, NeedCause};
use crate::domain::id::{EntryId, RequestId, RunId};
use crate::domain::policy::{Approver, Conditions, Demand, Met};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::planted::Mistake;
use crate::store::code::{Sql, count};
use crate::store::error::{Doing, Result};
use crate::store::log::Seals;
use crate::store::standing::{Lists, Standing, in_states, standing};
use crate::store::{WriteTx, entry, policy};

const DOING: &str = "looking for what waits for approval";

impl WriteTx<'_> {
    /// Takes pending entries back that nobody may send without an approval: they are too old, or the policy asks
    /// for a second person who has not approved. Gives the requests, with why.
    pub(crate) fn withhold(
        &mut self,
        run: RunId,
        of: impl Fn(RequestId) -> bool,
        conditions: impl Into<Conditions>,
    ) -> Result<Vec<(RequestId, NeedCause)>> {
        let terms = policy::terms_in_force(&self.tx)?;
        let Conditions { demand, counting } = conditions.into();
        let policy = demand.stricter(&terms.demand);
        let mut withheld = Vec::new();
        if Mistake::SendsUnapproved.is_made() {
            return Ok(withheld);
        }
        let lists = Lists { pinned: terms.signers.as_ref(), counting: counting.as_ref() };
        for request in unapproved(&self.tx, (&policy, lists), &of, self.now)? {
            let standing = standing(&self.tx, request)?;
            let met = policy.of(standing.operation, &standing.module);
            let lacks = met.wants.wants_approval(standing.entries())
                && !standing.is_approved(&self.tx, met.approver, lists)?;
            let expired = standing.valid_until <= self.now || standing.expired;
            let cause = match (lacks, expired) {
                (false, true) => NeedCause::Expired,
                // Or it came back to pending after its request was taken back.
                (true, _) | (false, false) => NeedCause::Policy,
            };
            self.withhold_one(run, &standing, cause, &met)?;
            withheld.push((request, cause));
        }
        Ok(withheld)
    }

    /// The entries of a range that stand in one of these states.
    pub(crate) fn in_states(
        &self,
        first: EntryId,
        last: EntryId,
        states: &[EntryState],
    ) -> Result<EntryRanges> {
        in_states(&self.tx, first, last, states)
    }

    /// What flags and settings ask for, tightened by what the journal itself asks for.
    pub(crate) fn policy_met(&self, policy: impl Into<Demand>) -> Result<Demand> {
        Ok(policy.into().stricter(&policy::terms_in_force(&self.tx)?.demand))
    }

    fn withhold_one(
        &mut self,
        run: RunId,
        standing: &Standing,
        cause: NeedCause,
        met: &Met,
    ) -> Result<()> {
        self.check_run(run)?;
        let pending = [EntryState::Pending];
        let entries = in_states(&self.tx, standing.first, standing.last, &pending)?;
        let request = standing.request;
        let policy = met.to_string();
        let event = Event::from(ApprovalNeeded { run, request, cause, policy, entries });
        entry::apply(&self.tx, &event)?;
        let seq = self.append(event, Seals::default())?;
        let expired = cause == NeedCause::Expired;
        self.tx
            .execute(
                "-- withhold\nUPDATE request SET awaits = 1,
                     expired_seq = CASE WHEN :expired THEN :seq ELSE expired_seq END,
                     asked_seq = CASE WHEN :expired THEN asked_seq ELSE :seq END
                 WHERE id = :id",
                named_params! {":expired": expired, ":seq": Sql(seq), ":id": Sql(request)},
            )
            .map(|_| ())
            .doing("taking entries back until they are approved")
    }
}

/// Requests with pending entries that nobody may send as they stand, in order.
fn unapproved(
    conn: &Connection,
    (policy, lists): (&Demand, Lists<'_>),
    of: &impl Fn(RequestId) -> bool,
    now: Timestamp,
) -> Result<Vec<RequestId>> {
    let least = policy.least().map_or(i64::MAX, count);
    let signed = policy.approver == Approver::Signed;
    let mut statement = conn
        .prepare_cached(
            "-- unapproved\nSELECT r.id, r.awaits OR r.valid_until_ms <= :now
             FROM tally t JOIN request r ON r.id = t.request
             WHERE t.state = 3 AND t.entries > 0
               AND (r.awaits OR r.valid_until_ms <= :now
                    OR (:signed OR NOT r.second) AND r.last_entry - r.first_entry + 1 >= :least)
             ORDER BY r.id",
        )
        .doing(DOING)?;
    let mut rows = statement
        .query(named_params! {":now": Sql(now), ":least": least, ":signed": signed})
        .doing(DOING)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing(DOING)? {
        let (Sql(request), surely) =
            row.get(0).and_then(|request| Ok((request, row.get::<_, bool>(1)?))).doing(DOING)?;
        if of(request) && (surely || lacks_approval(conn, request, policy, lists)?) {
            found.push(request);
        }
    }
    Ok(found)
}

/// Whether the policy asks for a second person who has not approved, or not in the way that it asks for.
fn lacks_approval(
    conn: &Connection,
    request: RequestId,
    policy: &Demand,
    lists: Lists<'_>,
) -> Result<bool> {
    let standing = standing(conn, request)?;
    let met = policy.of(standing.operation, &standing.module);
    Ok(met.wants.wants_approval(standing.entries())
        && !standing.is_approved(conn, met.approver, lists)?)
}
