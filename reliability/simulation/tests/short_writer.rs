//! Commands that write beside runs: what a process left that died, or whose sync failed, is made durable before
//! anything is built upon it.

#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use std::path::Path;
use std::time::Duration;

use journal_disk::{Disk, Fault, Kind, Moment, Survival, Times};
use journal_simulation::schedule::Place;
use zoho_journal::domain::entropy::SeededEntropy;
use zoho_journal::domain::event::SourceKind;
use zoho_journal::domain::id::RecordId;
use zoho_journal::domain::merkle::Hash;
use zoho_journal::domain::policy::ApprovalPolicy;
use zoho_journal::domain::scope::Task;
use zoho_journal::domain::target::{ApiOrigin, DataCenter, Environment, Product, Target};
use zoho_journal::domain::time::Timestamp;
use zoho_journal::evidence::keeper::{Keeper, KeeperError, Operator};
use zoho_journal::evidence::verify::check_journal;
use zoho_journal::store::Reader;
use zoho_journal::store::entry::NewItem;
use zoho_journal::store::recording::{NewRequest, RequestSource};

fn now() -> Timestamp {
    Timestamp::from_millis(1_787_000_100_000)
}

fn open(db: &Path) -> Keeper {
    let by = Operator { account: "ops", program: "test" };
    Keeper::open(db, Box::new(SeededEntropy::new(2)), by, now()).unwrap()
}

/// How many events the log holds, and it verifies.
fn events(db: &Path) -> u64 {
    let reader = Reader::open(db).unwrap();
    check_journal(&reader).unwrap();
    reader.head().unwrap().size
}

fn record(keeper: &mut Keeper) -> Result<(), KeeperError> {
    let target = RecordId::from_stored(4_876_876_000_000_001_000).unwrap();
    let source = RequestSource {
        kind: SourceKind::Arguments,
        name: "command line".to_owned(),
        sha256: Hash::of(b""),
        column: None,
        rows: 1,
    };
    let new = NewRequest {
        snapshot_records: false,
        full: None,
        after: None,
        task: &Task::Delete,
        snapshot: true,
        module_id: None,
        product: Product::Crm,
        module: &"Leads".parse().unwrap(),
        workflows: true,
        target: &Target {
            data_center: DataCenter::Us,
            environment: Environment::Production,
            api_origin: ApiOrigin::loopback(),
        },
        items: &[NewItem { parent: None, target, row: 1 }],
        repeated: &[],
        invalid: &[],
        again: true,
        policy: ApprovalPolicy::Never.into(),
        not_before: None,
        valid_for: Duration::from_hours(720),
        source: &source,
        requested_by: "anna",
        recorded_by: "ops",
        reason: "test",
        ticket: None,
        program: "test",
    };
    keeper.write("recording a request", now(), |tx| tx.record(&new)).map(drop)
}

/// A process writes and its sync does not come about; the next one opens the journal, writes to it or not, and the
/// power goes. How many events the log held before, as the next process saw it, and after the power cut.
fn after(fault: Fault, writes: bool) -> (u64, u64, u64) {
    let place = Place::new(true).unwrap();
    let disk = Disk::mount_image(place.directory.path(), &place.empty);
    let first = disk.start();
    let before = {
        let _inside = disk.enter(first);
        let mut keeper = open(&place.db);
        // The first commit of a log syncs its header by itself.
        record(&mut keeper).unwrap();
        let before = events(&place.db);
        disk.plan_at(first, Kind::Sync, 0, fault);
        record(&mut keeper).unwrap_err();
        disk.kill(first);
        before
    };
    let second = disk.start();
    let seen = {
        let _inside = disk.enter(second);
        let mut keeper = open(&place.db);
        if writes {
            record(&mut keeper).unwrap();
        }
        let seen = events(&place.db);
        disk.power_cut_with(Survival::Nothing);
        drop(keeper);
        seen
    };
    let third = disk.start();
    let _inside = disk.enter(third);
    // Its anchor still fits the log.
    drop(open(&place.db));
    (before, seen, events(&place.db))
}

#[test]
fn a_short_writer_makes_durable_what_a_killed_process_left() {
    for (writes, more) in [(false, 1), (true, 2)] {
        let (before, seen, kept) = after(Fault::Kill(Moment::Before), writes);
        assert_eq!((seen, kept), (before + more, before + more));
    }
}

/// A sync that failed leaves a gap in the write-ahead log: nothing behind it could be read back.
#[test]
fn a_short_writer_writes_nothing_behind_the_gap_of_a_failed_sync() {
    let (before, seen, kept) = after(Fault::SyncFails(Times::Once), true);
    assert_eq!((seen, kept), (before + 2, before + 2));
}
