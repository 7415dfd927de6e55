//! What is sent is what was recorded and approved: rows that somebody edits behind the program's back are not.

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use zoho_journal::simulator::Config;

use crate::cli_approve_signed::{NAMESPACE, has_ssh_keygen, key, sign};
use crate::env::{Env, config, lines};

/// Edits the journal as somebody does who knows how to get around triggers.
fn edit(env: &Env, sql: &str) {
    let conn = Connection::open(env.db()).unwrap();
    conn.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    assert!(!conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap());
    conn.execute_batch(&format!("PRAGMA ignore_check_constraints = ON; {sql}")).unwrap();
}

#[test]
fn what_was_approved_and_edited_since_is_not_sent() {
    for (sql, what) in [
        ("UPDATE entry SET target = :other WHERE id = 1", "one of E1 to E2"),
        ("UPDATE entry SET row = 7 WHERE id = 2", "one of E1 to E2"),
        ("UPDATE request SET workflows = NOT workflows", "its choice of workflows"),
        ("UPDATE request SET approved_seq = seq", "its approval"),
        ("UPDATE request SET valid_until_ms = valid_until_ms + 1", "its approval"),
        ("UPDATE scope SET module = 'Contacts'", "one of E1 to E2"),
    ] {
        let mut env = Env::new(3);
        env.set("JOURNAL_REQUIRE_APPROVAL", "always");
        let leads = env.leads();
        env.record(&leads[..2]);
        env.journal(["approve", "R1", "--as", "Bert"]).exits(0);
        edit(&env, &sql.replace(":other", &leads[2].to_string()));
        let ran = env.journal(["sync", "--yes", "--json"]).exits(12);
        let summary = ran.summary();
        let said = summary["stopped_by"].as_str().unwrap();
        assert!(said.starts_with("R1: ") && said.contains(what), "{sql}: {said}");
        assert!(summary["next"].as_str().unwrap().contains("journal verify"), "{summary}");
        assert_eq!(env.sent(), 0, "{sql}");
        env.journal(["verify"]).exits(12);
    }
}

#[test]
fn an_approval_that_nobody_gave_is_none() {
    let mut env = Env::new(2);
    env.set("JOURNAL_REQUIRE_APPROVAL", "always");
    env.record(&env.leads());
    edit(
        &env,
        "UPDATE request SET awaits = 0, second = 1; UPDATE entry SET state = 3;
         UPDATE tally SET state = 3 WHERE state = 2",
    );
    let ran = env.journal(["sync", "--yes"]).exits(12);
    assert!(ran.stderr.contains("R1: its approval is not what the log says"), "{ran}");
    assert_eq!(env.sent(), 0);
}

#[test]
fn an_edit_while_the_run_is_on_is_found_at_the_next_claim() {
    let env = Env::with(Config { latency_ms: 400, ..config(301) });
    let leads = env.leads();
    env.record(&leads[..300]);
    let run = env.start(["sync", "--yes", "--concurrency", "1", "--json"]);
    env.next_write();
    edit(&env, &format!("UPDATE entry SET target = {} WHERE id = 290", leads[300]));
    let ran = crate::env::Ran::of_child(run).exits(12);
    let said = ran.summary()["stopped_by"].as_str().unwrap().to_owned();
    assert!(said.starts_with("R1: E290 is not what the log says was recorded"), "{said}");
    assert_eq!(env.states(), "done 200, pending 100");
    // Other requests go on: what was edited is withdrawn, or the journal is mended from a backup.
    let args = ["delete", "Leads", "--from", "-", "--reason", "x", "--again"];
    env.journal_reading(args, lines(&leads[300..])).exits(0);
    env.journal(["sync", "R2", "--yes"]).exits(0);
}

#[test]
fn a_signature_counts_only_while_the_list_that_is_set_allows_it() {
    if !has_ssh_keygen() {
        return;
    }
    let mut env = Env::new(2);
    let bert = key(&env, "bert", "ed25519");
    let carla = key(&env, "carla", "ed25519");
    let (bert, carla) = (format!("bert@example.com {bert}"), format!("carla@example.com {carla}"));
    let list = env.file("allowed_signers", format!("{bert}{carla}"));
    env.set("JOURNAL_ALLOWED_SIGNERS", list.clone());
    let policy = ["policy", "set", "--require-approval", "always", "--approver", "signed"];
    env.journal([&policy[..], &["--reason", "board"]].concat()).exits(0);
    env.record(&env.leads());
    let approve = |who: &str| {
        env.journal(["approve", "R1", "--ask", "R1.txt"]).exits(0);
        let signature = sign(&env, who, NAMESPACE, "R1.txt");
        let name = format!("{who}@example.com");
        env.journal(["approve", "R1", "--as", &name, "--signature", &signature]).exits(0);
    };
    approve("bert");

    // Nobody can tell without a list: nothing is recorded, and nothing has to be approved anew.
    let events = env.events();
    let path = env.dir.path().join("allowed_signers");
    std::fs::rename(&path, env.dir.path().join("away")).unwrap();
    let ran = env.journal(["sync", "--yes"]).exits(8);
    assert!(ran.stderr.contains("R1 was approved by signature, and "), "{ran}");
    assert!(ran.stderr.contains("JOURNAL_ALLOWED_SIGNERS"), "{ran}");
    assert!(env.journal(["plan"]).exits(0).stdout.contains("approved by signature"), "plan");
    let ran = env.shell("unset JOURNAL_ALLOWED_SIGNERS; \"$@\"", ["sync", "--yes"]).exits(8);
    assert!(ran.stderr.contains("no list of allowed signers is set"), "{ran}");
    assert_eq!(env.events(), events);

    // A pattern is for ssh-keygen to judge.
    for content in [&carla, &carla.replace("carla@example.com", "*arla@example.com")] {
        env.file("allowed_signers", content);
        let ran = env.journal(["plan"]).exits(0);
        assert!(ran.stdout.contains("bert@example.com's signature (SHA256:"), "{ran}");
        assert!(ran.stdout.contains("counts no more"), "{ran}");
        assert!(!ran.stdout.contains("nobody has approved it"), "{ran}");
    }
    let ran = env.journal(["sync", "--yes"]).exits(8);
    assert!(ran.stderr.contains("R1: bert@example.com's signature"), "{ran}");
    assert_eq!((env.sent(), env.states().as_str()), (0, "awaiting_approval 2"));
    approve("carla");
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 2");
    env.journal(["verify"]).exits(0);
    // Whether all of them may still is asked for by naming a list.
    let ran = env.journal(["verify", "--allowed-signers", &list]).exits(12);
    assert!(ran.stdout.contains("the approval of R1 is signed with SHA256:"), "{ran}");
    assert!(ran.stdout.contains("does not allow to bert@example.com"), "{ran}");
    env.file("allowed_signers", format!("{bert}{carla}"));
    env.journal(["verify", "--allowed-signers", &list]).exits(0);
    env.agrees();
}
