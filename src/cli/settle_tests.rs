use super::*;
use crate::cli::testing::run;
use crate::store::testing::story;

#[test]
fn entries_are_named_one_by_one_in_ranges_and_as_other_commands_print_them() {
    let read = |words: &[&str]| {
        let named: Result<Vec<Named>, _> = words.iter().map(|word| word.parse()).collect();
        Ok::<_, String>(together(&named?).unwrap().to_string())
    };
    assert_eq!(read(&["E7"]).unwrap(), "7");
    assert_eq!(read(&["E9-E12", "E7", "e10-e14", "E7"]).unwrap(), "7,9-14");
    assert_eq!(read(&["E1-E3,E7"]).unwrap(), "1-3,7");
    assert_eq!(read(&["E1-E10000"]).unwrap(), "1-10000");
    for wrong in
        ["", "R1", "B1", "E0", "E2-E1", "E1-", "-E1", "E1--E2", "E1,", "410405000002264001"]
    {
        assert!(read(&[wrong]).is_err(), "{wrong}");
    }
    for many in ["E1-E10001", "E5-E9223372036854775807"] {
        let refused = together(&[many.parse().unwrap()]).unwrap_err();
        assert_eq!(refused.exit(), Exit::Usage, "{many}");
    }
}

#[test]
fn each_entry_that_a_person_cannot_settle_is_named_with_why() {
    let journal = story();
    let settle = |entries: &str| {
        let words = ["settle", entries, "--state", "done", "--reason", "x", "--dry-run"];
        run(&journal.path(), &words)
    };
    let refused = settle("E1-E7,E9");
    assert_eq!(refused.exit, Exit::Refused);
    let lines: Vec<&str> = refused.stderr.lines().collect();
    assert_eq!(
        lines[0],
        "error: nothing was settled: E1 is done: Zoho's answer settled it at 2026-11-22T10:00:01.000Z; \
         E2 is failed: Zoho's answer settled it at 2026-11-22T10:00:01.000Z; \
         E3 is done: what was read settled it at 2026-11-22T10:02:31.000Z; \
         E4 is absent: what was read settled it at 2026-11-22T10:02:31.000Z; \
         E6 is in_flight: its call is not over; \
         E7 is pending: it waits to be sent, so there is nothing to decide; \
         E9 is not in this journal"
    );
    assert!(lines[1].starts_with("hint: journal list --state unknown --code UNDECIDED --db "));
    assert_eq!(settle("E9").exit, Exit::Error);
    let shown = settle("E5");
    assert_eq!(shown.exit, Exit::Done);
    assert!(shown.stdout.starts_with("Would settle 1 entry as done in "), "{}", shown.stdout);
    assert!(shown.stderr.contains("Next: the same command without --dry-run"), "{}", shown.stderr);
    assert_eq!(story().store.head().unwrap(), journal.store.head().unwrap());
    let empty = ["settle", "E5", "--state", "done", "--reason", " "];
    assert_eq!(run(&journal.path(), &empty).exit, Exit::Usage);
    let missing = journal.path().with_file_name("none.db");
    let nowhere = ["settle", "E5", "--state", "done", "--reason", "x"];
    assert_eq!(run(&missing, &nowhere).exit, Exit::NoJournal);
}

#[test]
fn an_undecided_entry_says_how_a_person_settles_it() {
    let journal = story();
    let shown = run(&journal.path(), &["show", "E5"]);
    let how = "then journal settle E5 --state done|absent|failed --reason TEXT";
    assert!(shown.stdout.contains(how), "{}", shown.stdout);
}
