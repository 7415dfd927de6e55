//! Zoho's hosts: a closed list, one line a data centre.
//!
//! A token is worth an org's data, so it goes to a host on this list or to one that the user named, and
//! never to one that only an answer named.

use crate::domain::target::{DataCenter, Environment};

/// The hosts of one data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hosts {
    /// The data centre.
    pub data_center: DataCenter,
    /// Where tokens are issued.
    pub accounts: &'static str,
    /// The API of live orgs.
    pub production: &'static str,
    /// The API of sandboxes; `None` where no source names it.
    pub sandbox: Option<&'static str>,
    /// The API of developer edition orgs; `None` where no source names it.
    pub developer: Option<&'static str>,
}

const fn hosts(
    data_center: DataCenter,
    accounts: &'static str,
    production: &'static str,
    sandbox: &'static str,
    developer: &'static str,
) -> Hosts {
    Hosts { data_center, accounts, production, sandbox: Some(sandbox), developer: Some(developer) }
}

/// Every host there is.
///
/// Sources: the data centre classes of Zoho's Python SDK 8.0 (`dc/*_data_center.py`) for all but the
/// United Kingdom. Of that one the accounts host stands on the accounts page "Multi-DC support", the
/// API host is what public clients use, and a sandbox host is named nowhere.
#[rustfmt::skip]
pub const HOSTS: &[Hosts] = &[
    hosts(DataCenter::Us, "accounts.zoho.com",    "www.zohoapis.com",    "sandbox.zohoapis.com",    "developer.zohoapis.com"),
    hosts(DataCenter::Eu, "accounts.zoho.eu",     "www.zohoapis.eu",     "sandbox.zohoapis.eu",     "developer.zohoapis.eu"),
    hosts(DataCenter::In, "accounts.zoho.in",     "www.zohoapis.in",     "sandbox.zohoapis.in",     "developer.zohoapis.in"),
    hosts(DataCenter::Au, "accounts.zoho.com.au", "www.zohoapis.com.au", "sandbox.zohoapis.com.au", "developer.zohoapis.com.au"),
    hosts(DataCenter::Cn, "accounts.zoho.com.cn", "www.zohoapis.com.cn", "sandbox.zohoapis.com.cn", "developer.zohoapis.com.cn"),
    hosts(DataCenter::Jp, "accounts.zoho.jp",     "www.zohoapis.jp",     "sandbox.zohoapis.jp",     "developer.zohoapis.jp"),
    hosts(DataCenter::Ca, "accounts.zohocloud.ca", "www.zohoapis.ca",    "sandbox.zohoapis.ca",     "developer.zohoapis.ca"),
    hosts(DataCenter::Sa, "accounts.zoho.sa",     "www.zohoapis.sa",     "sandbox.zohoapis.sa",     "developer.zohoapis.sa"),
    Hosts { data_center: DataCenter::Uk, accounts: "accounts.zoho.uk", production: "www.zohoapis.uk", sandbox: None, developer: None },
];

impl Hosts {
    /// The hosts of a data centre.
    pub fn of(data_center: DataCenter) -> Option<&'static Self> {
        HOSTS.iter().find(|row| row.data_center == data_center)
    }

    /// The API host of one environment; `None` where no source names it.
    pub fn api(&self, environment: Environment) -> Option<&'static str> {
        match environment {
            Environment::Production => Some(self.production),
            Environment::Sandbox => self.sandbox,
            Environment::Developer => self.developer,
        }
    }
}

/// Which data centre and environment a token answer's `api_domain` stands for.
///
/// Only the exact text `https://` and a listed host passes: no port, path, final slash or dot, no
/// capital letter. Nothing is parsed, so nothing can be parsed in two ways.
pub fn identify_api_domain(api_domain: &str) -> Option<(DataCenter, Environment)> {
    let host = api_domain.strip_prefix("https://")?;
    HOSTS.iter().find_map(|row| {
        Environment::ALL
            .iter()
            .find(|environment| row.api(**environment) == Some(host))
            .map(|environment| (row.data_center, *environment))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What an attacker, or a careless proxy, could make of a listed host.
    pub(crate) const HOSTILE: &[&str] = &[
        // Nothing, and other schemes.
        "",
        " ",
        "https://",
        "www.zohoapis.com",
        "//www.zohoapis.com",
        "http://www.zohoapis.com",
        "ftp://www.zohoapis.com",
        "file:///etc/passwd",
        "javascript://www.zohoapis.com",
        "https:www.zohoapis.com",
        "https:/www.zohoapis.com",
        "https:///www.zohoapis.com",
        "https:\\\\www.zohoapis.com",
        // A listed name as a part of another.
        "https://www.zohoapis.com.evil.example",
        "https://www.zohoapis.com-evil.example",
        "https://www.zohoapis.comevil",
        "https://evilwww.zohoapis.com",
        "https://evil-zohoapis.com",
        "https://zohoapis.com",
        "https://api.www.zohoapis.com",
        "https://www.zohoapis.co",
        "https://www.zohoapis.org",
        "https://www.zohoapis.com.uk",
        "https://sandbox.zohoapis.uk",
        "https://staging.zohoapis.com",
        "https://accounts.zoho.com",
        "https://*.zohoapis.com",
        // User information.
        "https://www.zohoapis.com@evil.example",
        "https://www.zohoapis.com:pw@evil.example",
        "https://evil.example#@www.zohoapis.com",
        "https://user@www.zohoapis.com",
        "https://evil.example\\@www.zohoapis.com",
        // Ports, paths, queries.
        "https://www.zohoapis.com:443",
        "https://www.zohoapis.com:8443",
        "https://www.zohoapis.com:",
        "https://www.zohoapis.com/",
        "https://www.zohoapis.com/crm",
        "https://www.zohoapis.com/..",
        "https://www.zohoapis.com?x",
        "https://www.zohoapis.com#x",
        "https://evil.example/https://www.zohoapis.com",
        // Spelling.
        "https://www.zohoapis.com.",
        "https://www.zohoapis..com",
        "https://.www.zohoapis.com",
        "https://WWW.zohoapis.com",
        "HTTPS://www.zohoapis.com",
        "https://www.ZohoAPIs.eu",
        " https://www.zohoapis.com",
        "https://www.zohoapis.com ",
        "https://www.zohoapis.com\n",
        "https://www.zohoapis.com\0",
        "https://www.zoho\tapis.com",
        "https://www.zohoapis%2ecom",
        "https://www.zohoapis%00.com",
        // Other alphabets and their encodings.
        "https://www.zohоapis.com",
        "https://www。zohoapis。com",
        "https://www.zohoapis.ｃom",
        "https://www.xn--zohapis-9jg.com",
        // Addresses.
        "https://127.0.0.1",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "https://2130706433",
        "https://0x7f.1",
        "https://localhost",
        "https://169.254.169.254",
    ];

    #[test]
    fn every_data_centre_has_its_own_hosts() {
        let mut all: Vec<&str> = Vec::new();
        for data_center in DataCenter::ALL {
            let hosts = Hosts::of(*data_center).unwrap();
            all.push(hosts.accounts);
            all.extend(Environment::ALL.iter().filter_map(|one| hosts.api(*one)));
        }
        let listed = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((listed, all.len()), (34, 34));
        assert_eq!(Hosts::of(DataCenter::Ca).unwrap().accounts, "accounts.zohocloud.ca");
    }

    #[test]
    fn a_listed_api_domain_names_data_centre_and_environment() {
        assert_eq!(
            identify_api_domain("https://www.zohoapis.com"),
            Some((DataCenter::Us, Environment::Production))
        );
        assert_eq!(
            identify_api_domain("https://sandbox.zohoapis.com.au"),
            Some((DataCenter::Au, Environment::Sandbox))
        );
    }

    #[test]
    fn no_other_spelling_of_an_api_domain_is_accepted() {
        assert!(HOSTILE.len() >= 50);
        for text in HOSTILE {
            assert_eq!(identify_api_domain(text), None, "{text:?}");
        }
    }
}
