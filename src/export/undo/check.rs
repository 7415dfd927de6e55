//! What a look at Zoho changes in what the rule says: the rule knows the journal and the clock only.

use std::collections::{BTreeMap, HashMap};

use crate::domain::id::{EntryId, RecordId};
use crate::domain::limits::BIN_KEEPS;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::domain::undo::{Undo, Why};
use crate::export::undo::Remedy;
use crate::store::query::EntryView;

/// What a look at Zoho shows of one entry's thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// It lies in the recycle bin, since then.
    InBin(Option<Timestamp>),
    /// It is missing still, and can be put back.
    Missing,
    /// It is there again.
    Back,
    /// It is neither there nor in the recycle bin.
    Purged,
    /// What it belongs to is not there.
    NoHolder,
}

/// What was seen, by entry. What could not be read is not in it.
pub type Corrections = HashMap<EntryId, Correction>;

/// What is to be looked at, by what one read may ask for.
#[derive(Debug, Default)]
pub struct ToCheck(pub BTreeMap<Scope, Vec<(EntryId, RecordId)>>);

impl ToCheck {
    /// Takes an entry in, if a look can say more about it than the journal knows.
    pub fn add(&mut self, entry: &EntryView, remedy: &Remedy) {
        let (Some(target), Some(task)) = (entry.target, &remedy.task) else { return };
        // The bin may keep longer than it must.
        if !remedy.undo.can_come_back() && remedy.undo.why != Why::BinOver {
            return;
        }
        let Some(action) = task.action(entry.scope.parent) else { return };
        let (product, module) = (entry.scope.product, entry.scope.module.clone());
        let scope = Scope { product, module, action };
        self.0.entry(scope).or_default().push((entry.entry, target));
    }

    /// How many entries are to be looked at.
    pub fn entries(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

impl Remedy {
    /// The same, after a look.
    #[must_use]
    pub fn corrected(self, seen: Correction) -> Self {
        let under_way = self.undo.why == Why::UnderWay;
        let undo = match seen {
            Correction::Back => Undo::because(Why::BackAlready),
            Correction::Purged => Undo::because(Why::Purged),
            Correction::NoHolder => Undo::because(Why::NoHolder),
            Correction::Missing => self.undo,
            Correction::InBin(at) => {
                let until = at.map(|at| at.plus(BIN_KEEPS)).or(self.undo.until);
                let why = if under_way { Why::UnderWay } else { Why::InBin };
                Undo { until, by: self.undo.by, ..Undo::because(why) }
            }
        };
        Self { undo, ..self }
    }
}
