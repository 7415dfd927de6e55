//! Submitting: several slots at once, each claims the next batch while its present call is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::domain::answer::{RawAnswer, SendError};
use crate::domain::barred::Barred;
use crate::domain::call::PreparedBatch;
use crate::domain::codes::asks;
use crate::domain::event::{Returned, Unanswered};
use crate::domain::id::EntryId;
use crate::domain::limits::{SEND_WITHIN, SNAPSHOT_MAX_AGE};
use crate::domain::outcome::{Halt, Judgement, judge};
use crate::domain::pace::Left;
use crate::domain::scope::{Action, Operation};
use crate::domain::scopes::{self, Access};
use crate::domain::state::Outcome;
use crate::planted::Mistake;
use crate::reconcile::before::read_before;
use crate::reconcile::full::{Kept, keep_full};
use crate::reconcile::options::{NotAllowed, Progress, RunError, Stop};
use crate::reconcile::shared::Shared;
use crate::reconcile::state::Setback;
use crate::store::StoreError;
use crate::store::writer::{Claimed, LostCall, ReadBefore, ReadFirst};
use crate::zoho::token::TokenNumber;
use crate::zoho::{Zoho, answer};

/// A batch that was claimed, and until when it may be sent, on a clock that counts suspend.
struct Ready {
    prepared: PreparedBatch,
    send_within: Duration,
}

/// What a slot learned.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Submitted {
    /// Calls that left.
    pub(crate) batches: u64,
    /// Batches that surely did not leave and are to be sent still.
    pub(crate) returned: u64,
    /// Claims that a read settled before anything was sent.
    pub(crate) settled: u64,
    /// Whether an operation was left out because another job is under way.
    pub(crate) waiting: bool,
}

/// Connections that failed in a row after which the run stops.
const MAX_SETBACKS: u32 = 5;

/// What became of a batch that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// Its call left.
    Left,
    /// Its call surely did not leave, and is to be made still.
    Back,
    /// The run stops.
    Stopped,
}

/// How a slot ended.
enum Ended {
    /// There is nothing more for it, or the run stops.
    Drained,
    /// Fewer calls may go side by side than there are slots.
    Surplus,
}

/// Sends what is due until nothing is, or something stops the run or asks for evidence first. There are as many
/// slots as calls may be under way, which changes while they work.
pub(crate) async fn submit<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
) -> Result<Submitted, RunError> {
    let mut slots = JoinSet::new();
    let working = Arc::new(AtomicUsize::new(0));
    let mut total = Submitted::default();
    let mut failure = None;
    let mut drained = false;
    loop {
        while !drained && slots.len() < shared.slots() {
            working.fetch_add(1, Ordering::SeqCst);
            let (shared, working) = (Arc::clone(shared), Arc::clone(&working));
            slots.spawn(Slot { shared, working }.run());
        }
        let ended = tokio::select! {
            // In this order, so that a simulation can be repeated.
            biased;
            ended = slots.join_next() => ended,
            () = shared.gate.changes(), if !drained => continue,
        };
        match ended {
            None => break,
            Some(Ok(Ok((submitted, ended)))) => {
                total.batches += submitted.batches;
                total.returned += submitted.returned;
                total.settled += submitted.settled;
                total.waiting |= submitted.waiting;
                drained |= matches!(ended, Ended::Drained);
            }
            Some(Ok(Err(error))) => {
                // The others find the writer gone, or end with their present call.
                failure.get_or_insert(error);
                drained = true;
                shared.stop(Stop::Interrupted);
            }
            Some(Err(error)) => {
                failure.get_or_insert(RunError::Broken(error.to_string()));
                shared.stop(Stop::Interrupted);
                drained = true;
            }
        }
    }
    failure.map_or(Ok(total), Err)
}

struct Slot<Z, C> {
    shared: Arc<Shared<Z, C>>,
    /// How many slots there are.
    working: Arc<AtomicUsize>,
}

impl<Z: Zoho, C: Clock> Slot<Z, C> {
    async fn run(self) -> Result<(Submitted, Ended), RunError> {
        let mut submitted = Submitted::default();
        let mut next = self.claim(&mut submitted.settled).await?;
        let mut surplus = false;
        while let Some(ready) = next {
            // The next batch is recorded while this one's call is under way, so that a slow disk does not
            // add to the latency of each call.
            surplus = self.is_surplus();
            let claim =
                async { if surplus { Ok(None) } else { self.claim(&mut submitted.settled).await } };
            let (sent, claimed) = tokio::join!(self.carry_out(ready), claim);
            let (sent, claimed) = (sent?, claimed?);
            submitted.batches += u64::from(sent == Sent::Left);
            submitted.returned += u64::from(sent == Sent::Back);
            next = claimed;
        }
        submitted.waiting = self.shared.must_wait().is_some();
        if !surplus {
            self.working.fetch_sub(1, Ordering::SeqCst);
        }
        Ok((submitted, if surplus { Ended::Surplus } else { Ended::Drained }))
    }

    /// Whether this slot is one too many; then it does not count any more.
    fn is_surplus(&self) -> bool {
        let wanted = self.shared.slots();
        let fewer = |slots: usize| (slots > wanted).then(|| slots - 1);
        self.working.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer).is_ok()
    }

    /// Claims the next batch. `None` when nothing is due or the run is stopping.
    async fn claim(&self, settled: &mut u64) -> Result<Option<Ready>, RunError> {
        let shared = &self.shared;
        loop {
            // Before claiming, since a claimed batch may not wait for long.
            if !shared.wait_for_turn().await || !shared.sign_in(None).await {
                return Ok(None);
            }
            if shared.is_stopping() || !shared.over_the_limit().is_empty() {
                return Ok(None);
            }
            let at_most = shared.entries_at_most();
            let claimed = match shared.writer.claim(at_most, shared.without()).await {
                Ok(Claimed::ReadFirst(first)) => match self.claim_after_reading(first).await? {
                    Some(claimed) => claimed,
                    // The run stops, or what cannot be read is left out from now on.
                    None => continue,
                },
                other => other,
            };
            match claimed {
                Ok(Claimed::Batch(prepared)) => {
                    let send_within = shared.clock.elapsed() + SEND_WITHIN;
                    return Ok(Some(Ready { prepared, send_within }));
                }
                Ok(Claimed::Settled) => *settled += 1,
                Ok(Claimed::Nothing) => return Ok(None),
                Ok(Claimed::Paused(pause)) => {
                    shared.stop(Stop::Paused(pause));
                    return Ok(None);
                }
                Ok(Claimed::NotAsRecorded(refusal)) => {
                    shared.stop(Stop::NotAsRecorded(refusal));
                    return Ok(None);
                }
                // A read that had to wait for its turn: look again.
                Ok(Claimed::ReadFirst(first)) => shared.writer.put_back(first).await?,
                // Somebody else moved one of the entries meanwhile: look again.
                Err(StoreError::Conflict { .. } | StoreError::Transition(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads what is there before claiming. `None` when that cannot be done.
    async fn claim_after_reading(
        &self,
        first: ReadFirst,
    ) -> Result<Option<Result<Claimed, StoreError>>, RunError> {
        let shared = &self.shared;
        let (began, delays) = (shared.clock.elapsed(), shared.state().delays);
        let Some(kept) = self.keep_full(&first).await? else {
            shared.writer.put_back(first).await?;
            return Ok(None);
        };
        let Some(read) = read_before(shared, &first).await else {
            shared.writer.put_back(first).await?;
            return Ok(None);
        };
        let read = ReadBefore { gone: kept.gone, ..read };
        // A read that had to wait for its turn shows what was there long before the call.
        if shared.clock.elapsed().saturating_sub(began) > SNAPSHOT_MAX_AGE {
            // Only where reading itself took so long are there too many to read.
            // What was kept of them is not read again.
            if shared.state().delays == delays && kept.files == 0 {
                shared.read_fewer(first.picked.items.len());
            }
            return Ok(Some(Ok(Claimed::ReadFirst(first))));
        }
        let module = first.picked.kind.scope.module.clone();
        let absent = read.snapshots.iter().filter(|one| one.settles);
        let absent: Vec<EntryId> = absent.map(|one| one.entry).collect();
        let claimed = shared.writer.claim_read(first, read).await;
        if claimed.is_ok() && !absent.is_empty() {
            for request in absent.iter().filter_map(|entry| shared.owner(*entry)) {
                shared.state().streaks.remove(&request);
            }
            let absent = u64::try_from(absent.len()).unwrap_or(0);
            let (done, failed, pending, undecided) = (0, 0, 0, 0);
            shared.tell(&Progress::Evidence { module, done, absent, failed, pending, undecided });
        }
        Ok(Some(claimed))
    }

    /// Reads whole records and keeps them, where that is wanted. `None` when that cannot be done now, or not for so
    /// many of them at once.
    async fn keep_full(&self, first: &ReadFirst) -> Result<Option<Kept>, RunError> {
        if first.lacking.is_empty() {
            return Ok(Some(Kept::default()));
        }
        let room = self.shared.whole_records_at_most();
        if first.lacking.len() > room {
            self.shared.state().read_at_most = Some(room);
            return Ok(None);
        }
        keep_full(&self.shared, first).await
    }

    /// Sends a batch and records what comes of it.
    async fn carry_out(&self, ready: Ready) -> Result<Sent, RunError> {
        let shared = &self.shared;
        let Ready { prepared, send_within } = ready;
        let _pass = shared.gate.enter().await;
        if let Some(reason) = self.must_not_be_sent(&prepared, send_within).await {
            shared.writer.give_back(prepared, reason, String::new()).await?;
            return Ok(if reason == Returned::TooLate { Sent::Back } else { Sent::Stopped });
        }
        if let Some(why) = self.forbidden_by_now(&prepared)? {
            shared.writer.give_back(prepared, Returned::Forbidden, why).await?;
            return Ok(if shared.is_stopping() { Sent::Stopped } else { Sent::Back });
        }
        let credits = prepared.credits();
        let Some(left) = shared.spend(credits, true) else {
            shared.writer.give_back(prepared, Returned::Stopped, String::new()).await?;
            return Ok(Sent::Stopped);
        };
        let token = shared.zoho.token();
        // A crash from here on leaves an open batch: the next run finds it, and reads.
        let Some(answer) = self.send(&prepared).await else {
            self.lose(&prepared, "interrupted while the call was under way", None).await?;
            return Ok(Sent::Left);
        };
        match answer {
            Ok(raw) => self.settle(prepared, raw, token, left).await.map(|()| Sent::Left),
            Err(SendError::NotSent(why)) => {
                shared.refund(credits);
                self.not_sent(prepared, why).await.map(|()| Sent::Back)
            }
            Err(SendError::NoAnswer { why, sent_at }) => {
                shared.state().sent += u64::try_from(prepared.items().len()).unwrap_or(0);
                shared.slow_down(None);
                self.lose(&prepared, &why, Some(sent_at)).await?;
                shared.tell(&without_answer(&prepared, &why, Outcome::Unknown));
                Ok(Sent::Left)
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
        (late && !Mistake::SendsLate.is_made()).then_some(Returned::TooLate)
    }

    /// Whether a person has forbidden the call since it was claimed, and in words what did. A hold that comes later
    /// than this waits for the call, and tells what it did.
    fn forbidden_by_now(&self, prepared: &PreparedBatch) -> Result<Option<String>, RunError> {
        if Mistake::LooksOnlyAtClaim.is_made() {
            return Ok(None);
        }
        let shared = &self.shared;
        let scope = &prepared.kind().scope;
        let (pause, held) = shared.journal(|reader| -> Result<_, StoreError> {
            Ok((reader.pause()?, reader.any_held(scope, prepared.items())?))
        })?;
        if let Some(pause) = pause {
            let why = "a pause".to_owned();
            shared.stop(Stop::Paused(Box::new(pause)));
            return Ok(Some(why));
        }
        Ok(held.then(|| "a hold".to_owned()))
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
            biased;
            answer = self.shared.zoho.submit(prepared) => Some(answer),
            () = at_once => None,
        }
    }

    async fn settle(
        &self,
        prepared: PreparedBatch,
        raw: RawAnswer,
        token: Option<TokenNumber>,
        left: Left,
    ) -> Result<(), RunError> {
        let shared = &self.shared;
        let parsed = answer::parse(&raw);
        let mut judgement = judge(prepared.kind(), prepared.items(), &raw, &parsed);
        let halt = judgement.halt.take();
        shared.see_date(raw.date, raw.sent_at, raw.answered_at);
        shared.see_credits(raw.credits_remaining);
        match &halt {
            None if judgement.complete => shared.went_well(left),
            // A gateway's page is no answer of Zoho's.
            None => shared.slow_down(raw.retry_after),
            Some(Halt::Throttled { retry_after }) => {
                shared.back_off(*retry_after, Setback::ThrottledWrite);
            }
            Some(Halt::Busy) => shared.busy(),
            // After the answer is recorded: signing in may take long.
            Some(Halt::Unauthorized { .. }) => {}
            Some(Halt::Forbidden { code, message, permissions }) => {
                let calls = Barred::calls(prepared.kind());
                shared.bar(calls, forbidden(&prepared, code, message, permissions));
            }
        }
        self.count(&prepared, &judgement);
        let answered = answered(&prepared, &raw, &judgement);
        // Before and after: nobody may claim by a list of tags from before this call.
        let deletes_tags = prepared.kind().scope.operation() == Operation::DeleteTags;
        if deletes_tags {
            shared.state().tag_lists.forget();
        }
        shared.writer.settle(prepared, raw, judgement).await?;
        // Nothing is told that a crash could still take back.
        shared.tell(&answered);
        if deletes_tags {
            shared.state().tag_lists.forget();
        }
        if let Some(Halt::Unauthorized { code, message }) = halt {
            shared.renew(token, &code, &message).await;
        }
        Ok(())
    }

    /// Counts refusals in a row by request: too many of them mean a wrong module or column.
    fn count(&self, prepared: &PreparedBatch, judgement: &Judgement) {
        let operation = prepared.kind().scope.operation();
        let mut state = self.shared.state();
        state.sent += u64::try_from(prepared.items().len()).unwrap_or(0);
        for (item, result) in prepared.items().iter().zip(&judgement.results) {
            if result.outcome == Outcome::Failed {
                state.failed += 1;
            }
            let refused = result.outcome == Outcome::Failed
                || (result.outcome == Outcome::Unknown && asks(operation, &result.code));
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
        shared.state().tag_lists.forget();
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
        let returned = without_answer(&prepared, &why, Outcome::Returned);
        shared.back_off(None, Setback::Unreachable(why.clone()));
        let times = {
            let mut state = shared.state();
            state.not_sent += 1;
            state.not_sent
        };
        if times >= MAX_SETBACKS {
            shared.stop(Stop::Unreachable(why.clone()));
        }
        shared.writer.give_back(prepared, Returned::NotSent, why).await?;
        shared.tell(&returned);
        Ok(())
    }
}

/// What is told of a batch's answer once it is recorded.
fn answered(prepared: &PreparedBatch, raw: &RawAnswer, judgement: &Judgement) -> Progress {
    let count = |outcome: Outcome| {
        let same = judgement.results.iter().filter(|result| result.outcome == outcome);
        u64::try_from(same.count()).unwrap_or(0)
    };
    Progress::Batch {
        batch: prepared.batch(),
        module: prepared.kind().scope.module.clone(),
        http_status: Some(raw.http_status),
        done: count(Outcome::Done),
        failed: count(Outcome::Failed),
        queued: count(Outcome::Queued),
        job: judgement.job.clone(),
        unknown: count(Outcome::Unknown),
        returned: count(Outcome::Returned),
        problem: None,
    }
}

/// What is told of a batch without an answer once that is recorded.
fn without_answer(prepared: &PreparedBatch, why: &str, outcome: Outcome) -> Progress {
    let items = u64::try_from(prepared.items().len()).unwrap_or(0);
    let count = |of: Outcome| if of == outcome { items } else { 0 };
    Progress::Batch {
        batch: prepared.batch(),
        module: prepared.kind().scope.module.clone(),
        http_status: None,
        done: 0,
        failed: 0,
        queued: 0,
        job: None,
        unknown: count(Outcome::Unknown),
        returned: count(Outcome::Returned),
        problem: Some(why.to_owned()),
    }
}

/// Names the scope or permission that is missing.
fn forbidden(
    prepared: &PreparedBatch,
    code: &str,
    message: &str,
    permissions: &[String],
) -> NotAllowed {
    let scope = &prepared.kind().scope;
    let module = &scope.module;
    let doing = match &scope.action {
        Action::Delete => format!("deleting records of {module}"),
        Action::Untag(_) => format!("removing tags from records of {module}"),
        Action::Unlink { list, .. } => format!("taking records out of {list} of {module}"),
        Action::DeleteTags => format!("deleting tags of {module}"),
        Action::Restore => format!("restoring records of {module}"),
        Action::Retag(_) => format!("putting tags back on records of {module}"),
        Action::Relink { list, .. } => format!("putting records back into {list} of {module}"),
        Action::RecreateTags => format!("making tags of {module} again"),
    };
    let missing = if permissions.is_empty() {
        let access = Access::Write(scope.operation());
        format!("scope {}", scopes::choice(scope.product, access, module))
    } else {
        format!("permission {}", permissions.join(", "))
    };
    NotAllowed {
        what: format!("{doing} ({missing})"),
        code: code.to_owned(),
        message: message.to_owned(),
    }
}
