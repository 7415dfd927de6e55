//! `page_token`: how a module is read beyond its first 2,000 records.
//!
//! Get Records page, Zoho's Kaizen 60, later `OpenAPI` texts for the codes and for what `info` tells.
//! What they leave open: a token goes on after the last record that was shown, so whoever deletes
//! records between two pages misses none.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::super::answer::{Answer, Content};
use super::super::call::Call;
use super::super::state::{Module, Record};
use super::super::time::{DAY_MS, zoho_time};
use super::page::PageAsked;

/// Page numbers reach so many records.
const BY_NUMBER: usize = 2000;
/// Tokens reach so many.
const BY_TOKEN: usize = 100_000;
/// The parameters that a token does not hold.
const NOT_BOUND: [&str; 2] = ["page", "page_token"];

/// Where a page begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begin {
    page: PageAsked,
    /// How many records were shown before, and the last of them.
    after: Option<(usize, u64)>,
    is_by_token: bool,
}

impl Begin {
    /// What the call asks for, or the error for the call as a whole.
    pub(crate) fn read(call: &Call, has_tokens: bool, now: i64) -> Result<Self, Answer> {
        let page = PageAsked::read(call)?;
        let token = call.parameter("page_token").filter(|text| has_tokens && !text.is_empty());
        let Some(token) = token else {
            if page.end() > BY_NUMBER {
                return Err(beyond_numbers());
            }
            return Ok(Self { page, after: None, is_by_token: false });
        };
        if call.parameter("page").is_some() {
            return Err(ambiguous());
        }
        let (seen, last, until) = parse(token, call).ok_or_else(mismatch)?;
        if until < now {
            return Err(expired());
        }
        if seen.saturating_add(page.size()) > BY_TOKEN {
            return Err(beyond_tokens());
        }
        Ok(Self { page, after: Some((seen, last)), is_by_token: true })
    }

    /// The page's part of a module's records, with the token of the next one.
    pub(crate) fn answer(
        self,
        (module, call, now): (&Module, &Call, i64),
        wanted: impl Fn(&Record) -> bool,
        row: impl Fn(u64) -> Value,
    ) -> Answer {
        let size = self.page.size();
        let (seen, last) = self.after.unwrap_or((self.page.end() - size, u64::MAX));
        let skipped = if self.is_by_token { 0 } else { seen };
        let rows = module.older_than(last).filter(|(_, record)| wanted(record));
        let mut ids = rows.map(|(id, _)| id).skip(skipped);
        let shown: Vec<u64> = ids.by_ref().take(size).collect();
        let Some(end) = shown.last().copied() else {
            return Answer::nothing();
        };
        let more = ids.next().is_some();
        let until = now.saturating_add(DAY_MS);
        let next = more.then(|| write(seen + shown.len(), end, until, call));
        let info = json!({
            "per_page": size,
            "count": shown.len(),
            "page": seen / size + 1,
            "sort_by": "id",
            "sort_order": "desc",
            "more_records": more,
            "page_token_expiry": more.then(|| zoho_time(until)),
            "next_page_token": next,
            // A way back is not simulated.
            "previous_page_token": null,
        });
        let rows: Vec<Value> = shown.into_iter().map(row).collect();
        Answer::new(200, Content::Json(json!({"data": rows, "info": info})))
    }
}

/// A token: how many records were shown, the last of them, until when it is good, and a sum over
/// that and everything else that the call says.
fn write(seen: usize, last: u64, until: i64, call: &Call) -> String {
    let text = format!("{seen:08x}{last:016x}{until:016x}");
    let sum = sum(&text, call);
    format!("{text}{sum:016x}")
}

fn parse(token: &str, call: &Call) -> Option<(usize, u64, i64)> {
    if token.len() != 56 {
        return None;
    }
    let (text, given) = token.split_at_checked(40)?;
    if u64::from_str_radix(given, 16).ok()? != sum(text, call) {
        return None;
    }
    let (seen, rest) = text.split_at_checked(8)?;
    let (last, until) = rest.split_at_checked(16)?;
    let seen = usize::from_str_radix(seen, 16).ok()?;
    let last = u64::from_str_radix(last, 16).ok()?;
    Some((seen, last, i64::from_str_radix(until, 16).ok()?))
}

/// The same for the same path and parameters, in every process.
fn sum(text: &str, call: &Call) -> u64 {
    let mut bound: Vec<&(String, String)> =
        call.query.iter().filter(|(name, _)| !NOT_BOUND.contains(&name.as_str())).collect();
    bound.sort();
    let mut hasher = DefaultHasher::new();
    (text, &call.segments, bound).hash(&mut hasher);
    hasher.finish()
}

fn beyond_numbers() -> Answer {
    let message = "You can only get the first 2000 records without using page_token param";
    let details = json!({"limit": BY_NUMBER});
    Answer::error(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", message, details)
}

fn beyond_tokens() -> Answer {
    let message = "You can only get upto 100000 records using page_token param";
    let details = json!({"param_name": "page_token"});
    Answer::error(400, "PAGINATION_LIMIT_EXCEEDED", message, details)
}

fn mismatch() -> Answer {
    let message =
        "The page_token given seems to be invalid or input param is added or altered or deleted";
    let details = json!({"param_name": "page_token"});
    Answer::error(400, "TOKEN_BOUND_DATA_MISMATCH", message, details)
}

fn expired() -> Answer {
    let details = json!({"api_name": "page_token", "json_path": "$.query.page_token"});
    Answer::error(400, "EXPIRED_VALUE", "Page token expired", details)
}

fn ambiguous() -> Answer {
    let due_to = NOT_BOUND.map(|name| json!({"param_name": name}));
    let details = json!({"ambiguity_due_to": due_to});
    Answer::error(400, "AMBIGUITY_DURING_PROCESSING", "Ambiguity during processing", details)
}
