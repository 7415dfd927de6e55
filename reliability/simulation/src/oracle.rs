//! What must hold at the moment of each effect, looked up in what a power cut right now would leave.

use std::path::Path;
use std::sync::Arc;

use journal_disk::{Disk, ProcessId};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use zoho_journal::clock::Clock;
use zoho_journal::domain::id::RequestId;

use crate::ledger::Intent;
use crate::world::World;

/// A call is about to leave.
pub fn at_sending(world: &World, intent: &Intent, process: ProcessId) {
    let batch = intent.batch;
    if !world.is_alive(process) {
        world.violation(format!("{batch} was sent by a dead process"));
    }
    if world.clock.elapsed() > intent.leaves_by {
        world.violation(format!("{batch} was sent later than it was to be"));
    }
    let why = world.ledger().orders.forbid(intent);
    if let Some(why) = why {
        world.violation(format!("{batch} was sent {why}"));
    }
    with_durable(world, |journal| {
        for item in &intent.items {
            let found: Option<(i64, i64, i64)> = journal
                .query_row(
                    "SELECT e.target, e.state, r.id FROM entry e JOIN request r
                         ON e.id BETWEEN r.first_entry AND r.last_entry
                     WHERE e.id = ?1",
                    [item.entry.get()],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )
                .optional()?;
            let entry = item.entry;
            match found {
                // In flight.
                Some((target, 4, request)) if target.to_string() == item.target.to_string() => {
                    let why = world.ledger().orders.forbid_request(RequestId::new(request));
                    if let Some(why) = why {
                        world.violation(format!("{batch} was sent {why}"));
                    }
                }
                // Another run took this one for dead, and waits out whatever it may still send.
                Some((_, 6, _)) if world.ledger().lock_taken_away => {}
                Some((target, state, _)) => world.violation(format!(
                    "{batch} was sent, and what is durable has {entry} for {target} in state {state}"
                )),
                None => world.violation(format!("{batch} was sent, and {entry} is not durable")),
            }
        }
        Ok(())
    });
}

/// A call arrives at Zoho and is about to have its effect. `deaths` is how many there were when it left: what was
/// durable then and has met no death since is durable now.
pub fn at_the_effect(world: &Arc<World>, intent: &Intent, deaths: usize) {
    world.count("effects looked at");
    if world.disk.died().len() == deaths {
        return;
    }
    world.count("effects of calls whose sender had died");
    with_durable(world, |journal| {
        let batch = intent.batch;
        let entries: Option<String> = journal
            .query_row("SELECT entries FROM batch WHERE id = ?1", [batch.get()], |row| row.get(0))
            .optional()?;
        let meant: zoho_journal::domain::ranges::EntryRanges =
            intent.items.iter().map(|item| item.entry).collect();
        if entries.as_deref() != Some(meant.to_string().as_str()) {
            world.violation(format!(
                "{batch} took effect for {meant}, and what is durable has it for {entries:?}"
            ));
        }
        Ok(())
    });
}

/// Shows the journal as a power cut right now would leave it.
fn with_durable(world: &World, look: impl FnOnce(&Connection) -> rusqlite::Result<()>) {
    let name = world.db.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    let unsynced = |file: &str| world.disk.has_unsynced_writes(file);
    let settled = !unsynced(name) && !unsynced(&format!("{name}-wal"));
    let looked = if settled {
        // What is seen is durable.
        open(&world.db).and_then(|journal| look(&journal))
    } else {
        world.count("looks at what is durable apart");
        let elsewhere = world.disk.dir().join("durable");
        let durable = Disk::mount_image(&elsewhere, &world.disk.durable());
        let looked = open(&durable.path(name)).and_then(|journal| look(&journal));
        drop(durable);
        looked
    };
    if let Err(error) = looked {
        world.violation(format!("what is durable cannot be read: {error}"));
    }
}

/// A connection of nobody's process.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}
