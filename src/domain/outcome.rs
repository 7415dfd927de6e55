//! From an answer to outcomes: matches items to entries by id, and judges each by the table of codes.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use crate::domain::answer::{AnswerItem, ParsedAnswer, RawAnswer, Verdict};
use crate::domain::call::CallItem;
use crate::domain::codes::{Level, Meaning, meaning};
use crate::domain::id::RecordId;
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
    /// Why the run cannot go on as before.
    pub halt: Option<Halt>,
}

/// Judges an answer. `items` is the batch as it was sent.
pub fn judge(items: &[CallItem], raw: &RawAnswer, parsed: &ParsedAnswer) -> Judgement {
    // A gateway in front of Zoho answers 502, 503 and 504 on its own; the call may be on its way still.
    let gateway = matches!(raw.http_status, 502..=504);
    match parsed {
        ParsedAnswer::Items(answers) => judge_items(items, answers, !gateway),
        ParsedAnswer::Call(verdict) => judge_call(items, raw, verdict, !gateway),
        ParsedAnswer::Unreadable(_) => Judgement {
            results: all(items, Outcome::Unknown, &Verdict::default()),
            share: None,
            complete: false,
            strangers: 0,
            repeated: 0,
            halt: (raw.http_status == 429)
                .then_some(Halt::Throttled { retry_after: raw.retry_after }),
        },
    }
}

fn result(outcome: Outcome, verdict: &Verdict, slice: Option<Range<usize>>) -> ItemResult {
    let (code, message) = (verdict.code.clone(), verdict.message.clone());
    ItemResult { outcome, code, message, slice }
}

fn all(items: &[CallItem], outcome: Outcome, verdict: &Verdict) -> Vec<ItemResult> {
    items.iter().map(|_| result(outcome, verdict, None)).collect()
}

/// The outcome that a code means for one item.
fn item_outcome(level: Level, code: &str) -> Outcome {
    match meaning(level, code) {
        Meaning::Done => Outcome::Done,
        Meaning::Refused | Meaning::Culprit => Outcome::Failed,
        Meaning::RefusedAsk | Meaning::Open => Outcome::Unknown,
        Meaning::Throttled | Meaning::Unauthorized | Meaning::Forbidden => Outcome::Returned,
    }
}

/// Answers by item. By id alone: nothing promises that Zoho keeps the order.
fn judge_items(items: &[CallItem], answers: &[AnswerItem], complete: bool) -> Judgement {
    let wanted: HashMap<RecordId, usize> =
        items.iter().enumerate().map(|(position, item)| (item.target, position)).collect();
    let mut results: Vec<Option<ItemResult>> = vec![None; items.len()];
    let mut anonymous: Vec<&AnswerItem> = Vec::new();
    let (mut strangers, mut repeated) = (0, 0);
    for answer in answers {
        let judged = result(
            item_outcome(Level::Item, &answer.verdict.code),
            &answer.verdict,
            Some(answer.slice.clone()),
        );
        let Some(id) = answer.id else {
            anonymous.push(answer);
            continue;
        };
        match wanted.get(&id).and_then(|position| results.get_mut(*position)) {
            None => strangers += 1,
            Some(slot @ None) => *slot = Some(judged),
            Some(Some(first)) => {
                repeated += 1;
                // Two answers that contradict each other prove neither.
                if first.code != judged.code {
                    first.outcome = Outcome::Unknown;
                    first.code.clear();
                    first.message.clear();
                    first.slice = None;
                }
            }
        }
    }
    let mut share = None;
    if let ([None], [only]) = (results.as_slice(), anonymous.as_slice())
        && only.verdict.id.is_none()
        && strangers == 0
    {
        // The path named the one record: an item without an id can only speak of it.
        let judged = result(
            item_outcome(Level::Item, &only.verdict.code),
            &only.verdict,
            Some(only.slice.clone()),
        );
        results = vec![Some(judged)];
    } else {
        let missing = results.iter().filter(|slot| slot.is_none()).count();
        let refused =
            |answer: &&AnswerItem| meaning(Level::Item, &answer.verdict.code) == Meaning::Refused;
        // As many refusals without an id as items without an answer: each of these was refused, only
        // not which by what. Alone, each gets its own answer. Anything else must be read.
        if missing > 0 && missing == anonymous.len() && anonymous.iter().all(refused) {
            share = Some(1);
            let returned = result(Outcome::Returned, &Verdict::default(), None);
            for slot in results.iter_mut().filter(|slot| slot.is_none()) {
                *slot = Some(returned.clone());
            }
        }
    }
    let left_out = result(Outcome::Unknown, &Verdict::default(), None);
    let results =
        results.into_iter().map(|slot| slot.unwrap_or_else(|| left_out.clone())).collect();
    Judgement { results, share, complete, strangers, repeated, halt: None }
}

/// One verdict for the whole call.
fn judge_call(items: &[CallItem], raw: &RawAnswer, verdict: &Verdict, complete: bool) -> Judgement {
    let judgement = |results, share, halt| Judgement {
        results,
        share,
        complete,
        strangers: 0,
        repeated: 0,
        halt,
    };
    let (code, message) = (verdict.code.clone(), verdict.message.clone());
    // The single form answers flat where the bulk form answers by item: it speaks of its one record.
    if let [item] = items {
        if verdict.id.as_ref().is_some_and(|id| *id != item.target.to_string()) {
            // It names another record: it says nothing about ours.
            let mut judged =
                judgement(all(items, Outcome::Unknown, &Verdict::default()), None, None);
            judged.strangers = 1;
            return judged;
        }
        let culprit = meaning(Level::Call, &code) == Meaning::Culprit;
        let level = if culprit || code == "SUCCESS" { Level::Item } else { Level::Call };
        let outcome = item_outcome(level, &code);
        if outcome != Outcome::Returned {
            return judgement(all(items, outcome, verdict), None, None);
        }
    }
    match meaning(Level::Call, &code) {
        Meaning::Culprit => judge_culprit(items, verdict, complete),
        Meaning::Refused => judgement(all(items, Outcome::Failed, verdict), None, None),
        Meaning::Throttled => judgement(
            all(items, Outcome::Returned, verdict),
            None,
            Some(Halt::Throttled { retry_after: raw.retry_after }),
        ),
        Meaning::Unauthorized => judgement(
            all(items, Outcome::Returned, verdict),
            None,
            Some(Halt::Unauthorized { code, message }),
        ),
        Meaning::Forbidden => judgement(
            all(items, Outcome::Returned, verdict),
            None,
            Some(Halt::Forbidden { code, message, permissions: verdict.permissions.clone() }),
        ),
        Meaning::Done | Meaning::RefusedAsk | Meaning::Open => {
            judgement(all(items, Outcome::Unknown, verdict), None, None)
        }
    }
}

/// One bad item made Zoho refuse the call. Named by id or `json_path` it is taken out and the rest goes
/// back; unnamed, the batch is halved until it stands alone.
fn judge_culprit(items: &[CallItem], verdict: &Verdict, complete: bool) -> Judgement {
    let by_path = verdict.json_path.as_deref().and_then(path_index);
    let culprit = items.iter().enumerate().position(|(position, item)| {
        verdict.id.as_ref().is_some_and(|id| *id == item.target.to_string())
            || (verdict.id.is_none() && by_path == Some(position))
    });
    let half = u32::try_from(items.len().div_ceil(2)).unwrap_or(1).max(1);
    let results = items
        .iter()
        .enumerate()
        .map(|(position, _)| {
            if culprit == Some(position) {
                result(item_outcome(Level::Item, &verdict.code), verdict, None)
            } else {
                result(Outcome::Returned, &Verdict::default(), None)
            }
        })
        .collect();
    let share = if culprit.is_none() { Some(half) } else { None };
    Judgement { results, share, complete, strangers: 0, repeated: 0, halt: None }
}

/// The index in `$.ids[3]`.
fn path_index(path: &str) -> Option<usize> {
    path.strip_prefix("$.ids[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::answer::Unreadable;
    use crate::domain::id::EntryId;
    use crate::domain::time::Timestamp;

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
        AnswerItem { id: item.map(|item| item.target), verdict: verdict(code), slice: 0..1 }
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
}
