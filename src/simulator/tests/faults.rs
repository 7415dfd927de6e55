//! Each fault as a client meets it, and what was done meanwhile.

use serde_json::json;

use super::*;

/// Deletes the first three leads while a fault strikes; what the client saw, and whether they went.
async fn struck(zoho: &World, fault: Fault) -> (Result<Seen, reqwest::Error>, bool) {
    zoho.simulator.plan_faults(vec![fault]);
    let ids = &zoho.leads[..3];
    let seen = zoho.delete_leads(ids).await;
    let snapshot = zoho.simulator.snapshot();
    let gone: Vec<usize> = ids.iter().map(|id| snapshot.deletions_by_calls(*id)).collect();
    let last = zoho.simulator.requests().pop().unwrap();
    assert_eq!(last.fault, Some(fault));
    assert_eq!(last.applied, gone.iter().sum::<usize>());
    assert_eq!(last.status, seen.as_ref().ok().map(|seen| seen.status));
    assert!(gone == [0; 3] || gone == [1; 3], "{gone:?}");
    (seen, gone == [1; 3])
}

#[tokio::test]
async fn refused_calls_are_answered_as_zoho_would_and_do_nothing() {
    let flat = |code: &str, message: &str, details: Value| json!({"code": code, "details": details, "message": message, "status": "error"});
    let busy = "too many requests: the concurrency limit has been reached";
    let permission = json!({"permissions": ["Crm_Implied_Delete_Leads"]});
    #[rustfmt::skip]
    let cases = [
        (Fault::Throttle, 429, flat("TOO_MANY_REQUESTS", busy, json!({}))),
        (Fault::ThrottleRetryAfter, 429, flat("TOO_MANY_REQUESTS", busy, json!({}))),
        (Fault::ThrottleRetryAfterDate, 429, flat("TOO_MANY_REQUESTS", busy, json!({}))),
        (Fault::InternalError, 500, flat("INTERNAL_ERROR", "Internal Server Error", json!({}))),
        (Fault::ExpiredToken, 401, flat("INVALID_TOKEN", "invalid oauth token", json!({}))),
        (Fault::Scope, 401, flat("OAUTH_SCOPE_MISMATCH", "Unauthorized", json!({}))),
        (Fault::NoPermission, 403,
            flat("NO_PERMISSION", "Permission denied to delete", permission)),
        (Fault::Redirect, 307, json!({})),
    ];
    for (fault, status, body) in cases {
        let zoho = World::new();
        let (seen, done) = struck(&zoho, fault).await;
        let seen = seen.unwrap();
        assert_eq!(seen.both(), (status, body), "{fault}");
        assert!(!done, "{fault}");
        let wait = [
            (Fault::ThrottleRetryAfter, "2"),
            (Fault::ThrottleRetryAfterDate, "Sat, 22 Aug 2026 10:00:02 GMT"),
        ];
        let wait = wait.into_iter().find(|(of, _)| *of == fault).map(|(_, wait)| wait);
        assert_eq!(seen.header("retry-after"), wait);
        let itself = format!("{}{}", zoho.simulator.api_url(), leads_url(&zoho.leads[..3]));
        let location = (fault == Fault::Redirect).then_some(itself.as_str());
        assert_eq!(seen.header("location"), location);
        assert_eq!(zoho.delete_leads(&zoho.leads[..3]).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_connection_that_closes_tells_nothing_about_what_was_done() {
    for (fault, done) in [(Fault::LoseRequest, false), (Fault::LoseAnswer, true)] {
        let zoho = World::new();
        // The second call goes over a connection that was used before.
        for warm in [false, true] {
            if warm {
                zoho.simulator.restore(zoho.leads[0]);
                zoho.get("/crm/v8/org").await;
            }
            zoho.simulator.plan_faults(vec![fault]);
            let error = zoho.delete_leads(&zoho.leads[..1]).await.unwrap_err();
            assert!(error.is_request() && !error.is_connect(), "{fault}: {error:?}");
            let writes = zoho.simulator.snapshot().writes;
            assert_eq!(writes, 1 + u64::from(warm), "the client sent it once");
        }
        let deletions = zoho.simulator.snapshot().deletions_by_calls(zoho.leads[0]);
        assert_eq!(deletions, if done { 2 } else { 0 }, "{fault}");
    }
}

#[tokio::test]
async fn a_cut_body_has_a_good_status_and_an_early_end() {
    let zoho = World::new();
    zoho.simulator.plan_faults(vec![Fault::CutBody]);
    let url = format!("{}{}", zoho.simulator.api_url(), leads_url(&zoho.leads));
    let token = format!("Zoho-oauthtoken {}", zoho.simulator.access_token());
    let request = zoho.client.delete(url).header("authorization", token);
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let whole = usize::try_from(response.content_length().unwrap()).unwrap();
    let mut body = Vec::new();
    let error = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => panic!("the body seemed whole"),
            Err(error) => break error,
        }
    };
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(body.len(), whole / 2);
    assert!(body.starts_with(br#"{"data":[{"#));
    assert!(zoho.live_leads().is_empty());
}

#[tokio::test]
async fn a_web_page_and_an_internal_error_come_with_and_without_effect() {
    for (fault, status, page, is_done) in [
        (Fault::Html, 502, true, false),
        (Fault::HtmlApplied, 502, true, true),
        (Fault::InternalError, 500, false, false),
        (Fault::InternalErrorApplied, 500, false, true),
    ] {
        let zoho = World::new();
        let (seen, done) = struck(&zoho, fault).await;
        let seen = seen.unwrap();
        assert_eq!((seen.status, done), (status, is_done), "{fault}");
        assert_eq!(seen.text.starts_with("<html>"), page);
        assert_eq!(seen.header("content-type") == Some("text/html"), page);
    }
}

#[tokio::test]
async fn an_internal_error_of_a_single_call_is_wrapped() {
    let zoho = World::new();
    zoho.simulator.plan_faults(vec![Fault::InternalError, Fault::InternalErrorApplied]);
    let path = format!("/crm/v8/Leads/{}", zoho.leads[0]);
    for live in [10, 9] {
        let seen = zoho.delete(&path).await;
        let item = json!({"code": "INTERNAL_ERROR", "details": {},
                          "message": "Internal Server Error", "status": "error"});
        assert_eq!(seen.both(), (500, json!({"data": [item]})));
        assert_eq!(zoho.live_leads().len(), live);
    }
}

#[tokio::test]
async fn items_are_left_out_added_doubled_and_stripped_of_their_ids() {
    for (fault, items, known, different) in [
        (Fault::MissingId, 2, 2, 2),
        (Fault::UnknownId, 4, 3, 4),
        (Fault::DoubleId, 4, 4, 3),
        (Fault::Anonymous, 3, 2, 3),
        (Fault::Shuffle, 3, 3, 3),
    ] {
        let zoho = World::new();
        let (seen, done) = struck(&zoho, fault).await;
        let seen = seen.unwrap();
        assert_eq!((seen.status, done), (200, true), "{fault}");
        let asked: Vec<String> = zoho.leads[..3].iter().map(u64::to_string).collect();
        let body = seen.json();
        let ids: Vec<Option<&str>> = body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["details"]["id"].as_str())
            .collect();
        assert_eq!(ids.len(), items, "{fault}");
        let found = |id: &str| asked.iter().any(|asked| asked == id);
        assert_eq!(ids.iter().flatten().filter(|id| found(id)).count(), known, "{fault}");
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), different, "{fault}");
        let in_order: Vec<Option<&str>> = asked.iter().map(|id| Some(id.as_str())).collect();
        assert_eq!(fault == Fault::Shuffle, ids != in_order && items == 3 && known == 3);
    }
}

#[tokio::test]
async fn a_refused_item_stays_and_the_others_go() {
    let zoho = World::new();
    zoho.simulator.plan_faults(vec![Fault::Refuse]);
    let seen = zoho.delete_leads(&zoho.leads[..3]).await.unwrap();
    assert_eq!(seen.status, 207);
    let body = seen.json();
    let refused: Vec<u64> = body["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["code"] == "RECORD_LOCKED")
        .map(|item| item["details"]["id"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(zoho.live_leads().len(), 8);
    assert!(zoho.live_leads().contains(&refused[0]));
}

#[tokio::test]
async fn a_late_call_takes_effect_after_a_while_and_never_gets_an_answer() {
    let zoho = World::with(|config| config.late_ms = 5000);
    let (seen, done) = struck(&zoho, Fault::Late).await;
    assert!(seen.unwrap_err().is_request());
    assert!(!done);
    zoho.wait(4999);
    assert_eq!(zoho.simulator.snapshot().late, 1);
    assert_eq!(zoho.live_leads(), zoho.leads);
    zoho.wait(1);
    let snapshot = zoho.simulator.snapshot();
    assert_eq!(snapshot.late, 0);
    assert_eq!(snapshot.modules["Leads"].binned, zoho.leads[..3]);
    let effect = snapshot.effects_of(zoho.leads[0])[0];
    assert_eq!((effect.at_ms, effect.request), (START + 5000, Some(1)));
    assert_eq!(zoho.simulator.requests()[0].applied, 3);
    assert_eq!(zoho.simulator.requests()[0].status, None);
}

#[tokio::test]
async fn a_delayed_call_is_done_before_its_answer_comes() {
    let zoho = World::with(|config| config.delay_ms = 3_600_000);
    zoho.simulator.plan_faults(vec![Fault::Delay]);
    let call = zoho.spawn_delete(&zoho.leads[..3]);
    zoho.until(|simulator| simulator.snapshot().modules["Leads"].binned.len() == 3).await;
    assert!(!call.is_finished());
    assert_eq!(zoho.simulator.requests()[0].status, None);

    let zoho = World::with(|config| config.delay_ms = 1);
    let (seen, done) = struck(&zoho, Fault::Delay).await;
    assert_eq!((seen.unwrap().status, done), (200, true));
}

#[tokio::test]
async fn a_call_that_is_never_answered_ends_with_the_simulator() {
    let zoho = World::new();
    zoho.simulator.plan_faults(vec![Fault::NeverAnswers]);
    let call = zoho.spawn_delete(&zoho.leads);
    zoho.until(|simulator| simulator.requests().iter().any(|seen| seen.fault.is_some())).await;
    assert!(!call.is_finished());
    assert_eq!(zoho.live_leads(), zoho.leads);
    drop(zoho);
    assert!(call.await.unwrap().unwrap_err().is_request());
}

#[tokio::test]
async fn reads_fail_in_their_own_ways_and_writes_are_spared() {
    let zoho = World::new();
    zoho.simulator.plan_faults(vec![
        Fault::ReadForbidden,
        Fault::ReadInternalError,
        Fault::ReadLost,
    ]);
    assert_eq!(zoho.delete_leads(&zoho.leads[..1]).await.unwrap().status, 200);
    let forbidden = zoho.get("/crm/v8/org").await;
    assert_eq!(forbidden.status, 403);
    assert_eq!(forbidden.json()["code"], "NO_PERMISSION");
    let failed = zoho.get("/crm/v8/org").await;
    assert_eq!(failed.status, 500);
    assert_eq!(failed.json()["code"], "INTERNAL_ERROR");
    let lost = zoho.try_call(Method::GET, "/crm/v8/org").await;
    assert!(lost.unwrap_err().is_request());
    assert_eq!(zoho.get("/crm/v8/org").await.status, 200);
    for (fault, status, code) in [
        (Fault::ReadThrottle, 429, "TOO_MANY_REQUESTS"),
        (Fault::ReadExpiredToken, 401, "INVALID_TOKEN"),
        (Fault::ReadScope, 401, "OAUTH_SCOPE_MISMATCH"),
    ] {
        zoho.simulator.plan_faults(vec![fault]);
        let seen = zoho.get("/crm/v8/org").await;
        assert_eq!((seen.status, seen.word("code").as_str()), (status, code), "{fault}");
        assert_eq!(zoho.get("/crm/v8/org").await.status, 200, "{fault}");
    }
}

/// Reads so much of an answer's body, unpacked.
async fn first_bytes(mut response: Response, wanted: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < wanted {
        body.extend(response.chunk().await.unwrap().unwrap());
    }
    body
}

#[tokio::test]
async fn an_answer_unfolds_beyond_all_bounds_after_the_call_was_done() {
    let zoho = World::new();
    zoho.simulator.plan_faults(vec![Fault::GzipBomb, Fault::ReadGzipBomb]);
    let response = zoho.spawn_delete(&zoho.leads[..3]).await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    let many = 9 << 20;
    assert!(first_bytes(response, many).await.iter().all(|byte| *byte == b' '));
    assert_eq!(zoho.live_leads(), zoho.leads[3..]);
    let last = zoho.simulator.requests().pop().unwrap();
    assert_eq!((last.status, last.applied, last.fault), (Some(200), 3, Some(Fault::GzipBomb)));
    // Also where the right answer has no body at all.
    let url = format!("{}/crm/v8/Tasks?fields=id", zoho.simulator.api_url());
    let token = format!("Zoho-oauthtoken {}", zoho.simulator.access_token());
    let response = zoho.client.get(url).header("authorization", token).send().await.unwrap();
    assert_eq!(response.status(), 200);
    first_bytes(response, many).await;
}

#[tokio::test]
async fn an_answer_comes_byte_by_byte_after_the_call_was_done() {
    let zoho = World::with(|config| config.drip_ms = 3_600_000);
    zoho.simulator.plan_faults(vec![Fault::SlowDrip, Fault::ReadSlowDrip]);
    // The head comes at once, and then nothing for long.
    let response = zoho.spawn_delete(&zoho.leads[..3]).await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(zoho.live_leads(), zoho.leads[3..]);
    let body = tokio::spawn(response.text());
    // Where there is no body, the head drips.
    let url = format!("{}/crm/v8/Tasks?fields=id", zoho.simulator.api_url());
    let token = format!("Zoho-oauthtoken {}", zoho.simulator.access_token());
    let read = tokio::spawn(zoho.client.get(url).header("authorization", token).send());
    zoho.until(|simulator| simulator.requests().last().unwrap().status == Some(204)).await;
    assert_eq!(zoho.get("/crm/v8/org").await.status, 200);
    assert!(!body.is_finished() && !read.is_finished());
    drop(zoho);
    assert!(body.await.unwrap().is_err() && read.await.unwrap().is_err());

    let zoho = World::with(|config| config.drip_ms = 0);
    let (seen, done) = struck(&zoho, Fault::SlowDrip).await;
    assert_eq!(seen.unwrap().json()["data"][0], success(zoho.leads[0]));
    assert!(done);
    zoho.simulator.plan_faults(vec![Fault::ReadSlowDrip]);
    assert!(zoho.get("/crm/v8/org").await.json()["org"].is_array());
    assert_eq!(zoho.get("/crm/v8/org").await.status, 200);
}

#[tokio::test]
async fn faults_at_a_rate_repeat_with_the_seed_and_end_when_cleared() {
    let mut runs = Vec::new();
    for seed in [3, 3, 4] {
        let zoho = World::with(|config| {
            config.seed = seed;
            config.records = vec![("Leads".to_owned(), 60)];
            config.faults = vec![(Fault::Html, 0.3), (Fault::LoseAnswer, 0.3)];
        });
        for id in &zoho.leads {
            // Lost answers are errors here, and they are what is compared below.
            drop(zoho.delete_leads(&[*id]).await);
        }
        let faults: Vec<Option<Fault>> =
            zoho.simulator.requests().iter().map(|seen| seen.fault).collect();
        for fault in [Some(Fault::Html), Some(Fault::LoseAnswer), None] {
            assert!(faults.contains(&fault));
        }
        zoho.simulator.clear_faults();
        for id in zoho.live_leads() {
            assert_eq!(zoho.delete_leads(&[id]).await.unwrap().status, 200);
        }
        runs.push((zoho.leads.clone(), faults));
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn an_expired_token_at_full_rate_strikes_each_call_once() {
    let zoho = World::new();
    zoho.simulator.set_rate(Fault::ExpiredToken, 1.0);
    for id in &zoho.leads[..2] {
        assert_eq!(zoho.delete_leads(&[*id]).await.unwrap().status, 401);
        assert_eq!(zoho.delete_leads(&[*id]).await.unwrap().status, 200);
    }
}
