//! `journal plan`: what `sync` would do, without doing any of it.

use serde::Serialize;

use crate::cli::context::{Context, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped, in_words};
use crate::cli::output::{Align, Table};
use crate::cli::record::workflows_in_words;
use crate::domain::calls::Limits;
use crate::domain::id::RequestId;
use crate::domain::plan::{Plan, RequestOverview, Rules, Waiting, plan};
use crate::domain::state::EntryState;

/// Show the calls, credits and time that sync would take; nothing is sent
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// Only these requests (R12)
    #[arg(value_name = "R")]
    requests: Vec<RequestId>,
}

/// The plan with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct PlanDocument {
    entries: u64,
    batches: u64,
    calls: u64,
    credits: u64,
    seconds: u64,
    held: u64,
    awaiting_approval: u64,
    unknown: u64,
    not_due: u64,
    expired: u64,
    parked: u64,
    requests: Vec<PlannedRequest>,
    #[serde(flatten)]
    place: Whereabouts,
    workflows: bool,
    cap: u64,
    refused_by: Option<String>,
    not_known: Vec<String>,
    next: String,
}

#[derive(Serialize)]
struct PlannedRequest {
    request_id: String,
    operation: String,
    product: String,
    module: String,
    workflows: bool,
    pending: u64,
    unknown: u64,
    held: u64,
    awaiting_approval: u64,
    waits: Option<&'static str>,
    requested_by: Option<String>,
    reason: Option<String>,
    ticket: Option<String>,
    restorable: Option<bool>,
}

/// Runs the command.
pub(crate) fn run(args: &PlanArgs, context: &mut Context) -> Result<Exit, CliError> {
    let wanted = wanted(&args.requests);
    show(context, wanted.as_deref(), None)?;
    Ok(Exit::Done)
}

/// Named requests, or all.
pub(crate) fn wanted(requests: &[RequestId]) -> Option<Vec<RequestId>> {
    (!requests.is_empty()).then(|| requests.to_vec())
}

/// The requests and the plan over them.
pub(crate) fn make(
    context: &Context,
    wanted: Option<&[RequestId]>,
    concurrency: Option<usize>,
) -> Result<(Vec<RequestOverview>, Plan), CliError> {
    let requests = context.reader()?.overview(wanted, wanted.is_none())?;
    let named = |request| wanted.is_some_and(|wanted| wanted.contains(&request));
    let concurrency = concurrency.unwrap_or(context.settings.concurrency.value);
    let concurrency = u64::try_from(concurrency).unwrap_or(1);
    let rules =
        Rules { versions: context.settings.versions(), limits: Limits::default(), concurrency };
    let plan = plan(&requests, named, context.now(), rules);
    Ok((requests, plan))
}

/// Prints the plan, as text or as one JSON document.
pub(crate) fn show(
    context: &mut Context,
    wanted: Option<&[RequestId]>,
    concurrency: Option<usize>,
) -> Result<(), CliError> {
    let (requests, plan) = make(context, wanted, concurrency)?;
    let next = next_command(context, wanted, &plan);
    if context.out.is_json() {
        return print_json(context, &requests, &plan, wanted, next);
    }
    print_text(context, &requests, &plan, wanted, &next)
}

/// The named requests as they are typed after a command, a blank before each.
pub(crate) fn names(wanted: Option<&[RequestId]>) -> String {
    let mut names = String::new();
    for request in wanted.into_iter().flatten() {
        names.push(' ');
        names.push_str(&request.to_string());
    }
    names
}

fn next_command(context: &Context, wanted: Option<&[RequestId]>, plan: &Plan) -> String {
    let names = names(wanted);
    let command = |words: &str| context.command(&format!("{words}{names}"));
    match plan {
        Plan { entries: 0, unknown: 0, awaiting_approval: 1.., .. } => {
            context.command("list --state awaiting_approval")
        }
        Plan { entries: 0, unknown: 0, parked: 1.., .. } => {
            "journal show R… says why it was refused; journal sync R… takes it up again".to_owned()
        }
        Plan { entries: 0, unknown: 0, .. } => context.command("status"),
        Plan { entries: 0, .. } => command("replay"),
        Plan { .. } => command("sync"),
    }
}

/// What would keep sync from sending anything.
fn refused_by(context: &Context, plan: &Plan) -> Option<String> {
    if let Err(error) = context.check_target() {
        return Some(error.report().message);
    }
    let cap = context.settings.max_entries.value;
    (plan.entries > cap).then(|| {
        format!(
            "the cap of {} entries a run; --max-entries {} lifts it",
            grouped(cap),
            plan.entries
        )
    })
}

fn not_known(plan: &Plan) -> Vec<String> {
    let bins = plan.bin_unknown.iter().map(|module| {
        format!("whether {module} has a recycle bin: the first sync reads it before it sends")
    });
    let unknown = (plan.unknown > 0).then(|| {
        "how many reads it takes to settle what is unknown: that depends on what they show"
            .to_owned()
    });
    bins.chain(unknown).collect()
}

fn print_json(
    context: &mut Context,
    requests: &[RequestOverview],
    plan: &Plan,
    wanted: Option<&[RequestId]>,
    next: String,
) -> Result<(), CliError> {
    let now = context.now();
    let requests = requests.iter().map(|request| PlannedRequest {
        request_id: request.request.to_string(),
        operation: request.operation.to_string(),
        product: request.product.to_string(),
        module: request.module.to_string(),
        workflows: request.workflows,
        pending: request.count(EntryState::Pending),
        unknown: request.count(EntryState::Unknown) + request.count(EntryState::InFlight),
        held: request.count(EntryState::Held),
        awaiting_approval: request.count(EntryState::AwaitingApproval),
        waits: request.waits(now, wanted.is_some()).map(waiting_in_words),
        requested_by: request.requested_by.clone(),
        reason: request.reason.clone(),
        ticket: request.ticket.clone(),
        restorable: request.recycle_bin,
    });
    let document = PlanDocument {
        entries: plan.entries,
        batches: plan.batches,
        calls: plan.calls,
        credits: plan.credits,
        seconds: plan.seconds,
        held: plan.held,
        awaiting_approval: plan.awaiting_approval,
        unknown: plan.unknown,
        not_due: plan.not_due,
        expired: plan.expired,
        parked: plan.parked,
        requests: requests.collect(),
        place: context.whereabouts()?,
        workflows: plan.groups.keys().any(|key| key.workflows),
        cap: context.settings.max_entries.value,
        refused_by: refused_by(context, plan),
        not_known: not_known(plan),
        next,
    };
    Ok(context.out.json_line(&document)?)
}

/// Why a request's pending entries are not sent.
pub(crate) fn waiting_in_words(waiting: Waiting) -> &'static str {
    match waiting {
        Waiting::NotDue => "its time has not come",
        Waiting::Expired => "too old: it needs a fresh approval",
        Waiting::Parked => "set aside after too many refusals; naming it takes it up again",
    }
}

fn print_text(
    context: &mut Context,
    requests: &[RequestOverview],
    plan: &Plan,
    wanted: Option<&[RequestId]>,
    next: &str,
) -> Result<(), CliError> {
    let place = context.whereabouts()?;
    context.out.data_line(format!("Plan for {place}"))?;
    print_requests(context, requests, wanted)?;
    for (key, (entries, batches)) in &plan.groups {
        context.out.data_line(format!(
            "{} {} of {} in {} ({})",
            key.operation,
            counted(*entries, "record", "records"),
            key.module,
            counted(*batches, "call", "calls"),
            workflows_in_words(key.workflows)
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
    for (entries, what) in [
        (plan.held, "under a hold"),
        (plan.awaiting_approval, "waiting for approval"),
        (plan.unknown, "unknown: read before anything else"),
        (plan.not_due, "not due yet"),
        (plan.expired, "too old without a fresh approval"),
        (plan.parked, "set aside after too many refusals"),
    ] {
        if entries > 0 {
            let entries = counted(entries, "entry", "entries");
            context.out.data_line(format!("{entries} {what}"))?;
        }
    }
    for (module, entries) in &plan.not_restorable {
        let records = counted(*entries, "record", "records");
        context.out.data_line(format!(
            "CANNOT BE UNDONE: {records} of {module}, which has no recycle bin that can be restored from"
        ))?;
    }
    for what in not_known(plan) {
        context.out.data_line(format!("Not known: {what}"))?;
    }
    if let Some(refused) = refused_by(context, plan) {
        context.out.data_line(format!("sync would refuse: {refused}"))?;
    }
    context.out.say(format!("Nothing has been sent. Next: {next}"));
    Ok(())
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
            format!("{} {}", request.operation, request.module),
            grouped(request.count(EntryState::Pending)),
            request.requested_by.clone().unwrap_or_default(),
            request.ticket.clone().unwrap_or_default(),
            request.reason.clone().unwrap_or_default(),
            waits.map(waiting_in_words).unwrap_or_default().to_owned(),
        ]);
    }
    if !table.is_empty() {
        context.out.table(&table)?;
    }
    Ok(())
}
