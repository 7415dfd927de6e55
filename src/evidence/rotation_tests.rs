use std::fs;

use super::*;
use crate::domain::entropy::SeededEntropy;
use crate::evidence::checkpoint::{held_against, published};
use crate::evidence::verify::check_journal;
use crate::store::Reader;

const BY: Operator<'static> = Operator { account: "ann (uid 1000) on laptop", program: "test/0" };
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

struct Place {
    _directory: tempfile::TempDir,
    db: PathBuf,
}

impl Place {
    fn new() -> (Self, Keeper) {
        let directory = tempfile::tempdir().unwrap();
        let db = directory.path().join("acme.db");
        let keeper = Keeper::init(&db, None, Box::new(SeededEntropy::new(1)), BY, NOW).unwrap();
        (Self { _directory: directory, db }, keeper)
    }

    fn open(&self, seed: u64) -> Keeper {
        Keeper::open(&self.db, Box::new(SeededEntropy::new(seed)), BY, NOW).unwrap()
    }

    fn key_in_file(&self, keeper: &Keeper) -> String {
        let file = key_path(&self.db, keeper.journal());
        let key = JournalKey::read(&file, keeper.journal(), Sharing::OwnerOnly).unwrap().unwrap();
        key.verifier().to_string()
    }
}

#[test]
fn a_rotated_key_signs_and_what_the_old_one_signed_stays_verifiable() {
    let (place, mut keeper) = Place::new();
    let kept = keeper.checkpoint().unwrap();
    let rotated = keeper.rotate("new laptop", BY, NOW).unwrap();
    assert_eq!(rotated.old, kept.signed_by);
    assert_eq!(place.key_in_file(&keeper), rotated.new.to_string());
    assert!(!next_key_path(&place.db, keeper.journal()).exists());
    let given = keeper.checkpoint().unwrap();
    assert_eq!(given.signed_by, rotated.new);
    let note = kept.note.to_string();
    for key in [None, Some(&rotated.old)] {
        assert_eq!(held_against(keeper.store(), note.as_bytes(), key).unwrap().problem, None);
    }
    let again = keeper.rotate("once more", BY, NOW).unwrap();
    assert_eq!(again.old, rotated.new);
    drop(keeper);
    let keeper = place.open(5);
    assert!(keeper.warnings().is_empty(), "{:?}", keeper.warnings());
    assert_eq!(keeper.verifier(), &again.new);
    assert_eq!(check_journal(&Reader::open(&place.db).unwrap()), Ok(()));
    assert_eq!(published(&place.db).unwrap().1.unwrap().signed_by, again.new);
}

#[test]
fn a_rotation_that_dies_before_its_event_changes_nothing_and_its_key_is_taken_up_by_the_next() {
    let (place, keeper) = Place::new();
    let (journal, before) = (keeper.journal(), keeper.verifier().clone());
    let left = JournalKey::from_seed(journal, &Zeroizing::new([8; 32])).unwrap();
    left.create_file(&next_key_path(&place.db, journal), Sharing::OwnerOnly).unwrap();
    drop(keeper);
    let mut keeper = place.open(5);
    assert_eq!(keeper.verifier(), &before);
    let rotated = keeper.rotate("again", BY, NOW).unwrap();
    assert_eq!((&rotated.old, &rotated.new), (&before, left.verifier()));
    assert_eq!(check_journal(&Reader::open(&place.db).unwrap()), Ok(()));
}

#[test]
fn what_is_no_key_in_the_place_of_the_next_one_is_in_nobodys_way() {
    let (place, keeper) = Place::new();
    let journal = keeper.journal();
    let whole = JournalKey::from_seed(journal, &Zeroizing::new([8; 32])).unwrap().to_text();
    drop(keeper);
    for left in ["", &whole[..40]] {
        platform::create_exclusive(
            &next_key_path(&place.db, journal),
            left.as_bytes(),
            Sharing::OwnerOnly,
        )
        .unwrap();
        let mut keeper = place.open(5);
        let before = keeper.verifier().clone();
        let rotated = keeper.rotate("again", BY, NOW).unwrap();
        assert_eq!(rotated.old, before);
        assert_eq!(place.key_in_file(&keeper), rotated.new.to_string());
        assert!(!next_key_path(&place.db, journal).exists());
        assert_eq!(check_journal(&Reader::open(&place.db).unwrap()), Ok(()));
    }
}

#[test]
fn a_rotation_that_dies_after_its_event_is_ended_by_whoever_writes_next() {
    let (place, mut keeper) = Place::new();
    let (journal, file) = (keeper.journal(), key_path(&place.db, keeper.journal()));
    let old = fs::read(&file).unwrap();
    let rotated = keeper.rotate("new laptop", BY, NOW).unwrap();
    drop(keeper);
    // As it stood between the event and the file's new name; the anchor does not matter.
    fs::copy(&file, next_key_path(&place.db, journal)).unwrap();
    fs::write(&file, old).unwrap();
    let size = Reader::open(&place.db).unwrap().head().unwrap().size;
    let keeper = place.open(5);
    assert_eq!(keeper.verifier(), &rotated.new);
    assert_eq!(place.key_in_file(&keeper), rotated.new.to_string());
    assert!(!next_key_path(&place.db, journal).exists());
    assert_eq!(keeper.store().head().unwrap().size, size, "no event: nothing was lost");
    assert!(keeper.warnings().is_empty(), "{:?}", keeper.warnings());
}

#[test]
fn no_key_is_replaced_under_a_run() {
    let (place, mut keeper) = Place::new();
    let holder = Holder::this_process("sync", NOW);
    let held = OsLock::try_acquire(&lock_path(&place.db), Sharing::OwnerOnly, &holder).unwrap();
    let error = keeper.rotate("now", BY, NOW).unwrap_err();
    assert!(matches!(error, KeeperError::RunUsesKey { holder: Some(_), .. }), "{error}");
    assert!(!next_key_path(&place.db, keeper.journal()).exists());
    drop(held);
    keeper.rotate("now", BY, NOW).unwrap();
}
