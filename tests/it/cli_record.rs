//! `delete`: an intent is recorded whole or not at all, from every kind of list.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::env::{Env, Ran, filtered, lines};

const FIRST: u64 = 410_405_000_002_264_041;

fn delete(env: &Env, more: &[&str]) -> Ran {
    let args = ["delete", "Leads", "--reason", "clean-up", "--json"];
    env.journal(args.into_iter().chain(more.iter().copied()))
}

/// Records from a file and expects so many entries.
#[track_caller]
fn takes(env: &Env, content: impl AsRef<[u8]>, more: &[&str], recorded: u64) -> Value {
    let file = env.file("list.csv", content);
    let document = delete(env, &[&["--from", &file, "--again"], more].concat()).exits(0).json();
    assert_eq!(document["recorded"], recorded, "{document}");
    document
}

/// Expects an error, and that nothing was recorded.
#[track_caller]
fn refuses(env: &Env, content: impl AsRef<[u8]>, more: &[&str], told: &str) {
    let file = env.file("list.csv", content);
    let events = env.events();
    let ran = delete(env, &[&["--from", &file], more].concat()).exits(1);
    assert!(ran.error().contains(told), "{told}: {ran}");
    assert!(ran.stderr.contains("hint: "), "{ran}");
    assert_eq!(env.events(), events, "{ran}");
}

#[test]
fn ids_as_arguments_make_a_request() {
    let env = Env::new(0);
    let args = ["delete", "Leads", "410405000002264041", "zcrm_410405000002264042"];
    let more = ["410405000002264041", "--reason", "duplicates", "--ticket", "OPS-7"];
    let ran = env.journal(args.into_iter().chain(more)).exits(0);
    filtered(&env, || {
        insta::assert_snapshot!(ran.said(), @r"
        Recorded R1: delete 2 records of Leads (workflows WILL run) in production (us, a simulator on this machine), org not known before the first sync.
        1 duplicate was dropped.
        Nothing has been sent to Zoho. Next: journal plan R1, then journal sync R1
        ");
    });
    assert_eq!(env.states(), "pending 2");
    assert!(env.zoho.requests().is_empty());
}

#[test]
fn the_json_of_a_recording_has_the_keys_of_the_contract() {
    let env = Env::new(0);
    let document = delete(&env, &["410405000002264041", "410405000002264041"]).exits(0).json();
    for (key, value) in [
        ("request_id", json!("R1")),
        ("recorded", json!(1)),
        ("duplicates", json!(1)),
        ("held", json!(0)),
        ("rejected", json!([])),
        ("awaiting_approval", json!(false)),
        ("next", json!("journal plan R1, then journal sync R1")),
        ("org", Value::Null),
        ("environment", json!("production")),
        ("workflows", json!(true)),
    ] {
        assert_eq!(document[key], value, "{key}");
    }
    let document = delete(&env, &["410405000002264042", "--no-workflows"]).json();
    assert_eq!(document["workflows"], false);
    let said =
        env.journal(["delete", "Leads", "410405000002264043", "--reason", "x", "--no-workflows"]);
    assert!(said.stdout.contains("(no workflows)"), "{said}");
}

#[test]
fn invalid_rows_record_nothing_and_each_is_named() {
    let env = Env::new(0);
    let events = env.events();
    let rows = "Record Id,Name\r\n410405000002264041,a\r\n4.10405E+17,b\r\n,c\r\nRecord Id,Name\r\n\
                41040500000226404x,d\r\n12345,e\r\n0410405000002264041,f\r\n99999999999999999999,g\r\n\
                9223372036854775808,h\r\n410405000002264042\r\n410405000002264043,i,j\r\n-1,k\r\n";
    let file = env.file("leads.csv", rows);
    let document = delete(&env, &["--from", &file]).exits(1).json();
    assert_eq!(document["request_id"], Value::Null);
    assert_eq!(document["recorded"], 0);
    let rejected: Vec<(u64, &str)> = document["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["line"].as_u64().unwrap(), row["value"].as_str().unwrap()))
        .collect();
    assert_eq!(
        rejected,
        [
            (3, "4.10405E+17"),
            (4, ""),
            (5, "Record Id"),
            (6, "41040500000226404x"),
            (7, "12345"),
            (8, "0410405000002264041"),
            (9, "99999999999999999999"),
            (10, "9223372036854775808"),
            (11, "410405000002264042"),
            (12, "410405000002264043"),
            (13, "-1"),
        ]
    );
    assert_eq!(env.events(), events);
    let text = env.journal(["delete", "Leads", "--from", &file, "--reason", "x"]).exits(1);
    filtered(&env, || {
        insta::assert_snapshot!(text.said(), @r#"
        leads.csv: column "Record Id", 12 rows
          line 2: 410405000002264041
          line 3: 4.10405E+17
          line 4: (empty)
        warning: line 3: "4.10405E+17": a spreadsheet turned this id into a rounded number; export it again as text
        warning: line 4: "": empty
        warning: line 5: "Record Id": the header once more, in the middle of the file
        warning: line 6: "41040500000226404x": not a record id: only digits are allowed, with an optional zcrm_ before them
        warning: line 7: "12345": not a record id: 5 digits, expected 10 to 19
        warning: line 8: "0410405000002264041": not a record id: it begins with a zero
        warning: line 9: "99999999999999999999": not a record id: 20 digits, expected 10 to 19
        warning: line 10: "9223372036854775808": not a record id: larger than 9223372036854775807
        warning: line 11: "410405000002264042": 1 cell, expected 2
        warning: line 12: "410405000002264043": 3 cells, expected 2
        warning: line 13: "-1": not a record id: only digits are allowed, with an optional zcrm_ before them
        Nothing was recorded: 11 rows are invalid. Next: correct these rows, or record the others with --skip-invalid.
        "#);
    });
    let skipped = delete(&env, &["--from", &file, "--skip-invalid"]).exits(0).json();
    assert_eq!((&skipped["recorded"], &skipped["request_id"]), (&json!(1), &json!("R1")));
    assert_eq!(skipped["rejected"].as_array().unwrap().len(), 11);
    assert_eq!(env.states(), "pending 1");
}

#[test]
fn when_no_row_is_valid_skipping_records_nothing_either() {
    let env = Env::new(0);
    let events = env.events();
    let document = delete(&env, &["12", "--skip-invalid"]).exits(1).json();
    assert_eq!(document["request_id"], Value::Null);
    assert_eq!(document["rejected"][0]["line"], 1);
    assert_eq!(env.events(), events);
}

#[test]
fn zohos_own_exports_work_as_they_are() {
    let env = Env::new(0);
    let export = "\u{feff}\"Record Id\",\"Last Name\",\"Note\"\r\n\
                  \"zcrm_410405000002264041\",\"O\"\"Neil, A\",\"two\nlines\"\r\n\
                  zcrm_410405000002264042,b,c\r\n";
    takes(&env, export, &[], 2);
    for header in ["id", "Id", "ID", "Lead ID", "Lead Id"] {
        takes(&env, format!("{header},Name\n{FIRST},a\n"), &[], 1);
    }
    takes(&env, format!("Record Id;Name;Amount\n{FIRST};a, b;1,5\n"), &[], 1);
    takes(&env, format!("Name\tRecord Id\na;b\t{FIRST}\n"), &[], 1);
    takes(&env, format!("CRM id,Parent\n{FIRST},1\n"), &["--id-column", "CRM id"], 1);
    takes(&env, format!("Record Id,Lead ID\n1,{FIRST}\n"), &["--id-column", "Lead ID"], 1);
    takes(&env, format!("\n{FIRST}\r\n\r\n  {}  \r\nzcrm_{}", FIRST + 1, FIRST + 2), &[], 3);
    // The header stays alone: an export without records.
    takes(&env, "Record Id,Name\r\n", &[], 0);
}

#[test]
fn a_list_comes_from_standard_input_too() {
    let env = Env::new(0);
    let args = ["delete", "Leads", "--reason", "x", "--from", "-", "--json"];
    let document = env.journal_reading(args, lines(&[FIRST, FIRST + 1])).exits(0).json();
    assert_eq!(document["recorded"], 2);
    let csv = format!("Record Id,Name\n{},a\n", FIRST + 2);
    assert_eq!(env.journal_reading(args, csv).exits(0).json()["recorded"], 1);
    assert!(env.journal_reading(args, "").exits(1).error().contains("standard input is empty"));
    let both = ["delete", "Leads", "410405000002264050", "--reason", "x", "--from", "-", "--json"];
    let document = env.journal_reading(both, lines(&[FIRST + 8])).exits(0).json();
    assert_eq!(document["recorded"], 2);
}

#[test]
fn which_column_holds_the_ids_is_never_guessed() {
    let env = Env::new(0);
    let two = format!("Record Id,Lead ID\n{FIRST},{FIRST}\n");
    refuses(&env, &two, &[], "its columns are \"Record Id\", \"Lead ID\"");
    refuses(&env, "Name,Contact ID\na,1\n", &[], "its columns are \"Name\", \"Contact ID\"");
    refuses(&env, &two, &["--id-column", "record id"], "no column is named \"record id\"");
    refuses(&env, &two, &["--id-column", "Email"], "no column is named \"Email\"");
    refuses(&env, format!("{FIRST},Ann\n"), &[], "the first line holds an id");
    refuses(&env, lines(&[FIRST]), &["--id-column", "id"], "without a header");
    refuses(&env, "id,id\n1,2\n", &[], "more than one column is named \"id\"");
}

#[test]
fn a_file_that_was_damaged_is_refused_as_a_whole() {
    let env = Env::new(0);
    let rounded = "Record Id\n410405000002264000\n410405000002265000\n";
    refuses(&env, rounded, &["--skip-invalid"], "rounded by a spreadsheet");
    takes(&env, "Record Id\n410405000002264000\n410405000002265001\n", &[], 2);
    takes(&env, "Record Id\n410405000002264000\n", &[], 1);
    let mut latin = format!("Record Id,Name\n{FIRST},M").into_bytes();
    latin.extend(b"\xfcller\n");
    refuses(&env, latin, &[], "line 2: not UTF-8");
    for big in [false, true] {
        let utf16: Vec<u8> = "\u{feff}Record Id\n410405000002264041\n"
            .encode_utf16()
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect();
        refuses(&env, utf16, &[], "UTF-16");
    }
    let mut long = format!("Record Id,Note\n{FIRST},\"");
    long.push_str(&"a".repeat(10_000_000));
    long.push_str("\"\n");
    refuses(&env, long, &[], "line 2: a row of more than");
    refuses(&env, format!("Record Id\n{FIRST}\n\"41"), &[], "line 3: a quote is opened");
    refuses(&env, "", &[], "is empty");
    refuses(&env, "\n \n", &[], "is empty");
}

#[test]
fn a_file_that_cannot_be_read_records_nothing() {
    let env = Env::new(0);
    let events = env.events();
    let dir = env.dir.path().display().to_string();
    for (path, told) in [("nowhere.csv", "No such file"), (&dir, "directory")] {
        let message = delete(&env, &["--from", path]).exits(1).error();
        assert!(message.contains(told), "{message}");
    }
    let file = env.file("secret.csv", lines(&[FIRST]));
    env.shell("chmod 000 secret.csv", []).exits(0);
    if std::fs::read(&file).is_ok() {
        eprintln!("SKIPPED: this user may read every file, so none is unreadable");
    } else {
        let message = delete(&env, &["--from", &file]).exits(1).error();
        assert!(message.contains("ermission denied"), "{message}");
    }
    assert_eq!(env.events(), events);
}

#[test]
fn what_an_open_entry_covers_is_dropped_unless_it_is_asked_for_again() {
    let env = Env::new(0);
    let file = env.file("a.txt", lines(&[FIRST, FIRST + 1, FIRST, FIRST]));
    let document = delete(&env, &["--from", &file]).exits(0).json();
    assert_eq!((&document["recorded"], &document["duplicates"]), (&json!(2), &json!(2)));
    let document = delete(&env, &["--from", &file]).exits(0).json();
    assert_eq!(document["request_id"], Value::Null);
    assert_eq!((&document["recorded"], &document["duplicates"]), (&json!(0), &json!(4)));
    let text = env.journal(["delete", "Leads", "--from", &file, "--reason", "x"]).exits(0);
    filtered(&env, || {
        insta::assert_snapshot!(text.said(), @r"
        Nothing was recorded: everything is covered by open entries.
        4 duplicates were dropped.
        a.txt: one id a line, 4 rows
          line 1: 410405000002264041
          line 2: 410405000002264042
          line 3: 410405000002264041
        Nothing has been sent to Zoho. Next: journal status shows the open entries; --again records these all the same
        ");
    });
    let more = env.file("b.txt", lines(&[FIRST + 1, FIRST + 2]));
    let document = delete(&env, &["--from", &more]).exits(0).json();
    assert_eq!((&document["recorded"], &document["duplicates"]), (&json!(1), &json!(1)));
    // The same ids in another module are other records.
    let other = ["delete", "Contacts", "--from", &file, "--reason", "x", "--json"];
    assert_eq!(env.journal(other).json()["recorded"], 2);
    let document = delete(&env, &["--from", &file, "--again"]).exits(0).json();
    assert_eq!((&document["recorded"], &document["duplicates"]), (&json!(2), &json!(2)));
}

#[test]
fn a_dry_run_says_what_would_be_recorded_and_records_nothing() {
    let env = Env::new(0);
    let events = env.events();
    let file = env.file("a.txt", lines(&[FIRST, FIRST + 1, FIRST]));
    let document = delete(&env, &["--from", &file, "--dry-run"]).exits(0).json();
    assert_eq!(document["request_id"], Value::Null);
    assert_eq!((&document["recorded"], &document["duplicates"]), (&json!(2), &json!(1)));
    delete(&env, &["12", "--dry-run"]).exits(1);
    assert_eq!(env.events(), events);
    delete(&env, &["--from", &file]).exits(0);
    let document = delete(&env, &["--from", &file, "--dry-run"]).exits(0).json();
    assert_eq!((&document["recorded"], &document["duplicates"]), (&json!(0), &json!(3)));
}

#[test]
fn where_approval_is_required_a_request_waits_for_it() {
    let mut env = Env::new(3);
    env.set("JOURNAL_REQUIRE_APPROVAL", "3");
    let leads = env.leads();
    env.record(&leads[..2]);
    let args = ["delete", "Leads", "--from", "-", "--reason", "x", "--again", "--json"];
    let document = env.journal_reading(args, lines(&leads)).exits(0).json();
    assert_eq!(document["awaiting_approval"], true);
    assert_eq!(document["next"], "a second person looks and approves: journal approve R2");
    assert_eq!(env.states(), "awaiting_approval 3, pending 2");
    // All that could be sent awaits approval.
    env.journal(["sync", "R2", "--yes"]).exits(8);
    assert_eq!(env.sent(), 0);
    // Beside finished work it is no error.
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "awaiting_approval 3, done 2");
    env.agrees();
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let env = Env::new(0);
    let mut rows = "a\u{1b}[31mb,Record Id\n".to_owned();
    writeln!(rows, "x,\u{1b}]0;owned\u{7}\u{202e}").unwrap();
    let file = env.file("x.csv", rows);
    for json in [&[][..], &["--json"]] {
        let args = ["delete", "Leads", "--from", &file, "--reason", "x"];
        let ran = env.journal(args.into_iter().chain(json.iter().copied())).exits(1);
        assert!(!ran.said().contains(['\u{1b}', '\u{7}', '\u{202e}']), "{ran}");
    }
}

#[test]
fn a_journal_of_another_target_records_nothing() {
    let mut env = Env::new(0);
    delete(&env, &["410405000002264041"]).exits(0);
    let events = env.events();
    for (name, value) in [
        ("JOURNAL_ENVIRONMENT", "sandbox"),
        ("JOURNAL_DATA_CENTER", "eu"),
        ("JOURNAL_API_URL", "https://www.zohoapis.com"),
    ] {
        let before = if name == "JOURNAL_API_URL" { env.zoho.api_url() } else { String::new() };
        env.set(name, value);
        let message = delete(&env, &["410405000002264042"]).exits(7).error();
        assert!(
            message.starts_with("this journal belongs to production (us, a simulator"),
            "{message}"
        );
        delete(&env, &["410405000002264042", "--dry-run"]).exits(7);
        env.set(name, before);
    }
    assert_eq!(env.events(), events);
}
