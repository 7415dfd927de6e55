//! What SQLite itself refuses to whoever writes with a plain client.

use std::time::Duration;

use super::cases::created;
use super::{Dump, assert_whole};
use crate::domain::state::Outcome;
use crate::store::open::{Mode, connect};
use crate::store::testing::Journal;

/// One of everything.
fn everything() -> Journal {
    let mut journal = created();
    journal.delete(1, 4);
    journal.start("sync");
    let prepared = journal.begin(&[1, 2]);
    let (done, failed) =
        ((Outcome::Done, "SUCCESS", "deleted"), (Outcome::Failed, "RECORD_LOCKED", "locked"));
    journal.answer(&prepared, &[done, failed]);
    journal
}

const LOG: &str = "the log is append-only";
const TREE: &str = "the tree is append-only";
const KEEPS: &str = "an entry keeps its";

#[test]
fn the_log_the_tree_and_what_was_asked_cannot_be_rewritten() {
    let journal = everything();
    let path = journal.path();
    let before = Dump::of(&path);
    assert!(before.0["node"].len() > 1 && before.0["event"].len() > 6);
    let conn = connect(&path, Mode::Write, Duration::ZERO).unwrap();
    for (sql, why) in [
        ("UPDATE event SET body = x'7b7d' WHERE seq = 1", LOG),
        ("UPDATE event SET leaf = leaf", LOG),
        ("UPDATE event SET seq = seq + 100", LOG),
        ("UPDATE OR REPLACE event SET seq = 0 WHERE seq = 1", LOG),
        ("DELETE FROM event", LOG),
        ("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)", LOG),
        ("INSERT OR REPLACE INTO event SELECT seq, x'7b7d', leaf FROM event WHERE seq = 1", LOG),
        ("REPLACE INTO event SELECT max(seq), x'7b7d', leaf FROM event", LOG),
        (
            "INSERT INTO event SELECT seq, x'7b7d', leaf FROM event WHERE seq = 1
             ON CONFLICT (seq) DO UPDATE SET body = excluded.body",
            LOG,
        ),
        ("INSERT INTO event SELECT max(seq) + 2, body, leaf FROM event", LOG),
        ("INSERT INTO event SELECT -1, body, leaf FROM event LIMIT 1", LOG),
        ("INSERT INTO event SELECT max(seq) + 1, body, x'00' FROM event", "leaf_is_sha256"),
        ("UPDATE node SET hash = zeroblob(32)", TREE),
        ("UPDATE node SET idx = idx + 100", TREE),
        ("DELETE FROM node", TREE),
        ("DELETE FROM node WHERE level = 1 AND idx = 0", TREE),
        ("INSERT INTO node VALUES (1, 999, x'00')", "hash_is_sha256"),
        ("DELETE FROM entry WHERE id = 4", "entries are never deleted"),
        ("DELETE FROM entry", "entries are never deleted"),
        ("DELETE FROM batch", "batches are never deleted"),
        ("UPDATE entry SET scope = 99 WHERE id = 1", KEEPS),
        ("UPDATE entry SET id = 99 WHERE id = 4", KEEPS),
        ("UPDATE entry SET target = target + 1 WHERE id = 1", KEEPS),
        ("UPDATE entry SET row = 99 WHERE id = 1", KEEPS),
        ("UPDATE entry SET target = NULL WHERE id = 1", KEEPS),
        ("UPDATE entry SET target = 1, row = NULL WHERE id = 1", KEEPS),
        ("UPDATE entry SET state = 1 WHERE id = 1", "state_known"),
        ("UPDATE entry SET state = 12 WHERE id = 1", "state_known"),
        ("UPDATE batch SET ended_seq = NULL", "ended_whole"),
        ("UPDATE batch SET ending = 'done'", "ending_known"),
        ("UPDATE tally SET entries = -1", "CHECK"),
        ("UPDATE attempt SET outcome = 7", "CHECK"),
        (
            "INSERT INTO attempt SELECT 999, batch, outcome, said FROM attempt LIMIT 1",
            "FOREIGN KEY",
        ),
        ("UPDATE run SET exit_code = 0", "ended_whole"),
    ] {
        let refused = conn.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains(why), "{sql}: {refused}");
        assert_eq!(before.changed(&path), [""; 0], "{sql}");
    }
    assert_whole(&path, "after all of it");
}

#[test]
fn an_erased_entry_does_not_get_its_target_back() {
    let journal = everything();
    let conn = connect(&journal.path(), Mode::Write, Duration::ZERO).unwrap();
    let erase = "UPDATE entry SET target = NULL, row = NULL WHERE id = 1";
    assert_eq!(conn.execute(erase, []).unwrap(), 1);
    let back = "UPDATE entry SET target = 410405000002264001, row = 2 WHERE id = 1";
    let refused = conn.execute(back, []).unwrap_err().to_string();
    assert!(refused.contains(KEEPS), "{refused}");
}
