//! Full snapshots of an entry, where its request wants them.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::output::words::{grouped, in_words};
use crate::cli::show::story::Told;
use crate::domain::time::Timestamp;
use crate::store::full_snapshot::FullSnapshotView;
use crate::store::query::{EntryView, RequestView, Step};
use crate::store::{Reader, StoreError};

/// What is known of the newest one.
pub(super) struct Full {
    wanted: bool,
    /// Why there is none; `None` while one is to come.
    never: Option<&'static str>,
    newest: Option<FullSnapshotView>,
    recipient: Option<String>,
    /// What hands it out.
    command: String,
}

/// The same with `--json`.
#[derive(Serialize)]
pub(super) struct FullDocument {
    /// Whether one is there still.
    kept: bool,
    recipient: Option<String>,
    bytes: Option<u64>,
    sha256: Option<String>,
    taken_at: Option<Timestamp>,
    keep_until: Option<Timestamp>,
    shredded_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Full {
    pub(super) fn of(
        context: &Context,
        reader: &Reader,
        entry: &EntryView,
    ) -> Result<Self, StoreError> {
        let wanted = entry.request.full_retention_ms.is_some();
        let mut views = if wanted { reader.full_snapshots(entry.entry)? } else { Vec::new() };
        // The newest that is there still, else the newest.
        let there = views.iter().rposition(|view| view.size.is_some());
        let newest = match there {
            Some(at) => Some(views.swap_remove(at)),
            None => views.pop(),
        };
        let recipient = if wanted { reader.full_recipient(entry.request.request)? } else { None };
        Ok(Self {
            wanted,
            never: never(entry),
            newest,
            recipient: recipient.map(|recipient| recipient.to_string()),
            command: context.command(&format!("snapshot {} -o DIR", entry.entry)),
        })
    }

    /// Empty where none is wanted.
    pub(super) fn in_words(&self, now: Timestamp) -> String {
        let to = self.recipient.as_deref().unwrap_or("(erased)");
        match &self.newest {
            _ if !self.wanted => String::new(),
            None => match self.never {
                Some(why) => format!("none{why}"),
                None => format!("none yet; before it is deleted one is kept, encrypted to {to}"),
            },
            Some(view) => match (view.size, view.shredded) {
                (Some(size), _) => {
                    let over = if view.until <= now { ", which is over" } else { "" };
                    format!(
                        "{} bytes as of {}, encrypted to {to}, until {}{over}: {}",
                        grouped(size),
                        view.at,
                        view.until,
                        self.command
                    )
                }
                (None, Some((_, at))) => format!("there was one; it was shredded at {at}"),
                (None, None) => "(erased)".to_owned(),
            },
        }
    }

    pub(super) fn document(&self) -> Option<FullDocument> {
        let newest = self.newest.as_ref();
        let kept = newest.is_some_and(|view| view.size.is_some());
        self.wanted.then(|| FullDocument {
            kept,
            recipient: self.recipient.clone(),
            bytes: newest.and_then(|view| view.size),
            sha256: newest.and_then(|view| Some(view.sha256?.to_string())),
            taken_at: newest.map(|view| view.at),
            keep_until: newest.map(|view| view.until),
            shredded_at: newest.and_then(|view| Some(view.shredded?.1)),
            next: kept.then(|| self.command.clone()),
        })
    }
}

/// Why a settled entry has no full snapshot at all.
fn never(entry: &EntryView) -> Option<&'static str> {
    let sent = entry.steps.iter().any(|step| matches!(step, Step::Attempt { .. }));
    if !entry.state.is_settled() {
        None
    } else if sent {
        Some(": there was no record to read")
    } else if entry.adoptions.is_empty() {
        Some(": it was not sent")
    } else {
        Some(" here: if there was one, it was lost with the part of the journal that is missing")
    }
}

/// The steps of an entry's story that tell of full snapshots.
pub(super) fn told(reader: &Reader, entry: &EntryView) -> Result<Vec<Told>, StoreError> {
    if entry.request.full_retention_ms.is_none() {
        return Ok(Vec::new());
    }
    let views = reader.full_snapshots(entry.entry)?;
    let mut told = Vec::new();
    for view in &views {
        let text = format!("read whole and kept, encrypted, until {}", view.until);
        told.push(Told::plain("full_snapshot_taken", (view.seq, view.at), text));
    }
    let mut shreddings: Vec<_> = views.iter().filter_map(|view| view.shredded).collect();
    shreddings.dedup();
    for shredded in shreddings {
        let text = "the full snapshot was shredded".to_owned();
        told.push(Told::plain("full_snapshots_shredded", shredded, text));
    }
    Ok(told)
}

/// What a request wants kept of each of its records.
#[derive(Debug, Serialize)]
pub(crate) struct FullOfRequest {
    /// To whom it is encrypted; `null` once erased.
    recipient: Option<String>,
    /// In seconds.
    retention: u64,
}

impl FullOfRequest {
    /// `None` where no more is kept than undo needs.
    pub(crate) fn of(reader: &Reader, view: &RequestView) -> Result<Option<Self>, StoreError> {
        let Some(retention_ms) = view.full_retention_ms else { return Ok(None) };
        let recipient = reader.full_recipient(view.request)?;
        let recipient = recipient.map(|recipient| recipient.to_string());
        Ok(Some(Self { recipient, retention: retention_ms / 1000 }))
    }

    /// `of each record, kept for 90 d, encrypted to age1…`.
    pub(crate) fn in_words(&self) -> String {
        let to = self.recipient.as_deref().unwrap_or("(erased)");
        let retention = in_words(std::time::Duration::from_secs(self.retention));
        format!("of each record, kept for {retention}, encrypted to {to}")
    }
}
