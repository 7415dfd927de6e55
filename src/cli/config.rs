//! `journal config`: the settings in force, where each came from, and changing one in the file.

use std::path::Path;

use clap::Subcommand;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Out, Table};
use crate::config::{Flags, Key, Origin, Settings};
use crate::platform::shell_quoted;

/// After an error nothing has changed.
const NOT_WRITTEN: &str = "nothing was written; journal config show lists every setting";

/// Show the settings in force, or change one in the settings file
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show every setting and where it comes from: flag, environment, file or default
    Show,
    Set(SetArgs),
}

/// Set a setting in the profile's table of the settings file
///
/// Comments and order stay. A flag or an environment variable still wins over the file. Secrets are refused.
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    /// The setting, as `config show` names it
    #[arg(value_name = "KEY")]
    key: String,
    /// Its value
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    value: String,
}

/// What was written, as JSON.
#[derive(Serialize)]
struct Written {
    key: &'static str,
    value: String,
    was: Option<String>,
    profile: String,
    file: String,
    overridden_by: Option<String>,
}

impl ConfigArgs {
    /// What is to be set. That must not need settings which are in order: it may be what mends them.
    pub(crate) fn change(&self) -> Option<&SetArgs> {
        match &self.command {
            ConfigCommand::Set(args) => Some(args),
            ConfigCommand::Show => None,
        }
    }
}

/// Sets one setting.
pub(crate) fn set(args: &SetArgs, flags: &Flags, out: &mut Out) -> Result<Exit, CliError> {
    let environment = |name: &str| std::env::var(name).ok();
    let value = value(args)?;
    let change = crate::config::change(flags, &environment, &args.key, &value)
        .map_err(|error| CliError::new(Exit::Usage, error).hint(NOT_WRITTEN))?;
    let overridden = change.overridden_by.as_ref().map(ToString::to_string);
    if out.is_json() {
        out.json_line(&Written {
            key: change.key.wire_name(),
            value: change.value,
            was: change.was,
            profile: change.profile,
            file: change.file.display().to_string(),
            overridden_by: overridden,
        })?;
        return Ok(Exit::Done);
    }
    let was = change.was.map(|was| format!(" (it was {was})")).unwrap_or_default();
    out.data_line(format!(
        "{} is {} now in profile {} of {}{was}",
        change.key,
        change.value,
        change.profile,
        shell_quoted(&change.file),
    ))?;
    if change.is_new_profile {
        out.warn(&format!("the file had no profile named {} until now", change.profile));
    }
    match change.overridden_by {
        Some(Origin::Environment(name)) => {
            out.warn(&format!("{name} is set and wins over the file: unset {name}"));
        }
        Some(by) => out.warn(&format!("{by} wins over the file wherever it is given")),
        None => {}
    }
    Ok(Exit::Done)
}

/// The value. A relative path in the file counts from the file's directory, and on a command line from
/// where one is.
fn value(args: &SetArgs) -> Result<String, CliError> {
    let path = Path::new(&args.value);
    if args.key != Key::Db.wire_name() || args.value.starts_with('~') || path.is_absolute() {
        return Ok(args.value.clone());
    }
    Ok(std::path::absolute(path)?.display().to_string())
}

#[derive(Serialize)]
struct Shown {
    value: String,
    origin: String,
}

/// Runs the command.
pub(crate) fn run(args: &ConfigArgs, context: &mut Context) -> Result<Exit, CliError> {
    match &args.command {
        ConfigCommand::Show => show(context),
        // The program carries this out before it resolves settings, with all flags.
        ConfigCommand::Set(args) => {
            let Settings { config, profile, .. } = &context.settings;
            let (config, profile) = (config.value.clone(), Some(profile.value.clone()));
            let flags = Flags { config, profile, ..Flags::default() };
            set(args, &flags, &mut context.out)
        }
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
