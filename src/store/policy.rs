//! The approval policy that the journal itself sets: tightening is in force at once, loosening once a second person
//! approved it.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::event::{Event, PolicyApproved, PolicyRejected, PolicySet};
use crate::domain::id::{EventSeq, PolicyId};
use crate::domain::policy::{ApprovalPolicy, Approver, Demand, same_person};
use crate::domain::time::Timestamp;
use crate::store::approval::By;
use crate::store::code::{Name, Sql};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::{self, Seals, event_at};
use crate::store::signing::{self, Signed};
use crate::store::{Reader, WriteTx};

const DOING: &str = "reading the policy";

/// A policy as it was set or proposed. Texts are `None` once erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyView {
    /// The policy.
    pub policy: PolicyId,
    /// The event.
    pub seq: EventSeq,
    /// Which requests wait for a second person.
    pub require_approval: ApprovalPolicy,
    /// How a second person approves.
    pub approver: Approver,
    /// When it was set or proposed.
    pub at: Timestamp,
    /// Who set or proposed it.
    pub set_by: Option<String>,
    /// The OS account that recorded it.
    pub recorded_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Since when it has been in force.
    pub in_force: Option<EventSeq>,
    /// Whether somebody rejected it.
    pub rejected: bool,
}

/// The policies of a journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    /// The one in force; `None` while the journal sets none.
    pub in_force: Option<PolicyView>,
    /// Proposals that can still be approved.
    pub proposed: Vec<PolicyView>,
}

/// Why somebody cannot decide about a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyNotDecided {
    /// It is in force, was rejected, or a newer one came into force since.
    Over(PolicyId),
    /// Who proposed it cannot approve it.
    SamePerson(PolicyId, String),
    /// The policy in force asks for a signature, and there is none.
    Unsigned(PolicyId),
    /// What was signed is not what is there now.
    OtherText(PolicyId),
}

/// What of a policy is to be set; what is left out stays as it is in force.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Which requests wait for a second person.
    pub require_approval: Option<ApprovalPolicy>,
    /// How that one approves.
    pub approver: Option<Approver>,
}

impl From<ApprovalPolicy> for Wanted {
    fn from(policy: ApprovalPolicy) -> Self {
        Self { require_approval: Some(policy), approver: None }
    }
}

/// What became of setting a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetPolicy {
    /// The policy.
    pub policy: PolicyId,
    /// Whether it is in force at once; else it is a proposal.
    pub in_force: bool,
    /// What it asks for.
    pub demand: Demand,
    /// What was in force before.
    pub before: Demand,
}

impl Reader {
    /// What the journal itself asks for.
    pub fn policies(&self) -> Result<Policies> {
        policies(&self.conn)
    }

    /// The policy that the journal itself sets; `never` while it sets none.
    pub fn policy_in_force(&self) -> Result<Demand> {
        demand_in_force(&self.conn)
    }
}

impl WriteTx<'_> {
    /// Sets a policy, or proposes it where it would loosen what is in force.
    pub fn set_policy(&mut self, wanted: impl Into<Wanted>, by: By<'_>) -> Result<SetPolicy> {
        let before = demand_in_force(&self.tx)?;
        let Wanted { require_approval, approver } = wanted.into();
        let wanted = Demand {
            wants: require_approval.unwrap_or(before.wants),
            approver: approver.unwrap_or(before.approver),
        };
        let at_once = wanted.is_as_strict_as(before);
        let Sql(policy) = self
            .tx
            .query_row("-- next_policy\nSELECT coalesce(max(id), 0) + 1 FROM policy", [], |row| {
                row.get::<_, Sql<PolicyId>>(0)
            })
            .doing(DOING)?;
        let mut seals = Seals::default();
        let event = PolicySet {
            policy,
            require_approval: wanted.wants.to_string(),
            approver: (wanted.approver == Approver::Signed).then_some(wanted.approver),
            in_force: at_once,
            program: by.program.to_owned(),
            set_by: seals.add(self.entropy, "set_by", by.who)?,
            recorded_by: seals.add(self.entropy, "recorded_by", by.account)?,
            reason: seals.add(self.entropy, "reason", by.reason)?,
        };
        let seq = self.append(event, seals)?;
        self.tx
            .execute(
                "-- set_policy\nINSERT INTO policy (id, seq, require_approval, in_force_seq)
                 VALUES (:id, :seq, :policy, :in_force)",
                named_params! {
                    ":id": Sql(policy), ":seq": Sql(seq), ":policy": wanted.wants.to_string(),
                    ":in_force": at_once.then_some(Sql(seq)),
                },
            )
            .doing("setting the policy")?;
        Ok(SetPolicy { policy, in_force: at_once, demand: wanted, before })
    }

    /// Puts a proposed policy in force.
    pub fn approve_policy(
        &mut self,
        policy: PolicyId,
        by: By<'_>,
        signed: Option<Signed<'_>>,
    ) -> Result<std::result::Result<PolicyView, PolicyNotDecided>> {
        let view = match open_proposal(&self.tx, policy)? {
            Ok(view) => view,
            Err(over) => return Ok(Err(over)),
        };
        let in_force = demand_in_force(&self.tx)?;
        if view.set_by.as_ref().is_none_or(|one| same_person(one, by.who)) {
            return Ok(Err(PolicyNotDecided::SamePerson(policy, by.who.to_owned())));
        }
        match signed {
            None if in_force.approver == Approver::Signed => {
                return Ok(Err(PolicyNotDecided::Unsigned(policy)));
            }
            Some(one) if signing::policy_text(&self.tx, policy)?.as_deref() != Some(one.text) => {
                return Ok(Err(PolicyNotDecided::OtherText(policy)));
            }
            Some(_) | None => {}
        }
        let mut seals = Seals::default();
        let event = PolicyApproved {
            policy,
            content: log::event(&self.tx, view.seq)?.leaf,
            same_account: view.recorded_by.as_deref() == Some(by.account),
            program: by.program.to_owned(),
            approved_by: seals.add(self.entropy, "approved_by", by.who)?,
            recorded_by: seals.add(self.entropy, "recorded_by", by.account)?,
            signature: seals.add_some(self.entropy, "signature", signed.map(|one| one.armoured))?,
            allowed_signers: seals.add_some(
                self.entropy,
                "allowed_signers",
                signed.map(|one| one.allowed_signers),
            )?,
        };
        let seq = self.append(Event::from(event), seals)?;
        self.tx
            .execute(
                "-- approve_policy\nUPDATE policy SET in_force_seq = :seq WHERE id = :id",
                named_params! {":seq": Sql(seq), ":id": Sql(policy)},
            )
            .doing("approving a policy")?;
        Ok(Ok(PolicyView { in_force: Some(seq), ..view }))
    }

    /// Rejects a proposed policy.
    pub fn reject_policy(
        &mut self,
        policy: PolicyId,
        by: By<'_>,
    ) -> Result<std::result::Result<PolicyView, PolicyNotDecided>> {
        let view = match open_proposal(&self.tx, policy)? {
            Ok(view) => view,
            Err(over) => return Ok(Err(over)),
        };
        let mut seals = Seals::default();
        let event = PolicyRejected {
            policy,
            content: log::event(&self.tx, view.seq)?.leaf,
            program: by.program.to_owned(),
            rejected_by: seals.add(self.entropy, "rejected_by", by.who)?,
            recorded_by: seals.add(self.entropy, "recorded_by", by.account)?,
            reason: seals.add(self.entropy, "reason", by.reason)?,
        };
        let seq = self.append(Event::from(event), seals)?;
        self.tx
            .execute(
                "-- reject_policy\nUPDATE policy SET rejected_seq = :seq WHERE id = :id",
                named_params! {":seq": Sql(seq), ":id": Sql(policy)},
            )
            .doing("rejecting a policy")?;
        Ok(Ok(PolicyView { rejected: true, ..view }))
    }
}

/// What the journal itself asks for: the one that came into force last.
pub(crate) fn in_force(conn: &Connection) -> Result<ApprovalPolicy> {
    let found: Option<Name<ApprovalPolicy>> = conn
        .prepare_cached(
            "-- policy_in_force\nSELECT require_approval FROM policy WHERE in_force_seq IS NOT NULL
             ORDER BY in_force_seq DESC LIMIT 1",
        )
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
        .doing(DOING)?;
    Ok(found.map_or(ApprovalPolicy::Never, |Name(policy)| policy))
}

/// How that one says a second person approves.
fn approver_of(conn: &Connection, seq: EventSeq) -> Result<Approver> {
    let event = log::event(conn, seq)?.decode()?.event;
    if let Event::PolicySet(event) = event {
        return Ok(event.approver.unwrap_or(Approver::Named));
    }
    Err(StoreError::corrupt("policy", format!("event {seq} sets none")))
}

/// Which requests the journal itself wants to wait, and how they are approved.
pub(crate) fn demand_in_force(conn: &Connection) -> Result<Demand> {
    let seq: Option<Sql<EventSeq>> = conn
        .prepare_cached(
            "-- policy_event\nSELECT seq FROM policy WHERE in_force_seq IS NOT NULL
             ORDER BY in_force_seq DESC LIMIT 1",
        )
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
        .doing(DOING)?;
    let approver = seq.map_or(Ok(Approver::Named), |Sql(seq)| approver_of(conn, seq))?;
    Ok(Demand { wants: in_force(conn)?, approver })
}

fn all(conn: &Connection) -> Result<Vec<PolicyView>> {
    let mut statement = conn
        .prepare_cached(
            "-- policies\nSELECT id, seq, require_approval, in_force_seq, rejected_seq IS NOT NULL
             FROM policy ORDER BY id",
        )
        .doing(DOING)?;
    let mut rows = statement.query([]).doing(DOING)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().doing(DOING)? {
        let read = || -> rusqlite::Result<_> {
            let (Sql(policy), Sql(seq)) = (row.get(0)?, row.get(1)?);
            let Name(require_approval) = row.get(2)?;
            let in_force = row.get::<_, Option<Sql<EventSeq>>>(3)?.map(|Sql(seq)| seq);
            Ok((policy, seq, require_approval, in_force, row.get(4)?))
        };
        let (policy, seq, require_approval, in_force, rejected) = read().doing(DOING)?;
        all.push(PolicyView {
            policy,
            seq,
            require_approval,
            approver: approver_of(conn, seq)?,
            at: event_at(conn, seq)?.0,
            set_by: log::opened(conn, seq, "set_by")?,
            recorded_by: log::opened(conn, seq, "recorded_by")?,
            reason: log::opened(conn, seq, "reason")?,
            in_force,
            rejected,
        });
    }
    Ok(all)
}

fn policies(conn: &Connection) -> Result<Policies> {
    let all = all(conn)?;
    let in_force = all.iter().filter(|one| one.in_force.is_some());
    let in_force = in_force.max_by_key(|one| one.in_force).cloned();
    let since = in_force.as_ref().and_then(|one| one.in_force);
    // A proposal speaks of what was in force when it was made.
    let open = |one: &PolicyView| {
        one.in_force.is_none() && !one.rejected && since.is_none_or(|since| one.seq > since)
    };
    let proposed = all.into_iter().filter(open).collect();
    Ok(Policies { in_force, proposed })
}

fn open_proposal(
    conn: &Connection,
    policy: PolicyId,
) -> Result<std::result::Result<PolicyView, PolicyNotDecided>> {
    let open = policies(conn)?.proposed.into_iter().find(|one| one.policy == policy);
    if let Some(view) = open {
        return Ok(Ok(view));
    }
    if all(conn)?.iter().any(|one| one.policy == policy) {
        return Ok(Err(PolicyNotDecided::Over(policy)));
    }
    Err(StoreError::NotFound(policy.to_string()))
}
