//! Refused entries that a replay takes up again.

use rusqlite::{Connection, named_params};

use crate::domain::event::{EntriesReopened, Event};
use crate::domain::id::{EntryId, RequestId, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::store::adopting;
use crate::store::code::Sql;
use crate::store::entry;
use crate::store::error::{Doing, Result};
use crate::store::log::Seals;
use crate::store::settling::is_settled_by_person;
use crate::store::{Reader, WriteTx};

impl Reader {
    /// How many refused entries of the wanted requests (all when `None`) have a code that may pass: a replay
    /// would put so many back to pending.
    pub fn reopenable(
        &self,
        wanted: Option<&[RequestId]>,
        may_pass: &dyn Fn(&str) -> bool,
    ) -> Result<u64> {
        let failed = failed_entries(&self.conn, wanted)?;
        let reopenable = failed.iter().filter(|(_, code)| may_pass(code)).count();
        Ok(u64::try_from(reopenable).unwrap_or(u64::MAX))
    }
}

impl WriteTx<'_> {
    /// Puts refused entries whose code may pass now back to pending; what a lost part of the log may have sent
    /// meanwhile is to be read first. Returns which.
    pub(crate) fn reopen(
        &mut self,
        run: RunId,
        wanted: Option<&[RequestId]>,
        may_pass: &dyn Fn(&str) -> bool,
    ) -> Result<EntryRanges> {
        self.check_run(run)?;
        let mut entries = EntryRanges::default();
        for (entry, code) in failed_entries(&self.tx, wanted)? {
            if may_pass(&code) {
                entries.push(entry);
            }
        }
        if !entries.is_empty() {
            let (again, unread) = adopting::sorted(&self.tx, &entries)?;
            let event = Event::from(EntriesReopened { run, entries: again, unread });
            entry::apply(&self.tx, &event)?;
            self.append(event, Seals::default())?;
        }
        Ok(entries)
    }
}

/// Refused entries with the code that settled them, in key order, without those that a person settled or that were
/// forgotten.
/// CROSS JOIN fixes the order of the tables: only the entries of requests that have refused ones are looked at.
fn failed_entries(
    conn: &Connection,
    wanted: Option<&[RequestId]>,
) -> Result<Vec<(EntryId, String)>> {
    let doing = "looking for refused entries";
    let mut statement = conn
        .prepare(
            "-- failed_entries\nSELECT e.id, r.id,
                 coalesce(
                   (SELECT v.code FROM evidence v JOIN reading g ON g.id = v.reading
                    WHERE v.entry = e.id AND v.verdict = 4
                      AND g.seq > (SELECT coalesce(max(b.ended_seq), -1) FROM attempt a
                                   JOIN batch b ON b.id = a.batch WHERE a.entry = e.id)
                    ORDER BY v.reading DESC LIMIT 1),
                   (SELECT s.code FROM attempt a JOIN said s ON s.id = a.said
                    WHERE a.entry = e.id ORDER BY a.batch DESC LIMIT 1),
                   '')
             FROM tally t CROSS JOIN request r ON r.id = t.request
             CROSS JOIN entry e ON e.id BETWEEN r.first_entry AND r.last_entry
             WHERE t.state = 9 AND t.entries > 0 AND e.state = :failed
               AND e.target IS NOT NULL
             ORDER BY e.id",
        )
        .doing(doing)?;
    let rows = statement
        .query_map(named_params! {":failed": Sql(EntryState::Failed)}, |row| {
            let (Sql(entry), Sql(request)) = (row.get(0)?, row.get(1)?);
            Ok((entry, request, row.get::<_, String>(2)?))
        })
        .doing(doing)?;
    let rows =
        rows.collect::<rusqlite::Result<Vec<(EntryId, RequestId, String)>>>().doing(doing)?;
    let mut failed = Vec::with_capacity(rows.len());
    for (entry, request, code) in rows {
        let wanted = wanted.is_none_or(|wanted| wanted.contains(&request));
        // A person's word stands. It has no code, so others need not be looked at.
        if wanted && !(code.is_empty() && is_settled_by_person(conn, entry)?) {
            failed.push((entry, code));
        }
    }
    Ok(failed)
}
