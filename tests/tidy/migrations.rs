//! Migrations are never edited: journals record the hash of what made them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use sha2::{Digest, Sha256};

use crate::none;
use crate::source::{files, in_package};

/// The migrations that there are, each with the SHA-256 of its bytes.
const MIGRATIONS: &[(&str, &str)] = &[
    (
        "migrations/V1__create_journal.sql",
        "509b0640c5fb856d76084955f787d41e15d75fb0f6804ebbf59a6f040125509a",
    ),
    (
        "migrations/V2__every_operation.sql",
        "d610d8259527f4e8f2b5fd5af7329c5b8a7d47e20bc1d8da95dc23560bbe9a32",
    ),
    (
        "migrations/V3__usage_and_breaker.sql",
        "2cac5fd2cf00cd5b9efc11bcb20349319783008bd918e6fd8ec667151bcdd34c",
    ),
    (
        "migrations/V4__undo_and_recheck.sql",
        "9f806402f36bb8948bc4e42e5814a3ea56d652dc4377cfb8c024bfafcdc246d6",
    ),
    (
        "migrations/V5__approvals_and_holds.sql",
        "39a2c249d0259c19476376663b48cd9a780a400e162fcf6ac3d1594bb81057bd",
    ),
    (
        "migrations/V6__forget.sql",
        "197107768ab6e799841492dfe62fadd93eebc49709a4f71a91be9aaeee8b6546",
    ),
    (
        "migrations/V7__adoption_and_full_snapshots.sql",
        "670e7ebf2e0227273d3eb2aeb5c5c5bfa97b548c23e1f99772c4f59fe4673390",
    ),
];

fn changed_migrations(pinned: &[(&str, &str)], found: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, bytes) in found {
        let mut hash = String::new();
        for byte in Sha256::digest(bytes) {
            write!(hash, "{byte:02x}").unwrap();
        }
        match pinned.iter().find(|(name, _)| name == path) {
            None => findings.push(format!("{path} is new: add it to MIGRATIONS with {hash}")),
            Some((_, expected)) if *expected != hash => findings.push(format!(
                "{path} was edited: its SHA-256 is now {hash}. Journals record the hash of what made \
                 them; `verify` reports any other, and no upgrade goes on from it. Take the edit back \
                 and add a migration with the next number. Only the newest one may be edited before it \
                 was released (see CHANGELOG.md): write its new hash into MIGRATIONS, and make \
                 development journals anew"
            )),
            Some(_) => {}
        }
    }
    let gone = pinned.iter().filter(|(path, _)| !found.contains_key(*path));
    findings.extend(gone.map(|(path, _)| format!("{path} is gone: journals need it")));
    findings
}

#[test]
fn no_migration_is_edited_unnoticed() {
    let read = |path: String| (path.clone(), fs::read(in_package(&path)).unwrap());
    let found = files("migrations", "sql").into_iter().map(read).collect();
    none(&changed_migrations(MIGRATIONS, &found));
}

#[test]
fn an_edited_a_new_and_a_removed_migration_are_found() {
    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let pinned = [("m/V1.sql", OF_ABC)];
    let found = |files: &[(&str, &str)]| {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        changed_migrations(&pinned, &files.iter().map(own).collect())
    };
    assert_eq!(found(&[("m/V1.sql", "abc")]), [""; 0]);
    assert!(found(&[("m/V1.sql", "abd")])[0].contains("was edited"));
    assert!(found(&[("m/V1.sql", "abc"), ("m/V2.sql", "x")])[0].contains("is new"));
    assert!(found(&[])[0].contains("is gone"));
}
