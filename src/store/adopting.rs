//! Adoption: a journal of which a part may have been lost goes on under a name of its own, and what that part may
//! have sent is read before anything is sent.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::event::{Adopted, AdoptionCause, Event, Unanswered};
use crate::domain::evidence::LostPart;
use crate::domain::id::{EntryId, EventSeq, RecordId, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::store::code::{Sql, count, uncount};
use crate::store::creation::JournalId;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::{self, Seals};
use crate::store::open::APPLICATION_ID;
use crate::store::upgrade::Older;
use crate::store::{Head, Reader, Store, WriteTx, entry, schema};

const DOING: &str = "looking at adoptions";

/// An adoption that is about to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct NewAdoption<'a> {
    /// The journal as it was looked at: it must still be so.
    pub stood: Head,
    /// Its id from then on.
    pub journal: JournalId,
    /// Its public key from then on, as `name+id+key`.
    pub key: &'a str,
    /// Why it does not simply go on.
    pub cause: AdoptionCause,
    /// The checkpoint that lies beside it, verbatim.
    pub published: Option<&'a str>,
    /// Why it is adopted; sealed.
    pub reason: &'a str,
    /// OS account and host; sealed.
    pub adopted_by: &'a str,
    /// Name and version of the program.
    pub program: &'a str,
}

/// An adoption as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// The event.
    pub seq: EventSeq,
    /// When.
    pub at: Timestamp,
    /// What it says.
    pub event: Adopted,
}

/// An adoption as an entry's story tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptionView {
    /// The event.
    pub seq: EventSeq,
    /// When.
    pub at: Timestamp,
    /// Why the journal did not simply go on.
    pub cause: AdoptionCause,
    /// How many events it held.
    pub events: u64,
    /// The last entry that there was.
    pub last_entry: EntryId,
    /// OS account and host; `None` once erased.
    pub by: Option<String>,
    /// Why it was adopted; `None` once erased.
    pub reason: Option<String>,
}

/// What of a journal a lost part of its log may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Doubtful {
    /// Entries that may be sent: they are read first from then on.
    pub pending: u64,
    /// Entries of batches that were under way.
    pub in_flight: u64,
    /// Entries that wait for approval, are held or were refused: they are read first once they are let go.
    pub kept_back: u64,
}

impl Store {
    /// Adopts the journal, whatever its schema and marks, in one transaction. `None` when it is not the one any
    /// more that was looked at: then nothing was written.
    pub fn adopt(
        &mut self,
        new: &NewAdoption<'_>,
        now: Timestamp,
    ) -> Result<Option<(EntryRanges, Head)>> {
        let (adopted, head) =
            self.transact("adopting the journal", now, |_, _| Ok(()), |tx| tx.adopt(new))?;
        Ok(adopted.map(|entries| (entries, head)))
    }
}

impl WriteTx<'_> {
    pub(crate) fn adopt(&mut self, new: &NewAdoption<'_>) -> Result<Option<EntryRanges>> {
        let standing = Head { size: self.tree.size(), root: self.tree.root() };
        if standing != new.stood {
            return Ok(None);
        }
        let (from, to) = (schema::version(&self.tx)?, schema::newest());
        if from < to {
            schema::apply_pending(&self.tx, self.now)?;
            self.note_upgrade(Older { from, to }, new.program, new.adopted_by)?;
        }
        self.leave_open_batches()?;
        let pending = in_state(&self.tx, EntryState::Pending)?;
        let last_entry = EntryId::new(entry::next_id(&self.tx)?.get() - 1);
        let mut seals = Seals::default();
        let event = Event::from(Adopted {
            journal: new.journal.to_string(),
            key: new.key.to_owned(),
            cause: new.cause,
            events: new.stood.size,
            root: new.stood.root,
            published: new.published.map(str::to_owned),
            last_entry,
            entries: (!pending.is_empty()).then(|| pending.clone()),
            program: new.program.to_owned(),
            adopted_by: seals.add(self.entropy, "adopted_by", new.adopted_by)?,
            reason: seals.add(self.entropy, "reason", new.reason)?,
        });
        entry::apply(&self.tx, &event)?;
        let seq = self.append(event, seals)?;
        self.tx
            .execute(
                "-- insert_adoption\nINSERT INTO adoption (id, seq, events, last_entry)
                 SELECT coalesce(max(id), 0) + 1, :seq, :events, :last FROM adoption",
                named_params! {
                    ":seq": Sql(seq), ":events": count(new.stood.size), ":last": Sql(last_entry),
                },
            )
            .doing(DOING)?;
        // Copy or closed original: from this commit on it is a journal that is written to.
        self.tx.pragma_update(None, "application_id", APPLICATION_ID).doing(DOING)?;
        Ok(Some(pending))
    }

    /// What a run had under way when this copy was made: nothing tells what came of it.
    fn leave_open_batches(&mut self) -> Result<()> {
        let open = self.open_batches()?;
        let run: Option<Sql<RunId>> = self
            .tx
            .query_row("-- newest_run\nSELECT max(id) FROM run", [], |row| row.get(0))
            .doing(DOING)?;
        for batch in open {
            let Some(Sql(run)) = run else { break };
            let sent_before = batch.send_by.max(self.now);
            let detail = "the journal was adopted while its call was open";
            self.leave_unanswered(
                run,
                batch.batch,
                None,
                sent_before,
                Unanswered::RunDied,
                detail,
            )?;
        }
        Ok(())
    }
}

/// Every entry in a state, by the requests that have any.
fn in_state(conn: &Connection, state: EntryState) -> Result<EntryRanges> {
    let mut statement = conn
        .prepare(
            "-- in_state\nSELECT e.id FROM tally t CROSS JOIN request r ON r.id = t.request
             CROSS JOIN entry e ON e.id BETWEEN r.first_entry AND r.last_entry
             WHERE t.state = :state AND t.entries > 0 AND e.state = :state ORDER BY e.id",
        )
        .doing(DOING)?;
    let rows = statement
        .query_map(named_params! {":state": Sql(state)}, |row| row.get::<_, Sql<EntryId>>(0))
        .doing(DOING)?;
    let mut found = EntryRanges::default();
    for row in rows {
        found.push(row.doing(DOING)?.0);
    }
    Ok(found)
}

/// The adoptions of which an entry was there and open, and since which nothing was read that says that no call
/// changed anything: first event that the log lacked, and the last adoption.
fn open_adoptions(conn: &Connection, entry: EntryId) -> Result<Option<(u64, EventSeq)>> {
    let found: Option<(Option<i64>, Option<Sql<EventSeq>>)> = conn
        .prepare_cached(
            "-- open_adoptions\nSELECT min(a.events), max(a.seq) FROM adoption a
             WHERE a.last_entry >= :entry
               AND a.seq > (SELECT coalesce(max(g.seq), -1) FROM evidence v
                            JOIN reading g ON g.id = v.reading
                            WHERE v.entry = :entry AND v.verdict IN (4, 5))",
        )
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":entry": Sql(entry)}, |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .doing(DOING)?;
    Ok(found.and_then(|(events, seq)| Some((uncount(events?), seq?.0))))
}

/// Whether a lost part of the log may have sent an entry that is about to be let go.
pub(crate) fn is_lost(conn: &Connection, entry: EntryId) -> Result<bool> {
    open_adoptions(conn, entry).map(|found| found.is_some())
}

/// Entries that are about to be let go: those that may be sent, and those that must be read first.
pub(crate) fn sorted(
    conn: &Connection,
    entries: &EntryRanges,
) -> Result<(Option<EntryRanges>, Option<EntryRanges>)> {
    let some = |set: EntryRanges| (!set.is_empty()).then_some(set);
    if newest(conn)?.is_none() {
        return Ok((some(entries.clone()), None));
    }
    let (mut free, mut unread) = (EntryRanges::default(), EntryRanges::default());
    for entry in entries.iter() {
        if is_lost(conn, entry)? {
            unread.push(entry);
        } else {
            free.push(entry);
        }
    }
    Ok((some(free), some(unread)))
}

/// The lost part of the log that may have sent an unknown entry.
pub(crate) fn lost_part(conn: &Connection, entry: EntryId) -> Result<Option<LostPart>> {
    let Some((events, seq)) = open_adoptions(conn, entry)? else { return Ok(None) };
    let last = EventSeq::new(count(events).saturating_sub(1));
    let (adopted_at, _) = log::event_at(conn, seq)?;
    let (told_until, _) = log::event_at(conn, last)?;
    let now = token_of(
        conn,
        "-- newest_user\nSELECT user_seq, clock_offset_ms FROM run WHERE user_seq IS NOT NULL
                              AND user_seq <> :seq ORDER BY id DESC LIMIT 1",
        seq,
    )?;
    let known = token_of(
        conn,
        "-- user_before\nSELECT user_seq, clock_offset_ms FROM run
                                WHERE user_seq < :seq ORDER BY id DESC LIMIT 1",
        seq,
    )?;
    // A journal that had met no Zoho yet: the lost part will have signed in as this one does now.
    let (_, offset) = now.unwrap_or_default();
    let (user, was) = known.or(now).unwrap_or_default();
    Ok(Some(LostPart { since: told_until.shifted(was), adopted_at, user, clock_offset_ms: offset }))
}

fn token_of(
    conn: &Connection,
    sql: &str,
    seq: EventSeq,
) -> Result<Option<(Option<RecordId>, i64)>> {
    let found: Option<(Sql<EventSeq>, i64)> = conn
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":seq": Sql(seq)}, |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing(DOING)?;
    let Some((Sql(seen), offset)) = found else { return Ok(None) };
    let user = log::opened(conn, seen, "user")?.and_then(|text| text.parse().ok());
    Ok(Some((user, offset)))
}

/// The events of all adoptions, the first one first. Also asked of a schema that has no table for them yet.
pub(crate) fn adoptions(conn: &Connection) -> Result<Vec<EventSeq>> {
    if !has_table(conn)? {
        return Ok(Vec::new());
    }
    let mut statement =
        conn.prepare_cached("-- adoptions\nSELECT seq FROM adoption ORDER BY id").doing(DOING)?;
    let rows = statement.query_map([], |row| row.get::<_, Sql<EventSeq>>(0)).doing(DOING)?;
    rows.map(|row| row.map(|Sql(seq)| seq)).collect::<rusqlite::Result<_>>().doing(DOING)
}

/// The newest adoption.
pub(crate) fn newest(conn: &Connection) -> Result<Option<Adoption>> {
    adoptions(conn)?.last().map(|seq| adoption(conn, *seq)).transpose()
}

/// One adoption.
pub(crate) fn adoption(conn: &Connection, seq: EventSeq) -> Result<Adoption> {
    let logged = log::event(conn, seq)?.decode()?;
    let Event::Adopted(event) = logged.event else {
        return Err(StoreError::corrupt("adoption", format!("event {seq} adopts nothing")));
    };
    Ok(Adoption { seq, at: logged.at, event })
}

/// All adoptions with who and why, the first one first.
pub(crate) fn views(conn: &Connection) -> Result<Vec<AdoptionView>> {
    let each = adoptions(conn)?.into_iter().map(|seq| {
        let Adoption { at, event, .. } = adoption(conn, seq)?;
        Ok(AdoptionView {
            seq,
            at,
            cause: event.cause,
            events: event.events,
            last_entry: event.last_entry,
            by: log::opened(conn, seq, "adopted_by")?,
            reason: log::opened(conn, seq, "reason")?,
        })
    });
    each.collect()
}

fn has_table(conn: &Connection) -> Result<bool> {
    conn.prepare_cached(
        "-- has_adoptions\nSELECT EXISTS (SELECT 1 FROM main.sqlite_schema
                                          WHERE type = 'table' AND name = 'adoption')",
    )
    .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
    .doing(DOING)
}

macro_rules! looked_at {
    ($($name:ident),+) => {$(
        impl $name {
            /// The newest adoption; `None` for a journal that always went on.
            pub fn newest_adoption(&self) -> Result<Option<Adoption>> {
                newest(&self.conn)
            }

            /// What of it a lost part of its log may have changed.
            pub fn doubtful(&self) -> Result<Doubtful> {
                let mut doubtful = Doubtful::default();
                for (state, entries) in entry::totals(&self.conn)? {
                    match state {
                        EntryState::Pending => doubtful.pending += entries,
                        EntryState::InFlight => doubtful.in_flight += entries,
                        EntryState::AwaitingApproval | EntryState::Held | EntryState::Failed => {
                            doubtful.kept_back += entries;
                        }
                        EntryState::Queued
                        | EntryState::Unknown
                        | EntryState::Done
                        | EntryState::Absent
                        | EntryState::Cancelled => {}
                    }
                }
                Ok(doubtful)
            }
        }
    )+};
}
looked_at!(Store, Reader);
