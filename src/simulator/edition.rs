//! Zoho's editions, and how many calls each allows.

use std::fmt;
use std::str::FromStr;

/// An edition of Zoho CRM or of Bigin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edition {
    /// CRM, free.
    Free,
    /// CRM Standard.
    Standard,
    /// CRM Professional.
    Professional,
    /// CRM Enterprise.
    Enterprise,
    /// CRM Ultimate.
    Ultimate,
    /// Bigin, free.
    BiginFree,
    /// Bigin Express.
    BiginExpress,
    /// Bigin Premier.
    BiginPremier,
}

/// The text is no edition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an edition: {all}", all = Edition::names())]
pub struct EditionError(String);

impl Edition {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Free,
        Self::Standard,
        Self::Professional,
        Self::Enterprise,
        Self::Ultimate,
        Self::BiginFree,
        Self::BiginExpress,
        Self::BiginPremier,
    ];

    /// Its name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Standard => "standard",
            Self::Professional => "professional",
            Self::Enterprise => "enterprise",
            Self::Ultimate => "ultimate",
            Self::BiginFree => "bigin-free",
            Self::BiginExpress => "bigin-express",
            Self::BiginPremier => "bigin-premier",
        }
    }

    /// How many API calls may be under way at once (CRM API Limits page, Zoho's Kaizen 93). Bigin's
    /// page has such a limit and no number: that of the CRM edition with the same credits is taken.
    pub const fn concurrency_limit(self) -> usize {
        match self {
            Self::Free | Self::BiginFree => 5,
            Self::Standard | Self::BiginExpress | Self::BiginPremier => 10,
            Self::Professional => 15,
            Self::Enterprise => 20,
            Self::Ultimate => 25,
        }
    }

    /// The API credits of 24 hours with so many users (API Limits pages of CRM and of Bigin; the
    /// newest of the upper bounds, which have changed).
    pub fn daily_credits(self, users: u32) -> u64 {
        let (each, most) = match self {
            Self::Free | Self::BiginFree => return 5000,
            Self::Standard | Self::BiginExpress | Self::BiginPremier => (250, 100_000),
            Self::Professional => (500, 3_000_000),
            Self::Enterprise => (1000, 5_000_000),
            Self::Ultimate => (2000, u64::MAX),
        };
        most.min(50_000 + each * u64::from(users))
    }

    /// What the org's `paid_type` says, and whether it pays (Organization page). Bigin's page shows
    /// no sample.
    pub(crate) const fn paid(self) -> (&'static str, bool) {
        match self {
            Self::Free | Self::BiginFree => ("free", false),
            Self::BiginExpress => ("express", true),
            Self::BiginPremier => ("premier", true),
            Self::Standard | Self::Professional | Self::Enterprise | Self::Ultimate => {
                (self.name(), true)
            }
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Edition {
    type Err = EditionError;

    fn from_str(text: &str) -> Result<Self, EditionError> {
        let found = Self::ALL.into_iter().find(|edition| edition.name() == text);
        found.ok_or_else(|| EditionError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edition_is_read_back_from_its_name() {
        for edition in Edition::ALL {
            assert_eq!(edition.name().parse(), Ok(edition));
        }
        let error = "Enterprise".parse::<Edition>().unwrap_err().to_string();
        assert!(error.ends_with("ultimate, bigin-free, bigin-express, bigin-premier"), "{error}");
    }

    #[test]
    fn credits_grow_with_the_users_up_to_a_bound() {
        for (edition, at_once, two, many) in [
            (Edition::Free, 5, 5000, 5000),
            (Edition::Standard, 10, 50_500, 100_000),
            (Edition::Professional, 15, 51_000, 3_000_000),
            (Edition::Enterprise, 20, 52_000, 5_000_000),
            (Edition::Ultimate, 25, 54_000, 200_050_000),
            (Edition::BiginFree, 5, 5000, 5000),
            (Edition::BiginExpress, 10, 50_500, 100_000),
            (Edition::BiginPremier, 10, 50_500, 100_000),
        ] {
            assert_eq!(edition.concurrency_limit(), at_once, "{edition}");
            assert_eq!(edition.daily_credits(2), two, "{edition}");
            assert_eq!(edition.daily_credits(100_000), many, "{edition}");
        }
    }
}
