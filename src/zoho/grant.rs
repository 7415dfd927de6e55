//! What the accounts server answers. Judged by the body: Zoho refuses, and throttles, with 200 as well.
//!
//! The texts come from outside and may come from anybody: nothing of them is repeated but a short word for
//! an error, made of letters only, so that no token can hide in it.

use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use serde_json::Value;

use crate::zoho::accounts::{GrantError, Granted, RevokeError};
use crate::zoho::endpoint::{Endpoint, EndpointError};
use crate::zoho::secret::{AccessSecret, RefreshToken};

/// How long an access token lasts, where the answer does not say (CRM v8 token validity page: an hour).
const HOUR: Duration = Duration::from_hours(1);
/// The least and the most that is believed. With less each call would fetch a token, and ten fetched in ten
/// minutes lock everybody out; what ends earlier is renewed once Zoho refuses it. More was never documented.
///
/// A token that is said to end at once, or to have ended, is given this, too, and not an hour: it serves the
/// calls of the next minute, is never kept for longer, and nobody is told that it lasts so long.
pub(crate) const LEAST: Duration = Duration::from_mins(2);
const MOST: Duration = Duration::from_hours(24);
/// A number of seconds beyond this is one of milliseconds: an hour of them is 3,600,000.
const SECONDS_MAX: u64 = 7 * 24 * 3600;
/// Zoho's words for errors are shorter, such as `invalid_client_secret`.
const WORD_MAX: usize = 40;
/// What is a refusal at any status: asking again later brings the same (Access Token and Refresh pages).
const REFUSALS: &[&str] =
    &["invalid_code", "invalid_client", "invalid_client_secret", "invalid_redirect_uri"];
/// There are some hundred scopes, with short names.
const SCOPES_MAX: usize = 300;
const SCOPE_MAX: usize = 100;

/// An answer. A key that stands in it twice makes it unreadable.
#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    refresh_token: Option<String>,
    api_domain: Option<Value>,
    expires_in: Option<Value>,
    expires_in_sec: Option<Value>,
    scope: Option<Value>,
    error: Option<Value>,
    error_description: Option<Value>,
    status: Option<Value>,
}

/// Why an answer is no success.
enum Problem {
    Throttled,
    Refused(String),
    Unusable(String),
}

/// Reads the answer to a token call.
///
/// `{"error":"invalid_code"}` comes with 200 or 4xx; too many calls come as `"error":"Access Denied"` with
/// "too many requests", at 200 or 400 (token validity page, and logs of public clients). So the body decides,
/// and the status only where the body says nothing that is known. The `api_domain`
/// is checked here, so that no unchecked token leaves this function.
pub fn read_grant(
    endpoint: &Endpoint,
    http_status: u16,
    body: &[u8],
    cut: bool,
) -> Result<Granted, GrantError> {
    let answer = read(http_status, body, cut)?;
    let unusable = |why: &str| GrantError::Unusable(format!("HTTP {http_status}: {why}"));
    // What was parsed is wiped with these, whatever comes next.
    let token = Zeroizing::new(answer.access_token.unwrap_or_default());
    let refresh_token = answer.refresh_token.map(Zeroizing::new);
    if token.is_empty() {
        return Err(unusable("it holds no token"));
    }
    let access_token =
        AccessSecret::new(&token).map_err(|_| unusable("its token is none that can be sent"))?;
    let api_domain = check_domain(endpoint, answer.api_domain.as_ref())?;
    let refresh_token = refresh_token.map(|token| RefreshToken::new(&token)).transpose();
    Ok(Granted {
        access_token,
        lasts: lasts(answer.expires_in.as_ref(), answer.expires_in_sec.as_ref()),
        refresh_token: refresh_token
            .map_err(|_| unusable("its refresh token is none that can be sent"))?,
        api_domain,
        scopes: answer.scope.as_ref().and_then(scopes),
    })
}

/// Reads the answer to a revocation: `{"status":"success"}`, or it did not happen (Revoke page).
pub fn read_revocation(http_status: u16, body: &[u8], cut: bool) -> Result<(), RevokeError> {
    let answer = read(http_status, body, cut)?;
    if answer.status.as_ref().and_then(Value::as_str) == Some("success") {
        return Ok(());
    }
    Err(RevokeError::Unusable(format!("HTTP {http_status}: it does not say that it did it")))
}

fn read(http_status: u16, body: &[u8], cut: bool) -> Result<Answer, Problem> {
    let unusable = |why: &str| Problem::Unusable(format!("HTTP {http_status}: {why}"));
    // Of a body that says nothing, the status does: 429 is a gateway's then.
    let silent = |why: &str| if http_status == 429 { Problem::Throttled } else { unusable(why) };
    if cut {
        return Err(silent("it is cut off or too long"));
    }
    // The parser's own words quote the body.
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| silent("it is not what an accounts server answers"))?;
    let Some(error) = &answer.error else {
        let is_done = answer.status.as_ref().and_then(Value::as_str) == Some("success");
        let says_something = answer.access_token.is_some() || is_done;
        let throttled = http_status == 429 && !says_something;
        return if throttled { Err(Problem::Throttled) } else { Ok(answer) };
    };
    let told = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_ascii_lowercase);
    let throttled = [told(Some(error)), told(answer.error_description.as_ref())]
        .iter()
        .flatten()
        .any(|text| text.contains("too many requests"));
    let word = word(error);
    if throttled || (http_status == 429 && !REFUSALS.contains(&word.as_str())) {
        return Err(Problem::Throttled);
    }
    // A server that is out of order says nothing about credentials.
    Err(if http_status >= 500 { unusable(&word) } else { Problem::Refused(word) })
}

impl From<Problem> for GrantError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Throttled => Self::Throttled,
            Problem::Refused(word) => Self::Refused(word),
            Problem::Unusable(why) => Self::Unusable(why),
        }
    }
}

impl From<Problem> for RevokeError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Throttled => Self::Throttled,
            Problem::Refused(word) => Self::Refused(word),
            Problem::Unusable(why) => Self::Unusable(why),
        }
    }
}

/// Zoho's word for an error. Letters, `_` and blanks only: whoever answers was sent secrets, and must not
/// be able to have them shown.
fn word(error: &Value) -> String {
    let plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b' ';
    let word = error.as_str().unwrap_or_default().trim();
    let fine = (1..=WORD_MAX).contains(&word.len()) && word.bytes().all(plain);
    if fine { word.to_owned() } else { "an error without a name".to_owned() }
}

/// The endpoint decides where calls go; a token for elsewhere is no use to it. An answer without the key
/// names no other host, and is taken: the token goes to the listed host in any case.
fn check_domain(
    endpoint: &Endpoint,
    given: Option<&Value>,
) -> Result<Option<String>, EndpointError> {
    let Some(given) = given else {
        return Ok(None);
    };
    // What is no text is no listed host either.
    let text = given.as_str().map_or_else(|| "(no text)".to_owned(), str::to_owned);
    endpoint.check_api_domain(&text)?;
    Ok(Some(text))
}

/// `expires_in` is in seconds, but in milliseconds where `expires_in_sec` stands beside it (as Zoho's SDK
/// for CRM v8 reads it). What is less than nothing is nothing.
fn lasts(expires_in: Option<&Value>, expires_in_sec: Option<&Value>) -> Duration {
    let ended = |number: f64| (number <= 0.0).then_some(0);
    let number = |value: Option<&Value>| match value? {
        Value::Number(number) => number.as_u64().or_else(|| ended(number.as_f64()?)),
        Value::String(text) => text.parse().ok().or_else(|| ended(text.parse().ok()?)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let seconds = number(expires_in_sec).or_else(|| {
        number(expires_in).map(|number| if number > SECONDS_MAX { number / 1000 } else { number })
    });
    seconds.map_or(HOUR, Duration::from_secs).clamp(LEAST, MOST)
}

/// Scopes are separated by blanks or commas; what is no scope is left out.
fn scopes(given: &Value) -> Option<Vec<String>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._".contains(&byte);
    let is_scope = |word: &&str| (1..=SCOPE_MAX).contains(&word.len()) && word.bytes().all(plain);
    let words = given.as_str()?.split([' ', ',']);
    Some(words.filter(is_scope).take(SCOPES_MAX).map(str::to_owned).collect())
}

#[cfg(test)]
#[path = "grant_tests.rs"]
mod tests;
