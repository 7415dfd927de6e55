//! Time as Zoho writes it. The simulator takes the time from its configuration only.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};

/// One day, in milliseconds.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Zoho answers in the user's time zone (CRM v2 Get Deleted Records page: `+05:30`).
const OFFSET_SECONDS: i32 = 19_800;

/// ISO 8601 with whole seconds and an offset, the form in all of Zoho's samples.
pub(crate) fn zoho_time(ms: i64) -> String {
    let utc = utc(ms);
    FixedOffset::east_opt(OFFSET_SECONDS).map_or_else(
        || utc.to_rfc3339_opts(SecondsFormat::Secs, false),
        |zone| utc.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false),
    )
}

/// The form of the `Date` header.
pub(crate) fn http_date(ms: i64) -> String {
    utc(ms).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads RFC 3339, as `If-Modified-Since` carries it; `None` for anything else.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

fn utc(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_the_samples_of_zoho() {
        assert_eq!(zoho_time(1_434_692_978_999), "2015-06-19T11:19:38+05:30");
        assert_eq!(http_date(1_434_692_978_000), "Fri, 19 Jun 2015 05:49:38 GMT");
    }

    #[test]
    fn a_time_is_read_with_any_offset_and_nothing_else_is() {
        assert_eq!(parse_time("2015-06-19T11:19:38+05:30"), parse_time("2015-06-19T05:49:38Z"));
        assert_eq!(parse_time("Fri, 19 Jun 2015 05:49:38 GMT"), None);
        assert_eq!(parse_time(""), None);
    }
}
