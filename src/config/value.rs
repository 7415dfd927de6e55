//! The values of settings, read from text. Every reader gives back what is wrong, in words.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::answer::UserInfo;
use crate::domain::id::RecordId;

/// A base URL: scheme, host and perhaps a port, nothing else. Plain http only on loopback.
///
/// Read by a grammar so narrow that no two URL parsers can differ about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// `https://host` or `https://host:port`, in lower case, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str =
            "a base URL is https://HOST or https://HOST:PORT, without a path, a user or a query";
        let form = || FORM.to_owned();
        let lower = text.to_ascii_lowercase();
        let (scheme, rest) = lower.split_once("://").ok_or_else(form)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.rfind(':') {
            // The last colon is the port's, unless it lies within an IPv6 address's brackets.
            Some(colon) if !authority.ends_with(']') => {
                let (host, port) = authority.split_at(colon);
                (host, port.strip_prefix(':'))
            }
            Some(_) | None => (authority, None),
        };
        if port.is_some_and(|port| !is_port(port)) {
            return Err(form());
        }
        let loopback = is_loopback(host).ok_or_else(form)?;
        match scheme {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err("http is allowed only on this machine: use https".to_owned()),
            _ => return Err(form()),
        }
        Ok(Self(format!("{scheme}://{authority}")))
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0')
        && text.parse::<u16>().is_ok()
}

/// Whether the host is this machine; `None` when it is no host name or address at all.
fn is_loopback(host: &str) -> Option<bool> {
    if let Some(address) = host.strip_prefix('[') {
        let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
        return Some(address.is_loopback());
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(address).is_loopback());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.len() > 253 || !host.split('.').all(label) {
        return None;
    }
    // `127.1` and `0x7f.1` are addresses to some parsers and names to others: no host of ours.
    let last = host.rsplit('.').next()?;
    if last.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    Some(host == "localhost")
}

/// A Zoho user, by id or by e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceUser {
    /// Zoho's id of the user.
    Id(RecordId),
    /// The address that the user signs in with.
    Email(String),
}

impl ServiceUser {
    /// Whether it is this user; `None` where Zoho did not say enough to tell.
    pub fn is(&self, user: &UserInfo) -> Option<bool> {
        match self {
            Self::Id(id) => Some(*id == user.id),
            Self::Email(email) => user.email.as_ref().map(|own| own.eq_ignore_ascii_case(email)),
        }
    }
}

impl fmt::Display for ServiceUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Email(email) => f.write_str(email),
        }
    }
}

impl FromStr for ServiceUser {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        /// RFC 5321 §4.5.3.1.3: a path has at most 256 octets, its brackets included.
        const LONGEST_EMAIL: usize = 254;
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let plain = |part: &str| {
            !part.is_empty()
                && part.chars().all(|one| one.is_alphanumeric() || "._+-'".contains(one))
        };
        let parts = text.split_once('@');
        if text.len() <= LONGEST_EMAIL
            && parts.is_some_and(|(name, host)| plain(name) && plain(host))
        {
            return Ok(Self::Email(text.to_owned()));
        }
        Err(format!(
            "{} is neither Zoho's id of a user (10 to 19 digits) nor an e-mail address",
            quoted(text)
        ))
    }
}

/// A span of time as people write it: `30s`, `2m`, `1h 30m`, `30d`.
pub(super) fn duration(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let value = humantime::parse_duration(text).map_err(|_| {
        format!(
            "{} is no duration: write a number with its unit, as in 30s, 2m or 30d",
            quoted(text)
        )
    })?;
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(format!(
        "{} is out of range: from {} to {}",
        quoted(text),
        humantime::format_duration(least),
        humantime::format_duration(most)
    ))
}

/// A whole number within bounds.
pub(super) fn number(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && (least..=most).contains(number)).ok_or_else(|| {
        if most == u64::MAX {
            format!("{} is not a whole number from {least} on", quoted(text))
        } else {
            format!("{} is not a whole number from {least} to {most}", quoted(text))
        }
    })
}

/// A file's path. Only a shell expands `~`; in a file it would become a directory of that name.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text == "~" || text.starts_with("~/") {
        return Err(format!(
            "{} begins with ~, which only a shell expands: write the whole path",
            quoted(text)
        ));
    }
    if text.contains('\0') {
        return Err("a path cannot hold a NUL".to_owned());
    }
    Ok(PathBuf::from(text))
}

/// A profile's name, which becomes part of a file name.
pub(super) fn profile(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fine =
        (1..=64).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with(['.', '-']);
    if fine {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{} is no profile name: use up to 64 letters, digits, dots, dashes and underscores, beginning with a letter, a digit or an underscore",
            quoted(text)
        ))
    }
}

/// What was given, short and harmless, in quotes.
pub(super) fn quoted(text: &str) -> String {
    let shown: String = text.escape_debug().take(60).collect();
    format!("\"{shown}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_plain_or_refused() {
        let read = |text: &str| text.parse::<BaseUrl>().map(|url| url.0);
        for (given, taken) in [
            ("https://www.zohoapis.eu", "https://www.zohoapis.eu"),
            ("HTTPS://WWW.ZohoApis.eu/", "https://www.zohoapis.eu"),
            ("https://proxy.example:8443", "https://proxy.example:8443"),
            ("http://127.0.0.1:40123", "http://127.0.0.1:40123"),
            ("http://localhost:80", "http://localhost:80"),
            ("http://[::1]:9", "http://[::1]:9"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ] {
            assert_eq!(read(given).as_deref(), Ok(taken));
        }
        for wrong in [
            "",
            "www.zohoapis.eu",
            "ftp://www.zohoapis.eu",
            "http://www.zohoapis.eu",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "https://www.zohoapis.eu/crm",
            "https://www.zohoapis.eu//",
            "https://www.zohoapis.eu?x=1",
            "https://www.zohoapis.eu#x",
            "https://user:pass@www.zohoapis.eu",
            "https://www.zohoapis.eu\\@evil.example",
            "https://www.zohoapis.eu:",
            "https://www.zohoapis.eu:0",
            "https://www.zohoapis.eu:65536",
            "https://www.zohoapis.eu:+80",
            "https://www.zohoapis.eu.",
            "https://www.zohoapis .eu",
            "https://www.zohöapis.eu",
            "https://127.1",
            "https://0x7f.0x1",
            "https://2130706433",
            "https://[::1",
            "https://::1",
            "https://",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        let error = "https://me:hunter2@host".parse::<BaseUrl>().unwrap_err();
        assert!(!error.contains("hunter2"));
    }

    #[test]
    fn a_service_user_is_an_id_or_an_address() {
        let user = |id: &str, email: Option<&str>| UserInfo {
            id: id.parse().unwrap(),
            name: None,
            email: email.map(str::to_owned),
            profile: None,
        };
        let ann = user("4876876000000624002", Some("Ann@example.com"));
        let read = |text: &str| text.parse::<ServiceUser>();
        assert_eq!(read("4876876000000624002").unwrap().is(&ann), Some(true));
        assert_eq!(read("4876876000000624003").unwrap().is(&ann), Some(false));
        assert_eq!(read("ann@EXAMPLE.com").unwrap().is(&ann), Some(true));
        assert_eq!(read("bob@example.com").unwrap().is(&ann), Some(false));
        assert_eq!(read("bob@example.com").unwrap().is(&user("4876876000000624002", None)), None);
        for wrong in ["", "ann", "123", "@example.com", "ann@", "a b@example.com", "a@b@c", "a@\n"]
        {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn durations_have_units_and_bounds() {
        let read = |text| duration(text, Duration::from_secs(1), Duration::from_hours(1));
        assert_eq!(read("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(read("1m 30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "30", "0s", "2h", "-5s", "soon", "999999999999999999999d"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_whole_and_within_bounds() {
        assert_eq!(number("10", 1, 64), Ok(10));
        for wrong in ["", "0", "65", "+5", "-5", "1e3", "5 ", "99999999999999999999"] {
            assert!(number(wrong, 1, 64).is_err(), "{wrong}");
        }
    }

    #[test]
    fn profile_names_cannot_leave_their_directory() {
        for fine in ["default", "acme-eu", "sandbox_2", "a.b"] {
            assert!(profile(fine).is_ok(), "{fine}");
        }
        for wrong in ["", ".", "..", "../x", "a/b", "-x", ".hidden", "a b", "é", "a\0"] {
            assert!(profile(wrong).is_err(), "{wrong:?}");
        }
        assert!(profile(&"a".repeat(65)).is_err());
    }

    #[test]
    fn a_tilde_is_no_path() {
        assert!(path("~/journal.db").is_err());
        assert_eq!(path("/data/~x.db"), Ok(PathBuf::from("/data/~x.db")));
    }
}
