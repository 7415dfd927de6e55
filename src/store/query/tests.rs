use crate::domain::evidence::UNDECIDED;
use crate::domain::evidence::deletion::Facts;
use crate::domain::id::{BatchId, EntryId, EventSeq, RequestId};
use crate::domain::policy::ApprovalPolicy;
use crate::domain::state::{EntryState, Outcome, Verdict};
use crate::store::StoreError;
use crate::store::query::{EntryFilter, EntryView};
use crate::store::recording::{InvalidRow, RepeatedRow};
use crate::store::testing::{Ask, Journal, OTHER, USER, in_bin, record, still_there};

/// Entry, state, code, attempts, last batch, HTTP status, settled by: what a filter lets through.
fn shown(journal: &Journal, filter: &EntryFilter) -> Vec<String> {
    let mut rows = Vec::new();
    let count = journal
        .reader()
        .entries(filter, |view| {
            rows.push(line(view));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(usize::try_from(count).unwrap(), rows.len());
    rows
}

fn line(view: &EntryView) -> String {
    let batch = view.last_batch();
    let status = batch.and_then(|batch| batch.http_status());
    let settled = view.settled();
    format!(
        "{} {} {:?} {} {} {} {}",
        view.entry,
        view.state,
        view.code(),
        view.attempts(),
        batch.map_or_else(|| "-".to_owned(), |batch| batch.batch.to_string()),
        status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
        settled
            .map_or_else(|| "open".to_owned(), |settled| format!("{}@{}", settled.by, settled.seq)),
    )
}

/// R1: E1 done, E2 refused, E3 lost and found deleted by us, E4 lost, found untouched and sent again,
/// E5 undecided, E6 in flight, E7 given back, E8 never sent.
fn everything() -> Journal {
    let mut journal = Journal::new();
    journal.delete(1, 8);
    journal.start("sync");
    let first = journal.begin(&[1, 2]);
    journal.answer(
        &first,
        &[
            (Outcome::Done, "SUCCESS", "record deleted"),
            (Outcome::Failed, "RECORD_LOCKED", "locked"),
        ],
    );
    let sent = journal.now;
    let lost = journal.begin(&[3, 4, 5]);
    journal.lose(&lost);
    journal.pass(120);
    journal.find(&[
        (3, Verdict::Done, "", in_bin(USER, sent)),
        (4, Verdict::Pending, "", still_there()),
        (5, Verdict::Undecided, UNDECIDED, Facts::default()),
    ]);
    let again = journal.begin(&[4]);
    journal.succeed(&again);
    let returned = journal.begin(&[7]);
    journal.give_back(&returned);
    drop(journal.begin(&[6]));
    journal
}

const EVERYTHING: [&str; 8] = [
    r#"E1 done "SUCCESS" 1 B1 200 answer@6"#,
    r#"E2 failed "RECORD_LOCKED" 1 B1 200 answer@6"#,
    r#"E3 done "" 1 B2 - evidence@9"#,
    r#"E4 done "SUCCESS" 2 B3 200 answer@11"#,
    r#"E5 unknown "UNDECIDED" 1 B2 - open"#,
    r#"E6 in_flight "" 1 B5 - open"#,
    r#"E7 pending "" 1 B4 - open"#,
    r#"E8 pending "" 0 - - open"#,
];

#[test]
fn each_entry_is_told_with_what_spoke_about_it_last() {
    assert_eq!(shown(&everything(), &EntryFilter::default()), EVERYTHING);
}

#[test]
fn filters_let_through_what_they_name_and_nothing_else() {
    let mut journal = everything();
    let other = Ask {
        module: "Contacts",
        ticket: None,
        records: vec![record(3), record(100)],
        ..Ask::default()
    };
    journal.ask(&other);
    let all = EntryFilter::default;
    let numbers = |filter: &EntryFilter| -> Vec<String> {
        let first = |row: String| row.split(' ').next().unwrap_or_default().to_owned();
        shown(&journal, filter).into_iter().map(first).collect()
    };
    assert_eq!(numbers(&all()).len(), 10);
    assert_eq!(numbers(&EntryFilter { records: vec![record(3)], ..all() }), ["E3", "E9"]);
    assert_eq!(numbers(&EntryFilter { records: vec![record(77)], ..all() }), [""; 0]);
    let contacts = vec!["Contacts".parse().unwrap()];
    assert_eq!(numbers(&EntryFilter { modules: contacts.clone(), ..all() }), ["E9", "E10"]);
    let both = EntryFilter { records: vec![record(3)], modules: contacts, ..all() };
    assert_eq!(numbers(&both), ["E9"]);
    let done = EntryFilter { states: vec![EntryState::Done, EntryState::Failed], ..all() };
    assert_eq!(numbers(&done), ["E1", "E2", "E3", "E4"]);
    assert_eq!(numbers(&EntryFilter { states: vec![EntryState::Held], ..all() }), [""; 0]);
    assert_eq!(numbers(&EntryFilter { tickets: vec!["GDPR-17".to_owned()], ..all() }).len(), 8);
    assert_eq!(numbers(&EntryFilter { codes: vec![UNDECIDED.to_owned()], ..all() }), ["E5"]);
    let second = EntryFilter { requests: vec![RequestId::new(2)], ..all() };
    assert_eq!(numbers(&second), ["E9", "E10"]);
    let missing = EntryFilter { requests: vec![RequestId::new(3)], ..all() };
    let refused = journal.reader().entries(&missing, |_| Ok::<_, StoreError>(()));
    assert!(matches!(refused, Err(StoreError::NotFound(what)) if what == "R3"));
}

#[test]
fn times_are_half_open_and_never_hide_what_is_not_settled() {
    let journal = everything();
    // E1 and E2 were settled at 10:00:01, E3 at 10:02:31, E4 one second later.
    let at = |text: &str| Some(format!("2026-11-22T{text}Z").parse().unwrap());
    let numbers = |since, until| -> usize {
        shown(&journal, &EntryFilter { since, until, ..EntryFilter::default() }).len()
    };
    let open = 4;
    assert_eq!(numbers(at("10:00:01"), None), open + 4);
    assert_eq!(numbers(at("10:00:02"), None), open + 2);
    assert_eq!(numbers(None, at("10:00:01")), open);
    assert_eq!(numbers(at("10:00:01"), at("10:02:31")), open + 2);
    assert_eq!(numbers(at("10:02:31"), at("10:02:32")), open + 1);
}

#[test]
fn a_chunk_begins_where_the_one_before_ended() {
    let mut journal = Journal::new();
    journal.delete(1, 3_000);
    journal.start("sync");
    for first in (1..=3_000).step_by(100) {
        let prepared = journal.begin(&(first..first + 100).collect::<Vec<_>>());
        let refused = (Outcome::Failed, "RECORD_LOCKED", "locked");
        let mut results = vec![(Outcome::Done, "SUCCESS", "record deleted"); 100];
        results[usize::try_from(first % 97).unwrap()] = refused;
        journal.answer(&prepared, &results);
    }
    let all = shown(&journal, &EntryFilter::default());
    assert_eq!(all.len(), 3_000);
    assert!(all.iter().enumerate().all(|(at, row)| row.starts_with(&format!("E{} ", at + 1))));
    // Far apart, their attempts are looked up one by one.
    let failed = EntryFilter { states: vec![EntryState::Failed], ..EntryFilter::default() };
    let refused = shown(&journal, &failed);
    assert_eq!(refused.len(), 30);
    let same: Vec<_> = all.into_iter().filter(|row| row.contains("RECORD_LOCKED")).collect();
    assert_eq!(refused, same);
}

#[test]
fn evidence_that_somebody_else_did_it_settles_as_absent() {
    let mut journal = Journal::new();
    journal.delete(1, 1);
    journal.start("sync");
    let sent = journal.now;
    let lost = journal.begin(&[1]);
    journal.lose(&lost);
    journal.find(&[(1, Verdict::Absent, "", in_bin(OTHER, sent))]);
    assert_eq!(shown(&journal, &EntryFilter::default()), [r#"E1 absent "" 1 B1 - evidence@7"#]);
}

#[test]
fn the_summary_counts_what_waits() {
    let mut journal = everything();
    let many = Ask {
        policy: ApprovalPolicy::Always,
        module: "Contacts",
        workflows: false,
        records: vec![record(1)],
        ..Ask::default()
    };
    journal.ask(&many);
    let run = journal.run.unwrap();
    journal.write(|tx| tx.park(run, RequestId::new(1), 100));
    let summary = journal.reader().summary().unwrap();
    assert_eq!(
        summary.entries,
        [
            (EntryState::AwaitingApproval, 1),
            (EntryState::Pending, 2),
            (EntryState::InFlight, 1),
            (EntryState::Unknown, 1),
            (EntryState::Done, 3),
            (EntryState::Failed, 1),
        ]
    );
    assert_eq!((summary.requests, summary.batches), (2, 5));
    assert_eq!(summary.open_batches, [BatchId::new(5)]);
    assert_eq!(summary.parked, [RequestId::new(1)]);
    assert_eq!(summary.pending_unparked, 0);
    assert_eq!(summary.awaiting_approval, [RequestId::new(2)]);
    assert_eq!((summary.undecided, summary.workflows), (Some(1), Some(true)));
    let last = summary.last_run.unwrap();
    assert_eq!((last.command.as_str(), last.ended), ("sync", None));
    let empty = Journal::new().reader().summary().unwrap();
    assert_eq!((empty.requests, empty.undecided, empty.workflows), (0, Some(0), None));
    assert_eq!((empty.last_run, empty.last_written_at), (None, None));
}

#[test]
fn requests_and_batches_come_in_full() {
    let mut journal = Journal::new();
    let ask = Ask {
        records: vec![record(1), record(2)],
        repeated: vec![RepeatedRow { parent: None, line: 4, target: record(1) }],
        invalid: vec![InvalidRow {
            line: 5,
            value: "4.1E+17".to_owned(),
            reason: "rounded".to_owned(),
        }],
        ..Ask::default()
    };
    journal.ask(&ask);
    journal.start("sync");
    let prepared = journal.begin(&[1, 2]);
    let begun = journal.now;
    journal.succeed(&prepared);
    let reader = journal.reader();

    let request = reader.request(RequestId::new(1)).unwrap();
    assert_eq!(request.count(EntryState::Done), 2);
    let view = &request.view;
    assert_eq!((view.source_rows, view.duplicates, view.rejected), (4, 1, 1));
    assert_eq!(view.requested_by.as_deref(), Some("Anna"));
    assert_eq!(view.source_name.as_deref(), Some("leads.csv"));
    let mut left_out = Vec::new();
    reader
        .left_out(RequestId::new(1), |row| {
            left_out.push(format!("{:?} {:?} {:?}", row.line, row.value, row.reason));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(
        left_out,
        [
            r#"Some(4) Some("410405000002264001") Some("duplicate of E1")"#,
            r#"Some(5) Some("4.1E+17") Some("rounded")"#,
        ]
    );

    let batch = reader.batch(BatchId::new(1)).unwrap();
    assert_eq!((batch.begun_at, batch.targets.len(), batch.reason), (begun, 2, None));
    let answer = batch.answer.unwrap();
    let cut = answer.cuts[1].clone().unwrap();
    assert!(String::from_utf8_lossy(&answer.body[cut]).contains("410405000002264002"));
    assert!(matches!(reader.batch(BatchId::new(2)), Err(StoreError::NotFound(_))));
    assert!(matches!(reader.request(RequestId::new(2)), Err(StoreError::NotFound(_))));
    assert!(matches!(reader.entry(EntryId::new(3)), Err(StoreError::NotFound(_))));
}

#[test]
fn the_log_is_read_from_any_position() {
    let journal = everything();
    let mut kinds = Vec::new();
    journal
        .reader()
        .events_from(EventSeq::new(4), |event| {
            kinds.push(event.decode()?.event.kind());
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(kinds[..4], ["module_seen", "batch_begun", "batch_answered", "batch_begun"]);
}
