//! Which Zoho an action is meant for: product, API version, data centre, environment, origin.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A word that a closed set of names does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{given}\" is no {what}: choose one of {allowed}")]
pub struct UnknownName {
    /// What was expected, in words.
    pub what: &'static str,
    /// What was given.
    pub given: String,
    /// The names there are, joined by commas.
    pub allowed: String,
}

/// Declares a closed set of names: one enum, its wire names, and the way back.
macro_rules! named_set {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$vdoc:meta])* $variant:ident = $wire:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $wire)] $variant,)+
        }

        impl $name {
            /// Every member, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name as it is written in flags, JSON, CSV and the log.
            pub const fn wire_name(self) -> &'static str {
                match self { $(Self::$variant => $wire,)+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.wire_name())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::domain::target::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|one| one.wire_name() == text).ok_or_else(|| {
                    $crate::domain::target::UnknownName {
                        what: $what,
                        given: text.escape_debug().take(60).collect(),
                        allowed: Self::ALL.iter().map(|one| one.wire_name()).collect::<Vec<_>>().join(", "),
                    }
                })
            }
        }
    };
}
pub(crate) use named_set;

named_set!(
    /// The product whose API is spoken.
    Product, "product", {
        /// Zoho CRM, paths under `/crm/`.
        Crm = "crm",
        /// Bigin, paths under `/bigin/`.
        Bigin = "bigin",
    }
);

named_set!(
    /// The version of the REST API that the write calls use. Reads of the recycle bin always use v8.
    ApiVersion, "API version", {
        /// v1, Bigin only.
        V1 = "v1",
        /// v2.
        V2 = "v2",
        /// v2.1.
        V2_1 = "v2.1",
        /// v3.
        V3 = "v3",
        /// v4.
        V4 = "v4",
        /// v5.
        V5 = "v5",
        /// v6.
        V6 = "v6",
        /// v7.
        V7 = "v7",
        /// v8, the default for CRM.
        V8 = "v8",
    }
);

named_set!(
    /// The data centre an org lives in. Tokens are bound to one.
    DataCenter, "data centre", {
        /// United States.
        Us = "us",
        /// European Union.
        Eu = "eu",
        /// India.
        In = "in",
        /// Australia.
        Au = "au",
        /// China.
        Cn = "cn",
        /// Japan.
        Jp = "jp",
        /// Canada.
        Ca = "ca",
        /// Saudi Arabia.
        Sa = "sa",
        /// United Kingdom.
        Uk = "uk",
    }
);

named_set!(
    /// Which of an org's environments is meant. A journal belongs to exactly one.
    Environment, "environment", {
        /// The live org.
        Production = "production",
        /// A sandbox of the org.
        Sandbox = "sandbox",
        /// A developer edition org.
        Developer = "developer",
    }
);

/// Where calls go: `loopback` for every address of this machine, else scheme, host and port.
///
/// A journal is pinned to one origin, so that what was rehearsed against a simulator can never be
/// sent to the real Zoho, and the other way round.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiOrigin(String);

impl ApiOrigin {
    /// The one origin that all loopback addresses and ports share.
    pub fn loopback() -> Self {
        Self("loopback".to_owned())
    }

    /// An origin elsewhere: `https://www.zohoapis.eu`, with the port only where it is not the scheme's own.
    pub fn remote(scheme: &str, host: &str, port: Option<u16>) -> Self {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Self(format!("{scheme}://{}{port}", host.to_ascii_lowercase()))
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a rehearsal against a program on this machine.
    pub fn is_loopback(&self) -> bool {
        self.0 == "loopback"
    }
}

impl fmt::Display for ApiOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything about a target that is known before the first contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The data centre.
    pub data_center: DataCenter,
    /// The environment.
    pub environment: Environment,
    /// Where calls go.
    pub api_origin: ApiOrigin,
}

impl ApiVersion {
    /// Whether the product offers this version at all.
    pub fn is_offered_by(self, product: Product) -> bool {
        match product {
            Product::Crm => self != Self::V1,
            Product::Bigin => matches!(self, Self::V1 | Self::V2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_are_pinned() {
        let names = |all: &[&'static str]| all.join(" ");
        assert_eq!(
            names(&DataCenter::ALL.iter().map(|one| one.wire_name()).collect::<Vec<_>>()),
            "us eu in au cn jp ca sa uk"
        );
        assert_eq!(
            names(&Environment::ALL.iter().map(|one| one.wire_name()).collect::<Vec<_>>()),
            "production sandbox developer"
        );
        assert_eq!(
            names(&ApiVersion::ALL.iter().map(|one| one.wire_name()).collect::<Vec<_>>()),
            "v1 v2 v2.1 v3 v4 v5 v6 v7 v8"
        );
        assert_eq!(serde_json::to_string(&ApiVersion::V2_1).unwrap(), "\"v2.1\"");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "mars".parse::<Environment>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"mars\" is no environment: choose one of production, sandbox, developer"
        );
    }
}
