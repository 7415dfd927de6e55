//! What a person decided about an entry where no read could: as a message, and as parts of a sentence.

use crate::domain::state::Verdict;
use crate::export::words::day;
use crate::store::query::{EntryView, PersonView};

const SOMEBODY: &str = "somebody";

/// Why, with the ticket; without the full stop that a sentence ends with itself.
fn why(person: &PersonView) -> String {
    let reason = person.reason.as_deref().unwrap_or("(erased)").trim();
    let reason = reason.strip_suffix('.').unwrap_or(reason);
    match &person.ticket {
        Some(ticket) => format!("{reason} ({ticket})"),
        None => reason.to_owned(),
    }
}

/// `decided by Anna: Zoho's audit log shows it (OPS-9)`
pub(super) fn person_in_brief(person: &PersonView) -> String {
    format!("decided by {}: {}", person.settled_by.as_deref().unwrap_or(SOMEBODY), why(person))
}

/// `no read could tell, and Anna decided on 2026-11-23 that our call did it: …`; nothing for an entry that no
/// person settled.
pub(super) fn person_sentence(entry: &EntryView) -> Option<String> {
    let (person, reading, verdict) = entry.person()?;
    let who = person.settled_by.as_deref().unwrap_or(SOMEBODY);
    let that = match verdict {
        Verdict::Done => "our call did it",
        Verdict::Absent => "it was gone, and not because of us",
        Verdict::Failed => "our calls changed nothing",
        Verdict::Pending | Verdict::Undecided => "it stays as it is",
    };
    let on = day(reading.at);
    Some(format!("no read could tell, and {who} decided on {on} that {that}: {}", why(person)))
}
