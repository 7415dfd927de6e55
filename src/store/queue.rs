//! The queue: which pending entries the next batch carries.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::barred::{Group, Without};
use crate::domain::call::{CallItem, CallKind};
use crate::domain::calls::{self, Limits, Versions, WriteCall};
use crate::domain::id::{EntryId, EventSeq, ModuleName, RecordId, RequestId};
use crate::domain::outcome::Judgement;
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::{Operation, RelatedList, Scope};
use crate::domain::state::Outcome;
use crate::domain::target::{ApiVersion, Product};
use crate::domain::time::Timestamp;
use crate::planted::Mistake;
use crate::store::code::{Name, Sql};
use crate::store::error::{Doing, Result};
use crate::store::overview;
use crate::store::scope::{self, ScopeId};

const DOING: &str = "looking for pending entries";

/// Entries that may share a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// What the call carries apart from its items.
    pub kind: CallKind,
    /// The items, ascending by entry.
    pub items: Vec<CallItem>,
    /// Whether the only item was split off, since it may make Zoho refuse a whole call.
    pub alone: bool,
}

/// What the queue is restricted to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) versions: Versions,
    pub(crate) limits: Limits,
    /// The requests whose entries may be claimed, and no others.
    pub(crate) requests: &'a HashSet<RequestId>,
    /// What is left out for now.
    pub(crate) without: &'a Without,
    pub(crate) now: Timestamp,
}

/// Remembers up to where each request's range holds nothing pending, so that a million entries are not
/// scanned for each batch; and what was handed out to be read first.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    /// By the request's first entry.
    from: BTreeMap<EntryId, EntryId>,
    /// Entries that somebody reads just now, and the things that they are about. They are pending still.
    reserved: HashSet<EntryId>,
    things: HashSet<Thing>,
    /// Entries that were held or waited for approval when the run began: they are the next one's business.
    not_mine: EntryRanges,
}

/// What at most one entry may be under way for: a record, a tag, or a relation, seen from either side.
type Thing = (Option<RecordId>, RecordId);

fn thing(scope: &Scope, target: RecordId) -> Thing {
    match scope.parent() {
        Some(parent) => (Some(parent.min(target)), parent.max(target)),
        None => (None, target),
    }
}

impl Cursors {
    /// Leaves entries out for good, whatever becomes of them: nobody has confirmed that they are sent.
    pub(crate) fn without(not_mine: EntryRanges) -> Self {
        Self { not_mine, ..Self::default() }
    }

    /// To be called when entries went back to pending: the next look starts at the front again.
    pub(crate) fn rewind(&mut self) {
        self.from.clear();
    }

    /// The same, when an answer gives entries back.
    pub(crate) fn rewind_if(&mut self, judgement: &Judgement) {
        if judgement.results.iter().any(|result| result.outcome == Outcome::Returned) {
            self.rewind();
        }
    }

    /// The next look at the requests of these entries starts at them, if it would have started behind.
    fn rewind_to(&mut self, items: &[CallItem]) {
        for item in items {
            if let Some((_, from)) = self.from.range_mut(..=item.entry).next_back() {
                *from = (*from).min(item.entry);
            }
        }
    }

    /// Keeps entries from being picked by anybody else until they are released.
    pub(crate) fn reserve(&mut self, scope: &Scope, items: &[CallItem]) {
        self.reserved.extend(items.iter().map(|item| item.entry));
        self.things.extend(items.iter().map(|item| thing(scope, item.target)));
        self.rewind_to(items);
    }

    /// The opposite.
    pub(crate) fn release(&mut self, scope: &Scope, items: &[CallItem]) {
        for item in items {
            self.reserved.remove(&item.entry);
            self.things.remove(&thing(scope, item.target));
        }
        self.rewind_to(items);
    }

    fn is_reserved(&self, scope: &Scope, entry: EntryId, target: RecordId) -> bool {
        self.not_mine.contains(entry)
            || self.reserved.contains(&entry)
            || self.things.contains(&thing(scope, target))
    }
}

/// A request with something pending that may be sent now.
struct Due {
    first: EntryId,
    last: EntryId,
    family: Family,
    call: &'static WriteCall,
}

/// What calls of two requests must have in common, apart from the scope of their entries.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Family {
    operation: Operation,
    product: Product,
    module: ModuleName,
    list: Option<RelatedList>,
    api_version: ApiVersion,
    workflows: bool,
    snapshot: bool,
    /// Whether a full snapshot is kept before.
    full: bool,
    module_id: Option<RecordId>,
}

impl Family {
    fn group(&self) -> Group<'_> {
        Group {
            operation: self.operation,
            product: self.product,
            module: &self.module,
            list: self.list.as_ref(),
            snapshot: self.snapshot,
            full: self.full,
        }
    }

    fn kind(&self, scope: Scope) -> CallKind {
        let Self { api_version, workflows, snapshot, module_id, .. } = *self;
        CallKind { scope, api_version, workflows, snapshot, module_id }
    }

    /// Whether a request's entries may have more than one scope.
    fn has_parents(&self) -> bool {
        matches!(self.operation, Operation::Unlink | Operation::Relink)
    }
}

/// A batch while it is filled up.
struct Filling {
    kind: CallKind,
    scope: ScopeId,
    items: Vec<CallItem>,
    targets: HashSet<RecordId>,
    limit: usize,
}

/// Picks the entries of the next batch: of the first due request, filled up from others that may share
/// its call. `None` when nothing is due.
pub(crate) fn pick(
    conn: &Connection,
    cursors: &mut Cursors,
    rules: Rules<'_>,
    at_most: usize,
) -> Result<Option<Picked>> {
    let due = due_requests(conn, rules)?;
    if at_most == 0 {
        return Ok(None);
    }
    if let Some(picked) = pick_split(conn, cursors, &due, rules.limits, at_most)? {
        return Ok(Some(picked));
    }
    for leader in &due {
        let Some((scope, what)) = first_scope(conn, cursors, leader)? else { continue };
        let kind = leader.family.kind(what);
        let limit = leader.call.limit(&kind, rules.limits).min(at_most);
        let mut filling =
            Filling { kind, scope, items: Vec::new(), targets: HashSet::new(), limit };
        for request in due.iter().filter(|one| one.family == leader.family) {
            fill(conn, cursors, request, &mut filling)?;
            if filling.items.len() >= limit {
                break;
            }
        }
        if !filling.items.is_empty() {
            filling.items.sort_unstable_by_key(|item| item.entry);
            return Ok(Some(Picked { kind: filling.kind, items: filling.items, alone: false }));
        }
    }
    Ok(None)
}

fn due_requests(conn: &Connection, rules: Rules<'_>) -> Result<Vec<Due>> {
    let mut statement = conn
        .prepare_cached(
            "-- due_requests\nSELECT r.id, r.first_entry, r.last_entry, r.operation, r.product,
                    r.module, r.workflows, r.related_list, r.snapshot, r.module_seq,
                    r.full_retention_ms IS NOT NULL
             FROM tally t JOIN request r ON r.id = t.request
             WHERE t.state = 3 AND t.entries > 0 AND r.parked_seq IS NULL
               AND (r.not_before_ms IS NULL OR r.not_before_ms <= :now) AND r.valid_until_ms > :now
               AND NOT EXISTS (
                   SELECT 1 FROM tally w WHERE w.request = r.after_request AND w.entries > 0
                     AND w.state IN (2, 3, 4, 5, 6, 10))
             ORDER BY r.first_entry",
        )
        .doing(DOING)?;
    let mut rows = statement.query(named_params! {":now": Sql(rules.now)}).doing(DOING)?;
    let mut due = Vec::new();
    while let Some(row) = rows.next().doing(DOING)? {
        let read = || -> rusqlite::Result<_> {
            let (Sql(request), Sql(first), Sql(last)) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (Name(operation), Name(product)) = (row.get(3)?, row.get(4)?);
            let family = Family {
                operation,
                product,
                module: row.get::<_, Name<_>>(5)?.0,
                list: row.get::<_, Option<Name<_>>>(7)?.map(|Name(list)| list),
                api_version: rules.versions.of(operation, product),
                workflows: row.get(6)?,
                snapshot: row.get(8)?,
                full: row.get(10)?,
                module_id: None,
            };
            let pinned = row.get::<_, Option<Sql<EventSeq>>>(9)?.map(|Sql(seq)| seq);
            Ok((request, first, last, family, pinned))
        };
        let (request, first, last, mut family, pinned) = read().doing(DOING)?;
        if rules.without.leaves_out(&family.group()) || !rules.requests.contains(&request) {
            continue;
        }
        if is_blocked(conn, family.operation, family.product, &family.module)? {
            continue;
        }
        let call = calls::find(family.operation, family.product, family.api_version);
        // What this version does not offer stays pending; the run says so.
        let Some(call) = call else { continue };
        if call.names_module_id() {
            family.module_id = match pinned {
                Some(pinned) => overview::module_id(conn, pinned)?,
                None => None,
            };
            if family.module_id.is_none() {
                continue;
            }
        }
        due.push(Due { first, last, family, call });
    }
    Ok(due)
}

/// Whether calls of another operation are under way that take the same tags away, or put them back: a tag that is
/// deleted goes from its records as well, and nothing would tell which of the two calls took it.
pub(crate) fn is_blocked(
    conn: &Connection,
    operation: Operation,
    product: Product,
    module: &ModuleName,
) -> Result<bool> {
    let others = match operation {
        Operation::Untag | Operation::Retag => [Operation::DeleteTags; 2],
        Operation::DeleteTags => [Operation::Untag, Operation::Retag],
        Operation::Delete
        | Operation::Unlink
        | Operation::Restore
        | Operation::Relink
        | Operation::RecreateTags => return Ok(false),
    };
    conn.prepare_cached(
        "-- is_blocked\nSELECT EXISTS (
             SELECT 1 FROM tally t JOIN request r ON r.id = t.request
             WHERE t.state IN (4, 5) AND t.entries > 0 AND r.operation IN (:other, :another)
               AND r.product = :product AND r.module = :module)",
    )
    .and_then(|mut statement| {
        statement.query_row(
            named_params! {
                ":other": others[0].wire_name(), ":another": others[1].wire_name(),
                ":product": product.wire_name(),
                ":module": module.as_str(),
            },
            |row| row.get(0),
        )
    })
    .doing(DOING)
}

/// Entries that a refused call gave back share their next call with few others: these go first.
/// CROSS JOIN fixes the order of the tables: the few rows of `share`, then their entries.
fn pick_split(
    conn: &Connection,
    cursors: &Cursors,
    due: &[Due],
    limits: Limits,
    at_most: usize,
) -> Result<Option<Picked>> {
    let mut statement = conn
        .prepare_cached(
            "-- pick_split\nSELECT s.entry, s.at_most, e.target, e.scope FROM share s
             CROSS JOIN entry e ON e.id = s.entry
             WHERE e.state = 3 AND s.entry BETWEEN :first AND :last
             ORDER BY s.at_most, e.scope, s.entry LIMIT 500",
        )
        .doing(DOING)?;
    for request in due {
        let rows = statement
            .query_map(
                named_params! {":first": Sql(request.first), ":last": Sql(request.last)},
                |row| {
                    let (Sql(entry), share) = (row.get(0)?, row.get::<_, u32>(1)?);
                    let target = row.get::<_, Option<Sql<RecordId>>>(2)?;
                    Ok((entry, share, target, ScopeId(row.get(3)?)))
                },
            )
            .doing(DOING)?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>().doing(DOING)?;
        // Those that may share with the fewest first; where all of them are busy, the next ones.
        for same in rows.chunk_by(|one, other| (one.1, one.3) == (other.1, other.3)) {
            let Some((_, share, _, scope)) = same.first().copied() else { continue };
            let kind = request.family.kind(scope::get(conn, scope)?);
            let limit = request.call.limit_shared(&kind, limits, Some(share)).min(at_most);
            let mut filling =
                Filling { kind, scope, items: Vec::new(), targets: HashSet::new(), limit };
            for (entry, _, target, _) in same {
                if let Some(Sql(target)) = target {
                    push_if_free(conn, cursors, &mut filling, *entry, *target)?;
                }
                if filling.items.len() >= limit {
                    break;
                }
            }
            if !filling.items.is_empty() {
                let alone = share == 1;
                return Ok(Some(Picked { kind: filling.kind, items: filling.items, alone }));
            }
        }
    }
    Ok(None)
}

const PENDING: &str = "-- pending_from\nSELECT e.id, e.target,
        (SELECT 1 FROM share s WHERE s.entry = e.id) IS NOT NULL, e.scope
     FROM entry e
     WHERE e.id BETWEEN :from AND :last AND e.state = 3 ORDER BY e.id";

/// The scope of the first entry of a request that can be sent now.
fn first_scope(
    conn: &Connection,
    cursors: &Cursors,
    due: &Due,
) -> Result<Option<(ScopeId, Scope)>> {
    let from = cursors.from.get(&due.first).copied().unwrap_or(due.first);
    let mut statement = conn.prepare_cached(PENDING).doing(DOING)?;
    let mut rows =
        statement.query(named_params! {":from": Sql(from), ":last": Sql(due.last)}).doing(DOING)?;
    let mut known: Option<(ScopeId, Scope)> = None;
    while let Some(row) = rows.next().doing(DOING)? {
        let read = || -> rusqlite::Result<_> {
            let (Sql(entry), target) = (row.get(0)?, row.get::<_, Option<Sql<RecordId>>>(1)?);
            Ok((entry, target, row.get::<_, bool>(2)?, ScopeId(row.get(3)?)))
        };
        let (entry, target, split, scope): (EntryId, _, _, _) = read().doing(DOING)?;
        if known.as_ref().is_none_or(|(id, _)| *id != scope) {
            known = Some((scope, scope::get(conn, scope)?));
        }
        if let (Some(Sql(target)), Some((_, what)), false) = (target, &known, split)
            && is_free(conn, cursors, what, entry, target)?
        {
            return Ok(known);
        }
    }
    Ok(None)
}

/// Fills a batch up with pending entries of one request that have its scope, in key order.
fn fill(conn: &Connection, cursors: &mut Cursors, due: &Due, batch: &mut Filling) -> Result<()> {
    let front = cursors.from.get(&due.first).copied().unwrap_or(due.first);
    let Some(begin) = first_of_scope(conn, due, front, batch)? else { return Ok(()) };
    // Only a walk from the front says up to where nothing is pending.
    let from_front = begin == front;
    let mut from = begin;
    let mut skipped: Option<EntryId> = None;
    let mut statement = conn.prepare_cached(PENDING).doing(DOING)?;
    let mut rows =
        statement.query(named_params! {":from": Sql(from), ":last": Sql(due.last)}).doing(DOING)?;
    while batch.items.len() < batch.limit {
        let Some(row) = rows.next().doing(DOING)? else {
            from = due.last.next();
            break;
        };
        let read = || -> rusqlite::Result<_> {
            let (Sql(entry), target) = (row.get(0)?, row.get::<_, Option<Sql<RecordId>>>(1)?);
            Ok((entry, target, row.get::<_, bool>(2)?, ScopeId(row.get(3)?)))
        };
        let (entry, target, split, scope): (EntryId, _, _, _) = read().doing(DOING)?;
        if scope != batch.scope {
            // Parents lie in order: behind this batch's there is no more of it.
            skipped.get_or_insert(entry);
            break;
        }
        let free = match target {
            Some(Sql(target)) if !split => push_if_free(conn, cursors, batch, entry, target)?,
            _ => false,
        };
        if !free {
            skipped.get_or_insert(entry);
        }
        from = entry.next();
    }
    if from_front {
        cursors.from.insert(due.first, skipped.unwrap_or(from));
    }
    Ok(())
}

/// Where a request's entries of a batch's scope begin: entries lie in the order of their parents.
fn first_of_scope(
    conn: &Connection,
    due: &Due,
    front: EntryId,
    batch: &Filling,
) -> Result<Option<EntryId>> {
    let mut statement = conn
        .prepare_cached(
            "-- parent_at\nSELECT s.parent, e.scope FROM entry e JOIN scope s ON s.id = e.scope
             WHERE e.id = :entry",
        )
        .doing(DOING)?;
    let mut at = |entry: i64| {
        statement
            .query_row(named_params! {":entry": entry}, |row| {
                Ok((row.get::<_, Option<Sql<RecordId>>>(0)?, ScopeId(row.get(1)?)))
            })
            .doing(DOING)
    };
    if at(front.get().min(due.last.get()))?.1 == batch.scope || !due.family.has_parents() {
        let same = at(due.first.get())?.1 == batch.scope || due.family.has_parents();
        return Ok(same.then_some(front));
    }
    let (mut low, mut high) = (front.get(), due.last.get().saturating_add(1));
    let parent = batch.kind.scope.parent();
    while low < high {
        let middle = low + (high - low) / 2;
        let (here, _) = at(middle)?;
        if here.map(|Sql(here)| here) < parent {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok((low <= due.last.get() && at(low)?.1 == batch.scope).then(|| EntryId::new(low)))
}

/// Adds an entry unless its thing is under way already: else a call would carry an id twice, and evidence
/// could not be put down to one of them.
fn push_if_free(
    conn: &Connection,
    cursors: &Cursors,
    batch: &mut Filling,
    entry: EntryId,
    target: RecordId,
) -> Result<bool> {
    if batch.targets.contains(&target) || !is_free(conn, cursors, &batch.kind.scope, entry, target)?
    {
        return Ok(false);
    }
    batch.targets.insert(target);
    batch.items.push(CallItem { entry, target });
    Ok(true)
}

/// Whether nobody reads the entry just now, and no other entry for the same thing is in flight, queued or
/// unknown: evidence could not be put down to one of two. A record is one thing whatever is done to it, a
/// relation from whichever side, a tag in its module.
pub(super) fn is_free(
    conn: &Connection,
    cursors: &Cursors,
    scope: &Scope,
    entry: EntryId,
    target: RecordId,
) -> Result<bool> {
    if cursors.is_reserved(scope, entry, target) {
        return Ok(false);
    }
    if Mistake::SendsTheSameTwice.is_made() {
        return Ok(true);
    }
    // A relation is one thing, seen from either side.
    match scope.parent() {
        Some(parent) => Ok(!is_busy(conn, scope, entry, target, Some(parent))?
            && !is_busy(conn, scope, entry, parent, Some(target))?),
        None => Ok(!is_busy(conn, scope, entry, target, None)?),
    }
}

fn is_busy(
    conn: &Connection,
    scope: &Scope,
    entry: EntryId,
    target: RecordId,
    parent: Option<RecordId>,
) -> Result<bool> {
    conn.prepare_cached(
        "-- is_busy\nSELECT 1 FROM entry e JOIN scope s ON s.id = e.scope
         WHERE e.target = :target AND e.id <> :entry AND e.state IN (4, 5, 6)
           AND s.product = :product
           AND CASE
               WHEN :operation IN ('unlink', 'relink')
               THEN s.operation IN ('unlink', 'relink') AND s.parent IS :parent
               WHEN :operation IN ('delete-tags', 'recreate-tags')
               THEN s.operation IN ('delete-tags', 'recreate-tags') AND s.module = :module
               ELSE s.operation IN ('delete', 'untag', 'restore', 'retag')
                   AND s.module = :module END
         LIMIT 1",
    )
    .and_then(|mut statement| {
        statement
            .query_row(
                named_params! {
                    ":target": Sql(target), ":entry": Sql(entry),
                    ":product": scope.product.wire_name(), ":module": scope.module.as_str(),
                    ":operation": scope.operation().wire_name(), ":parent": parent.map(Sql),
                },
                |_| Ok(()),
            )
            .optional()
    })
    .map(|row| row.is_some())
    .doing("looking for calls under way")
}

#[cfg(test)]
#[path = "queue_properties.rs"]
mod properties;
