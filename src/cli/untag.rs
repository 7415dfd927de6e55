//! `journal untag`: records the intent to remove tags from records.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::record::full::NoFullArgs;
use crate::cli::record::{Asked, RecordArgs, record};
use crate::config::Flags;
use crate::domain::id::ModuleName;
use crate::domain::scope::{Operation, TagName, TagSet, Task};
use crate::intake::Things;

/// Record the intent to remove tags from records; nothing is sent until journal sync
///
/// Every tag that is named is removed from every record that is given; the tags themselves stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  journal untag Leads --tag Prime 410405000002264040 --reason \"no longer\" --ticket OPS-7
  journal untag Leads --tag Prime --tag \"Attend First\" --from leads.csv --reason \"clean-up\"")]
pub(crate) struct UntagArgs {
    /// The module's API name, such as Leads
    module: ModuleName,
    /// Record ids, bare or as Zoho exports them (zcrm_…)
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// The tag to remove, by its exact name (repeat it for several; commas separate nothing)
    #[arg(long = "tag", value_name = "NAME", required = true)]
    tags: Vec<TagName>,
    /// Do not read beforehand which tags each record carries. Costs fewer credits; what was there before is
    /// then not known, so nothing can be undone, and a lost answer may stay undecided
    #[arg(long)]
    no_snapshot: bool,
    #[command(flatten)]
    no_full: NoFullArgs,
    #[command(flatten)]
    record: RecordArgs,
}

impl UntagArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        self.record.settings(flags)
    }
}

/// Runs the command.
pub(crate) fn run(args: &UntagArgs, context: &mut Context) -> Result<Exit, CliError> {
    args.no_full.check(Operation::Untag)?;
    let tags = TagSet::new(args.tags.iter().cloned());
    let task = Task::Untag(tags.map_err(|error| CliError::new(Exit::Usage, error))?);
    let records = Things::Records(&args.module);
    let asked = Asked::new(&task, &args.module, records, &args.ids);
    record(context, &args.record, &Asked { snapshot: !args.no_snapshot, ..asked })
}
