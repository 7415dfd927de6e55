//! The plan as text.

use crate::cli::blocked;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::words::{counted, grouped, in_words};
use crate::cli::output::{Align, Table};
use crate::cli::plan::{
    escapes, is_blind, not_known, not_offered, parents, queued, refused_by, waits_in_words,
};
use crate::cli::spending::Spending;
use crate::cli::things::{self, named_tags};
use crate::domain::id::RequestId;
use crate::domain::plan::{Plan, RequestOverview, Waiting};
use crate::domain::state::EntryState;
use crate::store::query::Blocked;

pub(super) fn print(
    context: &mut Context,
    requests: &[RequestOverview],
    plan: &Plan,
    blocked: &Blocked,
    wanted: Option<&[RequestId]>,
    next: &str,
) -> Result<(), CliError> {
    let place = context.whereabouts()?;
    context.out.data_line(format!("Plan for {place}"))?;
    print_requests(context, requests, wanted)?;
    for (key, (entries, batches)) in &plan.groups {
        context.out.data_line(format!(
            "{} in {}{}",
            things::in_words(key, *entries),
            counted(*batches, "call", "calls"),
            things::in_brackets(key)
        ))?;
    }
    let seconds = std::time::Duration::from_secs(plan.seconds);
    context.out.data_line(format!(
        "{} in {}; {} in all with reads, {}, about {}",
        counted(plan.entries, "entry", "entries"),
        counted(plan.batches, "write call", "write calls"),
        counted(plan.calls, "call", "calls"),
        counted(plan.credits, "API credit", "API credits"),
        in_words(seconds),
    ))?;
    let spending = Spending::of(context, &context.reader()?)?.beside_a_plan(plan.credits);
    for line in read_whole(plan).into_iter().chain(spending) {
        context.out.data_line(line)?;
    }
    for (entries, what) in [
        (plan.held, "under a hold"),
        (plan.awaiting_approval, "waiting for approval"),
        (plan.unknown, "unknown: read before anything else"),
        (queued(requests), "in Zoho's own queue: their jobs are asked about"),
        (plan.not_due, "not due yet"),
        (plan.expired, "too old without a fresh approval"),
        (plan.parked, "set aside after refusals"),
    ] {
        if entries > 0 {
            let entries = counted(entries, "entry", "entries");
            context.out.data_line(format!("{entries} {what}"))?;
        }
    }
    for line in blocked::in_words(context, blocked) {
        context.out.data_line(line)?;
    }
    if plan.unknown > 0 {
        let quarantine = context.settings.quarantine.value;
        context.out.data_line(things::quarantine_in_words(quarantine))?;
    }
    for (module, entries) in &plan.not_restorable {
        let records = counted(*entries, "record", "records");
        context.out.data_line(format!(
            "CANNOT BE UNDONE: {records} of {module}, which has no recycle bin that can be restored from"
        ))?;
    }
    for request in requests.iter().filter(|request| is_blind(request)) {
        let entries = counted(request.count(EntryState::Pending), "entry", "entries");
        context.out.data_line(format!(
            "CANNOT BE UNDONE: {entries} of {}, which is recorded without a snapshot",
            request.request
        ))?;
    }
    for line in notes(context, requests, plan)? {
        context.out.data_line(line)?;
    }
    if let Some(refused) = refused_by(context, plan) {
        context.out.data_line(format!("sync would refuse: {refused}"))?;
    }
    context.out.say(format!("Nothing has been sent. Next: {next}"));
    Ok(())
}

/// The reads that full snapshots take.
fn read_whole(plan: &Plan) -> Option<String> {
    let records = counted(plan.full_snapshots, "record is", "records are");
    (plan.full_snapshots > 0).then(|| {
        format!(
            "{records} read whole and kept, encrypted, before deleting: a call and a credit each, counted above"
        )
    })
}

/// What is not sent, what can escape a hold, and what nobody can know beforehand.
fn notes(
    context: &Context,
    requests: &[RequestOverview],
    plan: &Plan,
) -> Result<Vec<String>, CliError> {
    let not_sent = not_offered(context, requests, plan).into_iter();
    let not_sent = not_sent.map(|what| format!("NOT SENT: {what}"));
    let escapes = escapes(context, plan)?.into_iter();
    let escapes = escapes.map(|what| format!("CAN ESCAPE A HOLD: {what}"));
    let not_known = not_known(context, requests, plan).into_iter();
    let not_known = not_known.map(|what| format!("Not known: {what}"));
    Ok(not_sent.chain(escapes).chain(not_known).collect())
}

/// `untag Leads: tag "Prime"`, `unlink Campaigns: Leads`.
fn what(request: &RequestOverview) -> String {
    let what = format!("{} {}", request.operation, request.module);
    match (&request.list, &request.tags) {
        (Some(list), _) => match parents(request).filter(|parents| *parents > 1) {
            Some(parents) => {
                let parents = grouped(u64::try_from(parents).unwrap_or(0));
                format!("{what}: {list} of {parents} parents")
            }
            None => format!("{what}: {list}"),
        },
        (None, Some(tags)) => format!("{what}: {}", named_tags(tags)),
        (None, None) => what,
    }
}

fn print_requests(
    context: &mut Context,
    requests: &[RequestOverview],
    wanted: Option<&[RequestId]>,
) -> Result<(), CliError> {
    let now = context.now();
    let mut table = Table::new([
        ("request", Align::Left),
        ("what", Align::Left),
        ("pending", Align::Right),
        ("asked by", Align::Left),
        ("ticket", Align::Left),
        ("reason", Align::Left),
        ("", Align::Left),
    ]);
    for request in requests {
        let waits =
            request.waits(now, wanted.is_some()).filter(|_| request.count(EntryState::Pending) > 0);
        table.row([
            request.request.to_string(),
            what(request),
            grouped(request.count(EntryState::Pending)),
            request.requested_by.clone().unwrap_or_default(),
            request.ticket.clone().unwrap_or_default(),
            request.reason.clone().unwrap_or_default(),
            match (waits, request.after) {
                (Some(waits), _) => waits_in_words(waits, request),
                (None, _) if request.count(EntryState::AwaitingApproval) > 0 => {
                    waits_in_words(Waiting::Unapproved, request)
                }
                (None, Some(after)) => format!("once {after} is settled"),
                (None, None) => String::new(),
            },
        ]);
    }
    if !table.is_empty() {
        context.out.table(&table)?;
    }
    Ok(())
}
