//! The accounts server: grant codes and refresh tokens in, access tokens out, and revocation.
//!
//! What is sent stands in the body of a form and never in the URL: a URL lands in logs. What comes back
//! is judged by its body, since Zoho refuses with 200 as well (`read_grant`). Nothing of a body is ever
//! repeated but the short word for an error.
//!
//! Sources: the Self Client, Access Token, Refresh and Revoke pages of the CRM v8 API.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Request, Url};
use secrecy::zeroize::Zeroizing;

use crate::zoho::client::ClientError;
use crate::zoho::endpoint::{Endpoint, EndpointError};
use crate::zoho::grant::{read_grant, read_revocation};
use crate::zoho::secret::{AccessSecret, ClientKey, GrantCode, RefreshToken};
use crate::zoho::sent::in_words;
use crate::zoho::transport::{self, collect};

/// How much of an answer is taken, in bytes after decompression. A token answer has about 400.
pub(crate) const ANSWER_MAX: usize = 64 * 1024;

/// What an access token is asked for with.
#[derive(Debug, Clone)]
pub enum Grant {
    /// A grant code. Asking uses it up, whatever becomes of the answer.
    Code(GrantCode),
    /// A refresh token, as often as Zoho allows: ten times in ten minutes (CRM v8 token validity page).
    Refresh(RefreshToken),
}

/// What a grant gave.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The access token. Its `api_domain` was checked.
    pub access_token: AccessSecret,
    /// How long it lasts, from before it was asked for.
    pub lasts: Duration,
    /// The refresh token, of a grant code.
    pub refresh_token: Option<RefreshToken>,
    /// `api_domain`, as given.
    pub api_domain: Option<String>,
    /// The scopes, where the answer names them.
    pub scopes: Option<Vec<String>>,
}

/// Why there is no access token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// Zoho refuses for good: asking again brings the same.
    #[error("Zoho refused to sign in: {0}")]
    Refused(String),
    /// Too many tokens were asked for. Asking again prolongs it.
    #[error("Zoho gives no further access tokens for a while")]
    Throttled,
    /// No answer, or none that an accounts server gives. A grant code may be used up all the same.
    #[error("the accounts server gave no usable answer: {0}")]
    Unusable(String),
    /// The token is for another host than this endpoint's. It was thrown away, and nobody was called.
    #[error("{0}; the token was thrown away")]
    Elsewhere(#[from] EndpointError),
}

/// Why a token is not known to be revoked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The accounts server answered, and not that it did it: its word.
    #[error("Zoho did not revoke the token: {0}")]
    Refused(String),
    /// Too many calls.
    #[error("Zoho asks for fewer calls")]
    Throttled,
    /// No answer, or none that an accounts server gives. It may be revoked all the same.
    #[error("the accounts server gave no usable answer: {0}")]
    Unusable(String),
}

/// Gives access tokens: the accounts server, or a test's own.
pub trait TokenServer: fmt::Debug + Send + Sync + 'static {
    /// Asks once for an access token.
    fn grant(
        &self,
        client: &ClientKey,
        grant: &Grant,
    ) -> impl Future<Output = Result<Granted, GrantError>> + Send;
}

/// The accounts server of an endpoint.
pub struct Accounts {
    endpoint: Endpoint,
    timeout: Duration,
    /// Made with the first call: it loads the system's trust roots, and most runs find a token in the cache.
    http: OnceLock<Client>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Calls to it go through a client as hardened as the one for the API; `timeout` bounds each as a whole.
    pub const fn new(endpoint: Endpoint, timeout: Duration) -> Self {
        Self { endpoint, timeout, http: OnceLock::new() }
    }

    fn http(&self) -> Result<&Client, String> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = transport::build(&self.endpoint, self.timeout)
            .map_err(|error| ClientError::Setup(in_words(error)).to_string())?;
        Ok(self.http.get_or_init(|| http))
    }

    /// Revokes a refresh token, and with it its access tokens (Revoke page).
    ///
    /// The page documents `?token=` in the URL. A secret in a URL lands in the logs of every gateway on
    /// its way, so it goes into the form's body, which servers read in the same way; one that overlooks
    /// it does not say `success`, and then nobody claims that the token is revoked.
    pub async fn revoke(&self, token: &RefreshToken) -> Result<(), RevokeError> {
        let form = form(&[("token", token.expose())]);
        let (status, body, cut) =
            self.post("/oauth/v2/token/revoke", &form).await.map_err(RevokeError::Unusable)?;
        read_revocation(status, &body, cut)
    }

    /// One POST of a form; `Err` in words, free of what was sent.
    async fn post(
        &self,
        path: &str,
        form: &str,
    ) -> Result<(u16, Zeroizing<Vec<u8>>, bool), String> {
        let url = format!("{}{path}", self.endpoint.accounts());
        let url = Url::parse(&url).map_err(|error| error.to_string())?;
        let mut request = Request::new(Method::POST, url);
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, kind);
        *request.body_mut() = Some(form.to_owned().into());
        let mut response = self.http()?.execute(request).await.map_err(in_words)?;
        let (body, cut) = collect(&mut response, ANSWER_MAX).await;
        Ok((response.status().as_u16(), Zeroizing::new(body), cut))
    }
}

impl TokenServer for Accounts {
    async fn grant(&self, client: &ClientKey, grant: &Grant) -> Result<Granted, GrantError> {
        let (kind, name, secret) = match grant {
            Grant::Code(code) => ("authorization_code", "code", code.expose()),
            Grant::Refresh(token) => ("refresh_token", "refresh_token", token.expose()),
        };
        // Without redirect_uri: a self client has none (Self Client page).
        let form = form(&[
            ("grant_type", kind),
            ("client_id", client.id.as_str()),
            ("client_secret", client.secret.expose()),
            (name, secret),
        ]);
        let (status, body, cut) =
            self.post("/oauth/v2/token", &form).await.map_err(GrantError::Unusable)?;
        read_grant(&self.endpoint, status, &body, cut)
    }
}

fn form(fields: &[(&str, &str)]) -> Zeroizing<String> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    Zeroizing::new(form.extend_pairs(fields).finish())
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
