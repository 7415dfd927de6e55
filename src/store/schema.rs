//! Migrations: the embedded SQL files, applied in one transaction, each with its own SHA-256.

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
    let runner = embedded::migrations::runner();
    let known: Vec<(u32, String, String)> = runner
        .get_migrations()
        .iter()
        .map(|migration| {
            let sql = migration.sql().unwrap_or_default();
            let version = u32::try_from(migration.version()).unwrap_or(0);
            (version, migration.name().to_owned(), Hash::of(sql.as_bytes()).to_string())
        })
        .collect();
    runner
        .set_grouped(true)
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
    conn.pragma_update(None, "user_version", newest()).doing("recording the schema")
}

/// The migrations as they were applied differ from the ones in this program.
pub(crate) fn check_applied(conn: &Connection) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for migration in embedded::migrations::runner().get_migrations() {
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
