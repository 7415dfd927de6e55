//! Falsifications of what a recovery left. A judgement that lets one pass proves nothing.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result};
use rusqlite::Connection;
use zoho_journal::simulator::Simulator;

use crate::judge::Sabotage;
use crate::place::Place;

/// Each with the scenario that it is tried in, and a part of what is then said.
pub const ALL: &[(&str, &str, &str, Sabotage)] = &[
    ("the anchor is gone", "sync-delete", "\"anchored\":false", |place, _| {
        Ok(fs::remove_file(place.file("journal.db.anchor"))?)
    }),
    ("an entry's state was edited", "sync-delete", "stand as", |place, _| {
        edit(
            place,
            "UPDATE entry SET state = (SELECT number FROM word WHERE kind = 'state' AND name = 'absent') WHERE id = 1",
        )
    }),
    ("an event is gone", "sync-untag", "verify", |place, _| {
        edit(
            place,
            "PRAGMA foreign_keys = OFF; DROP TRIGGER event_no_delete; DELETE FROM event WHERE seq = 2",
        )
    }),
    ("a call went out that nobody recorded", "sync-delete", "which nobody asked for", |_, zoho| {
        call(zoho)
    }),
    (
        "a record came back and was deleted again",
        "sync-delete",
        "2 times by our calls",
        |_, zoho| {
            let done = zoho.snapshot().history.keys().copied().find(|id| zoho.restore(*id));
            delete(zoho, done.context("nothing was deleted")?)
        },
    ),
    ("others may read the journal", "record-delete", "mode", |place, _| {
        Ok(fs::set_permissions(place.db(), Permissions::from_mode(0o644))?)
    }),
    ("a part of a copy was left", "migrate-record", "nobody names it", |place, _| {
        Ok(fs::write(place.file("journal.db.v1.backup.part"), "")?)
    }),
    ("half an export has its name", "export", "neither old nor new", |place, _| {
        let whole = fs::read(place.file("out.csv"))?;
        Ok(fs::write(place.file("out.csv"), whole.get(..whole.len() / 2).unwrap_or_default())?)
    }),
    ("a reader wrote", "read-status", "that only reads changed", |place, _| {
        let mut file = OpenOptions::new().append(true).open(place.file("journal.db-wal"))?;
        Ok(file.write_all(b"x")?)
    }),
    ("a decision is another one", "settle", "stand as", |place, _| {
        edit(
            place,
            "UPDATE entry SET state = (SELECT number FROM word WHERE kind = 'state' AND name = 'done') WHERE id = 2",
        )
    }),
];

fn edit(place: &Place, sql: &str) -> Result<()> {
    let conn = Connection::open(place.db())?;
    Ok(conn.execute_batch(sql)?)
}

/// A deletion that no journal holds.
fn call(zoho: &Simulator) -> Result<()> {
    let more = zoho.add_records("Leads", 1);
    delete(zoho, more.first().copied().context("no record was added")?)
}

fn delete(zoho: &Simulator, id: u64) -> Result<()> {
    let (url, token) = (zoho.api_url(), zoho.access_token());
    let address = url.strip_prefix("http://").context("an odd address")?;
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "DELETE /crm/v8/Leads?ids={id} HTTP/1.1\r\nhost: localhost\r\nauthorization: Zoho-oauthtoken {token}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    anyhow::ensure!(answer.contains("SUCCESS"), "the deletion did not work: {answer}");
    Ok(())
}
