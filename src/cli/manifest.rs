//! What goes with an export, so that a reader can tell which bytes it had, and when: `FILE.manifest.json`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::merkle::Hash;
use crate::evidence::checkpoint::SignedCheckpoint;
use crate::store::query::EntryFilter;

/// A manifest. Its keys are a contract.
#[derive(Serialize)]
pub(super) struct Manifest<'a> {
    format: &'static str,
    file: &'a str,
    sha256: String,
    bytes: u64,
    rows: u64,
    view: &'static str,
    row_format: &'static str,
    filters: Map<String, Value>,
    exported_at: String,
    /// How many events the log held that the rows follow from.
    events: u64,
    /// The root over them.
    root: String,
    checkpoint: String,
    key: String,
}

/// What was exported.
pub(super) struct Exported<'a> {
    pub(super) file: &'a str,
    pub(super) rows: u64,
    pub(super) view: &'static str,
    pub(super) row_format: &'static str,
    pub(super) filter: &'a EntryFilter,
    pub(super) at: String,
}

impl<'a> Manifest<'a> {
    /// Of an export whose bytes were counted.
    pub(super) fn new(
        exported: &Exported<'a>,
        counted: &Counted,
        head: crate::store::Head,
        given: &SignedCheckpoint,
    ) -> Self {
        Self {
            format: "zoho-journal/manifest@1",
            file: exported.file,
            sha256: counted.sha256.to_string(),
            bytes: counted.bytes,
            rows: exported.rows,
            view: exported.view,
            row_format: exported.row_format,
            filters: filters(exported.filter),
            exported_at: exported.at.clone(),
            events: head.size,
            root: head.root.to_string(),
            checkpoint: given.note.to_string(),
            key: given.signed_by.to_string(),
        }
    }
}

/// The filters that were given, by the names of their flags.
fn filters(filter: &EntryFilter) -> Map<String, Value> {
    let EntryFilter {
        records,
        entries,
        states,
        operations,
        modules,
        requests,
        tickets,
        codes,
        since,
        until,
    } = filter;
    let texts = |values: Vec<String>| Value::from(values);
    let all = [
        ("id", texts(records.iter().map(ToString::to_string).collect())),
        ("entry", texts(entries.iter().map(ToString::to_string).collect())),
        ("state", texts(states.iter().map(ToString::to_string).collect())),
        ("operation", texts(operations.iter().map(ToString::to_string).collect())),
        ("module", texts(modules.iter().map(ToString::to_string).collect())),
        ("request", texts(requests.iter().map(ToString::to_string).collect())),
        ("ticket", texts(tickets.clone())),
        ("code", texts(codes.clone())),
        ("since", since.map_or(Value::Null, |at| Value::from(at.to_string()))),
        ("until", until.map_or(Value::Null, |at| Value::from(at.to_string()))),
    ];
    let given =
        |value: &Value| !value.is_null() && value.as_array().is_none_or(|all| !all.is_empty());
    all.into_iter()
        .filter(|(_, value)| given(value))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// How many bytes, and their hash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) bytes: u64,
    pub(super) sha256: Hash,
}

/// Passes bytes on, counts them and, where that is wanted, hashes them.
pub(super) struct Counting<W> {
    inner: W,
    bytes: u64,
    hashes: bool,
    hasher: Sha256,
}

impl<W: Write> Counting<W> {
    pub(super) fn new(inner: W, hashes: bool) -> Self {
        Self { inner, bytes: 0, hashes, hasher: Sha256::new() }
    }

    pub(super) fn finish(self) -> (W, Counted) {
        let sha256 = Hash::new(self.hasher.finalize().into());
        (self.inner, Counted { bytes: self.bytes, sha256 })
    }
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        if self.hashes {
            self.hasher.update(bytes.get(..written).unwrap_or_default());
        }
        self.bytes += u64::try_from(written).unwrap_or(0);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
