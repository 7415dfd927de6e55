//! The simulator seen by a real client over loopback.

mod accounts;
mod bigin;
mod delete;
mod everywhere;
mod faults;
mod ids_as_numbers;
mod limits;
mod mass_delete_tags;
mod oauth;
mod paging;
mod reads;
mod related;
mod restore;
mod scopes;
mod server;
mod setup;
mod tagging;
mod tags;
mod undoing;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Response, redirect};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::*;

/// 2026-08-22T10:00:00Z.
const START: i64 = 1_787_392_800_000;

/// A running simulator, a client and the time.
struct World {
    simulator: Simulator,
    client: Client,
    now: Arc<AtomicI64>,
    leads: Vec<u64>,
}

/// An answer, with its body as text.
#[derive(Debug)]
struct Seen {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Seen {
    /// What stands in an answer as text.
    fn word(&self, key: &str) -> String {
        self.json()[key].as_str().unwrap_or_else(|| panic!("no {key}: {}", self.text)).to_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Status and body as one value, for comparing.
    fn both(&self) -> (u16, Value) {
        (self.status, self.json())
    }
}

thread_local! {
    /// Making one takes longer than most tests.
    static CLIENT: Client = client();
}

fn client() -> Client {
    // Another test may have installed it already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap()
}

impl World {
    /// Ten leads and no faults.
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let clock = Arc::clone(&now);
        let mut config = Config {
            records: vec![("Leads".to_owned(), 10)],
            now: Arc::new(move || clock.load(Ordering::SeqCst)),
            ..Config::default()
        };
        change(&mut config);
        let simulator = Simulator::start(config).unwrap();
        let leads = simulator.snapshot().modules["Leads"].live.clone();
        Self { simulator, client: CLIENT.with(Client::clone), now, leads }
    }

    fn wait(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
    }

    async fn try_call(&self, method: Method, path: &str) -> Result<Seen, reqwest::Error> {
        let token = format!("Zoho-oauthtoken {}", self.simulator.access_token());
        self.call_as(method, path, &[("authorization", &token)], "").await
    }

    async fn call_as(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Seen, reqwest::Error> {
        let url = format!("{}{path}", self.simulator.api_url());
        let mut request = self.client.request(method, url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        Ok(Seen {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await?,
        })
    }

    async fn get(&self, path: &str) -> Seen {
        self.try_call(Method::GET, path).await.unwrap()
    }

    async fn delete(&self, path: &str) -> Seen {
        self.try_call(Method::DELETE, path).await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Seen {
        self.try_post(path, body).await.unwrap()
    }

    async fn try_post(&self, path: &str, body: &Value) -> Result<Seen, reqwest::Error> {
        let token = format!("Zoho-oauthtoken {}", self.simulator.access_token());
        let headers = [("authorization", token.as_str())];
        self.call_as(Method::POST, path, &headers, &body.to_string()).await
    }

    async fn put(&self, path: &str, body: &Value) -> Seen {
        let token = format!("Zoho-oauthtoken {}", self.simulator.access_token());
        let headers = [("authorization", token.as_str())];
        self.call_as(Method::PUT, path, &headers, &body.to_string()).await.unwrap()
    }

    /// Deletes leads through v8, in bulk.
    async fn delete_leads(&self, ids: &[u64]) -> Result<Seen, reqwest::Error> {
        self.try_call(Method::DELETE, &leads_url(ids)).await
    }

    /// Begins to delete leads, without waiting for the answer.
    fn spawn_delete(&self, ids: &[u64]) -> JoinHandle<reqwest::Result<Response>> {
        let token = format!("Zoho-oauthtoken {}", self.simulator.access_token());
        let url = format!("{}{}", self.simulator.api_url(), leads_url(ids));
        let request = self.client.delete(url).header("authorization", token);
        tokio::spawn(request.send())
    }

    /// Lets others run until something is so.
    async fn until(&self, so: impl Fn(&Simulator) -> bool) {
        while !so(&self.simulator) {
            tokio::task::yield_now().await;
        }
    }

    /// A call with an access token.
    async fn call_with(&self, token: &str, method: Method, path: &str, body: &str) -> Seen {
        let token = format!("Zoho-oauthtoken {token}");
        self.call_as(method, path, &[("authorization", &token)], body).await.unwrap()
    }

    /// A call to the token endpoint with these fields beside those of the client.
    async fn try_token(&self, fields: &str) -> Result<Seen, reqwest::Error> {
        let (id, secret) = (self.simulator.client_id(), self.simulator.client_secret());
        let form = format!("client_id={id}&client_secret={secret}&{fields}");
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        self.call_as(Method::POST, "/oauth/v2/token", &kind, &form).await
    }

    async fn try_refresh(&self) -> Result<Seen, reqwest::Error> {
        let token = self.simulator.refresh_token();
        self.try_token(&format!("grant_type=refresh_token&refresh_token={token}")).await
    }

    async fn refresh(&self) -> Seen {
        self.try_refresh().await.unwrap()
    }

    async fn exchange(&self, code: &str) -> Seen {
        self.try_token(&format!("grant_type=authorization_code&code={code}")).await.unwrap()
    }

    async fn control(&self, name: &str, body: &Value) -> Seen {
        let path = format!("/_simulator/{name}");
        self.call_as(Method::POST, &path, &[], &body.to_string()).await.unwrap()
    }

    fn live_leads(&self) -> Vec<u64> {
        self.simulator.snapshot().modules["Leads"].live.clone()
    }
}

fn leads_url(ids: &[u64]) -> String {
    format!("/crm/v8/Leads?ids={}", joined(ids))
}

fn joined(ids: &[u64]) -> String {
    let texts: Vec<String> = ids.iter().map(u64::to_string).collect();
    texts.join(",")
}

/// The item of a record that was deleted.
fn success(id: u64) -> Value {
    serde_json::json!({
        "code": "SUCCESS",
        "details": {"id": id.to_string()},
        "message": "record deleted",
        "status": "success",
    })
}

/// Ids as they stand in bodies.
fn texts(ids: &[u64]) -> Vec<String> {
    ids.iter().map(u64::to_string).collect()
}

/// A flat error.
#[expect(clippy::needless_pass_by_value, reason = "callers write the details in place")]
fn flat(code: &str, message: &str, details: Value) -> Value {
    serde_json::json!({"code": code, "details": details, "message": message, "status": "error"})
}
