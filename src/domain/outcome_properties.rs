//! What holds for any answer: drawn ids, codes and order.

use proptest::prelude::*;

use super::*;
use crate::domain::codes::{Level, Meaning, RULES, meaning};
use crate::domain::id::EntryId;
use crate::domain::scope::{Action, Scope};
use crate::domain::target::{ApiVersion, Product};
use crate::domain::time::Timestamp;

fn record(number: usize) -> RecordId {
    let number = i64::try_from(number).unwrap();
    RecordId::from_stored(410_405_000_002_264_000 + number).unwrap()
}

fn batch(size: usize) -> Vec<CallItem> {
    let entry = |number: usize| EntryId::new(i64::try_from(number).unwrap() + 1);
    (0..size).map(|number| CallItem { entry: entry(number), target: record(number) }).collect()
}

fn judged(action: Action, size: usize, answers: &[AnswerItem]) -> Judgement {
    let scope = Scope { product: Product::Crm, module: "Leads".parse().unwrap(), action };
    let kind = CallKind {
        scope,
        api_version: ApiVersion::V8,
        workflows: true,
        snapshot: true,
        module_id: None,
    };
    let at = Timestamp::from_millis(0);
    let raw = RawAnswer {
        http_status: 200,
        body: Vec::new(),
        cut: false,
        date: None,
        retry_after: None,
        credits_remaining: None,
        sent_at: at,
        answered_at: at,
    };
    judge(&kind, &batch(size), &raw, &ParsedAnswer::Items(answers.to_vec()))
}

/// A code of the table, or one that nobody knows.
fn code() -> impl Strategy<Value = String> {
    let known = prop::sample::select(RULES).prop_map(|rule| rule.code.to_owned());
    prop_oneof![
        3 => Just("SUCCESS".to_owned()),
        3 => known,
        1 => Just("SOMETHING_NEW".to_owned()),
        1 => Just(String::new()),
    ]
}

/// Items that name one of ten records, of which a batch has fewer, or none.
fn answers() -> impl Strategy<Value = Vec<AnswerItem>> {
    let item = (prop::option::weighted(0.9, 0..10_usize), code()).prop_map(|(id, code)| {
        let verdict = Verdict { code, ..Verdict::default() };
        AnswerItem { id: id.map(record), verdict, tags: None, slice: 0..1 }
    });
    prop::collection::vec(item, 0..12)
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![Just(Action::Delete), Just(Action::DeleteTags)]
}

proptest! {
    #[test]
    fn every_item_gets_one_result_and_none_is_done_without_its_own_success(
        action in action(),
        size in 1..8_usize,
        answers in answers(),
    ) {
        let judgement = judged(action, size, &answers);
        prop_assert_eq!(judgement.results.len(), size);
        for (number, result) in judgement.results.iter().enumerate() {
            let mine: Vec<&AnswerItem> =
                answers.iter().filter(|one| one.id == Some(record(number))).collect();
            let succeeded = mine.iter().any(|one| one.verdict.code == "SUCCESS");
            let only = matches!(&answers[..], [one] if one.id.is_none() && size == 1);
            if result.outcome == Outcome::Done {
                prop_assert!(succeeded || only, "{result:?} from {answers:?}");
            }
            if succeeded {
                let may_be = matches!(result.outcome, Outcome::Done | Outcome::Unknown);
                prop_assert!(may_be, "{result:?} from {answers:?}");
            }
            // What names another moves nothing; at most it says that the rest was refused.
            if mine.is_empty() && !only {
                let may_be = matches!(result.outcome, Outcome::Unknown | Outcome::Returned);
                prop_assert!(may_be, "{result:?} from {answers:?}");
            }
        }
    }

    #[test]
    fn the_order_of_an_answer_says_nothing(
        action in action(),
        size in 1..8_usize,
        (answers, shuffled) in answers().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let told = |answers: &[AnswerItem]| -> Vec<(Outcome, String)> {
            let results = judged(action.clone(), size, answers).results;
            results.into_iter().map(|one| (one.outcome, one.code)).collect()
        };
        prop_assert_eq!(told(&answers), told(&shuffled));
    }

    #[test]
    fn an_unknown_code_is_never_a_refusal(code in "[A-Z_]{1,30}") {
        let verdict = Verdict { code: code.clone(), ..Verdict::default() };
        let known = RULES.iter().any(|rule| rule.code == code);
        prop_assume!(!known);
        for level in [Level::Item, Level::Call] {
            for operation in Operation::ALL {
                prop_assert_eq!(meaning(*operation, level, &verdict), Meaning::Open, "{}", &code);
            }
        }
        let answer = AnswerItem { id: Some(record(0)), verdict, tags: None, slice: 0..1 };
        prop_assert_eq!(judged(Action::Delete, 2, &[answer]).results[0].outcome, Outcome::Unknown);
    }
}
