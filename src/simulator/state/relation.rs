//! Which modules are related, and what the related lists are called on either side.

use crate::simulator::dialect::{Dialect, Product};

/// What a link carries besides its two records (Update Related Records page).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    /// `Member_Status`, a text.
    MemberStatus,
    /// `list_price`, a number that must be given.
    ListPrice,
}

/// A relation between two modules.
#[derive(Debug)]
struct Relation {
    /// Each module, and the list on its records that shows the records of the other.
    sides: [(&'static str, &'static str); 2],
    beside: Beside,
    crm: bool,
    bigin: bool,
}

const fn relation(
    left: (&'static str, &'static str),
    right: (&'static str, &'static str),
) -> Relation {
    Relation { sides: [left, right], beside: Beside::Nothing, crm: true, bigin: false }
}

/// The relations of the CRM and Bigin Delink pages, and a custom one. Where the pages name only one
/// direction, the other one is the same relation seen from the other side.
static RELATIONS: [Relation; 10] = [
    Relation {
        beside: Beside::MemberStatus,
        ..relation(("Campaigns", "Leads"), ("Leads", "Campaigns"))
    },
    Relation {
        beside: Beside::MemberStatus,
        ..relation(("Campaigns", "Contacts"), ("Contacts", "Campaigns"))
    },
    relation(("Products", "Leads"), ("Leads", "Products")),
    Relation { bigin: true, ..relation(("Products", "Accounts"), ("Accounts", "Products")) },
    Relation { bigin: true, ..relation(("Products", "Contacts"), ("Contacts", "Products")) },
    Relation { bigin: true, ..relation(("Products", "Deals"), ("Deals", "Products")) },
    Relation {
        crm: false,
        bigin: true,
        ..relation(("Products", "Pipelines"), ("Pipelines", "Products"))
    },
    Relation {
        beside: Beside::ListPrice,
        ..relation(("Products", "Price_Books"), ("Price_Books", "Products"))
    },
    relation(("Appointments__s", "Services__s"), ("Services__s", "Appointments__s")),
    // No page knows it, as with every relation that an org makes for itself.
    relation(("Accounts", "Suppliers__c"), ("Vendors", "Clients__c")),
];

/// A list of child records, which are nobody else's: taking one off its parent deletes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ChildList {
    Notes,
    Attachments,
}

/// What the name of a related list stands for, seen from a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    /// A relation by its index, and whether it is seen from its second side.
    Related {
        index: usize,
        turned: bool,
    },
    Children(ChildList),
}

impl List {
    /// Its name on the records of its module.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Children(ChildList::Notes) => "Notes",
            Self::Children(ChildList::Attachments) => "Attachments",
            Self::Related { index, turned } => side(index, turned).map_or("", |(_, list)| *list),
        }
    }

    /// The module whose records it shows; `None` for children, which are no records here.
    pub(crate) fn shows(self) -> Option<&'static str> {
        match self {
            Self::Children(_) => None,
            Self::Related { index, turned } => side(index, !turned).map(|(module, _)| *module),
        }
    }

    pub(crate) fn beside(self) -> Beside {
        match self {
            Self::Children(_) => Beside::Nothing,
            Self::Related { index, .. } => {
                RELATIONS.get(index).map_or(Beside::Nothing, |relation| relation.beside)
            }
        }
    }
}

fn side(index: usize, turned: bool) -> Option<&'static (&'static str, &'static str)> {
    RELATIONS.get(index)?.sides.get(usize::from(turned))
}

/// The related lists of a module; without a dialect, those of CRM and Bigin alike.
pub(crate) fn lists_of(module: &str, dialect: Option<&Dialect>) -> Vec<List> {
    let offered = |relation: &Relation| {
        dialect.is_none_or(|dialect| {
            let product = match dialect.product {
                Product::Crm => relation.crm,
                Product::Bigin => relation.bigin,
            };
            product && relation.sides.iter().all(|(module, _)| dialect.serves(module))
        })
    };
    let related = RELATIONS.iter().enumerate().filter(|(_, relation)| offered(relation));
    let related = related.flat_map(|(index, relation)| {
        let sides = relation.sides.iter().zip([false, true]);
        sides
            .filter(|((owner, _), _)| *owner == module)
            .map(move |(_, turned)| List::Related { index, turned })
    });
    let children = [ChildList::Notes, ChildList::Attachments].map(List::Children);
    related.chain(children).collect()
}

/// A module's related list of this name.
pub(crate) fn find_list(module: &str, name: &str, dialect: Option<&Dialect>) -> Option<List> {
    lists_of(module, dialect).into_iter().find(|list| list.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_is_the_same_from_both_sides() {
        let crm = Dialect::find("crm", "v8");
        let from = |module, list| find_list(module, list, crm).unwrap();
        assert_eq!(from("Campaigns", "Leads"), List::Related { index: 0, turned: false });
        assert_eq!(from("Leads", "Campaigns"), List::Related { index: 0, turned: true });
        assert_eq!(from("Leads", "Campaigns").shows(), Some("Campaigns"));
        assert_eq!(from("Campaigns", "Leads").shows(), Some("Leads"));
        assert_eq!(find_list("Campaigns", "Deals", crm), None);
        assert_eq!(find_list("Cases", "Notes", crm), Some(List::Children(ChildList::Notes)));
    }

    #[test]
    fn bigin_has_its_own_relations() {
        let names = |version| -> Vec<&str> {
            let lists = lists_of("Products", Dialect::find("bigin", version));
            lists.into_iter().map(List::name).collect()
        };
        assert_eq!(names("v1"), ["Accounts", "Contacts", "Deals", "Notes", "Attachments"]);
        assert_eq!(names("v2"), ["Accounts", "Contacts", "Pipelines", "Notes", "Attachments"]);
    }
}
