//! Unknown deletions: recycle bin, list of deletions, the record itself.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::answer::Deletion;
use crate::domain::evidence::deletion::{Facts, SeenDeleted, SeenRecord, decide};
use crate::domain::evidence::{Decision, History, Look, Now, Source};
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::limits::IDS_PER_READ;
use crate::domain::target::{ApiVersion, Product};
use crate::domain::time::Timestamp;
use crate::domain::usage::{ANY_OTHER, DELETED_PAGE};
use crate::reconcile::resolve::{Decided, Seen, usable};
use crate::reconcile::shared::Shared;
use crate::store::unknown::UnknownEntry;
use crate::zoho::Zoho;

/// Pages of the deleted list that are read for one go: 20,000 deletions. Past that the list counts as one
/// that cannot be asked.
const MAX_PAGES: u32 = 100;

/// How long Zoho lists permanent deletions (CRM v7 Get Deleted Records page, 120 days).
const LISTED_FOR: Duration = Duration::from_hours(2880);

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

/// Deletions of one module.
pub(super) struct Pass<'a, Z, C> {
    pub(super) shared: &'a Arc<Shared<Z, C>>,
    pub(super) product: Product,
    pub(super) module: ModuleName,
    pub(super) has_bin: bool,
}

impl<Z: Zoho, C: Clock> Pass<'_, Z, C> {
    /// Asks the sources in their order, each only for what the ones before it did not decide.
    pub(super) async fn run(&self, entries: Vec<UnknownEntry>) -> Vec<Decided> {
        // Before the reads: what they show says nothing of a call that takes effect after them. And once, so that
        // what left together is decided together.
        let now = self.shared.present();
        let open = |unknown| self.open(unknown, now);
        let mut cases: Vec<Case> = entries.into_iter().map(open).collect();
        for turn in 0..3 {
            match turn {
                0 => self.ask_bin(&mut cases).await,
                1 => self.ask_deleted(&mut cases).await,
                _ => self.ask_records(&mut cases).await,
            }
            for case in &mut cases {
                case.decision = decide(&case.history, &case.facts);
            }
            if self.shared.is_stopping() {
                break;
            }
        }
        let decided = |case: Case| Decided {
            quarantine_ends: case.history.quarantine_ends,
            facts: serde_json::to_string(&case.facts),
            decision: case.decision,
            unknown: case.unknown,
        };
        cases.into_iter().map(decided).collect()
    }

    fn open(&self, unknown: UnknownEntry, now: Now) -> Case {
        let options = &self.shared.options;
        let history = History::of(&unknown.attempts, unknown.tries, options.quarantine, now)
            .with_lost(unknown.lost, options.quarantine, now)
            .after(unknown.deleted_earlier);
        // What was seen once and did not decide is not forgotten because a later look sees less.
        let earlier = unknown.undecided_facts.as_deref();
        let earlier: Option<Facts> = earlier.and_then(|text| serde_json::from_str(text).ok());
        let mut facts = earlier.filter(Facts::show_it_deleted).unwrap_or_default();
        if !self.has_bin && facts.bin == Look::NotAsked {
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
            let read =
                self.shared.read(ANY_OTHER, || self.shared.zoho.read_bin(&self.module, &ids)).await;
            let read = read.map(|read| read.value);
            let seen = usable(self.shared, &self.module, read, "the recycle bin");
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
                .read(DELETED_PAGE, || {
                    self.shared.zoho.read_deleted(self.product, version, &self.module, since, page)
                })
                .await;
            let read = match read.map(|read| read.value) {
                Ok(read) => read,
                Err(error) => {
                    return match usable::<(), _, _>(
                        self.shared,
                        &self.module,
                        Err(error),
                        "the list of deletions",
                    ) {
                        Seen::Closed => Listed::Closed,
                        Seen::These(()) | Seen::Silent => Listed::Silent,
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
                .read(ANY_OTHER, || {
                    self.shared.zoho.read_records(self.product, version, &self.module, &ids, false)
                })
                .await
                .map(|read| read.value);
            let seen = match usable(self.shared, &self.module, read, "records") {
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

fn look(seen: &Seen<Vec<Deletion>>, target: RecordId) -> Look<SeenDeleted> {
    match seen {
        Seen::These(deletions) => deletions
            .iter()
            .find(|deletion| deletion.id == target)
            .map_or(Look::NotThere, |deletion| Look::Seen(seen_deleted(deletion))),
        Seen::Closed => Look::Closed,
        Seen::Silent => Look::Silent,
    }
}
