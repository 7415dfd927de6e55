//! A program that was built without full snapshots: it records none, and sends nothing that wants one.

#![cfg(not(feature = "full-snapshot"))]

use std::time::Duration;

use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::domain::entropy::SystemEntropy;
use zoho_journal::domain::event::SourceKind;
use zoho_journal::domain::id::RecordId;
use zoho_journal::domain::merkle::Hash;
use zoho_journal::domain::policy::ApprovalPolicy;
use zoho_journal::domain::scope::Task;
use zoho_journal::domain::target::{ApiOrigin, DataCenter, Environment, Product, Target};
use zoho_journal::evidence::keeper::{Keeper, Operator};
use zoho_journal::store::entry::NewItem;
use zoho_journal::store::full_snapshot::FullWanted;
use zoho_journal::store::recording::{NewRequest, RequestSource};

use crate::env::Env;

const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// Records what a program with full snapshots would have recorded.
fn record(env: &Env, lead: u64) {
    let by = Operator { account: "a test", program: "test/1" };
    let now = SystemClock.now();
    let mut keeper = Keeper::open(&env.db(), Box::new(SystemEntropy), by, now).unwrap();
    let target = RecordId::from_stored(i64::try_from(lead).unwrap()).unwrap();
    let full =
        FullWanted { recipient: RECIPIENT.parse().unwrap(), retention: Duration::from_hours(24) };
    let source = RequestSource {
        kind: SourceKind::Arguments,
        name: "arguments".to_owned(),
        sha256: Hash::of(b"x"),
        column: None,
        rows: 1,
    };
    let new = NewRequest {
        task: &Task::Delete,
        product: Product::Crm,
        module: &"Leads".parse().unwrap(),
        workflows: true,
        snapshot: true,
        module_id: None,
        target: &Target {
            data_center: DataCenter::Us,
            environment: Environment::Production,
            api_origin: ApiOrigin::loopback(),
        },
        items: &[NewItem { parent: None, target, row: 1 }],
        repeated: &[],
        invalid: &[],
        again: false,
        policy: ApprovalPolicy::Never.into(),
        not_before: None,
        valid_for: Duration::from_hours(24),
        snapshot_records: false,
        full: Some(&full),
        after: None,
        source: &source,
        requested_by: "x",
        recorded_by: "x",
        reason: "x",
        ticket: None,
        program: "test/1",
    };
    keeper.write("recording", now, |tx| tx.record(&new)).unwrap();
}

#[test]
fn it_refuses_to_record_and_to_send_and_the_rest_can_be_sent_by_name() {
    let env = Env::new(2);
    let leads = env.leads();
    let id = leads[0].to_string();
    let args = ["delete", "Leads", &id, "--reason", "x", "--snapshot", "full"];
    let args = [&args[..], &["--snapshot-recipient", RECIPIENT]].concat();
    let refused = env.journal(args).exits(2);
    assert!(refused.stderr.contains("built without full snapshots"), "{refused}");
    assert!(refused.stderr.contains("--features full-snapshot"), "{refused}");
    record(&env, leads[0]);
    env.record(&leads[1..]);
    let calls = env.zoho.requests().len();
    for command in [&["sync", "--yes"][..], &["replay", "--yes"], &["sync", "R1", "--yes"]] {
        let ran = env.journal(command.iter().copied()).exits(7);
        assert!(ran.stderr.contains("R1 wants a full snapshot of each record"), "{ran}");
    }
    assert_eq!(env.zoho.requests().len(), calls);
    let plan = env.journal(["plan"]).exits(0);
    assert!(plan.stdout.contains("sync would refuse: full snapshots are wanted"), "{plan}");
    env.journal(["sync", "R2", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 1, pending 1");
    env.journal(["verify"]).exits(0);
}
