//! Reading before a call: what undo and attribution need and no answer tells.

use std::collections::HashSet;
use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::barred::Barred;
use crate::domain::call::CallItem;
use crate::domain::calls::{self, WriteCall};
use crate::domain::id::RecordId;
use crate::domain::limits::IDS_PER_READ;
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::{Action, Operation};
use crate::domain::usage::ANY_OTHER;
use crate::reconcile::contact::Unread;
use crate::reconcile::options::NotAllowed;
use crate::reconcile::resolve::unread;
use crate::reconcile::shared::Shared;
use crate::store::queue::Picked;
use crate::store::snapshot::Snapshot;
use crate::store::writer::{ReadBefore, ReadFirst};
use crate::zoho::Zoho;

/// Reads what must be known before these entries are claimed. `None`: they cannot be, and the run stops or goes on
/// without them.
pub(crate) async fn read_before<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    first: &ReadFirst,
) -> Option<ReadBefore> {
    if first.picked.kind.scope.operation() == Operation::Delete {
        let look = !first.unread.is_empty();
        let seen = if look { Some(readable(shared, &first.picked).await?) } else { None };
        return Some(ReadBefore { seen, ..ReadBefore::default() });
    }
    let wanted: HashSet<_> = first.unread.iter().collect();
    let items: Vec<_> =
        first.picked.items.iter().filter(|item| wanted.contains(&item.entry)).collect();
    let ids: Vec<RecordId> = items.iter().map(|item| item.target).collect();
    let kind = &first.picked.kind;
    let (operation, product) = (kind.scope.operation(), kind.scope.product);
    let call = calls::find(operation, product, kind.api_version);
    let by_job = call.is_some_and(WriteCall::by_job);
    let found = match shared.look(&kind.scope, kind.api_version, &ids, false).await {
        Ok(found) => found,
        // The module or the list is not there: Zoho will say so to the call as well, which can do nothing then.
        // The call for one tag names no module.
        Err(Unread::NotThere { code, message }) if operation != Operation::DeleteTags || by_job => {
            shared.warn(format!("{} cannot be read: {code}: {message}", what(&first.picked)));
            ids.iter().map(|id| (*id, unread(&kind.scope, true))).collect()
        }
        Err(error) => {
            cannot_read(shared, &first.picked, &what(&first.picked), error);
            return None;
        }
    };
    let snapshot = |item: &&CallItem| {
        let facts = found.get(&item.target)?.clone();
        let facts = if operation == Operation::DeleteTags {
            shared.with_records(product, &kind.scope.module, shared.owner(item.entry), facts)
        } else {
            facts
        };
        Some(Snapshot { entry: item.entry, settles: facts.never_there(by_job), facts })
    };
    Some(ReadBefore {
        seen: None,
        snapshots: items.into_iter().filter_map(|item| snapshot(&item)).collect(),
        gone: HashSet::new(),
    })
}

/// Without this read nothing of the same kind can be sent. What is not allowed is left out; anything else stops
/// the run.
fn cannot_read<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    picked: &Picked,
    what: &str,
    error: Unread,
) {
    match error {
        Unread::Forbidden { code, message } | Unread::NotThere { code, message } => {
            let what = format!("reading {what}");
            shared.bar(Barred::reads_before(&picked.kind), NotAllowed { what, code, message });
        }
        error @ Unread::Silent(_) => shared.cannot_read(what, error),
    }
}

/// What cannot be read, and what may be done without it.
fn what(picked: &Picked) -> String {
    let module = &picked.kind.scope.module;
    let instead = "or record the request with --no-snapshot";
    match &picked.kind.scope.action {
        Action::Delete => format!("records of {module}"),
        Action::Untag(_) => {
            format!("the tags of records of {module} before they are removed ({instead})")
        }
        Action::Unlink { parent, list } => {
            format!("the list {list} of {module} {parent} before records are taken out ({instead})")
        }
        Action::DeleteTags => format!("the tags of {module} before they are deleted"),
        Action::Restore => format!("records of {module} before they are restored"),
        Action::Retag(_) => format!("the tags of records of {module} before others are put back"),
        Action::Relink { parent, list } => {
            format!("the list {list} of {module} {parent} before records are put back")
        }
        Action::RecreateTags => format!("the tags of {module} before others are made again"),
    }
}

/// Which of these entries' records can be read now.
async fn readable<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    picked: &Picked,
) -> Option<EntryRanges> {
    let kind = &picked.kind;
    let (product, module) = (kind.scope.product, &kind.scope.module);
    let mut there = HashSet::new();
    for chunk in picked.items.chunks(IDS_PER_READ) {
        let ids: Vec<RecordId> = chunk.iter().map(|item| item.target).collect();
        let read = shared
            .read(ANY_OTHER, || {
                shared.zoho.read_records(product, kind.api_version, module, &ids, false)
            })
            .await;
        match read {
            Ok(read) => there.extend(read.value.into_iter().map(|record| record.id)),
            Err(error) => {
                let what = format!("records of {module} before deleting them");
                cannot_read(shared, picked, &what, error);
                return None;
            }
        }
    }
    let seen = picked.items.iter().filter(|item| there.contains(&item.target));
    Some(seen.map(|item| item.entry).collect())
}
