//! Zoho over HTTP: [`crate::zoho::Zoho`] for one endpoint and one source of access tokens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_MODIFIED_SINCE};
use reqwest::{Method, Request, Url};
use secrecy::SecretString;

use crate::clock::Clock;
use crate::domain::answer::{
    Deletion, JobSeen, ModuleInfo, OrgInfo, Page, RawAnswer, Read, ReadError, RecordSeen, Related,
    SendError, SignInError, TagSeen, UserInfo,
};
use crate::domain::call::PreparedBatch;
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::target::{ApiVersion, Product};
use crate::domain::time::Timestamp;
use crate::planted::Mistake;
use crate::zoho::api::{ListAsked, Zoho};
use crate::zoho::endpoint::Endpoint;
use crate::zoho::headers::told;
use crate::zoho::reads::{self, Fetched, PageAt, RecordPage};
use crate::zoho::sent::in_words;
use crate::zoho::token::{FixedToken, TokenNumber, TokenSource};
use crate::zoho::transport::{self, BODY_MAX, Lost, Wire, collect};

/// Why no client came about. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The HTTP client could not be built, for example because the system has no trust roots.
    #[error(
        "the HTTP client could not be set up: {0}; are the system's CA certificates installed?"
    )]
    Setup(String),
    /// The token holds characters that cannot stand in a header. It is not shown.
    #[error("the access token is empty or holds blanks or control characters: sign in again")]
    Token,
}

/// Zoho over HTTP.
///
/// Building one loads the system's trust roots, which takes milliseconds: commands that only look at the
/// journal should not.
pub struct ZohoClient<C, W = reqwest::Client> {
    wire: W,
    endpoint: Endpoint,
    tokens: Arc<dyn TokenSource>,
    clock: Arc<C>,
    body_max: usize,
}

impl<C, W> fmt::Debug for ZohoClient<C, W> {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZohoClient").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl<C: Clock> ZohoClient<C> {
    /// Makes a client with one token that nothing renews; `timeout` bounds each call as a whole.
    pub fn new(
        endpoint: Endpoint,
        token: &SecretString,
        timeout: Duration,
        clock: Arc<C>,
    ) -> Result<Self, ClientError> {
        Self::signed_in(endpoint, Arc::new(FixedToken::new(token)?), timeout, clock)
    }

    /// Makes a client whose calls carry the token that is in force when they leave.
    pub fn signed_in(
        endpoint: Endpoint,
        tokens: Arc<dyn TokenSource>,
        timeout: Duration,
        clock: Arc<C>,
    ) -> Result<Self, ClientError> {
        let http = transport::build(&endpoint, timeout)
            .map_err(|error| ClientError::Setup(in_words(error)))?;
        Ok(Self::over(http, endpoint, tokens, clock))
    }
}

impl<C: Clock, W: Wire> ZohoClient<C, W> {
    /// Makes a client whose calls take this wire, which bounds the time that each takes.
    pub fn over(wire: W, endpoint: Endpoint, tokens: Arc<dyn TokenSource>, clock: Arc<C>) -> Self {
        Self { wire, endpoint, tokens, clock, body_max: BODY_MAX }
    }

    /// Takes at most so many bytes of an answer's body, after decompression; the rest counts as cut.
    #[must_use]
    pub fn with_body_max(mut self, bytes: usize) -> Self {
        self.body_max = bytes;
        self
    }

    /// Where calls go.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Builds a request whose line is exactly what was asked for; `Err` in words, before anything left.
    fn build(&self, method: &str, path_and_query: &str) -> Result<Request, String> {
        let url = format!("{}{path_and_query}", self.endpoint.api());
        let url = Url::parse(&url).map_err(|error| error.to_string())?;
        // What is recorded must be what is sent: a URL parser that repairs anything here is a bug.
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        if format!("{}{query}", url.path()) != path_and_query {
            return Err("the request line would differ from the recorded one".to_owned());
        }
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
        let token = self.tokens.current().ok_or("there is no access token")?;
        let mut request = Request::new(method, url);
        request.headers_mut().insert(AUTHORIZATION, token.authorization());
        Ok(request)
    }

    async fn get(&self, path: &str, since: Option<Timestamp>) -> Result<Fetched, ReadError> {
        let mut request = self.build("GET", path).map_err(ReadError::Unreachable)?;
        if let Some(since) = since {
            let since = HeaderValue::from_str(&since.to_whole_seconds())
                .map_err(|error| ReadError::Unreachable(error.to_string()))?;
            request.headers_mut().insert(IF_MODIFIED_SINCE, since);
        }
        let carried = self.wire.carry(request).await;
        let mut response = carried.map_err(|lost| ReadError::Unreachable(lost.why))?;
        let (body, cut) = collect(&mut response, self.body_max).await;
        Ok(Fetched {
            http_status: response.status().as_u16(),
            body,
            cut,
            told: told(response.headers(), self.clock.now()),
        })
    }
}

impl<C: Clock, W: Wire> Zoho for ZohoClient<C, W> {
    fn token(&self) -> Option<TokenNumber> {
        self.tokens.current().map(|token| token.number())
    }

    async fn sign_in(&self, refused: Option<TokenNumber>) -> Result<(), SignInError> {
        self.tokens.sign_in(refused).await
    }

    async fn submit(&self, batch: &PreparedBatch) -> Result<RawAnswer, SendError> {
        let write = batch.request().map_err(|error| SendError::NotSent(error.to_string()))?;
        let mut request =
            self.build(&write.method, &write.path_and_query).map_err(SendError::NotSent)?;
        if let Some(body) = write.body {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
            *request.body_mut() = Some(body.into());
        }
        let sent_at = self.clock.now();
        // The second look at the deadline: the machine may have slept since the first. A call that
        // leaves late would take effect when nobody looks for it any more.
        if sent_at > batch.send_by() && !Mistake::SendsLate.is_made() {
            return Err(SendError::NotSent(format!(
                "the batch was to be sent by {}",
                batch.send_by()
            )));
        }
        let carried = self.wire.carry(request).await;
        let mut response = carried.map_err(|Lost { surely_not_sent, why }| {
            if surely_not_sent {
                SendError::NotSent(why)
            } else {
                SendError::NoAnswer { why, sent_at }
            }
        })?;
        let (body, cut) = collect(&mut response, self.body_max).await;
        let answered_at = self.clock.now();
        let told = told(response.headers(), answered_at);
        Ok(RawAnswer {
            http_status: response.status().as_u16(),
            body,
            cut,
            date: told.date,
            retry_after: told.retry_after,
            credits_remaining: told.credits_remaining,
            sent_at,
            answered_at,
        })
    }

    async fn read_org(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> Result<Read<OrgInfo>, ReadError> {
        let path = reads::identity::org_path(product, version)?;
        self.get(&path, None).await?.read(|fetched| reads::identity::org(fetched, product))
    }

    async fn read_current_user(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> Result<Read<UserInfo>, ReadError> {
        let path = reads::identity::user_path(product, version)?;
        self.get(&path, None).await?.read(reads::identity::user)
    }

    async fn read_module(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
    ) -> Result<Read<ModuleInfo>, ReadError> {
        let path = reads::module::path(product, version, module)?;
        self.get(&path, None).await?.read(|fetched| reads::module::read(fetched, module))
    }

    async fn read_bin(
        &self,
        _module: &ModuleName,
        ids: &[RecordId],
    ) -> Result<Read<Vec<Deletion>>, ReadError> {
        let path = reads::bin::path(ids)?;
        self.get(&path, None).await?.read(|fetched| reads::bin::read(fetched, ids))
    }

    async fn read_deleted(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        since: Timestamp,
        page: u32,
    ) -> Result<Read<Page<Deletion>>, ReadError> {
        let path = reads::deleted::path(product, version, module, page)?;
        self.get(&path, Some(since)).await?.read(reads::deleted::read)
    }

    async fn read_records(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        ids: &[RecordId],
        with_tags: bool,
    ) -> Result<Read<Vec<RecordSeen>>, ReadError> {
        let path = reads::records::path(product, version, module, ids, with_tags)?;
        self.get(&path, None).await?.read(|fetched| reads::records::read(fetched, ids, with_tags))
    }

    async fn read_whole_record(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        id: RecordId,
    ) -> Result<Read<Option<SecretString>>, ReadError> {
        let path = reads::whole::path(product, version, module, id)?;
        self.get(&path, None).await?.read(|fetched| reads::whole::read(fetched, id))
    }

    async fn read_record_page(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        at: &PageAt,
    ) -> Result<Read<RecordPage>, ReadError> {
        let path = reads::records::page_path(product, version, module, at)?;
        self.get(&path, None).await?.read(|fetched| reads::records::read_page(fetched, at))
    }

    async fn read_related(
        &self,
        list: &ListAsked<'_>,
        ids: &[RecordId],
        page: u32,
    ) -> Result<Read<Option<Page<Related>>>, ReadError> {
        let path = reads::related::path(list, ids, page)?;
        self.get(&path, None).await?.read(|fetched| reads::related::read(fetched, ids))
    }

    async fn read_tags(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
    ) -> Result<Read<Vec<TagSeen>>, ReadError> {
        let path = reads::tags::path(product, version, module)?;
        self.get(&path, None).await?.read(reads::tags::read)
    }

    async fn read_job(
        &self,
        product: Product,
        version: ApiVersion,
        job: &str,
    ) -> Result<Read<JobSeen>, ReadError> {
        let path = reads::job::path(product, version, job)?;
        self.get(&path, None).await?.read(|fetched| reads::job::read(fetched, job))
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
