//! What later looks and the entries of an undo tell of a thing that has parts: a record's tags, a tag's records.

use std::collections::{HashMap, HashSet};

use crate::domain::evidence::Look;
use crate::domain::evidence::comeback::RedefinedFacts;
use crate::domain::evidence::presence::{CarriedTags, DefinitionFacts, TagFacts, ThingFacts};
use crate::domain::id::RecordId;
use crate::domain::recheck::Found;
use crate::domain::state::EntryState;
use crate::domain::undo::{Failure, Parts};
use crate::store::query::{EntryView, RecheckView, UndoneBy};

/// What is known of a thing since its call.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Where it was at the newest look.
    pub(super) found: Option<Found>,
    /// How much of it is there again, where it has parts that are known.
    pub(super) parts: Option<Parts>,
    /// Of tags of which some are there again: the others.
    pub(super) tags_left: Option<Vec<String>>,
    /// Of a deleted tag: the records that lack it still.
    pub(super) records_left: Option<Vec<RecordId>>,
}

impl Seen {
    /// What is known of an entry's thing; `before` is what was there before its call.
    pub(super) fn of(entry: &EntryView, before: Option<&ThingFacts>) -> Self {
        let last = entry.rechecks.last();
        let found = last.map(|last| last.found);
        let done = entry.state == EntryState::Done;
        match before.filter(|_| done) {
            Some(ThingFacts::Tags(TagFacts { record: Look::Seen(then), .. })) => {
                Self { found, ..Self::default() }.with_tags(entry, then)
            }
            Some(ThingFacts::Definition(DefinitionFacts {
                tag: Look::Seen(_),
                records: Some(records),
            })) => Self { found, ..Self::default() }.with_records(entry, records),
            _ => Self { found, ..Self::default() },
        }
    }

    /// Of a record's tags all must be there again, else the thing is not back.
    fn with_tags(mut self, entry: &EntryView, then: &CarriedTags) -> Self {
        let Some(now) = entry.rechecks.last().and_then(carried_then) else { return self };
        let left = now.lacking(then.names());
        if left.is_empty() {
            return self;
        }
        self.found = Some(Found::NotSeen);
        let by = entry.undone_by;
        let taken_care_of = by.is_some_and(|by| by.is_back() || by.is_under_way());
        let gone = failure(entry) == Some(Failure::Gone);
        let all = then.names().len();
        if left.len() < all && !taken_care_of && !gone {
            let number = |many| u64::try_from(many).unwrap_or(u64::MAX);
            let back = number(all - left.len());
            self.parts = Some(Parts { back, under_way: 0, left: number(left.len()) });
            self.tags_left = Some(left);
        }
        self
    }

    /// A deleted tag is back once it is defined, and on every record that carried it and can have it again.
    fn with_records(mut self, entry: &EntryView, records: &[RecordId]) -> Self {
        let look = entry.rechecks.last().and_then(|last| Some((last, redefined(last)?)));
        let defined = look.as_ref().is_some_and(|(_, facts)| matches!(facts.tag, Look::Seen(_)));
        if defined {
            self.found = Some(Found::Back);
        }
        let lacking: Option<HashSet<RecordId>> = look
            .as_ref()
            .filter(|_| defined)
            .and_then(|(_, facts)| facts.lacking.as_ref())
            .map(|lacking| lacking.iter().copied().collect());
        let since = look.as_ref().map(|(last, _)| last.reading.number);
        let by: HashMap<RecordId, UndoneBy> =
            entry.put_back.iter().map(|one| (one.record, one.by)).collect();
        let (mut parts, mut left) = (Parts::default(), Vec::new());
        for record in records {
            let by = by.get(record);
            let seen_back = lacking.as_ref().is_some_and(|lacking| !lacking.contains(record));
            let gone = by.is_some_and(|by| is_gone(*by, since));
            if gone && !seen_back {
                continue;
            }
            if seen_back || by.is_some_and(|by| by.is_back()) {
                parts.back += 1;
            } else if by.is_some_and(|by| by.is_under_way()) {
                parts.under_way += 1;
            } else {
                parts.left += 1;
                left.push(*record);
            }
        }
        self.parts = Some(parts);
        self.records_left = Some(left);
        self
    }
}

/// Whether what an entry was to bring back, or what that belongs to, was found to be nowhere, and not seen since.
fn is_gone(by: UndoneBy, since: Option<i64>) -> bool {
    let newer = |reading| since.is_none_or(|since| since < reading);
    by.failed.is_some_and(|failed| failed.why == Failure::Gone && newer(failed.reading))
}

/// Why the entry failed that was to bring this one's thing back, unless a later look says more.
pub(super) fn failure(entry: &EntryView) -> Option<Failure> {
    let by = entry.undone_by?;
    let since = entry.rechecks.last().map(|last| last.reading.number);
    let why = by.failed?.why;
    (why != Failure::Gone || is_gone(by, since)).then_some(why)
}

fn carried_then(last: &RecheckView) -> Option<CarriedTags> {
    let facts: TagFacts = serde_json::from_str(last.facts.as_ref()?).ok()?;
    if let Look::Seen(carried) = facts.record { Some(carried) } else { None }
}

/// What a look found of a tag that was made again; nothing where it was not.
fn redefined(last: &RecheckView) -> Option<RedefinedFacts> {
    serde_json::from_str(last.facts.as_ref()?).ok()
}
