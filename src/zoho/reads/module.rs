//! A module's metadata: `GET settings/modules/{module}` (OAS modules.json).

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::answer::{ModuleInfo, ReadError};
use crate::domain::id::ModuleName;
use crate::domain::target::{ApiVersion, Product};
use crate::zoho::reads::{Fetched, root};
use crate::zoho::wire::{boolean, record_id, text};

#[derive(Debug, Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    api_name: Option<&'a RawValue>,
    #[serde(borrow)]
    deletable: Option<&'a RawValue>,
    #[serde(borrow)]
    api_supported: Option<&'a RawValue>,
    #[serde(borrow)]
    recycle_bin_on_delete: Option<&'a RawValue>,
}

/// `GET settings/modules/{module}`.
pub(crate) fn path(
    product: Product,
    version: ApiVersion,
    module: &ModuleName,
) -> Result<String, ReadError> {
    Ok(format!("{}/settings/modules/{module}", root(product, version)?))
}

/// What is said about the module.
pub(crate) fn read(fetched: &Fetched, module: &ModuleName) -> Result<ModuleInfo, ReadError> {
    let Some(listing) = fetched.listing()? else {
        return Err(ReadError::NotThere {
            code: "NO_CONTENT".to_owned(),
            message: format!("nothing is known about the module {module}"),
        });
    };
    let list = listing.modules.map(|list| list.0).unwrap_or_default();
    let [only] = list.as_slice() else {
        return Err(fetched.unusable("it does not describe exactly one module"));
    };
    let row: Row<'_> = fetched.row(only)?;
    if let Some(name) = row.api_name.and_then(text)
        && !name.eq_ignore_ascii_case(module.as_str())
    {
        return Err(fetched.unusable("it describes another module"));
    }
    Ok(ModuleInfo {
        id: row.id.and_then(record_id),
        deletable: row.deletable.and_then(boolean).unwrap_or(true),
        api_supported: row.api_supported.and_then(boolean).unwrap_or(true),
        recycle_bin_on_delete: row.recycle_bin_on_delete.and_then(boolean),
    })
}
