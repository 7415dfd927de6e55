//! The journal's real engine, wire and SQLite on a simulated disk, network and clock.
//!
//! A seed decides everything: what is asked for, what the network loses, delivers late or twice, what Zoho
//! answers, what other people do meanwhile, when somebody sets the clock, at which operation of the disk a
//! process dies, fails, or the power goes. [`oracle`] looks at the moment of each effect whether its intent is
//! durable; [`truth`] holds the journal against Zoho at the end.

#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a tool for tests: what cannot be set up ends it, and time is the runtime's own"
)]

pub mod chance;
pub mod clock;
pub mod connection;
pub mod ledger;
pub mod network;
pub mod office;
pub mod oracle;
pub mod orders;
pub mod people;
pub mod place;
pub mod process;
pub mod schedule;
pub mod story;
pub mod truth;
pub mod world;
