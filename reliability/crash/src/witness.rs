//! What must be so at the moment a write call reaches Zoho: the journal in its file already says that it is under way.
//! What comes after hides a call that was sent too early, for recovery finds out and writes it down.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use rusqlite::named_params;
use zoho_journal::simulator::{WriteHook, WriteSeen};

use crate::truth;

/// Sees each write as it arrives, before anything comes of it.
#[derive(Debug, Clone, Default)]
pub struct Witness(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// Whether a call may come after its client gave up, so that the journal may already say `unknown`.
    late: bool,
    db: Option<PathBuf>,
    writes: usize,
    broken: Vec<String>,
}

impl Witness {
    /// One for a network that delivers late.
    pub fn of_late_calls() -> Self {
        let witness = Self::default();
        witness.seen(|seen| seen.late = true);
        witness
    }

    /// What the simulator calls.
    pub fn hook(&self) -> WriteHook {
        let witness = self.clone();
        Arc::new(move |write| witness.see(write))
    }

    /// From now on writes are held against this journal.
    pub fn watch(&self, db: &Path) {
        self.seen(|seen| seen.db = Some(db.to_owned()));
    }

    /// How many writes came.
    pub fn writes(&self) -> usize {
        self.seen(|seen| seen.writes)
    }

    /// Fails when a write came that the journal did not hold.
    pub fn is_content(&self) -> Result<()> {
        self.seen(|seen| {
            ensure!(seen.broken.is_empty(), "{}", seen.broken.join("\n"));
            Ok(())
        })
    }

    fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn see(&self, write: &WriteSeen) {
        let (db, late) = self.seen(|seen| {
            seen.writes += 1;
            (seen.db.clone(), seen.late)
        });
        let Some(db) = db else { return };
        if let Err(error) = is_under_way(&db, write, late) {
            self.seen(|seen| seen.broken.push(format!("call {}: {error:#}", write.number)));
        }
    }
}

/// Every item of the call is an entry in flight.
fn is_under_way(db: &Path, write: &WriteSeen, late: bool) -> Result<()> {
    let conn = truth::open(db)?;
    let mut statement = conn.prepare(
        "SELECT count(*) FROM entry e JOIN word w ON w.kind = 'state' AND w.number = e.state
             WHERE e.target = :id AND (w.name = 'in_flight' OR :late AND w.name = 'unknown')",
    )?;
    ensure!(!write.ids.is_empty(), "{} {} names nothing", write.method, write.url);
    for id in &write.ids {
        let number: i64 = id.parse()?;
        let found: i64 =
            statement.query_row(named_params! {":id": number, ":late": late}, |row| row.get(0))?;
        ensure!(
            found == 1,
            "{} {} came while {id} stands in {found} entries in flight",
            write.method,
            write.url
        );
    }
    Ok(())
}
