//! The picture of everything at one moment.

use std::collections::BTreeMap;

use super::{Job, ModuleSnapshot, Place, Snapshot, World};

impl World {
    /// Everything, but for the numbers of calls, which the caller knows.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            modules: self.places(),
            history: self.history.clone(),
            tags: self.tag_names(),
            record_tags: self.record_tags(),
            links: self.all_links(),
            jobs: self.jobs.iter().map(Job::snapshot).collect(),
            scheduled_restores: self.family.waiting(),
            ..Snapshot::default()
        }
    }

    fn places(&self) -> BTreeMap<String, ModuleSnapshot> {
        let modules = self.modules.values().map(|module| {
            let mut seen = ModuleSnapshot::default();
            for (id, record) in module.newest_first() {
                match record.place {
                    Place::Live => seen.live.push(id),
                    Place::Binned(_) => seen.binned.push(id),
                    Place::Purged(_) => seen.purged.push(id),
                }
            }
            for ids in [&mut seen.live, &mut seen.binned, &mut seen.purged] {
                ids.reverse();
            }
            (module.api_name.clone(), seen)
        });
        modules.collect()
    }

    fn tag_names(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let mut all: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for tag in self.tags.all() {
            all.entry(tag.module.clone()).or_default().insert(tag.name.clone(), tag.id);
        }
        all
    }

    fn record_tags(&self) -> BTreeMap<String, BTreeMap<u64, Vec<String>>> {
        let of = |ids: &[u64]| {
            let tags = ids.iter().filter_map(|id| self.tags.get(*id));
            tags.map(|tag| tag.name.clone()).collect()
        };
        let modules = self.modules.values().filter_map(|module| {
            let tagged: BTreeMap<u64, Vec<String>> = module
                .newest_first()
                .filter(|(_, record)| !record.tags.is_empty() && !record.is_purged())
                .map(|(id, record)| (id, of(&record.tags)))
                .collect();
            (!tagged.is_empty()).then(|| (module.api_name.clone(), tagged))
        });
        modules.collect()
    }
}
