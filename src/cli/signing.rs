//! Who signs in: the one place that builds a client for Zoho, and reads that commands make by themselves.

use std::sync::Arc;

use crate::auth::cache::TokenCache;
use crate::auth::{Session, Sources};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::clock::CommandClock;
use crate::domain::answer::{Read, ReadError, SignInError};
use crate::platform::Directories;
use crate::zoho::accounts::Accounts;
use crate::zoho::token::FixedToken;
use crate::zoho::{Zoho, ZohoClient, install_crypto};

/// The session of a command.
pub(crate) type OwnSession = Session<Accounts, CommandClock>;

/// The places where secrets may be.
pub(crate) fn sources(context: &Context) -> Result<Sources, CliError> {
    let endpoint = context.endpoint()?;
    let environment = |name: &str| std::env::var(name).ok();
    Ok(Sources::new(&context.settings, environment, endpoint.accounts()))
}

/// The token cache; without one each run fetches a token, which is told.
pub(crate) fn token_cache(context: &mut Context) -> Option<TokenCache> {
    let why = match Directories::of_account() {
        Ok(directories) => match TokenCache::open(&directories.tokens()) {
            Ok(cache) => return Some(cache),
            Err(problem) => problem.to_string(),
        },
        Err(no_home) => no_home.to_string(),
    };
    context.out.warn(&format!("access tokens are not kept between runs: {why}"));
    None
}

/// The command's session. Nobody was asked for anything yet.
pub(crate) fn session(context: &mut Context) -> Result<Arc<OwnSession>, CliError> {
    let sources = sources(context)?;
    // A run without anything to sign in with may still be one that makes no call: it leaves no directory.
    let cache = if sources.is_configured() { token_cache(context) } else { None };
    let (endpoint, timeout) = (context.endpoint()?, context.settings.timeout.value);
    let server = Accounts::new(endpoint.clone(), timeout);
    let clock = Arc::new(context.clock);
    let session = Arc::new(Session::new(server, sources, endpoint, cache, clock, timeout));
    context.session = Some(Arc::clone(&session));
    Ok(session)
}

/// A client for Zoho: with the token that was provided, else with a session, which signs in when the first
/// call needs it.
pub(crate) fn client(context: &mut Context) -> Result<ZohoClient<CommandClock>, CliError> {
    let failed = |error| CliError::new(Exit::Error, error);
    install_crypto();
    if let Some(token) = &context.token {
        let token = Arc::new(FixedToken::new(token).map_err(failed)?);
        return ZohoClient::signed_in(
            context.endpoint()?,
            token,
            context.settings.timeout.value,
            Arc::new(context.clock),
        )
        .map_err(failed);
    }
    let session = session(context)?;
    client_of(context, session)
}

/// A client whose calls carry the token of a session.
pub(crate) fn client_of(
    context: &Context,
    session: Arc<OwnSession>,
) -> Result<ZohoClient<CommandClock>, CliError> {
    install_crypto();
    let (timeout, clock) = (context.settings.timeout.value, Arc::new(context.clock));
    ZohoClient::signed_in(context.endpoint()?, session, timeout, clock)
        .map_err(|error| CliError::new(Exit::Error, error))
}

/// Refuses, before anything is done, what cannot sign in.
pub(crate) fn check_possible(context: &Context, consequence: &str) -> Result<(), CliError> {
    if context.token.is_some() || sources(context)?.is_configured() {
        return Ok(());
    }
    let login = context.command("auth login");
    Err(CliError::new(Exit::NotAllowed, format!("not signed in; {consequence}"))
        .hint(format!("{login} signs in; or set ZOHO_ACCESS_TOKEN to an access token of the org")))
}

/// What to type when the token was refused, or there is none.
pub(crate) fn how_to_sign_in(context: &Context) -> String {
    if context.token.is_some() {
        return "set ZOHO_ACCESS_TOKEN to a token that is valid".to_owned();
    }
    let stored = sources(context).is_ok_and(|sources| {
        sources.stored().is_some_and(|path| crate::auth::stored::is_there(path))
    });
    context.command(if stored { "auth login --replace" } else { "auth login" })
}

/// Whether Zoho's code says that the user may not, which no other token of the same user mends.
pub(crate) fn is_permission(code: &str) -> bool {
    matches!(code, "NO_PERMISSION" | "AUTHORIZATION_FAILED")
}

/// A read that did not come about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRead {
    /// There is no token.
    #[error("cannot sign in: {0}")]
    SignIn(#[from] SignInError),
    /// There was one, and no use.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl NotRead {
    /// How a command ends that it stops.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::SignIn(SignInError::Fixed | SignInError::NotSignedIn { .. })
            | Self::Read(ReadError::Unauthorized { .. } | ReadError::Forbidden { .. }) => {
                Exit::NotAllowed
            }
            Self::SignIn(SignInError::Throttled { .. })
            | Self::Read(ReadError::Throttled { .. }) => Exit::Stopped,
            Self::SignIn(SignInError::Unreachable(_))
            | Self::Read(
                ReadError::NotThere { .. } | ReadError::Unreachable(_) | ReadError::Unusable { .. },
            ) => Exit::Error,
        }
    }

    /// Whether it says that nobody is signed in, and not only that Zoho could not be asked.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::SignIn(SignInError::Fixed | SignInError::NotSignedIn { .. })
                | Self::Read(ReadError::Unauthorized { .. })
        )
    }

    /// What to do about it.
    pub(crate) fn hint(&self, context: &Context) -> String {
        match self {
            Self::SignIn(SignInError::Throttled { until }) => {
                format!("try again after {until}: asking earlier makes it longer")
            }
            Self::SignIn(SignInError::Fixed | SignInError::NotSignedIn { .. })
            | Self::Read(ReadError::Unauthorized { .. }) => how_to_sign_in(context),
            Self::Read(ReadError::Forbidden { code, .. }) if is_permission(code) => {
                "give the token's user this permission in Zoho".to_owned()
            }
            Self::Read(ReadError::Forbidden { .. }) => {
                format!("{} prints the scopes to ask for", context.command("auth scopes"))
            }
            Self::Read(ReadError::Throttled { .. }) => "try again later".to_owned(),
            Self::SignIn(SignInError::Unreachable(_))
            | Self::Read(
                ReadError::NotThere { .. } | ReadError::Unreachable(_) | ReadError::Unusable { .. },
            ) => "try again; check the data centre, the environment and the network".to_owned(),
        }
    }
}

/// Signs in, reads, and once more with another token where Zoho refused the first.
pub(crate) async fn read<Z: Zoho, T>(
    zoho: &Z,
    read: impl AsyncFn(&Z) -> Result<Read<T>, ReadError>,
) -> Result<Read<T>, NotRead> {
    zoho.sign_in(None).await?;
    let token = zoho.token();
    let refused = match read(zoho).await {
        Err(error @ ReadError::Unauthorized { .. }) => error,
        answer => return Ok(answer?),
    };
    match zoho.sign_in(token).await {
        Ok(()) => Ok(read(zoho).await?),
        // What Zoho said says more.
        Err(SignInError::Fixed) => Err(refused.into()),
        Err(error) => Err(error.into()),
    }
}
