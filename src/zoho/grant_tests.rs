use proptest::prelude::{any, proptest};

use super::*;
use crate::domain::target::{DataCenter, Environment};
use crate::zoho::hosts::tests::HOSTILE;

/// The sample of the Access Token page, with its own tokens replaced.
const GRANTED: &str = r#"{"access_token":"1000.canary1","refresh_token":"1000.canary2","api_domain":"https://www.zohoapis.eu","token_type":"Bearer","expires_in":3600}"#;

fn endpoint() -> Endpoint {
    Endpoint::new(DataCenter::Eu, Environment::Production, None, None).unwrap()
}

fn grant(http_status: u16, body: &str) -> Result<Granted, GrantError> {
    read_grant(&endpoint(), http_status, body.as_bytes(), false)
}

fn with(fields: &str) -> Result<Granted, GrantError> {
    grant(200, &format!(r#"{{"access_token":"1000.canary",{fields}}}"#))
}

#[test]
fn a_grant_brings_tokens_and_how_long_they_last() {
    let granted = grant(200, GRANTED).unwrap();
    assert_eq!(granted.access_token.expose(), "1000.canary1");
    assert_eq!(granted.refresh_token.as_ref().unwrap().expose(), "1000.canary2");
    assert_eq!(granted.lasts, HOUR);
    assert_eq!(granted.api_domain.as_deref(), Some("https://www.zohoapis.eu"));
    assert!(granted.scopes.is_none());
    assert!(!format!("{granted:?}").contains("canary"));
}

#[test]
fn a_lifetime_is_read_in_seconds_and_in_milliseconds_and_never_believed_blindly() {
    let lasts = |fields: &str| with(fields).unwrap().lasts;
    for (fields, seconds) in [
        (r#""expires_in":3600"#, 3600),
        (r#""expires_in":"3600""#, 3600),
        (r#""expires_in":3600000,"expires_in_sec":3600"#, 3600),
        (r#""expires_in":3600000"#, 3600),
        (r#""token_type":"Bearer""#, 3600),
        (r#""expires_in":0"#, 120),
        (r#""expires_in":-1"#, 120),
        (r#""expires_in":-0.5"#, 120),
        (r#""expires_in":"-3600""#, 120),
        (r#""expires_in":"0""#, 120),
        (r#""expires_in":"soon""#, 3600),
        (r#""expires_in":1e3"#, 3600),
        (r#""expires_in":[3600]"#, 3600),
        (r#""expires_in":18446744073709551615"#, 86_400),
        (r#""expires_in":null"#, 3600),
    ] {
        assert_eq!(lasts(fields), Duration::from_secs(seconds), "{fields}");
    }
}

#[test]
fn scopes_are_taken_where_they_look_like_scopes() {
    let scopes = |fields: &str| with(fields).unwrap().scopes;
    assert_eq!(
        scopes(r#""scope":"ZohoCRM.org.READ ZohoCRM.modules.ALL,ZohoCRM.users.READ""#).unwrap(),
        ["ZohoCRM.org.READ", "ZohoCRM.modules.ALL", "ZohoCRM.users.READ"]
    );
    assert_eq!(scopes(r#""scope":"\u001b[2J a/b""#).unwrap(), [""; 0]);
    assert_eq!(scopes(r#""scope":7"#), None);
}

#[test]
fn refusals_come_with_200_and_are_told_by_their_word() {
    for word in ["invalid_code", "invalid_client", "invalid_client_secret", "Access Denied"] {
        for status in [200, 400, 401] {
            let body = format!(r#"{{"error":"{word}"}}"#);
            let refused = GrantError::Refused(word.to_owned());
            assert_eq!(grant(status, &body).unwrap_err(), refused);
        }
    }
    // An error beside a token is an error.
    let both = GRANTED.replacen('{', r#"{"error":"invalid_code","#, 1);
    assert!(matches!(grant(200, &both), Err(GrantError::Refused(_))));
}

#[test]
fn too_many_requests_are_no_refusal_at_any_status() {
    let body = r#"{"error_description":"You have made too many requests continuously. Please try again after some time.","error":"Access Denied","status":"failure"}"#;
    for status in [200, 400, 429, 503] {
        assert_eq!(grant(status, body).unwrap_err(), GrantError::Throttled);
    }
    assert_eq!(grant(429, "{}").unwrap_err(), GrantError::Throttled);
    assert_eq!(read_revocation(200, body.as_bytes(), false), Err(RevokeError::Throttled));
}

#[test]
fn the_status_decides_only_where_the_body_says_nothing_known() {
    for word in ["invalid_code", "invalid_client", "invalid_client_secret"] {
        let body = format!(r#"{{"error":"{word}"}}"#);
        assert_eq!(grant(429, &body).unwrap_err(), GrantError::Refused(word.to_owned()));
        let revoked = read_revocation(429, body.as_bytes(), false);
        assert_eq!(revoked, Err(RevokeError::Refused(word.to_owned())));
    }
    assert_eq!(grant(429, GRANTED).unwrap().lasts, HOUR);
    assert_eq!(read_revocation(429, br#"{"status":"success"}"#, false), Ok(()));
    for body in [r#"{"error":"Access Denied"}"#, r#"{"error":7}"#, "<html>", "", "{}"] {
        assert_eq!(grant(429, body).unwrap_err(), GrantError::Throttled, "{body}");
    }
    let cut = read_grant(&endpoint(), 429, GRANTED.as_bytes(), true).unwrap_err();
    assert_eq!(cut, GrantError::Throttled);
}

#[test]
fn no_error_repeats_what_a_body_holds() {
    let long = format!(r#"{{"error":"{}"}}"#, "a".repeat(WORD_MAX + 1));
    for body in [
        r#"{"error":"1000.canary"}"#,
        r#"{"error":"canary\u001b[31m"}"#,
        r#"{"error":"canary\nx"}"#,
        r#"{"error":["canary"]}"#,
        r#"{"error":7,"error_description":"canary"}"#,
        r#"{"access_token":"1000.canary canary"}"#,
        r#"{"access_token":"1000.canary\r\nx-header: 1"}"#,
        r#"{"access_token":"1000.canäry"}"#,
        r#"{"access_token":["canary"]}"#,
        r#"{"access_token":"canary","access_token":"other"}"#,
        r#"{"access_token":"1000.a","refresh_token":"canary canary"}"#,
        r#"{"access_token":"canary""#,
        r#""canary""#,
        "<html>canary</html>",
        "[]",
        "{}",
        "",
        &long,
        &format!("{}canary", "[".repeat(50_000)),
    ] {
        for status in [200, 400, 500] {
            let error = grant(status, body).expect_err(body);
            let told = format!("{error} {error:?}");
            assert!(!told.contains("canary") && !told.contains("aaaa"), "{told}");
            assert!(told.is_ascii() && !told.contains('\u{1b}'), "{told}");
        }
    }
}

#[test]
fn what_is_cut_or_comes_from_a_broken_server_says_nothing_about_credentials() {
    let cut = read_grant(&endpoint(), 200, GRANTED.as_bytes(), true).unwrap_err();
    assert!(matches!(cut, GrantError::Unusable(_)));
    let broken = grant(500, r#"{"error":"invalid_client"}"#).unwrap_err();
    assert_eq!(broken, GrantError::Unusable("HTTP 500: invalid_client".to_owned()));
}

#[test]
fn no_token_of_a_hostile_api_domain_gets_out() {
    assert!(HOSTILE.len() >= 50);
    for domain in HOSTILE {
        let domain = serde_json::to_string(domain).unwrap();
        let error = with(&format!(r#""api_domain":{domain}"#)).expect_err(&domain);
        assert!(matches!(error, GrantError::Elsewhere(EndpointError::UnlistedApiDomain { .. })));
    }
    for no_text in ["7", "[]", "{}", "true", r#"["https://www.zohoapis.eu"]"#] {
        assert!(with(&format!(r#""api_domain":{no_text}"#)).is_err(), "{no_text}");
    }
    let other = with(r#""api_domain":"https://sandbox.zohoapis.eu""#).unwrap_err();
    assert!(other.to_string().contains("JOURNAL_ENVIRONMENT=sandbox"), "{other}");
}

#[test]
fn only_a_success_is_a_revocation() {
    let revoked = |body: &str| read_revocation(200, body.as_bytes(), false);
    assert_eq!(revoked(r#"{"status":"success"}"#), Ok(()));
    assert_eq!(
        revoked(r#"{"error":"invalid_code"}"#),
        Err(RevokeError::Refused("invalid_code".to_owned()))
    );
    for body in ["{}", r#"{"status":"failure"}"#, "", "<html>", "[]"] {
        assert!(matches!(revoked(body), Err(RevokeError::Unusable(_))), "{body}");
    }
}

proptest! {
    #[test]
    fn no_body_at_all_makes_it_panic(body: Vec<u8>, status in any::<u16>()) {
        drop(read_grant(&endpoint(), status, &body, false));
        drop(read_revocation(status, &body, false));
    }
}
