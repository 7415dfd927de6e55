//! Mass deletion of tags: submissions, and the lives of jobs.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

const PATH: &str = "/crm/v8/settings/tags/actions/mass_delete";

/// So many tags of Leads, on all leads.
fn tags(zoho: &World, count: usize) -> Vec<u64> {
    let names: Vec<String> = (0..count).map(|n| format!("tag {n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    zoho.simulator.tag("Leads", &names, &zoho.leads)
}

async fn module_id(zoho: &World, module: &str) -> Value {
    let seen = zoho.get(&format!("/crm/v8/settings/modules/{module}")).await;
    seen.json()["modules"][0]["id"].clone()
}

async fn body(zoho: &World, tags: &[u64]) -> Value {
    let tags: Vec<Value> = tags.iter().map(|id| json!({"id": id.to_string()})).collect();
    let module = json!({"id": module_id(zoho, "Leads").await, "api_name": "Leads"});
    json!({"mass_delete": [{"module": module, "tags": tags}]})
}

async fn submit(zoho: &World, tags: &[u64]) -> Seen {
    let body = body(zoho, tags).await;
    zoho.post(PATH, &body).await
}

/// Submits tags and gives the job's id.
async fn job(zoho: &World, tags: &[u64]) -> String {
    let seen = submit(zoho, tags).await;
    assert_eq!(seen.status, 202, "{}", seen.text);
    seen.json()["details"]["job_id"].as_str().unwrap().to_owned()
}

/// Status, failed and deleted.
async fn state(zoho: &World, job: &str) -> (String, u64, u64) {
    let row = zoho.get(&format!("{PATH}?job_id={job}")).await.json()["mass_delete"][0].clone();
    let count = |key: &str| row[key].as_u64().unwrap();
    (row["status"].as_str().unwrap().to_owned(), count("failed_count"), count("deleted_count"))
}

fn is(status: &str, failed: u64, deleted: u64) -> (String, u64, u64) {
    (status.to_owned(), failed, deleted)
}

#[tokio::test]
async fn the_sample_of_the_page_is_answered_byte_for_byte() {
    for version in ["v7", "v8"] {
        let zoho = World::new();
        let ids = tags(&zoho, 2);
        let path = format!("/crm/{version}/settings/tags/actions/mass_delete");
        let seen = zoho.post(&path, &body(&zoho, &ids).await).await;
        let job = seen.json()["details"]["job_id"].as_str().unwrap().to_owned();
        let wanted = format!(r#"{{"code":"SCHEDULED","details":{{"job_id":"{job}"}},"#)
            + r#""message":"tags scheduled successfully","status":"success"}"#;
        assert_eq!((seen.status, seen.text), (202, wanted));
        zoho.wait(1500);
        let seen = zoho.get(&format!("{path}?job_id={job}")).await;
        let wanted = format!(r#"{{"mass_delete":[{{"job_id":"{job}","total_count":2,"#)
            + r#""failed_count":0,"deleted_count":2,"status":"COMPLETED"}]}"#;
        assert_eq!((seen.status, seen.text), (200, wanted));
    }
}

#[tokio::test]
async fn a_job_waits_runs_and_ends_and_its_tags_go_one_by_one() {
    let zoho = World::new();
    let ids = tags(&zoho, 4);
    let job = job(&zoho, &ids).await;
    assert_eq!(state(&zoho, &job).await, is("SCHEDULED", 0, 0));
    zoho.wait(499);
    assert_eq!(state(&zoho, &job).await, is("SCHEDULED", 0, 0));
    zoho.wait(1);
    assert_eq!(state(&zoho, &job).await, is("RUNNING", 0, 0));
    zoho.wait(500);
    assert_eq!(state(&zoho, &job).await, is("RUNNING", 0, 2));
    assert_eq!(zoho.simulator.snapshot().tags_of(zoho.leads[0]), ["tag 002", "tag 003"]);
    zoho.wait(499);
    assert_eq!(state(&zoho, &job).await, is("RUNNING", 0, 3));
    zoho.wait(1);
    assert_eq!(state(&zoho, &job).await, is("COMPLETED", 0, 4));
    let snapshot = zoho.simulator.snapshot();
    assert!(snapshot.tags.is_empty() && snapshot.record_tags.is_empty());
    // The call that submitted the job is the one that did it.
    let submitted = snapshot.jobs[0].request;
    for id in &ids {
        assert_eq!(snapshot.calls_that(EffectKind::Deleted, *id), [submitted]);
    }
    assert_eq!(snapshot.jobs[0].deleted, ids);
    assert_eq!(zoho.simulator.requests()[usize::try_from(submitted).unwrap() - 1].applied, 4);
    let listed = zoho.call_as(Method::GET, "/_simulator/state", &[], "").await.unwrap().json();
    assert_eq!(listed["jobs"][0]["job_id"], job);
    assert_eq!(listed["jobs"][0]["tags"], json!(texts(&ids)));
}

#[tokio::test]
async fn what_meanwhile_went_another_way_is_counted_as_failed() {
    let zoho = World::new();
    let ids = tags(&zoho, 3);
    let job = job(&zoho, &ids).await;
    zoho.simulator.drop_tags("Leads", &["tag 000"]);
    zoho.simulator.use_tags("Leads", &["tag 001"]);
    zoho.wait(1500);
    assert_eq!(state(&zoho, &job).await, is("COMPLETED", 2, 1));
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.jobs[0].failed, ids[..2]);
    assert_eq!(snapshot.effects_of(ids[0])[0].by, Actor::OtherUser);
}

#[tokio::test]
async fn one_job_at_a_time_unless_configured_otherwise() {
    let zoho = World::new();
    let ids = tags(&zoho, 2);
    job(&zoho, &ids[..1]).await;
    let seen = submit(&zoho, &ids[1..]).await;
    assert_eq!((seen.status, &seen.json()["code"]), (400, &json!("ALREADY_SCHEDULED")));
    zoho.wait(1499);
    assert_eq!(submit(&zoho, &ids[1..]).await.status, 400);
    zoho.wait(1);
    assert_eq!(submit(&zoho, &ids[1..]).await.status, 202);

    let zoho = World::with(|config| config.one_tag_job_at_a_time = false);
    let ids = tags(&zoho, 2);
    job(&zoho, &ids[..1]).await;
    job(&zoho, &ids[1..]).await;
    zoho.wait(1500);
    assert!(zoho.simulator.snapshot().tags.is_empty());
}

#[tokio::test]
async fn two_hundred_tags_go_in_one_job_and_one_more_is_refused() {
    let zoho = World::new();
    let ids = tags(&zoho, 201);
    let seen = submit(&zoho, &ids).await;
    let details = json!({"api_name": "tags", "json_path": "$.mass_delete[0].tags",
                         "maximum_length": 200});
    assert_eq!(seen.both(), (400, flat("INVALID_DATA", "invalid data", details)));
    job(&zoho, &ids[..200]).await;
    zoho.wait(1500);
    assert_eq!(zoho.simulator.snapshot().tags["Leads"].len(), 1);

    let zoho = World::with(|config| config.mass_delete_tags_limit = 100);
    let ids = tags(&zoho, 101);
    assert_eq!(submit(&zoho, &ids).await.json()["details"]["maximum_length"], 100);
    assert_eq!(submit(&zoho, &ids[1..]).await.status, 202);
}

#[tokio::test]
async fn one_bad_tag_refuses_all_and_is_pointed_to() {
    let zoho = World::new();
    let ids = tags(&zoho, 4);
    let foreign = zoho.simulator.tag("Contacts", &["A"], &[])[0];
    zoho.simulator.drop_tags("Leads", &["tag 000"]);
    zoho.simulator.use_tags("Leads", &["tag 001"]);
    let at = |index: usize| json!({"api_name": "id", "json_path": format!("$.mass_delete[0].tags[{index}].id")});
    let not_found = "tags not found";
    for (sent, code, message, index) in [
        (vec![ids[2], ids[0]], "INVALID_DATA", "one of the tags seems not found.", 1),
        (vec![4_150_868_000_005_067_099, ids[2]], "INVALID_DATA", not_found, 0),
        (vec![ids[2], ids[3], foreign], "INVALID_DATA", not_found, 2),
        (vec![ids[2], ids[2]], "INVALID_DATA", "invalid data", 1),
        (vec![ids[3], ids[1]], "NOT_ALLOWED", "tags has been associated to features", 1),
    ] {
        let seen = submit(&zoho, &sent).await;
        assert_eq!(seen.both(), (400, flat(code, message, at(index))));
    }
    assert!(zoho.simulator.snapshot().jobs.is_empty());
    assert_eq!(zoho.simulator.snapshot().tags["Leads"].len(), 3);
}

#[tokio::test]
async fn bodies_that_are_wrong_are_pointed_into() {
    let zoho = World::new();
    let id = tags(&zoho, 1)[0].to_string();
    let [leads, contacts, ledger] = [
        module_id(&zoho, "Leads").await,
        module_id(&zoho, "Contacts").await,
        module_id(&zoho, "Ledger__c").await,
    ];
    let module = json!({"id": leads, "api_name": "Leads"});
    let entry = json!({"module": module, "tags": [{"id": id}]});
    let with = |module: Value| json!({"mass_delete": [{"module": module, "tags": [{"id": id}]}]});
    let tagged = |tags: Value| json!({"mass_delete": [{"module": module, "tags": tags}]});
    let (missing, bad) = ("MANDATORY_NOT_FOUND", "INVALID_DATA");
    #[rustfmt::skip]
    let cases = [
        (json!({}), missing, "$.mass_delete"),
        (json!({"mass_delete": []}), missing, "$.mass_delete"),
        (json!({"mass_delete": {}}), bad, "$.mass_delete"),
        (json!({"mass_delete": [entry, entry]}), bad, "$.mass_delete"),
        (json!({"mass_delete": [1]}), bad, "$.mass_delete[0]"),
        (json!({"mass_delete": [{"tags": [{"id": id}]}]}), missing, "$.mass_delete[0].module"),
        (with(json!("Leads")), bad, "$.mass_delete[0].module"),
        (with(json!({"api_name": "Leads"})), missing, "$.mass_delete[0].module.id"),
        (with(json!({"id": leads})), missing, "$.mass_delete[0].module.api_name"),
        (with(json!({"id": leads, "api_name": "Lead"})), bad, "$.mass_delete[0].module.api_name"),
        (with(json!({"id": "1", "api_name": "Leads"})), bad, "$.mass_delete[0].module.id"),
        (json!({"mass_delete": [{"module": module}]}), missing, "$.mass_delete[0].tags"),
        (tagged(json!([])), missing, "$.mass_delete[0].tags"),
        (tagged(json!({"id": id})), bad, "$.mass_delete[0].tags"),
        (tagged(json!([{}])), missing, "$.mass_delete[0].tags[0].id"),
        (tagged(json!([{"id": 1}])), bad, "$.mass_delete[0].tags[0].id"),
        (tagged(json!([{"id": 6.5e17}])), bad, "$.mass_delete[0].tags[0].id"),
    ];
    for (body, code, path) in cases {
        let seen = zoho.post(PATH, &body).await;
        let answer = seen.json();
        assert_eq!((seen.status, &answer["code"]), (400, &json!(code)), "{body}");
        assert_eq!(answer["details"]["json_path"], path, "{body}");
    }
    let seen = zoho.post(PATH, &json!({"mass_delete": {}})).await.json();
    assert_eq!(seen["details"]["expected_data_type"], "jsonarray");
    let seen = zoho.post(PATH, &with(json!({"id": contacts, "api_name": "Leads"}))).await;
    let due_to = json!([
        {"api_name": "id", "json_path": "$.mass_delete[0].module.id"},
        {"api_name": "api_name", "json_path": "$.mass_delete[0].module.api_name"},
    ]);
    let details = json!({"ambiguity_due_to": due_to});
    let ambiguous = flat("AMBIGUITY_DURING_PROCESSING", "Ambiguity during processing", details);
    assert_eq!(seen.both(), (400, ambiguous));
    let seen = zoho.post(PATH, &with(json!({"id": ledger, "api_name": "Ledger__c"}))).await;
    assert_eq!(seen.json()["code"], "AUTHORIZATION_FAILED");
    assert_eq!(zoho.delete(PATH).await.json()["code"], "INVALID_REQUEST_METHOD");
    assert!(zoho.simulator.snapshot().jobs.is_empty());
}

#[tokio::test]
async fn a_status_without_a_job_is_refused_as_each_version_does() {
    let message = "One of the expected parameter is missing";
    let missing = flat("REQUIRED_PARAM_MISSING", message, json!({"param_name": "job_id"}));
    for (version, status, nested) in [("v7", 401, false), ("v8", 400, false), ("v8", 400, true)] {
        let zoho = World::with(|config| config.nested_unknown_job = nested);
        let path = format!("/crm/{version}/settings/tags/actions/mass_delete");
        assert_eq!(zoho.get(&path).await.both(), (status, missing.clone()));
        for (job, message) in
            [("4150868000005067099", "job details not found"), ("job_789", "invalid data")]
        {
            let item = flat("INVALID_DATA", message, json!({"job_id": job}));
            let item = if nested { json!([item]) } else { item };
            let seen = zoho.get(&format!("{path}?job_id={job}")).await;
            assert_eq!(seen.both(), (400, json!({"mass_delete": [item]})));
        }
    }
}

#[tokio::test]
async fn versions_before_v7_have_no_such_jobs() {
    let zoho = World::new();
    let ids = tags(&zoho, 1);
    for version in ["v2", "v2.1", "v3", "v4", "v5", "v6"] {
        let path = format!("/crm/{version}/settings/tags/actions/mass_delete");
        let body = body(&zoho, &ids).await;
        assert_eq!(zoho.post(&path, &body).await.json()["code"], "INVALID_URL_PATTERN");
        assert_eq!(zoho.get(&path).await.status, 404, "{version}");
    }
}

#[tokio::test]
async fn each_fault_of_jobs_strikes_the_next_submission_and_nothing_else() {
    for (fault, at_end, status, left) in [
        (Fault::JobStuck, is("RUNNING", 0, 0), 200, 3),
        (Fault::JobFails, is("FAILED", 3, 0), 200, 3),
        (Fault::JobPartial, is("COMPLETED", 1, 2), 200, 1),
        (Fault::JobForgotten, is("", 0, 0), 400, 0),
        (Fault::JobSlow, is("SCHEDULED", 0, 0), 200, 3),
    ] {
        let zoho = World::new();
        let ids = tags(&zoho, 3);
        zoho.simulator.plan_faults(vec![fault]);
        assert_eq!(zoho.delete_leads(&zoho.leads[..1]).await.unwrap().status, 200);
        let job = job(&zoho, &ids).await;
        assert_eq!(zoho.simulator.requests().last().unwrap().fault, Some(fault));
        assert_eq!(state(&zoho, &job).await.0, "SCHEDULED", "{fault}");
        zoho.wait(1500);
        let seen = zoho.get(&format!("{PATH}?job_id={job}")).await;
        assert_eq!(seen.status, status, "{fault}");
        if status == 200 {
            assert_eq!(state(&zoho, &job).await, at_end, "{fault}");
        }
        let there = zoho.simulator.snapshot().tags.get("Leads").map_or(0, BTreeMap::len);
        assert_eq!(there, left, "{fault}");
        let next = if left == 0 { 400 } else { submit(&zoho, &ids[2..]).await.status };
        let open = matches!(fault, Fault::JobStuck | Fault::JobSlow);
        assert_eq!(next == 400, open || left == 0, "{fault}");
        zoho.wait(13_500);
        let open = zoho.simulator.snapshot().jobs[0].status == "RUNNING";
        assert_eq!(open, fault == Fault::JobStuck, "{fault}");
    }
}

#[tokio::test]
async fn a_lost_submission_schedules_a_job_or_none() {
    for (fault, jobs) in
        [(Fault::LoseRequest, 0), (Fault::LoseAnswer, 1), (Fault::HtmlApplied, 1), (Fault::Html, 0)]
    {
        let zoho = World::new();
        let ids = tags(&zoho, 2);
        zoho.simulator.plan_faults(vec![fault]);
        let body = body(&zoho, &ids).await;
        drop(zoho.try_post(PATH, &body).await);
        assert_eq!(zoho.simulator.snapshot().jobs.len(), jobs, "{fault}");
        zoho.wait(1500);
        assert_eq!(zoho.simulator.snapshot().tags.is_empty(), jobs == 1, "{fault}");
    }
    let zoho = World::new();
    let ids = tags(&zoho, 2);
    zoho.simulator.plan_faults(vec![Fault::Late]);
    let body = body(&zoho, &ids).await;
    assert!(zoho.try_post(PATH, &body).await.is_err());
    zoho.wait(5000);
    assert_eq!(zoho.simulator.snapshot().jobs[0].submitted_ms, START + 5000);
    zoho.wait(1500);
    assert!(zoho.simulator.snapshot().tags.is_empty());
}

#[tokio::test]
async fn the_status_of_a_job_is_a_read_and_fails_as_reads_do() {
    let zoho = World::new();
    let ids = tags(&zoho, 1);
    let job = job(&zoho, &ids).await;
    let path = format!("{PATH}?job_id={job}");
    for (fault, status) in [(Fault::ReadForbidden, 403), (Fault::ReadInternalError, 500)] {
        zoho.simulator.plan_faults(vec![fault]);
        assert_eq!(zoho.get(&path).await.status, status);
    }
    zoho.simulator.plan_faults(vec![Fault::ReadLost]);
    assert!(zoho.try_call(Method::GET, &path).await.is_err());
    assert_eq!(state(&zoho, &job).await, is("SCHEDULED", 0, 0));
}
