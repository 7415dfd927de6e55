//! Editions, throttling and clocks.

use serde_json::json;

use super::*;

#[tokio::test]
async fn limits_follow_from_edition_and_users_unless_they_are_given() {
    for (edition, users, at_once, credits, paid_type, paid) in [
        (Edition::Enterprise, 2, 20, 52_000, "enterprise", true),
        (Edition::Free, 3, 5, 5000, "free", false),
        (Edition::Standard, 10, 10, 52_500, "standard", true),
        (Edition::Ultimate, 100, 25, 250_000, "ultimate", true),
        (Edition::BiginPremier, 1000, 10, 100_000, "premier", true),
    ] {
        let zoho = World::with(|config| {
            config.edition = edition;
            config.users = users;
        });
        let state = zoho.client.get(zoho.simulator.state_url()).send().await.unwrap();
        let state: Value = serde_json::from_str(&state.text().await.unwrap()).unwrap();
        assert_eq!(state["edition"], edition.name());
        assert_eq!(state["users"], users);
        assert_eq!(state["concurrency_limit"], at_once);
        assert_eq!(state["daily_credits"], credits);
        for path in ["/crm/v8/org", "/bigin/v2/org"] {
            let org = zoho.get(path).await.json()["org"][0]["license_details"].clone();
            let wanted = json!({"paid_type": paid_type, "paid": paid,
                                "users_license_purchased": users});
            assert_eq!(org, wanted, "{edition}");
        }
    }
    let zoho = World::with(|config| {
        config.edition = Edition::Free;
        config.daily_credits = Some(1);
    });
    assert_eq!(zoho.get("/crm/v8/org").await.header("x-api-credits-remaining"), Some("0"));
    assert_eq!(zoho.get("/crm/v8/org").await.status, 429);
    assert!(Simulator::start(Config { users: 0, ..Config::default() }).is_err());
}

#[tokio::test]
async fn calls_at_once_and_those_refused_are_counted() {
    let zoho = World::with(|config| {
        config.concurrency_limit = Some(3);
        config.delay_ms = 3_600_000;
    });
    assert_eq!(zoho.get("/crm/v8/org").await.status, 200);
    let snapshot = zoho.simulator.snapshot();
    assert_eq!((snapshot.most_at_once, snapshot.throttled), (1, 0));
    zoho.simulator.plan_faults(vec![Fault::Delay, Fault::Delay]);
    let calls = [zoho.spawn_delete(&zoho.leads[..1]), zoho.spawn_delete(&zoho.leads[1..2])];
    zoho.until(|simulator| simulator.snapshot().modules["Leads"].live.len() == 8).await;
    assert_eq!(zoho.get("/crm/v8/org").await.status, 200);
    assert_eq!(zoho.simulator.snapshot().most_at_once, 3);
    zoho.simulator.plan_faults(vec![Fault::Delay]);
    let third = zoho.spawn_delete(&zoho.leads[2..3]);
    zoho.until(|simulator| simulator.snapshot().modules["Leads"].live.len() == 7).await;
    for _ in 0..2 {
        assert_eq!(zoho.get("/crm/v8/org").await.status, 429);
    }
    let snapshot = zoho.simulator.snapshot();
    assert_eq!((snapshot.most_at_once, snapshot.throttled), (3, 2));
    for call in calls.into_iter().chain([third]) {
        call.abort();
    }
}

#[tokio::test]
async fn both_kinds_of_429_have_either_body() {
    let busy = "too many requests: the concurrency limit has been reached";
    let spent = "Many requests fired than the allowed limit for the past 24 hours.";
    let flat = |message: &str| flat("TOO_MANY_REQUESTS", message, json!({}));
    let older = |message: &str| json!({"code": 429, "error": "TOO_MANY_REQUESTS", "error_info": message, "details": []});
    for (body, wanted) in [
        (ThrottleBody::ByCause, [flat(busy), older(spent)]),
        (ThrottleBody::Flat, [flat(busy), flat(spent)]),
        (ThrottleBody::Older, [older(busy), older(spent)]),
    ] {
        let zoho = World::with(|config| {
            config.throttle_body = body;
            config.daily_credits = Some(1);
        });
        zoho.simulator.plan_faults(vec![Fault::ReadThrottle]);
        for wanted in wanted {
            assert_eq!(zoho.get("/crm/v8/org").await.both(), (429, wanted), "{body:?}");
        }
    }
}

#[tokio::test]
async fn zoho_s_clock_may_be_wrong_and_so_may_the_date_alone() {
    let hour = 3_600_000;
    for (clock_skew_ms, date_skew_ms, date, deleted) in [
        (0, 0, "Sat, 22 Aug 2026 10:00:00 GMT", "2026-08-22T15:30:00+05:30"),
        (hour, 0, "Sat, 22 Aug 2026 11:00:00 GMT", "2026-08-22T16:30:00+05:30"),
        (0, -hour, "Sat, 22 Aug 2026 09:00:00 GMT", "2026-08-22T15:30:00+05:30"),
        (-hour, 2 * hour, "Sat, 22 Aug 2026 11:00:00 GMT", "2026-08-22T14:30:00+05:30"),
    ] {
        let zoho = World::with(|config| {
            config.clock_skew_ms = clock_skew_ms;
            config.date_skew_ms = date_skew_ms;
        });
        let seen = zoho.delete_leads(&zoho.leads[..1]).await.unwrap();
        assert_eq!(seen.header("date"), Some(date));
        let list = zoho.get("/crm/v8/Leads/deleted").await;
        assert_eq!(list.json()["data"][0]["deleted_time"], deleted);
        assert_eq!(zoho.refresh().await.header("date"), Some(date));
        zoho.simulator.plan_faults(vec![Fault::ThrottleRetryAfterDate]);
        let seen = zoho.delete_leads(&zoho.leads[..1]).await.unwrap();
        let later = date.replace(":00 GMT", ":02 GMT");
        assert_eq!(seen.header("retry-after"), Some(later.as_str()));
    }
}
