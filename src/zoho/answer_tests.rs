use crate::domain::slices::envelope;
use proptest::prelude::*;

use super::*;
use crate::domain::id::RecordId;
use crate::domain::time::Timestamp;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../tests/fixtures/zoho/delete/", $name))
    };
}

fn raw(body: &str, cut: bool) -> RawAnswer {
    RawAnswer {
        http_status: 200,
        body: body.as_bytes().to_vec(),
        cut,
        date: None,
        retry_after: None,
        credits_remaining: None,
        sent_at: Timestamp::from_millis(0),
        answered_at: Timestamp::from_millis(0),
    }
}

fn items(body: &str) -> Vec<AnswerItem> {
    match parse_body(body.as_bytes()) {
        ParsedAnswer::Items(items) => items,
        other @ (ParsedAnswer::Call(_) | ParsedAnswer::Unreadable(_)) => panic!("{other:?}"),
    }
}

fn call(body: &str) -> Verdict {
    match parse_body(body.as_bytes()) {
        ParsedAnswer::Call(verdict) => verdict,
        other @ (ParsedAnswer::Items(_) | ParsedAnswer::Unreadable(_)) => panic!("{other:?}"),
    }
}

fn why(body: &str) -> Unreadable {
    match parse_body(body.as_bytes()) {
        ParsedAnswer::Unreadable(why) => why,
        other @ (ParsedAnswer::Items(_) | ParsedAnswer::Call(_)) => panic!("{body}: {other:?}"),
    }
}

fn id(text: &str) -> Option<RecordId> {
    text.parse().ok()
}

/// CRM v8 Remove Tags page and OAS YAML, `details.tags` are what the record still carries.
#[test]
fn an_untag_tells_the_tags_that_remain() {
    let body = r##"{"data":[{"code":"SUCCESS","details":{"id":"554023000000793002","tags":[{"name":"Nurture","id":"554023000002555018","color_code":"#57B1FD"}]},"message":"tags updated successfully","status":"success"}],"locked_count":"0"}"##;
    let [item] = items(body).try_into().unwrap();
    assert_eq!((item.id, item.verdict.code.as_str()), (id("554023000000793002"), "SUCCESS"));
    assert_eq!(item.tags, Some(vec!["Nurture".to_owned()]));
}

/// Bigin v2 Remove Tags page, sample response.
#[test]
fn bigin_tells_them_as_strings() {
    let body = r#"{"data":[{"code":"SUCCESS","details":{"id":"2445013000000402006","tags":["From Email","In Progress"]},"message":"tags updated successfully","status":"success"},{"code":"SUCCESS","details":{"id":"2445013000000141005","tags":["From Webforms"]},"message":"tags updated successfully","status":"success"}]}"#;
    let tags: Vec<_> = items(body).into_iter().map(|item| item.tags.unwrap()).collect();
    assert_eq!(tags, [vec!["From Email", "In Progress"], vec!["From Webforms"]]);
}

/// CRM v7 Delink Records page, sample response.
#[test]
fn an_unlink_is_answered_item_by_item() {
    let body = r#"{"data":[{"code":"SUCCESS","details":{"id":"3652397000000925128"},"message":"relation removed","status":"success"},{"code":"SUCCESS","details":{"id":"3652397000000649013"},"message":"relation removed","status":"success"}]}"#;
    let ids: Vec<_> = items(body).into_iter().map(|item| item.id).collect();
    assert_eq!(ids, [id("3652397000000925128"), id("3652397000000649013")]);
}

/// CRM v8 Mass Delete Tags page, sample response; OAS YAML, a placeholder for the code.
#[test]
fn an_accepted_job_has_an_id() {
    let body = r#"{"code":"SCHEDULED","details":{"job_id":"2276164000001035002"},"message":"tags scheduled successfully","status":"success"}"#;
    let verdict = call(body);
    assert_eq!(verdict.code, "SCHEDULED");
    assert_eq!(verdict.job_id.as_deref(), Some("2276164000001035002"));
    let verdict = call(r#"{"code":"202","details":{"job_id":"job_789"},"message":"x"}"#);
    assert_eq!(verdict.job_id.as_deref(), Some("job_789"));
    let flat = r#"{"code":"INVALID_DATA","details":{"expected_data_type":"jsonarray","api_name":"tags","json_path":"$.mass_delete[0].tags"},"message":"invalid data","status":"error"}"#;
    let verdict = call(flat);
    assert_eq!(verdict.api_name.as_deref(), Some("tags"));
    assert_eq!(verdict.json_path.as_deref(), Some("$.mass_delete[0].tags"));
}

/// CRM v7 Delete Tag page: an object; OAS tags.json: a list.
#[test]
fn the_deletion_of_one_tag_is_answered_in_either_form() {
    let item = r#"{"code":"SUCCESS","details":{"id":"4876876000000624001"},"message":"tags deleted successfully","status":"success"}"#;
    for body in [format!(r#"{{"tags":{item}}}"#), format!(r#"{{"tags":[{item}]}}"#)] {
        let [only] = items(&body).try_into().unwrap();
        assert_eq!((only.id, only.tags), (id("4876876000000624001"), None));
    }
}

#[test]
fn each_item_has_its_id_and_verdict() {
    let items = items(fixture!("mixed_in_another_order.json"));
    let seen: Vec<_> = items.iter().map(|item| (item.id, item.verdict.code.as_str())).collect();
    assert_eq!(
        seen,
        [
            (id("4876876000000624003"), "SUCCESS"),
            (id("4876876000000624001"), "INVALID_DATA"),
            (id("4876876000000624002"), "SUCCESS"),
        ]
    );
    assert_eq!(items[1].verdict.message, "record not deleted");
}

#[test]
fn refusals_of_all_items_are_still_items() {
    let locked = items(fixture!("all_refused_locked.json"));
    assert_eq!(locked[0].id, id("4876876000000624001"));
    assert_eq!(locked[0].verdict.code, "RECORD_LOCKED");
    let unapproved = items(fixture!("not_approved_without_id.json"));
    assert_eq!((unapproved.len(), unapproved[0].id), (1, None));
    assert_eq!(unapproved[0].verdict.code, "NOT_APPROVED");
    assert_eq!(items(fixture!("internal_error_wrapped.json"))[0].id, None);
}

#[test]
fn a_flat_answer_speaks_of_the_whole_call() {
    let verdict = call(fixture!("single_not_approved_with_id.json"));
    assert_eq!(verdict.id.as_deref(), Some("4876876000000624001"));
    let verdict = call(fixture!("single_already_deleted.json"));
    assert_eq!(verdict.resource_path_index, Some(1));
    assert_eq!(call(fixture!("single_malformed_id.json")).resource_path_index, Some(0));
    assert_eq!(
        call(fixture!("no_permission.json")).permissions,
        ["Crm_Implied_View_Leads", "Crm_Implied_Delete_Leads"]
    );
    assert_eq!(call(fixture!("culprit_by_json_path.json")).json_path.as_deref(), Some("$.ids[3]"));
    assert_eq!(call(fixture!("job_accepted.json")).job_id.as_deref(), Some("4876876000005871001"));
    for (body, code) in [
        (fixture!("internal_error_flat.json"), "INTERNAL_ERROR"),
        (fixture!("invalid_module.json"), "INVALID_MODULE"),
        (fixture!("scope_mismatch.json"), "OAUTH_SCOPE_MISMATCH"),
        (fixture!("token_expired.json"), "INVALID_TOKEN"),
        (fixture!("too_many_requests.json"), "TOO_MANY_REQUESTS"),
    ] {
        assert_eq!(call(body).code, code);
    }
}

#[test]
fn a_parameter_is_named_under_either_key() {
    for body in [fixture!("ids_missing.json"), fixture!("ids_missing_other_key.json")] {
        assert_eq!(call(body).param.as_deref(), Some("ids"));
    }
}

#[test]
fn older_errors_have_a_number_for_a_code() {
    let verdict = call(fixture!("too_many_requests_older_form.json"));
    assert_eq!(verdict.code, "429");
    assert!(verdict.message.starts_with("TOO_MANY_REQUESTS: Many"));
    let verdict = call(fixture!("oauth_error.json"));
    // Words are no code: nothing that may name somebody gets into the log.
    assert_eq!(verdict.code, "");
    assert!(verdict.message.starts_with("You have made"));
    assert_eq!(call(r#"{"error":"invalid_code"}"#).code, "invalid_code");
}

#[test]
fn every_envelope_is_known() {
    for (body, count) in [
        (fixture!("all_deleted.json"), 2),
        (fixture!("tags_as_object.json"), 1),
        (fixture!("nested_twice.json"), 1),
        (fixture!("status_contradicts_code.json"), 1),
        (r#"{"data":[]}"#, 0),
        (r#"{"tags":[{"code":"SUCCESS"}],"locked_count":"0"}"#, 1),
    ] {
        assert_eq!(items(body).len(), count, "{body}");
    }
    // The code decides, not the status beside it.
    assert_eq!(items(fixture!("status_contradicts_code.json"))[0].verdict.code, "CANNOT_DELETE");
}

#[test]
fn an_id_written_as_a_number_loses_no_digit() {
    let items = items(fixture!("ids_as_numbers.json"));
    assert_eq!(items[0].id, id("9007199254740993001"));
}

#[test]
fn what_is_not_an_id_is_none() {
    for not in ["null", "\"\"", "\"12\"", "1.5e18", "true", "{}", "[]", "\"x\""] {
        let body = format!(r#"{{"data":[{{"code":"SUCCESS","details":{{"id":{not}}}}}]}}"#);
        assert_eq!(items(&body)[0].id, None, "{not}");
    }
}

#[test]
fn a_cut_body_proves_nothing_even_when_it_parses() {
    let whole = fixture!("all_deleted.json");
    assert_eq!(parse(&raw(whole, true)), ParsedAnswer::Unreadable(Unreadable::Cut));
    assert!(matches!(parse(&raw(whole, false)), ParsedAnswer::Items(_)));
    for end in 1..whole.trim_end().len() {
        assert_eq!(why(&whole[..end]), Unreadable::Cut, "{end}");
    }
}

#[test]
fn bodies_that_say_nothing_say_why() {
    assert_eq!(why(""), Unreadable::Empty);
    assert_eq!(why(" \r\n\t"), Unreadable::Empty);
    assert_eq!(why(fixture!("gateway.html")), Unreadable::NotJson);
    assert_eq!(why("{\"data\":[]} trailing"), Unreadable::NotJson);
    assert_eq!(why("{'data':[]}"), Unreadable::NotJson);
    assert!(matches!(
        parse_body(b"{\"data\":\"\xff\"}"),
        ParsedAnswer::Unreadable(Unreadable::NotJson)
    ));
    for strange in [
        "null",
        "[]",
        "42",
        "\"SUCCESS\"",
        "{}",
        r#"{"status":"success"}"#,
        r#"{"data":null}"#,
        r#"{"data":"SUCCESS"}"#,
        r#"{"data":[null]}"#,
        r#"{"data":[["SUCCESS","record deleted",{"id":"4876876000000624001"}]]}"#,
        r#"{"data":[[[{"code":"SUCCESS"}]]]}"#,
        r#"{"code":{"a":1}}"#,
        r#"[{"code":"SUCCESS","details":{"id":"4876876000000624001"}}]"#,
    ] {
        assert_eq!(why(strange), Unreadable::Strange, "{strange}");
    }
}

#[test]
fn an_answer_that_two_readers_may_read_differently_is_unreadable() {
    for body in [
        r#"{"data":[{"code":"SUCCESS"}],"data":[]}"#,
        r#"{"data":[{"code":"SUCCESS"}],"tags":[{"code":"SUCCESS"}]}"#,
        r#"{"code":"SUCCESS","code":"INVALID_DATA"}"#,
        r#"{"data":[{"code":"SUCCESS","code":"INVALID_DATA"}]}"#,
        r#"{"data":[{"code":"SUCCESS","c\u006fde":"INVALID_DATA"}]}"#,
        r#"{"data":[{"code":"SUCCESS","details":{"id":"4876876000000624001","id":"4876876000000624002"}}]}"#,
        r#"{"data":[{"code":"SUCCESS","details":{},"details":{"id":"4876876000000624001"}}]}"#,
    ] {
        assert_eq!(why(body), Unreadable::Strange, "{body}");
    }
}

#[test]
fn depth_and_number_are_bounded() {
    let deep = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"data":[{{"code":"SUCCESS","x":{open}{close}}}]}}"#)
    };
    assert_eq!(items(&deep(50)).len(), 1);
    // Whether read or refused: without a stack overflow.
    drop(parse_body(deep(1_000_000).as_bytes()));
    drop(parse_body("[".repeat(1_000_000).as_bytes()));
    drop(parse_body(r#"{"data":"#.repeat(200_000).as_bytes()));
    let many = format!(r#"{{"data":[{}]}}"#, vec!["{}"; 1_000_000].join(","));
    assert_eq!(why(&many), Unreadable::Strange);
    let inner = format!("[{}]", vec!["{}"; 900].join(","));
    let nested = format!(r#"{{"data":[{}]}}"#, vec![inner.as_str(); 900].join(","));
    assert_eq!(why(&nested), Unreadable::Strange);
    let long = "X".repeat(100_000);
    let verdict = call(&format!(r#"{{"code":"{long}","message":"{long}"}}"#));
    assert_eq!((verdict.code.len(), verdict.message.len()), (0, 500));
    let named = call(r#"{"code":"user ann@example.org is blocked","message":"no"}"#);
    assert_eq!((named.code.as_str(), named.message.as_str()), ("", "no"));
}

#[test]
fn slices_are_the_items_own_bytes() {
    let body = fixture!("mixed_in_another_order.json");
    for item in items(body) {
        let slice = &body[item.slice];
        assert!(slice.starts_with('{') && slice.ends_with('}'), "{slice}");
        assert!(slice.contains(&item.id.unwrap().to_string()));
    }
}

/// Puts a body together again from its envelope and its items' bytes, each with its place in the body, in
/// order. `None` when they do not fit together.
fn join(envelope: &[u8], items: &[(Range<usize>, &[u8])]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let mut rest = envelope;
    for (place, bytes) in items {
        let (before, after) = rest.split_at_checked(place.start.checked_sub(body.len())?)?;
        if bytes.len() != place.len() {
            return None;
        }
        body.extend_from_slice(before);
        body.extend_from_slice(bytes);
        rest = after;
    }
    body.extend_from_slice(rest);
    Some(body)
}

/// Envelope and slices together are the body.
fn check_cover(body: &[u8]) {
    let ParsedAnswer::Items(items) = parse_body(body) else {
        return;
    };
    let slices: Vec<_> = items.iter().map(|item| item.slice.clone()).collect();
    let cuts: Vec<_> = slices.iter().cloned().map(Some).collect();
    let envelope = envelope(body, &cuts);
    let parts: Vec<_> = slices.iter().map(|slice| (slice.clone(), &body[slice.clone()])).collect();
    let sizes: usize = slices.iter().map(ExactSizeIterator::len).sum();
    assert_eq!(envelope.len() + sizes, body.len());
    assert_eq!(join(&envelope, &parts).as_deref(), Some(body));
}

#[test]
fn envelope_and_slices_rebuild_the_body() {
    for body in [
        fixture!("all_deleted.json"),
        fixture!("mixed_in_another_order.json"),
        fixture!("tags_as_object.json"),
        fixture!("nested_twice.json"),
        r#"  { "x" : "é" , "data" : [ {"code":"A"} ,{"code":"B"}, {} ] , "info":{} }  "#,
    ] {
        check_cover(body.as_bytes());
    }
    let body = br#"{"data":[{"code":"A"},{"code":"B"}]}"#;
    assert_eq!(envelope(body, &[Some(9..21), Some(22..34)]), br#"{"data":[,]}"#);
}

/// JSON of any shape, with the words of real answers in it more often than chance.
fn json() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("\"SUCCESS\"".to_owned()),
        Just("\"4876876000000624001\"".to_owned()),
        Just("4876876000000624001".to_owned()),
        Just("null".to_owned()),
        Just("-1.5e300".to_owned()),
        "\"[ -~é\\\\u]{0,8}\"",
    ];
    let key = prop_oneof![
        Just("data"),
        Just("tags"),
        Just("code"),
        Just("details"),
        Just("id"),
        Just("message"),
        Just("mass_delete"),
        Just("error"),
    ];
    word.prop_recursive(5, 64, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|list| format!("[{}]", list.join(", "))),
            prop::collection::vec((key.clone(), inner), 0..5).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        check_cover(&body);
    }

    #[test]
    fn no_json_panics(body in json()) {
        check_cover(body.as_bytes());
    }

    #[test]
    fn no_damaged_answer_panics(at in 0..400_usize, byte: u8, end in 0..500_usize) {
        let mut body = fixture!("mixed_in_another_order.json").as_bytes().to_vec();
        let length = body.len();
        body[at % length] = byte;
        body.truncate(end);
        check_cover(&body);
    }
}
