//! Untagging, unlinking and deleting tags as the commands show them: runs, jobs, rows and stories.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::Value;
use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::domain::entropy::SystemEntropy;
use zoho_journal::domain::scope::Task;
use zoho_journal::domain::target::{ApiOrigin, DataCenter, Environment, Target};
use zoho_journal::simulator::{Config, Fault};
use zoho_journal::store::Store;

use crate::env::{Env, Ran};
use crate::world::{Ask, record_into};

/// A Zoho whose clock a test can move, and whose jobs take an hour of it.
pub(crate) struct Slow {
    pub(crate) env: Env,
    ahead_ms: Arc<AtomicI64>,
}

impl Slow {
    pub(crate) fn new() -> Self {
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let ahead = Arc::clone(&ahead_ms);
        let now = move || SystemClock.now().millis() + ahead.load(Ordering::SeqCst);
        let env = Env::with(Config {
            job_scheduled_ms: 0,
            job_running_ms: 3_600_000,
            now: Arc::new(now),
            ..with(&[("Leads", 2)])
        });
        Self { env, ahead_ms }
    }

    /// Zoho's jobs so far are over.
    pub(crate) fn let_jobs_end(&self) {
        self.ahead_ms.fetch_add(7_200_000, Ordering::SeqCst);
    }
}

pub(crate) fn with(records: &[(&str, usize)]) -> Config {
    let records = records.iter().map(|(module, count)| ((*module).to_owned(), *count)).collect();
    Config { records, job_scheduled_ms: 0, job_running_ms: 0, ..Config::default() }
}

/// Records a request, without sending anything.
pub(crate) fn record(env: &Env, ask: &Ask<'_>) -> String {
    let store = Store::open(&env.db(), Box::new(SystemEntropy)).unwrap();
    let target = Target {
        data_center: DataCenter::Us,
        environment: Environment::Production,
        api_origin: ApiOrigin::loopback(),
    };
    record_into(store, &target, ask, false).request.unwrap().to_string()
}

/// Records the deletion of new tags of Leads.
pub(crate) fn record_tags(env: &Env, names: &[&str]) -> Vec<u64> {
    let lead = env.leads()[0];
    let tags = env.zoho.tag("Leads", names, &[lead]);
    record(env, &Ask::new("Leads", Task::DeleteTags, &tags));
    tags
}

fn rows(env: &Env) -> Vec<Value> {
    env.journal(["export", "--format", "jsonl"]).exits(0).json_lines()
}

#[track_caller]
fn says(ran: &Ran, words: &str) {
    assert!(ran.said().contains(words), "{words}: {ran}");
}

#[test]
fn a_run_that_does_not_wait_names_the_open_job_and_what_to_type() {
    let slow = Slow::new();
    let env = &slow.env;
    record_tags(env, &["Prime", "Hot"]);
    let ran = env.journal(["sync", "--yes", "--wait", "0s"]).exits(4);
    let job = env.zoho.snapshot().jobs[0].id.to_string();
    says(&ran, &format!("B1: Zoho accepted job {job} for 2 entries."));
    says(&ran, &format!("1 job of Zoho's is not over: {job}; journal jobs tells since when"));
    says(&ran, "Next: journal sync --wait 10m --yes");

    let summary = env.journal(["sync", "--yes", "--wait", "0s", "--json"]).exits(4).summary();
    assert_eq!(summary["jobs"], serde_json::json!([job]));
    assert_eq!((&summary["entries"]["queued"], &summary["sent"]), (&2.into(), &0.into()));
    assert_eq!(summary["unfinished"], 2);
    assert_eq!(env.journal(["status", "--json"]).exits(0).json()["jobs_open"], 1);

    let jobs = env.journal(["jobs", "--json"]).exits(0).json();
    let open = &jobs["jobs"][0];
    assert_eq!((&open["job_id"], &open["batch_id"]), (&job.clone().into(), &"B1".into()));
    assert_eq!(open["operation"], "delete-tags");
    assert_eq!((&open["request_ids"][0], &open["size"]), (&"R1".into(), &2.into()));
    assert!(open["ended_at"].is_null());
    let table = env.journal(["jobs"]).exits(0);
    says(&table, &job);
    says(&table, "open since ");

    let row = &rows(env)[0];
    assert_eq!((&row["state"], &row["job_id"]), (&"queued".into(), &job.clone().into()));
    let words = row["in_words"].as_str().unwrap();
    assert!(words.starts_with(&format!("Accepted by Zoho as job {job} on ")), "{words}");
    assert!(words.ends_with("Zoho has not finished it."), "{words}");
}

#[test]
fn once_a_job_is_over_its_tags_are_read_and_the_story_tells_all_of_it() {
    let slow = Slow::new();
    let env = &slow.env;
    record_tags(env, &["Prime", "Hot"]);
    env.journal(["sync", "--yes", "--wait", "0s"]).exits(4);
    let job = env.zoho.snapshot().jobs[0].id.to_string();
    slow.let_jobs_end();
    // Nothing is sent, so nothing has to be confirmed.
    let ran = env.journal(["sync", "--wait", "10m"]).exits(0);
    says(&ran, &format!("Zoho's job {job} completed: 2 of 2 deleted, 0 not deleted."));
    assert_eq!(env.journal(["jobs"]).exits(0).stdout, "no open jobs\n");
    let all = env.journal(["jobs", "--all", "--json"]).exits(0).json();
    assert_eq!((&all["jobs"][0]["ending"], &all["open"]), (&"completed".into(), &0.into()));
    for row in rows(env) {
        assert_eq!((&row["state"], &row["settled_by"]), (&"done".into(), &"job".into()));
        assert_eq!((&row["undo"], &row["undo_until"]), (&"partial".into(), &Value::Null));
        let evidence = row["evidence"].as_str().unwrap();
        assert!(evidence.starts_with("snapshot: tag there: "), "{evidence}");
        assert!(evidence.ends_with("; tag not there"), "{evidence}");
    }
    let kinds = env.journal(["show", "E1", "--json"]).exits(0).json();
    let kinds: Vec<&str> = kinds["story"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "recorded",
            "snapshot_taken",
            "batch_begun",
            "batch_answered",
            "job_ended",
            "evidence_read"
        ]
    );
}

#[test]
fn a_token_is_asked_for_while_a_job_is_open_though_nothing_is_to_be_sent() {
    let mut slow = Slow::new();
    record_tags(&slow.env, &["Prime"]);
    slow.env.journal(["sync", "--yes", "--wait", "0s"]).exits(4);
    slow.env.unset("ZOHO_ACCESS_TOKEN");
    let ran = slow.env.journal(["sync"]).exits(5);
    says(&ran, "not signed in");
}

#[test]
fn what_a_job_left_is_failed_and_says_what_to_do() {
    let env = Env::with(with(&[("Leads", 2)]));
    record_tags(&env, &["a", "b", "c"]);
    env.zoho.plan_faults(vec![Fault::JobPartial]);
    env.journal(["sync", "--yes"]).exits(3);
    let failed = env.journal(["list", "--state", "failed", "--json"]).exits(0).json_lines();
    assert_eq!(failed.len(), 1);
    assert_eq!((&failed[0]["code"], &failed[0]["settled_by"]), (&"FAILED".into(), &"job".into()));
    let entry = failed[0]["entry_id"].as_str().unwrap();
    says(&env.journal(["show", entry]).exits(0), "run journal replay to send it again");
}

#[test]
fn a_tag_in_use_is_told_with_the_places_that_use_it() {
    let env = Env::with(with(&[("Leads", 1)]));
    record_tags(&env, &["Prime"]);
    env.zoho.use_tags("Leads", &["Prime"]);
    env.journal(["sync", "--yes"]).exits(3);
    let shown = env.journal(["show", "E1"]).exits(0);
    says(&shown, "NOT_ALLOWED");
    says(&shown, "take it out there, then run journal replay");
}

#[test]
fn untagged_records_are_exported_with_what_was_there_before() {
    let env = Env::with(with(&[("Leads", 3)]));
    let leads = env.leads();
    env.zoho.tag("Leads", &["Prime", "Hot"], &leads[..1]);
    env.zoho.tag("Leads", &["Prime"], &leads[1..2]);
    record(&env, &Ask::untag("Leads", &["Prime", "Hot"], &leads));
    env.journal(["sync", "--yes"]).exits(0);
    let rows = rows(&env);
    let cell = |row: usize, name: &str| rows[row][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(rows[0]["tags"], serde_json::json!(["Hot", "Prime"]));
    assert!(cell(0, "evidence").starts_with("snapshot: tags there: "), "{}", cell(0, "evidence"));
    assert!(cell(0, "in_words").starts_with("Tags "), "{}", cell(0, "in_words"));
    assert!(
        cell(1, "in_words").starts_with("Tag \"Prime\" removed on "),
        "{}",
        cell(1, "in_words")
    );
    assert_eq!((cell(0, "undo"), cell(1, "undo")), ("possible".to_owned(), "possible".to_owned()));
    assert_eq!(cell(2, "state"), "absent");
    assert_eq!(cell(2, "evidence"), "snapshot: not there");
    assert_eq!(
        (cell(2, "settled_by"), &rows[2]["batch_id"]),
        ("evidence".to_owned(), &Value::Null)
    );
    assert_eq!((&rows[2]["attempts"], &rows[2]["http_status"]), (&0.into(), &Value::Null));
    assert!(cell(2, "in_words").starts_with("Nothing to do: "), "{}", cell(2, "in_words"));
    let csv = env.journal(["export", "--view", "batches"]).exits(0);
    says(&csv, "/Leads/actions/remove_tags");
}

#[test]
fn related_records_are_found_by_either_end() {
    let env = Env::with(with(&[("Leads", 2), ("Campaigns", 1)]));
    let (leads, campaign) = (env.leads(), env.zoho.snapshot().modules["Campaigns"].live[0]);
    env.zoho.link("Campaigns", campaign, "Leads", &leads);
    record(&env, &Ask::unlink("Campaigns", campaign, "Leads", &leads));
    let asked = env.journal(["sync"]).exits(8);
    says(&asked, "confirmation is missing");
    let ran = env.journal(["sync", "--yes"]).exits(0);
    says(&ran, "R1: unlink 2 related records of Campaigns (list Leads), asked for by anna");
    let found = |id: u64| {
        let id = id.to_string();
        env.journal(["list", "--id", &id, "--operation", "unlink", "--json"]).exits(0).json_lines()
    };
    assert_eq!((found(campaign).len(), found(leads[0]).len()), (2, 1));
    let row = &found(leads[0])[0];
    assert_eq!(
        (&row["parent_id"], &row["related_list"]),
        (&campaign.to_string().into(), &"Leads".into())
    );
    let batch = env.journal(["show", "B1", "--json"]).exits(0).json();
    let line = batch["request"].as_str().unwrap();
    assert!(line.starts_with(&format!("DELETE /crm/v8/Campaigns/{campaign}/Leads?ids=")), "{line}");
    says(&env.journal(["show", "R1"]).exits(0), "Leads of 1 record of Campaigns");
}
