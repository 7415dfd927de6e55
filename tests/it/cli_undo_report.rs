//! `undo-report`: what can be brought back, how and until when, and what cannot, and why.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::Value;
use zoho_journal::simulator::{Config, Fault};

use crate::env::{Env, Ran, filtered};

fn env() -> Env {
    let records = [("Leads", 12), ("Contacts", 6), ("Campaigns", 1), ("Logs__c", 2)];
    let records = records.map(|(module, count)| (module.to_owned(), count)).to_vec();
    Env::with(Config { records, ..Config::default() })
}

fn live(env: &Env, module: &str) -> Vec<u64> {
    env.zoho.snapshot().modules[module].live.clone()
}

fn record(env: &Env, words: &[&str], records: &[u64]) -> Ran {
    let ids: Vec<String> = records.iter().map(ToString::to_string).collect();
    let args = words.iter().copied().chain(ids.iter().map(String::as_str));
    env.journal(args.chain(["--reason", "clean-up", "--json"]).collect::<Vec<_>>())
}

fn sync(env: &Env) -> Ran {
    env.journal(["sync", "--yes", "--wait", "20s", "--json"])
}

/// So many days pass for the calls of the journal: what was sent lies so much further back.
fn days_pass(env: &Env, days: i64) {
    let conn = Connection::open(env.db()).unwrap();
    let past = days * 86_400_000;
    conn.execute(
        "UPDATE batch SET sent_at_ms = sent_at_ms - ?1, send_by_ms = send_by_ms - ?1",
        [past],
    )
    .unwrap();
}

/// The rows of a CSV by entry, each cell by its column.
fn rows(csv: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names = reader.headers().unwrap().clone();
    let row = |row: csv::StringRecord| {
        let cells = names.iter().zip(row.iter());
        cells.map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
    };
    reader.records().map(|one| one.unwrap()).map(|one| (one[0].to_owned(), row(one))).collect()
}

/// `reason_code` and `undo` of every row.
fn reasons(env: &Env, args: &[&str]) -> Vec<(String, String, String)> {
    let args = ["undo-report", "--format", "csv"].iter().chain(args).copied();
    let ran = env.journal(args.collect::<Vec<_>>());
    let cells = rows(&ran.stdout);
    let mut reasons: Vec<_> = cells
        .into_iter()
        .map(|(entry, row)| (entry, row["undo"].clone(), row["reason_code"].clone()))
        .collect();
    reasons.sort_by_key(|(entry, ..)| entry[1..].parse::<u64>().unwrap());
    reasons
}

#[track_caller]
fn are(found: &[(String, String, String)], expected: &[(&str, &str, &str)]) {
    let found: Vec<_> =
        found.iter().map(|(entry, undo, why)| (&**entry, &**undo, &**why)).collect();
    assert_eq!(found, expected);
}

/// Ten entries of one request each kind, and all of it settled.
fn story(env: &Env) {
    let (leads, campaign) = (live(env, "Leads"), live(env, "Campaigns")[0]);
    env.zoho.tag("Leads", &["Prime", "Hot"], &leads[4..7]);
    let old = env.zoho.tag("Leads", &["Old"], &leads[..1]);
    assert!(env.zoho.color_tag("Leads", "Old", Some("#F17574")));
    let status = serde_json::json!("Sent");
    env.zoho.link_with("Campaigns", (campaign, "Leads"), &leads[8..9], &status);
    record(env, &["delete", "Leads"], &leads[..3]).exits(0);
    record(env, &["untag", "Leads", "--tag", "Prime", "--tag", "Hot"], &[leads[4], leads[7]])
        .exits(0);
    record(env, &["untag", "Leads", "--tag", "Hot", "--no-snapshot"], &leads[5..6]).exits(0);
    record(env, &["unlink", "Campaigns", &campaign.to_string(), "Leads"], &leads[8..9]).exits(0);
    record(env, &["delete-tags", "Leads"], &old).exits(0);
    record(env, &["delete", "Logs__c"], &live(env, "Logs__c")[..1]).exits(0);
    record(env, &["delete", "Leads"], &[615_574_000_009_999_999]).exits(0);
    sync(env);
    assert_eq!(env.states(), "absent 1, done 8, failed 1");
}

#[test]
fn each_entry_has_its_reason() {
    let env = env();
    story(&env);
    let before = [
        ("E1", "possible", "in_bin"),
        ("E2", "possible", "in_bin"),
        ("E3", "possible", "in_bin"),
        ("E4", "possible", "known"),
        ("E5", "nothing_to_undo", "was_gone"),
        ("E6", "impossible", "no_snapshot"),
        ("E7", "possible", "known"),
        ("E8", "partial", "new_id"),
        ("E9", "impossible", "no_bin"),
        ("E10", "nothing_to_undo", "refused"),
    ];
    are(&reasons(&env, &[]), &before);
    let leads = live(&env, "Leads");
    let first = env.entries()[1].1;
    env.journal(["undo", "E1", "E2", "--reason", "x"]).exits(0);
    // Somebody is faster.
    assert!(env.zoho.restore(first));
    sync(&env).exits(0);
    env.journal(["undo", "E3", "--reason", "x"]).exits(0);
    are(
        &reasons(&env, &["R1"]),
        &[
            ("E1", "undone", "brought_back"),
            ("E2", "undone", "back_already"),
            ("E3", "possible", "under_way"),
        ],
    );
    let own = reasons(&env, &["--operation", "restore"]);
    are(&own, &[("E11", "nothing_to_undo", "is_undo"), ("E12", "nothing_to_undo", "is_undo")]);
    sync(&env).exits(0);
    // The bin keeps for 60 days.
    record(&env, &["delete", "Leads"], &leads[..1]).exits(0);
    sync(&env).exits(0);
    days_pass(&env, 61);
    are(&reasons(&env, &["R10"]), &[("E14", "expired", "bin_over")]);
    env.journal(["undo-report", "R10"]).exits(3);
    let conn = Connection::open(env.db()).unwrap();
    conn.execute("UPDATE entry SET target = NULL, row = NULL WHERE id = 4", []).unwrap();
    are(&reasons(&env, &["E4"]), &[("E4", "impossible", "erased")]);
}

#[test]
fn a_row_says_how_and_what_comes_back_and_what_stays_lost() {
    let env = env();
    story(&env);
    let ran = env.journal(["undo-report", "--format", "csv"]).exits(3);
    let header = "entry_id,request_id,operation,product,module,target_id,parent_id,related_list,tags,state,undo,\
                  undo_until,undone_by,how,reason,comes_back,stays_lost,reason_code,per_call,checked_at";
    assert_eq!(ran.stdout.lines().next(), Some(header));
    let rows = rows(&ran.stdout);
    let cells = |entry: &str| {
        let row = &rows[entry];
        ["how", "reason", "comes_back", "stays_lost", "per_call"].map(|name| row[name].clone())
    };
    assert_eq!(
        cells("E1"),
        [
            "restore (POST settings/recycle_bin/actions/restore, v8)",
            "by the clock it lies in the recycle bin; nobody has looked since",
            "the record under its own id, with notes, attachments and children that went to the recycle bin with it",
            "what the deletion's workflows did; fields of other records that changed with it",
            "200",
        ]
    );
    assert_eq!(
        cells("E4"),
        [
            "retag (POST Leads/actions/add_tags, v8)",
            "what was there before the call is known",
            "on the record: \"Hot\", \"Prime\"",
            "what workflows did when the tags went",
            "500",
        ]
    );
    assert_eq!(
        cells("E6"),
        [
            "",
            "what was there before was not read (--no-snapshot)",
            "",
            "which of the tags the record carried",
            "",
        ]
    );
    assert_eq!(
        cells("E7"),
        [
            "relink (PUT Campaigns/{parent}/Leads, v8)",
            "what was there before the call is known",
            "its place in Leads with Member_Status Sent",
            "what workflows did; fields of the relation that are not kept here",
            "100",
        ]
    );
    assert_eq!(
        cells("E8"),
        [
            "recreate-tags (POST settings/tags, v8)",
            "only its definition can come back, with a new id: which records carried it was not read \
             (--snapshot-records)",
            "the name \"Old\" and its colour #F17574",
            "the tag's old id, and its place on the records that carried it",
            "1",
        ]
    );
}

#[test]
fn the_rows_are_those_of_the_view_undo_and_agree_with_entries() {
    let env = env();
    story(&env);
    let ran = env.journal(["undo-report", "--format", "csv"]).exits(3);
    let rows = rows(&ran.stdout);
    let exported = env.journal(["export", "--view", "undo"]).exits(0).stdout;
    assert_eq!(exported, ran.stdout);
    let entries = crate::cli_undo_report::rows(&env.journal(["export"]).exits(0).stdout);
    for (entry, row) in &rows {
        for name in ["undo", "undo_until", "undone_by", "target_id", "tags", "state"] {
            assert_eq!(row[name], entries[entry][name], "{entry} {name}");
        }
    }
    let file = env.dir.path().join("undo.jsonl").display().to_string();
    env.journal(["undo-report", "-o", &file]).exits(3);
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written, env.journal(["export", "--view", "undo", "--format", "jsonl"]).stdout);
    let first: Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
    assert_eq!((&first["tags"], &first["checked_at"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_summary_counts_prices_and_names_the_first_deadline() {
    let env = env();
    story(&env);
    let told = env.journal(["undo-report", "--json"]).exits(3).json();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(&told),
        [
            "api_origin",
            "checked_at",
            "data_center",
            "environment",
            "expiring_until",
            "file",
            "groups",
            "next",
            "org",
            "summary",
            "totals",
            "unchecked",
        ]
    );
    let summary = &told["summary"];
    let counts = [
        "entries",
        "possible",
        "partial",
        "impossible",
        "expired",
        "undone",
        "being_undone",
        "nothing_to_undo",
        "open",
    ];
    let counted: Vec<u64> = counts.iter().map(|name| summary[name].as_u64().unwrap()).collect();
    assert_eq!(counted, [10, 5, 1, 2, 0, 0, 0, 2, 0]);
    assert_eq!(
        (&summary["soonest_entry"], &summary["soonest_request"]),
        (&"E1".into(), &"R1".into())
    );
    let soonest = summary["soonest_deadline"].as_str().unwrap();
    assert_eq!(soonest, rows(&env.journal(["export"]).stdout)["E1"]["undo_until"]);
    assert_eq!(told["next"], "journal undo R1 --reason TEXT");
    // What was forecast is what the undo takes, but for reads of records that come back at once.
    let totals = &told["totals"];
    assert_eq!((&totals["entries"], &totals["batches"]), (&6.into(), &4.into()));
    env.journal(["undo", "R1", "R2", "R4", "R5", "--reason", "x"]).exits(0);
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    for name in ["entries", "batches", "calls", "credits", "seconds"] {
        assert_eq!(totals[name], plan[name], "{name}");
    }
}

#[test]
fn a_group_says_how_many_share_a_reason_and_how_they_come_back() {
    let env = env();
    story(&env);
    let told = env.journal(["undo-report", "--json"]).exits(3).json();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let group = &told["groups"][0];
    assert_eq!(
        keys(group),
        [
            "entries",
            "how",
            "module",
            "operation",
            "product",
            "reason",
            "reason_code",
            "request_id",
            "undo",
            "undo_until",
            "undo_until_last",
        ]
    );
    assert_eq!(
        (&group["request_id"], &group["entries"], &group["undo"]),
        (&"R1".into(), &3.into(), &"possible".into())
    );
    env.journal(["undo", "R1", "--reason", "x"]).exits(0);
    let told = env.journal(["undo-report", "R1", "--json"]).exits(0).json();
    assert_eq!(
        (&told["summary"]["being_undone"], &told["next"]),
        (&3.into(), &"journal sync".into())
    );
}

#[test]
fn the_terminal_gets_a_summary_and_a_table() {
    let env = env();
    story(&env);
    let ran = env.journal(["undo-report"]).exits(3);
    filtered(&env, || {
        insta::assert_snapshot!(ran.said(), @r"
        10 settled entries in org [ORG], production (us, a simulator on this machine).
                 5  can be brought back as it was
                 1  can be brought back in part
                 2  CANNOT be brought back
                 2  without anything to undo
        The first deadline is [TIME], in 59 d 23 h (E1 of R1): journal undo R1 --reason TEXT
        Bringing back 6 items takes 13 calls (4 that write), 13 credits and about 2 s.
        request  operation    module     entries  undo                                until  reason
        R1       delete       Leads            3  possible         [TIME]  by the clock it lies in the recycle bin; nobody has looked since
        R2       untag        Leads            1  possible                                   what was there before the call is known
        R2       untag        Leads            1  nothing_to_undo                            nothing was changed: it was gone before
        R3       untag        Leads            1  impossible                                 what was there before was not read (--no-snapshot)
        R4       unlink       Campaigns        1  possible                                   what was there before the call is known
        R5       delete-tags  Leads            1  partial                                    only its definition can come back, with a new id: which records carried it was not read (--snapshot-records)
        R6       delete       Logs__c          1  impossible                                 its module's records never go to a recycle bin
        R7       delete       Leads            1  nothing_to_undo                            nothing was changed: Zoho refused it
        Next: journal undo R1 --reason TEXT
        ");
    });
}

#[test]
fn expiring_is_silent_until_something_is_due() {
    let env = env();
    story(&env);
    let ran = env.journal(["undo-report", "--expiring", "7d"]).exits(0);
    assert_eq!(ran.said(), "");
    let ran = env.journal(["undo-report", "--expiring", "7d", "--format", "csv"]).exits(0);
    assert_eq!(ran.said(), "");
    let file = env.dir.path().join("due.csv").display().to_string();
    assert_eq!(env.journal(["undo-report", "--expiring", "7d", "-o", &file]).exits(0).said(), "");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);
    days_pass(&env, 54);
    let due = env.journal(["undo-report", "--expiring", "7d", "--json"]).exits(3).json();
    assert_eq!((&due["summary"]["entries"], &due["summary"]["possible"]), (&3.into(), &3.into()));
    assert_eq!(due["next"], "journal undo R1 --reason TEXT");
    are(
        &reasons(&env, &["--expiring", "7d"]),
        &[("E1", "possible", "in_bin"), ("E2", "possible", "in_bin"), ("E3", "possible", "in_bin")],
    );
    let said = env.journal(["undo-report", "--expiring", "1week"]).exits(3).said();
    assert!(said.contains("3 entries in org"), "{said}");
    assert!(said.contains("must be brought back by"), "{said}");
    // What is recorded but not done is due still; what is back is not.
    env.journal(["undo", "R1", "--reason", "x"]).exits(0);
    let due = env.journal(["undo-report", "--expiring", "7d", "--json"]).exits(3).json();
    assert_eq!(
        (&due["summary"]["being_undone"], &due["next"]),
        (&3.into(), &"journal sync".into())
    );
    sync(&env).exits(0);
    assert_eq!(env.journal(["undo-report", "--expiring", "7d"]).exits(0).said(), "");
    days_pass(&env, 7);
    assert_eq!(env.journal(["undo-report", "--expiring", "7d"]).exits(0).said(), "");
    env.journal(["undo-report", "--expiring", "soon"]).exits(2);
}

#[test]
fn a_look_at_zoho_corrects_what_the_journal_believes() {
    let env = env();
    story(&env);
    let (entries, campaign) = (env.entries(), live(&env, "Campaigns")[0]);
    let target = |entry: usize| entries[entry - 1].1;
    env.zoho.purge(target(1));
    assert!(env.zoho.restore(target(2)));
    env.zoho.tag("Leads", &["Prime", "Hot"], &[target(4)]);
    env.zoho.link("Campaigns", campaign, "Leads", &[target(7)]);
    env.zoho.tag("Leads", &["Old"], &[target(4)]);
    let (events, calls) = (env.events(), env.zoho.requests().len());
    let told = env.journal(["undo-report", "--check", "--json"]).exits(3).json();
    assert_eq!(env.events(), events, "nothing of it is recorded");
    assert!(env.zoho.requests().len() > calls);
    assert_eq!(env.sent(), 6, "and nothing is written");
    assert!(told["checked_at"].is_string());
    assert_eq!(told["unchecked"], 0);
    let found = reasons(&env, &["--check"]);
    are(
        &found[..4],
        &[
            ("E1", "impossible", "purged"),
            ("E2", "undone", "back_already"),
            ("E3", "possible", "in_bin"),
            ("E4", "undone", "back_already"),
        ],
    );
    are(&found[6..8], &[("E7", "undone", "back_already"), ("E8", "undone", "back_already")]);
    let csv = env.journal(["undo-report", "--check", "--format", "csv"]).exits(3).stdout;
    let rows = rows(&csv);
    assert!(rows["E1"]["checked_at"].ends_with('Z') && rows["E9"]["checked_at"].is_empty());
    // The bin may keep longer than it must; and a record without which nothing can be put back.
    days_pass(&env, 61);
    are(&reasons(&env, &["E3"]), &[("E3", "expired", "bin_over")]);
    are(&reasons(&env, &["E3", "--check"]), &[("E3", "possible", "in_bin")]);
    env.zoho.untag("Leads", &["Prime"], &[target(4)]);
    are(&reasons(&env, &["E4", "--check"]), &[("E4", "possible", "part_left")]);
    assert!(env.zoho.delete_as_other_user(target(4)));
    are(&reasons(&env, &["E4", "--check"]), &[("E4", "impossible", "no_holder")]);
    let said = env.journal(["undo-report", "R1", "--check"]).exits(3).said();
    assert!(said.contains("Zoho was asked about 3 entries: checked at "), "{said}");
}

#[test]
fn what_recheck_found_counts_without_another_look() {
    let env = env();
    story(&env);
    let entries = env.entries();
    env.zoho.purge(entries[0].1);
    assert!(env.zoho.restore(entries[1].1));
    env.journal(["recheck", "R1", "--json"]).exits(3);
    let expected = [
        ("E1", "impossible", "purged"),
        ("E2", "undone", "back_already"),
        ("E3", "possible", "in_bin"),
    ];
    are(&reasons(&env, &["R1"]), &expected);
    let told = env.journal(["undo", "R1", "--reason", "x", "--json"]).exits(3).json();
    assert_eq!((&told["recorded"], &told["left_out"]["undone"]), (&1.into(), &1.into()));
    let words = rows(&env.journal(["export"]).exits(0).stdout)["E2"]["in_words"].clone();
    assert!(words.ends_with("somebody else brought it back, as a later look found."), "{words}");
}

/// What it reads is bounded like what a run reads, and none of it is made in vain.
#[test]
fn a_look_keeps_to_the_budgets_and_says_which_has_no_room() {
    let mut env = env();
    story(&env);
    let calls = env.zoho.requests().len();
    env.journal(["undo-report", "R1", "--check"]).exits(0);
    let took = env.zoho.requests().len() - calls;
    assert!(took >= 2, "the org, the records and the bin: {took}");
    let (enough, one_less) = (took.to_string(), (took - 1).to_string());
    env.journal(["undo-report", "R1", "--check", "--max-calls", &enough]).exits(0);
    env.journal(["undo-report", "R1", "--check", "--max-credits", &enough]).exits(0);
    let calls = env.zoho.requests().len();
    let stopped = |env: &Env, flags: &[&str], why: &str| {
        let args = [&["undo-report", "R1", "--check", "--json"][..], flags].concat();
        let told = env.journal(args).exits(6).error();
        assert!(told.contains(why), "{told}");
        assert_eq!(env.zoho.requests().len(), calls, "nothing was asked");
    };
    stopped(&env, &["--max-calls", &one_less], &format!("--max-calls {one_less}"));
    stopped(&env, &["--max-credits", &one_less], &format!("--max-credits {one_less}"));
    env.set("JOURNAL_MAX_CALLS", "0");
    stopped(&env, &[], "--max-calls 0");
    env.unset("JOURNAL_MAX_CALLS");
    // What runs spent counts for the day; what is spent here does not, since it is recorded nowhere.
    let spent = env.journal(["status", "--json"]).exits(0).json()["credits_24h"].as_u64().unwrap();
    env.set("JOURNAL_DAILY_CREDITS", (spent + took as u64 - 1).to_string());
    stopped(&env, &[], "the daily budget of");
    env.set("JOURNAL_DAILY_CREDITS", (spent + took as u64).to_string());
    for _ in 0..2 {
        env.journal(["undo-report", "R1", "--check"]).exits(0);
    }
    let after = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!(after["credits_24h"].as_u64(), Some(spent));
    env.journal(["undo-report", "--max-calls", "3"]).exits(2);
}

#[test]
fn a_look_that_fails_says_so_and_shows_nothing_half() {
    let mut env = env();
    story(&env);
    env.zoho.plan_faults(vec![Fault::ReadThrottle; 3]);
    let ran = env.journal(["undo-report", "--check"]).exits(6);
    assert!(ran.said().contains("fewer calls") || ran.said().contains("hrottl"), "{ran}");
    assert_eq!(ran.stdout, "");
    env.zoho.clear_faults();
    env.set("ZOHO_ACCESS_TOKEN", "1000.wrong.token");
    env.journal(["undo-report", "--check"]).exits(5);
    env.unset("ZOHO_ACCESS_TOKEN");
    env.journal(["undo-report", "--check"]).exits(5);
    env.journal(["undo-report"]).exits(3);
}

#[test]
fn arguments_and_filters_are_both_heeded() {
    let env = env();
    story(&env);
    let entries = |args: &[&str]| {
        let found = reasons(&env, args).into_iter().map(|(entry, ..)| entry);
        found.collect::<Vec<_>>().join(" ")
    };
    let lead = env.entries()[3].1.to_string();
    assert_eq!(entries(&["R1", "E3-E5"]), "E1 E2 E3 E4 E5");
    assert_eq!(entries(&["R1", "R2", "--state", "absent"]), "E5");
    assert_eq!(entries(&["R1", "R2", "--request", "R2"]), "E4 E5");
    assert_eq!(entries(&["R1", "R2", "--id", &lead]), "E4");
    assert_eq!(entries(&[&lead]), "E4");
    assert_eq!(entries(&["E1-E9", "--module", "Logs__c"]), "E9");
    assert_eq!(entries(&["--code", "INVALID_DATA"]), "E10");
    let campaign = live(&env, "Campaigns")[0].to_string();
    assert_eq!(entries(&["R4", "--id", &campaign]), "E7");
    env.journal(["undo-report", "R1", "R2", "R4", "R5", "R7"]).exits(0);
    env.journal(["undo-report", "R99"]).exits(1);
    env.journal(["undo-report", "E99"]).exits(1);
    env.journal(["undo-report", "X"]).exits(2);
    let ran = env.journal(["undo-report", "--json", "--format", "csv"]).exits(2);
    assert!(ran.error().contains("--json prints the summary"), "{ran}");
    let db = env.db().display().to_string();
    env.journal(["undo-report", "-o", &db]).exits(2);
}

#[test]
fn bigin_has_no_call_that_restores_and_an_empty_journal_nothing_to_report() {
    let mut env =
        Env::with(Config { records: vec![("Contacts".to_owned(), 2)], ..Config::default() });
    env.set("JOURNAL_PRODUCT", "bigin");
    let told = env.journal(["undo-report", "--json"]).exits(0).json();
    assert_eq!((&told["summary"]["entries"], &told["groups"]), (&0.into(), &Value::Array(vec![])));
    record(&env, &["delete", "Contacts"], &live(&env, "Contacts")[..1]).exits(0);
    sync(&env).exits(0);
    are(&reasons(&env, &[]), &[("E1", "impossible", "no_call")]);
    let status = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!(status["undo"], serde_json::json!({"possible": 0, "soonest": null}));
}

#[test]
fn status_and_show_tell_the_deadlines() {
    let env = env();
    let undo = |env: &Env| env.journal(["status", "--json"]).exits(0).json()["undo"].clone();
    assert_eq!(undo(&env), serde_json::json!({"possible": 0, "soonest": null}));
    story(&env);
    let until = rows(&env.journal(["export"]).exits(0).stdout)["E1"]["undo_until"].clone();
    assert_eq!(undo(&env), serde_json::json!({"possible": 6, "soonest": until}));
    let said = env.journal(["status"]).exits(0).said();
    assert!(
        said.contains(&format!(
            "6 entries at most can be brought back, the first deadline from {until} on"
        )),
        "{said}"
    );
    let shown = env.journal(["show", "R1", "--json"]).exits(0).json();
    assert_eq!(
        (&shown["undo"]["possible"], &shown["undo"]["soonest_deadline"]),
        (&3.into(), &until.as_str().into())
    );
    let said = env.journal(["show", "R1"]).exits(0).said();
    assert!(
        said.contains(&format!("undo          3 possible (the first until {until})\n")),
        "{said}"
    );
    env.journal(["undo", "R1", "--reason", "x"]).exits(0);
    assert_eq!(undo(&env)["possible"], 6, "until it has been done");
    let words = rows(&env.journal(["export"]).stdout)["E1"]["in_words"].clone();
    assert!(words.contains("; E11 is to bring it back, which can be done until 20"), "{words}");
    sync(&env).exits(0);
    assert_eq!(undo(&env), serde_json::json!({"possible": 3, "soonest": null}));
    let words = rows(&env.journal(["export"]).stdout)["E1"]["in_words"].clone();
    assert!(words.ends_with("it was brought back by E11."), "{words}");
    let said = env.journal(["show", "R1"]).exits(0).said();
    assert!(said.contains("undo          3 done\n"), "{said}");
}
