//! Holds: records that must not be touched, whoever asks. An undo is never held.
//!
//! An id is held in whatever module it stands, as the record itself and as the one whose list something is taken out
//! of. A whole module is held by its name, and with it the lists of that name.

use std::collections::HashSet;
use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::call::CallItem;
use crate::domain::event::{Event, HoldPlaced};
use crate::domain::id::{EntryId, EventSeq, HoldId, ModuleName, RecordId};
use crate::domain::merkle::Tree;
use crate::domain::policy::can_be_held;
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::Scope;
use crate::domain::seal::{LeafPurpose, Secret, SecretTree, held_id, item_leaf};
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::planted::Mistake;
use crate::store::approval::By;
use crate::store::code::{Name, Sql, count, uncount};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::{self, Seals, event_at};
use crate::store::scope::{self, ScopeId};
use crate::store::{Reader, WriteTx, entry};

const DOING: &str = "looking at the holds";

/// A hold to be placed.
#[derive(Debug, Clone, Copy)]
pub struct NewHold<'a> {
    /// The module.
    pub module: &'a ModuleName,
    /// The records, ascending, each once; `None` for the whole module.
    pub ids: Option<&'a [RecordId]>,
    /// When somebody should look whether it is still needed.
    pub review_by: Option<Timestamp>,
    /// The ticket.
    pub ticket: Option<&'a str>,
    /// Who holds, and why.
    pub by: By<'a>,
}

/// What became of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The hold.
    pub hold: HoldId,
    /// Open entries that are held now.
    pub entries: EntryRanges,
}

/// A hold. Texts are `None` where none was given, or once erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldView {
    /// The hold.
    pub hold: HoldId,
    /// The event that placed it.
    pub seq: EventSeq,
    /// When it was placed.
    pub at: Timestamp,
    /// The module.
    pub module: ModuleName,
    /// Whether all of it is held.
    pub whole: bool,
    /// How many ids it named.
    pub ids: u64,
    /// How many of them are held still.
    pub live: u64,
    /// When somebody should look whether it is still needed.
    pub review_by: Option<Timestamp>,
    /// Whether anything of it is held still.
    pub over: bool,
    /// Who holds.
    pub held_by: Option<String>,
    /// The OS account that recorded it.
    pub recorded_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
}

/// The holds there are, loaded once for many looks.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    any_ids: bool,
    /// Modules that are held as a whole.
    modules: HashSet<String>,
}

impl Holds {
    pub(crate) fn load(conn: &Connection) -> Result<Self> {
        let mut statement = conn
            .prepare_cached("-- live_holds\nSELECT module, whole FROM hold WHERE ended_seq IS NULL")
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut holds = Self::default();
        while let Some(row) = rows.next().doing(DOING)? {
            if row.get(1).doing(DOING)? {
                holds.modules.insert(row.get(0).doing(DOING)?);
            } else {
                holds.any_ids = true;
            }
        }
        Ok(holds)
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.any_ids && self.modules.is_empty()
    }

    /// Whether a hold forbids this.
    pub(crate) fn cover(&self, conn: &Connection, scope: &Scope, target: RecordId) -> Result<bool> {
        if self.is_empty() || !can_be_held(scope.operation()) || Mistake::IgnoresHolds.is_made() {
            return Ok(false);
        }
        let list = scope.list().map(crate::domain::scope::RelatedList::as_str);
        let named = |name: &str| self.modules.contains(name);
        if named(scope.module.as_str()) || list.is_some_and(named) {
            return Ok(true);
        }
        if !self.any_ids {
            return Ok(false);
        }
        conn.prepare_cached(
            "-- is_held\nSELECT 1 FROM hold_id
             WHERE target IN (:target, :parent) AND released_seq IS NULL LIMIT 1",
        )
        .and_then(|mut statement| {
            statement
                .exists(named_params! {":target": Sql(target), ":parent": scope.parent().map(Sql)})
        })
        .doing(DOING)
    }
}

/// Entries in these states that a hold covers. CROSS JOIN fixes the order of the tables.
pub(crate) fn matching(
    conn: &Connection,
    hold: &HoldRow,
    states: &[EntryState],
) -> Result<EntryRanges> {
    if Mistake::IgnoresHolds.is_made() {
        return Ok(EntryRanges::default());
    }
    let states: Rc<Vec<Value>> =
        Rc::new(states.iter().map(|state| Value::from(Sql(*state).code())).collect());
    let (sql, module) = if hold.whole {
        let sql = "-- held_by_module\nSELECT e.id FROM tally t
             CROSS JOIN request r ON r.id = t.request
             CROSS JOIN entry e ON e.id BETWEEN r.first_entry AND r.last_entry AND e.state = t.state
             WHERE t.state IN rarray(:states) AND t.entries > 0
               AND (r.module = :module OR r.related_list = :module)
               AND r.operation IN ('delete', 'untag', 'unlink', 'delete-tags')
               AND :hold > 0
             ORDER BY e.id";
        (sql, hold.module.as_str())
    } else {
        let sql = "-- held_by_id\nSELECT e.id FROM hold_id h
             CROSS JOIN entry e ON e.target = h.target AND e.state IN rarray(:states)
             CROSS JOIN scope s ON s.id = e.scope
             WHERE h.hold = :hold AND h.released_seq IS NULL
               AND s.operation IN ('delete', 'untag', 'unlink', 'delete-tags')
             UNION
             SELECT e.id FROM tally t
             CROSS JOIN request r ON r.id = t.request
             CROSS JOIN entry e ON e.id BETWEEN r.first_entry AND r.last_entry AND e.state = t.state
             CROSS JOIN scope s ON s.id = e.scope
             WHERE t.state IN rarray(:states) AND t.entries > 0 AND r.operation = 'unlink'
               AND s.parent IN (SELECT target FROM hold_id
                                WHERE hold = :hold AND released_seq IS NULL)
               AND :module IS NOT NULL
             ORDER BY 1";
        (sql, "")
    };
    let mut statement = conn.prepare_cached(sql).doing(DOING)?;
    let rows = statement
        .query_map(
            named_params! {":states": states, ":module": module, ":hold": Sql(hold.id)},
            |row| row.get::<_, Sql<EntryId>>(0),
        )
        .doing(DOING)?;
    rows.map(|row| row.map(|Sql(entry)| entry)).collect::<rusqlite::Result<_>>().doing(DOING)
}

/// A row of `hold`.
#[derive(Debug, Clone)]
pub(crate) struct HoldRow {
    pub(crate) id: HoldId,
    seq: EventSeq,
    pub(crate) module: ModuleName,
    pub(crate) whole: bool,
    ids: u64,
    review_by: Option<Timestamp>,
    pub(crate) ended: Option<EventSeq>,
}

pub(crate) fn rows(conn: &Connection) -> Result<Vec<HoldRow>> {
    let mut statement = conn
        .prepare_cached(
            "-- holds\nSELECT id, seq, module, whole, ids, review_by_ms, ended_seq FROM hold
             ORDER BY id",
        )
        .doing(DOING)?;
    let rows = statement
        .query_map([], |row| {
            Ok(HoldRow {
                id: row.get::<_, Sql<_>>(0)?.0,
                seq: row.get::<_, Sql<_>>(1)?.0,
                module: row.get::<_, Name<_>>(2)?.0,
                whole: row.get(3)?,
                ids: uncount(row.get(4)?),
                review_by: row.get::<_, Option<Sql<_>>>(5)?.map(|Sql(at)| at),
                ended: row.get::<_, Option<Sql<_>>>(6)?.map(|Sql(seq)| seq),
            })
        })
        .doing(DOING)?;
    rows.collect::<rusqlite::Result<_>>().doing(DOING)
}

pub(crate) fn some(entries: &EntryRanges) -> Option<EntryRanges> {
    (!entries.is_empty()).then(|| entries.clone())
}

/// Scope and target of one entry; `None` once erased.
pub(crate) fn item(conn: &Connection, entry: EntryId) -> Result<Option<(Scope, RecordId)>> {
    let found: Option<(i64, Option<Sql<RecordId>>)> = conn
        .prepare_cached("-- item_of\nSELECT scope, target FROM entry WHERE id = :id")
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":id": Sql(entry)}, |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing(DOING)?;
    let Some((scope, Some(Sql(target)))) = found else { return Ok(None) };
    Ok(Some((scope::get(conn, ScopeId(scope))?, target)))
}

impl WriteTx<'_> {
    /// Places a hold. Open entries that it covers and that were not sent are held from here on.
    pub fn place_hold(&mut self, new: &NewHold<'_>) -> Result<Placed> {
        let number = rows(&self.tx)?.len();
        let hold = HoldId::new(i64::try_from(number).unwrap_or(i64::MAX)).next();
        let ids = new.ids.unwrap_or_default();
        let secret = Secret::new(self.entropy.bytes()?);
        let many = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        let mut salts = SecretTree::new(secret, many);
        let mut tree = Tree::default();
        for (ordinal, id) in (0_u64..).zip(ids) {
            let salt = salts.salt(ordinal, LeafPurpose::Held);
            tree.append(item_leaf(&salt, &held_id(hold, ordinal + 1, *id)), |_, _| ());
        }
        let seq = EventSeq::new(count(self.tree.size()));
        let row = HoldRow {
            id: hold,
            seq,
            module: new.module.clone(),
            whole: new.ids.is_none(),
            ids: many,
            review_by: new.review_by,
            ended: None,
        };
        let mut seals = Seals::default();
        let (entropy, by) = (&mut *self.entropy, new.by);
        let mut event = HoldPlaced {
            hold,
            module: row.module.clone(),
            whole: row.whole,
            ids: many,
            ids_root: (many > 0).then(|| tree.root()),
            review_by: new.review_by,
            entries: None,
            program: by.program.to_owned(),
            held_by: seals.add(entropy, "held_by", by.who)?,
            recorded_by: seals.add(entropy, "recorded_by", by.account)?,
            reason: seals.add(entropy, "reason", by.reason)?,
            ticket: seals.add_some(entropy, "ticket", new.ticket)?,
        };
        // Its rows point to its event, which is written last: then it names what they cover.
        self.tx.execute_batch("-- defer\nPRAGMA defer_foreign_keys = ON").doing(DOING)?;
        self.insert_hold(&row, ids, secret)?;
        let open = [EntryState::AwaitingApproval, EntryState::Pending];
        let entries = matching(&self.tx, &row, &open)?;
        event.entries = some(&entries);
        let event = Event::from(event);
        entry::apply(&self.tx, &event)?;
        self.append(event, seals)?;
        Ok(Placed { hold, entries })
    }

    fn insert_hold(&self, row: &HoldRow, ids: &[RecordId], secret: Secret) -> Result<()> {
        let doing = "placing a hold";
        self.tx
            .execute(
                "-- insert_hold\nINSERT INTO hold (id, seq, module, whole, ids, review_by_ms)
                 VALUES (:id, :seq, :module, :whole, :ids, :review_by)",
                named_params! {
                    ":id": Sql(row.id), ":seq": Sql(row.seq), ":module": row.module.as_str(),
                    ":whole": row.whole, ":ids": count(row.ids),
                    ":review_by": row.review_by.map(Sql),
                },
            )
            .doing(doing)?;
        let mut insert = self
            .tx
            .prepare(
                "-- insert_hold_id\nINSERT INTO hold_id (hold, place, target)
                 VALUES (:hold, :place, :target)",
            )
            .doing(doing)?;
        for (place, id) in (1_i64..).zip(ids) {
            let values = named_params! {":hold": Sql(row.id), ":place": place, ":target": Sql(*id)};
            insert.execute(values).doing(doing)?;
        }
        if ids.is_empty() {
            return Ok(());
        }
        self.tx
            .execute(
                "-- insert_hold_secret\nINSERT INTO hold_secret (hold, level, idx, key)
                 VALUES (:hold, 0, 0, :key)",
                named_params! {":hold": Sql(row.id), ":key": secret.bytes()},
            )
            .map(|_| ())
            .doing(doing)
    }
}

impl Reader {
    /// Every hold, in order; `all` with those that are over.
    pub fn holds(&self, all: bool) -> Result<Vec<HoldView>> {
        let wanted = rows(&self.conn)?.into_iter().filter(|row| all || row.ended.is_none());
        wanted.map(|row| view(&self.conn, row)).collect()
    }

    /// The ids that a hold keeps still, in order; those that were erased are left out.
    pub fn held_ids(&self, hold: HoldId) -> Result<Vec<RecordId>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- held_ids\nSELECT target FROM hold_id
                 WHERE hold = :hold AND released_seq IS NULL AND target IS NOT NULL ORDER BY place",
            )
            .doing(DOING)?;
        let rows = statement
            .query_map(named_params! {":hold": Sql(hold)}, |row| row.get::<_, Sql<RecordId>>(0))
            .doing(DOING)?;
        rows.map(|row| row.map(|Sql(id)| id)).collect::<rusqlite::Result<_>>().doing(DOING)
    }

    /// Entries in these states that a hold covers.
    pub fn under_hold(&self, hold: HoldId, states: &[EntryState]) -> Result<EntryRanges> {
        match rows(&self.conn)?.into_iter().find(|row| row.id == hold) {
            Some(row) => matching(&self.conn, &row, states),
            None => Ok(EntryRanges::default()),
        }
    }

    /// Whether any hold forbids one of these, as the journal stands now.
    pub fn any_held(&self, scope: &Scope, items: &[CallItem]) -> Result<bool> {
        let holds = Holds::load(&self.conn)?;
        if holds.is_empty() {
            return Ok(false);
        }
        for item in items {
            if holds.cover(&self.conn, scope, item.target)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn view(conn: &Connection, row: HoldRow) -> Result<HoldView> {
    let live: i64 = conn
        .prepare_cached(
            "-- live_ids\nSELECT count(*) FROM hold_id WHERE hold = :hold AND released_seq IS NULL",
        )
        .and_then(|mut statement| {
            statement.query_row(named_params! {":hold": Sql(row.id)}, |row| row.get(0))
        })
        .doing(DOING)?;
    let HoldRow { id, seq, module, whole, ids, review_by, ended } = row;
    Ok(HoldView {
        hold: id,
        seq,
        at: event_at(conn, seq)?.0,
        module,
        whole,
        ids,
        live: uncount(live),
        review_by,
        over: ended.is_some(),
        held_by: log::opened(conn, seq, "held_by")?,
        recorded_by: log::opened(conn, seq, "recorded_by")?,
        reason: log::opened(conn, seq, "reason")?,
        ticket: log::opened(conn, seq, "ticket")?,
    })
}

/// The first hold that covers this. For entries that are held.
pub(crate) fn hold_on(
    conn: &Connection,
    (module, list): (&ModuleName, Option<&str>),
    (target, parent): (Option<RecordId>, Option<RecordId>),
) -> Result<Option<HoldId>> {
    let id: Option<Sql<HoldId>> = conn
        .prepare_cached(
            "-- hold_on\nSELECT min(id) FROM (
                 SELECT hold AS id FROM hold_id
                 WHERE target IN (:target, :parent) AND released_seq IS NULL
                 UNION ALL
                 SELECT id FROM hold
                 WHERE whole AND ended_seq IS NULL AND module IN (:module, :list))",
        )
        .and_then(|mut statement| {
            statement.query_row(
                named_params! {
                    ":target": target.map(Sql), ":parent": parent.map(Sql),
                    ":module": module.as_str(), ":list": list,
                },
                |row| row.get(0),
            )
        })
        .doing(DOING)?;
    Ok(id.map(|Sql(id)| id))
}

/// One hold.
pub(crate) fn hold(conn: &Connection, id: HoldId) -> Result<HoldView> {
    let row = rows(conn)?.into_iter().find(|row| row.id == id);
    let row = row.ok_or_else(|| StoreError::NotFound(id.to_string()))?;
    view(conn, row)
}
