//! A disk without room, at whatever page it shows.

use rusqlite::Connection;

use super::cases::{created, recording, settling, under_way};
use super::{Before, Write, assert_whole};
use crate::domain::entropy::{Entropy, SeededEntropy};
use crate::domain::id::{ModuleName, RecordId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::state::Outcome;
use crate::domain::target::Product;
use crate::store::StoreError;
use crate::store::testing::{Journal, USER};

/// Lets the file grow by so many pages and no more.
pub(super) fn room(conn: &Connection, pages: u32) {
    let now: u32 = conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let most = now + pages;
    let set: u32 =
        conn.pragma_update_and_check(None, "max_page_count", most, |row| row.get(0)).unwrap();
    assert_eq!(set, most);
}

/// Words that take about so many pages of 4096 bytes, compressed or not.
pub(super) fn noise(pages: usize) -> String {
    let mut entropy = SeededEntropy::new(99);
    let word = |_| Hash::of(&entropy.bytes().unwrap()).to_string();
    (0..pages * 128).map(word).collect()
}

/// Tries a write with a little more room each time, and says how often there was too little.
fn grow(journal: &mut Journal, write: &Write) -> u32 {
    let before = Before::of(journal);
    for spare in 0.. {
        room(&journal.store.conn, spare);
        match journal.store.write("a big write", journal.now, |tx| write(tx)) {
            Ok(_) => return spare,
            Err(error) => {
                assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
                before.stands(journal, &format!("with room for {spare} pages"));
            }
        }
    }
    0
}

#[test]
fn a_recording_that_the_disk_cannot_hold_leaves_nothing_and_works_once_there_is_room() {
    let mut journal = created();
    let refused = grow(&mut journal, &recording(1, 2000));
    assert!(refused > 10, "there was room at once: {refused}");
    assert_eq!(journal.reader().totals().unwrap()[0].1, 2000);
    assert_whole(&journal.path(), "after the recording");
}

#[test]
fn an_answer_that_the_disk_cannot_hold_leaves_its_batch_open_and_is_kept_once_there_is_room() {
    let mut journal = created();
    let (run, prepared) = under_way(&mut journal);
    let outcomes = [Outcome::Done, Outcome::Failed, Outcome::Unknown, Outcome::Returned];
    let refused = grow(&mut journal, &settling(run, prepared, outcomes, Some(1), &noise(20)));
    assert!(refused > 10, "there was room at once: {refused}");
    assert_whole(&journal.path(), "after the answer");
}

/// A settling, and a journal where it can be made.
fn big_answer() -> (Journal, RunId, Write) {
    let mut journal = created();
    let (run, prepared) = under_way(&mut journal);
    (journal, run, settling(run, prepared, [Outcome::Done; 4], None, &noise(12)))
}

/// A recording, and a journal where it can be made.
fn big_recording() -> (Journal, RunId, Write) {
    let mut journal = created();
    let (run, prepared) = under_way(&mut journal);
    journal.give_back(&prepared);
    (journal, run, recording(5, 900))
}

/// A full disk makes SQLite undo the whole transaction by itself, or only the statement. What is written in
/// the belief that the transaction goes on would be committed statement by statement.
#[test]
fn a_job_that_finds_the_disk_full_takes_all_others_with_it_or_leaves_them_whole() {
    let (mut nothing, mut others) = (0, 0);
    for ready in [big_answer, big_recording] {
        for spare in 0.. {
            let (mut journal, run, write) = ready();
            let module: ModuleName = "Deals".parse().unwrap();
            let before = Before::of(&journal);
            room(&journal.store.conn, spare);
            let what = format!("with room for {spare} pages");
            match journal.store.write("three jobs", journal.now, |tx| {
                let first = tx.scoped(|tx| tx.see_user(run, RecordId::from_stored(USER), 17));
                let big = tx.scoped(|tx| write(tx));
                let last = tx.scoped(|tx| tx.see_module(run, Product::Crm, &module, None));
                Ok((first, big, last))
            }) {
                Ok(((Ok(()), Ok(()), Ok(())), _)) => break,
                Ok(((Ok(()), Err(error), Ok(())), head)) => {
                    assert!(matches!(error, StoreError::DiskFull { .. }), "{what}: {error}");
                    assert_eq!(head.size, before.head.size + 2, "{what}");
                    others += 1;
                }
                Ok((jobs, _)) => panic!("{what}: {jobs:?}"),
                Err(error) => {
                    assert!(matches!(error, StoreError::DiskFull { .. }), "{what}: {error}");
                    before.stands(&journal, &what);
                    nothing += 1;
                }
            }
            // Whatever happened: the next one finds a journal that it can go on with.
            assert_whole(&journal.path(), &what);
            room(&journal.store.conn, 100);
            journal.write(|tx| write(tx));
            assert_whole(&journal.path(), &what);
        }
    }
    assert!(nothing > 5 && others > 5, "{nothing} {others}");
}

#[test]
fn no_job_writes_in_a_transaction_that_an_earlier_one_lost() {
    let (mut journal, run, write) = big_answer();
    let before = Before::of(&journal);
    room(&journal.store.conn, 1);
    let refused = journal.store.write("three jobs", journal.now, |tx| {
        // A job in a job, and a neighbour: each is told that nothing more can be written.
        let big = tx.scoped(|tx| {
            let inner = tx.scoped(|tx| write(tx));
            assert!(matches!(inner, Err(StoreError::WriterGone)), "{inner:?}");
            tx.scoped(|tx| tx.see_user(run, None, 0))
        });
        assert!(matches!(big, Err(StoreError::WriterGone)), "{big:?}");
        let next = tx.scoped(|tx| tx.see_user(run, None, 0));
        assert!(matches!(next, Err(StoreError::WriterGone)), "{next:?}");
        Ok(())
    });
    assert!(matches!(refused, Err(StoreError::DiskFull { .. })), "{refused:?}");
    before.stands(&journal, "after the full disk");
}

/// Also where the error of a job is lost on the way.
#[test]
fn a_transaction_that_sqlite_undid_is_never_taken_for_one_that_was_written() {
    let (mut journal, _, write) = big_answer();
    let before = Before::of(&journal);
    room(&journal.store.conn, 1);
    let refused = journal.store.write("a careless job", journal.now, |tx| {
        assert!(write(tx).is_err());
        Ok(())
    });
    assert!(matches!(refused, Err(StoreError::WriterGone)), "{refused:?}");
    before.stands(&journal, "after the full disk");
}
