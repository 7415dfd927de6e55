//! `plan`: what sync would do, without doing any of it.

use crate::env::{Env, filtered, lines, whoami};

#[test]
fn a_plan_counts_calls_credits_and_time_and_sends_nothing() {
    let mut env = Env::new(260);
    let leads = env.leads();
    env.record(&leads[..250]);
    let args = ["delete", "Leads", "--from", "-", "--reason", "tidy", "--no-workflows"];
    env.journal_reading(args, lines(&leads[250..])).exits(0);
    let events = env.events();
    env.unset("ZOHO_ACCESS_TOKEN");
    let text = env.journal(["plan"]).exits(0);
    let user = whoami(&env);
    filtered(&env, || {
        insta::assert_snapshot!(text.said().replace(&user, "ann"), @r"
        Plan for production (us, a simulator on this machine), org not known before the first sync
        request  what          pending  asked by  ticket  reason
        R1       delete Leads      250  ann              clean-up
        R2       delete Leads       10  ann              tidy
        delete 10 records of Leads in 1 call (no workflows)
        delete 250 records of Leads in 3 calls (workflows WILL run)
        260 entries in 4 write calls; 7 calls in all with reads, 7 API credits, about 1 s
        Not known: whether Leads has a recycle bin: the first sync reads it before it sends
        Nothing has been sent. Next: journal sync
        ");
    });
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!(plan["entries"], 260);
    // 250 by hundreds, and ten that may not share a call with them.
    assert_eq!(plan["batches"], 4);
    // Org, user and module are read before.
    assert_eq!(plan["calls"], 7);
    assert_eq!(plan["credits"], 7);
    assert!(plan["seconds"].as_u64().is_some());
    for key in ["held", "awaiting_approval", "unknown"] {
        assert_eq!(plan[key], 0, "{key}");
    }
    assert!(plan["org"].is_null());
    assert_eq!(plan["environment"], "production");
    let requests = plan["requests"].as_array().unwrap();
    let names: Vec<_> = requests.iter().map(|one| one["request_id"].as_str().unwrap()).collect();
    assert_eq!(names, ["R1", "R2"]);
    assert_eq!(requests[1]["workflows"], false);
    assert_eq!(env.journal(["plan", "R2", "--json"]).json()["entries"], 10);
    assert_eq!(env.journal(["sync", "--dry-run", "--json"]).json(), plan);
    assert!(env.zoho.requests().is_empty());
    assert_eq!(env.events(), events);
}

#[test]
fn an_empty_journal_has_an_empty_plan() {
    let env = Env::new(0);
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!((&plan["entries"], &plan["calls"]), (&0.into(), &0.into()));
    assert_eq!(plan["requests"], serde_json::json!([]));
    let message = env.journal(["plan", "R7", "--json"]).exits(1).error();
    assert_eq!(message, "R7 is not in this journal");
}

#[test]
fn a_plan_names_the_journals_own_org_and_says_what_sync_would_refuse() {
    let mut env = Env::new(5);
    env.record(&env.leads());
    env.journal(["sync", "--yes", "--max-calls", "1"]).exits(6);
    let org = env.zoho.org_id().to_string();
    let plan = env.journal(["plan", "--json"]).json();
    assert_eq!((&plan["org"], &plan["refused_by"]), (&org.into(), &serde_json::Value::Null));
    env.set("JOURNAL_ENVIRONMENT", "sandbox");
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!(plan["environment"], "production");
    assert!(plan["refused_by"].as_str().unwrap().contains("sandbox"), "{plan}");
    let said = env.journal(["plan"]).stdout;
    assert!(said.contains("sync would refuse: this journal belongs to production"), "{said}");
    env.unset("JOURNAL_ENVIRONMENT").set("JOURNAL_MAX_ENTRIES", "4");
    let said = env.journal(["plan"]).stdout;
    assert!(said.contains("sync would refuse: the cap of 4 entries a run"), "{said}");
}

#[test]
fn what_is_not_due_or_too_old_is_not_in_the_plan_and_not_an_error() {
    let env = Env::new(3);
    let ids: Vec<String> = env.leads().iter().map(u64::to_string).collect();
    let later = ["delete", "Leads", &ids[0], "--reason", "x", "--not-before", "2099-01-01"];
    let ran = env.journal(later).exits(0);
    assert!(ran.stderr.contains("older than --valid-for"), "{ran}");
    let old = ["delete", "Leads", &ids[1], "--reason", "x", "--valid-for", "0s"];
    env.journal(old).exits(0);
    let plan = env.journal(["plan", "--json"]).json();
    assert_eq!(plan["entries"], 0);
    let said = env.journal(["plan"]).stdout;
    assert!(said.contains("1 entry not due yet"), "{said}");
    assert!(said.contains("1 entry too old without a fresh approval"), "{said}");
    // The one waits for its time, the other for a person.
    let summary = env.journal(["sync", "--yes", "--json"]).exits(8).summary();
    assert_eq!(summary["calls"], 0);
    let summary = env.journal(["sync", "R1", "--yes", "--json"]).exits(0).summary();
    assert_eq!(summary["calls"], 0);
    assert!(env.zoho.requests().is_empty());
}
