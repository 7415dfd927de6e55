//! What undoes the other writes: tags put back (Add Tags pages), definitions made again (Create
//! Tags page), records linked again (Update Related Records page). After each, the state is what it
//! was before, item by item.

use serde_json::json;

use super::*;

const ADD: &str = "/crm/v8/Leads/actions/add_tags";
const REMOVE: &str = "/crm/v8/Leads/actions/remove_tags";
const MAKE: &str = "/crm/v8/settings/tags?module=Leads";

/// Nothing is otherwise.
#[track_caller]
fn assert_undone(before: &Snapshot, zoho: &World) {
    assert_eq!(before.differences(&zoho.simulator.snapshot()), [""; 0]);
}

fn tags(tags: &Value, ids: &[u64]) -> Value {
    json!({"tags": tags, "ids": texts(ids)})
}

fn named(name: &str) -> Value {
    json!([{"name": name}])
}

#[tokio::test]
async fn tags_are_put_back_in_the_form_of_every_version() {
    let forms = [
        ("crm/v2", "Leads", true),
        ("crm/v2.1", "Leads", true),
        ("crm/v3", "Leads", false),
        ("crm/v5", "Leads", false),
        ("crm/v7", "Leads", false),
        ("crm/v8", "Leads", false),
        ("bigin/v2", "Contacts", true),
    ];
    for (api, module, in_query) in forms {
        let zoho = World::new();
        let records = zoho.simulator.add_records(module, 3);
        let [one, two] = [records[0], records[1]];
        zoho.simulator.tag(module, &["A b", "C"], &records[..2]);
        let before = zoho.simulator.snapshot();
        zoho.simulator.untag(module, &["A b"], &records);
        zoho.simulator.untag(module, &["C"], &[one]);
        assert_eq!(before.differences(&zoho.simulator.snapshot()).len(), 2, "{api}");
        let base = format!("/{api}/{module}");
        let (many, single) = if in_query {
            let list = joined(&[one, two]);
            let many = format!("{base}/actions/add_tags?ids={list}&tag_names=A%20b");
            let single = format!("{base}/{one}/actions/add_tags?tag_names=C&over_write=false");
            (zoho.post(&many, &Value::Null).await, zoho.post(&single, &Value::Null).await)
        } else {
            let many = format!("{base}/actions/add_tags");
            let many = zoho.post(&many, &tags(&named("A b"), &[one, two])).await;
            let single = format!("{base}/{one}/actions/add_tags");
            (many, zoho.post(&single, &json!({"tags": named("C"), "over_write": false})).await)
        };
        assert_eq!((many.status, single.status), (200, 200), "{api}: {}", many.text);
        let carried = &many.json()["data"][1]["details"]["tags"];
        let first = if api.starts_with("bigin") { &carried[0] } else { &carried[0]["name"] };
        assert_eq!(first, "C", "{api}");
        assert_eq!(many.json()["success_count"].is_string(), !api.starts_with("bigin"), "{api}");
        assert_undone(&before, &zoho);
    }
    let zoho = World::new();
    let contact = zoho.simulator.add_records("Contacts", 1)[0];
    let path = format!("/bigin/v1/Contacts/actions/add_tags?ids={contact}&tag_names=A");
    assert_eq!(zoho.post(&path, &Value::Null).await.status, 404, "the first Bigin has no tags");
}

#[tokio::test]
async fn the_id_of_a_tag_wins_and_a_tag_that_is_on_is_put_on_with_success() {
    let zoho = World::new();
    let lead = zoho.leads[0];
    let [a, b] = zoho.simulator.tag("Leads", &["A", "B"], &[lead])[..] else { panic!("two tags") };
    zoho.simulator.untag("Leads", &["A"], &[lead]);
    let tag = json!([{"name": "B", "id": a.to_string()}]);
    assert_eq!(zoho.post(ADD, &tags(&tag, &[lead])).await.status, 200);
    assert_eq!(zoho.simulator.snapshot().tags_of(lead), ["B", "A"]);
    let seen = zoho.post(ADD, &tags(&named("B"), &[lead])).await;
    assert_eq!(seen.json()["data"][0]["code"], "SUCCESS");
    assert_eq!(zoho.simulator.requests()[1].applied, 0);
    // A tag that is gone is made again under its name, with an id of its own.
    zoho.simulator.drop_tags("Leads", &["B"]);
    let tag = json!([{"name": "B", "id": b.to_string()}]);
    assert_eq!(zoho.post(ADD, &tags(&tag, &[lead])).await.status, 200);
    assert_ne!(zoho.simulator.snapshot().tags["Leads"]["B"], b);
}

#[tokio::test]
async fn a_colour_that_is_not_the_tag_s_refuses_the_whole_call() {
    let zoho = World::new();
    let lead = zoho.leads[0];
    zoho.simulator.tag("Leads", &["A"], &[]);
    assert!(zoho.simulator.color_tag("Leads", "A", Some("#F17574")));
    assert!(!zoho.simulator.color_tag("Leads", "A", Some("red")));
    let colored = |code: &str| tags(&json!([{"name": "A", "color_code": code}]), &[lead]);
    let seen = zoho.post(ADD, &colored("#57B1FD")).await;
    let details = json!({"api_name": "color_code", "json_path": "$.tags[0].color_code"});
    assert_eq!((seen.status, &seen.json()["code"]), (400, &json!("MAPPING_MISMATCH")));
    assert_eq!(seen.json()["details"], details);
    assert_eq!(zoho.simulator.snapshot().tags_of(lead), [""; 0]);
    assert_eq!(zoho.post(ADD, &colored("#F17574")).await.status, 200);
}

#[tokio::test]
async fn the_eleventh_tag_of_a_record_and_the_hundred_and_first_of_a_module_are_refused() {
    let zoho = World::new();
    let [full, free, locked] = [zoho.leads[0], zoho.leads[1], zoho.leads[2]];
    let names: Vec<String> = (0..99).map(|n| format!("T{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    zoho.simulator.tag("Leads", &names[..10], &[full]);
    zoho.simulator.tag("Leads", &names[10..], &[]);
    zoho.simulator.lock(locked);
    let seen = zoho.post(ADD, &tags(&named("T50"), &[full, free, locked])).await;
    assert_eq!(seen.status, 207);
    let codes: Vec<Value> = seen.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| json!([item["code"], item["details"]["id"]]))
        .collect();
    let [full, free, locked] = [full, free, locked].map(|id| id.to_string());
    assert_eq!(
        codes,
        [
            json!(["LIMIT_EXCEEDED", full]),
            json!(["SUCCESS", free]),
            json!(["RECORD_LOCKED", locked])
        ]
    );
    let (counts, answer) = (["success_count", "locked_count"], seen.json());
    assert_eq!(counts.map(|count| answer[count].clone()), ["1", "1"]);
    let two = json!([{"name": "New"}, {"name": "Newer"}]);
    let seen = zoho.post(ADD, &tags(&two, &zoho.leads[1..2])).await;
    assert_eq!((seen.status, &seen.json()["code"]), (400, &json!("LIMIT_EXCEEDED")));
    assert_eq!(zoho.simulator.snapshot().tags["Leads"].len(), 99);
    let seen = zoho.post(ADD, &tags(&named("New"), &zoho.leads[1..2])).await;
    assert_eq!(seen.status, 200);
}

#[tokio::test]
async fn five_hundred_records_are_tagged_for_ten_credits_and_no_more_at_once() {
    let zoho = World::with(|config| config.records = vec![("Leads".to_owned(), 501)]);
    let seen = zoho.post(ADD, &tags(&named("A"), &zoho.leads)).await;
    let details = json!({"api_name": "ids", "json_path": "$.ids", "maximum_length": 500});
    assert_eq!(seen.both(), (400, flat("INVALID_DATA", "invalid data", details)));
    let before = zoho.simulator.snapshot().credits_used;
    let seen = zoho.post(ADD, &tags(&named("A"), &zoho.leads[..500])).await;
    assert_eq!(seen.json()["success_count"], "500");
    assert_eq!(zoho.simulator.snapshot().credits_used, before + 10);
}

#[tokio::test]
async fn who_overwrites_does_not_undo() {
    let zoho = World::new();
    let lead = zoho.leads[0];
    zoho.simulator.tag("Leads", &["A", "B"], &[lead]);
    let before = zoho.simulator.snapshot();
    zoho.post(REMOVE, &tags(&named("A"), &[lead])).await;
    let over = json!({"tags": named("A"), "ids": texts(&[lead]), "over_write": true});
    assert_eq!(zoho.post(ADD, &over).await.status, 200);
    let lines = before.differences(&zoho.simulator.snapshot());
    assert_eq!(lines, [format!(r#"tags of record {lead}: {{"A", "B"}} before, {{"A"}} after"#)]);
}

#[tokio::test]
async fn a_deleted_tag_is_made_again_with_its_colour_and_another_id() {
    let zoho = World::new();
    let tag = json!({"module": "Leads", "names": ["A"], "records": texts(&zoho.leads[..2]),
                     "color_code": "#F17574"});
    let old = zoho.control("tags", &tag).await.json()["ids"][0].clone();
    let before = zoho.simulator.snapshot();
    zoho.delete(&format!("/crm/v8/settings/tags/{}", old.as_str().unwrap())).await;
    let asked = json!({"tags": [{"name": "A", "color_code": "#F17574"}]});
    let seen = zoho.post(MAKE, &asked).await;
    let item = seen.json()["tags"][0].clone();
    assert_eq!((seen.status, &item["code"]), (201, &json!("SUCCESS")));
    assert_eq!(
        (item["details"]["id"] == old, &item["details"]["color_code"]),
        (false, &json!("#F17574"))
    );
    assert_eq!(before.differences(&zoho.simulator.snapshot()).len(), 2, "no record has it yet");
    zoho.post(ADD, &tags(&named("A"), &zoho.leads[..2])).await;
    assert_undone(&before, &zoho);
    // Whoever asks again learns which tag is there.
    let both = json!({"tags": [{"name": "A"}, {"name": "New"}]});
    let seen = zoho.post(MAKE, &both).await;
    let double = &seen.json()["tags"][0];
    assert_eq!((seen.status, &double["code"]), (207, &json!("DUPLICATE_DATA")));
    assert_eq!(double["details"]["id"], item["details"]["id"]);
    let seen = zoho.post(MAKE, &json!({"tags": named("A")})).await;
    assert_eq!((seen.status, &seen.json()["tags"][0]["code"]), (400, &json!("DUPLICATE_DATA")));
}

#[tokio::test]
async fn tags_are_made_in_every_version_but_the_first_bigin() {
    for (api, module, status) in [
        ("crm/v2", "Leads", 201),
        ("crm/v2.1", "Leads", 201),
        ("crm/v6", "Leads", 201),
        ("bigin/v1", "Contacts", 404),
        ("bigin/v2", "Contacts", 201),
    ] {
        let zoho = World::new();
        let path = format!("/{api}/settings/tags?module={module}");
        let seen = zoho.post(&path, &json!({"tags": named("A")})).await;
        assert_eq!(seen.status, status, "{api}: {}", seen.text);
    }
}

#[tokio::test]
async fn a_link_forgets_what_it_carried_when_it_is_taken_away() {
    let zoho = World::new();
    let campaign = zoho.simulator.add_records("Campaigns", 1)[0];
    let [one, two] = [zoho.leads[0], zoho.leads[1]];
    let active = json!("Active");
    let list = (campaign, "Leads");
    assert_eq!(zoho.simulator.link_with("Campaigns", list, &[one, two], &active), 2);
    let before = zoho.simulator.snapshot();
    let path = format!("/crm/v8/Campaigns/{campaign}/Leads");
    zoho.delete(&format!("{path}?ids={one},{two}")).await;
    let careless = json!({"data": [{"id": one.to_string()}, {"id": two.to_string()}]});
    assert_eq!(zoho.put(&path, &careless).await.status, 200);
    let lines = before.differences(&zoho.simulator.snapshot());
    assert_eq!(lines.len(), 4, "each link from both sides: {lines:?}");
    assert!(lines[0].ends_with(r#"Some("\"Active\"") before, Some("\"Planned\"") after"#));
    // Linking what is linked is a success and changes what is said, and nothing else.
    let said = json!({"data": [{"id": one.to_string(), "Member_Status": "Active"}]});
    let seen = zoho.put(&path, &said).await;
    assert_eq!(seen.json()["data"][0]["message"], "relation added");
    zoho.put(&format!("{path}/{two}"), &json!({"data": [{"Member_Status": "Active"}]})).await;
    assert_undone(&before, &zoho);
    assert_eq!(zoho.put(&path, &careless).await.status, 200);
    assert_undone(&before, &zoho);
    let wrong = json!({"data": [{"id": one.to_string(), "Member_Status": 1}]});
    let item = &zoho.put(&path, &wrong).await.json()["data"][0];
    assert_eq!(item["details"]["json_path"], "$.data[0].Member_Status");
}

#[tokio::test]
async fn records_are_linked_again_in_every_version_also_with_their_price() {
    for version in ["crm/v2", "crm/v2.1", "crm/v3", "crm/v7", "crm/v8"] {
        let zoho = World::new();
        let product = zoho.simulator.add_records("Products", 1)[0];
        let book = zoho.simulator.add_records("Price_Books", 1)[0];
        zoho.simulator.link_with("Products", (product, "Price_Books"), &[book], &json!(12.5));
        let before = zoho.simulator.snapshot();
        zoho.simulator.unlink("Products", product, "Price_Books", &[book]);
        let path = format!("/{version}/Products/{product}/Price_Books/{book}");
        let seen = zoho.put(&path, &json!({"data": [{}]})).await;
        assert_eq!(seen.json()["data"][0]["details"]["json_path"], "$.data[0].list_price");
        assert_eq!(zoho.put(&path, &json!({"data": [{"list_price": 12.5}]})).await.status, 200);
        assert_undone(&before, &zoho);
    }
    for (version, list) in [("bigin/v1", "Deals"), ("bigin/v2", "Pipelines")] {
        let zoho = World::new();
        let product = zoho.simulator.add_records("Products", 1)[0];
        let deals = zoho.simulator.add_records(list, 2);
        zoho.simulator.link("Products", product, list, &deals);
        let before = zoho.simulator.snapshot();
        zoho.simulator.unlink("Products", product, list, &deals);
        let path = format!("/{version}/Products/{product}/{list}");
        let rows = json!({"data": [{"id": deals[0].to_string()}, {"id": deals[1].to_string()}]});
        assert_eq!(zoho.put(&path, &rows).await.status, 200, "{version}");
        assert_undone(&before, &zoho);
    }
}

#[tokio::test]
async fn a_record_that_is_gone_is_not_linked() {
    let zoho = World::new();
    let campaign = zoho.simulator.add_records("Campaigns", 1)[0];
    let [one, gone] = [zoho.leads[0], zoho.leads[1]];
    zoho.delete_leads(&[gone]).await.unwrap();
    let path = format!("/crm/v8/Campaigns/{campaign}/Leads");
    let rows = json!({"data": [{"id": gone.to_string()}, {"id": one.to_string()}]});
    let seen = zoho.put(&path, &rows).await;
    let details = json!({"api_name": "id", "json_path": "$.data[0].id"});
    assert_eq!((seen.status, &seen.json()["data"][0]["details"]), (207, &details));
    assert!(zoho.simulator.delete_as_other_user(campaign));
    let seen = zoho.put(&path, &rows).await;
    assert_eq!(seen.both(), (404, flat("INVALID_DATA", "The record does not exist", json!({}))));
    assert!(zoho.simulator.restore(campaign));
    assert_eq!(zoho.simulator.snapshot().linked(campaign, "Leads"), [one]);
}

#[tokio::test]
async fn the_state_shows_all_that_an_undo_has_to_bring_back() {
    let zoho = World::new();
    let campaign = zoho.simulator.add_records("Campaigns", 1)[0].to_string();
    let [lead, child, other] = [0, 1, 2].map(|n| zoho.leads[n].to_string());
    zoho.control(
        "tags",
        &json!({"module": "Leads", "names": ["A"], "records": [lead],
                                 "color_code": "#F17574"}),
    )
    .await;
    let link = json!({"module": "Campaigns", "parent": campaign, "list": "Leads", "ids": [lead],
                      "carried": "Active"});
    assert_eq!(zoho.control("link", &link).await.json(), json!({"changed": 1}));
    zoho.control("parent", &json!({"module": "Leads", "ids": [child], "parent": other})).await;
    zoho.control("lock", &json!({"module": "Leads", "ids": [lead]})).await;
    zoho.delete_leads(&zoho.leads[2..3]).await.unwrap();
    let state = zoho.call_as(Method::GET, "/_simulator/state", &[], "").await.unwrap().json();
    assert_eq!(state["tag_colors"], json!({"Leads": {"A": "#F17574"}}));
    assert_eq!(
        state["link_fields"],
        json!({&campaign: {"Leads": {&lead: "Active"}}, &lead: {"Campaigns": {&campaign: "Active"}}})
    );
    assert_eq!(state["parents"], json!({&child: &other}));
    assert_eq!(state["marks"], json!({&lead: ["locked"]}));
    let gone = |with: Value| json!({"by": "token_user", "deleted_ms": START, "with": with});
    assert_eq!(
        state["bin"],
        json!({"Leads": {&other: gone(Value::Null), &child: gone(json!(other))}})
    );
    let blue = json!({"module": "Leads", "names": ["A"], "color_code": "blue"});
    assert_eq!(zoho.control("tags", &blue).await.status, 400);
}
