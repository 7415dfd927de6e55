use std::io::{Read as _, Write as _};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::domain::answer::{ParsedAnswer, Unreadable};
use crate::domain::call::{CallItem, CallKind};
use crate::domain::id::{BatchId, EntryId};
use crate::domain::scope::{Action, Scope};
use crate::domain::target::{DataCenter, Environment};
use crate::zoho::answer::parse;
use crate::zoho::testing::{Reply, Server, TickingClock, answer};

const DELETED: &str = include_str!("../../tests/fixtures/zoho/delete/all_deleted.json");
const TOKEN: &str = "1000.8cb99dsecret.9b8xsecret";
const LINE: &str =
    "DELETE /crm/v8/Leads?ids=4876876000000624001,4876876000000624002&wf_trigger=false";

fn client_at(url: &str, timeout: Duration) -> ZohoClient<TickingClock> {
    let endpoint = Endpoint::new(DataCenter::Eu, Environment::Production, Some(url), None).unwrap();
    let clock = Arc::new(TickingClock::default());
    ZohoClient::new(endpoint, &SecretString::from(TOKEN), timeout, clock).unwrap()
}

fn client(server: &Server) -> ZohoClient<TickingClock> {
    client_at(&server.url(), Duration::from_secs(20))
}

fn impatient(server: &Server) -> ZohoClient<TickingClock> {
    client_at(&server.url(), Duration::from_millis(300))
}

fn batch_by(send_by: Timestamp) -> PreparedBatch {
    let kind = CallKind {
        scope: Scope {
            product: Product::Crm,
            module: "Leads".parse().unwrap(),
            action: Action::Delete,
        },
        api_version: ApiVersion::V8,
        workflows: false,
        snapshot: true,
        module_id: None,
    };
    let item = |number: i64| CallItem {
        entry: EntryId::new(number),
        target: RecordId::from_stored(4_876_876_000_000_624_000 + number).unwrap(),
    };
    let template = "DELETE /crm/v8/Leads?ids={ids}&wf_trigger=false".to_owned();
    PreparedBatch::committed(
        BatchId::new(1),
        kind,
        vec![item(1), item(2)],
        Vec::new(),
        template,
        send_by,
    )
}

fn batch() -> PreparedBatch {
    batch_by(Timestamp::from_millis(i64::MAX))
}

fn is_no_answer(result: &Result<RawAnswer, SendError>) -> bool {
    matches!(result, Err(SendError::NoAnswer { .. }))
}

#[tokio::test]
async fn one_delete_is_one_request_line_and_its_answer_comes_back_verbatim() {
    let server = Server::start([Reply::Keep(answer(
        207,
        "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: 7\r\nX-API-CREDITS-REMAINING: 12\r\n",
        DELETED,
    ))]);
    let answer = client(&server).submit(&batch()).await.unwrap();
    assert_eq!((answer.http_status, answer.cut), (207, false));
    assert_eq!(answer.body, DELETED.as_bytes());
    assert_eq!(answer.date.unwrap().to_string(), "1994-11-06T08:49:37.000Z");
    assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(answer.credits_remaining, Some(12));
    assert!(answer.sent_at < answer.answered_at);
    assert_eq!(server.lines(), [LINE]);
    let head = server.heads().remove(0).to_ascii_lowercase();
    assert!(head.contains(&format!("authorization: zoho-oauthtoken {TOKEN}").to_lowercase()));
    assert!(head.contains(&format!("user-agent: zoho-journal/{}", env!("CARGO_PKG_VERSION"))));
    assert!(!head.contains("transfer-encoding") && !head.contains("referer"));
}

#[tokio::test]
async fn no_status_makes_the_client_send_twice() {
    for status in [301, 302, 303, 307, 308, 401, 408, 425, 429, 500, 502, 503, 504] {
        let elsewhere = Server::start([]);
        let location = format!("location: {}/crm/v8/Leads\r\nretry-after: 0\r\n", elsewhere.url());
        let server = Server::start([
            Reply::Keep(answer(status, &location, "<html>")),
            Reply::Keep(answer(200, "", DELETED)),
        ]);
        let answer = client(&server).submit(&batch()).await.unwrap();
        assert_eq!(answer.http_status, status);
        assert_eq!(server.lines(), [LINE], "{status}");
        assert_eq!(elsewhere.lines().len(), 0, "{status}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_brought_no_answer() {
    let server = Server::start([]);
    let result = client(&server).submit(&batch()).await;
    assert!(is_no_answer(&result), "{result:?}");
    assert_eq!(server.lines(), [LINE]);
}

#[tokio::test]
async fn a_connection_that_closes_at_once_may_have_taken_the_request() {
    let server = Server::raw(drop);
    let result = client(&server).submit(&batch()).await;
    assert!(is_no_answer(&result), "{result:?}");
}

#[tokio::test]
async fn a_refused_connection_is_surely_not_sent() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = client_at(&format!("http://127.0.0.1:{port}"), Duration::from_secs(5));
    let result = client.submit(&batch()).await;
    let Err(SendError::NotSent(why)) = result else { panic!("{result:?}") };
    assert!(why.contains("refused") && !why.contains("4876876"), "{why}");
}

#[tokio::test]
async fn a_failed_handshake_is_surely_not_sent() {
    let server = Server::raw(|mut stream| {
        drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        drop(stream.read(&mut [0; 1024]));
    });
    let url = server.url().replace("http:", "https:");
    let result = client_at(&url, Duration::from_secs(5)).submit(&batch()).await;
    assert!(matches!(result, Err(SendError::NotSent(_))), "{result:?}");
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_never_called_an_answer() {
    let server = Server::raw(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
    let url = server.url().replace("http:", "https:");
    let result = client_at(&url, Duration::from_millis(300)).submit(&batch()).await;
    // Both time-outs end together here; whichever is first, in doubt it may have been sent.
    assert!(result.is_err(), "{result:?}");
}

#[tokio::test]
async fn silence_ends_in_no_answer() {
    let server = Server::start([Reply::Stall(Vec::new())]);
    let result = impatient(&server).submit(&batch()).await;
    assert!(is_no_answer(&result), "{result:?}");
    assert_eq!(server.lines(), [LINE]);
}

#[tokio::test]
async fn half_a_head_is_no_answer() {
    for reply in [
        Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()),
        Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()),
        Reply::Close(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
    ] {
        let server = Server::start([reply]);
        let result = impatient(&server).submit(&batch()).await;
        assert!(is_no_answer(&result), "{result:?}");
    }
}

#[tokio::test]
async fn half_a_body_is_kept_and_marked_cut() {
    let whole = answer(200, "", DELETED);
    let half = whole[..whole.len() - 50].to_vec();
    let kept = &DELETED.as_bytes()[..DELETED.len() - 50];
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"dat\r\n".to_vec();
    for (reply, kept) in [
        (Reply::Close(half.clone()), kept),
        (Reply::Stall(half), kept),
        (Reply::Close(chunked), b"{\"dat"),
    ] {
        let server = Server::start([reply]);
        let answer = impatient(&server).submit(&batch()).await.unwrap();
        assert_eq!((answer.body.as_slice(), answer.cut), (kept, true));
        assert_eq!(parse(&answer), ParsedAnswer::Unreadable(Unreadable::Cut));
        assert_eq!(server.lines(), [LINE]);
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_is_not_safe() {
    let server = Server::start([Reply::Keep(answer(200, "", DELETED))]);
    let client = client(&server);
    client.submit(&batch()).await.unwrap();
    // The second request goes over the kept connection, is read, and gets no answer.
    let result = client.submit(&batch()).await;
    assert!(is_no_answer(&result), "{result:?}");
    assert_eq!(server.lines(), [LINE, LINE]);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_never_called_not_sent() {
    for _ in 0..20 {
        let server = Server::start([
            Reply::Close(answer(200, "", DELETED)),
            Reply::Keep(answer(200, "", DELETED)),
        ]);
        let client = client(&server);
        client.submit(&batch()).await.unwrap();
        let second = client.submit(&batch()).await;
        assert!(second.is_ok() || is_no_answer(&second), "{second:?}");
        assert!(server.lines().len() <= 2);
    }
}

#[tokio::test]
async fn a_batch_past_its_deadline_does_not_leave() {
    let server = Server::start([Reply::Keep(answer(200, "", DELETED))]);
    let result = client(&server).submit(&batch_by(Timestamp::from_millis(-1))).await;
    assert!(matches!(result, Err(SendError::NotSent(_))), "{result:?}");
    assert_eq!(server.lines().len(), 0);
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut answer = answer(200, "content-encoding: gzip\r\n", "");
    let length = format!("content-length: {}", bytes.len());
    answer = String::from_utf8(answer).unwrap().replace("content-length: 0", &length).into_bytes();
    answer.extend_from_slice(bytes);
    answer
}

#[tokio::test]
async fn a_compressed_answer_counts_as_it_unfolds() {
    let small = gzip(DELETED.as_bytes());
    let bomb = gzip(&vec![b' '; 50_000_000]);
    let server = Server::start([
        Reply::Keep(zipped(&small)),
        Reply::Keep(zipped(&small[..small.len() - 12])),
        Reply::Close(zipped(&bomb)),
    ]);
    let client = client(&server).with_body_max(100_000);
    let first = client.submit(&batch()).await.unwrap();
    assert_eq!((first.body.as_slice(), first.cut), (DELETED.as_bytes(), false));
    let second = client.submit(&batch()).await.unwrap();
    assert!(second.cut);
    let third = client.submit(&batch()).await.unwrap();
    assert_eq!((third.body.len(), third.cut), (100_000, true));
}

#[tokio::test]
async fn a_body_of_exactly_the_greatest_size_is_whole() {
    for (length, cut) in [(1_000, false), (1_001, true)] {
        let server = Server::start([Reply::Keep(answer(200, "", &"x".repeat(length)))]);
        let client = client(&server).with_body_max(1_000);
        let answer = client.submit(&batch()).await.unwrap();
        assert_eq!((answer.body.len(), answer.cut), (1_000, cut));
    }
}

#[tokio::test]
async fn a_204_is_empty_and_whole() {
    let server = Server::start([Reply::Keep(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())]);
    let answer = client(&server).submit(&batch()).await.unwrap();
    assert!(!answer.cut);
    assert_eq!(parse(&answer), ParsedAnswer::Unreadable(Unreadable::Empty));
}

#[tokio::test]
async fn localhost_is_this_machine_by_name_too() {
    let server = Server::start([Reply::Keep(answer(200, "", DELETED))]);
    let url = server.url().replace("127.0.0.1", "localhost");
    let client = client_at(&url, Duration::from_secs(5));
    assert!(client.submit(&batch()).await.is_ok());
}

#[test]
fn proxy_variables_are_not_honoured() {
    // Nothing listens on port 1: a client that asked that proxy would not reach the server.
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "zoho::client::tests::one_delete_is_one_request_line_and_its_answer_comes_back_verbatim"])
        .envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"].map(|name| (name, "http://127.0.0.1:1")))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&status.stdout);
    assert!(status.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn the_token_is_never_shown() {
    let client = client_at("http://127.0.0.1:1", Duration::from_secs(1));
    let request = client.build("GET", "/crm/v8/org").unwrap();
    for shown in [format!("{client:?} {client:#?}"), format!("{request:?}")] {
        assert!(!shown.contains("secret"), "{shown}");
    }
    let again = |token: &str| {
        let endpoint = client.endpoint().clone();
        let clock = Arc::new(TickingClock::default());
        ZohoClient::new(endpoint, &SecretString::from(token), Duration::from_secs(1), clock)
    };
    for wrong in ["", "a b", "a\r\nx: y", "é", "a\0"] {
        assert_eq!(again(wrong).unwrap_err(), ClientError::Token);
    }
    let other = again("1000.other").unwrap();
    let value = other.build("GET", "/x").unwrap().headers()[AUTHORIZATION].clone();
    assert!(value.is_sensitive());
    assert_eq!(value.to_str().unwrap(), "Zoho-oauthtoken 1000.other");
}

#[test]
fn a_line_that_would_be_repaired_is_not_sent() {
    let client = client_at("http://127.0.0.1:1", Duration::from_secs(1));
    for path in ["/crm/../org", "/crm/v8/Le ads", "/crm\\v8", "/a#b", "@evil.example/", ":80/x"] {
        assert!(client.build("DELETE", path).is_err(), "{path}");
    }
}

#[test]
fn a_client_for_the_real_zoho_can_be_built_and_shared() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    let endpoint = Endpoint::new(DataCenter::Us, Environment::Production, None, None).unwrap();
    let clock = Arc::new(TickingClock::default());
    let token = SecretString::from(TOKEN);
    let client = ZohoClient::new(endpoint, &token, Duration::from_secs(30), clock).unwrap();
    shared(&client);
}
