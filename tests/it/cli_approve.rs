//! Approvals, rejections, expiry and the policy of the journal, through the binary.

use std::time::Duration;

use serde_json::{Value, json};
use zoho_journal::domain::state::EntryState;
use zoho_journal::reconcile::options::RunOptions;

use crate::env::{Env, lines, whoami};
use crate::world::World;

/// Records the deletion of these leads with more flags.
fn record(env: &Env, ids: &[u64], flags: &[&str]) -> Value {
    let args = ["delete", "Leads", "--from", "-", "--reason", "clean-up", "--json"];
    let args: Vec<&str> = args.iter().chain(flags).copied().collect();
    env.journal_reading(args, lines(ids)).exits(0).json()
}

/// Rows of the export by entry.
fn rows(env: &Env) -> Vec<Value> {
    env.journal(["export", "--format", "jsonl"]).exits(0).json_lines()
}

#[test]
fn what_policy_holds_back_is_sent_once_a_second_person_approved_it() {
    let env = Env::new(5);
    let user = whoami(&env);
    let recorded = record(&env, &env.leads(), &["--require-approval", "5"]);
    assert_eq!((&recorded["awaiting_approval"], &recorded["recorded"]), (&true.into(), &5.into()));
    assert_eq!(recorded["next"], "a second person looks and approves: journal approve R1");
    // All that could be sent awaits approval.
    let summary = env.journal(["sync", "--yes", "--json"]).exits(8).summary();
    assert_eq!(summary["entries"]["awaiting_approval"], 5);
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!((&plan["awaiting_approval"], &plan["entries"]), (&5.into(), &0.into()));
    let next = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!(next["next"], "journal show R1");

    let before = env.events();
    let named = format!(" {} ", user.to_uppercase());
    for who in [user.as_str(), named.as_str()] {
        let refused = env.journal(["approve", "R1", "--as", who, "--json"]).exits(7).error();
        assert!(refused.contains("R1 needs a second person"), "{refused}");
    }
    env.journal(["approve", "R1"]).exits(7);
    assert_eq!(env.events(), before);

    let ran = env.journal(["approve", "R1", "--as", "Bert"]).exits(0);
    assert!(ran.stdout.contains("5 entries may be sent; approved by Bert"), "{ran}");
    assert!(ran.stderr.contains("names are an honour system"), "{ran}");
    assert_eq!(env.states(), "pending 5");
    let twice = env.journal(["approve", "R1", "--as", "Bert", "--json"]).exits(7).error();
    assert!(twice.contains("R1 is already approved by Bert"), "{twice}");
    // Whatever the flag says now, it has been approved.
    env.journal(["sync", "--yes", "--require-approval", "always"]).exits(0);
    for row in rows(&env) {
        assert_eq!((&row["state"], &row["approved_by"]), (&"done".into(), &"Bert".into()));
        assert!(row["approved_at"].is_string());
    }
    let shown = env.journal(["show", "R1", "--json"]).exits(0).json();
    assert_eq!((&shown["second_person"], &shown["same_account"]), (&true.into(), &true.into()));
    let event = env.journal(["log", "--kind", "request_approved", "--json"]).exits(0).json();
    assert_eq!(event["event"]["data"]["content"], shown["leaf_hash"]);
    assert!(!event["event"].to_string().contains("Bert"), "{event}");
    env.journal(["verify"]).exits(0);
    env.agrees();
}

#[test]
fn what_is_rejected_is_never_sent_and_says_who_and_why() {
    let env = Env::new(3);
    let leads = env.leads();
    record(&env, &leads[..2], &["--require-approval", "always"]);
    record(&env, &leads[2..], &[]);
    env.journal(["reject", "R1", "--reason", " "]).exits(2);
    // Only what waits for approval can be rejected.
    let refused = env.journal(["reject", "R2", "--reason", "x", "--json"]).exits(7).error();
    assert!(refused.contains("R2 waits for no approval"), "{refused}");
    env.journal(["reject", "R3", "--reason", "x"]).exits(1);
    let rejected = env
        .journal(["reject", "R1", "--reason", "customers.", "--as", "Bert", "--json"])
        .exits(0)
        .json();
    assert_eq!(rejected["rejected"], json!([{"request_id": "R1", "entries": 2}]));
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "cancelled 2, done 1");
    let row = &rows(&env)[0];
    assert_eq!((&row["code"], &row["settled_by"]), (&"REJECTED".into(), &"person".into()));
    assert_eq!(
        (&row["message"], &row["undo"]),
        (&"rejected by Bert: customers".into(), &"nothing_to_undo".into())
    );
    let event = env.journal(["log", "--kind", "request_rejected", "--json"]).exits(0).json();
    assert_eq!((&event["seq"], &event["leaf"]), (&row["log_index"], &row["leaf_hash"]));
    assert_eq!(
        env.journal(["list", "--code", "REJECTED", "--json"]).exits(0).json_lines().len(),
        2
    );
    for command in [["approve", "R1"], ["show", "E1"], ["show", "R1"]] {
        let code = if command[0] == "approve" { 7 } else { 0 };
        env.journal(command).exits(code);
    }
    env.journal(["verify"]).exits(0);
    env.agrees();
}

#[test]
fn what_is_too_old_waits_for_a_fresh_approval_and_is_valid_anew() {
    let env = Env::new(2);
    record(&env, &env.leads(), &["--valid-for", "1ms"]);
    let ran = env.journal(["sync", "--yes"]).exits(8);
    assert!(ran.stderr.contains("R1 is older than --valid-for"), "{ran}");
    assert_eq!((env.states().as_str(), env.sent()), ("awaiting_approval 2", 0));
    let row = &rows(&env)[0];
    assert_eq!((&row["state"], &row["code"]), (&"awaiting_approval".into(), &"EXPIRED".into()));
    assert!(row["message"].as_str().unwrap().contains("it was valid until 20"), "{row}");
    env.journal(["verify"]).exits(0);
    // It happens once, and by one event.
    let seen = env.journal(["log", "--kind", "approval_needed", "--json"]).exits(0).json();
    assert_eq!(seen["event"]["data"]["cause"], "expired");
    env.journal(["sync", "--yes"]).exits(8);
    assert_eq!(
        env.journal(["log", "--kind", "approval_needed"]).exits(0).stdout.lines().count(),
        1
    );
    // No policy asks for a second person, so who asked may approve; for a millisecond more, that is.
    let approved = env.journal(["approve", "R1", "--json"]).exits(0).json();
    assert_eq!(approved["approved"][0]["second_person"], false);
    assert_eq!(
        (&approved["approved"][0]["entries"], env.states().as_str()),
        (&2.into(), "pending 2")
    );
    assert_eq!(rows(&env)[0]["code"], Value::Null);
    env.journal(["sync", "--yes"]).exits(8);
    // Where policy asks for a second person, that holds for a fresh approval, too.
    env.journal(["approve", "R1", "--require-approval", "always"]).exits(7);
    env.journal(["approve", "R1", "--require-approval", "always", "--as", "Bert"]).exits(0);
    env.journal(["verify"]).exits(0);
    env.agrees();
}

#[test]
fn what_met_a_looser_policy_is_taken_back_by_a_stricter_one() {
    let mut env = Env::new(4);
    let leads = env.leads();
    record(&env, &leads[..3], &[]);
    record(&env, &leads[3..], &[]);
    env.set("JOURNAL_REQUIRE_APPROVAL", "2");
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!((&plan["entries"], &plan["awaiting_approval"]), (&1.into(), &3.into()));
    let ran = env.journal(["sync", "--yes"]).exits(0);
    assert!(ran.stderr.contains("R1 needs an approval under the present policy"), "{ran}");
    assert_eq!(env.states(), "awaiting_approval 3, done 1");
    // From then on it is a second person's, also where nobody asks any more.
    env.unset("JOURNAL_REQUIRE_APPROVAL");
    env.journal(["approve", "R1"]).exits(7);
    env.journal(["approve", "R1", "--as", "Bert"]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    env.journal(["verify"]).exits(0);
    env.agrees();
}

#[test]
fn the_journal_s_policy_is_tightened_at_once_and_loosened_by_a_second_person() {
    let mut env = Env::new(6);
    let leads = env.leads();
    let set = |env: &Env, policy| {
        let args = ["policy", "set", "--require-approval", policy, "--reason", "board", "--json"];
        env.journal(args).exits(0).json()
    };
    assert_eq!(set(&env, "3")["in_force"], true);
    env.journal(["policy", "set", "--require-approval", "0", "--reason", "x"]).exits(2);
    // Settings can only tighten it.
    env.set("JOURNAL_REQUIRE_APPROVAL", "never");
    assert_eq!(record(&env, &leads[..3], &[])["awaiting_approval"], true);
    assert_eq!(record(&env, &leads[3..4], &["--require-approval", "1"])["awaiting_approval"], true);
    let looser = set(&env, "never");
    assert_eq!((&looser["in_force"], &looser["policy_id"]), (&false.into(), &"P2".into()));
    let shown = env.journal(["policy", "show", "--json"]).exits(0).json();
    assert_eq!(
        (&shown["require_approval"], &shown["proposed"][0]["policy_id"]),
        (&"3".into(), &"P2".into())
    );
    env.journal(["approve", "P2"]).exits(7);
    env.journal(["approve", "P2", "R1"]).exits(2);
    env.journal(["approve", "P2", "--as", "Bert"]).exits(0);
    env.journal(["approve", "P2", "--as", "Bert"]).exits(7);
    env.journal(["approve", "P9", "--as", "Bert"]).exits(1);
    // What waits already still needs its approval; what comes now does not.
    env.journal(["approve", "R1"]).exits(7);
    assert_eq!(record(&env, &leads[4..], &[])["awaiting_approval"], false);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "awaiting_approval 4, done 2");
    // A newer policy overtakes a proposal.
    set(&env, "10");
    set(&env, "never");
    set(&env, "5");
    let over = env.journal(["approve", "P4", "--as", "Bert", "--json"]).exits(7).error();
    assert!(over.contains("P4 is no open proposal"), "{over}");
    set(&env, "100");
    env.journal(["reject", "P6", "--reason", "no", "--as", "Bert"]).exits(0);
    let shown = env.journal(["policy", "show"]).exits(0);
    assert!(shown.stdout.contains("In force: require approval 5"), "{shown}");
    env.journal(["verify"]).exits(0);
}

/// Approving while a run is on: what it sends was counted and confirmed before.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_while_a_run_is_on_is_the_next_run_s_business() {
    use zoho_journal::clock::{Clock, SystemClock};
    use zoho_journal::domain::policy::ApprovalPolicy;
    use zoho_journal::store::approval::By;

    let mut world = World::new(5);
    let leads = world.leads();
    let (first, second) = (world.record("Leads", &leads[..2]), world.record("Leads", &leads[2..]));
    let strict = RunOptions { policy: ApprovalPolicy::From(3).into(), ..world.options() };
    world.run(strict).await.unwrap();
    assert_eq!(world.states(), "awaiting_approval 3, done 2");
    let mut store = world.store();
    world.after_contact(move || {
        let by = By { who: "Bert", account: "bert", reason: "", program: "test" };
        let never = ApprovalPolicy::Never;
        let approved =
            store.write("approving", SystemClock.now(), |tx| tx.approve(&[second], never, by));
        approved.unwrap().0.unwrap();
    });
    let third = world.record("Leads", &leads[..1]);
    assert!(first < second && second < third);
    let options = RunOptions { wait: Duration::ZERO, ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!((summary.sent, summary.totals[&EntryState::Pending]), (1, 3));
    assert_eq!(summary.unfinished, 3);
    let summary = world.sync().await;
    assert_eq!((summary.sent, summary.unfinished), (3, 0));
}
