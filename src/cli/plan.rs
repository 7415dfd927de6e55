//! `journal plan`: what `sync` would do, without doing any of it.

use serde::Serialize;

use crate::cli::context::{Context, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped, in_words};
use crate::cli::output::{Align, Table};
use crate::cli::things::{self, named_tags};
use crate::config::Flags;
use crate::domain::calls::{self, Envelope};
use crate::domain::id::RequestId;
use crate::domain::plan::{Plan, RequestOverview, Rules, Waiting, plan};
use crate::domain::scope::{Operation, TagName};
use crate::domain::state::EntryState;

/// Show the calls, credits and time that sync would take; nothing is sent
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// Only these requests (R12)
    #[arg(value_name = "R")]
    requests: Vec<RequestId>,
    /// How many tags one job deletes, 1 to 200 [env: JOURNAL_TAGS_PER_JOB] [default: 100]
    #[arg(long, value_name = "N")]
    tags_per_job: Option<String>,
}

impl PlanArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        Flags { tags_per_job: self.tags_per_job.clone(), ..flags }
    }
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
    queued: u64,
    not_due: u64,
    expired: u64,
    parked: u64,
    not_offered: Vec<String>,
    requests: Vec<PlannedRequest>,
    #[serde(flatten)]
    place: Whereabouts,
    workflows: bool,
    tags_per_job: usize,
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
    tags: Option<Vec<TagName>>,
    related_list: Option<String>,
    /// Of how many records the pending items are unlinked.
    parents: Option<usize>,
    workflows: Option<bool>,
    snapshot: bool,
    pending: u64,
    unknown: u64,
    queued: u64,
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
    let rules = Rules {
        versions: context.settings.versions(),
        limits: context.settings.limits(),
        concurrency,
    };
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
    let next = next_command(context, wanted, &requests, &plan);
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

/// Entries in Zoho's own queue: their jobs are asked about.
fn queued(requests: &[RequestOverview]) -> u64 {
    requests.iter().map(|request| request.count(EntryState::Queued)).sum()
}

fn next_command(
    context: &Context,
    wanted: Option<&[RequestId]>,
    requests: &[RequestOverview],
    plan: &Plan,
) -> String {
    let names = names(wanted);
    let command = |words: &str| context.command(&format!("{words}{names}"));
    match plan {
        Plan { entries: 0, unknown: 0, .. } if queued(requests) > 0 => command("sync"),
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

/// Requests that the API version that is set does not offer, with what to do.
fn not_offered(context: &Context, requests: &[RequestOverview], plan: &Plan) -> Vec<String> {
    let refused = requests.iter().filter(|one| plan.not_offered.contains(&one.request));
    refused
        .map(|one| {
            let version = context.settings.versions().of(one.product);
            let versions: Vec<&str> = calls::WRITES
                .iter()
                .filter(|call| (call.operation, call.product) == (one.operation, one.product))
                .flat_map(|call| call.versions)
                .map(|version| version.wire_name())
                .collect();
            format!(
                "{}: {} is not available for {} {version}; its entries stay pending until JOURNAL_API_VERSION is one of {}",
                one.request,
                one.operation,
                one.product,
                versions.join(", ")
            )
        })
        .collect()
}

/// Whether tags are deleted by jobs, which take their time at Zoho's.
fn has_jobs(context: &Context, plan: &Plan) -> bool {
    plan.groups.keys().any(|key| {
        let version = context.settings.versions().of(key.product);
        calls::find(key.operation, key.product, version)
            .is_some_and(|call| call.envelope == Envelope::Job)
    })
}

fn not_known(context: &Context, requests: &[RequestOverview], plan: &Plan) -> Vec<String> {
    let bins = plan.bin_unknown.iter().map(|module| {
        format!("whether {module} has a recycle bin: the first sync reads it before it sends")
    });
    let unknown = (plan.unknown > 0).then(|| {
        "how many reads it takes to settle what is unknown: that depends on what they show"
            .to_owned()
    });
    let jobs = (queued(requests) > 0 || has_jobs(context, plan)).then(|| {
        "how long Zoho takes for its jobs: that time, and asking about them, is not in these numbers"
            .to_owned()
    });
    bins.chain(unknown).chain(jobs).collect()
}

fn print_json(
    context: &mut Context,
    requests: &[RequestOverview],
    plan: &Plan,
    wanted: Option<&[RequestId]>,
    next: String,
) -> Result<(), CliError> {
    let now = context.now();
    let rows = requests.iter().map(|request| PlannedRequest {
        request_id: request.request.to_string(),
        operation: request.operation.to_string(),
        product: request.product.to_string(),
        module: request.module.to_string(),
        tags: request.tags.as_ref().map(|tags| tags.names().to_vec()),
        related_list: request.list.as_ref().map(ToString::to_string),
        parents: parents(request),
        workflows: (request.operation == Operation::Delete).then_some(request.workflows),
        snapshot: request.snapshot,
        pending: request.count(EntryState::Pending),
        unknown: request.count(EntryState::Unknown) + request.count(EntryState::InFlight),
        queued: request.count(EntryState::Queued),
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
        queued: queued(requests),
        not_due: plan.not_due,
        expired: plan.expired,
        parked: plan.parked,
        not_offered: plan.not_offered.iter().map(ToString::to_string).collect(),
        requests: rows.collect(),
        place: context.whereabouts()?,
        workflows: plan.groups.keys().any(|key| key.workflows),
        tags_per_job: context.settings.tags_per_job.value,
        cap: context.settings.max_entries.value,
        refused_by: refused_by(context, plan),
        not_known: not_known(context, requests, plan),
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
    for (entries, what) in [
        (plan.held, "under a hold"),
        (plan.awaiting_approval, "waiting for approval"),
        (plan.unknown, "unknown: read before anything else"),
        (queued(requests), "in Zoho's own queue: their jobs are asked about"),
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
    for what in not_offered(context, requests, plan) {
        context.out.data_line(format!("NOT SENT: {what}"))?;
    }
    for what in not_known(context, requests, plan) {
        context.out.data_line(format!("Not known: {what}"))?;
    }
    if let Some(refused) = refused_by(context, plan) {
        context.out.data_line(format!("sync would refuse: {refused}"))?;
    }
    context.out.say(format!("Nothing has been sent. Next: {next}"));
    Ok(())
}

/// Of how many records the pending items of an unlink are unlinked.
fn parents(request: &RequestOverview) -> Option<usize> {
    (request.operation == Operation::Unlink).then_some(request.pending.len())
}

/// `untag Leads: tag "Prime"`, `unlink Campaigns: Leads`.
fn what(request: &RequestOverview) -> String {
    let what = format!("{} {}", request.operation, request.module);
    match (&request.list, &request.tags) {
        (Some(list), _) => match parents(request).filter(|parents| *parents > 1) {
            Some(parents) => {
                format!("{what}: {list} of {}", grouped(u64::try_from(parents).unwrap_or(0)))
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
            waits.map(waiting_in_words).unwrap_or_default().to_owned(),
        ]);
    }
    if !table.is_empty() {
        context.out.table(&table)?;
    }
    Ok(())
}
