//! Policies that stand between a request and its sending.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::scope::Operation;
use crate::domain::target::named_set;

named_set!(
    /// How a second person shows who they are.
    Approver, "approver", {
        /// By a name, which whoever types may give.
        Named = "named",
        /// By an SSH signature of a key that is allowed to.
        Signed = "signed",
    }
);

/// Which requests wait for a second person, and how that one approves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Which requests wait.
    pub wants: ApprovalPolicy,
    /// How they are approved.
    pub approver: Approver,
}

impl Demand {
    /// What either of two demands asks for.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        let approver = self.approver.max(other.approver);
        Self { wants: self.wants.stricter(other.wants), approver }
    }

    /// Whether this asks for no less than another one.
    pub fn is_as_strict_as(self, other: Self) -> bool {
        self.wants.is_as_strict_as(other.wants) && self.approver >= other.approver
    }
}

impl From<ApprovalPolicy> for Demand {
    fn from(wants: ApprovalPolicy) -> Self {
        Self { wants, approver: Approver::Named }
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.approver {
            Approver::Named => self.wants.fmt(f),
            Approver::Signed => write!(f, "{}, signed", self.wants),
        }
    }
}

/// Which requests wait for a second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApprovalPolicy {
    /// None.
    #[default]
    Never,
    /// All.
    Always,
    /// Requests of so many entries or more; at least 1.
    From(u64),
}

/// The text is no approval policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no approval policy: write never, always, or from how many entries on (a number from 1)"
)]
pub struct ApprovalPolicyError(String);

impl ApprovalPolicy {
    /// Whether a request of so many entries waits.
    pub const fn wants_approval(self, entries: u64) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::From(least) => entries >= least,
        }
    }

    /// Whether this asks for no less than another one: whatever that one lets wait, this one does, too.
    pub fn is_as_strict_as(self, other: Self) -> bool {
        self.stricter(other) == self || (self, other) == (Self::From(1), Self::Always)
    }

    /// The stricter of two policies: what either asks for.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Never, one) | (one, Self::Never) => one,
            (Self::From(one), Self::From(two)) => Self::From(one.min(two)),
        }
    }
}

/// Whether two names are the same person's: apart from capitals and blanks around them.
pub fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Whether somebody may approve a request. Where policy asks for a second person, who asked for it may not; nor may
/// anybody once that name is erased, since nobody can tell any more who is the second.
pub fn may_approve(needs_second: bool, requested_by: Option<&str>, who: &str) -> bool {
    !needs_second || requested_by.is_some_and(|requested_by| !same_person(requested_by, who))
}

/// Whether a hold forbids an operation: only what takes something away. What brings it back is never held.
pub const fn can_be_held(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Delete | Operation::Untag | Operation::Unlink | Operation::DeleteTags
    )
}

impl fmt::Display for ApprovalPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Always => f.write_str("always"),
            Self::From(least) => write!(f, "{least}"),
        }
    }
}

impl FromStr for ApprovalPolicy {
    type Err = ApprovalPolicyError;

    fn from_str(text: &str) -> Result<Self, ApprovalPolicyError> {
        match text {
            "never" => Ok(Self::Never),
            "always" => Ok(Self::Always),
            number => match number.parse() {
                Ok(least @ 1..) => Ok(Self::From(least)),
                Ok(_) | Err(_) => Err(ApprovalPolicyError(text.escape_debug().take(60).collect())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_so_many_entries_or_more_wait() {
        let policy: ApprovalPolicy = "100".parse().unwrap();
        assert!(!policy.wants_approval(99) && policy.wants_approval(100));
        assert!(ApprovalPolicy::Always.wants_approval(1));
        assert!(!ApprovalPolicy::Never.wants_approval(u64::MAX));
        for wrong in ["", "0", "-1", "Always", "5.0", "true", "18446744073709551616"] {
            assert!(wrong.parse::<ApprovalPolicy>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_stricter_of_two_asks_for_what_either_asks_for() {
        use ApprovalPolicy::{Always, From, Never};
        assert_eq!(From(10).stricter(From(20)), From(10));
        assert_eq!(Never.stricter(From(20)), From(20));
        assert_eq!(From(5).stricter(Never), From(5));
        assert_eq!(From(1).stricter(Always), Always);
    }

    #[test]
    fn a_policy_is_as_strict_as_another_when_it_lets_wait_whatever_that_one_does() {
        use ApprovalPolicy::{Always, From, Never};
        let ordered = [Never, From(100), From(10), Always];
        for (at, looser) in ordered.iter().enumerate() {
            for (other, stricter) in ordered.iter().enumerate() {
                assert_eq!(stricter.is_as_strict_as(*looser), other >= at, "{stricter} {looser}");
                assert_eq!(stricter.stricter(*looser), ordered[at.max(other)]);
            }
        }
        assert!(From(1).is_as_strict_as(Always) && Always.is_as_strict_as(From(1)));
    }

    #[test]
    fn a_signature_is_more_than_a_name() {
        let demand = |wants, approver| Demand { wants, approver };
        let (named, signed) = (Approver::Named, Approver::Signed);
        let loose = demand(ApprovalPolicy::Always, named);
        let strict = demand(ApprovalPolicy::From(5), signed);
        assert!(!loose.is_as_strict_as(strict) && !strict.is_as_strict_as(loose));
        let both = loose.stricter(strict);
        assert_eq!(both, demand(ApprovalPolicy::Always, signed));
        assert!(both.is_as_strict_as(loose) && both.is_as_strict_as(strict));
        assert_eq!(
            (both.to_string(), loose.to_string()),
            ("always, signed".into(), "always".into())
        );
    }

    #[test]
    fn where_policy_asks_for_a_second_person_who_asked_may_not_approve() {
        assert!(may_approve(false, Some("Anna"), "Anna"));
        assert!(may_approve(true, Some("Anna"), "Bert"));
        for same in ["Anna", "anna", " ANNA\t"] {
            assert!(!may_approve(true, Some("Anna"), same), "{same}");
        }
        // Once the name is erased, nobody can tell who would be the second.
        assert!(!may_approve(true, None, "Bert") && may_approve(false, None, "Bert"));
    }

    #[test]
    fn only_what_takes_something_away_can_be_held() {
        for operation in
            [Operation::Delete, Operation::Untag, Operation::Unlink, Operation::DeleteTags]
        {
            assert!(can_be_held(operation));
        }
    }
}
