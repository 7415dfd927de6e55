//! What reads prove about an entry whose call got no answer, or an answer that does not tell.
//!
//! Pure rules, one a kind of thing: [`deletion`] for records, [`presence`] for tags and relations, and
//! [`comeback`] for what is to come back. They never guess: what the reads cannot decide stays unknown, with code `UNDECIDED`.

pub mod comeback;
pub mod deletion;
pub mod presence;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::codes;
use crate::domain::event::JobEnding;
use crate::domain::id::{RecordId, RunId};
use crate::domain::scope::Operation;
use crate::domain::state::{Outcome, Verdict};
use crate::domain::time::Timestamp;
use crate::planted::Mistake;

/// How far Zoho's whole seconds and a measured clock offset may be off.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

/// The code of an entry that reads cannot decide.
pub const UNDECIDED: &str = "UNDECIDED";

/// What one source says about one record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look<T> {
    /// Not asked yet, or not asked because another source decided.
    #[default]
    NotAsked,
    /// Asked, and it is not there.
    NotThere,
    /// It is there.
    Seen(T),
    /// The source cannot be asked: forbidden, or not offered.
    Closed,
    /// The source did not answer this time.
    Silent,
}

/// An attempt whose effect is open: the call may have been carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAttempt {
    /// The earliest moment at which it can have taken effect, in Zoho's time.
    pub from: Timestamp,
    /// The latest moment at which it can still take effect, in Zoho's time.
    pub until: Timestamp,
    /// The token's user of that run; `None` when it could not be read.
    pub user: Option<RecordId>,
    /// Whether a read shortly before it showed the record to be there.
    pub seen_before: bool,
    /// Whether evidence said later that it changed nothing. Should Zoho have carried it out all the same
    /// after that, it is still put down to it.
    pub closed: bool,
    /// The code of an answer that does not tell (`INTERNAL_ERROR`, or one nobody knows); empty without an answer.
    pub code: String,
    /// Whether nobody knows that there was such a call: a lost part of the log may have made it.
    pub lost: bool,
}

/// What the journal knows about an entry before it reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Attempts whose effect is or was open, in order.
    pub open: Vec<OpenAttempt>,
    /// The last attempt's code, when it was a refusal that did not tell whether the thing was there.
    pub refusal: Option<String>,
    /// How often this run sent it already.
    pub tries: u32,
    /// Whether the last open attempt can no longer take effect.
    pub quarantine_over: bool,
    /// When that will be the case, by our clock, if it is not yet.
    pub quarantine_ends: Option<Timestamp>,
    /// What a job says that Zoho accepted and that is over, if the last attempt was one.
    pub job: Option<JobOver>,
    /// The call that was refused, as if it had been carried out after all: a network can deliver one call twice,
    /// and the refusal is then the second one's.
    pub refused: Option<OpenAttempt>,
    /// Another entry of this journal took the thing away after evidence had shown it there, and before our last call.
    pub removed_meanwhile: bool,
    /// By then, by Zoho's clock, an earlier entry of this journal had deleted the same record.
    pub deleted_earlier: Option<Timestamp>,
}

/// What a job that is over says about a tag that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobOver {
    /// By its counts it deleted all of its tags that are gone.
    Explains,
    /// More of them are gone than it deleted: somebody else had a hand in it.
    DoesNot,
}

impl JobOver {
    /// What its counts say when so many of all its tags are gone, whoever asked for them.
    pub fn of(ending: JobEnding, deleted: Option<u64>, gone: u64) -> Self {
        let deleted = deleted.unwrap_or(match ending {
            JobEnding::Completed | JobEnding::Forgotten => u64::MAX,
            JobEnding::Failed => 0,
        });
        if gone <= deleted { Self::Explains } else { Self::DoesNot }
    }
}

/// One attempt of an entry, as the journal recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// What was asked for.
    pub operation: Operation,
    /// What came of it.
    pub outcome: Outcome,
    /// Zoho's code; empty where it gave none.
    pub code: String,
    /// Whether Zoho itself answered in full.
    pub complete: bool,
    /// When the batch was recorded, by our clock.
    pub begun_at: Timestamp,
    /// When its bytes were handed to the network, where known.
    pub sent_at: Option<Timestamp>,
    /// The last moment at which the call can have been sent, where it got no answer.
    pub sent_before: Option<Timestamp>,
    /// The last moment at which the bytes were allowed to leave.
    pub send_by: Timestamp,
    /// The run that sent it.
    pub run: RunId,
    /// The token's user of that run.
    pub user: Option<RecordId>,
    /// Zoho's clock minus ours, in milliseconds, as that run measured it.
    pub clock_offset_ms: i64,
    /// When what came of it was recorded, by our clock, where that does not tell all.
    pub ended_at: Option<Timestamp>,
    /// Whether a read shortly before showed the record to be there.
    pub seen_before: bool,
    /// Whether evidence said later that it changed nothing.
    pub closed: bool,
}

/// The part of the log that was lost before the journal was adopted, and that may have sent an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostPart {
    /// The last moment, in Zoho's time, of which the log still tells.
    pub since: Timestamp,
    /// When the journal was adopted, by our clock: nothing is held to have been sent later.
    pub adopted_at: Timestamp,
    /// Whose token it will have used: the last one that this journal knows of.
    pub user: Option<RecordId>,
    /// Zoho's clock minus ours, in milliseconds, as it is measured now.
    pub clock_offset_ms: i64,
}

/// The present moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// By our clock.
    pub ours: Timestamp,
    /// Zoho's clock minus ours, in milliseconds, as the present run measured it. `None` when no answer told: then
    /// our clock is taken for the one that it was.
    pub offset_ms: Option<i64>,
}

/// How far two ways of measuring how much time has passed may differ while nobody has set our clock.
const MEASURED_WITHIN: Duration = Duration::from_mins(1);

impl Now {
    /// When, by our clock, the quarantine of an attempt ends; `None` when it is over.
    ///
    /// Our clock may have been set since. How far, Zoho's clock tells, which each run measured; that may be off by
    /// as long as an answer took. Where both agree, ours counts; where they nearly do, both must say that it is
    /// over; where they do not, Zoho's must say so by a margin.
    fn until_over(self, attempt: &AttemptRecord, quarantine: Duration) -> Option<Timestamp> {
        self.until(attempt.last_sent(), attempt.clock_offset_ms, quarantine)
    }

    /// The same of a call that was sent by then, when Zoho's clock was so far from ours.
    fn until(self, sent: Timestamp, was: i64, quarantine: Duration) -> Option<Timestamp> {
        let Some(offset) = self.offset_ms else {
            return Some(sent.plus(quarantine)).filter(|end| self.ours < *end);
        };
        // The moment of sending, by our clock as it is set now.
        let moved = sent.shifted(was.saturating_sub(offset));
        let apart = sent.since(moved).max(moved.since(sent));
        let end = if apart <= CLOCK_TOLERANCE {
            sent.plus(quarantine)
        } else if apart <= MEASURED_WITHIN {
            sent.max(moved).plus(quarantine)
        } else {
            moved.plus(quarantine).plus(MEASURED_WITHIN)
        };
        (self.ours < end).then_some(end)
    }
}

impl<T> Look<T> {
    /// Whether nobody asked.
    pub(crate) const fn is_not_asked(&self) -> bool {
        matches!(self, Self::NotAsked)
    }
}

impl AttemptRecord {
    /// Whether the call may have taken effect, or may still.
    fn is_open(&self) -> bool {
        match self.outcome {
            Outcome::Queued => true,
            Outcome::Unknown => !codes::asks(self.operation, &self.code),
            Outcome::Done | Outcome::Failed | Outcome::Returned => false,
        }
    }

    /// The last moment at which the bytes can have left.
    fn last_sent(&self) -> Timestamp {
        self.sent_before.or(self.sent_at).unwrap_or(self.send_by)
    }
}

impl History {
    /// What follows from an entry's attempts.
    pub fn of(attempts: &[AttemptRecord], tries: u32, quarantine: Duration, now: Now) -> Self {
        let open: Vec<&AttemptRecord> = attempts.iter().filter(|one| one.is_open()).collect();
        // Zoho's own complete answer is its last word: nothing of that call is still under way.
        let quarantine_ends = open
            .iter()
            .filter(|one| !one.complete && !one.closed)
            .filter_map(|one| now.until_over(one, quarantine))
            .max();
        let live = open.iter().any(|one| !one.closed);
        let last = attempts.last().filter(|_| !live);
        let refusal = last.map(|last| last.code.clone());
        let refused = last.map(OpenAttempt::answered);
        Self {
            open: open.into_iter().map(|one| OpenAttempt::of(one, quarantine)).collect(),
            refusal,
            refused,
            tries,
            quarantine_over: quarantine_ends.is_none() || Mistake::ForgetsQuarantine.is_made(),
            quarantine_ends,
            job: attempts
                .last()
                .filter(|last| last.outcome == Outcome::Queued)
                .map(|_| JobOver::Explains),
            removed_meanwhile: false,
            deleted_earlier: None,
        }
    }

    /// The same, where an earlier entry for the same record was settled as done, by Zoho's clock.
    #[must_use]
    pub fn after(self, done: Option<Timestamp>) -> Self {
        Self { deleted_earlier: done.map(|at| at.plus(CLOCK_TOLERANCE)), ..self }
    }

    /// The same, where a lost part of the log may have sent it after all that is known. What was refused before that
    /// says nothing of what came then.
    #[must_use]
    pub fn with_lost(self, lost: Option<LostPart>, quarantine: Duration, now: Now) -> Self {
        let Some(lost) = lost else { return self };
        let mut open = self.open;
        open.push(OpenAttempt {
            from: lost.since.minus(CLOCK_TOLERANCE),
            until: lost
                .adopted_at
                .plus(quarantine)
                .shifted(lost.clock_offset_ms)
                .plus(CLOCK_TOLERANCE),
            user: lost.user,
            seen_before: false,
            closed: false,
            code: String::new(),
            lost: true,
        });
        let ends = now.until(lost.adopted_at, lost.clock_offset_ms, quarantine);
        let quarantine_ends = self.quarantine_ends.max(ends);
        Self {
            open,
            refusal: None,
            refused: None,
            quarantine_over: quarantine_ends.is_none() || Mistake::ForgetsQuarantine.is_made(),
            quarantine_ends,
            ..self
        }
    }
}

impl OpenAttempt {
    fn of(attempt: &AttemptRecord, quarantine: Duration) -> Self {
        let zoho = |at: Timestamp| at.shifted(attempt.clock_offset_ms);
        let last = attempt.last_sent().max(attempt.send_by);
        Self {
            from: zoho(attempt.sent_at.unwrap_or(attempt.begun_at)).minus(CLOCK_TOLERANCE),
            until: zoho(last.plus(quarantine)).plus(CLOCK_TOLERANCE),
            user: attempt.user,
            seen_before: attempt.seen_before,
            closed: attempt.closed,
            code: attempt.code.clone(),
            lost: false,
        }
    }

    /// The same of a call that was answered: nothing of it takes effect after its answer.
    fn answered(attempt: &AttemptRecord) -> Self {
        let open = Self::of(attempt, Duration::ZERO);
        let until = attempt.ended_at.map(|at| at.shifted(attempt.clock_offset_ms));
        Self { until: until.map_or(open.until, |at| at.plus(CLOCK_TOLERANCE)), ..open }
    }

    /// Whether a deletion by this user at this moment can be this call's.
    fn explains(&self, by: Option<RecordId>, at: Option<Timestamp>) -> bool {
        let in_time = at.is_none_or(|at| self.from <= at && at <= self.until);
        in_time && (by.is_none() || self.user.is_none() || by == self.user)
    }
}

impl History {
    /// Whether a part of the log was lost that may have sent it, and nothing was read since.
    pub(crate) fn may_be_lost(&self) -> bool {
        self.open.iter().any(|attempt| attempt.lost && !attempt.closed)
    }

    /// The first attempt that may still have taken effect, as far as evidence has gone.
    pub(crate) fn first_live(&self) -> Option<&OpenAttempt> {
        self.open.iter().find(|attempt| !attempt.closed)
    }
}

/// How often one run sends an entry that Zoho answers with an error of its own.
pub const MAX_TRIES: u32 = 3;

/// A place to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The recycle bin.
    Bin,
    /// The list of deletions.
    Deleted,
    /// The record itself.
    Record,
    /// The tags that the record carries.
    RecordTags,
    /// The parent's related list.
    RelatedList,
    /// The related record itself.
    Related,
    /// The tags of the module.
    ModuleTags,
}

/// What follows from what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is settled, or may be sent again.
    Settle {
        /// What evidence says.
        verdict: Verdict,
        /// Zoho's code, or ours; empty where there is none.
        code: String,
        /// In words, for a person.
        why: &'static str,
    },
    /// Another source must be read first.
    Ask(Source),
    /// The call may still take effect: read again after the quarantine.
    Wait,
    /// A source did not answer: read again later.
    Later,
}

/// While a call may still take effect, only what it has done already is beyond doubt: whoever took the thing away
/// before it may bring it back in time for it.
fn unless_under_way(history: &History, decision: Decision) -> Decision {
    match decision {
        Decision::Settle { verdict: Verdict::Done, .. }
        | Decision::Ask(_)
        | Decision::Wait
        | Decision::Later => decision,
        Decision::Settle { .. } if history.quarantine_over => decision,
        Decision::Settle { .. } => Decision::Wait,
    }
}

fn settle(verdict: Verdict, code: &str, why: &'static str) -> Decision {
    Decision::Settle { verdict, code: code.to_owned(), why }
}

/// Our calls changed nothing. Zoho's own errors are tried again a few times, a job that was accepted without a name
/// and did nothing as well; an unknown refusal is not.
fn untouched(history: &History, why: &'static str) -> Decision {
    let code = history.open.last().map(|attempt| attempt.code.as_str()).unwrap_or_default();
    let internal = code.is_empty() || codes::is_zohos_own(code);
    let spent = history.tries >= MAX_TRIES;
    if spent && code.is_empty() {
        // Answers that leave it out, again and again: the next run tries, this one would for ever.
        return Decision::Wait;
    }
    if internal && !spent {
        settle(Verdict::Pending, code, why)
    } else {
        settle(Verdict::Failed, code, why)
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod history_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::codes::{Meaning, RULES};

    fn verdict_on(code: &str, tries: u32) -> Option<Verdict> {
        let at = Timestamp::from_millis(0);
        let (code, user) = (code.to_owned(), None);
        let open = OpenAttempt {
            from: at,
            until: at,
            user,
            seen_before: false,
            closed: false,
            code,
            lost: false,
        };
        match untouched(&History { open: vec![open], tries, ..History::default() }, "") {
            Decision::Settle { verdict, .. } => Some(verdict),
            Decision::Ask(_) | Decision::Wait | Decision::Later => None,
        }
    }

    /// Nobody keeps a second list of these codes.
    #[test]
    fn what_the_table_calls_zoho_s_own_is_tried_again_and_nothing_else() {
        let own = |rule: &&codes::Rule| matches!(rule.meaning, Meaning::Open | Meaning::Accepted);
        let codes: Vec<&str> = RULES.iter().filter(own).map(|rule| rule.code).collect();
        for known in ["INTERNAL_ERROR", "INTERNAL_SERVER_ERROR", "SCHEDULED", "COMPLETED"] {
            assert!(codes.contains(&known), "{known}");
        }
        for code in codes.into_iter().chain([""]) {
            assert_eq!(verdict_on(code, 1), Some(Verdict::Pending), "{code}");
        }
        for code in ["SUCCESS", "RECORD_LOCKED", "SOMETHING_NEW"] {
            assert_eq!(verdict_on(code, 1), Some(Verdict::Failed), "{code}");
        }
        assert_eq!(verdict_on("INTERNAL_ERROR", MAX_TRIES), Some(Verdict::Failed));
        assert_eq!(verdict_on("", MAX_TRIES), None);
    }
}
