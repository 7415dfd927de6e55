//! What operations are done to, as people read it.

use std::time::Duration;

use crate::cli::output::words::{counted, in_words as in_two_units};
use crate::domain::plan::GroupKey;
use crate::domain::scope::{Operation, TagSet};
use crate::domain::target::Product;
use crate::export::cell::visible_short;

/// So many items of an operation: `1 record`, `3 related records`, `2 tags`.
pub(crate) fn counted_items(operation: Operation, number: u64) -> String {
    let (one, many) = match operation {
        Operation::Delete | Operation::Untag | Operation::Restore | Operation::Retag => {
            ("record", "records")
        }
        Operation::Unlink | Operation::Relink => ("related record", "related records"),
        Operation::DeleteTags | Operation::RecreateTags => ("tag", "tags"),
    };
    counted(number, one, many)
}

/// `tag "Prime"`, `tags "Attend First", "Prime"`.
pub(crate) fn named_tags(tags: &TagSet) -> String {
    let names: Vec<String> = tags.names().iter().map(|name| quoted(name.as_str())).collect();
    let noun = if names.len() == 1 { "tag" } else { "tags" };
    format!("{noun} {}", names.join(", "))
}

/// Outside text between quotes, cut and made visible.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", visible_short(text, 60))
}

/// Why a request was set aside: after so many refusals in a row, 0 where Zoho does not know its module.
pub(crate) fn set_aside_in_words(refusals: u64) -> String {
    match refusals {
        0 => "set aside since Zoho does not know its module".to_owned(),
        _ => format!("set aside after {refusals} refusals in a row"),
    }
}

/// `workflows WILL run` or `no workflows`: part of every output that plans, records or sends deletions.
pub(crate) fn workflows_in_words(workflows: bool) -> &'static str {
    if workflows { "workflows WILL run" } else { "no workflows" }
}

/// When evidence that a thing is still there counts.
pub(crate) fn quarantine_in_words(quarantine: Duration) -> String {
    format!(
        "quarantine {}: for so long a call without an answer may still take effect, and what is still \
         there decides nothing",
        in_two_units(quarantine)
    )
}

/// Which product is meant, where it is not the usual one.
pub(crate) const fn in_product(product: Product) -> &'static str {
    match product {
        Product::Crm => "",
        Product::Bigin => " in Bigin",
    }
}

/// `unlink 7 related records of Campaigns`.
pub(crate) fn in_words(key: &GroupKey, entries: u64) -> String {
    let items = counted_items(key.operation, entries);
    format!("{} {items} of {}{}", key.operation, key.module, in_product(key.product))
}

/// What else there is to say, in brackets with a blank before them; empty where that is all.
pub(crate) fn in_brackets(key: &GroupKey) -> String {
    match (key.operation, &key.list, &key.tags) {
        (Operation::Delete, _, _) => format!(" ({})", workflows_in_words(key.workflows)),
        (Operation::Untag | Operation::Retag, _, Some(tags)) => format!(" ({})", named_tags(tags)),
        (Operation::Untag | Operation::Retag, _, None) => " (names erased)".to_owned(),
        (Operation::Unlink | Operation::Relink, Some(list), _) => format!(" (list {list})"),
        (Operation::Unlink | Operation::Relink, None, _)
        | (Operation::DeleteTags | Operation::Restore | Operation::RecreateTags, _, _) => {
            String::new()
        }
    }
}
