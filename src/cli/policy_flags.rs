//! The flags of what records, plans, approves or runs that say which requests wait for a second person.

use crate::config::Flags;

/// They tighten what the journal asks for, and never loosen it.
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyFlags {
    /// Which requests wait for a second person: never, always, or from so many entries on [env:
    /// JOURNAL_REQUIRE_APPROVAL] [default: never]
    #[arg(long, value_name = "POLICY")]
    require_approval: Option<String>,
    /// Which more wait, by operation and module, as in delete:Accounts=always or *:Deals=50 (repeat it for several;
    /// rules of all places count) [env: JOURNAL_APPROVAL_RULES]
    #[arg(long = "approval-rule", value_name = "OPERATION:MODULE=RULE")]
    approval_rules: Vec<String>,
}

impl PolicyFlags {
    /// As settings.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        Flags {
            require_approval: self.require_approval.clone(),
            approval_rules: (!self.approval_rules.is_empty())
                .then(|| self.approval_rules.join(",")),
            ..flags
        }
    }
}
