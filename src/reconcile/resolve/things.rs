//! Unknown tags and relations: one read of what holds them, compared with the first snapshot.

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::evidence::presence::{
    Before, DefinitionFacts, RelationFacts, TagFacts, ThingFacts, decide,
};
use crate::domain::evidence::{History, Look};
use crate::domain::id::RecordId;
use crate::domain::scope::{Action, Scope};
use crate::domain::target::ApiVersion;
use crate::reconcile::resolve::{Decided, Seen, usable};
use crate::reconcile::shared::Shared;
use crate::store::reading::UnknownEntry;
use crate::zoho::Zoho;

/// Reads what is there of the things of one scope, and decides.
pub(super) async fn look<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    scope: &Scope,
    entries: Vec<UnknownEntry>,
) -> Vec<Decided> {
    let ids: Vec<RecordId> = entries.iter().map(|unknown| unknown.target).collect();
    let version = entries.first().map_or(ApiVersion::V8, |unknown| unknown.api_version);
    let read = shared.look(scope, version, &ids, true).await;
    let found = usable(shared, &scope.module, read, what(scope));
    let now = shared.clock.now();
    let decided = |unknown: UnknownEntry| {
        let facts = match &found {
            Seen::These(found) => found.get(&unknown.target).cloned(),
            Seen::Closed => Some(unread(scope, true)),
            Seen::Silent => None,
        };
        let facts = facts.unwrap_or_else(|| unread(scope, false));
        let quarantine = shared.options.quarantine;
        let history = History::of(&unknown.attempts, unknown.tries, quarantine, now);
        let before = unknown.snapshot.as_ref().map_or(Before::NotRead, ThingFacts::before);
        Decided {
            quarantine_ends: history.quarantine_ends,
            decision: decide(&history, before, &facts),
            facts: facts.json(),
            unknown,
        }
    };
    entries.into_iter().map(decided).collect()
}

fn what(scope: &Scope) -> &'static str {
    match scope.action {
        Action::Delete => "records",
        Action::Untag(_) => "the tags of records",
        Action::Unlink { .. } => "a related list",
        Action::DeleteTags => "the tags",
    }
}

/// What is known when the source is closed, or gave no answer.
fn unread(scope: &Scope, closed: bool) -> ThingFacts {
    macro_rules! look {
        () => {
            if closed { Look::Closed } else { Look::Silent }
        };
    }
    match scope.action {
        Action::Delete | Action::Untag(_) => ThingFacts::Tags(TagFacts { record: look!() }),
        Action::Unlink { .. } => {
            ThingFacts::Relation(RelationFacts { list: look!(), related: Look::NotAsked })
        }
        Action::DeleteTags => ThingFacts::Definition(DefinitionFacts { tag: look!() }),
    }
}
