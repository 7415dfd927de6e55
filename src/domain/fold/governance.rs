//! Rows of approvals, withdrawals, pauses, holds and policies.

use crate::domain::event::{
    Event, HoldPlaced, HoldReleased, NeedCause, PolicySet, RequestApproved, RequestRecorded,
};
use crate::domain::fold::{Cell, Expected, Note, Table};
use crate::domain::id::{EntryId, EventSeq, PolicyId};
use crate::domain::ranges::EntryRanges;
use crate::domain::time::Timestamp;

/// Tells what an event contradicts.
type Tell<'t> = &'t mut dyn FnMut(Note);

fn contradicts(seq: EventSeq, what: &str, tell: Tell<'_>) {
    tell(Note::Contradiction { what: what.to_owned(), seq });
}

/// Whether a request may be sent, as its row says it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// Nothing is sent later without a fresh approval.
    valid_until: Timestamp,
    /// Whether it waits for an approval.
    awaits: bool,
    /// Where policy asked for a second person.
    asked: Option<EventSeq>,
    /// The newest approval, and whether it is a second person's.
    approved: Option<(EventSeq, bool)>,
    /// Since when it is too old.
    expired: Option<EventSeq>,
    /// The last event that changed any of it.
    pub(super) since: EventSeq,
}

impl Standing {
    pub(super) fn recorded(seq: EventSeq, data: &RequestRecorded) -> Self {
        Self {
            valid_until: data.valid_until,
            awaits: data.awaiting_approval,
            asked: data.awaiting_approval.then_some(seq),
            approved: None,
            expired: None,
            since: seq,
        }
    }

    pub(super) fn approved(&mut self, seq: EventSeq, data: &RequestApproved) {
        self.valid_until = data.valid_until;
        self.awaits = false;
        self.approved = Some((seq, data.second));
        self.expired = None;
        self.since = seq;
    }

    pub(super) fn needs(&mut self, seq: EventSeq, cause: NeedCause) {
        self.awaits = true;
        match cause {
            NeedCause::Expired => self.expired = Some(seq),
            NeedCause::Policy => self.asked = Some(seq),
        }
        self.since = seq;
    }

    pub(super) fn cells(&self) -> [(&'static str, Cell); 6] {
        [
            ("valid_until_ms", self.valid_until.into()),
            ("awaits", self.awaits.into()),
            ("asked_seq", self.asked.into()),
            ("approved_seq", self.approved.map(|(seq, _)| seq).into()),
            ("second", self.approved.is_some_and(|(_, second)| second).into()),
            ("expired_seq", self.expired.into()),
        ]
    }
}

/// A hold as the log says it.
#[derive(Debug, Clone)]
pub struct HoldRow {
    /// The event that placed it.
    pub seq: EventSeq,
    /// What was placed.
    pub placed: HoldPlaced,
    /// What was released of it: places, and by which event.
    pub released: Vec<(EntryRanges, EventSeq)>,
    /// Where the last of it was released.
    pub ended: Option<EventSeq>,
}

impl HoldRow {
    /// Which event released the id in a place.
    pub fn released_at(&self, place: u64) -> Option<EventSeq> {
        let place = EntryId::new(i64::try_from(place).unwrap_or(i64::MAX));
        let part = self.released.iter().find(|(places, _)| places.contains(place));
        part.map(|(_, seq)| *seq)
    }

    fn left(&self) -> u64 {
        let released = self.released.iter().map(|(places, _)| places.len()).sum();
        self.placed.ids.saturating_sub(released)
    }
}

#[derive(Debug)]
struct PolicyRow {
    seq: EventSeq,
    require_approval: String,
    in_force: Option<EventSeq>,
    rejected: Option<EventSeq>,
}

/// What stands beside requests and entries.
#[derive(Debug, Default)]
pub(super) struct Governance {
    paused: Option<EventSeq>,
    holds: Vec<HoldRow>,
    policies: Vec<PolicyRow>,
}

fn position<T>(rows: &mut [T], number: i64) -> Option<&mut T> {
    rows.get_mut(usize::try_from(number.checked_sub(1)?).ok()?)
}

impl Governance {
    pub(super) fn holds(&self) -> &[HoldRow] {
        &self.holds
    }

    /// Folds an event that is about none of the entries' own rows.
    pub(super) fn apply(&mut self, seq: EventSeq, event: &Event, tell: Tell<'_>) {
        if let Event::Paused(_) = event {
            if self.paused.replace(seq).is_some() {
                contradicts(seq, "it pauses what is paused already", tell);
            }
        } else if let Event::Resumed(_) = event {
            if self.paused.take().is_none() {
                contradicts(seq, "it resumes what is not paused", tell);
            }
        } else if let Event::HoldPlaced(data) = event {
            self.placed(seq, data, tell);
        } else if let Event::HoldReleased(data) = event {
            self.released(seq, data, tell);
        } else if let Event::PolicySet(data) = event {
            self.set(seq, data, tell);
        } else if let Event::PolicyApproved(data) = event {
            match self.proposal(data.policy) {
                Some(row) => row.in_force = Some(seq),
                None => contradicts(seq, NO_PROPOSAL, tell),
            }
        } else if let Event::PolicyRejected(data) = event {
            match self.proposal(data.policy) {
                Some(row) => row.rejected = Some(seq),
                None => contradicts(seq, NO_PROPOSAL, tell),
            }
        }
    }

    /// A policy that nobody has decided about.
    fn proposal(&mut self, policy: PolicyId) -> Option<&mut PolicyRow> {
        let row = position(&mut self.policies, policy.get())?;
        (row.in_force.is_none() && row.rejected.is_none()).then_some(row)
    }

    fn placed(&mut self, seq: EventSeq, data: &HoldPlaced, tell: Tell<'_>) {
        self.holds.push(HoldRow { seq, placed: data.clone(), released: Vec::new(), ended: None });
        if u64::try_from(data.hold.get()) != u64::try_from(self.holds.len()) {
            contradicts(seq, "holds are not numbered one after the other", tell);
        }
        if data.whole == (data.ids > 0) || data.ids_root.is_some() != (data.ids > 0) {
            contradicts(seq, "it holds neither a whole module nor ids, or both", tell);
        }
    }

    fn released(&mut self, seq: EventSeq, data: &HoldReleased, tell: Tell<'_>) {
        for part in &data.parts {
            let known = position(&mut self.holds, part.hold.get());
            let Some(hold) = known.filter(|hold| hold.ended.is_none()) else {
                contradicts(seq, "it releases a hold that is not there", tell);
                continue;
            };
            match &part.places {
                None if hold.placed.whole => hold.ended = Some(seq),
                Some(places) if is_held(hold, places) => {
                    hold.released.push((places.clone(), seq));
                    if hold.left() == 0 {
                        hold.ended = Some(seq);
                    }
                }
                Some(_) | None => contradicts(seq, "it releases what is not held", tell),
            }
        }
    }

    fn set(&mut self, seq: EventSeq, data: &PolicySet, tell: Tell<'_>) {
        self.policies.push(PolicyRow {
            seq,
            require_approval: data.require_approval.clone(),
            in_force: data.in_force.then_some(seq),
            rejected: None,
        });
        if u64::try_from(data.policy.get()) != u64::try_from(self.policies.len()) {
            contradicts(seq, "policies are not numbered one after the other", tell);
        }
    }

    /// Tells all rows, and how many there are of each table.
    pub(super) fn finish(&self, tell: Tell<'_>, count: &mut dyn FnMut(Table, u64)) {
        let many = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        count(Table::Pause, u64::from(self.paused.is_some()));
        count(Table::Hold, many(self.holds.len()));
        count(Table::Policy, many(self.policies.len()));
        let mut row = |table, key: i64, cells, since| {
            tell(Note::Row(Expected { table, key: vec![key.into()], cells, since }));
        };
        if let Some(seq) = self.paused {
            row(Table::Pause, 1, vec![("seq", seq.into())], seq);
        }
        for (number, hold) in (1_i64..).zip(&self.holds) {
            let HoldRow { seq, placed, ended, .. } = hold;
            count(Table::HoldId, placed.ids);
            count(Table::HoldSecret, u64::from(placed.ids > 0));
            let cells = vec![
                ("seq", (*seq).into()),
                ("module", placed.module.as_str().into()),
                ("whole", placed.whole.into()),
                ("ids", placed.ids.into()),
                ("review_by_ms", placed.review_by.into()),
                ("ended_seq", (*ended).into()),
            ];
            row(Table::Hold, number, cells, ended.unwrap_or(*seq));
        }
        for (number, policy) in (1_i64..).zip(&self.policies) {
            let PolicyRow { seq, require_approval, in_force, rejected } = policy;
            let cells = vec![
                ("seq", (*seq).into()),
                ("require_approval", require_approval.as_str().into()),
                ("in_force_seq", (*in_force).into()),
                ("rejected_seq", (*rejected).into()),
            ];
            row(Table::Policy, number, cells, (*in_force).max(*rejected).unwrap_or(*seq));
        }
    }
}

const NO_PROPOSAL: &str = "it decides about a policy that nobody proposed, or that is decided";

/// Whether all these places are under the hold still. Ranges are never walked: a forged one may span billions.
fn is_held(hold: &HoldRow, places: &EntryRanges) -> bool {
    let inside = places.last().and_then(|last| u64::try_from(last.get()).ok());
    let inside = inside.is_some_and(|last| last <= hold.placed.ids);
    let overlaps = hold.released.iter().any(|(released, _)| {
        let mut ranges = places.ranges();
        ranges.any(|(first, last)| {
            released.ranges().any(|(from, until)| from <= last && first <= until)
        })
    });
    inside && !overlaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::approval_rules::ApprovalRules;
    use crate::domain::event::{Paused, PolicyApproved, ReleasedPart, Resumed};
    use crate::domain::id::{HoldId, PolicyId};
    use crate::domain::merkle::Hash;

    const HASH: Hash = Hash::new([1; 32]);

    fn paused() -> Event {
        let program = String::new();
        Event::from(Paused { program, paused_by: HASH, recorded_by: HASH, reason: HASH })
    }

    fn resumed() -> Event {
        let program = String::new();
        Event::from(Resumed { program, resumed_by: HASH, recorded_by: HASH, reason: None })
    }

    fn placed(hold: i64, ids: u64) -> Event {
        Event::from(HoldPlaced {
            hold: HoldId::new(hold),
            module: "Leads".parse().unwrap(),
            whole: ids == 0,
            ids,
            ids_root: (ids > 0).then_some(HASH),
            review_by: None,
            entries: None,
            program: String::new(),
            held_by: HASH,
            recorded_by: HASH,
            reason: HASH,
            ticket: None,
        })
    }

    fn released(hold: i64, places: Option<&str>) -> Event {
        let places = places.map(|places| places.parse().unwrap());
        Event::from(HoldReleased {
            parts: vec![ReleasedPart { hold: HoldId::new(hold), places }],
            pending: None,
            awaiting_approval: None,
            program: String::new(),
            released_by: HASH,
            recorded_by: HASH,
            reason: HASH,
            ticket: None,
            unread: None,
        })
    }

    fn set(policy: i64, in_force: bool) -> Event {
        Event::from(PolicySet {
            policy: PolicyId::new(policy),
            require_approval: "always".to_owned(),
            approver: None,
            in_force,
            program: String::new(),
            set_by: HASH,
            recorded_by: HASH,
            reason: HASH,
            rules: ApprovalRules::default(),
            signers: None,
        })
    }

    fn approved(policy: i64) -> Event {
        Event::from(PolicyApproved {
            policy: PolicyId::new(policy),
            content: HASH,
            same_account: false,
            program: String::new(),
            approved_by: HASH,
            recorded_by: HASH,
            signature: None,
            allowed_signers: None,
        })
    }

    /// How many contradictions events tell, and the ends of the holds.
    fn fold(events: &[Event]) -> (usize, Vec<Option<i64>>) {
        let (mut folded, mut told) = (Governance::default(), 0);
        for (seq, event) in (1..).zip(events) {
            folded.apply(EventSeq::new(seq), event, &mut |_| told += 1);
        }
        (told, folded.holds().iter().map(|hold| hold.ended.map(EventSeq::get)).collect())
    }

    #[test]
    fn a_hold_is_over_when_the_last_of_it_is_released() {
        let some = [placed(1, 3), released(1, Some("2")), placed(2, 0)];
        assert_eq!(fold(&some), (0, vec![None, None]));
        let all = [placed(1, 3), released(1, Some("2")), released(1, Some("1,3"))];
        assert_eq!(fold(&all), (0, vec![Some(3)]));
        assert_eq!(fold(&[placed(1, 0), released(1, None)]), (0, vec![Some(2)]));
    }

    #[test]
    fn decisions_that_nobody_can_have_made_are_told() {
        for strange in [
            vec![resumed()],
            vec![paused(), paused()],
            vec![placed(2, 1)],
            vec![placed(1, 1), released(2, Some("1"))],
            vec![placed(1, 1), released(1, None)],
            vec![placed(1, 0), released(1, Some("1"))],
            vec![placed(1, 2), released(1, Some("2-3"))],
            vec![placed(1, 2), released(1, Some("1")), released(1, Some("1-2"))],
            vec![placed(1, 1), released(1, Some("1-9223372036854775807"))],
            vec![placed(1, 1), released(1, Some("1")), released(1, Some("1"))],
            vec![set(2, true)],
            vec![set(1, true), approved(1)],
            vec![set(1, false), approved(1), approved(1)],
            vec![approved(1)],
        ] {
            assert_eq!(fold(&strange).0, 1, "{strange:?}");
        }
        let fine = [paused(), resumed(), paused(), set(1, false), approved(1), set(2, true)];
        assert_eq!(fold(&fine).0, 0);
    }
}
