//! The plan as one JSON document.

use serde::Serialize;

use crate::cli::blocked::WaitRow;
use crate::cli::context::{Context, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::plan::{escapes, not_known, parents, queued, refused_by, waiting_in_words};
use crate::cli::spending::Spending;
use crate::domain::id::RequestId;
use crate::domain::plan::{Plan, RequestOverview};
use crate::domain::scope::{Operation, TagName};
use crate::domain::state::EntryState;
use crate::store::query::Blocked;

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
    blocked: u64,
    waits_for: Vec<WaitRow>,
    not_offered: Vec<String>,
    requests: Vec<PlannedRequest>,
    #[serde(flatten)]
    place: Whereabouts,
    workflows: bool,
    tags_per_job: usize,
    /// In seconds.
    quarantine: f64,
    cap: u64,
    refused_by: Option<String>,
    not_known: Vec<String>,
    /// What can escape a hold.
    escapes: Vec<String>,
    #[serde(flatten)]
    spending: Spending,
    /// Records that are read whole and kept, encrypted.
    full_snapshots: u64,
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
    full_snapshots: bool,
    pending: u64,
    unknown: u64,
    queued: u64,
    held: u64,
    awaiting_approval: u64,
    waits: Option<&'static str>,
    /// The policy, or its rule, by which it waits for an approval.
    waits_by: Option<String>,
    /// Why its signed approval counts no more; left out where it does, or there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    lapsed: Option<String>,
    /// The request that must be settled first.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    requested_by: Option<String>,
    reason: Option<String>,
    ticket: Option<String>,
    restorable: Option<bool>,
}

pub(super) fn print(
    context: &mut Context,
    requests: &[RequestOverview],
    plan: &Plan,
    blocked: &Blocked,
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
        full_snapshots: request.full,
        pending: request.count(EntryState::Pending),
        unknown: request.count(EntryState::Unknown) + request.count(EntryState::InFlight),
        queued: request.count(EntryState::Queued),
        held: request.count(EntryState::Held),
        awaiting_approval: request.count(EntryState::AwaitingApproval),
        waits: request.waits(now, wanted.is_some()).map(waiting_in_words),
        waits_by: request.waits_by.clone(),
        lapsed: request.lapsed.clone(),
        after: request.after.map(|after| after.to_string()),
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
        blocked: blocked.entries,
        waits_for: WaitRow::all(context, blocked),
        not_offered: plan.not_offered.iter().map(ToString::to_string).collect(),
        requests: rows.collect(),
        place: context.whereabouts()?,
        workflows: plan.groups.keys().any(|key| key.workflows),
        tags_per_job: context.settings.tags_per_job.value,
        quarantine: context.settings.quarantine.value.as_secs_f64(),
        cap: context.settings.max_entries.value,
        refused_by: refused_by(context, plan),
        not_known: not_known(context, requests, plan),
        escapes: escapes(context, plan)?,
        spending: Spending::of(context, &context.reader()?)?,
        full_snapshots: plan.full_snapshots,
        next,
    };
    Ok(context.out.json_line(&document)?)
}
