//! Tests through the public API and the real binary, against the simulator over real loopback HTTP and a
//! real SQLite file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    reason = "tests"
)]

mod adversary;
mod auth;
mod auth_canary;
mod cli_adopt;
mod cli_approve;
mod cli_approve_several;
mod cli_approve_signed;
mod cli_backup;
mod cli_cancel;
mod cli_certificate;
mod cli_certificate_decided;
mod cli_certificate_thousands;
mod cli_claimed;
mod cli_config;
mod cli_crash;
mod cli_crash_auth;
mod cli_crash_things;
mod cli_demo;
mod cli_doctor;
mod cli_evidence_texts;
mod cli_forget;
mod cli_full_approved;
mod cli_full_shred;
mod cli_full_snapshot;
mod cli_full_without;
mod cli_hold;
mod cli_jobs;
mod cli_move;
mod cli_pause;
mod cli_plan;
mod cli_policy_rules;
mod cli_policy_signers;
mod cli_recheck;
mod cli_record;
mod cli_record_plan;
mod cli_record_tags;
mod cli_record_unlink;
mod cli_record_untag;
mod cli_replay;
mod cli_settle;
mod cli_setup;
mod cli_sync;
mod cli_together;
mod cli_truth;
mod cli_undo;
mod cli_undo_report;
mod cli_undo_rest;
mod cli_upgrade;
mod clocks;
mod engine;
mod env;
mod forecast;
mod hostile;
mod middle;
mod odd_answers;
mod operations;
mod pace;
mod world;
