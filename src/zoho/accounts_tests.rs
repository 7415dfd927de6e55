use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::domain::target::{DataCenter, Environment};
use crate::zoho::secret::{ClientId, ClientSecret};
use crate::zoho::testing::{Reply, Server, answer};

const GRANTED: &str = r#"{"access_token":"1000.new","api_domain":"http://x","expires_in":3600}"#;

fn accounts(server: &Server) -> Accounts {
    let (dc, environment) = (DataCenter::Eu, Environment::Production);
    let endpoint = Endpoint::new(dc, environment, Some(&server.url()), None).unwrap();
    Accounts::new(endpoint, Duration::from_secs(20))
}

fn key() -> ClientKey {
    ClientKey {
        id: ClientId::new("1000.ID").unwrap(),
        secret: ClientSecret::new("can&ary=+%").unwrap(),
    }
}

fn refresh() -> Grant {
    Grant::Refresh(RefreshToken::new("1000.canary/r").unwrap())
}

#[tokio::test]
async fn secrets_stand_in_the_body_of_a_form_and_nowhere_else() {
    let replies = [GRANTED, GRANTED, r#"{"status":"success"}"#];
    let server = Server::start(replies.map(|body| Reply::Keep(answer(200, "", body))));
    let accounts = accounts(&server);
    accounts.grant(&key(), &refresh()).await.unwrap();
    let code = Grant::Code(GrantCode::new("1000.canary.c").unwrap());
    accounts.grant(&key(), &code).await.unwrap();
    accounts.revoke(&RefreshToken::new("1000.canary/r").unwrap()).await.unwrap();

    assert_eq!(
        server.bodies(),
        [
            "grant_type=refresh_token&client_id=1000.ID&client_secret=can%26ary%3D%2B%25&refresh_token=1000.canary%2Fr",
            "grant_type=authorization_code&client_id=1000.ID&client_secret=can%26ary%3D%2B%25&code=1000.canary.c",
            "token=1000.canary%2Fr",
        ]
    );
    let lines = ["POST /oauth/v2/token", "POST /oauth/v2/token", "POST /oauth/v2/token/revoke"];
    assert_eq!(server.lines(), lines);
    for head in server.heads() {
        assert!(!head.contains("canary"), "{head}");
        assert!(head.to_lowercase().contains("content-type: application/x-www-form-urlencoded"));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_secrets() {
    let elsewhere = Server::start([]);
    let location = format!("location: {}/oauth/v2/token\r\n", elsewhere.url());
    let server = Server::start([Reply::Close(answer(307, &location, ""))]);
    let error = accounts(&server).grant(&key(), &refresh()).await.unwrap_err();
    assert!(matches!(error, GrantError::Unusable(_)), "{error}");
    assert_eq!(elsewhere.lines(), [""; 0]);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_also_when_it_is_compressed() {
    let huge = format!(r#"{{"access_token":"{}"}}"#, "a".repeat(50 * 1024 * 1024));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(huge.as_bytes()).unwrap();
    let bomb = gzip.finish().unwrap();
    let mut compressed = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        bomb.len()
    )
    .into_bytes();
    compressed.extend(bomb);
    for reply in [compressed, answer(200, "", &huge)] {
        let server = Server::start([Reply::Close(reply)]);
        let error = accounts(&server).grant(&key(), &refresh()).await.unwrap_err();
        let told = "the accounts server gave no usable answer: HTTP 200: it is cut off or too long";
        assert_eq!(error.to_string(), told);
    }
}

#[tokio::test]
async fn a_call_is_made_once_and_its_failure_names_no_secret() {
    let server = Server::start([Reply::Close(Vec::new()), Reply::Close(answer(200, "", GRANTED))]);
    let error = accounts(&server).grant(&key(), &refresh()).await.unwrap_err();
    assert!(matches!(error, GrantError::Unusable(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"));
    assert_eq!(server.lines().len(), 1);
}
