//! Batches: recorded before their call may leave, and ended by what came of it.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::answer::RawAnswer;
use crate::domain::call::{Brought, CallItem, CallKind, PreparedBatch};
use crate::domain::calls;
use crate::domain::event::{
    AnsweredGroup, BatchAnswered, BatchBegun, BatchReturned, BatchUnanswered, Event, Returned,
    Unanswered,
};
use crate::domain::id::{BatchId, EntryId, EventSeq, RecordId, RunId};
use crate::domain::limits::SEND_WITHIN;
use crate::domain::merkle::Hash;
use crate::domain::outcome::{ItemResult, Judgement};
use crate::domain::ranges::EntryRanges;
use crate::domain::seal::LeafPurpose;
use crate::domain::slices::{decode_cuts, encode_cuts, envelope};
use crate::domain::state::Outcome;
use crate::domain::time::Timestamp;
use crate::planted::Mistake;
use crate::store::WriteTx;
use crate::store::code::{Sql, count};
use crate::store::entry;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::items::{Item, items_of, root_over};
use crate::store::log::Seals;
use crate::store::queue::Picked;
use crate::store::undo;

/// A batch that is written but not committed: it cannot be sent yet.
#[derive(Debug)]
#[must_use = "call `committed` once the transaction is"]
pub(crate) struct BegunBatch {
    batch: BatchId,
    kind: CallKind,
    items: Vec<CallItem>,
    brought: Vec<Brought>,
    template: String,
    send_by: Timestamp,
}

impl BegunBatch {
    /// To be called after COMMIT returned, and not before: the value may be sent.
    pub(crate) fn committed(self) -> PreparedBatch {
        let Self { batch, kind, items, brought, template, send_by } = self;
        PreparedBatch::committed(batch, kind, items, brought, template, send_by)
    }
}

/// A batch that a run left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenBatch {
    /// The batch.
    pub batch: BatchId,
    /// The last moment at which its bytes can have left.
    pub send_by: Timestamp,
}

/// What is kept of an answer, for showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The body, verbatim; slices that were erased are blank.
    pub body: Vec<u8>,
    /// Where each item's bytes stand, in entry order.
    pub cuts: Vec<Option<Range<usize>>>,
}

impl WriteTx<'_> {
    /// Records a batch: its event, its row, its entries in flight. Fails without a trace when one of the
    /// entries is not pending any more.
    pub(crate) fn begin_batch(
        &mut self,
        run: RunId,
        picked: Picked,
        seen_before: Option<EntryRanges>,
    ) -> Result<BegunBatch> {
        self.check_run(run)?;
        let doing = "recording a batch";
        let Sql(batch) = self
            .tx
            .prepare_cached("-- next_batch\nSELECT coalesce(max(id), 0) + 1 FROM batch")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, Sql<BatchId>>(0)))
            .doing(doing)?;
        let Picked { kind, items, alone } = picked;
        let template = template(&kind, items.len(), alone)?;
        let entries: EntryRanges = items.iter().map(|item| item.entry).collect();
        let operation = kind.scope.operation();
        let brought = undo::brought(&self.tx, operation, items.iter().map(|item| item.entry))?;
        let size = entries.len();
        let send_by = self.now.plus(SEND_WITHIN);
        let event = Event::from(BatchBegun {
            run,
            batch,
            entries: entries.clone(),
            api_version: kind.api_version,
            template: template.clone(),
            send_by,
            seen_before: seen_before.clone(),
        });
        entry::apply(&self.tx, &event)?;
        let seq = self.append(event, Seals::default())?;
        let template_id = self.template_id(&template)?;
        self.tx
            .prepare_cached(
                "-- begin_batch\nINSERT INTO batch (id, begun_seq, run, api_version, template,
                     entries, size, send_by_ms, seen_before)
                 VALUES (:id, :seq, :run, :version, :template, :entries, :size, :send_by, :seen)",
            )
            .and_then(|mut statement| {
                statement.execute(named_params! {
                    ":id": Sql(batch), ":seq": Sql(seq), ":run": Sql(run),
                    ":version": kind.api_version.wire_name(), ":template": template_id,
                    ":entries": entries.to_string(), ":size": count(size),
                    ":send_by": Sql(send_by),
                    ":seen": seen_before.map(|ranges| ranges.to_string()),
                })
            })
            .doing(doing)?;
        for (first, last) in entries.ranges() {
            self.tx
                .prepare_cached("-- unshare\nDELETE FROM share WHERE entry BETWEEN :a AND :b")
                .and_then(|mut statement| {
                    statement.execute(named_params! {":a": Sql(first), ":b": Sql(last)})
                })
                .doing(doing)?;
        }
        Ok(BegunBatch { batch, kind, items, brought, template, send_by })
    }

    fn template_id(&self, text: &str) -> Result<i64> {
        let doing = "recording a batch";
        let found = self
            .tx
            .prepare_cached("-- find_template\nSELECT id FROM template WHERE text = :text")
            .and_then(|mut statement| {
                statement.query_row(named_params! {":text": text}, |row| row.get(0)).optional()
            })
            .doing(doing)?;
        if let Some(id) = found {
            return Ok(id);
        }
        self.tx
            .execute(
                "-- make_template\nINSERT INTO template (text) VALUES (:text)",
                named_params! {":text": text},
            )
            .doing(doing)?;
        Ok(self.tx.last_insert_rowid())
    }

    /// Stores an answer verbatim and, in the same transaction, each item's own result.
    pub(crate) fn settle_batch(
        &mut self,
        run: RunId,
        prepared: &PreparedBatch,
        raw: &RawAnswer,
        judgement: &Judgement,
    ) -> Result<()> {
        self.check_run(run)?;
        let batch = prepared.batch();
        let entries: EntryRanges = prepared.items().iter().map(|item| item.entry).collect();
        let items = items_of(&self.tx, &entries)?;
        let slices: Vec<Option<Range<usize>>> =
            judgement.results.iter().map(|result| result.slice.clone()).collect();
        let mut seals = Seals::default();
        let rest = Hash::of(&envelope(&raw.body, &slices)).to_string();
        let event = Event::from(BatchAnswered {
            run,
            batch,
            sent_at: raw.sent_at,
            http_status: raw.http_status,
            complete: judgement.complete,
            groups: groups(&items, &judgement.results),
            share: judgement.share,
            items_root: self.answered_root(batch, &items, &judgement.results, &raw.body)?,
            strangers: judgement.strangers,
            repeated: judgement.repeated,
            envelope: seals.add(self.entropy, "envelope", &rest)?,
            job: seals.add_some(self.entropy, "job", judgement.job.as_deref())?,
        });
        entry::apply(&self.tx, &event)?;
        let seq = self.append(event, seals)?;
        let kept = if Mistake::ForgetsAnswers.is_made() { &[][..] } else { &raw.body };
        self.store_answer(batch, kept, &slices)?;
        self.tx
            .prepare_cached(
                "-- settle_batch\nUPDATE batch SET ended_seq = :seq, ending = 'answered',
                     sent_at_ms = :sent_at, http_status = :status, complete = :complete
                 WHERE id = :id AND ended_seq IS NULL",
            )
            .and_then(|mut statement| {
                statement.execute(named_params! {
                    ":seq": Sql(seq), ":sent_at": Sql(raw.sent_at), ":status": raw.http_status,
                    ":complete": judgement.complete, ":id": Sql(batch),
                })
            })
            .doing("settling a batch")
            .and_then(|rows| one_row(rows, batch))?;
        self.insert_attempts(batch, &items, &judgement.results)?;
        if judgement.job.is_some() && !Mistake::ForgetsJobs.is_made() {
            self.insert_job(batch)?;
        }
        self.insert_shares(judgement.share, &items, &judgement.results)
    }

    fn answered_root(
        &self,
        batch: BatchId,
        items: &[Item],
        results: &[ItemResult],
        body: &[u8],
    ) -> Result<Hash> {
        let purpose = LeafPurpose::Answered(batch);
        root_over(&self.tx, items, results, purpose, |maker, item, result| {
            let slice = result.slice.clone().and_then(|cut| body.get(cut));
            maker.answered(item, batch, result.outcome.wire_name(), &result.code, slice)
        })
    }

    fn store_answer(
        &self,
        batch: BatchId,
        body: &[u8],
        slices: &[Option<Range<usize>>],
    ) -> Result<()> {
        self.tx
            .prepare_cached(
                "-- store_answer\nINSERT INTO answer (batch, body, cuts)
                 VALUES (:batch, :body, :cuts)",
            )
            .and_then(|mut statement| {
                statement.execute(named_params! {
                    ":batch": Sql(batch), ":body": deflate(body), ":cuts": encode_cuts(slices),
                })
            })
            .map(|_| ())
            .doing("storing an answer")
    }

    /// One row an entry, written in runs of equal results.
    fn insert_attempts(
        &self,
        batch: BatchId,
        items: &[Item],
        results: &[ItemResult],
    ) -> Result<()> {
        let mut runs: Vec<(EntryId, EntryId, Outcome, i64)> = Vec::new();
        let mut said: HashMap<(&str, &str), i64> = HashMap::new();
        for (item, result) in items.iter().zip(results) {
            let key = (result.code.as_str(), result.message.as_str());
            let id = if let Some(id) = said.get(&key) {
                *id
            } else {
                let id = self.said_id(&result.code, &result.message)?;
                said.insert(key, id);
                id
            };
            let entry = item.identity.entry;
            match runs.last_mut() {
                Some((_, last, outcome, code))
                    if last.next() == entry && *outcome == result.outcome && *code == id =>
                {
                    *last = entry;
                }
                _ => runs.push((entry, entry, result.outcome, id)),
            }
        }
        for (first, last, outcome, said) in runs {
            self.insert_attempt_run(batch, (first, last), outcome, said)?;
        }
        Ok(())
    }

    /// The attempts of a range of entries that ended alike.
    fn insert_attempt_run(
        &self,
        batch: BatchId,
        (first, last): (EntryId, EntryId),
        outcome: Outcome,
        said: i64,
    ) -> Result<()> {
        self.tx
            .prepare_cached(
                "-- insert_attempt_run\nINSERT INTO attempt (entry, batch, outcome, said)
                 SELECT id, :batch, :outcome, :said FROM entry
                 WHERE id BETWEEN :first AND :last",
            )
            .and_then(|mut statement| {
                statement.execute(named_params! {
                    ":batch": Sql(batch), ":outcome": Sql(outcome), ":said": said,
                    ":first": Sql(first), ":last": Sql(last),
                })
            })
            .map(|_| ())
            .doing("recording attempts")
    }

    /// The number of Zoho's words; made when they are new.
    pub(crate) fn said_id(&self, code: &str, message: &str) -> Result<i64> {
        let doing = "recording an answer's words";
        let found = self
            .tx
            .prepare_cached("-- find_said\nSELECT id FROM said WHERE code = :c AND message = :m")
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":c": code, ":m": message}, |row| row.get(0))
                    .optional()
            })
            .doing(doing)?;
        if let Some(id) = found {
            return Ok(id);
        }
        self.tx
            .execute(
                "-- make_said\nINSERT INTO said (code, message) VALUES (:c, :m)",
                named_params! {":c": code, ":m": message},
            )
            .doing(doing)?;
        Ok(self.tx.last_insert_rowid())
    }

    fn insert_shares(
        &self,
        share: Option<u32>,
        items: &[Item],
        results: &[ItemResult],
    ) -> Result<()> {
        let Some(share) = share else { return Ok(()) };
        for (item, result) in items.iter().zip(results) {
            if result.outcome == Outcome::Returned {
                self.tx
                    .prepare_cached(
                        "-- insert_share\nINSERT INTO share (entry, at_most) VALUES (:e, :n)",
                    )
                    .and_then(|mut statement| {
                        statement
                            .execute(named_params! {":e": Sql(item.identity.entry), ":n": share})
                    })
                    .doing("splitting a batch")?;
            }
        }
        Ok(())
    }

    /// Records that a batch's call brought no answer: its entries are unknown from now on.
    pub(crate) fn leave_unanswered(
        &mut self,
        run: RunId,
        batch: BatchId,
        sent_at: Option<Timestamp>,
        sent_before: Timestamp,
        reason: Unanswered,
        detail: &str,
    ) -> Result<()> {
        self.check_run(run)?;
        let entries = entries_of(&self.tx, batch)?;
        let mut seals = Seals::default();
        let detail = seals.add(self.entropy, "detail", detail)?;
        let event = Event::from(BatchUnanswered {
            run,
            batch,
            sent_at,
            sent_before,
            reason,
            detail,
            entries: entries.clone(),
        });
        entry::apply(&self.tx, &event)?;
        let seq = self.append(event, seals)?;
        self.end_batch(batch, seq, "unanswered", sent_at, Some(sent_before))?;
        self.insert_plain_attempts(batch, &entries, Outcome::Unknown)
    }

    /// Gives a batch back whose call surely did not leave: its entries are pending again.
    pub(crate) fn give_back(
        &mut self,
        run: RunId,
        prepared: &PreparedBatch,
        reason: Returned,
        detail: &str,
    ) -> Result<()> {
        self.check_run(run)?;
        let batch = prepared.batch();
        let entries: EntryRanges = prepared.items().iter().map(|item| item.entry).collect();
        let mut seals = Seals::default();
        let detail = seals.add(self.entropy, "detail", detail)?;
        let event =
            Event::from(BatchReturned { run, batch, reason, detail, entries: entries.clone() });
        entry::apply(&self.tx, &event)?;
        let seq = self.append(event, seals)?;
        self.end_batch(batch, seq, "returned", None, None)?;
        self.insert_plain_attempts(batch, &entries, Outcome::Returned)
    }

    fn end_batch(
        &self,
        batch: BatchId,
        seq: EventSeq,
        ending: &str,
        sent_at: Option<Timestamp>,
        sent_before: Option<Timestamp>,
    ) -> Result<()> {
        self.tx
            .prepare_cached(
                "-- end_batch\nUPDATE batch SET ended_seq = :seq, ending = :ending,
                     sent_at_ms = :sent_at, sent_before_ms = :sent_before
                 WHERE id = :id AND ended_seq IS NULL",
            )
            .and_then(|mut statement| {
                statement.execute(named_params! {
                    ":seq": Sql(seq), ":ending": ending, ":sent_at": sent_at.map(Sql),
                    ":sent_before": sent_before.map(Sql), ":id": Sql(batch),
                })
            })
            .doing("ending a batch")
            .and_then(|rows| one_row(rows, batch))
    }

    fn insert_plain_attempts(
        &self,
        batch: BatchId,
        entries: &EntryRanges,
        outcome: Outcome,
    ) -> Result<()> {
        let said = self.said_id("", "")?;
        for (first, last) in entries.ranges() {
            self.insert_attempt_run(batch, (first, last), outcome, said)?;
        }
        Ok(())
    }

    /// Batches that an earlier run left open.
    pub(crate) fn open_batches(&self) -> Result<Vec<OpenBatch>> {
        let doing = "looking for open batches";
        let mut statement = self
            .tx
            .prepare(
                "-- open_batches\nSELECT id, send_by_ms FROM batch WHERE ended_seq IS NULL
                 ORDER BY id",
            )
            .doing(doing)?;
        let rows = statement
            .query_map([], |row| {
                let (Sql(batch), Sql(send_by)) = (row.get(0)?, row.get(1)?);
                Ok(OpenBatch { batch, send_by })
            })
            .doing(doing)?;
        rows.collect::<rusqlite::Result<_>>().doing(doing)
    }
}

/// The call as it is recorded. Nothing that the table of calls does not offer is ever picked.
fn template(kind: &CallKind, items: usize, alone: bool) -> Result<String> {
    let (operation, product) = (kind.scope.operation(), kind.scope.product);
    let call = calls::find(operation, product, kind.api_version).ok_or_else(|| {
        StoreError::Unsafe(format!("{product} {} has no call for {operation}", kind.api_version))
    })?;
    Ok(call.template(kind, call.form(items, alone)))
}

fn one_row(rows: usize, batch: BatchId) -> Result<()> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::corrupt("batch", format!("{batch} has ended already")))
    }
}

/// Groups of equal outcome and code, in order of first appearance.
fn groups(items: &[Item], results: &[ItemResult]) -> Vec<AnsweredGroup> {
    let mut groups: Vec<AnsweredGroup> = Vec::new();
    for (item, result) in items.iter().zip(results) {
        let same = |group: &&mut AnsweredGroup| {
            (group.outcome, &group.code) == (result.outcome, &result.code)
        };
        if let Some(group) = groups.iter_mut().find(same) {
            group.entries.push(item.identity.entry);
        } else {
            groups.push(AnsweredGroup {
                outcome: result.outcome,
                code: result.code.clone(),
                entries: EntryRanges::span(item.identity.entry, item.identity.entry),
            });
        }
    }
    groups
}

/// A batch's entries.
pub(crate) fn entries_of(conn: &Connection, batch: BatchId) -> Result<EntryRanges> {
    let text: String = conn
        .prepare_cached("-- entries_of\nSELECT entries FROM batch WHERE id = :id")
        .and_then(|mut statement| {
            statement.query_row(named_params! {":id": Sql(batch)}, |row| row.get(0)).optional()
        })
        .doing("reading a batch")?
        .ok_or_else(|| StoreError::NotFound(batch.to_string()))?;
    text.parse().map_err(|_| StoreError::corrupt("batch", format!("{batch}: its entries")))
}

/// What these entries are about, in order; `None` for one that was erased.
pub(crate) fn targets_of(
    conn: &Connection,
    entries: &EntryRanges,
) -> Result<Vec<Option<RecordId>>> {
    let doing = "reading a batch";
    let mut statement = conn
        .prepare_cached(
            "-- targets_of\nSELECT target FROM entry WHERE id BETWEEN :first AND :last ORDER BY id",
        )
        .doing(doing)?;
    let mut targets = Vec::new();
    for (first, last) in entries.ranges() {
        let rows = statement
            .query_map(named_params! {":first": Sql(first), ":last": Sql(last)}, |row| {
                Ok(row.get::<_, Option<Sql<RecordId>>>(0)?.map(|Sql(id)| id))
            })
            .doing(doing)?;
        for target in rows {
            targets.push(target.doing(doing)?);
        }
    }
    Ok(targets)
}

/// The stored answer to a batch, if it got one.
pub(crate) fn answer_of(conn: &Connection, batch: BatchId) -> Result<Option<StoredAnswer>> {
    let row = conn
        .prepare_cached("-- answer_of\nSELECT body, cuts FROM answer WHERE batch = :batch")
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":batch": Sql(batch)}, |row| {
                    let body: Option<Vec<u8>> = row.get(0)?;
                    let cuts: Option<Vec<u8>> = row.get(1)?;
                    Ok((body, cuts))
                })
                .optional()
        })
        .doing("reading an answer")?;
    let Some((Some(body), Some(cuts))) = row else {
        return Ok(None);
    };
    let damaged = |what: &str| StoreError::corrupt("answer", format!("{batch}: {what}"));
    let body = inflate(&body).map_err(|error| damaged(&error.to_string()))?;
    let cuts = decode_cuts(&cuts).ok_or_else(|| damaged("its cuts"))?;
    Ok(Some(StoredAnswer { body, cuts }))
}

/// Raw deflate. A delete answer's item of 103 bytes becomes 4 to 7.
pub(crate) fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing into memory does not fail; and if it did, the raw bytes would not inflate and be found.
    match encoder.write_all(body).and_then(|()| encoder.finish()) {
        Ok(bytes) => bytes,
        Err(_) => body.to_vec(),
    }
}

/// The largest answer that is read back: as much as was ever accepted from the network, and some.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

fn inflate(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    flate2::read::DeflateDecoder::new(bytes).take(MAX_ANSWER).read_to_end(&mut body)?;
    Ok(body)
}
