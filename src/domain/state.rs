//! The states of an entry and the one function that moves it from one to the next.

use serde::{Deserialize, Serialize};

use crate::domain::target::named_set;

named_set!(
    /// Where an entry stands. `done`, `absent`, `failed` and `cancelled` are settled.
    EntryState, "state", {
        /// Recorded; policy wants a second person.
        AwaitingApproval = "awaiting_approval",
        /// May be sent.
        Pending = "pending",
        /// A batch is durably recorded; the call may have left.
        InFlight = "in_flight",
        /// Zoho accepted an asynchronous job.
        Queued = "queued",
        /// Only reading can say what happened.
        Unknown = "unknown",
        /// Zoho did it because of us.
        Done = "done",
        /// Gone, and not because of us.
        Absent = "absent",
        /// Zoho refused it.
        Failed = "failed",
        /// A hold forbids it.
        Held = "held",
        /// Withdrawn or rejected before sending.
        Cancelled = "cancelled",
    }
);

impl EntryState {
    /// Whether nothing more happens to it unless somebody asks.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Absent | Self::Failed | Self::Cancelled)
    }

    /// Whether a call for it may be under way or may still take effect.
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::InFlight | Self::Queued | Self::Unknown)
    }
}

named_set!(
    /// What an answer says happened to one entry.
    Outcome, "outcome", {
        /// Zoho did it.
        Done = "done",
        /// Zoho refused it.
        Failed = "failed",
        /// Zoho accepted a job for it.
        Queued = "queued",
        /// The answer does not tell; reading must.
        Unknown = "unknown",
        /// Nothing was done and it may be sent again.
        Returned = "returned",
    }
);

named_set!(
    /// What evidence, read afterwards, says happened to one entry.
    Verdict, "verdict", {
        /// Our call took effect.
        Done = "done",
        /// It is gone, and was before our call or by somebody else's hand.
        Absent = "absent",
        /// Our calls changed nothing, and Zoho refused them.
        Failed = "failed",
        /// Our calls changed nothing; it may be sent again.
        Pending = "pending",
        /// The reads that there are cannot decide. It stays unknown until a person settles it.
        Undecided = "undecided",
    }
);

/// Something that moves an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// A batch that carries it was recorded.
    Claimed,
    /// A read before sending showed that it was never there.
    NeverThere,
    /// Its batch ended so.
    Answered(Outcome),
    /// Evidence was read.
    Evidence(Verdict),
    /// A replay takes up a refused entry again.
    Reopened,
    /// A person decided what reads cannot.
    SettledByPerson(Verdict),
    /// A second person agreed, or an expired request was approved anew.
    Approved,
    /// It grew older than it may be sent without a fresh approval, or policy now wants one.
    Expired,
    /// A hold covers it.
    Held,
    /// The hold ended; it may be sent.
    Released,
    /// The hold ended; it still needs approval.
    ReleasedUnapproved,
    /// Withdrawn or rejected.
    Cancelled,
    /// The lost part of the log may have sent it: the journal was adopted, or what it kept back since is let go.
    Adopted,
}

impl Change {
    /// Every change there is.
    pub const ALL: &'static [Self] = &[
        Self::Claimed,
        Self::NeverThere,
        Self::Answered(Outcome::Done),
        Self::Answered(Outcome::Failed),
        Self::Answered(Outcome::Queued),
        Self::Answered(Outcome::Unknown),
        Self::Answered(Outcome::Returned),
        Self::Evidence(Verdict::Done),
        Self::Evidence(Verdict::Absent),
        Self::Evidence(Verdict::Failed),
        Self::Evidence(Verdict::Pending),
        Self::Evidence(Verdict::Undecided),
        Self::Reopened,
        Self::SettledByPerson(Verdict::Done),
        Self::SettledByPerson(Verdict::Absent),
        Self::SettledByPerson(Verdict::Failed),
        Self::SettledByPerson(Verdict::Pending),
        Self::SettledByPerson(Verdict::Undecided),
        Self::Approved,
        Self::Expired,
        Self::Held,
        Self::Released,
        Self::ReleasedUnapproved,
        Self::Cancelled,
        Self::Adopted,
    ];
}

/// A change that the entry's state does not allow: a defect of this program, or a damaged log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry that is {from} cannot be moved by {change:?}")]
pub struct IllegalTransition {
    /// The state it is in.
    pub from: EntryState,
    /// What was to happen.
    pub change: Change,
}

impl EntryState {
    /// The state after a change. What is not listed cannot happen.
    pub fn next(self, change: Change) -> Result<Self, IllegalTransition> {
        use Change as C;
        Ok(match (self, change) {
            (Self::Pending, C::Claimed) => Self::InFlight,
            (Self::Pending, C::NeverThere) => Self::Absent,
            (Self::InFlight, C::Answered(outcome)) => match outcome {
                Outcome::Done => Self::Done,
                Outcome::Failed => Self::Failed,
                Outcome::Queued => Self::Queued,
                Outcome::Unknown => Self::Unknown,
                Outcome::Returned => Self::Pending,
            },
            (Self::Queued | Self::Unknown, C::Evidence(Verdict::Done)) => Self::Done,
            (Self::Queued | Self::Unknown, C::Evidence(Verdict::Absent)) => Self::Absent,
            (Self::Queued | Self::Unknown, C::Evidence(Verdict::Failed)) => Self::Failed,
            (Self::Queued | Self::Unknown, C::Evidence(Verdict::Undecided))
            | (Self::Pending | Self::AwaitingApproval | Self::Held | Self::Failed, C::Adopted) => {
                Self::Unknown
            }
            (Self::Unknown, C::Evidence(Verdict::Pending))
            | (Self::Failed, C::Reopened)
            | (Self::AwaitingApproval, C::Approved)
            | (Self::Held, C::Released) => Self::Pending,
            (Self::Unknown, C::SettledByPerson(Verdict::Done)) => Self::Done,
            (Self::Unknown, C::SettledByPerson(Verdict::Absent)) => Self::Absent,
            (Self::Unknown, C::SettledByPerson(Verdict::Failed)) => Self::Failed,
            (Self::Pending, C::Expired) | (Self::Held, C::ReleasedUnapproved) => {
                Self::AwaitingApproval
            }
            (Self::AwaitingApproval | Self::Pending, C::Held) => Self::Held,
            (Self::AwaitingApproval | Self::Pending | Self::Held, C::Cancelled) => Self::Cancelled,
            (from, change) => return Err(IllegalTransition { from, change }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_are_pinned() {
        let names: Vec<&str> = EntryState::ALL.iter().map(|state| state.wire_name()).collect();
        assert_eq!(
            names.join(" "),
            "awaiting_approval pending in_flight queued unknown done absent failed held cancelled"
        );
        let names: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.wire_name()).collect();
        assert_eq!(names.join(" "), "done failed queued unknown returned");
        let names: Vec<&str> = Verdict::ALL.iter().map(|verdict| verdict.wire_name()).collect();
        assert_eq!(names.join(" "), "done absent failed pending undecided");
    }

    #[test]
    fn what_is_settled_moves_only_when_a_replay_takes_up_a_refusal() {
        for state in EntryState::ALL.iter().filter(|state| state.is_settled()) {
            for change in Change::ALL {
                let reopens = [Change::Reopened, Change::Adopted].contains(change);
                let allowed = *state == EntryState::Failed && reopens;
                assert_eq!(state.next(*change).is_ok(), allowed, "{state} {change:?}");
            }
        }
    }

    #[test]
    fn nothing_is_claimed_but_what_is_pending() {
        for state in EntryState::ALL {
            assert_eq!(state.next(Change::Claimed).is_ok(), *state == EntryState::Pending);
        }
    }

    #[test]
    fn an_unknown_entry_is_never_sent_again_before_evidence_or_a_person_spoke() {
        for change in Change::ALL {
            if let Ok(next) = EntryState::Unknown.next(*change) {
                let read = matches!(change, Change::Evidence(_) | Change::SettledByPerson(_));
                assert!(read, "{change:?} moves an unknown entry to {next}");
            }
        }
    }

    proptest::proptest! {
        /// Whatever comes, in whatever order: what is refused moves nothing, and what was settled stays so, but for
        /// a refusal that is taken up again.
        #[test]
        fn any_changes_lead_from_one_listed_state_to_the_next(
            changes in proptest::collection::vec(0..Change::ALL.len(), 0..40),
        ) {
            let (mut state, mut claimed) = (EntryState::Pending, 0_u32);
            for change in changes.into_iter().filter_map(|at| Change::ALL.get(at).copied()) {
                let before = state;
                match state.next(change) {
                    Ok(next) => state = next,
                    Err(refused) => {
                        proptest::prop_assert_eq!(refused, IllegalTransition { from: before, change });
                    }
                }
                claimed += u32::from(before != state && change == Change::Claimed);
                if before.is_settled() && before != state {
                    proptest::prop_assert_eq!(before, EntryState::Failed);
                    proptest::prop_assert!(matches!(change, Change::Reopened | Change::Adopted));
                }
                // Nothing is done or failed that was never sent or lost with a backup.
                let adopted = change == Change::Adopted && before != state;
                claimed += u32::from(adopted);
                if matches!(state, EntryState::Done | EntryState::Failed | EntryState::Queued) {
                    proptest::prop_assert!(claimed > 0);
                }
                if state == EntryState::InFlight && before != state {
                    proptest::prop_assert_eq!(before, EntryState::Pending);
                }
            }
        }
    }
}
