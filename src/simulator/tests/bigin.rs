//! Bigin: the same org under other paths, with other modules and other forms.

use serde_json::json;

use super::*;

/// Five records of a Bigin module.
fn bigin(module: &str) -> (World, Vec<u64>) {
    let zoho = World::new();
    let ids = zoho.simulator.add_records(module, 5);
    (zoho, ids)
}

#[tokio::test]
async fn records_of_each_module_are_deleted_in_both_versions() {
    let both = ["Contacts", "Accounts", "Products", "Tasks", "Events", "Calls"];
    for (version, own, other) in [("v1", "Deals", "Pipelines"), ("v2", "Pipelines", "Deals")] {
        for module in both.into_iter().chain([own]) {
            let (zoho, ids) = bigin(module);
            let path = format!("/bigin/{version}/{module}");
            let seen = zoho.delete(&format!("{path}?ids={},{}", ids[0], ids[1])).await;
            assert_eq!(seen.both(), (200, json!({"data": [success(ids[0]), success(ids[1])]})));
            assert_eq!(zoho.delete(&format!("{path}/{}", ids[2])).await.status, 200);
            let rows = zoho.get(&format!("{path}?fields=id&ids={},{}", ids[0], ids[3])).await;
            assert_eq!(rows.json()["data"], json!([{"id": ids[3].to_string()}]));
            let gone = zoho.get(&format!("{path}/deleted?type=all")).await.json();
            assert_eq!(gone["data"].as_array().unwrap().len(), 3);
            assert_eq!(zoho.simulator.snapshot().modules[module].live, ids[3..]);
        }
        let zoho = World::new();
        for module in [other, "Leads", "Campaigns"] {
            let seen = zoho.delete(&format!("/bigin/{version}/{module}?ids=1")).await;
            assert_eq!(seen.json()["code"], "INVALID_MODULE", "{version} {module}");
        }
        let all = zoho.get(&format!("/bigin/{version}/settings/modules")).await.json();
        assert_eq!(all["modules"].as_array().unwrap().len(), 7);
        assert_eq!(zoho.get(&format!("/bigin/{version}/org")).await.status, 200);
        let me = zoho.get(&format!("/bigin/{version}/users?type=CurrentUser")).await.json();
        assert_eq!(me, zoho.get("/crm/v8/users?type=CurrentUser").await.json());
    }
}

/// One item of an answer, byte for byte.
fn item(id: u64, message: &str) -> String {
    format!(r#"{{"code":"SUCCESS","details":{{"id":"{id}"}},"#)
        + &format!(r#""message":"{message}","status":"success"}}"#)
}

/// Bigin v1 and v2 Delete Records pages; the answer is that of the CRM v2 page.
#[tokio::test]
async fn the_calls_of_the_delete_records_pages_are_answered_byte_for_byte() {
    for (version, trigger) in [("v1", "&wf_trigger=true"), ("v2", "")] {
        let (zoho, ids) = bigin("Contacts");
        let [first, second] = [ids[0], ids[1]];
        let many = format!("/bigin/{version}/Contacts?ids={first},{second}{trigger}");
        let [one, other] = [first, second].map(|id| item(id, "record deleted"));
        let seen = zoho.delete(&many).await;
        let wanted = format!(r#"{{"data":[{one},{other}]}}"#);
        assert_eq!((seen.status, seen.text), (200, wanted), "{version}");
        let seen = zoho.delete(&format!("/bigin/{version}/Contacts/{}", ids[2])).await;
        let wanted = format!(r#"{{"data":[{}]}}"#, item(ids[2], "record deleted"));
        assert_eq!((seen.status, seen.text), (200, wanted), "{version}");
    }
}

/// Bigin v1 and v2 Delink pages, both forms of the call; the answer is that of the CRM v7 page.
#[tokio::test]
async fn the_calls_of_the_delink_pages_are_answered_byte_for_byte() {
    for version in ["v1", "v2"] {
        let (zoho, ids) = bigin("Contacts");
        let product = zoho.simulator.add_records("Products", 1)[0];
        zoho.simulator.link("Products", product, "Contacts", &ids);
        let path = format!("/bigin/{version}/Products/{product}/Contacts");
        let seen = zoho.delete(&format!("{path}?ids={},{}", ids[0], ids[1])).await;
        let [one, other] = [ids[0], ids[1]].map(|id| item(id, "relation removed"));
        let wanted = format!(r#"{{"data":[{one},{other}]}}"#);
        assert_eq!((seen.status, seen.text), (200, wanted), "{version}");
        let seen = zoho.delete(&format!("{path}/{}", ids[2])).await;
        let wanted = format!(r#"{{"data":[{}]}}"#, item(ids[2], "relation removed"));
        assert_eq!((seen.status, seen.text), (200, wanted), "{version}");
        assert_eq!(zoho.simulator.snapshot().linked(product, "Contacts"), &ids[3..]);
    }
}

/// Bigin v2 Delete a Tag page; the answer is that of the CRM v7 Delete Tag page.
#[tokio::test]
async fn the_call_of_the_delete_tag_page_is_answered_byte_for_byte() {
    let (zoho, ids) = bigin("Contacts");
    let tags = zoho.simulator.tag("Contacts", &["Hot", "Cold"], &ids);
    let seen = zoho.delete(&format!("/bigin/v2/settings/tags/{}", tags[0])).await;
    let wanted = format!(r#"{{"tags":{}}}"#, item(tags[0], "tags deleted successfully"));
    assert_eq!((seen.status, seen.text), (200, wanted));
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.tags_of(ids[0]), ["Cold"]);
    assert_eq!(snapshot.calls_that(EffectKind::Deleted, tags[0]), [1]);
}

#[tokio::test]
async fn a_hundred_are_deleted_at_once_and_one_more_is_refused() {
    let zoho = World::new();
    let ids = zoho.simulator.add_records("Contacts", 101);
    let seen = zoho.delete(&format!("/bigin/v2/Contacts?ids={}", joined(&ids))).await;
    assert_eq!(seen.json()["code"], "LIMIT_EXCEEDED");
    let seen = zoho.delete(&format!("/bigin/v2/Contacts?ids={}", joined(&ids[..100]))).await;
    assert_eq!(seen.status, 200);
}

#[tokio::test]
async fn the_first_version_listens_to_wf_trigger_and_the_second_does_not() {
    for (version, workflows) in [("v1", false), ("v2", true)] {
        let (zoho, ids) = bigin("Contacts");
        zoho.delete(&format!("/bigin/{version}/Contacts?ids={}&wf_trigger=false", ids[0])).await;
        let effect = zoho.simulator.snapshot().effects_of(ids[0])[0];
        assert_eq!(effect.workflows, workflows, "{version}");
    }
}

#[tokio::test]
async fn tags_are_named_in_the_query_and_answered_as_texts() {
    let (zoho, ids) = bigin("Contacts");
    let [first, second] = [ids[0], ids[1]];
    let names = ["From Email", "In Progress", "From Webforms", "In progress"];
    zoho.simulator.tag("Contacts", &names[..2], &[first]);
    zoho.simulator.tag("Contacts", &names[2..], &[first, second]);
    let path = "/bigin/v2/Contacts/actions/remove_tags";
    let query = format!("{path}?ids={first},{second}&tag_names=From%20Webforms,In%20progress");
    let seen = zoho.post(&query, &Value::Null).await;
    let item = |id: u64, tags: &str| {
        format!(r#"{{"code":"SUCCESS","details":{{"id":"{id}","tags":[{tags}]}},"#)
            + r#""message":"tags updated successfully","status":"success"}"#
    };
    let left = r#""From Email","In Progress""#;
    let wanted = format!(r#"{{"data":[{},{}]}}"#, item(first, left), item(second, ""));
    assert_eq!((seen.status, seen.text), (200, wanted));
    let single = format!("/bigin/v2/Contacts/{first}/actions/remove_tags?tag_names=From+Email");
    let seen = zoho.post(&single, &Value::Null).await.json();
    assert_eq!(seen["data"][0]["details"]["tags"], json!(["In Progress"]));
    let add = format!("/bigin/v2/Contacts/actions/add_tags?ids={second}&tag_names=A,B");
    let seen = zoho.post(&add, &Value::Null).await.json();
    assert_eq!(seen["data"][0]["details"]["tags"], json!(["A", "B"]));
    let row = format!("/bigin/v2/Contacts?ids={second}&fields=id,Tag,Modified_Time");
    let row = zoho.get(&row).await.json()["data"][0].clone();
    assert_eq!(row["Tag"], json!(["A", "B"]));
    assert_eq!(row["Modified_Time"], "2026-08-22T15:30:00+05:30");
    let many: Vec<u64> = (0..501).map(|n| 4_150_868_000_005_067_000 + n).collect();
    let zoho = World::new();
    let seen = zoho.post(&format!("{path}?ids={}&tag_names=A", joined(&many)), &Value::Null).await;
    assert_eq!(seen.json()["details"], json!({"limit": "500", "param_name": "ids"}));
}

#[tokio::test]
async fn tags_are_listed_made_and_deleted_in_the_second_version_only() {
    let zoho = World::new();
    let made = json!({"tags": [{"name": "A"}]});
    let path = "settings/tags?module=Pipelines";
    assert_eq!(zoho.post(&format!("/bigin/v2/{path}"), &made).await.status, 201);
    let listed = zoho.get(&format!("/bigin/v2/{path}")).await.json();
    let id = listed["tags"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(zoho.get(&format!("/bigin/v1/{path}")).await.status, 404);
    assert_eq!(zoho.delete(&format!("/bigin/v1/settings/tags/{id}")).await.status, 404);
    // A tag of a module that CRM does not have is none of CRM's.
    let seen = zoho.delete(&format!("/crm/v7/settings/tags/{id}")).await;
    assert_eq!(seen.json()["message"], "tags not found");
    let seen = zoho.delete(&format!("/bigin/v2/settings/tags/{id}")).await;
    assert_eq!(seen.json()["tags"]["message"], "tags deleted successfully");
    let lead = zoho.leads[0];
    for path in [format!("Contacts/{lead}"), "Contacts".to_owned()] {
        let path = format!("/bigin/v1/{path}/actions/remove_tags?ids={lead}&tag_names=A");
        assert_eq!(zoho.post(&path, &Value::Null).await.json()["code"], "INVALID_URL_PATTERN");
    }
}

#[tokio::test]
async fn products_are_unlinked_from_contacts_companies_and_pipelines() {
    for (version, lists) in
        [("v1", ["Contacts", "Accounts", "Deals"]), ("v2", ["Contacts", "Accounts", "Pipelines"])]
    {
        for list in lists {
            let (zoho, ids) = bigin(list);
            let product = zoho.simulator.add_records("Products", 1)[0];
            assert_eq!(zoho.simulator.link("Products", product, list, &ids), 5);
            let path = format!("/bigin/{version}/Products/{product}/{list}");
            let seen = zoho.delete(&format!("{path}?ids={},{}", ids[0], ids[1])).await;
            assert_eq!(seen.status, 200, "{}", seen.text);
            assert_eq!(seen.json()["data"][1]["message"], "relation removed");
            assert_eq!(zoho.delete(&format!("{path}/{}", ids[2])).await.status, 200);
            let back = format!("/bigin/{version}/{list}/{}/Products?ids={product}", ids[3]);
            assert_eq!(zoho.delete(&back).await.status, 200);
            assert_eq!(zoho.simulator.snapshot().linked(product, list), &ids[4..]);
            let rows = zoho.get(&format!("{path}?fields=id")).await.json();
            assert_eq!(rows["data"], json!([{"id": ids[4].to_string()}]));
        }
        let zoho = World::new();
        let product = zoho.simulator.add_records("Products", 1)[0];
        let seen = zoho.delete(&format!("/bigin/{version}/Products/{product}/Leads?ids=1")).await;
        assert_eq!(seen.json()["details"], json!({"resource_path_index": 2}));
    }
}

#[tokio::test]
async fn there_is_no_bin_and_no_mass_deletion() {
    let zoho = World::new();
    let url = "Please check if the URL trying to access is a correct one";
    let wanted = (404, flat("INVALID_URL_PATTERN", url, json!({})));
    for version in ["v1", "v2"] {
        let base = format!("/bigin/{version}");
        for path in [
            "settings/recycle_bin",
            "settings/recycle_bin/4150868000005067099",
            "settings/tags/actions/mass_delete",
            "Contacts/actions/mass_delete",
            "Contacts/actions/count",
        ] {
            assert_eq!(zoho.get(&format!("{base}/{path}")).await.both(), wanted, "{path}");
        }
        let jobs = format!("{base}/settings/tags/actions/mass_delete");
        assert_eq!(zoho.post(&jobs, &json!({})).await.both(), wanted);
    }
    assert_eq!(zoho.get("/bigin/v3/Contacts").await.both(), wanted);
}
