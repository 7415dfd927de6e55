//! Answers to write calls: operation, number of items, status, then the body.

use zoho_journal::domain::answer::{AnswerItem, ParsedAnswer, RawAnswer};
use zoho_journal::domain::call::{CallItem, CallKind};
use zoho_journal::domain::id::{EntryId, RecordId};
use zoho_journal::domain::outcome::{Judgement, judge};
use zoho_journal::domain::scope::{Action, Scope, TagSet};
use zoho_journal::domain::state::Outcome;
use zoho_journal::domain::target::{ApiVersion, Product};
use zoho_journal::domain::time::Timestamp;
use zoho_journal::zoho::answer::parse;

/// The ids of the items; the corpus names them.
const FIRST: i64 = 4_876_876_000_000_624_001;

pub fn api_answer(data: &[u8]) {
    let Some((operation, rest)) = super::choice(data, &[0_u8, 1, 2, 3]) else { return };
    let Some((items, rest)) = super::choice(rest, &[1_i64, 2, 3, 4, 5]) else { return };
    let Some((http_status, body)) = super::choice(rest, super::STATUSES) else { return };
    let kind = kind(operation);
    let items: Vec<CallItem> = (0..items)
        .map(|at| CallItem {
            entry: EntryId::new(at + 1),
            target: RecordId::from_stored(FIRST + at).unwrap(),
        })
        .collect();
    let raw = raw(http_status, body, false);
    let parsed = parse(&raw);
    assert_eq!(parsed, parse(&raw));
    let judgement = judge(&kind, &items, &raw, &parsed);
    check(&items, body, &parsed, &judgement);
    if let ParsedAnswer::Items(answers) = &parsed {
        let mut turned = answers.clone();
        turned.reverse();
        let turned = judge(&kind, &items, &raw, &ParsedAnswer::Items(turned));
        assert_eq!(told(&judgement), told(&turned), "the order of an answer says nothing");
    }
    // What was cut proves nothing.
    let cut = self::raw(http_status, body, true);
    let cut = judge(&kind, &items, &cut, &parse(&cut));
    assert!(!cut.complete);
    assert!(cut.results.iter().all(|one| one.outcome == Outcome::Unknown));
}

fn told(judgement: &Judgement) -> Vec<(Outcome, &str)> {
    judgement.results.iter().map(|one| (one.outcome, one.code.as_str())).collect()
}

fn check(items: &[CallItem], body: &[u8], parsed: &ParsedAnswer, judgement: &Judgement) {
    assert_eq!(judgement.results.len(), items.len(), "one result an item");
    if let Some(share) = judgement.share {
        assert!(share >= 1 && judgement.results.iter().any(|one| one.outcome == Outcome::Returned));
    }
    for (item, result) in items.iter().zip(&judgement.results) {
        let mine: Vec<&AnswerItem> = match parsed {
            ParsedAnswer::Items(answers) => {
                answers.iter().filter(|one| one.id == Some(item.target)).collect()
            }
            ParsedAnswer::Call(_) | ParsedAnswer::Unreadable(_) => Vec::new(),
        };
        let succeeded = |one: &&AnswerItem| one.verdict.code == "SUCCESS";
        match result.outcome {
            Outcome::Done => {
                let alone = items.len() == 1
                    && match parsed {
                        ParsedAnswer::Items(answers) => {
                            matches!(&answers[..], [one] if one.id.is_none() && succeeded(&one))
                        }
                        ParsedAnswer::Call(verdict) => verdict.code == "SUCCESS",
                        ParsedAnswer::Unreadable(_) => false,
                    };
                assert!(alone || mine.iter().any(succeeded), "nothing says that {item:?} is done");
            }
            Outcome::Failed | Outcome::Returned => {
                assert!(!mine.iter().any(succeeded), "{item:?} is done, by its answer");
            }
            Outcome::Queued => assert!(judgement.job.is_some()),
            Outcome::Unknown => {}
        }
        if let Some(slice) = &result.slice {
            let bytes = body.get(slice.clone()).unwrap();
            assert!(bytes.starts_with(b"{") && bytes.ends_with(b"}"), "an item's own bytes");
        }
    }
}

fn raw(http_status: u16, body: &[u8], cut: bool) -> RawAnswer {
    let at = Timestamp::from_millis(0);
    RawAnswer {
        http_status,
        body: body.to_vec(),
        cut,
        date: None,
        retry_after: None,
        credits_remaining: None,
        sent_at: at,
        answered_at: at,
    }
}

fn kind(operation: u8) -> CallKind {
    let action = match operation {
        0 => Action::Delete,
        1 => Action::Untag(TagSet::new(["Old".parse().unwrap()]).unwrap()),
        2 => Action::Unlink {
            parent: RecordId::from_stored(FIRST + 100).unwrap(),
            list: "Contacts".parse().unwrap(),
        },
        _ => Action::DeleteTags,
    };
    CallKind {
        scope: Scope { product: Product::Crm, module: "Leads".parse().unwrap(), action },
        api_version: ApiVersion::V8,
        workflows: true,
        snapshot: true,
        module_id: None,
    }
}
