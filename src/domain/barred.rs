//! Calls that are left out of a run: what Zoho does not allow, and what must wait.

use crate::domain::call::CallKind;
use crate::domain::id::ModuleName;
use crate::domain::plan::RequestOverview;
use crate::domain::scope::{Action, Operation, RelatedList, Scope};
use crate::domain::target::Product;

/// Calls that Zoho does not allow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Barred {
    operation: Operation,
    product: Product,
    module: ModuleName,
    /// The related list of an unlink.
    list: Option<RelatedList>,
    /// Only what is read before it is sent: the read is what Zoho does not allow.
    only_read_first: bool,
    /// Only what a full snapshot is kept of before it is sent.
    only_full: bool,
}

impl Barred {
    /// All calls of this kind.
    pub fn calls(kind: &CallKind) -> Self {
        let Scope { product, module, .. } = &kind.scope;
        let list = kind.scope.list().cloned();
        let (operation, product, module) = (kind.scope.operation(), *product, module.clone());
        Self { operation, product, module, list, only_read_first: false, only_full: false }
    }

    /// Calls of this kind that are read before, where others are sent without.
    pub fn reads_before(kind: &CallKind) -> Self {
        let optional = matches!(kind.scope.action, Action::Untag(_) | Action::Unlink { .. });
        Self { only_read_first: optional, ..Self::calls(kind) }
    }

    /// Calls of this kind before which whole records are read, where others are sent without.
    pub fn full_snapshots(kind: &CallKind) -> Self {
        Self { only_full: true, ..Self::calls(kind) }
    }

    /// All calls of a request.
    pub fn all_of(request: &RequestOverview) -> Self {
        Self {
            operation: request.operation,
            product: request.product,
            module: request.module.clone(),
            list: request.list.clone(),
            only_read_first: false,
            only_full: false,
        }
    }

    fn covers(&self, group: &Group<'_>) -> bool {
        (self.operation, self.product) == (group.operation, group.product)
            && (&self.module, self.list.as_ref()) == (group.module, group.list)
            && (!self.only_read_first || group.snapshot)
            && (!self.only_full || group.full)
    }
}

/// Calls, as far as leaving them out goes.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    /// The operation.
    pub operation: Operation,
    /// The product.
    pub product: Product,
    /// The module.
    pub module: &'a ModuleName,
    /// The related list of an unlink.
    pub list: Option<&'a RelatedList>,
    /// Whether what is there is read before.
    pub snapshot: bool,
    /// Whether a full snapshot is kept before.
    pub full: bool,
}

/// What a claim leaves out for now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Without {
    /// An operation that must wait for a job of Zoho's.
    pub busy: Option<Operation>,
    /// What Zoho does not allow.
    pub barred: Vec<Barred>,
}

impl Without {
    /// Whether it leaves these calls out.
    pub fn leaves_out(&self, group: &Group<'_>) -> bool {
        self.busy == Some(group.operation) || self.barred.iter().any(|one| one.covers(group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::target::ApiVersion;

    fn kind(module: &str, action: Action, snapshot: bool) -> CallKind {
        let module = module.parse().unwrap();
        let scope = Scope { product: Product::Crm, module, action };
        CallKind { scope, api_version: ApiVersion::V8, workflows: true, snapshot, module_id: None }
    }

    fn group(kind: &CallKind) -> Group<'_> {
        let list = kind.scope.list();
        let (operation, product) = (kind.scope.operation(), kind.scope.product);
        let (module, snapshot) = (&kind.scope.module, kind.snapshot);
        Group { operation, product, module, list, snapshot, full: false }
    }

    fn unlink(list: &str) -> Action {
        Action::Unlink {
            parent: "4876876000000624002".parse().unwrap(),
            list: list.parse().unwrap(),
        }
    }

    #[test]
    fn what_is_refused_bars_its_own_kind_and_no_other() {
        let refused = kind("Campaigns", unlink("Leads"), true);
        let without = Without { busy: None, barred: vec![Barred::calls(&refused)] };
        assert!(without.leaves_out(&group(&refused)));
        assert!(without.leaves_out(&group(&kind("Campaigns", unlink("Leads"), false))));
        for other in [
            kind("Campaigns", unlink("Contacts"), true),
            kind("Products", unlink("Leads"), true),
            kind("Campaigns", Action::Delete, true),
        ] {
            assert!(!without.leaves_out(&group(&other)), "{other:?}");
        }
    }

    #[test]
    fn a_read_that_is_refused_bars_only_what_is_read_before() {
        let refused = kind("Campaigns", unlink("Leads"), true);
        let without = Without { busy: None, barred: vec![Barred::reads_before(&refused)] };
        assert!(without.leaves_out(&group(&refused)));
        assert!(!without.leaves_out(&group(&kind("Campaigns", unlink("Leads"), false))));
        // A module without a recycle bin is always read before its records are deleted.
        let deletion = kind("Leads", Action::Delete, false);
        let without = Without { busy: None, barred: vec![Barred::reads_before(&deletion)] };
        assert!(without.leaves_out(&group(&deletion)));
    }

    #[test]
    fn whole_records_that_may_not_be_read_bar_only_what_they_are_kept_of() {
        let refused = kind("Leads", Action::Delete, true);
        let without = Without { busy: None, barred: vec![Barred::full_snapshots(&refused)] };
        assert!(without.leaves_out(&Group { full: true, ..group(&refused) }));
        assert!(!without.leaves_out(&group(&refused)));
    }

    #[test]
    fn an_operation_that_must_wait_is_left_out_as_a_whole() {
        let without = Without { busy: Some(Operation::DeleteTags), barred: Vec::new() };
        assert!(without.leaves_out(&group(&kind("Leads", Action::DeleteTags, true))));
        assert!(!without.leaves_out(&group(&kind("Leads", Action::Delete, true))));
    }
}
