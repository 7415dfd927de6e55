//! Features that meet: adoption, moves, signed approvals, rules and older schemas, through the binary.

use std::fs;
use std::process::Command;

use crate::cli_adopt::{adopt, keep, put_back, verifies};
use crate::cli_approve_signed::{NAMESPACE, has_ssh_keygen, key, sign};
use crate::cli_certificate::{contrib, go_program, key_file, named, python, write_all};
use crate::cli_upgrade::{beside, older};
use crate::env::{Env, lines};

const BERT: &str = "bert@example.com";

/// An adopted journal is another one: what was signed before names the one that it was, and counts for that alone.
#[test]
fn what_was_signed_before_an_adoption_stays_signed_and_is_good_for_nothing_else() {
    if !has_ssh_keygen() {
        return;
    }
    let mut env = Env::new(4);
    let bert = key(&env, "bert", "ed25519");
    let list = env.file("allowed_signers", format!("{BERT} {bert}"));
    env.set("JOURNAL_ALLOWED_SIGNERS", &list);
    let policy = ["policy", "set", "--rule", "delete:Leads=always", "--approver", "signed"];
    let pinned = ["--allowed-signers", &list, "--reason", "board"];
    env.journal([&policy[..], &pinned].concat()).exits(0);
    for lead in env.leads() {
        let args = ["delete", "Leads", "--from", "-", "--reason", "x", "--requested-by", "Anna"];
        env.journal_reading(args, lines(&[lead])).exits(0);
    }
    let ask = |requests: &[&str], name: &str| {
        env.journal([&["approve"], requests, &["--ask", name]].concat()).exits(0);
        sign(&env, "bert", NAMESPACE, name)
    };
    let approve = |requests: &[&str], signature: &str| {
        env.journal([&["approve"], requests, &["--as", BERT, "--signature", signature]].concat())
    };
    let signature = ask(&["R1", "R2"], "before.txt");
    // The key tells who approved, whoever typed it.
    let ran = approve(&["R1", "R2"], &signature).exits(0);
    assert!(!ran.stderr.contains("honour"), "{ran}");
    env.journal(["sync", "--yes"]).exits(0);
    let (unused, kept) = (ask(&["R3"], "unused.txt"), keep(&env, "kept.db"));
    env.journal(["pause", "--reason", "x"]).exits(0);
    put_back(&env, &kept);
    adopt(&env);
    let before = env.events();
    approve(&["R3"], &unused).exits(7);
    assert_eq!(env.events(), before);
    let after = ask(&["R3", "R4"], "after.txt");
    approve(&["R3", "R4"], &after).exits(0);
    verifies(&env);
    assert_eq!(env.journal(["verify", "--json"]).exits(0).json()["signed_approvals"], 4);
    let files = write_all(&env, &["R1", "R2", "R3", "R4", "-o", "given"]);
    let (given, key) = (named(&files, ".certificate.json"), key_file(&env));
    let ran = env.journal([&["verify", "--key", &key, "--certificate"], &given[..]].concat());
    let checked = ran.exits(0).stdout;
    assert_eq!(checked.matches("over a list of requests that holds exactly").count(), 4);
    let program = contrib("verify_certificate.py");
    if let Some(ran) = python(&[&[program.as_str(), "--key", &key], &given[..]].concat()) {
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    if let Some(program) = go_program() {
        let key = fs::read_to_string(&key).unwrap();
        let ran = Command::new(program).arg(key.trim_end()).args(&given).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    }
}

#[test]
fn a_journal_of_an_older_schema_is_adopted_and_the_upgrade_is_told() {
    let env = older();
    fs::remove_file(beside(&env, ".anchor")).unwrap();
    let ran = env.journal(["adopt", "--reason", "the anchor is lost"]).exits(8);
    assert!(!ran.stderr.contains("upgraded") && !beside(&env, ".v1.backup").exists(), "{ran}");
    let ran = env.journal(["adopt", "--reason", "the anchor is lost", "--yes"]).exits(0);
    assert_eq!(ran.stderr.matches("The journal was upgraded from schema 1 to ").count(), 1);
    assert!(ran.stderr.contains("/journal.db.v1.backup.\n"), "{ran}");
    assert_eq!(env.states(), "done 7, failed 1, unknown 6");
    verifies(&env);
    // The dead run wrote nothing more; the adoption did.
    let status = env.journal(["status"]).exits(0);
    assert!(status.stdout.contains("it last wrote at 2026-11-22T05:59:03"), "{status}");
    // The copy is one of a journal that is lost, and becomes one of its own.
    let copy = beside(&env, ".v1.backup").display().to_string();
    let args = ["--db", &copy, "adopt", "--reason", "x", "--yes", "--json"];
    let told = env.journal(args).exits(0).json();
    assert_eq!((&told["cause"], &told["unknown"]), (&"copy".into(), &4.into()), "{told}");
    env.journal(["--db", &copy, "verify"]).exits(0);
}

#[test]
fn moving_an_older_journal_tells_that_it_was_upgraded_also_where_it_stays() {
    let env = older();
    let to = env.dir.path().join("moved.db").display().to_string();
    let ran = env.journal(["backup", &to, "--move"]).exits(7);
    assert!(ran.stderr.contains("The journal was upgraded from schema 1 to "), "{ran}");
    env.journal(["replay", "R4", "--yes"]).exits(0);
    env.journal(["backup", &to, "--move"]).exits(0);
    env.journal(["--db", &to, "verify"]).exits(0);
    // The closed one does not name a command that it refuses.
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert!(plan["refused_by"].as_str().unwrap().contains("it was moved to "), "{plan}");
    assert!(plan["next"].as_str().unwrap().ends_with("moved.db status"), "{plan}");
}

/// Whatever was set in the lost part is not there to stop anything.
#[test]
fn adopting_says_what_is_to_be_set_anew() {
    let env = Env::new(2);
    let kept = keep(&env, "kept.db");
    let lead = env.leads()[0].to_string();
    env.journal(["hold", "add", "Leads", &lead, "--reason", "case 7"]).exits(0);
    put_back(&env, &kept);
    let ran = env.journal(["adopt", "--reason", "x", "--yes"]).exits(0);
    assert!(ran.stderr.contains("Holds, pauses, policies and erasures of a part"), "{ran}");
}

#[test]
fn an_undo_that_a_rule_keeps_back_says_that_it_waits() {
    let env = Env::new(2);
    env.record(&env.leads());
    env.journal(["sync", "--yes"]).exits(0);
    let rule = ["policy", "set", "--rule", "restore:Leads=always", "--reason", "board"];
    env.journal(rule).exits(0);
    let ran = env.journal(["undo", "R1", "--reason", "x", "--requested-by", "Anna"]).exits(0);
    assert!(ran.stdout.contains("before a second person approved it"), "{ran}");
    env.journal(["sync", "--yes"]).exits(8);
    env.journal(["approve", "R2", "--as", "Bert"]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!((env.states().as_str(), env.leads().len()), ("done 4", 2));
}

/// What only `--snapshot full` brings with it.
#[cfg(feature = "full-snapshot")]
mod full {
    use super::*;
    use crate::cli_full_snapshot::World;

    /// Points of small order and what is no number below the prime: the library that encrypts panics at some.
    #[test]
    fn a_recipient_that_is_nobody_is_refused_before_anything_is_recorded() {
        let env = Env::new(1);
        let lead = env.leads()[0].to_string();
        for key in [
            "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
            "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhqqqzyt4v9",
        ] {
            let args = ["delete", "Leads", &lead, "--reason", "x", "--snapshot", "full"];
            let args = [&args[..], &["--snapshot-recipient", key]].concat();
            let ran = env.journal(args).exits(2);
            assert!(ran.stderr.contains("nobody has a secret key to it, or everybody"), "{ran}");
        }
        assert_eq!(env.events(), 1);
    }

    #[test]
    fn a_copy_that_the_lost_part_made_is_not_said_never_to_have_been_possible() {
        let world = World::new(3);
        let leads = world.env.leads();
        world.record(&leads[..2], &[]);
        world.env.journal(["cancel", "E2", "--reason", "x"]).exits(0);
        let kept = keep(&world.env, "kept.db");
        world.env.journal(["sync", "--yes"]).exits(0);
        put_back(&world.env, &kept);
        adopt(&world.env);
        let shown = |entry: &str| world.env.journal(["show", entry]).exits(0).stdout;
        assert!(shown("E1").contains("none yet; before it is deleted one is kept"));
        world.env.journal(["replay", "--yes"]).exits(0);
        assert_eq!(world.env.states(), "cancelled 1, done 1");
        assert!(shown("E1").contains("none here: if there was one, it was lost with"));
        assert!(shown("E2").contains("none: it was not sent"), "{}", shown("E2"));
        world.env.journal(["undo", "E1", "--reason", "x"]).exits(0);
        world.env.journal(["sync", "--yes"]).exits(0);
        verifies(&world.env);
    }
}
