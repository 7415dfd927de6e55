//! What all recording commands have in common: where ids come from, who asks and why, and how the outcome
//! is told.

pub(crate) mod checks;
pub(crate) mod full;
mod names;
mod tell;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::cli::context::{Context, PROGRAM};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::plan;
use crate::cli::policy_flags::PolicyFlags;
use crate::cli::reason;
use crate::config::Flags;
use crate::domain::event::SourceKind;
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::merkle::Hash;
use crate::domain::scope::{TagName, Task};
use crate::domain::target::Product;
use crate::domain::time::Timestamp;
use crate::intake::{self, ColumnRule, Input, Intake, IntakeError, Layout, Things};
use crate::platform::{host_name, process_id};
use crate::store::entry::NewItem;
use crate::store::full_snapshot::FullWanted;
use crate::store::recording::{InvalidRow, NewRequest, RepeatedRow, RequestSource};

/// Flags of every recording command.
#[derive(Debug, clap::Args)]
pub(crate) struct RecordArgs {
    /// Read ids from a CSV file or a list with one id a line; - for standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The CSV column that holds the ids
    #[arg(long, value_name = "NAME", requires = "from")]
    id_column: Option<String>,
    /// Why this is asked for
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The ticket it belongs to
    #[arg(long, value_name = "REF")]
    ticket: Option<String>,
    /// Who asks [default: the OS user]
    #[arg(long, value_name = "WHO")]
    requested_by: Option<String>,
    /// Record the valid rows although others are invalid; each skipped row is kept for the audit
    #[arg(long)]
    skip_invalid: bool,
    /// Record items that an open entry covers all the same
    #[arg(long)]
    again: bool,
    /// Send nothing before this time (2026-08-22 or 2026-08-22T10:00:00Z)
    #[arg(long, value_name = "TIME")]
    not_before: Option<Timestamp>,
    /// Send nothing later without a fresh approval
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = humantime::parse_duration)]
    valid_for: Duration,
    #[command(flatten)]
    policy: PolicyFlags,
    /// Show what would be recorded, and record nothing
    #[arg(long)]
    dry_run: bool,
}

/// What is asked for, apart from the flags that all commands have.
pub(crate) struct Asked<'a> {
    pub(crate) task: &'a Task,
    pub(crate) module: &'a ModuleName,
    /// What the ids name.
    pub(crate) of: Things<'a>,
    /// The parent record of an unlink, where there is only one.
    pub(crate) parent: Option<RecordId>,
    /// The column with the parents, where each row names one.
    pub(crate) parent_column: Option<&'a str>,
    /// Whether an unlink is recorded although nobody says what it does in this list.
    pub(crate) unlisted_relation: bool,
    /// Whether Zoho's workflows run; `None` where an operation starts none and has no switch for them.
    pub(crate) workflows: Option<bool>,
    pub(crate) snapshot: bool,
    /// Whether the records that carry the tags are read before these are deleted.
    pub(crate) snapshot_records: bool,
    /// What is kept of each record before it is deleted, encrypted.
    pub(crate) full: Option<&'a FullWanted>,
    pub(crate) ids: &'a [String],
    /// Tags that are given by their names.
    pub(crate) names: &'a [TagName],
}

impl<'a> Asked<'a> {
    /// An operation on the records or tags that these ids name.
    pub(crate) fn new(
        task: &'a Task,
        module: &'a ModuleName,
        of: Things<'a>,
        ids: &'a [String],
    ) -> Self {
        Self {
            task,
            module,
            of,
            parent: None,
            parent_column: None,
            unlisted_relation: false,
            workflows: None,
            snapshot: true,
            snapshot_records: false,
            full: None,
            ids,
            names: &[],
        }
    }
}

impl RecordArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        self.policy.settings(flags)
    }

    /// Whether ids come from a file or from standard input.
    pub(crate) fn reads_file(&self) -> bool {
        self.from.is_some()
    }

    /// Whether the column with the ids is named.
    pub(crate) fn names_column(&self) -> bool {
        self.id_column.is_some()
    }
}

/// Reads the ids, records the request or shows what would be recorded, and tells the outcome.
pub(crate) fn record(
    context: &mut Context,
    args: &RecordArgs,
    asked: &Asked<'_>,
) -> Result<Exit, CliError> {
    reason::check(&args.reason)?;
    reason::warn_of_addresses(context, &args.reason);
    // Before any input is read: a wrong path must not cost an hour of reading.
    let reader = context.reader()?;
    context.check_target()?;
    let target = context.target()?;
    let product = context.settings.product.value;
    checks::check(context, asked)?;
    let resolved = names::resolve(context, asked)?;
    let mut intake = read_ids(args, asked, &resolved, product)?;
    tell::echo(context, &intake);
    let may_skip = args.skip_invalid && !intake.items.is_empty();
    let teller = tell::Teller { asked, args, resolved: &resolved };
    if !intake.rejected.is_empty() && !may_skip {
        return teller.rejected(context, &intake);
    }
    let account = context.account()?.name;
    let parts = Parts::of(&mut intake, asked.parent);
    let new = NewRequest {
        task: asked.task,
        product,
        module: asked.module,
        // Where an operation starts none, none run.
        workflows: asked.workflows.unwrap_or(false),
        snapshot: asked.snapshot,
        module_id: resolved.module_id,
        target: &target,
        items: &parts.items,
        repeated: &parts.repeated,
        invalid: &parts.invalid,
        again: args.again,
        policy: plan::settings_demand(context),
        not_before: args.not_before,
        valid_for: args.valid_for,
        snapshot_records: asked.snapshot_records,
        full: asked.full,
        after: None,
        source: &parts.source,
        requested_by: args.requested_by.as_deref().unwrap_or(&account),
        recorded_by: &account,
        reason: &args.reason,
        ticket: args.ticket.as_deref(),
        program: PROGRAM,
    };
    let recorded = if args.dry_run {
        reader.would_record(&new)?
    } else {
        drop(reader);
        let now = context.now();
        let mut keeper = context.keeper()?;
        keeper.write("recording the request", now, |tx| tx.record(&new))?
    };
    teller.recorded(context, &intake, &recorded, parts.parents())?;
    warn_of_expiry(context, args);
    Ok(Exit::Done)
}

/// Both may be meant, but together they make a request that nothing sends without an approval.
fn warn_of_expiry(context: &mut Context, args: &RecordArgs) {
    let valid_until = context.now().plus(args.valid_for);
    if args.not_before.is_some_and(|earliest| earliest >= valid_until) {
        context.out.warn(
            "when its time comes it will be older than --valid-for, and will wait for a fresh approval",
        );
    }
}

fn read_ids(
    args: &RecordArgs,
    asked: &Asked<'_>,
    resolved: &names::Resolved,
    product: Product,
) -> Result<Intake, CliError> {
    let rule = ColumnRule {
        of: asked.of,
        product,
        id_column: args.id_column.as_deref(),
        parent_column: asked.parent_column,
        parents: asked.parent.map(|_| asked.module),
    };
    // Tags that were given by their names stand behind those given by their ids.
    let named = resolved.tags.iter().map(|tag| tag.id.to_string());
    let ids: Vec<String> = asked.ids.iter().cloned().chain(named).collect();
    let read = || -> Result<Intake, IntakeError> {
        let input = args.from.as_deref().map(Input::open).transpose()?;
        intake::read(&ids, input, &rule)
    };
    read().map_err(|error| {
        let usage = matches!(error, IntakeError::NoIds | IntakeError::NoParent);
        let exit = if usage { Exit::Usage } else { Exit::Error };
        let hint = error.hint();
        let told = CliError::new(exit, error);
        match hint {
            Some(hint) => told.hint(hint),
            None => told,
        }
    })
}

/// The intake in the store's own types.
struct Parts {
    items: Vec<NewItem>,
    repeated: Vec<RepeatedRow>,
    invalid: Vec<InvalidRow>,
    source: RequestSource,
}

impl Parts {
    fn of(intake: &mut Intake, parent: Option<RecordId>) -> Self {
        let source = source(intake);
        // Taken, not copied: a million items are converted in their own memory.
        let items = std::mem::take(&mut intake.items).into_iter();
        let repeated = intake.duplicates.iter();
        let invalid = intake.rejected.iter();
        Self {
            items: items
                .map(|item| NewItem {
                    parent: item.parent.or(parent),
                    target: item.target,
                    row: i64::from(item.row),
                })
                .collect(),
            repeated: repeated
                .map(|row| RepeatedRow {
                    line: row.place.number(),
                    parent: row.parent.or(parent),
                    target: row.value,
                })
                .collect(),
            invalid: invalid
                .map(|row| InvalidRow {
                    line: row.place.number(),
                    value: row.value.clone(),
                    reason: row.reason.clone(),
                })
                .collect(),
            source,
        }
    }

    /// How many parents the items of an unlink have.
    fn parents(&self) -> usize {
        // They lie in order.
        self.items.chunk_by(|one, other| one.parent == other.parent).count()
    }
}

fn source(intake: &Intake) -> RequestSource {
    let source = &intake.source;
    let kind = match (&source.file, source.arguments) {
        (Some(file), 0) if file.name == "standard input" => SourceKind::Stdin,
        (Some(_), 0) => SourceKind::File,
        (Some(_), _) => SourceKind::FileAndArguments,
        (None, _) => SourceKind::Arguments,
    };
    let column = source.file.as_ref().and_then(|file| match &file.layout {
        Layout::PlainList => None,
        Layout::Csv { column, parent_column: None, .. } => Some(column.clone()),
        Layout::Csv { column, parent_column: Some(parent), .. } => {
            Some(format!("{parent}, {column}"))
        }
    });
    // Arguments have no bytes of their own: the hash is the one of their ids, joined by line feeds.
    let sha256 = source.file.as_ref().map_or_else(
        || {
            let lines: Vec<String> =
                intake.items.iter().map(|item| item.target.to_string()).collect();
            Hash::of(lines.join("\n").as_bytes())
        },
        |file| Hash::new(file.sha256),
    );
    RequestSource { kind, name: source.name.clone(), sha256, column, rows: source.rows }
}

/// OS account, host and process, as runs record them.
pub(crate) fn operator(context: &Context) -> Result<String, CliError> {
    #[derive(Serialize)]
    struct Operator {
        account: String,
        uid: u32,
        host: String,
        pid: u32,
    }
    let account = context.account()?;
    Ok(serde_json::to_string(&Operator {
        account: account.name,
        uid: account.uid,
        host: host_name(),
        pid: process_id(),
    })?)
}
