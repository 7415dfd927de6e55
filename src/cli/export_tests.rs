use std::os::unix::fs::PermissionsExt;

use crate::cli::exit::Exit;
use crate::cli::testing::run;
use crate::store::testing::{Journal, story};

#[test]
fn rows_go_to_stdout_and_their_number_to_stderr() {
    let journal = story();
    let shown =
        run(&journal.path(), &["export", "--state", "done", "--bare-ids", "--delimiter", ";"]);
    assert_eq!(shown.exit, Exit::Done);
    let rows: Vec<&str> = shown.stdout.split_terminator("\r\n").collect();
    assert_eq!(rows.len(), 3);
    assert!(rows[0].starts_with("entry_id;request_id;operation;"));
    assert!(rows[1].starts_with("E1;R1;delete;crm;410405000000000099;Leads;410405000002264001;"));
    assert_eq!(shown.stderr, "2 rows\n");
    let json = run(&journal.path(), &["export", "--json", "--id", "410405000002264003"]).json();
    assert_eq!(json["entry_id"], "E3");
}

#[test]
fn a_file_is_written_whole_for_its_owner_alone() {
    let journal = story();
    let path = journal.path().with_file_name("audit.csv");
    std::fs::write(&path, "old").unwrap();
    let file = path.to_str().unwrap();
    let shown = run(&journal.path(), &["export", "--bom", "-o", file, "--json"]);
    assert_eq!(shown.exit, Exit::Done);
    let document = shown.json();
    assert_eq!((&document["rows"], &document["format"]), (&7.into(), &"csv".into()));
    let lines = path.with_extension("jsonl");
    let shown = run(&journal.path(), &["export", "-o", lines.to_str().unwrap()]);
    assert_eq!(shown.exit, Exit::Done);
    assert!(std::fs::read_to_string(&lines).unwrap().starts_with("{\"entry_id\":"));
    let shown = run(&journal.path(), &["export", "--bom", "-o", file]);
    assert_eq!((shown.exit, shown.stdout.as_str()), (Exit::Done, ""));
    assert_eq!(shown.stderr, format!("7 rows of entries written to {file}\n"));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("\u{feff}entry_id,"));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let nowhere = journal.path().with_file_name("none").join("audit.csv");
    let failed = run(&journal.path(), &["export", "-o", nowhere.to_str().unwrap()]);
    assert_eq!(failed.exit, Exit::Error);
}

/// A slip of the hand, `-o` with the journal's own name, must not replace the evidence.
#[test]
fn an_export_never_replaces_a_journal_or_what_belongs_to_it() {
    let (journal, other) = (story(), Journal::new());
    let before = std::fs::read(journal.path()).unwrap();
    let path = |end: &str| format!("{}{end}", journal.path().display());
    let key = journal.path().with_file_name("id");
    std::fs::write(&key, "PRIVATE+KEY+zoho-journal/id+00").unwrap();
    let key = key.display().to_string();
    let lock = path(".anchor.lock");
    for target in [path(""), path("-wal"), path(".anchor"), path(".lock"), lock, key] {
        assert_eq!(run(&journal.path(), &["export", "-o", &target]).exit, Exit::Usage, "{target}");
    }
    let foreign = other.path().display().to_string();
    assert_eq!(run(&journal.path(), &["export", "-o", &foreign]).exit, Exit::Usage);
    assert_eq!(std::fs::read(journal.path()).unwrap(), before);
}

#[test]
fn a_filter_that_a_view_would_ignore_is_refused() {
    let journal = story();
    let refused = run(&journal.path(), &["export", "--view", "events", "--request", "R1"]);
    assert_eq!((refused.exit, refused.stdout.as_str()), (Exit::Usage, ""));
    let taken = run(&journal.path(), &["export", "--view", "requests", "--ticket", "GDPR-17"]);
    assert_eq!((taken.exit, taken.stderr.as_str()), (Exit::Done, "1 row\n"));
    let missing = run(&journal.path(), &["export", "--request", "R2"]);
    assert_eq!(missing.exit, Exit::Error);
}

#[test]
fn the_list_is_a_table_or_json_lines() {
    let journal = story();
    let table = run(&journal.path(), &["list"]);
    assert_eq!(
        table.lines()[..3],
        [
            "entry      request   operation    module        item                 state              code                  settled",
            "E1         R1        delete       Leads         410405000002264001   done               SUCCESS               2026-11-22T10:00:01.000Z",
            "E2         R1        delete       Leads         410405000002264002   failed             RECORD_LOCKED         2026-11-22T10:00:01.000Z",
        ]
    );
    let rows = run(&journal.path(), &["list", "--state", "unknown", "--state", "failed", "--json"]);
    assert_eq!(rows.lines().len(), 2);
    assert!(rows.lines().iter().all(|row| row.starts_with(r#"{"type":"entry","entry_id":"E"#)));
    let none = run(&journal.path(), &["list", "--code", "NOTHING"]);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "0 entries\n"));
}

#[test]
fn the_log_is_told_in_lines_and_given_verbatim_as_json() {
    let journal = story();
    let shown = run(&journal.path(), &["log"]);
    assert_eq!(shown.lines().len(), 13);
    assert_eq!(
        shown.lines()[6],
        "      6  2026-11-22T10:00:01.000Z  batch_answered           B1: HTTP 200: E1 done SUCCESS; E2 failed RECORD_LOCKED"
    );
    assert_eq!(
        shown.lines()[0],
        "      0  2026-11-22T10:00:00.000Z  request_recorded         R1: delete 7 of Leads for Anna: erasure request (GDPR-17)"
    );
    let last = run(&journal.path(), &["log", "--json", "--kind", "batch_begun", "--last", "1"]);
    assert!(last.stdout.starts_with(r#"{"type":"event","seq":12,"leaf":""#));
    assert!(last.stdout.contains(
        r#""event":{"v":"zoho-journal/event@1","at":"2026-11-22T10:02:31.000Z","kind":"batch_begun","data":{"run":1,"#
    ));
}
