//! Migrations: the embedded SQL files, applied in one transaction, each with its own SHA-256.

use refinery::Target;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::merkle::Hash;
use crate::store::error::{Doing, Result, StoreError};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The newest schema this program knows.
pub(crate) fn newest() -> u32 {
    embedded::migrations::runner()
        .get_migrations()
        .iter()
        .filter_map(|migration| u32::try_from(migration.version()).ok())
        .max()
        .unwrap_or(0)
}

/// Creates the tables of a new journal, or upgrades an older one, and records what was applied.
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
        conn.execute(
            "-- record_migration\nINSERT INTO migration (version, name, sha256)
             VALUES (:version, :name, :sha256) ON CONFLICT (version) DO NOTHING",
            named_params! {":version": version, ":name": name, ":sha256": sha256},
        )
        .doing("recording the schema")?;
    }
    conn.pragma_update(None, "user_version", version).doing("recording the schema")
}

/// The schema that a journal has.
pub(crate) fn version(conn: &Connection) -> Result<u32> {
    let version: i64 = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
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
