//! What happened to records, and a picture of everything at one moment.

use std::collections::BTreeMap;

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

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EffectKind {
    /// It was deleted: moved to the bin, or erased where the module has none.
    Deleted,
    /// It was brought back from the bin.
    Restored,
    /// It left the bin for good.
    Purged,
}

/// One thing that happened to one record.
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

/// Everything at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The modules by API name.
    pub modules: BTreeMap<String, ModuleSnapshot>,
    /// What happened to each record, in order; records to which nothing happened are left out.
    pub history: BTreeMap<u64, Vec<Effect>>,
    /// How many API calls arrived.
    pub requests: u64,
    /// How many of them asked for a change.
    pub writes: u64,
    /// How many calls under [`Fault::Late`](crate::simulator::Fault::Late) have yet to take effect.
    pub late: usize,
    /// The API credits used within the last day.
    pub credits_used: u64,
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

    /// Whether a record can be read.
    pub fn is_live(&self, id: u64) -> bool {
        self.modules.values().any(|module| module.live.binary_search(&id).is_ok())
    }
}
