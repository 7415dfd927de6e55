//! Records by ids: `GET {module}?ids=`, or `GET {module}/{id}` for one (CRM v7 Get Records page).
//!
//! `converted=both` is always sent: without it a converted lead is left out and looks deleted. What a
//! deleted id brings is documented nowhere, so every way of saying "nothing" counts: 204, no body, and
//! `INVALID_DATA` that points into the path.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::answer::{ReadError, RecordSeen};
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::target::{ApiVersion, Product};
use crate::zoho::reads::{Content, Fetched, joined, names_no_record, root};
use crate::zoho::wire::{present, tag_names, time};

/// What is asked for; `fields` is mandatory unless one record is read by its path (CRM v7 page).
const QUERY: &str = "fields=id,Modified_Time&converted=both";
/// The same, with the records' tags.
const WITH_TAGS: &str = "fields=id,Tag,Modified_Time&converted=both";

#[derive(Debug, Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "Modified_Time")]
    modified_time: Option<&'a RawValue>,
    /// `null` is an empty list; a field that is missing is not.
    #[serde(borrow, default, rename = "Tag", deserialize_with = "present")]
    tags: Option<&'a RawValue>,
}

/// `GET {module}?ids=`, or `GET {module}/{id}`.
pub(crate) fn path(
    product: Product,
    version: ApiVersion,
    module: &ModuleName,
    ids: &[RecordId],
    with_tags: bool,
) -> Result<String, ReadError> {
    let root = root(product, version)?;
    let query = if with_tags { WITH_TAGS } else { QUERY };
    Ok(match ids {
        [id] => format!("{root}/{module}/{id}?{query}"),
        _ => format!("{root}/{module}?ids={}&{query}", joined(ids)?),
    })
}

/// Which of the records can be read.
pub(crate) fn read(
    fetched: &Fetched,
    asked: &[RecordId],
    with_tags: bool,
) -> Result<Vec<RecordSeen>, ReadError> {
    let listing = match fetched.content()? {
        Content::Nothing => return Ok(Vec::new()),
        Content::Refused(verdict)
            if asked.len() == 1 && names_no_record(fetched, &verdict, u64::MAX) =>
        {
            return Ok(Vec::new());
        }
        Content::Refused(verdict) => return Err(fetched.refused(verdict)),
        Content::Body(body) => fetched.parse_listing(body)?,
    };
    let Some(list) = &listing.data else {
        return Err(fetched.unusable("it holds no list"));
    };
    let mut rows = Vec::with_capacity(list.0.len());
    for raw in &list.0 {
        let row: Row<'_> = fetched.row(raw)?;
        let tags = row.tags.and_then(tag_names);
        // A record without tags has an empty list. One whose tags are not told says nothing.
        if with_tags && tags.is_none() {
            return Err(fetched.unusable("a record's tags are not told"));
        }
        rows.push(RecordSeen {
            id: fetched.row_id(row.id)?,
            modified_time: row.modified_time.and_then(time),
            tags,
        });
    }
    let found: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
    fetched.check_rows(&listing, &found, asked)?;
    Ok(rows)
}
