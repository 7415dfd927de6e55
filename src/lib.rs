//! An audited, SQLite-backed sync and deletion journal for Zoho CRM and Bigin.

pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod platform;
pub mod zoho;
