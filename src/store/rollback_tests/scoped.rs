//! Jobs that share a transaction.

use super::cases::{OF_A_RUN, created, picked, settling, under_way};
use super::{Before, assert_whole};
use crate::domain::id::RecordId;
use crate::domain::state::{EntryState, Outcome};
use crate::domain::target::Product;
use crate::store::StoreError;
use crate::store::testing::USER;

#[test]
fn a_job_that_fails_undoes_its_own_rows_and_its_neighbours_stay() {
    let mut journal = created();
    journal.delete(1, 9);
    let run = journal.start("sync");
    let size = journal.store.head().unwrap().size;
    journal.write(|tx| {
        tx.scoped(|tx| tx.see_user(run, RecordId::from_stored(USER), 17))?;
        // Whole jobs, and a log that grew over several levels of the tree: all of it is taken back.
        let failed = tx.scoped(|tx| {
            for entry in 1..=5 {
                drop(tx.begin_batch(run, picked(&[entry]), None)?);
            }
            Err::<(), _>(StoreError::NotFound("the test's own".to_owned()))
        });
        assert!(matches!(failed, Err(StoreError::NotFound(_))));
        // A job in a job: the inner one fails alone.
        tx.scoped(|tx| {
            drop(tx.begin_batch(run, picked(&[6, 7]), None)?);
            let again = tx.scoped(|tx| tx.begin_batch(run, picked(&[7, 8]), None));
            assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
            Ok(())
        })?;
        tx.scoped(|tx| tx.see_module(run, Product::Crm, &"Deals".parse().unwrap(), None))
    });
    assert_eq!(journal.store.head().unwrap().size, size + 3);
    assert_eq!(journal.reader().batches().unwrap(), 1);
    let totals = journal.reader().totals().unwrap();
    assert!(totals.contains(&(EntryState::Pending, 7)), "{totals:?}");
    assert!(totals.contains(&(EntryState::InFlight, 2)), "{totals:?}");
    assert_whole(&journal.path(), "after the transaction");
    // The log goes on from where it stands.
    let next = journal.begin(&[1, 2, 3]);
    journal.succeed(&next);
    assert_whole(&journal.path(), "after the next batch");
}

#[test]
fn a_transaction_whose_only_job_failed_leaves_nothing() {
    for case in OF_A_RUN {
        let (mut journal, write) = case.ready();
        let before = Before::of(&journal);
        let (failed, head) = journal
            .store
            .write(case.name, journal.now, |tx| {
                Ok(tx.scoped(|tx| {
                    write(tx)?;
                    Err::<(), _>(StoreError::NotFound("the test's own".to_owned()))
                }))
            })
            .unwrap();
        assert!(failed.is_err());
        assert_eq!(head, before.head, "{}", case.name);
        before.stands(&journal, case.name);
    }
}

#[test]
fn two_answers_to_one_batch_are_one_answer() {
    let mut journal = created();
    let (run, prepared) = under_way(&mut journal);
    let settle = settling(run, prepared, [Outcome::Done; 4], None, "");
    journal.write(|tx| {
        tx.scoped(|tx| settle(tx))?;
        assert!(tx.scoped(|tx| settle(tx)).is_err());
        Ok(())
    });
    let before = Before::of(&journal);
    assert!(journal.store.write("again", journal.now, |tx| settle(tx)).is_err());
    before.stands(&journal, "the second answer");
    assert_whole(&journal.path(), "after the second answer");
}
