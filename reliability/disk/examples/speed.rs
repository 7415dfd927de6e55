//! How fast the simulated disk is: `cargo run --release -p journal-disk --example speed`.

#![allow(clippy::print_stdout, reason = "a program that says what it measured")]
#![allow(clippy::disallowed_methods, reason = "it measures real time")]

use std::time::Instant;

use journal_disk::{Disk, Image};
use rusqlite::{Connection, OpenFlags, Result};

const LIVES: u32 = 3_000;

fn open(path: &std::path::Path, create: bool) -> Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    Connection::open_with_flags(path, flags)
}

/// Opens, commits ten times, closes.
fn life(path: &std::path::Path) -> Result<()> {
    let conn = open(path, false)?;
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")?;
    let mut insert = conn.prepare("INSERT INTO t (text) VALUES (?1)")?;
    for _ in 0..10 {
        insert.execute(["a few words of text that make a row"])?;
    }
    Ok(())
}

fn image_of_300_kb() -> Result<Image> {
    let disk = Disk::mount("/simulated/model".as_ref());
    let conn = open(&disk.path("a.db"), true)?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT) STRICT;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
         INSERT INTO t (text) SELECT hex(zeroblob(150)) FROM n;",
    )?;
    drop(conn);
    Ok(disk.volatile())
}

/// Seconds that this thread has had a processor, which others on the machine do not change. Zero where
/// the system does not tell.
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|nanos| nanos.parse::<f64>().ok());
    nanos.unwrap_or(0.0) / 1e9
}

fn measure(what: &str, times: u32, mut act: impl FnMut(u32) -> Result<()>) -> Result<()> {
    let (start, before) = (Instant::now(), processor_time());
    for number in 0..times {
        act(number)?;
    }
    let each = |seconds: f64| seconds * 1e6 / f64::from(times);
    let (wall, busy) = (each(start.elapsed().as_secs_f64()), each(processor_time() - before));
    println!("{what}: {wall:.2} µs each ({busy:.2} of a processor), {:.0} a second", 1e6 / wall);
    Ok(())
}

fn main() -> Result<()> {
    let image = image_of_300_kb()?;
    println!("image: {} bytes", image.len());
    measure("clone of the image", 1_000_000, |_| {
        drop(std::hint::black_box(image.clone()));
        Ok(())
    })?;
    let disk = Disk::mount("/simulated/speed".as_ref());
    measure("load", 100_000, |_| {
        disk.load(&image);
        Ok(())
    })?;
    let path = disk.path("a.db");
    measure("open and close, nothing else", LIVES, |_| open(&path, false).map(drop))?;
    measure("load, open, 10 commits, close", LIVES, |_| {
        disk.load(&image);
        life(&path)
    })?;
    measure("load, open, 10 commits, power cut, close", LIVES, |number| {
        disk.load(&image);
        disk.seed(u64::from(number));
        let conn = open(&path, false)?;
        conn.execute_batch("PRAGMA synchronous = NORMAL")?;
        let mut insert = conn.prepare("INSERT INTO t (text) VALUES (?1)")?;
        for _ in 0..10 {
            insert.execute(["a few words of text that make a row"])?;
        }
        disk.power_cut();
        Ok(())
    })?;
    std::thread::scope(|threads| {
        for world in 0..2_u32 {
            let image = &image;
            threads.spawn(move || {
                let disk = Disk::mount(format!("/simulated/speed-{world}").as_ref());
                measure("one of two worlds: load, open, 10 commits, close", LIVES, |_| {
                    disk.load(image);
                    life(&disk.path("a.db"))
                })
            });
        }
    });
    let real = std::env::temp_dir().join(format!("speed-{}.db", std::process::id()));
    if let Some(content) = image.file("a.db") {
        std::fs::write(&real, content.to_vec()).unwrap_or_default();
        let done = measure("the same on the real disk", 20, |_| life(&real));
        for end in ["", "-wal", "-shm"] {
            let mut path = real.clone().into_os_string();
            path.push(end);
            drop(std::fs::remove_file(path));
        }
        done?;
    }
    Ok(())
}
