use super::*;
use crate::domain::event::{
    AnsweredGroup, BatchAnswered, BatchBegun, Event, RequestRecorded, RunStarted, SchemaUpgraded,
    SourceKind,
};
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::Operation;
use crate::domain::state::EntryState::{Done, Failed, Pending};
use crate::domain::state::{Change, EntryState, Outcome};
use crate::domain::target::{ApiOrigin, ApiVersion, DataCenter, Environment, Product, Target};

const HASH: Hash = Hash::new([1; 32]);
const AT: Timestamp = Timestamp::from_millis(1_760_000_000_000);

fn target() -> Target {
    Target {
        data_center: DataCenter::Us,
        environment: Environment::Production,
        api_origin: ApiOrigin::loopback(),
    }
}

fn recorded(request: i64, first_entry: i64, entries: u64) -> Event {
    Event::from(RequestRecorded {
        request: RequestId::new(request),
        operation: Operation::Delete,
        product: Product::Crm,
        module: "Leads".parse().unwrap(),
        workflows: true,
        target: target(),
        first_entry: EntryId::new(first_entry),
        entries,
        items_root: HASH,
        awaiting_approval: false,
        policy: "never".to_owned(),
        not_before: None,
        valid_until: AT,
        source: SourceKind::Arguments,
        source_rows: entries,
        duplicates: 0,
        rejected: 0,
        rejected_root: None,
        program: "test".to_owned(),
        requested_by: HASH,
        recorded_by: HASH,
        reason: HASH,
        ticket: None,
        source_name: HASH,
        source_sha256: HASH,
        source_column: None,
        related_list: None,
        tags: None,
        snapshot: None,
        module_id: None,
        snapshot_records: None,
        full_retention_ms: None,
        full_recipient: None,
        after: None,
        held: None,
    })
}

fn run_started(run: i64) -> Event {
    Event::from(RunStarted {
        run: RunId::new(run),
        command: "sync".to_owned(),
        program: "test".to_owned(),
        policy: "never".to_owned(),
        target: target(),
        quarantine_ms: 1,
        operator: HASH,
        arguments: HASH,
    })
}

fn ranges(text: &str) -> EntryRanges {
    text.parse().unwrap()
}

fn begun(run: i64, batch: i64, entries: &str) -> Event {
    Event::from(BatchBegun {
        run: RunId::new(run),
        batch: BatchId::new(batch),
        entries: ranges(entries),
        api_version: ApiVersion::V8,
        template: "DELETE".to_owned(),
        send_by: AT,
        seen_before: None,
    })
}

fn answered(batch: i64, groups: &[(Outcome, &str)], share: Option<u32>) -> Event {
    let group = |(outcome, entries): &(Outcome, &str)| AnsweredGroup {
        outcome: *outcome,
        code: String::new(),
        entries: ranges(entries),
    };
    Event::from(BatchAnswered {
        run: RunId::new(1),
        batch: BatchId::new(batch),
        sent_at: AT,
        http_status: 200,
        complete: true,
        groups: groups.iter().map(group).collect(),
        share,
        items_root: HASH,
        strangers: 0,
        repeated: 0,
        envelope: HASH,
        job: None,
    })
}

/// Folds a log; gives the rows that it tells, and what contradicts itself, by event.
fn fold(events: &[Event]) -> (Vec<Expected>, Vec<(i64, String)>) {
    let (mut told, mut contradictions) = (Vec::new(), Vec::new());
    let mut rows = Rows::default();
    let mut tell = |note| match note {
        Note::Row(row) => told.push(row),
        Note::Contradiction { what, seq } => contradictions.push((seq.get(), what)),
    };
    for (seq, event) in (0..).zip(events) {
        rows.apply(EventSeq::new(seq), event, &mut tell);
    }
    rows.finish(&mut tell);
    (told, contradictions)
}

fn states(events: &[Event], width: u64) -> (Vec<(i64, EntryState)>, Vec<Option<u64>>) {
    let mut states = States::new(width);
    let mut all = Vec::new();
    loop {
        for event in events {
            states.apply(event).unwrap();
        }
        states.count_window();
        let before = all.len();
        all.extend(states.entries().map(|(entry, state)| (entry.get(), state)));
        if all.len() == before {
            break;
        }
        states.next_window();
    }
    let (_, tally) = states.tallies().next().unwrap();
    let tally = EntryState::ALL.iter().map(|state| tally.get(*state)).collect();
    (all, tally)
}

#[test]
fn windows_of_any_width_give_the_same_states_and_counts() {
    let events = [
        recorded(1, 1, 5),
        recorded(2, 6, 4),
        run_started(1),
        begun(1, 1, "2-7"),
        answered(
            1,
            &[(Outcome::Done, "2,4-6"), (Outcome::Failed, "3"), (Outcome::Returned, "7")],
            None,
        ),
    ];
    let expected = [Pending, Done, Failed, Done, Done, Done, Pending, Pending, Pending];
    let expected: Vec<(i64, EntryState)> = (1..).zip(expected).collect();
    for width in 1..=12 {
        let (found, tally) = states(&events, width);
        assert_eq!(found, expected, "width {width}");
        let counts = [None, Some(1), Some(0), None, None, Some(3), None, Some(1), None, None];
        assert_eq!(tally, counts, "width {width}");
    }
    assert_eq!(fold(&events).1, []);
}

#[test]
fn an_entry_that_must_not_move_is_named_and_stays() {
    let mut states = States::new(WINDOW);
    states.apply(&recorded(1, 1, 3)).unwrap();
    let twice = answered(1, &[(Outcome::Done, "2")], None);
    let illegal = states.apply(&twice).unwrap_err();
    let change = Change::Answered(Outcome::Done);
    let from = Some(EntryState::Pending);
    assert_eq!(illegal, IllegalMove { entry: EntryId::new(2), from, change });
    assert!(states.entries().all(|(_, state)| state == EntryState::Pending));
}

#[test]
fn a_batch_tells_its_row_when_it_ends() {
    let events = [
        recorded(1, 1, 3),
        run_started(1),
        begun(1, 1, "1-3"),
        answered(1, &[(Outcome::Done, "1"), (Outcome::Returned, "2-3")], Some(1)),
        begun(1, 2, "3"),
    ];
    let (rows, contradictions) = fold(&events);
    assert_eq!(contradictions, []);
    let of = |table: Table| rows.iter().filter(move |row| row.table == table);
    let batch = of(Table::Batch).find(|row| row.key == [Cell::Integer(1)]).unwrap();
    assert!(batch.cells.contains(&("ending", "answered".into())));
    assert!(batch.cells.contains(&("ended_seq", 3_i64.into())));
    let open = of(Table::Batch).find(|row| row.key == [Cell::Integer(2)]).unwrap();
    assert!(open.cells.contains(&("ending", Cell::Null)));
    // Entry 3 was claimed again, so it shares nothing any more.
    let shares: Vec<_> = of(Table::Share).map(|row| row.key.clone()).collect();
    assert_eq!(shares, [[Cell::Integer(2)]]);
}

#[test]
fn a_log_that_contradicts_itself_is_told() {
    let start = [recorded(1, 1, 3), run_started(1)];
    let check = |more: &[Event], expected: &str| {
        let events: Vec<Event> = start.iter().chain(more).cloned().collect();
        let (_, contradictions) = fold(&events);
        assert!(
            contradictions.iter().any(|(_, what)| what.contains(expected)),
            "{expected}: {contradictions:?}"
        );
    };
    check(&[recorded(3, 4, 1)], "numbered");
    check(&[recorded(2, 5, 1)], "numbered");
    check(&[begun(1, 1, "3-4")], "never recorded");
    check(&[run_started(2), begun(1, 1, "1")], "not the newest");
    check(&[answered(1, &[], None)], "not open");
    check(&[begun(1, 1, "1-2"), answered(1, &[(Outcome::Done, "1")], None)], "not those");
    let overlap = [(Outcome::Done, "1-2"), (Outcome::Failed, "2")];
    check(&[begun(1, 1, "1-2"), answered(1, &overlap, None)], "not those");
}

/// A forged event may claim billions of entries; none of them is walked.
#[test]
fn a_forged_range_costs_neither_time_nor_memory() {
    let all = "1-9223372036854775807";
    let events = [
        recorded(1, 1, u64::MAX),
        run_started(1),
        begun(1, 1, all),
        answered(1, &[(Outcome::Returned, all)], Some(1)),
    ];
    let (_, contradictions) = fold(&events);
    assert!(!contradictions.is_empty());
    let mut states = States::new(10);
    for event in &events {
        states.apply(event).ok();
    }
    assert_eq!(states.entries().count(), 10);
}

#[test]
fn upgrades_follow_one_another() {
    let upgraded = |from, to| {
        let program = "test".to_owned();
        Event::from(SchemaUpgraded { from, to, program, upgraded_by: HASH })
    };
    let strange = |events: &[Event]| {
        let (mut rows, mut told) = (Rows::default(), 0);
        for (seq, event) in (1..).zip(events) {
            rows.apply(EventSeq::new(seq), event, &mut |_| told += 1);
        }
        (told, rows.schema().map(|(schema, seq)| (schema, seq.get())))
    };
    assert_eq!(strange(&[]), (0, None));
    assert_eq!(strange(&[upgraded(1, 2), upgraded(2, 4)]), (0, Some((4, 2))));
    assert_eq!(strange(&[upgraded(2, 2)]).0, 1);
    assert_eq!(strange(&[upgraded(3, 2)]).0, 1);
    assert_eq!(strange(&[upgraded(1, 2), upgraded(1, 3)]).0, 1);
}
