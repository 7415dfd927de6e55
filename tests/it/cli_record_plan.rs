//! `plan` over every operation.

use serde_json::{Value, json};

use crate::env::{Env, filtered, whoami};

const ID: &str = "410405000002264041";

#[test]
fn each_operation_is_planned_in_its_own_words() {
    let env = Env::new(0);
    let pairs = format!("P,L\n410405000002264141,{ID}\n410405000002264142,{ID}\n");
    let file = env.file("pairs.csv", pairs);
    let columns = ["--parent-column", "P", "--id-column", "L"];
    let asked: [&[&str]; 4] = [
        &["untag", "Leads", "--tag", "Prime", "--tag", "Cold", ID, "--no-snapshot"],
        &[&["unlink", "Campaigns", "-", "Leads", "--from", &file][..], &columns].concat(),
        &["unlink", "Campaigns", "410405000002264143", "Leads", ID],
        &["delete-tags", "Leads", ID],
    ];
    for args in asked {
        env.journal(args.iter().chain(&["--reason", "tidy"]).copied()).exits(0);
    }
    let said = env.journal(["plan"]).exits(0).said().replace(&whoami(&env), "ann");
    filtered(&env, || {
        insta::assert_snapshot!(said, @r#"
        Plan for production (us, a simulator on this machine), org not known before the first sync
        request  what                                  pending  asked by  ticket  reason
        R1       untag Leads: tags "Cold", "Prime"           1  ann              tidy
        R2       unlink Campaigns: Leads of 2 parents        2  ann              tidy
        R3       unlink Campaigns: Leads                     1  ann              tidy
        R4       delete-tags Leads                           1  ann              tidy
        untag 1 record of Leads in 1 call (tags "Cold", "Prime")
        unlink 3 related records of Campaigns in 3 calls (list Leads)
        delete-tags 1 tag of Leads in 1 call
        5 entries in 5 write calls; 13 calls in all with reads, 13 API credits, about 2 s
        CANNOT BE UNDONE: 1 entry of R1, which is recorded without a snapshot
        Not known: how long Zoho takes for its jobs: that time, and asking about them, is not in these numbers
        Nothing has been sent. Next: journal sync
        "#);
    });
    let plan = env.journal(["plan", "--json"]).json();
    assert_eq!((&plan["entries"], &plan["batches"]), (&json!(5), &json!(5)));
    assert_eq!((&plan["queued"], &plan["workflows"]), (&json!(0), &json!(false)));
    let row = |at: usize, key: &str| plan["requests"][at][key].clone();
    assert_eq!((row(0, "operation"), row(0, "tags")), (json!("untag"), json!(["Cold", "Prime"])));
    assert_eq!((row(0, "snapshot"), row(0, "workflows")), (json!(false), Value::Null));
    assert_eq!((row(1, "related_list"), row(1, "parents")), (json!("Leads"), json!(2)));
    assert_eq!((row(3, "operation"), row(3, "tags")), (json!("delete-tags"), Value::Null));
}

#[test]
fn what_the_version_does_not_offer_is_told() {
    let mut env = Env::new(0);
    env.set("JOURNAL_PRODUCT", "bigin");
    env.journal(["untag", "Contacts", "--tag", "a", ID, "--reason", "x"]).exits(0);
    env.set("JOURNAL_API_VERSION", "v1");
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!((&plan["entries"], &plan["not_offered"]), (&json!(0), &json!(["R1"])));
    let said = env.journal(["plan"]).exits(0).stdout;
    assert!(
        said.contains(
            "NOT SENT: R1: untag is not available for bigin v1; its entries stay pending until \
             JOURNAL_API_VERSION is one of v2"
        ),
        "{said}"
    );
}

#[test]
fn entries_in_zohos_queue_are_told_with_what_asks_about_them() {
    let env = Env::new(1);
    let tag = env.zoho.tag("Leads", &["Prime"], &[])[0].to_string();
    env.journal(["delete-tags", "Leads", &tag, "--reason", "x"]).exits(0);
    env.journal(["sync", "--yes", "--wait", "0s"]).exits(4);
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!((&plan["entries"], &plan["queued"]), (&json!(0), &json!(1)));
    assert_eq!(plan["next"], "journal sync");
    let said = env.journal(["plan"]).stdout;
    assert!(said.contains("1 entry in Zoho's own queue: their jobs are asked about"), "{said}");
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 1");
}
