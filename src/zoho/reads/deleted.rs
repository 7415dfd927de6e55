//! The list of deleted records: `GET {module}/deleted?type=all` since a time (CRM v2 and v7 Get Deleted
//! Records pages, OAS record.json). It reaches back 60 days for the recycle bin, 120 for the rest.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::answer::{Deletion, Page, ReadError};
use crate::domain::id::ModuleName;
use crate::domain::target::{ApiVersion, Product};
use crate::zoho::reads::{Fetched, Named, PER_PAGE, root};
use crate::zoho::wire::{text, time};

#[derive(Debug, Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    /// `null` for permanent entries.
    #[serde(borrow)]
    deleted_by: Option<&'a RawValue>,
    #[serde(borrow)]
    deleted_time: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
}

/// `GET {module}/deleted`, one page, counted from 1.
pub(crate) fn path(
    product: Product,
    version: ApiVersion,
    module: &ModuleName,
    page: u32,
) -> Result<String, ReadError> {
    Ok(format!(
        "{}/{module}/deleted?type=all&page={}&per_page={PER_PAGE}",
        root(product, version)?,
        page.max(1)
    ))
}

/// The page's rows. Where an answer does not say whether another page follows, a full one has one.
pub(crate) fn read(fetched: &Fetched) -> Result<Page<Deletion>, ReadError> {
    let Some(listing) = fetched.listing()? else {
        return Ok(Page { rows: Vec::new(), more: false });
    };
    let Some(list) = &listing.data else {
        return Err(fetched.unusable("it holds no list"));
    };
    let mut rows = Vec::with_capacity(list.0.len());
    for raw in &list.0 {
        let row: Row<'_> = fetched.row(raw)?;
        rows.push(Deletion {
            id: fetched.row_id(row.id)?,
            deleted_by: Named::id_in(row.deleted_by),
            deleted_time: row.deleted_time.and_then(time),
            permanent: row.kind.and_then(text).as_deref() == Some("permanent"),
        });
    }
    let more = listing.more().unwrap_or(rows.len() >= PER_PAGE);
    Ok(Page { rows, more })
}
