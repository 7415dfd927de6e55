//! Every fault on every kind of write: what the client meets, and whether it was done.

use serde_json::json;

use super::*;

/// A write that changes something at first, and how one sees that it did.
struct Case {
    method: Method,
    path: String,
    body: Value,
    /// How many items its answer has; `None` where it is one result.
    items: Option<usize>,
    key: &'static str,
    is_single: bool,
    permissions: Vec<&'static str>,
    done: Box<dyn Fn(&Snapshot) -> bool>,
}

impl Case {
    fn new(method: Method, path: String, items: Option<usize>) -> Self {
        let is_single = items == Some(1);
        Self {
            method,
            path,
            body: Value::Null,
            items,
            key: "data",
            is_single,
            permissions: Vec::new(),
            done: Box::new(|_| false),
        }
    }

    fn sends(self, body: Value) -> Self {
        Self { body, ..self }
    }

    fn needs<const N: usize>(self, permissions: [&'static str; N]) -> Self {
        Self { permissions: permissions.to_vec(), ..self }
    }

    fn shows(self, done: impl Fn(&Snapshot) -> bool + 'static) -> Self {
        Self { done: Box::new(done), ..self }
    }

    async fn call(&self, zoho: &World) -> Result<Seen, reqwest::Error> {
        let token = format!("Zoho-oauthtoken {}", zoho.simulator.access_token());
        let headers = [("authorization", token.as_str())];
        zoho.call_as(self.method.clone(), &self.path, &headers, &self.body.to_string()).await
    }
}

const KINDS: usize = 22;

/// Tagged and linked records in CRM and Bigin.
struct Org {
    leads: Vec<u64>,
    contacts: Vec<u64>,
    product: u64,
    tag: u64,
    module: Value,
    binned: Vec<u64>,
}

impl Org {
    async fn new(zoho: &World) -> Self {
        let leads = zoho.leads[..3].to_vec();
        let tag = zoho.simulator.tag("Leads", &["A"], &leads)[0];
        let product = zoho.simulator.add_records("Products", 1)[0];
        let contacts = zoho.simulator.add_records("Contacts", 3);
        zoho.simulator.tag("Contacts", &["A"], &contacts);
        zoho.simulator.link("Products", product, "Leads", &leads);
        zoho.simulator.link("Products", product, "Contacts", &contacts);
        let module = zoho.get("/crm/v8/settings/modules/Leads").await.json();
        let module = json!({"id": module["modules"][0]["id"], "api_name": "Leads"});
        let binned = zoho.leads[7..].to_vec();
        for id in &binned {
            assert!(zoho.simulator.delete_as_our_user(*id));
        }
        Self { leads, contacts, product, tag, module, binned }
    }

    /// What undoes the other writes, in forms that those do not have.
    fn of_undoing(&self, kind: usize, apart: &[u64]) -> Option<Case> {
        let (one, first, product) = (self.leads[0], self.contacts[0], self.product);
        let back = self.binned[0];
        let came = move |seen: &Snapshot| seen.is_live(back);
        let tagged = move |id: u64| move |seen: &Snapshot| seen.tags_of(id).contains(&"B");
        let tags = |module: &str| match module {
            "Leads" => ["Crm_Implied_Edit_Leads", "Crm_Implied_Tags_Leads"],
            _ => ["Crm_Implied_Edit_Contacts", "Crm_Implied_Tags_Contacts"],
        };
        let bin = "/crm/v8/settings/recycle_bin";
        let restore = |path: String, items| {
            let new = Case::new(Method::POST, path, Some(items));
            let new = new.needs(["Crm_Implied_Restore_Records"]).shows(came);
            Case { key: "recycle_bin", is_single: false, ..new }
        };
        Some(match kind {
            15 => restore(format!("{bin}/actions/restore"), 3)
                .sends(json!({"ids": texts(&self.binned)})),
            16 => restore(format!("{bin}/{back}/actions/restore"), 1),
            17 => Case::new(Method::POST, format!("/crm/v8/Leads/{one}/actions/add_tags"), Some(1))
                .sends(json!({"tags": [{"name": "B"}]}))
                .needs(tags("Leads"))
                .shows(tagged(one)),
            18 => {
                let list = joined(&self.leads);
                let path = format!("/crm/v2/Leads/actions/add_tags?ids={list}&tag_names=B");
                Case::new(Method::POST, path, Some(3)).needs(tags("Leads")).shows(tagged(one))
            }
            19 => {
                let list = joined(&self.contacts);
                let path = format!("/bigin/v2/Contacts/actions/add_tags?ids={list}&tag_names=B");
                Case::new(Method::POST, path, Some(3)).needs(tags("")).shows(tagged(first))
            }
            20 => {
                let new = apart[0];
                Case::new(Method::PUT, format!("/crm/v8/Products/{product}/Leads/{new}"), Some(1))
                    .sends(json!({"data": [{}]}))
                    .needs(["Crm_Implied_Edit_Products"])
                    .shows(move |seen| seen.linked(product, "Leads").contains(&new))
            }
            21 => Case {
                key: "tags",
                ..Case::new(
                    Method::POST,
                    "/bigin/v2/settings/tags?module=Contacts".to_owned(),
                    Some(2),
                )
                .sends(json!({"tags": [{"name": "B"}, {"name": "C"}]}))
                .needs(["Crm_Implied_Edit_Tags"])
                .shows(|seen| seen.tags["Contacts"].len() > 1)
            },
            _ => return None,
        })
    }

    /// Writes to records and their tags in CRM.
    fn of_records(&self, kind: usize) -> Option<Case> {
        let (one, list) = (self.leads[0], joined(&self.leads));
        let edit = ["Crm_Implied_Edit_Leads", "Crm_Implied_Tags_Leads"];
        let deleted = move |seen: &Snapshot| !seen.is_live(one);
        let untagged = move |seen: &Snapshot| seen.tags_of(one).is_empty();
        let tags = |name: &str| json!({"tags": [{"name": name}], "ids": texts(&self.leads)});
        let (many, remove) = ("/crm/v8/Leads/actions", format!("/crm/v8/Leads/{one}/actions"));
        Some(match kind {
            0 => Case::new(Method::DELETE, format!("/crm/v8/Leads?ids={list}"), Some(3))
                .needs(["Crm_Implied_Delete_Leads"])
                .shows(deleted),
            1 => Case::new(Method::DELETE, format!("/crm/v8/Leads/{one}"), Some(1))
                .needs(["Crm_Implied_Delete_Leads"])
                .shows(deleted),
            2 => Case::new(Method::POST, format!("{many}/remove_tags"), Some(3))
                .sends(tags("A"))
                .needs(edit)
                .shows(untagged),
            3 => Case::new(Method::POST, format!("{remove}/remove_tags"), Some(1))
                .sends(tags("A"))
                .needs(edit)
                .shows(untagged),
            4 => {
                let path = format!("/crm/v2/Leads/actions/remove_tags?ids={list}&tag_names=A");
                Case::new(Method::POST, path, Some(3)).needs(edit).shows(untagged)
            }
            5 => Case::new(Method::POST, format!("{many}/add_tags"), Some(3))
                .sends(tags("B"))
                .needs(edit)
                .shows(move |seen| seen.tags_of(one).contains(&"B")),
            _ => return None,
        })
    }

    /// Writes to links.
    fn of_links(&self, kind: usize, apart: &[u64]) -> Option<Case> {
        let (product, one, list) = (self.product, self.leads[0], joined(&self.leads));
        let unlinked = move |seen: &Snapshot| !seen.linked(product, "Leads").contains(&one);
        let path = format!("/crm/v8/Products/{product}/Leads");
        let case = match kind {
            6 => Case::new(Method::DELETE, format!("{path}?ids={list}"), Some(3)).shows(unlinked),
            7 => Case::new(Method::DELETE, format!("{path}/{one}"), Some(1)).shows(unlinked),
            8 => {
                let rows: Vec<Value> =
                    apart.iter().map(|id| json!({"id": id.to_string()})).collect();
                let new = apart[0];
                Case::new(Method::PUT, path, Some(rows.len()))
                    .sends(json!({"data": rows}))
                    .shows(move |seen| seen.linked(product, "Leads").contains(&new))
            }
            9 => {
                let (first, list) = (self.contacts[0], joined(&self.contacts));
                let path = format!("/bigin/v1/Products/{product}/Contacts?ids={list}");
                Case::new(Method::DELETE, path, Some(3))
                    .shows(move |seen| !seen.linked(product, "Contacts").contains(&first))
            }
            _ => return None,
        };
        Some(case.needs(["Crm_Implied_Edit_Products"]))
    }

    /// Writes to the definitions of tags, and to tags in Bigin.
    fn of_tags(&self, kind: usize) -> Option<Case> {
        let (first, list, tag) = (self.contacts[0], joined(&self.contacts), self.tag);
        let dropped = |seen: &Snapshot| !seen.tags.contains_key("Leads");
        let case = match kind {
            10 => Case::new(Method::DELETE, format!("/crm/v8/settings/tags/{tag}"), None)
                .shows(dropped),
            11 => Case::new(Method::DELETE, format!("/crm/v7/settings/tags/{tag}"), None)
                .shows(dropped),
            12 => {
                let entry = json!({"module": self.module, "tags": [{"id": tag.to_string()}]});
                Case::new(Method::POST, JOBS.to_owned(), None)
                    .sends(json!({"mass_delete": [entry]}))
                    .shows(|seen| seen.jobs.len() == 1)
            }
            13 => {
                let path = "/crm/v8/settings/tags?module=Leads".to_owned();
                let made = Case::new(Method::POST, path, Some(2))
                    .sends(json!({"tags": [{"name": "B"}, {"name": "C"}]}))
                    .shows(|seen| seen.tags["Leads"].len() > 1);
                Case { key: "tags", ..made }
            }
            14 => {
                let path = format!("/bigin/v2/Contacts/actions/remove_tags?ids={list}&tag_names=A");
                return Some(
                    Case::new(Method::POST, path, Some(3))
                        .needs(["Crm_Implied_Edit_Contacts", "Crm_Implied_Tags_Contacts"])
                        .shows(move |seen| seen.tags_of(first).is_empty()),
                );
            }
            _ => return None,
        };
        Some(case.needs(["Crm_Implied_Edit_Tags"]))
    }
}

const JOBS: &str = "/crm/v8/settings/tags/actions/mass_delete";
const A_JOB: usize = 12;

/// A world and the write of this number.
async fn case(kind: usize) -> (World, Case) {
    let zoho = World::with(|config| {
        config.delay_ms = 1;
        config.drip_ms = 0;
        config.retry_after_s = 0;
    });
    let org = Org::new(&zoho).await;
    let case = org.of_records(kind).or_else(|| org.of_links(kind, &zoho.leads[3..6]));
    let case = case.or_else(|| org.of_tags(kind));
    let case = case.or_else(|| org.of_undoing(kind, &zoho.leads[3..6])).unwrap();
    assert!(!(case.done)(&zoho.simulator.snapshot()), "{}", case.path);
    (zoho, case)
}

/// The call under a fault, and whether it was done by then.
async fn struck(kind: usize, fault: Fault) -> (World, Case, Result<Seen, reqwest::Error>, bool) {
    let (zoho, case) = case(kind).await;
    zoho.simulator.plan_faults(vec![fault]);
    let seen = case.call(&zoho).await;
    let last = zoho.simulator.requests().pop().unwrap();
    assert_eq!(last.fault, Some(fault), "{} {fault}", case.path);
    let done = (case.done)(&zoho.simulator.snapshot());
    (zoho, case, seen, done)
}

#[tokio::test]
async fn without_a_fault_each_call_is_done_and_answered_in_full() {
    for kind in 0..KINDS {
        let (zoho, case) = case(kind).await;
        let seen = case.call(&zoho).await.unwrap();
        assert!([200, 201, 202].contains(&seen.status), "{}: {}", case.path, seen.text);
        assert!((case.done)(&zoho.simulator.snapshot()), "{}", case.path);
        if let Some(count) = case.items {
            assert_eq!(seen.json()[case.key].as_array().unwrap().len(), count);
        }
        let last = zoho.simulator.requests().pop().unwrap();
        assert!(last.is_write && (last.applied > 0 || kind == A_JOB), "{}", case.path);
    }
}

#[tokio::test]
async fn faults_before_the_effect_leave_everything_as_it_was() {
    for kind in 0..KINDS {
        for (fault, status) in [
            (Fault::Throttle, 429),
            (Fault::ThrottleRetryAfter, 429),
            (Fault::ThrottleRetryAfterDate, 429),
            (Fault::Html, 502),
            (Fault::InternalError, 500),
            (Fault::ExpiredToken, 401),
            (Fault::Redirect, 307),
            (Fault::Scope, 401),
            (Fault::NoPermission, 403),
        ] {
            let (zoho, case, seen, done) = struck(kind, fault).await;
            let seen = seen.unwrap();
            assert_eq!((seen.status, done), (status, false), "{} {fault}", case.path);
            if fault == Fault::NoPermission {
                let wanted = json!({"permissions": case.permissions});
                assert_eq!(seen.json()["details"], wanted, "{}", case.path);
            }
            if fault == Fault::InternalError {
                assert_eq!(seen.json()["data"].is_array(), case.is_single, "{}", case.path);
            }
            let again = case.call(&zoho).await.unwrap();
            assert!([200, 201, 202].contains(&again.status), "{} {fault}", case.path);
        }
        let (_, case, seen, done) = struck(kind, Fault::LoseRequest).await;
        assert!(seen.is_err() && !done, "{}", case.path);
    }
}

#[tokio::test]
async fn faults_after_the_effect_leave_it_done() {
    for kind in 0..KINDS {
        for (fault, status) in [
            (Fault::Delay, None),
            (Fault::HtmlApplied, Some(502)),
            (Fault::InternalErrorApplied, Some(500)),
            (Fault::SlowDrip, None),
            (Fault::Anonymous, None),
        ] {
            let (_, case, seen, done) = struck(kind, fault).await;
            let seen = seen.unwrap();
            let good = status.map_or([200, 201, 202].contains(&seen.status), |s| s == seen.status);
            assert!(good && done, "{} {fault}: {}", case.path, seen.status);
            if fault == Fault::Anonymous {
                assert!(seen.text.contains(r#""details":{}"#), "{}: {}", case.path, seen.text);
            }
        }
        for fault in [Fault::LoseAnswer, Fault::CutBody] {
            let (_, case, seen, done) = struck(kind, fault).await;
            assert!(seen.is_err() && done, "{} {fault}", case.path);
        }
        let (zoho, case, seen, done) = struck(kind, Fault::Late).await;
        assert!(seen.is_err() && !done, "{}", case.path);
        zoho.wait(5000);
        assert!((case.done)(&zoho.simulator.snapshot()), "{}", case.path);
    }
}

#[tokio::test]
async fn items_are_left_out_added_doubled_and_reordered_everywhere() {
    for kind in 0..KINDS {
        for (fault, more) in [
            (Fault::MissingId, -1),
            (Fault::UnknownId, 1),
            (Fault::DoubleId, 1),
            (Fault::Shuffle, 0),
        ] {
            let (zoho, case) = case(kind).await;
            zoho.simulator.plan_faults(vec![fault]);
            let seen = case.call(&zoho).await.unwrap();
            assert!((case.done)(&zoho.simulator.snapshot()), "{} {fault}", case.path);
            let struck = zoho.simulator.requests().pop().unwrap().fault;
            assert_eq!(struck.is_some(), case.items.is_some(), "{} {fault}", case.path);
            if let Some(count) = case.items {
                let items = seen.json()[case.key].as_array().unwrap().clone();
                let wanted = count.checked_add_signed(more).unwrap();
                assert_eq!(items.len(), wanted, "{} {fault}", case.path);
                let shape = |item: &Value| (item["message"].clone(), item["code"].clone());
                assert!(items.windows(2).all(|two| shape(&two[0]) == shape(&two[1])));
            }
        }
    }
}

#[tokio::test]
async fn one_item_is_refused_and_only_it_is_not_done() {
    for kind in 0..KINDS {
        let (zoho, case) = case(kind).await;
        let Some(count) = case.items else {
            continue;
        };
        zoho.simulator.plan_faults(vec![Fault::Refuse]);
        let seen = case.call(&zoho).await.unwrap();
        let items = seen.json()[case.key].as_array().unwrap().clone();
        let refused = items.iter().filter(|item| item["code"] == "RECORD_LOCKED").count();
        assert_eq!((items.len(), refused), (count, 1), "{}", case.path);
        assert_eq!(seen.status, if count == 1 { 400 } else { 207 }, "{}", case.path);
        assert_eq!(zoho.simulator.requests().pop().unwrap().applied, count - 1, "{}", case.path);
        if case.path.contains("/crm/") && case.path.contains("_tags") {
            assert_eq!(seen.json()["locked_count"], "1", "{}", case.path);
        }
    }
}

#[tokio::test]
async fn a_scope_that_lacks_is_told_to_a_jobs_caller_with_its_call() {
    let (_, case, seen, _) = struck(A_JOB, Fault::Scope).await;
    let details = json!({"method": "POST", "url": case.path});
    assert_eq!(seen.unwrap().json(), flat("OAUTH_SCOPE_MISMATCH", "Unauthorized", details));
}

#[tokio::test]
async fn every_kind_of_write_wants_a_token_and_costs_credits() {
    for kind in 0..KINDS {
        let (zoho, case) = case(kind).await;
        let before = zoho.simulator.snapshot().credits_used;
        let body = case.body.to_string();
        let seen = zoho.call_as(case.method.clone(), &case.path, &[], &body).await.unwrap();
        assert_eq!(seen.json()["code"], "AUTHENTICATION_FAILURE");
        case.call(&zoho).await.unwrap();
        assert_eq!(zoho.simulator.snapshot().credits_used, before + 1, "{}", case.path);
    }
}

#[tokio::test]
async fn reads_of_every_kind_fail_in_their_own_ways() {
    let zoho = World::new();
    let lead = zoho.leads[0];
    let tag = zoho.simulator.tag("Leads", &["A"], &[lead])[0];
    for path in [
        format!("/crm/v8/Leads?ids={lead}&fields=id,Tag"),
        "/crm/v8/settings/tags?module=Leads".to_owned(),
        format!("/crm/v8/settings/tags/{tag}/actions/records_count?module=Leads"),
        "/crm/v8/settings/related_lists?module=Leads".to_owned(),
        format!("/crm/v8/Leads/{lead}/Campaigns?fields=id"),
        "/bigin/v2/Contacts/deleted".to_owned(),
    ] {
        for (fault, status) in [
            (Fault::ReadForbidden, 403),
            (Fault::ReadInternalError, 500),
            (Fault::ReadThrottle, 429),
            (Fault::ReadExpiredToken, 401),
            (Fault::ReadScope, 401),
        ] {
            zoho.simulator.plan_faults(vec![fault]);
            assert_eq!(zoho.get(&path).await.status, status, "{path}");
        }
        zoho.simulator.plan_faults(vec![Fault::ReadLost, Fault::JobStuck]);
        assert!(zoho.try_call(Method::GET, &path).await.is_err(), "{path}");
        assert!([200, 204].contains(&zoho.get(&path).await.status), "{path}");
    }
}
