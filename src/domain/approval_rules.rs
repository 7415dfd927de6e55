//! Approval rules for an operation, a module, or both: `delete:Accounts=always`, `delete-tags=always`, `*:Deals=50`.
//!
//! Rules only tighten: of all that match a request, and of what holds for all requests, the strictest counts.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::id::ModuleName;
use crate::domain::policy::ApprovalPolicy;
use crate::domain::scope::Operation;

/// No policy has more rules; a list that long was not meant.
pub const MOST_RULES: usize = 1000;

/// Which requests a rule is for; what is left out is any.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleScope {
    /// What is asked for.
    pub operation: Option<Operation>,
    /// In which module; of an unlink, the parent's.
    pub module: Option<ModuleName>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRule {
    /// Which requests it is for.
    pub scope: RuleScope,
    /// Which of them wait; never [`ApprovalPolicy::Never`], which would say nothing.
    wants: ApprovalPolicy,
}

/// A text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{given}\" is no approval rule: {why}")]
pub struct ApprovalRuleError {
    given: String,
    why: String,
}

impl ApprovalRuleError {
    fn of(given: &str, why: impl Into<String>) -> Self {
        Self { given: given.escape_debug().take(120).collect(), why: why.into() }
    }
}

/// Module names as rules compare them. Zoho tells them apart by capitals; a rule does not, so that nobody escapes one
/// by a name in other letters.
fn same_module(one: &ModuleName, other: &ModuleName) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

impl RuleScope {
    /// Whether it is for this operation on this module; `None` is one that no rule names.
    pub fn matches(&self, operation: Operation, module: Option<&ModuleName>) -> bool {
        self.operation.is_none_or(|own| own == operation)
            && match (&self.module, module) {
                (Some(own), Some(module)) => same_module(own, module),
                (own, _) => own.is_none(),
            }
    }

    /// Whether two are for the same requests.
    fn is_same(&self, other: &Self) -> bool {
        self.operation == other.operation
            && match (&self.module, &other.module) {
                (Some(one), Some(other)) => same_module(one, other),
                (one, other) => one.is_none() && other.is_none(),
            }
    }
}

impl fmt::Display for RuleScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation.map_or("*", Operation::wire_name))?;
        self.module.as_ref().map_or(Ok(()), |module| write!(f, ":{module}"))
    }
}

impl FromStr for RuleScope {
    type Err = ApprovalRuleError;

    fn from_str(text: &str) -> Result<Self, ApprovalRuleError> {
        let wrong = |why: &dyn fmt::Display| ApprovalRuleError::of(text, why.to_string());
        if text.is_empty() {
            return Err(wrong(&"it names nothing; * is any operation on any module"));
        }
        let (operation, module) = text.split_once(':').unwrap_or((text, "*"));
        let named = |part: &str| !matches!(part, "" | "*");
        let operation = named(operation)
            .then(|| operation.parse().map_err(|error| wrong(&error)))
            .transpose()?;
        let module =
            named(module).then(|| module.parse().map_err(|error| wrong(&error))).transpose()?;
        Ok(Self { operation, module })
    }
}

impl ApprovalRule {
    /// A rule; `None` for one that says nothing.
    pub fn new(scope: RuleScope, wants: ApprovalPolicy) -> Option<Self> {
        (wants != ApprovalPolicy::Never).then_some(Self { scope, wants })
    }

    /// Which requests wait.
    pub const fn wants(&self) -> ApprovalPolicy {
        self.wants
    }
}

impl fmt::Display for ApprovalRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.scope, self.wants)
    }
}

impl FromStr for ApprovalRule {
    type Err = ApprovalRuleError;

    fn from_str(text: &str) -> Result<Self, ApprovalRuleError> {
        let (scope, wants) = text.split_once('=').ok_or_else(|| {
            ApprovalRuleError::of(
                text,
                "write OPERATION:MODULE=always, or =N, as in delete:Leads=50",
            )
        })?;
        let wants: ApprovalPolicy = wants.trim().parse().map_err(|_| {
            ApprovalRuleError::of(
                text,
                "after = comes always, or from how many entries on (a number from 1)",
            )
        })?;
        let scope = scope.trim().parse::<RuleScope>();
        let scope = scope.map_err(|error| ApprovalRuleError::of(text, error.why))?;
        let nothing = "a rule only tightens, so never says nothing; leave the rule out";
        Self::new(scope, wants).ok_or_else(|| ApprovalRuleError::of(text, nothing))
    }
}

/// Rules, each for other requests than the others, in order of what they are for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApprovalRules(Vec<ApprovalRule>);

impl ApprovalRules {
    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &ApprovalRule> {
        self.0.iter()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn position(&self, scope: &RuleScope) -> Option<usize> {
        self.0.iter().position(|one| one.scope.is_same(scope))
    }

    /// What the rule for exactly these requests asks for.
    pub fn at(&self, scope: &RuleScope) -> Option<ApprovalPolicy> {
        self.position(scope).and_then(|at| self.0.get(at)).map(|rule| rule.wants)
    }

    /// Puts a rule in the place of the one for the same requests.
    pub fn set(&mut self, rule: ApprovalRule) {
        self.remove(&rule.scope);
        let at = self.0.partition_point(|one| one.scope < rule.scope);
        self.0.insert(at, rule);
    }

    /// Takes the rule for these requests away.
    pub fn remove(&mut self, scope: &RuleScope) {
        if let Some(at) = self.position(scope) {
            self.0.remove(at);
        }
    }

    /// Adds a rule; of two for the same requests the stricter stays.
    pub fn add(&mut self, rule: &ApprovalRule) {
        let known = self.position(&rule.scope).and_then(|at| self.0.get_mut(at));
        match known {
            Some(known) => known.wants = known.wants.stricter(rule.wants),
            None => self.set(rule.clone()),
        }
    }

    /// What either of two sets of rules asks for.
    #[must_use]
    pub fn stricter(&self, other: &Self) -> Self {
        let mut both = self.clone();
        other.iter().for_each(|rule| both.add(rule));
        both
    }

    /// The strictest rule for an operation on a module; `None` is one that no rule names.
    pub fn of(&self, operation: Operation, module: Option<&ModuleName>) -> Option<&ApprovalRule> {
        let matching = self.0.iter().filter(|rule| rule.scope.matches(operation, module));
        matching.reduce(
            |best, rule| {
                if best.wants.is_as_strict_as(rule.wants) { best } else { rule }
            },
        )
    }

    /// As they follow something in a sentence: `, delete=always, *:Deals=50`.
    pub fn appended(&self) -> String {
        if self.is_empty() { String::new() } else { format!(", {self}") }
    }

    /// The modules that rules name.
    pub fn modules(&self) -> impl Iterator<Item = &ModuleName> {
        self.0.iter().filter_map(|rule| rule.scope.module.as_ref())
    }
}

impl FromIterator<ApprovalRule> for ApprovalRules {
    fn from_iter<I: IntoIterator<Item = ApprovalRule>>(rules: I) -> Self {
        let mut all = Self::default();
        rules.into_iter().for_each(|rule| all.add(&rule));
        all
    }
}

impl fmt::Display for ApprovalRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, rule) in self.0.iter().enumerate() {
            write!(f, "{}{rule}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl FromStr for ApprovalRules {
    type Err = ApprovalRuleError;

    /// Rules with commas between them. Of two for the same requests the stricter counts.
    fn from_str(text: &str) -> Result<Self, ApprovalRuleError> {
        let rules: Self = text
            .split(',')
            .map(str::trim)
            .filter(|rule| !rule.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        if rules.0.len() > MOST_RULES {
            let why = format!("there are more than {MOST_RULES} rules");
            return Err(ApprovalRuleError::of(text, why));
        }
        Ok(rules)
    }
}

impl Serialize for ApprovalRules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

impl<'de> Deserialize<'de> for ApprovalRules {
    /// As they are written, and in no other way.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let rules: Result<Self, _> = texts.iter().map(|text| text.parse()).collect();
        let rules = rules.map_err(D::Error::custom)?;
        if rules.0.len() <= MOST_RULES && rules.iter().map(ToString::to_string).eq(texts) {
            Ok(rules)
        } else {
            Err(D::Error::custom("approval rules are not in order, or one is there twice"))
        }
    }
}

#[cfg(test)]
#[path = "approval_rules_tests.rs"]
mod tests;
