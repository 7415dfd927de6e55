//! What all recording commands have in common: where ids come from, who asks and why, and how the outcome
//! is told.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::cli::context::{Context, PROGRAM, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped};
use crate::domain::calls;
use crate::domain::event::SourceKind;
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::merkle::Hash;
use crate::domain::scope::Task;
use crate::domain::time::Timestamp;
use crate::export::cell::visible_short;
use crate::intake::{self, ColumnRule, Input, Intake, IntakeError, Layout, Place, RejectedRow};
use crate::platform::{host_name, process_id};
use crate::store::entry::NewItem;
use crate::store::recording::{InvalidRow, NewRequest, Recorded, RepeatedRow, RequestSource};

/// Rejected rows that are shown on a terminal; the rest is counted.
const SHOWN_ROWS: usize = 20;

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
    /// Show what would be recorded, and record nothing
    #[arg(long)]
    dry_run: bool,
}

/// What is asked for, apart from the ids.
pub(crate) struct Asked<'a> {
    pub(crate) task: &'a Task,
    pub(crate) module: &'a ModuleName,
    /// The parent record of an unlink, where there is only one.
    pub(crate) parent: Option<RecordId>,
    pub(crate) workflows: bool,
    pub(crate) snapshot: bool,
    pub(crate) module_id: Option<RecordId>,
    pub(crate) ids: &'a [String],
}

/// The outcome with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct Outcome<'a> {
    request_id: Option<String>,
    recorded: u64,
    duplicates: u64,
    held: u64,
    rejected: &'a [RejectedRow],
    awaiting_approval: bool,
    next: String,
    dry_run: bool,
    operation: &'a str,
    module: &'a str,
    #[serde(flatten)]
    place: Whereabouts,
    workflows: bool,
}

/// Reads the ids, records the request or shows what would be recorded, and tells the outcome.
pub(crate) fn record(
    context: &mut Context,
    args: &RecordArgs,
    asked: &Asked<'_>,
) -> Result<Exit, CliError> {
    if args.reason.trim().is_empty() {
        return Err(CliError::new(Exit::Usage, "--reason is empty").hint("say why, for the audit"));
    }
    // Before any input is read: a wrong path must not cost an hour of reading.
    let reader = context.reader()?;
    context.check_target()?;
    let target = context.target()?;
    let product = context.settings.product.value;
    check_offered(context, asked)?;
    let mut intake = read_ids(args, asked, product)?;
    echo(context, &intake);
    let may_skip = args.skip_invalid && !intake.items.is_empty();
    if !intake.rejected.is_empty() && !may_skip {
        return tell_rejected(context, asked, &intake, args.skip_invalid);
    }
    let account = context.account()?.name;
    let parts = Parts::of(&mut intake, asked.parent);
    let new = NewRequest {
        task: asked.task,
        product,
        module: asked.module,
        workflows: asked.workflows,
        snapshot: asked.snapshot,
        module_id: asked.module_id,
        target: &target,
        items: &parts.items,
        repeated: &parts.repeated,
        invalid: &parts.invalid,
        again: args.again,
        policy: context.settings.require_approval.value,
        not_before: args.not_before,
        valid_for: args.valid_for,
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
    tell(context, asked, args, &intake, &recorded)?;
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

/// What could never be sent is not recorded.
fn check_offered(context: &Context, asked: &Asked<'_>) -> Result<(), CliError> {
    let product = context.settings.product.value;
    let version = context.settings.api_version_for(product);
    let operation = asked.task.operation();
    if calls::find(operation, product, version).is_some() {
        return Ok(());
    }
    let error = format!("{operation} is not available for {product} {version}");
    let versions: Vec<&str> = calls::WRITES
        .iter()
        .filter(|call| (call.operation, call.product) == (operation, product))
        .flat_map(|call| call.versions)
        .map(|version| version.wire_name())
        .collect();
    Err(CliError::new(Exit::Usage, error)
        .hint(format!("set JOURNAL_API_VERSION to one of {}", versions.join(", "))))
}

fn read_ids(
    args: &RecordArgs,
    asked: &Asked<'_>,
    product: crate::domain::target::Product,
) -> Result<Intake, CliError> {
    let rule = ColumnRule { module: asked.module, product, id_column: args.id_column.as_deref() };
    let read = || -> Result<Intake, IntakeError> {
        let input = args.from.as_deref().map(Input::open).transpose()?;
        intake::read(asked.ids, input, &rule)
    };
    read().map_err(|error| {
        let exit = if matches!(error, IntakeError::NoIds) { Exit::Usage } else { Exit::Error };
        let hint = error.hint();
        let told = CliError::new(exit, error);
        match hint {
            Some(hint) => told.hint(hint),
            None => told,
        }
    })
}

/// File, column and the first rows, so that a wrong column is seen at once. Not kept.
fn echo(context: &mut Context, intake: &Intake) {
    let Some(file) = &intake.source.file else { return };
    let layout = match &file.layout {
        Layout::PlainList => "one id a line".to_owned(),
        Layout::Csv { column, .. } => format!("column \"{}\"", visible_short(column, 60)),
    };
    let rows = counted(intake.source.rows, "row", "rows");
    context.out.say(format!("{}: {layout}, {rows}", visible_short(&file.name, 80)));
    for row in &intake.source.first_rows {
        let value = if row.value.is_empty() { "(empty)" } else { &row.value };
        context.out.say(format!("  {}: {value}", row.place));
    }
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
                .map(|item| NewItem { parent, target: item.target, row: i64::from(item.row) })
                .collect(),
            repeated: repeated
                .map(|row| RepeatedRow { line: row.place.number(), parent, target: row.value })
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
        Layout::Csv { column, .. } => Some(column.clone()),
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

/// Invalid rows: nothing is recorded, and each is named with line, value and reason.
fn tell_rejected(
    context: &mut Context,
    asked: &Asked<'_>,
    intake: &Intake,
    skipping: bool,
) -> Result<Exit, CliError> {
    show_rejected(context, &intake.rejected);
    let next = if skipping {
        "no row is valid: check the file and its column".to_owned()
    } else {
        "correct these rows, or record the others with --skip-invalid".to_owned()
    };
    let rows = counted(u64::try_from(intake.rejected.len()).unwrap_or(0), "row is", "rows are");
    if context.out.is_json() {
        let recorded =
            Recorded { request: None, entries: 0, duplicates: 0, awaiting_approval: false };
        print_json(context, asked, &intake.rejected, &recorded, next, false)?;
    } else {
        context.out.say(format!("Nothing was recorded: {rows} invalid. Next: {next}."));
    }
    Ok(Exit::Error)
}

fn show_rejected(context: &mut Context, rejected: &[RejectedRow]) {
    for row in rejected.iter().take(SHOWN_ROWS) {
        let value = row.shown();
        let place = match row.place {
            Place::Argument(number) => format!("argument {number}"),
            Place::Line(number) => format!("line {number}"),
        };
        context.out.warn(&format!("{place}: \"{value}\": {}", row.reason));
    }
    if let Some(more) = rejected.len().checked_sub(SHOWN_ROWS).filter(|more| *more > 0) {
        let more = grouped(u64::try_from(more).unwrap_or(0));
        context.out.warn(&format!("and {more} more; --json lists every one"));
    }
}

fn tell(
    context: &mut Context,
    asked: &Asked<'_>,
    args: &RecordArgs,
    intake: &Intake,
    recorded: &Recorded,
) -> Result<(), CliError> {
    if !intake.rejected.is_empty() {
        show_rejected(context, &intake.rejected);
    }
    let next = next_command(context, args, intake, recorded);
    if context.out.is_json() {
        return print_json(context, asked, &intake.rejected, recorded, next, args.dry_run);
    }
    let entries = counted(recorded.entries, "record", "records");
    let what = format!(
        "{} {entries} of {} ({}) in {}",
        asked.task.operation(),
        asked.module,
        workflows_in_words(asked.workflows),
        context.whereabouts()?
    );
    let line = match (recorded.request, args.dry_run) {
        (Some(request), _) => format!("Recorded {request}: {what}."),
        (None, true) => format!("Would record: {what}."),
        (None, false) if intake.source.rows == 0 => {
            "Nothing was recorded: there are no rows.".to_owned()
        }
        (None, false) => "Nothing was recorded: everything is covered by open entries.".to_owned(),
    };
    context.out.data_line(line)?;
    if recorded.duplicates > 0 {
        let rows = counted(recorded.duplicates, "duplicate was", "duplicates were");
        context.out.data_line(format!("{rows} dropped."))?;
    }
    if !intake.rejected.is_empty() {
        let rows = u64::try_from(intake.rejected.len()).unwrap_or(0);
        let rows = counted(rows, "invalid row was", "invalid rows were");
        context.out.data_line(format!("{rows} skipped."))?;
    }
    context.out.say(format!("Nothing has been sent to Zoho. Next: {next}"));
    Ok(())
}

fn next_command(
    context: &Context,
    args: &RecordArgs,
    intake: &Intake,
    recorded: &Recorded,
) -> String {
    let command = |words: String| context.command(&words);
    match recorded.request {
        _ if args.dry_run => "the same command without --dry-run".to_owned(),
        Some(request) if recorded.awaiting_approval => {
            let show = command(format!("show {request}"));
            format!("{show}; approving is not part of this version yet, so nothing of it is sent")
        }
        Some(request) => {
            let plan = command(format!("plan {request}"));
            format!("{plan}, then {}", command(format!("sync {request}")))
        }
        None if intake.source.rows == 0 => command("status".to_owned()),
        None => format!(
            "{} shows the open entries; --again records these all the same",
            command("status".to_owned())
        ),
    }
}

fn print_json(
    context: &mut Context,
    asked: &Asked<'_>,
    rejected: &[RejectedRow],
    recorded: &Recorded,
    next: String,
    dry_run: bool,
) -> Result<(), CliError> {
    let outcome = Outcome {
        request_id: recorded.request.map(|request| request.to_string()),
        recorded: recorded.entries,
        duplicates: recorded.duplicates,
        held: 0,
        rejected,
        awaiting_approval: recorded.awaiting_approval,
        next,
        dry_run,
        operation: asked.task.operation().wire_name(),
        module: asked.module.as_str(),
        place: context.whereabouts()?,
        workflows: asked.workflows,
    };
    Ok(context.out.json_line(&outcome)?)
}

/// `workflows WILL run` or `no workflows`: part of every output that plans, records or sends.
pub(crate) fn workflows_in_words(workflows: bool) -> &'static str {
    if workflows { "workflows WILL run" } else { "no workflows" }
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
