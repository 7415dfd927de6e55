//! Later looks: what was seen of settled entries, as it is recorded. No entry changes its state.

use std::sync::Arc;

use rusqlite::{Connection, named_params};

use crate::domain::event::{EntriesRechecked, RecheckGroup};
use crate::domain::evidence::presence::ThingFacts;
use crate::domain::id::{EntryId, ModuleName, RecordId, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::recheck::Found;
use crate::domain::scope::{Operation, Scope};
use crate::domain::seal::LeafPurpose;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result};
use crate::store::items::{items_of, root_over};
use crate::store::log::Seals;
use crate::store::reading::{insert_reading, next_reading};
use crate::store::scope::{self, ScopeId};
use crate::store::snapshot::facts_of;
use crate::store::{Reader, WriteTx};

const DOING: &str = "recording what was seen of entries";

/// What was seen of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The entry.
    pub entry: EntryId,
    /// Where its thing is.
    pub found: Found,
    /// What of the reads decides, as JSON: ids and times only.
    pub facts: String,
}

/// An entry that is looked at again.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The entry.
    pub entry: EntryId,
    /// The record, or the tag.
    pub target: RecordId,
    /// What it has in common with others.
    pub scope: Arc<Scope>,
    /// What was there before its call, of tags and their definitions; `None` where that is not known.
    pub before: Option<ThingFacts>,
}

/// Whether anything was ever looked at again.
pub(crate) fn is_any(conn: &Connection) -> Result<bool> {
    conn.prepare_cached("-- is_any_recheck\nSELECT EXISTS (SELECT 1 FROM recheck)")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("reading what was seen of entries")
}

impl Reader {
    /// Those of these entries that are there and not erased, in key order.
    pub fn to_look_at(&self, entries: &EntryRanges) -> Result<Vec<Looked>> {
        let doing = "looking for entries to read again";
        let mut statement = self
            .conn
            .prepare_cached(
                "-- to_look_at\nSELECT id, target, scope FROM entry
                 WHERE id BETWEEN :first AND :last AND target IS NOT NULL ORDER BY id",
            )
            .doing(doing)?;
        let (mut found, mut known): (Vec<Looked>, Option<(ScopeId, Arc<Scope>)>) = (vec![], None);
        for (first, last) in entries.ranges() {
            let rows = statement
                .query_map(named_params! {":first": Sql(first), ":last": Sql(last)}, |row| {
                    let (Sql(entry), Sql(target)) = (row.get(0)?, row.get(1)?);
                    Ok((entry, target, ScopeId(row.get(2)?)))
                })
                .doing(doing)?;
            for row in rows {
                let (entry, target, id) = row.doing(doing)?;
                let scope = match &known {
                    Some((same, scope)) if *same == id => Arc::clone(scope),
                    Some(_) | None => Arc::new(scope::get(&self.conn, id)?),
                };
                known = Some((id, Arc::clone(&scope)));
                let operation = scope.operation();
                let has_parts = matches!(operation, Operation::Untag | Operation::DeleteTags);
                let before = if has_parts { facts_of(&self.conn, operation, entry)? } else { None };
                found.push(Looked { entry, target, scope, before });
            }
        }
        Ok(found)
    }
}

impl WriteTx<'_> {
    /// Records what was seen of the things of one module. `seen` ascend by entry, and are not empty.
    pub(crate) fn record_recheck(
        &mut self,
        run: RunId,
        module: &ModuleName,
        seen: &[Seen],
    ) -> Result<()> {
        self.check_run(run)?;
        let number = next_reading(&self.tx)?;
        let entries: EntryRanges = seen.iter().map(|one| one.entry).collect();
        let items = items_of(&self.tx, &entries)?;
        let purpose = LeafPurpose::Recheck(number);
        let items_root = root_over(&self.tx, &items, seen, purpose, |maker, item, one| {
            maker.rechecked(item, number, one.found.wire_name(), one.facts.as_bytes())
        })?;
        let event = EntriesRechecked {
            run,
            reading: number,
            module: module.clone(),
            groups: groups(seen),
            items_root,
        };
        let seq = self.append(event, Seals::default())?;
        insert_reading(&self.tx, number, seq, run)?;
        let mut insert = self
            .tx
            .prepare_cached(
                "-- insert_recheck\nINSERT INTO recheck (entry, reading, found, facts)
                 VALUES (:entry, :reading, :found, :facts)",
            )
            .doing(DOING)?;
        for Seen { entry, found, facts } in seen {
            insert
                .execute(named_params! {
                    ":entry": Sql(*entry), ":reading": number, ":found": Sql(*found),
                    ":facts": facts,
                })
                .doing(DOING)?;
        }
        Ok(())
    }
}

fn groups(seen: &[Seen]) -> Vec<RecheckGroup> {
    let all = Found::ALL.iter().map(|found| {
        let same = seen.iter().filter(|one| one.found == *found);
        RecheckGroup { found: *found, entries: same.map(|one| one.entry).collect() }
    });
    all.filter(|group: &RecheckGroup| !group.entries.is_empty()).collect()
}
