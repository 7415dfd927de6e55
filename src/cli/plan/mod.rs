//! `journal plan`: what `sync` would do, without doing any of it.

mod document;
mod text;

use std::collections::{BTreeSet, HashSet};

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::listed;
use crate::cli::output::words::grouped;
use crate::cli::policy_flags::PolicyFlags;
use crate::cli::standing::{self, Closed};
use crate::config::Flags;
use crate::domain::calls::{self, WriteCall};
use crate::domain::id::RequestId;
use crate::domain::plan::{Plan, RequestOverview, Rules, Waiting, plan};
use crate::domain::policy::{Approver, Demand};
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::sealing;
use crate::store::Reader;
use crate::store::query::Blocked;

/// Show the calls, credits and time that sync would take; nothing is sent
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// Only these requests (R12)
    #[arg(value_name = "R")]
    requests: Vec<RequestId>,
    /// How many tags one job deletes, 1 to 200 [env: JOURNAL_TAGS_PER_JOB] [default: 100]
    #[arg(long, value_name = "N")]
    tags_per_job: Option<String>,
    #[command(flatten)]
    policy: PolicyFlags,
}

impl PlanArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        self.policy.settings(Flags { tags_per_job: self.tags_per_job.clone(), ..flags })
    }
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
    let reader = context.reader()?;
    let policy = policy(context, &reader)?;
    let mut requests = reader.overview(wanted, wanted.is_none())?;
    // Where no list can be read, nothing is sent; `refused_by` and the run say so.
    let mut lapsed = listed::look(context, &reader, &requests, &policy)
        .map(|listed| listed.lapsed)
        .unwrap_or_default();
    for request in &mut requests {
        request.lapsed = lapsed.remove(&request.request);
        if policy.approver == Approver::Signed && request.second {
            // A second person without a signature is none.
            request.second =
                request.lapsed.is_none() && reader.has_signed_approval(request.request)?;
        }
        request.meet(&policy.of(request.operation, &request.module));
        if request.count(EntryState::AwaitingApproval) > 0 {
            // What it met then counts, whatever is asked for now.
            request.waits_by = reader.asked_by(request.request)?.or(request.waits_by.take());
        }
    }
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

/// What flags and settings ask for.
pub(crate) fn settings_demand(context: &Context) -> Demand {
    let settings = &context.settings;
    Demand {
        wants: settings.require_approval.value,
        rules: settings.approval_rules(),
        approver: settings.approver.value,
    }
}

/// What flags and settings ask for, tightened by what the journal itself asks for.
pub(crate) fn policy(context: &Context, reader: &Reader) -> Result<Demand, CliError> {
    Ok(settings_demand(context).stricter(&reader.policy_in_force()?.demand))
}

/// Prints the plan, as text or as one JSON document.
pub(crate) fn show(
    context: &mut Context,
    wanted: Option<&[RequestId]>,
    concurrency: Option<usize>,
) -> Result<(), CliError> {
    let (requests, plan) = make(context, wanted, concurrency)?;
    let next = match closed(context) {
        Some(closed) => closed.next,
        None => next_command(context, wanted, &requests, &plan),
    };
    let blocked = blocked(context, wanted, &requests)?;
    if context.out.is_json() {
        return document::print(context, &requests, &plan, &blocked, wanted, next);
    }
    text::print(context, &requests, &plan, &blocked, wanted, &next)
}

/// Pending entries that sync would send, were it not for another entry for the same thing.
fn blocked(
    context: &Context,
    wanted: Option<&[RequestId]>,
    requests: &[RequestOverview],
) -> Result<Blocked, CliError> {
    let now = context.now();
    let due = requests.iter().filter(|one| one.count(EntryState::Pending) > 0);
    let due = due.filter(|one| one.waits(now, wanted.is_some()).is_none());
    let due: HashSet<RequestId> = due.map(|one| one.request).collect();
    if due.is_empty() {
        return Ok(Blocked::default());
    }
    Ok(context.reader()?.blocked(|request| due.contains(&request))?)
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

/// Whether nothing is written to the journal at all, so that no run starts.
fn closed(context: &Context) -> Option<Closed> {
    let published = standing::published(context);
    let reader = context.reader().ok()?;
    standing::closed(context, &reader, published.as_ref()).ok().flatten()
}

/// What would keep sync from sending anything.
fn refused_by(context: &Context, plan: &Plan) -> Option<String> {
    if let Err(error) = context.check_target() {
        return Some(error.report().message);
    }
    if let Some(closed) = closed(context) {
        return Some(closed.told);
    }
    if let Ok(Some(pause)) = context.reader().and_then(|reader| Ok(reader.pause()?)) {
        return Some(format!("{pause}; {} ends it", context.command("resume")));
    }
    if let Err(error) = check_listed(context) {
        return Some(error.report().message);
    }
    if plan.full_snapshots > 0 && !sealing::AVAILABLE {
        let what = "full snapshots are wanted, and this program was built without";
        return Some(format!("{what}; {}", sealing::HOW_TO_BUILD));
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

/// Whether every signed approval can be held against a list.
fn check_listed(context: &Context) -> Result<(), CliError> {
    let reader = context.reader()?;
    let requests = reader.overview(None, true)?;
    listed::look(context, &reader, &requests, &policy(context, &reader)?).map(drop)
}

/// Requests that the API version that is set does not offer, with what to do.
fn not_offered(context: &Context, requests: &[RequestOverview], plan: &Plan) -> Vec<String> {
    let refused = requests.iter().filter(|one| plan.not_offered.contains(&one.request));
    refused
        .map(|one| {
            let version = context.settings.versions().of(one.operation, one.product);
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
        let version = context.settings.versions().of(key.operation, key.product);
        calls::find(key.operation, key.product, version).is_some_and(WriteCall::by_job)
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
    let reads = |one: &&RequestOverview| one.snapshot_records && one.count(EntryState::Pending) > 0;
    let modules: BTreeSet<_> = requests.iter().filter(reads).map(|one| &one.module).collect();
    let records = modules.into_iter().map(|module| {
        format!(
            "how many records {module} has: all are read, 200 a call, for those that carry the tags"
        )
    });
    bins.chain(unknown).chain(jobs).chain(records).collect()
}

/// What Zoho takes along with a record that is deleted, whatever is held here. Sources: Zoho's help on the recycle bin
/// (notes, attachments, mails and tasks go with their record); Bigin's help (a company's records go with it).
fn escapes(context: &Context, plan: &Plan) -> Result<Vec<String>, CliError> {
    let deletes = plan.groups.keys().filter(|key| key.operation == Operation::Delete);
    let modules: BTreeSet<&str> = deletes.map(|key| key.module.as_str()).collect();
    if modules.is_empty() || context.reader()?.holds(false)?.is_empty() {
        return Ok(Vec::new());
    }
    let modules = modules.into_iter().collect::<Vec<_>>().join(", ");
    Ok(vec![format!(
        "with each deleted record of {modules} Zoho deletes its notes, attachments and tasks, and in Bigin what \
         belongs to a company, held or not: to keep these, hold the record itself"
    )])
}

/// Why a request's pending entries are not sent.
pub(crate) fn waiting_in_words(waiting: Waiting) -> &'static str {
    match waiting {
        Waiting::NotDue => "its time has not come",
        Waiting::Expired => "too old: it needs a fresh approval",
        Waiting::Parked => "set aside after refusals; naming it takes it up again",
        Waiting::Unapproved => "nobody has approved it",
    }
}

/// The same with the policy that asks for it: `nobody has approved it (policy delete:Accounts=always)`.
fn waits_in_words(waiting: Waiting, request: &RequestOverview) -> String {
    let why = waiting_in_words(waiting);
    let why = match (waiting, &request.lapsed) {
        (Waiting::Unapproved, Some(lapsed)) => lapsed,
        _ => why,
    };
    match (waiting, &request.waits_by) {
        (Waiting::Unapproved, Some(policy)) => format!("{why} (policy {policy})"),
        _ => why.to_owned(),
    }
}

/// Of how many records the pending items of an unlink are unlinked.
fn parents(request: &RequestOverview) -> Option<usize> {
    request.list.is_some().then_some(request.pending.len())
}

/// Whether pending entries are sent without reading what is there before. Deleting needs no such read: Zoho's
/// recycle bin keeps what is deleted.
fn is_blind(request: &RequestOverview) -> bool {
    let pending = request.count(EntryState::Pending);
    pending > 0 && !request.snapshot && request.operation != Operation::Delete
}
