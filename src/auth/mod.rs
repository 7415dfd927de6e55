//! Signing in: where the secrets come from, the token cache, and one token for many.
//!
//! Knows the Zoho edge, settings and files; never the store, the engine or the command line. It prints
//! nothing and asks nobody.
//!
//! **Invariants:** no secret has a Debug, Display or serde form but in the two files that are made to
//! hold it ([`stored`] and [`cache`]); no token is used or cached whose `api_domain` was not checked; of
//! all processes of a sign-in one at a time asks Zoho for a token.

pub mod cache;
pub mod command;
#[cfg(feature = "keyring")]
pub mod keyring;
pub mod session;
pub mod sources;
pub mod stored;

pub use session::Session;
pub use sources::{Given, Item, Means, Place, SourceError, Sources};
