//! What is to come back: records from the recycle bin, tags on records, relations, definitions of tags.
//!
//! The rule is that of [`super::presence`], seen from the other side: the thing that a call takes away is what is
//! missing. It is there while something is missing, and gone once nothing is.

use serde::{Deserialize, Serialize};

use crate::domain::evidence::deletion::{SeenDeleted, SeenRecord};
use crate::domain::evidence::presence::{Presence, RelationFacts, SeenTag, holder};
use crate::domain::evidence::{History, Look, MAX_TRIES};
use crate::domain::id::RecordId;
use crate::domain::scope::TagSet;
use crate::domain::time::Timestamp;

/// What was read about a record that is to come back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BinFacts {
    /// The record itself.
    pub record: Look<SeenRecord>,
    /// The recycle bin, asked by id where the record cannot be read.
    #[serde(default, skip_serializing_if = "Look::is_not_asked")]
    pub bin: Look<SeenDeleted>,
}

/// Which of the tags that are to come back a record lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingTags {
    /// Their names, as they are to come back.
    pub missing: Vec<String>,
    /// `Modified_Time`.
    pub modified: Option<Timestamp>,
}

impl MissingTags {
    /// Of the tags that are to come back, those that are not among what a record carries. Another spelling is
    /// another tag until Zoho says otherwise.
    pub fn of(wanted: &TagSet, carried: &[String], modified: Option<Timestamp>) -> Self {
        let lacks = |name: &str| carried.iter().all(|one| one != name);
        let names = wanted.names().iter().map(ToString::to_string);
        Self { missing: names.filter(|name| lacks(name)).collect(), modified }
    }
}

/// What was read about a record that is to get tags back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RetagFacts {
    /// The record; not there when it cannot be read.
    pub record: Look<MissingTags>,
}

/// What was read about a tag that is to be defined anew.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RedefinedFacts {
    /// A tag of the same name, in the list of its module's tags.
    pub tag: Look<SeenTag>,
    /// The id that it bears now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Of a later look: those of the records that carried the deleted tag that are there without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacking: Option<Vec<RecordId>>,
}

/// What was read about something that is to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComebackFacts {
    /// A deleted record.
    Record(BinFacts),
    /// Tags of a record.
    Tags(RetagFacts),
    /// A relation.
    Relation(RelationFacts),
    /// A tag's definition.
    Definition(RedefinedFacts),
}

impl ComebackFacts {
    /// As JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Record(facts) => serde_json::to_string(facts),
            Self::Tags(facts) => serde_json::to_string(facts),
            Self::Relation(facts) => serde_json::to_string(facts),
            Self::Definition(facts) => serde_json::to_string(facts),
        }
    }

    /// Whether something is missing still.
    pub(crate) fn missing(&self) -> Look<Presence> {
        let missing = |modified, left| Presence::There { modified, left };
        match self {
            Self::Record(facts) => facts.missing(),
            Self::Tags(facts) => holder(&facts.record, |record| match record.missing.len() {
                0 => Presence::Gone,
                left => missing(record.modified, left),
            }),
            // A relation between records of which one is gone cannot come back.
            Self::Relation(facts) => holder(&facts.list, |one| match facts.related {
                _ if one.member => Presence::Gone,
                Look::NotThere => Presence::NoHolder,
                Look::NotAsked | Look::Seen(_) | Look::Closed | Look::Silent => missing(None, 1),
            }),
            Self::Definition(facts) if facts.tag == Look::NotThere => Look::Seen(missing(None, 1)),
            Self::Definition(facts) => holder(&facts.tag, |_| Presence::Gone),
        }
    }
}

impl BinFacts {
    fn missing(&self) -> Look<Presence> {
        match (&self.record, &self.bin) {
            (Look::Seen(_), _) => Look::Seen(Presence::Gone),
            (Look::NotAsked, _) => Look::NotAsked,
            (Look::Silent, _) | (_, Look::Silent) => Look::Silent,
            // When it was deleted stands for when it was changed: a later time is another deletion.
            (_, Look::Seen(deletion)) => {
                Look::Seen(Presence::There { modified: deletion.at, left: 1 })
            }
            // Purged, or never known.
            (Look::NotThere, Look::NotThere) => Look::Seen(Presence::NoHolder),
            (Look::NotThere, Look::NotAsked) => Look::NotAsked,
            (Look::NotThere | Look::Closed, Look::Closed) | (Look::Closed, _) => Look::Closed,
        }
    }
}

/// The code of a record that cannot come back before another one (OAS `recycle_bin.json`).
pub(crate) const WITHOUT_PARENT: &str = "CANNOT_RESTORE_WITHOUT_PARENT";

/// Whether a refusal passes as soon as other entries of the same run have come back.
pub(crate) fn waits_for_others(history: &History) -> bool {
    history.refusal.as_deref() == Some(WITHOUT_PARENT) && history.tries < MAX_TRIES
}

#[cfg(test)]
#[path = "comeback_tests.rs"]
mod tests;
