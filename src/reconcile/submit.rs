//! Submitting: several slots at once, each claims the next batch while its present call is under way.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::domain::answer::{RawAnswer, SendError};
use crate::domain::call::PreparedBatch;
use crate::domain::codes::{Level, Meaning, meaning};
use crate::domain::event::{Returned, Unanswered};
use crate::domain::limits::{IDS_PER_READ, SEND_WITHIN, SNAPSHOT_MAX_AGE, items_per_call};
use crate::domain::outcome::{Halt, Judgement, judge};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::Outcome;
use crate::reconcile::options::{Progress, RunError, Stop};
use crate::reconcile::shared::{Setback, Shared};
use crate::store::StoreError;
use crate::store::queue::Picked;
use crate::store::writer::{Claimed, LostCall};
use crate::zoho::{Zoho, answer, cost};

/// A batch that was claimed, and until when it may be sent, on a clock that counts suspend.
struct Ready {
    prepared: PreparedBatch,
    send_within: Duration,
}

/// What a slot learned.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Submitted {
    pub(crate) batches: u64,
}

/// Connections that failed in a row after which the run stops.
const MAX_SETBACKS: u32 = 5;

/// Sends what is due until nothing is, or something stops the run or asks for evidence first.
pub(crate) async fn submit<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
) -> Result<Submitted, RunError> {
    let mut slots = JoinSet::new();
    let read_first = Arc::new(tokio::sync::Mutex::new(()));
    for _ in 0..shared.options.concurrency.max(1) {
        let slot = Slot { shared: Arc::clone(shared), read_first: Arc::clone(&read_first) };
        slots.spawn(slot.run());
    }
    let mut total = Submitted::default();
    let mut failure = None;
    while let Some(ended) = slots.join_next().await {
        match ended {
            Ok(Ok(submitted)) => total.batches += submitted.batches,
            Ok(Err(error)) => {
                // The others find the writer gone, or end with their present call.
                failure.get_or_insert(error);
                shared.stop(Stop::Interrupted);
            }
            Err(error) => {
                failure.get_or_insert(RunError::Broken(error.to_string()));
            }
        }
    }
    failure.map_or(Ok(total), Err)
}

struct Slot<Z, C> {
    shared: Arc<Shared<Z, C>>,
    read_first: Arc<tokio::sync::Mutex<()>>,
}

impl<Z: Zoho, C: Clock> Slot<Z, C> {
    async fn run(self) -> Result<Submitted, RunError> {
        let mut submitted = Submitted::default();
        let mut next = self.claim().await?;
        while let Some(ready) = next {
            // The next batch is recorded while this one's call is under way, so that a slow disk does not
            // add to the latency of each call.
            let (sent, claimed) = tokio::join!(self.carry_out(ready), self.claim());
            let (sent, claimed) = (sent?, claimed?);
            submitted.batches += u64::from(sent);
            next = claimed;
        }
        Ok(submitted)
    }

    /// Claims the next batch. `None` when nothing is due or the run is stopping.
    async fn claim(&self) -> Result<Option<Ready>, RunError> {
        let shared = &self.shared;
        loop {
            // Before claiming, since a claimed batch may not wait for long.
            if !shared.wait_for_turn().await {
                return Ok(None);
            }
            if shared.is_stopping() || !shared.over_the_limit().is_empty() {
                return Ok(None);
            }
            let claimed = match shared.writer.claim(usize::MAX).await {
                Ok(Claimed::ReadFirst(_)) => self.claim_after_reading().await,
                other => other,
            };
            match claimed {
                Ok(Claimed::Batch(prepared)) => {
                    let send_within = shared.clock.elapsed() + SEND_WITHIN;
                    return Ok(Some(Ready { prepared, send_within }));
                }
                Ok(Claimed::Nothing | Claimed::ReadFirst(_)) => return Ok(None),
                // Somebody else moved one of the entries meanwhile: look again.
                Err(StoreError::Conflict { .. } | StoreError::Transition(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads what is there before claiming, one slot at a time: the entries are not claimed yet, so that
    /// two slots would read the same ones.
    async fn claim_after_reading(&self) -> Result<Claimed, StoreError> {
        let shared = &self.shared;
        let _turn = self.read_first.lock().await;
        loop {
            let picked = match shared.writer.claim(usize::MAX).await? {
                Claimed::ReadFirst(picked) => picked,
                other @ (Claimed::Batch(_) | Claimed::Nothing) => return Ok(other),
            };
            let began = shared.clock.elapsed();
            let Some(seen) = self.seen(&picked).await else { return Ok(Claimed::Nothing) };
            // A read that had to wait for its turn shows what was there long before the call.
            if shared.clock.elapsed().saturating_sub(began) <= SNAPSHOT_MAX_AGE {
                return shared.writer.claim_read(picked, seen).await;
            }
            if shared.is_stopping() {
                return Ok(Claimed::Nothing);
            }
        }
    }

    /// Which of these entries' records can be read now. `None` stops the run.
    async fn seen(&self, picked: &Picked) -> Option<EntryRanges> {
        let shared = &self.shared;
        let kind = &picked.kind;
        let mut there = std::collections::HashSet::new();
        for chunk in picked.items.chunks(IDS_PER_READ) {
            let ids: Vec<_> = chunk.iter().map(|item| item.target).collect();
            let read = shared
                .read(1, || {
                    shared.zoho.read_records(kind.product, kind.api_version, &kind.module, &ids)
                })
                .await;
            match read {
                Ok(read) => there.extend(read.value.into_iter().map(|record| record.id)),
                Err(error) => {
                    let what = format!("records of {} before deleting them", kind.module);
                    shared.cannot_read(&what, error);
                    return None;
                }
            }
        }
        let seen = picked.items.iter().filter(|item| there.contains(&item.target));
        Some(seen.map(|item| item.entry).collect())
    }

    /// Sends a batch and records what comes of it. Whether its call left.
    async fn carry_out(&self, ready: Ready) -> Result<bool, RunError> {
        let shared = &self.shared;
        let Ready { prepared, send_within } = ready;
        if let Some(reason) = self.must_not_be_sent(&prepared, send_within).await {
            shared.writer.give_back(prepared, reason, String::new()).await?;
            return Ok(false);
        }
        let credits = cost::write_credits(prepared.kind().operation, prepared.items().len());
        if !shared.spend(credits) {
            shared.writer.give_back(prepared, Returned::Stopped, String::new()).await?;
            return Ok(false);
        }
        assert!(
            prepared.items().len() <= items_per_call(prepared.kind().operation),
            "a batch above the API's limit was recorded"
        );
        // A crash from here on leaves an open batch: the next run finds it, and reads.
        let Some(answer) = self.send(&prepared).await else {
            self.lose(&prepared, "interrupted while the call was under way", None).await?;
            return Ok(true);
        };
        match answer {
            Ok(raw) => self.settle(prepared, raw).await.map(|()| true),
            Err(SendError::NotSent(why)) => {
                shared.refund(credits);
                self.not_sent(prepared, why).await.map(|()| false)
            }
            Err(SendError::NoAnswer { why, sent_at }) => {
                shared.state().sent += u64::try_from(prepared.items().len()).unwrap_or(0);
                self.report_problem(&prepared, &why, Outcome::Unknown);
                self.lose(&prepared, &why, Some(sent_at)).await?;
                Ok(true)
            }
        }
    }

    /// Looks once more right before the bytes go.
    async fn must_not_be_sent(
        &self,
        prepared: &PreparedBatch,
        send_within: Duration,
    ) -> Option<Returned> {
        let shared = &self.shared;
        if shared.is_stopping() || !shared.wait_for_turn().await || shared.is_stopping() {
            return Some(Returned::Stopped);
        }
        if !shared.over_the_limit().is_empty() {
            return Some(Returned::Stopped);
        }
        let late =
            shared.clock.elapsed() >= send_within || shared.clock.now() >= prepared.send_by();
        late.then_some(Returned::TooLate)
    }

    /// Sends, unless the user asks twice to leave at once: then nobody waits for the answer.
    async fn send(&self, prepared: &PreparedBatch) -> Option<Result<RawAnswer, SendError>> {
        let mut interrupt = self.shared.interrupt.clone();
        let at_once = async {
            // When the sender is gone nobody can interrupt any more.
            if interrupt.wait_for(|signals| *signals > 1).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            answer = self.shared.zoho.submit(prepared) => Some(answer),
            () = at_once => None,
        }
    }

    async fn settle(&self, prepared: PreparedBatch, raw: RawAnswer) -> Result<(), RunError> {
        let shared = &self.shared;
        let parsed = answer::parse(&raw);
        let judgement = judge(prepared.items(), &raw, &parsed);
        shared.see_date(raw.date);
        match &judgement.halt {
            None => shared.went_well(),
            Some(Halt::Throttled { retry_after }) => {
                shared.back_off(*retry_after, Setback::Throttled);
            }
            Some(Halt::Unauthorized { code, message }) => shared.stop(Stop::NotAllowed {
                what: "the access token".to_owned(),
                code: code.clone(),
                message: message.clone(),
            }),
            Some(Halt::Forbidden { code, message, permissions }) => {
                shared.stop(forbidden(&prepared, code, message, permissions));
            }
        }
        self.count(&prepared, &judgement);
        self.report(&prepared, &raw, &judgement);
        Ok(shared.writer.settle(prepared, raw, judgement).await?)
    }

    /// Counts refusals in a row by request: too many of them mean a wrong module or column.
    fn count(&self, prepared: &PreparedBatch, judgement: &Judgement) {
        let mut state = self.shared.state();
        state.sent += u64::try_from(prepared.items().len()).unwrap_or(0);
        for (item, result) in prepared.items().iter().zip(&judgement.results) {
            if result.outcome == Outcome::Failed {
                state.failed += 1;
            }
            let refused = result.outcome == Outcome::Failed
                || meaning(Level::Item, &result.code) == Meaning::RefusedAsk;
            let Some(request) = self.shared.owner(item.entry) else { continue };
            match result.outcome {
                _ if refused => *state.streaks.entry(request).or_default() += 1,
                Outcome::Done | Outcome::Queued => {
                    state.streaks.remove(&request);
                }
                Outcome::Failed | Outcome::Unknown | Outcome::Returned => {}
            }
        }
    }

    async fn lose(
        &self,
        prepared: &PreparedBatch,
        why: &str,
        sent_at: Option<crate::domain::time::Timestamp>,
    ) -> Result<(), RunError> {
        let shared = &self.shared;
        let lost = LostCall {
            sent_at,
            // Connecting comes after `sent_at`: the bytes may have left at any time until now.
            sent_before: shared.clock.now(),
            reason: Unanswered::NoAnswer,
            detail: why.to_owned(),
        };
        Ok(shared.writer.leave_unanswered(prepared.batch(), lost).await?)
    }

    async fn not_sent(&self, prepared: PreparedBatch, why: String) -> Result<(), RunError> {
        let shared = &self.shared;
        self.report_problem(&prepared, &why, Outcome::Returned);
        shared.back_off(None, Setback::Unreachable(why.clone()));
        if shared.state().setbacks >= MAX_SETBACKS {
            shared.stop(Stop::Unreachable(why.clone()));
        }
        Ok(shared.writer.give_back(prepared, Returned::NotSent, why).await?)
    }

    fn report(&self, prepared: &PreparedBatch, raw: &RawAnswer, judgement: &Judgement) {
        let count = |outcome: Outcome| {
            let same = judgement.results.iter().filter(|result| result.outcome == outcome);
            u64::try_from(same.count()).unwrap_or(0)
        };
        self.shared.tell(&Progress::Batch {
            batch: prepared.batch(),
            module: prepared.kind().module.clone(),
            http_status: Some(raw.http_status),
            done: count(Outcome::Done),
            failed: count(Outcome::Failed),
            unknown: count(Outcome::Unknown),
            returned: count(Outcome::Returned),
            problem: None,
        });
    }

    fn report_problem(&self, prepared: &PreparedBatch, why: &str, outcome: Outcome) {
        let items = u64::try_from(prepared.items().len()).unwrap_or(0);
        let count = |of: Outcome| if of == outcome { items } else { 0 };
        self.shared.tell(&Progress::Batch {
            batch: prepared.batch(),
            module: prepared.kind().module.clone(),
            http_status: None,
            done: 0,
            failed: 0,
            unknown: count(Outcome::Unknown),
            returned: count(Outcome::Returned),
            problem: Some(why.to_owned()),
        });
    }
}

/// Names the scope or permission that is missing.
fn forbidden(prepared: &PreparedBatch, code: &str, message: &str, permissions: &[String]) -> Stop {
    let module = &prepared.kind().module;
    let missing = if permissions.is_empty() {
        format!("scope ZohoCRM.modules.{module}.DELETE or ZohoCRM.modules.ALL")
    } else {
        format!("permission {}", permissions.join(", "))
    };
    Stop::NotAllowed {
        what: format!("deleting records of {module} ({missing})"),
        code: code.to_owned(),
        message: message.to_owned(),
    }
}
