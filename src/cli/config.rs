//! `journal config`: the settings in force, and where each came from.

use clap::Subcommand;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Table};

/// Show the settings in force
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show every setting and where it comes from: flag, environment, file or default
    Show,
}

#[derive(Serialize)]
struct Shown {
    value: String,
    origin: String,
}

/// Runs the command.
pub(crate) fn run(args: &ConfigArgs, context: &mut Context) -> Result<Exit, CliError> {
    match args.command {
        ConfigCommand::Show => show(context),
    }
}

fn show(context: &mut Context) -> Result<Exit, CliError> {
    let rows = context.settings.rows();
    if context.out.is_json() {
        let document: std::collections::BTreeMap<&str, Shown> = rows
            .iter()
            .map(|row| {
                (row.key, Shown { value: row.value.clone(), origin: row.origin.to_string() })
            })
            .collect();
        context.out.json_line(&document)?;
        return Ok(Exit::Done);
    }
    let columns = [("setting", Align::Left), ("value", Align::Left), ("from", Align::Left)];
    let mut table = Table::new(columns);
    for row in &rows {
        table.row([row.key.to_owned(), row.value.clone(), row.origin.to_string()]);
    }
    context.out.table(&table)?;
    Ok(Exit::Done)
}
