//! The definitions of tags: listed, made, counted, deleted.

use serde_json::json;

use super::*;

#[tokio::test]
async fn the_tags_of_a_module_are_listed_as_on_the_page() {
    let zoho = World::new();
    let id = zoho.simulator.tag("Leads", &["Prime"], &zoho.leads[..3])[0];
    zoho.simulator.tag("Contacts", &["Prime"], &[]);
    let seen = zoho.get("/crm/v8/settings/tags?module=Leads").await;
    let me = zoho.get("/crm/v8/users?type=AllUsers").await.json()["users"][1]["id"].clone();
    let user = format!(r#"{{"name":"Boris Colleague","id":{me}}}"#);
    let time = r#""2026-08-22T15:30:00+05:30""#;
    let wanted = format!(
        r#"{{"tags":[{{"name":"Prime","id":"{id}","color_code":null,"created_time":{time},"#
    ) + &format!(
        r#""modified_time":{time},"created_by":{user},"modified_by":{user}}}],"#
    ) + r#""info":{"count":1,"allowed_count":100}}"#;
    assert_eq!((seen.status, seen.text), (200, wanted));
    let mine = zoho.get("/crm/v8/settings/tags?module=Leads&my_tags=true").await.json();
    assert_eq!(mine["info"]["count"], 0);
    let count = format!("/crm/v8/settings/tags/{id}/actions/records_count?module=Leads");
    zoho.delete_leads(&zoho.leads[..1]).await.unwrap();
    assert_eq!(zoho.get(&count).await.text, r#"{"count":"2"}"#);
    let none = zoho.get("/crm/v8/settings/tags").await;
    let message = "One of the expected parameter is missing";
    let missing = flat("REQUIRED_PARAM_MISSING", message, json!({"param": "module"}));
    assert_eq!(none.both(), (400, missing));
    let unknown = zoho.get("/crm/v8/settings/tags?module=Lead").await;
    assert_eq!(unknown.json()["code"], "INVALID_MODULE");
}

#[tokio::test]
async fn tags_are_made_one_by_one_and_a_double_one_tells_the_first() {
    let zoho = World::new();
    let path = "/crm/v8/settings/tags?module=Leads";
    let make = |names: &[&str]| {
        let tags: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"tags": tags})
    };
    let seen = zoho.post(path, &make(&["A"])).await;
    let item = seen.json()["tags"][0].clone();
    assert_eq!((seen.status, &item["message"]), (201, &json!("tags created successfully")));
    let long = "a".repeat(25);
    let seen = zoho.post(path, &make(&["A", &long, &format!("{long}a"), "a<", "b,c", ""])).await;
    assert_eq!(seen.status, 207);
    let codes: Vec<Value> =
        seen.json()["tags"].as_array().unwrap().iter().map(|item| item["code"].clone()).collect();
    let bad = "INVALID_DATA";
    assert_eq!(json!(codes), json!(["DUPLICATE_DATA", "SUCCESS", bad, bad, bad, bad]));
    let double = &seen.json()["tags"][0];
    assert_eq!(double["details"], json!({"api_name": "name", "id": item["details"]["id"]}));
    assert_eq!(zoho.post(path, &make(&["A"])).await.status, 400);
}

#[tokio::test]
async fn a_module_has_room_for_a_hundred_tags() {
    let zoho = World::new();
    let names: Vec<String> = (0..101).map(|n| format!("tag {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    zoho.simulator.tag("Leads", &names[..99], &[]);
    let add = |name: &str| json!({"tags": [{"name": name}], "ids": texts(&zoho.leads[..1])});
    let path = "/crm/v8/Leads/actions/add_tags";
    assert_eq!(zoho.post(path, &add(names[99])).await.status, 200);
    let full = zoho.post(path, &add(names[100])).await;
    assert_eq!((full.status, &full.json()["code"]), (400, &json!("LIMIT_EXCEEDED")));
    let make = json!({"tags": [{"name": names[100]}]});
    let full = zoho.post("/crm/v8/settings/tags?module=Leads", &make).await;
    assert_eq!(full.json()["details"], json!({"limit": "100"}));
}

/// CRM v2 to v7 Delete Tag pages, sample response, byte for byte; OAS tags.json for v8.
#[tokio::test]
async fn a_deleted_tag_is_off_all_records_and_the_envelope_is_that_of_the_version() {
    for version in ["v2", "v2.1", "v3", "v4", "v5", "v6", "v7", "v8"] {
        let zoho = World::new();
        let ids = zoho.simulator.tag("Leads", &["A", "B"], &zoho.leads);
        let path = format!("/crm/{version}/settings/tags/{}", ids[0]);
        let seen = zoho.delete(&path).await;
        let item = format!(r#"{{"code":"SUCCESS","details":{{"id":"{}"}},"#, ids[0])
            + r#""message":"tags deleted successfully","status":"success"}"#;
        let wanted = if version == "v8" {
            format!(r#"{{"tags":[{item}]}}"#)
        } else {
            format!(r#"{{"tags":{item}}}"#)
        };
        assert_eq!((seen.status, seen.text), (200, wanted), "{version}");
        let snapshot = zoho.simulator.snapshot();
        assert!(snapshot.record_tags["Leads"].values().all(|names| names == &["B"]));
        assert_eq!(snapshot.calls_that(EffectKind::Deleted, ids[0]), [1]);
        assert_eq!(snapshot.calls_that(EffectKind::Untagged(ids[0]), zoho.leads[3]), [1]);
        let again = zoho.delete(&path).await;
        let gone = flat("INVALID_DATA", "tags not found", json!({"resource_path_index": 2}));
        let gone = if version == "v8" { json!({"tags": [gone]}) } else { gone };
        assert_eq!(again.both(), (400, gone), "{version}");
        assert_eq!(zoho.simulator.snapshot().tags["Leads"].len(), 1);
    }
}

#[tokio::test]
async fn a_tag_that_a_workflow_uses_stays() {
    let zoho = World::new();
    let id = zoho.simulator.tag("Leads", &["A"], &zoho.leads)[0];
    assert_eq!(zoho.simulator.use_tags("Leads", &["A"]), 1);
    for version in ["v7", "v8"] {
        let seen = zoho.delete(&format!("/crm/{version}/settings/tags/{id}")).await;
        let places = json!([{"type": "Workflow Rule", "resources": ["Follow up"]}]);
        let details = json!({"associated_places": places});
        let item = flat("NOT_ALLOWED", "tags has been associated to features", details);
        let wanted = if version == "v8" { json!({"tags": [item]}) } else { item };
        assert_eq!(seen.both(), (400, wanted));
    }
    let kept = zoho.simulator.tag("Ledger__c", &["K"], &[])[0];
    let seen = zoho.delete(&format!("/crm/v8/settings/tags/{kept}")).await;
    assert_eq!(seen.json()["code"], "AUTHORIZATION_FAILED");
    assert_eq!(zoho.simulator.snapshot().tags_of(zoho.leads[0]), ["A"]);
}

#[tokio::test]
async fn tags_are_set_up_by_control_calls_and_seen_in_the_state() {
    let zoho = World::new();
    let some = texts(&zoho.leads[..2]);
    let tags = json!({"module": "Leads", "names": ["A", "B"], "records": some});
    let ids = zoho.control("tags", &tags).await.json()["ids"].clone();
    let untag = json!({"module": "Leads", "names": ["A"], "records": [some[0]]});
    assert_eq!(zoho.control("untag", &untag).await.json(), json!({"changed": 1}));
    let drop = json!({"module": "Leads", "names": ["B"]});
    assert_eq!(zoho.control("use_tags", &drop).await.json(), json!({"changed": 1}));
    assert_eq!(zoho.control("drop_tags", &drop).await.json(), json!({"changed": 1}));
    let state = zoho.call_as(Method::GET, "/_simulator/state", &[], "").await.unwrap().json();
    assert_eq!(state["tags"], json!({"Leads": {"A": ids[0]}}));
    assert_eq!(state["record_tags"], json!({"Leads": {some[1].clone(): ["A"]}}));
    assert_eq!(state["modules"]["Leads"]["live"].as_array().unwrap().len(), 10);
    for body in [
        json!({"module": "Lead", "names": ["A"], "records": []}),
        json!({"module": "Leads", "names": ["A"], "records": ["4150868000005067099"]}),
        json!({"module": "Leads", "names": ["A"], "ids": []}),
    ] {
        assert_eq!(zoho.control("tags", &body).await.status, 400, "{body}");
    }
}
