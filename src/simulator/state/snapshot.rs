//! The picture of everything at one moment.

use std::collections::BTreeMap;

use super::{Job, Mark, Module, ModuleSnapshot, Place, Snapshot, World};

impl World {
    /// Everything, but for the numbers of calls, which the caller knows.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            modules: self.places(),
            history: self.history.clone(),
            tags: self.tag_names(),
            tag_colors: self.tag_colors(),
            record_tags: self.record_tags(),
            links: self.all_links(),
            link_fields: self.link_fields(),
            parents: self.parents(),
            marks: self.marks(),
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

    fn tag_colors(&self) -> BTreeMap<String, BTreeMap<String, &'static str>> {
        let mut all: BTreeMap<String, BTreeMap<String, &'static str>> = BTreeMap::new();
        for tag in self.tags.all() {
            if let Some(color) = tag.color {
                all.entry(tag.module.clone()).or_default().insert(tag.name.clone(), color);
            }
        }
        all
    }

    fn parents(&self) -> BTreeMap<u64, u64> {
        let is_kept = |id: u64| {
            let record = self.modules.values().find_map(|module| module.record(id));
            record.is_some_and(|record| !record.is_purged())
        };
        self.family.parents().filter(|(child, _)| is_kept(*child)).collect()
    }

    fn marks(&self) -> BTreeMap<u64, Vec<&'static str>> {
        let records = self.modules.values().flat_map(Module::newest_first);
        let marked = records.filter(|(_, record)| record.is_marked() && !record.is_purged());
        marked.map(|(id, record)| (id, record.marks().map(Mark::name).collect())).collect()
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
