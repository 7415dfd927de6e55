//! Full snapshots, in a journal in which everything happened: kept twice, shredded on purpose and when due, there
//! still.

use std::time::Duration;

use crate::domain::id::{EntryId, RequestId, RunId};
use crate::evidence::verify::eventful::{Ask, DONE, Journal, LOCKED, ask, leads};
use crate::store::full_snapshot::{FullSnapshot, FullWanted};
use crate::store::shredding::{NewShredding, Which};

const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

const DAY: Duration = Duration::from_hours(24);

fn wish(
    journal: &mut Journal,
    days: u32,
    records: std::ops::RangeInclusive<i64>,
) -> (RequestId, i64) {
    let full = FullWanted { recipient: RECIPIENT.parse().unwrap(), retention: DAY * days };
    let request = journal.record(&Ask { full: Some(&full), ..ask("Leads", records) }).unwrap();
    let first = journal.reader().request(request).unwrap().view.first;
    (request, first.get())
}

fn keep(journal: &mut Journal, run: RunId, request: RequestId, entries: &[i64]) {
    let files: Vec<FullSnapshot> = entries
        .iter()
        .map(|entry| FullSnapshot {
            entry: EntryId::new(*entry),
            file: format!("age-encryption.org/v1, the file of {run} for {entry}").into_bytes(),
        })
        .collect();
    journal.write(|tx| tx.keep_full_snapshots(run, (request, &leads()), &files));
}

fn shred(journal: &mut Journal, which: Which<'_>) -> u64 {
    let due = matches!(which, Which::Due);
    let new = NewShredding {
        which,
        shredded_by: "zoe",
        recorded_by: "zoe (uid 1002)",
        reason: (!due).then_some("the person asked"),
        ticket: (!due).then_some("DSR-8"),
        program: "test/1",
    };
    journal.write(|tx| tx.shred(&new)).unwrap().entries.len()
}

/// Six entries of two requests: of the first one a file is shredded on purpose, two when due; those of the others
/// stay, one of them twice.
pub(super) fn of_full_snapshots(journal: &mut Journal) {
    let (short, a) = wish(journal, 1, 110..=112);
    let (long, b) = wish(journal, 1000, 113..=115);
    let run = journal.start_run(Some(901));
    keep(journal, run, short, &[a, a + 1, a + 2]);
    keep(journal, run, long, &[b, b + 1]);
    let batch = journal.begin(run, [a, a + 1, a + 2, b], None);
    journal.settle(run, &batch, &[DONE, LOCKED, DONE, DONE]);
    // The next run reads the others anew.
    let run = journal.start_run(Some(901));
    keep(journal, run, long, &[b + 1, b + 2]);
    let batch = journal.begin(run, [b + 1, b + 2], None);
    journal.settle(run, &batch, &[DONE, DONE]);
    let one = [EntryId::new(a)].into_iter().collect();
    assert_eq!(shred(journal, Which::Of(&one)), 1);
    journal.millis += 25 * 3_600_000;
    assert_eq!(shred(journal, Which::Due), 2);
}
