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
use crate::domain::template::percent_encoded;
use crate::zoho::reads::{Content, Fetched, Listing, PER_PAGE, joined, names_no_record, root};
use crate::zoho::wire::{present, tag_names, time};

/// What is asked for; `fields` is mandatory unless one record is read by its path (CRM v7 page).
const QUERY: &str = "fields=id,Modified_Time&converted=both";
/// The same, with the records' tags.
const WITH_TAGS: &str = "fields=id,Tag,Modified_Time&converted=both";

/// Where a page of all records begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageAt {
    /// By its number, from 1: up to 2,000 records (CRM v7 Get Records page).
    Number(u32),
    /// By the token that the page before gave: up to 100,000 records.
    Token(String),
}

/// The records of one page, and where the next one begins; `None` on the last.
pub type RecordPage = (Vec<RecordSeen>, Option<PageAt>);

/// The longest token that is taken for one.
const TOKEN_MAX: usize = 1000;

/// One page of `GET {module}`, with the tags of each record.
pub(crate) fn page_path(
    product: Product,
    version: ApiVersion,
    module: &ModuleName,
    at: &PageAt,
) -> Result<String, ReadError> {
    let root = root(product, version)?;
    let at = match at {
        PageAt::Number(page) => format!("page={page}"),
        PageAt::Token(token) => format!("page_token={}", percent_encoded(token)),
    };
    Ok(format!("{root}/{module}?{WITH_TAGS}&per_page={PER_PAGE}&{at}"))
}

/// The records of one page, and where the next one begins; `None` on the last.
pub(crate) fn read_page(fetched: &Fetched, at: &PageAt) -> Result<RecordPage, ReadError> {
    let Some(listing) = fetched.listing()? else { return Ok((Vec::new(), None)) };
    let rows = rows(fetched, &listing, true)?;
    let more = listing.more().unwrap_or(rows.len() >= PER_PAGE);
    let token = listing.next_page_token().filter(|token| (1..=TOKEN_MAX).contains(&token.len()));
    let next = match (more, token, at) {
        (false, _, _) => None,
        (true, Some(token), _) => Some(PageAt::Token(token)),
        (true, None, PageAt::Number(page)) => Some(PageAt::Number(page.saturating_add(1))),
        (true, None, PageAt::Token(_)) => {
            return Err(fetched.unusable("there are more records, and nothing says where"));
        }
    };
    Ok((rows, next))
}

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
    let rows = rows(fetched, &listing, with_tags)?;
    let found: Vec<RecordId> = rows.iter().map(|row| row.id).collect();
    fetched.check_rows(&listing, &found, asked)?;
    Ok(rows)
}

fn rows(
    fetched: &Fetched,
    listing: &Listing<'_>,
    with_tags: bool,
) -> Result<Vec<RecordSeen>, ReadError> {
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
    Ok(rows)
}
