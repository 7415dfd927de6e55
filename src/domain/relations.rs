//! Related lists: which relations may be taken apart, what a relation holds of its own, and where taking
//! apart would delete records.

use crate::domain::id::ModuleName;
use crate::domain::scope::RelatedList;
use crate::domain::target::{ApiVersion, Product};

/// A relation that Zoho's pages name. It is one fact, seen from both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Relation {
    product: Product,
    /// The one API version whose names these are; `None` where all share them.
    version: Option<ApiVersion>,
    /// The API names of the one side, as module and as related list; the first is the module's.
    one: &'static [&'static str],
    /// The same of the other side.
    other: &'static [&'static str],
    /// What the relation holds of its own, as a field of the related list.
    field: Option<&'static str>,
}

const fn relation(
    product: Product,
    one: &'static [&'static str],
    other: &'static [&'static str],
    field: Option<&'static str>,
) -> Relation {
    Relation { product, version: None, one, other, field }
}

const fn only_in(version: ApiVersion, relation: Relation) -> Relation {
    Relation { version: Some(version), ..relation }
}

use ApiVersion::{V1, V2};
use Product::{Bigin, Crm};

/// CRM v7 and Bigin v1, v2 Delink Records pages, Supported relations. The pages speak of Potentials and
/// Price Books; the API names are Deals and `Price_Books`. `Member_Status` and `list_price` are those of
/// the CRM v7 Update Related Records page.
#[rustfmt::skip]
const RELATIONS: &[Relation] = &[
    relation(Crm, &["Campaigns"], &["Leads"], Some("Member_Status")),
    relation(Crm, &["Campaigns"], &["Contacts"], Some("Member_Status")),
    relation(Crm, &["Products"], &["Leads"], None),
    relation(Crm, &["Products"], &["Accounts"], None),
    relation(Crm, &["Products"], &["Contacts"], None),
    relation(Crm, &["Products"], &["Deals", "Potentials"], None),
    relation(Crm, &["Products"], &["Price_Books", "PriceBooks"], Some("list_price")),
    relation(Crm, &["Appointments__s", "Appointments"], &["Services__s", "Services"], None),
    relation(Bigin, &["Products"], &["Contacts"], None),
    relation(Bigin, &["Products"], &["Accounts"], None),
    // Bigin v1 calls Deals what v2 calls Pipelines.
    only_in(V1, relation(Bigin, &["Products"], &["Deals", "Pipelines"], None)),
    only_in(V2, relation(Bigin, &["Products"], &["Pipelines", "Deals"], None)),
];

/// Lists whose rows exist only there: taking one out deletes it (OAS YAML, deleteRelatedRecords, whose
/// examples are Notes and Attachments; the others are its like).
const CHILDREN: &[&str] = &[
    "Notes",
    "Attachments",
    "Emails",
    "Tasks",
    "Events",
    "Calls",
    "Activities",
    "Activities_History",
    "Open_Activities",
    "Closed_Activities",
    "Open_Activities_Chronological",
    "Closed_Activities_Chronological",
    "Tasks_History",
    "Events_History",
    "Calls_History",
    "Invited_Events",
    "Invited_Events_History",
    "Locking_Information__s",
    "Checklists",
    "Zoho_Sign_Documents",
    "Product_Details",
];

/// What is known about a module's related list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Zoho's pages say that its rows can be taken out and stay records of their own.
    Listed {
        /// The module of the related records.
        related: ModuleName,
        /// What the relation holds of its own, as a field of the list.
        field: Option<&'static str>,
    },
    /// Taking a row out deletes it.
    DeletesRecords,
    /// Nothing is known about it.
    Unlisted,
}

/// The relations of a product under the names of an API version.
fn relations(product: Product, version: ApiVersion) -> impl Iterator<Item = &'static Relation> {
    let bears = move |relation: &&Relation| {
        relation.product == product && relation.version.is_none_or(|only| only == version)
    };
    RELATIONS.iter().filter(bears)
}

/// What is known about a module's related list, by the names of an API version.
pub fn standing(
    product: Product,
    version: ApiVersion,
    module: &ModuleName,
    list: &RelatedList,
) -> Standing {
    let is = |names: &[&str], name: &str| names.contains(&name);
    if CHILDREN.iter().any(|child| child.eq_ignore_ascii_case(list.as_str())) {
        return Standing::DeletesRecords;
    }
    for Relation { one, other, field, .. } in relations(product, version) {
        for (from, to) in [(one, other), (other, one)] {
            let holds = is(from, module.as_str()) && is(to, list.as_str());
            // The list may bear the module's older name; the records are the module's.
            let related = to.first().filter(|_| holds).and_then(|name| name.parse().ok());
            if let Some(related) = related {
                return Standing::Listed { related, field: *field };
            }
        }
    }
    Standing::Unlisted
}

/// The relations of a product, in words, for people.
pub fn listed(product: Product, version: ApiVersion) -> String {
    let words: Vec<String> = relations(product, version)
        .filter_map(|relation| {
            Some(format!("{}–{}", relation.one.first()?, relation.other.first()?))
        })
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(product: Product, module: &str, list: &str) -> Standing {
        let version = if product == Bigin { V2 } else { ApiVersion::V8 };
        standing(product, version, &module.parse().unwrap(), &list.parse().unwrap())
    }

    #[test]
    fn the_pages_relations_hold_from_both_sides() {
        for (product, module, list, related) in [
            (Crm, "Campaigns", "Leads", "Leads"),
            (Crm, "Leads", "Campaigns", "Campaigns"),
            (Crm, "Products", "Price_Books", "Price_Books"),
            (Crm, "Products", "Potentials", "Deals"),
            (Crm, "Appointments__s", "Services__s", "Services__s"),
            (Bigin, "Products", "Deals", "Pipelines"),
            (Bigin, "Accounts", "Products", "Products"),
        ] {
            let Standing::Listed { related: found, .. } = of(product, module, list) else {
                panic!("{product} {module} {list}");
            };
            assert_eq!(found.as_str(), related);
        }
        // Bigin v1 and v2 have different names for one module.
        let (module, list) = ("Products".parse().unwrap(), "Deals".parse().unwrap());
        let Standing::Listed { related, .. } = standing(Bigin, V1, &module, &list) else {
            panic!("the page names it");
        };
        assert_eq!(related.as_str(), "Deals");
        assert_eq!(of(Crm, "Campaigns", "Deals"), Standing::Unlisted);
        assert_eq!(of(Bigin, "Products", "Leads"), Standing::Unlisted);
    }

    #[test]
    fn where_unlinking_deletes_it_is_told() {
        for list in ["Notes", "notes", "Attachments", "Tasks"] {
            assert_eq!(of(Crm, "Leads", list), Standing::DeletesRecords, "{list}");
        }
    }
}
