//! Ids that stand in bodies as numbers, as Zoho's Python SDK writes them. No float could hold them.

use serde_json::json;

use super::*;

#[tokio::test]
async fn records_and_tags_are_named_by_numbers_and_answered_by_texts() {
    let zoho = World::new();
    let lead = zoho.leads[0];
    let tag = zoho.simulator.tag("Leads", &["A", "B"], &[lead])[0];
    let body = json!({"ids": [lead], "tags": [{"id": tag}]});
    let seen = zoho.post("/crm/v8/Leads/actions/remove_tags", &body).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    assert_eq!(seen.json()["data"][0]["details"]["id"], lead.to_string());
    assert_eq!(zoho.simulator.snapshot().tags_of(lead), ["B"]);
    let seen = zoho.post("/crm/v8/Leads/actions/add_tags", &body).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    assert_eq!(zoho.simulator.snapshot().tags_of(lead), ["B", "A"]);
    let single = format!("/crm/v8/Leads/{lead}/actions/remove_tags");
    let seen = zoho.post(&single, &json!({"tags": [{"id": tag}]})).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    let twice = json!({"ids": [lead, lead.to_string()], "tags": [{"id": tag}]});
    let seen = zoho.post("/crm/v8/Leads/actions/remove_tags", &twice).await;
    assert_eq!(seen.json()["message"], "an id is given more than once");
    // The log has them as texts, and the neighbour of an id is another id.
    assert_eq!(zoho.simulator.requests()[0].ids, texts(&[lead]));
    let neighbour = zoho.leads[9] + 1;
    let body = json!({"ids": [neighbour], "tags": [{"id": tag}]});
    let seen = zoho.post("/crm/v8/Leads/actions/remove_tags", &body).await;
    assert_eq!(seen.json()["data"][0]["details"]["id"], neighbour.to_string());
    assert_eq!(seen.status, 400);
}

#[tokio::test]
async fn credits_are_counted_for_numbers_too() {
    let zoho = World::with(|config| config.records = vec![("Leads".to_owned(), 51)]);
    zoho.simulator.tag("Leads", &["A"], &[]);
    let body = json!({"ids": zoho.leads, "tags": [{"name": "A"}]});
    zoho.post("/crm/v8/Leads/actions/remove_tags", &body).await;
    assert_eq!(zoho.simulator.snapshot().credits_used, 2);
}

#[tokio::test]
async fn a_job_takes_module_and_tags_by_numbers() {
    let zoho = World::new();
    let tags = zoho.simulator.tag("Leads", &["A", "B"], &[]);
    let module = zoho.get("/crm/v8/settings/modules/Leads").await.json();
    let module: u64 = module["modules"][0]["id"].as_str().unwrap().parse().unwrap();
    let listed: Vec<Value> = tags.iter().map(|tag| json!({"id": tag})).collect();
    let entry = json!({"module": {"id": module, "api_name": "Leads"}, "tags": listed});
    let body = json!({"mass_delete": [entry]});
    let seen = zoho.post("/crm/v8/settings/tags/actions/mass_delete", &body).await;
    assert_eq!(seen.status, 202, "{}", seen.text);
    assert_eq!(zoho.simulator.requests().last().unwrap().ids, texts(&tags));
}

#[tokio::test]
async fn records_are_linked_by_numbers() {
    let zoho = World::new();
    let campaign = zoho.simulator.add_records("Campaigns", 1)[0];
    let [first, second] = [zoho.leads[0], zoho.leads[1]];
    let path = format!("/crm/v8/Campaigns/{campaign}/Leads");
    let rows = json!({"data": [{"id": first}, {"id": 6.5e17}, {"id": second.to_string()}, {}]});
    let seen = zoho.put(&path, &rows).await;
    let codes: Vec<Value> =
        seen.json()["data"].as_array().unwrap().iter().map(|row| row["code"].clone()).collect();
    assert_eq!(codes, ["SUCCESS", "INVALID_DATA", "SUCCESS", "MANDATORY_NOT_FOUND"]);
    assert_eq!(zoho.simulator.snapshot().linked(campaign, "Leads"), [first, second]);
    assert_eq!(zoho.simulator.requests()[0].ids, texts(&[first, second]));
}

#[tokio::test]
async fn controls_take_numbers_and_show_texts() {
    let zoho = World::new();
    let campaign = zoho.simulator.add_records("Campaigns", 1)[0];
    let lead = zoho.leads[0];
    for (name, body) in [
        ("lock", json!({"module": "Leads", "ids": [lead]})),
        (
            "link",
            json!({"module": "Campaigns", "parent": campaign, "list": "Leads", "ids": [lead]}),
        ),
        ("notes", json!({"module": "Leads", "parent": lead, "count": 1})),
        ("tags", json!({"module": "Leads", "names": ["A"], "records": [lead, lead.to_string()]})),
    ] {
        assert_eq!(zoho.control(name, &body).await.status, 200, "{name}");
    }
    let seen = zoho.control("lock", &json!({"module": "Leads", "ids": [6.5e17]})).await;
    let error = seen.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("an id is a text or a whole number"), "{error}");
    zoho.post("/crm/v8/Leads/actions/remove_tags", &json!({"ids": [lead], "tags": []})).await;
    let log = zoho.call_as(Method::GET, "/_simulator/requests", &[], "").await.unwrap().json();
    assert_eq!(log["requests"][0]["ids"], json!([lead.to_string()]));
}
