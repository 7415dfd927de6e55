//! The writes about full snapshots, prepared.

use std::time::Duration;

use super::Write;
use super::cases::{forgetting, pad};
use crate::domain::id::{EntryId, RequestId, RunId};
use crate::store::full_snapshot::{FullSnapshot, FullWanted};
use crate::store::shredding::{NewShredding, Which};
use crate::store::testing::{Ask, Journal, record};

/// Two Leads of which full snapshots are wanted, and a run.
fn wanted(journal: &mut Journal) -> (RunId, RequestId) {
    let recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let retention = Duration::from_hours(24);
    let full = FullWanted { recipient: recipient.parse().unwrap(), retention };
    let records = vec![record(1), record(2)];
    let request = journal.ask(&Ask { records, full: Some(full), ..Ask::default() });
    (journal.start("sync"), request.request.unwrap())
}

fn keeping(run: RunId, request: RequestId) -> Write {
    let module = "Leads".parse().unwrap();
    let files = [1, 2].map(|entry| FullSnapshot {
        entry: EntryId::new(entry),
        file: format!("age-encryption.org/v1 for {entry}").into_bytes(),
    });
    Box::new(move |tx| tx.keep_full_snapshots(run, (request, &module), &files))
}

pub(super) fn keep(journal: &mut Journal) -> Write {
    let (run, request) = wanted(journal);
    pad(journal);
    keeping(run, request)
}

/// Both deleted, each with its file.
fn kept(journal: &mut Journal) {
    let (run, request) = wanted(journal);
    let write = keeping(run, request);
    journal.write(|tx| write(tx));
    let done = journal.begin(&[1, 2]);
    journal.succeed(&done);
    pad(journal);
}

pub(super) fn shred(journal: &mut Journal) -> Write {
    kept(journal);
    Box::new(|tx| {
        let entries = "1".parse().unwrap();
        let new = NewShredding {
            which: Which::Of(&entries),
            shredded_by: "Zoe",
            recorded_by: "zoe (uid 1002)",
            reason: Some("the person asked"),
            ticket: Some("DSR-8"),
            program: "zoho-journal/0.1.0",
        };
        tx.shred(&new).map(|decided| drop(decided.unwrap()))
    })
}

pub(super) fn forget(journal: &mut Journal) -> Write {
    kept(journal);
    forgetting("2")
}
