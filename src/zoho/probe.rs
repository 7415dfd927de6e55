//! Whether a server answers at all: one plain request without a token, and what its clock says.

use std::fmt;
use std::time::Duration;

use reqwest::{Method, Request, Url};

use crate::clock::Clock;
use crate::zoho::client::ClientError;
use crate::zoho::endpoint::Endpoint;
use crate::zoho::headers::told;
use crate::zoho::sent::in_words;
use crate::zoho::transport;

/// What a server that answers shows. Its status does not matter: name, address, TLS and HTTP worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// How long it took, connecting included.
    pub took: Duration,
    /// How far the server's clock is ahead of ours, in milliseconds; `None` where it does not tell the time.
    /// The header has whole seconds, so half a second either way means nothing.
    pub ahead_ms: Option<i64>,
}

/// Asks servers whether they are there.
pub struct Prober<C> {
    http: reqwest::Client,
    clock: C,
}

impl<C> fmt::Debug for Prober<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober").finish_non_exhaustive()
    }
}

impl<C: Clock> Prober<C> {
    /// Makes one, with the same client as every call; `timeout` bounds each question as a whole.
    pub fn new(endpoint: &Endpoint, timeout: Duration, clock: C) -> Result<Self, ClientError> {
        let http = transport::build(endpoint, timeout)
            .map_err(|error| ClientError::Setup(in_words(error)))?;
        Ok(Self { http, clock })
    }

    /// Asks a base URL, without any token. `Err` says in words why nothing came back.
    pub async fn ask(&self, base: &str) -> Result<Answered, String> {
        let url = Url::parse(base).map_err(|error| error.to_string())?;
        let (began, since) = (self.clock.now(), self.clock.elapsed());
        let answer = self.http.execute(Request::new(Method::GET, url)).await.map_err(in_words)?;
        let took = self.clock.elapsed().saturating_sub(since);
        let date = told(answer.headers(), began).date;
        let ahead_ms = date.map(|date| {
            // Between the whole second that is told and the next one, and between asking and answer.
            let (theirs, ours) = (date.plus(Duration::from_millis(500)), began.plus(took / 2));
            theirs.millis().saturating_sub(ours.millis())
        });
        Ok(Answered { took, ahead_ms })
    }
}
