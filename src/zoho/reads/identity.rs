//! Who the token belongs to: `GET org` and `GET users?type=CurrentUser`.
//!
//! Sources: OAS users.json for users; of `org` no page was read, its shape is the usual one.

use crate::domain::answer::ReadError;
use crate::domain::id::RecordId;
use crate::domain::target::{ApiVersion, Product};
use crate::zoho::reads::{Fetched, Named, root};

/// `GET org`.
pub(crate) fn org_path(product: Product, version: ApiVersion) -> Result<String, ReadError> {
    Ok(format!("{}/org", root(product, version)?))
}

/// The org's id: `org[0].id`.
pub(crate) fn org(fetched: &Fetched) -> Result<RecordId, ReadError> {
    let list = fetched.listing()?.and_then(|listing| listing.org);
    let first = list.as_ref().and_then(|list| list.0.first());
    let row: Named<'_> = fetched.row(first.ok_or_else(|| fetched.unusable("it names no org"))?)?;
    fetched.row_id(row.id)
}

/// `GET users?type=CurrentUser`.
pub(crate) fn user_path(product: Product, version: ApiVersion) -> Result<String, ReadError> {
    Ok(format!("{}/users?type=CurrentUser", root(product, version)?))
}

/// The user's id: `users[0].id`. More than one user would mean that `type` was overlooked, and whose
/// deletions are ours would be decided by the order of a list.
pub(crate) fn user(fetched: &Fetched) -> Result<RecordId, ReadError> {
    let list = fetched.listing()?.and_then(|listing| listing.users);
    match list.as_ref().map(|list| list.0.as_slice()) {
        Some([only]) => {
            let row: Named<'_> = fetched.row(only)?;
            fetched.row_id(row.id)
        }
        Some(_) | None => Err(fetched.unusable("it does not name exactly one user")),
    }
}
