//! Approval rules for an operation, a module, or both, through the binary.

use serde_json::{Value, json};

use crate::env::{Env, lines};

const RECORD: u64 = 4_876_876_000_000_900_001;

/// Asks for something with one record of a module, and says whether it waits.
fn waits(env: &Env, words: &[&str], records: u64) -> bool {
    let ids: Vec<u64> = (RECORD..RECORD + records).collect();
    let more = ["--from", "-", "--reason", "clean-up", "--again", "--json"];
    let args: Vec<&str> = words.iter().chain(&more).copied().collect();
    let recorded = env.journal_reading(args, lines(&ids)).exits(0).json();
    recorded["awaiting_approval"].as_bool().unwrap()
}

fn set(env: &Env, words: &[&str]) -> Value {
    let args = [&["policy", "set"], words, &["--reason", "board", "--json"]].concat();
    env.journal(args).exits(0).json()
}

/// The policy that a request met, as `show` tells it.
fn met(env: &Env, request: &str) -> Value {
    env.journal(["show", request, "--json"]).exits(0).json()["policy"].clone()
}

#[test]
fn rules_hold_for_an_operation_a_module_or_both() {
    let env = Env::new(1);
    let rules =
        ["--rule", "delete:Accounts=always", "--rule", "untag=always", "--rule", ":Deals=3"];
    let done = set(&env, &rules);
    assert_eq!(done["in_force"], true);
    assert_eq!(done["rules"], json!(["*:Deals=3", "delete:Accounts=always", "untag=always"]));
    assert!(waits(&env, &["delete", "Accounts"], 1));
    assert!(!waits(&env, &["delete", "Leads"], 2));
    assert!(waits(&env, &["untag", "Leads", "--tag", "old"], 1));
    assert!(waits(&env, &["delete", "Deals"], 3));
    assert!(!waits(&env, &["delete", "Deals"], 2));
    let policies: Vec<Value> = ["R1", "R2", "R3", "R4", "R5"].map(|one| met(&env, one)).into();
    assert_eq!(
        policies,
        ["delete:Accounts=always", "never", "untag=always", "*:Deals=3", "*:Deals=3"]
    );
    // The plan says which rule makes a request wait.
    let plan = env.journal(["plan", "R1", "R4", "--json"]).exits(0).json();
    let by = |at: usize| plan["requests"][at]["waits_by"].clone();
    assert_eq!((by(0), by(1)), (json!("delete:Accounts=always"), json!("*:Deals=3")));
    let ran = env.journal(["plan"]).exits(0);
    assert!(ran.stdout.contains("nobody has approved it (policy untag=always)"), "{ran}");
    // Who asked may not approve by a rule either.
    let user = crate::env::whoami(&env);
    env.journal(["approve", "R4", "--as", &user]).exits(7);
    env.journal(["approve", "R4", "--as", "Bert"]).exits(0);
    env.journal(["verify"]).exits(0);
}

#[test]
fn an_undo_is_an_operation_too_and_every_place_only_tightens() {
    let mut env = Env::new(3);
    let leads = env.leads();
    env.record(&leads[..2]);
    env.journal(["sync", "--yes"]).exits(0);
    env.set("JOURNAL_APPROVAL_RULES", "restore:Leads=always");
    env.journal(["undo", "E1", "--reason", "a mistake"]).exits(0);
    assert_eq!(met(&env, "R2"), "restore:Leads=always");
    // A flag adds to what the environment asks for, and the file to both.
    env.file("rules.toml", "[approval_rules]\n\"delete:Cases\" = \"always\"\ndelete = 2\n");
    env.set("JOURNAL_CONFIG", env.dir.path().join("rules.toml").display().to_string());
    env.journal(["undo", "E2", "--reason", "x", "--approval-rule", "restore=2"]).exits(0);
    assert_eq!(met(&env, "R3"), "restore:Leads=always");
    assert!(waits(&env, &["delete", "Cases"], 1));
    assert!(waits(&env, &["delete", "Vendors"], 2) && !waits(&env, &["delete", "Vendors"], 1));
    assert!(waits(&env, &["delete", "Vendors", "--approval-rule", "*:Vendors=1"], 1));
    // Capitals do not let anybody escape.
    assert!(waits(&env, &["delete", "Vendors", "--approval-rule", "delete:VENDORS=1"], 1));
    for (name, wrong) in [("--approval-rule", "delete=never"), ("--approval-rule", "x=1")] {
        let args = ["delete", "Leads", "--from", "-", "--reason", "x", name, wrong];
        let ran = env.journal_reading(args, lines(&leads[..1])).exits(2);
        assert!(ran.stderr.contains("is no approval rule"), "{ran}");
    }
    let shown = env.journal(["config", "show"]).exits(0);
    assert!(shown.stdout.contains("restore:Leads=always"), "{shown}");
    let doctor = env.journal(["doctor", "--json"]);
    assert!(!doctor.stdout.contains("approval_rules"), "{doctor}");
    env.journal(["verify"]).exits(0);
}

#[test]
fn what_was_recorded_under_a_lax_rule_waits_once_it_is_tightened() {
    let env = Env::new(3);
    let leads = env.leads();
    set(&env, &["--rule", "delete:Leads=10"]);
    env.record(&leads[..2]);
    env.record(&leads[2..]);
    assert_eq!(set(&env, &["--rule", "delete:Leads=2"])["in_force"], true);
    let plan = env.journal(["plan", "R1", "--json"]).exits(0).json();
    assert_eq!(plan["requests"][0]["waits_by"], "delete:Leads=2");
    let ran = env.journal(["sync", "--yes"]).exits(0);
    assert!(ran.stderr.contains("R1 needs an approval under the present policy"), "{ran}");
    assert_eq!((env.states().as_str(), env.sent()), ("awaiting_approval 2, done 1", 1));
    let needed = env.journal(["log", "--kind", "approval_needed", "--json"]).exits(0).json();
    assert_eq!(needed["event"]["data"]["policy"], "delete:Leads=2");
    let run = env.journal(["log", "--kind", "run_started", "--json"]).exits(0).json();
    assert_eq!(run["event"]["data"]["policy"], "never, delete:Leads=2");
    env.journal(["approve", "R1", "--as", "Bert"]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 3");
    env.journal(["verify"]).exits(0);
    env.agrees();
}

#[test]
fn loosening_one_rule_of_many_takes_a_second_person() {
    let env = Env::new(1);
    set(&env, &["--rule", "delete:Accounts=always", "--rule", "*:Deals=50"]);
    for words in [
        &["--no-rule", "*:Deals"][..],
        &["--rule", "*:Deals=51"],
        &["--only-rules", "--rule", "*:Deals=50"],
        // One is tightened, another one loosened.
        &["--rule", "*:Deals=10", "--rule", "delete:Accounts=2"],
        &["--require-approval", "9", "--no-rule", "delete:Accounts"],
    ] {
        let proposed = set(&env, words);
        assert_eq!(proposed["in_force"], false, "{words:?}");
        assert_eq!(proposed["rules_before"], json!(["*:Deals=50", "delete:Accounts=always"]));
    }
    assert!(waits(&env, &["delete", "Accounts"], 1));
    env.journal(["approve", "P2"]).exits(7);
    let approved = env.journal(["approve", "P2", "--as", "Bert", "--json"]).exits(0).json();
    assert_eq!(approved["rules"], json!(["delete:Accounts=always"]));
    // It overtakes the others.
    env.journal(["approve", "P5", "--as", "Bert"]).exits(7);
    assert!(!waits(&env, &["delete", "Deals"], 60));
    // What says as much in other words is no loosening.
    assert_eq!(set(&env, &["--only-rules", "--rule", "delete=always"])["in_force"], true);
    let before = env.events();
    let none = ["policy", "set", "--no-rule", "untag", "--reason", "x"];
    assert!(env.journal(none).exits(1).stderr.contains("the journal has no rule for untag"));
    env.journal(["policy", "set", "--reason", "x"]).exits(2);
    let twice = ["policy", "set", "--rule", "*:Deals=1", "--rule", ":deals=2", "--reason", "x"];
    env.journal(twice).exits(2);
    assert_eq!(env.events(), before);
    let told = env.journal(["log", "--kind", "policy_set"]).exits(0);
    assert!(
        told.stdout.contains("require approval never, *:Deals=51, delete:Accounts=always"),
        "{told}"
    );
    env.journal(["verify"]).exits(0);
}

#[test]
fn the_policy_says_what_holds_and_where_it_comes_from() {
    let mut env = Env::new(1);
    set(&env, &["--require-approval", "100", "--rule", "delete:Accounts=always"]);
    env.set("JOURNAL_APPROVAL_RULES", "*:Deals=50,delete:Accounts=7");
    let ask = ["policy", "show", "--operation", "delete", "--module", "Accounts", "--json"];
    let shown = env.journal(ask).exits(0).json();
    assert_eq!(
        shown["rules"],
        json!([
            {"rule": "*:Deals=50", "operation": null, "module": "Deals", "require_approval": "50",
             "from": ["environment JOURNAL_APPROVAL_RULES"]},
            {"rule": "delete:Accounts=always", "operation": "delete", "module": "Accounts",
             "require_approval": "always", "from": ["the journal, P1"]},
        ])
    );
    assert_eq!(
        shown["holds"],
        json!([{"operation": "delete", "module": "Accounts", "require_approval": "always",
                "rule": "delete:Accounts=always"}])
    );
    assert_eq!(shown["journal"]["rules"], json!(["delete:Accounts=always"]));
    assert_eq!(shown["settings_rules"][0]["from"], "environment JOURNAL_APPROVAL_RULES");
    let ran = env.journal(["policy", "show", "--module", "Deals"]).exits(0);
    for line in [
        "In force: require approval 100, approver named",
        "  *:Deals=50 (environment JOURNAL_APPROVAL_RULES)",
        "  delete:Accounts=always (the journal, P1)",
        "Holds for restore on Deals: 50, by the rule *:Deals=50",
    ] {
        assert!(ran.stdout.lines().any(|one| one == line), "{line}: {ran}");
    }
    let ran = env.journal(["policy", "show", "--operation", "delete"]).exits(0);
    let other = "Holds for delete on modules that no rule names: 100, as for all requests (100)";
    assert!(ran.stdout.contains(other), "{ran}");
}
