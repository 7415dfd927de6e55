//! Access, limits, controls, the hook, and starting and stopping.

use std::sync::Mutex;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test]
async fn a_call_without_a_good_token_is_refused() {
    let zoho = World::new();
    let path = leads_url(&zoho.leads[..1]);
    let bearer = format!("Bearer {}", zoho.simulator.access_token());
    for (headers, code, message) in [
        (vec![], "AUTHENTICATION_FAILURE", "Authentication failed"),
        (
            vec![("authorization", bearer.as_str())],
            "AUTHENTICATION_FAILURE",
            "Authentication failed",
        ),
        (
            vec![("authorization", "Zoho-oauthtoken 1000.x.y")],
            "INVALID_TOKEN",
            "invalid oauth token",
        ),
    ] {
        let seen = zoho.call_as(Method::DELETE, &path, &headers, "").await.unwrap();
        let wanted = json!({"code": code, "details": {}, "message": message, "status": "error"});
        assert_eq!(seen.both(), (401, wanted));
    }
    assert_eq!(zoho.live_leads(), zoho.leads);
}

#[tokio::test]
async fn used_up_credits_are_told_by_a_number_and_come_back_after_a_day() {
    let zoho = World::with(|config| config.daily_credits = Some(4));
    let left = |seen: &Seen| seen.header("x-api-credits-remaining").map(str::to_owned);
    // The deleted list costs two.
    assert_eq!(left(&zoho.get("/crm/v8/Leads/deleted").await).as_deref(), Some("2"));
    assert_eq!(left(&zoho.get("/crm/v8/org").await).as_deref(), Some("1"));
    assert_eq!(left(&zoho.get("/crm/v8/org").await).as_deref(), Some("0"));
    let seen = zoho.delete_leads(&zoho.leads).await.unwrap();
    assert_eq!(seen.status, 429);
    assert_eq!(seen.json()["code"], 429);
    assert_eq!(zoho.live_leads(), zoho.leads);
    zoho.wait(86_400_000);
    assert_eq!(zoho.delete_leads(&zoho.leads).await.unwrap().status, 200);
}

#[tokio::test]
async fn one_call_too_many_at_once_is_throttled_until_another_ends() {
    let zoho = World::with(|config| {
        config.concurrency_limit = Some(1);
        config.delay_ms = 3_600_000;
    });
    zoho.simulator.plan_faults(vec![Fault::Delay]);
    let first = zoho.spawn_delete(&zoho.leads[..1]);
    zoho.until(|simulator| simulator.snapshot().modules["Leads"].live.len() == 9).await;
    let second = zoho.delete_leads(&zoho.leads[1..2]).await.unwrap();
    assert_eq!(second.status, 429);
    assert_eq!(second.json()["code"], "TOO_MANY_REQUESTS");
    assert_eq!(zoho.live_leads().len(), 9);
    first.abort();
    while zoho.get("/crm/v8/org").await.status == 429 {}
    assert_eq!(zoho.get("/crm/v8/org").await.status, 200);
}

#[tokio::test]
async fn a_client_that_goes_away_amid_the_latency_has_changed_nothing() {
    let zoho = World::with(|config| config.latency_ms = 3_600_000);
    let call = zoho.spawn_delete(&zoho.leads);
    zoho.until(|simulator| simulator.requests().len() == 1).await;
    assert!(!call.is_finished());
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(zoho.live_leads(), zoho.leads);
    assert_eq!(zoho.simulator.requests()[0].status, None);
}

#[tokio::test]
async fn the_hook_sees_each_write_before_its_effect_and_no_read() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let zoho = World::with(|config| {
        config.on_write = Some(Arc::new(move |write: &WriteSeen| {
            sink.lock().unwrap().push(write.clone());
        }));
    });
    zoho.simulator.plan_faults(vec![Fault::LoseRequest]);
    let ids = &zoho.leads[..2];
    drop(zoho.delete_leads(ids).await);
    zoho.get("/crm/v8/org").await;
    let wanted = WriteSeen {
        number: 1,
        method: "DELETE".to_owned(),
        url: leads_url(ids),
        body: String::new(),
        module: "Leads".to_owned(),
        ids: ids.iter().map(u64::to_string).collect(),
    };
    assert_eq!(*seen.lock().unwrap(), [wanted]);
    assert_eq!(zoho.simulator.requests().len(), 2);
}

#[tokio::test]
async fn the_state_is_shown_and_changed_by_control_calls() {
    let zoho = World::new();
    let id = |n: usize| zoho.leads[n].to_string();
    let named = |ids: &[String]| json!({"module": "Leads", "ids": ids});
    for (name, lead) in [("lock", 0), ("unapprove", 1), ("delete-as-other", 2), ("purge", 2)] {
        let seen = zoho.control(name, &named(&[id(lead)])).await;
        assert_eq!(seen.both(), (200, json!({"changed": 1})), "{name}");
    }
    zoho.control("delete-as-other", &named(&[id(3), id(4)])).await;
    zoho.control("restore", &named(&[id(4)])).await;
    let state = zoho.client.get(zoho.simulator.state_url()).send().await.unwrap();
    let state: Value = serde_json::from_str(&state.text().await.unwrap()).unwrap();
    assert_eq!(state["modules"]["Leads"]["binned"], json!([id(3)]));
    assert_eq!(state["modules"]["Leads"]["purged"], json!([id(2)]));
    assert_eq!(state["modules"]["Leads"]["live"].as_array().unwrap().len(), 8);
    assert_eq!((&state["requests"], &state["writes"]), (&json!(0), &json!(0)));
    let locked = zoho.delete_leads(&zoho.leads[..1]).await.unwrap();
    assert_eq!(locked.json()["data"][0]["code"], "RECORD_LOCKED");
    let added = zoho.control("add", &json!({"module": "Tasks", "count": 2})).await;
    assert_eq!(added.json()["ids"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_control_call_that_makes_no_sense_changes_nothing() {
    let zoho = World::new();
    let known = zoho.leads[0].to_string();
    for (name, body) in [
        ("lock", json!({"module": "Leads", "ids": [known, "4150868000005067099"]})),
        ("lock", json!({"module": "Contacts", "ids": [known]})),
        ("lock", json!({"module": "Leads"})),
        ("faults", json!({"set": {"html": 2.0}})),
        ("faults", json!({"next": ["html", "nonsense"]})),
        ("explode", json!({})),
    ] {
        let seen = zoho.control(name, &body).await;
        assert!([400, 404].contains(&seen.status), "{name} {body}");
        assert!(seen.json()["error"].is_string());
    }
    assert_eq!(zoho.delete_leads(&zoho.leads).await.unwrap().status, 200);
}

#[tokio::test]
async fn faults_are_set_and_planned_by_control_calls() {
    let zoho = World::new();
    let faults = json!({"set": {"no-permission": 1.0}, "next": ["html"]});
    zoho.control("faults", &faults).await;
    let path = leads_url(&zoho.leads[..1]);
    for status in [502, 403, 403] {
        assert_eq!(zoho.delete(&path).await.status, status);
    }
    zoho.control("faults", &json!({"clear": true})).await;
    assert_eq!(zoho.delete(&path).await.status, 200);
    let seen = zoho.call_as(Method::GET, "/_simulator/requests", &[], "").await.unwrap();
    let log = seen.json();
    assert_eq!(log["requests"][0]["fault"], "html");
    assert_eq!(log["requests"][3]["applied"], 1);
}

#[tokio::test]
async fn many_calls_go_over_one_connection() {
    let zoho = World::new();
    let address = zoho.simulator.api_url().replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "GET /crm/v8/Leads/actions/count HTTP/1.1\r\nHost: {address}\r\n\
         Authorization: Zoho-oauthtoken {}\r\n\r\n",
        zoho.simulator.access_token()
    );
    for _ in 0..3 {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(br#"{"count":10}"#) {
            let read = stream.read_buf(&mut answer).await.unwrap();
            assert_ne!(read, 0, "the connection was closed");
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_org_and_another_seed_another() {
    let of = |seed| {
        let zoho = World::with(|config| config.seed = seed);
        (zoho.leads.clone(), zoho.simulator.access_token(), zoho.simulator.org_id())
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
    assert!(of(1).0.iter().all(|id| id.to_string().len() == 18));
}

#[test]
fn a_simulator_on_its_own_thread_serves_and_is_gone_when_dropped() {
    let simulator = Simulator::start_blocking(Config::default()).unwrap();
    let url = simulator.state_url();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = client();
    let status = runtime.block_on(async { client.get(&url).send().await.unwrap().status() });
    assert_eq!(status, 200);
    drop(simulator);
    // A new client: the old one would try the connection that it kept.
    let client = self::client();
    let error = runtime.block_on(async { client.get(&url).send().await.unwrap_err() });
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn a_configuration_that_makes_no_sense_is_refused() {
    for config in [
        Config { listen: "0.0.0.0:0".parse().unwrap(), ..Config::default() },
        Config { records: vec![("Le ads".to_owned(), 1)], ..Config::default() },
        Config { faults: vec![(Fault::Html, 1.5)], ..Config::default() },
        Config { mixed_status: 500, ..Config::default() },
        Config { job_running_ms: -1, ..Config::default() },
    ] {
        let error = Simulator::start(config).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn a_million_records_are_cheap_to_delete_from() {
    let zoho = World::with(|config| config.records = vec![("Leads".to_owned(), 1_000_000)]);
    let seen = zoho.delete_leads(&zoho.leads[500_000..500_100]).await.unwrap();
    assert_eq!(seen.status, 200);
    let count = zoho.get("/crm/v8/Leads/actions/count").await.json();
    assert_eq!(count["count"], 999_900);
}

#[test]
fn the_simulator_names_nothing_of_the_crate_outside_itself() {
    fn check(folder: &std::path::Path, files: &mut usize) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                check(&path, files);
                continue;
            }
            *files += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            let own = "crate::simulator";
            for (at, _) in text.match_indices(own.trim_end_matches("simulator")) {
                assert!(text[at..].starts_with(own), "{}", path.display());
            }
        }
    }
    let mut files = 0;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/simulator");
    check(root.as_ref(), &mut files);
    assert!(files > 20);
}
