//! A small bank: its money never changes, and it says which transfer was the last.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};

use fastrand::Rng;
use journal_disk::{Disk, Fault, Image, Moment, ProcessId, Times};
use rusqlite::{Connection, OpenFlags, Result};

pub(crate) const DB: &str = "bank.db";
pub(crate) const WAL: &str = "bank.db-wal";
const ACCOUNTS: i64 = 40;

/// How a database is kept.
#[derive(Clone, Copy)]
pub(crate) struct Keeping {
    pub(crate) journal: &'static str,
    pub(crate) synchronous: &'static str,
    /// Whether a life begins with a checkpoint, as the journal's do.
    pub(crate) checkpoint: bool,
}

pub(crate) const WAL_FULL: Keeping =
    Keeping { journal: "WAL", synchronous: "FULL", checkpoint: true };

/// A directory that exists nowhere else.
pub(crate) fn dir(name: &str, number: u64) -> PathBuf {
    PathBuf::from(format!("/simulated/{name}/{number}"))
}

pub(crate) fn open(path: &Path, create: bool) -> Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    Connection::open_with_flags(path, flags)
}

pub(crate) fn open_bank(path: &Path, keeping: Keeping) -> Result<Connection> {
    let conn = open(path, false)?;
    let Keeping { journal, synchronous, checkpoint } = keeping;
    conn.execute_batch(&format!(
        "PRAGMA journal_mode = {journal}; PRAGMA synchronous = {synchronous};
         PRAGMA cache_size = 8; PRAGMA secure_delete = ON;"
    ))?;
    if checkpoint {
        conn.execute_batch("PRAGMA wal_checkpoint(PASSIVE); PRAGMA wal_checkpoint(TRUNCATE);")?;
    }
    Ok(conn)
}

/// Makes the bank's tables in an empty file.
pub(crate) fn found(path: &Path, journal: &str) -> Result<()> {
    let conn = open(path, true)?;
    conn.execute_batch(&format!(
        "PRAGMA journal_mode = {journal};
         CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER NOT NULL, note TEXT) STRICT;
         CREATE INDEX by_note ON account (note);
         CREATE TABLE last (transfer INTEGER NOT NULL) STRICT;
         INSERT INTO last VALUES (0);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ACCOUNTS})
         INSERT INTO account SELECT i, 100, hex(zeroblob(300)) || i FROM n;"
    ))
}

/// An image with a new bank.
pub(crate) fn new_bank(journal: &str) -> Image {
    let disk = Disk::mount(&dir("founding", 0).join(format!("{:?}", std::thread::current().id())));
    found(&disk.path(DB), journal).unwrap();
    disk.volatile()
}

/// Moves money between some accounts, as transfer `number`, and commits.
pub(crate) fn transfer(conn: &Connection, number: i64, rng: &mut Rng) -> Result<()> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    for _ in 0..rng.u8(1..6) {
        let (from, to) = (rng.i64(1..=ACCOUNTS), rng.i64(1..=ACCOUNTS));
        let sum = rng.i64(1..50);
        let note = format!("{number} {}", "x".repeat(rng.usize(..900)));
        let mut change =
            conn.prepare_cached("UPDATE account SET money = money + ?2, note = ?3 WHERE id = ?1")?;
        change.execute((from, -sum, &note))?;
        change.execute((to, sum, &note))?;
    }
    conn.prepare_cached("UPDATE last SET transfer = ?1")?.execute([number])?;
    conn.execute_batch("COMMIT")
}

pub(crate) fn last_transfer(conn: &Connection) -> Result<i64> {
    conn.query_row("SELECT transfer FROM last", [], |row| row.get(0))
}

/// What is wrong with the bank, if anything.
pub(crate) fn damage(conn: &Connection) -> Option<String> {
    let verdict: Result<String> = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0));
    let money: Result<i64> = conn.query_row("SELECT sum(money) FROM account", [], |row| row.get(0));
    match (verdict, money) {
        (Ok(verdict), Ok(money)) if verdict == "ok" && money == 100 * ACCOUNTS => None,
        (verdict, money) => Some(format!("{verdict:?}, {money:?}")),
    }
}

/// A fault that a lawful disk may have.
pub(crate) fn lawful(rng: &mut Rng) -> Fault {
    let moment = [Moment::Before, Moment::Middle, Moment::After][rng.usize(..3)];
    let times = [Times::Once, Times::ForEver][rng.usize(..2)];
    match rng.u8(..10) {
        0..4 => Fault::Kill(moment),
        4..7 => Fault::PowerCut(moment),
        7 => Fault::Error(times),
        8 => Fault::Full(times),
        _ => Fault::ShortWrite,
    }
}

/// How a schedule of some lives ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) committed: i64,
    pub(crate) lost: Option<String>,
    pub(crate) damaged: Option<String>,
}

/// Some lives of processes that transfer money, each with a fault, most ending in a power cut.
pub(crate) fn schedule(
    disk: &Disk,
    keeping: Keeping,
    rng: &mut Rng,
    fault: impl Fn(&mut Rng) -> Fault,
) -> End {
    let mut end = End::default();
    for _ in 0..4 {
        let process = disk.start();
        let inside = disk.enter(process);
        disk.plan(process, rng.u64(..60), fault(rng));
        if let Ok(conn) = open_bank(&disk.path(DB), keeping) {
            live(disk, process, &conn, rng, &mut end);
        }
        drop(inside);
        disk.kill(process);
        if rng.u8(..4) > 0 {
            disk.power_cut();
        }
        // Looked at elsewhere, so that looking mends nothing.
        let image = if rng.bool() { disk.volatile() } else { disk.durable() };
        look(disk, &image, &mut end);
        if end.lost.is_some() || end.damaged.is_some() {
            break;
        }
    }
    end
}

fn live(disk: &Disk, process: ProcessId, conn: &Connection, rng: &mut Rng, end: &mut End) {
    let Ok(mut number) = last_transfer(conn) else { return };
    for _ in 0..rng.u8(1..10) {
        number += 1;
        match transfer(conn, number, rng) {
            Ok(()) => end.committed = number,
            Err(_) if !disk.is_alive(process) => return,
            Err(_) => {
                // After an error of the disk it is not known whether the commit is there.
                if !conn.is_autocommit() && conn.execute_batch("ROLLBACK").is_err() {
                    return;
                }
                match last_transfer(conn) {
                    Ok(seen) => number = seen,
                    Err(_) => return,
                }
            }
        }
    }
}

fn look(disk: &Disk, image: &Image, end: &mut End) {
    let glass = Disk::mount_image(&disk.dir().join("glass"), image);
    let conn = open(&glass.path(DB), false).unwrap();
    end.damaged = damage(&conn);
    let seen = last_transfer(&conn);
    if end.damaged.is_none() && !matches!(seen, Ok(seen) if seen >= end.committed) {
        end.lost = Some(format!("transfer {} committed, {seen:?} found", end.committed));
    }
}
