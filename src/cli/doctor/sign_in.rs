//! The one place from which the checks get their client. What gives tokens is decided here.

use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::doctor::check::{Check, Kind};
use crate::clock::SystemClock;
use crate::zoho::{ClientError, Endpoint, ZohoClient};

/// What to type to have a token.
pub(super) const GET_A_TOKEN: &str = "export ZOHO_ACCESS_TOKEN=1000.…";

/// A client with a token.
#[derive(Debug)]
pub(super) struct SignedIn<Z> {
    pub(super) zoho: Z,
    /// The scopes that were granted, where that is known.
    pub(super) granted: Option<Vec<String>>,
    /// Whether another token can be had once this one expires.
    pub(super) renews: bool,
}

/// A client for the token there is; else what to say about it.
pub(super) fn sign_in(
    context: &Context,
    endpoint: Endpoint,
) -> Result<SignedIn<ZohoClient<SystemClock>>, Check> {
    let not_signed_in =
        |why: String| Check::problem(Kind::NotAllowed, "token", why).remedy(GET_A_TOKEN);
    let Some(token) = &context.token else {
        return Err(not_signed_in("not signed in".to_owned()));
    };
    let clock = Arc::new(context.clock);
    match ZohoClient::new(endpoint, token, context.settings.timeout.value, clock) {
        // Zoho does not tell what a ready token was granted.
        Ok(zoho) => Ok(SignedIn { zoho, granted: None, renews: false }),
        Err(error @ ClientError::Token) => Err(not_signed_in(error.to_string())),
        Err(error) => Err(Check::problem(Kind::Other, "token", error.to_string())),
    }
}
