//! The token endpoint: grants, refusals, limits, revocation.

use serde_json::json;

use super::*;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn post(zoho: &World, path: &str, header: (&str, &str), body: &str) -> Seen {
    zoho.call_as(Method::POST, path, &[header], body).await.unwrap()
}

fn refresh_form(simulator: &Simulator) -> String {
    format!(
        "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={}",
        simulator.client_id(),
        simulator.client_secret(),
        simulator.refresh_token()
    )
}

#[tokio::test]
async fn a_token_comes_for_an_urlencoded_and_for_a_multipart_form() {
    let zoho = World::new();
    let simulator = &zoho.simulator;
    let mut multipart = String::new();
    for pair in refresh_form(simulator).split('&') {
        let (name, value) = pair.split_once('=').unwrap();
        let head = ["--B\r\nContent-Disposition: form-data; name=\"", name, "\"\r\n\r\n"];
        multipart += &[head.concat().as_str(), value, "\r\n"].concat();
    }
    multipart += "--B--\r\n";
    let parts = ("content-type", "multipart/form-data; boundary=B");
    for (header, body) in [(FORM, refresh_form(simulator)), (parts, multipart)] {
        let answer = post(&zoho, "/oauth/v2/token", header, &body).await;
        assert_eq!(answer.status, 200);
        let answer = answer.json();
        assert_eq!(answer["api_domain"], simulator.api_url());
        assert_eq!(answer["expires_in"], 3600);
        assert!(answer.get("refresh_token").is_none());
        let token = format!("Zoho-oauthtoken {}", answer["access_token"].as_str().unwrap());
        let headers = [("authorization", token.as_str())];
        let org = zoho.call_as(Method::GET, "/crm/v8/org", &headers, "").await;
        assert_eq!(org.unwrap().status, 200);
    }
    assert_eq!(simulator.token_calls(), 2);
    assert_eq!(simulator.snapshot().requests, 2, "token calls are no API calls");
}

#[tokio::test]
async fn a_grant_code_is_good_once_and_gives_the_refresh_token() {
    let zoho = World::new();
    let simulator = &zoho.simulator;
    let form = format!(
        "grant_type=authorization_code&client_id={}&client_secret={}&code={}",
        simulator.client_id(),
        simulator.client_secret(),
        simulator.grant_code()
    );
    let first = post(&zoho, "/oauth/v2/token", FORM, &form).await.json();
    assert_eq!(first["refresh_token"], simulator.refresh_token());
    let second = post(&zoho, "/oauth/v2/token", FORM, &form).await;
    assert_eq!(second.both(), (200, json!({"error": "invalid_code"})));
}

#[tokio::test]
async fn a_refused_token_call_says_why_under_status_200() {
    let zoho = World::new();
    let form = refresh_form(&zoho.simulator);
    for (name, error) in [
        ("grant_type", "unsupported_grant_type"),
        ("client_id", "invalid_client"),
        ("client_secret", "invalid_client_secret"),
        ("refresh_token", "invalid_code"),
    ] {
        let bad = form.replacen(&format!("{name}="), &format!("{name}=x"), 1);
        let seen = post(&zoho, "/oauth/v2/token", FORM, &bad).await;
        assert_eq!(seen.both(), (200, json!({"error": error})));
    }
    let path = format!("/oauth/v2/token/revoke?token={}", zoho.simulator.refresh_token());
    let revoked = post(&zoho, &path, FORM, "").await;
    assert_eq!(revoked.both(), (200, json!({"status": "success"})));
    let seen = post(&zoho, "/oauth/v2/token", FORM, &form).await;
    assert_eq!(seen.json()["error"], "invalid_code");
}

#[tokio::test]
async fn the_eleventh_token_in_ten_minutes_is_denied() {
    let zoho = World::new();
    let form = refresh_form(&zoho.simulator);
    for _ in 0..10 {
        let seen = post(&zoho, "/oauth/v2/token", FORM, &form).await;
        assert!(seen.json()["access_token"].is_string());
    }
    let denied = post(&zoho, "/oauth/v2/token", FORM, &form).await;
    assert_eq!(denied.json()["error"], "Access Denied");
}
