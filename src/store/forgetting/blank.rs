//! Blanking: answers, words, facts, sealed fields, scopes, entries.

use std::collections::HashSet;
use std::ops::Range;

use rusqlite::named_params;

use crate::domain::erasure::{filler, positions};
use crate::domain::event::Event;
use crate::domain::id::{BatchId, EventSeq};
use crate::domain::ranges::EntryRanges;
use crate::domain::slices::envelope;
use crate::store::WriteTx;
use crate::store::batch::{StoredAnswer, answer_of, deflate, entries_of, targets_of};
use crate::store::code::Sql;
use crate::store::error::{Doing, Result};
use crate::store::forgetting::{FORGETTING, Plan};
use crate::store::log;

/// Runs of at least so many digits may be ids.
const DIGITS_OF_AN_ID: usize = 10;

impl WriteTx<'_> {
    /// Blanks the items' bytes in answers, and whole answers of which nothing is left. Returns those that named
    /// one of the records outside of its own bytes: all that stands around the items goes there.
    pub(super) fn blank_answers(&self, batches: &[BatchId], plan: &Plan) -> Result<Vec<BatchId>> {
        let mut envelopes = Vec::new();
        for batch in batches {
            let entries = entries_of(&self.tx, *batch)?;
            if entries.ranges().all(|(first, last)| plan.after.holds(first, last)) {
                self.put_answer(*batch, None)?;
                continue;
            }
            let Some(StoredAnswer { mut body, cuts }) = answer_of(&self.tx, *batch)? else {
                continue;
            };
            for (first, last) in positions(&entries, &plan.fresh) {
                for place in first..=last {
                    let cut = usize::try_from(place).ok().and_then(|place| cuts.get(place));
                    if let Some(slot) = cut.cloned().flatten().and_then(|cut| body.get_mut(cut)) {
                        slot.copy_from_slice(&filler(slot.len()));
                    }
                }
            }
            let around = envelope(&body, &cuts);
            if self.names_one_of(&around, &entries, plan)? {
                let mut blank = filler(around.len()).into_iter();
                for (at, byte) in body.iter_mut().enumerate() {
                    if !cuts.iter().flatten().any(|cut: &Range<usize>| cut.contains(&at)) {
                        *byte = blank.next().unwrap_or(b'*');
                    }
                }
                let seq = self.ended_by(*batch)?;
                self.blank_seal(seq, "envelope")?;
                envelopes.push(*batch);
            }
            self.put_answer(*batch, Some(&body))?;
        }
        Ok(envelopes)
    }

    /// Whether a text names a record of those entries of a batch that go.
    fn names_one_of(&self, text: &[u8], entries: &EntryRanges, plan: &Plan) -> Result<bool> {
        let runs: HashSet<i64> = text
            .split(|byte| !byte.is_ascii_digit())
            .filter(|run| run.len() >= DIGITS_OF_AN_ID)
            .filter_map(|run| str::from_utf8(run).ok()?.parse().ok())
            .collect();
        if runs.is_empty() {
            return Ok(false);
        }
        let going = crate::domain::erasure::common(entries, &plan.fresh);
        let targets = targets_of(&self.tx, &going)?;
        Ok(targets.iter().flatten().any(|target| runs.contains(&target.get())))
    }

    fn ended_by(&self, batch: BatchId) -> Result<EventSeq> {
        self.tx
            .prepare_cached("-- ended_by\nSELECT ended_seq FROM batch WHERE id = :batch")
            .and_then(|mut statement| {
                statement.query_row(named_params! {":batch": Sql(batch)}, |row| {
                    row.get::<_, Sql<EventSeq>>(0)
                })
            })
            .map(|Sql(seq)| seq)
            .doing(FORGETTING)
    }

    /// Puts another body in the place of an answer's, of the same length; or none at all.
    fn put_answer(&self, batch: BatchId, body: Option<&[u8]>) -> Result<()> {
        let sql = match body {
            Some(_) => "-- put_answer\nUPDATE answer SET body = :body WHERE batch = :batch",
            None => {
                "-- drop_answer\nUPDATE answer SET body = :body, cuts = NULL WHERE batch = :batch"
            }
        };
        let body = body.map(deflate);
        self.tx
            .prepare_cached(sql)
            .and_then(|mut statement| {
                statement.execute(named_params! {":batch": Sql(batch), ":body": body})
            })
            .map(|_| ())
            .doing(FORGETTING)
    }

    /// Of what Zoho said about entries only the codes stay: a message may name anything.
    pub(super) fn blank_words(&self, entries: &EntryRanges) -> Result<()> {
        let mut find = self
            .tx
            .prepare(
                "-- words_of\nSELECT DISTINCT s.id, s.code FROM attempt a JOIN said s ON s.id = a.said
                 WHERE a.entry BETWEEN :first AND :last AND s.message <> ''",
            )
            .doing(FORGETTING)?;
        let mut put = self
            .tx
            .prepare(
                "-- put_words\nUPDATE attempt SET said = :blank
                 WHERE entry BETWEEN :first AND :last AND said = :said",
            )
            .doing(FORGETTING)?;
        let mut left: HashSet<i64> = HashSet::new();
        for (first, last) in entries.ranges() {
            let rows = find
                .query_map(named_params! {":first": Sql(first), ":last": Sql(last)}, |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
                })
                .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
                .doing(FORGETTING)?;
            for (said, code) in rows {
                let blank = self.said_id(&code, "")?;
                put.execute(named_params! {
                    ":blank": blank, ":first": Sql(first), ":last": Sql(last), ":said": said,
                })
                .doing(FORGETTING)?;
                left.insert(said);
            }
        }
        let mut drop = self
            .tx
            .prepare(
                "-- drop_words\nDELETE FROM said WHERE id = :said
                 AND NOT EXISTS (SELECT 1 FROM attempt WHERE said = :said)",
            )
            .doing(FORGETTING)?;
        for said in left {
            drop.execute(named_params! {":said": said}).doing(FORGETTING)?;
        }
        Ok(())
    }

    /// Blanks what was read of entries.
    pub(super) fn blank_facts(&self, entries: &EntryRanges) -> Result<()> {
        for sql in [
            "-- blank_evidence\nUPDATE evidence SET facts = NULL
             WHERE entry BETWEEN :first AND :last AND facts IS NOT NULL",
            "-- blank_snapshots\nUPDATE snapshot SET facts = NULL
             WHERE entry BETWEEN :first AND :last AND facts IS NOT NULL",
            "-- blank_full_snapshots\nUPDATE full_snapshot SET sha256 = NULL, file = NULL
             WHERE entry BETWEEN :first AND :last AND sha256 IS NOT NULL",
            "-- blank_rechecks\nUPDATE recheck SET facts = NULL
             WHERE entry BETWEEN :first AND :last AND facts IS NOT NULL",
        ] {
            let mut blank = self.tx.prepare(sql).doing(FORGETTING)?;
            for (first, last) in entries.ranges() {
                blank
                    .execute(named_params! {":first": Sql(first), ":last": Sql(last)})
                    .doing(FORGETTING)?;
            }
        }
        Ok(())
    }

    /// Blanks the sealed fields of an event that speaks of nothing but what will have gone.
    pub(super) fn blank_seals(&self, seq: EventSeq, plan: &Plan) -> Result<()> {
        let event: Event = log::event(&self.tx, seq)?.decode()?.event;
        if !event.goes_with(&plan.after, &plan.requests.iter().copied().collect()) {
            return Ok(());
        }
        self.tx
            .prepare_cached(
                "-- blank_seals\nUPDATE sealed SET salt = NULL, value = NULL WHERE seq = :seq",
            )
            .and_then(|mut statement| statement.execute(named_params! {":seq": Sql(seq)}))
            .map(|_| ())
            .doing(FORGETTING)
    }

    fn blank_seal(&self, seq: EventSeq, field: &str) -> Result<()> {
        self.tx
            .prepare_cached(
                "-- blank_seal\nUPDATE sealed SET salt = NULL, value = NULL
                 WHERE seq = :seq AND field = :field",
            )
            .and_then(|mut statement| {
                statement.execute(named_params! {":seq": Sql(seq), ":field": field})
            })
            .map(|_| ())
            .doing(FORGETTING)
    }

    /// Blanks the entries themselves, and parents and tags that no other entry needs.
    pub(super) fn blank_entries(&self, entries: &EntryRanges) -> Result<()> {
        let mut scopes: HashSet<i64> = HashSet::new();
        let mut find = self
            .tx
            .prepare(
                "-- scopes_of\nSELECT DISTINCT e.scope FROM entry e JOIN scope s ON s.id = e.scope
                 WHERE e.id BETWEEN :first AND :last
                   AND (s.parent IS NOT NULL OR s.tags IS NOT NULL)",
            )
            .doing(FORGETTING)?;
        let mut blank = self
            .tx
            .prepare(
                "-- blank_entries\nUPDATE entry SET target = NULL, row = NULL
                 WHERE id BETWEEN :first AND :last",
            )
            .doing(FORGETTING)?;
        for (first, last) in entries.ranges() {
            let range = named_params! {":first": Sql(first), ":last": Sql(last)};
            let found = find
                .query_map(range, |row| row.get(0))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
                .doing(FORGETTING)?;
            scopes.extend(found);
            blank.execute(range).doing(FORGETTING)?;
        }
        self.blank_scopes(scopes)
    }

    fn blank_scopes(&self, mut scopes: HashSet<i64>) -> Result<()> {
        if scopes.is_empty() {
            return Ok(());
        }
        // One look at all entries; scopes have no index of theirs.
        let mut needed = self
            .tx
            .prepare("-- scopes_needed\nSELECT DISTINCT scope FROM entry WHERE target IS NOT NULL")
            .doing(FORGETTING)?;
        let rows = needed.query_map([], |row| row.get::<_, i64>(0)).doing(FORGETTING)?;
        for scope in rows {
            scopes.remove(&scope.doing(FORGETTING)?);
        }
        let mut blank = self
            .tx
            .prepare(
                "-- blank_scope\nUPDATE scope SET parent = NULL, tags = NULL WHERE id = :scope",
            )
            .doing(FORGETTING)?;
        for scope in scopes {
            blank.execute(named_params! {":scope": scope}).doing(FORGETTING)?;
        }
        Ok(())
    }
}
