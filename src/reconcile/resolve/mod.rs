//! Resolving: reads what is needed to settle unknown entries, and lets the evidence rule decide.

mod deletions;
mod things;

pub(super) use things::unread;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::evidence::Decision;
use crate::domain::id::{EntryId, ModuleName, RequestId};
use crate::domain::scope::{Operation, Scope};
use crate::domain::state::Verdict;
use crate::domain::target::Product;
use crate::domain::time::Timestamp;
use crate::reconcile::contact::Unread;
use crate::reconcile::options::{Progress, RunError};
use crate::reconcile::shared::Shared;
use crate::store::reading::Finding;
use crate::store::unknown::UnknownEntry;
use crate::zoho::Zoho;

/// Unknown entries that are looked at in one go.
const AT_ONCE: usize = 1000;

/// What a pass over the unknown entries came to.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// Entries that evidence settled or sent back to the queue.
    pub(crate) moved: u64,
    /// When the first quarantine ends that an entry waits for.
    pub(crate) wait_until: Option<Timestamp>,
    /// Entries whose sources did not answer.
    pub(crate) later: u64,
}

/// One entry, and what was decided about it.
struct Decided {
    unknown: UnknownEntry,
    /// When the quarantine of its last call ends, if it has not yet.
    quarantine_ends: Option<Timestamp>,
    decision: Decision,
    /// What was read, as JSON.
    facts: Result<String, serde_json::Error>,
}

/// Rows that a source showed, or why it showed none.
enum Seen<T> {
    These(T),
    Closed,
    Silent,
}

/// Looks at every unknown entry of this run's business once. `undecided` holds those that this run has
/// found undecidable already.
pub(crate) async fn resolve<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    bins: &HashMap<(Product, ModuleName), bool>,
    undecided: &mut HashSet<EntryId>,
) -> Result<Resolved, RunError> {
    let mut resolved = Resolved::default();
    let mut after = EntryId::new(0);
    loop {
        if shared.is_stopping() {
            return Ok(resolved);
        }
        let wanted = shared.options.wanted.as_deref();
        let found = shared.journal(|reader| {
            reader.unknown_entries(after, wanted, AT_ONCE).map_err(RunError::from)
        })?;
        let Some(last) = found.last() else { return Ok(resolved) };
        after = last.entry;
        let mut by_scope: BTreeMap<Arc<Scope>, Vec<UnknownEntry>> = BTreeMap::new();
        for unknown in found.into_iter().filter(|one| !undecided.contains(&one.entry)) {
            by_scope.entry(Arc::clone(&unknown.scope)).or_default().push(unknown);
        }
        for (scope, entries) in by_scope {
            let decided = if scope.operation() == Operation::Delete {
                let place = (scope.product, scope.module.clone());
                // Bigin has no recycle bin that could be asked (no page of one).
                let has_bin =
                    scope.product == Product::Crm && bins.get(&place).copied().unwrap_or(true);
                deletions::Pass { shared, product: place.0, module: place.1, has_bin }
                    .run(entries)
                    .await
            } else {
                things::look(shared, &scope, entries).await
            };
            record(shared, &scope.module, decided, undecided, &mut resolved).await?;
        }
    }
}

/// A source that is forbidden or does not exist is closed; one that did not answer is silent.
fn usable<T, Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    module: &ModuleName,
    read: Result<T, Unread>,
    what: &str,
) -> Seen<T> {
    match read {
        Ok(rows) => Seen::These(rows),
        Err(Unread::Forbidden { code, .. } | Unread::NotThere { code, .. }) => {
            shared.warn(format!(
                "{what} of {module} cannot be read ({code}): another source is asked, or nothing can be \
                 decided"
            ));
            Seen::Closed
        }
        Err(Unread::Silent(_)) => Seen::Silent,
    }
}

/// Records what was decided, in one event.
async fn record<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    module: &ModuleName,
    cases: Vec<Decided>,
    undecided: &mut HashSet<EntryId>,
    resolved: &mut Resolved,
) -> Result<(), RunError> {
    let (mut findings, mut told) = (Vec::new(), Vec::new());
    for case in cases {
        match case.decision {
            Decision::Settle { verdict, code, .. } => {
                if verdict == Verdict::Undecided {
                    undecided.insert(case.unknown.entry);
                }
                let facts = case.facts.map_err(|error| RunError::Broken(error.to_string()))?;
                // The same reads as last time say nothing new: the log need not repeat them.
                if verdict == Verdict::Undecided
                    && case.unknown.undecided_facts.as_deref() == Some(&facts)
                {
                    continue;
                }
                told.push((case.unknown.entry, case.unknown.request, verdict));
                findings.push(Finding { entry: case.unknown.entry, verdict, code, facts });
            }
            Decision::Wait => {
                resolved.wait_until = match (resolved.wait_until, case.quarantine_ends) {
                    (Some(old), Some(new)) => Some(old.min(new)),
                    (old, new) => old.or(new),
                };
            }
            Decision::Later | Decision::Ask(_) => resolved.later += 1,
        }
    }
    if findings.is_empty() {
        return Ok(());
    }
    // A person may have settled some of them while they were read: who commits first has won.
    let settled: HashSet<EntryId> =
        shared.writer.record_evidence(module.clone(), findings).await?.into_iter().collect();
    told.retain(|(entry, ..)| !settled.contains(entry));
    for (_, request, verdict) in &told {
        tally(shared, *request, *verdict);
    }
    let count = |verdict: Verdict| {
        let same = told.iter().filter(|(.., told)| *told == verdict).count();
        u64::try_from(same).unwrap_or(0)
    };
    let progress = Progress::Evidence {
        module: module.clone(),
        done: count(Verdict::Done),
        absent: count(Verdict::Absent),
        failed: count(Verdict::Failed),
        pending: count(Verdict::Pending),
        undecided: count(Verdict::Undecided),
    };
    resolved.moved += u64::try_from(told.len()).unwrap_or(0) - count(Verdict::Undecided);
    if !told.is_empty() {
        shared.tell(&progress);
    }
    Ok(())
}

/// What was gone before us is no refusal that speaks of a wrong module or column.
fn tally<Z, C: Clock>(shared: &Shared<Z, C>, request: RequestId, verdict: Verdict) {
    let mut state = shared.state();
    match verdict {
        Verdict::Failed => state.failed += 1,
        Verdict::Done | Verdict::Absent => {
            state.streaks.remove(&request);
        }
        Verdict::Pending | Verdict::Undecided => {}
    }
}
