//! A request: what was asked, by whom and why, and how far it is.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::context::Context;
use crate::cli::decisions::approval_in_words;
use crate::cli::error::CliError;
use crate::cli::output::words::{counted, grouped};
use crate::cli::output::{Out, OutputError};
use crate::cli::show::full::FullOfRequest;
use crate::cli::show::undo::{self, Counts};
use crate::cli::show::{document, field, heading};
use crate::cli::status::EntriesByState;
use crate::domain::id::{RecordId, RequestId};
use crate::domain::merkle::Hash;
use crate::domain::scope::{Operation, RelatedList};
use crate::domain::time::Timestamp;
use crate::store::Reader;
use crate::store::query::RequestView;
use crate::store::signing::SignedWith;

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    request_id: String,
    operation: &'static str,
    product: &'static str,
    org: Option<&'a str>,
    environment: Option<&'a str>,
    module: &'a str,
    workflows: bool,
    requested_by: Option<&'a str>,
    requested_at: Timestamp,
    recorded_by: Option<&'a str>,
    reason: Option<&'a str>,
    ticket: Option<&'a str>,
    source: Option<&'a str>,
    source_kind: &'static str,
    source_sha256: Option<&'a str>,
    source_column: Option<&'a str>,
    source_rows: u64,
    recorded: u64,
    first_entry: String,
    last_entry: String,
    duplicates: u64,
    rejected: u64,
    policy: &'a str,
    awaiting_approval: bool,
    approved_by: Option<&'a str>,
    approved_at: Option<Timestamp>,
    approval_recorded_by: Option<&'a str>,
    second_person: Option<bool>,
    same_account: Option<bool>,
    /// Whether the approval is signed.
    signed: Option<bool>,
    /// The key's fingerprint.
    signed_with: Option<&'a str>,
    expired_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
    valid_until: Timestamp,
    parked: bool,
    entries: EntriesByState,
    log_index: i64,
    leaf_hash: Hash,
    related_list: Option<&'a str>,
    tags: Option<&'a [String]>,
    parents: Option<u64>,
    snapshot: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    module_id: Option<RecordId>,
    /// `null` where there is too much to count at once, and of an undo.
    undo: Option<&'a Counts>,
    /// Where a whole copy of each record is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    full_snapshots: Option<&'a FullOfRequest>,
}

/// What a request is about beside its records.
struct About {
    /// How many parents an unlink has.
    parents: Option<u64>,
    /// Zoho's id of the module that its calls name.
    module_id: Option<RecordId>,
    /// What of it can be brought back.
    undo: Option<Counts>,
    /// What is kept of each record; `None` where no more than undo needs.
    full: Option<FullOfRequest>,
}

/// Shows a request.
pub(super) fn show(
    context: &mut Context,
    reader: &Reader,
    id: RequestId,
) -> Result<Option<Box<RawValue>>, CliError> {
    let detail = reader.request(id)?;
    let binding = reader.binding()?;
    let view = &detail.view;
    let entries = EntriesByState(detail.tally.clone());
    let parents = if view.list.is_some() { Some(reader.parents_of(view)?) } else { None };
    let undo = undo::counts(context, reader, view)?;
    let full = FullOfRequest::of(reader, view)?;
    let about = About { parents, module_id: reader.pinned_module(view)?, undo, full };
    if context.out.is_json() {
        return document(&Document {
            r#type: "request",
            request_id: id.to_string(),
            operation: view.operation.wire_name(),
            product: view.product.wire_name(),
            org: binding.as_ref().and_then(|binding| binding.org.as_deref()),
            environment: binding.as_ref().map(|binding| binding.environment.as_str()),
            module: view.module.as_str(),
            workflows: view.workflows,
            requested_by: view.requested_by.as_deref(),
            requested_at: view.at,
            recorded_by: view.recorded_by.as_deref(),
            reason: view.reason.as_deref(),
            ticket: view.ticket.as_deref(),
            source: view.source_name.as_deref(),
            source_kind: view.source.wire_name(),
            source_sha256: view.source_sha256.as_deref(),
            source_column: view.source_column.as_deref(),
            source_rows: view.source_rows,
            recorded: view.entries(),
            first_entry: view.first.to_string(),
            last_entry: view.last.to_string(),
            duplicates: view.duplicates,
            rejected: view.rejected,
            policy: &view.policy,
            awaiting_approval: view.awaits,
            approved_by: view.approval.as_ref().and_then(|one| one.by.as_deref()),
            approved_at: view.approval.as_ref().map(|one| one.at),
            approval_recorded_by: view.approval.as_ref().and_then(|one| one.account.as_deref()),
            second_person: view.approval.as_ref().map(|one| one.second),
            same_account: view.approval.as_ref().map(|one| one.same_account),
            signed: view.approval.as_ref().map(|one| one.key.is_some()),
            signed_with: view
                .approval
                .as_ref()
                .and_then(|one| one.key.as_ref())
                .and_then(SignedWith::fingerprint),
            expired_at: view.expired,
            not_before: view.not_before,
            valid_until: view.valid_until,
            parked: view.parked,
            entries,
            log_index: view.seq.get(),
            leaf_hash: view.leaf,
            related_list: view.list.as_ref().map(RelatedList::as_str),
            tags: matches!(view.operation, Operation::Untag | Operation::Retag)
                .then_some(view.tags.as_slice()),
            parents: about.parents,
            snapshot: view.reads_first(),
            after: view.after.map(|after| after.to_string()),
            module_id: about.module_id,
            undo: about.undo.as_ref(),
            full_snapshots: about.full.as_ref(),
        });
    }
    tell(context, view, &entries, &about)?;
    Ok(None)
}

fn tell(
    context: &mut Context,
    view: &RequestView,
    entries: &EntriesByState,
    about: &About,
) -> Result<(), CliError> {
    let erased = || "(erased)".to_owned();
    let rows = context.command(&format!("list --request {}", view.request));
    let report = context.command(&format!("undo-report {}", view.request));
    let out = &mut context.out;
    let entries_told = counted(view.entries(), "entry", "entries");
    let what = format!("{} {} of {}", view.operation, entries_told, view.module);
    heading(out, view.request.to_string(), what)?;
    field(out, "asked by", view.requested_by.clone().unwrap_or_else(erased))?;
    field(out, "why", view.reason.clone().unwrap_or_else(erased))?;
    field(out, "ticket", view.ticket.clone().unwrap_or_default())?;
    let by = view.recorded_by.clone().unwrap_or_else(erased);
    field(out, "recorded", format!("{} by {by}, event {}", view.at, view.seq))?;
    tell_about(out, view, about)?;
    field(out, "source", source(view))?;
    field(out, "sha256", view.source_sha256.clone().unwrap_or_default())?;
    let left_out = format!(
        "{} read, {} duplicates, {} rejected",
        grouped(view.source_rows),
        grouped(view.duplicates),
        grouped(view.rejected)
    );
    field(out, "rows", left_out)?;
    let range = if view.first == view.last {
        view.first.to_string()
    } else {
        format!("{}–{}", view.first, view.last)
    };
    field(out, "entries", format!("{range}: {}", entries.in_words()))?;
    let undo = match &about.undo {
        Some(counts) => counts.in_words(),
        None if view.operation.is_undo() => String::new(),
        None => report,
    };
    field(out, "undo", undo)?;
    field(out, "approval", format!("policy met: {}", view.policy))?;
    if let Some(approval) = &view.approval {
        field(out, "", approval_in_words(approval))?;
    }
    field(out, "", missing_in_words(view).unwrap_or_default())?;
    let not_before = view.not_before.map(|at| at.to_string());
    field(out, "not before", not_before.unwrap_or_default())?;
    field(out, "valid until", view.valid_until.to_string())?;
    if let Some(after) = view.after {
        field(out, "after", format!("nothing of it is sent before {after} is settled"))?;
    }
    if view.parked {
        let again = format!("set aside after refusals; sync {} takes it up again", view.request);
        field(out, "parked", again)?;
    }
    out.flush()?;
    out.say(format!("its entries: {rows}"));
    Ok(())
}

/// What approval it lacks, and who may give it.
fn missing_in_words(view: &RequestView) -> Option<String> {
    let approve = format!("journal approve {}", view.request);
    if !view.awaits {
        return None;
    }
    let whose =
        if view.asked.is_some() { "a second person" } else { "somebody, who asked for it too" };
    let why = view.expired.map(|at| format!(", too old since {at}")).unwrap_or_default();
    Some(format!("waits for {whose}{why}: {approve}"))
}

/// What the operation takes away, and what is kept of what was there.
fn tell_about(out: &mut Out, view: &RequestView, about: &About) -> Result<(), OutputError> {
    let erased = || "(erased)".to_owned();
    match view.operation {
        Operation::Delete => {
            let workflows = if view.workflows { "workflows WILL run" } else { "no workflows" };
            field(out, "at Zoho", workflows)?;
            let full = about.full.as_ref().map(FullOfRequest::in_words);
            return field(out, "full copy", full.unwrap_or_default());
        }
        Operation::Untag | Operation::Retag if view.tags.is_empty() => {
            field(out, "tags", erased())?;
        }
        Operation::Untag | Operation::Retag => field(out, "tags", view.tags.join(", "))?,
        Operation::Unlink | Operation::Relink => {
            let list = view.list.as_ref().map_or("", RelatedList::as_str);
            let parents = counted(about.parents.unwrap_or(0), "record", "records");
            field(out, "list", format!("{list} of {parents} of {}", view.module))?;
        }
        Operation::DeleteTags | Operation::Restore | Operation::RecreateTags => {}
    }
    let before = if view.snapshot_records {
        "is read and kept, and which records carry the tags"
    } else if view.snapshot {
        "is read and kept"
    } else {
        "is not read (--no-snapshot)"
    };
    field(out, "before", format!("what is there {before}"))?;
    field(out, "module id", about.module_id.map(|id| id.to_string()).unwrap_or_default())
}

fn source(view: &RequestView) -> String {
    let name = view.source_name.as_deref().unwrap_or("(erased)");
    let column = view.source_column.as_ref().map(|column| format!(", column {column}"));
    format!("{name} ({}{})", view.source, column.unwrap_or_default())
}
