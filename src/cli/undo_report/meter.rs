//! What the reads of `--check` may cost: the budgets of a run, with what runs spent in the last day. Nothing is
//! recorded, so that what is read here counts for no later run; that is said in the help.

use std::cell::{Cell, RefCell};

use crate::cli::context::Context;
use crate::cli::signing::{self, NotRead};
use crate::domain::answer::{OrgInfo, Read, ReadError};
use crate::domain::usage::{ANY_OTHER, DailyBudget, Window};
use crate::reconcile::budget::Budget;
use crate::reconcile::options::Limit;
use crate::store::{Reader, StoreError};
use crate::zoho::Zoho;

/// A read that was not made, or did not come about.
#[derive(Debug)]
pub(super) enum Unseen {
    /// There is no room for it in a budget.
    Limit(Limit),
    /// It failed.
    NotRead(NotRead),
}

/// A client whose reads are taken out of budgets.
pub(super) struct Metered<'a, Z> {
    zoho: &'a Z,
    context: &'a Context,
    budget: RefCell<Budget>,
}

impl<'a, Z: Zoho> Metered<'a, Z> {
    pub(super) fn new(
        zoho: &'a Z,
        context: &'a Context,
        reader: &Reader,
    ) -> Result<Self, StoreError> {
        let settings = &context.settings;
        let window = Window::new(reader.usage(context.now())?);
        let mut budget = Budget::new(settings.max_calls.value, settings.max_credits.value, window);
        // A share needs the org's edition, which is read first.
        if let Some(daily @ DailyBudget::Credits(_)) = settings.daily_credits.value {
            budget.keep_daily(daily.credits(None));
        }
        Ok(Self { zoho, context, budget: RefCell::new(budget) })
    }

    /// Keeps to a share of the org's day, where the daily budget is one.
    pub(super) fn heed_edition(&self, org: &OrgInfo) {
        if let Some(budget @ DailyBudget::Share(_)) = self.context.settings.daily_credits.value {
            self.budget.borrow_mut().keep_daily(budget.credits(org.credits_a_day()));
        }
    }

    /// Whether so many reads fit. None is made in vain where they do not.
    pub(super) fn has_room(&self, reads: usize) -> Result<(), Limit> {
        let (mut budget, now) = (self.budget.borrow().clone(), self.context.now());
        (0..reads).try_for_each(|_| budget.spend(now, ANY_OTHER.of(1)))
    }

    /// Makes a read, if it fits.
    pub(super) async fn read<T>(
        &self,
        read: impl AsyncFn(&Z) -> Result<Read<T>, ReadError>,
    ) -> Result<Read<T>, Unseen> {
        self.spend().map_err(Unseen::Limit)?;
        let calls = Cell::new(0_u32);
        let answer = signing::read(self.zoho, async |zoho: &Z| {
            calls.set(calls.get() + 1);
            read(zoho).await
        });
        let answer = answer.await;
        // Where Zoho refused a token another call was made; it is counted, whether or not there was room for it.
        if calls.get() > 1 {
            self.spend().ok();
        }
        if let Some(left) = answer.as_ref().ok().and_then(|read| read.credits_remaining) {
            self.budget.borrow_mut().see_left(left);
        }
        answer.map_err(Unseen::NotRead)
    }

    fn spend(&self) -> Result<(), Limit> {
        self.budget.borrow_mut().spend(self.context.now(), ANY_OTHER.of(1))
    }
}
