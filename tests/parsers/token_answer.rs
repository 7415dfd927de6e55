//! Answers of the accounts server: status, then the body.

use std::time::Duration;

use zoho_journal::domain::target::{DataCenter, Environment};
use zoho_journal::zoho::Endpoint;
use zoho_journal::zoho::grant::{read_grant, read_revocation};

pub fn token_answer(data: &[u8]) {
    let Some((http_status, body)) = super::choice(data, super::STATUSES) else { return };
    let endpoint = Endpoint::new(DataCenter::Eu, Environment::Production, None, None).unwrap();
    let first = read_grant(&endpoint, http_status, body, false);
    match &first {
        Ok(granted) => {
            let token = granted.access_token.expose();
            assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
            let lasts = Duration::from_mins(2)..=Duration::from_hours(24);
            assert!(lasts.contains(&granted.lasts), "{:?}", granted.lasts);
            if let Some(domain) = &granted.api_domain {
                assert!(endpoint.check_api_domain(domain).is_ok(), "{domain}");
            }
            // Shorter ones may stand in the words around them by chance.
            let shown = format!("{granted:?}");
            assert!(token.len() < 20 || !shown.contains(token), "a secret was shown");
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.contains(|c: char| c.is_control()), "{shown:?}");
            assert!(shown.len() < 400, "{shown}");
        }
    }
    let again = read_grant(&endpoint, http_status, body, false);
    assert_eq!(first.is_ok(), again.is_ok());
    assert!(read_grant(&endpoint, http_status, body, true).is_err(), "cut, and believed");
    assert!(read_revocation(http_status, body, true).is_err(), "cut, and believed");
    if read_revocation(http_status, body, false).is_ok() {
        let text = String::from_utf8_lossy(body);
        assert!(text.contains("status"), "only its own word proves a revocation");
    }
}
