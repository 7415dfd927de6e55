//! The OAuth scopes that each call needs, as one table. Not to be confused with [`crate::domain::scope`],
//! which is what many items have in common.
//!
//! A scope is written `Product.area.part.TYPE`. What ends in `ALL` holds every type, and what names an area
//! as a whole holds its parts: the pages name `settings.ALL` beside `settings.tags.DELETE` (CRM v8 Mass
//! Delete Tags) and `modules.ALL` beside `modules.{module}.DELETE` (CRM v2 Delete Records).

use std::collections::BTreeSet;

use crate::domain::id::ModuleName;
use crate::domain::scope::Operation;
use crate::domain::target::Product;

/// What is asked of Zoho, as far as leave is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Read whose org it is.
    Org,
    /// Read who the token's user is.
    User,
    /// Read what a module is like.
    Module,
    /// Read records, the list of deleted ones, and related lists.
    Records,
    /// Read tags, and how a job that deletes tags goes.
    Tags,
    /// Read the recycle bin.
    Bin,
    /// Carry an operation out.
    Write(Operation),
}

/// What one access needs.
#[derive(Debug, Clone, Copy)]
pub struct Leave {
    /// What is asked of Zoho.
    pub access: Access,
    /// The products that have it.
    pub products: &'static [Product],
    /// Any of these will do, without the product's name; the first one allows least.
    pub any_of: &'static [&'static str],
    /// What it is needed for.
    pub why: &'static str,
    /// Whether runs stop without it; else they go on and know less.
    pub essential: bool,
    /// Where this is written.
    pub source: &'static str,
}

use Access::{Bin, Module, Org, Records, Tags, User, Write};
use Product::{Bigin, Crm};

const BOTH: &[Product] = &[Crm, Bigin];

/// Where a module's word stands in a scope of the table.
const MODULE: &str = ".{module}.";

/// The table.
///
/// Removing tags: the pages of CRM v3 to v8, of Bigin v2 and the OAS YAML name scopes of modules only. The OAS
/// JSON names `settings.tags.ALL` for its whole file of tag calls; since that would allow tags to be deleted
/// it is not asked for.
#[rustfmt::skip]
pub const LEAVES: &[Leave] = &[
    Leave { access: Org, products: BOTH, any_of: &["org.READ"], essential: true,
        why: "tells whose org it is; without it nothing is sent",
        source: "CRM v2 to v6 Organization pages; Bigin v2 Scopes page" },
    Leave { access: User, products: BOTH, any_of: &["users.READ"], essential: false,
        why: "tells whether a record was deleted by us",
        source: "OAS users.json; Bigin v2 Users and Scopes pages" },
    Leave { access: Module, products: BOTH, any_of: &["settings.modules.READ"], essential: false,
        why: "tells a module's id and whether it has a recycle bin",
        source: "OAS modules.json and common.json; of Bigin assumed to be alike" },
    Leave { access: Records, products: BOTH, any_of: &["modules.{module}.READ", "modules.READ"], essential: true,
        why: "reads what is there before a call, and what became of it after a lost answer",
        source: "CRM v7 Get Records, Get Deleted Records and Get Related Records pages" },
    Leave { access: Tags, products: BOTH, any_of: &["settings.tags.READ"], essential: true,
        why: "reads a module's tags, and how a job that deletes tags goes",
        source: "CRM v7 Get Tags page; OAS YAML, mass delete of tags" },
    Leave { access: Bin, products: &[Crm], any_of: &["settings.recycle_bin.READ"], essential: false,
        why: "gives the best evidence after a lost answer",
        source: "CRM v7 Get Recycle Bin page; OAS recycle_bin.json" },
    Leave { access: Write(Operation::Delete), products: BOTH, any_of: &["modules.{module}.DELETE", "modules.DELETE"], essential: true,
        why: "deletes records",
        source: "CRM v2 and v7, Bigin v1 and v2 Delete Records pages; OAS YAML for the scope without a module" },
    Leave { access: Write(Operation::Untag), products: BOTH, any_of: &["modules.{module}.WRITE"], essential: true,
        why: "removes tags from records",
        source: "CRM v8 and Bigin v2 Remove Tags pages" },
    Leave { access: Write(Operation::Unlink), products: BOTH, any_of: &["modules.{module}.DELETE", "modules.{module}.WRITE"], essential: true,
        why: "takes records out of related lists",
        source: "CRM v7 and Bigin v2 Delink Records pages" },
    Leave { access: Write(Operation::DeleteTags), products: BOTH, any_of: &["settings.tags.DELETE", "settings.tags.WRITE"], essential: true,
        why: "deletes tags",
        source: "CRM v8 Mass Delete Tags, CRM v7 and Bigin v2 Delete Tag pages" },
    Leave { access: Write(Operation::Restore), products: &[Crm], any_of: &["settings.recycle_bin.UPDATE"], essential: true,
        why: "restores records from the recycle bin; Zoho wants the same scope for emptying it, which journal never does",
        source: "CRM v8 Restore Recycle Bin Records page" },
    Leave { access: Write(Operation::Retag), products: BOTH, any_of: &["modules.{module}.WRITE", "modules.{module}.CREATE"], essential: true,
        why: "puts tags back on records",
        source: "CRM v7 and Bigin v2 Add Tags pages" },
    Leave { access: Write(Operation::Relink), products: BOTH, any_of: &["modules.{module}.UPDATE", "modules.{module}.WRITE"], essential: true,
        why: "puts records back into related lists",
        source: "CRM v7 Update Related Records page" },
    Leave { access: Write(Operation::RecreateTags), products: BOTH, any_of: &["settings.tags.CREATE", "settings.tags.WRITE"], essential: true,
        why: "defines deleted tags anew",
        source: "CRM v7 and Bigin v2 Create Tags pages" },
];

/// A scope, and what it is needed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The scope, as Zoho's console takes it.
    pub scope: String,
    /// What it is needed for.
    pub why: &'static str,
    /// Whether runs stop without it; else they go on and know less.
    pub essential: bool,
}

/// What the names of a product's scopes begin with.
pub const fn prefix(product: Product) -> &'static str {
    match product {
        Crm => "ZohoCRM",
        Bigin => "ZohoBigin",
    }
}

/// What an operation needs: first what every run reads, the operation itself last.
pub fn accesses(product: Product, operation: Operation) -> Vec<Access> {
    let reads: &[Access] = match operation {
        Operation::Delete | Operation::Restore => &[Records, Bin],
        Operation::Untag | Operation::Unlink | Operation::Retag | Operation::Relink => &[Records],
        Operation::DeleteTags | Operation::RecreateTags => &[Tags],
    };
    [Org, User, Module]
        .into_iter()
        .chain(reads.iter().copied())
        .chain([Write(operation)])
        .filter(|access| row(product, *access).is_some())
        .collect()
}

/// What an operation reads beside that and can do without, each with what for.
///
/// An untag whose answer was lost reads the module's tags: tags that are gone from a record may have been
/// deleted themselves, by whomever.
fn extras(operation: Operation) -> &'static [(Access, &'static str)] {
    const OF_UNTAG: &[(Access, &str)] =
        &[(Tags, "tells after a lost answer whether a tag itself was deleted")];
    if operation == Operation::Untag { OF_UNTAG } else { &[] }
}

/// An access that an operation needs or profits from.
struct Use {
    access: Access,
    leave: &'static Leave,
    why: &'static str,
    essential: bool,
}

impl Use {
    fn of(leave: &'static Leave) -> Self {
        Self { access: leave.access, leave, why: leave.why, essential: leave.essential }
    }

    fn names_module(&self) -> bool {
        self.leave.any_of.first().is_some_and(|scope| scope.contains(MODULE))
    }

    fn needed(&self, scope: String) -> Needed {
        Needed { scope, why: self.why, essential: self.essential }
    }
}

/// All that an operation comes with, in the table's order: what runs read comes first, writes last.
fn uses(product: Product, operation: Operation) -> Vec<Use> {
    let needed = accesses(product, operation).into_iter();
    let needed = needed.filter_map(|access| row(product, access)).map(Use::of);
    let extras = extras(operation).iter().filter_map(|(access, why)| {
        row(product, *access).map(|leave| Use { why, essential: false, ..Use::of(leave) })
    });
    let mut uses: Vec<Use> = needed.chain(extras).collect();
    uses.sort_by_key(|one| one.access);
    uses
}

/// The scope that allows an access and as little else as possible; empty where the product has no such
/// thing.
pub fn least(product: Product, access: Access, module: Option<&ModuleName>) -> String {
    let first = row(product, access).and_then(|leave| leave.any_of.first());
    first.map(|scope| written(product, scope, module)).unwrap_or_default()
}

/// The least scope and the next greater one, for a message: `a or b`.
pub fn choice(product: Product, access: Access, module: &ModuleName) -> String {
    let least = least(product, access, Some(module));
    let area = match access {
        Records
        | Write(
            Operation::Delete
            | Operation::Untag
            | Operation::Unlink
            | Operation::Retag
            | Operation::Relink,
        ) => "modules",
        Tags | Write(Operation::DeleteTags | Operation::RecreateTags) => "settings.tags",
        Write(Operation::Restore) => "settings.recycle_bin",
        Org | User | Module | Bin => return least,
    };
    format!("{least} or {}.{area}.ALL", prefix(product))
}

/// What an access is needed for, to stand after the scope's name.
pub fn why(product: Product, access: Access) -> &'static str {
    row(product, access).map_or("is not offered", |leave| leave.why)
}

/// Whether runs stop without it; else they go on and know less.
pub fn is_essential(product: Product, access: Access) -> bool {
    row(product, access).is_some_and(|leave| leave.essential)
}

/// Whether any of the granted scopes allows an access.
pub fn allows(
    granted: &[String],
    product: Product,
    access: Access,
    module: Option<&ModuleName>,
) -> bool {
    row(product, access).is_some_and(|leave| {
        leave.any_of.iter().any(|scope| {
            let wanted = written(product, scope, module);
            granted.iter().any(|granted| covers(granted, &wanted))
        })
    })
}

/// The least that must be asked for in Zoho's console, each scope once. Without modules all of them are
/// meant.
pub fn least_set(
    product: Product,
    operations: &[Operation],
    modules: Option<&[ModuleName]>,
) -> Vec<Needed> {
    let base = [Org, User, Module].into_iter().filter_map(|access| row(product, access));
    let uses = operations.iter().flat_map(|operation| uses(product, *operation));
    let mut all: Vec<Use> = base.map(Use::of).chain(uses).collect();
    // What every run reads comes first, writes last; and what one operation cannot do without, before
    // what another can.
    all.sort_by_key(|one| (one.access, !one.essential));
    let mut set: Vec<Needed> = Vec::new();
    for one in all {
        let scopes: Vec<String> = match modules {
            Some(modules) if one.names_module() => {
                modules.iter().map(|module| least(product, one.access, Some(module))).collect()
            }
            Some(_) | None => vec![least(product, one.access, None)],
        };
        for scope in scopes {
            if !set.iter().any(|known| known.scope == scope) {
                set.push(one.needed(scope));
            }
        }
    }
    set
}

/// What an operation needs and was not granted, each scope once. Without a module, scopes of single modules
/// do as well, where there is a module that has all of them: [`only_for`] tells which.
pub fn missing(
    granted: &[String],
    product: Product,
    operation: Operation,
    module: Option<&ModuleName>,
) -> Vec<Needed> {
    let somewhere = module.is_none()
        && only_for(granted, product, operation).is_some_and(|words| !words.is_empty());
    let mut missing: Vec<Needed> = Vec::new();
    for one in uses(product, operation) {
        let scope = least(product, one.access, module);
        let is_enough =
            allows(granted, product, one.access, module) || (somewhere && one.names_module());
        if is_enough || missing.iter().any(|known| known.scope == scope) {
            continue;
        }
        missing.push(one.needed(scope));
    }
    missing
}

/// The modules, by the words of scopes, that an operation was granted one by one; `None` where no scope of
/// modules is needed beside those for all.
pub fn only_for(
    granted: &[String],
    product: Product,
    operation: Operation,
) -> Option<BTreeSet<String>> {
    uses(product, operation)
        .into_iter()
        .filter(|one| one.names_module() && !allows(granted, product, one.access, None))
        .map(|one| granted.iter().filter_map(|scope| word_in(scope, product, one.leave)).collect())
        // What may be read in one module and deleted in another is no use.
        .reduce(|one: BTreeSet<String>, other| &one & &other)
}

/// The module of a granted scope that allows an access in it.
fn word_in(granted: &str, product: Product, leave: &Leave) -> Option<String> {
    let granted = granted.to_ascii_lowercase();
    leave.any_of.iter().find_map(|scope| {
        let (area, kind) = scope.split_once(MODULE)?;
        let area = format!("{}.{area}.", prefix(product)).to_ascii_lowercase();
        let (word, granted) = granted.strip_prefix(&area)?.split_once('.')?;
        let holds = granted == "all" || granted.eq_ignore_ascii_case(kind);
        (holds && !word.is_empty()).then(|| word.to_owned())
    })
}

fn row(product: Product, access: Access) -> Option<&'static Leave> {
    LEAVES.iter().find(|leave| leave.access == access && leave.products.contains(&product))
}

/// A scope of the table, written out. Without a module the whole area is meant, with every type: nothing
/// less can be had for modules that are not known yet.
fn written(product: Product, scope: &str, module: Option<&ModuleName>) -> String {
    let prefix = prefix(product);
    match (module, scope.split_once(MODULE)) {
        (Some(module), Some((area, kind))) => {
            format!("{prefix}.{area}.{}.{kind}", module_word(product, module))
        }
        (None, Some((area, _))) => format!("{prefix}.{area}.ALL"),
        (_, None) => format!("{prefix}.{scope}"),
    }
}

/// The words for modules in the scopes of CRM (CRM v2 Delete Records, v7 Delink, v8 Remove Tags pages; notes
/// and attachments: OAS common.json). All modules of an org's own share the word `custom`.
const CRM_MODULES: &[&str] = &[
    "leads",
    "accounts",
    "contacts",
    "deals",
    "campaigns",
    "tasks",
    "cases",
    "events",
    "calls",
    "solutions",
    "products",
    "vendors",
    "pricebooks",
    "quotes",
    "salesorders",
    "purchaseorders",
    "invoices",
    "activities",
    "appointments",
    "services",
    "notes",
    "attachments",
];

/// How a module is called in a scope: `Price_Books` is `pricebooks`, `Appointments__s` is `appointments`.
/// Bigin's page (v2 Remove Tags) names its modules by their API names.
fn module_word(product: Product, module: &ModuleName) -> String {
    let lower = module.as_str().to_ascii_lowercase();
    let word = lower.strip_suffix("__s").unwrap_or(&lower).replace('_', "");
    match product {
        Crm if !CRM_MODULES.contains(&word.as_str()) => "custom".to_owned(),
        Crm => word,
        Bigin => lower,
    }
}

/// Whether a granted scope holds the wanted one: the same, or `ALL` of it or of an area that it lies in.
/// Capitals do not count, since Zoho's own texts write `modules.ALL`, `modules.all` and `Modules.Events.ALL`.
fn covers(granted: &str, wanted: &str) -> bool {
    let (granted, wanted) = (granted.to_ascii_lowercase(), wanted.to_ascii_lowercase());
    if granted == wanted {
        return true;
    }
    // An area has at least a product and a word of its own: nothing documents a scope for a whole product.
    granted.strip_suffix(".all").is_some_and(|area| {
        area.contains('.') && wanted.strip_prefix(area).is_some_and(|rest| rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(name: &str) -> ModuleName {
        name.parse().unwrap()
    }

    fn names(needed: &[Needed]) -> Vec<&str> {
        needed.iter().map(|one| one.scope.as_str()).collect()
    }

    fn granted(scopes: &str) -> Vec<String> {
        scopes.split(',').map(ToOwned::to_owned).collect()
    }

    #[test]
    fn the_least_set_for_deleting_from_any_module() {
        assert_eq!(
            names(&least_set(Crm, &[Operation::Delete], None)),
            [
                "ZohoCRM.org.READ",
                "ZohoCRM.users.READ",
                "ZohoCRM.settings.modules.READ",
                "ZohoCRM.modules.ALL",
                "ZohoCRM.settings.recycle_bin.READ",
            ]
        );
        assert_eq!(
            names(&least_set(Bigin, &[Operation::Delete], None)),
            [
                "ZohoBigin.org.READ",
                "ZohoBigin.users.READ",
                "ZohoBigin.settings.modules.READ",
                "ZohoBigin.modules.ALL",
            ]
        );
    }

    #[test]
    fn the_least_set_names_the_modules_that_are_known() {
        let modules = [module("Leads"), module("Price_Books"), module("Machines")];
        assert_eq!(
            names(&least_set(Crm, &[Operation::Untag, Operation::DeleteTags], Some(&modules))),
            [
                "ZohoCRM.org.READ",
                "ZohoCRM.users.READ",
                "ZohoCRM.settings.modules.READ",
                "ZohoCRM.modules.leads.READ",
                "ZohoCRM.modules.pricebooks.READ",
                "ZohoCRM.modules.custom.READ",
                "ZohoCRM.settings.tags.READ",
                "ZohoCRM.modules.leads.WRITE",
                "ZohoCRM.modules.pricebooks.WRITE",
                "ZohoCRM.modules.custom.WRITE",
                "ZohoCRM.settings.tags.DELETE",
            ]
        );
        assert_eq!(
            names(&least_set(Bigin, &[], None)),
            ["ZohoBigin.org.READ", "ZohoBigin.users.READ", "ZohoBigin.settings.modules.READ"]
        );
    }

    #[test]
    fn what_is_asked_for_is_enough() {
        for product in Product::ALL {
            for operation in Operation::ALL {
                let module = module("Contacts");
                for modules in [None, Some(std::slice::from_ref(&module))] {
                    let set = least_set(*product, &[*operation], modules);
                    let granted: Vec<String> = set.into_iter().map(|one| one.scope).collect();
                    assert_eq!(missing(&granted, *product, *operation, Some(&module)), []);
                    for left_out in 0..granted.len() {
                        let mut fewer = granted.clone();
                        fewer.remove(left_out);
                        assert_ne!(missing(&fewer, *product, *operation, Some(&module)), []);
                    }
                }
            }
        }
    }

    #[test]
    fn an_untag_asks_to_read_tags_and_can_do_without() {
        let (scope, module) = ("settings.tags.READ", module("Contacts"));
        for product in Product::ALL {
            let tags = |operations: &[Operation]| {
                let mut set = least_set(*product, operations, Some(std::slice::from_ref(&module)));
                set.retain(|one| one.scope.ends_with(scope));
                set
            };
            let of_untag = tags(&[Operation::Untag]);
            assert_eq!(names(&of_untag), [format!("{}.{scope}", prefix(*product))]);
            assert!(of_untag.iter().all(|one| !one.essential && one.why.contains("deleted")));
            assert!(missing(&[], *product, Operation::Untag, Some(&module)).contains(&of_untag[0]));
            // Who deletes tags cannot do without, whatever is asked for beside it.
            let of_both = tags(&[Operation::Untag, Operation::DeleteTags]);
            assert!(matches!(of_both.as_slice(), [one] if one.essential));
            assert_eq!(tags(&[Operation::Delete, Operation::Unlink]), []);
        }
    }

    #[test]
    fn wider_scopes_hold_narrower_ones_whatever_their_capitals() {
        let leads = module("Leads");
        let missing = |scopes: &str, operation| {
            let missing = missing(&granted(scopes), Crm, operation, Some(&leads));
            missing.into_iter().map(|one| one.scope).collect::<Vec<_>>()
        };
        let wide = "ZohoCRM.modules.all,ZohoCRM.settings.ALL,zohocrm.Org.all,ZohoCRM.users.ALL";
        for operation in Operation::ALL {
            assert!(missing(wide, *operation).is_empty());
        }
        let base = "ZohoCRM.org.READ,ZohoCRM.users.READ,ZohoCRM.settings.modules.READ";
        let narrow = format!("{base},ZohoCRM.modules.Leads.ALL,ZohoCRM.settings.recycle_bin.READ");
        assert!(missing(&narrow, Operation::Delete).is_empty());
        assert_eq!(missing(&narrow, Operation::Untag), ["ZohoCRM.settings.tags.READ"]);
        let other =
            format!("{base},ZohoCRM.modules.contacts.ALL,ZohoCRM.settings.recycle_bin.READ");
        assert_eq!(
            missing(&other, Operation::Delete),
            ["ZohoCRM.modules.leads.READ", "ZohoCRM.modules.leads.DELETE"]
        );
        let write = format!("{base},ZohoCRM.modules.leads.READ,ZohoCRM.modules.leads.WRITE");
        assert!(missing(&write, Operation::Unlink).is_empty());
        assert_eq!(
            missing(&write, Operation::Delete),
            ["ZohoCRM.settings.recycle_bin.READ", "ZohoCRM.modules.leads.DELETE"]
        );
        assert!(
            missing(
                &format!("{base},ZohoCRM.modules.READ,ZohoCRM.modules.DELETE"),
                Operation::Unlink
            )
            .contains(&"ZohoCRM.modules.leads.DELETE".to_owned())
        );
    }

    #[test]
    fn scopes_of_single_modules_are_enough_for_these() {
        let modules = [module("Leads"), module("Machines")];
        let mut set = Vec::new();
        for one in least_set(Crm, &[Operation::Delete], Some(&modules)) {
            set.push(one.scope);
        }
        assert_eq!(missing(&set, Crm, Operation::Delete, None), []);
        let words = only_for(&set, Crm, Operation::Delete).unwrap();
        assert_eq!(words, ["custom", "leads"].map(str::to_owned).into());
        assert_eq!(
            names(&missing(&set, Crm, Operation::Untag, None)),
            ["ZohoCRM.modules.ALL", "ZohoCRM.settings.tags.READ"]
        );
        // Of another product, of another type, and apart from each other they are none.
        for scopes in [
            "ZohoBigin.modules.leads.READ,ZohoBigin.modules.leads.DELETE",
            "ZohoCRM.modules.leads.READ,ZohoCRM.modules.leads.WRITE",
            "ZohoCRM.modules.leads.READ,ZohoCRM.modules.contacts.DELETE",
            "ZohoCRM.modules..ALL",
        ] {
            let missing = missing(&granted(scopes), Crm, Operation::Delete, None);
            let all = missing.iter().filter(|one| one.scope == "ZohoCRM.modules.ALL");
            assert_eq!(all.count(), 1, "{scopes}");
        }
        let all = granted("ZohoCRM.modules.READ,ZohoCRM.Modules.Leads.all");
        assert_eq!(only_for(&all, Crm, Operation::Delete), Some(["leads".to_owned()].into()));
        assert_eq!(only_for(&granted("zohocrm.modules.ALL"), Crm, Operation::Delete), None);
    }

    #[test]
    fn what_only_looks_alike_holds_nothing() {
        assert!(covers("ZohoCRM.settings.ALL", "ZohoCRM.settings.tags.READ"));
        for granted in [
            "ZohoCRM.ALL",
            "ZohoCRM.set.ALL",
            "ZohoBigin.settings.ALL",
            "ZohoCRM.settings.tags.WRITE",
            "ZohoCRM.settings.tag.ALL",
            "ZohoCRM.settings.tags.READ.ALL",
            "ALL",
            ".all",
            "",
        ] {
            assert!(!covers(granted, "ZohoCRM.settings.tags.READ"), "{granted}");
        }
    }

    #[test]
    fn every_access_of_an_operation_stands_in_the_table_once() {
        for product in Product::ALL {
            for operation in Operation::ALL {
                // Bigin has no call that restores records.
                if (*product, *operation) != (Bigin, Operation::Restore) {
                    assert_eq!(accesses(*product, *operation).last(), Some(&Write(*operation)));
                }
            }
        }
        for (index, leave) in LEAVES.iter().enumerate() {
            assert!(!leave.any_of.is_empty() && !leave.source.is_empty());
            assert!(LEAVES.iter().skip(index + 1).all(|other| other.access != leave.access));
        }
        assert_eq!(
            choice(Crm, Write(Operation::Delete), &module("Sales_Orders")),
            "ZohoCRM.modules.salesorders.DELETE or ZohoCRM.modules.ALL"
        );
        assert_eq!(least(Bigin, Bin, None), "");
        assert_eq!(
            least(Bigin, Records, Some(&module("Pipelines"))),
            "ZohoBigin.modules.pipelines.READ"
        );
        assert_eq!(
            least(Crm, Records, Some(&module("Appointments__s"))),
            "ZohoCRM.modules.appointments.READ"
        );
    }
}
