use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::id::{EntryId, RecordId};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::{EntryState, Outcome, Verdict};
use crate::evidence::verify::eventful::*;
use crate::store::StoreError;
use crate::store::forgetting::{Decided, NewErasure, Why};
use crate::store::sweep::Swept;
use crate::store::tamper::Tampering;

const WHY: &str = "the-reason-of-the-erasure";

/// Every settled entry with its record, without those that a hold or an undo keeps.
fn settled(journal: &Journal) -> BTreeMap<EntryId, RecordId> {
    let mut settled = BTreeMap::new();
    let filter = crate::store::query::EntryFilter::default();
    journal
        .reader()
        .entries(&filter, |view| {
            if let Some(target) = view.target.filter(|_| view.state.is_settled()) {
                settled.insert(view.entry, target);
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let all: EntryRanges = settled.keys().copied().collect();
    for kept in journal.reader().would_forget(&all, None).unwrap().err().unwrap_or_default() {
        assert!(!matches!(kept.why, Why::Open(_) | Why::NotThere), "{kept:?}");
        settled.remove(&kept.entry);
    }
    settled
}

/// Records that stood under a hold that is over: which ids a hold named stays, as `docs/erasure.md` says.
fn once_held() -> Vec<RecordId> {
    [70, 71, 72, 96].map(record).to_vec()
}

fn forget(journal: &mut Journal, entries: &EntryRanges) -> Decided {
    let new = NewErasure {
        entries,
        even_restorable: true,
        forgotten_by: "zoe",
        recorded_by: "zoe (uid 1)",
        reason: WHY,
        ticket: Some("DSR-1"),
        program: "test/1",
    };
    journal.write(|tx| tx.forget(&new, None))
}

fn whole(journal: &Journal) {
    assert_eq!(check_journal(&journal.reader()), Ok(()));
}

/// Whether a text stands anywhere in the journal's files, as text or as SQLite stores a number.
fn is_there(journal: &Journal, texts: &[&[u8]]) -> Option<String> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = journal.path().into_os_string();
        path.push(suffix);
        let bytes = std::fs::read(&path).unwrap_or_default();
        for text in texts {
            if bytes.windows(text.len()).any(|window| window == *text) {
                return Some(format!("{} in {}", text.escape_ascii(), path.display()));
            }
        }
    }
    None
}

/// Every answer that is there, as Zoho gave it.
fn answers(journal: &Journal) -> Vec<String> {
    let reader = journal.reader();
    (1..=20)
        .filter_map(|batch| reader.batch(crate::domain::id::BatchId::new(batch)).ok()?.answer)
        .map(|answer| String::from_utf8(answer.body).unwrap())
        .collect()
}

#[test]
fn an_answer_that_names_a_record_outside_of_its_own_bytes_is_blanked_around_its_items() {
    let mut journal = Journal::new();
    journal.record(&ask("Leads", 1..=3));
    let run = journal.start_run(Some(901));
    let batch = journal.begin(run, 1..=3, None);
    let body = format!(
        r#"{{"code":"INVALID_DATA","details":{{"id":"{}"}},"message":"not valid","status":"error"}}"#,
        record(2)
    );
    let refused = flat(Outcome::Failed, "INVALID_DATA", "not valid");
    journal.settle_raw(run, &batch, (400, true), body.clone(), vec![refused; 3], None);
    whole(&journal);
    // The first is not named: what stands around stays.
    forget(&mut journal, &"1".parse().unwrap()).unwrap();
    assert_eq!(answers(&journal), [body.as_str()]);
    whole(&journal);
    forget(&mut journal, &"2".parse().unwrap()).unwrap();
    let [blank] = &answers(&journal)[..] else { panic!("the answer to the third stays") };
    assert_eq!(blank.len(), body.len());
    assert!(blank.trim_matches('"').bytes().all(|byte| byte == b'*'), "{blank}");
    whole(&journal);
    // No other seal of that event may be blank, and no other envelope.
    let view = journal.reader().entry(EntryId::new(3)).unwrap();
    let said = view.last_word().cloned();
    assert!(format!("{said:?}").contains("not valid"), "the third keeps its message");
    forget(&mut journal, &"3".parse().unwrap()).unwrap();
    assert_eq!(answers(&journal), Vec::<String>::new());
    whole(&journal);
}

#[test]
fn any_settled_entries_are_forgotten_and_everything_else_still_verifies() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let strategy = proptest::collection::vec(0..3_u8, 64);
    runner
        .run(&strategy, |rounds| {
            let mut journal = eventful();
            let settled = settled(&journal);
            prop_assert!(settled.len() > 10, "{}", settled.len());
            let mut gone: Vec<(EntryId, RecordId)> = Vec::new();
            for round in 0..2 {
                let now: EntryRanges = settled
                    .keys()
                    .zip(rounds.iter().cycle())
                    .filter(|(_, of)| **of == round)
                    .map(|(entry, _)| *entry)
                    .collect();
                let erased = forget(&mut journal, &now).unwrap();
                prop_assert_eq!(&erased.entries, &now);
                gone.extend(now.iter().map(|entry| (entry, settled[&entry])));
                prop_assert_eq!(check_journal(&journal.reader()), Ok(()));
                let forgotten = journal.reader().forgotten().unwrap();
                prop_assert!(gone.iter().all(|(entry, _)| forgotten.contains(*entry)));
            }
            prop_assert_eq!(journal.store.sweep(Duration::ZERO).unwrap(), Swept::Done);
            prop_assert_eq!(check_journal(&journal.reader()), Ok(()));
            let left = journal.reader();
            let kept: Vec<RecordId> = {
                let mut kept = once_held();
                left.entries(&crate::store::query::EntryFilter::default(), |view| {
                    kept.extend(view.target);
                    kept.extend(view.scope.parent);
                    Ok::<_, StoreError>(())
                })
                .unwrap();
                kept
            };
            drop(left);
            let answers = answers(&journal);
            for (entry, record) in gone.iter().filter(|(_, record)| !kept.contains(record)) {
                let text = record.to_string();
                let told = answers.iter().any(|body| body.contains(&text));
                prop_assert!(!told, "{} in an answer", entry);
                let (text, number) = (record.to_string(), record.get().to_be_bytes());
                let found = is_there(&journal, &[text.as_bytes(), &number]);
                prop_assert_eq!(found, None, "{}", entry);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_request_of_which_nothing_is_left_takes_along_what_was_typed_about_it() {
    let mut journal = Journal::new();
    journal.record(&ask("Leads", 1..=3));
    journal.record(&ask("Leads", 11..=12));
    let run = journal.start_run(Some(901));
    let batch = journal.begin(run, 1..=5, None);
    journal.settle(run, &batch, &[DONE, LOCKED, DONE, DONE, DONE]);
    let typed: [&[u8]; 2] = [b"asked by the person", b"leads.csv"];
    assert!(is_there(&journal, &typed).is_some());
    let erased = forget(&mut journal, &"1,3".parse().unwrap()).unwrap();
    assert_eq!((erased.requests.len(), erased.before), (0, 0));
    whole(&journal);
    let erased = forget(&mut journal, &"1-3".parse().unwrap()).unwrap();
    assert_eq!((erased.entries.to_string().as_str(), erased.before), ("2", 2));
    assert_eq!(erased.requests.len(), 1);
    whole(&journal);
    let size = journal.store.head().unwrap().size;
    let again = forget(&mut journal, &"1-3".parse().unwrap()).unwrap();
    assert_eq!((again.entries.len(), again.before), (0, 3));
    assert_eq!(journal.store.head().unwrap().size, size, "nothing to say twice");
    let reader = journal.reader();
    let view = reader.entry(EntryId::new(2)).unwrap();
    assert_eq!(
        (view.target, view.request.reason.as_ref(), view.code()),
        (None, None, "RECORD_LOCKED")
    );
    assert_eq!(
        reader.entry(EntryId::new(4)).unwrap().request.reason.as_deref(),
        Some("asked by the person")
    );
    drop(reader);
    forget(&mut journal, &"4-5".parse().unwrap()).unwrap();
    whole(&journal);
    assert!(journal.reader().is_unswept().unwrap());
    assert_eq!(journal.store.sweep(Duration::ZERO).unwrap(), Swept::Done);
    assert_eq!(journal.store.sweep(Duration::ZERO).unwrap(), Swept::Clean);
    assert_eq!(is_there(&journal, &typed), None);
    assert_eq!(is_there(&journal, &[b"the record is locked"]), None);
    assert!(is_there(&journal, &[WHY.as_bytes()]).is_some(), "why it was erased stays");
    whole(&journal);
}

#[test]
fn what_is_open_is_not_forgotten_nor_anything_with_it() {
    let mut journal = Journal::new();
    journal.record(&ask("Leads", 1..=3));
    let run = journal.start_run(Some(901));
    let batch = journal.begin(run, 1..=2, None);
    journal.settle(run, &batch, &[DONE, LEFT_OUT]);
    let size = journal.store.head().unwrap().size;
    let needed = forget(&mut journal, &"1-3,9".parse().unwrap()).unwrap_err();
    let told: Vec<(i64, Why)> = needed.iter().map(|one| (one.entry.get(), one.why)).collect();
    let open = |state| Why::Open(state);
    assert_eq!(
        told,
        [(2, open(EntryState::Unknown)), (3, open(EntryState::Pending)), (9, Why::NotThere)]
    );
    assert_eq!(journal.store.head().unwrap().size, size);
    assert!(!journal.reader().is_unswept().unwrap());
    // What goes on later in the same request is sealed under the secrets that are left.
    forget(&mut journal, &"1".parse().unwrap()).unwrap();
    journal.read(run, &[(2, Verdict::Done, "")]);
    let batch = journal.begin(run, [3], None);
    journal.settle(run, &batch, &[DONE]);
    whole(&journal);
    // A refusal that was forgotten is never taken up again.
    let mut journal = Journal::new();
    journal.record(&ask("Leads", 1..=2));
    let run = journal.start_run(Some(901));
    let batch = journal.begin(run, 1..=2, None);
    journal.settle(run, &batch, &[LOCKED, LOCKED]);
    forget(&mut journal, &"1".parse().unwrap()).unwrap();
    let reopened = journal.write(|tx| tx.reopen(run, None, &|_| true));
    assert_eq!(reopened.to_string(), "2");
    whole(&journal);
}

#[test]
fn a_sweep_waits_for_readers_and_is_made_up_for() {
    let mut journal = Journal::new();
    journal.record(&ask("Leads", 1..=2));
    let run = journal.start_run(Some(901));
    let batch = journal.begin(run, 1..=2, None);
    journal.settle(run, &batch, &[DONE, DONE]);
    let reader = journal.reader();
    reader.head().unwrap();
    forget(&mut journal, &"1-2".parse().unwrap()).unwrap();
    assert_eq!(journal.store.sweep(Duration::ZERO).unwrap(), Swept::InUse);
    assert!(journal.reader().is_unswept().unwrap());
    drop(reader);
    assert_eq!(journal.store.sweep(Duration::ZERO).unwrap(), Swept::Done);
    assert_eq!(is_there(&journal, &[b"leads.csv"]), None);
    whole(&journal);
}

/// Larger than what one job checks, and than what one hash may stand for.
#[test]
fn a_large_request_verifies_with_most_of_it_forgotten() {
    let mut journal = Journal::new();
    journal.record(&ask("Leads", 1..=40_000));
    let run = journal.start_run(Some(901));
    let last = 40_000_i64;
    for first in (1..=last).step_by(100) {
        let batch = journal.begin(run, first..first + 100, None);
        journal.settle(run, &batch, &vec![DONE; 100]);
    }
    forget(&mut journal, &"5,100-20000,39999".parse().unwrap()).unwrap();
    let look = |threads| {
        let options = Options { sqlite: false, threads: Some(threads), ..Options::default() };
        verify(&journal.reader(), &options).unwrap().findings
    };
    assert_eq!(look(0), []);
    assert_eq!(look(2), []);
    forget(&mut journal, &"1-4,6-99,20001-39998,40000".parse().unwrap()).unwrap();
    whole(&journal);
}

#[test]
fn every_edit_of_a_journal_that_forgot_some_of_everything_is_found() {
    let mut journal = eventful();
    let some: EntryRanges = settled(&journal).into_keys().step_by(2).collect();
    forget(&mut journal, &some).unwrap();
    journal.store.sweep(Duration::ZERO).unwrap();
    whole(&journal);
    journal.store.checkpoint().unwrap();
    let tampering = Tampering::of(&journal.path());
    let look = || {
        let options = Options { sqlite: false, threads: Some(0), ..Options::default() };
        verify(tampering.reader(), &options).unwrap()
    };
    let (mut not_found, mut edits) = (Vec::new(), 0);
    for edit in tampering.every_edit() {
        let wanted = [
            "entry", "sealed", "secret", "rejected", "scope", "answer", "attempt", "evidence",
            "snapshot", "said", "pruned", "erasure",
        ];
        if wanted.contains(&edit.table) && tampering.make(&edit) {
            edits += 1;
            if look().ok {
                not_found.push(edit.name);
            }
            tampering.take_back();
        }
    }
    assert_eq!(not_found, Vec::<String>::new());
    assert!(edits > 300, "only {edits} edits");
}
