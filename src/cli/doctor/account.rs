//! Token, org, edition and user.

use crate::cli::context::Context;
use crate::cli::doctor::check::{Check, Kind};
use crate::cli::doctor::journal::Found;
use crate::cli::doctor::modules::Subject;
use crate::cli::doctor::reads::Reading;
use crate::cli::doctor::sign_in::SignedIn;
use crate::cli::doctor::to_set;
use crate::cli::output::words::{counted, grouped};
use crate::cli::signing::{self, NotRead};
use crate::config::Key;
use crate::domain::answer::{OrgInfo, Read, ReadError, SignInError, UserInfo};
use crate::domain::scopes::Access;
use crate::domain::target::Product;
use crate::zoho::Zoho;

/// Checks whose token it is. `false` when it is no use asking further.
pub(super) async fn check<Z: Zoho>(
    context: &Context,
    signed_in: &SignedIn<Z>,
    found: &Found,
    subject: &Subject,
    checks: &mut Vec<Check>,
) -> bool {
    let (zoho, product) = (&signed_in.zoho, subject.product);
    let version = context.settings.api_version_for(product);
    let read = signing::read(zoho, async |zoho: &Z| zoho.read_org(product, version).await).await;
    let read = match read {
        Err(NotRead::SignIn(error)) => {
            checks.push(not_signed_in(context, &error));
            return false;
        }
        Err(NotRead::Read(error)) => Err(error),
        Ok(read) => Ok(read),
    };
    // Everything but a refusal of what was asked for leaves open whether the token is any good.
    if let Err(error) = &read
        && !matches!(error, ReadError::Forbidden { .. } | ReadError::NotThere { .. })
    {
        checks.push(reading(context, "token", Access::Org, product).failed(error));
        return false;
    }
    checks.push(token(signed_in.session.is_some()));
    match read {
        Ok(read) => {
            checks.push(org(context, &read.value, found));
            checks.extend(environment(context, &read.value));
            checks.push(edition(context, &read));
        }
        Err(error) => checks.push(reading(context, "org", Access::Org, product).failed(&error)),
    }
    checks.push(match zoho.read_current_user(product, version).await {
        Ok(read) => user(context, &read.value),
        Err(error) => reading(context, "user", Access::User, product).failed(&error),
    });
    true
}

fn reading<'a>(
    context: &'a Context,
    name: &'a str,
    access: Access,
    product: Product,
) -> Reading<'a> {
    Reading { context, name, product, access, module: None, essential: access == Access::Org }
}

fn not_signed_in(context: &Context, error: &SignInError) -> Check {
    let message = error.to_string();
    match error {
        SignInError::Fixed | SignInError::NotSignedIn { .. } => {
            let remedy = signing::how_to_sign_in(context);
            Check::problem(Kind::NotAllowed, "token", message).remedy(remedy)
        }
        SignInError::Throttled { .. } => Check::not_checked("token", message),
        SignInError::Unreachable(_) => Check::problem(Kind::Other, "token", message),
    }
}

/// Zoho's access tokens last an hour (CRM v8 Token Validity page).
fn token(renews: bool) -> Check {
    if renews {
        return Check::fine("token", "Zoho takes it, and it is renewed when it expires");
    }
    Check::warning(
        "token",
        "Zoho takes the ready one from ZOHO_ACCESS_TOKEN: it expires within an hour, and nothing here \
         renews it; a run that lasts longer stops and goes on with another",
    )
}

fn org(context: &Context, org: &OrgInfo, found: &Found) -> Check {
    let id = org.id.to_string();
    match found.bound.org() {
        None => Check::fine("org", format!("{id}; the first sync binds the journal to it")),
        Some(bound) if bound == id => {
            Check::fine("org", format!("{id}, to which the journal is bound"))
        }
        Some(bound) => Check::problem(
            Kind::Other,
            "org",
            format!("the token belongs to org {id}, and the journal to org {bound}"),
        )
        .remedy(format!(
            "use a token of org {bound}, or {}",
            context.command("--profile NAME init")
        )),
    }
}

/// What Zoho calls the org, where it says so: a token of a sandbox works on the production host's name in
/// no source, and what is deleted must be what was meant.
fn environment(context: &Context, org: &OrgInfo) -> Option<Check> {
    let (given, is) = (context.settings.environment.value, org.environment?);
    Some(if given == is {
        Check::fine("environment", format!("{is}, as Zoho says, too"))
    } else {
        let message = format!("the settings say {given}, and Zoho says that this org is {is}");
        let remedy = to_set(context, Key::Environment, &context.settings.environment, is);
        Check::problem(Kind::Other, "environment", message).remedy(remedy)
    })
}

/// What the edition allows, against what the settings ask for.
fn edition(context: &Context, read: &Read<OrgInfo>) -> Check {
    let left = read.credits_remaining.map(|left| format!("; {} credits are left", grouped(left)));
    let left = left.unwrap_or_default();
    let Some(edition) = read.value.edition else {
        let message = format!("Zoho does not say which one, in words that are known here{left}");
        return Check::not_checked("edition", message);
    };
    let users = read.value.users;
    let credits = match users.map(|users| edition.daily_credits(users)) {
        Some(credits) => format!("at least {} API credits a day", grouped(credits)),
        None => "API credits by its number of users, which Zoho does not tell".to_owned(),
    };
    let users = users.map(|users| format!(", {}", counted(u64::from(users), "user", "users")));
    let at_once = edition.concurrency();
    let message = format!(
        "{}{}: {at_once} calls at once, {credits}{left}",
        edition.name(),
        users.unwrap_or_default()
    );
    let asked = context.settings.concurrency.value;
    if asked <= at_once {
        return Check::fine("edition", message);
    }
    let remedy = to_set(context, Key::Concurrency, &context.settings.concurrency, at_once);
    Check::warning(
        "edition",
        format!("{message}; the setting concurrency asks for {asked} at once"),
    )
    .remedy(remedy)
}

/// Whether the token belongs to a user of its own: Zoho's audit log puts every deletion down to the token's
/// user, and a person whose name stands there cannot be told from the journal.
fn user(context: &Context, user: &UserInfo) -> Check {
    let id = user.id;
    let set = to_set(context, Key::ServiceUser, &context.settings.service_user, id);
    let check = match context.settings.service_user.value.as_ref().map(|wanted| wanted.is(user)) {
        Some(Some(true)) => {
            Check::fine("user", format!("{id}, the service user: Zoho's audit log names it"))
        }
        Some(Some(false)) => Check::problem(
            Kind::NotAllowed,
            "user",
            format!("the token belongs to user {id}, and the setting service_user names another one"),
        )
        .remedy("sign in to Zoho as the service user and make the token there"),
        Some(None) => Check::warning(
            "user",
            format!("{id}; Zoho does not tell the e-mail address that service_user names"),
        )
        .remedy(set),
        None => Check::warning(
            "user",
            format!(
                "Zoho's audit log will put every deletion down to user {id}: let it be a user of the \
                 journal's own, and say so"
            ),
        )
        .remedy(set),
    };
    let profile = user.profile.as_ref().map(|profile| format!("profile {profile}"));
    let names = [user.name.clone(), user.email.clone(), profile];
    check.person(names.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
