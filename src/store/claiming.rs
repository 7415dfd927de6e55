//! What a claim leaves out: what a person has forbidden since it was recorded.

use crate::domain::answer::RawAnswer;
use crate::domain::call::{CallItem, PreparedBatch};
use crate::domain::event::{EntriesHeld, Event, Returned};
use crate::domain::id::RunId;
use crate::domain::outcome::Judgement;
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::Scope;
use crate::domain::state::Outcome;
use crate::store::error::Result;
use crate::store::holding::Holds;
use crate::store::log::Seals;
use crate::store::queue::{Cursors, Picked, Rules, pick};
use crate::store::{WriteTx, entry};

impl WriteTx<'_> {
    /// Picks the entries of the next batch, without those that a hold covers by now: these are held.
    pub(crate) fn pick_free(
        &mut self,
        run: RunId,
        cursors: &mut Cursors,
        rules: Rules<'_>,
        at_most: usize,
    ) -> Result<Option<Picked>> {
        loop {
            let Some(mut picked) = pick(&self.tx, cursors, rules, at_most)? else {
                return Ok(None);
            };
            let held = self.held_of(&picked.kind.scope, &picked.items)?;
            if held.is_empty() {
                return Ok(Some(picked));
            }
            // Each turn takes entries out of the queue, so there is an end to it.
            picked.items.retain(|item| !held.contains(item.entry));
            self.hold_back(run, held)?;
            if !picked.items.is_empty() {
                return Ok(Some(picked));
            }
        }
    }

    /// Holds entries that came back to pending while a hold covers them.
    pub(crate) fn hold_back(&mut self, run: RunId, entries: EntryRanges) -> Result<()> {
        self.check_run(run)?;
        let event = Event::from(EntriesHeld { run, entries });
        entry::apply(&self.tx, &event)?;
        self.append(event, Seals::default()).map(|_| ())
    }

    /// Settles a batch, and holds what of it came back to pending while a hold covers it.
    pub(crate) fn settle_and_hold(
        &mut self,
        run: RunId,
        prepared: &PreparedBatch,
        raw: &RawAnswer,
        judgement: &Judgement,
    ) -> Result<()> {
        self.settle_batch(run, prepared, raw, judgement)?;
        let results = &judgement.results;
        self.hold_returned(run, prepared, |at| {
            results.get(at).is_some_and(|one| one.outcome == Outcome::Returned)
        })
    }

    /// Gives a batch back, and holds what of it a hold covers.
    pub(crate) fn give_back_and_hold(
        &mut self,
        run: RunId,
        prepared: &PreparedBatch,
        reason: Returned,
        detail: &str,
    ) -> Result<()> {
        self.give_back(run, prepared, reason, detail)?;
        self.hold_returned(run, prepared, |_| true)
    }

    fn hold_returned(
        &mut self,
        run: RunId,
        prepared: &PreparedBatch,
        returned: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let items = prepared.items().iter().enumerate().filter(|(at, _)| returned(*at));
        let items: Vec<CallItem> = items.map(|(_, item)| *item).collect();
        let held = self.held_of(&prepared.kind().scope, &items)?;
        if held.is_empty() { Ok(()) } else { self.hold_back(run, held) }
    }

    /// Those of a batch's entries that a hold covers by now.
    pub(crate) fn held_of(&self, scope: &Scope, items: &[CallItem]) -> Result<EntryRanges> {
        let holds = Holds::load(&self.tx)?;
        let mut held = EntryRanges::default();
        if holds.is_empty() {
            return Ok(held);
        }
        for item in items {
            if holds.cover(&self.tx, scope, item.target)? {
                held.push(item.entry);
            }
        }
        Ok(held)
    }
}
