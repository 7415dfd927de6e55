//! From an answer to outcomes: matches items to entries by id, and judges each by the table of codes.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use crate::domain::answer::{AnswerItem, ParsedAnswer, RawAnswer, Unreadable, Verdict};
use crate::domain::call::{CallItem, CallKind};
use crate::domain::codes::{Level, Meaning, meaning};
use crate::domain::id::RecordId;
use crate::domain::scope::Operation;
use crate::domain::state::Outcome;
use crate::planted::Mistake;

/// What an answer says about one item of its batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemResult {
    /// What happened to it.
    pub outcome: Outcome,
    /// Zoho's code; empty where it gave none.
    pub code: String,
    /// Zoho's message; empty where it gave none.
    pub message: String,
    /// Where the item's own bytes stand in the body.
    pub slice: Option<Range<usize>>,
}

/// Why the run cannot go on as before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The token was refused.
    Unauthorized {
        /// Zoho's code.
        code: String,
        /// Zoho's message.
        message: String,
    },
    /// Scope or permission is missing.
    Forbidden {
        /// Zoho's code.
        code: String,
        /// Zoho's message.
        message: String,
        /// The permissions that Zoho names.
        permissions: Vec<String>,
    },
    /// Too many calls.
    Throttled {
        /// How long Zoho asks to wait, where it says so.
        retry_after: Option<Duration>,
    },
    /// Another job is under way: calls of this operation wait for its end.
    Busy,
}

/// What an answer says about its batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// One result an item, in the order of the batch.
    pub results: Vec<ItemResult>,
    /// Returned items may share their next call with so many at most.
    pub share: Option<u32>,
    /// Whether Zoho itself answered in full. Else the call may still take effect for a while.
    pub complete: bool,
    /// Items that name an id nobody asked about.
    pub strangers: u32,
    /// Items that name an id for the second time.
    pub repeated: u32,
    /// The id of the asynchronous job that Zoho accepted.
    pub job: Option<String>,
    /// Why the run cannot go on as before.
    pub halt: Option<Halt>,
}

/// The longest id of a job that is taken for one.
const JOB_ID_MAX: usize = 100;

/// Judges an answer. `kind` and `items` are the batch as it was sent.
pub fn judge(
    kind: &CallKind,
    items: &[CallItem],
    raw: &RawAnswer,
    parsed: &ParsedAnswer,
) -> Judgement {
    // A gateway in front of Zoho answers 502, 503 and 504 on its own; the call may be on its way still.
    let gateway = matches!(raw.http_status, 502..=504);
    let judge = Judge { kind, items, complete: !gateway };
    match parsed {
        ParsedAnswer::Items(answers) => judge.items(answers),
        ParsedAnswer::Call(verdict) => judge.call(raw, verdict),
        ParsedAnswer::Unreadable(what) => judge.unreadable(raw, *what),
    }
}

fn result(outcome: Outcome, verdict: &Verdict, slice: Option<Range<usize>>) -> ItemResult {
    let (code, message) = (verdict.code.clone(), verdict.message.clone());
    ItemResult { outcome, code, message, slice }
}

/// The answer to one batch.
struct Judge<'a> {
    kind: &'a CallKind,
    items: &'a [CallItem],
    complete: bool,
}

impl Judge<'_> {
    fn operation(&self) -> Operation {
        self.kind.scope.operation()
    }

    fn meaning(&self, level: Level, verdict: &Verdict) -> Meaning {
        meaning(self.operation(), level, verdict)
    }

    /// The same for every item.
    fn all(&self, outcome: Outcome, verdict: &Verdict) -> Judgement {
        self.judgement(self.items.iter().map(|_| result(outcome, verdict, None)).collect())
    }

    fn judgement(&self, results: Vec<ItemResult>) -> Judgement {
        let complete = self.complete;
        Judgement {
            results,
            share: None,
            complete,
            strangers: 0,
            repeated: 0,
            job: None,
            halt: None,
        }
    }

    /// Half of the batch, for the next call.
    fn half(&self) -> u32 {
        u32::try_from(self.items.len().div_ceil(2)).unwrap_or(1).max(1)
    }

    /// The outcome that a verdict means for one item.
    fn outcome(&self, level: Level, verdict: &Verdict) -> Outcome {
        match self.meaning(level, verdict) {
            Meaning::Done => Outcome::Done,
            Meaning::Refused | Meaning::Culprit => Outcome::Failed,
            Meaning::RefusedAsk | Meaning::Open | Meaning::Accepted => Outcome::Unknown,
            Meaning::Throttled | Meaning::Busy | Meaning::Unauthorized | Meaning::Forbidden => {
                Outcome::Returned
            }
        }
    }

    /// What one item of an answer says. A success that names a tag as still on the record which it was to remove, or
    /// leaves out one that it was to put back, is none: reading must tell.
    fn item(&self, answer: &AnswerItem) -> ItemResult {
        let mut outcome = self.outcome(Level::Item, &answer.verdict);
        if let (Outcome::Done, Operation::Untag, Some(tags), Some(left)) =
            (outcome, self.operation(), self.kind.scope.tags(), &answer.tags)
            // Another spelling may be the same tag: reading tells.
            && tags.names().iter().any(|name| left.iter().any(|one| name.may_be(one)))
        {
            outcome = Outcome::Unknown;
        }
        if let (Outcome::Done, Operation::Retag, Some(tags), Some(left)) =
            (outcome, self.operation(), self.kind.scope.tags(), &answer.tags)
            && !tags.names().iter().all(|name| left.iter().any(|one| name.may_be(one)))
        {
            outcome = Outcome::Unknown;
        }
        result(outcome, &answer.verdict, Some(answer.slice.clone()))
    }

    /// No answer of Zoho's.
    fn unreadable(&self, raw: &RawAnswer, what: Unreadable) -> Judgement {
        let nothing = Verdict::default();
        // A server that finds the call too large has not read it. Anything else may have been carried out.
        let too_large = matches!(raw.http_status, 413 | 414) && what != Unreadable::Cut;
        if too_large && self.items.len() > 1 {
            let returned = self.all(Outcome::Returned, &nothing);
            return Judgement { share: Some(self.half()), ..returned };
        }
        let halt =
            (raw.http_status == 429).then_some(Halt::Throttled { retry_after: raw.retry_after });
        Judgement { complete: false, halt, ..self.all(Outcome::Unknown, &nothing) }
    }

    /// Answers by item. By id alone: nothing promises that Zoho keeps the order.
    fn items(&self, answers: &[AnswerItem]) -> Judgement {
        let wanted: HashMap<RecordId, usize> =
            self.items.iter().enumerate().map(|(at, item)| (item.target, at)).collect();
        let mut results: Vec<Option<ItemResult>> = vec![None; self.items.len()];
        let mut anonymous: Vec<&AnswerItem> = Vec::new();
        let (mut strangers, mut repeated) = (0, 0);
        for (place, answer) in answers.iter().enumerate() {
            let judged = self.item(answer);
            let id = if Mistake::MatchesByPosition.is_made() {
                self.items.get(place).map(|item| item.target)
            } else if self.names_new_ids() {
                None
            } else {
                answer.id.or_else(|| self.named_by_path(answer))
            };
            let Some(id) = id else {
                anonymous.push(answer);
                continue;
            };
            match wanted.get(&id).and_then(|position| results.get_mut(*position)) {
                None => strangers += 1,
                Some(slot @ None) => *slot = Some(judged),
                Some(Some(first)) => {
                    repeated += 1;
                    // Two answers that contradict each other prove neither.
                    if first.code != judged.code || first.outcome != judged.outcome {
                        first.outcome = Outcome::Unknown;
                        first.code.clear();
                        first.message.clear();
                        first.slice = None;
                    }
                }
            }
        }
        let share = self.attribute(&mut results, &anonymous, strangers);
        let left_out = result(Outcome::Unknown, &Verdict::default(), None);
        let results =
            results.into_iter().map(|slot| slot.unwrap_or_else(|| left_out.clone())).collect();
        let judgement = self.judgement(results);
        let accepted =
            |answer: &AnswerItem| self.meaning(Level::Item, &answer.verdict) == Meaning::Accepted;
        // What Zoho does on its own time begins after its answer.
        let complete = judgement.complete && !answers.iter().any(accepted);
        Judgement { share, complete, strangers, repeated, ..judgement }
    }

    /// Whether the ids in an answer are those of what the call made: no item of ours bears them.
    fn names_new_ids(&self) -> bool {
        self.operation() == Operation::RecreateTags
    }

    /// The record that a refusal names by its place among the ids as they were sent (OAS tags.json: `INVALID_DATA`
    /// with `$.ids[1]` and no id). A success proves itself by its id only.
    fn named_by_path(&self, answer: &AnswerItem) -> Option<RecordId> {
        let refused = self.is_refusal(answer) && answer.verdict.id.is_none();
        let index = answer.verdict.json_path.as_deref().filter(|_| refused).and_then(path_index)?;
        self.items.get(index).map(|item| item.target)
    }

    /// Whether an item says that nothing was done.
    fn is_refusal(&self, answer: &AnswerItem) -> bool {
        let meaning = self.meaning(Level::Item, &answer.verdict);
        matches!(meaning, Meaning::Refused | Meaning::RefusedAsk)
    }

    /// Items without an id, where what they speak of is beyond doubt. How many may share the next call.
    fn attribute(
        &self,
        results: &mut [Option<ItemResult>],
        anonymous: &[&AnswerItem],
        strangers: u32,
    ) -> Option<u32> {
        if let ([slot @ None], [only]) = (&mut *results, anonymous)
            && (only.verdict.id.is_none() || self.names_new_ids())
            && strangers == 0
        {
            // The path named the one record: an item without an id can only speak of it.
            *slot = Some(self.item(only));
            return None;
        }
        let missing = results.iter().filter(|slot| slot.is_none()).count();
        // As many refusals without an id as items without an answer: each of these was refused, only not
        // which by what. Alone, each gets its own answer. Anything else must be read.
        if missing == 0
            || missing != anonymous.len()
            || !anonymous.iter().all(|answer| self.is_refusal(answer))
        {
            return None;
        }
        let returned = result(Outcome::Returned, &Verdict::default(), None);
        for slot in results.iter_mut().filter(|slot| slot.is_none()) {
            *slot = Some(returned.clone());
        }
        Some(1)
    }

    /// One verdict for the whole call.
    fn call(&self, raw: &RawAnswer, verdict: &Verdict) -> Judgement {
        if let Some(job) = self.accepted(verdict) {
            let queued = self.all(Outcome::Queued, verdict);
            return Judgement { job: Some(job), ..queued };
        }
        // The single form answers flat where the bulk form answers by item: it speaks of its one record.
        if let [item] = self.items {
            let other = |id: &String| *id != item.target.to_string() && !self.names_new_ids();
            if verdict.id.as_ref().is_some_and(other) {
                // It names another record: it says nothing about ours.
                let unknown = self.all(Outcome::Unknown, &Verdict::default());
                return Judgement { strangers: 1, ..unknown };
            }
            let culprit = self.meaning(Level::Call, verdict) == Meaning::Culprit;
            let level =
                if culprit || verdict.code == "SUCCESS" { Level::Item } else { Level::Call };
            let outcome = self.outcome(level, verdict);
            let open = matches!(self.meaning(level, verdict), Meaning::Accepted | Meaning::Open);
            if open {
                return self.open(verdict);
            }
            if outcome != Outcome::Returned {
                return self.all(outcome, verdict);
            }
        }
        let halted = |halt| Judgement { halt: Some(halt), ..self.all(Outcome::Returned, verdict) };
        let (code, message) = (verdict.code.clone(), verdict.message.clone());
        match self.meaning(Level::Call, verdict) {
            Meaning::Culprit => self.culprit(verdict),
            Meaning::Refused => self.all(Outcome::Failed, verdict),
            Meaning::Throttled => halted(Halt::Throttled { retry_after: raw.retry_after }),
            Meaning::Busy => halted(Halt::Busy),
            Meaning::Unauthorized => halted(Halt::Unauthorized { code, message }),
            Meaning::Forbidden => {
                let permissions = verdict.permissions.clone();
                halted(Halt::Forbidden { code, message, permissions })
            }
            Meaning::Done | Meaning::RefusedAsk => self.all(Outcome::Unknown, verdict),
            Meaning::Accepted | Meaning::Open => self.open(verdict),
        }
    }

    /// It may have been done or not. A job may begin after its answer, so that answer is no last word.
    fn open(&self, verdict: &Verdict) -> Judgement {
        let later = self.operation().may_begin_later();
        let outcome = if Mistake::TakesErrorForNothingDone.is_made() {
            Outcome::Returned
        } else {
            Outcome::Unknown
        };
        Judgement { complete: self.complete && !later, ..self.all(outcome, verdict) }
    }

    /// The id of the job that an answer speaks of. The code beside it is an open set; what the table knows
    /// as anything but a job's state is no acceptance.
    fn accepted(&self, verdict: &Verdict) -> Option<String> {
        let job = verdict.job_id.as_ref().filter(|job| {
            (1..=JOB_ID_MAX).contains(&job.len()) && job.bytes().all(|byte| byte.is_ascii_graphic())
        })?;
        let meaning = self.meaning(Level::Call, verdict);
        let job_call = self.operation() == Operation::DeleteTags;
        (job_call && matches!(meaning, Meaning::Accepted | Meaning::Open)).then(|| job.clone())
    }

    /// One bad item made Zoho refuse the call. Named by id or `json_path` it is taken out and the rest goes
    /// back; unnamed, the batch is halved until it stands alone.
    fn culprit(&self, verdict: &Verdict) -> Judgement {
        let by_path = verdict.json_path.as_deref().and_then(path_index);
        let culprit = self.items.iter().enumerate().position(|(position, item)| {
            verdict.id.as_ref().is_some_and(|id| *id == item.target.to_string())
                || (verdict.id.is_none() && by_path == Some(position))
        });
        let one = |position: usize| {
            if culprit == Some(position) {
                result(self.outcome(Level::Item, verdict), verdict, None)
            } else {
                result(Outcome::Returned, &Verdict::default(), None)
            }
        };
        let judgement = self.judgement((0..self.items.len()).map(one).collect());
        Judgement { share: culprit.is_none().then(|| self.half()), ..judgement }
    }
}

/// The index in `$.ids[3]`, in `$.mass_delete[0].tags[3].id`, or in `$.data[3].id`.
fn path_index(path: &str) -> Option<usize> {
    let lists = ["$.ids[", "$.mass_delete[0].tags[", "$.data["];
    let rest = lists.iter().find_map(|list| path.strip_prefix(list))?;
    let (index, rest) = rest.split_once(']')?;
    matches!(rest, "" | ".id" | ".list_price" | ".Member_Status")
        .then(|| index.parse().ok())
        .flatten()
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "outcome_properties.rs"]
mod properties;
