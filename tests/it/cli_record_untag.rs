//! `untag`: the intent to remove tags from records.

use serde_json::{Value, json};

use crate::env::{Env, Ran, filtered, lines};

const FIRST: u64 = 410_405_000_002_264_041;

fn untag(env: &Env, more: &[&str]) -> Ran {
    env.journal(["untag", "Leads", "--reason", "x", "--json"].iter().chain(more).copied())
}

fn recorded(document: &Value) -> (u64, u64) {
    let number = |key: &str| document[key].as_u64().unwrap();
    (number("recorded"), number("duplicates"))
}

#[test]
fn tags_and_records_make_a_request_without_any_call() {
    let mut env = Env::new(0);
    env.unset("ZOHO_ACCESS_TOKEN");
    let args = ["untag", "Leads", "--tag", "Prime", "--tag", "Attend First", "--reason", "x"];
    let ids = ["410405000002264041", "zcrm_410405000002264042", "410405000002264041"];
    let ran = env.journal(args.into_iter().chain(ids)).exits(0);
    filtered(&env, || {
        insta::assert_snapshot!(ran.said(), @r#"
        Recorded R1: untag 2 records of Leads (tags "Attend First", "Prime") in production (us, a simulator on this machine), org not known before the first sync.
        1 duplicate was dropped.
        Nothing has been sent to Zoho. Next: journal plan R1, then journal sync R1
        "#);
    });
    assert_eq!(env.states(), "pending 2");
    assert!(env.zoho.requests().is_empty());
}

#[test]
fn the_json_names_tags_and_snapshot_and_speaks_of_no_workflows() {
    let env = Env::new(0);
    let document = untag(&env, &["--tag", "b", "--tag", "a", "410405000002264041"]).exits(0).json();
    for (key, value) in [
        ("request_id", json!("R1")),
        ("recorded", json!(1)),
        ("held", json!(0)),
        ("rejected", json!([])),
        ("awaiting_approval", json!(false)),
        ("next", json!("journal plan R1, then journal sync R1")),
        ("operation", json!("untag")),
        ("tags", json!(["a", "b"])),
        ("snapshot", json!(true)),
        ("workflows", Value::Null),
    ] {
        assert_eq!(document[key], value, "{key}");
    }
    let blind = ["--tag", "c", "410405000002264041", "--no-snapshot"];
    assert_eq!(untag(&env, &blind).exits(0).json()["snapshot"], false);
    let again =
        ["untag", "Leads", "--tag", "d", "410405000002264041", "--reason", "x", "--no-snapshot"];
    let said = env.journal(again).exits(0).said();
    assert!(said.contains("nothing of this can be undone"), "{said}");
    assert!(!said.contains("workflows"), "{said}");
}

#[test]
fn only_the_same_set_of_tags_is_a_duplicate() {
    let env = Env::new(0);
    let file = env.file("leads.txt", lines(&[FIRST, FIRST + 1]));
    let with = |tags: &[&str], more: &[&str]| {
        let tags: Vec<&str> = tags.iter().flat_map(|tag| ["--tag", tag]).collect();
        let args = [&tags[..], &["--from", &file], more].concat();
        recorded(&untag(&env, &args).exits(0).json())
    };
    assert_eq!(with(&["Prime", "Cold"], &[]), (2, 0));
    assert_eq!(with(&["Cold", "Prime", "Cold"], &[]), (0, 2));
    assert_eq!(with(&["Prime"], &[]), (2, 0));
    // Whether Zoho tells capitals apart is documented nowhere.
    assert_eq!(with(&["prime"], &[]), (2, 0));
    assert_eq!(with(&["Prime"], &["--again"]), (2, 0));
    // Deleting the same records is another operation.
    assert_eq!(env.record(&[FIRST, FIRST + 1]), "R5");
}

#[test]
fn a_tags_name_is_taken_as_it_is_or_refused() {
    let env = Env::new(0);
    let events = env.events();
    let long = "x".repeat(26);
    for wrong in ["a,b", "", " a", "a ", "a<b", "a>b", &long, "a\nb", "\u{1b}[31m"] {
        let ran = untag(&env, &["--tag", wrong, "410405000002264041"]).exits(2);
        assert!(!ran.said().contains('\u{1b}'), "{ran}");
    }
    untag(&env, &["410405000002264041"]).exits(2);
    let ran = untag(&env, &["--tag", "a"]).exits(2);
    assert_eq!(ran.error(), "no ids were given");
    assert_eq!(env.events(), events);
    let odd = ["--tag", "Ünï;cöde & 100%", "--tag", "{ids}", "410405000002264041"];
    let document = untag(&env, &odd).exits(0).json();
    assert_eq!(document["tags"], json!(["{ids}", "Ünï;cöde & 100%"]));
}

#[test]
fn what_the_version_does_not_offer_is_not_recorded() {
    let mut env = Env::new(0);
    env.set("JOURNAL_PRODUCT", "bigin").set("JOURNAL_API_VERSION", "v1");
    let events = env.events();
    let args = ["untag", "Contacts", "--tag", "a", "410405000002264041", "--reason", "x", "--json"];
    let ran = env.journal(args).exits(2);
    assert_eq!(ran.error(), "untag is not available for bigin v1");
    assert!(ran.stderr.contains("set JOURNAL_API_VERSION to one of v2"), "{ran}");
    assert_eq!(env.events(), events);
    env.set("JOURNAL_API_VERSION", "v2");
    env.journal(args).exits(0);
}

#[test]
fn a_module_is_named_as_zohos_api_names_it() {
    let mut env = Env::new(0);
    let events = env.events();
    let hint = |env: &Env, module: &str, more: &[&str]| {
        let args = ["delete", module, "410405000002264041", "--reason", "x", "--json"];
        let ran = env.journal(args.iter().chain(more).copied()).exits(2);
        let document = ran.json();
        document["error"]["hint"].as_str().unwrap().to_owned()
    };
    assert_eq!(hint(&env, "leads", &[]), "write Leads");
    assert_eq!(hint(&env, "price_books", &[]), "write Price_Books");
    env.set("JOURNAL_PRODUCT", "bigin");
    assert_eq!(hint(&env, "Companies", &[]), "write Accounts");
    assert_eq!(hint(&env, "Deals", &[]), "write Pipelines");
    // Its delete call has no such parameter.
    assert!(hint(&env, "Contacts", &["--no-workflows"]).contains("leave --no-workflows out"));
    env.set("JOURNAL_API_VERSION", "v1");
    assert_eq!(hint(&env, "Pipelines", &[]), "write Deals");
    assert_eq!(env.events(), events);
    let args = ["delete", "Deals", "410405000002264041", "--reason", "x", "--no-workflows"];
    let said = env.journal(args).exits(0).said();
    assert!(said.contains("(no workflows)"), "{said}");
}
