//! What happened to records, and a picture of everything at one moment.

use std::collections::BTreeMap;

use serde_json::Value;

/// Who did something to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The user whose tokens the simulator gives out.
    TokenUser,
    /// Another user of the org.
    OtherUser,
    /// The end of the bin's 60 days.
    Retention,
}

/// What happened to a record, to a tag's definition or to a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EffectKind {
    /// It was deleted: moved to the bin, or erased where there is none for it.
    Deleted,
    /// It was brought back from the bin.
    Restored,
    /// It left the bin for good.
    Purged,
    /// A tag with this id was put on it.
    Tagged(u64),
    /// The tag with this id was taken off it, by itself or because its definition was deleted.
    Untagged(u64),
    /// It was linked with the record of this id; both records have this effect.
    Linked(u64),
    /// It was unlinked from the record of this id; both records have this effect.
    Unlinked(u64),
}

/// One thing that happened to one record, tag or note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// What happened.
    pub kind: EffectKind,
    /// Who did it.
    pub by: Actor,
    /// When, in milliseconds of the simulator's clock.
    pub at_ms: i64,
    /// The number of the API call that did it; `None` for what came from the simulator's controls
    /// and from the bin's retention.
    pub request: Option<u64>,
    /// Whether workflows ran.
    pub workflows: bool,
}

/// The ids of one module, by place, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleSnapshot {
    /// Those that can be read.
    pub live: Vec<u64>,
    /// Those in the recycle bin.
    pub binned: Vec<u64>,
    /// Those beyond it.
    pub purged: Vec<u64>,
}

/// A mass deletion of tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSnapshot {
    /// Its id.
    pub id: u64,
    /// The number of the API call that submitted it.
    pub request: u64,
    /// The API name of its module.
    pub module: String,
    /// `SCHEDULED`, `RUNNING`, `COMPLETED` or `FAILED`.
    pub status: &'static str,
    /// The tags it was given, in order.
    pub tags: Vec<u64>,
    /// Those that it deleted.
    pub deleted: Vec<u64>,
    /// Those that it could not delete, as far as it has come.
    pub failed: Vec<u64>,
    /// When it began to wait, in milliseconds of the simulator's clock.
    pub submitted_ms: i64,
}

/// Everything at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The modules by API name.
    pub modules: BTreeMap<String, ModuleSnapshot>,
    /// What happened to each record, tag and note, in order; those to which nothing happened are
    /// left out.
    pub history: BTreeMap<u64, Vec<Effect>>,
    /// The tags that there are: module, name, id.
    pub tags: BTreeMap<String, BTreeMap<String, u64>>,
    /// The colours of those tags that have one: module, name.
    pub tag_colors: BTreeMap<String, BTreeMap<String, &'static str>>,
    /// The names of each record's tags, by module, in the order in which they were put on it;
    /// records without tags are left out.
    pub record_tags: BTreeMap<String, BTreeMap<u64, Vec<String>>>,
    /// What is linked: module, parent, related list, ids ascending. A relation stands here from
    /// both of its sides; notes and attachments stand under their parents.
    pub links: BTreeMap<String, BTreeMap<u64, BTreeMap<String, Vec<u64>>>>,
    /// What links carry (`Member_Status`, `list_price`), where they carry anything: the record, its
    /// list and the record on it.
    pub link_fields: BTreeMap<(u64, String, u64), Value>,
    /// The parents of records that are not erased and have one.
    pub parents: BTreeMap<u64, u64>,
    /// What keeps records that are not erased from something: `locked`, `unapproved`,
    /// `in_blueprint`, `converted`.
    pub marks: BTreeMap<u64, Vec<&'static str>>,
    /// The mass deletions of tags, in the order of their submission.
    pub jobs: Vec<JobSnapshot>,
    /// How many restores from the recycle bin have yet to be done.
    pub scheduled_restores: usize,
    /// How many API calls arrived.
    pub requests: u64,
    /// How many of them asked for a change.
    pub writes: u64,
    /// How many calls under [`Fault::Late`](crate::simulator::Fault::Late) have yet to take effect.
    pub late: usize,
    /// The API credits used within the last day.
    pub credits_used: u64,
    /// How many API calls were answered with 429.
    pub throttled: u64,
    /// The most API calls that were under way at once; those answered with 429 were not let in.
    pub most_at_once: usize,
}

impl Snapshot {
    /// What happened to a record.
    pub fn effects_of(&self, id: u64) -> &[Effect] {
        self.history.get(&id).map_or(&[], Vec::as_slice)
    }

    /// How many times an API call deleted a record.
    pub fn deletions_by_calls(&self, id: u64) -> usize {
        self.effects_of(id)
            .iter()
            .filter(|effect| effect.kind == EffectKind::Deleted && effect.request.is_some())
            .count()
    }

    /// The API calls that had this effect on a record, tag or note, by their numbers, in order.
    pub fn calls_that(&self, kind: EffectKind, id: u64) -> Vec<u64> {
        let effects = self.effects_of(id).iter().filter(|effect| effect.kind == kind);
        effects.filter_map(|effect| effect.request).collect()
    }

    /// The names of a record's tags, in the order in which they were put on it.
    pub fn tags_of(&self, id: u64) -> Vec<&str> {
        let names = self.record_tags.values().find_map(|records| records.get(&id));
        names.into_iter().flatten().map(String::as_str).collect()
    }

    /// What is linked with a record by a related list, ascending.
    pub fn linked(&self, parent: u64, list: &str) -> &[u64] {
        let lists = self.links.values().find_map(|parents| parents.get(&parent));
        lists.and_then(|lists| lists.get(list)).map_or(&[], Vec::as_slice)
    }

    /// Whether a record can be read.
    pub fn is_live(&self, id: u64) -> bool {
        self.modules.values().any(|module| module.live.binary_search(&id).is_ok())
    }
}
