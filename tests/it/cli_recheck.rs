//! `recheck`: where what was taken away is now. Nothing is sent, and no state changes.

use serde_json::Value;
use zoho_journal::simulator::{Config, Fault};

use crate::env::Env;

fn env() -> Env {
    let records = [("Leads", 8), ("Contacts", 2), ("Campaigns", 1)];
    let records = records.map(|(module, count)| (module.to_owned(), count)).into();
    Env::with(Config { records, ..Config::default() })
}

fn live(env: &Env, module: &str) -> Vec<u64> {
    env.zoho.snapshot().modules[module].live.clone()
}

fn run(env: &Env, words: &str) {
    let args: Vec<&str> = words.split(' ').collect();
    env.journal(args.into_iter().chain(["--reason", "clean-up"]).collect::<Vec<_>>()).exits(0);
}

/// What each entry was found to be, by the lines of a run.
fn found(lines: &[Value]) -> Vec<(String, String)> {
    let rechecked = lines.iter().filter(|line| line["type"] == "rechecked");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rechecked.map(|line| (text(&line["entry_id"]), text(&line["found"]))).collect()
}

#[test]
fn each_thing_is_told_to_be_in_the_bin_erased_back_or_not_seen() {
    let env = env();
    let (leads, campaign) = (live(&env, "Leads"), live(&env, "Campaigns")[0]);
    env.zoho.tag("Leads", &["Prime"], &leads[4..6]);
    let tag = env.zoho.tag("Leads", &["Old"], &[])[0];
    env.zoho.link("Campaigns", campaign, "Leads", &leads[6..8]);
    run(&env, &format!("delete Leads {} {} {}", leads[0], leads[1], leads[2]));
    run(&env, &format!("untag Leads --tag Prime {} {}", leads[4], leads[5]));
    run(&env, &format!("unlink Campaigns {campaign} Leads {} {}", leads[6], leads[7]));
    run(&env, &format!("delete-tags Leads {tag}"));
    env.journal(["sync", "--yes", "--wait", "20s"]).exits(0);
    let (states, writes) = (env.states(), env.sent());
    // Nothing has happened yet.
    let ran = env.journal(["recheck", "--json"]).exits(0);
    let seen = found(&ran.json_lines());
    assert_eq!(seen.iter().filter(|(_, found)| found == "in_bin").count(), 3, "{ran}");
    assert_eq!(seen.iter().filter(|(_, found)| found == "not_seen").count(), 5, "{ran}");
    // One is purged, one restored; a tag is put back on one record, a relation made anew, a tag made again.
    assert!(env.zoho.purge(leads[0]) && env.zoho.restore(leads[1]));
    env.zoho.tag("Leads", &["Prime"], &leads[4..5]);
    env.zoho.link("Campaigns", campaign, "Leads", &leads[7..8]);
    env.zoho.tag("Leads", &["Old"], &[]);
    let ran = env.journal(["recheck", "--json"]).exits(3);
    let mut seen: Vec<String> =
        found(&ran.json_lines()).iter().map(|(entry, found)| format!("{entry} {found}")).collect();
    seen.sort();
    assert_eq!(
        seen,
        [
            "E1 erased",
            "E2 back",
            "E3 in_bin",
            "E4 back",
            "E5 not_seen",
            "E6 not_seen",
            "E7 back",
            "E8 back"
        ],
        "{ran}"
    );
    let summary = ran.summary();
    assert_eq!(summary["rechecked"]["back"], 4);
    assert_eq!(summary["meaning"], "something that was taken away is there again");
    assert_eq!((env.states(), env.sent()), (states, writes), "a look changes nothing");
    env.journal(["verify"]).exits(0);
    let shown = env.journal(["show", "E2"]).exits(0).stdout;
    assert!(shown.contains("looked at again: in_bin") && shown.contains("looked at again: back"));
    let csv = env.journal(["export"]).exits(0).stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|column| column == name).unwrap();
    let second = reader.records().map(Result::unwrap).nth(1).unwrap();
    assert_eq!(&second[column("rechecked")], "back");
    assert!(second[column("rechecked_at")].ends_with('Z'), "{csv}");
}

#[test]
fn only_what_was_named_is_read_and_what_we_undid_is_left_out() {
    let env = env();
    let leads = live(&env, "Leads");
    run(&env, &format!("delete Leads {} {}", leads[0], leads[1]));
    run(&env, &format!("delete Leads {}", leads[2]));
    env.journal(["sync", "--yes"]).exits(0);
    let ran = env.journal(["recheck", "R2", "--json"]).exits(0);
    assert_eq!(found(&ran.json_lines()), [("E3".to_owned(), "in_bin".to_owned())]);
    env.journal(["undo", "E1", "--reason", "a mistake"]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    let ran = env.journal(["recheck"]).exits(0);
    assert!(ran.said().contains("1 entry left out: undone by us."), "{ran}");
    let by_record = env.journal(["recheck", &leads[1].to_string(), "--json"]).exits(0);
    assert_eq!(found(&by_record.json_lines()).len(), 1);
    env.journal(["recheck", "R9"]).exits(1);
    env.journal(["recheck", "B1"]).exits(2);
}

#[test]
fn what_is_due_is_what_the_bin_has_let_go_of() {
    let env = env();
    let leads = live(&env, "Leads");
    run(&env, &format!("delete Leads {} {}", leads[0], leads[1]));
    env.journal(["sync", "--yes"]).exits(0);
    let calls = env.zoho.requests().len();
    let ran = env.journal(["recheck", "--due"]).exits(0);
    assert!(ran.said().contains("nothing to look at"), "{ran}");
    assert_eq!(env.zoho.requests().len(), calls, "and no call was made");
}

#[test]
fn what_cannot_be_read_is_left_and_makes_exit_4() {
    let env = env();
    let leads = live(&env, "Leads");
    run(&env, &format!("delete Leads {}", leads[0]));
    env.journal(["sync", "--yes"]).exits(0);
    env.zoho.set_rate(Fault::ReadForbidden, 1.0);
    let ran = env.journal(["recheck", "--wait", "0s"]);
    assert_eq!(ran.code, Some(5), "{ran}");
    env.zoho.clear_faults();
    let rows: i64 =
        env.sqlite().query_row("SELECT count(*) FROM recheck", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
    env.journal(["recheck"]).exits(0);
    env.journal(["verify"]).exits(0);
}
