//! THE HTTP EDGE: the only place that names reqwest.
//!
//! How a write call is written is data, in [`crate::domain::calls`]; [`answer`] reads what came back, in
//! whatever envelope. Reads live in `reads`, one file a subject. [`client`] joins them over one hardened
//! HTTP client. [`accounts`] gives the access tokens that its calls carry.
//!
//! **Invariants:** one API call is at most one request on the wire, nothing is retried or redirected
//! here; no answer is taken for "nothing there" unless it says so completely; the access token appears
//! in the `Authorization` header and nowhere else, and the other secrets in the body of a form only.

pub mod accounts;
pub mod answer;
mod api;
pub mod client;
pub mod endpoint;
pub mod grant;
mod headers;
pub mod hosts;
pub mod probe;
mod reads;
pub mod secret;
mod sent;
#[cfg(test)]
mod testing;
pub mod token;
mod transport;
mod wire;

pub use api::{ListAsked, Zoho};
pub use client::{ClientError, ZohoClient};
pub use endpoint::{Endpoint, EndpointError};
pub use reads::{PageAt, ReadOf, RecordPage, ids_shown};
pub use transport::{BODY_MAX, CONNECT_TIMEOUT, DEFAULT_TIMEOUT, Lost, Wire, install_crypto};
