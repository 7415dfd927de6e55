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

fn measure(what: &str, times: u32, mut act: impl FnMut(u32) -> Result<()>) -> Result<()> {
    let start = Instant::now();
    for number in 0..times {
        act(number)?;
    }
    let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(times);
    println!("{what}: {micros:.2} µs each, {:.0} a second", 1e6 / micros);
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
    let start = Instant::now();
    let lives = std::thread::scope(|threads| {
        let worlds: Vec<_> = (0..2)
            .map(|world: u32| {
                let image = &image;
                threads.spawn(move || -> Result<u32> {
                    let disk = Disk::mount(format!("/simulated/speed-{world}").as_ref());
                    for _ in 0..LIVES {
                        disk.load(image);
                        life(&disk.path("a.db"))?;
                    }
                    Ok(LIVES)
                })
            })
            .collect();
        worlds.into_iter().filter_map(|world| world.join().ok()?.ok()).sum::<u32>()
    });
    let seconds = start.elapsed().as_secs_f64();
    println!("two worlds at once: {:.0} lives a second", f64::from(lives) / seconds);
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
