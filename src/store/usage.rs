//! What calls cost, and when the next one may be made. Of mere operation: nothing here is evidence.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::pace::Breaker;
use crate::domain::time::Timestamp;
use crate::domain::usage::{Used, minute_of, minutes_a_day};
use crate::store::code::{count, uncount};
use crate::store::error::{Doing, Result};
use crate::store::{Reader, Store, WriteTx};

const READING: &str = "reading what was used";
const WRITING: &str = "recording what was used";

/// What Zoho last said is left of the org's credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditsLeft {
    /// So many.
    pub credits: u64,
    /// When it said so.
    pub at: Timestamp,
}

/// What a run gathers between two commits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Metered {
    /// Calls made since.
    pub used: Used,
    /// What Zoho said is left.
    pub left: Option<CreditsLeft>,
}

impl WriteTx<'_> {
    /// Adds what a run gathered, and forgets what is older than a day.
    pub(crate) fn add_usage(&mut self, metered: Metered) -> Result<()> {
        let Metered { used, left } = metered;
        if used != Used::default() {
            let minute = minute_of(self.now);
            self.tx
                .prepare_cached(
                    "-- add_usage\nINSERT INTO usage (minute, calls, credits)
                     VALUES (:minute, :calls, :credits)
                     ON CONFLICT (minute) DO UPDATE
                     SET calls = min(calls, 1000000000) + excluded.calls,
                         credits = min(credits, 1000000000) + excluded.credits",
                )
                .and_then(|mut statement| {
                    statement.execute(named_params! {
                        ":minute": minute, ":calls": count(used.calls),
                        ":credits": count(used.credits),
                    })
                })
                .doing(WRITING)?;
            self.tx
                .prepare_cached("-- forget_usage\nDELETE FROM usage WHERE minute NOT BETWEEN :oldest AND :newest")
                .and_then(|mut statement| {
                    statement.execute(named_params! {
                        ":oldest": minute - minutes_a_day(), ":newest": minute + 1,
                    })
                })
                .doing(WRITING)?;
        }
        if let Some(CreditsLeft { credits, at }) = left {
            self.tx
                .execute(
                    "-- see_credits\nINSERT OR REPLACE INTO credits_left (one, credits, at_ms)
                     VALUES (1, :credits, :at)",
                    named_params! {":credits": count(credits), ":at": at.millis()},
                )
                .doing(WRITING)?;
        }
        Ok(())
    }

    /// Keeps an open breaker for later runs, or forgets it.
    pub(crate) fn keep_breaker(&mut self, breaker: Option<Breaker>) -> Result<()> {
        match breaker {
            Some(Breaker { not_before, setbacks }) => self.tx.execute(
                "-- open_breaker\nINSERT OR REPLACE INTO breaker (one, not_before_ms, setbacks)
                 VALUES (1, :not_before, :setbacks)",
                named_params! {":not_before": not_before.millis(), ":setbacks": setbacks},
            ),
            None => self.tx.execute("-- close_breaker\nDELETE FROM breaker", []),
        }
        .map(|_| ())
        .doing(WRITING)
    }
}

fn usage(conn: &Connection, now: Timestamp) -> Result<Vec<(i64, Used)>> {
    let mut statement = conn
        .prepare(
            "-- usage\nSELECT minute, calls, credits FROM usage
             WHERE minute BETWEEN :oldest AND :newest ORDER BY minute",
        )
        .doing(READING)?;
    let oldest = minute_of(now).saturating_sub(minutes_a_day());
    // What lies ahead was written by a clock that was wrong.
    let newest = minute_of(now).saturating_add(1);
    let rows = statement
        .query_map(named_params! {":oldest": oldest, ":newest": newest}, |row| {
            let used = Used { calls: uncount(row.get(1)?), credits: uncount(row.get(2)?) };
            Ok((row.get(0)?, used))
        })
        .doing(READING)?;
    rows.collect::<rusqlite::Result<_>>().doing(READING)
}

fn breaker(conn: &Connection) -> Result<Option<Breaker>> {
    conn.query_row("-- breaker\nSELECT not_before_ms, setbacks FROM breaker", [], |row| {
        let setbacks = u32::try_from(row.get::<_, i64>(1)?).unwrap_or(u32::MAX);
        Ok(Breaker { not_before: Timestamp::from_millis(row.get(0)?), setbacks })
    })
    .optional()
    .doing(READING)
}

impl Store {
    /// Calls and credits of the last day, by the minute.
    pub fn usage(&self, now: Timestamp) -> Result<Vec<(i64, Used)>> {
        usage(&self.conn, now)
    }

    /// The breaker that an earlier run left open.
    pub fn breaker(&self) -> Result<Option<Breaker>> {
        breaker(&self.conn)
    }
}

impl Reader {
    /// Calls and credits of the last day, by the minute.
    pub fn usage(&self, now: Timestamp) -> Result<Vec<(i64, Used)>> {
        usage(&self.conn, now)
    }

    /// The breaker that a run left open.
    pub fn breaker(&self) -> Result<Option<Breaker>> {
        breaker(&self.conn)
    }

    /// What Zoho last said is left of the org's credits; it says so once half of a day's are used.
    pub fn credits_left(&self) -> Result<Option<CreditsLeft>> {
        self.conn
            .query_row("-- credits_left\nSELECT credits, at_ms FROM credits_left", [], |row| {
                Ok(CreditsLeft {
                    credits: uncount(row.get(0)?),
                    at: Timestamp::from_millis(row.get(1)?),
                })
            })
            .optional()
            .doing(READING)
    }
}
