use secrecy::zeroize::Zeroizing;

use super::*;
use crate::domain::entropy::SeededEntropy;
use crate::domain::time::Timestamp;
use crate::evidence::keeper::Operator;
use crate::evidence::key::JournalKey;
use crate::store::Head;
use crate::store::creation::JournalId;

const BY: Operator<'static> = Operator { account: "ann (uid 1000) on laptop", program: "test/0" };
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn keeper() -> (tempfile::TempDir, Keeper) {
    let place = tempfile::tempdir().unwrap();
    let db = place.path().join("acme.db");
    let keeper = Keeper::init(&db, None, Box::new(SeededEntropy::new(1)), BY, NOW).unwrap();
    (place, keeper)
}

fn grow(keeper: &mut Keeper) {
    let key = keeper.verifier().to_string();
    keeper.write("a test", NOW, |tx| tx.replace_key(&format!("{key}x"), "test/0", "ann")).unwrap();
    keeper.write("a test", NOW, |tx| tx.replace_key(&key, "test/0", "ann")).unwrap();
}

fn problem(keeper: &Keeper, kept: &SignedCheckpoint, key: Option<&VerifierKey>) -> Option<String> {
    held_against(keeper.store(), kept.note.to_string().as_bytes(), key).unwrap().problem
}

#[test]
fn a_journal_extends_every_checkpoint_that_it_ever_gave_away() {
    let (_place, mut keeper) = keeper();
    let first = keeper.checkpoint().unwrap();
    grow(&mut keeper);
    let second = keeper.checkpoint().unwrap();
    assert_eq!((first.checkpoint.head.size, second.checkpoint.head.size), (1, 3));
    for kept in [&first, &second] {
        let key = keeper.verifier().clone();
        assert_eq!(problem(&keeper, kept, None), None);
        assert_eq!(problem(&keeper, kept, Some(&key)), None);
    }
}

#[test]
fn the_checkpoint_is_the_present_one_also_when_another_process_died_before_it_published() {
    let (place, mut keeper) = keeper();
    let key = keeper.verifier().to_string();
    let other = place.path().join("acme.db");
    let mut store = store::Store::open(&other, Box::new(SeededEntropy::new(9))).unwrap();
    store.write("dying", NOW, |tx| tx.replace_key(&format!("{key}x"), "test/0", "ann")).unwrap();
    store.write("dying", NOW, |tx| tx.replace_key(&key, "test/0", "ann")).unwrap();
    drop(store);
    let (_, published) = published(&other).unwrap();
    assert_eq!(published.unwrap().checkpoint.head.size, 1);
    let given = keeper.checkpoint().unwrap();
    assert_eq!(given.checkpoint.head, keeper.store().head().unwrap());
    let (_, again) = super::published(&other).unwrap();
    assert_eq!(again, Some(given));
}

#[test]
fn what_the_journal_does_not_extend_is_told_apart() {
    let (_place, mut keeper) = keeper();
    let other = self::keeper().1.checkpoint().unwrap();
    let kept = keeper.checkpoint().unwrap();
    let told = |keeper: &Keeper, note: &str, key: Option<&VerifierKey>| {
        held_against(keeper.store(), note.as_bytes(), key).unwrap().problem.unwrap_or_default()
    };
    let seed = Zeroizing::new([5; 32]);
    let thief = JournalKey::from_seed(keeper.journal(), &seed).unwrap();
    let forged = thief.sign(kept.checkpoint.head).unwrap().to_string();
    assert!(told(&keeper, &forged, None).contains("not signed by any key that this journal's log"));
    assert_eq!(told(&keeper, &forged, Some(thief.verifier())), "");
    let ours = keeper.verifier().clone();
    assert!(told(&keeper, &forged, Some(&ours)).contains("not signed by the key that was given"));
    let wrong_root = Head { size: 1, root: crate::domain::merkle::leaf_hash(b"x") };
    let note = thief.sign(wrong_root).unwrap().to_string();
    assert!(told(&keeper, &note, Some(thief.verifier())).contains("the first 1 events"));
    let longer = Head { size: 7, ..wrong_root };
    let note = thief.sign(longer).unwrap().to_string();
    assert!(
        told(&keeper, &note, Some(thief.verifier())).contains("7 events and the journal holds 1")
    );
    let stranger = JournalKey::from_seed(JournalId::new([9; 16]), &seed).unwrap();
    let note = stranger.sign(kept.checkpoint.head).unwrap().to_string();
    assert!(told(&keeper, &note, Some(stranger.verifier())).contains("it is of zoho-journal/0909"));
    assert!(told(&keeper, "no note", None).contains("not a signed note"));
    // The same seeds: the same journal.
    assert_eq!(told(&keeper, &other.note.to_string(), None), "");
    grow(&mut keeper);
    assert_eq!(problem(&keeper, &kept, None), None);
}
