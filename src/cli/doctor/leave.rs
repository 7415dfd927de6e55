//! Scopes: those of reads are probed by harmless reads, those of writes are told from what was granted.

use std::collections::BTreeSet;

use crate::cli::context::Context;
use crate::cli::doctor::check::{Check, Kind};
use crate::cli::doctor::modules::{Place, Seen, Subject};
use crate::cli::doctor::reads::Reading;
use crate::cli::doctor::sign_in::SignedIn;
use crate::domain::answer::ReadError;
use crate::domain::id::RecordId;
use crate::domain::scope::Operation;
use crate::domain::scopes::{self, Access};
use crate::domain::target::Product;
use crate::zoho::Zoho;

/// An id of the right form that no record has: whatever may be read with it, nothing is found.
const NOBODY: i64 = 1_000_000_000;

/// Probes what may be read, and tells what may be written.
pub(super) async fn check<Z: Zoho>(
    context: &Context,
    signed_in: &SignedIn<Z>,
    subject: &Subject,
    modules: &Seen,
    checks: &mut Vec<Check>,
) {
    let Some(first) = subject.any_place() else { return };
    checks.push(probed(context, &first, Access::Module, subject, modules.as_ref()));
    // What may be read of records may differ from module to module.
    let mut asked: Vec<(&Place, Access)> =
        subject.places.keys().map(|place| (place, Access::Records)).collect();
    if asked.is_empty() {
        asked.push((&first, Access::Records));
    }
    asked.extend([(&first, Access::Tags), (&first, Access::Bin)]);
    for (place, access) in asked {
        if let Some(read) = probe(context, &signed_in.zoho, place, access).await {
            // A module that is not there has a line of its own; several may share the scope `custom`.
            let told = access == Access::Records && !subject.places.is_empty();
            if told && matches!(read, Err(ReadError::NotThere { .. })) {
                continue;
            }
            let check = probed(context, place, access, subject, read.as_ref());
            if !checks.contains(&check) {
                checks.push(check);
            }
        }
    }
    checks.extend(writes(signed_in.granted().as_deref(), subject));
}

/// One read that needs this scope and brings nothing; `None` where the product has no such read.
async fn probe(
    context: &Context,
    zoho: &impl Zoho,
    (product, module): &Place,
    access: Access,
) -> Option<Result<(), ReadError>> {
    let version = context.settings.api_version_for(*product);
    let nobody = [RecordId::from_stored(NOBODY)?];
    match access {
        Access::Records => {
            let read = zoho.read_records(*product, version, module, &nobody, false).await;
            Some(read.map(|_| ()))
        }
        Access::Tags => Some(zoho.read_tags(*product, version, module).await.map(|_| ())),
        Access::Bin if *product == Product::Crm => {
            Some(zoho.read_bin(module, &nobody).await.map(|_| ()))
        }
        Access::Bin | Access::Org | Access::User | Access::Module | Access::Write(_) => None,
    }
}

fn probed(
    context: &Context,
    (product, module): &Place,
    access: Access,
    subject: &Subject,
    read: Result<&(), &ReadError>,
) -> Check {
    let scope = scopes::least(*product, access, Some(module));
    let name = format!("scope {scope}");
    let why = scopes::why(*product, access);
    match read {
        Ok(()) => Check::fine(name, format!("granted: it {why}")),
        // The module's own line says so; whether the scope is there stays open.
        Err(ReadError::NotThere { code, .. }) => {
            Check::not_checked(name, format!("{module} cannot be asked for it: {code}"))
        }
        Err(error) => {
            let (product, module) = (*product, Some(module));
            let essential = is_essential(subject, product, access);
            Reading { context, name: &name, product, access, module, essential }.failed(error)
        }
    }
}

/// Whether a run of the open requests stops without it. Without any, records will be read by the next one.
fn is_essential(subject: &Subject, product: Product, access: Access) -> bool {
    let open = subject.places.iter().filter(|((of, _), _)| *of == product);
    let mut operations = open.flat_map(|(_, operations)| operations).peekable();
    let needed = if operations.peek().is_none() {
        access == Access::Records
    } else {
        operations.any(|operation| scopes::accesses(product, *operation).contains(&access))
    };
    needed && scopes::is_essential(product, access)
}

/// The scopes of the calls that open requests will make.
fn writes(granted: Option<&[String]>, subject: &Subject) -> Vec<Check> {
    const NAME: &str = "write_scopes";
    let Some(granted) = granted else {
        return vec![Check::not_checked(
            NAME,
            "Zoho does not tell what the token was granted: the first call shows it",
        )];
    };
    let mut missing: BTreeSet<String> = BTreeSet::new();
    let mut asked = 0;
    for ((product, module), operations) in &subject.places {
        // A module that was only named is most likely meant for deleting.
        let operations = if operations.is_empty() { &[Operation::Delete][..] } else { operations };
        for access in operations.iter().map(|operation| Access::Write(*operation)) {
            asked += 1;
            if !scopes::allows(granted, *product, access, Some(module)) {
                missing.insert(scopes::least(*product, access, Some(module)));
            }
        }
    }
    if asked == 0 {
        let message = "no open request says what will be needed; --module MODULE does";
        return vec![Check::not_checked(NAME, message)];
    }
    if missing.is_empty() {
        return vec![Check::fine(NAME, "granted, for all that is open")];
    }
    let line = |scope: String| {
        Check::problem(Kind::NotAllowed, format!("scope {scope}"), "it was not granted")
            .remedy(format!("make a token with {scope}"))
    };
    missing.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::doctor::check::Status;
    use crate::cli::testing::context;

    fn subject(places: &[(&str, &[Operation])]) -> Subject {
        let place = |(module, operations): &(&str, &[Operation])| {
            ((Product::Crm, module.parse().unwrap()), operations.to_vec())
        };
        let places: BTreeMap<Place, Vec<Operation>> = places.iter().map(place).collect();
        Subject { product: Product::Crm, places }
    }

    #[test]
    fn scopes_of_writes_are_told_from_what_was_granted() {
        let open = subject(&[("Leads", &[Operation::Delete, Operation::Untag]), ("Deals", &[])]);
        let granted = |scopes: &[&str]| -> Vec<String> {
            scopes.iter().map(|scope| (*scope).to_owned()).collect()
        };
        let lines = |scopes: &[&str]| -> Vec<(String, Status)> {
            let checks = writes(Some(&granted(scopes)), &open);
            checks.into_iter().map(|check| (check.name, check.status)).collect()
        };
        let fine = ("write_scopes".to_owned(), Status::Fine);
        assert_eq!(lines(&["ZohoCRM.modules.ALL"]), [fine]);
        let missing = |scope: &str| (format!("scope {scope}"), Status::Problem(Kind::NotAllowed));
        assert_eq!(
            lines(&["ZohoCRM.modules.leads.DELETE"]),
            [missing("ZohoCRM.modules.deals.DELETE"), missing("ZohoCRM.modules.leads.WRITE")]
        );
        assert_eq!(writes(None, &open)[0].status, Status::NotChecked);
        assert_eq!(writes(Some(&[]), &subject(&[]))[0].status, Status::NotChecked);
    }

    #[test]
    fn a_scope_is_a_problem_only_where_something_needs_it() {
        let forbidden =
            ReadError::Forbidden { code: "OAUTH_SCOPE_MISMATCH".into(), message: "x".into() };
        let status = |open: &Subject, access| {
            let place = open.any_place().unwrap();
            probed(&context(), &place, access, open, Err(&forbidden)).status
        };
        let (none, tags) = (subject(&[]), subject(&[("Leads", &[Operation::DeleteTags])]));
        let problem = Status::Problem(Kind::NotAllowed);
        assert_eq!(status(&none, Access::Records), problem);
        assert_eq!(status(&none, Access::Tags), Status::Warning);
        assert_eq!(status(&none, Access::Bin), Status::Warning);
        assert_eq!(status(&tags, Access::Tags), problem);
        assert_eq!(status(&tags, Access::Records), Status::Warning);
        let place = none.any_place().unwrap();
        let check = probed(&context(), &place, Access::Records, &none, Err(&forbidden));
        assert_eq!(check.name, "scope ZohoCRM.modules.contacts.READ");
        let unknown = ReadError::NotThere { code: "INVALID_MODULE".into(), message: "x".into() };
        let check = probed(&context(), &place, Access::Tags, &none, Err(&unknown));
        assert_eq!(check.status, Status::NotChecked);
    }
}
