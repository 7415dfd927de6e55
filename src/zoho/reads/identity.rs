//! Who the token belongs to: `GET org` and `GET users?type=CurrentUser`.
//!
//! Sources: CRM v2 and v6 Organization pages; OAS users.json and Bigin v1 Users page. Only the ids must be
//! there: the rest is for people and for limits, and is `None` where it has another shape.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::answer::{OrgInfo, ReadError, UserInfo};
use crate::domain::edition::Edition;
use crate::domain::target::{ApiVersion, Product};
use crate::zoho::reads::{Fetched, root};
use crate::zoho::wire::{capped, number, object, text};

/// How much of a name is kept, in characters.
const NAME_MAX: usize = 100;

#[derive(Debug, Deserialize)]
struct Org<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    license_details: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct License<'a> {
    #[serde(borrow)]
    paid_type: Option<&'a RawValue>,
    #[serde(borrow)]
    users_license_purchased: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct User<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    full_name: Option<&'a RawValue>,
    #[serde(borrow)]
    email: Option<&'a RawValue>,
    #[serde(borrow)]
    profile: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Profile<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
}

/// `GET org`.
pub(crate) fn org_path(product: Product, version: ApiVersion) -> Result<String, ReadError> {
    Ok(format!("{}/org", root(product, version)?))
}

/// The org: `org[0]`.
pub(crate) fn org(fetched: &Fetched, product: Product) -> Result<OrgInfo, ReadError> {
    let list = fetched.listing()?.and_then(|listing| listing.org);
    let first = list.as_ref().and_then(|list| list.0.first());
    let row: Org<'_> = fetched.row(first.ok_or_else(|| fetched.unusable("it names no org"))?)?;
    let license: Option<License<'_>> = row.license_details.and_then(object);
    let license = license.as_ref();
    let edition = license.and_then(|license| license.paid_type).and_then(text);
    let users = license.and_then(|license| license.users_license_purchased).and_then(number);
    Ok(OrgInfo {
        id: fetched.row_id(row.id)?,
        edition: edition.and_then(|word| Edition::from_paid_type(product, &word)),
        users: users.and_then(|users| u32::try_from(users).ok()),
        environment: row.kind.and_then(text).and_then(|word| word.parse().ok()),
    })
}

/// `GET users?type=CurrentUser`.
pub(crate) fn user_path(product: Product, version: ApiVersion) -> Result<String, ReadError> {
    Ok(format!("{}/users?type=CurrentUser", root(product, version)?))
}

/// The user: `users[0]`. More than one user would mean that `type` was overlooked, and whose deletions are
/// ours would be decided by the order of a list.
pub(crate) fn user(fetched: &Fetched) -> Result<UserInfo, ReadError> {
    let list = fetched.listing()?.and_then(|listing| listing.users);
    match list.as_ref().map(|list| list.0.as_slice()) {
        Some([only]) => {
            let row: User<'_> = fetched.row(only)?;
            let profile: Option<Profile<'_>> = row.profile.and_then(object);
            Ok(UserInfo {
                id: fetched.row_id(row.id)?,
                name: named(row.full_name),
                email: named(row.email),
                profile: named(profile.and_then(|profile| profile.name)),
            })
        }
        Some(_) | None => Err(fetched.unusable("it does not name exactly one user")),
    }
}

/// A name, short and without control characters, since it is shown on terminals.
fn named(raw: Option<&RawValue>) -> Option<String> {
    let text = raw.and_then(text)?;
    let plain: String = text.chars().filter(|one| !one.is_control()).collect();
    Some(capped(plain.trim(), NAME_MAX)).filter(|name| !name.is_empty())
}
