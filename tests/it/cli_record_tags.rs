//! `delete-tags`: the intent to delete tags themselves, by id or by name.

use serde_json::{Value, json};
use zoho_journal::simulator::{Config, Fault};

use crate::env::{Env, Ran, config, filtered};

const TAG: &str = "410405000000612004";

fn delete_tags(env: &Env, more: &[&str]) -> Ran {
    env.journal(["delete-tags", "Leads", "--reason", "x", "--json"].iter().chain(more).copied())
}

/// A Zoho whose leads have these tags, and their ids.
fn tagged(names: &[&str]) -> (Env, Vec<String>) {
    let env = Env::new(1);
    let ids = env.zoho.tag("Leads", names, &[]);
    (env, ids.iter().map(u64::to_string).collect())
}

/// Expects that nothing was recorded and nothing written; gives the message.
#[track_caller]
fn refused(env: &Env, code: i32, more: &[&str]) -> String {
    let events = env.events();
    let ran = delete_tags(env, more).exits(code);
    assert_eq!(env.events(), events, "{ran}");
    assert_eq!(env.sent(), 0, "{ran}");
    ran.error()
}

#[test]
fn ids_are_recorded_offline_and_without_a_token() {
    let mut env = Env::new(0);
    env.unset("ZOHO_ACCESS_TOKEN");
    let args = ["delete-tags", "Leads", TAG, "410405000000612005", TAG, "--reason", "x"];
    let ran = env.journal(args).exits(0);
    filtered(&env, || {
        insta::assert_snapshot!(ran.said(), @r"
        Recorded R1: delete-tags 2 tags of Leads in production (us, a simulator on this machine), org not known before the first sync.
        1 duplicate was dropped.
        Nothing has been sent to Zoho. Next: journal plan R1, then journal sync R1
        ");
    });
    assert!(env.zoho.requests().is_empty());
    let document = delete_tags(&env, &[TAG]).exits(0).json();
    assert_eq!((&document["recorded"], &document["duplicates"]), (&json!(0), &json!(1)));
    // The same number in another module is another tag.
    let args = ["delete-tags", "Contacts", TAG, "--reason", "x", "--json", "--no-snapshot"];
    let document = env.journal(args).exits(0).json();
    assert_eq!((&document["recorded"], &document["snapshot"]), (&json!(1), &json!(false)));
}

#[test]
fn names_become_ids_by_reads_alone() {
    let (env, ids) = tagged(&["Prime", "Attend First", "Cold"]);
    let args =
        ["delete-tags", "Leads", "--name", "Prime", "--name", "Attend First", "--reason", "x"];
    let ran = env.journal(args).exits(0);
    let said = ran.said().replace(&ids[0], "[PRIME]").replace(&ids[1], "[ATTEND]");
    filtered(&env, || {
        insta::assert_snapshot!(said, @r#"
        Recorded R1: delete-tags 2 tags of Leads in production (us, a simulator on this machine), org not known before the first sync.
          "Prime" is tag [PRIME]
          "Attend First" is tag [ATTEND]
        Nothing has been sent to Zoho. Next: journal plan R1, then journal sync R1
        "#);
    });
    let methods: Vec<String> = env
        .zoho
        .requests()
        .iter()
        .map(|one| format!("{} {}", one.method, one.url.split('?').next().unwrap()))
        .collect();
    assert_eq!(methods, ["GET /crm/v8/settings/tags", "GET /crm/v8/settings/modules/Leads"]);
    let targets: Vec<String> =
        env.entries().iter().map(|(_, target, _)| target.to_string()).collect();
    let mut expected = ids[..2].to_vec();
    expected.sort();
    assert_eq!(targets, expected);
}

#[test]
fn names_and_ids_may_be_mixed_and_the_same_tag_counts_once() {
    let (env, ids) = tagged(&["Prime", "Cold"]);
    let args = [&ids[0], "--name", "Prime", "--name", "Cold", "--name", "Cold"];
    let document = delete_tags(&env, &args).exits(0).json();
    assert_eq!((&document["recorded"], &document["duplicates"]), (&json!(2), &json!(2)));
    assert_eq!(document["resolved"][1], json!({"name": "Cold", "id": ids[1]}));
    assert!(document["module_id"].is_string(), "{document}");
    let file = env.file("tags.csv", format!("id,name\n{},Cold\n", ids[1]));
    let args = ["--from", &file, "--name", "Prime", "--again"];
    assert_eq!(delete_tags(&env, &args).exits(0).json()["recorded"], 2);
}

#[test]
fn a_name_is_never_guessed() {
    let (env, ids) = tagged(&["Prime", "Attend First", "Cold"]);
    let told = refused(&env, 1, &["--name", "Prine", &ids[0]]);
    assert_eq!(
        told,
        "no tag of Leads is named \"Prine\"; its tags are \"Prime\", \"Cold\", \"Attend First\"; nothing was \
         recorded"
    );
    let told = refused(&env, 1, &["--name", "Prime", "--name", "Hot"]);
    assert!(told.starts_with("no tag of Leads is named \"Hot\""), "{told}");
    let untagged = ["delete-tags", "Contacts", "--name", "Prime", "--reason", "x", "--json"];
    let told = env.journal(untagged).exits(1).error();
    assert!(told.contains("it has none"), "{told}");
    refused(&env, 2, &["--name", "a,b"]);
    assert_eq!(refused(&env, 2, &[]), "no ids were given");
}

#[test]
fn without_a_token_or_a_right_names_are_not_resolved() {
    let (mut env, ids) = tagged(&["Prime"]);
    env.zoho.plan_faults(vec![Fault::ReadForbidden]);
    let told = refused(&env, 5, &["--name", "Prime"]);
    assert!(
        told.starts_with("cannot read the tags of Leads: not allowed: NO_PERMISSION"),
        "{told}"
    );
    env.set("ZOHO_ACCESS_TOKEN", "1000.wrong");
    let told = refused(&env, 5, &["--name", "Prime"]);
    assert!(!told.contains("1000.wrong"), "{told}");
    env.unset("ZOHO_ACCESS_TOKEN");
    let events = env.events();
    let ran = delete_tags(&env, &["--name", "Prime"]).exits(5);
    assert!(ran.stderr.contains("hint: journal auth login"), "{ran}");
    assert_eq!(env.events(), events);
    delete_tags(&env, &[&ids[0]]).exits(0);
}

#[test]
fn a_module_that_cannot_be_read_is_pinned_later() {
    let (env, _) = tagged(&["Prime"]);
    // The first read that it strikes is the one of the tags: it is lost, and the command says so.
    env.zoho.plan_faults(vec![Fault::ReadLost]);
    let told = refused(&env, 1, &["--name", "Prime"]);
    assert!(told.starts_with("cannot read the tags of Leads: no answer"), "{told}");
    let document = delete_tags(&env, &["--name", "Prime"]).exits(0).json();
    assert!(document["module_id"].is_string(), "{document}");
}

#[test]
fn where_tags_are_deleted_one_by_one_the_module_is_not_read() {
    let (mut env, _) = tagged(&["Prime"]);
    env.set("JOURNAL_API_VERSION", "v6");
    let document = delete_tags(&env, &["--name", "Prime"]).exits(0).json();
    assert_eq!(document["module_id"], Value::Null);
    assert_eq!(env.zoho.requests().len(), 1);
    let plan = env.journal(["plan", "--json"]).json();
    assert_eq!((&plan["batches"], &plan["not_known"]), (&json!(1), &json!([])));
}

#[test]
fn another_orgs_token_resolves_nothing() {
    let mut env = Env::new(1);
    env.record(&env.leads());
    env.journal(["sync", "--yes"]).exits(0);
    let other = zoho_journal::simulator::Simulator::start_blocking(Config { seed: 7, ..config(1) });
    let other = other.unwrap();
    other.tag("Leads", &["Prime"], &[]);
    env.set("JOURNAL_API_URL", other.api_url()).set("ZOHO_ACCESS_TOKEN", other.access_token());
    let events = env.events();
    let told = delete_tags(&env, &["--name", "Prime"]).exits(7).error();
    assert!(told.contains("the token belongs to org"), "{told}");
    assert_eq!(env.events(), events);
}

#[test]
fn how_many_tags_a_job_takes_is_a_setting() {
    let mut env = Env::new(0);
    let ids: Vec<u64> = (410_405_000_000_612_001..).take(150).collect();
    let args = ["delete-tags", "Leads", "--from", "-", "--reason", "x"];
    env.journal_reading(args, crate::env::lines(&ids)).exits(0);
    let batches = |env: &Env, more: &[&str]| {
        let args = ["plan", "--json"].iter().chain(more).copied();
        env.journal(args).exits(0).json()["batches"].as_u64().unwrap()
    };
    assert_eq!(batches(&env, &[]), 2);
    assert_eq!(batches(&env, &["--tags-per-job", "200"]), 1);
    env.set("JOURNAL_TAGS_PER_JOB", "50");
    assert_eq!(batches(&env, &[]), 3);
    let shown = env.journal(["config", "show", "--json"]).json();
    assert_eq!(
        shown["tags_per_job"],
        json!({"value": "50", "origin": "environment JOURNAL_TAGS_PER_JOB"})
    );
    let dry = env.journal(["sync", "--dry-run", "--json", "--tags-per-job", "10"]).exits(0);
    assert_eq!(dry.json()["batches"], 15);
    for wrong in ["0", "201", "many"] {
        env.journal(["plan", "--tags-per-job", wrong]).exits(2);
    }
}
