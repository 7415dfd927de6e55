//! The simulated disk against the real one, and against itself.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod shared;

use std::path::Path;

use journal_disk::{Disk, Event, Fault, Image, Moment, Times};
use rusqlite::Connection;
use shared::{DB, Keeping, WAL, WAL_FULL, dir, lawful, new_bank, open, open_bank, schedule};

const KEEPINGS: [Keeping; 3] = [
    WAL_FULL,
    Keeping { journal: "DELETE", synchronous: "FULL", checkpoint: false },
    Keeping { journal: "TRUNCATE", synchronous: "EXTRA", checkpoint: false },
];

/// A life that meets no fault; what is left to be compared.
fn peaceful_life(path: &Path, keeping: Keeping) -> Connection {
    shared::found(path, keeping.journal).unwrap();
    let mut rng = fastrand::Rng::with_seed(5);
    for _ in 0..3 {
        let conn = open_bank(path, keeping).unwrap();
        for number in 1..=8 {
            shared::transfer(&conn, number, &mut rng).unwrap();
        }
        conn.execute_batch("DELETE FROM account WHERE id > 1000; VACUUM").unwrap();
    }
    let conn = open_bank(path, keeping).unwrap();
    shared::transfer(&conn, 9, &mut rng).unwrap();
    conn
}

#[test]
fn files_are_those_of_a_real_disk() {
    for keeping in KEEPINGS {
        let real = tempfile::tempdir().unwrap();
        let disk = Disk::mount(&dir("reality", 0));
        let there = peaceful_life(&real.path().join(DB), keeping);
        let here = peaceful_life(&disk.path(DB), keeping);
        let bytes = |name| std::fs::read(real.path().join(name)).ok();
        let image = disk.volatile();
        let simulated = |name| image.file(name).map(journal_disk::Content::to_vec);
        assert!(bytes(DB).unwrap() == simulated(DB).unwrap(), "{}", keeping.journal);
        // Salts differ between the two, lengths do not.
        assert_eq!(bytes(WAL).map(|it| it.len()), simulated(WAL).map(|it| it.len()));
        drop((there, here));
        let image = disk.volatile();
        let mut names: Vec<_> = std::fs::read_dir(real.path()).unwrap().collect();
        assert_eq!(names.len(), image.names().count());
        let entry = names.remove(0).unwrap();
        assert_eq!(entry.file_name(), DB);
        assert!(bytes(DB).unwrap() == image.file(DB).unwrap().to_vec(), "{}", keeping.journal);
    }
}

#[test]
fn a_real_file_below_the_directory_is_not_seen() {
    let real = tempfile::tempdir().unwrap();
    let beside = tempfile::tempdir().unwrap();
    std::fs::write(real.path().join(DB), b"not a database").unwrap();
    let disk = Disk::mount(real.path());
    shared::found(&disk.path(DB), "WAL").unwrap();
    assert_eq!(std::fs::read(real.path().join(DB)).unwrap(), b"not a database");
    assert!(disk.volatile().file(DB).unwrap().len() > 4096);
    // What lies beside is real.
    shared::found(&beside.path().join(DB), "WAL").unwrap();
    assert!(beside.path().join(DB).metadata().unwrap().len() > 4096);
    drop(disk);
    assert!(open(&real.path().join(DB), false).is_ok_and(|conn| shared::damage(&conn).is_some()));
}

#[test]
fn a_path_with_detours_is_the_same_file() {
    let disk = Disk::mount(&dir("detours", 0));
    shared::found(&disk.path(DB), "WAL").unwrap();
    let conn = open(&disk.path("x/.././/").join(DB), false).unwrap();
    assert_eq!(shared::damage(&conn), None);
}

#[test]
fn a_copy_is_made_on_the_disk() {
    let disk = Disk::mount_image(&dir("vacuum", 0), &new_bank("WAL"));
    let process = disk.start();
    let _inside = disk.enter(process);
    let conn = open_bank(&disk.path(DB), WAL_FULL).unwrap();
    conn.execute("VACUUM INTO ?1", [disk.path("copy.db").to_str().unwrap()]).unwrap();
    let copy = open(&disk.path("copy.db"), false).unwrap();
    assert_eq!(shared::damage(&copy), None);
    assert_eq!(
        disk.volatile().names().filter(|name| name.starts_with("copy")).collect::<Vec<_>>(),
        ["copy.db"]
    );
    // SQLite syncs the copy, and its journal with the directory, but not that the journal is gone:
    // that is for whoever made the copy.
    assert!(disk.is_settled("copy.db") && !disk.is_settled("copy.db-journal"));
    assert!(disk.durable().file("copy.db-journal").is_some());
}

#[test]
fn a_full_disk_and_a_failing_one_say_so() {
    let cases = [
        (Fault::Full(Times::Once), rusqlite::ErrorCode::DiskFull),
        (Fault::Error(Times::Once), rusqlite::ErrorCode::SystemIoFailure),
        (Fault::ShortWrite, rusqlite::ErrorCode::SystemIoFailure),
        (Fault::SyncFails(Times::Once), rusqlite::ErrorCode::SystemIoFailure),
        (Fault::Full(Times::ForEver), rusqlite::ErrorCode::DiskFull),
        (Fault::SyncFails(Times::ForEver), rusqlite::ErrorCode::SystemIoFailure),
    ];
    let disk = Disk::mount_image(&dir("errors", 0), &new_bank("WAL"));
    let process = disk.start();
    let _inside = disk.enter(process);
    let conn = open_bank(&disk.path(DB), WAL_FULL).unwrap();
    let mut rng = fastrand::Rng::with_seed(1);
    for (fault, code) in cases {
        disk.plan(process, 0, fault);
        let error = shared::transfer(&conn, 1, &mut rng).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(code), "{fault:?}");
        if !conn.is_autocommit() {
            conn.execute_batch("ROLLBACK").unwrap();
        }
        disk.clear(process);
        shared::transfer(&conn, 1, &mut rng).unwrap();
        assert_eq!(shared::damage(&conn), None);
        assert_eq!(disk.faults_struck()[&fault], 1, "{fault:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_life_in_any_company() {
    let image = new_bank("WAL");
    let life = |world: u64, seed: u64| -> (Vec<Event>, Image, Image) {
        let disk = Disk::mount_image(&dir("same", world), &image);
        disk.seed(seed);
        disk.trace(true);
        schedule(&disk, WAL_FULL, &mut fastrand::Rng::with_seed(seed), lawful);
        (disk.take_trace(), disk.volatile(), disk.durable())
    };
    assert!(journal_disk::random_numbers_are_seeded());
    let alone: Vec<_> = (0..20).map(|seed| life(1000, seed)).collect();
    // Again, with others at work in other threads.
    std::thread::scope(|threads| {
        for world in 0..3 {
            let (life, alone) = (&life, &alone);
            threads.spawn(move || {
                for (seed, before) in (0..).zip(alone) {
                    let again = life(world, seed);
                    assert!(again.0 == before.0, "seed {seed}: another trace");
                    assert!(again.1 == before.1, "seed {seed}: other files");
                    assert!(again.2 == before.2, "seed {seed}: other files after a power cut");
                }
            });
        }
    });
    assert!(alone.iter().any(|(trace, ..)| trace != &alone[0].0), "all seeds do the same");
}

#[test]
fn a_fault_before_an_operation_prevents_it_and_one_after_does_not() {
    let size = |moment| {
        let disk = Disk::mount_image(&dir("moments", 0), &new_bank("WAL"));
        let process = disk.start();
        let _inside = disk.enter(process);
        let conn = open_bank(&disk.path(DB), WAL_FULL).unwrap();
        disk.plan_at(process, journal_disk::Kind::Write, 1, Fault::Kill(moment));
        shared::transfer(&conn, 1, &mut fastrand::Rng::with_seed(1)).unwrap_err();
        disk.volatile().file(WAL).unwrap().len()
    };
    // The header of the log, then the header of its first frame.
    assert_eq!((size(Moment::Before), size(Moment::After)), (32, 32 + 24));
}

#[test]
fn an_oracle_sees_what_is_durable() {
    let disk = Disk::mount_image(&dir("oracle", 0), &new_bank("WAL"));
    let conn = open_bank(&disk.path(DB), WAL_FULL).unwrap();
    assert!(disk.is_settled(DB));
    conn.execute_batch("PRAGMA synchronous = NORMAL").unwrap();
    shared::transfer(&conn, 1, &mut fastrand::Rng::with_seed(1)).unwrap();
    assert!(disk.is_settled(DB) && !disk.is_settled(WAL));
    let durable = Disk::mount_image(&disk.path("durable"), &disk.durable());
    let seen = open(&durable.path(DB), false).and_then(|conn| shared::last_transfer(&conn));
    assert_eq!((seen.unwrap(), shared::last_transfer(&conn).unwrap()), (0, 1));
    conn.execute_batch("PRAGMA synchronous = FULL").unwrap();
    shared::transfer(&conn, 2, &mut fastrand::Rng::with_seed(2)).unwrap();
    assert!(disk.is_settled(WAL));
}
