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

    /// What one item of an answer says. A success that names a tag as still on the record, which it was to
    /// remove, is none: reading must tell.
    fn item(&self, answer: &AnswerItem) -> ItemResult {
        let mut outcome = self.outcome(Level::Item, &answer.verdict);
        if let (Outcome::Done, Some(tags), Some(left)) =
            (outcome, self.kind.scope.tags(), &answer.tags)
            && tags.names().iter().any(|name| left.iter().any(|one| one == name.as_str()))
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
        for answer in answers {
            let judged = self.item(answer);
            let Some(id) = answer.id.or_else(|| self.named_by_path(answer)) else {
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
        Judgement { share, strangers, repeated, ..self.judgement(results) }
    }

    /// The record that a refusal names by its place among the ids as they were sent (OAS tags.json: INVALID_DATA
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
            && only.verdict.id.is_none()
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
            if verdict.id.as_ref().is_some_and(|id| *id != item.target.to_string()) {
                // It names another record: it says nothing about ours.
                let unknown = self.all(Outcome::Unknown, &Verdict::default());
                return Judgement { strangers: 1, ..unknown };
            }
            let culprit = self.meaning(Level::Call, verdict) == Meaning::Culprit;
            let level =
                if culprit || verdict.code == "SUCCESS" { Level::Item } else { Level::Call };
            let outcome = self.outcome(level, verdict);
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
            Meaning::Done | Meaning::Accepted | Meaning::RefusedAsk | Meaning::Open => {
                self.all(Outcome::Unknown, verdict)
            }
        }
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

/// The index in `$.ids[3]`, or in `$.mass_delete[0].tags[3].id`.
fn path_index(path: &str) -> Option<usize> {
    let lists = ["$.ids[", "$.mass_delete[0].tags["];
    let rest = lists.iter().find_map(|list| path.strip_prefix(list))?;
    let (index, rest) = rest.split_once(']')?;
    matches!(rest, "" | ".id").then(|| index.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::EntryId;
    use crate::domain::scope::{Action, Scope, TagSet};
    use crate::domain::target::{ApiVersion, Product};
    use crate::domain::time::Timestamp;

    fn kind(action: Action) -> CallKind {
        let scope = Scope { product: Product::Crm, module: "Leads".parse().unwrap(), action };
        let api_version = ApiVersion::V8;
        CallKind { scope, api_version, workflows: true, snapshot: true, module_id: None }
    }

    fn judge(items: &[CallItem], raw: &RawAnswer, parsed: &ParsedAnswer) -> Judgement {
        super::judge(&kind(Action::Delete), items, raw, parsed)
    }

    fn items(count: i64) -> Vec<CallItem> {
        (1..=count)
            .map(|number| CallItem {
                entry: EntryId::new(number),
                target: RecordId::from_stored(410_405_000_002_264_000 + number).unwrap(),
            })
            .collect()
    }

    fn raw(http_status: u16) -> RawAnswer {
        RawAnswer {
            http_status,
            body: Vec::new(),
            cut: false,
            date: None,
            retry_after: Some(Duration::from_secs(7)),
            credits_remaining: None,
            sent_at: Timestamp::from_millis(0),
            answered_at: Timestamp::from_millis(0),
        }
    }

    fn verdict(code: &str) -> Verdict {
        Verdict { code: code.to_owned(), ..Verdict::default() }
    }

    fn answer(item: Option<&CallItem>, code: &str) -> AnswerItem {
        AnswerItem {
            id: item.map(|item| item.target),
            verdict: verdict(code),
            tags: None,
            slice: 0..1,
        }
    }

    fn outcomes(judgement: &Judgement) -> String {
        judgement.results.iter().map(|one| one.outcome.wire_name()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn shuffled_answers_go_to_their_item_by_id() {
        let batch = items(3);
        let parsed = ParsedAnswer::Items(vec![
            answer(batch.get(2), "SUCCESS"),
            answer(batch.first(), "RECORD_LOCKED"),
            answer(batch.get(1), "INVALID_DATA"),
        ]);
        assert_eq!(outcomes(&judge(&batch, &raw(207), &parsed)), "failed unknown done");
    }

    #[test]
    fn a_missing_a_double_and_an_unknown_id_are_noticed() {
        let batch = items(3);
        let stranger = CallItem { target: "999999999999999999".parse().unwrap(), ..batch[0] };
        let parsed = ParsedAnswer::Items(vec![
            answer(Some(&batch[0]), "SUCCESS"),
            answer(Some(&batch[0]), "SUCCESS"),
            answer(Some(&stranger), "SUCCESS"),
            answer(Some(&batch[1]), "SUCCESS"),
        ]);
        let judgement = judge(&batch, &raw(200), &parsed);
        assert_eq!(outcomes(&judgement), "done done unknown");
        assert_eq!((judgement.strangers, judgement.repeated), (1, 1));
    }

    #[test]
    fn two_answers_that_contradict_each_other_prove_neither() {
        let batch = items(1);
        for codes in [["SUCCESS", "INVALID_DATA"], ["INVALID_DATA", "SUCCESS"]] {
            let answers = codes.map(|code| answer(batch.first(), code)).to_vec();
            let judgement = judge(&batch, &raw(200), &ParsedAnswer::Items(answers));
            // Neither word is kept: the refusal would make a call that may have acted look harmless.
            assert_eq!(
                (outcomes(&judgement).as_str(), judgement.results[0].code.as_str()),
                ("unknown", "")
            );
        }
    }

    #[test]
    fn refusals_without_an_id_are_sent_again_alone_only_when_they_account_for_every_missing_item() {
        let batch = items(3);
        let one = vec![answer(batch.first(), "SUCCESS"), answer(None, "NOT_APPROVED")];
        let judgement = judge(&batch, &raw(207), &ParsedAnswer::Items(one.clone()));
        assert_eq!(
            (outcomes(&judgement).as_str(), judgement.share),
            ("done unknown unknown", None)
        );
        let two = [one, vec![answer(None, "NOT_APPROVED")]].concat();
        let judgement = judge(&batch, &raw(207), &ParsedAnswer::Items(two));
        assert_eq!(
            (outcomes(&judgement).as_str(), judgement.share),
            ("done returned returned", Some(1))
        );
    }

    #[test]
    fn the_single_form_speaks_of_its_one_record() {
        let batch = items(1);
        for (code, expected) in [
            ("INVALID_DATA", "unknown"),
            ("RECORD_LOCKED", "failed"),
            ("NOT_APPROVED", "failed"),
            ("INTERNAL_ERROR", "unknown"),
            ("INVALID_MODULE", "failed"),
            ("TOO_MANY_REQUESTS", "returned"),
            ("SOMETHING_NEW", "unknown"),
        ] {
            let flat = judge(&batch, &raw(400), &ParsedAnswer::Call(verdict(code)));
            assert_eq!(outcomes(&flat), expected, "{code}");
        }
        let anonymous = ParsedAnswer::Items(vec![answer(None, "INTERNAL_ERROR")]);
        assert_eq!(outcomes(&judge(&batch, &raw(500), &anonymous)), "unknown");
    }

    #[test]
    fn a_whole_call_refused_gives_everything_back_or_fails_it() {
        let batch = items(2);
        let flat = |code: &str| judge(&batch, &raw(400), &ParsedAnswer::Call(verdict(code)));
        assert_eq!(outcomes(&flat("INVALID_MODULE")), "failed failed");
        let throttled = flat("TOO_MANY_REQUESTS");
        assert_eq!(outcomes(&throttled), "returned returned");
        let wait = Some(Duration::from_secs(7));
        assert_eq!(throttled.halt, Some(Halt::Throttled { retry_after: wait }));
        assert!(matches!(flat("OAUTH_SCOPE_MISMATCH").halt, Some(Halt::Forbidden { .. })));
        assert!(matches!(flat("INVALID_TOKEN").halt, Some(Halt::Unauthorized { .. })));
        assert_eq!(outcomes(&flat("INTERNAL_ERROR")), "unknown unknown");
    }

    #[test]
    fn a_culprit_is_taken_out_or_the_batch_is_halved() {
        let batch = items(5);
        let named = Verdict { json_path: Some("$.ids[3]".to_owned()), ..verdict("INVALID_DATA") };
        let judgement = judge(&batch, &raw(400), &ParsedAnswer::Call(named));
        assert_eq!(outcomes(&judgement), "returned returned returned unknown returned");
        assert_eq!(judgement.share, None);
        let unnamed = judge(&batch, &raw(400), &ParsedAnswer::Call(verdict("INVALID_DATA")));
        assert_eq!(outcomes(&unnamed), "returned returned returned returned returned");
        assert_eq!(unnamed.share, Some(3));
    }

    #[test]
    fn what_is_no_answer_of_zohos_leaves_everything_unknown() {
        let batch = items(2);
        for what in [Unreadable::Empty, Unreadable::Cut, Unreadable::NotJson, Unreadable::Strange] {
            let judgement = judge(&batch, &raw(502), &ParsedAnswer::Unreadable(what));
            assert_eq!(outcomes(&judgement), "unknown unknown");
            assert!(!judgement.complete);
        }
    }
    /// OAS tags.json: a record that is none, among many, by its place.
    #[test]
    fn a_refusal_may_name_its_item_by_its_place_among_the_ids() {
        let batch = items(3);
        let at = |index: usize, code: &str| AnswerItem {
            verdict: Verdict { json_path: Some(format!("$.ids[{index}]")), ..verdict(code) },
            ..answer(None, code)
        };
        let parsed = ParsedAnswer::Items(vec![
            answer(batch.first(), "SUCCESS"),
            at(2, "INVALID_DATA"),
            answer(batch.get(1), "SUCCESS"),
        ]);
        let judgement = judge(&batch, &raw(207), &parsed);
        assert_eq!(outcomes(&judgement), "done done unknown");
        assert_eq!((judgement.results[2].code.as_str(), judgement.strangers), ("INVALID_DATA", 0));
        // A success without an id is nobody's, wherever it says it stands.
        let parsed = ParsedAnswer::Items(vec![answer(batch.first(), "SUCCESS"), at(2, "SUCCESS")]);
        assert_eq!(outcomes(&judge(&batch, &raw(207), &parsed)), "done unknown unknown");
        // As many refusals as items are missing, and nothing that names them: each goes alone.
        let parsed = ParsedAnswer::Items(vec![
            answer(batch.first(), "SUCCESS"),
            answer(None, "INVALID_DATA"),
            at(9, "RECORD_LOCKED"),
        ]);
        let judgement = judge(&batch, &raw(207), &parsed);
        assert_eq!(
            (outcomes(&judgement).as_str(), judgement.share),
            ("done returned returned", Some(1))
        );
    }

    /// CRM v8 Mass Delete Tags page, sample response.
    #[test]
    fn an_accepted_job_queues_its_tags() {
        let batch = items(2);
        let accepted = |code: &str, job: Option<&str>| {
            let verdict = Verdict { job_id: job.map(str::to_owned), ..verdict(code) };
            super::judge(&kind(Action::DeleteTags), &batch, &raw(202), &ParsedAnswer::Call(verdict))
        };
        for code in ["SCHEDULED", "QUEUED", "RUNNING", "COMPLETED", "FAILED", "202"] {
            let judgement = accepted(code, Some("2276164000001035002"));
            assert_eq!(outcomes(&judgement), "queued queued", "{code}");
            assert_eq!(judgement.job.as_deref(), Some("2276164000001035002"));
        }
        assert_eq!(outcomes(&accepted("SCHEDULED", None)), "unknown unknown");
        assert_eq!(outcomes(&accepted("SCHEDULED", Some("a b"))), "unknown unknown");
        assert_eq!(outcomes(&accepted("INVALID_MODULE", Some("job_789"))), "failed failed");
        let busy = accepted("ALREADY_SCHEDULED", None);
        assert_eq!((outcomes(&busy).as_str(), busy.halt), ("returned returned", Some(Halt::Busy)));
    }

    /// Details of a refusal: OAS `mass_delete_tags.json`, `json_path`.
    #[test]
    fn one_bad_tag_is_taken_out_of_a_job() {
        let batch = items(3);
        let path = Some("$.mass_delete[0].tags[1].id".to_owned());
        for (code, outcome) in [("INVALID_DATA", "unknown"), ("NOT_ALLOWED", "failed")] {
            let verdict = Verdict { json_path: path.clone(), ..verdict(code) };
            let parsed = ParsedAnswer::Call(verdict);
            let judgement = super::judge(&kind(Action::DeleteTags), &batch, &raw(400), &parsed);
            assert_eq!(outcomes(&judgement), format!("returned {outcome} returned"));
            assert_eq!(judgement.share, None);
        }
    }

    #[test]
    fn a_success_that_leaves_the_tag_on_the_record_is_none() {
        let batch = items(2);
        let tags = TagSet::new(["Prime".parse().unwrap()]).unwrap();
        let with = |item: &CallItem, tags: &[&str]| AnswerItem {
            tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
            ..answer(Some(item), "SUCCESS")
        };
        let parsed =
            ParsedAnswer::Items(vec![with(&batch[0], &["Nurture"]), with(&batch[1], &["Prime"])]);
        let judgement = super::judge(&kind(Action::Untag(tags)), &batch, &raw(200), &parsed);
        assert_eq!(outcomes(&judgement), "done unknown");
    }

    #[test]
    fn a_call_that_is_too_large_is_halved() {
        let batch = items(5);
        let judgement = judge(&batch, &raw(414), &ParsedAnswer::Unreadable(Unreadable::NotJson));
        assert_eq!(outcomes(&judgement), "returned returned returned returned returned");
        assert_eq!((judgement.share, judgement.complete), (Some(3), true));
        let cut = judge(&batch, &raw(414), &ParsedAnswer::Unreadable(Unreadable::Cut));
        assert_eq!(outcomes(&cut), "unknown unknown unknown unknown unknown");
    }
}
