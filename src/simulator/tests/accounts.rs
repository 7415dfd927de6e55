//! The accounts server: how it misbehaves, what it says when, and who called it.

use serde_json::json;

use super::*;

/// What a client sees of a refresh under a fault, and how many tokens were given out meanwhile.
async fn struck(zoho: &World, fault: AccountsFault) -> Result<Seen, reqwest::Error> {
    zoho.simulator.plan_accounts_faults(vec![fault]);
    let seen = zoho.try_refresh().await;
    let last = zoho.simulator.account_calls().pop().unwrap();
    assert_eq!(last.fault, Some(fault));
    assert_eq!(last.status, seen.as_ref().ok().map(|seen| seen.status), "{fault}");
    seen
}

/// How many more refreshes are answered with a token before the limit is reached.
async fn left(zoho: &World) -> usize {
    let mut count = 0;
    while zoho.refresh().await.json()["access_token"].is_string() {
        count += 1;
    }
    count
}

#[tokio::test]
async fn an_outage_is_answered_in_many_ways_and_gives_no_token() {
    for (fault, status, begin) in [
        (AccountsFault::Throttle, 200, r#"{"error":"Access Denied""#),
        (AccountsFault::InternalError, 500, r#"{"error":"general_error"}"#),
        (AccountsFault::Html, 502, "<html>"),
        (AccountsFault::Portal, 200, "<html>"),
        (AccountsFault::Redirect, 307, "{}"),
    ] {
        let zoho = World::new();
        let seen = struck(&zoho, fault).await.unwrap();
        assert_eq!(seen.status, status, "{fault}");
        assert!(seen.text.starts_with(begin), "{fault}: {}", seen.text);
        assert_eq!(seen.header("location").is_some(), fault == AccountsFault::Redirect);
        assert_eq!(left(&zoho).await, 10, "{fault}");
    }
    let zoho = World::new();
    let error = struck(&zoho, AccountsFault::LoseRequest).await.unwrap_err();
    assert!(error.is_request() && !error.is_connect());
    assert_eq!(left(&zoho).await, 10);
}

#[tokio::test]
async fn a_token_whose_answer_is_lost_or_cut_was_given_all_the_same() {
    for fault in [AccountsFault::LoseAnswer, AccountsFault::CutBody] {
        let zoho = World::new();
        zoho.simulator.plan_accounts_faults(vec![fault]);
        assert!(zoho.try_refresh().await.is_err(), "{fault}");
        assert_eq!(left(&zoho).await, 9, "{fault}");
        // A code whose answer is lost is used up.
        zoho.simulator.plan_accounts_faults(vec![fault]);
        let code = zoho.simulator.new_grant_code(None);
        let fields = format!("grant_type=authorization_code&code={code}");
        assert!(zoho.try_token(&fields).await.is_err(), "{fault}");
        assert_eq!(zoho.exchange(&code).await.word("error"), "invalid_code");
    }
}

#[tokio::test]
async fn a_body_is_huge_or_slow_or_both() {
    let zoho = World::with(|config| config.drip_ms = 0);
    let huge = struck(&zoho, AccountsFault::HugeBody).await.unwrap();
    assert!(huge.text.len() > 10 << 20 && huge.json()["access_token"].is_string());
    let dripped = struck(&zoho, AccountsFault::SlowDrip).await.unwrap();
    assert!(dripped.json()["access_token"].is_string());
    zoho.simulator.plan_accounts_faults(vec![AccountsFault::GzipBomb]);
    let url = format!("{}/oauth/v2/token", zoho.simulator.accounts_url());
    let mut response = zoho.client.post(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut taken = 0;
    while taken < 20 << 20 {
        taken += response.chunk().await.unwrap().unwrap().len();
    }
}

#[tokio::test]
async fn a_token_call_that_is_never_answered_ends_with_the_simulator() {
    let zoho = World::new();
    zoho.simulator.plan_accounts_faults(vec![AccountsFault::NeverAnswers]);
    let url = format!("{}/oauth/v2/token", zoho.simulator.accounts_url());
    let call = tokio::spawn(zoho.client.post(url).send());
    zoho.until(|simulator| simulator.account_calls().len() == 1).await;
    assert!(!call.is_finished());
    drop(zoho);
    assert!(call.await.unwrap().unwrap_err().is_request());
}

#[tokio::test]
async fn a_standing_fault_strikes_until_it_is_cleared_and_api_calls_are_spared() {
    let zoho = World::with(|config| config.accounts_fault = Some(AccountsFault::Html));
    assert_eq!((zoho.refresh().await.status, zoho.refresh().await.status), (502, 502));
    let both = json!({"fault": "internal-error", "next": ["portal", "throttle"]});
    assert_eq!(zoho.control("accounts", &both).await.status, 200);
    for status in [200, 200, 500, 500] {
        let seen = zoho.refresh().await;
        assert_eq!(seen.status, status);
        assert!(!seen.text.contains("access_token"));
    }
    assert_eq!(zoho.get("/crm/v8/org").await.status, 200);
    zoho.control("accounts", &json!({"clear": true})).await;
    assert!(zoho.refresh().await.json()["access_token"].is_string());
    zoho.simulator.set_accounts_fault(Some(AccountsFault::Html));
    assert_eq!(zoho.refresh().await.status, 502);
    zoho.simulator.clear_accounts();
    assert_eq!(zoho.refresh().await.status, 200);
    for bad in [json!({"fault": "outage"}), json!({"next": ["x"]}), json!({"times": 1})] {
        assert_eq!(zoho.control("accounts", &bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn calls_are_listed_with_their_times_and_without_secrets() {
    let zoho = World::new();
    zoho.refresh().await;
    zoho.wait(5000);
    zoho.simulator.plan_accounts_faults(vec![AccountsFault::LoseAnswer]);
    drop(zoho.try_refresh().await);
    zoho.exchange("wrong").await;
    let path = format!("/oauth/v2/token/revoke?token={}", zoho.simulator.refresh_token());
    zoho.call_as(Method::POST, &path, &[], "").await.unwrap();
    let seen = zoho.call_as(Method::GET, "/_simulator/accounts", &[], "").await.unwrap();
    let told = |number: u64, at_ms: i64, path: &str, grant_type: &str| {
        json!({"number": number, "at_ms": at_ms, "method": "POST", "path": path,
               "grant_type": grant_type, "status": 200, "error": null, "fault": null})
    };
    let mut calls = [
        told(1, START, "token", "refresh_token"),
        told(2, START + 5000, "token", "refresh_token"),
        told(3, START + 5000, "token", "authorization_code"),
        told(4, START + 5000, "token/revoke", ""),
    ];
    calls[1]["status"] = Value::Null;
    calls[1]["fault"] = json!("lose-answer");
    calls[2]["error"] = json!("invalid_code");
    let wanted = json!({"calls": calls, "fault": null, "next": [], "answer": {}});
    assert_eq!(seen.both(), (200, wanted));
    assert!(!seen.text.contains("1000."));
    assert_eq!(zoho.simulator.token_calls(), 3);
    assert_eq!(zoho.simulator.account_calls().len(), 4);
}

#[tokio::test]
async fn a_fresh_code_is_good_once_and_for_as_long_as_it_is_said() {
    let zoho = World::new();
    let short = zoho.control("grant-code", &json!({"seconds": 180})).await.word("grant_code");
    let narrow = json!({"scopes": ["ZohoCRM.org.READ"], "seconds": 181});
    let narrow = zoho.control("grant-code", &narrow).await.word("grant_code");
    let empty = zoho.call_as(Method::POST, "/_simulator/grant-code", &[], "").await.unwrap();
    let codes = [short, narrow, empty.word("grant_code"), zoho.simulator.grant_code()];
    zoho.wait(180_000);
    let mut refresh_tokens = std::collections::BTreeSet::new();
    for (n, code) in codes.iter().enumerate() {
        let seen = zoho.exchange(code).await;
        if n == 0 {
            assert_eq!(seen.both(), (200, json!({"error": "invalid_code"})));
        } else {
            refresh_tokens.insert(seen.word("refresh_token"));
        }
        assert_eq!(zoho.exchange(code).await.word("error"), "invalid_code");
    }
    assert_eq!(refresh_tokens.len(), 3);
    let bad = json!({"scopes": ["all of them"]});
    assert_eq!(zoho.control("grant-code", &bad).await.status, 400);
}

#[tokio::test]
async fn all_access_tokens_can_be_ended_at_once_and_told_by_any_of_three_codes() {
    for (code, told) in [
        (BadTokenCode::InvalidToken, "INVALID_TOKEN"),
        (BadTokenCode::InvalidOauthToken, "INVALID_OAUTHTOKEN"),
        (BadTokenCode::AuthenticationFailure, "AUTHENTICATION_FAILURE"),
    ] {
        let zoho = World::with(|config| config.bad_token_code = code);
        let old = zoho.refresh().await.word("access_token");
        let org = "/crm/v8/org";
        assert_eq!(zoho.call_with(&old, Method::GET, org, "").await.status, 200);
        let ended = zoho.control("expire-tokens", &json!({})).await;
        assert_eq!(ended.both(), (200, json!({"changed": 2})));
        for token in [&old, &zoho.simulator.access_token(), "1000.x.y"] {
            let seen = zoho.call_with(token, Method::GET, org, "").await;
            assert_eq!((seen.status, seen.word("code").as_str()), (401, told));
        }
        let new = zoho.refresh().await.word("access_token");
        assert_eq!(zoho.call_with(&new, Method::GET, org, "").await.status, 200);
        assert_eq!(zoho.simulator.expire_tokens(), 1);
        zoho.simulator.plan_faults(vec![Fault::ReadExpiredToken]);
        let new = zoho.refresh().await.word("access_token");
        let seen = zoho.call_with(&new, Method::GET, org, "").await;
        assert_eq!((seen.status, seen.word("code").as_str()), (401, told));
    }
}

#[tokio::test]
async fn a_token_lives_as_long_as_is_told_in_either_form() {
    let zoho = World::with(|config| config.token_seconds = 5);
    let answer = zoho.refresh().await;
    assert_eq!(answer.json()["expires_in"], 5);
    let token = answer.word("access_token");
    for (wait, status) in [(4999, 200), (1, 401)] {
        zoho.wait(wait);
        let seen = zoho.call_with(&token, Method::GET, "/crm/v8/org", "").await;
        assert_eq!(seen.status, status);
    }
    let zoho = World::with(|config| config.legacy_expiry = true);
    let answer = zoho.refresh().await.json();
    assert_eq!(
        (&answer["expires_in_sec"], &answer["expires_in"]),
        (&json!(3600), &json!(3_600_000))
    );
}

#[tokio::test]
async fn too_many_token_calls_are_denied_with_200_or_400() {
    for status in [200, 400] {
        let zoho = World::with(|config| config.token_throttle_status = status);
        for _ in 0..10 {
            assert_eq!(zoho.refresh().await.status, 200);
        }
        let denied = zoho.refresh().await;
        assert_eq!((denied.status, denied.word("error").as_str()), (status, "Access Denied"));
        let other = zoho.exchange("wrong").await;
        assert_eq!((other.status, other.word("error").as_str()), (200, "invalid_code"));
        let calls = zoho.simulator.account_calls();
        assert_eq!(calls[10].error.as_deref(), Some("Access Denied"));
    }
    let config = Config { token_throttle_status: 429, ..Config::default() };
    assert!(Simulator::start(config).is_err());
}

#[tokio::test]
async fn a_token_answer_may_say_anything() {
    let zoho = World::with(|config| config.api_domain = Some("https://www.zohoapis.eu".to_owned()));
    assert_eq!(zoho.refresh().await.word("api_domain"), "https://www.zohoapis.eu");
    let answer = json!({"api_domain": "http://evil.example", "expires_in": -1, "scope": null});
    zoho.control("accounts", &json!({"answer": answer})).await;
    zoho.simulator.set_token_answer("access_token", json!("a\r\nb"));
    let seen = zoho.refresh().await.json();
    assert_eq!(seen["api_domain"], "http://evil.example");
    assert_eq!((&seen["expires_in"], &seen["access_token"]), (&json!(-1), &json!("a\r\nb")));
    assert!(seen.get("scope").is_none());
    zoho.simulator.clear_accounts();
    let seen = zoho.refresh().await.json();
    assert_eq!((&seen["expires_in"], seen["scope"].is_string()), (&json!(3600), true));
}
