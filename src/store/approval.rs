//! Approvals: who may give one, what it binds to, and when entries need one again.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::event::{
    ApprovalNeeded, Event, NeedCause, RequestApproved, RequestRecorded, RequestRejected,
};
use crate::domain::id::{EntryId, EventSeq, RequestId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::policy::{ApprovalPolicy, Approver, Demand, may_approve, same_person};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::store::code::{Sql, count};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::{self, Seals};
use crate::store::signing::{self, Signed, SignedWith};
use crate::store::{Reader, WriteTx, adopting, cancelling, entry, policy};

const DOING: &str = "looking for what waits for approval";

/// Who decides something, and why.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Who.
    pub who: &'a str,
    /// The OS account that records it.
    pub account: &'a str,
    /// Why; empty where nobody asks.
    pub reason: &'a str,
    /// Name and version of the program.
    pub program: &'a str,
}

/// An approval that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// The request.
    pub request: RequestId,
    /// The leaf of the event that recorded it, which is what was approved.
    pub content: Hash,
    /// Entries that waited for it and are pending now.
    pub entries: u64,
    /// Entries that waited for it and that a lost part of the log may have sent: they are read first.
    pub unread: u64,
    /// Entries that a hold keeps all the same.
    pub held: u64,
    /// Whether a second person approved.
    pub second: bool,
    /// Whether the same OS account recorded the request.
    pub same_account: bool,
    /// Until when it may be sent.
    pub valid_until: Timestamp,
}

/// A request that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The request.
    pub request: RequestId,
    /// Entries that are cancelled now.
    pub entries: u64,
}

/// Why somebody cannot decide about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDecided {
    /// Nothing of it waits, since nothing of it is left to be sent.
    NothingLeft(RequestId),
    /// It was approved already, and nothing has changed since.
    Already(RequestId, ApprovalView),
    /// Nothing of it waits for an approval: there is nothing to reject.
    NotAwaiting(RequestId),
    /// Policy asks for a second person, and this is who asked for it.
    SamePerson(RequestId, String),
    /// Policy asks for a signature, and there is none.
    Unsigned(RequestId),
    /// What was signed is not what is there now.
    OtherText(RequestId),
}

/// The newest approval of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalView {
    /// The event.
    pub seq: EventSeq,
    /// When.
    pub at: Timestamp,
    /// Who; `None` once erased.
    pub by: Option<String>,
    /// The OS account that recorded it; `None` once erased.
    pub account: Option<String>,
    /// Whether a second person approved.
    pub second: bool,
    /// Whether the same OS account recorded the request.
    pub same_account: bool,
    /// The key that signed it, if one did.
    pub key: Option<SignedWith>,
}

/// A request as approving sees it.
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
struct Standing {
    request: RequestId,
    seq: EventSeq,
    first: EntryId,
    last: EntryId,
    valid_until: Timestamp,
    awaits: bool,
    asked: bool,
    approved: Option<EventSeq>,
    second: bool,
    expired: bool,
}

impl Standing {
    fn entries(&self) -> u64 {
        self.first.get().abs_diff(self.last.get()) + 1
    }

    /// Whether a second person approved, in the way that is asked for.
    fn is_approved(&self, conn: &Connection, approver: Approver) -> Result<bool> {
        Ok(match (approver, self.approved) {
            (Approver::Signed, Some(seq)) => {
                self.second && signing::is_signed(conn, self.seq, seq)?
            }
            (Approver::Signed, None) => false,
            (Approver::Named, _) => self.second,
        })
    }

    fn has(&self, conn: &Connection, state: EntryState) -> Result<u64> {
        Ok(in_states(conn, self.first, self.last, &[state])?.len())
    }
}

fn standing(conn: &Connection, request: RequestId) -> Result<Standing> {
    conn.prepare_cached(
        "-- standing\nSELECT seq, first_entry, last_entry, valid_until_ms, awaits,
             asked_seq IS NOT NULL, approved_seq, second, expired_seq IS NOT NULL
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
                })
            })
            .optional()
    })
    .doing("reading a request")?
    .ok_or_else(|| StoreError::NotFound(request.to_string()))
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

/// What was recorded: the event's leaf, and for how long it is valid after an approval.
fn recorded(
    conn: &Connection,
    seq: EventSeq,
) -> Result<(Hash, Box<RequestRecorded>, std::time::Duration)> {
    let stored = log::event(conn, seq)?;
    let logged = stored.decode()?;
    let Event::RequestRecorded(event) = logged.event else {
        return Err(StoreError::corrupt("request", format!("event {seq} records none")));
    };
    let valid_for = event.valid_until.since(logged.at);
    Ok((stored.leaf, Box::new(event), valid_for))
}

/// The newest approval of a request.
pub(crate) fn approval(conn: &Connection, seq: EventSeq) -> Result<ApprovalView> {
    let logged = log::event(conn, seq)?.decode()?;
    let Event::RequestApproved(event) = logged.event else {
        return Err(StoreError::corrupt("request", format!("event {seq} approves nothing")));
    };
    Ok(ApprovalView {
        seq,
        at: logged.at,
        by: log::opened(conn, seq, "approved_by")?,
        account: log::opened(conn, seq, "recorded_by")?,
        second: event.second,
        same_account: event.same_account,
        key: signing::signed_with(conn, seq, event.signature.is_some())?,
    })
}

impl Reader {
    /// Why these requests cannot be approved by somebody, as they stand now.
    pub fn not_approvable(
        &self,
        requests: &[RequestId],
        policy: impl Into<Demand>,
        who: &str,
        signed: bool,
        now: Timestamp,
    ) -> Result<Vec<NotDecided>> {
        let given = Given { policy: policy.into(), who, signed };
        let mut refused = Vec::new();
        for request in requests {
            let standing = standing(&self.conn, *request)?;
            refused.extend(refusal(&self.conn, &standing, given, now)?);
        }
        Ok(refused)
    }
}

/// What an approval brings.
#[derive(Clone, Copy)]
struct Given<'a> {
    /// What flags and settings ask for.
    policy: Demand,
    who: &'a str,
    signed: bool,
}

fn refusal(
    conn: &Connection,
    standing: &Standing,
    given: Given<'_>,
    now: Timestamp,
) -> Result<Option<NotDecided>> {
    let Given { policy, who, signed } = given;
    let request = standing.request;
    let open = [EntryState::AwaitingApproval, EntryState::Pending, EntryState::Held];
    if in_states(conn, standing.first, standing.last, &open)?.is_empty() {
        return Ok(Some(NotDecided::NothingLeft(request)));
    }
    let policy = policy.stricter(policy::demand_in_force(conn)?);
    let needs_second = standing.asked || policy.wants.wants_approval(standing.entries());
    let requested_by = log::opened(conn, standing.seq, "requested_by")?;
    if !may_approve(needs_second, requested_by.as_deref(), who) {
        return Ok(Some(NotDecided::SamePerson(request, who.to_owned())));
    }
    let approver = if needs_second { policy.approver } else { Approver::Named };
    let adds = !standing.is_approved(conn, approver)?
        && !requested_by.is_some_and(|one| same_person(&one, who));
    let valid = !standing.awaits && standing.valid_until > now;
    match standing.approved {
        Some(seq) if valid && !adds => Ok(Some(NotDecided::Already(request, approval(conn, seq)?))),
        Some(_) | None if approver == Approver::Signed && !signed => {
            Ok(Some(NotDecided::Unsigned(request)))
        }
        Some(_) | None => Ok(None),
    }
}

impl WriteTx<'_> {
    /// Approves requests, all of them or none. `policy` is what flags and settings ask for; the journal's own
    /// counts as well.
    pub fn approve(
        &mut self,
        requests: &[RequestId],
        policy: impl Into<Demand>,
        by: By<'_>,
    ) -> Result<std::result::Result<Vec<Approved>, Vec<NotDecided>>> {
        let given = Given { policy: policy.into(), who: by.who, signed: false };
        let mut refused = Vec::new();
        let mut standings = Vec::new();
        for request in requests {
            let standing = standing(&self.tx, *request)?;
            refused.extend(refusal(&self.tx, &standing, given, self.now)?);
            standings.push(standing);
        }
        if !refused.is_empty() {
            return Ok(Err(refused));
        }
        let approved: Result<Vec<Approved>> =
            standings.iter().map(|standing| self.approve_one(standing, by, None)).collect();
        approved.map(Ok)
    }

    /// Approves a request by a signature, which whoever calls this has held against the list of allowed signers.
    pub fn approve_signed(
        &mut self,
        request: RequestId,
        policy: impl Into<Demand>,
        by: By<'_>,
        signed: Signed<'_>,
    ) -> Result<std::result::Result<Approved, NotDecided>> {
        let standing = standing(&self.tx, request)?;
        let given = Given { policy: policy.into(), who: by.who, signed: true };
        if let Some(refused) = refusal(&self.tx, &standing, given, self.now)? {
            return Ok(Err(refused));
        }
        // Somebody may have approved since, or the journal has met its org.
        if signing::request_text(&self.tx, request)?.as_deref() != Some(signed.text) {
            return Ok(Err(NotDecided::OtherText(request)));
        }
        self.approve_one(&standing, by, Some(signed)).map(Ok)
    }

    fn approve_one(
        &mut self,
        standing: &Standing,
        by: By<'_>,
        signed: Option<Signed<'_>>,
    ) -> Result<Approved> {
        let request = standing.request;
        let (content, _, valid_for) = recorded(&self.tx, standing.seq)?;
        let requested_by = log::opened(&self.tx, standing.seq, "requested_by")?;
        let account = log::opened(&self.tx, standing.seq, "recorded_by")?;
        let second = !requested_by.is_some_and(|one| same_person(&one, by.who));
        let same_account = account.is_some_and(|one| one == by.account);
        let waits = [EntryState::AwaitingApproval];
        let waiting = in_states(&self.tx, standing.first, standing.last, &waits)?;
        let count_of = |set: &Option<EntryRanges>| set.as_ref().map_or(0, EntryRanges::len);
        let (waiting, unread) = adopting::sorted(&self.tx, &waiting)?;
        let (entries, to_read) = (count_of(&waiting), count_of(&unread));
        let held = standing.has(&self.tx, EntryState::Held)?;
        let valid_until = self.now.plus(valid_for);
        let mut seals = Seals::default();
        let event = Event::from(RequestApproved {
            request,
            content,
            entries: waiting,
            valid_until,
            second,
            same_account,
            program: by.program.to_owned(),
            approved_by: seals.add(self.entropy, "approved_by", by.who)?,
            recorded_by: seals.add(self.entropy, "recorded_by", by.account)?,
            signature: seals.add_some(
                self.entropy,
                "signature",
                signed.map(|signed| signed.armoured),
            )?,
            allowed_signers: seals.add_some(
                self.entropy,
                "allowed_signers",
                signed.map(|signed| signed.allowed_signers),
            )?,
            earlier: signed.and(standing.approved),
            unread,
        });
        entry::apply(&self.tx, &event)?;
        let seq = self.append(event, seals)?;
        self.tx
            .execute(
                "-- approve\nUPDATE request SET awaits = 0, approved_seq = :seq, second = :second,
                     expired_seq = NULL, valid_until_ms = :until WHERE id = :id",
                named_params! {
                    ":seq": Sql(seq), ":second": second, ":until": Sql(valid_until),
                    ":id": Sql(request),
                },
            )
            .doing("approving a request")?;
        Ok(Approved {
            request,
            content,
            entries,
            unread: to_read,
            held,
            second,
            same_account,
            valid_until,
        })
    }

    /// Rejects requests, all of them or none: what of them was not sent is cancelled.
    pub fn reject(
        &mut self,
        requests: &[RequestId],
        by: By<'_>,
    ) -> Result<std::result::Result<Vec<Rejected>, Vec<NotDecided>>> {
        let (mut refused, mut standings) = (Vec::new(), Vec::new());
        for request in requests {
            let standing = standing(&self.tx, *request)?;
            let open = [EntryState::AwaitingApproval, EntryState::Pending, EntryState::Held];
            let entries = in_states(&self.tx, standing.first, standing.last, &open)?;
            if entries.is_empty() {
                refused.push(NotDecided::NothingLeft(*request));
            } else if !standing.awaits {
                refused.push(NotDecided::NotAwaiting(*request));
            }
            standings.push((standing, entries));
        }
        if !refused.is_empty() {
            return Ok(Err(refused));
        }
        let mut rejected = Vec::new();
        for (standing, entries) in standings {
            let (content, ..) = recorded(&self.tx, standing.seq)?;
            let mut seals = Seals::default();
            let event = Event::from(RequestRejected {
                request: standing.request,
                content,
                entries: entries.clone(),
                program: by.program.to_owned(),
                rejected_by: seals.add(self.entropy, "rejected_by", by.who)?,
                recorded_by: seals.add(self.entropy, "recorded_by", by.account)?,
                reason: seals.add(self.entropy, "reason", by.reason)?,
            });
            entry::apply(&self.tx, &event)?;
            let seq = self.append(event, seals)?;
            cancelling::insert(&self.tx, &entries, seq)?;
            rejected.push(Rejected { request: standing.request, entries: entries.len() });
        }
        Ok(Ok(rejected))
    }

    /// Takes pending entries back that nobody may send without an approval: they are too old, or the policy asks
    /// for a second person who has not approved. Gives the requests, with why.
    pub(crate) fn withhold(
        &mut self,
        run: RunId,
        of: impl Fn(RequestId) -> bool,
        policy: impl Into<Demand>,
    ) -> Result<Vec<(RequestId, NeedCause)>> {
        let policy = policy.into().stricter(policy::demand_in_force(&self.tx)?);
        let mut withheld = Vec::new();
        for request in unapproved(&self.tx, policy, self.now)? {
            if !of(request) {
                continue;
            }
            let standing = standing(&self.tx, request)?;
            let lacks = policy.wants.wants_approval(standing.entries())
                && !standing.is_approved(&self.tx, policy.approver)?;
            let expired = standing.valid_until <= self.now || standing.expired;
            let cause = match (lacks, expired) {
                (false, true) => NeedCause::Expired,
                // Or it came back to pending after its request was taken back.
                (true, _) | (false, false) => NeedCause::Policy,
            };
            self.withhold_one(run, &standing, cause, policy)?;
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
        Ok(policy.into().stricter(policy::demand_in_force(&self.tx)?))
    }

    fn withhold_one(
        &mut self,
        run: RunId,
        standing: &Standing,
        cause: NeedCause,
        policy: Demand,
    ) -> Result<()> {
        self.check_run(run)?;
        let pending = [EntryState::Pending];
        let entries = in_states(&self.tx, standing.first, standing.last, &pending)?;
        let request = standing.request;
        let policy = policy.to_string();
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
fn unapproved(conn: &Connection, policy: Demand, now: Timestamp) -> Result<Vec<RequestId>> {
    let least = match policy.wants {
        ApprovalPolicy::Never => i64::MAX,
        ApprovalPolicy::Always => 1,
        ApprovalPolicy::From(least) => count(least),
    };
    let signed = policy.approver == Approver::Signed;
    let mut statement = conn
        .prepare_cached(
            "-- unapproved\nSELECT r.id,
                 CASE WHEN NOT (r.awaits OR r.valid_until_ms <= :now OR NOT r.second)
                 THEN r.seq END, r.approved_seq
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
        let read = || -> rusqlite::Result<(Sql<RequestId>, Option<Sql<_>>, Option<Sql<_>>)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        };
        let (Sql(request), asked, approved) = read().doing(DOING)?;
        // All that this one may lack is a signature.
        let signed = match asked.zip(approved) {
            Some((Sql(asked), Sql(approved))) => signing::is_signed(conn, asked, approved)?,
            None => false,
        };
        if !signed {
            found.push(request);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::verify::check_journal;
    use crate::store::testing::{Ask, Journal, record};

    /// Two requests that wait, asked for by Anna.
    fn waiting() -> Journal {
        let mut journal = Journal::new();
        for first in [1, 11] {
            let records = (first..first + 3).map(record).collect();
            let (policy, requested_by) = (ApprovalPolicy::Always, "Anna");
            journal.ask(&Ask { records, policy, requested_by, ..Ask::default() });
        }
        journal
    }

    /// An approval of R1 as no program of ours writes it, with the row that follows from it.
    fn forge(
        journal: &mut Journal,
        who: &str,
        change: impl Fn(&mut RequestApproved),
    ) -> Vec<String> {
        let until = journal.now;
        journal.write(|tx| {
            let (content, ..) = recorded(&tx.tx, EventSeq::new(0))?;
            let mut seals = Seals::default();
            let mut event = RequestApproved {
                request: RequestId::new(1),
                content,
                entries: Some(EntryRanges::span(EntryId::new(1), EntryId::new(3))),
                valid_until: until,
                second: true,
                same_account: true,
                program: "test/1".to_owned(),
                approved_by: seals.add(tx.entropy, "approved_by", who)?,
                recorded_by: seals.add(tx.entropy, "recorded_by", "anna (uid 1000)")?,
                signature: None,
                allowed_signers: None,
                earlier: None,
                unread: None,
            };
            change(&mut event);
            let second = event.second;
            let event = Event::from(event);
            entry::apply(&tx.tx, &event)?;
            let seq = tx.append(event, seals)?;
            let sql = "UPDATE request SET awaits = 0, approved_seq = ?1, second = ?2, valid_until_ms = ?3 WHERE id = 1";
            tx.tx.execute(sql, (Sql(seq), second, Sql(until))).unwrap();
            Ok(())
        });
        // But for the first event, which the store does not write by itself.
        let found = check_journal(&journal.reader()).unwrap_err().into_iter().map(|one| one.what);
        found.filter(|what| !what.contains("begins with its creation")).collect()
    }

    #[test]
    fn an_approval_of_anything_else_than_what_was_recorded_is_found() {
        assert_eq!(forge(&mut waiting(), "Bert", |_| ()), [""; 0]);
        let other = |event: &mut RequestApproved| event.content = Hash::new([9; 32]);
        assert!(forge(&mut waiting(), "Bert", other)[0].contains("their hashes differ"));
        let others = |event: &mut RequestApproved| {
            event.entries = Some(EntryRanges::span(EntryId::new(1), EntryId::new(4)));
        };
        assert!(forge(&mut waiting(), "Bert", others)[0].contains("of another request"));
    }

    #[test]
    fn an_approval_that_calls_who_asked_a_second_person_is_found() {
        assert!(forge(&mut waiting(), " anna", |_| ())[0].contains("not what the names say"));
        let account = |event: &mut RequestApproved| event.same_account = false;
        assert!(forge(&mut waiting(), "Bert", account)[0].contains("not what the names say"));
    }
}
