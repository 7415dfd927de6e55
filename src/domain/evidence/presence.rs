//! Tags and relations: they bear no date and no name of who took them away, so what a read shows now is
//! compared with what the newest snapshot showed before our call.

use serde::{Deserialize, Serialize};

use crate::domain::evidence::comeback::{BinFacts, ComebackFacts, waits_for_others};
use crate::domain::evidence::deletion::SeenRecord;
use crate::domain::evidence::{
    Decision, History, JobOver, Look, Source, UNDECIDED, settle, unless_under_way, untouched,
};
use crate::domain::id::RecordId;
use crate::domain::scope::TagSet;
use crate::domain::state::Verdict;
use crate::domain::time::Timestamp;

/// Which of the tags in question a record carries, as Zoho spells them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedTags {
    /// Their names.
    pub tags: Vec<String>,
    /// Names that differ from those in question by capitals only: whether Zoho takes them for the same tags
    /// is documented nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub similar: Vec<String>,
    /// `Modified_Time`.
    pub modified: Option<Timestamp>,
}

impl CarriedTags {
    /// Of all tags that a record carries, those in question.
    pub fn of(asked: &TagSet, carried: &[String], modified: Option<Timestamp>) -> Self {
        let is = |one: &&String| asked.names().iter().any(|name| name.as_str() == one.as_str());
        let may_be = |one: &&String| asked.names().iter().any(|name| name.may_be(one));
        let tags = carried.iter().filter(is).cloned().collect();
        let similar = carried.iter().filter(|one| may_be(one) && !is(one)).cloned().collect();
        Self { tags, similar, modified }
    }

    /// The tags that it carries, as Zoho spells them: other spellings count where none of the very tags is there.
    pub fn names(&self) -> &[String] {
        if self.tags.is_empty() { &self.similar } else { &self.tags }
    }

    /// Those of some names that it does not carry.
    pub fn lacking(&self, names: &[String]) -> Vec<String> {
        let lacks = |name: &&String| !self.tags.contains(name) && !self.similar.contains(name);
        names.iter().filter(lacks).cloned().collect()
    }

    /// How many of the tags in question it carries. Other spellings count only where none of these was there
    /// before: else they are tags of their own.
    fn left(&self, exact: bool) -> usize {
        if exact { self.tags.len() } else { self.tags.len() + self.similar.len() }
    }
}

/// What was read about a record that is to lose tags.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TagFacts {
    /// The record; not there when it cannot be read.
    pub record: Look<CarriedTags>,
    /// Whether the tags in question are still defined in the module; asked for only where they are gone from
    /// the record after a call that may have been carried out.
    #[serde(default, skip_serializing_if = "Look::is_not_asked")]
    pub defined: Look<bool>,
}

/// Whether a record stands in a related list, with what a relation holds of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Membership {
    /// Whether it stands there.
    pub member: bool,
    /// `Member_Status`, of a campaign's members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_status: Option<String>,
    /// `list_price`, of a product in a price book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_price: Option<String>,
}

/// What was read about a relation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RelationFacts {
    /// The parent's related list; not there when the parent cannot be read.
    pub list: Look<Membership>,
    /// The related record itself, asked for only where it does not stand in the list.
    #[serde(default)]
    pub related: Look<SeenRecord>,
}

/// A tag's definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenTag {
    /// Its name.
    pub name: String,
    /// Its colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

/// What was read about a tag's definition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DefinitionFacts {
    /// The tag, in the list of its module's tags.
    pub tag: Look<SeenTag>,
    /// The records that carried it, where these were to be read before it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<RecordId>>,
}

/// What was read about an entry, whatever it is. As JSON, this is what is kept of the reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThingFacts {
    /// A record's tags.
    Tags(TagFacts),
    /// A relation.
    Relation(RelationFacts),
    /// A tag's definition.
    Definition(DefinitionFacts),
    /// Something that is to come back: what is missing takes the thing's place.
    Comeback(ComebackFacts),
}

/// Whether the thing is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is there, or some of it.
    There {
        /// When it, or what holds it, was changed last.
        modified: Option<Timestamp>,
        /// How many parts of it are left: tags; 1 of all else.
        left: usize,
    },
    /// It is not there, and what would hold it is.
    Gone,
    /// What would hold it cannot be read: nothing is said about the thing.
    NoHolder,
}

/// What the newest snapshot showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// None was made.
    NotRead,
    /// It was there.
    There {
        /// When it, or what holds it, had been changed last.
        modified: Option<Timestamp>,
        /// How many parts of it there were.
        parts: usize,
        /// Whether these are the very tags in question, and not other spellings of them.
        exact: bool,
    },
    /// It was not there.
    NotThere,
}

impl ThingFacts {
    /// As JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Tags(facts) => serde_json::to_string(facts),
            Self::Relation(facts) => serde_json::to_string(facts),
            Self::Definition(facts) => serde_json::to_string(facts),
            Self::Comeback(facts) => facts.json(),
        }
    }

    /// Where it is to be read next, whether it is there, or why nothing is known. `exact` where the snapshot showed
    /// the very tags in question: then other spellings of them are other tags.
    pub(crate) fn presence(&self, exact: bool) -> Look<Presence> {
        match self {
            Self::Tags(facts) => holder(&facts.record, |carried| match carried.left(exact) {
                0 => Presence::Gone,
                left => Presence::There { modified: carried.modified, left },
            }),
            Self::Relation(facts) => holder(&facts.list, |one| {
                if one.member {
                    Presence::There { modified: None, left: 1 }
                } else {
                    Presence::Gone
                }
            }),
            // The list of a module's tags is whole: what it lacks is gone.
            Self::Definition(facts) if facts.tag == Look::NotThere => Look::Seen(Presence::Gone),
            Self::Definition(facts) => {
                holder(&facts.tag, |_| Presence::There { modified: None, left: 1 })
            }
            Self::Comeback(facts) => facts.missing(),
        }
    }

    /// What a snapshot with these facts says about the time before our call.
    pub fn before(&self) -> Before {
        let exact = match self {
            Self::Tags(TagFacts { record: Look::Seen(carried), .. }) => !carried.tags.is_empty(),
            Self::Tags(_) | Self::Relation(_) | Self::Definition(_) | Self::Comeback(_) => true,
        };
        match self.presence(exact) {
            Look::Seen(Presence::There { modified, left }) => {
                Before::There { modified, parts: left, exact }
            }
            Look::Seen(Presence::Gone | Presence::NoHolder) => Before::NotThere,
            // Where the bin may not be read, the record's own place tells that it is missing, and not since when.
            Look::Closed if self.lacks_its_record() => {
                Before::There { modified: None, parts: 1, exact }
            }
            Look::NotAsked | Look::NotThere | Look::Closed | Look::Silent => Before::NotRead,
        }
    }

    fn lacks_its_record(&self) -> bool {
        matches!(
            self,
            Self::Comeback(ComebackFacts::Record(BinFacts { record: Look::NotThere, .. }))
        )
    }

    /// Whether a read before a call shows that there is nothing to do: the thing is not there, and
    /// what it would belong to is. `by_job` where tags are deleted by jobs.
    pub fn never_there(&self, by_job: bool) -> bool {
        match self {
            Self::Tags(_) => self.presence(false) == Look::Seen(Presence::Gone),
            // An id that Zoho never knew is Zoho's to refuse.
            Self::Relation(facts) => {
                self.presence(true) == Look::Seen(Presence::Gone)
                    && matches!(facts.related, Look::Seen(_))
            }
            // The same, where the call names the module. The call for one tag does not: what is another module's
            // tag would be deleted there.
            Self::Definition(facts) => facts.tag == Look::NotThere && !by_job,
            Self::Comeback(facts) => facts.missing() == Look::Seen(Presence::Gone),
        }
    }

    /// Whether it was seen to be gone. Whoever brings it back later does not undo that.
    pub fn show_it_gone(&self) -> bool {
        self.presence(true) == Look::Seen(Presence::Gone)
    }

    /// Whether what would hold it cannot be read; of a record, whether it is neither there nor in the recycle bin.
    pub fn lacks_holder(&self) -> bool {
        self.presence(true) == Look::Seen(Presence::NoHolder)
    }

    /// Whether such a thing makes Zoho refuse a whole call: it goes alone.
    pub fn goes_alone(&self) -> bool {
        matches!(self, Self::Definition(DefinitionFacts { tag: Look::NotThere, .. }))
    }

    /// Whether it was seen to be there.
    pub fn is_there(&self) -> bool {
        matches!(self.presence(false), Look::Seen(Presence::There { .. }))
    }

    /// Whether something that Zoho refused and that is not there was gone before our call. Else it was never
    /// known.
    fn was_known(&self) -> bool {
        match self {
            Self::Tags(_) | Self::Comeback(_) => true,
            Self::Relation(facts) => matches!(facts.related, Look::Seen(_)),
            Self::Definition(_) => false,
        }
    }
}

/// What a look at the holder says about the thing.
pub(super) fn holder<T>(look: &Look<T>, seen: impl FnOnce(&T) -> Presence) -> Look<Presence> {
    match look {
        Look::NotAsked => Look::NotAsked,
        Look::NotThere => Look::Seen(Presence::NoHolder),
        Look::Seen(holder) => Look::Seen(seen(holder)),
        Look::Closed => Look::Closed,
        Look::Silent => Look::Silent,
    }
}

/// The evidence rule for tags and relations.
pub fn decide(history: &History, before: Before, facts: &ThingFacts) -> Decision {
    unless_under_way(history, by_what_is_seen(history, before, facts))
}

fn by_what_is_seen(history: &History, before: Before, facts: &ThingFacts) -> Decision {
    let exact = matches!(before, Before::There { exact: true, .. });
    match facts.presence(exact) {
        Look::NotAsked => Decision::Ask(match facts {
            ThingFacts::Tags(_) => Source::RecordTags,
            ThingFacts::Relation(_) => Source::RelatedList,
            ThingFacts::Definition(_) => Source::ModuleTags,
            ThingFacts::Comeback(_) => Source::Record,
        }),
        Look::Silent => Decision::Later,
        Look::Closed | Look::NotThere => {
            unseen(history, "it cannot be read: the source is closed to us")
        }
        // Neither was it there before: our call cannot have done anything.
        Look::Seen(Presence::NoHolder) if before == Before::NotThere => never(history),
        Look::Seen(Presence::NoHolder) => {
            unseen(history, "the record that it belongs to cannot be read")
        }
        Look::Seen(Presence::Gone) => gone(history, before, facts),
        Look::Seen(Presence::There { modified, left }) => {
            there(history, before, facts, modified, left)
        }
    }
}

/// It was not there before our call and is not there now: Zoho's own word is asked for again.
fn never(history: &History) -> Decision {
    if history.first_live().is_none() {
        let code = history.refusal.as_deref().unwrap_or_default();
        return settle(Verdict::Failed, code, "Zoho refused our call, and no source knows it");
    }
    if !history.quarantine_over {
        return Decision::Wait;
    }
    untouched(history, "it was not there before our call and is not there now")
}

/// Nothing was read that speaks of it.
fn unseen(history: &History, why: &'static str) -> Decision {
    match &history.refusal {
        Some(code) if history.open.is_empty() => settle(
            Verdict::Failed,
            code,
            "Zoho refused our call, and what it was about cannot be read",
        ),
        _ if !history.quarantine_over => Decision::Wait,
        _ => settle(Verdict::Undecided, UNDECIDED, why),
    }
}

/// It is not there.
fn gone(history: &History, before: Before, facts: &ThingFacts) -> Decision {
    let was_there = matches!(before, Before::There { .. });
    if history.removed_meanwhile {
        return settle(Verdict::Absent, "", "another entry of this journal had removed it");
    }
    if history.open.is_empty() {
        let code = history.refusal.as_deref().unwrap_or_default();
        return if was_there {
            settle(
                Verdict::Undecided,
                UNDECIDED,
                "it was there right before our call, which Zoho refused, and is gone: by somebody else, or by \
                 our call, if it was delivered twice",
            )
        } else if facts.was_known() {
            settle(Verdict::Absent, code, "Zoho refused our call, and it was gone before it")
        } else {
            settle(Verdict::Failed, code, "Zoho refused our call, and no source knows it")
        };
    }
    match history.job {
        // A job is accepted only when all of its tags are there.
        Some(JobOver::Explains) => {
            return settle(Verdict::Done, "", "it is gone, and Zoho's job for it is over");
        }
        Some(JobOver::DoesNot) => {
            return settle(
                Verdict::Undecided,
                UNDECIDED,
                "it is gone, but more is gone than Zoho's job says that it deleted",
            );
        }
        None => {}
    }
    if history.may_be_lost() {
        return settle(
            Verdict::Undecided,
            UNDECIDED,
            "it is not there, and a part of the log was lost that may have taken it away: nothing tells",
        );
    }
    // Evidence of an earlier call showed it there, where no snapshot did.
    let seen_since = before == Before::NotRead && history.open.iter().any(|one| one.closed);
    if was_there || seen_since {
        return by_our_call(facts);
    }
    if before == Before::NotThere {
        return never(history);
    }
    settle(
        Verdict::Undecided,
        UNDECIDED,
        "it is not there, and nothing tells whether it was before",
    )
}

/// It was there, and is gone after a call that may have been carried out. What went together with something
/// larger was not taken away by us.
fn by_our_call(facts: &ThingFacts) -> Decision {
    match facts {
        ThingFacts::Relation(RelationFacts { related: Look::NotThere, .. }) => settle(
            Verdict::Undecided,
            UNDECIDED,
            "the relation is gone, and so is the related record: either may have gone first",
        ),
        ThingFacts::Tags(TagFacts { defined: Look::NotAsked, .. }) => {
            Decision::Ask(Source::ModuleTags)
        }
        ThingFacts::Tags(TagFacts { defined: Look::Silent, .. }) => Decision::Later,
        ThingFacts::Tags(TagFacts { defined: Look::Seen(false), .. }) => settle(
            Verdict::Undecided,
            UNDECIDED,
            "the tags are gone from the record, and so is one of them from the module: either may have gone \
             first",
        ),
        ThingFacts::Tags(_)
        | ThingFacts::Relation(_)
        | ThingFacts::Definition(_)
        | ThingFacts::Comeback(_) => settle(
            Verdict::Done,
            "",
            "it was there before our call and is gone after a call that may have been carried out",
        ),
    }
}

/// It is there, or part of it.
fn there(
    history: &History,
    before: Before,
    facts: &ThingFacts,
    modified: Option<Timestamp>,
    left: usize,
) -> Decision {
    let Some(first) = history.first_live() else {
        let code = history.refusal.as_deref().unwrap_or_default();
        if waits_for_others(history) {
            return settle(Verdict::Pending, code, "what it belongs to must come back first");
        }
        return settle(Verdict::Failed, code, "Zoho refused our call and it is still there");
    };
    if history.job.is_some() {
        return settle(Verdict::Failed, "FAILED", "Zoho's job is over and it is still there");
    }
    if let ThingFacts::Tags(TagFacts { record: Look::Seen(carried), .. }) = facts
        && carried.tags.is_empty()
        && history.open.iter().all(|one| one.code == "SUCCESS")
    {
        return settle(
            Verdict::Absent,
            "",
            "the record carries only another spelling of the tag, which Zoho left there",
        );
    }
    if !history.quarantine_over {
        return Decision::Wait;
    }
    // Changed after our call left, with all of it there: that may be somebody's undoing of our call. What the
    // snapshot showed tells it apart from a change right before.
    let (before, parts) = match before {
        Before::There { modified, parts, .. } => (modified, parts),
        Before::NotRead | Before::NotThere => (None, 0),
    };
    let changed = modified.is_some_and(|at| at >= first.from) && modified != before;
    if changed && left >= parts {
        return settle(
            Verdict::Undecided,
            UNDECIDED,
            "it is there, but the record was changed after our call: perhaps somebody put it back",
        );
    }
    untouched(history, "it is still there: our call changed nothing, or not all")
}

#[cfg(test)]
#[path = "presence_tests.rs"]
mod tests;
