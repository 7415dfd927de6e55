//! The approval policy that the journal itself sets: tightening is in force at once, loosening once a second person
//! approved it.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::approval_rules::{ApprovalRule, ApprovalRules, RuleScope};
use crate::domain::event::{Event, PolicyApproved, PolicyRejected, PolicySet};
use crate::domain::id::{EventSeq, PolicyId};
use crate::domain::policy::{ApprovalPolicy, Approver, Demand, Terms, same_person};
use crate::domain::signers::Signers;
use crate::domain::time::Timestamp;
use crate::store::approval::By;
use crate::store::code::Sql;
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
    /// What it asks for, and whose signatures count.
    pub terms: Terms,
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
    /// The list of signers in force does not allow this name and key, or is another one than it was held against.
    NotPinned(PolicyId),
}

/// What of a policy is to be set; what is left out stays as it is in force.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Which requests wait for a second person, whatever they ask for.
    pub require_approval: Option<ApprovalPolicy>,
    /// How that one approves.
    pub approver: Option<Approver>,
    /// Whether all rules go that are not named here.
    pub only_rules: bool,
    /// Rules to be set, each in the place of the one for the same requests.
    pub rules: Vec<ApprovalRule>,
    /// What rules go.
    pub no_rules: Vec<RuleScope>,
    /// Who may sign approvals.
    pub signers: WantedSigners,
}

/// Who may sign approvals from then on.
#[derive(Debug, Clone, Default)]
pub enum WantedSigners {
    /// Who may now.
    #[default]
    AsBefore,
    /// Those of a list.
    Pinned(Signers),
    /// Those of the list that whoever approves names.
    NotPinned,
}

impl Wanted {
    /// The policy whole, after the one in force.
    fn terms(self, before: &Terms) -> Terms {
        let Terms { demand, signers } = before.clone();
        let mut rules = if self.only_rules { ApprovalRules::default() } else { demand.rules };
        self.no_rules.iter().for_each(|scope| rules.remove(scope));
        self.rules.into_iter().for_each(|rule| rules.set(rule));
        let demand = Demand {
            wants: self.require_approval.unwrap_or(demand.wants),
            rules,
            approver: self.approver.unwrap_or(demand.approver),
        };
        let signers = match self.signers {
            WantedSigners::AsBefore => signers,
            WantedSigners::Pinned(signers) => Some(signers),
            WantedSigners::NotPinned => None,
        };
        Terms { demand, signers }
    }
}

impl From<ApprovalPolicy> for Wanted {
    fn from(policy: ApprovalPolicy) -> Self {
        Self { require_approval: Some(policy), ..Self::default() }
    }
}

/// What became of setting a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPolicy {
    /// The policy.
    pub policy: PolicyId,
    /// Whether it is in force at once; else it is a proposal.
    pub in_force: bool,
    /// What it asks for, and whose signatures count.
    pub terms: Terms,
    /// What was in force before.
    pub before: Terms,
}

impl Reader {
    /// What the journal itself asks for.
    pub fn policies(&self) -> Result<Policies> {
        policies(&self.conn)
    }

    /// The policy that the journal itself sets; `never` while it sets none.
    pub fn policy_in_force(&self) -> Result<Terms> {
        terms_in_force(&self.conn)
    }
}

impl WriteTx<'_> {
    /// Sets a policy, or proposes it where it would loosen what is in force.
    pub fn set_policy(&mut self, wanted: impl Into<Wanted>, by: By<'_>) -> Result<SetPolicy> {
        let before = terms_in_force(&self.tx)?;
        let terms = wanted.into().terms(&before);
        let at_once = terms.is_as_strict_as(&before);
        let Sql(policy) = self
            .tx
            .query_row("-- next_policy\nSELECT coalesce(max(id), 0) + 1 FROM policy", [], |row| {
                row.get::<_, Sql<PolicyId>>(0)
            })
            .doing(DOING)?;
        let mut seals = Seals::default();
        let event = PolicySet {
            policy,
            require_approval: terms.demand.wants.to_string(),
            approver: (terms.demand.approver == Approver::Signed).then_some(Approver::Signed),
            in_force: at_once,
            program: by.program.to_owned(),
            set_by: seals.add(self.entropy, "set_by", by.who)?,
            recorded_by: seals.add(self.entropy, "recorded_by", by.account)?,
            reason: seals.add(self.entropy, "reason", by.reason)?,
            rules: terms.demand.rules.clone(),
            signers: seals.add_some(
                self.entropy,
                "signers",
                terms.signers.as_ref().map(ToString::to_string).as_deref(),
            )?,
        };
        let seq = self.append(event, seals)?;
        self.tx
            .execute(
                "-- set_policy\nINSERT INTO policy (id, seq, require_approval, in_force_seq)
                 VALUES (:id, :seq, :policy, :in_force)",
                named_params! {
                    ":id": Sql(policy), ":seq": Sql(seq), ":policy": terms.demand.wants.to_string(),
                    ":in_force": at_once.then_some(Sql(seq)),
                },
            )
            .doing("setting the policy")?;
        Ok(SetPolicy { policy, in_force: at_once, terms, before })
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
        let in_force = terms_in_force(&self.tx)?;
        if view.set_by.as_ref().is_none_or(|one| same_person(one, by.who)) {
            return Ok(Err(PolicyNotDecided::SamePerson(policy, by.who.to_owned())));
        }
        match signed {
            None if in_force.demand.approver == Approver::Signed => {
                return Ok(Err(PolicyNotDecided::Unsigned(policy)));
            }
            Some(one)
                if in_force.signers.is_some_and(|pinned| !one.is_allowed_by(&pinned, by.who)) =>
            {
                return Ok(Err(PolicyNotDecided::NotPinned(policy)));
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

/// What a policy asks for, and whose signatures count by it. A list of signers that is not the one that the event
/// sealed lets nobody sign.
fn terms_of(conn: &Connection, seq: EventSeq) -> Result<Terms> {
    let event = log::event(conn, seq)?.decode()?.event;
    let Event::PolicySet(event) = event else {
        return Err(StoreError::corrupt("policy", format!("event {seq} sets none")));
    };
    let signers = match event.signers {
        Some(sealed) => signing::whole(conn, seq, "signers", sealed)?,
        None => None,
    };
    policy_terms(&event, signers.as_deref()).ok_or_else(|| {
        StoreError::corrupt(
            "policy",
            format!("the rules or signers of event {seq} cannot be read, or were edited"),
        )
    })
}

/// The same from an event and its opened list; `None` where no program of ours writes such a policy.
pub(crate) fn policy_terms(event: &PolicySet, signers: Option<&str>) -> Option<Terms> {
    let list =
        signers.map(|list| Signers::parse(list).ok().filter(|read| read.to_string() == list));
    let signers = match (event.signers, list) {
        (None, None) => None,
        (Some(_), Some(Some(signers))) => Some(signers),
        (None, Some(_)) | (Some(_), _) => return None,
    };
    let demand = Demand {
        wants: event.require_approval.parse().ok()?,
        rules: event.rules.clone(),
        approver: event.approver.unwrap_or(Approver::Named),
    };
    Some(Terms { demand, signers })
}

/// What the journal itself asks for: the policy that came into force last.
pub(crate) fn terms_in_force(conn: &Connection) -> Result<Terms> {
    let seq: Option<Sql<EventSeq>> = conn
        .prepare_cached(
            "-- policy_in_force\nSELECT seq FROM policy WHERE in_force_seq IS NOT NULL
             ORDER BY in_force_seq DESC LIMIT 1",
        )
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
        .doing(DOING)?;
    seq.map_or_else(|| Ok(Terms::default()), |Sql(seq)| terms_of(conn, seq))
}

fn all(conn: &Connection) -> Result<Vec<PolicyView>> {
    let mut statement = conn
        .prepare_cached(
            "-- policies\nSELECT id, seq, in_force_seq, rejected_seq IS NOT NULL FROM policy ORDER BY id",
        )
        .doing(DOING)?;
    let mut rows = statement.query([]).doing(DOING)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().doing(DOING)? {
        let read = || -> rusqlite::Result<_> {
            let (Sql(policy), Sql(seq)) = (row.get(0)?, row.get(1)?);
            let in_force = row.get::<_, Option<Sql<EventSeq>>>(2)?.map(|Sql(seq)| seq);
            Ok((policy, seq, in_force, row.get(3)?))
        };
        let (policy, seq, in_force, rejected) = read().doing(DOING)?;
        all.push(PolicyView {
            policy,
            seq,
            terms: terms_of(conn, seq)?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sshsig::testing::allowed;
    use crate::evidence::verify::check_journal;
    use crate::store::testing::Journal;

    const ANNA: By<'_> =
        By { who: "Anna", account: "anna (uid 1000)", reason: "board", program: "test/1" };

    fn signers(names: &[&str]) -> Signers {
        let list: String = names.iter().zip(1..).map(|(name, seed)| allowed(seed, name)).collect();
        Signers::parse(&list).unwrap()
    }

    fn pinned(names: &[&str]) -> Wanted {
        Wanted { signers: WantedSigners::Pinned(signers(names)), ..Wanted::default() }
    }

    fn rules(rules: &str) -> Wanted {
        let rules: ApprovalRules = rules.parse().unwrap();
        Wanted { rules: rules.iter().cloned().collect(), ..Wanted::default() }
    }

    /// A policy in force at once, as no program of ours sets it, with the row that follows from it.
    fn forge(journal: &mut Journal, change: impl Fn(&mut PolicySet)) -> Vec<String> {
        journal.write(|tx| {
            let policy = PolicyId::new(2);
            let mut seals = Seals::default();
            let mut event = PolicySet {
                policy,
                require_approval: "never".to_owned(),
                approver: None,
                in_force: true,
                program: "test/1".to_owned(),
                set_by: seals.add(tx.entropy, "set_by", "Anna")?,
                recorded_by: seals.add(tx.entropy, "recorded_by", "anna (uid 1000)")?,
                reason: seals.add(tx.entropy, "reason", "board")?,
                rules: ApprovalRules::default(),
                signers: None,
            };
            change(&mut event);
            let seq = tx.append(event, seals)?;
            let sql = "INSERT INTO policy (id, seq, require_approval, in_force_seq) VALUES (2, ?1, 'never', ?1)";
            tx.tx.execute(sql, [Sql(seq)]).unwrap();
            Ok(())
        });
        // But for the first event, which the store does not write by itself.
        let found = check_journal(&journal.reader()).unwrap_err().into_iter().map(|one| one.what);
        found.filter(|what| !what.contains("begins with its creation")).collect()
    }

    #[test]
    fn a_policy_that_loosens_another_by_itself_is_found() {
        let told = "it loosens the policy, and no second person approved that";
        let mut journal = Journal::new();
        assert!(journal.write(|tx| tx.set_policy(rules("delete:Leads=5"), ANNA)).in_force);
        assert_eq!(forge(&mut journal, |_| ()), [told]);
        let mut journal = Journal::new();
        journal.write(|tx| tx.set_policy(rules("delete:Leads=5"), ANNA));
        let as_strict = forge(&mut journal, |event| event.rules = "delete=5".parse().unwrap());
        assert_eq!(as_strict, [""; 0]);
        let mut journal = Journal::new();
        assert!(journal.write(|tx| tx.set_policy(pinned(&["Bert"]), ANNA)).in_force);
        assert_eq!(forge(&mut journal, |_| ()), [told]);
    }

    #[test]
    fn what_is_left_out_stays_and_whoever_comes_in_loosens() {
        let mut journal = Journal::new();
        let mut set = |wanted: Wanted| journal.write(|tx| tx.set_policy(wanted, ANNA));
        assert!(set(pinned(&["Bert", "Carla"])).in_force);
        assert!(set(rules("*:Deals=50, delete=9")).in_force);
        let one = set(pinned(&["Bert"]));
        assert!(one.in_force && one.terms.demand.rules.to_string() == "*:Deals=50, delete=9");
        assert!(!set(pinned(&["Bert", "Dora"])).in_force);
        assert!(!set(Wanted { signers: WantedSigners::NotPinned, ..Wanted::default() }).in_force);
        let fewer = Wanted { only_rules: true, ..rules("delete=9") };
        let fewer = set(fewer);
        assert!(!fewer.in_force && fewer.terms.demand.rules.to_string() == "delete=9");
        assert_eq!(fewer.before.signers, Some(signers(&["Bert"])));
    }
}
