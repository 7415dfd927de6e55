//! What was read of tags and relations, as text: in brief for a column, in a sentence for a person.

use crate::domain::codes::asks;
use crate::domain::evidence::Look;
use crate::domain::evidence::presence::{
    DefinitionFacts, Membership, RelationFacts, TagFacts, ThingFacts,
};
use crate::domain::scope::Operation;
use crate::domain::state::Verdict;

/// When something was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before the first call.
    Before,
    /// After a call, to find out.
    After,
}

/// What was read of a tag or a relation, in few words: `tags left: Prime`, `not in the list`, `tag there`.
pub(super) fn things_in_brief(facts: &ThingFacts, moment: Moment) -> String {
    if moment == Moment::Before && facts.never_there(false) {
        return "not there".to_owned();
    }
    match facts {
        ThingFacts::Tags(TagFacts { record, defined: facts_defined }) => {
            let Look::Seen(carried) = record else { return unseen("record", record) };
            let what = if moment == Moment::Before { "tags there" } else { "tags left" };
            let tags = listed(&carried.tags);
            let similar = match carried.similar.as_slice() {
                [] => String::new(),
                names => format!(", spelt otherwise: {}", names.join(", ")),
            };
            let modified = carried.modified.map(|at| format!(", record modified {at}"));
            let defined = match facts_defined {
                Look::Seen(false) => ", one of them not defined in the module any more",
                Look::Seen(true)
                | Look::NotAsked
                | Look::NotThere
                | Look::Closed
                | Look::Silent => "",
            };
            format!("{what}: {tags}{similar}{}{defined}", modified.unwrap_or_default())
        }
        ThingFacts::Relation(RelationFacts { list, related }) => match list {
            Look::Seen(membership) if membership.member => member(membership),
            Look::Seen(_) => {
                let related = match related {
                    Look::NotAsked => "",
                    Look::Seen(_) => ", the record is there",
                    Look::NotThere => ", no such record",
                    Look::Closed => ", the record closed to us",
                    Look::Silent => ", the record gave no answer",
                };
                format!("not in the list{related}")
            }
            Look::NotAsked | Look::NotThere | Look::Closed | Look::Silent => {
                unseen("the record with the list", list)
            }
        },
        ThingFacts::Definition(DefinitionFacts { tag }) => {
            let Look::Seen(tag) = tag else { return unseen("tag", tag) };
            let color = tag.color.as_ref().map(|color| format!(", colour {color}"));
            format!("tag there: {}{}", tag.name, color.unwrap_or_default())
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// `in the list, Member_Status Active`
fn member(membership: &Membership) -> String {
    let fields =
        [("Member_Status", &membership.member_status), ("list_price", &membership.list_price)];
    let told = fields
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| format!(", {name} {value}")));
    format!("in the list{}", told.collect::<String>())
}

fn unseen<T>(what: &str, look: &Look<T>) -> String {
    let how = match look {
        Look::NotAsked => "not asked for",
        Look::NotThere | Look::Seen(_) => "not there",
        Look::Closed => "closed to us",
        Look::Silent => "gave no answer",
    };
    format!("{what} {how}")
}

/// How each operation speaks of what it takes away.
struct Words {
    /// It is there after a call.
    there: &'static str,
    /// It is not there after a call.
    gone: &'static str,
    /// It was there before the first call; follows on `gone`.
    before: &'static str,
    /// What would have to be read.
    source: &'static str,
    /// What holds it cannot be read.
    no_holder: &'static str,
    /// It was not there when it was read before the first call.
    never: &'static str,
}

const fn words(operation: Operation) -> Words {
    match operation {
        // What is said of deletions follows from other reads.
        Operation::Delete | Operation::Untag => Words {
            there: "the record still carries tags that were to go",
            gone: "the record carries none of the tags",
            before: "it did before our first call",
            source: "the tags of the record",
            no_holder: "the record cannot be read, so nothing tells what became of its tags",
            never: "the record carried none of the tags",
        },
        Operation::Unlink => Words {
            there: "the record is still in the list",
            gone: "the record is not in the list",
            before: "it was before our first call",
            source: "the list",
            no_holder: "the record whose list it is cannot be read",
            never: "the record was not in the list",
        },
        Operation::DeleteTags => Words {
            there: "the tag is still there",
            gone: "the tag is not there",
            before: "it was before our first call",
            source: "the list of tags",
            no_holder: "the list of tags cannot be read",
            never: "the tag was not there",
        },
    }
}

/// A snapshot that settled an entry, in words; `on` says when, as in ` on 2026-11-22,`.
pub(super) fn never_there_sentence(operation: Operation, on: &str) -> String {
    format!("{} when it was read{on} before anything was sent", words(operation).never)
}

/// What evidence was read of a tag or a relation, and how it stands with the calls for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ThingEvidence<'a> {
    /// What was to be done.
    pub(super) operation: Operation,
    /// What follows.
    pub(super) verdict: Verdict,
    /// The evidence's own code.
    pub(super) code: &'a str,
    /// What was read; `None` once erased.
    pub(super) facts: Option<&'a ThingFacts>,
    /// Whether the last call was a job that Zoho accepted.
    pub(super) job: bool,
}

/// What follows from evidence about a tag or a relation, in words.
pub(super) fn thing_sentence(evidence: ThingEvidence<'_>) -> String {
    let ThingEvidence { operation, verdict, code, facts, job } = evidence;
    let Words { there, gone, before, source, no_holder, .. } = words(operation);
    let refused = asks(operation, code);
    let left = facts.map(is_there);
    match (verdict, left) {
        (Verdict::Done, _) if job => format!("{gone}, and Zoho's job for it is over"),
        (Verdict::Done, _) => {
            format!("{gone}; {before}, and a call of ours may have been carried out in between")
        }
        (Verdict::Absent, _) if refused => {
            format!("Zoho refused our call, and {gone}: that was so before it")
        }
        (Verdict::Absent, _) => format!("{gone}: that was so before our call"),
        (Verdict::Failed, _) if job => format!("Zoho's job is over, and {there}"),
        (Verdict::Failed, Some(Presence::There)) if refused => {
            format!("Zoho refused our call, and {there}")
        }
        (Verdict::Failed, Some(Presence::Gone)) if refused => {
            format!("Zoho refused our call, {gone}, and nothing that was read knows of it")
        }
        (Verdict::Failed, _) if refused => {
            format!("Zoho refused our call, and {source} cannot be read")
        }
        (Verdict::Failed | Verdict::Pending, _) => {
            format!("{there}: our call changed nothing, or not all")
        }
        (Verdict::Undecided, Some(Presence::There)) => {
            format!(
                "{there}, but the record was changed after our call: perhaps somebody put it back"
            )
        }
        (Verdict::Undecided, Some(Presence::Gone)) => {
            format!("{gone}, and nothing tells whether it was so before our call")
        }
        (Verdict::Undecided, Some(Presence::NoHolder)) => no_holder.to_owned(),
        (Verdict::Undecided, _) => format!("{source} cannot be read: the source is closed to us"),
    }
}

/// What a read says about the thing itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    There,
    Gone,
    /// What would hold it cannot be read.
    NoHolder,
    /// Nothing was read.
    Unread,
}

fn is_there(facts: &ThingFacts) -> Presence {
    let held = |there: bool| if there { Presence::There } else { Presence::Gone };
    match facts {
        ThingFacts::Tags(TagFacts { record: Look::Seen(carried), .. }) => {
            held(!carried.tags.is_empty() || !carried.similar.is_empty())
        }
        ThingFacts::Relation(RelationFacts { list: Look::Seen(membership), .. }) => {
            held(membership.member)
        }
        ThingFacts::Definition(DefinitionFacts { tag: Look::Seen(_) }) => Presence::There,
        ThingFacts::Definition(DefinitionFacts { tag: Look::NotThere }) => Presence::Gone,
        ThingFacts::Tags(TagFacts { record: Look::NotThere, .. })
        | ThingFacts::Relation(RelationFacts { list: Look::NotThere, .. }) => Presence::NoHolder,
        ThingFacts::Tags(_) | ThingFacts::Relation(_) | ThingFacts::Definition(_) => {
            Presence::Unread
        }
    }
}
