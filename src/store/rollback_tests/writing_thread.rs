//! The writing thread of a run: what is said to be written is on the disk, whatever happens to the rest.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, mpsc};

use rusqlite::Connection;

use super::cases::{answer, created, picked, start};
use super::disk_full::{noise, room};
use super::{Dump, assert_whole};
use crate::domain::barred::Without;
use crate::domain::calls::{Limits, Versions};
use crate::domain::event::Unanswered;
use crate::domain::id::{BatchId, EntryId, RecordId, RequestId, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::{EntryState, Outcome};
use crate::domain::target::{ApiVersion, Product};
use crate::store::testing::{Journal, OTHER, USER};
use crate::store::writer::{
    ClaimRules, Claimed, LostCall, Meter, Place, ReadBefore, ReadFirst, Writer, Writing,
};
use crate::store::{Head, Store, StoreError};

/// Messages that wait at the same time: more than one transaction takes.
const MANY: usize = 70;

/// A thread that stands still after its first commit until the gate opens; what is asked of it meanwhile
/// goes into one transaction.
struct Started {
    writer: Writer,
    writing: Writing,
    gate: mpsc::Sender<()>,
    heads: Arc<Mutex<Vec<Head>>>,
}

/// Moves the journal's store into a thread; the journal goes on as somebody else who writes to the file.
fn start_thread(journal: &mut Journal, run: RunId) -> Started {
    let other = Store::open(&journal.path(), Box::new(crate::domain::entropy::SystemEntropy));
    let store = std::mem::replace(&mut journal.store, other.unwrap());
    let versions = Versions { crm: ApiVersion::V8, bigin: ApiVersion::V2 };
    let (gate, opened) = mpsc::channel();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    let on_commit = move |head| {
        seen.lock().unwrap().push(head);
        // Open for good once the other end is gone.
        opened.recv().ok();
    };
    let now = journal.now;
    // Whatever there is.
    let requests = (1..10).map(RequestId::new).collect();
    let rules = ClaimRules {
        run,
        versions,
        limits: Limits::default(),
        requests,
        not_mine: EntryRanges::default(),
        policy: crate::domain::policy::ApprovalPolicy::Never.into(),
    };
    let (writer, writing) = Writer::start(
        store,
        rules,
        HashSet::new(),
        Meter::default(),
        Box::new(move || now),
        (Place::Thread, Box::new(on_commit)),
    );
    Started { writer, writing, gate, heads }
}

fn user(number: i64) -> Option<RecordId> {
    RecordId::from_stored(number)
}

#[tokio::test]
async fn an_entry_that_moved_meanwhile_fails_its_own_message_and_no_other() {
    let mut journal = created();
    journal.delete(1, 9);
    let run = journal.start("sync");
    let (first, second) = (journal.begin(&[1, 2]), journal.begin(&[3, 4]));
    let (raw, judgement) = answer(&first, [Outcome::Done; 4], None, "");
    let (late, too_late) = answer(&second, [Outcome::Done; 4], None, "");
    let lost = LostCall {
        sent_at: None,
        sent_before: journal.now,
        reason: Unanswered::NoAnswer,
        detail: "the call timed out".to_owned(),
    };
    let Started { writer, writing, gate, .. } = start_thread(&mut journal, run);
    writer.see_user(user(USER), 1).await.unwrap();
    let seen = Some(EntryRanges::span(EntryId::new(1), EntryId::new(1)));
    let read = ReadBefore { seen, ..ReadBefore::default() };
    let (unread, known) = (Vec::new(), HashMap::new());
    let mixed = ReadFirst { picked: picked(&[1, 5]), unread, known, lacking: Vec::new() };
    let (settled, lost, refused, taken, claimed, ()) = tokio::join!(
        biased;
        writer.settle(first, raw, judgement),
        writer.leave_unanswered(second.batch(), lost),
        writer.settle(second, late, too_late),
        writer.claim_read(mixed, read),
        writer.claim(3, Without::default()),
        async { drop(gate) },
    );
    settled.unwrap();
    lost.unwrap();
    assert!(matches!(refused, Err(StoreError::Transition(_))), "{refused:?}");
    assert!(matches!(taken, Err(StoreError::Transition(_))), "{taken:?}");
    drop(claimed.unwrap());
    drop(writer);
    writing.end().await.unwrap().unwrap();
    assert_eq!(
        journal.reader().totals().unwrap(),
        [
            (EntryState::Pending, 2),
            (EntryState::InFlight, 3),
            (EntryState::Unknown, 2),
            (EntryState::Done, 2),
        ]
    );
    assert_whole(&journal.path(), "after the thread");
}

#[tokio::test]
async fn entries_whose_claim_failed_are_found_by_the_next_one() {
    let mut journal = created();
    journal.delete(1, 9);
    let run = journal.start("sync");
    let fault = "CREATE TEMP TRIGGER stop AFTER INSERT ON main.batch WHEN NEW.size = 3
                 BEGIN SELECT RAISE(ABORT, 'stopped by the test'); END";
    journal.store.conn.execute_batch(fault).unwrap();
    let Started { writer, writing, gate, .. } = start_thread(&mut journal, run);
    drop(gate);
    let refused = writer.claim(3, Without::default()).await;
    assert!(matches!(refused, Err(StoreError::Sqlite { .. })), "{refused:?}");
    let Claimed::Batch(batch) = writer.claim(4, Without::default()).await.unwrap() else {
        panic!("nothing is due")
    };
    let entries: Vec<EntryId> = batch.items().iter().map(|item| item.entry).collect();
    assert_eq!(entries, [1, 2, 3, 4].map(EntryId::new));
    drop((batch, writer));
    writing.end().await.unwrap().unwrap();
    assert_whole(&journal.path(), "after the thread");
}

/// Lets the thread fail with many messages waiting; the first one was acknowledged before.
async fn fail(
    fault: impl FnOnce(&Connection),
    repair: &str,
    expected: impl Fn(&StoreError) -> bool,
) {
    let mut journal = created();
    journal.delete(1, 9);
    let run = journal.start("sync");
    let prepared = journal.begin(&[1, 2, 3, 4]);
    let (raw, judgement) = answer(&prepared, [Outcome::Done; 4], None, &noise(20));
    fault(&journal.store.conn);
    let Started { writer, writing, gate, heads } = start_thread(&mut journal, run);
    writer.see_user(user(USER), 1).await.unwrap();
    let (path, acknowledged) = (journal.path(), Dump::of(&journal.path()));

    let mut waiting = Vec::new();
    let one = writer.clone();
    waiting.push(tokio::spawn(async move { one.see_user(user(OTHER), 2).await }));
    let one = writer.clone();
    waiting.push(tokio::spawn(async move { one.settle(prepared, raw, judgement).await }));
    let one = writer.clone();
    waiting.push(tokio::spawn(async move { one.claim(100, Without::default()).await.map(drop) }));
    for number in 0..MANY {
        let one = writer.clone();
        let module = format!("Module{number}").parse().unwrap();
        waiting.push(tokio::spawn(async move {
            one.see_module(Product::Crm, module, Some(true)).await
        }));
    }
    // The runtime has one thread and takes its tasks in order: all have asked when this one opens.
    waiting.push(tokio::spawn(async move {
        drop(gate);
        Err(StoreError::WriterGone)
    }));
    for message in waiting {
        let answer = message.await.unwrap();
        assert!(matches!(answer, Err(StoreError::WriterGone)), "{answer:?}");
    }
    let stopped = writing.end().await.unwrap().unwrap_err();
    assert!(expected(&stopped), "{stopped}");
    assert!(matches!(writer.end_run(0, 0, 0).await, Err(StoreError::WriterGone)));

    journal.store.conn.execute_batch(repair).unwrap();
    let untouched = Dump::of(&path).0.into_iter().filter(|(name, _)| name != "later");
    assert!(untouched.eq(acknowledged.0.into_iter().filter(|(name, _)| name != "later")));
    let announced: Vec<Head> = heads.lock().unwrap().clone();
    assert_eq!(announced, [journal.store.head().unwrap()], "only what is on disk is announced");
    // The next run finds what was left open and goes on.
    let (next, now) = (journal.write(start), journal.now);
    let open = journal.write(|tx| tx.open_batches());
    assert_eq!(open.iter().map(|one| one.batch).collect::<Vec<_>>(), [BatchId::new(1)]);
    journal.write(|tx| {
        tx.leave_unanswered(next, open[0].batch, None, now, Unanswered::RunDied, "found open")
    });
    assert_whole(&path, "after the next run");
}

#[tokio::test]
async fn a_full_disk_fails_every_message_that_waits_and_stops_the_thread() {
    fail(|conn| room(conn, 2), "", |error| matches!(error, StoreError::DiskFull { .. })).await;
}

#[tokio::test]
async fn a_refused_commit_fails_every_message_that_waits_and_stops_the_thread() {
    // A row without its entry, which is looked for at COMMIT and not before.
    let fault = |conn: &Connection| {
        conn.execute_batch(
            "CREATE TABLE later (entry INTEGER REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED);
             CREATE TEMP TRIGGER orphan AFTER INSERT ON main.module WHEN NEW.module = 'Module50'
             BEGIN INSERT INTO later VALUES (999); END",
        )
        .unwrap();
    };
    let expected = |error: &StoreError| error.to_string().contains("FOREIGN KEY");
    fail(fault, "DROP TABLE later", expected).await;
}

#[tokio::test]
async fn a_head_that_cannot_be_written_fails_every_message_that_waits_and_stops_the_thread() {
    let fault = |conn: &Connection| {
        conn.execute_batch(
            "CREATE TEMP TRIGGER stop AFTER UPDATE ON main.head WHEN NEW.size > OLD.size + 1
             BEGIN SELECT RAISE(ABORT, 'stopped by the test'); END",
        )
        .unwrap();
    };
    fail(fault, "", |error| error.to_string().contains("stopped by the test")).await;
}
