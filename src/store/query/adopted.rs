//! What adoptions leave in doubt about an entry.

use crate::domain::state::{EntryState, Verdict};
use crate::store::query::view::{EntryView, Step};

impl EntryView {
    /// What was done for good before the journal was adopted is in no doubt.
    pub(super) fn leave_out_later_adoptions(&mut self) {
        let for_good = [EntryState::Done, EntryState::Absent, EntryState::Cancelled];
        if self.adoptions.is_empty() || !for_good.contains(&self.state) {
            return;
        }
        let last = self.last_word().and_then(Step::seq);
        self.adoptions.retain(|one| last.is_none_or(|last| one.seq < last));
    }

    /// Whether a lost part of the log may have sent it before something was read, and nothing was read between that
    /// showed that no call had done anything.
    pub fn may_be_lost_before(&self, step: &Step) -> bool {
        let Some(read) = step.seq() else { return false };
        let Some(adoption) = self.adoptions.iter().rev().find(|one| one.seq < read) else {
            return false;
        };
        !self.steps.iter().any(|one| {
            let closes =
                matches!(one, Step::Evidence { verdict: Verdict::Failed | Verdict::Pending, .. });
            closes && one.seq().is_some_and(|seq| adoption.seq < seq && seq < read)
        })
    }

    /// Whether it is unknown since the journal was adopted, and nothing was read since.
    pub fn is_adopted_unread(&self) -> bool {
        let last = self.steps.iter().filter_map(Step::seq).max();
        self.state == EntryState::Unknown
            && self.adoptions.last().is_some_and(|one| last.is_none_or(|last| last < one.seq))
    }
}
