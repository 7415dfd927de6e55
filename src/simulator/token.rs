//! Access tokens: issue, expiry, limits, revocation (OAuth Token Validity page).

use std::collections::VecDeque;

use super::dice;

/// How long an access token lives, in seconds.
pub(crate) const TOKEN_SECONDS: i64 = 3600;
/// How many access tokens a refresh token gives in ten minutes.
const ISSUED_IN_WINDOW: usize = 10;
const WINDOW_MS: i64 = 10 * 60 * 1000;
/// How many access tokens of a refresh token are good at once; one more kills the oldest.
const ACTIVE: usize = 15;

/// The one client of the simulator, and the tokens it got.
#[derive(Debug)]
pub(crate) struct Tokens {
    seed: u64,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) refresh_token: String,
    pub(crate) grant_code: String,
    /// The ready-made token, which does not expire.
    pub(crate) ready: String,
    /// Issued ones that are still good, oldest first, each with the time of its end.
    active: VecDeque<(String, i64)>,
    issued: VecDeque<i64>,
    count: u64,
    calls: u64,
    grant_used: bool,
    refresh_revoked: bool,
}

/// Why a token call is refused; each has its own answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenRefusal {
    /// `invalid_client`.
    Client,
    /// `invalid_client_secret`.
    Secret,
    /// `invalid_code`, for grant codes and refresh tokens alike.
    Code,
    /// A grant type that is not offered.
    GrantType,
    /// More than ten tokens in ten minutes.
    Throttled,
}

/// A new access token, and the refresh token where the grant gives one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
}

impl Tokens {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            client_id: format!("1000.{:016X}", dice::draw(seed, 1, 50)),
            client_secret: hex(seed, 2),
            refresh_token: format!("1000.{}.{}", hex(seed, 3), hex(seed, 4)),
            grant_code: format!("1000.{}.{}", hex(seed, 5), hex(seed, 6)),
            ready: format!("1000.{}.{}", hex(seed, 7), hex(seed, 8)),
            active: VecDeque::new(),
            issued: VecDeque::new(),
            count: 0,
            calls: 0,
            grant_used: false,
            refresh_revoked: false,
        }
    }

    /// Whether an access token is good now.
    pub(crate) fn accepts(&self, token: &str, now: i64) -> bool {
        token == self.ready || self.active.iter().any(|(good, until)| good == token && now < *until)
    }

    /// Carries out a token call.
    pub(crate) fn issue(
        &mut self,
        fields: &[(String, String)],
        now: i64,
    ) -> Result<Issued, TokenRefusal> {
        self.calls += 1;
        let field = |name: &str| {
            fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
        };
        let grant = field("grant_type");
        if grant != "refresh_token" && grant != "authorization_code" {
            return Err(TokenRefusal::GrantType);
        }
        if field("client_id") != self.client_id {
            return Err(TokenRefusal::Client);
        }
        if field("client_secret") != self.client_secret {
            return Err(TokenRefusal::Secret);
        }
        let by_code = grant == "authorization_code";
        let good = if by_code {
            field("code") == self.grant_code && !self.grant_used
        } else {
            field("refresh_token") == self.refresh_token && !self.refresh_revoked
        };
        if !good {
            return Err(TokenRefusal::Code);
        }
        let access_token = self.next_token(now).ok_or(TokenRefusal::Throttled)?;
        self.grant_used |= by_code;
        Ok(Issued { access_token, refresh_token: by_code.then(|| self.refresh_token.clone()) })
    }

    /// Revokes a token; the refresh token takes all of its access tokens with it.
    pub(crate) fn revoke(&mut self, token: &str) -> bool {
        if token == self.refresh_token {
            self.active.clear();
            return !std::mem::replace(&mut self.refresh_revoked, true);
        }
        let before = self.active.len();
        self.active.retain(|(good, _)| good != token);
        self.active.len() < before
    }

    /// How many token calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    fn next_token(&mut self, now: i64) -> Option<String> {
        self.issued.retain(|at| now.saturating_sub(*at) < WINDOW_MS);
        if self.issued.len() >= ISSUED_IN_WINDOW {
            return None;
        }
        self.issued.push_back(now);
        self.count += 1;
        let token = format!(
            "1000.{}.{}",
            hex(self.seed, 100 + 2 * self.count),
            hex(self.seed, 101 + 2 * self.count)
        );
        self.active.push_back((token.clone(), now.saturating_add(TOKEN_SECONDS * 1000)));
        if self.active.len() > ACTIVE {
            self.active.pop_front();
        }
        Some(token)
    }
}

fn hex(seed: u64, salt: u64) -> String {
    let (high, low) = (dice::draw(seed, salt, 51), dice::draw(seed, salt, 52));
    format!("{high:016x}{low:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refresh(tokens: &mut Tokens, now: i64) -> Result<Issued, TokenRefusal> {
        let fields = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", tokens.client_id.clone()),
            ("client_secret", tokens.client_secret.clone()),
            ("refresh_token", tokens.refresh_token.clone()),
        ]
        .map(|(key, value)| (key.to_owned(), value));
        tokens.issue(&fields, now)
    }

    #[test]
    fn the_eleventh_token_in_ten_minutes_is_refused_and_the_sixteenth_kills_the_first() {
        let mut tokens = Tokens::new(1);
        let first = refresh(&mut tokens, 0).unwrap().access_token;
        for n in 1..10 {
            assert!(refresh(&mut tokens, n).is_ok());
        }
        assert_eq!(refresh(&mut tokens, 11), Err(TokenRefusal::Throttled));
        for n in 0..5 {
            assert!(tokens.accepts(&first, WINDOW_MS + n));
            assert!(refresh(&mut tokens, WINDOW_MS * 2 + n).is_ok());
        }
        assert!(tokens.accepts(&tokens.ready.clone(), 0));
        assert!(refresh(&mut tokens, WINDOW_MS * 2 + 9).is_ok());
        assert!(!tokens.accepts(&first, WINDOW_MS + 5));
    }

    #[test]
    fn a_token_ends_after_an_hour_and_with_its_refresh_token() {
        let mut tokens = Tokens::new(1);
        let token = refresh(&mut tokens, 0).unwrap().access_token;
        assert!(tokens.accepts(&token, 3_599_999));
        assert!(!tokens.accepts(&token, 3_600_000));
        assert!(tokens.revoke(&tokens.refresh_token.clone()));
        assert!(!tokens.accepts(&token, 1));
        assert_eq!(refresh(&mut tokens, 1), Err(TokenRefusal::Code));
    }
}
