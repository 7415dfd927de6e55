use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;
use crate::domain::entropy::SeededEntropy;
use crate::domain::event::Event;
use crate::domain::id::EventSeq;
use crate::evidence::anchor::{AnchorState, anchor_path};
use crate::evidence::keeper::Keeper;
use crate::evidence::verify::{Options, check_journal, verify};
use crate::store::Reader;
use crate::store::testing::schema_1;

/// The newest schema there is: the highest number of a file in `migrations`.
const NEWEST: u32 = 7;

const BY: Operator<'static> = Operator { account: "ann (uid 1000) on laptop", program: "test/2" };
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A journal of schema 1 in a directory of its own.
struct Place {
    directory: tempfile::TempDir,
    db: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let db = schema_1(directory.path());
        Self { directory, db }
    }

    fn open(&self) -> Result<Keeper, KeeperError> {
        Keeper::open(&self.db, Box::new(SeededEntropy::new(2)), BY, NOW)
    }

    fn store(&self) -> Store {
        Store::open(&self.db, Box::new(SeededEntropy::new(3))).unwrap()
    }

    fn backup(&self) -> PathBuf {
        backup_path(&self.db, 1)
    }

    fn beside_backup(&self, suffix: &str) -> PathBuf {
        beside(&self.backup(), suffix)
    }

    /// A whole copy with a name.
    fn copy_to(&self, path: &Path) {
        platform::create_exclusive(path, b"", Sharing::OwnerOnly).unwrap();
        self.store().copy_into(path).unwrap();
    }

    fn head(&self) -> Head {
        Reader::open(&self.db).unwrap().head().unwrap()
    }

    fn schema(&self) -> u32 {
        Reader::open(&self.db).unwrap().audit().schema().unwrap()
    }

    /// The file as nobody changed it. All connections must be closed.
    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.db).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        // Locks stay, and so does what a reader that closes last cannot tidy up.
        let stays =
            ["journal.db-wal", "journal.db-shm", "journal.db.lock", "journal.db.anchor.lock"];
        names.retain(|name| !stays.contains(&name.as_str()));
        names.sort();
        names
    }

    /// Everything is as an upgrade leaves it, whatever was there before.
    fn is_upgraded(&self, what: &str) {
        let reader = Reader::open(&self.db).unwrap();
        let sharing = Sharing::seen_at(&self.db).unwrap();
        let published = crate::evidence::anchor::Anchor::of(&self.db, sharing).read(Access::Read);
        let anchor = Some(published.check(&reader, None).unwrap());
        let report = verify(&reader, &Options { anchor, ..Options::default() }).unwrap();
        assert!(report.ok && report.anchored, "{what}: {:?}", report.findings);
        let upgrades = upgrades(&reader);
        assert_eq!(upgrades.len(), 1, "{what}");
        drop(reader);
        assert_eq!(self.schema(), NEWEST, "{what}");
        // The copy holds everything before that event, and verifies as what it is.
        let copied = examine_copy(&self.backup()).unwrap();
        assert_eq!((copied.schema, copied.head.size), (1, upgrades[0]), "{what}");
        let copy = Reader::open(&self.backup()).unwrap();
        assert_eq!(check_journal(&copy), Ok(()), "{what}");
        drop(copy);
        let mode = fs::metadata(self.backup()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{what}");
        let expected = ["journal.db", "journal.db.anchor", "journal.db.v1.backup", "keys"];
        assert_eq!(self.names(), expected, "{what}");
    }
}

/// The positions of the events of upgrades.
fn upgrades(reader: &Reader) -> Vec<u64> {
    let mut found = Vec::new();
    reader
        .events_from(EventSeq::new(0), |event| {
            if let Event::SchemaUpgraded(data) = event.decode()?.event {
                assert_eq!((data.from, data.to, data.program.as_str()), (1, NEWEST, "test/2"));
                found.push(u64::try_from(event.seq.get()).unwrap());
            }
            Ok::<(), StoreError>(())
        })
        .unwrap();
    found
}

#[test]
fn the_first_writer_copies_and_upgrades_and_later_ones_do_nothing() {
    let place = Place::new();
    let before = place.head();
    let keeper = place.open().unwrap();
    let upgraded = keeper.upgraded().unwrap().clone();
    assert_eq!((upgraded.from, upgraded.to), (1, NEWEST));
    assert_eq!(upgraded.backup, place.directory.path().join("journal.db.v1.backup"));
    assert_eq!(upgraded.head.size, before.size + 1);
    drop(keeper);
    place.is_upgraded("at once");
    let (bytes, copy) = (place.bytes(), fs::read(place.backup()).unwrap());
    assert_eq!(place.open().unwrap().upgraded(), None);
    assert!(place.bytes() == bytes && fs::read(place.backup()).unwrap() == copy);
    // Who looks at the log can see who did it, and nobody else's name stands in it.
    let reader = Reader::open(&place.db).unwrap();
    let seq = EventSeq::new(i64::try_from(before.size).unwrap());
    assert_eq!(reader.opened_seals(seq).unwrap()["upgraded_by"], BY.account);
}

#[test]
fn an_older_journal_is_looked_at_and_verified_without_a_change() {
    let place = Place::new();
    let bytes = place.bytes();
    let reader = Reader::open(&place.db).unwrap();
    assert_eq!(reader.older().unwrap(), Some(Older { from: 1, to: NEWEST }));
    assert_eq!(check_journal(&reader), Ok(()));
    assert_eq!(reader.overview(None, false).unwrap().len(), 5);
    drop(reader);
    // With threads, each of which opens the file.
    let options = Options { threads: Some(3), ..Options::default() };
    let reader = Reader::open(&place.db).unwrap();
    assert_eq!(verify(&reader, &options).unwrap().findings, []);
    drop(reader);
    assert!(place.bytes() == bytes);
    assert_eq!(place.names(), ["journal.db", "journal.db.anchor", "keys"]);
}

#[test]
fn who_looked_before_an_upgrade_goes_on_looking_at_what_was() {
    let place = Place::new();
    let reader = Reader::open(&place.db).unwrap();
    drop(place.open().unwrap());
    assert_eq!(reader.audit().schema().unwrap(), 1);
    assert_eq!(check_journal(&reader), Ok(()));
    drop(reader);
    place.is_upgraded("beside a reader");
}

/// A crash at each step of an upgrade leaves one of these.
#[test]
fn what_an_interrupted_upgrade_leaves_is_taken_up_or_replaced() {
    type Leave = fn(&Place);
    let steps: [(&str, Leave); 7] = [
        ("an empty part", |place| {
            platform::create_exclusive(&place.beside_backup(".part"), b"", Sharing::OwnerOnly)
                .unwrap();
        }),
        ("half a part, with what SQLite keeps beside it", |place| {
            let part = place.beside_backup(".part");
            place.copy_to(&part);
            let half = fs::metadata(&part).unwrap().len() / 2;
            fs::OpenOptions::new().write(true).open(&part).unwrap().set_len(half).unwrap();
            for end in COMPANIONS {
                let companion = beside(&part, end);
                platform::create_exclusive(&companion, b"frames", Sharing::OwnerOnly).unwrap();
            }
        }),
        ("a part that is not marked yet", |place| {
            fs::copy(&place.db, place.beside_backup(".part")).unwrap();
        }),
        ("a whole part", |place| place.copy_to(&place.beside_backup(".part"))),
        ("a copy of the journal as it is", |place| place.copy_to(&place.backup())),
        ("a copy of the journal as it was", |place| {
            place.copy_to(&place.backup());
            place.store().write_as_older(NOW);
        }),
        ("an upgraded journal whose anchor lies behind", |place| {
            let anchor = fs::read(anchor_path(&place.db)).unwrap();
            drop(place.open().unwrap());
            fs::write(anchor_path(&place.db), anchor).unwrap();
        }),
    ];
    for (what, leave) in steps {
        let place = Place::new();
        leave(&place);
        let copy = fs::metadata(place.backup()).map(|file| file.ino()).ok();
        let mut keeper = place.open().unwrap();
        if keeper.upgraded().is_none() {
            // What moves the anchor is the next write.
            keeper.write("a test", NOW, |tx| tx.replace_key("x", "p", "a")).unwrap();
        }
        drop(keeper);
        place.is_upgraded(what);
        let now = fs::metadata(place.backup()).unwrap().ino();
        let was_taken = copy == Some(now);
        assert_eq!(was_taken, what.ends_with("as it is") || what.ends_with("behind"), "{what}");
    }
}

#[test]
fn somebody_elses_file_in_the_place_of_the_copy_is_left_alone() {
    type Put = fn(&Place, &Path);
    let precious: Put = |_, path| {
        platform::create_exclusive(path, b"precious", Sharing::OwnerOnly).unwrap();
    };
    let foreign: [(&str, Put); 7] = [
        (".backup", precious),
        (".backup", |_, path| symlink("/etc/passwd", path).unwrap()),
        (".backup", |_, path| fs::create_dir(path).unwrap()),
        // Another journal's copy.
        (".backup", |_, path| {
            let other = tempfile::tempdir().unwrap();
            let db = other.path().join("other.db");
            drop(Keeper::init(&db, None, Box::new(SeededEntropy::new(9)), BY, NOW).unwrap());
            platform::create_exclusive(path, b"", Sharing::OwnerOnly).unwrap();
            let store = Store::open(&db, Box::new(SeededEntropy::new(9))).unwrap();
            store.copy_into(path).unwrap();
        }),
        // One that others can change.
        (".backup", |place, path| {
            place.copy_to(path);
            fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
        }),
        (".backup-journal", precious),
        (".backup.part", |_, path| symlink("elsewhere", path).unwrap()),
    ];
    for (number, (suffix, put)) in foreign.into_iter().enumerate() {
        let place = Place::new();
        let bytes = place.bytes();
        let taken = beside(&place.db, &format!(".v1{suffix}"));
        put(&place, &taken);
        let before = fs::symlink_metadata(&taken).unwrap();
        let Err(KeeperError::BackupTaken(path)) = place.open() else {
            panic!("{number}: it was not refused");
        };
        assert_eq!(path, taken, "{number}");
        let after = fs::symlink_metadata(&taken).unwrap();
        assert_eq!((before.ino(), before.len()), (after.ino(), after.len()), "{number}");
        assert!(place.bytes() == bytes, "{number}");
        assert_eq!(place.schema(), 1, "{number}");
    }
}

/// The copy of a log that is longer than the journal's is not one of it.
#[test]
fn a_copy_of_a_later_journal_is_left_alone() {
    let place = Place::new();
    let older = place.bytes();
    place.store().write_as_older(NOW);
    place.copy_to(&place.backup());
    fs::write(&place.db, older).unwrap();
    assert!(matches!(place.open(), Err(KeeperError::BackupTaken(_))));
}

#[test]
fn nothing_is_upgraded_while_a_run_is_on_but_by_that_run() {
    let place = Place::new();
    let bytes = place.bytes();
    let holder = Holder::this_process("sync", NOW);
    let lock = OsLock::try_acquire(&lock_path(&place.db), Sharing::OwnerOnly, &holder);
    let lock = lock.unwrap().unwrap();
    let error = place.open().unwrap_err();
    let KeeperError::RunIsOn { holder: Some(seen), .. } = &error else { panic!("{error}") };
    assert_eq!(seen, &holder);
    assert!(error.to_string().contains("another run is on: sync with process id"), "{error}");
    assert!(place.bytes() == bytes);
    assert_eq!(place.names(), ["journal.db", "journal.db.anchor", "keys"]);
    let entropy = Box::new(SeededEntropy::new(2));
    let keeper = Keeper::open_for_run(&place.db, &lock, entropy, BY, NOW).unwrap();
    assert!(keeper.upgraded().is_some());
    drop((keeper, lock));
    place.is_upgraded("by a run");
}

#[test]
fn of_many_that_come_at_once_one_upgrades() {
    let place = Place::new();
    let opened: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| place.open())).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let mut upgraded = 0;
    for one in opened {
        match one {
            Ok(keeper) => upgraded += usize::from(keeper.upgraded().is_some()),
            Err(KeeperError::RunIsOn { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(upgraded, 1);
    place.is_upgraded("by one of many");
}

#[test]
fn a_journal_that_does_not_extend_its_anchor_is_not_upgraded() {
    let place = Place::new();
    let bytes = place.bytes();
    drop(place.open().unwrap());
    // The anchor knows of the upgrade, and the older file comes back.
    fs::remove_file(place.backup()).unwrap();
    fs::write(&place.db, bytes).unwrap();
    let error = place.open().unwrap_err();
    let KeeperError::NotAnchored { state, .. } = error else { panic!("{error}") };
    assert!(matches!(*state, AnchorState::Behind { .. }));
    assert!(!place.backup().exists());
    assert_eq!(place.schema(), 1);
}

/// Also with an anchor that fits, which only somebody has who made one.
#[test]
fn the_copy_in_the_place_of_the_journal_is_not_written_to() {
    let place = Place::new();
    let anchor = fs::read(anchor_path(&place.db)).unwrap();
    drop(place.open().unwrap());
    fs::rename(place.backup(), &place.db).unwrap();
    fs::write(anchor_path(&place.db), anchor).unwrap();
    assert!(matches!(place.open(), Err(KeeperError::Store(StoreError::Copy(_)))));
}

#[test]
fn an_older_journal_whose_key_is_gone_gets_another_and_is_upgraded() {
    let place = Place::new();
    fs::remove_dir_all(place.directory.path().join("keys")).unwrap();
    let keeper = place.open().unwrap();
    assert_eq!((keeper.warnings().len(), keeper.upgraded().is_some()), (2, true));
    drop(keeper);
    place.is_upgraded("with another key");
}

/// Somebody takes the tables of a newer schema away, and the journal says that it has the older one.
#[test]
fn a_journal_that_was_taken_back_to_an_older_schema_is_found_and_not_upgraded_again() {
    let place = Place::new();
    drop(place.open().unwrap());
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let conn = rusqlite::Connection::open_with_flags(&place.db, flags).unwrap();
    let set = |version: u32| conn.pragma_update(None, "user_version", version).unwrap();
    set(1);
    let error = place.open().unwrap_err().to_string();
    assert!(error.contains("does not belong to a journal"), "{error}");
    let findings = check_journal(&Reader::open(&place.db).unwrap()).unwrap_err();
    let logged =
        findings.iter().find(|one| one.what.contains(&format!("the log says schema {NEWEST}")));
    assert_eq!(logged.unwrap().since, Some(EventSeq::new(30)), "{findings:?}");
    // Of a newer one nothing is known.
    set(NEWEST + 1);
    assert!(matches!(place.open(), Err(KeeperError::Store(StoreError::SchemaTooNew { .. }))));
    set(NEWEST);
    drop(conn);
    place.is_upgraded("when it was put right");
}
