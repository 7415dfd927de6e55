//! An audited, SQLite-backed sync and deletion journal for Zoho CRM and Bigin.
//!
//! Read in this order: [`domain`] holds the rules and nothing else; [`store`] and [`zoho`] are the two
//! edges, SQLite and HTTP; [`reconcile`] joins them; [`auth`] knows who signs in; [`evidence`] is what outsiders check; [`cli`] is the
//! program.

#![forbid(unsafe_code)]

pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod evidence;
pub mod export;
pub mod intake;
pub mod planted;
pub mod platform;
pub mod reconcile;
pub mod sealing;
pub mod simulator;
pub mod store;
pub mod zoho;
