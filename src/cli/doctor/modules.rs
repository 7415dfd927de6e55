//! The modules of open requests, and those that were named.

use std::collections::BTreeMap;

use crate::cli::context::Context;
use crate::cli::doctor::check::{Check, Kind};
use crate::cli::doctor::journal::Found;
use crate::cli::doctor::reads::Reading;
use crate::domain::answer::{ModuleInfo, ReadError};
use crate::domain::calls::{self, WriteCall};
use crate::domain::id::ModuleName;
use crate::domain::scope::Operation;
use crate::domain::scopes::Access;
use crate::domain::target::Product;
use crate::zoho::Zoho;

/// A module of a product.
pub(super) type Place = (Product, ModuleName);

/// What the checks are about.
#[derive(Debug)]
pub(super) struct Subject {
    /// The product whose org and user are read, as a run would choose it.
    pub(super) product: Product,
    /// The modules, each with what is to be done there: nothing, where it was only named.
    pub(super) places: BTreeMap<Place, Vec<Operation>>,
}

impl Subject {
    /// Modules of open requests, and those that were named.
    pub(super) fn of(context: &Context, found: &Found, named: &[ModuleName]) -> Self {
        let mut places: BTreeMap<Place, Vec<Operation>> = BTreeMap::new();
        for request in &found.open {
            let place = (request.product, request.module.clone());
            let operations = places.entry(place).or_default();
            if !operations.contains(&request.operation) {
                operations.push(request.operation);
            }
        }
        let settings = context.settings.product.value;
        let product = places.keys().next().map_or(settings, |(product, _)| *product);
        for module in named {
            places.entry((settings, module.clone())).or_default();
        }
        Self { product, places }
    }

    /// A place to probe with, for what needs one: a module that both products have.
    pub(super) fn any_place(&self) -> Option<Place> {
        let first = self.places.keys().next().cloned();
        first.or_else(|| Some((self.product, "Contacts".parse().ok()?)))
    }
}

/// Whether modules may be read, as far as the first read shows: `Err` holds the refusal.
pub(super) type Seen = Result<(), ReadError>;

/// Reads each module once.
pub(super) async fn check(
    context: &Context,
    zoho: &impl Zoho,
    subject: &Subject,
    checks: &mut Vec<Check>,
) -> Seen {
    let mut seen = None;
    for ((product, module), operations) in &subject.places {
        let version = context.settings.api_version_for(*product);
        let read = zoho.read_module(*product, version, module).await.map(|read| read.value);
        if let Err(error @ ReadError::Forbidden { .. }) = &read {
            seen = Some(Err(error.clone()));
        }
        seen.get_or_insert(Ok(()));
        let of = Of { context, product: *product, module, operations };
        checks.push(of.judge(read));
    }
    if let Some(seen) = seen {
        return seen;
    }
    let Some((product, module)) = subject.any_place() else { return Ok(()) };
    let version = context.settings.api_version_for(product);
    zoho.read_module(product, version, &module).await.map(|_| ())
}

/// A module, and what is to be done there.
struct Of<'a> {
    context: &'a Context,
    product: Product,
    module: &'a ModuleName,
    operations: &'a [Operation],
}

impl Of<'_> {
    fn judge(&self, read: Result<ModuleInfo, ReadError>) -> Check {
        let Self { context, product, module, operations } = self;
        let name = format!("module {module}");
        match read {
            Ok(info) => self.described(name, &info),
            Err(ReadError::NotThere { code, message }) => {
                let what = format!("Zoho does not know {module}: {code}: {message}");
                let check = Check::problem(Kind::Other, name, what);
                if operations.is_empty() {
                    check.remedy("give the module's API name, as in Price_Books")
                } else {
                    check.remedy(context.command(&format!("list --module {module}")))
                }
            }
            Err(error) => {
                let version = context.settings.api_version_for(*product);
                // A job names the module's id, which only this read tells.
                let call = calls::find(Operation::DeleteTags, *product, version);
                let essential = operations.contains(&Operation::DeleteTags)
                    && call.is_some_and(WriteCall::names_module_id);
                let (product, access, module) = (*product, Access::Module, None);
                Reading { context, name: &name, product, access, module, essential }.failed(&error)
            }
        }
    }

    fn described(&self, name: String, info: &ModuleInfo) -> Check {
        let module = self.module;
        let deletes = self.operations.contains(&Operation::Delete);
        let list = || self.context.command(&format!("list --module {module}"));
        if !info.api_supported {
            let what = format!("Zoho's API does not serve {module}");
            return Check::problem(Kind::Other, name, what).remedy(list());
        }
        if !info.deletable {
            let what = format!("Zoho says that records of {module} cannot be deleted");
            return if deletes {
                Check::problem(Kind::Other, name, what).remedy(list())
            } else {
                Check::warning(name, what)
            };
        }
        match (self.product, info.recycle_bin_on_delete) {
            (Product::Bigin, _) => Check::warning(
                name,
                "it is there; nothing but Bigin itself brings back what is deleted there",
            ),
            (Product::Crm, Some(false)) => Check::warning(
                name,
                "it is there, without a recycle bin: what is deleted there cannot be brought back",
            ),
            (Product::Crm, Some(true)) => {
                Check::fine(name, "it is there, and what is deleted goes to the recycle bin")
            }
            (Product::Crm, None) => {
                Check::fine(name, "it is there; Zoho does not say whether it has a recycle bin")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::check::Status;
    use crate::cli::testing::context;

    fn judge(product: Product, operations: &[Operation], info: ModuleInfo) -> Check {
        let (module, context) = ("Ledger__c".parse().unwrap(), context());
        let of = Of { context: &context, product, module: &module, operations };
        of.judge(Ok(info))
    }

    #[test]
    fn a_module_is_judged_by_what_is_to_be_done_there() {
        let fine = ModuleInfo {
            id: None,
            deletable: true,
            api_supported: true,
            recycle_bin_on_delete: Some(true),
        };
        let status = |operations, info| judge(Product::Crm, operations, info).status;
        let (delete, problem) = (&[Operation::Delete][..], Status::Problem(Kind::Other));
        assert_eq!(status(delete, fine.clone()), Status::Fine);
        assert_eq!(status(delete, ModuleInfo { deletable: false, ..fine.clone() }), problem);
        assert_eq!(status(&[], ModuleInfo { deletable: false, ..fine.clone() }), Status::Warning);
        assert_eq!(status(&[], ModuleInfo { api_supported: false, ..fine.clone() }), problem);
        let no_bin = ModuleInfo { recycle_bin_on_delete: Some(false), ..fine.clone() };
        let check = judge(Product::Crm, delete, no_bin);
        assert!(check.message.ends_with("what is deleted there cannot be brought back"));
        assert_eq!(check.status, Status::Warning);
        let unsaid = ModuleInfo { recycle_bin_on_delete: None, ..fine.clone() };
        assert_eq!(status(delete, unsaid), Status::Fine);
        assert_eq!(judge(Product::Bigin, delete, fine).status, Status::Warning);
    }
}
