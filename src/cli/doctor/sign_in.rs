//! The one place from which the checks get their client. What gives tokens is decided here.

use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::doctor::check::{Check, Kind};
use crate::cli::signing::{self, OwnSession};
use crate::clock::CommandClock;
use crate::zoho::ZohoClient;

/// A client with a token.
#[derive(Debug)]
pub(super) struct SignedIn<Z> {
    pub(super) zoho: Z,
    /// What renews the token; `None` for one that was provided as it is.
    pub(super) session: Option<Arc<OwnSession>>,
}

impl<Z> SignedIn<Z> {
    /// The scopes that were granted, where Zoho tells: after the first token came, and never of one that was
    /// provided as it is.
    pub(super) fn granted(&self) -> Option<Vec<String>> {
        self.session.as_ref()?.facts()?.scopes
    }
}

/// A client for the token there is, or for what fetches one; else what to say about it.
pub(super) fn sign_in(context: &mut Context) -> Result<SignedIn<ZohoClient<CommandClock>>, Check> {
    let remedy = signing::how_to_sign_in(context);
    let not_signed_in = |why: String| Check::problem(Kind::NotAllowed, "token", why).remedy(remedy);
    if let Err(error) = signing::check_possible(context, "Zoho was not asked") {
        return Err(not_signed_in(error.report().message));
    }
    match signing::client(context) {
        Ok(zoho) => Ok(SignedIn { zoho, session: context.session.clone() }),
        Err(error) => Err(not_signed_in(error.report().message)),
    }
}
