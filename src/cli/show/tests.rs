use crate::cli::exit::Exit;
use crate::cli::show::Subject;
use crate::cli::testing::run;
use crate::store::testing::story;

#[test]
fn subjects_are_told_apart_by_their_letter() {
    let read = |text: &str| text.parse::<Subject>().map(|subject| format!("{subject:?}"));
    assert_eq!(read("R12").unwrap(), "Request(RequestId(12))");
    assert_eq!(read("e7").unwrap(), "Entry(EntryId(7))");
    assert_eq!(read("B3").unwrap(), "Batch(BatchId(3))");
    assert_eq!(read("zcrm_410405000002264001").unwrap(), "Record(RecordId(410405000002264001))");
    assert!(read("X1").is_err() && read("").is_err() && read("R0").is_err());
}

#[test]
fn an_entry_is_shown_with_its_whole_story_in_order() {
    let journal = story();
    let shown = run(&journal.path(), &["show", "E2"]);
    assert_eq!(shown.exit, Exit::Done);
    assert_eq!(
        shown.lines(),
        [
            "E2 delete Leads 410405000002264002 in R1: failed",
            "  2026-11-22T10:00:00.000Z  #0      recorded by anna (uid 1000) for Anna: erasure request (GDPR-17); from leads.csv, row 3",
            "  2026-11-22T10:00:00.000Z  #5      in B1 of run 1, a call for 2 entries: DELETE /crm/v8/Leads?ids={ids}&wf_trigger=true",
            "  2026-11-22T10:00:01.000Z  #6      B1 answered with HTTP 200: failed, RECORD_LOCKED, the record is locked",
            "                                     {",
            r#"                                       "code": "RECORD_LOCKED","#,
            r#"                                       "details": {"#,
            r#"                                         "id": "410405000002264002""#,
            "                                       },",
            r#"                                       "message": "the record is locked""#,
            "                                     }",
            "  in words      Not done, tried on 2026-11-22 at Anna's request (GDPR-17): Zoho refused it with RECORD_LOCKED, which means: the record is locked: wait until image validation or the merge of duplicates is over, or unlock it, then run journal replay.",
        ]
    );
    let story_of = |entry: &str| -> Vec<String> {
        let shown = run(&journal.path(), &["show", entry]);
        let steps = shown.stdout.lines().filter(|line| line.starts_with("  2026"));
        steps.map(|line| line.split_at(28).1.to_owned()).collect()
    };
    assert_eq!(
        story_of("E3")[1..],
        [
            "#7      in B2 of run 1, a call for 3 entries: DELETE /crm/v8/Leads?ids={ids}&wf_trigger=true",
            "#8      B2 got no answer: the call timed out",
            "#9      read: bin 2026-11-22T10:00:01.000Z by us; so done: the record was deleted by our user while our call was open",
        ]
    );
    assert_eq!(story_of("E7")[2], "#11     B3 was not sent: connection refused");
    assert_eq!(story_of("E6").len(), 2);
}

#[test]
fn an_entry_as_json_holds_the_row_of_the_export_and_the_story() {
    let shown = run(&story().path(), &["show", "E2", "--json"]).json();
    assert_eq!(shown["entry"]["entry_id"], "E2");
    assert_eq!(shown["entry"]["target_id"], "410405000002264002");
    let kinds: Vec<&str> = shown["story"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["recorded", "batch_begun", "batch_answered"]);
    assert_eq!(
        shown["story"][2]["answer"],
        r#"{"code":"RECORD_LOCKED","details":{"id":"410405000002264002"},"message":"the record is locked"}"#
    );
    assert!(shown["advice"].as_str().unwrap().starts_with("the record is locked"));
}

#[test]
fn a_batch_is_shown_as_it_was_sent_and_answered() {
    let journal = story();
    let shown = run(&journal.path(), &["show", "B1"]);
    assert_eq!(
        shown.lines()[..10],
        [
            "B1 2 entries in run 1: answered",
            "  entries       E1-E2",
            "  recorded      2026-11-22T10:00:00.000Z, event 5",
            "  send by       2026-11-22T10:00:10.000Z",
            "  sent          2026-11-22T10:00:00.000Z",
            "  ended         2026-11-22T10:00:01.000Z, after 1 s, event 6",
            "  user          410405000000000001",
            "  request       DELETE /crm/v8/Leads?ids=410405000002264001,410405000002264002&wf_trigger=true",
            "  result        1 entry done SUCCESS",
            "  result        1 entry failed RECORD_LOCKED",
        ]
    );
    let body = r#"{"data":[{"code":"SUCCESS","details":{"id":"410405000002264001"},"message":"record deleted"},{"code":"RECORD_LOCKED","details":{"id":"410405000002264002"},"message":"the record is locked"}]}"#;
    let several = run(&journal.path(), &["show", "B1", "B2", "--json"]).json();
    assert_eq!(several[0]["answer"], body);
    assert_eq!(several[0]["outcomes"][1]["code"], "RECORD_LOCKED");
    assert_eq!(several[1]["reason"], "no_answer");
    assert_eq!(several[1]["detail"], "the call timed out");
    assert_eq!(run(&journal.path(), &["show", "B1", "--raw"]).stdout, body);
    assert_eq!(run(&journal.path(), &["show", "B2", "--raw"]).exit, Exit::Error);
    assert_eq!(run(&journal.path(), &["show", "B1", "B2", "--raw"]).exit, Exit::Usage);
}

#[test]
fn a_request_is_shown_with_who_why_and_how_far_it_is() {
    let journal = story();
    let shown = run(&journal.path(), &["show", "R1"]);
    let lines = shown.lines();
    assert_eq!(lines[0], "R1 delete 7 entries of Leads");
    for line in [
        "  asked by      Anna",
        "  why           erasure request",
        "  ticket        GDPR-17",
        "  at Zoho       workflows WILL run",
        "  source        leads.csv (file, column Record Id)",
        "  rows          7 read, 0 duplicates, 0 rejected",
        "  entries       E1–E7: pending 1, in_flight 1, unknown 1, done 2, absent 1, failed 1",
    ] {
        assert!(lines.contains(&line), "{line}");
    }
    let json = run(&journal.path(), &["show", "R1", "--json"]).json();
    assert_eq!((&json["recorded"], &json["entries"]["done"]), (&7.into(), &2.into()));
    assert_eq!((&json["workflows"], &json["environment"]), (&true.into(), &"production".into()));
}

#[test]
fn a_single_entry_is_no_range() {
    let mut journal = story();
    journal.delete(1, 1);
    let shown = run(&journal.path(), &["show", "R2"]);
    assert!(shown.lines().contains(&"  entries       E8: pending 1"), "{}", shown.stdout);
}

#[test]
fn a_record_is_shown_with_every_entry_that_names_it() {
    let mut journal = story();
    let target = "410405000002264001";
    // E1 is settled, so the record can be asked for again.
    journal.delete(1, 1);
    let shown = run(&journal.path(), &["show", target]);
    let lines = shown.lines();
    assert_eq!(lines[0], format!("record {target}"));
    assert!(lines[1].starts_with("  E1      R1      done              Deleted on 2026-11-22 "));
    assert!(lines[2].starts_with("  E8      R2      pending           Waiting to be sent since"));
    let json = run(&journal.path(), &["show", "zcrm_410405000002264001", "--json"]).json();
    assert_eq!(json["entries"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_not_there_is_an_error_that_names_it() {
    let journal = story();
    for what in ["R9", "E9", "B9", "1234567890"] {
        let shown = run(&journal.path(), &["show", what]);
        assert_eq!(shown.exit, Exit::Error);
        let error = format!("error: {what} is not in this journal");
        assert!(shown.stderr.starts_with(&error), "{}", shown.stderr);
    }
    let missing = journal.path().with_file_name("none.db");
    assert_eq!(run(&missing, &["show", "E1"]).exit, Exit::NoJournal);
}
