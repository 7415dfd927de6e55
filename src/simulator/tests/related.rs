//! Records linked with others: read, linked, unlinked.

use serde_json::json;

use super::*;

/// A campaign with all ten leads as its members, and the path of its list of leads.
fn campaign(zoho: &World) -> (u64, String) {
    let campaign = zoho.simulator.add_records("Campaigns", 1)[0];
    assert_eq!(zoho.simulator.link("Campaigns", campaign, "Leads", &zoho.leads), 10);
    (campaign, format!("/crm/v8/Campaigns/{campaign}/Leads"))
}

fn removed(id: u64) -> Value {
    json!({"code": "SUCCESS", "details": {"id": id.to_string()}, "message": "relation removed",
           "status": "success"})
}

fn not_found(id: u64) -> Value {
    flat("INVALID_DATA", "relation not found", json!({"id": id.to_string()}))
}

#[tokio::test]
async fn the_sample_of_the_page_is_answered_byte_for_byte() {
    let zoho = World::new();
    let campaign = zoho.simulator.add_records("Campaigns", 1)[0];
    let contacts = zoho.simulator.add_records("Contacts", 3);
    assert_eq!(zoho.simulator.link("Campaigns", campaign, "Contacts", &contacts), 3);
    let [first, second] = [contacts[0], contacts[1]];
    let path = format!("/crm/v7/Campaigns/{campaign}/Contacts?ids={first},{second}");
    let seen = zoho.delete(&path).await;
    let item = |id: u64| {
        format!(r#"{{"code":"SUCCESS","details":{{"id":"{id}"}},"#)
            + r#""message":"relation removed","status":"success"}"#
    };
    let wanted = format!(r#"{{"data":[{},{}]}}"#, item(first), item(second));
    assert_eq!((seen.status, seen.text), (200, wanted));
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.linked(campaign, "Contacts"), [contacts[2]]);
    // The same fact from the other side, and who did it to both of them.
    assert_eq!(snapshot.linked(first, "Campaigns"), [0; 0]);
    assert_eq!(snapshot.calls_that(EffectKind::Unlinked(campaign), first), [1]);
    assert_eq!(snapshot.calls_that(EffectKind::Unlinked(first), campaign), [1]);
    assert_eq!(snapshot.calls_that(EffectKind::Unlinked(campaign), contacts[2]), [0; 0]);
    assert!(snapshot.is_live(first), "the record itself stays");
}

#[tokio::test]
async fn every_version_unlinks_one_record_from_either_side() {
    let zoho = World::new();
    let (campaign, _) = campaign(&zoho);
    let versions = ["v2", "v2.1", "v3", "v4", "v5", "v6", "v7", "v8"];
    for (version, lead) in versions.into_iter().zip(&zoho.leads) {
        let path = if version < "v5" {
            format!("/crm/{version}/Campaigns/{campaign}/Leads/{lead}")
        } else {
            format!("/crm/{version}/Leads/{lead}/Campaigns/{campaign}")
        };
        let other = if version < "v5" { *lead } else { campaign };
        assert_eq!(zoho.delete(&path).await.both(), (200, json!({"data": [removed(other)]})));
    }
    assert_eq!(zoho.simulator.snapshot().linked(campaign, "Leads"), &zoho.leads[8..]);
}

#[tokio::test]
async fn every_relation_of_the_pages_is_there_and_an_own_one() {
    let zoho = World::new();
    for (parent, list, child) in [
        ("Campaigns", "Leads", "Leads"),
        ("Campaigns", "Contacts", "Contacts"),
        ("Products", "Leads", "Leads"),
        ("Products", "Accounts", "Accounts"),
        ("Products", "Contacts", "Contacts"),
        ("Products", "Deals", "Deals"),
        ("Products", "Price_Books", "Price_Books"),
        ("Appointments__s", "Services__s", "Services__s"),
        ("Accounts", "Suppliers__c", "Vendors"),
    ] {
        let owner = zoho.simulator.add_records(parent, 1)[0];
        let record = zoho.simulator.add_records(child, 1)[0];
        assert_eq!(zoho.simulator.link(parent, owner, list, &[record]), 1, "{parent} {list}");
        let path = format!("/crm/v8/{parent}/{owner}/{list}?ids={record}");
        assert_eq!(zoho.delete(&path).await.both(), (200, json!({"data": [removed(record)]})));
        let lists = zoho.get(&format!("/crm/v8/settings/related_lists?module={parent}")).await;
        let lists = lists.json()["related_lists"].as_array().unwrap().clone();
        let found = lists.iter().find(|row| row["api_name"] == list).unwrap().clone();
        assert_eq!(found["module"]["api_name"], child);
        assert_eq!(found["href"], format!("{parent}/{{ENTITYID}}/{list}"));
    }
}

#[tokio::test]
async fn what_is_not_linked_fails_alone_and_all_of_it_is_400() {
    for mixed in [207, 200] {
        let zoho = World::with(|config| config.mixed_status = mixed);
        let (campaign, path) = campaign(&zoho);
        let [linked, apart, gone] = [0, 1, 2].map(|n| zoho.leads[n]);
        assert_eq!(zoho.simulator.unlink("Campaigns", campaign, "Leads", &[apart]), 1);
        zoho.delete_leads(&[gone]).await.unwrap();
        let seen = zoho.delete(&format!("{path}?ids={linked},{apart},{gone}")).await;
        let data = json!({"data": [removed(linked), not_found(apart), not_found(gone)]});
        assert_eq!(seen.both(), (mixed, data));
        let seen = zoho.delete(&format!("{path}?ids={linked},{apart}")).await;
        assert_eq!(seen.both(), (400, json!({"data": [not_found(linked), not_found(apart)]})));
        let seen = zoho.delete(&format!("{path}/{apart}")).await;
        assert_eq!(seen.both(), (400, json!({"data": [not_found(apart)]})));
        let snapshot = zoho.simulator.snapshot();
        let by_other = snapshot.effects_of(apart).last().unwrap();
        assert_eq!((by_other.by, by_other.request), (Actor::OtherUser, None));
        // A lead that comes back from the bin is a member as before.
        assert!(zoho.simulator.restore(gone));
        assert!(zoho.simulator.snapshot().linked(campaign, "Leads").contains(&gone));
    }
}

#[tokio::test]
async fn a_hundred_are_unlinked_at_once_and_one_more_is_refused() {
    let zoho = World::with(|config| config.records = vec![("Leads".to_owned(), 101)]);
    let campaign = zoho.simulator.add_records("Campaigns", 1)[0];
    zoho.simulator.link("Campaigns", campaign, "Leads", &zoho.leads);
    let path = format!("/crm/v8/Campaigns/{campaign}/Leads?ids=");
    let seen = zoho.delete(&format!("{path}{}", joined(&zoho.leads))).await;
    assert_eq!((seen.status, &seen.json()["code"]), (400, &json!("LIMIT_EXCEEDED")));
    assert_eq!(seen.json()["details"], json!({"limit": "100", "param_name": "ids"}));
    let padded: Vec<String> = zoho.leads[..100].iter().map(|id| format!("{id}  ")).collect();
    let seen = zoho.delete(&format!("{path}{}", padded.join("%2C"))).await;
    assert_eq!(seen.json()["details"], json!({"maximum_length": 2000, "param_name": "ids"}));
    let seen = zoho.delete(&format!("{path}{}", joined(&zoho.leads[..100]))).await;
    assert_eq!(seen.status, 200);
    assert_eq!(zoho.simulator.snapshot().linked(campaign, "Leads"), &zoho.leads[100..]);
}

#[tokio::test]
async fn errors_of_the_whole_call_unlink_nothing() {
    let zoho = World::new();
    let (campaign, path) = campaign(&zoho);
    let lead = zoho.leads[0];
    let unknown = 4_150_868_000_005_067_099_u64;
    let format = "either the request body or parameters is in wrong format";
    let name = "The relation name given seems to be invalid";
    let related = "the related id given seems to be invalid";
    let missing = "One of the expected parameter is missing";
    let module = "The module name given seems to be invalid";
    let index = |index: u8| json!({"resource_path_index": index});
    #[rustfmt::skip]
    let cases = [
        (format!("{path}s?ids={lead}"), 400, "INVALID_DATA", name, index(2)),
        (format!("/crm/v8/Campaigns/{campaign}/Deals?ids={lead}"), 400, "INVALID_DATA", name, index(2)),
        (format!("/crm/v8/Campaigns/{unknown}/Leads?ids={lead}"), 404, "INVALID_DATA",
            "The record does not exist", json!({})),
        (format!("{path}/{unknown}"), 400, "INVALID_DATA", related, index(1)),
        (path.clone(), 400, "MANDATORY_NOT_FOUND", missing, json!({"param_name": "ids"})),
        (format!("{path}?ids="), 400, "MANDATORY_NOT_FOUND", missing, json!({"param_name": "ids"})),
        (format!("{path}?ids={lead},x"), 400, "UNABLE_TO_PARSE_DATA_TYPE", format, json!({})),
        (format!("{path}/x"), 400, "UNABLE_TO_PARSE_DATA_TYPE", format, json!({})),
        (format!("{path}?ids={lead},{lead}"), 400, "INVALID_DATA",
            "an id is given more than once", json!({"param_name": "ids"})),
        (format!("/crm/v8/Campaign/{campaign}/Leads?ids={lead}"), 400, "INVALID_MODULE", module, index(0)),
    ];
    for (path, status, code, message, details) in cases {
        let seen = zoho.delete(&path).await;
        assert_eq!(seen.both(), (status, flat(code, message, details)), "{path}");
    }
    assert_eq!(zoho.simulator.snapshot().linked(campaign, "Leads"), zoho.leads);
    let ledger = zoho.simulator.add_records("Ledger__c", 1)[0];
    let note = zoho.simulator.add_notes("Ledger__c", ledger, 1)[0];
    let seen = zoho.delete(&format!("/crm/v8/Ledger__c/{ledger}/Notes/{note}")).await;
    let message = "User does not have sufficient privilege to delete related records data";
    assert_eq!(seen.both(), (400, flat("AUTHORIZATION_FAILED", message, json!({}))));
    let seen = zoho.post(&format!("{path}?ids={lead}"), &json!({})).await;
    assert_eq!(seen.json()["code"], "INVALID_REQUEST_METHOD");
}

#[tokio::test]
async fn a_note_is_deleted_by_what_unlinks_elsewhere() {
    let zoho = World::new();
    let lead = zoho.leads[0];
    let notes = zoho.simulator.add_notes("Leads", lead, 3);
    let path = format!("/crm/v8/Leads/{lead}/Notes");
    let seen = zoho.get(&format!("{path}?fields=id")).await.json();
    assert_eq!(seen["data"].as_array().unwrap().len(), 3);
    let seen = zoho.delete(&format!("{path}?ids={}", notes[0])).await;
    assert_eq!(seen.json()["data"][0]["message"], "record deleted");
    let seen = zoho.delete(&format!("{path}/{}", notes[1])).await;
    assert_eq!(seen.status, 200);
    let seen = zoho.delete(&format!("{path}/{}", notes[1])).await;
    assert_eq!(seen.json()["data"][0]["message"], "record not deleted");
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.linked(lead, "Notes"), &notes[2..]);
    assert_eq!(snapshot.deletions_by_calls(notes[0]), 1);
    let put = zoho.put(&path, &json!({"data": [{"id": notes[0].to_string()}]})).await;
    assert_eq!(put.json()["code"], "NOT_SUPPORTED");
}

#[tokio::test]
async fn a_list_is_read_with_what_its_links_carry() {
    let zoho = World::new();
    let (campaign, path) = campaign(&zoho);
    let [first, second] = [zoho.leads[0], zoho.leads[1]];
    let seen = zoho.get(&format!("{path}?fields=id,Member_Status&ids={first},{second}")).await;
    let row = |id: u64| json!({"id": id.to_string(), "Member_Status": "Planned"});
    let info = json!({"count": 2, "more_records": false, "page": 1, "per_page": 200});
    assert_eq!(seen.both(), (200, json!({"data": [row(first), row(second)], "info": info})));
    let page = zoho.get(&format!("{path}?fields=id&page=2&per_page=9")).await.json();
    assert_eq!(page["data"], json!([{"id": zoho.leads[9].to_string()}]));
    let one = zoho.get(&format!("{path}/{second}?fields=id")).await.json();
    assert_eq!(one["data"][0]["id"], second.to_string());
    assert_eq!(zoho.get(&path).await.json()["code"], "REQUIRED_PARAM_MISSING");
    let early = zoho.get(&format!("/crm/v2/Campaigns/{campaign}/Leads?ids={first}")).await.json();
    assert_eq!(early["data"][0]["Member_Status"], "Planned");
    zoho.simulator.unlink("Campaigns", campaign, "Leads", &zoho.leads);
    assert_eq!(zoho.get(&format!("{path}?fields=id")).await.status, 204);
    let gone = zoho.get(&format!("/crm/v8/Campaigns/{first}/Leads?fields=id")).await;
    assert_eq!(gone.both(), (404, flat("INVALID_DATA", "The record does not exist", json!({}))));
    let unknown = zoho.get(&format!("{path}s?fields=id")).await;
    assert_eq!(unknown.json()["details"], json!({"resource_path_index": 2}));
}

#[tokio::test]
async fn records_are_linked_again_as_they_were() {
    let zoho = World::new();
    let campaign = zoho.simulator.add_records("Campaigns", 1)[0];
    let path = format!("/crm/v8/Campaigns/{campaign}/Leads");
    let [first, second] = [zoho.leads[0], zoho.leads[1]];
    let rows = json!({"data": [
        {"id": first.to_string(), "Member_Status": "Active"},
        {"id": "4150868000005067099"},
    ]});
    let seen = zoho.put(&path, &rows).await;
    let added = |id: u64| {
        json!({"code": "SUCCESS", "details": {"id": id.to_string()}, "message": "relation added",
               "status": "success"})
    };
    let details = json!({"api_name": "id", "json_path": "$.data[1].id"});
    let unknown = flat("INVALID_DATA", "the related id given seems to be invalid", details);
    assert_eq!(seen.both(), (207, json!({"data": [added(first), unknown]})));
    let new = json!({"data": [{"Member_Status": "New"}]});
    let seen = zoho.put(&format!("{path}/{second}"), &new).await;
    assert_eq!(seen.both(), (200, json!({"data": [added(second)]})));
    let rows = zoho.get(&format!("{path}?fields=Member_Status")).await.json();
    let statuses: Vec<&Value> =
        rows["data"].as_array().unwrap().iter().map(|row| &row["Member_Status"]).collect();
    assert_eq!(statuses, ["Active", "New"]);
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.calls_that(EffectKind::Linked(campaign), first), [1]);
    let many: Vec<Value> = (0..101).map(|_| json!({"id": first.to_string()})).collect();
    let seen = zoho.put(&path, &json!({"data": many})).await.json();
    assert_eq!(seen["details"]["maximum_length"], 100);
}

#[tokio::test]
async fn a_price_book_wants_a_price() {
    let zoho = World::new();
    let product = zoho.simulator.add_records("Products", 1)[0];
    let book = zoho.simulator.add_records("Price_Books", 1)[0];
    let path = format!("/crm/v8/Products/{product}/Price_Books");
    let seen = zoho.put(&path, &json!({"data": [{"id": book.to_string()}]})).await;
    let details = json!({"api_name": "list_price", "json_path": "$.data[0].list_price"});
    let missing = flat("MANDATORY_NOT_FOUND", "Required fields seem to be missing", details);
    assert_eq!(seen.both(), (400, json!({"data": [missing]})));
    let row = json!({"data": [{"id": book.to_string(), "list_price": 12.5}]});
    assert_eq!(zoho.put(&path, &row).await.status, 200);
    let rows = zoho.get(&format!("{path}?fields=list_price")).await.json();
    assert_eq!(rows["data"][0]["list_price"], 12.5);
}

#[tokio::test]
async fn links_and_notes_are_set_up_by_control_calls_and_seen_in_the_state() {
    let zoho = World::new();
    let campaign = zoho.simulator.add_records("Campaigns", 1)[0].to_string();
    let lead = zoho.leads[0].to_string();
    let link = json!({"module": "Campaigns", "parent": campaign, "list": "Leads", "ids": [lead]});
    assert_eq!(zoho.control("link", &link).await.json(), json!({"changed": 1}));
    let state =
        || async { zoho.call_as(Method::GET, "/_simulator/state", &[], "").await.unwrap().json() };
    let both = json!({
        "Campaigns": {campaign.clone(): {"Leads": [lead]}},
        "Leads": {lead.clone(): {"Campaigns": [campaign]}},
    });
    assert_eq!(state().await["links"], both);
    assert_eq!(zoho.control("unlink", &link).await.json(), json!({"changed": 1}));
    assert_eq!(state().await["links"], json!({}));
    let notes = json!({"module": "Leads", "parent": lead, "count": 2});
    let ids = zoho.control("notes", &notes).await.json()["ids"].clone();
    assert_eq!(state().await["links"], json!({"Leads": {lead.clone(): {"Notes": ids}}}));
    let nonsense = json!({"module": "Leads", "parent": lead, "list": "Deals", "ids": []});
    assert_eq!(zoho.control("link", &nonsense).await.status, 400);
}
