//! An undo in words: how it is done, what comes back with it, what stays lost.

use crate::domain::calls::{self, Versions, WriteCall};
use crate::domain::evidence::Look;
use crate::domain::evidence::presence::{
    DefinitionFacts, Membership, RelationFacts, SeenTag, ThingFacts,
};
use crate::domain::scope::{Operation, Task};
use crate::domain::state::EntryState;
use crate::domain::template;
use crate::domain::undo::Why;
use crate::export::undo::{DeletedAgain, Remedy};
use crate::store::query::EntryView;

/// `restore (POST settings/recycle_bin/actions/restore, v8)`; empty where there is nothing to do, or nothing that
/// could be done.
pub(super) fn how(entry: &EntryView, remedy: &Remedy, versions: Versions) -> String {
    let Some(task) = remedy.task.as_ref().filter(|_| remedy.undo.can_come_back()) else {
        return String::new();
    };
    let again = remedy.carriers(entry).filter(|_| !remedy.lacks_itself);
    let again = again.and_then(|(scope, _)| scope.tags().map(|tags| Task::Retag(tags.clone())));
    let task = again.as_ref().unwrap_or(task);
    let (operation, product) = (task.operation(), entry.scope.product);
    let version = versions.of(operation, product);
    match calls::find(operation, product, version) {
        Some(call) => format!("{operation} ({}, {version})", line(call, entry, task)),
        None => {
            format!("{operation} ({product} {version} has no call for it: set another api_version)")
        }
    }
}

/// Method and path, below the root of a version.
fn line(call: &WriteCall, entry: &EntryView, task: &Task) -> String {
    let text = call.many.unwrap_or(call.one);
    let line = text.lines().next().unwrap_or_default();
    let line = line.split_once('?').map_or(line, |(path, _)| path);
    let list = task.list().map(ToString::to_string).unwrap_or_default();
    let filled = template::fill(line, |name| match name {
        "root" => Some(String::new()),
        "module" => Some(entry.scope.module.to_string()),
        "list" => Some(list.clone()),
        _ => None,
    });
    filled.replacen(" /", " ", 1)
}

/// Why, by which entry, and what is left where no call helps.
pub(super) fn reason(entry: &EntryView, remedy: &Remedy) -> String {
    let why = why(entry, remedy);
    if remedy.kept_whole {
        format!("{why}; a full copy is kept, encrypted: journal snapshot {}", entry.entry)
    } else {
        why
    }
}

fn why(entry: &EntryView, remedy: &Remedy) -> String {
    let undo = &remedy.undo;
    match (undo.why, undo.by) {
        (Why::BroughtBack, Some(by)) => format!("it was brought back by {by}"),
        (Why::BackAlready, Some(by)) => {
            format!("it is there again: {by} found it brought back by somebody else")
        }
        (Why::UnderWay, Some(by)) => {
            let state = entry.undone_by.map(|undone| undone.state.wire_name()).unwrap_or_default();
            format!("it is being brought back by {by}, which is {state}")
        }
        (Why::BackAlready, None) => match entry.rechecks.last() {
            Some(last) => {
                let at = last.reading.at;
                format!("it is there again: brought back by somebody else, as seen at {at}")
            }
            None => Why::BackAlready.text().to_owned(),
        },
        (Why::Purged, Some(by)) => format!(
            "{by}, which was to bring it back, found it neither there nor in the recycle bin: it was erased for good"
        ),
        (Why::NoHolder, Some(by)) => {
            format!("{}, as {by} found, which was to bring it back", Why::NoHolder.text())
        }
        (Why::NeedsParent, Some(by)) => format!(
            "it lies in the recycle bin, but {by}, which was to bring it back, failed \
             (CANNOT_RESTORE_WITHOUT_PARENT): the record that it belongs to has to be restored first; this journal \
             does not know which that is"
        ),
        (Why::DeletedAgain, _) => match remedy.deleted_again {
            Some(DeletedAgain { at, by: Some(user) }) => {
                format!("{}, at {at} by user {user}", Why::DeletedAgain.text())
            }
            Some(DeletedAgain { at, by: None }) => {
                format!("{}, at {at}", Why::DeletedAgain.text())
            }
            None => Why::DeletedAgain.text().to_owned(),
        },
        (Why::PartLeft, _) => part_left(entry, remedy),
        (Why::InBin, _) if entry.undone_by.is_none() && is_by_the_clock(entry, remedy) => {
            BY_THE_CLOCK.to_owned()
        }
        (why, _) => match entry.undone_by {
            Some(tried) if tried.state == EntryState::Failed => {
                let by = tried.entry;
                format!(
                    "{}, but {by}, which was to bring it back, failed (journal show {by})",
                    why.text()
                )
            }
            _ => why.text().to_owned(),
        },
    }
}

/// Why it can be restored, where nobody has looked into the bin.
pub(super) const BY_THE_CLOCK: &str =
    "by the clock it lies in the recycle bin; nobody has looked since";

/// Whether the clock alone says that it lies in the recycle bin.
pub(super) fn is_by_the_clock(entry: &EntryView, remedy: &Remedy) -> bool {
    let seen = entry.facts().is_some_and(|facts| matches!(facts.bin, Look::Seen(_)));
    remedy.undo.why == Why::InBin && !remedy.looked_at && !seen
}

/// What of it is missing still.
fn part_left(entry: &EntryView, remedy: &Remedy) -> String {
    let part = Why::PartLeft.text();
    match (&remedy.task, &remedy.records_left) {
        (Some(Task::Retag(tags)), _) => {
            let names: Vec<String> =
                tags.names().iter().map(|name| format!("\"{name}\"")).collect();
            format!("{part}: {}", names.join(", "))
        }
        (_, Some(records)) => {
            let records = match records.len() {
                0 => "its definition".to_owned(),
                1 => "its place on 1 record".to_owned(),
                many => format!("its place on {many} records"),
            };
            let failed = entry.put_back.iter().filter(|one| one.by.state == EntryState::Failed);
            let failed = failed.map(|one| one.by.entry).next();
            let failed = failed.map(|by| format!(" ({by} failed: journal show {by})"));
            format!("{part}: {records}{}", failed.unwrap_or_default())
        }
        _ => part.to_owned(),
    }
}

/// What is there again after the undo.
pub(super) fn comes_back(entry: &EntryView, remedy: &Remedy) -> String {
    let Some(task) = remedy.task.as_ref().filter(|_| remedy.undo.can_come_back()) else {
        return String::new();
    };
    match task {
        Task::Retag(tags) => {
            let names: Vec<String> =
                tags.names().iter().map(|name| format!("\"{name}\"")).collect();
            format!("on the record: {}", names.join(", "))
        }
        Task::Relink(list) => {
            let own = match &remedy.before {
                Some(ThingFacts::Relation(RelationFacts { list: Look::Seen(member), .. })) => {
                    fields(member)
                }
                _ => String::new(),
            };
            format!("its place in {list}{own}")
        }
        Task::RecreateTags => match &remedy.before {
            Some(ThingFacts::Definition(DefinitionFacts {
                tag: Look::Seen(SeenTag { name, color }),
                ..
            })) => {
                let color = color.as_ref().map(|color| format!(" and its colour {color}"));
                let records = remedy.carriers(entry).map(|(_, records)| match records {
                    1 => ", on 1 record that carried it".to_owned(),
                    many => format!(", on {many} records that carried it"),
                });
                let (color, records) = (color.unwrap_or_default(), records.unwrap_or_default());
                format!("the name \"{name}\"{color}{records}")
            }
            _ => "the tag's name".to_owned(),
        },
        Task::Restore => {
            "the record under its own id, with notes, attachments and children that went to the recycle bin with it"
                .to_owned()
        }
        Task::Delete | Task::Untag(_) | Task::Unlink(_) | Task::DeleteTags => {
            entry.scope.operation.to_string()
        }
    }
}

/// ` with Member_Status Active`
fn fields(member: &Membership) -> String {
    let fields = [("Member_Status", &member.member_status), ("list_price", &member.list_price)];
    let told = fields.iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
    let told: Vec<String> = told.map(|(name, value)| format!("{name} {value}")).collect();
    if told.is_empty() { String::new() } else { format!(" with {}", told.join(" and ")) }
}

/// What the undo does not bring back; of what cannot be undone, what was taken away.
pub(super) fn stays_lost(entry: &EntryView, remedy: &Remedy) -> &'static str {
    let undo = &remedy.undo;
    let operation = entry.scope.operation;
    if undo.is_lost() {
        return match operation {
            Operation::Delete => "the record, and what belonged to it",
            Operation::Untag => "which of the tags the record carried",
            Operation::Unlink => "the relation, and what it held of its own",
            Operation::DeleteTags
            | Operation::Restore
            | Operation::Retag
            | Operation::Relink
            | Operation::RecreateTags => "the tag",
        };
    }
    if !undo.can_come_back() {
        return "";
    }
    match operation {
        Operation::Delete if entry.request.workflows => {
            "what the deletion's workflows did; fields of other records that changed with it"
        }
        Operation::Delete => "fields of other records that changed with the deletion",
        Operation::Untag => "what workflows did when the tags went",
        Operation::Unlink => "what workflows did; fields of the relation that are not kept here",
        Operation::DeleteTags if remedy.records_left.is_some() => "the tag's old id",
        Operation::DeleteTags => "the tag's old id, and its place on the records that carried it",
        Operation::Restore | Operation::Retag | Operation::Relink | Operation::RecreateTags => "",
    }
}
