//! How one signing key hands over to the next: a note that names both and that both have signed.
//!
//! The note stands in the event that names the new key. Whoever trusts the old key can follow it, with any
//! program that reads signed notes, and without trusting the journal in between. A key that was lost could
//! sign nothing: then the event has no such note, and trust has to be given anew.

use crate::evidence::key::JournalKey;
use crate::evidence::note::{NoteError, SignedNote, VerifierKey};

/// The first line. No journal's id can be so called, so it is never taken for a checkpoint.
pub const TITLE: &str = "zoho-journal/key-replaced@1";

/// What both keys sign: title, old key, new key.
fn text(old: &str, new: &str) -> String {
    format!("{TITLE}\n{old}\n{new}\n")
}

/// Signs that one key follows another.
pub(crate) fn sign(old: &JournalKey, new: &JournalKey) -> Result<SignedNote, NoteError> {
    let text = text(&old.verifier().to_string(), &new.verifier().to_string());
    Ok(new.countersign(old.sign_text(text)?))
}

/// Checks that a note hands over from one key to another, and says what is wrong with it otherwise.
pub fn check(note: &str, old: &str, new: &str) -> Result<(), String> {
    let key = |text: &str| text.parse::<VerifierKey>().map_err(|error| error.to_string());
    let (old_key, new_key) = (key(old)?, key(new)?);
    let parsed = SignedNote::parse(note.as_bytes()).map_err(|error| error.to_string())?;
    if parsed.text() != text(old, new) || old_key.name() != new_key.name() {
        return Err("it names other keys".to_owned());
    }
    let signed = |key: &VerifierKey, which: &str| {
        parsed
            .verify(std::slice::from_ref(key))
            .map(drop)
            .map_err(|error| format!("the {which} key's signature: {error}"))
    };
    signed(&old_key, "old")?;
    signed(&new_key, "new")?;
    if parsed.signatures() == 2 && parsed.to_string() == note {
        Ok(())
    } else {
        Err("it is not signed by exactly the two keys".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::zeroize::Zeroizing;

    use super::*;
    use crate::store::creation::JournalId;

    fn key(byte: u8) -> JournalKey {
        JournalKey::from_seed(JournalId::new([7; 16]), &Zeroizing::new([byte; 32])).unwrap()
    }

    #[test]
    fn a_handover_counts_between_its_two_keys_only_and_with_every_byte_as_it_is() {
        let (old, new, other) = (key(1), key(2), key(3));
        let note = sign(&old, &new).unwrap().to_string();
        let name = |key: &JournalKey| key.verifier().to_string();
        assert_eq!(check(&note, &name(&old), &name(&new)), Ok(()));
        for (from, to) in [(&new, &old), (&old, &other), (&other, &new), (&old, &old)] {
            assert!(check(&note, &name(from), &name(to)).is_err());
        }
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8_lossy(&bytes).into_owned();
            assert!(check(&changed, &name(&old), &name(&new)).is_err(), "{changed}");
        }
        let alone = old.sign_text(text(&name(&old), &name(&new))).unwrap().to_string();
        assert!(check(&alone, &name(&old), &name(&new)).is_err());
        let three = other.countersign(sign(&old, &new).unwrap()).to_string();
        assert!(check(&three, &name(&old), &name(&new)).is_err());
    }
}
