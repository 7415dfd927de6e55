//! The one HTTP client, hardened: what the defaults of an HTTP library do for pages in a browser
//! (follow a redirect, try again, ask a proxy) would send a deletion twice or to somebody else.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Once;
use std::time::Duration;

use reqwest::{Client, Request, Response, redirect, retry};

use crate::zoho::endpoint::Endpoint;
use crate::zoho::sent::{in_words, surely_not_sent};

/// How long to wait for the first byte of an answer, and between any two pieces of it. Zoho states no
/// figure; a server that is silent for so long is not going to answer within the whole call's time either.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(25);

/// How long a connection, TLS included, may take to come about.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a whole call may take by default, from connecting to the last byte of the answer.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of an answer is taken, in bytes after decompression. A full delete answer has about 10 kB.
pub const BODY_MAX: usize = 8 * 1024 * 1024;

/// Idle connections that are kept.
const IDLE_MAX: usize = 10;

/// Installs ring as the process's TLS provider. Building a client without one panics inside reqwest, so
/// this is called before every one; from the second time on it does nothing.
pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only when the program that uses this library installed a provider of its own, which
        // then serves as well.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}

/// Builds the client. `timeout` bounds every call as a whole: connecting, the wait for the first byte,
/// and the body.
pub(super) fn build(endpoint: &Endpoint, timeout: Duration) -> Result<Client, reqwest::Error> {
    install_crypto();
    // The name means this machine, whatever its resolver says; port 0 stands for the URL's own.
    let localhost =
        [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
    let builder = Client::builder()
        .retry(retry::never())
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .http1_only()
        .https_only(!endpoint.origin().is_loopback())
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .read_timeout(SILENCE_TIMEOUT.min(timeout))
        .timeout(timeout)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(IDLE_MAX)
        .resolve_to_addrs("localhost", &localhost)
        .user_agent(concat!("zoho-journal/", env!("CARGO_PKG_VERSION")));
    if endpoint.is_without_tls() {
        // A rehearsal needs no trust roots, so it also works where the system has none.
        builder.tls_certs_only([]).build()
    } else {
        builder.build()
    }
}

/// How a request gets to Zoho and its answer back. A simulation has a network of its own.
pub trait Wire: Send + Sync + 'static {
    /// Carries one request, once. Its answer's body may still be on its way.
    fn carry(&self, request: Request) -> impl Future<Output = Result<Response, Lost>> + Send;
}

/// No answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Whether not one byte of the request can have left.
    pub surely_not_sent: bool,
    /// Why, in words, without a URL.
    pub why: String,
}

impl Wire for Client {
    async fn carry(&self, request: Request) -> Result<Response, Lost> {
        self.execute(request).await.map_err(|error| Lost {
            surely_not_sent: surely_not_sent(&error),
            why: in_words(error),
        })
    }
}

/// Takes in a body chunk by chunk, and says whether it ended early: the connection broke, time ran out,
/// or it grew past `max` bytes. Compressed bodies are counted as they unfold.
pub(super) async fn collect(response: &mut Response, max: usize) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = max.saturating_sub(body.len());
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if chunk.len() > room {
                    return (body, true);
                }
            }
            Ok(None) => return (body, false),
            Err(_) => return (body, true),
        }
    }
}
