//! An audited, SQLite-backed sync and deletion journal for Zoho CRM and Bigin.

pub mod clock;
pub mod domain;
pub mod export;
pub mod intake;
pub mod zoho;
