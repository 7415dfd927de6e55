//! `journal hold`: records that must not be touched, whoever asks.

mod add;
mod list;
mod release;

use std::path::PathBuf;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::domain::id::{ModuleName, RecordId};
use crate::export::cell::visible_short;
use crate::intake::{self, ColumnRule, Input, IntakeError, Things};

/// As much of a name or a reason as is shown again, in characters.
const SHOWN: usize = 200;

/// Rows that are shown one by one; the rest is counted.
const SHOWN_ROWS: usize = 20;

/// Keep records from being touched, list what is held, or release it
#[derive(Debug, clap::Args)]
pub(crate) struct HoldArgs {
    #[command(subcommand)]
    command: HoldCommand,
}

#[derive(Debug, clap::Subcommand)]
enum HoldCommand {
    Add(add::AddArgs),
    List(list::ListArgs),
    Release(release::ReleaseArgs),
}

/// Runs the command.
pub(crate) fn run(args: &HoldArgs, context: &mut Context) -> Result<Exit, CliError> {
    match &args.command {
        HoldCommand::Add(args) => add::run(args, context),
        HoldCommand::List(args) => list::run(args, context),
        HoldCommand::Release(args) => release::run(args, context),
    }
}

/// Which records are meant.
#[derive(Debug, clap::Args)]
struct WhichArgs {
    /// The module's API name, such as Leads
    module: ModuleName,
    /// Record ids, bare or as Zoho exports them (zcrm_…)
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Read ids from a CSV file or a list with one id a line; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    from: Option<PathBuf>,
    /// The CSV column that holds the ids
    #[arg(long, value_name = "NAME", requires = "from")]
    id_column: Option<String>,
    /// The whole module
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

impl WhichArgs {
    /// The ids, ascending, each once; `None` for the whole module. One that is no id refuses all.
    fn read(&self, context: &mut Context) -> Result<Option<Vec<RecordId>>, CliError> {
        if self.all {
            return Ok(None);
        }
        let rule = ColumnRule {
            of: Things::Records(&self.module),
            product: context.settings.product.value,
            id_column: self.id_column.as_deref(),
            parent_column: None,
            parents: None,
        };
        let read = || -> Result<_, IntakeError> {
            let input = self.from.as_deref().map(Input::open).transpose()?;
            intake::read(&self.ids, input, &rule)
        };
        let intake = read().map_err(|error| {
            let usage = matches!(error, IntakeError::NoIds | IntakeError::NoParent);
            let exit = if usage { Exit::Usage } else { Exit::Error };
            let hint = error.hint().unwrap_or_else(|| {
                "name ids, a file with --from, or the whole module with --all".to_owned()
            });
            CliError::new(exit, error).hint(hint)
        })?;
        if !intake.rejected.is_empty() {
            let told: Vec<String> = intake
                .rejected
                .iter()
                .take(SHOWN_ROWS)
                .map(|row| format!("\"{}\": {}", row.shown(), row.reason))
                .collect();
            let more = intake.rejected.len().saturating_sub(SHOWN_ROWS);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            let what = format!("nothing was recorded: {}{more}", told.join("; "));
            return Err(CliError::new(Exit::Error, what)
                .hint("correct these; a hold that misses a record would be none"));
        }
        let mut ids: Vec<RecordId> = intake.items.iter().map(|item| item.target).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            let what = "nothing was recorded: there are no ids";
            return Err(CliError::new(Exit::Error, what).hint("check the file and its column"));
        }
        Ok(Some(ids))
    }
}

/// The first few of many ids.
fn named(ids: &[RecordId]) -> String {
    let shown: Vec<String> = ids.iter().take(SHOWN_ROWS).map(ToString::to_string).collect();
    let more = ids.len().saturating_sub(SHOWN_ROWS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// Text as it was typed, cut and made visible.
fn typed(text: Option<&String>) -> String {
    text.map_or_else(|| "(erased)".to_owned(), |text| visible_short(text, SHOWN).into_owned())
}
