//! Policies that stand between a request and its sending.

use std::fmt;
use std::str::FromStr;

/// When a request waits for a second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApprovalPolicy {
    /// Never.
    #[default]
    Never,
    /// Always.
    Always,
    /// From so many entries on.
    From(u64),
}

/// The text is no approval policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected never, always, or a number of entries from which on approval is needed")]
pub struct ApprovalPolicyError;

impl ApprovalPolicy {
    /// Whether a request of so many entries waits.
    pub fn wants_approval(self, entries: u64) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::From(limit) => entries >= limit,
        }
    }
}

impl fmt::Display for ApprovalPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Always => f.write_str("always"),
            Self::From(limit) => write!(f, "{limit}"),
        }
    }
}

impl FromStr for ApprovalPolicy {
    type Err = ApprovalPolicyError;

    fn from_str(text: &str) -> Result<Self, ApprovalPolicyError> {
        match text {
            "never" => Ok(Self::Never),
            "always" => Ok(Self::Always),
            number => number.parse().map(Self::From).map_err(|_| ApprovalPolicyError),
        }
    }
}
