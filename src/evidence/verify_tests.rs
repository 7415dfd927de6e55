use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::domain::event::{Event, LoggedEvent};
use crate::domain::state::Verdict;
use crate::evidence::verify::eventful::*;
use crate::store::approval::By;
use crate::store::manifest::{Cover, MANIFEST};
use crate::store::tamper::Tampering;

/// Every event of a journal in which everything happened.
pub(super) fn every_event() -> Vec<Event> {
    let journal = eventful();
    let mut events = Vec::new();
    journal
        .reader()
        .audit()
        .each_event(|raw| {
            events.push(LoggedEvent::decode(raw.body).unwrap().event);
            Ok(())
        })
        .unwrap();
    events
}

fn options(sqlite: bool, window: u64, threads: usize) -> Options {
    Options { sqlite, window, threads: Some(threads), ..Options::default() }
}

#[test]
fn an_eventful_journal_verifies_in_windows_of_any_size_and_on_any_number_of_threads() {
    let journal = eventful();
    let head = journal.store.head().unwrap();
    for (window, threads) in [(1, 0), (3, 0), (7, 2), (WINDOW, 0), (WINDOW, 3)] {
        let report = verify(&journal.reader(), &options(true, window, threads)).unwrap();
        assert_eq!(report.findings, [], "window {window}, {threads} threads");
        assert!(report.ok && !report.anchored);
        assert_eq!((report.events, report.root), (head.size, head.root));
    }
    assert_eq!(check_journal(&journal.reader()), Ok(()));
}

#[test]
fn a_journal_that_is_written_to_meanwhile_verifies_as_it_was() {
    let mut journal = eventful();
    let reader = journal.reader();
    let head = reader.head().unwrap();
    let by = By { who: "ann", account: "ann", reason: "", program: "test/1" };
    journal.write(|tx| tx.resume(by)).unwrap();
    let run = journal.start_run(Some(901));
    journal.read(run, &[(19, Verdict::Pending, "")]);
    let batch = journal.begin(run, [19], None);
    journal.settle(run, &batch, &[DONE]);
    let report = verify(&reader, &options(true, WINDOW, 2)).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.events, report.root), (head.size, head.root));
    assert!(verify(&journal.reader(), &options(true, WINDOW, 2)).unwrap().events > head.size);
}

/// Larger than what one job checks, so that roots of parts are put together.
#[test]
fn one_edited_id_in_a_large_request_is_found() {
    let mut journal = Journal::new();
    journal.record(&ask("Leads", 1..=40_000));
    journal.store.checkpoint().unwrap();
    for threads in [0, 2] {
        let report = verify(&journal.reader(), &options(false, WINDOW, threads)).unwrap();
        assert_eq!(report.findings, []);
    }
    let tampering = Tampering::of(&journal.path());
    let edits = tampering.edits_of("entry", "target", 35_000);
    assert!(!edits.is_empty());
    for edit in edits {
        assert!(tampering.make(&edit));
        assert!(!verify(tampering.reader(), &options(false, WINDOW, 0)).unwrap().ok, "{edit:?}");
        tampering.take_back();
    }
}

/// Makes every so many-th edit, each on its own. SQLite's own checks are off: constraints and foreign keys
/// are not what finds an edit.
fn tamper(journal: &Path, share: usize, of: usize) -> (Vec<String>, Edited) {
    let path = journal.with_extension(format!("{share}.db"));
    std::fs::copy(journal, &path).unwrap();
    let tampering = Tampering::of(&path);
    let look = || verify(tampering.reader(), &options(false, WINDOW, 0)).unwrap();
    assert_eq!(look().findings, []);
    let (mut not_found, mut edited) = (Vec::new(), Edited::new());
    for edit in tampering.every_edit().into_iter().skip(share).step_by(of) {
        if tampering.make(&edit) {
            edited.push((edit.table, edit.column));
            if look().ok {
                not_found.push(edit.name);
            }
            tampering.take_back();
        }
    }
    assert_eq!(look().findings, []);
    (not_found, edited)
}

/// Table and column of each edit; no column for whole rows.
type Edited = Vec<(&'static str, Option<&'static str>)>;

#[test]
fn every_edit_of_every_covered_column_is_found() {
    let journal = eventful();
    journal.store.checkpoint().unwrap();
    let path = &journal.path();
    let shares: Vec<(Vec<String>, Edited)> = std::thread::scope(|scope| {
        let work = [0, 1].map(|share| scope.spawn(move || tamper(path, share, 2)));
        work.map(|thread| thread.join().unwrap()).into()
    });
    let not_found: Vec<&String> = shares.iter().flat_map(|(not_found, _)| not_found).collect();
    assert_eq!(not_found, Vec::<&String>::new());
    let edited: BTreeSet<_> = shares.iter().flat_map(|(_, edited)| edited).collect();
    for (table, columns) in MANIFEST {
        for (column, cover) in *columns {
            let was = edited.contains(&(*table, Some(*column)));
            assert!(was || *cover == Cover::Operational, "{table}.{column} was never edited");
        }
        let operational = columns.iter().all(|(_, cover)| *cover == Cover::Operational);
        let was = edited.contains(&(*table, None));
        assert!(was || operational, "no row of {table} was deleted or doubled");
    }
    let edits: usize = shares.iter().map(|(_, edited)| edited.len()).sum();
    assert!(edits > 900, "only {edits} edits");
}
