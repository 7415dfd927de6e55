//! What calls cost, and when the next one may be made. Of mere operation: nothing here is evidence.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::id::RunId;
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

    /// Keeps an open breaker for later runs, or forgets it. A run that a newer one replaced does neither: what it
    /// knows of Zoho is old.
    pub(crate) fn keep_breaker(&mut self, run: RunId, breaker: Option<Breaker>) -> Result<()> {
        self.check_run(run)?;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::StoreError;
    use crate::store::testing::Journal;

    fn metered(calls: u64) -> Metered {
        Metered { used: Used { calls, credits: 2 * calls }, left: None }
    }

    fn breaker(journal: &Journal, minutes: u64) -> Breaker {
        Breaker { not_before: journal.now.plus(Duration::from_mins(minutes)), setbacks: 5 }
    }

    #[test]
    fn a_day_is_kept_and_what_lies_outside_it_is_forgotten() {
        let mut journal = Journal::new();
        let (now, minute) = (journal.now, minute_of(journal.now));
        for at in [minute - minutes_a_day() - 1, minute - minutes_a_day(), minute + 500_000] {
            let row = format!("INSERT INTO usage VALUES ({at}, 9, 9)");
            journal.store.conn.execute(&row, []).unwrap();
        }
        journal.write(|tx| tx.add_usage(metered(3)));
        journal.write(|tx| tx.add_usage(metered(1)));
        let used = |calls, credits| Used { calls, credits };
        let kept = [(minute - minutes_a_day(), used(9, 9)), (minute, used(4, 8))];
        assert_eq!(journal.store.usage(now).unwrap(), kept);
        let rows: i64 = journal
            .store
            .conn
            .query_row("SELECT count(*) FROM usage", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 2, "a clock that was wrong leaves nothing for ever");
    }

    /// What a run that dies leaves: all of a transaction or none of it, and counting goes on from there.
    #[test]
    fn a_transaction_that_fails_counts_nothing_and_keeps_no_breaker() {
        let mut journal = Journal::new();
        journal.delete(1, 1);
        let run = journal.start("sync");
        let kept = breaker(&journal, 1);
        let (now, before) = (journal.now, journal.store.usage(journal.now).unwrap());
        let failed = journal.store.write("a test", now, |tx| {
            tx.add_usage(metered(7))?;
            tx.keep_breaker(run, Some(kept))?;
            Err::<(), _>(StoreError::WriterGone)
        });
        assert!(failed.is_err());
        assert_eq!(journal.store.usage(now).unwrap(), before);
        assert_eq!(journal.store.breaker().unwrap(), None);
        journal.write(|tx| tx.keep_breaker(run, Some(kept)));
        assert_eq!(journal.reader().breaker().unwrap(), Some(kept));
        journal.write(|tx| tx.keep_breaker(run, None));
        assert_eq!(journal.reader().breaker().unwrap(), None);
    }

    #[test]
    fn a_run_that_a_newer_one_replaced_moves_no_breaker() {
        let mut journal = Journal::new();
        journal.delete(1, 1);
        let older = journal.start("sync");
        let newer = journal.start("sync");
        let kept = breaker(&journal, 10);
        journal.write(|tx| tx.keep_breaker(newer, Some(kept)));
        let now = journal.now;
        for stale in [None, Some(breaker(&journal, 1))] {
            let refused =
                journal.store.write("a test", now, |tx| tx.keep_breaker(older, stale)).unwrap_err();
            assert!(matches!(refused, StoreError::StaleRun { .. }), "{refused}");
        }
        assert_eq!(journal.store.breaker().unwrap(), Some(kept));
    }

    #[test]
    fn rows_that_nobody_of_ours_wrote_break_nothing() {
        let mut journal = Journal::new();
        let hostile = [
            "INSERT INTO breaker VALUES (1, 9223372036854775807, 9223372036854775807)".to_owned(),
            format!(
                "INSERT INTO usage VALUES ({}, 9223372036854775807, 1)",
                minute_of(journal.now)
            ),
        ];
        for row in hostile {
            journal.store.conn.execute(&row, []).unwrap();
        }
        let found = journal.store.breaker().unwrap().unwrap();
        assert_eq!((found.setbacks, found.holds(journal.now)), (u32::MAX, None));
        journal.write(|tx| tx.add_usage(metered(1)));
    }
}
