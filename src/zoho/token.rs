//! The access token that calls carry, and where the next one comes from.

use std::fmt;
use std::pin::Pin;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::domain::answer::SignInError;
use crate::zoho::client::ClientError;

/// Tells one access token of this process from another, so that of several calls that were refused side by
/// side only the first gets a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenNumber(pub u64);

/// An access token, ready to stand in a header.
#[derive(Clone)]
pub struct AccessToken {
    number: TokenNumber,
    authorization: HeaderValue,
}

impl AccessToken {
    /// Makes the header of it.
    pub fn new(number: TokenNumber, token: &SecretString) -> Result<Self, ClientError> {
        let token = token.expose_secret();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ClientError::Token);
        }
        // Zoho wants this word although its token answers say Bearer.
        let mut authorization = HeaderValue::from_str(&format!("Zoho-oauthtoken {token}"))
            .map_err(|_| ClientError::Token)?;
        authorization.set_sensitive(true);
        Ok(Self { number, authorization })
    }

    /// Which one it is.
    pub const fn number(&self) -> TokenNumber {
        self.number
    }

    pub(super) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }
}

impl fmt::Debug for AccessToken {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccessToken").field(&self.number.0).finish()
    }
}

/// A sign-in under way.
pub type SigningIn<'a> = Pin<Box<dyn Future<Output = Result<(), SignInError>> + Send + 'a>>;

/// Where access tokens come from.
pub trait TokenSource: fmt::Debug + Send + Sync + 'static {
    /// The token in force. Asks nobody and waits for nothing.
    fn current(&self) -> Option<AccessToken>;

    /// Sees to it that [`TokenSource::current`] is a token that lasts for a while yet and is not the one
    /// that Zoho `refused`. Of several callers at once one asks, and the others take what it got.
    fn sign_in(&self, refused: Option<TokenNumber>) -> SigningIn<'_>;
}

/// One token that somebody provided. Nothing can renew it.
#[derive(Debug, Clone)]
pub struct FixedToken(AccessToken);

impl FixedToken {
    /// Takes the token as it is.
    pub fn new(token: &SecretString) -> Result<Self, ClientError> {
        AccessToken::new(TokenNumber(0), token).map(Self)
    }
}

impl TokenSource for FixedToken {
    fn current(&self) -> Option<AccessToken> {
        Some(self.0.clone())
    }

    fn sign_in(&self, refused: Option<TokenNumber>) -> SigningIn<'_> {
        Box::pin(async move { if refused.is_none() { Ok(()) } else { Err(SignInError::Fixed) } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_is_ever_shown() {
        let token = FixedToken::new(&SecretString::from("1000.canary")).unwrap();
        assert!(!format!("{token:?} {:?}", token.current()).contains("canary"));
    }
}
