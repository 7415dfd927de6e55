//! The Delete Records page, and what later texts say of the same calls.

use serde_json::json;

use super::*;

#[tokio::test]
async fn the_sample_of_the_page_is_answered_as_there() {
    let zoho = World::new();
    let [first, second] = [zoho.leads[0], zoho.leads[1]];
    let seen = zoho.delete(&format!("/crm/v2/Leads?ids={first}%2C{second}&wf_trigger=True")).await;
    assert_eq!(seen.both(), (200, json!({"data": [success(first), success(second)]})));
    assert_eq!(seen.header("content-type"), Some("application/json;charset=UTF-8"));
    assert_eq!(seen.header("date"), Some("Sat, 22 Aug 2026 10:00:00 GMT"));
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.modules["Leads"].live, zoho.leads[2..]);
    assert_eq!(snapshot.modules["Leads"].binned, [first, second]);
    let effect = Effect {
        kind: EffectKind::Deleted,
        by: Actor::TokenUser,
        at_ms: START,
        request: Some(1),
        workflows: true,
    };
    assert_eq!(snapshot.effects_of(first), [effect]);
    assert_eq!(snapshot.deletions_by_calls(second), 1);
}

#[tokio::test]
async fn every_version_deletes_one_record_by_its_path() {
    let zoho = World::new();
    let versions = ["v2", "v2.1", "v3", "v4", "v5", "v6", "v7", "v8"];
    for (version, id) in versions.into_iter().zip(&zoho.leads) {
        let seen = zoho.delete(&format!("/crm/{version}/Leads/{id}?wf_trigger=false")).await;
        assert_eq!(seen.both(), (200, json!({"data": [success(*id)]})));
        assert!(!zoho.simulator.snapshot().effects_of(*id)[0].workflows);
    }
    assert_eq!(zoho.live_leads(), zoho.leads[8..]);
}

#[tokio::test]
async fn a_bad_id_fails_alone_and_the_answer_is_207_or_as_configured() {
    for mixed in [207, 200] {
        let zoho = World::with(|config| config.mixed_status = mixed);
        let [first, second] = [zoho.leads[0], zoho.leads[1]];
        let path = format!("/crm/v8/Leads?ids={first},4150868000005067099,x1,{second}");
        let seen = zoho.delete(&path).await;
        let failed = |message: &str, id: &str| {
            json!({"code": "INVALID_DATA", "details": {"id": id}, "message": message,
                   "status": "error"})
        };
        let format = "either the request body or parameters is in wrong format";
        let data = json!({"data": [
            success(first),
            failed("record not deleted", "4150868000005067099"),
            failed(format, "x1"),
            success(second),
        ]});
        assert_eq!(seen.both(), (mixed, data));
        assert_eq!(zoho.live_leads(), zoho.leads[2..]);
    }
}

#[tokio::test]
async fn a_deleted_record_and_an_unknown_one_get_the_same_words() {
    let zoho = World::new();
    let gone = zoho.leads[0];
    zoho.delete_leads(&[gone]).await.unwrap();
    for id in [gone, 4_150_868_000_005_067_099] {
        let seen = zoho.delete_leads(&[id]).await.unwrap();
        let item = json!({"code": "INVALID_DATA", "details": {"id": id.to_string()},
                          "message": "record not deleted", "status": "error"});
        assert_eq!(seen.both(), (400, json!({"data": [item]})));
        let seen = zoho.delete(&format!("/crm/v8/Leads/{id}")).await;
        let flat = json!({"code": "INVALID_DATA", "details": {"resource_path_index": 1},
                          "message": "record not deleted", "status": "error"});
        assert_eq!(seen.both(), (400, flat));
    }
    assert_eq!(zoho.simulator.snapshot().deletions_by_calls(gone), 1);
}

#[tokio::test]
async fn an_id_of_another_module_is_not_deleted() {
    let zoho = World::new();
    let contact = zoho.simulator.add_records("Contacts", 1)[0];
    let seen = zoho.delete_leads(&[contact]).await.unwrap();
    assert_eq!(seen.json()["data"][0]["message"], "record not deleted");
    assert!(zoho.simulator.snapshot().is_live(contact));
}

#[tokio::test]
async fn what_keeps_a_record_is_said_in_bulk_and_singly() {
    let zoho = World::new();
    let [locked, pending, blue, free] = [0, 1, 2, 3].map(|n| zoho.leads[n]);
    assert!(zoho.simulator.lock(locked));
    assert!(zoho.simulator.unapprove(pending));
    assert!(zoho.simulator.enter_blueprint(blue));
    let item = |code: &str, message: &str, details: Value| json!({"code": code, "details": details, "message": message, "status": "error"});
    let lock = item(
        "RECORD_LOCKED",
        "You cannot perform this operation as the record is locked.",
        json!({"action": "record_locking", "id": locked.to_string()}),
    );
    let approval = "cannot delete record that is not approved yet";
    let blueprint =
        item("RECORD_IN_BLUEPRINT", "The record is in blue print", json!({"id": blue.to_string()}));
    let seen = zoho.delete_leads(&[locked, pending, blue]).await.unwrap();
    let anonymous = item("NOT_APPROVED", approval, json!({}));
    let data = json!({"data": [lock, anonymous, blueprint]});
    assert_eq!(seen.both(), (400, data));
    for (id, wanted) in [
        (locked, lock),
        (pending, item("NOT_APPROVED", approval, json!({"id": pending.to_string()}))),
        (blue, blueprint),
    ] {
        let seen = zoho.delete(&format!("/crm/v8/Leads/{id}")).await;
        assert_eq!(seen.both(), (400, json!({"data": [wanted]})));
    }
    let seen = zoho.delete(&format!("/crm/v2/Leads?ids={locked},{free}")).await;
    let v2 = item("RECORD_LOCKED", approval, json!({"id": locked.to_string()}));
    assert_eq!(seen.both(), (207, json!({"data": [v2, success(free)]})));
}

#[tokio::test]
async fn errors_of_the_whole_call_delete_nothing() {
    let zoho = World::new();
    let ledger = zoho.simulator.add_records("Ledger__c", 1)[0];
    let id = zoho.leads[0];
    let many = joined(&(0..101).map(|n| 4_150_868_000_005_067_099 + n).collect::<Vec<u64>>());
    let not_there = "The module name given seems to be invalid";
    let unsupported = "The given module is not supported in API";
    let missing = "One of the expected parameter is missing";
    let format = "either the request body or parameters is in wrong format";
    let in_path = |index: u8| json!({"resource_path_index": index});
    let ids = json!({"param_name": "ids"});
    #[rustfmt::skip]
    let cases = [
        (format!("/crm/v2/Lead?ids={id}"), 400, "INVALID_MODULE", not_there, in_path(0)),
        (format!("/crm/v8/Lead/{id}"), 400, "INVALID_MODULE", not_there, in_path(0)),
        (format!("/crm/v2/Documents?ids={id}"), 400, "INVALID_MODULE", unsupported, in_path(0)),
        ("/crm/v2/Leads".to_owned(), 400, "REQUIRED_PARAM_MISSING", missing, ids.clone()),
        ("/crm/v8/Leads?ids=".to_owned(), 400, "REQUIRED_PARAM_MISSING", missing, ids.clone()),
        (format!("/crm/v8/Leads?ids={id},{id}"), 400, "INVALID_DATA",
            "an id is given more than once", ids),
        (format!("/crm/v8/Leads?ids={many}"), 400, "LIMIT_EXCEEDED",
            "only 100 values are allowed in a call", json!({"limit": "100", "param_name": "ids"})),
        ("/crm/v8/Leads/123".to_owned(), 400, "INVALID_DATA", "invalid record id", in_path(0)),
        ("/crm/v8/Leads/abc".to_owned(), 400, "INVALID_DATA", format, in_path(1)),
        ("/crm/v2/Leads/abc".to_owned(), 400, "UNABLE_TO_PARSE_DATA_TYPE", format, in_path(1)),
        (format!("/crm/v8/Leads?ids={id}&wf_trigger=no"), 400, "INVALID_DATA", "invalid data",
            json!({"param_name": "wf_trigger"})),
        (format!("/crm/v2/Ledger__c?ids={ledger}"), 400, "AUTHORIZATION_FAILED",
            "User does not have sufficient privilege to delete records", json!({})),
        (format!("/crm/v9/Leads?ids={id}"), 404, "INVALID_URL_PATTERN",
            "Please check if the URL trying to access is a correct one", json!({})),
        (format!("/crm/v8/Leads/{id}/Notes/1/2"), 404, "INVALID_URL_PATTERN",
            "Please check if the URL trying to access is a correct one", json!({})),
        (format!("/crm/v8/settings/recycle_bin?ids={id}"), 400, "INVALID_REQUEST_METHOD",
            "The http request method type is not a valid one", json!({})),
    ];
    for (path, status, code, message, details) in cases {
        let wanted =
            json!({"code": code, "details": details, "message": message, "status": "error"});
        assert_eq!(zoho.delete(&path).await.both(), (status, wanted), "{path}");
    }
    assert_eq!(zoho.live_leads(), zoho.leads);
    assert!(zoho.simulator.snapshot().history.is_empty());
}

#[tokio::test]
async fn a_hundred_ids_are_deleted_in_one_call() {
    let zoho = World::with(|config| config.records = vec![("Leads".to_owned(), 100)]);
    let seen = zoho.delete_leads(&zoho.leads).await.unwrap();
    assert_eq!(seen.status, 200);
    assert_eq!(seen.json()["data"].as_array().unwrap().len(), 100);
    assert!(zoho.live_leads().is_empty());
}

#[tokio::test]
async fn a_module_without_a_bin_erases_at_once() {
    let zoho = World::new();
    let log = zoho.simulator.add_records("Logs__c", 1)[0];
    zoho.delete(&format!("/crm/v8/Logs__c?ids={log}")).await;
    assert_eq!(zoho.simulator.snapshot().modules["Logs__c"].purged, [log]);
    assert!(!zoho.simulator.restore(log));
    let path = format!("/crm/v8/settings/recycle_bin?ids={log}");
    assert_eq!(zoho.get(&path).await.status, 204);
    let listed = zoho.get("/crm/v8/Logs__c/deleted").await.json();
    assert_eq!(listed["data"][0]["type"], "permanent");
}

#[tokio::test]
async fn a_url_that_is_too_long_is_refused_by_the_gateway() {
    let zoho = World::with(|config| config.max_url_bytes = 100);
    let seen = zoho.delete_leads(&zoho.leads).await.unwrap();
    assert_eq!(seen.status, 414);
    assert!(seen.text.starts_with("<html>"));
    assert_eq!(zoho.live_leads(), zoho.leads);
}
