//! Unknown entries, and what the journal knows about each before anything is read.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::event::JobEnding;
use crate::domain::evidence::presence::ThingFacts;
use crate::domain::evidence::{AttemptRecord, LostPart};
use crate::domain::id::{BatchId, EntryId, EventSeq, RecordId, RequestId, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::{Operation, Scope};
use crate::domain::state::{EntryState, Outcome};
use crate::domain::target::ApiVersion;
use crate::domain::time::Timestamp;
use crate::planted::Mistake;
use crate::store::Reader;
use crate::store::adopting;
use crate::store::batch::{entries_of, targets_of};
use crate::store::code::{Name, Sql, uncount};
use crate::store::error::{Doing, Result};
use crate::store::log;
use crate::store::scope;
use crate::store::scope::ScopeId;
use crate::store::snapshot;

/// An unknown entry, or one whose job is over, with its attempts, before anything is read.
#[derive(Debug, Clone)]
pub struct UnknownEntry {
    /// The entry.
    pub entry: EntryId,
    /// The request it belongs to.
    pub request: RequestId,
    /// What it has in common with others.
    pub scope: Arc<Scope>,
    /// The record, or the tag.
    pub target: RecordId,
    /// What the newest snapshot showed, if one was made.
    pub snapshot: Option<ThingFacts>,
    /// The API version of its last attempt.
    pub api_version: ApiVersion,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptRecord>,
    /// The lost part of the log that may have sent it, if any was and nothing was read since.
    pub lost: Option<LostPart>,
    /// How often the newest run sent it.
    pub tries: u32,
    /// The job of its last attempt, if that was one and is over.
    pub job: Option<Arc<LastJob>>,
    /// When another entry that deleted the same record was settled as done, by Zoho's clock.
    pub deleted_earlier: Option<Timestamp>,
    /// Whether another entry of the same scope took the thing away after evidence had shown it there.
    pub removed_meanwhile: bool,
    /// What an earlier reading showed that could not decide.
    pub undecided_facts: Option<String>,
}

/// A job that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastJob {
    /// All its items, those of other requests and those that are settled included.
    pub items: Vec<RecordId>,
    /// How it ended.
    pub ending: JobEnding,
    /// How many items Zoho says that it deleted.
    pub deleted: Option<u64>,
}

impl Reader {
    /// Unknown entries of the wanted requests (all when `None`) after an entry, and entries whose job is over,
    /// in key order, with what the journal knows about each.
    pub fn unknown_entries(
        &self,
        after: EntryId,
        wanted: Option<&[RequestId]>,
        at_most: usize,
    ) -> Result<Vec<UnknownEntry>> {
        unknown_entries(&self.conn, after, wanted, at_most)
    }

    /// How many unknown entries of the wanted requests (all when `None`) reads could not decide.
    pub fn undecided(&self, wanted: Option<&[RequestId]>) -> Result<u64> {
        let doing = "counting undecided entries";
        let mut statement = self
            .conn
            .prepare(
                "-- undecided\nSELECT r.id, count(*) FROM tally t JOIN request r ON r.id = t.request
                 JOIN entry e ON e.id BETWEEN r.first_entry AND r.last_entry AND e.state = 6
                 WHERE t.state = 6 AND t.entries > 0
                   AND 6 = (SELECT v.verdict FROM evidence v WHERE v.entry = e.id
                            ORDER BY v.reading DESC LIMIT 1)
                 GROUP BY r.id",
            )
            .doing(doing)?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, Sql<RequestId>>(0)?.0, uncount(row.get(1)?))))
            .doing(doing)?
            .collect::<rusqlite::Result<Vec<_>>>()
            .doing(doing)?;
        Ok(rows
            .into_iter()
            .filter(|(request, _)| wanted.is_none_or(|wanted| wanted.contains(request)))
            .map(|(_, entries)| entries)
            .sum())
    }
}

pub(crate) fn unknown_entries(
    conn: &Connection,
    after: EntryId,
    wanted: Option<&[RequestId]>,
    at_most: usize,
) -> Result<Vec<UnknownEntry>> {
    let doing = "looking for unknown entries";
    let mut ranges = conn
        .prepare_cached(
            "-- requests_with_unknown\nSELECT DISTINCT r.id, max(r.first_entry, :after + 1),
                    r.last_entry
             FROM tally t JOIN request r ON r.id = t.request
             WHERE t.state IN (5, 6) AND t.entries > 0 AND r.last_entry > :after
             ORDER BY r.first_entry",
        )
        .doing(doing)?;
    let requests = ranges
        .query_map(named_params! {":after": Sql(after)}, |row| {
            let (Sql(request), Sql(first), Sql(last)) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((request, first, last))
        })
        .doing(doing)?
        .collect::<rusqlite::Result<Vec<(RequestId, EntryId, EntryId)>>>()
        .doing(doing)?;
    let mut users = HashMap::new();
    let mut found = Vec::new();
    let mut known: Option<(ScopeId, Arc<Scope>)> = None;
    let mut jobs = HashMap::new();
    for (request, first, last) in requests {
        if wanted.is_some_and(|wanted| !wanted.contains(&request)) {
            continue;
        }
        let room = at_most.saturating_sub(found.len());
        for (entry, target, id) in unknown_in(conn, first, last, room)? {
            let scope = match &known {
                Some((known, scope)) if *known == id => Arc::clone(scope),
                _ => Arc::new(scope::get(conn, id)?),
            };
            known = Some((id, Arc::clone(&scope)));
            let operation = scope.operation();
            let (attempts, api_version) = attempts_of(conn, operation, entry, &mut users)?;
            found.push(UnknownEntry {
                entry,
                request,
                scope: Arc::clone(&scope),
                target,
                snapshot: snapshot::facts_of(conn, operation, entry)?,
                api_version: api_version.unwrap_or(ApiVersion::V8),
                attempts,
                lost: adopting::lost_part(conn, entry)?,
                tries: tries_of(conn, entry)?,
                job: job_of(conn, &mut jobs, entry)?,
                deleted_earlier: deleted_earlier(conn, &scope, entry, target)?,
                removed_meanwhile: removed_meanwhile(conn, (entry, target, id))?,
                undecided_facts: undecided_facts(conn, entry)?,
            });
        }
        if found.len() >= at_most {
            break;
        }
    }
    Ok(found)
}

fn unknown_in(
    conn: &Connection,
    first: EntryId,
    last: EntryId,
    at_most: usize,
) -> Result<Vec<(EntryId, RecordId, ScopeId)>> {
    let doing = "looking for unknown entries";
    let mut statement = conn
        .prepare_cached(
            // Two entries for one thing are unknown at once only after an adoption: one after the other is
            // settled, so that what the first one did is not put down to the second as well.
            "-- unknown_in\nSELECT e.id, e.target, e.scope FROM entry e
             WHERE e.id BETWEEN :first AND :last AND e.target IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM entry o WHERE o.target = e.target
                               AND o.scope = e.scope AND o.state = 6 AND o.id < e.id)
               AND (e.state = 6 OR e.state = 5 AND EXISTS (
                   SELECT 1 FROM job j WHERE j.ended_seq IS NOT NULL AND j.batch =
                       (SELECT max(a.batch) FROM attempt a WHERE a.entry = e.id)))
             ORDER BY e.id LIMIT :limit",
        )
        .doing(doing)?;
    let limit = i64::try_from(at_most).unwrap_or(i64::MAX);
    let rows = statement
        .query_map(
            named_params! {":first": Sql(first), ":last": Sql(last), ":limit": limit},
            |row| {
                let (Sql(entry), Sql(target)) = (row.get(0)?, row.get(1)?);
                Ok((entry, target, ScopeId(row.get(2)?)))
            },
        )
        .doing(doing)?;
    rows.collect::<rusqlite::Result<_>>().doing(doing)
}

/// The token's user of each run, looked up once.
type Users = HashMap<RunId, Option<RecordId>>;

/// An entry's attempts; those before evidence last said that they changed nothing are closed.
fn attempts_of(
    conn: &Connection,
    operation: Operation,
    entry: EntryId,
    users: &mut Users,
) -> Result<(Vec<AttemptRecord>, Option<ApiVersion>)> {
    let doing = "reading an entry's attempts";
    let mut statement = conn
        .prepare_cached(
            "-- attempts_of\nSELECT a.outcome, s.code, b.ending, b.complete, b.sent_at_ms,
                    b.sent_before_ms, b.send_by_ms, b.run, b.seen_before, b.api_version,
                    r.user_seq, r.clock_offset_ms, b.begun_seq,
                    b.begun_seq < (SELECT coalesce(max(g.seq), -1) FROM evidence v
                                   JOIN reading g ON g.id = v.reading
                                   WHERE v.entry = :entry AND v.verdict IN (4, 5)), b.ended_seq
             FROM attempt a
             JOIN batch b ON b.id = a.batch
             JOIN said s ON s.id = a.said
             JOIN run r ON r.id = b.run
             WHERE a.entry = :entry
             ORDER BY b.id",
        )
        .doing(doing)?;
    let mut rows = statement.query(named_params! {":entry": Sql(entry)}).doing(doing)?;
    let (mut attempts, mut version) = (Vec::new(), None);
    while let Some(row) = rows.next().doing(doing)? {
        let read = || -> rusqlite::Result<_> {
            let attempt = AttemptRecord {
                operation,
                outcome: row.get::<_, Sql<Outcome>>(0)?.0,
                code: row.get(1)?,
                complete: row.get::<_, Option<bool>>(3)?.unwrap_or(false),
                sent_at: row.get::<_, Option<Sql<Timestamp>>>(4)?.map(|Sql(at)| at),
                sent_before: row.get::<_, Option<Sql<Timestamp>>>(5)?.map(|Sql(at)| at),
                send_by: row.get::<_, Sql<Timestamp>>(6)?.0,
                run: row.get::<_, Sql<RunId>>(7)?.0,
                user: None,
                clock_offset_ms: row.get(11)?,
                begun_at: Timestamp::from_millis(0),
                ended_at: None,
                seen_before: row
                    .get::<_, Option<Name<EntryRanges>>>(8)?
                    .is_some_and(|Name(ranges)| ranges.contains(entry)),
                closed: row.get(13)?,
            };
            let Name(version) = row.get::<_, Name<ApiVersion>>(9)?;
            let user_seq = row.get::<_, Option<Sql<EventSeq>>>(10)?;
            let begun = row.get::<_, Sql<EventSeq>>(12)?.0;
            let ended = row.get::<_, Option<Sql<EventSeq>>>(14)?;
            Ok((attempt, version, user_seq, begun, ended))
        };
        let (mut attempt, api_version, user_seq, begun, ended) = read().doing(doing)?;
        attempt.begun_at = log::event(conn, begun)?.decode()?.at;
        if let Some(Sql(ended)) = ended.filter(|_| attempt.outcome == Outcome::Unknown) {
            attempt.ended_at = Some(log::event_at(conn, ended)?.0);
        }
        if !attempt.complete && attempt.sent_before.is_none() {
            // An answer that was cut, or a gateway's: the call may have been passed on until it came.
            attempt.sent_before = attempt.ended_at;
        }
        attempt.user = user_of(conn, users, attempt.run, user_seq.map(|Sql(seq)| seq))?;
        attempts.push(attempt);
        version = Some(api_version);
    }
    Ok((attempts, version))
}

/// What the last reading of an entry showed, if it could not decide.
fn undecided_facts(conn: &Connection, entry: EntryId) -> Result<Option<String>> {
    conn.prepare_cached(
        "-- undecided_facts\nSELECT CASE verdict WHEN 6 THEN facts END FROM evidence
         WHERE entry = :entry ORDER BY reading DESC LIMIT 1",
    )
    .and_then(|mut statement| {
        statement.query_row(named_params! {":entry": Sql(entry)}, |row| row.get(0)).optional()
    })
    .map(Option::flatten)
    .doing("reading an entry's evidence")
}

/// The job of an entry's last attempt, if that was one and is over. `jobs` are those that are known already.
fn job_of(
    conn: &Connection,
    jobs: &mut HashMap<BatchId, Arc<LastJob>>,
    entry: EntryId,
) -> Result<Option<Arc<LastJob>>> {
    let doing = "reading an entry's job";
    let found = conn
        .prepare_cached(
            "-- job_of\nSELECT j.batch, j.ending, j.deleted FROM job j
             WHERE j.ended_seq IS NOT NULL
               AND j.batch = (SELECT max(a.batch) FROM attempt a WHERE a.entry = :entry)",
        )
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":entry": Sql(entry)}, |row| {
                    let (Sql(batch), Name(ending)) = (row.get(0)?, row.get(1)?);
                    Ok((batch, ending, row.get::<_, Option<i64>>(2)?.map(uncount)))
                })
                .optional()
        })
        .doing(doing)?;
    let Some((batch, ending, deleted)) = found else { return Ok(None) };
    if let Some(job) = jobs.get(&batch) {
        return Ok(Some(Arc::clone(job)));
    }
    let items = targets_of(conn, &entries_of(conn, batch)?)?.into_iter().flatten().collect();
    let job = Arc::new(LastJob { items, ending, deleted });
    jobs.insert(batch, Arc::clone(&job));
    Ok(Some(job))
}

/// When another entry that deleted the same record was settled as done.
fn deleted_earlier(
    conn: &Connection,
    scope: &Scope,
    entry: EntryId,
    target: RecordId,
) -> Result<Option<Timestamp>> {
    if scope.operation() != Operation::Delete || Mistake::ForgetsOtherEntries.is_made() {
        return Ok(None);
    }
    // `entry_by_target` finds the few entries of the record; what settled one is the last thing said of it.
    let seq: Option<Sql<EventSeq>> = conn
        .prepare_cached(
            "-- deleted_earlier\nSELECT max(max(
                 coalesce((SELECT max(g.seq) FROM evidence v JOIN reading g ON g.id = v.reading
                           WHERE v.entry = e.id), -1),
                 coalesce((SELECT max(b.ended_seq) FROM attempt a JOIN batch b ON b.id = a.batch
                           WHERE a.entry = e.id), -1)))
             FROM entry e JOIN scope s ON s.id = e.scope
             WHERE e.target = :target AND e.id <> :entry AND e.state = :done
               AND s.operation = 'delete' AND s.product = :product AND s.module = :module",
        )
        .and_then(|mut statement| {
            statement.query_row(
                named_params! {
                    ":target": Sql(target), ":entry": Sql(entry), ":done": Sql(EntryState::Done),
                    ":product": scope.product.wire_name(), ":module": scope.module.as_str(),
                },
                |row| row.get(0),
            )
        })
        .doing("looking for an earlier deletion of a record")?;
    let Some(Sql(seq)) = seq else { return Ok(None) };
    let (at, _) = log::event_at(conn, seq)?;
    Ok(Some(at.shifted(clock_offset(conn, seq)?)))
}

/// Whether another entry of the same scope took a thing away after a reading of this one, the last that closed its
/// calls, had shown it there: then none of these explains that it is gone.
fn removed_meanwhile(
    conn: &Connection,
    (entry, target, scope): (EntryId, RecordId, ScopeId),
) -> Result<bool> {
    conn.prepare_cached(
        "-- removed_meanwhile\nSELECT EXISTS (
             SELECT 1 FROM entry e WHERE e.target = :target AND e.scope = :scope
               AND e.id <> :entry AND e.state = :done
               AND max(coalesce((SELECT max(g.seq) FROM evidence v JOIN reading g ON g.id = v.reading
                                 WHERE v.entry = e.id), -1),
                       coalesce((SELECT max(b.ended_seq) FROM attempt a JOIN batch b ON b.id = a.batch
                                 WHERE a.entry = e.id), -1))
                   > (SELECT max(g.seq) FROM evidence v JOIN reading g ON g.id = v.reading
                      WHERE v.entry = :entry AND v.verdict IN (4, 5)))",
    )
    .and_then(|mut statement| {
        statement.query_row(
            named_params! {
                ":target": Sql(target), ":scope": scope.0, ":entry": Sql(entry),
                ":done": Sql(EntryState::Done),
            },
            |row| row.get(0),
        )
    })
    .doing("looking for another entry of the same thing")
}

/// How far Zoho's clock was ahead of ours, in milliseconds, as the run measured it whose event this is. For a person's
/// decision the run before it comes nearest.
fn clock_offset(conn: &Connection, seq: EventSeq) -> Result<i64> {
    conn.prepare_cached(
        "-- clock_offset\nSELECT clock_offset_ms FROM run WHERE user_seq < :seq ORDER BY id DESC LIMIT 1",
    )
    .and_then(|mut statement| {
        statement.query_row(named_params! {":seq": Sql(seq)}, |row| row.get(0)).optional()
    })
    .map(Option::unwrap_or_default)
    .doing("reading a run")
}

/// How often the newest run sent an entry.
fn tries_of(conn: &Connection, entry: EntryId) -> Result<u32> {
    conn.prepare_cached(
        "-- tries_of\nSELECT count(*) FROM attempt a JOIN batch b ON b.id = a.batch
         WHERE a.entry = :entry AND a.outcome <> 6 AND b.run = (SELECT max(id) FROM run)",
    )
    .and_then(|mut statement| {
        statement.query_row(named_params! {":entry": Sql(entry)}, |row| row.get(0))
    })
    .doing("reading an entry's attempts")
}

fn user_of(
    conn: &Connection,
    users: &mut Users,
    run: RunId,
    seq: Option<EventSeq>,
) -> Result<Option<RecordId>> {
    if let Some(user) = users.get(&run) {
        return Ok(*user);
    }
    let user = match seq {
        Some(seq) => log::opened(conn, seq, "user")?.and_then(|text| text.parse().ok()),
        None => None,
    };
    users.insert(run, user);
    Ok(user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::UNDECIDED;
    use crate::domain::state::Verdict;
    use crate::store::StoreError;
    use crate::store::settling::NewDecision;
    use crate::store::testing::{Ask, Journal, USER, in_bin, record, still_there};

    const HOUR: i64 = 3_600_000;

    /// A run that measured so many milliseconds between Zoho's clock and ours.
    fn start(journal: &mut Journal, ahead: i64) {
        let run = journal.start("sync");
        journal.write(|tx| tx.see_user(run, RecordId::from_stored(USER), ahead));
    }

    /// The record is asked for again as E2, its call is lost, and this is what is known of it then.
    fn asked_again(mut journal: Journal) -> UnknownEntry {
        let again = Ask { records: vec![record(1)], again: true, ..Ask::default() };
        journal.ask(&again);
        start(&mut journal, -24 * HOUR);
        let call = journal.begin(&[2]);
        journal.lose(&call);
        let unknown = journal.reader().unknown_entries(EntryId::new(0), None, 10).unwrap();
        let [unknown] = <[UnknownEntry; 1]>::try_from(unknown).unwrap();
        assert_eq!(unknown.entry, EntryId::new(2));
        unknown
    }

    #[test]
    fn an_earlier_deletion_is_by_zohos_clock_as_the_run_that_settled_it_measured_it() {
        let mut journal = Journal::new();
        journal.delete(1, 1);
        start(&mut journal, HOUR);
        let call = journal.begin(&[1]);
        journal.succeed(&call);
        let done = journal.now;
        journal.end(0);
        assert_eq!(asked_again(journal).deleted_earlier, Some(done.shifted(HOUR)));
    }

    #[test]
    fn an_earlier_deletion_that_evidence_found_is_by_the_clock_of_the_run_that_read_it() {
        let mut journal = Journal::new();
        journal.delete(1, 1);
        start(&mut journal, HOUR);
        let call = journal.begin(&[1]);
        journal.lose(&call);
        journal.end(4);
        start(&mut journal, 2 * HOUR);
        journal.find(&[(1, Verdict::Done, "", in_bin(USER, journal.now))]);
        let done = journal.now;
        journal.end(0);
        assert_eq!(asked_again(journal).deleted_earlier, Some(done.shifted(2 * HOUR)));
    }

    #[test]
    fn what_a_person_settled_is_by_the_clock_that_the_run_before_measured() {
        let mut journal = Journal::new();
        journal.delete(1, 1);
        start(&mut journal, HOUR);
        let call = journal.begin(&[1]);
        journal.lose(&call);
        journal.find(&[(1, Verdict::Undecided, UNDECIDED, still_there())]);
        journal.end(4);
        journal.pass(60);
        let settled = journal.write(|tx| {
            tx.settle(&NewDecision {
                entries: &"1".parse().unwrap(),
                verdict: Verdict::Done,
                settled_by: "anna",
                recorded_by: "anna",
                reason: "audit log",
                ticket: None,
                program: "zoho-journal/0.1.0",
            })
        });
        assert_eq!(settled, Ok(()));
        let done = journal.now;
        assert_eq!(asked_again(journal).deleted_earlier, Some(done.shifted(HOUR)));
    }

    #[test]
    fn what_nobody_deleted_before_has_no_earlier_deletion() {
        let mut journal = Journal::new();
        journal.delete(1, 1);
        start(&mut journal, HOUR);
        let call = journal.begin(&[1]);
        journal.answer(&call, &[(Outcome::Failed, "RECORD_LOCKED", "the record is locked")]);
        journal.end(3);
        assert_eq!(asked_again(journal).deleted_earlier, None);
    }

    /// E1 was seen untouched; then E2, for the same, took it away, or had done so before.
    #[test]
    fn what_another_entry_took_away_since_is_told_apart_from_what_it_took_away_before() {
        for (since, expected) in [(true, true), (false, false)] {
            let mut journal = Journal::new();
            journal.delete(1, 1);
            let again = Ask { records: vec![record(1)], again: true, ..Ask::default() };
            journal.ask(&again);
            journal.start("sync");
            if !since {
                let call = journal.begin(&[2]);
                journal.succeed(&call);
            }
            let call = journal.begin(&[1]);
            journal.lose(&call);
            journal.find(&[(1, Verdict::Pending, "", still_there())]);
            if since {
                let call = journal.begin(&[2]);
                journal.succeed(&call);
            }
            let call = journal.begin(&[1]);
            journal.lose(&call);
            let unknown = journal.reader().unknown_entries(EntryId::new(0), None, 10).unwrap();
            assert_eq!(unknown[0].removed_meanwhile, expected);
        }
    }

    /// What came of a call is dated where that may tell something: a lost call's end is when nobody waited any
    /// longer, a refused one's its answer.
    #[test]
    fn a_refused_call_is_known_with_the_time_of_its_answer() {
        let mut journal = Journal::new();
        journal.delete(1, 1);
        start(&mut journal, HOUR);
        let call = journal.begin(&[1]);
        let (begun, refused) = (journal.now, (Outcome::Unknown, "INVALID_DATA", "not deleted"));
        journal.answer(&call, &[refused]);
        let unknown = journal.reader().unknown_entries(EntryId::new(0), None, 10).unwrap();
        let [attempt] = unknown[0].attempts.as_slice() else { panic!("{unknown:?}") };
        assert_eq!((attempt.begun_at, attempt.ended_at), (begun, Some(journal.now)));
        assert_eq!((attempt.complete, attempt.sent_before), (true, None));
        assert_eq!(attempt.clock_offset_ms, HOUR);
    }

    #[test]
    fn only_the_last_reading_is_what_could_not_decide() {
        let mut journal = Journal::new();
        journal.delete(1, 1);
        start(&mut journal, 0);
        let call = journal.begin(&[1]);
        journal.lose(&call);
        let facts = |journal: &Journal| {
            let unknown = journal.reader().unknown_entries(EntryId::new(0), None, 10).unwrap();
            unknown[0].undecided_facts.clone()
        };
        assert_eq!(facts(&journal), None);
        for seen in [still_there(), in_bin(USER, journal.now)] {
            journal.find(&[(1, Verdict::Undecided, UNDECIDED, seen.clone())]);
            assert_eq!(facts(&journal), Some(serde_json::to_string(&seen).unwrap()));
        }
    }

    #[test]
    fn what_was_seen_before_a_call_is_not_forgotten_when_its_row_is_damaged() {
        let mut journal = Journal::new();
        journal.delete(1, 1);
        journal.start("sync");
        let lost = journal.begin(&[1]);
        journal.lose(&lost);
        let unknown = || journal.reader().unknown_entries(EntryId::new(0), None, 10);
        assert_eq!(unknown().unwrap().len(), 1);
        let damage = "UPDATE batch SET seen_before = 'all' WHERE id = 1";
        assert_eq!(journal.store.conn.execute(damage, []).unwrap(), 1);
        assert!(matches!(unknown(), Err(StoreError::Sqlite { .. })));
    }
}
