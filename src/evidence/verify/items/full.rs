//! Full snapshots, against the log: each file is the one whose hash was sealed, and is gone only where an event
//! says so.

use crate::domain::event::FullSnapshotTaken;
use crate::domain::id::{EntryId, EventSeq};
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::seal::{LeafPurpose, item_leaf};
use crate::evidence::verify::erased::{BLANK, STILL_THERE};
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::items::{Part, Request, Worker, identity, owners};
use crate::store::Result;
use crate::store::audit::FullSnapshotRow;

/// What is told of a file that was to be gone.
const NOT_SHREDDED: &str = "an event says that it was shredded, and it is still there";

impl Worker<'_> {
    /// Checks what one event kept. `shredded` are those of its entries that a later event says were shredded.
    pub(super) fn full(
        &mut self,
        seq: EventSeq,
        (data, shredded): (&FullSnapshotTaken, &EntryRanges),
        parts: &[Part],
        found: &mut Findings,
    ) -> Result<()> {
        let mut rows: Vec<FullSnapshotRow> = Vec::new();
        for part in parts {
            let range = (part.first, part.last);
            self.audit.full_snapshots(data.reading, range, true, &mut rows)?;
        }
        let mut whole = self.items_of(parts, found)?;
        let mut rows = rows.iter().peekable();
        let mut leaves = self.leaves_of(seq, parts, found)?;
        let items = std::mem::take(&mut self.items);
        for (request, item) in owners(parts).zip(&items) {
            let entry = EntryId::new(item.entry);
            let place = format!("full snapshot of {entry}");
            let Some(row) = rows.next_if(|row| row.entry == item.entry) else {
                found.add(Kind::Evidence, place, "the row is missing", Some(seq));
                whole = false;
                continue;
            };
            for what in told(row, data, request, shredded.contains(entry)) {
                found.add(Kind::Evidence, place.as_str(), what, Some(seq));
                whole = false;
            }
            if request.has_forgotten(entry) {
                leaves.pass();
                continue;
            }
            let sha256 = row.sha256.as_deref().and_then(|hash| <[u8; 32]>::try_from(hash).ok());
            let (Some(sha256), Some(identity)) = (sha256, identity(item)) else { continue };
            let purpose = LeafPurpose::Full(data.reading);
            if let Some((salt, maker)) = self.salt(request, item, purpose)? {
                let opened = maker.full(&identity, data.reading, &Hash::new(sha256));
                leaves.push(item_leaf(&salt, opened));
            }
        }
        self.items = items;
        if whole && !leaves.give(&data.items_root) {
            let what =
                "the hashes are not those that the log sealed: one, an id or a secret was edited";
            found.add(Kind::Evidence, format!("reading {}", data.reading), what, Some(seq));
        }
        Ok(())
    }
}

/// What is wrong with one row by itself.
fn told(
    row: &FullSnapshotRow,
    data: &FullSnapshotTaken,
    request: &Request,
    shredded: bool,
) -> Vec<&'static str> {
    let mut told = Vec::new();
    if row.until_ms != Some(data.until.millis()) {
        told.push("it is kept until another time than the log says");
    }
    let forgotten = request.has_forgotten(EntryId::new(row.entry));
    match (&row.sha256, row.file) {
        (Some(_), _) | (_, Some(_)) if forgotten => told.push(STILL_THERE),
        (None, None) if forgotten => {}
        (None, _) => told.push(BLANK),
        (Some(_), Some(_)) if shredded => told.push(NOT_SHREDDED),
        (Some(hash), Some(file)) if hash.as_slice() != file.bytes() => {
            told.push("the file is not the one that was kept: it was edited");
        }
        (Some(_), None) if !shredded => {
            told.push("the file is gone, and no event says that it was shredded");
        }
        (Some(_), _) => {}
    }
    told
}
