//! Where calls go: the list's hosts, or base URLs that the user wrote down.

use std::net::IpAddr;

use reqwest::Url;

use crate::domain::target::{ApiOrigin, DataCenter, Environment};
use crate::zoho::hosts::{Hosts, identify_api_domain};

/// The variable that overrides the API's base URL.
const API_URL: &str = "JOURNAL_API_URL";
/// The variable that overrides the base URL of the accounts server.
const ACCOUNTS_URL: &str = "JOURNAL_ACCOUNTS_URL";

/// The API and accounts servers of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    api: Url,
    accounts: Url,
    origin: ApiOrigin,
    data_center: DataCenter,
    environment: Environment,
    api_is_overridden: bool,
}

/// Why no endpoint came about. Nothing was contacted; the settings must change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The text is no http or https URL.
    #[error(
        "{variable}: \"{given}\" is not a base URL: write it as https://host or https://host:port"
    )]
    NotAUrl {
        /// The variable it came from.
        variable: &'static str,
        /// What was given, shortened.
        given: String,
    },
    /// The URL holds a user name or password. It is not shown.
    #[error("{variable} holds an @: write only https://host, credentials go elsewhere")]
    Credentials {
        /// The variable it came from.
        variable: &'static str,
    },
    /// The URL has a path, a query, or a spelling that different programs read differently.
    #[error("{variable}: \"{given}\" is not a plain base URL: write it as {plain}")]
    NotPlain {
        /// The variable it came from.
        variable: &'static str,
        /// What was given, shortened.
        given: String,
        /// The plain form of it.
        plain: String,
    },
    /// Unencrypted, and not to this machine.
    #[error("{variable}: http is for 127.0.0.1, [::1] and localhost only: write it as {https}")]
    Unencrypted {
        /// The variable it came from.
        variable: &'static str,
        /// The encrypted form.
        https: String,
    },
    /// A rehearsal's API with a real accounts server, or the other way round.
    #[error(
        "{API_URL} and {ACCOUNTS_URL} must both lie on this machine or both elsewhere: a rehearsal's token is no use at Zoho, and Zoho's must not reach a rehearsal"
    )]
    HalfLoopback,
    /// No source names this host.
    #[error(
        "no {environment} host is known for the data centre {data_center}: set {API_URL} to the one that Zoho shows, as https://host"
    )]
    UnknownHost {
        /// The data centre.
        data_center: DataCenter,
        /// The environment.
        environment: Environment,
    },
    /// The token answer names a host that is not Zoho's. The token must be thrown away.
    #[error(
        "the token answer's api_domain \"{given}\" is none of Zoho's hosts; if it is right, set {API_URL} to it"
    )]
    UnlistedApiDomain {
        /// What the answer said, shortened.
        given: String,
    },
    /// The token belongs to another data centre or environment.
    #[error(
        "the token is for data centre {data_center}, environment {environment}: set JOURNAL_DATA_CENTER={data_center} and JOURNAL_ENVIRONMENT={environment}, or sign in to the other one"
    )]
    OtherTarget {
        /// The token's data centre.
        data_center: DataCenter,
        /// The token's environment.
        environment: Environment,
    },
}

impl Endpoint {
    /// The endpoint of a data centre and environment; overrides win over its hosts.
    ///
    /// With only the API overridden, and by an address of this machine, the accounts server is taken to
    /// be there too, so that no rehearsal ever asks Zoho for a token.
    pub fn new(
        data_center: DataCenter,
        environment: Environment,
        api_override: Option<&str>,
        accounts_override: Option<&str>,
    ) -> Result<Self, EndpointError> {
        let unknown = || EndpointError::UnknownHost { data_center, environment };
        let hosts = Hosts::of(data_center).ok_or_else(unknown)?;
        let api = match api_override {
            Some(text) => base_url(API_URL, text)?,
            None => listed(hosts.api(environment).ok_or_else(unknown)?).ok_or_else(unknown)?,
        };
        let accounts = match accounts_override {
            Some(text) => base_url(ACCOUNTS_URL, text)?,
            None if is_loopback(&api) => api.clone(),
            None => listed(hosts.accounts).ok_or_else(unknown)?,
        };
        if is_loopback(&api) != is_loopback(&accounts) {
            return Err(EndpointError::HalfLoopback);
        }
        let origin = if is_loopback(&api) {
            ApiOrigin::loopback()
        } else {
            ApiOrigin::remote(api.scheme(), api.host_str().unwrap_or_default(), api.port())
        };
        Ok(Self {
            api,
            accounts,
            origin,
            data_center,
            environment,
            api_is_overridden: api_override.is_some(),
        })
    }

    /// The API's base URL, without a final slash: `https://www.zohoapis.eu`.
    pub fn api(&self) -> &str {
        plain(&self.api)
    }

    /// The accounts server's base URL, without a final slash: `https://accounts.zoho.eu`.
    pub fn accounts(&self) -> &str {
        plain(&self.accounts)
    }

    /// The origin that a journal is pinned to; all addresses of this machine share one.
    pub fn origin(&self) -> &ApiOrigin {
        &self.origin
    }

    /// Whether no connection is encrypted, which only happens within this machine.
    pub(crate) fn is_without_tls(&self) -> bool {
        self.api.scheme() == "http" && self.accounts.scheme() == "http"
    }

    /// Checks what a token answer says about where its token belongs. It never changes where calls go:
    /// a user's own base URL wins over it, and else it must name the very host of this endpoint.
    pub fn check_api_domain(&self, api_domain: &str) -> Result<(), EndpointError> {
        if self.api_is_overridden {
            return Ok(());
        }
        let (data_center, environment) = identify_api_domain(api_domain)
            .ok_or_else(|| EndpointError::UnlistedApiDomain { given: shortened(api_domain) })?;
        if (data_center, environment) == (self.data_center, self.environment) {
            Ok(())
        } else {
            Err(EndpointError::OtherTarget { data_center, environment })
        }
    }
}

fn listed(host: &str) -> Option<Url> {
    Url::parse(&format!("https://{host}")).ok()
}

fn plain(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

/// Reads a base URL strictly.
///
/// URL parsers repair a lot (capital letters, backslashes, tabs, numbers as addresses, other alphabets),
/// and two of them may repair differently. So the text must already be what it is repaired to.
fn base_url(variable: &'static str, text: &str) -> Result<Url, EndpointError> {
    // Before anything is echoed: what stands before an @ may be a password.
    if text.contains('@') {
        return Err(EndpointError::Credentials { variable });
    }
    let not_a_url = || EndpointError::NotAUrl { variable, given: shortened(text) };
    let mut url = Url::parse(text).map_err(|_| not_a_url())?;
    let host = url.host_str().unwrap_or_default().to_owned();
    if !matches!(url.scheme(), "http" | "https") || host.trim_end_matches('.').is_empty() {
        return Err(not_a_url());
    }
    url.set_path("");
    url.set_query(None);
    url.set_fragment(None);
    if text.strip_suffix('/').unwrap_or(text) != plain(&url) || host.ends_with('.') {
        return Err(EndpointError::NotPlain {
            variable,
            given: shortened(text),
            plain: plain(&url).trim_end_matches('.').to_owned(),
        });
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(EndpointError::Unencrypted {
            variable,
            https: plain(&url).replacen("http:", "https:", 1),
        });
    }
    Ok(url)
}

/// Whether a base URL leads to this machine, to whoever listens there.
pub(crate) fn is_on_this_machine(base: &str) -> bool {
    Url::parse(base).is_ok_and(|url| is_loopback(&url))
}

/// Whether the host is this machine: 127.0.0.0/8, `::1` or the name `localhost`, which the client
/// resolves by itself and not through DNS.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn shortened(text: &str) -> String {
    text.escape_debug().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_api(text: &str) -> Result<Endpoint, EndpointError> {
        Endpoint::new(DataCenter::Eu, Environment::Production, Some(text), None)
    }

    #[test]
    fn hosts_come_from_data_centre_and_environment() {
        let endpoint = Endpoint::new(DataCenter::Au, Environment::Sandbox, None, None).unwrap();
        assert_eq!(endpoint.api(), "https://sandbox.zohoapis.com.au");
        assert_eq!(endpoint.accounts(), "https://accounts.zoho.com.au");
        assert_eq!(endpoint.origin().as_str(), "https://sandbox.zohoapis.com.au");
        assert!(!endpoint.is_without_tls());
    }

    #[test]
    fn a_host_that_no_source_names_must_be_given() {
        let error = Endpoint::new(DataCenter::Uk, Environment::Sandbox, None, None).unwrap_err();
        assert!(error.to_string().contains("set JOURNAL_API_URL"), "{error}");
    }

    #[test]
    fn all_of_this_machine_is_one_origin() {
        for text in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:1",
            "http://localhost:3000/",
            "https://localhost",
        ] {
            let endpoint = with_api(text).unwrap();
            assert!(endpoint.origin().is_loopback(), "{text}");
            assert_eq!(endpoint.accounts(), endpoint.api(), "{text}");
        }
    }

    #[test]
    fn a_plain_remote_base_url_is_its_own_origin() {
        let endpoint = with_api("https://zoho-gateway.example:8443").unwrap();
        assert_eq!(endpoint.origin().as_str(), "https://zoho-gateway.example:8443");
        assert_eq!(endpoint.accounts(), "https://accounts.zoho.eu");
    }

    #[test]
    fn errors_say_what_to_write_instead() {
        let cases = [
            ("https://api.example/crm", "write it as https://api.example"),
            ("https://api.example?x=1", "write it as https://api.example"),
            ("https://api.example#x", "write it as https://api.example"),
            ("https://API.example", "write it as https://api.example"),
            ("https://api.example:443", "write it as https://api.example"),
            ("https://api.example.", "write it as https://api.example"),
            ("https://api.example//", "write it as https://api.example"),
            ("https:api.example", "write it as https://api.example"),
            ("https:\\\\api.example", "write it as https://api.example"),
            (" https://api.example", "write it as https://api.example"),
            ("https://аpi.example", "write it as https://xn--pi-6kc.example"),
            ("http://api.example", "write it as https://api.example"),
            ("http://0.0.0.0", "write it as https://0.0.0.0"),
            ("http://localhost.evil.example", "write it as https://localhost.evil.example"),
            ("http://[::ffff:127.0.0.1]", "write it as"),
            ("http://2130706433", "write it as http://127.0.0.1"),
            ("api.example", "write it as https://host"),
            ("localhost:8080", "write it as https://host"),
            ("file:///etc/passwd", "write it as https://host"),
            ("https://", "write it as https://host"),
            ("", "write it as https://host"),
        ];
        for (text, hint) in cases {
            let error = with_api(text).expect_err(text).to_string();
            assert!(error.starts_with("JOURNAL_API_URL"), "{error}");
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_shown() {
        for text in ["https://me:hunter2@api.example", "https://hunter2@", "hunter2@x"] {
            let error = with_api(text).unwrap_err();
            assert_eq!(error, EndpointError::Credentials { variable: "JOURNAL_API_URL" });
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_rehearsal_and_the_real_zoho_never_share_tokens() {
        let both = |api: Option<&str>, accounts: Option<&str>| {
            Endpoint::new(DataCenter::Us, Environment::Production, api, accounts)
        };
        let local = Some("http://127.0.0.1:1");
        assert_eq!(both(None, local), Err(EndpointError::HalfLoopback));
        assert_eq!(
            both(local, Some("https://accounts.zoho.com")),
            Err(EndpointError::HalfLoopback)
        );
        assert!(both(local, Some("http://localhost:2")).is_ok());
    }

    #[test]
    fn an_api_domain_never_moves_an_endpoint() {
        let endpoint = Endpoint::new(DataCenter::Eu, Environment::Sandbox, None, None).unwrap();
        assert_eq!(endpoint.check_api_domain("https://sandbox.zohoapis.eu"), Ok(()));
        assert_eq!(
            endpoint.check_api_domain("https://www.zohoapis.eu"),
            Err(EndpointError::OtherTarget {
                data_center: DataCenter::Eu,
                environment: Environment::Production
            })
        );
        assert!(matches!(
            endpoint.check_api_domain("https://www.zohoapis.eu.evil.example"),
            Err(EndpointError::UnlistedApiDomain { .. })
        ));
        assert_eq!(
            with_api("http://127.0.0.1:9").unwrap().check_api_domain("https://www.zohoapis.com"),
            Ok(())
        );
    }
}
