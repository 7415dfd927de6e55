//! `journal delete`: records the intent to delete records.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::record::full::FullArgs;
use crate::cli::record::{Asked, RecordArgs, record};
use crate::config::Flags;
use crate::domain::id::ModuleName;
use crate::domain::scope::Task;
use crate::intake::Things;

/// Record the intent to delete records; nothing is sent until journal sync
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  journal delete Leads 410405000002264040 --reason \"duplicate\" --ticket OPS-7
  journal delete Leads --from leads.csv --reason \"GDPR erasure\" --no-workflows
  journal delete Leads --from leads.csv --reason \"merger\" --snapshot full --snapshot-recipient age1…
  journal delete Leads --from list.csv --id-column \"CRM id\" --reason \"clean-up\" --dry-run")]
pub(crate) struct DeleteArgs {
    /// The module's API name, such as Leads or Tasks
    module: ModuleName,
    /// Record ids, bare or as Zoho exports them (zcrm_…)
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Do not let Zoho run its workflows for these deletions
    #[arg(long)]
    no_workflows: bool,
    #[command(flatten)]
    full: FullArgs,
    #[command(flatten)]
    record: RecordArgs,
}

impl DeleteArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        self.full.settings(self.record.settings(flags))
    }
}

/// Runs the command.
pub(crate) fn run(args: &DeleteArgs, context: &mut Context) -> Result<Exit, CliError> {
    let records = Things::Records(&args.module);
    let asked = Asked::new(&Task::Delete, &args.module, records, &args.ids);
    let full = args.full.wanted(context)?;
    let asked = Asked { workflows: Some(!args.no_workflows), full: full.as_ref(), ..asked };
    record(context, &args.record, &asked)
}
