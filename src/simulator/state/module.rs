//! One module of the org, and its records.

use std::collections::{BTreeMap, BTreeSet};

use super::history::Actor;

/// A module's metadata and records.
#[expect(clippy::struct_excessive_bools, reason = "the metadata has them as independent booleans")]
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) id: u64,
    pub(crate) api_name: String,
    /// Whether records can be deleted at all.
    pub(crate) deletable: bool,
    /// Whether the API serves the module.
    pub(crate) api_supported: bool,
    /// Whether deleted records go to the recycle bin.
    pub(crate) bin: bool,
    pub(crate) custom: bool,
    records: BTreeMap<u64, Record>,
    /// All that are gone, by the second and id of their deletion.
    gone: BTreeSet<(i64, u64)>,
    /// Those of them that are in the bin.
    binned: BTreeSet<(i64, u64)>,
}

/// One record.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) created_ms: i64,
    pub(crate) modified_ms: i64,
    pub(crate) place: Place,
    /// The ids of its tags, in the order in which they were put on it.
    pub(crate) tags: Vec<u64>,
    marks: u8,
}

/// What keeps a record from being deleted, or from being listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Locked,
    Unapproved,
    InBlueprint,
    Converted,
}

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Live,
    Binned(Gone),
    Purged(Gone),
}

/// A deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) at_ms: i64,
    pub(crate) by: Actor,
    /// The parent with which it went, where it did not go by itself.
    pub(crate) with: Option<u64>,
}

impl Mark {
    const fn bit(self) -> u8 {
        match self {
            Self::Locked => 1,
            Self::Unapproved => 2,
            Self::InBlueprint => 4,
            Self::Converted => 8,
        }
    }

    /// As the state shows it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Unapproved => "unapproved",
            Self::InBlueprint => "in_blueprint",
            Self::Converted => "converted",
        }
    }
}

impl Record {
    pub(crate) const fn new(created_ms: i64, modified_ms: i64) -> Self {
        Self { created_ms, modified_ms, place: Place::Live, tags: Vec::new(), marks: 0 }
    }

    pub(crate) const fn has(&self, mark: Mark) -> bool {
        self.marks & mark.bit() != 0
    }

    pub(crate) const fn mark(&mut self, mark: Mark) {
        self.marks |= mark.bit();
    }

    pub(crate) const fn unmark(&mut self, mark: Mark) {
        self.marks &= !mark.bit();
    }

    pub(crate) const fn is_marked(&self) -> bool {
        self.marks != 0
    }

    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark> {
        let all = [Mark::Locked, Mark::Unapproved, Mark::InBlueprint, Mark::Converted];
        all.into_iter().filter(|mark| self.has(*mark))
    }

    pub(crate) fn is_live(&self) -> bool {
        self.place == Place::Live
    }

    pub(crate) const fn is_purged(&self) -> bool {
        matches!(self.place, Place::Purged(_))
    }
}

impl Module {
    /// A custom module without records.
    pub(crate) const fn new(id: u64, api_name: String) -> Self {
        Self {
            id,
            api_name,
            deletable: true,
            api_supported: true,
            bin: true,
            custom: true,
            records: BTreeMap::new(),
            gone: BTreeSet::new(),
            binned: BTreeSet::new(),
        }
    }

    /// The id of a part of its metadata (a field, a related list), by the part's number: far from
    /// those of records, tags and jobs.
    pub(crate) const fn part_id(&self, number: u64) -> u64 {
        self.id + 300_000_000_000 + 100_000 * number
    }

    pub(crate) fn extend(&mut self, records: Vec<(u64, Record)>) {
        self.records.extend(records);
    }

    pub(crate) fn record(&self, id: u64) -> Option<&Record> {
        self.records.get(&id)
    }

    pub(crate) fn record_mut(&mut self, id: u64) -> Option<&mut Record> {
        self.records.get_mut(&id)
    }

    /// All records, wherever they are, newest id first, as Zoho lists them by default.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = (u64, &Record)> {
        self.records.iter().rev().map(|(id, record)| (*id, record))
    }

    /// All records with smaller ids than this one, newest id first.
    pub(crate) fn older_than(&self, id: u64) -> impl Iterator<Item = (u64, &Record)> {
        self.records.range(..id).rev().map(|(id, record)| (*id, record))
    }

    /// All records that are not erased, to be changed.
    pub(crate) fn kept_mut(&mut self) -> impl Iterator<Item = (u64, &mut Record)> {
        let kept = |record: &Record| !record.is_purged();
        self.records
            .iter_mut()
            .filter(move |(_, record)| kept(record))
            .map(|(id, record)| (*id, record))
    }

    /// The live record of this id.
    pub(crate) fn live(&self, id: u64) -> Option<&Record> {
        self.record(id).filter(|record| record.is_live())
    }

    /// What is gone since a time (counted in whole seconds, as Zoho shows it), newest first.
    pub(crate) fn gone_since(&self, since_ms: Option<i64>) -> impl Iterator<Item = (u64, &Record)> {
        let from = since_ms.map_or(i64::MIN, |ms| ms.div_euclid(1000));
        self.gone.range((from, 0)..).rev().filter_map(|(_, id)| Some((*id, self.records.get(id)?)))
    }

    /// What is in the bin, newest first.
    pub(crate) fn binned(&self) -> impl Iterator<Item = (u64, Gone)> {
        self.binned.iter().rev().filter_map(|(_, id)| {
            let gone = self.records.get(id)?.in_bin()?;
            Some((*id, gone))
        })
    }

    /// What was deleted at or before a time and is still in the bin.
    pub(crate) fn binned_until(&self, until_ms: i64) -> Vec<u64> {
        self.binned.range(..=(until_ms.div_euclid(1000), u64::MAX)).map(|(_, id)| *id).collect()
    }

    /// Moves a live record to the bin, or beyond where the module has none.
    pub(crate) fn remove(&mut self, id: u64, gone: Gone) -> bool {
        let bin = self.bin;
        let Some(record) = self.records.get_mut(&id).filter(|record| record.is_live()) else {
            return false;
        };
        let key = (gone.at_ms.div_euclid(1000), id);
        self.gone.insert(key);
        if bin {
            record.place = Place::Binned(gone);
            self.binned.insert(key);
        } else {
            record.place = Place::Purged(gone);
        }
        true
    }

    /// Takes a record out of the bin for good.
    pub(crate) fn purge(&mut self, id: u64) -> bool {
        self.leave_bin(id, Place::Purged).is_some()
    }

    /// Brings a record back from the bin.
    pub(crate) fn restore(&mut self, id: u64) -> bool {
        let gone = self.leave_bin(id, |_| Place::Live);
        if let Some(gone) = gone {
            self.gone.remove(&(gone.at_ms.div_euclid(1000), id));
        }
        gone.is_some()
    }

    /// Lets a deletion lie back further.
    pub(crate) fn age(&mut self, id: u64, by_ms: i64) {
        let key = |gone: Gone| (gone.at_ms.div_euclid(1000), id);
        let Some(record) = self.records.get_mut(&id) else {
            return;
        };
        if let Place::Binned(gone) = &mut record.place {
            self.gone.remove(&key(*gone));
            self.binned.remove(&key(*gone));
            gone.at_ms = gone.at_ms.saturating_sub(by_ms);
            self.gone.insert(key(*gone));
            self.binned.insert(key(*gone));
        }
    }

    fn leave_bin(&mut self, id: u64, to: impl FnOnce(Gone) -> Place) -> Option<Gone> {
        let record = self.records.get_mut(&id)?;
        let gone = record.in_bin()?;
        record.place = to(gone);
        self.binned.remove(&(gone.at_ms.div_euclid(1000), id));
        Some(gone)
    }
}

impl Record {
    /// Its deletion, while it lies in the bin.
    pub(crate) const fn in_bin(&self) -> Option<Gone> {
        match self.place {
            Place::Binned(gone) => Some(gone),
            Place::Live | Place::Purged(_) => None,
        }
    }
}
