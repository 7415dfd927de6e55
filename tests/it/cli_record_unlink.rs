//! `unlink`: the intent to take records out of related lists, of one parent or of many.

use serde_json::{Value, json};

use crate::env::{Env, Ran, filtered, lines};

const LEAD: u64 = 410_405_000_002_264_041;
const PARENT: &str = "410405000002264141";

fn unlink(env: &Env, args: &[&str]) -> Ran {
    env.journal(["unlink"].iter().chain(args).chain(&["--reason", "x", "--json"]).copied())
}

fn recorded(document: &Value) -> (u64, u64) {
    let number = |key: &str| document[key].as_u64().unwrap();
    (number("recorded"), number("duplicates"))
}

/// The flags of a request over many parents.
fn over<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let columns = ["--parent-column", "Campaign Id", "--id-column", "Lead Id"];
    [&["Campaigns", "-", "Leads", "--from", file][..], &columns, more].concat()
}

/// Expects a refusal, and that nothing was recorded; gives message and hint.
#[track_caller]
fn refused(env: &Env, code: i32, args: &[&str]) -> (String, String) {
    let events = env.events();
    let ran = unlink(env, args).exits(code);
    assert_eq!(env.events(), events, "{ran}");
    let hint = ran.json()["error"]["hint"].as_str().unwrap_or_default().to_owned();
    (ran.error(), hint)
}

#[test]
fn records_leave_one_parents_list() {
    let env = Env::new(0);
    let args = ["unlink", "Campaigns", PARENT, "Leads", "410405000002264041", "410405000002264042"];
    let ran = env.journal(args.into_iter().chain(["--reason", "wrong list"])).exits(0);
    filtered(&env, || {
        insta::assert_snapshot!(ran.said(), @r"
        Recorded R1: unlink 2 related records of Campaigns 410405000002264141 (list Leads) in production (us, a simulator on this machine), org not known before the first sync.
        Nothing has been sent to Zoho. Next: journal plan R1, then journal sync R1
        ");
    });
    let file = env.file("leads.csv", format!("Lead ID,Name\n{},a\n", LEAD + 2));
    let document = unlink(&env, &["Campaigns", PARENT, "Leads", "--from", &file]).exits(0).json();
    for (key, value) in [
        ("request_id", json!("R2")),
        ("operation", json!("unlink")),
        ("module", json!("Campaigns")),
        ("related_list", json!("Leads")),
        ("parent", json!(PARENT)),
        ("parents", json!(1)),
        ("snapshot", json!(true)),
        ("workflows", Value::Null),
    ] {
        assert_eq!(document[key], value, "{key}");
    }
    assert_eq!(env.states(), "pending 3");
    assert!(env.zoho.requests().is_empty());
}

#[test]
fn a_file_of_pairs_is_one_request_over_many_parents() {
    let env = Env::new(0);
    let pairs = "Campaign Id,Name,Lead Id\r\n410405000002264143,a,410405000002264041\r\n\
                 zcrm_410405000002264141,b,zcrm_410405000002264042\r\n410405000002264142,c,410405000002264041\r\n\
                 410405000002264141,d,410405000002264041\r\n410405000002264143,e,410405000002264041\r\n";
    let file = env.file("pairs.csv", pairs);
    let columns = ["--parent-column", "Campaign Id", "--id-column", "Lead Id", "--reason", "x"];
    let args = ["unlink", "Campaigns", "-", "Leads", "--from", &file];
    let ran = env.journal(args.into_iter().chain(columns)).exits(0);
    filtered(&env, || {
        insta::assert_snapshot!(ran.said(), @r#"
        Recorded R1: unlink 4 related records of 3 parents in Campaigns (list Leads) in production (us, a simulator on this machine), org not known before the first sync.
        1 duplicate was dropped.
        pairs.csv: columns "Campaign Id" and "Lead Id", 5 rows
          line 2: 410405000002264143, 410405000002264041
          line 3: zcrm_410405000002264141, zcrm_410405000002264042
          line 4: 410405000002264142, 410405000002264041
        Nothing has been sent to Zoho. Next: journal plan R1, then journal sync R1
        "#);
    });
    // Ascending by parent and related record.
    let conn = env.sqlite();
    let mut statement = conn
        .prepare(
            "SELECT s.parent, e.target FROM entry e JOIN scope s ON s.id = e.scope ORDER BY e.id",
        )
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
    let ends: Vec<(i64, i64)> =
        rows.unwrap().map(Result::unwrap).map(|(parent, id)| (parent % 1000, id % 1000)).collect();
    assert_eq!(ends, [(141, 41), (141, 42), (142, 41), (143, 41)]);
    let plan = env.journal(["plan", "--json"]).json();
    assert_eq!((&plan["entries"], &plan["batches"]), (&json!(4), &json!(3)));
    let request = &plan["requests"][0];
    assert_eq!((&request["related_list"], &request["parents"]), (&json!("Leads"), &json!(3)));
    // A dry run says the same and records nothing.
    let events = env.events();
    let document = unlink(&env, &over(&file, &["--dry-run", "--again"])).exits(0).json();
    assert_eq!((recorded(&document), &document["parents"]), ((4, 1), &json!(3)));
    assert_eq!(env.events(), events);
}

#[test]
fn only_the_same_parent_list_and_record_is_a_duplicate() {
    let env = Env::new(0);
    let one = |parent: &str, list: &str| {
        recorded(&unlink(&env, &["Campaigns", parent, list, "410405000002264041"]).exits(0).json())
    };
    assert_eq!(one(PARENT, "Leads"), (1, 0));
    assert_eq!(one(PARENT, "Leads"), (0, 1));
    assert_eq!(one(PARENT, "Contacts"), (1, 0));
    assert_eq!(one("410405000002264142", "Leads"), (1, 0));
    let pairs = format!("Campaign Id,Lead Id\n{PARENT},{LEAD}\n410405000002264143,{LEAD}\n");
    let file = env.file("pairs.csv", pairs);
    assert_eq!(recorded(&unlink(&env, &over(&file, &[])).exits(0).json()), (1, 1));
    assert_eq!(recorded(&unlink(&env, &over(&file, &[])).exits(0).json()), (0, 2));
    assert_eq!(recorded(&unlink(&env, &over(&file, &["--again"])).exits(0).json()), (2, 0));
    // Deleting the record is another operation.
    assert_eq!(env.record(&[LEAD]), "R6");
}

#[test]
fn an_invalid_row_of_pairs_says_which_column_and_records_nothing() {
    let env = Env::new(0);
    let events = env.events();
    let pairs = format!(
        "Campaign Id,Lead Id\n{PARENT},{LEAD}\n4.1E+17,{LEAD}\n{PARENT},\n{PARENT}\n\u{1b}[2J,{LEAD}\n\
         Campaign Id,Lead Id\n=HYPERLINK(1),12\n"
    );
    let file = env.file("pairs.csv", pairs);
    let document = unlink(&env, &over(&file, &[])).exits(1).json();
    assert_eq!((&document["request_id"], recorded(&document)), (&Value::Null, (0, 0)));
    let rejected = document["rejected"].as_array().unwrap();
    let lines: Vec<u64> = rejected.iter().map(|row| row["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [3, 4, 5, 6, 7, 8]);
    let reasons: Vec<&str> = rejected.iter().map(|row| row["reason"].as_str().unwrap()).collect();
    assert!(reasons[0].starts_with("column \"Campaign Id\": a spreadsheet"), "{}", reasons[0]);
    assert_eq!(reasons[1], "column \"Lead Id\": empty");
    assert_eq!(reasons[2], "1 cell, expected 2");
    assert!(reasons[4].contains("the header once more"), "{}", reasons[4]);
    let text = env.journal(["unlink"].into_iter().chain(over(&file, &["--reason", "x"])));
    let text = text.exits(1);
    assert!(!text.said().contains('\u{1b}'), "{text}");
    assert_eq!(env.events(), events);
    let document = unlink(&env, &over(&file, &["--skip-invalid"])).exits(0).json();
    assert_eq!(recorded(&document), (1, 0));
    assert_eq!(document["rejected"].as_array().unwrap().len(), 6);
}

#[test]
fn columns_of_pairs_are_named_and_never_guessed() {
    let env = Env::new(0);
    let file = env.file("pairs.csv", format!("Campaign Id,Lead Id\n{PARENT},{LEAD}\n"));
    let from = ["--from", &file];
    for more in [&[][..], &["--parent-column", "Campaign Id"], &["--id-column", "Lead Id"]] {
        let (_, hint) = refused(&env, 2, &[&["Campaigns", "-", "Leads"][..], &from, more].concat());
        assert_eq!(hint, "add --from FILE --parent-column NAME --id-column NAME");
    }
    refused(&env, 2, &["Campaigns", "-", "Leads", "410405000002264041"]);
    let (told, _) = refused(&env, 2, &over(&file, &["410405000002264041"]));
    assert!(told.contains("have no parent"), "{told}");
    let both = ["Campaigns", PARENT, "Leads", "--from", &file, "--parent-column", "Campaign Id"];
    let (told, _) = refused(&env, 2, &both);
    assert!(told.contains("--parent-column is for many parents"), "{told}");
    // Else the records of all parents would leave this one's list.
    let (told, _) = refused(&env, 1, &["Campaigns", PARENT, "Leads", "--from", &file]);
    assert!(told.contains("may hold the ids (\"Lead Id\", \"Campaign Id\")"), "{told}");
    let twice = ["--parent-column", "Lead Id", "--id-column", "Lead Id"];
    let args = [&["Campaigns", "-", "Leads"][..], &from, &twice].concat();
    let (told, _) = refused(&env, 1, &args);
    assert!(told.contains("is named for the parents and for the ids"), "{told}");
    let list = env.file("list.txt", lines(&[LEAD]));
    let (_, hint) = refused(&env, 1, &over(&list, &[]));
    assert_eq!(hint, "give a CSV file with a header and two columns");
    let rounded =
        format!("Campaign Id,Lead Id\n410405000002264000,{LEAD}\n410405000002265000,{LEAD}\n");
    let rounded = env.file("rounded.csv", rounded);
    let (told, _) = refused(&env, 1, &over(&rounded, &["--skip-invalid"]));
    assert!(told.contains("every long parent id ends in zeros"), "{told}");
    refused(&env, 2, &["Campaigns", "12", "Leads", "410405000002264041"]);
}

#[test]
fn pairs_come_from_standard_input_too() {
    let env = Env::new(0);
    let args = [&["unlink"][..], &over("-", &["--reason", "x", "--json"])].concat();
    let pairs = format!("Lead Id;Campaign Id\n{LEAD};{PARENT}\n");
    let document = env.journal_reading(args, pairs).exits(0).json();
    assert_eq!(recorded(&document), (1, 0));
}

#[test]
fn a_list_whose_rows_would_be_deleted_is_refused_always() {
    let env = Env::new(0);
    for (list, instead) in
        [("Notes", "delete Notes"), ("Tasks", "delete Tasks"), ("Attachments", "delete MODULE")]
    {
        for more in [&[][..], &["--unlisted-relation"]] {
            let args = [&["Leads", PARENT, list, "410405000002264041"][..], more].concat();
            let (told, hint) = refused(&env, 7, &args);
            assert!(told.contains("unlinking deletes the record"), "{told}");
            assert!(hint.contains(instead), "{hint}");
        }
    }
}

#[test]
fn a_relation_that_no_page_names_takes_a_flag() {
    let mut env = Env::new(0);
    let args = ["Campaigns", PARENT, "Deals", "410405000002264041"];
    let (told, hint) = refused(&env, 7, &args);
    assert!(told.contains("Campaigns–Leads, Campaigns–Contacts, Products–Leads"), "{told}");
    assert!(hint.contains("--unlisted-relation"), "{hint}");
    unlink(&env, &[&args[..], &["--unlisted-relation"]].concat()).exits(0);
    let (_, hint) = refused(&env, 2, &["Products", PARENT, "price_books", "410405000002264041"]);
    assert_eq!(hint, "write Price_Books");
    env.set("JOURNAL_PRODUCT", "bigin");
    let (told, hint) = refused(&env, 7, &["Products", PARENT, "Companies", "410405000002264041"]);
    assert!(
        told.contains("are Products–Contacts, Products–Accounts, Products–Pipelines"),
        "{told}"
    );
    assert!(hint.starts_with("did you mean Accounts?"), "{hint}");
    unlink(&env, &["Products", PARENT, "Accounts", "410405000002264041"]).exits(0);
}
