//! Who is signed in: user, org, and what the sign-in may not do.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::signing::{self, NotRead};
use crate::domain::answer::{OrgInfo, ReadError, UserInfo};
use crate::domain::scope::Operation;
use crate::domain::scopes::{self, Access};
use crate::domain::target::Product;
use crate::zoho::Zoho;

/// Zoho's code for a token without the scope.
const SCOPE_MISMATCH: &str = "OAUTH_SCOPE_MISMATCH";

/// What reading brought. The user's name is for the terminal and is never stored.
pub(super) struct Who {
    pub(super) org: Result<OrgInfo, NotRead>,
    pub(super) user: Result<UserInfo, NotRead>,
}

impl Who {
    /// Reads org and user: two calls.
    pub(super) async fn read<Z: Zoho>(zoho: &Z, context: &Context) -> Self {
        let product = context.settings.product.value;
        let version = context.settings.api_version_for(product);
        let org = signing::read(zoho, async |zoho: &Z| zoho.read_org(product, version).await);
        let org = org.await.map(|read| read.value);
        let user =
            signing::read(zoho, async |zoho: &Z| zoho.read_current_user(product, version).await);
        let user = match &org {
            // Who is not signed in is not asked again.
            Err(NotRead::SignIn(error)) => Err(NotRead::SignIn(error.clone())),
            Ok(_) | Err(NotRead::Read(_)) => user.await.map(|read| read.value),
        };
        Self { org, user }
    }

    /// Whether Zoho took the token; `None` where it was not reached, or said nothing about it.
    pub(super) fn signed_in(&self) -> Option<bool> {
        fn said<T>(read: &Result<T, NotRead>) -> Option<bool> {
            match read {
                // Only who is known is told that he may not.
                Ok(_) | Err(NotRead::Read(ReadError::Forbidden { .. })) => Some(true),
                Err(error) => error.is_refusal().then_some(false),
            }
        }
        // `None` is less than `false`, and that less than `true`.
        said(&self.org).max(said(&self.user))
    }

    /// `Signed in as Anna Meier (anna@acme.example), Administrator, of org 1234.`
    pub(super) fn in_words(&self) -> String {
        let user = match &self.user {
            Err(_) => "a user who cannot be read".to_owned(),
            Ok(user) => {
                let name = user.name.clone().unwrap_or_else(|| format!("user {}", user.id));
                let email = user.email.as_ref().map(|email| format!(" ({email})"));
                let profile = user.profile.as_ref().map(|profile| format!(", {profile}"));
                format!("{name}{}{}", email.unwrap_or_default(), profile.unwrap_or_default())
            }
        };
        match &self.org {
            Ok(org) => format!("Signed in as {user}, of org {}.", org.id),
            Err(_) => format!("Signed in as {user}."),
        }
    }

    /// What could not be read and why.
    pub(super) fn warnings(&self, product: Product) -> Vec<String> {
        let warning = |what: &str, access: Access, error: &NotRead| {
            let remedy = match error {
                NotRead::Read(ReadError::Forbidden { code, .. }) if code == SCOPE_MISMATCH => {
                    format!("; the scope is {}", scopes::least(product, access, None))
                }
                // No other scope helps a user who may not.
                NotRead::Read(ReadError::Forbidden { code, .. })
                    if signing::is_permission(code) =>
                {
                    "; it is no matter of scopes: Zoho does not let the token's user".to_owned()
                }
                NotRead::Read(_) | NotRead::SignIn(_) => String::new(),
            };
            format!("{what} cannot be read: {error}{remedy}")
        };
        let org = self.org.as_ref().err().map(|error| warning("the org", Access::Org, error));
        let user = self.user.as_ref().err().map(|error| warning("the user", Access::User, error));
        org.into_iter().chain(user).collect()
    }
}

/// What an operation lacks, where Zoho said what the token may do.
#[derive(Serialize)]
pub(super) struct Lacking {
    pub(super) operation: Operation,
    pub(super) scopes: Vec<String>,
}

/// What an operation is granted for single modules only, by the words of scopes.
#[derive(Serialize)]
pub(super) struct OnlyFor {
    pub(super) operation: Operation,
    pub(super) modules: BTreeSet<String>,
}

/// What each operation lacks, whatever the module.
pub(super) fn lacking(product: Product, granted: &[String]) -> Vec<Lacking> {
    Operation::ALL
        .iter()
        .map(|operation| {
            let missing = scopes::missing(granted, product, *operation, None).into_iter();
            Lacking { operation: *operation, scopes: missing.map(|one| one.scope).collect() }
        })
        .filter(|one| !one.scopes.is_empty())
        .collect()
}

/// The operations that some modules only were granted for.
pub(super) fn only_for(product: Product, granted: &[String]) -> Vec<OnlyFor> {
    Operation::ALL
        .iter()
        .filter_map(|operation| {
            let modules = scopes::only_for(granted, product, *operation)?;
            Some(OnlyFor { operation: *operation, modules })
        })
        .filter(|one| !one.modules.is_empty())
        .collect()
}

/// One line for each.
pub(super) fn lacking_in_words(lacking: &[Lacking]) -> Vec<String> {
    lacking.iter().map(|one| format!("{} lacks {}", one.operation, one.scopes.join(", "))).collect()
}

/// One line for each.
pub(super) fn only_for_in_words(only_for: &[OnlyFor]) -> Vec<String> {
    let words = |one: &OnlyFor| one.modules.iter().cloned().collect::<Vec<_>>().join(", ");
    only_for
        .iter()
        .map(|one| format!("{} is granted for {} only", one.operation, words(one)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::answer::SignInError;

    #[test]
    fn only_what_zoho_said_tells_whether_somebody_is_signed_in() {
        let (code, message) = (String::new, String::new);
        let user = |error: NotRead| Who {
            org: Err(NotRead::Read(ReadError::Unreachable(String::new()))),
            user: Err(error),
        };
        let forbidden = ReadError::Forbidden { code: code(), message: message() };
        let unauthorized = ReadError::Unauthorized { code: code(), message: message() };
        let not_signed_in = SignInError::NotSignedIn { code: code(), message: message() };
        for (error, signed_in) in [
            (NotRead::Read(forbidden), Some(true)),
            (NotRead::Read(unauthorized), Some(false)),
            (NotRead::SignIn(not_signed_in), Some(false)),
            (NotRead::SignIn(SignInError::Fixed), Some(false)),
            (NotRead::SignIn(SignInError::Unreachable(String::new())), None),
            (NotRead::Read(ReadError::Throttled { retry_after: None }), None),
            (NotRead::Read(ReadError::Unusable { http_status: 500, why: String::new() }), None),
        ] {
            assert_eq!(user(error).signed_in(), signed_in);
        }
    }

    #[test]
    fn what_the_user_may_not_is_no_matter_of_scopes() {
        let forbidden = |code: &str| {
            let (code, message) = (code.to_owned(), "denied".to_owned());
            NotRead::Read(ReadError::Forbidden { code, message })
        };
        let who =
            Who { org: Err(forbidden("NO_PERMISSION")), user: Err(forbidden(SCOPE_MISMATCH)) };
        let warnings = who.warnings(Product::Crm);
        assert!(!warnings[0].contains("ZohoCRM"), "{warnings:?}");
        assert!(warnings[0].contains("NO_PERMISSION") && warnings[0].contains("the token's user"));
        assert!(warnings[1].contains("the scope is ZohoCRM.users.READ"), "{warnings:?}");
    }
}
