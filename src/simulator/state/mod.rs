//! The org's contents: users, modules, records, the recycle bin, and what happened to them.

mod difference;
mod family;
mod history;
mod jobs;
mod links;
mod module;
mod relation;
mod snapshot;
mod tags;

use std::collections::BTreeMap;

pub(crate) use family::Restoring;
pub use history::{Actor, Effect, EffectKind, JobSnapshot, ModuleSnapshot, Snapshot};
use jobs::Job;
pub(crate) use jobs::{Course, JobPlan};
pub(crate) use links::Link;
pub(crate) use module::{Gone, Mark, Module, Place, Record};
pub(crate) use relation::{Beside, ChildList, List, find_list, lists_of};
pub(crate) use tags::{COLORS, MOST_ON_RECORD, MOST_TAGS, NAME, Tag, is_tag_name};

use super::dice;
use super::time::DAY_MS;

/// Deleted records stay in the bin for so long (CRM Get Deleted Records page).
pub(crate) const BIN_DAYS: i64 = 60;
/// So long after its deletion an erased record is still listed (the same page).
pub(crate) const LISTED_DAYS: i64 = 120;

/// The modules that the CRM v2 Delete Records page names, with their API names.
const STANDARD: [&str; 17] = [
    "Leads",
    "Accounts",
    "Contacts",
    "Deals",
    "Campaigns",
    "Tasks",
    "Cases",
    "Events",
    "Calls",
    "Solutions",
    "Products",
    "Vendors",
    "Price_Books",
    "Quotes",
    "Sales_Orders",
    "Purchase_Orders",
    "Invoices",
];
/// A custom module whose records are erased when deleted.
pub(crate) const WITHOUT_BIN: &str = "Logs__c";
/// The modules that only the Delink page names, and the one that only Bigin has.
const LATER: [&str; 3] = ["Appointments__s", "Services__s", "Pipelines"];
/// A custom module whose records cannot be deleted.
pub(crate) const NOT_DELETABLE: &str = "Ledger__c";
/// A module that the API does not serve (named by the CRM v2 Delete Records page).
pub(crate) const NOT_IN_API: &str = "Documents";

const FIRST_NAMES: [&str; 8] =
    ["Patricia", "Zoë", "Ali", "Yuki", "Nadia", "=SUM(1)", "Łukasz", "Mei \"May\""];
const LAST_NAMES: [&str; 8] =
    ["Boyle", "O'Neil", "de la Cruz", "Ng", "Straße", "Kowalska", "@home", "Smith, Jr."];

/// The org and everything in it.
#[derive(Debug)]
pub(crate) struct World {
    seed: u64,
    /// All ids of the org begin with these six digits.
    prefix: u64,
    next_id: u64,
    /// How many ids were given to tags, jobs and notes, and how far apart.
    minted: u64,
    modules: BTreeMap<String, Module>,
    tags: tags::Tags,
    links: links::Links,
    jobs: Vec<Job>,
    family: family::Family,
    history: BTreeMap<u64, Vec<Effect>>,
}

/// By whom and when something is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hand {
    pub(crate) by: Actor,
    pub(crate) at_ms: i64,
    pub(crate) request: Option<u64>,
    pub(crate) workflows: bool,
}

impl Hand {
    /// Another user's, in the user interface.
    pub(crate) const fn other(at_ms: i64) -> Self {
        Self { by: Actor::OtherUser, at_ms, request: None, workflows: true }
    }

    /// That of the call with this number.
    pub(crate) const fn call(request: u64, at_ms: i64) -> Self {
        Self { by: Actor::TokenUser, at_ms, request: Some(request), workflows: true }
    }
}

/// What became of a wish to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleting {
    Done,
    /// Already deleted, or never known.
    NotThere,
    /// Kept by a lock, a missing approval or a blueprint.
    Kept(Mark),
}

impl World {
    /// An org with the standard modules and no records.
    pub(crate) fn new(seed: u64) -> Self {
        let prefix = 100_000 + dice::draw(seed, 0, 60) % 900_000;
        let mut world = Self {
            seed,
            prefix,
            next_id: 2_000_000,
            minted: 0,
            modules: BTreeMap::new(),
            tags: tags::Tags::default(),
            links: links::Links::default(),
            jobs: Vec::new(),
            family: family::Family::default(),
            history: BTreeMap::new(),
        };
        for name in STANDARD.into_iter().chain([NOT_IN_API]) {
            world.add_module(name).custom = false;
        }
        world.add_module(WITHOUT_BIN).bin = false;
        world.add_module(NOT_DELETABLE).deletable = false;
        for name in LATER {
            world.add_module(name).custom = false;
        }
        if let Some(module) = world.modules.get_mut(NOT_IN_API) {
            module.api_supported = false;
        }
        world
    }

    /// The id of something that is no record, such as a user: 18 digits.
    fn own_id(&self, number: u64) -> u64 {
        self.prefix * 1_000_000_000_000 + number
    }

    /// The id of a new tag, job or note.
    fn mint(&mut self) -> u64 {
        self.minted += 1 + dice::draw(self.seed, self.minted, 65) % 16;
        self.own_id(500_000_000_000 + self.minted)
    }

    pub(crate) fn org_id(&self) -> u64 {
        self.own_id(225_013)
    }

    /// Id and name of a user; retention acts in nobody's name.
    pub(crate) fn user(&self, actor: Actor) -> Option<(u64, &'static str)> {
        match actor {
            Actor::TokenUser => Some((self.own_id(86_001), "Ada Operator")),
            Actor::OtherUser => Some((self.own_id(86_002), "Boris Colleague")),
            Actor::Retention => None,
        }
    }

    /// An id of this org that no record has or will have.
    pub(crate) fn unknown_id(&self, bits: u64) -> u64 {
        self.own_id(900_000_000_000 + bits % 1_000_000_000)
    }

    /// A record's name, which follows from its id.
    pub(crate) fn name_of(&self, id: u64) -> String {
        let pick = |names: [&'static str; 8], salt| {
            let index = dice::position(dice::draw(self.seed, id, salt), names.len());
            names.get(index).copied().unwrap_or_default()
        };
        format!("{} {}", pick(FIRST_NAMES, 61), pick(LAST_NAMES, 62))
    }

    /// The module of this name, made as a custom one where there is none.
    pub(crate) fn add_module(&mut self, api_name: &str) -> &mut Module {
        let number = u64::try_from(self.modules.len()).unwrap_or_default();
        let id = self.own_id(2_001 + 2 * number);
        self.modules
            .entry(api_name.to_owned())
            .or_insert_with(|| Module::new(id, api_name.to_owned()))
    }

    /// Adds records to a module and gives their ids, ascending.
    pub(crate) fn add_records(&mut self, module: &str, count: usize, now: i64) -> Vec<u64> {
        let mut records = Vec::with_capacity(count);
        for _ in 0..count {
            self.next_id += 1 + dice::draw(self.seed, self.next_id, 63) % 16;
            let id = self.own_id(self.next_id);
            // Nobody changed it today: that would look like a restore after a call that was just lost.
            let age = 1 + i64::try_from(dice::draw(self.seed, id, 64) % 364).unwrap_or(0);
            let created = now.saturating_sub(400 * DAY_MS);
            let record = Record::new(created, now.saturating_sub(age * DAY_MS));
            records.push((id, record));
        }
        let ids = records.iter().map(|(id, _)| *id).collect();
        self.add_module(module).extend(records);
        ids
    }

    pub(crate) fn module(&self, api_name: &str) -> Option<&Module> {
        self.modules.get(api_name)
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values()
    }

    /// The module that a record is or was in.
    pub(crate) fn module_of(&mut self, id: u64) -> Option<&mut Module> {
        self.modules.values_mut().find(|module| module.record(id).is_some())
    }

    /// Deletes a record as Zoho does: only what is there, and only what nothing keeps.
    pub(crate) fn delete(&mut self, module: &str, id: u64, hand: Hand) -> Deleting {
        let Some(module) = self.modules.get_mut(module) else {
            return Deleting::NotThere;
        };
        let Some(record) = module.record(id).filter(|record| record.is_live()) else {
            return Deleting::NotThere;
        };
        let kept = [Mark::Locked, Mark::Unapproved, Mark::InBlueprint]
            .into_iter()
            .find(|mark| record.has(*mark));
        if let Some(mark) = kept {
            return Deleting::Kept(mark);
        }
        let Hand { at_ms, by, .. } = hand;
        let gone = Gone { at_ms, by, with: None };
        module.remove(id, gone);
        self.note(id, EffectKind::Deleted, hand);
        self.take_along(id, gone, hand);
        Deleting::Done
    }

    /// Deletes a record whatever keeps it, as by somebody in the user interface.
    pub(crate) fn delete_by_hand(&mut self, id: u64, by: Actor, now: i64) -> bool {
        let gone = Gone { at_ms: now, by, with: None };
        let done = self.module_of(id).is_some_and(|module| module.remove(id, gone));
        self.note_if(done, id, EffectKind::Deleted, by, now);
        if done {
            self.take_along(id, gone, Hand { by, at_ms: now, request: None, workflows: true });
        }
        done
    }

    /// Marks a live record.
    pub(crate) fn mark(&mut self, id: u64, mark: Mark) -> bool {
        self.change(id, |record| record.mark(mark))
    }

    /// Takes a mark off a live record.
    pub(crate) fn unmark(&mut self, id: u64, mark: Mark) -> bool {
        self.change(id, |record| record.unmark(mark))
    }

    /// Sets a live record's `Modified_Time` to now.
    pub(crate) fn touch(&mut self, id: u64, now: i64) -> bool {
        self.change(id, |record| record.modified_ms = now)
    }

    /// Erases what has been in the bin for its 60 days.
    pub(crate) fn expire(&mut self, now: i64) {
        let until = now.saturating_sub(BIN_DAYS * DAY_MS);
        let due: Vec<u64> =
            self.modules.values().flat_map(|module| module.binned_until(until)).collect();
        for id in due {
            self.purge(id, Actor::Retention, now);
        }
    }

    fn change(&mut self, id: u64, change: impl FnOnce(&mut Record)) -> bool {
        let record = self
            .module_of(id)
            .and_then(|module| module.record_mut(id))
            .filter(|record| record.is_live());
        record.map(change).is_some()
    }

    fn note_if(&mut self, done: bool, id: u64, kind: EffectKind, by: Actor, at_ms: i64) -> bool {
        if done {
            let workflows = kind == EffectKind::Deleted;
            self.note(id, kind, Hand { by, at_ms, request: None, workflows });
        }
        done
    }

    fn note(&mut self, id: u64, kind: EffectKind, hand: Hand) {
        self.history.entry(id).or_default().push(Effect {
            kind,
            by: hand.by,
            at_ms: hand.at_ms,
            request: hand.request,
            workflows: hand.workflows,
        });
    }
}
