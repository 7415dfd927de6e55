//! `journal unlink`: records the intent to take records out of related lists.

use std::str::FromStr;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::record::full::NoFullArgs;
use crate::cli::record::{Asked, RecordArgs, record};
use crate::config::Flags;
use crate::domain::id::{IdError, ModuleName, RecordId};
use crate::domain::relations::{Standing, standing};
use crate::domain::scope::{Operation, RelatedList, Task};
use crate::intake::Things;

/// Record the intent to unlink related records; nothing is sent until journal sync
///
/// The records themselves stay. With - as RECORD_ID each row of a CSV file names its own parent; all of them
/// are one request.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  journal unlink Campaigns 410405000002264040 Leads 410405000002264041 --reason \"wrong list\"
  journal unlink Campaigns 410405000002264040 Leads --from leads.csv --reason \"wrong list\"
  journal unlink Campaigns - Leads --from pairs.csv --parent-column \"Campaign Id\" \\
    --id-column \"Lead Id\" --reason \"wrong list\"")]
pub(crate) struct UnlinkArgs {
    /// The parent's module by its API name, such as Campaigns
    module: ModuleName,
    /// The record whose related list it is; - for many, each named by its row
    #[arg(value_name = "RECORD_ID")]
    parent: Parent,
    /// The related list's API name, such as Leads
    #[arg(value_name = "RELATED_LIST")]
    list: RelatedList,
    /// Ids of the related records, bare or as Zoho exports them (zcrm_…)
    #[arg(value_name = "RELATED_ID")]
    ids: Vec<String>,
    /// The CSV column that holds the parents' ids
    #[arg(long, value_name = "NAME", requires = "from")]
    parent_column: Option<String>,
    /// Record it although Zoho's pages do not say what unlinking does in this list
    #[arg(long)]
    unlisted_relation: bool,
    /// Do not read beforehand what is linked. Costs fewer credits; what was there before is then not known,
    /// so nothing can be undone, and a lost answer may stay undecided
    #[arg(long)]
    no_snapshot: bool,
    #[command(flatten)]
    no_full: NoFullArgs,
    #[command(flatten)]
    record: RecordArgs,
}

/// Whose related list is meant.
#[derive(Debug, Clone, Copy)]
enum Parent {
    One(RecordId),
    /// Each row names its own.
    Rows,
}

impl FromStr for Parent {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text == "-" { Ok(Self::Rows) } else { text.parse().map(Self::One) }
    }
}

impl UnlinkArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        self.record.settings(flags)
    }
}

/// Runs the command.
pub(crate) fn run(args: &UnlinkArgs, context: &mut Context) -> Result<Exit, CliError> {
    args.no_full.check(Operation::Unlink)?;
    let parent = one_parent(args)?;
    let product = context.settings.product.value;
    let task = Task::Unlink(args.list.clone());
    // Whose ids a column may hold: the related module's, which an unknown list is likely named after.
    let version = context.settings.api_version_for(product);
    let related = match standing(product, version, &args.module, &args.list) {
        Standing::Listed { related, .. } => Some(related),
        Standing::DeletesRecords | Standing::Unlisted => args.list.as_str().parse().ok(),
    };
    let of = Things::Records(related.as_ref().unwrap_or(&args.module));
    let asked = Asked {
        parent,
        parent_column: args.parent_column.as_deref(),
        unlisted_relation: args.unlisted_relation,
        snapshot: !args.no_snapshot,
        ..Asked::new(&task, &args.module, of, &args.ids)
    };
    record(context, &args.record, &asked)
}

/// The one parent, or `None` where each row names its own and all that this takes was given.
fn one_parent(args: &UnlinkArgs) -> Result<Option<RecordId>, CliError> {
    let usage = |error: &str, hint: &str| {
        Err(CliError::new(Exit::Usage, error.to_owned()).hint(hint.to_owned()))
    };
    let file = args.record.reads_file();
    match (args.parent, &args.parent_column) {
        (Parent::One(_), Some(_)) => usage(
            "--parent-column is for many parents, and RECORD_ID names one",
            "write - instead of RECORD_ID, or leave --parent-column out",
        ),
        (Parent::One(parent), None) => Ok(Some(parent)),
        (Parent::Rows, Some(_)) if file && args.record.names_column() => Ok(None),
        (Parent::Rows, _) => usage(
            "with - as RECORD_ID each row names its parent: the columns must be named",
            "add --from FILE --parent-column NAME --id-column NAME",
        ),
    }
}
