//! Scopes: what a token may do, through every kind of call.

use serde_json::json;

use super::*;

fn with_scopes(scopes: &[&str]) -> World {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    World::with(|config| config.scopes = Some(scopes))
}

#[tokio::test]
async fn without_the_scope_nothing_is_done_looked_at_or_charged() {
    let zoho = with_scopes(&["ZohoCRM.modules.contacts.ALL", "ZohoCRM.org.READ"]);
    zoho.simulator.lock(zoho.leads[1]);
    zoho.simulator.plan_faults(vec![Fault::Html]);
    let refused = flat("OAUTH_SCOPE_MISMATCH", "Unauthorized", json!({}));
    for path in [
        leads_url(&zoho.leads[..2]),
        // What would be wrong with these otherwise is not said.
        "/crm/v8/Leads".to_owned(),
        "/crm/v8/Nonsense?ids=1".to_owned(),
    ] {
        assert_eq!(zoho.delete(&path).await.both(), (401, refused.clone()), "{path}");
    }
    assert_eq!(zoho.get("/crm/v8/users?type=x").await.both(), (401, refused));
    let snapshot = zoho.simulator.snapshot();
    assert_eq!((snapshot.credits_used, snapshot.writes), (0, 3));
    assert_eq!(zoho.live_leads(), zoho.leads);
    assert!(zoho.simulator.requests().iter().all(|seen| seen.fault.is_none()));
    assert_eq!(zoho.get("/crm/v8/org").await.status, 200);
    // The token is looked at first, and whether there is such a call.
    let path = leads_url(&zoho.leads[..1]);
    let seen = zoho.call_as(Method::DELETE, &path, &[], "").await.unwrap();
    assert_eq!(seen.json()["code"], "AUTHENTICATION_FAILURE");
    assert_eq!(zoho.get("/crm/v9/org").await.json()["code"], "INVALID_URL_PATTERN");
}

#[tokio::test]
async fn a_job_s_caller_is_told_what_it_called() {
    let zoho = with_scopes(&["ZohoCRM.settings.tags.READ"]);
    let path = "/crm/v8/settings/tags/actions/mass_delete";
    let details = json!({"method": "POST", "url": path});
    let refused = flat("OAUTH_SCOPE_MISMATCH", "Unauthorized", details);
    assert_eq!(zoho.post(path, &json!({})).await.both(), (401, refused));
    let status = zoho.get(&format!("{path}?job_id=1")).await;
    assert_eq!(status.json()["mass_delete"][0]["code"], "INVALID_DATA");
}

#[tokio::test]
async fn custom_modules_are_called_custom() {
    let zoho = with_scopes(&["ZohoCRM.modules.custom.READ"]);
    zoho.simulator.add_records("Machines", 1);
    for (module, status) in [("Machines", 200), ("Logs__c", 204), ("Leads", 401), ("Tasks", 401)] {
        assert_eq!(zoho.get(&format!("/crm/v2/{module}")).await.status, status, "{module}");
    }
}

#[tokio::test]
async fn tokens_have_the_scopes_of_the_code_that_began_them() {
    let zoho = with_scopes(&["ZohoCRM.org.READ", "ZohoCRM.users.READ"]);
    let first = zoho.refresh().await;
    assert_eq!(first.word("scope"), "ZohoCRM.org.READ ZohoCRM.users.READ");
    let code = zoho.simulator.new_grant_code(Some(&["ZohoCRM.modules.ALL"]));
    let second = zoho.exchange(&code).await;
    assert_eq!(second.word("scope"), "ZohoCRM.modules.ALL");
    for (token, org, records) in [
        (zoho.simulator.access_token(), 200, 401),
        (first.word("access_token"), 200, 401),
        (second.word("access_token"), 401, 200),
    ] {
        for (path, status) in [("/crm/v8/org", org), ("/crm/v2/Leads", records)] {
            let seen = zoho.call_with(&token, Method::GET, path, "").await;
            assert_eq!(seen.status, status, "{path}");
        }
    }
    let refresh = second.word("refresh_token");
    let fields = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(zoho.try_token(&fields).await.unwrap().word("scope"), "ZohoCRM.modules.ALL");
}

#[tokio::test]
async fn who_may_do_everything_is_told_so_unless_scopes_are_not_told() {
    let zoho = World::new();
    let scopes = zoho.refresh().await.word("scope");
    assert!(scopes.split(' ').any(|scope| scope == "ZohoBigin.modules.ALL"), "{scopes}");
    let zoho = World::with(|config| config.scope_in_answer = false);
    assert!(zoho.refresh().await.json().get("scope").is_none());
}

#[tokio::test]
async fn a_scope_that_is_none_is_refused_at_the_start() {
    let scopes = Some(vec!["ZohoCRM.modules.ALL,ZohoCRM.org.READ".to_owned()]);
    let error = Simulator::start(Config { scopes, ..Config::default() }).unwrap_err();
    assert!(error.to_string().contains("write ZohoCRM.modules.ALL"), "{error}");
}
