//! What an answer's headers tell: Zoho's clock, when to come again, what is left of the day's credits.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::domain::time::Timestamp;

/// Sent once half of the day's credits are used (CRM API Limits page).
const CREDITS_REMAINING: HeaderName = HeaderName::from_static("x-api-credits-remaining");

/// The headers that are looked at; what is missing or malformed is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Told {
    /// `Date`.
    pub(super) date: Option<Timestamp>,
    /// `Retry-After`, counted from the answer's arrival. Zoho documents none; a gateway may send it.
    pub(super) retry_after: Option<Duration>,
    /// `X-API-CREDITS-REMAINING`.
    pub(super) credits_remaining: Option<u64>,
}

/// Reads the headers of an answer that arrived at `now`.
pub(super) fn told(headers: &HeaderMap, now: Timestamp) -> Told {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let date = text(DATE).and_then(http_date);
    let retry_after = text(RETRY_AFTER).and_then(|value| match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // Both ends by the sender's clock where it tells it: ours may be wrong.
        Err(_) => http_date(value).map(|then| then.since(date.unwrap_or(now))),
    });
    Told {
        date,
        retry_after,
        credits_remaining: text(CREDITS_REMAINING).and_then(|value| value.parse().ok()),
    }
}

/// RFC 9110's preferred form: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Told {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        told(&headers, "2026-08-22T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn retry_after_comes_in_two_forms() {
        assert_eq!(read(&[("retry-after", "120")]).retry_after, Some(Duration::from_mins(2)));
        assert_eq!(
            read(&[("retry-after", "Sat, 22 Aug 2026 10:00:30 GMT")]).retry_after,
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            read(&[
                ("date", "Sat, 22 Aug 2026 12:00:00 GMT"),
                ("retry-after", "Sat, 22 Aug 2026 12:00:10 GMT")
            ])
            .retry_after,
            Some(Duration::from_secs(10))
        );
        assert_eq!(
            read(&[("retry-after", "Sat, 22 Aug 2020 10:00:30 GMT")]).retry_after,
            Some(Duration::ZERO)
        );
        for nonsense in ["soon", "-1", "1.5", "", "99999999999999999999"] {
            assert_eq!(read(&[("retry-after", nonsense)]).retry_after, None);
        }
    }

    #[test]
    fn date_and_credits_are_read_where_they_are_given() {
        let told =
            read(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("x-api-credits-remaining", "4711")]);
        assert_eq!(told.date.unwrap().to_string(), "1994-11-06T08:49:37.000Z");
        assert_eq!(told.credits_remaining, Some(4711));
        assert_eq!(read(&[]), Told::default());
    }
}
