//! A disk without room, at whatever page it shows.

use rusqlite::Connection;

use super::cases::{created, recording, settling, under_way};
use super::{Before, Write, assert_whole};
use crate::domain::entropy::{Entropy, SeededEntropy};
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::merkle::Hash;
use crate::domain::state::Outcome;
use crate::domain::target::Product;
use crate::store::testing::{Journal, USER};
use crate::store::{StoreError, WriteTx};

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

/// Where the disk fills up SQLite may undo the whole transaction by itself. What is written after that in the
/// belief that the transaction goes on would be committed statement by statement.
#[test]
fn a_job_that_finds_the_disk_full_takes_the_others_with_it_or_leaves_them_whole() {
    let (mut none, mut alone) = (0, 0);
    for spare in 0.. {
        let mut journal = created();
        let (run, prepared) = under_way(&mut journal);
        let module: ModuleName = "Deals".parse().unwrap();
        let settle = settling(run, prepared, [Outcome::Done; 4], None, &noise(12));
        let before = Before::of(&journal);
        room(&journal.store.conn, spare);
        let jobs = |tx: &mut WriteTx<'_>| {
            let seen = tx.scoped(|tx| tx.see_user(run, RecordId::from_stored(USER), 17));
            let settled = tx.scoped(|tx| settle(tx));
            let after = tx.scoped(|tx| tx.see_module(run, Product::Crm, &module, None));
            Ok((seen, settled, after))
        };
        let written = journal.store.write("three jobs", journal.now, jobs);
        let what = format!("with room for {spare} pages");
        match written {
            Err(error) => {
                assert!(matches!(error, StoreError::DiskFull { .. }), "{what}: {error}");
                before.stands(&journal, &what);
                none += 1;
            }
            Ok(((Ok(()), Err(error), Ok(())), head)) => {
                assert!(matches!(error, StoreError::DiskFull { .. }), "{what}: {error}");
                assert_eq!(head.size, before.head.size + 2, "{what}");
                alone += 1;
            }
            Ok(((Ok(()), Ok(()), Ok(())), _)) => break,
            Ok((jobs, _)) => panic!("{what}: {jobs:?}"),
        }
        assert_whole(&journal.path(), &what);
        // Whatever happened: the next one finds a journal that it can go on with.
        room(&journal.store.conn, 100);
        journal.write(|tx| settle(tx));
        assert_whole(&journal.path(), &what);
    }
    assert!(none + alone > 5, "there was room at once: {none}, {alone}");
    println!("{none} {alone}");
}
