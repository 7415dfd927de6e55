//! The pause: while it lasts no run claims anything.

use rusqlite::{Connection, OptionalExtension, named_params};
use serde::Serialize;

use crate::domain::event::{Paused, Resumed};
use crate::domain::id::EventSeq;
use crate::domain::time::Timestamp;
use crate::planted::Mistake;
use crate::store::approval::By;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result};
use crate::store::log::{self, Seals, event_at};
use crate::store::{Reader, WriteTx};

const DOING: &str = "pausing";

/// Who paused, since when, and why. Texts are `None` once erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PauseView {
    /// Since when.
    pub since: Timestamp,
    /// Who.
    pub paused_by: Option<String>,
    /// The OS account that recorded it.
    pub recorded_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl std::fmt::Display for PauseView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let erased = |text: &Option<String>| text.clone().unwrap_or_else(|| "(erased)".to_owned());
        let (who, why) = (erased(&self.paused_by), erased(&self.reason));
        write!(f, "paused by {who} since {}: {why}", self.since)
    }
}

impl Reader {
    /// The pause, while there is one.
    pub fn pause(&self) -> Result<Option<PauseView>> {
        pause(&self.conn)
    }
}

impl WriteTx<'_> {
    /// Pauses. `Err` with the pause that there is already; then nothing is written.
    pub fn pause(&mut self, by: By<'_>) -> Result<std::result::Result<(), PauseView>> {
        if let Some(pause) = pause(&self.tx)? {
            return Ok(Err(pause));
        }
        let mut seals = Seals::default();
        let event = Paused {
            program: by.program.to_owned(),
            paused_by: seals.add(self.entropy, "paused_by", by.who)?,
            recorded_by: seals.add(self.entropy, "recorded_by", by.account)?,
            reason: seals.add(self.entropy, "reason", by.reason)?,
        };
        let seq = self.append(event, seals)?;
        self.tx
            .execute(
                "-- pause\nINSERT INTO pause (one, seq) VALUES (1, :seq)",
                named_params! {":seq": Sql(seq)},
            )
            .doing(DOING)?;
        Ok(Ok(()))
    }

    /// Ends the pause, and gives it. `None` when there is none; then nothing is written.
    pub fn resume(&mut self, by: By<'_>) -> Result<Option<PauseView>> {
        let Some(pause) = pause(&self.tx)? else { return Ok(None) };
        let mut seals = Seals::default();
        let reason = (!by.reason.is_empty()).then_some(by.reason);
        let event = Resumed {
            program: by.program.to_owned(),
            resumed_by: seals.add(self.entropy, "resumed_by", by.who)?,
            recorded_by: seals.add(self.entropy, "recorded_by", by.account)?,
            reason: seals.add_some(self.entropy, "reason", reason)?,
        };
        self.append(event, seals)?;
        self.tx.execute("-- resume\nDELETE FROM pause", []).doing("resuming")?;
        Ok(Some(pause))
    }
}

/// The pause, while there is one.
pub(crate) fn pause(conn: &Connection) -> Result<Option<PauseView>> {
    if Mistake::IgnoresPauses.is_made() {
        return Ok(None);
    }
    let seq: Option<Sql<EventSeq>> = conn
        .prepare_cached("-- paused\nSELECT seq FROM pause")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
        .doing("looking for a pause")?;
    let Some(Sql(seq)) = seq else { return Ok(None) };
    Ok(Some(PauseView {
        since: event_at(conn, seq)?.0,
        paused_by: log::opened(conn, seq, "paused_by")?,
        recorded_by: log::opened(conn, seq, "recorded_by")?,
        reason: log::opened(conn, seq, "reason")?,
    }))
}
