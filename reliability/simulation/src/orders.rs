//! What people ordered and were told that it holds: held, paused, withdrawn, not approved. Nothing that it forbids may
//! leave.

use std::collections::{BTreeMap, BTreeSet};

use zoho_journal::domain::id::{EntryId, ModuleName, RecordId, RequestId};
use zoho_journal::domain::ranges::EntryRanges;
use zoho_journal::domain::scope::{RelatedList, Scope};
use zoho_journal::domain::state::EntryState;

use crate::ledger::Intent;

/// A hold in force.
#[derive(Debug, Clone)]
pub struct Held {
    /// The module that it names.
    pub module: ModuleName,
    /// The records; `None` for all of the module.
    pub ids: Option<BTreeSet<RecordId>>,
}

impl Held {
    /// Whether it forbids something about this record.
    fn covers(&self, scope: &Scope, target: RecordId) -> bool {
        if let Some(ids) = &self.ids {
            return ids.contains(&target)
                || scope.parent().is_some_and(|parent| ids.contains(&parent));
        }
        let list = scope.list().map(RelatedList::as_str);
        self.module == scope.module || list == Some(self.module.as_str())
    }
}

/// The orders in force. What takes one away is noted before it is tried, and what adds one once it was acknowledged: a
/// process that died in between may have done either.
#[derive(Debug, Default)]
pub struct Orders {
    /// The holds.
    pub holds: Vec<Held>,
    /// Whether every run is paused.
    pub paused: bool,
    /// Whether there may be a pause: one that nobody was told of counts as well.
    pub may_be_paused: bool,
    /// Requests that wait for a second person, and are anybody's but the first one's.
    unapproved: BTreeSet<RequestId>,
    /// Entries that were withdrawn, or whose request was rejected.
    withdrawn: BTreeMap<EntryId, &'static str>,
}

impl Orders {
    /// A request was recorded that somebody else has to approve.
    pub fn awaits(&mut self, request: RequestId) {
        self.unapproved.insert(request);
    }

    /// Somebody is about to approve a request.
    pub fn approves(&mut self, request: RequestId) {
        self.unapproved.remove(&request);
    }

    /// One of the requests that nobody has approved.
    pub fn unapproved(&self) -> Vec<RequestId> {
        self.unapproved.iter().copied().collect()
    }

    /// Somebody was told that these entries will never be sent.
    pub fn withdrew(&mut self, entries: &EntryRanges, how: &'static str) {
        self.withdrawn.extend(entries.iter().map(|entry| (entry, how)));
    }

    /// Somebody is about to release some records of a module, or every hold that names the module.
    pub fn releases(&mut self, module: &ModuleName, ids: Option<&BTreeSet<RecordId>>) {
        let Some(ids) = ids else {
            self.holds.retain(|hold| hold.module != *module);
            return;
        };
        for hold in self.holds.iter_mut().filter(|hold| hold.module == *module) {
            if let Some(held) = &mut hold.ids {
                held.retain(|id| !ids.contains(id));
            }
        }
        self.holds.retain(|hold| hold.ids.as_ref().is_none_or(|held| !held.is_empty()));
    }

    /// Why this call must not leave now, if it must not.
    pub fn forbid(&self, intent: &Intent) -> Option<String> {
        if self.paused {
            return Some("after a pause was acknowledged".to_owned());
        }
        intent.items.iter().find_map(|item| {
            let held = self.holds.iter().any(|hold| hold.covers(&intent.scope, item.target));
            let entry = item.entry;
            if held {
                return Some(format!("with {entry}, after a hold of it was acknowledged"));
            }
            self.withdrawn.get(&entry).map(|how| format!("with {entry}, which was {how}"))
        })
    }

    /// Why nothing of this request may leave now, if nothing may.
    pub fn forbid_request(&self, request: RequestId) -> Option<String> {
        self.unapproved.contains(&request).then(|| format!("for {request}, which nobody approved"))
    }

    /// What is wrong with an entry that ends in this state.
    pub fn contradict(&self, entry: EntryId, state: EntryState) -> Option<String> {
        let how = self.withdrawn.get(&entry)?;
        (state != EntryState::Cancelled).then(|| format!("{entry} was {how}, and is {state}"))
    }
}
