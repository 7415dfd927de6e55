//! The undo report as a person reads it, and as one JSON document.

use serde::Serialize;

use crate::cli::context::{Context, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::output::words::{counted, grouped, in_words};
use crate::cli::output::{Align, Line, OutputError, Table, Tone};
use crate::cli::undo_report::{Destination, Scan, UndoReportArgs};
use crate::domain::plan::{Plan, Rules};
use crate::domain::scope::Operation;
use crate::domain::time::Timestamp;
use crate::export::undo::{Group, GroupKey, Report, UndoState, Why};

/// So many lines of the summary are shown to a person; the JSON has all.
const GROUPS_SHOWN: usize = 40;

/// The document. Its keys are a contract.
#[derive(Serialize)]
struct Document<'a> {
    summary: Summary,
    totals: Totals,
    groups: Vec<Row<'a>>,
    /// When Zoho was asked; `null` where the journal and the clock alone were.
    checked_at: Option<Timestamp>,
    /// Entries that were to be looked at, and could not be read.
    unchecked: Option<u64>,
    /// The moment up to which deadlines are listed, with --expiring.
    expiring_until: Option<Timestamp>,
    file: Option<String>,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

#[derive(Serialize)]
struct Summary {
    entries: u64,
    possible: u64,
    partial: u64,
    impossible: u64,
    expired: u64,
    undone: u64,
    being_undone: u64,
    nothing_to_undo: u64,
    /// Of the impossible and expired ones: those of which a full copy is kept, encrypted.
    full_snapshots: u64,
    /// Not settled, and in no other count.
    open: u64,
    soonest_deadline: Option<Timestamp>,
    soonest_entry: Option<String>,
    soonest_request: Option<String>,
}

/// What bringing back all that can come back would take.
#[derive(Serialize)]
struct Totals {
    entries: u64,
    batches: u64,
    calls: u64,
    credits: u64,
    seconds: u64,
}

#[derive(Serialize)]
struct Row<'a> {
    request_id: String,
    operation: Operation,
    product: &'static str,
    module: &'a str,
    undo: UndoState,
    reason_code: Why,
    reason: &'static str,
    how: &'a str,
    entries: u64,
    undo_until: Option<Timestamp>,
    undo_until_last: Option<Timestamp>,
}

/// Tells what was found.
pub(super) fn tell(
    context: &mut Context,
    args: &UndoReportArgs,
    scan: &Scan<'_>,
    report: &Report,
    destination: &Destination<'_>,
) -> Result<(), CliError> {
    let rules = Rules {
        versions: scan.versions,
        limits: context.settings.limits(),
        concurrency: u64::try_from(context.settings.concurrency.value).unwrap_or(1),
    };
    let cost = report.cost(rules);
    let next = next(context, args, report);
    if context.out.is_json() {
        return document(context, scan, report, destination, (cost, next));
    }
    // Cron sends a mail for every line.
    let quiet = args.expiring.is_some() && report.entries == 0;
    let file = match destination {
        Destination::File(path) => Some(path.display().to_string()),
        Destination::Nowhere | Destination::Stdout => None,
    };
    if !quiet {
        let lines = summary(context, scan, report, &cost)?;
        if matches!(destination, Destination::Stdout) {
            // The rows are the data.
            context.out.flush()?;
            for line in lines {
                context.out.say(line);
            }
        } else {
            lines.into_iter().try_for_each(|line| context.out.data_row(line))?;
            groups(context, report)?;
        }
        if let Some(file) = file {
            let rows = counted(report.entries, "row", "rows");
            context.out.say(format!("{rows} written to {file}"));
        }
        context.out.say(format!("Next: {next}"));
    }
    Ok(())
}

fn document(
    context: &mut Context,
    scan: &Scan<'_>,
    report: &Report,
    destination: &Destination<'_>,
    (cost, next): (Plan, String),
) -> Result<(), CliError> {
    let rows = sorted(report);
    let document = Document {
        summary: Summary {
            entries: report.entries,
            possible: report.count(UndoState::Possible),
            partial: report.count(UndoState::Partial),
            impossible: report.count(UndoState::Impossible),
            expired: report.count(UndoState::Expired),
            undone: report.count(UndoState::Undone),
            being_undone: report.being_undone,
            nothing_to_undo: report.count(UndoState::NothingToUndo),
            full_snapshots: report.kept_whole,
            open: report.open,
            soonest_deadline: report.soonest.map(|soonest| soonest.at),
            soonest_entry: report.soonest.map(|soonest| soonest.entry.to_string()),
            soonest_request: report.soonest.map(|soonest| soonest.request.to_string()),
        },
        totals: Totals {
            entries: cost.entries,
            batches: cost.batches,
            calls: cost.calls,
            credits: cost.credits,
            seconds: cost.seconds,
        },
        groups: rows.into_iter().map(|(key, group)| row(key, group)).collect(),
        checked_at: scan.checked.as_ref().map(|checked| checked.at),
        unchecked: scan.checked.as_ref().map(|checked| checked.unread),
        expiring_until: scan.due,
        file: match destination {
            Destination::File(path) => Some(path.display().to_string()),
            Destination::Nowhere | Destination::Stdout => None,
        },
        next,
        place: context.whereabouts()?,
    };
    Ok(context.out.json_line(&document)?)
}

fn row<'a>(key: &'a GroupKey, group: &'a Group) -> Row<'a> {
    Row {
        request_id: key.request.to_string(),
        operation: key.operation,
        product: key.product.wire_name(),
        module: key.module.as_str(),
        undo: key.state,
        reason_code: key.why,
        reason: key.reason(),
        how: &group.how,
        entries: group.entries,
        undo_until: group.until,
        undo_until_last: group.until_last,
    }
}

/// What has an end first, and of that what ends first.
fn sorted(report: &Report) -> Vec<(&GroupKey, &Group)> {
    let mut rows: Vec<_> = report.groups.iter().collect();
    let ends = |key: &GroupKey, group: &Group| match key.state {
        UndoState::Possible | UndoState::Partial => group.until,
        UndoState::Impossible
        | UndoState::Expired
        | UndoState::Undone
        | UndoState::NothingToUndo => None,
    };
    rows.sort_by_key(|(key, group)| {
        let until = ends(key, group);
        (until.is_none(), until, key.request, key.state)
    });
    rows
}

fn summary(
    context: &Context,
    scan: &Scan<'_>,
    report: &Report,
    cost: &Plan,
) -> Result<Vec<Line>, CliError> {
    let mut lines: Vec<Line> = Vec::new();
    let place = context.whereabouts()?;
    let settled = counted(report.entries, "settled entry", "settled entries");
    lines.push(
        match scan.due {
            Some(due) => format!(
                "{} in {place} must be brought back by {due}, or cannot be any more.",
                counted(report.entries, "entry", "entries")
            ),
            None => format!("{settled} in {place}."),
        }
        .into(),
    );
    if let Some(checked) = &scan.checked {
        let unread = match checked.unread {
            0 => String::new(),
            unread => format!("; {} could not be read", counted(unread, "entry", "entries")),
        };
        let looked = counted(checked.looked, "entry", "entries");
        lines.push(
            format!("Zoho was asked about {looked}: checked at {}{unread}.", checked.at).into(),
        );
    }
    let count = |state| report.count(state);
    let counts = [
        (count(UndoState::Possible), Tone::Good, "can be brought back as it was"),
        (count(UndoState::Partial), Tone::Warn, "can be brought back in part"),
        (count(UndoState::Impossible), Tone::Bad, "CANNOT be brought back"),
        (
            count(UndoState::Expired),
            Tone::Bad,
            "CANNOT be brought back any more: the recycle bin has let go",
        ),
        (count(UndoState::Undone), Tone::Plain, "brought back before"),
        (report.being_undone, Tone::Plain, "being brought back now"),
        (count(UndoState::NothingToUndo), Tone::Plain, "without anything to undo"),
        (report.open, Tone::Plain, "not settled yet, and not counted above"),
    ];
    for (number, tone, text) in counts.into_iter().filter(|(number, ..)| *number > 0) {
        let number = format!("{:>10}  ", grouped(number));
        lines.push(Line::new().toned(Tone::Strong, number).toned(tone, text));
    }
    if report.kept_whole > 0 {
        let many = counted(report.kept_whole, "entry that", "entries that");
        let command = context.command("snapshot E… -o DIR");
        let what =
            format!("Of {many} no call can bring back a full copy is kept, encrypted: {command}");
        lines.push(what.into());
    }
    lines.extend(deadline(context, scan, report));
    lines.extend(price(cost));
    Ok(lines)
}

/// The first deadline, and how to meet it.
fn deadline(context: &Context, scan: &Scan<'_>, report: &Report) -> Option<Line> {
    let soonest = report.soonest?;
    let left = in_words(soonest.at.since(scan.now));
    let command = context.command(&if soonest.under_way {
        "sync".to_owned()
    } else {
        format!("undo {} --reason TEXT", soonest.request)
    });
    let (at, entry, request) = (soonest.at, soonest.entry, soonest.request);
    Some(format!("The first deadline is {at}, in {left} ({entry} of {request}): {command}").into())
}

/// What bringing back the rest takes.
fn price(cost: &Plan) -> Option<Line> {
    if cost.entries == 0 {
        return None;
    }
    let line = format!(
        "Bringing back {} takes {} ({} that write), {} and about {}.",
        counted(cost.entries, "item", "items"),
        counted(cost.calls, "call", "calls"),
        grouped(cost.batches),
        counted(cost.credits, "credit", "credits"),
        in_words(std::time::Duration::from_secs(cost.seconds)),
    );
    Some(line.into())
}

fn groups(context: &mut Context, report: &Report) -> Result<(), OutputError> {
    let mut table = Table::new([
        ("request", Align::Left),
        ("operation", Align::Left),
        ("module", Align::Left),
        ("entries", Align::Right),
        ("undo", Align::Left),
        ("until", Align::Right),
        ("reason", Align::Left),
    ]);
    let rows = sorted(report);
    for (key, group) in rows.iter().take(GROUPS_SHOWN) {
        let until = group.until.map(|until| until.to_string()).unwrap_or_default();
        let state = if key.why == Why::UnderWay { "being undone" } else { key.state.wire_name() };
        table.row([
            key.request.to_string(),
            key.operation.to_string(),
            key.module.to_string(),
            grouped(group.entries),
            state.to_owned(),
            until,
            key.reason().to_owned(),
        ]);
    }
    if !table.is_empty() {
        context.out.table(&table)?;
    }
    if let Some(more @ 1..) = rows.len().checked_sub(GROUPS_SHOWN) {
        let more = counted(u64::try_from(more).unwrap_or(u64::MAX), "line", "lines");
        context.out.data_row(format!("… and {more} more; -o FILE has all of it"))?;
    }
    context.out.flush()
}

/// What to type next: the undo of what was asked about, or of what ends first.
fn next(context: &Context, args: &UndoReportArgs, report: &Report) -> String {
    if report.can_come_back() > 0 {
        let named: Vec<String> = args.things.iter().map(ToString::to_string).collect();
        let soonest = report.soonest.filter(|soonest| !soonest.under_way);
        let first = report.groups.keys().find(|key| {
            let can = matches!(key.state, UndoState::Possible | UndoState::Partial);
            can && key.why != Why::UnderWay
        });
        let request = soonest.map(|soonest| soonest.request).or(first.map(|key| key.request));
        let words = match request {
            Some(request) if named.is_empty() || scan_is_narrower(args) => request.to_string(),
            _ => named.join(" "),
        };
        return context.command(&format!("undo {words} --reason TEXT"));
    }
    context.command(if report.being_undone > 0 { "sync" } else { "status" })
}

/// Whether a filter leaves out some of what the arguments name: undo knows no filters.
fn scan_is_narrower(args: &UndoReportArgs) -> bool {
    args.expiring.is_some()
}
