//! THE HTTP EDGE: the only place that names reqwest.
//!
//! Write calls: one file an operation ([`delete`]) says how a call is written, [`versions`] what each
//! API version takes, and [`answer`] reads what came back, in whatever envelope. Reads live in `reads`,
//! one file a subject. [`client`] joins them over one hardened HTTP client.
//!
//! **Invariants:** one method call is at most one request on the wire, nothing is retried or redirected
//! here; no answer is taken for "nothing there" unless it says so completely; the access token appears
//! in the `Authorization` header and nowhere else.

pub mod answer;
mod api;
pub mod client;
pub mod cost;
pub mod delete;
pub mod endpoint;
mod headers;
pub mod hosts;
mod reads;
pub mod request;
mod sent;
#[cfg(test)]
mod testing;
mod transport;
pub mod versions;
mod wire;

pub use api::Zoho;
pub use client::{ClientError, ZohoClient};
pub use endpoint::{Endpoint, EndpointError};
pub use transport::{BODY_MAX, CONNECT_TIMEOUT, DEFAULT_TIMEOUT, install_crypto};
