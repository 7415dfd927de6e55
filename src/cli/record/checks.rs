//! What is refused before anything is read: what this API version does not offer, names that Zoho writes
//! otherwise, relations whose end deletes records.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::record::Asked;
use crate::domain::calls;
use crate::domain::id::ModuleName;
use crate::domain::relations::{self, Standing};
use crate::domain::scope::{Operation, RelatedList};
use crate::domain::target::{ApiVersion, Product};

/// API names as Zoho writes them (CRM v8 Modules API page; Bigin v2 Modules API page). Another spelling would
/// be another module to holds and to the search for duplicates.
const NAMES: &[&str] = &[
    "Leads",
    "Contacts",
    "Accounts",
    "Deals",
    "Pipelines",
    "Campaigns",
    "Products",
    "Price_Books",
    "Vendors",
    "Quotes",
    "Sales_Orders",
    "Purchase_Orders",
    "Invoices",
    "Cases",
    "Solutions",
    "Tasks",
    "Events",
    "Calls",
    "Notes",
    "Attachments",
    "Appointments__s",
    "Services__s",
];

/// Refuses what could never be sent.
pub(super) fn check(context: &Context, asked: &Asked<'_>) -> Result<(), CliError> {
    let product = context.settings.product.value;
    let version = context.settings.api_version_for(product);
    check_module(product, version, asked.module)?;
    if let Some(list) = asked.task.list() {
        check_list(product, version, asked, list)?;
    }
    check_offered(product, version, asked.task.operation())?;
    if asked.workflows == Some(false) && (product, version) == (Product::Bigin, ApiVersion::V2) {
        let error = "Bigin v2 cannot switch workflows off: its delete call has no parameter for it";
        return Err(CliError::new(Exit::Usage, error).hint(
            "leave --no-workflows out, or switch the workflow rules off in Bigin beforehand",
        ));
    }
    Ok(())
}

fn check_offered(
    product: Product,
    version: ApiVersion,
    operation: Operation,
) -> Result<(), CliError> {
    if calls::find(operation, product, version).is_some() {
        return Ok(());
    }
    let error = format!("{operation} is not available for {product} {version}");
    let versions: Vec<&str> = calls::WRITES
        .iter()
        .filter(|call| (call.operation, call.product) == (operation, product))
        .flat_map(|call| call.versions)
        .map(|version| version.wire_name())
        .collect();
    Err(CliError::new(Exit::Usage, error)
        .hint(format!("set JOURNAL_API_VERSION to one of {}", versions.join(", "))))
}

/// Refuses a name that is not the module's API name.
pub(crate) fn check_module(
    product: Product,
    version: ApiVersion,
    module: &ModuleName,
) -> Result<(), CliError> {
    let (name, why) = match (product, version, module.as_str()) {
        (Product::Bigin, _, "Companies") => ("Accounts", "Bigin's API calls companies Accounts"),
        (Product::Bigin, ApiVersion::V1, "Pipelines") => {
            ("Deals", "version v1 of Bigin's API calls them Deals")
        }
        (Product::Bigin, ApiVersion::V2, "Deals") => {
            ("Pipelines", "version v2 of Bigin's API calls them Pipelines")
        }
        (_, _, other) => match misspelt(other) {
            Some(name) => (name, "API names are told apart by capitals, too"),
            None => return Ok(()),
        },
    };
    Err(CliError::new(Exit::Usage, format!("{module} is not the module's API name: {why}"))
        .hint(format!("write {name}")))
}

/// The API name that differs from this one by capitals only.
fn misspelt(name: &str) -> Option<&'static str> {
    NAMES.iter().copied().find(|known| *known != name && known.eq_ignore_ascii_case(name))
}

/// A name that looks like this one, underscores apart.
fn alike(name: &str) -> Option<&'static str> {
    let plain = |name: &str| name.trim_end_matches("__s").replace('_', "").to_ascii_lowercase();
    let wanted = plain(name);
    NAMES.iter().copied().find(|known| *known != name && plain(known) == wanted)
}

fn check_list(
    product: Product,
    version: ApiVersion,
    asked: &Asked<'_>,
    list: &RelatedList,
) -> Result<(), CliError> {
    let module = asked.module;
    match relations::standing(product, version, module, list) {
        Standing::Listed { .. } => Ok(()),
        Standing::DeletesRecords => {
            let error = format!(
                "in {list}, unlinking deletes the record: what stands in this list exists nowhere else"
            );
            Err(CliError::new(Exit::Refused, error).hint(instead(list)))
        }
        Standing::Unlisted => {
            if let Some(name) = misspelt(list.as_str()) {
                let error = format!(
                    "{list} is not the related list's API name: API names are told apart by capitals, too"
                );
                return Err(CliError::new(Exit::Usage, error).hint(format!("write {name}")));
            }
            if asked.unlisted_relation {
                return Ok(());
            }
            Err(unlisted((product, version), module, list))
        }
    }
}

fn unlisted(
    (product, version): (Product, ApiVersion),
    module: &ModuleName,
    list: &RelatedList,
) -> CliError {
    let error = format!(
        "Zoho's pages do not say that {list} can be unlinked from {module}; in lists of other kinds \
         unlinking may delete records; the known relations, both ways, are {}",
        relations::listed(product, version)
    );
    let bigin_name =
        (product == Product::Bigin && list.as_str() == "Companies").then_some("Accounts");
    let hint = match bigin_name.or_else(|| alike(list.as_str())) {
        Some(name) => {
            format!("did you mean {name}? If not, --unlisted-relation records it all the same")
        }
        None => "if you know that only the link goes, --unlisted-relation records it all the same"
            .to_owned(),
    };
    CliError::new(Exit::Refused, error).hint(hint)
}

/// How such records are deleted on purpose.
fn instead(list: &RelatedList) -> String {
    let modules = ["Notes", "Tasks", "Events", "Calls"];
    let own = modules.iter().find(|module| module.eq_ignore_ascii_case(list.as_str()));
    match own {
        Some(module) => format!("if that is what you want: journal delete {module} ID… --reason TEXT"),
        None if list.as_str().to_ascii_lowercase().contains("activities") => {
            "if that is what you want: journal delete Tasks ID… (or Events, or Calls) --reason TEXT"
                .to_owned()
        }
        None => "journal delete MODULE ID… deletes records of modules; rows of this list are deleted in Zoho itself"
            .to_owned(),
    }
}
