//! Certificates: what the log holds about one entry, with all that somebody needs who has no journal and
//! does not trust whoever hands it over.
//!
//! A certificate is one JSON file. Each event in it comes with its exact bytes and its path to the root of a
//! signed checkpoint; the entry's item in an event with salt, opened form and its path to the event's
//! `items_root`; a sealed field with salt and value. What can be computed is not in the file, so that nothing
//! in it is believed without being checked, and the file has one form only: every byte counts.
//! `docs/auditor.md` says how to check one without this program.

mod approval;
pub mod check;
mod decision;
pub mod issue;
pub mod story;

use serde::{Deserialize, Serialize};

use crate::domain::merkle::Hash;

/// The first line of a certificate says this.
pub const FORMAT: &str = "zoho-journal/certificate@1";

/// The largest certificate that is read. One with a hundred events has about 200 kB.
pub const CERTIFICATE_LIMIT: usize = 16 * 1024 * 1024;

/// What the log holds about one entry. Having one says nothing yet: see [`check::check`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// [`FORMAT`].
    pub format: String,
    /// The entry, as `E7`.
    pub entry: String,
    /// The public key that signed the checkpoint, as `name+id+key`.
    pub key: String,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
    /// The events that name the journal's keys, from the first one of the log to the one that names `key`.
    pub keys: Vec<ProvenEvent>,
    /// The events that tell of the entry, in order; the first one recorded it.
    pub events: Vec<EntryEvent>,
}

/// An event and the way from it to the checkpoint's root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenEvent {
    /// Its position in the log, from 0.
    pub index: u64,
    /// Its exact bytes.
    pub body: String,
    /// The hashes beside the path, from the leaf's sibling upwards.
    pub path: Vec<Hash>,
}

/// An event that tells of the entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryEvent {
    /// Its position in the log, from 0.
    pub index: u64,
    /// Its exact bytes.
    pub body: String,
    /// The hashes beside the path, from the leaf's sibling upwards.
    pub path: Vec<Hash>,
    /// Sealed fields that are opened, by name.
    pub seals: Vec<Seal>,
    /// What the event says of the entry; `null` for an event without items.
    pub item: Option<Item>,
}

/// A sealed field that is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The field of the event.
    pub field: String,
    /// The salt.
    pub salt: Hash,
    /// The value.
    pub value: String,
}

/// The entry's leaf in an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The salt.
    pub salt: Hash,
    /// The opened form.
    pub opened: String,
    /// The hashes beside the path to the event's `items_root`.
    pub path: Vec<Hash>,
    /// The item's own bytes of the answer, or what of a reading decides; `null` where there is nothing, and
    /// in a receipt.
    pub bytes: Option<String>,
}

impl Certificate {
    /// The one form of the file.
    pub fn to_json(&self) -> String {
        // Texts, numbers and lists always serialise; an empty text would be refused as a certificate.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a file, of which nothing is checked yet: see [`Self::is_written_as`].
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > CERTIFICATE_LIMIT {
            return Err(format!("it is longer than {CERTIFICATE_LIMIT} bytes"));
        }
        let certificate: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if certificate.format == FORMAT {
            Ok(certificate)
        } else {
            Err("it is of a format that this program does not know".to_owned())
        }
    }

    /// Reads a file, which must be exactly what [`Certificate::to_json`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let certificate = Self::read(bytes)?;
        certificate.is_written_as(bytes).map(|()| certificate)
    }

    /// Whether a file is exactly what [`Certificate::to_json`] writes.
    pub fn is_written_as(&self, bytes: &[u8]) -> Result<(), String> {
        if self.to_json().as_bytes() == bytes {
            Ok(())
        } else {
            Err("it is not written as certificates are: it was edited".to_owned())
        }
    }

    /// The proof of one event as other programs read it (c2sp.org/tlog-proof); `extra` holds its bytes.
    pub fn tlog_proof(&self, event: &ProvenEvent) -> String {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        let mut text = format!(
            "c2sp.org/tlog-proof@v1\nextra {}\nindex {}\n",
            STANDARD.encode(&event.body),
            event.index
        );
        for hash in &event.path {
            text.push_str(&STANDARD.encode(hash.bytes()));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }
}

impl EntryEvent {
    /// The event apart from what is opened of it.
    pub fn proven(&self) -> ProvenEvent {
        ProvenEvent { index: self.index, body: self.body.clone(), path: self.path.clone() }
    }
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
