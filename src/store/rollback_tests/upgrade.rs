//! Upgrades that fail leave the older journal as it was.

use std::path::{Path, PathBuf};

use super::disk_full::room;
use super::{Dump, assert_whole};
use crate::domain::entropy::SeededEntropy;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::testing::schema_1;
use crate::store::upgrade::{Copied, examine_copy};
use crate::store::{Head, Result, Store, schema};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

struct Old {
    place: tempfile::TempDir,
    path: PathBuf,
    store: Store,
}

impl Old {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = schema_1(place.path());
        let store = Store::open(&path, Box::new(SeededEntropy::new(1))).unwrap();
        Self { place, path, store }
    }

    fn copy(&self, name: &str) -> Result<PathBuf> {
        let copy = self.place.path().join(name);
        std::fs::write(&copy, "").unwrap();
        self.store.copy_into(&copy)?;
        Ok(copy)
    }

    fn copied(&self) -> Copied {
        examine_copy(&self.copy("copy").unwrap()).unwrap()
    }

    fn upgrade(&mut self, copied: &Copied) -> Result<Option<Head>> {
        self.store.upgrade(copied, "test/1", "ann", NOW)
    }
}

#[test]
fn an_upgrade_that_the_disk_cannot_hold_leaves_the_older_journal_and_works_once_there_is_room() {
    let mut old = Old::new();
    let copied = old.copied();
    let (before, head) = (Dump::of(&old.path), old.store.head().unwrap());
    let mut refused = 0;
    let upgraded = loop {
        room(&old.store.conn, refused);
        match old.upgrade(&copied) {
            Ok(upgraded) => break upgraded,
            Err(error) => {
                assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
                assert!(old.store.conn.is_autocommit());
                assert_eq!(before.changed(&old.path), [""; 0], "with room for {refused} pages");
                assert_eq!(schema::version(&old.store.conn).unwrap(), 1);
                assert_whole(&old.path, "between");
            }
        }
        refused += 1;
    };
    assert!(refused > 2, "there was room at once: {refused}");
    assert_eq!(upgraded.unwrap().size, head.size + 1);
    assert_whole(&old.path, "after the upgrade");
}

#[test]
fn a_copy_is_whole_marked_and_never_written_to() {
    let old = Old::new();
    let copied = old.copied();
    assert_eq!((copied.schema, copied.head), (1, old.store.head().unwrap()));
    let copy = old.place.path().join("copy");
    assert_whole(&copy, "the copy");
    let refused = Store::open(&copy, Box::new(SeededEntropy::new(1)));
    assert!(matches!(refused, Err(StoreError::Copy(_))));
    // A journal is none.
    assert!(matches!(examine_copy(&old.path), Err(StoreError::BadCopy { .. })));
    // What has contents already is not written over.
    assert!(old.store.copy_into(&copy).is_err());
    assert_whole(&copy, "the copy");
}

/// Wherever a byte of it was lost.
#[test]
fn a_copy_that_is_not_whole_is_found() {
    let old = Old::new();
    let whole = std::fs::read(old.copy("copy").unwrap()).unwrap();
    let bad = old.place.path().join("bad");
    let examine = |bytes: &[u8]| {
        std::fs::write(&bad, bytes).unwrap();
        examine_copy(&bad)
    };
    examine(&whole).unwrap();
    for length in [0, 1, 100, 4096, whole.len() / 2, whole.len() - 4096] {
        assert!(examine(&whole[..length]).is_err(), "{length} bytes");
    }
    let at = whole.windows(15).position(|text| text == b"\"run\":1,\"comman").unwrap();
    let mut edited = whole;
    edited[at + 6] = b'7';
    let error = examine(&edited).unwrap_err().to_string();
    assert!(error.contains("does not give its leaf"), "{error}");
}

#[test]
fn a_journal_that_moved_on_since_the_copy_is_not_upgraded() {
    let mut old = Old::new();
    let copied = old.copied();
    old.store.write_as_older(NOW);
    let before = Dump::of(&old.path);
    assert_eq!(old.upgrade(&copied).unwrap(), None);
    assert_eq!(before.changed(&old.path), [""; 0]);
    let copied = examine_copy(&old.copy("again").unwrap()).unwrap();
    assert!(old.upgrade(&copied).unwrap().is_some());
    // Nor is one that somebody else has upgraded.
    let head = old.store.head().unwrap();
    assert_eq!(old.upgrade(&copied).unwrap(), None);
    assert_eq!(old.store.head().unwrap(), head);
    assert_whole(&old.path, "after the upgrade");
}

#[test]
fn nothing_is_written_to_an_older_journal_nor_to_one_that_became_newer_meanwhile() {
    let mut old = Old::new();
    let write = |store: &mut Store| store.write("a test", NOW, |tx| tx.replace_key("x", "p", "a"));
    assert!(matches!(write(&mut old.store), Err(StoreError::SchemaTooOld { found: 1, .. })));
    let copied = old.copied();
    old.upgrade(&copied).unwrap();
    write(&mut old.store).unwrap();
    set_version(&old.path, 99);
    assert!(matches!(write(&mut old.store), Err(StoreError::SchemaTooNew { found: 99, .. })));
}

#[test]
fn a_schema_that_no_program_made_is_not_upgraded() {
    for statement in ["DROP INDEX entry_by_target", "CREATE TABLE more (x)", "DELETE FROM word"] {
        let old = Old::new();
        old.store.check_upgradable().unwrap();
        old.store.conn.execute_batch(statement).unwrap();
        let refused = old.store.check_upgradable();
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{statement}: {refused:?}");
    }
}

/// Behind the program's back.
fn set_version(path: &Path, version: u32) {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let conn = rusqlite::Connection::open_with_flags(path, flags).unwrap();
    conn.pragma_update(None, "user_version", version).unwrap();
}
