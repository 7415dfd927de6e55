//! Pending entries that are not sent while another entry for the same thing is open: evidence could not be put down
//! to one of two.

use rusqlite::{OptionalExtension, Row, named_params};

use crate::domain::id::{EntryId, RequestId};
use crate::domain::state::EntryState;
use crate::store::Reader;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result};

/// So many are named; the rest is counted.
const NAMED: usize = 20;

/// An entry whose end is not known, and that keeps others for the same record, relation or tag from being sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// The entry.
    pub entry: EntryId,
    /// The request it belongs to.
    pub request: RequestId,
    /// Where it stands: `in_flight`, `queued` or `unknown`.
    pub state: EntryState,
    /// Whether no read can decide it, so that only a person can end it.
    pub undecided: bool,
}

/// A pending entry and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// The entry.
    pub entry: EntryId,
    /// What it waits for.
    pub by: Blocker,
}

/// Pending entries that wait for others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blocked {
    /// How many there are.
    pub entries: u64,
    /// How many of them wait for what no read can decide.
    pub by_undecided: u64,
    /// The first of them, by what they wait for.
    pub first: Vec<Waits>,
}

/// What `u` is about is what `w` is about, as the queue sees it: a record is one thing whatever is done to it, a
/// relation from whichever side, a tag in its module.
macro_rules! same_thing {
    () => {
        "us.product = ws.product AND CASE
             WHEN us.operation IN ('unlink', 'relink') THEN ws.operation IN ('unlink', 'relink')
                 AND (u.target = w.target AND us.parent IS ws.parent
                      OR u.target = ws.parent AND us.parent = w.target)
             WHEN us.operation IN ('delete-tags', 'recreate-tags')
             THEN ws.operation IN ('delete-tags', 'recreate-tags') AND u.target = w.target
                 AND us.module = ws.module
             ELSE ws.operation IN ('delete', 'untag', 'restore', 'retag') AND u.target = w.target
                 AND us.module = ws.module END"
    };
}

/// Who owns an entry follows from its number; the last reading of an entry counts.
macro_rules! blocker {
    () => {
        "w.id, u.id, u.state,
         (SELECT id FROM request WHERE first_entry <= u.id ORDER BY first_entry DESC LIMIT 1),
         u.state = 6 AND 6 IS (SELECT v.verdict FROM evidence v WHERE v.entry = u.id
                               ORDER BY v.reading DESC LIMIT 1)"
    };
}

impl Reader {
    /// Pending entries of the requests in question that wait for another entry. Costs as much as there are entries
    /// whose end is not known.
    pub fn blocked(&self, of: impl Fn(RequestId) -> bool) -> Result<Blocked> {
        let doing = "looking for entries that wait for others";
        // CROSS JOIN fixes the order of the tables: the few that are open, then those for the same thing.
        let mut statement = self
            .conn
            .prepare(concat!(
                "-- blocked\nSELECT ",
                blocker!(),
                ", (SELECT id FROM request WHERE first_entry <= w.id ORDER BY first_entry DESC LIMIT 1)
                 FROM tally t
                 CROSS JOIN request r ON r.id = t.request
                 CROSS JOIN entry u ON u.id BETWEEN r.first_entry AND r.last_entry
                     AND u.state = t.state
                 CROSS JOIN scope us ON us.id = u.scope
                 CROSS JOIN entry w ON w.target IN (u.target, us.parent) AND w.state = 3
                 CROSS JOIN scope ws ON ws.id = w.scope
                 WHERE t.state IN (4, 5, 6) AND t.entries > 0 AND ",
                same_thing!(),
                " ORDER BY u.id, w.id"
            ))
            .doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let mut blocked = Blocked::default();
        while let Some(row) = rows.next().doing(doing)? {
            let Sql(request) = row.get(5).doing(doing)?;
            if !of(request) {
                continue;
            }
            let waits = waits(row).doing(doing)?;
            blocked.entries += 1;
            blocked.by_undecided += u64::from(waits.by.undecided);
            if blocked.first.len() < NAMED {
                blocked.first.push(waits);
            }
        }
        Ok(blocked)
    }

    /// What a pending entry waits for; nothing for any other.
    pub fn blocker_of(&self, entry: EntryId) -> Result<Option<Blocker>> {
        self.conn
            .prepare_cached(concat!(
                "-- blocker_of\nSELECT ",
                blocker!(),
                " FROM entry w
                 CROSS JOIN scope ws ON ws.id = w.scope
                 CROSS JOIN entry u ON u.target IN (w.target, ws.parent) AND u.id <> w.id
                     AND u.state IN (4, 5, 6)
                 CROSS JOIN scope us ON us.id = u.scope
                 WHERE w.id = :entry AND w.state = 3 AND ",
                same_thing!(),
                " LIMIT 1"
            ))
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":entry": Sql(entry)}, |row| Ok(waits(row)?.by))
                    .optional()
            })
            .doing("looking for what an entry waits for")
    }
}

fn waits(row: &Row<'_>) -> rusqlite::Result<Waits> {
    let (Sql(waiting), Sql(entry)) = (row.get(0)?, row.get(1)?);
    let (Sql(state), Sql(request)) = (row.get(2)?, row.get(3)?);
    let by = Blocker { entry, request, state, undecided: row.get(4)? };
    Ok(Waits { entry: waiting, by })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::UNDECIDED;
    use crate::domain::id::RecordId;
    use crate::domain::state::Verdict;
    use crate::store::query::stories::{delete_tags, unlink, untag};
    use crate::store::queue::{self, Cursors};
    use crate::store::scope::{self, ScopeId};
    use crate::store::testing::{Ask, Journal, record, still_there};

    /// `E2 for E1 of R1 (unknown)`, `E2 for E1 of R1 (undecided)`
    fn told(journal: &Journal) -> Vec<String> {
        let reader = journal.reader();
        let blocked = reader.blocked(|_| true).unwrap();
        assert_eq!(blocked.entries, u64::try_from(blocked.first.len()).unwrap());
        let undecided = blocked.first.iter().filter(|one| one.by.undecided).count();
        assert_eq!(blocked.by_undecided, u64::try_from(undecided).unwrap());
        let told = |one: &Waits| {
            // From either side it is the same.
            assert_eq!(reader.blocker_of(one.entry).unwrap().as_ref(), Some(&one.by));
            assert_eq!(reader.blocker_of(one.by.entry).unwrap(), None);
            let Blocker { entry, request, state, undecided } = &one.by;
            let state = if *undecided { "undecided" } else { state.wire_name() };
            format!("{} for {entry} of {request} ({state})", one.entry)
        };
        assert_as_the_queue_sees_it(journal);
        blocked.first.iter().map(told).collect()
    }

    fn again(journal: &mut Journal, module: &'static str, records: &[i64]) {
        let records = records.iter().map(|number| record(*number)).collect();
        journal.ask(&Ask { module, records, again: true, ..Ask::default() });
    }

    #[test]
    fn what_waits_for_the_same_record_is_named_until_that_is_settled() {
        let mut journal = Journal::new();
        journal.delete(1, 3);
        again(&mut journal, "Leads", &[1, 2, 4]);
        // Another module's record of the same id is another one.
        again(&mut journal, "Contacts", &[1]);
        assert_eq!(told(&journal), <[&str; 0]>::default());
        journal.start("sync");
        let call = journal.begin(&[1, 2]);
        assert_eq!(told(&journal), ["E4 for E1 of R1 (in_flight)", "E5 for E2 of R1 (in_flight)"]);
        journal.lose(&call);
        journal.find(&[(1, Verdict::Undecided, UNDECIDED, still_there())]);
        assert_eq!(told(&journal), ["E4 for E1 of R1 (undecided)", "E5 for E2 of R1 (unknown)"]);
        journal.find(&[(2, Verdict::Absent, "", still_there())]);
        assert_eq!(told(&journal), ["E4 for E1 of R1 (undecided)"]);
        // A later reading that could decide counts.
        journal.find(&[(1, Verdict::Pending, "", still_there())]);
        assert_eq!(told(&journal), <[&str; 0]>::default());
    }

    /// The queue has a rule of its own for what may be sent, which looks at one entry at a time.
    fn assert_as_the_queue_sees_it(journal: &Journal) {
        let conn = &journal.store.conn;
        let mut statement =
            conn.prepare("-- test\nSELECT id, target, scope FROM entry WHERE state = 3").unwrap();
        let pending = statement.query_map([], |row| {
            let (Sql(entry), Sql(target)) = (row.get(0)?, row.get(1)?);
            Ok((entry, target, ScopeId(row.get(2)?)))
        });
        for row in pending.unwrap() {
            let (entry, target, scope): (EntryId, RecordId, ScopeId) = row.unwrap();
            let scope = scope::get(conn, scope).unwrap();
            let free = queue::is_free(conn, &Cursors::default(), &scope, entry, target).unwrap();
            let waits = journal.reader().blocker_of(entry).unwrap().is_some();
            assert_eq!(waits, !free, "{entry}");
        }
    }

    #[test]
    fn only_what_is_asked_for_is_counted() {
        let mut journal = Journal::new();
        journal.delete(1, 2);
        again(&mut journal, "Leads", &[1]);
        again(&mut journal, "Leads", &[2]);
        journal.start("sync");
        let call = journal.begin(&[1, 2]);
        journal.lose(&call);
        let of = |number| {
            let blocked = journal.reader().blocked(|one| one == RequestId::new(number)).unwrap();
            blocked.first.iter().map(|one| one.entry.get()).collect::<Vec<_>>()
        };
        assert_eq!((of(1), of(2), of(3)), (vec![], vec![3], vec![4]));
    }

    #[test]
    fn of_many_the_first_are_named() {
        let mut journal = Journal::new();
        journal.delete(1, 50);
        again(&mut journal, "Leads", &(1..=50).collect::<Vec<_>>());
        journal.start("sync");
        let call = journal.begin(&(1..=50).collect::<Vec<_>>());
        journal.lose(&call);
        let blocked = journal.reader().blocked(|_| true).unwrap();
        assert_eq!((blocked.entries, blocked.first.len()), (50, NAMED));
    }

    /// A relation is one thing from either side, a record and its tags are one, a tag is one of its own.
    #[test]
    fn the_same_thing_is_what_the_queue_takes_for_it() {
        let mut journal = Journal::new();
        journal.wish(&unlink(&[(10, 1), (10, 2)]));
        journal.wish(&unlink(&[(1, 10), (3, 10)]));
        journal.wish(&untag(&["Prime"], &[1]));
        again(&mut journal, "Leads", &[1, 10]);
        journal.wish(&delete_tags(&[1]));
        journal.start("sync");
        let linked = journal.carry(&[1], None);
        journal.lose(&linked);
        assert_eq!(told(&journal), ["E3 for E1 of R1 (unknown)"]);
        let tagged = journal.carry(&[5], None);
        journal.lose(&tagged);
        assert_eq!(told(&journal), ["E3 for E1 of R1 (unknown)", "E6 for E5 of R3 (unknown)"]);
    }
}
