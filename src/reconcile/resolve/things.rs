//! Unknown tags and relations: one read of what holds them, compared with the last snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::evidence::comeback::{BinFacts, ComebackFacts, RedefinedFacts, RetagFacts};
use crate::domain::evidence::presence::{
    Before, DefinitionFacts, RelationFacts, TagFacts, ThingFacts, decide,
};
use crate::domain::evidence::{Decision, History, JobOver, Look, Source};
use crate::domain::id::RecordId;
use crate::domain::scope::{Action, Scope, TagSet};
use crate::domain::target::ApiVersion;
use crate::reconcile::look::{Found, Place};
use crate::reconcile::resolve::{Decided, Seen, usable};
use crate::reconcile::shared::Shared;
use crate::store::snapshot;
use crate::store::unknown::UnknownEntry;
use crate::zoho::Zoho;

/// One entry on its way to a decision.
struct Case {
    unknown: UnknownEntry,
    history: History,
    before: Before,
    facts: ThingFacts,
}

/// Reads what is there of the things of one scope, and decides.
pub(super) async fn look<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    scope: &Scope,
    entries: Vec<UnknownEntry>,
) -> Vec<Decided> {
    // A job's counts are about all its items. All of them are in the one read that any of them takes.
    let of_jobs = entries.iter().filter_map(|unknown| unknown.job.as_ref());
    let of_jobs = of_jobs.flat_map(|job| &job.items).copied();
    let ids: BTreeSet<RecordId> =
        entries.iter().map(|unknown| unknown.target).chain(of_jobs).collect();
    let ids: Vec<RecordId> = ids.into_iter().collect();
    let version = entries.first().map_or(ApiVersion::V8, |unknown| unknown.api_version);
    // Before the read: what it shows says nothing of a call that takes effect after it.
    let now = shared.present();
    let read = shared.look(scope, version, &ids, true).await;
    let found = usable(shared, &scope.module, read, what(scope));
    let case =
        |unknown: UnknownEntry| {
            let facts = match &found {
                Seen::These(found) => found.get(&unknown.target).cloned(),
                Seen::Closed => Some(unread(scope, true)),
                Seen::Silent => None,
            };
            let quarantine = shared.options.quarantine;
            let mut history = History::of(&unknown.attempts, unknown.tries, quarantine, now)
                .with_lost(unknown.lost, quarantine, now);
            history.removed_meanwhile = unknown.removed_meanwhile;
            if let (Some(over), Some(job)) = (&mut history.job, &unknown.job) {
                *over = JobOver::of(job.ending, job.deleted, gone(&found, &job.items));
            }
            Case {
                history,
                before: unknown.snapshot.as_ref().map_or(Before::NotRead, ThingFacts::before),
                // What was seen once and did not decide is not forgotten because somebody has brought it back.
                facts: earlier(scope, &unknown).or(facts).unwrap_or_else(|| unread(scope, false)),
                unknown,
            }
        };
    let mut cases: Vec<Case> = entries.into_iter().map(case).collect();
    if let Action::Untag(tags) = &scope.action {
        ask_definitions(shared, scope, version, tags, &mut cases).await;
    }
    let decided = |case: Case| Decided {
        quarantine_ends: case.history.quarantine_ends,
        decision: decide(&case.history, case.before, &case.facts),
        facts: case.facts.json(),
        unknown: case.unknown,
    };
    cases.into_iter().map(decided).collect()
}

/// What an earlier look showed that could not decide, if it was that the thing is gone.
fn earlier(scope: &Scope, unknown: &UnknownEntry) -> Option<ThingFacts> {
    let text = unknown.undecided_facts.as_deref()?;
    snapshot::parse(scope.operation(), text).filter(ThingFacts::show_it_gone)
}

/// How many of these things are not there.
fn gone(found: &Seen<Found>, items: &[RecordId]) -> u64 {
    let Seen::These(found) = found else { return 0 };
    let is_there = |id: &RecordId| found.get(id).is_some_and(ThingFacts::is_there);
    items.iter().map(|id| u64::from(!is_there(id))).sum()
}

/// A tag that was deleted altogether went from its records as well: one read tells.
async fn ask_definitions<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    scope: &Scope,
    version: ApiVersion,
    tags: &TagSet,
    cases: &mut [Case],
) {
    let asks = |case: &Case| {
        decide(&case.history, case.before, &case.facts) == Decision::Ask(Source::ModuleTags)
    };
    if !cases.iter().any(asks) {
        return;
    }
    let read = shared.are_defined(Place::of(scope, version), tags).await;
    let defined = match usable(shared, &scope.module, read, "the tags") {
        Seen::These(defined) => Look::Seen(defined),
        Seen::Closed => Look::Closed,
        Seen::Silent => Look::Silent,
    };
    for case in cases {
        if let (true, ThingFacts::Tags(facts)) = (asks(case), &mut case.facts) {
            facts.defined = defined.clone();
        }
    }
}

fn what(scope: &Scope) -> &'static str {
    match scope.action {
        Action::Delete => "records",
        Action::Untag(_) => "the tags of records",
        Action::Unlink { .. } => "a related list",
        Action::DeleteTags | Action::RecreateTags => "the tags",
        Action::Restore => "records",
        Action::Retag(_) => "the tags of records",
        Action::Relink { .. } => "a related list",
    }
}

/// What is known when the source is closed, or gave no answer.
pub(in crate::reconcile) fn unread(scope: &Scope, closed: bool) -> ThingFacts {
    macro_rules! look {
        () => {
            if closed { Look::Closed } else { Look::Silent }
        };
    }
    match scope.action {
        Action::Delete | Action::Untag(_) => {
            ThingFacts::Tags(TagFacts { record: look!(), defined: Look::NotAsked })
        }
        Action::Unlink { .. } => {
            ThingFacts::Relation(RelationFacts { list: look!(), related: Look::NotAsked })
        }
        Action::DeleteTags => {
            ThingFacts::Definition(DefinitionFacts { tag: look!(), records: None })
        }
        Action::Restore => ThingFacts::Comeback(ComebackFacts::Record(BinFacts {
            record: look!(),
            bin: Look::NotAsked,
        })),
        Action::Retag(_) => {
            ThingFacts::Comeback(ComebackFacts::Tags(RetagFacts { record: look!() }))
        }
        Action::Relink { .. } => ThingFacts::Comeback(ComebackFacts::Relation(RelationFacts {
            list: look!(),
            related: Look::NotAsked,
        })),
        Action::RecreateTags => ThingFacts::Comeback(ComebackFacts::Definition(RedefinedFacts {
            tag: look!(),
            id: None,
            lacking: None,
        })),
    }
}
