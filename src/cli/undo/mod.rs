//! `journal undo`: records what brings back what earlier requests took away.

mod collect;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use self::collect::{Collected, Items, Part};
use crate::cli::context::{Context, PROGRAM, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped};
use crate::cli::plan;
use crate::cli::policy_flags::PolicyFlags;
use crate::cli::reason;
use crate::cli::things::{counted_items, in_product, named_tags};
use crate::cli::wanted::Wanted;
use crate::config::Flags;
use crate::domain::event::SourceKind;
use crate::domain::id::RequestId;
use crate::domain::merkle::Hash;
use crate::domain::scope::{Operation, RelatedList, TagName, TagSet, Task};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::entry::NewItem;
use crate::store::recording::{NewRequest, Recorded, RequestSource};

/// Bring back what was deleted, untagged or unlinked: records the opposite; nothing is sent until journal sync
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Records come out of the recycle bin, tags go back on the records that carried them, related records go back into
their lists, and deleted tags are made again, with new ids. What cannot be brought back is counted and left out;
journal undo-report says why. Nothing that was recorded before is changed.

Exit codes: 0 all of it can be brought back, or need not be; 3 some of it cannot.

Examples:
  journal undo R12 --reason \"wrong list\" --ticket OPS-9
  journal undo E7 E20-E31 --reason \"these are customers still\"
  journal undo 410405000002264040 --reason \"asked for by sales\" --dry-run")]
pub(crate) struct UndoArgs {
    /// Requests (R12), entries (E7, E1-E20) or record ids
    #[arg(required = true, value_name = "R|E|RECORD")]
    things: Vec<Wanted>,
    /// Why this is asked for
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The ticket it belongs to
    #[arg(long, value_name = "REF")]
    ticket: Option<String>,
    /// Who asks [default: the OS user]
    #[arg(long, value_name = "WHO")]
    requested_by: Option<String>,
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

impl UndoArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        self.policy.settings(flags)
    }
}

/// The outcome with `--json`. Its keys are a contract: those of the recording commands, and what is left out.
#[derive(Serialize)]
struct Document {
    request_id: Option<String>,
    recorded: u64,
    duplicates: u64,
    held: u64,
    rejected: [(); 0],
    awaiting_approval: bool,
    next: String,
    dry_run: bool,
    requests: Vec<One>,
    left_out: LeftOut,
    /// Of those recorded: restored by hand, and deleted again by a later deletion.
    deleted_again: u64,
    #[serde(flatten)]
    place: Whereabouts,
}

/// One request that was recorded.
#[derive(Serialize)]
struct One {
    request_id: Option<String>,
    operation: Operation,
    product: &'static str,
    module: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    related_list: Option<RelatedList>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<TagName>>,
    recorded: u64,
    duplicates: u64,
    awaiting_approval: bool,
    undoes: String,
    #[serde(skip)]
    line: String,
}

/// Entries for which nothing was recorded, and why.
#[derive(Serialize)]
struct LeftOut {
    /// Brought back by an open entry already.
    under_way: u64,
    /// Not settled yet.
    open: u64,
    /// Entries of undo requests.
    undo: u64,
    #[serde(flatten)]
    settled: BTreeMap<&'static str, u64>,
}

/// Runs the command.
pub(crate) fn run(args: &UndoArgs, context: &mut Context) -> Result<Exit, CliError> {
    reason::check(&args.reason)?;
    reason::warn_of_addresses(context, &args.reason);
    let reader = context.reader()?;
    context.check_target()?;
    let collected = Collected::of(&reader, &args.things, context.now())?;
    drop(reader);
    if collected.seen == 0 {
        let hint = "check the numbers: journal list shows entries, journal show a record's story";
        let error = "nothing in this journal is about what was named";
        return Err(CliError::new(Exit::Error, error).hint(hint));
    }
    let requests =
        if collected.parts.is_empty() { Vec::new() } else { record(context, args, &collected)? };
    tell(context, args, &collected, requests)?;
    Ok(if collected.impossible() > 0 { Exit::SomeFailed } else { Exit::Done })
}

/// Records all requests, or none.
fn record(
    context: &mut Context,
    args: &UndoArgs,
    collected: &Collected,
) -> Result<Vec<One>, CliError> {
    let target = context.target()?;
    let account = context.account()?.name;
    let parts: Vec<(&Part, Vec<NewItem>, RequestSource)> = collected
        .in_order()
        .into_iter()
        .map(|(part, items)| (part, items.new_items(), source(items)))
        .collect();
    let making = requests_making(context, collected)?;
    let policy = plan::settings_demand(context);
    let mut new: Vec<NewRequest<'_>> = Vec::with_capacity(parts.len());
    for (part, items, source) in &parts {
        new.push(NewRequest {
            task: &part.task,
            product: part.product,
            module: &part.module,
            // The calls that bring things back have no switch for them.
            workflows: false,
            snapshot: true,
            module_id: None,
            target: &target,
            items,
            repeated: &[],
            invalid: &[],
            again: false,
            policy: policy.clone(),
            not_before: args.not_before,
            valid_for: args.valid_for,
            snapshot_records: false,
            full: None,
            after: None,
            source,
            requested_by: args.requested_by.as_deref().unwrap_or(&account),
            recorded_by: &account,
            reason: &args.reason,
            ticket: args.ticket.as_deref(),
            program: PROGRAM,
        });
    }
    let recorded: Vec<Recorded> = if args.dry_run {
        let reader = context.reader()?;
        new.iter().map(|new| reader.would_record(new)).collect::<Result<_, _>>()?
    } else {
        let now = context.now();
        let mut keeper = context.keeper()?;
        keeper.write("recording the undo", now, |tx| {
            let mut recorded: Vec<Recorded> = Vec::with_capacity(new.len());
            for ((part, ..), new) in parts.iter().zip(&new) {
                let made = tags_of(part, &parts).and_then(|at| recorded.get(at)?.request);
                let after = made.or_else(|| making.get(part).copied());
                recorded.push(tx.record(&NewRequest { after, ..new.clone() })?);
            }
            Ok::<_, StoreError>(recorded)
        })?
    };
    Ok(parts
        .iter()
        .zip(recorded)
        .map(|((part, _, source), one)| told(part, &one, &source.name))
        .collect())
}

/// Where the request stands that makes the tags again that a part puts back.
fn tags_of(part: &Part, parts: &[(&Part, Vec<NewItem>, RequestSource)]) -> Option<usize> {
    let makes = |(one, ..): &(&Part, Vec<NewItem>, RequestSource)| {
        (one.product, &one.module, &one.task) == (part.product, &part.module, &Task::RecreateTags)
    };
    parts.iter().position(makes).filter(|_| part.after_tags)
}

/// The open requests that make the tags again that parts put back.
fn requests_making<'a>(
    context: &Context,
    collected: &'a Collected,
) -> Result<BTreeMap<&'a Part, RequestId>, CliError> {
    let reader = context.reader()?;
    let making = collected.parts.iter().filter_map(|(part, items)| Some((part, items.after?)));
    making.map(|(part, entry)| Ok((part, reader.entry(entry)?.request.request))).collect()
}

/// So many requests are named; more are counted.
const NAMED: usize = 4;

/// `R1`, `R1 and R2`, `R1, R2 and R3`, `R1 and 7 others`.
fn undoes(items: &Items) -> String {
    let names: Vec<String> = items.requests().iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        [one, others @ ..] => format!("{one} and {} others", others.len()),
    }
}

/// The entries that are undone have no bytes of their own: the hash is the one of their numbers, joined by line feeds.
fn source(items: &Items) -> RequestSource {
    let rows: Vec<String> = items.new_items().iter().map(|item| format!("E{}", item.row)).collect();
    RequestSource {
        kind: SourceKind::Journal,
        name: undoes(items),
        sha256: Hash::of(rows.join("\n").as_bytes()),
        column: None,
        rows: items.len(),
    }
}

fn told(part: &Part, recorded: &Recorded, undoes: &str) -> One {
    let Part { product, module, task, .. } = part;
    let operation = task.operation();
    let items = counted_items(operation, recorded.entries);
    let about = match (task.tags(), task.list()) {
        (Some(tags), _) => format!(" ({})", named_tags(tags)),
        (_, Some(list)) => format!(" (list {list})"),
        (None, None) => String::new(),
    };
    One {
        request_id: recorded.request.map(|request| request.to_string()),
        operation,
        product: product.wire_name(),
        module: module.to_string(),
        related_list: task.list().cloned(),
        tags: task.tags().map(TagSet::names).map(<[TagName]>::to_vec),
        recorded: recorded.entries,
        duplicates: recorded.duplicates,
        awaiting_approval: recorded.awaiting_approval,
        undoes: undoes.to_owned(),
        line: format!("{operation} {items} of {module}{}{about}", in_product(*product)),
    }
}

fn tell(
    context: &mut Context,
    args: &UndoArgs,
    collected: &Collected,
    requests: Vec<One>,
) -> Result<(), CliError> {
    let recorded = requests.iter().map(|one| one.recorded).sum::<u64>();
    let next = next(context, args, collected, &requests);
    if !context.out.is_json() {
        return text(context, args, collected, &requests, &next);
    }
    let document = Document {
        request_id: requests.iter().find_map(|one| one.request_id.clone()),
        recorded,
        duplicates: requests.iter().map(|one| one.duplicates).sum(),
        held: 0,
        rejected: [],
        awaiting_approval: requests.iter().any(|one| one.awaiting_approval),
        next,
        dry_run: args.dry_run,
        left_out: LeftOut {
            under_way: collected.under_way,
            open: collected.open,
            undo: collected.undos,
            settled: collected.left_out.clone(),
        },
        deleted_again: collected.deleted_again,
        requests,
        place: context.whereabouts()?,
    };
    Ok(context.out.json_line(&document)?)
}

fn text(
    context: &mut Context,
    args: &UndoArgs,
    collected: &Collected,
    requests: &[One],
    next: &str,
) -> Result<(), CliError> {
    let place = context.whereabouts()?;
    for one in requests.iter().filter(|one| one.recorded > 0) {
        let line = match &one.request_id {
            Some(request) => {
                format!("Recorded {request}: {} in {place}, undoing {}.", one.line, one.undoes)
            }
            None => format!("Would record: {} in {place}, undoing {}.", one.line, one.undoes),
        };
        context.out.data_line(line)?;
        if one.awaiting_approval {
            let line = "  Nothing of it is sent before a second person approved it.";
            context.out.data_line(line)?;
        }
        if one.operation == Operation::RecreateTags {
            context.out.data_line("  A tag that is made again has a new id.")?;
        }
    }
    if requests.iter().all(|one| one.recorded == 0) {
        let would = if args.dry_run { "would be" } else { "was" };
        context.out.data_line(format!("Nothing {would} recorded."))?;
    }
    if collected.deleted_again > 0 {
        let many = counted(collected.deleted_again, "record was", "records were");
        let line = format!(
            "{many} restored by hand and deleted again by a later deletion, which this undoes: journal undo-report says by whom."
        );
        context.out.data_line(line)?;
    }
    for line in left_out(collected, requests) {
        context.out.data_line(line)?;
    }
    context.out.say(format!("Nothing has been sent to Zoho. Next: {next}"));
    Ok(())
}

/// Why entries were left out, one line a reason.
fn left_out(collected: &Collected, requests: &[One]) -> Vec<String> {
    let known = requests.iter().map(|one| one.duplicates).sum::<u64>() + collected.under_way;
    let settled = |state| collected.left_out.get(state).copied().unwrap_or(0);
    let reasons = [
        (known, "is being brought back already", "are being brought back already"),
        (settled("undone"), "was brought back before", "were brought back before"),
        (
            settled("nothing_to_undo"),
            "needs no undo: nothing was changed",
            "need no undo: nothing was changed",
        ),
        (settled("impossible"), "CANNOT be brought back", "CANNOT be brought back"),
        (
            settled("expired"),
            "CANNOT be brought back any more: the recycle bin has let go of it",
            "CANNOT be brought back any more: the recycle bin has let go of them",
        ),
        (
            collected.open,
            "is not settled: there is nothing to undo yet (journal cancel withdraws what was not sent)",
            "are not settled: there is nothing to undo yet (journal cancel withdraws what was not sent)",
        ),
        (
            collected.undos,
            "belongs to an undo itself: to take away again what came back, record that anew",
            "belong to an undo themselves: to take away again what came back, record that anew",
        ),
    ];
    let lines = reasons.iter().filter(|(number, ..)| *number > 0);
    lines
        .map(|(number, one, many)| {
            let entries = if *number == 1 { "entry" } else { "entries" };
            format!("{} {entries} {}.", grouped(*number), if *number == 1 { one } else { many })
        })
        .collect()
}

fn next(context: &Context, args: &UndoArgs, collected: &Collected, requests: &[One]) -> String {
    let recorded: Vec<&str> = requests.iter().filter_map(|one| one.request_id.as_deref()).collect();
    if args.dry_run && requests.iter().any(|one| one.recorded > 0) {
        return "the same command without --dry-run".to_owned();
    }
    if recorded.is_empty() {
        let known = requests.iter().any(|one| one.duplicates > 0) || collected.under_way > 0;
        return context.command(if known { "sync" } else { "undo-report" });
    }
    let named = recorded.join(" ");
    if requests.iter().any(|one| one.awaiting_approval) {
        return context.command(&format!("approve {named}"));
    }
    let plan = context.command(&format!("plan {named}"));
    format!("{plan}, then {}", context.command(&format!("sync {named}")))
}
