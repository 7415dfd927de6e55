//! `replay` and what it leaves: why something stays, and when nothing is taken up.

use zoho_journal::simulator::Fault;

use crate::env::Env;

/// An id that Zoho never knew.
const NOBODY: u64 = 999_999_999_999_999_999;

#[test]
fn what_stays_unknown_is_said_with_the_time_until_which_it_does() {
    let env = Env::new(2);
    env.record(&env.leads());
    env.zoho.plan_faults(vec![Fault::LoseRequest]);
    env.journal(["sync", "--yes", "--wait", "0s", "--quarantine", "1h"]).exits(4);
    let ran = env.journal(["replay", "--yes", "--json", "--wait", "0s", "--quarantine", "1h"]);
    let warnings = ran.exits(4).summary()["warnings"].clone();
    let warning = warnings[0].as_str().unwrap();
    assert!(warning.contains("may still take effect"), "{warning}");
    let until = warning.split("stays so until ").nth(1).unwrap().split(' ').next().unwrap();
    let until: chrono::DateTime<chrono::Utc> = until.parse().unwrap();
    let ahead = (until - chrono::Utc::now()).num_seconds();
    assert!((3_000..=3_700).contains(&ahead), "{warning}");
    let text = env.journal(["replay", "--yes", "--wait", "0s", "--quarantine", "1h"]).exits(4);
    assert!(text.stderr.contains("stays so until "), "{text}");
}

#[test]
fn a_code_that_takes_up_nothing_is_said() {
    let env = Env::new(2);
    let leads = env.leads();
    env.zoho.lock(leads[0]);
    env.record(&[leads[0], leads[1], NOBODY]);
    env.journal(["sync", "--yes"]).exits(3);
    let ran = env.journal(["replay", "--yes", "--code", "record_locked"]).exits(0);
    assert!(ran.stderr.contains("no refused entry has the code record_locked"), "{ran}");
    let ran = env.journal(["replay", "--yes", "--code", "INVALID_DATA"]).exits(0);
    assert!(ran.stderr.contains("1 refused entry has the code INVALID_DATA, which"), "{ran}");
    let ran = env.journal(["replay", "--dry-run", "--code", "NOPE"]).exits(0);
    assert!(ran.stderr.contains("no refused entry has the code NOPE"), "{ran}");
    let ran = env.journal(["replay", "--yes", "--code", "RECORD_LOCKED"]).exits(3);
    assert!(!ran.stderr.contains("warning"), "{ran}");
}

#[test]
fn outside_a_rehearsal_a_quarantine_shorter_than_the_time_out_is_refused() {
    let mut env = Env::new(1);
    env.set("JOURNAL_API_URL", "https://zoho.invalid");
    env.record(&env.leads());
    let events = env.events();
    for quarantine in ["0s", "29s"] {
        for command in ["sync", "replay"] {
            let ran = env.journal([command, "--yes", "--json", "--quarantine", quarantine]);
            let said = ran.exits(2).error();
            assert!(said.contains("is shorter than the time-out of 30 s"), "{said}");
        }
    }
    assert_eq!(env.events(), events);
    // Long enough: it is tried, and nobody is there.
    env.journal(["sync", "--yes", "--wait", "0s", "--quarantine", "30s"]).exits(4);
}

#[test]
fn a_run_of_named_requests_names_what_is_unknown_elsewhere() {
    let env = Env::new(4);
    let leads = env.leads();
    env.record(&leads[..2]);
    env.zoho.plan_faults(vec![Fault::LoseRequest]);
    env.journal(["sync", "--yes", "--wait", "0s", "--quarantine", "1h"]).exits(4);
    let other = env.record(&leads[2..]);
    let summary = env.journal(["replay", &other, "--yes", "--json"]).exits(0).summary();
    assert_eq!(
        (env.states().as_str(), &summary["next"]),
        ("done 2, unknown 2", &"journal replay --yes".into())
    );
    let summary = env.journal(["replay", "--yes", "--json"]).exits(0).summary();
    assert_eq!(summary["next"], "journal export -o audit.csv");
    env.agrees();
}
