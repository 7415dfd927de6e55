//! Whoever approves a deletion with full snapshots reads and signs whose key opens them.

#![cfg(feature = "full-snapshot")]

use std::process::Command;

use crate::cli_approve_signed::{NAMESPACE, fingerprint, has_ssh_keygen, key, sign};
use crate::cli_certificate::{contrib, go_program, key_file, named, python, verify, write_all};
use crate::cli_full_snapshot::{World, verifies};

const BERT: &str = "bert@example.com";

#[test]
fn who_approves_whole_copies_is_told_for_whom_they_are_also_without_a_signature() {
    let mut world = World::new(1);
    world.env.set("JOURNAL_REQUIRE_APPROVAL", "always");
    world.record(&world.env.leads(), &["--snapshot-retention", "36h"]);
    let recipient = world.recipient();
    let shown = world.env.journal(["show", "R1", "--json"]).exits(0).json();
    assert_eq!(shown["full_snapshots"]["recipient"], recipient.as_str());
    assert_eq!(shown["full_snapshots"]["retention"], 36 * 3600);
    let ran = world.env.journal(["approve", "R1", "--as", "Bert"]).exits(0);
    let told = format!("a full copy of each record, kept for 1 d 12 h, encrypted to {recipient}");
    assert!(ran.stdout.contains(&told), "{ran}");
    let again = world.env.journal(["approve", "R1", "--as", "Bert", "--json"]).exits(7);
    assert!(again.error().contains("R1"), "{again}");
}

#[test]
fn the_kinds_of_events_stand_in_one_column_however_long_they_are() {
    let world = World::deleted(1);
    world.env.journal(["forget", "E1", "--snapshots", "--reason", "x", "--yes"]).exits(0);
    for args in [&["log"][..], &["log", "--kind", "full_snapshots_shredded", "--kind", "bound"]] {
        let ran = world.env.journal(args.to_vec()).exits(0);
        assert!(ran.stdout.contains("full_snapshots_shredded  "), "{ran}");
        let wide = "full_snapshots_shredded".len();
        for line in ran.stdout.lines() {
            // Number and time, then the kind, two blanks, and the text.
            let rest = line.get("      0  2026-01-01T00:00:00.000Z  ".len()..).unwrap();
            let (kind, told) = rest.split_at(wide + 2);
            assert!(kind.ends_with("  ") && !told.starts_with(' '), "{line}");
            assert!(!kind.trim_end().contains(' '), "{line}");
        }
    }
}

#[test]
fn a_signature_is_over_whose_key_opens_the_copies_and_every_verifier_says_so() {
    if !has_ssh_keygen() {
        return;
    }
    let mut world = World::new(2);
    let bert = key(&world.env, "bert", "ed25519");
    let list = world.env.file("allowed_signers", format!("{BERT} {bert}"));
    world.env.set("JOURNAL_ALLOWED_SIGNERS", list);
    let policy = ["policy", "set", "--require-approval", "always", "--approver", "signed"];
    world.env.journal([&policy[..], &["--reason", "board"]].concat()).exits(0);
    let leads = world.env.leads();
    world.record(&leads[..1], &[]);
    let plain = ["delete", "Leads", &leads[1].to_string(), "--reason", "clean-up"];
    world.env.journal(plain).exits(0);
    let read = |file: &str| std::fs::read_to_string(world.env.dir.path().join(file)).unwrap();
    let recipient = world.recipient();
    let line = format!("full snapshots: kept for 90 d, encrypted to {recipient}");
    world.env.journal(["approve", "R1", "--ask", "R1.txt"]).exits(0);
    assert!(read("R1.txt").lines().any(|one| one == line), "{}", read("R1.txt"));
    world.env.journal(["approve", "R2", "--ask", "R2.txt"]).exits(0);
    assert!(!read("R2.txt").contains("full snapshots"), "{}", read("R2.txt"));
    // In a list each request has its own.
    world.env.journal(["approve", "R1", "R2", "--ask", "both.txt"]).exits(0);
    assert!(read("both.txt.R1").contains(&line) && !read("both.txt.R2").contains("snapshots"));

    // What was signed without the line is of another text.
    world.env.file("other.txt", read("R1.txt").replace(&format!("{line}\n"), ""));
    let other = sign(&world.env, "bert", NAMESPACE, "other.txt");
    world.env.journal(["approve", "R1", "--as", BERT, "--signature", &other]).exits(7);
    let signature = sign(&world.env, "bert", NAMESPACE, "R1.txt");
    let args = ["approve", "R1", "--as", BERT, "--signature", &signature, "--json"];
    let approved = world.env.journal(args).exits(0).json();
    assert_eq!(approved["approved"][0]["full_snapshots"]["recipient"], recipient.as_str());
    let signature = sign(&world.env, "bert", NAMESPACE, "R2.txt");
    let args = ["approve", "R2", "--as", BERT, "--signature", &signature, "--json"];
    let approved = world.env.journal(args).exits(0).json();
    assert!(approved["approved"][0].get("full_snapshots").is_none(), "{approved}");
    world.env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(world.env.states(), "done 2");
    verifies(&world.env);

    let files = write_all(&world.env, &["E1", "E2", "-o", "out"]);
    let signing_key = key_file(&world.env);
    let certificates = named(&files, ".certificate.json");
    verify(&world.env, &certificates, Some(&signing_key)).exits(0);
    let page = std::fs::read_to_string(named(&files, "E1.certificate.md")[0]).unwrap();
    let whose = fingerprint(&world.env, "bert");
    assert!(page.contains(&format!("of the key {whose}, over exactly this request")), "{page}");
    if let Some(program) = go_program() {
        let key = std::fs::read_to_string(&signing_key).unwrap();
        let seen = Command::new(program).arg(key.trim_end()).args(&certificates).output().unwrap();
        let told = String::from_utf8_lossy(&seen.stdout);
        assert_eq!(
            (seen.status.code(), told.matches("verified: ").count()),
            (Some(0), 2),
            "{told}"
        );
    }
    let script = contrib("verify_certificate.py");
    let args = [script.as_str(), "--key", &signing_key].into_iter().chain(certificates);
    let Some(seen) = python(&args.collect::<Vec<_>>()) else { return };
    let told = String::from_utf8_lossy(&seen.stdout).into_owned();
    let signed = told.matches(&format!("signed with {whose}")).count();
    assert_eq!((seen.status.code(), signed), (Some(0), 2), "{told}");
    assert!(!told.contains("not checked"), "{told}");
}
