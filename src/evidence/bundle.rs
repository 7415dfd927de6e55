//! Bundles: a ZIP archive with everything that an auditor takes along, and its check.
//!
//! `manifest.json` names every other file with its SHA-256. `log.jsonl` holds the exact bytes of each event, one
//! a line, so that the whole tree can be computed anew; `checkpoint` is the signed note over it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Seek};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::event::{Event, LoggedEvent};
use crate::domain::merkle::{Hash, Tree, leaf_hash};
use crate::evidence::certificate::CERTIFICATE_LIMIT;
use crate::evidence::certificate::check::{Checked, check};
use crate::evidence::checkpoint::SignedCheckpoint;
use crate::evidence::handover;
use crate::evidence::note::{NOTE_LIMIT, SignedNote, VerifierKey};

/// The name of the list of all other files.
pub const MANIFEST: &str = "manifest.json";
/// The events, one a line.
pub const LOG: &str = "log.jsonl";
/// The signed note.
pub const CHECKPOINT: &str = "checkpoint";
/// The public key.
pub const KEY: &str = "key.vkey";
/// What the manifest says that it is.
pub const FORMAT: &str = "zoho-journal/bundle@1";

/// Files of one bundle at most: a thousand certificates with their proofs.
const FILES_MAX: usize = 100_000;
/// The largest list of files.
const MANIFEST_LIMIT: usize = 32 * 1024 * 1024;
/// The largest event; one that concerns 100,000 scattered entries has less than a megabyte.
const EVENT_LIMIT: u64 = 16 * 1024 * 1024;

/// The list of a bundle's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleManifest {
    /// [`FORMAT`].
    pub format: String,
    /// When it was made, by the operator's clock.
    pub made_at: String,
    /// How many events the log holds.
    pub events: u64,
    /// Every other file, by name.
    pub files: BTreeMap<String, BundledFile>,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledFile {
    /// Its length.
    pub bytes: u64,
    /// Its hash.
    pub sha256: Hash,
}

impl BundleManifest {
    /// The one form of the file.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// A bundle that holds.
#[derive(Debug)]
pub struct CheckedBundle {
    /// The log as it was signed.
    pub checkpoint: SignedCheckpoint,
    /// Whether the key that signed is the one that was given, or followed from it.
    pub authenticated: bool,
    /// The certificates in it.
    pub certificates: Vec<(String, Checked)>,
    /// How many files it has beside the manifest.
    pub files: usize,
}

type Refused = String;

fn damaged(error: impl std::fmt::Display) -> Refused {
    format!("it cannot be read as a ZIP archive: {error}")
}

/// Checks a bundle: every file is the one that its manifest names, the log's events make the root that was
/// signed, and the certificates hold under the same checkpoint.
pub fn check_bundle<R: Read + Seek>(
    source: R,
    given: Option<&VerifierKey>,
) -> Result<CheckedBundle, Refused> {
    let mut archive = zip::ZipArchive::new(source).map_err(damaged)?;
    if archive.len() > FILES_MAX || archive.offset() != 0 || !archive.comment().is_empty() {
        return Err("something stands around its files, or there are too many".to_owned());
    }
    let manifest = small(&mut archive, MANIFEST, MANIFEST_LIMIT)?;
    let parsed: BundleManifest =
        serde_json::from_slice(&manifest).map_err(|error| format!("{MANIFEST}: {error}"))?;
    if parsed.format != FORMAT || parsed.to_json().as_bytes() != manifest {
        return Err(format!("{MANIFEST} is not written as manifests are"));
    }
    every_file(&mut archive, &parsed)?;
    let note = small(&mut archive, CHECKPOINT, NOTE_LIMIT)?;
    let key = small(&mut archive, KEY, NOTE_LIMIT)?;
    let key = String::from_utf8(key).map_err(|_| format!("{KEY} is not text"))?;
    let key: VerifierKey = key
        .strip_suffix('\n')
        .unwrap_or(&key)
        .parse()
        .map_err(|error| format!("{KEY}: {error}"))?;
    let note = SignedNote::parse(&note).map_err(|error| format!("{CHECKPOINT}: {error}"))?;
    let checkpoint = SignedCheckpoint::of(note, std::slice::from_ref(&key))
        .map_err(|error| format!("{CHECKPOINT}: {error}"))?;
    let follows = the_log(&mut archive, &parsed, &checkpoint, given)?;
    let authenticated = match given {
        None => false,
        Some(_) if follows => true,
        Some(given) => {
            return Err(format!(
                "it is signed by {key}, and neither is that the key that was given nor did {given} hand over \
                 to it"
            ));
        }
    };
    let mut certificates = Vec::new();
    let names = parsed.files.keys().filter(|name| is_certificate(name));
    for name in names {
        let bytes = small(&mut archive, name, CERTIFICATE_LIMIT)?;
        let checked = check(&bytes, Some(&key)).map_err(|why| format!("{name}: {why}"))?;
        if checked.checkpoint != checkpoint.checkpoint {
            return Err(format!("{name} is under another checkpoint than the bundle"));
        }
        certificates.push((name.clone(), checked));
    }
    Ok(CheckedBundle { checkpoint, authenticated, certificates, files: parsed.files.len() })
}

fn is_certificate(name: &str) -> bool {
    name.ends_with(".certificate.json") || name.ends_with(".receipt.json")
}

/// A file that fits into memory.
fn small<R: Read + Seek>(
    archive: &mut zip::ZipArchive<R>,
    name: &str,
    limit: usize,
) -> Result<Vec<u8>, Refused> {
    let file = archive.by_name(name).map_err(|error| format!("{name}: {error}"))?;
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
    if bytes.len() > limit { Err(format!("{name} is too long")) } else { Ok(bytes) }
}

/// The archive holds exactly the files of the manifest, byte for byte.
fn every_file<R: Read + Seek>(
    archive: &mut zip::ZipArchive<R>,
    manifest: &BundleManifest,
) -> Result<(), Refused> {
    if archive.len() != manifest.files.len() + 1 {
        return Err("it holds other files than its manifest names".to_owned());
    }
    for (name, expected) in &manifest.files {
        let file = archive.by_name(name).map_err(|error| format!("{name}: {error}"))?;
        let mut reader = file.take(expected.bytes.saturating_add(1));
        let (mut hasher, mut length, mut buffer) = (Sha256::new(), 0_u64, vec![0; 64 * 1024]);
        loop {
            let read = reader.read(&mut buffer).map_err(|error| format!("{name}: {error}"))?;
            if read == 0 {
                break;
            }
            hasher.update(buffer.get(..read).unwrap_or_default());
            length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
        let sha256 = Hash::new(hasher.finalize().into());
        if (length, sha256) != (expected.bytes, expected.sha256) {
            return Err(format!("{name} is not the file that the manifest names: it was changed"));
        }
    }
    Ok(())
}

/// Computes the tree over the events anew, and follows the keys. Says whether the key that was given is the one
/// that signed, or handed over to it.
fn the_log<R: Read + Seek>(
    archive: &mut zip::ZipArchive<R>,
    manifest: &BundleManifest,
    signed: &SignedCheckpoint,
    given: Option<&VerifierKey>,
) -> Result<bool, Refused> {
    let file = archive.by_name(LOG).map_err(|error| format!("{LOG}: {error}"))?;
    let mut lines = BufReader::new(file);
    let (mut tree, mut keys) = (Tree::default(), Keys::default());
    loop {
        let mut line = Vec::new();
        let read = lines.by_ref().take(EVENT_LIMIT).read_until(b'\n', &mut line);
        if read.map_err(|error| format!("{LOG}: {error}"))? == 0 {
            break;
        }
        let body =
            line.strip_suffix(b"\n").ok_or_else(|| format!("{LOG}: its last line is cut off"))?;
        if tree.size() < signed.checkpoint.head.size {
            keys.read(tree.size(), body, signed, given)?;
        }
        tree.append(leaf_hash(body), |_, _| ());
    }
    let head = signed.checkpoint.head;
    if (tree.size(), tree.root(), manifest.events) != (head.size, head.root, head.size) {
        return Err(format!(
            "the events of {LOG} are not those that the checkpoint was signed for: {} of them, root {}",
            tree.size(),
            tree.root()
        ));
    }
    if keys.origin != signed.checkpoint.origin {
        return Err(format!("{LOG} is of another journal than the checkpoint"));
    }
    keys.signer.ok_or_else(|| "the log does not name the key that signed it".to_owned())
}

/// The signing keys, as the log names them.
#[derive(Default)]
struct Keys {
    last: Option<String>,
    /// The log's name so far.
    origin: String,
    /// Whether the key that was given has been named, and every later one follows from it.
    follows: bool,
    /// The same at the key that signed, once that was named.
    signer: Option<bool>,
}

impl Keys {
    fn read(
        &mut self,
        index: u64,
        body: &[u8],
        signed: &SignedCheckpoint,
        given: Option<&VerifierKey>,
    ) -> Result<(), Refused> {
        let named = match LoggedEvent::decode(body).map(|logged| logged.event) {
            Ok(Event::JournalCreated(data)) if index == 0 => {
                self.origin = format!("zoho-journal/{}", data.journal);
                data.key
            }
            // An adopted journal is another one: trust has to be given anew.
            Ok(Event::Adopted(data)) => {
                self.origin = format!("zoho-journal/{}", data.journal);
                self.follows = false;
                data.key
            }
            Ok(Event::KeyReplaced(data)) => {
                match (&data.handover, &self.last) {
                    (Some(note), Some(old)) => handover::check(note, old, &data.key)
                        .map_err(|why| format!("{LOG}: event {index}: {why}"))?,
                    _ => self.follows = false,
                }
                data.key
            }
            _ if index == 0 => {
                return Err(format!("{LOG} does not begin with the creation of a journal"));
            }
            _ => return Ok(()),
        };
        self.follows |= given.is_some_and(|given| given.to_string() == named);
        if named == signed.signed_by.to_string() {
            self.signer = Some(self.follows);
        }
        self.last = Some(named);
        Ok(())
    }
}
