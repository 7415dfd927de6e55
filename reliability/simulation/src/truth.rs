//! At the end: the journal holds what was promised, follows from its own log, and tells the truth about Zoho,
//! entry by entry.

use std::collections::BTreeSet;

use rusqlite::Connection;
use zoho_journal::domain::id::EntryId;
use zoho_journal::domain::state::{EntryState, Verdict};
use zoho_journal::evidence::verify::check_journal;
use zoho_journal::simulator::{EffectKind, Snapshot};
use zoho_journal::store::Reader;

use crate::ledger::SendNumber;
use crate::world::World;

/// An entry as a plain SQLite client sees it.
struct Row {
    entry: i64,
    target: u64,
    state: EntryState,
    operation: String,
    parent: Option<u64>,
    /// Whether what was there was read before its call.
    looked: bool,
    /// Whether the last reading could not decide.
    undecided: bool,
}

/// Holds everything that was acknowledged against what is there.
pub fn promises_are_kept(world: &World) {
    let promises = world.ledger().promises.clone();
    let kept = Connection::open(&world.db).and_then(|conn| {
        let mut statement =
            conn.prepare("SELECT last_entry - first_entry + 1 FROM request WHERE id = ?1")?;
        for promise in &promises {
            let entries: Option<i64> =
                statement.query_row([promise.request.get()], |row| row.get(0)).ok();
            if entries.map(i64::cast_unsigned) != Some(promise.entries) {
                world.violation(format!(
                    "{} was acknowledged with {} entries; now there are {entries:?}",
                    promise.request, promise.entries
                ));
            }
        }
        Ok(())
    });
    if let Err(error) = kept {
        world.violation(format!("the journal cannot be read: {error}"));
    }
}

/// Holds the journal against its log and against Zoho.
pub fn is_told(world: &World) {
    match Reader::open(&world.db) {
        Err(error) => world.violation(format!("the journal cannot be opened: {error}")),
        Ok(reader) => {
            if let Err(findings) = check_journal(&reader) {
                world.violation(format!("verify finds {findings:?}"));
            }
        }
    }
    match rows(world) {
        Err(error) => world.violation(format!("the entries cannot be read: {error}")),
        Ok(rows) => {
            let zoho = world.zoho.snapshot();
            for row in rows {
                hold(world, &zoho, &row);
                let entry = EntryId::new(row.entry);
                let wrong = world.ledger().orders.contradict(entry, row.state);
                if let Some(wrong) = wrong {
                    world.violation(wrong);
                }
            }
        }
    }
}

/// What a person finds out about entries that reads cannot decide.
pub fn of_the_undecided(world: &World) -> rusqlite::Result<Vec<(EntryId, Verdict)>> {
    let zoho = world.zoho.snapshot();
    let rows =
        rows(world)?.into_iter().filter(|row| row.state == EntryState::Unknown && row.undecided);
    Ok(rows
        .map(|row| {
            let by_us = !calls_that_did(world, &zoho, &row).is_empty();
            let gone = row.operation == "delete" && !zoho.is_live(row.target);
            let verdict = match (by_us, gone) {
                (true, _) => Verdict::Done,
                (false, true) => Verdict::Absent,
                (false, false) => Verdict::Failed,
            };
            (EntryId::new(row.entry), verdict)
        })
        .collect())
}

fn rows(world: &World) -> rusqlite::Result<Vec<Row>> {
    let conn = Connection::open(&world.db)?;
    let mut statement = conn.prepare(
        "SELECT e.id, e.target, w.name, s.operation, s.parent, r.snapshot,
             coalesce((SELECT v.verdict FROM evidence v WHERE v.entry = e.id
                       ORDER BY v.reading DESC LIMIT 1), 0) = 6
         FROM entry e
         JOIN request r ON e.id BETWEEN r.first_entry AND r.last_entry
         JOIN word w ON w.kind = 'state' AND w.number = e.state
         JOIN scope s ON s.id = e.scope ORDER BY e.id",
    )?;
    let rows = statement.query_map([], |row| {
        let state: String = row.get(2)?;
        Ok(Row {
            entry: row.get(0)?,
            target: row.get::<_, i64>(1)?.cast_unsigned(),
            state: state.parse().map_err(|_| rusqlite::Error::InvalidQuery)?,
            operation: row.get(3)?,
            parent: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
            looked: row.get(5)?,
            undecided: row.get(6)?,
        })
    })?;
    rows.collect()
}

fn hold(world: &World, zoho: &Snapshot, row: &Row) {
    let Row { entry, target, state, operation, .. } = row;
    let by_us = calls_that_did(world, zoho, row).len();
    let says = format!("{operation} E{entry} ({target}) is {state}");
    if by_us > 1 && operation == "delete" {
        world.violation(format!("{says}, and {by_us} of our calls for it took effect"));
    }
    match state {
        // Nobody claims to know.
        EntryState::Unknown => {}
        EntryState::Done if by_us == 0 && !zoho_says_so(zoho, row) => {
            world.violation(format!("{says}, and no call for it took effect"));
        }
        EntryState::Done => {}
        EntryState::InFlight | EntryState::Queued => {
            world.violation(format!("{says} at the end"));
        }
        EntryState::Absent => {
            if by_us > 0 && !others_undid_it(zoho, row) {
                world.violation(format!("{says}, and our call did it"));
            }
            let went =
                zoho.effects_of(*target).iter().any(|effect| effect.kind == EffectKind::Deleted);
            if operation == "delete" && !went {
                world.violation(format!("{says}, and nobody deleted it"));
            }
        }
        EntryState::AwaitingApproval
        | EntryState::Pending
        | EntryState::Failed
        | EntryState::Held
        | EntryState::Cancelled => {
            // Of a record its time of change tells, but where Zoho refused the second copy of a call; a relation
            // and a tag bear no date.
            let told_apart = operation == "delete" && *state != EntryState::Failed;
            let blurred = !told_apart && others_undid_it(zoho, row);
            if by_us > 0 && !blurred {
                world.violation(format!("{says}, and our call did it"));
            }
        }
    }
}

/// Somebody else brought it back: what was read after that says nothing about what our call had done before.
fn others_undid_it(zoho: &Snapshot, row: &Row) -> bool {
    let effects = zoho.effects_of(row.target);
    let begin = effects.first().map_or(0, |effect| effect.at_ms);
    effects.iter().any(|effect| {
        effect.request.is_none()
            && (effect.kind == EffectKind::Restored
                || matches!(effect.kind, EffectKind::Tagged(_) | EffectKind::Linked(_))
                    && effect.at_ms > begin)
    })
}

/// Zoho says of a tag or a relation that it removed it also where there was none: because nobody looked, or
/// because somebody else was faster.
fn zoho_says_so(zoho: &Snapshot, row: &Row) -> bool {
    let by_others = zoho
        .effects_of(row.target)
        .iter()
        .any(|effect| matches!(effect.kind, EffectKind::Untagged(_) | EffectKind::Unlinked(_)));
    let blurred = by_others || !row.looked || others_undid_it(zoho, row);
    matches!(row.operation.as_str(), "untag" | "unlink") && blurred
}

/// Our calls for an entry that did to its thing what it asks for.
fn calls_that_did(world: &World, zoho: &Snapshot, row: &Row) -> BTreeSet<SendNumber> {
    let ledger = world.ledger();
    let effects =
        zoho.effects_of(row.target).iter().filter(|effect| match row.operation.as_str() {
            "delete" | "delete-tags" => effect.kind == EffectKind::Deleted,
            "untag" => matches!(effect.kind, EffectKind::Untagged(_)),
            _ => row.parent.is_some_and(|parent| effect.kind == EffectKind::Unlinked(parent)),
        });
    let requests = effects.filter_map(|effect| effect.request);
    let sends = requests.filter_map(|request| ledger.sent_as(request));
    sends
        .filter(|(_, intent)| intent.items.iter().any(|item| item.entry.get() == row.entry))
        .map(|(number, _)| number)
        .collect()
}
