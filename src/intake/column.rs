//! Which column holds the record ids, and what separates the columns.

use crate::domain::id::{IdError, ModuleName, RecordId};
use crate::domain::target::Product;
use crate::intake::error::ColumnProblem;

/// How the column with the ids is found.
#[derive(Debug, Clone, Copy)]
pub struct ColumnRule<'a> {
    /// What the ids name; it decides which column names are known.
    pub of: Things<'a>,
    /// The product, which names some modules differently.
    pub product: Product,
    /// The column's exact name, where one was asked for.
    pub id_column: Option<&'a str>,
    /// The exact name of the column with the parents, where each row names a pair.
    pub parent_column: Option<&'a str>,
    /// The module of the one parent, where there is one: a file that names parents as well is no list
    /// of what stands in one parent's list, unless the user says so.
    pub parents: Option<&'a ModuleName>,
}

/// What ids name.
#[derive(Debug, Clone, Copy)]
pub enum Things<'a> {
    /// Records of this module.
    Records(&'a ModuleName),
    /// Tags. An export of records is no list of tags: `Record Id` is no column of theirs.
    Tags,
}

impl ColumnRule<'_> {
    /// Finds the column's position in a header.
    pub(super) fn choose(&self, header: &[String]) -> Result<usize, ColumnProblem> {
        match self.id_column {
            Some(wanted) => named(header, wanted.trim()),
            None => self.sole_candidate(header),
        }
    }

    /// Finds the position of the parents' column, where there is to be one beside the ids'.
    pub(super) fn choose_parent(
        &self,
        header: &[String],
        ids: usize,
    ) -> Result<Option<usize>, ColumnProblem> {
        let Some(wanted) = self.parent_column else { return Ok(None) };
        let wanted = wanted.trim();
        let position = named(header, wanted)?;
        if position == ids {
            return Err(ColumnProblem::Same { name: wanted.to_owned() });
        }
        Ok(Some(position))
    }

    fn sole_candidate(&self, header: &[String]) -> Result<usize, ColumnProblem> {
        let known = self.known_names();
        let mut found = header.iter().enumerate().filter(|(_, name)| known.contains(name));
        let Some((position, name)) = found.next() else {
            return Err(ColumnProblem::NoCandidate {
                expected: known,
                headless: header.iter().any(|cell| is_id_like(cell)),
            });
        };
        let mut others: Vec<&String> = found.map(|(_, other)| other).collect();
        if let Some(parents) = self.parents {
            let of_parents = names_of(parents, self.product);
            others.extend(header.iter().filter(|name| of_parents.contains(name)));
        }
        if others.is_empty() {
            return Ok(position);
        }
        if others.iter().all(|other| *other == name) {
            return Err(ColumnProblem::Twice { name: name.clone() });
        }
        let candidates = std::iter::once(name).chain(others).cloned().collect();
        Err(ColumnProblem::Ambiguous { candidates })
    }

    /// Names under which Zoho exports the id: `Record Id` in CRM's and Bigin's own exports, `id` in
    /// bulk read and COQL results, and in older exports the module's singular with `ID`
    /// (`Lead ID`). No official page lists them; they are what is found in the field.
    fn known_names(&self) -> Vec<String> {
        let mut names: Vec<String> = ["id", "Id", "ID"].map(str::to_owned).into();
        match self.of {
            Things::Records(module) => {
                names.insert(0, "Record Id".to_owned());
                names.extend(names_of(module, self.product));
            }
            Things::Tags => names.extend(["Tag ID", "Tag Id"].map(str::to_owned)),
        }
        names
    }
}

/// The module's singular with `ID` or `Id`.
fn names_of(module: &ModuleName, product: Product) -> Vec<String> {
    let singulars = singulars(module.as_str(), product);
    singulars.iter().flat_map(|one| [format!("{one} ID"), format!("{one} Id")]).collect()
}

fn named(header: &[String], wanted: &str) -> Result<usize, ColumnProblem> {
    let mut found = header.iter().enumerate().filter(|(_, name)| *name == wanted);
    match (found.next(), found.next()) {
        (Some((position, _)), None) => Ok(position),
        (Some(_), Some(_)) => Err(ColumnProblem::Twice { name: wanted.to_owned() }),
        (None, _) => Err(ColumnProblem::NotFound {
            wanted: wanted.to_owned(),
            similar: header
                .iter()
                .find(|name| name.to_lowercase() == wanted.to_lowercase())
                .cloned(),
        }),
    }
}

/// What one record of the module is called: `Price_Books` → `Price Book`.
fn singulars(module: &str, product: Product) -> Vec<String> {
    let words = module.replace('_', " ");
    let plain = match words.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => words.strip_suffix('s').unwrap_or(&words).to_owned(),
    };
    let other = match (module, product) {
        // Deals were called Potentials; both names live on in exports.
        ("Deals", _) => Some("Potential"),
        ("Potentials", _) | ("Pipelines", Product::Bigin) => Some("Deal"),
        // Bigin shows the module Accounts as Companies.
        ("Accounts", Product::Bigin) => Some("Company"),
        _ => None,
    };
    std::iter::once(plain).chain(other.map(str::to_owned)).collect()
}

/// Whether a text is an id, or was one before something damaged it. So begins a list without a header.
pub(super) fn is_id_like(text: &str) -> bool {
    let text = text.trim();
    let unquoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    !matches!(
        unquoted.parse::<RecordId>(),
        Err(IdError::Empty | IdError::NotDigits | IdError::Own(_))
    )
}

/// The delimiter of a header line: whichever of `,` `;` and tab stands in it most often outside of
/// quotes; `,` where there is none. A wrong guess finds no column and is refused, never misread.
pub(super) fn delimiter(header_line: &str) -> u8 {
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in header_line.bytes() {
        quoted ^= byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += u32::from(!quoted && byte == *delimiter);
        }
    }
    let mut best = (b',', 0);
    for (delimiter, count) in counts {
        if count > best.1 {
            best = (delimiter, count);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(
        module: &str,
        product: Product,
        id_column: Option<&str>,
        header: &[&str],
    ) -> Result<usize, ColumnProblem> {
        let module = module.parse().unwrap();
        let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
        let of = Things::Records(&module);
        let rule = ColumnRule { of, product, id_column, parent_column: None, parents: None };
        rule.choose(&header)
    }

    #[test]
    fn the_known_names_of_each_module_are_found() {
        for (module, product, name) in [
            ("Leads", Product::Crm, "Record Id"),
            ("Leads", Product::Crm, "id"),
            ("Leads", Product::Crm, "Id"),
            ("Leads", Product::Crm, "ID"),
            ("Leads", Product::Crm, "Lead ID"),
            ("Leads", Product::Crm, "Lead Id"),
            ("Contacts", Product::Crm, "Contact ID"),
            ("Accounts", Product::Crm, "Account ID"),
            ("Accounts", Product::Bigin, "Company ID"),
            ("Deals", Product::Crm, "Deal ID"),
            ("Deals", Product::Crm, "Potential ID"),
            ("Pipelines", Product::Bigin, "Pipeline ID"),
            ("Pipelines", Product::Bigin, "Deal ID"),
            ("Campaigns", Product::Crm, "Campaign ID"),
            ("Tasks", Product::Crm, "Task ID"),
            ("Cases", Product::Crm, "Case ID"),
            ("Price_Books", Product::Crm, "Price Book ID"),
            ("Sales_Orders", Product::Crm, "Sales Order Id"),
            ("Properties", Product::Crm, "Property ID"),
            ("Loan_Applications", Product::Crm, "Loan Application ID"),
        ] {
            let header = ["Name", name, "Owner.id"];
            assert_eq!(choose(module, product, None, &header), Ok(1), "{module} {name}");
        }
    }

    #[test]
    fn another_modules_id_is_never_taken() {
        for header in [
            &["Contact ID", "Name"][..],
            &["Company ID"],
            &["Owner.id", "RECORD ID", "Record Id x", "foo"],
        ] {
            let problem = choose("Leads", Product::Crm, None, header).unwrap_err();
            assert!(
                matches!(problem, ColumnProblem::NoCandidate { headless: false, .. }),
                "{problem:?}"
            );
        }
        assert!(choose("Accounts", Product::Crm, None, &["Company ID"]).is_err());
    }

    #[test]
    fn two_candidates_are_one_too_many() {
        assert_eq!(
            choose("Leads", Product::Crm, None, &["Record Id", "a", "Lead ID"]),
            Err(ColumnProblem::Ambiguous {
                candidates: vec!["Record Id".to_owned(), "Lead ID".to_owned()]
            })
        );
        assert_eq!(
            choose("Leads", Product::Crm, None, &["id", "id"]),
            Err(ColumnProblem::Twice { name: "id".to_owned() })
        );
    }

    #[test]
    fn a_named_column_must_be_there_exactly_once() {
        let header = ["Record Id", "Parent", "x", "x"];
        let named = |name| choose("Leads", Product::Crm, Some(name), &header);
        assert_eq!(named("Parent"), Ok(1));
        assert_eq!(named(" Parent "), Ok(1));
        assert_eq!(
            named("record id"),
            Err(ColumnProblem::NotFound {
                wanted: "record id".to_owned(),
                similar: Some("Record Id".to_owned())
            })
        );
        assert_eq!(
            named("Email"),
            Err(ColumnProblem::NotFound { wanted: "Email".to_owned(), similar: None })
        );
        assert_eq!(named("x"), Err(ColumnProblem::Twice { name: "x".to_owned() }));
    }

    #[test]
    fn the_delimiter_is_the_one_that_the_header_uses() {
        for (header, expected) in [
            ("Record Id", b','),
            ("Record Id,Name", b','),
            ("Record Id;Name", b';'),
            ("Record Id\tName", b'\t'),
            ("\"a,b,c\";Record Id", b';'),
            ("Record Id;Amount;Name, First", b';'),
            ("", b','),
        ] {
            assert_eq!(delimiter(header), expected, "{header:?}");
        }
    }

    #[test]
    fn damaged_ids_still_look_like_ids() {
        for text in [
            "4104050000022640405",
            " zcrm_4104050000022640405 ",
            "\"4104050000022640405\"",
            "4.10405E+17",
            "4,10405E+17",
            "0410405",
            "42",
            "99999999999999999999",
        ] {
            assert!(is_id_like(text), "{text}");
        }
        for text in ["", "zcrm_", "Record Id", "id", "410405000;x", "E12", "\"", "-5"] {
            assert!(!is_id_like(text), "{text}");
        }
    }
}
