//! Policies that stand between a request and its sending.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::approval_rules::{ApprovalRule, ApprovalRules, RuleScope};
use crate::domain::id::{EventSeq, ModuleName};
use crate::domain::scope::Operation;
use crate::domain::signers::Signers;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Which requests wait, whatever they ask for.
    pub wants: ApprovalPolicy,
    /// Which more wait, by operation and module.
    pub rules: ApprovalRules,
    /// How they are approved.
    pub approver: Approver,
}

impl Demand {
    /// What either of two demands asks for.
    #[must_use]
    pub fn stricter(&self, other: &Self) -> Self {
        Self {
            wants: self.wants.stricter(other.wants),
            rules: self.rules.stricter(&other.rules),
            approver: self.approver.max(other.approver),
        }
    }

    /// Whether this asks for no less than another one: whatever that one lets wait, this one does, too.
    pub fn is_as_strict_as(&self, other: &Self) -> bool {
        let (named, own) = (other.rules.modules(), self.rules.modules());
        // Beside the modules that rules name, all others are alike.
        let mut modules = named.chain(own).map(Some).chain([None]);
        self.approver >= other.approver
            && modules.all(|module| {
                let mut operations = Operation::ALL.iter();
                operations.all(|operation| {
                    let (one, two) = (self.met(*operation, module), other.met(*operation, module));
                    one.wants.is_as_strict_as(two.wants)
                })
            })
    }

    /// What holds for an operation on a module.
    pub fn of(&self, operation: Operation, module: &ModuleName) -> Met {
        self.met(operation, Some(module))
    }

    /// The same; `None` is a module that no rule names.
    pub fn met(&self, operation: Operation, module: Option<&ModuleName>) -> Met {
        let rule = self.rules.of(operation, module);
        let rule = rule.filter(|rule| !self.wants.is_as_strict_as(rule.wants()));
        Met {
            wants: rule.map_or(self.wants, ApprovalRule::wants),
            by: rule.map(|rule| rule.scope.clone()),
            approver: self.approver,
        }
    }

    /// From how many entries on a request may wait, whatever it asks for; `None` where none does.
    pub fn least(&self) -> Option<u64> {
        let all = self.rules.iter().map(ApprovalRule::wants);
        match all.fold(self.wants, ApprovalPolicy::stricter) {
            ApprovalPolicy::Never => None,
            ApprovalPolicy::Always => Some(1),
            ApprovalPolicy::From(least) => Some(least),
        }
    }
}

impl From<ApprovalPolicy> for Demand {
    fn from(wants: ApprovalPolicy) -> Self {
        Self { wants, rules: ApprovalRules::default(), approver: Approver::Named }
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.wants, self.rules.appended())?;
        if self.approver == Approver::Signed { f.write_str(", signed") } else { Ok(()) }
    }
}

/// Which signed approvals count by a list of allowed signers, as it was when somebody looked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counting {
    /// Those that it allowed.
    pub good: HashSet<EventSeq>,
    /// How many events the log held then: later ones were held against a list when they were recorded.
    pub since: u64,
}

impl Counting {
    /// Whether an approval counts.
    pub fn counts(&self, approval: EventSeq) -> bool {
        u64::try_from(approval.get()).is_ok_and(|seq| seq >= self.since)
            || self.good.contains(&approval)
    }
}

/// What flags and settings ask for before something is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// Which requests wait for whom.
    pub demand: Demand,
    /// Which signed approvals count by the list that is set; `None` where none is.
    pub counting: Option<Counting>,
}

impl<D: Into<Demand>> From<D> for Conditions {
    fn from(demand: D) -> Self {
        Self { demand: demand.into(), counting: None }
    }
}

/// A policy of the journal, whole: what it asks for, and whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What it asks for.
    pub demand: Demand,
    /// Who may sign with which key; `None` where whoever approves names a list.
    pub signers: Option<Signers>,
}

impl Default for Terms {
    /// Those of a journal that sets no policy.
    fn default() -> Self {
        Self { demand: ApprovalPolicy::Never.into(), signers: None }
    }
}

impl Terms {
    /// Whether these ask for no less than others, and let nobody more sign.
    pub fn is_as_strict_as(&self, other: &Self) -> bool {
        self.demand.is_as_strict_as(&other.demand)
            && match (&self.signers, &other.signers) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(own), Some(others)) => own.is_within(others),
            }
    }
}

/// What a policy asks for of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// From how many entries on it waits.
    pub wants: ApprovalPolicy,
    /// The rule that says so; `None` where it is what holds for all requests.
    pub by: Option<RuleScope>,
    /// How it is approved.
    pub approver: Approver,
}

impl Met {
    /// The policy and its rule, without how it is approved: `delete:Accounts=always`.
    pub fn rule(&self) -> String {
        self.by.as_ref().map_or_else(|| self.wants.to_string(), |by| format!("{by}={}", self.wants))
    }
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule())?;
        if self.approver == Approver::Signed { f.write_str(", signed") } else { Ok(()) }
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
        let demand = |wants, approver| Demand { approver, ..Demand::from(wants) };
        let (named, signed) = (Approver::Named, Approver::Signed);
        let loose = demand(ApprovalPolicy::Always, named);
        let strict = demand(ApprovalPolicy::From(5), signed);
        assert!(!loose.is_as_strict_as(&strict) && !strict.is_as_strict_as(&loose));
        let both = loose.stricter(&strict);
        assert_eq!(both, demand(ApprovalPolicy::Always, signed));
        assert!(both.is_as_strict_as(&loose) && both.is_as_strict_as(&strict));
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
