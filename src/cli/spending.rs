//! What the journal used in the last 24 hours, and what holds the next calls back: for `status` and `plan`.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::words::{counted, grouped};
use crate::domain::pace::Breaker;
use crate::domain::time::Timestamp;
use crate::domain::usage::{DailyBudget, Window};
use crate::store::Reader;

/// What was used, and what is left. Its keys are part of the JSON of `status` and `plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Spending {
    /// API calls of this journal in the last 24 hours.
    pub(crate) calls_24h: u64,
    /// API credits of this journal in the last 24 hours.
    pub(crate) credits_24h: u64,
    /// The daily budget, as it is set.
    pub(crate) daily_credits: Option<String>,
    /// What the budget leaves now; `null` without one, and for a share, which needs the org's edition.
    pub(crate) daily_left: Option<u64>,
    /// What Zoho last said is left of the org's credits, which it says once half of them are used.
    pub(crate) org_credits_left: Option<u64>,
    /// When it said so.
    pub(crate) org_credits_at: Option<Timestamp>,
    /// Zoho asked for fewer calls: no run makes one before then.
    pub(crate) not_before: Option<Timestamp>,
}

impl Spending {
    pub(crate) fn of(context: &Context, reader: &Reader) -> Result<Self, CliError> {
        let now = context.now();
        let used = Window::new(reader.usage(now)?).total(now);
        let daily = context.settings.daily_credits.value;
        let left = reader.credits_left()?;
        let breaker = reader.breaker()?.and_then(|breaker: Breaker| breaker.holds(now));
        Ok(Self {
            calls_24h: used.calls,
            credits_24h: used.credits,
            daily_credits: daily.map(|budget| budget.to_string()),
            daily_left: match daily {
                Some(DailyBudget::Credits(limit)) => Some(limit.saturating_sub(used.credits)),
                Some(DailyBudget::Share(_)) | None => None,
            },
            org_credits_left: left.map(|left| left.credits),
            org_credits_at: left.map(|left| left.at),
            not_before: breaker,
        })
    }

    /// `1,204 credits by 310 calls in the last 24 hours; the daily budget of 5000 leaves 3,796`
    pub(crate) fn in_words(&self) -> String {
        let used = format!(
            "{} by {} in the last 24 hours",
            counted(self.credits_24h, "credit", "credits"),
            counted(self.calls_24h, "call", "calls"),
        );
        let used =
            if self.calls_24h == 0 { "nothing in the last 24 hours".to_owned() } else { used };
        let budget = self.daily_credits.as_ref().map(|budget| match self.daily_left {
            Some(left) => format!("the daily budget of {budget} leaves {}", grouped(left)),
            None => format!("the daily budget is {budget} of the org's day"),
        });
        let org = self.org_credits_left.zip(self.org_credits_at);
        let org = org.map(|(left, at)| format!("the org had {} left at {at}", grouped(left)));
        [Some(used), budget, org].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// The lines of a plan of so many credits.
    pub(crate) fn beside_a_plan(&self, credits: u64) -> Vec<String> {
        let used = (self.calls_24h > 0 || self.daily_credits.is_some())
            .then(|| format!("Used before: {}", self.in_words()));
        let short = self.daily_left.filter(|left| credits > *left).map(|left| {
            let left = counted(left, "credit", "credits");
            format!("sync would stop before the end: the daily budget leaves {left}")
        });
        [used, short, self.held_back()].into_iter().flatten().collect()
    }

    /// Why no call is made for a while.
    pub(crate) fn held_back(&self) -> Option<String> {
        let until = self.not_before?;
        Some(format!("Zoho asked for fewer calls: no run makes one before {until}"))
    }
}
