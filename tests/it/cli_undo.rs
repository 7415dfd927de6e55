//! `undo`: after it Zoho is what it was before, item by item, whatever goes wrong on the way.

use std::collections::BTreeMap;

use serde_json::Value;
use zoho_journal::simulator::{Config, Fault, Snapshot};

use crate::env::{Env, Ran, filtered};

fn env() -> Env {
    env_with(Config::default().delay_ms)
}

/// One whose delayed answers take so many milliseconds.
fn env_with(delay_ms: u64) -> Env {
    let records =
        [("Leads", 12), ("Accounts", 2), ("Contacts", 6), ("Campaigns", 1), ("Products", 1)]
            .into_iter()
            .chain([("Price_Books", 2)]);
    let records = records.map(|(module, count)| (module.to_owned(), count)).collect();
    Env::with(Config { records, delay_ms, ..Config::default() })
}

fn ids(records: &[u64]) -> Vec<String> {
    records.iter().map(ToString::to_string).collect()
}

fn live(env: &Env, module: &str) -> Vec<u64> {
    env.zoho.snapshot().modules[module].live.clone()
}

fn record(env: &Env, words: &[&str], records: &[u64]) -> Ran {
    let ids = ids(records);
    let args = words.iter().copied().chain(ids.iter().map(String::as_str));
    env.journal(args.chain(["--reason", "clean-up", "--json"]).collect::<Vec<_>>())
}

fn sync(env: &Env) -> Ran {
    env.journal(["sync", "--yes", "--wait", "20s", "--json"])
}

fn undo(env: &Env, things: &[&str]) -> Ran {
    let args = ["undo"].iter().chain(things).chain(&["--reason", "a mistake", "--json"]);
    env.journal(args.copied().collect::<Vec<_>>())
}

#[track_caller]
fn is_as_before(env: &Env, before: &Snapshot) {
    assert_eq!(before.differences(&env.zoho.snapshot()), [""; 0]);
}

/// What rows of the CSV say, by entry.
fn column(env: &Env, name: &str) -> BTreeMap<String, String> {
    let csv = env.journal(["export"]).exits(0).stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let place = reader.headers().unwrap().iter().position(|column| column == name).unwrap();
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| (row[0].to_owned(), row[place].to_owned())).collect()
}

/// One of each operation, and all of it done.
fn everything(env: &Env) {
    let (leads, contacts) = (live(env, "Leads"), live(env, "Contacts"));
    let (campaign, product) = (live(env, "Campaigns")[0], live(env, "Products")[0]);
    env.zoho.tag("Leads", &["Prime", "Hot"], &leads[4..7]);
    env.zoho.tag("Leads", &["Hot", "Other"], &leads[7..8]);
    env.zoho.link_with(
        "Campaigns",
        (campaign, "Leads"),
        &leads[8..10],
        &serde_json::json!("Sent \"1\""),
    );
    let books = live(env, "Price_Books");
    env.zoho.link_with("Products", (product, "Price_Books"), &books, &serde_json::json!(12.5));
    assert!(contacts.len() > 2);
}

fn take_away(env: &Env) {
    let (leads, contacts) = (live(env, "Leads"), live(env, "Contacts"));
    let (campaign, product) = (live(env, "Campaigns")[0], live(env, "Products")[0]);
    let (campaign, product) = (campaign.to_string(), product.to_string());
    record(env, &["delete", "Leads"], &leads[..3]).exits(0);
    record(env, &["delete", "Contacts"], &contacts[..2]).exits(0);
    record(env, &["untag", "Leads", "--tag", "Prime", "--tag", "Hot"], &leads[4..8]).exits(0);
    record(env, &["unlink", "Campaigns", &campaign, "Leads"], &leads[8..10]).exits(0);
    record(env, &["unlink", "Products", &product, "Price_Books"], &live(env, "Price_Books"))
        .exits(0);
    sync(env).exits(0);
    assert_eq!(env.states(), "done 13");
}

const ALL: [&str; 5] = ["R1", "R2", "R3", "R4", "R5"];

#[test]
fn after_an_undo_zoho_is_as_it_was_before() {
    let env = env();
    everything(&env);
    let before = env.zoho.snapshot();
    take_away(&env);
    let told = undo(&env, &ALL).exits(0).json();
    assert_eq!((&told["recorded"], &told["awaiting_approval"]), (&13.into(), &false.into()));
    // What was taken away last comes back first; tags by what each record carried.
    let requests: Vec<(&str, u64)> = told["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["operation"].as_str().unwrap(), one["recorded"].as_u64().unwrap()))
        .collect();
    let expected =
        [("relink", 2), ("relink", 2), ("retag", 1), ("retag", 3), ("restore", 2), ("restore", 3)];
    assert_eq!(requests, expected);
    sync(&env).exits(0);
    assert_eq!(env.states(), "done 26");
    is_as_before(&env, &before);
    let (undo_column, by) = (column(&env, "undo"), column(&env, "undone_by"));
    assert!((1..=13).all(|entry| undo_column[&format!("E{entry}")] == "undone"), "{undo_column:?}");
    assert!((14..=26).all(|entry| undo_column[&format!("E{entry}")] == "nothing_to_undo"));
    assert_eq!(by.values().filter(|by| by.starts_with('E')).count(), 13);
    let distinct: std::collections::BTreeSet<_> = by.values().filter(|by| !by.is_empty()).collect();
    assert_eq!(distinct.len(), 13, "each entry by its own");
    env.journal(["verify"]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 26", "nothing is sent twice");
}

#[test]
fn whatever_goes_wrong_in_the_middle_of_an_undo_ends_as_before() {
    let faults = [
        Fault::LoseAnswer,
        Fault::LoseRequest,
        Fault::CutBody,
        Fault::Html,
        Fault::HtmlApplied,
        Fault::InternalError,
        Fault::InternalErrorApplied,
        Fault::MissingId,
        Fault::Anonymous,
        Fault::Shuffle,
        Fault::DoubleId,
        Fault::Throttle,
        Fault::ExpiredToken,
    ];
    for fault in faults {
        let env = env();
        everything(&env);
        let before = env.zoho.snapshot();
        take_away(&env);
        undo(&env, &ALL).exits(0);
        env.zoho.plan_faults(vec![fault; 3]);
        let mut code = sync(&env).code;
        env.zoho.clear_faults();
        for _ in 0..5 {
            if code == Some(0) {
                break;
            }
            code = env.journal(["replay", "--yes", "--wait", "20s"]).code;
        }
        assert_eq!((code, env.states()), (Some(0), "done 26".to_owned()), "{fault:?}");
        is_as_before(&env, &before);
        env.journal(["verify"]).exits(0);
    }
}

#[test]
fn an_undo_that_is_killed_in_each_of_its_calls_ends_as_before() {
    // Nothing done and never answered; done, and not answered in time.
    for fault in [Fault::NeverAnswers, Fault::Delay] {
        let env = env_with(60_000);
        everything(&env);
        let before = env.zoho.snapshot();
        take_away(&env);
        undo(&env, &ALL).exits(0);
        for _ in 0..env.sent() {
            env.next_write();
        }
        env.zoho.set_rate(fault, 1.0);
        for _ in 0..3 {
            let mut run = env.start(["replay", "--yes", "--concurrency", "1", "--wait", "0s"]);
            env.next_write();
            run.kill().unwrap();
            run.wait().unwrap();
            assert_eq!(env.journal(["verify", "--json"]).exits(0).json()["ok"], true);
        }
        env.zoho.clear_faults();
        let mut code = None;
        for _ in 0..5 {
            code = env.journal(["replay", "--yes", "--wait", "20s"]).code;
            if code == Some(0) {
                break;
            }
        }
        assert_eq!((code, env.states()), (Some(0), "done 26".to_owned()), "{fault:?}");
        is_as_before(&env, &before);
        env.journal(["verify"]).exits(0);
    }
}

#[test]
fn what_somebody_brought_back_by_hand_is_left_alone_and_said() {
    let env = env();
    everything(&env);
    let before = env.zoho.snapshot();
    take_away(&env);
    let leads = &before.modules["Leads"].live;
    undo(&env, &ALL).exits(0);
    assert!(env.zoho.restore(leads[0]));
    env.zoho.tag("Leads", &["Prime", "Hot"], &leads[4..5]);
    // Half of what a record carried is missing still.
    env.zoho.tag("Leads", &["Hot"], &leads[5..6]);
    let campaign = before.modules["Campaigns"].live[0];
    env.zoho.link_with(
        "Campaigns",
        (campaign, "Leads"),
        &leads[8..9],
        &serde_json::json!("Sent \"1\""),
    );
    sync(&env).exits(0);
    assert_eq!(env.states(), "absent 3, done 23");
    is_as_before(&env, &before);
    let words = column(&env, "in_words");
    let absent: Vec<&String> = words.values().filter(|words| words.contains("already")).collect();
    assert_eq!(absent.len(), 3, "{words:#?}");
    assert_eq!(column(&env, "undo").values().filter(|undo| *undo == "undone").count(), 13);
}

#[test]
fn undoing_twice_an_undo_or_what_is_open_records_nothing_and_says_why() {
    let env = env();
    let leads = live(&env, "Leads");
    record(&env, &["delete", "Leads"], &leads[..2]).exits(0);
    let told = undo(&env, &["R1"]).exits(0).json();
    assert_eq!((&told["request_id"], &told["left_out"]["open"]), (&Value::Null, &2.into()));
    sync(&env).exits(0);
    undo(&env, &["E1"]).exits(0);
    // E1 is being brought back; E2 is not yet.
    let told = undo(&env, &["R1"]).exits(0).json();
    assert_eq!((&told["recorded"], &told["left_out"]["under_way"]), (&1.into(), &1.into()));
    let told = undo(&env, &["R1"]).exits(0).json();
    assert_eq!((&told["recorded"], &told["left_out"]["under_way"]), (&0.into(), &2.into()));
    sync(&env).exits(0);
    let told = undo(&env, &["R1", "R2"]).exits(0).json();
    assert_eq!((&told["recorded"], &told["left_out"]["undone"]), (&0.into(), &2.into()));
    assert_eq!(told["left_out"]["undo"], 1);
    let said = env.journal(["undo", "R1", "R2", "--reason", "x"]).exits(0).said();
    assert!(said.contains("2 entries were brought back before."), "{said}");
    assert!(said.contains("1 entry belongs to an undo itself"), "{said}");
    assert_eq!(env.states(), "done 4");
    // Deleted again: what is undone now is the second deletion.
    record(&env, &["delete", "Leads"], &leads[..1]).exits(0);
    sync(&env).exits(0);
    let told = undo(&env, &[&leads[0].to_string()]).exits(0).json();
    assert_eq!(told["recorded"], 1);
    sync(&env).exits(0);
    assert_eq!(live(&env, "Leads"), leads);
    env.journal(["verify"]).exits(0);
}

#[test]
fn what_cannot_come_back_is_counted_and_makes_exit_3() {
    let env = env();
    let leads = live(&env, "Leads");
    env.zoho.tag("Leads", &["Prime"], &leads[..2]);
    record(&env, &["untag", "Leads", "--tag", "Prime", "--no-snapshot"], &leads[..2]).exits(0);
    record(&env, &["delete", "Leads"], &leads[..2]).exits(0);
    sync(&env).exits(0);
    let ran = env.journal(["undo", "R1", "R2", "--reason", "a mistake"]).exits(3);
    filtered(&env, || {
        insta::assert_snapshot!(ran.said(), @r"
        Recorded R3: restore 2 records of Leads in org [ORG], production (us, a simulator on this machine), undoing R2.
        2 entries CANNOT be brought back.
        Nothing has been sent to Zoho. Next: journal plan R3, then journal sync R3
        ");
    });
    env.journal(["undo", "R9", "--reason", "x"]).exits(1);
    env.journal(["undo", "R1", "--reason", " "]).exits(2);
    env.journal(["undo", "E9", "--reason", "x"]).exits(1);
}

#[test]
fn purged_records_fail_with_zohos_code_and_the_others_come_back() {
    let env = env();
    let leads = live(&env, "Leads");
    record(&env, &["delete", "Leads"], &leads[..4]).exits(0);
    sync(&env).exits(0);
    env.zoho.purge(leads[1]);
    undo(&env, &["R1"]).exits(0);
    sync(&env).exits(3);
    assert_eq!(env.states(), "done 7, failed 1");
    assert_eq!(column(&env, "code")["E6"], "INVALID_DATA");
    assert_eq!(column(&env, "undo")["E2"], "impossible", "as the attempt found");
}

#[test]
fn children_come_back_after_their_parents_in_one_run() {
    let env = env();
    let (accounts, contacts) = (live(&env, "Accounts"), live(&env, "Contacts"));
    for contact in &contacts[..3] {
        assert!(env.zoho.set_parent(*contact, Some(accounts[0])));
    }
    let before = env.zoho.snapshot();
    // The children went first, so that the parent did not take them along.
    record(&env, &["delete", "Contacts"], &contacts[..3]).exits(0);
    sync(&env).exits(0);
    record(&env, &["delete", "Accounts"], &accounts[..1]).exits(0);
    sync(&env).exits(0);
    undo(&env, &["R1"]).exits(0);
    undo(&env, &["R2"]).exits(0);
    let ran = sync(&env).exits(0);
    assert_eq!(env.states(), "done 8", "{ran}");
    is_as_before(&env, &before);
}

#[test]
fn an_older_version_deletes_and_v8_restores() {
    for version in ["v2", "v5"] {
        let mut env = env();
        env.set("JOURNAL_API_VERSION", version);
        let before = env.zoho.snapshot();
        record(&env, &["delete", "Leads"], &live(&env, "Leads")[..2]).exits(0);
        sync(&env).exits(0);
        undo(&env, &["R1"]).exits(0);
        sync(&env).exits(0);
        is_as_before(&env, &before);
        let shown = env.journal(["show", "B2", "--json"]).exits(0).json();
        assert_eq!(shown["api_version"], "v8", "{shown}");
    }
}

#[test]
fn bigin_s_tags_and_relations_come_back_and_its_records_do_not() {
    let mut env = Env::with(Config {
        records: vec![("Contacts".to_owned(), 4), ("Products".to_owned(), 1)],
        ..Config::default()
    });
    env.set("JOURNAL_PRODUCT", "bigin");
    let contacts = live(&env, "Contacts");
    let product = live(&env, "Products")[0];
    env.zoho.tag("Contacts", &["Hot & new"], &contacts[..2]);
    env.zoho.link("Products", product, "Contacts", &contacts[..2]);
    let before = env.zoho.snapshot();
    record(&env, &["untag", "Contacts", "--tag", "Hot & new"], &contacts[..2]).exits(0);
    record(&env, &["unlink", "Products", &product.to_string(), "Contacts"], &contacts[..2])
        .exits(0);
    sync(&env).exits(0);
    undo(&env, &["R1", "R2"]).exits(0);
    sync(&env).exits(0);
    is_as_before(&env, &before);
    record(&env, &["delete", "Contacts"], &contacts[..1]).exits(0);
    sync(&env).exits(0);
    let told = undo(&env, &["R5"]).exits(3).json();
    assert_eq!(told["left_out"]["impossible"], 1);
}

#[test]
fn deleted_tags_are_made_again_with_their_colours() {
    let env = env();
    let leads = live(&env, "Leads");
    let tags = env.zoho.tag("Leads", &["Prime", "Hot"], &leads[..2]);
    assert!(env.zoho.color_tag("Leads", "Prime", Some("#F17574")));
    let before = env.zoho.snapshot();
    record(&env, &["delete-tags", "Leads"], &tags).exits(0);
    sync(&env).exits(0);
    let told = undo(&env, &["R1"]).exits(0).json();
    assert_eq!(told["requests"][0]["operation"], "recreate-tags");
    sync(&env).exits(0);
    let after = env.zoho.snapshot();
    assert_eq!(after.tag_colors, before.tag_colors);
    assert!(after.tags["Leads"].keys().eq(before.tags["Leads"].keys()));
    assert_ne!(after.tags, before.tags, "with new ids");
    assert_eq!(env.states(), "done 4");
    env.journal(["verify"]).exits(0);
}

#[test]
fn tags_that_are_made_again_go_back_on_the_records_that_carried_them() {
    let env = env();
    let leads = live(&env, "Leads");
    let tags = env.zoho.tag("Leads", &["Prime", "Hot"], &leads[..3]);
    env.zoho.tag("Leads", &["Hot"], &leads[3..5]);
    assert!(env.zoho.color_tag("Leads", "Prime", Some("#F17574")));
    let before = env.zoho.snapshot();
    record(&env, &["delete-tags", "Leads", "--snapshot-records"], &tags).exits(0);
    sync(&env).exits(0);
    let told = undo(&env, &["R1"]).exits(0).json();
    let requests: Vec<(&str, u64)> = told["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["operation"].as_str().unwrap(), one["recorded"].as_u64().unwrap()))
        .collect();
    assert_eq!(requests, [("recreate-tags", 2), ("retag", 5), ("retag", 3)]);
    // The first answer is lost: nothing is put back before the tags are there.
    env.zoho.plan_faults(vec![Fault::LoseAnswer]);
    sync(&env).exits(0);
    assert_eq!(env.states(), "done 12");
    is_as_before(&env, &before);
    assert_eq!(env.zoho.snapshot().tag_colors, before.tag_colors);
    env.journal(["verify"]).exits(0);
}

#[test]
fn a_module_that_cannot_be_read_to_its_end_keeps_its_tags() {
    let env = env();
    let leads = live(&env, "Leads");
    let tags = env.zoho.tag("Leads", &["Prime"], &leads[..3]);
    record(&env, &["delete-tags", "Leads", "--snapshot-records"], &tags).exits(0);
    env.zoho.set_rate(Fault::ReadForbidden, 1.0);
    env.journal(["sync", "--yes", "--wait", "0s"]).exits(5);
    assert_eq!((env.states(), env.sent()), ("pending 1".to_owned(), 0));
    env.zoho.clear_faults();
    sync(&env).exits(0);
    let shown = env.journal(["show", "E1"]).exits(0).stdout;
    assert!(shown.contains("tag there: Prime, on 3 records"), "{shown}");
}
