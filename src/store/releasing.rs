//! Releasing what is held: ids, or all of a module, and with them the entries that nothing else holds.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, named_params};

use crate::domain::event::{Event, HoldReleased, ReleasedPart};
use crate::domain::id::{EntryId, EventSeq, HoldId, ModuleName, RecordId};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::store::adopting;
use crate::store::approval::By;
use crate::store::code::{Sql, count};
use crate::store::error::{Doing, Result};
use crate::store::holding::{HoldRow, Holds, item, matching, rows, some};
use crate::store::log::Seals;
use crate::store::{WriteTx, entry};

const DOING: &str = "looking at the holds";

/// What is to be released.
#[derive(Debug, Clone, Copy)]
pub struct Release<'a> {
    /// The module that the holds name.
    pub module: &'a ModuleName,
    /// The records; `None` for all that is held of the module, as a whole and by its records.
    pub ids: Option<&'a [RecordId]>,
    /// The ticket.
    pub ticket: Option<&'a str>,
    /// Who releases, and why.
    pub by: By<'a>,
}

/// What became of a release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Released {
    /// The holds of which something was released.
    pub holds: Vec<HoldId>,
    /// Whether the module as a whole is no longer held.
    pub whole: bool,
    /// How many ids were released.
    pub ids: u64,
    /// Entries that may be sent again.
    pub pending: EntryRanges,
    /// Entries that a lost part of the log may have sent: they are read first.
    pub unread: EntryRanges,
    /// Entries whose request is not approved.
    pub awaiting_approval: EntryRanges,
    /// Entries that another hold still covers.
    pub still_held: u64,
}

/// Records that no hold of the module names; `None` when nothing is held of it.
pub type NotHeld = Option<Vec<RecordId>>;

impl WriteTx<'_> {
    /// Releases records, or all of a module. `Err` names what is not held; then nothing is written.
    pub fn release(&mut self, new: &Release<'_>) -> Result<std::result::Result<Released, NotHeld>> {
        let parts = match released_parts(&self.tx, new)? {
            Ok(parts) => parts,
            Err(not_held) => return Ok(Err(not_held)),
        };
        let seq = EventSeq::new(count(self.tree.size()));
        let mut candidates: HashSet<EntryId> = HashSet::new();
        let mut released = Released::default();
        let live: BTreeMap<HoldId, HoldRow> =
            rows(&self.tx)?.into_iter().map(|row| (row.id, row)).collect();
        for part in &parts {
            if let Some(row) = live.get(&part.hold) {
                candidates.extend(matching(&self.tx, row, &[EntryState::Held])?.iter());
            }
            released.holds.push(part.hold);
            released.ids += part.places.as_ref().map_or(0, EntryRanges::len);
            released.whole |= part.places.is_none();
        }
        self.tx.execute_batch("-- defer\nPRAGMA defer_foreign_keys = ON").doing(DOING)?;
        for part in &parts {
            self.release_part(part, seq)?;
        }
        self.sort_released(candidates, &mut released)?;
        let mut seals = Seals::default();
        let (entropy, by) = (&mut *self.entropy, new.by);
        let event = Event::from(HoldReleased {
            parts,
            pending: some(&released.pending),
            awaiting_approval: some(&released.awaiting_approval),
            program: by.program.to_owned(),
            released_by: seals.add(entropy, "released_by", by.who)?,
            recorded_by: seals.add(entropy, "recorded_by", by.account)?,
            reason: seals.add(entropy, "reason", by.reason)?,
            ticket: seals.add_some(entropy, "ticket", new.ticket)?,
            unread: some(&released.unread),
        });
        entry::apply(&self.tx, &event)?;
        self.append(event, seals)?;
        Ok(Ok(released))
    }

    fn release_part(&self, part: &ReleasedPart, seq: EventSeq) -> Result<()> {
        let doing = "releasing a hold";
        for (first, last) in part.places.iter().flat_map(EntryRanges::ranges) {
            self.tx
                .prepare_cached(
                    "-- release_ids\nUPDATE hold_id SET released_seq = :seq
                     WHERE hold = :hold AND place BETWEEN :first AND :last",
                )
                .and_then(|mut statement| {
                    statement.execute(named_params! {
                        ":seq": Sql(seq), ":hold": Sql(part.hold),
                        ":first": Sql(first), ":last": Sql(last),
                    })
                })
                .doing(doing)?;
        }
        self.tx
            .execute(
                "-- end_hold\nUPDATE hold SET ended_seq = :seq
                 WHERE id = :hold AND NOT EXISTS (
                     SELECT 1 FROM hold_id WHERE hold = :hold AND released_seq IS NULL)",
                named_params! {":seq": Sql(seq), ":hold": Sql(part.hold)},
            )
            .map(|_| ())
            .doing(doing)
    }

    /// Which of these entries no hold covers any more, by whether their request is approved.
    fn sort_released(&self, of: HashSet<EntryId>, released: &mut Released) -> Result<()> {
        let mut of: Vec<EntryId> = of.into_iter().collect();
        of.sort_unstable();
        let holds = Holds::load(&self.tx)?;
        for entry in of {
            if let Some((scope, target)) = item(&self.tx, entry)?
                && holds.cover(&self.tx, &scope, target)?
            {
                released.still_held += 1;
                continue;
            }
            if awaits(&self.tx, entry)? {
                released.awaiting_approval.push(entry);
            } else if adopting::is_lost(&self.tx, entry)? {
                released.unread.push(entry);
            } else {
                released.pending.push(entry);
            }
        }
        Ok(())
    }
}

/// Whether the request of an entry waits for an approval.
fn awaits(conn: &Connection, entry: EntryId) -> Result<bool> {
    conn.prepare_cached(
        "-- awaits\nSELECT awaits FROM request WHERE first_entry <= :entry
         ORDER BY first_entry DESC LIMIT 1",
    )
    .and_then(|mut statement| {
        statement.query_row(named_params! {":entry": Sql(entry)}, |row| row.get(0))
    })
    .doing(DOING)
}

/// What is to be released, by hold.
fn released_parts(
    conn: &Connection,
    new: &Release<'_>,
) -> Result<std::result::Result<Vec<ReleasedPart>, NotHeld>> {
    let Some(ids) = new.ids else {
        let parts = all_parts(conn, new.module)?;
        return Ok(if parts.is_empty() { Err(None) } else { Ok(parts) });
    };
    let mut statement = conn
        .prepare_cached(
            "-- places_of\nSELECT h.hold, h.place FROM hold_id h JOIN hold o ON o.id = h.hold
             WHERE h.target = :target AND h.released_seq IS NULL AND o.module = :module",
        )
        .doing(DOING)?;
    let mut places: BTreeMap<HoldId, Vec<EntryId>> = BTreeMap::new();
    let mut not_held = Vec::new();
    for id in ids {
        let values = named_params! {":target": Sql(*id), ":module": new.module.as_str()};
        let found = statement
            .query_map(values, |row| {
                let (Sql(hold), Sql(place)) = (row.get(0)?, row.get(1)?);
                Ok((hold, place))
            })
            .doing(DOING)?
            .collect::<rusqlite::Result<Vec<(HoldId, EntryId)>>>()
            .doing(DOING)?;
        if found.is_empty() {
            not_held.push(*id);
        }
        for (hold, place) in found {
            places.entry(hold).or_default().push(place);
        }
    }
    if !not_held.is_empty() {
        return Ok(Err(Some(not_held)));
    }
    let parts = places.into_iter().map(|(hold, mut places)| {
        places.sort_unstable();
        ReleasedPart { hold, places: Some(places.into_iter().collect()) }
    });
    Ok(Ok(parts.collect()))
}

/// All that is held of a module, by hold: the module as a whole, and whatever is left of holds on its records, those
/// that were erased among them.
fn all_parts(conn: &Connection, module: &ModuleName) -> Result<Vec<ReleasedPart>> {
    let mut statement = conn
        .prepare_cached(
            "-- live_places\nSELECT place FROM hold_id
             WHERE hold = :hold AND released_seq IS NULL ORDER BY place",
        )
        .doing(DOING)?;
    let mut parts = Vec::new();
    for row in rows(conn)?.into_iter().filter(|row| row.ended.is_none() && row.module == *module) {
        let places = if row.whole {
            None
        } else {
            let places = statement
                .query_map(named_params! {":hold": Sql(row.id)}, |row| {
                    row.get::<_, Sql<EntryId>>(0)
                })
                .doing(DOING)?;
            let places = places.map(|row| row.map(|Sql(place)| place));
            Some(places.collect::<rusqlite::Result<EntryRanges>>().doing(DOING)?)
        };
        parts.push(ReleasedPart { hold: row.id, places });
    }
    Ok(parts)
}
