//! Signed notes and checkpoints: text formats that programs of other people read.
//!
//! A *note* is text with Ed25519 signatures below it (c2sp.org/signed-note, signature type 0x01). A
//! *checkpoint* is the text of a note that names a log, its size and its root (c2sp.org/tlog-checkpoint).
//! Whatever is parsed here may come from an attacker: sizes are bounded, and only the one canonical
//! encoding of anything is accepted, so that nobody can make two files of one signature.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::domain::merkle::Hash;
use crate::store::Head;

/// The signature type of Ed25519 keys (c2sp.org/signed-note, "Signature types").
pub(super) const ED25519: u8 = 0x01;

/// Larger than any note with a checkpoint: a note of three lines and a hundred signatures is 15 kB.
pub const NOTE_LIMIT: usize = 64 * 1024;

/// Signatures of one note that are looked at.
const SIGNATURES_MAX: usize = 100;

/// The text is not what it should be, or not signed by whom it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Not the form of a signed note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// Not the form of a verifier key.
    #[error("not a verifier key: {0}")]
    NotAKey(&'static str),
    /// A note, but not of a checkpoint.
    #[error("not a checkpoint: {0}")]
    NotACheckpoint(&'static str),
    /// No signature of a known key.
    #[error("not signed by a known key")]
    Unknown,
    /// A signature claims to be of a known key and is not.
    #[error("the signature of {0} is not valid: the text was changed, or somebody else signed it")]
    Forged(String),
}

/// A public key with its name, as `name+id+key` (c2sp.org/signed-note, "Verifier keys").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl VerifierKey {
    /// Names a key. The name must be free of blanks and of `+`.
    pub(super) fn new(name: &str, key: VerifyingKey) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::NotAKey("its name is empty, or holds a blank or a plus"));
        }
        let mut hasher = Sha256::new();
        hasher.update(name.as_bytes());
        hasher.update([b'\n', ED25519]);
        hasher.update(key.as_bytes());
        let [a, b, c, d, ..]: [u8; 32] = hasher.finalize().into();
        Ok(Self { name: name.to_owned(), id: [a, b, c, d], key })
    }

    /// The key's name; of a journal's key: the origin of its checkpoints.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the 32 bytes of the key, to be compared by voice or on paper.
    pub fn fingerprint(&self) -> Hash {
        Hash::of(self.key.as_bytes())
    }

    /// The key's id in hexadecimal, as the verifier key shows it.
    pub(super) fn id_in_hex(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, self.id_in_hex(), key_data(self.key.as_bytes()))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, id, key) = key_parts(text)?;
        let key = VerifyingKey::from_bytes(&key)
            .ok()
            .filter(|key| !key.is_weak())
            .ok_or(NoteError::NotAKey("it is no point of the curve that can be a key"))?;
        let key = Self::new(name, key)?;
        if key.id_in_hex() != id {
            return Err(NoteError::NotAKey("its id does not belong to its name and key"));
        }
        Ok(key)
    }
}

/// The base64 of a key with its type, as verifier keys and signing keys hold it.
pub(super) fn key_data(bytes: &[u8; 32]) -> String {
    let mut data = [ED25519; 33];
    let (_, key) = data.split_at_mut(1);
    key.copy_from_slice(bytes);
    STANDARD.encode(data)
}

/// Takes `name+id+key` apart; base64 may hold a plus, names and ids do not.
pub(super) fn key_parts(text: &str) -> Result<(&str, &str, [u8; 32]), NoteError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(data)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::NotAKey("it has not the form name+id+key"));
    };
    let data = STANDARD.decode(data).map_err(|_| NoteError::NotAKey("its base64 is damaged"))?;
    match data.split_first() {
        Some((&ED25519, key)) => key
            .try_into()
            .map(|key| (name, id, key))
            .map_err(|_| NoteError::NotAKey("it is not 32 bytes long")),
        _ => Err(NoteError::NotAKey("it is not an Ed25519 key")),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// One line below a note's text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SignatureLine {
    name: String,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl SignatureLine {
    fn parse(line: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed("a signature line is damaged");
        let parts = line.strip_prefix("— ").and_then(|rest| rest.split_once(' '));
        let (name, data) =
            parts.filter(|(name, _)| is_name(name)).ok_or_else(|| malformed.clone())?;
        let data = STANDARD.decode(data).map_err(|_| malformed.clone())?;
        match data.split_first_chunk::<4>() {
            Some((id, signature)) if !signature.is_empty() => {
                Ok(Self { name: name.to_owned(), id: *id, signature: signature.to_vec() })
            }
            _ => Err(malformed),
        }
    }
}

/// Text with signatures. Having one says nothing yet: see [`SignedNote::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<SignatureLine>,
}

impl SignedNote {
    /// Puts a signature below a text, which must end with a line break.
    pub(super) fn new(
        text: String,
        by: &VerifierKey,
        signature: &Signature,
    ) -> Result<Self, NoteError> {
        check_text(&text)?;
        let line = SignatureLine {
            name: by.name.clone(),
            id: by.id,
            signature: signature.to_bytes().to_vec(),
        };
        Ok(Self { text, signatures: vec![line] })
    }

    /// The same note with one more signature.
    #[must_use]
    pub(super) fn and_signed(mut self, by: &VerifierKey, signature: &Signature) -> Self {
        let line = SignatureLine {
            name: by.name.clone(),
            id: by.id,
            signature: signature.to_bytes().to_vec(),
        };
        self.signatures.push(line);
        self
    }

    /// How many signatures it bears, of whomever.
    pub fn signatures(&self) -> usize {
        self.signatures.len()
    }

    /// Reads a note, of at most [`NOTE_LIMIT`] bytes. Signatures are only looked at, not checked.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_LIMIT {
            return Err(NoteError::Malformed("it is too long"));
        }
        let note =
            std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed("it is not UTF-8"))?;
        // The text may hold blank lines itself: the last one ends it.
        let (text, below) = note
            .rfind("\n\n")
            .and_then(|at| note.split_at_checked(at + 1))
            .ok_or(NoteError::Malformed("there is no blank line above the signatures"))?;
        check_text(text)?;
        let lines = below
            .strip_prefix('\n')
            .and_then(|lines| lines.strip_suffix('\n'))
            .ok_or(NoteError::Malformed("it does not end with a line of a signature"))?;
        if lines.split('\n').count() > SIGNATURES_MAX {
            return Err(NoteError::Malformed("it has too many signatures"));
        }
        let signatures = lines.split('\n').map(SignatureLine::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text that is signed, with its last line break. Not to be believed before it is verified.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which of these keys signed the text. Signatures of other keys are passed over, as the format
    /// wants it (a witness adds its own); a wrong one in the name of a known key spoils the note.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<&'k VerifierKey, NoteError> {
        let mut found = None;
        for line in &self.signatures {
            let of_line = |key: &&VerifierKey| key.name == line.name && key.id == line.id;
            let mut named = keys.iter().filter(of_line).peekable();
            if named.peek().is_none() {
                continue;
            }
            let signature = Signature::from_slice(&line.signature)
                .map_err(|_| NoteError::Forged(line.name.clone()))?;
            // Two keys can share an id of 32 bits, if somebody wants it: either may have signed.
            // `verify_strict` leaves no second valid signature of the same text by the same key.
            let signed =
                named.find(|key| key.key.verify_strict(self.text.as_bytes(), &signature).is_ok());
            found = found.or(Some(signed.ok_or_else(|| NoteError::Forged(line.name.clone()))?));
        }
        found.ok_or(NoteError::Unknown)
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for SignatureLine { name, id, signature } in &self.signatures {
            writeln!(f, "— {name} {}", STANDARD.encode([id.as_slice(), signature].concat()))?;
        }
        Ok(())
    }
}

/// What the format demands of any text that is signed.
fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("its text does not end with a line break"));
    }
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(NoteError::Malformed("its text holds a control character"));
    }
    Ok(())
}

/// Size and root of the log of one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of its key.
    pub origin: String,
    /// Its size and root.
    pub head: Head,
}

impl Checkpoint {
    /// Reads the text of a note. Lines after the third are extensions of other programs and, as the
    /// format wants it, are passed over.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let not = NoteError::NotACheckpoint;
        let lines = text.strip_suffix('\n').ok_or(not("its last line is cut off"))?;
        let mut lines = lines.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(not("it has fewer than three lines"));
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(not("it has an empty line"));
        }
        let number: u64 = size.parse().map_err(|_| not("its size is no number"))?;
        // One way only to write a number: no sign, no zeros in front.
        if number.to_string() != size {
            return Err(not("its size is not written as a plain number"));
        }
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        let root = Hash::new(root.ok_or(not("its root is not the base64 of 32 bytes"))?);
        Ok(Self { origin: origin.to_owned(), head: Head { size: number, root } })
    }
}

impl fmt::Display for Checkpoint {
    /// The text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Head { size, root } = self.head;
        writeln!(f, "{}\n{size}\n{}", self.origin, STANDARD.encode(root.bytes()))
    }
}

#[cfg(test)]
#[path = "note_tests.rs"]
mod tests;
