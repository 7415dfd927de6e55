//! The tags of a module: `GET settings/tags?module=` (CRM v7 Get Tags page, OAS tags.json). No paging is
//! documented: an answer that says that there is more is unusable, since a tag that it leaves out would
//! look deleted.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::answer::{ReadError, TagSeen};
use crate::domain::id::ModuleName;
use crate::domain::target::{ApiVersion, Product};
use crate::zoho::reads::{Fetched, root};
use crate::zoho::wire::{capped, text};

/// How much of a tag's name is kept, in characters: the longest that Zoho takes, and some.
const NAME_MAX: usize = 100;

#[derive(Debug, Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    color_code: Option<&'a RawValue>,
}

/// `GET settings/tags?module=`.
pub(crate) fn path(
    product: Product,
    version: ApiVersion,
    module: &ModuleName,
) -> Result<String, ReadError> {
    Ok(format!("{}/settings/tags?module={module}", root(product, version)?))
}

/// All tags of the module.
pub(crate) fn read(fetched: &Fetched) -> Result<Vec<TagSeen>, ReadError> {
    let Some(listing) = fetched.listing()? else {
        return Ok(Vec::new());
    };
    let Some(list) = &listing.tags else {
        return Err(fetched.unusable("it holds no list"));
    };
    if listing.more() == Some(true) {
        return Err(fetched.unusable("it does not hold all tags"));
    }
    let mut tags = Vec::with_capacity(list.0.len());
    for raw in &list.0 {
        let row: Row<'_> = fetched.row(raw)?;
        let name = row.name.and_then(text).ok_or_else(|| fetched.unusable("a tag has no name"))?;
        tags.push(TagSeen {
            id: fetched.row_id(row.id)?,
            name: capped(&name, NAME_MAX),
            color: row.color_code.and_then(text).map(|color| capped(&color, 20)),
        });
    }
    Ok(tags)
}
