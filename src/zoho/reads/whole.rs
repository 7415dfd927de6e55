//! One record with all its fields: `GET {module}/{id}` without `fields`, which is the one read that needs none
//! (CRM v7 Get Records page). Nothing but the caller sees what stands in it.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::answer::ReadError;
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::target::{ApiVersion, Product};
use crate::zoho::reads::{Content, Fetched, names_no_record, root};

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

/// `GET {module}/{id}`; a converted lead is a record, too.
pub(crate) fn path(
    product: Product,
    version: ApiVersion,
    module: &ModuleName,
    id: RecordId,
) -> Result<String, ReadError> {
    Ok(format!("{}/{module}/{id}?converted=both", root(product, version)?))
}

/// The record, verbatim; `None` where there is none.
pub(crate) fn read(fetched: &Fetched, id: RecordId) -> Result<Option<SecretString>, ReadError> {
    let listing = match fetched.content()? {
        Content::Nothing => return Ok(None),
        Content::Refused(verdict) if names_no_record(fetched, &verdict, u64::MAX) => {
            return Ok(None);
        }
        Content::Refused(verdict) => return Err(fetched.refused(verdict)),
        Content::Body(body) => fetched.parse_listing(body)?,
    };
    let Some(rows) = &listing.data else {
        return Err(fetched.unusable("it holds no list"));
    };
    let [raw] = rows.0.as_slice() else {
        return Err(fetched.unusable("it is not about one record"));
    };
    let row: Row<'_> = fetched.row(raw)?;
    if fetched.row_id(row.id)? != id {
        return Err(fetched.unusable("it is about an id that was not asked for"));
    }
    Ok(Some(SecretString::from(raw.get())))
}
