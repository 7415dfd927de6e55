//! What happened in one world, for whoever looks for the reason of a failure.

use rusqlite::Connection;
use zoho_journal::domain::time::Timestamp;

use crate::world::World;

/// The log, the calls that Zoho saw, and what became of each record.
pub fn of(world: &World) -> Vec<String> {
    let mut story =
        log(world).unwrap_or_else(|error| vec![format!("the log cannot be read: {error}")]);
    for call in world.zoho.requests() {
        let at = Timestamp::from_millis(call.at_ms);
        let sent = world.ledger().sent_as(call.number).map(|(_, intent)| intent.batch.to_string());
        story.push(format!(
            "zoho {at} #{} {} {} {} -> {:?} {:?}, {} applied",
            call.number,
            sent.unwrap_or_default(),
            call.method,
            call.url,
            call.status,
            call.fault,
            call.applied
        ));
    }
    for (id, effects) in &world.zoho.snapshot().history {
        for effect in effects {
            let at = Timestamp::from_millis(effect.at_ms);
            story.push(format!(
                "effect {at} {id} {:?} by {:?} {:?}",
                effect.kind, effect.by, effect.request
            ));
        }
    }
    story
}

fn log(world: &World) -> rusqlite::Result<Vec<String>> {
    let conn = Connection::open(&world.db)?;
    let mut statement = conn.prepare("SELECT seq, CAST(body AS TEXT) FROM event ORDER BY seq")?;
    let rows = statement.query_map([], |row| {
        Ok(format!("log {} {}", row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    rows.collect()
}
