//! `undo` of what is back in part, failed before, was forgotten, or is known to Zoho only.

use std::collections::BTreeMap;

use serde_json::Value;
use zoho_journal::simulator::Config;

use crate::env::{Env, Ran};

fn env() -> Env {
    let records = [("Leads", 8), ("Accounts", 1), ("Contacts", 2)];
    let records = records.map(|(module, count)| (module.to_owned(), count)).to_vec();
    Env::with(Config { records, ..Config::default() })
}

fn live(env: &Env, module: &str) -> Vec<u64> {
    env.zoho.snapshot().modules[module].live.clone()
}

fn record(env: &Env, words: &[&str], records: &[u64]) {
    let ids: Vec<String> = records.iter().map(ToString::to_string).collect();
    let args = words.iter().copied().chain(ids.iter().map(String::as_str));
    env.journal(args.chain(["--reason", "clean-up"]).collect::<Vec<_>>()).exits(0);
}

fn sync(env: &Env) -> Ran {
    env.journal(["sync", "--yes", "--wait", "20s", "--json"])
}

fn undo(env: &Env, things: &[&str]) -> Ran {
    let args = ["undo"].iter().chain(things).chain(&["--reason", "a mistake", "--json"]);
    env.journal(args.copied().collect::<Vec<_>>())
}

/// Operation and number of entries of each request that was recorded.
fn requests(told: &Value) -> Vec<(String, u64)> {
    let requests = told["requests"].as_array().unwrap().iter();
    let recorded = requests.filter(|one| one["recorded"] != 0);
    recorded
        .map(|one| {
            (one["operation"].as_str().unwrap().to_owned(), one["recorded"].as_u64().unwrap())
        })
        .collect()
}

/// The cells of one entry's row of the report.
fn row(env: &Env, entry: &str, flags: &[&str]) -> BTreeMap<String, String> {
    let args = [&["undo-report", entry, "--format", "csv"], flags].concat();
    let ran = env.journal(args);
    let mut reader = csv::Reader::from_reader(ran.stdout.as_bytes());
    let names = reader.headers().unwrap().clone();
    let cells = reader.records().next().unwrap_or_else(|| panic!("{ran}")).unwrap();
    names.iter().map(ToOwned::to_owned).zip(cells.iter().map(ToOwned::to_owned)).collect()
}

#[track_caller]
fn is(env: &Env, (entry, flags): (&str, &[&str]), state: &str, why: &str) {
    let row = row(env, entry, flags);
    assert_eq!((&*row["undo"], &*row["reason_code"]), (state, why), "{row:#?}");
}

/// What `export` says of an entry.
fn exported(env: &Env, entry: &str) -> Value {
    let rows = env.journal(["export", "--format", "jsonl"]).exits(0).json_lines();
    rows.into_iter().find(|row| row["entry_id"] == entry).unwrap()
}

#[test]
fn of_two_tags_the_one_that_is_missing_still_is_put_back() {
    let env = env();
    let lead = live(&env, "Leads")[0];
    env.zoho.tag("Leads", &["Prime", "Hot"], &[lead]);
    let before = env.zoho.snapshot();
    record(&env, &["untag", "Leads", "--tag", "Prime", "--tag", "Hot"], &[lead]);
    sync(&env).exits(0);
    env.zoho.tag("Leads", &["Prime"], &[lead]);
    is(&env, ("E1", &["--check"]), "possible", "part_left");
    let lines = env.journal(["recheck", "--json"]).exits(0).json_lines();
    let seen = lines.iter().find(|line| line["type"] == "rechecked").unwrap();
    assert_eq!(seen["found"], "not_seen", "it is back only when all of it is");
    is(&env, ("E1", &[]), "possible", "part_left");
    let row = row(&env, "E1", &[]);
    assert_eq!(row["comes_back"], "on the record: \"Hot\"");
    assert!(row["reason"].ends_with("what is left can be brought back: \"Hot\""), "{row:#?}");
    let told = undo(&env, &["E1"]).exits(0).json();
    assert_eq!(
        (requests(&told), &told["requests"][0]["tags"]),
        (vec![("retag".to_owned(), 1)], &serde_json::json!(["Hot"]))
    );
    is(&env, ("E1", &[]), "possible", "under_way");
    sync(&env).exits(0);
    assert_eq!(before.differences(&env.zoho.snapshot()), [""; 0]);
    is(&env, ("E1", &[]), "undone", "brought_back");
    env.journal(["verify"]).exits(0);
}

/// One tag on three records, deleted with `--snapshot-records`.
fn tag_deleted(env: &Env) -> Vec<u64> {
    let leads = live(env, "Leads");
    let tags = env.zoho.tag("Leads", &["Hot"], &leads[..3]);
    record(env, &["delete-tags", "Leads", "--snapshot-records"], &tags);
    sync(env).exits(0);
    leads
}

#[test]
fn a_tag_that_somebody_made_again_goes_back_on_its_records() {
    let env = env();
    let leads = tag_deleted(&env);
    is(&env, ("E1", &[]), "partial", "new_id_on_records");
    env.zoho.tag("Leads", &["Hot"], &leads[..1]);
    is(&env, ("E1", &["--check"]), "partial", "part_left");
    env.journal(["recheck"]).exits(0);
    is(&env, ("E1", &[]), "partial", "part_left");
    let told = undo(&env, &["E1"]).exits(0).json();
    assert_eq!(requests(&told), [("retag".to_owned(), 2)]);
    sync(&env).exits(0);
    env.journal(["recheck"]).exits(3);
    is(&env, ("E1", &[]), "undone", "back_already");
    is(&env, ("E1", &["--check"]), "undone", "back_already");
    env.journal(["verify"]).exits(0);
}

#[test]
fn what_was_withdrawn_of_an_undo_is_offered_again() {
    let env = env();
    tag_deleted(&env);
    let told = undo(&env, &["R1"]).exits(0).json();
    assert_eq!(requests(&told), [("recreate-tags".to_owned(), 1), ("retag".to_owned(), 3)]);
    env.journal(["cancel", "R3", "--reason", "later"]).exits(0);
    is(&env, ("E1", &[]), "partial", "part_left");
    sync(&env).exits(0);
    is(&env, ("E1", &[]), "partial", "part_left");
    assert_eq!(row(&env, "E1", &[])["undone_by"], "");
    assert_eq!(exported(&env, "E1")["undone_by"], Value::Null);
    let told = undo(&env, &["R1"]).exits(0).json();
    assert_eq!(requests(&told), [("retag".to_owned(), 3)]);
    is(&env, ("E1", &[]), "partial", "under_way");
    sync(&env).exits(0);
    is(&env, ("E1", &[]), "undone", "brought_back");
    assert_eq!(exported(&env, "E1")["undone_by"], "E2");
    let told = undo(&env, &["R1"]).exits(0).json();
    assert_eq!(told["left_out"]["undone"], 1);
    env.journal(["verify"]).exits(0);
}

#[test]
fn a_record_that_had_no_room_for_its_tag_is_offered_again() {
    let env = env();
    let leads = tag_deleted(&env);
    let names: Vec<String> = (0..10).map(|number| format!("Other {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    env.zoho.tag("Leads", &names, &leads[..1]);
    undo(&env, &["R1"]).exits(0);
    sync(&env).exits(3);
    assert_eq!(env.states(), "done 4, failed 1");
    is(&env, ("E1", &[]), "partial", "part_left");
    let told = row(&env, "E1", &[]);
    assert!(told["reason"].contains("its place on 1 record (E3 failed"), "{told:#?}");
    env.zoho.untag("Leads", &names[..1], &leads[..1]);
    let told = undo(&env, &["R1"]).exits(0).json();
    assert_eq!(requests(&told), [("retag".to_owned(), 1)]);
    sync(&env).exits(0);
    is(&env, ("E1", &[]), "undone", "brought_back");
}

#[test]
fn what_a_restore_found_purged_is_not_promised_again() {
    let env = env();
    let leads = live(&env, "Leads");
    record(&env, &["delete", "Leads"], &leads[..2]);
    sync(&env).exits(0);
    assert!(env.zoho.purge(leads[0]));
    undo(&env, &["R1"]).exits(0);
    sync(&env).exits(3);
    is(&env, ("E1", &[]), "impossible", "purged");
    let told = row(&env, "E1", &[]);
    assert!(
        told["reason"].starts_with("E3, which was to bring it back, found it neither"),
        "{told:#?}"
    );
    let ran = env.journal(["undo-report", "R1"]).exits(3);
    assert!(ran.said().contains("it is not in the recycle bin any more"), "{ran}");
    let report = env.journal(["undo-report", "R1", "--json"]).exits(3).json();
    assert_eq!(report["summary"]["impossible"], 1);
    let told = undo(&env, &["R1"]).exits(3).json();
    assert_eq!((&told["recorded"], &told["left_out"]["impossible"]), (&0.into(), &1.into()));
    let words = exported(&env, "E1")["in_words"].as_str().unwrap().to_owned();
    assert!(
        words.ends_with("it cannot be brought back: E3 was to do it, and found nothing."),
        "{words}"
    );
}

#[test]
fn a_child_whose_parent_lies_in_the_bin_says_so_and_can_come_back_later() {
    let env = env();
    let (account, contact) = (live(&env, "Accounts")[0], live(&env, "Contacts")[0]);
    assert!(env.zoho.set_parent(contact, Some(account)));
    record(&env, &["delete", "Contacts"], &[contact]);
    sync(&env).exits(0);
    record(&env, &["delete", "Accounts"], &[account]);
    sync(&env).exits(0);
    undo(&env, &["R1"]).exits(0);
    sync(&env);
    assert_eq!(env.states(), "done 2, failed 1");
    is(&env, ("E1", &[]), "possible", "needs_parent");
    let reason = &row(&env, "E1", &[])["reason"];
    for part in ["E3", "CANNOT_RESTORE_WITHOUT_PARENT", "has to be restored first"] {
        assert!(reason.contains(part), "{reason}");
    }
    let said = env.journal(["undo-report", "R1"]).exits(0).said();
    assert!(said.contains("CANNOT_RESTORE_WITHOUT_PARENT"), "{said}");
    let report = env.journal(["undo-report", "R1", "--json"]).exits(0).json();
    assert_eq!(report["groups"][0]["reason_code"], "needs_parent");
    undo(&env, &["R1", "R2"]).exits(0);
    sync(&env).exits(0);
    is(&env, ("E1", &[]), "undone", "brought_back");
}

#[test]
fn what_was_forgotten_after_its_undo_stays_undone() {
    let env = env();
    let leads = live(&env, "Leads");
    record(&env, &["delete", "Leads"], &leads[..3]);
    sync(&env).exits(0);
    undo(&env, &["E1"]).exits(0);
    sync(&env).exits(0);
    env.journal(["forget", "E1", "--reason", "asked for", "--yes"]).exits(0);
    let row = exported(&env, "E1");
    assert_eq!((&row["undo"], &row["undone_by"]), (&"undone".into(), &"E4".into()), "{row}");
    let words = row["in_words"].as_str().unwrap();
    assert!(words.ends_with("it was brought back by E4."), "{words}");
    env.journal(["forget", "E2", "--even-restorable", "--reason", "asked for", "--yes"]).exits(0);
    let row = exported(&env, "E2");
    assert_eq!(row["undo"], "impossible");
    let words = row["in_words"].as_str().unwrap();
    assert!(
        words.contains(
            "this journal no longer knows what it was; Zoho's recycle bin keeps it until 20"
        ),
        "{words}"
    );
    assert!(!words.contains("cannot be restored"), "{words}");
    env.journal(["verify"]).exits(0);
    env.journal(["status"]).exits(0);
}

#[test]
fn without_the_records_only_the_definition_is_promised() {
    let env = env();
    let leads = live(&env, "Leads");
    let (hot, prime) = (
        env.zoho.tag("Leads", &["Hot"], &leads[..2]),
        env.zoho.tag("Leads", &["Prime"], &leads[..2]),
    );
    record(&env, &["delete-tags", "Leads"], &hot);
    record(&env, &["delete-tags", "Leads", "--snapshot-records"], &prime);
    sync(&env).exits(0);
    let report = env.journal(["undo-report", "--json"]).exits(0).json();
    let reason = |at: usize| report["groups"][at]["reason"].as_str().unwrap();
    assert!(reason(0).starts_with("only its definition can come back"), "{report}");
    assert!(reason(1).contains("put back on the records that carried it"), "{report}");
    let said = env.journal(["undo-report"]).exits(0).said();
    assert!(said.contains("only its definition can come back"), "{said}");
    let words = |entry: &str| exported(&env, entry)["in_words"].as_str().unwrap().to_owned();
    assert!(
        words("E1")
            .ends_with("only its definition can be made again, with a new id and on no record.")
    );
    assert!(!words("E2").contains("on no record"), "{}", words("E2"));
    let shown = env.journal(["show", "E2"]).exits(0).stdout;
    assert!(!shown.contains("on no record"), "{shown}");
}

#[test]
fn zohos_own_time_decides_what_is_due() {
    let env = env();
    let leads = live(&env, "Leads");
    record(&env, &["delete", "Leads"], &leads[..1]);
    sync(&env).exits(0);
    assert!(env.zoho.age(leads[0], 55 * 86_400_000));
    assert_eq!(env.journal(["undo-report", "--expiring", "7d"]).exits(0).said(), "");
    let due = env.journal(["undo-report", "--expiring", "7d", "--check", "--json"]).exits(3).json();
    assert_eq!(due["summary"]["entries"], 1);
    env.journal(["recheck"]).exits(0);
    let until = exported(&env, "E1")["undo_until"].clone();
    assert_eq!(until, due["summary"]["soonest_deadline"]);
    let status = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!(status["undo"]["soonest"], until);
    env.journal(["undo-report", "--expiring", "7d"]).exits(3);
}

#[test]
fn each_request_of_an_undo_names_what_it_undoes() {
    let env = env();
    let (leads, contacts) = (live(&env, "Leads"), live(&env, "Contacts"));
    record(&env, &["delete", "Leads"], &leads[..1]);
    record(&env, &["delete", "Leads"], &leads[1..2]);
    record(&env, &["delete", "Contacts"], &contacts[..1]);
    sync(&env).exits(0);
    let held = env
        .journal(["hold", "add", "Leads", "--all", "--reason", "case 7", "--json"])
        .exits(0)
        .json();
    assert_eq!(held["next"], "journal undo E1-E2 --reason TEXT");
    let told = undo(&env, &["R1", "R2", "R3"]).exits(0).json();
    let undoes: Vec<&str> = told["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["undoes"].as_str().unwrap())
        .collect();
    assert_eq!(undoes, ["R3", "R1 and R2"]);
    // What is being brought back already is not offered.
    let held = env
        .journal(["hold", "add", "Leads", "--all", "--reason", "case 8", "--json"])
        .exits(0)
        .json();
    assert_eq!(held["next"], "journal sync");
    let went = &held["went_before"][0];
    assert_eq!(
        (&went["command"], &went["being_undone_by"]),
        (&Value::Null, &"E5".into()),
        "{went}"
    );
    assert!(env.zoho.restore(leads[0]));
    sync(&env).exits(0);
    let words = exported(&env, "E5")["in_words"].as_str().unwrap().to_owned();
    assert!(words.starts_with("Nothing to do: ") || words.starts_with("Back already: "), "{words}");
    let ran = env.journal(["recheck"]).exits(0);
    assert!(ran.said().contains("nothing else was taken away"), "{ran}");
    assert!(!ran.said().contains("that is due"), "{ran}");
}

#[test]
fn what_somebody_else_deleted_after_us_is_said_to_be_so() {
    let env = env();
    let leads = live(&env, "Leads");
    record(&env, &["delete", "Leads"], &leads[..2]);
    sync(&env).exits(0);
    let reason = &row(&env, "E1", &[])["reason"];
    assert_eq!(reason, "by the clock it lies in the recycle bin; nobody has looked since");
    assert!(env.zoho.restore(leads[0]) && env.zoho.delete_as_other_user(leads[0]));
    is(&env, ("E1", &["--check"]), "possible", "deleted_again");
    is(&env, ("E2", &["--check"]), "possible", "in_bin");
    assert_eq!(row(&env, "E2", &["--check"])["reason"], "it lies in the recycle bin");
    env.journal(["recheck"]).exits(0);
    is(&env, ("E1", &[]), "possible", "deleted_again");
    let ran = env.journal(["undo", "R1", "--reason", "x"]).exits(0);
    assert!(ran.said().contains("1 record was restored by hand and deleted again"), "{ran}");
}
