//! Approvals: who may give one, and what it binds to.

use rusqlite::{Connection, named_params};

use crate::domain::event::{Event, RequestApproved, RequestRecorded, RequestRejected};
use crate::domain::id::{EventSeq, RequestId};
use crate::domain::merkle::Hash;
use crate::domain::policy::{Approver, Demand, may_approve, same_person};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::{self, Seals};
use crate::store::signing::{self, Signed, SignedWith};
use crate::store::standing::{Lists, Standing, in_states, standing};
use crate::store::{Reader, WriteTx, adopting, cancelling, entry, policy};

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
    /// The policy's list of signers does not allow this name and key, or is another one than it was held against.
    NotPinned(RequestId),
}

impl NotDecided {
    /// The request.
    pub const fn request(&self) -> RequestId {
        match self {
            Self::NothingLeft(request)
            | Self::Already(request, _)
            | Self::NotAwaiting(request)
            | Self::SamePerson(request, _)
            | Self::Unsigned(request)
            | Self::OtherText(request)
            | Self::NotPinned(request) => *request,
        }
    }
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
        let given = Given { policy: &policy.into(), who, signed };
        Ok(decide(&self.conn, requests, given, now)?.err().unwrap_or_default())
    }
}

/// What an approval brings.
#[derive(Clone, Copy)]
struct Given<'a> {
    /// What flags and settings ask for.
    policy: &'a Demand,
    who: &'a str,
    signed: bool,
}

/// How all of these requests stand, or why some of them cannot be approved.
fn decide(
    conn: &Connection,
    requests: &[RequestId],
    given: Given<'_>,
    now: Timestamp,
) -> Result<std::result::Result<Vec<Standing>, Vec<NotDecided>>> {
    let (mut refused, mut standings) = (Vec::new(), Vec::new());
    for request in requests {
        let standing = standing(conn, *request)?;
        refused.extend(refusal(conn, &standing, given, now)?);
        standings.push(standing);
    }
    Ok(if refused.is_empty() { Ok(standings) } else { Err(refused) })
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
    let terms = policy::terms_in_force(conn)?;
    let met = policy.stricter(&terms.demand).of(standing.operation, &standing.module);
    let needs_second = standing.asked || met.wants.wants_approval(standing.entries());
    let requested_by = log::opened(conn, standing.seq, "requested_by")?;
    if !may_approve(needs_second, requested_by.as_deref(), who) {
        return Ok(Some(NotDecided::SamePerson(request, who.to_owned())));
    }
    let approver = if needs_second { met.approver } else { Approver::Named };
    let lists = Lists { pinned: terms.signers.as_ref(), counting: None };
    let adds = !standing.is_approved(conn, approver, lists)?
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
        let given = Given { policy: &policy.into(), who: by.who, signed: false };
        let standings = match decide(&self.tx, requests, given, self.now)? {
            Ok(standings) => standings,
            Err(refused) => return Ok(Err(refused)),
        };
        let approved: Result<Vec<Approved>> =
            standings.iter().map(|standing| self.approve_one(standing, by, None)).collect();
        approved.map(Ok)
    }

    /// Approves requests by one signature, all of them or none. Whoever calls this has held it against the list of
    /// allowed signers.
    pub fn approve_signed(
        &mut self,
        requests: &[RequestId],
        policy: impl Into<Demand>,
        by: By<'_>,
        signed: Signed<'_>,
    ) -> Result<std::result::Result<Vec<Approved>, Vec<NotDecided>>> {
        let given = Given { policy: &policy.into(), who: by.who, signed: true };
        let standings = match decide(&self.tx, requests, given, self.now)? {
            Ok(standings) => standings,
            Err(refused) => return Ok(Err(refused)),
        };
        let all = |why: fn(RequestId) -> NotDecided| requests.iter().copied().map(why).collect();
        // The list may have been changed since it was read.
        let pinned = policy::terms_in_force(&self.tx)?.signers;
        if pinned.is_some_and(|pinned| !signed.is_allowed_by(&pinned, by.who)) {
            return Ok(Err(all(NotDecided::NotPinned)));
        }
        // Somebody may have approved since, or the journal has met its org.
        let text = signing::text_to_sign(&self.tx, requests)?;
        if text.is_none_or(|text| text.signed != signed.text) {
            return Ok(Err(all(NotDecided::OtherText)));
        }
        let approved: Result<Vec<Approved>> =
            standings.iter().map(|standing| self.approve_one(standing, by, Some(signed))).collect();
        approved.map(Ok)
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
            signed_list: seals.add_some(
                self.entropy,
                "signed_list",
                signed.filter(Signed::is_list).map(|signed| signed.text),
            )?,
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::EntryId;
    use crate::domain::policy::ApprovalPolicy;
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
                signed_list: None,
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
