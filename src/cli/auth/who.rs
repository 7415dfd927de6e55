//! Who is signed in: user, org, and what the sign-in may not do.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::signing::{self, NotRead};
use crate::domain::answer::{OrgInfo, ReadError, UserInfo};
use crate::domain::scope::Operation;
use crate::domain::scopes::{self, Access};
use crate::domain::target::Product;
use crate::zoho::Zoho;

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
            let scope = match error {
                NotRead::Read(ReadError::Forbidden { .. }) => {
                    format!("; the scope is {}", scopes::least(product, access, None))
                }
                NotRead::Read(_) | NotRead::SignIn(_) => String::new(),
            };
            format!("{what} cannot be read: {error}{scope}")
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

/// What each operation lacks in all modules. Of a token for some modules only, the whole area is named.
pub(super) fn lacking(product: Product, granted: &[String]) -> Vec<Lacking> {
    Operation::ALL
        .iter()
        .map(|operation| {
            let accesses = scopes::accesses(product, *operation).into_iter();
            let lacking =
                accesses.filter(|access| !scopes::allows(granted, product, *access, None));
            let mut scopes: Vec<String> =
                lacking.map(|access| scopes::least(product, access, None)).collect();
            scopes.dedup();
            Lacking { operation: *operation, scopes }
        })
        .filter(|one| !one.scopes.is_empty())
        .collect()
}

/// One line for each.
pub(super) fn lacking_in_words(lacking: &[Lacking]) -> Vec<String> {
    lacking
        .iter()
        .map(|one| format!("{} lacks {} (in all modules)", one.operation, one.scopes.join(", ")))
        .collect()
}
