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
    AnswerItem { id: item.map(|item| item.target), verdict: verdict(code), tags: None, slice: 0..1 }
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
    assert_eq!((outcomes(&judgement).as_str(), judgement.share), ("done unknown unknown", None));
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
