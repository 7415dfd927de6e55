//! What a look at Zoho changes in what the rule says: the rule knows the journal and the clock only.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::domain::evidence::CLOCK_TOLERANCE;
use crate::domain::evidence::deletion::SeenDeleted;
use crate::domain::id::{EntryId, RecordId};
use crate::domain::limits::BIN_KEEPS;
use crate::domain::scope::{Scope, TagSet, Task};
use crate::domain::undo::{Undo, Why};
use crate::export::undo::{DeletedAgain, Remedy, deleted_at};
use crate::store::query::EntryView;

/// Clocks of Zoho and of this machine are taken to differ by no more.
const CLOCKS_DIFFER: Duration = Duration::from_mins(5);

/// What a look at Zoho shows of one entry's thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Correction {
    /// It lies in the recycle bin, since then, by whose hand.
    InBin(SeenDeleted),
    /// Of a record's tags these are missing still, and others are there again.
    TagsLeft(TagSet),
    /// A deleted tag is defined again, and these of the records that carried it lack it.
    RecordsLeft(Vec<RecordId>),
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
pub struct ToCheck {
    /// The entries, and what they are about.
    pub scopes: BTreeMap<Scope, Vec<(EntryId, RecordId)>>,
    /// Of deleted tags: their names, and the records that are to carry them again.
    pub carriers: HashMap<EntryId, (TagSet, Vec<RecordId>)>,
}

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
        self.scopes.entry(scope).or_default().push((entry.entry, target));
        let name = remedy.tag_name().and_then(|name| TagSet::new([name]).ok());
        if let (Some(name), Some(records)) = (name, &remedy.records_left) {
            self.carriers.insert(entry.entry, (name, records.clone()));
        }
    }

    /// How many entries are to be looked at.
    pub fn entries(&self) -> usize {
        self.scopes.values().map(Vec::len).sum()
    }
}

impl Remedy {
    /// The same, after a look.
    #[must_use]
    pub fn corrected(mut self, entry: &EntryView, seen: &Correction) -> Self {
        let under_way = self.undo.why == Why::UnderWay;
        let part_left = |by| {
            let why = if under_way { Why::UnderWay } else { Why::PartLeft };
            Undo { why, by, ..Undo::part_left(entry.scope.operation) }
        };
        let undo = match seen {
            Correction::TagsLeft(left) => {
                self.task = Some(Task::Retag(left.clone()));
                part_left(self.undo.by)
            }
            Correction::RecordsLeft(left) => {
                self.lacks_itself = false;
                self.records_left = Some(left.clone());
                part_left(self.undo.by)
            }
            Correction::Back => Undo::because(Why::BackAlready),
            Correction::Purged => Undo::because(Why::Purged),
            Correction::NoHolder => Undo::because(Why::NoHolder),
            Correction::Missing => self.undo,
            Correction::InBin(deletion) => {
                let until = deletion.at.map(|at| at.plus(BIN_KEEPS)).or(self.undo.until);
                let again = later_deletion(entry, deletion);
                let kept = matches!(self.undo.why, Why::UnderWay | Why::NeedsParent);
                let why = if kept {
                    self.undo.why
                } else if again.is_some() {
                    Why::DeletedAgain
                } else {
                    Why::InBin
                };
                self.lacks_itself = true;
                self.deleted_again = again;
                self.looked_at = true;
                Undo { until, by: self.undo.by, ..Undo::because(why) }
            }
        };
        Self { undo, ..self }
    }
}

/// What shows in the bin of a record that this journal deleted, but is not what this journal did: then it was there
/// in between.
pub(super) fn later_deletion(entry: &EntryView, seen: &SeenDeleted) -> Option<DeletedAgain> {
    let at = seen.at?;
    let batch = entry.last_batch()?;
    let (sent, user) = (batch.submitted_at()?, batch.user);
    let known = entry.facts().as_ref().and_then(deleted_at);
    let another = seen.by.is_some() && user.is_some() && seen.by != user;
    let first = sent.minus(CLOCK_TOLERANCE);
    // Of our own user, or of nobody who is named, only a time that our call cannot have tells.
    let last = known.unwrap_or(batch.end.as_ref()?.at).plus(CLOCKS_DIFFER);
    (at > last || (another && at >= first)).then_some(DeletedAgain { at, by: seen.by })
}
