//! Access tokens: grant codes, issue, expiry, limits, revocation (OAuth Token Validity page).

use std::collections::VecDeque;

use super::config::Config;
use super::dice;
use super::scopes::Granted;

/// How many access tokens a refresh token gives in ten minutes.
const ISSUED_IN_WINDOW: usize = 10;
const WINDOW_MS: i64 = 10 * 60 * 1000;
/// How many access tokens of a refresh token are good at once; one more kills the oldest.
const ACTIVE: usize = 15;
/// How many refresh tokens a user has of a client; one more kills the oldest.
const REFRESH_TOKENS: usize = 20;

/// The one client of the simulator, and the tokens it got.
#[derive(Debug)]
pub(crate) struct Tokens {
    seed: u64,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// The refresh token that the first grant code gives, good from the start.
    pub(crate) refresh_token: String,
    /// The first grant code.
    pub(crate) grant_code: String,
    /// The ready-made token, which ends only by [`Tokens::expire_all`].
    pub(crate) ready: String,
    ready_ended: bool,
    /// What the ready token and the first grant may do.
    granted: Granted,
    life_ms: i64,
    codes: Vec<GrantCode>,
    /// Oldest first.
    grants: VecDeque<Grant>,
    /// How many words were made up so far.
    made: u64,
}

/// A grant code that was not used yet.
#[derive(Debug)]
struct GrantCode {
    word: String,
    granted: Granted,
    /// The end of its life, if it has one.
    until: Option<i64>,
}

/// A refresh token and what it gave.
#[derive(Debug)]
struct Grant {
    refresh_token: String,
    granted: Granted,
    issued: VecDeque<i64>,
    /// Access tokens, oldest first, each with the time of its end.
    active: VecDeque<(String, i64)>,
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
    pub(crate) granted: Granted,
}

impl Grant {
    fn new(refresh_token: String, granted: Granted) -> Self {
        Self { refresh_token, granted, issued: VecDeque::new(), active: VecDeque::new() }
    }

    fn has(&self, token: &str, now: i64) -> bool {
        self.active.iter().any(|(good, until)| good == token && now < *until)
    }
}

impl Tokens {
    pub(crate) fn new(config: &Config) -> Self {
        let seed = config.seed;
        let granted = Granted(config.scopes.clone());
        let refresh_token = word(seed, 3);
        let grant_code = word(seed, 5);
        let code = GrantCode { word: grant_code.clone(), granted: granted.clone(), until: None };
        Self {
            seed,
            client_id: format!("1000.{:016X}", dice::draw(seed, 1, 50)),
            client_secret: hex(seed, 2),
            ready: word(seed, 7),
            ready_ended: false,
            life_ms: i64::from(config.token_seconds) * 1000,
            codes: vec![code],
            grants: VecDeque::from([Grant::new(refresh_token.clone(), granted.clone())]),
            made: 0,
            refresh_token,
            grant_code,
            granted,
        }
    }

    /// What an access token may do now; `None` when it is not good.
    pub(crate) fn granted(&self, token: &str, now: i64) -> Option<&Granted> {
        if token == self.ready && !self.ready_ended {
            return Some(&self.granted);
        }
        let grant = self.grants.iter().find(|grant| grant.has(token, now));
        grant.map(|grant| &grant.granted)
    }

    /// Makes another grant code, as the developer console does: good once, and until `until`.
    pub(crate) fn new_code(&mut self, granted: Option<Granted>, until: Option<i64>) -> String {
        let word = self.make_up();
        let granted = granted.unwrap_or_else(|| self.granted.clone());
        self.codes.push(GrantCode { word: word.clone(), granted, until });
        word
    }

    /// Ends all access tokens, the ready-made one for ever; how many were good.
    pub(crate) fn expire_all(&mut self, now: i64) -> usize {
        let mut ended = usize::from(!std::mem::replace(&mut self.ready_ended, true));
        for (_, until) in self.grants.iter_mut().flat_map(|grant| &mut grant.active) {
            ended += usize::from(now < *until);
            *until = now.min(*until);
        }
        ended
    }

    /// Carries out a token call.
    pub(crate) fn issue(
        &mut self,
        fields: &[(String, String)],
        now: i64,
    ) -> Result<Issued, TokenRefusal> {
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
        if grant == "authorization_code" {
            self.by_code(field("code"), now)
        } else {
            self.by_refresh_token(field("refresh_token"), now)
        }
    }

    fn by_code(&mut self, given: &str, now: i64) -> Result<Issued, TokenRefusal> {
        let is_good =
            |code: &GrantCode| code.word == given && code.until.is_none_or(|end| now < end);
        let index = self.codes.iter().position(is_good).ok_or(TokenRefusal::Code)?;
        let granted = self.codes.get(index).ok_or(TokenRefusal::Code)?.granted.clone();
        let first = self.refresh_token.clone();
        let is_there = self.grants.iter().any(|grant| grant.refresh_token == first);
        let refresh_token = if given == self.grant_code && is_there {
            first
        } else {
            let refresh_token = self.make_up();
            self.grants.push_back(Grant::new(refresh_token.clone(), granted));
            if self.grants.len() > REFRESH_TOKENS {
                self.grants.pop_front();
            }
            refresh_token
        };
        let issued = self.by_refresh_token(&refresh_token, now)?;
        self.codes.remove(index);
        Ok(Issued { refresh_token: Some(refresh_token), ..issued })
    }

    fn by_refresh_token(&mut self, given: &str, now: i64) -> Result<Issued, TokenRefusal> {
        let access_token = self.make_up();
        let grant = self.grants.iter_mut().find(|grant| grant.refresh_token == given);
        let grant = grant.ok_or(TokenRefusal::Code)?;
        grant.issued.retain(|at| now.saturating_sub(*at) < WINDOW_MS);
        if grant.issued.len() >= ISSUED_IN_WINDOW {
            return Err(TokenRefusal::Throttled);
        }
        grant.issued.push_back(now);
        grant.active.push_back((access_token.clone(), now.saturating_add(self.life_ms)));
        if grant.active.len() > ACTIVE {
            grant.active.pop_front();
        }
        Ok(Issued { access_token, refresh_token: None, granted: grant.granted.clone() })
    }

    /// Revokes a token; a refresh token takes all of its access tokens with it.
    pub(crate) fn revoke(&mut self, token: &str) -> bool {
        let before = self.grants.len();
        self.grants.retain(|grant| grant.refresh_token != token);
        let mut revoked = self.grants.len() < before;
        for grant in &mut self.grants {
            let before = grant.active.len();
            grant.active.retain(|(good, _)| good != token);
            revoked |= grant.active.len() < before;
        }
        revoked
    }

    /// A token that there was not before.
    fn make_up(&mut self) -> String {
        self.made += 1;
        word(self.seed, 100 + 2 * self.made)
    }
}

/// A token, in Zoho's form.
fn word(seed: u64, salt: u64) -> String {
    format!("1000.{}.{}", hex(seed, salt), hex(seed, salt + 1))
}

fn hex(seed: u64, salt: u64) -> String {
    let (high, low) = (dice::draw(seed, salt, 51), dice::draw(seed, salt, 52));
    format!("{high:016x}{low:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(&Config::default())
    }

    fn ask(tokens: &mut Tokens, now: i64, by: [(&str, &str); 2]) -> Result<Issued, TokenRefusal> {
        let client = [
            ("client_id", tokens.client_id.clone()),
            ("client_secret", tokens.client_secret.clone()),
        ];
        let by = by.map(|(key, value)| (key, value.to_owned()));
        let fields: Vec<(String, String)> =
            client.into_iter().chain(by).map(|(key, value)| (key.to_owned(), value)).collect();
        tokens.issue(&fields, now)
    }

    fn refresh(tokens: &mut Tokens, now: i64) -> Result<Issued, TokenRefusal> {
        let given = tokens.refresh_token.clone();
        ask(tokens, now, [("grant_type", "refresh_token"), ("refresh_token", &given)])
    }

    fn exchange(tokens: &mut Tokens, now: i64, code: &str) -> Result<Issued, TokenRefusal> {
        ask(tokens, now, [("grant_type", "authorization_code"), ("code", code)])
    }

    fn is_good(tokens: &Tokens, token: &str, now: i64) -> bool {
        tokens.granted(token, now).is_some()
    }

    #[test]
    fn the_eleventh_token_in_ten_minutes_is_refused_and_the_sixteenth_kills_the_first() {
        let mut tokens = tokens();
        let first = refresh(&mut tokens, 0).unwrap().access_token;
        for n in 1..10 {
            assert!(refresh(&mut tokens, n).is_ok());
        }
        assert_eq!(refresh(&mut tokens, 11), Err(TokenRefusal::Throttled));
        for n in 0..5 {
            assert!(is_good(&tokens, &first, WINDOW_MS + n));
            assert!(refresh(&mut tokens, WINDOW_MS * 2 + n).is_ok());
        }
        assert!(is_good(&tokens, &tokens.ready, 0));
        assert!(refresh(&mut tokens, WINDOW_MS * 2 + 9).is_ok());
        assert!(!is_good(&tokens, &first, WINDOW_MS + 5));
    }

    #[test]
    fn a_token_ends_after_an_hour_and_with_its_refresh_token() {
        let mut tokens = tokens();
        let token = refresh(&mut tokens, 0).unwrap().access_token;
        assert!(is_good(&tokens, &token, 3_599_999));
        assert!(!is_good(&tokens, &token, 3_600_000));
        assert!(tokens.revoke(&tokens.refresh_token.clone()));
        assert!(!is_good(&tokens, &token, 1));
        assert_eq!(refresh(&mut tokens, 1), Err(TokenRefusal::Code));
        assert!(is_good(&tokens, &tokens.ready, 1));
    }

    #[test]
    fn each_code_gives_a_refresh_token_of_its_own_with_its_own_scopes() {
        let mut tokens = tokens();
        let first = tokens.grant_code.clone();
        let narrow = Granted(Some(vec!["ZohoCRM.org.READ".to_owned()]));
        let second = tokens.new_code(Some(narrow.clone()), Some(100));
        let late = tokens.new_code(None, Some(100));
        let one = exchange(&mut tokens, 1, &first).unwrap();
        assert_eq!(one.refresh_token, Some(tokens.refresh_token.clone()));
        let two = exchange(&mut tokens, 99, &second).unwrap();
        let other = two.refresh_token.unwrap();
        assert_ne!(other, tokens.refresh_token);
        assert_eq!(tokens.granted(&two.access_token, 99), Some(&narrow));
        assert_eq!(tokens.granted(&one.access_token, 99), Some(&Granted(None)));
        for used in [&first, &second, &late] {
            assert_eq!(exchange(&mut tokens, 100, used), Err(TokenRefusal::Code));
        }
        // The limits are those of each refresh token.
        for n in 0..9 {
            assert!(refresh(&mut tokens, n).is_ok());
        }
        assert_eq!(refresh(&mut tokens, 9), Err(TokenRefusal::Throttled));
        let by = [("grant_type", "refresh_token"), ("refresh_token", other.as_str())];
        assert_eq!(ask(&mut tokens, 9, by).unwrap().granted, narrow);
        tokens.revoke(&other);
        assert!(
            is_good(&tokens, &one.access_token, 99) && !is_good(&tokens, &two.access_token, 99)
        );
    }

    #[test]
    fn the_twenty_first_refresh_token_kills_the_first() {
        let mut tokens = tokens();
        let access = refresh(&mut tokens, 0).unwrap().access_token;
        for n in 1..=20 {
            assert!(is_good(&tokens, &access, 1), "{n}");
            let code = tokens.new_code(None, None);
            assert!(exchange(&mut tokens, 1, &code).is_ok());
        }
        assert!(!is_good(&tokens, &access, 1));
        // The first code is good still, and gives another one.
        let first = tokens.grant_code.clone();
        let other = exchange(&mut tokens, 1, &first).unwrap().refresh_token;
        assert_ne!(other, Some(tokens.refresh_token.clone()));
    }

    #[test]
    fn all_access_tokens_end_at_once_and_new_ones_can_be_had() {
        let mut tokens = tokens();
        let old = refresh(&mut tokens, 0).unwrap().access_token;
        assert_eq!(tokens.expire_all(5), 2);
        assert!(!is_good(&tokens, &old, 5) && !is_good(&tokens, &tokens.ready, 5));
        let new = refresh(&mut tokens, 5).unwrap().access_token;
        assert!(is_good(&tokens, &new, 5) && old != new);
        assert_eq!(tokens.expire_all(6), 1);
    }
}
