//! Editions of Zoho CRM and Bigin, and what each allows: calls at once and API credits a day.

use crate::domain::target::Product;

/// An edition, named by what it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edition {
    /// CRM Free.
    Free,
    /// CRM Standard, formerly Starter.
    Standard,
    /// CRM Professional.
    Professional,
    /// CRM Enterprise, and CRM as a part of Zoho One.
    Enterprise,
    /// CRM Ultimate, and CRM as a part of CRM Plus.
    Ultimate,
    /// Bigin Free.
    BiginFree,
    /// Bigin Express.
    BiginExpress,
    /// Bigin Premier, and what is above it.
    BiginPremier,
}

impl Edition {
    /// Reads `license_details.paid_type` of `GET org`. Which words there are is documented nowhere: samples
    /// show `free` and `enterprise`, the rest are the names of the editions on Zoho's pages. Capitals and
    /// what stands between words do not count; what is not known is `None`.
    pub fn from_paid_type(product: Product, text: &str) -> Option<Self> {
        let word: String = text
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        let word = word.strip_prefix("bigin").unwrap_or(&word);
        Some(match (product, word) {
            (Product::Crm, "free") => Self::Free,
            (Product::Crm, "standard" | "starter") => Self::Standard,
            (Product::Crm, "professional") => Self::Professional,
            (Product::Crm, "enterprise" | "zohoone" | "one" | "zohooneenterprise") => {
                Self::Enterprise
            }
            (Product::Crm, "ultimate" | "crmplus" | "zohocrmplus") => Self::Ultimate,
            (Product::Bigin, "free") => Self::BiginFree,
            (Product::Bigin, "express") => Self::BiginExpress,
            (Product::Bigin, "premier" | "360" | "zohoone" | "one") => Self::BiginPremier,
            _ => return None,
        })
    }

    /// How many calls an org's app may have under way at once (CRM API Limits pages; Kaizen 93). Of Bigin no
    /// number was found: what CRM's smallest edition allows is safe.
    pub const fn concurrency(self) -> usize {
        match self {
            Self::Free | Self::BiginFree | Self::BiginExpress | Self::BiginPremier => 5,
            Self::Standard => 10,
            Self::Professional => 15,
            Self::Enterprise => 20,
            Self::Ultimate => 25,
        }
    }

    /// How many API credits there are in 24 hours for so many users.
    ///
    /// Formulas: CRM v4 API Limits page and Bigin API Limits page. Pages of different dates name different
    /// caps (Professional 3,000,000, 1,000,000 and 500,000; Enterprise 5,000,000, 2,000,000 and 1,000,000):
    /// the lowest is taken, so that a forecast never promises credits that are not there.
    pub fn daily_credits(self, users: u32) -> u64 {
        let (base, each, cap) = match self {
            Self::Free | Self::BiginFree => (5_000, 0, 5_000),
            Self::Standard | Self::BiginExpress | Self::BiginPremier => (50_000, 250, 100_000),
            Self::Professional => (50_000, 500, 500_000),
            Self::Enterprise => (50_000, 1_000, 1_000_000),
            Self::Ultimate => (50_000, 2_000, u64::MAX),
        };
        (base + each * u64::from(users)).min(cap)
    }

    /// The edition's name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "CRM Free",
            Self::Standard => "CRM Standard",
            Self::Professional => "CRM Professional",
            Self::Enterprise => "CRM Enterprise",
            Self::Ultimate => "CRM Ultimate",
            Self::BiginFree => "Bigin Free",
            Self::BiginExpress => "Bigin Express",
            Self::BiginPremier => "Bigin Premier",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editions_are_known_by_their_names_and_aliases() {
        let crm = |text| Edition::from_paid_type(Product::Crm, text);
        assert_eq!(crm("enterprise"), Some(Edition::Enterprise));
        assert_eq!(crm("Zoho One"), Some(Edition::Enterprise));
        assert_eq!(crm("CRM Plus"), Some(Edition::Ultimate));
        assert_eq!(crm("crm_plus"), Some(Edition::Ultimate));
        assert_eq!(crm("Starter"), Some(Edition::Standard));
        let bigin = |text| Edition::from_paid_type(Product::Bigin, text);
        assert_eq!(bigin("bigin_express"), Some(Edition::BiginExpress));
        assert_eq!(bigin("Premier"), Some(Edition::BiginPremier));
        for unknown in ["", "gold", "express", "entreprise"] {
            assert_eq!(crm(unknown), None, "{unknown}");
        }
        assert_eq!(bigin("enterprise"), None);
    }

    #[test]
    fn what_an_edition_allows_follows_its_users_up_to_the_lowest_cap() {
        assert_eq!(Edition::Free.daily_credits(50), 5_000);
        assert_eq!(Edition::Standard.daily_credits(10), 52_500);
        assert_eq!(Edition::Standard.daily_credits(u32::MAX), 100_000);
        assert_eq!(Edition::Professional.daily_credits(900), 500_000);
        assert_eq!(Edition::Enterprise.daily_credits(2), 52_000);
        assert_eq!(Edition::Enterprise.daily_credits(5_000), 1_000_000);
        assert_eq!(Edition::Ultimate.daily_credits(1_000), 2_050_000);
        assert_eq!(Edition::BiginPremier.daily_credits(3), 50_750);
        let at_once = [Edition::Free, Edition::Standard, Edition::Professional];
        assert_eq!(at_once.map(Edition::concurrency), [5, 10, 15]);
        let at_once = [Edition::Enterprise, Edition::Ultimate, Edition::BiginPremier];
        assert_eq!(at_once.map(Edition::concurrency), [20, 25, 5]);
    }
}
