//! The key that signs a journal's checkpoints. It lies beside the data, never in the journal.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use secrecy::zeroize::Zeroizing;

use crate::evidence::note::{Checkpoint, ED25519, NoteError, SignedNote, VerifierKey};
use crate::platform::{self, FileProblem, Sharing};
use crate::store::Head;
use crate::store::creation::JournalId;

/// What a file with a signing key begins with, as Go's golang.org/x/mod/sumdb/note writes it.
const PREFIX: &str = "PRIVATE+KEY+";

/// Far longer than a key file.
const FILE_LIMIT: u64 = 1024;

/// Where the keys of the journals of one directory lie.
pub fn keys_dir(db: &Path) -> PathBuf {
    db.with_file_name("keys")
}

/// Where the key of this journal lies.
pub fn key_path(db: &Path, journal: JournalId) -> PathBuf {
    keys_dir(db).join(journal.to_string())
}

/// The signing key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file's rights are not safe, or it cannot be read or made.
    #[error("signing key: {0}")]
    File(#[from] FileProblem),
    /// The file holds no key of this journal: moved away, it counts as lost and is replaced.
    #[error("the signing key {} cannot be used: {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong. Never any of its contents.
        why: NoteError,
    },
}

/// A signing key and its public half. Forgotten from memory when dropped, and never shown.
pub struct JournalKey {
    signer: SigningKey,
    verifier: VerifierKey,
}

impl fmt::Debug for JournalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalKey").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl JournalKey {
    /// The key that follows from 32 random bytes.
    pub fn from_seed(journal: JournalId, seed: &Zeroizing<[u8; 32]>) -> Result<Self, NoteError> {
        Self::named(&journal.origin(), seed)
    }

    fn named(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let signer = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, signer.verifying_key())?;
        Ok(Self { signer, verifier })
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs size and root. To be published only when the commit that led to them has returned: what
    /// was signed and then lost in a power cut would contradict what is signed next.
    pub fn sign(&self, head: Head) -> Result<SignedNote, NoteError> {
        let checkpoint = Checkpoint { origin: self.verifier.name().to_owned(), head };
        self.sign_text(checkpoint.to_string())
    }

    pub(super) fn sign_text(&self, text: String) -> Result<SignedNote, NoteError> {
        let signature = self.signer.sign(text.as_bytes());
        SignedNote::new(text, &self.verifier, &signature)
    }

    /// Adds this key's signature to a note.
    pub(super) fn countersign(&self, note: SignedNote) -> SignedNote {
        let signature = self.signer.sign(note.text().as_bytes());
        note.and_signed(&self.verifier, &signature)
    }

    /// Writes the key into a file that must not exist yet, whole or not at all: half a key would keep everybody
    /// from writing. Fails with [`io::ErrorKind::AlreadyExists`] when it does.
    pub fn create_file(&self, path: &Path, sharing: Sharing) -> io::Result<()> {
        platform::create_whole(path, self.to_text().as_bytes(), sharing)
    }

    /// Reads the key of a journal; `None` when the file is missing.
    pub fn read(
        path: &Path,
        journal: JournalId,
        sharing: Sharing,
    ) -> Result<Option<Self>, KeyError> {
        let bytes = match platform::read_secret(path, sharing, FILE_LIMIT) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(problem) if problem.is_missing() => return Ok(None),
            Err(problem) => return Err(problem.into()),
        };
        let damaged = |why| KeyError::Damaged { path: path.to_owned(), why };
        let key = std::str::from_utf8(&bytes)
            .map_err(|_| NoteError::NotAKey("it is not text"))
            .and_then(Self::parse)
            .map_err(damaged)?;
        if key.verifier.name() != journal.origin() {
            return Err(damaged(NoteError::NotAKey("it is of another journal")));
        }
        Ok(Some(key))
    }

    /// `PRIVATE+KEY+name+id+base64(type ‖ seed)` and a line break.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        let mut data = Zeroizing::new([ED25519; 33]);
        let (_, seed) = data.split_at_mut(1);
        seed.copy_from_slice(self.signer.as_bytes());
        let (name, id) = (self.verifier.name(), self.verifier.id_in_hex());
        // Its length is known beforehand, so that no half of it stays behind in memory.
        let mut text = Zeroizing::new(String::with_capacity(name.len() + 128));
        for part in [PREFIX, name, "+", &id, "+"] {
            text.push_str(part);
        }
        STANDARD.encode_string(data.as_slice(), &mut text);
        text.push('\n');
        text
    }

    fn parse(text: &str) -> Result<Self, NoteError> {
        let not = NoteError::NotAKey;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let rest = text.strip_prefix(PREFIX).ok_or(not("it does not begin as one"))?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(not("it has not the form PRIVATE+KEY+name+id+key"));
        };
        let mut data = Zeroizing::new([0; 33]);
        let length = STANDARD.decode_slice(encoded, data.as_mut_slice());
        let seed = match (length, data.split_first()) {
            (Ok(33), Some((&ED25519, seed))) => seed.first_chunk(),
            _ => None,
        };
        let key = Self::named(name, seed.ok_or(not("it is not an Ed25519 key, or damaged"))?)?;
        // The id is the only check that a damaged seed meets.
        if key.verifier.id_in_hex() != id {
            return Err(not("its id does not belong to its name and key"));
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const JOURNAL: JournalId = JournalId::new([7; 16]);

    /// The example of the documentation of Go's golang.org/x/mod/sumdb/note.
    const GO_SECRET: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const GO_PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    fn key(byte: u8) -> JournalKey {
        JournalKey::from_seed(JOURNAL, &Zeroizing::new([byte; 32])).unwrap()
    }

    #[test]
    fn a_key_file_has_the_form_that_go_reads() {
        let key = JournalKey::parse(GO_SECRET).unwrap();
        assert_eq!(key.verifier().to_string(), GO_PUBLIC);
        assert_eq!(key.to_text().as_str(), format!("{GO_SECRET}\n"));
    }

    #[test]
    fn a_damaged_key_is_not_used() {
        for at in 0..GO_SECRET.len() {
            let mut bytes = GO_SECRET.as_bytes().to_vec();
            bytes[at] ^= 1;
            let text = String::from_utf8(bytes).unwrap();
            assert!(JournalKey::parse(&text).is_err(), "{text}");
            assert!(JournalKey::parse(&GO_SECRET[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn no_form_of_a_key_but_its_file_shows_the_secret() {
        let key = JournalKey::parse(GO_SECRET).unwrap();
        let shown = format!("{key:?} {key:#?}");
        let secret = STANDARD.encode(key.signer.as_bytes());
        let numbers = format!("{:?}", key.signer.as_bytes());
        let hex = crate::domain::merkle::Hash::new(*key.signer.as_bytes()).to_string();
        for form in [&GO_SECRET[33..], &secret, numbers.trim_matches(['[', ']']), &hex] {
            assert!(!shown.contains(form), "{shown}");
        }
    }

    #[test]
    fn a_key_is_read_back_from_its_file_and_not_when_others_can_read_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("key");
        let read = || JournalKey::read(&path, JOURNAL, Sharing::OwnerOnly);
        assert!(read().unwrap().is_none());
        key(1).create_file(&path, Sharing::OwnerOnly).unwrap();
        let again = key(2).create_file(&path, Sharing::OwnerOnly).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read().unwrap().unwrap().verifier(), key(1).verifier());

        let other = JournalKey::read(&path, JournalId::new([8; 16]), Sharing::OwnerOnly);
        assert!(matches!(other, Err(KeyError::Damaged { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read(), Err(KeyError::File(FileProblem::Readable { .. }))));
    }

    #[test]
    fn a_signed_head_is_verified_by_the_public_half() {
        let head = Head { size: 3, root: crate::domain::merkle::leaf_hash(b"x") };
        let note = key(1).sign(head).unwrap();
        let note = SignedNote::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(note.verify(&[key(1).verifier().clone()]), Ok(key(1).verifier()));
        assert_eq!(note.verify(&[key(2).verifier().clone()]), Err(NoteError::Unknown));
        let origin = "zoho-journal/07070707070707070707070707070707".to_owned();
        assert_eq!(Checkpoint::parse(note.text()), Ok(Checkpoint { origin, head }));
    }
}
