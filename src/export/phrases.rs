//! How each operation speaks of what it did and of what is left of it, in parts of a sentence.

use crate::domain::evidence::Look;
use crate::domain::evidence::comeback::{ComebackFacts, RetagFacts};
use crate::domain::evidence::presence::{DefinitionFacts, TagFacts, ThingFacts};
use crate::domain::scope::Operation;
use crate::export::undo::{Undo, UndoState, Why};
use crate::store::query::EntryView;

/// So many tags are named in a sentence; a column holds all of them.
const NAMED: usize = 3;

/// What was done: `Deleted`, `Tag "Prime" removed`.
pub(super) fn past(entry: &EntryView) -> String {
    let scope = &entry.scope;
    match scope.operation {
        Operation::Delete => "Deleted".to_owned(),
        Operation::Untag => {
            // What the record carried is what it lost.
            let carried = match entry.snapshot() {
                Some(ThingFacts::Tags(TagFacts { record: Look::Seen(carried), .. })) => {
                    carried.tags
                }
                _ => scope.tags.clone(),
            };
            format!("{} removed", tags(&carried))
        }
        Operation::Unlink => {
            let list = scope.related_list.as_ref().map(|list| format!(" {list}"));
            let list = list.unwrap_or_default();
            let parent = scope.parent.map(|parent| format!(" {parent}")).unwrap_or_default();
            format!("Taken out of the list{list} of the {} record{parent}", scope.module)
        }
        Operation::DeleteTags => match entry.snapshot() {
            Some(ThingFacts::Definition(DefinitionFacts { tag: Look::Seen(tag), .. })) => {
                format!("Tag \"{}\" of {} deleted", tag.name, scope.module)
            }
            _ => format!("Tag of {} deleted", scope.module),
        },
        Operation::Restore => "Restored from the recycle bin".to_owned(),
        Operation::Retag => {
            let missing = match entry.snapshot() {
                Some(ThingFacts::Comeback(ComebackFacts::Tags(RetagFacts {
                    record: Look::Seen(record),
                }))) => record.missing,
                _ => scope.tags.clone(),
            };
            format!("{} put back", tags(&missing))
        }
        Operation::Relink => {
            let list = scope.related_list.as_ref().map(|list| format!(" {list}"));
            let list = list.unwrap_or_default();
            let parent = scope.parent.map(|parent| format!(" {parent}")).unwrap_or_default();
            format!("Put back into the list{list} of the {} record{parent}", scope.module)
        }
        Operation::RecreateTags => format!("Tag of {} made again, with a new id", scope.module),
    }
}

/// `Tags "Prime" and "Hot"`
fn tags(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().take(NAMED).map(|name| format!("\"{name}\"")).collect();
    let rest = names.len().saturating_sub(NAMED);
    match (quoted.as_slice(), rest) {
        ([], _) => "Tags".to_owned(),
        ([only], 0) => format!("Tag {only}"),
        (several, 1..) => format!("Tags {} and {rest} more", several.join(", ")),
        ([first @ .., last], 0) => format!("Tags {} and {last}", first.join(", ")),
    }
}

/// What was read when no answer, or no clear one, had told.
pub(super) const fn seen(operation: Operation) -> &'static str {
    match operation {
        Operation::Delete => "what was read at Zoho shows that this call did it",
        Operation::Untag => {
            "what was read at Zoho shows the tags there before and gone after this call"
        }
        Operation::Unlink => {
            "what was read at Zoho shows it in the list before and gone after this call"
        }
        Operation::DeleteTags => {
            "what was read at Zoho shows the tag there before and gone after this call"
        }
        Operation::Restore => {
            "what was read at Zoho shows it in the recycle bin before and back after this call"
        }
        Operation::Retag => {
            "what was read at Zoho shows the tags missing before and there after this call"
        }
        Operation::Relink => {
            "what was read at Zoho shows it out of the list before and in it after this call"
        }
        Operation::RecreateTags => {
            "what was read at Zoho shows no such tag before and one after this call"
        }
    }
}

fn is_erased(undo: Option<&Undo>) -> bool {
    undo.is_some_and(|undo| undo.why == Why::Erased)
}

fn is_under_way(undo: Option<&Undo>) -> bool {
    undo.is_some_and(|undo| undo.why == Why::UnderWay)
}

/// `it was brought back by E14`
fn brought_back(undo: Option<&Undo>) -> String {
    let by = undo.and_then(|undo| undo.by).map(|by| by.to_string());
    let by = by.as_deref().unwrap_or("a later entry");
    match undo.map(|undo| undo.why) {
        Some(Why::BackAlready) if undo.is_some_and(|undo| undo.by.is_none()) => {
            "somebody else brought it back, as a later look found".to_owned()
        }
        Some(Why::BackAlready) => format!("somebody else brought it back, as {by} found"),
        Some(Why::UnderWay) => format!("{by} is to bring it back"),
        _ => format!("it was brought back by {by}"),
    }
}

/// Whether it can be brought back: `it can be restored until 2027-01-21`.
pub(super) fn back(operation: Operation, undo: Option<&Undo>, until: Option<&str>) -> String {
    let state = undo.map(|undo| undo.state);
    let fixed = match (operation, state, until) {
        (_, Some(UndoState::Possible | UndoState::Partial), until) if is_under_way(undo) => {
            let until = until.map(|until| format!(", which can be done until {until}"));
            return format!("{}{}", brought_back(undo), until.unwrap_or_default());
        }
        (Operation::Delete, Some(UndoState::Possible), Some(until)) => {
            return format!("it can be restored until {until}");
        }
        (Operation::Delete, Some(UndoState::Expired), Some(until)) => {
            return format!("it could be restored until {until}, which has passed");
        }
        (_, Some(UndoState::Undone), _) => return brought_back(undo),
        (Operation::Delete, Some(UndoState::Possible), _) => "it can be restored",
        (Operation::Delete, Some(UndoState::Impossible), Some(until)) if is_erased(undo) => {
            return format!(
                "this journal no longer knows what it was; Zoho's recycle bin keeps it until {until}"
            );
        }
        (_, Some(UndoState::Impossible), _) if is_erased(undo) => {
            "this journal no longer knows what it was"
        }
        (_, Some(UndoState::Impossible), _) if undo.is_some_and(|undo| undo.by.is_some()) => {
            let by = undo.and_then(|undo| undo.by).map(|by| by.to_string()).unwrap_or_default();
            return format!("it cannot be brought back: {by} was to do it, and found nothing");
        }
        (_, Some(UndoState::Possible | UndoState::Partial), _)
            if undo.is_some_and(|undo| undo.why == Why::PartLeft) =>
        {
            "part of it is there again, and the rest can be brought back"
        }
        (Operation::Delete, ..) => "it cannot be restored",
        (Operation::Untag, Some(UndoState::Possible), _) => "what was removed can be put back",
        (Operation::Unlink, Some(UndoState::Possible), _) => "it can be put back into the list",
        (Operation::DeleteTags, Some(UndoState::Partial), _)
            if undo.is_some_and(|undo| undo.why == Why::NewIdOnRecords) =>
        {
            "it can be made again, with a new id, and be put back on the records that carried it"
        }
        (Operation::DeleteTags, Some(UndoState::Partial), _) => {
            "only its definition can be made again, with a new id and on no record"
        }
        (
            Operation::Restore | Operation::Retag | Operation::Relink | Operation::RecreateTags,
            ..,
        ) => "it undid what an earlier entry had done",
        (Operation::Untag | Operation::Unlink | Operation::DeleteTags, ..) => {
            "it cannot be undone, since what was there before was not read"
        }
    };
    fixed.to_owned()
}
