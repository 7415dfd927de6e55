//! What a read that brought nothing means for a check.

use crate::cli::context::Context;
use crate::cli::doctor::check::{Check, Kind};
use crate::cli::signing;
use crate::domain::answer::ReadError;
use crate::domain::id::ModuleName;
use crate::domain::scopes::{self, Access};
use crate::domain::target::Product;

/// What was read, and for whom it matters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) context: &'a Context,
    pub(super) name: &'a str,
    pub(super) product: Product,
    pub(super) access: Access,
    pub(super) module: Option<&'a ModuleName>,
    /// Whether nothing works without it.
    pub(super) essential: bool,
}

impl Reading<'_> {
    /// The line for a read that failed.
    pub(super) fn failed(&self, error: &ReadError) -> Check {
        let name = self.name;
        match error {
            ReadError::Unauthorized { code, message } => Check::problem(
                Kind::NotAllowed,
                name,
                format!("Zoho refused the access token: {code}: {message}"),
            )
            .remedy(signing::how_to_sign_in(self.context)),
            ReadError::Forbidden { code, message } => self.forbidden(code, message),
            ReadError::NotThere { code, message } => Check::problem(
                Kind::Other,
                name,
                format!("Zoho has no such thing: {code}: {message}"),
            ),
            ReadError::Throttled { .. } => {
                Check::not_checked(name, "Zoho asks for fewer calls: try again later")
            }
            ReadError::Unreachable(_) | ReadError::Unusable { .. } if self.essential => {
                Check::problem(Kind::Other, name, error.to_string())
                    .remedy(self.context.command("doctor"))
            }
            ReadError::Unreachable(_) | ReadError::Unusable { .. } => {
                Check::not_checked(name, error.to_string()).remedy(self.context.command("doctor"))
            }
        }
    }

    fn forbidden(&self, code: &str, message: &str) -> Check {
        let scope = scopes::least(self.product, self.access, self.module);
        let why = scopes::why(self.product, self.access);
        let (message, remedy) = if code == "OAUTH_SCOPE_MISMATCH" {
            let message = format!("the token lacks the scope {scope}, which {why}");
            (message, format!("make a token with {scope}"))
        } else {
            let message =
                format!("the token's user may not read this, which {why}: {code}: {message}");
            (message, "give the user's profile in Zoho this permission".to_owned())
        };
        let check = if self.essential {
            Check::problem(Kind::NotAllowed, self.name, message)
        } else {
            Check::warning(self.name, message)
        };
        check.remedy(remedy)
    }
}
