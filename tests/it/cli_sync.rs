//! `sync` and `replay`: what stops them before anything is sent, and how they say how they ended.

use serde_json::{Value, json};
use zoho_journal::simulator::{Fault, Simulator};

use crate::env::{Env, Ran, config, filtered};

/// Expects that nothing was sent and nothing was written.
#[track_caller]
fn refused(env: &Env, args: &[&str], code: i32) -> String {
    let (events, calls) = (env.events(), env.zoho.requests().len());
    let ran = env.journal(args.iter().copied().chain(["--json"])).exits(code);
    assert_eq!(env.events(), events, "{ran}");
    assert_eq!(env.zoho.requests().len(), calls, "{ran}");
    ran.error()
}

#[test]
fn a_run_deletes_what_was_recorded_and_says_so() {
    let env = Env::new(250);
    env.record(&env.leads());
    let ran = env.journal(["sync", "--yes"]).exits(0);
    let user = crate::env::whoami(&env);
    filtered(&env, || {
        insta::assert_snapshot!(ran.said().replace(&user, "ann"), @r"
        done               250
        This sends 250 entries to production (us, a simulator on this machine), org not known before the first sync:
          R1: delete 250 records of Leads (workflows WILL run), asked for by ann: clean-up
        Zoho answers as org [ORG].
        250 entries sent in this run, 6 API calls, 6 credits
        Exit code 0: all done. Next: journal export -o audit.csv
        ");
    });
    assert_eq!(env.states(), "done 250");
    assert_eq!(env.sent(), 3);
    env.agrees();
}

#[test]
fn with_json_every_line_has_a_type_and_the_last_one_sums_up() {
    let env = Env::new(150);
    env.record(&env.leads());
    let ran = env.journal(["sync", "--yes", "--json"]).exits(0);
    let lines = ran.json_lines();
    let types: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["started", "contact", "batch", "batch", "summary"]);
    let summary = ran.summary();
    assert_eq!(summary["meaning"], "all done");
    assert!(summary["next"].as_str().unwrap().starts_with("journal "));
    assert_eq!((&summary["calls"], &summary["credits"]), (&json!(5), &json!(5)));
    assert_eq!(
        summary["entries"],
        json!({
            "awaiting_approval": 0, "pending": 0, "in_flight": 0, "queued": 0, "unknown": 0,
            "done": 150, "absent": 0, "failed": 0, "held": 0, "cancelled": 0,
        })
    );
    let org = env.zoho.org_id().to_string();
    assert_eq!((&summary["org"], &summary["environment"]), (&json!(org), &json!("production")));
    assert_eq!(summary["workflows"], true);
    assert_eq!(lines[0]["workflows"], true);
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_sent() {
    let env = Env::new(5);
    env.record(&env.leads());
    let message = refused(&env, &["sync"], 8);
    assert_eq!(message, "confirmation is missing; nothing was sent");
    refused(&env, &["replay"], 8);
    refused(&env, &["sync", "--no-input"], 8);
    let typed = env.journal_reading(["sync"], "5\n").exits(8);
    assert!(typed.stderr.contains("--yes to send 5 entries"), "{typed}");
    assert_eq!(env.sent(), 0);
}

#[test]
fn a_replay_that_sends_refused_entries_again_asks_first_too() {
    let mut env = Env::new(3);
    let leads = env.leads();
    env.zoho.lock(leads[0]);
    env.record(&leads);
    env.journal(["sync", "--yes"]).exits(3);
    env.zoho.unlock(leads[0]);
    let dry = env.journal(["replay", "--dry-run"]).exits(0);
    assert!(dry.stderr.contains("would send 1 refused entry once more"), "{}", dry.stderr);
    refused(&env, &["replay"], 8);
    refused(&env, &["replay", "--yes", "--max-entries", "0"], 7);
    let token = env.zoho.access_token();
    env.unset("ZOHO_ACCESS_TOKEN");
    refused(&env, &["replay", "--yes"], 5);
    env.set("ZOHO_ACCESS_TOKEN", token);
    // Nothing that may pass has this code.
    env.journal(["replay", "--code", "NOT_APPROVED"]).exits(0);
    assert_eq!(env.states(), "done 2, failed 1");
    let lines = env.journal(["replay", "--yes", "--json"]).exits(0).json_lines();
    // What was settled before is sent with workflows, as it was recorded.
    assert_eq!(lines[0]["workflows"], true);
    let summary = lines.last().unwrap();
    assert_eq!((&summary["reopened"], &summary["sent"]), (&json!(1), &json!(1)));
    assert_eq!(env.states(), "done 3");
    env.agrees();
}

#[test]
fn the_cap_refuses_before_anything_is_done() {
    let mut env = Env::new(20);
    env.record(&env.leads());
    let message = refused(&env, &["sync", "--yes", "--max-entries", "19"], 7);
    assert_eq!(message, "this run would send 20 entries, and the cap is 19");
    env.set("JOURNAL_MAX_ENTRIES", "19");
    refused(&env, &["sync", "--yes"], 7);
    env.journal(["sync", "--yes", "--max-entries", "20"]).exits(0);
}

#[test]
fn a_budget_stops_a_run_which_the_next_one_finishes() {
    let mut env = Env::new(450);
    let request = env.record(&env.leads());
    let args = ["sync", &request, "--yes", "--json", "--max-calls", "5", "--concurrency", "1"];
    let summary = env.journal(args).exits(6).summary();
    assert_eq!(summary["calls"], 5);
    assert_eq!(
        summary["next"],
        format!("journal replay {request} --max-calls 5 --concurrency 1 --yes")
    );
    assert!(summary["stopped_by"].as_str().unwrap().contains("--max-calls 5"), "{summary}");
    assert_eq!(env.zoho.requests().len(), 5);
    assert_eq!(env.states(), "done 200, pending 250");
    let args = ["sync", "--yes", "--json", "--max-credits", "4"];
    let summary = env.journal(args).exits(6).summary();
    assert_eq!(summary["credits"], 4);
    let status = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!((&status["calls_24h"], &status["credits_24h"]), (&json!(9), &json!(9)));
    env.set("JOURNAL_DAILY_CREDITS", "10");
    let plan = env.journal(["plan"]).exits(0).stdout;
    assert!(
        plan.contains("sync would stop before the end: the daily budget leaves 1 credit"),
        "{plan}"
    );
    let summary = env.journal(["sync", "--yes", "--json"]).exits(6).summary();
    assert!(summary["stopped_by"].as_str().unwrap().starts_with("the daily budget of 10 credits"));
    env.unset("JOURNAL_DAILY_CREDITS");
    env.journal(["replay", &request, "--yes"]).exits(0);
    assert_eq!(env.states(), "done 450");
    env.agrees();
}

#[test]
fn a_run_that_sets_a_request_aside_and_those_after_it_say_how_it_goes_on() {
    let env = Env::new(150);
    let leads = env.leads();
    for lead in &leads[..100] {
        env.zoho.lock(*lead);
    }
    let request = env.record(&leads);
    let next = format!("journal show {request}, then journal sync {request} --yes");
    let args = ["sync", "--yes", "--json", "--max-failures", "50", "--concurrency", "1"];
    let summary = env.journal(args).exits(6).summary();
    assert_eq!((&summary["next"], &summary["parked"]), (&json!(next), &json!([request])));
    assert_eq!(env.states(), "failed 100, pending 50");
    let summary = env.journal(["sync", "--yes", "--json"]).exits(4).summary();
    assert_eq!(summary["next"], next);
    assert!(summary["warnings"][0].as_str().unwrap().contains("set aside"), "{summary}");
    env.journal(["sync", &request, "--yes"]).exits(3);
    assert_eq!(env.states(), "done 50, failed 100");
    env.agrees();
}

#[test]
fn without_a_token_entries_stay_pending() {
    let mut env = Env::new(5);
    // There is nothing to do yet, so nobody needs to be signed in.
    env.unset("ZOHO_ACCESS_TOKEN");
    env.journal(["sync", "--yes"]).exits(0);
    env.journal(["replay"]).exits(0);
    env.record(&env.leads());
    for token in [None, Some("")] {
        token.map(|token| env.set("ZOHO_ACCESS_TOKEN", token));
        refused(&env, &["sync", "--yes"], 5);
    }
    env.set("ZOHO_ACCESS_TOKEN", "1000.wrong.s3cr3t");
    let ran = env.journal(["sync", "--yes", "--json"]).exits(5);
    let summary = ran.summary();
    assert_eq!(summary["entries"]["pending"], 5);
    assert!(summary["stopped_by"].as_str().unwrap().contains("INVALID_TOKEN"), "{summary}");
    assert!(summary["next"].as_str().unwrap().starts_with("set ZOHO_ACCESS_TOKEN"), "{summary}");
    assert!(!ran.said().contains("s3cr3t"));
    assert_eq!(env.sent(), 0);
    let bytes = std::fs::read(env.db()).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"s3cr3t"));
}

#[test]
fn a_missing_scope_or_permission_is_named_and_entries_stay_pending() {
    for (fault, named) in [
        (Fault::Scope, "ZohoCRM.modules.leads.DELETE"),
        (Fault::NoPermission, "Crm_Implied_Delete"),
    ] {
        let env = Env::new(5);
        env.record(&env.leads());
        env.zoho.set_rate(fault, 1.0);
        let summary = env.journal(["sync", "--yes", "--json"]).exits(5).summary();
        assert!(summary["not_allowed"][0].as_str().unwrap().contains(named), "{summary}");
        assert_eq!(env.states(), "pending 5");
        env.zoho.clear_faults();
        env.journal(["sync", "--yes"]).exits(0);
        env.agrees();
    }
}

#[test]
fn a_journal_is_bound_to_its_target_before_any_contact() {
    let mut env = Env::new(5);
    env.record(&env.leads());
    let loopback = env.zoho.api_url();
    for (name, value) in [
        ("JOURNAL_ENVIRONMENT", "sandbox"),
        ("JOURNAL_DATA_CENTER", "eu"),
        ("JOURNAL_API_URL", "https://www.zohoapis.com"),
        ("JOURNAL_API_URL", ""),
    ] {
        env.set(name, value);
        for args in [&["sync", "--yes"][..], &["sync"], &["replay", "--yes"]] {
            let message = refused(&env, args, 7);
            assert!(
                message.starts_with("this journal belongs to production (us, a sim"),
                "{message}"
            );
        }
        env.unset(name).set("JOURNAL_API_URL", &loopback);
    }
    env.journal(["sync", "--yes", "--environment", "sandbox"]).exits(7);
    env.journal(["sync", "--yes"]).exits(0);
    // Settled is no excuse: the next request would go there.
    env.set("JOURNAL_ENVIRONMENT", "sandbox");
    refused(&env, &["sync", "--yes"], 7);
}

#[test]
fn another_orgs_token_is_found_out_before_the_first_write() {
    let mut env = Env::new(5);
    let leads = env.leads();
    env.record(&leads[..2]);
    env.journal(["sync", "--yes"]).exits(0);
    env.record(&leads[2..]);
    let mut other = config(5);
    other.seed = 77;
    let other = Simulator::start_blocking(other).unwrap();
    env.set("JOURNAL_API_URL", other.api_url()).set("ZOHO_ACCESS_TOKEN", other.access_token());
    let summary = env.journal(["sync", "--yes", "--json"]).exits(7).summary();
    assert!(summary["stopped_by"].as_str().unwrap().contains("another org"), "{summary}");
    assert!(other.requests().iter().all(|one| !one.is_write));
    assert_eq!(env.states(), "done 2, pending 3");
}

#[test]
fn failures_and_open_entries_have_codes_of_their_own() {
    let env = Env::new(4);
    let leads = env.leads();
    env.zoho.lock(leads[0]);
    let request = env.record(&[leads[0], leads[1], 999_999_999_999_999_999]);
    let summary = env.journal(["sync", "--yes", "--json"]).exits(3).summary();
    assert_eq!(summary["entries"]["failed"], 2);
    assert!(summary["next"].as_str().unwrap().contains("journal replay --yes"), "{summary}");
    // Old failures are no news, unless they are asked about.
    env.journal(["sync", "--yes"]).exits(0);
    env.journal(["sync", &request, "--yes"]).exits(3);
    env.journal(["replay", "--yes"]).exits(3);
    env.record(&leads[2..]);
    env.zoho.plan_faults(vec![Fault::LoseRequest]);
    let patient = ["sync", "--yes", "--json", "--wait", "0s", "--quarantine", "1h"];
    let summary = env.journal(patient).exits(4).summary();
    assert_eq!(summary["entries"]["unknown"], 2);
    assert_eq!(summary["next"], "journal replay --quarantine 1h --yes");
    env.agrees();
    let plan = env.journal(["plan", "--json"]).json();
    assert_eq!((&plan["unknown"], &plan["entries"]), (&json!(2), &json!(0)));
    env.journal(["replay", "--yes", "--quarantine", "0s"]).exits(3);
    assert_eq!(env.states(), "done 3, failed 2");
    env.agrees();
}

#[test]
fn throttling_for_longer_than_wait_stops_the_run() {
    let env = Env::new(5);
    env.record(&env.leads());
    env.zoho.set_rate(Fault::Throttle, 1.0);
    let summary = env.journal(["sync", "--yes", "--json", "--wait", "0s"]).exits(6).summary();
    assert_eq!(summary["next"], "journal replay --yes");
    assert_eq!(env.states(), "pending 5");
    env.zoho.clear_faults();
    env.journal(["replay", "--yes"]).exits(0);
    env.agrees();
}

#[test]
fn a_zoho_that_cannot_be_reached_leaves_everything_pending() {
    let mut env = Env::new(5);
    env.record(&env.leads());
    // Nobody listens on port 1.
    env.set("JOURNAL_API_URL", "http://127.0.0.1:1");
    let summary = env.journal(["sync", "--yes", "--json", "--wait", "0s"]).exits(4).summary();
    assert!(summary["stopped_by"].as_str().unwrap().contains("no usable answer"), "{summary}");
    assert_eq!(env.states(), "pending 5");
}

#[test]
fn commands_that_are_shown_lead_to_the_same_journal() {
    let env = Env::new(2);
    let db = env.dir.path().join("other.db").display().to_string();
    env.journal(["init", "--db", &db]).exits(0);
    let id = env.leads()[0].to_string();
    let args = ["delete", "Leads", &id, "--reason", "x", "--json", "--db", &db];
    let next = env.journal(args).exits(0).json()["next"].clone();
    assert_eq!(next, format!("journal plan R1 --db {db}, then journal sync R1 --db {db}"));
    let args = ["sync", "--yes", "--json", "--max-calls", "1", "--db", &db];
    let summary = env.journal(args).exits(6).summary();
    assert_eq!(summary["next"], format!("journal replay --yes --db {db}"));
    env.journal(["replay", "--yes", "--db", &db]).exits(0);
}

#[test]
fn a_run_goes_on_when_nobody_reads_its_output() {
    let env = Env::new(300);
    env.record(&env.leads());
    let script =
        "{ \"$@\" sync --yes --json --concurrency 1; echo $? > code; } | head -n 1; cat code";
    let ran = env.shell(script, []);
    assert!(ran.stdout.ends_with("\n0\n"), "{ran}");
    assert_eq!(env.states(), "done 300");
    env.agrees();
}

#[test]
fn a_settled_request_can_be_named() {
    let env = Env::new(2);
    let request = env.record(&env.leads());
    env.journal(["sync", "--yes"]).exits(0);
    let summary: Value = env.journal(["sync", &request, "--json"]).exits(0).summary();
    assert_eq!(summary["calls"], 0);
    let ran: Ran = env.journal(["sync", "R9", "--yes", "--json"]).exits(1);
    assert_eq!(ran.error(), "R9 is not in this journal");
}
