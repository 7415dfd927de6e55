//! What can be brought back, at a glance: without a look at every entry, so figures are bounds.

use std::time::Duration;

use rusqlite::named_params;

use crate::domain::evidence::Look;
use crate::domain::evidence::deletion::Facts;
use crate::domain::id::EntryId;
use crate::domain::limits::BIN_KEEPS;
use crate::domain::ranges::EntryRanges;
use crate::domain::recheck::Found;
use crate::domain::time::Timestamp;
use crate::store::code::{Sql, uncount};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::{Reader, undo};

const DOING: &str = "looking for what can be brought back";

/// So many batches of deletions are counted. What is in more is bounded by the tallies alone.
const COUNTED: usize = 1_000;

/// So many of them are looked into for the first deadline.
const LOOKED_INTO: usize = 50;

/// So many later looks are heeded for the first deadline.
const LOOKED_AT: i64 = 20_000;

/// What can be brought back, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UndoGlance {
    /// So many entries at most.
    pub possible: u64,
    /// The recycle bin lets go of the first of them at this time or later; `None` when it keeps none.
    pub soonest: Option<Timestamp>,
}

/// A batch of deletions that the bin may hold still.
struct Held {
    entries: String,
    size: u64,
    sent_at: Option<Timestamp>,
}

impl Reader {
    /// What can be brought back. Costs the same whatever the number of entries.
    pub fn undo_at_a_glance(&self, now: Timestamp) -> Result<UndoGlance> {
        let done = self.done_that_can_come_back()?;
        let since = now.minus(BIN_KEEPS);
        let mut held = self.held_since(since)?;
        let all = held.len() < COUNTED;
        held.retain(|batch| batch.sent_at.is_none_or(|at| at > since));
        let in_bin: u64 = held.iter().map(|batch| batch.size).sum();
        let deleted = if all { done.deleted.min(in_bin) } else { done.deleted };
        let others = done.others;
        let soonest = if deleted == 0 { None } else { self.soonest(&held)? };
        let deleted = if soonest.is_some() { deleted } else { 0 };
        let seen = self.soonest_seen(&held, now)?;
        let soonest = soonest.map(|sent| sent.plus(BIN_KEEPS)).into_iter().chain(seen);
        let soonest = soonest.filter(|until| *until > now).min();
        Ok(UndoGlance { possible: deleted.saturating_add(others), soonest })
    }

    /// By the tallies of requests: what was done and was not brought back.
    fn done_that_can_come_back(&self) -> Result<Done> {
        self.conn
            .query_row(
                "-- done_that_can_come_back\nSELECT
                     coalesce(sum(CASE WHEN r.operation = 'delete' AND r.product = 'crm' AND t.state = 7
                                        AND m.recycle_bin IS NOT 0 THEN t.entries END), 0),
                     coalesce(sum(CASE WHEN r.operation = 'restore' THEN t.entries END), 0),
                     coalesce(sum(CASE WHEN r.operation IN ('untag', 'unlink', 'delete-tags')
                                        AND t.state = 7 AND r.snapshot THEN t.entries END), 0),
                     coalesce(sum(CASE WHEN r.operation IN ('retag', 'relink', 'recreate-tags')
                                       THEN t.entries END), 0)
                 FROM tally t JOIN request r ON r.id = t.request
                 LEFT JOIN module m ON m.product = r.product AND m.module = r.module
                 WHERE t.state IN (7, 8) AND t.entries > 0",
                [],
                |row| {
                    let number = |column| row.get(column).map(uncount);
                    Ok(Done {
                        deleted: number(0)?.saturating_sub(number(1)?),
                        others: number(2)?.saturating_sub(number(3)?),
                    })
                },
            )
            .doing(DOING)
    }

    /// The first batches of deletions that were sent since a time, as far as their modules have a bin.
    fn held_since(&self, since: Timestamp) -> Result<Vec<Held>> {
        let first = self.first_batch_since(since)?;
        let mut statement = self
            .conn
            .prepare_cached(
                // A set of entries begins with its lowest number.
                "-- held_since\nSELECT b.entries, b.size, coalesce(b.sent_at_ms, b.sent_before_ms)
                 FROM batch b
                 JOIN entry e ON e.id = CAST(b.entries AS INTEGER) JOIN scope s ON s.id = e.scope
                 LEFT JOIN module m ON m.product = s.product AND m.module = s.module
                 WHERE b.id >= :first AND b.ending IN ('answered', 'unanswered')
                   AND s.operation = 'delete' AND s.product = 'crm' AND m.recycle_bin IS NOT 0
                 ORDER BY b.id LIMIT :counted",
            )
            .doing(DOING)?;
        let counted = i64::try_from(COUNTED).unwrap_or(i64::MAX);
        let rows = statement
            .query_map(named_params! {":first": first, ":counted": counted}, |row| {
                let sent_at = row.get::<_, Option<Sql<Timestamp>>>(2)?.map(|Sql(at)| at);
                Ok(Held { entries: row.get(0)?, size: uncount(row.get(1)?), sent_at })
            })
            .doing(DOING)?;
        rows.collect::<rusqlite::Result<_>>().doing(DOING)
    }

    /// Batches are recorded one after the other, so the first one since a time is found by bisection.
    fn first_batch_since(&self, since: Timestamp) -> Result<i64> {
        // A call leaves within seconds of its record; clocks that were set back are worth a day.
        let since = since.minus(Duration::from_hours(24)).millis();
        let mut statement = self
            .conn
            .prepare_cached("-- send_by\nSELECT send_by_ms FROM batch WHERE id = :id")
            .doing(DOING)?;
        let (mut low, mut high) = (1_i64, i64::try_from(self.batches()?).unwrap_or(i64::MAX));
        while low <= high {
            let middle = low + (high - low) / 2;
            let at: i64 = statement
                .query_row(named_params! {":id": middle}, |row| row.get(0))
                .doing(DOING)?;
            if at < since {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        Ok(low)
    }

    /// When the first batch was sent of which something was deleted and is not back; of so many that were looked
    /// into in vain, when the next was.
    fn soonest(&self, held: &[Held]) -> Result<Option<Timestamp>> {
        let any_undo = undo::is_any(&self.conn)?;
        for (position, batch) in held.iter().enumerate() {
            if position >= LOOKED_INTO || self.holds_something(&batch.entries, any_undo)? {
                return Ok(batch.sent_at);
            }
        }
        Ok(None)
    }

    /// When the bin lets go of the first of what later looks showed to lie there: Zoho's own time counts more than ours,
    /// and may be earlier by far.
    fn soonest_seen(&self, held: &[Held], now: Timestamp) -> Result<Option<Timestamp>> {
        let first = held.iter().filter_map(|batch| {
            let first = batch.entries.split([',', '-']).next()?;
            first.trim_start_matches('E').parse::<i64>().ok()
        });
        let Some(first) = first.min() else { return Ok(None) };
        let mut statement = self
            .conn
            .prepare_cached(
                "-- soonest_seen\nSELECT k.facts FROM recheck k JOIN entry e ON e.id = k.entry
                 WHERE k.entry >= :first AND k.found = :in_bin AND k.facts IS NOT NULL
                   AND e.state = 7 AND e.target IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM recheck l
                       WHERE l.entry = k.entry AND l.reading > k.reading)
                   AND NOT EXISTS (SELECT 1 FROM entry u JOIN scope s ON s.id = u.scope
                       WHERE u.target = e.target AND u.row = e.id AND s.operation = 'restore'
                         AND u.state IN (7, 8))
                 ORDER BY k.entry LIMIT :looked_at",
            )
            .doing(DOING)?;
        let params: &[(&str, &dyn rusqlite::ToSql)] = named_params! {
            ":first": first, ":in_bin": Sql(Found::InBin), ":looked_at": LOOKED_AT,
        };
        let mut rows = statement.query(params).doing(DOING)?;
        let mut soonest: Option<Timestamp> = None;
        while let Some(row) = rows.next().doing(DOING)? {
            let facts: String = row.get(0).doing(DOING)?;
            let Ok(Facts { bin, deleted, .. }) = serde_json::from_str(&facts) else { continue };
            let at = match (bin, deleted) {
                (Look::Seen(deletion), _) | (_, Look::Seen(deletion)) => deletion.at,
                _ => None,
            };
            let until = at.map(|at| at.plus(BIN_KEEPS)).filter(|until| *until > now);
            soonest = soonest.into_iter().chain(until).min();
        }
        Ok(soonest)
    }

    /// Whether an entry of a set is done, and nothing has brought it back.
    fn holds_something(&self, entries: &str, any_undo: bool) -> Result<bool> {
        let entries: EntryRanges =
            entries.parse().map_err(|_| StoreError::corrupt("batch", "its entries".to_owned()))?;
        let mut statement = self
            .conn
            .prepare_cached(
                "-- holds_something\nSELECT 1 FROM entry e
                 WHERE e.id BETWEEN :first AND :last AND e.state = 7 AND e.target IS NOT NULL
                   AND NOT (:any_undo AND EXISTS (
                     SELECT 1 FROM entry u JOIN scope s ON s.id = u.scope
                     WHERE u.target = e.target AND u.row = e.id AND s.operation = 'restore'
                       AND u.state IN (7, 8)))",
            )
            .doing(DOING)?;
        for (first, last) in entries.ranges() {
            let params: &[(&str, &dyn rusqlite::ToSql)] = named_params! {
                ":first": Sql::<EntryId>(first), ":last": Sql::<EntryId>(last), ":any_undo": any_undo,
            };
            if statement.exists(params).doing(DOING)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

struct Done {
    deleted: u64,
    others: u64,
}
