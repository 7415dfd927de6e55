//! Migrations: the embedded SQL files, applied in one transaction, each with its own SHA-256.

use std::path::Path;
use std::sync::OnceLock;

use refinery::Target;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::merkle::Hash;
use crate::domain::time::Timestamp;
use crate::store::error::{Doing, Result, StoreError};

/// Looking at journals that an older program made.
pub(super) mod older;

const RECORDING: &str = "recording the schema";

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The newest schema this program knows.
pub(crate) fn newest() -> u32 {
    static NEWEST: OnceLock<u32> = OnceLock::new();
    // Each opening of a journal asks, and refinery hashes every migration to answer.
    *NEWEST.get_or_init(find_newest)
}

fn find_newest() -> u32 {
    embedded::migrations::runner()
        .get_migrations()
        .iter()
        .filter_map(|migration| u32::try_from(migration.version()).ok())
        .max()
        .unwrap_or(0)
}

/// Creates the tables of a new journal, and records what was applied.
///
/// refinery writes a migration and its own history row in two transactions unless it groups them; and it
/// panics on a damaged history, so the history is only ever read by it when our own check has passed.
pub(crate) fn migrate(conn: &mut Connection) -> Result<()> {
    migrate_to(conn, newest())
}

/// A journal of some older schema, or of the newest, without any events, in memory: what `verify` compares
/// a journal's schema with.
pub(crate) fn fresh(version: u32) -> Result<Connection> {
    let mut conn = Connection::open_in_memory().doing("making a schema to compare with")?;
    migrate_to(&mut conn, version)?;
    Ok(conn)
}

fn migrate_to(conn: &mut Connection, version: u32) -> Result<()> {
    let runner = embedded::migrations::runner();
    let target = i32::try_from(version).map_or(Target::Latest, Target::Version);
    let known: Vec<(u32, String, String)> = runner
        .get_migrations()
        .iter()
        .map(|migration| {
            let sql = migration.sql().unwrap_or_default();
            let version = u32::try_from(migration.version()).unwrap_or(0);
            (version, migration.name().to_owned(), Hash::of(sql.as_bytes()).to_string())
        })
        .filter(|(number, ..)| *number <= version)
        .collect();
    runner
        .set_grouped(true)
        .set_target(target)
        .run(conn)
        .map_err(|error| StoreError::corrupt("refinery_schema_history", error.to_string()))?;
    for (version, name, sha256) in &known {
        record(conn, *version, name, sha256)?;
    }
    conn.pragma_update(None, "user_version", version).doing(RECORDING)
}

fn record(conn: &Connection, version: u32, name: &str, sha256: &str) -> Result<()> {
    conn.execute(
        "-- record_migration\nINSERT INTO migration (version, name, sha256)
         VALUES (:version, :name, :sha256) ON CONFLICT (version) DO NOTHING",
        named_params! {":version": version, ":name": name, ":sha256": sha256},
    )
    .map(|_| ())
    .doing(RECORDING)
}

/// Applies to an older journal what it lacks, in the caller's transaction, so that the caller's event is
/// committed together with it. refinery would commit by itself; its history is written in its own form.
pub(crate) fn apply_pending(conn: &Connection, now: Timestamp) -> Result<()> {
    let applied = version(conn)?;
    let runner = embedded::migrations::runner();
    let mut pending: Vec<_> = runner
        .get_migrations()
        .iter()
        .filter_map(|one| Some((u32::try_from(one.version()).ok()?, one)))
        .filter(|(number, _)| *number > applied)
        .collect();
    pending.sort_by_key(|(number, _)| *number);
    for (number, migration) in pending {
        let sql = migration.sql().unwrap_or_default();
        conn.execute_batch(sql).doing("upgrading the journal")?;
        conn.execute(
            "-- record_history\nINSERT INTO refinery_schema_history (version, name, applied_on, checksum)
             VALUES (:version, :name, :applied_on, :checksum)",
            named_params! {
                ":version": number,
                ":name": migration.name(),
                ":applied_on": now.to_string(),
                ":checksum": migration.checksum().to_string(),
            },
        )
        .doing(RECORDING)?;
        record(conn, number, migration.name(), &Hash::of(sql.as_bytes()).to_string())?;
        conn.pragma_update(None, "user_version", number).doing(RECORDING)?;
    }
    Ok(())
}

/// The schema that a journal has, if this program knows it; 0 before its tables were made.
pub(crate) fn known_version(conn: &Connection, path: &Path) -> Result<u32> {
    let (found, known) = (version(conn)?, newest());
    if found > known {
        return Err(StoreError::SchemaTooNew { path: path.to_owned(), found, known });
    }
    Ok(found)
}

/// The schema that a journal has.
pub(crate) fn version(conn: &Connection) -> Result<u32> {
    let version: i64 = conn
        .prepare_cached("-- schema_version\nPRAGMA user_version")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("reading the schema")?;
    Ok(u32::try_from(version).unwrap_or(u32::MAX))
}

/// The migrations as they were applied differ from the ones in this program.
pub(crate) fn check_applied(conn: &Connection) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let version = version(conn)?;
    let runner = embedded::migrations::runner();
    let applied = |number: i32| u32::try_from(number).is_ok_and(|number| number <= version);
    for migration in runner.get_migrations().iter().filter(|one| applied(one.version())) {
        let expected = Hash::of(migration.sql().unwrap_or_default().as_bytes()).to_string();
        let stored: Option<String> = conn
            .query_row(
                "-- check_applied\nSELECT sha256 FROM migration WHERE version = :version",
                named_params! {":version": migration.version()},
                |row| row.get(0),
            )
            .optional()
            .doing("reading the schema")?;
        if stored.as_deref() != Some(expected.as_str()) {
            findings.push(format!("migration {migration} is not the one this program knows"));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_migration_file_is_left_out() {
        let in_folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))
            .unwrap()
            .filter(|entry| {
                entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "sql")
            })
            .count();
        let runner = super::embedded::migrations::runner();
        assert_eq!(runner.get_migrations().len(), in_folder);
    }
}
