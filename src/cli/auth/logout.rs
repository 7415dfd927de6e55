//! `journal auth logout`: revoked at Zoho first, removed here then.

use std::path::Path;

use serde::Serialize;

use crate::auth::stored::{self, Stored};
use crate::cli::auth::runtime;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::signing;
use crate::platform::{Holder, shell_quoted};
use crate::zoho::accounts::{Accounts, Grant, GrantError, RevokeError, TokenServer};
use crate::zoho::secret::RefreshToken;

/// Revoke the stored sign-in at Zoho, and remove it here
#[derive(Debug, clap::Args)]
pub(crate) struct LogoutArgs {
    /// Remove it here only; at Zoho it stays good until somebody revokes it
    #[arg(long)]
    local: bool,
}

#[derive(Serialize)]
struct SignedOut {
    revoked: bool,
    removed: String,
}

/// Runs the command.
pub(super) fn run(args: &LogoutArgs, context: &mut Context) -> Result<Exit, CliError> {
    let sources = signing::sources(context)?;
    let path = sources.stored().filter(|path| stored::is_there(path)).cloned();
    let path = path.ok_or_else(|| nothing_stored(sources.is_configured()))?;
    let endpoint = context.endpoint()?;
    let found = match stored::read(&path, endpoint.accounts()) {
        Ok(found) => found,
        // What cannot be read can still be removed.
        Err(_) if args.local => None,
        Err(error) => {
            return Err(CliError::new(Exit::Error, format!("{error}; everything is kept"))
                .hint(format!("{} removes it here only", context.command("auth logout --local"))));
        }
    };
    let token = found.as_ref().and_then(Stored::refresh_token);
    if !args.local
        && let Some((stored, token)) = found.as_ref().zip(token.as_ref())
    {
        let accounts = Accounts::new(endpoint.clone(), context.settings.timeout.value);
        runtime()?
            .block_on(revoke(&accounts, stored, token))
            .map_err(|error| kept(context, &error))?;
    }
    // First what is good for years. *Crash after:* the token in the cache dies with the refresh token at
    // Zoho, or within its hour; --local leaves it nowhere here.
    stored::remove(&path).map_err(|error| CliError::new(Exit::Error, error))?;
    forget_cached(context, found.as_ref(), token.as_ref())?;
    show(args, context, &path, token.is_some())
}

fn nothing_stored(elsewhere: bool) -> CliError {
    let error = CliError::new(Exit::NotAllowed, "there is no stored sign-in; nothing was done");
    if elsewhere {
        error.hint("what journal auth status names is not stored by journal: remove it there")
    } else {
        error
    }
}

/// Revokes it. Zoho's `invalid_code` may mean that it was revoked before, or that the call was overlooked:
/// whether it still gives tokens tells.
async fn revoke(
    accounts: &Accounts,
    stored: &Stored,
    token: &RefreshToken,
) -> Result<(), RevokeError> {
    let refused = match accounts.revoke(token).await {
        Err(RevokeError::Refused(word)) => word,
        revoked => return revoked,
    };
    let Some(client) = stored.client() else {
        return Err(RevokeError::Refused(refused));
    };
    match accounts.grant(&client, &Grant::Refresh(token.clone())).await {
        Err(GrantError::Refused(word)) if word == "invalid_code" => Ok(()),
        _ => Err(RevokeError::Refused(refused)),
    }
}

fn kept(context: &Context, error: &RevokeError) -> CliError {
    let exit = match error {
        RevokeError::Throttled => Exit::Stopped,
        RevokeError::Refused(_) | RevokeError::Unusable(_) => Exit::Error,
    };
    let local = context.command("auth logout --local");
    CliError::new(exit, format!("{error}; everything is kept")).hint(format!(
        "try again; or {local}, and revoke it in your Zoho account, under Connected Apps"
    ))
}

fn forget_cached(
    context: &mut Context,
    stored: Option<&Stored>,
    token: Option<&RefreshToken>,
) -> Result<(), CliError> {
    let endpoint = context.endpoint()?;
    let client = stored.and_then(Stored::client);
    let Some((client, token)) = client.zip(token) else {
        return Ok(());
    };
    let Some(cache) = signing::token_cache(context) else {
        return Ok(());
    };
    let holder = Holder::this_process("sign out", context.now());
    let slot = cache.slot(endpoint.accounts(), &client.id, token);
    if let Err(warning) = slot.clear(&holder) {
        context.out.warn(&warning);
    }
    Ok(())
}

fn show(
    args: &LogoutArgs,
    context: &mut Context,
    path: &Path,
    had_token: bool,
) -> Result<Exit, CliError> {
    let revoked = !args.local && had_token;
    if context.out.is_json() {
        context.out.json_line(&SignedOut { revoked, removed: path.display().to_string() })?;
    } else {
        let how = if revoked { "revoked at Zoho and removed here" } else { "removed here" };
        context.out.say(format!("The sign-in is {how}: {}.", shell_quoted(path)));
    }
    if !revoked {
        context
            .out
            .warn("at Zoho it is still good: revoke it in your Zoho account, under Connected Apps");
    }
    Ok(Exit::Done)
}
