//! What was read of tags and relations, as text: in brief for a column, in a sentence for a person.

use crate::domain::codes::asks;
use crate::domain::evidence::Look;
use crate::domain::evidence::comeback::{BinFacts, ComebackFacts, RedefinedFacts, RetagFacts};
use crate::domain::evidence::presence::{
    Before, DefinitionFacts, Membership, Presence, RelationFacts, TagFacts, ThingFacts,
};
use crate::domain::scope::Operation;
use crate::domain::state::Verdict;

/// When something was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before a call.
    Before,
    /// After a call, to find out.
    After,
}

/// What was read of a tag or a relation, in few words: `tags left: Prime`, `not in the list`, `tag there`.
pub(super) fn things_in_brief(facts: &ThingFacts, moment: Moment) -> String {
    let comeback = matches!(facts, ThingFacts::Comeback(_));
    if moment == Moment::Before && !comeback && facts.never_there(false) {
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
        ThingFacts::Definition(DefinitionFacts { tag, records }) => {
            let Look::Seen(tag) = tag else { return unseen("tag", tag) };
            let color = tag.color.as_ref().map(|color| format!(", colour {color}"));
            let records = match records.as_deref() {
                None => String::new(),
                Some([_]) => ", on 1 record".to_owned(),
                Some(records) => format!(", on {} records", records.len()),
            };
            format!("tag there: {}{}{records}", tag.name, color.unwrap_or_default())
        }
        ThingFacts::Comeback(facts) => comeback_in_brief(facts),
    }
}

/// The same of what is to come back.
fn comeback_in_brief(facts: &ComebackFacts) -> String {
    match facts {
        ComebackFacts::Record(BinFacts { record: Look::Seen(_), .. }) => "record there".to_owned(),
        ComebackFacts::Record(BinFacts { bin: Look::Seen(deletion), .. }) => {
            let at = deletion.at.map(|at| format!(", deleted {at}")).unwrap_or_default();
            format!("in the recycle bin{at}")
        }
        ComebackFacts::Record(BinFacts { record: Look::NotThere, bin: Look::NotThere }) => {
            "neither there nor in the recycle bin".to_owned()
        }
        ComebackFacts::Record(BinFacts { record: Look::NotThere, bin }) => {
            unseen("record not there, recycle bin", bin)
        }
        ComebackFacts::Record(BinFacts { record, .. }) => unseen("record", record),
        ComebackFacts::Tags(RetagFacts { record }) => {
            let Look::Seen(lacking) = record else { return unseen("record", record) };
            let modified = lacking.modified.map(|at| format!(", record modified {at}"));
            format!("tags missing: {}{}", listed(&lacking.missing), modified.unwrap_or_default())
        }
        ComebackFacts::Relation(facts) => {
            things_in_brief(&ThingFacts::Relation(facts.clone()), Moment::After)
        }
        ComebackFacts::Definition(RedefinedFacts { tag: Look::Seen(tag), id, lacking }) => {
            let id = id.as_ref().map(|id| format!(", id {id}")).unwrap_or_default();
            let lacking = match lacking.as_deref() {
                None | Some([]) => String::new(),
                Some([_]) => ", missing on 1 record".to_owned(),
                Some(records) => format!(", missing on {} records", records.len()),
            };
            format!("tag there: {}{id}{lacking}", tag.name)
        }
        ComebackFacts::Definition(RedefinedFacts { tag: Look::NotThere, .. }) => {
            "no tag of that name".to_owned()
        }
        ComebackFacts::Definition(RedefinedFacts { tag, .. }) => unseen("tags", tag),
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
    /// It was there before the call; follows on `gone`.
    before: &'static str,
    /// What would have to be read.
    source: &'static str,
    /// What holds it.
    holder: &'static str,
    /// What holds it could not be read before the call; follows on `gone`.
    unread_before: &'static str,
    /// It was not there when it was read before the call.
    never: &'static str,
}

const fn words(operation: Operation) -> Words {
    match operation {
        // What is said of deletions follows from other reads.
        Operation::Delete | Operation::Untag => Words {
            there: "the record still carries tags that were to go",
            gone: "the record carries none of the tags",
            before: "it did before our call",
            source: "the tags of the record",
            holder: "the record",
            unread_before: "it could not be read before our call",
            never: "the record carried none of the tags",
        },
        Operation::Unlink => Words {
            there: "the record is still in the list",
            gone: "the record is not in the list",
            before: "it was before our call",
            source: "the list",
            holder: "the record whose list it is",
            unread_before: "the record whose list it is could not be read before our call",
            never: "the record was not in the list",
        },
        Operation::DeleteTags => Words {
            there: "the tag is still there",
            gone: "the tag is not there",
            before: "it was before our call",
            source: "the list of tags",
            holder: "the list of tags",
            unread_before: "the list of tags could not be read before our call",
            never: "the tag was not there",
        },
        Operation::Restore => Words {
            there: "the record still lies in the recycle bin",
            gone: "the record is back",
            before: "it lay in the recycle bin before our call",
            source: "the recycle bin",
            holder: "the record",
            unread_before: "it was neither there nor in the recycle bin before our call",
            never: "the record was there already",
        },
        Operation::Retag => Words {
            there: "the record still lacks tags that were to come back",
            gone: "the record carries all of the tags",
            before: "it did not before our call",
            source: "the tags of the record",
            holder: "the record",
            unread_before: "it could not be read before our call",
            never: "the record carried all of the tags already",
        },
        Operation::Relink => Words {
            there: "the record is still not in the list",
            gone: "the record is in the list",
            before: "it was not before our call",
            source: "the list",
            holder: "one of the two records",
            unread_before: "one of the two records could not be read before our call",
            never: "the record was in the list already",
        },
        Operation::RecreateTags => Words {
            there: "no tag of that name is there",
            gone: "a tag of that name is there",
            before: "there was none before our call",
            source: "the list of tags",
            holder: "the list of tags",
            unread_before: "the list of tags could not be read before our call",
            never: "a tag of that name was there already",
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
    /// What the newest snapshot showed; `None` without one, or once erased.
    pub(super) snapshot: Option<&'a ThingFacts>,
    /// Whether evidence about an earlier call showed it to be there.
    pub(super) seen_since: bool,
    /// What was read; `None` once erased.
    pub(super) facts: Option<&'a ThingFacts>,
    /// Whether the last call was a job that Zoho accepted.
    pub(super) job: bool,
    /// Whether Zoho refused the last call without a word about the thing.
    pub(super) refused: bool,
}

impl ThingEvidence<'_> {
    fn before(&self) -> Before {
        self.snapshot.map_or(Before::NotRead, ThingFacts::before)
    }

    /// Whether it was there when the snapshot was made.
    fn then(&self) -> Option<Look<Presence>> {
        self.snapshot.map(|facts| facts.presence(false))
    }

    /// Whether it is there, as the evidence rule saw it.
    fn now(&self) -> Option<Look<Presence>> {
        let exact = matches!(self.before(), Before::There { exact: true, .. });
        self.facts.map(|facts| facts.presence(exact))
    }

    /// What larger thing is gone as well, so that it may have gone with that; follows on `gone`.
    fn larger(&self) -> Option<&'static str> {
        match self.facts? {
            ThingFacts::Relation(RelationFacts { related: Look::NotThere, .. }) => {
                Some("the record itself is gone")
            }
            ThingFacts::Tags(TagFacts { defined: Look::Seen(false), .. }) => {
                Some("one of them is gone from the module")
            }
            ThingFacts::Relation(_)
            | ThingFacts::Tags(_)
            | ThingFacts::Definition(_)
            | ThingFacts::Comeback(_) => None,
        }
    }
}

/// What follows from evidence about a tag or a relation, in words.
pub(super) fn thing_sentence(evidence: ThingEvidence<'_>) -> String {
    let ThingEvidence { operation, verdict, code, job, .. } = evidence;
    let Words { gone, before, .. } = words(operation);
    let is_there = matches!(evidence.now(), Some(Look::Seen(Presence::There { .. })));
    match verdict {
        Verdict::Done if job => format!("{gone}, and Zoho's job for it is over"),
        Verdict::Done => {
            format!("{gone}; {before}, and a call of ours may have been carried out in between")
        }
        Verdict::Absent if asks(operation, code) => {
            format!("Zoho refused our call, and {gone}: that was so before it")
        }
        Verdict::Absent if is_there => {
            "the record carries another spelling of the tag only, which Zoho left there".to_owned()
        }
        Verdict::Absent => format!("{gone}: that was so before our call"),
        Verdict::Failed | Verdict::Pending if asks(operation, code) => refused(evidence),
        Verdict::Failed | Verdict::Pending => untouched(evidence),
        Verdict::Undecided => undecided(evidence),
    }
}

/// Zoho refused the call without a word about the thing, and what was read shows that this was its last word.
fn refused(evidence: ThingEvidence<'_>) -> String {
    let Words { there, gone, source, holder, unread_before, .. } = words(evidence.operation);
    let found = match (evidence.now(), evidence.then()) {
        (Some(Look::Seen(Presence::There { .. })), _) => format!("and {there}"),
        (Some(Look::Seen(Presence::Gone)), Some(Look::Seen(Presence::NoHolder))) => {
            format!("{gone}, and {unread_before}")
        }
        (Some(Look::Seen(Presence::Gone)), _) => {
            format!("{gone}, and nothing that was read knows of it")
        }
        (Some(Look::Seen(Presence::NoHolder)), _) => format!("and {holder} cannot be read"),
        (Some(_), _) => format!("and {source} cannot be read"),
        (None, _) => "and it changed nothing".to_owned(),
    };
    format!("Zoho refused our call, {found}")
}

/// The call was not refused, and did nothing that can be seen. What is not there now was not there before either:
/// else the verdict would be another one.
fn untouched(evidence: ThingEvidence<'_>) -> String {
    const NOT_ALL: &str = "our call changed nothing, or not all";
    const NOTHING_SHOWS: &str = "nothing shows that our call changed anything";
    let Words { there, gone, holder, unread_before, never, .. } = words(evidence.operation);
    match (evidence.now(), evidence.then()) {
        (Some(Look::Seen(Presence::There { .. })) | None, _) if evidence.job => {
            format!("Zoho's job is over, and {there}")
        }
        (Some(Look::Seen(Presence::There { .. })), _) => format!("{there}: {NOT_ALL}"),
        (Some(Look::Seen(Presence::Gone)), Some(Look::Seen(Presence::Gone))) => {
            format!("{gone}, and that was so before our call: our call changed nothing")
        }
        (Some(Look::Seen(Presence::Gone)), Some(Look::Seen(Presence::NoHolder))) => {
            format!("{gone}, and {unread_before}: {NOTHING_SHOWS}")
        }
        (Some(Look::Seen(Presence::Gone)), _) => format!("{gone}: {NOTHING_SHOWS}"),
        (Some(Look::Seen(Presence::NoHolder)), Some(Look::Seen(Presence::Gone))) => {
            format!("{holder} cannot be read, and {never} before our call: {NOTHING_SHOWS}")
        }
        (Some(Look::Seen(Presence::NoHolder)), Some(Look::Seen(Presence::NoHolder))) => {
            format!("{holder} cannot be read, and could not be before our call: {NOTHING_SHOWS}")
        }
        (Some(Look::Seen(Presence::NoHolder)), _) => {
            format!("{holder} cannot be read: {NOTHING_SHOWS}")
        }
        (Some(_) | None, _) => NOT_ALL.to_owned(),
    }
}

/// What was read cannot tell what the call did.
fn undecided(evidence: ThingEvidence<'_>) -> String {
    let Words { there, gone, before, source, holder, .. } = words(evidence.operation);
    let was_there = matches!(evidence.before(), Before::There { .. }) || evidence.seen_since;
    match evidence.now() {
        Some(Look::Seen(Presence::There { .. })) => {
            let whose =
                if evidence.operation.is_undo() { "took it away again" } else { "put it back" };
            format!("{there}, but the record was changed after our call: perhaps somebody {whose}")
        }
        Some(Look::Seen(Presence::Gone)) if evidence.job => {
            format!("{gone}, but more is gone than Zoho's job says that it deleted")
        }
        Some(Look::Seen(Presence::Gone)) => match evidence.larger() {
            Some(larger) if was_there => {
                format!("{gone}, and {larger}: either may have gone first")
            }
            None if was_there && evidence.refused => format!(
                "{gone}; {before}, which Zoho refused: somebody else did it, or our call, if it was \
                 delivered twice"
            ),
            Some(_) | None => {
                format!("{gone}, and nothing tells whether it was so before our call")
            }
        },
        Some(Look::Seen(Presence::NoHolder)) => {
            format!("{holder} cannot be read, so nothing tells what our call did")
        }
        Some(_) => format!("{source} cannot be read: the source is closed to us"),
        None => "nothing that is kept tells why".to_owned(),
    }
}
