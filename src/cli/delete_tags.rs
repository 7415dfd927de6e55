//! `journal delete-tags`: records the intent to delete tags themselves.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::record::full::NoFullArgs;
use crate::cli::record::{Asked, RecordArgs, record};
use crate::config::Flags;
use crate::domain::id::ModuleName;
use crate::domain::scope::{Operation, TagName, Task};
use crate::intake::Things;

/// Record the intent to delete tags of a module; nothing is sent until journal sync
///
/// A tag that is deleted is gone from all records of the module.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  journal delete-tags Leads 410405000000612004 --reason \"renamed\" --ticket OPS-7
  journal delete-tags Leads --name Prime --name \"Attend First\" --reason \"clean-up\"")]
pub(crate) struct DeleteTagsArgs {
    /// The API name of the module whose tags these are, such as Leads
    module: ModuleName,
    /// Ids of tags
    #[arg(value_name = "TAG_ID")]
    ids: Vec<String>,
    /// A tag by its name (repeat it for several; commas separate nothing). Its id is read from Zoho while
    /// recording, which needs a token; nothing is written
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<TagName>,
    /// Do not keep beforehand what the tags are: nothing can be undone then, and a lost answer may stay
    /// undecided. The module's tags are read all the same, since a tag's deletion names no module
    #[arg(long)]
    no_snapshot: bool,
    /// Read beforehand which records carry the tags, so that undo can put them back on these. The whole module is
    /// read for it: one call for 200 records
    #[arg(long, conflicts_with = "no_snapshot")]
    snapshot_records: bool,
    #[command(flatten)]
    no_full: NoFullArgs,
    #[command(flatten)]
    record: RecordArgs,
}

impl DeleteTagsArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        self.record.settings(flags)
    }
}

/// Runs the command.
pub(crate) fn run(args: &DeleteTagsArgs, context: &mut Context) -> Result<Exit, CliError> {
    args.no_full.check(Operation::DeleteTags)?;
    let asked = Asked::new(&Task::DeleteTags, &args.module, Things::Tags, &args.ids);
    let asked = Asked { snapshot: !args.no_snapshot, names: &args.names, ..asked };
    let asked = Asked { snapshot_records: args.snapshot_records, ..asked };
    record(context, &args.record, &asked)
}
