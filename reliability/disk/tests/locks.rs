//! Who keeps whom out, and that the dead keep out nobody.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod shared;

use journal_disk::{Disk, Fault, Kind, Moment, ProcessId};
use rusqlite::{Connection, ErrorCode, Result};
use shared::{DB, Keeping, WAL, WAL_FULL, dir, new_bank, open_bank};

const ROLLBACK: Keeping = Keeping { journal: "DELETE", synchronous: "FULL", checkpoint: false };

fn bank(name: &str, keeping: Keeping) -> Disk {
    Disk::mount_image(&dir(name, 0), &new_bank(keeping.journal))
}

/// A process with the bank open.
fn customer(disk: &Disk, keeping: Keeping) -> (ProcessId, Connection) {
    let process = disk.start();
    let _inside = disk.enter(process);
    let conn = open_bank(&disk.path(DB), keeping).unwrap();
    (process, conn)
}

fn is_busy<T: std::fmt::Debug>(result: Result<T>) -> bool {
    let code = result.unwrap_err().sqlite_error_code();
    assert_eq!(code, Some(ErrorCode::DatabaseBusy));
    true
}

fn money(conn: &Connection) -> Result<i64> {
    conn.query_row("SELECT money FROM account WHERE id = 1", [], |row| row.get(0))
}

/// From the first account to the second.
const PAY: &str = "UPDATE account SET money = money + 2 * id - 3 WHERE id < 3";

#[test]
fn of_two_writers_one_waits() {
    for keeping in [WAL_FULL, ROLLBACK] {
        let disk = bank("writers", keeping);
        let (_, one) = customer(&disk, keeping);
        let (_, two) = customer(&disk, keeping);
        one.execute_batch("BEGIN IMMEDIATE").unwrap();
        one.execute_batch(PAY).unwrap();
        assert!(is_busy(two.execute_batch("BEGIN IMMEDIATE")));
        assert_eq!(money(&two).unwrap(), 100, "{}", keeping.journal);
        one.execute_batch("COMMIT").unwrap();
        two.execute_batch(PAY).unwrap();
        assert_eq!((money(&one).unwrap(), money(&two).unwrap()), (98, 98));
    }
}

#[test]
fn a_killed_writer_keeps_out_nobody() {
    for keeping in [WAL_FULL, ROLLBACK] {
        let disk = bank("killed", keeping);
        let (first, one) = customer(&disk, keeping);
        let (_, two) = customer(&disk, keeping);
        one.execute_batch("BEGIN IMMEDIATE").unwrap();
        one.execute_batch(PAY).unwrap();
        disk.kill(first);
        assert!(one.execute_batch("COMMIT").is_err());
        two.execute_batch("BEGIN IMMEDIATE").unwrap();
        two.execute_batch(PAY).unwrap();
        two.execute_batch("COMMIT").unwrap();
        drop(one);
        assert_eq!(money(&two).unwrap(), 99, "{}", keeping.journal);
        assert_eq!(shared::damage(&two), None);
    }
}

/// The killed one dies at each operation of a commit in turn, while another has the bank open.
#[test]
fn who_dies_in_a_commit_leaves_the_others_whole() {
    for keeping in [WAL_FULL, ROLLBACK] {
        let (mut kept, mut undone) = (0, 0);
        for after in 0..80 {
            let disk = bank("midway", keeping);
            disk.seed(after);
            let (first, one) = customer(&disk, keeping);
            let (_, two) = customer(&disk, keeping);
            assert_eq!(money(&two).unwrap(), 100);
            disk.plan(first, after, Fault::Kill(Moment::Middle));
            let mut rng = fastrand::Rng::with_seed(after);
            let done = shared::transfer(&one, 1, &mut rng);
            assert_eq!(done.is_ok(), disk.is_alive(first));
            drop(one);
            let seen = shared::last_transfer(&two).unwrap();
            assert!(seen == 1 || done.is_err(), "a commit is gone");
            assert_eq!(shared::damage(&two), None, "{} {after}", keeping.journal);
            shared::transfer(&two, 2, &mut rng).unwrap();
            assert_eq!(shared::damage(&two), None, "{} {after}", keeping.journal);
            if seen == 1 { kept += 1 } else { undone += 1 }
        }
        assert!(kept > 3 && undone > 3, "{}: {kept} {undone}", keeping.journal);
    }
}

#[test]
fn a_reader_sees_one_moment_of_a_log() {
    let disk = bank("snapshot", WAL_FULL);
    let (_, reader) = customer(&disk, WAL_FULL);
    let (_, writer) = customer(&disk, WAL_FULL);
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(money(&reader).unwrap(), 100);
    for number in 1..=50 {
        writer.execute_batch(PAY).unwrap();
        assert_eq!((money(&writer).unwrap(), money(&reader).unwrap()), (100 - number, 100));
    }
    // The reader needs the log; a checkpoint that would empty it has to wait.
    let busy: i64 =
        writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 1);
    assert_eq!(money(&reader).unwrap(), 100);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(money(&reader).unwrap(), 50);
    let busy: i64 =
        writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
    assert!(disk.volatile().file(WAL).unwrap().is_empty());
}

#[test]
fn a_killed_reader_does_not_hold_up_a_checkpoint() {
    let disk = bank("reader", WAL_FULL);
    let (first, reader) = customer(&disk, WAL_FULL);
    let (_, writer) = customer(&disk, WAL_FULL);
    reader.execute_batch("BEGIN").unwrap();
    money(&reader).unwrap();
    writer.execute_batch(PAY).unwrap();
    disk.kill(first);
    let busy: i64 =
        writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
    assert!(reader.query_row("SELECT count(*) FROM account", [], |_| Ok(())).is_err());
}

#[test]
fn readers_keep_a_rollback_writer_from_its_commit() {
    let disk = bank("pending", ROLLBACK);
    let (_, reader) = customer(&disk, ROLLBACK);
    let (_, writer) = customer(&disk, ROLLBACK);
    let (_, late) = customer(&disk, ROLLBACK);
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(money(&reader).unwrap(), 100);
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    writer.execute_batch(PAY).unwrap();
    assert!(is_busy(writer.execute_batch("COMMIT")));
    // It waits now, and lets in nobody who comes later.
    assert!(is_busy(money(&late)));
    reader.execute_batch("COMMIT").unwrap();
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(money(&late).unwrap(), 99);
}

#[test]
fn the_last_one_takes_the_log_away_and_the_dead_do_not() {
    let disk = bank("close", WAL_FULL);
    let (_, one) = customer(&disk, WAL_FULL);
    let (second, two) = customer(&disk, WAL_FULL);
    one.execute_batch(PAY).unwrap();
    drop(one);
    assert!(disk.volatile().file(WAL).is_some(), "another has it open");
    let before = disk.volatile();
    disk.kill(second);
    drop(two);
    assert!(disk.volatile() == before, "a dead process changed a file");
    let (_, three) = customer(&disk, WAL_FULL);
    assert_eq!(money(&three).unwrap(), 99);
    drop(three);
    assert!(disk.volatile().file(WAL).is_none());
}

#[test]
fn a_lock_can_fail() {
    let disk = bank("lock", WAL_FULL);
    let (process, conn) = customer(&disk, WAL_FULL);
    disk.count(Kind::Lock, true);
    disk.plan_at(process, Kind::Lock, 0, Fault::Kill(Moment::Before));
    assert!(conn.execute_batch(PAY).is_err());
    assert!(!disk.is_alive(process));
    assert_eq!(disk.faults_struck().values().sum::<u64>(), 1);
}

/// Threads that are really there, each a process of its own.
#[test]
fn threads_take_turns() {
    let disk = bank("threads", WAL_FULL);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let process = disk.start();
                let inside = disk.enter(process);
                let conn = open_with_patience(&disk);
                for _ in 0..50 {
                    while conn.execute_batch(PAY).is_err() {
                        std::thread::yield_now();
                    }
                }
                drop(inside);
            });
        }
    });
    let (_, conn) = customer(&disk, WAL_FULL);
    assert_eq!(money(&conn).unwrap(), 100 - 4 * 50);
}

fn open_with_patience(disk: &Disk) -> Connection {
    loop {
        match open_bank(&disk.path(DB), Keeping { checkpoint: false, ..WAL_FULL }) {
            Ok(conn) => return conn,
            Err(_) => std::thread::yield_now(),
        }
    }
}
