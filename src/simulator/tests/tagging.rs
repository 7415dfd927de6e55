//! Tags put on records and taken off them.

use serde_json::json;

use super::*;

const REMOVE: &str = "/crm/v8/Leads/actions/remove_tags";
const ADD: &str = "/crm/v8/Leads/actions/add_tags";

fn remove(names: &[&str], ids: &[u64]) -> Value {
    let tags: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    json!({"tags": tags, "ids": texts(ids)})
}

#[tokio::test]
async fn the_answer_is_that_of_the_page_byte_for_byte() {
    let zoho = World::new();
    let [first, second] = [zoho.leads[0], zoho.leads[1]];
    let [nurture, _, _] =
        zoho.simulator.tag("Leads", &["Nurture", "Prime", "Attend First"], &[first])[..]
    else {
        panic!("three names, three tags")
    };
    zoho.wait(3_600_000);
    let seen = zoho.post(REMOVE, &remove(&["Prime", "Attend First"], &[first, second])).await;
    let item = |id: u64, tags: &str| {
        format!(r#"{{"code":"SUCCESS","details":{{"id":"{id}","tags":[{tags}]}},"#)
            + r#""message":"tags updated successfully","status":"success"}"#
    };
    let left = format!(r#"{{"name":"Nurture","id":"{nurture}","color_code":null}}"#);
    let wanted =
        [r#"{"data":["#, &item(first, &left), ",", &item(second, ""), r#"],"locked_count":"0"}"#];
    assert_eq!((seen.status, seen.text), (200, wanted.concat()));
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.tags_of(first), ["Nurture"]);
    assert_eq!(zoho.simulator.requests()[0].applied, 1);
    assert_eq!(zoho.simulator.requests()[0].ids, texts(&[first, second]));
    // The record that carried none of them is as it was.
    let path = format!("/crm/v8/Leads?ids={first},{second}&fields=Tag,Modified_Time");
    let rows = zoho.get(&path).await.json();
    assert_eq!(rows["data"][0]["Modified_Time"], "2026-08-22T16:30:00+05:30");
    assert_ne!(rows["data"][1]["Modified_Time"], "2026-08-22T16:30:00+05:30");
    assert_eq!(rows["data"][0]["Tag"][0]["id"], nurture.to_string());
    assert_eq!(rows["data"][1]["Tag"], json!([]));
}

#[tokio::test]
async fn each_call_tells_what_it_did_to_which_record() {
    let zoho = World::new();
    let [ours, theirs] = [zoho.leads[0], zoho.leads[1]];
    let tag = zoho.simulator.tag("Leads", &["A"], &[ours, theirs])[0];
    assert_eq!(zoho.simulator.untag("Leads", &["A"], &[theirs]), 1);
    for _ in 0..2 {
        let seen = zoho.post(REMOVE, &remove(&["A"], &[ours, theirs])).await;
        assert_eq!(seen.status, 200, "taking off what is not on is a success");
    }
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.calls_that(EffectKind::Untagged(tag), ours), [1]);
    assert_eq!(snapshot.calls_that(EffectKind::Untagged(tag), theirs), [0; 0]);
    let by_other = snapshot.effects_of(theirs)[1];
    assert_eq!((by_other.by, by_other.request), (Actor::OtherUser, None));
    let seen = zoho.call_as(Method::GET, "/_simulator/effects", &[], "").await.unwrap();
    let effect = &seen.json()["effects"][ours.to_string()][1];
    assert_eq!((&effect["kind"], &effect["request"]), (&json!("untagged"), &json!(1)));
}

#[tokio::test]
async fn every_version_untags_one_and_many_in_its_own_form() {
    for version in ["v2", "v2.1", "v3", "v4", "v5", "v6", "v7", "v8"] {
        let zoho = World::new();
        let [one, two] = [zoho.leads[0], zoho.leads[1]];
        zoho.simulator.tag("Leads", &["A b", "C", "D"], &[one, two]);
        let base = format!("/crm/{version}/Leads");
        let (many, single) = if version.starts_with("v2") {
            let query = format!("{base}/actions/remove_tags?ids={one},{two}&tag_names=A%20b,C");
            let single = format!("{base}/{one}/actions/remove_tags?tag_names=D");
            (zoho.post(&query, &Value::Null).await, zoho.post(&single, &Value::Null).await)
        } else {
            let many = format!("{base}/actions/remove_tags");
            let many = zoho.post(&many, &remove(&["A b", "C"], &[one, two])).await;
            let path = format!("{base}/{one}/actions/remove_tags");
            (many, zoho.post(&path, &json!({"tags": [{"name": "D"}]})).await)
        };
        assert_eq!((many.status, single.status), (200, 200), "{version}");
        assert_eq!(many.json()["data"][1]["details"]["tags"][0]["name"], "D");
        assert_eq!(single.json()["data"][0]["details"]["tags"], json!([]));
        assert_eq!(zoho.simulator.snapshot().tags_of(two), ["D"]);
    }
}

#[tokio::test]
async fn a_tag_is_meant_by_its_id_before_its_name() {
    let zoho = World::new();
    let lead = zoho.leads[0];
    let ids = zoho.simulator.tag("Leads", &["A", "B"], &[lead]);
    let one = |tag: Value| json!({"tags": [tag], "ids": [lead.to_string()]});
    let seen = zoho.post(REMOVE, &one(json!({"id": ids[0].to_string(), "name": "B"}))).await;
    assert_eq!(seen.json()["data"][0]["details"]["tags"][0]["name"], "B");
    // A tag that is gone is known by its name no more, and by its id not either.
    zoho.simulator.drop_tags("Leads", &["A"]);
    let gone = json!({"id": ids[0].to_string(), "name": "A"});
    assert_eq!(zoho.post(REMOVE, &one(gone)).await.status, 200);
    let seen = zoho.post(REMOVE, &one(json!({"id": ids[0].to_string()}))).await;
    let details = json!({"api_name": "id", "json_path": "$.tags[0].id"});
    assert_eq!(seen.both(), (400, flat("INVALID_DATA", "invalid data", details)));
}

#[tokio::test]
async fn what_fails_fails_alone_and_locked_records_are_counted() {
    for mixed in [207, 200] {
        let zoho = World::with(|config| config.mixed_status = mixed);
        let [free, locked, pending, gone] = [0, 1, 2, 3].map(|n| zoho.leads[n]);
        zoho.simulator.tag("Leads", &["A"], &zoho.leads);
        zoho.simulator.lock(locked);
        zoho.simulator.unapprove(pending);
        zoho.delete_leads(&[gone]).await.unwrap();
        let body = remove(&["A"], &[free, locked, pending, gone]);
        let seen = zoho.post(REMOVE, &body).await;
        let done = json!({"code": "SUCCESS", "details": {"id": free.to_string(), "tags": []},
                          "message": "tags updated successfully", "status": "success"});
        let lock = flat(
            "RECORD_LOCKED",
            "Sorry, you cannot perform this operation as the record is locked.",
            json!({"action": "record_locking", "id": locked.to_string()}),
        );
        let approval = "cannot update record that is not approved yet";
        let unknown = flat(
            "INVALID_DATA",
            "the id given seems to be invalid",
            json!({"id": gone.to_string()}),
        );
        let items = json!([done, lock, flat("NOT_APPROVED", approval, json!({})), unknown]);
        assert_eq!(seen.both(), (mixed, json!({"data": items, "locked_count": "1"})));
        let seen = zoho.post(REMOVE, &remove(&["A"], &[locked])).await;
        assert_eq!(seen.both(), (400, json!({"data": [lock], "locked_count": "1"})));
        let path = format!("/crm/v8/Leads/{pending}/actions/remove_tags");
        let seen = zoho.post(&path, &json!({"tags": [{"name": "A"}]})).await;
        assert_eq!(seen.json()["data"][0]["details"], json!({"id": pending.to_string()}));
        assert_eq!(zoho.simulator.snapshot().tags_of(locked), ["A"]);
    }
}

#[tokio::test]
async fn bodies_that_are_wrong_change_nothing_and_are_pointed_into() {
    let zoho = World::new();
    let lead = zoho.leads[0].to_string();
    zoho.simulator.tag("Leads", &["A"], &zoho.leads);
    let at = |path: &str, more: Value| {
        let name = path.rsplit('.').next().unwrap().split('[').next().unwrap();
        let mut details = json!({"api_name": name, "json_path": path});
        details.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        details
    };
    let none = || json!({});
    let tag = json!({"name": "A"});
    let many: Vec<String> =
        (0..501).map(|n| (4_150_868_000_005_067_000_u64 + n).to_string()).collect();
    let expected = |kind: &str| json!({"expected_data_type": kind});
    #[rustfmt::skip]
    let cases = [
        (json!({"ids": [lead]}), "MANDATORY_NOT_FOUND", at("$.tags", none())),
        (json!({"tags": [], "ids": [lead]}), "MANDATORY_NOT_FOUND", at("$.tags", none())),
        (json!({"tags": {"name": "A"}, "ids": [lead]}), "INVALID_DATA",
            at("$.tags", expected("jsonarray"))),
        (json!({"tags": ["A"], "ids": [lead]}), "INVALID_DATA",
            at("$.tags[0]", expected("jsonobject"))),
        (json!({"tags": [{"name": 1}], "ids": [lead]}), "INVALID_DATA",
            at("$.tags[0].name", expected("string"))),
        (json!({"tags": [tag]}), "MANDATORY_NOT_FOUND", at("$.ids", none())),
        (json!({"tags": [tag], "ids": lead}), "INVALID_DATA",
            at("$.ids", expected("jsonarray"))),
        (json!({"tags": [tag], "ids": [6.5e17]}), "INVALID_DATA",
            at("$.ids[0]", expected("string"))),
        (json!({"tags": [tag], "ids": many}), "INVALID_DATA",
            at("$.ids", json!({"maximum_length": 500}))),
        (json!({"tags": [tag], "ids": [lead, lead]}), "INVALID_DATA", at("$.ids", none())),
        (json!([]), "UNABLE_TO_PARSE_DATA_TYPE", none()),
        (json!({"tags": [{}], "ids": [lead]}), "EXPECTED_FIELD_MISSING", json!({"expected_fields": [
            {"api_name": "id", "json_path": "$.tags[0].id"},
            {"api_name": "name", "json_path": "$.tags[0].name"},
        ]})),
    ];
    for (body, code, details) in cases {
        let seen = zoho.post(REMOVE, &body).await;
        let answer = seen.json();
        assert_eq!((seen.status, &answer["code"]), (400, &json!(code)), "{body}");
        assert_eq!(answer["details"], details, "{body}");
    }
    let long = remove(&["a".repeat(26).as_str()], &zoho.leads[..1]);
    let details = json!({"api_name": "name", "maximum_length": 25, "json_path": "$.tags[*].name"});
    let wrapped = json!({"tags": [flat("INVALID_DATA", "invalid data", details)]});
    assert_eq!(zoho.post(REMOVE, &long).await.both(), (400, wrapped));
    assert_eq!(zoho.simulator.snapshot().record_tags["Leads"].len(), 10);
}

#[tokio::test]
async fn five_hundred_records_are_untagged_at_once_for_ten_credits() {
    let zoho = World::with(|config| config.records = vec![("Leads".to_owned(), 500)]);
    zoho.simulator.tag("Leads", &["A"], &zoho.leads);
    let seen = zoho.post(REMOVE, &remove(&["A"], &zoho.leads)).await;
    assert_eq!(seen.status, 200);
    let snapshot = zoho.simulator.snapshot();
    assert!(snapshot.record_tags.is_empty());
    assert_eq!(snapshot.credits_used, 10);
    zoho.post(REMOVE, &remove(&["A"], &zoho.leads[..51])).await;
    assert_eq!(zoho.simulator.snapshot().credits_used, 12);
}

#[tokio::test]
async fn the_most_tags_of_a_call_can_be_set() {
    let zoho = World::with(|config| config.tags_per_call_limit = 1);
    zoho.simulator.tag("Leads", &["A", "B"], &zoho.leads);
    let seen = zoho.post(REMOVE, &remove(&["A", "B"], &zoho.leads)).await;
    let details = json!({"api_name": "tags", "json_path": "$.tags", "maximum_length": 1});
    assert_eq!(seen.both(), (400, flat("INVALID_DATA", "invalid data", details)));
    assert_eq!(zoho.post(REMOVE, &remove(&["A"], &zoho.leads)).await.status, 200);
}

#[tokio::test]
async fn tags_are_added_made_where_there_are_none_and_limited_to_ten() {
    let zoho = World::new();
    let [one, two] = [zoho.leads[0], zoho.leads[1]];
    zoho.simulator.tag("Leads", &["0", "1", "2", "3", "4", "5", "6", "7", "8"], &[one]);
    let seen = zoho.post(ADD, &remove(&["8", "New"], &[one, two])).await;
    let body = seen.json();
    assert_eq!((seen.status, &body["success_count"]), (200, &json!("2")));
    assert_eq!(body["locked_count"], "0");
    assert_eq!(body["data"][1]["details"]["tags"][1]["name"], "New");
    let seen = zoho.post(ADD, &remove(&["Eleventh"], &[one, two])).await;
    assert_eq!(seen.status, 207);
    assert_eq!(seen.json()["data"][0]["code"], "LIMIT_EXCEEDED");
    let over = json!({"tags": [{"name": "Only"}], "ids": texts(&[one]), "over_write": true});
    assert_eq!(zoho.post(ADD, &over).await.status, 200);
    let sent = zoho.simulator.requests().pop().unwrap().body;
    assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), over);
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.tags_of(one), ["Only"]);
    assert_eq!(snapshot.tags_of(two), ["8", "New", "Eleventh"]);
    let query = format!("/crm/v2/Leads/{two}/actions/add_tags?tag_names=Q&over_write=true");
    assert_eq!(zoho.post(&query, &Value::Null).await.status, 200);
    assert_eq!(zoho.simulator.snapshot().tags_of(two), ["Q"]);
    let path = format!("/crm/v8/Leads/{two}/actions/add_tags?over_write=true");
    assert_eq!(zoho.post(&path, &json!({"tags": [{"name": "R"}]})).await.status, 200);
    assert_eq!(zoho.simulator.snapshot().tags_of(two), ["R"]);
}

#[tokio::test]
async fn a_tag_of_another_color_is_another_tag() {
    let zoho = World::new();
    let colored = |name: &str, color: &str| json!({"tags": [{"name": name, "color_code": color}], "ids": texts(&zoho.leads[..1])});
    assert_eq!(zoho.post(ADD, &colored("A", "#57B1FD")).await.status, 200);
    let mismatch = zoho.post(ADD, &colored("A", "#879BFC")).await;
    assert_eq!((mismatch.status, &mismatch.json()["code"]), (400, &json!("MAPPING_MISMATCH")));
    assert_eq!(zoho.post(ADD, &colored("B", "blue")).await.json()["code"], "INVALID_DATA");
}

#[tokio::test]
async fn errors_of_the_whole_call_untag_nothing() {
    let zoho = World::new();
    let id = zoho.leads[0];
    zoho.simulator.tag("Leads", &["A"], &zoho.leads);
    let ledger = zoho.simulator.add_records("Ledger__c", 1)[0];
    let not_there = "The module name given seems to be invalid";
    let unsupported = "The given module is not supported in API";
    let missing = "One of the expected parameter is missing";
    let url = "Please check if the URL trying to access is a correct one";
    let in_path = json!({"resource_path_index": 0});
    let action = "actions/remove_tags";
    #[rustfmt::skip]
    let cases = [
        (format!("/crm/v8/Lead/{action}"), 400, "INVALID_MODULE", not_there, in_path.clone()),
        (format!("/crm/v8/Documents/{action}"), 400, "INVALID_MODULE", unsupported, in_path),
        (format!("/crm/v8/Ledger__c/{ledger}/{action}"), 400, "AUTHORIZATION_FAILED",
            "User does not have sufficient privilege to remove tags", json!({})),
        (format!("/crm/v8/Leads/{id}/actions/remove_tag"), 404, "INVALID_URL_PATTERN", url, json!({})),
        (format!("/crm/v2/Leads/{action}?ids={id}"), 400, "REQUIRED_PARAM_MISSING", missing,
            json!({"param_name": "tag_names"})),
        (format!("/crm/v2/Leads/{action}?tag_names=A"), 400, "REQUIRED_PARAM_MISSING", missing,
            json!({"param_name": "ids"})),
        ("/crm/v8/Leads".to_owned(), 400, "INVALID_REQUEST_METHOD",
            "The http request method type is not a valid one", json!({})),
    ];
    for (path, status, code, message, details) in cases {
        let seen = zoho.post(&path, &remove(&["A"], &[id])).await;
        assert_eq!(seen.both(), (status, flat(code, message, details)), "{path}");
    }
    assert_eq!(zoho.get(REMOVE).await.json()["code"], "INVALID_REQUEST_METHOD");
    assert_eq!(zoho.simulator.snapshot().tags_of(id), ["A"]);
}
