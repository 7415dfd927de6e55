//! A record's related list: `GET {module}/{id}/{list}?fields=&ids=` (CRM v7 Get Related Records page, OAS
//! `related_records.json`). 204 when nothing is in it; 404 `INVALID_DATA` when the record is not there.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::answer::{Page, ReadError, Related, Verdict};
use crate::domain::id::RecordId;
use crate::domain::limits::RELATED_PER_PAGE;
use crate::zoho::api::ListAsked;
use crate::zoho::reads::{Content, Fetched, joined, names_no_record, root};
use crate::zoho::wire::{capped, text};

/// How much of a relation's own value is kept, in characters.
const VALUE_MAX: usize = 200;

#[derive(Debug, Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "Member_Status")]
    member_status: Option<&'a RawValue>,
    #[serde(borrow)]
    list_price: Option<&'a RawValue>,
}

/// `GET {module}/{id}/{list}`, one page, counted from 1.
pub(crate) fn path(
    asked: &ListAsked<'_>,
    ids: &[RecordId],
    page: u32,
) -> Result<String, ReadError> {
    let ListAsked { product, version, module, parent, list, field } = asked;
    let root = root(*product, *version)?;
    let field = field.map(|field| format!(",{field}")).unwrap_or_default();
    Ok(format!(
        "{root}/{module}/{parent}/{list}?fields=id{field}&ids={}&page={}&per_page={RELATED_PER_PAGE}",
        joined(ids)?,
        page.max(1)
    ))
}

/// Which of the records stand in the list. Rows that were not asked for are left out: that `ids` narrows
/// the list is documented for some versions only. `None` when the record itself is not there.
pub(crate) fn read(
    fetched: &Fetched,
    asked: &[RecordId],
) -> Result<Option<Page<Related>>, ReadError> {
    let listing = match fetched.content()? {
        Content::Nothing => return Ok(Some(Page { rows: Vec::new(), more: false })),
        // `resource_path_index` 0 is the record; 2 would be the list.
        Content::Refused(verdict) if names_no_record(fetched, &verdict, 1) => return Ok(None),
        // The list: no such relation.
        Content::Refused(Verdict { code, message, resource_path_index: Some(2), .. })
            if code == "INVALID_DATA" =>
        {
            return Err(ReadError::NotThere { code, message });
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
        let value = |raw: Option<&RawValue>| {
            raw.and_then(text).map(|text| capped(&text, VALUE_MAX)).filter(|text| !text.is_empty())
        };
        rows.push(Related {
            id: fetched.row_id(row.id)?,
            member_status: value(row.member_status),
            list_price: value(row.list_price),
        });
    }
    let more = listing.more().unwrap_or(rows.len() >= RELATED_PER_PAGE);
    rows.retain(|row| asked.contains(&row.id));
    Ok(Some(Page { rows, more }))
}
