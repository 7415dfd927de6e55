//! One access token for all calls of a process, and for all processes of a sign-in.
//!
//! Within the process an async mutex lets one caller renew while the others wait. Across processes it is
//! an OS lock beside the cached token: whoever gets it looks into the cache again before asking Zoho.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::auth::cache::{Cached, CachedToken, Slot, TokenCache};
use crate::auth::command::COMMAND_TIMEOUT;
use crate::auth::sources::{Given, Item, Means, Sources, incomplete};
use crate::clock::Clock;
use crate::domain::answer::SignInError;
use crate::domain::time::Timestamp;
use crate::platform::{Holder, OsLock};
use crate::zoho::Endpoint;
use crate::zoho::accounts::{Grant, GrantError, Granted, TokenServer};
use crate::zoho::secret::{AccessSecret, ClientId, ClientKey, RefreshToken};
use crate::zoho::token::{AccessToken, SigningIn, TokenNumber, TokenSource};

/// A token with less left is renewed before it is used: a call may take half a minute.
pub const LASTS: Duration = Duration::from_mins(1);

/// How long nobody asks after Zoho asked to wait, by how often it did so in a row. Asking earlier prolongs
/// it; public clients report 5 to 15 minutes.
const WAITS: [Duration; 3] =
    [Duration::from_mins(5), Duration::from_mins(10), Duration::from_mins(15)];

/// Times in a cached token that lie further ahead come from a clock that was wrong.
const SLACK: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(24);

/// The code of a sign-in that failed before Zoho was asked.
pub const NOT_SIGNED_IN: &str = "NOT_SIGNED_IN";
/// The code of a token that Zoho gave for another host.
pub const WRONG_API_DOMAIN: &str = "WRONG_API_DOMAIN";

/// The access token of a sign-in.
#[derive(Debug)]
pub struct Session<S, C> {
    server: S,
    sources: Sources,
    endpoint: Endpoint,
    cache: Option<TokenCache>,
    clock: Arc<C>,
    /// How long to wait for another process that asks Zoho.
    patience: Duration,
    state: Mutex<State>,
    flight: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    numbers: u64,
    /// What the cache would keep, where there is none.
    remembered: Cached,
    warnings: Vec<String>,
}

#[derive(Debug, Clone)]
struct Held {
    token: AccessToken,
    secret: AccessSecret,
    /// Its end, where it is known.
    until: Option<Timestamp>,
    scopes: Option<Vec<String>>,
}

/// What is known about the token in force.
#[derive(Debug, Clone, Default)]
pub struct TokenFacts {
    /// Its end; `None` for a token that somebody provided.
    pub until: Option<Timestamp>,
    /// What it may do, where Zoho said it.
    pub scopes: Option<Vec<String>>,
}

impl<S: TokenServer, C: Clock> Session<S, C> {
    /// A session that has asked nobody for anything yet. `timeout` is how long a token call may take.
    pub fn new(
        server: S,
        sources: Sources,
        endpoint: Endpoint,
        cache: Option<TokenCache>,
        clock: Arc<C>,
        timeout: Duration,
    ) -> Self {
        Self {
            server,
            sources,
            endpoint,
            cache,
            clock,
            // Another process's call, the command that it may run before, and a little.
            patience: timeout + COMMAND_TIMEOUT + Duration::from_secs(30),
            state: Mutex::default(),
            flight: tokio::sync::Mutex::new(()),
        }
    }

    /// What should be known and stopped nobody; each is given once.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.state().warnings)
    }

    /// About the token in force.
    pub fn facts(&self) -> Option<TokenFacts> {
        let held = self.state().held.clone()?;
        Some(TokenFacts { until: held.until, scopes: held.scopes })
    }

    /// Takes up a token that a grant code just gave, and keeps it for the next runs.
    pub fn adopt(
        &self,
        client: &ClientId,
        refresh: &RefreshToken,
        granted: Granted,
        asked_at: Timestamp,
    ) -> Result<(), SignInError> {
        let slot = self.slot(client, refresh);
        let token = cached(granted, asked_at);
        self.remember(slot.as_ref(), Cached { token: Some(token.clone()), ..Cached::default() });
        self.hold(&token)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, client: &ClientId, refresh: &RefreshToken) -> Option<Slot> {
        let cache = self.cache.as_ref()?;
        Some(cache.slot(self.endpoint.accounts(), client, refresh))
    }

    /// Whether the token in force is another than the refused one and lasts so long.
    fn is_good(&self, refused: Option<TokenNumber>, least: Duration) -> bool {
        let now = self.clock.now();
        self.state().held.as_ref().is_some_and(|held| {
            refused.is_none_or(|refused| held.token.number() > refused)
                && held.until.is_none_or(|until| until.since(now) >= least && until > now)
        })
    }

    async fn sign_in_once(&self, refused: Option<TokenNumber>) -> Result<(), SignInError> {
        if self.is_good(refused, LASTS) {
            return Ok(());
        }
        let _one = self.flight.lock().await;
        // The one before may have got it.
        if self.is_good(refused, LASTS) {
            return Ok(());
        }
        match self.renew(refused).await {
            // The old one serves for its last seconds.
            Err(SignInError::Throttled { .. } | SignInError::Unreachable(_))
                if self.is_good(refused, Duration::ZERO) =>
            {
                Ok(())
            }
            renewed => renewed,
        }
    }

    async fn renew(&self, refused: Option<TokenNumber>) -> Result<(), SignInError> {
        let held = self.state().held.clone();
        let refused = held.filter(|held| refused == Some(held.token.number()));
        let refused = refused.map(|held| held.secret);
        let means = self.sources.find().await.map_err(not_signed_in)?;
        match means {
            Means::Nothing => {
                let message = "there is nothing to sign in with: run journal auth login".to_owned();
                Err(SignInError::NotSignedIn { code: NOT_SIGNED_IN.to_owned(), message })
            }
            Means::Ready(token) if refused.as_ref().is_some_and(|one| same(one, &token.value)) => {
                Err(SignInError::Fixed)
            }
            Means::Ready(token) => self.hold_secret(token.value, None, None),
            Means::Refresh { client_id, refresh_token } => {
                self.refresh(client_id, refresh_token, refused).await
            }
        }
    }

    async fn refresh(
        &self,
        client_id: Given<ClientId>,
        refresh_token: Given<RefreshToken>,
        refused: Option<AccessSecret>,
    ) -> Result<(), SignInError> {
        let slot = self.slot(&client_id.value, &refresh_token.value);
        let lock = match &slot {
            Some(slot) => self.lock(slot).await,
            None => None,
        };
        let mut known = self.recall(slot.as_ref());
        if let Some(decided) = self.without_asking(&known, refused.as_ref()) {
            return decided;
        }
        let secret = self.sources.client_secret().await.map_err(not_signed_in)?;
        let secret = secret.ok_or_else(|| {
            let place = &refresh_token.place;
            not_signed_in(incomplete(Item::RefreshToken, place, Item::ClientSecret))
        })?;
        if lock.is_none() {
            // Whoever holds the lock may have got one while our command ran.
            known = self.recall(slot.as_ref());
            if let Some(decided) = self.without_asking(&known, refused.as_ref()) {
                return decided;
            }
        }
        let client = ClientKey { id: client_id.value, secret: secret.value };
        self.ask(&client, refresh_token.value, slot.as_ref(), &known).await
    }

    /// What the cache settles: a token that serves, or that nobody asks yet.
    fn without_asking(
        &self,
        known: &Cached,
        refused: Option<&AccessSecret>,
    ) -> Option<Result<(), SignInError>> {
        let now = self.clock.now();
        if let Some(token) = known.token.as_ref().filter(|token| is_usable(token, now))
            && !refused.is_some_and(|refused| same(refused, &token.secret))
        {
            return Some(self.hold(token));
        }
        let until = known.not_before.filter(|until| is_ahead(*until, now))?;
        Some(Err(SignInError::Throttled { until }))
    }

    /// Asks Zoho. *Crash after the answer:* one token of ten is lost, nothing else.
    async fn ask(
        &self,
        client: &ClientKey,
        refresh_token: RefreshToken,
        slot: Option<&Slot>,
        known: &Cached,
    ) -> Result<(), SignInError> {
        let asked_at = self.clock.now();
        match self.server.grant(client, &Grant::Refresh(refresh_token)).await {
            Ok(granted) => {
                let token = cached(granted, asked_at);
                self.remember(slot, Cached { token: Some(token.clone()), ..Cached::default() });
                self.hold(&token)
            }
            Err(GrantError::Throttled) => {
                let now = self.clock.now();
                let throttled = throttled_before(known, now);
                let at = usize::try_from(throttled).unwrap_or(usize::MAX).min(WAITS.len() - 1);
                let until = now.plus(WAITS.get(at).copied().unwrap_or(LONGEST));
                let token = known.token.clone();
                let not_before = Some(until);
                self.remember(slot, Cached { token, not_before, throttled: throttled + 1 });
                Err(SignInError::Throttled { until })
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: GrantError) -> SignInError {
        match error {
            GrantError::Refused(code) => {
                let message = refusal_in_words(&code, self.endpoint.accounts());
                SignInError::NotSignedIn { code, message }
            }
            GrantError::Elsewhere(_) => SignInError::NotSignedIn {
                code: WRONG_API_DOMAIN.to_owned(),
                message: error.to_string(),
            },
            GrantError::Unusable(why) => SignInError::Unreachable(why),
            GrantError::Throttled => {
                SignInError::Throttled { until: self.clock.now().plus(WAITS[0]) }
            }
        }
    }

    /// The lock of a sign-in, waited for on a thread of its own: nothing can interrupt the system call, and
    /// a runtime would wait for its threads. `None` after long enough: then a stopped process holds it, and
    /// a token more is a small price.
    async fn lock(&self, slot: &Slot) -> Option<OsLock> {
        let (path, holder) = (slot.lock(), Holder::this_process("sign in", self.clock.now()));
        let (sender, receiver) = oneshot::channel();
        let wait = move || {
            // Nobody waits any more: the lock goes with the value that comes back.
            drop(sender.send(OsLock::acquire(&path, &holder)));
        };
        let started = std::thread::Builder::new().name("token-lock".to_owned()).spawn(wait);
        let waited = match started {
            Ok(_) => tokio::time::timeout(self.patience, receiver).await,
            Err(error) => {
                self.warn(format!("the token cache is used without its lock: {error}"));
                return None;
            }
        };
        match waited {
            Ok(Ok(Ok(lock))) => Some(lock),
            Ok(Ok(Err(problem))) => {
                self.warn(format!("the token cache is used without its lock: {problem}"));
                None
            }
            Ok(Err(_)) | Err(_) => {
                self.warn("another process holds the token cache for too long".to_owned());
                None
            }
        }
    }

    fn recall(&self, slot: Option<&Slot>) -> Cached {
        let Some(slot) = slot else {
            return self.state().remembered.clone();
        };
        slot.read().unwrap_or_else(|warning| {
            self.warn(warning);
            Cached::default()
        })
    }

    fn remember(&self, slot: Option<&Slot>, cached: Cached) {
        if let Some(slot) = slot {
            if let Err(warning) = slot.write(&cached) {
                self.warn(warning);
            }
        } else {
            self.state().remembered = cached;
        }
    }

    fn warn(&self, warning: String) {
        let warnings = &mut self.state().warnings;
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// A cached token was checked when it came, for the settings of then: they are looked at again, since
    /// an accounts server serves several environments.
    fn hold(&self, token: &CachedToken) -> Result<(), SignInError> {
        if let Some(domain) = &token.api_domain {
            self.endpoint.check_api_domain(domain).map_err(|error| SignInError::NotSignedIn {
                code: WRONG_API_DOMAIN.to_owned(),
                message: error.to_string(),
            })?;
        }
        self.hold_secret(token.secret.clone(), Some(token.expires_at), token.scopes.clone())
    }

    fn hold_secret(
        &self,
        secret: AccessSecret,
        until: Option<Timestamp>,
        scopes: Option<Vec<String>>,
    ) -> Result<(), SignInError> {
        let mut state = self.state();
        state.numbers += 1;
        let number = TokenNumber(state.numbers);
        let token = AccessToken::new(number, secret.as_secret()).map_err(not_signed_in)?;
        state.held = Some(Held { token, secret, until, scopes });
        Ok(())
    }
}

impl<S: TokenServer, C: Clock> TokenSource for Session<S, C>
where
    C: std::fmt::Debug,
{
    fn current(&self) -> Option<AccessToken> {
        self.state().held.as_ref().map(|held| held.token.clone())
    }

    fn sign_in(&self, refused: Option<TokenNumber>) -> SigningIn<'_> {
        Box::pin(self.sign_in_once(refused))
    }
}

fn cached(granted: Granted, asked_at: Timestamp) -> CachedToken {
    CachedToken {
        expires_at: asked_at.plus(granted.lasts),
        secret: granted.access_token,
        issued_at: asked_at,
        api_domain: granted.api_domain,
        scopes: granted.scopes,
    }
}

/// Whether a cached token lasts, by a clock that may have been set since.
fn is_usable(token: &CachedToken, now: Timestamp) -> bool {
    let from_the_future = token.issued_at > now.plus(SLACK);
    let too_long = token.expires_at > token.issued_at.plus(LONGEST);
    !from_the_future && !too_long && token.expires_at > now && token.expires_at.since(now) >= LASTS
}

/// Whether a time lies ahead, and no further than any that is ever set.
fn is_ahead(until: Timestamp, now: Timestamp) -> bool {
    until > now && until <= now.plus(WAITS[2])
}

/// How often in a row Zoho asked to wait. An hour later it is another row.
fn throttled_before(known: &Cached, now: Timestamp) -> u32 {
    let recent = known.not_before.is_some_and(|until| now.since(until) < Duration::from_hours(1));
    if recent { known.throttled } else { 0 }
}

fn same(one: &AccessSecret, other: &AccessSecret) -> bool {
    one.expose() == other.expose()
}

fn not_signed_in(error: impl std::fmt::Display) -> SignInError {
    SignInError::NotSignedIn { code: NOT_SIGNED_IN.to_owned(), message: error.to_string() }
}

/// What Zoho's word means, and what mends it (Access Token and Refresh pages; that the wrong data centre
/// gives the same words is reported by public clients).
pub fn refusal_in_words(code: &str, accounts: &str) -> String {
    let what = match code {
        "invalid_code" => "the refresh token is not valid: it was revoked, or",
        "invalid_client" => "there is no such client, or",
        "invalid_client_secret" => "the client secret is wrong, or",
        _ => return format!("{accounts} refuses; journal auth login signs in anew"),
    };
    format!("{what} it belongs to another data centre than {accounts}")
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
