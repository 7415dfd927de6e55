//! Resolving: reads what can settle unknown entries, and lets the evidence rule decide.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::answer::{Deletion, ReadError};
use crate::domain::evidence::{
    Decision, Facts, History, Look, SeenDeleted, SeenRecord, Source, decide,
};
use crate::domain::id::{EntryId, ModuleName, RecordId};
use crate::domain::limits::IDS_PER_READ;
use crate::domain::state::Verdict;
use crate::domain::target::{ApiVersion, Product};
use crate::domain::time::Timestamp;
use crate::reconcile::options::{Progress, RunError, Stop};
use crate::reconcile::shared::Shared;
use crate::store::Reader;
use crate::store::reading::{Finding, UnknownEntry};
use crate::zoho::Zoho;

/// Unknown entries that are looked at in one go.
const AT_ONCE: usize = 1000;

/// Pages of the deleted list that are read for one go: 20,000 deletions. Past that the list counts as one
/// that cannot be asked.
const MAX_PAGES: u32 = 100;

/// How long Zoho lists permanent deletions (CRM v7 Get Deleted Records page, 120 days).
const LISTED_FOR: Duration = Duration::from_hours(2880);

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

/// One entry on its way to a decision.
struct Case {
    unknown: UnknownEntry,
    history: History,
    facts: Facts,
    decision: Decision,
}

impl Case {
    fn asks(&self) -> Option<Source> {
        match self.decision {
            Decision::Ask(source) => Some(source),
            Decision::Settle { .. } | Decision::Wait | Decision::Later => None,
        }
    }
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
        // A reader of its own for each go: it must see what the last one recorded.
        let found = {
            let wanted = shared.options.wanted.as_deref();
            Reader::open(&shared.options.db)?.unknown_entries(after, wanted, AT_ONCE)?
        };
        let Some(last) = found.last() else { return Ok(resolved) };
        after = last.entry;
        let mut by_place: BTreeMap<(Product, ModuleName), Vec<UnknownEntry>> = BTreeMap::new();
        for unknown in found.into_iter().filter(|one| !undecided.contains(&one.entry)) {
            let place = (unknown.product, unknown.module.clone());
            by_place.entry(place).or_default().push(unknown);
        }
        for (place, entries) in by_place {
            let has_bin = bins.get(&place).copied().unwrap_or(true);
            let pass = Pass { shared, product: place.0, module: place.1, has_bin };
            pass.run(entries, undecided, &mut resolved).await?;
        }
    }
}

struct Pass<'a, Z, C> {
    shared: &'a Arc<Shared<Z, C>>,
    product: Product,
    module: ModuleName,
    has_bin: bool,
}

impl<Z: Zoho, C: Clock> Pass<'_, Z, C> {
    async fn run(
        &self,
        entries: Vec<UnknownEntry>,
        undecided: &mut HashSet<EntryId>,
        resolved: &mut Resolved,
    ) -> Result<(), RunError> {
        let mut cases: Vec<Case> = entries.into_iter().map(|unknown| self.open(unknown)).collect();
        for source in [Source::Bin, Source::Deleted, Source::Record] {
            match source {
                Source::Bin => self.ask_bin(&mut cases).await,
                Source::Deleted => self.ask_deleted(&mut cases).await,
                Source::Record => self.ask_records(&mut cases).await,
            }
            for case in &mut cases {
                case.decision = decide(&case.history, &case.facts);
            }
            if self.shared.is_stopping() {
                break;
            }
        }
        self.record(cases, undecided, resolved).await
    }

    fn open(&self, unknown: UnknownEntry) -> Case {
        let options = &self.shared.options;
        let now = self.shared.clock.now();
        let history = History::of(&unknown.attempts, unknown.tries, options.quarantine, now);
        let mut facts = Facts::default();
        if !self.has_bin {
            facts.bin = Look::NotThere;
        }
        let decision = decide(&history, &facts);
        Case { unknown, history, facts, decision }
    }

    /// Asks for at most a hundred ids at a time and hands what came back to each case.
    async fn ask_bin(&self, cases: &mut [Case]) {
        let mut asking: Vec<&mut Case> =
            cases.iter_mut().filter(|case| case.asks() == Some(Source::Bin)).collect();
        for chunk in asking.chunks_mut(IDS_PER_READ) {
            let ids: Vec<RecordId> = chunk.iter().map(|case| case.unknown.target).collect();
            let read = self.shared.read(1, || self.shared.zoho.read_bin(&self.module, &ids)).await;
            let read = read.map(|read| read.value);
            let seen = self.usable(read, "the recycle bin");
            for case in chunk {
                case.facts.bin = look(&seen, case.unknown.target);
            }
        }
    }

    async fn ask_deleted(&self, cases: &mut [Case]) {
        let asks = |case: &&mut Case| case.asks() == Some(Source::Deleted);
        let (open, refused): (Vec<&mut Case>, Vec<&mut Case>) =
            cases.iter_mut().filter(asks).partition(|case| case.history.first_live().is_some());
        let now = self.shared.clock.now();
        for mut group in [open, refused] {
            let Some(version) = group.first().map(|case| case.unknown.api_version) else {
                continue;
            };
            // Since before the first call that can have done it; a refused one was there before any.
            let since = group
                .iter()
                .filter_map(|case| case.history.first_live())
                .map(|attempt| attempt.from)
                .min()
                .unwrap_or_else(|| now.minus(LISTED_FOR));
            let wanted: HashSet<RecordId> = group.iter().map(|case| case.unknown.target).collect();
            let listed = self.list_deleted(version, since, &wanted).await;
            for case in &mut group {
                case.facts.deleted = match &listed {
                    Listed::Whole(seen) | Listed::Part(seen)
                        if seen.contains_key(&case.unknown.target) =>
                    {
                        seen.get(&case.unknown.target)
                            .map_or(Look::NotThere, |one| Look::Seen(one.clone()))
                    }
                    Listed::Whole(_) => Look::NotThere,
                    Listed::Part(_) | Listed::Closed => Look::Closed,
                    Listed::Silent => Look::Silent,
                };
            }
        }
    }

    async fn list_deleted(
        &self,
        version: ApiVersion,
        since: Timestamp,
        wanted: &HashSet<RecordId>,
    ) -> Listed {
        let mut seen: HashMap<RecordId, SeenDeleted> = HashMap::new();
        for page in 1..=MAX_PAGES {
            let read = self
                .shared
                .read(2, || {
                    self.shared.zoho.read_deleted(self.product, version, &self.module, since, page)
                })
                .await;
            let read = match read.map(|read| read.value) {
                Ok(read) => read,
                Err(error) => {
                    return match self.usable::<()>(Err(error), "the list of deletions") {
                        Seen::Closed => Listed::Closed,
                        Seen::These(_) | Seen::Silent => Listed::Silent,
                    };
                }
            };
            for deletion in read.rows {
                if wanted.contains(&deletion.id) {
                    seen.insert(deletion.id, seen_deleted(&deletion));
                }
            }
            if !read.more || seen.len() == wanted.len() {
                return Listed::Whole(seen);
            }
        }
        self.shared.warn(format!(
            "the list of deletions of {} is longer than {MAX_PAGES} pages: what lies beyond was not read",
            self.module
        ));
        Listed::Part(seen)
    }

    async fn ask_records(&self, cases: &mut [Case]) {
        let mut asking: Vec<&mut Case> =
            cases.iter_mut().filter(|case| case.asks() == Some(Source::Record)).collect();
        for chunk in asking.chunks_mut(IDS_PER_READ) {
            let ids: Vec<RecordId> = chunk.iter().map(|case| case.unknown.target).collect();
            let Some(version) = chunk.first().map(|case| case.unknown.api_version) else {
                continue;
            };
            let read = self
                .shared
                .read(1, || {
                    self.shared.zoho.read_records(self.product, version, &self.module, &ids)
                })
                .await
                .map(|read| read.value);
            let seen = match self.usable(read, "records") {
                Seen::These(records) => Ok(records),
                Seen::Closed => Err(Look::Closed),
                Seen::Silent => Err(Look::Silent),
            };
            for case in chunk {
                case.facts.record = match &seen {
                    Ok(records) => records
                        .iter()
                        .find(|record| record.id == case.unknown.target)
                        .map_or(Look::NotThere, |record| {
                            Look::Seen(SeenRecord { modified: record.modified_time })
                        }),
                    Err(closed) => closed.clone(),
                };
            }
        }
    }

    /// A source that is forbidden or does not exist is closed; one that did not answer is silent.
    fn usable<T>(&self, read: Result<Vec<T>, ReadError>, what: &str) -> Seen<T> {
        match read {
            Ok(rows) => Seen::These(rows),
            Err(ReadError::Forbidden { code, .. } | ReadError::NotThere { code, .. }) => {
                self.shared.warn(format!(
                    "{what} of {} cannot be read ({code}): another source is asked",
                    self.module
                ));
                Seen::Closed
            }
            Err(ReadError::Unauthorized { code, message }) => {
                self.shared.stop(Stop::NotAllowed {
                    what: "the access token".to_owned(),
                    code,
                    message,
                });
                Seen::Silent
            }
            Err(
                ReadError::Throttled { .. }
                | ReadError::Unreachable(_)
                | ReadError::Unusable { .. },
            ) => Seen::Silent,
        }
    }

    /// Records what was decided, in one event.
    async fn record(
        &self,
        cases: Vec<Case>,
        undecided: &mut HashSet<EntryId>,
        resolved: &mut Resolved,
    ) -> Result<(), RunError> {
        let mut findings: Vec<Finding> = Vec::new();
        for case in cases {
            match case.decision {
                Decision::Settle { verdict, code, .. } => {
                    if verdict == Verdict::Undecided {
                        undecided.insert(case.unknown.entry);
                    }
                    self.count(&case.unknown, verdict);
                    let facts = serde_json::to_string(&case.facts)
                        .map_err(|error| RunError::Broken(error.to_string()))?;
                    // The same reads as last time say nothing new: the log need not repeat them.
                    if verdict == Verdict::Undecided
                        && case.unknown.undecided_facts.as_deref() == Some(&facts)
                    {
                        continue;
                    }
                    findings.push(Finding { entry: case.unknown.entry, verdict, code, facts });
                }
                Decision::Wait => {
                    let until = case.history.quarantine_ends;
                    resolved.wait_until = match (resolved.wait_until, until) {
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
        let count = |verdict: Verdict| {
            let same = findings.iter().filter(|finding| finding.verdict == verdict).count();
            u64::try_from(same).unwrap_or(0)
        };
        let progress = Progress::Evidence {
            module: self.module.clone(),
            done: count(Verdict::Done),
            absent: count(Verdict::Absent),
            failed: count(Verdict::Failed),
            pending: count(Verdict::Pending),
            undecided: count(Verdict::Undecided),
        };
        resolved.moved += u64::try_from(findings.len()).unwrap_or(0) - count(Verdict::Undecided);
        self.shared.writer.record_evidence(self.module.clone(), findings).await?;
        self.shared.tell(&progress);
        Ok(())
    }

    /// What was gone before us is no refusal that speaks of a wrong module or column.
    fn count(&self, unknown: &UnknownEntry, verdict: Verdict) {
        let mut state = self.shared.state();
        match verdict {
            Verdict::Failed => state.failed += 1,
            Verdict::Done | Verdict::Absent => {
                state.streaks.remove(&unknown.request);
            }
            Verdict::Pending | Verdict::Undecided => {}
        }
    }
}

/// Rows that a source showed, or why it showed none.
enum Seen<T> {
    These(Vec<T>),
    Closed,
    Silent,
}

/// The list of deletions as far as it was read.
enum Listed {
    Whole(HashMap<RecordId, SeenDeleted>),
    Part(HashMap<RecordId, SeenDeleted>),
    Closed,
    Silent,
}

fn seen_deleted(deletion: &Deletion) -> SeenDeleted {
    SeenDeleted {
        by: deletion.deleted_by,
        at: deletion.deleted_time,
        permanent: deletion.permanent,
    }
}

fn look(seen: &Seen<Deletion>, target: RecordId) -> Look<SeenDeleted> {
    match seen {
        Seen::These(deletions) => deletions
            .iter()
            .find(|deletion| deletion.id == target)
            .map_or(Look::NotThere, |deletion| Look::Seen(seen_deleted(deletion))),
        Seen::Closed => Look::Closed,
        Seen::Silent => Look::Silent,
    }
}
