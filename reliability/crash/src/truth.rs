//! A journal held against the simulator, item by item, through a plain SQLite client.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags};
use zoho_journal::simulator::{Effect, EffectKind, RequestSeen, Simulator, Snapshot};

/// An entry as it stands in the file.
#[derive(Debug)]
pub struct Row {
    /// Its number.
    pub entry: i64,
    /// The record, related record or tag.
    pub id: u64,
    /// Its state, by name.
    pub state: String,
    operation: String,
    parent: Option<u64>,
    module: String,
    tags: Vec<String>,
}

/// Opens the journal as somebody who only looks.
pub fn open(db: &Path) -> Result<Connection> {
    let conn = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    Ok(conn)
}

/// All entries, in their order.
pub fn rows(db: &Path) -> Result<Vec<Row>> {
    let conn = open(db)?;
    let mut statement = conn.prepare(
        "SELECT e.id, e.target, w.name, s.operation, s.parent, s.module, s.tags FROM entry e
             JOIN word w ON w.kind = 'state' AND w.number = e.state
             JOIN scope s ON s.id = e.scope
             -- What was erased cannot be held against anything.
             WHERE e.target IS NOT NULL ORDER BY e.id",
    )?;
    let rows = statement.query_map([], |row| {
        let tags: Option<String> = row.get(6)?;
        Ok(Row {
            entry: row.get(0)?,
            id: row.get::<_, i64>(1)?.cast_unsigned(),
            state: row.get(2)?,
            operation: row.get(3)?,
            parent: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
            module: row.get(5)?,
            tags: tags
                .map(|tags| serde_json::from_str(&tags).unwrap_or_default())
                .unwrap_or_default(),
        })
    })?;
    rows.collect::<rusqlite::Result<_>>().context("reading the entries")
}

/// How many entries stand in each state, as `absent 1, done 3`.
pub fn states(db: &Path) -> Result<String> {
    let conn = open(db)?;
    let mut statement = conn.prepare(
        "SELECT w.name, count(*) FROM entry e JOIN word w ON w.kind = 'state' AND w.number = e.state
             GROUP BY w.name ORDER BY w.name",
    )?;
    let words = statement.query_map([], |row| {
        Ok(format!("{} {}", row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    })?;
    Ok(words.collect::<rusqlite::Result<Vec<_>>>()?.join(", "))
}

/// How many entries there are.
pub fn entries(db: &Path) -> Result<u64> {
    let count: i64 = open(db)?.query_row("SELECT count(*) FROM entry", [], |row| row.get(0))?;
    Ok(u64::try_from(count)?)
}

impl Row {
    fn thing(&self) -> (&str, Option<u64>, &[String], u64) {
        (&self.operation, self.parent, &self.tags, self.id)
    }

    /// What of these effects is what the entry asks for.
    fn asks_for(&self, effect: &Effect, call: &RequestSeen, zoho: &Snapshot) -> bool {
        match (self.operation.as_str(), effect.kind) {
            ("delete" | "delete-tags", kind) => kind == EffectKind::Deleted,
            ("untag", EffectKind::Untagged(tag)) => {
                // A tag that was deleted since has no name any more: it was one of these unless it is another one
                // that is there.
                let is_other = zoho.tags.get(&self.module).is_some_and(|tags| {
                    tags.iter().any(|(name, id)| *id == tag && !self.tags.contains(name))
                });
                call.url.contains("remove_tags") && !is_other
            }
            ("restore", kind) => kind == EffectKind::Restored,
            ("unlink", EffectKind::Unlinked(parent)) => self.parent == Some(parent),
            _ => false,
        }
    }

    /// How many of our calls did to the thing what the entry asks for.
    fn calls_that_did(&self, zoho: &Snapshot, calls: &HashMap<u64, &RequestSeen>) -> usize {
        let did = zoho.effects_of(self.id).iter().filter_map(|effect| {
            let number = effect.request?;
            let call = calls.get(&number)?;
            self.asks_for(effect, call, zoho).then_some(number)
        });
        // One call may take several tags off a record.
        did.collect::<BTreeSet<u64>>().len()
    }

    fn agrees(&self, zoho: &Snapshot, by_us: usize, done: usize) -> Result<()> {
        let Self { entry, id, state, operation, .. } = self;
        ensure!(by_us <= 1, "{operation} E{entry} ({id}) was done {by_us} times by our calls");
        ensure!(
            done <= by_us,
            "{operation} E{entry} ({id}) is {state}, and no call of ours did it"
        );
        match state.as_str() {
            // Its call may have taken effect; nobody claims to know.
            "unknown" | "in_flight" | "queued" => Ok(()),
            "absent" | "awaiting_approval" | "pending" | "done" | "failed" | "held"
            | "cancelled" => {
                ensure!(
                    by_us == done,
                    "{operation} E{entry} ({id}) is {state}, and our call did it"
                );
                let is_there = state == "absent" && operation == "delete" && zoho.is_live(*id);
                ensure!(!is_there, "E{entry} ({id}) is absent, and Zoho has it");
                Ok(())
            }
            other => bail!("E{entry} is {other}, which is no state"),
        }
    }
}

/// Whether the journal tells the truth about Zoho: each thing was done once at most, `done` by exactly one call of
/// ours, and what is `absent`, `failed` or `pending` by none. Entries up to `exempt` were settled elsewhere.
pub fn agree(db: &Path, simulator: &Simulator, exempt: i64) -> Result<()> {
    let (zoho, calls) = (simulator.snapshot(), simulator.requests());
    let calls: HashMap<u64, &RequestSeen> = calls.iter().map(|call| (call.number, call)).collect();
    let rows = rows(db)?;
    let mut done_by: BTreeMap<_, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.state == "done") {
        *done_by.entry(row.thing()).or_default() += 1;
    }
    for row in rows.iter().filter(|row| row.entry > exempt) {
        let done = done_by.get(&row.thing()).copied().unwrap_or(0);
        row.agrees(&zoho, row.calls_that_did(&zoho, &calls), done)?;
    }
    let asked: BTreeSet<u64> = rows.iter().map(|row| row.id).collect();
    for (id, effects) in &zoho.history {
        let touched = effects.iter().any(|effect| effect.request.is_some());
        ensure!(
            !touched || asked.contains(id) || is_parent(*id, &rows),
            "our calls changed {id}, which nobody asked for"
        );
    }
    Ok(())
}

/// The other end of a relation has the same effects.
fn is_parent(id: u64, rows: &[Row]) -> bool {
    rows.iter().any(|row| row.parent == Some(id) || row.operation == "delete-tags")
}
