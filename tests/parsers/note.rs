//! Signed notes, checkpoints, verifier keys.

use secrecy::zeroize::Zeroizing;
use zoho_journal::domain::merkle::Hash;
use zoho_journal::evidence::key::JournalKey;
use zoho_journal::evidence::note::{Checkpoint, SignedNote, VerifierKey};
use zoho_journal::store::Head;
use zoho_journal::store::creation::JournalId;

pub fn note(data: &[u8]) {
    let key = JournalKey::from_seed(JournalId::new([7; 16]), &Zeroizing::new([9; 32])).unwrap();
    let keys = [key.verifier().clone()];
    parsed(data, &keys);
    signed(data, &key, &keys);
}

fn parsed(data: &[u8], keys: &[VerifierKey]) {
    if let Ok(note) = SignedNote::parse(data) {
        assert_eq!(note.to_string().as_bytes(), data, "printing gives the same bytes");
        if note.verify(keys).is_ok() {
            // Nobody but our key signs in its name: only the corpus holds such notes.
            let checkpoint = Checkpoint::parse(note.text()).expect("all that it ever signed");
            assert_eq!(checkpoint.origin, keys[0].name());
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text, "printing gives the same bytes");
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        let shown = checkpoint.to_string();
        // Lines of other programs are passed over.
        assert!(text.starts_with(&shown), "{shown:?}");
        assert_eq!(Checkpoint::parse(&shown).as_ref(), Ok(&checkpoint));
    }
}

/// What the bytes make us sign verifies; with any one bit changed it does not.
fn signed(data: &[u8], key: &JournalKey, keys: &[VerifierKey]) {
    let Some((size, rest)) = data.split_first_chunk::<8>() else { return };
    let Some((root, rest)) = rest.split_first_chunk::<32>() else { return };
    let Some((at, _)) = rest.split_first_chunk::<2>() else { return };
    let head = Head { size: u64::from_be_bytes(*size), root: Hash::new(*root) };
    let note = key.sign(head).unwrap();
    let mut bytes = note.to_string().into_bytes();
    assert_eq!(SignedNote::parse(&bytes).as_ref(), Ok(&note));
    assert_eq!(note.verify(keys), Ok(&keys[0]));
    assert_eq!(Checkpoint::parse(note.text()).unwrap().head, head);
    let bit = usize::from(u16::from_be_bytes(*at)) % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    if let Ok(changed) = SignedNote::parse(&bytes) {
        assert!(changed.verify(keys).is_err(), "bit {bit} was changed, and it verifies");
    }
}
