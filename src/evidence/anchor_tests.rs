use std::fs;

use secrecy::zeroize::Zeroizing;

use super::*;
use crate::domain::merkle::leaf_hash;
use crate::domain::time::Timestamp;

const JOURNAL: JournalId = JournalId::new([7; 16]);

fn key(byte: u8) -> JournalKey {
    JournalKey::from_seed(JOURNAL, &Zeroizing::new([byte; 32])).unwrap()
}

fn head(size: u64) -> Head {
    Head { size, root: leaf_hash(&size.to_be_bytes()) }
}

fn holder() -> Holder {
    Holder::this_process("anchor", Timestamp::from_millis(0))
}

/// An anchor at five events.
fn anchored() -> (tempfile::TempDir, Anchor) {
    let place = tempfile::tempdir().unwrap();
    let anchor = Anchor::of(&place.path().join("acme.db"), Sharing::OwnerOnly);
    put(&anchor, &key(1), head(5));
    (place, anchor)
}

fn put(anchor: &Anchor, key: &JournalKey, head: Head) {
    let note = key.sign(head).unwrap().to_string();
    platform::write_atomically(&anchor.path, note.as_bytes(), Sharing::OwnerOnly).unwrap();
}

fn advance(anchor: &Anchor, head: Head) -> Result<bool, AnchorError> {
    anchor.advance(&key(1), &[key(1).verifier().clone()], head, &holder())
}

fn published(anchor: &Anchor) -> Head {
    let Published::Note(_, checkpoint) = anchor.read(Access::Write) else {
        panic!("no checkpoint");
    };
    checkpoint.head
}

#[test]
fn an_anchor_only_moves_forward() {
    let (_place, anchor) = anchored();
    assert!(advance(&anchor, head(9)).unwrap());
    for size in [0, 1, 5, 8, 9] {
        assert!(!advance(&anchor, head(size)).unwrap(), "{size}");
        assert_eq!(published(&anchor), head(9));
    }
    assert!(advance(&anchor, head(10)).unwrap());
    assert_eq!(published(&anchor), head(10));
}

#[test]
fn two_histories_of_one_length_are_not_both_published() {
    let (_place, anchor) = anchored();
    let other = Head { size: 5, root: leaf_hash(b"other") };
    let error = advance(&anchor, other).unwrap_err().to_string();
    assert!(error.ends_with("tells another history of the same length"), "{error}");
    assert_eq!(published(&anchor), head(5));
}

#[test]
fn what_is_not_ours_is_not_replaced() {
    let (_place, anchor) = anchored();
    put(&anchor, &key(2), head(5));
    assert!(matches!(advance(&anchor, head(9)), Err(AnchorError::Spoiled { .. })));
    assert_eq!(published(&anchor), head(5));
    // After a key was replaced, the one before it is trusted for one last time.
    let both = [key(1).verifier().clone(), key(2).verifier().clone()];
    assert!(anchor.advance(&key(1), &both, head(6), &holder()).unwrap());
    assert!(advance(&anchor, head(9)).unwrap());

    fs::write(&anchor.path, "nonsense").unwrap();
    assert!(matches!(advance(&anchor, head(10)), Err(AnchorError::Spoiled { .. })));
    fs::remove_file(&anchor.path).unwrap();
    assert!(matches!(advance(&anchor, head(10)), Err(AnchorError::Spoiled { .. })));
    assert!(!anchor.path.exists());
}

#[test]
fn an_endless_anchor_is_not_read_to_its_end() {
    let (_place, anchor) = anchored();
    fs::File::options().write(true).open(&anchor.path).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(anchor.read(Access::Write), Published::Unreadable(_)));
}

#[test]
fn states_are_told_in_words() {
    let told: Vec<String> = [
        AnchorState::Missing,
        AnchorState::Behind { anchor: head(5), journal: head(3) },
        AnchorState::Forked { anchor: head(5) },
        AnchorState::BadSignature("not signed by a known key".to_owned()),
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    has no anchor, so it may be an older copy
    holds 3 events and its anchor 5: it is an older copy, or its end was cut off
    differs from its anchor within the first 5 events: it was changed
    has an anchor that is not its own: not signed by a known key
    ");
}
