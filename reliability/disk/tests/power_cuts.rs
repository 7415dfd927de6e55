//! What survives: thousands of short lives that end badly.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails here has failed")]

mod shared;

use journal_disk::{Disk, Fault, Kind, Moment, Survival, Times};
use shared::{DB, Keeping, WAL, WAL_FULL, dir, lawful, new_bank, open_bank, schedule};

/// How many schedules of each test; the optimised build of the simulation does many more.
const SCHEDULES: u64 = 2_000;

struct Sum {
    committed: i64,
    lost: u64,
    damaged: u64,
    deaths: usize,
}

fn run(
    name: &str,
    keeping: Keeping,
    schedules: u64,
    fault: impl Fn(&mut fastrand::Rng) -> Fault + Copy,
) -> Sum {
    let image = new_bank(keeping.journal);
    let disk = Disk::mount(&dir(name, 0));
    let mut sum = Sum { committed: 0, lost: 0, damaged: 0, deaths: 0 };
    for seed in 0..schedules {
        disk.load(&image);
        disk.seed(seed);
        let end = schedule(&disk, keeping, &mut fastrand::Rng::with_seed(seed), fault);
        sum.committed += end.committed;
        sum.deaths += disk.died().len();
        sum.lost += u64::from(end.lost.is_some());
        sum.damaged += u64::from(end.damaged.is_some());
        if end.lost.is_some() || end.damaged.is_some() {
            println!("{name}: seed {seed}: {end:?}");
        }
    }
    println!(
        "{name}: {schedules} schedules, {} transfers, {} deaths, {} lost, {} damaged",
        sum.committed, sum.deaths, sum.lost, sum.damaged
    );
    sum
}

#[test]
fn full_loses_nothing_that_was_committed() {
    let sum = run("full", WAL_FULL, SCHEDULES, lawful);
    assert!(sum.committed > i64::try_from(SCHEDULES).unwrap() * 3, "{}", sum.committed);
    assert_eq!((sum.lost, sum.damaged), (0, 0));
}

#[test]
#[ignore = "minutes, in an optimised build"]
fn nothing_is_lost_in_many_more_schedules() {
    let extra = Keeping { journal: "DELETE", synchronous: "EXTRA", checkpoint: false };
    for keeping in [WAL_FULL, extra] {
        let sum = run(&format!("many-{}", keeping.journal), keeping, 100_000, lawful);
        assert_eq!((sum.lost, sum.damaged), (0, 0));
    }
}

#[test]
fn normal_loses_commits_and_damages_nothing() {
    let keeping = Keeping { synchronous: "NORMAL", ..WAL_FULL };
    let sum = run("normal", keeping, SCHEDULES / 4, lawful);
    assert!(sum.lost > 50, "{}", sum.lost);
    assert_eq!(sum.damaged, 0);
}

#[test]
fn off_damages() {
    let keeping = Keeping { synchronous: "OFF", ..WAL_FULL };
    let sum = run("off", keeping, SCHEDULES / 4, lawful);
    assert!(sum.damaged > 10, "{}", sum.damaged);
}

#[test]
fn a_lying_sync_loses_commits() {
    let lie = |_: &mut fastrand::Rng| Fault::LyingSync(Times::ForEver);
    let sum = run("lying", WAL_FULL, SCHEDULES / 4, lie);
    assert!(sum.lost + sum.damaged > 50, "{} {}", sum.lost, sum.damaged);
}

/// What a failed sync forgot can be seen, is believed by the next process, and is not there after a
/// power cut. No order of syncs helps, and a checkpoint can spread it: this is Linux, and SQLite.
#[test]
fn what_a_failed_sync_forgets_is_believed() {
    let fails = |_: &mut fastrand::Rng| Fault::SyncFails(Times::ForEver);
    let keeping = Keeping { checkpoint: false, ..WAL_FULL };
    let sum = run("forgotten", keeping, SCHEDULES / 4, fails);
    assert!(sum.lost > 10, "{}", sum.lost);
    let sum = run("forgotten, checkpointed", WAL_FULL, SCHEDULES / 4, fails);
    assert!(sum.damaged > 2, "{}", sum.damaged);
}

#[test]
fn a_rollback_journal_whose_deletion_is_synced_loses_nothing() {
    let keeping = Keeping { journal: "DELETE", synchronous: "EXTRA", checkpoint: false };
    let sum = run("extra", keeping, SCHEDULES, lawful);
    assert_eq!((sum.lost, sum.damaged), (0, 0));
}

/// SQLite's documentation of `PRAGMA synchronous` says so: only EXTRA syncs the directory then.
#[test]
fn a_rollback_journal_whose_deletion_is_not_synced_comes_back() {
    let keeping = Keeping { journal: "DELETE", synchronous: "FULL", checkpoint: false };
    let sum = run("delete", keeping, SCHEDULES / 4, lawful);
    assert!(sum.lost > 10, "{}", sum.lost);
    assert_eq!(sum.damaged, 0);
}

/// One failed sync, one kill, and a power cut while the next process checkpoints what it sees.
#[test]
fn a_checkpoint_can_spread_what_a_failed_sync_forgot() {
    let image = new_bank("WAL");
    let disk = Disk::mount(&dir("spread", 0));
    let keeping = Keeping { checkpoint: false, ..WAL_FULL };
    let mut damaged = 0;
    for seed in 0..200 {
        disk.load(&image);
        disk.seed(seed);
        let mut rng = fastrand::Rng::with_seed(seed);
        let first = disk.start();
        let conn = {
            let _inside = disk.enter(first);
            open_bank(&disk.path(DB), keeping).unwrap()
        };
        shared::transfer(&conn, 1, &mut rng).unwrap();
        disk.plan(first, 0, Fault::SyncFails(Times::Once));
        shared::transfer(&conn, 2, &mut rng).unwrap_err();
        disk.kill(first);
        drop(conn);

        let second = disk.start();
        let inside = disk.enter(second);
        let conn = open_bank(&disk.path(DB), keeping).unwrap();
        assert_eq!(shared::last_transfer(&conn).unwrap(), 2, "what failed is seen");
        disk.plan_at(second, Kind::Write, rng.u64(1..4), Fault::PowerCut(Moment::After));
        drop(conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
        drop((conn, inside));
        let conn = shared::open(&disk.path(DB), false).unwrap();
        damaged += u32::from(!disk.is_alive(second) && shared::damage(&conn).is_some());
    }
    println!("spread: {damaged} of 200 damaged");
    assert!(damaged > 10, "{damaged}");
}

/// A process dies between writing the WAL and syncing it. The next one sees the commit, has nothing to
/// add, and says that all is well, without any sync.
fn acknowledged_without_a_sync(checkpoint: bool) -> (i64, i64) {
    let disk = Disk::mount_image(&dir("no-op", u64::from(checkpoint)), &new_bank("WAL"));
    let keeping = Keeping { checkpoint, ..WAL_FULL };
    let mut rng = fastrand::Rng::with_seed(1);

    let first = disk.start();
    {
        let _inside = disk.enter(first);
        let conn = open_bank(&disk.path(DB), keeping).unwrap();
        shared::transfer(&conn, 1, &mut rng).unwrap();
        disk.trace(true);
        shared::transfer(&conn, 2, &mut rng).unwrap();
        let kinds: Vec<Kind> = disk.take_trace().iter().map(|event| event.kind).collect();
        assert_eq!(kinds.iter().rposition(|kind| *kind != Kind::Sync), Some(kinds.len() - 2));
        disk.plan_at(first, Kind::Sync, 0, Fault::Kill(Moment::Before));
        shared::transfer(&conn, 3, &mut rng).unwrap_err();
        assert!(!disk.is_alive(first));
    }
    assert!(disk.has_unsynced_writes(WAL));

    let second = disk.start();
    let seen = {
        let _inside = disk.enter(second);
        let conn = open_bank(&disk.path(DB), keeping).unwrap();
        let seen = shared::last_transfer(&conn).unwrap();
        let changed = conn.execute("UPDATE last SET transfer = 3 WHERE transfer < 3", []).unwrap();
        assert_eq!(changed, 0);
        assert_eq!(disk.has_unsynced_writes(WAL), !checkpoint);
        disk.power_cut_with(Survival::Nothing);
        seen
    };
    let conn = open_bank(&disk.path(DB), keeping).unwrap();
    assert_eq!(shared::damage(&conn), None);
    (seen, shared::last_transfer(&conn).unwrap())
}

#[test]
fn a_commit_that_changes_nothing_vouches_for_nothing() {
    assert_eq!(acknowledged_without_a_sync(false), (3, 2));
}

#[test]
fn after_a_checkpoint_what_is_seen_is_there() {
    assert_eq!(acknowledged_without_a_sync(true), (3, 3));
}
