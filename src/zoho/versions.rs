//! What each API version takes, as one table. A new product or version is a new line here.

use crate::domain::target::{ApiVersion, Product};

/// One version of one product's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    /// The product.
    pub product: Product,
    /// The version.
    pub version: ApiVersion,
    /// The path before module names and settings.
    pub root: &'static str,
    /// Whether deleting takes `wf_trigger`. It is then always sent, since its default is `true`.
    pub delete_takes_wf_trigger: bool,
    /// Which of Zoho's pages or files says so for deleting.
    pub delete_source: &'static str,
}

/// The versions that this program can speak.
///
/// The delete call has the same form in all versions of CRM; of v2.1 and v6 no page was read, and they
/// are taken to be like their neighbours. The OAS YAML of v8 leaves `wf_trigger` out, the older OAS
/// JSON and the SDK of v8 have it.
#[rustfmt::skip]
pub const APIS: &[Api] = &[
    crm(ApiVersion::V2,   "/crm/v2",   "CRM v2 Delete Records page"),
    crm(ApiVersion::V2_1, "/crm/v2.1", "as v2 and v3"),
    crm(ApiVersion::V3,   "/crm/v3",   "CRM v3 Delete Records page"),
    crm(ApiVersion::V4,   "/crm/v4",   "CRM v4 Delete Records page"),
    crm(ApiVersion::V5,   "/crm/v5",   "CRM v5 Delete Records page"),
    crm(ApiVersion::V6,   "/crm/v6",   "as v5 and v7"),
    crm(ApiVersion::V7,   "/crm/v7",   "CRM v7 Delete Records page"),
    crm(ApiVersion::V8,   "/crm/v8",   "OAS record.json; Python SDK 8.0, DeleteRecordsParam"),
];

/// The path of the recycle bin's calls, whatever version deletes: reading it came with v6 and restoring
/// is documented for v8 only (CRM v8 Restore Recycle Bin Records page).
pub const RECYCLE_BIN: &str = "/crm/v8/settings/recycle_bin";

const fn crm(version: ApiVersion, root: &'static str, delete_source: &'static str) -> Api {
    Api { product: Product::Crm, version, root, delete_takes_wf_trigger: true, delete_source }
}

impl Api {
    /// The table's line for a product's version; `None` when this program cannot speak it.
    pub fn of(product: Product, version: ApiVersion) -> Option<&'static Self> {
        APIS.iter().find(|api| api.product == product && api.version == version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_that_crm_offers_is_in_the_table_once() {
        for version in ApiVersion::ALL {
            let lines =
                APIS.iter().filter(|api| api.product == Product::Crm && api.version == *version);
            assert_eq!(
                lines.count(),
                usize::from(version.is_offered_by(Product::Crm)),
                "{version}"
            );
        }
    }

    #[test]
    fn roots_carry_their_version() {
        for api in APIS {
            assert_eq!(api.root, format!("/{}/{}", api.product, api.version));
        }
    }
}
