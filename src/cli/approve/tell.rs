//! What `approve` and `reject` say.

use serde::Serialize;

use crate::cli::approve::{SHOWN, shown_reason};
use crate::cli::context::{Context, Whereabouts};
use crate::cli::decisions::SAME_ACCOUNT;
use crate::cli::error::CliError;
use crate::cli::output::words::counted;
use crate::cli::plan;
use crate::cli::show::full::FullOfRequest;
use crate::cli::work::in_a_line;
use crate::domain::id::RequestId;
use crate::domain::merkle::Hash;
use crate::domain::time::Timestamp;
use crate::export::cell::visible_short;
use crate::store::StoreError;
use crate::store::approval::{Approved, By, Rejected};

#[derive(Serialize)]
struct ApprovedRow<'a> {
    request_id: String,
    entries: u64,
    /// Entries that a lost part of the log may have sent: they are unknown now, and read first.
    unknown: u64,
    held: u64,
    second_person: bool,
    same_account: bool,
    valid_until: Timestamp,
    content_hash: Hash,
    /// The fingerprint of the key that signed it.
    signed_with: Option<&'a str>,
    /// Where a whole copy of each record is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    full_snapshots: Option<&'a FullOfRequest>,
}

/// The outcome with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct ApprovedDocument<'a> {
    approved: Vec<ApprovedRow<'a>>,
    approved_by: &'a str,
    recorded_by: &'a str,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

#[derive(Serialize)]
struct RejectedRow {
    request_id: String,
    entries: u64,
}

#[derive(Serialize)]
struct RejectedDocument<'a> {
    rejected: Vec<RejectedRow>,
    rejected_by: &'a str,
    recorded_by: &'a str,
    reason: &'a str,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

pub(super) fn tell_approved(
    context: &mut Context,
    approved: &[Approved],
    by: By<'_>,
    key: Option<&str>,
) -> Result<(), CliError> {
    let requests: Vec<RequestId> = approved.iter().map(|one| one.request).collect();
    let names = plan::names(Some(&requests));
    let next = format!(
        "{}, then {}",
        context.command(&format!("plan{names}")),
        context.command(&format!("sync{names}"))
    );
    let place = context.whereabouts()?;
    let reader = context.reader()?;
    let overview = reader.overview(Some(&requests), false)?;
    let full = requests.iter().map(|id| FullOfRequest::of(&reader, &reader.request(*id)?.view));
    let full: Vec<Option<FullOfRequest>> = full.collect::<Result<_, StoreError>>()?;
    drop(reader);
    if context.out.is_json() {
        let rows = approved.iter().zip(&full).map(|(one, full)| ApprovedRow {
            request_id: one.request.to_string(),
            entries: one.entries,
            unknown: one.unread,
            held: one.held,
            second_person: one.second,
            same_account: one.same_account,
            valid_until: one.valid_until,
            content_hash: one.content,
            signed_with: key,
            full_snapshots: full.as_ref(),
        });
        let (approved_by, recorded_by) = (by.who, by.account);
        let approved = rows.collect();
        let document = ApprovedDocument { approved, approved_by, recorded_by, next, place };
        return Ok(context.out.json_line(&document)?);
    }
    for ((one, request), full) in approved.iter().zip(&overview).zip(&full) {
        let until = one.valid_until;
        context.out.data_line(format!(
            "Approved in {place}: {}; valid until {until}.",
            in_a_line(request, request.entries())
        ))?;
        let entries = counted(one.entries, "entry", "entries");
        context.out.data_line(format!(
            "  {entries} may be sent; approved by {}, recorded by {}; content {}",
            visible_short(by.who, SHOWN),
            by.account,
            one.content
        ))?;
        if let Some(key) = key {
            context.out.data_line(format!("  signed with {key}"))?;
        }
        if let Some(full) = full {
            context.out.data_line(format!("  a full copy {}", full.in_words()))?;
        }
        if one.unread > 0 {
            let unread = counted(one.unread, "entry is", "entries are");
            context.out.data_line(format!("  {unread} unknown, and read at Zoho first"))?;
        }
        if one.held > 0 {
            let held = counted(one.held, "entry stays", "entries stay");
            context.out.data_line(format!("  {held} under a hold"))?;
        }
        if !one.second {
            let told = format!("{} is approved by who asked for it: no second person", one.request);
            context.out.warn(&told);
        } else if one.same_account && key.is_none() {
            context.out.warn(&format!("{}: {SAME_ACCOUNT}", one.request));
        }
    }
    context.out.say(format!("Nothing was sent to Zoho. Next: {next}"));
    Ok(())
}

pub(super) fn tell_rejected(
    context: &mut Context,
    rejected: &[Rejected],
    by: By<'_>,
) -> Result<(), CliError> {
    let next = crate::cli::status::next_command(context)?;
    let place = context.whereabouts()?;
    if context.out.is_json() {
        let rows = rejected
            .iter()
            .map(|one| RejectedRow { request_id: one.request.to_string(), entries: one.entries });
        let document = RejectedDocument {
            rejected: rows.collect(),
            rejected_by: by.who,
            recorded_by: by.account,
            reason: by.reason,
            next,
            place,
        };
        return Ok(context.out.json_line(&document)?);
    }
    for one in rejected {
        let entries = counted(one.entries, "entry is", "entries are");
        context.out.data_line(format!(
            "Rejected {} in {place}: {entries} cancelled; rejected by {}: {}.",
            one.request,
            visible_short(by.who, SHOWN),
            shown_reason(by.reason)
        ))?;
    }
    context.out.say(format!("Nothing was sent to Zoho. Next: {next}"));
    Ok(())
}
