//! A write call as the bytes that will leave, and the template from which they are rebuilt later.
//!
//! The journal keeps template and ids apart, so that an id can be forgotten; from both together an
//! auditor gets the exact request again.

use crate::domain::call::{CallItem, CallKind, Operation};
use crate::domain::id::RecordId;
use crate::domain::target::{ApiVersion, Product};
use crate::zoho::delete;

/// The longest path and query that is sent, in bytes.
///
/// 100 ids of 19 digits with their commas are 1,999; the related-records call of the OAS YAML allows its
/// `ids` 2,000. The longest module name and the rest fit beside them.
pub const MAX_PATH_AND_QUERY: usize = 2_200;

/// Stands in a template for all ids, joined by bare commas.
const IDS: &str = "{ids}";
/// Stands in a template for the only id.
const ID: &str = "{id}";

/// One write call, without host and token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRequest {
    /// The HTTP method, in capitals.
    pub method: String,
    /// Path and query as they stand in the request line; ids are joined by bare commas.
    pub path_and_query: String,
    /// The body; `None` where the call has none.
    pub body: Option<Vec<u8>>,
}

/// Why a call cannot be written. Nothing was sent; the same items will never fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// A call about nothing. An empty `ids` could be read as "all".
    #[error("a call needs at least one id")]
    Empty,
    /// More items than one call may carry.
    #[error("{given} ids in one call, where the API takes {limit}: cut smaller batches")]
    TooMany {
        /// How many there are.
        given: usize,
        /// How many the API takes.
        limit: usize,
    },
    /// The same id twice; what Zoho does then is documented nowhere.
    #[error("id {0} is in one call twice: send it once")]
    Twice(RecordId),
    /// This program cannot speak that version of that product.
    #[error("{operation} is not available for {product} {version}: choose another API version")]
    NotOffered {
        /// The operation.
        operation: Operation,
        /// The product.
        product: Product,
        /// The version.
        version: ApiVersion,
    },
    /// The request line would be too long.
    #[error(
        "the request line has {bytes} bytes, more than {MAX_PATH_AND_QUERY}: cut smaller batches"
    )]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The text is no template of a call, or its placeholder does not suit the number of ids.
    #[error("\"{0}\" is no template for these ids")]
    BadTemplate(String),
}

/// The call that carries these items.
pub fn request(kind: &CallKind, items: &[CallItem]) -> Result<WriteRequest, RequestError> {
    match kind.operation {
        Operation::Delete => delete::request(kind, items),
    }
}

/// The call's template, for one item (`single`) or for several.
pub fn template(kind: &CallKind, single: bool) -> Result<String, RequestError> {
    match kind.operation {
        Operation::Delete => delete::template(kind, single),
    }
}

/// Rebuilds a call from a template such as `DELETE /crm/v8/Leads?ids={ids}&wf_trigger=true` and its ids,
/// in the order in which they were sent. What follows a template's first line is the body.
pub fn rebuild(template: &str, ids: &[RecordId]) -> Result<WriteRequest, RequestError> {
    let bad = || RequestError::BadTemplate(template.escape_debug().take(120).collect());
    let single = template.contains(ID);
    // Exactly one placeholder: an id list that is sent twice, or not at all, is another call.
    if template.matches(ID).count() + template.matches(IDS).count() != 1
        || ids.is_empty()
        || (single && ids.len() != 1)
    {
        return Err(bad());
    }
    let joined = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let filled = template.replacen(if single { ID } else { IDS }, &joined, 1);
    let (line, body) = match filled.split_once('\n') {
        Some((line, body)) => (line, Some(body.as_bytes().to_vec())),
        None => (filled.as_str(), None),
    };
    let (method, path_and_query) = line.split_once(' ').ok_or_else(bad)?;
    let plain = !path_and_query.contains([' ', '#', '\r']);
    if method.is_empty() || !path_and_query.starts_with('/') || !plain {
        return Err(bad());
    }
    if path_and_query.len() > MAX_PATH_AND_QUERY {
        return Err(RequestError::TooLong { bytes: path_and_query.len() });
    }
    Ok(WriteRequest { method: method.to_owned(), path_and_query: path_and_query.to_owned(), body })
}

/// The items' ids, checked against the API's limit. The planner cuts batches by the same limit; this is
/// the second look, right before the bytes are made.
pub(super) fn checked_ids(items: &[CallItem], limit: usize) -> Result<Vec<RecordId>, RequestError> {
    if items.is_empty() {
        return Err(RequestError::Empty);
    }
    if items.len() > limit {
        return Err(RequestError::TooMany { given: items.len(), limit });
    }
    let ids: Vec<RecordId> = items.iter().map(|item| item.target).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    let twice = sorted.windows(2).find_map(|pair| match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    });
    match twice {
        Some(id) => Err(RequestError::Twice(id)),
        None => Ok(ids),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RecordId {
        text.parse().unwrap()
    }

    #[test]
    fn a_body_follows_the_first_line_of_a_template() {
        let rebuilt = rebuild(
            "POST /crm/v8/Leads/actions/x\n{\"ids\":[{ids}]}",
            &[id("4876876000000624001"), id("4876876000000624002")],
        )
        .unwrap();
        assert_eq!(rebuilt.method, "POST");
        assert_eq!(rebuilt.path_and_query, "/crm/v8/Leads/actions/x");
        assert_eq!(rebuilt.body.unwrap(), br#"{"ids":[4876876000000624001,4876876000000624002]}"#);
    }

    #[test]
    fn what_is_no_template_rebuilds_nothing() {
        let ids = [id("4876876000000624001"), id("4876876000000624002")];
        for (template, ids) in [
            ("", &ids[..]),
            ("DELETE /crm/v8/Leads", &ids[..]),
            ("DELETE /crm/v8/Leads/{id}", &ids[..]),
            ("DELETE /crm/v8/Leads?ids={ids}", &ids[..0]),
            ("DELETE /crm/v8/Leads?ids={ids}&more={ids}", &ids[..]),
            ("DELETE /crm/v8/{id}?ids={ids}", &ids[..1]),
            ("DELETE crm/v8/Leads?ids={ids}", &ids[..]),
            ("DELETE /crm/v8/Leads?ids={ids} HTTP/1.1", &ids[..]),
            ("DELETE /crm/v8/Leads#{ids}", &ids[..]),
            ("/crm/v8/Leads?ids={ids}", &ids[..]),
        ] {
            assert!(
                matches!(rebuild(template, ids), Err(RequestError::BadTemplate(_))),
                "{template:?}"
            );
        }
        let long = format!("DELETE /{}?ids={{ids}}", "x".repeat(2_200));
        assert!(matches!(rebuild(&long, &ids), Err(RequestError::TooLong { .. })));
    }
}
