//! Reads: records, the deleted list, the bin, metadata, org and users.

use serde_json::json;

use super::*;

const DAY: i64 = 86_400_000;

fn ids(body: &Value, key: &str) -> Vec<u64> {
    body[key]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[tokio::test]
async fn records_are_read_by_ids_and_the_deleted_ones_are_left_out() {
    let zoho = World::new();
    let [gone, touched] = [zoho.leads[0], zoho.leads[1]];
    zoho.delete_leads(&[gone]).await.unwrap();
    zoho.wait(3_600_000);
    assert!(zoho.simulator.touch(touched));
    let fields = "fields=id,Modified_Time&converted=both";
    let seen = zoho.get(&format!("/crm/v8/Leads?ids={gone},{touched}&{fields}")).await;
    let row = json!({"id": touched.to_string(), "Modified_Time": "2026-08-22T16:30:00+05:30"});
    let info = json!({"count": 1, "more_records": false, "page": 1, "per_page": 200});
    assert_eq!(seen.both(), (200, json!({"data": [row], "info": info})));
    let seen = zoho.get(&format!("/crm/v8/Leads?ids={gone}&{fields}")).await;
    assert_eq!((seen.status, seen.text.as_str()), (204, ""));
}

#[tokio::test]
async fn fields_are_mandatory_in_lists_from_v3_on() {
    let zoho = World::new();
    let id = zoho.leads[0];
    let seen = zoho.get(&format!("/crm/v3/Leads?ids={id}")).await;
    let missing = json!({"code": "REQUIRED_PARAM_MISSING", "details": {"param_name": "fields"},
                         "message": "One of the expected parameter is missing",
                         "status": "error"});
    assert_eq!(seen.both(), (400, missing));
    let seen = zoho.get(&format!("/crm/v2/Leads?ids={id}")).await;
    assert_eq!(seen.status, 200);
    assert!(seen.json()["data"][0]["Full_Name"].is_string());
}

#[tokio::test]
async fn one_record_is_read_by_its_path_and_is_no_content_once_deleted() {
    let zoho = World::new();
    let id = zoho.leads[0];
    let path = format!("/crm/v8/Leads/{id}");
    assert_eq!(zoho.get(&path).await.json()["data"][0]["id"], id.to_string());
    zoho.delete(&path).await;
    assert_eq!(zoho.get(&path).await.status, 204);
    assert_eq!(zoho.get("/crm/v8/Leads/4150868000005067099").await.status, 204);
    assert_eq!(zoho.get("/crm/v8/Leads/x").await.json()["code"], "INVALID_DATA");
    assert_eq!(zoho.get("/crm/v8/Lead/1").await.json()["code"], "INVALID_MODULE");
}

#[tokio::test]
async fn converted_leads_are_shown_on_demand_only() {
    let zoho = World::new();
    let lead = zoho.leads[0];
    assert!(zoho.simulator.convert(lead));
    for (parameter, rows) in
        [("", 9), ("&converted=false", 9), ("&converted=True", 1), ("&converted=both", 10)]
    {
        let seen = zoho.get(&format!("/crm/v8/Leads?fields=id{parameter}")).await;
        assert_eq!(ids(&seen.json(), "data").len(), rows, "{parameter}");
    }
    let seen = zoho.get("/crm/v8/Leads?fields=id&converted=maybe").await;
    assert_eq!(seen.json()["details"]["param_name"], "converted");
}

#[tokio::test]
async fn pages_cover_every_record_once() {
    let zoho = World::new();
    let mut all = Vec::new();
    for (page, more) in [(1, true), (2, true), (3, false)] {
        let path = format!("/crm/v8/Leads?fields=id&per_page=4&page={page}");
        let body = zoho.get(&path).await.json();
        assert_eq!(body["info"]["more_records"], more);
        all.extend(ids(&body, "data"));
    }
    all.reverse();
    assert_eq!(all, zoho.leads);
    let past = zoho.get("/crm/v8/Leads?fields=id&per_page=4&page=4").await;
    assert_eq!(past.status, 204);
    for bad in ["per_page=201", "per_page=0", "page=x", "page=11"] {
        let seen = zoho.get(&format!("/crm/v8/Leads?fields=id&{bad}")).await;
        assert_eq!(seen.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn the_deleted_list_says_who_and_when_and_since_when() {
    let zoho = World::new();
    let path = "/crm/v8/Leads/deleted?type=all&page=1&per_page=200";
    assert_eq!(zoho.get(path).await.status, 204);
    let [ours, other] = [zoho.leads[0], zoho.leads[1]];
    zoho.delete_leads(&[ours]).await.unwrap();
    zoho.wait(10_000);
    assert!(zoho.simulator.delete_as_other_user(other));
    let body = zoho.get(path).await.json();
    assert_eq!(ids(&body, "data"), [other, ours]);
    let me = zoho.get("/crm/v8/users?type=CurrentUser").await.json();
    let row = &body["data"][1];
    assert_eq!(row["deleted_by"]["id"], me["users"][0]["id"]);
    assert_eq!(row["deleted_time"], "2026-08-22T15:30:00+05:30");
    assert_eq!(row["type"], "recycle");
    assert!(row["display_name"].is_string());
    assert_ne!(body["data"][0]["deleted_by"]["id"], me["users"][0]["id"]);
    let token = format!("Zoho-oauthtoken {}", zoho.simulator.access_token());
    for (since, wanted) in [
        ("2026-08-22T10:00:00+00:00", vec![other, ours]),
        ("2026-08-22T15:30:01+05:30", vec![other]),
    ] {
        let headers = [("authorization", token.as_str()), ("if-modified-since", since)];
        let seen = zoho.call_as(Method::GET, path, &headers, "").await.unwrap();
        assert_eq!(ids(&seen.json(), "data"), wanted, "{since}");
    }
    let headers = [("authorization", token.as_str()), ("if-modified-since", "yesterday")];
    let seen = zoho.call_as(Method::GET, path, &headers, "").await.unwrap();
    assert_eq!(seen.status, 400);
    let seen = zoho.get("/crm/v8/Leads/deleted?type=gone").await;
    assert_eq!(seen.json()["code"], "PATTERN_NOT_MATCHED");
}

#[tokio::test]
async fn erased_records_are_listed_without_names_and_for_a_time_only() {
    let zoho = World::new();
    let [by_hand, by_age] = [zoho.leads[0], zoho.leads[1]];
    zoho.delete_leads(&[by_hand, by_age]).await.unwrap();
    assert!(zoho.simulator.purge(by_hand));
    let list = |kind: &str| format!("/crm/v8/Leads/deleted?type={kind}");
    let body = zoho.get(&list("permanent")).await.json();
    assert_eq!(ids(&body, "data"), [by_hand]);
    for key in ["deleted_by", "display_name", "created_by"] {
        assert!(body["data"][0][key].is_null(), "{key}");
    }
    assert_eq!(ids(&zoho.get(&list("recycle")).await.json(), "data"), [by_age]);
    zoho.wait(60 * DAY - 1);
    assert_eq!(zoho.simulator.snapshot().modules["Leads"].binned, [by_age]);
    zoho.wait(1000);
    assert!(zoho.simulator.snapshot().modules["Leads"].binned.is_empty());
    assert_eq!(zoho.get(&list("recycle")).await.status, 204);
    assert_eq!(ids(&zoho.get(&list("all")).await.json(), "data").len(), 2);
    zoho.wait(60 * DAY);
    assert_eq!(zoho.get(&list("all")).await.status, 204);
}

#[tokio::test]
async fn the_bin_is_read_by_ids_from_v6_on() {
    let zoho = World::new();
    let [gone, live, back] = [zoho.leads[0], zoho.leads[1], zoho.leads[2]];
    zoho.delete_leads(&[gone, back]).await.unwrap();
    assert!(zoho.simulator.restore(back));
    let path = format!("settings/recycle_bin?ids={gone},{live},{back}");
    assert_eq!(zoho.get(&format!("/crm/v5/{path}")).await.status, 404);
    let me = zoho.get("/crm/v8/users?type=CurrentUser").await.json();
    for version in ["v6", "v7", "v8"] {
        let body = zoho.get(&format!("/crm/{version}/{path}")).await.json();
        assert_eq!(ids(&body, "recycle_bin"), [gone]);
        let entry = &body["recycle_bin"][0];
        assert_eq!(entry["module"]["api_name"], "Leads");
        assert_eq!(entry["deleted_by"]["id"], me["users"][0]["id"]);
        assert_eq!(entry["deleted_time"], "2026-08-22T15:30:00+05:30");
    }
    let one = zoho.get(&format!("/crm/v8/settings/recycle_bin/{gone}")).await;
    assert_eq!(ids(&one.json(), "recycle_bin"), [gone]);
    let none = zoho.get(&format!("/crm/v8/settings/recycle_bin/{live}")).await;
    assert_eq!(none.status, 204);
    assert_eq!(ids(&zoho.get("/crm/v8/settings/recycle_bin").await.json(), "recycle_bin"), [gone]);
    let seen = zoho.get(&format!("/crm/v8/Leads/{back}")).await;
    assert_eq!(seen.status, 200);
}

#[tokio::test]
async fn metadata_tells_modules_with_a_bin_from_those_without() {
    let zoho = World::new();
    for (name, flag, value) in [
        ("Leads", "recycle_bin_on_delete", true),
        ("Logs__c", "recycle_bin_on_delete", false),
        ("Leads", "deletable", true),
        ("Ledger__c", "deletable", false),
        ("Documents", "api_supported", false),
    ] {
        let body = zoho.get(&format!("/crm/v8/settings/modules/{name}")).await.json();
        assert_eq!(body["modules"][0]["api_name"], name);
        assert_eq!(body["modules"][0][flag], value, "{name} {flag}");
    }
    let all = zoho.get("/crm/v8/settings/modules").await.json();
    assert!(all["modules"].as_array().unwrap().len() >= 20);
}

#[tokio::test]
async fn metadata_of_an_unknown_module_is_refused_in_the_words_of_each_file() {
    let zoho = World::new();
    let message = "The module name given seems to be invalid";
    for (path, details) in [
        ("modules/Lead", json!({})),
        ("fields?module=Lead", json!({"api_name": "module"})),
        ("related_lists?module=Lead", json!({"param": "module"})),
        ("tags?module=Lead", json!({})),
    ] {
        let seen = zoho.get(&format!("/crm/v8/settings/{path}")).await;
        assert_eq!(seen.both(), (400, flat("INVALID_MODULE", message, details)), "{path}");
    }
    for path in ["fields", "related_lists", "tags"] {
        let seen = zoho.get(&format!("/crm/v8/settings/{path}")).await;
        assert_eq!(seen.json()["code"], "REQUIRED_PARAM_MISSING", "{path}");
    }
}

#[tokio::test]
async fn the_fields_of_a_module_are_those_that_its_records_have() {
    let zoho = World::new();
    for module in ["Leads", "Deals", "Products", "Logs__c"] {
        let record = zoho.simulator.add_records(module, 1)[0];
        let fields = zoho.get(&format!("/crm/v8/settings/fields?module={module}")).await.json();
        let fields = fields["fields"].as_array().unwrap();
        let record = zoho.get(&format!("/crm/v8/{module}/{record}")).await.json();
        let record = record["data"][0].as_object().unwrap();
        let mut shown: Vec<&str> =
            record.keys().map(String::as_str).filter(|key| !key.starts_with('$')).collect();
        let mut told: Vec<&str> =
            fields.iter().map(|field| field["api_name"].as_str().unwrap()).collect();
        shown.sort_unstable();
        told.sort_unstable();
        assert_eq!(shown, told, "{module}");
        for field in fields {
            let value = &record[field["api_name"].as_str().unwrap()];
            let is_as_told = match field["json_type"].as_str().unwrap() {
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "jsonarray" => value.is_array(),
                "jsonobject" => value.is_object(),
                other => panic!("{other}"),
            };
            assert!(is_as_told, "{field}");
        }
    }
    let seen = zoho.get("/crm/v8/settings/fields?module=Leads&type=unused").await;
    assert_eq!(seen.status, 204);
    assert_eq!(zoho.get("/bigin/v2/settings/fields?module=Contacts").await.status, 200);
}

#[tokio::test]
async fn org_users_and_counts_are_read() {
    let zoho = World::new();
    let org = zoho.get("/crm/v8/org").await.json();
    assert_eq!(org["org"][0]["id"], zoho.simulator.org_id().to_string());
    let all = zoho.get("/crm/v8/users?type=AllUsers").await.json();
    assert_eq!(all["users"].as_array().unwrap().len(), 2);
    zoho.delete_leads(&zoho.leads[..3]).await.unwrap();
    let count = zoho.get("/crm/v8/Leads/actions/count").await;
    assert_eq!(count.both(), (200, json!({"count": 7})));
}
