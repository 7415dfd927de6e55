//! The recycle bin by ids: `GET settings/recycle_bin?ids=`, always v8 (CRM v7 Get Recycle Bin page, OAS
//! `recycle_bin.json`). An item's id is the id of the record that it was.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::answer::{Deletion, ReadError};
use crate::domain::id::RecordId;
use crate::zoho::reads::{Fetched, Named, PER_PAGE, joined};
use crate::zoho::wire::time;

/// The path of the recycle bin's calls, whatever version deletes: reading it came with v6, and restoring
/// is documented for v8 only (CRM v8 Restore Recycle Bin Records page).
const RECYCLE_BIN: &str = "/crm/v8/settings/recycle_bin";

#[derive(Debug, Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    deleted_by: Option<&'a RawValue>,
    #[serde(borrow)]
    deleted_time: Option<&'a RawValue>,
}

/// `GET settings/recycle_bin?ids=`.
pub(crate) fn path(ids: &[RecordId]) -> Result<String, ReadError> {
    Ok(format!("{RECYCLE_BIN}?ids={}&per_page={PER_PAGE}", joined(ids)?))
}

/// Which of the records lie in the bin.
pub(crate) fn read(fetched: &Fetched, asked: &[RecordId]) -> Result<Vec<Deletion>, ReadError> {
    let Some(listing) = fetched.listing()? else {
        return Ok(Vec::new());
    };
    let Some(list) = &listing.recycle_bin else {
        return Err(fetched.unusable("it holds no list"));
    };
    let mut rows = Vec::with_capacity(list.0.len());
    for raw in &list.0 {
        let row: Row<'_> = fetched.row(raw)?;
        rows.push(Deletion {
            id: fetched.row_id(row.id)?,
            deleted_by: Named::id_in(row.deleted_by),
            deleted_time: row.deleted_time.and_then(time),
            permanent: false,
        });
    }
    let found: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
    fetched.check_rows(&listing, &found, asked)?;
    Ok(rows)
}
