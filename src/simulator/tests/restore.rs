//! Records brought back from the recycle bin (Restore pages of CRM v8, OAS `recycle_bin.yaml` and
//! `recycle_bin.json`).

use serde_json::json;

use super::*;

const RESTORE: &str = "/crm/v8/settings/recycle_bin/actions/restore";
const DAY: i64 = 86_400_000;

fn ids(ids: &[u64]) -> Value {
    json!({"ids": texts(ids)})
}

fn item(code: &str, message: &str, id: u64) -> Value {
    let status = if ["SUCCESS", "SCHEDULED"].contains(&code) { "success" } else { "error" };
    json!({"code": code, "details": {"id": id.to_string()}, "message": message, "status": status})
}

fn restored(id: u64) -> Value {
    item("SUCCESS", "record restored", id)
}

fn unknown(id: u64) -> Value {
    item("INVALID_DATA", "the id given seems to be invalid", id)
}

fn orphan(id: u64) -> Value {
    let message = "the record cannot be restored without its parent record";
    item("CANNOT_RESTORE_WITHOUT_PARENT", message, id)
}

fn bin(items: &[Value]) -> Value {
    json!({"recycle_bin": items})
}

impl World {
    /// Ten leads, of which the second is a child of the first and the third one of the second.
    fn with_family(change: impl FnOnce(&mut Config)) -> Self {
        let zoho = Self::with(change);
        assert!(zoho.simulator.set_parent(zoho.leads[1], Some(zoho.leads[0])));
        assert!(zoho.simulator.set_parent(zoho.leads[2], Some(zoho.leads[1])));
        zoho
    }
}

#[tokio::test]
async fn what_comes_back_is_as_it_was_but_for_its_time() {
    let zoho = World::new();
    let [one, two] = [zoho.leads[0], zoho.leads[1]];
    let campaign = zoho.simulator.add_records("Campaigns", 1)[0];
    zoho.simulator.tag("Leads", &["A", "B"], &[one, two]);
    zoho.simulator.link("Campaigns", campaign, "Leads", &[one]);
    zoho.simulator.add_notes("Leads", one, 2);
    let before = zoho.simulator.snapshot();
    let record = || async { zoho.get(&format!("/crm/v8/Leads/{one}")).await.json() };
    let mut as_it_was = record().await;
    zoho.delete_leads(&[one, two]).await.unwrap();
    zoho.wait(3_600_000);
    let seen = zoho.post(RESTORE, &ids(&[one, two])).await;
    assert_eq!(seen.both(), (200, bin(&[restored(one), restored(two)])));
    let mut after = record().await;
    let time = after["data"][0]["Modified_Time"].take();
    assert_ne!(time, as_it_was["data"][0]["Modified_Time"].take());
    assert_eq!(after, as_it_was);
    let snapshot = zoho.simulator.snapshot();
    assert_eq!((&snapshot.modules, &snapshot.tags), (&before.modules, &before.tags));
    assert_eq!((&snapshot.record_tags, &snapshot.links), (&before.record_tags, &before.links));
    assert_eq!(zoho.get("/crm/v8/Leads/deleted?type=all").await.status, 204);
    let path = format!("/crm/v8/settings/recycle_bin?ids={one},{two}");
    assert_eq!(zoho.get(&path).await.status, 204);
    let last = zoho.simulator.requests()[2].clone();
    assert_eq!((last.number, last.applied, last.ids), (3, 2, texts(&[one, two])));
    assert_eq!(snapshot.calls_that(EffectKind::Restored, one), [3]);
    let again = zoho.post(RESTORE, &ids(&[one])).await;
    assert_eq!(again.both(), (400, bin(&[unknown(one)])));
}

#[tokio::test]
async fn one_record_is_restored_by_its_path_whatever_the_body_says() {
    let zoho = World::new();
    let [one, two] = [zoho.leads[0], zoho.leads[1]];
    zoho.delete_leads(&[one, two]).await.unwrap();
    let path = |id: u64| format!("/crm/v8/settings/recycle_bin/{id}/actions/restore");
    let done = item("SUCCESS", "Restored", one);
    assert_eq!(zoho.post(&path(one), &ids(&[two])).await.both(), (200, bin(&[done])));
    assert_eq!(zoho.post(&path(one), &Value::Null).await.both(), (400, bin(&[unknown(one)])));
    assert_eq!(zoho.simulator.snapshot().modules["Leads"].binned, [two]);
}

#[tokio::test]
async fn an_id_that_is_not_in_the_bin_fails_alone() {
    for mixed in [207, 200] {
        let zoho = World::with(|config| config.mixed_status = mixed);
        let [binned, live, purged] = [zoho.leads[0], zoho.leads[1], zoho.leads[2]];
        zoho.delete_leads(&[binned, purged]).await.unwrap();
        zoho.simulator.purge(purged);
        let body = json!({"ids": [live, binned, purged, 1_000_000_000_000_u64]});
        let items = [unknown(live), restored(binned), unknown(purged), unknown(1_000_000_000_000)];
        assert_eq!(zoho.post(RESTORE, &body).await.both(), (mixed, bin(&items)));
    }
}

#[tokio::test]
async fn exactly_one_way_to_name_records_is_taken() {
    let zoho = World::new();
    zoho.delete_leads(&zoho.leads[..1]).await.unwrap();
    let lead = zoho.leads[0].to_string();
    let field = |name: &str| json!({"api_name": name, "json_path": format!("$.{name}")});
    let missing = json!({"expected_fields": [
        field("ids"), field("filters"), field("restore_all_records"),
    ]});
    let due_to = |names: [&str; 2]| json!({"ambiguity_due_to": names.map(field)});
    let many: Vec<String> =
        (0..201).map(|n| (4_150_868_000_005_000_000_u64 + n).to_string()).collect();
    let of_ids = |key: &str, value: Value| {
        let mut details = field("ids");
        details[key] = value;
        details
    };
    let first = json!({"api_name": "ids", "json_path": "$.ids[0]", "expected_data_type": "string"});
    let all = json!({"api_name": "restore_all_records", "json_path": "$.restore_all_records",
                     "expected_data_type": "boolean"});
    let none = "EXPECTED_FIELD_MISSING";
    let two = "AMBIGUITY_DURING_PROCESSING";
    #[rustfmt::skip]
    let cases = [
        (json!({}), none, missing.clone()),
        (json!({"restore_all_records": false}), none, missing),
        (json!({"ids": [lead], "restore_all_records": true}), two,
            due_to(["ids", "restore_all_records"])),
        (json!({"ids": [lead], "filters": {}}), two, due_to(["ids", "filters"])),
        (json!({"ids": []}), "MANDATORY_NOT_FOUND", field("ids")),
        (json!({"ids": lead}), "INVALID_DATA", of_ids("expected_data_type", json!("jsonarray"))),
        (json!({"ids": [6.5e17]}), "INVALID_DATA", first),
        (json!({"ids": many}), "INVALID_DATA", of_ids("maximum_length", json!(200))),
        (json!({"ids": [lead, lead]}), "INVALID_DATA", field("ids")),
        (json!({"restore_all_records": 1}), "INVALID_DATA", all),
        (json!({"filters": {"group_operator": "AND", "group": []}}), "INVALID_DATA",
            json!({"param_name": "filters"})),
        (json!([]), "UNABLE_TO_PARSE_DATA_TYPE", json!({})),
    ];
    for (body, code, details) in cases {
        let seen = zoho.post(RESTORE, &body).await;
        assert_eq!((seen.status, &seen.json()["code"]), (400, &json!(code)), "{body}");
        assert_eq!(seen.json()["details"], details, "{body}");
    }
    assert_eq!(zoho.simulator.snapshot().modules["Leads"].binned, zoho.leads[..1]);
    let path = "/crm/v8/settings/recycle_bin/actions/restore";
    assert_eq!(zoho.get(path).await.json()["code"], "INVALID_REQUEST_METHOD");
}

#[tokio::test]
async fn only_the_eighth_version_of_crm_restores() {
    let zoho = World::new();
    let lead = zoho.leads[0];
    zoho.delete_leads(&[lead]).await.unwrap();
    for version in
        ["crm/v2", "crm/v2.1", "crm/v3", "crm/v5", "crm/v6", "crm/v7", "bigin/v1", "bigin/v2"]
    {
        for part in ["actions".to_owned(), format!("{lead}/actions")] {
            let path = format!("/{version}/settings/recycle_bin/{part}/restore");
            let seen = zoho.post(&path, &ids(&[lead])).await;
            assert_eq!((seen.status, &seen.json()["code"]), (404, &json!("INVALID_URL_PATTERN")));
        }
    }
    assert_eq!(zoho.simulator.snapshot().modules["Leads"].binned, [lead]);
}

#[tokio::test]
async fn it_needs_the_scope_to_update_the_bin() {
    let zoho = World::with(|config| {
        let scopes = ["ZohoCRM.modules.ALL", "ZohoCRM.settings.recycle_bin.READ"];
        config.scopes = Some(scopes.map(str::to_owned).to_vec());
    });
    zoho.delete_leads(&zoho.leads[..1]).await.unwrap();
    let seen = zoho.post(RESTORE, &ids(&zoho.leads[..1])).await;
    assert_eq!(seen.both(), (401, flat("OAUTH_SCOPE_MISMATCH", "Unauthorized", json!({}))));
    let code = zoho.simulator.new_grant_code(Some(&["ZohoCRM.settings.recycle_bin.UPDATE"]));
    let token = zoho.exchange(&code).await.word("access_token");
    let body = ids(&zoho.leads[..1]).to_string();
    assert_eq!(zoho.call_with(&token, Method::POST, RESTORE, &body).await.status, 200);
}

#[tokio::test]
async fn children_go_with_their_parent_and_come_back_with_it() {
    let zoho = World::with_family(|_| {});
    let [parent, child, grandchild] = [zoho.leads[0], zoho.leads[1], zoho.leads[2]];
    let before = zoho.simulator.snapshot();
    zoho.delete_leads(&[parent]).await.unwrap();
    let path = format!("/crm/v8/settings/recycle_bin?ids={parent},{child},{grandchild}");
    let rows = zoho.get(&path).await.json()["recycle_bin"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 3);
    for key in ["deleted_time", "deleted_by"] {
        assert!(rows.iter().all(|row| row[key] == rows[0][key]), "{key}");
    }
    assert_eq!(zoho.simulator.snapshot().calls_that(EffectKind::Deleted, grandchild), [1]);
    let seen = zoho.post(RESTORE, &ids(&[grandchild, child])).await;
    assert_eq!(seen.both(), (400, bin(&[orphan(grandchild), orphan(child)])));
    // The child comes back with its parent: when its own turn comes, it is no longer in the bin.
    let seen = zoho.post(RESTORE, &ids(&[parent, child])).await;
    assert_eq!(seen.both(), (207, bin(&[restored(parent), unknown(child)])));
    assert_eq!(zoho.simulator.snapshot().modules, before.modules);
    assert!(zoho.simulator.delete_as_other_user(parent));
    assert!(zoho.simulator.restore(parent));
    assert_eq!(zoho.simulator.snapshot().modules, before.modules);
}

#[tokio::test]
async fn a_child_deleted_before_its_parent_stays_in_the_bin_and_needs_it() {
    let zoho = World::with_family(|_| {});
    let [parent, child, grandchild] = [zoho.leads[0], zoho.leads[1], zoho.leads[2]];
    zoho.delete_leads(&[child]).await.unwrap();
    zoho.delete_leads(&[parent]).await.unwrap();
    let seen = zoho.post(RESTORE, &ids(&[child, parent])).await;
    assert_eq!(seen.both(), (207, bin(&[orphan(child), restored(parent)])));
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.modules["Leads"].binned, [child, grandchild]);
    let seen = zoho.post(RESTORE, &ids(&[child])).await;
    assert_eq!(seen.both(), (200, bin(&[restored(child)])));
    assert_eq!(zoho.live_leads(), zoho.leads);
    // Named after its parent, it comes back in the same call.
    zoho.delete_leads(&[child]).await.unwrap();
    zoho.delete_leads(&[parent]).await.unwrap();
    let seen = zoho.post(RESTORE, &ids(&[parent, child])).await;
    assert_eq!(seen.both(), (200, bin(&[restored(parent), restored(child)])));
    assert_eq!(zoho.live_leads(), zoho.leads);
}

#[tokio::test]
async fn a_parent_that_is_erased_takes_its_children_along() {
    let zoho = World::with_family(|_| {});
    let [parent, child, grandchild] = [zoho.leads[0], zoho.leads[1], zoho.leads[2]];
    zoho.delete_leads(&[child]).await.unwrap();
    zoho.delete_leads(&[parent]).await.unwrap();
    assert!(zoho.simulator.purge(parent));
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.modules["Leads"].purged, [parent, child, grandchild]);
    let seen = zoho.post(RESTORE, &ids(&[child])).await;
    assert_eq!(seen.both(), (400, bin(&[unknown(child)])));
}

#[tokio::test]
async fn nobody_is_a_descendant_of_its_own() {
    let zoho = World::with_family(|_| {});
    let [parent, child, grandchild] = [zoho.leads[0], zoho.leads[1], zoho.leads[2]];
    for (of, to) in [(parent, grandchild), (parent, parent)] {
        assert!(!zoho.simulator.set_parent(of, Some(to)));
    }
    assert!(zoho.simulator.set_parent(child, None));
    zoho.delete_leads(&[parent]).await.unwrap();
    assert_eq!(zoho.simulator.snapshot().modules["Leads"].binned, [parent]);
    assert!(!zoho.simulator.set_parent(grandchild, Some(parent)), "the parent is gone");
}

#[tokio::test]
async fn more_than_a_thousand_records_and_notes_come_back_later() {
    let zoho = World::with_family(|_| {});
    let [parent, child] = [zoho.leads[0], zoho.leads[1]];
    zoho.simulator.add_notes("Leads", child, 997);
    zoho.delete_leads(&[parent]).await.unwrap();
    // Three records and 997 notes are a thousand.
    assert_eq!(zoho.post(RESTORE, &ids(&[parent])).await.status, 200);
    zoho.simulator.add_notes("Leads", child, 1);
    zoho.delete_leads(&[parent]).await.unwrap();
    let seen = zoho.post(RESTORE, &ids(&[parent])).await;
    let message = "record has been scheduled for restoration";
    let scheduled = |id: u64| item("SCHEDULED", message, id);
    assert_eq!(seen.both(), (202, bin(&[scheduled(parent)])));
    zoho.wait(499);
    let snapshot = zoho.simulator.snapshot();
    assert_eq!((snapshot.modules["Leads"].binned.len(), snapshot.scheduled_restores), (3, 1));
    assert_eq!(zoho.simulator.requests()[3].applied, 0);
    zoho.wait(1);
    assert_eq!(zoho.live_leads(), zoho.leads);
    let snapshot = zoho.simulator.snapshot();
    assert_eq!((snapshot.scheduled_restores, snapshot.linked(child, "Notes").len()), (0, 998));
    assert_eq!(zoho.simulator.requests()[3].applied, 1);
    assert_eq!(snapshot.calls_that(EffectKind::Restored, child), [2, 4]);
}

#[tokio::test]
async fn what_cannot_be_restored_is_not_scheduled() {
    let zoho = World::with_family(|config| config.restore_at_once = 1);
    let [parent, child, other] = [zoho.leads[0], zoho.leads[1], zoho.leads[9]];
    zoho.delete_leads(&[child]).await.unwrap();
    zoho.delete_leads(&[parent, other]).await.unwrap();
    let scheduled = |id| item("SCHEDULED", "record has been scheduled for restoration", id);
    let live = zoho.leads[5];
    let seen = zoho.post(RESTORE, &ids(&[child, other, live])).await;
    assert_eq!(seen.both(), (207, bin(&[orphan(child), scheduled(other), unknown(live)])));
    let seen = zoho.post(RESTORE, &ids(&[parent, child])).await;
    assert_eq!(seen.both(), (202, bin(&[scheduled(parent), scheduled(child)])));
    zoho.simulator.finish_jobs();
    assert_eq!(zoho.live_leads(), zoho.leads);
    let seen = zoho.post(RESTORE, &ids(&[parent, child])).await;
    assert_eq!(seen.both(), (400, bin(&[unknown(parent), unknown(child)])));
}

#[tokio::test]
async fn everything_comes_back_later_and_nothing_is_named() {
    let zoho = World::with_family(|_| {});
    let [parent, child] = [zoho.leads[0], zoho.leads[1]];
    zoho.delete_leads(&[child]).await.unwrap();
    zoho.delete_leads(&[parent, zoho.leads[9]]).await.unwrap();
    let seen = zoho.post(RESTORE, &json!({"restore_all_records": true})).await;
    let message = "Bulk restoration of records based on filters has been scheduled";
    let only = json!({"code": "SCHEDULED", "details": {}, "message": message, "status": "success"});
    assert_eq!(seen.both(), (202, bin(&[only])));
    assert_eq!(zoho.live_leads().len(), 6);
    zoho.wait(500);
    assert_eq!(zoho.live_leads(), zoho.leads);
}

#[tokio::test]
async fn records_are_aged_in_the_bin_until_they_are_erased() {
    let zoho = World::with_family(|_| {});
    let [parent, child] = [zoho.leads[0], zoho.leads[1]];
    zoho.delete_leads(&[parent]).await.unwrap();
    let aged = json!({"module": "Leads", "ids": texts(&[parent]), "days": 59});
    assert_eq!(zoho.control("age", &aged).await.json(), json!({"changed": 1}));
    let path = format!("/crm/v8/settings/recycle_bin/{child}");
    let time = zoho.get(&path).await.json()["recycle_bin"][0]["deleted_time"].clone();
    assert_eq!(time, "2026-06-24T15:30:00+05:30");
    zoho.wait(DAY + 1000);
    assert_eq!(zoho.simulator.snapshot().modules["Leads"].purged.len(), 3);
    assert_eq!(zoho.control("age", &aged).await.json(), json!({"changed": 0}));
    assert!(!zoho.simulator.age(zoho.leads[9], DAY), "it is not in the bin");
}

#[tokio::test]
async fn parents_are_set_by_control_calls() {
    let zoho = World::new();
    let [parent, one, two] = [zoho.leads[0], zoho.leads[1], zoho.leads[2]];
    let body = json!({"module": "Leads", "ids": texts(&[one, two]), "parent": parent.to_string()});
    assert_eq!(zoho.control("parent", &body).await.json(), json!({"changed": 2}));
    let body = json!({"module": "Leads", "ids": [two], "parent": null});
    assert_eq!(zoho.control("parent", &body).await.json(), json!({"changed": 1}));
    zoho.delete_leads(&[parent]).await.unwrap();
    assert_eq!(zoho.simulator.snapshot().modules["Leads"].binned, [parent, one]);
    let body = json!({"module": "Leads", "ids": [two], "parent": "4150868000005067099"});
    assert_eq!(zoho.control("parent", &body).await.status, 400);
}

#[tokio::test]
async fn children_are_there_from_the_start_and_come_back_when_jobs_are_finished() {
    let zoho = World::with(|config| {
        config.records.push(("Accounts".to_owned(), 2));
        let (parent, module) = ("Accounts".to_owned(), "Leads".to_owned());
        config.children = vec![ChildrenAtStart { parent, module, count: 3 }];
        config.restore_at_once = 3;
        config.restore_scheduled_ms = DAY;
    });
    let before = zoho.simulator.snapshot();
    let account = before.modules["Accounts"].live[0];
    zoho.delete(&format!("/crm/v8/Accounts/{account}")).await;
    assert_eq!(zoho.simulator.snapshot().modules["Leads"].binned, zoho.leads[..3]);
    // Named twice, once by themselves and once as children, they are still four.
    let all = [&[account], &zoho.leads[..3]].concat();
    let seen = zoho.post(RESTORE, &ids(&all)).await;
    assert_eq!((seen.status, before.differences(&zoho.simulator.snapshot()).len()), (202, 4));
    assert_eq!(zoho.control("finish-jobs", &json!({})).await.json(), json!({"ok": true}));
    assert_eq!(before.differences(&zoho.simulator.snapshot()), [""; 0]);
}

#[tokio::test]
async fn children_that_cannot_be_are_refused_at_the_start() {
    let with = |parent: &str, module: &str, count| {
        let (parent, module) = (parent.to_owned(), module.to_owned());
        ChildrenAtStart { parent, module, count }
    };
    for (children, says) in [
        (vec![with("Accounts", "Leads", 1)], "add --records Accounts=1"),
        (vec![with("Leads", "Leads", 10)], "there are 9"),
        (vec![with("Leads", "Leads", 1), with("Leads", "Leads", 1)], "one parent"),
        (vec![with("Leads", "Lead", 1)], "there is no module Lead"),
    ] {
        let records = vec![("Leads".to_owned(), 10)];
        let error = Simulator::start(Config { records, children, ..Config::default() });
        let error = error.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_restore_that_waits_is_done_whatever_became_of_its_answer() {
    let later = || World::with(|config| config.restore_at_once = 0);
    for fault in [Fault::LoseAnswer, Fault::CutBody, Fault::HtmlApplied, Fault::MissingId] {
        let zoho = later();
        zoho.delete_leads(&zoho.leads[..2]).await.unwrap();
        zoho.simulator.plan_faults(vec![fault]);
        drop(zoho.try_post(RESTORE, &ids(&zoho.leads[..2])).await);
        assert_eq!(zoho.live_leads().len(), 8, "{fault}");
        zoho.wait(500);
        assert_eq!(zoho.live_leads(), zoho.leads, "{fault}");
    }
    let zoho = later();
    zoho.delete_leads(&zoho.leads[..2]).await.unwrap();
    zoho.simulator.plan_faults(vec![Fault::Late]);
    assert!(zoho.try_post(RESTORE, &ids(&zoho.leads[..2])).await.is_err());
    zoho.wait(5499);
    assert_eq!(zoho.live_leads().len(), 8, "late first, and then it waits");
    zoho.wait(1);
    assert_eq!(zoho.live_leads(), zoho.leads);
    let zoho = later();
    zoho.delete_leads(&zoho.leads[..2]).await.unwrap();
    zoho.simulator.plan_faults(vec![Fault::Refuse]);
    let seen = zoho.post(RESTORE, &ids(&zoho.leads[..2])).await;
    let codes = [0, 1].map(|index| seen.json()["recycle_bin"][index]["code"].clone());
    assert!(codes.contains(&json!("RECORD_LOCKED")) && codes.contains(&json!("SCHEDULED")));
    assert_eq!(seen.status, 207);
    zoho.simulator.finish_jobs();
    assert_eq!(zoho.live_leads().len(), 9);
}
