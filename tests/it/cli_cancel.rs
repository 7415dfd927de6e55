//! `cancel`: what was not sent is withdrawn, through the binary.

use serde_json::{Value, json};

use crate::env::{Env, lines};

fn cancel<'a>(subjects: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["cancel"];
    args.extend(subjects);
    args.extend(["--reason", "objection", "--json"]);
    args
}

#[test]
fn what_was_not_sent_is_withdrawn_and_what_was_sent_stays_and_is_told() {
    let env = Env::new(6);
    let leads = env.leads();
    env.record(&leads[..2]);
    env.journal(["sync", "--yes"]).exits(0);
    env.record(&leads[2..]);
    let before = env.events();
    let mut dry = cancel(&["E3"]);
    dry.push("--dry-run");
    assert_eq!(env.journal(dry).exits(0).json()["cancelled"], 1);
    assert_eq!(env.events(), before);
    let told = env.journal(cancel(&["R1", "E2-E4"])).exits(0).json();
    assert_eq!((&told["cancelled"], &told["entries"]), (&2.into(), &"E3-E4".into()));
    assert_eq!(told["left"], json!([{"state": "done", "entries": 2, "named": "E1-E2"}]));
    assert_eq!(env.events(), before + 1);
    // By the record's id, with and without Zoho's prefix.
    let record = format!("zcrm_{}", leads[4]);
    assert_eq!(env.journal(cancel(&[&record])).exits(0).json()["entries"], "E5");
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!((env.states().as_str(), env.sent()), ("cancelled 3, done 3", 2));

    let rows = env.journal(["export", "--format", "jsonl"]).exits(0).json_lines();
    let row = &rows[2];
    assert_eq!((&row["code"], &row["settled_by"]), (&"WITHDRAWN".into(), &"person".into()));
    assert!(row["message"].as_str().unwrap().starts_with("withdrawn by "), "{row}");
    assert!(row["settled_at"].is_string() && row["leaf_hash"].is_string());
    assert!(row["in_words"].as_str().unwrap().starts_with("Withdrawn by "), "{row}");
    assert_eq!(rows[0]["code"], "SUCCESS");
    // A withdrawn entry covers nothing: recorded again it is a new one.
    env.record(&leads[2..3]);
    env.journal(["sync", "--yes"]).exits(0);
    env.journal(["verify"]).exits(0);
    env.agrees();
}

#[test]
fn where_nothing_is_left_to_withdraw_nothing_is_recorded() {
    let env = Env::new(2);
    let leads = env.leads();
    env.record(&leads);
    env.journal(["sync", "--yes"]).exits(0);
    let before = env.events();
    let refused = env.journal(cancel(&["R1"])).exits(7).error();
    assert_eq!(refused, "nothing was withdrawn: E1-E2 are done");
    for subject in ["R2", "E3", "E1-E9", "4150868000000999999"] {
        env.journal(cancel(&[subject])).exits(1);
    }
    for wrong in [&["X1"][..], &["E0"], &["12"], &[]] {
        env.journal(cancel(wrong)).exits(2);
    }
    env.journal(["cancel", "R1", "--reason", ""]).exits(2);
    assert_eq!(env.events(), before);
}

#[test]
fn what_waits_or_is_held_can_be_withdrawn_too() {
    let env = Env::new(3);
    let leads = env.leads();
    let id = leads[0].to_string();
    env.journal(["hold", "add", "Leads", &id, "--reason", "case"]).exits(0);
    let args =
        ["delete", "Leads", "--from", "-", "--reason", "x", "--require-approval", "1", "--json"];
    let recorded = env.journal_reading(args, lines(&leads)).exits(0).json();
    assert_eq!((&recorded["held"], &recorded["recorded"]), (&1.into(), &3.into()));
    assert_eq!(env.states(), "awaiting_approval 2, held 1");
    let told = env.journal(cancel(&["R1"])).exits(0).json();
    assert_eq!((&told["cancelled"], &told["left"]), (&3.into(), &json!([])));
    assert_eq!(env.states(), "cancelled 3");
    let story: Value = env.journal(["show", "E1", "--json"]).exits(0).json();
    assert_eq!(story["story"][1]["kind"], "entries_cancelled");
    env.journal(["verify"]).exits(0);
}
